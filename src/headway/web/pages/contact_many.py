"""A message to several learners: written once, read as each receives it, confirmed by its number, taken back."""

from typing import Any, Final

from starlette.responses import Response

from headway.advising import messages
from headway.advising.messages import KINDS, Letter
from headway.domain.errors import InputError, NotPermitted, UnknownName
from headway.flow import contact as flow
from headway.governance.scopes import Role
from headway.notifications.outbox import Notice
from headway.web.address import named, slug
from headway.web.contact_view import Row, chosen, date_of, leaving, letter_of, outgoing, reply_to_of, rows, slug_of
from headway.web.page import act, page
from headway.web.segment_view import members_named
from headway.web.visit import Visit

WHO: Final[frozenset[Role]] = frozenset({"adviser", "tutor"})


@act("/contact/preview", WHO, about="shows a message to several learners as each receives it; changes nothing")
def preview(visit: Visit) -> Response:
    """The letter, who receives it, and what each reads."""
    learners, told = _asked(visit)
    return _written(visit, learners, told=told)


@act("/contact/send", WHO, about="writes a message to several learners, after their number is confirmed")
def send(visit: Visit) -> Response:
    """Asks for the number of messages; with it, puts them into the outbox."""
    learners, _ = _asked(visit)
    errors = _wrong_with(visit)
    if errors:
        return _written(visit, learners, errors=errors, status=400)
    everyone = rows(visit, letter_of(visit), learners, _left_out(visit))
    receiving = [row for row in everyone if not row.why_not]
    if not receiving:
        told = visit.words.gettext("Everybody is left out. Take at least one learner in.")
        return _written(visit, learners, errors={"subject": told}, status=400)
    try:
        for row in receiving:
            messages.checked(row.message)
        follow_up = date_of(visit.field("follow_up_on"))
    except InputError as wrong:
        return _written(visit, learners, errors={"subject": str(wrong)}, status=400)
    typed = visit.field("count")
    if typed != str(len(receiving)):
        wrong_count = {"count": visit.words.gettext("This is not the number of messages.")} if typed else {}
        return _confirmed(visit, learners, receiving, wrong_count)
    out = [outgoing(row.approach, row.message, reply_to_of(visit)) for row in receiving]
    sent = flow.send(visit.app, visit.run.id, out, follow_up_on=follow_up)
    return visit.redirect(visit.link(f"/contact/batches/{sent.batch}"))


@page("/contact/batches/{batch}", WHO, about="What became of a message to several?")
def batch(visit: Visit) -> Response:
    """The messages that were written together, and whether they can still be taken back."""
    notices = _own(visit)
    people = {seen.learner: seen for seen in visit.shown([notice.address for notice in notices])}
    waiting = [notice for notice in notices if _can_go_back(visit, notice)]
    return visit.render(
        "contact_batch.html",
        notices=sorted(notices, key=lambda notice: people[notice.address].name),
        people=people,
        leaving=lambda instant: leaving(visit, instant),
        waiting=waiting,
        soonest=min((notice.next_at for notice in waiting if notice.state == "pending"), default=None),
        drafts=sum(notice.state == "dead" for notice in notices),
        sent=sum(notice.state == "sent" for notice in notices),
        batch=named(visit.params["batch"]),
    )


@act("/contact/batches/{batch}/undo", WHO, about="takes back the messages of a batch that have not gone")
def undo(visit: Visit) -> Response:
    """Takes back what has not gone, with the contacts."""
    waiting = [notice.id for notice in _own(visit) if _can_go_back(visit, notice)]
    if not waiting:
        return visit.redirect(
            visit.link(f"/contact/batches/{named(visit.params['batch'])}"),
            visit.words.gettext("These messages are on their way and cannot be taken back any more."),
        )
    back = flow.take_back(visit.app, waiting)
    told = visit.words.ngettext("%(num)s message was taken back.", "%(num)s messages were taken back.", back)
    return visit.redirect(visit.link("/caseload"), told % {"num": back})


def _asked(visit: Visit) -> tuple[list[str], str]:
    """The learners whom the form names, by themselves or as a segment, and a sentence on how they were found."""
    given, told = visit.fields("learner"), ""
    segment = visit.field("segment")
    if segment and not given:
        found = members_named(visit, segment)
        most = min(flow.MOST_AT_ONCE, visit.capacity())
        given = found.learners[:most]
        if len(found.learners) > most:
            told = visit.words.gettext(
                "“%(name)s” has %(all)s learners. These are the first %(most)s in order: what you can do in a week."
            ) % {"name": found.name, "all": visit.words.number(len(found.learners)), "most": most}
    if len(given) > flow.MOST_AT_ONCE:
        raise InputError(f"A message goes to at most {flow.MOST_AT_ONCE} learners at once. Choose fewer.")
    return chosen(visit, given), told


def _left_out(visit: Visit) -> frozenset[str] | None:
    """Whom the writer leaves out: those not ticked any more; None where the form does not say yet."""
    if "subject" not in visit.form:
        return None
    ticked = {named(each) for each in visit.fields("to")}
    return frozenset(named(each) for each in visit.fields("learner")) - ticked


def _written(
    visit: Visit, learners: list[str], *, errors: dict[str, str] | None = None, told: str = "", status: int = 200
) -> Response:
    letter, wrong = letter_of(visit), dict(errors or {})
    try:
        found = rows(visit, letter, learners, _left_out(visit))
    except InputError as unfilled:
        wrong["subject"] = str(unfilled)
        status = 400
        found = rows(visit, Letter(), learners, _left_out(visit))
    receiving = [row for row in found if not row.why_not]
    kinds = [kind for kind in KINDS if any(row.approach.thing.kind == kind for row in found)]
    unfit = next((word for row in receiving for word in messages.unfit_words(_text(row))), "")
    return visit.render(
        "contact_many.html",
        status,
        **_letter_context(visit, letter),
        rows=found,
        receiving=receiving,
        kinds=kinds,
        counts={kind: sum(row.approach.thing.kind == kind for row in found) for kind in kinds},
        unfit=unfit,
        errors=wrong,
        told=told,
    )


def _confirmed(visit: Visit, learners: list[str], receiving: list[Row], errors: dict[str, str]) -> Response:
    letter = letter_of(visit)
    return visit.render(
        "contact_confirm.html",
        400 if errors else 200,
        **_letter_context(visit, letter),
        learners=learners,
        receiving=receiving,
        first=min(row.approach.leaves for row in receiving),
        leaving=lambda instant: leaving(visit, instant),
        errors=errors,
    )


def _letter_context(visit: Visit, letter: Letter) -> dict[str, Any]:
    server = visit.app.settings.notifications
    return {
        "letter": letter,
        "reply_to": reply_to_of(visit),
        "sender": server.email_from,
        "server": bool(server.smtp_host),
        "slug_of": slug_of,
        "follow_up_on": visit.field("follow_up_on"),
        "today": visit.now.date(),
    }


def _wrong_with(visit: Visit) -> dict[str, str]:
    errors: dict[str, str] = {}
    if not visit.field("subject"):
        errors["subject"] = visit.words.gettext("A message needs a subject.")
    if not messages.is_address(reply_to_of(visit)):
        errors["reply_to"] = visit.words.gettext("Answers need one mail address to go to, such as ann@example.org.")
    return errors


def _text(row: Row) -> str:
    return f"{row.message.subject}\n{row.message.body}"


def _own(visit: Visit) -> list[Notice]:
    """The messages of the batch, all to learners in the scope.

    Raises:
        UnknownName: there are none.
        NotPermitted: one is to somebody who may not be seen.
    """
    found = [
        notice
        for notice in flow.batch_of(visit.app, named(visit.params["batch"]))
        if notice.payload["run"] == visit.run.id
    ]
    if not found:
        raise UnknownName("There are no such messages any more.")
    for notice in found:
        if not visit.scope.sees(visit.run.id, notice.address, visit.group_of(notice.address)):
            visit.audit("refuse", slug(named(visit.params["batch"])), {"what": "messages"})
            raise NotPermitted("These messages are not among those that you work with.")
    return found


def _can_go_back(visit: Visit, notice: Notice) -> bool:
    waits = notice.state == "pending" and notice.attempts == 0 and notice.next_at > visit.now
    return waits or notice.state == "dead"
