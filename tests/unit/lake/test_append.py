"""Appending: once, whole or not at all, and every row answered for."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from headway.domain.errors import ConfigError, LakeError, SourceError, UnknownName
from headway.domain.records import KINDS
from headway.lake import append as appending
from headway.lake import tables as lake_tables
from headway.lake.lake import Lake
from tests.unit.lake.rows import activity, course_run, delivery, rejected, statement, table_of

STATEMENTS = KINDS["statements"].schema


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", memory_limit_mib=256, threads=1)


def _all(lake: Lake, kind: str = "statements") -> list[dict[str, Any]]:
    with lake.open(None, None, [kind]) as records:
        rows: list[dict[str, Any]] = records.collect(records.table(kind)).to_pylist()
    return sorted(rows, key=lambda row: row["id"])


def test_what_was_appended_is_read_back_value_for_value(lake: Lake) -> None:
    rows = [
        statement(1, score=0.5, success=True, hour=13, duration_s=1.25, progress=0.0),
        statement(2, learner="oulad/Ωmega", object=None),
        statement(3, run="edx/course-v1:MITx+6.002x/2013 Spring"),
    ]
    became = lake.append("statements", delivery(rows))
    assert (became.read, became.accepted, became.unchanged, became.conflicting.num_rows) == (3, 3, 0, 0)
    assert _all(lake) == sorted(table_of(rows).to_pylist(), key=lambda row: row["id"])


def test_lists_and_absent_lists_survive(lake: Lake) -> None:
    rows = [activity(1, ["algebra", "fractions, mixed"]), activity(2, []), activity(3, None)]
    lake.append("activities", delivery(rows, "activities"))
    assert sorted((row["activity"], row["skills"]) for row in _all(lake, "activities")) == [
        ("oulad/AAA/1", ["algebra", "fractions, mixed"]),
        ("oulad/AAA/2", []),
        ("oulad/AAA/3", None),
    ]
    assert lake.append("activities", delivery(rows, "activities")).unchanged == 3


def test_the_same_delivery_again_changes_nothing_and_makes_no_version(lake: Lake) -> None:
    rows = [statement(n) for n in range(50)]
    lake.append("statements", delivery(rows))
    before = lake.snapshot()
    became = lake.append("statements", delivery(rows))
    assert (became.read, became.accepted, became.unchanged, became.conflicting.num_rows) == (50, 0, 50, 0)
    assert lake.snapshot() == before
    assert len(_all(lake)) == 50


def test_other_words_under_a_known_id_come_back_whole_and_the_first_stay(lake: Lake) -> None:
    lake.append("statements", delivery([statement(1), statement(2)]))
    other = statement(2, interactions=99)
    became = lake.append("statements", delivery([statement(1), other, statement(3)]))
    assert (became.read, became.accepted, became.unchanged) == (3, 1, 1)
    assert became.conflicting.equals(table_of([other]))
    assert 99 not in [row["interactions"] for row in _all(lake)]


@pytest.mark.parametrize("column", [c for c in STATEMENTS.names if c not in {"id", "run"}])
def test_a_difference_in_any_column_is_a_conflict(lake: Lake, column: str) -> None:
    lake.append("statements", delivery([statement(1)]))
    changed: Any = {
        "occurred_at": statement(1, day=1)["occurred_at"],
        "recorded_at": statement(1, day=1)["recorded_at"],
        "occurred_on": statement(1, day=1)["occurred_on"],
        "hour": 3,
        "interactions": 77,
        "success": False,
    }.get(column, 0.5 if STATEMENTS.field(column).type == pa.float64() else "other")
    became = lake.append("statements", delivery([statement(1, **{column: changed})]))
    assert (became.accepted, became.unchanged, became.conflicting.num_rows) == (0, 0, 1)


def test_repeats_inside_a_delivery_keep_the_first_in_delivery_order(lake: Lake) -> None:
    rows = [statement(n) for n in range(3000)]
    rows.insert(10, statement(2999, interactions=40))  # the first of its id, far before the other
    rows.append(statement(5))
    became = lake.append("statements", delivery(rows, batch_rows=700))
    assert (became.read, became.accepted, became.unchanged) == (3002, 3000, 1)
    assert became.conflicting.equals(table_of([statement(2999)]))


def test_a_repeat_is_compared_with_the_lake_where_the_lake_knows_it(lake: Lake) -> None:
    lake.append("statements", delivery([statement(1)]))
    wrong = statement(1, interactions=40)
    became = lake.append("statements", delivery([wrong, wrong, statement(1)]))
    assert (became.accepted, became.unchanged, became.conflicting.num_rows) == (0, 1, 2)


def test_one_delivery_of_several_runs_is_one_version(lake: Lake) -> None:
    lake.append("statements", delivery([statement(0)]))
    rows = [statement(n, run=f"oulad/AAA/{2010 + n % 4}J") for n in range(40)]
    lake.append("statements", delivery(rows))
    assert [(version.operation, version.rows_added) for version in lake.history("statements")] == [
        ("append", 40),
        ("append", 1),
    ]


def test_an_empty_delivery_makes_nothing(lake: Lake, tmp_path: Path) -> None:
    became = lake.append("statements", delivery([]))
    assert (became.read, became.accepted, became.unchanged) == (0, 0, 0)
    assert became.conflicting.schema == STATEMENTS
    assert lake.snapshot().versions == {}
    assert not (tmp_path / "lake" / "statements").exists()


def test_a_missing_column_is_named(lake: Lake) -> None:
    with pytest.raises(SourceError, match="no column 'verb'"):
        lake.append("statements", table_of([statement(1)]).drop_columns("verb").to_reader())


def test_a_column_of_another_type_is_named(lake: Lake) -> None:
    wrong = table_of([statement(1)])
    place = wrong.schema.get_field_index("interactions")
    wrong = wrong.set_column(place, "interactions", wrong["interactions"].cast(pa.int32()))
    with pytest.raises(SourceError, match=r"'interactions' .* is int32\. Deliver it as int64"):
        lake.append("statements", wrong.to_reader())


def test_an_unknown_column_is_named(lake: Lake) -> None:
    rows = table_of([statement(1)])
    with pytest.raises(SourceError, match="unknown column 'email'"):
        lake.append("statements", rows.append_column("email", pa.array(["a@b"])).to_reader())


@pytest.mark.parametrize("column", sorted(KINDS["statements"].required))
def test_an_empty_required_column_is_named_and_nothing_is_kept(lake: Lake, column: str) -> None:
    with pytest.raises(SourceError, match=f"'{column}' is empty in 1 of 3 statements"):
        lake.append("statements", delivery([statement(1), statement(2) | {column: None}, statement(3)]))
    assert not lake.has_records()


def test_an_id_of_the_wrong_length_and_a_run_without_name_are_refused(lake: Lake) -> None:
    with pytest.raises(SourceError, match="'id' of 1 statements has not 16 bytes"):
        lake.append("statements", delivery([statement(1) | {"id": b"short"}]))
    with pytest.raises(SourceError, match="'run' of 1 statements is an empty text"):
        lake.append("statements", delivery([statement(1, run="")]))


def test_an_unknown_kind_is_answered_with_the_nearest(lake: Lake) -> None:
    with pytest.raises(UnknownName, match="statements"):
        lake.append("statement", delivery([statement(1)]))


def test_an_error_of_the_source_on_the_way_comes_through_as_it_is_and_nothing_is_kept(lake: Lake) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield from table_of([statement(n) for n in range(100)]).to_batches()
        raise SourceError("studentVle.csv ends in the middle of a row.")

    with pytest.raises(SourceError, match="ends in the middle"):
        lake.append("statements", pa.RecordBatchReader.from_batches(STATEMENTS, batches()))
    assert lake.snapshot().versions == {}


def test_a_batch_that_breaks_its_promise_is_refused(lake: Lake) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield from table_of([statement(1)]).to_batches()
        yield from table_of([statement(2)]).drop_columns("verb").to_batches()

    with pytest.raises(SourceError, match="no column 'verb'"):
        lake.append("statements", pa.RecordBatchReader.from_batches(STATEMENTS, batches()))


def test_several_writers_of_the_same_rows_land_them_once(tmp_path: Path) -> None:
    def write(part: int) -> int:
        lake = Lake(tmp_path / "lake", memory_limit_mib=256, threads=1)
        return lake.append("statements", delivery([statement(n) for n in range(part, part + 60)])).accepted

    with ThreadPoolExecutor(4) as pool:
        accepted = list(pool.map(write, [0, 0, 20, 40]))
    lake = Lake(tmp_path / "lake")
    assert sum(accepted) == 100 == len(_all(lake))
    assert lake.verify().ok


def test_a_commit_of_someone_else_after_the_comparison_is_noticed(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on an object store, where there is no lock: the other writer comes between comparing and writing."""
    lake.append("statements", delivery([statement(0)]))
    real = appending._new_rows
    others = [lambda: _append_behind_the_lock(lake, [statement(1), statement(2, interactions=50)])]

    def interrupted(*args: Any) -> pa.RecordBatchReader:
        if others:
            others.pop()()
        return real(*args)

    monkeypatch.setattr(appending, "_new_rows", interrupted)
    became = lake.append("statements", delivery([statement(1), statement(2), statement(3)]))
    assert (became.accepted, became.unchanged, became.conflicting.num_rows) == (1, 1, 1)
    assert len(_all(lake)) == 4
    assert lake.verify().ok


def test_two_makers_of_the_first_version_land_once(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    real = appending._new_rows
    others = [lambda: _append_behind_the_lock(lake, [statement(1)], first=True)]

    def interrupted(*args: Any) -> pa.RecordBatchReader:
        if others:
            others.pop()()
        return real(*args)

    monkeypatch.setattr(appending, "_new_rows", interrupted)
    assert lake.append("statements", delivery([statement(1), statement(2)])).accepted == 1
    assert len(_all(lake)) == 2


def test_who_is_always_second_gives_up_with_advice(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lake_tables.Tables, "write", lambda *_args, **_named: False)
    with pytest.raises(LakeError, match="try again"):
        lake.append("statements", delivery([statement(1)]))


def _append_behind_the_lock(lake: Lake, rows: list[dict[str, Any]], *, first: bool = False) -> None:
    target = f"{lake._tables}/statements"
    if first:
        write_deltalake(target, table_of(rows), partition_by="run")
    else:
        write_deltalake(target, table_of(rows), mode="append")


def test_a_kind_that_has_grown_a_column_is_appended_to_and_read(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.append("statements", delivery([statement(1)]))
    kind = KINDS["statements"]
    grown = type(kind)("statements", kind.schema.append(pa.field("device", pa.string())), kind.required, True)
    monkeypatch.setitem(KINDS, "statements", grown)
    assert [row["device"] for row in _all(lake)] == [None]
    became = lake.append("statements", delivery([statement(1), statement(2, run="oulad/B/1", device="phone")]))
    assert (became.accepted, became.unchanged) == (1, 1)
    assert sorted(str(row["device"]) for row in _all(lake)) == ["None", "phone"]
    assert lake.verify().ok


def test_rejects_are_kept_once_and_counted(lake: Lake) -> None:
    some = [
        rejected(1, "a,b"),
        rejected(2, "c,d"),
        rejected(3, "e", reason="no_learner"),
        rejected(4, "x", source="csv"),
    ]
    assert lake.reject(table_of(some, "rejects")) == 4
    assert lake.reject(table_of(some[:2], "rejects")) == 0
    assert lake.reject(table_of([], "rejects")) == 0
    assert lake.reject_counts() == [
        ("csv", "statements", "bad_date", 1),
        ("oulad", "statements", "bad_date", 2),
        ("oulad", "statements", "no_learner", 1),
    ]
    assert lake.rejects("oulad").equals(table_of(some[:3], "rejects"))
    assert lake.rejects().num_rows == 4
    assert lake.rejects("moodle").num_rows == 0
    assert not lake.has_records()


def test_a_lake_without_rejects_counts_none(lake: Lake) -> None:
    assert lake.reject_counts() == []
    assert lake.rejects().equals(table_of([], "rejects"))


def test_runs_are_those_with_a_course_run(lake: Lake) -> None:
    assert lake.runs() == []
    assert not lake.has_records()
    runs = ["oulad/BBB/2014B", "oulad/AAA/2013J"]
    lake.append("course_runs", delivery([course_run(run) for run in runs], "course_runs"))
    lake.append("statements", delivery([statement(1, run="oulad/CCC/2014J")]))
    assert lake.runs() == sorted(runs)
    assert lake.has_records()


def test_a_folder_that_the_engines_cannot_take_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="without \\[ \\]"):
        Lake(tmp_path / "lake [old]")
    with pytest.raises(ConfigError, match="at least 128"):
        Lake(tmp_path, memory_limit_mib=1)


@pytest.mark.parametrize("folder", ["with space", "it's", "100% sûr", "a#b", "k=v&c+d"])
def test_a_folder_with_signs_in_its_name_works(tmp_path: Path, folder: str) -> None:
    lake = Lake(tmp_path / folder / "lake", threads=1)
    rows = [statement(n, run=run) for n, run in enumerate(["x/100%/%2F", "a/b c/d'e", "u/é/日本", "m/a=b&c/~!*?[]#"])]
    assert lake.append("statements", delivery(rows)).accepted == 4
    assert lake.append("statements", delivery(rows)).unchanged == 4
    with lake.open(None, ["m/a=b&c/~!*?[]#", "u/é/日本"]) as records:
        found = records.collect(records.table("statements"))["run"].to_pylist()
    assert sorted(found) == ["m/a=b&c/~!*?[]#", "u/é/日本"]
    assert lake.verify().ok


def test_a_uri_is_read_and_written_through_the_object_store(tmp_path: Path) -> None:
    lake = Lake((tmp_path / "store").as_uri(), threads=1)
    (tmp_path / "store").mkdir()
    rows = [statement(n, run=f"oulad/AAA/{n % 3}") for n in range(30)]
    assert lake.append("statements", delivery(rows)).accepted == 30
    assert lake.append("statements", delivery([*rows, statement(1, run="oulad/AAA/1", verb="posted")])).unchanged == 30
    assert len(_all(lake)) == 30
    with lake.open(None, ["oulad/AAA/2"]) as records:
        assert records.collect(records.table("statements")).num_rows == 10
    local = Lake(tmp_path / "store", threads=1)
    assert lake.verify() == local.verify()
    assert lake.verify().ok


def test_nothing_spilled_is_left_behind_and_leavings_of_the_dead_are_swept(lake: Lake, tmp_path: Path) -> None:
    lake.append("statements", delivery([statement(1)]))
    spills = tmp_path / "lake" / ".spill"
    assert list(spills.iterdir()) == []
    dead = spills / "left-by-a-killed-import"
    dead.mkdir()
    (dead / "duckdb_temp_storage-0.tmp").write_bytes(b"oulad/11")
    lake.append("statements", delivery([statement(2)]))
    assert list(spills.iterdir()) == []
