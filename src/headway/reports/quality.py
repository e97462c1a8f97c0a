"""The quality of records as one HTML page: what to put right first, whom it concerns, and the counts behind it.

The page says what `headway.description.quality` found, in its words; it adds layout and no judgement.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from headway.description.quality import Finding, Profile, RunQuality, SourceQuality
from headway.description.quality_feed import Feed, Gap
from headway.description.quality_words import lasting, number, share, span
from headway.features.cleaning import RULES
from headway.reports.charts import Axis, Chart, Point, Series, line_chart, whole
from headway.reports.pages import Provenance, moment, render

BESIDE_DAYS: Final = 21
LONGEST_DAYS: Final = 70
"""A chart of a gap shows three weeks on both sides of it, and no more days than can be told apart."""

MOST_CHARTS: Final = 6
MOST_RUNS: Final = 200
"""So many runs have a row of their own; the JSON has all."""

HEADINGS: Final = {
    "stop": ("▲", "r1", "Put right first", "Do not act on lists that rest on these records."),
    "look": ("◆", "r2", "Look at", "Someone who knows the course can say whether this is so."),
    "ok": ("●", "r0", "Good to know", "Nothing needs to be done."),
}

_SAFE: Final = frozenset(rule.code for rule in RULES if rule.as_of_safe)


@dataclass(frozen=True, slots=True)
class _Group:
    """The findings of one severity, with its heading."""

    severity: str
    sign: str
    css: str
    heading: str
    about: str
    findings: tuple[Finding, ...]


def quality_page(profile: Profile, made: Provenance) -> str:
    """The HTML page of a profile; the same profile gives the same bytes."""
    return render(
        "quality.html",
        profile=profile,
        headline=headline(profile),
        groups=_groups(profile),
        as_of=moment(profile.now.instant, "UTC"),
        made=made,
        made_at=moment(made.made_at, "UTC"),
        sources=[_source(source) for source in profile.sources],
        gaps=_gap_charts(profile),
        feeds=_feed_charts(profile),
        rejects=[(source.source, *row) for source in profile.sources for row in source.rejects],
        runs=[_run(run) for run in profile.runs[:MOST_RUNS]],
        more_runs=max(0, len(profile.runs) - MOST_RUNS),
        unknown=_unknown(profile.runs),
    )


def headline(profile: Profile) -> str:
    """The page's first sentence: what is the matter, and what it means for people."""
    if not profile.runs:
        return "There are no course runs here yet. Import a source first."
    looked = number(len(profile.runs), "run", "runs")
    first = profile.findings[0] if profile.findings else None
    if profile.severity == "ok" or first is None:
        return f"Nothing is wrong that shows in the records of {looked}."
    serious = sum(finding.severity == profile.severity for finding in profile.findings)
    if profile.severity == "look":
        return f"{number(serious, 'thing', 'things')} to look at in the records of {looked}; nothing stops you."
    more = f" {number(serious - 1, 'more thing needs', 'more things need')} to be put right." if serious > 1 else ""
    return f"{first.sentence} {first.means}{more}"


def _groups(profile: Profile) -> list[_Group]:
    made = [
        _Group(severity, *words, tuple(finding for finding in profile.findings if finding.severity == severity))
        for severity, words in HEADINGS.items()
    ]
    return [group for group in made if group.findings]


def _source(source: SourceQuality) -> dict[str, object]:
    delay = source.usual_delay_s
    return {
        "source": source.source,
        "runs": len(source.runs),
        "rows": [(kind.replace("_", " "), rows) for kind, rows in source.rows.items()],
        "latest": moment(source.latest, "UTC") if source.latest else None,
        "latest_statement": moment(source.latest_statement, "UTC") if source.latest_statement else None,
        "delay": "not known" if delay is None else lasting(delay),
        "zones": ", ".join(f"{zone} ({count:,})" for zone, count in source.zones.items()),
        "refused": sum(rows for _, _, rows in source.rejects),
    }


def _run(run: RunQuality) -> dict[str, object]:
    acting = bool(run.stated("statements"))
    shares = [share(run.share(f"with_{name}")) if acting else "–" for name in ("object", "type", "hour")]
    flagged = sum(row["statements"] for reason, row in run.cleaning.items() if reason in _SAFE)
    return {
        "run": run.run,
        "enrolled": run.told("listed"),
        "active": run.stated("active_learners"),
        "statements": run.stated("statements"),
        "shares": shares,
        "flagged": flagged,
        "silent_days": sum(gap.days for gap in run.gaps),
        "results": int(run.results.get("results") or 0),
        "range": _range(run.results.get("score_low"), run.results.get("score_high")),
    }


def _range(low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"{low:.2f} to {high:.2f}"


def _unknown(runs: Sequence[RunQuality]) -> list[tuple[str, str, int, int]]:
    """Words that no verb stands for: source, word, statements, runs; the most frequent first."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for run in runs:
        for row in run.unknown:
            key = (run.source, str(row["event"] or "(no name)"))
            statements, times = found.get(key, (0, 0))
            found[key] = (statements + int(row["statements"]), times + 1)
    ranked = sorted(found.items(), key=lambda item: (-item[1][0], item[0]))
    return [(source, word, statements, times) for (source, word), (statements, times) in ranked[:20]]


def _gap_charts(profile: Profile) -> list[Chart]:
    """The longest gaps of runs, each with three weeks around it, the certain ones first."""
    all_gaps = [(run, gap) for run in profile.runs for gap in run.gaps if run.feed is not None]
    ranked = sorted(all_gaps, key=lambda pair: (not pair[1].sure, -pair[1].days * pair[1].expected, pair[0].run))
    return [
        _gap_chart(run, run.feed, gap, f"gap-{place}")
        for place, (run, gap) in enumerate(ranked[:MOST_CHARTS])
        if run.feed is not None
    ]


def _gap_chart(run: RunQuality, feed: Feed, gap: Gap, slug: str) -> Chart:
    begin = max(0, (gap.first_on - feed.first_on).days - BESIDE_DAYS)
    end = min(len(feed.seen), (gap.last_on - feed.first_on).days + BESIDE_DAYS + 1, begin + LONGEST_DAYS)
    places = range(begin, end)
    seen = Series("active", tuple(Point(_ordinal(feed, place), feed.seen[place]) for place in places))
    usual = tuple(
        Point(_ordinal(feed, place), feed.expected[place])
        for place in places
        if feed.expected[place] == feed.expected[place]
    )
    series = [Series("expected", usual, "rule"), seen] if usual else [seen]
    sentence = (
        f"{run.run}: next to nobody was active {span(gap.first_on, gap.last_on)}; "
        f"about {round(gap.expected):,} a day were to be expected."
    )
    title = f"Learners active each day, {run.run}"
    return line_chart(title, series, _days(feed, begin, end - 1), _people(series), sentence, slug=slug)


def _feed_charts(profile: Profile) -> list[Chart]:
    """What arrived of each source, week by week."""
    charts = []
    for place, source in enumerate(profile.sources[:MOST_CHARTS]):
        weeks: dict[int, int] = {}
        for run in source.runs:
            if run.feed is None:
                continue
            for day, seen in enumerate(run.feed.seen):
                monday = run.feed.day(day) - timedelta(days=run.feed.day(day).weekday())
                weeks[monday.toordinal()] = weeks.get(monday.toordinal(), 0) + seen
        if len(weeks) < 2:
            continue
        first, last = min(weeks), max(weeks)
        points = tuple(Point(at, weeks.get(at, 0)) for at in range(first, last + 1, 7))
        line = [Series("active", points, "other")]
        sentence = (
            f"{source.source}: {number(sum(weeks.values()), 'day', 'days')} of learners with activity in all runs, "
            f"from the week of {_date(first)} to that of {_date(last)}."
        )
        axis = Axis(first, last, _ticks(first, last), _date, "week of")
        title = f"Learners' active days each week, {source.source}"
        charts.append(line_chart(title, line, axis, _people(line), sentence, slug=f"feed-{place}"))
    return charts


def _ordinal(feed: Feed, place: int) -> int:
    return feed.day(place).toordinal()


def _days(feed: Feed, begin: int, end: int) -> Axis:
    first, last = _ordinal(feed, begin), _ordinal(feed, end)
    return Axis(first, last, _ticks(first, last), _date, "day")


def _ticks(first: float, last: float) -> tuple[float, ...]:
    """Three days, none so near the edge that its name would be cut off."""
    return tuple(int(first + (last - first) * part) for part in (0.12, 0.5, 0.85))


def _date(ordinal: float) -> str:
    day = date.fromordinal(int(ordinal))
    return f"{day.day} {day:%b %Y}"


def _people(series: Sequence[Series]) -> Axis:
    most = max(point.y for each in series for point in each.points)
    step = 10 ** max(0, len(str(int(most))) - 1)
    top = max(1.0, -(-most // step) * step)
    return Axis(0, top, (0, top / 2, top) if top > 1 else (0, top), whole, "")
