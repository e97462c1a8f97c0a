"""What one server process holds open, and who may use it: the home, the inbox, known keys, learners kept ready."""

import base64
import binascii
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from headway.domain.errors import Busy, NotAuthenticated
from headway.evaluation.risk_model import RiskModel
from headway.flow.app import App
from headway.flow.live import LiveRun
from headway.governance import keys
from headway.governance.keys import Caller
from headway.intake.inbox import Inbox
from headway.registry.registry import ModelVersion
from headway.server.findable import Findable
from headway.server.metrics import Metrics
from headway.server.oidc import Provider, is_token

KNOWN_S: Final = 10.0
"""Seconds for which a key is known without asking the database; a revoked one works no longer than this."""

MOST_KNOWN: Final = 10_000
MOST_RUNS: Final = 3
MOST_MODELS: Final = 4
_MISSING: Final = "Send an API key: HTTP Basic with key and secret, or Bearer with the secret."


@dataclass(slots=True)
class _Known:
    key: Caller
    until: float
    allowance: float
    seen: float


@dataclass
class State:
    """What one server process holds open."""

    app: App
    inbox: Inbox
    findable: Findable
    metrics: Metrics = field(default_factory=Metrics)
    provider: Provider | None = None
    _known: dict[bytes, _Known] = field(default_factory=dict, repr=False)
    _runs: "OrderedDict[tuple[str, str], LiveRun]" = field(default_factory=OrderedDict, repr=False)
    _models: "OrderedDict[str, tuple[ModelVersion, RiskModel]]" = field(default_factory=OrderedDict, repr=False)
    _turn: Lock = field(default_factory=Lock, repr=False)

    async def key(self, request: Request, scope: str | None) -> Caller:
        """Whose key or token a request comes with, if it allows `scope` and has not asked too often.

        Tokens of people are good under /v1 alone: who sends statements is a program, and has a key.

        Raises:
            NotAuthenticated: there is none, or it is not known.
            NotPermitted: it does not allow this.
            Busy: it asks too often.
            Unavailable: the identity provider must be asked and is away.
        """
        secret, claimed = _credentials(request)
        people = self.provider if request.url.path.startswith("/v1/") and claimed is None else None
        known = await self._known_key(secret, claimed, people if is_token(secret) else None)
        request.state.key_id = known.key.id
        self._count(known)
        if scope is not None:
            known.key.needs(scope)
        return known.key

    def _count(self, known: _Known) -> None:
        """Takes one from the key's allowance, which fills up by the second."""
        rate, now = float(self.app.settings.server.requests_per_s), monotonic()
        known.allowance = min(2 * rate, known.allowance + (now - known.seen) * rate)
        known.seen = now
        if known.allowance < 1:
            raise Busy(f"This key may make {rate:g} requests a second. Come back in a second.")
        known.allowance -= 1

    async def _known_key(self, secret: str, claimed: str | None, people: Provider | None) -> _Known:
        digest = hashlib.sha256(f"{people is None} {claimed}\n{secret}".encode()).digest()
        known = self._known.get(digest)
        if known is not None and known.until > monotonic():
            return known
        good_for_s = KNOWN_S
        key: Caller
        if people is not None:
            person = await run_in_threadpool(people.person, secret)
            key, good_for_s = person.caller, min(KNOWN_S, person.good_for_s)
        else:
            key = await run_in_threadpool(self._verified, secret, claimed)
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        now, rate = monotonic(), float(self.app.settings.server.requests_per_s)
        allowance, seen = (2 * rate, now) if known is None else (known.allowance, known.seen)
        self._known[digest] = _Known(key, now + good_for_s, allowance, seen)
        return self._known[digest]

    def _verified(self, secret: str, claimed: str | None) -> Caller:
        with self.app.store.read() as connection:
            return keys.verify(connection, secret, claimed)

    def live(self, run: str, view: str) -> LiveRun:
        """A run whose learners are kept ready."""
        with self._turn:
            if (run, view) not in self._runs:
                self._runs[run, view] = LiveRun(self.app, run, view)
                if len(self._runs) > MOST_RUNS:
                    self._runs.popitem(last=False)  # whoever is still asking keeps it until answered
            self._runs.move_to_end((run, view))
            return self._runs[run, view]

    def model(self, ref: str) -> tuple[ModelVersion, RiskModel]:
        """A registered model, loaded once.

        Raises:
            UnknownName: there is none of that name.
        """
        version = self.app.registry.get(ref)
        with self._turn:
            if version.ref not in self._models:
                self._models[version.ref] = version, RiskModel.restore(self.app.registry.load(version))
                if len(self._models) > MOST_MODELS:
                    self._models.popitem(last=False)
            self._models.move_to_end(version.ref)
            return self._models[version.ref]


def _credentials(request: Request) -> tuple[str, str | None]:
    """The secret that a request comes with, and the key that it claims to belong to."""
    kind, _, told = request.headers.get("authorization", "").partition(" ")
    told = told.strip()
    if kind.lower() == "bearer" and told:
        claimed, split, secret = told.partition(":")
        return (secret, claimed) if split else (told, None)
    if kind.lower() == "basic":
        try:
            claimed, split, secret = base64.b64decode(told, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError, ValueError) as wrong:
            raise NotAuthenticated(_MISSING) from wrong
        if split:
            return secret, claimed
    raise NotAuthenticated(_MISSING)


def state_of(request: Request) -> State:
    """What the server that got the request holds open."""
    state: State = request.app.state.headway
    return state
