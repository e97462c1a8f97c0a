"""How an inbox finds xAPI statements: their terms as words, a query's terms as the same words, and which are the same.

The library in `intake.xapi` knows the standard and no database, the ledger knows words and no standard; they meet here.
"""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from headway.intake.entries import VOIDING, Terms, Wanted
from headway.intake.xapi.query import Query, index_terms
from headway.intake.xapi.statement import equal

_DECODER: Final = msgspec.json.Decoder()


def terms_of(body: bytes) -> Terms:
    """What a kept statement can be found by."""
    told = index_terms(_DECODER.decode(body))
    words = [f"verb {told.verb}"]
    words += [f"activity {told.activity}"] if told.activity else []
    words += [f"registration {told.registration}"] if told.registration else []
    words += [f"agent {agent}" for agent in told.agents]
    words += [f"related agent {agent}" for agent in told.related_agents]
    words += [f"related activity {activity}" for activity in told.related_activities]
    words += [VOIDING] if told.voids else []
    return Terms(words, _bytes(told.refers_to), _bytes(told.voids))


def same(one: bytes, other: bytes) -> bool:
    """Whether two bodies are the same statement."""
    return equal(_DECODER.decode(one), _DECODER.decode(other))


def wanted(query: Query, limit: int, after: int | None, upto: int) -> Wanted:
    """What the inbox is asked for a query of several statements."""
    words = [f"verb {query.verb}"] if query.verb else []
    words += [f"registration {query.registration}"] if query.registration else []
    words += [f"{'related ' if query.related_agents else ''}agent {query.agent}"] if query.agent else []
    words += [f"{'related ' if query.related_activities else ''}activity {query.activity}"] if query.activity else []
    return Wanted(words, _us(query.since), _us(query.until), query.ascending, after, limit, upto)


def statement_id(statement: dict[str, Any]) -> bytes:
    """The id of a prepared statement, as the inbox keeps it."""
    return bytes.fromhex(statement["id"].replace("-", ""))


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else UUID(text).bytes


def _us(at: datetime | None) -> int | None:
    return None if at is None else round(at.timestamp() * 1_000_000)
