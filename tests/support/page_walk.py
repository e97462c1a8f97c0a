"""The registered pages as addresses in the small home, so that whoever walks them finds new ones too."""

import re
from collections.abc import Iterator
from typing import Final

from headway.web.address import slug
from headway.web.page import PAGES, Page
from tests.support.pages import MODEL, RUN, Pages

WHO: Final = {
    "adviser": "adviser",
    "tutor": "tutor",
    "instructor": "instructor",
    "scientist": "data_scientist",
    "governance": "governance",
    "learner": "learner",
    "elsewhere": "adviser",
}
"""The accounts, and as what each comes."""

THERE: Final = frozenset({"learner", "run", "item"})
"""What may vary in a path and is in the small home."""


def path_of(page: Page, pages: Pages, **other: str) -> str:
    """The page's path with something real in each of its varying parts, or what is named instead."""
    known = {"learner": slug(pages.of_group("G1")[0]), "run": slug(RUN), "model": slug(MODEL), "item": pages.item}
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda part: (known | other).get(part[1], "0"), page.path)


def surely_there(page: Page) -> bool:
    """Whether all that varies in the path is in the small home."""
    return set(re.findall(r"\{(\w+)", page.path)) <= THERE


def open_to(role: str, method: str = "GET") -> list[Page]:
    """The pages, or acts, that a role may open."""
    return [page for page in PAGES if page.method == method and role in page.roles]


def visits(pages: Pages, role: str) -> Iterator[tuple[Page, str]]:
    """The pages that a role may open, each with an address."""
    for page in open_to(role):
        yield page, path_of(page, pages)
