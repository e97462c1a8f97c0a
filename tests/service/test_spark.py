"""headway on a real Apache Spark, on two threads of this machine: the same answers as on DuckDB."""

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headway import flow
from headway.domain.errors import ConfigError, LakeError
from headway.domain.time import AsOf
from headway.features.as_of import FeatureTable, compute, moments_on_days
from headway.features.views import view_of
from headway.flow import App, Recipe, open_app
from headway.lake.reading import Records
from headway.lake.spark import SparkRecords
from headway.lake.spark_session import Cluster, session
from headway.scoring.cohorts import COHORT, PREDICTIONS, Scorer, predictions_in
from headway.scoring.kept import ScoreRun
from headway.scoring.predict import Prediction, predict
from tests.support import made
from tests.support.command import environment, run
from tests.support.engines import SPARK, lake_on, needs_spark

pytestmark = pytest.mark.service

ON_SPARK = {"kind": "spark", "master": "local[2]", "spark": SPARK, "memory_limit_mib": 512}
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


def test_cohorts_are_predicted_where_their_rows_are(on_spark: App, on_duckdb: App) -> None:
    """The model is sent as bytes; each cohort is predicted whole, wherever it is."""
    features = flow.build_view(on_duckdb, [made.RUNNING], DATES)
    score_run, _ = flow.score(on_duckdb, made.RUNNING, made.TODAY)
    registry = on_duckdb.registry
    state = registry.load(registry.get(score_run.model_version))
    told = []
    for app in (on_spark, on_duckdb):
        with app.lake.open(None, [made.RUNNING]) as records:
            rows = records.put("features", features.table)
            schema = ibis.Schema.from_pyarrow(PREDICTIONS)
            said = records.apply("said", Scorer(state, features.view), rows, COHORT, schema)
            told.append(records.collect(said.order_by("as_of", "learner")))
    assert told[0].equals(told[1])
    one_by_one = [said for moment in features.moments() for said in _alone(state, features, moment.as_of.instant)]
    assert predictions_in(told[0]) == one_by_one


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
    collect = SparkRecords.collect

    def watched(records: SparkRecords, expr: ibis.Table) -> pa.Table:
        seen.append(collect(records, expr))
        return seen[-1]

    def take(one: ScoreRun, said: list[Prediction]) -> None:
        told[one.run] = said

    monkeypatch.setattr(SparkRecords, "collect", watched)
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
    monkeypatch.setattr("headway.lake.spark.HAND_CORES", 1)
    told = []
    view = view_of(ONE)
    for app in (on_spark, on_duckdb):
        with app.lake.open(None, None) as records:
            told.append(compute(view, records, moments_on_days(records, app.lake.runs(), [20])))
    assert same(*told)


def _forked_from(_: pa.Table) -> pa.Table:
    spec = sys.modules["__main__"].__spec__
    return pa.table({"name": [spec and spec.name]})


def test_workers_come_with_their_imports_done(on_spark: App) -> None:
    with on_spark.lake.open(None, [made.RUNNING]) as records:
        one = records.put("one", pa.table({"n": [1]}))
        told = records.apply("forked", _forked_from, one, ["n"], ibis.schema({"name": "string"}))
        assert records.collect(told)["name"].to_pylist() == ["headway.lake.spark_daemon"]


def test_what_was_kept_is_let_go(on_spark: App) -> None:
    with on_spark.lake.open(None, [made.RUNNING]) as records:
        held = _held(records)
        statements = records.table("statements")
        for _ in range(3):
            records.keep("kept", statements.filter(statements.interactions > 0))
        assert len(_held(records) - held) == 1
    assert _held(records) <= held


def _held(records: Records) -> set[int]:
    context = records._session.sparkContext  # type: ignore[attr-defined]  # Spark's own, not in the protocol
    return set(context._jsc.getPersistentRDDs().keySet())


def test_a_lake_named_by_a_uri_is_read(made_home: Path) -> None:
    local, uri = (lake_on("spark", root) for root in (made_home / "lake", (made_home / "lake").as_uri()))
    counts = []
    for lake in (local, uri):
        with lake.open(None, None) as records:
            rows = records.table("statements")
            counts.append(records.collect(rows.group_by("run").agg(n=rows.count()).order_by("run")).to_pylist())
    assert counts[0] == counts[1]
    assert len(counts[0]) == 3


def test_files_that_are_gone_are_named_with_what_to_do(made_home: Path, tmp_path: Path) -> None:
    shutil.copytree(made_home / "lake", tmp_path / "lake")
    with lake_on("spark", tmp_path / "lake").open(None, None) as records:
        for file in (tmp_path / "lake" / "outcomes").rglob("*.parquet"):
            file.unlink()
        with pytest.raises(LakeError, match="headway lake verify"):
            records.collect(records.table("outcomes"))


def test_values_do_not_depend_on_the_users_options() -> None:
    wrong = {"spark.sql.session.timeZone": "Asia/Kathmandu", "spark.sql.ansi.enabled": "true"}
    own = session(Cluster("local[2]", SPARK | wrong), {"fs.s3a.endpoint": "http://store"})
    assert own.conf.get("spark.sql.session.timeZone") == "UTC"
    assert own.conf.get("spark.sql.ansi.enabled") == "false"
    assert own.conf.get("fs.s3a.endpoint") == "http://store"
    other = session(Cluster("local[2]", SPARK), {})
    assert other.conf.get("fs.s3a.endpoint", None) is None


def test_nobody_else_may_look_at_what_spark_puts_on_the_disk(on_spark: App) -> None:
    with on_spark.lake.open(None, [made.RUNNING]) as records:
        context = records._session.sparkContext  # type: ignore[attr-defined]  # Spark's own, not in the protocol
    folder = Path(context.getConf().get("spark.local.dir"))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_command_line_computes_with_spark(made_home: Path, on_duckdb: App, tmp_path: Path) -> None:
    """A process of its own, as a user starts it."""
    out = tmp_path / "features.parquet"
    command = ["features", "build", "--run", made.RUNNING, "--as-of", made.TODAY, "--view", ONE, "--out", str(out)]
    done = run(
        "--home", made_home, *command, "--no-keep", "--json",
        env=environment(HEADWAY__ENGINE__KIND="spark", HEADWAY__ENGINE__SPARK=json.dumps(SPARK)),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    wanted = flow.build_view(on_duckdb, [made.RUNNING], [made.TODAY], ONE)
    assert json.loads(done.stdout)["rows"] == len(wanted)
    assert same(FeatureTable(wanted.view, pq.read_table(out)), wanted)


def test_without_java_it_says_what_to_install(made_home: Path, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom headway.lake.lake import Lake\nfrom headway.lake.spark_session import Cluster\n"
        "from headway.domain.errors import ConfigError\n"
        "try:\n    Lake(sys.argv[1], spark=Cluster()).open(None, None)\n"
        "except ConfigError as wrong:\n    print(wrong)\n"
    )
    bare = {**os.environ, "PATH": str(tmp_path), "JAVA_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(made_home / "lake")],
        capture_output=True, text=True, env=bare, check=False,
    )  # fmt: skip
    assert "It needs Java 17" in done.stdout, done.stderr


def test_a_store_without_its_package_is_named() -> None:
    cluster = Cluster("local[2]", SPARK)
    own = session(cluster, {})
    from headway.lake.spark_session import spark_errors

    with pytest.raises(ConfigError, match=r"spark\.jars\.packages"), spark_errors():
        own.read.schema("a INT").parquet("s3a://bucket/lake/statements/a.parquet").count()
