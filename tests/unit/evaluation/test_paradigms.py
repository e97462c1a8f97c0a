"""What each way to train may learn from, on a simulated course with two finished runs and a running one."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from headway.domain.errors import NotEnoughData
from headway.evaluation import paradigms
from headway.evaluation.blending import Blend
from headway.evaluation.metrics import auroc
from headway.evaluation.paradigms import (
    DEPLOYABLE,
    PARADIGMS,
    TRANSFERS,
    VARIANTS,
    Bench,
    Paradigm,
    Question,
    answer,
    asked,
    training_rows,
    tried_in,
)
from headway.evaluation.risk_model import HeldOutPast
from headway.evaluation.rows import Objects, Rows
from headway.features.as_of import compute, moments_on_days
from headway.features.labels import label
from headway.features.views import view_with
from headway.models.model import MODELS, Matrix
from tests.support.memory import Memory
from tests.support.simulation import runs_of, simulated

OPTIONS = {"learners": "80", "runs": "3", "late_share": "0.2"}
VIEW = view_with("v", ("active_days_14d", "days_since_last_activity", "interactions_14d_percentile"))
LOGISTIC = MODELS.get("logistic")
FIRST, SECOND, CURRENT = runs_of(simulated(**OPTIONS))


@pytest.fixture(scope="module")
def records() -> Iterator[Memory]:
    with Memory(simulated(**OPTIONS)) as held:
        yield held


@pytest.fixture(scope="module")
def bench(records: Memory) -> Bench:
    return Bench(records, VIEW)


def question(target: str = "does_not_finish", day: int = 28, **changes: object) -> Question:
    made = Question(label(target), (FIRST, SECOND), CURRENT, day, seed=7)
    return replace(made, **changes)  # type: ignore[arg-type]  # fields by name, as the tests give them


def test_past_runs_are_looked_at_around_the_day_and_from_day_0_on() -> None:
    assert question().past_days() == [14, 21, 28, 35, 42]
    assert question(day=7).past_days() == [0, 7, 14, 21]
    assert question(day=0).past_days() == [0, 7, 14]
    assert question(day=10, spread=(0, 0, 5)).past_days() == [10, 15]
    assert question().course == "simulated/DS101"


def test_transfer_learns_from_finished_runs_on_days_around(bench: Bench) -> None:
    rows = training_rows(bench, question(), "transfer")
    assert set(rows.runs) == {FIRST, SECOND}
    assert set(rows.days.tolist()) == {14, 21, 28, 35, 42}
    assert 0.1 < rows.labels.mean() < 0.9


def test_transfer_from_a_run_that_is_not_over_has_nothing_to_learn_from(bench: Bench) -> None:
    early = Question(label("does_not_finish"), (CURRENT,), SECOND, 28, seed=7)
    with pytest.raises(NotEnoughData):
        training_rows(bench, early, "transfer")


def test_an_as_of_time_within_a_past_run_lets_only_its_earlier_days_train(records: Memory, bench: Bench) -> None:
    then = moments_on_days(records, [SECOND], [50])[0].as_of
    rows = training_rows(bench, question("withdraws_within_14d", as_of=then), "transfer")
    # On day 35 of that run, 14 days after are over; on day 42 they are not.
    assert set(rows.days[rows.runs == SECOND].tolist()) == {14, 21, 28, 35}
    assert set(rows.days[rows.runs == FIRST].tolist()) == {14, 21, 28, 35, 42}


def test_in_situ_learns_from_the_running_course_what_has_been_observed(bench: Bench) -> None:
    rows = training_rows(bench, question(), "in-situ")
    assert set(rows.runs) == {CURRENT}
    assert set(rows.days.tolist()) == {0, 7, 14, 21}  # the proxy looks 7 days ahead
    leaving = training_rows(bench, question("withdraws_within_14d"), "in-situ")
    assert set(leaving.days.tolist()) == {0, 7, 14}
    assert set(training_rows(bench, question(day=70), "in-situ").days.tolist()) == {35, 42, 49, 56, 63}


def test_in_situ_waits_for_the_action_gap_as_well(records: Memory) -> None:
    gap = Bench(records, VIEW, gap_days=3)
    assert set(training_rows(gap, question(), "in-situ").days.tolist()) == {4, 11, 18}


def test_in_situ_is_too_early_before_anything_was_observed(bench: Bench) -> None:
    assert set(training_rows(bench, question(day=7), "in-situ").days.tolist()) == {0}
    with pytest.raises(NotEnoughData, match="Day 6 is too early to have observed 'inactive_next_week'"):
        training_rows(bench, question(day=6), "in-situ")


@pytest.mark.parametrize("paradigm", [*PARADIGMS, "transfer-same", "transfer-weighted"])
def test_everyone_enrolled_is_answered_for_once(bench: Bench, paradigm: Paradigm) -> None:
    said = answer(bench, question(), paradigm, LOGISTIC)
    test = asked(bench, question())
    assert said.test.learners.tolist() == test.learners.tolist()
    assert len(set(test.learners)) == len(test)
    assert not np.isnan(said.risks).any()
    assert said.rows_learned > 0
    past, own = {FIRST, SECOND}, {CURRENT}
    learned_from = past if paradigm in TRANSFERS else past | own if paradigm == "blended" else own
    assert set(said.learned_from) == learned_from
    assert ((said.risks >= 0) & (said.risks <= 1)).all()
    again = answer(bench, question(), paradigm, LOGISTIC)
    assert np.array_equal(again.risks, said.risks)


def test_the_optimistic_reference_is_not_deployable() -> None:
    assert set(DEPLOYABLE) == {*PARADIGMS, *VARIANTS} - {"post-hoc"}


def test_a_bench_computes_each_moment_once_and_the_same(records: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(records, VIEW)
    moments = moments_on_days(records, [FIRST, SECOND], [7, 14])
    bench.prepare(moments)
    alone = compute(VIEW, records, moments[:1])

    def never(*_: object) -> None:
        raise AssertionError("computed again")

    with monkeypatch.context() as planted:
        planted.setattr(paradigms, "compute", never)
        rows = bench.rows(moments, label("does_not_finish"), None)
        assert bench.rows(moments[::-1], label("does_not_finish"), None).learners.tolist() == rows.learners.tolist()
    of_first = rows.where((rows.runs == moments[0].run) & (rows.days == 7))
    assert np.array_equal(of_first.features.values, alone.values(), equal_nan=True)


def test_what_cannot_be_learned_says_why(records: Memory, bench: Bench) -> None:
    with pytest.raises(NotEnoughData, match="Nobody was enrolled"):
        bench.rows(moments_on_days(records, [FIRST], [-300]), label("does_not_finish"), None)
    soon = moments_on_days(records, [FIRST], [20])[0].as_of
    with pytest.raises(NotEnoughData, match=r"'does_not_finish' was known by .*cohort not yet resolved: \d+ rows"):
        bench.rows(moments_on_days(records, [FIRST], [14]), label("does_not_finish"), soon)


def test_as_published_trains_on_what_became_known_later(records: Memory) -> None:
    published = Bench(records, VIEW, reading="as published")
    early = Question(label("does_not_finish"), (FIRST,), FIRST, 28, seed=7)
    assert len(training_rows(published, early, "transfer")) > 0
    with pytest.raises(NotEnoughData):
        training_rows(Bench(records, VIEW), early, "transfer")


def test_transfer_from_the_same_course_and_from_others_part_the_past(bench: Bench) -> None:
    both = question()
    same = training_rows(bench, both, "transfer-same")
    assert set(same.runs) == {FIRST, SECOND}
    with pytest.raises(NotEnoughData, match="No run of another course"):
        training_rows(bench, both, "transfer-other")
    with pytest.raises(NotEnoughData, match="No run of the same course"):
        training_rows(bench, question(train_runs=("simulated/OTHER/2025S1",)), "transfer-same")


def test_weighting_says_how_many_rows_are_left(bench: Bench) -> None:
    said = answer(bench, question(), "transfer-weighted", LOGISTIC)
    effective = said.about["effective_rows"]
    assert isinstance(effective, float)
    assert 0 < effective <= said.rows_learned


def test_blending_takes_what_there_is(bench: Bench) -> None:
    early = answer(bench, question(day=6), "blended", LOGISTIC)
    assert early.about == {"blend": "transfer alone"}
    assert np.array_equal(early.risks, answer(bench, question(day=6), "transfer", LOGISTIC).risks)
    alone = answer(bench, question(train_runs=(CURRENT,)), "blended", LOGISTIC)
    assert alone.about == {"blend": "in-situ alone"}
    assert np.array_equal(alone.risks, answer(bench, question(), "in-situ", LOGISTIC).risks)
    together = answer(bench, question("withdraws_within_14d"), "blended", LOGISTIC)
    assert together.about == {"blend": "rows together"}
    assert set(together.learned_from) == {FIRST, SECOND, CURRENT}


def test_a_blend_weighs_both_as_past_runs_taught(bench: Bench) -> None:
    said = answer(bench, question(), "blended", LOGISTIC)
    weights = said.about["blend"]
    assert isinstance(weights, dict)
    assert weights["past_runs"] == 2
    assert all(float(str(weights[part])) >= 0 for part in ("transfer", "in_situ"))
    assert said.past is not None
    assert len(said.past.risks)


def test_one_past_run_is_enough_to_blend(bench: Bench) -> None:
    said = answer(bench, question(train_runs=(FIRST,)), "blended", LOGISTIC)
    assert isinstance(said.about["blend"], dict)
    assert said.about["blend"]["past_runs"] == 1


def test_blended_is_no_worse_than_its_parts_on_average(bench: Bench) -> None:
    found: dict[str, list[float]] = {"transfer": [], "in-situ": [], "blended": []}
    for day in (21, 35):
        for paradigm in found:
            said = answer(bench, question(day=day), paradigm, LOGISTIC)  # type: ignore[arg-type]  # names of paradigms
            found[paradigm].append(auroc(said.test.labels, said.risks))
    means = {paradigm: float(np.mean(values)) for paradigm, values in found.items()}
    assert means["blended"] > max(means["transfer"], means["in-situ"]) - 0.02, means


def test_where_the_running_course_adds_nothing_a_blend_is_transfer(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paradigms, "learned", lambda _: Blend(0.4, 1.7, 0.0))
    said, transfer = (answer(bench, question(), paradigm, LOGISTIC) for paradigm in ("blended", "transfer"))
    assert np.array_equal(said.risks, transfer.risks)
    assert said.learned_from == transfer.learned_from


def test_a_blend_is_calibrated_like_transfer(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the scale of the weights: the past learners say what the sum means."""
    monkeypatch.setattr(paradigms, "learned", lambda _: Blend(3.0, 2.0, 1e-6))
    said, transfer = (answer(bench, question(), paradigm, LOGISTIC) for paradigm in ("blended", "transfer"))
    assert np.abs(said.risks - transfer.risks).mean() < 0.03
    assert CURRENT in said.learned_from


def past_of(runs: list[str]) -> Rows:
    """Two learners of each run, one of each label, on the day."""
    owners: Objects = np.array([run for run in runs for _ in range(2)], dtype=object)
    learners: Objects = np.array([f"l{i}" for i in range(len(owners))], dtype=object)
    n = len(owners)
    labels = np.tile([0.0, 1.0], len(runs))
    return Rows(Matrix(("a",), np.zeros((n, 1))), labels, learners, owners, np.full(n, 28), np.zeros(n, dtype=np.int64))


def held_out_risks(by_learner: list[float], by_run: list[float] | None) -> HeldOutPast:
    everyone = np.ones(len(by_learner), dtype=np.bool_)
    return HeldOutPast(np.array(by_learner), None if by_run is None else np.array(by_run), everyone, everyone, True)


def test_parts_are_tried_as_they_will_be_used() -> None:
    past, shown = past_of(["s/a/1", "s/b/1"]), np.array([1.0, 2.0, 3.0, np.nan])
    known = held_out_risks([0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8])

    def tried(course: str, told: HeldOutPast = known) -> list[tuple[list[float], list[float]]]:
        return [(one.transfer.tolist(), one.in_situ.tolist()) for one in tried_in(past, told, shown, course)]

    assert tried("s/a") == [([0.1, 0.2], [1.0, 2.0])], "its own earlier run, learners held out"
    assert tried("s/b") == [([0.3], [3.0])], "who was shown nothing is left out"
    assert tried("s/c") == [([0.5, 0.6], [1.0, 2.0]), ([0.7], [3.0])], "a new course: whole runs left out"
    assert tried("s/c", held_out_risks([0.1, 0.2, 0.3, 0.4], [np.nan] * 4)) == [
        ([0.1, 0.2], [1.0, 2.0]),
        ([0.3], [3.0]),
    ]
    assert tried_in(past, known, np.full(4, np.nan), "s/a") == []


def test_without_an_earlier_run_it_says_so(bench: Bench) -> None:
    with pytest.raises(NotEnoughData, match="no earlier run to learn from"):
        answer(bench, question(train_runs=()), "transfer", LOGISTIC)
