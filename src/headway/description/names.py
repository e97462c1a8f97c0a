"""What things in a course are called on a page: by their title, else by type and number, never by a bare long id."""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from headway.features.known import ASSESSMENT_TYPES

if TYPE_CHECKING:
    import pyarrow as pa

LONGEST: Final = 60
TYPE_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "content": ("course text", "course texts"),
    "other": ("other thing", "other things"),
    "quiz": ("quiz", "quizzes"),
    "glossary": ("glossary", "glossaries"),
    "homepage": ("home page", "home pages"),
    "interactive": ("interactive task", "interactive tasks"),
}
"""Types of activities as people call them, one and many; types that are words already stand for themselves."""


def type_name(word: str, *, many: bool = True) -> str:
    """A type of activity as people call it."""
    one, several = TYPE_NAMES.get(word, (word, f"{word}s"))
    return several if many else one


def names_of(activities: "pa.Table") -> dict[str, str]:
    """The name of each activity, by id.

    Args:
        activities: `activity`, `type`, `title`, sorted by due date; untitled assessments are numbered in this order.
    """
    rows: list[dict[str, Any]] = activities.select(["activity", "type", "title"]).to_pylist()
    untitled: Counter[str] = Counter()
    named = {}
    for row in rows:
        if row["title"]:
            named[row["activity"]] = shortened(" ".join(row["title"].split()))
        elif row["type"] in ASSESSMENT_TYPES:
            untitled[row["type"]] += 1
            named[row["activity"]] = f"{row['type']} {untitled[row['type']]}"
        else:
            named[row["activity"]] = from_id(row["activity"], row["type"])
    return named


def from_id(activity: str, word: str) -> str:
    """A name for a thing of which only the id and the type are known: `forum 877011`."""
    last = activity.rstrip("/").rpartition("/")[2].rpartition("@")[2] or activity
    own = shortened(last)
    return own if own.lower().startswith(word) else f"{type_name(word, many=False)} {own}"


def shortened(text: str) -> str:
    """The text, cut with an ellipsis where it is long."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1].rstrip()}…"
