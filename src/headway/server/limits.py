"""The gate that every request passes: its id, how much at once, how large, how slow, what it is told, its figures.

Bodies are counted as they arrive, in one budget for all requests, so that neither a large body nor many of them make
the process grow. What a handler raises becomes an answer here and nowhere else.
"""

import asyncio
import logging
import re
from itertools import count
from secrets import token_hex
from time import monotonic, perf_counter
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headway.domain.errors import Busy
from headway.server.errors import EXPECTED, answer
from headway.server.log import LOG, facts, note
from headway.server.metrics import Metrics
from headway.server.xapi_headers import xapi_headers

REQUEST_ID: Final = "x-request-id"
BODIES_BYTES: Final = 256 << 20
"""What the bodies of all open requests may hold together."""

DEEPEST: Final = 64
_PROCESS: Final = token_hex(6)
_NUMBERS: Final = count(1)
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
_ALWAYS: Final = ("/healthz", "/readyz", "/metrics")
_NO_SIGNS: Final = bytes(set(range(256)) - set(b"[]{}"))
_OPENING: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]', re.DOTALL)


class BodyTooLarge(HTTPException):
    """The body is longer than the server takes."""


def check_depth(body: bytes) -> None:
    """Passes where JSON is nested at most 64 deep, whatever else is wrong with it.

    Raises:
        HTTPException: it is nested deeper (400).
    """
    signs = body.translate(None, _NO_SIGNS)
    for _ in range(DEEPEST + 1):  # each turn takes the innermost level away, so few turns mean that little is nested
        fewer = signs.replace(b"{}", b"").replace(b"[]", b"")
        if len(fewer) == len(signs) and len(fewer) <= DEEPEST // 2:
            return  # what is left stands in texts, or fits nothing
        signs = fewer
    depth = 0
    for found in _OPENING.finditer(body):
        sign = found[0][:1]
        depth += (sign in b"[{") - (sign in b"]}")
        if depth > DEEPEST:
            raise HTTPException(400, f"The JSON is nested deeper than {DEEPEST} levels. Flatten it.")


class Gate:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, metrics: Metrics, most_open: int, most_bytes: int, body_timeout_s: float) -> None:
        self._app, self._metrics = app, metrics
        self._most_open, self._most_bytes, self._timeout_s = most_open, most_bytes, body_timeout_s
        self._open = 0
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await _Passage(self, scope, receive, send).run()

    async def serve(self, passage: "_Passage") -> None:
        """Hands a request on, or says that too many are open."""
        if self._open >= self._most_open and passage.scope["path"] not in _ALWAYS:
            raise Busy("Too many requests are open. Come back in a second.")
        self._open += 1
        self._metrics.open.set(self._open)
        try:
            await self._app(passage.scope, passage.receive, passage.send)
        finally:
            self._open -= 1
            self._held -= passage.bytes
            self._metrics.open.set(self._open)

    def take(self, passage: "_Passage", size: int) -> None:
        """Counts bytes of a body that have arrived."""
        passage.bytes += size
        self._held += size
        if passage.bytes > self._most_bytes:
            raise too_large(self._most_bytes)
        if self._held > BODIES_BYTES:
            raise Busy("Too much is being sent at once. Come back in a second.")

    def check_announced(self, passage: "_Passage") -> None:
        """Passes where a body is not announced as too long."""
        if passage.announced > self._most_bytes:
            raise too_large(self._most_bytes)

    def tell(self, passage: "_Passage") -> None:
        """Counts and logs a request that was answered."""
        seconds = perf_counter() - passage.begun
        route = getattr(passage.scope.get("route"), "path", "none")
        method = passage.scope["method"] if passage.scope["method"] in _METHODS else "other"
        self._metrics.seconds.labels(method, route, str(passage.status)).observe(seconds)
        routine = (passage.status < 300 and method in ("POST", "PUT")) or route in _ALWAYS
        note(
            logging.DEBUG if routine else logging.INFO,
            "request",
            request_id=passage.id,
            method=method,
            route=route,
            status=passage.status,
            ms=round(seconds * 1000, 2),
            bytes=passage.bytes,
            key=passage.scope.get("state", {}).get("key_id"),
        )

    @property
    def timeout_s(self) -> float:
        """Seconds in which a body must have arrived."""
        return self._timeout_s


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def too_large(most: int) -> BodyTooLarge:
    """The error for a body of more than `most` bytes."""
    return BodyTooLarge(413, f"The body is longer than {most} bytes. Send it in parts.")


class _Passage:
    """One request on its way through the gate."""

    def __init__(self, gate: Gate, scope: Scope, receive: Receive, send: Send) -> None:
        self._gate, self.scope, self._receive, self._send = gate, scope, receive, send
        headers = dict(scope["headers"])
        given = headers.get(REQUEST_ID.encode(), b"").decode("latin-1")
        self.id = given if _PLAIN_ID.fullmatch(given) else f"{_PROCESS}{next(_NUMBERS):012x}"
        length = headers.get(b"content-length", b"0")
        self.announced = int(length) if length.isdigit() and len(length) < 20 else 0
        self.begun, self.deadline = perf_counter(), monotonic() + gate.timeout_s
        self.bytes = 0
        self.status = 0
        self._whole = False
        scope.setdefault("state", {})["request_id"] = self.id

    async def run(self) -> None:
        """Handles the request; whatever goes wrong becomes an answer."""
        try:
            self._gate.check_announced(self)
            await self._gate.serve(self)
        except ClientDisconnect:
            self.status = self.status or 499
        except EXPECTED as error:
            await self._answer(*answer(error, self.id))
            if self.status >= 500:
                LOG.exception("failed", extra=facts(request_id=self.id))
        finally:  # what nobody expected was answered further in, and is logged by the server
            self._gate.tell(self)

    async def receive(self) -> Message:
        """The next part of the body, counted, and in time."""
        if self._whole:
            return await self._receive()
        async with asyncio.timeout(max(0.0, self.deadline - monotonic())):
            message = await self._receive()
        if message["type"] == "http.request":
            self._gate.take(self, len(message.get("body", b"")))
            self._whole = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Sends a part of the answer, its request's id with it."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", []), (REQUEST_ID.encode(), self.id.encode())]
            message["headers"] = headers + xapi_headers(self.scope, headers)
        await self._send(message)

    async def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        if self.status:  # half an answer is out; nothing true can follow it
            return
        every: dict[str, Any] = {"content-type": "application/json", "content-length": str(len(body)), **headers}
        if not self._whole and self.announced:
            every["Connection"] = "close"  # what is still being sent is not read
        told = [(name.lower().encode("latin-1"), str(value).encode("latin-1")) for name, value in every.items()]
        await self.send({"type": "http.response.start", "status": status, "headers": told})
        await self.send({"type": "http.response.body", "body": b"" if self.scope["method"] == "HEAD" else body})
