"""Tuning a model on the past, and remembering what came of it."""

import json
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Any, Final

from headway.domain.errors import InputError
from headway.domain.extensions import needs
from headway.domain.runs import select_runs
from headway.domain.time import AsOf
from headway.evaluation.histories import history_wanted
from headway.evaluation.paradigms import Bench
from headway.evaluation.tuning import Budget, Tuned, later_runs
from headway.evaluation.tuning import tune as tuned_on
from headway.features.labels import label as label_called
from headway.features.views import view_of
from headway.flow.app import App
from headway.governance import audit
from headway.models.model import MODELS, Model

TRIALS: Final = "tuning.db"
"""Every trial ever made, so that tuning can be taken up again."""

CHOSEN: Final = "tuned.json"
"""The best parameters found, by label and model."""


def tune(
    app: App,
    label: str,
    model: str,
    train_runs: Sequence[str],
    days: Sequence[int],
    budget: Budget,
    *,
    known_by: AsOf | None = None,
) -> Tuned:
    """The best parameters found for a model, kept for `train` with `tuned`.

    Args:
        app: where the records are.
        label: what is predicted.
        model: a model's name.
        train_runs: past runs, ids or globs; empty for all.
        days: course days that are scored, together.
        budget: how much may be spent.
        known_by: labels count as known up to here; now where None.

    Raises:
        UnknownName: a run, label or model is not known.
        NotEnoughData: no label was known by then.
        InputError: nothing of the model can be tuned, or the label is a number.
        ConfigError: without the extra `models`.
    """
    target, wanted = label_called(label, app.settings.labels), MODELS.get(model)
    if not target.binary:
        raise InputError(f"{label!r} is a number, not a risk. Choose a label that is true or false.")
    optuna, section = needs("models", "optuna"), app.settings.evaluation
    runs = select_runs(train_runs or ["*"], app.lake.runs())
    cut = known_by or AsOf.now(app.clock)
    with app.lake.open(cut, runs) as records:
        bench = Bench(records, view_of(), gap_days=section.action_gap_days, history=history_wanted([wanted]))
        app.progress(f"computing features of {len(runs)} runs on {len(set(days))} days")
        folds = later_runs(bench, target, runs, days, cut, section.seed)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = optuna.storages.RDBStorage(f"sqlite:///{app.settings.home / TRIALS}")
    about = f"{target.name} {bench.view.hash} {sorted(set(days))}"
    try:
        found = tuned_on(
            wanted, folds, budget, section.seed, storage=storage, about=about, progress=app.progress, seconds=monotonic
        )
    finally:
        storage.engine.dispose()
    _keep(app.settings.home / CHOSEN, label, model, found, bench.view.hash)
    with app.store.begin() as connection:
        told = {"loss": found.loss, "trials": found.trials, "study": found.study}
        audit.record(connection, app.clock.now(), app.actor, "tune", f"{label}-{model}", told)
    return found


def tuned(app: App, label: str, model: Model) -> Model:
    """The model with the best parameters that `tune` found for this label.

    Raises:
        InputError: it was never tuned for it.
    """
    kept = _kept(app.settings.home / CHOSEN).get(_key(label, model.name))
    if kept is None:
        raise InputError(
            f"{model.name!r} was never tuned for {label!r}: headway tune --model {model.name} --label {label}"
        )
    changed: Model = model.with_params(**kept["params"])  # type: ignore[attr-defined]  # only such a model was tuned
    return changed


def _keep(path: Path, label: str, model: str, found: Tuned, view_hash: str) -> None:
    everything = _kept(path) | {_key(label, model): {**found.as_json(), "view_hash": view_hash}}
    part = path.with_suffix(".part")
    part.write_text(json.dumps(everything, indent=1, sort_keys=True), encoding="utf-8")
    part.replace(path)


def _kept(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _key(label: str, model: str) -> str:
    return f"{label}-{model}"
