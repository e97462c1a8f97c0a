"""One learner's prediction as a page: reasons by domain, what changed, what if, and how sure the explanation itself is.

Nothing is worked out here that `headway.scoring.explained` does not tell.
"""

from dataclasses import replace

from headway.advising.explained import (
    CHANGED_DEFINITIONS,
    LEFT_OUT,
    NO_PROMISE,
    UNSTEADY,
    Explanation,
    agreement_words,
    change_words,
    what_if_words,
)
from headway.advising.wording import DOES_NOT_KNOW, NOT_USED, frequency, label_words
from headway.reports.charts import Axis, Chart, Point, Series, line_chart, reason_bars, whole
from headway.reports.course_charts import nice_top, percent_tick, ticks
from headway.reports.pages import Provenance, moment, percent, render
from headway.scoring.explained import Explained


def explanation_page(told: Explanation, made: Provenance) -> str:
    """The HTML page of an explanation."""
    found = told.found
    words = label_words(told.label)
    return render(
        "explanation.html",
        title=f"What this prediction rests on: {told.prediction.learner}",
        run=told.score_run.run,
        as_of=moment(told.score_run.as_of.instant, "UTC"),
        sentence=headline(told),
        charts=_charts(told),
        changes=[] if found is None else [(_mark(each.direction), each.text) for each in found.changed],
        since=CHANGED_DEFINITIONS if found is None else change_words(found.before, found.changed, told.label),
        answers=[] if found is None else [what_if_words(each, told.label) for each in found.what_if],
        no_promise=NO_PROMISE,
        mastery=[f"{said[:1].upper()}{said[1:]}" for said in told.mastery],
        left_out=LEFT_OUT,
        notes=_notes(found),
        key=f"▲ points to {words.towards}, ▽ points to {words.away}.",
        made=replace(made, model=told.score_run.model_version, view_hash=told.score_run.view_hash),
        made_at=moment(made.made_at, "UTC"),
    )


def headline(told: Explanation) -> str:
    """The chance as a frequency of past learners, or why it is too early to say."""
    said = told.prediction
    if said.risk is None or said.low is None or said.high is None:
        return said.why_too_early or "Too early to say."
    return frequency(said.risk, said.low, said.high, told.label)


def _charts(told: Explanation) -> list[Chart]:
    words = label_words(told.label)
    found = told.found
    if found is None:
        return [reason_bars(told.prediction.reasons, words)]
    by_domain = [
        replace(reason_bars(each.told, words), title=f"{each.domain.capitalize()}: {percent(each.share)} of the weight")
        for each in found.domains
        if each.told
    ]
    return by_domain + ([] if found.attention is None else [_attention(found.attention)])


def _attention(steps: tuple[tuple[int, float], ...]) -> Chart:
    """Where along the days a network looked."""
    points = tuple(Point(-age, weight) for age, weight in steps)
    top = nice_top(max(weight for _, weight in steps))
    first = steps[0][0]
    across = Axis(-max(1, first), 0, tuple(-tick for tick in ticks(max(1, first))), whole, "days before")
    most = max(steps, key=lambda step: step[1])
    sentence = (
        f"The network looked most at {most[0]} days before ({percent(most[1])} of its attention). "
        "That is where it looked, not why it said what it said."
    )
    up = Axis(0, top, (0, top / 2, top), percent_tick, "attention")
    return line_chart("Where it looked", [Series("attention", points)], across, up, sentence, slug="attention")


def _mark(direction: str) -> str:
    return "▲" if direction == "for" else "▽"


def _notes(found: Explained | None) -> list[str]:
    notes = [DOES_NOT_KNOW, NOT_USED]
    if found is None:
        return notes
    notes.append(agreement_words(found.lime))
    if found.withheld:
        names = ", ".join(name.replace("_", " ") for name, _ in found.withheld)
        notes.append(f"{UNSTEADY}: {names}.")
    if found.method == "sampled":
        notes.append("Weights were sampled: this kind of model is no sum of its features.")
    return notes
