"""What the events of Open edX are called, and what each means in our words.

The names are those of the tracking log reference (edX Research Guide, "Events in the Tracking Logs"); a name that is
not listed still finds a type by its beginning. Only words: nothing here knows of columns, or of SQL beyond `words_sql`.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from headway.sources.staging import text_sql


class Word(NamedTuple):
    """What an event of one name is.

    Attributes:
        verb: a word of `domain.vocabulary.VERBS`.
        type: the type of what it is about.
        counts: how many interactions it stands for: 0 for an echo, which the platform logs beside the act itself.
        role: who acts, where only such people can.
        gives: what it becomes other than a statement (`enrolled`, `withdrawn`, `mode`, `pass`), or beside one
            (`grade`, `video`, `thread`, `response`, `comment`).
        about: whether `user_id` inside the event says whom it is about, rather than who acted.
    """

    verb: str
    type: str
    counts: int = 1
    role: str | None = None
    gives: str | None = None
    about: bool = False


def _each(names: str, word: Word) -> Iterator[tuple[str, Word]]:
    for name in names.split():
        yield name, word


def _told(*groups: Iterable[tuple[str, Word]]) -> dict[str, Word]:
    return {name: word for group in groups for name, word in group}


_VIDEO: Final = _told(
    _each("play_video edx.video.played", Word("played", "video", gives="video")),
    _each("pause_video edx.video.paused", Word("paused", "video", gives="video")),
    _each("stop_video edx.video.stopped", Word("paused", "video", gives="stop")),
    _each("complete_video edx.video.completed", Word("completed", "video", gives="video")),
    _each("seek_video edx.video.position.changed", Word("seeked", "video", gives="seek")),
    # A player loads with its page, whether or not anybody looks at it.
    _each("load_video edx.video.loaded", Word("viewed", "video", 0, gives="video")),
    _each(
        "speed_change_video edx.video.speed.changed show_transcript hide_transcript edx.video.transcript.shown "
        "edx.video.transcript.hidden edx.video.closed_captions.shown edx.video.closed_captions.hidden "
        "edx.video.language_menu.shown edx.video.language_menu.hidden video_show_cc_menu video_hide_cc_menu",
        Word("interacted", "video", gives="video"),
    ),
)

_PROBLEMS: Final = _told(
    # `problem_check` is the word for the server's event; the browser's is told apart by having no problem_id.
    _each("problem_check", Word("answered", "question", gives="check")),
    _each("problem_check_fail problem_save save_problem_success save_problem_fail", Word("interacted", "question")),
    _each("problem_graded", Word("interacted", "question", 0)),
    _each("problem_show", Word("viewed", "question")),
    _each("problem_reset reset_problem reset_problem_fail", Word("interacted", "question")),
    _each("problem_rescore problem_rescore_fail", Word("interacted", "question", 0, "automated")),
    _each("showanswer", Word("asked_for_help", "question")),
    _each("edx.problem.hint.demandhint_displayed", Word("asked_for_help", "question")),
    _each("edx.problem.hint.feedback_displayed", Word("viewed", "question", 0)),
    _each("edx.problem.completed", Word("completed", "question")),
    _each("edx.drag_and_drop_v2.item.dropped", Word("answered", "question")),
    _each("edx.drag_and_drop_v2.loaded", Word("viewed", "question", 0)),
    _each(
        "ubc.peer_instruction.original_submitted ubc.peer_instruction.revised_submitted", Word("answered", "question")
    ),
    _each("ubc.peer_instruction.accessed", Word("viewed", "question")),
    _each("edx.grades.problem.submitted", Word("progressed", "question", 0, gives="marks", about=True)),
    _each(
        "edx.grades.problem.rescored edx.grades.problem.score_overridden",
        Word("progressed", "question", 0, gives="grade", about=True),
    ),
    _each("edx.grades.problem.state_deleted", Word("removed", "question", 0, "instructor")),
    _each(
        "edx.grades.subsection.grade_calculated edx.grades.subsection.score_overridden",
        Word("progressed", "page", 0, gives="grade", about=True),
    ),
    _each("edx.grades.course.grade_calculated", Word("progressed", "other", 0, gives="course_grade", about=True)),
    _each("edx.course.grade.now_passed edx.course.grade.now_failed", Word("progressed", "other", 0, about=True)),
)

_FORUM: Final = _told(
    _each("edx.forum.thread.created", Word("posted", "thread", gives="thread")),
    _each("edx.forum.response.created", Word("replied", "message", gives="response")),
    _each("edx.forum.comment.created", Word("replied", "message", gives="comment")),
    _each("edx.forum.thread.viewed", Word("viewed", "thread", gives="thread")),
    _each(
        "edx.forum.thread.voted edx.forum.thread.followed edx.forum.thread.unfollowed edx.forum.thread.reported "
        "edx.forum.thread.unreported",
        Word("reacted", "thread", gives="thread"),
    ),
    _each(
        "edx.forum.response.voted edx.forum.response.reported edx.forum.response.unreported edx.forum.response.mark",
        Word("reacted", "message", gives="response"),
    ),
    _each("edx.forum.comment.reported edx.forum.comment.unreported", Word("reacted", "message", gives="comment")),
    _each("edx.forum.thread.edited", Word("changed", "thread", gives="thread")),
    _each("edx.forum.response.edited", Word("changed", "message", gives="response")),
    _each("edx.forum.comment.edited", Word("changed", "message", gives="comment")),
    _each("edx.forum.thread.deleted", Word("removed", "thread", gives="thread")),
    _each("edx.forum.response.deleted", Word("removed", "message", gives="response")),
    _each("edx.forum.comment.deleted", Word("removed", "message", gives="comment")),
    _each("edx.forum.searched", Word("searched", "forum")),
)

_COURSE: Final = _told(
    _each("edx.course.enrollment.activated", Word("joined", "other", gives="enrolled", about=True)),
    _each("edx.course.enrollment.deactivated", Word("left", "other", gives="withdrawn", about=True)),
    _each("edx.course.enrollment.mode_changed", Word("interacted", "other", gives="mode", about=True)),
    _each("edx.course.grade.passed.first_time", Word("completed", "other", gives="pass", about=True)),
    _each("edx.certificate.created", Word("completed", "other", gives="pass", about=True)),
    _each("edx.certificate.shared", Word("interacted", "other")),
    _each("edx.certificate.evidence_visited", Word("interacted", "other", 0)),
    _each("edx.course.completed", Word("completed", "other", about=True)),
    _each("edx.completion.block_completion.changed", Word("progressed", "content", 0, about=True)),
    _each("edx.done.toggled", Word("interacted", "content")),
    _each("edx.cohort.user_added edx.cohort.user_removed", Word("interacted", "other", 0, about=True)),
    _each("edx.cohort.creation_requested edx.cohort.user_add_requested", Word("interacted", "other", 1, "instructor")),
    _each("edx.cohort.created edx.course.index.published", Word("interacted", "other", 1, "instructor")),
    _each("edx.course.home.resume_course.clicked", Word("viewed", "homepage")),
)

_NAVIGATION: Final = _told(
    _each(
        "seq_next seq_prev seq_goto edx.ui.lms.sequence.next_selected edx.ui.lms.sequence.previous_selected "
        "edx.ui.lms.sequence.tab_selected edx.ui.lms.outline.selected edx.ui.lms.sequence.outline.selected "
        "edx.ui.lms.jump_nav.selected",
        Word("viewed", "page"),
    ),
    _each("edx.ui.lms.link_clicked", Word("interacted", "link")),
    _each("page_close", Word("interacted", "page", 0)),
    _each("edx.bookmark.added edx.bookmark.removed", Word("interacted", "page")),
    _each("edx.bookmark.accessed edx.bookmark.listed", Word("viewed", "page")),
    _each("edx.course.student_notes.added", Word("created", "content")),
    _each("edx.course.student_notes.edited", Word("changed", "content")),
    _each("edx.course.student_notes.deleted", Word("removed", "content")),
    _each("edx.course.student_notes.searched", Word("searched", "content")),
    _each(
        "edx.course.student_notes.viewed edx.course.student_notes.notes_page_viewed "
        "edx.course.student_notes.used_unit_link",
        Word("viewed", "content"),
    ),
    _each(
        "textbook.pdf.page.navigated textbook.pdf.page.loaded textbook.pdf.chapter.navigated "
        "textbook.pdf.thumbnail.navigated textbook.pdf.outline.navigated book",
        Word("viewed", "file"),
    ),
    _each("textbook.pdf.search.executed textbook.pdf.search.navigatednext", Word("searched", "file")),
    _each("edx.course.tool.accessed", Word("viewed", "page")),
    _each(
        "edx.googlecomponent.calendar.displayed edx.googlecomponent.document.displayed", Word("viewed", "content", 0)
    ),
)

_WORK: Final = _told(
    _each("openassessmentblock.create_submission", Word("submitted", "assignment")),
    _each("openassessmentblock.save_submission", Word("changed", "assignment")),
    _each("openassessmentblock.peer_assess", Word("reacted", "assignment")),
    _each("openassessmentblock.self_assess", Word("answered", "assignment")),
    _each(
        "openassessmentblock.staff_assess openassessmentblock.get_submission_for_staff_grading",
        Word("interacted", "assignment", 1, "instructor"),
    ),
    _each("openassessmentblock.get_peer_submission", Word("viewed", "assignment")),
    _each("openassessment.upload_file openassessmentblock.upload_file", Word("created", "assignment")),
    _each("openassessment.student_training_assess_example", Word("answered", "assignment")),
    _each("xblock.poll.submitted xblock.survey.submitted", Word("answered", "survey")),
    _each("xblock.poll.view_results xblock.survey.view_results", Word("viewed", "survey")),
    _each("edx.librarycontentblock.content.assigned", Word("viewed", "content", 0)),
    _each("edx.librarycontentblock.content.removed", Word("interacted", "content", 0)),
    _each("xblock.split_test.child_render", Word("viewed", "content", 0)),
    _each("xmodule.partitions.assigned_user_to_partition", Word("interacted", "content", 0)),
    _each("edx.team.created edx.team.changed", Word("changed", "other")),
    _each("edx.team.deleted", Word("removed", "other")),
    _each("edx.team.learner_added", Word("joined", "other", about=True)),
    _each("edx.team.learner_removed", Word("left", "other", about=True)),
    _each("edx.team.page_viewed", Word("viewed", "other")),
    _each("edx.team.searched", Word("searched", "other")),
    *(
        _each(f"edx.special_exam.{kind}.attempt.{step}", Word(verb, "exam", about=True))
        for kind in ("practice", "proctored", "timed")
        for step, verb in (("created", "interacted"), ("started", "started"), ("submitted", "submitted"))
    ),
)

_STAFF: Final = _told(
    _each(
        "add-forum-admin add-forum-community-TA add-forum-mod add-instructor add-or-remove-user-group "
        "delete-student-module-state dump-answer-dist-csv dump-graded-assignments-config dump-grades dump-grades-csv "
        "dump-grades-csv-raw dump-grades-raw get-student-progress-page list-beta-testers list-forum-admins "
        "list-forum-community-TAs list-forum-mods list-instructors list-staff list-students remove-forum-admin "
        "remove-forum-community-TA remove-forum-mod remove-instructor rescore-all-submissions "
        "rescore-student-submission reset-all-attempts reset-student-attempts",
        Word("interacted", "other", 1, "instructor"),
    )
)

_PAGES: Final = _told(
    _each("/courses/courseware /courses/jump_to /courses/jump_to_id /courses/tab", Word("viewed", "page")),
    _each(
        "/courses/progress /courses/dates /courses/syllabus /courses/bookmarks /courses/teams", Word("viewed", "page")
    ),
    _each(
        "/courses/notes /courses/edxnotes /courses/handouts /courses/updates /courses/wiki", Word("viewed", "content")
    ),
    _each("/courses /courses/info /courses/course", Word("viewed", "homepage")),
    _each("/courses/about", Word("viewed", "other")),
    _each("/courses/search", Word("searched", "page")),
    _each("/courses/pdfbook /courses/book /courses/htmlbook", Word("viewed", "file")),
    _each("/courses/discussion /courses/discussion/forum", Word("viewed", "forum")),
    _each("/courses/discussion/forum/search", Word("searched", "forum")),
    _each("/courses/discussion/forum/inline", Word("viewed", "forum", 0)),
    _each("/courses/discussion/forum/threads", Word("viewed", "thread")),
    _each(
        "/courses/instructor /courses/instructor_dashboard /courses/masquerade /courses/gradebook /courses/cohorts "
        "/courses/staff_grading /courses/progress/of_one /courses/ccx_coach /courses/enroll_staff",
        Word("viewed", "page", 1, "instructor"),
    ),
    _each("/course", Word("interacted", "page", 1, "instructor")),
    _each("/xblock", Word("viewed", "content", 0)),
)

WORDS: Final[dict[str, Word]] = {**_VIDEO, **_PROBLEMS, **_FORUM, **_COURSE, **_NAVIGATION, **_WORK, **_STAFF, **_PAGES}
"""Names of events, and the forms that addresses are reduced to, with what they mean."""

BEGINNINGS: Final[dict[str, Word]] = {
    "/": Word("interacted", "other", 0),
    "edx.video.": Word("interacted", "video", gives="video"),
    "edx.problem.": Word("interacted", "question"),
    "edx.drag_and_drop_v2.": Word("interacted", "question"),
    "edx.grades.": Word("interacted", "other", 0, about=True),
    "edx.forum.": Word("interacted", "forum"),
    "edx.course.student_notes.": Word("interacted", "content"),
    "edx.course.enrollment.": Word("interacted", "other", about=True),
    "edx.completion_aggregator.progress.": Word("progressed", "content", 0, about=True),
    "edx.completion_aggregator.completion.": Word("completed", "content", 0, about=True),
    "edx.bookmark.": Word("interacted", "page"),
    "edx.ui.": Word("interacted", "page"),
    "edx.special_exam.": Word("interacted", "exam", 0, about=True),
    "edx.special_exam.practice.allowance.": Word("interacted", "exam", 0, "instructor"),
    "edx.special_exam.proctored.allowance.": Word("interacted", "exam", 0, "instructor"),
    "edx.special_exam.timed.allowance.": Word("interacted", "exam", 0, "instructor"),
    "edx.instructor.": Word("interacted", "other", 1, "instructor"),
    "textbook.": Word("interacted", "file"),
    "openassessment": Word("interacted", "assignment"),
    "xblock.poll.": Word("interacted", "survey"),
    "xblock.survey.": Word("interacted", "survey"),
    "ubc.peer_instruction.": Word("interacted", "question"),
    "oppia.": Word("interacted", "interactive"),
    "microsoft.office.mix.": Word("interacted", "interactive"),
    "edx.librarycontentblock.": Word("interacted", "content", 0),
}
"""What an event is whose name is not known but begins so; the longest beginning counts."""

UNKNOWN: Final = Word("interacted", "other")


def words_sql(words: dict[str, Word], alias: str) -> str:
    """An SQL subquery called `alias` with one row for each of the words: `name` and the fields of `Word`."""
    rows = ", ".join(
        f"({text_sql(name)}, {text_sql(word.verb)}, {text_sql(word.type)}, {word.counts}, {_text(word.role)}, "
        f"{_text(word.gives)}, {str(word.about).lower()})"
        for name, word in words.items()
    )
    return f"(VALUES {rows}) AS {alias}(name, verb, type, counts, role, gives, about)"


def _text(value: str | None) -> str:
    return "NULL::VARCHAR" if value is None else text_sql(value)
