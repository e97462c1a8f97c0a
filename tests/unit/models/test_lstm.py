"""LSTM and attention on made-up histories, in which only the order of the steps tells anything."""

import importlib.util
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from headway.domain.errors import ConfigError, InputError
from headway.evaluation.metrics import auroc
from headway.models.attention import ATTENTION
from headway.models.lstm import LSTM
from headway.models.model import MODELS, Floats, History, Matrix, joined, wants_history
from headway.models.sequences import FittedSequence, SequenceModel
from headway.models.torch_training import _folds
from headway.models.training import log_odds
from tests.presence import absent

STEPS = 8
NAMES = ("level", "noise")


@pytest.fixture(autouse=True, scope="module")
def torch_is_there() -> None:
    if importlib.util.find_spec("torch") is None:
        absent("torch is not installed: pip install 'headway[deep]'")


def rows(n: int, seed: int) -> tuple[Matrix, Floats]:
    """Levels that rise or fall, around the same middle; a row in four begins late; what is known now tells nothing."""
    random = np.random.default_rng(seed)
    labels = (random.random(n) < 0.4).astype(np.float64)
    slope = np.where(labels == 1, -1.0, 1.0)[:, None] * np.linspace(-1, 1, STEPS)
    cells = np.stack([slope + random.normal(0, 1.2, (n, STEPS)), random.normal(size=(n, STEPS))], axis=2)
    where = np.arange(n * STEPS, dtype=np.int32).reshape(n, STEPS)
    late = random.random(n) < 0.25
    where[late, :3] = -1
    history = History(NAMES, 1, cells.reshape(-1, 2).astype(np.float32), where)
    return Matrix((*NAMES, "now"), random.normal(size=(n, 3)), history, groups=np.arange(n) // 2), labels


LEARN, LABELS = rows(500, 1)
FRESH, FRESH_LABELS = rows(400, 2)


def quick(model: SequenceModel) -> SequenceModel:
    return replace(model, schedule=replace(model.schedule, members=1, epochs=8))


def fit(model: SequenceModel, features: Matrix = LEARN, labels: Floats = LABELS, seed: int = 7) -> FittedSequence:
    return cast("FittedSequence", quick(model).fit(features, labels, np.ones(len(labels)), seed))


@pytest.fixture(scope="module")
def lstm() -> FittedSequence:
    return fit(LSTM)


@pytest.fixture(scope="module")
def attention() -> FittedSequence:
    return fit(ATTENTION)


@pytest.fixture(params=["lstm", "attention"])
def fitted(request: pytest.FixtureRequest) -> FittedSequence:
    return cast("FittedSequence", request.getfixturevalue(request.param))


def test_they_are_registered_and_ask_for_a_history_and_an_extra() -> None:
    for name in ("lstm", "attention"):
        assert wants_history(MODELS.get(name))
        assert getattr(MODELS.get(name), "extra", None) == "deep"
    assert not wants_history(MODELS.get("boosting"))


def test_the_order_of_steps_is_learned(fitted: FittedSequence) -> None:
    assert auroc(FRESH_LABELS, fitted.risk(FRESH)) > 0.8


def test_the_same_rows_give_the_same_bytes_in_several_threads_at_once(lstm: FittedSequence) -> None:
    with ThreadPoolExecutor(2) as pool:
        again = list(pool.map(lambda _: fit(LSTM).state(), range(2)))
    assert again == [lstm.state(), lstm.state()]


def test_restored_it_says_the_same_bits_with_a_history(fitted: FittedSequence) -> None:
    again = MODELS.get(fitted.name).restore(fitted.state())
    assert np.array_equal(again.risk(FRESH), fitted.risk(FRESH))
    assert np.array_equal(again.contributions(FRESH), fitted.contributions(FRESH))
    assert again.state() == fitted.state()


def test_a_row_alone_is_the_row_in_a_batch(fitted: FittedSequence) -> None:
    alone = np.concatenate([fitted.risk(FRESH.rows(np.array([row]))) for row in range(30)])
    assert np.array_equal(alone, fitted.risk(FRESH)[:30])


def test_cells_of_other_rows_change_nothing() -> None:
    """A history shares its cells with rows that are held out: nothing of those may be learned from."""
    history = LEARN.history
    assert history is not None
    half = np.arange(0, len(LEARN), 2)
    shared = LEARN.rows(half)
    spoilt = history.cells.copy()
    others = np.setdiff1d(np.arange(len(spoilt)), history.where[half])
    spoilt[others] = 1e6
    apart = Matrix(shared.names, shared.values, replace(history, cells=spoilt).rows(half), shared.groups)
    assert fit(LSTM, shared, LABELS[half]).state() == fit(LSTM, apart, LABELS[half]).state()


def test_steps_that_are_not_there_are_left_out_and_not_read_as_zeros(lstm: FittedSequence) -> None:
    """Leaving out steps that were there changes the risk; where they are left out, their values do not matter."""
    history = FRESH.history
    assert history is not None
    where = history.where.copy()
    where[:, :4] = -1
    shorter = replace(FRESH, history=replace(history, where=where))
    assert not np.allclose(lstm.risk(shorter), lstm.risk(FRESH))
    zeros = history.cells.copy()
    zeros[history.where[:, :4][history.where[:, :4] >= 0]] = 0
    zeroed = replace(FRESH, history=replace(history, cells=zeros))
    assert not np.allclose(lstm.risk(shorter), lstm.risk(zeroed))
    zeroed_and_left_out = replace(FRESH, history=History(NAMES, 1, zeros, where))
    assert np.array_equal(lstm.risk(shorter), lstm.risk(zeroed_and_left_out))


def test_no_step_at_all_gives_a_finite_risk(fitted: FittedSequence) -> None:
    history = FRESH.history
    assert history is not None
    nothing = replace(FRESH, history=replace(history, where=np.full_like(history.where, -1)))
    assert np.isfinite(fitted.risk(nothing)).all()
    assert np.isfinite(fitted.contributions(nothing)).all()


def test_a_history_like_that_of_training_is_asked_for(fitted: FittedSequence) -> None:
    with pytest.raises(InputError, match="no history"):
        fitted.risk(Matrix(FRESH.names, FRESH.values))
    history = FRESH.history
    assert history is not None
    with pytest.raises(InputError, match="reads 8 steps of 1 days, and these rows have 8 steps of 7 days"):
        fitted.risk(replace(FRESH, history=replace(history, step_days=7)))


def test_contributions_are_near_additive_and_name_the_feature_that_tells(fitted: FittedSequence) -> None:
    added = fitted.contributions(FRESH)
    odds = log_odds(fitted.risk(FRESH))
    rest = odds - added.sum(axis=1)
    full = FRESH.history is not None and FRESH.history.mask.all(axis=1)
    # The base is that of the mean row with the same steps there, so rows with all steps share one.
    assert float(np.std(rest[full])) < 0.05 * float(np.std(odds[full]))
    assert np.abs(added).mean(axis=0).argmax() == 0
    telling = fitted.facts()["telling"]
    assert isinstance(telling, list)
    assert cast("dict[str, object]", telling[0])["feature"] == "level"


def test_attention_is_paid_to_steps_that_are_there_and_to_no_others(attention: FittedSequence) -> None:
    paid = attention.attention(FRESH)
    history = FRESH.history
    assert history is not None
    assert paid.shape == (len(FRESH), STEPS)
    assert np.allclose(paid.sum(axis=1), 1)
    assert (paid[~history.mask] == 0).all()
    assert (paid[history.mask] > 0).all()


def test_an_lstm_pays_no_attention(lstm: FittedSequence) -> None:
    with pytest.raises(InputError, match="Ask the model 'attention'"):
        lstm.attention(FRESH)


def test_learners_are_held_out_whole() -> None:
    owners = np.random.default_rng(0).integers(0, 50, 400).astype(np.int64)
    fold = _folds(owners, 5, seed=3)
    assert set(fold.tolist()) == set(range(5))
    assert all(len(set(fold[owners == owner].tolist())) == 1 for owner in range(50))


def test_joined_rows_keep_their_histories() -> None:
    first, second = LEARN.rows(np.arange(5)), FRESH.rows(np.arange(3))
    both = joined([first, second])
    assert both.history is not None
    assert first.history is not None
    assert second.history is not None
    wanted = np.concatenate([first.history.values, second.history.values])
    assert np.array_equal(both.history.values, wanted)
    assert np.array_equal(both.history.mask, np.concatenate([first.history.mask, second.history.mask]))
    assert joined([first, first]).history is not None
    assert joined([first, Matrix(second.names, second.values)]).history is None


def test_without_torch_they_say_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ConfigError, match=r"headway\[deep\]"):
        LSTM.fit(LEARN, LABELS, np.ones(len(LABELS)), 1)
