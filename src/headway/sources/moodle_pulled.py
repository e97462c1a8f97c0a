"""The records of what was pulled from Moodle's web services, and when each was known.

- A roster is known when it is pulled; it is taken to hold since the first day of the course.
- The plan of a course, its activities and due dates, is known from its first day, or when it is pulled if sooner.
- A grade is known when it was given, or handed in if nobody says when it was given; a completion when it happened.
- A course total is an outcome only after the last day, and known no sooner.
"""

from typing import Final

from headway.sources.moodle_words import MODULE_TYPES
from headway.sources.source import Delivery
from headway.sources.staging import Staging, text_sql
from headway.sources.tables import NOT_KEPT

TITLES: Final = (
    "(SELECT run, title, local_day(to_timestamp(starts), {zone}) AS starts_on, "
    "local_day(to_timestamp(ends), {zone}) AS ends_on, least(to_timestamp(starts), (SELECT moment FROM service_now)) "
    "AS known_at FROM service_courses)"
)
"""The runs of the pulled courses, for the calendar."""

EVENTS: Final = (
    "(SELECT run, to_timestamp(done) AS moment FROM service_completions UNION ALL SELECT run, "
    "to_timestamp(unnest([submitted, graded])) FROM service_grades)"
)


def titles(zone: str) -> str:
    """SQL subquery of the pulled courses, for the calendar."""
    return TITLES.format(zone=text_sql(zone))


def deliveries(staging: Staging, pass_mark: float | None) -> list[Delivery]:
    """The records of everything pulled."""
    made = [_activities(staging), _enrolments(staging), _statements(staging), _results(staging)]
    if pass_mark is not None:
        made.append(_outcomes(staging, pass_mark))
    return made


_PEOPLE: Final = "JOIN service_learners l ON l.native = r.user_no JOIN calendar c USING (run)"


def _type() -> str:
    """SQL for the type of a module; a quiz or workshop with a grade item is a test."""
    cases = " ".join(f"WHEN '{module}' THEN '{kind}'" for module, kind in MODULE_TYPES.items() if module != "quiz")
    return f"CASE module WHEN 'quiz' THEN if(graded, 'test', 'quiz') {cases} ELSE 'other' END"


def _activities(staging: Staging) -> Delivery:
    rows = (
        "(SELECT run, item, any_value(module) AS module, any_value(title) AS title, max(opens) AS opens, "
        "max(due) AS due, bool_or(graded) AS graded FROM (SELECT run, item, module, title, opens, due, false AS graded "
        "FROM service_modules UNION ALL SELECT run, item, coalesce(module, 'assign'), title, NULL, NULL, true "
        "FROM service_grades WHERE NOT total) GROUP BY run, item)"
    )
    at = "least(timezone(c.zone, c.starts_on::TIMESTAMP), (SELECT moment FROM service_now))"
    due = "to_timestamp(r.due)"
    select = {
        "run": "run",
        "activity": "r.item",
        "type": _type(),
        "title": "r.title",
        "opens_on": "local_day(to_timestamp(r.opens), c.zone)",
        "due_at": due,
        "due_on": f"local_day({due} - INTERVAL 1 SECOND, c.zone)",
        "occurred_at": at,
        "recorded_at": at,
    }
    native = (
        f"concat_ws(chr(31), 'pulled', run, r.item, {_type()}, coalesce(r.title, ''), coalesce(r.opens, 0), "
        f"coalesce(r.due, 0), epoch_us({at}))"
    )
    return staging.deliver(
        "activities", select, native, f"FROM {rows} r JOIN calendar c USING (run) ORDER BY run, r.item"
    )


def _enrolments(staging: Staging) -> Delivery:
    now = "(SELECT moment FROM service_now)"
    begins = f"least(timezone(c.zone, c.starts_on::TIMESTAMP), {now})"
    select = {
        "run": "run",
        "learner": "l.learner",
        "status": "'enrolled'",
        "occurred_at": begins,
        "recorded_at": now,
        "valid_from": begins,
        "valid_from_on": f"local_day({begins}, c.zone)",
    }
    native = f"concat_ws(chr(31), 'pulled', run, l.learner, epoch_us({begins}), epoch_us({now}))"
    return staging.deliver(
        "enrolments", select, native, f"FROM service_users r {_PEOPLE} WHERE NOT r.staff ORDER BY r.line"
    )


def _statements(staging: Staging) -> Delivery:
    at = "to_timestamp(r.done)"
    select = {
        "run": "run",
        "learner": "l.learner",
        "occurred_at": at,
        "recorded_at": at,
        "verb": "'completed'",
        "object": "r.item",
        "object_type": _type().replace("graded", "false"),
        "event": "'activity completion'",
        "occurred_on": f"local_day({at}, c.zone)",
        "hour": f"hour(timezone(c.zone, {at}))",
        "interactions": "1",
    }
    native = "concat_ws(chr(31), 'completion', run, l.learner, r.item, r.done)"
    return staging.deliver("statements", select, native, f"FROM service_completions r {_PEOPLE} ORDER BY r.line")


_GIVEN: Final = "to_timestamp(coalesce(r.graded, r.submitted, epoch((SELECT moment FROM service_now))::BIGINT))"


def _results(staging: Staging) -> Delivery:
    submitted = "to_timestamp(r.submitted)"
    select = {
        "run": "run",
        "learner": "l.learner",
        "activity": "r.item",
        "attempt": "1",
        "score": "r.score",
        "submitted_at": submitted,
        "submitted_on": f"local_day({submitted}, c.zone)",
        "released_at": f"if(r.score IS NULL, NULL, {_GIVEN})",
        "transferred": "false",
        "occurred_at": f"least(coalesce({submitted}, {_GIVEN}), {_GIVEN})",
        "recorded_at": _GIVEN,
    }
    native = (
        "concat_ws(chr(31), 'pulled', run, l.learner, r.item, coalesce(r.score, -1), coalesce(r.submitted, 0), "
        f"epoch_us({_GIVEN}))"
    )
    rows = f"FROM service_grades r {_PEOPLE} WHERE NOT r.total AND coalesce(r.score, 0) BETWEEN 0 AND 1 ORDER BY r.line"
    return staging.deliver("results", select, native, rows)


def _outcomes(staging: Staging, pass_mark: float) -> Delivery:
    label = f"if(r.score >= {pass_mark / 100}, 'pass', 'fail')"
    over = "timezone(c.zone, (c.ends_on + 1)::TIMESTAMP)"
    at = f"greatest({_GIVEN}, {over})"
    select = {
        "run": "run",
        "learner": "l.learner",
        "label": label,
        "final_score": "r.score",
        "occurred_at": at,
        "recorded_at": at,
    }
    native = f"concat_ws(chr(31), 'pulled total', run, l.learner, {label}, r.score, epoch_us({at}))"
    rows = (
        f"FROM service_grades r {_PEOPLE} WHERE r.total AND r.score BETWEEN 0 AND 1 "
        f"AND {over} <= (SELECT moment FROM service_now) ORDER BY r.line"
    )
    return staging.deliver("outcomes", select, native, rows)


def refuse(staging: Staging, pass_mark: float | None) -> None:
    """Put into quarantine the grades that become no record, with what would help."""
    running = "timezone(c.zone, (c.ends_on + 1)::TIMESTAMP) > (SELECT moment FROM service_now)"
    total = "r.total AND r.score BETWEEN 0 AND 1"
    no_mark = "A course total is an outcome only if it is known what it takes to pass. Give pass_mark=50."
    reasons = [
        ("results", "bad_score", "coalesce(r.score, 0) NOT BETWEEN 0 AND 1", "The grade is outside of its range."),
        ("outcomes", "no_grade", "r.total AND r.score IS NULL", "The course total has no value."),
    ]
    if pass_mark is None:
        reasons.append(("outcomes", "no_pass_mark", total, no_mark))
    else:
        reasons.append(("outcomes", "not_final", f"{total} AND {running}", "The course is not over yet."))
    for kind, reason, condition, detail in reasons:
        staging.run(
            "INSERT INTO refused SELECT $kind, 'gradereport_user_get_grade_items', line, $reason, $detail, $raw "
            f"FROM service_grades r JOIN calendar c USING (run) WHERE {condition}",
            kind=kind,
            reason=reason,
            detail=detail,
            raw=NOT_KEPT,
        )
