"""Answers in their order, without times: the tables in which knowledge tracing data sets are passed on.

One row an answer: who, on which item, which skill, right or wrong. So these conventions hold:

- A file is a run, `tracing/<name of the file>/1`. Its calendar is made up and only the order of a learner's answers is
  true: the n-th answer (0 for the first) happened, and was known, n minutes after 3 January 2000 began.
- The order is that of the column `seq` where there is one, else that of the rows.
- A learner is known within a file only. Where rows are dealt out into parts (`split`), each part has its own learners.
- A skill's cell names several where they are separated by `;` or `~~`. Where there is no item, the skill is the item.
- A row that repeats an answer for another skill is a record like any other; who learns from them says what it does.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from headway.domain.errors import UnknownName
from headway.sources.source import SOURCES, Delivery, Request
from headway.sources.staging import Check, Staging, no_records, text_sql
from headway.sources.tables import Columns, files_among, filled, name_runs, stage_table

START: Final = "2000-01-03"
_WHAT: Final = "answers in order, such as statics.csv with learner, item, skill and correct"
_COLUMNS: Final = Columns(
    wanted=MappingProxyType(
        {
            "learner": "learner|learner_id|student|student_id|student_row|user|user_id",
            "item": "item|item_id|problem|problem_id|question|question_id",
            "skill": "skill|skills|skill_id|concept|kc",
            "correct": "correct|is_correct",
            "seq": "seq|sequence|order|order_id",
            "split": "split",
        }
    ),
    required=("learner", "skill", "correct"),
    hashed=("learner",),
    private=True,
)
_JUDGED: Final = (
    "CREATE MACRO judged(x) AS CASE WHEN lower(clean(x)) IN ('1', '1.0', 'true') THEN true "
    "WHEN lower(clean(x)) IN ('0', '0.0', 'false') THEN false END"
)
_MACROS: Final = (
    "CREATE MACRO clean(x) AS if(trim(x) = '', NULL, trim(x))",
    _JUDGED,
    "CREATE MACRO place(x) AS try_cast(clean(x) AS DOUBLE)",
    "CREATE MACRO named(x) AS list_filter(string_split_regex(clean(x), '\\s*(;|~~)\\s*'), lambda one: one <> '')",
)
_CHECKS: Final = (
    *filled("learner", "skill", "correct"),
    Check("judged(t.correct) IS NULL", "unknown_value", "concat('correct is ', left(t.correct, 20), ', not 0 or 1.')"),
    Check(
        "clean(t.seq) IS NOT NULL AND (place(t.seq) IS NULL OR NOT isfinite(place(t.seq)))",
        "bad_number",
        "concat('seq is ', left(t.seq, 20), ', not a number.')",
    ),
    Check("len(named(t.skill)) = 0", "missing_value", "'skill names none.'"),
)


class Tracing:
    """Reads answers in order."""

    name = "tracing"
    summary = "Answers in order without times (knowledge tracing data): learner, item, skill, correct; a file is a run"
    options: Mapping[str, str] = MappingProxyType({})

    def read(self, request: Request) -> Iterator[Delivery]:
        """The deliveries; everything is staged and checked before the first one.

        Raises:
            UnknownName: an option is given; there is none.
            ConfigError: the workspace has no key for pseudonyms.
            SourceError: no file is there, or one is damaged or lacks a column.
        """
        for option in request.options:
            raise UnknownName.of(f"option of source {self.name}", option, self.options)
        staging = Staging(self.name, request.memory_limit_mib)
        for macro in _MACROS:
            staging.run(macro)
        found = files_among(request.paths, staging.folder, lambda name: name.lower().endswith(".csv"), _WHAT)
        stage_table(staging, "raw_answers", "responses", found, _COLUMNS, key=request.pseudonym_key)
        name_runs(staging, found, "answers")
        _check(staging)
        return _deliveries(staging)


def _check(staging: Staging) -> None:
    staging.check(
        "sound",
        "responses",
        "raw_answers",
        {
            "run": "concat('tracing/', n.name, '/1')",
            "learner": "concat('tracing/', n.name, '-', coalesce(clean(t.split) || '-', ''), t.learner)",
            "skills": "named(t.skill)",
            "item": "coalesce(clean(t.item), array_to_string(named(t.skill), ';'))",
            "correct": "judged(t.correct)",
            "seq": "place(t.seq)",
        },
        list(_CHECKS),
        "JOIN names n ON n.file_no = t.file_no",
    )
    order = "PARTITION BY run, learner ORDER BY file_no, seq NULLS LAST, line"
    staging.run(
        "CREATE TABLE answers AS SELECT *, timezone('UTC', TIMESTAMP '" + START + "') + "
        f"to_minutes(row_number() OVER ({order}) - 1) AS moment, row_number() OVER ({order}) AS nth FROM sound"
    )


def _deliveries(staging: Staging) -> Iterator[Delivery]:
    start = f"timezone('UTC', TIMESTAMP '{START}')"
    always = {"run": "run", "occurred_at": start, "recorded_at": start}
    runs = {
        **always,
        "course": "split_part(run, '/', 2)",
        "title": "split_part(run, '/', 2)",
        "starts_on": f"DATE '{START}'",
        "ends_on": "CAST(last AS DATE)",
        "zone": text_sql("UTC"),
    }
    enrolled = {**always, "learner": "learner", "status": "'enrolled'", "valid_from": start}
    enrolled["valid_from_on"] = f"DATE '{START}'"
    answers = {name: name for name in ("run", "learner", "item", "skills", "correct")}
    answers |= {"occurred_at": "moment", "recorded_at": "moment"}
    of_runs = "FROM (SELECT run, max(timezone('UTC', moment)) AS last FROM answers GROUP BY run) ORDER BY run"
    yield staging.deliver("course_runs", runs, "run || '/' || CAST(last AS DATE)::VARCHAR", of_runs)
    yield staging.deliver(
        "enrolments",
        enrolled,
        "concat_ws('/', run, learner)",
        "FROM (SELECT DISTINCT run, learner FROM answers) ORDER BY run, learner",
    )
    native = "concat_ws(chr(31), run, learner, nth, item, array_to_string(skills, chr(30)), correct)"
    yield staging.deliver("responses", answers, native, "FROM answers ORDER BY run, moment, learner")
    for rejects in staging.rejects("responses"):
        yield no_records("responses", rejects)


SOURCES.add(Tracing.name, Tracing())
