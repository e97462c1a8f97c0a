"""The words of statements: every source translates its own verbs and types into these, and into no others.

What a source cannot translate is an `interacted` with the source's own word in `event`, so that activity counts
although nobody knows yet what it was.
"""

from typing import Final

VERBS: Final[dict[str, str]] = {
    "viewed": "opened a page, a file, a thread, or any other thing in the course",
    "downloaded": "took a file away",
    "searched": "looked for something",
    "played": "started or resumed a recording at `position_s`",
    "paused": "paused or stopped a recording at `position_s`",
    "seeked": "jumped in a recording from `from_s` to `position_s`",
    "completed": "reached the end of something, or marked it as done",
    "progressed": "came further; `progress` says how far, `duration_s` how long",
    "started": "began an attempt",
    "answered": "answered an item or a practice question",
    "submitted": "handed in an assessment",
    "asked_for_help": "asked for a hint or for the answer",
    "posted": "opened a thread, wrote a message to all",
    "replied": "answered a thread or a post, which is the `parent`",
    "reacted": "voted, liked, rated, followed",
    "messaged": "wrote to someone",
    "created": "made something else: a page, an annotation, an entry",
    "changed": "edited or moved something",
    "removed": "deleted something",
    "joined": "entered a meeting, a group, a chat",
    "left": "left a meeting, a group, a chat",
    "logged_in": "signed in",
    "logged_out": "signed out",
    "interacted": "did something that has no word of its own here; `event` has the source's word",
}

ASSESSMENT_TYPES: Final = ("assignment", "test", "exam")

ACTIVITY_TYPES: Final = (
    *ASSESSMENT_TYPES,
    "content",
    "page",
    "video",
    "file",
    "folder",
    "link",
    "interactive",
    "quiz",
    "question",
    "forum",
    "thread",
    "message",
    "wiki",
    "webinar",
    "survey",
    "glossary",
    "database",
    "homepage",
    "other",
)

ROLES: Final = ("instructor", "automated")
"""Who may act besides a learner: staff, and programs (crawlers, health checks, scheduled jobs)."""
