"""Forecasts of numbers, evaluated as risks are."""

from collections.abc import Sequence

from headway.domain.errors import InputError
from headway.domain.runs import select_runs
from headway.evaluation.assess import Measure
from headway.evaluation.forecasting import forecast_table
from headway.evaluation.paradigms import PARADIGMS, Bench, Paradigm, Question
from headway.features.as_of import Reading, moments_on_days
from headway.features.labels import Label
from headway.features.views import view_of
from headway.flow.app import App
from headway.models.forecast import FORECASTS
from headway.models.model import Json


def evaluate_numbers(
    app: App,
    target: Label,
    train_runs: Sequence[str],
    test_runs: Sequence[str],
    days: Sequence[int],
    measure: Measure,
    *,
    paradigms: Sequence[Paradigm] = PARADIGMS,
    models: Sequence[str] = (),
    reading: Reading = "honest",
) -> list[dict[str, Json]]:
    """One row of figures for each test run, day, paradigm and forecast, the mean among them.

    Args:
        app: where the records are.
        target: a label whose values are numbers.
        train_runs: past runs, ids or globs.
        test_runs: runs to be scored as if they were running.
        days: course days.
        measure: how to measure.
        paradigms: ways to train; those that there are not for numbers say so in their row.
        models: names of forecasts; empty or "all" for all.
        reading: see `evaluate`.

    Raises:
        UnknownName: a run or forecast is not known.
        InputError: the label is a risk.
    """
    if target.binary:
        raise InputError(f"{target.name!r} is a risk, not a number.")
    known_runs = app.lake.runs()
    tests = select_runs(test_runs, known_runs)
    pasts = select_runs(train_runs, known_runs) if train_runs else []
    named = [] if list(models) == ["all"] else models
    chosen = [FORECASTS.get(name) for name in named] or sorted(FORECASTS, key=lambda each: not each.trivial)
    section = app.settings.evaluation
    with app.lake.open(None, sorted({*pasts, *tests})) as records:
        bench = Bench(records, view_of(), reading, section.action_gap_days)
        questions = [
            Question(target, tuple(run for run in pasts if run != test), test, day, section.seed)
            for test in tests
            for day in sorted(set(days))
        ]
        past_days = sorted({day for question in questions for day in question.past_days()})
        app.progress(f"computing features of {len({*pasts, *tests})} runs on {len(past_days)} days")
        bench.prepare(moments_on_days(records, sorted({*pasts, *tests}), past_days))
        return forecast_table(bench, questions, paradigms, chosen, measure, reading, app.progress)
