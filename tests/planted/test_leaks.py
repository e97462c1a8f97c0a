"""Every way to cheat that is known in this field, planted: each is caught, and honest code passes the same check."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pyarrow as pa
import pytest

from headway.domain.errors import Conflict, LeakageError, NotEnoughData
from headway.domain.time import AsOf
from headway.evaluation import paradigms
from headway.evaluation.leakage import Tables, refuse_the_future
from headway.evaluation.metrics import auroc
from headway.evaluation.paradigms import Bench, Question, answer, asked, training_rows
from headway.evaluation.risk_model import fit
from headway.evaluation.rows import Rows, matrix_of
from headway.features import as_of, known
from headway.features.as_of import FeatureTable, compute, labelled, moments_on_days
from headway.features.definition import FEATURES
from headway.features.engine import Records
from headway.features.labels import Label, label
from headway.features.moments import Moment
from headway.features.views import FeatureView, view_with
from headway.models import logistic
from headway.models.model import MODELS, Matrix
from tests.support.histories import ANCHORS, Habits, World, world
from tests.support.memory import Memory
from tests.support.simulation import runs_of, simulated

if TYPE_CHECKING:
    import ibis.expr.types as ir

VIEW = view_with(
    "planted",
    (
        "active_days_14d",
        "active_days_total",
        "assessments_submitted",
        "days_since_last_activity",
        "earned_share",
        "engagement_score",
        "interactions_14d",
        "interactions_14d_percentile",
    ),
)
LABELLED = ("run", "learner", "as_of", "label")
LOGISTIC = MODELS.get("logistic")


@cache
def awkward() -> World:
    """Runs in which much is late, moved or withdrawn."""
    return world(ANCHORS[1], Habits(late=0.5, leaves=0.5, returns=0.5, moved=0.5, unmarked=0.2, no_outcome=0.0), 20, 1)


def courses() -> dict[str, pa.Table]:
    """Three runs of a simulated course."""
    return simulated(learners="80", runs="3", late_share="0.2")


def end_of(tables: Tables, day: int) -> AsOf:
    """The end of a day of the last run."""
    with Memory(tables) as records:
        return moments_on_days(records, runs_of(tables)[-1:], [day])[0].as_of


def features_of(tables: Tables, moments: Sequence[Moment]) -> FeatureTable:
    with Memory(tables) as records:
        return compute(VIEW, records, moments)


def check_features() -> None:
    """The deletion check on the features of the awkward world."""
    given = awkward()
    refuse_the_future(lambda tables: features_of(tables, given.moments).table, given.tables, given.as_of)


@cache
def honest_features_pass() -> None:
    """The check without a fault, once for all faults."""
    check_features()


def check_labels(target: Label) -> None:
    """The deletion check on a label of the awkward world, as it trains."""
    given = awkward()
    features = features_of(given.tables, given.moments)

    def observe(tables: Tables) -> pa.Table:
        with Memory(tables) as records:
            observed = labelled(features, target, records, given.as_of)
        kept = observed.features.table.select(["run", "learner", "as_of"])
        return kept.append_column("value", pa.array(observed.values))

    refuse_the_future(observe, given.tables, given.as_of)


def question_of(tables: Tables, day: int, target: str = "does_not_finish") -> Question:
    *past, current = runs_of(tables)
    return Question(label(target), tuple(past), current, day, seed=7, spread=(-14, 0))


def check_predictions(day: int = 28) -> None:
    """The deletion check on the predictions of a model trained within the running course."""
    tables = courses()

    def predict(given: Tables) -> pa.Table:
        question = question_of(given, day)
        with Memory(given) as records:
            rows = training_rows(Bench(records, VIEW), question, "in-situ")
            now = compute(VIEW, records, moments_on_days(records, [question.test_run], [day]))
        model = fit(LOGISTIC, rows, course=question.course, day=day, seed=7)
        said = model.predict(matrix_of(now))
        return now.table.select(["run", "learner", "as_of"]).append_column("risk", pa.array(said.risks))

    refuse_the_future(predict, tables, end_of(tables, day))


def happened(rows: "ir.Table", moments: "ir.Table") -> "ir.Table":
    """The fault: cuts by when it happened, whenever it became known."""
    return rows.join(moments, [rows.run == moments.run, rows.occurred_at <= moments.as_of])


def first_happened(rows: "ir.Table", moments: "ir.Table") -> "ir.Table":
    """The same fault where records are folded into their first moment."""
    in_time = rows.occurred_on <= moments.as_of_on
    not_before = moments.previous_as_of.isnull() | (rows.occurred_on > moments.previous_as_of_on)
    return rows.join(moments, [rows.run == moments.run, in_time, not_before])


@pytest.mark.parametrize(("cut", "fault"), [("_known", happened), ("_first_known", first_happened)])
def test_cutting_by_when_it_happened_is_caught(
    monkeypatch: pytest.MonkeyPatch, cut: str, fault: Callable[..., "ir.Table"]
) -> None:
    honest_features_pass()
    monkeypatch.setattr(as_of, cut, fault)
    with pytest.raises(LeakageError, match="What was recorded after 2025-03-30T23:00:00Z changes the result"):
        check_features()


def test_a_cohort_of_all_who_ever_enrol_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A statistic over the cohort before it is cut: those who enrol later stand in it."""
    honest_features_pass()

    def ever(changes: "ir.Table", moments: "ir.Table") -> "ir.Table":
        rows = changes.filter(ibis._.status == "enrolled")
        return rows.join(moments, "run").mutate(valid_from=ibis._.as_of)

    monkeypatch.setattr(as_of, "_known", ever)
    with pytest.raises(LeakageError, match="whole rows"):
        check_features()


def test_a_statistic_over_uncut_records_is_caught() -> None:
    """Values set beside a middle that was computed from all records there are."""
    given = awkward()

    def beside_middle(tables: Tables, *, uncut: bool) -> pa.Table:
        table = features_of(tables, given.moments).table
        clicks = tables["statements"]["interactions"] if uncut else table["interactions_14d"]
        middle = float(np.mean(clicks.to_numpy()))
        return table.append_column("against_middle", pa.array(table["interactions_14d"].to_numpy() - middle))

    refuse_the_future(lambda tables: beside_middle(tables, uncut=False), given.tables, given.as_of)
    with pytest.raises(LeakageError, match="against_middle"):
        refuse_the_future(lambda tables: beside_middle(tables, uncut=True), given.tables, given.as_of)


def test_a_preparation_learned_from_later_rows_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Means and scales that a model learns from rows of days to come."""
    check_predictions()
    honest = logistic.Columns.learn
    honest_rows = paradigms.training_rows
    later: list[Matrix] = []

    def peek(bench: Bench, question: Question, paradigm: paradigms.Paradigm) -> Rows:
        days = moments_on_days(bench.records, [question.test_run], [56])
        later.append(matrix_of(compute(bench.view, bench.records, days)))
        return honest_rows(bench, question, paradigm)

    def learn(features: Matrix, parameters: logistic.Parameters) -> logistic.Columns:
        together = np.vstack([features.values, later[-1].ordered(features.names)])
        return honest(Matrix(features.names, together), parameters)

    monkeypatch.setitem(globals(), "training_rows", peek)
    monkeypatch.setattr(logistic.Columns, "learn", learn)
    with pytest.raises(LeakageError, match="risk"):
        check_predictions()


@pytest.mark.parametrize("target", ["inactive_next_week", "misses_next_assessment", "does_not_finish"])
def test_labels_from_after_the_training_cut_off_are_caught(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    check_labels(label(target))

    def uncut(records: Records, kind: str, known_by: AsOf | None) -> "ir.Table":
        return records.table(kind)

    def all_resolved(answer: pa.Table, known_by: AsOf | None) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
        return np.ones(answer.num_rows, dtype=np.bool_)

    monkeypatch.setattr(as_of, "_until", uncut)
    monkeypatch.setattr(as_of, "_resolved", all_resolved)
    with pytest.raises(LeakageError, match="changes the result"):
        check_labels(label(target))


def test_a_label_whose_window_overlaps_the_features_is_refused() -> None:
    honest = label("inactive_next_week")

    def early(later: known.Later) -> "ir.Table":
        """The fault: a window that opens three days before the as-of time."""
        spine = later.spine.mutate(opens_on=later.spine.opens_on - ibis.interval(days=3))
        return honest.define(replace(later, spine=spine))

    overlapping = replace(honest, define=early)
    tables = courses()
    with Memory(tables) as records:
        features = compute(VIEW, records, moments_on_days(records, runs_of(tables)[:1], [14]))
        assert len(labelled(features, honest, records, None).features) == len(features)
        with pytest.raises(LeakageError, match="Let its window start after the as-of time"):
            labelled(features, overlapping, records, None)
        with pytest.raises(LeakageError, match="'inactive_next_week' rests on evidence from before its window"):
            labelled(features, overlapping, records, None, action_gap_days=2)


def with_repeaters(tables: dict[str, pa.Table], count: int) -> dict[str, pa.Table]:
    """The same courses, in which some learners of the first run are in the last run as well."""
    first, last = runs_of(tables)[0], runs_of(tables)[-1]
    rows = tables["enrolments"].to_pylist()
    old, new = (sorted({row["learner"] for row in rows if row["run"] == run})[:count] for run in (first, last))
    again = dict(zip(new, old, strict=True))

    def renamed(table: pa.Table) -> pa.Table:
        if "learner" not in table.column_names:
            return table
        learners = pa.array([again.get(learner, learner) for learner in table["learner"].to_pylist()])
        return table.set_column(table.column_names.index("learner"), "learner", learners)

    return {kind: renamed(table) for kind, table in tables.items()}


def test_a_learner_on_both_sides_of_a_split_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = with_repeaters(courses(), 20)
    question = question_of(tables, 28)
    with Memory(tables) as records:
        bench = Bench(records, VIEW)
        alone = len(answer(bench, question, "transfer", LOGISTIC).test)
        assert alone == len(asked(bench, question))
        monkeypatch.setattr(Rows, "without", lambda rows, learners: rows)
        with pytest.raises(LeakageError, match="learners are on both sides of a split"):
            answer(bench, question, "transfer", LOGISTIC)


def test_a_split_by_row_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folds that are dealt out row by row put the same learner into training on another day."""
    question = question_of(courses(), 28)
    with Memory(courses()) as records:
        bench = Bench(records, VIEW)
        answer(bench, question, "post-hoc", LOGISTIC)

        def by_row(
            learners: Sequence[Any], labels: Any, folds: int, seed: int
        ) -> "np.ndarray[Any, np.dtype[np.int64]]":
            return np.random.default_rng(seed).integers(0, folds, len(learners))

        monkeypatch.setattr(paradigms, "learner_folds", by_row)
        with pytest.raises(LeakageError, match="both sides of a split"):
            answer(bench, question, "post-hoc", LOGISTIC)


def check_first_days() -> None:
    """The first day and the first week are looked at, trained on and counted."""
    tables = courses()
    runs = runs_of(tables)
    with Memory(tables) as records:
        table = compute(VIEW, records, moments_on_days(records, runs, [0, 7])).table
        seen = {(row["run"], row["course_day"]) for row in table.to_pylist()}
        assert seen == {(run, day) for run in runs for day in (0, 7)}, "day 0 is not looked at"
        rows = training_rows(Bench(records, VIEW), question_of(tables, 7), "in-situ")
    assert set(rows.days.tolist()) == {0}, "nothing is learned from day 0"
    assert question_of(tables, 14).past_days() == [0, 14], "past runs are not looked at on day 0"
    assert set(table["active_days_total"].to_pylist()) >= {0.0, 1.0}, "day 0 is not counted"


def without_day_0(records: Records, runs: Sequence[str], days: Sequence[int], known_by: Any = None) -> list[Moment]:
    """The fault, as in a system of this field: `if day:`."""
    return moments_on_days(records, runs, [day for day in days if day], known_by)


def test_a_dropped_first_day_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    check_first_days()
    with monkeypatch.context() as planted:
        planted.setattr(paradigms, "moments_on_days", without_day_0)
        with pytest.raises((AssertionError, NotEnoughData)):
            check_first_days()
    with monkeypatch.context() as planted:
        planted.setattr(Question, "past_days", lambda question: [question.day])
        with pytest.raises(AssertionError, match="past runs"):
            check_first_days()
    honest = known.spine_of

    def from_the_second_step(at_risk: "ir.Table", moments: "ir.Table") -> "ir.Table":
        everyone = honest(at_risk, moments)
        return everyone.filter(everyone.course_day != 0)

    monkeypatch.setattr(known, "spine_of", from_the_second_step)
    with pytest.raises(AssertionError, match="day 0 is not looked at"):
        check_first_days()


def test_shuffled_labels_teach_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """With labels of other learners a model is as good as a coin; anything better would have leaked."""
    tables = simulated(learners="400", runs="3", signal="2")
    question = question_of(tables, 42)
    with Memory(tables) as records:
        bench = Bench(records, VIEW)
        said = answer(bench, question, "transfer", LOGISTIC)
        assert auroc(said.test.labels, said.risks) > 0.7
        honest = paradigms.training_rows
        found = []
        for seed in range(5):

            def shuffled(bench: Bench, question: Question, paradigm: paradigms.Paradigm, seed: int = seed) -> Rows:
                rows = honest(bench, question, paradigm)
                # Each learner gets another learner's label, on all days the same.
                who, of_row = np.unique(rows.learners.astype(str), return_inverse=True)
                own = np.zeros(len(who))
                own[of_row] = rows.labels
                return replace(rows, labels=np.random.default_rng(seed).permutation(own)[of_row])

            monkeypatch.setattr(paradigms, "training_rows", shuffled)
            noise = answer(bench, question, "transfer", LOGISTIC)
            found.append(auroc(noise.test.labels, noise.risks))
    assert abs(float(np.mean(found)) - 0.5) < 0.12


def test_outcomes_that_are_known_selectively_do_not_train(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a running course only withdrawals are known: who trains on them learns that nobody finishes."""
    tables = courses()
    run, target = runs_of(tables)[-1], label("does_not_finish")
    with Memory(tables) as records:
        features = compute(VIEW, records, moments_on_days(records, [run], [14]))
        running = labelled(features, target, records, end_of(tables, 56))
        finished = labelled(features, target, records, None)
        assert len(running.features) == 0
        assert running.censored == {"cohort not yet resolved": len(features)}
        assert len(finished.features) == len(features)
        assert 0.2 < finished.values.mean() < 0.8
        monkeypatch.setattr(as_of, "COMPLETE", 0.0)
        selective = labelled(features, target, records, end_of(tables, 56))
    assert len(selective.features) > 0
    assert selective.values.mean() == 1.0, "the fault that completeness prevents: only bad outcomes are known"


def test_a_changed_definition_cannot_be_scored_by_an_old_model(monkeypatch: pytest.MonkeyPatch) -> None:
    trained: FeatureView = VIEW
    view_with("planted", trained.features).check(trained.hash)
    honest = FEATURES.get("active_days_14d")

    def fault(d: "ir.Table") -> "ir.Value":
        """Days with activity, the as-of day left out."""
        return ((d.age_days < 14) & (d.age_days > 0)).sum()

    monkeypatch.setitem(FEATURES._found, "active_days_14d", replace(honest, define=fault))
    with pytest.raises(Conflict, match="Train a new model"):
        view_with("planted", trained.features).check(trained.hash)
    unrelated = view_with("other", ("days_since_last_activity",))
    monkeypatch.undo()
    assert view_with("other", ("days_since_last_activity",)).hash == unrelated.hash
