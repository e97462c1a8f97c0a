"""How a learner stands among all who were enrolled in the run at the same as-of time."""

from typing import TYPE_CHECKING

import ibis

from headway.features.definition import Domain, feature

if TYPE_CHECKING:
    import ibis.expr.types as ir


def _percentile_of(read: str, domain: Domain, words: str) -> None:
    def define(f: "ir.Table") -> "ir.Value":
        """Share of the cohort that stands strictly below the learner, 0 to 1 (percent rank)."""
        cohort = ibis.window(group_by="cohort", order_by=ibis.coalesce(f[read], -1.0))
        return ibis.percent_rank().over(cohort)

    feature(
        name=f"{read}_percentile",
        reads=(read,),
        cohort=True,
        unit="share of the cohort",
        bounds=(0, 1),
        domain=domain,
        sentence=f"{words}: ahead of {{value}} of those enrolled",
    )(define)


_percentile_of("interactions_14d", "visits", "Activity in the last 14 days")
_percentile_of("interactions_total", "visits", "Activity since the start")
_percentile_of("active_days_28d", "visits", "Active days in the last 28")
_percentile_of("objects_total", "materials", "Items opened")
_percentile_of("earned_share", "results", "Marks earned")
_percentile_of("minutes_28d", "visits", "Time in the last four weeks")
_percentile_of("submitted_share", "hand-ins", "Work handed in of what was due")
_percentile_of("mean_score", "results", "Mean score")
