"""Which skills a learner has come to master, and which stay open, by the counts of their answers.

Mastery is (right + 1) / (answers + 2), and the line for it 0.8; see `headway.features.relations.practice`.
"""

from typing import TYPE_CHECKING

from headway.features.definition import feature
from headway.features.relations.practice import LEAST_ANSWERS, MASTERED_FROM

if TYPE_CHECKING:
    import ibis.expr.types as ir


@feature(
    reads="skills",
    unit="skills",
    absent=0,
    domain="results",
    sentence="Practised {value} skills so far (course middle: {median})",
)
def skills_practised(s: "ir.Table") -> "ir.Value":
    """Skills on which a judged answer was given."""
    return s.count()


@feature(
    reads="skills",
    unit="skills",
    absent=0,
    domain="results",
    sentence="Has mastered {value} of the skills practised (course middle: {median})",
)
def skills_mastered(s: "ir.Table") -> "ir.Value":
    """Skills with at least three answers and a mastery of 0.8 or more."""
    return ((s.mastery >= MASTERED_FROM) & (s.answers >= LEAST_ANSWERS)).sum()


@feature(
    reads="skills",
    unit="skills",
    absent=0,
    domain="results",
    sentence="{value} skills with less than half of the answers right (course middle: {median})",
)
def skills_open(s: "ir.Table") -> "ir.Value":
    """Skills with at least three answers of which less than half were right."""
    return ((s.answers >= LEAST_ANSWERS) & (s.right * 2 < s.answers)).sum()


@feature(
    reads="skills",
    unit="skills",
    window=14,
    absent=0,
    domain="results",
    sentence="Began {value} new skills in the last two weeks (course middle: {median})",
)
def skills_begun_14d(s: "ir.Table") -> "ir.Value":
    """Skills whose first judged answer was given in the last 14 days."""
    return (s.first_age_days < 14).sum()


@feature(
    reads="skills",
    unit="share",
    bounds=(0, 1),
    domain="results",
    sentence="Mastery of the least mastered skill is {value} (course middle: {median})",
)
def mastery_lowest(s: "ir.Table") -> "ir.Value":
    """Mastery of the skill that is least mastered."""
    return s.mastery.min()


@feature(
    reads="skills",
    unit="share",
    bounds=(0, 1),
    domain="results",
    sentence="Mastery of the skills practised is {value} on average (course middle: {median})",
)
def mastery_mean(s: "ir.Table") -> "ir.Value":
    """Mean mastery of the skills practised."""
    return s.mastery.mean()


@feature(
    reads="answers",
    unit="share",
    bounds=(-1, 1),
    domain="results",
    sentence="Share of right answers, last two weeks less before, is {value} (course middle: {median})",
)
def correct_share_change_14d(a: "ir.Table") -> "ir.Value":
    """Share of the judged answers of the last 14 days that were right, less that of the answers before."""
    recent, before = a.age_days < 14, a.age_days >= 14
    now = a.correct.sum(where=recent) / a.is_known.sum(where=recent).nullif(0)
    return now - a.correct.sum(where=before) / a.is_known.sum(where=before).nullif(0)
