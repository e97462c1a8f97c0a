"""What a page asks of the store: how often, whatever the number of learners. A question in a loop shows here."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread

import pytest
import sqlalchemy as sa

from headway.store.database import Store
from headway.web.address import slug
from tests.support.pages import RUN, Pages

LEARNER = "{learner}"
MOST = {
    ("adviser", "/caseload"): (20, 3),
    ("adviser", f"/learners/{LEARNER}"): (20, 3),
    ("adviser", f"/learners/{LEARNER}/contact"): (18, 3),
    ("adviser", "/segments"): (9, 1),
    ("adviser", "/interventions"): (15, 1),
    ("instructor", f"/courses/{slug(RUN)}"): (5, 1),
    ("scientist", "/data"): (5, 1),
    ("governance", "/governance"): (11, 1),
    ("governance", "/governance?tab=audit"): (6, 1),
    ("governance", "/governance?tab=access"): (8, 1),
    ("learner", "/me"): (17, 1),
}
"""Statements and transactions of a page that was opened before; of three transactions the last audits the look."""


@contextmanager
def counted(store: Store) -> Iterator[dict[str, int]]:
    """How many statements and transactions visits ask the store for inside, but for what is made anew beside them."""
    engine, found = store._engine, {"statements": 0, "transactions": 0}

    def count(what: str) -> None:
        if not current_thread().name.startswith("fresh"):
            found[what] += 1

    def asked(*_: object) -> None:
        count("statements")

    def begun(_: object) -> None:
        count("transactions")

    sa.event.listen(engine, "before_cursor_execute", asked)
    sa.event.listen(engine, "begin", begun)
    try:
        yield found
    finally:
        sa.event.remove(engine, "before_cursor_execute", asked)
        sa.event.remove(engine, "begin", begun)


def asked_of(pages: Pages, name: str, path: str) -> tuple[int, int]:
    """The statements and transactions of the second visit to a page."""
    client = pages.client(name)
    address = f"{path}{'&' if '?' in path else '?'}run={slug(RUN)}"
    assert client.get(address).status_code == 200
    with counted(pages.app.store) as found:
        client.get(address)
    return found["statements"], found["transactions"]


@pytest.mark.parametrize(("name", "path"), MOST)
def test_a_page_asks_the_store_a_few_times_only(pages: Pages, name: str, path: str) -> None:
    statements, transactions = asked_of(pages, name, path.replace(LEARNER, slug(pages.learners[3])))
    most_statements, most_transactions = MOST[name, path]
    assert statements <= most_statements
    assert transactions <= most_transactions


@pytest.mark.parametrize("more", ["", "&sort=name", "&q=a", "&list=reach-out", "&group=G1"])
def test_a_longer_list_costs_no_more_questions(pages: Pages, more: str) -> None:
    few, many = (asked_of(pages, "adviser", f"/caseload?size={size}{more}") for size in (25, 100))
    assert few == many
