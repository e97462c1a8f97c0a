"""Tasks and contacts as JSON. No logic, only flow calls; the audit names who asks."""

from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from headway.advising.task_queries import Wanted
from headway.advising.tasks import Contact, Task
from headway.domain.errors import InputError
from headway.flow import tasks
from headway.governance.keys import Caller
from headway.live_settings import ListSlug
from headway.server.v1 import Cursor, Limit, Needs, after_cursor, app_of, next_cursor

router: Final = APIRouter(prefix="/v1/tasks", tags=["tasks"])

Reader = Annotated[Caller, Depends(Needs("tasks/read"))]
Writer = Annotated[Caller, Depends(Needs("tasks/write"))]


class TaskItem(BaseModel):
    """A reason to look at one learner of one run, and what became of it."""

    id: str
    run: str
    learner: str
    rule: str
    list: str
    reason: str
    evidence: dict[str, Any]
    as_of: datetime
    opened_at: datetime
    status: Literal["open", "contacted", "closed", "expired"]
    closing_code: str | None
    due_at: datetime | None
    snoozed_until: datetime | None
    assignee: str | None
    changed_at: datetime
    version: int

    @classmethod
    def of(cls, task: Task) -> "TaskItem":
        """The item for a task."""
        return cls(**task.as_row())


class ContactItem(BaseModel):
    """What somebody did about a task."""

    id: str
    task_id: str
    at: datetime
    by: str
    channel: str
    outcome: str
    note: str | None
    follow_up_on: date | None

    @classmethod
    def of(cls, contact: Contact) -> "ContactItem":
        """The item for a contact."""
        return cls(**contact.as_row())


class Tasks(BaseModel):
    """Tasks, the oldest first, with what a reader should know of frozen rules."""

    items: list[TaskItem]
    notes: list[str]
    next: str | None = Field(description="The parameter `cursor` of the next page; null on the last one.")


class TaskShown(BaseModel):
    """A task with its contacts, the oldest first."""

    task: TaskItem
    contacts: list[ContactItem]


class ContactRequest(BaseModel):
    """What was done."""

    model_config = ConfigDict(extra="forbid")

    channel: Literal["phone", "email", "message", "meeting", "other"]
    outcome: Literal["reached", "replied", "meeting", "no_answer", "declined"]
    note: str | None = Field(default=None, max_length=2_000, description="For colleagues; erased with the learner.")
    follow_up_on: date | None = None


class CloseRequest(BaseModel):
    """How it ended."""

    model_config = ConfigDict(extra="forbid")

    code: Literal["helped", "not_needed", "wrongly_flagged", "no_answer"]


@router.get("", summary="Tasks", operation_id="get_tasks")
def listed(
    request: Request,
    key: Reader,
    run: Annotated[str | None, Query(max_length=255, description="Only of this run.")] = None,
    learner: Annotated[str | None, Query(max_length=64, description="Only of this learner.")] = None,
    status: Annotated[Literal["open", "contacted", "closed", "expired"] | None, Query()] = None,
    on_list: Annotated[ListSlug | None, Query(alias="list", description="Only of this list.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Tasks:
    """Tasks, the oldest first: open and contacted ones unless a status is named."""
    wanted = Wanted(runs=None if run is None else [run], learner=learner, lists=None if on_list is None else [on_list])
    if status is not None:
        wanted = Wanted(runs=wanted.runs, learner=learner, lists=wanted.lists, statuses=[status])
    found = tasks.list_tasks(app_of(request, key), wanted, limit=limit + 1, after=_after(cursor))
    items = [TaskItem.of(task) for task in found.tasks[:limit]]
    more = len(found.tasks) > limit
    told = next_cursor(f"{items[-1].opened_at.isoformat()} {items[-1].id}") if more else None
    return Tasks(items=items, notes=found.notes, next=told)


@router.get("/{task}", summary="One task", operation_id="get_task")
def shown(request: Request, key: Reader, task: str) -> TaskShown:
    """A task with its contacts; that it was looked at is audited."""
    found, contacts = tasks.show_task(app_of(request, key), task)
    return TaskShown(task=TaskItem.of(found), contacts=[ContactItem.of(contact) for contact in contacts])


@router.post("/{task}/contacts", status_code=201, summary="Record a contact", operation_id="post_contact")
def contact(request: Request, key: Writer, task: str, made: ContactRequest) -> TaskShown:
    """The task after the contact."""
    app = app_of(request, key)
    changed, kept = tasks.record_contact(
        app, task, made.channel, made.outcome, note=made.note, follow_up_on=made.follow_up_on
    )
    return TaskShown(task=TaskItem.of(changed), contacts=[ContactItem.of(kept)])


@router.post("/{task}/close", summary="Close a task", operation_id="post_close")
def close(request: Request, key: Writer, task: str, how: CloseRequest) -> TaskItem:
    """The task, closed."""
    return TaskItem.of(tasks.close_task(app_of(request, key), task, how.code))


def _after(cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    at, _, name = after_cursor(cursor).partition(" ")
    try:
        return datetime.fromisoformat(at), name
    except ValueError as wrong:
        raise InputError("The cursor is none of this server's. Give `next` of the page before as it is.") from wrong
