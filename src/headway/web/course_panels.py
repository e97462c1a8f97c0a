"""The panels of the course pages: what a template shows, made ready in the reader's words from facts that are known."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from markupsafe import Markup

from headway.description.assessments import HandIns
from headway.description.forums import ANSWER_DAYS, Forums
from headway.description.groups import Part
from headway.description.items import Item, Items, reached
from headway.description.names import type_name
from headway.description.summary import upper
from headway.description.timeline import NEAR_DAYS, Turn
from headway.description.videos import Video
from headway.flow.course_page import CourseFacts, Mark
from headway.reports.charts import Chart
from headway.web import course_charts as charts
from headway.web.course_words import of_all
from headway.web.site import Run
from headway.web.words import Words

AHEAD: Final = 3
"""So many weeks ahead have a column of the heatmap; an empty column for each of thirty would be most of it."""

EDGES: Final = ((5, 0.8), (4, 0.6), (3, 0.4), (2, 0.2), (1, 0.02))
MOST_TURNS: Final = 8
MOST_VIDEOS: Final = 6
MOST_MARKS: Final = 6


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One cell: its text, its shade (0 to 5), whether something is due."""

    text: str
    shade: int
    due: bool


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One thing of the heatmap."""

    item: Item
    name: str
    cells: tuple[HeatCell, ...]


@dataclass(frozen=True, slots=True)
class Heat:
    """A heatmap ready to be shown.

    Attributes:
        columns: names of the columns; the next weeks ahead among them.
        now: which column is the present week; None where there is none.
        active: learners active in each described column.
        rows: the things.
        ahead: how many columns are ahead.
        later: the first and the last week further ahead, which have no column; None where there are none.
        left_out: how many things of the course are not among the rows.
    """

    columns: tuple[str, ...]
    now: int | None
    active: tuple[str, ...]
    rows: tuple[HeatRow, ...]
    ahead: int
    later: tuple[int, int] | None
    left_out: int


def heat(found: Items, shown: Sequence[Item], run: Run, now: int | None, words: Words) -> Heat:
    """The heatmap of some things of a course."""
    last = found.weeks[-1] if found.weeks else 0
    ahead = min(AHEAD, max(0, run.weeks - last))
    later = (last + ahead + 1, run.weeks) if last + ahead < run.weeks else None
    columns = [words.gettext("before") if week == 0 else str(week) for week in found.weeks]
    columns += [str(week) for week in range(last + 1, last + ahead + 1)]
    rows = [
        HeatRow(
            item,
            upper(item.name),
            tuple(HeatCell(*_cell(part, words), place == item.due) for place, part in enumerate(item.cells)),
        )
        for item in shown
    ]
    active = tuple(charts.few(words) if each is None else words.number(each) for each in found.active)
    here = None if now is None else list(found.weeks).index(now) if now in found.weeks else None
    return Heat(tuple(columns), here, active, tuple(rows), ahead, later, len(found.items) - len(rows))


def _cell(part: Part, words: Words) -> tuple[str, int]:
    if part.share is None:
        if part.hidden == "all but few":
            return f"{int(reached(part) * 100)}+", _shade(reached(part))
        return ("", 0) if part.of == 0 else (charts.few(words), 0)
    if not part.count:
        return "", 0
    return f"{part.share * 100:.0f}" if part.share >= 0.005 else "<1", _shade(part.share)


def _shade(share: float) -> int:
    return next((shade for shade, edge in EDGES if share >= edge), 0)


def arrives(facts: CourseFacts, run: Run, words: Words) -> list[tuple[str, str]]:
    """What arrives when, of a run that has not begun or is too small to describe."""
    _ = words.gettext
    due = sorted(each.due_on for each in facts.planned if each.due_on)
    told = [
        (words.day_text(run.starts_on), _("The course begins: visits and openings arrive, day by day.")),
        (_("after week 1"), _("Who has not visited yet; the heatmap and the days fill.")),
    ]
    if due:
        told.append((words.day_text(due[0]), _("The first work is due: hand-ins and, once marked, results.")))
    told.append((_("after week 3"), _("Drop-off points and the curve beside earlier runs begin to say something.")))
    return told


def days(facts: CourseFacts, marks: Sequence[Mark], words: Words) -> dict[str, Any]:
    """The timeline with its turns and changes."""
    _ = words.gettext
    found = facts.timeline
    if found is None or facts.items is None:
        return {"timeline": None, "turns": (), "marks": [(charts.letter(n), mark) for n, mark in enumerate(marks)]}
    due = [(item.due_on, upper(item.name)) for item in facts.items.items if item.due_on]
    opens = [(item.opens_on, upper(item.name)) for item in facts.items.items if item.opens_on]
    busiest = max(found.days, key=lambda each: each.learners or 0)
    said = {"day": words.day_text(busiest.on), "n": words.number(busiest.learners or 0)}
    sentence = _("Most learners came on %(day)s: %(n)s.") % said
    turns = sorted(found.turns, key=lambda turn: -abs(turn.z))[:MOST_TURNS]
    return {
        "timeline": charts.timeline_chart(found, due, _grouped(opens, words), marks, sentence, words),
        "turns": [_turn(turn, words) for turn in sorted(turns, key=lambda turn: turn.from_on)],
        "marks": [(charts.letter(place), mark) for place, mark in enumerate(marks)],
    }


def _grouped(opens: Sequence[tuple[date, str]], words: Words) -> list[tuple[date, str]]:
    """What opens each day; many things at once are counted instead of named."""
    by_day: dict[date, list[str]] = {}
    for day, name in opens:
        by_day.setdefault(day, []).append(name)
    return [
        (
            day,
            names[0]
            if len(names) == 1
            else words.ngettext("%(n)s thing", "%(n)s things", len(names)) % {"n": len(names)},
        )
        for day, names in sorted(by_day.items())
    ]


def _turn(turn: Turn, words: Words) -> tuple[str, str]:
    """When a day or a stretch stood out, and how."""
    _ = words.gettext
    when = words.day_text(turn.from_on)
    if turn.until_on != turn.from_on:
        when = _("%(from)s to %(to)s") % {"from": when, "to": words.day_text(turn.until_on)}
    came = charts.few(words) if turn.learners is None else words.number(turn.learners)
    said = {"n": came, "usual": words.number(round(turn.expected))}
    if turn.why == "no records":
        told = _(
            "Nothing of anyone is in the record; %(usual)s learners are usual. "
            "More likely a gap in the feed than a day off."
        )
    elif turn.kind == "spike":
        told = _("%(n)s learners came; %(usual)s are usual for this weekday.")
    else:
        told = _("Down to %(n)s learners on the lowest day; %(usual)s are usual for that weekday.")
    text = told % said
    near = {"days": NEAR_DAYS, "things": ", ".join(turn.things[:4]), "what": text}
    if turn.why == "due":
        text = _("%(what)s Due within %(days)s days: %(things)s.") % near
    elif turn.why == "opens":
        text = _("%(what)s Opened within %(days)s days: %(things)s.") % near
    return when, text


@dataclass(frozen=True, slots=True)
class WorkRow:
    """A piece of work as a row."""

    activity: str
    name: str
    due_on: date | None
    bar: Markup
    handed_in: str
    late: str
    marks: str


def work(facts: CourseFacts, words: Words) -> dict[str, Any]:
    """Hand-ins and marks."""
    found = facts.assessments
    if found is None:
        return {"rows": (), "charts": (), "ahead": ()}
    rows = [_work(each, words) for each in found.due]
    marked = [each for each in found.due if each.scores.middle is not None][-MOST_MARKS:]
    drawn = [
        charts.marks_chart(
            upper(each.name), each.bins, _marks_sentence(each, words), words, slug=f"marks-{number}", bare=True
        )
        for number, each in enumerate(marked)
    ]
    return {"rows": rows, "charts": drawn, "ahead": [upper(name) for name in found.ahead]}


def _work(each: HandIns, words: Words) -> WorkRow:
    _ = words.gettext
    late = "–" if not each.recorded or each.late is None else of_all(each.late, words)
    return WorkRow(
        activity=each.activity,
        name=upper(each.name),
        due_on=each.due_on,
        bar=charts.share_bar(each.handed_in) if each.recorded else Markup(""),
        handed_in=of_all(each.handed_in, words) if each.recorded else _("no hand-in is in the record"),
        late=late,
        marks=_marks(each, words),
    )


def _marks(each: HandIns, words: Words) -> str:
    scores = each.scores
    if scores.low is None or scores.middle is None or scores.high is None:
        return words.gettext("too few to tell") if scores.learners != 0 else "–"
    said = {
        "low": words.percent(scores.low),
        "high": words.percent(scores.high),
        "middle": words.percent(scores.middle),
    }
    return words.gettext("%(low)s to %(high)s, middle %(middle)s") % said


def _marks_sentence(each: HandIns, words: Words) -> str:
    said = {"middle": words.percent(each.scores.middle or 0), "n": words.number(each.scores.learners or 0)}
    text = words.ngettext(
        "Middle %(middle)s, %(n)s learner.", "Middle %(middle)s, %(n)s learners.", each.scores.learners or 0
    )
    told = text % said
    if None in each.bins:
        hidden = words.gettext("%(what)s Hollow: fewer than 10 learners, or hidden beside such.")
        return hidden % {"what": told}
    return told


@dataclass(frozen=True, slots=True)
class VideoRow:
    """A recording as a row."""

    activity: str
    name: str
    length: str
    viewers: str
    bar: Markup
    watched: str
    stop: str


def recordings(facts: CourseFacts, words: Words) -> dict[str, Any]:
    """Recordings, with the curves of those that most viewers leave."""
    shown = sorted(facts.videos, key=lambda each: (each.stop is None, -(each.viewers.count or 0)))[:MOST_VIDEOS]
    drawn = [video_chart(each, words, f"video-{number}") for number, each in enumerate(shown)]
    return {
        "rows": [_video(each, words) for each in facts.videos],
        "charts": [each for each in drawn if each is not None],
        "places_known": any(each.basis == "places" for each in facts.videos),
    }


def video_chart(video: Video, words: Words, name: str) -> Chart | None:
    """The curve of a recording; None where it is not known."""
    sentence = words.gettext("Share of its viewers who saw each twentieth.")
    if video.stop is not None:
        said = {"what": sentence, "from": charts.clock(video.stop.from_s), "to": charts.clock(video.stop.to_s)}
        sentence = words.gettext("%(what)s Most who stop early do so between %(from)s and %(to)s (outlined).") % said
    return charts.seen_chart(video, sentence, words, slug=name)


def _video(each: Video, words: Words) -> VideoRow:
    _ = words.gettext
    watched = _("not known")
    if each.watched.middle is not None:
        watched = words.percent(each.watched.middle)
    elif each.basis != "not known":
        watched = _("too few to tell")
    stop = "–"
    if each.stop is not None:
        stop = f"{charts.clock(each.stop.from_s)}–{charts.clock(each.stop.to_s)}"
    return VideoRow(
        activity=each.activity,
        name=upper(each.name),
        length="–" if each.length_s is None else charts.clock(each.length_s),
        viewers=of_all(each.viewers, words),
        bar=charts.share_bar(each.viewers),
        watched=watched,
        stop=stop,
    )


def forum(facts: CourseFacts, words: Words) -> dict[str, Any]:
    """Reading, writing and waiting."""
    return {"forum": None if facts.forums is None else _forum(facts.forums, words), "missing": _missing(facts, words)}


def _forum(found: Forums, words: Words) -> list[tuple[str, str]]:
    _ = words.gettext
    told = [(_("Took part"), of_all(found.took_part, words)), (_("Read"), of_all(found.read, words))]
    if found.wrote is not None:
        told.append((_("Wrote"), of_all(found.wrote, words)))
    if found.threads is not None:
        told.append((_("Threads that learners opened"), words.number(found.threads)))
        said = {
            "n": words.number(found.unanswered or 0),
            "all": words.number(found.waited_for or 0),
            "days": ANSWER_DAYS,
        }
        told.append((_("Unanswered after %(days)s days") % said, _("%(n)s of %(all)s that are old enough") % said))
    if found.hours_to_reply is not None:
        hours = round(found.hours_to_reply)
        waited = words.ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": words.number(hours)}
        if hours >= 48:
            waited = words.ngettext("%(n)s day", "%(n)s days", round(hours / 24)) % {
                "n": words.number(round(hours / 24))
            }
        told.append((_("Half of the answers came within"), waited))
    if found.answered_by_staff is not None:
        told.append((_("First replies by staff"), words.percent(found.answered_by_staff)))
    return told


def _missing(facts: CourseFacts, words: Words) -> str:
    _ = words.gettext
    if facts.forums is None:
        return _("No forum event of anyone is in the record: either there is no forum, or its feed is missing.")
    if facts.forums.wrote is None:
        return _("No post of anyone is in the record: either nobody wrote, or the source does not report posts.")
    if facts.forums.threads is None:
        return _(
            "Which reply answers which question is not in the record, so unanswered questions and waiting times "
            "are not known."
        )
    return ""


def item(
    facts: CourseFacts,
    found: Items,
    shown: Item,
    beside: Sequence[tuple[str, int, Items, Item]],
    marks: Sequence[tuple[str, Mark]],
    run: Run,
    words: Words,
) -> dict[str, Any]:
    """The drawings of one thing's page."""
    _ = words.gettext
    sentence = _("Nobody used it so far.")
    if any(part.count != 0 for part in shown.cells):
        place = max(range(len(shown.cells)), key=lambda each: reached(shown.cells[each]))
        week = found.weeks[place]
        said = {"week": week, "share": charts.part_share(shown.cells[place], words)}
        most = _("Most in week %(week)s: %(share)s of those active.")
        sentence = (most if week else _("Most before the first week: %(share)s of those active.")) % said
    earlier = None
    if beside:
        name, _size, items, other = beside[0]
        earlier = (name, items, other.cells)
        sentence = _("%(what)s Dashed: %(run)s.") % {"what": sentence, "run": name}
    last = found.weeks[-1] if found.weeks else 0
    weeks = [(run.week_of(mark.happened_on), letter) for letter, mark in marks]
    weeks = [(week, letter) for week, letter in weeks if 1 <= week <= last]
    video = next((each for each in facts.videos if each.activity == shown.activity), None)
    results = None
    if shown.work is not None and shown.work.scores.middle is not None:
        results = charts.marks_chart(
            upper(shown.name), shown.work.bins, _marks_sentence(shown.work, words), words, slug="results"
        )
    return {
        "openings": charts.openings_chart(found, shown.cells, shown.due, earlier, weeks, sentence, words),
        "results": results,
        "work": _work(shown.work, words) if shown.work else None,
        "video": video_chart(video, words, "seen") if video else None,
        "video_row": _video(video, words) if video else None,
        "kind": type_name(shown.type, many=False),
    }


def beside_row(name: str, size: int, other: Item, words: Words) -> tuple[str, str, str, str, str]:
    """An earlier run's thing of the same name as a row: run, learners, ever used, handed in, marks."""
    handed_in = of_all(other.work.handed_in, words) if other.work and other.work.recorded else "–"
    return (
        name,
        words.number(size),
        of_all(other.users, words),
        handed_in,
        _marks(other.work, words) if other.work else "–",
    )
