"""What is known of the same learner in other course runs."""

from typing import TYPE_CHECKING

from headway.features.definition import feature

if TYPE_CHECKING:
    import ibis.expr.types as ir


@feature(
    reads="others",
    unit="runs",
    absent=0,
    changeable=False,
    domain="timing",
    sentence="Takes {value} other courses at the same time (course middle: {median})",
)
def other_runs_open(o: "ir.Table") -> "ir.Value":
    """Other course runs in which the learner is enrolled and that have not ended."""
    return (~o.ended & ~o.withdrawn).sum()


@feature(
    reads="others",
    unit="runs",
    absent=0,
    changeable=False,
    domain="results",
    sentence="Has passed {value} courses here (course middle: {median})",
)
def other_runs_passed(o: "ir.Table") -> "ir.Value":
    """Other course runs that the learner has passed."""
    return o.passed.sum()


@feature(
    reads="others",
    unit="runs",
    absent=0,
    changeable=False,
    domain="results",
    sentence="Did not finish {value} courses here (course middle: {median})",
)
def other_runs_not_finished(o: "ir.Table") -> "ir.Value":
    """Other course runs that the learner left or did not pass."""
    return (o.withdrawn | (o.ended & ~o.passed)).sum()


@feature(
    reads="others",
    unit="share",
    bounds=(0, 1),
    changeable=False,
    domain="results",
    sentence="Mean final score in other courses {value} (course middle: {median})",
)
def other_runs_mean_score(o: "ir.Table") -> "ir.Value":
    """Mean of the final scores known of other course runs, 0 to 1."""
    return o.final_score.mean()
