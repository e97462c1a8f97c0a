"""Days of activity as they became known, over Arrow tables in numpy: what `relations.activity.days` means, carried out.

What a day tells changes when more of it becomes known, and when a day before it does: then another day is the one
before, or the spell of days that it ends begins earlier. Both follow from the days before it that became known later
than all between, which are few: nobody looks at every pair of days.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from headway.features.folding import JOINED, Sorted, Telling, Things, begins_of, in_order, so_far, until_of
from headway.features.spans import NEVER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Whole = NDArray[np.signedinteger[Any]]
    Changes = tuple[Whole, Whole, Whole]
    Columns = Mapping[str, Whole]

_NONE: Final = -(10**7)
_LATE: Final = 10**7
"""Earlier and later than any day."""

_KEPT: Final = {"number": ("sum", 0), "before": ("max", _NONE), "spell": ("min", _LATE)}
"""What is kept of each day: how two changes at the same step join, and what is told where there is none."""


@dataclass(frozen=True, slots=True)
class KnownDays:
    """Spans of the days on which something was done.

    Attributes:
        day: the column with the day; never null.
        step: the column with the step at which a row became known; never null.
        number: the column to add up; never null.
    """

    day: str
    step: str
    number: str

    @property
    def reads(self) -> tuple[str, ...]:
        """See `folding.Folding`."""
        return (self.day, self.step, self.number)

    @property
    def likes(self) -> Mapping[str, str]:
        """See `folding.Folding`: the day, the one before it, the first of its spell, and the sum."""
        return {self.day: self.day, "before_on": self.day, "spell_on": self.day, self.number: self.number}

    def __call__(self, rows: pa.Table, cursor: pa.Table) -> pa.Table:
        """See `folding.Folding`; `before_on` is null where no earlier day is known."""
        acts = in_order(rows, ("enrolment", self.day, self.step), (self.number,))
        tell = Telling.of(rows.schema, cursor, self.likes)
        return pa.concat_tables(tell(self._spans(some)) for some in acts.blocks())

    def _spans(self, acts: "Sorted") -> "Columns":
        pieces = acts.pieces()
        begins = acts.begins(pieces, 2)
        heads = acts.only(pieces)
        firsts = heads.only(np.flatnonzero(begins))
        enrolment, day, step = (firsts.at(name) for name in ("enrolment", self.day, self.step))
        follows = np.zeros(len(day), dtype=bool)
        follows[1:] = enrolment[1:] == enrolment[:-1]
        adjoins = follows.copy()
        adjoins[1:] &= day[1:] - day[:-1] == 1
        mixed = np.zeros(int(enrolment.max(initial=0)) + 1, dtype=bool)
        mixed[enrolment[1:][follows[1:] & (step[1:] < step[:-1])]] = True
        late = mixed[enrolment]
        changes = _log(
            (np.cumsum(begins) - 1, heads.at(self.step), acts.joined(self.number, "sum", pieces)),
            _befores(day, step, follows, late),
            _spells(day, step, adjoins, late),
        )
        place, changed, one = changes["place"], changes["step"], Things.of(begins_of(changes, ("place",)))
        before = so_far(changes["before"], one, "max")
        return {
            "enrolment": enrolment[place],
            self.day: day[place],
            "from_step": changed,
            "until_step": until_of(changed, one),
            "before_on": np.where(before == _NONE, NEVER, before),
            "spell_on": so_far(changes["spell"], one, "min"),
            self.number: so_far(changes["number"], one, "sum"),
        }


def _befores(day: "Whole", step: "Whole", follows: "NDArray[np.bool_]", late: "NDArray[np.bool_]") -> "Changes":
    """Which day is the one before each day, and from which step on.

    A day further back is it for a while where it became known earlier than all days between. `late` is true of days of
    enrolments in which a day became known after a later one: no other has to be gone back from.
    """
    sooner = _back(step, follows & late, np.greater_equal)
    return _changes(
        np.flatnonzero(follows),
        lambda place: place - 1,
        lambda place, back: (np.maximum(step[place], step[back]), day[back]),
        lambda place, back: np.where(step[back] > step[place], sooner[back], -1),
    )


def _spells(day: "Whole", step: "Whole", adjoins: "NDArray[np.bool_]", late: "NDArray[np.bool_]") -> "Changes":
    """On which day the spell began that each day ends, and from which step on.

    It reaches back to the nearest day that became known later, until that is known.
    """
    later = _back(step, adjoins & late, np.less_equal)
    spell = np.maximum.accumulate(np.where(adjoins, 0, np.arange(len(day))))
    begun = day[np.where(later < 0, spell, later + 1)]
    return _changes(
        np.arange(len(day)),
        lambda place: place,
        lambda _, back: (step[back], begun[back]),
        lambda _, back: later[back],
    )


def _back(step: "Whole", joined: "NDArray[np.bool_]", passed: Callable[..., "NDArray[np.bool_]"]) -> "Whole":
    """For each day, the nearest of the joined days before it whose step is not `passed` by its own; -1 for none.

    All that lies between a day and where it points is passed, so that it may go on to where that one points.
    """
    back: Whole = np.where(joined, np.arange(len(step)) - 1, -1)
    on = np.flatnonzero(joined)
    while len(on):
        on = on[passed(step[back[on]], step[on])]
        back[on] = back[back[on]]
        on = on[back[on] >= 0]
    return back


def _changes(
    place: "Whole",
    begin: Callable[["Whole"], "Whole"],
    tell: Callable[["Whole", "Whole"], "tuple[Whole, Whole]"],
    onwards: Callable[["Whole", "Whole"], "Whole"],
) -> "Changes":
    """What is told of each place from which step on: place, step, value; going back from day to day until -1."""
    found = []
    back = begin(place)
    while len(place):
        found.append((place, *tell(place, back)))
        back = onwards(place, back)
        place, back = place[back >= 0], back[back >= 0]
    if not found:
        return (place, place, place)
    places, steps, values = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return places, steps, values


def _log(numbers: "Changes", befores: "Changes", spells: "Changes") -> "dict[str, Whole]":
    """One row per place and step at which anything changed: `place`, `step`, `number`, `before`, `spell`.

    Args:
        numbers: of every place, by place and step, from the step at which its day became known.
        befores: in any order.
        spells: in any order.
    """
    place, step, number = numbers
    log = _rows(place, step, number=number)
    first = np.flatnonzero(begins_of(log, ("place",)))
    later = []
    for name, (places, steps, values) in (("before", befores), ("spell", spells)):
        # Nearly all of it becomes known with the day itself.
        at = first[places]
        then, after = np.flatnonzero(step[at] == steps), np.flatnonzero(step[at] != steps)
        JOINED[_KEPT[name][0]].at(log[name], at[then], values[then].astype(np.int64))
        later.append(_rows(places[after], steps[after], **{name: values[after]}))
    log = {name: np.concatenate([rows[name] for rows in (log, *later)]) for name in log}
    order = np.argsort(log["place"] * (int(log["step"].max(initial=0)) + 1) + log["step"], kind="stable")
    log = {name: column[order] for name, column in log.items()}
    first = np.flatnonzero(begins_of(log, ("place", "step")))
    joined = {name: JOINED[how].reduceat(log[name], first) if len(first) else first for name, (how, _) in _KEPT.items()}
    return {"place": log["place"][first], "step": log["step"][first]} | joined


def _rows(place: "Whole", step: "Whole", **told: "Whole") -> "dict[str, Whole]":
    """Rows of a log; what they do not tell is as if nothing were known."""
    rows = {"place": place, "step": step}
    return rows | {name: told.get(name, np.full(len(place), none)) for name, (_, none) in _KEPT.items()}
