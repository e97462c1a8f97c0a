"""The tables of OULAD as published, staged and checked: which files there are, what a sound row is, which run it is of.

Leaves in the scratch database the tables `runs`, `course_runs`, `sites`, `assessments`, `registrations`, `learners`,
`submissions` and `clicks`, with days already turned into dates, limited to the runs asked for. Only `sources.oulad`
uses it, and decides what was known when.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Final

from headway.domain.errors import SourceError
from headway.domain.runs import select_runs
from headway.sources.delimited import CHUNK_BYTES, Dialect, TextFile
from headway.sources.staging import Check, Staging, require_columns, text_sql

_COMMA: Final = Dialect()

COLUMNS: Final = {
    "courses": ("code_module", "code_presentation", "module_presentation_length"),
    "vle": ("id_site", "code_module", "code_presentation", "activity_type", "week_from", "week_to"),
    "assessments": ("code_module", "code_presentation", "id_assessment", "assessment_type", "date", "weight"),
    "studentRegistration": (
        "code_module",
        "code_presentation",
        "id_student",
        "date_registration",
        "date_unregistration",
    ),
    "studentInfo": (
        "code_module",
        "code_presentation",
        "id_student",
        "gender",
        "region",
        "highest_education",
        "imd_band",
        "age_band",
        "num_of_prev_attempts",
        "studied_credits",
        "disability",
        "final_result",
    ),
    "studentAssessment": ("id_assessment", "id_student", "date_submitted", "is_banked", "score"),
    "studentVle": ("code_module", "code_presentation", "id_student", "id_site", "date", "sum_click"),
}
_OFFICIAL_NAME: Final = re.compile(rf"({'|'.join(COLUMNS)}|studentVle_[^/]*)\.csv(\.gz)?")

# The record kind under which a refused row of a table is counted: a row may become records of several kinds.
KIND_OF_TABLE: Final = {
    "courses": "course_runs",
    "vle": "activities",
    "assessments": "activities",
    "studentRegistration": "enrolments",
    "studentInfo": "outcomes",
    "studentAssessment": "results",
    "studentVle": "statements",
}

ACTIVITY_TYPES: Final = MappingProxyType(
    {
        "dataplus": "database",
        "dualpane": "content",
        "externalquiz": "quiz",
        "folder": "folder",
        "forumng": "forum",
        "glossary": "glossary",
        "homepage": "homepage",
        "htmlactivity": "interactive",
        "oucollaborate": "webinar",
        "oucontent": "content",
        "ouelluminate": "webinar",
        "ouwiki": "wiki",
        "page": "page",
        "questionnaire": "survey",
        "quiz": "quiz",
        "repeatactivity": "interactive",
        "resource": "file",
        "sharedsubpage": "page",
        "subpage": "page",
        "url": "link",
    }
)
ASSESSMENT_TYPES: Final = MappingProxyType({"TMA": "assignment", "CMA": "test", "Exam": "exam"})
OUTCOMES: Final = MappingProxyType(
    {"Pass": "pass", "Distinction": "distinction", "Fail": "fail", "Withdrawn": "withdrawn"}
)

SENSITIVE: Final = ("gender", "region", "highest_education", "imd_band", "age_band", "disability")

_MACROS: Final = (
    "CREATE MACRO clean(x) AS nullif(nullif(trim(x), ''), '?')",
    "CREATE MACRO number(x) AS try_cast(clean(x) AS DOUBLE)",
    "CREATE MACRO whole(x) AS if(number(x) = trunc(number(x)), try_cast(number(x) AS BIGINT), NULL)",
    # Values are computed for faulty rows too, so a day must fit whatever the row says.
    "CREATE MACRO days(x) AS if(whole(x) BETWEEN -9999 AND 9999, try_cast(whole(x) AS INTEGER), NULL)",
)

_RUN_OF_ROW: Final = (
    "LEFT JOIN runs r ON r.module = clean(t.code_module) AND r.presentation = clean(t.code_presentation)"
)
_IN_CHOSEN_RUN: Final = f"{_RUN_OF_ROW} WHERE r.run IS NULL OR r.chosen"
_RUN: Final = {"run": "r.run", "starts_on": "r.starts_on", "ends_on": "r.ends_on"}
_UNKNOWN_RUN: Final = Check(
    "r.run IS NULL",
    "unknown_run",
    "concat('courses.csv has no run ', t.code_module, ' ', t.code_presentation, '.')",
)


def stage(staging: Staging, paths: Sequence[Path], chosen: str) -> None:
    """Stage and check all tables found among `paths`, for the runs that `chosen` names (ids, globs; empty: all).

    Raises:
        SourceError: a file is missing, damaged or has the wrong header.
        UnknownName: no run is called as asked.
    """
    for macro in _MACROS:
        staging.run(macro)
    _load(staging, paths)
    _check_runs(staging, chosen)
    _note_assessments(staging)
    _check_sites(staging)
    _check_assessments(staging)
    _check_registrations(staging)
    _check_learners(staging)
    _check_submissions(staging)
    _check_clicks(staging)


def _load(staging: Staging, paths: Sequence[Path]) -> None:
    """Stage the tables as text, each as `raw_<table>`, an absent one without rows."""
    texts: dict[str, list[TextFile]] = {table: [] for table in COLUMNS}
    for path, name in _files(paths, staging.folder):
        table = _table_of(name)
        text = staging.text(path, name, _COMMA)
        require_columns(text, COLUMNS[table])
        texts[table].append(text)
    where = ", ".join(str(path) for path in paths) or "what was named"
    if not texts["courses"]:
        raise SourceError(f"courses.csv is not in {where}. Add it: it names the runs and how long they are.")
    if texts["studentAssessment"] and not texts["assessments"]:
        raise SourceError(f"assessments.csv is not in {where}. Add it: it says of which run a submitted assessment is.")
    for table, files in texts.items():
        staging.load(f"raw_{table}", KIND_OF_TABLE[table], files, {column: column for column in COLUMNS[table]}, _COMMA)


def _files(paths: Sequence[Path], folder: Path) -> Iterator[tuple[Path, str]]:
    """Every file of the data set among `paths`, with the name to call it by; a zip is unpacked to `folder`."""
    for path in paths:
        if path.is_dir():
            found = [file for file in sorted(path.iterdir()) if _OFFICIAL_NAME.fullmatch(file.name) and file.is_file()]
            if not found:
                raise SourceError(f"{path} has no file of OULAD, such as courses.csv. Name the folder that has them.")
            yield from ((file, file.name) for file in found)
        elif not path.is_file():
            raise SourceError(f"{path} does not exist. Name the folder of the OULAD files or the zip.")
        elif path.suffix == ".zip":
            yield from _members(path, folder)
        else:
            yield path, path.name


def _table_of(name: str) -> str:
    match = _OFFICIAL_NAME.fullmatch(name)
    if match is None:
        known = ", ".join(f"{table}.csv" for table in COLUMNS)
        raise SourceError(
            f"{name} is no file of OULAD. Its files are {known}, and studentVle_*.csv; each may end in .gz."
        )
    return match[1].partition("_")[0]


def _members(path: Path, folder: Path) -> Iterator[tuple[Path, str]]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if _OFFICIAL_NAME.fullmatch(PurePosixPath(m.filename).name)]
            if not members:
                raise SourceError(f"{path.name} has no file of OULAD, such as courses.csv. Is it the right zip?")
            for number, member in enumerate(members):
                name = PurePosixPath(member.filename).name
                target = folder / f"member-{number}-{name}"
                with archive.open(member) as packed, target.open("wb") as out:
                    while chunk := packed.read(CHUNK_BYTES):
                        out.write(chunk)
                yield target, name
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError) as wrong:
        raise SourceError(
            f"{path.name} is damaged or no usable zip ({wrong}). Download it again; nothing was read."
        ) from wrong


def _filled(column: str, reason: str = "missing_value") -> Check:
    return Check(f"clean(t.{column}) IS NULL", reason, f"'{column} is empty.'")


def _whole(column: str, low: int, high: int, reason: str = "bad_number") -> Check:
    detail = f"concat('{column} is ', t.{column}, ', not a whole number from {low} to {high}.')"
    return Check(
        f"clean(t.{column}) IS NOT NULL AND coalesce(whole(t.{column}) NOT BETWEEN {low} AND {high}, true)",
        reason,
        detail,
    )


def _day(column: str) -> Check:
    return _whole(column, -1000, 1000, "bad_date")


def _number_of_100(column: str) -> Check:
    detail = f"concat('{column} is ', t.{column}, ', not a number from 0 to 100.')"
    wrong = f"coalesce(number(t.{column}) NOT BETWEEN 0 AND 100, true)"
    return Check(f"clean(t.{column}) IS NOT NULL AND {wrong}", "bad_number", detail)


def _among(column: str, known: Mapping[str, str]) -> Check:
    listed = ", ".join(text_sql(value) for value in known)
    detail = f"concat('{column} is ', t.{column}, ', not one of {', '.join(known)}.')"
    return Check(f"clean(t.{column}) NOT IN ({listed})", "unknown_value", detail)


def _identity(column: str) -> tuple[Check, Check]:
    return _filled(column), _whole(column, 0, 10**12)


def _translated(column: str, words: Mapping[str, str]) -> str:
    cases = " ".join(f"WHEN {text_sql(word)} THEN {text_sql(ours)}" for word, ours in words.items())
    return f"CASE clean(t.{column}) {cases} END"


def _check_runs(staging: Staging, chosen: str) -> None:
    known = "regexp_full_match(clean(t.code_presentation), '20[0-9][0-9][BJ]')"
    month = "if(right(clean(t.code_presentation), 1) = 'B', '-02-01', '-10-01')"
    staging.check(
        "runs",
        KIND_OF_TABLE["courses"],
        "raw_courses",
        {
            "module": "clean(t.code_module)",
            "presentation": "clean(t.code_presentation)",
            "run": "concat('oulad/', clean(t.code_module), '/', clean(t.code_presentation))",
            "starts_on": f"CASE WHEN {known} THEN try_cast(left(clean(t.code_presentation), 4) || {month} AS DATE) END",
            "days": "days(t.module_presentation_length)",
        },
        [
            *(_filled(column) for column in COLUMNS["courses"]),
            Check(
                "NOT regexp_full_match(clean(t.code_module), '[A-Za-z0-9_.-]{1,60}')",
                "unknown_value",
                "concat('code_module is ', t.code_module, ', not letters and digits.')",
            ),
            Check(
                f"NOT {known}",
                "unknown_value",
                "concat('code_presentation is ', t.code_presentation, ', not as 2013J or 2014B.')",
            ),
            _whole("module_presentation_length", 1, 1000),
        ],
        key=("run",),
    )
    _choose_runs(staging, chosen)


def _choose_runs(staging: Staging, chosen: str) -> None:
    staging.run("ALTER TABLE runs ADD ends_on DATE")
    staging.run("ALTER TABLE runs ADD chosen BOOLEAN")
    staging.run("UPDATE runs SET ends_on = starts_on + days - 1, chosen = true")
    patterns = [pattern.strip() for pattern in chosen.split(",") if pattern.strip()]
    if patterns:
        runs = select_runs(patterns, [run for (run,) in staging.run("SELECT DISTINCT run FROM runs")])
        staging.run("UPDATE runs SET chosen = list_contains($runs, run)", runs=runs)
    staging.run("CREATE TABLE course_runs AS SELECT * FROM runs WHERE chosen")
    # From here on a join with `runs` must not multiply rows, even where courses.csv says a thing twice.
    staging.run("DELETE FROM runs WHERE nth > 1")


def _note_assessments(staging: Staging) -> None:
    """Keep of which run each assessment is, of every run and even where the rest of its row is refused."""
    staging.run(
        "CREATE TABLE known_assessments AS SELECT DISTINCT ON (id) whole(t.id_assessment) AS id, r.run, r.starts_on, "
        f"r.chosen FROM raw_assessments t {_RUN_OF_ROW} WHERE r.run IS NOT NULL AND id IS NOT NULL "
        "ORDER BY id, t.file_no, t.line"
    )


def _check_sites(staging: Staging) -> None:
    staging.check(
        "sites",
        KIND_OF_TABLE["vle"],
        "raw_vle",
        {
            **_RUN,
            "number": "whole(t.id_site)",
            "type": _translated("activity_type", ACTIVITY_TYPES),
            "opens_on": "r.starts_on + 7 * (days(t.week_from) - 1)",
            "closes_on": "r.starts_on + 7 * days(t.week_to) - 1",
        },
        [
            _UNKNOWN_RUN,
            *_identity("id_site"),
            _filled("activity_type"),
            _among("activity_type", ACTIVITY_TYPES),
            _whole("week_from", -20, 150, "bad_date"),
            _whole("week_to", -20, 150, "bad_date"),
        ],
        _IN_CHOSEN_RUN,
        key=("run", "number"),
    )


def _check_assessments(staging: Staging) -> None:
    staging.check(
        "assessments",
        KIND_OF_TABLE["assessments"],
        "raw_assessments",
        {
            **_RUN,
            "number": "whole(t.id_assessment)",
            "type": _translated("assessment_type", ASSESSMENT_TYPES),
            "due_on": "coalesce(r.starts_on + days(t.date), r.ends_on)",
            "weight": "number(t.weight)",
        },
        [
            _UNKNOWN_RUN,
            *_identity("id_assessment"),
            _filled("assessment_type"),
            _among("assessment_type", ASSESSMENT_TYPES),
            _day("date"),
            _filled("weight"),
            _number_of_100("weight"),
        ],
        _IN_CHOSEN_RUN,
        key=("number",),
    )


def _check_registrations(staging: Staging) -> None:
    staging.check(
        "registrations",
        KIND_OF_TABLE["studentRegistration"],
        "raw_studentRegistration",
        {
            "run": "r.run",
            "learner": "whole(t.id_student)",
            "registered_on": "r.starts_on + days(t.date_registration)",
            "unregistered_on": "r.starts_on + days(t.date_unregistration)",
        },
        [
            _UNKNOWN_RUN,
            *_identity("id_student"),
            _filled("date_registration", "missing_registration_date"),
            _day("date_registration"),
            _day("date_unregistration"),
        ],
        _IN_CHOSEN_RUN,
        key=("run", "learner"),
    )


def _check_learners(staging: Staging) -> None:
    staging.check(
        "learners",
        KIND_OF_TABLE["studentInfo"],
        "raw_studentInfo",
        {
            "run": "r.run",
            "starts_on": "r.starts_on",
            "ends_on": "r.ends_on",
            "learner": "whole(t.id_student)",
            **{column: f"clean(t.{column})" for column in SENSITIVE},
            "previous_attempts": "whole(t.num_of_prev_attempts)::VARCHAR",
            "studied_credits": "whole(t.studied_credits)::VARCHAR",
            "label": _translated("final_result", OUTCOMES),
        },
        [
            _UNKNOWN_RUN,
            *_identity("id_student"),
            _filled("final_result"),
            _among("final_result", OUTCOMES),
            _whole("num_of_prev_attempts", 0, 100),
            _whole("studied_credits", 0, 10_000),
        ],
        _IN_CHOSEN_RUN,
        key=("run", "learner"),
    )


def _check_submissions(staging: Staging) -> None:
    staging.check(
        "submissions",
        KIND_OF_TABLE["studentAssessment"],
        "raw_studentAssessment",
        {
            "run": "a.run",
            "starts_on": "a.starts_on",
            "learner": "whole(t.id_student)",
            "assessment": "whole(t.id_assessment)",
            "submitted_on": "CASE clean(t.is_banked) WHEN '0' THEN a.starts_on + days(t.date_submitted) END",
            "transferred": "clean(t.is_banked) = '1'",
            "score": "number(t.score) / 100",
        },
        [
            *_identity("id_assessment"),
            Check(
                "a.run IS NULL",
                "unknown_assessment",
                "concat('assessments.csv has no assessment ', t.id_assessment, ' of a known run.')",
            ),
            *_identity("id_student"),
            _filled("is_banked"),
            _among("is_banked", {"0": "", "1": ""}),
            _filled("date_submitted"),
            _day("date_submitted"),
            _number_of_100("score"),
        ],
        "LEFT JOIN known_assessments a ON a.id = whole(t.id_assessment) WHERE a.run IS NULL OR a.chosen",
        key=("assessment", "learner"),
    )


def _check_clicks(staging: Staging) -> None:
    staging.check(
        "clicks",
        KIND_OF_TABLE["studentVle"],
        "raw_studentVle",
        {
            "run": "r.run",
            "learner": "whole(t.id_student)",
            "site": "whole(t.id_site)",
            "day": "days(t.date)::SMALLINT",
            "interactions": "whole(t.sum_click)",
        },
        [
            _UNKNOWN_RUN,
            *_identity("id_student"),
            *_identity("id_site"),
            _filled("date"),
            _day("date"),
            _filled("sum_click"),
            _whole("sum_click", 0, 100_000),
        ],
        _IN_CHOSEN_RUN,
    )
