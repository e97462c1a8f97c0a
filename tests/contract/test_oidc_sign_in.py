"""Signing in to the pages through an identity provider: the right browser is let in, as the provider says."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import ValidationError
from starlette.testclient import TestClient

from headway.domain.time import FixedClock
from headway.flow import App, open_app
from headway.flow.accounts import issuer_of
from headway.governance import accounts
from headway.governance.oidc import subject_hash, unkeyed_hash
from headway.governance.pseudonyms import pseudonym
from headway.governance.scopes import Grant
from headway.live_settings import PageRole, ServerSettings
from headway.server.app import create_app
from headway.settings import pseudonym_key
from headway.store.tables import ACCOUNTS

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
KEY = RSAKey.generate_key(2048, {"kid": "rsa-1", "use": "sig"})
SECRET = "s3cret: with signs/"
US = "https://headway.test"


class Provider(ThreadingHTTPServer):
    """An identity provider: hands out codes to the test, and tokens for codes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.issuer = f"http://127.0.0.1:{self.server_port}/realm"
        self.claims: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.refused: list[str] = []
        self.more: dict[str, Any] = {}
        """What the userinfo endpoint says; without anything there is none."""

    def code_for(self, location: str) -> tuple[str, str]:
        """Code and state that somebody who signs in at `location` is sent back with."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert asked["redirect_uri"] == f"{US}/sign-in/back"
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return code, asked["state"]

    def token(self, form: dict[str, str], basic: str) -> dict[str, Any] | None:
        """The answer to a code; None where it is refused. A code is good once."""
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode()
        wanted = base64.b64encode(b"pages:s3cret%3A%20with%20signs%2F").decode()
        good = asked is not None and asked["code_challenge"] == challenge.rstrip("=")
        if asked is None or not good or basic != f"Basic {wanted}" or form["redirect_uri"] != asked["redirect_uri"]:
            self.refused.append(form.get("code", ""))
            return None
        now = int(NOW.timestamp())
        told = {"iss": self.issuer, "aud": "pages", "sub": "ann", "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims = {name: value for name, value in {**told, **self.claims}.items() if value is not None}
        made = jwt.encode({"alg": "RS256", "kid": "rsa-1"}, claims, KEY)
        return {"id_token": made, "token_type": "Bearer", "access_token": "ticket"}


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        provider = self.server
        assert isinstance(provider, Provider)
        told: dict[str, Any] = {
            "issuer": provider.issuer,
            "jwks_uri": f"{provider.issuer}/keys",
            "authorization_endpoint": f"{provider.issuer}/authorize",
            "token_endpoint": f"{provider.issuer}/token",
        }
        if provider.more:
            told |= {"userinfo_endpoint": f"{provider.issuer}/me", "end_session_endpoint": f"{provider.issuer}/out?r=1"}
        if self.path.endswith("/me"):
            good = self.headers.get("Authorization") == "Bearer ticket"
            self._say(provider.more if good else {}, 200 if good else 401)
            return
        self._say({"keys": [KEY.as_dict(private=False)]} if self.path.endswith("/keys") else told)

    def do_POST(self) -> None:
        provider = self.server
        assert isinstance(provider, Provider)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        found = provider.token(form, self.headers.get("Authorization", ""))
        self._say(found or {"error": "invalid_grant"}, 200 if found else 400)

    def _say(self, told: dict[str, Any], status: int = 200) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@dataclass
class Stage:
    """The provider, the home and its pages."""

    provider: Provider
    app: App
    asgi: Any
    _open: list[TestClient] = field(default_factory=list)

    def browser(self) -> TestClient:
        """A browser of its own."""
        return TestClient(self.asgi, US, headers={"accept": "text/html"}, follow_redirects=False)

    def signed_in(self, browser: TestClient, **claims: Any) -> Any:
        """The answer when somebody comes back from the provider."""
        self.provider.claims = {"roles": ["adviser"], "name": "Ann B.", **claims}
        to = browser.get("/sign-in/provider?next=/settings").headers["location"]
        code, state = self.provider.code_for(to)
        return browser.get("/sign-in/back", params={"code": code, "state": state})


@contextmanager
def running() -> Iterator[Provider]:
    with Provider() as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with running() as provider:
        home = tmp_path / "home"
        roles = {
            "adviser": {"role": "adviser", "runs": "moodle/*"},
            "tutor": {"role": "tutor", "group_claim": "groups"},
            "student": {"role": "learner", "source": "moodle", "id_claim": "uid"},
        }
        oidc = {"issuer": provider.issuer, "audience": "headway", "client_id": "pages", "page_roles": roles}
        server = {"oidc": {**oidc, "client_secret_file": "secrets/oidc"}, "public_url": US}
        with open_app(home, clock=FixedClock(NOW), server=server) as app:
            pseudonym_key(app.settings)
            (home / "secrets" / "oidc").write_text(SECRET + "\n", encoding="utf-8")
            asgi: Any = create_app(app)
            yield Stage(provider, app, asgi)
            asgi.site.close()
    issuer_of.cache_clear()


def test_somebody_is_let_in_with_the_roles_of_the_provider(stage: Stage) -> None:
    browser = stage.browser()
    assert 'href="/sign-in/provider?next=/settings"' in browser.get("/sign-in?next=/settings").text
    answer = stage.signed_in(browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/settings")
    cookie = next(line for line in answer.headers.get_list("set-cookie") if line.startswith("headway_session"))
    assert "HttpOnly" in cookie
    assert "Secure" in cookie
    assert "Ann B. · adviser" in browser.get("/settings").text
    (account,) = _accounts(stage)
    assert account.grants == (Grant("adviser", "moodle/*"),)
    assert account.name.startswith("oidc:")
    assert "ann" not in account.name


def test_whoever_has_a_copy_of_the_database_cannot_try_subjects(stage: Stage) -> None:
    """Subjects are often staff numbers or addresses: a hash without the home's secret is as good as the subject."""
    stage.signed_in(stage.browser())
    (account,) = _accounts(stage)
    tried = unkeyed_hash(stage.provider.issuer, "ann")
    assert _subjects(stage) == [subject_hash(pseudonym_key(stage.app.settings), stage.provider.issuer, "ann")]
    assert tried not in _subjects(stage)
    assert tried[:20] not in account.name


def test_an_account_from_before_hashes_were_keyed_is_found_again_and_kept_anew(stage: Stage) -> None:
    tried = unkeyed_hash(stage.provider.issuer, "ann")
    with stage.app.store.begin() as connection:
        old = accounts.create(connection, NOW, "test", f"oidc:{tried[:20]}", [Grant("tutor", "*", "G1")], subject=tried)
    assert stage.signed_in(stage.browser()).status_code == 303
    (account,) = _accounts(stage)
    assert (account.id, account.grants) == (old.id, (Grant("adviser", "moodle/*"),))
    assert tried not in _subjects(stage)
    assert tried[:20] not in account.name


def _subjects(stage: Stage) -> list[str | None]:
    with stage.app.store.read() as connection:
        return list(connection.execute(sa.select(ACCOUNTS.c.subject)).scalars())


def test_accounts_follow_the_provider(stage: Stage) -> None:
    first = stage.browser()
    stage.signed_in(first)
    stage.signed_in(stage.browser(), roles=["tutor"], groups=["G1", "G2"], name="Ann C.")
    (account,) = _accounts(stage)
    assert (account.shown_as, account.grants) == ("Ann C.", (Grant("tutor", "*", "G1"), Grant("tutor", "*", "G2")))
    assert first.get("/settings").text.count("Ann") == 0, "its sessions with the old roles are over"
    refused = stage.signed_in(stage.browser(), roles=["nobody"])
    assert refused.status_code == 403
    assert _accounts(stage)[0].grants == ()


def test_a_learner_comes_as_the_pseudonym_of_the_claim(stage: Stage) -> None:
    assert stage.signed_in(stage.browser(), roles=["student"], uid=4711).status_code == 303
    own = "moodle/" + pseudonym("4711", pseudonym_key(stage.app.settings))
    assert _accounts(stage)[0].grants == (Grant("learner", "*", learner=own),)
    assert stage.signed_in(stage.browser(), roles=["student"], uid="", sub="b").status_code == 403
    assert len(_accounts(stage)) == 1


@pytest.mark.parametrize(
    "wrong",
    [{"nonce": "another"}, {"nonce": None}, {"aud": "another"}, {"iss": "https://id.example.org"}, {"azp": "another"}],
    ids=str,
)
def test_a_token_for_something_else_lets_nobody_in(stage: Stage, wrong: dict[str, Any]) -> None:
    browser = stage.browser()
    assert stage.signed_in(browser, **wrong).status_code == 401
    assert _accounts(stage) == []
    assert browser.get("/settings").text.count("Ann") == 0


def test_an_answer_is_good_only_in_the_browser_that_asked(stage: Stage) -> None:
    asking, other = stage.browser(), stage.browser()
    stage.provider.claims = {"roles": ["adviser"]}
    code, state = stage.provider.code_for(asking.get("/sign-in/provider").headers["location"])
    assert other.get("/sign-in/back", params={"code": code, "state": state}).status_code == 401
    assert asking.get("/sign-in/back", params={"code": code, "state": "x" + state}).status_code == 401
    assert asking.get("/sign-in/back", params={"code": code, "state": state}).status_code == 401, "it is asked once"
    assert stage.provider.refused == [], "no code was sent on"


def test_a_cookie_that_we_did_not_sign_is_nothing(stage: Stage) -> None:
    browser = stage.browser()
    code, state = stage.provider.code_for(browser.get("/sign-in/provider").headers["location"])
    told = browser.cookies["headway_sign_in"]
    browser.cookies.clear()
    browser.cookies.set("headway_sign_in", "A" + told[1:], domain="headway.test", path="/sign-in")
    assert browser.get("/sign-in/back", params={"code": code, "state": state}).status_code == 401


def test_a_code_is_good_once_and_a_refusal_is_told(stage: Stage) -> None:
    browser = stage.browser()
    to = browser.get("/sign-in/provider").headers["location"]
    _, state = stage.provider.code_for(to)
    denied = browser.get("/sign-in/back", params={"error": "access_denied", "state": state})
    assert denied.status_code == 401
    assert "did not let you in" in denied.text
    _, state = stage.provider.code_for(browser.get("/sign-in/provider").headers["location"])
    assert browser.get("/sign-in/back", params={"code": "guessed", "state": state}).status_code == 401


def test_what_the_token_does_not_say_is_asked_of_the_provider(stage: Stage) -> None:
    stage.provider.more = {"sub": "ann", "name": "Ann of more", "roles": ["adviser", "tutor"], "groups": ["G9"]}
    assert stage.signed_in(stage.browser(), name=None, roles=None).status_code == 303
    (account,) = _accounts(stage)
    assert (account.shown_as, account.grants[0]) == ("Ann of more", Grant("adviser", "moodle/*"))
    stage.signed_in(stage.browser(), name=None)
    (account,) = _accounts(stage)
    assert account.grants == (Grant("adviser", "moodle/*"),), "what the token says goes before"
    stage.provider.more |= {"sub": "somebody else"}
    assert stage.signed_in(stage.browser(), roles=None).status_code == 403, "the answer is about another person"
    stage.provider.more = {}
    assert stage.signed_in(stage.browser(), name=None).status_code == 303


def test_who_signs_out_is_shown_the_way_out_of_the_provider_too(stage: Stage) -> None:
    stage.provider.more = {"sub": "ann"}
    browser = stage.browser()
    stage.signed_in(browser)
    token = re.search(r'name="csrf" value="([^"]+)"', browser.get("/settings").text)
    assert token
    to = browser.post("/sign-out", data={"csrf": token[1]}).headers["location"]
    assert "Ann" not in browser.get("/settings").text, "the session is over"
    told = unescape(browser.get(to).text)
    back = "client_id=pages&post_logout_redirect_uri=https%3A%2F%2Fheadway.test%2Fsign-in"
    assert f'href="{stage.provider.issuer}/out?r=1&{back}"' in told
    assert "Sign out there too" not in browser.get("/sign-in").text
    stage.provider.more = {}
    assert "Sign out there too" not in browser.get(to).text, "this provider has no such address"


def test_no_way_leads_to_another_host(stage: Stage) -> None:
    browser = stage.browser()
    stage.provider.claims = {"roles": ["adviser"]}
    to = browser.get("/sign-in/provider", params={"next": "//evil.test/"}).headers["location"]
    assert to.startswith(stage.provider.issuer)
    code, state = stage.provider.code_for(to)
    assert browser.get("/sign-in/back", params={"code": code, "state": state}).headers["location"] == "/"


def test_settings_must_be_whole() -> None:
    with pytest.raises(ValidationError, match="needs group or group_claim"):
        PageRole(role="tutor")
    with pytest.raises(ValidationError, match="needs source and id_claim"):
        PageRole(role="learner")
    with pytest.raises(ValidationError, match="has a path"):
        ServerSettings(public_url="https://example.org/headway")
    assert ServerSettings(public_url="https://example.org/").public_url == "https://example.org"


def _accounts(stage: Stage) -> list[accounts.Account]:
    with stage.app.store.read() as connection:
        return accounts.every(connection)
