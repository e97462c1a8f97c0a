"""What learners do with recordings; only where a log tells plays, pauses and jumps."""

from typing import TYPE_CHECKING

import ibis

from headway.features.definition import feature

if TYPE_CHECKING:
    import ibis.expr.types as ir


@feature(
    reads="videos",
    unit="recordings",
    window=28,
    absent=0,
    domain="materials",
    sentence="Watched {value} different recordings in the last four weeks (course middle: {median})",
)
def videos_28d(v: "ir.Table") -> "ir.Value":
    """Different recordings played in the last 28 days."""
    return v.video.nunique(where=v.age_days < 28)


@feature(
    reads="videos",
    unit="minutes",
    window=28,
    absent=0,
    domain="materials",
    sentence="{value} minutes of recordings in the last four weeks (course middle: {median})",
)
def video_minutes_28d(v: "ir.Table") -> "ir.Value":
    """Minutes of recordings watched in the last 28 days."""
    return v.watched_s.sum(where=v.age_days < 28) / 60


@feature(
    reads="videos",
    unit="share",
    bounds=(0, 1),
    domain="materials",
    sentence="Watched {value} of the recordings opened (course middle: {median})",
)
def video_share_watched(v: "ir.Table") -> "ir.Value":
    """Mean share of each recording opened that was watched, 0 to 1; watching again counts again."""
    share = v.share.sum() / v.video.nunique(where=v.share > 0).nullif(0)
    return ibis.ifelse(share > 1, 1.0, share)


@feature(
    reads="videos",
    unit="pauses",
    window=28,
    domain="materials",
    sentence="Paused {value} times for each recording started (course middle: {median})",
)
def video_pauses_28d(v: "ir.Table") -> "ir.Value":
    """Pauses for each time a recording was started, in the last 28 days."""
    recent = v.age_days < 28
    return v.pauses.sum(where=recent) / v.plays.sum(where=recent).nullif(0)


@feature(
    reads="videos",
    unit="jumps",
    window=28,
    absent=0,
    domain="materials",
    sentence="Went back {value} times in recordings (course middle: {median})",
)
def video_replays_28d(v: "ir.Table") -> "ir.Value":
    """Jumps back in recordings in the last 28 days."""
    return v.back.sum(where=v.age_days < 28)


@feature(
    reads="videos",
    unit="jumps",
    window=28,
    absent=0,
    domain="materials",
    sentence="Jumped ahead {value} times in recordings (course middle: {median})",
)
def video_skips_28d(v: "ir.Table") -> "ir.Value":
    """Jumps ahead in recordings in the last 28 days."""
    return v.forward.sum(where=v.age_days < 28)
