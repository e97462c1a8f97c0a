"""Where a learner stands with each skill, as a page: the chance after each answer, and the skills as a table.

Nothing is worked out here that `headway.explanation.mastery` does not tell.
"""

from typing import Final

from headway.explanation.mastery import BACK_DAYS, LearnerMastery
from headway.models.mastery.tracer import KNOWN, MASTERED
from headway.reports.charts import Axis, Chart, Point, Series, line_chart, whole
from headway.reports.course_charts import percent_tick
from headway.reports.pages import Provenance, counted, moment, percent, render

DRAWN: Final = 5
"""More lines would lie over each other; the table has all skills."""

TRENDS: Final = {
    "new": f"first practised in the last {BACK_DAYS} days",
    "rising": "rising",
    "steady": "steady",
    "falling": "falling",
}


def mastery_page(found: LearnerMastery, made: Provenance) -> str:
    """The HTML page of a learner's skills."""
    return render(
        "mastery.html",
        title=f"Skills of {found.learner}",
        run=found.run.rpartition("/")[2],
        about=f"{found.run}, as it was known by",
        as_of=moment(found.as_of, "UTC"),
        sentence=headline(found),
        chart=_chart(found),
        skills=found.skills,
        trends=TRENDS,
        known=found.mastery_is == KNOWN,
        notes=_notes(found),
        made=made,
        made_at=moment(made.made_at, "UTC"),
    )


def headline(found: LearnerMastery) -> str:
    """The skills in a sentence."""
    practised = counted(len(found.skills), "skill", "skills")
    lowest = found.skills[0]
    if found.mastery_is != KNOWN:
        return f"{practised} practised. The least sure is {lowest.skill}: {lowest.right} of {lowest.answers} right."
    if found.mastered == len(found.skills):
        return f"{practised} practised, all of them mastered."
    return f"{practised} practised, {found.mastered} of them mastered; {lowest.sentence}."


def _notes(found: LearnerMastery) -> list[str]:
    notes = [f"The number is {found.mastery_is}, as {found.model} works it out from the answers in their order."]
    if found.mastery_is == KNOWN:
        notes.append(f"A skill counts as mastered from {percent(MASTERED)} on. Not yet mastered is no judgement.")
    notes.append(f"Rising and falling compare with {BACK_DAYS} days before; a change of less than 5 in 100 is steady.")
    notes.append(found.learned_from)
    if found.no_skill:
        notes.append(
            f"{counted(found.no_skill, 'answer belongs', 'answers belong')} to no skill and counts nowhere here."
        )
    return notes


def _chart(found: LearnerMastery) -> Chart:
    drawn = found.skills[:DRAWN]
    series = [
        Series(
            state.skill if len(state.skill) <= 18 else f"{state.skill[:17]}…",
            tuple(Point(number, step.mastery) for number, step in enumerate(state.steps, start=1)),
            "rule" if place else "main",
        )
        for place, state in enumerate(drawn)
    ]
    last = max(state.answers for state in drawn)
    ticks = (1.0,) if last == 1 else (1.0, float((1 + last) // 2), float(last)) if last > 3 else (1.0, float(last))
    across = Axis(1, max(last, 2), ticks, whole, "answer on the skill")
    said = "; ".join(f"{state.skill}: {percent(state.mastery)} after {state.answers}" for state in drawn)
    up = Axis(0, 1, (0, 0.5, 1), percent_tick, "chance")
    title = "Chance after each answer" if len(drawn) == len(found.skills) else f"The {DRAWN} least sure skills"
    return line_chart(title, series, across, up, f"{said}.", slug="mastery")
