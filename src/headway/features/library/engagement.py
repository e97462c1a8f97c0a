"""The engagement score: one number a day, from parts that a teacher can name, each a feature of its own."""

from typing import TYPE_CHECKING

import ibis

from headway.features.definition import feature

if TYPE_CHECKING:
    import ibis.expr.types as ir


@feature(
    reads=("active_days_14d",),
    unit="share of full marks",
    window=14,
    bounds=(0, 1),
    domain="visits",
    sentence="Regularity {value} of 1 (course middle: {median})",
)
def engagement_regularity(f: "ir.Table") -> "ir.Value":
    """Active days of the last 14, full marks at 7."""
    return ibis.least(f.active_days_14d / 7, 1.0)


@feature(
    reads=("days_since_last_activity",),
    unit="share of full marks",
    window=14,
    bounds=(0, 1),
    domain="visits",
    sentence="Recency {value} of 1 (course middle: {median})",
)
def engagement_recency(f: "ir.Table") -> "ir.Value":
    """Full marks for a visit on the as-of day, none after 14 days."""
    return 1 - ibis.least(f.days_since_last_activity.fill_null(14) / 14, 1.0)


@feature(
    reads=("types_14d",),
    unit="share of full marks",
    window=14,
    bounds=(0, 1),
    domain="materials",
    sentence="Breadth {value} of 1 (course middle: {median})",
)
def engagement_breadth(f: "ir.Table") -> "ir.Value":
    """Kinds of material used in the last 14 days, full marks at 4."""
    return ibis.least(f.types_14d / 4, 1.0)


@feature(
    reads=(
        "engagement_regularity",
        "engagement_recency",
        "interactions_14d_percentile",
        "engagement_breadth",
        "submitted_share",
    ),
    unit="points",
    window=14,
    bounds=(0, 100),
    domain="visits",
    sentence="Engagement score {value} of 100 (course middle: {median})",
)
def engagement_score(f: "ir.Table") -> "ir.Value":
    """Engagement score, 0 to 100: 30 regularity, 20 recency, 20 volume, 10 breadth, 20 hand-ins.

    The parts are `engagement_regularity`, `engagement_recency`, `interactions_14d_percentile`, `engagement_breadth` and
    `submitted_share`, where full marks are given while nothing was due.
    """
    handed_in = f.submitted_share.fill_null(1.0)
    visits = 30 * f.engagement_regularity + 20 * f.engagement_recency + 20 * f.interactions_14d_percentile
    return visits + 10 * f.engagement_breadth + 20 * handed_in
