"""What the model pages show: registered versions, kept evaluations, what came true of what was told, and drift.

Nothing is computed from what was recorded after the as-of time that is asked for, and nothing here names a learner:
what is told of groups goes through `headway.evaluation.slices`, which keeps silent about small ones.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from headway.domain.errors import Conflict, HeadwayError, NotEnoughData, UnknownName
from headway.domain.time import AsOf
from headway.evaluation.drift import Shift, shift
from headway.evaluation.intervals import Interval, bootstrap
from headway.evaluation.metrics import ReliabilityBin, reliability
from headway.evaluation.past_reliability import past_reliability
from headway.evaluation.ranges import Comparable
from headway.evaluation.slices import Sliced, slices
from headway.features.as_of import compute, labelled, run_facts
from headway.features.definition import FEATURES
from headway.features.moments import Moment
from headway.features.views import view_with
from headway.flow.app import App
from headway.flow.modelling import risk_label
from headway.flow.results import ABOUT, RESULT
from headway.governance import approvals
from headway.governance.approvals import Approval
from headway.models.model import Floats
from headway.registry.registry import ModelVersion
from headway.scoring import kept
from headway.scoring.kept import ScoreRun
from headway.store.tables import AUDIT, PREDICTIONS, SCORE_RUNS

FOLDER: Final = "evaluations"
"""Where the page looks for results of `headway evaluate --out evaluations/NAME`, below the home."""

MOST_GROUPS: Final = 15
"""An attribute with more values than this is no grouping; numbers and names are left out by it."""

_CHEAP: Final = ("previous_attempts",)
"""The features of a cohort whose labels alone are wanted."""


@dataclass(frozen=True, slots=True)
class KeptEvaluation:
    """An evaluation that somebody kept.

    Attributes:
        name: its folder.
        rows: as `headway evaluate --json` prints them.
        about: what it was made from.
    """

    name: str
    rows: list[dict[str, Any]]
    about: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What was told at a score run and what came true, of the learners of whom both are known.

    Attributes:
        score_run: what was told.
        learners: shape (rows,).
        labels: shape (rows,), 0 or 1.
        risks: shape (rows,).
        groups: the value of each attribute of each learner, by attribute; None where it is not known.
        left_out: attributes with too many values to be groups.
        told: of how many learners a risk was told.
        ends_on: the last day of the run, after which outcomes become known.
        resolved: whether the outcomes of the run are known, of whomever.
    """

    score_run: ScoreRun
    learners: "NDArray[np.object_]"
    labels: Floats
    risks: Floats
    groups: Mapping[str, list[str | None]]
    left_out: tuple[str, ...]
    told: int
    ends_on: date
    resolved: bool

    def __len__(self) -> int:
        return len(self.learners)


@dataclass(frozen=True, slots=True)
class Calibrated:
    """How well told chances came true: the table, the calibration error with its range, and how many learners."""

    bins: list[ReliabilityBin]
    ece: Interval | None
    n: int


@dataclass(frozen=True, slots=True)
class Checked:
    """What came true of what a score run told, without anybody's id, so that it may be kept in memory.

    Attributes:
        n: learners whose outcome is known.
        told: of how many a risk was told.
        ends_on: see `Outcomes`.
        resolved: see `Outcomes`.
        left_out: see `Outcomes`.
        capacity: how long the list is taken to be.
        calibrated: how well chances came true; None where no outcome is known.
        groups: the groups of each attribute.
    """

    n: int
    told: int
    ends_on: date
    resolved: bool
    left_out: tuple[str, ...]
    capacity: int
    calibrated: Calibrated | None
    groups: tuple[Sliced, ...]


@dataclass(frozen=True, slots=True)
class ScoreShift:
    """One score run beside the past learners whom its model was compared with; None where there are too few."""

    score_run: ScoreRun
    shift: Shift | None


@dataclass(frozen=True, slots=True)
class InputShift:
    """One input now beside the same course day of a run that was learned from.

    Attributes:
        feature: its name.
        missing: share of learners without it now.
        past_missing: share without it then.
        shift: how far its values are apart; None where either side has too few.
    """

    feature: str
    missing: float
    past_missing: float
    shift: Shift | None


def registry_state(app: App) -> tuple[int, ...] | None:
    """Numbers that change when the registry's file does; empty where nothing was ever registered; None for a server."""
    uri = app.registry.tracking_uri
    if not uri.startswith("sqlite:///"):
        return None
    file = Path(uri.removeprefix("sqlite:///"))
    return tuple(each.stat().st_mtime_ns for each in (file, Path(f"{file}-wal")) if each.exists())


def versions(app: App) -> list[ModelVersion]:
    """All registered versions, the newest first; where nothing was ever registered, none is looked for."""
    if registry_state(app) == ():
        return []
    return sorted(app.registry.versions(), key=lambda each: (each.created_at, each.name, each.version), reverse=True)


def version_called(found: Sequence[ModelVersion], ref: str) -> ModelVersion:
    """The version of a ref.

    Raises:
        UnknownName: there is none.
    """
    for version in found:
        if version.ref == ref:
            return version
    raise UnknownName("There is no model version of this name. Look at the list of models.")


def family(found: Sequence[ModelVersion], version: ModelVersion) -> list[ModelVersion]:
    """The versions that answer the same question the same way on other days of a course, each day's newest first."""
    same = [each for each in found if (each.name, each.view_hash) == (version.name, version.view_hash)]
    newest: dict[tuple[int, ...], ModelVersion] = {}
    for each in sorted(same, key=lambda one: (one.ref != version.ref, -one.created_at.timestamp())):
        newest.setdefault(each.days, each)
    return sorted(newest.values(), key=lambda one: one.days)


def checks(found: Sequence[ModelVersion]) -> list[dict[str, Any]]:
    """The rows of the checks that were kept with some versions, in order of the day."""
    told = [check for version in found if isinstance(check := version.report.get("check"), list)]
    rows = [dict(row) for check in told for row in check if isinstance(row, dict)]
    return sorted((row for row in rows if row.get("n")), key=lambda row: int(row["day"]))


def kept_evaluations(app: App, label: str) -> list[KeptEvaluation]:
    """Evaluations of a label below the home's folder of evaluations, by name; a damaged one is left out."""
    folder = Path(app.settings.home) / FOLDER
    found = []
    for about_file in sorted(folder.glob(f"*/{ABOUT}")):
        try:
            about = json.loads(about_file.read_text(encoding="utf-8"))
            result = json.loads((about_file.parent / RESULT).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        rows = result if isinstance(result, list) else result.get("rows", [])
        if isinstance(about, dict) and about.get("asked", {}).get("label") == label and rows:
            found.append(KeptEvaluation(about_file.parent.name, [dict(row) for row in rows], about))
    return found


def trained_by(app: App, ref: str) -> str:
    """Who trained a version, as the audit says; empty where it does not say."""
    query = sa.select(AUDIT.c.actor).where(AUDIT.c.subject == ref, AUDIT.c.action == "train")
    with app.store.read() as connection:
        return str(connection.execute(query.order_by(AUDIT.c.id).limit(1)).scalar_one_or_none() or "")


def approval_of(app: App, ref: str) -> list[Approval]:
    """What was ever asked about the use of a version, newest first."""
    with app.store.read() as connection:
        return approvals.of_subject(connection, approvals.MODEL, ref)


def approval_states(app: App) -> dict[str, Approval]:
    """What was asked last about each version."""
    with app.store.read() as connection:
        return approvals.newest_of_kind(connection, approvals.MODEL)


def ask_for_approval(app: App, ref: str, reason: str) -> Approval:
    """Asks that a version may be used for lists; audited in the same transaction.

    Raises:
        UnknownName: there is no such version.
        InputError: no reason is given.
        Conflict: it waits already.
    """
    version = app.registry.get(ref)
    with app.store.begin() as connection:
        return approvals.ask(connection, app.clock.now(), app.actor, approvals.MODEL, version.ref, reason)


def decide_approval(app: App, ref: str, *, approve: bool, reason: str) -> Approval:
    """The approval of a version that waited, as it was decided by the app's actor, who is not who asked.

    Raises:
        UnknownName: there is no such version.
        Conflict: none waits.
        NotPermitted: whoever asked tries to decide.
        InputError: no reason is given.
    """
    version = app.registry.get(ref)
    with app.store.begin() as connection:
        asked = [each for each in approvals.waiting(connection, approvals.MODEL) if each.subject == version.ref]
        if not asked:
            raise Conflict(f"Nobody waits for a decision about {version.ref}. See `headway model request-approval`.")
        return approvals.decide(connection, app.clock.now(), app.actor, asked[0].id, approve=approve, reason=reason)


def score_runs_of(app: App, refs: Sequence[str]) -> list[ScoreRun]:
    """The score runs by some versions, oldest as-of time first."""
    columns = (SCORE_RUNS.c.run, SCORE_RUNS.c.as_of, SCORE_RUNS.c.model_version)
    wanted = sa.select(*columns).where(SCORE_RUNS.c.model_version.in_(list(refs)))
    with app.store.read() as connection:
        rows = connection.execute(wanted.order_by(SCORE_RUNS.c.as_of, SCORE_RUNS.c.id)).all()
        found = [kept.find(connection, row.run, AsOf(row.as_of), row.model_version) for row in rows]
    return [each for each in found if each is not None]


def outcomes(app: App, score_run: ScoreRun, label: str, as_of: AsOf) -> Outcomes:
    """What was told at a score run beside what had come true of it, as it was known at an as-of time."""
    learners, risks = _told(app, score_run)
    told, runs = dict(zip(learners, risks, strict=True)), [score_run.run]
    with app.lake.open(as_of, runs) as records:
        cohort = compute(view_with("outcomes", _CHEAP), records, [Moment(score_run.run, score_run.as_of)])
        gap_days = app.settings.evaluation.action_gap_days
        observed = labelled(cohort, risk_label(app, label), records, as_of, gap_days)
        ends_on = run_facts(records, score_run.run).ends_on
        attributes = _attributes(records, score_run.run) if len(observed.groups) else {}
    both = [(name, true) for name, true in zip(observed.groups, observed.values, strict=True) if name in told]
    names = np.array([name for name, _ in both], dtype=object)
    groups, left_out = _groups(attributes, names)
    return Outcomes(
        score_run=score_run,
        learners=names,
        labels=np.array([true for _, true in both], dtype=np.float64),
        risks=np.array([told[name] for name, _ in both], dtype=np.float64),
        groups=groups,
        left_out=left_out,
        told=len(told),
        ends_on=ends_on,
        resolved=bool(len(observed.values)),
    )


def checked(app: App, score_run: ScoreRun, label: str, as_of: AsOf, capacity: int | None = None) -> Checked:
    """What came true of what a score run told, as it was known at an as-of time.

    Args:
        app: where.
        score_run: what was told.
        label: what it was told of.
        as_of: the as-of time.
        capacity: how long the list is; as models are checked here where None.
    """
    found, section = outcomes(app, score_run, label, as_of), app.settings.evaluation
    share = section.capacity_share
    most = capacity or (max(1, round(share * len(found))) if share else section.capacity)
    known = calibrated(app, found) if len(found) else None
    groups = tuple(sliced(found, most))
    return Checked(len(found), found.told, found.ends_on, found.resolved, found.left_out, most, known, groups)


def calibrated(app: App, found: Outcomes) -> Calibrated:
    """How well what was told at a score run came true; intervals by learner, as the settings draw them."""
    section = app.settings.evaluation
    ece = None
    if len(set(found.labels)) == 2 and section.bootstrap:
        drawn = bootstrap(("ece",), found.labels, found.risks, found.learners, seed=section.seed, n=section.bootstrap)
        ece = drawn["ece"]
    return Calibrated(reliability(found.labels, found.risks, tenths=True), ece, len(found))


def calibrated_on_past(app: App, version: ModelVersion) -> Calibrated:
    """How well a version's chances fit the past learners that its ranges compare with."""
    past = past_of(app, version)
    return Calibrated(past_reliability(past), None, round(float(past.learners[-1])) if len(past.learners) else 0)


def sliced(found: Outcomes, capacity: int) -> list[Sliced]:
    """The groups of each attribute, by its name, for a list of so many; none where no outcome is known."""
    if not len(found):
        return []
    return [
        slices(name, groups, found.labels, found.risks, found.learners, capacity=capacity)
        for name, groups in sorted(found.groups.items())
    ]


def past_of(app: App, version: ModelVersion) -> Comparable:
    """The past learners that a version's ranges compare with.

    Raises:
        NotEnoughData: its files hold none.
        Conflict: a file was changed since it was registered.
    """
    try:
        return Comparable.restore(app.registry.load(version))
    except KeyError as missing:
        raise NotEnoughData("The files of this version hold no past learners to compare with.") from missing


def score_shifts(app: App, found: Sequence[ModelVersion], score_runs: Sequence[ScoreRun]) -> list[ScoreShift]:
    """How far the risks of each score run are from those of the past, each beside its own version's past learners."""
    by_ref, pasts = {version.ref: version for version in found}, dict[str, Comparable | None]()
    told = []
    for score_run in score_runs:
        ref = score_run.model_version
        if ref not in pasts:
            pasts[ref] = _past_or_none(app, by_ref.get(ref))
        told.append(ScoreShift(score_run, _shift_of(pasts[ref], _told(app, score_run)[1])))
    return told


def input_shifts(app: App, version: ModelVersion, score_run: ScoreRun, as_of: AsOf) -> tuple[str, list[InputShift]]:
    """The run that is compared with, and each input now beside it on the same course day; the widest apart first.

    Raises:
        NotEnoughData: the run learned from is no longer here, or none of the inputs is known any more.
    """
    # Both sides are computed as the inputs are defined today, so that a changed definition is no shift.
    view = view_with("inputs", tuple(name for name in version.features if name in FEATURES.names()))
    past_run = _nearest_past(version, score_run.run)
    if not view.features:
        raise NotEnoughData("None of the inputs of this version is known any more.")
    if past_run not in app.lake.runs():
        raise NotEnoughData("The records of the run that this version learned from are not here.")
    with app.lake.open(as_of, sorted({past_run, score_run.run})) as records:
        day = run_facts(records, score_run.run).course_day(score_run.as_of)
        then = Moment(past_run, run_facts(records, past_run).end_of(day))
        here = compute(view, records, [Moment(score_run.run, score_run.as_of)]).values()
        past = compute(view, records, [then]).values()
    if not len(here) or not len(past):
        raise NotEnoughData("Nobody was enrolled on one of the two days.")
    found = [_input(name, past[:, column], here[:, column]) for column, name in enumerate(view.features)]
    return past_run, sorted(found, key=_how_far, reverse=True)


def _input(name: str, past: Floats, now: Floats) -> InputShift:
    absent, absent_then = np.isnan(now), np.isnan(past)
    return InputShift(name, float(absent.mean()), float(absent_then.mean()), _shift(past[~absent_then], now[~absent]))


def _how_far(each: InputShift) -> tuple[float, float]:
    beyond = 0.0 if each.shift is None else each.shift.psi - each.shift.by_chance
    return beyond + abs(each.missing - each.past_missing), abs(each.missing - each.past_missing)


def _nearest_past(version: ModelVersion, run: str) -> str:
    """The last run of the same course that was learned from, else the last of all."""
    course = run.rpartition("/")[0]
    same = [each for each in version.train_runs if each.rpartition("/")[0] == course and each != run]
    return max(same or [each for each in version.train_runs if each != run], default="")


def _past_or_none(app: App, version: ModelVersion | None) -> Comparable | None:
    if version is None:
        return None
    try:
        return past_of(app, version)
    except HeadwayError:
        return None


def _shift_of(past: Comparable | None, risks: Floats) -> Shift | None:
    if past is None or not len(past.risks):
        return None
    return _shift(past.risks, risks, np.diff(past.learners, prepend=0.0))


def _shift(past: Floats, now: Floats, weights: Floats | None = None) -> Shift | None:
    try:
        return shift(past, now, weights)
    except NotEnoughData:
        return None


def _told(app: App, score_run: ScoreRun) -> tuple[list[str], Floats]:
    """The learners who were told a risk, and the risks."""
    columns = (PREDICTIONS.c.learner, PREDICTIONS.c.risk)
    wanted = sa.select(*columns).where(PREDICTIONS.c.score_run_id == score_run.id, PREDICTIONS.c.status == "scored")
    with app.store.read() as connection:
        rows = connection.execute(wanted.order_by(PREDICTIONS.c.learner)).all()
    return [row.learner for row in rows], np.array([row.risk for row in rows], dtype=np.float64)


def _attributes(records: Any, run: str) -> dict[str, dict[str, str]]:
    """Each attribute's newest value of each learner of a run, by attribute and learner."""
    table = records.table("attributes")
    mine = table.filter(table.run == run)
    newest = mine.group_by(["name", "learner"]).agg(value=mine.value.argmax(mine.recorded_at))
    found: dict[str, dict[str, str]] = {}
    for row in records.collect(newest).to_pylist():
        found.setdefault(row["name"], {})[row["learner"]] = row["value"]
    return found


def _groups(
    attributes: Mapping[str, Mapping[str, str]], learners: "NDArray[np.object_]"
) -> tuple[dict[str, list[str | None]], tuple[str, ...]]:
    groups, left_out = dict[str, list[str | None]](), []
    for name, values in attributes.items():
        if len(set(values.values())) > MOST_GROUPS:
            left_out.append(name)
        else:
            groups[name] = [values.get(learner) for learner in learners]
    return groups, tuple(sorted(left_out))
