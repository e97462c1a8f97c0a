"""From a model to scores: what is said of everyone enrolled in course runs at a date, kept once and never changed.

Features and predictions are computed wherever the records are: with Spark only predictions come to this process.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final, cast

import ibis
import pyarrow as pa
import pyarrow.compute as pc

from headway.domain.errors import GateFailed, InputError, LeakageError, NotEnoughData
from headway.domain.runs import select_runs
from headway.domain.time import AsOf
from headway.evaluation.histories import history_of
from headway.evaluation.paradigms import Paradigm
from headway.evaluation.risk_model import RiskModel
from headway.features.as_of import cohorts, compute, runs_facts
from headway.features.engine import Records
from headway.features.moments import Moment, RunFacts
from headway.features.views import view_of
from headway.flow.app import App
from headway.flow.modelling import DEFAULT, Recipe, registered, runs_to_learn_from, train
from headway.flow.records import one_run
from headway.governance import approvals, audit
from headway.models.model import MODELS, wants_history
from headway.registry.registry import ModelVersion
from headway.scoring import kept
from headway.scoring.cohorts import COHORT, PREDICTIONS, Scorer, predictions_in
from headway.scoring.kept import ScoreRun, score_run_id
from headway.scoring.predict import Prediction, predict

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from headway.lake.reading import Records as LakeRecords

Take = Callable[[ScoreRun, list[Prediction]], None]
"""Takes a score run that is kept, with its predictions by learner."""

_SAID: Final = ibis.Schema.from_pyarrow(PREDICTIONS)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A run to be scored, when, and by which model."""

    run: str
    as_of: AsOf
    day: int
    version: ModelVersion


def score(
    app: App,
    run: str,
    as_of_text: str,
    *,
    label: str = "does_not_finish",
    model: str = DEFAULT,
    force_train: bool = False,
    paradigm: Paradigm = "transfer",
) -> tuple[ScoreRun, list[Prediction]]:
    """The score run of everyone enrolled in `run` as of the date, with its predictions; again, it changes nothing.

    Uses the registered model named `NAME/VERSION`, or one for this course day that learned from all runs finished by
    then; where there is none, trains and registers it. Where no finished run is known, learns in the running course
    from a proxy. With the paradigm "blended" the model also learns in the running course; "in-situ" does so alone.

    Raises:
        InputError: the model named is a blend with what another run has shown.
        LeakageError: the model named has seen labels from after the as-of time.
        NotEnoughData: nothing to learn from was known.
        Conflict: the feature definitions have changed since the model was trained.
    """
    run = one_run(app, run)
    as_of, about = _when(app, [run], as_of_text)[run]
    _check_enrolled(app, run, as_of)
    day = about.course_day(as_of)
    try:
        asked = _Asked(run, as_of, day, _model_for(app, run, day, as_of, label, model, force_train, paradigm))
    except NotEnoughData as why:
        if as_of.day(about.zone) <= about.ends_on:
            raise
        raise over(about) from why
    scored = _found(app, asked) or next(iter(list(_scored(app, [asked]))), None)
    if scored is None:
        raise NotEnoughData(f"Nobody was enrolled in {run} as of {as_of}. Choose a later date.")
    return scored


def over(about: RunFacts) -> NotEnoughData:
    """The error that a run had ended by the as-of time: nothing is left to foresee."""
    return NotEnoughData(f"{about.run} ended on {about.ends_on}. Name a date on which it was still running.")


def check_approved(app: App, version: str) -> None:
    """Passes where a model version may be used for predictions: any, unless the settings ask for two persons.

    Raises:
        GateFailed: they do, and the last decision about this version did not approve it, or there is none.
    """
    if not app.settings.governance.approval_required:
        return
    with app.store.read() as connection:
        if approvals.is_approved(connection, approvals.MODEL, version):
            return
    raise GateFailed(
        f"{version} is not approved, and governance.approval_required is set. Ask for its approval on its page under "
        f"Model or by `headway model request-approval {version}`, for somebody else to decide; or name a version that "
        "is approved with --model."
    )


def _nobody(score_run: ScoreRun, predictions: list[Prediction]) -> None:
    """Takes what nobody waits for."""


def score_runs(
    app: App,
    runs: Sequence[str],
    as_of_text: str,
    *,
    label: str = "does_not_finish",
    model: str = DEFAULT,
    force_train: bool = False,
    take: Take = _nobody,
    paradigm: Paradigm = "transfer",
) -> list[ScoreRun]:
    """The score runs of everyone enrolled in several runs as of the date, in order of runs; see `score`.

    Each is what `score` makes of its run alone. Runs that one model scores are computed together, group by group, so
    memory does not grow with their number. A run is left out, and progress says why, where nothing to learn from was
    known or nobody was enrolled.

    Args:
        app: where the records are.
        runs: ids or globs of runs.
        as_of_text: a date, which ends in each run's own zone, or an instant.
        label: what to predict.
        model: as in `score`.
        force_train: train even where a fitting model is registered, for each run anew.
        take: is handed each score run with its predictions as soon as they are kept, in no order of runs.
        paradigm: as in `score`.

    Raises:
        UnknownName: a run is not known.
        InputError: the model named is a blend with what another run has shown.
        LeakageError: the model named has seen labels from after the as-of time.
        NotEnoughData: no run could be scored.
        Conflict: the feature definitions have changed since the model was trained.
    """
    chosen = select_runs(runs, app.lake.runs())
    done: dict[str, ScoreRun] = {}
    waiting: dict[tuple[str, AsOf], list[_Asked]] = {}
    for run, (as_of, about) in _when(app, chosen, as_of_text).items():
        day = about.course_day(as_of)
        try:
            asked = _Asked(run, as_of, day, _model_for(app, run, day, as_of, label, model, force_train, paradigm))
        except NotEnoughData as why:
            app.progress(f"{run} is left out: {why}")
            continue
        found = _found(app, asked)
        if found is None:
            waiting.setdefault((asked.version.ref, as_of), []).append(asked)
        else:
            take(*found)
            done[run] = found[0]
    for together in waiting.values():
        for score_run, predictions in _scored(app, together):
            take(score_run, predictions)
            done[score_run.run] = score_run
        for run in sorted({asked.run for asked in together} - set(done)):
            app.progress(f"{run} is left out: nobody was enrolled as of {together[0].as_of}")
    if not done:
        raise NotEnoughData(f"None of {len(chosen)} runs could be scored as of {as_of_text}. Choose a later date.")
    return [done[run] for run in sorted(done)]


def _check_enrolled(app: App, run: str, as_of: AsOf) -> None:
    """Passes where anybody was enrolled yet: else a model is trained, in minutes, for nobody.

    Raises:
        NotEnoughData: nobody was.
    """
    with app.lake.open(as_of, [run], kinds=["enrolments"]) as records:
        if not records.collect(records.table("enrolments").limit(1)).num_rows:
            raise NotEnoughData(f"Nobody was enrolled in {run} as of {as_of}. Choose a later date.")


def _when(app: App, runs: Sequence[str], as_of_text: str) -> dict[str, tuple[AsOf, RunFacts]]:
    """The as-of time that a text means in each run, and when that takes place."""
    with app.lake.open(None, runs, kinds=["course_runs"]) as records:
        facts = runs_facts(records, runs)
    times = {run: AsOf.at(as_of_text, about.zone) for run, about in facts.items()}
    return {run: (as_of, facts[run]) for run, as_of in times.items()}


def _found(app: App, asked: _Asked) -> tuple[ScoreRun, list[Prediction]] | None:
    """What was kept of the same run, as-of time and model before."""
    with app.store.read() as connection:
        found = kept.find(connection, asked.run, asked.as_of, asked.version.ref)
        if found is None:
            return None
        app.progress(
            f"{asked.run} was scored by {asked.version.ref} on {found.scored_at:%Y-%m-%d %H:%M} UTC; "
            "predictions never change"
        )
        return found, kept.predictions_of(connection, found)


def _scored(app: App, together: Sequence[_Asked]) -> Iterator[tuple[ScoreRun, list[Prediction]]]:
    """Runs that one model scores at one as-of time, each kept before it is handed over; none where nobody is enrolled.

    Raises:
        GateFailed: the model waits for approval.
        Conflict: the feature definitions have changed since the model was trained.
    """
    version, as_of = together[0].version, together[0].as_of
    check_approved(app, version.ref)
    view_of().check(version.view_hash)
    of_run = {asked.run: asked for asked in together}
    for run in of_run:
        app.progress(f"scoring {run} as of {as_of} with {version.ref}")
    with app.lake.open(as_of, list(of_run)) as records:
        moments = [Moment(run, as_of) for run in of_run]
        state = app.registry.load(version)
        tell = _with_history if wants_history(MODELS.get(version.model)) else _where_the_rows_are
        for run, predictions in tell(records, moments, state):
            yield _keep(app, of_run[run], records.snapshot.id, predictions), predictions


def _with_history(
    records: Records, moments: Sequence[Moment], state: dict[str, bytes]
) -> Iterator[tuple[str, list[Prediction]]]:
    """Each run with its predictions, one after the other, by a model that reads a history, which is computed here."""
    model = RiskModel.restore(state)
    for moment in moments:
        cohort = compute(view_of(), records, [moment])
        if len(cohort):
            yield moment.run, predict(model, cohort, history_of(records, cohort))


def _where_the_rows_are(
    records: Records, moments: Sequence[Moment], state: dict[str, bytes]
) -> Iterator[tuple[str, list[Prediction]]]:
    """Each run with its predictions, some runs at a time."""
    view = view_of()
    for told in cohorts(view, records, moments, partial(_told, Scorer(state, view))):
        for run in pc.unique(told["run"]).to_pylist():
            yield run, predictions_in(told.filter(pc.equal(told["run"], run)))


def _told(scorer: Scorer, records: Records, features: "ir.Table") -> pa.Table:
    """Predictions of all cohorts, by run and learner."""
    lake = cast("LakeRecords", records)
    said = lake.collect(lake.apply("said", scorer, features, COHORT, _SAID))
    return said.sort_by([("run", "ascending"), ("learner", "ascending")])


def _keep(app: App, asked: _Asked, snapshot: str, predictions: Sequence[Prediction]) -> ScoreRun:
    """The score run that now holds the predictions."""
    version = asked.version
    score_run = ScoreRun(
        id=score_run_id(version.ref, asked.run, asked.as_of),
        model_version=version.ref,
        run=asked.run,
        as_of=asked.as_of,
        scored_at=app.clock.now(),
        snapshot=snapshot,
        view_hash=view_of().hash,
        learners=len(predictions),
        too_early=sum(prediction.status == "too_early" for prediction in predictions),
        facts={
            "label": version.label,
            "day": asked.day,
            "seed": version.seed,
            "model": version.model,
            "base_rate": version.report.get("base_rate"),  # above it "keep an eye" begins, on pages and elsewhere
        },
    )
    with app.store.begin() as connection:
        kept.write(connection, score_run, predictions)
        detail = {"as_of": str(asked.as_of), "model": version.ref}
        audit.record(connection, app.clock.now(), app.actor, "score", asked.run, detail)
    return score_run


def _model_for(
    app: App, run: str, day: int, as_of: AsOf, label: str, model: str, force_train: bool, paradigm: Paradigm
) -> ModelVersion:
    if "/" in model:
        version = app.registry.get(model)
        if AsOf.at(version.known_by) > as_of:
            raise LeakageError(
                f"{model} learned from labels known by {version.known_by}, after the as-of time {as_of}. "
                "Leave --model out to train one on what was known, or score a later date."
            )
        blend = version.report.get("blend")
        if isinstance(blend, dict) and blend["run"] != run:
            raise InputError(f"{model} holds what {blend['run']}, another run, has shown. Train one with --for {run}.")
        return version
    recipe = Recipe(label, (), day, as_of, model, run, paradigm)
    try:
        runs = runs_to_learn_from(app, recipe)
        found = None if force_train else registered(app, recipe, runs)
        return found or train(app, recipe)
    except NotEnoughData as why:
        if paradigm == "in-situ":
            raise
        app.progress(f"{why} Learning in the running course instead.")
        return train(app, replace(recipe, paradigm="in-situ"))
