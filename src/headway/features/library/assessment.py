"""What a learner has handed in, when, and with what result."""

from typing import TYPE_CHECKING

from headway.features.definition import feature

if TYPE_CHECKING:
    import ibis.expr.types as ir


@feature(
    reads="hand_ins",
    unit="assessments",
    absent=0,
    changeable=False,
    domain="hand-ins",
    sentence="{value} assessments were due so far (course middle: {median})",
)
def assessments_due(h: "ir.Table") -> "ir.Value":
    """Assessments whose due date has passed."""
    return h.is_due.sum()


@feature(
    reads="hand_ins",
    unit="assessments",
    absent=0,
    domain="hand-ins",
    sentence="Handed in {value} assessments so far (course middle: {median})",
)
def assessments_submitted(h: "ir.Table") -> "ir.Value":
    """Assessments handed in so far, due or not."""
    return h.submitted.sum()


@feature(
    reads="hand_ins",
    unit="assessments",
    absent=0,
    domain="hand-ins",
    sentence="{value} due assessments not handed in (course middle: {median})",
)
def assessments_missed(h: "ir.Table") -> "ir.Value":
    """Assessments that are due and not handed in."""
    return (h.is_due & ~h.submitted).sum()


@feature(
    reads="hand_ins",
    unit="share",
    bounds=(0, 1),
    domain="hand-ins",
    sentence="Handed in {value} of what was due (course middle: {median})",
)
def submitted_share(h: "ir.Table") -> "ir.Value":
    """Share of the due assessments that were handed in."""
    return (h.is_due & h.submitted).sum() / h.is_due.sum().nullif(0)


@feature(
    reads="hand_ins",
    unit="percent of the final mark",
    absent=0,
    bounds=(0, None),
    domain="hand-ins",
    sentence="Work worth {value}% of the final mark not handed in (course middle: {median}%)",
)
def missed_weight(h: "ir.Table") -> "ir.Value":
    """Weight of the assessments that are due and not handed in, in percent of the final mark."""
    return h.weight.sum(where=h.is_due & ~h.submitted)


@feature(
    reads="hand_ins",
    unit="assessments",
    absent=0,
    domain="hand-ins",
    sentence="{value} assessments handed in late (course middle: {median})",
)
def assessments_late(h: "ir.Table") -> "ir.Value":
    """Assessments handed in after their due date."""
    return (h.late_days > 0).sum()


@feature(
    reads="hand_ins",
    unit="days",
    bounds=(None, None),
    domain="hand-ins",
    sentence="Hands in {value} days before the due date (course middle: {median})",
)
def mean_days_early(h: "ir.Table") -> "ir.Value":
    """Mean days from handing in to the due date; negative when late."""
    return -h.late_days.cast("float64").mean()


@feature(
    reads="hand_ins",
    unit="days",
    domain="hand-ins",
    sentence="Last hand-in {value} days ago (course middle: {median})",
)
def days_since_last_submission(h: "ir.Table") -> "ir.Value":
    """Days since the latest hand-in."""
    return h.submitted_age_days.min()


@feature(
    reads="hand_ins",
    unit="share",
    bounds=(0, 1),
    domain="results",
    sentence="Mean score {value} (course middle: {median})",
)
def mean_score(h: "ir.Table") -> "ir.Value":
    """Mean of the scores known so far, 0 to 1."""
    return h.score.mean()


@feature(
    reads="hand_ins",
    unit="share",
    bounds=(0, 1),
    domain="results",
    sentence="Lowest score so far {value} (course middle: {median})",
)
def lowest_score(h: "ir.Table") -> "ir.Value":
    """Lowest of the scores known so far, 0 to 1."""
    return h.score.min()


@feature(
    reads="hand_ins",
    unit="share",
    bounds=(0, 1),
    domain="results",
    sentence="Latest score {value} (course middle: {median})",
)
def last_score(h: "ir.Table") -> "ir.Value":
    """Score of the marked assessment that was due last, 0 to 1."""
    return h.score.argmax(h.order, where=h.score.notnull())


@feature(
    reads=("last_score", "mean_score"),
    unit="share",
    bounds=(-1, 1),
    domain="results",
    sentence="Latest score differs from own mean by {value} (course middle: {median})",
)
def score_trend(f: "ir.Table") -> "ir.Value":
    """Latest score less the mean score, each 0 to 1."""
    return f.last_score - f.mean_score


@feature(
    reads="hand_ins",
    unit="share",
    bounds=(0, 1),
    domain="results",
    sentence="Has earned {value} of the marks that were due (course middle: {median})",
)
def earned_share(h: "ir.Table") -> "ir.Value":
    """Weighted share of marks earned on due assessments, missing work as 0; unmarked hand-ins are left out; 0 to 1."""
    settled = h.is_due & (h.score.notnull() | ~h.submitted)
    weight = h.weight + 0.01  # so that courses without weights still count each assessment
    return (weight * h.score.fill_null(0.0)).sum(where=settled) / weight.sum(where=settled)


@feature(
    reads="hand_ins",
    unit="days",
    changeable=False,
    domain="timing",
    sentence="Next assessment due in {value} days",
)
def days_to_next_due(h: "ir.Table") -> "ir.Value":
    """Days to the next due date of an assessment that is not handed in yet."""
    return h.due_in_days.min(where=~h.is_due & ~h.submitted)


@feature(
    reads="hand_ins",
    unit="percent of the final mark",
    changeable=False,
    domain="timing",
    sentence="The next assessment counts for {value}% of the final mark",
)
def next_due_weight(h: "ir.Table") -> "ir.Value":
    """Weight of the next assessment that is not handed in yet, in percent of the final mark."""
    return h.weight.argmin(h.order, where=~h.is_due & ~h.submitted)


@feature(
    reads="hand_ins",
    unit="1 for a test, 0 for other work",
    bounds=(0, 1),
    changeable=False,
    domain="timing",
    sentence="Whether the next assessment is a test: {value}",
)
def next_is_test(h: "ir.Table") -> "ir.Value":
    """Whether the next assessment that is not handed in yet is a test or quiz: 1 or 0."""
    is_test = h.type.isin(["test", "quiz_assessment"]).cast("float64")
    return is_test.argmin(h.order, where=~h.is_due & ~h.submitted)


@feature(
    reads="hand_ins",
    unit="assessments",
    absent=0,
    domain="hand-ins",
    sentence="{value} assessments handed in ahead of their due date (course middle: {median})",
)
def submitted_ahead(h: "ir.Table") -> "ir.Value":
    """Assessments handed in whose due date is still to come."""
    return (~h.is_due & h.submitted).sum()


@feature(
    reads="hand_ins",
    unit="percent of the final mark",
    absent=0,
    changeable=False,
    domain="timing",
    sentence="Work worth {value}% of the final mark is due within two weeks (course middle: {median})",
)
def weight_due_14d(h: "ir.Table") -> "ir.Value":
    """Weight of what is due in the next 14 days and not handed in, in percent of the final mark."""
    return h.weight.sum(where=~h.is_due & (h.due_in_days <= 14) & ~h.submitted)


@feature(
    reads="hand_ins",
    unit="percent of the final mark",
    absent=0,
    changeable=False,
    domain="timing",
    sentence="{value}% of the final mark is still to be earned (course middle: {median})",
)
def weight_ahead(h: "ir.Table") -> "ir.Value":
    """Weight of everything still to come that is not handed in, in percent of the final mark."""
    return h.weight.sum(where=~h.is_due & ~h.submitted)


@feature(
    reads="hand_ins",
    unit="days",
    bounds=(None, None),
    domain="hand-ins",
    sentence="Closest hand-in to a due date: {value} days before (course middle: {median})",
)
def least_days_early(h: "ir.Table") -> "ir.Value":
    """Days to the due date at the latest hand-in of all; negative when late."""
    return -h.late_days.max()


@feature(
    reads="hand_ins",
    unit="share",
    bounds=(0, 1),
    domain="hand-ins",
    sentence="{value} of the hand-ins on the last day or late (course middle: {median})",
)
def last_day_share(h: "ir.Table") -> "ir.Value":
    """Share of the hand-ins made on the due date or later."""
    return (h.submitted & (h.late_days >= 0)).sum() / h.submitted.sum().nullif(0)


@feature(
    reads="hand_ins",
    unit="share",
    bounds=(None, None),
    domain="hand-ins",
    sentence="Uses {value} of the time before a due date (course middle: {median})",
)
def procrastination(h: "ir.Table") -> "ir.Value":
    """Mean share of the time between opening and due date that had passed at the hand-in; above 1 when late."""
    return h.wait_share.mean()


@feature(
    reads="hand_ins",
    unit="attempts",
    domain="hand-ins",
    sentence="{value} attempts per assessment (course middle: {median})",
)
def attempts_mean(h: "ir.Table") -> "ir.Value":
    """Mean number of attempts at the assessments that were attempted."""
    return h.attempts.cast("float64").mean()


@feature(
    reads="hand_ins",
    unit="share",
    bounds=(0, 1),
    domain="results",
    sentence="Scores vary by {value} (course middle: {median})",
)
def score_spread(h: "ir.Table") -> "ir.Value":
    """Standard deviation of the scores known so far."""
    return h.score.std(how="pop")


@feature(
    reads="hand_ins",
    unit="assessments",
    absent=0,
    domain="results",
    sentence="{value} results below 40% (course middle: {median})",
)
def low_scores(h: "ir.Table") -> "ir.Value":
    """Results below 0.4 so far."""
    return h.score.count(where=h.score < 0.4)


@feature(
    reads="hand_ins",
    unit="share per assessment",
    bounds=(None, None),
    domain="results",
    sentence="Scores change by {value} from one assessment to the next (course middle: {median})",
)
def score_slope(h: "ir.Table") -> "ir.Value":
    """Least-squares slope of the known scores over the order of due dates; absent with fewer than two."""
    marked = h.score.notnull()
    n, order = h.score.count(), h.order.cast("float64")
    x, y = order.sum(where=marked), h.score.sum()
    spread = n * (order * order).sum(where=marked) - x * x
    return (n * (order * h.score).sum() - x * y) / spread.nullif(0)
