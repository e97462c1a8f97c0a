"""The course description as one HTML file, the first printed page of which says in plain words what matters.

The page adds words and layout to a `CourseDescription` and no number of its own: what is hidden there cannot be here.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from markupsafe import Markup

from headway.description.activity import TimeOnTask
from headway.description.assessments import HandIns
from headway.description.course import CourseDescription
from headway.description.drop_off import Stops
from headway.description.forums import ANSWER_DAYS, Forums
from headway.description.groups import SMALLEST, Part, Spread
from headway.description.heatmap import Heatmap
from headway.description.names import type_name
from headway.description.patterns import Pattern
from headway.description.retention import Retention
from headway.description.summary import place_words, some, upper
from headway.description.timeline import NEAR_DAYS, Turn
from headway.description.videos import Video
from headway.domain.runs import RunId
from headway.reports.charts import Chart
from headway.reports.course_charts import (
    Column,
    columns_chart,
    profile,
    retention_chart,
    share_bar,
    timeline_chart,
)
from headway.reports.pages import Provenance, counted, day_element, day_text, moment, percent, render

MOST_TURNS: Final = 12
MOST_RESOURCES: Final = 15
MOST_VIDEOS: Final = 40
FEW: Final = f"fewer than {SMALLEST}"
HIDDEN: Final = f"{FEW}, or next to such"
"""A hidden count of several that add up: it is small itself, or would give a small one away."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One number of the strip on top: what it is, and the number with its words."""

    name: str
    told: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the table of things by weeks: its text, its shade (0 to 5) and whether something is due."""

    text: str
    shade: int
    due: bool


@dataclass(frozen=True, slots=True)
class PatternShown:
    """A pattern with its drawing."""

    name: str
    share: Markup
    words: str
    chart: Chart | None


def course_page(description: CourseDescription, made: Provenance) -> str:
    """The HTML page of a course description; the same description gives the same bytes.

    Args:
        description: what `headway.description.course.describe` returned.
        made: what it was made from.
    """
    found = description
    turns = _turns(found)
    return render(
        "course.html",
        found=found,
        made=made,
        made_at=moment(made.made_at, "UTC"),
        facts=_facts(found),
        patterns=_patterns(found),
        points=list(zip(found.drop_offs.points, found.summary.drop_offs, strict=False)),
        look=place_words(found.drop_offs.points[0]) if found.drop_offs.points else "",
        stops=_stops(found),
        retention=_retention(found.retention) if found.retention else None,
        retention_words=_retention_words(found.retention) if found.retention else (),
        turns=[_turn_words(each) for each in turns],
        timeline=_timeline(found, turns),
        heatmap=found.heatmap,
        heat_columns=["before" if week == 0 else str(week) for week in found.heatmap.weeks] if found.heatmap else (),
        heat_rows=_heat_rows(found.heatmap) if found.heatmap else (),
        types=_types(found),
        resources=_resources(found),
        time_words=_time_words(found.activity.time) if found.activity else "",
        spreads=_spreads(found),
        work=[_work(each) for each in found.assessments.due] if found.assessments else (),
        marks=_marks(found),
        videos=[_video(each, index) for index, each in enumerate(found.videos[:MOST_VIDEOS], 1)],
        forum_words=_forum_words(found.forums) if found.forums else (),
        MOST_VIDEOS=MOST_VIDEOS,
    )


def part_words(told: Part) -> str:
    """A part as people read it: `319 of 349 (91%)`, or how it is hidden."""
    if told.of is None:
        return f"too few to tell ({FEW})"
    if told.share is None:
        return f"{some(told)} of {told.of:,}" if told.of else "–"
    return f"{told.count:,} of {told.of:,} ({percent(told.share)})"


def spread_words(found: Spread, unit: str = "", digits: int = 0) -> str:
    """A spread as people read it: `half between 18 and 35 weeks, the middle 28`."""
    if found.low is None or found.middle is None or found.high is None:
        return "too few learners to tell"
    low, middle, high = (f"{each:,.{digits}f}" for each in (found.low, found.middle, found.high))
    return f"half between {low} and {high}{unit and ' ' + unit}, the middle {middle}"


def _facts(found: CourseDescription) -> list[Fact]:
    facts = [Fact("Learners", f"{found.learners:,}")]
    if found.activity:
        facts.append(Fact("Came at all", part_words(found.activity.came)))
    facts.append(Fact("Stopped coming", part_words(found.drop_offs.stopped)))
    if found.withdrew:
        facts.append(Fact("Withdrew", part_words(found.withdrew)))
    if found.finished:
        facts.append(Fact("Finished", part_words(found.finished)))
    if found.activity:
        facts.append(Fact("Days active", spread_words(found.activity.active_days)))
        if found.activity.time.known:
            facts.append(Fact("Hours on task", spread_words(found.activity.time.hours)))
    return facts


def _patterns(found: CourseDescription) -> list[PatternShown]:
    most = max((days for each in found.patterns.groups for days in each.weekly), default=0.0)
    top = next(top for top in (1, 2, 4, 7) if most <= top)
    pairs = zip(found.patterns.groups, found.summary.patterns, strict=False)
    return [_pattern(each, words, index, top) for index, (each, words) in enumerate(pairs, 1)]


def _pattern(pattern: Pattern, words: str, index: int, top: int) -> PatternShown:
    chart = None
    if pattern.weekly:
        first, last = pattern.weekly[0], pattern.weekly[-1]
        sentence = (
            f"Days a week with activity, mean of these learners: {first:.1f} in week 1, {last:.1f} in week "
            f"{len(pattern.weekly)}."
        )
        chart = profile(
            f"{upper(pattern.name)}: days a week", pattern.weekly, sentence, slug=f"pattern-{index}", top=top
        )
    told = words.partition(": ")[2]
    return PatternShown(upper(pattern.name), share_bar(pattern.learners), told, chart)


def _stops(found: CourseDescription) -> Chart | None:
    weeks = found.drop_offs.weeks
    if not weeks:
        return None
    step = found.drop_offs.step_days
    columns = [
        Column(
            _stretch(each, step),
            None if each.stopped is None else float(each.stopped),
            HIDDEN if each.stopped is None else f"{each.stopped:,}",
        )
        for each in weeks
    ]
    points = [point.first_day for point in found.drop_offs.points if point.first_day is not None]
    marked = frozenset(
        index for index, each in enumerate(weeks) if any(each.first_day <= day <= each.last_day for day in points)
    )
    sentence = "Learners whose last activity was then. Dashed: what the time before and after lets one expect."
    if any(each.stopped is None for each in weeks):
        sentence += f" Hollow: {HIDDEN}."
    header = ("Week" if step == 7 else "Days", "Stopped", "Expected")
    return columns_chart(
        "When learners stopped coming",
        columns,
        sentence,
        header,
        slug="stops",
        axis=f"{'week' if step == 7 else 'day'} of the last activity",
        expected=[each.expected for each in weeks],
        marked=marked,
        every=max(1, math.ceil(len(weeks) / 8)),
    )


def _stretch(each: Stops, step: int) -> str:
    first, last = (each.first_day, each.last_day) if step != 7 else (each.first_day // 7, each.last_day // 7)
    return f"{first + 1}" if first == last else f"{first + 1}–{last + 1}"


def _retention(found: Retention) -> Chart:
    names = {found.this.run: "this run"} | {each.run: RunId.parse(each.run).run for each in found.earlier}
    last = found.this.points[-1]
    verb = "enrolled" if found.event == "withdrawal" else "coming"
    sentence = (
        f"After {_time(last.days)}, {percent(last.share)} were still {verb} "
        f"(likely {last.low * 100:.0f}–{last.high * 100:.0f}%)."
    )
    for each in found.earlier[-1:]:
        at = next(point for point in reversed(each.points) if point.days <= last.days)
        sentence += f" In {names[each.run]}, after {_time(at.days)}: {percent(at.share)}."
    return retention_chart(found, sentence, names, slug="retention")


def _time(days: int) -> str:
    return counted(days // 7, "week", "weeks") if days % 7 == 0 else counted(days, "day", "days")


def _retention_words(found: Retention) -> list[str]:
    words = []
    if found.event == "withdrawal":
        words.append("Who withdrew counts as gone from that day. Who stopped coming without withdrawing does not.")
    else:
        words.append(
            f"No withdrawal is in the record, so who was silent for {found.silent_days} days and did not finish counts "
            "as gone from the last activity on."
        )
    words.append(
        "Time counts from the first day of the course, for later joiners from the day they joined. The shaded band "
        "says where the true share probably lies (95%)."
    )
    if not found.earlier:
        words.append("No earlier run of this course is known to compare with.")
    return words


def _turns(found: CourseDescription) -> tuple[Turn, ...]:
    """The turns with the greatest distance from the usual, in order of time."""
    if not found.timeline:
        return ()
    kept = sorted(found.timeline.turns, key=lambda turn: -abs(turn.z))[:MOST_TURNS]
    return tuple(turn for turn in found.timeline.turns if turn in kept)


def _timeline(found: CourseDescription, turns: tuple[Turn, ...]) -> Chart | None:
    if not found.timeline:
        return None
    due = [(each.due_on, each.name) for each in (found.assessments.due if found.assessments else ()) if each.due_on]
    busiest = max(found.timeline.days, key=lambda each: each.learners or 0)
    sentence = f"Most learners came on {day_text(busiest.on)}: {busiest.learners or 0:,}."
    if due:
        sentence += " Triangles and dotted lines: something is due."
    if turns:
        sentence += " Numbers: see the list below. Shaded: far fewer than usual."
    return timeline_chart(replace(found.timeline, turns=turns), due, sentence, slug="timeline")


def _turn_words(turn: Turn) -> Markup:
    when = day_element(turn.from_on)
    if turn.until_on != turn.from_on:
        when = Markup("{} to {}").format(when, day_element(turn.until_on))
    came = FEW if turn.learners is None else f"{turn.learners:,}"
    usual = f"{turn.expected:,.0f}"
    if turn.kind == "spike":
        told = f"{came} learners came; {usual} are usual for this weekday."
    elif turn.why == "no records":
        told = f"nothing of anyone is in the record; {usual} learners are usual."
    else:
        told = f"down to {came} learners on the lowest day; {usual} are usual for that weekday."
    why = {
        "due": f"Due within {NEAR_DAYS} days: {_listed(turn.things)}.",
        "opens": f"Opened within {NEAR_DAYS} days: {_listed(turn.things)}.",
        "first days": "The first days of the course.",
        "no records": "More likely a gap in the feed than a day off.",
        "not known": "Nothing due or opened lies near."
        if turn.kind == "spike"
        else "Nothing in the record explains it.",
    }[turn.why]
    return Markup("<b>{}</b>: {} {}").format(when, told, why)


def _listed(names: Sequence[str], most: int = 4) -> str:
    return ", ".join(names) if len(names) <= most else f"{len(names)} things"


def _heat_rows(found: Heatmap) -> list[tuple[str, str, list[Cell]]]:
    rows: list[tuple[str, str, list[Cell]]] = []
    for row in found.rows:
        cells = [Cell(*_cell(each), place in row.due) for place, each in enumerate(row.cells)]
        rows.append((row.kind, upper(row.name), cells))
    return rows


def _cell(told: Part) -> tuple[str, int]:
    """The text and shade of a share of a week's active learners."""
    if told.share is not None:
        share = told.share
    elif told.hidden == "all but few" and told.of:
        share = (told.of - SMALLEST + 1) / told.of
        return f"{int(share * 100)}+", _shade(share)
    else:
        return {"few": "·", "small group": "–"}.get(told.hidden or "", "–"), 0
    if not told.count:
        return "", 0
    return f"{share * 100:.0f}" if share >= 0.005 else "<1", _shade(share)


def _shade(share: float) -> int:
    return next((shade for shade, edge in ((5, 0.8), (4, 0.6), (3, 0.4), (2, 0.2), (1, 0.02)) if share >= edge), 0)


def _types(found: CourseDescription) -> list[tuple[str, Markup, str, str, str, str]]:
    if not found.activity:
        return []
    return [
        (
            upper(type_name(each.type)),
            share_bar(each.learners),
            part_words(each.learners),
            "–" if each.interactions is None else f"{each.interactions:,}",
            "–" if each.each.middle is None else f"{each.each.middle:,.0f}",
            "–" if each.hours is None else f"{each.hours:,.0f}",
        )
        for each in found.activity.types
    ]


def _resources(found: CourseDescription) -> list[tuple[str, Markup, str, str, str]]:
    if not found.activity:
        return []
    return [
        (
            upper(each.name),
            share_bar(each.learners),
            part_words(each.learners),
            "–" if each.interactions is None else f"{each.interactions:,}",
            "–" if each.each is None else f"{each.each:,.1f}",
        )
        for each in found.activity.resources[:MOST_RESOURCES]
    ]


def _time_words(time: TimeOnTask) -> str:
    if not time.known:
        return (
            "Time on task is not known: the source gives a total for each day, not single acts with a time of day. "
            "headway does not guess it from clicks."
        )
    minutes = (
        ""
        if time.minutes_a_sitting is None
        else f" A sitting lasts {time.minutes_a_sitting:.0f} minutes, in the middle."
    )
    return (
        f"Hours on task of each active learner: {spread_words(time.hours, 'hours', 1)}; in each week with activity "
        f"{spread_words(time.hours_a_week, 'hours', 1)}. Sittings: {spread_words(time.sittings)}.{minutes} This is an "
        f"estimate: an act lasts until the next one, {time.cap_minutes} minutes at most, and a pause of more than "
        f"{time.gap_minutes} minutes ends a sitting. Work away from the screen does not show."
    )


def _spreads(found: CourseDescription) -> list[Fact]:
    if not found.activity:
        return []
    used = found.activity
    return [
        Fact("Interactions of each learner", spread_words(used.each)),
        Fact("Days with activity", spread_words(used.active_days)),
        Fact(f"Weeks with activity, of {found.week}", spread_words(used.active_weeks)),
        Fact("All interactions", "–" if used.interactions is None else f"{used.interactions:,}"),
    ]


@dataclass(frozen=True, slots=True)
class WorkShown:
    """A piece of work as a row of its table."""

    name: str
    due_on: date | None
    weight: str
    bar: Markup
    handed_in: str
    late: str
    marks: str


def _work(each: HandIns) -> WorkShown:
    marks = "too few to tell" if each.scores.learners else "–"
    if each.scores.low is not None and each.scores.middle is not None and each.scores.high is not None:
        low, middle, high = (round(score * 100) for score in (each.scores.low, each.scores.middle, each.scores.high))
        marks = f"{low}–{high}%, middle {middle}%"
    return WorkShown(
        name=upper(each.name),
        due_on=each.due_on,
        weight="–" if each.weight is None else f"{each.weight:.0f}%",
        bar=share_bar(each.handed_in) if each.recorded else Markup(""),
        handed_in=part_words(each.handed_in) if each.recorded else "no hand-in is in the record",
        late=part_words(each.late) if each.recorded and each.late else "–",
        marks=marks,
    )


def _marks(found: CourseDescription) -> list[Chart]:
    charts = []
    for index, each in enumerate(found.assessments.due if found.assessments else (), 1):
        if each.scores.middle is None:
            continue
        columns = [
            Column(f"{tenth * 10}", None if count is None else float(count), HIDDEN if count is None else f"{count:,}")
            for tenth, count in enumerate(each.bins)
        ]
        sentence = (
            f"Middle {each.scores.middle * 100:.0f}%, {counted(each.scores.learners or 0, 'learner', 'learners')}."
        )
        if None in each.bins:
            sentence += f" Hollow: {HIDDEN}."
        header = ("Mark from (%)", "Learners")
        chart = columns_chart(
            upper(each.name), columns, sentence, header, slug=f"marks-{index}", axis="mark, in tenths from (%)", every=2
        )
        charts.append(chart)
    return charts


@dataclass(frozen=True, slots=True)
class VideoShown:
    """A recording as a row of its table, with its curve where places are known."""

    name: str
    length: str
    viewers: str
    watched: str
    bar: Markup
    half: str
    stop: str
    chart: Chart | None


def _video(each: Video, index: int) -> VideoShown:
    watched = "not known"
    if each.watched.low is not None and each.watched.middle is not None and each.watched.high is not None:
        watched = f"{percent(each.watched.low)}–{percent(each.watched.high)}, middle {percent(each.watched.middle)}"
    elif each.basis != "not known":
        watched = "too few to tell"
    stop = "–"
    if each.stop:
        stop = f"{_clock(each.stop.from_s)}–{_clock(each.stop.to_s)}: {part_words(each.stop.viewers)}"
    elif each.basis == "places":
        stop = "no clear one"
    length = "–" if each.length_s is None else f"{'about ' if each.length_estimated else ''}{_clock(each.length_s)}"
    return VideoShown(
        name=upper(each.name),
        length=length,
        viewers=part_words(each.viewers),
        watched=watched,
        bar=share_bar(each.half),
        half=part_words(each.half) if each.half else "not known",
        stop=stop,
        chart=_seen(each, index),
    )


def _seen(each: Video, index: int) -> Chart | None:
    if not each.seen or each.length_s is None or each.viewers.of is None:
        return None
    step = each.length_s / len(each.seen)
    columns = [Column(_clock(place * step), share, percent(share)) for place, share in enumerate(each.seen)]
    marked = frozenset([round(each.stop.from_s / step)]) if each.stop else frozenset()
    sentence = "Share of its viewers who saw each twentieth."
    if each.stop:
        sentence += f" Most of those who stop early do so at {_clock(each.stop.from_s)}–{_clock(each.stop.to_s)}."
    header = ("From", "Seen by")
    return columns_chart(
        upper(each.name),
        columns,
        sentence,
        header,
        slug=f"video-{index}",
        axis="minute",
        marked=marked,
        share=True,
        every=5,
    )


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return (
        f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}" if whole >= 3600 else f"{whole // 60}:{whole % 60:02}"
    )


def _forum_words(found: Forums) -> list[str]:
    words = [f"Took part, reading or writing: {part_words(found.took_part)}. Read: {part_words(found.read)}."]
    if found.wrote is None:
        return [*words, "No post of anyone is in the record. Either nobody wrote, or the source does not report it."]
    posts = "" if found.posts.middle is None else f" Posts of each of them: {spread_words(found.posts)}."
    words.append(f"Wrote: {part_words(found.wrote)}.{posts}")
    if found.threads is None:
        return [*words, "Which reply answers which question is not in the record, so waiting times are not known."]
    words.append(
        f"Learners opened {counted(found.threads, 'thread', 'threads')}. Of the {found.waited_for or 0:,} that are at "
        f"least {ANSWER_DAYS} days old, {found.unanswered or 0:,} had no reply of anyone else within that time."
    )
    if found.hours_to_reply is not None:
        waited = found.hours_to_reply
        told = f"{waited:.0f} hours" if waited < 48 else f"{waited / 24:.0f} days"
        staff = (
            ""
            if found.answered_by_staff is None
            else f" Staff wrote {percent(found.answered_by_staff)} of first replies."
        )
        words.append(f"Half of the answered ones had their first reply within {told}.{staff}")
    return words
