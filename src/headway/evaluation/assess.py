"""Figures with intervals for predictions beside what happened, as rows that command line, pages and registry share."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from headway.domain.errors import HeadwayError, NotEnoughData
from headway.evaluation.intervals import bootstrap, known
from headway.evaluation.metrics import at_capacity, confusion, expected_ece
from headway.evaluation.paradigms import Answer, Bench, Paradigm, Question, answer
from headway.evaluation.rows import Rows
from headway.models.model import Floats, Json, Model

METRICS = ("auroc", "auprc", "brier", "ece")


@dataclass(frozen=True, slots=True)
class Measure:
    """How to measure.

    Attributes:
        capacity: learners that can be contacted.
        bootstrap: draws behind each interval.
        seed: seeds the draws.
    """

    capacity: int = 25
    bootstrap: int = 500
    seed: int = 7


def figures(test: Rows, risks: Floats, measure: Measure) -> dict[str, Json]:
    """Every figure of some predictions: `n`, `base_rate`, metrics with intervals by learner, and `at_capacity`."""
    found = bootstrap(METRICS, test.labels, risks, test.learners, seed=measure.seed, n=measure.bootstrap)
    at = at_capacity(test.labels, risks, measure.capacity)
    floor = expected_ece(risks, seed=measure.seed)
    row: dict[str, Json] = {"n": len(test), "base_rate": known(float(test.labels.mean()))}
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
    return row


def table(
    bench: Bench,
    questions: Sequence[Question],
    paradigms: Sequence[Paradigm],
    models: Sequence[Model],
    measure: Measure,
    protocol: str,
    progress: Callable[[str], None],
) -> list[dict[str, Json]]:
    """One row for each question, paradigm and model; what cannot be answered honestly says why in `note`."""
    rows = []
    for question in questions:
        for paradigm in paradigms:
            progress(f"{question.test_run}, day {question.day}: {paradigm}")
            rows += [_row(bench, question, paradigm, model, measure, protocol) for model in models]
    return rows


def _row(
    bench: Bench, question: Question, paradigm: Paradigm, model: Model, measure: Measure, protocol: str
) -> dict[str, Json]:
    row: dict[str, Json] = {
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
        return row | _empty(bench, question, why)
    row["train"] = list(said.learned_from)
    return row | figures(said.test, said.risks, measure) | {"rows_learned": said.rows_learned, "note": None}


def _empty(bench: Bench, question: Question, why: HeadwayError) -> dict[str, Json]:
    from headway.evaluation.paradigms import asked

    nothing: dict[str, Json] = {name: {"value": None, "low": None, "high": None} for name in METRICS}
    try:
        test = asked(bench, question)
        about: dict[str, Json] = {"n": len(test), "base_rate": known(float(test.labels.mean()))}
    except NotEnoughData:
        about = {"n": 0, "base_rate": None}
    return about | nothing | {"at_capacity": None, "rows_learned": 0, "note": str(why)}
