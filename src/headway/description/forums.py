"""Who reads and who writes in forums, which questions got no answer, and how long the others waited."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import ibis
import numpy as np

from headway.description.ground import LEARNERS, Ground
from headway.description.groups import SMALLEST, Part, Spread, part, spread

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

PLACES: Final = ("forum", "thread", "message")
WRITING: Final = ("posted", "replied")
ANSWER_DAYS: Final = 7
"""A question without any reply for so long counts as unanswered."""

FEWEST_THREADS: Final = 5


@dataclass(frozen=True, slots=True)
class Forums:
    """How the forums were used.

    Attributes:
        took_part: who read or wrote anything.
        read: who opened a forum or thread.
        wrote: who posted or replied; None where no post of anyone is in the record, which may be the source's doing.
        posts: posts of each writer, threads and replies together.
        threads: how many threads learners opened; None where fewer than five learners wrote, or the source does not
            tell threads and replies apart.
        waited_for: of them, those that are at least seven days old.
        unanswered: of these, without a reply of anyone else within seven days.
        hours_to_reply: hours to the first reply of someone else, over answered threads; None where fewer than five.
        answered_by_staff: share of first replies that staff wrote; None where fewer than five.
    """

    took_part: Part
    read: Part
    wrote: Part | None
    posts: Spread
    threads: int | None
    waited_for: int | None
    unanswered: int | None
    hours_to_reply: float | None
    answered_by_staff: float | None


def forums(place: Ground) -> Forums | None:
    """The forums of the run; None where nobody is known to have opened one."""
    folded = place.folded.filter(place.folded.type.isin(PLACES) | place.folded.verb.isin(WRITING))
    per_learner = folded.group_by("who").agg(
        writes=folded.statements.sum(where=folded.verb.isin(WRITING)).fill_null(0),
        reads=folded.interactions.sum(where=~folded.verb.isin(WRITING)).fill_null(0),
    )
    rows = place.records.collect(per_learner.order_by("who"))
    if not rows.num_rows:
        return None
    writes = rows["writes"].to_numpy(zero_copy_only=False)
    reads = rows["reads"].to_numpy(zero_copy_only=False)
    wrote = int((writes > 0).sum())
    threads, waited, unanswered, hours, staff = _answers(place) if wrote >= SMALLEST else _NOT_KNOWN
    return Forums(
        took_part=part(rows.num_rows, place.size),
        read=part(int((reads > 0).sum()), place.size),
        wrote=part(wrote, place.size) if wrote else None,
        posts=spread(writes[writes > 0].astype(np.float64)),
        threads=threads,
        waited_for=waited,
        unanswered=unanswered,
        hours_to_reply=hours,
        answered_by_staff=staff,
    )


_Answers = tuple[int | None, int | None, int | None, float | None, float | None]
_NOT_KNOWN: Final[_Answers] = (None, None, None, None, None)


def _answers(place: Ground) -> _Answers:
    """Threads, those old enough, those unanswered; median hours to the first reply; share answered by staff."""
    rows = place.records.collect(_first_replies(place).order_by("thread"))
    threads = rows.num_rows
    replies = _replies(place)
    if not threads or not place.records.collect(replies.agg(n=replies.count()))["n"][0].as_py():
        return _NOT_KNOWN
    waited = _old_enough(place, rows)
    hours = rows["hours"].to_numpy(zero_copy_only=False)
    answered = np.isfinite(hours)
    unanswered = int((waited & ~(hours <= ANSWER_DAYS * 24)).sum())
    if answered.sum() < FEWEST_THREADS:
        return threads, int(waited.sum()), unanswered, None, None
    staff = np.asarray(rows["staff"].to_pylist(), dtype=object)[answered].astype(bool)
    return (
        threads,
        int(waited.sum()),
        unanswered,
        round(float(np.median(hours[answered])), 1),
        round(float(staff.mean()), 3),
    )


def _old_enough(place: Ground, rows: "pa.Table") -> "np.typing.NDArray[np.bool_]":
    days = rows["day"].to_numpy(zero_copy_only=False)
    return np.asarray(days + ANSWER_DAYS <= place.last_day)


def _first_replies(place: Ground) -> "ir.Table":
    """Each thread that a learner opened: `thread`, `day`, `hours` to the first reply of someone else, `staff`."""
    posted = place.acts.filter((place.acts.verb == "posted") & place.acts.object.notnull())
    # Where the object is the forum itself, nothing says which reply belongs to which thread.
    posted = posted.filter(posted.type != "forum")
    first = posted.mutate(nth=ibis.row_number().over(ibis.window(group_by="object", order_by=["occurred_at", "id"])))
    threads = first.filter(first.nth == 0).select(
        thread="object", by="learner", asked_at="occurred_at", day=first.day.cast("float64")
    )
    replies = _replies(place)
    both = threads.join(replies, [threads.thread == replies.answers, threads.by != replies.learner])
    both = both.filter(both.occurred_at >= both.asked_at)
    ranked = both.mutate(nth=ibis.row_number().over(ibis.window(group_by="thread", order_by=["occurred_at", "id"])))
    reply = ranked.filter(ranked.nth == 0)
    hours = reply.occurred_at.delta(reply.asked_at, unit="second") / 3600.0
    found = reply.select("thread", hours=hours.cast("float64"), staff=reply.staff)
    joined = threads.left_join(found, "thread", rname="r_{name}")
    return joined.select("thread", "day", "hours", staff=joined.staff.fill_null(False))


def _replies(place: Ground) -> "ir.Table":
    """Replies of anyone, staff too, with the thread that they answer: their parent, or the parent of that post."""
    known = ibis.table(ibis.Schema.from_pyarrow(LEARNERS), name="described_learners").select("learner")
    rows = place.records.table("statements")
    rows = rows.filter((rows.run == place.about.run) & (rows.verb == "replied") & rows.parent.notnull())
    rows = rows.filter(rows.role.isnull() | (rows.role != "automated"))
    rows = rows.mutate(staff=(rows.role == "instructor").fill_null(False) | ~rows.learner.isin(known.learner))
    posts = rows.filter(rows.object.notnull()).select(post="object", above="parent").distinct(on="post")
    beside = rows.left_join(posts, rows.parent == posts.post)
    direct = beside.select("id", "learner", "occurred_at", "staff", answers=beside.parent)
    above = beside.filter(beside.above.notnull()).select("id", "learner", "occurred_at", "staff", answers=beside.above)
    return direct.union(above)
