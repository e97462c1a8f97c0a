"""Where learners stand on a caseload: to be contacted this week, waiting, snoozed or closed; and in which order. Pure.

Who was acted on leaves this week's list. The order belongs to the list and is no property of a person.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np

from headway.advising.tasks import ClosingCode, Status
from headway.live_settings import ListSlug

if TYPE_CHECKING:
    from numpy.typing import NDArray

Tab = Literal["week", "waiting", "snoozed", "closed"]
TABS: Final[tuple[Tab, ...]] = ("week", "waiting", "snoozed", "closed")

RESTS: Final = timedelta(days=7)
"""Whoever was closed is back on the list after so long, if the prediction still says so."""

LIST_CODES: Final[dict[ListSlug, int]] = {"reach_out": 0, "check_in": 1, "keep_an_eye": 2}
NO_LIST: Final = 4
"""The place of those without a prediction: behind everybody who has one."""

CALLED: Final = 0
RAISED: Final = 1
LISTED: Final = 2


class TaskLine(NamedTuple):
    """A task as far as a caseload needs it; `raised` is who put the learner on the list by hand, empty for nobody."""

    id: str
    learner: str
    rule: str
    list: ListSlug
    status: Status
    closing_code: ClosingCode | None
    snoozed_until: datetime | None
    assignee: str | None
    changed_at: datetime
    raised: str


@dataclass(frozen=True, slots=True)
class Case:
    """Where one learner with a task stands.

    Attributes:
        tab: on which page of the caseload.
        task: the task that says so.
        first: `CALLED` for a call for help, `RAISED` for somebody put on the list by hand, else `LISTED`.
        rests: whether a closed one is still off this week's list.
    """

    tab: Tab
    task: TaskLine
    first: int
    rests: bool = True


def cases(lines: Iterable[TaskLine], now: datetime, urgent: Collection[str]) -> dict[str, Case]:
    """Where each learner with a task stands: an open task goes before one that waits, sleeps or is closed.

    Args:
        lines: open, contacted and closed tasks of a run.
        now: the instant.
        urgent: rules whose tasks are calls for help.
    """
    found: dict[str, Case] = {}
    for line in lines:
        case = _case(line, now, urgent)
        before = found.get(line.learner)
        if before is None or _rank(case) < _rank(before):
            found[line.learner] = case
    return found


def _case(line: TaskLine, now: datetime, urgent: Collection[str]) -> Case:
    first = CALLED if line.rule in urgent else RAISED if line.raised else LISTED
    if line.status == "closed":
        return Case("closed", line, first, rests=line.changed_at + RESTS > now)
    if line.snoozed_until is not None and line.snoozed_until > now:
        return Case("snoozed", line, first)
    return Case("waiting" if line.status == "contacted" else "week", line, first)


def _rank(case: Case) -> tuple[int, int, int, float]:
    """An open task first; then what is pressing, then what changed last."""
    codes = LIST_CODES[case.task.list] if case.tab == "week" else 0
    return TABS.index(case.tab), case.first, codes, -case.task.changed_at.timestamp()


@dataclass(frozen=True, slots=True)
class Places:
    """Everybody's place, as arrays of one length.

    Attributes:
        tab: place in `TABS`; -1 for those who are not shown at all.
        list: place in `LISTS`, `NO_LIST` where there is no prediction and no task.
        first: `CALLED`, `RAISED` or `LISTED`.
        order: place on this week's list from 1; 0 for everybody else.
    """

    tab: "NDArray[np.int8]"
    list: "NDArray[np.int8]"
    first: "NDArray[np.int8]"
    order: "NDArray[np.int64]"


def places(
    learners: "dict[str, int]",
    shown: "NDArray[np.bool_]",
    lists: "NDArray[np.int8]",
    absent_days: "NDArray[np.float64]",
    known: dict[str, Case],
) -> Places:
    """Everybody's place on a caseload.

    On this week's list, calls for help and those put there by hand come first within a list, then those of the higher
    chance. Those without a prediction come last, the longest absent first.

    Args:
        learners: where each learner stands in the arrays; those of the higher chance stand first.
        shown: whom the reader may see and the list may name.
        lists: place in `LISTS` by prediction, -1 where there is none.
        absent_days: days since the last visit; NaN where there was none.
        known: where those with a task stand.
    """
    size = len(shown)
    tab = np.where(shown, 0, -1).astype(np.int8)
    code = np.where(lists < 0, NO_LIST, lists).astype(np.int8)
    first = np.full(size, LISTED, dtype=np.int8)
    for learner, case in known.items():
        at = learners.get(learner)
        if at is None or not shown[at]:
            continue
        if case.tab == "week":
            first[at] = case.first
            code[at] = min(int(code[at]), LIST_CODES[case.task.list])
        elif case.rests:
            tab[at] = TABS.index(case.tab)
    place = np.arange(size, dtype=np.float64)
    unknown = lists < 0
    place[unknown] = size - np.nan_to_num(absent_days[unknown], nan=float(size)).clip(0, size)
    here = np.flatnonzero(tab == 0)
    ranked = here[np.lexsort((here, place[here], first[here], code[here]))]
    order = np.zeros(size, dtype=np.int64)
    order[ranked] = np.arange(1, len(ranked) + 1)
    return Places(tab, code, first, order)
