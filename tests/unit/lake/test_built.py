"""What is kept of built features: what stays true, what does not, and what of it is forgotten."""

import shutil
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from headway.domain.errors import LakeError
from headway.domain.time import AsOf, FixedClock
from headway.lake import built
from headway.lake.built import Recipe
from headway.lake.lake import Lake
from tests.unit.lake.rows import DAY_0, course_run, delivery, statement

ONE, OTHER = "oulad/AAA/2013J", "oulad/AAA/2014J"
CLOCK = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
RECIPE = Recipe("standard", "0" * 16, "duckdb", "1")
ACROSS = Recipe("standard", "0" * 16, "duckdb", "1", ("course_runs", "enrolments"))
SCHEMA = pa.schema([("learner", pa.string()), ("value", pa.float64())])
DAYS = (5, 10, 20)


def at(day: float) -> AsOf:
    return AsOf(DAY_0 + timedelta(days=day))


def rows(*values: float, learner: str = "oulad/11") -> pa.Table:
    return pa.table({"learner": [learner] * len(values), "value": list(values)}, schema=SCHEMA)


def arrive(lake: Lake, *known: tuple[int, str, float], kind: str = "statements") -> None:
    """Statements by number, run and the day on which they were recorded."""
    made = [statement(n, run=run) | {"recorded_at": DAY_0 + timedelta(days=day)} for n, run, day in known]
    lake.append(kind, delivery(made))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with two announced runs and statements of both, one of each known on day 1 and on day 12."""
    folder = tmp_path_factory.mktemp("filled") / "lake"
    made = Lake(folder, memory_limit_mib=256, threads=1)
    made.append("course_runs", delivery([course_run(ONE), course_run(OTHER)], "course_runs"))
    arrive(made, (1, ONE, 1), (2, ONE, 12), (1, OTHER, 1), (2, OTHER, 12))
    return folder


@pytest.fixture
def lake(filled: Path, tmp_path: Path) -> Lake:
    """One of one's own."""
    return Lake(shutil.copytree(filled, tmp_path / "lake"), memory_limit_mib=256, threads=1)


def keep(lake: Lake, days: Iterable[float] = DAYS, recipe: Recipe = RECIPE, run: str = ONE) -> None:
    """Keeps one row for each day: its number."""
    with lake.shelf(recipe, lake.snapshot(), [run]) as shelf:
        assert shelf is not None
        shelf.put(run, [(at(day), rows(day)) for day in days])


def kept(lake: Lake, recipe: Recipe = RECIPE, run: str = ONE) -> list[float]:
    """The days of which something is kept that is still true; each has its own number."""
    with lake.shelf(recipe, lake.snapshot(), [run]) as shelf:
        assert shelf is not None
        found = shelf.kept(run)
        taken = [shelf.take(run, as_of, SCHEMA) for as_of in found]
    days = [(as_of.instant - DAY_0) / timedelta(days=1) for as_of in found]
    assert [table["value"].to_pylist() for table in taken] == [[day] for day in days]
    return days


def test_what_is_kept_is_true_until_something_is_known_that_was_not(lake: Lake) -> None:
    keep(lake)
    assert kept(lake) == [5, 10, 20]
    arrive(lake, (3, OTHER, 2))
    assert kept(lake) == [5, 10, 20], "another run's records are nothing to it"
    arrive(lake, (3, ONE, 10.5))
    assert kept(lake) == [5, 10], "what was known on day 10.5 was not known on day 10"
    arrive(lake, (4, ONE, 5))
    assert kept(lake) == [], "what is recorded at the very instant is known"


def test_each_result_rests_on_the_lake_that_it_was_made_from(lake: Lake) -> None:
    keep(lake)
    arrive(lake, (3, ONE, 15))
    keep(lake, [20])
    assert kept(lake) == [5, 10, 20], "it was computed anew since"
    before = lake.snapshot()
    arrive(lake, (4, ONE, 15))
    keep(lake, [20])
    with lake.shelf(RECIPE, before, [ONE]) as shelf:
        assert shelf is not None
        assert shelf.kept(ONE) == [at(5), at(10)], "whoever reads an earlier lake is not told what came later"


def test_delivering_the_same_again_and_joining_files_change_nothing(lake: Lake) -> None:
    arrive(lake, (3, ONE, 1))
    keep(lake)
    arrive(lake, (1, ONE, 1), (3, ONE, 1))
    before = lake.snapshot()
    assert lake.compact().files_after < 5
    assert lake.snapshot() != before
    assert kept(lake) == [5, 10, 20]
    arrive(lake, (4, ONE, 15))
    lake.compact()
    assert kept(lake) == [5, 10], "a file that was joined to others since is not forgotten"


def test_who_is_erased_takes_all_that_was_kept_of_their_runs_along(lake: Lake, tmp_path: Path) -> None:
    lake.append("statements", delivery([statement(9, run=ONE, learner="oulad/9")]))
    keep(lake)
    keep(lake, run=OTHER)
    receipt = lake.erase("oulad/9", CLOCK)
    assert receipt.rows == {"statements": 1}
    assert kept(lake) == [], "a cohort without them is another cohort"
    assert kept(lake, run=OTHER) == [5, 10, 20]


def test_no_byte_of_who_is_erased_is_kept_whether_an_index_names_it_or_not(lake: Lake, tmp_path: Path) -> None:
    keep(lake)
    keep(lake, recipe=Recipe("mine", "1" * 16, "duckdb", "1"))
    folder = tmp_path / "lake" / ".features"
    parts = sorted(folder.rglob("*.parquet"))
    assert len(parts) == 2
    (parts[0].parent / "left-by-a-killed-build.parquet").write_bytes(parts[0].read_bytes()[:-9])
    receipt = lake.erase("oulad/11", CLOCK)
    assert list(folder.rglob("*.parquet")) == []
    assert receipt.files >= 3
    lake.erase("oulad/11", CLOCK)


def test_a_build_that_has_read_who_is_erased_keeps_nothing(lake: Lake, tmp_path: Path) -> None:
    folder = tmp_path / "lake" / ".features"
    snapshot = lake.snapshot()
    with lake.shelf(RECIPE, snapshot, [ONE]) as shelf:
        assert shelf is not None
        lake.erase("oulad/11", CLOCK)
        shelf.put(ONE, [(at(5), rows(5))])
    assert list(folder.rglob("*.parquet")) == []
    with lake.shelf(RECIPE, snapshot, [ONE]) as late:
        assert late is not None
        late.put(ONE, [(at(5), rows(5))])
    assert list(folder.rglob("*.parquet")) == [], "its snapshot was taken before"
    keep(lake)
    assert kept(lake) == [5, 10, 20]


def test_what_is_erased_while_it_is_read_is_told_and_not_guessed(lake: Lake) -> None:
    keep(lake)
    with lake.shelf(RECIPE, lake.snapshot(), [ONE]) as shelf:
        assert shelf is not None
        lake.erase("oulad/11", CLOCK)
        with pytest.raises(LakeError, match="try again"):
            shelf.take(ONE, at(5), SCHEMA)


def test_what_a_learner_did_elsewhere_counts_where_the_recipe_says_so(lake: Lake) -> None:
    enrolment = statement(0, run=OTHER) | {"status": "enrolled", "valid_from": DAY_0, "valid_from_on": DAY_0.date()}
    columns = [f for f in enrolment if f not in {"verb", "object", "occurred_on", "interactions"}]
    told = {name: enrolment[name] for name in columns} | {"recorded_at": DAY_0 + timedelta(days=10)}
    for recipe in (RECIPE, ACROSS):
        keep(lake, recipe=recipe)
    # Two recipes of one view: the older one was cleared away.
    assert kept(lake) == []
    keep(lake, recipe=ACROSS)
    arrive(lake, (5, OTHER, 1))
    assert kept(lake, ACROSS) == [5, 10, 20], "statements are not among the kinds it reads elsewhere"
    lake.append("enrolments", delivery([told], "enrolments"))
    assert kept(lake, ACROSS) == [5]
    lake.erase("oulad/11", CLOCK)
    keep(lake, recipe=ACROSS)
    lake.append("statements", delivery([statement(7, run=OTHER, learner="oulad/7")]))
    lake.append(
        "enrolments", delivery([told | {"learner": "oulad/7", "recorded_at": DAY_0 + timedelta(90)}], "enrolments")
    )
    assert kept(lake, ACROSS) == [5, 10, 20]
    lake.erase("oulad/7", CLOCK)
    assert kept(lake, ACROSS) == [5, 10, 20], "who was never in this run leaves nothing to change in it"


def test_a_run_that_is_announced_anew_changes_what_was_built_before_its_first_announcement(lake: Lake) -> None:
    keep(lake, [-40, -20, 5, 20])
    moved = course_run(ONE) | {"id": b"0" * 16, "recorded_at": DAY_0 + timedelta(days=10)}
    lake.append("course_runs", delivery([moved], "course_runs"))
    assert kept(lake) == [-20, 5], "day -40 was before the first announcement, of which there is another now"


def test_a_lake_made_anew_has_nothing_of_the_old_one(lake: Lake, tmp_path: Path) -> None:
    keep(lake)
    for kind in ("statements", "course_runs"):
        for file in sorted((tmp_path / "lake" / kind).rglob("*"), reverse=True):
            file.unlink() if file.is_file() else file.rmdir()
    lake.append("course_runs", delivery([course_run(ONE)], "course_runs"))
    arrive(lake, (1, ONE, 1))
    assert kept(lake) == []


def test_a_log_that_does_not_reach_back_says_nothing_and_so_nothing_is_kept(lake: Lake, tmp_path: Path) -> None:
    keep(lake)
    arrive(lake, (3, OTHER, 1))
    arrive(lake, (4, OTHER, 1))
    assert kept(lake) == [5, 10, 20]
    keep(lake, [30])
    arrive(lake, (5, OTHER, 1))
    arrive(lake, (6, OTHER, 1))
    lake.compact()
    log = tmp_path / "lake" / "statements" / "_delta_log"
    arrive(lake, (7, OTHER, 1))
    from deltalake import DeltaTable

    DeltaTable(str(log.parent)).create_checkpoint()
    (log / "00000000000000000003.json").unlink()
    assert kept(lake) == []


def test_two_builds_at_the_same_time_keep_what_either_made(lake: Lake) -> None:
    with lake.shelf(RECIPE, lake.snapshot(), [ONE]) as one, lake.shelf(RECIPE, lake.snapshot(), [ONE]) as other:
        assert one is not None
        assert other is not None
        one.put(ONE, [(at(5), rows(5))])
        other.put(ONE, [(at(10), rows(10)), (at(5), rows(5))])
    assert kept(lake) == [5, 10]


def test_a_build_on_an_older_lake_that_ends_last_spoils_nothing(lake: Lake) -> None:
    with lake.shelf(RECIPE, lake.snapshot(), [ONE]) as slow:
        assert slow is not None
        arrive(lake, (3, ONE, 7))
        keep(lake)
        slow.put(ONE, [(at(5), rows(5)), (at(20), rows(-1))])
    assert kept(lake) == [5], "what it said of day 20 did not know what was recorded on day 7"


@pytest.mark.parametrize("rows_of_group", [1, 3, 1000])
def test_rows_come_back_as_they_were_put_whatever_their_number(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, rows_of_group: int
) -> None:
    monkeypatch.setattr(built, "ROW_GROUP", rows_of_group)
    put = [(at(day), rows(*range(day))) for day in (1, 7, 0, 2)]
    with lake.shelf(RECIPE, lake.snapshot(), [ONE]) as shelf:
        assert shelf is not None
        shelf.put(ONE, put)
    with lake.shelf(RECIPE, lake.snapshot(), [ONE]) as shelf:
        assert shelf is not None
        assert shelf.kept(ONE) == [at(0), at(1), at(2), at(7)]
        for as_of, table in put:
            assert shelf.take(ONE, as_of, SCHEMA).equals(table)


def test_files_do_not_become_ever_more(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(built, "MOST_PARTS", 3)
    for day in range(12):
        keep(lake, [day])
    assert kept(lake) == list(range(12))
    assert len(list((tmp_path / "lake" / ".features").rglob("*.parquet"))) <= 5


def test_what_a_killed_build_left_is_cleared_away_by_the_next(lake: Lake, tmp_path: Path) -> None:
    keep(lake)
    (part,) = (tmp_path / "lake" / ".features").rglob("*.parquet")
    for name in ("half.parquet", "index.json.0123"):
        (part.parent / name).write_bytes(b"PAR1")
    with lake.shelf(RECIPE, lake.snapshot(), [OTHER]):
        assert kept(lake) == [5, 10, 20], "not while another build may still be writing it"
        assert (part.parent / "half.parquet").exists()
    assert kept(lake) == [5, 10, 20]
    assert sorted(path.name for path in part.parent.iterdir()) == sorted([part.name, "index.json"])


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"run": 1}'])
def test_an_index_that_cannot_be_read_names_nothing(lake: Lake, tmp_path: Path, damage: bytes) -> None:
    keep(lake)
    (index,) = (tmp_path / "lake" / ".features").rglob("index.json")
    index.write_bytes(damage)
    assert kept(lake) == []
    keep(lake)
    assert kept(lake) == [5, 10, 20]


def test_nobody_needs_to_keep_anything(tmp_path: Path) -> None:
    far = Lake((tmp_path / "lake").as_uri())
    with far.shelf(RECIPE, far.snapshot(), [ONE]) as shelf:
        assert shelf is None


def test_a_folder_that_cannot_be_written_is_told_with_the_way_out(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    elsewhere = Lake(tmp_path / "lake", built=tmp_path / "file" / "features")
    with pytest.raises(LakeError, match="--no-keep"), elsewhere.shelf(RECIPE, lake.snapshot(), [ONE]):
        pass
