"""Signing in to the pages through an identity provider: OpenID Connect's authorization code flow with PKCE.

The browser that asked is the one that is let in: state, nonce and the verifier travel in a cookie of ten minutes that
only this home can have signed. Accounts are made at the first sign-in and follow the provider's roles from then on.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from headway.domain.errors import ConfigError, NotAuthenticated, NotPermitted, Unavailable, UnknownName
from headway.flow.accounts import issuer_of
from headway.flow.app import App
from headway.governance import accounts
from headway.governance.accounts import Account
from headway.governance.oidc import person_info, redeem, roles_in, subject_hash, unkeyed_hash
from headway.governance.pseudonyms import pseudonym
from headway.governance.scopes import Grant
from headway.live_settings import OidcSettings, PageRole
from headway.settings import Settings, pseudonym_key
from headway.web.visit import Visit

COOKIE: Final = "headway_sign_in"
PATH: Final = "/sign-in"
BACK: Final = "/sign-in/back"
GOOD_FOR: Final = timedelta(minutes=10)
SCOPE: Final = "openid profile"
_AGAIN: Final = "Signing in took too long, or was begun in another browser. Sign in again."


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of the provider, for when its answer comes.

    Attributes:
        state: what the answer must repeat.
        nonce: what the token must repeat.
        verifier: proves that who redeems the code is who asked (RFC 7636).
        onward: where to go then.
        until: when it is too late, in seconds since 1970.
    """

    state: str
    nonce: str
    verifier: str
    onward: str
    until: float


def is_offered(settings: Settings) -> bool:
    """Whether people may sign in to the pages this way."""
    people = settings.server.oidc
    return people is not None and bool(people.page_roles)


def begin(visit: Visit, onward: str) -> tuple[str, str]:
    """The provider's address to send the browser to, and the cookie that it keeps meanwhile.

    Raises:
        UnknownName: nobody may sign in this way.
        ConfigError: the client or our own address is not set.
        Unavailable: the provider is away.
    """
    settings = visit.site.app.settings
    people = _people(settings)
    until = (visit.now + GOOD_FOR).timestamp()
    asked = Asked(_random(), _random(), secrets.token_urlsafe(48), onward, until)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(asked.verifier.encode()).digest()).decode().rstrip("=")
    told = {
        "response_type": "code",
        "client_id": people.client_id,
        "redirect_uri": settings.server.public_url + BACK,
        "scope": SCOPE,
        "state": asked.state,
        "nonce": asked.nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    to = issuer_of(people.issuer).endpoints().authorization
    return f"{to}{'&' if '?' in to else '?'}{urlencode(told)}", _sealed(asked, _key(visit.site.app))


def finish(visit: Visit) -> tuple[str, str]:
    """The token of the new session, and where to go on to.

    Raises:
        NotAuthenticated: the answer is not to what this browser asked, or the provider refused.
        NotPermitted: none of the roles opens the pages.
        Unavailable: the provider is away.
    """
    app, query = visit.site.app, visit.query
    people = _people(app.settings)
    asked = _opened(visit.cookies.get(COOKIE, ""), _key(app))
    if asked is None or asked.until < visit.now.timestamp():
        raise NotAuthenticated(_AGAIN)
    if not hmac.compare_digest(asked.state.encode(), query.get("state", "").encode()):
        raise NotAuthenticated(_AGAIN)
    if query.get("iss", people.issuer) != people.issuer:  # RFC 9207: another provider's answer
        raise NotAuthenticated(_AGAIN)
    if query.get("error") or not query.get("code"):
        raise NotAuthenticated(
            "The identity provider did not let you in. Sign in again, or ask whoever looks after it."
        )
    claims = _redeemed(app, people, asked, query["code"], visit)
    with app.store.begin() as connection:
        account = _account(connection, app, visit, people, claims)
        token = None if account is None else accounts.start(connection, visit.now, account)
    if token is None:
        raise NotPermitted("None of your roles opens the pages. Ask whoever looks after headway here for one.")
    return token, asked.onward


def grants_for(people: OidcSettings, claims: Mapping[str, Any], key: bytes) -> list[Grant]:
    """What somebody may see, by the roles that their token names; nothing where none is mapped.

    Args:
        people: the settings.
        claims: what the token says.
        key: the workspace's key for pseudonyms.
    """
    named = dict.fromkeys(roles_in(claims, people.roles_claim))
    found = [grant for role in named for grant in _mapped(people.page_roles.get(role), claims, key)]
    return list(dict.fromkeys(found))


def _mapped(role: PageRole | None, claims: Mapping[str, Any], key: bytes) -> list[Grant]:
    if role is None:
        return []
    if role.role == "learner":
        native = claims.get(role.id_claim)
        if not isinstance(native, str | int) or isinstance(native, bool) or native == "":
            return []
        return [Grant("learner", role.runs, learner=f"{role.source}/{pseudonym(str(native), key)}")]
    if role.group_claim:
        return [Grant(role.role, role.runs, group) for group in roles_in(claims, role.group_claim)]
    return [Grant(role.role, role.runs, role.group or None)]


def _account(
    connection: Any, app: App, visit: Visit, people: OidcSettings, claims: Mapping[str, Any]
) -> Account | None:
    """The account of whom the token names, made or brought up to date; None where no role opens the pages."""
    key, actor = pseudonym_key(app.settings), "identity provider"
    subject, grants = subject_hash(key, people.issuer, claims["sub"]), grants_for(people, claims, key)
    shown_as = str(claims.get("name") or claims.get("preferred_username") or f"Person {subject[:6]}").strip()[:100]
    name = f"oidc:{subject[:20]}"
    accounts.rebind(connection, unkeyed_hash(people.issuer, claims["sub"]), name, subject)
    known = accounts.of_subject(connection, subject)
    if known is None:
        if not grants:
            return None
        return accounts.create(connection, visit.now, actor, name, grants, shown_as=shown_as, subject=subject)
    if set(known.grants) != set(grants):
        accounts.set_grants(connection, visit.now, actor, known.id, grants)
    if known.shown_as != shown_as:
        accounts.rename(connection, known.id, shown_as)
    return accounts.get(connection, known.id) if grants else None


def _redeemed(app: App, people: OidcSettings, asked: Asked, code: str, visit: Visit) -> dict[str, Any]:
    """What the identity token says that the code is good for."""
    issuer = issuer_of(people.issuer)
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": app.settings.server.public_url + BACK,
        "code_verifier": asked.verifier,
    }
    answer = redeem(issuer.endpoints().token, fields, people.client_id, _secret(app.settings))
    claims = issuer.claims(str(answer.get("id_token")), visit.now, people.client_id, nonce=asked.nonce)
    if claims.get("azp", people.client_id) != people.client_id:
        raise NotAuthenticated(_AGAIN)
    named = claims.get("name") or claims.get("preferred_username")
    more, ticket = issuer.endpoints().userinfo, answer.get("access_token")
    if more and isinstance(ticket, str) and not (named and roles_in(claims, people.roles_claim)):
        with suppress(Unavailable):  # who they are is known already, and what they may see goes by what is known
            return person_info(more, ticket, claims["sub"]) | claims
    return claims


def way_out(visit: Visit) -> str:
    """The provider's address at which people sign out there too; empty where it has none, or is away."""
    try:
        people = _people(visit.site.app.settings)
        to = issuer_of(people.issuer).endpoints().end_session
    except (ConfigError, UnknownName, Unavailable):
        return ""
    back = visit.site.app.settings.server.public_url + PATH
    told = urlencode({"client_id": people.client_id, "post_logout_redirect_uri": back})
    return f"{to}{'&' if '?' in to else '?'}{told}" if to else ""


def _people(settings: Settings) -> OidcSettings:
    people = settings.server.oidc
    if people is None or not people.page_roles:
        raise UnknownName("Nobody signs in to these pages through an identity provider.")
    if not people.client_id or not settings.server.public_url:
        raise ConfigError("Signing in through a provider needs server.oidc.client_id and server.public_url.")
    return people


def _secret(settings: Settings) -> str:
    people = settings.server.oidc
    if people is None or not people.client_secret_file:
        return ""
    file = settings.home / people.client_secret_file
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as wrong:
        raise ConfigError(f"The client's secret {file} cannot be read. See server.oidc.client_secret_file.") from wrong


def _random() -> str:
    return secrets.token_urlsafe(32)


def _key(app: App) -> bytes:
    return hmac.new(pseudonym_key(app.settings), b"headway sign-in", hashlib.sha256).digest()


def _sealed(asked: Asked, key: bytes) -> str:
    plain = base64.urlsafe_b64encode(json.dumps(asdict(asked)).encode()).decode()
    return f"{plain}.{hmac.new(key, plain.encode(), hashlib.sha256).hexdigest()}"


def _opened(cookie: str, key: bytes) -> Asked | None:
    plain, _, mark = cookie.rpartition(".")
    good = hmac.new(key, plain.encode(), hashlib.sha256).hexdigest()
    if not plain or not hmac.compare_digest(good.encode(), mark.encode()):
        return None
    try:
        return Asked(**json.loads(base64.urlsafe_b64decode(plain)))
    except (binascii.Error, ValueError, TypeError):
        return None
