"""What each row of Canvas tells, or why it tells nothing: one table of facts from which all records are read.

Promises that a row either gives at least one record or has exactly one fault. Whom a row is about is decided here: of a
grade it is the learner marked, never the one who marked; of a look or a post it is who acted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from headway.sources.canvas_sql import LEARNER_ROLE, NO_LEARNER_ROLES, OBJECT_TYPES, STAFF_ROLE, words_sql
from headway.sources.json_lines import masked_sql
from headway.sources.staging import Staging, text_sql

ACTIVITY_FAMILIES: Final = "('task', 'quiz', 'topic', 'page', 'file', 'module', 'module_item')"
LEFT_STATES: Final = "('deleted', 'inactive', 'rejected')"

_PERSON: Final = """CASE
    WHEN family IN ('hand_in', 'grade', 'enrolment', 'progress', 'member') THEN r.subject
    WHEN family IN ('enrolment_state', 'score') THEN coalesce(m.subject, r.subject)
    WHEN family IN ('entry', 'message', 'comment', 'file', 'quiz_hand_in') THEN coalesce(r.subject, r.actor)
    WHEN family IN ('task', 'quiz', 'module', 'module_item', 'course', 'names', 'terms', 'sections', 'system') THEN NULL
    ELSE r.actor END"""

_ROLE: Final = f"""CASE
    WHEN family IN ('hand_in', 'grade', 'score', 'enrolment', 'enrolment_state', 'progress', 'member') THEN NULL
    WHEN crawls THEN 'automated'
    WHEN {STAFF_ROLE} THEN 'instructor' WHEN {LEARNER_ROLE} THEN NULL
    WHEN EXISTS (SELECT 1 FROM staff WHERE staff.course = f.course AND staff.person = f.person) THEN 'instructor' END"""

_OF_PEOPLE: Final = (
    "('user', 'enrollment', 'student_enrollment', 'teacher_enrollment', 'ta_enrollment', 'observer_enrollment')"
)
_LOOKED_AT: Final = f"""CASE
    WHEN asset_type IN {_OF_PEOPLE} THEN coalesce(asset_subtype, 'roster')
    WHEN asset_subtype IS NOT NULL THEN asset_subtype
    WHEN asset_type = 'course' THEN 'home'
    WHEN asset_id IS NOT NULL THEN asset_type || '/' || asset_id
    ELSE asset_type END"""
_OBJECT: Final = f"""CASE family
    WHEN 'view' THEN {_LOOKED_AT}
    WHEN 'page_view' THEN coalesce('quiz/' || quiz, 'assignment/' || assignment, 'discussion_topic/' || topic,
        {_LOOKED_AT})
    WHEN 'hand_in' THEN 'assignment/' || assignment
    WHEN 'grade' THEN 'assignment/' || assignment
    WHEN 'quiz_hand_in' THEN coalesce(if(origin = 'event', NULL, 'assignment/' || graded_as), 'quiz/' || quiz)
    WHEN 'task' THEN 'assignment/' || thing
    WHEN 'quiz' THEN 'quiz/' || thing
    WHEN 'topic' THEN 'discussion_topic/' || thing
    WHEN 'entry' THEN 'discussion_entry/' || thing
    WHEN 'page' THEN 'wiki_page/' || thing
    WHEN 'file' THEN 'attachment/' || thing
    WHEN 'module' THEN 'module/' || thing
    WHEN 'module_item' THEN 'module_item/' || thing
    WHEN 'progress' THEN 'course' END"""
_VERB: Final = """CASE family
    WHEN 'view' THEN if(asset_type = 'web_conference' AND asset_id IS NOT NULL, 'joined', 'viewed')
    WHEN 'page_view' THEN CASE WHEN upper(coalesce(method, 'GET')) NOT IN ('GET', 'HEAD') THEN 'interacted'
        WHEN action = 'download' OR downloads THEN 'downloaded' ELSE 'viewed' END
    WHEN 'session' THEN event
    WHEN 'hand_in' THEN if(assignment IS NOT NULL AND submitted_at IS NOT NULL, 'submitted', NULL)
    WHEN 'quiz_hand_in' THEN if(quiz IS NOT NULL AND (submitted_at IS NOT NULL OR origin = 'event'), 'submitted', NULL)
    WHEN 'topic' THEN if(thing IS NULL OR f.person IS NULL, NULL, if(ends_with(event, '_created'), 'posted', 'changed'))
    WHEN 'entry' THEN if(thing IS NULL, NULL, 'replied')
    WHEN 'page' THEN if(f.person IS NULL, NULL, CASE right(event, 7) WHEN 'created' THEN 'created'
        WHEN 'deleted' THEN 'removed' ELSE 'changed' END)
    WHEN 'file' THEN if(f.person IS NULL, NULL, CASE right(event, 7) WHEN 'created' THEN 'created'
        WHEN 'deleted' THEN 'removed' ELSE 'changed' END)
    WHEN 'progress' THEN if(event = 'course_completed', 'completed', 'progressed')
    WHEN 'message' THEN 'messaged' WHEN 'comment' THEN 'messaged'
    WHEN 'member' THEN if(state = 'deleted', 'left', 'joined')
    WHEN 'other' THEN 'interacted' END"""
_SAID: Final = """CASE
    WHEN family = 'hand_in' THEN 'submission_created'
    WHEN family = 'entry' THEN 'discussion_entry_created'
    WHEN family = 'page_view' AND regexp_full_match(controller, '[a-z_/]{1,40}')
        THEN controller || coalesce('#' || if(regexp_full_match(action, '[a-z_]{1,40}'), action, NULL), '')
    WHEN regexp_full_match(event, '[a-z][a-z0-9_.:]{0,59}') THEN event ELSE 'other' END"""
# A hand-in, a post and an answer are dated to the second, because some forms know no more of them.
_MOMENT: Final = """CASE
    WHEN family = 'hand_in' THEN to_the_second(submitted_at)
    WHEN family = 'quiz_hand_in' THEN coalesce(if(origin = 'event', happened, NULL), to_the_second(submitted_at))
    WHEN family IN ('entry', 'topic') THEN to_the_second(coalesce(happened, created_at))
    WHEN family IN ('page', 'file') AND origin <> 'event' THEN coalesce(created_at, updated_at)
    ELSE happened END"""
_SHARE: Final = """CASE
    WHEN family NOT IN ('grade', 'hand_in', 'quiz_hand_in') OR object IS NULL THEN NULL
    WHEN score IS NOT NULL AND origin = 'quiz_submissions' AND scored_in_shares THEN greatest(0, least(1, score))
    WHEN score IS NOT NULL AND full_marks > 0 THEN greatest(0, least(1, score / full_marks))
    WHEN coalesce(full_marks, 0) = 0 AND lower(grade) IN ('complete', 'pass') THEN 1
    WHEN coalesce(full_marks, 0) = 0 AND lower(grade) IN ('incomplete', 'fail') THEN 0 END"""
_GRADED: Final = """to_the_second(CASE family WHEN 'grade' THEN happened
    WHEN 'hand_in' THEN coalesce(graded_at, posted_at, updated_at, happened)
    WHEN 'quiz_hand_in' THEN coalesce(submitted_at, updated_at) END)"""
_TYPE: Final = """CASE family
    WHEN 'task' THEN CASE WHEN contains(form, 'online_quiz') THEN 'test' WHEN contains(form, 'not_graded') THEN 'other'
        ELSE 'assignment' END
    WHEN 'quiz' THEN CASE WHEN contains(form, 'survey') THEN 'survey' WHEN form = 'assignment' AND assignment IS NULL
        THEN 'test' ELSE 'quiz' END
    WHEN 'topic' THEN 'thread' WHEN 'page' THEN 'page' WHEN 'file' THEN 'file' WHEN 'module' THEN 'folder'
    WHEN 'module_item' THEN 'link' END"""
# A row of a table shows the last state only. A plan that was touched after it began is taken to be as old as its row;
# otherwise a mere save during the course would hide the plan from every day before.
_ANNOUNCED: Final = """CASE WHEN origin = 'event' THEN happened
    WHEN updated_at <= coalesce(opens_at, due_at) THEN greatest(updated_at, created_at)
    ELSE coalesce(created_at, updated_at) END"""

_RAW: Final = masked_sql(
    """concat_ws(' ', if(event IS NULL, 'no event', said), coalesce(said_at, 'no time'), 'course ' || course,
    'learner ' || learner, object, 'assignment ' || assignment, 'quiz ' || quiz, 'topic ' || topic, 'state ' || state,
    kind, role_said)"""
)
_KINDS: Final = {
    "enrolment": "enrolments",
    "enrolment_state": "enrolments",
    "grade": "results",
    "score": "attributes",
    "names": "attributes",
    "course": "course_runs",
    "terms": "course_runs",
    "sections": "course_runs",
    "task": "activities",
    "quiz": "activities",
    "module": "activities",
    "module_item": "activities",
}


_ENROLLED_AT: Final = """to_the_second(CASE family
    WHEN 'enrolment' THEN coalesce(created_at, starts_at, happened, updated_at)
    WHEN 'enrolment_state' THEN coalesce(of_created_at, starts_at, happened) END)"""
_LEFT_AT: Final = f"""to_the_second(if(state IN {LEFT_STATES}, CASE family
    WHEN 'enrolment' THEN coalesce(updated_at, happened)
    WHEN 'enrolment_state' THEN coalesce(starts_at, happened) END, NULL))"""
_OTHER_TYPE: Final = """CASE WHEN family IN ('message', 'comment') THEN 'message'
    WHEN object IS NOT NULL THEN 'other' END"""
_NEEDS_PERSON: Final = "family NOT IN ('task', 'quiz', 'module', 'module_item', 'course', 'topic', 'page', 'file')"
_ACTS: Final = """family IN ('view', 'page_view', 'session', 'quiz_hand_in', 'topic', 'entry', 'page', 'file',
    'message', 'comment', 'other')"""
_JOINED: Final = f"""SELECT r.* EXCLUDE (course), {_PERSON} AS person,
    coalesce(r.course, m.course, s.course, a.course, q.course, t.course) AS course,
    coalesce(r.points, if(family = 'hand_in', a.points, q.points)) AS full_marks, q.assignment AS graded_as,
    m.kind AS of_kind, m.created_at AS of_created_at, m.state AS of_state,
    terms.starts_at AS term_starts_at, terms.ends_at AS term_ends_at
    FROM canvas_rows r
    LEFT JOIN memberships m ON family IN ('enrolment_state', 'score') AND m.enrollment = r.enrollment
    LEFT JOIN sections s ON r.course IS NULL AND s.section = r.section
    LEFT JOIN things a ON a.sort = 'assignment' AND a.thing = r.assignment
    LEFT JOIN things q ON q.sort = 'quiz' AND q.thing = r.quiz
    LEFT JOIN things t ON t.sort = 'topic' AND t.thing = r.topic
    LEFT JOIN terms ON family = 'course' AND terms.term = r.term"""


BUSY: Final = (
    '(SELECT run, moment AS "at" FROM canvas_facts WHERE verb IS NOT NULL UNION ALL '
    "SELECT run, graded_on_second FROM canvas_facts WHERE share IS NOT NULL UNION ALL "
    "SELECT run, enrolled_at FROM canvas_facts WHERE enrolled_at IS NOT NULL UNION ALL "
    f"SELECT run, announced_at FROM canvas_facts WHERE family IN {ACTIVITY_FAMILIES} AND announced_at IS NOT NULL "
    "UNION ALL "
    "SELECT run, graded_on FROM canvas_facts WHERE family = 'score')"
)
"""When something happened in a run."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user chose that decides what a row tells.

    Attributes:
        run: the run of rows that name no course, and of all where they name but one.
        dated: whether the user dates the runs.
        shares: whether marks of quizzes are shares of the full mark; None: found out from the marks.
        pass_mark: per cent from which a final score of a concluded enrolment is a pass, if it is to be an outcome.
    """

    run: str | None
    dated: bool
    shares: bool | None
    pass_mark: float | None


_HIDDEN: Final = "'deleted', 'failed_to_duplicate', 'failed_to_import', 'failed_to_migrate'"
_FAULTS: Final = (
    (
        "event IS NULL AND origin = 'not_canvas'",
        "not_canvas",
        "This is a Caliper event of another system than Canvas; import it with the source caliper.",
    ),
    ("event IS NULL", "unknown_table", "This is neither a Live Event nor a row of a table that is read."),
    ("family = 'system'", "not_a_learner", "The event tells of the system or its managers, not of a learner."),
    (
        "family IN ('names', 'terms', 'sections')",
        "lookup_only",
        "The row names a person, a term or a section; it helps to read other rows and is not kept.",
    ),
    ("upper(deleted) = 'D'", "deleted", "The row says only that another was deleted."),
    ("slips OR early", "bad_date", "A time is missing, is no time, or cannot be."),
    (
        """real_actor IS NOT NULL AND real_actor IS DISTINCT FROM actor
        AND (acts OR family IN ('hand_in', 'progress'))""",
        "login_as",
        "Somebody else acted in the name of this person.",
    ),
    (
        f"role_said IN ({NO_LEARNER_ROLES}) AND role IS NULL AND acts",
        "not_a_learner",
        "An observer or test learner acted.",
    ),
    (
        """family IN ('enrolment', 'enrolment_state') AND coalesce(kind, of_kind) IS NOT NULL
        AND coalesce(kind, of_kind) <> 'StudentEnrollment'""",
        "not_a_learner",
        "The enrolment is of a teacher, an observer or the like.",
    ),
    ("yes(preview) OR (family = 'quiz_hand_in' AND state = 'preview')", "not_a_learner", "A teacher tried the quiz."),
    ("no(user_request)", "background_request", "The browser or an app asked for this by itself."),
    ("status >= 400", "failed_request", "The request failed."),
    ("needs_person AND person IS NULL", "no_learner", "The row names no person that is known."),
    ("run IS NULL", "no_course", "The row names no course, and nothing else in the data says which one it is in."),
    ("ends_with(event, '_deleted') AND verb IS NULL", "deleted", "The thing was deleted."),
    (
        "origin = 'scores' AND no(form)",
        "partial_score",
        "This is the score of a grading period or of a group of assignments, not of the course.",
    ),
    (
        f"family IN {ACTIVITY_FAMILIES} AND state IN ({_HIDDEN}) AND verb IS NULL",
        "deleted",
        "The thing was deleted, or never came to be.",
    ),
    (
        f"family IN {ACTIVITY_FAMILIES} AND state = 'unpublished' AND verb IS NULL",
        "not_published",
        "Learners cannot see it.",
    ),
    ("family = 'course' AND state = 'deleted'", "deleted", "The course was deleted."),
    (
        """family IN ('hand_in', 'quiz_hand_in') AND verb IS NULL
        AND (share IS NULL OR graded_on_second IS NULL)""",
        "nothing_submitted",
        "Nothing was handed in.",
    ),
    (
        "family = 'grade' AND (share IS NULL OR graded_on_second IS NULL)",
        "no_score",
        "The mark was taken back, or has no full mark to compare it with.",
    ),
    ("family = 'score' AND score IS NULL AND (final IS NULL OR NOT ends_it)", "no_score", "There is no score yet."),
    ("verb IS NOT NULL AND moment IS NULL", "bad_date", "The row says no time."),
    ("family IN ('enrolment', 'enrolment_state') AND enrolled_at IS NULL", "bad_date", "The enrolment says no time."),
    ("family = 'score' AND graded_on IS NULL", "bad_date", "The score says no time."),
    (
        f"""verb IS NULL AND share IS NULL AND enrolled_at IS NULL AND family NOT IN ('score', 'course')
        AND NOT (family IN {ACTIVITY_FAMILIES} AND thing IS NOT NULL AND announced_at IS NOT NULL)""",
        "bad_id",
        "The row has no usable id or time of what it tells of.",
    ),
)
"""Condition, reason code and sentence, in the order in which they are looked at."""

_NO_DATES: Final = (
    f"family = 'course' AND NOT dated AND run NOT IN (SELECT run FROM {BUSY})",
    "no_dates",
    "The course has no dates, and nothing else in the data happened in it.",
)


def make_facts(staging: Staging, choices: Choices) -> None:
    """Make `canvas_facts` of `canvas_rows` and the tables of links: what is sound; the rest is refused."""
    courses = int(staging.run("SELECT count(DISTINCT course) FROM canvas_rows")[0][0])
    shares = _scored_in_shares(staging) if choices.shares is None else choices.shares
    given = "NULL" if choices.run is None else text_sql(choices.run)
    run = given if choices.run and courses <= 1 else f"coalesce('canvas/' || course || '/1', {given})"
    passes = "NULL" if choices.pass_mark is None else str(choices.pass_mark)
    told = f"""SELECT f.* EXCLUDE (role), people.learner, {run} AS run, role AS role_said, {_ROLE} AS role,
        {_OBJECT} AS object, {_VERB} AS verb, {_SAID} AS said, {_MOMENT} AS moment, {shares} AS scored_in_shares
        FROM ({_JOINED}) f LEFT JOIN people ON people.person = f.person"""
    dated = "coalesce(starts_at, term_starts_at) IS NOT NULL AND coalesce(ends_at, term_ends_at) IS NOT NULL"
    facts = f"""SELECT *, {_SHARE} AS share, {_GRADED} AS graded_on_second, {_TYPE} AS type,
        {_ANNOUNCED} AS announced_at, {_ENROLLED_AT} AS enrolled_at, {_LEFT_AT} AS left_at,
        {words_sql("split_part(object, '/', 1)", OBJECT_TYPES, _OTHER_TYPE)} AS object_type,
        {_NEEDS_PERSON} AS needs_person, {_ACTS} AS acts,
        {str(choices.dated).lower()} OR ({dated}) AS dated,
        coalesce(updated_at, happened, created_at) AS graded_on,
        origin = 'event' AND (happened IS NULL OR submitted_at > happened + INTERVAL 1 DAY) AS early,
        {passes} AS pass_mark, {passes} IS NOT NULL AND coalesce(of_state, state) = 'completed' AS ends_it
        FROM ({told})"""
    staging.run(f"CREATE TABLE canvas_facts AS {facts}")
    staging.run("DROP TABLE canvas_rows")
    _refuse(staging, _FAULTS)
    # Only now is it known in which runs anything sound happened.
    _refuse(staging, [_NO_DATES])


def _scored_in_shares(staging: Staging) -> bool:
    """Whether all marks of quizzes are at most 1 although the full mark is 5 or more, in a table of some size.

    Canvas writes points; data sets made after its model are seen to write shares.
    """
    count, highest, least = staging.run(
        """SELECT count(*), max(score), min(points) FROM canvas_rows
        WHERE origin = 'quiz_submissions' AND score IS NOT NULL"""
    )[0]
    return int(count) >= 50 and highest is not None and highest <= 1 and least is not None and least >= 5


def _refuse(staging: Staging, faults: Sequence[tuple[str, str, str]]) -> None:
    cases = " ".join(f"WHEN {condition} THEN {number}" for number, (condition, _, _) in enumerate(faults))
    reasons = " ".join(f"WHEN {number} THEN {text_sql(reason)}" for number, (_, reason, _) in enumerate(faults))
    details = " ".join(f"WHEN {number} THEN {text_sql(detail)}" for number, (_, _, detail) in enumerate(faults))
    staging.run(f"CREATE TABLE faults AS SELECT rowid AS place, CASE {cases} END AS fault FROM canvas_facts")
    staging.run("DELETE FROM faults WHERE fault IS NULL")
    kind = words_sql("family", _KINDS, text_sql("statements"))
    staging.run(
        f"""INSERT INTO refused
        SELECT {kind}, file, line, CASE fault {reasons} END, CASE fault {details} END, {_RAW}
        FROM canvas_facts JOIN faults ON faults.place = canvas_facts.rowid"""
    )
    staging.run("DELETE FROM canvas_facts WHERE rowid IN (SELECT place FROM faults)")
    staging.run("DROP TABLE faults")
