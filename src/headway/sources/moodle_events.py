"""What Moodle's events mean in our words: one table of rules, for the names of event classes and of the log report.

Promises a meaning for every event: by its rule, else by what was done to what, else an `interacted`. Pure look-ups on
names; who did it and to which object is for the callers to find out.
"""

import re
from dataclasses import dataclass, replace
from typing import Final

from headway.sources.moodle_words import MODULE_TYPES, is_course, module_of

INSTRUCTOR: Final = "instructor"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an event is in our words.

    Attributes:
        verb: a word of the vocabulary.
        type: of the object; None where it is not known.
        about: what the object is: module, thread, post, course, or nothing that has an id.
        role: `instructor` where only staff can do it.
        module: the module it belongs to, such as `quiz`.
        enrols: the status of an enrolment that it changes.
    """

    verb: str
    type: str | None
    about: str = "module"
    role: str | None = None
    module: str | None = None
    enrols: str | None = None


# Component, event class, its English name in the log report, verb, type ("" for that of the module), and marks:
# staff (only staff do it), thread, post, course (what it is about, if not the module), none (nothing with an id).
# Whoever accepts the statement of a submission hands it in; Moodle asks for it at that moment and no other.
_TABLE: Final = """
*|course_module_viewed|Course module viewed|viewed||
*|course_module_instance_list_viewed|Course module instance list viewed|viewed|page|none
core|course_viewed|Course viewed|viewed|homepage|course
core|course_section_viewed|Section viewed|viewed|homepage|course
core|course_resources_list_viewed|Course resources list viewed|viewed|page|none
core|course_information_viewed|Course summary viewed|viewed|page|none
core|course_searched|Course searched|searched|homepage|course
core|course_user_report_viewed|Course user report viewed|viewed|page|none
core|course_module_completion_updated|Course activity completion updated|completed||
core|course_completed|Course completed|completed|homepage|course
core|course_completion_updated|Course completion updated|changed|homepage|course staff
core|course_updated|Course updated|changed|homepage|course staff
core|course_reset_ended|Course reset ended|changed|homepage|course staff
core|course_backup_created|Course backup created|created|homepage|course staff
core|course_module_created|Course module created|created||staff
core|course_module_updated|Course module updated|changed||staff
core|course_module_deleted|Course module deleted|removed||staff
core|course_section_created|Course section created|created|homepage|course staff
core|course_section_updated|Course section updated|changed|homepage|course staff
core|course_section_deleted|Course section deleted|removed|homepage|course staff
core|user_enrolment_created|User enrolled in course|joined|homepage|course enrolled
core|user_enrolment_updated|User enrolment updated|changed|homepage|course staff
core|user_enrolment_deleted|User unenrolled from course|left|homepage|course withdrawn
core|role_assigned|Role assigned|changed|homepage|course staff
core|role_unassigned|Role unassigned|changed|homepage|course staff
core|enrol_instance_created|Enrolment instance created|created|homepage|course staff
core|enrol_instance_updated|Enrolment instance updated|changed|homepage|course staff
core|group_created|Group created|created|other|none staff
core|group_updated|Group updated|changed|other|none staff
core|group_deleted|Group deleted|removed|other|none staff
core|group_member_added|Group member added|joined|other|none
core|group_member_removed|Group member removed|left|other|none
core|user_graded|User graded|interacted|other|none staff
core|grade_item_created|Grade item created|created|other|none staff
core|grade_item_updated|Grade item updated|changed|other|none staff
core|grade_item_deleted|Grade item deleted|removed|other|none staff
core|grade_exported|Grade exported|downloaded|other|none staff
core|question_created|Question created|created|question|none staff
core|question_updated|Question updated|changed|question|none staff
core|question_deleted|Question deleted|removed|question|none staff
core|user_list_viewed|User list viewed|viewed|page|none
core|user_profile_viewed|User profile viewed|viewed|page|none
core|user_loggedin|User has logged in|logged_in||none
core|user_loggedout|User logged out|logged_out||none
core|message_sent|Message sent|messaged|message|none
core|group_message_sent|Group message sent|messaged|message|none
core|message_viewed|Message viewed|viewed|message|none
core|notification_viewed|Notification viewed|viewed|message|none
core|comment_created|Comment created|created|message|none
core|comment_deleted|Comment deleted|removed|message|none
core|blog_entry_created|Blog entry created|created|page|none
core|blog_entries_viewed|Blog entries viewed|viewed|page|none
core|badge_awarded|Badge awarded|interacted|other|none
core|calendar_event_created|Calendar event created|created|other|none
core|calendar_event_updated|Calendar event updated|changed|other|none
core|calendar_event_deleted|Calendar event deleted|removed|other|none
gradereport_user|grade_report_viewed|Grade user report viewed|viewed|page|none
gradereport_overview|grade_report_viewed|Grade overview report viewed|viewed|page|none
gradereport_grader|grade_report_viewed|Grader report viewed|viewed|page|none staff
gradereport_history|grade_report_viewed|Grade history report viewed|viewed|page|none staff
gradereport_singleview|grade_report_viewed|Single view grade report viewed|viewed|page|none staff
report_log|report_viewed|Log report viewed|viewed|page|none staff
report_loglive|report_viewed|Live log report viewed|viewed|page|none staff
report_outline|report_viewed|Outline report viewed|viewed|page|none staff
report_outline|activity_report_viewed|Activity report viewed|viewed|page|none staff
report_participation|report_viewed|Participation report viewed|viewed|page|none staff
report_completion|report_viewed|Completion report viewed|viewed|page|none staff
report_progress|report_viewed|Progress report viewed|viewed|page|none staff
mod_assign|submission_status_viewed|The status of the submission has been viewed.|viewed||
mod_assign|submission_form_viewed|Submission form viewed.|viewed||
mod_assign|submission_viewed|Submission viewed.|viewed||
mod_assign|submission_confirmation_form_viewed|Submission confirmation form viewed.|viewed||
mod_assign|feedback_viewed|Feedback viewed|viewed||
mod_assign|statement_accepted|The user has accepted the statement of the submission.|submitted||
mod_assign|assessable_submitted|A submission has been submitted.|submitted||
mod_assign|submission_created|Submission created.|created||
mod_assign|submission_updated|Submission updated.|changed||
mod_assign|submission_duplicated|The user duplicated their submission.|changed||
mod_assign|submission_removed|Submission removed.|removed||
mod_assign|submission_status_updated|The status of the submission has been updated.|changed||
assignsubmission_file|assessable_uploaded|A file has been uploaded.|created||
assignsubmission_onlinetext|assessable_uploaded|An online text has been uploaded.|created||
mod_assign|submission_graded|The submission has been graded.|interacted||staff
mod_assign|grading_table_viewed|Grading table viewed|viewed||staff
mod_assign|grading_form_viewed|Grading form viewed|viewed||staff
mod_assign|all_submissions_downloaded|All the submissions are being downloaded.|downloaded||staff
mod_assign|extension_granted|An extension has been granted.|changed||staff
mod_assign|submission_locked|The submissions have been locked for a user.|changed||staff
mod_assign|submission_unlocked|The submissions have been unlocked for a user.|changed||staff
mod_assign|workflow_state_updated|The state of the workflow has been updated.|changed||staff
mod_assign|marker_updated|The allocated marker has been updated.|changed||staff
mod_assign|identities_revealed|The identities have been revealed.|changed||staff
mod_quiz|attempt_started|Quiz attempt started|started||
mod_quiz|attempt_viewed|Quiz attempt viewed|viewed||
mod_quiz|attempt_summary_viewed|Quiz attempt summary viewed|viewed||
mod_quiz|attempt_reviewed|Quiz attempt reviewed|viewed||
mod_quiz|attempt_submitted|Quiz attempt submitted|submitted||
mod_quiz|attempt_abandoned|Quiz attempt abandoned|interacted||
mod_quiz|attempt_becameoverdue|Quiz attempt became overdue|interacted||
mod_quiz|attempt_updated|Quiz attempt updated|answered||
mod_quiz|attempt_autosaved|Quiz attempt auto-saved|progressed||
mod_quiz|attempt_preview_started|Quiz attempt preview started|started||staff
mod_quiz|attempt_deleted|Quiz attempt deleted|removed||staff
mod_quiz|attempt_regraded|Quiz attempt regraded|interacted||staff
mod_quiz|attempt_reopened|Quiz attempt reopened|changed||staff
mod_quiz|attempt_graded|Quiz attempt graded|interacted||staff
mod_quiz|attempt_manual_grading_completed|Quiz attempt manual grading complete|interacted||staff
mod_quiz|question_manually_graded|Question manually graded|interacted||staff
mod_quiz|edit_page_viewed|Quiz edit page viewed|viewed||staff
mod_quiz|report_viewed|Quiz report viewed|viewed||staff
mod_quiz|slot_created|Slot created|created||staff
mod_quiz|slot_deleted|Slot deleted|removed||staff
mod_quiz|slot_mark_updated|Slot mark updated|changed||staff
mod_quiz|slot_moved|Slot moved|changed||staff
mod_forum|discussion_viewed|Discussion viewed|viewed|thread|thread
mod_forum|discussion_created|Discussion created|posted|thread|thread
mod_forum|discussion_updated|Discussion updated|changed|thread|thread
mod_forum|discussion_deleted|Discussion deleted|removed|thread|thread
mod_forum|discussion_moved|Discussion moved|changed|thread|thread staff
mod_forum|discussion_pinned|Discussion pinned|changed|thread|thread staff
mod_forum|discussion_unpinned|Discussion unpinned|changed|thread|thread staff
mod_forum|discussion_lock_updated|Discussion lock updated|changed|thread|thread staff
mod_forum|post_created|Post created|replied|message|post
mod_forum|post_updated|Post updated|changed|message|post
mod_forum|post_deleted|Post deleted|removed|message|post
mod_forum|assessable_uploaded|Some content has been posted.|interacted||
mod_forum|subscription_created|Subscription created|reacted||
mod_forum|subscription_deleted|Subscription deleted|interacted||
mod_forum|discussion_subscription_created|Discussion subscription created|reacted||
mod_forum|discussion_subscription_deleted|Discussion subscription deleted|interacted||
mod_forum|user_report_viewed|User report viewed|viewed||
mod_choice|answer_created|Choice answer added|answered||
mod_choice|answer_submitted|Choice made|answered||
mod_choice|answer_updated|Choice updated|answered||
mod_feedback|response_submitted|Response submitted|answered||
mod_survey|response_submitted|Survey response submitted|answered||
mod_questionnaire|attempt_submitted|Attempt submitted|answered||
mod_lesson|lesson_started|Lesson started|started||
mod_lesson|lesson_resumed|Lesson resumed|started||
mod_lesson|lesson_restarted|Lesson restarted|started||
mod_lesson|lesson_ended|Lesson ended|completed||
mod_lesson|content_page_viewed|Content page viewed|viewed||
mod_lesson|question_viewed|Question viewed|viewed||
mod_lesson|question_answered|Question answered|answered||
mod_lesson|essay_assessed|Essay assessed|interacted||staff
mod_scorm|sco_launched|Sco launched|started||
mod_scorm|scoreraw_submitted|Submitted SCORM raw score|answered||
mod_scorm|status_submitted|Submitted SCORM status|progressed||
mod_h5pactivity|statement_received|xAPI statement received|answered||
mod_glossary|entry_created|Entry has been created|created||
mod_glossary|entry_updated|Entry has been updated|changed||
mod_glossary|entry_deleted|Entry has been deleted|removed||
mod_glossary|entry_viewed|Entry has been viewed|viewed||
mod_wiki|page_viewed|Wiki page viewed|viewed||
mod_wiki|page_created|Wiki page created|created||
mod_wiki|page_updated|Wiki page updated|changed||
mod_data|record_created|Record created|created||
mod_data|record_updated|Record updated|changed||
mod_data|record_deleted|Record deleted|removed||
mod_workshop|submission_created|Submission created|submitted||
mod_workshop|submission_updated|Submission updated|changed||
mod_workshop|submission_assessed|Submission assessed|reacted||
mod_workshop|submission_viewed|Submission viewed|viewed||
mod_workshop|phase_switched|Phase switched|changed||staff
mod_book|chapter_viewed|Chapter viewed|viewed||
mod_book|chapter_created|Chapter created|created||staff
mod_book|chapter_updated|Chapter updated|changed||staff
booktool_print|book_printed|Book printed|downloaded||
mod_folder|all_files_downloaded|Zip archive of folder downloaded|downloaded||
mod_folder|folder_updated|Folder updated|changed||staff
mod_chat|message_sent|Message sent|messaged||
mod_bigbluebuttonbn|meeting_joined|BigBlueButton meeting joined|joined||
mod_bigbluebuttonbn|meeting_left|BigBlueButton meeting left|left||
mod_bigbluebuttonbn|recording_viewed|Recording viewed|viewed||
mod_zoom|join_meeting_button_clicked|Clicked join meeting button|joined||
"""

# The first word that is found tells; the texts are the last word of an event's class or name, or its description.
_DONE: Final = (
    (r"unenrolled|enrolled", "interacted", INSTRUCTOR),
    (r"(re)?graded|assessed|graded", "interacted", INSTRUCTOR),
    (r"overridden|granted|assigned|unassigned|restored|imported|exported", "changed", INSTRUCTOR),
    (r"viewed|listed|opened|read", "viewed", None),
    (r"downloaded|printed", "downloaded", None),
    (r"searched", "searched", None),
    (r"submitted", "submitted", None),
    (r"started|launched|resumed", "started", None),
    (r"completed|ended|finished", "completed", None),
    (r"answered", "answered", None),
    (r"created|added|uploaded|posted|duplicated", "created", None),
    (r"updated|moved|changed|edited|reset", "changed", None),
    (r"deleted|removed", "removed", None),
    (r"joined", "joined", None),
    (r"left", "left", None),
    (r"sent", "messaged", None),
)
_CRUD: Final = {"c": "created", "r": "viewed", "u": "changed", "d": "removed"}

# Moodle writes descriptions in English whatever the language of the interface.
_DESCRIBED: Final = (
    (r"created the '' activity", "created", "", "module", INSTRUCTOR),
    (r"updated the '' activity", "changed", "", "module", INSTRUCTOR),
    (r"deleted the '' activity|deleted the course module", "removed", "", "module", INSTRUCTOR),
    (r"viewed the '' activity", "viewed", "", "module", None),
    (r"viewed the (section number '' of the )?course with", "viewed", "homepage", "course", None),
    (r"viewed the instance list|list of resources|list of users|viewed the profile|viewed the (user|overview) report",
     "viewed", "page", "none", None),
    (r"updated the completion state", "completed", "", "module", None),
    (r"(grade with|grade item with|graded the)", "interacted", "other", "none", INSTRUCTOR),
    (r"viewed the grading (table|form)", "viewed", "", "module", INSTRUCTOR),
    (r"has created the post", "replied", "message", "post", None),
    (r"has (updated|deleted) the post", "changed", "message", "post", None),
    (r"has created the discussion", "posted", "thread", "thread", None),
    (r"has viewed the discussion", "viewed", "thread", "thread", None),
    (r"has posted content in the forum post", "interacted", "", "module", None),
    (r"their attempt .* reviewed|viewed the (summary for the )?attempt", "viewed", "", "module", None),
    (r"has started the attempt", "started", "", "module", None),
    (r"has submitted the", "submitted", "", "module", None),
    (r"accepted the statement", "submitted", "", "module", None),
    (r"(created|uploaded) (an? )?(\w+ ){0,2}submission", "created", "", "module", None),
    (r"updated (an? )?(\w+ ){0,2}submission", "changed", "", "module", None),
    (r"answered the question|made the choice|response", "answered", "", "module", None),
)  # fmt: skip
_ENROLLED: Final = re.compile(r"^the user with (?:the )?id '' (un)?enrolled the user")
_MODULE_IN_TEXT: Final = re.compile(r"(?:for|in|of|to) the (\w+) with (?:the )?course module id")


def _rules() -> tuple[dict[tuple[str, str], Meaning], dict[str, Meaning]]:
    by_class: dict[tuple[str, str], Meaning] = {}
    by_name: dict[str, Meaning] = {}
    for line in _TABLE.strip().splitlines():
        component, event, name, verb, kind, marks = line.split("|")
        marked = marks.split()
        about = next((mark for mark in marked if mark in ("thread", "post", "course", "none")), "module")
        enrols = next((mark for mark in marked if mark in ("enrolled", "withdrawn")), None)
        role = INSTRUCTOR if "staff" in marked else None
        meaning = Meaning(verb, kind or None, about, role, component.removeprefix("mod_"), enrols)
        by_class[component, event] = meaning
        by_name.setdefault(name.rstrip(".").lower(), meaning)
    return by_class, by_name


_BY_CLASS, _BY_NAME = _rules()


def of_class(eventname: str, component: str, action: str, target: str, crud: str) -> Meaning:
    r"""The meaning of a row of the log store, such as of `\mod_quiz\event\attempt_submitted`."""
    parts = [part for part in eventname.split("\\") if part]
    owner, event = (parts[0], parts[-1]) if len(parts) > 1 else (component, f"{target}_{action}")
    module = owner.removeprefix("mod_") if owner.startswith("mod_") else None
    if owner.startswith(("assignsubmission_", "assignfeedback_")):
        module = "assign"
    rule = _BY_CLASS.get((owner, event)) or _BY_CLASS.get(("*", event))
    if rule is None and module is not None:
        rule = _BY_CLASS.get((f"mod_{module}", event))
    if rule is not None:
        return _placed(rule, module)
    verb, role = _done(action or event.rpartition("_")[2]) or (_CRUD.get(crud, "interacted"), None)
    return _placed(Meaning(verb, None, "module" if module else "none", role), module)


def of_report(component: str, context: str, event: str, description: str) -> Meaning:
    """The meaning of a row of the log report.

    Args:
        component: as the interface calls it.
        context: what stands before the colon of the event context.
        event: the event's name, in any language.
        description: with all texts in quotes taken out.
    """
    text = description.lower()
    named = _MODULE_IN_TEXT.search(text)
    module = module_of(context) or module_of(component)
    if module is None and named and not is_course(context):
        module = {"assignment": "assign"}.get(named[1], named[1])
    if enrolled := _ENROLLED.search(text):
        return _BY_CLASS["core", "user_enrolment_deleted" if enrolled[1] else "user_enrolment_created"]
    rule = _BY_NAME.get(event.rstrip(".").lower())
    if rule is None:
        rule = next(
            (
                Meaning(verb, kind or None, about, role)
                for pattern, verb, kind, about, role in _DESCRIBED
                if re.search(pattern, text)
            ),
            None,
        )
    if rule is not None:
        return _placed(rule, module)
    verb, role = _done(event.rstrip(".").rpartition(" ")[2]) or _done(text) or ("interacted", None)
    return _placed(Meaning(verb, None, "module" if module else "none", role), module)


def _done(text: str) -> tuple[str, str | None] | None:
    for pattern, verb, role in _DONE:
        if re.search(rf"\b(?:{pattern})\b", text.lower()):
            return verb, role
    return None


def _placed(rule: Meaning, module: str | None) -> Meaning:
    """The rule, with the type that the module gives its object."""
    if rule.type is not None:
        return replace(rule, module=module)
    return replace(rule, module=module, type=MODULE_TYPES.get(module, "other") if module else None)
