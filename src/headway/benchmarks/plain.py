"""The 25 plain features that a notebook would have, and what the peers must know to compute them themselves."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

PLAIN: Final = (
    "interactions_2d",
    "interactions_7d",
    "interactions_14d",
    "interactions_28d",
    "interactions_total",
    "active_days_7d",
    "active_days_14d",
    "active_days_28d",
    "active_days_total",
    "active_weeks",
    "days_since_last_activity",
    "days_since_first_activity",
    "interactions_per_active_day_28d",
    "weekend_share_28d",
    "activity_change_7d",
    "activity_change_14d",
    "recent_share_14d",
    "objects_total",
    "objects_14d",
    "new_objects_14d",
    "types_14d",
    "content_interactions_28d",
    "forum_interactions_28d",
    "quiz_interactions_28d",
    "homepage_interactions_28d",
)

KINDS_OF_MATERIAL: Final = {
    "content": ("content", "page", "file", "link", "video", "interactive"),
    "forum": ("forum", "wiki", "webinar"),
    "quiz": ("quiz", "test"),
    "homepage": ("homepage",),
}
"""The types behind the four features of interactions with one kind of material."""


@dataclass(frozen=True, slots=True)
class RunFiles:
    """The Parquet files of one course run in a lake.

    Attributes:
        run: its id, as it stands in the results.
        course_runs: files with its dates.
        enrolments: files with changes of status.
        activities: files with its objects and their types.
        statements: files with what learners did.
    """

    run: str
    course_runs: list[str]
    enrolments: list[str]
    activities: list[str]
    statements: list[str]


def run_files(home: str) -> list[RunFiles]:
    """The files of each run, as a notebook would find them: by the folders' names."""
    from urllib.parse import unquote

    lake = Path(home) / "lake"
    found = []
    for folder in sorted((lake / "statements").glob("run=*")):
        files = {
            kind: sorted(map(str, (lake / kind / folder.name).glob("*.parquet")))
            for kind in ("course_runs", "enrolments", "activities", "statements")
        }
        found.append(RunFiles(unquote(folder.name.removeprefix("run=")), **files))
    return found
