"""What learners write in forums, and whether they are answered."""

from typing import TYPE_CHECKING

from headway.features.definition import feature

if TYPE_CHECKING:
    import ibis.expr.types as ir


@feature(
    reads="posts",
    unit="posts",
    window=28,
    absent=0,
    domain="forum",
    sentence="Wrote {value} posts in the last four weeks (course middle: {median})",
)
def posts_28d(p: "ir.Table") -> "ir.Value":
    """Posts and replies written in the last 28 days."""
    return (p.age_days < 28).sum()


@feature(
    reads="posts",
    unit="posts",
    absent=0,
    domain="forum",
    sentence="Wrote {value} posts so far (course middle: {median})",
)
def posts_total(p: "ir.Table") -> "ir.Value":
    """Posts and replies written so far."""
    return p.count()


@feature(
    reads="posts",
    unit="replies",
    absent=0,
    domain="forum",
    sentence="Answered others {value} times (course middle: {median})",
)
def replies_given(p: "ir.Table") -> "ir.Value":
    """Replies written to others so far."""
    return p.is_reply.sum()


@feature(
    reads="posts",
    unit="replies",
    absent=0,
    changeable=False,
    domain="forum",
    sentence="Got {value} replies (course middle: {median})",
)
def replies_received(p: "ir.Table") -> "ir.Value":
    """Replies of others, staff among them, to what the learner wrote."""
    return p.answers.sum()


@feature(
    reads="posts",
    unit="posts",
    window=28,
    absent=0,
    changeable=False,
    domain="forum",
    sentence="{value} own posts still wait for an answer (course middle: {median})",
)
def posts_waiting(p: "ir.Table") -> "ir.Value":
    """Own posts that began a thread in the last 28 days and have no reply yet."""
    return ((p.age_days < 28) & ~p.is_reply & ~p.is_answered).sum()
