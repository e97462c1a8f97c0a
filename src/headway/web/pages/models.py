"""Models: which there are, and whether one can be trusted, for which week and which learners."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from starlette.responses import Response

from headway.advising.wording import label_words
from headway.domain.errors import HeadwayError, InputError, NotEnoughData, NotPermitted, UnknownName
from headway.domain.time import AsOf
from headway.evaluation.metrics import ReliabilityBin
from headway.flow import model_page
from headway.flow.app import App
from headway.governance import approvals
from headway.governance.approvals import Approval
from headway.registry.registry import ModelVersion
from headway.scoring.kept import ScoreRun
from headway.web import model_charts
from headway.web.actors import actors
from headway.web.address import named, slug
from headway.web.page import EVERY_STAFF, EVERYBODY, Nav, act, page
from headway.web.site import Site
from headway.web.visit import Visit

TABS: Final = ("card", "evaluation", "calibration", "fairness", "drift", "compare", "lineage")
FULL: Final = frozenset({"data_scientist", "governance"})
"""Roles that see more than the card."""

MOST_LISTED: Final = 100_000
WRONG_FORM: Final = 422
"""The status of a page that shows a form again with what is wrong in it."""

WAIT_S: Final = 0.4
"""How long a visitor waits for a figure before a page says that it is being computed."""


@page("/models", EVERY_STAFF, nav=Nav("Model", 50), about="Which models are there, and which may be used?")
def models(visit: Visit) -> Response:
    """All registered versions, the newest first."""
    found = _versions(visit)
    states = model_page.approval_states(visit.app)
    rows = [(version, states.get(version.ref), model_charts.first_found(_own_checks(version))) for version in found]
    return visit.render("models.html", rows=rows, label_words=label_words, full=visit.role in FULL)


@page("/models/{model}", EVERY_STAFF, about="Can I trust it, for which week and which learners?")
def model(visit: Visit) -> Response:
    """One version, a tab at a time; the card alone for those who work with learners."""
    tab = visit.query.get("tab") or "card"
    if tab not in TABS:
        raise UnknownName("There is no such part of a model's page.")
    if tab != "card" and visit.role not in FULL:
        raise NotPermitted("You see the model's card. For its figures ask a data scientist.")
    found = _versions(visit)
    version = model_page.version_called(found, named(visit.params["model"]))
    more = _TABS[tab](visit, found, version)
    return visit.render(
        "model.html", tab=tab, tabs=TABS if visit.role in FULL else (), **_common(visit, version), **more
    )


@page("/models/{model}/card", EVERYBODY, about="What is this model for, and what can it not do?")
def card(visit: Visit) -> Response:
    """The model card for everybody who is signed in, learners among them."""
    found = _versions(visit)
    version = model_page.version_called(found, named(visit.params["model"]))
    return visit.render("model_card.html", **_common(visit, version), **_card(visit, found, version))


@act("/models/{model}/approval", {"data_scientist"}, about="asks that a model may be used for lists")
def ask(visit: Visit) -> Response:
    """Asks for approval, with the reason that was typed."""
    ref = named(visit.params["model"])
    try:
        model_page.ask_for_approval(visit.app, ref, visit.field("reason"))
    except InputError as wrong:
        return _again(visit, ref, "reason", wrong)
    return visit.redirect(_to(visit, ref), visit.words.gettext("Asked. A governance officer decides."))


@act("/models/{model}/decision", {"governance"}, about="approves or refuses a model")
def decide(visit: Visit) -> Response:
    """Approves or refuses what was asked, with the reason that was typed."""
    ref = named(visit.params["model"])
    asked = next((each for each in model_page.approval_of(visit.app, ref) if each.id == visit.field("approval")), None)
    if asked is None:
        raise UnknownName("Nobody asked for this model. Open its page again.")
    yes = visit.field("decision") == "approve"
    try:
        with visit.app.store.begin() as connection:
            approvals.decide(
                connection, visit.now, visit.app.actor, asked.id, approve=yes, reason=visit.field("reason")
            )
    except InputError as wrong:
        return _again(visit, ref, "reason", wrong)
    told = visit.words.gettext("Approved." if yes else "Refused.")
    return visit.redirect(_to(visit, ref), told)


def _again(visit: Visit, ref: str, name: str, wrong: HeadwayError) -> Response:
    """The card with what is wrong with the form, and what had been typed."""
    found = _versions(visit)
    version = model_page.version_called(found, ref)
    common = _common(visit, version) | {"errors": {name: str(wrong)}, "typed": visit.field(name)}
    return visit.render("model.html", WRONG_FORM, tab="card", tabs=TABS, **common, **_card(visit, found, version))


def _to(visit: Visit, ref: str, **query: object) -> str:
    return visit.link(f"/models/{slug(ref)}", **query) if visit.runs else f"/models/{slug(ref)}"


def _versions(visit: Visit) -> list[ModelVersion]:
    """All versions; read anew when the registry's file changed, else a minute old at most."""
    return versions_at(visit.site, visit.as_of, visit.patience(WAIT_S))


def versions_at(site: Site, as_of: AsOf, wait_s: float) -> list[ModelVersion]:
    """All versions as they are at about a time; Pending where that takes longer than is waited."""
    state = model_page.registry_state(site.app)
    if state == ():
        return []
    if state is None:
        state = (int(as_of.instant.timestamp()) // 60,)
    return site.worked_out(("models", state), wait_s, model_page.versions)


def _own_checks(version: ModelVersion) -> list[dict[str, Any]]:
    return model_page.checks([version])


def _common(visit: Visit, version: ModelVersion) -> dict[str, Any]:
    asked = model_page.approval_of(visit.app, version.ref)
    waiting = next((each for each in asked if each.status == "waiting"), None)
    return {
        "model": version,
        "said": label_words(version.label),
        "asked": asked,
        "waiting": waiting,
        "state": _state(asked),
        "checked": model_charts.first_found(_own_checks(version)),
        "may_ask": visit.role == "data_scientist" and waiting is None and _state(asked) != "approved",
        "may_decide": visit.role == "governance" and waiting is not None and waiting.asked_by != visit.app.actor,
        "names": actors(visit),
        "errors": {},
        "typed": "",
        "to": lambda **query: _to(visit, version.ref, **query),
        "full": visit.role in FULL,
        "instant": datetime.fromisoformat,
    }


def _state(asked: Sequence[Approval]) -> str:
    """The approval state: of the newest decision, unless something waits."""
    return asked[0].status if asked else ""


def _card(visit: Visit, found: Sequence[ModelVersion], version: ModelVersion) -> dict[str, Any]:
    same = model_page.family(found, version)
    courses = sorted({run.rpartition("/")[0] for run in version.train_runs})
    by = model_page.trained_by(visit.app, version.ref)
    return {"family": same, "courses": courses, "by": by, "check": _own_checks(version)}


def _evaluation(visit: Visit, found: Sequence[ModelVersion], version: ModelVersion) -> dict[str, Any]:
    same = model_page.family(found, version)
    own = model_charts.tables(model_page.checks(same), version.label, "own")
    more = [
        (each, model_charts.tables(each.rows, version.label, f"kept-{number + 1}"))
        for number, each in enumerate(model_page.kept_evaluations(visit.app, version.label))
    ]
    return {"family": same, "tables": own, "kept": more, "folder": model_page.FOLDER}


def _calibration(visit: Visit, found: Sequence[ModelVersion], version: ModelVersion) -> dict[str, Any]:
    told, words = _outcomes(visit, found, version), label_words(version.label)
    past = visit.worked_out(("past", version.ref), WAIT_S, _past, version)
    now = None if told["outcomes"] is None else told["outcomes"].calibrated
    title = visit.words.gettext("What it said and what came true")
    now_chart = None if now is None else model_charts.calibration_chart(now.bins, words, title, "now")
    before = visit.words.gettext("What it said of past learners, and what came true")
    past_chart = None if past is None else model_charts.calibration_chart(past.bins, words, before, "past")
    check = [row for row in _own_checks(version) if row["model"] == version.model]
    on_run = visit.words.gettext("What it said on the run it was checked on, and what came true")
    kept = [ReliabilityBin(**each) for row in check[-1:] for each in row.get("reliability") or []]
    check_chart = model_charts.calibration_chart(kept, words, on_run, "check") if kept else None
    charts = {"now_chart": now_chart, "past_chart": past_chart, "check_chart": check_chart}
    return told | charts | {"now": now, "past": past, "check": check}


def _past(app: App, version: ModelVersion) -> "model_page.Calibrated | None":
    try:
        return model_page.calibrated_on_past(app, version)
    except HeadwayError:
        return None  # an artefact of another kind; the page says that nothing is kept


def _fairness(visit: Visit, found: Sequence[ModelVersion], version: ModelVersion) -> dict[str, Any]:
    told = _outcomes(visit, found, version)
    groups = () if told["outcomes"] is None else told["outcomes"].groups
    title = visit.words.gettext("Miss rate by %(name)s")
    charts = {
        each.attribute: model_charts.slices_chart(
            each, "miss_rate", title % {"name": each.attribute.replace("_", " ")}, f"miss-{each.attribute}"
        )
        for each in groups
    }
    return told | {"groups": groups, "charts": charts}


def _drift(visit: Visit, found: Sequence[ModelVersion], version: ModelVersion) -> dict[str, Any]:
    same = [each for each in found if (each.name, each.view_hash) == (version.name, version.view_hash)]
    mine = _score_runs(visit, [each.ref for each in same])
    key = ("shifts", version.name, version.view_hash, tuple(each.id for each in mine))
    shifts = visit.worked_out(key, WAIT_S, model_page.score_shifts, same, mine) if mine else []
    chosen = _chosen(visit, mine)
    of_run = [each for each in shifts if chosen is not None and each.score_run.run == chosen.run]
    inputs: tuple[str, list[model_page.InputShift]] | None = None
    why = ""
    if chosen is not None and visit.query.get("inputs"):
        try:
            about = _of(same, chosen), chosen, visit.as_of
            inputs = visit.worked_out(("inputs", chosen.id, _day(visit)), WAIT_S, model_page.input_shifts, *about)
        except NotEnoughData as missing:
            why = str(missing)
    chart = model_charts.drift_chart(of_run, lambda each: _week(visit, each.score_run), "drift")
    weeks = {each.score_run.id: _week(visit, each.score_run) for each in shifts}
    return {
        "shifts": of_run,
        "chart": chart,
        "inputs": inputs,
        "why": why,
        "weeks": weeks,
        "chosen": chosen,
        "mine": mine,
    }


def _compare(visit: Visit, found: Sequence[ModelVersion], version: ModelVersion) -> dict[str, Any]:
    others = [each for each in found if each.ref != version.ref and each.label == version.label]
    asked = visit.query.get("with")
    other = model_page.version_called(found, named(asked)) if asked else next(iter(others), None)
    sides = [] if other is None else [(each, _measured(each)) for each in (version, other)]
    return {"others": others, "other": other, "sides": sides}


def _lineage(visit: Visit, found: Sequence[ModelVersion], version: ModelVersion) -> dict[str, Any]:
    mine = _score_runs(visit, [version.ref])
    return {"by": model_page.trained_by(visit.app, version.ref), "mine": mine, "newest": found[0].ref == version.ref}


_TABS: Final = {
    "card": _card,
    "evaluation": _evaluation,
    "calibration": _calibration,
    "fairness": _fairness,
    "drift": _drift,
    "compare": _compare,
    "lineage": _lineage,
}


def _measured(version: ModelVersion) -> Any:
    """The line of the version's own newest check; None where it was not evaluated."""
    found = [
        line
        for table in model_charts.tables(_own_checks(version), version.label, "side")
        for line in table.lines
        if not line.rule
    ]
    return max(found, key=lambda line: line.day, default=None)


def _score_runs(visit: Visit, refs: Sequence[str]) -> list[ScoreRun]:
    """The score runs by some versions, of runs that may be seen and as-of times that have passed; the newest last."""
    found = model_page.score_runs_of(visit.app, refs)
    return [each for each in found if visit.scope.covers(each.run) and each.as_of <= visit.as_of]


def _chosen(visit: Visit, mine: Sequence[ScoreRun]) -> ScoreRun | None:
    """The score run that the address names, else the newest.

    Raises:
        UnknownName: there is none of this id among those that may be seen.
    """
    asked = visit.query.get("of")
    if not asked:
        return mine[-1] if mine else None
    for each in mine:
        if each.id == asked:
            return each
    raise UnknownName("There is no such score run among those that you work with.")


def _outcomes(visit: Visit, found: Sequence[ModelVersion], version: ModelVersion) -> dict[str, Any]:
    """The score runs to choose from, the one chosen, and what came true of it as far as it is known now."""
    same = model_page.family(found, version)
    mine = _score_runs(visit, [each.ref for each in same])
    own = [each for each in mine if each.model_version == version.ref]
    chosen = _chosen(visit, mine if visit.query.get("of") else own or mine)
    outcomes = None
    if chosen is not None:
        asked = visit.query.get("k", "")
        capacity = min(int(asked), MOST_LISTED) if asked.isdecimal() and len(asked) < 9 else None
        key, about = ("checked", chosen.id, _day(visit), capacity), (chosen, version.label, visit.as_of, capacity)
        outcomes = visit.worked_out(key, WAIT_S, model_page.checked, *about)
    weeks = {each.id: _week(visit, each) for each in mine}
    return {"mine": mine, "chosen": chosen, "outcomes": outcomes, "weeks": weeks}


def _of(found: Sequence[ModelVersion], score_run: ScoreRun) -> ModelVersion:
    return model_page.version_called(found, score_run.model_version)


def _week(visit: Visit, score_run: ScoreRun) -> int:
    """The course week that a score run closes."""
    run = visit.site.run(score_run.run)
    return max(1, run.week_of(score_run.as_of.day(run.zone)))


def _day(visit: Visit) -> str:
    """Outcomes are kept for a day: what is known of them changes slowly."""
    return visit.now.date().isoformat()
