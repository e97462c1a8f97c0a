"""Requests in the alternate syntax of xAPI 1.0.3 (Communication 1.3): a POST whose form holds everything.

For senders that cannot set headers or methods: `?method=PUT`, and a form with the headers, parameters and `content`.
"""

from typing import Final
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.types import Message

from headway.intake.xapi.refusal import Refused
from headway.server.xapi_headers import VERSION

METHODS: Final = ("GET", "PUT", "POST")
_HEADERS: Final = (
    "authorization",
    VERSION,
    "content-type",
    "content-length",
    "if-match",
    "if-none-match",
)
_FORM: Final = "application/x-www-form-urlencoded"


async def unfolded(request: Request) -> tuple[str, Request]:
    """The method that is meant, and the request as it would have been without the detour.

    Raises:
        Refused: it is not of that syntax.
    """
    told = request.query_params.multi_items()
    method = told[0][1]
    if len(told) != 1 or method not in METHODS:
        raise Refused("Communication 1.3.s3.b2", "method", "must be the only parameter: GET, PUT or POST.")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise Refused("Communication 1.3.s3.b4", "Content-Type", f"is not {_FORM}, which this syntax needs.")
    try:
        form = parse_qs((await request.body()).decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=64)
    except (UnicodeDecodeError, ValueError) as wrong:
        raise Refused("Communication 1.3.s3.b4", "$", "is no sound form in UTF-8.") from wrong
    content = form.pop("content", [""])[0].encode()
    headers = {name.lower(): values[0] for name, values in form.items() if name.lower() in _HEADERS}
    headers.setdefault("content-type", "application/json")
    parameters = {name: values for name, values in form.items() if name.lower() not in _HEADERS}
    kept = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.scope["headers"]}
    kept.pop("content-type", None)
    scope = dict(request.scope)
    scope["method"] = method
    scope["query_string"] = urlencode(parameters, doseq=True).encode()
    merged = {**kept, **headers}
    if merged.get(VERSION, "").startswith("2"):
        raise Refused("IEEE 9274.1.1 4.1.3", "method", "is of xAPI 1.0.3; version 2.0 has no alternate syntax.")
    scope["headers"] = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in merged.items()]

    async def receive() -> Message:
        return {"type": "http.request", "body": content, "more_body": False}

    return method, Request(scope, receive)
