"""Apereo's Learning Analytics Processor: its five extracts from a student system and an LMS.

These are personal, course, enrollment, grade and activity. They have few dates. So these conventions hold:

- `MNG_333N_222_08F` is the run `lap/MNG_333N_222/08F`: the last part is the term.
- A run lasts as the options say, or from the first to the last event, and is then marked as inferred.
- Who is listed was enrolled on the first day of the run, and withdrew on `WITHDRAWAL_DATE`.
- A final grade is known at the end of the run's last day: A to D- is a pass, F is not, W is a withdrawal, I is none
  yet. The final score is the grade's points of 4.
- A mark is known on its `GRADE_DATE`; without one at the end of the run, because anything sooner would be a guess.
- Facts about a person are known on the first day of the run; the semester's grade point average on its last.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from headway.sources.calendar import CALENDAR_OPTIONS, course_runs, event_staging, implied_enrolments
from headway.sources.lap_tables import FACTS, KIND_OF_TABLE, POINTS, stage
from headway.sources.source import SOURCES, Delivery, Request
from headway.sources.staging import Staging, no_records, text_sql

EVENTS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "asn.new.submission": ("submitted", "assignment"),
        "asn.submit.submission": ("submitted", "assignment"),
        "asn.revise.submission": ("submitted", "assignment"),
        "asn.read.assignment": ("viewed", "assignment"),
        "asn.read.submission": ("viewed", "assignment"),
        "sam.assessment.take": ("started", "test"),
        "sam.assessment.submit": ("submitted", "test"),
        "content.read": ("viewed", "file"),
        "content.new": ("created", "file"),
        "content.revise": ("changed", "file"),
        "content.delete": ("removed", "file"),
        "lessonbuilder.read": ("viewed", "page"),
        "forums.new": ("posted", "forum"),
        "forums.newtopic": ("posted", "forum"),
        "forums.response": ("replied", "forum"),
        "forums.read": ("viewed", "forum"),
        "forums.topic.read": ("viewed", "forum"),
        "messages.new": ("messaged", "message"),
        "messages.reply": ("messaged", "message"),
        "messages.forward": ("messaged", "message"),
        "messages.read": ("viewed", "message"),
        "messages.newfolder": ("created", "folder"),
        "news.read": ("viewed", "page"),
        "annc.read": ("viewed", "page"),
        "syllabus.read": ("viewed", "page"),
        "roster.view": ("viewed", "page"),
        "roster.view.photos": ("viewed", "page"),
        "roster.view.profile": ("viewed", "page"),
        "wiki.read": ("viewed", "wiki"),
        "wiki.new": ("created", "wiki"),
        "wiki.revise": ("changed", "wiki"),
        "poll.vote": ("answered", "survey"),
        "poll.viewResult": ("viewed", "survey"),
        "chat.new": ("messaged", "message"),
        "search.query": ("searched", "other"),
        "pres.begin": ("viewed", "homepage"),
        "pres.end": ("left", "homepage"),
    }
)
"""Sakai's events to verb and type of object; any other is `interacted`."""

_EXAM: Final = "exam|final"
_TEST: Final = "quiz|test"


class Lap:
    """Reads the extracts of Apereo LAP."""

    name = "lap"
    summary = "Apereo LAP extracts: personal, course, enrollment, grade and activity CSV files"
    options: Mapping[str, str] = CALENDAR_OPTIONS

    def read(self, request: Request) -> Iterator[Delivery]:
        """The deliveries of all courses found; everything is staged and checked before the first one.

        Raises:
            InputError: an option is unknown or has no usable value.
            ConfigError: the workspace has no key for pseudonyms.
            SourceError: a file is missing, damaged or lacks a column.
        """
        staging = event_staging(self, request)
        stage(staging, request)
        return _deliveries(staging)


def _deliveries(staging: Staging) -> Iterator[Delivery]:
    events = "(SELECT run, 'lap/' || learner AS learner, moment AS at FROM events)"
    known = "(SELECT run, 'lap/' || learner AS learner FROM enrolled)"
    yield from [
        course_runs(staging),
        _activities(staging),
        _enrolments(staging),
        implied_enrolments(staging, events, known),
        _attributes(staging),
        _statements(staging),
        _results(staging),
        _outcomes(staging),
    ]
    for kind in KIND_OF_TABLE.values():
        for rejects in staging.rejects(kind):
            yield no_records(kind, rejects)


def _midnight(day: str) -> str:
    return f"timezone(zone, ({day})::TIMESTAMP)"


def _activities(staging: Staging) -> Delivery:
    words = "lower(coalesce(category, '') || ' ' || activity)"
    select = {
        "run": "run",
        "occurred_at": _midnight("starts_on"),
        "recorded_at": _midnight("starts_on"),
        "activity": "activity",
        "type": (
            f"CASE WHEN regexp_matches({words}, '{_EXAM}') THEN 'exam' WHEN regexp_matches({words}, '{_TEST}') "
            "THEN 'test' ELSE 'assignment' END"
        ),
        "title": "activity",
        "weight": "weight",
    }
    rows = "FROM (SELECT DISTINCT run, activity, category, weight, starts_on, zone FROM grades) ORDER BY ALL"
    native = "concat_ws(chr(31), run, activity, coalesce(category, ''), weight, starts_on, zone)"
    return staging.deliver("activities", select, native, rows)


def _enrolments(staging: Staging) -> Delivery:
    select = {
        "run": "run",
        "occurred_at": "moment",
        "recorded_at": "moment",
        "learner": "'lap/' || learner",
        "status": "status",
        "valid_from": "moment",
        "valid_from_on": "local_day(moment, zone)",
    }
    rows = (
        f"FROM (SELECT run, learner, zone, 'enrolled' AS status, {_midnight('starts_on')} AS moment FROM enrolled "
        "UNION ALL "
        "SELECT run, learner, zone, 'withdrawn', left_at FROM enrolled WHERE left_at IS NOT NULL) "
        "ORDER BY run, moment, learner, status"
    )
    return staging.deliver("enrolments", select, "concat_ws('/', run, learner, status, epoch_us(moment), zone)", rows)


def _attributes(staging: Staging) -> Delivery:
    facts = ", ".join(
        f"{{'name': '{name.lower()}', 'value': p.{name.lower()}, 'sensitive': {str(sensitive).lower()}}}"
        for name, sensitive in FACTS.items()
    )
    select = {
        "run": "run",
        "occurred_at": "moment",
        "recorded_at": "moment",
        "learner": "'lap/' || learner",
        "name": "fact.name",
        "value": "fact.value",
        "valid_from": "moment",
        "sensitive": "fact.sensitive",
    }
    late = "if(fact.name = 'gpa_semester', ends_on + 1, starts_on)"
    rows = (
        f"FROM (SELECT run, learner, fact, {_midnight(late)} AS moment FROM ("
        "SELECT e.run, p.learner, e.starts_on, e.ends_on, e.zone, "
        f"unnest([{facts}]) AS fact FROM people p JOIN enrolled e ON e.learner = p.learner "
        "WHERE p.nth = 1 AND e.nth = 1) WHERE fact.value IS NOT NULL) ORDER BY run, learner, fact.name"
    )
    native = "concat_ws('/', run, learner, fact.name, epoch_us(moment))"
    return staging.deliver("attributes", select, native, rows)


def _translated(place: int, other: str) -> str:
    cases = " ".join(f"WHEN {text_sql(word)} THEN {text_sql(ours[place])}" for word, ours in EVENTS.items())
    return f"CASE event {cases} ELSE {text_sql(other)} END"


def _statements(staging: Staging) -> Delivery:
    select = {
        "run": "run",
        "occurred_at": "moment",
        "recorded_at": "moment",
        "learner": "'lap/' || learner",
        "verb": _translated(0, "interacted"),
        "object_type": _translated(1, "other"),
        "event": "event",
        "occurred_on": "local_day(moment, zone)",
        "hour": "hour(timezone(zone, moment))",
        "interactions": "1",
    }
    rows = (
        "FROM (SELECT *, row_number() OVER (PARTITION BY file_no, run, learner, moment, event ORDER BY line) AS nth "
        "FROM events) JOIN calendar USING (run) ORDER BY run, moment, learner, event, nth"
    )
    native = "concat_ws('/', run, learner, epoch_us(moment), zone, event, nth)"
    return staging.deliver("statements", select, native, rows)


def _results(staging: Staging) -> Delivery:
    known = (
        f"if(graded IS NULL, {_midnight('ends_on + 1')}, "
        f"if(day_only, {_midnight('CAST(graded AS DATE) + 1')}, timezone(zone, graded)))"
    )
    select = {
        "run": "run",
        "occurred_at": "moment",
        "recorded_at": "moment",
        "learner": "'lap/' || learner",
        "activity": "activity",
        "attempt": "1",
        "score": "score",
        "released_at": "moment",
        "transferred": "false",
    }
    rows = f"FROM (SELECT *, {known} AS moment FROM grades) ORDER BY run, activity, learner"
    return staging.deliver("results", select, "concat_ws(chr(31), run, learner, activity, epoch_us(moment))", rows)


def _outcomes(staging: Staging) -> Delivery:
    points = " ".join(f"WHEN '{grade}' THEN {of_four / 4}" for grade, of_four in POINTS.items())
    select = {
        "run": "run",
        "occurred_at": "moment",
        "recorded_at": "moment",
        "learner": "'lap/' || learner",
        "label": "CASE grade WHEN 'W' THEN 'withdrawn' WHEN 'F' THEN 'fail' ELSE 'pass' END",
        "final_score": f"CASE grade {points} END",
    }
    end = _midnight("ends_on + 1")
    rows = (
        f"FROM (SELECT *, if(grade = 'W', coalesce(left_at, {end}), {end}) AS moment "
        "FROM enrolled WHERE grade != 'I') ORDER BY run, learner"
    )
    return staging.deliver("outcomes", select, "concat_ws('/', run, learner, epoch_us(moment))", rows)


SOURCES.add("lap", Lap())
