"""From records to models: features, training, evaluation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from headway.domain.errors import InputError, NotEnoughData
from headway.domain.runs import RunId, select_runs
from headway.domain.time import AsOf
from headway.evaluation.assess import Measure, table
from headway.evaluation.paradigms import PARADIGMS, Bench, Paradigm, Question, training_rows
from headway.evaluation.protocols import PROTOCOLS, ProtocolResult
from headway.evaluation.risk_model import RiskModel, fit_best
from headway.evaluation.rows import Rows
from headway.features.as_of import FeatureTable, Moment, compute, moments_on_days, run_facts, runs_with_activity
from headway.features.labels import Label
from headway.features.labels import label as label_called
from headway.features.views import STANDARD, view_of
from headway.flow.app import App, quiet
from headway.flow.records import as_of_in
from headway.governance import audit
from headway.models.model import MODELS, Json, Model
from headway.registry.registry import Candidate, ModelVersion

if TYPE_CHECKING:
    from headway.lake.reading import Records

NEAR_DAYS: Final = 3
"""A registered model serves course days this near to the day it was trained for."""

BEST: Final = "best"
"""Stands for: every model that is no trivial rule, chosen by its held-out loss on the past."""

DEFAULT: Final = "average"
"""The model that was never far from the best on any day of the runs we measured; see docs/decisions/0008."""


def build_view(app: App, runs: Sequence[str], as_ofs: Sequence[str], view: str = STANDARD) -> FeatureTable:
    """The view's features of everyone enrolled in the runs as of each date, each date in the run's own zone."""
    chosen = select_runs(runs, app.lake.runs())
    with app.lake.open(None, chosen) as records:
        moments = [Moment(run, as_of_in(records, run, text)) for run in chosen for text in as_ofs]
        return compute(view_of(view), records, moments)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train a model for one day of a course.

    Attributes:
        label: what to predict.
        train_runs: runs to learn from, ids or globs; empty for all that are finished.
        day: the course day that will be scored.
        known_by: labels count as known up to here.
        model: a model's name, or `BEST`.
        for_run: the run that will be scored; its learners are left out of training.
        paradigm: "transfer", or "in-situ" to learn from the running course.
    """

    label: str
    train_runs: tuple[str, ...]
    day: int
    known_by: AsOf
    model: str = DEFAULT
    for_run: str | None = None
    paradigm: Paradigm = "transfer"


def train(app: App, recipe: Recipe) -> ModelVersion:
    """A registered model, fitted on what was known, with the figures it had on the latest past run.

    Raises:
        NotEnoughData: no label was known by then.
        UnknownName: a run, label or model is not known.
    """
    runs = runs_to_learn_from(app, recipe)
    with app.lake.open(recipe.known_by, None) as records:
        bench = Bench(records, view_of(), gap_days=app.settings.evaluation.action_gap_days)
        question = _question(app, recipe, runs)
        app.progress(f"learning {recipe.label} for day {recipe.day} from {len(runs)} runs")
        rows = training_rows(bench, question, recipe.paradigm)
        if recipe.for_run and recipe.paradigm == "transfer":
            rows = rows.without(_enrolled(records, recipe))
        fitted = fit_best(_models(recipe.model), rows, course=question.course, day=recipe.day, seed=question.seed)
        report = _report(app, bench, question, recipe, rows, fitted)
        snapshot = records.snapshot.id
    observed = (
        question.target.name if recipe.paradigm == "transfer" or not question.target.whole_run else question.proxy
    )
    candidate = Candidate(
        name=f"{observed}-{fitted.method}",
        files=fitted.state(),
        label=observed,
        model=fitted.method,
        view_hash=bench.view.hash,
        view_features=bench.view.features,
        snapshot=snapshot,
        train_runs=tuple(sorted(set(rows.runs))),
        days=(recipe.day,),
        known_by=str(recipe.known_by),
        seed=question.seed,
        report=report,
    )
    version = app.registry.add(candidate)
    with app.store.begin() as connection:
        audit.record(connection, app.clock.now(), app.actor, "train", version.ref, {"known_by": version.known_by})
    return version


def evaluate(
    app: App,
    label: str,
    train_runs: Sequence[str],
    test_runs: Sequence[str],
    days: Sequence[int],
    *,
    paradigms: Sequence[Paradigm] = PARADIGMS,
    models: Sequence[str] = (),
    capacity: int | None = None,
    as_published: bool = False,
) -> list[dict[str, Json]]:
    """One row of figures for each test run, day, paradigm and model, the rules among them.

    Args:
        app: where the records are.
        label: what is predicted.
        train_runs: past runs, ids or globs.
        test_runs: runs to be scored as if they were running.
        days: course days.
        paradigms: ways to train.
        models: names; empty for all.
        capacity: learners that can be contacted; the setting where None.
        as_published: keep who has already left, and labels that were not known yet, as published figures often do.

    Raises:
        UnknownName: a run, label or model is not known.
        InputError: a label without two classes.
    """
    target = risk_label(label)
    known_runs = app.lake.runs()
    tests = select_runs(test_runs, known_runs)
    pasts = select_runs(train_runs, known_runs) if train_runs else []
    section = app.settings.evaluation
    measure = Measure(capacity or section.capacity, section.bootstrap, section.seed)
    with app.lake.open(None, sorted({*pasts, *tests})) as records:
        reading = "as published" if as_published else "honest"
        bench = Bench(records, view_of(), "as published" if as_published else "honest", section.action_gap_days)
        questions = [
            Question(target, tuple(run for run in pasts if run != test), test, day, section.seed)
            for test in tests
            for day in sorted(set(days))
        ]
        past_days = sorted({day for question in questions for day in question.past_days()})
        app.progress(f"computing features of {len({*pasts, *tests})} runs on {len(past_days)} days")
        bench.prepare(moments_on_days(records, sorted({*pasts, *tests}), past_days))
        chosen = [MODELS.get(name) for name in models] or _all_models()
        return table(bench, questions, paradigms, chosen, measure, reading, app.progress)


def evaluate_protocol(
    app: App, name: str, *, models: Sequence[str] = (), capacity: int | None = None
) -> ProtocolResult:
    """A published protocol run again on the records that are here, beside its reference.

    Args:
        app: where the records are.
        name: a name in `PROTOCOLS`.
        models: names; empty for all.
        capacity: learners that can be contacted in a run; the setting where None.

    Raises:
        UnknownName: a protocol or model is not known.
        NotEnoughData: the protocol's data set was not imported.
    """
    protocol = PROTOCOLS.get(name)
    chosen = [MODELS.get(model) for model in models] or _all_models()
    section = app.settings.evaluation
    measure = Measure(capacity or section.capacity, section.bootstrap, section.seed)
    with app.lake.open(None, None) as records:
        return protocol.run(records, chosen, measure, app.progress)


def risk_label(name: str) -> Label:
    """The label called `name`, which must be a risk.

    Raises:
        InputError: it is a number rather than a risk.
    """
    target = label_called(name)
    if not target.binary:
        raise InputError(f"{name!r} is a number, not a risk. Choose a label that is true or false.")
    return target


def _all_models() -> list[Model]:
    return sorted(MODELS, key=lambda model: (not model.trivial, model.name))


def _models(name: str) -> list[Model]:
    return [model for model in MODELS if not model.trivial] if name == BEST else [MODELS.get(name)]


def runs_to_learn_from(app: App, recipe: Recipe) -> tuple[str, ...]:
    """The runs whose outcomes the recipe may learn from at its cut-off; none where it learns in the running course."""
    if recipe.paradigm == "in-situ":
        return ()
    known_runs = app.lake.runs()
    if recipe.train_runs:
        return tuple(run for run in select_runs(recipe.train_runs, known_runs) if run != recipe.for_run)
    with app.lake.open(recipe.known_by, None, kinds=["course_runs", "statements"]) as records:
        facts = [run_facts(records, run) for run in _runs_in(records)]
        logged = runs_with_activity(records)
    source = RunId.parse(recipe.for_run).source if recipe.for_run else None
    # A run whose log never arrived says nothing of learners who were silent.
    alike = logged if recipe.for_run is None or recipe.for_run in logged else known_runs
    finished = [
        about.run
        for about in facts
        if about.run in alike
        and about.run != recipe.for_run
        and about.ends_on < recipe.known_by.day(about.zone)
        and source in (None, RunId.parse(about.run).source)
    ]
    if not finished:
        raise NotEnoughData(f"No run had finished by {recipe.known_by}. Import earlier runs.")
    return tuple(sorted(finished))


def _runs_in(records: "Records") -> list[str]:
    runs = records.table("course_runs")
    return sorted(records.collect(runs.select("run").distinct())["run"].to_pylist())


def _question(app: App, recipe: Recipe, runs: tuple[str, ...]) -> Question:
    test_run = recipe.for_run or (runs[-1] if runs else "")
    return Question(
        risk_label(recipe.label), runs, test_run, recipe.day, app.settings.evaluation.seed, as_of=recipe.known_by
    )


def _enrolled(records: "Records", recipe: Recipe) -> Any:
    assert recipe.for_run is not None
    return compute(view_of(), records, [Moment(recipe.for_run, recipe.known_by)]).keys("learner")


def _report(
    app: App, bench: Bench, question: Question, recipe: Recipe, rows: Rows, fitted: RiskModel
) -> dict[str, Json]:
    """What goes with a model version: its facts, the base rate, and a check of the recipe on the latest past run."""
    section = app.settings.evaluation
    rules = [model for model in _all_models() if model.trivial]
    checked: list[dict[str, Json]] = []
    if recipe.paradigm == "transfer":
        instants = {run: int(rows.instants[rows.runs == run].max()) for run in set(rows.runs)}
        latest = max(instants, key=lambda run: (instants[run], run))
        earlier = tuple(sorted(run for run in instants if run != latest))
        past = Question(question.target, earlier, latest, recipe.day, question.seed)
        paradigm: Paradigm = "transfer" if earlier else "post-hoc"
        measure = Measure(section.capacity, section.bootstrap, section.seed)
        app.progress(f"checking on {latest}, day {recipe.day}")
        checked = table(bench, [past], [paradigm], [MODELS.get(fitted.method), *rules], measure, "honest", quiet)
    return {
        "base_rate": float(rows.labels.mean()),
        "rows": len(rows),
        "held_out_loss": fitted.held_out_loss,
        "facts": fitted.fitted.facts(),
        "calibration": fitted.calibration.method,
        "check": list(checked),
    }


def registered(app: App, recipe: Recipe, runs: tuple[str, ...]) -> ModelVersion | None:
    """The newest registered version that this recipe would make again, near enough in course days."""
    fitting = [
        version
        for version in app.registry.versions()
        if version.label == recipe.label
        and (recipe.model in (BEST, version.model))
        and version.view_hash == view_of().hash
        and version.train_runs == runs
        and AsOf.at(version.known_by) <= recipe.known_by
        and any(abs(day - recipe.day) <= NEAR_DAYS for day in version.days)
    ]
    return max(fitting, key=lambda version: (AsOf.at(version.known_by), version.created_at), default=None)
