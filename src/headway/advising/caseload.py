"""The caseload: one cohort's predictions in order, cut at the advisers' capacity and never at a fixed risk.

The order belongs to the list of tasks and is no property of a person. Whoever cannot be predicted yet stays apart:
"too early to say" is a state of its own, not a risk in the middle.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypedDict

from headway.advising.wording import LISTS, ListName
from headway.domain.errors import InputError
from headway.explanation.reasons import Reason, ReasonRow

Status = Literal["scored", "too_early"]

COURSE_PROBLEM_SHARE: Final = 0.3
"""Above this share of a cohort over the past cut, the page speaks of the course and not of people (ux.md R5)."""

NO_VISIT_DAYS: Final = 7
"""The rule for those too early to predict: no visit for so many days."""


class CaseRow(TypedDict):
    """A row of `headway list --json`."""

    order: int
    learner: str
    risk: float
    low: float
    high: float
    list: ListName
    reasons: Sequence[ReasonRow]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A learner's prediction as advising needs it.

    Attributes:
        learner: the learner's pseudonym.
        risk: the calibrated risk, 0 to 1; not used where the status is "too_early".
        low: lower end of the risk's range.
        high: upper end of the risk's range.
        status: "scored", or "too_early" where the model withholds its answer.
        reasons: strongest first.
        days_since_visit: whole days since the last recorded visit; None where there was no visit.
        detail: why it is too early, as a sentence.
    """

    learner: str
    risk: float
    low: float
    high: float
    status: Status = "scored"
    reasons: tuple[Reason, ...] = ()
    days_since_visit: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A learner's place in the list: `order` counts from 1."""

    order: int
    list: ListName
    candidate: Candidate

    @property
    def main_reason(self) -> Reason | None:
        """The strongest reason for the label, else the strongest of all; None where there is none."""
        reasons = self.candidate.reasons
        return next((reason for reason in reasons if reason.direction == "for"), reasons[0] if reasons else None)

    def as_row(self) -> CaseRow:
        """The entry as JSON-ready data."""
        candidate = self.candidate
        return CaseRow(
            order=self.order,
            learner=candidate.learner,
            risk=candidate.risk,
            low=candidate.low,
            high=candidate.high,
            list=self.list,
            reasons=[reason.as_row() for reason in candidate.reasons],
        )


@dataclass(frozen=True, slots=True)
class Caseload:
    """A cohort in order.

    Attributes:
        capacity: how many learners can be contacted.
        base_rate: the risk above which a learner beyond capacity is kept an eye on.
        entries: everyone with a prediction, in order.
        too_early: everyone without, by id.
        not_visited: those of `too_early` who have not visited for a week or at all, longest absence first.
        past_cut: the risk at which capacity ended in past runs; None where it is not known.
        share_above: the share of `entries` at or above `past_cut`; None where it is not known.
        course_problem: whether that share is so large that the course should be looked at first.
    """

    capacity: int
    base_rate: float
    entries: tuple[Entry, ...]
    too_early: tuple[Candidate, ...]
    not_visited: tuple[Candidate, ...]
    past_cut: float | None
    share_above: float | None
    course_problem: bool

    @property
    def listed(self) -> tuple[Entry, ...]:
        """Those within capacity: the list itself."""
        return self.entries[: self.capacity]

    def of(self, name: ListName) -> tuple[Entry, ...]:
        """The entries of one list, in order."""
        return tuple(entry for entry in self.entries if entry.list == name)

    def counts(self) -> dict[ListName, int]:
        """How many learners each list has."""
        return {name: len(self.of(name)) for name in LISTS}

    @property
    def expected(self) -> float:
        """How many of `listed` the label is expected to come true for, if this run goes as earlier ones did."""
        return math.fsum(entry.candidate.risk for entry in self.listed)


def caseload(
    predictions: Iterable[Candidate],
    capacity: int,
    *,
    base_rate: float | None = None,
    past_cut: float | None = None,
    course_problem_share: float = COURSE_PROBLEM_SHARE,
    no_visit_days: int = NO_VISIT_DAYS,
) -> Caseload:
    """The cohort in order: by risk, then by the lower end of its range, then by learner id.

    The first `capacity` are "Reach out", the next `capacity` "Check in"; of the rest, those above the base rate are
    "Keep an eye" and the others "On track".

    Args:
        predictions: each learner once, in any order.
        capacity: how many learners can be contacted.
        base_rate: the label's rate in past runs; without it, the mean risk of the cohort.
        past_cut: the risk at which capacity ended in past runs.
        course_problem_share: the share above `past_cut` that points to the course rather than to people.
        no_visit_days: for those too early to predict: no visit for so many days puts them on the rule's list.

    Raises:
        InputError: a negative capacity, a learner twice, or a risk outside its range.
    """
    if capacity < 0:
        raise InputError(f"A capacity of {capacity} contacts is not possible. Use 0 or more.")
    cohort = list(predictions)
    _check(cohort)
    scored = sorted((each for each in cohort if each.status == "scored"), key=_order)
    early = sorted((each for each in cohort if each.status == "too_early"), key=lambda each: each.learner)
    rate = base_rate if base_rate is not None else _mean([each.risk for each in scored])
    above = _mean([float(each.risk >= past_cut) for each in scored]) if past_cut is not None and scored else None
    return Caseload(
        capacity=capacity,
        base_rate=rate,
        entries=tuple(
            Entry(index + 1, _list(index, each.risk, capacity, rate), each) for index, each in enumerate(scored)
        ),
        too_early=tuple(early),
        not_visited=_not_visited(early, no_visit_days),
        past_cut=past_cut,
        share_above=above,
        course_problem=above is not None and above > course_problem_share,
    )


def _order(candidate: Candidate) -> tuple[float, float, str]:
    return (-candidate.risk, -candidate.low, candidate.learner)


def _list(index: int, risk: float, capacity: int, base_rate: float) -> ListName:
    if index < capacity:
        return "Reach out"
    if index < 2 * capacity:
        return "Check in"
    return "Keep an eye" if risk > base_rate else "On track"


def _mean(numbers: Sequence[float]) -> float:
    # fsum is exact, so the mean does not depend on the order in which predictions arrive.
    return math.fsum(numbers) / len(numbers) if numbers else 0.0


def _not_visited(early: Sequence[Candidate], days: int) -> tuple[Candidate, ...]:
    absent = [each for each in early if each.days_since_visit is None or each.days_since_visit >= days]
    return tuple(
        sorted(
            absent,
            key=lambda each: (-math.inf if each.days_since_visit is None else -each.days_since_visit, each.learner),
        )
    )


def _check(cohort: Sequence[Candidate]) -> None:
    seen: set[str] = set()
    for each in cohort:
        if each.learner in seen:
            raise InputError(f"Learner {each.learner} is predicted twice. Give each learner of a run once.")
        seen.add(each.learner)
        if each.status == "scored" and not 0 <= each.low <= each.risk <= each.high <= 1:
            raise InputError(
                f"The prediction of learner {each.learner} needs 0 ≤ low ≤ risk ≤ high ≤ 1, "
                f"got low {each.low}, risk {each.risk}, high {each.high}."
            )
