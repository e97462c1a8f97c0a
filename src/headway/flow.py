"""The whole product, top to bottom: records become features as of a date, a model, predictions, a list, reasons.

Each function reads, calls pure code, writes and audits, in one transaction. A business rule found here belongs below.
`App` holds the opened resources; make it with `open_app`.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from headway.advising.caseload import Candidate as CaseCandidate
from headway.advising.caseload import Caseload, caseload
from headway.domain.errors import Conflict, InputError, LeakageError, NotEnoughData
from headway.domain.runs import RunId, select_runs
from headway.domain.time import AsOf, Clock, SystemClock
from headway.evaluation.assess import Measure, table
from headway.evaluation.paradigms import PARADIGMS, Bench, Paradigm, Question, training_rows
from headway.evaluation.protocols import PROTOCOLS, ProtocolResult
from headway.evaluation.risk_model import RiskModel, fit_best
from headway.evaluation.rows import Rows
from headway.features.as_of import FeatureTable, Moment, compute, moments_on_days, run_facts, runs_with_activity
from headway.features.labels import Label
from headway.features.labels import label as label_called
from headway.features.views import STANDARD, view_of
from headway.governance import audit
from headway.lake.lake import Lake
from headway.lake.landing import IngestReport, drain, land
from headway.models.model import MODELS, Json, Model
from headway.registry.registry import Candidate, ModelVersion, Registry
from headway.scoring import kept
from headway.scoring.kept import ScoreRun, score_run_id
from headway.scoring.predict import Prediction, predict
from headway.settings import KEY_BYTES, Settings, pseudonym_key, write_default_toml
from headway.sources.source import SOURCES, Request
from headway.store.database import Store

if TYPE_CHECKING:
    from headway.lake.care import Receipt
    from headway.lake.reading import Records

Progress = Callable[[str], None]

BEST: Final = "best"
"""Stands for: every model that is no trivial rule, chosen by its held-out loss on the past."""

DEFAULT: Final = "average"
"""The model that was never far from the best on any day of the runs we measured; see docs/decisions/0008."""

NEAR_DAYS: Final = 3
"""A registered model serves course days this near to the day it was trained for."""


def quiet(_: str) -> None:
    """Progress that nobody reads."""


@dataclass(frozen=True)
class App:
    """The opened resources of one home."""

    settings: Settings
    lake: Lake
    store: Store
    registry: Registry
    clock: Clock
    actor: str
    progress: Progress = field(default=quiet, repr=False)


@contextmanager
def open_app(
    home: Path, *, clock: Clock | None = None, actor: str = "cli", progress: Progress = quiet, **overrides: Any
) -> Iterator[App]:
    """The app of `home`, made with its defaults where it is not there yet; closed at the end."""
    write_default_toml(home)
    settings = Settings.load(home, **overrides)
    store = Store.open(settings.store.url)
    store.migrate()
    lake = Lake(
        settings.lake.root,
        storage_options=settings.lake.storage_options,
        memory_limit_mib=settings.engine.memory_limit_mib,
        threads=settings.engine.threads,
    )
    places = settings.registry
    registry = Registry(places.tracking_uri, places.artifact_root, places.experiment)
    try:
        yield App(settings, lake, store, registry, clock or SystemClock(), actor, progress)
    finally:
        store.close()


def ingest(
    app: App, source: str, paths: Sequence[Path], options: Mapping[str, str] | None = None, *, dry_run: bool = False
) -> IngestReport:
    """What became of every row: landed in the lake, known before, or in quarantine with a reason.

    Repeating it after a crash or a second time leaves the same lake.

    Args:
        app: where to.
        source: a name in `SOURCES`.
        paths: files or folders.
        options: the source's own options.
        dry_run: read and check everything, write nothing.

    Raises:
        SourceError: the data as a whole cannot be read; the lake is as it was before this source's first delivery.
    """
    begun = perf_counter()
    request = Request(paths, dict(options or {}), _key(app, dry_run), app.settings.engine.memory_limit_mib)
    deliveries = SOURCES.get(source).read(request)
    report = drain(deliveries, app.progress) if dry_run else land(deliveries, app.lake, app.progress)
    report.seconds = perf_counter() - begun
    if not dry_run:
        detail = {"read": report.total.read, "accepted": report.total.accepted, "quarantined": report.total.quarantined}
        with app.store.begin() as connection:
            audit.record(connection, app.clock.now(), app.actor, "import", source, detail)
    return report


def export(app: App, runs: Sequence[str], kind: str, path: Path, as_of_text: str | None = None) -> int:
    """How many records of a kind were written to a Parquet, CSV or JSON lines file, in the order they became known.

    Args:
        app: where from.
        runs: ids or globs of runs.
        kind: the record kind.
        path: the file; its suffix decides the format.
        as_of_text: only what was known at this time, a date being that of the first run's zone; None for all.
    """
    chosen = select_runs(runs, app.lake.runs())
    until = None
    if as_of_text is not None:
        with app.lake.open(None, chosen[:1], kinds=["course_runs"]) as records:
            until = _as_of(records, chosen[0], as_of_text)
    with app.lake.open(until, chosen, kinds=[kind]) as records:
        rows = records.save(records.table(kind).order_by("recorded_at", "id"), path)
    with app.store.begin() as connection:
        detail: dict[str, Any] = {"kind": kind, "rows": rows, "runs": list(chosen)}
        audit.record(connection, app.clock.now(), app.actor, "export", kind, detail)
    return rows


def build_view(app: App, runs: Sequence[str], as_ofs: Sequence[str], view: str = STANDARD) -> FeatureTable:
    """The view's features of everyone enrolled in the runs as of each date, each date in the run's own zone."""
    chosen = select_runs(runs, app.lake.runs())
    with app.lake.open(None, chosen) as records:
        moments = [Moment(run, _as_of(records, run, text)) for run in chosen for text in as_ofs]
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
    runs = _runs_to_learn_from(app, recipe)
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
    target = _risk(label)
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


def score(
    app: App,
    run: str,
    as_of_text: str,
    *,
    label: str = "does_not_finish",
    model: str = DEFAULT,
    force_train: bool = False,
) -> tuple[ScoreRun, list[Prediction]]:
    """The score run of everyone enrolled in `run` as of the date, with its predictions; again, it changes nothing.

    Uses the registered model named `NAME/VERSION`, or one for this course day that learned from all runs finished by
    then; where there is none, trains and registers it. Where no finished run is known, learns in the running course
    from a proxy.

    Raises:
        LeakageError: the model named has seen labels from after the as-of time.
        NotEnoughData: nothing to learn from was known.
        Conflict: the feature definitions have changed since the model was trained.
    """
    run = one_run(app, run)
    with app.lake.open(None, [run]) as records:
        as_of = _as_of(records, run, as_of_text)
        day = run_facts(records, run).course_day(as_of)
    version = _model_for(app, run, day, as_of, label, model, force_train)
    with app.store.read() as connection:
        found = kept.find(connection, run, as_of, version.ref)
        if found is not None:
            app.progress(
                f"{run} was scored by {version.ref} on {found.scored_at:%Y-%m-%d %H:%M} UTC; predictions never change"
            )
            return found, kept.predictions_of(connection, found)
    view = view_of()
    view.check(version.view_hash)
    with app.lake.open(as_of, [run]) as records:
        app.progress(f"scoring {run} as of {as_of} with {version.ref}")
        cohort = compute(view, records, [Moment(run, as_of)])
        snapshot = records.snapshot.id
    if not len(cohort):
        raise NotEnoughData(f"Nobody was enrolled in {run} as of {as_of}. Choose a later date.")
    predictions = predict(RiskModel.restore(app.registry.load(version)), cohort)
    score_run = ScoreRun(
        id=score_run_id(version.ref, run, as_of),
        model_version=version.ref,
        run=run,
        as_of=as_of,
        scored_at=app.clock.now(),
        snapshot=snapshot,
        view_hash=view.hash,
        learners=len(predictions),
        too_early=sum(prediction.status == "too_early" for prediction in predictions),
        facts={"label": version.label, "day": day, "seed": version.seed, "model": version.model},
    )
    with app.store.begin() as connection:
        kept.write(connection, score_run, predictions)
        audit.record(connection, app.clock.now(), app.actor, "score", run, {"as_of": str(as_of), "model": version.ref})
    return score_run, predictions


def one_run(app: App, run: str) -> str:
    """The one known run that an id or a glob names.

    Raises:
        UnknownName: it names none.
        InputError: it names several.
    """
    found = select_runs([run], app.lake.runs())
    if len(found) > 1:
        raise InputError(f"{run!r} names {len(found)} runs. Choose one: {', '.join(found)}.")
    return found[0]


def course_date(app: App, run: str, day: int) -> str:
    """The local date of a course day of a run (0 is the first), as `score` and `list_contacts` take it."""
    with app.lake.open(None, [run], kinds=["course_runs"]) as records:
        return (run_facts(records, run).starts_on + timedelta(days=day)).isoformat()


@dataclass(frozen=True, slots=True)
class ContactList:
    """A scored cohort in order, cut at the capacity, with what it was made from."""

    score_run: ScoreRun
    version: ModelVersion
    caseload: Caseload
    zone: str


def list_contacts(app: App, run: str, as_of_text: str, capacity: int | None = None) -> ContactList:
    """Whom to contact first in a run that was scored as of the date.

    Raises:
        InputError: it was not scored as of that date; the message says how to.
    """
    score_run, predictions, zone = _scored(app, run, as_of_text)
    version = app.registry.get(score_run.model_version)
    candidates = [
        CaseCandidate(
            learner=said.learner,
            risk=said.risk or 0.0,
            low=said.low or 0.0,
            high=said.high or 0.0,
            status=said.status,
            reasons=said.reasons,
            days_since_visit=said.days_since_visit,
            detail=said.why_too_early or "",
        )
        for said in predictions
    ]
    limit = capacity or app.settings.advising.capacity
    base_rate = version.report["base_rate"]
    assert isinstance(base_rate, float)
    found = ContactList(score_run, version, caseload(candidates, limit, base_rate=base_rate), zone)
    with app.store.begin() as connection:
        detail = {"score_run": score_run.id, "listed": len(found.caseload.listed)}
        audit.record(connection, app.clock.now(), app.actor, "list", score_run.run, detail)
    return found


def list_page(app: App, found: ContactList, evaluation: Sequence[dict[str, Json]] = ()) -> str:
    """The list as one self-contained HTML page, with the model's check on the past and the reasons of those listed."""
    from headway.reports.build import list_report
    from headway.reports.report import render_list

    score_run = found.score_run
    listed = {entry.candidate.learner for entry in found.caseload.listed}
    with app.store.read() as connection:
        earlier = [
            (before, kept.predictions_of(connection, before))
            for before in kept.for_run(connection, score_run.run)
            if before.as_of < score_run.as_of and before.facts["label"] == score_run.facts["label"]
        ]
    with app.lake.open(score_run.as_of, [score_run.run], kinds=["statements"]) as records:
        statements = records.table("statements")
        data_up_to = records.collect(statements.aggregate(at=statements.recorded_at.max()))["at"][0].as_py()
    return render_list(
        list_report(score_run, found.version, found.caseload, found.zone, listed, earlier, data_up_to, evaluation)
    )


def evaluation_page(app: App, rows: Sequence[dict[str, Json]], label: str, notes: tuple[str, ...]) -> str:
    """An evaluation as one self-contained HTML page."""
    from headway.reports.build import provenance
    from headway.reports.evaluation import render_evaluation

    made = provenance(view_of().hash, app.lake.snapshot().id, app.settings.evaluation.seed, app.clock.now())
    return render_evaluation(rows, label=label, notes=notes, made=made)


def explain(app: App, learner: str, run: str, as_of_text: str) -> tuple[ScoreRun, Prediction]:
    """One learner's prediction with its reasons, from the newest score run as of the date.

    Raises:
        InputError: the run was not scored as of that date, or the learner was not enrolled.
    """
    score_run, _, _ = _scored(app, run, as_of_text, [])
    with app.store.begin() as connection:
        (prediction,) = kept.predictions_of(connection, score_run, [learner])
        audit.record(connection, app.clock.now(), app.actor, "view", _hashed(learner), {"score_run": score_run.id})
    return score_run, prediction


def check_audit(app: App) -> str:
    """A sentence on the audit chain.

    Raises:
        Conflict: the chain is broken; the message names the first entry that does not fit.
    """
    with app.store.read() as connection:
        broken = audit.verify(connection)
    if broken is not None:
        raise Conflict(f"The audit chain is broken at entry {broken}. Compare it with a backup of the store.")
    return "unbroken"


def erase_learner(app: App, learner: str) -> "tuple[Receipt, int]":
    """The lake's receipt, and how many predictions were removed: no file and no row names the learner any more.

    Models that learned from the learner's rows stay; they hold no row of anybody. The audit names the learner by a
    hash.
    """
    receipt = app.lake.erase(learner, app.clock)
    with app.store.begin() as connection:
        predictions = kept.erase(connection, learner)
        counts = {"rows": dict(receipt.rows), "rejects": receipt.rejects, "predictions": predictions}
        audit.record(connection, app.clock.now(), app.actor, "erase", _hashed(learner), counts)
    return receipt, predictions


def _key(app: App, dry_run: bool) -> bytes:
    """The home's key; a dry run keeps no pseudonym, so it makes none."""
    made = app.settings.secrets.pseudonym_key_file.exists()
    return pseudonym_key(app.settings) if made or not dry_run else bytes(KEY_BYTES)


def _hashed(learner: str) -> str:
    """How the audit names a learner: entries are never changed, so an id in one of them could not be erased."""
    return hashlib.sha256(learner.encode()).hexdigest()


def _scored(
    app: App, run: str, as_of_text: str, learners: Sequence[str] | None = None
) -> tuple[ScoreRun, list[Prediction], str]:
    """The newest score run of a run as of a date, its predictions (some learners' only), and the run's zone."""
    run = one_run(app, run)
    with app.lake.open(None, [run], kinds=["course_runs"]) as records:
        zone = run_facts(records, run).zone
    as_of = AsOf.at(as_of_text, zone)
    with app.store.read() as connection:
        found = kept.find(connection, run, as_of)
        if found is None:
            dates = sorted({str(earlier.as_of) for earlier in kept.for_run(connection, run)})
            raise InputError(
                f"{run} was not scored as of {as_of} (scored: {', '.join(dates) or 'never'}). "
                f"Run: headway score --run {run} --as-of {as_of_text}"
            )
        return found, kept.predictions_of(connection, found, learners), zone


def _as_of(records: "Records", run: str, text: str) -> AsOf:
    return AsOf.at(text, run_facts(records, run).zone)


def _risk(name: str) -> Label:
    target = label_called(name)
    if not target.binary:
        raise InputError(f"{name!r} is a number, not a risk. Choose a label that is true or false.")
    return target


def _all_models() -> list[Model]:
    return sorted(MODELS, key=lambda model: (not model.trivial, model.name))


def _models(name: str) -> list[Model]:
    return [model for model in MODELS if not model.trivial] if name == BEST else [MODELS.get(name)]


def _runs_to_learn_from(app: App, recipe: Recipe) -> tuple[str, ...]:
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
        _risk(recipe.label), runs, test_run, recipe.day, app.settings.evaluation.seed, as_of=recipe.known_by
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


def _model_for(app: App, run: str, day: int, as_of: AsOf, label: str, model: str, force_train: bool) -> ModelVersion:
    if "/" in model:
        version = app.registry.get(model)
        if AsOf.at(version.known_by) > as_of:
            raise LeakageError(
                f"{model} learned from labels known by {version.known_by}, after the as-of time {as_of}. "
                "Leave --model out to train one on what was known, or score a later date."
            )
        return version
    recipe = Recipe(label, (), day, as_of, model, run)
    try:
        runs = _runs_to_learn_from(app, recipe)
        found = None if force_train else _registered(app, recipe, runs)
        return found or train(app, recipe)
    except NotEnoughData as why:
        app.progress(f"{why} Learning in the running course instead.")
        return train(app, Recipe(label, (), day, as_of, model, run, "in-situ"))


def _registered(app: App, recipe: Recipe, runs: tuple[str, ...]) -> ModelVersion | None:
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
