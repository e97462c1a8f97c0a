"""Of what a small delivery infers, that which the lake does not know yet.

Sources infer the dates of runs, the activities and the enrolments from events. Told again with every few events these
would fill the lake with one record for each delivery that says nothing new, and an act after a withdrawal would look
like a new enrolment. What someone did is never left out.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from headway.lake.lake import Lake
from headway.sources.source import Delivery

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from headway.lake.reading import Records

INFERS: Final = frozenset({"xapi", "caliper", "records"})
"""Sources whose second delivery of enrolments is inferred from acts."""


def news(lake: Lake, source: str, deliveries: Iterable[Delivery], runs: set[str]) -> Iterator[Delivery]:
    """The deliveries without what they infer and the lake knows; adds the runs that they are about to `runs`.

    Args:
        lake: what is known.
        source: whose deliveries these are.
        deliveries: of a few records, in their order.
        runs: filled on the way.
    """
    enrolments = 0
    for delivery in deliveries:
        table = delivery.records.read_all()
        enrolments += delivery.kind == "enrolments"
        inferred = delivery.kind in ("course_runs", "activities") or (
            delivery.kind == "enrolments" and enrolments == 2 and source in INFERS
        )
        if table.num_rows and inferred:
            table = _unknown(lake, delivery.kind, table)
        if table.num_rows:
            runs.update(pc.unique(table["run"]).to_pylist())
        yield Delivery(delivery.kind, table.to_reader(), delivery.rejects)


def _unknown(lake: Lake, kind: str, table: pa.Table) -> pa.Table:
    with lake.open(None, pc.unique(table["run"]).to_pylist(), kinds=[kind]) as records:
        arrived = records.put("arrived", table)
        found = records.collect(_ANSWERS[kind](records, arrived))
    return found.cast(table.schema)


def _activities(records: "Records", arrived: "ir.Table") -> "ir.Table":
    known = records.table("activities")
    same = [arrived[name] == known[name] for name in ("run", "activity", "type")]
    same += [arrived[name].identical_to(known[name]) for name in ("title", "duration_s")]
    return arrived.anti_join(known, same)


def _course_runs(records: "Records", arrived: "ir.Table") -> "ir.Table":
    told = records.table("course_runs")
    known = told.group_by(["run", "zone"]).agg(first_on=told.starts_on.min(), last_on=told.ends_on.max())
    covered = [
        arrived.run == known.run,
        arrived.zone == known.zone,
        arrived.inferred.fill_null(False),
        arrived.starts_on >= known.first_on,
        arrived.ends_on <= known.last_on,
    ]
    return arrived.anti_join(known, covered)


def _enrolments(records: "Records", arrived: "ir.Table") -> "ir.Table":
    known = records.table("enrolments")
    earlier = known.valid_from <= arrived.valid_from
    return arrived.anti_join(known, [arrived.run == known.run, arrived.learner == known.learner, earlier])


_ANSWERS: Final = {"activities": _activities, "course_runs": _course_runs, "enrolments": _enrolments}
