"""Activities as events tell of them: a thing's type, title and length are those first told, known when they were.

For logs that name what was acted on in every event and have no list of activities. The sources xapi and caliper use it.
"""

from headway.sources.source import Delivery
from headway.sources.staging import Staging


def told_activities(staging: Staging, told: str) -> Delivery:
    """The activities that `told` tells of: one record each.

    A later delivery may tell more; what it tells then is another record, so that no record depends on its delivery.

    Args:
        staging: where.
        told: SQL subquery with `run`, `object`, `type`, `title`, `length_s` and `known_at`, a row per event or fewer.
    """
    staging.run(
        f"""
        CREATE TABLE told_activities AS
        WITH told AS (
            SELECT run, object, type, title, length_s, min(known_at) AS known_at FROM {told}
            WHERE object IS NOT NULL AND coalesce(type, title, length_s::VARCHAR) IS NOT NULL GROUP BY ALL
        ),
        chosen AS (
            SELECT run, object,
                min((known_at, type)) FILTER (type IS NOT NULL) AS type,
                min((known_at, title)) FILTER (title IS NOT NULL) AS title,
                min((known_at, length_s)) FILTER (length_s IS NOT NULL) AS length
            FROM told GROUP BY run, object
        )
        SELECT run, object, coalesce(type[2], 'other') AS type, title[2] AS title, length[2] AS length_s,
            greatest(type[1], title[1], length[1]) AS known_at
        FROM chosen
        """
    )
    select = {
        "run": "run",
        "occurred_at": "known_at",
        "recorded_at": "known_at",
        "activity": "object",
        "type": "type",
        "title": "title",
        "duration_s": "length_s",
    }
    native = "concat_ws(chr(31), run, object, type, title, length_s, epoch_us(known_at))"
    return staging.deliver("activities", select, native, "FROM told_activities")
