"""Mastery per skill: how well models foresee answers, fitted models kept, and where a learner stands."""

import base64
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np
import pyarrow as pa

from headway.domain.errors import Conflict, InputError, NotEnoughData, UnknownName
from headway.domain.time import AsOf
from headway.evaluation.tracing import columns, drawn, read_rows, refuse_shared, traced
from headway.explanation.mastery import LearnerMastery, by_counts, states
from headway.flow.app import App
from headway.flow.records import as_of_in, one_run
from headway.governance import audit
from headway.models.mastery.folding import Folded, by_pairs
from headway.models.mastery.responses import Responses
from headway.models.mastery.tracer import TRACERS, Fitted, Tracer
from headway.models.model import Json
from headway.sources.source import SOURCES, Request

SHOWN_LINES: Final = 5
_NO_KEY: Final = b"answers of a file are not kept"


@dataclass(frozen=True, slots=True)
class FileAnswers:
    """The answers of a file.

    Attributes:
        folded: the answers, each response once where items tell.
        items_tell: whether the file's items tell which rows repeat a response.
        left_out: rows that are no answers: line and why, in words.
    """

    folded: Folded
    items_tell: bool
    left_out: tuple[tuple[int, str], ...]


def answers_in(path: Path) -> FileAnswers:
    """The answers in a CSV file (plain or .gz) with learner, item, skill and correct, in order.

    Raises:
        SourceError: there is no such file, or it is damaged or lacks a column.
        InputError: it has no usable row; the message names lines.
    """
    tables: list[pa.Table] = []
    left_out: list[tuple[int, str]] = []
    for delivery in SOURCES.get("tracing").read(Request([path], {}, _NO_KEY)):
        records = delivery.records.read_all()
        if delivery.kind == "responses":
            tables.append(records)
        left_out += [(int(row["line"]), str(row["detail"])) for row in delivery.rejects.to_pylist()]
    answers = pa.concat_tables(tables).sort_by([("learner", "ascending"), ("occurred_at", "ascending")])
    if not answers.num_rows:
        told = "; ".join(f"line {line}: {why}" for line, why in left_out[:SHOWN_LINES]) or "it has no rows"
        raise InputError(f"{path} has no usable answer ({told}). Give rows with learner, item, skill and correct.")
    learners, items, skills, correct = columns(answers)
    # Two files may be halves of one; the file's name, which stands before a learner's, says nothing here.
    prefix = len(str(answers["run"][0]).removesuffix("/1")) + 1
    folded, told_by_items = read_rows([name[prefix:] for name in learners], items, skills, correct)
    return FileAnswers(folded, told_by_items, tuple(left_out))


def evaluate_mastery(
    model: str, file: Path | None = None, *, train: Path | None = None, test: Path | None = None, seed: int = 7
) -> dict[str, Json]:
    """How well a mastery model foresees the answers of learners whom it has not seen.

    Args:
        model: a name in `TRACERS`.
        file: answers, split by learner; or
        train: answers to learn from, with
        test: answers to foresee.
        seed: decides the split and what the model draws.

    Returns:
        `auc`, `log_loss`, `n` (answers foreseen) and `seconds` (learning and foreseeing), and beside them which rows
        were left out or repeat a response. `question_level` has the figures without rows that seem to repeat the
        response before them, where a file's items do not tell.

    Raises:
        InputError: no file, or one of both ways only in part.
        LeakageError: a learner is in both files.
        NotEnoughData: the answers of one side are all right, all wrong, or none.
    """
    if (file is None) == (train is None) or (train is None) != (test is None):
        raise InputError("Name one file, which is split by learner, or two with --train and --test.")
    tracer = TRACERS.get(model)
    read = [answers_in(path) for path in (file, train, test) if path is not None]
    both = _together(read)
    out = drawn(len(both.learners), seed) if file is not None else _of_second(read)
    learn, foresee = both.of_learners(~out), both.of_learners(out)
    begun = perf_counter()
    found = traced(tracer, learn, foresee, seed)
    seconds = round(perf_counter() - begun, 3)
    figures = found.figures()
    told: dict[str, Json] = {"auc": figures["auc"], "log_loss": figures["log_loss"], "seconds": seconds}
    told |= {"n": figures["n"], "model": model, "seed": seed}
    told |= {"learners": {"learned_from": len(learn.learners), "tested": len(foresee.learners)}}
    told["answers_learned_from"] = len(learn)
    told["rows_folded"] = sum(each.folded.repeated for each in read)
    lines: list[dict[str, Json]] = [{"line": line, "why": why} for each in read for line, why in each.left_out]
    told["rows_left_out"] = len(lines)
    told["left_out"] = [dict(each) for each in lines[:SHOWN_LINES]]
    told["question_level"] = None
    if not any(each.items_tell for each in read):
        first = by_pairs(both, ~out).first
        keep = np.zeros(len(both), dtype=np.bool_)
        keep[first] = True
        of_test = keep[out[both.learner]]
        if not of_test.all():
            told["question_level"] = found.figures(of_test) | {"repeated_rows": int((~of_test).sum())}
    return told


def _together(read: Sequence[FileAnswers]) -> Responses:
    """The answers of one file, or of two with different learners."""
    if len(read) == 1:
        return read[0].folded.responses
    one, other = (each.folded.responses for each in read)
    refuse_shared(one, other)
    return one.joined(other)


def _of_second(read: Sequence[FileAnswers]) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    sizes = [len(each.folded.responses.learners) for each in read]
    return np.repeat([False, True], sizes)


@dataclass(frozen=True, slots=True)
class KeptModel:
    """A fitted mastery model in a file.

    Attributes:
        path: where it is.
        model: the model's name.
        learned_from: a run's id or a file's name.
        known_by: up to when answers were learned from; None for a file, whose answers have no times.
        answers: how many.
        learners: of how many learners.
        facts: what the model says of itself.
    """

    path: Path
    model: str
    learned_from: str
    known_by: datetime | None
    answers: int
    learners: int
    facts: dict[str, Json]

    def as_json(self) -> dict[str, Json]:
        """For `--json` and for the file."""
        known_by = None if self.known_by is None else self.known_by.isoformat().replace("+00:00", "Z")
        about: dict[str, Json] = {"path": str(self.path), "model": self.model, "learned_from": self.learned_from}
        return about | {
            "known_by": known_by,
            "answers": self.answers,
            "learners": self.learners,
            "facts": self.facts,
        }


def fit_mastery(
    app: App, source: str, model: str = "bkt", *, as_of_text: str | None = None, out: Path | None = None, seed: int = 7
) -> KeptModel:
    """A mastery model, fitted on a run's answers or a file's and kept in a file.

    Args:
        app: where the records are.
        source: a run, id or glob; or the path of a file.
        model: a name in `TRACERS`.
        as_of_text: only answers known then; None for now. Not for a file.
        out: where to keep it; `mastery` in the home, under the run's and the model's name, where None.
        seed: what the model draws.

    Raises:
        UnknownName: there is no such run, file or model.
        NotEnoughData: too few answers name a skill, or they are all right or all wrong.
        InputError: an as-of time for a file.
    """
    tracer = TRACERS.get(model)
    known_by: AsOf | None = None
    if Path(source).is_file():
        if as_of_text is not None:
            raise InputError("The answers of a file have no times. Leave --as-of out, or import the file first.")
        responses, name = answers_in(Path(source)).folded.responses, Path(source).name
    else:
        name = one_run(app, source)
        known_by = _as_of(app, name, as_of_text)
        responses = _answers(app, name, known_by).responses
    app.progress(f"learning {model} from {len(responses)} answers")
    fitted = tracer.fit(responses, seed)
    path = out or _place(app, name, model)
    learners, instant = len(responses.learners), None if known_by is None else known_by.instant
    kept = KeptModel(path, model, name, instant, len(responses), learners, fitted.facts())
    _write(path, kept, fitted)
    with app.store.begin() as connection:
        audit.record(
            connection, app.clock.now(), app.actor, "fit mastery", name, {"model": model, "answers": len(responses)}
        )
    return kept


def show_mastery(
    app: App, learner: str, run: str, as_of_text: str, *, model: str = "bkt", fitted: Path | None = None
) -> LearnerMastery:
    """Where a learner stands with each skill, from answers known then.

    Args:
        app: where the records are.
        learner: the id in the records.
        run: a run, id or glob.
        as_of_text: a date (its end) or an instant.
        model: a name in `TRACERS`; a kept model of the run is used where it learned from nothing later, else one is
            fitted on what the run's answers were then.
        fitted: a file made by `fit_mastery` instead.

    Raises:
        UnknownName: there is no such run or model, or no answer of the learner that names a skill was known.
        NotEnoughData: too few answers to fit a model on.
        Conflict: the fitted model in the file learned from answers that were not known yet.
    """
    run = one_run(app, run)
    as_of = _as_of(app, run, as_of_text)
    found = _answers(app, run, as_of)
    mine = np.array([name == learner for name in found.responses.learners], dtype=np.bool_)
    if not mine.any():
        raise UnknownName(
            f"No answer of {learner!r} on a named skill was known in {run} as of {as_of}. Name another learner or date."
        )
    tracer, trained, words = _model_for(app, found.responses, run, as_of, model, fitted)
    own = found.responses.of_learners(mine)
    instants = [at for at, who in zip(found.instants, found.responses.learner.tolist(), strict=True) if mine[who]]
    return LearnerMastery(
        learner,
        run,
        as_of.instant,
        tracer.name,
        tracer.mastery_is,
        words,
        found.no_skill.get(learner, 0),
        states(trained, tracer.mastery_is, own, instants, as_of.instant),
    )


def practised(app: App, learner: str, run: str, as_of: AsOf) -> tuple[str, ...]:
    """What a learner's known answers say of each skill, in words, the least mastered first; by counts, without a model.

    Nothing where no answer of theirs on a named skill was known.

    Args:
        app: where the records are.
        learner: the pseudonym.
        run: its id.
        as_of: as it was known then.
    """
    try:
        return by_counts(_answers(app, run, as_of, learner).responses)
    except NotEnoughData:
        return ()


def _model_for(
    app: App, responses: Responses, run: str, as_of: AsOf, model: str, fitted: Path | None
) -> tuple[Tracer, Fitted, str]:
    """The model, and a sentence on what it learned from."""
    place = fitted or _place(app, run, model)
    if fitted is not None or place.exists():
        about, state = _read(place)
        known_by = about["known_by"]
        later = known_by is not None and datetime.fromisoformat(known_by) > as_of.instant
        if not later:
            tracer = TRACERS.get(about["model"])
            words = (
                f"Learned from {about['answers']} answers of {about['learners']} learners in {about['learned_from']}."
            )
            return tracer, tracer.restore(state), words
        if fitted is not None:
            raise Conflict(
                f"{fitted} learned from answers up to {known_by}, which were not known as of {as_of}. Name a later "
                "date, or fit one with --as-of."
            )
    tracer = TRACERS.get(model)
    words = f"Learned from the {len(responses)} answers in {run} that were known then."
    return tracer, tracer.fit(responses, app.settings.evaluation.seed), words


@dataclass(frozen=True, slots=True)
class _Known:
    """A run's answers that name a skill, when each was given, and how many of each learner name none."""

    responses: Responses
    instants: list[datetime]
    no_skill: dict[str, int]


def _answers(app: App, run: str, as_of: AsOf, learner: str | None = None) -> _Known:
    """The answers of everyone, or of one learner."""
    with app.lake.open(as_of, [run], kinds=["responses", "activities"]) as records:
        told = records.table("responses")
        told = told if learner is None else told.filter(told.learner == learner)
        told = told.filter(told.correct.notnull()).order_by("learner", "occurred_at", "recorded_at", "item", "id")
        answers = records.collect(told.select("learner", "item", "skills", "correct", "occurred_at"))
        plan = records.table("activities").order_by("recorded_at", "id")
        plan = plan if answers.num_rows else plan.limit(0)
        activities = records.collect(plan.select("activity", "skills"))
    of_item = {name: named for name, named in zip(*_lists(activities, "activity", "skills"), strict=True) if named}
    who, what, skills, right, instants = _lists(answers, "learner", "item", "skills", "correct", "occurred_at")
    needed = [list(named or of_item.get(item) or ()) for item, named in zip(what, skills, strict=True)]
    kept = [row for row, named in enumerate(needed) if named]
    no_skill: dict[str, int] = {}
    for row, named in enumerate(needed):
        if not named:
            no_skill[who[row]] = no_skill.get(who[row], 0) + 1
    if not kept:
        raise NotEnoughData(
            f"No answer in {run} names a skill ({len(who)} answers). Import skills with the answers or the activities."
        )
    chosen: list[list[Any]] = [[column[row] for row in kept] for column in (who, what, needed, right)]
    responses = Responses.of(*chosen)
    return _Known(responses, [instants[row] for row in kept], no_skill)


def _lists(table: pa.Table, *names: str) -> list[list[Any]]:
    return [table[name].to_pylist() for name in names]


def _as_of(app: App, run: str, text: str | None) -> AsOf:
    if text is None:
        return AsOf.now(app.clock)
    with app.lake.open(None, [run], kinds=["course_runs"]) as records:
        return as_of_in(records, run, text)


def _place(app: App, name: str, model: str) -> Path:
    kept = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in name)
    return app.settings.home / "mastery" / f"{kept}.{model}.json"


def _write(path: Path, kept: KeptModel, fitted: Fitted) -> None:
    state = {name: base64.b64encode(part).decode() for name, part in fitted.state().items()}
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(kept.as_json() | {"state": state}, sort_keys=True, indent=1), encoding="utf-8")
        part.replace(path)
    except OSError as wrong:
        raise InputError(f"{path} cannot be written ({wrong.strerror}). Name another file with --out.") from wrong
    finally:
        part.unlink(missing_ok=True)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        state = {name: base64.b64decode(part) for name, part in held["state"].items()}
        for name in ("model", "known_by", "answers", "learners", "learned_from"):
            held[name]
    except OSError as wrong:
        raise InputError(f"{path} cannot be read ({wrong.strerror}). Make it with headway mastery fit.") from wrong
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise InputError(f"{path} is no fitted mastery model. Make it with headway mastery fit.") from wrong
    return held, state
