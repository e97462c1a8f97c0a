"""Canvas as tables: Canvas Data 2 (DAP) files, page-view and request exports, and the answers of the REST interface.

Promises that each row comes into the one form of `canvas_form`, whatever its table is written in (JSON, CSV, TSV,
Parquet; plain columns or DAP's `key`, `value` and `meta`). Columns that name a person are never looked at.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from headway.domain.errors import SourceError
from headway.sources.delimited import Dialect
from headway.sources.json_lines import load_json
from headway.sources.staging import Staging, name_sql, text_sql

Columns = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """What a table of Canvas tells.

    Attributes:
        event: the Live Event that tells the same as a row.
        columns: column of the common form to the table's own, alternatives separated by `|`.
        needs: the table's own columns, of which alternatives one must be there.
    """

    event: str
    columns: Columns
    needs: tuple[str, ...]


def _table(event: str, columns: Columns, *needs: str) -> Table:
    return Table(event, columns, needs)


_KEPT: Final = {
    "state": "workflow_state",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "root": "root_account_id",
    "deleted": "meta.action",
}
_CONTEXT: Final = {"course": "course_id", "context_type": "context_type", "context_id": "context_id"}

TABLES: Final[dict[str, Table]] = {
    "courses": _table(
        "course_updated",
        {**_KEPT, "course": "id", "title": "name", "starts_at": "start_at", "ends_at": "conclude_at|end_at"}
        | {"term": "enrollment_term_id"},
        "id",
        "course_code|enrollment_term_id|name",
    ),
    "enrollments": _table(
        "enrollment_updated",
        {**_KEPT, "enrollment": "id", "subject": "user_id", "course": "course_id", "section": "course_section_id"}
        | {"kind": "type", "state": "enrollment_state|workflow_state", "final": "grades.final_score"}
        | {"ends_at": "completed_at"},
        "id",
        "user_id",
        "type",
        "course_id|course_section_id",
    ),
    "enrollment_terms": _table("term_row", {"term": "id", "starts_at": "start_at", "ends_at": "end_at"}, "id"),
    "course_sections": _table("section_row", {"section": "id", "course": "course_id", "root": "root_account_id"}, "id"),
    "assignments": _table(
        "assignment_updated",
        {**_KEPT, **_CONTEXT, "thing": "id", "title": "title|name", "form": "submission_types", "due_at": "due_at"}
        | {"opens_at": "unlock_at", "closes_at": "lock_at", "points": "points_possible", "quiz": "quiz_id"},
        "id",
        "context_id|course_id",
        "due_at|points_possible",
    ),
    "submissions": _table(
        "submission_updated",
        {**_KEPT, "course": "course_id", "assignment": "assignment_id", "subject": "user_id", "attempt": "attempt"}
        | {"submitted_at": "submitted_at", "graded_at": "graded_at", "posted_at": "posted_at", "score": "score"}
        | {"grade": "grade"},
        "assignment_id",
        "user_id",
    ),
    "quizzes": _table(
        "quiz_updated",
        {**_KEPT, **_CONTEXT, "thing": "id", "title": "title", "form": "quiz_type", "assignment": "assignment_id"}
        | {"due_at": "due_at", "opens_at": "unlock_at", "closes_at": "lock_at", "points": "points_possible"},
        "id",
        "quiz_type",
    ),
    "quiz_submissions": _table(
        "quiz_submitted",
        {**_KEPT, "course": "course_id", "quiz": "quiz_id", "subject": "user_id", "attempt": "attempt"}
        | {
            "submitted_at": "finished_at",
            "starts_at": "started_at",
            "score": "score|kept_score",
            "preview": "was_preview",
        }
        | {"points": "quiz_points_possible"},
        "quiz_id",
        "user_id",
    ),
    "discussion_topics": _table(
        "discussion_topic_created",
        {
            **_KEPT,
            **_CONTEXT,
            "thing": "id",
            "actor": "user_id",
            "title": "title",
            "form": "type",
            "assignment": "assignment_id",
        },
        "id",
        "discussion_type|posted_at|title",
    ),
    "discussion_entries": _table(
        "discussion_entry_created",
        {**_KEPT, "thing": "id", "topic": "discussion_topic_id", "subject": "user_id", "course": "course_id"}
        | {"text": "message"},
        "id",
        "discussion_topic_id",
        "user_id",
    ),
    "wiki_pages": _table("wiki_page_updated", {**_KEPT, **_CONTEXT, "thing": "id", "title": "title"}, "id", "title"),
    "attachments": _table(
        "attachment_created", {**_KEPT, **_CONTEXT, "thing": "id", "subject": "user_id"}, "id", "filename|folder_id"
    ),
    "context_modules": _table(
        "module_updated", {**_KEPT, **_CONTEXT, "thing": "id", "title": "name", "opens_at": "unlock_at"}, "id", "name"
    ),
    "scores": _table(
        "course_grade_change",
        {**_KEPT, "enrollment": "enrollment_id", "score": "current_score", "final": "final_score"}
        | {"form": "course_score", "subject": "user_id", "course": "course_id"},
        "enrollment_id",
        "current_score|final_score",
    ),
    "users": _table("user_row", {"subject": "id"}, "id", "sortable_name|name|global_canvas_id"),
    "pseudonyms": _table("user_row", {"subject": "user_id"}, "id", "unique_id|sis_user_id"),
    "communication_channels": _table("user_row", {"subject": "user_id"}, "id", "path_type"),
    "web_logs": _table(
        "page_view",
        {"request": "id", "happened": "timestamp|created_at", "root": "root_account_id", "actor": "user_id"}
        | {"real_actor": "real_user_id", "course": "course_id", "quiz": "quiz_id", "topic": "discussion_id"}
        | {"assignment": "assignment_id", "url": "url", "agent": "user_agent", "method": "http_method"}
        | {"status": "http_status", "controller": "web_application_controller", "action": "web_application_action"}
        | {"context_type": "web_application_context_type|web_applicaiton_context_type"}
        | {"context_id": "web_application_context_id", "user_request": "user_request"},
        "timestamp",
        "user_id",
        "web_application_controller|url",
    ),
    "page_views": _table(
        "page_view",
        {
            "request": "request_id|id",
            "happened": "created_at|timestamp|date",
            "actor": "user_id|links.user|canvas_user_id",
        }
        | {"real_actor": "real_user_id|links.real_user", "course": "course_id", "context_type": "context_type"}
        | {"context_id": "context_id|links.context", "url": "url", "agent": "user_agent", "method": "http_method"}
        | {"controller": "controller", "action": "action", "seconds": "interaction_seconds", "asset_type": "asset_type"}
        | {"asset_id": "asset_id|links.asset", "user_request": "user_request", "root": "root_account_id"}
        | {"status": "http_status"},
        "created_at|timestamp|date",
        "url|controller",
        "user_id|links.user|canvas_user_id|context_type",
    ),
}
"""Each table by the name that Canvas gives it. The `requests` of the first Canvas Data are now called `web_logs`."""

_OTHER_NAMES: Final = {
    "requests": "web_logs",
    "pageviews": "page_views",
    "sections": "course_sections",
    "rosters": "enrollments",
    "terms": "enrollment_terms",
}
_BY_COLUMNS: Final = (
    "web_logs",
    "quiz_submissions",
    "scores",
    "discussion_entries",
    "submissions",
    "page_views",
    "quizzes",
    "enrollments",
    "assignments",
)
"""The tables whose columns are like no other's, in an order in which the first that fits is the right one."""
UNKNOWN: Final = "unknown_table"


def table_of(path: Path, name: str, columns: Sequence[str]) -> str:
    """Which table a file holds: told by its own name, by a folder's, or by its columns; else UNKNOWN."""
    for part in (path.name.split(".")[0], *reversed(Path(name).parts[:-1]), path.parent.name):
        word = re.sub(r"[-_.]?(part)?[-_]?\d[\w-]*$", "", part.lower()).replace("-", "_").replace(" ", "_")
        word = _OTHER_NAMES.get(word, word)
        # The rows of an incremental DAP file may all be deletions, which have a key and nothing else.
        if word in TABLES and (_fits(word, columns) or {"meta", "meta.action"} & set(columns)):
            return word
    if "course_code" in columns and _fits("courses", columns):
        return "courses"
    return next((word for word in _BY_COLUMNS if _fits(word, columns)), UNKNOWN)


def is_table(path: Path, name: str, head: bytes) -> bool:
    """Whether a JSON text that begins with `head` holds a table that is known."""
    return table_of(path, name, _keys(head)) != UNKNOWN


def _fits(table: str, columns: Sequence[str]) -> bool:
    return all(any(each in columns for each in need.split("|")) for need in TABLES[table].needs)


def plain_name(column: str) -> str:
    """A table's own name for a column: `value.user_id`, `User ID` and `user_id` are one."""
    name = re.sub(r"[^a-z0-9_.]+", "_", column.strip().lower())
    return re.sub(r"^(key|value)\.", "", name)


class TableReader:
    """Brings tables into the common form, file by file, into `canvas_raw`."""

    def __init__(self, staging: Staging, columns: Sequence[str]) -> None:
        self._staging = staging
        self._columns = columns
        self._files = 0

    def json(self, number: int, path: Path, name: str, head: bytes) -> str:
        """The name of the table in a file of JSON objects, after taking in its rows."""
        table = table_of(path, name, _keys(head))
        wanted = _wanted(table)
        dap = re.search(rb'"value"\s*:\s*\{|"key"\s*:\s*\{', head) is not None
        dotted = b'"value.' in head or b'"key.' in head
        paths = {column: "|".join(_json_path(each, dap, dotted) for each in own) for column, own in wanted.items()}
        staged = f"canvas_file_{number}"
        load_json(self._staging, staged, "statements", [(path, name)], paths or {"nothing": "$.__nothing__"})
        self._take(number, table, staged, {column: f"t.{name_sql(column)}" for column in wanted})
        return table

    def delimited(self, number: int, path: Path, name: str, head: bytes) -> str:
        """The name of the table in a delimited text, after taking in its rows.

        Raises:
            SourceError: it has no columns by which Canvas' tables are known.
        """
        tabs = b"\t" in head.split(b"\n", 1)[0] and b"," not in head.split(b"\n", 1)[0]
        dialect = Dialect("\t", "") if tabs else Dialect()
        text = self._staging.text(path, name, dialect)
        own = {plain_name(column.lstrip("\ufeff")): column for column in reversed(text.columns)}
        table = table_of(path, name, list(own))
        if table == UNKNOWN:
            raise SourceError(_strange(name, list(own)))
        found = _found(_wanted(table), own)
        staged = f"canvas_file_{number}"
        self._staging.load(staged, "statements", [text], found or {"nothing": text.columns[0]}, dialect)
        values = {column: f"t.{name_sql(column)}" for column in found}
        if tabs:
            values = {column: f"nullif({value}, '\\N')" for column, value in values.items()}
        self._take(number, table, staged, values)
        return table

    def parquet(self, number: int, path: Path, name: str) -> str:
        """The name of the table in a Parquet file, after taking in its rows.

        Raises:
            SourceError: it is no whole Parquet file, or has no columns by which Canvas' tables are known.
        """
        staged = f"canvas_file_{number}"
        try:
            own = _parquet_columns(self._staging, path)
            table = table_of(path, name, list(own))
            if table == UNKNOWN:
                raise SourceError(_strange(name, list(own)))
            found = _found(_wanted(table), own)
            picked = ", ".join(f"CAST({place} AS VARCHAR) AS {name_sql(column)}" for column, place in found.items())
            self._staging.run(
                f"CREATE TABLE {staged} AS SELECT {number} AS file_no, {text_sql(name)} AS file, "
                f"row_number() OVER () AS line, {picked or 'NULL AS nothing'} FROM read_parquet($path)",
                path=str(path),
            )
        except duckdb.Error as wrong:
            reason = str(wrong).splitlines()[0]
            raise SourceError(f"{name} is no whole Parquet file ({reason}). Download it again.") from wrong
        self._take(number, table, staged, {column: f"t.{name_sql(column)}" for column in found})
        return table

    def _take(self, number: int, table: str, staged: str, values: Columns) -> None:
        made = dict(values)
        if table in TABLES:
            made["event"] = text_sql(TABLES[table].event)
        made["origin"] = text_sql(table)
        columns = ", ".join(f"nullif({made.get(column, 'NULL')}, '')" for column in self._columns)
        self._staging.run(f"INSERT INTO canvas_raw SELECT {number}, t.file, t.line, {columns} FROM {staged} t")
        self._staging.run(f"DROP TABLE {staged}")


def _wanted(table: str) -> dict[str, list[str]]:
    if table not in TABLES:
        return {}
    return {column: own.split("|") for column, own in TABLES[table].columns.items()}


def _found(wanted: Mapping[str, Sequence[str]], own: Mapping[str, str]) -> dict[str, str]:
    """Column of the common form to the file's own, for those that the file has."""
    found = {column: next((own[each] for each in names if each in own), None) for column, names in wanted.items()}
    return {column: name for column, name in found.items() if name is not None}


def _json_path(column: str, dap: bool, dotted: bool) -> str:
    if dap and column.startswith("meta."):
        return f"$.{column}"
    if dap:
        return f"$.value.{column}|$.key.{column}|$.{column}"
    if dotted:
        return f'$."value.{column}"|$."key.{column}"|$."{column}"'
    return f'$.{column}|$."{column}"' if "." in column else f"$.{column}"


def _keys(head: bytes) -> list[str]:
    """The keys that occur at the beginning of a JSON text; enough to know a table by."""
    found = re.findall(rb'"([A-Za-z_][\w.]*)"\s*:', head)
    return list(dict.fromkeys(plain_name(key.decode("ascii", "replace")) for key in found))


def _parquet_columns(staging: Staging, path: Path) -> dict[str, str]:
    """A file's columns by their plain names, and how to read each; those of DAP lie within `key` and `value`."""
    own: dict[str, str] = {}
    for column, kind, *_ in staging.run("DESCRIBE SELECT * FROM read_parquet($path)", path=str(path)):
        own[plain_name(str(column))] = _place(name_sql(str(column)), str(kind))
    for outer in ("key", "value", "meta"):
        if outer not in own:
            continue
        inside = staging.run(f"DESCRIBE SELECT unnest({own[outer]}) FROM read_parquet($path)", path=str(path))
        for column, kind, *_ in inside:
            name = f"meta.{column}" if outer == "meta" else plain_name(str(column))
            own[name] = _place(f"{own[outer]}.{name_sql(str(column))}", str(kind))
    return own


def _place(place: str, kind: str) -> str:
    """SQL for what is at a place; a column that holds nothing at all has a type that cannot be turned into text."""
    return "NULL" if kind.strip('"') == "NULL" else place


def _strange(name: str, columns: Sequence[str]) -> str:
    shown = ", ".join(column for column in columns[:12]) or "none"
    return (
        f"{name} has no columns by which a table of Canvas is known (it has {shown}). Name the file after its table, "
        f"such as submissions.csv, and keep the header as it was exported. Known: {', '.join(TABLES)}."
    )
