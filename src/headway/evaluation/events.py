"""When what a label foresees happened, where the records hold a date for it: what lead times are counted to."""

from typing import Final

from headway.features.engine import Records
from headway.features.labels import Label

FINAL: Final = "does_not_finish"


def dated(target: Label) -> bool:
    """Whether positives of this label may have a date before the end: leaving a run."""
    return target.name == FINAL or target.name.startswith("withdraws")


def leaving_instants(records: Records, run: str, target: Label) -> dict[str, int] | None:
    """When each learner who left the run for good did so, in microseconds since 1970; None for labels without a date.

    A fail has no such date: its result comes with everybody's, after the end, and a lead counted to there would say
    how long the course is.
    """
    if not dated(target):
        return None
    changes = records.table("enrolments")
    own = changes.filter(changes.run == run)
    last = own.group_by("learner").agg(
        left_at=own.valid_from.max(where=own.status == "withdrawn"),
        back_at=own.valid_from.max(where=own.status == "enrolled"),
    )
    gone = last.filter(last.left_at.notnull() & (last.back_at.isnull() | (last.left_at >= last.back_at)))
    found = records.collect(gone.select("learner", "left_at"))
    return dict(zip(found["learner"].to_pylist(), found["left_at"].cast("int64").to_pylist(), strict=True))
