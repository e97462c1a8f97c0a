"""What is noteworthy about the records of a source: what did not arrive, and who cannot be served without it.

A finder looks at one source and says at most a few things. Each names how many learners it concerns and what to do.
Finders about what the records say, once they are there, are in `quality_contents`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import Final

from headway.description.quality_contents import CONTENTS
from headway.description.quality_facts import Finding, RunQuality, Severity, SourceQuality
from headway.description.quality_feed import Gap
from headway.description.quality_words import in_runs, lasting, learners, named, number, runs_named, share, span
from headway.domain.time import AsOf

Finder = Callable[[SourceQuality, AsOf], Iterator[Finding]]

STALE_AFTER: Final = timedelta(hours=36)
"""Beyond the usual delay; the same as on every page of headway."""

DEAD_AFTER: Final = timedelta(days=7)

GRACE: Final = timedelta(days=2)
"""A course that began so recently may have had no activity yet."""

REASONS: Final[dict[str, str]] = {
    "bad_date": "a date or time is missing or impossible",
    "missing_registration_date": "the date of registration is missing",
    "missing_value": "a value that must be there is missing",
    "unknown_value": "a value is none of those that the format knows",
    "bad_number": "a number cannot be read or is out of range",
    "bad_encoding": "the bytes are no text",
    "bad_json": "the line is no JSON object",
    "bad_quotes": "a quotation mark is never closed",
    "unknown_assessment": "the assessment is in no list",
    "unknown_run": "the run is in no list",
    "no_course": "nothing says to which course it belongs",
    "no_learner": "nobody who is known did it",
    "not_a_learner": "it is no act of a learner",
    "lookup_only": "it only helps to read other rows",
    "no_maximum": "the full mark is not known",
    "conflicts_with_known_record": "the same row came before with another content",
}
"""Reasons in words; others are told by their code."""

SET_ASIDE: Final = frozenset(
    {
        "also_daily",
        "anonymous",
        "automated_job",
        "background_request",
        "deleted",
        "entity",
        "failed_request",
        "login_as",
        "lookup_only",
        "no_learner",
        "not_a_learner",
        "not_attempted",
        "nothing_submitted",
        "restored",
        "sent_again",
        "unknown_table",
        "voided",
        "voiding",
    }
)
"""Reasons for which rows are left out on purpose: they are no work of a learner, or say what another row says."""

OUTSIDE: Final = "no_course"
"""Set aside where somebody looked around outside any course; a loss where it is a roster or a mark."""

TIMES: Final = frozenset({"bad_date", "missing_registration_date", "missing_date", "bad_zone"})


def findings_of(source: SourceQuality, now: AsOf) -> list[Finding]:
    """All that is noteworthy about a source as of a time, in no particular order."""
    return [finding for find in (*ARRIVALS, *CONTENTS) for finding in find(source, now)]


def _refused(source: SourceQuality, _: AsOf) -> Iterator[Finding]:
    rows = source.rows
    for kind, reason, refused in source.rejects:
        aside = reason in SET_ASIDE or (reason == OUTSIDE and kind == "statements")
        part = refused / (refused + rows.get(kind, 0))
        severity: Severity = "ok" if aside else "stop" if part > 0.2 else "look"
        why = REASONS.get(reason, reason.replace("_", " "))
        code = "set_aside" if aside else "bad_times" if reason in TIMES else "refused"
        told = number(refused, "row", "rows")
        yield Finding(
            code=code,
            severity=severity,
            source=source.source,
            runs=(),
            count=refused,
            people=None,
            sentence=f"{told} of {kind.replace('_', ' ')} ({share(part)}) "
            + (f"left out on purpose: {why} ({reason})." if aside else f"in quarantine: {why} ({reason})."),
            means="They are no work of learners, so nobody is missing."
            if aside
            else _lost(kind, refused)
            + " The rows are kept; whom they concern is not counted, because a refused row names nobody.",
            advice="Nothing, unless you expected these rows to count."
            if aside
            else f"See them with: headway source rejects --source {source.source}. Correct the export, import again.",
        )


def _lost(kind: str, refused: int) -> str:
    told = {
        "enrolments": f"Up to {learners(refused)} may be missing from every list.",
        "statements": "These learners look quieter than they were.",
        "results": "These marks are missing from the reasons and from the lists.",
        "activities": "Work on these activities cannot be tied to a due date or a type.",
        "outcomes": "These learners cannot be learned from.",
        "course_runs": "Nothing of these runs can be scored.",
    }
    return told.get(kind, "What they say is not used.")


def _stale(source: SourceQuality, now: AsOf) -> Iterator[Finding]:
    running = [run for run in source.runs if run.started(now) and not run.finished(now) and run.stated("interactions")]
    latest = max((run.latest["statements"] for run in running), default=None)
    if latest is None:
        return
    usual = timedelta(seconds=max(run.statements["delay_p90_s"] for run in running))
    silence = now.instant - latest - usual
    if silence <= STALE_AFTER:
        return
    people = sum(run.told("enrolled") for run in running)
    names = tuple(run.run for run in running)
    ago = lasting((now.instant - latest).total_seconds())
    yield Finding(
        code="stale",
        severity="stop" if silence > DEAD_AFTER else "look",
        source=source.source,
        runs=names,
        count=(now.instant - latest).days,
        people=people,
        sentence=f"Nothing of {source.source} was recorded in the last {ago}, "
        f"though {number(len(running), 'run is', 'runs are')} in progress: {runs_named(names)}.",
        means=f"{learners(people)} may look silent who are not. Orders may be out of date.",
        advice="Bring the newest data, or score as of the last day that arrived.",
    )


def _no_activity(source: SourceQuality, now: AsOf) -> Iterator[Finding]:
    due = [run for run in source.runs if run.starts_on + GRACE < now.day(run.zone)]
    without = [run for run in due if run.told("listed") and not run.stated("active_learners")]
    if not without:
        return
    runs = tuple(run.run for run in without)
    people = sum(run.learners for run in without)
    running = any(not run.finished(now) for run in without)
    yield Finding(
        code="no_activity",
        severity="stop" if running else "look",
        source=source.source,
        runs=runs,
        count=len(runs),
        people=people,
        sentence=f"{in_runs(runs)} learners are enrolled, but no activity of anybody arrived{named(runs)}.",
        means=f"{learners(people)} cannot be scored or learned from: a missing log is not a silent learner.",
        advice="Import the activity log of these runs. headway leaves them out of training by itself.",
    )


def _no_enrolments(source: SourceQuality, _: AsOf) -> Iterator[Finding]:
    without = [run for run in source.runs if run.stated("learners") and not run.told("listed")]
    if not without:
        return
    runs = tuple(run.run for run in without)
    people = sum(run.told("acted") for run in without)
    yield Finding(
        code="no_enrolments",
        severity="stop",
        source=source.source,
        runs=runs,
        count=len(runs),
        people=people,
        sentence=f"{in_runs(runs)} there is activity, but nobody is enrolled{named(runs)}.",
        means=f"{learners(people)} cannot be scored: only who is enrolled is ever put on a list.",
        advice="Import the roster of these runs.",
    )


def _ids_apart(source: SourceQuality, _: AsOf) -> Iterator[Finding]:
    apart = [run for run in source.runs if _ids_differ(run)]
    if not apart:
        return
    runs = tuple(run.run for run in apart)
    people = sum(run.learners for run in apart)
    yield Finding(
        code="ids_do_not_match",
        severity="stop",
        source=source.source,
        runs=runs,
        count=sum(run.told("not_listed") for run in apart),
        people=people,
        sentence=f"{in_runs(runs)} many who act are not enrolled, and many who are enrolled never act{named(runs)}.",
        means=f"{learners(people)} are probably known by two different ids, so that all of them look silent.",
        advice="Make roster and log use the same id of a person, then import both again.",
    )


def _strangers(source: SourceQuality, _: AsOf) -> Iterator[Finding]:
    strange = [run for run in source.runs if run.told("listed") and run.told("not_listed") and not _ids_differ(run)]
    if not strange:
        return
    runs = tuple(run.run for run in strange)
    people = sum(run.told("not_listed") for run in strange)
    acts = sum(run.cleaning.get("orphan", {}).get("statements", 0) for run in strange)
    yield Finding(
        code="orphan",
        severity="look" if people > 0.01 * sum(run.learners for run in strange) else "ok",
        source=source.source,
        runs=runs,
        count=acts,
        people=people,
        sentence=f"{in_runs(runs)} {number(acts, 'statement is', 'statements are')} by someone of whom no enrolment "
        f"is known{named(runs)}.",
        means=f"{learners(people)} cannot be scored: only who is enrolled is ever put on a list.",
        advice="Check whether the roster is complete. Guests and staff may be among them.",
    )


def _ids_differ(run: RunQuality) -> bool:
    """Whether so many act without being enrolled, and so many are enrolled and never act, that ids must differ."""
    if not run.told("listed"):
        return False
    strangers = run.told("not_listed") / max(1, run.told("acted"))
    silent = 1 - (run.told("acted") - run.told("not_listed")) / max(1, run.told("listed"))
    return strangers > 0.3 and silent > 0.3


def _never_active(source: SourceQuality, now: AsOf) -> Iterator[Finding]:
    silent = [
        run
        for run in source.runs
        if run.started(now) and run.stated("active_learners") and run.told("never_active") and not _ids_differ(run)
    ]
    if not silent:
        return
    runs = tuple(run.run for run in silent)
    people = sum(run.told("never_active") for run in silent)
    enrolled = sum(run.told("enrolled") for run in silent)
    yield Finding(
        code="never_active",
        severity="look" if people > 0.5 * enrolled else "ok",
        source=source.source,
        runs=runs,
        count=people,
        people=people,
        sentence=f"{in_runs(runs)} {people:,} of {learners(enrolled)} who are enrolled have never done anything"
        f"{named(runs)}.",
        means="They are scored as learners who have not started, which most of them probably are.",
        advice="Contact them early. If these are far more than you know of, part of the log may be missing.",
    )


def _gaps(source: SourceQuality, now: AsOf) -> Iterator[Finding]:
    """Gaps of single runs, those of the same days told together; then gaps that only all runs together show."""
    found: defaultdict[tuple[date, date, str, bool], list[tuple[RunQuality, Gap]]] = defaultdict(list)
    for run in source.runs:
        for gap in run.gaps:
            found[gap.first_on, gap.last_on, gap.where, gap.sure].append((run, gap))
    for (first, last, _, _), several in sorted(found.items()):
        yield _gap(source, first, last, several, now)
    for gap, there in source.gaps:
        runs = [run for run in source.runs if run.run in there]
        if not any(each.first_on <= gap.last_on and gap.first_on <= each.last_on for run in runs for each in run.gaps):
            yield _gap(source, gap.first_on, gap.last_on, [(run, gap) for run in runs], now)


_DOUBTS: Final = {
    "within": "If it was a holiday or the system was down, nothing is missing.",
    "start": "If the course opened later than its dates say, correct the dates.",
    "end": "If the course was over by then, correct the dates.",
}


def _gap(
    source: SourceQuality, first: date, last: date, several: Sequence[tuple[RunQuality, Gap]], now: AsOf
) -> Finding:
    runs = tuple(run.run for run, _ in several)
    gap = several[0][1]
    people = sum(run.learners for run, _ in several)
    usual = sum(each.expected for _, each in several) if len({id(each) for _, each in several}) > 1 else gap.expected
    open_end = gap.where == "end" and any(not run.finished(now) for run, _ in several)
    severity: Severity = "stop" if gap.sure or (open_end and gap.sharp) else "look"
    may = "look" if gap.sure else "may look"
    ask = "Ask why the log has stopped, and import it" if open_end else "Ask for the log of these days and import it"
    doubt = "" if gap.sure else f" {_DOUBTS[gap.where]}"
    return Finding(
        code="feed_gap" if gap.where == "within" else f"feed_silent_at_{gap.where}",
        severity=severity,
        source=source.source,
        runs=runs,
        count=(last - first).days + 1,
        people=people,
        sentence=f"{in_runs(runs)} no activity, or next to none, arrived {span(first, last)}. "
        f"On such days about {learners(round(usual))} would have been active{named(runs)}.",
        means=f"{learners(people)} {may} silent who were not.",
        advice=f"{ask}; until then do not trust lists whose last two weeks touch these days.{doubt}",
    )


ARRIVALS: Final[tuple[Finder, ...]] = (
    _refused,
    _stale,
    _no_activity,
    _no_enrolments,
    _ids_apart,
    _strangers,
    _never_active,
    _gaps,
)
