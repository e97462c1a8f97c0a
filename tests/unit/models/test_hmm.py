"""Planted states are found again from sequences, looking back only, and become features."""

import numpy as np
import pytest

from headway.evaluation.metrics import auroc
from headway.models.hmm import HMM, Engagement, FittedStates, Parameters, feature_names, state_features, with_states
from headway.models.model import Floats, History, Matrix

STEPS, LEARNERS, STEP_DAYS = 8, 160, 7
MOVES = np.array([[0.85, 0.15, 0.0, 0.0], [0.15, 0.7, 0.15, 0.0], [0.0, 0.15, 0.7, 0.15], [0.0, 0.0, 0.15, 0.85]])
DAYS = np.array([0.0, 1.5, 3.5, 6.0])


def planted(seed: int) -> tuple[Matrix, Floats, np.ndarray[tuple[int, int], np.dtype[np.int64]]]:
    """Learners who move between four states, with what they do in each, and a label that follows the last state."""
    random = np.random.default_rng(seed)
    states = np.empty((LEARNERS, STEPS), dtype=np.int64)
    states[:, 0] = random.integers(0, 4, LEARNERS)
    for t in range(1, STEPS):
        states[:, t] = [random.choice(4, p=MOVES[state]) for state in states[:, t - 1]]
    days = DAYS[states] + random.normal(0, 0.3, states.shape)
    clicks = np.expm1(np.clip(states * 1.6 + random.normal(0, 0.3, states.shape), 0, None))
    cells = np.stack([days, clicks], axis=-1).reshape(-1, 2).astype(np.float32)
    where = np.arange(LEARNERS * STEPS, dtype=np.int32).reshape(LEARNERS, STEPS)
    late = random.random(LEARNERS) < 0.2
    where[late, :3] = -1
    history = History(("active_days_7d", "interactions_7d"), STEP_DAYS, cells, where)
    labels = (random.random(LEARNERS) < np.array([0.9, 0.6, 0.3, 0.05])[states[:, -1]]).astype(np.float64)
    return Matrix(("unrelated",), random.normal(size=(LEARNERS, 1)), history), labels, states


@pytest.fixture(scope="module")
def fitted() -> FittedStates:
    rows, labels, _ = planted(1)
    return HMM.fit(rows, labels, np.ones(LEARNERS), seed=1)


def test_planted_states_are_found_again(fitted: FittedStates) -> None:
    from sklearn.metrics import adjusted_rand_score

    rows, labels, states = planted(2)
    found = fitted.states(rows)
    assert np.allclose(found.sum(axis=1), 1)
    assert adjusted_rand_score(states[:, -1], found.argmax(axis=1)) >= 0.8
    # Ordered by activity: the same numbers, not only the same groups.
    assert (found.argmax(axis=1) == states[:, -1]).mean() > 0.9
    assert fitted.state_names == ("away", "dipping_in", "steady", "intense")
    assert auroc(labels, fitted.risk(rows)) > 0.75
    assert np.abs(fitted.chain.moves - MOVES).max() < 0.15


def test_states_are_told_from_the_past_alone(fitted: FittedStates) -> None:
    rows, _, _ = planted(2)
    assert rows.history is not None
    shorter = rows.history.where[:, :-2]
    early = History(rows.history.names, STEP_DAYS, rows.history.cells, shorter)
    changed = rows.history.cells.copy()
    changed[rows.history.where[:, -2:].ravel()] = 7.0
    other = History(rows.history.names, STEP_DAYS, changed, shorter)
    assert np.array_equal(state_features(fitted, early)[0], state_features(fitted, other)[0])


def test_states_become_features_of_other_models(fitted: FittedStates) -> None:
    rows, _, states = planted(2)
    assert rows.history is not None
    values, names = state_features(fitted, rows.history)
    assert values.shape == (LEARNERS, len(names))
    assert names == feature_names(4)
    column = dict(zip(names, values.T, strict=True))
    whole = (rows.history.where >= 0).all(axis=1)
    rises = (np.diff(states, axis=1) > 0).sum(axis=1) / (STEPS - 1)
    assert np.corrcoef(column["state_rises_per_step"][whole], rises[whole])[0, 1] > 0.8
    away = (states == 0).mean(axis=1)
    assert np.corrcoef(column["time_share_away"][whole], away[whole])[0, 1] > 0.9
    joined = with_states(fitted, rows)
    assert joined.names == ("unrelated", *names)
    assert np.array_equal(joined.values[:, 1:], values)


def test_steps_between_are_left_out() -> None:
    rows, labels, _ = planted(1)
    assert rows.history is not None
    daily = np.repeat(rows.history.where, 7, axis=1)
    every_day = History(rows.history.names, 1, rows.history.cells, daily)
    weekly = HMM.fit(rows, labels, np.ones(LEARNERS), seed=1)
    assert (
        HMM.fit(Matrix(rows.names, rows.values, every_day), labels, np.ones(LEARNERS), seed=1).state() == weekly.state()
    )


def test_a_learner_without_any_step_is_where_learners_begin(fitted: FittedStates) -> None:
    rows, _, _ = planted(2)
    assert rows.history is not None
    nothing = History(rows.history.names, 7, rows.history.cells, np.full((2, STEPS), -1, dtype=np.int32))
    assert np.allclose(fitted.states(Matrix(("unrelated",), np.zeros((2, 1)), nothing)), fitted.chain.start)


def test_sequences_survive_the_store_bit_for_bit(fitted: FittedStates) -> None:
    rows, _, _ = planted(2)
    again = HMM.restore(fitted.state())
    assert np.array_equal(again.risk(rows), fitted.risk(rows))
    some = rows.rows(np.array([3, 5]))
    assert np.array_equal(again.risk(some), fitted.risk(rows)[[3, 5]])


@pytest.mark.parametrize("states", [3, 5])
def test_other_numbers_of_states_have_names_too(states: int) -> None:
    rows, labels, _ = planted(1)
    made = Engagement(Parameters(states=states, iterations=5)).fit(rows, labels, np.ones(LEARNERS), seed=1)
    told = made.facts()["states"]
    assert isinstance(told, list)
    assert len(told) == len(made.state_names) == states
    typical = [made.chain.means[i].sum() for i in range(states)]
    assert typical == sorted(typical)
