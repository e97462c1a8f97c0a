"""Signing in and out, and changing the role."""

from starlette.responses import Response

from headway.domain.errors import Busy, NotAuthenticated, NotPermitted, Unavailable, UnknownName
from headway.governance import accounts
from headway.governance.scopes import role_of
from headway.web import oidc_sign_in
from headway.web.address import address
from headway.web.cookie import keep_session, leave_session
from headway.web.page import EVERYBODY, NOBODY_NEEDED, act, page
from headway.web.visit import Visit

HOME = {
    "adviser": "/caseload",
    "tutor": "/caseload",
    "instructor": "/courses",
    "data_scientist": "/models",
    "governance": "/governance",
    "learner": "/me",
}


@page("/", EVERYBODY, about="Where does my work begin?")
def home(visit: Visit) -> Response:
    """Sends the visitor to the page that their role begins with."""
    return visit.redirect(HOME[visit.role])


@page("/sign-in", NOBODY_NEEDED, about="Who are you?")
def sign_in(visit: Visit) -> Response:
    """The form to sign in with."""
    return _form(visit, onward=_inside(visit.query.get("next", "")))


@act("/sign-in", NOBODY_NEEDED, about="signs somebody in")
def signed_in(visit: Visit) -> Response:
    """Begins a session where name and password are right."""
    name, onward = visit.field("name"), _inside(visit.field("next"))
    password = visit.form.get("password")
    try:
        with visit.site.app.store.begin() as connection:
            account = accounts.check_password(connection, visit.now, name, str(password or ""))
            if account is not None:
                token = accounts.start(connection, visit.now, account)
        if account is None:
            raise accounts.refused()
    except (NotAuthenticated, Busy) as refused:
        return _form(visit, refused.http_status, onward, name, str(refused))
    return keep_session(visit, visit.redirect(onward or "/"), token)


@page("/sign-in/provider", NOBODY_NEEDED, about="signs somebody in through the institution's identity provider")
def to_provider(visit: Visit) -> Response:
    """Sends the browser to the provider. A link and not a form: no form of ours may lead to another host."""
    to, asked = oidc_sign_in.begin(visit, _inside(visit.query.get("next", "")))
    answer = visit.redirect(to)
    age = int(oidc_sign_in.GOOD_FOR.total_seconds())
    answer.set_cookie(
        oidc_sign_in.COOKIE,
        asked,
        max_age=age,
        httponly=True,
        samesite="lax",
        secure=visit.secure,
        path=oidc_sign_in.PATH,
    )
    return answer


@page("/sign-in/back", NOBODY_NEEDED, about="What did the identity provider answer?")
def from_provider(visit: Visit) -> Response:
    """Begins a session where the provider vouches for who comes."""
    try:
        token, onward = oidc_sign_in.finish(visit)
    except (NotAuthenticated, NotPermitted, Unavailable) as refused:
        answer = _form(visit, refused.http_status, wrong=str(refused))
    else:
        answer = keep_session(visit, visit.redirect(onward or "/"), token)
    answer.delete_cookie(oidc_sign_in.COOKIE, path=oidc_sign_in.PATH)
    return answer


@page("/demo/{token}", NOBODY_NEEDED, about="opens the demo by a link that is good once")
def demo_link(visit: Visit) -> Response:
    """Begins a session with the token of the link, which is worth nothing afterwards; in the demo alone.

    Raises:
        UnknownName: this is no demo, or the link was used.
    """
    with visit.site.app.store.begin() as connection:
        found = accounts.session(connection, visit.now, visit.params["token"]) if visit.site.demo else None
        if found is None:
            raise UnknownName("This link is good no longer. Run headway demo again for a new one.")
        token = accounts.switch(connection, visit.now, visit.params["token"], found[0].role)
    onward = {name: visit.query.get(name, "") for name in ("run", "learner")}
    return keep_session(visit, visit.redirect(address("/caseload", onward)), token)


@act("/sign-out", EVERYBODY, about="signs the visitor out")
def sign_out(visit: Visit) -> Response:
    """Ends the session."""
    with visit.site.app.store.begin() as connection:
        accounts.end(connection, visit.token)
    came = {"left": "provider"} if visit.account.name.startswith("oidc:") else {}
    return leave_session(visit.redirect(address("/sign-in", came), visit.words.gettext("You are signed out.")))


@act("/role", EVERYBODY, about="goes on with another of the visitor's roles")
def change_role(visit: Visit) -> Response:
    """Goes on with another of the visitor's roles, in a session with a new token."""
    with visit.site.app.store.begin() as connection:
        token = accounts.switch(connection, visit.now, visit.token, role_of(visit.field("role")))
    return keep_session(visit, visit.redirect("/"), token)


def _form(visit: Visit, status: int = 200, onward: str = "", name: str = "", wrong: str = "") -> Response:
    offered = oidc_sign_in.is_offered(visit.site.app.settings)
    out = oidc_sign_in.way_out(visit) if offered and visit.query.get("left") == "provider" else ""
    return visit.render("sign_in.html", status, next=onward, name=name, wrong=wrong, offered=offered, out=out)


def _inside(onward: str) -> str:
    """An address of ours to go on to; empty for any other, so that no link to us leads elsewhere."""
    plain = onward.startswith("/") and not onward.startswith(("//", "/\\")) and onward.isprintable()
    return onward if plain else ""
