"""Records of the tables that `edx_tables` makes.

A dump tells how things stood when it was made. So whatever a later dump may tell otherwise is part of a record's id,
and each dump adds what it knows rather than contradicting the one before.
"""

from collections.abc import Iterator
from typing import Final

from headway.sources.edx_events import type_of_block_sql
from headway.sources.source import Delivery
from headway.sources.staging import Staging

_LOCAL: Final = "JOIN zones USING (run)"

MOMENTS: Final = (
    "SELECT run, done_at FROM courseware_studentmodule UNION ALL SELECT run, changed_at FROM courseware_studentmodule "
    "UNION ALL SELECT run, done_at FROM grades_persistentsubsectiongrade"
)
"""SQL for when learners did something, as far as tables tell."""

OTHER_MOMENTS: Final = (
    "SELECT run, done_at FROM student_courseenrollment UNION ALL "
    "SELECT run, done_at FROM certificates_generatedcertificate "
    "UNION ALL SELECT run, changed_at FROM grades_persistentcoursegrade"
)
"""SQL for when the platform changed a row; it shows of a run only that it is there."""

ENROLLED: Final = "SELECT run, learner FROM student_courseenrollment"


def table_records(staging: Staging, *, states_count: bool, is_over: bool) -> Iterator[Delivery]:
    """The records of all tables.

    Args:
        staging: holds the tables and the table `calendar` and the view `zones` of it.
        states_count: whether a state of a module counts as an interaction, for want of a tracking log.
        is_over: whether who has not passed by the export has failed.
    """
    yield _enrolments(staging)
    yield _modes(staging)
    yield _states(staging, 1 if states_count else 0)
    yield _module_marks(staging)
    yield _subsection_marks(staging)
    yield _course_marks(staging)
    yield _certified(staging)
    yield _passed(staging, is_over)


def _enrolments(staging: Staging) -> Delivery:
    """From when a learner was enrolled, and how that stood when the dump was made."""
    select = {
        "run": "run",
        "occurred_at": "done_at",
        "recorded_at": "done_at",
        "learner": "learner",
        "status": "status",
        "valid_from": "done_at",
        "valid_from_on": "local_day(done_at, zone)",
    }
    rows = (
        "FROM (SELECT run, learner, done_at, 'enrolled' AS status FROM student_courseenrollment UNION "
        "SELECT run, learner, exported_at, if(active, 'enrolled', 'withdrawn') FROM student_courseenrollment "
        f"WHERE exported_at IS NOT NULL) {_LOCAL}"
    )
    return staging.deliver(
        "enrolments", select, "concat_ws(chr(31), 'table', run, learner, status, epoch_us(done_at))", rows
    )


def _modes(staging: Staging) -> Delivery:
    known = "coalesce(exported_at, done_at)"
    select = {
        "run": "run",
        "occurred_at": known,
        "recorded_at": known,
        "learner": "learner",
        "name": "'enrolment_mode'",
        "value": "mode",
        "valid_from": known,
        "sensitive": "false",
    }
    rows = rf"FROM student_courseenrollment {_LOCAL} WHERE regexp_full_match(mode, '[a-z-]{{1,40}}')"
    native = f"concat_ws(chr(31), 'table', run, learner, mode, epoch_us({known}))"
    return staging.deliver("attributes", select, native, rows)


def _states(staging: Staging, interactions: int) -> Delivery:
    """When a learner first met a module and when its state last changed."""
    select = {
        "run": "run",
        "occurred_at": "done_at",
        "recorded_at": "done_at",
        "learner": "learner",
        "verb": "verb",
        "object": "object",
        "object_type": type_of_block_sql("object", "'other'"),
        "event": "'courseware_studentmodule'",
        "occurred_on": "local_day(done_at, zone)",
        "hour": "hour(timezone(zone, done_at))",
        "interactions": str(interactions),
    }
    rows = (
        "FROM (SELECT run, learner, object, 'viewed' AS verb, done_at FROM courseware_studentmodule UNION ALL "
        "SELECT run, learner, object, 'interacted', changed_at FROM courseware_studentmodule "
        "WHERE changed_at > done_at) "
        f"{_LOCAL}"
    )
    native = f"concat_ws(chr(31), 'state', run, learner, object, verb, epoch_us(done_at), {interactions})"
    return staging.deliver("statements", select, native, rows)


def _marks(staging: Staging, rows: str, attempt: str, submitted: str) -> Delivery:
    select = {
        "run": "run",
        "occurred_at": "changed_at",
        "recorded_at": "changed_at",
        "learner": "learner",
        "activity": "object",
        "attempt": attempt,
        "score": "score",
        "submitted_at": submitted,
        "submitted_on": f"local_day({submitted}, zone)",
        "released_at": "changed_at",
        "transferred": "false",
    }
    native = f"concat_ws(chr(31), 'table', run, learner, object, {attempt}, score, epoch_us(changed_at), {submitted})"
    return staging.deliver("results", select, native, f"FROM {rows} {_LOCAL}")


def _module_marks(staging: Staging) -> Delivery:
    rows = "(SELECT * FROM courseware_studentmodule WHERE graded)"
    return _marks(staging, rows, "greatest(coalesce(attempt, 1), 1)", "changed_at")


def _subsection_marks(staging: Staging) -> Delivery:
    return _marks(staging, "grades_persistentsubsectiongrade", "1", "done_at")


def _course_marks(staging: Staging) -> Delivery:
    rows = "(SELECT *, 'course' AS object FROM grades_persistentcoursegrade)"
    return _marks(staging, rows, "1", "NULL::TIMESTAMPTZ")


def _certified(staging: Staging) -> Delivery:
    select = {
        "run": "run",
        "occurred_at": "done_at",
        "recorded_at": "done_at",
        "learner": "learner",
        "label": "label",
        "final_score": "score",
    }
    native = "concat_ws(chr(31), 'certificate', run, learner, label, score, epoch_us(done_at))"
    return staging.deliver("outcomes", select, native, f"FROM certificates_generatedcertificate {_LOCAL}")


def _passed(staging: Staging, is_over: bool) -> Delivery:
    """A pass, known when it was noted and, with the mark, when the row last changed; a fail, known at the export."""
    select = {
        "run": "run",
        "occurred_at": "done_at",
        "recorded_at": "known_at",
        "learner": "learner",
        "label": "label",
        "final_score": "score",
    }
    table = "grades_persistentcoursegrade"
    rows = (
        "FROM (SELECT run, learner, 'pass' AS label, passed_at AS done_at, passed_at AS known_at, "
        f"NULL::DOUBLE AS score FROM {table} WHERE passed_at IS NOT NULL UNION ALL "
        f"SELECT run, learner, 'pass', passed_at, changed_at, score FROM {table} "
        "WHERE changed_at > passed_at UNION ALL "
        "SELECT run, learner, 'fail', exported_at, exported_at, score "
        f"FROM {table} WHERE {str(is_over).lower()} AND passed_at IS NULL AND exported_at IS NOT NULL) {_LOCAL}"
    )
    native = "concat_ws(chr(31), 'course_grade', run, learner, label, score, epoch_us(done_at), epoch_us(known_at))"
    return staging.deliver("outcomes", select, native, rows)
