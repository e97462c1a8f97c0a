"""What advisers can try with a segment: a few plays in plain words, by reason type and by what a segment stands out in.

Plays are starting points for a conversation and no prescriptions; whether one helps is for the institution to find out.
"""

from typing import Final

from headway.models.reason_types import ReasonType

BY_TYPE: Final[dict[ReasonType, tuple[str, ...]]] = {
    "never started": (
        "Ask whether they still want to take the course and what kept them from a first visit.",
        "Send one link to the first task with the time it takes, and offer a short call to set things up.",
    ),
    "loss of motivation": (
        "Ask in person what changed, before anything is offered.",
        "Agree on one small next step within the week and follow it up.",
        "Bring them together with a study group or a mentor.",
    ),
    "lack of time": (
        "Go through the coming weeks together: which tasks count most, which can be left out.",
        "Offer extended dates or a lighter load where the rules allow it.",
        "Point to short units that fit into half an hour.",
    ),
    "busy but low results": (
        "Look at one marked piece of work together: what was asked, what was done.",
        "Suggest practice with answers instead of rereading.",
        "Ask whether the instructions and the marking scheme are clear.",
    ),
    "skill gap": (
        "Offer a tutor hour or a bridging unit on what is not yet mastered.",
        "Name the two or three topics to repeat first.",
        "Let them try again where an attempt is left.",
    ),
    "on course": ("Leave them be, or thank them for what goes well.",),
}

BY_FEATURE: Final[dict[str, tuple[str, str]]] = {
    "active_days_28d": (
        "Ask what stands in the way of visits at present.",
        "They come often: use announcements in the course.",
    ),
    "active_weeks": ("Suggest a fixed hour each week.", "They come every week: keep the weekly rhythm."),
    "days_since_last_activity": (
        "A note in the course reaches them: they were here lately.",
        "Write or call outside the course.",
    ),
    "forum_interactions_28d": (
        "Do not count on the forum to reach them.",
        "Invite them to answer others in the forum.",
    ),
    "interactions_28d": ("Point to the one thing to do next.", "Offer further material to who wants more."),
    "longest_gap_days": ("Their visits are regular: no reminder is needed.", "Agree on a date for the next visit."),
    "mean_score": ("Offer help with the topics of the last work.", "Offer harder tasks, or a role as peer tutor."),
    "minutes_28d": ("Point to short units.", "Ask whether the time goes where it counts."),
    "objects_14d": ("Say which two materials matter this week.", "Say what can be left out."),
    "procrastination": (
        "They hand in early: early feedback is worth the effort.",
        "Offer a check of a draft some days before the due date.",
    ),
    "quiz_interactions_28d": ("Point to the practice quizzes.", "Use quizzes to tell them where they stand."),
    "submitted_share": (
        "Ask about the work that is missing and whether it can still come in.",
        "Their work comes in: give feedback soon.",
    ),
    "video_minutes_28d": (
        "Point to texts and tasks, or ask whether recordings open.",
        "Put what is new into recordings.",
    ),
    "weekend_share_28d": ("Office hours on weekdays reach them.", "Offer help in the evening or at weekends."),
}
"""For each feature of behaviour: what to try where a segment has little of it, and where it has much."""

WORDS: Final[dict[str, tuple[str, str]]] = {
    "active_days_28d": ("seldom here", "often here"),
    "active_weeks": ("few weeks with a visit", "here week after week"),
    "days_since_last_activity": ("here lately", "long away"),
    "forum_interactions_28d": ("not in the forum", "in the forum"),
    "interactions_28d": ("few clicks", "many clicks"),
    "longest_gap_days": ("no long pauses", "long pauses"),
    "mean_score": ("low marks", "high marks"),
    "minutes_28d": ("little time", "much time"),
    "objects_14d": ("few materials", "many materials"),
    "procrastination": ("hands in early", "hands in at the last moment"),
    "quiz_interactions_28d": ("few quizzes", "many quizzes"),
    "submitted_share": ("work missing", "work handed in"),
    "video_minutes_28d": ("few recordings", "many recordings"),
    "weekend_share_28d": ("on weekdays", "at weekends"),
}
"""How a segment is named that has little, or much, of a feature."""
