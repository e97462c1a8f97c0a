"""What scripts may rely on about targets: labels of the workspace's own, forecasts of numbers, who is still there."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from headway import flow
from headway.cli import labels, retention
from headway.cli.options import choose_home
from headway.domain.errors import HeadwayError, InputError, UnknownName
from headway.features.labels import LABELS
from headway.flow import App, open_app
from tests.support.few_features import few_features
from tests.support.made import FIRST, RUNNING, SECOND, TODAY

MINE = """
[labels.quiet_days]
kind = "inactive"
days = 3

[labels.back_within]
kind = "days_to"
event = "activity"
days = 10
"""

WEEK = {"week", "at_risk", "left", "survival", "low", "high", "hazard", "cumulative_hazard"}


@pytest.fixture(scope="module")
def home(made_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the made-up home, with two labels of its own."""
    copy = Path(shutil.copytree(made_home, tmp_path_factory.mktemp("targets") / "home"))
    with (copy / "headway.toml").open("a", encoding="utf-8") as file:
        file.write(MINE)
    return copy


def asked(home: Path, *words: object) -> Any:
    """The document that these commands print."""
    app = typer.Typer()
    labels.add_to(app)
    retention.add_to(app)
    choose_home(home)
    try:
        done = CliRunner().invoke(app, [*map(str, words), "--json"], catch_exceptions=False)
    finally:
        choose_home(None)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_labels_are_listed_with_the_workspaces_own(home: Path) -> None:
    told = asked(home, "label", "list")
    assert [row["name"] for row in told["labels"]] == [*LABELS, "quiet_days", "back_within"]
    assert {row["from"] for row in told["labels"][-2:]} == {"headway.toml"}
    assert "inactive_next_{k}d" in told["families"]
    one = asked(home, "label", "show", "quiet_days")
    assert one["definition"] == {"kind": "inactive", "days": 3}
    assert asked(home, "label", "show", "inactive_next_5d")["horizon_days"] == 5
    with pytest.raises(UnknownName, match="quiet_days"):
        asked(home, "label", "show", "quiet_day")


def test_a_label_of_ones_own_is_evaluated_like_any(home: Path) -> None:
    with open_app(home) as app:
        (row,) = evaluated(app, "quiet_days", "in-situ", "logistic")
        assert row["note"] is None
        assert 0 < float(str(row["base_rate"])) < 1
        (number,) = evaluated(app, "back_within", "transfer", "ridge")
        assert number["note"] is None
        assert 1 <= float(str(number["mean"])) <= 10
        assert number["train"] == [FIRST, SECOND]
        with pytest.raises(InputError, match="number, not a risk"):
            flow.score(app, RUNNING, TODAY, label="back_within")


def evaluated(app: App, label: str, paradigm: Any, model: str) -> list[dict[str, Any]]:
    with few_features("headway.flow.modelling", "headway.flow.forecasting"):
        rows = flow.evaluate(app, label, [FIRST, SECOND], [RUNNING], [21], paradigms=[paradigm], models=[model])
    return [dict(row) for row in rows]


def test_weeks_of_a_run_and_of_groups(home: Path, tmp_path: Path) -> None:
    page = tmp_path / "stay.html"
    told = asked(home, "retention", FIRST, "--html", page)
    assert told["event"] == "withdrawal"
    assert all(set(week) == WEEK for week in told["weeks"])
    assert [week["week"] for week in told["weeks"]] == list(range(1, len(told["weeks"]) + 1))
    assert told["weeks"][0]["at_risk"] == told["learners"]
    assert sum(week["left"] for week in told["weeks"]) == told["left"] > 0
    survival = [week["survival"] for week in told["weeks"]]
    assert survival == sorted(survival, reverse=True)
    assert "Still there, week by week" in page.read_text(encoding="utf-8")
    assert told["foreseen"] == []

    by = asked(home, "retention", FIRST, "--by", "age_band", "--event", "silence", "--clock", "course")
    assert by["event"] == "last activity"
    assert by["silent_days"] > 0
    assert sum(group["learners"] for group in by["groups"]) + by["in_no_group"] == by["learners"]
    assert all(group["learners"] >= 10 for group in by["groups"])
    for group in by["groups"]:
        assert all(week["left"] is None or week["left"] == 0 or week["left"] >= 10 for week in group["weeks"])
        assert all(week["at_risk"] % 10 == 0 for week in group["weeks"])


def test_as_of_a_day_nothing_later_is_told(home: Path) -> None:
    early = asked(home, "retention", RUNNING, "--as-of", "2026-02-22")
    assert max((week["week"] for week in early["weeks"]), default=0) <= 3
    whole = asked(home, "retention", RUNNING)
    assert early["left"] <= whole["left"]


def test_how_well_it_was_foreseen(home: Path) -> None:
    told = asked(home, "retention", RUNNING, "--train", f"{FIRST},{SECOND}", "--days", "21")
    assert {row["model"] for row in told["foreseen"]} == {"survival", "survival-boosting", "kaplan-meier"}
    assert all({"n", "left", "concordance", "brier", "note"} <= set(row) for row in told["foreseen"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("retention", FIRST, "--by", "shoe_size"), "Known: "),
        (("retention", FIRST, "--event", "boredom"), "silence"),
        (("retention", "simulated/*"), "names 3 runs"),
        (("retention", FIRST, "--train", SECOND, "--days", "soon"), "whole numbers"),
    ],
)
def test_what_cannot_be_told_says_why(home: Path, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(HeadwayError, match=said):
        asked(home, *words)
