"""Named protocols: both readings side by side, nothing learned from what was not known, nothing left out silently.

The runs are simulated ones that bear the names of the published data set.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from headway.domain.errors import NotEnoughData, UnknownName
from headway.domain.runs import RunId
from headway.evaluation.assess import METRICS, Measure
from headway.evaluation.oulad_next import NEXT_ASSESSMENT
from headway.evaluation.oulad_outcome import FUTURE, LEAVE_ONE_OUT
from headway.evaluation.protocols import PROTOCOLS, Protocol, ProtocolResult, sentences
from headway.evaluation.trials import Data, Trial
from headway.features.as_of import compute, moments_on_days
from headway.features.views import view_with
from headway.models.model import MODELS
from tests.support.few_features import few_features
from tests.support.memory import Memory
from tests.support.simulation import runs_of, simulated

PERIODS = ("2013B", "2013J", "2014B", "2014J")
MEASURE = Measure(capacity=5, bootstrap=20, seed=3)
MODEL_NAMES = ("logistic", "inactive-7-days", "base-rate")


def renamed(tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """The records of four simulated runs a course as if of the published data set."""
    by_course: dict[str, list[str]] = {}
    for run in runs_of(tables):
        by_course.setdefault(RunId.parse(run).course, []).append(run)
    new = {
        run: f"oulad/{course}/{period}"
        for course, runs in by_course.items()
        for run, period in zip(runs, PERIODS, strict=True)
    }
    return {kind: _renamed(table, new) for kind, table in tables.items()}


def _renamed(table: pa.Table, new: Mapping[str, str]) -> pa.Table:
    runs = pa.array([new[run] for run in table["run"].to_pylist()], pa.string())
    source = pa.array(["oulad"] * table.num_rows, pa.string())
    names = table.column_names
    return table.set_column(names.index("run"), "run", runs).set_column(names.index("source"), "source", source)


DAYS = (28, 56)
SHORT: dict[str, Protocol] = {
    "oulad-future": replace(FUTURE, days=DAYS),
    "oulad-lopo": LEAVE_ONE_OUT,
    "oulad-next": NEXT_ASSESSMENT,
}
"""The protocols on fewer days, to be quick."""


def run(name: str, tables: Mapping[str, pa.Table], *models: str) -> ProtocolResult:
    with Memory(tables) as records:
        chosen = [MODELS.get(model) for model in models]
        return SHORT[name].run(records, chosen, MEASURE, lambda _: None)


def of(result: ProtocolResult, label: str, **wanted: object) -> list[dict[str, Any]]:
    """The rows of one trial that have these values."""
    rows: list[dict[str, Any]] = [row for row in result.rows if row["protocol"] == label]
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


@pytest.fixture(scope="module", autouse=True)
def few() -> Iterator[None]:
    """What a protocol asks, of whom and when is the same whatever the features."""
    with few_features("headway.evaluation.trials"):
        yield


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    return renamed(simulated(learners="120", seed="5"))


@pytest.fixture(scope="module")
def future() -> ProtocolResult:
    return run("oulad-future", renamed(simulated(courses="2", learners="60", seed="5")), *MODEL_NAMES)


@pytest.fixture(scope="module")
def left_out(tables: dict[str, pa.Table]) -> ProtocolResult:
    return run("oulad-lopo", tables, "logistic")


@pytest.fixture(scope="module")
def following(tables: dict[str, pa.Table]) -> ProtocolResult:
    return run("oulad-next", tables, "logistic")


def test_protocols_are_found_by_name() -> None:
    assert set(SHORT) <= set(PROTOCOLS.names())
    assert [PROTOCOLS.get(name).name for name in SHORT] == list(SHORT)
    assert PROTOCOLS.get("oulad-future") is FUTURE
    assert FUTURE.days == (14, 28, 42, 56)
    with pytest.raises(UnknownName, match="oulad-future"):
        PROTOCOLS.get("oulad-futur")


def test_every_row_has_the_shape_of_an_assessment(
    future: ProtocolResult, left_out: ProtocolResult, following: ProtocolResult
) -> None:
    keys = {"protocol", "paradigm", "model", "train", "test", "day", "n", "base_rate", "rows_learned", "note"}
    for result in (future, left_out, following):
        assert result.rows
        for row in result.rows:
            assert keys | {*METRICS, "at_capacity"} <= set(row)
        columns = {tuple(row) for row in result.summary}
        assert len(columns) == 1, "a table has the same columns in every line"


class TestFuture:
    def test_it_learns_from_the_past_periods_and_scores_the_last(self, future: ProtocolResult) -> None:
        for row in future.rows:
            tested = row["test"] if isinstance(row["test"], list) else [row["test"]]
            assert {RunId.parse(str(one)).run for one in tested} == {"2014J"}
            assert isinstance(row["train"], list)
            assert {RunId.parse(str(one)).run for one in row["train"]} == {"2013B", "2013J", "2014B"}

    def test_all_days_readings_data_and_models_are_there(self, future: ProtocolResult) -> None:
        for reading in ("as published", "honest"):
            for data, models in (("with clicks", MODEL_NAMES), ("records alone", ("logistic", "base-rate"))):
                for day in DAYS:
                    rows = of(future, f"oulad-future/{reading}/{data}", day=day)
                    together = [row for row in rows if isinstance(row["test"], list)]
                    assert [row["model"] for row in together] == list(models)
                    for row in together:
                        alone = [one for one in rows if one["model"] == row["model"] and isinstance(one["test"], str)]
                        assert len(alone) == 2
                        assert sum(one["n"] for one in alone) == row["n"]

    def test_honest_scores_fewer_and_the_gone_are_mostly_bad_outcomes(self, future: ProtocolResult) -> None:
        for day in DAYS:
            published, honest = (
                of(future, f"oulad-future/{reading}/records alone", day=day, model="logistic")[0]
                for reading in ("as published", "honest")
            )
            assert honest["n"] < published["n"]
            assert honest["base_rate"] < published["base_rate"]

    def test_as_published_drops_who_never_clicked(self, future: ProtocolResult) -> None:
        clicked, everyone = (
            of(future, f"oulad-future/as published/{data}", day=56, model="logistic")[0]
            for data in ("with clicks", "records alone")
        )
        assert clicked["n"] < everyone["n"]
        honest = [
            of(future, f"oulad-future/honest/{data}", day=56, model="logistic")[0]["n"]
            for data in ("with clicks", "records alone")
        ]
        assert honest[0] == honest[1]

    def test_a_model_finds_what_is_there(self, future: ProtocolResult) -> None:
        row = of(future, "oulad-future/honest/with clicks", day=56, model="logistic")[0]
        assert row["auroc"]["value"] > 0.65
        rule = of(future, "oulad-future/honest/with clicks", day=56, model="base-rate")[0]
        assert rule["auroc"]["value"] == pytest.approx(0.5)

    def test_the_summary_puts_the_published_figure_beside_ours(self, future: ProtocolResult) -> None:
        found = {(row["day"], row["metric"]): row["reference"] for row in future.summary if row["model"] == "logistic"}
        assert found[28, "auroc"] == 0.752
        assert found[56, "auprc"] == 0.806
        assert len(future.summary) == len(DAYS) * 2 * (3 + 2) * 2

    def test_labels_that_were_not_known_are_not_learned_from(self, tables: dict[str, pa.Table]) -> None:
        late = dict(tables)
        at = late["outcomes"].column_names.index("recorded_at")
        last = pc.add(late["outcomes"]["recorded_at"], pa.scalar(10 * 365 * 86_400_000_000, pa.duration("us")))
        late["outcomes"] = late["outcomes"].set_column(at, "recorded_at", last)
        found = run("oulad-future", late, "base-rate")
        for data in ("with clicks", "records alone"):
            for row in of(found, f"oulad-future/honest/{data}"):
                assert row["auroc"]["value"] is None
                assert row["n"] > 0
                assert "known by" in row["note"]
            assert all(row["note"] is None for row in of(found, f"oulad-future/as published/{data}"))


class TestLeaveOneOut:
    def test_as_published_tests_every_run_and_learns_from_all_others(self, left_out: ProtocolResult) -> None:
        rows = of(left_out, "oulad-lopo/as published/with clicks", model="logistic")
        assert len(rows) == 4
        for row in rows:
            assert len(row["train"]) == 3
            assert row["test"] not in row["train"]

    def test_honest_learns_from_earlier_periods_only(self, left_out: ProtocolResult) -> None:
        rows = of(left_out, "oulad-lopo/honest/records alone", model="logistic")
        tested = [row for row in rows if row["note"] is None]
        assert {RunId.parse(row["test"]).run for row in tested} == set(PERIODS[1:])
        for row in tested:
            period = RunId.parse(row["test"]).run
            assert {RunId.parse(one).run for one in row["train"]} <= {other for other in PERIODS if other < period}

    def test_folds_without_a_past_are_named_and_not_in_the_mean(self, left_out: ProtocolResult) -> None:
        label = "oulad-lopo/honest/with clicks"
        [note] = [note for note in left_out.notes if note.startswith(label)]
        assert "1 of 4 folds" in note
        assert "2013B" in note
        assert "2013J" not in note
        [mean] = [row for row in left_out.summary if row["protocol"] == label and row["model"] == "logistic"]
        values = [row["auroc"]["value"] for row in of(left_out, label, model="logistic") if row["note"] is None]
        assert mean["figure"] == "mean of 3 of 4 runs"
        assert mean["value"] == pytest.approx(sum(values) / len(values))
        assert mean["reference"] == 0.804


class TestNext:
    def test_together_is_the_sum_of_its_runs(self, following: ProtocolResult) -> None:
        for reading in ("as published", "honest"):
            for day in (-14, -7):
                rows = of(following, f"oulad-next/{reading}/records alone", day=day, model="logistic")
                assert isinstance(rows[0]["test"], list)
                assert sum(row["n"] for row in rows[1:]) == rows[0]["n"]
                assert len(rows) - 1 == len(rows[0]["test"])
                assert rows[0]["at_capacity"] is None

    def test_honest_knows_no_past_in_the_first_period_and_says_so(self, following: ProtocolResult) -> None:
        label = "oulad-next/honest/records alone"
        tested = {RunId.parse(row["test"]).run for row in of(following, label) if isinstance(row["test"], str)}
        assert tested == set(PERIODS[1:])
        notes = [note for note in following.notes if note.startswith(label)]
        assert len(notes) == 2
        assert all("2013B" in note and "3 of 4 runs" in note for note in notes)
        assert of(following, label)[0]["rows_learned"] > 0
        means = [row for row in following.summary if row["protocol"] == label and str(row["figure"]).startswith("mean")]
        assert {row["figure"] for row in means} == {"mean of 3 of 4 runs"}

    def test_as_published_tests_all(self, following: ProtocolResult) -> None:
        label = "oulad-next/as published/records alone"
        assert len({row["test"] for row in of(following, label) if isinstance(row["test"], str)}) == 4
        assert all("4 of 4 runs" in note for note in following.notes if note.startswith(label))

    def test_figures_stand_beside_the_reference(self, following: ProtocolResult) -> None:
        found = {
            (row["day"], row["metric"], str(row["figure"]).partition(" ")[0]): row
            for row in following.summary
            if row["protocol"] == "oulad-next/as published/records alone" and row["model"] == "logistic"
        }
        assert found[-14, "auroc", "4"]["reference"] == 0.898
        assert found[-7, "brier", "4"]["reference"] == 0.122
        assert found[-7, "auroc", "mean"]["sd"] is not None
        value = found[-14, "auroc", "4"]["value"]
        assert isinstance(value, float)
        assert value > 0.6

    def test_nothing_is_asked_before_the_first_day(self, tables: dict[str, pa.Table]) -> None:
        moved = dict(tables)
        plan = moved["activities"]
        starts = dict(zip(tables["course_runs"]["run"].to_pylist(), tables["course_runs"]["starts_on"], strict=True))
        early = [starts[one] for one in plan["run"].to_pylist()]
        due = pc.if_else(pc.is_valid(plan["due_on"]), pa.array(early, pa.date32()), plan["due_on"])
        moved["activities"] = plan.set_column(plan.column_names.index("due_on"), "due_on", due)
        with pytest.raises(NotEnoughData):
            run("oulad-next", moved, "base-rate")


def test_without_clicks_the_records_alone_are_measured(tables: dict[str, pa.Table]) -> None:
    silent = dict(tables)
    silent["statements"] = silent["statements"].filter(pc.equal(silent["statements"]["verb"], "submitted"))
    quiet = silent["statements"].column_names.index("interactions")
    none = pa.array([0] * silent["statements"].num_rows, pa.int64())
    silent["statements"] = silent["statements"].set_column(quiet, "interactions", none)
    found = run("oulad-lopo", silent, "base-rate")
    assert {str(row["protocol"]).rpartition("/")[2] for row in found.rows} == {"records alone"}
    assert any("“with clicks” cannot be tested" in note for note in found.notes)


def test_other_data_sets_are_refused_with_the_way_to_get_this_one(tables: dict[str, pa.Table]) -> None:
    others = {kind: table for kind, table in tables.items() if kind != "enrolments"}
    for name in ("oulad-future", "oulad-lopo", "oulad-next"):
        with pytest.raises(NotEnoughData, match="headway import oulad"):
            run(name, others, "base-rate")


def test_a_rule_is_asked_only_where_its_feature_is_known() -> None:
    models = [MODELS.get(name) for name in MODEL_NAMES]
    alone = Trial("x", "honest", Data("records alone", "records-only", ("oulad/A/2013B",), has_clicks=False))
    clicks = Trial("x", "honest", Data("with clicks", "standard", ("oulad/A/2013B",), has_clicks=True))
    assert [model.name for model in alone.able(models)] == ["logistic", "base-rate"]
    assert [model.name for model in clicks.able(models)] == list(MODEL_NAMES)


def test_notes_are_whole_sentences(left_out: ProtocolResult, following: ProtocolResult) -> None:
    assert sentences("\nOne\ntwo.\nThree.\n") == ["One two.", "Three."]
    for note in [*left_out.notes, *following.notes]:
        assert note.endswith((".", ")."))


def test_the_next_assessment_is_described_as_the_plan_says(tables: dict[str, pa.Table]) -> None:
    view = view_with("next", ("days_to_next_due", "next_due_weight", "next_is_test"))
    run_id = tables["course_runs"]["run"][0].as_py()
    with Memory(tables) as records:
        found = compute(view, records, moments_on_days(records, [run_id], [2, 30])).table.to_pylist()
    starts_on = next(row["starts_on"] for row in tables["course_runs"].to_pylist() if row["run"] == run_id)
    plan = [row for row in tables["activities"].to_pylist() if row["run"] == run_id and row["due_on"] is not None]
    described = set()
    for row in found:
        due_on = starts_on + timedelta(days=row["course_day"] + row["days_to_next_due"])
        ahead = [one for one in plan if one["due_on"] == due_on]
        assert (row["next_due_weight"], row["next_is_test"]) in {
            (round(one["weight"], 6), one["type"] == "test") for one in ahead
        }
        described.add((row["next_due_weight"], row["next_is_test"]))
    assert len(described) > 1
