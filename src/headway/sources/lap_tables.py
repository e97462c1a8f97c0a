"""The five extracts of Apereo's learning analytics pipeline, staged and checked: what a sound row is, of which run.

Leaves in the scratch database the tables `courses`, `enrolled`, `people`, `grades`, `events` and `calendar`. Only
`sources.lap` uses it, and decides what becomes which record.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from headway.sources.calendar import make_calendar
from headway.sources.source import Request
from headway.sources.staging import Check, Staging, text_sql
from headway.sources.tables import File, files_among, filled, plain, stage_table, stem_of

FACTS: Final[Mapping[str, bool]] = MappingProxyType(
    {
        "PERCENTILE": False,
        "SAT_VERBAL": False,
        "SAT_MATH": False,
        "ACT_COMPOSITE": False,
        "AGE": True,
        "RACE": True,
        "GENDER": True,
        "ENROLLMENT_STATUS": False,
        "EARNED_CREDIT_HOURS": False,
        "GPA_CUMULATIVE": False,
        "GPA_SEMESTER": False,
        "STANDING": False,
        "PELL_STATUS": True,
        "CLASS_CODE": False,
    }
)
"""The facts about a person, and whether each is sensitive."""

POINTS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "A": 4.0, "A-": 3.7, "B+": 3.3, "B": 3.0, "B-": 2.7, "C+": 2.3, "C": 2.0, "C-": 1.7,
        "D+": 1.3, "D": 1.0, "D-": 0.7, "F": 0.0,
    }
)  # fmt: skip
_NO_GRADE: Final = ("I", "W")
_EMPTY_WORDS: Final = ("null", "NULL")

_WHAT: Final = "the extracts of Apereo LAP, such as activity.csv"
_WHO: Final = ("ALTERNATIVE_ID",)
_COLUMNS: Final = MappingProxyType(
    {
        "course": plain("COURSE_ID", "SUBJECT", optional=("SUBJECT",)),
        "personal": plain("ALTERNATIVE_ID", *FACTS, optional=FACTS, hashed=_WHO),
        "enrollment": plain("ALTERNATIVE_ID", "COURSE_ID", "FINAL_GRADE", "WITHDRAWAL_DATE", hashed=_WHO),
        "grade": plain(
            *("ALTERNATIVE_ID", "COURSE_ID", "GRADABLE_OBJECT", "CATEGORY", "MAX_POINTS", "EARNED_POINTS"),
            *("WEIGHT", "GRADE_DATE"),
            optional=("CATEGORY", "WEIGHT", "GRADE_DATE"),
            hashed=_WHO,
        ),
        "activity": plain("ALTERNATIVE_ID", "COURSE_ID", "EVENT", "EVENT_DATE", hashed=_WHO),
    }
)
KIND_OF_TABLE: Final = MappingProxyType(
    {
        "course": "course_runs",
        "enrollment": "enrolments",
        "personal": "attributes",
        "grade": "results",
        "activity": "statements",
    }
)

_MACROS: Final = (
    f"CREATE MACRO clean(x) AS if(trim(x) IN ('', {', '.join(map(text_sql, _EMPTY_WORDS))}), NULL, trim(x))",
    "CREATE MACRO amount(x) AS if(isfinite(try_cast(clean(x) AS DOUBLE)), try_cast(clean(x) AS DOUBLE), NULL)",
    "CREATE MACRO credible(x) AS if(year(x) BETWEEN 1990 AND 2199, x, NULL)",
    "CREATE MACRO clock(x) AS credible(try_cast(clean(x) AS TIMESTAMP))",
    # Usually subject, number, section, term; where there is no such part the course has one run.
    "CREATE MACRO split(id) AS regexp_replace(clean(id), '_([^_]*)$', '/\\1')",
    "CREATE MACRO run_of(id) AS 'lap/' || if(contains(clean(id), '_'), split(id), clean(id) || '/1')",
)
_RUN: Final = Check(
    "NOT regexp_full_match(run_of(t.COURSE_ID), 'lap/[^/]{1,120}/[^/]{1,60}') OR t.COURSE_ID LIKE '%/%'",
    "bad_run",
    "concat('COURSE_ID is ', t.COURSE_ID, ', not such as MNG_333N_222_08F.')",
)


def stage(staging: Staging, request: Request) -> None:
    """Stage and check all extracts found among the paths of the request.

    Raises:
        SourceError: a file is missing, damaged, or lacks a column.
    """
    for macro in _MACROS:
        staging.run(macro)
    files: dict[str, list[File]] = {table: [] for table in _COLUMNS}
    for path, name in files_among(request.paths, staging.folder, lambda n: stem_of(n) in _COLUMNS, _WHAT):
        files[stem_of(name)].append((path, name))
    for table, columns in _COLUMNS.items():
        hashed = replace(columns, private=table != "course", empty=_EMPTY_WORDS)
        stage_table(staging, f"raw_{table}", KIND_OF_TABLE[table], files[table], hashed, key=request.pseudonym_key)
    _check_courses(staging)
    course = _course_checks(listed=bool(files["course"]))
    _check_events(staging, course, request.options.get("zone", "UTC"))
    own = (
        "(SELECT run, title, NULL::DATE AS starts_on, NULL::DATE AS ends_on, NULL::TIMESTAMPTZ AS known_at "
        "FROM courses)"
    )
    make_calendar(staging, "(SELECT run, moment AS at FROM events)", request, titles=own)
    course = [*course, _DATED]
    _check_enrolled(staging, course)
    _check_grades(staging, course)
    _check_people(staging)


def _course_checks(*, listed: bool) -> list[Check]:
    unknown = Check(
        "run_of(t.COURSE_ID) NOT IN (SELECT run FROM courses)",
        "unknown_course",
        "concat('course.csv has no course ', t.COURSE_ID, '.')",
    )
    return [*filled("COURSE_ID"), _RUN, *([unknown] if listed else [])]


_DATED: Final = Check(
    "c.run IS NULL",
    "no_dates",
    "concat('Nobody did anything in ', t.COURSE_ID, ', so its dates are not known. Give them with starts and ends.')",
)
_CALENDAR: Final = "LEFT JOIN calendar c ON c.run = run_of(t.COURSE_ID)"


def _date(column: str) -> Check:
    detail = f"concat('{column} is ', t.{column}, ', not a day or time such as 2010-09-03T10:58:34.')"
    return Check(f"clean(t.{column}) IS NOT NULL AND clock(t.{column}) IS NULL", "bad_date", detail)


def _check_courses(staging: Staging) -> None:
    staging.check(
        "courses",
        KIND_OF_TABLE["course"],
        "raw_course",
        {"run": "run_of(t.COURSE_ID)", "title": "clean(t.SUBJECT)"},
        [*filled("COURSE_ID"), _RUN],
        key=("run",),
    )


def _check_events(staging: Staging, course: list[Check], zone: str) -> None:
    staging.check(
        "events",
        KIND_OF_TABLE["activity"],
        "raw_activity",
        {
            "run": "run_of(t.COURSE_ID)",
            "learner": "t.ALTERNATIVE_ID",
            "event": "clean(t.EVENT)",
            "moment": f"timezone({text_sql(zone)}, clock(t.EVENT_DATE))",
        },
        [
            *filled("ALTERNATIVE_ID"),
            *course,
            *filled("EVENT", "EVENT_DATE"),
            _date("EVENT_DATE"),
            Check(
                "NOT regexp_full_match(clean(t.EVENT), '[A-Za-z0-9_. -]{1,60}')",
                "unknown_value",
                "'EVENT is not a word such as content.read.'",
            ),
        ],
    )


def _check_enrolled(staging: Staging, course: list[Check]) -> None:
    grades = ", ".join(text_sql(grade) for grade in (*POINTS, *_NO_GRADE))
    staging.check(
        "enrolled",
        KIND_OF_TABLE["enrollment"],
        "raw_enrollment",
        {
            "run": "run_of(t.COURSE_ID)",
            "learner": "t.ALTERNATIVE_ID",
            "grade": "clean(t.FINAL_GRADE)",
            "left_at": "timezone(c.zone, clock(t.WITHDRAWAL_DATE))",
            "starts_on": "c.starts_on",
            "ends_on": "c.ends_on",
            "zone": "c.zone",
        },
        [
            *filled("ALTERNATIVE_ID"),
            *course,
            Check(
                f"clean(t.FINAL_GRADE) NOT IN ({grades})",
                "unknown_value",
                "concat('FINAL_GRADE is ', t.FINAL_GRADE, ', not A to F, I or W.')",
            ),
            _date("WITHDRAWAL_DATE"),
        ],
        _CALENDAR,
        key=("run", "learner"),
    )


def _check_grades(staging: Staging, course: list[Check]) -> None:
    staging.check(
        "grades",
        KIND_OF_TABLE["grade"],
        "raw_grade",
        {
            "run": "run_of(t.COURSE_ID)",
            "learner": "t.ALTERNATIVE_ID",
            "activity": "clean(t.GRADABLE_OBJECT)",
            "category": "clean(t.CATEGORY)",
            # What is earned on top of all points is not told apart from all points.
            "score": "least(amount(t.EARNED_POINTS) / amount(t.MAX_POINTS), 1)",
            "weight": "100 * amount(t.WEIGHT)",
            "graded": "clock(t.GRADE_DATE)",
            "day_only": "NOT contains(t.GRADE_DATE, ':')",
            "starts_on": "c.starts_on",
            "ends_on": "c.ends_on",
            "zone": "c.zone",
        },
        [
            *filled("ALTERNATIVE_ID"),
            *course,
            *filled("GRADABLE_OBJECT", "MAX_POINTS"),
            Check("clean(t.EARNED_POINTS) IS NULL", "not_graded", "'EARNED_POINTS is empty: nothing was marked.'"),
            Check(
                "coalesce(amount(t.MAX_POINTS) <= 0, true)",
                "bad_number",
                "concat('MAX_POINTS is ', t.MAX_POINTS, ', not a number above 0.')",
            ),
            Check(
                "coalesce(amount(t.EARNED_POINTS) NOT BETWEEN 0 AND 2 * amount(t.MAX_POINTS), true)",
                "bad_number",
                "concat('EARNED_POINTS is ', t.EARNED_POINTS, ', which no MAX_POINTS of ', t.MAX_POINTS, ' allows.')",
            ),
            Check(
                "clean(t.WEIGHT) IS NOT NULL AND coalesce(amount(t.WEIGHT) NOT BETWEEN 0 AND 1, true)",
                "bad_number",
                "concat('WEIGHT is ', t.WEIGHT, ', not a number from 0 to 1.')",
            ),
            _date("GRADE_DATE"),
        ],
        _CALENDAR,
        key=("run", "learner", "activity"),
    )


def _check_people(staging: Staging) -> None:
    staging.check(
        "people",
        KIND_OF_TABLE["personal"],
        "raw_personal",
        {"learner": "t.ALTERNATIVE_ID", **{name.lower(): f"clean(t.{name})" for name in FACTS}},
        [
            *filled("ALTERNATIVE_ID"),
            Check(
                "t.ALTERNATIVE_ID NOT IN (SELECT learner FROM enrolled)",
                "no_course",
                "'No file enrols this person in a course, and a fact is kept by course run.'",
            ),
        ],
        key=("learner",),
    )
