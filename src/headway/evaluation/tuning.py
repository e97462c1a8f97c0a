"""Tuning: a model's parameters chosen on the past alone, within a budget, to be taken up again where it stopped.

A trial is scored as the model would have been used: it learns from runs whose labels were known when a later past run
was scored, and is scored there, all asked weeks together. Promises that no run that is scored later than the training
cut-off is looked at. Optuna (Akiba et al. 2019, doi:10.1145/3292500.3330701) proposes; storage is the caller's.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from headway.domain.errors import InputError, NotEnoughData
from headway.domain.extensions import needs
from headway.domain.time import AsOf
from headway.evaluation.paradigms import Bench
from headway.evaluation.risk_model import fitted_on
from headway.evaluation.rows import Rows, learner_folds, refuse_shared_learners
from headway.evaluation.selection import fair_loss
from headway.features.as_of import moments_on_days
from headway.features.labels import Label
from headway.models.model import Json, Model
from headway.models.space import Tunable

MOST_FOLDS: Final = 5
"""So many later runs are scored at most, the latest ones."""

FOLDS_BY_LEARNER: Final = 4
OWN: Final = "own"
"""Marks the trial of the model's own parameters."""

UNPRUNED: Final = 5
"""Trials before any is stopped: a median of fewer says little."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How much may be spent: so many trials in all, earlier ones counted, and so many seconds now."""

    trials: int
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows to learn from and rows to be scored, without a common learner.

    Attributes:
        name: the run that is scored, or the fold's number.
        learn: what was known when it was first scored.
        test: its rows on all asked days.
    """

    name: str
    learn: Rows
    test: Rows


@dataclass(frozen=True, slots=True)
class Tuned:
    """What tuning came to.

    Attributes:
        model: the model with the best parameters found.
        params: them; empty where the model's own were best.
        loss: their mean loss over folds.
        default_loss: that of the model's own parameters.
        trials: finished, those of earlier calls included.
        pruned: stopped early.
        folds: what was scored.
        study: the name under which trials are kept.
    """

    model: Model
    params: dict[str, float]
    loss: float
    default_loss: float
    trials: int
    pruned: int
    folds: list[str]
    study: str

    def as_json(self) -> dict[str, Json]:
        """All of it but the model."""
        told: dict[str, Json] = {"model": self.model.name, "params": dict(self.params), "loss": self.loss}
        told |= {"default_loss": self.default_loss, "trials": self.trials, "pruned": self.pruned}
        return told | {"folds": list(self.folds), "study": self.study}


def later_runs(
    bench: Bench, target: Label, runs: Sequence[str], days: Sequence[int], known_by: AsOf, seed: int
) -> list[Fold]:
    """A fold for each past run that others were known before, the latest `MOST_FOLDS`, in order of time.

    Where no run was over before another began, learners are held out in turn instead.

    Args:
        bench: features and labels.
        target: the label.
        runs: past runs.
        days: course days that are scored, all together.
        known_by: the training cut-off; nothing that became known later is used.
        seed: deals out learners, where they are held out.

    Raises:
        NotEnoughData: no label was known by the cut-off.
    """
    asked = [m for m in moments_on_days(bench.records, runs, sorted(set(days)), known_by) if m.as_of <= known_by]
    first = {run: min(m.as_of for m in asked if m.run == run) for run in {m.run for m in asked}}
    folds: list[Fold] = []
    for run in sorted(first, key=lambda run: (first[run], run), reverse=True):
        cut = first[run]
        earlier = [m for m in asked if m.run != run and m.as_of <= cut]
        try:
            test = bench.rows([m for m in asked if m.run == run], target, known_by)
            learn = bench.rows(earlier, target, cut).without(test.learners)
        except (InputError, NotEnoughData):
            continue
        if 0 < learn.labels.sum() < len(learn) and 0 < test.labels.sum() < len(test) and len(folds) < MOST_FOLDS:
            refuse_shared_learners(learn, test)
            folds.append(Fold(run, learn, test))
    return folds[::-1] or _by_learner(bench.rows(asked, target, known_by), seed)


def _by_learner(rows: Rows, seed: int) -> list[Fold]:
    fold = learner_folds(rows.learners, rows.labels, FOLDS_BY_LEARNER, seed)
    made = [Fold(f"learners {k + 1}", rows.where(fold != k), rows.where(fold == k)) for k in range(FOLDS_BY_LEARNER)]
    usable = [f for f in made if 0 < f.learn.labels.sum() < len(f.learn) and 0 < f.test.labels.sum() < len(f.test)]
    if not usable:
        raise NotEnoughData("Too few learners of both kinds to tune on. Add runs with --train.")
    return usable


def tune(
    model: Model,
    folds: Sequence[Fold],
    budget: Budget,
    seed: int,
    *,
    storage: Any = None,
    about: str = "",
    progress: Callable[[str], None] = lambda _: None,
    seconds: Callable[[], float] = lambda: 0.0,
) -> Tuned:
    """The model with the parameters of least mean loss over the folds; its own where none were better.

    Args:
        model: a model with a `space`.
        folds: what trials are scored on, in order; a trial that is worse than the median so far is stopped.
        budget: how much may be spent. The model's own parameters are always the first trial.
        seed: seeds proposals and models. With the same storage, a second call goes on where the first stopped.
        storage: an Optuna storage; None keeps trials in memory.
        about: what else decides the losses, such as the view's hash; trials of another are kept apart.
        progress: told before each trial.
        seconds: a clock, for a budget in seconds; without it only trials count.

    Raises:
        InputError: nothing of the model can be tuned.
        ConfigError: without the extra `models`.
    """
    if not isinstance(model, Tunable) or not model.space:
        raise InputError(f"Nothing of {model.name!r} can be tuned: it has no space. Choose another model.")
    optuna = needs("models", "optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    name = _study_name(model, folds, seed, about)
    study = optuna.create_study(
        study_name=name,
        storage=storage,
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=UNPRUNED),
    )
    # Seeded by what has been tried: taken up again, it proposes what is new.
    study.sampler = optuna.samplers.TPESampler(seed=(seed + _spent(study)) % 2**31)
    if not any(trial.state.name in {"COMPLETE", "WAITING"} and OWN in trial.user_attrs for trial in study.trials):
        study.enqueue_trial(_own(model), user_attrs={OWN: True})
    deadline = None if budget.seconds is None else seconds() + budget.seconds

    def objective(trial: Any) -> float:
        progress(f"{model.name}: trial {trial.number + 1} of {budget.trials}")
        return _loss(_proposed(model, trial), folds, seed, trial, optuna)

    while _spent(study) < budget.trials and (deadline is None or seconds() < deadline):
        study.optimize(objective, n_trials=1)
    return _result(model, study, [fold.name for fold in folds])


def _spent(study: Any) -> int:
    """How many trials were scored; one that was broken off is made up for."""
    return sum(trial.state.name in {"COMPLETE", "PRUNED"} for trial in study.trials)


def _loss(model: Model, folds: Sequence[Fold], seed: int, trial: Any, optuna: Any) -> float:
    losses = []
    for step, fold in enumerate(folds):
        risks = fitted_on(model, fold.learn, seed).risk(fold.test.features)
        weeks = [
            fair_loss(fold.test.where(fold.test.days == day), risks[fold.test.days == day], seed)
            for day in sorted(set(fold.test.days.tolist()))
        ]
        losses.append(float(np.mean(weeks)))
        trial.report(float(np.mean(losses)), step)
        if step + 1 < len(folds) and trial.should_prune():
            raise optuna.TrialPruned
    return float(np.mean(losses))


def _proposed(model: Tunable, trial: Any) -> Model:
    values: dict[str, float] = {}
    for name, within in model.space.items():
        if within.whole:
            values[name] = trial.suggest_int(name, int(within.low), int(within.high), log=within.log)
        else:
            values[name] = trial.suggest_float(name, within.low, within.high, log=within.log)
    return model.with_params(**values)


def _own(model: Tunable) -> dict[str, float]:
    return {name: getattr(model.parameters, name) for name in model.space}


def _result(model: Any, study: Any, folds: list[str]) -> Tuned:
    done = [trial for trial in study.trials if trial.state.name == "COMPLETE"]
    if not done:
        raise NotEnoughData("No trial was finished. Give a larger --budget.")
    best = min(done, key=lambda trial: (trial.value, trial.number))
    default = next((trial.value for trial in done if OWN in trial.user_attrs), best.value)
    params = {} if OWN in best.user_attrs else dict(best.params)
    pruned = _spent(study) - len(done)
    tuned = model.with_params(**params)
    return Tuned(tuned, params, float(best.value), float(default), len(done), pruned, folds, study.study_name)


def _study_name(model: Tunable, folds: Sequence[Fold], seed: int, about: str) -> str:
    """The same for what gives the same losses: the model with its own parameters and space, the rows, the seed."""
    rows = [[f.name, len(f.learn), len(f.test), float(f.learn.labels.sum()), float(f.test.labels.sum())] for f in folds]
    space = {name: [r.low, r.high, r.log, r.whole] for name, r in model.space.items()}
    told = json.dumps([_own(model), space, rows, seed, about], sort_keys=True)
    return f"{getattr(model, 'name', 'model')}-{hashlib.sha256(told.encode()).hexdigest()[:12]}"
