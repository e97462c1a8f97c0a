"""The token that a form of ours carries, so that no other site can send it: made from the session's, each time masked.

A page is packed before it is sent, and how small it gets tells something about what in it is alike (BREACH). The token
is therefore never written twice in the same way.
"""

import hashlib
import hmac
import secrets
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

_BYTES: Final = 32


def token_for(session: str) -> str:
    """The token for forms of a session, different each time: a mask, and the secret under it.

    >>> made = token_for("a"), token_for("a")
    >>> made[0] != made[1], is_token_for("a", made[0]), is_token_for("b", made[0])
    (True, True, False)
    """
    mask = secrets.token_bytes(_BYTES)
    return (mask + _xor(mask, _secret(session))).hex()


def is_token_for(session: str, given: object) -> bool:
    """Whether `given` is one of the tokens of the session.

    >>> is_token_for("a", None), is_token_for("a", ""), is_token_for("a", "zz" * 64)
    (False, False, False)
    """
    if not isinstance(given, str) or len(given) != 4 * _BYTES:
        return False
    try:
        raw = bytes.fromhex(given)
    except ValueError:
        return False
    if len(raw) != 2 * _BYTES:
        return False
    return hmac.compare_digest(_xor(raw[:_BYTES], raw[_BYTES:]), _secret(session))


def from_here(request: Request) -> bool:
    """Whether a browser says that a form was sent from one of our pages; one that says nothing is believed.

    >>> def sent(**headers):
    ...     told = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    ...     return Request({"type": "http", "headers": [(b"host", b"h.test"), *told]})
    >>> from_here(sent()), from_here(sent(origin="https://h.test", sec_fetch_site="same-origin"))
    (True, True)
    >>> from_here(sent(origin="https://else.test")), from_here(sent(sec_fetch_site="cross-site"))
    (False, False)
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")


def _secret(session: str) -> bytes:
    return hmac.new(session.encode() or b"-", b"form", hashlib.sha256).digest()


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
