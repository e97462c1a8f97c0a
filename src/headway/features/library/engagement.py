"""The engagement score: one number a day, from parts that a teacher can name."""

from typing import TYPE_CHECKING

import ibis

from headway.features.definition import feature

if TYPE_CHECKING:
    import ibis.expr.types as ir


@feature(
    reads=(
        "active_days_14d",
        "days_since_last_activity",
        "interactions_14d_percentile",
        "types_14d",
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

    Regularity: active days of the last 14, full marks at 7. Recency: full marks for a visit on the as-of day, none
    after 14 days. Volume: percentile of interactions among those enrolled. Breadth: kinds of material in 14 days,
    full marks at 4. Hand-ins: share of due assessments handed in; full marks while nothing was due.
    """
    regularity = ibis.least(f.active_days_14d / 7, 1.0)
    recency = 1 - ibis.least(f.days_since_last_activity.fill_null(14) / 14, 1.0)
    breadth = ibis.least(f.types_14d / 4, 1.0)
    handed_in = f.submitted_share.fill_null(1.0)
    return 30 * regularity + 20 * recency + 20 * f.interactions_14d_percentile + 10 * breadth + 20 * handed_in
