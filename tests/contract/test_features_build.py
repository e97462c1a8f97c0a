"""`headway features`: what a build writes, what it computes again and what not, and what scripts are told of it."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from headway import flow
from headway.domain.records import KINDS, record_id
from headway.domain.time import AsOf
from headway.features import as_of
from headway.features.as_of import FeatureTable, LiveCohort, compute, computed, moments_on_days
from headway.features.definition import FEATURES
from headway.features.moments import Moment
from headway.features.views import view_of
from headway.flow import App, features, open_app, table_file
from headway.lake import compiled
from headway.registry.registry import ModelVersion, Registry
from tests.support.command import Script, environment, inside
from tests.support.made import FIRST, RUNNING, SECOND, holding

ALL = ("--run", "simulated/*")
DAYS = ("--days", "6,13,20,27")
VIEW = ("--view", "active_days_14d,interactions_total,interactions_14d_percentile,mean_score")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with three small runs, of which nothing is built."""
    home = tmp_path_factory.mktemp("filled") / "home"
    with open_app(home) as app:
        flow.ingest(app, "simulated", [], {"learners": "14", "runs": "3", "weeks": "6", "seed": "3"})
    return home


@pytest.fixture
def home(filled: Path, tmp_path: Path) -> Path:
    """One of one's own."""
    return Path(shutil.copytree(filled, tmp_path / "home"))


@pytest.fixture
def script(home: Path, capsys: pytest.CaptureFixture[str]) -> Script:
    """Asks there."""
    return Script(capsys, home)


def counts(told: Any) -> tuple[int, int, int, int]:
    """Runs and moments computed, and those used again."""
    return (*told["computed"].values(), *told["reused"].values())


def deliver(home: Path, run: str, day: int, known_day: int, learner: str | None = None) -> datetime:
    """When a statement of a course day of a run became known, after it was delivered."""
    with open_app(home) as app:
        with app.lake.open(None, [run]) as records:
            enrolled = records.collect(records.table("enrolments"))
            starts_on = records.collect(records.table("course_runs"))["starts_on"][0].as_py()
        at = AsOf.at(f"{starts_on}T12:00:00").instant + timedelta(days=day)
        row = {
            "id": record_id("late", "statements", f"{run}{day}{known_day}{learner}"),
            "source": "late",
            "run": run,
            "occurred_at": at,
            "recorded_at": at + timedelta(days=known_day - day),
            "learner": learner or enrolled["learner"][0].as_py(),
            "verb": "viewed",
            "occurred_on": at.date(),
            "interactions": 1,
        }
        app.lake.append("statements", pa.Table.from_pylist([row], schema=KINDS["statements"].schema).to_reader())
    return at + timedelta(days=known_day - day)


def test_a_rebuild_touches_only_runs_with_new_records_and_moments_at_which_they_were_known(
    script: Script, home: Path, tmp_path: Path
) -> None:
    def built(name: str, *more: str) -> Any:
        return script("features", "build", *ALL, *DAYS, *VIEW, "--out", tmp_path / name, *more)

    first = built("1.parquet")
    assert set(first) == {
        "view", "hash", "rows", "features", "out", "seconds", "peak_mib", "computed", "reused",
    }  # fmt: skip
    assert first["features"] == VIEW[1].split(",")
    assert counts(first) == (3, 12, 0, 0)
    assert 0 < first["seconds"] < 600
    assert 50 < first["peak_mib"] < 4000
    assert counts(built("2.parquet")) == (0, 0, 3, 12)
    assert (tmp_path / "2.parquet").read_bytes() == (tmp_path / "1.parquet").read_bytes()

    there = [row["learner"] for row in pq.read_table(tmp_path / "1.parquet").to_pylist() if row["run"] == SECOND]
    known_at = deliver(home, SECOND, day=12, known_day=19, learner=there[-1])
    late = built("3.parquet")
    assert counts(late) == (1, 2, 2, 10), "it happened on day 12, and nobody knew before day 19"
    assert counts(built("4.parquet", "--fresh")) == (3, 12, 0, 0)
    assert (tmp_path / "4.parquet").read_bytes() == (tmp_path / "3.parquet").read_bytes()
    before, after = (pq.read_table(tmp_path / name).to_pylist() for name in ("1.parquet", "3.parquet"))
    changed = {(row["run"], row["as_of"] >= known_at) for row, old in zip(after, before, strict=True) if row != old}
    assert changed == {(SECOND, True)}

    assert counts(built("5.parquet", "--no-keep")) == (3, 12, 0, 0)
    more = script("features", "build", *ALL, "--days", "20,34", *VIEW)
    assert counts(more) == (3, 3, 0, 3), "what was kept for other days is used for these"


def test_what_becomes_known_of_a_learner_elsewhere_counts_in_views_that_look_there(
    script: Script, home: Path, tmp_path: Path
) -> None:
    across = ("features", "build", *ALL, *DAYS, "--view", "other_runs_open,active_days_14d")
    own = ("features", "build", *ALL, *DAYS, "--view", "active_days_14d")
    out = tmp_path / "f.parquet"
    script(*across, "--out", out)
    script(*own)
    before = [row for row in pq.read_table(out).to_pylist() if row["run"] == SECOND]
    learner = before[-1]["learner"]
    assert not any(row["other_runs_open"] for row in before)
    with open_app(home) as app, app.lake.open(None, [SECOND]) as records:
        moment = moments_on_days(records, [SECOND], [15])[0].as_of.instant
        row = records.collect(records.table("enrolments")).to_pylist()[0]
        times = dict.fromkeys(("occurred_at", "recorded_at", "valid_from"), moment)
        row |= {**times, "id": b"0" * 16, "learner": learner, "run": RUNNING, "status": "enrolled"}
        app.lake.append("enrolments", pa.Table.from_pylist([row], schema=KINDS["enrolments"].schema).to_reader())
    assert counts(script(*own)) == (1, 4, 2, 8), "only the other run has one more learner"
    assert counts(script(*across, "--out", out)) == (2, 6, 1, 6), "and here, from day 15 on, one has another run"
    found = {(row["course_day"], row["learner"]): row for row in pq.read_table(out).to_pylist() if row["run"] == SECOND}
    assert [found[day, learner]["other_runs_open"] for day in (6, 13, 20, 27)] == [0, 0, 1, 1]


def test_a_changed_definition_uses_nothing_again(
    script: Script, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    build = ("features", "build", "--run", FIRST, *DAYS, *VIEW)
    before = script(*build)
    part = FEATURES.get("interactions_14d")
    monkeypatch.setitem(FEATURES._found, part.name, replace(part, define=FEATURES.get("interactions_28d").define))
    after = script(*build)
    assert after["hash"] != before["hash"]
    assert counts(after) == counts(before) == (1, 4, 0, 0)
    assert len(list((home / "lake" / ".features").glob("*/about.json"))) == 1, "what nobody can use is cleared away"


def test_who_is_erased_is_in_nothing_that_is_kept(script: Script, home: Path) -> None:
    build = ("features", "build", *ALL, *DAYS, *VIEW)
    script(*build)
    with open_app(home) as app:
        with app.lake.open(None, [FIRST]) as records:
            learners = set(records.collect(records.table("enrolments"))["learner"].to_pylist())
        with app.lake.open(None, [SECOND, RUNNING]) as records:
            learners -= set(records.collect(records.table("enrolments"))["learner"].to_pylist())
        learner = min(learners)

        def kept() -> list[str]:
            parts = (home / "lake" / ".features").rglob("*.parquet")
            return [learner for part in parts for learner in pq.read_table(part)["learner"].to_pylist()]

        assert learner in kept()
        flow.erase_learner(app, learner)
        assert learner not in kept()
    assert holding(home, learner) == []
    assert counts(script(*build)) == (1, 4, 2, 8), "the cohorts of that run are others now"


def test_a_script_lets_go_of_its_tables_on_the_way(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_app(filled) as app, app.lake.open(None, None) as records:
        most: set[str] = set()
        kept = records._held

        def held(*arguments: Any) -> Any:
            nonlocal most
            made = kept(*arguments)
            most = max(most, set(records._made), key=len)
            return made

        monkeypatch.setattr(records, "_held", held)
        compute(view_of(), records, moments_on_days(records, app.lake.runs(), [6, 13]))
        assert not records._made
        assert "daily" not in records._stored
        made = as_of._script(view_of()).steps
        assert "totals_days" in made
        assert len(most) < len([name for name in made if name.startswith("totals_")])


def test_what_commands_leave_for_each_other_names_nobody(
    filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    compiled._prepare.cache_clear()
    with open_app(filled) as app, app.lake.open(None, None) as records:
        runs = app.lake.runs()
        table = compute(view_of(), records, moments_on_days(records, runs, [6, 13])).table
        people = table["learner"].unique().to_pylist()
        LiveCohort(view_of(), records, Moment(runs[0], AsOf.at("2026-03-01", "UTC"))).refresh(set(people[:2]))
    left = "".join(path.read_text() for path in tmp_path.rglob("*.json"))
    assert "active_days_14d" in left
    assert people
    assert not [name for name in (*people, *runs) if name in left]


def test_joining_files_makes_nothing_be_computed_again(script: Script, home: Path) -> None:
    deliver(home, FIRST, day=3, known_day=3)
    build = ("features", "build", *ALL, *DAYS, *VIEW)
    script(*build)
    deliver(home, FIRST, day=22, known_day=22)
    script("lake", "compact")
    assert counts(script(*build)) == (1, 1, 2, 11)


def test_every_form_of_file_says_the_same(script: Script, tmp_path: Path) -> None:
    outs = [tmp_path / "new" / f"f.{ending}" for ending in ("parquet", "csv", "jsonl", "json")]
    told = [script("features", "build", "--run", FIRST, *DAYS, *VIEW, "--out", out) for out in outs]
    assert [one["out"] for one in told] == list(map(str, outs))
    columns, separated, lines, whole = outs
    with open_app(script.home) as app, app.lake.open(None, [FIRST]) as records:
        moments = moments_on_days(records, [FIRST], [6, 13, 20, 27])
        plain = compute(view_of(VIEW[1]), records, moments).table
    tables = [
        pq.read_table(columns),
        pyarrow.csv.read_csv(separated),
        pa.Table.from_pylist([json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]),
        pa.Table.from_pylist(json.loads(whole.read_text(encoding="utf-8"))),
    ]
    for found, said in zip(tables, told, strict=True):
        assert found.num_rows == said["rows"] == plain.num_rows > 20
        assert found.column_names == plain.column_names
        for name in ("run", "learner", "course_day", *said["features"]):
            assert found[name].to_pylist() == plain[name].to_pylist()
    assert tables[0]["as_of"].equals(plain["as_of"])
    assert tables[2]["as_of"][0].as_py() == plain["as_of"][0].as_py().isoformat().replace("+00:00", "Z")
    assert sorted(path.name for path in columns.parent.iterdir()) == sorted(path.name for path in outs)


def test_as_of_times_are_dates_ranges_course_days_and_weeks(
    filled: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    script = Script(capsys, filled)

    def moments(*words: str) -> list[str]:
        out = tmp_path / "f.jsonl"
        script("features", "build", "--run", SECOND, *VIEW, "--out", out, *words)
        rows = [json.loads(line) for line in out.read_text().splitlines()]
        return sorted({f"{row['as_of'][:10]} {row['course_day']}" for row in rows})

    weeks = moments("--weekly")
    days = [moment.split()[1] for moment in weeks]
    assert sorted(map(int, days)) == list(range(6, 6 + 7 * len(days), 7))
    assert len(days) == 6
    assert moments("--days", "6, 20") == [weeks[0], weeks[2]]
    with open_app(script.home) as app, app.lake.open(None, [SECOND]) as records:
        starts_on = records.collect(records.table("course_runs"))["starts_on"][0].as_py()
    first, last = starts_on + timedelta(days=6), starts_on + timedelta(days=33)
    assert moments("--as-of", f"{first}..{last}/7") == weeks[:4]
    assert moments("--as-of", f"{first},{first + timedelta(days=14)}") == [weeks[0], weeks[2]]
    assert len(moments("--as-of", f"{first}..{first + timedelta(days=2)}")) == 3


WRONG: Sequence[tuple[str, Sequence[str], str]] = [
    ("no time", [], "--as-of"),
    ("no number", ["--days", "two"], "whole numbers"),
    ("a range backwards", ["--as-of", "2025-03-01..2025-02-01"], "earlier date first"),
    ("a range without end", ["--as-of", "2025-03-01..soon"], "2014-10-01..2014-12-31/7"),
    ("no view", [*DAYS, "--view", "standrad"], "'standard'"),
    ("no feature", [*DAYS, "--view", "active_days_14d,mean_scor"], "'mean_score'"),
    ("no format", [*DAYS, "--out", "f.xls"], ".parquet, .csv, .jsonl or .json"),
    ("no engine", [*DAYS, "--engine", "sparc"], "engine"),
]


@pytest.mark.parametrize(("words", "said"), [wrong[1:] for wrong in WRONG], ids=[wrong[0] for wrong in WRONG])
def test_what_cannot_be_built_is_told_with_the_way_out(
    filled: Path, capsys: pytest.CaptureFixture[str], words: Sequence[str], said: str
) -> None:
    done = inside(capsys, "--home", filled, "features", "build", *ALL, *words, "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_without_a_file_the_rows_are_printed(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("features", "build", "--run", FIRST, "--days", "6", "--view", "active_days_14d", "--engine", "duckdb")
    done = inside(capsys, "--home", filled, *words)
    header, *rows = done.stdout.splitlines()
    assert header.split() == ["run", "learner", "as_of", "course_day", "active_days_14d"]
    assert f"{len(rows)} rows of 1 features" in done.stderr
    assert "Nobody was enrolled" not in done.stderr
    early = inside(capsys, "--home", filled, *words[:4], "--as-of", "2019-01-01", *words[6:])
    assert early.returncode == 0
    assert "Nobody was enrolled then" in early.stderr
    assert all(FIRST in row for row in rows)


DYING = """
import os, signal, sys
from headway.cli.main import main
from headway.lake.built import Shelf
put, times = Shelf.put, []
def dying(self, run, tables):
    put(self, run, tables)
    times.append(run)
    if len(times) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
Shelf.put = dying
sys.argv = ["headway", *sys.argv[1:]]
main()
"""


def test_a_build_that_is_killed_leaves_no_file_and_what_it_had_done_is_used(script: Script, tmp_path: Path) -> None:
    out = tmp_path / "out" / "f.parquet"
    words = ["features", "build", *ALL, *DAYS, *VIEW, "--out", str(out), "--json"]
    command = [sys.executable, "-c", DYING, "--home", str(script.home), *words]
    died = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert not out.exists()
    again = script(*words[:-1])
    assert counts(again) == (1, 4, 2, 8)
    fresh = tmp_path / "fresh.parquet"
    script("features", "build", *ALL, *DAYS, *VIEW, "--out", fresh, "--no-keep")
    assert out.read_bytes() == fresh.read_bytes()


def test_a_file_is_there_when_it_is_whole_and_not_before(tmp_path: Path) -> None:
    schema = pa.schema([("learner", pa.string()), ("value", pa.float64())])
    out = tmp_path / "f.csv"
    rows = pa.table({"learner": ["a"], "value": [1.5]}, schema=schema)

    def stopped() -> None:
        with table_file(out, schema) as write:
            write(rows)
            raise KeyError

    with pytest.raises(KeyError):
        stopped()
    assert list(tmp_path.iterdir()) == []
    with table_file(out, schema) as write:
        write(rows)
        assert not out.exists()
    assert out.read_text() == '"learner","value"\n"a",1.5\n'


def test_there_is_one_zero(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    view = view_of("mean_score,active_days_14d")
    at = datetime(2025, 3, 1, tzinfo=UTC)
    row = {"run": FIRST, "learner": "a", "as_of": at, "course_day": 6, "mean_score": -0.0, "active_days_14d": None}
    piece = FeatureTable(view, pa.Table.from_pylist([row], schema=flow.schema_of(view)))
    monkeypatch.setattr(features, "computed", lambda *_: iter([piece]))
    told: list[pa.Table] = []
    with open_app(filled) as app:
        when = flow.When(dates=(at.isoformat(),))
        flow.build_features(app, [FIRST], when, view.name, write=told.append, keep=False)
    (table,) = told
    assert str(table["mean_score"][0].as_py()) == "0.0"
    assert table["active_days_14d"].to_pylist() == [None]


def test_pieces_are_bounded_and_together_what_all_at_once_is(
    filled: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def built(app: App) -> pa.Table:
        pieces: list[pa.Table] = []
        when = flow.When(days=(-90, 6, 13, 20, 27))
        flow.build_features(app, ["*"], when, VIEW[1], write=pieces.append, keep=False)
        return pa.concat_tables(pieces).combine_chunks()

    with open_app(filled) as app:
        with app.lake.open(None, None) as records:
            moments = moments_on_days(records, app.lake.runs(), [6, 13, 20, 27])
            whole = compute(view_of(VIEW[1]), records, moments).table
            monkeypatch.setattr(as_of, "GROUP_ROWS", 10)
            monkeypatch.setattr(as_of, "MOST_ROWS", 30)
            pieces = [piece.table for piece in computed(view_of(VIEW[1]), records, moments)]
        monkeypatch.setattr(features, "HELD_ROWS", 20)
        assert len(pieces) > 3, "a run is cut by as-of times"
        assert max(map(len, pieces)) <= 30
        assert pa.concat_tables(pieces).combine_chunks().equals(whole.combine_chunks())
        assert built(app).equals(whole.combine_chunks()), "nobody was enrolled 90 days before the start"


def test_memory_holds_some_rows_and_not_all(tmp_path: Path) -> None:
    schema = pa.schema([("learner", pa.string()), *((f"f{n}", pa.float64()) for n in range(20))])
    piece = pa.table({"learner": ["a"] * 30_000} | {f"f{n}": [0.5] * 30_000 for n in range(20)}, schema=schema)
    out = tmp_path / "f.parquet"
    held = []
    with table_file(out, schema) as write:
        for _ in range(10):
            write(piece)
            held.append(pa.total_allocated_bytes())
    assert max(held) < 4 * piece.nbytes
    assert [pq.ParquetFile(out).metadata.row_group(n).num_rows for n in range(5)] == [65_536] * 4 + [37_856]


def test_list_and_show_tell_definition_unit_window_sentence_and_cost(
    script: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = script("features", "list")
    assert [row["name"] for row in listed["features"]] == FEATURES.names()
    wanted = {"name", "summary", "unit", "window_days", "sentence", "cost", "code", "reads", "bounds", "absent", "hash"}
    assert all(wanted <= set(row) for row in listed["features"])
    cost = {row["name"]: row["cost"] for row in listed["features"]}
    assert cost["active_days_14d"] == "running total"
    assert cost["days_since_last_activity"] == "greatest/least"
    assert cost["types_14d"] == "distinct"
    assert cost["interactions_14d_percentile"] == "cohort"
    assert cost["engagement_score"] == cost["remaining_share"] == "row"
    for name in ("active_days_14d", "mean_score"):
        assert script("features", "show", name) == listed["features"][FEATURES.names().index(name)]
    shown = inside(capsys, "features", "show", "active_days_14d")
    assert "def define(" in shown.stdout
    assert "running total" in shown.stdout


def test_a_model_of_other_definitions_scores_nothing_and_both_hashes_are_told(
    filled: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    was = "0123456789abcdef"
    version = ModelVersion(
        ref="does_not_finish-logistic/1",
        name="does_not_finish-logistic",
        version=1,
        stage="candidate",
        label="does_not_finish",
        model="logistic",
        view_hash=was,
        features=view_of().features,
        snapshot="1",
        train_runs=(FIRST,),
        days=(27,),
        known_by="2025-07-01T00:00:00Z",
        seed=7,
        report={},
        created_at=datetime(2025, 7, 1, tzinfo=UTC),
        headway_version="0",
        manifest_hash="",
        mlflow_run="",
    )
    # In place of the registry's own, whose database takes seconds to make.
    monkeypatch.setattr(Registry, "get", lambda _, ref: version if ref == version.ref else None)
    score = ("score", "--run", SECOND, "--as-of", "2025-08-31", "--model", version.ref, "--json")
    refused = inside(capsys, "--home", filled, *score)
    assert (refused.returncode, refused.stdout) == (4, "")
    assert was in refused.stderr
    assert view_of().hash in refused.stderr
