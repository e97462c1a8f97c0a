"""What learners did at a known time of day: hours, sessions with time on task, and recordings."""

from typing import TYPE_CHECKING, Final

import ibis

from headway.features.known import Sources
from headway.features.sessions import sessions
from headway.features.spans import NEVER, Spans

if TYPE_CHECKING:
    import ibis.expr.types as ir

BAND_HOURS: Final = 4
"""Hours of the day are told apart by fours: night, early, morning, midday, afternoon, evening."""

VIDEO_VERBS: Final = ("played", "paused", "seeked", "completed", "progressed")
FASTEST: Final = 2.0
"""The highest speed at which players play; a piece longer than this allows was jumped over, not watched."""

SLACK_S: Final = 5.0


def hours(sources: Sources) -> Spans:
    """See `headway.features.relations`."""
    acts = _stamped(sources)
    banded = acts.mutate(band=(acts.hour // BAND_HOURS).cast("int32"))
    rows = banded.group_by("enrolment", "run_no", "step", "band").agg(interactions=banded.count())
    return Spans(_for_good(rows, "band", "interactions"), always=frozenset({"band", "interactions"}), made_of=acts)


def sessions_a_day(sources: Sources) -> Spans:
    """See `headway.features.relations`."""
    acts = _stamped(sources)
    seen = _as_known(acts, ["enrolment", "run_no", "occurred_on"])
    each = sessions(seen, of=("enrolment", "run_no", "occurred_on", "version"))
    rows = each.group_by("enrolment", "run_no", "occurred_on", "version").agg(
        sessions=each.count(), seconds=each.seconds.sum(), longest_s=each.seconds.max()
    )
    return Spans(
        _until_next(rows, ["enrolment", "occurred_on"]),
        ages={"age_days": "occurred_on"},
        always=frozenset({"occurred_on", "sessions", "seconds", "longest_s"}),
        made_of=acts,
    )


def videos(sources: Sources) -> Spans:
    """See `headway.features.relations`."""
    acts = _stamped(sources)
    acts = acts.filter(acts.verb.isin(VIDEO_VERBS) & acts.object.notnull() & (acts.object_type == "video"))
    acts = sources.keep("watching", acts)
    keys = ["enrolment", "run_no", "object", "occurred_on"]
    seen = _as_known(acts, keys)
    order = ibis.window(group_by=[*keys, "version"], order_by=["occurred_at", "id"])
    seen = seen.mutate(
        ends_s=ibis.coalesce(seen.from_s, seen.position_s).lead().over(order),
        passed_s=seen.occurred_at.lead().over(order).delta(seen.occurred_at, unit="microsecond") / 1e6,
    )
    piece_s = seen.ends_s - seen.position_s
    plays_on = seen.verb.isin(["played", "seeked", "progressed"]) & (piece_s > 0)
    watched = plays_on & (piece_s <= seen.passed_s * FASTEST + SLACK_S)
    jumps = seen.verb == "seeked"
    daily = seen.group_by(*keys, "version").agg(
        plays=(seen.verb == "played").sum(),
        pauses=(seen.verb == "paused").sum(),
        back=(jumps & (seen.position_s < seen.from_s)).fill_null(False).sum(),
        forward=(jumps & (seen.position_s > seen.from_s)).fill_null(False).sum(),
        # Where a source measures what was watched it need not tell places.
        watched_s=ibis.coalesce(piece_s.sum(where=watched), seen.duration_s.sum(), 0.0),
    )
    rows = _until_next(daily, ["enrolment", "object", "occurred_on"])
    return Spans(
        _with_share(rows, _lengths(sources)),
        ages={"age_days": "occurred_on"},
        always=frozenset({"occurred_on", "video", "plays", "pauses", "back", "forward", "watched_s", "share"}),
        made_of=acts,
    )


def _lengths(sources: Sources) -> "ir.Table":
    """The length by which each recording was first announced, and the step of that."""
    told = sources.activities.filter(sources.activities.duration_s > 0)
    first = ibis.window(group_by=["run_no", "activity"], order_by=["recorded_at", "id"])
    ranked = told.mutate(rank=ibis.row_number().over(first))
    return ranked.filter(ranked["rank"] == 0).select("run_no", "duration_s", object="activity", length_step="step")


def _with_share(rows: "ir.Table", lengths: "ir.Table") -> "ir.Table":
    """Two rows for each: what was done, and, once the length is known too, what share of the recording that is."""
    columns = (
        *("enrolment", "run_no", "occurred_on", "video", "from_step", "until_step"),
        *("plays", "pauses", "back", "forward", "watched_s", "share"),
    )
    done = rows.mutate(video=rows.object, share=ibis.literal(0.0)).select(*columns)
    met = rows.join(lengths, ["run_no", "object"])
    none = dict.fromkeys(("plays", "pauses", "back", "forward"), ibis.literal(0, "int64"))
    shares = met.mutate(
        **none,
        video=met.object,
        watched_s=ibis.literal(0.0),
        share=ibis.least(met.watched_s / met.duration_s, 1.0),
        from_step=ibis.greatest(met.from_step, met.length_step),
    )
    shares = shares.filter(shares.from_step < shares.until_step)
    return done.union(shares.select(*columns))


def _stamped(sources: Sources) -> "ir.Table":
    return sources.keep("stamped", sources.stamped)


def _as_known(acts: "ir.Table", keys: list[str]) -> "ir.Table":
    """Each act beside every `version` of its thing that holds it: one for each step at which more of it was known."""
    versions = acts.select(*keys, version="step").distinct()
    same = [acts[key] == versions[key] for key in keys]
    met = acts.join(versions, [*same, acts.step <= versions.version], rname="version_{name}")
    return met.drop(*(f"version_{key}" for key in keys))


def _until_next(rows: "ir.Table", keys: list[str]) -> "ir.Table":
    """Versions of things as spans: each holds until the next version of the same thing."""
    next_one = ibis.window(group_by=keys, order_by="version")
    until = rows.version.lead().over(next_one).fill_null(ibis.literal(NEVER, "int32"))
    return rows.mutate(from_step=rows.version, until_step=until).drop("version")


def _for_good(rows: "ir.Table", *columns: str) -> "ir.Table":
    """Numbers to be added up, each from its step on."""
    until = ibis.literal(NEVER, "int32")
    return rows.select("enrolment", "run_no", *columns, from_step="step", until_step=until)
