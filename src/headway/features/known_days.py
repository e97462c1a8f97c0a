"""Days of activity as they became known, over Arrow tables in numpy: what `relations.activity.days` means, carried out.

What a day tells changes when more of it becomes known, and when a day before it does: then another day is the one
before, or the spell of days that it ends begins earlier. Both follow from the days before it that became known later
than all between, which are few: nobody looks at every pair of days.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from headway.features.folding import JOINED, begins_of, in_order, so_far, told, until_of
from headway.features.spans import NEVER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Whole = NDArray[np.int64]
    Changes = tuple[Whole, Whole, Whole]

_NONE: Final = -(10**7)
_LATE: Final = 10**7
"""Earlier and later than any day."""


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
        del cursor
        pieces, first, values = in_order(rows, ("enrolment", self.day, self.step), (self.number,))
        sums = np.add.reduceat(values[self.number], first, dtype=np.int64) if len(first) else first
        begins = begins_of(pieces, ("enrolment", self.day))
        at = np.flatnonzero(begins)
        enrolment, day, step = (pieces[name][at] for name in ("enrolment", self.day, self.step))
        follows = np.zeros(len(at), dtype=bool)
        follows[1:] = enrolment[1:] == enrolment[:-1]
        adjoins = follows.copy()
        adjoins[1:] &= day[1:] - day[:-1] == 1
        mixed = np.zeros(int(enrolment.max(initial=0)) + 1, dtype=bool)
        mixed[enrolment[1:][follows[1:] & (step[1:] < step[:-1])]] = True
        late = mixed[enrolment]
        changes = _log(
            (np.cumsum(begins) - 1, pieces[self.step], sums),
            _befores(day, step, follows, late),
            _spells(day, step, adjoins, late),
        )
        place, changed, one = changes["place"], changes["step"], begins_of(changes, ("place",))
        before = so_far(changes["before"], one, "max")
        made = {
            "enrolment": enrolment[place],
            self.day: day[place],
            "from_step": changed,
            "until_step": until_of(changed, one),
            "before_on": np.where(before == _NONE, NEVER, before),
            "spell_on": so_far(changes["spell"], one, "min"),
            self.number: so_far(changes["number"], one, "sum"),
        }
        return told(made, rows, self.likes)


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
    """One row per place and step at which anything changed: `place`, `step`, `number`, `before`, `spell`."""
    parts = {"number": (numbers, 0), "before": (befores, _NONE), "spell": (spells, _LATE)}
    place = np.concatenate([changes[0] for changes, _ in parts.values()])
    step = np.concatenate([changes[1] for changes, _ in parts.values()])
    wide = int(step.max(initial=0)) + 1
    order = np.argsort(place * wide + step, kind="stable")
    log = {"place": place[order], "step": step[order]}
    first = np.flatnonzero(begins_of(log, ("place", "step")))
    log = {name: column[first] for name, column in log.items()}
    at = 0
    for (name, (changes, none)), how in zip(parts.items(), ("sum", "max", "min"), strict=True):
        column = np.full(len(place), none, dtype=np.int64)
        column[at : at + len(changes[2])] = changes[2]
        at += len(changes[2])
        log[name] = JOINED[how].reduceat(column[order], first) if len(first) else column
    return log
