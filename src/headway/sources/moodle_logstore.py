r"""Rows of Moodle's table `logstore_standard_log`: exported as delimited text, or read from the database itself.

Promises that what is no act of a learner (jobs, restored courses, guests, staff logged in as others, anonymous answers)
is refused with its reason, and that `other`, which may hold names and texts, never leaves the scratch database: a few
numbers are taken out of it, whether it is JSON or PHP-serialised.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from headway.domain.errors import InputError, SourceError
from headway.sources.delimited import Dialect, TextFile
from headway.sources.moodle_events import of_class
from headway.sources.moodle_rows import OBJECT, PARENT, add_learners, add_meanings, content_id
from headway.sources.staging import Check, Staging, text_sql

if TYPE_CHECKING:
    from sqlalchemy import Connection

KIND: Final = "statements"
NEEDED: Final[tuple[str, ...]] = ("eventname", "userid", "timecreated")
COLUMNS: Final[tuple[str, ...]] = (
    *NEEDED,
    "id",
    "component",
    "action",
    "target",
    "objectid",
    "crud",
    "contextlevel",
    "contextinstanceid",
    "courseid",
    "relateduserid",
    "anonymous",
    "other",
    "origin",
    "realuserid",
)
_ROWS_AT_ONCE: Final = 10_000
_MODULE_LEVEL: Final = "70"
_NUMBER_OF: Final = '"{name}"(?:;i:|;s:[0-9]+:"|\\s*:\\s*"?)([0-9]+)'
_TITLE: Final = '"name"(?:;s:[0-9]+:"|\\s*:\\s*")([^"\\\\]{1,200})"'


def is_logstore(file: TextFile) -> bool:
    """Whether the header is one of the log store."""
    names = _names(file)
    return "eventname" in names or {"timecreated", "userid"} <= set(names)


def _names(file: TextFile) -> list[str]:
    return [column.strip().strip('"').lower().rpartition(".")[2] for column in file.columns]


def stage_logstore(staging: Staging, files: Sequence[tuple[TextFile, Dialect]]) -> None:
    """Make `logstore_text` of the files' rows; call `check_logstore` then.

    Raises:
        SourceError: a column is missing.
    """
    _create(staging)
    for number, (file, dialect) in enumerate(files):
        names = _names(file)
        missing = [column for column in NEEDED if column not in names]
        if missing:
            raise SourceError(
                f"{file.name} looks like rows of logstore_standard_log but lacks {', '.join(missing)}. Its columns are "
                f"{', '.join(file.columns[:30])}. Export the table with its header."
            )
        there = {column: file.columns[names.index(column)] for column in COLUMNS if column in names}
        staging.load("one_logstore", KIND, [file], there, dialect)
        values = ", ".join(f"told({column})" if column in there else "NULL" for column in COLUMNS)
        staging.run(f"INSERT INTO logstore_text SELECT {number}, file, line, {values} FROM one_logstore")
        staging.run("DROP TABLE one_logstore")


def stage_database(staging: Staging, url: str, prefix: str) -> None:
    """Make `logstore_text` of all rows of the database at an SQLAlchemy URL, through a cursor that stays on the server.

    Raises:
        InputError: the URL is none, or its driver is not installed.
        SourceError: the database cannot be read.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

    if not prefix.replace("_", "").isalnum() or not prefix.isascii():
        raise InputError(f"prefix is {prefix!r}. Give that of Moodle's tables, such as mdl_.")
    _create(staging)
    table = f"{prefix}logstore_standard_log"
    schema = pa.schema([("line", pa.int64()), *((column, pa.string()) for column in COLUMNS)])
    try:
        engine = create_engine(url)
    except (ArgumentError, NoSuchModuleError, ImportError) as wrong:
        raise InputError(
            "The URL of the database cannot be used: it is none of SQLAlchemy, or its driver is not installed. Write "
            "for example mysql+pymysql://reader@host/moodle and install that driver."
        ) from wrong
    try:
        with engine.connect().execution_options(stream_results=True, max_row_buffer=_ROWS_AT_ONCE) as connection:
            there = _there(connection, table)
            batches = _batches(connection, table, there, schema)
            with staging.arriving("arriving_rows", schema, batches):
                values = ", ".join(f"told({column})" for column in COLUMNS)
                staging.run(f"INSERT INTO logstore_text SELECT 0, $name, line, {values} FROM arriving_rows", name=table)
    except SQLAlchemyError as wrong:
        raise SourceError(
            f"{table} cannot be read from the database ({type(wrong).__name__}). Check the URL, the prefix, and that "
            "the account may select from this table."
        ) from None
    finally:
        engine.dispose()


def _there(connection: "Connection", table: str) -> list[str]:
    from sqlalchemy import inspect

    inspector = inspect(connection)
    if not inspector.has_table(table):
        raise SourceError(
            f"The database has no table {table}. Give the prefix of Moodle's tables, such as prefix=mdl_."
        )
    there = {column["name"].lower() for column in inspector.get_columns(table)}
    if missing := [column for column in NEEDED if column not in there]:
        raise SourceError(f"{table} lacks {', '.join(missing)}. Is it Moodle's?")
    return [column for column in COLUMNS if column in there]


def _batches(connection: "Connection", table: str, there: Sequence[str], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    from sqlalchemy import column, select
    from sqlalchemy import table as table_of

    source = table_of(table, *(column(name) for name in there))
    rows = connection.execute(select(*(source.c[name] for name in there)))
    line = 1
    for part in rows.partitions(_ROWS_AT_ONCE):
        values = dict(zip(there, zip(*part, strict=True), strict=True))
        arrays = [pa.array(range(line, line + len(part)), pa.int64())]
        arrays += [pa.array([_text(value) for value in values.get(name, [None] * len(part))]) for name in COLUMNS]
        yield pa.RecordBatch.from_arrays(
            [array.cast(field.type) for array, field in zip(arrays, schema, strict=True)], schema=schema
        )
        line += len(part)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "replace")
    return str(int(value)) if isinstance(value, bool) else str(value)


def _create(staging: Staging) -> None:
    columns = ", ".join(f"{column} VARCHAR" for column in COLUMNS)
    staging.run(f"CREATE TABLE logstore_text (file_no INTEGER, file VARCHAR, line BIGINT, {columns})")


def _number(column: str) -> str:
    return f"TRY_CAST({column} AS BIGINT)"


def check_logstore(staging: Staging, run: str | None, key: bytes) -> None:
    """Make `logstore_events` of the sound rows of `logstore_text`.

    Raises:
        SourceError: the run is named, and the rows are of several courses.
    """
    level = f"coalesce(contextlevel, '{_MODULE_LEVEL}') = '{_MODULE_LEVEL}'"
    staging.run(
        "CREATE TABLE logstore_rows AS SELECT file_no, file, line, left(eventname, 200) AS eventname, "
        "regexp_extract(coalesce(eventname, ''), '[^\\\\]*$') AS tail, "
        "coalesce(component, '') AS component, coalesce(action, '') AS action, coalesce(target, '') AS target, "
        "coalesce(crud, '') AS crud, lower(coalesce(origin, 'web')) AS origin, id, "
        "timecreated, courseid, "
        f"{_number('userid')} AS user_no, {_number('relateduserid')} AS related_no, "
        f"{_number('objectid')} AS object_no, "
        f"coalesce({_number('realuserid')}, 0) AS real_no, coalesce({_number('anonymous')}, 0) AS anonymous, "
        f"if({level}, {_number('contextinstanceid')}, NULL) AS instance, "
        f"{_found('discussionid')} AS thread_no, {_found('completionstate')} AS state, "
        f"nullif(regexp_extract(other, '{_TITLE}', 1), '') AS name FROM logstore_text"
    )
    staging.run("DROP TABLE logstore_text")
    add_meanings(
        staging, "logstore_meanings", "(SELECT * REPLACE (coalesce(eventname, '') AS eventname) FROM logstore_rows)",
        ("eventname", "component", "action", "target", "crud"), of_class,
    )  # fmt: skip
    natives = "SELECT user_no::VARCHAR AS native FROM logstore_rows UNION SELECT related_no::VARCHAR FROM logstore_rows"
    add_learners(staging, "logstore_learners", natives, key)
    if run is not None:
        courses = staging.run(f"SELECT DISTINCT courseid FROM logstore_rows WHERE {_number('courseid')} > 1 LIMIT 2")
        if len(courses) > 1:
            raise SourceError("The rows are of several courses, which cannot all be the run named. Leave the run away.")
    _check(staging, run)


def _found(name: str) -> str:
    return f"nullif(regexp_extract(other, '{_NUMBER_OF.format(name=name)}', 1), '')"


_AUTOMATED: Final = "p.origin IN ('cli', 'cron')"
_CHECKS: Final = (
    Check("p.eventname IS NULL", "missing_value", "'eventname is empty.'"),
    Check("p.moment IS NULL", "bad_date", "'timecreated is no UNIX time of our days.'"),
    Check("coalesce(p.course_no, 0) <= 1", "no_course", "'The event is of the site and of no course.'"),
    Check("p.origin = 'restore'", "automated_job", "'The course was being restored.'"),
    Check(
        f"{_AUTOMATED} AND p.enrols IS NULL", "automated_job", "concat('Moodle did this by itself (', t.origin, ').')"
    ),
    Check("p.real_no > 0 AND p.enrols IS NULL", "login_as", "'Someone was logged in as this person.'"),
    Check("p.anonymous = 1", "anonymous", "'The answer was given anonymously.'"),
    Check("p.enrols IS NULL AND coalesce(p.user_no, 0) <= 1", "no_learner", "'The row names no user, or a guest.'"),
)


def _check(staging: Staging, run: str | None) -> None:
    staging.run(
        f"""
        CREATE TABLE logstore_whole AS
        SELECT p.*, m.verb, m.type, m.about, m.role, m.module, l.learner, x.learner AS related,
            if(x.learner IS NULL, NULL, m.enrols) AS enrols, {_number("p.courseid")} AS course_no,
            p.instance::VARCHAR AS place, p.object_no::VARCHAR AS post_no,
            unix_time(p.timecreated) AS moment
        FROM (SELECT * REPLACE (if(tail LIKE 'discussion%', coalesce(object_no::VARCHAR, thread_no),
            thread_no) AS thread_no) FROM logstore_rows) p
        JOIN logstore_meanings m ON m.k_eventname = coalesce(p.eventname, '') AND m.k_component = p.component
            AND m.k_action = p.action AND m.k_target = p.target AND m.k_crud = p.crud
        LEFT JOIN logstore_learners l ON l.native = p.user_no::VARCHAR
        LEFT JOIN logstore_learners x ON x.native = p.related_no::VARCHAR
        """
    )
    staging.run("DROP TABLE logstore_rows")
    # What is shown of a refused row: nothing that may name a person.
    shown = "eventname, courseid, timecreated, origin"
    staging.run(f"CREATE TABLE raw_logstore AS SELECT file_no, file, line, {shown} FROM logstore_whole")
    other = "p.related_no IS DISTINCT FROM p.user_no AND p.related_no IS NOT NULL"
    directed = "p.verb IN ('joined', 'left', 'completed') OR p.tail LIKE 'attempt%viewed'"
    made = "p.tail IN ('course_module_created', 'course_module_updated')"
    typed = {
        "run": text_sql(run) if run else "'moodle/' || p.course_no || '/1'",
        "learner": "p.learner",
        "moment": "p.moment",
        "verb": f"CASE WHEN p.verb IN ('joined', 'left') AND {other} THEN 'changed' "
        "WHEN p.verb = 'completed' AND p.state = '0' THEN 'changed' ELSE p.verb END",
        "object": OBJECT,
        "object_type": "p.type",
        "parent": PARENT,
        "event": "p.eventname",
        "role": f"if(({directed}) AND {other}, 'instructor', p.role)",
        "title": f"if(p.about = 'module' AND {made}, p.name, NULL)",
        "acts": f"NOT ({_AUTOMATED}) AND p.real_no <= 0 AND coalesce(p.user_no, 0) > 1",
        "enrols": "p.enrols",
        "related": "p.related",
        "log_id": "p.id",
    }
    joins = "JOIN logstore_whole p ON p.file_no = t.file_no AND p.line = t.line"
    staging.check("logstore_sound", KIND, "raw_logstore", typed, _CHECKS, joins)
    staging.run("DROP TABLE logstore_whole")
    staging.run(
        "CREATE VIEW logstore_events AS SELECT *, if(log_id IS NOT NULL, concat_ws(chr(31), 'log', run, log_id), "
        f"{content_id('row')}) AS native FROM logstore_sound"
    )
