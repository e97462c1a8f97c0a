"""The one form into which every form of Canvas data is brought: a row of texts that reads like a Live Event.

A row of a table, a page view or an answer of the REST interface tells the same as some Live Event; it gets that event's
name, so that one set of rules makes records of all of them. Columns hold texts as they came; nothing is judged here.
"""

from typing import Final

EVENT_COLUMNS: Final = (
    "event",  # the Live Event's name, or that of the event which tells the same
    "happened",
    "root",  # the root account, from which the shard is known
    "actor",
    "real_actor",
    "subject",  # whom it is about, where that is said apart from who acted
    "role",
    "agent",
    "course",
    "context_type",
    "context_id",
    "url",
    "asset_type",
    "asset_id",
    "asset_subtype",
    "thing",  # the id of what the row describes: an assignment, a topic, a page, an entry
    "assignment",
    "quiz",
    "topic",
    "enrollment",
    "section",
    "kind",  # of an enrolment: StudentEnrollment and the like
    "state",
    "title",
    "form",  # submission types, quiz type, or topic type
    "due_at",
    "opens_at",
    "closes_at",
    "points",
    "attempt",
    "score",
    "final",
    "grade",
    "submitted_at",
    "graded_at",
    "posted_at",
    "created_at",
    "updated_at",
    "starts_at",
    "ends_at",
    "done",
    "todo",
    "announcement",
    "text",
)

TABLE_COLUMNS: Final = (
    "request",  # the id of a web request
    "term",
    "seconds",
    "method",
    "controller",
    "action",
    "status",
    "user_request",
    "preview",
    "deleted",
)

COLUMNS: Final = (*EVENT_COLUMNS, *TABLE_COLUMNS, "origin")
"""All columns of the table `canvas_raw`, each a text. `origin` is `event` or the name of the table."""

FAMILIES: Final[dict[str, tuple[str, ...]]] = {
    "view": ("asset_accessed",),
    "session": ("logged_in", "logged_out"),
    "hand_in": ("submission_created", "submission_updated", "plagiarism_resubmit"),
    "quiz_hand_in": ("quiz_submitted",),
    "grade": ("grade_change",),
    "score": ("course_grade_change", "grade_override"),
    "topic": ("discussion_topic_created", "discussion_topic_updated"),
    "entry": ("discussion_entry_created", "discussion_entry_submitted"),
    "page": ("wiki_page_created", "wiki_page_updated", "wiki_page_deleted"),
    "file": ("attachment_created", "attachment_updated", "attachment_deleted"),
    "task": ("assignment_created", "assignment_updated"),
    "quiz": ("quiz_created", "quiz_updated"),
    "module": ("module_created", "module_updated"),
    "module_item": ("module_item_created", "module_item_updated"),
    "enrolment": ("enrollment_created", "enrollment_updated"),
    "enrolment_state": ("enrollment_state_created", "enrollment_state_updated"),
    "course": ("course_created", "course_updated"),
    "progress": ("course_progress", "course_completed"),
    "message": ("conversation_created", "conversation_forwarded", "conversation_message_created"),
    "comment": ("submission_comment_created",),
    "member": ("group_membership_created", "group_membership_updated"),
    "page_view": ("page_view",),
    "names": ("user_row",),
    "terms": ("term_row",),
    "sections": ("section_row",),
}
"""What kinds of event are treated alike. `_row` names stand for tables of which no Live Event tells the same."""

SYSTEM_EVENTS: Final = (
    "account_",
    "assignment_group_",
    "assignment_override_",
    "blueprint_",
    "content_migration_",
    "course_section_",
    "final_grade_custom_status",
    "group_category_",
    "group_created",
    "group_updated",
    "learning_outcome_",
    "lti_resource_link_",
    "master_migration_",
    "outcome_",
    "outcomes_",
    "rubric_",
    "sis_batch_",
    "submission_custom_grade_status",
    "syllabus_",
    "user_account_association_",
    "user_created",
    "user_updated",
)
"""How the names of events begin that tell of the system or of its managers, not of what a learner does."""

ONES_OWN: Final = "com.instructure.canvas"

_OBJECT: Final = f'$.object.extensions."{ONES_OWN}"'
_ACTOR: Final = f'$.actor.extensions."{ONES_OWN}"'
_AROUND: Final = f'$.extensions."{ONES_OWN}"'
_GROUP: Final = f'$.group.extensions."{ONES_OWN}"'

EVENT_PATHS: Final[dict[str, str]] = {
    "event": "$.metadata.event_name",
    "happened": "$.metadata.event_time|$.eventTime",
    "root": f"$.metadata.root_account_id|{_ACTOR}.root_account_id",
    "actor": f"$.metadata.user_id|{_ACTOR}.entity_id|$.actor.id",
    "real_actor": f"$.metadata.real_user_id|{_ACTOR}.real_user_id",
    "subject": (
        f"$.body.student_id|$.body.user_id|$.body.user.id|$.body.author_id|$.object.assignee.id|{_OBJECT}.user_id"
    ),
    "role": "$.metadata.context_role|$.body.role|$.membership.roles[0]",
    "agent": f"$.metadata.user_agent|{_AROUND}.user_agent",
    "course": f"$.body.course_id|$.body.course.id|{_OBJECT}.course_id",
    "context_type": f"$.metadata.context_type|$.body.context_type|{_GROUP}.context_type",
    "context_id": f"$.metadata.context_id|$.body.context_id|{_GROUP}.entity_id",
    "url": f"$.metadata.url|{_AROUND}.request_url",
    "asset_type": f"$.body.asset_type|{_OBJECT}.asset_type",
    "asset_id": f"$.body.asset_id|{_OBJECT}.entity_id",
    "asset_subtype": f"$.body.asset_subtype|{_OBJECT}.asset_subtype",
    "assignment": "$.body.assignment_id",
    "quiz": "$.body.quiz_id",
    "topic": "$.body.discussion_topic_id",
    "entry": "$.body.discussion_entry_id",
    "page": "$.body.wiki_page_id",
    "attachment": "$.body.attachment_id",
    "module": "$.body.module_id",
    "module_item": "$.body.module_item_id",
    "enrollment": "$.body.enrollment_id",
    "section": "$.body.course_section_id",
    "kind": f"$.body.type|{_OBJECT}.type",
    "state": f"$.body.workflow_state|$.body.state|{_OBJECT}.workflow_state|{_OBJECT}.state",
    "title": "$.body.title|$.body.name|$.body.course.name|$.object.name",
    "form": "$.body.submission_types|$.body.quiz_type",
    "due_at": "$.body.due_at|$.object.dateToSubmit",
    "opens_at": "$.body.unlock_at|$.object.dateToShow",
    "closes_at": f"$.body.lock_at|{_OBJECT}.lock_at",
    "points": "$.body.points_possible|$.generated.maxScore|$.object.maxScore",
    "attempt": "$.body.attempt|$.object.count",
    "score": "$.body.override_score|$.body.current_score|$.body.score|$.generated.scoreGiven",
    "final": "$.body.final_score",
    "grade": f"$.body.grade|{_OBJECT}.grade",
    "submitted_at": "$.body.submitted_at",
    "graded_at": "$.body.graded_at",
    "posted_at": "$.body.posted_at",
    "created_at": "$.body.created_at|$.object.dateCreated",
    "updated_at": "$.body.updated_at|$.object.dateModified",
    "starts_at": "$.body.state_started_at|$.body.start_at",
    "ends_at": "$.body.conclude_at",
    "done": "$.body.progress.requirement_completed_count",
    "todo": "$.body.progress.requirement_count",
    "announcement": f"$.body.is_announcement|{_OBJECT}.is_announcement",
    "text": "$.body.text|$.object.body",
    "type": "$.type",
    "deed": "$.action",
    "object": "$.object.id",
    "assignable": "$.object.assignable.id",
    "whole": "$.object.isPartOf.id",
    "sign": f"{_AROUND}.hostname|{_AROUND}.version",
}
"""Where a Live Event keeps what: first in Canvas' own form, then in its Caliper dialect. The last rows and those that
are no column of the common form are worked up by `event_sql`."""


def _urn(text: str, word: str) -> str:
    return f"if(contains({text}, ':canvas:{word}:'), {text}, NULL)"


_WORD: Final = r"""
    replace(lower(regexp_replace(regexp_extract(t.object, '^urn:instructure:canvas:([A-Za-z_]+):', 1),
    '([A-Z])', '_\1', 'g')), 'discussion', 'discussion_topic')"""
_CALIPER_NAME: Final = f"""CASE
    WHEN t.type IS NULL THEN NULL
    WHEN t.sign IS NULL AND NOT coalesce(starts_with(t.object, 'urn:instructure:canvas:'), false) THEN NULL
    WHEN t.type = 'NavigationEvent' THEN 'asset_accessed'
    WHEN t.type = 'GradeEvent' THEN 'grade_change'
    WHEN t.type = 'AssessmentEvent' AND t.deed = 'Submitted' THEN 'quiz_submitted'
    WHEN t.deed = 'LoggedIn' THEN 'logged_in'
    WHEN t.deed = 'LoggedOut' THEN 'logged_out'
    ELSE CASE {_WORD}
        WHEN 'enrollment' THEN if(t.kind IS NULL, 'enrollment_state', 'enrollment')
        WHEN 'discussion_topic_entry' THEN 'discussion_entry'
        ELSE {_WORD} END
    || CASE t.deed WHEN 'Created' THEN '_created' WHEN 'Posted' THEN '_created' WHEN 'Submitted' THEN '_created'
        WHEN 'Modified' THEN '_updated' WHEN 'Deleted' THEN '_deleted' ELSE '_' || lower(t.deed) END
    END"""
_OWN_OBJECT: Final = "if(t.type IS NULL OR t.event IS NOT NULL, NULL, t.object)"
_THING: Final = f"""CASE
    WHEN starts_with(t.event, 'assignment') THEN t.assignment
    WHEN starts_with(t.event, 'quiz') THEN t.quiz
    WHEN starts_with(t.event, 'discussion_topic') THEN t.topic
    WHEN starts_with(t.event, 'module_item') THEN t.module_item
    ELSE coalesce(t.entry, t.page, t.attachment, t.module, {_OWN_OBJECT}) END"""
# A hand-in is dated by itself in Canvas' form, and by its making or change in Caliper.
_SUBMITTED_AT: Final = """coalesce(t.submitted_at,
    if(t.type <> 'GradeEvent' AND contains(t.object, ':canvas:submission:'),
        coalesce(t.created_at, t.updated_at), NULL))"""


def event_sql() -> dict[str, str]:
    """Column of the common form to the SQL expression over a row `t` that was staged by `EVENT_PATHS`."""
    made = {name: f"t.{name}" for name in EVENT_COLUMNS if name != "thing"}
    name = f"coalesce(t.event, {_CALIPER_NAME})"
    return made | {
        "event": name,
        "thing": _THING,
        "assignment": f"coalesce(t.assignment, {_urn('t.assignable', 'assignment')})",
        "quiz": f"coalesce(t.quiz, {_urn('t.assignable', 'quiz')})",
        "topic": f"coalesce(t.topic, {_urn('t.whole', 'discussion')})",
        "enrollment": f"coalesce(t.enrollment, {_urn(_OWN_OBJECT, 'enrollment')})",
        "course": f"coalesce(t.course, {_urn(_OWN_OBJECT, 'course')})",
        "submitted_at": _SUBMITTED_AT,
        # Canvas' own form does not say which attempt was marked.
        "attempt": "if(t.type = 'GradeEvent', NULL, t.attempt)",
        "origin": f"if(t.type IS NOT NULL AND ({name}) IS NULL, 'not_canvas', 'event')",
    }
