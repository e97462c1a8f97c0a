"""The tables of OneRoster CSV bundles, staged and checked: what the manifest promises, what a sound row is.

Leaves in the scratch database the tables `terms`, `classes`, `enrolments`, `line_items`, `results` and `facts`. Only
`sources.oneroster` uses it, and decides what becomes which record. Of users nothing but a hashed id is ever read.
"""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Final

from headway.domain.errors import SourceError
from headway.sources.source import Request
from headway.sources.staging import Check, Staging, text_sql
from headway.sources.tables import Columns, File, among, files_among, filled, plain, stage_table, stem_of

MODES: Final = ("absent", "bulk", "delta")
STATUSES: Final = ("active", "tobedeleted", "inactive")
ROLES: Final = ("administrator", "aide", "guardian", "parent", "proctor", "relative", "student", "teacher")
SCORE_STATUSES: Final = ("exempt", "fully graded", "not submitted", "partially graded", "submitted")

FACTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sex": "sex",
        "birthDate": "birth_year",
        "americanIndianOrAlaskaNative": "american_indian_or_alaska_native",
        "asian": "asian",
        "blackOrAfricanAmerican": "black_or_african_american",
        "nativeHawaiianOrOtherPacificIslander": "native_hawaiian_or_other_pacific_islander",
        "white": "white",
        "demographicRaceTwoOrMoreRaces": "two_or_more_races",
        "hispanicOrLatinoEthnicity": "hispanic_or_latino",
    }
)
"""The columns of demographics.csv that may become attributes, with their names."""

_HEAD: Final = ("sourcedId", "status", "dateLastModified")


def _table(*names: str, optional: tuple[str, ...] = (), hashed: tuple[str, ...] = ()) -> Columns:
    free = ("status", "dateLastModified", *optional)
    return plain(*_HEAD, *names, optional=free, hashed=hashed, private=bool(hashed))


_COLUMNS: Final[Mapping[str, Columns]] = MappingProxyType(
    {
        "manifest": plain("propertyName", "value"),
        "academicSessions": _table("startDate", "endDate"),
        "orgs": _table("name"),
        "courses": _table("title"),
        "classes": _table("courseSourcedId", "termSourcedIds", "schoolSourcedId", optional=("schoolSourcedId",)),
        "users": _table(hashed=("sourcedId",)),
        "categories": _table("title"),
        # Ids of enrolments and results are often put together from those of users.
        "enrollments": _table(
            *("classSourcedId", "userSourcedId", "role", "beginDate", "endDate"),
            optional=("beginDate", "endDate"),
            hashed=("sourcedId", "userSourcedId"),
        ),
        "lineItems": _table(
            *("title", "assignDate", "dueDate", "classSourcedId", "categorySourcedId"),
            *("resultValueMin", "resultValueMax"),
            optional=("assignDate", "categorySourcedId", "resultValueMin"),
        ),
        "results": _table(
            *("lineItemSourcedId", "studentSourcedId", "scoreStatus", "score", "scoreDate", "textScore"),
            optional=("textScore",),
            hashed=("sourcedId", "studentSourcedId"),
        ),
        "demographics": _table(*FACTS, optional=tuple(FACTS), hashed=("sourcedId",)),
    }
)
KIND_OF_TABLE: Final = MappingProxyType(
    {
        "manifest": "course_runs",
        "academicSessions": "course_runs",
        "orgs": "course_runs",
        "courses": "course_runs",
        "classes": "course_runs",
        "users": "enrolments",
        "categories": "activities",
        "lineItems": "activities",
        "enrollments": "enrolments",
        "results": "results",
        "demographics": "attributes",
    }
)
_WHAT: Final = "a OneRoster bundle, such as manifest.csv and enrollments.csv"

_MACROS: Final = (
    "CREATE MACRO clean(x) AS nullif(trim(x), '')",
    "CREATE MACRO amount(x) AS if(isfinite(try_cast(clean(x) AS DOUBLE)), try_cast(clean(x) AS DOUBLE), NULL)",
    "CREATE MACRO credible(x) AS if(year(x) BETWEEN 1990 AND 2199, x, NULL)",
    "CREATE MACRO day_in(x) AS credible(try_cast(left(clean(x), 10) AS DATE))",
    "CREATE MACRO instant_in(x) AS credible(try_cast(clean(x) AS TIMESTAMPTZ))",
)
_LATEST: Final = "SELECT DISTINCT ON (id) * FROM {} ORDER BY id, file_no DESC, line DESC"


def stage(staging: Staging, request: Request, *, demographics: bool) -> None:
    """Stage and check all bundles among the paths of the request, in their order.

    Raises:
        SourceError: a file is missing, damaged, or not what the manifest says.
    """
    for macro in _MACROS:
        staging.run(macro)
    bundles = _bundles(request, staging, demographics=demographics)
    given = {table: [file for files in bundles for file in files.get(table, [])] for table in _COLUMNS}
    if not any(files for table, files in given.items() if table != "manifest"):
        raise SourceError("The bundle has a manifest and no tables. Name the folder or zip that has them all.")
    for table, columns in _COLUMNS.items():
        stage_table(staging, f"raw_{table}", KIND_OF_TABLE[table], given[table], columns, key=request.pseudonym_key)
    _check_manifests(staging, bundles)
    _check_lookups(staging)
    _check_classes(staging, with_courses=bool(given["courses"]))
    _check_enrolments(staging, with_users=bool(given["users"]))
    _check_line_items(staging)
    _check_results(staging, with_users=bool(given["users"]))
    _check_facts(staging)


def _bundles(request: Request, staging: Staging, *, demographics: bool) -> list[dict[str, list[File]]]:
    """The files of each bundle by table; a folder or zip, or a folder in it, is a bundle."""
    wanted = {table for table in _COLUMNS if demographics or table != "demographics"}
    found: dict[tuple[Path, str], dict[str, list[File]]] = {}
    for path in request.paths:
        for file, name in files_among([path], staging.folder, lambda n: stem_of(n) in wanted, _WHAT):
            home = (path.parent, ".") if path == file else (path, str(PurePosixPath(name).parent))
            files = found.setdefault(home, {}).setdefault(stem_of(name), [])
            if files:
                raise SourceError(f"{name} is there twice in one bundle. Take one away.")
            shown = f"{path.name}/{name}" if path.is_dir() and len(request.paths) > 1 else name
            files.append((file, shown))
    if not found:
        raise SourceError(f"No file of {_WHAT}, was named. Name the folder or zip of the bundle.")
    return list(found.values())


def _check_manifests(staging: Staging, bundles: list[dict[str, list[File]]]) -> None:
    """Compare what is there with what was promised, and note of each file whether it is a delta."""
    staging.run("CREATE TABLE modes (table_name VARCHAR, file_no INTEGER, mode VARCHAR)")
    staging.check(
        "manifests",
        KIND_OF_TABLE["manifest"],
        "raw_manifest",
        {"property": "clean(t.propertyName)", "said": "clean(t.value)"},
        [
            *filled("propertyName"),
            Check(
                f"clean(t.propertyName) LIKE 'file.%' AND coalesce(clean(t.value) NOT IN {MODES}, true)",
                "unknown_value",
                "concat(t.propertyName, ' is ', coalesce(t.value, 'empty'), ', not absent, bulk or delta.')",
            ),
        ],
    )
    # Files are numbered by table in the order of the bundles, as `stage` hands them over.
    numbers = dict.fromkeys(_COLUMNS, 0)
    for files in bundles:
        if "manifest" in files:
            sql = "SELECT property, said FROM manifests WHERE file_no = $number"
            said = dict(staging.run(sql, number=numbers["manifest"]))
            _compare(said, files, files["manifest"][0][1])
            for table in files:
                if said.get(f"file.{table}") == "delta":
                    staging.run("INSERT INTO modes VALUES ($table, $no, 'delta')", table=table, no=numbers[table])
        for table in files:
            numbers[table] += 1


def _compare(said: Mapping[str, str], files: Mapping[str, list[File]], name: str) -> None:
    version = said.get("oneroster.version") or ""
    if version not in ("1.1", "1.2"):
        raise SourceError(f"{name} says oneroster.version {version or 'nowhere'}. Export the bundle as 1.1 or 1.2.")
    for table in _COLUMNS:
        mode = said.get(f"file.{table}")
        if mode == "absent" and table in files:
            raise SourceError(f"{name} says that {table}.csv is absent, but it is there. Correct one of them.")
        if mode in ("bulk", "delta") and table not in files and table != "demographics":
            raise SourceError(f"{name} says that {table}.csv is {mode}, but it is not there. Export the bundle again.")


def _delta(table: str) -> str:
    return f"LEFT JOIN modes m ON m.table_name = '{table}' AND m.file_no = t.file_no"


def _head() -> list[Check]:
    """What every table's first three columns must be."""
    empty = "clean(t.status) IS NULL OR clean(t.dateLastModified) IS NULL"
    return [
        *filled("sourcedId"),
        among("status", STATUSES),
        Check(f"m.mode = 'delta' AND ({empty})", "missing_value", "'A delta row needs status and dateLastModified.'"),
        Check(
            "clean(t.dateLastModified) IS NOT NULL AND instant_in(t.dateLastModified) IS NULL",
            "bad_date",
            "concat('dateLastModified is ', t.dateLastModified, ', not a time such as 2024-09-01T08:00:00.000Z.')",
        ),
    ]


_GONE: Final = Check(
    "clean(t.status) = 'tobedeleted'",
    "to_be_deleted",
    "'The row asks to forget what was said before; what was known once stays known.'",
)


def _day(column: str) -> Check:
    detail = f"concat('{column} is ', t.{column}, ', not a day such as 2024-09-01.')"
    return Check(f"clean(t.{column}) IS NOT NULL AND day_in(t.{column}) IS NULL", "bad_date", detail)


def _lookup(staging: Staging, table: str, name: str, typed: Mapping[str, str], checks: list[Check]) -> None:
    """Make `name` of the sound rows of a table, the latest one where several bundles tell of the same thing."""
    columns = {"id": "clean(t.sourcedId)", **typed}
    raw, kind = f"raw_{table}", KIND_OF_TABLE[table]
    staging.check(f"all_{name}", kind, raw, columns, [*_head(), _GONE, *checks], _delta(table), key=("id", "file_no"))
    staging.run(f"CREATE TABLE {name} AS {_LATEST.format(f'all_{name}')}")


def _check_lookups(staging: Staging) -> None:
    days = {"starts_on": "day_in(t.startDate)", "ends_on": "greatest(day_in(t.endDate) - 1, day_in(t.startDate))"}
    order = Check("day_in(t.endDate) < day_in(t.startDate)", "bad_date", "'The term ends before it begins.'")
    wanted = [*filled("startDate", "endDate"), _day("startDate"), _day("endDate"), order]
    _lookup(staging, "academicSessions", "terms", days, wanted)
    _lookup(staging, "orgs", "orgs", {"name": "clean(t.name)"}, [])
    _lookup(staging, "courses", "courses", {"title": "clean(t.title)"}, [])
    _lookup(staging, "categories", "categories", {"title": "clean(t.title)"}, [])
    _lookup(staging, "users", "users", {}, [])


def _check_classes(staging: Staging, *, with_courses: bool) -> None:
    terms = "list_transform(string_split(t.termSourcedIds, ','), lambda part: trim(part))"
    dangling = Check(
        "clean(t.courseSourcedId) NOT IN (SELECT id FROM courses)",
        "unknown_course",
        "concat('courses.csv has no course ', t.courseSourcedId, '.')",
    )
    _lookup(
        staging,
        "classes",
        "listed_classes",
        {
            "course": "clean(t.courseSourcedId)",
            "school": "clean(t.schoolSourcedId)",
            "run": "'oneroster/' || clean(t.courseSourcedId) || '/' || clean(t.sourcedId)",
            "starts_on": f"(SELECT min(x.starts_on) FROM terms x WHERE list_contains({terms}, x.id))",
            "ends_on": f"(SELECT max(x.ends_on) FROM terms x WHERE list_contains({terms}, x.id))",
        },
        [
            *filled("courseSourcedId"),
            Check(
                "regexp_matches(t.sourcedId || t.courseSourcedId, '[/\\s*?\\[\\]]')",
                "bad_run",
                "concat('The run of class ', t.sourcedId, ' would have a slash, star or space in its name.')",
            ),
            *([dangling] if with_courses else []),
            *filled("termSourcedIds"),
            Check(
                f"NOT EXISTS (SELECT 1 FROM terms x WHERE list_contains({terms}, x.id))",
                "unknown_term",
                "concat('academicSessions.csv has none of the terms ', t.termSourcedIds, ', which date the class.')",
            ),
        ],
    )
    staging.run(
        "CREATE TABLE classes AS SELECT c.id, c.run, c.course, c.starts_on, c.ends_on, k.title, o.name AS institution "
        "FROM listed_classes c LEFT JOIN courses k ON k.id = c.course LEFT JOIN orgs o ON o.id = c.school"
    )


_UNKNOWN_CLASS: Final = Check(
    "c.run IS NULL",
    "unknown_class",
    "concat('classes.csv has no sound class ', t.classSourcedId, '. Import a delta beside the last whole bundle.')",
)
_OF_CLASS: Final = "LEFT JOIN classes c ON c.id = clean(t.classSourcedId)"


def _known_user(column: str, *, with_users: bool) -> list[Check]:
    unknown = Check(f"t.{column} NOT IN (SELECT id FROM users)", "unknown_user", "'users.csv has no such user.'")
    return [unknown] if with_users else []


def _check_enrolments(staging: Staging, *, with_users: bool) -> None:
    staging.check(
        "enrolments",
        KIND_OF_TABLE["enrollments"],
        "raw_enrollments",
        {
            "id": "t.sourcedId",
            "run": "c.run",
            "learner": "t.userSourcedId",
            "gone": "clean(t.status) IN ('tobedeleted', 'inactive')",
            "begins_on": "coalesce(day_in(t.beginDate), c.starts_on)",
            # The day of endDate is the first one without the learner; the end of the term is no withdrawal.
            "left_on": "if(day_in(t.endDate) <= c.ends_on, day_in(t.endDate), NULL)",
            "modified_at": "instant_in(t.dateLastModified)",
        },
        [
            *_head(),
            *filled("classSourcedId", "userSourcedId", "role"),
            Check(
                f"clean(t.role) NOT IN {ROLES} AND NOT starts_with(clean(t.role), 'ext:')",
                "unknown_value",
                "concat('role is ', left(t.role, 60), ', which OneRoster does not know.')",
            ),
            Check("clean(t.role) != 'student'", "not_a_learner", "concat('Enrolled as ', t.role, '.')"),
            _day("beginDate"),
            _day("endDate"),
            Check("day_in(t.endDate) < day_in(t.beginDate)", "bad_date", "'It ends before it begins.'"),
            Check(
                "clean(t.status) IN ('tobedeleted', 'inactive') AND clean(t.dateLastModified) IS NULL",
                "missing_value",
                "'The row ends an enrolment without saying when: dateLastModified is empty.'",
            ),
            _UNKNOWN_CLASS,
            *_known_user("userSourcedId", with_users=with_users),
        ],
        f"{_delta('enrollments')} {_OF_CLASS}",
        key=("id", "file_no"),
    )


def _check_line_items(staging: Staging) -> None:
    least = "coalesce(amount(t.resultValueMin), 0)"
    _lookup_joined(
        staging,
        {
            "run": "c.run",
            "title": "clean(t.title)",
            "category": "k.title",
            "opens_on": "day_in(t.assignDate)",
            "due_on": "day_in(t.dueDate)",
            "starts_on": "c.starts_on",
            "least": least,
            "most": "amount(t.resultValueMax)",
        },
        [
            *filled("title", "classSourcedId", "dueDate", "resultValueMax"),
            _day("assignDate"),
            _day("dueDate"),
            Check(
                f"coalesce(amount(t.resultValueMax) <= {least}, true) OR "
                "(clean(t.resultValueMin) IS NOT NULL AND amount(t.resultValueMin) IS NULL)",
                "bad_number",
                "concat('Scores from ', t.resultValueMin, ' to ', t.resultValueMax, ' are no scale.')",
            ),
            _UNKNOWN_CLASS,
        ],
    )


def _lookup_joined(staging: Staging, typed: Mapping[str, str], checks: list[Check]) -> None:
    staging.check(
        "all_line_items",
        KIND_OF_TABLE["lineItems"],
        "raw_lineItems",
        {"id": "clean(t.sourcedId)", **typed},
        [*_head(), _GONE, *checks],
        f"{_delta('lineItems')} {_OF_CLASS} LEFT JOIN categories k ON k.id = clean(t.categorySourcedId)",
        key=("id", "file_no"),
    )
    staging.run(f"CREATE TABLE line_items AS {_LATEST.format('all_line_items')}")


def _check_results(staging: Staging, *, with_users: bool) -> None:
    share = "(amount(t.score) - l.least) / (l.most - l.least)"
    staging.check(
        "results",
        KIND_OF_TABLE["results"],
        "raw_results",
        {
            "id": "t.sourcedId",
            "run": "l.run",
            "learner": "t.studentSourcedId",
            "activity": "l.id",
            # What is earned on top of all points is not told apart from all points.
            "score": f"least({share}, 1)",
            "scored_on": "day_in(t.scoreDate)",
            "modified_at": "instant_in(t.dateLastModified)",
        },
        [
            *_head(),
            _GONE,
            *filled("lineItemSourcedId", "studentSourcedId", "scoreStatus", "scoreDate"),
            among("scoreStatus", SCORE_STATUSES),
            _day("scoreDate"),
            Check("clean(t.scoreStatus) = 'exempt'", "exempt", "'The learner need not do this.'"),
            Check("clean(t.scoreStatus) = 'not submitted'", "not_submitted", "'Nothing was handed in.'"),
            Check(
                "clean(t.scoreStatus) = 'fully graded' AND clean(t.score) IS NULL AND clean(t.textScore) IS NULL",
                "missing_value",
                "'It is graded, but score is empty.'",
            ),
            Check(
                "l.run IS NULL",
                "unknown_line_item",
                "concat('lineItems.csv has no sound line item ', t.lineItemSourcedId, '.')",
            ),
            Check(
                f"clean(t.score) IS NOT NULL AND coalesce({share} NOT BETWEEN 0 AND 2, true)",
                "bad_number",
                "concat('score is ', t.score, ', which a scale from ', l.least, ' to ', l.most, ' does not have.')",
            ),
            *_known_user("studentSourcedId", with_users=with_users),
        ],
        f"{_delta('results')} LEFT JOIN line_items l ON l.id = clean(t.lineItemSourcedId)",
        key=("id", "file_no"),
    )


def _check_facts(staging: Staging) -> None:
    values = {ours: f"lower(clean(t.{theirs}))" for theirs, ours in FACTS.items()}
    values["birth_year"] = "year(day_in(t.birthDate))::VARCHAR"
    staging.check(
        "facts",
        KIND_OF_TABLE["demographics"],
        "raw_demographics",
        {"learner": "t.sourcedId", **values},
        [
            *_head(),
            _GONE,
            Check(
                "t.sourcedId NOT IN (SELECT learner FROM enrolments)",
                "no_course",
                text_sql("This person is enrolled nowhere, and a fact is kept by course run."),
            ),
        ],
        _delta("demographics"),
        key=("learner", "file_no"),
    )
