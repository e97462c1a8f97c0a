"""Whether learners open what the course plans, when it plans it."""

from typing import TYPE_CHECKING

from headway.features.definition import feature

if TYPE_CHECKING:
    import ibis.expr.types as ir


@feature(
    reads="facts",
    unit="items",
    absent=0,
    changeable=False,
    domain="timing",
    sentence="{value} materials were planned so far",
)
def planned_items(f: "ir.Table") -> "ir.Value":
    """Materials whose planned day has come."""
    return f.planned_items


@feature(
    reads="planned",
    unit="items",
    absent=0,
    domain="materials",
    sentence="Opened {value} of the materials planned so far (course middle: {median})",
)
def planned_items_opened(p: "ir.Table") -> "ir.Value":
    """Materials opened of those whose planned day has come."""
    return (p.planned_age_days >= 0).sum()


@feature(
    reads="planned",
    unit="items",
    absent=0,
    domain="materials",
    sentence="Opened {value} materials in the week they were planned for (course middle: {median})",
)
def planned_items_on_time(p: "ir.Table") -> "ir.Value":
    """Materials opened by the end of the seven days from their planned day on, of those whose day has come."""
    return ((p.planned_age_days >= 0) & p.on_time).sum()


@feature(
    reads=("planned_items_opened", "planned_items"),
    unit="share",
    bounds=(0, 1),
    domain="materials",
    sentence="Opened {value} of what the plan asked for (course middle: {median})",
)
def plan_opened_share(f: "ir.Table") -> "ir.Value":
    """Share of the materials planned so far that were opened."""
    return f.planned_items_opened / f.planned_items.nullif(0)


@feature(
    reads=("planned_items_on_time", "planned_items"),
    unit="share",
    bounds=(0, 1),
    domain="materials",
    sentence="Opened {value} of what the plan asked for in its week (course middle: {median})",
)
def plan_on_time_share(f: "ir.Table") -> "ir.Value":
    """Share of the materials planned so far that were opened in the week they were planned for, or before."""
    return f.planned_items_on_time / f.planned_items.nullif(0)
