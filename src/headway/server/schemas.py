"""What answers under /v1 look like. Names are the words of the glossary; instants are ISO 8601 in UTC."""

from datetime import date
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from headway.flow.serving import RunShown
from headway.governance.keys import Caller, Key
from headway.registry.registry import ModelVersion
from headway.scoring.kept import ScoreRun
from headway.scoring.predict import Prediction
from headway.store.jobs import Job

CANNOT_KNOW: Final = (
    "The course record does not know about illness, work or a plan agreed with a tutor. Ask before you assume."
)


class Page(BaseModel):
    """Part of a longer answer."""

    next: str | None = Field(description="The parameter `cursor` of the next page; null on the last one.")


class RunItem(BaseModel):
    """A course run."""

    run: str
    starts_on: date
    ends_on: date
    zone: str
    scored_as_of: str | None

    @classmethod
    def of(cls, shown: RunShown) -> "RunItem":
        """The item for a run."""
        scored = None if shown.scored_as_of is None else str(shown.scored_as_of)
        return cls(
            run=shown.run, starts_on=shown.starts_on, ends_on=shown.ends_on, zone=shown.zone, scored_as_of=scored
        )


class Runs(Page):
    """Course runs in order of their ids."""

    items: list[RunItem]


class ScoreRunItem(BaseModel):
    """What predictions come from: one model version, one run, one as-of time."""

    score_run: str
    run: str
    as_of: str
    model: str
    label: str
    day: int
    learners: int
    too_early: int
    snapshot: str
    view_hash: str

    @classmethod
    def of(cls, found: ScoreRun) -> "ScoreRunItem":
        """The item for a score run."""
        return cls(
            score_run=found.id,
            run=found.run,
            as_of=str(found.as_of),
            model=found.model_version,
            label=found.facts["label"],
            day=found.facts["day"],
            learners=found.learners,
            too_early=found.too_early,
            snapshot=found.snapshot,
            view_hash=found.view_hash,
        )


class ReasonItem(BaseModel):
    """One observation that a prediction rests on."""

    feature: str
    value: float | None
    cohort_median: float | None
    direction: Literal["for", "against"]
    share: float
    text: str
    domain: str


class PredictionItem(BaseModel):
    """What is said of one learner: a chance with its range and reasons, or why it is too early to say."""

    learner: str
    status: Literal["scored", "too_early"]
    risk: float | None
    low: float | None
    high: float | None
    comparable: int
    why_too_early: str | None
    features_hash: str
    reasons: list[ReasonItem]

    @classmethod
    def of(cls, said: Prediction) -> "PredictionItem":
        """The item for a prediction."""
        return cls(
            learner=said.learner,
            status=said.status,
            risk=said.risk,
            low=said.low,
            high=said.high,
            comparable=said.comparable,
            why_too_early=said.why_too_early,
            features_hash=said.features_hash,
            reasons=[ReasonItem(**reason.as_row()) for reason in said.reasons],
        )


class PredictionPage(ScoreRunItem, Page):
    """A page of a score run's predictions, in order of the learners' ids."""

    items: list[PredictionItem]


class Explanation(ScoreRunItem):
    """One learner's prediction with what it rests on and what it cannot know."""

    prediction: PredictionItem
    cannot_know: str = CANNOT_KNOW


class Enrolment(BaseModel):
    """A learner in a run."""

    run: str
    status: str
    since: str


class Predicted(BaseModel):
    """Where a prediction of a learner is."""

    run: str
    as_of: str


class Learner(BaseModel):
    """A learner: a pseudonym, its runs, and where its predictions are."""

    learner: str
    enrolments: list[Enrolment]
    predicted: list[Predicted]


class Features(BaseModel):
    """One learner's features as of a time; null where nothing is known."""

    learner: str
    run: str
    as_of: str
    course_day: int
    view: str
    hash: str
    features: dict[str, float | None]


class ModelItem(BaseModel):
    """A registered model version."""

    model_config = ConfigDict(protected_namespaces=())

    model: str
    method: str
    label: str
    stage: str
    train_runs: list[str]
    days: list[int]
    known_by: str
    created_at: str
    view_hash: str

    @classmethod
    def of(cls, version: ModelVersion) -> "ModelItem":
        """The item for a version."""
        return cls(
            model=version.ref,
            method=version.model,
            label=version.label,
            stage=version.stage,
            train_runs=list(version.train_runs),
            days=list(version.days),
            known_by=version.known_by,
            created_at=version.created_at.isoformat().replace("+00:00", "Z"),
            view_hash=version.view_hash,
        )


class Models(BaseModel):
    """Registered model versions, by name, oldest first."""

    items: list[ModelItem]


class ScoreRequest(BaseModel):
    """What to score: one learner of a run now, or a whole run as a job."""

    model_config = ConfigDict(extra="forbid")

    run: str = Field(min_length=1, max_length=255)
    learner: str | None = Field(default=None, min_length=1, max_length=64, description="One learner; null for the run.")
    as_of: str | None = Field(default=None, max_length=40, description="A date or instant; null for today.")
    label: str = Field(default="does_not_finish", max_length=80)
    model: str | None = Field(default=None, max_length=255, description="NAME/VERSION; null for the run's own.")


class Score(PredictionItem):
    """What a model says of one learner now, with what it rests on; it is kept nowhere."""

    run: str
    as_of: str
    model: str
    label: str
    cannot_know: str = CANNOT_KNOW


class JobItem(BaseModel):
    """Something that takes longer."""

    job: str
    kind: str
    state: Literal["waiting", "running", "done", "dead"]
    attempts: int
    error: str | None
    asked_at: str
    finished_at: str | None
    result: dict[str, Any]

    @classmethod
    def of(cls, job: Job) -> "JobItem":
        """The item for a job."""
        ended = None if job.finished_at is None else job.finished_at.isoformat().replace("+00:00", "Z")
        return cls(
            job=job.id,
            kind=job.kind,
            state=job.state,
            attempts=job.attempts,
            error=job.last_error,
            asked_at=job.asked_at.isoformat().replace("+00:00", "Z"),
            finished_at=ended,
            result=dict(job.progress),
        )


class KeyItem(BaseModel):
    """The key that asks."""

    key: str
    name: str
    scopes: list[str]

    @classmethod
    def of(cls, key: Caller) -> "KeyItem":
        """The item for a key."""
        return cls(key=key.id, name=key.name, scopes=list(key.scopes))


class Me(BaseModel):
    """Who asks: a key by its public half, a person by a pseudonym."""

    kind: Literal["person", "key"]
    id: str
    scopes: list[str]

    @classmethod
    def of(cls, caller: Caller) -> "Me":
        """The item for who asks."""
        return cls(kind="key" if isinstance(caller, Key) else "person", id=caller.id, scopes=list(caller.scopes))
