"""A caseload as one visitor may see it: everybody's place from arrays, from the store only what the rows shown need.

Nobody outside the visitor's scope is in any number or row of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from headway.advising.worklist import LISTED, NO_LIST, TABS, Case, Places, places
from headway.domain.errors import Pending
from headway.domain.time import AsOf, midnight
from headway.flow.caseload_facts import Standing, cases_of, enrolled, everybody, standing
from headway.governance.accounts import Account
from headway.web.board import SCORED, TOO_EARLY
from headway.web.caseload_ask import Ask
from headway.web.caseload_field import Field, Texts, field_of, fold, folded, names_on, with_more
from headway.web.fresh import Once
from headway.web.people import groups_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headway.governance.accounts import Account
    from headway.web.board import Board
    from headway.web.site import Site
    from headway.web.visit import Visit

WEEK: Final = timedelta(days=7)
ASKED_LATELY: Final = 16
"""So many answers are kept for those who see the same groups: who pages through a list asks for the same."""

ABOUT_A_WEEK: Final = timedelta(days=9)
MOST_OPTIONS: Final = 200
LATE: Final = timedelta(days=8)
"""A list older than this, in a running course, says so."""


@dataclass(frozen=True, slots=True)
class Pages:
    """Which page of how many, for the pager."""

    number: int
    last: int
    first_row: int
    last_row: int
    total: int
    ask: Ask

    def to(self, number: int) -> str:
        """The address of another page."""
        return self.ask.to(page=number)


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Where everybody stands for those who see the same groups and have the same capacity; made once for all of them.

    Attributes:
        field: everybody.
        scoped: whom the visitor may see.
        mine: whom the list may name: those in scope but for those who asked not to be contacted, or were taken off.
        off: how many in scope the list does not name.
        places: everybody's place.
        ranked: this week's list, in its order.
        counts: how many stand on each tab (rows) and list (columns; the last for those without a prediction).
        earlier: everybody's chance a week before (NaN where there was none) and list then (-1 where on none).
        new: who is on the first two lists now and was on neither a week before.
        too_early: whether nobody in scope can be predicted yet.
        once: who is asked for, by what is asked for.
    """

    field: Field
    scoped: "NDArray[np.bool_]"
    mine: "NDArray[np.bool_]"
    off: int
    places: Places
    ranked: "NDArray[np.int64]"
    counts: "NDArray[np.int64]"
    earlier: "tuple[NDArray[np.float64], NDArray[np.int8]]"
    new: "NDArray[np.bool_]"
    too_early: bool
    once: "Once[NDArray[np.int64]]"


class Listing:
    """One caseload, for one visitor and what they ask for.

    Args:
        visit: who asks, about which run.
        ask: what they ask for.
    """

    def __init__(self, visit: "Visit", ask: Ask) -> None:
        self.visit, self.ask = visit, ask
        self.run = visit.run
        self.board = visit.board
        self.capacity = visit.capacity()

    @property
    def standing(self) -> Standing:
        """What people did so far."""
        return self._standing[1]

    @cached_property
    def _standing(self) -> tuple[object, Standing]:
        app, run, once = self.visit.site.app, self.run.id, self.visit.site.once
        return standing(app, run, lambda mark: once.get(("cases", run), mark, lambda: cases_of(app, run)))

    @cached_property
    def accounts(self) -> "list[Account]":
        """All accounts, at most a minute old."""
        minute = self.visit.now.replace(second=0, microsecond=0)
        found: list[Account] = self.visit.site.once.get(("accounts",), minute, lambda: everybody(self.visit.site.app))
        return found

    @cached_property
    def before(self) -> "Board | None":
        """The board of a week before; None where the run was not scored then."""
        return None if self.board is None else self.visit.site.week_before(self.run, self.board)

    @property
    def before_on(self) -> date | None:
        """The day of that board where it is not about a week before; None where it is, or there is none."""
        if self.board is None or self.before is None:
            return None
        then, now = self.before.score_run.as_of, self.board.score_run.as_of
        return then.day(self.run.zone) if now.instant - then.instant > ABOUT_A_WEEK else None

    @property
    def visits_known(self) -> bool:
        """Whether anything is known of visits: without any, it is said of nobody that they never came."""
        return self.board is not None and bool(np.isfinite(self.board.absent_days).any())

    @cached_property
    def _layout(self) -> Layout:
        key = ("layout", self.run.id, self.visit.scope.groups(self.run.id), self.capacity)
        board, before = self.board, self.before
        mark = (board, before, self._standing[0], self.standing.off)
        where = self.visit.site.once if board is None else board.once
        found: Layout = where.get(key, mark, self._laid_out)
        return found

    def _laid_out(self) -> Layout:
        everyone = self._field()
        groups = self.visit.scope.groups(self.run.id)
        size = 0 if self.board is None else len(self.board)
        scoped = np.ones(len(everyone.learners), dtype=bool)
        if groups is not None:
            scoped[size:] = [group in groups for group in everyone.group[size:]]
        lists, mine = np.full(len(everyone.learners), -1, dtype=np.int8), scoped.copy()
        if self.board is not None:
            scoped[:size] = mine[:size] = self.board.of_groups(groups)
        mine[size:] = scoped[size:]
        off = [everyone.place[each] for each in self.standing.off if each in everyone.place]
        mine[off] = False
        if self.board is not None:
            lists[:size] = self.board.lists(mine[:size], self.capacity)
        found = places(everyone.place, mine, lists, everyone.absent, self.standing.cases)
        earlier = self._earlier(len(everyone.learners), groups)
        new = np.zeros(len(everyone.learners), dtype=bool)
        if self.before is not None:
            new = (found.list < 2) & ((earlier[1] < 0) | (earlier[1] > 1)) & (found.first == LISTED)
        ranked = np.argsort(found.order, kind="stable")[int((found.order == 0).sum()) :]
        shown = found.tab >= 0
        cells = found.tab[shown].astype(np.int64) * (NO_LIST + 1) + found.list[shown]
        counts = np.bincount(cells, minlength=len(TABS) * (NO_LIST + 1)).reshape(len(TABS), NO_LIST + 1)
        too_early = False
        if self.board is not None:
            here = self.board.status[scoped[:size]]
            too_early = len(here) > 0 and bool((here == TOO_EARLY).all())
        return Layout(
            everyone,
            scoped,
            mine,
            int(scoped[off].sum()),
            found,
            ranked,
            counts,
            earlier,
            new,
            too_early,
            Once(ASKED_LATELY),
        )

    def _field(self) -> Field:
        board = self.board
        known = {} if board is None else board.place
        extra = sorted(learner for learner in self.standing.cases if learner not in known)
        if board is not None and not extra:
            return field_of(board)
        return with_more(board, extra, self._groups(extra))

    def _groups(self, learners: Sequence[str]) -> list[str]:
        with self.visit.site.app.store.read() as connection:
            known = groups_of(connection, self.run.id, learners)
        return [known.get(learner, "") for learner in learners]

    @property
    def field(self) -> Field:
        """Everybody."""
        return self._layout.field

    @property
    def scoped(self) -> "NDArray[np.bool_]":
        """Whom the visitor may see."""
        return self._layout.scoped

    @property
    def mine(self) -> "NDArray[np.bool_]":
        """Whom the list may name: those in scope but for those who asked not to be contacted, or were taken off."""
        return self._layout.mine

    @property
    def off(self) -> int:
        """How many in scope the list does not name."""
        return self._layout.off

    @property
    def places(self) -> Places:
        """Everybody's place."""
        return self._layout.places

    @property
    def earlier(self) -> "tuple[NDArray[np.float64], NDArray[np.int8]]":
        """Everybody's chance a week before (NaN where there was none) and list then (-1 where on none)."""
        return self._layout.earlier

    @property
    def new(self) -> "NDArray[np.bool_]":
        """Who is on the first two lists now and was on neither a week before."""
        return self._layout.new

    def _earlier(self, size: int, groups: frozenset[str] | None) -> "tuple[NDArray[np.float64], NDArray[np.int8]]":
        risk, lists = np.full(size, np.nan), np.full(size, -1, dtype=np.int8)
        if self.board is None or self.before is None:
            return risk, lists
        here, there = self._matched(self.board, self.before)
        risk[here], lists[here] = self.before.risk[there], self.before.lists_of(groups, self.capacity)[there]
        return risk, lists

    def _matched(self, now: "Board", then: "Board") -> "tuple[NDArray[np.int64], NDArray[np.int64]]":
        """The places of the same learners in two boards."""

        def make() -> "tuple[NDArray[np.int64], NDArray[np.int64]]":
            there = np.array([then.place.get(learner, -1) for learner in now.learners], dtype=np.int64)
            here = np.flatnonzero(there >= 0)
            return here, there[here]

        found: tuple[NDArray[np.int64], NDArray[np.int64]] = now.once.get(("matched",), then, make)
        return found

    @cached_property
    def names(self) -> Texts:
        """What is searched and sorted by: name and number, else the pseudonym."""
        people = self.visit.site.people() if self.visit.scope.named else {}
        if self.board is None:
            return Texts.of([folded(people.get(each), each) for each in self.field.learners])
        return names_on(self.board, people, tuple(self.field.learners[len(self.board) :]))

    @cached_property
    def reasons(self) -> Texts:
        """The main reasons, to be searched."""
        if self.board is None:
            return Texts.of(["" for _ in self.field.learners])
        board, more = self.board, len(self.field.learners) - len(self.board)

        def make() -> Texts:
            return Texts.of([*(fold(str(each)) for each in board.reason), *[""] * more])

        found: Texts = board.once.get(("reasons", more), None, make)
        return found

    def counts(self) -> dict[str, int]:
        """How many each tab has."""
        found = self._layout.counts.sum(axis=1)
        return {tab: len(self._closed) if tab == "closed" else int(found[at]) for at, tab in enumerate(TABS)}

    @cached_property
    def _closed(self) -> "NDArray[np.int64]":
        """Everybody in scope whose task was closed, whether or not they are on the list again."""
        cases, place = self.standing.cases, self.field.place
        found = [place[name] for name, case in cases.items() if case.tab == "closed" and name in place]
        chosen = np.array(sorted(found), dtype=np.int64)
        return chosen[self.scoped[chosen]]

    def list_counts(self) -> "NDArray[np.int64]":
        """How many each list of the tab has, without any filter."""
        counts: NDArray[np.int64] = self._layout.counts[TABS.index(self.ask.tab)]
        return counts

    @cached_property
    def chosen(self) -> "NDArray[np.int64]":
        """Who is asked for, in the order asked for; that others asked for the same makes it quick."""
        ask, once = self.ask, self._layout.once
        if ask.tab != "week" or ask.status or ask.sort == "contact":
            return self._chosen()
        key = (self.visit.scope.named, ask.group, ask.lists, ask.new, ask.q, ask.reason, ask.sort, ask.down)
        found: NDArray[np.int64] = once.get(key, self.names if ask.q or ask.sort == "name" else None, self._chosen)
        return found

    def _chosen(self) -> "NDArray[np.int64]":
        ask = self.ask
        found = self._in_usual_order()
        if ask.group:
            found = found[self.field.group[found] == ask.group]
        if ask.lists:
            found = found[np.isin(self.places.list[found], ask.lists)]
        if ask.new:
            found = found[self.new[found]]
        if ask.status:
            found = self._of_status(found, ask.status)
        if ask.q:
            found = found[self.names.has(fold(ask.q), found)]
        if ask.reason:
            found = found[self.reasons.has(fold(ask.reason), found)]
        return found if ask.sort == "order" or len(found) == 0 else self._sorted(found)

    def _in_usual_order(self) -> "NDArray[np.int64]":
        """Everybody of the tab: this week's list in its order, the others by what changed last, or wakes up first."""
        if self.ask.tab == "week":
            return self._layout.ranked
        some = self._closed if self.ask.tab == "closed" else np.flatnonzero(self.places.tab == TABS.index(self.ask.tab))
        ordered: NDArray[np.int64] = some[np.argsort(self._usual(some), kind="stable")]
        return ordered

    def _of_status(self, found: "NDArray[np.int64]", status: str) -> "NDArray[np.int64]":
        """Those of some with a status. Only whoever has a task is asked about; all others were not contacted."""
        actor, place = self.visit.app.actor, self.field.place
        fits = np.full(len(self.mine), status == "not-contacted")
        for learner, case in self.standing.cases.items():
            if learner in place:
                fits[place[learner]] = _fits(case, status, actor)
        kept: NDArray[np.int64] = found[fits[found]]
        return kept

    def _cases_of(self, found: "NDArray[np.int64]") -> "list[Case | None]":
        cases = self.standing.cases
        return [cases.get(learner) for learner in self.field.learners[found]]

    def _sorted(self, found: "NDArray[np.int64]") -> "NDArray[np.int64]":
        """Some, who come in the usual order, by what is asked for; within the same, that order stays."""
        ask, field = self.ask, self.field
        if ask.sort == "name":
            ranks = self.names.ranks[found]
        elif ask.sort == "contact":
            ranks = self._last_contacts(found)
        else:
            keys = {"chance": field.risk, "since": field.risk - self.earlier[0], "seen": field.absent}
            ranks = keys[ask.sort][found]
        ranks = -ranks if ask.down else ranks
        # Those of whom nothing is known stand last, whichever way it is sorted.
        ordered: NDArray[np.int64] = found[np.argsort(np.nan_to_num(ranks, nan=np.inf), kind="stable")]
        return ordered

    def _usual(self, found: "NDArray[np.int64]") -> "NDArray[np.float64]":
        """By what the other tabs are ordered: what changed last, or wakes up first."""
        told = []
        for case in self._cases_of(found):
            assert case is not None  # only those with a task are on the other tabs
            at = case.task.snoozed_until if self.ask.tab == "snoozed" else case.task.changed_at
            told.append((1 if self.ask.tab == "snoozed" else -1) * (at or self.visit.now).timestamp())
        return np.array(told, dtype=np.float64)

    def _last_contacts(self, found: "NDArray[np.int64]") -> "NDArray[np.float64]":
        from headway.advising.task_queries import last_contacts

        with self.visit.site.app.store.read() as connection:
            known = last_contacts(connection, self.run.id)
        told = [known.get(learner) for learner in self.field.learners[found]]
        return np.array([np.nan if at is None else at.timestamp() for at in told], dtype=np.float64)

    @cached_property
    def pages(self) -> Pages:
        """Which page is shown: behind the last one, the last."""
        total, size = len(self.chosen), self.ask.size
        last = max(1, -(-total // size))
        number = min(self.ask.page, last)
        first = (number - 1) * size
        return Pages(number, last, min(first + 1, total), min(first + size, total), total, self.ask)

    @property
    def shown(self) -> "NDArray[np.int64]":
        """Who is on the page."""
        pages = self.pages
        return self.chosen[max(0, pages.first_row - 1) : pages.last_row]

    def sized(self, size: int) -> str:
        """The address of the same list with pages of another size, on which the first row of this one is."""
        return self.ask.to(size=size, page=max(0, self.pages.first_row - 1) // size + 1)

    @property
    def week_began(self) -> datetime:
        """When the course week began; a week ago, outside the course."""
        today = AsOf(self.visit.now).day(self.run.zone)
        days = (today - self.run.starts_on).days
        if not self.run.starts_on <= today <= self.run.ends_on + WEEK:
            return self.visit.now - WEEK
        return midnight(today - timedelta(days=days % 7), self.run.zone)

    @cached_property
    def done(self) -> int:
        """How many learners the visitor has contacted in this course week."""
        from headway.flow.caseload_facts import contacts_done

        return contacts_done(self.visit.site.app, self.visit.app.actor, self.week_began)

    @cached_property
    def left(self) -> int:
        """How many contacts the visitor has left this week."""
        return max(0, self.capacity - self.done)

    @property
    def too_early(self) -> bool:
        """Whether nobody in scope can be predicted yet."""
        return self._layout.too_early

    @property
    def groups(self) -> list[str]:
        """The groups in scope."""
        mine = self.visit.scope.groups(self.run.id)
        if mine is not None or self.board is None:
            return sorted(mine or ())
        return list(self.board.groups)

    @property
    def many_groups(self) -> bool:
        """Whether there are too many groups to choose from; one is typed then."""
        return len(self.groups) > MOST_OPTIONS

    @property
    def is_old(self) -> bool:
        """Whether the list is of more than a week ago, in a course that goes on."""
        if self.board is None:
            return False
        today = AsOf(self.visit.now).day(self.run.zone)
        running = self.run.starts_on <= today <= self.run.ends_on
        return running and self.visit.now - self.board.score_run.as_of.instant > LATE

    def not_scored(self) -> int:
        """How many in scope are enrolled and have no score; 0 while that is being looked up."""
        if self.board is None or self.visit.scope.groups(self.run.id) is not None:
            return 0
        try:
            known = enrolled_in(self.visit.site, self.run.id, self.visit.as_of, 0.0)
        except Pending:
            return 0
        place = self.board.place
        missing: int = self.board.once.get(
            ("not scored",), known, lambda: sum(1 for learner in known if learner not in place)
        )
        return missing

    def share_above(self, cut: float) -> float:
        """The share of the run's scored learners whose chance is at or above that at which capacity ended before."""
        if self.board is None:
            return 0.0
        scored = self.board.risk[self.board.status == SCORED]
        return float((scored >= cut).mean()) if len(scored) else 0.0

    def seen_on(self, at: int) -> date | None:
        """The local day of somebody's last visit; None where there was none."""
        if self.board is None or not np.isfinite(self.field.absent[at]):
            return None
        return self.board.score_run.as_of.day(self.run.zone) - timedelta(days=int(self.field.absent[at]))


def enrolled_in(site: "Site", run: str, as_of: AsOf, wait_s: float) -> frozenset[str]:
    """Who is enrolled in a run, minutes old at most; Pending where that takes longer than is waited."""
    return site.worked_out(("enrolled", run), wait_s, enrolled, run, as_of)


def _fits(case: Case, status: str, actor: str) -> bool:
    task = case.task
    known = {
        "not-contacted": case.tab in ("week", "closed"),  # closed ones are on the list only once they are back
        "mine": task.assignee == actor,
        "by-hand": bool(task.raised),
        "raised-by-me": task.raised == actor,
    }
    return known.get(status, task.closing_code == status)
