"""What every answer under /xapi/ says in its headers, whatever became of the request."""

from collections.abc import Iterable
from typing import Final

from starlette.types import Scope

from headway.intake.xapi.refusal import Refused
from headway.intake.xapi.versions import LATEST, latest
from headway.server.findable import instant_text

VERSION: Final = "x-experience-api-version"
THROUGH: Final = "x-experience-api-consistent-through"

_STATEMENTS: Final = "/xapi/statements"


def xapi_headers(scope: Scope, given: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers that xAPI wants on an answer, besides those it was given.

    The version (Communication 3.3.s3.b1) and, for statements, up to when all of them are found (2.1.3.s2.b5); none
    elsewhere.

    Args:
        scope: of the request.
        given: the headers that the answer has already.
    """
    if not scope["path"].startswith("/xapi/"):
        return []
    headers = [(VERSION.encode(), _spoken(scope).encode())]
    if scope["path"].startswith(_STATEMENTS) and all(name != THROUGH.encode() for name, _ in given):
        through = instant_text(scope["app"].state.headway.findable.through)
        headers.append((THROUGH.encode(), through.encode()))
    return headers


def _spoken(scope: Scope) -> str:
    """The latest patch of the version that a request speaks; of the newest where it does not say."""
    found: str | None = scope["state"].get("xapi_version")
    if found is not None:
        return found
    told = dict(scope["headers"]).get(VERSION.encode(), b"")
    try:
        return latest(told.decode("latin-1"))
    except Refused:
        return LATEST[-1]
