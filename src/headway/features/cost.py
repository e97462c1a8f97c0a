"""How much work a feature is: which of the ways of the linear engine its aggregates take.

The words are told to users; nothing is computed by them. The engine itself plans each feature to find its word.
"""

from collections.abc import Iterable
from typing import Final, Literal

import ibis.expr.operations as ops

from headway.features.definition import FEATURES, Feature
from headway.features.linear import _Plan
from headway.features.reductions import Reader
from headway.features.shown import relations
from headway.features.spans import Spans

Cost = Literal["row", "running total", "greatest/least", "distinct", "join", "cohort"]

MEANING: Final[dict[Cost, str]] = {
    "row": "made of what stands in the same row",
    "running total": "sums and counts that are carried from one as-of time to the next",
    "greatest/least": "the greatest, least, first or last value so far, carried along in the same way",
    "distinct": "different values in a window, counted where each enters and leaves it",
    "join": "every as-of time beside all that was known at it: grows with both",
    "cohort": "compares a learner with all who were enrolled at the same as-of time",
}
"""What each word means, the cheapest first."""


def cost_of(name: str) -> Cost:
    """How a feature is computed; where in several ways, the dearest one.

    Raises:
        UnknownName: there is no such feature.
    """
    return costs((name,))[name]


def costs(names: Iterable[str]) -> dict[str, Cost]:
    """How each of the features is computed; see `cost_of`."""
    readers: dict[str, Reader] = {}
    found: dict[str, Cost] = {}
    for definition in map(FEATURES.get, names):
        if definition.stage != "known":
            found[definition.name] = "cohort" if definition.stage == "cohort" else "row"
            continue
        relation = definition.reads[0]
        made = relations()[relation]
        if not isinstance(made, Spans):
            found[definition.name] = "row"
            continue
        if relation not in readers:
            readers[relation] = Reader(made, made.shown(f"shown_{relation}"))
        found[definition.name] = _dearest(readers[relation], definition)
    return found


def _dearest(reader: Reader, definition: Feature) -> Cost:
    plan = _Plan(definition.reads[0], reader)
    for reduction in reader.plain(definition.define(reader.shown).op()).find(ops.Reduction):
        plan.answer(reduction)
    ways: tuple[tuple[Cost, object], ...] = (
        ("join", plan.rest),
        ("distinct", plan.covers),
        ("greatest/least", plan.bests),
    )
    return next((way for way, used in ways if used), "running total")
