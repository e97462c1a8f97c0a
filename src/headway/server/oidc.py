"""People who come with a token of an identity provider (OpenID Connect), beside API keys.

Promises that a token is believed only where the provider's own published key signed it with RS256 or ES256 for this
server, now; that keys are fetched once and again when an unknown one turns up, not as often as somebody asks; and that
neither a token nor whom it names is kept, logged or told. Nobody else reads tokens or asks the provider.
"""

import base64
import binascii
import hashlib
import http.client
import json
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from headway.domain.errors import ConfigError, NotAuthenticated, NotPermitted, Unavailable
from headway.domain.time import Clock
from headway.governance.keys import SCOPES, Caller
from headway.live_settings import OidcSettings, safe_address

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
_CONFIGURATION: Final = "/.well-known/openid-configuration"
_NOT_GOOD: Final = "The token is not good here: made for another server, out of date, or not signed as it must be."
_AWAY: Final = "The identity provider cannot be asked just now. Try again in a moment, or come with an API key."

Keys = Mapping[str, "RSAKey | ECKey"]


def is_token(secret: str) -> bool:
    """Whether a bearer's secret is a signed token (three parts) and no API key's secret."""
    return secret.count(".") == 2


@dataclass(frozen=True, slots=True)
class Person:
    """A person whom the provider vouches for.

    Attributes:
        caller: as whom the person asks.
        good_for_s: seconds until the token ends.
    """

    caller: Caller
    good_for_s: float


class Provider:
    """One identity provider: reads its tokens, keeps its keys."""

    def __init__(self, settings: OidcSettings, clock: Clock, now: Callable[[], float] = monotonic) -> None:
        """Made without asking the provider.

        Args:
            settings: which provider, which audience, which roles.
            clock: says what time tokens are compared with.
            now: seconds that only grow, for the age of keys.

        Raises:
            ConfigError: a role is given a scope that there is not.
        """
        for role, scopes in settings.roles.items():
            if unknown := [scope for scope in scopes if scope not in SCOPES]:
                known = ", ".join(SCOPES)
                raise ConfigError(f"server.oidc.roles.{role} names {', '.join(unknown)}. The scopes are: {known}.")
        self._settings, self._clock, self._now = settings, clock, now
        self._keys: Keys = {}
        self._fetched_at = self._tried_at = float("-inf")
        self._turn = Lock()

    def person(self, token: str) -> Person:
        """Whom a token stands for; asks the provider where its key is not known, so not for the event loop.

        Raises:
            NotAuthenticated: the token is not good here.
            NotPermitted: none of its roles is mapped to a scope.
            Unavailable: its key is not known and the provider is away.
        """
        claims = self._claims(token)
        scopes = self._scopes(claims)
        if not scopes:
            raise NotPermitted("None of your roles may do anything here. Ask for one that [server.oidc.roles] names.")
        told = f"{self._settings.issuer}\n{claims['sub']}"
        caller = Caller(f"oidc:{hashlib.sha256(told.encode()).hexdigest()[:20]}", "", scopes)
        return Person(caller, float(claims["exp"]) + LEEWAY_S - self._clock.now().timestamp())

    def _claims(self, token: str) -> dict[str, Any]:
        """What a token says, once its signature and its claims were checked."""
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jws import JWSRegistry

        algorithm, kid = _header(token)
        key = self._key(kid, algorithm)
        now = int(self._clock.now().timestamp())
        essential: dict[str, Any] = {
            "iss": {"essential": True, "value": self._settings.issuer},
            "aud": {"essential": True, "value": self._settings.audience},
            "exp": {"essential": True},
            "sub": {"essential": True},
        }
        try:
            registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)  # providers add headers of theirs
            registry.max_header_length = registry.max_payload_length = LONGEST_TOKEN
            claims = jwt.decode(token, key, algorithms=[algorithm], registry=registry).claims
            jwt.JWTClaimsRegistry(now=now, leeway=LEEWAY_S, **essential).validate(claims)
        except (JoseError, ValueError, TypeError) as wrong:
            raise NotAuthenticated(_NOT_GOOD) from wrong
        client = self._settings.client_id
        if not isinstance(claims["sub"], str) or (client and claims.get("azp", claims.get("client_id")) != client):
            raise NotAuthenticated(_NOT_GOOD)
        return claims

    def _scopes(self, claims: Mapping[str, Any]) -> tuple[str, ...]:
        """The scopes of all roles that a token names, each once."""
        path = self._settings.roles_claim
        told: Any = claims.get(path)
        if told is None:  # no claim of this whole name: its dots lead inwards
            told = claims
            for part in path.split("."):
                told = told.get(part) if isinstance(told, Mapping) else None
        roles = told.split() if isinstance(told, str) else told if isinstance(told, list) else []
        mapped = self._settings.roles
        return tuple(dict.fromkeys(scope for role in roles if isinstance(role, str) for scope in mapped.get(role, ())))

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
            self._keys = _published(self._settings.issuer)
            self._fetched_at = self._now()
        except Unavailable:
            return  # `_key` says so where the keys at hand do not do
        finally:
            self._turn.release()


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


def _published(issuer: str) -> Keys:
    """The keys that a provider signs with, by their ids."""
    configuration = _got(issuer.rstrip("/") + _CONFIGURATION)
    if configuration.get("issuer") != issuer:  # OpenID Connect Discovery 1.0, 4.3
        raise Unavailable(_AWAY)
    return dict(_usable(_got(str(configuration.get("jwks_uri"))).get("keys")))


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


def _got(url: str) -> dict[str, Any]:
    """The JSON object at an address."""
    try:
        address = safe_address(url)
        request = urllib.request.Request(address, headers={"accept": "application/json"})  # noqa: S310 - checked above
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=TIMEOUT_S) as answer:
            body = answer.read(MOST_BYTES + 1)
        told = json.loads(body) if len(body) <= MOST_BYTES else None
    except (OSError, http.client.HTTPException, ValueError, RecursionError) as wrong:
        raise Unavailable(_AWAY) from wrong
    if not isinstance(told, dict):
        raise Unavailable(_AWAY)
    return told


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Nothing: keys come from where they are said to be."""
