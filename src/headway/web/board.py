"""One score run as arrays, so that a caseload of a hundred thousand is sorted, filtered and cut in milliseconds.

A board is made once from the store and never changed; what people do about learners is joined page by page. Where
learners are erased or groups change, another board takes its place. What is derived from a board is kept with it, so
that nothing of a board that is gone is ever laid beside the next.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec
import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from headway.advising.wording import LISTS, ListName
from headway.scoring import kept
from headway.scoring.kept import ScoreRun
from headway.store.tables import GROUP_MEMBERS, PREDICTIONS
from headway.web.fresh import Once

SCORED: Final = 0
TOO_EARLY: Final = 1
DERIVED: Final = 24
"""So many things derived from a board are kept with it, most of them one for each group of people who look."""

_READ_AT_ONCE: Final = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """A score run's learners as arrays of one length, those put first first; who cannot be predicted yet comes last.

    Attributes:
        score_run: whose predictions these are.
        learners: pseudonyms.
        status: `SCORED` or `TOO_EARLY`.
        risk: the chance, NaN where it is too early.
        low: lower end of its range.
        high: upper end of its range.
        comparable: how many past learners the range rests on.
        absent_days: days since the last visit; NaN where there was none.
        reason: the main reason's sentence, or why it is too early.
        group: tutor group; empty where there is none.
        groups: the names of the groups, in order.
        group_code: place of the group in `groups`; -1 where there is none.
        place: where a learner stands in these arrays.
        base_rate: the risk above which a learner beyond capacity is kept an eye on.
        once: what is derived from it.
    """

    score_run: ScoreRun
    learners: "NDArray[np.object_]"
    status: "NDArray[np.int8]"
    risk: "NDArray[np.float64]"
    low: "NDArray[np.float64]"
    high: "NDArray[np.float64]"
    comparable: "NDArray[np.int64]"
    absent_days: "NDArray[np.float64]"
    reason: "NDArray[np.object_]"
    group: "NDArray[np.object_]"
    groups: tuple[str, ...]
    group_code: "NDArray[np.int32]"
    place: dict[str, int]
    base_rate: float
    once: "Once[Any]" = field(default_factory=lambda: Once(DERIVED), repr=False)

    def __len__(self) -> int:
        return len(self.learners)

    @property
    def everyone(self) -> tuple[str, ...]:
        """The pseudonyms, in the order of the board."""
        found: tuple[str, ...] = self.once.get(("everyone",), None, lambda: tuple(self.learners.tolist()))
        return found

    def of_groups(self, groups: frozenset[str] | None) -> "NDArray[np.bool_]":
        """Which learners are in one of the groups; None stands for everybody."""
        if groups is None:
            return np.ones(len(self), dtype=bool)
        wanted = [code for code, name in enumerate(self.groups) if name in groups]
        if "" in groups:
            wanted.append(-1)
        return np.isin(self.group_code, wanted)

    def groups_among(self, some: "NDArray[np.bool_]") -> list[str]:
        """The groups of some learners, in order."""
        there = np.bincount(self.group_code[some] + 1, minlength=len(self.groups) + 1)[1:]
        return [self.groups[code] for code in np.flatnonzero(there)]

    def lists(self, mine: "NDArray[np.bool_]", capacity: int) -> "NDArray[np.int8]":
        """The list of each learner, as its place in `LISTS`; -1 for those not mine and those too early to predict.

        The first `capacity` of mine are "Reach out", the next as many "Check in", of the rest those above the base rate
        "Keep an eye", as `headway.advising.caseload` does it.
        """
        found = np.full(len(self), -1, dtype=np.int8)
        ranked = np.flatnonzero(mine & (self.status == SCORED))
        if len(ranked) == 0:
            return found
        found[ranked] = np.where(self.risk[ranked] > self.base_rate, 2, 3)
        found[ranked[: 2 * capacity]] = 1
        found[ranked[:capacity]] = 0
        return found

    def lists_of(self, groups: frozenset[str] | None, capacity: int) -> "NDArray[np.int8]":
        """The list of each learner of some groups; made once."""
        found: NDArray[np.int8] = self.once.get(
            ("lists", groups, capacity), None, lambda: self.lists(self.of_groups(groups), capacity)
        )
        return found

    def list_name(self, code: int) -> ListName | None:
        """The name of a list; None for -1."""
        return LISTS[code] if code >= 0 else None


def brought_up_to_date(connection: sa.Connection, board: Board) -> Board:
    """The board without those who were erased since, and with the groups as they are now.

    What was predicted is never changed, so it is not read again.
    """
    kept_for = sa.select(PREDICTIONS.c.learner).where(PREDICTIONS.c.score_run_id == board.score_run.id)
    there = set(connection.execute(kept_for).scalars())
    stays = np.fromiter((learner in there for learner in board.learners), dtype=bool, count=len(board))
    arrays = {
        name: getattr(board, name)[stays]
        for name in ("learners", "status", "risk", "low", "high", "comparable", "absent_days", "reason")
    }
    own = _grouped(arrays["learners"], _groups(connection, board.score_run))
    rate = kept.base_rate(board.score_run, arrays["risk"][arrays["status"] == SCORED].tolist())
    return replace(board, **arrays, **own, place=_places(arrays["learners"]), base_rate=rate, once=Once(DERIVED))


def board_of(connection: sa.Connection, score_run: ScoreRun) -> Board:
    """The board of a score run."""
    columns = _columns(connection, score_run)
    learners, reasons = np.array(columns["learner"], dtype=object), columns["reason"]
    risk, low, high, absent = (_numbers(columns[name]) for name in ("risk", "low", "high", "absent"))
    status = np.array([each != "scored" for each in columns["status"]], dtype=np.int8)
    order = np.lexsort((learners.astype(str), -np.nan_to_num(low), -np.nan_to_num(risk), status))
    return Board(
        score_run=score_run,
        learners=learners[order],
        status=status[order],
        risk=risk[order],
        low=low[order],
        high=high[order],
        comparable=np.array(columns["comparable"], dtype=np.int64)[order],
        absent_days=absent[order],
        reason=np.array(reasons, dtype=object)[order],
        **_grouped(learners[order], _groups(connection, score_run)),
        place=_places(learners[order]),
        base_rate=kept.base_rate(score_run, risk[status == SCORED].tolist()),
    )


class _Reason(msgspec.Struct, gc=False):
    direction: str
    text: str


class _Reasons(msgspec.Struct, gc=False):
    days_since_visit: float | None
    reasons: list[_Reason]


def _columns(connection: sa.Connection, score_run: ScoreRun) -> dict[str, list[Any]]:
    """The predictions of a score run by column. Of the reasons, whose rows are long, only what is shown is kept."""
    names = ("learner", "status", "risk", "low", "high", "comparable", "why_too_early")
    told = sa.cast(PREDICTIONS.c.reasons, sa.Text)
    asked = sa.select(*(PREDICTIONS.c[name] for name in names), told)
    asked = asked.where(PREDICTIONS.c.score_run_id == score_run.id)
    found: dict[str, list[Any]] = {name: [] for name in (*names, "absent", "reason")}
    decode = msgspec.json.Decoder(_Reasons).decode
    rows = connection.execute(asked.execution_options(yield_per=_READ_AT_ONCE))
    for some in rows.partitions():
        *columns, texts = zip(*some, strict=True)
        for name, values in zip(names, columns, strict=True):
            found[name] += values
        read = [decode(text) for text in texts]
        found["absent"] += [each.days_since_visit for each in read]
        found["reason"] += [_main(each.reasons, why) for each, why in zip(read, columns[-1], strict=True)]
    return found


def _numbers(values: list[float | None]) -> "NDArray[np.float64]":
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _places(learners: "NDArray[np.object_]") -> dict[str, int]:
    return {learner: at for at, learner in enumerate(learners)}


def _groups(connection: sa.Connection, score_run: ScoreRun) -> dict[str, str]:
    grouped = sa.select(GROUP_MEMBERS.c.learner, GROUP_MEMBERS.c.group_name).where(GROUP_MEMBERS.c.run == score_run.run)
    return {learner: name for learner, name in connection.execute(grouped)}  # noqa: C416 # rows are no pairs to mypy


def _grouped(learners: "NDArray[np.object_]", groups: Mapping[str, str]) -> dict[str, Any]:
    """What a board says of groups."""
    own = [groups.get(learner, "") for learner in learners]
    names = tuple(sorted({name for name in own if name}))
    codes = {name: code for code, name in enumerate(names)} | {"": -1}
    code = np.fromiter((codes[name] for name in own), dtype=np.int32, count=len(own))
    return {"group": np.array(own, dtype=object), "groups": names, "group_code": code}


def _main(reasons: list[_Reason], why_too_early: str | None) -> str:
    if why_too_early:
        return why_too_early
    towards = [reason for reason in reasons if reason.direction == "for"]
    return next((reason.text for reason in (*towards, *reasons)), "")
