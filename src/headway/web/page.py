"""What a page is: a path, who may open it, and a function from a visit to an answer.

A page is one module in `headway.web.pages`; whoever is not granted one of its roles is turned away before its function
is called. A page that is about a learner asks `Visit.learner`, which checks the scope and writes the audit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from headway.domain.errors import InputError
from headway.domain.extensions import Extensions
from headway.governance.scopes import ROLES, STAFF, Role

if TYPE_CHECKING:
    from starlette.responses import Response

Method = Literal["GET", "POST"]
Handler = Callable[[Any], "Response"]
"""From a `headway.web.visit.Visit` to an answer; naming it here would close a circle."""


EVERYBODY: Final = frozenset(ROLES)
"""Everybody who is signed in."""

EVERY_STAFF: Final = frozenset(STAFF)
NOBODY_NEEDED: Final[frozenset[Role]] = frozenset()
"""Open without signing in."""

PAGES: "Final[Extensions[Page]]" = Extensions("pages", "headway.web.pages")


@dataclass(frozen=True, slots=True)
class Nav:
    """A page's place in the navigation: its name there, and its rank from the left."""

    name: str
    rank: int


@dataclass(frozen=True, slots=True)
class Page:
    """A page, or an act that a form asks for.

    Attributes:
        path: its path, with `{learner}`, `{run}` or other parts that vary.
        roles: who may open it; empty where nobody need sign in.
        handler: what answers.
        method: GET shows, POST changes something.
        nav: its place in the navigation; None where it has none.
        about: what it answers, for the documentation: a question for a page, what is done for an act.
    """

    path: str
    roles: frozenset[Role]
    handler: Handler
    method: Method = "GET"
    nav: Nav | None = None
    about: str = ""

    @property
    def name(self) -> str:
        """How the registry calls it."""
        return f"{self.method} {self.path}"


def page(
    path: str, roles: frozenset[Role] | set[Role], *, nav: Nav | None = None, about: str
) -> Callable[[Handler], Handler]:
    """Registers a function as the page at `path` for some roles; `about` is the question that it answers."""
    return _register(path, roles, "GET", nav, about)


def act(path: str, roles: frozenset[Role] | set[Role], *, about: str) -> Callable[[Handler], Handler]:
    """Registers a function as what a form at `path` asks for; its cross-site token was checked before it is called."""
    return _register(path, roles, "POST", None, about)


def _register(
    path: str, roles: frozenset[Role] | set[Role], method: Method, nav: Nav | None, about: str
) -> Callable[[Handler], Handler]:
    if not path.startswith("/") or not about:
        raise InputError(f"A page needs a path that begins with / and says what it is about: {path!r}.")

    def add(handler: Handler) -> Handler:
        made = Page(path, frozenset(roles), handler, method, nav, about)
        PAGES.add(made.name, made)
        return handler

    return add
