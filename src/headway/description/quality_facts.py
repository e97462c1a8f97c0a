"""What is known of the quality of records: plain values that findings are drawn from and pages are made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, Literal

from headway.description.quality_feed import Feed, Gap
from headway.domain.time import AsOf

Severity = Literal["stop", "look", "ok"]

SEVERITIES: Final[tuple[Severity, ...]] = ("stop", "look", "ok")
"""stop: do not act on lists that rest on these records. look: someone who knows the course should. ok: good to know."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is noteworthy about the records of a source.

    Attributes:
        code: short, stable.
        severity: how much it matters, see `SEVERITIES`.
        source: whose records.
        runs: the runs it is about; empty where it is about the source as a whole.
        count: how many rows, statements, days or runs, as the sentence says.
        people: learners it concerns, each counted once per run; None where nobody can know.
        sentence: what was found.
        means: what it means for people.
        advice: what to do.
    """

    code: str
    severity: Severity
    source: str
    runs: tuple[str, ...]
    count: int
    people: int | None
    sentence: str
    means: str
    advice: str


@dataclass(frozen=True, slots=True)
class RunQuality:
    """What arrived of one course run. Counts are rows of `headway.description.quality_counts`, by name.

    Attributes:
        run: its id.
        source: whose records.
        title: its title; empty where it has none.
        starts_on: its first local day.
        ends_on: its last.
        zone: its time zone.
        inferred: whether these dates were guessed from its events.
        rows: records by kind.
        latest: when the newest record of each kind was recorded.
        statements: shares, delays and scores of statements; empty where there are none.
        verbs: statements by verb.
        unknown: the source's own words of statements whose verb is not known.
        hours: timed statements by local hour, 24 numbers or none.
        people: learners enrolled, seen, and missing in one of the two.
        results: scores and unlisted activities of results.
        activities: assessments and missing due dates.
        outcomes: learners with an outcome.
        cleaning: statements and learners by rule that flags them.
        feed: learners with activity by day; None where none was to be expected.
        gaps: days on which the feed was probably silent.
    """

    run: str
    source: str
    title: str
    starts_on: date
    ends_on: date
    zone: str
    inferred: bool
    rows: Mapping[str, int]
    latest: Mapping[str, datetime]
    statements: Mapping[str, Any] = field(default_factory=dict)
    verbs: Mapping[str, int] = field(default_factory=dict)
    unknown: tuple[Mapping[str, Any], ...] = ()
    hours: tuple[int, ...] = ()
    people: Mapping[str, int] = field(default_factory=dict)
    results: Mapping[str, Any] = field(default_factory=dict)
    activities: Mapping[str, int] = field(default_factory=dict)
    outcomes: int = 0
    cleaning: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    feed: Feed | None = None
    gaps: tuple[Gap, ...] = ()

    def stated(self, name: str) -> int:
        """A number about its statements; 0 where there are none."""
        return int(self.statements.get(name) or 0)

    def told(self, name: str) -> int:
        """A number about its people; 0 where nobody is known."""
        return int(self.people.get(name) or 0)

    def share(self, name: str) -> float:
        """A number about its statements as a share of all of them; 0 where there are none."""
        return self.stated(name) / max(1, self.stated("statements"))

    @property
    def learners(self) -> int:
        """Learners who were ever enrolled, or where no enrolment is known, who did anything."""
        return self.told("listed") or self.told("acted")

    def started(self, now: AsOf) -> bool:
        """Whether its first day has begun."""
        return self.starts_on <= now.day(self.zone)

    def finished(self, now: AsOf) -> bool:
        """Whether its last day is over."""
        return self.ends_on < now.day(self.zone)


@dataclass(frozen=True, slots=True)
class SourceQuality:
    """What arrived of one source.

    Attributes:
        source: its name.
        runs: the runs that were looked at.
        rejects: refused rows by record kind and reason, the most frequent first; of the whole source.
        gaps: days on which all its runs together were probably silent, with the runs that were in progress.
    """

    source: str
    runs: tuple[RunQuality, ...]
    rejects: tuple[tuple[str, str, int], ...]
    gaps: tuple[tuple[Gap, tuple[str, ...]], ...] = ()

    @property
    def rows(self) -> dict[str, int]:
        """Records by kind."""
        kinds = sorted({kind for run in self.runs for kind in run.rows})
        return {kind: sum(run.rows.get(kind, 0) for run in self.runs) for kind in kinds}

    @property
    def latest(self) -> datetime | None:
        """When the newest record of any kind was recorded; None where there is none."""
        return max((at for run in self.runs for at in run.latest.values()), default=None)

    @property
    def latest_statement(self) -> datetime | None:
        """When the newest statement was recorded; None where there is none."""
        return max((run.latest["statements"] for run in self.runs if "statements" in run.latest), default=None)

    @property
    def usual_delay_s(self) -> float | None:
        """Seconds between what was done and its record: the middle run's median; None where nothing is known."""
        medians = sorted(run.statements["delay_median_s"] for run in self.runs if run.statements)
        return float(medians[len(medians) // 2]) if medians else None

    @property
    def zones(self) -> dict[str, int]:
        """How many runs are in each time zone."""
        names = [run.zone for run in self.runs]
        return {zone: names.count(zone) for zone in sorted(set(names))}


@dataclass(frozen=True, slots=True)
class Profile:
    """How good the records of some sources are, as of a time.

    Attributes:
        now: the as-of time.
        sources: by name.
        findings: the most serious first.
    """

    now: AsOf
    sources: tuple[SourceQuality, ...]
    findings: tuple[Finding, ...]

    @property
    def severity(self) -> Severity:
        """That of the most serious finding."""
        found = {finding.severity for finding in self.findings}
        return next((severity for severity in SEVERITIES if severity in found), "ok")

    @property
    def runs(self) -> tuple[RunQuality, ...]:
        """All runs, source by source."""
        return tuple(run for source in self.sources for run in source.runs)
