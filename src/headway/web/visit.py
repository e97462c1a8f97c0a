"""One visit: who comes, as what, to see which run; and the only way in which a page reaches a learner or answers."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Final, TypeVar, TypeVarTuple

from starlette.datastructures import FormData, QueryParams
from starlette.responses import HTMLResponse, RedirectResponse, Response

from headway import __version__
from headway.advising.wording import DOES_NOT_KNOW
from headway.domain.errors import NotAuthenticated, NotPermitted, UnknownName
from headway.domain.time import AsOf
from headway.flow.app import App
from headway.flow.records import hashed
from headway.governance.accounts import Account, Session
from headway.governance.scopes import Scope
from headway.governance.vault import Person
from headway.scoring import pages as scored
from headway.web.address import address, named, slug
from headway.web.board import Board
from headway.web.forms import token_for
from headway.web.page import PAGES
from headway.web.people import check_in_run, group_of
from headway.web.rendering import part, render
from headway.web.site import Run, Site
from headway.web.words import Words

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

PAGE_WAIT_S: Final = 0.05
THEMES: Final = ("auto", "light", "dark")


@dataclass(frozen=True, slots=True)
class Seen:
    """A learner whom the visitor may see.

    Attributes:
        learner: the pseudonym.
        run: in which run.
        group: the tutor group; empty where there is none.
        person: who it is, where names are shown and known.
    """

    learner: str
    run: Run
    group: str
    person: Person | None

    @property
    def name(self) -> str:
        """How pages call the learner: the name, or the beginning of the pseudonym."""
        return self.person.name if self.person is not None else short(self.learner)

    @property
    def number(self) -> str:
        """The institution's number, else the pseudonym."""
        return (self.person.number if self.person is not None else "") or self.learner


def short(learner: str) -> str:
    """How somebody without a name is called.

    >>> short("simulated/00464e19cc")
    'Learner 00464e19'
    """
    return f"Learner {learner.rpartition('/')[2][:8]}"


@dataclass
class Visit:
    """One request to a page.

    Attributes:
        site: what all visits share.
        path: the page's path, its parts filled in.
        params: the parts of the path that vary.
        query: the query.
        form: what a form sent; empty for a GET.
        session: who is signed in; None for pages that need nobody.
        token: the session's token; empty where there is none.
        htmx: whether htmx asks and only a part of the page is wanted.
        cookies: what the browser keeps: theme, density, language.
        request_id: by which the log knows the request.
        now: the instant.
        secure: whether the connection is encrypted.
        target: which element htmx will put the answer into: `div#rows`.
        came_from: the address that the browser showed when htmx asked.
        headers: what the answer says besides.
    """

    site: Site
    path: str
    params: Mapping[str, str]
    query: QueryParams
    form: FormData
    session: Session | None
    token: str
    htmx: bool
    cookies: Mapping[str, str]
    request_id: str
    now: datetime
    secure: bool = False
    target: str = ""
    came_from: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def account(self) -> Account:
        """Who is signed in.

        Raises:
            NotAuthenticated: nobody.
        """
        if self.session is None:
            raise NotAuthenticated("Sign in first.")
        return self.session.account

    @cached_property
    def scope(self) -> Scope:
        """What may be seen."""
        if self.session is None:
            raise NotAuthenticated("Sign in first.")
        return Scope.of(self.session.role, self.session.account.grants)

    @property
    def as_of(self) -> AsOf:
        """Now, as an as-of time: nothing later is read from the lake for a page."""
        return AsOf(self.now)

    @property
    def role(self) -> str:
        """The role that is being used; empty where nobody is signed in."""
        return "" if self.session is None else self.session.role

    @cached_property
    def app(self) -> App:
        """The home, with the visitor as who acts."""
        return replace(self.site.app, actor=f"account {self.account.id}")

    @cached_property
    def words(self) -> Words:
        """The visitor's language and zone: as chosen, else the course's zone."""
        from headway.web.words import LANGUAGES, PSEUDO, PSEUDO_RTL, SOURCE

        chosen = dict(self.session.account.settings) if self.session else {}
        language = self.cookies.get("language") or chosen.get("language") or SOURCE
        if language not in (*LANGUAGES, PSEUDO, PSEUDO_RTL):
            language = SOURCE
        zone = chosen.get("zone") or (self._zone_of_run() if self.session else "UTC")
        return Words(language, str(zone))

    def _zone_of_run(self) -> str:
        try:
            return self.run.zone
        except (UnknownName, NotPermitted):
            return "UTC"

    @cached_property
    def theme(self) -> str:
        """`auto`, `light` or `dark`."""
        theme = self.cookies.get("theme", "auto")
        return theme if theme in THEMES else "auto"

    @cached_property
    def compact(self) -> bool:
        """Whether the rows of tables are low, so that more of them are seen at once."""
        return self.cookies.get("density") == "compact"

    @cached_property
    def runs(self) -> list[Run]:
        """The runs that may be seen, those scored last first."""
        known = self.site.runs()
        mine = [known[run] for run in self.scope.runs(known)]
        return sorted(mine, key=lambda run: (max((str(at) for at in run.scored), default=""), run.id), reverse=True)

    @cached_property
    def run(self) -> Run:
        """The run that the page is about: the address says which, else the one scored last.

        Raises:
            UnknownName: there is none, or none of this name.
            NotPermitted: it may not be seen.
        """
        asked = self.params.get("run") or self.query.get("run") or self.form.get("run")
        if isinstance(asked, str) and asked:
            found = self.site.run(named(asked))
            self.scope.needs_run(found.id)
            return found
        if not self.runs:
            raise UnknownName("There is no course run that you work with yet.")
        return self.runs[0]

    @cached_property
    def board(self) -> Board | None:
        """The newest score run of the run as a board; None where it was never scored."""
        return self.site.newest_board(self.run.id)

    def capacity(self) -> int:
        """How many contacts the visitor can make a week: as chosen, else as the home is set."""
        chosen = self.account.settings.get("capacity")
        return int(chosen) if isinstance(chosen, int) else self.site.app.settings.advising.capacity

    def group_of(self, learner: str) -> str:
        """The tutor group of a learner in the run; empty where there is none."""
        board = self.board
        if board is not None and learner in board.place:
            return str(board.group[board.place[learner]])
        with self.site.app.store.read() as connection:
            return group_of(connection, self.run.id, learner)

    def learner(self, what: str = "learner") -> Seen:
        """The learner that the address names, whom the visitor may see; that it was looked at is audited.

        Args:
            what: what is looked at, for the audit.

        Raises:
            UnknownName: nobody of this id is in the run.
            NotPermitted: the visitor may not see them, which is audited too.
        """
        learner = named(self.params["learner"])
        group = self.group_of(learner)
        if not self.scope.sees(self.run.id, learner, group):
            self.audit("refuse", hashed(learner), {"what": what})
            self.scope.needs(self.run.id, learner, group)
        self.check_known(learner)
        self.audit("view", hashed(learner), {"what": what, "run": self.run.id, "role": self.role})
        return self.shown([learner])[0]

    def check_known(self, learner: str) -> None:
        """Passes where the learner is known in the run.

        Raises:
            Erased: they were, and were erased.
            UnknownName: they were never there.
        """
        if self.board is None or learner not in self.board.place:
            check_in_run(self.site.app, self.run.id, learner)

    def shown(self, learners: list[str]) -> list[Seen]:
        """Learners of the run as pages call them. Whoever calls this has looked at the scope."""
        people = self.site.people() if self.scope.named else {}
        return [Seen(each, self.run, self.group_of(each), people.get(each)) for each in learners]

    def score_runs_of(self, learner: str) -> list[tuple[str, Any]]:
        """The runs in which a learner was predicted, with the latest as-of time of each."""
        with self.site.app.store.read() as connection:
            return scored.of_learner(connection, learner)

    def patience(self, wait_s: float) -> float:
        """For how long to wait for what takes long: a page of a server with helpers comes at once, and asks again."""
        return wait_s if self.form or not self.site.has_helpers else min(wait_s, PAGE_WAIT_S)

    def worked_out(self, key: Hashable, wait_s: float, function: Callable[[App, *Ts], T], *args: *Ts) -> T:
        """What `Site.worked_out` tells, as patiently as the visit may be.

        Raises:
            Pending: it is not there yet.
        """
        return self.site.worked_out(key, self.patience(wait_s), function, *args)

    def audit(self, action: str, subject: str, detail: Mapping[str, Any] | None = None) -> None:
        """Writes an act of the visitor into the audit."""
        self.site.entries.record(self.now, self.app.actor, action, subject, detail or {})

    def field(self, name: str) -> str:
        """A field of the form as text without spaces around it; empty where it was not sent."""
        value = self.form.get(name)
        return value.strip() if isinstance(value, str) else ""

    def fields(self, name: str) -> list[str]:
        """All values of a field of the form."""
        return [value for value in self.form.getlist(name) if isinstance(value, str)]

    @property
    def csrf(self) -> str:
        """What a form must send back, so that no other site can send it: another word for the same each time."""
        return token_for(self.token)

    def link(self, path: str, **query: object) -> str:
        """The address of a page about the same run."""
        return address(path, {"run": slug(self.run.id)} | query)

    def render(self, template: str, status: int = 200, **context: object) -> Response:
        """A page."""
        text = render(template, self.words, **self._common(), status=status, **context)
        return HTMLResponse(text, status, headers=self._headers())

    def part(self, template: str, block: str, status: int = 200, **context: object) -> Response:
        """One block of a page, for htmx."""
        text = part(template, block, self.words, **self._common(), status=status, **context)
        return HTMLResponse(text, status, headers=self._headers())

    def redirect(self, to: str, notice: str = "") -> Response:
        """Sends the browser on after a form was dealt with, with a notice to show there once."""
        answer = RedirectResponse(to, 303, headers=self._headers())
        if notice:
            from urllib.parse import quote

            answer.set_cookie(
                "notice", quote(notice), max_age=60, httponly=True, samesite="lax", secure=self.secure, path="/"
            )
        return answer

    @property
    def notice(self) -> str:
        """What the act before this page had to say."""
        from urllib.parse import unquote

        return unquote(self.cookies.get("notice", ""))

    def _headers(self) -> dict[str, str]:
        return {"Cache-Control": "no-store", "Vary": "HX-Request, HX-Request-Type, Cookie"} | self.headers

    def _common(self) -> dict[str, object]:
        return {
            "visit": self,
            "nav": self._nav(),
            "run": self._run_or_none(),
            "csrf": self.csrf,
            "theme": self.theme,
            "version": __version__,
            "does_not_know": DOES_NOT_KNOW,
        }

    def _run_or_none(self) -> Run | None:
        if self.session is None:
            return None
        try:
            return self.run
        except (UnknownName, NotPermitted):
            return None

    def _nav(self) -> list[tuple[str, str, bool]]:
        """Name, address and whether it is this one, of each page that the visitor may open."""
        if self.session is None:
            return []
        found = [(page.nav, page.path) for page in PAGES if page.nav is not None and self.role in page.roles]
        found.sort(key=lambda each: each[0].rank)
        run = self._run_or_none()
        query = {"run": slug(run.id)} if run is not None else {}
        return [(self.words.gettext(nav.name), address(path, query), self._is_here(path)) for nav, path in found]

    def _is_here(self, path: str) -> bool:
        first = path.split("/")[1]
        return self.path.split("/")[1] == first
