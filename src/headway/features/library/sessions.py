"""How long learners were probably at it, in sessions and minutes; only where a log tells the time of day."""

from typing import TYPE_CHECKING

from headway.features.definition import feature

if TYPE_CHECKING:
    import ibis.expr.types as ir


def _within(days: int) -> None:
    def sessions(s: "ir.Table") -> "ir.Value":
        """Sessions in the latest days; a pause of half an hour or midnight ends one."""
        return s.sessions.sum(where=s.age_days < days)

    def minutes(s: "ir.Table") -> "ir.Value":
        """Estimated minutes on task in the latest days."""
        return s.seconds.sum(where=s.age_days < days) / 60

    feature(
        name=f"sessions_{days}d",
        reads="sessions",
        window=days,
        unit="sessions",
        absent=0,
        domain="visits",
        sentence=f"{{value}} sessions in the last {days} days (course middle: {{median}})",
    )(sessions)
    feature(
        name=f"minutes_{days}d",
        reads="sessions",
        window=days,
        unit="minutes",
        absent=0,
        domain="visits",
        sentence=f"About {{value}} minutes in the course in the last {days} days (course middle: {{median}})",
    )(minutes)


for _window in (7, 14, 28):
    _within(_window)


@feature(
    reads="sessions",
    unit="minutes",
    absent=0,
    domain="visits",
    sentence="About {value} minutes in the course so far (course middle: {median})",
)
def minutes_total(s: "ir.Table") -> "ir.Value":
    """Estimated minutes on task so far."""
    return s.seconds.sum() / 60


@feature(
    reads="sessions",
    unit="minutes",
    window=28,
    domain="visits",
    sentence="A session takes {value} minutes (course middle: {median})",
)
def session_minutes_28d(s: "ir.Table") -> "ir.Value":
    """Mean length of the sessions of the last 28 days, in estimated minutes."""
    recent = s.age_days < 28
    return s.seconds.sum(where=recent) / 60 / s.sessions.sum(where=recent).nullif(0)


@feature(
    reads="sessions",
    unit="minutes",
    window=28,
    absent=0,
    domain="visits",
    sentence="Longest session in the last four weeks {value} minutes (course middle: {median})",
)
def longest_session_minutes_28d(s: "ir.Table") -> "ir.Value":
    """Estimated minutes of the longest session of the last 28 days."""
    return s.longest_s.max(where=s.age_days < 28) / 60


@feature(
    reads=("minutes_7d", "minutes_14d"),
    unit="log ratio",
    window=14,
    bounds=(None, None),
    domain="visits",
    sentence="Time this week against the week before: {value} (course middle: {median})",
)
def minutes_change_7d(f: "ir.Table") -> "ir.Value":
    """Natural log of (minutes of the last 7 days + 1) over (minutes of the 7 days before + 1)."""
    return ((f.minutes_7d + 1) / (f.minutes_14d - f.minutes_7d + 1)).ln()
