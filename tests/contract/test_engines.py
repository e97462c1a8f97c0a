"""What every engine promises: the records as they were known, and the same values of every feature and label.

The measure is DuckDB over tables in memory. One lake of awkward random histories and one opening of it serve all tests
of an engine.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from headway.domain.errors import InputError, UnknownName
from headway.domain.records import KINDS
from headway.domain.time import AsOf
from headway.features.as_of import FeatureTable, TrainingSet, compute, labelled
from headway.features.definition import FEATURES
from headway.features.engine import Records as Answering
from headway.features.labels import LABELS, Label, passes_assessment
from headway.features.script import KEYS
from headway.features.views import view_with
from headway.lake.reading import Records
from tests.support.engines import lake_on, land
from tests.support.histories import ANCHORS, Habits, world
from tests.support.memory import Memory

CLOSE = 1.1e-6
"""Values are rounded to 1e-6, and two ways of adding may end on either side of a half."""

HABITS = Habits(late=0.6, leaves=0.3, returns=0.7, moved=0.3, unmarked=0.3, no_outcome=0.1)
WORLD = world(ANCHORS[1], HABITS, runs=12, seed=77)
EVERYTHING = view_with("everything", tuple(FEATURES.names()))
PERCENTILE = next(name for name in FEATURES.names() if FEATURES.get(name).stage == "cohort")
TARGETS = (*LABELS.values(), passes_assessment(7))


@dataclass
class Told:
    """What an engine says of the world, each answer asked for once."""

    records: Answering
    features: FeatureTable
    targets: dict[str, TrainingSet] = field(default_factory=dict)

    def target(self, label: Label) -> TrainingSet:
        if label.name not in self.targets:
            self.targets[label.name] = labelled(self.features, label, self.records, None)
        return self.targets[label.name]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("engines") / "lake"
    land(WORLD, lake_on("duckdb", root))
    return root


SPARK = pytest.mark.service


@pytest.fixture(
    scope="module",
    params=["duckdb", pytest.param("spark", marks=SPARK), pytest.param("spark by shares of learners", marks=SPARK)],
)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def records(engine: str, root: Path) -> Iterator[Records]:
    with lake_on(engine.split()[0], root).open(None, None) as held, pytest.MonkeyPatch.context() as patch:
        if "shares" in engine:
            patch.setattr("headway.lake.spark.LEAST_ACTS", 1)
            patch.setattr("headway.lake.spark.ACTS_PER_MIB", 1)
        yield held


@pytest.fixture(scope="module")
def told(records: Records) -> Told:
    return Told(records, compute(EVERYTHING, records, WORLD.moments))


@pytest.fixture(scope="module")
def wanted() -> Iterator[Told]:
    with Memory(WORLD.tables) as records:
        yield Told(records, compute(EVERYTHING, records, WORLD.moments))


def test_the_cohorts_are_the_same(told: Told, wanted: Told) -> None:
    assert len(wanted.features) > 50
    assert told.features.table.select(list(KEYS)).equals(wanted.features.table.select(list(KEYS)))


@pytest.mark.parametrize("name", EVERYTHING.features)
def test_every_feature_is_the_same(name: str, told: Told, wanted: Told) -> None:
    found, meant = (side.features.table[name].to_numpy(zero_copy_only=False) for side in (told, wanted))
    assert np.array_equal(np.isnan(found), np.isnan(meant))
    np.testing.assert_allclose(found, meant, rtol=0, atol=CLOSE)


@pytest.mark.parametrize("target", TARGETS, ids=lambda one: str(one.name))
def test_every_label_is_the_same(target: Label, told: Told, wanted: Told) -> None:
    found, meant = told.target(target), wanted.target(target)
    assert found.censored == meant.censored
    assert found.features.table.select(list(KEYS)).equals(meant.features.table.select(list(KEYS)))
    np.testing.assert_allclose(found.values, meant.values, rtol=0, atol=CLOSE)


def test_only_what_was_known_is_seen(engine: str, root: Path) -> None:
    until = AsOf(WORLD.as_of.instant)
    with lake_on(engine.split()[0], root).open(until, None) as then:
        statements = then.table("statements")
        found = then.collect(statements.select("id", "recorded_at").order_by("id"))
    meant = WORLD.tables["statements"]
    meant = meant.filter(pc.less_equal(meant["recorded_at"], pa.scalar(until.instant, meant["recorded_at"].type)))
    assert 0 < found.num_rows < WORLD.tables["statements"].num_rows
    assert found.equals(meant.select(["id", "recorded_at"]).sort_by("id").cast(found.schema))


def test_only_runs_asked_for_are_seen(engine: str, root: Path) -> None:
    runs = sorted(set(WORLD.tables["enrolments"]["run"].to_pylist()))[:2]
    with lake_on(engine.split()[0], root).open(None, runs) as some:
        assert set(some.collect(some.table("enrolments").select("run").distinct())["run"].to_pylist()) == set(runs)


def test_every_column_comes_back_as_it_was(records: Records) -> None:
    for kind, table in WORLD.tables.items():
        found = records.collect(records.table(kind).order_by("id"))
        assert found.equals(table.sort_by("id").cast(KINDS[kind].schema)), kind


ODD = [" \t\n\r\v\ffav\f\v \r", "it's", 'a "b"', "a\\b", "\\f", "a%_b", "\a\b\0", "ünï—漢🙂", "`x`", "${y}", ""]


def test_words_are_compared_as_they_are(records: Records) -> None:
    words = records.put("words", pa.table({"n": list(range(len(ODD))), "word": ODD}))
    found = words.select(
        "n", stripped=words.word.strip(), **{f"is{n}": words.word == word for n, word in enumerate(ODD)}
    )
    told = records.collect(found.order_by("n")).to_pylist()
    assert [row["stripped"] for row in told] == [word.strip(" \t\n\r\v\f") for word in ODD]
    assert [[row[f"is{n}"] for n in range(len(ODD))] for row in told] == [[word == one for one in ODD] for word in ODD]


def test_what_is_kept_stays_and_what_is_defined_follows(records: Records) -> None:
    numbers = records.put("numbers", pa.table({"n": [1, 2, 3]}))
    kept = records.keep("doubled", numbers.mutate(n=numbers.n * 2))
    defined = records.define("tripled", numbers.mutate(n=numbers.n * 3))
    records.put("numbers", pa.table({"n": [5]}))
    assert sorted(records.collect(kept)["n"].to_pylist()) == [2, 4, 6]
    assert records.collect(defined)["n"].to_pylist() == [15]
    again = records.keep("doubled", kept.mutate(n=kept.n + 1))
    assert sorted(records.collect(again)["n"].to_pylist()) == [3, 5, 7]


def test_views_with_and_without_cohort_features_may_follow_each_other(records: Records) -> None:
    """They share the names of tables on the way."""
    alone = view_with("alone", ("interactions_14d", "activity_change_7d"))
    beside = view_with("beside", ("interactions_14d", PERCENTILE))
    found = [compute(view, records, WORLD.moments[:2]).table for view in (alone, beside, alone)]
    assert found[0].num_rows
    assert found[2].equals(found[0])
    assert found[1]["interactions_14d"].equals(found[0]["interactions_14d"])


def test_hands_do_not_see_each_others_names(records: Records) -> None:
    own = ibis.table({"n": "int64"}, name="own")
    with records.hands() as hands:
        assert hands[0] is records
        for number, hand in enumerate(hands):
            hand.put("own", pa.table({"n": [number]}))
        assert [hand.collect(own)["n"].to_pylist() for hand in hands] == [[number] for number in range(len(hands))]


def _tallest(group: pa.Table) -> pa.Table:
    return pa.table({"run": [group["run"][0].as_py()], "most": [pc.max(group["n"]).as_py()], "rows": [len(group)]})


def test_each_group_is_handed_over_whole(records: Records) -> None:
    rows = pa.table({"run": ["b", "a", None, "b", "a", "b"], "day": [1, 1, 1, 1, 2, 1], "n": [4, 1, 9, 7, 2, None]})
    schema = ibis.schema({"run": "string", "most": "int64", "rows": "int64"})
    made = records.apply("tallest", _tallest, records.put("heights", rows), ["run", "day"], schema)
    found = sorted(records.collect(made).to_pylist(), key=lambda row: (row["run"] or "", row["rows"], row["most"]))
    assert [tuple(row.values()) for row in found] == [(None, 9, 1), ("a", 1, 1), ("a", 2, 1), ("b", 7, 3)]
    none = records.apply("tallest", _tallest, records.put("heights", rows.slice(0, 0)), ["run"], schema)
    assert records.collect(none).num_rows == 0


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_files_are_the_same_to_the_byte(suffix: str, records: Records, root: Path, tmp_path: Path) -> None:
    enrolments = records.table("enrolments").order_by("recorded_at", "id")
    rows = records.save(enrolments, tmp_path / f"told.{suffix}")
    with lake_on("duckdb", root).open(None, None) as other:
        assert rows == other.save(enrolments, tmp_path / f"wanted.{suffix}") > 0
    if suffix == "parquet":
        found, meant = (pq.read_table(tmp_path / f"{side}.parquet") for side in ("told", "wanted"))
        assert found.cast(meant.schema).equals(meant)
    else:
        assert (tmp_path / f"told.{suffix}").read_bytes() == (tmp_path / f"wanted.{suffix}").read_bytes()
    assert not list(tmp_path.glob(".*"))


def test_names_of_records_are_not_for_the_taking(records: Records) -> None:
    with pytest.raises(InputError):
        records.keep("statements", records.table("statements"))
    with pytest.raises(InputError):
        records.define("not a name", records.table("statements"))
    with pytest.raises(UnknownName):
        records.table("statement")
    with pytest.raises(InputError, match="suffix"):
        records.save(records.table("outcomes"), Path("outcomes.xlsx"))
