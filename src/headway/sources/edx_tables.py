"""Table dumps of Open edX, as in a research data package: enrolments, states of modules, grades, certificates.

Promises that no id, name or answer of a person leaves this module: a pseudonym stands for the user, the state of a
module is read for its number of attempts alone, and of a line that is no row nothing is kept but its place. A table
that is not one of these is never read: its rows are counted as refused.
"""

import gzip
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from headway.domain.errors import SourceError
from headway.sources.delimited import Dialect, TextFile
from headway.sources.edx_events import learner_sql
from headway.sources.staging import Check, Staging, text_sql

HEAD_BYTES: Final = 1 << 16
NOT_KEPT: Final = "(not kept: it may name a person; look at this line of the file)"


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the platform's database.

    Attributes:
        kind: the record kind under which its refused rows are counted.
        user: the column with the user's id.
        needed: the other columns that must be there.
        optional: columns that are read where they are there.
    """

    kind: str
    user: str
    needed: tuple[str, ...]
    optional: tuple[str, ...] = ()


TABLES: Final[Mapping[str, Table]] = {
    "student_courseenrollment": Table("enrolments", "user_id", ("course_id", "created", "is_active"), ("mode",)),
    "courseware_studentmodule": Table(
        "statements",
        "student_id",
        ("module_id", "grade", "max_grade", "created", "modified", "course_id"),
        ("state",),
    ),
    "grades_persistentcoursegrade": Table(
        "outcomes", "user_id", ("course_id", "percent_grade", "passed_timestamp", "modified")
    ),
    "grades_persistentsubsectiongrade": Table(
        "results",
        "user_id",
        ("course_id", "usage_key", "earned_graded", "possible_graded", "first_attempted", "modified"),
    ),
    "certificates_generatedcertificate": Table(
        "outcomes", "user_id", ("course_id", "grade", "status", "modified_date"), ("distinction",)
    ),
}
"""The tables that are read, by the name that their files hold."""

_NAMED: Final = re.compile("|".join(TABLES))
_NEVER_READ: Final = re.compile(
    r"auth_user|user_id_map|user_api_|student_anonymous|student_languageproficiency|wiki_article|email_opt_in|"
    r"teams_|credit_|verify_student"
)
_DATED: Final = re.compile(r"(?<!\d)(20\d\d-\d\d-\d\d)(?!\d)")

_MACROS: Final = {
    "clean(text)": r"if(trim(text) IN ('', 'NULL', '\N'), NULL, trim(text))",
    "moment_told(text)": "try_cast(if(regexp_matches(text, "
    r"'^\s*[12][0-9]{3}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}'), trim(text), NULL) AS TIMESTAMPTZ)",
    "day_after(text)": "timezone('UTC', (try_cast(text AS DATE) + 1)::TIMESTAMP)",
    "moment(text)": "if(year(moment_told(text)) BETWEEN 1990 AND 2199, moment_told(text), NULL)",
}


@dataclass(frozen=True, slots=True)
class Dump:
    """A file that holds a table.

    Attributes:
        path: where it is.
        name: the name that the user knows it by.
        table: a key of `TABLES`, or None where it is a table that is never read.
        dialect: how it is delimited.
    """

    path: Path
    name: str
    table: str | None
    dialect: Dialect


def dump_of(path: Path, name: str) -> Dump | None:
    """The table that the file holds, told by its name or by its header; None where it is no table.

    Raises:
        SourceError: the file cannot be read.
    """
    head = _head(path, name)
    first = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].decode("utf-8", "replace").rstrip("\r")
    named = _NAMED.search(path.name)
    dialect = Dialect("\t", "") if "\t" in first or "," not in first else Dialect(",", '"')
    if named or _NEVER_READ.search(path.name):
        return Dump(path, name, named[0] if named else None, dialect)
    if "{" in first or head.lstrip()[:1] in (b"{", b"[", b"#", b"") or dialect.delimiter not in first:
        return None
    header = {field.strip().strip('"') for field in first.split(dialect.delimiter)}
    fitting = [table for table, its in TABLES.items() if {its.user, *its.needed} <= header]
    known = bool(fitting) or "id" in header or "user_id" in header
    return Dump(path, name, fitting[0] if fitting else None, dialect) if known else None


def _head(path: Path, name: str) -> bytes:
    try:
        with cast(IO[bytes], gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb") as stream:
            return stream.read(HEAD_BYTES)
    except (EOFError, zlib.error, gzip.BadGzipFile) as wrong:
        raise SourceError(f"{name} is damaged or cut short ({wrong}). Download it again; nothing was read.") from wrong
    except OSError as wrong:
        raise SourceError(
            f"{name} cannot be read ({wrong.strerror or wrong}). Check the path and its rights."
        ) from wrong


def make_tables(staging: Staging, dumps: Sequence[Dump], key: bytes, run: str | None, exported: str | None) -> None:
    """Make one table for each of `TABLES`, without rows where there is no dump of it, and refuse what is no row.

    Args:
        staging: has the macros of `edx_keys` and of `calendar.event_staging`, and the table `named_courses`.
        dumps: the files.
        key: the workspace's key for pseudonyms.
        run: the run of all rows, whatever they say themselves.
        exported: the day on which dumps were made whose names do not tell it.

    Raises:
        SourceError: a file is empty, truncated, or lacks a column.
    """
    for macro, value in _MACROS.items():
        staging.run(f"CREATE MACRO {macro} AS {value}")
    for table, its in TABLES.items():
        _stage(staging, table, its, [dump for dump in dumps if dump.table == table], key, run, exported)
    _check_all(staging)
    for dump in dumps:
        if dump.table is None:
            _turn_away(staging, dump)


def _turn_away(staging: Staging, dump: Dump) -> None:
    text = staging.text(dump.path, dump.name, dump.dialect)
    staging.run(
        "INSERT INTO refused SELECT 'attributes', $name, line, 'unknown_table', 'This table is not read, because "
        "nothing in it is needed or because it tells who people are.', $raw FROM range(2, $last) AS lines(line)",
        name=dump.name,
        raw=NOT_KEPT,
        last=text.lines + 2,
    )


def _stage(
    staging: Staging, table: str, its: Table, dumps: Sequence[Dump], key: bytes, run: str | None, exported: str | None
) -> None:
    """Make `raw_<table>`: its columns as text, with the learner and the run in place of the user and the course."""
    columns = (its.user, *its.needed, *its.optional)
    fields = ", ".join(f"{column} VARCHAR" for column in columns)
    staging.run(
        f"CREATE TABLE text_{table} (file_no INTEGER, file VARCHAR, line BIGINT, {fields}, exported_on VARCHAR)"
    )
    for number, dump in enumerate(dumps):
        text = staging.text(dump.path, dump.name, dump.dialect)
        held = _columns_of(text, its, table)
        refused = staging.run("SELECT count(*) FROM refused")[0][0]
        staging.load("one_dump", its.kind, [text], {column: column for column in held}, dump.dialect)
        dated = _DATED.search(dump.path.name)
        day = text_sql(dated[1]) if dated else text_sql(exported) if exported else "NULL"
        values = ", ".join(column if column in held else "NULL" for column in columns)
        staging.run(f"INSERT INTO text_{table} SELECT {number}, file, line, {values}, {day} FROM one_dump")
        staging.run("DROP TABLE one_dump")
        staging.run("UPDATE refused SET raw = $raw WHERE rowid >= $refused", raw=NOT_KEPT, refused=refused)
    staging.run(f"INSERT INTO named_courses SELECT DISTINCT run_of_key(clean(course_id)) FROM text_{table}")
    _replace_people(staging, table, its, key, run)


def _replace_people(staging: Staging, table: str, its: Table, key: bytes, run: str | None) -> None:
    """Make `raw_<table>` of `text_<table>`, which goes."""
    attempts = "try_cast(json_extract_string(state, '$.attempts') AS INTEGER)::VARCHAR"
    columns = [column for column in (*its.needed, *its.optional) if column != "course_id"]
    kept = ", ".join(f"if(json_valid(state), {attempts}, NULL) AS state" if c == "state" else c for c in columns)
    put = text_sql(run) if run else "run_of_key(clean(course_id))"
    people = (
        f"(SELECT native, {learner_sql('native', key)} AS learner FROM "
        f"(SELECT DISTINCT clean({its.user}) AS native FROM text_{table}) "
        r"WHERE regexp_full_match(native, '[\w.-]{1,64}'))"
    )
    staging.run(
        f"CREATE TABLE raw_{table} AS SELECT t.file_no, t.file, t.line, people.learner, {put} AS run, {kept}, "
        f"exported_on FROM text_{table} t LEFT JOIN {people} AS people ON people.native = clean(t.{its.user})"
    )
    staging.run(f"DROP TABLE text_{table}")


def _columns_of(text: TextFile, its: Table, table: str) -> list[str]:
    missing = [column for column in (its.user, *its.needed) if text.columns.count(column) != 1]
    if missing:
        raise SourceError(
            f"{text.name} is read as {table}, and its header has not once each {', '.join(missing)}. "
            "Export the table with its header and all its columns, separated by tabs."
        )
    return [column for column in (its.user, *its.needed, *its.optional) if column in text.columns]


_WHO_AND_WHERE: Final = (
    Check("t.learner IS NULL", "no_learner", "'The row names no user.'"),
    Check("t.run IS NULL", "bad_course", "'The course of the row is no course key.'"),
)


def _dated(column: str, *, always: bool = True) -> Check:
    given = "" if always else f"clean(t.{column}) IS NOT NULL AND "
    return Check(
        f"{given}moment(t.{column}) IS NULL",
        "bad_date",
        f"'{column} is not a time such as 2026-03-01 09:30:00.'",
    )


def _counted(column: str) -> Check:
    return Check(
        f"clean(t.{column}) IS NOT NULL AND number(clean(t.{column})) IS NULL",
        "bad_number",
        f"'{column} is not a number.'",
    )


def _after_export(column: str) -> Check:
    return Check(
        f"moment(t.{column}) > day_after(t.exported_on)", "bad_date", f"'{column} is later than the day of the export.'"
    )


def _share(earned: str, possible: str) -> str:
    share = f"number(clean(t.{earned})) / nullif(number(clean(t.{possible})), 0)"
    return f"if({share} BETWEEN 0 AND 1, {share}, NULL)"


_IDENTITY: Final = {"run": "t.run", "learner": "t.learner", "exported_at": "day_after(t.exported_on)"}


def _check_all(staging: Staging) -> None:
    _check_enrolments(staging)
    _check_modules(staging)
    _check_grades(staging)
    _check_certificates(staging)


def _checked(staging: Staging, table: str, typed: Mapping[str, str], checks: Sequence[Check]) -> None:
    kind = TABLES[table].kind
    staging.check(table, kind, f"raw_{table}", {**_IDENTITY, **typed}, [*_WHO_AND_WHERE, *checks])


def _check_enrolments(staging: Staging) -> None:
    _checked(
        staging,
        "student_courseenrollment",
        {"done_at": "moment(t.created)", "active": "clean(t.is_active) = '1'", "mode": "clean(t.mode)"},
        [
            _dated("created"),
            _after_export("created"),
            Check(
                "coalesce(clean(t.is_active), '') NOT IN ('0', '1')",
                "unknown_value",
                "'is_active is neither 0 nor 1.'",
            ),
            Check(
                "clean(t.is_active) = '0' AND day_after(t.exported_on) IS NULL",
                "no_export_date",
                "'The learner has left, and neither the name of the file nor the option exported says by when.'",
            ),
        ],
    )


def _check_modules(staging: Staging) -> None:
    _checked(
        staging,
        "courseware_studentmodule",
        {
            "object": "block_of(clean(t.module_id), 'block')",
            "done_at": "moment(t.created)",
            "changed_at": "moment(t.modified)",
            "graded": "clean(t.grade) IS NOT NULL AND number(clean(t.max_grade)) > 0",
            "score": _share("grade", "max_grade"),
            "attempt": "try_cast(t.state AS INTEGER)",
        },
        [
            Check(
                "block_of(clean(t.module_id), 'block') IS NULL", "unknown_value", "'module_id is no id of a module.'"
            ),
            _dated("created"),
            _dated("modified"),
            _after_export("modified"),
            Check("moment(t.modified) < moment(t.created)", "bad_date", "'modified is earlier than created.'"),
            _counted("grade"),
            _counted("max_grade"),
        ],
    )


def _check_grades(staging: Staging) -> None:
    _checked(
        staging,
        "grades_persistentsubsectiongrade",
        {
            "object": "block_of(clean(t.usage_key), 'sequential')",
            "done_at": "moment(t.first_attempted)",
            "changed_at": "moment(t.modified)",
            "score": _share("earned_graded", "possible_graded"),
        },
        [
            Check(
                "block_of(clean(t.usage_key), 'sequential') IS NULL",
                "unknown_value",
                "'usage_key is no id of a block.'",
            ),
            Check("clean(t.first_attempted) IS NULL", "not_attempted", "'The learner has not tried anything in it.'"),
            _dated("first_attempted"),
            _dated("modified"),
            _after_export("modified"),
            Check(
                "moment(t.modified) < moment(t.first_attempted)",
                "bad_date",
                "'modified is earlier than first_attempted.'",
            ),
            _counted("earned_graded"),
            _counted("possible_graded"),
        ],
    )
    _checked(
        staging,
        "grades_persistentcoursegrade",
        {
            "passed_at": "moment(t.passed_timestamp)",
            "changed_at": "moment(t.modified)",
            "score": "number(clean(t.percent_grade))",
        },
        [
            _dated("modified"),
            _after_export("modified"),
            _dated("passed_timestamp", always=False),
            Check(
                "coalesce(number(clean(t.percent_grade)) NOT BETWEEN 0 AND 1, true)",
                "bad_number",
                "'percent_grade is not a number from 0 to 1.'",
            ),
        ],
    )


OUTCOMES: Final = {"downloadable": "pass", "audit_passing": "pass", "notpassing": "fail", "audit_notpassing": "fail"}
"""What the status of a certificate says of the outcome; others say nothing of it."""


def _check_certificates(staging: Staging) -> None:
    known = ", ".join(text_sql(status) for status in OUTCOMES)
    passed = ", ".join(text_sql(status) for status, label in OUTCOMES.items() if label == "pass")
    grade = "number(clean(t.grade))"
    _checked(
        staging,
        "certificates_generatedcertificate",
        {
            "done_at": "moment(t.modified_date)",
            "label": f"CASE WHEN clean(t.status) NOT IN ({passed}) THEN 'fail' "
            "WHEN clean(t.distinction) = '1' THEN 'distinction' ELSE 'pass' END",
            "score": f"if({grade} BETWEEN 0 AND 1, {grade}, NULL)",
        },
        [
            _dated("modified_date"),
            _after_export("modified_date"),
            Check(
                f"coalesce(clean(t.status) NOT IN ({known}), true)",
                "no_outcome",
                "'The status of the certificate does not say whether the learner passed.'",
            ),
        ],
    )
