"""The parameters of GET statements (Communication 2.1.3), read as strictly as statements are.

What a query matches is said by `index_terms`; how a found statement is shown, by `formatted`. Running it, paging and
the order of answers belong to who holds the statements.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from headway.intake.xapi.actors import check_actor
from headway.intake.xapi.formats import is_iri, is_timestamp, is_uuid, moment
from headway.intake.xapi.presentation import Format, accepted_languages, formatted
from headway.intake.xapi.refusal import Refused, shown
from headway.intake.xapi.statement import decode
from headway.intake.xapi.terms import Terms, identifier, index_terms
from headway.intake.xapi.versions import is_two

__all__ = ["Query", "Terms", "accepted_languages", "formatted", "index_terms", "parse_query"]

_FORMATS: Final = ("ids", "exact", "canonical")
_SINGLE: Final = ("statementId", "voidedStatementId")
_WITH_SINGLE: Final = frozenset({"attachments", "format"})
_BOOLEANS: Final = ("related_activities", "related_agents", "attachments", "ascending")
_PARAMETERS: Final = (
    *_SINGLE,
    "agent",
    "verb",
    "activity",
    "registration",
    "since",
    "until",
    "limit",
    "format",
    *_BOOLEANS,
)
_WHOLE: Final = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Query:
    """What a GET of statements asks for.

    Attributes:
        statement_id: the one statement wanted, in small letters; never a voided one.
        voided_statement_id: the one voided statement wanted, in small letters.
        agent: canonical identifier, to look up in `Terms.agents` (or `related_agents`).
        verb: IRI.
        activity: IRI, to look up in `Terms.activity` (or `related_activities`).
        registration: in small letters.
        related_activities: look in context and SubStatements too.
        related_agents: look in authority, context and SubStatements too.
        since: stored after this UTC instant.
        until: stored at or before this UTC instant.
        limit: at most so many; 0 for as many as the server allows.
        format: how found statements are shown.
        attachments: send the attachments' data too, as multipart/mixed.
        ascending: oldest first by `stored`; newest first otherwise.
    """

    statement_id: str | None = None
    voided_statement_id: str | None = None
    agent: str | None = None
    verb: str | None = None
    activity: str | None = None
    registration: str | None = None
    related_activities: bool = False
    related_agents: bool = False
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 0
    format: Format = "exact"
    attachments: bool = False
    ascending: bool = False

    @property
    def single(self) -> bool:
        """Whether it asks for one statement by its id; the answer is that statement, or 404."""
        return self.statement_id is not None or self.voided_statement_id is not None


def parse_query(params: Mapping[str, list[str]], version: str = "1.0.3") -> Query:
    """The query that the parameters of a request make.

    Args:
        params: every value of every parameter, decoded; those of the server's own (a page's place) already taken out.
        version: of the request.

    Raises:
        Refused: a parameter is unknown, given twice, ill-typed, or does not go with another.
    """
    two = is_two(version)
    given: dict[str, str] = {}
    for name, values in params.items():
        if name not in _PARAMETERS:
            _refuse_name(name)
        if len(values) != 1:
            raise Refused("Communication 3.2.s2.b1", name, f"is given {len(values)} times. Give it once.")
        given[name] = values[0]
    _check_single(given)
    switches = {name: _boolean(given, name) for name in _BOOLEANS}
    form = given.get("format", "exact")
    if form not in _FORMATS:
        raise Refused("Communication 2.1.3.s1.table1.row12", "format", "is none of ids, exact and canonical.")
    return Query(
        statement_id=_uuid(given, "statementId"),
        voided_statement_id=_uuid(given, "voidedStatementId"),
        agent=_agent(given["agent"]) if "agent" in given else None,
        verb=_iri(given, "verb"),
        activity=_iri(given, "activity"),
        registration=_uuid(given, "registration"),
        related_activities=switches["related_activities"],
        related_agents=switches["related_agents"],
        since=_instant(given, "since", two),
        until=_instant(given, "until", two),
        limit=_limit(given.get("limit", "0")),
        format=cast("Format", form),
        attachments=switches["attachments"],
        ascending=switches["ascending"],
    )


def _refuse_name(name: str) -> None:
    for known in _PARAMETERS:
        if known.lower() == name.lower():
            raise Refused("Communication 3.2.s3.b8", shown(name), f"is no parameter. Write it as {known}.")
    raise Refused("Communication 3.2.s3.b7", shown(name), f"is no parameter here. Known: {', '.join(_PARAMETERS)}.")


def _check_single(given: Mapping[str, str]) -> None:
    single = [name for name in _SINGLE if name in given]
    if len(single) == 2:
        raise Refused("Communication 2.1.3.s2.b1", "voidedStatementId", "does not go with statementId. Give one.")
    others = sorted(set(given) - _WITH_SINGLE - set(single))
    if single and others:
        raise Refused(
            "Communication 2.1.3.s2.b2", others[0], f"does not go with {single[0]}. Only attachments and format do."
        )


def _uuid(given: Mapping[str, str], name: str) -> str | None:
    if name not in given:
        return None
    if not is_uuid(given[name]):
        raise Refused("Data 2.2.s4.b4", name, "is no UUID. Write it as 8-4-4-4-12 hexadecimal digits.")
    return given[name].lower()


def _iri(given: Mapping[str, str], name: str) -> str | None:
    if name not in given:
        return None
    if not is_iri(given[name]):
        raise Refused("Data 2.2.s4.b4", name, "is no absolute IRI. Write it in full, and percent-encode the parameter.")
    return given[name]


def _boolean(given: Mapping[str, str], name: str) -> bool:
    value = given.get(name, "false")
    if value not in ("true", "false"):
        raise Refused("Data 2.2.s4.b4", name, "is neither true nor false. Write one of them, in small letters.")
    return value == "true"


def _instant(given: Mapping[str, str], name: str, two: bool) -> datetime | None:
    if name not in given:
        return None
    if not is_timestamp(given[name], two):
        raise Refused(
            "Data 2.2.s4.b4", name, "is no timestamp. Write 2026-03-01T09:30:00.000Z, and percent-encode a + as %2B."
        )
    return moment(given[name])


def _limit(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise Refused("Data 2.2.s4.b4", "limit", "is no whole number from 0 to 999999999. Give 0 for the most allowed.")
    return int(text)


def _agent(text: str) -> str:
    decoded: Any = decode(text.encode("utf-8", "surrogatepass"), path="agent")
    check_actor(decoded, "agent", "Communication 2.1.3.s1.table1.row3")
    found = identifier(decoded)
    if found is None:
        raise Refused(
            "Communication 2.1.3.s1.table1.row3", "agent", "is an anonymous Group. Name an Agent or identified Group."
        )
    return found
