"""How learners answer exercises and quiz items."""

from typing import TYPE_CHECKING

from headway.features.definition import feature

if TYPE_CHECKING:
    import ibis.expr.types as ir


@feature(
    reads="answers",
    unit="answers",
    window=28,
    absent=0,
    domain="results",
    sentence="Answered {value} items in the last four weeks (course middle: {median})",
)
def answers_28d(a: "ir.Table") -> "ir.Value":
    """Answers to items in the last 28 days, every attempt."""
    return (a.age_days < 28).sum()


@feature(
    reads="answers",
    unit="share",
    bounds=(0, 1),
    domain="results",
    sentence="{value} of all answers were right (course middle: {median})",
)
def correct_share(a: "ir.Table") -> "ir.Value":
    """Share of the judged answers that were correct."""
    return a.correct.sum() / a.is_known.sum().nullif(0)


@feature(
    reads="answers",
    unit="share",
    window=28,
    bounds=(0, 1),
    domain="results",
    sentence="{value} of the answers of the last four weeks were right (course middle: {median})",
)
def correct_share_28d(a: "ir.Table") -> "ir.Value":
    """Share of the judged answers of the last 28 days that were correct."""
    recent = a.age_days < 28
    return a.correct.sum(where=recent) / a.is_known.sum(where=recent).nullif(0)


@feature(
    reads="answers",
    unit="share",
    bounds=(0, 1),
    domain="results",
    sentence="{value} of the first tries were right (course middle: {median})",
)
def first_try_share(a: "ir.Table") -> "ir.Value":
    """Share of the judged first attempts at items that were correct."""
    first = a.attempt == 1
    return a.correct.sum(where=first) / a.is_known.sum(where=first).nullif(0)


@feature(
    reads="answers",
    unit="hints",
    window=28,
    absent=0,
    domain="results",
    sentence="Asked for {value} hints in the last four weeks (course middle: {median})",
)
def hints_28d(a: "ir.Table") -> "ir.Value":
    """Hints taken in the last 28 days."""
    return a.hints.sum(where=a.age_days < 28)
