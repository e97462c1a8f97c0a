"""Mapping files: what is accepted, and that a wrong one is told with its place and its cure."""

from pathlib import Path

import pytest

from headway.domain.errors import ConfigError
from headway.domain.records import KINDS
from headway.sources.table_mapping import DERIVED, FILLED_IN, TableMapping, load_mapping

GOOD = """
zone = "Europe/London"
[[table]]
file = "marks.csv"
kind = "results"
run = "{source_name}/{course}/2024"
learner = "who"
learner_is_pseudonym = true
occurred_at = "at"
[table.columns]
activity = "task"
score = { column = "mark", out_of = 20 }
"""


def load(folder: Path, text: str) -> TableMapping:
    place = folder / "map.toml"
    place.write_text(text, encoding="utf-8")
    return load_mapping(place)


def test_a_good_mapping_says_which_columns_it_uses(tmp_path: Path) -> None:
    (table,) = load(tmp_path, GOOD).table
    assert table.used() == ["course", "who", "task", "at", "mark"]
    assert table.columns["score"].out_of == 20


WRONG = {
    "unknown key of the file": ("zone = ", "zonne = ", "unknown key zonne, did you mean zone"),
    "unknown key of a table": ("file = ", "flie = ", "unknown key table.1.flie, did you mean file"),
    "unknown key of a value": ("out_of", "outof", "unknown key .*outof, did you mean out_of"),
    "unknown kind": ('"results"', '"result"', "did you mean results"),
    "unknown column of the kind": ("score =", "scoer =", "no column 'scoer' to map; did you mean score"),
    "derived column": ("score =", "submitted_on =", "worked out from submitted_at"),
    "missing column": ('activity = "task"', "", "also needs activity"),
    "no learner": ('learner = "who"\nlearner_is_pseudonym = true', "", "results needs learner"),
    "not said who": ("learner_is_pseudonym = true", "", "say whether the id names a person"),
    "run of two parts": ("{source_name}/{course}/2024", "{course}/2024", "source/course/run"),
    "open brace": ("{course}/2024", "{course/2024", "brace"),
    "unknown zone": ("Europe/London", "Europe/Londn", "Unknown time zone"),
    "scale of a text": ('activity = "task"', 'activity = { column = "task", out_of = 2 }', "take out_of away"),
    "no scale": ("out_of = 20", "out_of = 0", "greater than 0"),
    "column and constant": ("out_of = 20", 'constant = "1"', "either a column or a constant"),
    "format of a number": ("out_of = 20", 'format = "%Y"', "take format away"),
    "separator of a number": ("out_of = 20", 'separator = ","', "take away separator"),
    "text for a number": ("out_of = 20", 'out_of = "20"', "out_of"),
    "negative lag": ('occurred_at = "at"', 'occurred_at = "at"\nrecorded_at = { lag_days = -1 }', "lag_days"),
    "lag and column": (
        'occurred_at = "at"',
        'occurred_at = "at"\nrecorded_at = { lag_days = 1, column = "x" }',
        "unknown key",
    ),
    "encoding": ('file = "marks.csv"', 'file = "m"\nencoding = "utf-88"', "no encoding"),
    "delimiter": ('file = "marks.csv"', 'file = "m"\ndelimiter = "ab"', "delimiter"),
    "delimiter and quote": ('file = "marks.csv"', 'file = "m"\ndelimiter = ";"\nquote = ";"', "differ"),
    "no table": (GOOD[GOOD.index("[[table]]") :], "", "table"),
    "no TOML": ("[[table]]", "[[table", "is no TOML"),
    "source name": ("zone =", 'source_name = "A/B"\nzone =', "source_name"),
}


@pytest.mark.parametrize(("old", "new", "said"), WRONG.values(), ids=WRONG)
def test_a_wrong_mapping_is_told_with_its_place_and_its_cure(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError, match=said) as caught:
        load(tmp_path, GOOD.replace(old, new))
    assert "map.toml" in str(caught.value)


def test_a_mapping_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_mapping(tmp_path / "map.toml")


def test_what_is_worked_out_or_filled_in_exists_in_some_kind() -> None:
    columns = {name for kind in KINDS.values() for name in kind.schema.names}
    assert set(DERIVED) | set(DERIVED.values()) | FILLED_IN <= columns
