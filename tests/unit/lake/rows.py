"""Made-up records for the lake's tests: all of a row follows from its number, so that it can be said twice."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa

from headway.domain.records import KINDS, REJECTS, record_id

DAY_0 = datetime(2013, 10, 1, tzinfo=UTC)


def statement(
    number: int, run: str = "oulad/AAA/2013J", learner: str = "oulad/11", day: int = 0, late: int = 1, **other: Any
) -> dict[str, Any]:
    """A statement of `day`, recorded `late` days later."""
    occurred = DAY_0 + timedelta(days=day)
    return {
        "id": record_id("oulad", "statements", f"{run}#{number}"),
        "source": "oulad",
        "run": run,
        "occurred_at": occurred,
        "recorded_at": occurred + timedelta(days=late),
        "learner": learner,
        "verb": "viewed",
        "object": f"oulad/AAA/{number % 7}",
        "occurred_on": occurred.date(),
        "interactions": number % 5 + 1,
    } | other


def course_run(run: str) -> dict[str, Any]:
    """A course run, known a month before it starts."""
    known = DAY_0 - timedelta(days=30)
    return {
        "id": record_id("oulad", "course_runs", run),
        "source": "oulad",
        "run": run,
        "occurred_at": known,
        "recorded_at": known,
        "course": run.rsplit("/", 1)[0],
        "starts_on": date(2013, 10, 1),
        "ends_on": date(2014, 6, 1),
        "zone": "Europe/London",
    }


def activity(number: int, skills: list[str] | None, run: str = "oulad/AAA/2013J") -> dict[str, Any]:
    """An activity with or without skills."""
    return {
        "id": record_id("oulad", "activities", f"{run}#{number}"),
        "source": "oulad",
        "run": run,
        "occurred_at": DAY_0,
        "recorded_at": DAY_0,
        "activity": f"oulad/AAA/{number}",
        "type": "quiz",
        "skills": skills,
    }


def rejected(number: int, raw: str, source: str = "oulad", reason: str = "bad_date") -> dict[str, Any]:
    """A quarantined row."""
    return {
        "id": record_id(source, "rejects", str(number)),
        "source": source,
        "kind": "statements",
        "file": "studentVle.csv",
        "line": number,
        "reason": reason,
        "detail": "The date is not a number.",
        "raw": raw,
    }


def delivery(rows: Iterable[dict[str, Any]], kind: str = "statements", batch_rows: int = 1000) -> pa.RecordBatchReader:
    """The rows as a source would deliver them."""
    return table_of(rows, kind).to_reader(max_chunksize=batch_rows)


def table_of(rows: Iterable[dict[str, Any]], kind: str = "statements") -> pa.Table:
    """The rows as a table of their kind, or of quarantined rows."""
    return pa.Table.from_pylist(list(rows), schema=REJECTS if kind == "rejects" else KINDS[kind].schema)
