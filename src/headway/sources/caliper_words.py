"""The words of Caliper Analytics 1.1 and 1.2 (1EdTech) in ours, and what its information model allows where.

Holds words only. `EVENTS` says which actions and objects an event may have; what it does not list is refused. An
`Event` of no special kind may have any action of the vocabulary and any object.
"""

from dataclasses import dataclass
from typing import Final

_VERBS: Final = {
    "viewed": "Viewed NavigatedTo Launched Returned Reviewed MarkedAsRead Showed Retrieved",
    "downloaded": "Downloaded Printed",
    "searched": "Searched",
    "played": "",
    "paused": "",
    "seeked": "ForwardedTo JumpedTo Rewound",
    "completed": "Completed Ended",
    "started": "Started Resumed Restarted",
    "submitted": "Submitted",
    "posted": "Posted Questioned",
    "reacted": "Liked Disliked Ranked Recommended Shared Subscribed Unsubscribed",
    "messaged": "Sent",
    "created": "Created Uploaded Copied Saved Attached Added Bookmarked Highlighted Tagged Commented Linked",
    "changed": "Modified Described Classified Identified Published Unpublished Restored Activated Deactivated Hid",
    "removed": "Deleted Removed Archived",
    "logged_in": "LoggedIn",
    "logged_out": "LoggedOut TimedOut",
    "interacted": "Abandoned Accepted Declined ChangedResolution ChangedSize ChangedSpeed ChangedVolume ClosedPopout "
    "DisabledClosedCaptioning EnabledClosedCaptioning EnteredFullScreen ExitedFullScreen Graded MarkedAsUnread "
    "MarkedAsUnRead Muted OpenedPopout OptedIn OptedOut Paused Reset Skipped Unmuted Used",
}
VERB_OF_ACTION: Final = {action: verb for verb, actions in _VERBS.items() for action in actions.split()}

_TYPES: Final = {
    "video": "VideoObject AudioObject MediaObject MediaLocation",
    "file": "DigitalResource ImageObject",
    "folder": "DigitalResourceCollection Collection",
    "page": "Page WebPage Document Reading Frame Syllabus",
    "content": "Chapter EpubChapter EpubPart EpubSubChapter EpubVolume LearningObjective",
    "test": "Assessment",
    "question": "AssessmentItem",
    "assignment": "AssignableDigitalResource",
    "link": "Link LtiLink",
    "forum": "Forum",
    "thread": "Thread",
    "message": "Message Comment Annotation BookmarkAnnotation HighlightAnnotation SharedAnnotation TagAnnotation",
    "survey": "Survey SurveyInvitation Questionnaire QuestionnaireItem Question DateTimeQuestion MultiselectQuestion "
    "OpenEndedQuestion RatingScaleQuestion",
    "interactive": "SoftwareApplication Tool",
    "homepage": "CourseSection CourseOffering",
    "other": "Entity Agent Person Group Organization Membership Session LtiSession Attempt Result Score Response "
    "DateTimeResponse FillinBlankResponse MultipleChoiceResponse MultipleResponseResponse MultiselectResponse "
    "OpenEndedResponse RatingScaleResponse SelectTextResponse TrueFalseResponse Rating Query SearchResponse Scale "
    "LikertScale MultiselectScale NumericScale SystemIdentifier TextPositionSelector AggregateMeasure "
    "AggregateMeasureCollection",
}
TYPE_OF_ENTITY: Final = {entity: type_ for type_, entities in _TYPES.items() for entity in entities.split()}

RESOURCES: Final = frozenset(
    entity
    for type_ in (
        *("video", "file", "folder", "page", "content", "test", "question", "assignment", "link"),
        *("forum", "thread", "survey"),
    )
    for entity in _TYPES[type_].split()
) | {"Message"}
"""The digital resources and their kinds: what may be read, navigated to, annotated and managed."""

COURSES: Final = ("CourseSection", "CourseOffering")
GROUPS: Final = (*COURSES, "Group", "Organization")
STAFF: Final = (
    *("Instructor", "TeachingAssistant", "Administrator", "ContentDeveloper", "Manager", "Mentor", "Officer"),
)
ROLES: Final = ("Learner", "Member", *STAFF)
STATUSES: Final = {"Active": "enrolled", "Inactive": "withdrawn", "Deleted": "withdrawn"}
CONTEXTS: Final = ("v1p1", "v1p2")

PROFILES: Final = (
    *("AnnotationProfile", "AssessmentProfile", "AssignableProfile", "FeedbackProfile", "ForumProfile"),
    *("GeneralProfile", "GradingProfile", "MediaProfile", "ReadingProfile", "ResourceManagementProfile"),
    *("SearchProfile", "SessionProfile", "SurveyProfile", "ToolLaunchProfile", "ToolUseProfile"),
)


@dataclass(frozen=True, slots=True)
class Form:
    """What an event of one type may look like; no entry in a set means anything.

    Attributes:
        actions: its actions.
        objects: entity types of its object.
        generated: entity types of what it generated.
    """

    actions: frozenset[str]
    objects: frozenset[str] = frozenset()
    generated: frozenset[str] = frozenset()


def _form(actions: str, objects: str | frozenset[str] = "", generated: str = "") -> Form:
    allowed = frozenset(objects.split()) if isinstance(objects, str) else objects
    return Form(frozenset(actions.split()), allowed, frozenset(generated.split()))


_RESPONSES: Final = " ".join(entity for entity in _TYPES["other"].split() if entity.endswith("Response"))
_SCREEN: Final = (
    "ChangedResolution ChangedSize ChangedSpeed ChangedVolume ClosedPopout DisabledClosedCaptioning "
    "EnabledClosedCaptioning EnteredFullScreen ExitedFullScreen Muted OpenedPopout Unmuted"
)

EVENTS: Final = {
    "Event": Form(frozenset(VERB_OF_ACTION)),
    "AnnotationEvent": _form("Bookmarked Highlighted Shared Tagged", RESOURCES, _TYPES["message"]),
    "AssessmentEvent": _form("Started Paused Resumed Restarted Reset Submitted", "Assessment", "Attempt"),
    "AssessmentItemEvent": _form("Started Skipped Completed", "AssessmentItem", f"Attempt {_RESPONSES}"),
    "AssignableEvent": _form(
        "Activated Deactivated Started Completed Submitted Reviewed Abandoned Hid Showed",
        "AssignableDigitalResource Assessment AssessmentItem",
        "Attempt",
    ),
    "FeedbackEvent": _form("Commented Ranked", "", "Rating Comment"),
    "ForumEvent": _form("Subscribed Unsubscribed", "Forum"),
    "GradeEvent": _form("Graded", "Attempt", "Score Result"),
    "OutcomeEvent": _form("Graded", "Attempt", "Score Result"),
    "MediaEvent": _form(
        f"Started Ended Paused Resumed Restarted ForwardedTo JumpedTo Rewound {_SCREEN}",
        "MediaObject VideoObject AudioObject ImageObject",
    ),
    "MessageEvent": _form("Posted MarkedAsRead MarkedAsUnread MarkedAsUnRead", "Message"),
    "NavigationEvent": _form("NavigatedTo", RESOURCES | {"SoftwareApplication"}),
    "QuestionnaireEvent": _form("Started Submitted", "Questionnaire"),
    "QuestionnaireItemEvent": _form("Started Skipped Completed", "QuestionnaireItem", _RESPONSES),
    "ReadingEvent": _form("NavigatedTo Viewed Searched", RESOURCES),
    "ResourceManagementEvent": _form(
        "Archived Copied Created Deleted Described Downloaded Modified Printed Published Restored Retrieved Saved "
        "Unpublished Uploaded",
        RESOURCES,
    ),
    "SearchEvent": _form("Searched", "", "SearchResponse"),
    "SessionEvent": _form("LoggedIn LoggedOut TimedOut", "SoftwareApplication Session LtiSession"),
    "SurveyEvent": _form("OptedIn OptedOut", "Survey"),
    "SurveyInvitationEvent": _form("Accepted Declined Sent", "SurveyInvitation"),
    "ThreadEvent": _form("MarkedAsRead MarkedAsUnread MarkedAsUnRead", "Thread"),
    "ToolLaunchEvent": _form("Launched Returned", "SoftwareApplication Link LtiLink"),
    "ToolUseEvent": _form("Used", "SoftwareApplication", "AggregateMeasureCollection"),
    "ViewEvent": _form("Viewed", RESOURCES),
}
