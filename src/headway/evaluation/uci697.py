"""The protocol `uci697`: dropped out, still enrolled or graduated, foreseen at enrolment and after each semester.

Three classes by binary models: a model for each class, risks made to sum to 1, the largest wins (one against the rest;
Rifkin and Klautau 2004, JMLR 5:101-141). Nothing here decides what was known when: `Facts` does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import NotEnoughData
from headway.domain.time import AsOf
from headway.evaluation.assess import Measure
from headway.evaluation.facts import Facts
from headway.evaluation.protocols import PROTOCOLS, Heading, ProtocolResult, Row, Said, measured, sentences
from headway.evaluation.rows import Rows
from headway.evaluation.trials import Progress
from headway.features.as_of import run_facts
from headway.features.engine import Records
from headway.models.boosting import BEST_SPLITS, Boosting
from headway.models.model import Floats, Json, Matrix, Model

RUN: Final = "uci697/degree/2019"
STAGES: Final = {"S0": "2019-09-16", "S1": "2020-01-31", "S2": "2020-07-17"}
CLASSES: Final = ("withdrawn", "", "pass")
"""Dropped out; no outcome, which is still enrolled; graduated."""

FOLDS: Final = 5
REPEATS: Final = 2
DEGREE: Final = "degree"
NOMINAL: Final = (
    "application_mode",
    DEGREE,
    "fathers_occupation",
    "fathers_qualification",
    "marital_status",
    "mothers_occupation",
    "mothers_qualification",
    "nationality",
    "previous_qualification",
)
EVENED: Final = 0.5
"""Power of a class's share against which its chance is set: 0 for accuracy, 1 for classes that count the same."""

READINGS: Final = {"as published": True, "honest": False}
"""Whether facts that say who somebody is are columns."""

SPLITS: Final = ("learners left out", "degrees left out")

NOTES: Final = f"""
Three classes: dropped out, still enrolled at the end of the usual time, graduated. S0 is the day of enrolment, S1 and
S2 the end of the first and second semester; the calendar is made up, the order is true.
"Learners left out": {REPEATS} times {FOLDS} folds, each with the same share of every class. "Degrees left out": whole
degrees, dealt out into {FOLDS} folds by size; that has no published figure.
As published: all columns, those too that say who somebody is or how they live. Honest: without these.
References are about 0.77 for accuracy and 0.70 for macro-F1 at S2, on stratified folds; they are unverified, and
published figures often balance classes before they split.
Said is the class whose chance is largest against the square root of its mean chance.
Boosted trees take the best threshold of each column, where they draw one by default: that carries over to other runs,
of which there is none here, and misses the marks of the semesters.
Accuracy is printed and ranks nothing. AUROC is that of dropping out against the rest.
"""


@dataclass(frozen=True)
class Degrees:
    """Dropped out, enrolled or graduated."""

    stages: tuple[str, ...] = tuple(STAGES)
    repeats: int = REPEATS
    name: str = "uci697"
    summary: str = "Drops out, stays enrolled or graduates; at enrolment and after two semesters; macro-F1, accuracy."
    reference: dict[str, Json] = field(default_factory=lambda: {"accuracy": {"S2": 0.77}, "macro_f1": {"S2": 0.70}})

    def run(self, records: Records, models: Sequence[Model], measure: Measure, progress: Progress) -> ProtocolResult:
        """The figures at each stage, by reading and split; see `Protocol.run`."""
        facts = Facts.of(records, RUN)
        zone = run_facts(records, RUN).zone
        able = [_of_one_run(model) for model in models if not model.trivial]
        parts = []
        for stage in self.stages:
            now = AsOf.at(STAGES[stage], zone)
            degree = facts.words(DEGREE, now)
            for reading, sensitive in READINGS.items():
                features = facts.matrix(now, sensitive=sensitive, nominal=NOMINAL)
                for split in SPLITS:
                    # A column that names the degree says nothing of one not seen.
                    asked = features if split == SPLITS[0] else without(features, f"{DEGREE}=")
                    progress(f"{self.name}, {stage}, {reading}, {split}: {len(able)} models")
                    folds = list(_folds(facts, degree, split, self.repeats, measure.seed))
                    heading = Heading(f"{self.name}/{reading}/{split}")
                    day = run_facts(records, RUN).course_day(now)
                    parts += [
                        self._trial(heading, stage, day, model, Task(facts, asked, folds), measure) for model in able
                    ]
        return ProtocolResult.joined([*parts, ProtocolResult([], [], sentences(NOTES))])

    def _trial(
        self, heading: Heading, stage: str, day: int, model: Model, task: "Task", measure: Measure
    ) -> ProtocolResult:
        shares = task.shares(model, measure.seed)
        first = shares[0]
        rows = measured(
            heading, model, day, Said(task.rows(day), first[:, 0], (RUN,), task.learned), measure, "post-hoc"
        )
        found = [scores(task.classes, each) for each in shares]
        summary: list[Row] = []
        for metric in ("macro_f1", "accuracy"):
            values = [one[metric] for one in found]
            stage_figures = self.reference.get(metric)
            published = heading.label.startswith(f"{self.name}/as published/{SPLITS[0]}")
            reference = stage_figures.get(stage) if published and isinstance(stage_figures, dict) else None
            summary.append(_line(heading, model, stage, metric, values, len(task.classes), reference))
        auroc = rows[0]["auroc"]
        value = auroc["value"] if isinstance(auroc, dict) else None
        summary.append({**_line(heading, model, stage, "auroc", [], len(task.classes), None), "value": value})
        return ProtocolResult(rows, summary, [])


@dataclass(frozen=True, slots=True)
class Task:
    """Features, classes and the folds of each repeat."""

    facts: Facts
    features: Matrix
    folds: list[NDArray[np.int64]]

    @property
    def classes(self) -> NDArray[np.int64]:
        """The place of each learner's class in `CLASSES`."""
        return np.array([CLASSES.index(word) for word in self.facts.outcome], dtype=np.int64)

    @property
    def learned(self) -> int:
        """How many rows the largest fit learns from."""
        return int(max((self.folds[0] != k).sum() for k in range(FOLDS)))

    def rows(self, day: int) -> Rows:
        """The rows with whether each learner dropped out."""
        n = len(self.facts.learners)
        labels = np.asarray(self.classes == 0, dtype=np.float64)
        runs = np.full(n, RUN, dtype=object)
        days = np.full(n, day, dtype=np.int64)
        return Rows(self.features, labels, self.facts.learners, runs, days, np.zeros(n, dtype=np.int64))

    def shares(self, model: Model, seed: int) -> list[Floats]:
        """For each repeat the chance of each class, shape (learners, classes), each learner held out."""
        found = []
        for fold in self.folds:
            shares = np.zeros((len(fold), len(CLASSES)))
            for k in range(FOLDS):
                rest, out = fold != k, fold == k
                for place in range(len(CLASSES)):
                    labels = np.asarray(self.classes[rest] == place, dtype=np.float64)
                    # Weights would shift each class's risks by another amount; see `EVENED` for what does it once.
                    fitted = model.fit(self.features.rows(rest), labels, np.ones(len(labels)), seed)
                    shares[out, place] = fitted.risk(self.features.rows(out))
            found.append(shares / shares.sum(axis=1, keepdims=True))
        return found


def _of_one_run(model: Model) -> Model:
    """The model as it is best within one run, where few columns tell much: boosting with `BEST_SPLITS`."""
    return replace(model, parameters=BEST_SPLITS) if model == Boosting() else model


def scores(classes: NDArray[np.int64], shares: Floats) -> dict[str, float]:
    """Accuracy, and macro-F1: the mean over classes of F1, which is 0 for a class that is never said.

    Said is the class whose chance is largest against `EVENED` of its share: accuracy alone would hardly ever name the
    rarest class, equal shares would name it too often. No label of a test row is needed, and nothing is chosen on them.
    """
    said = (shares / shares.mean(axis=0) ** EVENED).argmax(axis=1)
    f1 = []
    for place in range(shares.shape[1]):
        hits = float(((said == place) & (classes == place)).sum())
        f1.append(2 * hits / max(float((said == place).sum() + (classes == place).sum()), 1.0))
    return {"accuracy": float((said == classes).mean()), "macro_f1": float(np.mean(f1))}


def without(features: Matrix, prefix: str) -> Matrix:
    """The features but those whose names begin with `prefix`."""
    kept = [i for i, name in enumerate(features.names) if not name.startswith(prefix)]
    return Matrix(tuple(features.names[i] for i in kept), features.values[:, kept])


def _folds(
    facts: Facts, degree: NDArray[np.object_], split: str, repeats: int, seed: int
) -> Iterator[NDArray[np.int64]]:
    if split == SPLITS[0]:
        for repeat in range(repeats):
            yield stratified(facts.outcome, FOLDS, seed + repeat)
        return
    if len(set(degree)) < FOLDS:
        raise NotEnoughData(f"There are {len(set(degree))} degrees; {FOLDS} are needed to leave some out.")
    yield by_group(degree, FOLDS)


def stratified(words: NDArray[np.object_], folds: int, seed: int) -> NDArray[np.int64]:
    """The fold of each row, each word dealt out evenly."""
    shuffled = np.random.default_rng(seed).permutation(len(words))
    fold = np.empty(len(words), dtype=np.int64)
    fold[shuffled[np.argsort(words[shuffled].astype(str), kind="stable")]] = np.arange(len(words)) % folds
    return fold


def by_group(groups: NDArray[np.object_], folds: int) -> NDArray[np.int64]:
    """The fold of each row, whole groups dealt out from the largest on into the smallest fold so far."""
    names, of_row, counts = np.unique(groups.astype(str), return_inverse=True, return_counts=True)
    fold, filled = np.zeros(len(names), dtype=np.int64), np.zeros(folds)
    for group in np.argsort(-counts, kind="stable"):
        fold[group] = int(np.argmin(filled))
        filled[fold[group]] += counts[group]
    return np.asarray(fold[of_row], dtype=np.int64)


def _line(
    heading: Heading, model: Model, stage: str, metric: str, values: Sequence[float], n: int, reference: Json
) -> Row:
    sd = float(np.std(values, ddof=1)) if len(values) > 1 else None
    about: Row = {"protocol": heading.label, "model": model.name, "day": stage, "metric": metric}
    about |= {"figure": f"mean of {len(values)} repeats" if len(values) > 1 else "all held-out rows"}
    mean = float(np.mean(values)) if values else None
    return about | {"value": mean, "low": None, "high": None, "sd": sd, "n": n, "reference": reference}


DEGREES: Final = Degrees()

PROTOCOLS.add(DEGREES.name, DEGREES)
