"""Checks of a course's own data before anybody trusts a model on it: does something know too much?"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from headway.domain.errors import NotEnoughData
from headway.domain.runs import select_runs
from headway.evaluation.intervals import known
from headway.evaluation.paradigms import Bench
from headway.evaluation.risk_model import fitted_on
from headway.evaluation.rows import Rows, learner_folds
from headway.evaluation.suspicion import differing_cells, planted_is_seen, powers, shuffled
from headway.features.as_of import FeatureTable, compute, moments_on_days, run_facts
from headway.features.labels import Label
from headway.features.moments import Moment
from headway.features.views import STANDARD, FeatureView, view_of
from headway.flow.app import App
from headway.flow.modelling import risk_label
from headway.models.model import MODELS, Floats, Json

if TYPE_CHECKING:
    from headway.lake.reading import Records

QUICK: Final = "logistic"
"""The model whose shuffled labels must come to nothing; the splits are checked, not the model."""

DRAWS: Final = 8
PLANTED_PEEK: Final = "statements_after"


def leakage_report(
    app: App, runs: Sequence[str], days: Sequence[int], *, label: str = "does_not_finish", view: str = STANDARD
) -> list[dict[str, Json]]:
    """For each run and day: what depends on later records, which features tell suspiciously much, shuffled labels.

    Two leaks are planted on the data at hand, one in the records and one in a column, to prove that each check would
    have seen it. `clean` says whether a leak was proven; suspicion alone is for people to look at.

    Args:
        app: where the records are.
        runs: runs, ids or globs.
        days: course days.
        label: what is foreseen.
        view: the feature view.

    Raises:
        UnknownName: a run, label or view is not known.
        InputError: a label without two classes.
        NotEnoughData: nobody was enrolled on a day, or no label is known.
    """
    target, found, features = risk_label(app, label), [], view_of(view)
    for run in select_runs(runs, app.lake.runs()):
        with app.lake.open(None, [run]) as records:
            facts = run_facts(records, run)
            last = (facts.ends_on - facts.starts_on).days
            for day in sorted(set(days)):
                app.progress(f"{run}, day {day}: looking for leaks")
                found.append(_on_day(app, records, features, target, run, day, last))
    return found


def _on_day(
    app: App, records: "Records", view: FeatureView, target: Label, run: str, day: int, last: int
) -> dict[str, Json]:
    bench = Bench(records, view, gap_days=app.settings.evaluation.action_gap_days)
    moment = moments_on_days(records, [run], [day])[0]
    then = bench.rows([moment], target, None)
    if not 0 < then.labels.sum() < len(then):
        raise NotEnoughData(f"All {len(then)} learners of {run} on day {day} have the same label. Choose another day.")
    strong = powers(then, _after(records, view, target, run, last, then))
    seed = app.settings.evaluation.seed
    future = _future(app, compute(view, records, [moment]), moment)
    chance = shuffled(*_halves(then, seed), _tell(seed), draws=DRAWS, seed=seed)
    suspicious = [each.as_json() for each in strong if each.why]
    return {
        "run": run,
        "label": target.name,
        "day": day,
        "n": len(then),
        "base_rate": known(float(then.labels.mean())),
        "features": [each.as_json() for each in strong],
        "suspicious": list(suspicious),
        "future": future,
        "shuffled": chance.as_json(),
        "planted_seen": {"column": planted_is_seen(then, seed), "records": future["planted"]},
        "clean": not future["differing"] and chance.honest,
    }


def _after(records: "Records", view: FeatureView, target: Label, run: str, last: int, then: Rows) -> Rows:
    """The same learners at the end of the run's last day, those who had left by then among them."""
    published = Bench(records, view, "as published")
    rows = published.rows(moments_on_days(records, [run], [last]), target, None)
    return rows.where(np.isin(rows.learners.astype(str), then.learners.astype(str)))


def _future(app: App, everything: FeatureTable, moment: Moment) -> dict[str, Json]:
    """Which values of the day change when what was recorded later is taken away, and whether a planted peek would."""
    with app.lake.open(moment.as_of, [moment.run]) as records:
        known_then = compute(everything.view, records, [moment])
        peek_then = _statements(records)
    with app.lake.open(None, [moment.run], kinds=["statements"]) as records:
        peek = _statements(records)
    one, other = (
        {str(who): row for who, row in zip(t.keys("learner"), t.values(), strict=True)}
        for t in (everything, known_then)
    )
    both = sorted(one.keys() & other.keys())
    differing: dict[str, Json] = {}
    if both:
        cells = differing_cells(np.array([one[who] for who in both]), np.array([other[who] for who in both]))
        differing = {name: int(n) for name, n in zip(everything.view.features, cells, strict=True) if n}
    alone = len(one.keys() ^ other.keys())
    if alone:
        differing["whole rows"] = alone
    planted = any(peek.get(who, 0) != peek_then.get(who, 0) for who in both)
    return {"compared": len(both), "differing": differing, "planted": planted}


def _statements(records: "Records") -> dict[str, int]:
    statements = records.table("statements")
    counted = records.collect(statements.group_by("learner").agg(n=statements.count()))
    return dict(zip(counted["learner"].to_pylist(), counted["n"].to_pylist(), strict=True))


def _halves(rows: Rows, seed: int) -> tuple[Rows, Rows]:
    fold = learner_folds(rows.learners, rows.labels, 2, seed)
    return rows.where(fold == 0), rows.where(fold == 1)


def _tell(seed: int) -> Any:
    model = MODELS.get(QUICK)

    def tell(learn: Rows, labels: Floats, test: Rows) -> Floats:
        return fitted_on(model, replace(learn, labels=labels), seed).risk(test.features)

    return tell
