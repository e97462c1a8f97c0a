"""How much a learner does."""

from typing import TYPE_CHECKING

from headway.features.definition import feature

if TYPE_CHECKING:
    import ibis.expr.types as ir


def _interactions_within(days: int) -> None:
    def define(d: "ir.Table") -> "ir.Value":
        """Interactions in the latest days, the as-of day included."""
        return d.interactions.sum(where=d.age_days < days)

    feature(
        name=f"interactions_{days}d",
        reads="days",
        window=days,
        unit="interactions",
        absent=0,
        domain="visits",
        sentence=f"{{value}} clicks in the last {days} days (course middle: {{median}})",
    )(define)


for _window in (2, 7, 14, 28):
    _interactions_within(_window)


@feature(
    reads="days",
    unit="interactions",
    absent=0,
    domain="visits",
    sentence="{value} clicks since the start (course middle: {median})",
)
def interactions_total(d: "ir.Table") -> "ir.Value":
    """Interactions since the course started."""
    return d.interactions.sum(where=d.course_day >= 0)


@feature(
    reads="days",
    unit="interactions",
    absent=0,
    changeable=False,
    domain="visits",
    sentence="{value} clicks before the course began (course middle: {median})",
)
def interactions_before_start(d: "ir.Table") -> "ir.Value":
    """Interactions before the first day of the course."""
    return d.interactions.sum(where=d.course_day < 0)


@feature(
    reads="days",
    unit="interactions per active day",
    window=28,
    absent=0,
    domain="visits",
    sentence="{value} clicks on a usual active day (course middle: {median})",
)
def interactions_per_active_day_28d(d: "ir.Table") -> "ir.Value":
    """Mean interactions on a day with activity, in the last 28 days."""
    return d.interactions.sum(where=d.age_days < 28) / (d.age_days < 28).sum().nullif(0)
