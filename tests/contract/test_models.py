"""What every registered model promises, whoever wrote it."""

import functools
import io
import json
import tempfile

import numpy as np
import pytest

from headway.domain.errors import InputError, NotEnoughData
from headway.evaluation.metrics import auroc
from headway.models.model import MODELS, Fitted, Floats, Matrix, Model

NAMES = ("days_since_last_activity", *(f"count_{i}" for i in range(5)), *(f"level_{i}" for i in range(5)), "constant")


def rows(n: int, seed: int) -> tuple[Matrix, Floats]:
    """Rows with heavy tails, gaps, a constant, an interaction and a known signal."""
    random = np.random.default_rng(seed)
    days = np.floor(random.exponential(6.0, n))
    counts = np.floor(random.lognormal(1.0, 1.2, (n, 5)))
    levels = random.normal(size=(n, 5))
    signal = 0.8 * (days >= 7) - 0.7 * np.log1p(counts[:, 0]) + 0.8 * levels[:, 0] + 0.5 * levels[:, 1] * levels[:, 2]
    labels = (random.random(n) < 1 / (1 + np.exp(-signal))).astype(np.float64)
    values = np.column_stack([days, counts, levels, np.full(n, 3.0)])
    values[:, 1:-1][random.random((n, len(NAMES) - 2)) < 0.05] = np.nan
    return Matrix(NAMES, values), labels


def fit(model: Model) -> Fitted:
    features, labels = rows(600, seed=1)
    return model.fit(features, labels, np.ones(600), seed=7)


@functools.cache
def fitted_once(name: str) -> Fitted:
    return fit(MODELS.get(name))


def fitted(model: Model) -> Fitted:
    return fitted_once(model.name)


@pytest.fixture(params=MODELS.names())
def model(request: pytest.FixtureRequest) -> Model:
    return MODELS.get(str(request.param))


FRESH, FRESH_LABELS = rows(300, seed=2)


def test_the_models_are_there() -> None:
    assert {"base-rate", "boosting", "inactive-7-days", "logistic"} <= set(MODELS.names())
    assert {model.name for model in MODELS if model.trivial} >= {"base-rate", "inactive-7-days"}


def test_it_says_what_it_is(model: Model) -> None:
    assert MODELS.get(model.name) is model
    assert model.summary
    assert "\n" not in model.summary


def test_same_rows_and_seed_give_the_same_bytes(model: Model) -> None:
    assert fit(model).state() == fitted(model).state()


def test_risks_are_probabilities(model: Model) -> None:
    risk = fitted(model).risk(FRESH)
    assert risk.shape == (len(FRESH),)
    assert risk.dtype == np.float64
    assert ((risk >= 0) & (risk <= 1)).all()


def test_restored_risks_and_contributions_are_the_same_bits(model: Model) -> None:
    first = fitted(model)
    again = model.restore(first.state())
    assert np.array_equal(first.risk(FRESH), again.risk(FRESH))
    assert np.array_equal(first.contributions(FRESH), again.contributions(FRESH))
    assert again.state() == first.state()
    assert again.facts() == first.facts()


def test_a_row_alone_has_the_same_risk_as_in_a_batch(model: Model) -> None:
    one = fitted(model)
    alone = np.concatenate([one.risk(FRESH.rows(np.array([i]))) for i in range(40)])
    assert np.array_equal(alone, one.risk(FRESH)[:40])
    assert one.risk(FRESH.rows(np.zeros(len(FRESH), dtype=np.bool_))).shape == (0,)


def test_column_order_is_irrelevant(model: Model) -> None:
    features, labels = rows(600, seed=1)
    shuffled = np.random.default_rng(0).permutation(len(NAMES))
    names = tuple(NAMES[i] for i in shuffled)
    straight = fitted(model)
    turned = model.fit(Matrix(names, features.values[:, shuffled]), labels, np.ones(600), seed=7)
    other = Matrix(names, FRESH.values[:, shuffled])
    assert turned.state() == straight.state()
    assert np.array_equal(straight.risk(other), straight.risk(FRESH))
    assert np.array_equal(straight.contributions(other), straight.contributions(FRESH)[:, shuffled])


def test_extra_columns_are_ignored(model: Model) -> None:
    one = fitted(model)
    extra = Matrix(("unheard_of", *NAMES), np.column_stack([np.full(len(FRESH), np.inf), FRESH.values]))
    assert np.array_equal(one.risk(extra), one.risk(FRESH))
    added = one.contributions(extra)
    assert np.array_equal(added[:, 1:], one.contributions(FRESH))
    assert (added[:, 0] == 0).all()


def test_a_row_of_nothing_known_gets_a_finite_risk(model: Model) -> None:
    unknown = Matrix(NAMES, np.full((3, len(NAMES)), np.nan))
    one = fitted(model)
    assert np.isfinite(one.risk(unknown)).all()
    assert np.isfinite(one.contributions(unknown)).all()


def test_huge_unseen_values_give_a_finite_risk(model: Model) -> None:
    huge = Matrix(NAMES, np.vstack([np.full(len(NAMES), 1e300), np.full(len(NAMES), -1e300)]))
    one = fitted(model)
    assert ((one.risk(huge) >= 0) & (one.risk(huge) <= 1)).all()
    assert np.isfinite(one.contributions(huge)).all()


def test_infinite_values_are_refused_where_they_are_read(model: Model) -> None:
    if model.name == "base-rate":
        return
    values = FRESH.values.copy()
    values[3, 0] = np.inf
    with pytest.raises(InputError, match="days_since_last_activity"):
        fitted(model).risk(Matrix(NAMES, values))


def test_missing_features_are_named(model: Model) -> None:
    if model.name == "base-rate":
        return
    with pytest.raises(InputError, match="days_since_last_activity"):
        fitted(model).risk(Matrix(NAMES[1:], FRESH.values[:, 1:]))


def test_no_rows_and_one_class_are_not_enough(model: Model) -> None:
    features, _ = rows(50, seed=1)
    with pytest.raises(NotEnoughData):
        model.fit(Matrix(NAMES, np.zeros((0, len(NAMES)))), np.zeros(0), np.ones(0), seed=1)
    if model.trivial:
        assert 0 < model.fit(features, np.ones(50), np.ones(50), seed=1).risk(features).max() < 1
        return
    with pytest.raises(NotEnoughData, match="label 1"):
        model.fit(features, np.ones(50), np.ones(50), seed=1)


@pytest.mark.parametrize(
    ("labels", "weights"),
    [(np.full(50, 0.5), np.ones(50)), (np.ones(49), np.ones(50)), (np.tile([0.0, 1.0], 25), np.zeros(50))],
)
def test_unusable_labels_and_weights_are_refused(model: Model, labels: Floats, weights: Floats) -> None:
    with pytest.raises(InputError):
        model.fit(rows(50, seed=1)[0], labels, weights, seed=1)


def test_few_rows_are_learned_without_a_warning(model: Model) -> None:
    features, _ = rows(12, seed=3)
    risk = model.fit(features, np.tile([0.0, 1.0], 6), np.ones(12), seed=1).risk(features)
    assert np.isfinite(risk).all()


def test_only_ratios_of_weights_matter_and_they_do(model: Model) -> None:
    features, labels = rows(600, seed=1)
    plain = fitted(model)
    doubled = model.fit(features, labels, np.full(600, 2.0), seed=7)
    towards = model.fit(features, labels, np.where(labels == 1, 4.0, 1.0), seed=7)
    assert doubled.state() == plain.state()
    assert towards.risk(FRESH).mean() > plain.risk(FRESH).mean() + 0.05


def test_it_learns_what_is_there(model: Model) -> None:
    found = auroc(FRESH_LABELS, fitted(model).risk(FRESH))
    assert found == 0.5 if model.name == "base-rate" else found > (0.52 if model.trivial else 0.65)


def test_shuffled_labels_teach_nothing(model: Model) -> None:
    """Against the true labels of fresh rows, where a model that had kept any of the real signal would do better."""
    if model.trivial:
        return  # a fixed order cannot unlearn
    found = []
    for seed in range(3):
        features, labels = rows(800, seed=10 + seed)
        np.random.default_rng(seed).shuffle(labels)
        fresh, truth = rows(1000, seed=30 + seed)
        found.append(auroc(truth, model.fit(features, labels, np.ones(800), seed=7).risk(fresh)))
    assert abs(float(np.mean(found)) - 0.5) < 0.08


def test_contributions_add_up_where_claimed(model: Model) -> None:
    one = fitted(model)
    added, facts = one.contributions(FRESH), one.facts()
    assert added.shape == FRESH.values.shape
    assert (added[:, NAMES.index("constant")] == 0).all()
    if facts["additive"]:
        base = facts["base_log_odds"]
        assert isinstance(base, float)
        assert np.allclose(1 / (1 + np.exp(-(base + added.sum(axis=1)))), one.risk(FRESH), rtol=0, atol=1e-9)


def test_facts_are_json(model: Model) -> None:
    assert json.loads(json.dumps(fitted(model).facts(), allow_nan=False))


def test_state_is_data_and_never_code(model: Model) -> None:
    for name, kept in fitted(model).state().items():
        if name.endswith(".json"):
            json.loads(kept)
        elif name.endswith(".npz"):
            with np.load(io.BytesIO(kept), allow_pickle=False) as arrays:
                assert all(arrays[array].dtype != object for array in arrays)
        else:
            assert name.endswith(".txt")
            assert kept.decode("utf-8").isprintable() or "\n" in kept.decode("utf-8")
        assert tempfile.gettempdir().encode() not in kept
        assert not kept.startswith(b"\x80")


def test_damaged_state_is_refused(model: Model) -> None:
    state = fitted(model).state()
    with pytest.raises(InputError, match="Train it again"):
        model.restore({})
    with pytest.raises(InputError, match="Train it again"):
        model.restore({name: b"{" if name.endswith(".json") else kept for name, kept in state.items()})
