"""An identity provider (OpenID Connect): its published keys and addresses, and what its tokens say once checked.

Promises that a token is believed only where the provider's own published key signed it with RS256 or ES256 for this
audience, now; that keys are fetched once and again when an unknown one turns up, not as often as somebody asks; and
that neither a token nor whom it names is kept, logged or told. Nobody else reads tokens or asks the provider.
"""

import base64
import binascii
import hashlib
import hmac
import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from headway.domain.errors import NotAuthenticated, Unavailable
from headway.live_settings import safe_address

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, RSAKey

ALGORITHMS: Final = ("RS256", "ES256")
LEEWAY_S: Final = 30
"""Seconds that the provider's clock and ours may differ."""

FRESH_S: Final = 3_600.0
"""Seconds after which keys are asked for again; those at hand go on working where the provider is away."""

STALE_S: Final = 86_400.0
"""Seconds after which keys that could not be asked for again are believed no longer."""

REST_S: Final = 10.0
"""Seconds between two questions to the provider, whatever tokens arrive meanwhile."""

TIMEOUT_S: Final = 5.0
MOST_BYTES: Final = 1 << 20
LONGEST_TOKEN: Final = 16 << 10
LEAST_RSA_BITS: Final = 2_048
_MAY_BE: Final = ("userinfo_endpoint", "end_session_endpoint")
_CONFIGURATION: Final = "/.well-known/openid-configuration"
_NOT_GOOD: Final = "The token is not good here: made for another server, out of date, or not signed as it must be."
_AWAY: Final = "The identity provider cannot be asked just now. Try again in a moment, or come with an API key."

Keys = Mapping[str, "RSAKey | ECKey"]


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a provider signs people in and hands out tokens; where it says more and signs them out, or empty."""

    authorization: str
    token: str
    userinfo: str = ""
    end_session: str = ""


class Issuer:
    """One identity provider, by the address that its tokens name in `iss`: reads its tokens, keeps its keys."""

    def __init__(self, address: str, now: Callable[[], float]) -> None:
        """Made without asking the provider.

        Args:
            address: the provider, as its tokens name it.
            now: seconds that only grow, for the age of keys.
        """
        self.address, self._now = address, now
        self._keys: Keys = {}
        self._fetched_at = self._tried_at = float("-inf")
        self._turn = Lock()

    def claims(
        self, token: str, at: datetime, audience: str, *, client: str = "", nonce: str | None = None
    ) -> dict[str, Any]:
        """What a token says, once its signature and its claims were checked; may ask the provider for its key.

        Args:
            token: as it came.
            at: now.
            audience: whom it must be made for.
            client: which client it must be made for (`azp` or `client_id`); empty for any.
            nonce: what it must repeat; None where nothing was asked.

        Raises:
            NotAuthenticated: the token is not good here.
            Unavailable: its key is not known and the provider is away.
        """
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jws import JWSRegistry

        algorithm, kid = _header(token)
        key = self._key(kid, algorithm)
        essential: dict[str, Any] = {
            "iss": {"essential": True, "value": self.address},
            "aud": {"essential": True, "value": audience},
            "exp": {"essential": True},
            "sub": {"essential": True},
        }
        try:
            registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)  # providers add headers of theirs
            registry.max_header_length = registry.max_payload_length = LONGEST_TOKEN
            claims = jwt.decode(token, key, algorithms=[algorithm], registry=registry).claims
            jwt.JWTClaimsRegistry(now=int(at.timestamp()), leeway=LEEWAY_S, **essential).validate(claims)
        except (JoseError, ValueError, TypeError) as wrong:
            raise NotAuthenticated(_NOT_GOOD) from wrong
        if not isinstance(claims["sub"], str) or (client and claims.get("azp", claims.get("client_id")) != client):
            raise NotAuthenticated(_NOT_GOOD)
        if nonce is not None and not hmac.compare_digest(str(claims.get("nonce")).encode(), nonce.encode()):
            raise NotAuthenticated(_NOT_GOOD)
        return claims

    def endpoints(self) -> Endpoints:
        """Where people sign in and where tokens are handed out.

        Raises:
            Unavailable: the provider is away, or says nothing of the kind.
        """
        told = _configuration(self.address)
        try:
            return Endpoints(
                safe_address(str(told.get("authorization_endpoint"))),
                safe_address(str(told.get("token_endpoint"))),
                *(safe_address(str(told[name])) if told.get(name) else "" for name in _MAY_BE),
            )
        except ValueError as wrong:
            raise Unavailable(_AWAY) from wrong

    def _key(self, kid: str, algorithm: str) -> "RSAKey | ECKey":
        """The provider's key of an id, which must be of the kind that the algorithm takes."""
        if self._age() > FRESH_S or kid not in self._keys:
            self._ask(kid)
        found = self._keys.get(kid) if self._age() <= STALE_S else None
        if found is None:
            if self._tried_at > self._fetched_at:
                raise Unavailable(_AWAY)
            raise NotAuthenticated(_NOT_GOOD)
        if found.key_type != ("RSA" if algorithm == "RS256" else "EC"):
            raise NotAuthenticated(_NOT_GOOD)
        return found

    def _age(self) -> float:
        return self._now() - self._fetched_at

    def _ask(self, kid: str) -> None:
        """Fetches the keys, unless that was tried a moment ago; who already has a key does not wait for it."""
        if not self._turn.acquire(blocking=kid not in self._keys):
            return
        try:
            if self._now() - self._tried_at < REST_S:
                return
            self._tried_at = self._now()
            self._keys = dict(_usable(_got(str(_configuration(self.address).get("jwks_uri"))).get("keys")))
            self._fetched_at = self._now()
        except Unavailable:
            return  # `_key` says so where the keys at hand do not do
        finally:
            self._turn.release()


def roles_in(claims: Mapping[str, Any], path: str) -> tuple[str, ...]:
    """The words that a claim holds: a list, or text with spaces. Dots lead inwards, unless a claim has this whole name.

    >>> roles_in({"realm": {"roles": ["tutor", 7]}}, "realm.roles"), roles_in({"a.b": "x y"}, "a.b")
    (('tutor',), ('x', 'y'))
    """
    told: Any = claims.get(path)
    if told is None:
        told = claims
        for part in path.split("."):
            told = told.get(part) if isinstance(told, Mapping) else None
    words = told.split() if isinstance(told, str) else told if isinstance(told, list) else []
    return tuple(word for word in words if isinstance(word, str))


def subject_hash(key: bytes, issuer: str, subject: str) -> str:
    """How somebody whom a provider vouches for is kept: 64 hexadecimal digits.

    It is keyed (HMAC-SHA-256): providers' subjects are often staff numbers or e-mail addresses, which whoever has a
    copy of the database would find again by trying them all.

    Args:
        key: the home's secret, as for pseudonyms; a key of its own is made from it.
        issuer: the provider.
        subject: its word for them.
    """
    own = hmac.new(key, b"headway oidc subject", hashlib.sha256).digest()
    return hmac.new(own, f"{issuer}\n{subject}".encode(), hashlib.sha256).hexdigest()


def unkeyed_hash(issuer: str, subject: str) -> str:
    """How somebody was kept before 0.1.0, without a key; only for finding those accounts again."""
    return hashlib.sha256(f"{issuer}\n{subject}".encode()).hexdigest()


def redeem(url: str, fields: Mapping[str, str], client: str, secret: str) -> dict[str, Any]:
    """What a provider's token endpoint answers to a form (RFC 6749, 4.1.3).

    Args:
        url: the endpoint.
        fields: the form.
        client: the client's id, sent in the form where it has no secret.
        secret: the client's secret, sent by HTTP Basic; empty for none.

    Raises:
        NotAuthenticated: it refused.
        Unavailable: it is away.
    """
    told = dict(fields) if secret else {**fields, "client_id": client}
    headers = {"accept": "application/json"}
    if secret:
        pair = ":".join(urllib.parse.quote(part, safe="") for part in (client, secret))
        headers["authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    return _got(url, urllib.parse.urlencode(told).encode(), headers)


def person_info(url: str, access_token: str, subject: str) -> dict[str, Any]:
    """What a provider's userinfo endpoint says of somebody (OpenID Connect Core 1.0, 5.3); nothing of anybody else.

    Args:
        url: the endpoint.
        access_token: as the token endpoint handed it out.
        subject: whom the identity token names; the answer must name them too.

    Raises:
        Unavailable: it is away, or refuses.
    """
    told = _got(url, headers={"authorization": f"Bearer {access_token}"})
    return told if told.get("sub") == subject else {}


def _header(token: str) -> tuple[str, str]:
    """Algorithm and key id of a token, of which nothing is believed yet."""
    try:
        first = token.partition(".")[0]
        header = json.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except (binascii.Error, ValueError, RecursionError) as wrong:
        raise NotAuthenticated(_NOT_GOOD) from wrong
    if len(token) > LONGEST_TOKEN or not isinstance(header, dict) or header.get("alg") not in ALGORITHMS:
        raise NotAuthenticated(_NOT_GOOD)
    kid = header.get("kid")
    if not isinstance(kid, str):
        raise NotAuthenticated(_NOT_GOOD)
    return str(header["alg"]), kid


def _configuration(address: str) -> dict[str, Any]:
    told = _got(address.rstrip("/") + _CONFIGURATION)
    if told.get("issuer") != address:  # OpenID Connect Discovery 1.0, 4.3
        raise Unavailable(_AWAY)
    return told


def _usable(told: Any) -> "Iterator[tuple[str, RSAKey | ECKey]]":
    """The keys of a set that sign with one of the algorithms; others are left out (RFC 7517, 5)."""
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, RSAKey

    for each in told if isinstance(told, list) else ():
        if not isinstance(each, dict) or not isinstance(each.get("kid"), str) or each.get("use", "sig") != "sig":
            continue
        try:
            if each.get("kty") == "RSA" and each.get("alg", "RS256") == "RS256":
                rsa = RSAKey.import_key(each)
                if rsa.public_key.key_size >= LEAST_RSA_BITS:
                    yield each["kid"], rsa
            elif each.get("kty") == "EC" and each.get("crv") == "P-256" and each.get("alg", "ES256") == "ES256":
                yield each["kid"], ECKey.import_key(each)
        except (JoseError, ValueError, TypeError, KeyError):
            continue


def _got(url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The JSON object at an address; with a body, the answer to a form that is sent there."""
    told = {"accept": "application/json"} | dict(headers or {})
    try:
        request = urllib.request.Request(safe_address(url), body, told)  # noqa: S310 - checked by safe_address
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=TIMEOUT_S) as answer:
            content = answer.read(MOST_BYTES + 1)
        found = json.loads(content) if len(content) <= MOST_BYTES else None
    except urllib.error.HTTPError as wrong:
        if body is not None and wrong.code in (400, 401, 403):
            raise NotAuthenticated("The identity provider did not accept this. Sign in again.") from wrong
        raise Unavailable(_AWAY) from wrong
    except (OSError, http.client.HTTPException, ValueError, RecursionError) as wrong:
        raise Unavailable(_AWAY) from wrong
    if not isinstance(found, dict):
        raise Unavailable(_AWAY)
    return found


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Nothing: keys come from where they are said to be."""
