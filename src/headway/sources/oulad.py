"""The Open University Learning Analytics Dataset (Kuzilek, Hlosta and Zdrahal 2017, doi:10.1038/sdata.2017.171).

Reads the official tables as they are published and says, for each row, when the university could have known it.
The data gives days relative to the start of a run and no clock times. So these conventions hold:

- A run starts on 1 February (`B`) or 1 October (`J`) and lasts `module_presentation_length` days.
- What happened on a day happened at its start, and is known at the start of the next day (Europe/London).
- The plan of a run (its activities and assessments) is known 90 days before it starts.
- A score is known `score_lag_days` after the day of submission; a final result `outcome_lag_days` after the end of the
  run, but a withdrawal at the end of the day of unregistration.
- Week n of `week_from` and `week_to` begins 7 (n - 1) days after the start.
- Credit from an earlier run (`is_banked`) is known at the start of the run. Its day of submission is not kept: it is no
  day of this run.
- Facts about a learner are known from the end of the day of registration, or from the start of the run where that day
  is missing.
- An assessment is due at the end of its day; one without a date on the last day of the run.
- A final score is the mean of the coursework (TMA, CMA) by weight, where nothing submitted counts 0. There is none
  where nothing has a weight, and none for who withdrew.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from headway.domain.errors import InputError, UnknownName
from headway.sources.oulad_tables import KIND_OF_TABLE, SENSITIVE, stage
from headway.sources.source import SOURCES, Delivery, Request
from headway.sources.staging import Staging, no_records, text_sql

ZONE: Final = "Europe/London"
PLAN_DAYS_AHEAD: Final = 90

_OPTIONS: Final = MappingProxyType(
    {
        "runs": "the runs to read, ids or globs such as oulad/AAA/*, separated by commas (default: all)",
        "score_lag_days": "days from the submission to the release of a score (default: 7)",
        "outcome_lag_days": "days from the end of a run to its final results (default: 7)",
    }
)

_MACROS: Final = (
    f"CREATE MACRO midnight(day) AS timezone('{ZONE}', day::TIMESTAMP)",
    "CREATE MACRO learner_of(number) AS 'oulad/' || number::VARCHAR",
)


class Oulad:
    """Reads the Open University Learning Analytics Dataset."""

    name = "oulad"
    summary = (
        "Open University Learning Analytics Dataset: its folder of CSV files (plain or .gz) or its zip as downloaded"
    )
    options: Mapping[str, str] = _OPTIONS

    def read(self, request: Request) -> Iterator[Delivery]:
        """The deliveries of all runs asked for; everything is staged and checked before the first one.

        Raises:
            InputError: an option is unknown or has no usable value.
            SourceError: a file is missing, damaged or has the wrong header.
        """
        score_lag_days, outcome_lag_days = _days(request, "score_lag_days"), _days(request, "outcome_lag_days")
        for option in request.options:
            if option not in _OPTIONS:
                raise UnknownName.of("option of source oulad", option, _OPTIONS)
        staging = Staging(self.name, request.memory_limit_mib)
        for macro in _MACROS:
            staging.run(macro)
        stage(staging, request.paths, request.options.get("runs", ""))
        return _deliveries(staging, score_lag_days, outcome_lag_days)


def _days(request: Request, option: str) -> int:
    text = request.options.get(option, "7")
    if not (text.isascii() and text.isdigit() and int(text) <= 365):
        raise InputError(f"{option} is {text!r}. Give a whole number of days from 0 to 365.")
    return int(text)


def _deliveries(staging: Staging, score_lag_days: int, outcome_lag_days: int) -> Iterator[Delivery]:
    made = [
        _course_runs(staging),
        _sites(staging),
        _assessments(staging),
        _enrolments(staging),
        _attributes(staging),
        _results(staging, score_lag_days),
        *_statements(staging),
        _outcomes(staging, outcome_lag_days),
    ]
    yield from made
    for kind in dict.fromkeys(KIND_OF_TABLE.values()):
        for rejects in staging.rejects(kind):
            yield no_records(kind, rejects)


def _course_runs(staging: Staging) -> Delivery:
    known = f"midnight(starts_on - {PLAN_DAYS_AHEAD})"
    select = {
        "run": "run",
        "occurred_at": known,
        "recorded_at": known,
        "course": "module",
        "title": "concat(module, ' ', presentation)",
        "institution": "'The Open University'",
        "starts_on": "starts_on",
        "ends_on": "ends_on",
        "zone": text_sql(ZONE),
    }
    return staging.deliver("course_runs", select, "run", "FROM course_runs ORDER BY run")


def _sites(staging: Staging) -> Delivery:
    known = f"midnight(starts_on - {PLAN_DAYS_AHEAD})"
    select = {
        "run": "run",
        "occurred_at": known,
        "recorded_at": known,
        "activity": "'site/' || number",
        "type": "type",
        "opens_on": "opens_on",
        "closes_on": "closes_on",
    }
    return staging.deliver("activities", select, "run || '/site/' || number", "FROM sites ORDER BY run, number")


def _assessments(staging: Staging) -> Delivery:
    known = f"midnight(starts_on - {PLAN_DAYS_AHEAD})"
    select = {
        "run": "run",
        "occurred_at": known,
        "recorded_at": known,
        "activity": "'assessment/' || number",
        "type": "type",
        "due_at": "midnight(due_on + 1)",
        "due_on": "due_on",
        "weight": "weight",
    }
    rows = "FROM assessments ORDER BY run, number"
    return staging.deliver("activities", select, "run || '/assessment/' || number", rows)


def _enrolments(staging: Staging) -> Delivery:
    select = {
        "run": "run",
        "occurred_at": "midnight(day_on)",
        "recorded_at": "midnight(day_on + 1)",
        "learner": "learner_of(learner)",
        "status": "status",
        "valid_from": "midnight(day_on)",
        "valid_from_on": "day_on",
    }
    rows = (
        "FROM (SELECT run, learner, 'enrolled' AS status, registered_on AS day_on FROM registrations UNION ALL "
        "SELECT run, learner, 'withdrawn', unregistered_on FROM registrations WHERE unregistered_on IS NOT NULL) "
        "ORDER BY run, day_on, learner, status"
    )
    return staging.deliver("enrolments", select, "concat_ws('/', run, learner, status)", rows)


def _attributes(staging: Staging) -> Delivery:
    names = {**dict.fromkeys(SENSITIVE, True), "previous_attempts": False, "studied_credits": False}
    pairs = ", ".join(f"{{'name': '{n}', 'value': l.{n}, 'sensitive': {str(s).lower()}}}" for n, s in names.items())
    select = {
        "run": "run",
        "occurred_at": "known_at",
        "recorded_at": "known_at",
        "learner": "learner_of(learner)",
        "name": "fact.name",
        "value": "fact.value",
        "valid_from": "known_at",
        "sensitive": "fact.sensitive",
    }
    rows = (
        "FROM (SELECT l.run, l.learner, midnight(coalesce(r.registered_on + 1, l.starts_on)) AS known_at, "
        f"unnest([{pairs}]) AS fact "
        "FROM learners l LEFT JOIN registrations r ON r.run = l.run AND r.learner = l.learner AND r.nth = 1) "
        "WHERE fact.value IS NOT NULL ORDER BY run, learner, fact.name"
    )
    return staging.deliver("attributes", select, "concat_ws('/', run, learner, fact.name)", rows)


def _results(staging: Staging, score_lag_days: int) -> Delivery:
    released = f"midnight(if(transferred, starts_on, submitted_on + {score_lag_days + 1}))"
    select = {
        "run": "run",
        "occurred_at": "midnight(if(transferred, starts_on, submitted_on))",
        "recorded_at": released,
        "learner": "learner_of(learner)",
        "activity": "'assessment/' || assessment",
        "attempt": "1",
        "score": "score",
        "submitted_at": "midnight(submitted_on)",
        "submitted_on": "submitted_on",
        "released_at": released,
        "transferred": "transferred",
    }
    rows = "FROM submissions ORDER BY run, assessment, learner"
    return staging.deliver("results", select, "concat_ws('/', run, learner, assessment, 1)", rows)


def _statements(staging: Staging) -> list[Delivery]:
    """One delivery a run: the table of clicks is the one that does not fit in memory."""
    select = {
        "run": "run",
        "occurred_at": "midnight(day_on)",
        "recorded_at": "midnight(day_on + 1)",
        "learner": "learner_of(learner)",
        "verb": "verb",
        "object": "object",
        "occurred_on": "day_on",
        "interactions": "interactions",
    }
    # Several rows for one learner, site and day are usual, even equal ones; equal rows are told apart by counting
    # them within their file, so that the same rows from two files are the same statements.
    native = "concat_ws('/', verb, run, learner, object, day_on, interactions, nth)"
    made = []
    for run, starts_on in staging.run("SELECT run, starts_on FROM runs WHERE chosen ORDER BY run"):
        rows = (
            "FROM (SELECT run, learner, 'viewed' AS verb, 'site/' || site AS object, interactions, "
            f"DATE '{starts_on}' + day AS day_on, "
            "row_number() OVER (PARTITION BY file_no, learner, site, day, interactions) AS nth "
            f"FROM clicks WHERE run = {text_sql(run)} UNION ALL "
            "SELECT run, learner, 'submitted', 'assessment/' || assessment, 0, submitted_on, 1 "
            f"FROM submissions WHERE run = {text_sql(run)} AND NOT transferred) "
            "ORDER BY day_on, learner, object, interactions, nth"
        )
        made.append(staging.deliver("statements", select, native, rows))
    return made


def _outcomes(staging: Staging, outcome_lag_days: int) -> Delivery:
    left = "label = 'withdrawn' AND unregistered_on IS NOT NULL"
    select = {
        "run": "run",
        "occurred_at": f"midnight(if({left}, unregistered_on, ends_on) + 1)",
        "recorded_at": f"midnight(if({left}, unregistered_on + 1, ends_on + {outcome_lag_days + 1}))",
        "learner": "learner_of(learner)",
        "label": "label",
        "final_score": "if(label = 'withdrawn', NULL, coalesce(points, 0) / weights)",
    }
    # Sums have an order, because another order gives other last digits and so another record under the same id.
    rows = (
        "FROM (SELECT l.*, r.unregistered_on, p.points, w.weights FROM learners l "
        "LEFT JOIN registrations r ON r.run = l.run AND r.learner = l.learner AND r.nth = 1 "
        "LEFT JOIN (SELECT s.run, s.learner, sum(a.weight * s.score ORDER BY a.number) AS points "
        "FROM submissions s JOIN assessments a ON a.number = s.assessment AND a.nth = 1 AND a.type != 'exam' "
        "WHERE s.nth = 1 GROUP BY ALL) p ON p.run = l.run AND p.learner = l.learner "
        "LEFT JOIN (SELECT run, sum(weight ORDER BY number) AS weights FROM assessments "
        "WHERE nth = 1 AND type != 'exam' GROUP BY run "
        "HAVING weights > 0 AND (SELECT count(*) FROM submissions) > 0) w ON w.run = l.run) ORDER BY run, learner"
    )
    return staging.deliver("outcomes", select, "run || '/' || learner", rows)


SOURCES.add("oulad", Oulad())
