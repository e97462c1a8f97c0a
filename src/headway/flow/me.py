"""What a learner sees of themselves and may do about it: own activity, who looked, objections, a call for help.

Nothing here compares a learner with others. Acts are audited under the learner's hash, with their own account as actor.
Whoever calls these has checked that it is the learner who asks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, Final

import sqlalchemy as sa

from headway.advising import task_queries
from headway.advising.task_queries import Wanted
from headway.advising.tasks import ASKED_FOR_HELP, DUE_IN, Task, task_id
from headway.domain.errors import InputError
from headway.domain.time import AsOf, zone_of
from headway.flow.app import App
from headway.flow.records import hashed
from headway.flow.trail import HandIn, Trail
from headway.governance import approvals, audit, challenges
from headway.governance.approvals import Approval
from headway.governance.challenges import Challenge
from headway.store.tables import ACCOUNTS, AUDIT, CONTACTS, GRANTS, GROUP_MEMBERS, NO_CONTACT, TASKS

OBJECTION: Final = "objection"
"""A learner objects to a use of their data; the subject is the learner's hash, never the id."""

HELP_CHARACTERS: Final = 500
WINDOW: Final = timedelta(days=14)
_WEEK: Final = timedelta(days=7)
_MOST_LOOKS: Final = 1_000


@dataclass(frozen=True, slots=True)
class OwnWeek:
    """One week of a learner's own activity.

    Attributes:
        number: the week of the course, from 1.
        starts_on: its first local day.
        days: on how many of its days the learner was there.
        acts: how many things they did.
        whole: whether it is over.
    """

    number: int
    starts_on: date
    days: int
    acts: int
    whole: bool


@dataclass(frozen=True, slots=True)
class OwnActivity:
    """A learner's activity against their own past, up to a day.

    Attributes:
        weeks: one for each course week that has begun, the oldest first.
        days: on how many of the last 14 days they were there.
        days_before: the same of the 14 days before; None where the course had not been going that long.
        next: the hand-in that is due next and not handed in yet; None where there is none.
        open: hand-ins whose day has passed without one in the record.
        this_week: on how many days of the week that is going on they were there.
    """

    weeks: tuple[OwnWeek, ...]
    days: int
    days_before: int | None
    next: HandIn | None
    open: tuple[HandIn, ...]
    this_week: int

    @property
    def anything(self) -> bool:
        """Whether there is any activity at all."""
        return any(week.acts for week in self.weeks)


@dataclass(frozen=True, slots=True)
class Look:
    """That staff looked at a learner, or contacted them, on one day.

    Attributes:
        on: when last on that day.
        roles: as what, since an account may be several things; empty where it was a program.
        what: what was looked at, or how they were contacted; each once.
        times: how often.
    """

    on: datetime
    roles: tuple[str, ...]
    what: tuple[str, ...]
    times: int


def own_activity(trail: Trail, starts_on: date, ends_on: date, today: date) -> OwnActivity:
    """A learner's activity, week by week of the course, and beside their own last fortnight.

    Args:
        trail: what they did, as it was known.
        starts_on: the first day of the course.
        ends_on: its last.
        today: the local day that is going on.
    """
    done = {day: times for day, times in trail.days().items() if day <= today}
    last = min(today, ends_on)
    weeks: list[OwnWeek] = []
    first = starts_on
    while first <= last:
        inside = [times for day, times in done.items() if first <= day < first + _WEEK]
        weeks.append(OwnWeek(len(weeks) + 1, first, len(inside), sum(inside), first + _WEEK <= today))
        first += _WEEK

    def between(since: date, until: date) -> int:
        return sum(since < day <= until for day in done)

    before = between(today - 2 * WINDOW, today - WINDOW) if starts_on <= today - 2 * WINDOW else None
    states = [(each, each.state(today)) for each in trail.hand_ins]
    to_come = [each for each, state in states if state == "to come" and each.due_on is not None]
    missing = tuple(each for each, state in states if state == "missing")
    this_week = weeks[-1].days if weeks and not weeks[-1].whole else 0
    return OwnActivity(
        tuple(weeks), between(today - WINDOW, today), before, next(iter(to_come), None), missing, this_week
    )


def ask_for_help(app: App, run: str, learner: str, text: str) -> Task:
    """The task by which advisers learn that somebody asks for help; the one that waits already where there is one.

    Who asked not to be contacted is heard all the same: they ask themselves.

    Raises:
        InputError: the text is too long.
    """
    said, now = " ".join(text.split()), app.clock.now()
    if len(said) > HELP_CHARACTERS:
        raise InputError(f"Write at most {HELP_CHARACTERS} characters; there are {len(said):,}.")
    task = Task(
        id=task_id(run, learner, ASKED_FOR_HELP, now),
        run=run,
        learner=learner,
        rule=ASKED_FOR_HELP,
        list="reach_out",
        reason=f"Asked for help: “{said}”" if said else "Asked for help",
        as_of=now,
        opened_at=now,
        due_at=now + DUE_IN,
        changed_at=now,
        evidence={"by": "learner"},
    )
    with app.store.begin() as connection:
        if task_queries.add(connection, [task]):
            audit.record(connection, now, app.actor, "ask for help", hashed(learner), {"task": task.id, "run": run})
            return task
        (waiting,) = task_queries.find(connection, Wanted(runs=[run], learner=learner, rule=ASKED_FOR_HELP))
    return waiting


def help_waiting(app: App, run: str, learner: str) -> Task | None:
    """The learner's call for help that is not closed yet; None where there is none."""
    with app.store.read() as connection:
        found = task_queries.find(connection, Wanted(runs=[run], learner=learner, rule=ASKED_FOR_HELP))
    return next(iter(found), None)


def helpers_of(app: App, run: str, learner: str) -> list[str]:
    """How those are called who would answer: the tutors of the learner's group, else the advisers of the run."""
    with app.store.read() as connection:
        own = sa.select(GROUP_MEMBERS.c.group_name)
        own = own.where(GROUP_MEMBERS.c.run == run, GROUP_MEMBERS.c.learner == learner)
        group = connection.execute(own).scalar_one_or_none()
        staff = sa.select(ACCOUNTS.c.shown_as, GRANTS.c.role, GRANTS.c.runs, GRANTS.c.group_name)
        staff = staff.join(GRANTS, GRANTS.c.account_id == ACCOUNTS.c.id)
        staff = staff.where(GRANTS.c.role.in_(("tutor", "adviser")), ACCOUNTS.c.disabled_at.is_(None))
        rows = connection.execute(staff.order_by(ACCOUNTS.c.shown_as)).all()
    fits = [row for row in rows if fnmatchcase(run, row.runs) and row.group_name in (None, group)]
    tutors = [row.shown_as for row in fits if row.role == "tutor" and row.group_name == group]
    return list(dict.fromkeys(tutors or [row.shown_as for row in fits if row.role == "adviser"]))


def is_not_to_contact(app: App, learner: str) -> datetime | None:
    """Since when the learner is not to be contacted on the basis of this; None where they may be."""
    with app.store.read() as connection:
        since = sa.select(NO_CONTACT.c.since).where(NO_CONTACT.c.learner == learner)
        return connection.execute(since).scalar_one_or_none()


def looks_of(app: App, learner: str, zone: str) -> list[Look]:
    """Who of the staff looked at a learner, in all runs, by local day and role, the last first. Own visits are none."""
    wanted = sa.select(AUDIT.c.at, AUDIT.c.actor, AUDIT.c.detail)
    wanted = wanted.where(AUDIT.c.subject == hashed(learner), AUDIT.c.action == "view")
    with app.store.read() as connection:
        rows = connection.execute(wanted.order_by(AUDIT.c.id.desc()).limit(_MOST_LOOKS)).all()
        roles = _roles(connection, {row.actor for row in rows})
    told = [
        (
            row.at,
            (str(row.detail["role"]),) if "role" in row.detail else roles.get(row.actor, ()),
            _looked_at(row.detail),
        )
        for row in rows
        if row.detail.get("role", "learner" if row.actor == app.actor else "") != "learner"
    ]
    return _by_day(told, zone)


def contacts_with(app: App, run: str, learner: str, zone: str) -> list[Look]:
    """Who of the staff contacted a learner of a run and how, by local day, the last first."""
    wanted = sa.select(CONTACTS.c.at, CONTACTS.c.by, CONTACTS.c.channel)
    wanted = wanted.join(TASKS, TASKS.c.id == CONTACTS.c.task_id)
    wanted = wanted.where(TASKS.c.learner == learner, TASKS.c.run == run)
    with app.store.read() as connection:
        rows = connection.execute(wanted.order_by(CONTACTS.c.at.desc())).all()
        roles = _roles(connection, {row.by for row in rows})
    return _by_day([(row.at, roles.get(row.by, ()), row.channel) for row in rows], zone)


def challenge_own(app: App, run: str, learner: str, *, score_run_id: str, kind: str, text: str, zone: str) -> Challenge:
    """The learner's own challenge of what is predicted of them.

    Raises:
        UnknownName: no such kind.
        InputError: the text is missing or too long.
        Conflict: they challenged it before and were not answered yet.
    """
    with app.store.begin() as connection:
        return challenges.raise_(
            connection,
            app.clock.now(),
            run=run,
            learner=learner,
            score_run_id=score_run_id,
            kind=kind,
            text=text,
            by=app.actor,
            by_learner=True,
            zone=zone,
        )


def object_to_use(app: App, learner: str, text: str) -> Approval:
    """The learner's objection to a use of their data, which waits for governance's decision.

    Raises:
        InputError: nothing is said, or too much.
        Conflict: an objection of theirs waits already.
    """
    with app.store.begin() as connection:
        return approvals.ask(connection, app.clock.now(), app.actor, OBJECTION, hashed(learner), text)


def objections_of(app: App, learner: str, zone: str) -> list[tuple[Approval, date]]:
    """The learner's objections, the newest first, each with the day in the zone by which it is answered."""
    with app.store.read() as connection:
        found = approvals.of_subject(connection, OBJECTION, hashed(learner))
    return [(each, challenges.due_on(each.asked_at, zone)) for each in found]


def today_in(as_of: AsOf, zone: str) -> date:
    """The local day that is going on at an as-of time."""
    return as_of.instant.astimezone(zone_of(zone)).date()


def _looked_at(detail: Mapping[str, Any]) -> str:
    return str(detail.get("what") or "explanation")


def _roles(connection: sa.Connection, actors: set[str]) -> dict[str, tuple[str, ...]]:
    """The roles of those accounts that the audit names."""
    ids = {actor.removeprefix("account "): actor for actor in actors if actor.startswith("account ")}
    rows = connection.execute(
        sa.select(GRANTS.c.account_id, GRANTS.c.role).where(GRANTS.c.account_id.in_(list(ids))).order_by(GRANTS.c.role)
    ).all()
    found: dict[str, tuple[str, ...]] = {}
    for row in rows:
        if row.role != "learner" and row.role not in found.get(ids[row.account_id], ()):
            found[ids[row.account_id]] = (*found.get(ids[row.account_id], ()), row.role)
    return found


def _by_day(told: Sequence[tuple[datetime, tuple[str, ...], str]], zone: str) -> list[Look]:
    found: dict[tuple[date, tuple[str, ...]], Look] = {}
    for at, roles, what in told:
        key = at.astimezone(zone_of(zone)).date(), roles
        before = found.get(key, Look(at, roles, (), 0))
        seen = before.what if what in before.what else (*before.what, what)
        found[key] = Look(before.on, roles, seen, before.times + 1)
    return list(found.values())
