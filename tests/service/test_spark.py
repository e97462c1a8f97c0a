"""headway on a real Apache Spark, on two threads of this machine: the same answers as on DuckDB."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import ANY

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headway import flow
from headway.domain.errors import ConfigError, LakeError, OutOfMemory
from headway.domain.time import AsOf
from headway.features.as_of import FeatureTable, compute, moments_on_days
from headway.features.views import view_of
from headway.flow import App, Recipe, open_app
from headway.lake import spark as on_executors
from headway.lake.engine import Budget
from headway.lake.reading import Records, Work
from headway.lake.spark import SparkRecords
from headway.lake.spark_session import Cluster, context_of, spark_errors
from headway.scoring.cohorts import COHORT, PREDICTIONS, Scorer, predictions_in
from headway.scoring.kept import ScoreRun
from headway.scoring.predict import Prediction, predict
from tests.support import made
from tests.support.command import environment, run
from tests.support.engines import lake_on, needs_spark

pytestmark = pytest.mark.service

ON_SPARK = {"kind": "spark", "master": "local[2]", "memory_limit_mib": 512}
DATES = ["2026-02-20", made.TODAY]
FEW = "active_days_14d,days_since_last_activity,mean_score,interactions_14d_percentile"
"""A view that is quick to compute; tests/contract/test_engines.py has all features."""

ONE = "active_days_14d"
"""What is quickest, for what is promised of the way to Spark and not of the values."""

CLOSE = 1.1e-6


@pytest.fixture(scope="module", autouse=True)
def spark() -> None:
    needs_spark()


@pytest.fixture(scope="module")
def on_spark(made_home: Path) -> Iterator[App]:
    with open_app(made_home, engine=ON_SPARK) as app:
        yield app


@pytest.fixture(scope="module")
def on_duckdb(made_home: Path) -> Iterator[App]:
    with open_app(made_home) as app:
        yield app


def same(found: FeatureTable, wanted: FeatureTable) -> bool:
    keys = ["run", "learner", "as_of", "course_day"]
    assert found.table.select(keys).equals(wanted.table.select(keys))
    return bool(np.allclose(found.values(), wanted.values(), rtol=0, atol=CLOSE, equal_nan=True))


def test_a_view_of_a_home_is_the_same(on_spark: App, on_duckdb: App) -> None:
    found, wanted = (flow.build_view(app, [made.RUNNING], DATES, FEW) for app in (on_spark, on_duckdb))
    assert len(found) > 100
    assert same(found, wanted)


def test_cohorts_are_predicted_whole_on_any_engine(on_duckdb: App) -> None:
    """The model is sent as bytes; each cohort is predicted whole, wherever it is."""
    features = flow.build_view(on_duckdb, [made.RUNNING], DATES)
    score_run, _ = flow.score(on_duckdb, made.RUNNING, made.TODAY)
    registry = on_duckdb.registry
    state = registry.load(registry.get(score_run.model_version))
    with on_duckdb.lake.open(None, [made.RUNNING]) as records:
        rows = records.put("features", features.table)
        said = records.apply("said", Scorer(state, features.view), rows, COHORT, ibis.Schema.from_pyarrow(PREDICTIONS))
        told = records.collect(said.order_by("as_of", "learner"))
    one_by_one = [said for moment in features.moments() for said in _alone(state, features, moment.as_of.instant)]
    assert predictions_in(told) == one_by_one


def _alone(state: dict[str, bytes], features: FeatureTable, at: object) -> list[object]:
    from headway.evaluation.risk_model import RiskModel

    which = np.array([one == at for one in features.table["as_of"].to_pylist()])
    return list(predict(RiskModel.restore(state), features.rows(which)))


def test_several_runs_are_scored_where_their_rows_are(
    made_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As each alone on DuckDB; beyond predictions, no learner's rows come to this process."""
    for module in ("modelling", "scoring"):
        monkeypatch.setattr(f"headway.flow.{module}.view_of", lambda: view_of(FEW))
    home = Path(shutil.copytree(made_home, tmp_path / "home"))
    runs = [made.SECOND, made.RUNNING]
    with open_app(home) as app:
        version = flow.train(app, Recipe("does_not_finish", (), 20, AsOf.at(made.TODAY), "logistic", made.RUNNING))
        other = Path(shutil.copytree(home, tmp_path / "other"))
        alone = {run: flow.score(app, run, made.TODAY, model=version.ref) for run in runs}
    seen: list[pa.Table] = []
    told: dict[str, list[Prediction]] = {}
    collect, spread = SparkRecords.collect, SparkRecords.spread

    def watched(records: SparkRecords, expr: ibis.Table) -> pa.Table:
        seen.append(collect(records, expr))
        return seen[-1]

    def sent(records: SparkRecords, works: Sequence[Work]) -> Iterator[pa.Table]:
        for table in spread(records, works):
            seen.append(table)
            yield table

    def take(one: ScoreRun, said: list[Prediction]) -> None:
        told[one.run] = said

    monkeypatch.setattr(SparkRecords, "collect", watched)
    monkeypatch.setattr(SparkRecords, "spread", sent)
    with open_app(other, engine=ON_SPARK) as app:
        kept = flow.score_runs(app, runs, made.TODAY, model=version.ref, take=take)
    assert told == {run: said for run, (_, said) in alone.items()}
    assert [one.id for one in kept] == [one.id for one, _ in alone.values()]
    rows = [table for table in seen if "learner" in table.column_names and table.num_rows > 1]
    assert [table.schema for table in rows] == [PREDICTIONS]


def test_groups_of_runs_side_by_side_are_the_same(
    on_spark: App, on_duckdb: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headway.features.as_of.GROUP_STATEMENTS", 1)
    told = []
    view = view_of(ONE)
    for app in (on_spark, on_duckdb):
        with app.lake.open(None, None) as records:
            told.append(compute(view, records, moments_on_days(records, app.lake.runs(), [20])))
    assert same(*told)


@dataclass(frozen=True)
class Asked:
    """Work of which only the making is of interest."""

    make: Callable[[Records], pa.Table]
    runs: Sequence[str] = (made.RUNNING,)

    def __call__(self, records: Records) -> pa.Table:
        return self.make(records)


def _process(_: Records) -> pa.Table:
    spec = sys.modules["__main__"].__spec__
    return pa.table({"process": [os.getpid()], "name": [spec and spec.name]})


def test_tasks_run_in_few_processes_that_come_with_their_imports_done(on_spark: App) -> None:
    with on_spark.lake.open(None, [made.RUNNING]) as records:
        told = pa.concat_tables(records.spread([Asked(_process)] * 8)).to_pylist()
    assert {row["name"] for row in told} == {"headway.lake.spark_daemon"}
    assert len({row["process"] for row in told} - {os.getpid()}) <= 2


def _settings(records: Records) -> pa.Table:
    asked = "SELECT current_setting('threads') AS threads, current_setting('memory_limit') AS memory, "
    asked += "current_setting('temp_directory') AS spill"
    return records._con.sql(asked).to_arrow_table()


def test_a_task_has_its_part_of_the_memory_and_spills_where_nobody_else_may_look(on_spark: App) -> None:
    with on_spark.lake.open(None, [made.RUNNING]) as records:
        (told,) = next(records.spread([Asked(_settings)])).to_pylist()
    assert (told["threads"], told["memory"]) == (1, "256.0 MiB")
    folder = Path(context_of(Cluster()).getConf().get("spark.local.dir") or "")
    assert Path(told["spill"]).is_relative_to(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def _runs(records: Records) -> pa.Table:
    found = [records.table("statements"), records.everywhere("enrolments")]
    told = [sorted(records.collect(table.select("run").distinct())["run"].to_pylist()) for table in found]
    return pa.table({"here": [told[0]], "everywhere": [told[1]]})


def test_a_task_opens_the_files_of_its_runs(on_spark: App) -> None:
    with on_spark.lake.open(None, None) as records:
        (told,) = next(records.spread([Asked(_runs)])).to_pylist()
    assert told == {"here": [made.RUNNING], "everywhere": on_spark.lake.runs()}
    assert len(told["everywhere"]) > 1


def _too_much(_: Records) -> pa.Table:
    raise OutOfMemory("too much")


def _bug(_: Records) -> pa.Table:
    raise ZeroDivisionError


def test_an_error_of_ours_is_the_same_error_here(on_spark: App) -> None:
    with on_spark.lake.open(None, [made.RUNNING]) as records:
        with pytest.raises(OutOfMemory, match="too much"):
            next(records.spread([Asked(_too_much)]))
        with pytest.raises(Exception, match="ZeroDivisionError"):
            next(records.spread([Asked(_bug)]))


@dataclass(frozen=True)
class Large:
    """Work that runs out of memory with more than some learners."""

    most: int
    runs: Sequence[str] = (made.RUNNING,)

    def __call__(self, records: Records) -> pa.Table:
        return self.of_shares(records, self.of_share(records, "", None))

    def of_share(self, records: Records, first: str, end: str | None) -> pa.Table:
        enrolled = records.table("enrolments")
        enrolled = (
            enrolled.filter(enrolled.learner >= first)
            if end is None
            else enrolled.filter(enrolled.learner >= first, enrolled.learner < end)
        )
        found = records.collect(enrolled.select("learner").distinct())
        if len(found) > self.most:
            raise OutOfMemory(f"{len(found)} learners")
        return found

    def of_shares(self, records: Records, parts: pa.Table) -> pa.Table:
        return parts.sort_by("learner")


def test_work_is_taken_apart_until_memory_is_enough(on_spark: App, monkeypatch: pytest.MonkeyPatch) -> None:
    with on_spark.lake.open(None, [made.RUNNING]) as records:
        everyone = Large(10_000)(records)
        assert len(everyone) > 20
        with pytest.raises(OutOfMemory):  # so few statements are not taken apart
            next(records.spread([Large(len(everyone) // 3)]))
        monkeypatch.setattr("headway.lake.spark.LEAST_ACTS", 1)
        assert next(records.spread([Large(len(everyone) // 3)])).equals(everyone)


def test_a_process_that_is_ended_is_one_that_had_too_little_memory() -> None:
    context = context_of(Cluster())
    with pytest.raises(OutOfMemory, match="memoryOverhead"), spark_errors():
        context.parallelize([1], 1).map(lambda _: os.kill(os.getpid(), signal.SIGKILL)).collect()


def test_executors_with_another_version_are_named(on_spark: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_executors, "_versions", lambda: {"headway": "0.0.1"})
    with (
        on_spark.lake.open(None, [made.RUNNING]) as records,
        pytest.raises(ConfigError, match=r"0\.0\.1.*Install the same"),
    ):
        next(records.spread([Asked(_process)]))


def test_a_lake_named_by_a_uri_is_read(made_home: Path) -> None:
    told = []
    for root in (made_home / "lake", (made_home / "lake").as_uri()):
        with lake_on("spark", root).open(None, None) as records:
            told.append(compute(view_of(ONE), records, moments_on_days(records, [made.RUNNING], [20])).table)
    assert told[0].equals(told[1])
    assert len(told[0])


def test_files_that_are_gone_are_named_with_what_to_do(made_home: Path, tmp_path: Path) -> None:
    shutil.copytree(made_home / "lake", tmp_path / "lake")
    with lake_on("spark", tmp_path / "lake").open(None, None) as records:
        moments = moments_on_days(records, [made.RUNNING], [20])
        for file in (tmp_path / "lake" / "statements").rglob("*.parquet"):
            file.unlink()
        with pytest.raises(LakeError, match="headway lake verify"):
            compute(view_of(ONE), records, moments)


def test_keys_of_the_store_are_not_shown() -> None:
    place = on_executors._Place("s3://b", {"AWS_SECRET_ACCESS_KEY": "hush"}, ANY, Budget(64, 1), {})
    assert "hush" not in repr(place) + repr(Cluster(storage=place.storage, options={"spark.ssl.keyPassword": "hush"}))


def test_the_command_line_computes_with_spark(made_home: Path, on_duckdb: App, tmp_path: Path) -> None:
    """A process of its own, as a user starts it."""
    out = tmp_path / "features.parquet"
    command = ["features", "build", "--run", made.RUNNING, "--as-of", made.TODAY, "--view", ONE, "--out", str(out)]
    done = run(
        "--home", made_home, *command, "--no-keep", "--json",
        env=environment(HEADWAY__ENGINE__KIND="spark"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    wanted = flow.build_view(on_duckdb, [made.RUNNING], [made.TODAY], ONE)
    assert json.loads(done.stdout)["rows"] == len(wanted)
    assert same(FeatureTable(wanted.view, pq.read_table(out)), wanted)


def test_without_java_it_says_what_to_install(made_home: Path, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom headway.lake.lake import Lake\nfrom headway.lake.spark_session import Cluster\n"
        "from headway.domain.errors import ConfigError\n"
        "try:\n    next(Lake(sys.argv[1], spark=Cluster()).open(None, None).spread([None]))\n"
        "except ConfigError as wrong:\n    print(wrong)\n"
    )
    bare = {**os.environ, "PATH": str(tmp_path), "JAVA_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(made_home / "lake")],
        capture_output=True, text=True, env=bare, check=False,
    )  # fmt: skip
    assert "It needs Java 17" in done.stdout, done.stderr
