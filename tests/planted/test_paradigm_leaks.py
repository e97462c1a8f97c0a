"""Ways to cheat in blending, weighing, selecting and tuning, planted: each is caught, and honest code passes."""

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pytest

from headway.domain.errors import LeakageError
from headway.domain.time import AsOf
from headway.evaluation import paradigms, risk_model
from headway.evaluation.leakage import Tables, refuse_the_future
from headway.evaluation.paradigms import Bench, Paradigm, Question, answer, asked, learn
from headway.evaluation.rows import Rows, matrix_of
from headway.evaluation.selection import by_regret
from headway.evaluation.tuning import later_runs
from headway.features.as_of import compute, moments_on_days
from headway.features.labels import Label, label
from headway.features.views import view_with
from headway.models.model import MODELS, Floats
from tests.support.memory import Memory
from tests.support.simulation import runs_of, simulated

VIEW = view_with("planted", ("active_days_14d", "days_since_last_activity", "interactions_14d_percentile"))
LOGISTIC = MODELS.get("logistic")
DAY = 28


def courses() -> Tables:
    """Three runs of a simulated course."""
    return simulated(learners="60", runs="3", late_share="0.2")


def question_of(tables: Tables) -> Question:
    *past, current = runs_of(tables)
    return Question(label("does_not_finish"), tuple(past), current, DAY, seed=7, spread=(0,))


def now_of(tables: Tables) -> AsOf:
    with Memory(tables) as records:
        return moments_on_days(records, runs_of(tables)[-1:], [DAY])[0].as_of


def check(paradigm: Paradigm) -> None:
    """The deletion check on the risks of everyone enrolled, from a model trained in this way."""

    def predict(given: Tables) -> pa.Table:
        question = question_of(given)
        with Memory(given) as records:
            cohort = compute(VIEW, records, moments_on_days(records, [question.test_run], [DAY]))
            made = learn(Bench(records, VIEW), question, paradigm, LOGISTIC, cohort.keys("learner"))
        said = made.model.predict(matrix_of(cohort)).risks
        return cohort.table.select(["run", "learner", "as_of"]).append_column("risk", pa.array(said))

    tables = courses()
    refuse_the_future(predict, tables, now_of(tables))


def uncut(bench: Bench, moments: Sequence[Any], target: Label, known_by: AsOf | None) -> Rows:
    """The fault: labels as they are known today."""
    return HONEST_ROWS(bench, moments, target, None)


HONEST_ROWS: Callable[..., Rows] = Bench.rows


@pytest.mark.parametrize("paradigm", ["blended", "transfer-weighted"])
def test_nothing_from_after_the_as_of_time_reaches_a_blend_or_a_weight(paradigm: Paradigm) -> None:
    check(paradigm)


def test_a_proxy_that_was_not_seen_yet_is_caught_in_a_blend(monkeypatch: pytest.MonkeyPatch) -> None:
    """The running course is looked at on its own day, when nobody knows yet who will be silent next week."""
    honest = paradigms.training_rows

    def early(bench: Bench, question: Question, paradigm: Paradigm) -> Rows:
        if paradigm != "in-situ":
            return honest(bench, question, paradigm)
        days = moments_on_days(bench.records, [question.test_run], [question.day, question.day - 7])
        return HONEST_ROWS(bench, days, label(question.proxy), None)

    monkeypatch.setattr(paradigms, "training_rows", early)
    with pytest.raises(LeakageError, match="risk"):
        check("blended")


def test_weights_towards_a_later_cohort_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def later(bench: Bench, question: Question) -> Any:
        return moments_on_days(bench.records, [question.test_run], [question.day + 14])[0]

    honest = Bench.cohort
    monkeypatch.setattr(Bench, "cohort", lambda bench, moment: honest(bench, later(bench, question_of(courses()))))
    with pytest.raises(LeakageError, match="risk"):
        check("transfer-weighted")


def test_a_blend_whose_weights_rest_on_risks_in_sample_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past runs that taught the transfer model make it look better there than it is anywhere else."""

    def in_sample(rows: Rows, tell: Callable[[Rows, Rows], Floats]) -> Floats:
        return tell(rows, rows)

    tables = courses()
    with Memory(tables) as records:
        bench = Bench(records, VIEW)
        answer(bench, question_of(tables), "blended", LOGISTIC)
        monkeypatch.setattr(risk_model, "held_out_by_run", in_sample)
        with pytest.raises(LeakageError, match="both sides of a split"):
            answer(bench, question_of(tables), "blended", LOGISTIC)


def test_a_learner_on_both_sides_is_refused_in_every_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = with_repeaters(courses())
    question = question_of(tables)
    with Memory(tables) as records:
        bench = Bench(records, VIEW)
        past = moments_on_days(records, question.train_runs, [DAY])
        rows = bench.rows(past, question.target, now_of(tables))
        by_regret([LOGISTIC], rows, seed=7)
        days = (DAY,), now_of(tables), 7
        assert later_runs(bench, question.target, question.train_runs, *days)
        assert len(asked(bench, question))
        monkeypatch.setattr(Rows, "without", lambda rows, learners: rows)
        for refused in (
            lambda: answer(bench, question, "blended", LOGISTIC),
            lambda: by_regret([LOGISTIC], rows, seed=7),
            lambda: later_runs(bench, question.target, question.train_runs, *days),
        ):
            with pytest.raises(LeakageError, match="both sides of a split"):
                refused()


def test_tuning_on_labels_that_were_not_known_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = courses()
    runs = runs_of(tables)
    # In the middle of the second run: nothing of it is known, and the first one is not to be scored by a later one.
    with Memory(tables) as records:
        cut = moments_on_days(records, runs[1:2], [DAY])[0].as_of

    def folds(given: Tables) -> pa.Table:
        with Memory(given) as records:
            found = later_runs(Bench(records, VIEW), label("inactive_next_week"), runs[:2], (14, DAY), cut, 7)
        parts = [("learn", fold.learn) for fold in found] + [("test", fold.test) for fold in found]
        told = [
            {"run": str(run), "learner": f"{part} {who}", "as_of": int(at), "label": float(value)}
            for part, rows in parts
            for run, who, at, value in zip(rows.runs, rows.learners, rows.instants, rows.labels, strict=True)
        ]
        return pa.Table.from_pylist(told)

    refuse_the_future(folds, tables, cut)
    monkeypatch.setattr(Bench, "rows", uncut)
    with pytest.raises(LeakageError):
        refuse_the_future(folds, tables, cut)


def with_repeaters(tables: Tables) -> dict[str, pa.Table]:
    """The same courses, in which ten learners of the first run are in the other two as well."""
    runs = runs_of(tables)
    rows = tables["enrolments"].to_pylist()
    of = [sorted({row["learner"] for row in rows if row["run"] == run})[:10] for run in runs]
    again = {new: old for others in of[1:] for new, old in zip(others, of[0], strict=True)}

    def renamed(table: pa.Table) -> pa.Table:
        if "learner" not in table.column_names:
            return table
        learners = pa.array([again.get(learner, learner) for learner in table["learner"].to_pylist()])
        return table.set_column(table.column_names.index("learner"), "learner", learners)

    return {kind: renamed(table) for kind, table in tables.items()}
