"""Caring for the lake: damage is found, files are joined, a learner is forgotten to the last byte."""

import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from headway.domain.errors import InputError, LakeError
from headway.domain.records import KINDS
from headway.domain.time import AsOf, FixedClock
from headway.lake import care
from headway.lake.lake import Lake
from headway.lake.tables import Tables
from tests.unit.lake.rows import activity, delivery, rejected, statement, table_of

CLOCK = FixedClock(datetime(2026, 1, 2, tzinfo=UTC))
SECRET = "oulad/6516zq"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "lake"


@pytest.fixture
def lake(root: Path) -> Lake:
    return Lake(root, memory_limit_mib=256, threads=1)


def _some(count: int = 30, **other: Any) -> list[dict[str, Any]]:
    return [statement(n, run=f"oulad/AAA/201{n % 3}J", learner=f"oulad/{n % 5}", **other) for n in range(count)]


def _data_files(root: Path) -> list[Path]:
    return sorted(root.rglob("*.parquet"))


def test_a_sound_lake_has_rows_digests_and_no_problems(lake: Lake) -> None:
    assert lake.verify().rows == {}
    lake.append("statements", delivery(_some()))
    lake.append("activities", delivery([activity(1, None)], "activities"))
    lake.reject(table_of([rejected(1, "a")], "rejects"))
    found = lake.verify()
    assert found.ok
    assert found.rows == {"activities": 1, "statements": 30, "rejects": 1}
    assert {len(digest) for digest in found.digests.values()} == {32}


def test_digests_do_not_depend_on_files_order_or_split(lake: Lake, tmp_path: Path) -> None:
    rows = _some()
    lake.append("statements", delivery(rows))
    other = Lake(tmp_path / "other", threads=2)
    for place in range(0, 30, 7):
        other.append("statements", delivery(rows[::-1][place : place + 7]))
    assert len(_data_files(tmp_path / "other")) > len(_data_files(tmp_path / "lake"))
    assert lake.verify() == other.verify()


@pytest.mark.parametrize(
    "change",
    [
        {"learner": "oulad/x"},
        {"object": None},
        {"object": ""},
        {"object": "~"},
        {"score": 0.5},
        {"success": False},
        {"hour": 0},
        {"verb": "viewed|", "object": "oulad/AAA/0"},
        {"late": 2},
    ],
)
def test_a_change_anywhere_changes_the_digest(tmp_path: Path, change: dict[str, Any]) -> None:
    digests = set()
    for place, rows in enumerate(([statement(0)], [statement(0, **change)])):
        lake = Lake(tmp_path / str(place), threads=1)
        lake.append("statements", delivery(rows))
        digests.add(lake.verify().digests["statements"])
    assert len(digests) == 2


def test_the_two_zeros_are_one_in_digests_as_they_are_one_when_compared(lake: Lake, tmp_path: Path) -> None:
    other = Lake(tmp_path / "other", threads=1)
    lake.append("statements", delivery([statement(1, score=0.0)]))
    other.append("statements", delivery([statement(1, score=-0.0)]))
    assert lake.append("statements", delivery([statement(1, score=-0.0)])).unchanged == 1
    assert lake.verify() == other.verify()


def test_a_digest_can_be_worked_out_without_the_lake(lake: Lake) -> None:
    """So that it stays the same in every session and release: the formula is written down twice."""
    lake.append("statements", delivery([statement(1), statement(2, score=0.25, success=True)]))
    low = high = 0
    for number, rest in ((1, "~|~|~|~"), (2, "~|0.25|true|~")):
        row = statement(number)
        learner, verb, where = "8:oulad/11", "6:viewed", f"11:oulad/AAA/{number}"
        known = f"{row['id'].hex().upper()}|5:oulad|15:oulad/AAA/2013J|1380585600000000|1380672000000000"
        text = f"{known}|{learner}|{verb}|{where}|~|~|~|~|2013-10-01|~|{row['interactions']}|{rest}|~|~"
        # DuckDB reads the sixteen bytes of an MD5 as a number with the last byte first.
        value = int.from_bytes(hashlib.md5(text.encode()).digest(), "little")
        low, high = low + value % 2**64, high + value // 2**64
    wanted = hashlib.sha256(f"statements:2:{low}:{high}".encode()).hexdigest()[:32]
    assert lake.verify().digests == {"statements": wanted}


def test_a_missing_file_is_named(lake: Lake, root: Path) -> None:
    lake.append("statements", delivery(_some()))
    lost = _data_files(root)[0]
    lost.unlink()
    found = lake.verify()
    assert found.problems == [f"statements: file {lost.relative_to(root / 'statements')} is missing."]
    assert "statements" not in found.digests


def test_a_file_cut_short_is_named(lake: Lake, root: Path) -> None:
    lake.append("statements", delivery(_some()))
    hurt = _data_files(root)[0]
    hurt.write_bytes(hurt.read_bytes()[:-20])
    (problem,) = lake.verify().problems
    assert problem.startswith(f"statements: file {hurt.relative_to(root / 'statements')} cannot be read")


def test_a_file_hurt_inside_is_noticed(lake: Lake, root: Path) -> None:
    lake.append("statements", delivery(_some(3000)))
    hurt = _data_files(root)[0]
    content = bytearray(hurt.read_bytes())
    content[200:6000] = bytes(5800)
    hurt.write_bytes(content)
    assert len(lake.verify().problems) == 1


def test_a_file_with_other_rows_is_named(lake: Lake, root: Path) -> None:
    lake.append("statements", delivery(_some()))
    log = root / "statements" / "_delta_log" / f"{0:020}.json"
    log.write_text(log.read_text().replace('numRecords\\":10', 'numRecords\\":11', 1))
    (problem,) = lake.verify().problems
    assert problem.endswith("has 10 rows, the log says 11.")


def test_rows_written_past_the_lake_are_checked(lake: Lake, root: Path) -> None:
    lake.append("statements", delivery(_some()))
    foreign = table_of([statement(0, run="oulad/AAA/2010J", learner="oulad/0"), statement(99) | {"verb": None}])
    write_deltalake(str(root / "statements"), foreign, mode="append")
    assert lake.verify().problems == [
        "statements: required column 'verb' is empty in 1 of 32 rows.",
        "statements: 1 ids are held by more than one row.",
    ]


def test_a_table_of_another_shape_is_named(lake: Lake, root: Path) -> None:
    wrong = table_of(_some()).drop_columns(["verb", "hour"]).rename_columns({"score": "mark"})
    write_deltalake(str(root / "statements"), wrong, partition_by="run")
    assert lake.verify().problems == [
        "statements: unknown column 'mark'.",
        "statements: column 'verb' is missing.",
    ]


def test_a_log_that_cannot_be_read_is_a_problem_not_a_crash(lake: Lake, root: Path) -> None:
    lake.append("statements", delivery(_some()))
    (root / "statements" / "_delta_log" / f"{0:020}.json").write_text("{")
    (problem,) = lake.verify().problems
    assert problem.startswith("statements: ")


def test_compaction_joins_files_and_keeps_every_row_and_snapshot(lake: Lake, root: Path) -> None:
    rows = _some(40)
    for place in range(0, 40, 10):
        lake.append("statements", delivery(rows[place : place + 10]))
    before, old = lake.verify(), lake.snapshot()
    done = lake.compact()
    assert (done.files_before, done.files_after) == (12, 3)
    assert lake.verify() == before
    assert lake.diff(old, lake.snapshot()) == {}
    with lake.open(None, None, snapshot=old) as records:
        assert records.collect(records.table("statements")).num_rows == 40
    assert lake.history("statements")[0].operation == "compact"
    again = lake.compact()
    assert (again.files_before, again.files_after) == (3, 3)
    assert lake.append("statements", delivery(rows)).unchanged == 40


def test_small_files_are_joined_where_a_run_has_many(lake: Lake) -> None:
    for number in range(3):
        lake.append("statements", delivery([statement(number), statement(number, run="oulad/BBB/2013B")]))
    lake.append("activities", delivery([activity(1, None)], "activities"))
    before = lake.verify().digests, lake.snapshot(), lake.paths()
    assert lake.join_small(3) == 0
    assert (lake.verify().digests, lake.snapshot(), lake.paths()) == before
    assert lake.join_small(2) == 1
    assert {run: len(paths) for run, paths in lake.paths(["statements"]).items()} == dict.fromkeys(before[2], 1)
    assert lake.verify().digests == before[0]
    with lake.open(None, None, snapshot=before[1]) as records:
        assert records.collect(records.table("statements")).num_rows == 6
    assert lake.join_small(2) == 0


def test_files_replaced_more_than_a_week_ago_are_destroyed(lake: Lake, root: Path) -> None:
    for number in range(3):
        lake.append("statements", delivery([statement(number)]))
    lake.compact()

    def files() -> int:
        return len(list((root / "statements").rglob("*.parquet")))

    before = lake.verify().digests, lake.paths()
    assert (lake.discard_replaced(), files()) == (0, 4)
    log = root / "statements" / "_delta_log"
    commit = max(file for file in log.iterdir() if '"remove"' in file.read_text(encoding="utf-8"))
    told = re.sub(
        r'"deletionTimestamp":(\d+)',
        lambda at: f'"deletionTimestamp":{int(at[1]) - 8 * 24 * 3_600_000}',
        commit.read_text(encoding="utf-8"),
    )
    commit.write_text(told, encoding="utf-8")
    again = Lake(root)
    assert (again.discard_replaced(), files()) == (3, 1)
    assert (again.verify().digests, again.paths()) == before


def test_compacting_an_empty_lake_does_nothing(lake: Lake) -> None:
    assert lake.compact() == care.Compacted(0, 0)


def _traces(root: Path, *words: str) -> list[str]:
    """Files below root that hold one of the words: in their bytes, or in a Parquet file's values."""
    found = []
    for file in sorted(path for path in root.rglob("*") if path.is_file()):
        content = file.read_bytes()
        if file.suffix == ".parquet":
            content += repr(pq.ParquetFile(file).read().to_pylist()).encode()
        if any(word.encode() in content for word in words):
            found.append(str(file.relative_to(root)))
    return found


def _lake_with_secret(lake: Lake) -> None:
    """A lake whose learner SECRET is in several kinds, runs, versions and quarantined rows."""
    lake.append("statements", delivery(_some()))
    mine = [statement(n, run=f"oulad/AAA/201{n % 2}J", learner=SECRET) for n in range(100, 110)]
    lake.append("statements", delivery(mine[:5]))
    lake.append("statements", delivery([*mine[5:], *_some(60)]))
    outcome = {key: statement(1, learner=SECRET)[key] for key in ("id", "source", "run", "occurred_at", "recorded_at")}
    lake.append("outcomes", delivery([outcome | {"learner": SECRET, "label": "pass"}], "outcomes"))
    lake.append("activities", delivery([activity(1, None)], "activities"))
    lake.reject(
        table_of(
            [
                rejected(1, "AAA,2013J,6516zq,-12"),
                rejected(2, '{"id": "6516zq"}', source="moodle"),
                rejected(3, "AAA,2013J,16516zq,-12"),  # another learner, whose id ends alike
                rejected(4, "AAA,2013J,6516zq7,-12"),
                rejected(5, "x") | {"detail": "Learner 6516zq has no module."},
                rejected(6, "row of Ada Lovelace, 1815"),
            ],
            "rejects",
        )
    )
    lake.compact()


def test_an_erased_learner_leaves_no_byte_and_all_others_stay(lake: Lake, root: Path, tmp_path: Path) -> None:
    _lake_with_secret(lake)
    assert _traces(root, SECRET, "Lovelace")

    receipt = lake.erase(SECRET, CLOCK, also_named=["Ada Lovelace"])

    assert _traces(root, SECRET, "Lovelace") == []
    assert receipt.learner == SECRET
    assert receipt.at == CLOCK.now()
    assert (receipt.rows, receipt.rejects) == ({"statements": 10, "outcomes": 1}, 4)
    assert receipt.files > 0
    assert [row["raw"] for row in lake.rejects().to_pylist()] == ["AAA,2013J,16516zq,-12", "AAA,2013J,6516zq7,-12"]

    never = Lake(tmp_path / "never", threads=1)
    never.append("statements", delivery(_some(60)))
    found = lake.verify()
    assert found.ok
    assert found.digests["statements"] == never.verify().digests["statements"]
    assert found.rows["outcomes"] == 0
    assert found.rows["activities"] == 1


def test_the_log_never_named_a_learner_at_all(lake: Lake, root: Path) -> None:
    _lake_with_secret(lake)
    DeltaTable(str(root / "statements")).create_checkpoint()
    logs = [path for path in root.rglob("*") if path.parent.name == "_delta_log"]
    assert any(path.suffix == ".parquet" for path in logs)
    assert not any(b"oulad/6516" in path.read_bytes() or b"6516zq" in path.read_bytes() for path in logs)


def test_erasing_again_or_a_stranger_finds_nothing_and_makes_no_version(lake: Lake) -> None:
    _lake_with_secret(lake)
    lake.erase(SECRET, CLOCK)
    before = lake.snapshot()
    for learner in (SECRET, "oulad/nobody"):
        receipt = lake.erase(learner, CLOCK)
        assert (receipt.rows, receipt.rejects, receipt.files) == ({}, 0, 0)
    assert lake.snapshot() == before


def test_an_erasure_that_was_cut_off_before_the_clean_up_is_finished_by_the_next(
    lake: Lake, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _lake_with_secret(lake)
    with monkeypatch.context() as patched:
        patched.setattr(Tables, "vacuum", lambda *_args, **_named: 0)
        lake.erase(SECRET, CLOCK)
    assert _traces(root, SECRET)
    assert lake.erase(SECRET, CLOCK).files > 0
    assert _traces(root, SECRET) == []


def test_a_file_that_cannot_be_destroyed_is_not_passed_over(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    _lake_with_secret(lake)
    real = DeltaTable.vacuum
    monkeypatch.setattr(
        DeltaTable, "vacuum", lambda self, hours, _dry, *rest, **named: real(self, hours, True, *rest, **named)
    )
    with pytest.raises(LakeError, match="could not be destroyed"):
        lake.erase(SECRET, CLOCK)


def test_leavings_of_a_killed_import_are_destroyed_too(lake: Lake, root: Path) -> None:
    lake.append("statements", delivery(_some()))
    stray = root / "statements" / "run=oulad%2FAAA%2F2010J" / "part-00000-stray.zstd.parquet"
    pq.write_table(table_of([statement(1, learner=SECRET)]).drop_columns("run"), stray)
    spilled = root / ".spill" / "dead" / "block.tmp"
    spilled.parent.mkdir()
    spilled.write_text(SECRET)
    lake.erase(SECRET, CLOCK)
    assert _traces(root, SECRET) == []
    assert lake.verify().ok


def test_an_old_snapshot_says_that_its_files_are_gone_and_an_as_of_time_still_reads(lake: Lake) -> None:
    _lake_with_secret(lake)
    old = lake.snapshot()
    lake.erase(SECRET, CLOCK)
    with pytest.raises(LakeError, match="erased or compacted"):
        lake.open(None, None, ["statements"], old)
    with lake.open(AsOf.at("2013-10-03T00:00:00Z"), None) as records:
        assert records.collect(records.table("statements")).num_rows == 60


def test_an_erased_learner_that_held_a_whole_run_leaves_it_empty(lake: Lake, root: Path) -> None:
    lake.append("statements", delivery([statement(1, learner=SECRET), statement(2, run="oulad/B/1")]))
    assert lake.erase(SECRET, CLOCK).rows == {"statements": 1}
    assert _traces(root, SECRET) == []
    assert lake.verify().rows == {"statements": 1}
    assert lake.append("statements", delivery([statement(3)])).accepted == 1


def test_a_learner_id_with_quotes_is_taken_literally(lake: Lake) -> None:
    odd = "oulad/o'hara (x|y)"
    lake.append("statements", delivery([statement(1, learner=odd), statement(2)]))
    lake.reject(table_of([rejected(1, "AAA,o'hara (x|y),2"), rejected(2, "AAA,x,2")], "rejects"))
    receipt = lake.erase(odd, CLOCK)
    assert (receipt.rows, receipt.rejects) == ({"statements": 1}, 1)


def test_an_empty_name_erases_nothing(lake: Lake) -> None:
    lake.append("statements", delivery(_some()))
    for learner, names in (("", []), ("oulad/", []), ("oulad/1", [""])):
        with pytest.raises(InputError, match="empty name"):
            lake.erase(learner, CLOCK, names)
    assert lake.verify().rows == {"statements": 30}


def test_an_erasure_starts_over_when_someone_else_wrote_meanwhile(
    lake: Lake, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.append("statements", delivery([statement(1, learner=SECRET)]))
    real = Tables.write
    others = [table_of([statement(2, learner=SECRET), statement(3)])]

    def late(self: Tables, *args: Any, **named: Any) -> bool:
        if others:
            write_deltalake(str(root / "statements"), others.pop(), mode="append")
        return real(self, *args, **named)

    monkeypatch.setattr(Tables, "write", late)
    assert lake.erase(SECRET, CLOCK).rows == {"statements": 2}
    assert _traces(root, SECRET) == []
    assert lake.verify().rows == {"statements": 1}


def test_an_erasure_that_never_gets_its_turn_says_so(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.append("statements", delivery([statement(1, learner=SECRET)]))
    monkeypatch.setattr(Tables, "write", lambda *_args, **_named: False)
    with pytest.raises(LakeError, match="erase again"):
        lake.erase(SECRET, CLOCK)


def test_every_learner_scoped_kind_is_reached(lake: Lake, root: Path) -> None:
    scoped = [kind for kind in KINDS.values() if kind.learner_scoped]
    for kind in scoped:
        row = dict.fromkeys(kind.schema.names) | statement(1, learner=SECRET)
        filler = {
            "label": "pass",
            "status": "enrolled",
            "attempt": 1,
            "transferred": False,
            "item": "i",
            "activity": "a",
        }
        filler |= {"type": "forum", "body": "hello", "name": "age", "sensitive": True, "valid_from": row["occurred_at"]}
        filler |= {"valid_from_on": row["occurred_on"]}
        rows = [
            {
                name: (filler | row if row.get(name) is not None else row | filler).get(name)
                for name in kind.schema.names
            }
        ]
        assert lake.append(kind.name, delivery(rows, kind.name)).accepted == 1
    assert lake.erase(SECRET, CLOCK).rows == {kind.name: 1 for kind in scoped}
    assert _traces(root, SECRET) == []
