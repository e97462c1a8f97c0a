"""The rows of a caseload in the reader's words, with what the store says of those who are shown.

What a row says of a chance is whole tenths with a range; the order it stands in belongs to the list.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from markupsafe import Markup

from headway.advising import worklist_queries
from headway.advising.tasks import Contact
from headway.advising.wording import LISTS, SHAPES, label_words, tenths
from headway.advising.worklist import CALLED, NO_LIST, Case
from headway.domain.time import AsOf
from headway.flow.caseload import MOST_AT_ONCE
from headway.flow.caseload_facts import PastList, assignable, past_list, staff
from headway.governance import challenges
from headway.web.address import slug
from headway.web.board import TOO_EARLY
from headway.web.caseload_rows import Listing

if TYPE_CHECKING:
    from headway.governance.challenges import Challenge
    from headway.web.board import Board
    from headway.web.site import Site
    from headway.web.visit import Seen, Visit
    from headway.web.words import Words

COURSE_PROBLEM_SHARE: Final = 0.3
"""Above this share past the earlier cut, the page speaks of the course and not of people (ux.md R5)."""

RATE_WAIT_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Row:
    """One learner on the page.

    Attributes:
        at: their place in the arrays.
        order: their place on this week's list; 0 on the other tabs.
        seen: who they are.
        slug: their id in addresses.
        chance: in tenths with a range, else that it is too early.
        since: what changed since the week before; empty where nothing is known.
        new: whether they are new on the list.
        reason: the main reason, a sentence from the data.
        seen_on: the day of the last visit.
        away: days since then.
        contact: the last contact.
        status: what was done so far.
        until: until when they are snoozed, or when to follow up.
        heading: the list that begins with this row, if one does.
        cut: whether capacity ends before this row.
    """

    at: int
    order: int
    seen: "Seen"
    slug: str
    chance: str
    since: str
    new: bool
    reason: str
    seen_on: date | None
    away: int | None
    contact: Contact | None
    status: str
    until: datetime | date | None
    heading: int | None = None
    cut: bool = False


class CaseloadView:
    """What the page shows.

    Args:
        visit: who looks.
        listing: what they ask for.
    """

    def __init__(self, visit: "Visit", listing: Listing) -> None:
        self.visit, self.listing, self.ask = visit, listing, listing.ask

    @cached_property
    def rows(self) -> list[Row]:
        """The rows of the page."""
        return self.rows_of([int(at) for at in self.listing.shown], marked=True)

    @cached_property
    def everyone(self) -> list[Row]:
        """All rows that match, on one page."""
        return self.rows_of([int(at) for at in self.listing.chosen], marked=False)

    @cached_property
    def answers(self) -> "list[tuple[Seen, Challenge]]":
        """What the visitor challenged in this run and was answered lately, with the learner, who may be seen still."""
        visit, run = self.visit, self.listing.run.id
        with visit.app.store.read() as connection:
            since = visit.now - challenges.TOLD_FOR
            found = challenges.answered_to(connection, visit.scope, visit.app.actor, since)
        return [(visit.shown([each.learner])[0], each) for each in found if each.run == run]

    def rows_of(self, places: Sequence[int], *, marked: bool) -> list[Row]:
        """Rows for some places; with the headings of lists and the cut where they are wanted."""
        listing = self.listing
        learners = [str(listing.field.learners[at]) for at in places]
        cases = [listing.standing.cases.get(learner) for learner in learners]
        told = [case.task.id for case in cases if case is not None]
        with self.visit.site.app.store.read() as connection:
            contacts = worklist_queries.last_contact_of(connection, listing.run.id, learners)
            reasons = worklist_queries.reasons(connection, told)
            closers = worklist_queries.closers(connection, told) if self.ask.tab == "closed" else {}
        found, before = [], None
        for at, seen, case in zip(places, self.visit.shown(learners), cases, strict=True):
            heading = cut = None
            if marked and self.grouped:
                code = int(listing.places.list[at])
                heading = code if before is None or code != before[0] else None
                cut = self._is_cut(at, before)
                before = code, int(listing.places.order[at])
            found.append(self._row(at, seen, case, contacts, reasons, closers, heading, bool(cut)))
        return found

    @cached_property
    def elsewhere(self) -> list[str]:
        """Those who match and are not on the page, in addresses: chosen too where all are."""
        here = {row.seen.learner for row in self.rows}
        some = self.listing.field.learners[self.listing.chosen[:MOST_AT_ONCE]]
        return [slug(learner) for learner in some if learner not in here]

    @property
    def picked(self) -> int:
        """How many are chosen by what is asked for."""
        return len(self.rows) + (len(self.elsewhere) if self.ask.select == "all" else 0)

    @property
    def grouped(self) -> bool:
        """Whether rows stand under the headings of the lists, with the line where capacity ends."""
        return self.ask.tab == "week" and self.ask.sort == "order"

    def _is_cut(self, at: int, before: tuple[int, int] | None) -> bool:
        order, left = int(self.listing.places.order[at]), self.listing.left
        earlier = before[1] if before is not None else 0 if self.listing.pages.number == 1 else order - 1
        return earlier <= left < order

    def _row(
        self,
        at: int,
        seen: "Seen",
        case: Case | None,
        contacts: Mapping[str, Contact],
        reasons: Mapping[str, str],
        closers: Mapping[str, str],
        heading: int | None,
        cut: bool,
    ) -> Row:
        field, contact = self.listing.field, contacts.get(seen.learner)
        away = field.absent[at]
        own = case is not None and (case.task.raised or case.first == CALLED or not field.reason[at])
        status, until = self._status(case, contact, closers)
        return Row(
            at=at,
            order=int(self.listing.places.order[at]),
            seen=seen,
            slug=slug(seen.learner),
            chance=self.chance(at),
            since=self.since(at),
            new=bool(self.listing.new[at]),
            reason=reasons.get(case.task.id, "") if case is not None and own else str(field.reason[at]),
            seen_on=self.listing.seen_on(at),
            away=int(away) if np.isfinite(away) else None,
            contact=contact,
            status=status,
            until=until,
            heading=heading,
            cut=cut,
        )

    @property
    def words(self) -> "Words":
        """The reader's words."""
        return self.visit.words

    def chance(self, at: int) -> str:
        """A chance in tenths with its range, or that it is not known."""
        field, _ = self.listing.field, self.words.gettext
        if np.isfinite(field.risk[at]):
            return tenths(float(field.risk[at]), float(field.low[at]), float(field.high[at]))
        return _("Too early to say") if field.status[at] == TOO_EARLY else _("Not scored")

    def since(self, at: int) -> str:
        """What changed since the week before, in whole tenths."""
        now, then, _ = self.listing.field.risk[at], self.listing.earlier[0][at], self.words.gettext
        if self.listing.before is None or not np.isfinite(now):
            return ""
        if not np.isfinite(then):
            return _("first estimate")
        moved = _tenth(now) - _tenth(then)
        if moved == 0:
            return _("about the same")
        told = _("▲ up from %(n)s in 10") if moved > 0 else _("▽ down from %(n)s in 10")
        return told % {"n": _tenth(then)}

    def _status(
        self, case: Case | None, contact: Contact | None, closers: Mapping[str, str]
    ) -> tuple[str, datetime | date | None]:
        """What was done, and the day that goes with it."""
        _ = self.words.gettext
        if case is None or (case.tab == "closed" and self.ask.tab != "closed"):
            return _("Not contacted"), None
        task = case.task
        if case.tab == "closed":
            by = self.people.get(closers.get(task.id, ""), _("a colleague"))
            return f"{self.code(task.closing_code or '')} ({by})", None
        if case.tab == "snoozed":
            return _("Snoozed until"), task.snoozed_until
        if case.tab == "waiting" and contact is not None:
            follow = contact.follow_up_on
            outcome = self.outcome(contact.outcome)
            return (
                (outcome, None) if follow is None else (_("%(outcome)s, follow up on") % {"outcome": outcome}, follow)
            )
        return self._open_status(case), None

    def _open_status(self, case: Case) -> str:
        _, task = self.words.gettext, case.task
        if case.first == CALLED:
            return _("Asked for help")
        if task.assignee:
            mine = task.assignee == self.visit.app.actor
            return _("Assigned to you") if mine else _("With %(name)s") % {"name": self.who(task.assignee)}
        if task.raised:
            mine = task.raised == self.visit.app.actor
            return _("Added by you") if mine else _("Added by %(name)s") % {"name": self.who(task.raised)}
        return _("Not contacted")

    def raised_by(self, row: Row) -> str:
        """Who put a learner on the list by hand, if it was somebody else; empty otherwise."""
        case = self.listing.standing.cases.get(row.seen.learner)
        raised = "" if case is None else case.task.raised
        return self.who(raised) if raised and raised != self.visit.app.actor else ""

    def who(self, actor: str) -> str:
        """How somebody who acts is shown."""
        return self.people.get(actor, actor)

    @cached_property
    def people(self) -> dict[str, str]:
        """How everybody with an account is shown."""
        return staff(self.listing.accounts)

    @cached_property
    def assignees(self) -> dict[str, str]:
        """To whom learners here can be assigned."""
        return assignable(self.listing.accounts, self.listing.run.id, self.visit.scope.groups(self.listing.run.id))

    def code(self, code: str) -> str:
        """A closing code in words."""
        return self.codes.get(code, code)

    @property
    def codes(self) -> dict[str, str]:
        """The closing codes in words."""
        _ = self.words.gettext
        return {
            "helped": _("Helped"),
            "not_needed": _("Not needed"),
            "wrongly_flagged": _("Wrongly flagged"),
            "no_answer": _("No answer"),
        }

    def outcome(self, outcome: str) -> str:
        """What came of a contact, in words."""
        _ = self.words.gettext
        told = {
            "reached": _("Reached"),
            "replied": _("Replied"),
            "meeting": _("Meeting booked"),
            "no_answer": _("No answer yet"),
            "declined": _("Declined"),
        }
        return told.get(outcome, outcome)

    @property
    def statuses(self) -> dict[str, str]:
        """What can be asked for as status, on this tab."""
        _ = self.words.gettext
        hand = {"by-hand": _("Added by hand"), "raised-by-me": _("Added by you")}
        if self.ask.tab == "closed":
            return self.codes | hand
        own = {"mine": _("Assigned to you")}
        return ({"not-contacted": _("Not contacted")} if self.ask.tab == "week" else {}) | own | hand

    def list_name(self, code: int) -> str:
        """The name of a list, as a heading."""
        _ = self.words.gettext
        return _("No estimate yet") if code == NO_LIST else _(LISTS[code])

    def shape(self, code: int) -> str:
        """The sign of a list."""
        return "○" if code == NO_LIST else SHAPES[LISTS[code]]

    @cached_property
    def past(self) -> "PastList | None":
        """How such lists did before; None where it is not known.

        Raises:
            Pending: the registry is still being asked.
        """
        board = self.listing.board
        if board is None:
            return None
        return past_of(self.visit.site, board, RATE_WAIT_S)

    @property
    def course_problem(self) -> bool:
        """Whether so many are past the cut of earlier runs that the course should be looked at first."""
        past = self.past
        return past is not None and past.cut is not None and self.listing.share_above(past.cut) > COURSE_PROBLEM_SHARE

    @property
    def label(self) -> str:
        """What is predicted."""
        board = self.listing.board
        return "" if board is None else str(board.score_run.facts["label"])

    @property
    def chance_name(self) -> str:
        """The head of the column."""
        told = label_words(self.label).chance if self.label else "chance"
        return self.words.gettext(told[0].upper() + told[1:])

    @property
    def happened(self) -> str:
        """What the learners did for whom the label came true."""
        return self.words.gettext(label_words(self.label).happened)

    @property
    def scored_at(self) -> datetime | None:
        """The as-of time of the list."""
        return None if self.listing.board is None else self.listing.board.score_run.as_of.instant

    def day(self, day: date) -> Markup:
        """A day as a `<time>` element; the same days stand in many rows."""
        if day not in self._days:
            self._days[day] = self.words.day(day)
        return self._days[day]

    @cached_property
    def _days(self) -> dict[date, Markup]:
        return {}

    def day_of(self, at: datetime) -> date:
        """The local day of an instant, in the course's zone."""
        return AsOf(at).day(self.listing.run.zone)


def past_of(site: "Site", board: "Board", wait_s: float) -> PastList | None:
    """How lists by the model of a board did before; Pending where that takes longer than is waited."""
    ref = board.score_run.model_version
    return site.worked_out(("past list", ref), wait_s, past_list, ref)


def _tenth(chance: float) -> int:
    return int(np.floor(10 * chance + 0.5))
