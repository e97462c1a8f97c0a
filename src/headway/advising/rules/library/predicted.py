"""The rule about predictions: a list as long as the advisers' time, never a fixed risk."""

from collections.abc import Sequence

from headway.advising.rules.rule import Evidence, Hit, rule


@rule(
    needs=("predictions",),
    list="reach_out",
    text="{main_reason}",
)
def risk_above_cut(e: Evidence) -> Sequence[Hit]:
    """Among the first in the list, which is cut at the advisers' capacity for a week."""
    return [
        Hit(
            learner,
            {"main_reason": said.main_reason or "Among the first in this week's list", "score_run": said.score_run},
            -float(said.order),
        )
        for learner, said in sorted(e.predictions.items())
        if said.order <= e.capacity
    ]
