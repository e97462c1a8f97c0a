"""Canvas: Live Events (its own form and its Caliper dialect), Canvas Data 2 tables, page views, and the REST interface.

All forms are brought into one (`canvas_form`) and read by one set of rules, so that a learner, a course and a task have
the same id whichever form told of them. These conventions hold:

- A run is `canvas/<local course id>/1`: events do not know the term, so no form uses it.
- A learner is the HMAC of the local user id; of `shard~id` for an account of another shard than the institution's.
- What happened is known when it happened: the time at which a queue or a sensor sent it is another at each delivery.
- A mark belongs to the learner marked. It is the share of the full mark, at most 1; who gave it is not kept.
- Two enrolments of one learner in a course (sections) are one; leaving one of them is not leaving the course.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from headway.domain.errors import InputError, SourceError
from headway.sources.calendar import CALENDAR_OPTIONS, event_staging, find_files, make_calendar
from headway.sources.canvas_facts import BUSY, Choices, make_facts
from headway.sources.canvas_form import COLUMNS, EVENT_PATHS
from headway.sources.canvas_records import deliveries, titles_sql
from headway.sources.canvas_rest import TOKEN_ENV, interface, pull
from headway.sources.canvas_sql import make_links, make_people, make_raw, make_rows
from headway.sources.canvas_tables import TableReader, is_table
from headway.sources.canvas_wrappers import head_of, is_wrapped, unwrap
from headway.sources.json_lines import load_json
from headway.sources.source import SOURCES, Delivery, Request
from headway.sources.staging import Staging, text_sql

_TEXTS: Final = ("json", "jsonl", "ndjson", "csv", "tsv")
_PATTERNS: Final = (*(f"*.{kind}{packed}" for kind in _TEXTS for packed in ("", ".gz")), "*.parquet")

_OPTIONS: Final = MappingProxyType(
    {
        **CALENDAR_OPTIONS,
        "run": "the run of rows that name no course, and of all where the data name but one, as canvas/BIO101/2026",
        "shard": "the institution's own shard number (default: that of the root account or of the course)",
        "texts": "yes keeps what learners wrote in discussions, masked (default: no)",
        "scores": "marks in quiz_submissions are points or share of the full mark (default: found out)",
        "pass_mark": "per cent from which the final score of a concluded enrolment is a pass (default: no outcomes)",
        "url": "the address of a Canvas to pull courses, rosters, assignments and submissions from",
        "courses": "ids of the courses to pull, separated by commas (default: all that the token's owner sees)",
        "token_env": f"the environment variable that holds the access token (default: {TOKEN_ENV})",
    }
)


class Canvas:
    """Reads what Canvas (Instructure) exports, streams and answers."""

    name = "canvas"
    summary = (
        "Canvas: Live Events (also in Caliper form), Canvas Data 2 tables, page views, or its REST interface (url=)"
    )
    options: Mapping[str, str] = _OPTIONS

    def read(self, request: Request) -> Iterator[Delivery]:
        """The deliveries of all files and of what was pulled; everything is staged and checked before the first one.

        Raises:
            ConfigError: the workspace has no key for pseudonyms, or the token is missing.
            InputError: an option is unknown or has no usable value.
            SourceError: a file is missing, damaged or of no known form, or the interface refuses.
        """
        shard, choices, texts = _shard(request), _choices(request), _yes(request, "texts")
        canvas = interface(request.options)
        courses = _courses(request)
        staging = event_staging(self, request)
        files = find_files(request, _PATTERNS, self.name) if request.paths or canvas is None else []
        make_raw(staging)
        if canvas is not None:
            files += pull(canvas, courses, staging.folder)
        _Forms(staging).take(files)
        make_rows(staging, shard)
        make_links(staging)
        make_people(staging, request.pseudonym_key)
        make_facts(staging, choices)
        zone = text_sql(request.options.get("zone", "UTC"))
        make_calendar(staging, BUSY, request, titles=titles_sql(zone))
        return deliveries(staging, texts)


class _Forms:
    """Tells the forms of files apart and stages their rows: events in `canvas_events`, tables in `canvas_raw`."""

    def __init__(self, staging: Staging) -> None:
        self._staging = staging
        self._tables = TableReader(staging, COLUMNS)

    def take(self, files: Sequence[tuple[Path, str]]) -> None:
        """Stage the rows of all files."""
        events: list[tuple[Path, str]] = []
        for number, (path, name) in enumerate(files):
            if path.suffix == ".parquet":
                self._tables.parquet(number, path, name)
                continue
            head = head_of(path, name)
            if not head.strip():
                raise SourceError(f"{name} is empty. Download it again, or take it away if it is not needed.")
            if not _is_json(head):
                self._tables.delimited(number, path, name, head)
            elif is_wrapped(head):
                events.append((unwrap(path, name, self._staging.folder / f"unwrapped-{number}.jsonl"), name))
            elif _has_events(head) or not is_table(path, name, head):
                events.append((path, name))
            else:
                self._tables.json(number, path, name, head)
        load_json(self._staging, "canvas_events", "statements", events, EVENT_PATHS, lists=("data",))


def _is_json(head: bytes) -> bool:
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


def _has_events(head: bytes) -> bool:
    return b'"event_name"' in head or b'"eventTime"' in head or b'"metadata"' in head or b'"sensor"' in head


def _yes(request: Request, option: str) -> bool:
    text = request.options.get(option, "no")
    if text not in ("yes", "no"):
        raise InputError(f"{option} is {text!r}. Write yes or no.")
    return text == "yes"


def _shard(request: Request) -> int | None:
    text = request.options.get("shard")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**6):
        raise InputError(f"shard is {text!r}. Give the number in front of the zeros of a global id, such as 2107.")
    return int(text)


def _courses(request: Request) -> list[str]:
    named = [each.strip() for each in request.options.get("courses", "").split(",") if each.strip()]
    for course in named:
        if not (course.isascii() and course.replace("~", "").isdigit()):
            raise InputError(f"courses names {course!r}. Give the numbers of courses, as in their addresses: 144,565.")
    return named


def _choices(request: Request) -> Choices:
    options = request.options
    scores = options.get("scores")
    if scores not in (None, "points", "share"):
        raise InputError(f"scores is {scores!r}. Write points or share.")
    try:
        pass_mark = float(options["pass_mark"]) if "pass_mark" in options else None
    except ValueError:
        pass_mark = -1.0
    if pass_mark is not None and not 0 <= pass_mark <= 100:
        raise InputError(f"pass_mark is {options['pass_mark']!r}. Give a number from 0 to 100.")
    return Choices(
        run=options.get("run"),
        dated="starts" in options and "ends" in options,
        shares=None if scores is None else scores == "share",
        pass_mark=pass_mark,
    )


SOURCES.add("canvas", Canvas())
