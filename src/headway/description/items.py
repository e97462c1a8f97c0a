"""What a course is made of, thing by thing and week by week: who used each, and of the work who handed it in.

The heatmap of a description keeps the things used most; here is every one, for pages that show them some at a time.
"""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from headway.description.assessments import HandIns
from headway.description.coarser import LEAST, coarser_part
from headway.description.ground import Ground
from headway.description.groups import Part
from headway.description.names import from_id

if TYPE_CHECKING:
    import ibis.expr.types as ir

UNNAMED: Final = "other"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing in a course.

    Attributes:
        activity: its id.
        type: its type.
        name: as people call it.
        opens_on: when it opens; None where not known.
        due_on: when it is due; None where it is not.
        users: who ever used it, of all learners.
        never: who came and never used it, of all who came.
        cells: its users among the active learners of each column of `Items.weeks`.
        due: the column in which it is due; None where there is none.
        work: its hand-ins and marks; None where it is no work, or is due later.
    """

    activity: str
    type: str
    name: str
    opens_on: date | None
    due_on: date | None
    users: Part
    never: Part
    cells: tuple[Part, ...]
    due: int | None
    work: HandIns | None


@dataclass(frozen=True, slots=True)
class Items:
    """The things of a run by weeks.

    Attributes:
        weeks: the columns; week 0 stands for all days before the first.
        active: how many learners were active in each; None where fewer than ten.
        items: in the order in which they are used; those that nobody used yet stand where they are due or open.
    """

    weeks: tuple[int, ...]
    active: tuple[int | None, ...]
    items: tuple[Item, ...]

    def find(self, activity: str) -> Item | None:
        """The thing with this id; None where there is none."""
        return next((item for item in self.items if item.activity == activity), None)

    def across(self, most: int) -> tuple[Item, ...]:
        """About so many things from all weeks: of each week those that most learners used, in the order of use."""
        by_week: dict[int, list[Item]] = {}
        for item in self.items:
            if any(part.count != 0 for part in item.cells):
                by_week.setdefault(_busiest(item), []).append(item)
        ranked = [sorted(each, key=lambda item: (-(item.users.count or 0), item.activity)) for each in by_week.values()]
        turns = [(place, each[place].activity) for each in ranked for place in range(len(each))]
        first = {activity for _, activity in sorted(turns)[:most]}
        return tuple(item for item in self.items if item.activity in first)


def reached(part: Part) -> float:
    """A part's share, or the least that it can be where all but a few are hidden; 0 where it is hidden otherwise."""
    if part.share is not None:
        return part.share
    return (part.of - LEAST) / part.of if part.hidden == "all but few" and part.of else 0.0


def _busiest(item: Item) -> int:
    return max(range(len(item.cells)), key=lambda place: (reached(item.cells[place]), -place), default=0)


def items(place: Ground, names: dict[str, str], work: tuple[HandIns, ...]) -> Items:
    """The things of a run by weeks.

    Args:
        place: the run.
        names: what activities are called.
        work: hand-ins of what was due (`headway.description.assessments`).
    """
    who, day = place.active()
    week = np.where(day >= 0, day // 7 + 1, 0)
    weeks = [*([0] if (day < 0).any() else []), *range(1, place.weeks + 1)]
    active = {each: len(np.unique(who[week == each])) for each in weeks}
    came = len(np.unique(who))
    found = _used(place)
    planned = {row["activity"]: row for row in place.activities.to_pylist()}
    handed = {each.activity: each for each in work}
    made: list[tuple[float, str, Item]] = []
    for activity in sorted(planned.keys() | found.keys() | handed.keys()):
        plan, used = planned.get(activity, {}), found.get(activity, {"users": 0, "weeks": {}, "type": None})
        word = plan.get("type") or used["type"] or UNNAMED
        due_on, opens_on = plan.get("due_on"), plan.get("opens_on")
        item = Item(
            activity=activity,
            type=word,
            name=names.get(activity) or from_id(activity, word),
            opens_on=opens_on,
            due_on=due_on,
            users=coarser_part(used["users"], place.size),
            never=coarser_part(max(0, came - used["users"]), came),
            cells=tuple(coarser_part(min(used["weeks"].get(each, 0), active[each]), active[each]) for each in weeks),
            due=_column(place, due_on, weeks),
            work=handed.get(activity),
        )
        made.append((_place(place, used["weeks"], due_on, opens_on), activity, item))
    told = tuple(coarser_part(active[each], place.size).count for each in weeks)
    return Items(tuple(weeks), told, tuple(item for _, _, item in sorted(made, key=lambda each: each[:2])))


def _used(place: Ground) -> dict[str, dict[str, Any]]:
    """By thing: its type, how many learners used it, and how many in each week."""
    folded: ir.Table = place.folded.filter(place.folded.object.notnull())
    folded = folded.mutate(week=(folded.day >= 0).ifelse(folded.day.floordiv(7) + 1, 0))
    total = folded.group_by("object").agg(users=folded.who.nunique(), word=folded.type.max())
    weekly = folded.group_by("object", "week").agg(users=folded.who.nunique())
    found: dict[str, dict[str, Any]] = {
        row["object"]: {"users": row["users"], "type": row["word"], "weeks": {}}
        for row in place.records.collect(total.order_by("object")).to_pylist()
    }
    for row in place.records.collect(weekly.order_by("object", "week")).to_pylist():
        found[row["object"]]["weeks"][row["week"]] = row["users"]
    return found


def _column(place: Ground, due_on: date | None, weeks: list[int]) -> int | None:
    if due_on is None:
        return None
    day = place.day_of(due_on)
    week = day // 7 + 1 if day >= 0 else 0
    return weeks.index(week) if week in weeks else None


def _place(place: Ground, used: dict[int, int], due_on: date | None, opens_on: date | None) -> float:
    """The week in which half of a thing's use had happened; else the one in which it is due or opens."""
    total, half = 0, sum(used.values()) / 2
    for week in sorted(used):
        total += used[week]
        if total >= half:
            return week
    on = due_on or opens_on
    return float("inf") if on is None else max(0, place.day_of(on)) / 7 + 1
