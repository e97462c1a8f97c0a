"""What is noteworthy about records that did arrive: words, objects, marks, dates, zones, and acts of no learner.

The same shape as `quality_findings`: a finder looks at one source as of a time.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from headway.description.quality_facts import Finding, RunQuality, SourceQuality
from headway.description.quality_words import in_runs, lasting, learners, named, number, share
from headway.domain.time import AsOf
from headway.domain.vocabulary import VERBS
from headway.features.cleaning import RULES

Finder = Callable[[SourceQuality, AsOf], Iterator[Finding]]

TROUGH_HOURS: Final = 6
"""People everywhere do least in some six hours of the night."""

NIGHT: Final = range(1, 6)
"""Local hours, one of which the middle of these six falls in."""


def _unknown_verbs(source: SourceQuality, _: AsOf) -> Iterator[Finding]:
    with_some = [run for run in source.runs if run.unknown]
    if not with_some:
        return
    words: Counter[str] = Counter()
    for run in with_some:
        words.update({str(row["event"] or "(no name)"): row["statements"] for row in run.unknown})
    total = sum(int(run.unknown[0]["all"]) for run in with_some)
    part = total / sum(run.stated("statements") for run in with_some)
    told = ", ".join(f"{word} ({count:,})" for word, count in words.most_common(5))
    yield Finding(
        code="unknown_verbs",
        severity="look" if part > 0.05 else "ok",
        source=source.source,
        runs=tuple(run.run for run in with_some),
        count=total,
        people=None,
        sentence=f"{number(total, 'statement has', 'statements have')} a word that headway does not know "
        f"({share(part)}). Most frequent: {told}.",
        means="They count as activity, but nobody can say which kind. No learner is left out for it.",
        advice="If one of these words matters, tell the maintainers of the source which verb it stands for.",
    )


def _strange_verbs(source: SourceQuality, _: AsOf) -> Iterator[Finding]:
    strange = Counter[str]()
    runs = []
    for run in source.runs:
        found = {verb: count for verb, count in run.verbs.items() if verb not in VERBS}
        strange.update(found)
        runs += [run.run] if found else []
    if not strange:
        return
    told = ", ".join(f"{word} ({count:,})" for word, count in strange.most_common(5))
    yield Finding(
        code="verbs_outside_vocabulary",
        severity="look",
        source=source.source,
        runs=tuple(runs),
        count=strange.total(),
        people=None,
        sentence=f"{number(strange.total(), 'statement has a verb', 'statements have verbs')} outside the vocabulary: "
        f"{told}.",
        means="They count as activity, but no feature about a kind of activity sees them.",
        advice="Translate these verbs in the mapping of the source; docs/glossary.md lists the words.",
    )


def _no_objects(source: SourceQuality, _: AsOf) -> Iterator[Finding]:
    bare = [run for run in source.runs if run.stated("interactions") and run.share("with_object") < 0.8]
    if bare:
        runs = tuple(run.run for run in bare)
        count = sum(run.stated("statements") - run.stated("with_object") for run in bare)
        yield Finding(
            code="no_object",
            severity="look",
            source=source.source,
            runs=runs,
            count=count,
            people=sum(run.stated("active_learners") for run in bare),
            sentence=f"{in_runs(runs)} {number(count, 'statement does', 'statements do')} not say what they are about "
            f"({share(count / sum(run.stated('statements') for run in bare))}){named(runs)}.",
            means="Visits of these learners count, but not which material they used.",
            advice="See whether the export can name the page or file.",
        )


def _vague_objects(source: SourceQuality, _: AsOf) -> Iterator[Finding]:
    vague = [run for run in source.runs if run.stated("unlisted")]
    if vague:
        runs = tuple(run.run for run in vague)
        count = sum(run.stated("unlisted") for run in vague)
        part = count / sum(run.stated("with_object") for run in vague)
        yield Finding(
            code="unknown_objects",
            severity="look" if part > 0.2 else "ok",
            source=source.source,
            runs=runs,
            count=count,
            people=None,
            sentence=f"{in_runs(runs)} {number(count, 'statement is', 'statements are')} about things whose type "
            f"nobody knows ({share(part)}){named(runs)}.",
            means="They count as activity, but not as video, forum, quiz or any other kind.",
            advice="Import the list of the course's activities.",
        )


def _no_hours(source: SourceQuality, _: AsOf) -> Iterator[Finding]:
    daily = [run for run in source.runs if run.stated("interactions") and run.share("totals") > 0.5]
    if not daily:
        return
    runs = tuple(run.run for run in daily)
    yield Finding(
        code="day_totals",
        severity="ok",
        source=source.source,
        runs=runs,
        count=sum(run.stated("totals") for run in daily),
        people=sum(run.stated("active_learners") for run in daily),
        sentence=f"{in_runs(runs)} activity comes as totals of a day, without a time{named(runs)}.",
        means="There are no sessions, no time on task and no hours of the day for these learners. Days are complete.",
        advice="Nothing. If a log with times exists, it says more.",
    )


CLEANING_LOOK_SHARE: Final = 0.02
"""Beyond it cleaning takes away enough to be noticed."""


def _cleaning(source: SourceQuality, _: AsOf) -> Iterator[Finding]:
    for rule in RULES:
        if rule.code in ("orphan", "unknown_object"):
            continue
        flagged = [run for run in source.runs if rule.code in run.cleaning]
        if not flagged:
            continue
        runs = tuple(run.run for run in flagged)
        count = sum(run.cleaning[rule.code]["statements"] for run in flagged)
        people = sum(run.cleaning[rule.code]["learners"] for run in flagged)
        part = count / max(1, sum(run.stated("statements") for run in flagged))
        yield Finding(
            code=rule.code,
            severity="look" if part > CLEANING_LOOK_SHARE else "ok",
            source=source.source,
            runs=runs,
            count=count,
            people=people,
            sentence=f"{in_runs(runs)} {number(count, 'statement', 'statements')} of "
            f"{number(people, 'person', 'people')} ({share(part)}){named(runs)}. {rule.sentence}",
            means="Left out of cleaned data, so that nobody looks busier than they were. The records stay."
            if rule.as_of_safe
            else "They stay in the data: whether it is so is only known in hindsight.",
            advice="Nothing, if this fits what you know of the course."
            if part <= CLEANING_LOOK_SHARE
            else "Look at some of them: a rule that catches learners is set too tight for this course.",
        )


def _late(source: SourceQuality, _: AsOf) -> Iterator[Finding]:
    slow = [run for run in source.runs if run.stated("statements") and not _in_hindsight(run)]
    slow = [run for run in slow if run.share("within_604800") < 0.99]
    if slow:
        runs = tuple(run.run for run in slow)
        count = sum(run.stated("statements") - run.stated("within_604800") for run in slow)
        people = sum(run.stated("late_learners") for run in slow)
        yield Finding(
            code="late_records",
            severity="look",
            source=source.source,
            runs=runs,
            count=count,
            people=people,
            sentence=f"{in_runs(runs)} {number(count, 'statement', 'statements')} "
            f"({share(count / sum(run.stated('statements') for run in slow))}) were recorded more than a week after "
            f"they were done{named(runs)}.",
            means=f"On a list made in between, {learners(people)} looked quieter than they were.",
            advice="Find out which device or transfer is late. Past lists are reproduced as they were, without these.",
        )


def _in_hindsight(run: RunQuality) -> bool:
    return bool(run.statements) and run.statements["delay_median_s"] > 30 * 86_400


def _hindsight(source: SourceQuality, _: AsOf) -> Iterator[Finding]:
    moved = [run for run in source.runs if _in_hindsight(run)]
    if moved:
        runs = tuple(run.run for run in moved)
        longest = max(run.statements["delay_median_s"] for run in moved)
        yield Finding(
            code="recorded_in_hindsight",
            severity="look",
            source=source.source,
            runs=runs,
            count=sum(run.stated("statements") for run in moved),
            people=sum(run.stated("learners") for run in moved),
            sentence=f"{in_runs(runs)} most statements were recorded up to {lasting(longest)} after they were done"
            f"{named(runs)}.",
            means="As of any day of these runs next to nothing was known, so they cannot be learned from honestly.",
            advice="Probably the time of an export or a move was taken for the time of record. Import the time at "
            "which the institution could have known, if it is there.",
        )


def _scores(source: SourceQuality, _: AsOf) -> Iterator[Finding]:
    wrong = {run.run: (run.results.get("scores_outside") or 0) + run.stated("scores_outside") for run in source.runs}
    outside = [run for run in source.runs if wrong[run.run]]
    if outside:
        runs = tuple(run.run for run in outside)
        count = sum(wrong[run] for run in runs)
        people = sum(run.results.get("outside_learners") or 0 for run in outside)
        yield Finding(
            code="scores_out_of_range",
            severity="stop",
            source=source.source,
            runs=runs,
            count=count,
            people=people,
            sentence=f"{in_runs(runs)} {number(count, 'mark is', 'marks are')} outside 0 to 1{named(runs)}.",
            means=f"Marks of {learners(people)} would be read wrongly, and so would all that is compared with them.",
            advice="Give the highest possible mark in the mapping, so that marks become shares of it.",
        )


def _loose_results(source: SourceQuality, _: AsOf) -> Iterator[Finding]:
    loose = [run for run in source.runs if run.results.get("unlisted")]
    if loose:
        runs = tuple(run.run for run in loose)
        count = sum(run.results["unlisted"] for run in loose)
        people = sum(run.results["unlisted_learners"] for run in loose)
        yield Finding(
            code="results_without_activity",
            severity="look",
            source=source.source,
            runs=runs,
            count=count,
            people=people,
            sentence=f"{in_runs(runs)} {number(count, 'result belongs', 'results belong')} to work that is in no "
            f"list of activities{named(runs)}.",
            means=f"Of {learners(people)} these marks count, but not whether the work was late or how much it weighs.",
            advice="Import the list of assessments with due dates and weights.",
        )


def _due_dates(source: SourceQuality, _: AsOf) -> Iterator[Finding]:
    without = [run for run in source.runs if run.activities.get("no_due_date")]
    if not without:
        return
    runs = tuple(run.run for run in without)
    count = sum(run.activities["no_due_date"] for run in without)
    of = sum(run.activities["assessments"] for run in without)
    people = sum(run.learners for run in without)
    yield Finding(
        code="no_due_dates",
        severity="look",
        source=source.source,
        runs=runs,
        count=count,
        people=people,
        sentence=f"{in_runs(runs)} {count:,} of {number(of, 'assessment', 'assessments')} have no due date"
        f"{named(runs)}.",
        means=f"Nobody can see whether {learners(people)} handed these in on time, late or not at all.",
        advice="Import the due dates; a CSV with activity and due date is enough.",
    )


def _outcomes(source: SourceQuality, now: AsOf) -> Iterator[Finding]:
    over = [run for run in source.runs if run.finished(now) and run.told("listed")]
    without = [run for run in over if run.outcomes < 0.9 * run.learners]
    if not without:
        return
    runs = tuple(run.run for run in without)
    people = sum(max(0, run.learners - run.outcomes) for run in without)
    yield Finding(
        code="no_outcomes",
        severity="look",
        source=source.source,
        runs=runs,
        count=len(runs),
        people=people,
        sentence=f"{in_runs(runs)} that are over, how it ended is not known of everyone{named(runs)}.",
        means=f"{learners(people)} cannot be learned from; nothing else is missing for them.",
        advice="Import the final results, if models shall learn from these runs.",
    )


def _guessed_dates(source: SourceQuality, _: AsOf) -> Iterator[Finding]:
    guessed = tuple(run.run for run in source.runs if run.inferred)
    if guessed:
        people = sum(run.learners for run in source.runs if run.inferred)
        yield Finding(
            code="inferred_dates",
            severity="look",
            source=source.source,
            runs=guessed,
            count=len(guessed),
            people=people,
            sentence=f"{in_runs(guessed)} first and last day are guessed from the activity{named(guessed)}.",
            means=f"“Day 28 of the course” may be another day for {learners(people)}, and the end may move.",
            advice="Give the dates with -o starts=… -o ends=…, or a calendar file.",
        )


def _turned_dates(source: SourceQuality, _: AsOf) -> Iterator[Finding]:
    turned = [run for run in source.runs if run.ends_on < run.starts_on]
    if turned:
        runs = tuple(run.run for run in turned)
        people = sum(run.learners for run in turned)
        yield Finding(
            code="ends_before_start",
            severity="stop",
            source=source.source,
            runs=runs,
            count=len(runs),
            people=people,
            sentence=f"{in_runs(runs)} the last day lies before the first{named(runs)}.",
            means=f"{learners(people)} cannot be scored: the run has no days.",
            advice="Correct the dates of the run and import it again.",
        )


def _doubtful_zones(source: SourceQuality, _: AsOf) -> Iterator[Finding]:
    doubtful = [run for run in source.runs if _quietest(run.hours) not in (*NIGHT, None)]
    if doubtful:
        runs = tuple(run.run for run in doubtful)
        people = sum(run.stated("active_learners") for run in doubtful)
        told = ", ".join(f"{run.run} about {_quietest(run.hours)}:00 ({run.zone})" for run in doubtful[:3])
        yield Finding(
            code="zone_doubtful",
            severity="look",
            source=source.source,
            runs=runs,
            count=len(runs),
            people=people,
            sentence=f"{in_runs(runs)} the quietest hours are not at night: {told}. The time zone may be wrong.",
            means=f"Days of {learners(people)} are cut at the wrong hour, and evening work counts for the next day.",
            advice="Compare with the course's own zone and import with -o zone=…. Courses taken all over the world may "
            "truly be like this.",
        )


def _several_zones(source: SourceQuality, _: AsOf) -> Iterator[Finding]:
    if len(source.zones) > 1:
        yield Finding(
            code="several_zones",
            severity="ok",
            source=source.source,
            runs=(),
            count=len(source.zones),
            people=None,
            sentence="The runs are in several time zones: "
            + ", ".join(f"{zone} ({number(count, 'run', 'runs')})" for zone, count in source.zones.items())
            + ".",
            means="Each run's days are days of its own zone. Nobody is concerned.",
            advice="Nothing, if this is so.",
        )


def _quietest(hours: Sequence[int]) -> int | None:
    """The middle hour of the quietest `TROUGH_HOURS`; None where too little is known, or no hours are quiet."""
    if len(hours) != 24 or sum(hours) < 1000:
        return None
    around = [sum(hours[(begin + step) % 24] for step in range(TROUGH_HOURS)) for begin in range(24)]
    begin = min(range(24), key=around.__getitem__)
    if around[begin] > 0.4 * sum(hours) * TROUGH_HOURS / 24:
        return None
    return (begin + TROUGH_HOURS // 2) % 24


CONTENTS: Final[tuple[Finder, ...]] = (
    _unknown_verbs,
    _strange_verbs,
    _no_objects,
    _vague_objects,
    _no_hours,
    _cleaning,
    _late,
    _hindsight,
    _scores,
    _loose_results,
    _due_dates,
    _outcomes,
    _guessed_dates,
    _turned_dates,
    _doubtful_zones,
    _several_zones,
)
