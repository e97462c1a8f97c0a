"""Intake is idempotent and resumable: whatever dies when, every acknowledged record is in the lake exactly once."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pytest

from headway.domain.errors import LakeError, SourceError
from headway.flow import open_app
from headway.flow.app import App
from headway.flow.erasing import erase_learner
from headway.flow.intake import UNREADABLE, move_inbox, open_inbox
from headway.flow.intake_erase import erase_from_inbox
from headway.intake.entries import Entry, Parcel
from headway.lake.append import Appended
from headway.lake.lake import Lake
from headway.lake.verify import Verification
from headway.settings import pseudonym_key
from headway.sources.xapi import Xapi
from tests.support.served import RUN, statement

STORED = "2026-11-20T12:00:00.000Z"


def kept(app: App, numbers: Sequence[int], *bodies: tuple[str, bytes]) -> None:
    """Statements with ids made from numbers, in the inbox of the home, and other bodies behind them."""
    told = [statement(number, id=str(UUID(int=number)), stored=STORED) for number in numbers]
    every = [*(("xapi", json.dumps(one).encode()) for one in told), *bodies]
    now = int(app.clock.now().timestamp() * 1_000_000)
    entries = [Entry(source, now, None, body) for source, body in every]
    with open_inbox(app) as inbox:
        inbox.keep(Parcel(entries))


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new home; every test works in a copy, so that all have one key and nobody waits for migrations."""
    home = tmp_path_factory.mktemp("new") / "home"
    with open_app(home) as app:
        pseudonym_key(app.settings)
        kept(app, [])
    return home


@pytest.fixture
def home(new: Path, tmp_path: Path) -> Path:
    """A copy of the new home."""
    return Path(shutil.copytree(new, tmp_path / "home"))


@pytest.fixture(scope="module")
def sound(new: Path, tmp_path_factory: pytest.TempPathFactory) -> Verification:
    """What the lake holds after twenty statements were moved without any trouble."""
    with open_app(Path(shutil.copytree(new, tmp_path_factory.mktemp("sound") / "home"))) as app:
        kept(app, range(20))
        move_inbox(app)
        return app.lake.verify()


class _Died(BaseException):
    """The process is gone."""


def dying(fatal: int, *, after: bool) -> Callable[[Lake, str, pa.RecordBatchReader], Appended]:
    """`Lake.append`, which dies at the append of that number: before it is written, or after."""
    append, seen = Lake.append, iter(range(1_000))

    def die(self: Lake, kind: str, records: pa.RecordBatchReader) -> Appended:
        number = next(seen)
        if number == fatal and not after:
            raise _Died
        done = append(self, kind, records)
        if number == fatal:
            raise _Died
        return done

    return die


@pytest.mark.parametrize(("fatal", "after"), [(2, False), (4, True)])
def test_a_move_that_died_and_is_repeated_is_one_that_did_not(
    home: Path, sound: Verification, monkeypatch: pytest.MonkeyPatch, fatal: int, after: bool
) -> None:
    assert sound.rows["statements"] == 20
    with open_app(home) as app:
        kept(app, range(20))
        with monkeypatch.context() as patched:
            patched.setattr(Lake, "append", dying(fatal, after=after))
            with pytest.raises(_Died):
                move_inbox(app)
        kept(app, range(20, 25))  # what comes meanwhile must not change what is repeated
        assert move_inbox(app).moved == 20
        assert app.lake.verify() == sound
        assert move_inbox(app).sources["xapi"].accepted == 5
        assert app.lake.verify().rows["statements"] == 25


def test_what_was_sent_twice_is_in_the_lake_once_and_nothing_inferred_is_told_again(home: Path) -> None:
    with open_app(home) as app:
        for batch in (range(10), range(5, 15)):
            kept(app, batch)
            move_inbox(app)
        found = app.lake.verify()
    assert found.ok
    assert {kind: found.rows[kind] for kind in ("statements", "course_runs", "enrolments", "activities")} == {
        "statements": 15,
        "course_runs": 1,
        "enrolments": 7,
        "activities": 5,
    }


def test_an_act_after_a_withdrawal_is_no_new_enrolment(home: Path) -> None:
    kind = "http://adlnet.gov/expapi/activities/course"
    course = {"id": "https://lms.example.org/course/7", "definition": {"type": kind}}
    with open_app(home) as app:
        left = statement(1, stored=STORED, object=course, verb={"id": "http://id.tincanapi.com/verb/unregistered"})
        kept(app, [1], ("xapi", json.dumps(left | {"timestamp": "2026-11-20T11:00:00Z"}).encode()))
        move_inbox(app)
        kept(app, [8])  # the same learner
        assert move_inbox(app).runs == (RUN,)
        with app.lake.open(None, [RUN], kinds=["enrolments"]) as records:
            table = records.table("enrolments")
            last = records.collect(table.order_by(["valid_from", "recorded_at"])).to_pylist()[-1]
        assert last["status"] == "withdrawn"


def test_what_cannot_be_read_goes_to_quarantine_and_holds_up_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Xapi.read

    def choosy(self: Xapi, request: object) -> object:
        (file,) = request.paths  # type: ignore[attr-defined] # stands in for a source
        if b"poison" in file.read_bytes():
            raise SourceError("This cannot be read.")
        return read(self, request)  # type: ignore[arg-type] # the mover gives a Request

    monkeypatch.setattr(Xapi, "read", choosy)
    with open_app(home) as app:
        kept(
            app, range(7), ("xapi", b'{"secret of ann@example.org": "poison"}'), ("caliper", b"[[["), ("canvas", b'""')
        )
        report = move_inbox(app)
        assert (report.moved, report.waiting, report.sources["xapi"].accepted >= 7) == (10, 0, True)
        assert report.reasons[UNREADABLE] >= 1
        refused = app.lake.rejects("xapi").to_pylist()
        assert [row["reason"] for row in refused] == [UNREADABLE]
        assert "ann@" not in str(refused)
        assert {count.quarantined for name, count in report.sources.items() if name != "xapi"} == {1}


def test_another_mover_or_a_lake_that_is_away_keeps_everything_waiting(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(self: Lake, kind: str, records: pa.RecordBatchReader) -> Appended:
        raise LakeError("The lake is away.")

    with open_app(home) as app, open_inbox(app) as inbox:
        kept(app, range(3))
        with inbox.turn():
            other = move_inbox(app)
        assert (other.elsewhere, other.moved, other.waiting) == (True, 0, 3)
        with monkeypatch.context() as patched:
            patched.setattr(Lake, "append", away)
            with pytest.raises(LakeError):
                move_inbox(app)
        assert move_inbox(app).sources["xapi"].quarantined == 0
        assert app.lake.verify().rows["statements"] == 3


def test_an_erased_learner_is_in_neither_lake_nor_inbox(home: Path) -> None:
    with open_app(home) as app, open_inbox(app) as inbox:
        kept(app, range(7), ("records", b'{"record": {}}'))
        move_inbox(app)
        kept(app, range(7, 14))
        (learner, *others) = sorted(learners(app))
        assert len(others) == 6
        removed = erase_from_inbox(app, learner)
        erase_learner(app, learner)
        assert removed == 2
        assert sorted(learners(app)) == others
        left = [entry.body for entry in inbox.entries(0, inbox.backlog().last)]
        assert len(left) == 12
        assert len({json.loads(body)["actor"]["account"]["name"] for body in left}) == 6


def learners(app: App) -> set[str]:
    """The learners who have a statement in the lake."""
    with app.lake.open(None, [RUN], kinds=["statements"]) as records:
        table = records.table("statements")
        return set(records.collect(table.select("learner"))["learner"].to_pylist())
