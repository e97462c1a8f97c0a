"""What scripts may rely on about reasons and segments: explain and segment, as JSON, as a page and as text."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import typer
from typer.testing import CliRunner

from headway.cli import explain, segments
from headway.cli.options import choose_home
from headway.domain.errors import HeadwayError, InputError
from headway.domain.records import KINDS, record_id
from headway.explanation.guard import causal_words
from headway.features.definition import FEATURES
from headway.flow import open_app
from headway.flow.records import one_run
from headway.flow.segments import segment
from headway.scoring import kept
from tests.support.made import RUNNING, TODAY

DOMAINS = {"visits", "materials", "hand-ins", "results", "forum", "timing"}
SCORED = ("--as-of", TODAY)
SINCE = datetime(2026, 3, 9, tzinfo=UTC)
"""The end of that day."""


@pytest.fixture(scope="module")
def home(made_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the made-up home."""
    return Path(shutil.copytree(made_home, tmp_path_factory.mktemp("reasons") / "home"))


def asked(home: Path, *words: object, as_json: bool = True) -> Any:
    """The document that a command prints, or its text."""
    app = typer.Typer()
    explain.add_to(app)
    segments.add_to(app)
    choose_home(home)
    try:
        told = [*map(str, words), *(["--json"] if as_json else [])]
        done = CliRunner().invoke(app, told, catch_exceptions=False)
    finally:
        choose_home(None)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout) if as_json else done.stdout


@pytest.fixture(scope="module")
def learner(home: Path) -> str:
    """Whose chance is the highest."""
    with open_app(home) as app, app.store.read() as connection:
        (score_run,) = kept.for_run(connection, one_run(app, RUNNING))
        said = kept.predictions_of(connection, score_run)
    return max(said, key=lambda each: each.risk or 0).learner


def test_explain_tells_all_and_writes_a_page(home: Path, learner: str, tmp_path: Path) -> None:
    page = tmp_path / "why.html"
    told = asked(home, "explain", learner, "--run", RUNNING, *SCORED, "--out", page, "--what-if", "active_days_14d=9")
    assert told["learner"] == learner
    assert 0 <= told["low"] <= told["risk"] <= told["high"] <= 1
    assert {each["domain"] for each in told["domains"]} <= DOMAINS
    listed = [reason for each in told["domains"] for side in ("for", "against") for reason in each[side]]
    assert listed
    for each in told["domains"]:
        for side in ("for", "against"):
            assert all(reason["direction"] == side for reason in each[side])
            assert all(reason["domain"] == each["domain"] for reason in each[side])
    assert all(0.85 <= reason["stability"] <= 1 for reason in listed)
    assert sum(each["share"] for each in told["domains"]) == pytest.approx(1, abs=0.01)
    assert told["contributions"]["method"] == "exact"
    assert {"fit", "overlap", "same_sign", "rank_correlation", "strongest"} == set(told["lime"])
    assert set(told["stability"]) == {reason["feature"] for reason in told["reasons"]}
    assert told["attention"] is None
    assert told["mastery"] == []
    assert told["changed"]["since"] == "2026-03-02T00:00:00Z"
    assert 0 <= told["changed"]["risk_then"] <= 1
    (answer,) = told["what_if"]
    assert (answer["feature"], answer["instead"]) == ("active_days_14d", 9)
    assert 0 <= answer["low_then"] <= answer["risk_then"] <= answer["high_then"] <= 1
    texts = (
        [reason["text"] for reason in listed] + [answer["text"]] + [row["text"] for row in told["changed"]["changes"]]
    )
    assert not causal_words(" ".join(texts))
    assert all(FEATURES.get(reason["feature"]).sentence for reason in listed)
    html = page.read_text(encoding="utf-8")
    assert "Since last week" in html
    assert learner in html
    assert "<svg" in html
    assert "http" not in html.split("<body", 1)[1]


def test_explain_names_the_skills_that_are_not_yet_mastered(made_home: Path, learner: str, tmp_path: Path) -> None:
    other = Path(shutil.copytree(made_home, tmp_path / "home"))
    given = [("fractions", number in (2, 5, 6), 24) for number in range(8)]
    given += [("decimals", True, 20)] * 3 + [("decimals", False, 2)]
    rows = [
        {"id": record_id("made", "responses", str(number)), "source": "made", "run": RUNNING, "learner": learner}
        | {"item": f"i{number}", "skills": [skill], "correct": right}
        | dict.fromkeys(("occurred_at", "recorded_at"), SINCE - timedelta(days=days_ago))
        for number, (skill, right, days_ago) in enumerate(given)
    ]
    rows[-1]["recorded_at"] = SINCE + timedelta(minutes=1)
    with open_app(other) as app:
        app.lake.append("responses", pa.Table.from_pylist(rows, schema=KINDS["responses"].schema).to_reader())
    page = tmp_path / "why.html"
    told = asked(other, "explain", learner, "--run", RUNNING, *SCORED, "--out", page)
    printed = asked(other, "explain", learner, "--run", RUNNING, *SCORED, as_json=False)
    said = ["has not yet mastered fractions: 3 of 8 right", "has mastered decimals: 3 of 3 right"]
    assert told["mastery"] == said
    assert all(each in printed for each in said)
    html = page.read_text(encoding="utf-8")
    assert all(f"<li>H{each[1:]}</li>" in html for each in said)


@pytest.mark.parametrize("asking", ["active_days_14d", "active_days_14d=many", "=4"])
def test_a_what_if_that_is_none_says_how(home: Path, learner: str, asking: str) -> None:
    with pytest.raises(InputError, match="FEATURE=NUMBER"):
        asked(home, "explain", learner, "--run", RUNNING, *SCORED, "--what-if", asking)


SEGMENT = {
    *("number", "name", "proposed_name", "about", "size", "share", "telling", "stability", "size_before", "plays"),
    "learners",
}


def whole(told: Any) -> None:
    """Everyone is in one segment, and the moves of the week hold everyone once."""
    everyone = [learner for each in told["segments"] for learner in each["learners"]]
    assert len(everyone) == len(set(everyone)) == told["learners"]
    assert all(set(each) == SEGMENT for each in told["segments"])
    assert all(each["size"] == len(each["learners"]) and each["plays"] for each in told["segments"])
    assert [each["size"] for each in told["segments"]] == sorted(
        (each["size"] for each in told["segments"]), reverse=True
    )
    names = {each["name"] for each in told["segments"]} | {"not enrolled"}
    assert {move[side] for move in told["flow"]["moves"] for side in ("from", "to")} <= names
    left = sum(move["learners"] for move in told["flow"]["moves"] if move["to"] == "not enrolled")
    assert sum(move["learners"] for move in told["flow"]["moves"]) == told["learners"] + left
    before = sum(each["size_before"] for each in told["segments"])
    came = sum(move["learners"] for move in told["flow"]["moves"] if move["from"] == "not enrolled")
    assert before == told["learners"] + left - came


def test_segments_by_reason_use_the_model_of_the_scores(home: Path, tmp_path: Path) -> None:
    page = tmp_path / "segments.html"
    told = asked(home, "segment", RUNNING, *SCORED, "--out", page)
    whole(told)
    assert (told["method"], told["stability"], told["note"]) == ("reason", None, "")
    names = {each["name"].split(":")[0] for each in told["segments"]}
    assert names <= {
        *("On course", "Never started", "Loss of motivation", "Lack of time"),
        *("Busy but low results", "Skill gap", "Other reasons"),
    }
    html = page.read_text(encoding="utf-8")
    assert "What to try" in html
    assert "<svg" in html


def test_segments_of_behaviour_keep_the_names_that_people_give(home: Path) -> None:
    told = asked(home, "segment", RUNNING, *SCORED, "--method", "kmeans", "--segments", 3)
    whole(told)
    assert 0 < told["stability"] <= 1
    assert [each["number"] for each in told["segments"]] == [1, 2, 3]
    assert all(0 < each["stability"] <= 1 for each in told["segments"])
    named = asked(
        home, "segment", RUNNING, *SCORED, "--method", "kmeans", "--segments", 3, "--name", "2=Weekend workers"
    )
    assert named["segments"][1]["name"] == "Weekend workers"
    again = asked(home, "segment", RUNNING, *SCORED, "--method", "kmeans", "--segments", 3, as_json=False)
    assert "Weekend workers" in again
    assert "a week ago" in again


def test_before_anything_was_scored_the_rules_tell_types_alone(home: Path) -> None:
    with open_app(home) as app:
        found = segment(app, RUNNING, "2026-03-01")
    assert "Not scored" in found.note
    assert all(not each.name.startswith("Other") for each in found.segments)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--method", "guess"), "kmeans"),
        (("--segments", 3), "Leave --segments out"),
        (("--method", "kmeans", "--segments", 900), "Choose 2 to"),
        (("--name", "two=Weekend"), "NUMBER=NAME"),
        (("--method", "ward", "--segments", 2, "--name", "7=Nobody"), "no segment 7"),
    ],
)
def test_what_cannot_be_segmented_says_why(home: Path, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(HeadwayError, match=said):
        asked(home, "segment", RUNNING, *SCORED, *words)
