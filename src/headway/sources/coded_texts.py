"""Texts that people have read and coded: forum posts with an urgency, comments with a sentiment.

One row a text, with the number that a coder gave it. So these conventions hold:

- A file is a run, `coded-texts/<name of the file>/1`, and its texts are masked like those of every source.
- The number is kept as it is in `rating`; what it means, whoever reads it knows.
- Where there is no author, each text is its own. Where there is no time (seconds since 1970), the calendar is made up:
  the n-th text was written n minutes after 3 January 2000 began. With a time a text is a forum post, else a survey's.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from headway.domain.errors import UnknownName
from headway.sources.source import SOURCES, Delivery, Request
from headway.sources.staging import Check, Staging, no_records, text_sql
from headway.sources.tables import Columns, files_among, filled, name_runs, stage_table

START: Final = "2000-01-03"
_WHAT: Final = "coded texts, such as posts.csv with text and urgency"
_COLUMNS: Final = Columns(
    wanted=MappingProxyType(
        {
            "learner": "learner|learner_id|author|user|user_id",
            "text": "text|post_text|post|comment|body|message",
            "code": "urgency_1_7|urgency|sentiment|code|rating|label",
            "at": "post_time|time|timestamp",
        }
    ),
    required=("text", "code"),
    hashed=("learner",),
    private=True,
)
_MACROS: Final = (
    "CREATE MACRO clean(x) AS if(trim(x) = '', NULL, trim(x))",
    "CREATE MACRO number(x) AS if(isfinite(try_cast(clean(x) AS DOUBLE)), try_cast(clean(x) AS DOUBLE), NULL)",
    "CREATE MACRO clock(x) AS if(number(x) BETWEEN 0 AND 7e9, to_timestamp(number(x)), NULL)",
)
_CHECKS: Final = (
    *filled("text", "code"),
    Check("number(t.code) IS NULL", "bad_number", "concat('The code is ', left(t.code, 20), ', not a number.')"),
    Check(
        "clean(t.at) IS NOT NULL AND clock(t.at) IS NULL",
        "bad_date",
        "concat('The time is ', left(t.at, 20), ', not seconds since 1970.')",
    ),
)


class CodedTexts:
    """Reads coded texts."""

    name = "coded-texts"
    summary = "Texts with the number a reader gave each (urgency of posts, sentiment of comments); a file is a run"
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
        stage_table(staging, "raw_texts", "texts", found, _COLUMNS, key=request.pseudonym_key)
        name_runs(staging, found, "texts")
        _check(staging)
        return _deliveries(staging)


def _check(staging: Staging) -> None:
    staging.check(
        "sound",
        "texts",
        "raw_texts",
        {
            "run": "concat('coded-texts/', n.name, '/1')",
            "prefix": "concat('coded-texts/', n.name, '-')",
            "author": "t.learner",
            "body": "clean(t.text)",
            "rating": "number(t.code)",
            "clocked": "clock(t.at)",
        },
        list(_CHECKS),
        "JOIN names n ON n.file_no = t.file_no",
    )
    # Numbered among sound rows, so that a refused one changes nothing about the others.
    nth = "row_number() OVER (PARTITION BY run ORDER BY file_no, line)"
    made_up = f"timezone('UTC', TIMESTAMP '{START}') + to_minutes(nth - 1)"
    staging.run(
        f"CREATE TABLE coded AS SELECT *, coalesce(clocked, {made_up}) AS moment, "
        "concat(prefix, coalesce(author, concat('text-', nth))) AS learner "
        f"FROM (SELECT *, {nth} AS nth FROM sound)"
    )


def _deliveries(staging: Staging) -> Iterator[Delivery]:
    runs = {
        "run": "run",
        "occurred_at": "first",
        "recorded_at": "first",
        "course": "split_part(run, '/', 2)",
        "title": "split_part(run, '/', 2)",
        "starts_on": "CAST(timezone('UTC', first) AS DATE)",
        "ends_on": "CAST(timezone('UTC', last) AS DATE)",
        "zone": text_sql("UTC"),
    }
    enrolled = {"run": "run", "occurred_at": "first", "recorded_at": "first", "learner": "learner"}
    enrolled |= {"status": "'enrolled'", "valid_from": "first"}
    enrolled["valid_from_on"] = "CAST(timezone('UTC', first) AS DATE)"
    written = {name: name for name in ("run", "learner", "body", "rating")}
    written |= {"occurred_at": "moment", "recorded_at": "moment"}
    written["type"] = "if(clocked IS NULL, 'survey', 'forum')"
    spans = "SELECT run, min(moment) AS first, max(moment) AS last FROM coded GROUP BY run"
    yield staging.deliver("course_runs", runs, "run", f"FROM ({spans}) ORDER BY run")
    yield staging.deliver(
        "enrolments",
        enrolled,
        "concat_ws('/', run, learner)",
        "FROM (SELECT run, learner, min(moment) AS first FROM coded GROUP BY run, learner) ORDER BY run, learner",
    )
    native = "concat_ws(chr(31), run, learner, epoch_us(moment), rating, md5(body))"
    yield staging.deliver("texts", written, native, "FROM coded ORDER BY run, line")
    for rejects in staging.rejects("texts"):
        yield no_records("texts", rejects)


SOURCES.add(CodedTexts.name, CodedTexts())
