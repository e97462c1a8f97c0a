"""Moodle: log reports, rows of the log store, grade books, and pulls from its web services or its database.

All forms give the same run (`moodle/<course number>/1`, or the one named) and the same learner, whose pseudonym is made
of the user's number; where a form has only a name, the number is looked up, and a learner is known by name only if the
user says so or the report itself has no numbers. Each `moodle_*` module reads one form; this one puts them in order.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Final

from headway.domain.errors import InputError, SourceError
from headway.domain.records import KINDS
from headway.domain.time import SystemClock
from headway.sources import moodle_grades, moodle_pulled, moodle_service
from headway.sources.calendar import (
    CALENDAR_OPTIONS,
    course_runs,
    event_staging,
    find_files,
    implied_enrolments,
    make_calendar,
)
from headway.sources.delimited import LONGEST_HEADER_BYTES, Dialect, TextFile
from headway.sources.moodle_logstore import check_logstore, is_logstore, stage_database, stage_logstore
from headway.sources.moodle_report import Asked, is_report, stage_report, years_from
from headway.sources.moodle_rows import MACROS, activities, enrolled, enrolments, of_learners, statements
from headway.sources.moodle_words import REPORT_COLUMNS, grade_columns
from headway.sources.source import SOURCES, Delivery, Request
from headway.sources.staging import Staging, no_records
from headway.sources.tables import NOT_KEPT

_OPTIONS: Final = MappingProxyType(
    {
        **CALENDAR_OPTIONS,
        "zone": "time zone of the clock times in a log report (required for it) and of the days of the course runs",
        "run": "the run of data that name none, or of one course, such as moodle/BIO101/2024",
        "locale": "how a log report writes dates where that cannot be told, such as en_GB or en_US",
        "year": "year of the first event of a log report whose times have no year",
        "learner": "id or name: how learners are known (default: by id, by name in reports without ids)",
        "people": "a CSV file with id, firstname, lastname, email, idnumber, to find the ids of a grade book's people",
        "exported": "day or time at which a grade book was exported (default: the end of the run)",
        "max_grade": "highest grades that a grade book does not tell, such as 100 or 'Quiz 1=15; 100'",
        "pass_mark": "percent of the course total that passes; without it no outcomes are made",
        "url": "address of a Moodle to pull from, or SQLAlchemy URL of its database",
        "url_env": "environment variable that holds the url, for one with a password",
        "token_env": "environment variable that holds the token of the web services",
        "token_file": "file that holds the token",
        "courses": "numbers of the courses to pull from the web services, separated by commas",
        "prefix": "prefix of the database's tables (default mdl_)",
    }
)
_PATTERNS: Final = ("*.csv", "*.tsv", "*.txt", "*.csv.gz", "*.tsv.gz", "*.txt.gz")
_DELIMITERS: Final = (",", "\t", ";", ":")


@dataclass(slots=True)
class _Forms:
    """The files found, by what they are."""

    reports: list[tuple[TextFile, Dialect]] = field(default_factory=list)
    logstores: list[tuple[TextFile, Dialect]] = field(default_factory=list)
    grades: list[tuple[TextFile, Dialect]] = field(default_factory=list)


class Moodle:
    """Reads what Moodle exports, logs and serves."""

    name = "moodle"
    summary = "Moodle: log reports, logstore_standard_log, grade books (CSV), its web services, its database"
    options: Mapping[str, str] = _OPTIONS

    def read(self, request: Request) -> Iterator[Delivery]:
        """The deliveries of everything named; it is all staged and checked before the first one.

        Raises:
            InputError: an option is unknown, missing or has no usable value.
            SourceError: a file is damaged as a whole or none of Moodle's, its dates cannot be told, or Moodle refuses.
        """
        staging = event_staging(self, request)
        for macro in MACROS:
            staging.run(macro)
        reading = _Reading(staging, request)
        reading.stage()
        return reading.deliveries()


class _Reading:
    """One reading, from files and answers to records."""

    def __init__(self, staging: Staging, request: Request) -> None:
        self.staging = staging
        self.options = request.options
        self.request = request
        self.pass_mark = _percent(request.options.get("pass_mark"))
        self.url = _url(request.options)
        moodle_grades.maxima(request.options.get("max_grade", ""))
        self.logs: list[str] = []
        self.pulled = False
        self.graded = False

    def stage(self) -> None:
        """Stage and check everything."""
        options, staging, key = self.options, self.staging, self.request.pseudonym_key
        forms = self._forms() if self.request.paths or self.url is None else _Forms()
        staging.run("CREATE TABLE known_names (name VARCHAR, user_no VARCHAR)")
        staging.run("CREATE TABLE known_marks (mark VARCHAR, user_no VARCHAR)")
        if "people" in options:
            moodle_grades.read_people(staging, Path(options["people"]))
        by_name = _by_name(options)
        if forms.reports:
            starts = date.fromisoformat(options["starts"]) if "starts" in options else None
            asked = Asked(
                options.get("run"),
                options.get("zone"),
                options.get("locale"),
                years_from(options, starts),
                by_name,
                key,
            )
            by_name = stage_report(staging, forms.reports, asked)
            self.logs.append("report_events")
        if forms.logstores:
            stage_logstore(staging, forms.logstores)
        if self.url is not None and self.url.startswith(("http://", "https://")):
            self._pull(self.url)
        elif self.url is not None:
            if forms.logstores:
                raise InputError("Read the database or files of the log store, one after the other.")
            stage_database(staging, self.url, options.get("prefix", "mdl_"))
        if forms.logstores or (self.url is not None and not self.pulled):
            check_logstore(staging, options.get("run"), key)
            self.logs.append("logstore_events")
        if forms.grades:
            self._stage_grades(forms.grades, by_name)
        # A line that could not be split names a person as likely as not.
        staging.run(
            "UPDATE refused SET raw = $hidden WHERE reason IN ('bad_quotes', 'bad_encoding', 'line_too_long', "
            "'wrong_column_count')",
            hidden=NOT_KEPT,
        )
        self._settle()

    def _forms(self) -> _Forms:
        forms = _Forms()
        named = {path.resolve() for path in self.request.paths}
        people = Path(self.options["people"]).resolve() if "people" in self.options else None
        calendar = Path(self.options["calendar"]).resolve() if "calendar" in self.options else None
        for path, name in find_files(self.request, _PATTERNS, "moodle"):
            if path.resolve() in (people, calendar) and path.resolve() not in named:
                continue
            dialect = _dialect(path)
            file = self.staging.text(path, name, dialect)
            if is_logstore(file):
                forms.logstores.append((file, dialect))
            elif is_report(file):
                forms.reports.append((file, dialect))
            elif moodle_grades.is_grade_book(file):
                forms.grades.append((file, dialect))
            elif len(file.columns) == len(REPORT_COLUMNS):
                forms.reports.append((file, dialect))
            else:
                raise SourceError(
                    f"{name} is no log report, no rows of logstore_standard_log and no grade book. Its columns are "
                    f"{', '.join(file.columns[:20])}. Export it from Moodle again, or take it out of the folder."
                )
        return forms

    def _pull(self, url: str) -> None:
        service = moodle_service.service_of(self.options, url)
        courses = [each.strip() for each in self.options.get("courses", "").split(",") if each.strip()]
        now = SystemClock().now()
        moodle_service.stage_service(
            self.staging, service, courses, self.options.get("run"), now, self.request.pseudonym_key
        )
        self.pulled = True

    def _stage_grades(self, files: Sequence[tuple[TextFile, Dialect]], by_name: bool | None) -> None:
        if by_name is None and "people" not in self.options:
            for file, _ in files:
                who = set(grade_columns(file.columns))
                if who & {"first", "last", "full", "mail", "idnumber"} and "user_id" not in who:
                    raise SourceError(
                        f"{file.name} has names but no user ids. Give people=FILE, a list of users with ids, to join "
                        "it with logs; import it together with the log report; or give learner=name."
                    )
                by_name = "user_id" not in who
        moodle_grades.stage_grades(
            self.staging, files, self._run_of_grades(), self.options, bool(by_name), self.request.pseudonym_key
        )
        self.graded = True

    def _run_of_grades(self) -> str:
        if "run" in self.options:
            return self.options["run"]
        events = " UNION ".join(f"SELECT run FROM {table}" for table in self.logs)
        runs = self.staging.run(events) if events else []
        if len(runs) != 1:
            raise SourceError("A grade book does not say of which course it is. Name the run: run=moodle/BIO101/2018.")
        return str(runs[0][0])

    def _settle(self) -> None:
        """Make the calendar and what depends on it."""
        seen = [f"SELECT run, moment FROM {table}" for table in self.logs]
        seen += ["SELECT run, NULL::TIMESTAMPTZ AS moment FROM grade_rows"] if self.graded else []
        seen += [f"SELECT run, moment FROM {moodle_pulled.EVENTS}"] if self.pulled else []
        titles = moodle_pulled.titles(self.options.get("zone", "UTC")) if self.pulled else None
        events = f'(SELECT run, moment AS "at" FROM ({" UNION ALL ".join(seen)}))'
        make_calendar(self.staging, events, self.request, titles=titles)
        if self.pulled:
            self._require_dates()
            moodle_pulled.refuse(self.staging, self.pass_mark)
        if self.graded:
            moodle_grades.settle_grades(self.staging, self.options)

    def _require_dates(self) -> None:
        missing = self.staging.run(
            "SELECT run FROM service_courses WHERE run NOT IN (SELECT run FROM calendar) LIMIT 1"
        )
        if missing:
            raise SourceError(f"Moodle does not say when {missing[0][0]} takes place. Give starts and ends.")

    def deliveries(self) -> Iterator[Delivery]:
        """Everything staged, the course runs first, the refused rows last."""
        made = [course_runs(self.staging)]
        if self.pulled:
            made += moodle_pulled.deliveries(self.staging, self.pass_mark)
        if self.logs:
            made.append(activities(self.staging, self.logs))
        made += [enrolments(self.staging, table) for table in self.logs]
        if self.logs or self.graded:
            made.append(self._implied())
        made += [statements(self.staging, table) for table in self.logs]
        if self.graded:
            made += moodle_grades.deliveries(self.staging, self.pass_mark)
        order = list(KINDS)
        yield from sorted(made, key=lambda each: order.index(each.kind))
        for kind in KINDS:
            for rejects in self.staging.rejects(kind):
                yield no_records(kind, rejects)

    def _implied(self) -> Delivery:
        """Enrolments of who is seen in a log or listed in a grade book, and not told to be enrolled."""
        seen = [of_learners(self.logs)] if self.logs else []
        seen += ["(SELECT run, learner, moment FROM graded)"] if self.graded else []
        each = " UNION ALL ".join(f"SELECT * FROM {each}" for each in seen)
        events = f'(SELECT run, learner, moment AS "at" FROM ({each}))'
        return implied_enrolments(self.staging, events, enrolled(self.logs) if self.logs else None)


def _percent(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 < number <= 100:
        raise InputError(f"pass_mark is {text!r}. Give a number of percent, such as 50.")
    return number


def _by_name(options: Mapping[str, str]) -> bool | None:
    if options.get("learner", "id") not in ("id", "name"):
        raise InputError(f"learner is {options['learner']!r}. Give id or name.")
    return options["learner"] == "name" if "learner" in options else None


def _url(options: Mapping[str, str]) -> str | None:
    if "url_env" in options:
        url = os.environ.get(options["url_env"], "")
        if not url:
            raise InputError(f"The environment variable {options['url_env']} is empty. Put the url into it.")
        return url
    url = options.get("url", "")
    if "@" in url and ":" in url.partition("://")[2].rpartition("@")[0]:
        raise InputError("The url holds a password, which others could see. Put it into a variable: url_env=NAME.")
    return url or None


def _dialect(path: Path) -> Dialect:
    """How the file is delimited, by its first line; damage is for the reading of the whole to find."""
    import gzip
    import zlib

    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
            head = stream.read(LONGEST_HEADER_BYTES)
    except (OSError, EOFError, zlib.error):
        return Dialect()
    first = head.replace(b"\r", b"\n").split(b"\n", 1)[0].decode("utf-8", "replace")
    counts = {delimiter: first.count(delimiter) for delimiter in _DELIMITERS}
    # A grade item's title has a colon of its own, so that a colon counts only where nothing else does.
    best = max(_DELIMITERS[:3], key=lambda delimiter: counts[delimiter])
    return Dialect(best if counts[best] else ":" if counts[":"] > 1 else ",")


SOURCES.add("moodle", Moodle())
