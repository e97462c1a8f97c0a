"""The tables of KDD Cup 2015, staged and checked: which files there are, what a sound row is, which course it is of.

Leaves in the scratch database the tables `daily`, `log`, `enrolled`, `objects`, `truth` and `calendar`. Only
`sources.kddcup2015` uses it, and decides what becomes which record.
"""

import re
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from headway.domain.errors import InputError, SourceError
from headway.sources.calendar import make_calendar
from headway.sources.source import Request
from headway.sources.staging import Check, Staging, text_sql
from headway.sources.tables import Columns, File, files_among, filled, plain, stage_table, stem_of

ZONE: Final = "Asia/Shanghai"
LOG_DAYS: Final = 30

EVENTS: Final = MappingProxyType(
    {
        "problem": ("answered", "question"),
        "video": ("played", "video"),
        "access": ("viewed", "content"),
        "wiki": ("viewed", "wiki"),
        "discussion": ("viewed", "forum"),
        "nagivate": ("viewed", "homepage"),  # the data's own spelling
        "navigate": ("viewed", "homepage"),
        "page_close": ("interacted", "page"),
    }
)
"""The data's own word to verb and type of object."""

DAILY: Final = ("access", "discussion", "navigate", "page_close", "problem", "video", "wiki")

CATEGORIES: Final = MappingProxyType(
    {
        "about": "page",
        "chapter": "folder",
        "combinedopenended": "assignment",
        "course": "homepage",
        "course_info": "page",
        "dictation": "question",
        "discussion": "forum",
        "html": "page",
        "outlink": "link",
        "peergrading": "interactive",
        "problem": "question",
        "sequential": "folder",
        "static_tab": "page",
        "vertical": "page",
        "video": "video",
    }
)

_WHAT: Final = "KDD Cup 2015, such as log_train.csv, or courses.csv beside daily files"
_FORMS: Final = MappingProxyType(
    {
        "courses": re.compile(r"courses?\.csv"),
        "dates": re.compile(r"dates?\.csv"),
        "enrolments": re.compile(r"enrollment(_\w+)?\.csv"),
        "objects": re.compile(r"objects?\.csv"),
        "truth": re.compile(r"truth(_\w+)?\.csv"),
        "log": re.compile(r"log(_\w+)?\.csv"),
        "daily": re.compile(r"(train|test)Course\w*\.csv", re.IGNORECASE),
    }
)
_COLUMNS: Final = MappingProxyType(
    {
        "courses": Columns(
            {"daily_file": "file", "course_id": "course_id", "first_day": "first_day"},
            ("daily_file", "course_id", "first_day"),
        ),
        "dates": plain("course_id", "from", "to"),
        "enrolments": plain("enrollment_id", "username", "course_id", hashed=("username",)),
        "objects": plain("course_id", "module_id", "category", "start"),
        "truth": replace(plain("enrollment_id", "label"), header=("enrollment_id", "label")),
        "log": plain("enrollment_id", "time", "source", "event", "object", "course_id", optional=("course_id",)),
        "daily": Columns(
            {"enrollment_id": "enrollment_id", "time": "time", **{name: f"event_{name}" for name in DAILY}},
            ("enrollment_id", "time", *DAILY),
        ),
    }
)
KIND_OF_TABLE: Final = MappingProxyType(
    {
        "courses": "course_runs",
        "dates": "course_runs",
        "enrolments": "enrolments",
        "objects": "activities",
        "truth": "attributes",
        "log": "statements",
        "daily": "statements",
    }
)

_MACROS: Final = (
    "CREATE MACRO clean(x) AS nullif(trim(x), '')",
    # Values are worked out for faulty rows too, so each gives null where the text cannot be read.
    "CREATE MACRO number_in(x) AS try_cast(whole(try_cast(clean(x) AS DOUBLE)) AS INTEGER)",
    "CREATE MACRO credible(x) AS if(year(x) BETWEEN 1990 AND 2199, x, NULL)",
    "CREATE MACRO clock(x) AS credible(try_cast(clean(x) AS TIMESTAMP))",
    "CREATE MACRO day_in(x) AS CAST(clock(x) AS DATE)",
    "CREATE MACRO run_of(course) AS 'kddcup2015/' || clean(course) || '/1'",
)
_RUN: Final = Check(
    "NOT regexp_full_match(clean(t.course_id), '[A-Za-z0-9_.:+-]{1,100}')",
    "bad_run",
    "concat('course_id is ', t.course_id, ', not letters and digits.')",
)
_UNKNOWN_ENROLMENT: Final = Check(
    "e.run IS NULL",
    "unknown_enrolment",
    "concat('No file says of which course enrolment ', t.enrollment_id, ' is. Add enrollment_train.csv.')",
)


def stage(staging: Staging, request: Request) -> None:
    """Stage and check all tables found among the paths of the request.

    Raises:
        SourceError: a file is missing, damaged, or lacks a column.
        InputError: an option has no usable value.
    """
    for macro in _MACROS:
        staging.run(macro)
    files = _files(request, staging)
    for table, columns in _COLUMNS.items():
        key = request.pseudonym_key
        stage_table(staging, f"raw_{table}", KIND_OF_TABLE[table], files[table], columns, key=key)
    _check_courses(staging)
    _check_daily(staging, request)
    _find_courses(staging)
    _check_log(staging)
    _make_calendar(staging, request)
    _check_enrolments(staging)
    _check_objects(staging)
    _check_truth(staging)


def _files(request: Request, staging: Staging) -> dict[str, list[File]]:
    def wanted(name: str) -> bool:
        return any(form.fullmatch(name) for form in _FORMS.values())

    files: dict[str, list[File]] = {table: [] for table in _FORMS}
    for path, name in files_among(request.paths, staging.folder, wanted, _WHAT):
        bare = f"{stem_of(name)}.csv"
        table = next(table for table, form in _FORMS.items() if form.fullmatch(bare))
        files[table].append((path, name))
    return files


def _whole(column: str, low: int, high: int) -> Check:
    return Check(
        f"coalesce(number_in(t.{column}) NOT BETWEEN {low} AND {high}, true)",
        "bad_number",
        f"concat('{column} is ', coalesce(t.{column}, 'empty'), ', not a whole number from {low} to {high}.')",
    )


def _date(column: str) -> Check:
    detail = f"concat('{column} is ', t.{column}, ', not a day or time such as 2014-06-14T09:38:29.')"
    return Check(f"clock(t.{column}) IS NULL", "bad_date", detail)


_ENROLMENT: Final = (*filled("enrollment_id"), _whole("enrollment_id", 0, 2_000_000_000))


def _check_courses(staging: Staging) -> None:
    staging.check(
        "courses",
        KIND_OF_TABLE["courses"],
        "raw_courses",
        {
            "stem": "regexp_replace(regexp_replace(clean(t.daily_file), '[.]gz$', ''), '[.]csv$', '')",
            "run": "run_of(t.course_id)",
            "starts_on": "day_in(t.first_day)",
        },
        [*filled("daily_file", "course_id", "first_day"), _RUN, _date("first_day")],
        key=("stem",),
    )
    staging.check(
        "dates",
        KIND_OF_TABLE["dates"],
        "raw_dates",
        {"run": "run_of(t.course_id)", "starts_on": 'day_in(t."from")', "ends_on": 'day_in(t."to")'},
        [
            *filled("course_id", '"from"', '"to"'),
            _RUN,
            _date('"from"'),
            _date('"to"'),
            Check('day_in(t."from") > day_in(t."to")', "bad_date", "'The log period ends before it begins.'"),
        ],
        key=("run",),
    )


def _check_daily(staging: Staging, request: Request) -> None:
    staging.run("CREATE TABLE daily_files (file VARCHAR, run VARCHAR)")
    known = dict(staging.run("SELECT stem, run FROM courses WHERE nth = 1"))
    named = request.options.get("run")
    for (file,) in staging.run("SELECT DISTINCT file FROM raw_daily"):
        run = known.get(stem_of(file), named)
        if run is None:
            raise SourceError(
                f"courses.csv does not say of which course {file} is. Add a line for it there, or name its run with "
                "the option run, such as run=kddcup2015/mycourse/1."
            )
        staging.run("INSERT INTO daily_files VALUES ($file, $run)", file=file, run=run)
    if named is not None and not named.startswith("kddcup2015/"):
        raise InputError(f"Runs of this source begin with kddcup2015/, but option run is {named!r}. Correct it.")
    staging.check(
        "daily",
        KIND_OF_TABLE["daily"],
        "raw_daily",
        {
            "run": "f.run",
            "enrolment": "number_in(t.enrollment_id)",
            "day_on": "day_in(t.time)",
            **{name: f"number_in(t.{name})" for name in DAILY},
        },
        [*_ENROLMENT, *filled("time"), _date("time"), *(_whole(name, 0, 1_000_000) for name in DAILY)],
        "JOIN daily_files f ON f.file = t.file",
        key=("enrolment", "day_on"),
    )


def _find_courses(staging: Staging) -> None:
    """Make `course_of`: of which run each enrolment is, by the file that says it best."""
    told = (
        "SELECT number_in(t.enrollment_id) AS enrolment, run_of(t.course_id) AS run, 1 AS rank FROM raw_enrolments t "
        "UNION ALL SELECT DISTINCT enrolment, run, 2 FROM daily WHERE nth = 1 "
        "UNION ALL SELECT DISTINCT number_in(t.enrollment_id), run_of(t.course_id), 3 FROM raw_log t "
        "WHERE clean(t.course_id) IS NOT NULL"
    )
    staging.run(
        f"CREATE TABLE course_of AS SELECT DISTINCT ON (enrolment) enrolment, run FROM ({told}) "
        "WHERE enrolment IS NOT NULL AND regexp_full_match(run, 'kddcup2015/[A-Za-z0-9_.:+-]{1,100}/1') "
        "OR rank = 2 ORDER BY enrolment, rank, run"
    )
    # A module belongs to one course, so an enrolment's modules tell its course where nothing else does.
    staging.run(
        "INSERT INTO course_of SELECT DISTINCT ON (enrolment) enrolment, run FROM ("
        "SELECT number_in(t.enrollment_id) AS enrolment, o.run, count(*) AS n FROM raw_log t JOIN "
        "(SELECT clean(module_id) AS module, min(run_of(course_id)) AS run FROM raw_objects GROUP BY module) o "
        "ON o.module = clean(t.object) WHERE number_in(t.enrollment_id) NOT IN (SELECT enrolment FROM course_of) "
        "GROUP BY ALL) WHERE enrolment IS NOT NULL AND regexp_full_match(run, 'kddcup2015/[A-Za-z0-9_.:+-]{1,100}/1') "
        "ORDER BY enrolment, n DESC, run"
    )


def _check_log(staging: Staging) -> None:
    staging.run("CREATE TABLE daily_enrolments AS SELECT DISTINCT enrolment FROM daily")
    staging.check(
        "log",
        KIND_OF_TABLE["log"],
        "raw_log",
        {
            "run": "e.run",
            "enrolment": "number_in(t.enrollment_id)",
            "clock": "clock(t.time)",
            "origin": "clean(t.source)",
            "event": "clean(t.event)",
            "object": "clean(t.object)",
        },
        [
            *_ENROLMENT,
            *filled("time"),
            _date("time"),
            *filled("source", "event"),
            Check(
                "NOT regexp_full_match(clean(t.event), '[A-Za-z_]{1,40}') OR length(t.source) > 40",
                "unknown_value",
                "concat('event is ', t.event, ', not a word such as video.')",
            ),
            Check("length(t.object) > 200", "unknown_value", "'object is longer than any module id.'"),
            _UNKNOWN_ENROLMENT,
            Check(
                "d.enrolment IS NOT NULL",
                "also_daily",
                "concat('The daily totals of enrolment ', t.enrollment_id, ' count this event already.')",
            ),
        ],
        "LEFT JOIN course_of e ON e.enrolment = number_in(t.enrollment_id) "
        "LEFT JOIN daily_enrolments d ON d.enrolment = number_in(t.enrollment_id)",
    )


def _make_calendar(staging: Staging, request: Request) -> None:
    listed = " + ".join(DAILY)
    staging.run(
        "CREATE TABLE active AS SELECT run, enrolment, min(day_on) AS first_on, max(day_on) AS last_on FROM ("
        "SELECT run, enrolment, CAST(clock AS DATE) AS day_on FROM log UNION ALL "
        f"SELECT run, enrolment, day_on FROM daily WHERE {listed} > 0) GROUP BY ALL"
    )
    staging.run("CREATE TABLE known_period AS SELECT DISTINCT ON (run) run, starts_on, ends_on FROM dates ORDER BY run")
    staging.run(
        "INSERT INTO known_period SELECT run, min(starts_on), min(starts_on) "
        f"+ {LOG_DAYS - 1} FROM courses WHERE run NOT IN (SELECT run FROM known_period) GROUP BY run"
    )
    # Every enrolment has a row a day, active or not, so the days of a daily file are the log period itself.
    staging.run(
        "INSERT INTO known_period SELECT run, min(day_on), max(day_on) FROM daily "
        "WHERE run NOT IN (SELECT run FROM known_period) GROUP BY run"
    )
    own = (
        "(SELECT run, NULL::VARCHAR AS title, starts_on, ends_on, "
        f"timezone('{ZONE}', starts_on::TIMESTAMP) AS known_at FROM known_period)"
    )
    # The last active day counts to its end, but not into the next one.
    events = (
        f"(SELECT run, timezone('{ZONE}', first_on::TIMESTAMP) AS at FROM active UNION ALL "
        f"SELECT run, timezone('{ZONE}', (last_on + 1)::TIMESTAMP) - INTERVAL 1 MICROSECOND FROM active)"
    )
    zoned = replace(request, options={"zone": ZONE, **request.options})
    make_calendar(staging, events, zoned, titles=own)


def _check_enrolments(staging: Staging) -> None:
    staging.check(
        "enrolled",
        KIND_OF_TABLE["enrolments"],
        "raw_enrolments",
        {
            "run": "run_of(t.course_id)",
            "enrolment": "number_in(t.enrollment_id)",
            "person": "t.username",
        },
        [
            *_ENROLMENT,
            *filled("username", "course_id"),
            _RUN,
            Check(
                "c.run IS NULL",
                "unknown_run",
                "concat('Nothing dates course ', t.course_id, ': date.csv lacks it, and nobody did anything in it.')",
            ),
        ],
        "LEFT JOIN calendar c ON c.run = run_of(t.course_id)",
        key=("enrolment",),
    )


def _check_objects(staging: Staging) -> None:
    cases = " ".join(f"WHEN '{word}' THEN '{ours}'" for word, ours in CATEGORIES.items())
    staging.check(
        "objects",
        KIND_OF_TABLE["objects"],
        "raw_objects",
        {
            "run": "run_of(t.course_id)",
            "module": "clean(t.module_id)",
            "type": f"CASE clean(t.category) {cases} ELSE 'other' END",
            "opens": "clock(nullif(clean(t.start), 'null'))",
        },
        [
            *filled("course_id", "module_id", "category"),
            _RUN,
            Check(
                "nullif(clean(t.start), 'null') IS NOT NULL AND clock(t.start) IS NULL",
                "bad_date",
                "concat('start is ', t.start, ', neither a time such as 2014-06-14T09:38:29 nor null.')",
            ),
            Check(
                "c.run IS NULL",
                "unknown_run",
                "concat('Course ', t.course_id, ' has neither dates nor learners among these files.')",
            ),
        ],
        "LEFT JOIN calendar c ON c.run = run_of(t.course_id)",
        key=("run", "module"),
    )


def _check_truth(staging: Staging) -> None:
    staging.check(
        "truth",
        KIND_OF_TABLE["truth"],
        "raw_truth",
        {
            "run": "e.run",
            "enrolment": "number_in(t.enrollment_id)",
            "label": "number_in(t.label)",
            "ends_on": "c.ends_on",
        },
        [
            *_ENROLMENT,
            *filled("label"),
            _whole("label", 0, 1),
            _UNKNOWN_ENROLMENT,
            Check(
                "c.run IS NULL OR c.inferred",
                "unknown_period",
                text_sql("The end of the log period is not known, so neither is when this was known. Add date.csv."),
            ),
        ],
        "LEFT JOIN course_of e ON e.enrolment = number_in(t.enrollment_id) LEFT JOIN calendar c ON c.run = e.run",
        key=("enrolment",),
    )
