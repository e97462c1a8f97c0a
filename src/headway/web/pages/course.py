"""A course as a whole, and one thing in it: where it loses learners, and what staff changed. Counts only, no names."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final, cast

from starlette.responses import Response

from headway.description.items import Item, Items
from headway.description.summary import upper
from headway.domain.errors import InputError, UnknownName
from headway.domain.time import AsOf
from headway.flow import course_page as flow
from headway.flow.app import App
from headway.flow.course_page import CourseFacts, ListWeek
from headway.governance.scopes import Role
from headway.web import course_charts as charts
from headway.web import course_panels as panels
from headway.web import course_words as says
from headway.web.address import address, slug
from headway.web.page import EVERY_STAFF, Nav, act, page
from headway.web.site import Run, Site
from headway.web.visit import Visit

WRITERS: Final[frozenset[Role]] = frozenset({"instructor", "data_scientist"})
"""Who may log a change."""

TABS: Final = ("overview", "items", "days", "work", "recordings", "forum")
WAIT_S: Final = 0.3
A_PAGE: Final = 20
ON_OVERVIEW: Final = 12
EARLIER_BESIDE: Final = 2
SHORT: Final = 34
"""The name of a thing on a button is cut here."""


@page("/courses", EVERY_STAFF, nav=Nav("Course", 20), about="Which course shall I look at?")
def courses(visit: Visit) -> Response:
    """Sends on to the run that is meant; where none is, lists those that may be seen."""
    if visit.query.get("run"):
        return visit.redirect(path_of(visit.run))
    today = {run.id: visit.as_of.day(run.zone) for run in visit.runs}
    going = [run for run in visit.runs if run.starts_on <= today[run.id] <= run.ends_on]
    if len(going) == 1 and not visit.query.get("all"):
        return visit.redirect(path_of(going[0]))
    ordered = sorted(visit.runs, key=lambda run: (run not in going, -run.starts_on.toordinal(), run.id))
    return visit.render("courses.html", runs=ordered, today=today, path_of=path_of)


@page("/courses/{run}", EVERY_STAFF, about="Where does the course lose learners, and is it worse than before?")
def course(visit: Visit) -> Response:
    """The course: a headline, who is still there, where learners stop, and what they used."""
    run, words = visit.run, visit.words
    tab = visit.query.get("tab", TABS[0])
    if tab not in TABS:
        raise UnknownName(words.gettext("The course page has no such part. Go back to the course."))
    facts = facts_of(visit, run)
    told: dict[str, Any] = {"facts": facts, "tab": tab, "tabs": _tabs(visit, run), "shown_run": run, "path_of": path_of}
    if facts.why:
        return visit.render("course_empty.html", **told, arrives=panels.arrives(facts, run, words))
    places = says.places(facts, words)
    told |= {
        "headline": says.headline(facts, facts.week > run.weeks or _over(visit, run), words),
        "places": places,
        "look": next((place.item for place in places if place.item), None),
        "item_path": lambda item: item_path(run, item),
        "shorter": shorter,
        "missing_feed": says.missing_feed(facts, words),
    }
    told |= _panel(visit, run, facts, tab)
    if visit.htmx and tab == "items":
        return visit.part("course_items.html", "rows", **told)
    return visit.render(f"course_{tab}.html" if tab != TABS[0] else "course.html", **told)


@page("/courses/{run}/description.pdf", EVERY_STAFF, about="What is the whole description of the course, to print?")
def description_pdf(visit: Visit) -> Response:
    """The description as a PDF."""
    run = visit.run
    found = visit.worked_out(("course-pdf", *_key(run, visit.as_of)), WAIT_S, _as_pdf, run.id, visit.as_of)
    visit.audit("export", run.id, {"what": "course description"})
    told = {
        "Content-Disposition": f'attachment; filename="{run.id.replace("/", "-")}.pdf"',
        "Cache-Control": "no-store",
    }
    return Response(found, media_type="application/pdf", headers=told)


def _as_pdf(app: App, run: str, as_of: AsOf) -> bytes:
    from headway.reports.pdf import pdf_of

    return pdf_of(flow.description_html(app, run, as_of))


@page("/courses/{run}/items/{item}", EVERY_STAFF, about="What is wrong with this item?")
def item_page(visit: Visit) -> Response:
    """One thing in a course: who used it when, who did not, its marks, the same thing in earlier runs, changes."""
    return _item_answer(visit, {}, {})


@act("/courses/{run}/items/{item}/changes", WRITERS, about="logs what was changed in a course")
def log_change(visit: Visit) -> Response:
    """Keeps a change as a mark on the timelines."""
    run, words = visit.run, visit.words
    facts = facts_of(visit, run)
    item = _item(visit, facts)
    given = {"happened_on": visit.field("happened_on"), "text": visit.field("text")}
    errors: dict[str, str] = {}
    try:
        day = date.fromisoformat(given["happened_on"])
    except ValueError:
        day, errors["happened_on"] = None, words.gettext("Give the day of the change as a date.")
    if not given["text"].strip():
        errors["text"] = words.gettext("Say in a few words what was changed.")
    if day is not None and not errors:
        try:
            flow.add_mark(
                visit.app,
                run.id,
                item.activity,
                day,
                given["text"],
                first=run.starts_on,
                today=visit.as_of.day(run.zone),
            )
        except InputError as wrong:
            errors["text" if "characters" in str(wrong) else "happened_on"] = str(wrong)
    if errors:
        return _item_answer(visit, errors, given)
    return visit.redirect(item_path(run, item), words.gettext("Logged. It is a mark on the timelines now."))


@act("/courses/{run}/changes/{mark}/undo", WRITERS, about="takes back a logged change")
def undo_change(visit: Visit) -> Response:
    """Takes a logged change back."""
    gone = flow.remove_mark(visit.app, visit.run.id, visit.params["mark"])
    to = path_of(visit.run) if gone.item is None else f"{path_of(visit.run)}/items/{slug(gone.item)}"
    return visit.redirect(to, visit.words.gettext("Taken back. The mark is gone from the timelines."))


def facts_of(visit: Visit, run: Run) -> CourseFacts:
    """The run as it is known now, at most minutes old; Pending while it is computed for the first time."""
    return facts_at(visit.site, run, visit.as_of, visit.patience(WAIT_S))


def facts_at(site: Site, run: Run, as_of: AsOf, wait_s: float) -> CourseFacts:
    """The run as it is known at a time of today, minutes old at most; Pending where it takes longer than is waited."""
    return site.worked_out(("course", *_key(run, as_of)), wait_s, flow.course_facts, run.id, as_of)


def lists_of(visit: Visit, run: Run) -> list[ListWeek]:
    """How long the lists were week by week, at the home's capacity."""
    as_of, capacity = visit.as_of, visit.app.settings.advising.capacity
    made = [str(at) for at in run.scored if at <= as_of]
    key = ("course-lists", run.id, capacity, *made)
    about = run.id, as_of, run.starts_on, run.zone, capacity
    return visit.worked_out(key, WAIT_S, flow.lists_by_week, *about)


def path_of(run: Run) -> str:
    """The address of a run's page."""
    return f"/courses/{slug(run.id)}"


def item_path(run: Run, item: Item) -> str:
    """The address of a thing's page."""
    return f"{path_of(run)}/items/{slug(item.activity)}"


def shorter(name: str) -> str:
    """A name cut to fit on a button."""
    return upper(name if len(name) <= SHORT else f"{name[: SHORT - 1].rstrip()}…")


@dataclass(frozen=True, slots=True)
class Pages:
    """Which rows of how many are shown; see the pager of `parts.html`."""

    path: str
    number: int
    total: int
    size: int = A_PAGE

    @property
    def last(self) -> int:
        """The last page."""
        return max(1, -(-self.total // self.size))

    @property
    def first_row(self) -> int:
        """The first row shown, from 1; 0 where there is none."""
        return min(self.total, (self.number - 1) * self.size + 1)

    @property
    def last_row(self) -> int:
        """The last row shown."""
        return min(self.total, self.number * self.size)

    def to(self, number: int) -> str:
        """The address of a page."""
        return address(self.path, {"tab": "items", "page": number}, {"page": 1})


def _key(run: Run, as_of: AsOf) -> tuple[object, ...]:
    return run.id, run.data_up_to, as_of.day(run.zone)


def _over(visit: Visit, run: Run) -> bool:
    return visit.as_of.day(run.zone) > run.ends_on


def _tabs(visit: Visit, run: Run) -> list[tuple[str, str, str]]:
    """Key, name and address of each part of the page."""
    _ = visit.words.gettext
    names = {
        "overview": _("Overview"),
        "items": _("Items by week"),
        "days": _("Day by day"),
        "work": _("Hand-ins and marks"),
        "recordings": _("Recordings"),
        "forum": _("Forum"),
    }
    return [(key, name, address(path_of(run), {"tab": key}, {"tab": TABS[0]})) for key, name in names.items()]


def _overview(visit: Visit, run: Run, facts: CourseFacts) -> dict[str, Any]:
    words = visit.words
    stayed, letters = facts.retention, _letters(visit, run)
    sentence = says.than_before(facts, words) if stayed else ""
    retention = None
    if stayed is not None:
        if not sentence:
            last = stayed.this.points[-1]
            told = {"after": says.after(last.days, words), "share": words.percent(last.share)}
            sentence = words.gettext("%(after)s %(share)s are still there. No earlier run to compare with.") % told
        retention = charts.retention_chart(stayed, sentence, words, run.weeks, letters)
    lists, found = lists_of(visit, run), facts.items or Items((), (), ())
    capacity = visit.app.settings.advising.capacity
    chosen = {place.item.activity for place in says.places(facts, words) if place.item}
    most = {item.activity for item in found.across(ON_OVERVIEW)}
    shown = tuple(item for item in found.items if item.activity in most | chosen)
    sentence = says.lists_sentence(lists, capacity, words) if lists else ""
    return {
        "retention": retention,
        "marked": bool(letters),
        "event": stayed.event if stayed else "",
        "runs_beside": len(stayed.earlier) if stayed else 0,
        "lists": charts.lists_chart(lists, run.weeks, sentence, words) if lists else None,
        "heat": panels.heat(found, shown, run, _now_week(visit, run), words),
        "chosen": chosen,
    }


def _letters(visit: Visit, run: Run) -> list[tuple[int, str]]:
    """Course days of changes, with the letters they have on every timeline of the run."""
    marks = flow.marks_of(visit.app, run.id, visit.as_of.day(run.zone))
    return [((mark.happened_on - run.starts_on).days, charts.letter(place)) for place, mark in enumerate(marks)]


def _items(visit: Visit, run: Run, facts: CourseFacts) -> dict[str, Any]:
    found = facts.items or Items((), (), ())
    asked = visit.query.get("page", "1")
    pages = Pages(path_of(run), int(asked) if asked.isdecimal() and len(asked) < 7 else 1, len(found.items))
    pages = Pages(pages.path, min(max(1, pages.number), pages.last), pages.total)
    shown = found.items[(pages.number - 1) * A_PAGE : pages.number * A_PAGE]
    chosen = {place.item.activity for place in says.places(facts, visit.words) if place.item}
    heat = panels.heat(found, shown, run, _now_week(visit, run), visit.words)
    return {"pages": pages, "heat": heat, "chosen": chosen}


def _panel(visit: Visit, run: Run, facts: CourseFacts, tab: str) -> dict[str, Any]:
    """What one part of the page shows."""
    words = visit.words
    match tab:
        case "items":
            return _items(visit, run, facts)
        case "days":
            marks = flow.marks_of(visit.app, run.id, visit.as_of.day(run.zone))
            return panels.days(facts, marks, words) | {"may_write": visit.role in WRITERS}
        case "work":
            return panels.work(facts, words)
        case "recordings":
            return panels.recordings(facts, words)
        case "forum":
            return panels.forum(facts, words)
        case _:
            return _overview(visit, run, facts)


def _now_week(visit: Visit, run: Run) -> int | None:
    week = run.week_of(visit.as_of.day(run.zone))
    return week if 1 <= week <= run.weeks else None


def _item(visit: Visit, facts: CourseFacts) -> Item:
    asked = visit.params["item"].replace("/", "~")
    found = facts.items.items if facts.items else ()
    for item in found:
        if item.activity.replace("/", "~") == asked:
            return item
    raise UnknownName(visit.words.gettext("There is no such item in this course."))


def _item_answer(visit: Visit, errors: dict[str, str], given: dict[str, str]) -> Response:
    run, words = visit.run, visit.words
    facts = facts_of(visit, run)
    item, found = _item(visit, facts), cast("Items", facts.items)
    today = visit.as_of.day(run.zone)
    every = enumerate(flow.marks_of(visit.app, run.id, today))
    marks = [(charts.letter(place), mark) for place, mark in every if mark.item == item.activity]
    beside = _beside(visit, run, item)
    return visit.render(
        "course_item.html",
        422 if errors else 200,
        shown_run=run,
        facts=facts,
        item=item,
        name=upper(item.name),
        places=[place for place in says.places(facts, words) if place.item and place.item.activity == item.activity],
        seen=panels.item(facts, found, item, beside, marks, run, words),
        beside=[panels.beside_row(name, size, other, words) for name, size, _, other in beside],
        marks=marks,
        may_write=visit.role in WRITERS,
        errors=errors,
        given={"happened_on": today.isoformat(), "text": ""} | given,
        first=(run.starts_on - flow.BEFORE).isoformat(),
        today=today.isoformat(),
        longest=flow.LONGEST_MARK,
        part_words=lambda part: says.of_all(part, words),
        share_bar=charts.share_bar,
        path_of=path_of,
    )


def _beside(visit: Visit, run: Run, item: Item) -> list[tuple[str, int, Items, Item]]:
    """The thing of the same name and type in the last earlier runs that may be seen, the latest first."""
    as_of = visit.as_of
    earlier = visit.worked_out(("course-earlier", *_key(run, as_of)), WAIT_S, flow.earlier_runs, run.id, as_of)
    beside = []
    for other in list(reversed(earlier))[:EARLIER_BESIDE]:
        key = ("course-items", other, as_of.day(run.zone))
        made = visit.worked_out(key, WAIT_S, flow.items_of, other, as_of)
        if made is None:
            continue
        size, found = made
        same = [each for each in found.items if (each.type, each.name) == (item.type, item.name)]
        if len(same) == 1:
            beside.append((" · ".join(other.split("/")[1:]), size, found, same[0]))
    return beside
