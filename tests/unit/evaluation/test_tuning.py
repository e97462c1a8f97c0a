"""Tuning within a budget, on earlier runs for later ones, taken up again where it stopped."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from headway.domain.errors import InputError, NotEnoughData, UnknownName
from headway.evaluation.paradigms import Bench
from headway.evaluation.tuning import Budget, Fold, later_runs, tune
from headway.features.as_of import moments_on_days
from headway.features.labels import label
from headway.features.views import view_with
from headway.models.boosting import Boosting
from headway.models.logistic import Logistic
from headway.models.model import MODELS
from headway.models.space import Range, Tunable, chosen
from tests.support.memory import Memory
from tests.support.simulation import runs_of, simulated

OPTIONS = {"learners": "80", "runs": "3", "late_share": "0.2"}
VIEW = view_with("v", ("active_days_14d", "days_since_last_activity", "interactions_14d_percentile"))
FIRST, SECOND, CURRENT = runs_of(simulated(**OPTIONS))
DAYS = (14, 28)
SEED = 7


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Memory(simulated(**OPTIONS)) as records:
        yield Bench(records, VIEW)


@pytest.fixture(scope="module")
def folds(bench: Bench) -> list[Fold]:
    """Two finished runs, looked at when the third is four weeks old."""
    now = moments_on_days(bench.records, [CURRENT], [28])[0].as_of
    return later_runs(bench, label("does_not_finish"), [FIRST, SECOND, CURRENT], DAYS, now, SEED)


def test_earlier_runs_teach_and_later_ones_are_scored(bench: Bench, folds: list[Fold]) -> None:
    (fold,) = folds
    assert fold.name == SECOND
    assert set(fold.learn.runs) == {FIRST}
    assert set(fold.test.runs) == {SECOND}
    assert set(fold.learn.days.tolist()) == set(fold.test.days.tolist()) == set(DAYS)
    first_scored = moments_on_days(bench.records, [SECOND], [DAYS[0]])[0].as_of
    assert fold.learn.instants.max() <= int(first_scored.instant.timestamp()) * 1_000_000


def test_nothing_is_known_before_a_run_is_over(bench: Bench) -> None:
    soon = moments_on_days(bench.records, [FIRST], [28])[0].as_of
    with pytest.raises(NotEnoughData):
        later_runs(bench, label("does_not_finish"), [FIRST, SECOND], DAYS, soon, SEED)


def test_where_no_run_came_before_learners_are_held_out(bench: Bench) -> None:
    now = moments_on_days(bench.records, [CURRENT], [28])[0].as_of
    found = later_runs(bench, label("does_not_finish"), [FIRST], DAYS, now, SEED)
    assert [fold.name for fold in found] == [f"learners {k}" for k in (1, 2, 3, 4)]
    for fold in found:
        assert not set(fold.learn.learners) & set(fold.test.learners)


def test_the_best_found_is_never_worse_than_the_models_own(folds: list[Fold]) -> None:
    found = tune(Logistic(), folds, Budget(4), SEED)
    assert found.loss <= found.default_loss
    assert found.trials + found.pruned == 4
    assert found.folds == [SECOND]
    again = tune(Logistic(), folds, Budget(4), SEED)
    assert (again.params, again.loss) == (found.params, found.loss)
    space = Logistic().space
    assert all(space[name].low <= value <= space[name].high for name, value in found.params.items())
    assert isinstance(found.model, Logistic)
    assert all(getattr(found.model.parameters, name) == value for name, value in found.params.items())


def test_it_goes_on_where_it_stopped(folds: list[Fold], tmp_path: Path) -> None:
    import optuna

    def stored() -> object:
        return optuna.storages.RDBStorage(f"sqlite:///{tmp_path / 'trials.db'}")

    few = tune(Logistic(), folds, Budget(1), SEED, storage=stored())
    more = tune(Logistic(), folds, Budget(3), SEED, storage=stored())
    assert (few.trials + few.pruned, more.trials + more.pruned) == (1, 3)
    assert more.study == few.study
    assert more.default_loss == few.default_loss
    told: list[str] = []
    same = tune(Logistic(), folds, Budget(3), SEED, storage=stored(), progress=told.append)
    assert told == [], "the budget was spent before"
    assert same.params == more.params
    other = tune(Logistic(), folds, Budget(1), SEED, storage=stored(), about="another view")
    assert other.study != more.study


def test_seconds_end_it_too(folds: list[Fold]) -> None:
    with pytest.raises(NotEnoughData, match="larger --budget"):
        tune(Logistic(), folds, Budget(50, 0.0), SEED)


def test_trials_worse_than_the_median_are_stopped_early(folds: list[Fold]) -> None:
    (fold,) = folds
    # The same fold three times: whoever is bad on the first is bad on all.
    found = tune(Logistic(), [replace(fold, name=str(k)) for k in range(3)], Budget(14), SEED)
    assert found.pruned > 0
    assert found.trials > 0


def test_a_model_without_ranges_cannot_be_tuned(folds: list[Fold]) -> None:
    with pytest.raises(InputError, match="'base-rate' can be tuned"):
        tune(MODELS.get("base-rate"), folds, Budget(1), SEED)


@pytest.mark.parametrize("model", [Logistic(), Boosting()])
def test_models_own_parameters_lie_within_their_ranges(model: Logistic | Boosting) -> None:
    assert isinstance(model, Tunable)
    for name, within in model.space.items():
        assert within.low <= getattr(model.parameters, name) <= within.high
    own = {name: getattr(model.parameters, name) for name in model.space}
    assert model.with_params(**own) == model


def test_values_outside_and_unknown_names_are_refused() -> None:
    with pytest.raises(InputError, match="c = 900"):
        Logistic().with_params(c=900)
    with pytest.raises(UnknownName, match="'trees'"):
        Boosting().with_params(tree=3)
    whole = chosen(Boosting().parameters, {"trees": Range(1, 9, whole=True)}, {"trees": 3.0})
    assert whole.trees == 3
    assert isinstance(whole.trees, int)


def test_folds_have_both_kinds_and_no_common_learner(folds: list[Fold]) -> None:
    for fold in folds:
        assert not set(fold.learn.learners) & set(fold.test.learners)
        for part in (fold.learn, fold.test):
            assert set(np.unique(part.labels).tolist()) == {0.0, 1.0}
