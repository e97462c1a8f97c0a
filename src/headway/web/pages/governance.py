"""Governance: who did what, on which ground, and what waits for a decision."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from starlette.responses import Response

from headway.domain.errors import HeadwayError, InputError, NotPermitted, Pending, UnknownName
from headway.domain.time import zone_of
from headway.flow import audit_trail, governance_page
from headway.flow.audit_trail import AuditFilter, Chain
from headway.flow.records import hashed
from headway.governance import approvals, challenges
from headway.governance.approvals import Approval
from headway.governance.scopes import Role
from headway.web.actors import actors
from headway.web.address import address, slug
from headway.web.page import Nav, act, page
from headway.web.visit import Visit, short

TABS: Final = ("waiting", "audit", "consent", "erasure", "retention", "processing", "access")
READ: Final[frozenset[Role]] = frozenset({"governance", "data_scientist"})
WAIT_S: Final = 0.3
WRONG_FORM: Final = 422
"""The status of a page that shows a form again with what is wrong in it."""

FIELDS: Final = ("approval", "reason", "challenge", "outcome", "answer", "purpose", "learner", "found")
"""What is kept of a form that could not be taken."""

_CHAIN: Final = ("audit chain",)

ACTIONS: Final = ("view", "refuse", "sign in", "export", "challenge", "answer challenge", "approve", "train", "erase")
"""What is often looked for; any other may be typed."""


@page("/governance", READ, nav=Nav("Governance", 70), about="Who did what, and what waits for my decision?")
def governance(visit: Visit) -> Response:
    """One tab of the governance pages; for a data scientist, to read."""
    tab = visit.query.get("tab") or "waiting"
    if tab not in TABS:
        raise UnknownName("There is no such part of the governance page.")
    if tab == "audit" and visit.query.get("learner"):
        return visit.redirect(_audit_address(visit))
    return _shown(visit, tab)


@act("/governance/approvals", {"governance"}, about="approves or refuses what somebody asked for")
def decide(visit: Visit) -> Response:
    """Approves or refuses, with the reason that was typed."""
    approval, yes = visit.field("approval"), visit.field("decision") == "approve"
    try:
        with visit.app.store.begin() as connection:
            _check_not_erasure(approvals.get(connection, approval), yes=yes)
            approvals.decide(
                connection, visit.now, visit.app.actor, approval, approve=yes, reason=visit.field("reason")
            )
    except InputError as wrong:
        return _shown(visit, "waiting", wrong, errors={f"reason-{approval}": str(wrong)})
    return visit.redirect(_to(visit), visit.words.gettext("Approved." if yes else "Refused."))


@act("/governance/challenges", {"governance"}, about="answers a challenged prediction")
def answer(visit: Visit) -> Response:
    """Answers a challenge; whoever raised it reads the answer."""
    which = visit.field("challenge")
    try:
        outcome = _chosen_outcome(visit)
        with visit.app.store.begin() as connection:
            challenges.answer(
                connection,
                visit.now,
                visit.scope,
                which,
                outcome,
                visit.field("answer"),
                visit.app.actor,
            )
    except InputError as wrong:
        return _shown(visit, "waiting", wrong, errors={f"answer-{which}": str(wrong)})
    return visit.redirect(
        _to(visit),
        visit.words.gettext(
            "Answered. Whoever raised it is told at the top of their page, and advisers in their digest."
        ),
    )


@act("/governance/audit/export", {"governance"}, about="gives entries of the audit as a signed file, for a purpose")
def export(visit: Visit) -> Response:
    """The filtered entries as signed JSON lines; the export is audited with its purpose."""
    wanted = _wanted(visit, {key: visit.field(key) for key in ("actor", "action", "subject", "since", "until")})
    try:
        content = audit_trail.audit_export(visit.app, wanted, visit.field("purpose"))
    except InputError as wrong:
        return _shown(visit, "audit", wrong, errors={"purpose": str(wrong)})
    name = f"headway-audit-{visit.now:%Y-%m-%d}.jsonl"
    told = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type="application/jsonl", headers=told)


@act("/governance/audit/accept", {"governance"}, about="accepts a break of the audit chain, so that work goes on")
def accept(visit: Visit) -> Response:
    """Accepts the break that was found, with what was found out about it."""
    entry = visit.field("entry")
    if not entry.isdecimal():
        raise InputError("Say which entry. Open the page again.")
    try:
        found = audit_trail.accept_break(visit.app, int(entry), visit.field("found"))
    except InputError as wrong:
        return _shown(visit, "audit", wrong, errors={"found": str(wrong)})
    visit.site.slow.drop(_CHAIN)
    if found.broken is not None:
        return visit.redirect(
            _to(visit, tab="audit"), visit.words.gettext("Accepted. The chain is broken further on too.")
        )
    return visit.redirect(_to(visit, tab="audit"), visit.words.gettext("Accepted. The chain holds from here on."))


@act(
    "/governance/consent", {"governance"}, about="looks up whether one learner may be contacted; audited with a reason"
)
def consent(visit: Visit) -> Response:
    """Whether one learner asked not to be contacted; why it is looked up is kept."""
    try:
        learner = _typed(visit, visit.field("learner"))
        found = governance_page.consent_of(visit.app, learner, visit.field("reason"))
    except InputError as wrong:
        name = "learner" if not visit.field("learner") else "reason"
        return _shown(visit, "consent", wrong, errors={name: str(wrong)})
    return _shown(visit, "consent", looked_up=(learner, found))


@act("/governance/erasure/preview", {"governance"}, about="shows what erasing a learner would remove; changes nothing")
def preview_erasure(visit: Visit) -> Response:
    """What erasing a learner would remove."""
    try:
        learner = _typed(visit, visit.field("learner"))
        scope = governance_page.erasure_scope(visit.app, learner)
    except (InputError, UnknownName) as wrong:
        return _shown(visit, "erasure", wrong, errors={"learner": str(wrong)})
    return _shown(visit, "erasure", preview=(learner, scope))


@act("/governance/erasure/ask", {"governance"}, about="asks that a learner be erased; a second person confirms")
def ask_erasure(visit: Visit) -> Response:
    """Asks for an erasure; nothing goes before somebody else confirms it."""
    try:
        learner = _typed(visit, visit.field("learner"))
        governance_page.ask_erasure(visit.app, learner, visit.field("reason"))
    except (InputError, UnknownName) as wrong:
        return _shown(visit, "erasure", wrong, errors={"learner": str(wrong)})
    told = visit.words.gettext("Asked. A second person confirms by typing the id; nothing is erased before.")
    return visit.redirect(_to(visit, tab="erasure"), told)


@act("/governance/erasure/confirm", {"governance"}, about="erases a learner, as the second of two persons")
def confirm_erasure(visit: Visit) -> Response:
    """Erases a learner whom somebody else asked to erase."""
    approval = visit.field("approval")
    try:
        learner = _typed(visit, visit.field("learner"))
        _, rows = governance_page.confirm_erasure(visit.app, approval, learner)
    except InputError as wrong:
        return _shown(visit, "erasure", wrong, errors={f"confirm-{approval}": str(wrong)})
    visit.site.changed()
    told = visit.words.ngettext("Erased: %(num)s row.", "Erased: %(num)s rows.", rows) % {"num": rows}
    return visit.redirect(_to(visit, tab="erasure"), told)


def _shown(visit: Visit, tab: str, wrong: HeadwayError | None = None, **more: Any) -> Response:
    names = actors(visit)
    context: dict[str, Any] = {
        "tab": tab,
        "tabs": TABS,
        "may": visit.role == "governance",
        "names": names,
        "errors": {},
        "typed": {name: visit.field(name) for name in FIELDS},
        "to": lambda **query: _to(visit, **query),
        "chain": _chain(visit),
        "me": visit.app.actor,
    }
    status = 200 if wrong is None else WRONG_FORM
    return visit.render("governance.html", status, **context | _TABS[tab](visit) | more)


def _waiting(visit: Visit) -> dict[str, Any]:
    local = visit.now.astimezone(zone_of(visit.words.zone))
    month = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0).astimezone(visit.now.tzinfo)
    with visit.app.store.read() as connection:
        asked = approvals.waiting(connection)
        raised = challenges.waiting(connection, visit.scope)
        answered = challenges.answered(connection, visit.scope, 20)
        decided = approvals.decided(connection, most=20)
        count = approvals.decided_count(connection, month)
    count += sum(each.answered_at is not None and each.answered_at >= month for each in answered)
    return {
        "asked": asked,
        "raised": raised,
        "overdue": sum(each.is_overdue(local.date()) for each in raised),
        "today": local.date(),
        "decided": decided,
        "answered": answered,
        "count": count,
        "short": short,
        "learner_to": lambda each: visit.link(f"/learners/{slug(each.learner)}", run=slug(each.run)),
    }


def _audit(visit: Visit) -> dict[str, Any]:
    names = ("actor", "action", "subject", "since", "until")
    asked = {name: str(visit.query.get(name) or visit.field(name)) for name in names}
    before = visit.query.get("before", "")
    errors: dict[str, str] = {}
    try:
        wanted = _wanted(visit, asked)
    except InputError as wrong:
        wanted, errors = AuditFilter(), {"since": str(wrong)}
    entries, older = audit_trail.audit_entries(visit.app, wanted, int(before) if before.isdecimal() else None)
    return {
        "asked": asked,
        "entries": entries,
        "older": _to(visit, tab="audit", **asked, before=entries[-1].id) if older else "",
        "newest": _to(visit, tab="audit", **asked) if before else "",
        "actions": ACTIONS,
        "filtered": any(asked.values()),
    } | ({"errors": errors} if errors else {})


def _consent(visit: Visit) -> dict[str, Any]:
    every, themselves = governance_page.no_contact_counts(visit.app)
    with visit.app.store.read() as connection:
        objections = [each for each in approvals.waiting(connection) if each.kind == "objection"]
    return {"no_contact": every, "themselves": themselves, "objections": objections, "looked_up": None}


def _erasure(visit: Visit) -> dict[str, Any]:
    with visit.app.store.read() as connection:
        asked = approvals.waiting(connection, approvals.ERASURE)
        done = [each for each in approvals.decided(connection) if each.kind == approvals.ERASURE]
    return {"asked": asked, "done": done, "preview": None}


def _retention(visit: Visit) -> dict[str, Any]:
    return {"kept": governance_page.retention(visit.app)}


def _processing(visit: Visit) -> dict[str, Any]:
    settings = visit.app.settings
    return {
        "counts": governance_page.store_counts(visit.app),
        "sources": sorted({run.partition("/")[0] for run in visit.site.runs()}),
        "runs": len(visit.site.runs()),
        "lake_place": "elsewhere" if "://" in settings.lake.root else "home",
        "store_place": "elsewhere" if not settings.store.url.startswith("sqlite") else "home",
        "notices": settings.notifications,
        "oidc": settings.server.oidc,
    }


def _access(visit: Visit) -> dict[str, Any]:
    return {"people": governance_page.access(visit.app)}


_TABS: Final = {
    "waiting": _waiting,
    "audit": _audit,
    "consent": _consent,
    "erasure": _erasure,
    "retention": _retention,
    "processing": _processing,
    "access": _access,
}


def _check_not_erasure(asked: Approval, *, yes: bool) -> None:
    if yes and asked.kind == approvals.ERASURE:
        raise InputError("An erasure is confirmed by typing the learner's id, below Erasure.")


def _chosen_outcome(visit: Visit) -> str:
    outcome = visit.field("outcome")
    if not outcome:
        raise InputError("Choose what becomes of it.")
    return outcome


def _chain(visit: Visit) -> Chain | None:
    """How the audit chain stands, at most ten minutes old; None while it is being read."""
    try:
        found = visit.worked_out(_CHAIN, WAIT_S, audit_trail.chain)
    except Pending:
        return None
    return audit_trail.stopped_where_broken(visit.app, found)


def _wanted(visit: Visit, asked: Mapping[str, str]) -> AuditFilter:
    """The filter that was asked for; days are those of the visitor's zone, the last one included.

    Raises:
        InputError: a day is no date.
    """
    until = _instant(visit, asked["until"])
    return AuditFilter(
        actor=asked["actor"],
        action=asked["action"],
        subject=asked["subject"],
        since=_instant(visit, asked["since"]),
        until=None if until is None else until + timedelta(days=1),
    )


def _instant(visit: Visit, day: str) -> datetime | None:
    if not day:
        return None
    try:
        found = date.fromisoformat(day)
    except ValueError as wrong:
        raise InputError(f"{day!r} is no date. Write it as 2026-11-22.") from wrong
    return datetime.combine(found, time(), zone_of(visit.words.zone)).astimezone(visit.now.tzinfo)


def _audit_address(visit: Visit) -> str:
    """The address of the filtered audit, in which a learner is named by the hash alone."""
    kept = {name: visit.query.get(name, "") for name in ("actor", "action", "since", "until")}
    return _to(visit, tab="audit", **kept, subject=hashed(_typed(visit, visit.query.get("learner", ""))))


def _typed(visit: Visit, text: str) -> str:
    """The learner whom somebody typed: by id, or by the institution's number.

    Raises:
        InputError: nothing was typed.
        NotPermitted: the number is typed by a role that does not learn who somebody is.
    """
    said = text.strip()
    if not said:
        raise InputError("Type the learner's id or number.")
    if "/" in said or "~" in said:
        return said.replace("~", "/")
    people = visit.site.people()
    found = [learner for learner, person in people.items() if person.number and person.number == said]
    if found and not visit.scope.named:
        raise NotPermitted("You work with pseudonyms. Type the learner's id.")
    return found[0] if len(found) == 1 else said


def _to(visit: Visit, **query: object) -> str:
    if query.get("tab") == "waiting":
        query = {name: value for name, value in query.items() if name != "tab"}
    return visit.link("/governance", **query) if visit.runs else address("/governance", query)
