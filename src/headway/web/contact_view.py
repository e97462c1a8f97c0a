"""What the pages for contacts show: the one thing to speak of, the message to each learner, who is left out and why.

The same function writes what is previewed and what is sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final

import sqlalchemy as sa
from markupsafe import Markup

from headway.advising import messages, task_queries
from headway.advising.messages import KINDS, Concrete, Kind, Letter, Message
from headway.domain.errors import InputError
from headway.domain.time import AsOf, zone_of
from headway.explanation.reasons import Reason
from headway.features.definition import FEATURES, Feature
from headway.flow.contact import Outgoing
from headway.flow.course_facts import CourseFacts, facts_of
from headway.flow.records import hashed
from headway.governance import audit
from headway.scoring import kept
from headway.web.address import named
from headway.web.board import Board
from headway.web.site import Site
from headway.web.visit import Seen, Visit
from headway.web.words import SOURCE, Words, zone_name

FACTS_WAIT_S: Final = 3.0
RECENT: Final = timedelta(days=7)
"""Whoever was contacted within so long is left out at first."""

SOON: Final = timedelta(minutes=2)
ASKED_NOT: Final = "asked not to be contacted"
NO_ADDRESS: Final = "no mail address known"
LATELY: Final = "contacted in the last 7 days"
BY_YOU: Final = "left out by you"


@dataclass(frozen=True, slots=True)
class Approach:
    """How one learner may be spoken to.

    Attributes:
        seen: the learner.
        thing: the one thing to speak of.
        reason: why, in one sentence for colleagues: the strongest reason that can be changed.
        zone: the learner's time zone.
        offer: the time that is offered, in words.
        leaves: when a message goes that is sent now.
    """

    seen: Seen
    thing: Concrete
    reason: str
    zone: str
    offer: str
    leaves: datetime

    @property
    def email(self) -> str:
        """The learner's mail address; empty where it is not known."""
        return self.seen.person.email if self.seen.person is not None else ""

    @property
    def phone(self) -> str:
        """The learner's number; empty where it is not known."""
        return self.seen.person.phone if self.seen.person is not None else ""


@dataclass(frozen=True, slots=True)
class Row:
    """One learner of a message to several.

    Attributes:
        approach: how they may be spoken to.
        message: as they receive it.
        why_not: why they are left out; empty for those who receive it.
        fixed: whether nobody may take them in.
    """

    approach: Approach
    message: Message
    why_not: str = ""
    fixed: bool = False


def approaches(visit: Visit, learners: Sequence[str]) -> list[Approach]:
    """How these learners may be spoken to, in the order given. Whoever calls this has looked at the scope."""
    reasons = _reasons(visit, learners)
    facts, place = _facts(visit, learners)
    return [
        _approach(visit, seen, reasons.get(seen.learner, ()), facts, place[seen.learner])
        for seen in visit.shown(list(learners))
    ]


def written(visit: Visit, letter: Letter, approach: Approach) -> Message:
    """The message as this learner receives it.

    Raises:
        InputError: the letter has a place that nothing fills.
    """
    return messages.written(
        letter,
        approach.thing,
        name=approach.seen.name,
        course=visit.run.title,
        sender=visit.account.shown_as,
        offer=approach.offer,
    )


def outgoing(approach: Approach, message: Message, reply_to: str) -> Outgoing:
    """The message as it is handed over to be sent."""
    return Outgoing(approach.seen.learner, message, reply_to, approach.zone, approach.reason, approach.thing.kind)


def chosen(visit: Visit, given: Sequence[str]) -> list[str]:
    """The learners whom a form names, each once, all of them in the scope; that they were looked at is audited.

    Raises:
        NotPermitted: one may not be seen, which is audited too.
        UnknownName: one is not in the run.
        InputError: there are none.
    """
    learners = list(dict.fromkeys(named(each) for each in given))
    if not learners:
        raise InputError("Nobody is chosen. Go back, choose at least one learner, then write to them.")
    for learner in learners:
        group = visit.group_of(learner)
        if not visit.scope.sees(visit.run.id, learner, group):
            visit.audit("refuse", hashed(learner), {"what": "contact"})
            visit.scope.needs(visit.run.id, learner, group)
        visit.check_known(learner)
    with visit.app.store.begin() as connection:
        for learner in learners:
            told = {"what": "contact", "run": visit.run.id, "role": visit.role}
            audit.record(connection, visit.now, visit.app.actor, "view", hashed(learner), told)
    return learners


def rows(visit: Visit, letter: Letter, learners: Sequence[str], left_out: frozenset[str] | None) -> list[Row]:
    """What each learner would receive, and who is left out.

    Args:
        visit: who writes.
        letter: what is written.
        learners: to whom; in the scope.
        left_out: whom the writer leaves out; None at first, when those contacted lately are proposed.
    """
    with visit.app.store.read() as connection:
        refusing = task_queries.not_to_contact(connection)
        last = task_queries.last_contacts(connection, visit.run.id)
    found = []
    for approach in approaches(visit, learners):
        learner = approach.seen.learner
        row = Row(approach, written(visit, letter, approach))
        lately = visit.now - last[learner] < RECENT if learner in last else False
        if learner in refusing:
            row = replace(row, why_not=ASKED_NOT, fixed=True)
        elif not messages.is_address(approach.email):
            row = replace(row, why_not=NO_ADDRESS, fixed=True)
        elif (left_out is None and lately) or (left_out is not None and learner in left_out):
            row = replace(row, why_not=LATELY if lately else BY_YOU)
        found.append(row)
    return found


def letter_of(visit: Visit) -> Letter:
    """The letter as the form has it; as we propose it where the form has none."""
    usual = Letter()
    if "subject" not in visit.form:
        return usual

    def text(name: str) -> str:
        return visit.field(name).replace("\r\n", "\n")

    paragraphs: dict[Kind, str] = {kind: text(f"paragraph-{slug_of(kind)}") or usual.paragraphs[kind] for kind in KINDS}
    return Letter(text("subject"), text("greeting"), paragraphs, text("question"), text("closing"))


def slug_of(kind: str) -> str:
    """A kind as part of a field's name.

    >>> slug_of("not started")
    'not-started'
    """
    return kind.replace(" ", "-")


def reply_to_of(visit: Visit) -> str:
    """Where answers go: what the form says, else the account's own mail address; empty where none is known."""
    if "reply_to" in visit.form:
        return visit.field("reply_to")
    own = visit.account.settings.get("email") or visit.account.name
    return str(own) if messages.is_address(str(own)) else ""


def date_of(text: str) -> date | None:
    """A date from a form; None where it is empty.

    Raises:
        InputError: it is no date.
    """
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        raise InputError("This is not a date. Write it as 2026-11-30.") from wrong


def facts_of_run(visit: Visit) -> CourseFacts:
    """The facts of everyone on the board of the run, at most minutes old.

    Raises:
        Pending: they are being read; ask again in a moment.
    """
    return facts_at(visit.site, visit.run.id, visit.board, visit.as_of, visit.patience(FACTS_WAIT_S))


def facts_at(site: Site, run: str, board: Board | None, as_of: AsOf, wait_s: float) -> CourseFacts:
    """The facts of everyone on a board, at most minutes old; Pending where they take longer than is waited."""
    everyone = () if board is None else board.everyone
    return site.worked_out(("course facts", run, len(everyone)), wait_s, facts_of, run, as_of, everyone)


def _facts(visit: Visit, learners: Sequence[str]) -> tuple[CourseFacts, Mapping[str, int]]:
    """Facts of these learners at least, and the row of each."""
    found = facts_of_run(visit)
    place: Mapping[str, int] = visit.site.once.get(
        ("place in facts", visit.run.id), found.learners, partial(_rows, found)
    )
    if all(learner in place for learner in learners):
        return found, place
    own = facts_of(visit.site.app, visit.run.id, visit.as_of, learners)
    return own, _rows(own)


def _rows(facts: CourseFacts) -> dict[str, int]:
    return {learner: at for at, learner in enumerate(facts.learners)}


def _reasons(visit: Visit, learners: Sequence[str]) -> dict[str, tuple[Reason, ...]]:
    board = visit.board
    there = [each for each in learners if board is not None and each in board.place]
    if board is None or not there:
        return {}
    with visit.app.store.read() as connection:
        found = kept.predictions_of(connection, board.score_run, there)
    return {each.learner: each.reasons for each in found}


def _approach(visit: Visit, seen: Seen, reasons: Sequence[Reason], facts: CourseFacts, row: int) -> Approach:
    zone = (seen.person.zone if seen.person is not None else "") or visit.run.zone
    known = FEATURES.names()
    definitions: Mapping[str, Feature] = {
        each.feature: FEATURES.get(each.feature) for each in reasons if each.feature in known
    }
    thing = messages.concrete(reasons, definitions, facts.spoken_of(row), _day)
    offered = messages.offer_at(visit.now, zone)
    offer = f"{_day(offered.date())} at {offered:%H:%M} {zone_name(zone, offered)}"
    reason = next((each.text for each in reasons if each.feature == thing.feature), "")
    told = reason or next((each.text for each in reasons if each.direction == "for"), "") or "Asked how it goes"
    return Approach(seen, thing, told, zone, offer, messages.leaves_at(visit.now, zone))


def _day(day: date) -> str:
    """A day as a message names it: `Fri 11 Sept`."""
    from babel.dates import format_date

    return format_date(day, "EEE d MMM", locale=Words(SOURCE).locale)


def leaving(visit: Visit, instant: datetime) -> Markup:
    """When a message goes, as a `<time>` element: to the second where that is soon."""
    if instant - visit.now > SOON:
        return visit.words.moment(instant)
    from babel.dates import format_time

    local = instant.astimezone(zone_of(visit.words.zone))
    told = format_time(local, "HH:mm:ss", locale=visit.words.locale)
    return Markup('<time datetime="{}">{}</time>').format(local.isoformat(), told)


def names_of_staff(connection: sa.Connection, actors: Sequence[str]) -> dict[str, str]:
    """How pages call those who acted, by how the audit names them."""
    from headway.governance import accounts

    shown = {f"account {account.id}": account.shown_as for account in accounts.every(connection)}
    return {actor: shown.get(actor, actor) for actor in actors}
