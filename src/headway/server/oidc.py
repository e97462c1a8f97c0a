"""People who come to the API with a token of an identity provider (OpenID Connect), beside API keys.

What a token says is read by `headway.governance.oidc`; here it becomes a caller with the scopes of its roles.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from headway.domain.errors import ConfigError, NotPermitted
from headway.domain.time import Clock
from headway.governance.keys import SCOPES, Caller
from headway.governance.oidc import FRESH_S, LEEWAY_S, REST_S, STALE_S, Issuer, roles_in, subject_hash
from headway.live_settings import OidcSettings

__all__ = ["FRESH_S", "REST_S", "STALE_S", "Person", "Provider", "is_token"]


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
    """One identity provider, as the API asks it."""

    def __init__(self, settings: OidcSettings, key: bytes, clock: Clock, now: Callable[[], float] = monotonic) -> None:
        """Made without asking the provider.

        Args:
            settings: which provider, which audience, which roles.
            key: the home's secret, under which persons are named.
            clock: says what time tokens are compared with.
            now: seconds that only grow, for the age of keys.

        Raises:
            ConfigError: a role is given a scope that there is not.
        """
        for role, scopes in settings.roles.items():
            if unknown := [scope for scope in scopes if scope not in SCOPES]:
                known = ", ".join(SCOPES)
                raise ConfigError(f"server.oidc.roles.{role} names {', '.join(unknown)}. The scopes are: {known}.")
        self._settings, self._secret, self._clock = settings, key, clock
        self._issuer = Issuer(settings.issuer, now)

    def person(self, token: str) -> Person:
        """Whom a token stands for; asks the provider where its key is not known, so not for the event loop.

        Raises:
            NotAuthenticated: the token is not good here.
            NotPermitted: none of its roles is mapped to a scope.
            Unavailable: its key is not known and the provider is away.
        """
        asked, now = self._settings, self._clock.now()
        claims = self._issuer.claims(token, now, asked.audience, client=asked.client_id)
        roles = roles_in(claims, asked.roles_claim)
        scopes = tuple(dict.fromkeys(scope for role in roles for scope in asked.roles.get(role, ())))
        if not scopes:
            raise NotPermitted("None of your roles may do anything here. Ask for one that [server.oidc.roles] names.")
        name = subject_hash(self._secret, asked.issuer, claims["sub"])[:20]
        caller = Caller(f"oidc:{name}", "", scopes)
        return Person(caller, float(claims["exp"]) + LEEWAY_S - now.timestamp())
