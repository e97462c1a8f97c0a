"""Moodle's log report as downloaded (Course > Reports > Logs), in any of the common languages of the interface.

Promises that names, addresses and quoted texts stay in the scratch database. The report has no columns for ids: user,
course and module come from the description, which Moodle writes in English everywhere; equal rows are counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from headway.domain.errors import InputError, SourceError
from headway.domain.runs import RunId
from headway.sources.delimited import Dialect, TextFile
from headway.sources.moodle_dates import Years, read_clock
from headway.sources.moodle_events import of_report
from headway.sources.moodle_rows import OBJECT, PARENT, SURE_NAMES, add_learners, add_meanings, content_id
from headway.sources.moodle_words import (
    LOGGED_IN_AS,
    NEEDED_COLUMNS,
    REPORT_COLUMNS,
    report_columns,
)
from headway.sources.staging import Check, Staging, text_sql

KIND: Final = "statements"
_STAGED: Final = {column: column for column in REPORT_COLUMNS if column != "ip"} | {"user": "who", "affected": "whom"}
_ORIGINS: Final = "('web', 'ws', 'cli', 'cron', 'restore', '-')"
_WITH_ID: Final = r"(?:with )?(?:the )?id ''([0-9]+)''"

# Looking at someone's profile ("the profile for the user with") is nothing done to that person.
_DONE_TO: Final = "(?:enrolled|added|removed|belonging to|'' for)"
_FOUND: Final = {
    "first_no": ("''", "^[^'']*''([0-9]+)''"),
    "actor_no": (" by the user ", rf"by the user {_WITH_ID}"),
    "related_no": (" user with ", rf"{_DONE_TO} (?:the )?user {_WITH_ID}"),
    "course_no": (" course with ", rf"viewed the (?:section number ''[^'']*'' of the )?course {_WITH_ID}"),
    "cm_no": (" course module ", rf"course module {_WITH_ID}"),
    "last_no": ("''", r"''([0-9]+)''[^'']*$"),
    "thread_no": (" discussion ", rf"discussion {_WITH_ID}"),
    "post_no": (" post ", rf"post {_WITH_ID}"),
}
"""What to take out of a description, and the words without which it is not there."""

_OTHERS: Final = rf"(?:{_DONE_TO}|reviewed by) (?:the )?user with"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user said about a report.

    Attributes:
        run: the course run, where it is named.
        zone: of the clock times.
        locale: of the dates.
        years: what is known about years that are not shown.
        by_name: whether learners are known by their full name; None to let the report decide.
        key: of the workspace, for pseudonyms.
    """

    run: str | None
    zone: str | None
    locale: str | None
    years: Years
    by_name: bool | None
    key: bytes


def years_from(options: Mapping[str, str], starts: date | None) -> Years:
    """What options and the run's name say about the years of a report without any.

    Raises:
        InputError: the year is none.
    """
    if "year" in options:
        if not (options["year"].isascii() and options["year"].isdigit() and 1990 <= int(options["year"]) <= 2199):
            raise InputError(f"year is {options['year']!r}. Give the year of the first event, such as 2018.")
        return Years(int(options["year"]))
    if starts is not None:
        return Years(starts=starts)
    label = RunId.parse(options["run"]).run if "run" in options else ""
    found = [int(part) for part in _digits(label) if len(part) == 4 and part[:2] in ("19", "20")]
    return Years(found[0], from_name=True) if len(found) == 1 else Years()


def _digits(text: str) -> list[str]:
    return "".join(c if c.isascii() and c.isdigit() else " " for c in text).split()


def is_report(file: TextFile) -> bool:
    """Whether the header is one of a log report, whole or not."""
    return len(report_columns(file.columns)) >= 4


def stage_report(staging: Staging, files: Sequence[tuple[TextFile, Dialect]], asked: Asked) -> bool:
    """Make the table `report_events`; add to `known_names(name, user_no)` the names that the report gives ids for.

    Returns:
        Whether learners are known by name.

    Raises:
        SourceError: a column is missing, or format, year, zone or course cannot be told.
    """
    _load(staging, files)
    if asked.zone is None:
        raise SourceError(
            "The log report shows clock times without their zone. Give that of the person who downloaded it, such as "
            "zone=Europe/Berlin."
        )
    foreign = any(len(report_columns(file.columns)) < len(NEEDED_COLUMNS) for file, _ in files)
    read_clock(staging, "report_rows", asked.locale, asked.years, foreign=foreign)
    add_meanings(staging, "report_meanings", "report_rows", ("component", "prefix", "event", "template"), of_report)
    _add_runs(staging, asked.run)
    by_name = asked.by_name
    if by_name is None:
        by_name = not staging.run("SELECT 1 FROM report_rows WHERE first_no IS NOT NULL LIMIT 1")
    _add_people(staging, by_name, asked.key)
    _check(staging, asked.zone)
    return by_name


def _load(staging: Staging, files: Sequence[tuple[TextFile, Dialect]]) -> None:
    """Stage the files, each by its own header, in `report_rows`: each row with what its texts tell."""
    for number, (file, dialect) in enumerate(files):
        places = report_columns(file.columns)
        missing = [column for column in NEEDED_COLUMNS if column not in places]
        by_place = len(missing) > 3 and len(file.columns) == len(REPORT_COLUMNS)
        if missing and not by_place:
            raise SourceError(
                f"{file.name} looks like a log report but has no column for {', '.join(missing)}. Its columns are "
                f"{', '.join(file.columns[:20])}. Download it again (Course > Reports > Logs), and keep its header."
            )
        if by_place:
            places = {column: place for place, column in enumerate(REPORT_COLUMNS)}
        wanted = {staged: f"c{places[column]}" for column, staged in _STAGED.items() if column in places}
        numbered = replace(file, columns=tuple(f"c{place}" for place in range(len(file.columns))))
        staging.load("one_report", KIND, [numbered], wanted, dialect)
        if by_place:
            _require_report(staging, file)
        values = ", ".join(
            (f"coalesce({each}, '')" if each in wanted else "''") + f" AS {each}" for each in _STAGED.values()
        )
        staging.run(f"CREATE TEMP VIEW each_report AS SELECT {number} AS file_no, file, line, {values} FROM one_report")
        _add_rows(staging, not number)
        staging.run("DROP VIEW each_report")
        staging.run("DROP TABLE one_report")


def _require_report(staging: Staging, file: TextFile) -> None:
    """Pass when the columns, told by their place alone, hold what they must."""
    sound = f"origin IN {_ORIGINS} AND contains(time, ':') AND contains(description, chr(39))"
    fitting, rows = staging.run(f"SELECT count(*) FILTER ({sound}), count(*) FROM one_report")[0]
    if 2 * fitting < rows or not rows:
        raise SourceError(
            f"The columns of {file.name} are in a language that headway does not know: {', '.join(file.columns)}. "
            "Download the report with the interface in English."
        )


def _add_rows(staging: Staging, first: bool) -> None:
    """Add the rows of `each_report` to `report_rows`, with what their texts tell."""
    found = ", ".join(
        f"if(contains(description, '{words}'), nullif(regexp_extract(description, '{pattern}', 1), ''), NULL) AS {name}"
        for name, (words, pattern) in _FOUND.items()
    )
    # The same few thousand descriptions come again and again.
    staging.run(
        "CREATE TABLE descriptions AS SELECT description, "
        "left(regexp_replace(description, '''[^'']*''', '''''', 'g'), 300) AS template, "
        f"contains(description, 'user with') AND regexp_matches(description, '{_OTHERS}') AS of_other, "
        f"starts_with(description, 'The user with') AS english, {found} "
        "FROM (SELECT DISTINCT description FROM each_report)"
    )
    as_another = " OR ".join(f"contains(who, {text_sql(word)})" for word in LOGGED_IN_AS)
    made = "CREATE TABLE report_rows AS" if first else "INSERT INTO report_rows"
    staging.run(
        f"{made} SELECT file_no, file, line, left(time, 60) AS time, trim(component) AS component, "
        "if(contains(context, ': '), trim(split_part(context, ': ', 1)), '') AS prefix, "
        "if(contains(context, ': '), nullif(trim(substr(context, strpos(context, ': ') + 2)), ''), NULL) AS title, "
        "trim(event) AS event, lower(trim(origin)) AS origin, one_name(who) AS name, one_name(whom) AS other_name, "
        f"({as_another}) AS as_another, d.* EXCLUDE (description) FROM each_report "
        "JOIN descriptions d USING (description)"
    )
    staging.run("DROP TABLE descriptions")


def _add_runs(staging: Staging, run: str | None) -> None:
    """Make `report_runs(file_no, run)`."""
    files = staging.run("SELECT DISTINCT file_no, file FROM report_rows ORDER BY 1")
    seen = staging.run("SELECT DISTINCT file_no, course_no FROM report_rows WHERE course_no IS NOT NULL ORDER BY ALL")
    staging.run("CREATE TABLE report_runs (file_no INTEGER, run VARCHAR)")
    for file_no, file in files:
        courses = [course for number, course in seen if number == file_no]
        if len(courses) > 1:
            raise SourceError(
                f"{file} holds {len(courses)} courses ({', '.join(courses[:5])}), and its rows do not say which is "
                "theirs. Download the log of one course, or export the table logstore_standard_log."
            )
        if run is None and not courses:
            raise SourceError(f"{file} does not say of which course it is. Name the run: run=moodle/BIO101/2018.")
        staging.run("INSERT INTO report_runs VALUES ($f, $run)", f=file_no, run=run or f"moodle/{courses[0]}/1")


def _add_people(staging: Staging, by_name: bool, key: bytes) -> None:
    """Make `report_learners(native, learner)`, and `report_people`: the rows with `native` and `of_whom`."""
    staging.run(
        "INSERT INTO known_names SELECT DISTINCT name, coalesce(actor_no, first_no) FROM report_rows "
        "WHERE NOT as_another AND name != '-' AND coalesce(actor_no, first_no) IS NOT NULL"
    )
    native = "coalesce(r.actor_no, r.first_no, n.user_no)"
    related = "coalesce(r.related_no, if(r.actor_no IS NULL, NULL, r.first_no))"
    if by_name:
        native, related = "'name:' || r.name", "if(r.of_other, 'name:' || nullif(r.other_name, '-'), NULL)"
    staging.run(
        f"CREATE VIEW report_people AS SELECT r.*, {native} AS native, {related} AS of_whom "
        f"FROM report_rows r LEFT JOIN {SURE_NAMES} n USING (name)"
    )
    natives = "SELECT DISTINCT native FROM report_people UNION SELECT DISTINCT of_whom FROM report_people"
    add_learners(staging, "report_learners", natives, key)


_MEANT: Final = (
    "m.k_component = p.component AND m.k_prefix = p.prefix AND m.k_event = p.event AND m.k_template = p.template"
)
_CHECKS: Final = (
    Check(
        "p.origin IN ('cli', 'cron', 'restore') AND (p.enrols IS NULL OR p.origin = 'restore')",
        "automated_job",
        "concat('Moodle did this by itself (', t.origin, ').')",
    ),
    Check("p.as_another AND p.enrols IS NULL", "login_as", "'Someone was logged in as this person.'"),
    Check("p.enrols IS NULL AND p.nobody", "no_learner", "'The row names no user, or a guest.'"),
    Check(
        "p.enrols IS NULL AND p.learner IS NULL",
        "unknown_learner",
        "'The description names no user id, and the name stands for none.'",
    ),
    Check("p.local IS NULL", "bad_date", "'The time is none, or not written as the others are.'"),
    Check("sound(p.local) IS NULL", "bad_date", "'The time is not of our days.'"),
)


def _check(staging: Staging, zone: str) -> None:
    """Make `report_events` of the sound rows."""
    staging.run(
        f"""
        CREATE TABLE report_whole AS
        SELECT p.* EXCLUDE (related_no, name, other_name, title, english, first_no, actor_no, course_no, last_no, cm_no,
                prefix, template), runs.run, m.verb, m.type, m.about, m.role, m.module, c.local,
            l.learner, x.learner AS related, if(m.about = 'module' AND m.module IS NOT NULL, p.title, NULL) AS title,
            if(x.learner IS NULL, NULL, m.enrols) AS enrols,
            p.name IS NULL OR p.name = '-' OR coalesce(p.native IN ('0', '1'), false) AS nobody,
            coalesce(p.of_other AND p.of_whom != p.native, false) AS on_other,
            coalesce(p.cm_no, if(m.module IS NOT NULL AND NOT p.english, p.last_no, NULL),
                if(m.module IS NOT NULL, m.module || '/' || p.title, NULL)) AS place
        FROM report_people p JOIN report_meanings m ON {_MEANT} JOIN report_runs runs USING (file_no)
        LEFT JOIN clock c USING (file_no, line)
        LEFT JOIN report_learners l ON l.native = p.native LEFT JOIN report_learners x ON x.native = p.of_whom
        """
    )
    # What is shown of a refused row: nothing that may name a person.
    staging.run("CREATE TABLE raw_report AS SELECT file_no, file, line, component, event, origin FROM report_whole")
    staging.run("DROP VIEW report_people")
    staging.run("DROP TABLE report_rows")
    staging.run("DROP TABLE clock")
    typed = {
        "run": "p.run",
        "learner": "p.learner",
        "moment": f"timezone({text_sql(zone)}, sound(p.local))",
        "verb": "if(p.on_other AND p.verb IN ('joined', 'left'), 'changed', p.verb)",
        "object": OBJECT,
        "object_type": "p.type",
        "parent": PARENT,
        "event": "p.event",
        "role": "if(p.on_other, 'instructor', p.role)",
        "title": "p.title",
        "acts": "p.origin NOT IN ('cli', 'cron') AND NOT p.as_another AND NOT p.nobody AND p.learner IS NOT NULL",
        "enrols": "p.enrols",
        "related": "p.related",
    }
    joins = "JOIN report_whole p ON p.file_no = t.file_no AND p.line = t.line"
    staging.check("report_sound", KIND, "raw_report", typed, _CHECKS, joins)
    staging.run("DROP TABLE report_whole")
    # The report has no ids. Of rows that are alike in everything, each file has as many as there were events.
    staging.run(f"CREATE VIEW report_events AS SELECT *, {content_id('report')} AS native FROM report_sound")
