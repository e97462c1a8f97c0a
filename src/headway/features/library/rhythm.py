"""On which days a learner is there, and how regularly."""

from typing import TYPE_CHECKING

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
