"""Moodle's grade book as exported (Grades > Export > Plain text file), one column per grade item.

Promises a score between 0 and 1 for every grade whose highest value is known, and a refusal with the fix for every
other one; an empty cell or `-` is no grade. Feedback, letters beside numbers and sums of categories are not read.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from headway.domain.errors import InputError, SourceError
from headway.sources.delimited import Dialect, TextFile
from headway.sources.moodle_rows import SURE_NAMES, add_learners, type_of
from headway.sources.moodle_words import grade_columns, grade_form, module_of, plain, total_of
from headway.sources.source import Delivery
from headway.sources.staging import Check, Staging, text_sql
from headway.sources.tables import NOT_KEPT

KIND: Final = "results"
_PEOPLE: Final = ("user_id", "mail", "idnumber", "first", "last", "full", "key")
_BRACKETS: Final = re.compile(r"^(.*?)\s*\(([^()]*)\)\s*$", re.DOTALL)
_OUT_OF: Final = re.compile(
    r"(?:^|\s)(?:out of|von|sur|de|sobre|su|van|max\.?|/)\s*([0-9]+(?:[.,][0-9]+)?)\s*$", re.IGNORECASE
)
_TEST_WORDS: Final = re.compile(r"\b(quiz|test|cuestionario|questionario|teste)\b")
_EXAM_WORDS: Final = re.compile(r"\b(exam|examination|klausur|prufung|examen|exame|esame|tentamen)\b")
_NUMBER: Final = "^(-?[0-9]+(?:[.,][0-9]+)?) ?%?$"


@dataclass(frozen=True, slots=True)
class Item:
    """A column of a grade book that is a grade item.

    Attributes:
        place: of the column, from 0.
        title: without the form in brackets.
        form: real, percentage, letter, or None where the header says nothing.
        maximum: the highest grade, if the header names it.
        total: `course` where it is the sum of all.
    """

    place: int
    title: str
    form: str | None
    maximum: float | None
    total: str | None

    @property
    def module(self) -> str | None:
        """The module that gives the grade, such as `quiz`, where the title names it."""
        return module_of(self.title.partition(":")[0]) if ":" in self.title else None

    @property
    def activity(self) -> str:
        """Its id; that of the log report's object of the same title where that has no number."""
        name = self.title.partition(":")[2].strip() if self.module else self.title
        return f"{self.module or 'grade'}/{name}"

    @property
    def type(self) -> str:
        """A word of the vocabulary; what has a grade is an assessment, if it is nothing else."""
        bare = plain(self.title)
        if _EXAM_WORDS.search(bare):
            return "exam"
        if self.module == "quiz" or (self.module is None and _TEST_WORDS.search(bare)):
            return "test"
        return type_of(self.module) if self.module else "assignment"


def items_of(header: Sequence[str]) -> list[Item]:
    """The grade items of a header, each once: as a percentage where that is there."""
    others = set(grade_columns(header).values())
    found: list[Item] = []
    for place, name in enumerate(header):
        match = _BRACKETS.match(name)
        form = grade_form(match[2]) if match else None
        limit = _OUT_OF.search(match[2]) if match else None
        if place in others or form == "feedback":
            continue
        title = (match[1] if match and (form or limit) else name).strip()
        maximum = float(limit[1].replace(",", ".")) if limit else None
        found.append(Item(place, title, form, maximum, total_of(title)))
    if any(item.form for item in found):  # then what says nothing in brackets is a field of the profile
        found = [item for item in found if item.form or item.maximum]
    order = {"percentage": 0, "real": 1, None: 1, "letter": 2}
    best: dict[str, Item] = {}
    for item in sorted(found, key=lambda each: order[each.form]):
        best.setdefault(item.title, item)
    return sorted((item for item in best.values() if item.total != "part"), key=lambda each: each.place)


def is_grade_book(file: TextFile) -> bool:
    """Whether the header is one of a grade book."""
    return bool(set(grade_columns(file.columns)) & set(_PEOPLE)) and bool(items_of(file.columns))


def maxima(text: str) -> dict[str, float]:
    """The highest grades that the option `max_grade` names, by title; that of all others under an empty title.

    Raises:
        InputError: one is no number above 0.

    >>> maxima("100; Quiz 1 = 15")
    {'': 100.0, 'Quiz 1': 15.0}
    """
    named: dict[str, float] = {}
    for part in filter(None, (each.strip() for each in text.split(";"))):
        title, _, value = part.rpartition("=")
        try:
            named[title.strip()] = float(value)
        except ValueError:
            named[title.strip()] = 0.0
        if not 0 < named[title.strip()] < 10**9:
            raise InputError(
                f"max_grade has {part!r}. Write a number for all, or title=number, separated by semicolons."
            )
    return named


def read_people(staging: Staging, path: Path) -> None:
    """Add to `known_names` and `known_marks(mark, user_no)` the people of a list with their ids.

    Raises:
        InputError: the list cannot be read, or has no column `id`.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = [
                {(name or "").strip().lower(): value or "" for name, value in row.items() if isinstance(value, str)}
                for row in csv.DictReader(stream)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as wrong:
        raise InputError(f"The list of people {path} cannot be read ({wrong}). Give a CSV file in UTF-8.") from wrong
    if rows and "id" not in rows[0]:
        raise InputError(f"The list of people {path.name} has no column id. Download it with Bulk user actions.")
    for row in (row for row in rows if row["id"].strip().isdigit()):
        number = str(int(row["id"]))
        full = row.get("fullname") or f"{row.get('firstname', '')} {row.get('lastname', '')}"
        staging.run(
            "INSERT INTO known_names SELECT one_name($name), $n WHERE one_name($name) IS NOT NULL", name=full, n=number
        )
        for mark in (row.get("email", "").strip().lower(), row.get("idnumber", "").strip()):
            if mark:
                staging.run("INSERT INTO known_marks VALUES ($mark, $n)", mark=mark, n=number)


def stage_grades(
    staging: Staging,
    files: Sequence[tuple[TextFile, Dialect]],
    run: str,
    options: Mapping[str, str],
    by_name: bool,
    key: bytes,
) -> None:
    """Make `grade_rows(…, run, learner, exported_at)` and `grade_cells(…, item, title, type, total, score)`.

    Raises:
        SourceError: a file does not say whose the grades are.
    """
    staging.run(
        "CREATE TABLE grade_rows (file_no INTEGER, file VARCHAR, line BIGINT, run VARCHAR, learner VARCHAR, "
        "exported_at TIMESTAMPTZ)"
    )
    staging.run(
        "CREATE TABLE grade_cells (file_no INTEGER, file VARCHAR, line BIGINT, item VARCHAR, title VARCHAR, "
        "type VARCHAR, total VARCHAR, score DOUBLE)"
    )
    limits = maxima(options.get("max_grade", ""))
    for number, (file, dialect) in enumerate(files):
        places = grade_columns(file.columns)
        if not by_name and set(places) & set(_PEOPLE) == {"key"}:
            places["idnumber"] = places["key"]
        wanted = {name: f"c{place}" for name, place in places.items() if name in (*_PEOPLE, "exported")}
        items = items_of(file.columns)
        staging.load(
            "grade_text",
            KIND,
            [_numbered(file)],
            wanted | {f"g{item.place}": f"c{item.place}" for item in items},
            dialect,
        )
        _add_people(staging, wanted, by_name, key)
        shown = ", ".join(f"g{item.place}" for item in items)
        staging.run(f"CREATE TABLE raw_grades AS SELECT file_no, file, line, {shown} FROM grade_text")
        typed = {
            "run": text_sql(run),
            "learner": "w.learner",
            "exported_at": "unix_time(w.exported)",
        }
        staging.check("one_grade_book", KIND, "raw_grades", typed, _CHECKS, "JOIN grade_people w ON w.line = t.line")
        staging.run(
            f"INSERT INTO grade_rows SELECT {number}, $file, line, run, learner, exported_at FROM one_grade_book",
            file=file.name,
        )
        for item in items:
            _add_cells(staging, number, file.name, item, limits)
        for table in ("grade_text", "grade_people", "one_grade_book"):
            staging.run(f"DROP TABLE {table}")


_CHECKS: Final = (
    Check("w.learner IS NULL", "unknown_learner",
          "'Nobody with an id is known by this name, mail or number. Give people=FILE, a list with ids.'"),
)  # fmt: skip


def _numbered(file: TextFile) -> TextFile:
    columns = tuple(f"c{place}" for place in range(len(file.columns)))
    return TextFile(file.name, file.path, columns, file.lines, file.regular)


def _add_people(staging: Staging, there: Mapping[str, str], by_name: bool, key: bytes) -> None:
    """Make `grade_people(line, learner, exported)` for the rows of `grade_text`."""
    field = {name: name_or_null(name in there, name) for name in (*_PEOPLE, "exported")}
    name = f"one_name(coalesce({field['full']}, concat_ws(' ', {field['first']}, {field['last']}), {field['key']}))"
    if not {"full", "first", "last"} & set(there):
        name = f"one_name({field['key']})"
    marks = (
        "(SELECT mark, any_value(user_no) AS user_no FROM known_marks GROUP BY mark HAVING count(DISTINCT user_no) = 1)"
    )
    number = f"if(regexp_full_match(trim({field['user_id']}), '[0-9]+'), trim({field['user_id']}), NULL)"
    native = "'name:' || g.name" if by_name else "coalesce(g.number, m.user_no, i.user_no, n.user_no)"
    staging.run(
        f"CREATE TABLE grade_whole AS SELECT line, exported, {native} AS native FROM (SELECT line, {name} AS name, "
        f"{number} AS number, lower(trim({field['mail']})) AS mail, trim({field['idnumber']}) AS mark, "
        f"{field['exported']} AS exported FROM grade_text) g LEFT JOIN {marks} m ON m.mark = g.mail "
        f"LEFT JOIN {marks} i ON i.mark = g.mark LEFT JOIN {SURE_NAMES} n ON n.name = g.name"
    )
    add_learners(staging, "grade_learners", "SELECT native FROM grade_whole", key)
    staging.run(
        "CREATE TABLE grade_people AS SELECT line, exported, learner FROM grade_whole LEFT JOIN grade_learners "
        "USING (native)"
    )
    staging.run("DROP TABLE grade_whole")
    staging.run("DROP TABLE grade_learners")


def name_or_null(there: bool, name: str) -> str:
    """The staged column, or null of the same type where the file has none."""
    return f'"{name}"' if there else "NULL::VARCHAR"


def _add_cells(staging: Staging, number: int, file: str, item: Item, limits: Mapping[str, float]) -> None:
    limit = limits.get(item.title, item.maximum or limits.get(""))
    values = (
        f"SELECT o.line, trim(g.g{item.place}) AS value, TRY_CAST(replace(nullif(regexp_extract(trim(g.g{item.place}), "
        f"'{_NUMBER}', 1), ''), ',', '.') AS DOUBLE) AS number FROM one_grade_book o JOIN grade_text g USING (line) "
        f"WHERE trim(g.g{item.place}) NOT IN ('', '-', '–')"
    )
    share = "true" if item.form == "percentage" else "ends_with(value, '%')"
    score = f"round(if({share}, number / 100, number / {limit or 'NULL'}), 9)"
    fault = (
        f"CASE WHEN number IS NULL THEN 'not_a_number' WHEN {score} IS NULL THEN 'no_maximum' "
        f"WHEN NOT ({score} BETWEEN 0 AND 1) THEN 'bad_score' END"
    )
    staging.run(f"CREATE TABLE one_item AS SELECT line, {score} AS score, {fault} AS fault FROM ({values})")
    details = {
        "not_a_number": f"The grade of {item.title!r} is no number.",
        "no_maximum": f"The highest grade of {item.title!r} is not known. Export percentages too, or give "
        f"max_grade={item.title}=15.",
        "bad_score": f"The grade of {item.title!r} is below zero or above the highest.",
    }
    for reason, detail in details.items():
        staging.run(
            "INSERT INTO refused SELECT $kind, $file, line, $reason, $detail, $raw FROM one_item WHERE fault = $reason",
            kind=KIND, file=file, reason=reason, detail=detail, raw=NOT_KEPT,
        )  # fmt: skip
    staging.run(
        f"INSERT INTO grade_cells SELECT {number}, $file, line, $item, $title, $type, $total, score FROM one_item "
        "WHERE fault IS NULL",
        file=file, item=item.activity, title=item.title, type=item.type, total=item.total,
    )  # fmt: skip
    staging.run("DROP TABLE one_item")


def known_at(exported: str | None) -> str:
    """SQL for when the grades of a row `r` of the run `c` of the calendar were known."""
    given = "NULL::TIMESTAMPTZ"
    if exported is not None:
        day = text_sql(exported)
        given = (
            f"timezone(c.zone, if(length({day}) = 10, TRY_CAST({day} AS TIMESTAMP) + INTERVAL 1 DAY, "
            f"TRY_CAST({day} AS TIMESTAMP)))"
        )
    return f"coalesce(r.exported_at, {given}, timezone(c.zone, (c.ends_on + 1)::TIMESTAMP))"


def settle_grades(staging: Staging, options: Mapping[str, str]) -> None:
    """Make `grades` of the sound cells and the calendar, with `moment`; refuse totals that are no outcome.

    Raises:
        SourceError: nothing says when the run took place.
    """
    missing = staging.run("SELECT run FROM grade_rows WHERE run NOT IN (SELECT run FROM calendar) LIMIT 1")
    if missing:
        raise SourceError(
            f"A grade book does not say when {missing[0][0]} took place. Give starts and ends, or import it together "
            "with the log."
        )
    at = known_at(options.get("exported"))
    columns = f"r.*, {at} AS moment, c.zone, c.ends_on"
    staging.run(f"CREATE TABLE graded AS SELECT {columns} FROM grade_rows r JOIN calendar c USING (run)")
    staging.run(
        "CREATE TABLE grades AS SELECT c.*, g.run, g.learner, g.moment, CASE WHEN c.total IS NULL THEN NULL "
        f"WHEN {'pass_mark' not in options} THEN 'no_pass_mark' "
        "WHEN local_day(g.moment - INTERVAL 1 SECOND, g.zone) < g.ends_on THEN 'not_final' END AS fault "
        "FROM grade_cells c JOIN graded g USING (file_no, line)"
    )
    details = {
        "no_pass_mark": "A course total is an outcome only if it is known what it takes to pass. Give pass_mark=50.",
        "not_final": "The course total was exported before the run ended.",
    }
    for reason, detail in details.items():
        staging.run(
            "INSERT INTO refused SELECT 'outcomes', file, line, $reason, $detail, $raw FROM grades "
            "WHERE fault = $reason",
            reason=reason, detail=detail, raw=NOT_KEPT,
        )  # fmt: skip
    staging.run("DELETE FROM grades WHERE fault IS NOT NULL")


def deliveries(staging: Staging, pass_mark: float | None) -> list[Delivery]:
    """Activities, results and outcomes of `grades`."""
    times = {"occurred_at": "moment", "recorded_at": "moment"}
    items = "(SELECT run, item, type, title, min(moment) AS moment FROM grades WHERE total IS NULL GROUP BY ALL)"
    made = [
        staging.deliver(
            "activities",
            {"run": "run", "activity": "item", "type": "type", "title": "title", **times},
            "concat_ws(chr(31), 'grade item', run, item, type, title, epoch_us(moment))",
            f"FROM {items} ORDER BY run, item",
        ),
        staging.deliver(
            "results",
            {"run": "run", "learner": "learner", "activity": "item", "attempt": "1", "score": "score",
             "released_at": "moment", "transferred": "false", **times},
            "concat_ws(chr(31), 'grade', run, learner, item, score, epoch_us(moment))",
            "FROM grades WHERE total IS NULL ORDER BY file_no, line, item",
        ),
    ]  # fmt: skip
    if pass_mark is not None:
        label = f"if(score >= {pass_mark / 100}, 'pass', 'fail')"
        made.append(
            staging.deliver(
                "outcomes",
                {"run": "run", "learner": "learner", "label": label, "final_score": "score", **times},
                f"concat_ws(chr(31), 'total', run, learner, {label}, score, epoch_us(moment))",
                "FROM grades WHERE total = 'course' ORDER BY file_no, line",
            )
        )
    return made
