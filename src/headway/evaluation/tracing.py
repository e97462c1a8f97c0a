"""How well mastery models foresee the next answer of learners whom they have not seen, and two published data sets.

Promises that a learner is on one side of a split only, that each answer is foreseen from what went before it, and that
a response that stands in several rows can be counted once (`models.mastery.folding`). Figures are over answers, not
over skills: whoever answers three skills at once gave one answer.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import InputError, LeakageError, NotEnoughData
from headway.domain.extensions import has
from headway.evaluation import metrics
from headway.evaluation.assess import Measure
from headway.evaluation.protocols import (
    PROTOCOLS,
    Heading,
    ProtocolResult,
    Row,
    Said,
    measured,
    published,
    sentences,
    summed,
)
from headway.evaluation.rows import Rows
from headway.evaluation.trials import Progress
from headway.features.engine import Records
from headway.models.mastery.blend import FittedBlend
from headway.models.mastery.folding import Folded, by_item, by_pairs
from headway.models.mastery.responses import Responses
from headway.models.mastery.tracer import TRACERS, Fitted, Tracer
from headway.models.model import Floats, Json, Matrix, Model

if TYPE_CHECKING:
    import pyarrow as pa

SHARE: Final = 0.2
"""Share of the learners who are tested."""

SHOWN: Final = ("bkt", "pfa", "logistic", "boosted", "dkt", "blend")
FEW: Final = 0.01
"""With a smaller share of repeated rows, one reading serves for both."""

NOTES: Final = f"""
A learner is tested or learned from, never both: {SHARE:.0%} of the learners, drawn by the seed, are tested. Each answer
is foreseen from the learner's earlier answers, and none of its own or later ones.
Both data sets come without times and items, so a skill is the item, and "day" is 0.
As published: every row is an answer, as in the published figures on these tables. Where a response that needs two
skills stands in two rows, the second one is then foreseen by who has seen the first, which holds its answer.
Honest: rows that repeat a response are one answer. Which pairs of skills these are was found among the learners who are
learned from: right is followed by right and wrong by wrong in at least 90% of the cases.
Mastery models are not risk models, so --model does not choose among them.
"""


def drawn(learners: int, seed: int, share: float = SHARE) -> NDArray[np.bool_]:
    """Which of so many learners are tested, shape (learners,): the same for the same seed, at least one on each side.

    Raises:
        NotEnoughData: there are fewer than two.
    """
    if learners < 2:
        raise NotEnoughData(f"Answers of {learners} learners cannot be split by learner. Give those of two or more.")
    out = min(max(round(share * learners), 1), learners - 1)
    return np.asarray(np.random.default_rng(seed).permutation(learners) < out, dtype=np.bool_)


def refuse_shared(train: Responses, test: Responses) -> None:
    """Nothing, if no learner is in both.

    Raises:
        LeakageError: a learner is on both sides.
    """
    shared = sorted(set(train.learners) & set(test.learners))
    if shared:
        raise LeakageError(
            f"{len(shared)} learners are in both files, {shared[0]!r} among them. Put all answers of a learner in one, "
            "or give one file and let the seed split it."
        )


@dataclass(frozen=True, slots=True)
class Traced:
    """A mastery model and what it said of learners whom it had not seen.

    Attributes:
        fitted: the model.
        test: their answers.
        said: shape (n,): the chance that each is right.
    """

    fitted: Fitted
    test: Responses
    said: Floats

    def figures(self, which: NDArray[np.bool_] | None = None) -> dict[str, Json]:
        """`auc`, `log_loss` (natural logarithm) and `n` over the answers, or over those that a mask names."""
        labels, said = self.test.correct, self.said
        if which is not None:
            labels, said = labels[which], said[which]
        auc = metrics.auroc(labels, said) if len(labels) else float("nan")
        loss = metrics.log_loss(labels, said) if len(labels) else float("nan")
        return {"auc": _number(auc), "log_loss": _number(loss), "n": len(labels)}


def _number(value: float) -> float | None:
    return round(value, 6) if np.isfinite(value) else None


def traced(tracer: Tracer, train: Responses, test: Responses, seed: int, fitted: Fitted | None = None) -> Traced:
    """What a model that learned from `train` (`fitted`, where that was done already) says of `test`.

    Raises:
        LeakageError: a learner is on both sides.
        NotEnoughData: the answers of one side are all right, all wrong, or none.
    """
    refuse_shared(train, test)
    test.check_both()
    fitted = fitted or tracer.fit(train, seed)
    return Traced(fitted, test, fitted.predict(test))


def read_rows(
    learners: Sequence[str], items: Sequence[str], skills: Sequence[Sequence[str]], correct: Sequence[bool]
) -> tuple[Folded, bool]:
    """Rows as answers, those that repeat a response under another skill folded; and whether items tell which these are.

    Where each item is just its skills' name, nothing tells (see `folding.by_pairs`), and each row is an answer.

    Raises:
        InputError: there are no rows.
    """
    if not learners:
        raise InputError("There are no answers. Give rows with learner, item, skill and correct.")
    if all(item == ";".join(named) for item, named in zip(items, skills, strict=True)):
        return Folded(Responses.of(learners, items, skills, correct), len(learners)), False
    return by_item(learners, items, skills, correct), True


@dataclass(frozen=True)
class Tracing:
    """Whether the next answer is right."""

    name: str
    words: tuple[str, ...]
    reference: dict[str, Json]
    summary: str
    tracers: tuple[str, ...] = SHOWN

    def run(self, records: Records, models: Sequence[Model], measure: Measure, progress: Progress) -> ProtocolResult:
        """The figures of each mastery model by reading; see `protocols.Protocol.run`."""
        del models
        run, folded, told = self._answers(records)
        out = drawn(len(folded.responses.learners), measure.seed)
        readings = {"as published": folded.responses}
        notes = [f"{run}: {folded.rows} rows of {len(folded.responses.learners)} learners."]
        if not told:
            once = by_pairs(folded.responses, ~out)
            notes.append(
                f"{once.repeated} rows ({once.repeated / once.rows:.1%}) repeat a response under another skill, as "
                f"{len(once.pairs)} pairs of skills do."
            )
            if once.repeated >= FEW * once.rows:
                readings["honest"] = once.responses
        parts = [
            part
            for reading, responses in readings.items()
            for part in self._trials(run, reading, responses, out, measure, progress)
        ]
        return ProtocolResult.joined([*parts, ProtocolResult([], [], [*notes, *sentences(NOTES)])])

    def _trials(
        self,
        run: str,
        reading: str,
        responses: Responses,
        out: NDArray[np.bool_],
        measure: Measure,
        progress: Progress,
    ) -> Iterator[ProtocolResult]:
        """The figures of each model whose library is installed."""
        train, test = responses.of_learners(~out), responses.of_learners(out)
        fits: dict[str, Fitted] = {}
        for tracer in map(TRACERS.get, self.tracers):
            if has(getattr(tracer, "extra", None)):
                progress(f"{self.name}, {reading}: {tracer.name}")
                both = FittedBlend.of(fits) if tracer.name == "blend" else None
                found = traced(tracer, train, test, measure.seed, both)
                fits[tracer.name] = found.fitted
                yield self._told(run, reading, tracer.name, found, len(train), measure)

    def _told(self, run: str, reading: str, name: str, found: Traced, learned: int, measure: Measure) -> ProtocolResult:
        said = Said(_rows(run, found.test), found.said, (run,), learned)
        heading = Heading(f"{self.name}/{reading}/learners left out")
        rows = measured(heading, TRACERS.get(name), 0, said, measure, "post-hoc")
        loss: Row = {"log_loss": {"value": found.figures()["log_loss"], "low": None, "high": None}}
        rows = [row | loss for row in rows]
        reference = published(self.reference, "auroc", 0)
        summary = [summed(rows[0], "auroc", reference), summed(rows[0], "log_loss", None)]
        return ProtocolResult(rows, summary, [])

    def _answers(self, records: Records) -> tuple[str, Folded, bool]:
        """The run's id, its answers in order, and whether its items tell which rows are one response."""
        table = records.table("responses")
        known = records.collect(table.select("run").distinct())["run"].to_pylist()
        runs = sorted(run for run in known if all(word in run.lower() for word in self.words))
        if not runs:
            raise NotEnoughData(
                f"{self.name} needs its data set: headway import tracing FILE, where the file's name has "
                f"{' and '.join(self.words)}."
            )
        own = table.filter((table.run == runs[0]) & table.correct.notnull())
        own = own.order_by("learner", "occurred_at", "recorded_at", "item", "id")
        found = records.collect(own.select("learner", "item", "skills", "correct"))
        return runs[0], *read_rows(*in_order_of_content(*columns(found)))


def columns(answers: "pa.Table") -> tuple[list[str], list[str], list[list[str]], list[bool]]:
    """Learners, items, skills and right or wrong of records of the kind `responses`.

    An answer that names no skill is one on the skill that its item is.
    """
    items: list[str] = answers["item"].to_pylist()
    named = [list(skills or [item]) for item, skills in zip(items, answers["skills"].to_pylist(), strict=True)]
    return answers["learner"].to_pylist(), items, named, answers["correct"].to_pylist()


def in_order_of_content(
    learners: list[str], items: list[str], skills: list[list[str]], correct: list[bool]
) -> tuple[list[str], list[str], list[list[str]], list[bool]]:
    """The same answers, learners ordered by a hash of theirs.

    Learners' pseudonyms differ from home to home; so the seed would draw other learners in each.
    """
    content = {learner: hashlib.sha256() for learner in learners}
    for learner, item, right in zip(learners, items, correct, strict=True):
        content[learner].update(f"{item}\x1f{right}\x1e".encode())
    digest = {learner: told.digest() for learner, told in content.items()}
    order = sorted(range(len(learners)), key=lambda row: digest[learners[row]])
    return (
        [learners[row] for row in order],
        [items[row] for row in order],
        [skills[row] for row in order],
        [correct[row] for row in order],
    )


def _rows(run: str, test: Responses) -> Rows:
    n = len(test)
    learners = np.array(test.learners, dtype=object)[test.learner]
    zeros = np.zeros(n, dtype=np.int64)
    return Rows(Matrix((), np.empty((n, 0))), test.correct, learners, np.full(n, run, dtype=object), zeros, zeros)


for _protocol in (
    Tracing(
        "kt-statics",
        ("statics",),
        {"auroc": {"0": 0.83}},
        "Next answer right or wrong (Statics 2011); learners left out; AUC, beside BKT and PFA.",
    ),
    Tracing(
        "kt-assist09",
        ("assist", "09"),
        {"auroc": {"0": 0.77}},
        "Next answer right or wrong (ASSISTments 2009); learners left out; AUC, beside BKT and PFA.",
    ),
):
    PROTOCOLS.add(_protocol.name, _protocol)
