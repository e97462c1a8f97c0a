"""Tabs of a real browser at a real server over the small home, signed in as any account."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn

from headway.governance import accounts
from headway.web.cookie import COOKIE
from tests.support.pages import Pages, opened_pages

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
]
WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 320, "height": 800}
_WATCH = """
window.__violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.__violations.push(event.violatedDirective + " " + event.blockedURI));
"""


@dataclass
class Tab:
    """A page of a browser, with all that it complained about.

    Attributes:
        page: Playwright's page.
        errors: what stood in the console, or was thrown.
        asked: the addresses of all requests.
    """

    page: "Page"
    site: "Site"
    errors: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def go(self, path: str) -> "Page":
        """Opens a path of the site and waits until it is there."""
        self.page.goto(self.site.url + path, wait_until="load")
        return self.page

    def foreign(self) -> list[str]:
        """Requests to anywhere else."""
        return [each for each in self.asked if not each.startswith((self.site.url, "data:", "about:"))]


@dataclass
class Site:
    """The pages, served on loopback.

    Attributes:
        pages: what is served.
        url: where.
        chromium: the browser.
    """

    pages: Pages
    url: str
    chromium: "Browser"

    @contextmanager
    def tab(self, name: str, **options: Any) -> Iterator[Tab]:
        """A new browser in which an account is signed in; signed out where the name is empty."""
        context = self.context(name, **options)
        made = Tab(context.new_page(), self)
        made.page.on("console", lambda told: made.errors.append(told.text) if told.type == "error" else None)
        made.page.on("pageerror", lambda error: made.errors.append(str(error)))
        made.page.on("request", lambda request: made.asked.append(request.url))
        try:
            yield made
        finally:
            context.close()

    def context(self, name: str, **options: Any) -> "BrowserContext":
        """A fresh profile with the session's cookie."""
        told: dict[str, Any] = {"viewport": WIDE, "locale": "en-GB", "reduced_motion": "reduce"} | options
        context = self.chromium.new_context(**told)
        context.set_default_timeout(15_000)
        context.add_init_script(_WATCH)
        if name:
            app = self.pages.app
            with app.store.begin() as connection:
                token = accounts.start(connection, app.clock.now(), accounts.named(connection, name))
            context.add_cookies([{"name": COOKIE, "value": token, "url": self.url}])
        return context


@contextmanager
def serving(home: Path, chromium: "Browser", **settings: Any) -> Iterator[Site]:
    """The pages of a home on a free port, from a thread of this process."""
    with opened_pages(home, **settings) as pages:
        listening = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(pages.asgi, lifespan="off", log_config=None, access_log=False, ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield Site(pages, f"http://127.0.0.1:{listening.getsockname()[1]}", chromium)
        finally:
            server.should_exit = True
            thread.join(10)
            listening.close()
