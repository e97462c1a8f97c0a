"""Sequence tensors as files that are mapped into memory, for networks trained elsewhere."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from headway.domain.errors import InputError
from headway.domain.runs import select_runs
from headway.features.moments import Moment
from headway.features.tensor import Tensor, sequence_view, tensor
from headway.features.views import FeatureView, view_of
from headway.flow.app import App
from headway.flow.records import as_of_in

SEQUENCE: Final = "sequence"
"""The name of the small view of `features.tensor.SEQUENCE_FEATURES`."""


def save_tensor(
    app: App, runs: Sequence[str], as_ofs: Sequence[str], steps: int, step_days: int, view: str, out: Path
) -> Tensor:
    """The tensor of everyone enrolled in the runs as of each date, its arrays mapped from the files in `out`.

    The folder then holds `values.npy` (rows, steps, features), `mask.npy` (rows, steps), `rows.parquet` (run, learner,
    as_of) and `about.json` (features, view, hash, steps, step_days, snapshot). `about.json` is written last.

    Args:
        app: where the records are.
        runs: ids or globs.
        as_ofs: dates, each in the run's own zone.
        steps: as-of times of a row; see `features.tensor.tensor`.
        step_days: days from one to the next.
        view: a view's name, or `SEQUENCE`.
        out: a new or empty folder.

    Raises:
        InputError: the folder holds something, or cannot be written.
        UnknownName: a run or view is not known.
    """
    chosen, wanted = select_runs(runs, app.lake.runs()), _view(view)
    _empty(out)
    with app.lake.open(None, chosen) as records:
        moments = [Moment(run, as_of_in(records, run, text)) for run in chosen for text in as_ofs]
        app.progress(f"computing {steps} steps of {len(wanted.features)} features at {len(moments)} as-of times")
        made = tensor(wanted, records, moments, steps, step_days, allocate=mapped(out))
        snapshot = records.snapshot.id
    _write(made, snapshot, out)
    return made


def mapped(out: Path) -> Callable[[tuple[int, ...], Any], Any]:
    """An allocator for `tensor`: the values in `out/values.npy`, the mask in `out/mask.npy`."""
    import numpy as np

    def allocate(shape: tuple[int, ...], dtype: Any) -> Any:
        name = "mask.npy" if np.dtype(dtype) == np.bool_ else "values.npy"
        if 0 in shape:
            # A file of no bytes cannot be mapped.
            np.save(out / name, np.zeros(shape, dtype))
            return np.zeros(shape, dtype)
        return np.lib.format.open_memmap(out / name, mode="w+", dtype=np.dtype(dtype), shape=shape)

    return allocate


def _view(name: str) -> FeatureView:
    return sequence_view() if name == SEQUENCE else view_of(name)


def _empty(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise InputError(f"{out} holds something already. Name a new or empty folder.")
    except OSError as wrong:
        raise InputError(f"{out} cannot be written ({wrong.strerror}). Name another folder.") from wrong


def _write(made: Tensor, snapshot: str, out: Path) -> None:
    import pyarrow.parquet

    for array in (made.values, made.mask):
        getattr(array, "flush", lambda: None)()
    pyarrow.parquet.write_table(made.rows, out / "rows.parquet", compression="zstd")
    about = {
        "view": made.view.name,
        "hash": made.view.hash,
        "features": list(made.view.features),
        "rows": len(made.rows),
        "steps": made.steps,
        "step_days": made.step_days,
        "snapshot": snapshot,
    }
    (out / "about.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
