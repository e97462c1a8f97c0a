"""The inbox: what is acknowledged stays, once; what is too much is refused; what is asked for is found."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.domain.errors import Busy, Conflict, HeadwayError, Unavailable
from headway.intake.entries import VOIDING, Entry, Parcel, Same, Terms, Wanted
from headway.intake.inbox import Inbox


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'inbox.db'}"


def entry(number: int, text: str = "", at: int = 1_000, identity: bytes | None = None) -> Entry:
    own = identity or UUID(int=number).bytes
    return Entry("xapi", at, own, json.dumps({"number": number, "text": text}).encode())


def bodies(inbox: Inbox) -> list[int]:
    return [json.loads(kept.body)["number"] for kept in inbox.entries(0, inbox.backlog().last)]


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    with Inbox.open(url(tmp_path)) as opened:
        yield opened


def test_what_is_kept_is_there_for_another_process(tmp_path: Path) -> None:
    with Inbox.open(url(tmp_path)) as inbox:
        inbox.keep(Parcel([entry(1), entry(2)]))
        with Inbox.open(url(tmp_path)) as other:
            assert bodies(other) == [1, 2]
            assert other.backlog().waiting == 2


def test_the_same_again_changes_nothing_and_something_else_is_refused_whole(inbox: Inbox) -> None:
    inbox.keep(Parcel([entry(1), entry(2)]))
    inbox.keep(Parcel([entry(2), entry(3)]))
    with pytest.raises(Conflict, match="Nothing was stored"):
        inbox.keep(Parcel([entry(4), entry(1, "other")]))
    assert bodies(inbox) == [1, 2, 3]


def test_bodies_that_are_the_same_in_substance_do_not_conflict(tmp_path: Path) -> None:
    def same(one: bytes, other: bytes) -> bool:
        return bool(json.loads(one)["number"] == json.loads(other)["number"])

    with Inbox.open(url(tmp_path), same) as inbox:
        inbox.keep(Parcel([entry(1, "as it came first")]))
        inbox.keep(Parcel([entry(1, "again")]))
        assert len(bodies(inbox)) == 1


def test_one_bad_parcel_of_a_group_takes_no_other_with_it(inbox: Inbox) -> None:
    inbox.keep(Parcel([entry(1)]))

    async def all_at_once() -> list[BaseException | None]:
        parcels = [Parcel([entry(2)]), Parcel([entry(3), entry(1, "other")]), Parcel([entry(4)])]
        return await asyncio.gather(*(inbox.keep_later(parcel) for parcel in parcels), return_exceptions=True)

    outcome = asyncio.run(all_at_once())
    assert [type(each) for each in outcome] == [type(None), Conflict, type(None)]
    assert sorted(bodies(inbox)) == [1, 2, 4]


def test_entries_without_an_id_are_all_kept(inbox: Inbox) -> None:
    plain = Entry("canvas", 5, None, b'{"number": 7}')
    inbox.keep(Parcel([plain, plain]))
    assert bodies(inbox) == [7, 7]


class _Stuck:
    """A connection that cannot write before it is allowed to, and may fail."""

    def __init__(self, go: Event, error: HeadwayError | None = None) -> None:
        self._go, self._error = go, error

    def write(self, parcels: list[Parcel], same: Same) -> list[HeadwayError | None]:
        self._go.wait(10)
        if self._error is not None:
            raise self._error
        return [None] * len(parcels)

    def close(self) -> None:
        """Nothing is open."""


def test_more_than_may_wait_is_refused_and_goes_through_later(tmp_path: Path) -> None:
    go = Event()
    with Inbox.open(url(tmp_path), most_rows=3) as inbox:
        inbox.writer._place.writing = lambda: _Stuck(go)  # type: ignore[method-assign, return-value, assignment] # a stand-in

        async def crowd() -> list[BaseException | None]:
            sent = [asyncio.ensure_future(inbox.keep_later(Parcel([entry(n), entry(n + 100)]))) for n in range(4)]
            await asyncio.sleep(0)
            go.set()
            return await asyncio.gather(*sent, return_exceptions=True)

        outcome = asyncio.run(crowd())
        refused = [each for each in outcome if isinstance(each, Busy)]
        assert refused
        assert refused[0].retry_after_s >= 1
        assert None in outcome
        inbox.keep(Parcel([entry(9)]))
        assert inbox.writer.rows == 0


def test_a_disk_that_cannot_be_written_is_told_and_the_writer_lives_on(tmp_path: Path) -> None:
    with Inbox.open(url(tmp_path)) as inbox:
        inbox.keep(Parcel([entry(1)]))
        lock = sqlite3.connect(tmp_path / "inbox.db", isolation_level=None)
        lock.execute("ALTER TABLE inbox_entries RENAME TO away")
        with pytest.raises(Unavailable, match="Try again"):
            inbox.keep(Parcel([entry(2)]))
        lock.execute("ALTER TABLE away RENAME TO inbox_entries")
        lock.close()
        inbox.keep(Parcel([entry(3)]))
        assert bodies(inbox) == [1, 3]


def test_a_move_that_was_begun_is_given_again_as_it_was(inbox: Inbox) -> None:
    inbox.keep(Parcel([entry(n) for n in range(5)]))
    first = inbox.begin_move(3)
    inbox.keep(Parcel([entry(9)]))
    assert first == inbox.begin_move(100) == (0, 3)
    inbox.end_move(3)
    assert inbox.begin_move(100) == (3, 6)
    inbox.end_move(6)
    assert inbox.begin_move(100) is None
    assert inbox.backlog().waiting == 0


def test_one_mover_at_a_time(tmp_path: Path, inbox: Inbox) -> None:
    with Inbox.open(url(tmp_path)) as other:
        with inbox.turn() as mine:
            assert mine
            with other.turn() as theirs:
                assert not theirs
        with other.turn() as theirs:
            assert theirs


def test_only_what_is_in_the_lake_and_old_goes(inbox: Inbox) -> None:
    inbox.keep(Parcel([entry(1, at=10), entry(2, at=20), entry(3, at=10)], {b"h" * 32: b"data"}))
    inbox.begin_move(2)
    inbox.end_move(2)
    assert inbox.trim(15) == 1
    assert bodies(inbox) == [2, 3]
    inbox.keep(Parcel([entry(1, at=30)]))
    assert bodies(inbox) == [2, 3, 1]  # a place is never given twice
    assert inbox.attachment(b"h" * 32) == b"data"
    assert inbox.trim(25) == 1
    assert inbox.attachment(b"h" * 32) is None


def test_what_is_removed_takes_its_attachments_along(inbox: Inbox) -> None:
    digest = b"\xab" * 32
    body = b'{"number":1,"attachments":[{"sha2":"' + digest.hex().encode() + b'"}]}'
    inbox.keep(Parcel([Entry("xapi", 1, uuid4().bytes, body), entry(2)], {digest: b"data"}))
    assert inbox.remove(lambda kept: b'"number":1,' in kept.body) == 1
    assert inbox.attachment(digest) is None
    assert bodies(inbox) == [2]


def words(*texts: str, about: int | None = None, voids: int | None = None) -> bytes:
    return json.dumps({"words": texts, "about": about, "voids": voids}).encode()


def terms_of(body: bytes) -> Terms:
    told = json.loads(body)
    found = {name: None if told[name] is None else UUID(int=told[name]).bytes for name in ("about", "voids")}
    extra = [VOIDING] if told["voids"] is not None else []
    return Terms([*told["words"], *extra], found["about"] or found["voids"], found["voids"])


def keep(inbox: Inbox, number: int, body: bytes) -> None:
    inbox.keep(Parcel([Entry("xapi", number, UUID(int=number).bytes, body)]))


def found(inbox: Inbox, wanted: Wanted) -> list[int]:
    assert inbox.index(terms_of, 10_000)
    return [UUID(bytes=kept.id).int for kept in inbox.find(wanted) if kept.id]


def test_questions_find_by_words_times_and_pages(inbox: Inbox) -> None:
    for number in range(1, 7):
        keep(inbox, number, words("even" if number % 2 == 0 else "odd", "all"))
    assert found(inbox, Wanted(["even", "all"])) == [6, 4, 2]
    assert found(inbox, Wanted(["all"], since_us=2, until_us=4)) == [4, 3]
    assert found(inbox, Wanted(["all"], ascending=True, limit=2)) == [1, 2]
    assert found(inbox, Wanted(["all"], ascending=True, limit=2, after=2)) == [3, 4]
    assert found(inbox, Wanted(["all"], limit=2, after=5, upto=5)) == [4, 3]
    assert found(inbox, Wanted(["nothing"])) == []


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
def test_what_is_about_another_is_found_by_its_words_whichever_came_first(inbox: Inbox, order: tuple[int, ...]) -> None:
    told = {1: words("first"), 2: words("second", about=1), 3: words("third", about=2)}
    for number in order:
        keep(inbox, number, told[number])
        inbox.index(terms_of, 10_000)
    assert sorted(found(inbox, Wanted(["first"]))) == [1, 2, 3]
    assert sorted(found(inbox, Wanted(["second"]))) == [2, 3]


@pytest.mark.parametrize("order", [(1, 2, 3), (2, 1, 3), (3, 2, 1)])
def test_what_was_taken_back_is_not_found_but_for_what_takes_back_itself(inbox: Inbox, order: tuple[int, ...]) -> None:
    told = {1: words("act"), 2: words("void", voids=1), 3: words("void", voids=2)}
    for number in order:
        keep(inbox, number, told[number])
        inbox.index(terms_of, 10_000)
    assert sorted(found(inbox, Wanted())) == [2, 3]
    assert inbox.one(UUID(int=1).bytes)[1]
    assert not inbox.one(UUID(int=2).bytes)[1]


@given(st.lists(st.lists(st.integers(1, 12), min_size=1, max_size=4), max_size=12))
def test_whatever_is_sent_is_kept_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, parcels: list[list[int]]
) -> None:
    expected: list[int] = []
    with Inbox.open(url(tmp_path_factory.mktemp("inbox"))) as inbox:
        for numbers in parcels:
            inbox.keep(Parcel([entry(number) for number in numbers]))
            expected += [number for number in dict.fromkeys(numbers) if number not in expected]
        assert bodies(inbox) == expected
