"""How much of each recording was watched, and where in it learners stop.

What was watched is the union of the pieces between a start and the next event of the same learner and recording, so
that watching twice counts once. A piece must fit the clock: at most twice the time that passed. Where a source knows
no places, its own watched seconds or progress are used, and the description says which.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headway.description.ground import Ground
from headway.description.groups import SMALLEST, Part, Spread, part, spread
from headway.description.names import from_id

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from numpy.typing import NDArray

VERBS: Final = ("played", "paused", "seeked", "completed", "progressed")
FASTEST: Final = 2.0
"""The highest speed at which players play; a piece longer than this allows was jumped over, not watched."""

SLACK_S: Final = 5.0
HALF: Final = 0.5
BINS: Final = 20
NEARLY_OVER: Final = 0.9
"""Who stops in the last tenth has seen it: titles and thanks are no drop-off."""

LENGTH_QUANTILE: Final = 0.95

Basis = Literal["places", "watched time", "progress", "not known"]


@dataclass(frozen=True, slots=True)
class Stop:
    """The stretch of a recording in which most of its viewers stopped for good: from, to, and how many of them."""

    from_s: float
    to_s: float
    viewers: Part


@dataclass(frozen=True, slots=True)
class Video:
    """One recording.

    Attributes:
        activity: its id.
        name: as people call it.
        basis: what the watched shares rest on.
        length_s: its length in seconds; None where neither known nor to be estimated.
        length_estimated: whether it is only the 95th percentile of the places that events name.
        viewers: who played any of it.
        watched: share of it that each viewer watched.
        half: who watched at least half, of all learners.
        seen: share of viewers who saw each twentieth of it; empty where places are not known.
        stop: the clearest place at which viewers stop before the last tenth; None where none is clear or known.
    """

    activity: str
    name: str
    basis: Basis
    length_s: float | None
    length_estimated: bool
    viewers: Part
    watched: Spread
    half: Part | None
    seen: tuple[float, ...] = ()
    stop: Stop | None = None


def videos(place: Ground, names: dict[str, str]) -> tuple[Video, ...]:
    """The recordings that at least five learners played, in the order in which they are mostly seen."""
    acts = place.acts.filter(place.acts.verb.isin(VERBS) & place.acts.object.notnull())
    acts = acts.filter((acts.type == "video") | acts.position_s.notnull())
    first = place.records.collect(
        acts.group_by("object").agg(
            viewers=acts.who.nunique(),
            middle=acts.day.cast("float64").median(),
            at=acts.position_s.quantile(LENGTH_QUANTILE),
        )
    ).sort_by([("middle", "ascending"), ("object", "ascending")])
    told = {row["object"]: row for row in first.to_pylist() if row["viewers"] >= SMALLEST}
    if not told:
        return ()
    lengths = {row["activity"]: row["duration_s"] for row in place.activities.to_pylist()}
    pieces = place.records.collect(_watched(acts).order_by("object", "who", "from_s"))
    other = place.records.collect(
        acts.group_by("object", "who")
        .agg(seconds=acts.duration_s.sum(), progress=acts.progress.max())
        .order_by("object", "who")
    )
    return tuple(
        _video(place, each, names.get(each) or from_id(each, "video"), lengths.get(each), row["at"], pieces, other)
        for each, row in told.items()
    )


def _watched(acts: "ir.Table") -> "ir.Table":
    """The watched pieces (`object`, `who`, `from_s`, `to_s`), overlapping ones merged."""
    placed = acts.filter(acts.position_s.notnull())
    order = ibis.window(group_by=["who", "object"], order_by=["occurred_at", "id"])
    after = placed.mutate(
        ends_s=ibis.coalesce(placed.from_s, placed.position_s).lead().over(order),
        passed_s=placed.occurred_at.lead().over(order).delta(placed.occurred_at, unit="microsecond") / 1e6,
        next_verb=placed.verb.lead().over(order),
    )
    runs = after.filter(after.verb.isin(["played", "seeked", "progressed"]) & (after.ends_s > after.position_s))
    runs = runs.filter(runs.ends_s - runs.position_s <= runs.passed_s * FASTEST + SLACK_S)
    pieces = runs.select("object", "who", from_s=ibis.greatest(runs.position_s, ibis.literal(0.0)), to_s=runs.ends_s)
    by_start = {"group_by": ["object", "who"], "order_by": ["from_s", "to_s"]}
    reached = pieces.mutate(reached=pieces.to_s.max().over(ibis.window(**by_start, preceding=(None, 1))))
    begins = reached.mutate(begins=(reached.reached.isnull() | (reached.from_s > reached.reached)).cast("int64"))
    numbered = begins.mutate(piece=begins.begins.sum().over(ibis.window(**by_start, preceding=None, following=0)))
    return (
        numbered.group_by("object", "who", "piece")
        .agg(from_s=numbered.from_s.min(), to_s=numbered.to_s.max())
        .drop("piece")
    )


def _video(
    place: Ground,
    each: str,
    name: str,
    length: float | None,
    reached: float | None,
    pieces: pa.Table,
    other: pa.Table,
) -> Video:
    own = other.filter(pc.equal(other["object"], each))
    viewers = _whole(own["who"])
    placed = pieces.filter(pc.equal(pieces["object"], each))
    estimated = not length
    length_s = float(length) if length else (round(float(reached), 1) if reached else None)
    watched, basis = _shares(viewers, placed, own, length_s)
    told = part(len(viewers), place.size)
    if basis == "not known":
        return Video(each, name, basis, length_s, estimated, told, Spread(0), None)
    half = part(int((watched >= HALF).sum()), place.size)
    if basis != "places" or length_s is None:
        return Video(each, name, basis, length_s, estimated, told, spread(watched), half)
    seen, stop = _curve(viewers, placed, length_s)
    return Video(each, name, basis, length_s, estimated, told, spread(watched), half, seen, stop)


def _shares(
    viewers: "NDArray[np.int64]", placed: pa.Table, own: pa.Table, length_s: float | None
) -> tuple["NDArray[np.float64]", Basis]:
    """The share that each viewer watched, and what that rests on."""
    if placed.num_rows and length_s:
        seconds = np.zeros(len(viewers))
        ends = np.minimum(_floats(placed["to_s"]), length_s) - np.minimum(_floats(placed["from_s"]), length_s)
        np.add.at(seconds, np.searchsorted(viewers, _whole(placed["who"])), ends)
        return np.clip(seconds / length_s, 0, 1), "places"
    seconds = np.nan_to_num(_floats(own["seconds"]))
    if length_s and seconds.any():
        return np.clip(seconds / length_s, 0, 1), "watched time"
    progress = _floats(own["progress"])
    if np.isfinite(progress).any():
        return np.clip(np.nan_to_num(progress), 0, 1), "progress"
    return np.zeros(len(viewers)), "not known"


def _curve(viewers: "NDArray[np.int64]", placed: pa.Table, length_s: float) -> tuple[tuple[float, ...], Stop | None]:
    """Share of viewers who saw each twentieth, and the twentieth in which most of them stopped."""
    who = np.searchsorted(viewers, _whole(placed["who"]))
    start, end = _floats(placed["from_s"]) / length_s * BINS, _floats(placed["to_s"]) / length_s * BINS
    middles = np.arange(BINS) + 0.5
    saw = np.zeros((len(viewers), BINS), dtype=bool)
    for column, middle in enumerate(middles):
        saw[who[(start <= middle) & (end > middle)], column] = True
    furthest = np.full(len(viewers), -1.0)
    np.maximum.at(furthest, who, np.minimum(end, BINS))
    stopped = np.bincount(np.clip(np.ceil(furthest[furthest > 0]).astype(int) - 1, 0, BINS - 1), minlength=BINS)
    early = stopped[: int(NEARLY_OVER * BINS)]
    worst = int(np.argmax(early))
    # Clear means: far more than if all who stop early had stopped anywhere with the same chance.
    clear = early[worst] >= max(SMALLEST, 2 * early.sum() / len(early)) and early[worst] >= 0.1 * len(viewers)
    bin_s = length_s / BINS
    stop = Stop(round(worst * bin_s, 1), round((worst + 1) * bin_s, 1), part(int(early[worst]), len(viewers)))
    return tuple(round(float(share), 3) for share in saw.mean(axis=0)), stop if clear else None


def _floats(column: Any) -> "NDArray[np.float64]":
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def _whole(column: Any) -> "NDArray[np.int64]":
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.int64)
