"""Targets of a workspace's own: what is taken, and that what does not fit is named with the fix."""

from pathlib import Path

import pytest

from headway.domain.errors import ConfigError
from headway.features.labels import KINDS, configured_label
from headway.settings import LABEL_KINDS, LabelSettings, Settings, write_default_toml


def loaded(home: Path, text: str) -> Settings:
    (home / "headway.toml").write_text(text, encoding="utf-8")
    return Settings.load(home)


def test_a_table_is_a_label(tmp_path: Path) -> None:
    found = loaded(tmp_path, '[labels.quiet]\nkind = "inactive"\ndays = 5\ntypes = ["video", "quiz"]\n').labels
    assert found["quiet"].types == ("video", "quiz")
    assert configured_label("quiet", found["quiet"]).horizon_days == 5


def test_there_are_none_by_default_and_the_file_says_how(tmp_path: Path) -> None:
    assert Settings.load(tmp_path).labels == {}
    assert "# labels = {}" in write_default_toml(tmp_path).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('kind = "inactive"', "needs days"),
        ('kind = "inactve"\ndays = 3', "labels.mine.kind"),
        ('kind = "inactive"\ndays = 0', "labels.mine.days"),
        ('kind = "inactive"\ndays = 3\nmark = 0.4', "has no mark; it takes days"),
        ('kind = "inactive"\ndays = 3\ntyps = ["video"]', "unknown key 'typs'; did you mean types"),
        ('kind = "inactive"\ndays = 3\ntypes = ["vidoe"]', "unknown type 'vidoe'; did you mean video"),
        ('kind = "inactive"\ndays = 3\nverbs = ["submited"]', "did you mean submitted"),
        ('kind = "outcome"', "needs labels"),
        ('kind = "score_below"\nmark = 40', "labels.mine.mark"),
        ('kind = "decrease"\nshare = 0.0', "labels.mine.share"),
        ('kind = "days_to"\nevent = "withdrawal"\ntypes = ["video"]', "verbs and types are for the event 'activity'"),
        ('kind = "attribute"\nattribute = "x"', "needs values"),
        ('kind = "withdraws"\ndays = 3\nstands_for = "does_not_finish"', "fails_when"),
    ],
)
def test_what_does_not_fit_is_named_with_the_fix(tmp_path: Path, table: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, f"[labels.mine]\n{table}\n")
    assert said in str(refused.value)
    assert str(tmp_path / "headway.toml") in str(refused.value)


@pytest.mark.parametrize("name", ['"a b"', "Mine", '"1st"', '"x-y"'])
def test_a_name_is_small_letters_digits_and_underscores(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="is no name for a label"):
        loaded(tmp_path, f'[labels.{name}]\nkind = "withdraws"\ndays = 3\n')


WHOLE = {
    "days": 7,
    "labels": ["fail"],
    "mark": 0.5,
    "event": "activity",
    "attribute": "truth",
    "values": ["1"],
    "share": 0.5,
    "types": ["video"],
    "verbs": ["viewed"],
    "or_withdraws": True,
}


@pytest.mark.parametrize("kind", LABEL_KINDS)
def test_every_kind_makes_a_label_with_all_it_may_have_and_with_what_it_needs(kind: str) -> None:
    assert set(KINDS) == set(LABEL_KINDS)
    needed, may = LABEL_KINDS[kind]
    for keys in (needed, needed | may):
        made = LabelSettings.model_validate({"kind": kind, **{key: WHOLE[key] for key in keys}})
        found = configured_label("mine", made)
        assert found.summary.endswith(".")
        assert not (found.whole_run and found.horizon_days)
