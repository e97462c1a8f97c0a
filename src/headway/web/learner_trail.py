"""The activity trail as the page shows it: a strip of days, weeks, and one page of events; cut from what was read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from headway.description.items import UNNAMED
from headway.description.names import from_id
from headway.description.summary import upper
from headway.domain.time import midnight, zone_of
from headway.explanation.reasons import Reason
from headway.flow.trail import Act, Behind, HandIn, Trail, behind
from headway.reports.charts import Chart
from headway.web.learner_charts import day_strip
from headway.web.learner_view import LearnerView
from headway.web.words import Words

PAGE: Final = 8
MOST_DAY_WEEKS: Final = 16
"""In a course of more weeks the table tells days in use and not each day: it would be most of the page."""


@dataclass(frozen=True, slots=True)
class ActRow:
    """An event in words."""

    what: str
    where: str
    at: datetime
    on: date
    exact: bool


@dataclass(frozen=True, slots=True)
class HandInRow:
    """An assessment in words; `due_at` is None where only the day is known, `due_here` tells it in both zones."""

    title: str
    due_at: datetime | None
    due_on: date | None
    due_here: bool
    sign: str
    state: str
    score: float | None


@dataclass(frozen=True, slots=True)
class WeekRow:
    """A course week: how many things were done on each of its days; `to` leads to its events.

    In a long course there is one number instead of seven: on how many days anything was done.
    """

    number: int
    days: tuple[int, ...]
    all: int
    to: str


@dataclass(frozen=True, slots=True)
class TrailView:
    """All that the trail's part of the page shows.

    Attributes:
        zone: the course's.
        strip: the drawing of days.
        weekdays: names of the columns: the days of the week from that on which the course begins.
        by_week: a row for each week.
        week: the week whose events are shown; 0 for none in particular.
        reason: the reason whose events are shown.
        rests_on_plan: whether that reason counts no event.
        span: from when and up to when events are shown.
        acts: the page of events.
        first: number of the first of them.
        last: number of the last.
        total: how many there are.
        newer: address of the page before.
        older: address of the page after.
        all_at: address of all events.
        hand_ins: the assessments.
        skills: what was practised, in words.
        empty: whether nothing at all is recorded.
        any_due: whether a due date is drawn.
    """

    zone: str
    strip: Chart
    weekdays: tuple[str, ...]
    by_week: tuple[WeekRow, ...]
    week: int
    reason: Reason | None
    rests_on_plan: bool
    span: tuple[date | None, date] | None
    acts: tuple[ActRow, ...]
    first: int
    last: int
    total: int
    newer: str
    older: str
    all_at: str
    hand_ins: tuple[HandInRow, ...]
    skills: tuple[str, ...]
    empty: bool
    any_due: bool


def reason_asked(view: LearnerView) -> Reason | None:
    """The reason whose events the address asks for; None where it asks for none, or for one that was not given."""
    feature = view.visit.query.get("reason", "")
    found = (each for _, some in view.reasons for each in some if each.feature == feature)
    return next(found, None)


def trail_view(view: LearnerView, trail: Trail, skills: tuple[str, ...]) -> TrailView:
    """What is shown of a trail: of a reason, of a week, or the last events."""
    run, words, query = view.seen.run, view.visit.words, view.visit.query
    today = view.until.day(run.zone)
    reason, week = reason_asked(view), 0 if reason_asked(view) else _number(query.get("week", ""))
    week = week if week <= run.weeks + 1 else 0
    wanted = Behind()
    if reason is not None and view.said_on is not None:
        wanted = behind(reason.feature, view.said_on)
    elif week:
        begins = run.starts_on + timedelta(days=7 * (week - 1))
        wanted = Behind(begins, min(begins + timedelta(days=6), today))
    kept = trail.where(wanted)
    first = max(0, min(_number(query.get("from", "")), len(kept) - 1)) // PAGE * PAGE
    acts, names = kept.page(first, PAGE), names_of_work(trail, words)
    days = trail.days()
    due = sorted({each.due_on for each in trail.hand_ins if each.due_on is not None})
    due = [day for day in due if run.starts_on <= day <= max(run.ends_on, today)]
    asked = {"reason": reason.feature if reason else "", "week": week or ""}
    return TrailView(
        zone=run.zone,
        strip=day_strip(days, run, today, due, words, slug="days"),
        weekdays=_columns(view, words),
        by_week=_by_week(view, days),
        week=week,
        reason=reason,
        rests_on_plan=wanted.nothing,
        span=None if wanted.until is None or wanted.nothing else (wanted.since, wanted.until),
        acts=tuple(act_row(each, names, words) for each in acts),
        first=first + 1,
        last=first + len(acts),
        total=len(kept),
        newer=f"{view.link('', **asked, **{'from': first - PAGE or ''})}#events" if first else "",
        older=f"{view.link('', **asked, **{'from': first + PAGE})}#events" if first + PAGE < len(kept) else "",
        all_at=f"{view.link()}#trail",
        hand_ins=tuple(_hand_in(each, names, today, run.zone, words) for each in trail.hand_ins),
        skills=skills,
        empty=len(trail) == 0,
        any_due=bool(due),
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0


def _weekday(day: date, words: Words) -> str:
    from babel.dates import format_date

    return format_date(day, "EEE", locale=words.locale)


def _columns(view: LearnerView, words: Words) -> tuple[str, ...]:
    run = view.seen.run
    if run.weeks > MOST_DAY_WEEKS:
        return (words.gettext("Days"),)
    return tuple(_weekday(run.starts_on + timedelta(days=day), words) for day in range(7))


def _by_week(view: LearnerView, days: dict[date, int]) -> tuple[WeekRow, ...]:
    """A row for each week with anything before it or in it, up to the last day that is known."""
    run = view.seen.run
    last = min(run.weeks, max(1, run.week_of(view.until.day(run.zone))))
    rows = []
    early = sum(number for day, number in days.items() if day < run.starts_on)
    short = run.weeks > MOST_DAY_WEEKS
    if early:
        rows.append(WeekRow(0, (0,) * (1 if short else 7), early, ""))
    for week in range(1, last + 1):
        begins = run.starts_on + timedelta(days=7 * (week - 1))
        counts = tuple(days.get(begins + timedelta(days=day), 0) for day in range(7))
        shown = (sum(count > 0 for count in counts),) if short else counts
        rows.append(WeekRow(week, shown, sum(counts), f"{view.link('', week=week)}#events"))
    return tuple(rows)


def names_of_work(trail: Trail, words: Words) -> dict[str, str]:
    """What assessments without a title are called: their type, counted in the order of their due dates."""
    _, seen, names = words.gettext, dict[str, int](), dict[str, str]()
    kinds = {"assignment": _("Assignment %(n)s"), "test": _("Test %(n)s"), "exam": _("Exam %(n)s")}
    for each in trail.hand_ins:
        seen[each.type] = seen.get(each.type, 0) + 1
        if each.title == each.activity and each.type in kinds:
            names[each.activity] = kinds[each.type] % {"n": words.number(seen[each.type])}
    return names


def act_row(act: Act, names: Mapping[str, str], words: Words) -> ActRow:
    """An event in words."""
    _ = words.gettext
    what = verbs(_).get(act.verb, _("Did something"))
    if act.verb == "interacted" and act.event:
        what = act.event.replace("_", " ").capitalize()
    more = []
    if act.times > 1:
        more.append(_("%(times)s times") % {"times": words.number(act.times)})
    if act.duration_s and act.duration_s >= 60:
        more.append(_("%(minutes)s min") % {"minutes": words.number(round(act.duration_s / 60))})
    if act.score is not None:
        more.append(words.percent(act.score))
    return ActRow(", ".join([what, *more]), names.get(act.title) or _where(act), act.at, act.on, act.exact)


def _where(act: Act) -> str:
    """What something was done to: by its title, else as the course page calls it."""
    if not act.object or act.title != act.object:
        return act.title or act.type
    return upper(from_id(act.object, act.type or UNNAMED))


def verbs(_: Callable[[str], str]) -> dict[str, str]:
    """What was done, in words."""
    return {
        "viewed": _("Opened"),
        "downloaded": _("Downloaded"),
        "searched": _("Searched"),
        "played": _("Watched"),
        "paused": _("Paused"),
        "seeked": _("Jumped"),
        "completed": _("Completed"),
        "progressed": _("Came further"),
        "started": _("Began"),
        "answered": _("Answered"),
        "submitted": _("Handed in"),
        "asked_for_help": _("Asked for a hint"),
        "posted": _("Wrote"),
        "replied": _("Replied"),
        "reacted": _("Reacted"),
        "messaged": _("Sent a message"),
        "created": _("Made"),
        "changed": _("Changed"),
        "removed": _("Removed"),
        "joined": _("Joined"),
        "left": _("Left"),
        "logged_in": _("Signed in"),
        "logged_out": _("Signed out"),
        "interacted": _("Used"),
    }


def _hand_in(found: HandIn, names: Mapping[str, str], today: date, zone: str, words: Words) -> HandInRow:
    sign, state = _state(found, today, words)
    day_only = found.due_at is None or found.due_on is None or is_midnight(found.due_at, zone)
    return HandInRow(
        title=names.get(found.title, found.title),
        due_at=None if day_only else found.due_at,
        due_on=found.due_on,
        due_here=not day_only and found.due_at is not None and _differs(found.due_at, zone, words.zone),
        sign=sign,
        state=state,
        score=found.score,
    )


def is_midnight(instant: datetime, zone: str) -> bool:
    """Whether an instant is the beginning of a local day: as a due date it means the day, not the minute."""
    local = instant.astimezone(zone_of(zone)).date()
    return instant in (midnight(local, zone), midnight(local + timedelta(days=1), zone))


def _differs(instant: datetime, zone: str, other: str) -> bool:
    return instant.astimezone(zone_of(zone)).utcoffset() != instant.astimezone(zone_of(other)).utcoffset()


def _state(found: HandIn, today: date, words: Words) -> tuple[str, str]:
    """A sign and what became of an assessment."""
    _, state, days = words.gettext, found.state(today), abs(found.days_late)
    if state == "transferred":
        return "●", _("brought from an earlier run")
    if state == "missing":
        return "○", _("not handed in")
    if state == "to come":
        return "–", _("still to come")
    if state == "late":
        late = words.ngettext("%(num)s day late", "%(num)s days late", days)
        return "◐", late % {"num": words.number(days)}
    if days == 0:
        return "●", _("on the day")
    early = words.ngettext("%(num)s day early", "%(num)s days early", days)
    return "●", early % {"num": words.number(days)}
