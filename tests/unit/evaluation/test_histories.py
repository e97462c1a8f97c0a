"""A bench's rows have the history that the tensor has, however the moments were asked for."""

from collections.abc import Iterator

import numpy as np
import pytest

from headway.evaluation.histories import STEP_DAYS, STEPS, history_of, history_wanted
from headway.evaluation.paradigms import Bench
from headway.features.as_of import compute, moments_on_days
from headway.features.labels import label
from headway.features.moments import Moment
from headway.features.tensor import SEQUENCE_FEATURES, Tensor, sequence_view, tensor
from headway.features.views import view_with
from headway.models.model import MODELS
from tests.support.memory import Memory
from tests.support.simulation import runs_of, simulated

OPTIONS = {"learners": "40", "runs": "2", "late_share": "0.2"}
RUNS = runs_of(simulated(**OPTIONS))
VIEW = view_with("v", ("active_days_14d", "days_since_last_activity"))
TARGET = label("misses_next_assessment")


@pytest.fixture(scope="module")
def records() -> Iterator[Memory]:
    with Memory(simulated(**OPTIONS)) as held:
        yield held


@pytest.fixture(scope="module")
def moments(records: Memory) -> list[Moment]:
    return moments_on_days(records, RUNS, [7, 28])


@pytest.fixture(scope="module")
def whole(records: Memory, moments: list[Moment]) -> Tensor:
    return tensor(sequence_view(), records, moments, STEPS, STEP_DAYS)


def test_labelled_rows_have_the_history_of_their_learner_and_time(
    records: Memory, moments: list[Moment], whole: Tensor
) -> None:
    rows = Bench(records, VIEW, history=True).rows(moments, TARGET, None)
    history = rows.features.history
    assert history is not None
    assert history.names == SEQUENCE_FEATURES
    place = {(row["run"], row["learner"], row["as_of"]): at for at, row in enumerate(whole.rows.to_pylist())}
    instants = {moment.as_of.instant.timestamp(): moment.as_of.instant for moment in moments}
    order = [
        place[run, learner, instants[at / 1e6]]
        for run, learner, at in zip(rows.runs, rows.learners, rows.instants, strict=True)
    ]
    assert len(rows) < len(whole.rows)  # who has handed it in already has no row, so rows must be matched
    assert np.array_equal(history.values, whole.values[order], equal_nan=True)
    assert np.array_equal(history.mask, whole.mask[order])


def test_moments_prepared_apart_give_the_same_history(records: Memory, moments: list[Moment]) -> None:
    together = Bench(records, VIEW, history=True).rows(moments, TARGET, None).features.history
    bench = Bench(records, VIEW, history=True)
    for moment in (moments[2], moments[0]):
        bench.prepare([moment])
    apart = bench.rows(moments, TARGET, None).features.history
    assert together is not None
    assert apart is not None
    assert np.array_equal(apart.values, together.values, equal_nan=True)
    assert np.array_equal(apart.mask, together.mask)


def test_a_cohort_is_scored_with_the_history_it_would_have_trained_with(
    records: Memory, moments: list[Moment], whole: Tensor
) -> None:
    cohort = compute(VIEW, records, moments[:1])
    history = history_of(records, cohort)
    first = np.array([row["run"] == moments[0].run and row["as_of"] == moments[0].as_of.instant for row in keys(whole)])
    assert np.array_equal(history.values, whole.values[first], equal_nan=True)


def keys(found: Tensor) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = found.rows.to_pylist()
    return rows


def test_histories_are_made_only_where_a_model_reads_them(records: Memory, moments: list[Moment]) -> None:
    assert history_wanted([MODELS.get("boosting"), MODELS.get("lstm")])
    assert not history_wanted([MODELS.get("boosting"), MODELS.get("base-rate")])
    assert Bench(records, VIEW).rows(moments[:1], TARGET, None).features.history is None
