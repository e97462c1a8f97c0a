"""The csv source: what a mapping makes of a table, and what it does with rows that do not fit."""

import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from headway.domain.errors import ConfigError, InputError, SourceError
from headway.governance.pseudonyms import pseudonym
from headway.sources.csv_tables import CsvTables
from headway.sources.source import Request
from tests.contract.source_cases import Read, drain

KEY = b"a key for tests"
STATEMENTS = """
zone = "Europe/London"
[[table]]
file = "t*.csv"
kind = "statements"
run = "csv/C/R"
learner = "who"
learner_is_pseudonym = true
occurred_at = {occurred}
{more}
[table.columns]
verb = {{ constant = "viewed" }}
"""


def read(folder: Path, mapping: str, key: bytes = KEY, **files: str | bytes) -> Read:
    data = folder / "data"
    data.mkdir(exist_ok=True)
    for name, content in files.items():
        (data / f"{name}.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    (folder / "map.toml").write_text(mapping, encoding="utf-8")
    return drain(CsvTables(), Request([data], {"map": str(folder / "map.toml")}, key))


def statements(folder: Path, content: str, occurred: str = '"at"', more: str = "") -> Read:
    return read(folder, STATEMENTS.format(occurred=occurred, more=more), t=content)


def only(found: Read, kind: str = "statements") -> dict[str, Any]:
    (row,) = found.rows(kind)
    return row


TIMES = {
    "local time in summer": ("2024-10-26T23:30:00", '"at"', (2024, 10, 26, 22, 30), 23),
    "offset": ("2024-10-26T23:30:00+05:00", '"at"', (2024, 10, 26, 18, 30), 19),
    "UTC": ("2024-01-02 03:04:05Z", '"at"', (2024, 1, 2, 3, 4, 5), 3),
    "own zone": ("2024-01-02 03:04", '{ column = "at", zone = "America/New_York" }', (2024, 1, 2, 8, 4), 8),
    "format": ("2/1/24 3:04", '{ column = "at", format = "%-d/%-m/%y %-H:%M" }', (2024, 1, 2, 3, 4), 3),
    "format with offset": (
        "02.01.2024 03:04 +0200",
        '{ column = "at", format = "%d.%m.%Y %H:%M %z" }',
        (2024, 1, 2, 1, 4),
        1,
    ),
}


@pytest.mark.parametrize(("text", "occurred", "instant", "hour"), TIMES.values(), ids=TIMES)
def test_times_become_utc_instants(
    tmp_path: Path, text: str, occurred: str, instant: tuple[int, ...], hour: int
) -> None:
    row = only(statements(tmp_path, f"who,at\na,{text}\n", occurred))
    expected = datetime(*instant, tzinfo=UTC)  # type: ignore[arg-type, misc]  # a tuple of any length
    assert (row["occurred_at"], row["recorded_at"], row["hour"]) == (expected, expected, hour)


@pytest.mark.parametrize(
    ("text", "occurred"), [("2024-10-27", '"at"'), ("27/10/2024", '{ column = "at", format = "%d/%m/%Y" }')]
)
def test_a_day_without_a_time_is_known_when_it_is_over(tmp_path: Path, text: str, occurred: str) -> None:
    row = only(statements(tmp_path, f"who,at\na,{text}\n", occurred))
    assert row["occurred_at"] == datetime(2024, 10, 26, 23, tzinfo=UTC)
    assert row["recorded_at"] == datetime(2024, 10, 28, 0, tzinfo=UTC)
    assert (row["occurred_on"], row["hour"], row["interactions"]) == (date(2024, 10, 27), None, 1)


def test_a_lag_counts_local_days_over_a_change_of_the_clocks(tmp_path: Path) -> None:
    row = only(statements(tmp_path, "who,at\na,2024-10-26T12:00\n", more="recorded_at = { lag_days = 2 }"))
    assert row["recorded_at"] == datetime(2024, 10, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["soon", "2024-13-01", "infinity", "epoch", "0001-01-01", "2024-02-30T10:00", "294247-01-10"]
)
def test_what_is_no_time_goes_to_the_quarantine(tmp_path: Path, text: str) -> None:
    found = statements(tmp_path, f"who,at\na,{text}\nb,2024-01-01T10:00\n")
    assert found.reasons() == [("t.csv", 2, "bad_date")]
    assert only(found)["learner"] == "csv/b"


def test_a_row_known_before_it_happened_goes_to_the_quarantine(tmp_path: Path) -> None:
    found = statements(tmp_path, "who,at,known\na,2024-01-02T10:00,2024-01-02T09:59\n", more='recorded_at = "known"')
    assert found.reasons() == [("t.csv", 2, "known_too_early")]


def test_equal_rows_are_all_kept_and_the_same_rows_from_two_files_are_the_same_records(tmp_path: Path) -> None:
    content = "who,at\na,2024-01-02T10:00\na,2024-01-02T10:00\n"
    mapping = STATEMENTS.format(occurred='"at"', more="")
    found = read(tmp_path, mapping, t1=content, t2=content)
    ids = [row["id"] for row in found.rows("statements")]
    assert (len(ids), len(set(ids))) == (4, 2)


def test_a_native_id_names_a_row_for_good(tmp_path: Path) -> None:
    more = 'native_id = ["n"]'
    first = only(statements(tmp_path, "who,at,n\na,2024-01-02T10:00,1\n", more=more))
    found = statements(
        tmp_path, "n,at,who\n1,2024-01-02T10:00,b\n1,2024-01-02T10:00,c\n,2024-01-02T10:00,c\n", more=more
    )
    assert only(found)["id"] == first["id"]
    assert found.reasons() == [("t.csv", 3, "conflicting_row"), ("t.csv", 4, "missing_value")]


PERSONS = STATEMENTS.replace("learner_is_pseudonym = true", "learner_is_pseudonym = false")


def test_ids_of_persons_are_replaced_everywhere(tmp_path: Path) -> None:
    content = "who,at,name\nann@x,2024-01-02T10:00,Ann\nann@x,never,Ann\nann@x,torn\n,2024-01-02T10:00,Ann\n"
    found = read(tmp_path, PERSONS.format(occurred='"at"', more=""), t=content)
    assert only(found)["learner"] == f"csv/{pseudonym('ann@x', KEY)}"
    everything = str(found.rows("statements")) + str(found.rejects.to_pylist())
    assert "ann@x" not in everything
    assert "Ann" not in everything
    assert found.reasons() == [
        ("t.csv", 3, "bad_date"),
        ("t.csv", 4, "wrong_column_count"),
        ("t.csv", 5, "missing_value"),
    ]
    other = read(tmp_path, PERSONS.format(occurred='"at"', more=""), key=b"another", t=content)
    assert only(other)["learner"] != only(found)["learner"]
    assert only(other)["id"] != only(found)["id"]


def test_ids_of_persons_without_a_key_are_not_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="headway init"):
        read(tmp_path, PERSONS.format(occurred='"at"', more=""), key=b"", t="who,at\na,2024-01-02T10:00\n")


VALUES = """
[[table]]
file = "t.csv"
kind = "{kind}"
run = "csv/{{c}}/R"
learner = "who"
learner_is_pseudonym = true
occurred_at = {{ constant = "2024-01-02T10:00" }}
[table.columns]
{columns}
"""
RESULT = """
activity = "x"
score = { column = "v", out_of = 20 }
attempt = { column = "n", default = "1" }
"""
ANSWER = """
item = "x"
correct = "v"
skills = { column = "n", separator = "|" }
"""


@pytest.mark.parametrize(
    ("kind", "columns", "cells", "expected"),
    [
        ("results", RESULT, "e,15,", {"score": 0.75, "attempt": 1}),
        ("results", RESULT, "e,,3", {"score": None, "attempt": 3}),
        ("results", RESULT, "e,21,1", "bad_number"),
        ("results", RESULT, "e,nan,1", "bad_number"),
        ("results", RESULT, "e,7;5,1", "bad_number"),
        ("results", RESULT, "e,7,1.5", "bad_number"),
        ("results", RESULT, "e,7,99999999999", "bad_number"),
        ("results", RESULT, ",7,1", "missing_value"),
        ("responses", ANSWER, "i,true,a| b||", {"correct": True, "skills": ["a", "b"]}),
        ("responses", 'item = "x"\ncorrect = "v"', "i,perhaps,", "unknown_value"),
        ("outcomes", 'label = { column = "x", values = { P = "pass", N = "fail" } }', "N,,", {"label": "fail"}),
        ("outcomes", 'label = { column = "x", values = { P = "pass" } }', "N,,", "unknown_value"),
        ("outcomes", 'label = { column = "x", values = { P = "passed" } }', "P,,", "unknown_value"),
        ("outcomes", 'label = { column = "x", default = "withdrawn" }', ",,", {"label": "withdrawn"}),
        ("attributes", 'name = { constant = "it\'s" }\nvalue = "v"', "x,7,", {"name": "it's", "sensitive": True}),
        ("texts", 'type = { constant = "forum" }\nbody = "x"', '"two\nlines",,', {"body": "two\nlines"}),
        ("enrolments", 'status = { constant = "enrolled" }', ",,", {"valid_from_on": date(2024, 1, 2)}),
    ],
)
def test_values_become_columns_or_send_their_row_to_the_quarantine(
    tmp_path: Path, kind: str, columns: str, cells: str, expected: dict[str, object] | str
) -> None:
    found = read(tmp_path, VALUES.format(kind=kind, columns=columns), t=f"c,who,x,v,n\nC,a,{cells}\n")
    if isinstance(expected, str):
        assert found.reasons() == [("t.csv", 2, expected)]
        assert found.counts() == {}
    else:
        assert found.reasons() == []
        row = only(found, kind)
        assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize(("course", "reason"), [("", "missing_value"), ("A/B", "bad_run")])
def test_a_run_that_has_no_name_goes_to_the_quarantine(tmp_path: Path, course: str, reason: str) -> None:
    mapping = VALUES.format(kind="enrolments", columns='status = { constant = "enrolled" }')
    assert read(tmp_path, mapping, t=f"c,who\n{course},a\n").reasons() == [("t.csv", 2, reason)]


def test_due_dates_without_a_time_are_at_the_end_of_their_day(tmp_path: Path) -> None:
    mapping = """
zone = "Europe/London"
[[table]]
file = "t.csv"
kind = "activities"
run = "csv/C/R"
occurred_at = { constant = "2024-01-02" }
[table.columns]
activity = "a"
type = { constant = "assignment" }
due_at = "due"
weight = "w"
"""
    row = only(read(tmp_path, mapping, t="a,due,w\ne,2024-10-26,50\n"), "activities")
    assert (row["due_on"], row["due_at"]) == (date(2024, 10, 26), datetime(2024, 10, 26, 23, tzinfo=UTC))
    row = only(read(tmp_path, mapping, t="a,due,w\ne,2024-10-26T12:00,50\n"), "activities")
    assert (row["due_on"], row["due_at"]) == (date(2024, 10, 26), datetime(2024, 10, 26, 11, tzinfo=UTC))


def test_only_the_columns_that_are_used_must_have_a_name_of_their_own(tmp_path: Path) -> None:
    content = 'who,at,line,LINE,x,x,,it\'s ""\na,2024-01-02T10:00,1,2,3,4,,\n'
    assert only(statements(tmp_path, content))["learner"] == "csv/a"
    with pytest.raises(SourceError, match="two columns called 'who'"):
        statements(tmp_path, "who,at,who\na,b,c\n")


def test_a_missing_column_is_told_with_those_present(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no column 'at'.*It has 'who', 'when'"):
        statements(tmp_path, "who,when\na,b\n")


def test_a_format_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="strptime"):
        statements(tmp_path, "who,at\na,b\n", '{ column = "at", format = "%Q" }')


def test_without_a_mapping_or_without_files_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="map"):
        drain(CsvTables(), Request([tmp_path]))
    with pytest.raises(SourceError, match=r"No file called t\*.csv"):
        read(tmp_path, STATEMENTS.format(occurred='"at"', more=""), u="who,at\n")


def test_without_paths_the_files_are_looked_for_beside_the_mapping(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("who,at\na,2024-01-02T10:00\n")
    (tmp_path / "map.toml").write_text(STATEMENTS.format(occurred='"at"', more=""))
    assert drain(CsvTables(), Request([], {"map": str(tmp_path / "map.toml")})).counts() == {"statements": 1}


ROWS_WITHOUT_IDS = """
[[table]]
file = "t.csv"
delimiter = "auto"
kind = "course_runs"
run = "csv/C/R"
once = true
occurred_at = { constant = "2024-01-01" }
[table.columns]
starts_on = { constant = "2024-01-01" }
ends_on = { constant = "2024-06-30" }

[[table]]
file = "t.csv"
delimiter = "auto"
kind = "attributes"
run = "csv/C/R"
learner_by_row = true
skip_where = { state = ["test"] }
occurred_at = { constant = "2024-01-01" }
each = [
    { name = { constant = "age" }, value = "age" },
    { name = { constant = "town" }, value = { column = "town", values = { A = "Aa", B = "Bb" } } },
]
"""


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_without_ids_gives_a_record_for_each_fact_of_each_row(tmp_path: Path, delimiter: str) -> None:
    text = "age,town,state\n20,A,x\n20,A,x\n30,B,test\n40,C,\n".replace(",", delimiter)
    found = read(tmp_path, ROWS_WITHOUT_IDS, t=text)
    facts = sorted((row["name"], row["value"]) for row in found.rows("attributes"))
    assert facts == [("age", "20"), ("age", "20"), ("age", "40"), ("town", "Aa"), ("town", "Aa")]
    assert len({row["learner"] for row in found.rows("attributes")}) == 3
    assert len({row["id"] for row in found.rows("attributes")}) == 5
    assert found.reasons() == [("t.csv", 5, "unknown_value")]
    assert len(found.rows("course_runs")) == 1


def test_a_learner_without_id_is_the_same_in_any_order(tmp_path: Path) -> None:
    rows = ["20,A,x", "20,A,x", "40,B,y"]
    first = read(tmp_path, ROWS_WITHOUT_IDS, t="age,town,state\n" + "\n".join(rows) + "\n")
    second = read(tmp_path, ROWS_WITHOUT_IDS, t="age,town,state\n" + "\n".join(reversed(rows)) + "\n")
    assert {row["id"] for row in first.rows("attributes")} == {row["id"] for row in second.rows("attributes")}
    assert {row["learner"] for row in first.rows("attributes")} == {row["learner"] for row in second.rows("attributes")}


def test_a_line_that_cannot_be_split_is_refused_once_however_many_tables_read_it(tmp_path: Path) -> None:
    found = read(tmp_path, ROWS_WITHOUT_IDS, t="age,town,state\n20,A,x\n20,A\n")
    assert found.reasons() == [("t.csv", 3, "wrong_column_count")]
    assert "20" not in found.rejects.to_pylist()[0]["raw"]


def test_rows_without_ids_come_from_one_file(tmp_path: Path) -> None:
    mapping = ROWS_WITHOUT_IDS.replace('"t.csv"', '"*.csv"')
    with pytest.raises(SourceError, match=r"t\.csv, u\.csv"):
        read(tmp_path, mapping, t="age,town,state\n20,A,x\n", u="age,town,state\n20,A,x\n")


def test_tables_are_found_in_a_zip(tmp_path: Path) -> None:
    place = tmp_path / "all.zip"
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("deep/t.csv", "age,town,state\n20,A,x\n")
    (tmp_path / "map.toml").write_text(ROWS_WITHOUT_IDS, encoding="utf-8")
    found = drain(CsvTables(), Request([place], {"map": str(tmp_path / "map.toml")}, KEY))
    assert found.counts() == {"course_runs": 1, "attributes": 2}


WRONG = {
    "both kinds of learner": ("learner_by_row = true", 'learner_by_row = true\nlearner = "age"', "either learner"),
    "once with a column": ('starts_on = { constant = "2024-01-01" }', 'starts_on = "age"', "nothing but constants"),
    "an id beside the row": ("learner_by_row = true", 'learner_by_row = true\nnative_id = ["age"]', "native_id"),
    "a part without what it needs": ('name = { constant = "age" }, value', "value", "also needs name"),
    "an unknown column in a part": ('value = "age" }', 'valu = "age" }', "valu"),
    "a long delimiter": ('delimiter = "auto"', 'delimiter = "semi"', "delimiter"),
}


@pytest.mark.parametrize(("good", "bad", "told"), WRONG.values(), ids=WRONG)
def test_a_mapping_that_cannot_be_meant_is_refused(tmp_path: Path, good: str, bad: str, told: str) -> None:
    assert good in ROWS_WITHOUT_IDS
    with pytest.raises(ConfigError, match=told):
        read(tmp_path, ROWS_WITHOUT_IDS.replace(good, bad), t="age,town,state\n")
