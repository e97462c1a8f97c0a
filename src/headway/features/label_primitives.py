"""What labels are made of: each function here gives the definition of one kind of thing that may happen next.

A definition receives `known.Later`, records already cut at the training cut-off, and returns one row per spine row it
can speak of: `row`, `value` (null where there is nothing to foresee), `evidence_at` (when the earliest thing it rests
on happened; null where it rests on an absence) and `resolved_at` (when the answer was known). Nothing here compares a
record's time with an as-of time or a cut-off: windows open where the spine says.

Silence counts only where somebody could have been heard: a window that ends after the run's last day and after
everybody's last activity says nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal

import ibis

from headway.features import known

if TYPE_CHECKING:
    import ibis.expr.types as ir

Define = Callable[[known.Later], "ir.Table"]
Event = Literal["withdrawal", "activity", "silence"]

PASS_MARK: Final = 0.4
MARKING_DAYS: Final = 14

FINISHED: Final = ("pass", "distinction")
NOT_FINISHED: Final = ("fail", "withdrawn")


def inactive(verbs: Sequence[str] = (), types: Sequence[str] = (), *, or_withdraws: bool = False) -> Define:
    """Whether the learner does nothing of that kind in the window.

    Args:
        verbs: which verbs count; empty for all.
        types: which types of activity count; empty for all.
        or_withdraws: also true for who leaves the run within the window; whoever has gone before it has no row.
    """

    def define(later: known.Later) -> "ir.Table":
        spine = _heard(later)
        acts = _acts(later, verbs, types)
        same = [
            spine.run == acts.run,
            spine.learner == acts.learner,
            acts.occurred_on > spine.opens_on,
            acts.occurred_on <= spine.closes_on,
        ]
        met = spine.left_join(acts, same, rname="act_{name}")
        counted = met.group_by("row", "opens_at", "closes_at", "heard").agg(
            acts=met.occurred_on.count(), first_at=met.occurred_at.min()
        )
        silent = (counted.acts == 0).cast("float64")
        if not or_withdraws:
            return counted.select(
                "row",
                value=ibis.ifelse(counted.heard, silent, None),
                evidence_at=counted.first_at,
                resolved_at=counted.closes_at,
            )
        both = counted.join(_leaving(later).filter(~ibis._.gone).select("row", "left_at"), "row")
        left = (both.left_at < both.closes_at).fill_null(False)
        silent = (both.acts == 0).cast("float64")
        return both.select(
            "row",
            value=ibis.ifelse(left, 1.0, ibis.ifelse(both.heard, silent, None)),
            evidence_at=ibis.ifelse(
                left, ibis.least(both.left_at, ibis.coalesce(both.first_at, both.left_at)), both.first_at
            ),
            resolved_at=both.closes_at,
        )

    return define


def withdraws() -> Define:
    """Whether the learner leaves the run within the window; who has gone by then could no longer be helped: no row."""

    def define(later: known.Later) -> "ir.Table":
        leaving = _leaving(later)
        in_time = leaving.filter(~leaving.gone)
        happened = (in_time.left_at < in_time.closes_at).fill_null(False)
        return in_time.select(
            "row",
            value=happened.cast("float64"),
            evidence_at=ibis.ifelse(happened, in_time.left_at, None),
            resolved_at=in_time.closes_at,
        )

    return define


def outcome(labels: Sequence[str], below: Mapping[str, float] | float | None = None) -> Define:
    """Whether the final result is one of `labels`, whatever their case, or its score lies below a mark.

    Args:
        labels: words of `outcomes.label`.
        below: a mark from 0 to 1, or one for each source whose scores are to be read so.
    """
    words = [label.casefold() for label in labels]

    def value(told: "ir.Table") -> "ir.Value":
        found = told.label.lower().strip().isin(words)
        if below is None:
            return found.cast("float64")
        if isinstance(below, Mapping):
            marks = [(told.run.startswith(f"{source}/"), ibis.literal(mark)) for source, mark in below.items()]
            mark = ibis.cases(*marks, else_=ibis.null("float64"))
        else:
            mark = ibis.literal(below)
        return (found | (told.final_score < mark).fill_null(False)).cast("float64")

    return lambda later: _final(later, value)


def score_below(mark: float) -> Define:
    """Whether the final score is below `mark`; no answer for whom there is no score."""
    return lambda later: _final(later, lambda told: (told.final_score < mark).cast("float64"))


def final_score() -> Define:
    """The final score."""
    return lambda later: _final(later, lambda told: told.final_score)


def decrease(days: int, share: float, verbs: Sequence[str] = (), types: Sequence[str] = ()) -> Define:
    """Whether the window's count is less than `share` of the learner's own mean of the windows before.

    Counted are interactions, and a hand-in as one. The windows before are as long and end where it opens; the first
    begins with the run, or with the learner's first day where that is later. Who has done nothing of the kind yet has
    nothing to decrease: no answer. After Bote-Lorenzo and Gómez-Sánchez (2018), doi:10.3217/jucs-024-08-1052, who
    compare a part of a course with the one before.

    Args:
        days: length of a window.
        share: how much less is a decrease: 0.5 for less than half.
        verbs: which verbs count; empty for all.
        types: which types of activity count; empty for all.
    """

    def define(later: known.Later) -> "ir.Table":
        spine = _heard(later)
        begins_on = ibis.greatest(spine.starts_on, spine.registered_on)
        whole = ((known.days_between(spine.opens_on, begins_on) + 1) / days).floor().cast("int64")
        spine = spine.mutate(windows=ibis.greatest(whole, 0))
        acts = _acts(later, verbs, types)
        daily = acts.group_by("run", "learner", "occurred_on").agg(
            n=ibis.greatest(acts.interactions, (acts.verb == "submitted").cast("int64")).sum(),
            occurred_at=acts.occurred_at.min(),
        )
        met = spine.left_join(
            daily,
            [spine.run == daily.run, spine.learner == daily.learner, daily.occurred_on <= spine.closes_on],
            rname="act_{name}",
        )
        offset = known.days_between(met.occurred_on, met.opens_on)
        counted = met.group_by("row", "closes_at", "heard", "windows").agg(
            n=met.n.sum(where=offset > 0).fill_null(0),
            before=met.n.sum(where=(offset <= 0) & (offset > -days * met.windows)).fill_null(0),
            first_at=met.occurred_at.min(where=offset > 0),
        )
        less = counted.n * counted.windows < ibis.literal(share) * counted.before
        return counted.select(
            "row",
            value=ibis.ifelse(counted.heard & (counted.before > 0), less.cast("float64"), None),
            evidence_at=counted.first_at,
            resolved_at=counted.closes_at,
        )

    return define


def passes(due_in_days: int | None, mark: float = PASS_MARK) -> Define:
    """Whether an assessment ahead reaches `mark`: one that is due on a certain day, or the next not handed in yet.

    Where several are due on that day, the one with the most weight counts. Resolved `MARKING_DAYS` after it was due,
    also for those who did not hand in, so that a fail is never known before a pass.

    Args:
        due_in_days: days from the as-of day to the due date; None for the next one, whatever its day, after the window
            opens, that the learner has not handed in by then.
        mark: from 0 to 1.
    """

    def define(later: known.Later) -> "ir.Table":
        ahead = _ahead(later)
        if due_in_days is not None:
            ahead = ahead.filter(known.days_between(ahead.due_on, ahead.as_of_on) == due_in_days)
            heaviest = ibis.window(group_by="row", order_by=[ibis.desc("weight"), "activity"])
            ahead = ahead.mutate(rank=ibis.row_number().over(heaviest))
            ahead = ahead.filter(ahead["rank"] == 0).drop("rank")
        else:
            ahead = ahead.filter(ahead.due_on > ahead.opens_on)
        keys = ["run", "activity", "learner"]
        full = ahead.left_join(_marks(later), keys, rname="mine_{name}")
        # Whoever has already handed it in has nothing left to pass: no row.
        still_open = full.filter(full.happened_at.isnull() | (full.happened_at >= full.opens_at))
        if due_in_days is None:
            given = _handed_in(later)
            still_open = still_open.left_join(given, keys, rname="given_{name}")
            still_open = still_open.filter(
                still_open.submitted_at.isnull() | (still_open.submitted_at >= still_open.opens_at)
            )
            still_open = _first_due(still_open)
        marked_by = still_open.due_at + ibis.interval(days=MARKING_DAYS)
        return still_open.select(
            "row",
            value=(still_open.score.fill_null(0.0) >= mark).cast("float64"),
            evidence_at=still_open.happened_at,
            resolved_at=ibis.greatest(marked_by, ibis.coalesce(still_open.released_at, marked_by)),
        )

    return define


def misses_next() -> Define:
    """Whether the next assessment is not handed in by its due date; no row for who has already handed it in."""

    def define(later: known.Later) -> "ir.Table":
        ahead = _ahead(later)
        ahead = _first_due(ahead.filter(ahead.due_on > ahead.opens_on))
        full = ahead.left_join(_handed_in(later), ["run", "learner", "activity"], rname="mine_{name}")
        told = later.statements.filter(later.statements.verb == "submitted").select("run").distinct().mutate(told=True)
        full = full.left_join(told, "run", rname="told_{name}")
        open_ones = full.filter(full.submitted_at.isnull() | (full.submitted_at >= full.opens_at))
        missed = (open_ones.submitted_on > open_ones.due_on).fill_null(True)
        # Where only marks tell who handed in, it is known once they are out.
        marked_by = open_ones.due_at + ibis.interval(days=MARKING_DAYS)
        return open_ones.select(
            "row",
            value=missed.cast("float64"),
            evidence_at=open_ones.submitted_at,
            resolved_at=ibis.ifelse(open_ones.told.fill_null(False), open_ones.due_at, marked_by),
        )

    return define


def days_to(event: Event, most: int | None, verbs: Sequence[str] = (), types: Sequence[str] = ()) -> Define:
    """Days from the opening of the window to the next day with the event.

    Args:
        event: "activity" or "withdrawal".
        most: length of the window; who has no event in it gets this number, as in a restricted mean survival time
            (Royston and Parmar 2013, doi:10.1186/1471-2288-13-152), so that every learner has an answer on the same
            day. None: until the run ends, and no answer for who has none by then.
        verbs: of activity, which verbs count; empty for all.
        types: of activity, which types count; empty for all.
    """

    def define(later: known.Later) -> "ir.Table":
        spine = _heard(later) if event == "activity" else later.spine.mutate(heard=True)
        met = spine.join(_next_day(later, event, verbs, types), "row", rname="next_{name}")
        days = known.days_between(met.next_on, met.opens_on).cast("float64")
        if most is None:
            # Who has gone has an answer too: that there is nothing left to foresee.
            return met.select("row", value=days, evidence_at=met.next_at, resolved_at=_end_of_run(met))
        within = (days <= most).fill_null(False)
        return met.select(
            "row",
            value=ibis.ifelse(met.heard & ~met.gone, ibis.ifelse(within, days, float(most)), None),
            evidence_at=ibis.ifelse(within, met.next_at, None),
            resolved_at=met.closes_at,
        )

    return define


def followed(event: Event, silent_days: int = 14) -> tuple[Define, Define]:
    """How many days the learner is followed, until the event or the end of the run; and whether it was the event.

    Both have the same rows, and all are resolved when the run ends, so that nobody trains for having left early.

    Args:
        event: "withdrawal", or "silence": the last activity, where at least `silent_days` without any come after it
            and the learner did not finish. Who was active until then is censored that many days before the end.
        silent_days: see above.
    """

    def times(later: known.Later) -> "ir.Table":
        met = later.spine.join(_last_day(later, event), "row", rname="last_{name}")
        ahead = (met.ends_on > met.opens_on) & ~met.gone
        days_left = known.days_between(met.ends_on, met.opens_on)
        last = known.days_between(met.last_on, met.opens_on)
        if event == "silence":
            days_left = ibis.greatest(days_left - silent_days + 1, 0)
            last = last.fill_null(0)
            seen = (last < days_left) & ~met.finished
        else:
            seen = (last <= days_left).fill_null(False)
        return met.mutate(
            days=ibis.ifelse(ahead, ibis.ifelse(seen, last, days_left).cast("float64"), None),
            seen=ibis.ifelse(ahead, seen.cast("float64"), None),
            evidence_at=ibis.ifelse(ahead & seen, met.last_at, None),
            resolved_at=_end_of_run(met),
        )

    def days(later: known.Later) -> "ir.Table":
        found = times(later)
        return found.select("row", "evidence_at", "resolved_at", value=found.days)

    def seen(later: known.Later) -> "ir.Table":
        found = times(later)
        return found.select("row", "evidence_at", "resolved_at", value=found.seen)

    return days, seen


def attribute(name: str, values: Sequence[str], days: int) -> Define:
    """Whether an attribute that was told later has one of `values`: a data set's own truth.

    Args:
        name: the attribute's name.
        values: which of its values are true; any other is false.
        days: how many days before it holds what it speaks of began; a row whose window opens later has no answer.
    """

    def define(later: known.Later) -> "ir.Table":
        told = later.attributes.filter(later.attributes["name"] == name)
        latest = ibis.window(
            group_by=["run", "learner"],
            order_by=[ibis.desc("valid_from"), ibis.desc("recorded_at"), ibis.desc("id")],
        )
        ranked = told.mutate(rank=ibis.row_number().over(latest))
        last = ranked.filter(ranked["rank"] == 0).select("run", "learner", "value", "valid_from", "recorded_at")
        met = later.spine.join(last, ["run", "learner"], rname="told_{name}")
        began_at = met.valid_from - ibis.interval(days=days)
        ahead = began_at >= met.opens_at
        return met.select(
            "row",
            value=ibis.ifelse(ahead, met.value.isin(list(values)).cast("float64"), None),
            evidence_at=ibis.ifelse(ahead, began_at, None),
            resolved_at=met.recorded_at,
        )

    return define


def _heard(later: known.Later) -> "ir.Table":
    """The spine with `heard`: whether silence in the window would be the learner's own."""
    acts = later.statements.filter(later.statements.interactions > 0)
    last = acts.group_by("run").agg(heard_on=acts.occurred_on.max())
    spine = later.spine.left_join(last, "run", rname="heard_{name}")
    until = ibis.greatest(spine.ends_on, ibis.coalesce(spine.heard_on, spine.ends_on))
    return spine.mutate(heard=(spine.closes_on <= until).fill_null(True)).drop("heard_on", "heard_run")


def _acts(later: known.Later, verbs: Sequence[str] = (), types: Sequence[str] = ()) -> "ir.Table":
    """What learners did, of these verbs and types; a hand-in counts where it is asked for, whatever its clicks."""
    acts = later.statements
    if verbs:
        acts = acts.filter(acts.verb.isin(list(verbs)))
    counted = acts.interactions > 0
    acts = acts.filter(counted | (acts.verb == "submitted") if verbs or types else counted)
    if types:
        told = later.activities
        first = ibis.window(group_by=["run", "activity"], order_by=["recorded_at", "id"])
        ranked = told.mutate(rank=ibis.row_number().over(first))
        named = ranked.filter(ranked["rank"] == 0).select("run", "type", object="activity")
        acts = acts.left_join(named, ["run", "object"], rname="named_{name}")
        acts = acts.filter(ibis.coalesce(acts.object_type, acts.type).isin(list(types)))
    return acts.select("run", "learner", "verb", "occurred_at", "occurred_on", "interactions")


def _leaving(later: known.Later) -> "ir.Table":
    """Each spine row with `left_at`, the first withdrawal from its opening on, and `gone`: whether it came before."""
    spine = later.spine
    changes = later.enrolments
    same = [spine.run == changes.run, spine.learner == changes.learner]
    met = spine.left_join(changes, same, rname="change_{name}")
    left = met.status == "withdrawn"
    ahead = left & (met.valid_from >= met.opens_at)
    first = met.group_by("row", "opens_at", "closes_at").agg(
        left_at=met.valid_from.min(where=ahead),
        left_on=met.valid_from_on.min(where=ahead),
        gone_at=met.valid_from.max(where=left & (met.valid_from < met.opens_at)),
        back_at=met.valid_from.max(where=(met.status == "enrolled") & (met.valid_from < met.opens_at)),
    )
    # Who has gone by then, within the action gap or before word of it came, could no longer be helped.
    back = (first.gone_at < first.back_at).fill_null(False)
    return first.mutate(gone=first.gone_at.notnull() & ~back)


_FIRST: Final = {"next_on": "left_on", "next_at": "left_at"}


def _next_day(later: known.Later, event: Event, verbs: Sequence[str], types: Sequence[str]) -> "ir.Table":
    """`row`, `next_on` and `next_at` of the first event ahead, null where there is none or the learner has `gone`."""
    if event == "withdrawal":
        leaving = _leaving(later)
        ahead = {name: ibis.ifelse(leaving.gone, None, leaving[of]) for name, of in _FIRST.items()}
        return leaving.select("row", "gone", **ahead)
    spine, acts = later.spine, _acts(later, verbs, types)
    same = [spine.run == acts.run, spine.learner == acts.learner, acts.occurred_on > spine.opens_on]
    met = spine.left_join(acts, same, rname="act_{name}")
    first = met.group_by("row").agg(next_on=met.occurred_on.min(), next_at=met.occurred_at.min())
    return first.mutate(gone=False)


def _last_day(later: known.Later, event: Event) -> "ir.Table":
    """`row`, `last_on` and `last_at`: the withdrawal, or the run's last activity; who `finished`, who had `gone`."""
    if event == "withdrawal":
        leaving = _leaving(later)
        return leaving.select("row", "gone", last_on="left_on", last_at="left_at", finished=False)
    spine, acts = later.spine, _acts(later)
    same = [
        spine.run == acts.run,
        spine.learner == acts.learner,
        acts.occurred_on > spine.opens_on,
        acts.occurred_on <= spine.ends_on,
    ]
    met = spine.left_join(acts, same, rname="act_{name}")
    # The last activity is told by its day; the first one after the opening is the earliest thing that it rests on.
    last = met.group_by("row").agg(last_on=met.occurred_on.max(), last_at=met.occurred_at.min())
    done = _latest_outcomes(later)
    done = done.filter(done.label.isin(FINISHED)).select("run", "learner", done=True)
    about = spine.left_join(done, ["run", "learner"], rname="done_{name}")
    about = about.select("row", finished=about.done.fill_null(False))
    return last.join(about, "row").mutate(gone=False)


def _end_of_run(spine: "ir.Table") -> "ir.Value":
    """The end of the run's last day, by days of 24 hours; the opening of the window where that is later."""
    days = known.days_between(spine.ends_on, spine.opens_on)
    return spine.opens_at + ibis.greatest(days, 0).as_interval("D")


def _latest_outcomes(later: known.Later) -> "ir.Table":
    latest = ibis.window(group_by=["run", "learner"], order_by=[ibis.desc("recorded_at"), ibis.desc("id")])
    ranked = later.outcomes.mutate(rank=ibis.row_number().over(latest))
    return ranked.filter(ranked["rank"] == 0)


def _final(later: known.Later, value: Callable[["ir.Table"], "ir.Value"]) -> "ir.Table":
    met = later.spine.join(_latest_outcomes(later), ["run", "learner"], rname="outcome_{name}")
    if later.everyone:
        return met.select("row", value=value(met), evidence_at=met.occurred_at, resolved_at=met.recorded_at)
    # An outcome from within the action gap could no longer be changed: known, but nothing to foresee.
    ahead = met.occurred_at >= met.opens_at
    return met.select(
        "row",
        value=ibis.ifelse(ahead, value(met), None),
        evidence_at=ibis.ifelse(ahead, met.occurred_at, None),
        resolved_at=met.recorded_at,
    )


def _ahead(later: known.Later) -> "ir.Table":
    """Each spine row beside each assessment of its run that is no exam, as last announced."""
    plan = known.assessments(later.activities)
    plan = plan.filter(plan.type != "exam").select("run", "activity", "weight", "due_on", "due_at")
    return later.spine.join(plan, "run", rname="plan_{name}")


def _first_due(ahead: "ir.Table") -> "ir.Table":
    """For each spine row the assessment that is due first."""
    first = ibis.window(group_by="row", order_by=["due_on", "activity"])
    ranked = ahead.mutate(rank=ibis.row_number().over(first))
    return ranked.filter(ranked["rank"] == 0).drop("rank")


def _marks(later: known.Later) -> "ir.Table":
    """The best mark of each learner for each assessment, when the first attempt happened and the last was told."""
    own = later.results.filter(~later.results.transferred)
    return own.group_by("run", "activity", "learner").agg(
        score=own.score.max(), happened_at=own.occurred_at.min(), released_at=own.recorded_at.max()
    )


def _handed_in(later: known.Later) -> "ir.Table":
    """When each learner first handed in each assessment, told by statements or by results."""
    said = later.statements.filter(later.statements.verb == "submitted")
    marked = later.results.filter(~later.results.transferred & later.results.submitted_on.notnull())
    both = said.select("run", "learner", "occurred_at", "occurred_on", activity="object").union(
        marked.select("run", "learner", "occurred_at", "activity", occurred_on="submitted_on").select(
            "run", "learner", "occurred_at", "occurred_on", "activity"
        )
    )
    return both.group_by("run", "learner", "activity").agg(
        submitted_on=both.occurred_on.min(), submitted_at=both.occurred_at.min()
    )
