"""The rule about the daily engagement score."""

from collections.abc import Sequence

from headway.advising.rules.rule import Evidence, Hit, Read, rule

WEEK: int = 7


@rule(
    reads=("engagement_score", ("engagement_score", WEEK)),
    list="check_in",
    text="Engagement score {engagement_score} of 100, {engagement_score_7d_ago} a week ago",
)
def engagement_below(e: Evidence) -> Sequence[Hit]:
    """The engagement score dropped under its threshold within a week, or fell by many points."""
    now, before = e.value("engagement_score"), e.value("engagement_score", WEEK)
    dropped = (now < e.engagement.below) & (before >= e.engagement.below)
    fell = before - now >= e.engagement.falls
    return e.hits(dropped | fell, before - now, Read("engagement_score"), Read("engagement_score", WEEK))
