"""The JSON interface: runs, predictions, one learner, models, scores and jobs. No logic, only flow calls."""

import base64
import binascii
import hashlib
from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from headway.domain.errors import InputError
from headway.features.views import STANDARD
from headway.flow import serving
from headway.flow.app import App
from headway.governance.keys import Caller
from headway.server.schemas import (
    Enrolment,
    Explanation,
    Features,
    JobItem,
    KeyItem,
    Learner,
    Me,
    ModelItem,
    Models,
    Predicted,
    PredictionItem,
    PredictionPage,
    RunItem,
    Runs,
    Score,
    ScoreRequest,
    ScoreRunItem,
)
from headway.server.state import State, state_of
from headway.store import jobs

router: Final = APIRouter(prefix="/v1", tags=["v1"])

_LONGEST: Final = 512


class Needs:
    """A dependency: the key that a request comes with, which must allow a scope."""

    def __init__(self, scope: str) -> None:
        self._scope = scope

    async def __call__(self, request: Request) -> Caller:
        """The key."""
        return await state_of(request).key(request, self._scope)


Reader = Annotated[Caller, Depends(Needs("predictions/read"))]
LearnerReader = Annotated[Caller, Depends(Needs("learners/read"))]
Scorer = Annotated[Caller, Depends(Needs("score"))]
Limit = Annotated[int, Query(ge=1, le=1_000, description="At most so many items.")]
Cursor = Annotated[str | None, Query(max_length=_LONGEST, description="`next` of the page before.")]
Day = Annotated[str | None, Query(max_length=40, description="A date (its end, in the run's zone) or an instant.")]
Run = Annotated[str, Query(max_length=255, description="The course run, source/course/run.")]
Match = Annotated[str | None, Header(max_length=_LONGEST)]


@router.get("/runs", summary="Course runs", operation_id="get_runs")
def runs(request: Request, key: Reader, limit: Limit = 100, cursor: Cursor = None) -> Runs:
    """The course runs that the lake knows, in order of their ids."""
    found, more = serving.runs_shown(app_of(request, key), after_cursor(cursor), limit)
    return Runs(items=[RunItem.of(run) for run in found], next=next_cursor(found[-1].run) if more else None)


@router.get(
    "/runs/{run:path}/predictions",
    summary="Predictions of a run",
    operation_id="get_predictions",
    response_model=PredictionPage,
    responses={304: {"description": "As it was: the ETag still holds."}},
)
def predictions(
    request: Request,
    key: Reader,
    run: str,
    as_of: Day = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    if_none_match: Match = None,
) -> Response:
    """The latest predictions of a run, or those as of a date; they never change, so the ETag holds for good."""
    score_run, said, more = serving.predictions_page(app_of(request, key), run, as_of, after_cursor(cursor), limit)
    tag = '"' + hashlib.sha256(f"{score_run.id} {cursor} {limit}".encode()).hexdigest()[:32] + '"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if if_none_match is not None and tag in [each.strip().removeprefix("W/") for each in if_none_match.split(",")]:
        return Response(status_code=304, headers=headers)
    page = PredictionPage(
        **ScoreRunItem.of(score_run).model_dump(),
        items=[PredictionItem.of(prediction) for prediction in said],
        next=next_cursor(said[-1].learner) if more else None,
    )
    return JSONResponse(page.model_dump(mode="json"), headers=headers)


@router.get("/learners/{learner:path}/features", summary="One learner's features", operation_id="get_features")
def features(
    request: Request, key: LearnerReader, learner: str, run: Run, as_of: Day = None, view: str = STANDARD
) -> Features:
    """The learner's features, fresh to the last record in the lake."""
    app, state = app_of(request, key), state_of(request)
    serving.known_run(app, run)
    found = state.live(run, view).features(learner, as_of or serving.today_in(app, run))
    row: dict[str, Any] = found.table.to_pylist()[0]
    return Features(
        learner=learner,
        run=run,
        as_of=row["as_of"].isoformat().replace("+00:00", "Z"),
        course_day=row["course_day"],
        view=found.view.name,
        hash=found.view.hash,
        features={name: row[name] for name in found.view.features},
    )


@router.get("/learners/{learner:path}/explanation", summary="Why", operation_id="get_explanation")
def explanation(
    request: Request,
    key: LearnerReader,
    learner: str,
    run: Annotated[str | None, Query(max_length=255, description="The course run; null for the latest.")] = None,
    as_of: Day = None,
) -> Explanation:
    """The learner's prediction (the latest, or that of a run and date) with what it rests on, for and against."""
    score_run, said = serving.explanation_of(app_of(request, key), learner, run, as_of)
    return Explanation(**ScoreRunItem.of(score_run).model_dump(), prediction=PredictionItem.of(said))


@router.get("/learners/{learner:path}", summary="One learner", operation_id="get_learner")
def learner(request: Request, key: LearnerReader, learner: str) -> Learner:
    """The learner's runs, and where there are predictions."""
    enrolments, predicted = serving.learner_shown(app_of(request, key), learner)
    return Learner(
        learner=learner,
        enrolments=[
            Enrolment(run=row["run"], status=row["status"], since=row["valid_from"].isoformat().replace("+00:00", "Z"))
            for row in enrolments
        ],
        predicted=[Predicted(run=run, as_of=str(as_of)) for run, as_of in predicted],
    )


@router.get("/models", summary="Registered models", operation_id="get_models")
def models(request: Request, key: Reader) -> Models:
    """All registered model versions."""
    return Models(items=[ModelItem.of(version) for version in serving.models_shown(app_of(request, key))])


@router.post(
    "/score",
    summary="Score a learner now, or a run",
    operation_id="post_score",
    response_model=Score,
    responses={202: {"model": JobItem, "description": "The job that scores the run."}},
)
def score(
    request: Request,
    key: Scorer,
    asked: ScoreRequest,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
) -> Response:
    """What a model says of one learner now; or, without a learner, the job that scores the run and keeps it."""
    app, state = app_of(request, key), state_of(request)
    serving.known_run(app, asked.run)
    if asked.learner is None:
        wanted = asked.model_dump(exclude={"learner"}, exclude_none=True)
        job = serving.ask_for_score(app, wanted, key.id, idempotency_key)
        return JSONResponse(JobItem.of(job).model_dump(mode="json"), 202, headers={"Location": f"/v1/jobs/{job.id}"})
    return JSONResponse(_score_one(app, state, asked, asked.learner).model_dump(mode="json"))


@router.get("/jobs/{job}", summary="How a job stands", operation_id="get_job")
def job(request: Request, key: Reader, job: str) -> JobItem:
    """The job: its state, and what came of it."""
    with app_of(request, key).store.read() as connection:
        return JobItem.of(jobs.get(connection, job))


@router.get("/key", summary="The key that asks", operation_id="get_key")
async def own_key(request: Request) -> KeyItem:
    """The key that asks, with its scopes; any key may."""
    return KeyItem.of(await state_of(request).key(request, None))


@router.get("/me", summary="Who asks", operation_id="get_me")
async def me(request: Request) -> Me:
    """Who asks, a person or a key, and with which scopes; a person's id is that of the audit."""
    return Me.of(await state_of(request).key(request, None))


def _score_one(app: App, state: State, asked: ScoreRequest, learner: str) -> Score:
    as_of = asked.as_of or serving.today_in(app, asked.run)
    serving.check_running(app, asked.run, as_of)
    ref = asked.model or serving.model_for(app, asked.run, asked.label)
    version, model = state.model(ref)
    found = serving.risk_now(app, state.live(asked.run, STANDARD), learner, as_of, version, model)
    said = PredictionItem.of(found).model_dump()
    return Score(**said, run=asked.run, as_of=as_of, model=version.ref, label=version.label)


def app_of(request: Request, key: Caller) -> App:
    """The home, its acts audited under the name of who asks."""
    return replace(state_of(request).app, actor=key.actor)


def next_cursor(after: str) -> str:
    """The cursor of the page behind a key."""
    return base64.urlsafe_b64encode(after.encode()).decode()


def after_cursor(cursor: str | None) -> str:
    """The key behind which a page begins; an empty text for the first page.

    Raises:
        InputError: the cursor is none of this server's.
    """
    try:
        return base64.urlsafe_b64decode((cursor or "").encode()).decode()
    except (binascii.Error, UnicodeError, ValueError) as wrong:
        raise InputError("The cursor is none of this server's. Give `next` of the page before as it is.") from wrong
