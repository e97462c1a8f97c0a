"""Segments: who behaves alike, rules that people make of sentences, and how the lists move from week to week."""

import json
from collections.abc import Callable
from typing import Any, Final

from starlette.responses import Response

from headway.advising.saved_segments import Rule, rule_from, rule_of
from headway.domain.errors import HeadwayError, InputError, NotEnoughData, Pending
from headway.flow.caseload import raise_learner
from headway.flow.saved_segments import (
    Saved,
    delete_segment,
    rename_segment,
    save_segment,
    saved_segment,
    saved_segments,
)
from headway.flow.segments import name_group
from headway.governance.scopes import Role
from headway.web.board import Board
from headway.web.page import Nav, act, page
from headway.web.segment_view import HOW, Place, groups, members_named, moves, place_of, told, type_names
from headway.web.visit import Visit

WHO: Final[frozenset[Role]] = frozenset({"adviser", "tutor", "instructor", "data_scientist", "governance"})
MAKERS: Final[frozenset[Role]] = WHO - {"governance"}
DOERS: Final[frozenset[Role]] = frozenset({"adviser", "tutor"})
SHOWN: Final = 25
MOST_OPTIONS: Final = 200
"""Of more groups one is typed, not chosen."""

NOBODY_CAME: Final = "Never started"
NO_LOG: Final = 0.9
"""Where so many never came, the log of visits is missing, not the learners."""

NUMBERS: Final = {"week": "5", "days": "7", "percent": "40"}


@page(
    "/segments", WHO, nav=Nav("Segments", 40), about="Which groups behave alike, and do they need something different?"
)
def segments(visit: Visit) -> Response:
    """Groups that behave alike, saved segments with live counts, the builder, and how the lists moved."""
    board = visit.board
    if board is None:
        return visit.render("segments.html", board=None)
    return _shown(visit, board, visit.query.getlist("use"), lambda name: visit.query.get(name, ""))


@act("/segments/save", MAKERS, about="saves a segment")
def save(visit: Visit) -> Response:
    """Keeps the rule of the form under a name."""
    board = visit.board
    if board is None:
        raise InputError("The course was not scored yet, so nothing can be counted. Come back after the first scores.")
    try:
        if given := visit.field("rule"):
            rule = rule_of(_read(given))
        else:
            rule = rule_from(visit.field("match"), visit.fields("use"), visit.field)
        made = save_segment(visit.app, visit.run.id, visit.field("name"), rule)
    except HeadwayError as wrong:
        if wrong.http_status == 403:
            visit.audit("refuse", visit.run.id, {"what": "segment"})
            raise
        use, value = _typed(visit)
        return _shown(visit, board, use, value, wrong=str(wrong), status=wrong.http_status)
    return visit.redirect(_saved_at(visit, made), visit.words.gettext("Saved."))


@act("/segments/rename", MAKERS, about="gives a saved segment another name")
def rename(visit: Visit) -> Response:
    """Gives one of the visitor's segments another name."""
    made = rename_segment(visit.app, visit.run.id, visit.field("segment"), visit.field("name"))
    return visit.redirect(_saved_at(visit, made), visit.words.gettext("Renamed."))


@act("/segments/delete", MAKERS, about="deletes a saved segment, which can be taken back")
def delete(visit: Visit) -> Response:
    """Deletes one of the visitor's segments; the page that follows offers to take it back."""
    gone = delete_segment(visit.app, visit.run.id, visit.field("segment"))
    again = json.dumps({"name": gone.name, "rule": gone.rule.as_json()}, ensure_ascii=False)
    return visit.redirect(visit.link("/segments", deleted=again) + "#saved")


@act("/segments/names", MAKERS, about="gives a group that behaves alike a name of the institution's own")
def name(visit: Visit) -> Response:
    """Keeps a name for a group."""
    proposed, wanted = visit.field("proposed"), " ".join(visit.field("name").split())
    if not 0 < len(wanted) <= 80 or not 0 < len(proposed) <= 200:
        raise InputError("A group needs a name of at most 80 characters.")
    name_group(visit.app, proposed, wanted)
    to = visit.link("/segments", by=visit.field("by") if visit.field("by") in HOW else "")
    return visit.redirect(to, visit.words.gettext("The group has its new name."))


@act("/segments/tasks", DOERS, about="puts the first learners of a segment on the caseload")
def tasks(visit: Visit) -> Response:
    """Opens a task by hand for as many as can be contacted in a week; who has one already keeps it."""
    found = members_named(visit, visit.field("segment"))
    reason = f"In the segment “{found.name}”"[:200]
    opened = 0
    for learner in found.learners:
        if opened >= visit.capacity():
            break
        try:
            raise_learner(visit.app, visit.run.id, learner, reason)
        except HeadwayError as held:
            if held.http_status != 409:
                raise
            continue
        opened += 1
    text = visit.words.ngettext(
        "%(num)s learner was put on the list.", "%(num)s learners were put on the list.", opened
    )
    return visit.redirect(visit.link("/segments"), text % {"num": opened})


def _shown(
    visit: Visit, board: Board, use: list[str], value: Callable[[str], str], *, wrong: str = "", status: int = 200
) -> Response:
    place = place_of(visit, board)
    by = visit.query.get("by", "reason")
    by = by if by in HOW else "reason"
    rule, problem = _rule(visit, use, value)
    context: dict[str, Any] = {
        "board": board,
        "place": place,
        "going_on": _going_on(visit, board, place),
        "by": by,
        "told": lambda number: told(visit, number),
        "may_make": visit.role in MAKERS,
        "may_do": visit.role in DOERS,
        "titles": {each.activity: each.name for each in place.facts.assessments},
        "all_groups": board.groups_among(place.mine),
        "most_options": MOST_OPTIONS,
        "types": type_names(),
        "use": use,
        "value": lambda name: value(name) or NUMBERS.get(name.rpartition("-")[2], ""),
        "match": value("match") or "all",
        "rule": rule,
        "wrong": wrong or problem,
        "name": visit.field("name"),
        **_counted(visit, place, rule),
    }
    if visit.htmx and status == 200:
        if visit.query.get("part") == "groups":
            return visit.part("segments.html", "groups", **context, **_groups(visit, board, place, by))
        visit.headers["HX-Replace-Url"] = _address(visit, rule, by)
        return visit.part("segments.html", "found", **context)
    saved = _saved(visit, place)
    return visit.render(
        "segments.html",
        status,
        **context,
        **_groups(visit, board, place, by),
        saved=saved,
        one=next((each for each in saved if each["saved"].id == visit.query.get("segment")), None),
        deleted=_read(visit.query.get("deleted", "")),
        moves=moves(visit, board),
    )


def _going_on(visit: Visit, board: Board, place: Place) -> int:
    """The week that had begun and was not over as of the score run; 0 where the last one was over."""
    days = (board.score_run.as_of.day(visit.run.zone) - visit.run.starts_on).days + 1
    return place.facts.weeks if days < 7 * place.facts.weeks else 0


def _typed(visit: Visit) -> tuple[list[str], Callable[[str], str]]:
    """The builder as it was when its rule was to be saved, so that nothing is lost when the name is wrong."""
    try:
        rule = rule_of(_read(visit.field("rule")))
    except HeadwayError:
        return visit.fields("use"), visit.field
    values = {f"{each.kind}-{name}": str(value) for each in rule.conditions for name, value in each.values.items()}
    values["match"] = rule.match
    return [each.kind for each in rule.conditions], lambda name: values.get(name, "")


def _address(visit: Visit, rule: Rule | None, by: str) -> str:
    """The address of the page with this rule in its builder."""
    told: dict[str, object] = {"by": by if by != "reason" else ""}
    if rule is not None:
        told |= {"match": rule.match if rule.match != "all" else "", "use": [each.kind for each in rule.conditions]}
        told |= {f"{each.kind}-{name}": value for each in rule.conditions for name, value in each.values.items()}
    return visit.link("/segments", **told)


def _rule(visit: Visit, use: list[str], value: Callable[[str], str]) -> tuple[Rule | None, str]:
    """The rule that the builder says, or what is wrong with it; neither where nothing is ticked."""
    if not use:
        return None, ""
    try:
        return rule_from(value("match"), use, lambda name: value(name) or NUMBERS.get(name.rpartition("-")[2], "")), ""
    except HeadwayError as wrong:
        if wrong.http_status == 403:
            visit.audit("refuse", visit.run.id, {"what": "segment"})
            raise
        return None, str(wrong)


def _counted(visit: Visit, place: Place, rule: Rule | None) -> dict[str, Any]:
    """Who fits the builder's rule."""
    if rule is None:
        return {"fits": None, "who": []}
    try:
        found = place.of(rule)
    except Pending:
        return {"fits": None, "who": [], "computing": True}
    return {"fits": told(visit, len(found)), "all_fits": len(found), "who": _who(visit, found)}


def _who(visit: Visit, learners: list[str]) -> list[Any]:
    return visit.shown(learners[:SHOWN]) if visit.role in DOERS else []


def _groups(visit: Visit, board: Board, place: Place, by: str) -> dict[str, Any]:
    try:
        found, shown = groups(visit, board, place, by)
    except Pending:
        return {"groups": None, "busy": True, "few": "", "found": None, "no_visits": False}
    except NotEnoughData as few:
        return {"groups": [], "busy": False, "few": str(few), "found": None, "no_visits": False}
    none_came = [each for each in found.segments if each.proposed == NOBODY_CAME and each.share > NO_LOG]
    return {"groups": shown, "busy": False, "few": "", "found": found, "no_visits": bool(none_came)}


def _saved(visit: Visit, place: Place) -> list[dict[str, Any]]:
    """The saved segments that the visitor may see, with how many learners fit each."""
    found = []
    for each in saved_segments(visit.app, visit.run.id):
        own = each.by == visit.app.actor
        if not own and visit.role in DOERS:
            continue
        try:
            fits = place.of(each.rule)
        except Pending:
            found.append({"saved": each, "own": own, "fits": None, "waits": True, "size": 0, "who": []})
            continue
        who = _who(visit, fits) if visit.query.get("segment") == each.id else []
        size = len(fits)
        found.append({"saved": each, "own": own, "fits": told(visit, size), "waits": False, "size": size, "who": who})
    return found


def _saved_at(visit: Visit, made: Saved) -> str:
    return visit.link("/segments", segment=saved_segment(visit.app, visit.run.id, made.id).id) + "#saved"


def _read(text: str) -> dict[str, Any]:
    """JSON from a form or an address of ours; nothing where it cannot be read."""
    if not text:
        return {}
    try:
        read = json.loads(text)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
