"""When a learner registered, where the course stands, and what the learner brought along."""

from typing import TYPE_CHECKING

from headway.features.definition import feature

if TYPE_CHECKING:
    import ibis.expr.types as ir


@feature(
    reads="facts",
    unit="days",
    bounds=(None, None),
    changeable=False,
    domain="timing",
    sentence="Registered {value} days before the start (course middle: {median})",
)
def registered_lead_days(f: "ir.Table") -> "ir.Value":
    """Days from registration to the start of the course; negative when later."""
    return f.registered_lead_days


@feature(
    reads="facts",
    unit="share",
    bounds=(None, None),
    changeable=False,
    domain="timing",
    sentence="{value} of the course is still ahead",
)
def remaining_share(f: "ir.Table") -> "ir.Value":
    """Share of the course's days that is still ahead."""
    return f.days_left / f.run_days


@feature(
    reads="facts",
    unit="attempts",
    changeable=False,
    domain="timing",
    sentence="Has taken this course {value} times before (course middle: {median})",
)
def previous_attempts(f: "ir.Table") -> "ir.Value":
    """How often the learner took this course before."""
    return f.previous_attempts


@feature(
    reads="facts",
    unit="credits",
    changeable=False,
    domain="timing",
    sentence="Studies {value} credits at the same time (course middle: {median})",
)
def studied_credits(f: "ir.Table") -> "ir.Value":
    """Credits of all courses the learner takes at the same time."""
    return f.studied_credits
