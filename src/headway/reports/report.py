"""The list of a scored run as one HTML file: whom to contact first, why, how sure, and how well this did before.

`ListReport` holds all that the page shows. The page adds words and layout, and no figure of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from headway.advising import wording
from headway.advising.caseload import Caseload, Entry
from headway.advising.wording import LISTS, SHAPES, LabelWords, ListName, frequency, label_words, tenths
from headway.domain.time import AsOf
from headway.evaluation.metrics import ReliabilityBin
from headway.explanation.reasons import Reason
from headway.reports.charts import (
    CHANCE,
    Axis,
    Chart,
    Point,
    Series,
    line_chart,
    reason_bars,
    reliability_chart,
    whole,
)
from headway.reports.evaluation import EvaluationReport, grouped
from headway.reports.pages import Provenance, counted, day_element, moment, percent, render

STALE_AFTER: Final = timedelta(hours=36)
"""When data ends so long before the as-of time, the page says that its order may be out of date."""


@dataclass(frozen=True, slots=True)
class PastCheck:
    """How a list of the same size did on a finished run, beside the simple rule.

    Attributes:
        where: the finished run and its day: `AAA 2013J, day 56`.
        k: how many were put first.
        hits: for how many of them the label came true.
        rule: the rule in words: `no visit for 7 days`.
        rule_hits: for how many of the rule's first `k` it came true.
    """

    where: str
    k: int
    hits: int
    rule: str
    rule_hits: int


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """A learner's risk as it was said on a day of the course, never computed again."""

    day: int
    risk: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ListReport:
    """All that the page of a scored run shows.

    Attributes:
        run: the run's id, `oulad/AAA/2014J`.
        label: the label that is predicted.
        as_of: the as-of time of the scores.
        zone: the course's time zone.
        caseload: the cohort in order.
        made: what the scores were made from.
        title: the course's title, where it has one.
        day: day of the course at the as-of time.
        data_up_to: the last instant of which records had arrived.
        past_check: how such a list did before; None where that is not known.
        history: earlier risks by learner, oldest first.
        evaluation: figures about the model.
        reliability: bins of said against observed rates.
        notes: assumptions and cautions, as sentences.
    """

    run: str
    label: str
    as_of: AsOf
    zone: str
    caseload: Caseload
    made: Provenance
    title: str = ""
    day: int | None = None
    data_up_to: datetime | None = None
    past_check: PastCheck | None = None
    history: Mapping[str, Sequence[RiskPoint]] = field(default_factory=dict)
    evaluation: EvaluationReport | None = None
    reliability: tuple[ReliabilityBin, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Shown:
    """One learner as the template shows them."""

    order: int
    learner: str
    chance: str
    frequency: str
    main: Reason | None
    seen: str
    bars: Chart | None
    course: Chart | None


def render_list(report: ListReport) -> str:
    """The HTML page of a scored run; the same report gives the same bytes."""
    words = label_words(report.label)
    caseload = report.caseload
    calibration = (
        reliability_chart("What it says and what came true", report.reliability, words, slug="reliability")
        if report.reliability
        else None
    )
    return render(
        "list.html",
        report=report,
        words=words,
        wording=wording,
        shapes=SHAPES,
        headline=headline(report, words),
        hit_rate=hit_rate(report.past_check, words),
        as_of=moment(report.as_of.instant, report.zone),
        as_of_day=day_element(report.as_of.day(report.zone)),
        data_up_to=moment(report.data_up_to, report.zone) if report.data_up_to else None,
        stale=report.data_up_to is not None and report.as_of.instant - report.data_up_to > STALE_AFTER,
        made_at=moment(report.made.made_at, "UTC"),
        reach_out=[_shown(entry, report, words) for entry in caseload.of("Reach out")],
        check_in=[_shown(entry, report, words) for entry in caseload.of("Check in")],
        not_visited=[(each.learner, _seen(each.days_since_visit, report)) for each in caseload.not_visited],
        problem=course_problem(caseload),
        counts=caseload.counts(),
        lists=LISTS,
        calibration=calibration,
        groups=grouped(report.evaluation) if report.evaluation else (),
    )


def headline(report: ListReport, words: LabelWords) -> str:
    """The page's first sentence: what is the matter, and what to do."""
    caseload = report.caseload
    looked_at = len(caseload.entries) + len(caseload.too_early)
    if not looked_at:
        return "No learner is enrolled at this time, so there is nobody to contact."
    if not caseload.entries:
        return f"{wording.TOO_EARLY} for all {counted(looked_at, 'learner', 'learners')}."
    listed = len(caseload.listed)
    if not listed:
        return f"Nobody needs contact this week. {counted(looked_at, 'learner', 'learners')} looked at."
    about = round(caseload.expected)
    told = f"about {about}" if about else "fewer than 1"
    return (
        f"Reach out to {listed:,} of {counted(looked_at, 'learner', 'learners')} this week. "
        f"If this run goes as earlier ones did, {told} of these {listed:,} would be among those who {words.happened}."
    )


def hit_rate(check: PastCheck | None, words: LabelWords) -> str:
    """How often such a list was right before, with the rule beside it, or that this is not known."""
    if check is None:
        return "There is no finished run to check this list against yet, so nobody knows how often it is right."
    verdict = "" if check.hits > check.rule_hits else " So it was no better than the rule there."
    return (
        f"Check on {check.where}: of the {check.k} it put first, {check.hits} {words.happened} and "
        f"{check.k - check.hits} did otherwise. The simple rule “{check.rule}” had {check.rule_hits}.{verdict}"
    )


def course_problem(caseload: Caseload) -> str:
    """The sentence for a cohort too large a part of which is above the past cut; empty where it is not."""
    if not caseload.course_problem or caseload.share_above is None:
        return ""
    return (
        f"{wording.COURSE_PROBLEM}: {percent(caseload.share_above)} of learners are above the line at which capacity "
        "ended in earlier runs. Look at the course first."
    )


def _shown(entry: Entry, report: ListReport, words: LabelWords) -> _Shown:
    candidate = entry.candidate
    listed: ListName = "Reach out"
    risks = (candidate.risk, candidate.low, candidate.high)
    return _Shown(
        order=entry.order,
        learner=candidate.learner,
        chance=tenths(*risks),
        frequency=frequency(*risks, report.label),
        main=entry.main_reason,
        seen=_seen(candidate.days_since_visit, report),
        bars=reason_bars(candidate.reasons, words) if entry.list == listed and candidate.reasons else None,
        course=_over_time(entry, report, words) if entry.list == listed else None,
    )


def _seen(days: int | None, report: ListReport) -> str:
    if days is None:
        return "no visit yet"
    return day_element(report.as_of.day(report.zone) - timedelta(days=days))


def _over_time(entry: Entry, report: ListReport, words: LabelWords) -> Chart | None:
    """The learner's chance by day; None where it was told only once."""
    history = report.history.get(entry.candidate.learner, ())
    if len(history) < 2:
        return None
    points = tuple(Point(each.day, each.risk, each.low, each.high) for each in history)
    first, last = history[0], history[-1]
    before, now = (tenths(each.risk, each.low, each.high) for each in (first, last))
    sentence = f"Day {first.day}: {before}. Day {last.day}: {now}. Shaded: where the true chance probably lies."
    days = Axis(first.day, last.day, tuple(point.x for point in points), whole, "day of the course")
    title = f"{words.chance[:1].upper()}{words.chance[1:]}, day by day"
    series = (Series(words.chance, points),)
    return line_chart(title, series, days, CHANCE, sentence, slug=f"chance-{entry.order}")
