"""Which share of a week's active learners used each thing, week by week."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pyarrow.compute as pc

from headway.description.ground import Ground
from headway.description.groups import Part, part
from headway.description.names import from_id, type_name

if TYPE_CHECKING:
    import ibis.expr.types as ir

MOST_RESOURCES: Final = 30
"""With more resources than this the table has a row for each type, and the most used resources below."""

TOP: Final = 15


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One thing, or all things of one type.

    Attributes:
        kind: which of the two.
        name: as people call it.
        type: its type.
        activity: its id; None for a type.
        cells: one for each column: its users among the week's active learners.
        due: columns (places in `Heatmap.weeks`) in which it is due.
    """

    kind: Literal["type", "resource"]
    name: str
    type: str
    activity: str | None
    cells: tuple[Part, ...]
    due: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Heatmap:
    """Things by weeks.

    Attributes:
        weeks: the columns; week 0 stands for all days before the first.
        active: how many learners were active in each; None where fewer than five.
        rows: types first, then resources in the order in which they are used in the course.
        left_out: how many resources have no row.
    """

    weeks: tuple[int, ...]
    active: tuple[int | None, ...]
    rows: tuple[HeatRow, ...]
    left_out: int


def heatmap(place: Ground, names: dict[str, str]) -> Heatmap | None:
    """The table of things by weeks; None without activity of at least one named thing or type."""
    if place.active_until is None:
        return None
    who, day = place.active()
    weeks = _weeks(day, place.weeks)
    active = {week: len(np.unique(who[_week_of(day) == week])) for week in weeks}
    folded = place.folded.mutate(week=(place.folded.day >= 0).ifelse(place.folded.day.floordiv(7) + 1, 0))
    resources = _used(place, folded.filter(folded.object.notnull()), "object")
    types = _used(place, folded.filter(folded.type != "other"), "type")
    due = _due(place)
    several = len(resources) > MOST_RESOURCES
    shown = sorted(resources, key=lambda each: (-resources[each]["users"], each))[: TOP if several else MOST_RESOURCES]
    shown.sort(key=lambda each: (_middle_week(resources[each]["weeks"]), each))
    rows = []
    if several or not resources:
        for word in sorted(types, key=lambda each: (-types[each]["users"], each)):
            cells = _cells(types[word]["weeks"], weeks, active)
            rows.append(
                HeatRow("type", type_name(word), word, None, cells, _places(due.get(("type", word), ()), weeks))
            )
    for each in shown:
        word = resources[each]["type"]
        name = names.get(each) or from_id(each, word)
        cells = _cells(resources[each]["weeks"], weeks, active)
        rows.append(HeatRow("resource", name, word, each, cells, _places(due.get(("resource", each), ()), weeks)))
    if not rows:
        return None
    told = tuple(active[week] if active[week] >= 5 or active[week] == 0 else None for week in weeks)
    return Heatmap(tuple(weeks), told, tuple(rows), len(resources) - len(shown))


def _week_of(day: Any) -> Any:
    return np.where(day >= 0, day // 7 + 1, 0)


def _weeks(day: Any, last: int) -> list[int]:
    return [*([0] if (day < 0).any() else []), *range(1, last + 1)]


def _used(place: Ground, folded: "ir.Table", key: str) -> dict[str, dict[str, Any]]:
    """By thing: its type, how many learners used it, and how many in each week."""
    total = folded.group_by(key).agg(users=folded.who.nunique(), word=folded.type.max())
    weekly = folded.group_by(key, "week").agg(users=folded.who.nunique())
    found: dict[str, dict[str, Any]] = {
        row[key]: {"users": row["users"], "type": row["word"], "weeks": {}}
        for row in place.records.collect(total.order_by(key)).to_pylist()
    }
    for row in place.records.collect(weekly.order_by(key, "week")).to_pylist():
        found[row[key]]["weeks"][row["week"]] = row["users"]
    return found


def _due(place: Ground) -> dict[tuple[str, str], set[int]]:
    """The weeks in which each thing, and anything of each type, is due."""
    weeks: dict[tuple[str, str], set[int]] = {}
    for row in place.activities.filter(pc.is_valid(place.activities["due_on"])).to_pylist():
        week = int(_week_of(np.int64(place.day_of(row["due_on"]))))
        for key in (("resource", row["activity"]), ("type", row["type"])):
            weeks.setdefault(key, set()).add(week)
    return weeks


def _cells(users: dict[int, int], weeks: list[int], active: dict[int, int]) -> tuple[Part, ...]:
    # Who hands in on paper or before visiting may be no active learner of that week.
    return tuple(part(min(users.get(week, 0), active[week]), active[week]) for week in weeks)


def _places(due: Any, weeks: list[int]) -> tuple[int, ...]:
    return tuple(sorted(weeks.index(week) for week in due if week in weeks))


def _middle_week(users: dict[int, int]) -> float:
    """The week by which half of a thing's use has happened."""
    total, half = 0, sum(users.values()) / 2
    for week in sorted(users):
        total += users[week]
        if total >= half:
            return week
    return 0
