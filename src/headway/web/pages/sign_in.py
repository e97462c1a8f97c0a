"""Signing in and out, and changing the role."""

from starlette.responses import Response

from headway.domain.errors import Busy, NotAuthenticated
from headway.governance import accounts
from headway.governance.scopes import role_of
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
    return visit.render("sign_in.html", next=_inside(visit.query.get("next", "")), name="", wrong="")


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
        return visit.render("sign_in.html", refused.http_status, next=onward, name=name, wrong=str(refused))
    return keep_session(visit, visit.redirect(onward or "/"), token)


@act("/sign-out", EVERYBODY, about="signs the visitor out")
def sign_out(visit: Visit) -> Response:
    """Ends the session."""
    with visit.site.app.store.begin() as connection:
        accounts.end(connection, visit.token)
    return leave_session(visit.redirect("/sign-in", visit.words.gettext("You are signed out.")))


@act("/role", EVERYBODY, about="goes on with another of the visitor's roles")
def change_role(visit: Visit) -> Response:
    """Goes on with another of the visitor's roles, in a session with a new token."""
    with visit.site.app.store.begin() as connection:
        token = accounts.switch(connection, visit.now, visit.token, role_of(visit.field("role")))
    return keep_session(visit, visit.redirect("/"), token)


def _inside(onward: str) -> str:
    """An address of ours to go on to; empty for any other, so that no link to us leads elsewhere."""
    plain = onward.startswith("/") and not onward.startswith(("//", "/\\")) and onward.isprintable()
    return onward if plain else ""
