"""Runs without a log beside those that have one: what is learned from them, and what is not."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from headway.domain.errors import NotEnoughData
from headway.domain.records import INSTANT
from headway.domain.time import AsOf
from headway.evaluation import paradigms
from headway.evaluation.forecasting import forecasted
from headway.evaluation.paradigms import TRANSFERS, Bench, Paradigm, Question, answer, asked, parted, training_rows
from headway.features.as_of import moments_on_days, runs_with_activity
from headway.features.labels import label
from headway.features.views import view_with
from headway.models.forecast import FORECASTS
from headway.models.model import MODELS
from tests.support.memory import Memory
from tests.support.simulation import runs_of, simulated

OPTIONS = {"learners": "80", "runs": "3", "late_share": "0.2"}
VIEW = view_with("v", ("active_days_14d", "interactions_14d_percentile", "registered_lead_days", "submitted_share"))
LOG = [0, 1]
FIRST, SECOND, CURRENT = runs_of(simulated(**OPTIONS))
LOGISTIC = MODELS.get("logistic")


def without_log_of(*runs: str) -> Memory:
    """The simulated courses, and nothing of what was done in these runs."""
    tables = simulated(**OPTIONS)
    statements = tables["statements"]
    for run in runs:
        statements = statements.filter(pc.not_equal(statements["run"], run))
    return Memory(tables | {"statements": statements})


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with without_log_of(FIRST) as records:
        yield Bench(records, VIEW)


def question(day: int = 28, **changes: object) -> Question:
    made = Question(label("does_not_finish"), (FIRST, SECOND), CURRENT, day, seed=7)
    return replace(made, **changes)  # type: ignore[arg-type]  # fields by name, as the tests give them


def test_runs_are_parted_by_whether_they_are_like_the_one_to_be_scored() -> None:
    runs, logged = ("a", "b", "c"), {"b", "c", "now"}
    assert parted(runs, "now", logged) == (("b", "c"), ("a",))
    assert parted(runs, "without", logged) == (runs, ()), "of every past run at least as much is known"
    assert parted(("a",), "now", logged) == (("a",), ()), "there is nothing else"
    assert parted(("b", "c"), "now", logged) == (("b", "c"), ())
    assert parted(runs, "", logged) == parted(runs, "a", logged) == (("b", "c"), ("a",)), "for no run in particular"


def test_a_run_without_a_log_is_a_further_past(bench: Bench) -> None:
    rows = training_rows(bench, question(), "transfer")
    assert set(rows.runs) == {SECOND}
    assert set(rows.days.tolist()) == {14, 21, 28, 35, 42}
    assert not np.isnan(rows.features.values[:, LOG]).any()
    assert rows.further is not None
    assert (set(rows.further.runs), set(rows.further.days.tolist())) == ({FIRST}, {14, 21, 28, 35, 42})
    assert np.isnan(rows.further.features.values[:, LOG]).all()
    assert not np.isnan(rows.further.features.values[:, 2]).any()


def test_some_of_very_many_runs_are_drawn_in_their_order() -> None:
    runs = [f"run{n:03}" for n in range(100)]
    drawn = paradigms._some(runs, 30, 7)
    assert len(set(drawn)) == 30
    assert list(drawn) == sorted(drawn)
    assert drawn == paradigms._some(runs, 30, 7) != paradigms._some(runs, 30, 8)
    assert paradigms._some(runs[:5], 30, 7) == tuple(runs[:5])


def test_a_run_without_a_log_learns_from_all_alike(bench: Bench) -> None:
    rows = training_rows(bench, question(train_runs=(SECOND, CURRENT), test_run=FIRST, as_of=late(bench)), "transfer")
    assert rows.further is None
    assert set(rows.runs) == {SECOND, CURRENT}
    assert np.isnan(asked(bench, question(test_run=FIRST)).features.values[:, LOG]).all()


def late(bench: Bench) -> AsOf:
    """When all of them are over."""
    return moments_on_days(bench.records, [CURRENT], [300])[0].as_of


@pytest.mark.parametrize("paradigm", [*(each for each in TRANSFERS if each != "transfer-other"), "blended"])
def test_the_answer_says_that_it_learned_from_both(bench: Bench, paradigm: Paradigm) -> None:
    said = answer(bench, question(), paradigm, LOGISTIC)
    assert {FIRST, SECOND} <= set(said.learned_from)
    assert not np.isnan(said.risks).any()
    alone = answer(bench, question(train_runs=(SECOND,)), paradigm, LOGISTIC)
    assert said.rows_learned == alone.rows_learned + len(
        training_rows(bench, question(), paradigm_of(paradigm)).further or ()
    )
    assert not np.array_equal(said.risks, alone.risks)


def paradigm_of(paradigm: Paradigm) -> Paradigm:
    return "transfer" if paradigm == "blended" else paradigm


def test_a_forecast_learns_from_both(bench: Bench) -> None:
    number = question(target=label("final_score"), day=42)
    said = forecasted(bench, number, "transfer", FORECASTS.get("ridge"))
    assert set(said.learned_from) == {FIRST, SECOND}


def test_no_more_than_so_many_learners_are_drawn_from_all_of_them_and_the_same_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Memory(simulated(**OPTIONS)) as records:
        everyone = Bench(records, VIEW).rows(moments_on_days(records, [FIRST, SECOND], [28]), question().target, None)
    drawn, again = (paradigms._drawn(everyone, 60, 7) for _ in range(2))
    assert len(drawn) == 60
    assert set(drawn.runs) == {FIRST, SECOND}
    assert drawn.learners.tolist() == again.learners.tolist()
    assert paradigms._drawn(everyone, 10_000, 7).learners.tolist() == everyone.learners.tolist()
    with without_log_of(FIRST) as records:
        monkeypatch.setattr(paradigms, "MOST_FURTHER", 20)
        assert len(training_rows(Bench(records, VIEW), question(), "transfer").further or ()) == 20


def test_a_log_that_came_later_was_none() -> None:
    """What was recorded after the as-of time decides nothing: neither who is like the scored run, nor any value."""
    tables = simulated(**OPTIONS)
    with Memory(tables) as records:
        now = moments_on_days(records, [CURRENT], [28])[0].as_of
    statements = tables["statements"]
    at = statements.column_names.index("recorded_at")
    after = pa.scalar(now.instant + timedelta(seconds=1), INSTANT)
    moved = pc.if_else(pc.equal(statements["run"], FIRST), after, statements["recorded_at"])
    with Memory(tables | {"statements": statements.set_column(at, "recorded_at", moved)}) as records:
        bench = Bench(records, VIEW)
        assert runs_with_activity(records) == {FIRST, SECOND, CURRENT}
        assert runs_with_activity(records, now) == {SECOND, CURRENT}
        rows = training_rows(bench, question(), "transfer")
    assert set(rows.runs) == {SECOND}
    assert rows.further is not None
    assert np.isnan(rows.further.features.values[:, LOG]).all()


def test_where_only_runs_without_a_log_have_known_outcomes_these_are_the_past(bench: Bench) -> None:
    """The run with a log is not over by then."""
    now = moments_on_days(bench.records, [SECOND], [28])[0].as_of
    rows = training_rows(bench, question(as_of=now), "transfer")
    assert set(rows.runs) == {FIRST}
    assert rows.further is None
    with pytest.raises(NotEnoughData):
        training_rows(bench, question(as_of=moments_on_days(bench.records, [FIRST], [28])[0].as_of), "transfer")


def test_where_those_without_a_log_have_no_known_outcomes_the_others_are_all(bench: Bench) -> None:
    with without_log_of(SECOND) as records:
        now = moments_on_days(records, [SECOND], [28])[0].as_of
        rows = training_rows(Bench(records, VIEW), question(as_of=now), "transfer")
    assert set(rows.runs) == {FIRST}
    assert rows.further is None
