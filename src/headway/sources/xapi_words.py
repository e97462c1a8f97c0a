"""The words of xAPI profiles in ours: verbs and activity types by the last part of their IRIs.

Profiles write the same verb under many hosts (`http://adlnet.gov/expapi/verbs/completed`,
`https://w3id.org/xmooc/verbs/completed`, `http://activitystrea.ms/schema/1.0/complete`), so the last part of the IRI
decides. Holds words only; `sources.xapi_statements` says what depends on the object.
"""

from typing import Final

VOIDED: Final = "http://adlnet.gov/expapi/verbs/voided"

_VERBS: Final = {
    "viewed": "viewed view experienced experience read accessed access opened open visited previewed launched launch "
    "navigated navigated-in navigate selected watched listened reviewed browsed expanded focused",
    "downloaded": "downloaded download printed exported",
    "searched": "searched search queried",
    "played": "played play",
    "paused": "paused pause",
    "seeked": "seeked",
    "completed": "completed complete finished finish mastered satisfied waived consumed achieved marked-completion",
    "progressed": "progressed",
    "started": "initialized attempted started start begun resumed",
    "answered": "answered answer responded evaluated",
    "submitted": "submitted submit passed failed handed-in turned-in partially-passed",
    "asked_for_help": "asked asked-for-help requested-help requested-hint",
    "posted": "posted post",
    "replied": "replied reply commented comment",
    "reacted": "liked like disliked unliked favorited favorite rated voted voted-up voted-down up-voted down-voted "
    "followed follow unfollowed subscribed unsubscribed shared share recommended reported endorsed",
    "messaged": "sent send mentioned",
    "created": "created create authored author annotated noted bookmarked added add saved save tagged drew uploaded "
    "highlighted attached",
    "changed": "updated update edited edit modified changed moved customized renamed reset",
    "removed": "deleted delete removed remove discarded archived",
    "joined": "joined join attended attend entered enter checked-in",
    "left": "left leave",
    "logged_in": "logged-in loggedin login log-in signed-in",
    "logged_out": "logged-out loggedout logout log-out signed-out",
}

VERB_OF_WORD: Final = {word: verb for verb, words in _VERBS.items() for word in words.split()}

ENROLLING: Final = {
    "enrolled": ("registered", "enrolled", "enroled", "register"),
    "withdrawn": ("unregistered", "unenrolled", "unenroled", "withdrew", "withdrawn", "dropped"),
}
"""Verbs on a course that change an enrolment, by its new status."""

GRADING: Final = ("scored", "earned", "graded", "was-assessed", "got-score", "received-score")
"""Verbs by which a learner is given a mark: no act of the learner's."""

_TYPES: Final = {
    "video": "video audio media video-object recording podcast",
    "exam": "exam timed-assessment proctored-assessment",
    "test": "test assessment",
    "quiz": "quiz practice-assessment attempt",
    "assignment": "assignment performance workshop submission essay homework",
    "question": "question cmi.interaction interaction solution supplemental-info hint problem",
    "interactive": "simulation game scorm content-package h5p external-activity lti interactive exercise au tool vpl",
    "content": "module lesson unit block content objective resource media-collection chapter book web-content section "
    "sequential vertical html",
    "page": "page webpage web-page article slide document-page",
    "file": "file document image attachment",
    "folder": "folder file-collection collection",
    "link": "link web-link url bookmark",
    "forum": "forum",
    "thread": "discussion forum-topic thread topic",
    "message": "message post forum-reply reply comment note",
    "wiki": "wiki",
    "webinar": "webinar virtual-classroom meeting conference chat-room chat-channel chat session-webinar event",
    "survey": "survey feedback poll choice questionnaire",
    "glossary": "glossary",
    "database": "database",
    "homepage": "course site dashboard service application system homepage source",
}

TYPE_OF_WORD: Final = {word: type_ for type_, words in _TYPES.items() for word in words.split()}

# Where the type says too little, the link often says more: /mod/quiz/ of Moodle, +type@problem+ of Open edX.
TYPE_OF_MODULE: Final = {
    "assign": "assignment",
    "workshop": "assignment",
    "quiz": "quiz",
    "forum": "forum",
    "resource": "file",
    "folder": "folder",
    "url": "link",
    "page": "page",
    "book": "content",
    "lesson": "content",
    "glossary": "glossary",
    "wiki": "wiki",
    "data": "database",
    "feedback": "survey",
    "survey": "survey",
    "choice": "survey",
    "questionnaire": "survey",
    "scorm": "interactive",
    "h5pactivity": "interactive",
    "hvp": "interactive",
    "lti": "interactive",
    "bigbluebuttonbn": "webinar",
    "chat": "webinar",
    "zoom": "webinar",
    "problem": "question",
    "video": "video",
    "html": "content",
    "sequential": "content",
    "vertical": "content",
    "chapter": "content",
    "discussion": "forum",
}
