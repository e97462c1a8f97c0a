"""Made-up worlds are what they promise; pandas and Polars find the same values as headway; what differs is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from headway.benchmarks import imports, tasks
from headway.benchmarks.listing import BENCHMARKS, run
from headway.benchmarks.measure import Measured
from headway.benchmarks.plain import PLAIN, run_files
from headway.benchmarks.world import World, records_of, size_of, world_in
from headway.cli import bench
from headway.domain.errors import HeadwayError, UnknownName
from headway.domain.records import KINDS

EVENTS = 8_000


def here(task: Callable[..., Any], cores: int = 0, **arguments: Any) -> Measured:
    """The task done in this process, which has imported all that it needs; how processes are measured has its tests."""
    del cores
    return Measured(2.0, 3.0, 100.0, task(**arguments))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def features(place: Path) -> dict[str, Any]:
    """What the benchmark of features says of a tiny world."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("benchmark", "features"):
            patch.setattr(f"headway.benchmarks.{module}.measured", here)
        return run("features", n=EVENTS, repeat=1, keep=place, threads=2)


@pytest.fixture(scope="module")
def world(place: Path, features: dict[str, Any]) -> World:
    return World(**world_in(str(place), EVENTS))


def test_pandas_and_polars_find_the_same_values(features: dict[str, Any]) -> None:
    assert set(features["peers"]) == {"pandas", "polars"}
    for peer in features["peers"]:
        agree = features["agree"][peer]
        assert agree["rows"] == features["rows"] > 100
        assert agree["values"] == agree["rows"] * len(PLAIN)
        assert agree["greatest_difference"] <= 1e-6


def test_the_document_is_the_one_promised(features: dict[str, Any]) -> None:
    assert features["name"] == "features"
    assert 0.8 * EVENTS < features["n"] < 1.4 * EVENTS
    measured = [features["headway"], *features["peers"].values(), features["limit"]]
    assert all(set(figures) == {"seconds", "cpu_seconds", "peak_mib"} for figures in measured)
    assert all(figures["seconds"] > 0 and figures["peak_mib"] > 0 for figures in measured)
    assert features["growth"] == []
    json.dumps(features, allow_nan=False)


def test_values_are_neither_constant_nor_absent(place: Path, features: dict[str, Any]) -> None:
    table = pq.read_table(place / "headway.parquet")
    assert table.num_rows == features["rows"]
    for name in PLAIN:
        assert len(set(table[name].drop_null().to_pylist())) > 2, name


@pytest.mark.parametrize("change", ["a value", "an absent value", "a missing row"])
def test_what_differs_is_refused(place: Path, tmp_path: Path, features: dict[str, Any], change: str) -> None:
    table = pq.read_table(place / "pandas.parquet")
    clicks = table["interactions_7d"].to_pylist()
    if change == "a missing row":
        table = table.slice(1)
    else:
        clicks[17] = clicks[17] + 0.001 if change == "a value" else None
        table = table.set_column(table.schema.get_field_index("interactions_7d"), "interactions_7d", pa.array(clicks))
    pq.write_table(table, other := tmp_path / "other.parquet")
    said = "1 of .* rows on one side only" if change == "a missing row" else "1 features differ .interactions_7d by"
    with pytest.raises(HeadwayError, match=said):
        tasks.compared(str(place / "headway.parquet"), str(other), "a peer", list(PLAIN))


def test_a_world_has_what_makes_features_hard(world: World) -> None:
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        lake = f"{world.home}/lake"
        seen = con.execute(
            "SELECT count(*), count(*) FILTER (recorded_at > occurred_on + INTERVAL 1 DAY), "
            "count(*) FILTER (interactions = 0), min(recorded_at >= occurred_at), count(DISTINCT run) "
            f"FROM read_parquet('{lake}/statements/**/*.parquet', hive_partitioning = true)"
        ).fetchall()[0]
        changes = con.execute(
            "SELECT count(*) FILTER (status = 'enrolled'), count(*) FILTER (status = 'withdrawn'), "
            f"count(*) FILTER (recorded_at > valid_from) FROM read_parquet('{lake}/enrolments/**/*.parquet')"
        ).fetchall()[0]
    assert (seen[0], seen[4]) == (world.statements, world.runs)
    assert 0 < seen[1] < 0.1 * seen[0]
    assert seen[2] > 0
    assert seen[3]
    assert changes[0] == world.enrolments
    assert changes[1] > changes[2] >= 0


def test_a_world_that_is_there_is_not_made_again_and_the_same_seed_gives_the_same(world: World, place: Path) -> None:
    assert World(**world_in(str(place), EVENTS)) == world
    one, same, other = (
        list(records_of(1, size)) for size in (size_of(EVENTS), size_of(EVENTS), size_of(EVENTS, seed=2))
    )
    assert one == same
    assert all(mine != others for (_, mine), (_, others) in zip(one, other, strict=True))
    assert all(table.schema == KINDS[kind].schema for kind, table in one)


def test_files_are_found_by_run(world: World) -> None:
    found = run_files(world.home)
    assert len(found) == world.runs
    assert all(len(files.run.split("/")) == 3 and files.statements and files.activities for files in found)


def test_sizes_follow_the_open_university() -> None:
    full = size_of(10_660_000)
    assert full.runs == 22
    assert sum(full.learners(run) for run in range(full.runs)) == pytest.approx(32_593, rel=0.01)
    assert size_of(1_000).runs == 4


def test_pandas_reads_every_line_of_a_log(tmp_path: Path) -> None:
    wrote = imports.write_log(str(tmp_path), 1_000)
    files = list((tmp_path / "logs").iterdir())
    assert wrote["bytes"] == sum(path.stat().st_size for path in files)
    lines = sum(path.read_bytes().count(b"\n") for path in files)
    assert imports.read_by_pandas(str(tmp_path), str(tmp_path / "out.parquet")) == {"lines": lines}


def test_benchmarks_are_listed_and_an_unknown_one_is_refused() -> None:
    wanted = {"features", "catalogue", "growth", "limit", "import", "road", "spark", "online", "reasons"}
    assert set(BENCHMARKS) == wanted | {"tall", "lstm-50k"}
    with pytest.raises(UnknownName, match="Did you mean 'features'"):
        run("feature")


def test_the_command_lists_and_shows(monkeypatch: pytest.MonkeyPatch, features: dict[str, Any]) -> None:
    app = typer.Typer()
    app.callback()(lambda: None)
    bench.add_to(app)
    listed = json.loads(CliRunner().invoke(app, ["bench", "--json"]).stdout)
    assert {one["name"] for one in listed} == set(BENCHMARKS)
    monkeypatch.setattr("headway.benchmarks.listing.run", lambda name, **_: features | {"name": name})
    shown = CliRunner().invoke(app, ["bench", "features"])
    assert [line.split()[0] for line in shown.stdout.splitlines()] == [
        "features",
        "headway",
        "pandas",
        "polars",
        "limit",
    ]
    assert "over limit" in shown.stderr
    assert json.loads(CliRunner().invoke(app, ["bench", "limit", "--json"]).stdout)["name"] == "limit"
