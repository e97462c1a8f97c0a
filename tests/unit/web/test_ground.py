"""What all pages stand on: answers kept ready, boards that follow erasures, and the one file that is not ours."""

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import httpx2
import numpy as np
import pytest
import sqlalchemy as sa

from headway import flow
from headway.advising import task_queries
from headway.advising.wording import LISTS
from headway.domain.errors import InputError, Pending
from headway.domain.time import AsOf
from headway.flow.app import App
from headway.governance import accounts, audit
from headway.governance.scopes import Grant
from headway.registry.registry import Registry
from headway.scoring import kept
from headway.store.tables import AUDIT, GROUP_MEMBERS, SCORE_RUNS
from headway.web.address import slug
from headway.web.caseload_ask import Ask
from headway.web.caseload_rows import Listing
from headway.web.entries import Entries
from headway.web.fresh import MOST_WAIT, Fresh, Once
from tests.support.pages import NOW, RUN, Pages, score_by_hand

if TYPE_CHECKING:
    from headway.web.visit import Visit


HTMX = "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"
"""SHA-256 of dist/htmx.min.js in the package htmx.org 4.0.1 of the npm registry."""

MOST_STATEMENTS = 20
"""A visit asks the store at most so often."""


@pytest.fixture
def time() -> list[float]:
    """The time that a `Fresh` reads: its last entry."""
    return [0.0]


@pytest.fixture
def fresh(time: list[float]) -> Iterator[Fresh[int]]:
    """Values good for ten seconds, at most two of them."""
    made: Fresh[int] = Fresh(10, most=2, now=lambda: time[-1])
    yield made
    made.close()


def test_htmx_is_the_file_that_was_looked_at() -> None:
    content = (files("headway.web") / "static" / "htmx-4.0.1.min.js").read_bytes()
    assert hashlib.sha256(content).hexdigest() == HTMX


def test_a_value_is_computed_once_while_it_is_good(fresh: Fresh[int], time: list[float]) -> None:
    made: list[int] = []

    def make() -> int:
        made.append(len(made))
        return made[-1]

    assert [fresh.get("a", make) for _ in range(3)] == [0, 0, 0]
    time.append(9.0)
    assert fresh.get("a", make) == 0
    assert made == [0]


def test_who_asks_meanwhile_is_told_the_old_value_and_later_the_new_one(fresh: Fresh[int], time: list[float]) -> None:
    go = threading.Event()
    assert fresh.get("a", lambda: 1) == 1
    time.append(11.0)

    def slowly() -> int:
        assert go.wait(30)
        return 2

    assert fresh.get("a", slowly) == 1
    assert fresh.get("a", slowly) == 1
    go.set()
    while (found := fresh.get("a", slowly)) == 1:
        continue
    assert found == 2


def test_a_first_value_that_takes_long_is_pending_and_comes(fresh: Fresh[int]) -> None:
    go = threading.Event()

    def slowly() -> int:
        assert go.wait(30)
        return 7

    with pytest.raises(Pending):
        fresh.get("a", slowly, wait_s=0)
    go.set()
    assert fresh.get("a", slowly) == 7


def test_no_more_than_a_few_wait_and_others_are_told_at_once(fresh: Fresh[int]) -> None:
    go = threading.Event()

    def ask() -> int:
        return fresh.get("a", lambda: int(go.wait(30)), wait_s=60)

    with ThreadPoolExecutor(MOST_WAIT) as asking:
        waiting = [asking.submit(ask) for _ in range(MOST_WAIT)]
        while fresh._seats._value > 0:
            continue
        with pytest.raises(Pending):
            ask()
        go.set()
        assert [each.result() for each in waiting] == [1] * MOST_WAIT
    assert ask() == 1
    assert all(fresh._seats.acquire(blocking=False) for _ in range(MOST_WAIT)), "a seat was not given back"


def test_what_went_wrong_is_told_and_tried_again(fresh: Fresh[int]) -> None:
    def wrong() -> int:
        raise InputError("Not so.")

    with pytest.raises(InputError, match="Not so"):
        fresh.get("a", wrong)
    assert fresh.get("a", lambda: 3) == 3


def test_those_not_asked_for_longest_go_first(fresh: Fresh[int]) -> None:
    for name, value in (("a", 1), ("b", 2), ("a", 9), ("c", 3)):
        fresh.get(name, lambda value=value: value)  # type: ignore[misc] # each its own value
    assert fresh.get("a", lambda: 10) == 1
    assert fresh.get("b", lambda: 20) == 20


def test_what_is_made_once_is_made_anew_for_another_mark_alone() -> None:
    once: Once[object] = Once(2)
    first = once.get("a", 1, object)
    assert once.get("a", 1, object) is first
    second = once.get("a", 2, object)
    assert second is not first
    once.get("b", 1, object)
    once.get("a", 2, object)
    once.get("c", 1, object)
    assert once.get("a", 2, object) is second  # asked for after b, so b went


def test_what_is_made_once_does_not_wait_for_what_takes_long(written_pages: Pages) -> None:
    site, go_on = written_pages.asgi.site, threading.Event()
    try:
        for number in range(4):
            with pytest.raises(Pending):
                site.slow.get(("long", number), lambda: go_on.wait(60), 0)
        assert written_pages.client("adviser").get("/caseload", run=slug(RUN)).status_code == 200
    finally:
        go_on.set()


def test_many_ask_for_what_is_made_once_and_it_is_made_once() -> None:
    once, made, begun = Once[int](2), [], threading.Barrier(4)

    def ask() -> None:
        begun.wait()
        once.get("a", 1, lambda: made.append(1) or len(made))  # type: ignore[func-returns-value] # append gives None, and the length is wanted

    asking = [threading.Thread(target=ask) for _ in range(4)]
    for each in asking:
        each.start()
    for each in asking:
        each.join()
    assert made == [1]


def test_a_board_follows_an_erasure_groups_and_a_new_score_run_at_the_next_visit(written_pages: Pages) -> None:
    from headway.flow.people import set_groups

    app, site = written_pages.app, written_pages.asgi.site
    before = site.newest_board(RUN)
    gone, one, other = before.learners[0], before.learners[2], before.learners[3]
    groups = {each: before.group[before.place[each]] for each in (one, other)}
    assert groups[one] != groups[other]
    set_groups(app, RUN, {one: groups[other], other: groups[one]})  # as many in each group as before
    flow.erase_learner(app, gone)
    after = site.newest_board(RUN)
    assert (gone in before.place, gone in after.place, len(after)) == (True, False, len(before) - 1)
    assert {each: after.group[after.place[each]] for each in (one, other)} == {one: groups[other], other: groups[one]}
    for array in (after.risk, after.reason, after.absent_days):
        assert len(array) == len(after)
    same = [before.place[each] for each in after.learners]
    assert np.array_equal(after.risk, before.risk[same], equal_nan=True)
    assert after.reason.tolist() == before.reason[same].tolist()
    assert site.newest_board(RUN) is after
    made = score_by_hand(app, RUN, AsOf(NOW), [str(each) for each in after.learners])
    assert site.newest_board(RUN).score_run.id == made.id


def test_who_sees_an_earlier_state_makes_no_board_of_it_for_those_who_come_later(written_pages: Pages) -> None:
    store, site = written_pages.app.store, written_pages.asgi.site
    learner = str(site.newest_board(RUN).learners[0])

    def move() -> None:
        mine = (GROUP_MEMBERS.c.run == RUN) & (GROUP_MEMBERS.c.learner == learner)
        with store.begin() as connection:
            connection.execute(sa.update(GROUP_MEMBERS).where(mine).values(group_name="G9"))

    with ThreadPoolExecutor(1) as others, store.one_state():
        site.newest_board(RUN)
        others.submit(move).result()
        site.changed()
        site.newest_board(RUN)
    board = site.newest_board(RUN)
    assert board.group[board.place[learner]] == "G9"


def test_nothing_that_was_derived_from_a_board_is_laid_beside_the_next(written_pages: Pages) -> None:
    client, site = written_pages.client("scientist"), written_pages.asgi.site
    board = site.newest_board(RUN)
    last = str(board.learners[20])
    for query in (f"q={last.rpartition('/')[2]}", "reason=visit", "sort=since"):
        assert client.get(f"/caseload?run={slug(RUN)}&{query}").status_code == 200
    flow.erase_learner(written_pages.app, str(board.learners[0]))
    found = client.get("/caseload", run=slug(RUN), q=last.rpartition("/")[2]).text
    assert f'id="l-{slug(last)}"' in found
    for query in ("reason=visit", "sort=since"):
        assert client.get(f"/caseload?run={slug(RUN)}&{query}").status_code == 200


def test_what_several_look_at_is_written_together_and_the_chain_holds(written_pages: Pages) -> None:
    app = written_pages.app
    entries, many = Entries(app.store), 12
    transactions: list[object] = []
    sa.event.listen(app.store._engine, "commit", transactions.append)
    with app.store.begin():  # a writer at work: everybody comes meanwhile
        asking = [
            threading.Thread(target=entries.record, args=(NOW, f"account {number}", "view", "hash", {"n": number}))
            for number in range(many)
        ]
        for each in asking:
            each.start()
        while len(entries._waiting) < many - 1:  # one has gone ahead and waits for the writer
            threading.Event().wait(0.001)
        transactions.clear()
    for each in asking:
        each.join()
    assert {row["detail"]["n"] for row in written_pages.audited("view")} == set(range(many))
    assert len(transactions) <= 3 + 1  # the writer's, the one ahead, all others; and the look above
    with app.store.read() as connection:
        assert audit.verify(connection) is None


def test_an_entry_that_cannot_be_kept_is_said_so_and_holds_up_no_other(written_pages: Pages) -> None:
    entries = Entries(written_pages.app.store)
    with pytest.raises(InputError):
        entries.record(NOW, "account", "view", "hash", {"n": float("nan")})
    entries.record(NOW, "account", "view", "hash", {"n": 1})
    assert [row["detail"] for row in written_pages.audited("view")] == [{"n": 1}]


@pytest.mark.parametrize("path", ["/caseload", "/learners/{}", "/learners/{}/drawer"])
def test_what_a_visit_asks_the_store_grows_neither_with_learners_nor_with_accounts(
    written_pages: Pages, path: str
) -> None:
    from headway.flow.people import set_groups

    app, client = written_pages.app, written_pages.client("adviser")
    at = f"{path.format(slug(written_pages.learners[0]))}?run={slug(RUN)}"
    few = _statements(app, lambda: client.http.get(at))
    more = [f"simulated/{number:010x}" for number in range(300)]
    set_groups(app, RUN, {each: f"T{number}" for number, each in enumerate(more)})
    score_by_hand(app, RUN, AsOf(NOW), [*written_pages.learners, *more])
    with app.store.begin() as connection:
        for number in range(30):
            accounts.create(connection, NOW, "cli", f"adviser{number}", [Grant("adviser", RUN)])
    many = _statements(app, lambda: client.http.get(at))
    assert 0 < many <= few + 2  # one more week is read of a learner
    assert many <= MOST_STATEMENTS


def test_a_page_reads_one_state_before_it_is_audited_and_one_after(written_pages: Pages) -> None:
    client = written_pages.client("adviser")
    asked = _asked(written_pages.app, lambda: client.get("/caseload", run=slug(RUN)))
    begun = [each for each in asked if each.startswith("BEGIN")]
    assert begun == ["BEGIN", "BEGIN IMMEDIATE", "BEGIN"]


def test_whoever_was_audited_by_another_thread_sees_it(written_pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    store = written_pages.app.store
    entries = Entries(store)
    write = entries._write

    def told() -> int:
        with store.read() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(AUDIT)).scalar_one())

    with ThreadPoolExecutor(1) as others, store.one_state():
        before = told()
        monkeypatch.setattr(entries, "_write", lambda own: others.submit(write, own).result())
        entries.record(NOW, "account a", "view", "somebody", {})
        assert told() == before + 1


def _statements(app: App, visit: Callable[[], httpx2.Response]) -> int:
    """How often a visit asks the store, all that is kept being warm."""
    return len([each for each in _asked(app, visit) if not each.startswith(("PRAGMA", "BEGIN"))])


def _asked(app: App, visit: Callable[[], httpx2.Response]) -> list[str]:
    """The statements of a visit, all that is kept being warm."""
    assert visit().status_code in (200, 303)
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    sa.event.listen(app.store._engine, "before_cursor_execute", note)
    visit()
    sa.event.remove(app.store._engine, "before_cursor_execute", note)
    return asked


def test_a_board_forgets_who_was_erased_and_follows_groups(written_pages: Pages) -> None:
    from headway.flow.people import set_groups

    app, site = written_pages.app, written_pages.asgi.site
    score_run = site.score_run(RUN)
    before = site.board(score_run)
    gone, moved = before.learners[0], before.learners[1]
    with app.store.begin() as connection:
        assert kept.erase(connection, gone) > 0
    set_groups(app, RUN, {moved: "G9"})
    site.changed()
    after = site.board(score_run)
    assert (gone in before.place, gone in after.place) == (True, False)
    assert len(after) == len(before) - 1
    assert after.group[after.place[moved]] == "G9"


@pytest.mark.parametrize("rate", [None, 0.2, 0.7])
def test_pages_and_command_line_have_the_same_lists(
    written_pages: Pages, monkeypatch: pytest.MonkeyPatch, rate: float | None
) -> None:
    app, site = written_pages.app, written_pages.asgi.site
    with app.store.begin() as connection:
        task_queries.set_no_contact(connection, written_pages.learners[1], NOW, "adviser", wanted=True)
        if rate is not None:
            facts = {"label": "does_not_finish", "seed": 7, "day": 0, "base_rate": rate}
            connection.execute(sa.update(SCORE_RUNS).values(settings=facts))
    score_run = site.score_run(RUN)
    monkeypatch.setattr(Registry, "get", lambda registry, ref: None)
    found = flow.list_contacts(app, RUN, str(score_run.as_of), 3)
    visit = SimpleNamespace(
        site=site,
        app=app,
        run=site.run(RUN),
        board=site.board(score_run),
        scope=SimpleNamespace(groups=lambda run: None),
        now=NOW,
        capacity=lambda: 3,
    )
    listing = Listing(cast("Visit", visit), Ask(slug(RUN)))
    pages = zip(listing.field.learners, listing.places.list.tolist(), strict=True)
    assert {name: LISTS[at] for name, at in pages if at < len(LISTS) and listing.mine[listing.field.place[name]]} == {
        entry.candidate.learner: entry.list for entry in found.caseload.entries
    }
    assert (found.off, listing.off) == (1, 1)
    everybody = site.board(score_run).risk
    assert found.caseload.base_rate == (rate or pytest.approx(float(everybody[everybody >= 0].mean())))
    assert sum(found.caseload.counts().values()) == 57


@pytest.mark.parametrize("how", ["empty", "unreachable"])
def test_without_a_database_there_is_a_page_that_says_so(written_pages: Pages, how: str) -> None:
    store, file = written_pages.app.store, written_pages.home / "headway.db"
    client, kept_aside = written_pages.client("adviser"), written_pages.home / "aside"
    asked = {"/caseload": "/caseload", f"/learners/{slug(written_pages.learners[0])}?run={slug(RUN)}": "/learners/"}
    token = client.csrf
    store.close()
    file.rename(kept_aside)
    if how == "unreachable":
        file.mkdir()
    for path, again in {**asked, "/no-such-page": "/no-such-page"}.items():
        answer = client.http.get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5"), path
        assert "tokens.css" in answer.text
        assert "cannot reach its database" in answer.text
        assert answer.headers["x-request-id"] in answer.text
        assert f'class="button" href="{again}' in answer.text
        assert not {"Traceback", "sqlite", str(written_pages.home)} & set(re.split(r"[\s<>:]", answer.text))
        assert "Content-Security-Policy" in answer.headers
    changed = client.http.post("/settings", data={"csrf": token, "capacity": "9"})
    assert (changed.status_code, 'class="button" href="/"' in changed.text) == (503, True)
    part = client.get("/caseload", htmx=True)
    assert (part.status_code, part.headers["hx-retarget"]) == (503, "#trouble")
    assert "<html" not in part.text
    told = client.http.get("/no-such-page", headers={"accept": "application/json"})
    assert (told.status_code, set(told.json()["error"])) == (404, {"code", "message", "request_id"})
    store.close()
    file.rmdir() if how == "unreachable" else file.unlink()
    kept_aside.rename(file)
    assert client.get("/caseload").status_code == 200


def test_what_is_made_ready_at_the_start_is_what_the_first_visitor_gets(written_pages: Pages) -> None:
    site = written_pages.asgi.site
    site.changed()
    site.warm()
    assert site.slow.get("warm", lambda: False) is True
    assert site.board(site.score_run(RUN)) is site.board(site.score_run(RUN))
