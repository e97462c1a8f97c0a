"""Tensors on random histories: every cell is the engine's at its own time, and later records change nothing."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.domain.time import AsOf, zone_of
from headway.evaluation.leakage import Tables, refuse_the_future
from headway.features.as_of import compute, run_facts
from headway.features.moments import Moment
from headway.features.tensor import tensor
from headway.features.views import view_with
from tests.support.depth import examples
from tests.support.histories import PROMISE, World, worlds
from tests.support.memory import Memory

VIEW = view_with("some", ("interactions_7d", "days_since_last_activity", "submitted_share", "mean_score"))
STEPS = 5


def flat(tables: Tables, moments: list[Moment], step_days: int) -> pa.Table:
    """The tensor as a table: one row a row, one column for each feature and mask of each step."""
    with Memory(tables) as records:
        found = tensor(VIEW, records, moments, STEPS, step_days)
    table = found.rows
    for step in range(STEPS):
        table = table.append_column(f"mask {step}", pa.array(found.mask[:, step]))
        for at, name in enumerate(VIEW.features):
            column = pa.array(found.values[:, step, at], from_pandas=True)  # an absent value equals another
            table = table.append_column(f"{name} {step}", column)
    return table


@settings(PROMISE, max_examples=examples(2))
@given(worlds(), st.sampled_from([1, 7]))
def test_no_step_depends_on_what_was_recorded_later(world: World, step_days: int) -> None:
    refuse_the_future(lambda tables: flat(tables, world.moments, step_days), world.tables, world.as_of)


@settings(PROMISE, max_examples=examples(2))
@given(worlds(), st.sampled_from([1, 3]))
def test_every_cell_is_what_compute_says_at_its_own_time(world: World, step_days: int) -> None:
    moments = world.moments[:: max(1, len(world.moments) // 12)]
    with Memory(world.tables) as records:
        found = tensor(VIEW, records, moments, STEPS, step_days)
        zones = {moment: run_facts(records, moment.run, moment.as_of).zone for moment in moments}
        then = {
            (moment, back): days_before(moment, back * step_days, zones[moment])
            for moment in moments
            for back in range(STEPS)
        }
        alone = compute(VIEW, records, list(then.values()))
    keys = zip(alone.keys("run"), alone.keys("as_of"), alone.keys("learner"), strict=True)
    said = dict(zip(keys, alone.values().astype(np.float32), strict=True))
    nothing = np.full(len(VIEW.features), -1)
    for row, values, mask in zip(found.rows.to_pylist(), found.values, found.mask, strict=True):
        for step in range(STEPS):
            earlier = then[Moment(row["run"], AsOf(row["as_of"])), STEPS - 1 - step]
            wanted = said.get((earlier.run, earlier.as_of.instant, row["learner"]), nothing)
            assert mask[step] == (wanted is not nothing)
            assert not mask[step] or np.array_equal(values[step], wanted, equal_nan=True)


def days_before(moment: Moment, days: int, zone: str) -> Moment:
    """The run at the same local time some days earlier."""
    local = moment.as_of.instant.astimezone(zone_of(zone)).replace(tzinfo=None) - timedelta(days=days)
    at = AsOf.at(local.isoformat(timespec="microseconds"), zone)
    return Moment(moment.run, at if days else moment.as_of)
