"""On which days a learner is there, and how regularly."""

from math import cos, log, pi, sin
from typing import TYPE_CHECKING

import ibis

from headway.features.definition import feature

if TYPE_CHECKING:
    import ibis.expr.types as ir


def _active_days_within(days: int) -> None:
    def define(d: "ir.Table") -> "ir.Value":
        """Days with activity among the latest days, the as-of day included."""
        return (d.age_days < days).sum()

    feature(
        name=f"active_days_{days}d",
        reads="days",
        window=days,
        unit="days",
        bounds=(0, days),
        absent=0,
        domain="visits",
        sentence=f"Active on {{value}} of the last {days} days (course middle: {{median}})",
    )(define)


for _window in (7, 14, 28):
    _active_days_within(_window)


@feature(
    reads="days",
    unit="days",
    absent=0,
    domain="visits",
    sentence="Active on {value} days since the start (course middle: {median})",
)
def active_days_total(d: "ir.Table") -> "ir.Value":
    """Days with activity since the course started."""
    return (d.course_day >= 0).sum()


@feature(
    reads="days",
    unit="days",
    absent=0,
    changeable=False,
    domain="visits",
    sentence="Active on {value} days before the course began (course middle: {median})",
)
def active_days_before_start(d: "ir.Table") -> "ir.Value":
    """Days with activity before the first day of the course."""
    return (d.course_day < 0).sum()


@feature(
    reads="days",
    unit="weeks",
    absent=0,
    domain="timing",
    sentence="Active in {value} of the weeks so far (course middle: {median})",
)
def active_weeks(d: "ir.Table") -> "ir.Value":
    """Course weeks with any activity; the first week is week 0."""
    return (d.course_day // 7).nunique(where=d.course_day >= 0)


@feature(
    reads="days",
    unit="share",
    window=28,
    bounds=(0, 1),
    domain="timing",
    sentence="{value} of recent activity at weekends (course middle: {median})",
)
def weekend_share_28d(d: "ir.Table") -> "ir.Value":
    """Share of the interactions of the last 28 days that fell on Saturday or Sunday."""
    recent = d.age_days < 28
    return d.interactions.sum(where=recent & (d.weekday >= 5)).fill_null(0) / d.interactions.sum(where=recent)


@feature(
    reads="days",
    unit="days",
    absent=0,
    domain="timing",
    sentence="Longest run of active days: {value} (course middle: {median})",
)
def longest_streak_days(d: "ir.Table") -> "ir.Value":
    """Length of the longest unbroken run of active days."""
    return d.streak_days.max()


@feature(
    reads="days",
    unit="days",
    absent=0,
    domain="timing",
    sentence="Active for {value} days in a row up to now (course middle: {median})",
)
def current_streak_days(d: "ir.Table") -> "ir.Value":
    """Length of the run of active days that reaches to the as-of day or the day before it; 0 if none does."""
    return d.streak_days.max(where=d.age_days <= 1)


@feature(
    reads="days",
    unit="days",
    domain="timing",
    sentence="Longest pause so far: {value} days (course middle: {median})",
)
def longest_gap_days(d: "ir.Table") -> "ir.Value":
    """Longest pause between two active days since the start, in days without activity."""
    return d.gap_days.max(where=d.course_day >= 0)


@feature(
    reads="days",
    unit="days",
    domain="timing",
    sentence="Visits come unevenly: pauses vary by {value} days (course middle: {median})",
)
def gap_spread_days(d: "ir.Table") -> "ir.Value":
    """Standard deviation of the pauses between active days, in days."""
    return d.gap_days.cast("float64").std(how="pop")


def _parts_of(table: "ir.Table", column: str, parts: int, weight: "ir.Value | None" = None) -> "list[ir.Value]":
    """What falls on each value of a column of small whole numbers."""
    of = [table[column] == part for part in range(parts)]
    found = [one.sum() for one in of] if weight is None else [weight.sum(where=one) for one in of]
    return [one.fill_null(0).cast("float64") for one in found]


def _entropy(parts: "list[ir.Value]") -> "ir.Value":
    """Shannon's entropy of the shares, over that of equal shares."""
    total = sum(parts[1:], parts[0])
    logs = [part * ibis.greatest(part, 1.0).ln() for part in parts]
    return (total.nullif(0).ln() - sum(logs[1:], logs[0]) / total.nullif(0)) / log(len(parts))


def _concentration(parts: "list[ir.Value]") -> "ir.Value":
    """Length of the mean direction of the shares on a circle: 0 spread evenly, 1 all at one place."""
    turns = [2 * pi * number / len(parts) for number in range(len(parts))]
    east = [part * cos(turn) for part, turn in zip(parts, turns, strict=True)]
    north = [part * sin(turn) for part, turn in zip(parts, turns, strict=True)]
    x, y = sum(east[1:], east[0]), sum(north[1:], north[0])
    return (x * x + y * y).sqrt() / sum(parts[1:], parts[0]).nullif(0)


@feature(
    reads="days",
    unit="share of the most",
    bounds=(0, 1),
    domain="visits",
    sentence="Spread over the days of the week: {value} (course middle: {median})",
)
def weekday_entropy(d: "ir.Table") -> "ir.Value":
    """Entropy of the weekdays of active days, 0 (always the same) to 1 (all alike); Boroujeni and others 2016."""
    return _entropy(_parts_of(d, "weekday", 7))


@feature(
    reads="days",
    unit="share",
    bounds=(0, 1),
    domain="visits",
    sentence="How much the active days keep to a week's rhythm: {value} (course middle: {median})",
)
def weekly_rhythm(d: "ir.Table") -> "ir.Value":
    """Strength of the seven-day period in the active days (its Fourier coefficient over that at zero), 0 to 1."""
    return _concentration(_parts_of(d, "weekday", 7))


@feature(
    reads="hours",
    unit="share of the most",
    bounds=(0, 1),
    domain="visits",
    sentence="Spread over the hours of the day: {value} (course middle: {median})",
)
def hour_entropy(h: "ir.Table") -> "ir.Value":
    """Entropy of the time of day of all acts, in bands of four hours, 0 (always the same) to 1 (all alike)."""
    return _entropy(_parts_of(h, "band", 6, h.interactions))


@feature(
    reads="hours",
    unit="share",
    bounds=(0, 1),
    domain="visits",
    sentence="How much the acts keep to one time of day: {value} (course middle: {median})",
)
def daily_rhythm(h: "ir.Table") -> "ir.Value":
    """Strength of the daily period in all acts (length of their mean direction on the clock), 0 to 1."""
    return _concentration(_parts_of(h, "band", 6, h.interactions))


@feature(
    reads="hours",
    unit="share",
    bounds=(0, 1),
    domain="visits",
    sentence="{value} of all acts between midnight and four (course middle: {median})",
)
def night_share(h: "ir.Table") -> "ir.Value":
    """Share of the acts that fall between midnight and four in the morning."""
    return h.interactions.sum(where=h.band == 0).fill_null(0) / h.interactions.sum()
