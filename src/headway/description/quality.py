"""A profile of records: what arrived, what is missing, and what that means for people.

`profile` counts in the engine and judges with the rules of `quality_findings`; nothing here changes a record. Pages and
commands show what it says and add no judgement of their own.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any, Final

from headway.description.quality_counts import DELAYS, Counted, counted
from headway.description.quality_facts import Finding, Profile, RunQuality, SourceQuality
from headway.description.quality_feed import Feed, Gap, judged, pooled
from headway.description.quality_findings import findings_of
from headway.domain.time import AsOf, midnight
from headway.features.cleaning import DEFAULTS, Cleaning
from headway.features.engine import Records

__all__ = ["Finding", "Profile", "RunQuality", "SourceQuality", "as_json", "profile"]

Rejects = Iterable[tuple[str, str, str, int]]

LONGEST_WAIT_DAYS: Final = 14
"""Days before now that are not judged where records usually come late; a source as slow as this is late by itself."""


def profile(
    records: Records, runs: Sequence[str], now: AsOf, rejects: Rejects = (), cleaning: Cleaning = DEFAULTS
) -> Profile:
    """What the records of these runs are good for.

    Args:
        records: opened on these runs, as they were known at `now`.
        runs: which runs to describe; runs without a record of their own are left out.
        now: the as-of time: what was to have arrived by then.
        rejects: quarantined rows as source, record kind, reason and number; of the whole source, not of these runs.
        cleaning: the thresholds of the cleaning rules.
    """
    counts = counted(records, cleaning)
    refused: defaultdict[str, list[tuple[str, str, int]]] = defaultdict(list)
    for source, kind, reason, number in rejects:
        refused[source].append((kind, reason, number))
    found = [_run(run, counts, now) for run in sorted(set(runs)) if run in counts.course_runs]
    names = sorted({run.source for run in found} | set(refused))
    sources = tuple(_source(name, [run for run in found if run.source == name], refused[name]) for name in names)
    findings = chain.from_iterable(findings_of(source, now) for source in sources)
    order = {"stop": 0, "look": 1, "ok": 2}
    ranked = sorted(findings, key=lambda each: (order[each.severity], -(each.people or 0), each.source, each.code))
    return Profile(now, sources, tuple(ranked))


def as_json(found: Profile) -> dict[str, Any]:
    """The profile as values that JSON knows; dates and instants in ISO 8601."""
    told: dict[str, Any] = _plain(
        {
            "as_of": found.now.instant,
            "severity": found.severity,
            "findings": [asdict(finding) for finding in found.findings],
            "sources": [_source_json(source) for source in found.sources],
        }
    )
    return told


def _run(run: str, counts: Counted, now: AsOf) -> RunQuality:
    about = counts.course_runs[run]
    kinds = counts.kinds.get(run, {})
    statements = counts.statements.get(run, {})
    feed, gaps = _feed(run, counts, now)
    return RunQuality(
        run=run,
        source=about["source"],
        title=about["title"] or "",
        starts_on=about["starts_on"],
        ends_on=about["ends_on"],
        zone=about["zone"],
        inferred=bool(about["inferred"]),
        rows={kind: row["rows"] for kind, row in kinds.items()},
        latest={kind: row["recorded_at"] for kind, row in kinds.items()},
        statements=statements,
        verbs=counts.verbs.get(run, {}),
        unknown=tuple(counts.unknown.get(run, [])),
        hours=tuple(counts.hours.get(run, [])),
        people=counts.people.get(run, {}),
        results=counts.results.get(run, {}),
        activities=counts.activities.get(run, {}),
        outcomes=counts.outcomes.get(run, {}).get("learners", 0),
        cleaning=counts.cleaning.get(run, {}),
        feed=feed,
        gaps=gaps,
    )


def _feed(run: str, counts: Counted, now: AsOf) -> tuple[Feed | None, tuple[Gap, ...]]:
    about = counts.course_runs[run]
    active = counts.active.get(run, {})
    delay_s = counts.statements.get(run, {}).get("delay_p90_s") or 0.0
    last_on = min(about["ends_on"], _last_due(now, about["zone"], delay_s))
    if not active or last_on < about["starts_on"]:
        return None, ()
    return judged(active, about["starts_on"], last_on, counts.handed_in.get(run))


def _last_due(now: AsOf, zone: str, delay_s: float) -> date:
    """The last local day that is over and whose records are to be expected by now."""
    day = now.day(zone)
    if midnight(day + timedelta(days=1), zone) > now.instant:
        day -= timedelta(days=1)
    return day - timedelta(days=min(LONGEST_WAIT_DAYS, math.ceil(delay_s / 86_400)))


def _source(name: str, runs: Sequence[RunQuality], rejects: Sequence[tuple[str, str, int]]) -> SourceQuality:
    ordered = tuple(sorted(rejects, key=lambda row: (-row[2], row[0], row[1])))
    gaps: list[tuple[Gap, tuple[str, ...]]] = []
    for days in pooled([run.feed for run in runs if run.feed is not None]):
        _, silent = judged(days, min(days), max(days))
        for gap in silent:
            if gap.where == "within":
                there = tuple(run.run for run in runs if run.starts_on <= gap.first_on and gap.last_on <= run.ends_on)
                gaps.append((gap, there))
    return SourceQuality(name, tuple(runs), ordered, tuple(gaps))


def _source_json(source: SourceQuality) -> dict[str, Any]:
    return {
        "source": source.source,
        "rows": source.rows,
        "latest_recorded_at": source.latest,
        "latest_statement_recorded_at": source.latest_statement,
        "usual_delay_s": source.usual_delay_s,
        "zones": source.zones,
        "rejects": [{"kind": kind, "reason": reason, "rows": rows} for kind, reason, rows in source.rejects],
        "gaps": [{**asdict(gap), "runs": runs} for gap, runs in source.gaps],
        "runs": [_run_json(run) for run in source.runs],
    }


def _run_json(run: RunQuality) -> dict[str, Any]:
    told = asdict(run)
    told["shares"] = {name: round(run.share(f"with_{name}"), 4) for name in ("object", "type", "hour", "duration")}
    told["delays"] = [{"within": text, "share": round(run.share(f"within_{most}"), 4)} for text, most in DELAYS]
    return told


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {str(key): _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case datetime() | date():
            return value.isoformat().replace("+00:00", "Z")
        case float() if not math.isfinite(value):
            return None
        case _:
            return value
