"""Who is still there as a page: the curve with its band, the weeks as a table, and groups beside it.

Nothing is worked out here that `headway.evaluation.retained` does not tell.
"""

from headway.domain.runs import RunId
from headway.evaluation.retained import Group, Retained
from headway.evaluation.retention import Week
from headway.reports.charts import Axis, Chart, Point, Series, line_chart, whole
from headway.reports.course_charts import percent_tick, ticks
from headway.reports.pages import Provenance, counted, moment, percent, render

DRAWN = 6
"""More lines would lie over each other; the tables tell of all groups."""


def retention_page(found: Retained, made: Provenance) -> str:
    """The HTML page of a run's weeks."""
    charts = [_curve(found)] if found.weeks else []
    groups = [group for group in found.groups if group.weeks]
    charts += [_groups(found, groups)] if groups else []
    return render(
        "retention.html",
        title=f"Who is still there: {found.run}",
        run=RunId.parse(found.run).run,
        sentence=headline(found),
        charts=charts,
        weeks=found.weeks,
        notes=_notes(found),
        made=made,
        made_at=moment(made.made_at, "UTC"),
    )


def headline(found: Retained) -> str:
    """The weeks in a sentence."""
    if not found.weeks:
        return f"{counted(found.learners, 'learner', 'learners')}; no week has been seen yet."
    last = found.weeks[-1]
    verb = "enrolled" if found.event == "withdrawal" else "coming"
    return (
        f"After {counted(last.week, 'week', 'weeks')}, {percent(last.survival)} of "
        f"{counted(found.learners, 'learner', 'learners')} were still {verb} "
        f"(likely {last.low * 100:.0f}–{last.high * 100:.0f}%)."
    )


def _notes(found: Retained) -> list[str]:
    if found.event == "withdrawal":
        notes = ["Who withdrew counts as gone from that day. Who stopped coming without withdrawing does not."]
    else:
        notes = [
            f"Who was silent for {found.silent_days} days and did not finish counts as gone from the last activity on."
        ]
    if found.clock == "own":
        notes.append("Weeks count from the first day of the course, for later joiners from the day they joined.")
    else:
        notes.append("Weeks are weeks of the course; who joins later counts from the day they joined.")
    notes.append(
        "The band says where the true share probably lies (95%). Who could no longer be followed is allowed for."
    )
    if found.by is not None:
        notes.append(
            f"Groups by {found.by}: those of fewer than 10 learners are not shown ({found.in_no_group} learners), "
            "numbers of 1 to 9 neither. A difference between groups does not say what makes it."
        )
    if found.difference is not None:
        test = found.difference
        notes.append(
            f"Log-rank test of no difference between the groups: chi-squared {test.statistic:.1f} with "
            f"{test.freedom} degrees of freedom, p {'< 0.001' if test.p < 0.001 else f'= {test.p:.3f}'}."
        )
    return notes


def _axes(low: float, last: int) -> tuple[Axis, Axis]:
    floor = 0.0 if low < 0.5 else 0.5
    across = Axis(0, max(1, last), ticks(last), whole, "weeks")
    return across, Axis(floor, 1, (floor, (1 + floor) / 2, 1), percent_tick, "still there")


def _points(weeks: tuple[Week, ...]) -> tuple[Point, ...]:
    return (Point(0, 1, 1, 1), *(Point(each.week, each.survival, each.low, each.high) for each in weeks))


def _curve(found: Retained) -> Chart:
    across, up = _axes(min(each.low for each in found.weeks), found.weeks[-1].week)
    series = [Series("this run", _points(found.weeks))]
    return line_chart("Still there, week by week", series, across, up, headline(found), slug="retention")


def _groups(found: Retained, groups: list[Group]) -> Chart:
    drawn = sorted(groups, key=lambda group: -group.learners)[:DRAWN]
    lowest = min(each.survival for group in drawn for each in group.weeks)
    across, up = _axes(lowest, max(group.weeks[-1].week for group in drawn))
    series = [
        Series(
            group.name,
            (Point(0, 1), *(Point(each.week, each.survival) for each in group.weeks)),
            "rule" if place else "main",
        )
        for place, group in enumerate(drawn)
    ]
    said = "; ".join(
        f"{group.name}: {percent(group.weeks[-1].survival)} after {counted(group.weeks[-1].week, 'week', 'weeks')}"
        for group in drawn
    )
    return line_chart(f"Still there, by {found.by}", series, across, up, f"{said}.", slug="retention-by")
