"""The relations as feature functions see them, for those who write features: what there is to read, and of what type.

Nothing is computed here; the relations are made of unbound tables, as the engine makes them.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import ibis

from headway.domain.errors import UnknownName
from headway.features import known
from headway.features.relations import RELATIONS
from headway.features.script import Cuts, Script, _Sources
from headway.features.spans import Spans

if TYPE_CHECKING:
    import ibis.expr.types as ir

INTERNAL = frozenset({"row", "enrolment", "run_no", "from_step", "until_step"})
"""Columns of a relation that say to whom, and until when, a row belongs: no business of features."""


@lru_cache(maxsize=1)
def relations() -> "dict[str, Spans | ir.Table]":
    """Each relation in its short form, or as a table where it has one row for each spine row; by name."""

    def uncut(rows: "ir.Table", moments: "ir.Table", on: str | None = None) -> Any:
        del moments, on
        return rows.mutate(step=ibis.literal(0, "int32"))

    sources = _Sources(Script(()), ibis.table(known.SPINE_IBIS, name="spine"), Cuts(uncut, uncut))
    return {name: make(sources) for name, make in RELATIONS.items()}


def columns_of(relation: str) -> dict[str, str]:
    """The columns that a feature may read of a relation, with their types.

    Raises:
        UnknownName: there is no such relation.
    """
    if relation not in RELATIONS:
        raise UnknownName.of("relation", relation, RELATIONS)
    made = relations()[relation]
    table = made.shown(relation) if isinstance(made, Spans) else made
    return {name: str(kind) for name, kind in table.schema().items() if name not in INTERNAL}
