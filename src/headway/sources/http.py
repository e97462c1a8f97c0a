"""Small JSON requests to other systems: polite, bounded, and never sent where they were not meant to go.

Promises that a request ends (time-outs, a limit of attempts and of bytes), that a system that asks for patience gets
it, and that headers, which may hold a token, go to no other host than the one named. Knows no system's interface.
"""

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from email.message import Message
from email.utils import parsedate_to_datetime
from http.client import HTTPMessage, HTTPResponse
from typing import IO, Any, Final
from urllib.parse import SplitResult, urlencode, urljoin, urlsplit, urlunsplit

from headway.domain.errors import InputError, SourceError
from headway.domain.time import Clock, SystemClock

TIMEOUT_S: Final = 60.0
MOST_BYTES: Final = 64 << 20
LONGEST_WAIT_S: Final = 120.0
_HEAD_BYTES: Final = 2000
_BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})

Params = Mapping[str, str] | Sequence[tuple[str, str]]


def get_json(
    url: str,
    headers: Mapping[str, str],
    params: Params = (),
    attempts: int = 6,
    *,
    sleep: Callable[[float], None] = time.sleep,
    timeout_s: float = TIMEOUT_S,
    most_bytes: int = MOST_BYTES,
    clock: Clock | None = None,
) -> tuple[Any, dict[str, str]]:
    """The JSON at `url` and the answer's headers, their names in lower case.

    Tries again, each time after twice as long (1 s, 2 s, 4 s …) or as long as `Retry-After` says, where the system is
    throttling (429, or 403 that speaks of a rate limit), busy (408, 425, 5xx) or out of reach.

    Args:
        url: an http or https address.
        headers: sent along, to this host only.
        params: added to the query; a name may come several times.
        attempts: how often to try in all.
        sleep: waits so many seconds.
        timeout_s: how long one answer may take to begin, and to go on.
        most_bytes: the longest answer that is read.
        clock: tells the time against which a date in `Retry-After` is held.

    Raises:
        InputError: the address is none that can be asked.
        SourceError: there was no usable answer; the message never holds headers or the query.
    """
    request = _request(url, headers, params)
    shown = _shown(request.full_url)
    for attempt in range(1, attempts + 1):
        try:
            return _answer(request, timeout_s, most_bytes, shown)
        except urllib.error.HTTPError as wrong:
            said = _said(wrong)
            if not _asks_for_patience(wrong.code, said) or attempt == attempts:
                raise SourceError(_refusal(wrong.code, said, shown, attempt)) from None
            wait = _retry_after(wrong.headers, clock or SystemClock())
        except (OSError, http.client.HTTPException) as wrong:
            # URLError, time-outs and broken connections; the reason names no header.
            if attempt == attempts:
                reason = getattr(wrong, "reason", None) or str(wrong) or type(wrong).__name__
                raise SourceError(
                    f"{shown} cannot be reached ({reason}); {attempt} attempts were made. Check address and network."
                ) from None
            wait = None
        sleep(min(LONGEST_WAIT_S, 2.0 ** (attempt - 1) if wait is None else wait))
    raise InputError("A request needs at least one attempt.")


def next_page(url: str, headers: Mapping[str, str]) -> str | None:
    """The address of the page after `url`, from the answer's `Link` header (RFC 8288), or None at the last one.

    Raises:
        SourceError: the next page is on another host, to which no token may go.
    """
    for link in headers.get("link", "").split(","):
        target, _, rest = link.partition(";")
        if 'rel="next"' in rest.replace(" ", "") or "rel=next" in rest.replace(" ", ""):
            following = urljoin(url, target.strip().strip("<>"))
            if _origin(urlsplit(following)) != _origin(urlsplit(url)):
                raise SourceError(f"{_shown(url)} continues on another host. Ask the system's owner; nothing was sent.")
            return following
    return None


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows a redirect on the same host only: urllib would take the token along to any other."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        if _origin(urlsplit(newurl)) != _origin(urlsplit(req.full_url)):
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_OPENER: Final = urllib.request.build_opener(_SameHost)


def _request(url: str, headers: Mapping[str, str], params: Params) -> urllib.request.Request:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # it is read when asked for, and may be no number
    except ValueError as wrong:
        raise InputError(f"{url!r} is no address ({wrong}). Write it as https://canvas.example.edu.") from wrong
    if parts.scheme not in ("http", "https") or not parts.hostname or any(each <= " " for each in url):
        raise InputError(f"{url!r} is no address. Write it as https://canvas.example.edu.")
    query = "&".join(each for each in (parts.query, urlencode(list(_pairs(params)))) if each)
    whole = urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))
    return urllib.request.Request(whole, headers={"Accept": "application/json", **headers})  # noqa: S310  # checked above


def _pairs(params: Params) -> Sequence[tuple[str, str]]:
    return list(params.items()) if isinstance(params, Mapping) else params


def _answer(
    request: urllib.request.Request, timeout_s: float, most_bytes: int, shown: str
) -> tuple[Any, dict[str, str]]:
    answer: HTTPResponse
    with _OPENER.open(request, timeout=timeout_s) as answer:
        text = answer.read(most_bytes + 1)
        headers = {name.lower(): value for name, value in answer.headers.items()}
    if len(text) > most_bytes:
        raise SourceError(f"{shown} answered with more than {most_bytes} bytes. Ask for smaller pages.")
    try:
        return json.loads(text), headers
    except (ValueError, RecursionError) as wrong:
        raise SourceError(
            f"{shown} did not answer in JSON. Check that the address is that of the system itself."
        ) from wrong


def _asks_for_patience(code: int, said: str) -> bool:
    return code in _BUSY or (code == http.client.FORBIDDEN and "rate limit" in said.lower())


def _said(wrong: urllib.error.HTTPError) -> str:
    try:
        return wrong.read(_HEAD_BYTES).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        wrong.close()


def _refusal(code: int, said: str, shown: str, attempt: int) -> str:
    if code == http.client.UNAUTHORIZED:
        return f"{shown} does not accept the token. Make a new one and put it into the environment variable."
    if _asks_for_patience(code, said):
        return f"{shown} still answers {code} after {attempt} attempts. Try again later."
    if code in (http.client.FORBIDDEN, http.client.NOT_FOUND):
        return f"{shown} answers {code}: the token's owner may not see it, or it does not exist. Check both."
    if http.client.MULTIPLE_CHOICES <= code < http.client.BAD_REQUEST:
        return f"{shown} sends on to another host. Give that host's address instead."
    return f"{shown} answers {code}. Check the address and what the token's owner may see."


def _retry_after(headers: Message, clock: Clock) -> float | None:
    text = (headers.get("Retry-After") or "").strip()
    if text.replace(".", "", 1).isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - clock.now()).total_seconds())
    except (TypeError, ValueError):
        return None


def _origin(parts: SplitResult) -> tuple[str, str | None, int]:
    default = http.client.HTTPS_PORT if parts.scheme == "https" else http.client.HTTP_PORT
    return parts.scheme, parts.hostname, parts.port or default


def _shown(url: str) -> str:
    """The address without its query, in which systems may carry a token."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return urlunsplit((parts.scheme, f"{host}:{parts.port}" if parts.port else host, parts.path, "", ""))
