"""Writes docs/reference/pages.md from the registered pages: `python -m scripts.pages_page`."""

from pathlib import Path
from typing import Final

from headway.governance.scopes import ROLES
from headway.web.page import PAGES, Page

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "reference" / "pages.md"

_TOP: Final = """\
# Pages

What each page answers and who may open it. Every page takes `?run=`, with the slashes of a run's id as tildes; whoever
may open a page sees there only the runs and the learners that they were granted. How to give access:
[open the pages](../how-to/open-the-pages.md).

Made by `python -m scripts.pages_page` from the pages in `src/headway/web/pages`; a test compares the two.

| page | answers | for |
|---|---|---|
"""

_ACTS: Final = """
## What forms ask for

Each is a POST with the token of the form it stands in.

| address | what it does | for |
|---|---|---|
"""


def page() -> str:
    """The text of docs/reference/pages.md."""
    shown = [each for each in PAGES if each.method == "GET"]
    acts = [each for each in PAGES if each.method == "POST"]
    return _TOP + "".join(map(_row, shown)) + _ACTS + "".join(map(_row, acts))


def _row(each: Page) -> str:
    who = [role.replace("_", " ") for role in ROLES if role in each.roles]
    told = "everybody" if not who else "everybody signed in" if len(who) == len(ROLES) else ", ".join(who)
    return f"| `{each.path}` | {each.about} | {told} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
