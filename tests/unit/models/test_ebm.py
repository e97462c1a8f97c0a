"""The kept curves say what interpret's own machine says, pairs are shared evenly, and absence is a bin of its own."""

from typing import Any

import numpy as np
import pytest

import headway.models.ebm as ebm
from headway.domain.errors import ConfigError, NotEnoughData
from headway.models.ebm import FittedMachine, Machine, Parameters
from headway.models.model import Floats, Matrix

NAMES = ("a", "b", "c", "d")


def gapped(n: int, seed: int) -> tuple[Matrix, Floats]:
    """Rows where a and b tell together, the absence of c tells by itself, and d never varies."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(n, 4))
    values[:, 3] = 2.0
    absent = random.random(n) < 0.3
    signal = 2.0 * values[:, 0] * values[:, 1] + 1.5 * absent
    values[absent, 2] = np.nan
    return Matrix(NAMES, values), (random.random(n) < 1 / (1 + np.exp(-signal))).astype(np.float64)


def test_the_kept_curves_and_surfaces_are_interprets(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    original = Machine._machine

    def remembered(self: Machine, columns: int, seed: int) -> Any:
        made.append(original(self, columns, seed))
        return made[-1]

    monkeypatch.setattr(Machine, "_machine", remembered)
    rows, labels = gapped(500, 1)
    fitted = Machine(Parameters(pairs=2)).fit(rows, labels, np.ones(500), seed=1)
    assert isinstance(fitted, FittedMachine)
    assert max(len(term.features) for term in fitted.terms) == 2
    fresh = gapped(300, 2)[0]
    ready = ebm.marked(fresh.values, fitted.marker)[:, :3]  # d was not given to it
    assert np.abs(made[0].predict_proba(ready)[:, 1] - fitted.risk(fresh)).max() < 1e-9


def test_a_surface_is_shared_evenly_between_its_two_features() -> None:
    rows, labels = gapped(500, 1)
    fitted = Machine(Parameters(pairs=1)).fit(rows, labels, np.ones(500), seed=1)
    assert isinstance(fitted, FittedMachine)
    curve, surface = (next(t for t in fitted.terms if t.features == which) for which in ((0,), (0, 1)))
    added = fitted.contributions(rows)[:, 0]
    expected = curve.read(rows.values) + surface.read(rows.values) / 2
    assert np.allclose(added, expected, rtol=0, atol=1e-12)
    assert np.abs(surface.scores).max() > 0.5


def test_absence_has_a_score_of_its_own_and_adds_nothing_where_it_was_never_seen() -> None:
    rows, labels = gapped(500, 1)
    fitted = Machine().fit(rows, labels, np.ones(500), seed=1)
    unknown = fitted.contributions(Matrix(NAMES, np.full((1, 4), np.nan)))[0]
    assert unknown[2] > 0.1
    assert unknown[[0, 1, 3]].tolist() == [0, 0, 0]


def test_columns_that_never_vary_are_not_enough() -> None:
    with pytest.raises(NotEnoughData, match="No feature varies"):
        Machine().fit(Matrix(("a",), np.ones((20, 1))), np.tile([0.0, 1.0], 10), np.ones(20), seed=1)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(extra: str, module: str) -> Any:
        raise ConfigError(f"pip install 'headway[{extra}]'")

    monkeypatch.setattr(ebm, "needs", absent)
    rows, labels = gapped(50, 1)
    assert Machine().extra == "models"
    with pytest.raises(ConfigError, match=r"headway\[models\]"):
        Machine().fit(rows, labels, np.ones(50), seed=1)
