"""Verbs and Activities, their definitions and the components of interactions (Data 2.4.3 and 2.4.4.1)."""

from typing import Any, Final

from headway.intake.xapi.checks import (
    check_extensions,
    check_iri,
    check_language_map,
    check_list,
    check_string,
)
from headway.intake.xapi.formats import GOOD_IRIS, is_iri
from headway.intake.xapi.refusal import Refused, refuse_key, refuse_kind, refuse_missing, refuse_type

_VERB_KEYS: Final = ("id", "display")
_ACTIVITY_KEYS: Final = ("objectType", "id", "definition")
_DEFINITION_KEYS: Final = (
    "name",
    "description",
    "type",
    "moreInfo",
    "extensions",
    "interactionType",
    "correctResponsesPattern",
    "choices",
    "scale",
    "source",
    "target",
    "steps",
)
_COMPONENT_KEYS: Final = ("id", "description")
_LISTS_OF: Final[dict[str, tuple[str, ...]]] = {
    "true-false": (),
    "choice": ("choices",),
    "fill-in": (),
    "long-fill-in": (),
    "matching": ("source", "target"),
    "performance": ("steps",),
    "sequencing": ("choices",),
    "likert": ("scale",),
    "numeric": (),
    "other": (),
}
_COMPONENT_LISTS: Final = frozenset({"choices", "scale", "source", "target", "steps"})


def check_verb(value: Any, path: str) -> None:
    """Refuse what is no Verb: an IRI, and perhaps words to show for it."""
    if value.__class__ is not dict:
        refuse_type(value, path, "a Verb", "Data 2.4.s1.table1.row3")
    named = False
    for key, item in value.items():
        if key == "id":
            named = True
            if item.__class__ is not str or (item not in GOOD_IRIS and not is_iri(item)):
                check_iri(item, path, "id", "Data 2.4.3.s3.table1.row1")
        elif key == "display":
            check_language_map(item, path, "display", "Data 2.4.3.s3.table1.row2")
        else:
            refuse_key(key, path, _VERB_KEYS)
    if not named:
        refuse_missing("id", path, "Data 2.4.3.s3.table1.row1")


def check_activity(value: Any, path: str, requirement: str = "Data 2.4.s1.table1.row4") -> None:
    """Refuse what is no Activity: an IRI, and perhaps its definition."""
    if value.__class__ is not dict:
        refuse_type(value, path, "an Activity", requirement)
    named = False
    for key, item in value.items():
        if key == "id":
            named = True
            check_iri(item, path, "id", "Data 2.4.4.1.s1.table1.row2")
        elif key == "objectType":
            if item != "Activity":
                refuse_kind(item, path, "Activity", "Data 2.4.4.1.s1.table1.row1")
        elif key == "definition":
            _check_definition(item, f"{path}.definition")
        else:
            refuse_key(key, path, _ACTIVITY_KEYS)
    if not named:
        refuse_missing("id", path, "Data 2.4.4.1.s1.table1.row2")


def _check_definition(value: Any, path: str) -> None:
    if value.__class__ is not dict:
        refuse_type(value, path, "an Activity Definition", "Data 2.4.4.1.s1.table1.row3")
    interaction = False
    for key, item in value.items():
        if key == "type":
            check_iri(item, path, "type", "Data 2.4.4.1.s2.table1.row3")
        elif key == "name":
            check_language_map(item, path, "name", "Data 2.4.4.1.s2.table1.row1")
        elif key == "description":
            check_language_map(item, path, "description", "Data 2.4.4.1.s2.table1.row2")
        elif key == "moreInfo":
            check_iri(item, path, "moreInfo", "Data 2.4.4.1.s2.table1.row4")
        elif key == "extensions":
            check_extensions(item, path, "Data 2.4.4.1.s2.table1.row5")
        elif key in _COMPONENT_LISTS or key in ("interactionType", "correctResponsesPattern"):
            interaction = True
        else:
            refuse_key(key, path, _DEFINITION_KEYS)
    if interaction:
        _check_interaction(value, path)


def _check_interaction(definition: dict[str, Any], path: str) -> None:
    kind = definition.get("interactionType")
    if kind is None and "interactionType" not in definition:
        refuse_missing("interactionType", path, "Data 2.4.4.1.s13.b1")
    if kind.__class__ is not str:
        refuse_type(kind, f"{path}.interactionType", "a string", "Data 2.4.4.1.s8.table1.row1")
    lists = _LISTS_OF.get(str(kind))
    if lists is None:
        raise Refused(
            "Data 2.4.4.1.s13.b1",
            f"{path}.interactionType",
            f"is none of {', '.join(_LISTS_OF)}. Write one exactly so.",
        )
    if "correctResponsesPattern" in definition:
        patterns = definition["correctResponsesPattern"]
        check_list(patterns, path, "correctResponsesPattern", "strings", "Data 2.4.4.1.s8.table1.row2")
        for place, pattern in enumerate(patterns):
            check_string(pattern, path, f"correctResponsesPattern[{place}]", "Data 2.4.4.1.s8.table1.row2")
    for name in _COMPONENT_LISTS.intersection(definition):
        if name not in lists:
            raise Refused(
                "Data 2.4.4.1.s15.table2",
                f"{path}.{name}",
                f"does not belong to an interaction of type {kind}. It takes {' and '.join(lists) or 'no components'}.",
            )
        _check_components(definition[name], path, name)


def _check_components(value: Any, path: str, name: str) -> None:
    check_list(value, path, name, "interaction components", "Data 2.4.4.1.s8.table1.row3")
    seen: set[str] = set()
    for place, component in enumerate(value):
        where = f"{path}.{name}[{place}]"
        if component.__class__ is not dict:
            refuse_type(component, where, "an interaction component", "Data 2.4.4.1.s8.table1.row3")
        for key, item in component.items():
            if key == "id":
                check_string(item, where, "id", "Data 2.4.4.1.s15.table1.row1")
            elif key == "description":
                check_language_map(item, where, "description", "Data 2.4.4.1.s15.table1.row2")
            else:
                refuse_key(key, where, _COMPONENT_KEYS)
        if "id" not in component:
            refuse_missing("id", where, "Data 2.4.4.1.s15.table1.row1")
        if component["id"] in seen:
            raise Refused(
                "Data 2.4.4.1.s16.b1", f"{where}.id", "is the id of a component before it. Give each an id of its own."
            )
        seen.add(component["id"])
