"""A kept statement as a query's answer shows it: `exact`, `ids` or `canonical` (Communication 2.1.3)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

Format = Literal["ids", "exact", "canonical"]

_DEFINITION_MAPS: Final = ("name", "description")
_COMPONENTS: Final = ("choices", "scale", "source", "target", "steps")
_IDENTIFIERS: Final = ("mbox", "mbox_sha1sum", "openid", "account")


def formatted(
    statement: dict[str, Any],
    format: Format,  # noqa: A002 -- the standard's own name for this parameter
    languages: Sequence[str] = (),
    definition_of: Callable[[str], Mapping[str, Any] | None] | None = None,
) -> dict[str, Any]:
    """The statement in that format; the given one is never changed.

    Args:
        statement: as it is kept.
        format: `exact` is the statement itself; `ids` keeps of Agents, Groups, Verbs and Activities only what
            identifies them; `canonical` gives one language of each language map of Verbs and Activities.
        languages: ranges in order of preference (`accepted_languages`), for `canonical`.
        definition_of: the canonical definition of an Activity by its IRI, for `canonical`; where it is not given,
            or None, the definition in the statement stands.
    """
    if format == "exact":
        return statement
    if format == "ids":
        return _act(statement, _id_person, _id_verb, _id_activity)

    def verb(value: dict[str, Any]) -> dict[str, Any]:
        return {**value, "display": one_language(value["display"], languages)} if "display" in value else value

    def activity(value: dict[str, Any]) -> dict[str, Any]:
        definition = definition_of(value["id"]) if definition_of else None
        definition = definition if definition is not None else value.get("definition")
        return value if definition is None else {**value, "definition": _in_one_language(definition, languages)}

    return _act(statement, dict, verb, activity)


def accepted_languages(header: str | None) -> tuple[str, ...]:
    """The language ranges of an Accept-Language header, in small letters, best first; those with q=0 are left out."""
    weighed: list[tuple[float, str]] = []
    for part in (header or "").split(","):
        wanted, *parameters = (piece.strip() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "q":
                weight = _weight(value.strip())
        if wanted and weight > 0:
            weighed.append((weight, wanted.lower()))
    return tuple(wanted for _, wanted in sorted(weighed, key=lambda each: -each[0]))


def one_language(told: Mapping[str, str], languages: Sequence[str]) -> dict[str, str]:
    """The map with one language only: the first range that a tag fits (RFC 4647, basic filtering), else the first tag.

    Where no tag fits a range, the range is shortened (`en-GB` to `en`) before the first tag is taken.
    """
    for wanted in (*languages, *(wanted.partition("-")[0] for wanted in languages)):
        for tag, text in told.items():
            small = tag.lower()
            if wanted == "*" or small == wanted or small.startswith(f"{wanted}-"):
                return {tag: text}
    return dict(list(told.items())[:1])


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0


Change = Callable[[dict[str, Any]], dict[str, Any]]


def _act(act: dict[str, Any], person: Change, verb: Change, activity: Change) -> dict[str, Any]:
    """The statement or SubStatement with its persons, verb and Activities changed."""
    made = dict(act)
    made["actor"] = person(act["actor"])
    made["verb"] = verb(act["verb"])
    told = act["object"]
    match told.get("objectType", "Activity"):
        case "Activity":
            made["object"] = activity(told)
        case "SubStatement":
            made["object"] = _act(told, person, verb, activity)
        case "Agent" | "Group":
            made["object"] = person(told)
    if "authority" in act:
        made["authority"] = person(act["authority"])
    if "context" in act:
        made["context"] = _context(act["context"], person, activity)
    return made


def _context(context: dict[str, Any], person: Change, activity: Change) -> dict[str, Any]:
    made = dict(context)
    for name in ("instructor", "team"):
        if name in made:
            made[name] = person(made[name])
    for name, one in (("contextAgents", "agent"), ("contextGroups", "group")):
        if name in made:
            made[name] = [{**relation, one: person(relation[one])} for relation in made[name]]
    if "contextActivities" in made:
        made["contextActivities"] = {
            name: [activity(each) for each in (found if isinstance(found, list) else [found])]
            for name, found in made["contextActivities"].items()
        }
    return made


def _id_person(person: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {name: person[name] for name in ("objectType", *_IDENTIFIERS) if name in person}
    if "member" in person and not any(name in person for name in _IDENTIFIERS):
        kept["member"] = [_id_person(member) for member in person["member"]]
    return kept


def _id_verb(verb: dict[str, Any]) -> dict[str, Any]:
    return {"id": verb["id"]}


def _id_activity(activity: dict[str, Any]) -> dict[str, Any]:
    return {"id": activity["id"]}


def _in_one_language(definition: Mapping[str, Any], languages: Sequence[str]) -> dict[str, Any]:
    made = dict(definition)
    for name in _DEFINITION_MAPS:
        if name in made:
            made[name] = one_language(made[name], languages)
    for name in _COMPONENTS:
        if name in made:
            made[name] = [
                {**each, "description": one_language(each["description"], languages)} if "description" in each else each
                for each in made[name]
            ]
    return made
