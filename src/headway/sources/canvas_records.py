"""Records of the facts of Canvas: one select for each record kind.

Promises ids that say what a record says: the same act told by a Live Event, a table or the REST interface is one record
wherever the forms know the same of it, and nothing else that was in the delivery changes what a record holds.
"""

from collections.abc import Iterator
from typing import Final

from headway.sources.calendar import course_runs, implied_enrolments
from headway.sources.canvas_facts import ACTIVITY_FAMILIES
from headway.sources.source import Delivery
from headway.sources.staging import Staging, no_records

REJECT_KINDS: Final = ("course_runs", "activities", "enrolments", "statements", "results", "attributes")

_WITH_ZONE: Final = "FROM canvas_facts JOIN (SELECT run, zone FROM calendar) USING (run)"
_ATTEMPT: Final = "greatest(1, least(1000000, coalesce(attempt, 1)))::INTEGER"


def titles_sql(zone: str) -> str:
    """What the courses' own rows say of their runs, for `calendar.make_calendar`; `zone` is an SQL text."""
    return (
        "(SELECT run, title, "
        f"local_day(coalesce(starts_at, term_starts_at), {zone}) AS starts_on, "
        # A course that is over at midnight had its last day before.
        f"local_day(coalesce(ends_at, term_ends_at) - INTERVAL 1 SECOND, {zone}) AS ends_on, "
        "coalesce(created_at, updated_at, happened) AS known_at FROM canvas_facts WHERE family = 'course' "
        "ORDER BY known_at)"
    )


def deliveries(staging: Staging, texts: bool) -> Iterator[Delivery]:
    """Everything that the facts tell, course runs first, then what was refused."""
    made = [
        course_runs(staging),
        _activities(staging),
        _enrolments(staging),
        implied_enrolments(
            staging,
            '(SELECT run, learner, moment AS "at" FROM canvas_facts WHERE verb IS NOT NULL AND role IS NULL '
            "AND learner IS NOT NULL "
            "UNION ALL SELECT run, learner, graded_on_second FROM canvas_facts WHERE share IS NOT NULL)",
            known="(SELECT run, learner FROM canvas_facts WHERE enrolled_at IS NOT NULL)",
        ),
        _attributes(staging),
        _results(staging),
        _statements(staging),
        _outcomes(staging),
    ]
    if texts:
        made.append(_texts(staging))
    yield from made
    for kind in REJECT_KINDS:
        for rejects in staging.rejects(kind):
            yield no_records(kind, rejects)


def _native(*parts: str) -> str:
    """SQL for an id of parts of which some may be null; a null is unlike an empty text."""
    return "concat_ws(chr(31), " + ", ".join(f"coalesce(({part})::VARCHAR, chr(30))" for part in parts) + ")"


def _activities(staging: Staging) -> Delivery:
    due = "if(family = 'task' OR type = 'test', due_at, NULL)"
    # Names that learners give to their threads and files may be names of people.
    title = "if(family IN ('topic', 'file'), NULL, title)"
    select = {
        "run": "run",
        "occurred_at": "announced_at",
        "recorded_at": "announced_at",
        "activity": "object",
        "type": "type",
        "title": title,
        "opens_on": "local_day(opens_at, zone)",
        "closes_on": "local_day(closes_at, zone)",
        "due_at": due,
        "due_on": f"local_day({due}, zone)",
    }
    native = _native("run", "object", "type", title, "epoch_us(opens_at)", "epoch_us(closes_at)", f"epoch_us({due})")
    rows = (
        f"{_WITH_ZONE} WHERE family IN {ACTIVITY_FAMILIES} AND thing IS NOT NULL AND announced_at IS NOT NULL "
        "AND coalesce(state, '') NOT IN ('deleted', 'unpublished') AND NOT ends_with(event, '_deleted')"
    )
    return staging.deliver("activities", select, _native(native, "epoch_us(announced_at)"), rows)


def _enrolments(staging: Staging) -> Delivery:
    select = {
        "run": "run",
        "occurred_at": "since",
        "recorded_at": "since",
        "learner": "learner",
        "status": "status",
        "valid_from": "since",
        "valid_from_on": "local_day(since, zone)",
    }
    # Who is moved to another section leaves the one enrolment and stays in the course by the other.
    stays = (
        "EXISTS (SELECT 1 FROM still_there s WHERE s.course = f.course AND s.subject = f.person "
        "AND len(list_filter(s.enrolments, lambda each: each IS DISTINCT FROM f.enrollment)) > 0)"
    )
    rows = (
        "FROM (SELECT run, learner, 'enrolled' AS status, least(enrolled_at, left_at) AS since FROM canvas_facts "
        "WHERE enrolled_at IS NOT NULL UNION ALL "
        f"SELECT run, learner, 'withdrawn', left_at FROM canvas_facts f WHERE left_at IS NOT NULL AND NOT {stays}) "
        "JOIN (SELECT run, zone FROM calendar) USING (run)"
    )
    return staging.deliver("enrolments", select, _native("run", "learner", "status", "epoch_us(since)"), rows)


def _attributes(staging: Staging) -> Delivery:
    name = "if(event = 'grade_override', 'override_score', 'current_score')"
    select = {
        "run": "run",
        "occurred_at": "graded_on",
        "recorded_at": "graded_on",
        "learner": "learner",
        "name": name,
        "value": "score::VARCHAR",
        "valid_from": "graded_on",
        "sensitive": "false",
    }
    native = _native("run", "learner", name, "score", "epoch_us(graded_on)")
    return staging.deliver(
        "attributes", select, native, "FROM canvas_facts WHERE family = 'score' AND score IS NOT NULL"
    )


def _results(staging: Staging) -> Delivery:
    submitted = "to_the_second(submitted_at)"
    released = "greatest(graded_on_second, to_the_second(posted_at))"
    select = {
        "run": "run",
        "occurred_at": f"least(coalesce({submitted}, graded_on_second), {released})",
        "recorded_at": released,
        "learner": "learner",
        "activity": "object",
        "attempt": _ATTEMPT,
        "score": "share",
        "submitted_at": submitted,
        "submitted_on": f"local_day({submitted}, zone)",
        "released_at": released,
        "transferred": "false",
    }
    native = _native("run", "learner", "object", _ATTEMPT, "share", f"epoch_us({submitted})", f"epoch_us({released})")
    rows = f"{_WITH_ZONE} WHERE share IS NOT NULL AND object IS NOT NULL AND graded_on_second IS NOT NULL"
    return staging.deliver("results", select, native, rows)


def _statements(staging: Staging) -> Delivery:
    parent = "CASE family WHEN 'topic' THEN 'topics' WHEN 'entry' THEN 'discussion_topic/' || topic END"
    progress = "if(family = 'progress' AND todo > 0, greatest(0, least(1, done / todo)), NULL)"
    duration = "if(seconds BETWEEN 0 AND 1e9, seconds, NULL)"
    select = {
        "run": "run",
        "occurred_at": "moment",
        "recorded_at": "moment",
        "learner": "learner",
        "verb": "verb",
        "object": "object",
        "object_type": "object_type",
        "parent": parent,
        "event": "said",
        "role": "role",
        "occurred_on": "local_day(moment, zone)",
        "hour": "hour(timezone(zone, moment))",
        "interactions": "1",
        "duration_s": duration,
        "progress": progress,
    }
    # Of a hand-in there is one an attempt, whoever tells of it and how often; of a request one for its id.
    counts = "family = 'hand_in' OR (family = 'quiz_hand_in' AND origin <> 'event')"
    once = f"coalesce(request, if({counts}, 'attempt ' || ({_ATTEMPT}), NULL))"
    native = _native(
        "verb", "run", "learner", "object", "said", "role", parent, "epoch_us(moment)", duration, progress, once, "nth"
    )
    content = "run, learner, verb, object, said, moment, seconds, file_no"
    number = f"row_number() OVER (PARTITION BY family, request IS NULL, {content})"
    counted = f"if(family = 'page_view' AND request IS NULL, {number}, 0)"
    needed = (
        f"{content.removesuffix(', file_no')}, object_type, role, done, todo, family, origin, topic, request, attempt"
    )
    views = int(staging.run("SELECT count(*) FROM canvas_facts WHERE family = 'page_view' AND request IS NULL")[0][0])
    rows = (
        f"FROM (SELECT {needed}, {counted if views else '0'} AS nth FROM canvas_facts "
        "WHERE verb IS NOT NULL AND learner IS NOT NULL) JOIN (SELECT run, zone FROM calendar) USING (run)"
    )
    return staging.deliver("statements", select, native, rows)


def _outcomes(staging: Staging) -> Delivery:
    share = "greatest(0, least(1, final / 100))"
    label = "if(final >= pass_mark, 'pass', 'fail')"
    select = {
        "run": "run",
        "occurred_at": "graded_on",
        "recorded_at": "graded_on",
        "learner": "learner",
        "label": label,
        "final_score": share,
    }
    native = _native("run", "learner", label, share, "epoch_us(graded_on)")
    return staging.deliver(
        "outcomes", select, native, "FROM canvas_facts WHERE ends_it AND final IS NOT NULL AND learner IS NOT NULL"
    )


def _texts(staging: Staging) -> Delivery:
    body = "regexp_replace(text, '<[^>]*>', ' ', 'g')"
    select = {
        "run": "run",
        "occurred_at": "moment",
        "recorded_at": "moment",
        "learner": "learner",
        "type": "'forum'",
        "activity": "'discussion_topic/' || topic",
        "body": body,
    }
    rows = "FROM canvas_facts WHERE family = 'entry' AND learner IS NOT NULL AND role IS NULL AND trim(text) <> ''"
    return staging.deliver("texts", select, _native("run", "object", "md5(text)"), rows)
