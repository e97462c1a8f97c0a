"""A build that uses what was kept gives what a build from nothing gives, whatever was delivered, joined or erased."""

import tempfile
from datetime import timedelta
from pathlib import Path
from random import Random

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from headway import flow
from headway.domain.records import KINDS
from headway.domain.time import AsOf, SystemClock
from headway.flow import App, BuildReport, When, open_app
from headway.flow.features import Counts
from tests.support.depth import examples
from tests.support.histories import ANCHORS, HABITS, PROMISE, Habits, World, world

VIEW = (
    "active_days_14d,interactions_14d_percentile,longest_gap_days,objects_total,types_14d,"
    "earned_share,days_to_next_due,other_runs_open,other_runs_mean_score,previous_attempts,remaining_share,engagement_score"
)
DAYS = (-5, 0, 7, 20, 33)


def built(app: App, when: When, *, keep: bool) -> tuple[pa.Table, BuildReport]:
    """What a build hands over, as one table."""
    pieces: list[pa.Table] = []
    done = flow.build_features(app, ["*"], when, VIEW, write=pieces.append, keep=keep)
    table = pa.concat_tables(pieces).combine_chunks()
    assert done.rows == table.num_rows
    assert done.computed.runs + done.reused.runs == len(app.lake.runs())
    return table, done


def arrive(app: App, tables: dict[str, pa.Table], which: dict[str, list[int]]) -> None:
    """Lands these rows of each kind."""
    for kind in KINDS:
        rows = tables[kind].take(pa.array(which[kind], pa.int64()))
        if rows.num_rows:
            app.lake.append(kind, rows.to_reader())


def deliveries(made: World, random: Random) -> list[dict[str, list[int]]]:
    """Each record in one of three deliveries, most in the order in which they were recorded; some runs have no news."""
    found: list[dict[str, list[int]]] = [{kind: [] for kind in KINDS} for _ in range(3)]
    silent = {run: random.choice([1, 2, 3]) for run in {moment.run for moment in made.moments}}
    until = [made.as_of.instant - timedelta(days=days) for days in (20, 6)]
    for kind, table in made.tables.items():
        announced: set[str] = set()
        for number, row in enumerate(table.select(["run", "recorded_at"]).to_pylist()):
            turn = sum(row["recorded_at"] > end for end in until)
            if random.random() < 0.02:
                turn = random.randrange(turn, 3)
            if turn == silent[row["run"]] or (kind == "course_runs" and row["run"] not in announced):
                turn = 0
            announced.add(row["run"])
            found[turn][kind].append(number)
    return found


@settings(PROMISE, max_examples=examples(2))
@given(as_of=st.sampled_from(ANCHORS), habits=HABITS, seed=st.integers(0, 2**32))
def test_a_build_from_what_was_kept_is_a_build_from_nothing(as_of: AsOf, habits: Habits, seed: int) -> None:
    random = Random(seed)
    made = world(as_of, habits, 3, seed)
    dates = [str(as_of), str(AsOf(as_of.instant - timedelta(days=9)))]
    with tempfile.TemporaryDirectory() as folder, open_app(Path(folder)) as app:
        for which in deliveries(made, random):
            arrive(app, made.tables, which)
            act = random.choice(["build", "build", "compact", "erase"])
            if act == "compact":
                app.lake.compact()
            if act == "erase":
                app.lake.erase(random.choice(made.tables["enrolments"]["learner"].to_pylist()), SystemClock())
            when = When(dates, random.sample(DAYS, 4))
            fresh, _ = built(app, when, keep=False)
            kept, _ = built(app, when, keep=True)
            assert kept.equals(fresh)
        again, done = built(app, when, keep=True)
        assert again.equals(fresh)
        assert done.computed == Counts(0, 0)
