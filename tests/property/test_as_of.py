"""The as-of rule on hundreds of random histories: what was recorded later changes nothing, whatever is computed.

One example is a world of up to 24 histories, all checked together.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, settings

from headway.domain.time import AsOf
from headway.evaluation.leakage import Tables, refuse_the_future
from headway.features.as_of import FeatureTable, Moment, compute, labelled
from headway.features.definition import FEATURES
from headway.features.labels import LABELS, Label, passes_assessment
from headway.features.views import STANDARD, view_of
from tests.support.histories import World, worlds
from tests.support.memory import Memory

VIEW = view_of(STANDARD)
ALL_LABELS = (*LABELS.values(), passes_assessment(7))
GAP_DAYS = 2


def features_of(tables: Tables, moments: list[Moment]) -> FeatureTable:
    with Memory(tables) as records:
        return compute(VIEW, records, moments)


def labels_of(tables: Tables, features: FeatureTable, known_by: AsOf, gap_days: int) -> pa.Table:
    """Every label of every row that trains at `known_by`, with what was censored, one row each."""
    with Memory(tables) as records:
        return pa.concat_tables([_observed(records, features, label, known_by, gap_days) for label in ALL_LABELS])


def _observed(records: Memory, features: FeatureTable, label: Label, known_by: AsOf, gap_days: int) -> pa.Table:
    observed = labelled(features, label, records, known_by, gap_days)
    rows = observed.features.table.select(["run", "learner", "as_of"])
    many = [repr(sorted(observed.censored.items()))] * len(rows)
    return (
        rows.append_column("value", pa.array(observed.values))
        .append_column("label", pa.array([label.name] * len(rows), pa.string()))
        .append_column("censored", pa.array(many, pa.string()))
    )


@settings(max_examples=14)
@given(worlds())
def test_no_feature_no_risk_set_and_no_cohort_depends_on_later_records(world: World) -> None:
    refuse_the_future(lambda tables: features_of(tables, world.moments).table, world.tables, world.as_of)


@settings(max_examples=10)
@given(worlds())
def test_no_label_that_trains_depends_on_later_records(world: World) -> None:
    features = features_of(world.tables, world.moments)
    keys = ("run", "learner", "as_of", "label")

    def observe(tables: Tables) -> pa.Table:
        return labels_of(tables, features, world.as_of, GAP_DAYS)

    refuse_the_future(observe, world.tables, world.as_of, keys)


@settings(max_examples=8)
@given(worlds(12))
def test_a_moment_alone_is_the_moment_among_many_and_order_is_nothing(world: World) -> None:
    together = features_of(world.tables, world.moments)
    generator = np.random.default_rng(world.seed)
    shuffled = {
        kind: table.take(pa.array(generator.permutation(table.num_rows))) for kind, table in world.tables.items()
    }
    assert features_of(shuffled, world.moments[::-1]).table.equals(together.table)
    alone = world.moments[world.seed % len(world.moments)]
    at_moment = pc.and_(
        pc.equal(together.table["run"], alone.run),
        pc.equal(together.table["as_of"], pa.scalar(alone.as_of.instant, together.table["as_of"].type)),
    )
    assert features_of(world.tables, [alone]).table.equals(together.table.filter(at_moment))


@settings(max_examples=8)
@given(worlds())
def test_values_stay_within_the_bounds_of_their_features(world: World) -> None:
    table = features_of(world.tables, world.moments).table
    for feature in FEATURES:
        low, high = feature.bounds
        values = table[feature.name].drop_null().to_numpy()
        assert np.isfinite(values).all(), feature.name
        assert low is None or (values >= low).all(), feature.name
        assert high is None or (values <= high).all(), feature.name
        assert feature.absent is None or len(values) == len(table), feature.name
