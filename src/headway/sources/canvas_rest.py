"""Courses, rosters, assignments and submissions from the REST interface of Canvas, page by page, as files.

Promises that only what is read further on is written down (no names, no mail addresses), and that the token leaves for
the one host named, over https (or to this very machine).
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from headway.domain.errors import ConfigError, InputError, SourceError
from headway.sources.http import get_json, next_page

TOKEN_ENV: Final = "CANVAS_TOKEN"  # noqa: S105  # the name of a variable, no token
PAGE_ROWS: Final = 100
MOST_PAGES: Final = 100_000
LOW_QUOTA: Final = 100.0
"""What Canvas says is left (of some 700) below which we wait: going on would end in a refusal."""
_PAUSE_S: Final = 2.0
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})

_KEPT: Final[dict[str, tuple[str, ...]]] = {
    "courses": (
        "id",
        "name",
        "course_code",
        "start_at",
        "end_at",
        "created_at",
        "workflow_state",
        "enrollment_term_id",
    ),
    "enrollments": (
        "id",
        "user_id",
        "course_id",
        "course_section_id",
        "type",
        "enrollment_state",
        "created_at",
        "updated_at",
        "grades",
    ),
    "assignments": (
        "id",
        "course_id",
        "name",
        "due_at",
        "unlock_at",
        "lock_at",
        "points_possible",
        "submission_types",
        "workflow_state",
        "quiz_id",
        "created_at",
        "updated_at",
    ),
    "submissions": (
        "id",
        "assignment_id",
        "user_id",
        "course_id",
        "attempt",
        "submitted_at",
        "graded_at",
        "posted_at",
        "score",
        "grade",
        "workflow_state",
    ),
}
_OF_GRADES: Final = ("final_score",)
_STATES: Final = ("active", "invited", "completed", "inactive", "deleted")


@dataclass(frozen=True, slots=True)
class Interface:
    """A Canvas to ask.

    Attributes:
        base: its address, such as https://canvas.example.edu.
        token: the access token.
        sleep: waits so many seconds.
    """

    base: str
    token: str
    sleep: Callable[[float], None] = time.sleep

    def rows(self, path: str, params: Sequence[tuple[str, str]] = ()) -> Iterator[dict[str, Any]]:
        """Every object that the interface lists at `path`, page after page; one object where it gives one.

        Raises:
            SourceError: it refuses, cannot be reached, or goes on for ever.
        """
        url: str | None = f"{self.base}/api/v1/{path}"
        asked: Sequence[tuple[str, str]] = (*params, ("per_page", str(PAGE_ROWS)))
        seen: set[str] = set()
        while url:
            if url in seen or len(seen) > MOST_PAGES:
                raise SourceError(f"{self.base} gives the same page of {path} again and again. Ask its owner.")
            seen.add(url)
            found, headers = get_json(url, {"Authorization": f"Bearer {self.token}"}, asked, sleep=self.sleep)
            if _quota(headers) < LOW_QUOTA:
                self.sleep(_PAUSE_S)
            for row in found if isinstance(found, list) else [found]:
                if not isinstance(row, dict):
                    raise SourceError(f"{self.base} lists at {path} what is no object. Is this the address of Canvas?")
                yield row
            # The address of the next page has the whole query in it.
            url, asked = next_page(url, headers), ()


def interface(options: Mapping[str, str]) -> Interface | None:
    """The Canvas that the options name by `url`, or None where they name none.

    Raises:
        ConfigError: the environment variable for the token is not set.
        InputError: the address is not usable.
    """
    base = options.get("url")
    if base is None:
        return None
    parts = urlsplit(base)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _HERE):
        raise InputError(f"url is {base!r}. A token may go to an https address only: https://canvas.example.edu.")
    variable = options.get("token_env", TOKEN_ENV)
    token = os.environ.get(variable, "")
    if not token:
        raise ConfigError(f"The environment variable {variable} holds no token. Make one in Canvas and set it there.")
    if not token.isascii() or any(character <= " " for character in token):
        raise ConfigError(f"The token in {variable} has characters that no token has. Copy it again.")
    return Interface(base.rstrip("/").removesuffix("/api/v1"), token)


def pull(canvas: Interface, courses: Sequence[str], folder: Path) -> list[tuple[Path, str]]:
    """Files of JSON lines in `folder`, one per table, with the names to show for them.

    Args:
        canvas: whom to ask.
        courses: ids of courses; with none, all that the token's owner sees.
        folder: where to.

    Raises:
        SourceError: Canvas refuses or cannot be reached.
    """
    if courses:
        found = [row for course in courses for row in canvas.rows(f"courses/{course}")]
    else:
        found = list(
            canvas.rows("courses", [("state[]", state) for state in ("available", "completed", "unpublished")])
        )
    files = {table: folder / f"{table}.jsonl" for table in _KEPT}
    _write(files["courses"], "courses", found)
    ids = [str(row["id"]) for row in found if row.get("id") is not None]
    for course in ids:
        states = [("state[]", state) for state in _STATES]
        _write(files["enrollments"], "enrollments", canvas.rows(f"courses/{course}/enrollments", states), course)
        _write(files["assignments"], "assignments", canvas.rows(f"courses/{course}/assignments"), course)
        everyone = [("student_ids[]", "all")]
        _write(
            files["submissions"], "submissions", canvas.rows(f"courses/{course}/students/submissions", everyone), course
        )
    return [(path, f"{canvas.base}/{table}") for table, path in files.items() if path.exists() and path.stat().st_size]


def _write(
    path: Path, table: str, rows: Iterator[dict[str, Any]] | list[dict[str, Any]], course: str | None = None
) -> None:
    with path.open("a", encoding="utf-8") as out:
        for row in rows:
            kept = {name: row[name] for name in _KEPT[table] if name in row}
            if isinstance(kept.get("grades"), dict):
                kept["grades"] = {name: kept["grades"].get(name) for name in _OF_GRADES}
            if course is not None:
                kept.setdefault("course_id", course)
            out.write(json.dumps(kept) + "\n")


def _quota(headers: Mapping[str, str]) -> float:
    try:
        return float(headers.get("x-rate-limit-remaining", "inf"))
    except ValueError:
        return float("inf")
