"""What a visitor of the caseload asks for: tab, filter, sort, page, drawer; the address, in one canonical form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from headway.advising.wording import LISTS
from headway.advising.worklist import TABS, Tab
from headway.web.address import address

SIZES: Final = (25, 50, 100)
USUAL_SIZE: Final = 50
SORTS: Final = {"order": False, "name": False, "chance": True, "since": True, "seen": True, "contact": False}
"""What can be sorted by, and whether the largest stands first when it is chosen."""

LIST_SLUGS: Final = tuple(name.lower().replace(" ", "-") for name in LISTS)
MOST_CHARACTERS: Final = 80
TYPED: Final = ("q", "reason")
"""What is typed letter by letter: it leaves no steps in the browser's history."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked for.

    Attributes:
        run: the run, as in addresses.
        tab: which part of the caseload.
        q: in the name or number.
        group: the tutor group.
        lists: places in `LISTS`; empty for all.
        reason: in the main reason.
        status: what was done so far.
        new: only those new on "Reach out" or "Check in" since a week before.
        sort: a name in `SORTS`.
        down: whether the largest stands first.
        page: counts from 1.
        size: rows on a page.
        learner: whose drawer is open, as in addresses.
        select: `page` or `all`: whose boxes are ticked.
        done: what was just done, by its entry in the audit.
    """

    run: str
    tab: Tab = "week"
    q: str = ""
    group: str = ""
    lists: tuple[int, ...] = ()
    reason: str = ""
    status: str = ""
    new: bool = False
    sort: str = "order"
    down: bool = False
    page: int = 1
    size: int = USUAL_SIZE
    learner: str = ""
    select: str = ""
    done: int = 0

    @classmethod
    def of(cls, run: str, query: Sequence[tuple[str, str]]) -> "Ask":
        """What a query asks for; what it says wrongly is left out."""
        told: dict[str, str] = {key: value.strip()[:MOST_CHARACTERS] for key, value in query if key != "learner"}
        learner = next((value for key, value in query if key == "learner"), "")
        sort = told.get("sort", "").lstrip("-")
        usual = SORTS.get(sort, False)
        known = sort in SORTS and told["sort"] != "order"
        return cls(
            run=run,
            tab=next((tab for tab in TABS if tab == told.get("tab")), "week"),
            q=told.get("q", ""),
            group=told.get("group", ""),
            lists=tuple(
                sorted({LIST_SLUGS.index(text) for key, text in query if key == "list" and text in LIST_SLUGS})
            ),
            reason=told.get("reason", ""),
            status=told.get("status", ""),
            new=told.get("new") == "1",
            sort=sort if known else "order",
            down=(told["sort"].startswith("-") if known else usual),
            page=_whole(told.get("page", ""), 1),
            size=next((size for size in SIZES if str(size) == told.get("size")), USUAL_SIZE),
            learner=learner[:255],
            select=told.get("select", "") if told.get("select") in ("page", "all") else "",
            done=_whole(told.get("done", ""), 0),
        )

    @classmethod
    def of_address(cls, run: str, url: str) -> "Ask":
        """What an address of the caseload asks for; any other asks for nothing in particular."""
        parts = urlsplit(url)
        return cls.of(run, parse_qsl(parts.query) if parts.path == "/caseload" else [])

    def query(self) -> Mapping[str, object]:
        """The same as the parts of an address, defaults left out."""
        return {
            "run": self.run,
            "tab": "" if self.tab == "week" else self.tab,
            "q": self.q,
            "group": self.group,
            "list": [LIST_SLUGS[place] for place in self.lists],
            "reason": self.reason,
            "status": self.status,
            "new": "1" if self.new else "",
            "sort": "" if self.sort == "order" else f"{'-' * self.down}{self.sort}",
            "page": "" if self.page == 1 else self.page,
            "size": "" if self.size == USUAL_SIZE else self.size,
            "learner": self.learner,
            "select": self.select,
            "done": self.done or "",
        }

    def address(self, path: str = "/caseload") -> str:
        """The one address of it."""
        return address(path, self.query())

    def but(self, **changes: object) -> "Ask":
        """The same with changes; unless the page is named, back on the first, and nothing is ticked."""
        return replace(self, **{"page": 1, "select": "", "done": 0} | changes)  # type: ignore[arg-type] # a field each

    def to(self, **changes: object) -> str:
        """The address of the same with changes."""
        return self.but(**changes).address()

    def sorted_by(self, key: str) -> str:
        """The address of the same sorted by a column: turned round where it is sorted by that already."""
        down = not self.down if self.sort == key and key != "order" else SORTS[key]
        return self.to(sort=key, down=down)

    @property
    def filtered(self) -> bool:
        """Whether anybody is left out of the tab."""
        return bool(self.q or self.group or self.lists or self.reason or self.status or self.new)

    def only_typed(self, before: "Ask") -> bool:
        """Whether it differs from another in nothing but what is typed."""
        changes: dict[str, object] = dict.fromkeys(TYPED, "")
        typed = any(getattr(self, name) != getattr(before, name) for name in TYPED)
        return typed and self.but(**changes) == before.but(**changes)


def _whole(text: str, least: int) -> int:
    return max(least, int(text)) if text.isascii() and text.isdigit() and len(text) <= 9 else least
