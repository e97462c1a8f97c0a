"""The linear engine against the long way round: every spine row beside all that is known at it, aggregated plainly.

On random histories with late records, looked at so often that much of what happens is known only some moments later.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.domain.time import AsOf
from headway.features import as_of, linear
from headway.features.as_of import compute
from headway.features.definition import FEATURES, feature
from headway.features.moments import Moment
from headway.features.script import KEYS
from headway.features.views import STANDARD, FeatureView, view_of
from tests.support.depth import examples
from tests.support.histories import PROMISE, World, worlds
from tests.support.memory import Memory

CLOSE = 1e-6
"""Values are rounded to 1e-6, and two ways of adding may end on either side of a half."""


def often(world: World, every: timedelta) -> list[Moment]:
    """Some runs of the world at many instants, at any hour of the day."""
    runs = sorted({moment.run for moment in world.moments})[:6]
    return [Moment(run, AsOf(world.as_of.instant - number * every)) for run in runs for number in range(40)]


def values(world: World, view: FeatureView, moments: Sequence[Moment]) -> pa.Table:
    with Memory(world.tables) as records:
        return compute(view, records, moments).table


def differing(found: pa.Table, wanted: pa.Table) -> list[str]:
    """The features of which a value differs."""
    assert found.select(list(KEYS)).equals(wanted.select(list(KEYS)))
    names = [name for name in found.column_names if name not in KEYS]
    return [
        name
        for name in names
        if not np.allclose(found[name].to_numpy(), wanted[name].to_numpy(), rtol=0, atol=CLOSE, equal_nan=True)
    ]


@settings(PROMISE, max_examples=examples(2))
@given(worlds(), st.sampled_from([timedelta(hours=13), timedelta(days=1), timedelta(days=3)]))
def test_every_feature_is_what_joining_all_that_is_known_gives(world: World, every: timedelta) -> None:
    view, moments = view_of(STANDARD), often(world, every)
    found = values(world, view, moments)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linear, "reduced", linear.joined)
        patch.setattr(as_of, "FASTER", {})
        wanted = values(world, view, moments)
    assert differing(found, wanted) == []


@settings(PROMISE, max_examples=examples(1))
@given(worlds(), st.integers(150, 400))
def test_how_runs_are_grouped_is_nothing(world: World, statements: int) -> None:
    view = view_of(STANDARD)
    together = values(world, view, world.moments)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(as_of, "GROUP_STATEMENTS", statements)
        assert values(world, view, world.moments).equals(together)


@settings(PROMISE, max_examples=examples(1))
@given(worlds(), st.integers(2, 5))
def test_some_learners_at_a_time_give_what_all_give(world: World, count: int) -> None:
    """Shares of learners, joined in any order, as an engine may compute a run that is too large for it."""
    view = view_of(STANDARD)
    learners = sorted(set(world.tables["enrolments"]["learner"].to_pylist()))
    firsts = [learners[at * len(learners) // count] for at in range(count)]
    with Memory(world.tables) as records:
        moments = {
            run: [one for one in sorted(world.moments) if one.run == run]
            for run in sorted({moment.run for moment in world.moments})[:4]
        }
        for own in moments.values():
            work = as_of._Values(view, tuple(own))
            parts = [work.of_share(records, *share) for share in zip(firsts, [*firsts[1:], None], strict=True)]
            found = work.of_shares(records, pa.concat_tables(reversed(parts)))
            wanted = compute(view, records, own).table
            assert differing(found, wanted) == []
            assert found.equals(wanted)


@settings(PROMISE, max_examples=examples(1))
@given(worlds())
def test_a_learner_computed_anew_has_the_same_values(world: World) -> None:
    """Whoever answered what the learner wrote is not computed anew."""
    with Memory(world.tables) as records:
        for moment in sorted(world.moments)[-2:]:
            cohort = as_of.LiveCohort(view_of(STANDARD), records, moment)
            before = cohort.everyone().table
            for learner in before["learner"].to_pylist():
                cohort.refresh({learner})
            assert cohort.everyone().table.equals(before)


KINDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "count_all": ("days", lambda d: d.count()),
    "count_where": ("days", lambda d: d.count(where=(d.age_days >= 3) & (d.age_days <= 20))),
    "count_gaps": ("days", lambda d: d.gap_days.count(where=d.age_days < 9)),
    "sum_between": ("days", lambda d: d.interactions.sum(where=d.age_days.between(2, 11) & (d.weekday < 5))),
    "sum_on_a_day": ("days", lambda d: d.interactions.sum(where=d.age_days == 4)),
    "sum_flipped": ("days", lambda d: d.interactions.sum(where=d.age_days < 7)),
    "sum_not": ("days", lambda d: d.interactions.sum(where=~(d.age_days < 7))),
    "mean_recent": ("days", lambda d: d.interactions.mean(where=d.age_days < 21)),
    "spread_recent": ("days", lambda d: d.interactions.std(how="sample", where=d.age_days < 21)),
    "variance_gaps": ("days", lambda d: d.gap_days.var(how="pop", where=d.age_days < 30)),
    "mean_age": ("days", lambda d: d.age_days.mean(where=d.interactions > 1)),
    "sum_of_ages": ("days", lambda d: d.age_days.sum(where=d.age_days < 10)),
    "busiest": ("days", lambda d: d.interactions.max(where=d.age_days < 14)),
    "quietest": ("days", lambda d: d.interactions.min(where=d.course_day >= 0)),
    "busiest_day": ("days", lambda d: d.course_day.argmax(d.interactions * 1000 + d.course_day)),
    "recent_busiest_day": (
        "days",
        lambda d: d.course_day.argmin(d.interactions * 1000 + d.course_day, where=d.age_days < 8),
    ),
    "oldest_recent": ("days", lambda d: d.age_days.max(where=d.age_days < 17)),
    "weekdays_recent": ("days", lambda d: d.weekday.nunique(where=d.age_days < 16)),
    "weekdays_before": ("days", lambda d: d.weekday.nunique(where=(d.age_days >= 7) & (d.age_days < 21))),
    "middle": ("days", lambda d: d.interactions.quantile(0.5, where=d.age_days < 28)),
    "either_end": ("days", lambda d: d.interactions.sum(where=(d.age_days < 3) | (d.age_days > 20))),
    "weighted_age": ("days", lambda d: (d.interactions * d.age_days).sum()),
    "faded_objects": ("objects", lambda o: ((o.first_age_days < 21) & (o.last_age_days >= 7)).sum()),
    "fresh_objects": ("objects", lambda o: ((o.first_age_days < 21) & (o.last_age_days < 7)).count()),
    "kinds_ever": ("types", lambda t: t.type.nunique()),
    "best_score": ("hand_ins", lambda h: h.score.max(where=h.is_due)),
    "soon": ("hand_ins", lambda h: (h.due_in_days.between(0, 9) & ~h.submitted).sum()),
    "latest_hand_in": ("hand_ins", lambda h: h.submitted_age_days.min(where=h.late_days <= 0)),
    "share_or_none": (
        "days",
        lambda d: d.interactions.sum(where=d.age_days < 3).fill_null(0) / d.interactions.sum(where=d.age_days < 14),
    ),
    "null_beside_zero": (
        "days",
        lambda d: d.interactions.sum(where=d.age_days < 3).fill_null(0) + d.interactions.sum(where=d.age_days < 3),
    ),
    "sum_or_one": ("days", lambda d: d.interactions.sum(where=d.age_days < 3).fill_null(1)),
    "recent_days_or_zero": ("days", lambda d: (d.age_days < 3).sum().fill_null(0)),
    "all_of_it": ("hand_ins", lambda h: h.weight.sum()),
}
"""Aggregates of every kind that the engine takes apart, and some that it leaves to the join."""


@settings(PROMISE, max_examples=examples(2))
@given(worlds(), st.sampled_from([timedelta(hours=13), timedelta(days=1), timedelta(days=5)]))
def test_every_kind_of_aggregate_is_what_joining_gives(world: World, every: timedelta) -> None:
    view, moments = FeatureView("made up", tuple(KINDS), "none"), often(world, every)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FEATURES, "_found", dict(FEATURES._found))
        for name, (reads, define) in KINDS.items():
            define.__doc__ = "Made up."
            feature(name=name, reads=reads, unit="days", domain="visits", sentence="{value}")(define)
        found = values(world, view, moments)
        patch.setattr(linear, "reduced", linear.joined)
        patch.setattr(as_of, "FASTER", {})
        wanted = values(world, view, moments)
    assert differing(found, wanted) == []
    assert any(found[name].null_count < len(found) for name in KINDS)
