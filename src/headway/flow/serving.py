"""What the server shows: runs, pages of predictions, one learner, one score now.

What is seen of a learner is audited.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from headway.domain.errors import Conflict, InputError, NotEnoughData, UnknownName
from headway.domain.runs import select_runs
from headway.domain.time import AsOf, zone_of
from headway.evaluation.risk_model import RiskModel
from headway.features.as_of import run_facts
from headway.flow.app import App
from headway.flow.lists import explain
from headway.flow.live import LiveRun
from headway.flow.modelling import DEFAULT
from headway.flow.records import as_of_in, hashed
from headway.flow.running import state_of
from headway.flow.scoring import check_approved, over, score
from headway.governance import audit
from headway.registry.registry import ModelVersion
from headway.scoring import pages
from headway.scoring.kept import ScoreRun
from headway.scoring.predict import Prediction
from headway.store import jobs
from headway.store.jobs import Job

SCORE_JOB: Final = "score_run"
"""The kind of jobs that score a run on demand."""

_FILE: Final = "sqlite:///"


@dataclass(frozen=True, slots=True)
class RunShown:
    """A course run, with the latest as-of time at which it was scored."""

    run: str
    starts_on: date
    ends_on: date
    zone: str
    scored_as_of: AsOf | None


def runs_shown(app: App, after: str, limit: int) -> tuple[list[RunShown], bool]:
    """At most `limit` course runs behind `after`, in order of their ids, and whether there are more."""
    runs = [run for run in app.lake.runs() if run > after]
    some = runs[:limit]
    with app.store.read() as connection:
        scored = pages.newest_of_runs(connection)
    if not some:
        return [], False
    with app.lake.open(None, some, kinds=["course_runs"]) as records:
        facts = {run: run_facts(records, run) for run in some}
    return [
        RunShown(run, facts[run].starts_on, facts[run].ends_on, facts[run].zone, scored.get(run)) for run in some
    ], len(runs) > limit


def predictions_page(
    app: App, run: str, as_of_text: str | None, after: str, limit: int
) -> tuple[ScoreRun, list[Prediction], bool]:
    """A score run (the latest, or that as of a date), a page of its predictions, and whether there are more.

    Raises:
        UnknownName: there is no such run.
        InputError: it was not scored as of then.
    """
    known_run(app, run)
    as_of = None
    if as_of_text is not None:
        with app.lake.open(None, [run], kinds=["course_runs"]) as records:
            as_of = as_of_in(records, run, as_of_text)
    with app.store.read() as connection:
        found = pages.newest(connection, run, as_of)
        if found is None:
            raise UnknownName(f"{run} was not scored{f' as of {as_of}' if as_of else ''}. POST /v1/score scores it.")
        return found, *pages.page(connection, found, after, limit)


def known_run(app: App, run: str) -> str:
    """The run, which the lake knows.

    Raises:
        UnknownName: it does not.
    """
    if run not in app.lake.runs():
        raise UnknownName.of("course run", run, app.lake.runs())
    return run


def learner_shown(app: App, learner: str) -> tuple[list[dict[str, Any]], list[tuple[str, AsOf]]]:
    """A learner's enrolments (run, status, since), the latest of each run, and where predictions are.

    Raises:
        UnknownName: nobody of this id is known.
    """
    with app.lake.open(None, None, kinds=["enrolments"]) as records:
        table = records.table("enrolments")
        own = table.filter(table.learner == learner).order_by(["run", "valid_from", "recorded_at"])
        rows = records.collect(own.select("run", "status", "valid_from")).to_pylist()
    if not rows:
        raise UnknownName("No learner of this id is known. Ids are pseudonyms, SOURCE/DIGITS, as lists print them.")
    latest = {row["run"]: row for row in rows}
    with app.store.begin() as connection:
        predicted = pages.of_learner(connection, learner)
        audit.record(connection, app.clock.now(), app.actor, "view", hashed(learner), {"what": "learner"})
    return list(latest.values()), predicted


def explanation_of(
    app: App, learner: str, run: str | None = None, as_of_text: str | None = None
) -> tuple[ScoreRun, Prediction]:
    """A learner's prediction with its reasons: the latest, or that of a run and date.

    Raises:
        UnknownName: there is none.
        InputError: the run was not scored as of then.
    """
    with app.store.read() as connection:
        known = pages.of_learner(connection, learner)
    found = next((pair for pair in known if run in (None, pair[0])), None)
    if found is None:
        raise UnknownName("There is no prediction of this learner" + (f" in {run}." if run else "."))
    return explain(app, learner, found[0], as_of_text or str(found[1]))


def check_running(app: App, run: str, as_of_text: str) -> None:
    """Passes where a run had not ended by an as-of time.

    Raises:
        NotEnoughData: it had.
        InputError: the time cannot be read.
    """
    with app.lake.open(None, [run], kinds=["course_runs"]) as records:
        about, as_of = run_facts(records, run), as_of_in(records, run, as_of_text)
        if state_of(records, run, about, as_of) == "over":
            raise over(about)


def today_in(app: App, run: str) -> str:
    """The date of today in a run's zone: as-of times are days, so that a cohort is computed once a day."""
    with app.lake.open(None, [run], kinds=["course_runs"]) as records:
        zone = run_facts(records, run).zone
    return app.clock.now().astimezone(zone_of(zone)).date().isoformat()


def model_for(app: App, run: str, label: str) -> str:
    """The model version that last scored the run, else the newest registered one for the label.

    Raises:
        NotEnoughData: there is none.
    """
    with app.store.read() as connection:
        scored = pages.newest(connection, run)
    if scored is not None and scored.facts.get("label") == label:
        return scored.model_version
    fitting = [version for version in models_shown(app) if version.label == label]
    if not fitting:
        raise NotEnoughData(f"No model for {label} is registered. Score the whole run first: it trains one.")
    return max(fitting, key=lambda version: version.created_at).ref


def models_shown(app: App) -> list[ModelVersion]:
    """All registered versions; a registry that nobody has used yet is not made for the question."""
    place = app.settings.registry.tracking_uri
    if place.startswith(_FILE) and not Path(place.removeprefix(_FILE)).exists():
        return []
    return app.registry.versions()


def risk_now(
    app: App, live: LiveRun, learner: str, as_of_text: str, version: ModelVersion, model: RiskModel
) -> Prediction:
    """What a model says of a learner now, and why; kept nowhere, but that it was asked is audited.

    Raises:
        GateFailed: the model waits for approval.
    """
    check_approved(app, version.ref)
    found = live.prediction(learner, as_of_text, model, version)
    with app.store.begin() as connection:
        detail = {"run": live.run, "model": version.ref}
        audit.record(connection, app.clock.now(), app.actor, "score one", hashed(learner), detail)
    return found


def ask_for_score(app: App, request: Mapping[str, Any], asked_by: str, idempotency_key: str | None) -> Job:
    """The job that scores a run; asking again with the same key gives the same job.

    Raises:
        UnknownName: there is no such run.
        NotEnoughData: it had ended by then.
        Conflict: the key was used for something else.
    """
    (run,) = select_runs([str(request["run"])], app.lake.runs())
    check_running(app, run, str(request.get("as_of") or today_in(app, run)))
    name = None if idempotency_key is None else str(uuid5(NAMESPACE_URL, f"headway/{asked_by}/{idempotency_key}"))
    wanted = {**request, "run": run}
    with app.store.begin() as connection:
        job = jobs.submit(connection, SCORE_JOB, wanted, app.clock.now(), id=name)
        audit.record(connection, app.clock.now(), app.actor, "ask for score", run, {"job": job.id})
    if dict(job.request) != wanted:
        raise Conflict("This Idempotency-Key was used for another request. Use a new one.")
    return job


def run_score_job(app: App, request: Mapping[str, Any]) -> dict[str, Any]:
    """What came of scoring a run on demand.

    Raises:
        InputError: the request is not of the form that `ask_for_score` makes.
    """
    if "run" not in request:
        raise InputError("A job that scores needs a run.")
    run = str(request["run"])
    as_of = str(request.get("as_of") or today_in(app, run))
    label, model = str(request.get("label") or "does_not_finish"), str(request.get("model") or DEFAULT)
    score_run, predictions = score(replace(app), run, as_of, label=label, model=model)
    done = {"score_run": score_run.id, "as_of": str(score_run.as_of), "model": score_run.model_version}
    return done | {"learners": len(predictions)}
