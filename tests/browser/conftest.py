"""Chromium, and the pages of the small home in it.

Nothing here runs where there is no Chromium: `CHROMIUM` names one that is not on the path.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from headway.flow.app import open_app
from tests.presence import absent
from tests.support.once import once
from tests.support.pages import make_home, register_model
from tests.support.tabs import ARGUMENTS, Site, Tab, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def chromium() -> "Iterator[Browser]":
    """The browser, started for each file: Playwright's loop is in the way of later tests that run one of their own."""
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        absent("no Chromium: install the package chromium, or name it by CHROMIUM")
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        absent("no Playwright: pip install headway[dev]")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def browser_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small home with a registered model, made once for all processes of a run."""

    def make(place: Path) -> None:
        shutil.copytree(once(tmp_path_factory, "pages_home", make_home), place)
        with open_app(place) as app:
            register_model(app)

    return once(tmp_path_factory, "browser_home", make)


@pytest.fixture(scope="module")
def site(browser_home: Path, chromium: "Browser", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The pages, shared: look, and change nothing that another test could see."""
    copy = tmp_path_factory.mktemp("read") / "home"
    shutil.copytree(browser_home, copy)
    with serving(copy, chromium) as found:
        yield found


@pytest.fixture
def own_site(browser_home: Path, chromium: "Browser", tmp_path: Path) -> Iterator[Site]:
    """The pages of one test, which may change them."""
    copy = tmp_path / "home"
    shutil.copytree(browser_home, copy)
    with serving(copy, chromium) as found:
        yield found


@pytest.fixture
def tab(site: Site) -> Iterator[Callable[..., Tab]]:
    """Opens tabs by account; they are closed with the test."""
    open_tabs: list[Any] = []

    def opened(name: str, **options: Any) -> Tab:
        made = site.tab(name, **options)
        open_tabs.append(made)
        found: Tab = made.__enter__()
        return found

    yield opened
    for made in open_tabs:
        made.__exit__(None, None, None)
