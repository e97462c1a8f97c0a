"""What an inbox keeps beside each statement so that every query of the standard runs in SQL (Communication 2.1.3).

Persons are told by canonical identifiers: one text for each inverse functional identifier, equal exactly where the
standard calls two Agents equal. Sound, prepared statements are expected.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from headway.intake.xapi.comparison import canonical_mbox

_VOIDED = "http://adlnet.gov/expapi/verbs/voided"


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one statement.

    Attributes:
        id: the statement's id, in small letters.
        stored: as the statement has it; empty where it has none.
        verb: the verb's IRI.
        activity: the IRI of the object where that is an Activity: what `activity` matches.
        registration: in small letters.
        agents: canonical identifiers of actor and object, members of Groups included: what `agent` matches.
        related_agents: those and all of authority, instructor, team, context Agents and Groups, and of the same in a
            SubStatement: what `agent` matches with `related_agents`.
        related_activities: the object's, all context Activities', and the same in a SubStatement: what `activity`
            matches with `related_activities`.
        refers_to: the id of the statement that is the object, in small letters. A statement also matches what the one
            it refers to matches, recursively, but for since, until and limit.
        voids: the same where the verb is voided. The statement of that id is voided, unless it voids another itself.
    """

    id: str
    stored: str
    verb: str
    activity: str | None
    registration: str | None
    agents: tuple[str, ...]
    related_agents: tuple[str, ...]
    related_activities: tuple[str, ...]
    refers_to: str | None
    voids: str | None


def index_terms(statement: Mapping[str, Any]) -> Terms:
    """The terms of a statement, each tuple without doubles and in order of appearance."""
    verb = statement["verb"]["id"]
    told = statement["object"]
    kind = told.get("objectType", "Activity")
    context = statement.get("context")
    refers_to = told["id"].lower() if kind == "StatementRef" else None
    registration = context.get("registration") if context else None
    agents = dict.fromkeys(identifiers(statement["actor"]))
    if kind in ("Agent", "Group"):
        agents.update(dict.fromkeys(identifiers(told)))
    related = dict(agents)
    activities: dict[str, None] = {}
    _relate(statement, related, activities)
    if "authority" in statement:
        related.update(dict.fromkeys(identifiers(statement["authority"])))
    return Terms(
        id=statement["id"].lower(),
        stored=statement.get("stored", ""),
        verb=verb,
        activity=told["id"] if kind == "Activity" else None,
        registration=registration.lower() if registration else None,
        agents=tuple(agents),
        related_agents=tuple(related),
        related_activities=tuple(activities),
        refers_to=refers_to,
        voids=refers_to if verb == _VOIDED else None,
    )


def identifiers(person: Mapping[str, Any]) -> Iterator[str]:
    """The canonical identifiers of an Agent or Group: its own, and its members'; an anonymous Group has none itself."""
    own = identifier(person)
    if own is not None:
        yield own
    if "member" in person:
        for member in person["member"]:
            yield from identifiers(member)


def identifier(person: Mapping[str, Any]) -> str | None:
    """The canonical inverse functional identifier of an Agent or Group, None for an anonymous Group.

    Equal texts mean equal persons: the domain of a mail address and a SHA-1 sum have no case.

    >>> identifier({"mbox": "mailto:ann@Example.org"})
    'mbox|mailto:ann@example.org'
    """
    if "account" in person:
        account = person["account"]
        return f"account|{account['homePage']}|{account['name']}"
    if "mbox" in person:
        return f"mbox|{canonical_mbox(person['mbox'])}"
    if "mbox_sha1sum" in person:
        return f"mbox_sha1sum|{person['mbox_sha1sum'].lower()}"
    if "openid" in person:
        return f"openid|{person['openid']}"
    return None


def _relate(act: Mapping[str, Any], agents: dict[str, None], activities: dict[str, None]) -> None:
    """Add the persons and Activities of a statement or SubStatement, its context included."""
    told = act["object"]
    kind = told.get("objectType", "Activity")
    if kind == "Activity":
        activities[told["id"]] = None
    elif kind == "SubStatement":
        agents.update(dict.fromkeys(identifiers(told["actor"])))
        _relate(told, agents, activities)
    elif kind != "StatementRef":
        agents.update(dict.fromkeys(identifiers(told)))
    context = act.get("context")
    if not context:
        return
    for name in ("instructor", "team"):
        if name in context:
            agents.update(dict.fromkeys(identifiers(context[name])))
    for name, one in (("contextAgents", "agent"), ("contextGroups", "group")):
        for relation in context.get(name, ()):
            agents.update(dict.fromkeys(identifiers(relation[one])))
    for found in context.get("contextActivities", {}).values():
        for activity in found if isinstance(found, list) else (found,):
            activities[activity["id"]] = None
