"""Who is alike in a running course, why, and how that changed within a week."""

import json
from collections.abc import Mapping
from datetime import UTC
from pathlib import Path
from typing import Final, Literal

import numpy as np

from headway.advising.segments import OTHER, Grouped, Segments, moves, told, type_name
from headway.domain.errors import InputError, NotEnoughData, UnknownName
from headway.domain.time import AsOf
from headway.evaluation.histories import history_of
from headway.evaluation.risk_model import RiskModel
from headway.explanation.guard import refuse_protected
from headway.explanation.shapley import explainer, is_sum
from headway.explanation.stability import SEED
from headway.features.as_of import compute, run_facts
from headway.features.definition import FEATURES
from headway.features.moments import Moment
from headway.features.views import FeatureView, view_of, view_with
from headway.flow.app import App
from headway.flow.explaining import week_before
from headway.flow.records import as_of_in, one_run
from headway.governance import audit
from headway.models import segments as clusters
from headway.models.model import MODELS, Floats, Matrix, wants_history
from headway.models.reason_types import NEEDED, reason_types
from headway.models.segments import BEHAVIOUR, Labels, Method, Space, segmented
from headway.registry.registry import ModelVersion
from headway.scoring import kept
from headway.scoring.explained import Cohort

How = Literal["reason", "kmeans", "ward", "mixture"]
HOWS: Final[tuple[How, ...]] = ("reason", *clusters.METHODS)
NAMES: Final = "segments.json"

RAISED: Final = 0.5
"""Log-odds above the cohort's mean from which a learner whom no rule fits is put with "other reasons"."""

FEWEST_OTHERS: Final = 30
"""So many of them are clustered by what the model leans on; fewer stay together."""

NOT_SCORED: Final = "Not scored as of this date: learners whom no rule fits are not told apart by the model's reasons."


def segment(
    app: App,
    run: str,
    as_of_text: str,
    *,
    method: How = "reason",
    number: int | None = None,
    rename: Mapping[int, str] | None = None,
) -> Segments:
    """The segments of everyone enrolled in a run as of a date, with what moved since a week before; audited.

    See `segments_of`.
    """
    found = segments_of(app, run, as_of_text, method=method, number=number, rename=rename)
    detail = {"as_of": found.as_of, "method": method}
    with app.store.begin() as connection:
        audit.record(connection, app.clock.now(), app.actor, "segment", found.run, detail)
    return found


def segments_of(
    app: App,
    run: str,
    as_of_text: str,
    *,
    method: How = "reason",
    number: int | None = None,
    rename: Mapping[int, str] | None = None,
) -> Segments:
    """The segments of everyone enrolled in a run as of a date, with what moved since a week before.

    Args:
        app: where everything is.
        run: an id or a glob that names one run.
        as_of_text: a date or an instant.
        method: "reason" for types by rule, and by the model's contributions where the run was scored as of the date;
            else a clustering of behaviour.
        number: of segments, for a clustering; None for as many as come out again.
        rename: names for segments by number, kept in the home for segments of the same proposed name.

    Raises:
        UnknownName: there is no such run or method.
        InputError: a number that cannot be, or a name for a segment that is not there.
        NotEnoughData: nobody was enrolled, or too few for segments.
    """
    if method not in HOWS:
        raise UnknownName.of("method", method, HOWS)
    if method == "reason" and number is not None:
        raise InputError("Reason types have their own number. Leave --segments out, or choose --method kmeans.")
    run = one_run(app, run)
    refuse_protected(FEATURES.get(name) for name in BEHAVIOUR)
    with app.lake.open(None, [run], kinds=["course_runs"]) as records:
        as_of = as_of_in(records, run, as_of_text)
        before = week_before(as_of, run_facts(records, run).zone)
    version = _version(app, run, as_of) if method == "reason" else None
    app.progress(f"segmenting {run} as of {as_of}")
    now, earlier = _cohorts(app, version, run, as_of, before)
    if not now.learners:
        raise NotEnoughData(f"Nobody was enrolled in {run} as of {as_of}. Choose a later date.")
    stability: float | None = None
    tried: dict[int, float] = {}
    note = ""
    if method == "reason":
        found = _by_reason(app, version, now, earlier)
        note = "" if version else NOT_SCORED
    else:
        found, stability, tried = _by_behaviour(now, earlier, method, number)
    definitions = {name: FEATURES.get(name) for name in now.features.names}
    proposed = told(found, definitions, {})
    names = _names(app, {each.number: each.proposed for each in proposed}, rename or {})
    segments = told(found, definitions, names)
    return Segments(run, str(as_of), str(before), method, stability, tried, segments, moves(found, segments), note)


def group_names(app: App) -> dict[str, str]:
    """The names that people gave to segments, by proposed name."""
    return _names(app, {}, {})


def name_group(app: App, proposed: str, name: str) -> None:
    """Keeps a name for segments of a proposed name; audited.

    Raises:
        InputError: the name is empty.
    """
    _names(app, {1: proposed}, {1: name})
    with app.store.begin() as connection:
        audit.record(connection, app.clock.now(), app.actor, "name segment", "segments", {"proposed": proposed})


def _version(app: App, run: str, as_of: AsOf) -> ModelVersion | None:
    """The model of the newest score run as of the time, where its features are still defined the same."""
    with app.store.read() as connection:
        found = kept.find(connection, run, as_of)
    if found is None or found.view_hash != view_of().hash:
        return None
    return app.registry.get(found.model_version)


def _cohorts(app: App, version: ModelVersion | None, run: str, as_of: AsOf, before: AsOf) -> tuple[Cohort, Cohort]:
    with app.lake.open(as_of, [run]) as records:
        table = compute(_view(version), records, [Moment(run, each) for each in (as_of, before)])
        wanted = version is not None and wants_history(MODELS.get(version.model)) and len(table) > 0
        both = Cohort.of(table, history_of(records, table) if wanted else None)
    instants = [instant.astimezone(UTC) for instant in table.table["as_of"].to_pylist()]
    now, earlier = (both.where([instant == each.instant for instant in instants]) for each in (as_of, before))
    return now, earlier


def _view(version: ModelVersion | None) -> FeatureView:
    """The whole view where a model reads it, else only what behaviour and the rules need."""
    return view_of() if version else view_with("segments", tuple(dict.fromkeys((*BEHAVIOUR, *NEEDED))))


def _by_behaviour(
    now: Cohort, earlier: Cohort, method: Method, number: int | None
) -> tuple[Grouped, float, dict[int, float]]:
    space = Space.of(now.features)
    found = segmented(space.points(now.features), method, SEED, number)
    then = found.nearest(space.points(earlier.features)) if earlier.learners else np.zeros(0, dtype=np.int64)
    types = ("",) * len(found.centres)
    grouped = Grouped(now.learners, now.features, found.labels, types, found.again, earlier.learners, then)
    return grouped, found.stability, found.tried


def _by_reason(app: App, version: ModelVersion | None, now: Cohort, earlier: Cohort) -> Grouped:
    """Types by rule; whom no rule fits and whose chance is raised, by the headings that the model leans on."""
    types, then = (reason_types(each.features).astype(object) for each in (now, earlier))
    again: dict[str, float] = {}
    if version is not None:
        model = RiskModel.restore(app.registry.load(version))
        headings, (leaning, was) = _headings(model, now.features, earlier.features)
        own, past = (
            (kinds == "on course") & (each.sum(axis=1) > RAISED) for kinds, each in ((types, leaning), (then, was))
        )
        if own.any():
            labels, names, centres, again = _others(leaning[own], headings)
            types[own] = np.array(names, dtype=object)[labels]
            apart = ((was[past][:, None] - centres[None]) ** 2).sum(axis=2)
            then[past] = np.array(names, dtype=object)[apart.argmin(axis=1)]
    kinds, sizes = np.unique(types.astype(str), return_counts=True)
    missing = sorted(set(then.astype(str)) - set(kinds.tolist()))
    # Who was in a type that nobody is in now must still have come from somewhere.
    order = [str(kinds[at]) for at in np.lexsort((kinds, -sizes)).tolist()] + missing
    place = {kind: at for at, kind in enumerate(order)}
    labels_now, labels_then = (np.array([place[str(kind)] for kind in each], dtype=np.int64) for each in (types, then))
    return Grouped(
        now.learners,
        now.features,
        labels_now,
        tuple(type_name(kind) for kind in order),
        np.array([again.get(kind, np.nan) for kind in order]),
        earlier.learners,
        labels_then,
    )


def _headings(model: RiskModel, *cohorts: Matrix) -> tuple[tuple[str, ...], list[Floats]]:
    """What each heading adds to each row's log-odds against its cohort's mean, for each cohort."""
    domains = [FEATURES.get(name).domain for name in cohorts[0].names]
    headings = tuple(sorted(set(domains)))
    found: list[Floats] = []
    for features in cohorts:
        if not len(features):
            found.append(np.zeros((0, len(headings))))
            continue
        if is_sum(model.fitted):
            added = explainer(model.fitted, features, SEED).contributions(features)
        else:
            own = model.contributions(features)
            added = own - own.mean(axis=0)
        columns = [[at for at, each in enumerate(domains) if each == heading] for heading in headings]
        found.append(np.stack([added[:, own].sum(axis=1) for own in columns], axis=1))
    return headings, found


def _others(leaning: Floats, headings: tuple[str, ...]) -> tuple[Labels, list[str], Floats, dict[str, float]]:
    """Learners whom no rule fits, by the headings that the model leans on: labels, names, middles, stability."""
    if len(leaning) < FEWEST_OTHERS:
        return np.zeros(len(leaning), dtype=np.int64), [OTHER], leaning.mean(axis=0, keepdims=True), {}
    found = segmented(leaning, "kmeans", SEED)
    names: list[str] = []
    for centre in found.centres:
        first, second = (headings[at] for at in np.argsort(-centre, kind="stable")[:2].tolist())
        name = f"{OTHER}: {first}"
        names.append(name if name not in names else f"{name}, {second}")
    return found.labels, names, found.centres, dict(zip(names, found.again.tolist(), strict=True))


def _names(app: App, proposed: Mapping[int, str], rename: Mapping[int, str]) -> dict[str, str]:
    """Names by proposed name, with the new ones kept in the home."""
    path = Path(app.settings.home) / NAMES
    known: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    for number, name in rename.items():
        if number not in proposed:
            raise InputError(f"There is no segment {number}. Name one of {min(proposed)} to {max(proposed)}.")
        if not name.strip():
            raise InputError(f"Segment {number} needs a name. Write 2=Weekend workers.")
        known[proposed[number]] = name.strip()
    if rename:
        path.write_text(json.dumps(known, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return known
