"""Reading: cut at the as-of time, only what was asked for, with the types that were promised."""

from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import ibis
import pyarrow as pa
import pytest

from headway.domain.errors import InputError, LakeError, UnknownName
from headway.domain.records import KINDS
from headway.domain.time import AsOf
from headway.lake.lake import Lake
from headway.lake.reading import Records
from tests.unit.lake.rows import delivery, statement, table_of


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path / "lake", memory_limit_mib=256, threads=1)
    rows = [statement(n, run=f"oulad/AAA/201{n % 2}J", day=n, late=1) for n in range(10)]
    lake.append("statements", delivery(rows))
    return lake


def test_only_what_was_recorded_by_then_is_there_to_the_microsecond(lake: Lake) -> None:
    with lake.open(AsOf.at("2013-10-04T00:00:00Z"), None) as records:
        found = records.collect(records.table("statements"))
    assert sorted(found["occurred_on"].to_pylist()) == [date(2013, 10, day) for day in (1, 2, 3)]
    with lake.open(AsOf.at("2013-10-03T23:59:59.999999Z"), None) as records:
        assert records.collect(records.table("statements")).num_rows == 2


def test_what_happened_before_but_was_recorded_later_is_not_known(lake: Lake) -> None:
    lake.append("statements", delivery([statement(99, run="oulad/AAA/2010J", day=0, late=60)]))
    with lake.open(AsOf.at("2013-11-01"), None) as records:
        assert records.collect(records.table("statements")).num_rows == 10
    with lake.open(None, None) as records:
        assert records.collect(records.table("statements")).num_rows == 11


def test_only_asked_runs_are_read_and_their_files_alone_are_opened(lake: Lake, tmp_path: Path) -> None:
    for file in (tmp_path / "lake" / "statements" / "run=oulad%2FAAA%2F2011J").iterdir():
        file.unlink()
    with lake.open(None, ["oulad/AAA/2010J"]) as records:
        assert set(records.collect(records.table("statements"))["run"].to_pylist()) == {"oulad/AAA/2010J"}
    with pytest.raises(LakeError, match="headway lake verify"), lake.open(None, None) as records:
        records.collect(records.table("statements"))


def test_of_some_of_the_opened_runs_the_files_alone_are_opened(lake: Lake, tmp_path: Path) -> None:
    early, late = "oulad/AAA/2010J", "oulad/AAA/2011J"
    with lake.open(AsOf.at("2013-10-04T00:00:00Z"), None) as records:
        for file in (tmp_path / "lake" / "statements" / "run=oulad%2FAAA%2F2011J").iterdir():
            file.unlink()
        found = records.collect(records.of_runs("statements", [early]))
        assert sorted((row["run"], row["occurred_on"].day) for row in found.to_pylist()) == [(early, 1), (early, 3)]
        with pytest.raises(LakeError, match="headway lake verify"):
            records.of_runs("statements", [early, late])
    with lake.open(None, [early]) as records:
        assert records.collect(records.of_runs("statements", [late])).num_rows == 0
        assert records.collect(records.of_runs("statements", [early, late])).num_rows == 5
        with pytest.raises(UnknownName):
            records.of_runs("nothing", [early])


def test_no_runs_and_unknown_runs_give_no_rows(lake: Lake) -> None:
    for runs in ([], ["oulad/ZZZ/2099J"]):
        with lake.open(None, runs) as records:
            assert records.collect(records.table("statements")).num_rows == 0


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_has_its_schema_even_where_nothing_was_ever_delivered(lake: Lake, kind: str) -> None:
    with lake.open(AsOf.at("2013-11-01"), None) as records:
        found = records.collect(records.table(kind))
    assert found.schema.equals(KINDS[kind].schema)
    assert found.num_rows == (10 if kind == "statements" else 0)


def test_a_kind_that_was_not_opened_or_does_not_exist_is_refused(lake: Lake) -> None:
    with lake.open(None, None, ["statements"]) as records, pytest.raises(UnknownName, match="statements"):
        records.table("results")
    with pytest.raises(UnknownName, match="Did you mean 'statements'"):
        lake.open(None, None, ["statement"])


def test_an_expression_comes_back_with_its_own_columns_and_types(lake: Lake) -> None:
    with lake.open(None, None) as records:
        statements = records.table("statements")
        expr = statements.group_by("run").agg(total=statements.interactions.sum(), last=statements.occurred_at.max())
        found = records.collect(expr.order_by("run"))
    assert found.schema == pa.schema(
        [("run", pa.string()), ("total", pa.int64()), ("last", pa.timestamp("us", tz="UTC"))]
    )
    assert found.to_pylist() == [
        {"run": "oulad/AAA/2010J", "total": 15, "last": datetime(2013, 10, 9, tzinfo=UTC)},
        {"run": "oulad/AAA/2011J", "total": 15, "last": datetime(2013, 10, 10, tzinfo=UTC)},
    ]


def test_what_is_kept_and_put_can_be_joined_and_replaced(lake: Lake) -> None:
    with lake.open(None, None) as records:
        statements = records.table("statements")
        daily = records.keep("daily", statements.select("id", "run", "occurred_on", "interactions"))
        spine = records.put("spine", pa.table({"run": ["oulad/AAA/2010J"], "as_of_day": [date(2013, 10, 5)]}))
        joined = daily.join(spine, [daily.run == spine.run, daily.occurred_on <= spine.as_of_day])
        assert records.collect(joined.select(n=daily.interactions))["n"].to_pylist() == [1, 3, 5]
        daily = records.keep("daily", daily.filter(daily.interactions > 3))
        assert records.collect(daily).num_rows == 4
        spine = records.put("spine", pa.table({"n": [1, 2]}))
        assert records.collect(spine).column_names == ["n"]


def test_columns_of_what_is_held_are_handed_over_without_a_copy(lake: Lake) -> None:
    with lake.open(None, None) as records:
        statements = records.table("statements")
        held = records.hold("acts", statements.select("run", "learner", "interactions").order_by("learner"))
        whole = records.collect(held)
        some = records.collect(held.drop("run").select("learner", n="interactions"))
        assert some.to_pydict() == {"learner": whole["learner"].to_pylist(), "n": whole["interactions"].to_pylist()}
        assert some["n"].chunk(0).buffers()[1].address == whole["interactions"].chunk(0).buffers()[1].address
        assert records.collect(held.filter(held.interactions > 3)).num_rows == 4
        assert records.collect(held.select(n=held.interactions + 1))["n"].to_pylist() == [
            n + 1 for n in some["n"].to_pylist()
        ]


def test_a_name_can_be_used_again_however_its_table_is_there(lake: Lake) -> None:
    with lake.open(None, None) as records:
        statements = records.table("statements")
        for number, make in enumerate((records.keep, records.hold, records.keep, records.hold, records.hold)):
            made = make("acts", statements.select(n=statements.interactions * 0 + number).limit(1))
            assert records.collect(made)["n"].to_pylist() == [number]
        for make in (records.hold, records.keep):
            make("acts", statements.select("run"))
            assert records.collect(records.put("acts", pa.table({"n": [7]})))["n"].to_pylist() == [7]


def test_what_is_forgotten_is_gone_and_all_else_is_there(lake: Lake) -> None:
    def doubled(rows: pa.Table, cursor: pa.Table) -> pa.Table:
        return pa.concat_tables([rows, cursor])

    with lake.open(None, None) as records:
        runs = records.keep("runs", records.table("statements").select("run").distinct())
        kept = records.keep("kept", runs)
        made = records.transform("made", doubled, runs, runs, runs.schema())
        records.forget(["runs", "made", "statements", "never there"])
        for gone in (runs, made):
            with pytest.raises(duckdb.CatalogException):
                records.collect(gone)
        assert records.collect(kept).num_rows == 2
        assert records.collect(records.table("statements")).num_rows == 10
        assert records.collect(records.transform("made", doubled, kept, kept, kept.schema())).num_rows == 4


def test_what_is_put_may_hold_coded_and_empty_columns(lake: Lake) -> None:
    with lake.open(None, None) as records:
        coded = pa.table(
            {"label": pa.array(["pass", "fail", "pass"]).dictionary_encode(), "note": pa.nulls(3, pa.string())}
        )
        put = records.put("coded", coded)
        assert records.collect(put.filter(put.label == "pass")).to_pylist() == [{"label": "pass", "note": None}] * 2


def test_each_hand_has_a_thread_and_afterwards_all_are_back(tmp_path: Path, lake: Lake) -> None:
    def threads(records: Records) -> int:
        return int(records._con.execute("SELECT current_setting('threads')").fetchall()[0][0])

    two = Lake(tmp_path / "lake", threads=2)
    with two.open(None, None) as records:
        with records.hands() as hands:
            assert [threads(hand) for hand in hands] == [1, 1]
        assert threads(records) == 2
    with two.open(None, None) as records, records.hands():
        records.close()


@pytest.mark.parametrize("name", ["statements", "two words", "x; DROP VIEW statements", ""])
def test_a_name_that_is_taken_or_no_name_is_refused(lake: Lake, name: str) -> None:
    with lake.open(None, None) as records:
        with pytest.raises(InputError, match="cannot name"):
            records.keep(name, records.table("statements"))
        with pytest.raises(InputError, match="cannot name"):
            records.put(name, pa.table({"n": [1]}))


def test_a_variable_of_ours_is_never_taken_for_a_table(lake: Lake) -> None:
    ghost = pa.table({"n": [1]})
    with lake.open(None, None) as records, pytest.raises(Exception, match="ghost"):
        records.collect(ibis.table(ibis.Schema.from_pyarrow(ghost.schema), name="ghost"))


def test_a_snapshot_goes_on_reading_what_was_there(lake: Lake) -> None:
    before = lake.snapshot()
    lake.append("statements", delivery([statement(77)]))
    with lake.open(None, None, snapshot=before) as records:
        assert records.snapshot == before
        assert records.collect(records.table("statements")).num_rows == 10
    with lake.open(None, None) as records:
        assert records.snapshot == lake.snapshot() != before
        assert records.collect(records.table("statements")).num_rows == 11


def test_a_snapshot_of_another_lake_is_refused(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="no such table"):
        Lake(tmp_path / "empty").open(None, None, snapshot=lake.snapshot())
    lake.append("statements", delivery([statement(77)]))
    with pytest.raises(LakeError, match="version 7 of table statements"):
        lake.open(None, None, snapshot=type(lake.snapshot())({"statements": 7}))


def test_the_id_of_a_snapshot_depends_on_the_versions_alone(lake: Lake) -> None:
    made = type(lake.snapshot())
    assert made({"a": 1, "b": 2}).id == made({"b": 2, "a": 1}).id
    assert len({made({}).id, made({"a": 1}).id, made({"a": 2}).id, made({"b": 1}).id}) == 4


def test_history_and_diff_tell_what_came(lake: Lake) -> None:
    before = lake.snapshot()
    lake.append("statements", delivery([statement(n, run="oulad/AAA/2010J", late=2) for n in range(50, 53)]))
    assert lake.diff(before, lake.snapshot()) == {"statements": (3, 0)}
    assert lake.diff(lake.snapshot(), before) == {"statements": (0, 3)}
    assert lake.diff(before, before) == {}
    assert [(v.table, v.version, v.operation, v.rows_added) for v in lake.history()] == [
        ("statements", 1, "append", 3),
        ("statements", 0, "append", 10),
    ]
    assert lake.history("results") == []
    with pytest.raises(UnknownName):
        lake.history("nothing")


def test_a_damaged_log_is_said_to_be_damaged(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "lake" / "statements" / "_delta_log" / f"{0:020}.json").write_text("{")
    with pytest.raises(LakeError, match="statements"):
        lake.open(None, None)


def test_an_earlier_batch_reads_like_the_table(lake: Lake) -> None:
    with lake.open(None, ["oulad/AAA/2010J"]) as records:
        found = records.collect(records.table("statements").order_by("occurred_at"))
    assert found.equals(table_of(statement(n, run="oulad/AAA/2010J", day=n) for n in range(0, 10, 2)))
