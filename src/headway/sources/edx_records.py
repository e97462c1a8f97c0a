"""Records of the table `events` that `edx_events` makes: what learners did, and what came of it.

Promises that each event becomes at least one record, that its id and content come from the event alone, and that what
learners wrote is masked. Staff and programs give statements with their role and nothing else.
"""

from typing import Final

from headway.sources.source import Delivery
from headway.sources.staging import Staging

WITH_ZONE: Final = "FROM events e JOIN zones USING (run)"

_NO_STATEMENT: Final = "('enrolled', 'withdrawn', 'mode', 'pass')"
_OF_ANOTHER: Final = "(gives = 'grade' AND coalesce(by_other, false))"
_IS_STATEMENT: Final = f"(gives IS NULL OR NOT (gives IN {_NO_STATEMENT} OR {_OF_ANOTHER}))"

_BEFORE_ENROLLING: Final = "('/courses/about', 'edx.course.enrollment.upgrade.clicked')"

ACTS: Final = f"events WHERE role IS NULL AND counts > 0 AND {_IS_STATEMENT} AND event NOT IN {_BEFORE_ENROLLING}"
"""SQL from which learners' own acts inside a course are read; looking at what a course is about is none."""


def _native(*more: str) -> str:
    """SQL for the native id of a record: the event that it comes from and what it adds."""
    parts = ("run", "learner", "epoch_us(done_at)", "event", "object", "role", "mark", *more)
    return f"concat_ws(chr(31), {', '.join(_filled(part) for part in parts)})"


def _filled(part: str) -> str:
    return f"coalesce(({part})::VARCHAR, '')"


_COMMON: Final = {"run": "run", "occurred_at": "done_at", "recorded_at": "recorded_at", "learner": "learner"}


def statements(staging: Staging) -> Delivery:
    """What people and programs did."""
    select = {
        **_COMMON,
        "verb": "verb",
        "object": "object",
        "object_type": "object_type",
        "parent": "parent",
        "event": "event",
        "role": "role",
        "occurred_on": "local_day(done_at, zone)",
        "hour": "hour(timezone(zone, done_at))",
        "interactions": "counts",
        "score": "score",
        "success": "success",
        "progress": "progress",
        "position_s": "position_s",
        "from_s": "from_s",
    }
    rows = f"{WITH_ZONE} LEFT JOIN doubles d ON d.file_no = e.file_no AND d.line = e.line WHERE {_IS_STATEMENT}"
    return staging.deliver("statements", select, _native("nth"), rows)


def enrolments(staging: Staging) -> Delivery:
    """Who enrolled and left, as the platform logged it."""
    select = {
        **_COMMON,
        "status": "gives",
        "valid_from": "done_at",
        "valid_from_on": "local_day(done_at, zone)",
    }
    return staging.deliver("enrolments", select, _native(), f"{WITH_ZONE} WHERE gives IN ('enrolled', 'withdrawn')")


def modes(staging: Staging) -> Delivery:
    """In which mode (audit, verified, …) learners are enrolled."""
    select = {**_COMMON, "name": "'enrolment_mode'", "value": "mode", "valid_from": "done_at", "sensitive": "false"}
    rows = f"{WITH_ZONE} WHERE mode IS NOT NULL AND gives IN ('enrolled', 'withdrawn', 'mode')"
    return staging.deliver("attributes", select, _native("mode"), rows)


def results(staging: Staging) -> Delivery:
    """Marks: of a checked problem, and as the platform worked them out or staff gave them."""
    checked = "gives = 'check'"
    select = {
        **_COMMON,
        "activity": "object",
        "attempt": "greatest(coalesce(attempt, 1), 1)",
        "score": "score",
        "submitted_at": f"if({checked}, done_at, NULL)",
        "submitted_on": f"if({checked}, local_day(done_at, zone), NULL)",
        "released_at": "recorded_at",
        "transferred": "false",
    }
    marked = f"(({checked} AND score IS NOT NULL) OR (gives = 'grade' AND (score IS NOT NULL OR {_OF_ANOTHER})))"
    whose = f"role IS NULL OR {_OF_ANOTHER}"
    rows = f"{WITH_ZONE} WHERE {marked} AND object IS NOT NULL AND ({whose})"
    return staging.deliver("results", select, _native("score"), rows)


def responses(staging: Staging) -> Delivery:
    """Answers to the items of a checked problem."""
    entries = """TRY(from_json(correct_map, '"MAP(VARCHAR, STRUCT(correctness VARCHAR))"'))"""
    # The keys of an old course begin with the problem, those of a new one with the problem's own name.
    item = "object || coalesce(nullif(regexp_extract(entry.key, '_[0-9]+_[0-9]+$'), ''), '')"
    answers = (
        f"(SELECT *, {item} AS item, entry.value.correctness AS found FROM (SELECT *, unnest(map_entries({entries})) "
        "AS entry FROM events WHERE correct_map IS NOT NULL AND role IS NULL))"
    )
    select = {**_COMMON, "item": "item", "correct": "found = 'correct'", "attempt": "attempt"}
    rows = f"FROM {answers} WHERE item IS NOT NULL AND found NOT IN ('', 'queued', 'incomplete')"
    return staging.deliver("responses", select, _native("item", "found"), rows)


def outcomes(staging: Staging) -> Delivery:
    """Who passed, from the moment when the platform first said so or made a certificate."""
    select = {**_COMMON, "label": "'pass'"}
    return staging.deliver("outcomes", select, _native(), f"{WITH_ZONE} WHERE gives = 'pass'")


def activities(staging: Staging) -> Delivery:
    """The videos, problems and tasks that events speak of, as far as this delivery knows them."""
    select = {
        "run": "run",
        "occurred_at": "done_at",
        "recorded_at": "recorded_at",
        "activity": "object",
        "type": "object_type",
        "title": "title",
        "duration_s": "length_s",
    }
    known = (
        "(SELECT run, object, object_type, min(done_at) AS done_at, min(recorded_at) AS recorded_at, "
        "max(title) AS title, max(length_s) AS length_s FROM events "
        "WHERE object IS NOT NULL AND role IS DISTINCT FROM 'automated' "
        "AND object_type IN ('video', 'question', 'assignment', 'exam', 'survey') GROUP BY run, object, object_type)"
    )
    told = "run, object, object_type, coalesce(title, ''), length_s, epoch_us(done_at), epoch_us(recorded_at)"
    return staging.deliver("activities", select, f"concat_ws(chr(31), {told})", f"FROM {known} ORDER BY run, object")


def texts(staging: Staging) -> Delivery:
    """The words of posts, which the delivery masks."""
    select = {**_COMMON, "type": "'forum'", "activity": "object", "body": "body"}
    rows = f"{WITH_ZONE} WHERE trim(body) <> '' AND role IS NULL AND verb IN ('posted', 'replied')"
    return staging.deliver("texts", select, _native("md5(body)"), rows)
