"""How far a learner has come with each skill, as numbers that counts alone decide.

Mastery here is the mean of what is believed of the chance that an answer is right, after `right` of `answers` were and
with all chances held alike likely before: (right + 1) / (answers + 2), Laplace's rule of succession. It depends on
nothing but what was known of this learner and skill, learns nothing from others, and is the same in whatever order
answers become known; so it is carried along from one as-of time to the next. Models that follow answers one by one, and
know that people learn on the way, are in `headway.models.mastery`.
"""

from typing import TYPE_CHECKING, Final

import ibis

from headway.features.known import Sources
from headway.features.spans import Spans, chained

if TYPE_CHECKING:
    import ibis.expr.types as ir

MASTERED_FROM: Final = 0.8
"""A skill is mastered from here on: three answers that are all right reach it; where one is wrong, it takes eight."""

LEAST_ANSWERS: Final = 3
"""Fewer answers on a skill say nothing yet."""


def skills(sources: Sources) -> Spans:
    """See `headway.features.relations`. An answer that names several skills counts for each of them, once.

    An answer that names none is one on the skills of its item, as soon as these are known.
    """
    rows = sources.keep("responded", sources.responses)
    named = _named(rows, sources.activities)
    log = named.group_by("enrolment", "run_no", "skill", "step").agg(
        answers=named.count(),
        right=named.right.sum(),
        first_on=named.answered_on.min(),
        last_on=named.answered_on.max(),
    )
    running = {
        "answers": log.answers.sum(),
        "right": log.right.sum(),
        "first_on": log.first_on.min(),
        "last_on": log.last_on.max(),
    }
    spans = chained(log, ["enrolment", "skill"], running)
    return Spans(
        spans.select(
            "enrolment",
            "run_no",
            "from_step",
            "until_step",
            "first_on",
            "last_on",
            answers=spans.answers.cast("int64"),
            right=spans.right.cast("int64"),
            mastery=(spans.right.cast("float64") + 1) / (spans.answers.cast("float64") + 2),
        ),
        ages={"first_age_days": "first_on", "last_age_days": "last_on"},
        always=frozenset({"first_on", "last_on", "answers", "right", "mastery"}),
        made_of=rows,
    )


def mastery_of(right: int, answers: int) -> float:
    """The mastery of a skill, as the relation has it.

    >>> mastery_of(3, 3), mastery_of(7, 8), mastery_of(3, 8)
    (0.8, 0.8, 0.4)
    """
    return (right + 1) / (answers + 2)


def _named(rows: "ir.Table", activities: "ir.Table") -> "ir.Table":
    """One row per judged answer and skill, with the step from which both were known."""
    judged = rows.filter(rows.correct.notnull()).select(
        *("id", "enrolment", "run_no", "step", "item", "skills"),
        right=rows.correct.cast("int64"),
        answered_on=rows.occurred_at.date(),
    )
    keys = ["id", "enrolment", "run_no", "right", "answered_on"]
    own = judged.select(*keys, "step", skill=judged.skills.unnest())
    # An engine may say -1 of a list that is null.
    silent = judged.filter(judged.skills.isnull() | (judged.skills.length() <= 0)).drop("skills")
    told = activities.select("skills", item_run="run_no", item="activity", told_step="step")
    met = silent.join(told, [silent.run_no == told.item_run, silent.item == told.item])
    of_items = met.select(*keys, step=ibis.greatest(met.step, met.told_step), skill=met.skills.unnest())
    both = own.union(of_items)
    both = both.filter(both.skill.notnull())
    return both.group_by(*keys, "skill").agg(step=both.step.min())
