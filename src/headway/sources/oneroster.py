"""OneRoster 1.1 and 1.2 in the CSV binding (1EdTech): rosters, line items and results, in bulk and as deltas.

- A class is a run, `oneroster/<course sourcedId>/<class sourcedId>`. It lasts from the first to the last day of its
  terms; the day of a term's `endDate` is no longer part of it (the standard's reading).
- Only enrolments as student become records. Who has an `endDate` before the class ends, or is `tobedeleted`, withdrew.
- Bulk rows without `dateLastModified` are known when they begin to hold: an enrolment at its first day, a result at
  the end of its `scoreDate`. With it they are known then, but no sooner than they hold.
- No name, mail, login or number of a person is read; ids of users are hashed on the way in. `demographics.csv` is not
  opened unless the option says so.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from headway.domain.errors import InputError
from headway.sources.calendar import event_staging
from headway.sources.oneroster_tables import FACTS, KIND_OF_TABLE, stage
from headway.sources.source import SOURCES, Delivery, Request
from headway.sources.staging import Staging, no_records, text_sql

_OPTIONS: Final = MappingProxyType(
    {
        "zone": "time zone of the institution (default UTC)",
        "demographics": "yes to keep demographics.csv as sensitive attributes (default no: it is not opened)",
    }
)


class OneRoster:
    """Reads OneRoster CSV bundles."""

    name = "oneroster"
    summary = "OneRoster 1.1 and 1.2 CSV bundles, bulk or delta: zips, or folders of their files"
    options: Mapping[str, str] = _OPTIONS

    def read(self, request: Request) -> Iterator[Delivery]:
        """The deliveries of all bundles, in the order in which they are named; everything is checked before the first.

        Raises:
            InputError: an option is unknown or has no usable value.
            ConfigError: the workspace has no key for pseudonyms.
            SourceError: a bundle is damaged, encrypted, or not what its manifest says.
        """
        demographics = request.options.get("demographics", "no")
        if demographics not in ("yes", "no"):
            raise InputError(f"demographics is {demographics!r}. Write demographics=yes, or leave it out.")
        staging = event_staging(self, request)
        zone = text_sql(request.options.get("zone", "UTC"))
        staging.run(f"CREATE MACRO midnight(day) AS timezone({zone}, (day)::TIMESTAMP)")
        stage(staging, request, demographics=demographics == "yes")
        return _deliveries(staging, zone)


def _deliveries(staging: Staging, zone: str) -> Iterator[Delivery]:
    yield from [
        _course_runs(staging, zone),
        _activities(staging),
        _enrolments(staging, zone),
        _attributes(staging),
        _results(staging),
    ]
    for kind in dict.fromkeys(KIND_OF_TABLE.values()):
        for rejects in staging.rejects(kind):
            yield no_records(kind, rejects)


def _course_runs(staging: Staging, zone: str) -> Delivery:
    select = {
        "run": "run",
        "occurred_at": "midnight(starts_on)",
        "recorded_at": "midnight(starts_on)",
        "course": "course",
        "title": "title",
        "institution": "institution",
        "starts_on": "starts_on",
        "ends_on": "ends_on",
        "zone": zone,
    }
    native = f"concat_ws(chr(31), run, starts_on, ends_on, coalesce(title, ''), coalesce(institution, ''), {zone})"
    return staging.deliver("course_runs", select, native, "FROM classes ORDER BY run")


def _activities(staging: Staging) -> Delivery:
    words = "lower(coalesce(category, '') || ' ' || title)"
    known = "midnight(coalesce(opens_on, least(starts_on, due_on)))"
    select = {
        "run": "run",
        "occurred_at": known,
        "recorded_at": known,
        "activity": "id",
        "type": (
            f"CASE WHEN regexp_matches({words}, '\\b(exam|final|midterm)') THEN 'exam' "
            f"WHEN regexp_matches({words}, '\\b(quiz|test)') THEN 'test' ELSE 'assignment' END"
        ),
        "title": "title",
        "opens_on": "opens_on",
        "due_at": "midnight(due_on + 1)",
        "due_on": "due_on",
    }
    native = f"concat_ws(chr(31), id, run, coalesce(category, ''), title, due_on, epoch_us({known}), opens_on IS NULL)"
    return staging.deliver("activities", select, native, "FROM line_items ORDER BY run, id")


def _enrolments(staging: Staging, zone: str) -> Delivery:
    select = {
        "run": "run",
        "occurred_at": "since",
        "recorded_at": "greatest(since, coalesce(modified_at, since))",
        "learner": "'oneroster/' || learner",
        "status": "status",
        "valid_from": "since",
        "valid_from_on": f"local_day(since, {zone})",
    }
    rows = (
        "FROM (SELECT id, run, learner, modified_at, 'enrolled' AS status, midnight(begins_on) AS since "
        "FROM enrolments WHERE NOT coalesce(gone, false) UNION ALL "
        "SELECT id, run, learner, modified_at, 'withdrawn', midnight(left_on) FROM enrolments "
        "WHERE left_on IS NOT NULL AND NOT coalesce(gone, false) UNION ALL "
        "SELECT id, run, learner, modified_at, 'withdrawn', modified_at FROM enrolments WHERE gone) "
        "ORDER BY run, since, learner, status, id"
    )
    known = "epoch_us(greatest(since, coalesce(modified_at, since)))"
    native = f"concat_ws(chr(31), id, run, learner, status, epoch_us(since), {known}, {zone})"
    return staging.deliver("enrolments", select, native, rows)


def _attributes(staging: Staging) -> Delivery:
    facts = ", ".join(f"{{'name': '{name}', 'value': f.{name}}}" for name in FACTS.values())
    select = {
        "run": "run",
        "occurred_at": "since",
        "recorded_at": "since",
        "learner": "'oneroster/' || learner",
        "name": "fact.name",
        "value": "fact.value",
        "valid_from": "since",
        "sensitive": "true",
    }
    rows = (
        f"FROM (SELECT e.run, f.learner, e.since, unnest([{facts}]) AS fact FROM ("
        "SELECT DISTINCT ON (learner) * FROM facts ORDER BY learner, file_no DESC, line DESC) f JOIN ("
        "SELECT run, learner, min(midnight(begins_on)) AS since FROM enrolments GROUP BY ALL) e "
        "ON e.learner = f.learner) WHERE fact.value IS NOT NULL ORDER BY run, learner, fact.name"
    )
    native = "concat_ws('/', run, learner, fact.name, fact.value, epoch_us(since))"
    return staging.deliver("attributes", select, native, rows)


def _results(staging: Staging) -> Delivery:
    known = "if(modified_at >= midnight(scored_on), modified_at, midnight(scored_on + 1))"
    select = {
        "run": "run",
        "occurred_at": "midnight(scored_on)",
        "recorded_at": known,
        "learner": "'oneroster/' || learner",
        "activity": "activity",
        "attempt": "1",
        "score": "score",
        "released_at": known,
        "transferred": "false",
    }
    native = f"concat_ws(chr(31), id, run, learner, activity, scored_on, epoch_us({known}), score)"
    return staging.deliver("results", select, native, "FROM results ORDER BY run, activity, learner, id")


SOURCES.add("oneroster", OneRoster())
