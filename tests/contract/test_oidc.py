"""People come with tokens of an identity provider: good ones are believed, no others, even while it is away."""

import base64
import hmac
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from pydantic import ValidationError
from starlette.testclient import TestClient

from headway import flow
from headway.domain.errors import ConfigError
from headway.domain.time import FixedClock
from headway.flow import App, open_app
from headway.live_settings import OidcSettings
from headway.server.app import create_app
from headway.server.oidc import FRESH_S, REST_S, STALE_S, Provider
from headway.server.state import State

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
RSA = RSAKey.generate_key(2048, {"kid": "rsa-1", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "ec-1"})
NEXT = ECKey.generate_key("P-256", {"kid": "ec-2"})
STRANGER = RSAKey.generate_key(2048, {"kid": "rsa-1"})


class MadeUp(ThreadingHTTPServer):
    """A provider that publishes what the test says, and counts how often it was asked for its keys."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.issuer = f"http://127.0.0.1:{self.server_port}/realm"
        self.keys: list[RSAKey | ECKey] = []
        self.as_at_first()

    def as_at_first(self) -> None:
        """Sets everything back."""
        self.claimed, self.keys, self.away, self.asked = self.issuer, [RSA, EC], False, 0


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        provider = self.server
        assert isinstance(provider, MadeUp)
        told: dict[str, Any] = {"issuer": provider.claimed, "jwks_uri": f"{provider.issuer}/keys"}
        if self.path.endswith("/keys"):
            provider.asked += 1
            told = {"keys": [*(key.as_dict(private=False) for key in provider.keys), {"kty": "odd"}, 7]}
        body = json.dumps(told).encode()
        self.send_response(500 if provider.away else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def provider() -> Iterator[MadeUp]:
    with MadeUp() as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, provider: MadeUp) -> Iterator[App]:
    oidc = {"issuer": provider.issuer, "audience": "headway", "client_id": "advising", "roles_claim": "realm.roles"}
    roles = {"adviser": ["predictions/read", "tasks/read"], "lead": ["tasks/read", "tasks/write"]}
    server = {"oidc": {**oidc, "roles": roles}}
    with open_app(tmp_path_factory.mktemp("oidc") / "home", clock=FixedClock(NOW), server=server) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(app: App) -> Iterator[TestClient]:
    with TestClient(create_app(app)) as opened:
        yield opened


@pytest.fixture(autouse=True)
def ticks(app: App, client: TestClient, provider: MadeUp) -> list[float]:
    """Seconds on the clock by which keys grow old, which the test turns; nothing is known from the test before."""
    now = [1_000.0]
    settings, state = app.settings.server.oidc, state_of(client)
    assert settings is not None
    assert state.provider is not None
    provider.as_at_first()
    state.provider = Provider(settings, b"home" * 8, app.clock, lambda: now[0])
    state._known.clear()
    return now


def state_of(client: TestClient) -> State:
    state: State = client.app.state.headway  # type: ignore[attr-defined]  # starlette says ASGI app
    return state


def claims(provider: MadeUp, **more: Any) -> dict[str, Any]:
    now = int(NOW.timestamp())
    told = {"iss": provider.issuer, "aud": ["headway", "other"], "sub": "ann@example.org", "azp": "advising"}
    made = {**told, "iat": now, "nbf": now, "exp": now + 300, "realm": {"roles": ["adviser", "nobody"]}, **more}
    return {name: value for name, value in made.items() if value is not None}


def asked(client: TestClient, token: str, path: str = "/v1/me") -> tuple[int, dict[str, Any]]:
    answer = client.get(
        path, headers={b"Authorization": f"Bearer {token}".encode(), b"X-Experience-API-Version": b"1.0.3"}
    )
    return answer.status_code, answer.json()


def signed_for(key: RSAKey, told: dict[str, Any], **header: Any) -> str:
    """A token with headers that joserfc would not write."""
    text = encoded({"alg": "RS256", "kid": key.kid, **header}) + "." + encoded(told)
    private = key.private_key
    assert private is not None
    signature = private.sign(text.encode(), PKCS1v15(), SHA256())
    return f"{text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def encoded(header: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")


def signed(key: RSAKey | ECKey, told: dict[str, Any], **header: Any) -> str:
    algorithm = "RS256" if isinstance(key, RSAKey) else "ES256"
    return jwt.encode({"alg": algorithm, "kid": key.kid, **header}, told, key)


@pytest.mark.parametrize("key", [RSA, EC], ids=["RS256", "ES256"])
def test_a_person_has_the_scopes_of_the_roles(client: TestClient, provider: MadeUp, key: RSAKey | ECKey) -> None:
    status, told = asked(client, signed(key, claims(provider)))
    assert (status, told["kind"], told["scopes"]) == (200, "person", ["predictions/read", "tasks/read"])
    assert told["id"].startswith("oidc:")
    both = signed(key, claims(provider, realm={"roles": ["lead", "adviser"]}))
    assert asked(client, both)[1] == {**told, "scopes": ["tasks/read", "tasks/write", "predictions/read"]}
    assert asked(client, both, "/v1/runs") == (200, {"items": [], "next": None})
    assert asked(client, both, "/v1/learners/x/1")[0] == 403
    assert provider.asked == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"exp": int(NOW.timestamp()) - 31},
        {"nbf": int(NOW.timestamp()) + 31},
        {"exp": None},
        {"exp": "soon"},
        {"aud": "other"},
        {"aud": None},
        {"iss": "https://id.example.org"},
        {"iss": None},
        {"sub": None},
        {"sub": 7},
        {"azp": "another"},
        {"azp": None},
    ],
    ids=str,
)
def test_a_token_for_another_time_place_or_client_is_refused(
    client: TestClient, provider: MadeUp, wrong: dict[str, Any]
) -> None:
    status, told = asked(client, signed(RSA, claims(provider, **wrong)))
    assert (status, told["error"]["code"]) == (401, "not_authenticated")


def test_clocks_may_differ_a_little(client: TestClient, provider: MadeUp) -> None:
    now = int(NOW.timestamp())
    assert asked(client, signed(RSA, claims(provider, exp=now - 20)))[0] == 200
    assert asked(client, signed(RSA, claims(provider, nbf=now + 20)))[0] == 200


def test_only_the_published_keys_sign_and_only_in_their_own_way(client: TestClient, provider: MadeUp) -> None:
    told = claims(provider)
    good = signed(RSA, told)
    head, body, signature = good.split(".")
    by_public = f"{encoded({'alg': 'HS256', 'kid': 'rsa-1'})}.{body}"
    mac = hmac.digest(RSA.as_pem(private=False), by_public.encode(), "sha256")
    none = encoded({"alg": "none", "kid": "rsa-1"})
    forged = [
        f"{none}.{body}.",
        f"{none}.{body}.{signature}",
        f"{by_public}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}",
        jwt.encode({"alg": "RS512", "kid": "rsa-1"}, told, RSA, algorithms=["RS512"]),
        signed(STRANGER, told),
        signed(RSA, told, kid="ec-1"),
        f"{encoded({'alg': 'RS256', 'kid': 7})}.{body}.{signature}",
        f"{encoded({'alg': 'RS256'})}.{body}.{signature}",
        signed_for(RSA, told, crit=["odd"], odd=1),
        signed(RSA, claims(provider, pad="x" * 20_000)),
        f"{head}.{body}.",
        f"{head}.{signed(RSA, claims(provider, sub='bob')).split('.')[1]}.{signature}",
        "a.b.c",
        "..",
        "é.e30.x",
    ]
    for token in forged:
        assert asked(client, token)[0] == 401, token
    assert asked(client, good)[0] == 200
    assert asked(client, signed_for(RSA, claims(provider, pad="x" * 9_000), nonce="n", x5t="t"))[0] == 200


def test_a_person_without_a_role_may_do_nothing(client: TestClient, provider: MadeUp) -> None:
    realms: tuple[Any, ...] = ({"roles": ["nobody"]}, {"roles": []}, {"roles": 7}, {}, "adviser", None)
    for realm in realms:
        status, told = asked(client, signed(RSA, claims(provider, realm=realm)))
        assert (status, told["error"]["code"]) == (403, "not_permitted")
    flat = claims(provider, **{"realm": None, "realm.roles": "lead adviser"})
    assert asked(client, signed(RSA, flat))[1]["scopes"] == ["tasks/read", "tasks/write", "predictions/read"]


def test_a_new_key_is_asked_for_once_in_a_while(client: TestClient, provider: MadeUp, ticks: list[float]) -> None:
    assert asked(client, signed(EC, claims(provider)))[0] == 200
    provider.keys = [NEXT]
    for number in range(3):
        assert asked(client, signed(NEXT, claims(provider, jti=str(number))))[0] == 401
    assert provider.asked == 1
    ticks[0] += REST_S + 1
    assert asked(client, signed(NEXT, claims(provider)))[0] == 200
    assert asked(client, signed(EC, claims(provider, jti="1")))[0] == 401, "it is published no longer"
    assert provider.asked == 2


def test_known_keys_work_while_the_provider_is_away(client: TestClient, provider: MadeUp, ticks: list[float]) -> None:
    provider.away = True
    answer = client.get("/v1/me", headers={"Authorization": f"Bearer {signed(EC, claims(provider))}"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    provider.away = False
    ticks[0] += REST_S + 1
    assert asked(client, signed(EC, claims(provider)))[0] == 200
    provider.away = True
    ticks[0] += FRESH_S + 1
    assert asked(client, signed(EC, claims(provider, jti="1")))[0] == 200
    assert asked(client, signed(NEXT, claims(provider)))[0] == 503
    ticks[0] += STALE_S
    assert asked(client, signed(EC, claims(provider, jti="2")))[0] == 503
    provider.away, provider.claimed = False, "https://id.example.org"
    ticks[0] += REST_S + 1
    assert asked(client, signed(EC, claims(provider, jti="3")))[0] == 503, "another's configuration is not believed"


def test_statements_are_sent_by_keys_alone(client: TestClient, provider: MadeUp) -> None:
    assert asked(client, signed(RSA, claims(provider, realm={"roles": ["lead"]})), "/xapi/statements")[0] == 401


def test_neither_token_nor_person_is_told(
    app: App, client: TestClient, provider: MadeUp, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = signed(RSA, claims(provider, realm={"roles": ["lead"]}))
    who = asked(client, token)[1]["id"]
    answer = client.post("/v1/tasks/none/close", json={"code": "helped"}, headers={"Authorization": f"Bearer {token}"})
    bad = asked(client, token[:-9] + "A" * 9)[1]
    told = answer.text + json.dumps(bad) + "".join(str(vars(record)) for record in caplog.records)
    assert who in told
    assert token.split(".")[1] not in told
    assert "ann@example.org" not in told
    assert flow.check_audit(app) == "unbroken"


def test_settings_that_could_not_hold_are_refused(app: App) -> None:
    with pytest.raises(ValidationError, match="https://HOST"):
        OidcSettings(issuer="http://id.example.org", audience="headway")
    wrong = OidcSettings(issuer="https://id.example.org", audience="headway", roles={"adviser": ("learner/read",)})
    with pytest.raises(ConfigError, match=r"roles\.adviser names learner/read"):
        Provider(wrong, b"home" * 8, app.clock)
