"""From records to models: features, training, evaluation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

import numpy as np

from headway.domain.errors import InputError, NotEnoughData, UnknownName
from headway.domain.extensions import has
from headway.domain.runs import RunId, select_runs
from headway.domain.time import AsOf
from headway.evaluation.assess import Measure, table
from headway.evaluation.decisions import Costs
from headway.evaluation.events import leaving_instants
from headway.evaluation.histories import history_wanted
from headway.evaluation.imbalance import imbalance_rows
from headway.evaluation.paradigms import (
    PARADIGMS,
    PROXY,
    Bench,
    Learned,
    Paradigm,
    Question,
    learn,
    parted,
    training_rows,
)
from headway.evaluation.protocols import PROTOCOLS, ProtocolResult
from headway.evaluation.risk_model import fit_best
from headway.evaluation.rows import Objects, Rows
from headway.evaluation.selection import Selection, by_regret
from headway.features.as_of import Reading, compute, moments_on_days, runs_facts, runs_with_activity
from headway.features.labels import Label
from headway.features.labels import label as label_called
from headway.features.moments import Moment
from headway.features.views import view_of
from headway.flow.app import App, quiet
from headway.flow.forecasting import evaluate_numbers
from headway.flow.tuning import tuned
from headway.governance import audit
from headway.models.model import MODELS, Json, Model
from headway.registry.registry import Candidate, ModelVersion

if TYPE_CHECKING:
    from headway.lake.lake import Lake
    from headway.lake.reading import Records

TRAINABLE: Final[tuple[Paradigm, ...]] = ("transfer", "in-situ", "blended")
"""The ways to train that a registered model can have."""

NEAR_DAYS: Final = 3
"""A registered model serves course days this near to the day it was trained for."""

BEST: Final = "best"
"""Stands for: the one of `CANDIDATES` with the least regret over past runs and weeks.

With one past run alone, with the least held-out loss there."""

CANDIDATES: Final = ("average", "boosting", "forest", "logistic", "splines")

USUAL: Final = ("average", "boosting", "logistic")
"""The models that stand beside the rules where none is named."""

EVERY: Final = "all"
"""Stands for: every model that can be used here."""

DEFAULT: Final = "average"
"""The model that was never far from the best on any day of the runs we measured; see docs/decisions/0008."""


_active_since: "WeakKeyDictionary[Lake, dict[str, tuple[frozenset[str], AsOf]]]" = WeakKeyDictionary()
"""Of runs that were found to have activity: the files of their statements then, and the as-of time."""


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
        paradigm: "transfer", "in-situ" to learn from the running course, or "blended" for both, weighed as past runs
            teach.
        tuned: whether the model has the parameters that `tune` found for this label.
    """

    label: str
    train_runs: tuple[str, ...]
    day: int
    known_by: AsOf
    model: str = DEFAULT
    for_run: str | None = None
    paradigm: Paradigm = "transfer"
    tuned: bool = False


def train(app: App, recipe: Recipe) -> ModelVersion:
    """A registered model, fitted on what was known, with the figures it had on the latest past run.

    Raises:
        NotEnoughData: no label was known by then.
        UnknownName: a run, label or model is not known.
    """
    _check(recipe)
    runs = runs_to_learn_from(app, recipe)
    with app.lake.open(recipe.known_by, None) as records:
        models = _models(recipe.model)
        if recipe.tuned:
            models = [tuned(app, recipe.label, model) for model in models]
        gap_days = app.settings.evaluation.action_gap_days
        bench = Bench(records, view_of(), gap_days=gap_days, history=history_wanted(models))
        question = _question(app, recipe, runs)
        app.progress(f"learning {recipe.label} for day {recipe.day} from {len(runs)} runs")
        in_situ = recipe.paradigm == "in-situ"
        scored = _enrolled(records, recipe) if recipe.for_run and not in_situ else np.array([], dtype=object)
        rows = training_rows(bench, question, "in-situ" if in_situ else "transfer").without(scored)
        selection = _selection(app, models, rows, question.seed)
        if selection is not None:
            models = [model for model in models if model.name == selection.best]
        made = _made(bench, question, recipe, models, rows, scored)
        report = _report(app, bench, question, recipe, rows, made) | {
            "past": [[*part] for part in _past(app, recipe, runs)]
        }
        report["selection"] = None if selection is None else selection.as_json()
        snapshot = records.snapshot.id
    version = app.registry.add(_candidate(bench, question, recipe, made, report, snapshot))
    with app.store.begin() as connection:
        audit.record(connection, app.clock.now(), app.actor, "train", version.ref, {"known_by": version.known_by})
    return version


def _candidate(
    bench: Bench, question: Question, recipe: Recipe, made: Learned, report: dict[str, Json], snapshot: str
) -> Candidate:
    """What is registered; a blend has a name of its own, since no other run can use it."""
    method, observed = made.model.method, _observed(question.target, recipe.paradigm)
    return Candidate(
        name=f"{observed}-{method}-blended" if recipe.paradigm == "blended" else f"{observed}-{method}",
        files=made.model.state(),
        label=observed,
        model=method,
        view_hash=bench.view.hash,
        view_features=bench.view.features,
        snapshot=snapshot,
        train_runs=made.learned_from,
        days=(recipe.day,),
        known_by=str(recipe.known_by),
        seed=question.seed,
        report=report,
    )


def _observed(target: Label, paradigm: Paradigm) -> str:
    """The label that the model predicts; in a running course a proxy stands for one that is known after it alone."""
    return PROXY if paradigm == "in-situ" and target.whole_run else target.name


def _check(recipe: Recipe) -> None:
    if recipe.paradigm not in TRAINABLE:
        raise UnknownName.of("way to train", recipe.paradigm, TRAINABLE)
    if recipe.paradigm != "transfer" and recipe.for_run is None:
        raise InputError(f"{recipe.paradigm} learns in a running course. Name it with --for.")


def _made(
    bench: Bench, question: Question, recipe: Recipe, models: Sequence[Model], rows: Rows, scored: Objects
) -> Learned:
    """What the recipe learns; of several models, that of the least held-out loss on the past."""
    if recipe.paradigm != "blended":
        best = fit_best(models, rows, course=question.course, day=recipe.day, seed=question.seed, run=recipe.for_run)
        return Learned(best, rows.learned_runs(), len(rows.to_learn()))
    found = [learn(bench, question, "blended", model, scored) for model in models]
    return min(found, key=lambda made: made.model.held_out_loss)


@dataclass(frozen=True, slots=True)
class Extras:
    """What an evaluation may show beyond its usual figures.

    Attributes:
        curves: gain and lift curves and reliability tables.
        than: a model that all others are compared with on the same learners.
        imbalance: each model under each way of evening out classes instead.
    """

    curves: bool = False
    than: str | None = None
    imbalance: bool = False


def measure_of(app: App, capacity: int | None = None, extras: Extras | None = None) -> Measure:
    """How the settings ask to measure."""
    section, wanted = app.settings.evaluation, extras or Extras()
    return Measure(
        capacity or section.capacity,
        section.bootstrap,
        section.seed,
        Costs(section.miss_cost, section.contact_cost),
        section.coverage,
        wanted.curves,
        wanted.than,
    )


def _chosen(names: Sequence[str], extras: Extras) -> list[Model]:
    """The models asked for, with the one compared with; all by default, for imbalance the default alone."""
    asked = [*names, *([extras.than] if extras.than and names and extras.than not in names else [])]
    if extras.than:
        MODELS.get(extras.than)
    return models_called(asked or ([DEFAULT] if extras.imbalance else []))


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
    extras: Extras | None = None,
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
        extras: what is wanted beyond the usual figures.

    Raises:
        UnknownName: a run, label or model is not known.
        InputError: a label without two classes.
    """
    reading: Reading = "as published" if as_published else "honest"
    target, wanted = label_called(label, app.settings.labels), extras or Extras()
    if not target.binary:
        measure = measure_of(app, capacity, wanted)
        return evaluate_numbers(
            app, target, train_runs, test_runs, days, measure, paradigms=paradigms, models=models, reading=reading
        )
    known_runs = app.lake.runs()
    tests = select_runs(test_runs, known_runs)
    pasts = select_runs(train_runs, known_runs) if train_runs else []
    section = app.settings.evaluation
    measure = measure_of(app, capacity, wanted)
    with app.lake.open(None, sorted({*pasts, *tests})) as records:
        chosen = _chosen(models, wanted)
        bench = Bench(records, view_of(), reading, section.action_gap_days, history_wanted(chosen))
        questions = [
            Question(target, tuple(run for run in pasts if run != test), test, day, section.seed)
            for test in tests
            for day in sorted(set(days))
        ]
        past_days = sorted({day for question in questions for day in question.past_days()})
        app.progress(f"computing features of {len({*pasts, *tests})} runs on {len(past_days)} days")
        bench.prepare(moments_on_days(records, sorted({*pasts, *tests}), past_days))
        if wanted.imbalance:
            asked = [
                (question, paradigm, model) for question in questions for paradigm in paradigms for model in chosen
            ]
            return [row for each in asked for row in imbalance_rows(bench, *each, measure, reading)]
        return table(
            bench,
            questions,
            paradigms,
            chosen,
            measure,
            reading,
            app.progress,
            lambda run: leaving_instants(records, run, target),
        )


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
    chosen = models_called(models)
    measure = measure_of(app, capacity)
    with app.lake.open(None, None) as records:
        return protocol.run(records, chosen, measure, app.progress)


def risk_label(app: App, name: str) -> Label:
    """The label called `name`, headway's or the workspace's own, which must be a risk.

    Raises:
        InputError: it is a number rather than a risk.
    """
    target = label_called(name, app.settings.labels)
    if not target.binary:
        raise InputError(f"{name!r} is a number, not a risk. Choose a label that is true or false.")
    return target


def models_called(names: Sequence[str]) -> list[Model]:
    """The models of these names; `EVERY` for all whose libraries are installed, `USUAL` and the rules for no name.

    Raises:
        UnknownName: a model is not known.
    """
    if list(names) == [EVERY]:
        return sorted(filter(_installed, MODELS), key=lambda model: (not model.trivial, model.name))
    return [MODELS.get(name) for name in names] or [*_rules(), *(MODELS.get(name) for name in USUAL)]


def _rules() -> list[Model]:
    return [model for model in MODELS if model.trivial]


def _installed(model: Model) -> bool:
    return has(getattr(model, "extra", None))


def _models(name: str) -> list[Model]:
    """One model, or for `BEST` all that learn from one as-of time and need no long computing."""
    return [MODELS.get(one) for one in (CANDIDATES if name == BEST else [name])]


def _selection(app: App, models: Sequence[Model], rows: Rows, seed: int) -> Selection | None:
    """The models by their regret over past runs and weeks; None where there is nothing to choose, or one past run."""
    if len(models) < 2:
        return None
    try:
        return by_regret(models, rows, seed, app.progress)
    except NotEnoughData:
        return None


def runs_to_learn_from(app: App, recipe: Recipe) -> tuple[str, ...]:
    """The runs whose outcomes the recipe may learn from at its cut-off; none where it learns in the running course."""
    if recipe.paradigm == "in-situ":
        return ()
    known_runs = app.lake.runs()
    if recipe.train_runs:
        return tuple(run for run in select_runs(recipe.train_runs, known_runs) if run != recipe.for_run)
    with app.lake.open(recipe.known_by, None, kinds=["course_runs"]) as records:
        facts = runs_facts(records, _runs_in(records)).values()
    source = RunId.parse(recipe.for_run).source if recipe.for_run else None
    finished = [
        about.run
        for about in facts
        if about.run != recipe.for_run
        and about.ends_on < recipe.known_by.day(about.zone)
        and source in (None, RunId.parse(about.run).source)
    ]
    if not finished:
        of_source = f" of the source {source}" if source else ""
        raise NotEnoughData(f"No run{of_source} had finished by {recipe.known_by}. Import earlier runs.")
    return tuple(sorted(finished))


def _course_known(course: str, runs: Sequence[str]) -> str | None:
    """The course, if one of the runs is its own: another course is calibrated by the past of all."""
    return course if any(run.rsplit("/", 1)[0] == course for run in runs) else None


def _past(app: App, recipe: Recipe, runs: tuple[str, ...]) -> list[list[str]]:
    """The runs that a recipe may learn from, parted into those like the scored run and those without a log."""
    logged = _logged(app.lake, recipe.known_by) if runs else set()
    return [list(part) for part in parted(runs, recipe.for_run or "", logged)]


def _logged(lake: "Lake", known_by: AsOf) -> set[str]:
    """The runs of which any activity was known by then.

    A worker asks every few seconds: of a run that has lost no file since, what was known once is known later too.
    """
    since, files = _active_since.setdefault(lake, {}), lake.paths(["statements"])
    found = {run for run, now in files.items() if run in since and since[run][0] <= now and since[run][1] <= known_by}
    if others := sorted(files.keys() - found):
        with lake.open(known_by, others, kinds=["statements"]) as records:
            active = runs_with_activity(records)
        _active_since[lake] = since | {run: (files[run], known_by) for run in active & files.keys()}
        found |= active
    return found


def _runs_in(records: "Records") -> list[str]:
    runs = records.table("course_runs")
    return sorted(records.collect(runs.select("run").distinct())["run"].to_pylist())


def _question(app: App, recipe: Recipe, runs: tuple[str, ...]) -> Question:
    test_run = recipe.for_run or (runs[-1] if runs else "")
    return Question(
        risk_label(app, recipe.label), runs, test_run, recipe.day, app.settings.evaluation.seed, as_of=recipe.known_by
    )


def _enrolled(records: "Records", recipe: Recipe) -> Objects:
    assert recipe.for_run is not None
    return compute(view_of(), records, [Moment(recipe.for_run, recipe.known_by)]).keys("learner")


def _report(app: App, bench: Bench, question: Question, recipe: Recipe, rows: Rows, made: Learned) -> dict[str, Json]:
    """What goes with a model version: its facts, the base rate, and a check of the recipe on the latest past run."""
    checked: list[dict[str, Json]] = []
    fitted = made.model
    if recipe.paradigm != "in-situ":
        instants = {run: int(rows.instants[rows.runs == run].max()) for run in set(rows.runs)}
        latest = max(instants, key=lambda run: (instants[run], run))
        earlier = tuple(run for run in rows.learned_runs() if run != latest)
        past = Question(question.target, earlier, latest, recipe.day, question.seed)
        paradigm: Paradigm = recipe.paradigm if len(instants) > 1 else "post-hoc"
        measure = replace(measure_of(app), curves=True)  # the model's page draws its reliability
        app.progress(f"checking on {latest}, day {recipe.day}")
        tested = [model for model in MODELS if model.name == fitted.method or model.trivial]
        checked = table(bench, [past], [paradigm], tested, measure, "honest", quiet)
    return {
        "paradigm": recipe.paradigm,
        **made.about,
        "base_rate": float(rows.labels.mean()),
        "rows": len(rows.to_learn()),
        "held_out_loss": fitted.held_out_loss,
        "facts": fitted.fitted.facts(),
        "calibration": fitted.calibration.method,
        "calibrated_for": _course_known(question.course, sorted(set(rows.runs))),
        "check": list(checked),
    }


def registered(app: App, recipe: Recipe, runs: tuple[str, ...]) -> ModelVersion | None:
    """The newest registered version that this recipe would make again, near enough in course days.

    What learned in the running course too serves that course and as-of time alone; what was calibrated by a course's
    own past serves that course alone.
    """
    of_now = recipe.paradigm != "transfer"
    known_by, past = str(recipe.known_by), _past(app, recipe, runs)
    course = None if recipe.for_run is None else _course_known(recipe.for_run.rsplit("/", 1)[0], past[0])
    observed = _observed(risk_label(app, recipe.label), recipe.paradigm)
    fitting = [
        version
        for version in app.registry.versions()
        if version.label == observed
        and version.report.get("paradigm", "transfer") == recipe.paradigm
        and (recipe.model in (BEST, version.model))
        and (of_now or version.report.get("calibrated_for") == course)
        and version.view_hash == view_of().hash
        and version.report.get("past") == past
        and (version.known_by == known_by if of_now else AsOf.at(version.known_by) <= recipe.known_by)
        and any(abs(day - recipe.day) <= NEAR_DAYS for day in version.days)
    ]
    return max(fitting, key=lambda version: (AsOf.at(version.known_by), version.created_at), default=None)
