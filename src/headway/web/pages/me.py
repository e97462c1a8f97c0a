"""The learner's own page: what is held, who looked, what was made of it, and how to stop it. Nobody else's numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from starlette.responses import Response

from headway.advising.wording import SMOKE_ALARM, frequency, label_words, tenths
from headway.domain.errors import Conflict, InputError, UnknownName
from headway.domain.time import AsOf
from headway.flow import me, own_data
from headway.flow.app import App
from headway.flow.learner import Week, challenges_of, notes_of, weeks_of
from headway.flow.tasks import set_no_contact
from headway.flow.trail import Trail, trail_of
from headway.governance import accounts
from headway.governance.challenges import KINDS, TOLD_FOR, due_on
from headway.governance.scopes import Role
from headway.web.learner_trail import is_midnight, names_of_work
from headway.web.me_charts import weeks_chart
from headway.web.page import Nav, act, page
from headway.web.rendering import render
from headway.web.visit import Visit
from headway.web.words import Words

LEARNER: Final[frozenset[Role]] = frozenset({"learner"})
TARGETS: Final = range(1, 8)
WAIT_S: Final = 3.0
SHOWN: Final = 30
MANY: Final = 300
"""Rows of one table that a printed page holds; the other formats hold all."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What staff are told of the chance, in the same words.

    Attributes:
        week: what was kept.
        sentence: the frequency of past learners; why it is too early where it is.
        span: the chance in tenths; empty where it is too early.
    """

    week: Week
    sentence: str
    span: str


@page("/me", LEARNER, nav=Nav("Your page", 10), about="What do you hold about me, who looked, how do I stop it?")
def own_page(visit: Visit) -> Response:
    """The learner's own page."""
    return _page(visit)


@act("/me/help", LEARNER, about="asks for help")
def ask(visit: Visit) -> Response:
    """Opens a task for those who advise the learner."""
    run, learner = _own(visit)
    try:
        me.ask_for_help(visit.app, run, learner, visit.field("help"))
    except InputError as wrong:
        return _page(visit, {"help": str(wrong)})
    _ = visit.words.gettext
    return visit.redirect(visit.link("/me"), _("You asked for help. It stands on their list now."))


@act("/me/target", LEARNER, about="sets the learner's own target")
def target(visit: Visit) -> Response:
    """Keeps on how many days a week the learner wants to study; nobody else is shown it."""
    told = visit.field("days")
    wanted = int(told) if told.isdecimal() and int(told) in TARGETS else None
    settings = {key: value for key, value in visit.account.settings.items() if key != "target_days"}
    with visit.site.app.store.begin() as connection:
        kept = settings if wanted is None else settings | {"target_days": wanted}
        accounts.keep_settings(connection, visit.account.id, kept)
    visit.audit("set own target", visit.account.id, {})
    return visit.redirect(visit.link("/me"), visit.words.gettext("Your target is kept. Only you see it."))


@act("/me/challenge", LEARNER, about="challenges what is predicted of oneself")
def challenge(visit: Visit) -> Response:
    """Keeps the learner's challenge, which is answered by a day that is promised."""
    run, learner = _own(visit)
    estimate = _estimate(visit, run, learner)
    if estimate is None:
        raise UnknownName("There is no estimate of you that could be challenged.")
    try:
        made = me.challenge_own(
            visit.app,
            run,
            learner,
            score_run_id=estimate.week.score_run.id,
            kind=visit.field("kind") or "other",
            text=visit.field("challenge"),
            zone=visit.run.zone,
        )
    except (InputError, Conflict) as wrong:
        return _page(visit, {"challenge": str(wrong)})
    _ = visit.words.gettext
    told = _("Your challenge is kept. You get an answer here by %(day)s.") % {"day": visit.words.day_text(made.due_on)}
    return visit.redirect(visit.link("/me"), told)


@page("/me/contact", LEARNER, about="What changes if I do not want to be contacted?")
def contact(visit: Visit) -> Response:
    """What the switch does, before it is turned."""
    _, learner = _own(visit)
    return visit.render("me_contact.html", off_since=me.is_not_to_contact(visit.app, learner))


@act("/me/contact", LEARNER, about="turns contact on the basis of estimates off or on")
def turn_contact(visit: Visit) -> Response:
    """Turns it; it can be turned back at any time."""
    _, learner = _own(visit)
    off = visit.field("off") == "yes"
    set_no_contact(visit.app, learner, wanted=off)
    gettext = visit.words.gettext
    told = (
        gettext("Nobody contacts you on the basis of this from now on. You can undo it below.")
        if off
        else gettext("You can be contacted again.")
    )
    return visit.redirect(visit.link("/me") + "#choices", told)


@page("/me/objection", LEARNER, about="How do I object to a use of my data?")
def objection(visit: Visit) -> Response:
    """The form to object with, and what becomes of it."""
    return _objection(visit)


@act("/me/objection", LEARNER, about="objects to a use of one's data")
def objected(visit: Visit) -> Response:
    """Keeps the objection, which governance decides upon."""
    _, learner = _own(visit)
    try:
        made = me.object_to_use(visit.app, learner, visit.field("objection"))
    except (InputError, Conflict) as wrong:
        return _objection(visit, {"objection": str(wrong)})
    _ = visit.words.gettext
    day = visit.words.day_text(due_on(made.asked_at, visit.run.zone))
    return visit.redirect(
        visit.link("/me") + "#choices", _("Your objection is kept. You get an answer here by %(day)s.") % {"day": day}
    )


@page("/me/data/{form}", LEARNER, about="May I have all that you hold about me?")
def download(visit: Visit) -> Response:
    """Everything that is held about the learner: as JSON, as CSV files in an archive, or to read as PDF."""
    _, learner = _own(visit)
    form = visit.params["form"]
    if form not in ("json", "zip", "pdf"):
        raise UnknownName.of("form", form, ("json", "zip", "pdf"))
    if form == "pdf":
        return _file(_to_read(visit, learner), "application/pdf", "my-data.pdf")
    tables = own_data.data_of(visit.app, learner, visit.as_of)
    if form == "json":
        return _file(own_data.as_json(tables, learner, visit.as_of), "application/json", "my-data.json")
    return _file(own_data.as_zip(tables), "application/zip", "my-data.zip")


def _to_read(visit: Visit, learner: str) -> bytes:
    """The data as PDF; a long one takes seconds."""
    key = ("own data", learner, visit.words)
    return visit.worked_out(key, WAIT_S, _as_pdf, learner, visit.as_of, visit.words)


def _as_pdf(app: App, learner: str, as_of: AsOf, words: Words) -> bytes:
    from headway.reports.pdf import pdf_of

    tables = own_data.readable(own_data.data_of(app, learner, as_of))
    return pdf_of(render("me_data.html", words, tables=tables, most=MANY, at=as_of.instant, plain=own_data.plain))


def _page(visit: Visit, errors: Mapping[str, str] | None = None) -> Response:
    wrong = dict(errors or {})
    status = 400 if wrong else 200
    if not visit.runs:
        return visit.render("me.html", status, errors=wrong, own=None, learner="")
    run, learner = _own(visit)
    trail = _trail(visit, run, learner)
    today = me.today_in(visit.as_of, visit.run.zone)
    own = me.own_activity(trail, visit.run.starts_on, visit.run.ends_on, today)
    wanted = visit.account.settings.get("target_days")
    days = wanted if isinstance(wanted, int) else None
    held = visit.worked_out(("held", learner), WAIT_S, own_data.held_about, learner, visit.as_of)
    challenged = challenges_of(visit.app, run, learner)
    return visit.render(
        "me.html",
        status,
        errors=wrong,
        learner=learner,
        own=own,
        until=trail.until.instant,
        hand_ins=[(each, each.state(today)) for each in trail.hand_ins],
        names=names_of_work(trail, visit.words),
        by_minute=own.next is not None and own.next.due_at and not is_midnight(own.next.due_at, visit.run.zone),
        chart=weeks_chart(own.weeks, days, weeks_sentence(own, visit.words), visit.words) if own.anything else None,
        target=days,
        targets=TARGETS,
        estimate=_estimate(visit, run, learner),
        smoke_alarm=SMOKE_ALARM,
        kinds=KINDS,
        challenges=challenged,
        answered=[each for each in challenged if each.by_learner and _is_news(each.answered_at, visit.now)],
        looks=me.looks_of(visit.app, learner, visit.words.zone)[:SHOWN],
        contacts=me.contacts_with(visit.app, run, learner, visit.words.zone)[:SHOWN],
        notes=notes_of(visit.app, run, learner, for_learner=True),
        held=held,
        on=lambda at: me.today_in(AsOf(at), visit.words.zone),
        off_since=me.is_not_to_contact(visit.app, learner),
        objections=me.objections_of(visit.app, learner, visit.run.zone),
        waiting=me.help_waiting(visit.app, run, learner),
        helpers=me.helpers_of(visit.app, run, learner),
        said={"help": visit.field("help"), "challenge": visit.field("challenge"), "kind": visit.field("kind")},
    )


def _is_news(answered_at: datetime | None, now: datetime) -> bool:
    return answered_at is not None and now - answered_at <= TOLD_FOR


def _objection(visit: Visit, errors: Mapping[str, str] | None = None) -> Response:
    _, learner = _own(visit)
    due = due_on(visit.now, visit.run.zone)
    found: list[tuple[object, date]] = list(me.objections_of(visit.app, learner, visit.run.zone))
    return visit.render(
        "me_objection.html",
        400 if errors else 200,
        errors=dict(errors or {}),
        due=due,
        objections=found,
        said=visit.field("objection"),
    )


def _own(visit: Visit) -> tuple[str, str]:
    """The run that the page is about, and the learner whose account this is.

    Raises:
        UnknownName: there is no such run, or the account is about nobody in it.
    """
    learner = visit.scope.learner_in(visit.run.id)
    if learner is None:
        raise UnknownName("There is no course run that this page could be about.")
    return visit.run.id, learner


def _trail(visit: Visit, run: str, learner: str) -> Trail:
    return visit.worked_out(("own trail", run, learner), WAIT_S, trail_of, run, learner, visit.as_of)


def _estimate(visit: Visit, run: str, learner: str) -> Estimate | None:
    weeks = weeks_of(visit.app, run, learner, visit.as_of)
    if not weeks:
        return None
    said, label = weeks[-1].prediction, str(weeks[-1].score_run.facts.get("label", "does_not_finish"))
    if said.risk is None or said.low is None or said.high is None:
        return Estimate(weeks[-1], said.why_too_early or "", "")
    chance = said.risk, said.low, said.high
    told = f"{tenths(*chance)} {label_words(label).chance}"
    return Estimate(weeks[-1], frequency(*chance, label), told)


def weeks_sentence(own: me.OwnActivity, words: Words) -> str:
    """What the chart of the own weeks shows."""
    most = max(own.weeks, key=lambda week: (week.days, week.number))
    told = words.ngettext(
        "This week so far: %(num)s day.",
        "This week so far: %(num)s days.",
        own.this_week,
    ) % {"num": words.number(own.this_week)}
    fullest = words.ngettext(
        "Your fullest week was week %(week)s, with %(num)s day.",
        "Your fullest week was week %(week)s, with %(num)s days.",
        most.days,
    ) % {"week": most.number, "num": words.number(most.days)}
    return f"{told} {fullest}"


def _file(content: bytes, kind: str, name: str) -> Response:
    told = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type=kind, headers=told)
