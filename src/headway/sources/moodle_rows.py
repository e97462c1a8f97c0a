"""What every form of Moodle's log has in common once it is staged: learners, meanings, and the records that follow.

Works on tables of events, made by `moodle_report` and `moodle_logstore`, with the columns `run, learner, moment, verb,
object, object_type, parent, event, role, title, acts, enrols, related, native`. A row that acts is a statement of
`learner`; one that enrols changes the status of `related`.
"""

from collections.abc import Callable, Sequence
from typing import Final

import pyarrow as pa

from headway.governance.pseudonyms import hmac_sql
from headway.sources.moodle_events import Meaning
from headway.sources.moodle_words import MODULE_TYPES
from headway.sources.source import Delivery
from headway.sources.staging import Staging

MACROS: Final = (
    # Most texts need no regular expression: those whose bytes are all plain signs and single spaces.
    "CREATE MACRO bare(x) AS strlen(x) = length(x) AND NOT contains(x, '  ') AND NOT contains(x, chr(9))",
    "CREATE MACRO single_spaced(x) AS CASE WHEN bare(x) THEN x ELSE regexp_replace(x, '[\\s\\p{Z}]+', ' ', 'g') END",
    "CREATE MACRO one_name(x) AS nullif(lower(nfc_normalize(trim(single_spaced(x)))), '')",
    "CREATE MACRO told(x) AS nullif(nullif(nullif(trim(x), ''), '\\N'), 'NULL')",
    "CREATE MACRO sound(moment) AS if(year(moment) BETWEEN 1990 AND 2199, moment, NULL)",
    "CREATE MACRO seconds(x) AS TRY_CAST(x AS DOUBLE)",
    "CREATE MACRO unix_time(x) AS to_timestamp(if(seconds(x) BETWEEN 631152000 AND 7258118399, seconds(x), NULL))",
)

OBJECT: Final = (
    "CASE p.about WHEN 'course' THEN 'course' WHEN 'thread' THEN 'discussion/' || p.thread_no "
    "WHEN 'post' THEN 'post/' || p.post_no WHEN 'module' THEN p.place END"
)
PARENT: Final = (
    "CASE p.about WHEN 'thread' THEN p.place WHEN 'post' THEN coalesce('discussion/' || p.thread_no, p.place) END"
)
"""Of a row `p` with `about`, `place`, `thread_no` and `post_no`."""

SURE_NAMES: Final = (
    "(SELECT name, any_value(user_no) AS user_no FROM known_names GROUP BY name HAVING count(DISTINCT user_no) = 1)"
)
"""The names that stand for one user; two people of one name are nobody's."""


def add_meanings(staging: Staging, table: str, rows: str, keys: Sequence[str], meaning: Callable[..., Meaning]) -> None:
    """Make `table`: each combination of the text columns `keys` (as `k_…`) of `rows` once, with what it means."""
    sql = f"SELECT DISTINCT {', '.join(keys)} FROM {rows} ORDER BY ALL"
    found = staging.connection.sql(sql).to_arrow_table()
    meant = [meaning(*key) for key in zip(*(found[name].to_pylist() for name in keys), strict=True)]
    for name in ("verb", "type", "about", "role", "module", "enrols"):
        found = found.append_column(f"m_{name}", pa.array([getattr(each, name) for each in meant], pa.string()))
    staging.connection.register("found_meanings", found)
    names = ", ".join(f"m_{name} AS {name}" for name in ("verb", "type", "about", "role", "module", "enrols"))
    staging.run(
        f"CREATE TABLE {table} AS SELECT {', '.join(f'{key} AS k_{key}' for key in keys)}, {names} FROM found_meanings"
    )
    staging.connection.unregister("found_meanings")


def add_learners(staging: Staging, table: str, natives: str, key: bytes) -> None:
    """Make `table(native, learner)` of the distinct ids that the SQL query `natives` gives."""
    # The distinct ids first, because a keyed hash costs more than anything else done to a row.
    staging.run(
        f"CREATE TABLE {table} AS SELECT native, 'moodle/' || {hmac_sql('native', key)} AS learner "
        f"FROM (SELECT DISTINCT native FROM ({natives}) WHERE native IS NOT NULL)"
    )


_TOLD: Final = "run, learner, epoch_us(moment), verb, object, object_type, parent, event, role, enrols, related"


def content_id(form: str) -> str:
    """SQL for the native id of an event without one: what it tells, and a count of those that tell it in a file."""
    texts = ", ".join(f"coalesce({each}::VARCHAR, '')" for each in _TOLD.split(", "))
    nth = f"row_number() OVER (PARTITION BY file_no, hash({_TOLD}) ORDER BY line)"
    return f"concat_ws(chr(31), '{form}', {texts}, {nth})"


def statements(staging: Staging, table: str) -> Delivery:
    """The statements of a table of events."""
    select = {
        "run": "run",
        "learner": "learner",
        "occurred_at": "moment",
        "recorded_at": "moment",
        "verb": "verb",
        "object": "object",
        "object_type": "object_type",
        "parent": "parent",
        "event": "event",
        "role": "role",
        "occurred_on": "local_day(moment, zone)",
        "hour": "hour(timezone(zone, moment))",
        "interactions": "1",
    }
    rows = f"FROM {table} JOIN calendar USING (run) WHERE acts ORDER BY file_no, line"
    return staging.deliver("statements", select, "native", rows)


def activities(staging: Staging, tables: Sequence[str]) -> Delivery:
    """Every object of the events, known from its first event on."""
    seen = " UNION ALL ".join(
        f"SELECT run, object, object_type, title, moment FROM {table} WHERE acts" for table in tables
    )
    first = (
        f"SELECT run, object, object_type, title, min(moment) AS moment FROM ({seen}) "
        "WHERE object IS NOT NULL AND object_type IS NOT NULL GROUP BY ALL"
    )
    select = {
        "run": "run",
        "activity": "object",
        "type": "object_type",
        "title": "title",
        "occurred_at": "moment",
        "recorded_at": "moment",
    }
    native = "concat_ws(chr(31), run, object, object_type, coalesce(title, ''), epoch_us(moment))"
    return staging.deliver(
        "activities", select, native, f"FROM ({first}) ORDER BY run, object, moment, object_type, title"
    )


def enrolments(staging: Staging, table: str) -> Delivery:
    """The changes of status that the events of a table tell."""
    select = {
        "run": "run",
        "learner": "related",
        "status": "enrols",
        "occurred_at": "moment",
        "recorded_at": "moment",
        "valid_from": "moment",
        "valid_from_on": "local_day(moment, zone)",
    }
    rows = f"FROM {table} JOIN calendar USING (run) WHERE enrols IS NOT NULL ORDER BY file_no, line"
    return staging.deliver("enrolments", select, "native", rows)


def of_learners(tables: Sequence[str]) -> str:
    """SQL subquery of run, learner and moment, for who is not seen doing what only staff do."""
    seen = " UNION ALL ".join(f"SELECT run, learner, moment, role FROM {table} WHERE acts" for table in tables)
    return (
        f"(SELECT run, learner, moment FROM ({seen}) WHERE (run, learner) NOT IN "
        f"(SELECT (run, learner) FROM ({seen}) WHERE role IS NOT NULL))"
    )


def enrolled(tables: Sequence[str]) -> str:
    """SQL subquery of run and learner, for who is told to be enrolled."""
    each = " UNION ".join(f"SELECT run, related AS learner FROM {table} WHERE enrols = 'enrolled'" for table in tables)
    return f"({each})"


def type_of(module: str | None) -> str:
    """What we call an activity of a module."""
    return MODULE_TYPES.get(module or "", "other")
