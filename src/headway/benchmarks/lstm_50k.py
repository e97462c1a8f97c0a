"""From raw logs to the list: an LSTM, boosting and the rule predict by week 4 who leaves, on a later run.

Several runs of a made-up course in Open edX's log form; the last is the running one. Every stage is a process of its
own, as a night's jobs would be, and hands files to the next. AUROC is that on the last run, of everyone enrolled at the
end of week 4, from models that saw the earlier runs as they were known by then.
"""

import csv
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from headway.benchmarks.benchmark import Benchmark, Order, Outcome
from headway.benchmarks.measure import Measured, measured
from headway.domain.extensions import needs

if TYPE_CHECKING:
    from headway.evaluation.rows import Rows

LEARNERS: Final = 50_000
RUNS: Final = 5
WEEKS: Final = 12
DAY: Final = 27
"""The last day of week 4; day 0 is the first."""

DROPOUT: Final = "withdraws_within_56d"
"""Leaves the run after week 4 and before its end; a tracking log has no outcome of who unenrolled."""

BYTES_A_LEARNER: Final = 30_000
"""1.5 GB for 50,000 learners."""

LINE_BYTES: Final = 540
MODELS_RUN: Final = ("lstm", "boosting", "inactive-7-days")
CAPACITY: Final = 200
SEED: Final = 7


def simulate(folder: str, learners: int) -> dict[str, int]:
    """How many lines and bytes of log were written below `folder`; not part of the job."""
    from headway.sources.simulation.files import order_of, write_files

    options = {"learners": str(learners // RUNS), "runs": str(RUNS), "weeks": str(WEEKS)}
    order = order_of("edx", options, size=f"{learners * BYTES_A_LEARNER}B")
    written = write_files(order, Path(folder), lambda _: None)
    return {"lines": written.statements, "bytes": written.size}


def import_logs(folder: str, home: str, memory_mib: int) -> dict[str, int]:
    """How many statements were imported into a new home."""
    from headway.flow import ingest, open_app

    place = Path(folder)
    with open_app(Path(home), engine={"memory_limit_mib": memory_mib}) as app:
        options = {"calendar": str(place / "calendar.csv")}
        report = ingest(app, "edx", [place / "logs", place / "tables"], options)
    return {"statements": report.kinds["statements"].accepted}


def build(home: str, out: str, memory_mib: int) -> dict[str, Any]:
    """How many rows, features and cells of history were written: the earlier runs to learn from, the last to score."""
    from headway.evaluation.paradigms import Bench, Question, asked, training_rows
    from headway.features.as_of import moments_on_days
    from headway.features.labels import label
    from headway.features.views import view_of
    from headway.flow import open_app

    with open_app(Path(home), engine={"memory_limit_mib": memory_mib}) as app:
        *past, running = app.lake.runs()
        with app.lake.open(None, None) as records:
            bench = Bench(records, view_of(), history=True)
            question = Question(label(DROPOUT), tuple(past), running, DAY, SEED, spread=(0,))
            bench.prepare(moments_on_days(records, [*past, running], [DAY]))
            test = asked(bench, question)
            learn = training_rows(bench, question, "transfer").without(test.learners)
    for name, rows in (("learn", learn), ("test", test)):
        _write(rows, Path(out) / name)
    history = learn.features.history
    assert history is not None
    sizes = {"steps": history.steps, "step_features": len(history.names), "cells": len(history.cells)}
    return {"learn": len(learn), "test": len(test), "features": len(learn.features.names), **sizes}


def learn(out: str, model: str, listed: str) -> dict[str, Any]:
    """AUROC of a model on the last run, after its list with reasons was written to the CSV file `listed`."""
    from headway.evaluation.metrics import auroc
    from headway.evaluation.risk_model import fit
    from headway.models.model import MODELS

    rows, test = _read(Path(out) / "learn"), _read(Path(out) / "test")
    course = str(test.runs[0]).rsplit("/", 1)[0]
    trained = fit(MODELS.get(model), rows, course=course, day=DAY, seed=SEED)
    risks = trained.predict(test.features).risks
    first = np.argsort(-risks, kind="stable")[:CAPACITY]
    why = trained.contributions(test.features)
    why = why - why.mean(axis=0)
    with Path(listed).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["order", "learner", "risk", "first_reason"])
        for order, row in enumerate(first, 1):
            reason = test.features.names[int(np.argmax(why[row]))]
            writer.writerow([order, test.learners[row], round(float(risks[row]), 4), reason])
    precision = float(test.labels[first].mean())
    return {"auroc": round(auroc(test.labels, risks), 4), "precision_at_200": round(precision, 3)}


def run(
    learners: int = LEARNERS,
    folder: Path | None = None,
    memory_mib: int = 1024,
    say: Any = lambda _: None,
) -> dict[str, Any]:
    """Seconds and peak memory of each stage, and the AUROC of each model, as one document.

    Args:
        learners: in all runs together.
        folder: where files go; None for a passing one.
        memory_mib: what the query engine may hold.
        say: hears what is being done.

    Raises:
        ConfigError: torch is not installed.
    """
    import tempfile

    needs("deep", "torch")
    with tempfile.TemporaryDirectory(prefix="headway-lstm-", dir=folder) as text:
        made, home, out = (str(Path(text) / name) for name in ("made", "home", "rows"))
        Path(out).mkdir()
        load = os.getloadavg()[0]
        say(f"raw logs of {learners:,} learners")
        raw = measured(simulate, folder=made, learners=learners)
        stages: dict[str, Measured] = {}
        say("import")
        stages["import"] = measured(import_logs, folder=made, home=home, memory_mib=memory_mib)
        say("features and histories at the end of week 4")
        stages["features"] = measured(build, home=home, out=out, memory_mib=memory_mib)
        for model in MODELS_RUN:
            say(f"{model}: fit, calibrate, predict, explain, list")
            stages[model] = measured(learn, out=out, model=model, listed=str(Path(text) / f"{model}.csv"))
    told = {name: {**found.told(), **found.answer} for name, found in stages.items()}
    return {
        "learners": learners,
        "raw": {**raw.told(), **raw.answer},
        "stages": told,
        "seconds": round(sum(found.seconds for found in stages.values()), 1),
        "cpu_seconds": round(sum(found.cpu_seconds for found in stages.values()), 1),
        "peak_mib": round(max(found.peak_mib for found in stages.values())),
        "auroc": {model: stages[model].answer["auroc"] for model in MODELS_RUN},
        "load_before": round(load, 1),
        "load_after": round(os.getloadavg()[0], 1),
    }


def _write(rows: "Rows", folder: Path) -> None:
    """The rows as arrays in a folder, those of the history apart so that they can be mapped."""
    folder.mkdir()
    history = rows.features.history
    assert history is not None
    texts = {name: getattr(rows, name).astype(np.str_) for name in ("learners", "runs")}
    names = {"names": np.array(rows.features.names), "past": np.array(history.names)}
    numbers = {name: getattr(rows, name) for name in ("labels", "days", "instants")}
    steps = {"where": history.where, "step_days": np.array(history.step_days)}
    np.savez(folder / "rows.npz", values=rows.features.values, **texts, **names, **numbers, **steps)  # type: ignore[arg-type]  # numpy's stub takes the arrays for its own option
    np.save(folder / "cells.npy", history.cells)


def _read(folder: Path) -> "Rows":
    from headway.evaluation.rows import Rows
    from headway.models.model import History, Matrix

    with np.load(folder / "rows.npz", allow_pickle=False) as held:
        kept = {name: held[name] for name in held.files}
    cells = np.load(folder / "cells.npy", mmap_mode="r")
    past = tuple(kept.pop("past").tolist())
    history = History(past, int(kept.pop("step_days")), cells, kept.pop("where"))
    features = Matrix(tuple(kept.pop("names").tolist()), kept.pop("values"), history)
    texts = {name: kept.pop(name).astype(object) for name in ("learners", "runs")}
    return Rows(features=features, **texts, **kept)


def _job(order: Order) -> Outcome:
    """The whole job at a size in events (lines of log)."""
    learners = max(500, order.n * LINE_BYTES // BYTES_A_LEARNER)
    found = run(learners, order.folder, order.memory_mib, order.say)
    total = Measured(found.pop("seconds"), found.pop("cpu_seconds"), found.pop("peak_mib"), None)
    return Outcome(found["raw"]["lines"], total, more=found)


BENCHMARKS = (
    Benchmark(
        "lstm-50k",
        "raw logs to the list: LSTM, boosting and the rule on a later run",
        2_000 * BYTES_A_LEARNER // LINE_BYTES,
        LEARNERS * BYTES_A_LEARNER // LINE_BYTES,
        _job,
        1,
    ),
)
