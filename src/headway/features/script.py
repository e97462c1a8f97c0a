"""How features are computed: the tables that lead from the spine and cut records to one row of values per spine row.

A script is made of expressions only and always uses the same table names, so that it is built and compiled once and
then run for each group of course runs. It receives the functions that cut records; it compares no times itself.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import ibis

from headway.domain.records import kind_of
from headway.features import known, spans
from headway.features.definition import Feature
from headway.features.engine import Records
from headway.features.totals import Totals
from headway.features.views import needed

if TYPE_CHECKING:
    import ibis.expr.types as ir

KEYS: Final = ("run", "learner", "as_of", "course_day")

Reduce = Callable[..., Any]
"""`linear.reduced`, or `linear.joined`."""

Identity = tuple[str, Callable[[Any], Any], float | None]


class Cuts(NamedTuple):
    """The functions by which records become known; see `as_of`."""

    first_known: "Callable[[ir.Table, ir.Table], ir.Table]"
    first_seen: "Callable[[ir.Table, ir.Table, str | None], ir.Table]"


def identity(feature: Feature) -> Identity:
    """What tells a definition from another of the same name."""
    return feature.name, feature.define, feature.absent


@dataclass(slots=True)
class Script:
    """The tables that lead from spine and records to features, in the order in which they are made."""

    steps: "dict[str, Callable[[Records], Any]]" = field(default_factory=dict)
    result: Any = None

    def keep(self, name: str, expr: "ir.Table") -> "ir.Table":
        """The unbound table that will hold the expression's rows; a name that is there already is that table."""
        self.steps.setdefault(name, lambda records: records.keep(name, expr))
        return ibis.table(expr.schema(), name=name)

    def transform(
        self, name: str, function: Totals, rows: "ir.Table", cursor: "ir.Table", schema: ibis.Schema
    ) -> "ir.Table":
        """The unbound table that will hold what the function makes of both."""
        self.steps[name] = lambda records: records.transform(name, function, rows, cursor, schema)
        return ibis.table(schema, name=name)


@lru_cache(maxsize=16)
def script_for(
    features: tuple[str, ...],
    definitions: tuple[Identity, ...],
    relations: tuple[tuple[str, Callable[[known.Sources], Any]], ...],
    cuts: Cuts,
    reduced: Reduce,
) -> Script:
    """How to compute these features; building it takes a second, so equal ones are built once.

    Args:
        features: the columns, in order.
        definitions: `identity` of all that they are made of.
        relations: `known.RELATIONS`.
        cuts: how records become known.
        reduced: how the features of a relation are computed.
    """
    script = Script()
    spine = ibis.table(known.SPINE_IBIS, name="spine")
    sources = _sources(script.keep, spine, cuts)
    found = needed(features)
    assert definitions == tuple(map(identity, found))
    wide = spine
    for relation, make in relations:
        of_relation = [d for d in found if d.stage == "known" and d.reads[0] == relation]
        if not of_relation:
            continue
        if relation in known.ONE_PER_ROW:
            rows = script.keep(f"known_{relation}", make(sources))
            of = script.keep(f"of_{relation}", rows.select("row", **{d.name: d.define(rows) for d in of_relation}))
        else:
            of = reduced(script, relation, make(sources), sources.cursor, of_relation)
        wide = wide.left_join(of, "row").drop("row_right")
    wide = script.keep("wide", _filled(wide, [d for d in found if d.stage == "known"]))
    derived = [definition for definition in found if definition.stage != "known"]
    if derived:
        inputs = {name for d in derived for name in d.reads} - {d.name for d in derived}
        # Windows over a cohort carry every column along, so they are given only what is read.
        narrow = wide.select("row", *KEYS, *sorted(inputs))
        for definition in derived:
            narrow = _filled(narrow.mutate(**{definition.name: definition.define(narrow)}), [definition])
        wide = wide.join(narrow.select("row", *(d.name for d in derived)), "row")
    script.result = wide.select("row", *KEYS, *features)
    return script


def _sources(keep: "Callable[[str, ir.Table], ir.Table]", spine: "ir.Table", cuts: Cuts) -> "known.Sources":
    moments = ibis.table(known.MOMENTS_IBIS, name="moments")
    enrolled = keep("enrolled", spine.group_by("run", "run_no", "learner").agg(enrolment=spine.row.min().cast("int32")))
    numbered = spine.join(enrolled.drop("run_no"), ["run", "learner"])
    cursor = keep("cursor", numbered.select("row", "enrolment", "run_no", "step", "as_of_on"))

    def here(kind: str) -> "ir.Table":
        return ibis.table(ibis.Schema.from_pyarrow(kind_of(kind).schema), name=f"here_{kind}")

    def own(kind: str) -> "ir.Table":
        return here(kind).join(enrolled, ["run", "learner"])

    plans = here("activities").join(spans.runs_asked().select("run", "run_no"), "run")
    facts = own("attributes")
    in_force = facts.mutate(recorded_at=ibis.greatest(facts.recorded_at, facts.valid_from), told_at=facts.recorded_at)
    statements = by_learners(own("statements"))
    return known.Sources(
        enrolled=enrolled,
        cursor=cursor,
        spine=spine,
        statements=cuts.first_known(statements, moments),
        submissions=cuts.first_known(statements.filter(statements.verb == "submitted"), moments),
        activities=cuts.first_seen(plans, moments, None),
        results=cuts.first_seen(own("results"), moments, "submitted_on"),
        attributes=cuts.first_seen(in_force, moments, None),
        keep=keep,
    )


def by_learners(statements: "ir.Table") -> "ir.Table":
    """The statements of learners' own acts: none that staff or a program did in their place."""
    return statements.filter(statements.role.isnull())


def _filled(wide: "ir.Table", definitions: list[Feature]) -> "ir.Table":
    """The features as numbers, rounded before anything compares them, with their value where they are absent."""
    values = {d.name: wide[d.name].cast("float64").round(6) for d in definitions}
    absent = {d.name: ibis.literal(float(d.absent)) for d in definitions if d.absent is not None}
    return wide.mutate(
        **{name: ibis.coalesce(value, absent[name]) if name in absent else value for name, value in values.items()}
    )
