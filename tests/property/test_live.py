"""A cohort held in memory follows what arrives and says the same as a fresh computation, down to the last bit."""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from headway.domain.time import FixedClock
from headway.features.as_of import LiveCohort, compute
from headway.features.views import STANDARD, view_of
from headway.lake.lake import Lake
from tests.support.histories import ANCHORS, Habits, World, world

PARTS = 4


def deliveries(made: World) -> Iterator[dict[str, pa.Table]]:
    """The world's records in the order in which they became known, in some parts."""
    known = sorted(at for table in made.tables.values() for at in table["recorded_at"].to_pylist())
    cuts = [datetime.min.replace(tzinfo=UTC), *(known[len(known) * part // PARTS] for part in range(1, PARTS))]
    for begin, end in pairwise([*cuts, datetime.max.replace(tzinfo=UTC)]):
        yield {
            kind: table.filter(pa.array([begin <= at < end for at in table["recorded_at"].to_pylist()], pa.bool_()))
            for kind, table in made.tables.items()
        }


def append(lake: Lake, tables: dict[str, pa.Table]) -> None:
    for kind, table in tables.items():
        if len(table):
            lake.append(kind, table.to_reader())


@pytest.fixture(scope="module")
def made() -> World:
    return world(ANCHORS[1], Habits(0.3, 0.3, 0.3, 0.3, 0.1, 0.1), 6, 11)


def fresh(lake: Lake, cohort: LiveCohort) -> pa.Table:
    with lake.open(None, None) as records:
        return compute(cohort.view, records, [cohort.moment]).table


def told(cohort: LiveCohort, table: pa.Table) -> list[pa.Table]:
    rows = [cohort.of(learner) for learner in table["learner"].to_pylist()]
    return [row.table for row in rows if row is not None]


def test_it_follows_every_delivery(made: World, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    parts = deliveries(made)
    append(lake, next(parts))
    moment = max(made.moments, key=lambda one: (one.as_of, one.run))
    with lake.open_live(moment.run) as records:
        assert records.refresh() == {}
        cohort = LiveCohort(view_of(STANDARD), records, moment)
        for part in parts:
            append(lake, part)
            arrived = records.refresh()
            assert arrived
            cohort.follow(arrived)
            wanted = fresh(lake, cohort)
            assert len(cohort) == len(wanted) > 0
            assert pa.concat_tables(told(cohort, wanted)).equals(wanted)
        assert records.refresh() == {}


def test_what_was_erased_is_not_kept(made: World, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    append(lake, made.tables)
    moment = max(made.moments, key=lambda one: (one.as_of, one.run))
    with lake.open_live(moment.run) as records:
        learner = LiveCohort(view_of(STANDARD), records, moment)._table["learner"][0].as_py()
        lake.erase(learner, FixedClock(moment.as_of.instant))
        assert records.refresh() is None
        cohort = LiveCohort(view_of(STANDARD), records, moment)
        assert cohort.of(learner) is None
        assert len(cohort) == len(fresh(lake, cohort))


def test_nobody_else_is_computed_anew(made: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(tmp_path / "lake")
    append(lake, made.tables)
    moment = max(made.moments, key=lambda one: (one.as_of, one.run))
    with lake.open_live(moment.run) as records:
        cohort = LiveCohort(view_of(STANDARD), records, moment)
        asked: list[object] = []
        compute_again = LiveCohort._computed

        def noted(self: LiveCohort, who: Collection[str] | None) -> pa.Table:
            asked.append(who)
            return compute_again(self, who)

        monkeypatch.setattr(LiveCohort, "_computed", noted)
        last = made.tables["statements"].filter(pc.equal(made.tables["statements"]["run"], moment.run)).slice(0, 1)
        again = last.set_column(0, "id", pa.array([b"0123456789abcdef"], last.schema.field("id").type))
        lake.append("statements", again.to_reader())
        cohort.follow(records.refresh() or {})
    assert asked == [{last["learner"][0].as_py()}]
