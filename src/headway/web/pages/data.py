"""The data page: whether the records are complete and recent enough to act on; and files sent, looked at, loaded."""

from datetime import timedelta
from typing import Any, Final

from starlette.datastructures import UploadFile
from starlette.responses import Response

from headway.description.quality_findings import REASONS
from headway.domain.errors import InputError, UnknownName
from headway.domain.time import AsOf
from headway.flow import data_page as flow
from headway.flow import uploads
from headway.flow.app import App
from headway.flow.data_page import Arrivals, DataFacts
from headway.flow.uploads import Preview, Upload
from headway.governance.scopes import Role, Scope
from headway.reports.charts import Chart
from headway.store.jobs import Job
from headway.web import course_charts as charts
from headway.web.address import address
from headway.web.page import Nav, act, page
from headway.web.visit import Visit
from headway.web.words import Words

READERS: Final[frozenset[Role]] = frozenset({"data_scientist", "governance"})
LOADERS: Final[frozenset[Role]] = frozenset({"data_scientist"})
TABS: Final = ("overview", "rejects", "load", "work")
WAIT_S: Final = 0.3
MOST_FINDINGS: Final = 12
MOST_REFUSED: Final = 50
AGAIN_S: Final = 2
JUST_NOW: Final = timedelta(minutes=1)


@page("/data", READERS, nav=Nav("Data", 60), about="Is the data complete and recent enough to act on?")
def data(visit: Visit) -> Response:
    """Sources, what is noteworthy about them, refused rows, files to load, and what the worker does."""
    tab = visit.query.get("tab", TABS[0])
    if tab not in TABS or (tab == "load" and visit.role not in LOADERS):
        raise UnknownName(visit.words.gettext("The data page has no such part. Go back to Data."))
    runs = [run.id for run in visit.runs]
    told: dict[str, Any] = {"tab": tab, "tabs": _tabs(visit), "may_load": visit.role in LOADERS}
    if tab == "load":
        return _load_form(visit, {}, {})
    if tab == "work":
        whole = all(visit.scope.covers(run) for run in visit.site.runs())
        jobs, waiting = flow.jobs_here(visit.app), flow.inbox_waiting(visit.app)
        return visit.render("data_work.html", **told, jobs=jobs, waiting=waiting, whole=whole)
    if not runs:
        return visit.render("data_empty.html", **told)
    facts = facts_of(visit, runs)
    told["headline"] = headline(facts, visit.words)
    if tab == "rejects":
        return visit.render("data_rejects.html", **told, refused=facts.refused[:MOST_REFUSED], reasons=REASONS)
    strips = [_strip(each, place, visit.words) for place, each in enumerate(facts.sources)]
    return visit.render(
        "data.html",
        **told,
        facts=facts,
        sources=list(zip(facts.sources, strips, strict=True)),
        findings=facts.profile.findings[:MOST_FINDINGS],
        more=max(0, len(facts.profile.findings) - MOST_FINDINGS),
        missing=flow.not_predicted(visit.app, runs, visit.as_of)[:MOST_FINDINGS],
        scored=any(run.scored for run in visit.runs),
        lasting=lambda span: lasting(span, visit.words),
        refused_rows=sum(each.rows for each in facts.refused),
    )


@act("/data/uploads", LOADERS, about="keeps a file aside and looks at it without writing anything")
def send(visit: Visit) -> Response:
    """Keeps a file aside to be looked at."""
    words = visit.words
    given = {name: visit.field(name) for name in ("source", *uploads.OPTIONS)}
    sent, mapping = visit.form.get("file"), visit.form.get("mapping")
    if not isinstance(sent, UploadFile) or not sent.filename:
        return _load_form(visit, {"file": words.gettext("Choose a file.")}, given)
    beside = None
    if isinstance(mapping, UploadFile) and mapping.filename:
        beside = (mapping.filename, mapping.file)
    options = {name: given[name] for name in uploads.OPTIONS}
    try:
        made = uploads.keep_upload(
            visit.app, given["source"], sent.filename, sent.file, mapping=beside, options=options
        )
    except InputError as wrong:
        field = "source" if isinstance(wrong, UnknownName) else "mapping" if "mapping" in str(wrong) else "file"
        return _load_form(visit, {field: str(wrong)}, given, wrong.http_status)
    return visit.redirect(f"/data/uploads/{made.id}")


@page("/data/uploads/{upload}", LOADERS, about="What would loading this file do, and what did it?")
def looked_at(visit: Visit) -> Response:
    """What loading a file would do; once it is being loaded, how far that is."""
    job = uploads.load_job(visit.app, visit.params["upload"])
    if job is not None:
        return _job_answer(visit, job)
    upload = uploads.find_upload(visit.app, visit.params["upload"])
    return _preview_answer(visit, upload, {}, "")


@act("/data/uploads/{upload}/load", LOADERS, about="loads a file that was looked at")
def load(visit: Visit) -> Response:
    """Asks for a file to be loaded, where its name and number of rows were typed."""
    path = f"/data/uploads/{visit.params['upload']}"
    if uploads.load_job(visit.app, visit.params["upload"]) is not None:
        return visit.redirect(path)
    upload = uploads.find_upload(visit.app, visit.params["upload"])
    found = _preview(visit, upload)
    for run in sorted(found.runs):
        visit.scope.needs_run(run)
    typed = " ".join(visit.field("confirm").split())
    if typed != uploads.confirmation(upload, found):
        told = visit.words.gettext("Type the file's name and the number of rows, just as they are shown.")
        return _preview_answer(visit, upload, {"confirm": told}, typed)
    uploads.ask_for_load(visit.app, upload, found)
    return visit.redirect(path)


@act("/data/uploads/{upload}/again", LOADERS, about="tries a load again that failed")
def load_again(visit: Visit) -> Response:
    """Tries a load again that failed."""
    uploads.again(visit.app, visit.params["upload"])
    return visit.redirect(f"/data/uploads/{visit.params['upload']}")


@act("/data/uploads/{upload}/give-up", LOADERS, about="removes a file that was sent")
def give_up(visit: Visit) -> Response:
    """Removes a file that was sent."""
    uploads.give_up(visit.app, uploads.find_upload(visit.app, visit.params["upload"]))
    return visit.redirect(address("/data", {"tab": "load"}), visit.words.gettext("The file is removed."))


def facts_of(visit: Visit, runs: list[str]) -> DataFacts:
    """The state of the data of what may be seen, at most minutes old; Pending while it is computed first."""
    as_of, scope = visit.as_of, visit.scope
    newest = max((str(run.data_up_to) for run in visit.runs), default="")
    whole = all(scope.covers(run) for run in visit.site.runs())
    key = ("data", tuple(sorted(runs)), whole, newest, as_of.day("UTC"))
    return visit.worked_out(key, WAIT_S, _facts, runs, None if whole else scope, as_of)


def _facts(app: App, runs: list[str], scope: Scope | None, as_of: AsOf) -> DataFacts:
    """The state of the data of some runs. Refused rows name no run: they are told to those who see all of a source."""
    known = {row[0] for row in app.lake.reject_counts()}
    mine = [each for each in sorted(known) if scope is None or scope.covers(f"{each}/")]
    return flow.data_facts(app, runs, mine, as_of)


def headline(facts: DataFacts, words: Words) -> str:
    """Whether the data is good enough to act on, in one sentence or two."""
    _ = words.gettext
    late = [each for each in facts.sources if each.late]
    if late:
        said = {"source": late[0].source, "lag": lasting(late[0].lag or timedelta(0), words)}
        return (
            _("Nothing has arrived from %(source)s for %(lag)s while a course is going on. Lists rest on old data.")
            % said
        )
    serious = [each for each in facts.profile.findings if each.severity != "ok"]
    stop = [each for each in serious if each.severity == "stop"]
    said = {"n": words.number(len(serious)), "people": words.number(facts.people)}
    if stop:
        return _("Do not act on every list yet: %(n)s findings concern up to %(people)s learners.") % said
    if serious:
        text = words.ngettext(
            "Good enough to act on, but one thing wants a look; it concerns up to %(people)s learners.",
            "Good enough to act on, but %(n)s things want a look; they concern up to %(people)s learners.",
            len(serious),
        )
        return text % said
    return _("The data is complete and recent enough to act on.")


def lasting(span: timedelta, words: Words) -> str:
    """A span in its largest useful unit: `5 hours`, `3 days`."""
    hours = round(span.total_seconds() / 3600)
    if hours < 1:
        return words.gettext("less than an hour")
    if hours < 48 and hours != 24:
        return words.ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": words.number(hours)}
    days = round(span.total_seconds() / 86_400)
    return words.ngettext("%(n)s day", "%(n)s days", days) % {"n": words.number(days)}


def _tabs(visit: Visit) -> list[tuple[str, str, str]]:
    _ = visit.words.gettext
    names = {
        "overview": _("Sources"),
        "rejects": _("Refused rows"),
        "load": _("Load a file"),
        "work": _("Inbox and jobs"),
    }
    if visit.role not in LOADERS:
        del names["load"]
    return [(key, name, address("/data", {"tab": key}, {"tab": TABS[0]})) for key, name in names.items()]


def _strip(found: Arrivals, place: int, words: Words) -> Chart | None:
    if not found.strip:
        return None
    rows = sum(count for _, count in found.strip)
    said = {"n": words.number(rows), "days": words.number(len(found.strip)), "to": words.day_text(found.strip[-1][0])}
    sentence = words.gettext("%(n)s statements in %(days)s days up to %(to)s.") % said
    if found.silent:
        sentence = words.gettext("%(what)s Outlined: days on which the feed was probably silent.") % {"what": sentence}
    return charts.day_strip(found.strip, found.silent, found.source, sentence, words, slug=f"strip-{place}")


def _load_form(visit: Visit, errors: dict[str, str], given: dict[str, str], status: int = 422) -> Response:
    return visit.render(
        "data_load.html",
        status if errors else 200,
        tab="load",
        tabs=_tabs(visit),
        errors=errors,
        given=dict.fromkeys(("source", *uploads.OPTIONS), "") | given,
        sources=uploads.uploadable(),
        most_mib=uploads.most_bytes(visit.app) >> 20,
        loads=[
            job
            for job in flow.jobs_here(visit.app)
            if job.kind == uploads.LOAD_JOB and job.request.get("by") == visit.app.actor
        ],
    )


def _preview(visit: Visit, upload: Upload) -> Preview:
    return visit.worked_out(("upload", upload.id), WAIT_S, uploads.preview, upload)


def _preview_answer(visit: Visit, upload: Upload, errors: dict[str, str], typed: str) -> Response:
    found = _preview(visit, upload)
    return visit.render(
        "data_upload.html",
        422 if errors else 200,
        tab="load",
        tabs=_tabs(visit),
        upload=upload,
        found=found,
        foreign=[run for run in sorted(found.runs) if not visit.scope.covers(run)],
        confirm=uploads.confirmation(upload, found),
        errors=errors,
        typed=typed,
        reasons=REASONS,
    )


def _job_answer(visit: Visit, job: Job) -> Response:
    told: dict[str, Any] = {"tab": "load", "tabs": _tabs(visit), "job": job, "again_s": AGAIN_S}
    if job.finished_at is not None and visit.now - job.finished_at < JUST_NOW:
        visit.site.changed()
    if visit.htmx:
        return visit.part("data_job.html", "progress", **told)
    return visit.render("data_job.html", **told)
