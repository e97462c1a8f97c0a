"""Challenges: somebody says that a prediction is wrong, and somebody else answers by a day that was promised.

A prediction is never changed or deleted by a challenge: both are kept side by side. Nobody else reads or writes the
table. What is asked for a list of challenges is cut to a scope; what is asked of one learner was checked by the caller.
"""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Final, Literal, get_args
from uuid import NAMESPACE_URL, uuid5

import sqlalchemy as sa

from headway.domain.errors import Conflict, InputError, UnknownName
from headway.domain.time import zone_of
from headway.governance import audit
from headway.governance.scopes import Scope
from headway.store.tables import CHALLENGES, GROUP_MEMBERS

Kind = Literal["wrong_data", "knows_more", "reason_does_not_fit", "already_handled", "other"]
Outcome = Literal["agreed", "kept", "data_mended"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
WORKING_DAYS: Final = 10
"""In so many working days, Monday to Friday, a challenge is answered."""

TOLD_FOR: Final = timedelta(days=14)
"""For so long an answer stands at the top of the page of whoever raised the challenge."""

TEXT_CHARACTERS: Final = 2_000
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge.

    Attributes:
        id: its id.
        run: the course run.
        learner: the pseudonym.
        score_run_id: whose prediction is challenged.
        kind: one of `KINDS`.
        text: what is said in words; may be empty.
        by: who raised it, as the audit names them.
        by_learner: whether it was the learner.
        off_list: whether the learner left the list meanwhile.
        at: when.
        due_on: the local day by which it is answered.
        answered_at: when it was; None while it waits.
        answered_by: by whom.
        outcome: one of `OUTCOMES`.
        answer: in words.
    """

    id: str
    run: str
    learner: str
    score_run_id: str
    kind: Kind
    text: str
    by: str
    by_learner: bool
    off_list: bool
    at: datetime
    due_on: date
    answered_at: datetime | None = None
    answered_by: str | None = None
    outcome: Outcome | None = None
    answer: str | None = None

    @property
    def waits(self) -> bool:
        """Whether it was not answered yet."""
        return self.answered_at is None

    def is_overdue(self, today: date) -> bool:
        """Whether the promised day has passed without an answer."""
        return self.waits and self.due_on < today


_COLUMNS: Final = tuple(each.name for each in fields(Challenge))


def raise_(
    connection: sa.Connection,
    at: datetime,
    *,
    run: str,
    learner: str,
    score_run_id: str,
    kind: str,
    text: str,
    by: str,
    by_learner: bool = False,
    off_list: bool = False,
    zone: str = "UTC",
) -> Challenge:
    """A new challenge, kept and audited; the caller has checked that whoever raises it may see the learner.

    Args:
        connection: a writing transaction.
        at: now.
        run: the course run.
        learner: the pseudonym.
        score_run_id: whose prediction is challenged.
        kind: one of `KINDS`.
        text: what is said in words; needed where the kind is `other`.
        by: who raises it, as the audit names them.
        by_learner: whether it is the learner.
        off_list: whether the learner leaves the list meanwhile; the caller sees to that.
        zone: in which the promised day is told.

    Raises:
        UnknownName: no such kind.
        InputError: the text is missing or too long.
        Conflict: the same person challenged the same prediction before and was not answered yet.
    """
    said = text.strip()
    if kind == "other" and not said:
        raise InputError("Say in a few words what is wrong: “Other” alone cannot be answered.")
    if len(said) > TEXT_CHARACTERS:
        raise InputError(f"A challenge has at most {TEXT_CHARACTERS:,} characters; this one has {len(said):,}.")
    same = (CHALLENGES.c.learner == learner) & (CHALLENGES.c.score_run_id == score_run_id) & (CHALLENGES.c.by == by)
    if connection.execute(sa.select(CHALLENGES.c.id).where(same & CHALLENGES.c.answered_at.is_(None))).first():
        raise Conflict("You have challenged this prediction already, and the answer is still to come.")
    made = Challenge(
        id=str(uuid5(NAMESPACE_URL, f"headway/challenge/{score_run_id}/{learner}/{by}/{at.isoformat()}")),
        run=run,
        learner=learner,
        score_run_id=score_run_id,
        kind=_kind(kind),
        text=said,
        by=by,
        by_learner=by_learner,
        off_list=off_list,
        at=at,
        due_on=due_on(at, zone),
    )
    connection.execute(sa.insert(CHALLENGES), {name: getattr(made, name) for name in _COLUMNS})
    told = {"kind": kind, "score_run": score_run_id, "by_learner": by_learner, "off_list": off_list}
    audit.record(connection, at, by, "challenge", made.id, told)
    return made


def answer(
    connection: sa.Connection, at: datetime, scope: Scope, challenge_id: str, outcome: str, text: str, by: str
) -> Challenge:
    """The challenge, answered and audited. The prediction stays as it was.

    Args:
        connection: a writing transaction.
        at: now.
        scope: of whoever answers.
        challenge_id: which.
        outcome: one of `OUTCOMES`.
        text: the answer, which whoever raised it reads.
        by: who answers, as the audit names them.

    Raises:
        UnknownName: no such challenge within the scope, or no such outcome.
        InputError: the answer is missing or too long.
        Conflict: it was answered before.
    """
    said = text.strip()
    if not said or len(said) > TEXT_CHARACTERS:
        raise InputError(f"Write an answer of at most {TEXT_CHARACTERS:,} characters: whoever asked will read it.")
    before = get(connection, scope, challenge_id)
    if not before.waits:
        raise Conflict("This challenge was answered before. Look at the answer that was given.")
    values = {"answered_at": at, "answered_by": by, "outcome": _outcome(outcome), "answer": said}
    still = (CHALLENGES.c.id == before.id) & CHALLENGES.c.answered_at.is_(None)
    if connection.execute(sa.update(CHALLENGES).where(still).values(**values)).rowcount != 1:
        raise Conflict("Somebody else answered this challenge a moment ago.")
    audit.record(connection, at, by, "answer challenge", before.id, {"outcome": outcome})
    return get(connection, scope, challenge_id)


def waiting(connection: sa.Connection, scope: Scope, limit: int = 500) -> list[Challenge]:
    """Challenges within a scope that wait for an answer, those due first first."""
    query = _within(connection, scope).where(CHALLENGES.c.answered_at.is_(None))
    return _found(connection, query.order_by(CHALLENGES.c.due_on, CHALLENGES.c.at, CHALLENGES.c.id).limit(limit))


def answered(connection: sa.Connection, scope: Scope, limit: int = 100) -> list[Challenge]:
    """Challenges within a scope that were answered, the last answered first."""
    query = _within(connection, scope).where(CHALLENGES.c.answered_at.is_not(None))
    return _found(connection, query.order_by(CHALLENGES.c.answered_at.desc(), CHALLENGES.c.id).limit(limit))


def answered_to(connection: sa.Connection, scope: Scope, by: str, since: datetime) -> list[Challenge]:
    """Challenges within a scope that somebody raised and that were answered after an instant, the last one first."""
    query = _within(connection, scope).where(CHALLENGES.c.by == by, CHALLENGES.c.answered_at > since)
    return _found(connection, query.order_by(CHALLENGES.c.answered_at.desc(), CHALLENGES.c.id))


def get(connection: sa.Connection, scope: Scope, challenge_id: str) -> Challenge:
    """One challenge within a scope.

    Raises:
        UnknownName: there is none of this id within it.
    """
    found = _found(connection, _within(connection, scope).where(CHALLENGES.c.id == challenge_id))
    if not found:
        raise UnknownName("There is no such challenge among those that you work with.")
    return found[0]


def of_learner(connection: sa.Connection, learner: str, run: str | None = None) -> list[Challenge]:
    """All challenges about a learner, of one run or of all, the newest first. The caller has checked the scope."""
    query = sa.select(CHALLENGES).where(CHALLENGES.c.learner == learner)
    if run is not None:
        query = query.where(CHALLENGES.c.run == run)
    return _found(connection, query.order_by(CHALLENGES.c.at.desc(), CHALLENGES.c.id))


def challenged(connection: sa.Connection, run: str) -> dict[str, Challenge]:
    """The newest waiting challenge of each learner of a run who has one; the caller cuts it to a scope."""
    query = sa.select(CHALLENGES).where(CHALLENGES.c.run == run, CHALLENGES.c.answered_at.is_(None))
    return {each.learner: each for each in _found(connection, query.order_by(CHALLENGES.c.at, CHALLENGES.c.id))}


def due_on(at: datetime, zone: str = "UTC") -> date:
    """The day by which a challenge is answered: ten working days on, Monday to Friday; holidays are not known.

    >>> from datetime import UTC
    >>> due_on(datetime(2026, 11, 20, 15, tzinfo=UTC))
    datetime.date(2026, 12, 4)
    """
    day, left = at.astimezone(zone_of(zone)).date(), WORKING_DAYS
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < _SATURDAY
    return day


def _within(connection: sa.Connection, scope: Scope) -> sa.Select[tuple[object, ...]]:
    """The challenges of learners whom a scope sees."""
    known: Collection[str] = connection.execute(sa.select(CHALLENGES.c.run).distinct()).scalars().all()
    seen = [_of_run(scope, run) for run in scope.runs(known)]
    return sa.select(CHALLENGES).where(sa.or_(sa.false(), *seen))


def _of_run(scope: Scope, run: str) -> sa.ColumnElement[bool]:
    in_run, groups = CHALLENGES.c.run == run, scope.groups(run)
    if scope.role == "learner":
        return in_run & (CHALLENGES.c.learner == scope.learner)
    if groups is None:
        return in_run
    members = sa.select(GROUP_MEMBERS.c.learner)
    members = members.where(GROUP_MEMBERS.c.run == run, GROUP_MEMBERS.c.group_name.in_(sorted(groups)))
    return in_run & CHALLENGES.c.learner.in_(members)


def _found(connection: sa.Connection, query: sa.Select[tuple[object, ...]]) -> list[Challenge]:
    return [Challenge(**{name: row[name] for name in _COLUMNS}) for row in connection.execute(query).mappings()]


def _kind(word: str) -> Kind:
    for kind in KINDS:
        if kind == word:
            return kind
    raise UnknownName.of("kind of challenge", word, KINDS)


def _outcome(word: str) -> Outcome:
    for outcome in OUTCOMES:
        if outcome == word:
            return outcome
    raise UnknownName.of("outcome of a challenge", word, OUTCOMES)
