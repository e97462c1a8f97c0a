"""Who is still there, and how well one could have said who would be."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from headway.domain.runs import select_runs
from headway.evaluation.assess import Measure
from headway.evaluation.durations import MODELS_OF_DURATIONS, Event, duration_table
from headway.evaluation.paradigms import Bench, Question
from headway.evaluation.retained import Clock, Retained, retained
from headway.features.labels import label
from headway.features.views import view_of
from headway.flow.app import App
from headway.flow.records import as_of_in, one_run
from headway.models.model import Json

if TYPE_CHECKING:
    from headway.description.retention import Event as Leaving


def retention(
    app: App,
    run: str,
    as_of_text: str | None = None,
    *,
    event: "Leaving | None" = None,
    clock: Clock = "own",
    by: str | None = None,
) -> Retained:
    """How many of a run's learners are still there, week by week.

    Args:
        app: where the records are.
        run: an id or a glob that names one run.
        as_of_text: as it was known at this time; None for all that is known.
        event: what counts as leaving; the withdrawal where the run knows any, else the last activity.
        clock: each learner's own weeks, or course weeks.
        by: an attribute, to compare groups of at least 10.

    Raises:
        UnknownName: there is no such run.
        NotEnoughData: nobody is enrolled by then, or nothing tells who left.
        InputError: nobody has the attribute.
    """
    run = one_run(app, run)
    as_of = None
    if as_of_text is not None:
        with app.lake.open(None, [run], kinds=["course_runs"]) as records:
            as_of = as_of_in(records, run, as_of_text)
    with app.lake.open(as_of, [run]) as records:
        return retained(records, run, as_of, event=event, clock=clock, by=by)


def evaluate_retention(
    app: App, train_runs: Sequence[str], test_run: str, days: Sequence[int], *, event: Event = "withdrawal"
) -> list[dict[str, Json]]:
    """One row for each day and survival model: concordance, and Brier scores at some weeks ahead.

    Args:
        app: where the records are.
        train_runs: past runs, ids or globs; those that had not ended by a day teach nothing on it.
        test_run: the run that is scored as if it were running.
        days: course days.
        event: "withdrawal", or "silence": the last activity of who then stays silent for two weeks.

    Raises:
        UnknownName: a run is not known.
    """
    known_runs = app.lake.runs()
    test = one_run(app, test_run)
    pasts = tuple(run for run in select_runs(train_runs, known_runs) if run != test)
    section = app.settings.evaluation
    measure = Measure(section.capacity, section.bootstrap, section.seed)
    with app.lake.open(None, sorted({*pasts, test})) as records:
        bench = Bench(records, view_of(), gap_days=section.action_gap_days)
        target = label("does_not_finish")
        questions = [Question(target, pasts, test, day, section.seed) for day in sorted(set(days))]
        return duration_table(bench, questions, event, MODELS_OF_DURATIONS, measure, app.progress)
