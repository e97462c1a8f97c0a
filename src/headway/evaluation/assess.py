"""Figures with intervals for predictions beside what happened, as rows that command line, pages and registry share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from headway.domain.errors import HeadwayError, NotEnoughData
from headway.evaluation import conformal
from headway.evaluation.comparison import difference
from headway.evaluation.decisions import Costs, at_cost, curve
from headway.evaluation.intervals import bootstrap, known
from headway.evaluation.metrics import at_capacity, confusion, expected_ece, reliability
from headway.evaluation.paradigms import Answer, Bench, Paradigm, Question, answer
from headway.evaluation.ranges import Comparable
from headway.evaluation.rows import Rows
from headway.evaluation.smoothing import Week, lead_days, steadiness
from headway.models.model import Floats, Json, Model

METRICS = ("auroc", "auprc", "brier", "ece")
COMPARED = "auroc"
"""The metric of `difference`."""

Row = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Measure:
    """How to measure.

    Attributes:
        capacity: learners that can be contacted.
        bootstrap: draws behind each interval.
        seed: seeds the draws.
        costs: what a miss and a contact cost.
        coverage: share of learners of either label whose set of possible answers should hold what comes true.
        curves: whether rows hold the gain and lift curve and the reliability table.
        than: the model that others are compared with, or None.
    """

    capacity: int = 25
    bootstrap: int = 500
    seed: int = 7
    costs: Costs = field(default_factory=Costs)
    coverage: float = 0.8
    curves: bool = False
    than: str | None = None


def figures(test: Rows, risks: Floats, measure: Measure, past: Comparable | None = None) -> Row:
    """Every figure of some predictions: `n`, `base_rate`, metrics with intervals by learner, `at_capacity`, `at_cost`.

    With `past`, the held-out past learners, also `sure`: what conformal sets would have told. With `measure.curves`
    also `curve` and `reliability`.
    """
    found = bootstrap(METRICS, test.labels, risks, test.learners, seed=measure.seed, n=measure.bootstrap)
    at = at_capacity(test.labels, risks, measure.capacity)
    floor = expected_ece(risks, seed=measure.seed)
    row: Row = {"n": len(test), "base_rate": known(float(test.labels.mean())), "mean_risk": known(float(risks.mean()))}
    row |= {name: dict(interval.as_json()) for name, interval in found.items()}
    row["ece_of_a_perfect_model"] = known(float(floor.mean))
    row["at_capacity"] = {
        "k": measure.capacity,
        **{name: known(float(value)) for name, value in asdict(at).items()},
        "confusion": {
            name: int(value)
            for name, value in asdict(confusion(test.labels, risks, at.threshold)).items()
            if isinstance(value, int)
        },
    }
    row["at_cost"] = at_cost(test.labels, risks, measure.costs)
    if past is not None and len(past.risks):
        told = conformal.sets(past, risks, measure.coverage)
        row["sure"] = conformal.report(test.labels, told, measure.coverage)
    if measure.curves:
        row["curve"] = curve(test.labels, risks)
        row["reliability"] = [dict(asdict(each)) for each in reliability(test.labels, risks)]
    return row


def table(
    bench: Bench,
    questions: Sequence[Question],
    paradigms: Sequence[Paradigm],
    models: Sequence[Model],
    measure: Measure,
    protocol: str,
    progress: Callable[[str], None],
    events: Callable[[str], Mapping[str, int] | None] | None = None,
) -> list[Row]:
    """One row for each question, paradigm and model; what cannot be answered honestly says why in `note`.

    Args:
        bench: features and labels.
        questions: what is asked.
        paradigms: ways to train.
        models: what is tried.
        measure: how to measure.
        protocol: how rows are called.
        progress: told before each step.
        events: for a run, when what the label says happened, by learner, in microseconds since 1970; None where the
            label has no such date.
    """
    rows: list[tuple[Row, Answer | None]] = []
    for question in questions:
        for paradigm in paradigms:
            progress(f"{question.test_run}, day {question.day}: {paradigm}")
            told = [_row(bench, question, paradigm, model, measure, protocol) for model in models]
            if measure.than is not None:
                _compare(told, measure)
            rows += told
    _over_days(rows, measure, events)
    return [row for row, _ in rows]


def _row(
    bench: Bench, question: Question, paradigm: Paradigm, model: Model, measure: Measure, protocol: str
) -> tuple[Row, Answer | None]:
    row: Row = {
        "protocol": protocol,
        "paradigm": paradigm,
        "model": model.name,
        "train": list(question.train_runs),
        "test": question.test_run,
        "day": question.day,
    }
    try:
        said: Answer = answer(bench, question, paradigm, model)
    except NotEnoughData as why:
        return row | _empty(bench, question, why), None
    row["train"] = list(said.learned_from)
    about: Row = {"rows_learned": said.rows_learned, "about": said.about, "note": None}
    return row | figures(said.test, said.risks, measure, said.past) | about, said


def _compare(told: list[tuple[Row, Answer | None]], measure: Measure) -> None:
    """Puts `difference` into the rows of all models but the one compared with; they speak of the same learners."""
    other = next((said for row, said in told if row["model"] == measure.than), None)
    for row, said in told:
        if other is None or said is None or said is other:
            continue
        found = difference(
            said.test.labels,
            said.risks,
            other.risks,
            said.test.learners,
            metric=COMPARED,
            seed=measure.seed,
            n=measure.bootstrap,
        )
        row["difference"] = {"than": measure.than, **found}


def _over_days(
    rows: Sequence[tuple[Row, Answer | None]],
    measure: Measure,
    events: Callable[[str], Mapping[str, int] | None] | None,
) -> None:
    """Puts `steadiness` and `lead_days` into the rows of each run, paradigm and model, day after day."""
    series: dict[tuple[str, str, str], list[tuple[Row, Week]]] = {}
    for row, said in rows:
        if said is not None and len(said.test):
            test, key = said.test, (str(row["test"]), str(row["paradigm"]), str(row["model"]))
            week = Week(int(test.days[0]), int(test.instants[0]), test.learners, test.labels, said.risks)
            series.setdefault(key, []).append((row, week))
    for (run, _, _), told in series.items():
        told.sort(key=lambda each: each[1].day)
        weeks = [week for _, week in told]
        happened = None if events is None else events(run)
        leads = [None] * len(weeks) if happened is None else lead_days(weeks, measure.capacity, dict(happened))
        for (row, _), steady, lead in zip(told, steadiness(weeks, measure.capacity), leads, strict=True):
            row["steadiness"], row["lead_days"] = steady, lead


def _empty(bench: Bench, question: Question, why: HeadwayError) -> Row:
    from headway.evaluation.paradigms import asked

    nothing: Row = {name: {"value": None, "low": None, "high": None} for name in METRICS}
    try:
        test = asked(bench, question)
        about: Row = {"n": len(test), "base_rate": known(float(test.labels.mean()))}
    except NotEnoughData:
        about = {"n": 0, "base_rate": None}
    return about | nothing | {"at_capacity": None, "at_cost": None, "rows_learned": 0, "note": str(why)}
