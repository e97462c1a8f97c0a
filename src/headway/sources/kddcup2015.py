"""KDD Cup 2015: who drops out of a MOOC of XuetangX, in its native files and as daily totals.

The data gives Chinese clock times, enrolment numbers and anonymous names. So these conventions hold:

- A run is `kddcup2015/<course_id>/1`. It lasts over its log period: `date.csv`, or 30 days from `first_day` in
  `courses.csv`.
- A learner is an enrolment, `kddcup2015/<enrollment_id>`, because the daily form knows nothing else. Where the
  enrolment files are there, the attribute `same_person` (a pseudonym) tells which learners are one person.
- A learner is enrolled from the start of the first day with an event, or of the run where there is none, and that is
  known at the end of that day: both forms say the same.
- A day's total happened at the start of the day and is known at its end. A total of zero is no statement.
- What a course is made of is known when it opens, yet not before October 2013, when the data begins.
- The truth (1: no activity in the ten days after the log period) is the attribute `truth_inactive_next_10d`. It is
  marked sensitive, so that no model reads it, and known ten days after the log period. It is no outcome: who is silent
  for ten days may yet finish.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from headway.sources.calendar import CALENDAR_OPTIONS, course_runs, event_staging
from headway.sources.kddcup2015_tables import DAILY, EVENTS, KIND_OF_TABLE, ZONE, stage
from headway.sources.source import SOURCES, Delivery, Request
from headway.sources.staging import Staging, no_records, text_sql

TRUTH: Final = "truth_inactive_next_10d"
TRUTH_DAYS: Final = 10
_BEGINNING: Final = "2013-10-01"

_OPTIONS: Final = MappingProxyType(
    {
        "run": "the run of daily files that courses.csv does not list, such as kddcup2015/mycourse/1",
        **{name: text for name, text in CALENDAR_OPTIONS.items() if name != "zone"},
    }
)

_MACROS: Final = (
    f"CREATE MACRO midnight(day) AS timezone('{ZONE}', day::TIMESTAMP)",
    "CREATE MACRO learner_of(number) AS 'kddcup2015/' || number::VARCHAR",
)


class KddCup2015:
    """Reads the files of KDD Cup 2015."""

    name = "kddcup2015"
    summary = "KDD Cup 2015 (XuetangX): native logs with enrolments, dates, objects and truth, or daily totals"
    options: Mapping[str, str] = _OPTIONS

    def read(self, request: Request) -> Iterator[Delivery]:
        """The deliveries of all courses found; everything is staged and checked before the first one.

        Raises:
            InputError: an option is unknown or has no usable value.
            SourceError: a file is missing, damaged or lacks a column.
        """
        staging = event_staging(self, request)
        for macro in _MACROS:
            staging.run(macro)
        stage(staging, request)
        return _deliveries(staging)


def _deliveries(staging: Staging) -> Iterator[Delivery]:
    yield from [
        course_runs(staging),
        _activities(staging),
        _enrolments(staging),
        _attributes(staging),
        *_statements(staging),
    ]
    for kind in dict.fromkeys(KIND_OF_TABLE.values()):
        for rejects in staging.rejects(kind):
            yield no_records(kind, rejects)


def _activities(staging: Staging) -> Delivery:
    known = f"timezone('{ZONE}', greatest(coalesce(opens, TIMESTAMP '{_BEGINNING}'), TIMESTAMP '{_BEGINNING}'))"
    select = {
        "run": "run",
        "occurred_at": known,
        "recorded_at": known,
        "activity": "module",
        "type": "type",
        "opens_on": "CAST(opens AS DATE)",
    }
    return staging.deliver("activities", select, "run || '/' || module", "FROM objects ORDER BY run, module")


def _enrolments(staging: Staging) -> Delivery:
    select = {
        "run": "run",
        "occurred_at": "midnight(day_on)",
        "recorded_at": "midnight(day_on + 1)",
        "learner": "learner_of(enrolment)",
        "status": "'enrolled'",
        "valid_from": "midnight(day_on)",
        "valid_from_on": "day_on",
    }
    known = " UNION ".join(f"SELECT run, enrolment FROM {table}" for table in ("enrolled", "daily", "active"))
    rows = (
        f"FROM (SELECT k.run, k.enrolment, coalesce(a.first_on, c.starts_on) AS day_on FROM ({known}) k "
        "JOIN calendar c ON c.run = k.run LEFT JOIN active a ON a.run = k.run AND a.enrolment = k.enrolment) "
        "ORDER BY run, day_on, enrolment"
    )
    return staging.deliver("enrolments", select, "concat_ws('/', run, enrolment, day_on)", rows)


def _attributes(staging: Staging) -> Delivery:
    select = {
        "run": "run",
        "occurred_at": "known_at",
        "recorded_at": "known_at",
        "learner": "learner_of(enrolment)",
        "name": "name",
        "value": "value",
        "valid_from": "known_at",
        "sensitive": "true",
    }
    rows = (
        f"FROM (SELECT run, enrolment, {text_sql(TRUTH)} AS name, label::VARCHAR AS value, "
        f"midnight(ends_on + {TRUTH_DAYS + 1}) AS known_at FROM truth UNION ALL "
        "SELECT e.run, e.enrolment, 'same_person', e.person, midnight(coalesce(a.first_on, c.starts_on) + 1) "
        "FROM enrolled e JOIN calendar c ON c.run = e.run "
        "LEFT JOIN active a ON a.run = e.run AND a.enrolment = e.enrolment) ORDER BY run, enrolment, name"
    )
    native = "concat_ws('/', run, enrolment, name, epoch_us(known_at))"
    return staging.deliver("attributes", select, native, rows)


def _statements(staging: Staging) -> list[Delivery]:
    """One delivery a run: the log is the table that does not fit in memory."""
    made = []
    for (run,) in staging.run("SELECT run FROM calendar ORDER BY run"):
        if staging.run("SELECT 1 FROM daily WHERE run = $run LIMIT 1", run=run):
            made.append(_totals(staging, text_sql(run)))
        if staging.run("SELECT 1 FROM log WHERE run = $run LIMIT 1", run=run):
            made.append(_events(staging, text_sql(run)))
    return made


def _translated(place: int) -> str:
    cases = " ".join(f"WHEN '{word}' THEN '{ours[place]}'" for word, ours in EVENTS.items())
    return f"CASE event {cases} ELSE '{('interacted', 'other')[place]}' END"


def _totals(staging: Staging, run: str) -> Delivery:
    select = {
        "run": "run",
        "occurred_at": "midnight(day_on)",
        "recorded_at": "midnight(day_on + 1)",
        "learner": "learner_of(enrolment)",
        "verb": _translated(0),
        "object_type": _translated(1),
        "event": "event",
        "occurred_on": "day_on",
        "interactions": "total",
    }
    pairs = ", ".join(f"{{'event': '{name}', 'total': {name}}}" for name in DAILY)
    rows = (
        "FROM (SELECT run, enrolment, day_on, fact.event AS event, fact.total AS total FROM ("
        f"SELECT run, enrolment, day_on, unnest([{pairs}]) AS fact FROM daily WHERE run = {run}) WHERE total > 0) "
        "ORDER BY day_on, enrolment, event"
    )
    return staging.deliver("statements", select, "concat_ws('/', 'daily', enrolment, day_on, event)", rows)


def _events(staging: Staging, run: str) -> Delivery:
    select = {
        "run": "run",
        "occurred_at": f"timezone('{ZONE}', clock)",
        "recorded_at": f"timezone('{ZONE}', clock)",
        "learner": "learner_of(enrolment)",
        "verb": _translated(0),
        "object": "object",
        "object_type": _translated(1),
        "event": "event",
        "occurred_on": "CAST(clock AS DATE)",
        "hour": "hour(clock)",
        "interactions": "1",
    }
    # Equal rows are usual (one page sends several requests a second); they are told apart by counting them within
    # their file, so that the same log given twice is the same statements.
    rows = (
        "FROM (SELECT *, row_number() OVER (PARTITION BY file_no, enrolment, clock, origin, event, object "
        f"ORDER BY line) AS nth FROM log WHERE run = {run}) ORDER BY clock, enrolment, origin, event, object, nth"
    )
    native = "concat_ws('/', enrolment, epoch_us(clock), origin, event, coalesce(object, ''), nth)"
    return staging.deliver("statements", select, native, rows)


SOURCES.add("kddcup2015", KddCup2015())
