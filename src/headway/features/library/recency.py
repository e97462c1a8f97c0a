"""How long ago a learner was last there, and whether activity rises or falls against their own past."""

from typing import TYPE_CHECKING

from headway.features.definition import feature

if TYPE_CHECKING:
    import ibis.expr.types as ir


@feature(
    reads="days",
    unit="days",
    domain="visits",
    sentence="Last visit {value} days ago (course middle: {median})",
)
def days_since_last_activity(d: "ir.Table") -> "ir.Value":
    """Days since the latest day with activity; absent for who has never been there."""
    return d.age_days.min()


@feature(
    reads="days",
    unit="days",
    changeable=False,
    domain="timing",
    sentence="First visit {value} days ago (course middle: {median})",
)
def days_since_first_activity(d: "ir.Table") -> "ir.Value":
    """Days since the first day with activity, also before the start; absent for who has never been there."""
    return d.age_days.max()


@feature(
    reads=("interactions_7d", "interactions_14d"),
    unit="log ratio",
    window=14,
    bounds=(None, None),
    domain="visits",
    sentence="Activity this week against the week before: {value} (course middle: {median})",
)
def activity_change_7d(f: "ir.Table") -> "ir.Value":
    """Natural log of (interactions in the last 7 days + 1) over (the 7 days before + 1)."""
    return ((f.interactions_7d + 1) / (f.interactions_14d - f.interactions_7d + 1)).ln()


@feature(
    reads=("interactions_14d", "interactions_28d"),
    unit="log ratio",
    window=28,
    bounds=(None, None),
    domain="visits",
    sentence="Activity in the last two weeks against the two before: {value} (course middle: {median})",
)
def activity_change_14d(f: "ir.Table") -> "ir.Value":
    """Natural log of (interactions in the last 14 days + 1) over (the 14 days before + 1)."""
    return ((f.interactions_14d + 1) / (f.interactions_28d - f.interactions_14d + 1)).ln()


@feature(
    reads="days",
    unit="days",
    window=28,
    bounds=(None, None),
    domain="visits",
    sentence="Active days in the last two weeks against the two before: {value} (course middle: {median})",
    absent=0,
)
def active_days_change_14d(d: "ir.Table") -> "ir.Value":
    """Active days in the last 14 days less those in the 14 days before."""
    return (d.age_days < 14).sum() - ((d.age_days >= 14) & (d.age_days < 28)).sum()


@feature(
    reads="days",
    unit="share",
    bounds=(0, 1),
    domain="visits",
    sentence="{value} of all activity fell in the last two weeks (course middle: {median})",
)
def recent_share_14d(d: "ir.Table") -> "ir.Value":
    """Share of all interactions that fell in the last 14 days."""
    return d.interactions.sum(where=d.age_days < 14).fill_null(0) / d.interactions.sum()


_DAYS = 28
_SPREAD = _DAYS * (_DAYS * _DAYS - 1) / 12
"""Sum of the squared distances of 28 days in a row from their middle."""


@feature(
    reads="days",
    unit="interactions per day and week",
    window=28,
    bounds=(None, None),
    absent=0,
    domain="visits",
    sentence="Activity changes by {value} clicks a day from week to week (course middle: {median})",
)
def interactions_slope_28d(d: "ir.Table") -> "ir.Value":
    """Least-squares slope of the daily interactions of the last 28 days, as change per week."""
    recent = d.age_days < _DAYS
    later = d.interactions.sum(where=recent) * ((_DAYS - 1) / 2) - (d.interactions * d.age_days).sum(where=recent)
    return later / _SPREAD * 7


@feature(
    reads="days",
    unit="days per week and week",
    window=28,
    bounds=(None, None),
    absent=0,
    domain="visits",
    sentence="Active days change by {value} a week from week to week (course middle: {median})",
)
def active_days_slope_28d(d: "ir.Table") -> "ir.Value":
    """Least-squares slope of being active over the last 28 days, as change in days a week per week."""
    recent = d.age_days < _DAYS
    later = recent.sum() * ((_DAYS - 1) / 2) - d.age_days.sum(where=recent)
    return later / _SPREAD * 49
