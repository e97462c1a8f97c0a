"""What learners write: how much, whether they ask, and how often they speak of difficulty."""

from typing import TYPE_CHECKING

from headway.features.definition import feature

if TYPE_CHECKING:
    import ibis.expr.types as ir


@feature(
    reads="texts",
    unit="texts",
    window=28,
    absent=0,
    domain="forum",
    sentence="Asked in {value} texts in the last four weeks (course middle: {median})",
)
def questions_28d(t: "ir.Table") -> "ir.Value":
    """Forum posts and survey answers of the last 28 days with a question mark."""
    return ((t.age_days < 28) & t.asks).sum()


@feature(
    reads="texts",
    unit="texts",
    window=28,
    absent=0,
    domain="forum",
    sentence="Wrote of difficulty in {value} texts in the last four weeks (course middle: {median})",
)
def difficulty_texts_28d(t: "ir.Table") -> "ir.Value":
    """Forum posts and survey answers of the last 28 days that speak of difficulty, in English words."""
    return ((t.age_days < 28) & t.is_difficult).sum()


@feature(
    reads="texts",
    unit="share",
    bounds=(0, 1),
    domain="forum",
    sentence="Share of own texts that speak of difficulty is {value} (course middle: {median})",
)
def difficulty_share(t: "ir.Table") -> "ir.Value":
    """Share of all forum posts and survey answers so far that speak of difficulty, in English words."""
    return t.is_difficult.sum() / t.count().nullif(0)


@feature(
    reads="texts",
    unit="words",
    window=28,
    domain="forum",
    sentence="Texts of the last four weeks have {value} words on average (course middle: {median})",
)
def words_a_text_28d(t: "ir.Table") -> "ir.Value":
    """Mean number of words of the forum posts and survey answers of the last 28 days."""
    recent = t.age_days < 28
    return t.words.sum(where=recent) / recent.sum().nullif(0)
