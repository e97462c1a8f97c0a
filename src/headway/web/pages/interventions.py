"""Interventions: what can be done, what was done, what came of it, and how much it is for each person."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from starlette.responses import Response

from headway.advising.catalogue import MINUTES, catalogue
from headway.domain.errors import HeadwayError
from headway.flow import interventions as flow
from headway.governance import accounts, approvals
from headway.governance.approvals import PROPOSAL, Approval
from headway.governance.scopes import Role
from headway.web.page import Nav, act, page
from headway.web.segment_view import FEWEST, told
from headway.web.visit import Visit

WHO: Final[frozenset[Role]] = frozenset({"adviser", "tutor", "instructor", "data_scientist", "governance"})
SEES_LEARNERS: Final[frozenset[Role]] = frozenset({"adviser", "tutor", "data_scientist"})
SIZE: Final = 50
WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class PageOf:
    """Which page of the log is shown.

    Attributes:
        number: from 1.
        last: how many there are.
        total: of contacts.
        visit: whose links are made.
    """

    number: int
    last: int
    total: int
    visit: Visit

    @property
    def first_row(self) -> int:
        """The number of the first contact on it."""
        return min(self.total, (self.number - 1) * SIZE + 1)

    @property
    def last_row(self) -> int:
        """The number of the last."""
        return min(self.total, self.number * SIZE)

    def to(self, number: int) -> str:
        """The address of another page."""
        return self.visit.link("/interventions", page=number if number > 1 else "") + "#log"


@page("/interventions", WHO, nav=Nav("Interventions", 50), about="What did we do, did it help, and for whom?")
def interventions(visit: Visit) -> Response:
    """What was done and what came of it, the catalogue, and proposals."""
    return _shown(visit)


@act("/interventions/proposals", {"instructor"}, about="proposes an intervention, for governance to decide")
def propose(visit: Visit) -> Response:
    """Asks for a decision on an intervention."""
    try:
        flow.propose(visit.app, visit.run.id, visit.field("what"), visit.field("why"))
    except HeadwayError as wrong:
        if wrong.http_status not in (400, 409):
            raise
        field = (
            "why" if 3 <= len(visit.field("what")) <= flow.PROPOSAL_CHARACTERS and wrong.http_status == 400 else "what"
        )
        return _shown(visit, errors={field: str(wrong)}, status=wrong.http_status)
    told_ = visit.words.gettext("Proposed. Governance decides; the answer shows here.")
    return visit.redirect(visit.link("/interventions") + "#proposals", told_)


def _shown(visit: Visit, *, errors: dict[str, str] | None = None, status: int = 200) -> Response:
    groups = visit.scope.groups(visit.run.id)
    asked = visit.query.get("page", "1")
    entries, total = flow.log(visit.app, visit.run.id, groups, page=int(asked) if asked.isdecimal() else 1, size=SIZE)
    last = max(1, -(-total // SIZE))
    number = min(max(1, int(asked) if asked.isdecimal() else 1), last)
    everyone = visit.role in SEES_LEARNERS
    people = (
        {seen.learner: seen for seen in visit.shown(sorted({each.learner for each in entries}))} if everyone else {}
    )
    tally = flow.tally(visit.app, visit.run.id, groups)
    named, capacity = _staff(visit)
    context: dict[str, Any] = {
        "entries": entries if visit.scope.named or total >= FEWEST else [],
        "total": total,
        "pages": PageOf(number, last, total, visit),
        "people": people,
        "tally": tally,
        "told": lambda many: told(visit, many),
        "share": lambda part, whole: part / whole if whole and (visit.scope.named or whole >= FEWEST) else None,
        "loads": flow.loads(visit.app, visit.run.id, groups, visit.now - WEEK),
        "staff": named,
        "capacity": capacity,
        "catalogue": catalogue(),
        "minutes": MINUTES,
        "proposals": _proposals(visit),
        "may_propose": visit.role == "instructor",
        "may_do": visit.role in ("adviser", "tutor"),
        "given": {"what": visit.field("what") or _from_segment(visit), "why": visit.field("why")},
        "errors": errors or {},
    }
    return visit.render("interventions.html", status, **context)


def _staff(visit: Visit) -> tuple[Any, Any]:
    """How those who acted are called, and how many contacts a week each can make: two functions of the actor."""
    with visit.app.store.read() as connection:
        every = {f"account {account.id}": account for account in accounts.every(connection)}
    usual = visit.site.app.settings.advising.capacity
    numbers: dict[str, int] = {}

    def named(actor: str) -> str:
        if not visit.scope.named:
            return visit.words.gettext("Person %(n)s") % {"n": numbers.setdefault(actor, len(numbers) + 1)}
        return every[actor].shown_as if actor in every else actor

    def capacity(actor: str) -> int:
        chosen = every[actor].settings.get("capacity") if actor in every else None
        return chosen if isinstance(chosen, int) else usual

    return named, capacity


def _proposals(visit: Visit) -> list[tuple[str, Approval]]:
    """What was proposed for the run, the newest first, each with its words."""
    begin = f"{visit.run.id}: "
    with visit.app.store.read() as connection:
        found = approvals.newest_of_kind(connection, PROPOSAL)
    own = [(subject.removeprefix(begin), each) for subject, each in found.items() if subject.startswith(begin)]
    return sorted(own, key=lambda pair: pair[1].asked_at, reverse=True)


def _from_segment(visit: Visit) -> str:
    segment = visit.query.get("segment", "")[:80]
    return visit.words.gettext("For the segment “%(name)s”: ") % {"name": segment} if segment else ""
