"""The one shape in which the server says no, whatever went wrong, and nothing of anybody's data in it.

`{"error": {"code", "message", "request_id"}}`, with `requirement` and `path` where the xAPI standard was broken.
"""

import re
from typing import Any, Final

import msgspec
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

from headway.domain.errors import Busy, HeadwayError, InputError, NotAuthenticated, Unavailable
from headway.store.database import is_away

_AWAY: Final = "The database cannot be used just now. Try again in a moment."
_WORDS: Final = re.compile(r"(?<!^)(?=[A-Z])")


def code_of(error: type[BaseException]) -> str:
    """The code of an error in answers: its name in small letters.

    >>> code_of(Busy)
    'busy'
    """
    return _WORDS.sub("_", error.__name__).lower()


def shape(code: str, message: str, request_id: str, **more: Any) -> bytes:
    """The body of an answer that says no."""
    return msgspec.json.encode({"error": {"code": code, "message": message, "request_id": request_id, **more}})


def answer_to(error: HeadwayError, request_id: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to an error of headway's own."""
    status = error.http_status
    headers: dict[str, str] = {}
    if isinstance(error, Busy):
        headers["Retry-After"] = str(error.retry_after_s)
    elif status == 503:
        headers["Retry-After"] = "5"
    if isinstance(error, NotAuthenticated):
        headers["WWW-Authenticate"] = 'Basic realm="headway", charset="UTF-8", Bearer realm="headway"'
    more = {name: str(getattr(error, name)) for name in ("requirement", "path") if hasattr(error, name)}
    message = str(error)
    if status == 500:  # a message about settings or the machine is for the log, not for whoever asks
        message = "The server cannot answer this. Its log says more under this request_id."
    return status, headers, shape(code_of(type(error)), message, request_id, **more)


EXPECTED: Final = (
    HeadwayError,
    HTTPException,
    RequestValidationError,
    OperationalError,
    TimeoutError,
)
"""What handlers may raise on purpose, or because a client or the database went away."""


def answer(error: BaseException, request_id: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to anything that was raised."""
    if is_away(error):
        return answer_to(Unavailable(_AWAY), request_id)
    if isinstance(error, HeadwayError):
        return answer_to(error, request_id)
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return answer_to(InputError(f"{place}: {first['msg']}."), request_id)
    if isinstance(error, TimeoutError):
        told = "The body did not arrive in time. Send it faster or in parts."
        return 408, {"Connection": "close"}, shape("too_slow", told, request_id)
    if isinstance(error, HTTPException):
        code = _CODES.get(error.status_code, "input_error")
        return error.status_code, dict(error.headers or {}), shape(code, str(error.detail), request_id)
    told = "The server cannot answer this. Its log says more under this request_id."
    return 500, {}, shape("internal", told, request_id)


_CODES: Final = {404: "unknown_name", 405: "not_allowed", 413: "too_large", 415: "unsupported", 412: "changed"}
