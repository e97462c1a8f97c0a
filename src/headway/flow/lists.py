"""From a model to people: scores, lists of whom to contact, reasons."""

from collections.abc import Sequence
from dataclasses import dataclass

from headway.advising.caseload import Candidate as CaseCandidate
from headway.advising.caseload import Caseload, caseload
from headway.domain.errors import InputError, LeakageError, NotEnoughData
from headway.domain.time import AsOf
from headway.evaluation.histories import history_of
from headway.evaluation.risk_model import RiskModel
from headway.features.as_of import Moment, compute, run_facts
from headway.features.views import view_of
from headway.flow.app import App
from headway.flow.modelling import DEFAULT, Recipe, registered, runs_to_learn_from, train
from headway.flow.records import as_of_in, hashed, one_run
from headway.governance import audit
from headway.models.model import MODELS, wants_history
from headway.registry.registry import ModelVersion
from headway.scoring import kept
from headway.scoring.kept import ScoreRun, score_run_id
from headway.scoring.predict import Prediction, predict


def score(
    app: App,
    run: str,
    as_of_text: str,
    *,
    label: str = "does_not_finish",
    model: str = DEFAULT,
    force_train: bool = False,
) -> tuple[ScoreRun, list[Prediction]]:
    """The score run of everyone enrolled in `run` as of the date, with its predictions; again, it changes nothing.

    Uses the registered model named `NAME/VERSION`, or one for this course day that learned from all runs finished by
    then; where there is none, trains and registers it. Where no finished run is known, learns in the running course
    from a proxy.

    Raises:
        LeakageError: the model named has seen labels from after the as-of time.
        NotEnoughData: nothing to learn from was known.
        Conflict: the feature definitions have changed since the model was trained.
    """
    run = one_run(app, run)
    with app.lake.open(None, [run]) as records:
        as_of = as_of_in(records, run, as_of_text)
        day = run_facts(records, run).course_day(as_of)
    version = _model_for(app, run, day, as_of, label, model, force_train)
    with app.store.read() as connection:
        found = kept.find(connection, run, as_of, version.ref)
        if found is not None:
            app.progress(
                f"{run} was scored by {version.ref} on {found.scored_at:%Y-%m-%d %H:%M} UTC; predictions never change"
            )
            return found, kept.predictions_of(connection, found)
    view = view_of()
    view.check(version.view_hash)
    with app.lake.open(as_of, [run]) as records:
        app.progress(f"scoring {run} as of {as_of} with {version.ref}")
        cohort = compute(view, records, [Moment(run, as_of)])
        history = history_of(records, cohort) if wants_history(MODELS.get(version.model)) and len(cohort) else None
        snapshot = records.snapshot.id
    if not len(cohort):
        raise NotEnoughData(f"Nobody was enrolled in {run} as of {as_of}. Choose a later date.")
    predictions = predict(RiskModel.restore(app.registry.load(version)), cohort, history)
    score_run = ScoreRun(
        id=score_run_id(version.ref, run, as_of),
        model_version=version.ref,
        run=run,
        as_of=as_of,
        scored_at=app.clock.now(),
        snapshot=snapshot,
        view_hash=view.hash,
        learners=len(predictions),
        too_early=sum(prediction.status == "too_early" for prediction in predictions),
        facts={"label": version.label, "day": day, "seed": version.seed, "model": version.model},
    )
    with app.store.begin() as connection:
        kept.write(connection, score_run, predictions)
        audit.record(connection, app.clock.now(), app.actor, "score", run, {"as_of": str(as_of), "model": version.ref})
    return score_run, predictions


@dataclass(frozen=True, slots=True)
class ContactList:
    """A scored cohort in order, cut at the capacity, with what it was made from."""

    score_run: ScoreRun
    version: ModelVersion
    caseload: Caseload
    zone: str


def list_contacts(app: App, run: str, as_of_text: str, capacity: int | None = None) -> ContactList:
    """Whom to contact first in a run that was scored as of the date.

    Raises:
        InputError: it was not scored as of that date; the message says how to.
    """
    score_run, predictions, zone = _scored(app, run, as_of_text)
    version = app.registry.get(score_run.model_version)
    candidates = [
        CaseCandidate(
            learner=said.learner,
            risk=said.risk or 0.0,
            low=said.low or 0.0,
            high=said.high or 0.0,
            status=said.status,
            reasons=said.reasons,
            days_since_visit=said.days_since_visit,
            detail=said.why_too_early or "",
        )
        for said in predictions
    ]
    limit = capacity or app.settings.advising.capacity
    base_rate = version.report["base_rate"]
    assert isinstance(base_rate, float)
    found = ContactList(score_run, version, caseload(candidates, limit, base_rate=base_rate), zone)
    with app.store.begin() as connection:
        detail = {"score_run": score_run.id, "listed": len(found.caseload.listed)}
        audit.record(connection, app.clock.now(), app.actor, "list", score_run.run, detail)
    return found


def explain(app: App, learner: str, run: str, as_of_text: str) -> tuple[ScoreRun, Prediction]:
    """One learner's prediction with its reasons, from the newest score run as of the date.

    Raises:
        InputError: the run was not scored as of that date, or the learner was not enrolled.
    """
    score_run, _, _ = _scored(app, run, as_of_text, [])
    with app.store.begin() as connection:
        (prediction,) = kept.predictions_of(connection, score_run, [learner])
        audit.record(connection, app.clock.now(), app.actor, "view", hashed(learner), {"score_run": score_run.id})
    return score_run, prediction


def _scored(
    app: App, run: str, as_of_text: str, learners: Sequence[str] | None = None
) -> tuple[ScoreRun, list[Prediction], str]:
    """The newest score run of a run as of a date, its predictions (some learners' only), and the run's zone."""
    run = one_run(app, run)
    with app.lake.open(None, [run], kinds=["course_runs"]) as records:
        zone = run_facts(records, run).zone
    as_of = AsOf.at(as_of_text, zone)
    with app.store.read() as connection:
        found = kept.find(connection, run, as_of)
        if found is None:
            dates = sorted({str(earlier.as_of) for earlier in kept.for_run(connection, run)})
            raise InputError(
                f"{run} was not scored as of {as_of} (scored: {', '.join(dates) or 'never'}). "
                f"Run: headway score --run {run} --as-of {as_of_text}"
            )
        return found, kept.predictions_of(connection, found, learners), zone


def _model_for(app: App, run: str, day: int, as_of: AsOf, label: str, model: str, force_train: bool) -> ModelVersion:
    if "/" in model:
        version = app.registry.get(model)
        if AsOf.at(version.known_by) > as_of:
            raise LeakageError(
                f"{model} learned from labels known by {version.known_by}, after the as-of time {as_of}. "
                "Leave --model out to train one on what was known, or score a later date."
            )
        return version
    recipe = Recipe(label, (), day, as_of, model, run)
    try:
        runs = runs_to_learn_from(app, recipe)
        found = None if force_train else registered(app, recipe, runs)
        return found or train(app, recipe)
    except NotEnoughData as why:
        app.progress(f"{why} Learning in the running course instead.")
        return train(app, Recipe(label, (), day, as_of, model, run, "in-situ"))
