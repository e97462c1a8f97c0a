"""What all sources of events have in common: their options, their files, and when their course runs take place.

A log seldom says when a course run begins and ends. Its dates come from the user, from the source's own course table,
or, marked as inferred, from the first and last event; a later delivery then widens them.
"""

import csv
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Final

from headway.domain.errors import InputError, SourceError, UnknownName
from headway.domain.runs import RunId
from headway.domain.time import zone_of
from headway.sources.source import Delivery, Request, Source
from headway.sources.staging import Staging, text_sql
from headway.sources.table_sql import MACROS

CALENDAR_OPTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "zone": "time zone of the course runs whose own is not known (default UTC)",
        "starts": "first day of the course runs, as 2026-09-01 (default: the day of the first event)",
        "ends": "last day of the course runs (default: the day of the last event)",
        "calendar": "a CSV file with run, starts_on, ends_on and, if known, zone and title of each course run",
    }
)

_COLUMNS: Final = ("run", "title", "starts_on", "ends_on", "zone")


def event_staging(source: Source, request: Request) -> Staging:
    """The scratch database for a reading, with the macros `plausible`, `local_day`, `next_midnight` and `whole`.

    Raises:
        UnknownName: the request has an option that the source does not know.
        InputError: its zone is unknown, its run is no run id, or a date is no date.
    """
    for option in request.options:
        if option not in source.options:
            raise UnknownName.of(f"option of source {source.name}", option, source.options)
    if "run" in request.options:
        RunId.parse(request.options["run"])
    zone_of(request.options.get("zone", "UTC"))
    for option in ("starts", "ends"):
        _date(request.options.get(option), f"Option {option}")
    staging = Staging(source.name, request.memory_limit_mib)
    for macro in MACROS:
        staging.run(macro)
    return staging


def find_files(request: Request, patterns: Sequence[str], source: str) -> list[tuple[Path, str]]:
    """The files named, and those in the folders named that match a pattern, each with the name to show for it.

    Raises:
        SourceError: a path does not exist, or there is no such file.
    """
    found: dict[Path, str] = {}
    for path in request.paths:
        if not path.exists():
            raise SourceError(f"{path} does not exist. Name a file or a folder that {source} can read.")
        if path.is_dir():
            matches = sorted({file for pattern in patterns for file in path.rglob(pattern) if file.is_file()})
            found.update({file: str(file.relative_to(path)) for file in matches})
        else:
            found[path] = path.name
    if not found:
        raise SourceError(f"No file for {source}. Name files, or a folder that holds {' or '.join(patterns)}.")
    return list(found.items())


def make_calendar(staging: Staging, events: str, request: Request, *, titles: str | None = None) -> None:
    """Make the table `calendar`: one row per run that has an event, with its dates and zone.

    Args:
        staging: where.
        events: SQL subquery with `run` and `at` (a UTC instant).
        request: its options `starts`, `ends`, `zone` and `calendar` are heeded.
        titles: SQL subquery with `run`, `title`, `starts_on`, `ends_on` and `known_at`, from the source's own tables;
            runs without events are taken from it too if it dates them.

    Raises:
        InputError: the calendar file cannot be used.
    """
    options = request.options
    staging.run("CREATE TABLE named_runs (run VARCHAR, title VARCHAR, starts_on DATE, ends_on DATE, zone VARCHAR)")
    if "calendar" in options:
        for row in _calendar_rows(Path(options["calendar"])):
            staging.run("INSERT INTO named_runs VALUES ($run, $title, $starts_on, $ends_on, $zone)", **row)
    own = titles or (
        "(SELECT NULL::VARCHAR AS run, NULL::VARCHAR AS title, NULL::DATE AS starts_on, NULL::DATE AS ends_on, "
        "NULL::TIMESTAMPTZ AS known_at WHERE false)"
    )
    starts, ends = (f"{_literal(options.get(name))}::DATE" for name in ("starts", "ends"))
    zone = text_sql(options.get("zone", "UTC"))
    staging.run(
        f"""
        CREATE TABLE calendar AS
        WITH seen AS (SELECT run, min("at") AS first_at, max("at") AS last_at FROM {events} GROUP BY run),
        own AS (SELECT run, any_value(title) AS title, min(starts_on) AS starts_on, max(ends_on) AS ends_on,
                min(known_at) AS known_at FROM {own} GROUP BY run),
        put AS (
            SELECT coalesce(seen.run, own.run) AS run, coalesce(named.title, own.title) AS title,
                coalesce(named.starts_on, {starts}, own.starts_on) AS from_on,
                coalesce(named.ends_on, {ends}, own.ends_on) AS to_on,
                coalesce(named.zone, {zone}) AS zone, first_at, last_at, own.known_at
            FROM seen FULL JOIN own ON own.run = seen.run
            LEFT JOIN named_runs named ON named.run = coalesce(seen.run, own.run)
        ),
        dated AS (
            SELECT *, coalesce(from_on, local_day(first_at, zone)) AS first_on,
                coalesce(to_on, local_day(last_at, zone)) AS last_on
            FROM put
        )
        SELECT run, split_part(run, '/', 2) AS course, title, NULL::VARCHAR AS institution,
            least(first_on, last_on) AS starts_on, greatest(first_on, last_on) AS ends_on, zone,
            if(from_on IS NULL OR to_on IS NULL, true, NULL) AS inferred,
            CASE WHEN from_on IS NULL OR to_on IS NULL THEN greatest(last_at, known_at)
                ELSE coalesce(known_at, timezone(zone, first_on::TIMESTAMP)) END AS known_at
        FROM dated WHERE first_on IS NOT NULL AND last_on IS NOT NULL
        """
    )


def course_runs(staging: Staging) -> Delivery:
    """The course runs of the table `calendar`."""
    columns = ("run", "course", "title", "institution", "starts_on", "ends_on", "zone", "inferred")
    select = {name: name for name in columns} | {"occurred_at": "known_at", "recorded_at": "known_at"}
    native = f"concat_ws(chr(31), {', '.join(f'{name}' for name in (*columns, 'epoch_us(known_at)'))})"
    return staging.deliver("course_runs", select, native, "FROM calendar ORDER BY run")


def implied_enrolments(staging: Staging, events: str, known: str | None = None) -> Delivery:
    """An enrolment for every learner of a run with an event, from the first one on.

    Args:
        staging: holds the table `calendar`.
        events: SQL subquery with `run`, `learner` and `at`.
        known: SQL subquery with `run` and `learner` of those whose enrolments the source itself tells.
    """
    others = f"WHERE (run, learner) NOT IN (SELECT (run, learner) FROM {known})" if known else ""
    first = f'(SELECT run, learner, min("at") AS first_at FROM {events} {others} GROUP BY run, learner)'
    select = {
        "run": "run",
        "learner": "learner",
        "status": "'enrolled'",
        "occurred_at": "first_at",
        "recorded_at": "first_at",
        "valid_from": "first_at",
        "valid_from_on": "local_day(first_at, zone)",
    }
    native = "concat_ws(chr(31), 'implied', run, learner, epoch_us(first_at), zone)"
    return staging.deliver("enrolments", select, native, f"FROM {first} JOIN calendar USING (run)")


def _calendar_rows(path: Path) -> list[dict[str, object]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as wrong:
        raise InputError(f"The calendar {path} cannot be read ({wrong}). Give a CSV file in UTF-8.") from wrong
    read: list[dict[str, object]] = []
    for number, row in enumerate(rows, start=2):
        where = f"Line {number} of the calendar {path.name}"
        if unknown := sorted(str(name) for name in row if name not in _COLUMNS):
            raise InputError(f"{where} has the column {unknown[0]!r}. A calendar has {', '.join(_COLUMNS)}.")
        RunId.parse(row.get("run") or "")
        zone = row.get("zone") or None
        if zone:
            zone_of(zone)
        days = {name: _date(row.get(name) or None, f"{name} in line {number}") for name in ("starts_on", "ends_on")}
        if None not in days.values() and str(days["ends_on"]) < str(days["starts_on"]):
            raise InputError(f"{where} ends a run before it starts. Correct its dates.")
        read.append({"run": row["run"], "title": row.get("title") or None, "zone": zone, **days})
    return read


def _date(text: str | None, what: str) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        raise InputError(f"{what} is {text!r}, which is no date. Write it as 2026-09-01.") from wrong


def _literal(text: str | None) -> str:
    return "NULL" if text is None else text_sql(text)
