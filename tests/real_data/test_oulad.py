"""On the Open University data set: every row is accounted for, the figures hold, and the future changes nothing."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from headway import flow
from headway.domain.records import KINDS
from headway.domain.time import AsOf
from headway.flow import App, open_app
from headway.lake.landing import Counts
from headway.scoring.predict import Prediction
from tests.support.few_features import few_features

TRAIN = ["oulad/AAA/2013J", "oulad/BBB/2013B"]
TEST = "oulad/AAA/2014J"
DATE = "2014-11-26"

ACCEPTED = {
    "course_runs": 22,
    "activities": 6570,
    "enrolments": 39701,
    "statements": 911458,
    "results": 159537,
    "outcomes": 30356,
    "attributes": 241753,
}

BEAT = {14: 0.61, 56: 0.73, 112: 0.83}
"""The AUROC that a quick baseline of 30 plain features got on these days, learning from AAA 2013J alone."""


def test_every_row_is_counted_and_only_enrolments_without_a_date_are_refused(oulad_home: Path) -> None:
    """None of them is `unchanged`: no two have the same id."""
    report = json.loads((oulad_home / "report.json").read_text(encoding="utf-8"))
    assert {kind: report[kind]["accepted"] for kind in KINDS if kind in report} == ACCEPTED
    assert report["reasons"] == {"missing_registration_date": 43}
    rows = sum(ACCEPTED.values())
    assert {name: report[name] for name in asdict(Counts())} == asdict(Counts(rows + 43, rows, 43, 0))
    with open_app(oulad_home) as app:
        found = app.lake.verify()
        with app.lake.open(None, None, ["enrolments"]) as records:
            enrolled = records.collect(records.table("enrolments").filter(lambda t: t.status == "enrolled"))
    assert len(enrolled) == ACCEPTED["outcomes"] - 43
    assert found.ok, found.problems
    assert {kind: found.rows[kind] for kind in ACCEPTED} == ACCEPTED
    assert found.rows["rejects"] == 43


def test_models_that_learned_from_earlier_runs_beat_the_rule_and_the_baseline(oulad_home: Path) -> None:
    models = ["boosting", "logistic", "inactive-7-days"]
    with open_app(oulad_home, evaluation={"bootstrap": 20}) as app:
        rows = flow.evaluate(app, "does_not_finish", TRAIN, [TEST], list(BEAT), paradigms=["transfer"], models=models)
    found: dict[tuple[object, object], float] = {}
    for row in rows:
        auroc = row["auroc"]
        assert isinstance(auroc, dict)
        assert isinstance(auroc["value"], float)
        found[row["day"], row["model"]] = auroc["value"]
        assert row["train"] == TRAIN
    assert {row["n"] for row in rows if row["day"] == 14} == {350}, "only those still enrolled"
    for day, baseline in BEAT.items():
        better = max(found[day, "boosting"], found[day, "logistic"])
        assert better > baseline
        assert better > found[day, "inactive-7-days"] + 0.05


def test_runs_without_clicks_are_learned_from_as_a_further_past(oulad_home: Path) -> None:
    """In time order, on the first of these days, where they tell most; their clicks are absent rather than none."""
    found: dict[str, float] = {}
    with open_app(oulad_home, evaluation={"bootstrap": 20}) as app:
        for name, train in (("two", TRAIN), ("further", [*TRAIN, "oulad/DDD/2013B", "oulad/FFF/2013B"])):
            (row,) = flow.evaluate(
                app, "does_not_finish", train, [TEST], [14], paradigms=["transfer"], models=["average"]
            )
            assert isinstance(row["auroc"], dict)
            assert isinstance(row["auroc"]["value"], float)
            assert row["train"] == train
            found[name] = row["auroc"]["value"]
    assert found["further"] > found["two"]


def copy_of_two_courses(app: App, home: Path, until: AsOf | None) -> None:
    """Makes a home whose lake receives the runs of two courses, and nothing that was recorded later."""
    runs = [run for run in app.lake.runs() if run.startswith(("oulad/AAA/", "oulad/FFF/"))]
    with app.lake.open(until, runs) as records, open_app(home) as copy:
        for kind in KINDS:
            known = records.collect(records.table(kind))
            copy.lake.append(kind, known.to_reader(max_chunksize=100_000))


def scored(app: App) -> tuple[np.ndarray, list[Prediction]]:
    """Everyone's feature values and predictions as of the date; a model learns from few features as from all."""
    table = flow.build_view(app, [TEST], [DATE])
    with few_features("headway.flow.modelling", "headway.flow.scoring"):
        _, predictions = flow.score(app, TEST, DATE, model="logistic")
    return table.values(), predictions


def test_what_was_recorded_later_changes_no_feature_and_no_risk(oulad_home: Path, tmp_path: Path) -> None:
    """On two courses; of one, runs that ended before the date have records from after it."""
    with open_app(oulad_home) as app:
        copy_of_two_courses(app, tmp_path / "now", None)
        copy_of_two_courses(app, tmp_path / "past", AsOf.at(DATE, "Europe/London"))
    with open_app(tmp_path / "now") as app:
        features, predictions = scored(app)
        now = app.lake.verify().rows
    with open_app(tmp_path / "past") as past:
        then = past.lake.verify().rows
        features_then, predictions_then = scored(past)
    assert then["statements"] < now["statements"] - 50_000, "much has been recorded since"
    assert then["outcomes"] < now["outcomes"]
    np.testing.assert_array_equal(features, features_then)
    assert predictions == predictions_then
    assert len(predictions) > 300
