"""The as-of rule on random histories: what was recorded later changes nothing, whatever is computed.

One example is a world of 20 to 30 histories, all checked together; see `tests.support.histories`.
"""

import hashlib
import math
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.domain.time import AsOf
from headway.evaluation.leakage import Tables, refuse_the_future
from headway.evaluation.paradigms import Bench, Paradigm, Question, training_rows
from headway.evaluation.risk_model import fit
from headway.evaluation.rows import matrix_of
from headway.features.as_of import FeatureTable, compute, labelled, moments_on_days
from headway.features.definition import FEATURES
from headway.features.labels import LABELS, Label, label, passes_assessment
from headway.features.moments import Moment
from headway.features.views import STANDARD, view_of, view_with
from headway.models.model import MODELS
from tests.support import oracle
from tests.support.depth import examples
from tests.support.histories import PROMISE, World, worlds
from tests.support.memory import Memory
from tests.support.simulation import runs_of, simulated

VIEW = view_of(STANDARD)
ALL_LABELS = (*LABELS.values(), passes_assessment(7))
GAPS = st.sampled_from([0, 2, 9])

CLOSE = 1e-4
"""The engagement score is made of rounded parts."""


def features_of(tables: Tables, moments: list[Moment]) -> FeatureTable:
    with Memory(tables) as records:
        return compute(VIEW, records, moments)


def labels_of(
    tables: Tables, features: FeatureTable, known_by: AsOf, gap_days: int, labels: Sequence[Label] = ALL_LABELS
) -> pa.Table:
    """The labels of every row that trains at `known_by`, with what was censored beside them."""
    with Memory(tables) as records:
        return pa.concat_tables([_observed(records, features, one, known_by, gap_days) for one in labels])


def _observed(records: Memory, features: FeatureTable, one: Label, known_by: AsOf, gap_days: int) -> pa.Table:
    observed = labelled(features, one, records, known_by, gap_days)
    rows = observed.features.table.select(["run", "learner", "as_of"])
    return (
        rows.append_column("label", pa.array([one.name] * len(rows), pa.string()))
        .append_column("value", pa.array(observed.values))
        .append_column("censored", pa.array([repr(observed.censored)] * len(rows), pa.string()))
    )


@settings(PROMISE, max_examples=examples(3))
@given(worlds(), GAPS)
def test_no_feature_cohort_or_label_depends_on_later_records(world: World, gap_days: int) -> None:
    """Risk set, features with their cohort statistics, and labels as they train, each value and each row."""
    made: list[FeatureTable] = []

    def features(tables: Tables) -> pa.Table:
        made.append(features_of(tables, world.moments))
        return made[-1].table

    def labels(tables: Tables) -> pa.Table:
        return labels_of(tables, made[0], world.as_of, gap_days, ALL_LABELS[world.seed % 5 :: 5])

    refuse_the_future(features, world.tables, world.as_of)
    refuse_the_future(labels, world.tables, world.as_of, keys=("run", "learner", "as_of", "label"))


@settings(PROMISE, max_examples=examples(3))
@given(worlds())
def test_features_are_what_plain_python_makes_of_them_and_keep_their_bounds(world: World) -> None:
    table = features_of(world.tables, world.moments).table
    found = {(row["run"], row["as_of"], row["learner"]): row for row in table.to_pylist()}
    records = oracle.plain(world.tables)
    wanted = {
        (moment.run, moment.as_of.instant, learner): values
        for moment in world.moments
        for learner, values in oracle.features(oracle.seen(records, moment)).items()
    }
    assert found.keys() == wanted.keys()
    for key, values in wanted.items():
        for name, value in values.items():
            told = math.nan if found[key][name] is None else found[key][name]
            assert math.isclose(told, value, abs_tol=CLOSE) or (math.isnan(told) and math.isnan(value)), (key, name)
    for feature in FEATURES:
        low, high = feature.bounds
        values = table[feature.name].drop_null().to_numpy()
        assert np.isfinite(values).all(), feature.name
        assert low is None or (values >= low).all(), feature.name
        assert high is None or (values <= high).all(), feature.name
        assert feature.absent is None or len(values) == len(table), feature.name


@settings(PROMISE, max_examples=examples(3))
@given(worlds(), GAPS)
def test_labels_are_what_plain_python_makes_of_them(world: World, gap_days: int) -> None:
    """A third of them at a time; tests/contract/test_labels.py looks at each of them."""
    chosen = [one for one in ALL_LABELS if one.name in oracle.LABELS][world.seed % 3 :: 3]
    features = features_of(world.tables, world.moments)
    table = labels_of(world.tables, features, world.as_of, gap_days, chosen)
    found = {(r["label"], r["run"], r["as_of"], r["learner"]): r["value"] for r in table.to_pylist()}
    wanted = {}
    records = oracle.plain(world.tables)
    for moment in world.moments:
        at_cut_off = oracle.seen(records, Moment(moment.run, world.as_of))
        window = oracle.Window(oracle.seen(records, moment), at_cut_off, gap_days)
        for one in chosen:
            for learner, value in oracle.labels(one.name, window).items():
                wanted[one.name, moment.run, moment.as_of.instant, learner] = value
    assert found == wanted


@settings(PROMISE, max_examples=examples(2))
@given(worlds())
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


SMALL = view_with(
    "small",
    ("engagement_score", "active_days_14d", "days_since_last_activity", "earned_share", "earned_share_percentile"),
)


def predictions_of(tables: Tables, target: str, paradigm: Paradigm, day: int) -> pa.Table:
    """What a model trained at the end of a day of the last run says of its learners, and a hash of all it learned."""
    *past, current = runs_of(tables)
    with Memory(tables) as records:
        bench = Bench(records, SMALL)
        question = Question(label(target), tuple(past), current, day, seed=7, spread=(-14, 0))
        rows = training_rows(bench, question, paradigm)
        model = fit(MODELS.get("logistic"), rows, course=question.course, day=day, seed=7)
        now = compute(SMALL, records, moments_on_days(records, [current], [day]))
    said = model.predict(matrix_of(now))
    learned = hashlib.sha256(repr(sorted(model.state().items())).encode()).hexdigest()
    return (
        now.table.select(["run", "learner", "as_of"])
        .append_column("risk", pa.array(said.risks))
        .append_column("low", pa.array(said.low))
        .append_column("high", pa.array(said.high))
        .append_column("comparable", pa.array(said.comparable))
        .append_column("model", pa.array([learned] * len(now)))
    )


@settings(max_examples=examples(3))
@given(
    seed=st.integers(0, 1),
    paradigm=st.sampled_from(["transfer", "in-situ"]),
    target=st.sampled_from(["does_not_finish", "withdraws_within_14d"]),
    day=st.sampled_from([28, 41]),
)
def test_no_model_calibration_or_prediction_depends_on_later_records(
    seed: int, paradigm: Paradigm, target: str, day: int
) -> None:
    tables = simulated(learners="60", runs="3", late_share="0.3", base_rate="0.5", seed=str(seed))
    with Memory(tables) as records:
        now = moments_on_days(records, runs_of(tables)[-1:], [day])[0].as_of
    # Twice on different records: what came out differently by chance would be caught too.
    refuse_the_future(lambda given: predictions_of(given, target, paradigm, day), tables, now)
