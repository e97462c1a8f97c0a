"""What kinds of material a learner uses."""

from typing import TYPE_CHECKING

from headway.features.definition import Domain, feature

if TYPE_CHECKING:
    import ibis.expr.types as ir


@feature(
    reads="objects",
    unit="items",
    absent=0,
    domain="materials",
    sentence="Opened {value} different items so far (course middle: {median})",
)
def objects_total(o: "ir.Table") -> "ir.Value":
    """Different items used so far."""
    return o.count()


@feature(
    reads="objects",
    unit="items",
    window=14,
    absent=0,
    domain="materials",
    sentence="Opened {value} items in the last 14 days (course middle: {median})",
)
def objects_14d(o: "ir.Table") -> "ir.Value":
    """Different items used in the last 14 days."""
    return (o.last_age_days < 14).sum()


@feature(
    reads="objects",
    unit="items",
    window=14,
    absent=0,
    domain="materials",
    sentence="Opened {value} new items in the last 14 days (course middle: {median})",
)
def new_objects_14d(o: "ir.Table") -> "ir.Value":
    """Items used for the first time in the last 14 days."""
    return (o.first_age_days < 14).sum()


@feature(
    reads="types",
    unit="kinds",
    window=14,
    absent=0,
    domain="materials",
    sentence="Used {value} kinds of material in the last 14 days (course middle: {median})",
)
def types_14d(t: "ir.Table") -> "ir.Value":
    """Different types of activity used in the last 14 days."""
    return t.type.nunique(where=t.age_days < 14)


def _interactions_with(kind: str, types: tuple[str, ...], domain: Domain, days: int, words: str) -> None:
    def define(t: "ir.Table") -> "ir.Value":
        """Interactions with one kind of material in the latest days."""
        return t.interactions.sum(where=t.type.isin(types) & (t.age_days < days))

    feature(
        name=f"{kind}_interactions_{days}d",
        reads="types",
        window=days,
        unit="interactions",
        absent=0,
        domain=domain,
        sentence=f"{{value}} clicks {words} in the last {days} days (course middle: {{median}})",
    )(define)


_interactions_with(
    "content", ("content", "page", "file", "link", "video", "interactive"), "materials", 28, "on course materials"
)
_interactions_with("forum", ("forum", "wiki", "webinar"), "forum", 28, "in forums")
_interactions_with("quiz", ("quiz", "test"), "materials", 28, "on quizzes")
_interactions_with("homepage", ("homepage",), "visits", 28, "on the course home page")
