"""How features are computed: the tables that lead from the spine and cut records to one row of values per spine row.

A script is made of expressions only and always uses the same table names, so that it is built and compiled once and
then run for each group of course runs. It receives the functions that cut records; it compares no times itself.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import ibis

from headway.domain.records import kind_of
from headway.features import known, spans
from headway.features.definition import Feature
from headway.features.engine import Records
from headway.features.relations import ONE_PER_ROW
from headway.features.sessions import stamped
from headway.features.totals import Totals
from headway.features.views import needed

if TYPE_CHECKING:
    import ibis.expr.types as ir

KEYS: Final = ("run", "learner", "as_of", "course_day")

MOST_STEPS: Final = 1 << 20
"""More as-of times of a run than anyone asks for at once."""

OFF_TIES: Final = 1e-9
"""Added before rounding. Means of round numbers often lie just between two roundings, where the order in which an
engine happened to add would decide; hardly any lies just below."""

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
    """The tables that lead from spine and records to features.

    Attributes:
        steps: how to make each table, in order.
        results: tables made of table `wide` alone, with one line per `row`, which together hold all columns.
    """

    steps: "dict[str, Callable[[Records], Any]]" = field(default_factory=dict)
    results: "list[ir.Table]" = field(default_factory=list)

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

    def where_any(self, name: str, rows: "ir.Table", of: "ir.Table | None") -> "ir.Table":
        """The unbound table of these rows, or of none where `of` is given and empty: then nothing is computed."""
        if of is None:
            return rows
        schema = rows.schema()

        def choose(records: Records) -> None:
            found = records.collect(of.limit(1)).num_rows
            records.define(name, rows if found else records.put(f"no_{name}", schema.to_pyarrow().empty_table()))

        self.steps[name] = choose
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
        relations: `headway.features.relations.RELATIONS`.
        cuts: how records become known.
        reduced: how the features of a relation are computed.
    """
    script = Script()
    spine = ibis.table(known.SPINE_IBIS, name="spine")
    sources = _sources(script.keep, spine, cuts)
    found = needed(features)
    assert definitions == tuple(map(identity, found))
    wide = spine
    known_ones = [definition.name for definition in found if definition.stage == "known"]
    aggregated = []
    whole: set[str] = set()
    for relation, make in relations:
        of_relation = [d for d in found if d.stage == "known" and d.reads[0] == relation]
        if of_relation and relation in ONE_PER_ROW:
            rows = script.keep(f"known_{relation}", make(sources))
            wide = wide.join(rows.select("row", **{d.name: d.define(rows) for d in of_relation}), "row")
        elif of_relation:
            known_spans = make(sources)
            shown = known_spans.shown(relation)
            whole |= {d.name for d in of_relation if d.define(shown).type().is_integer()}
            aggregated.append((relation, known_spans, of_relation))
    if aggregated:
        wide = wide.join(reduced(script, sources.cursor, aggregated), "row")
    wide = _filled(wide, [d for d in found if d.stage == "known"], whole)
    cohort = wide.run_no.cast("int64") * MOST_STEPS + wide.step
    wide = script.keep("wide", wide.select("row", *KEYS, *known_ones, cohort=cohort))
    script.results.append(wide.select("row", *KEYS, *(name for name in features if name in known_ones)))
    derived = [definition for definition in found if definition.stage != "known"]
    if derived:
        inputs = {name for d in derived for name in d.reads} - {d.name for d in derived}
        # Windows over a cohort carry every column along, so they are given only what is read.
        narrow = wide.select("row", "course_day", "cohort", *sorted(inputs))
        for definition in derived:
            narrow = _filled(narrow.mutate(**{definition.name: definition.define(narrow)}), [definition])
        script.results.append(narrow.select("row", *(d.name for d in derived if d.name in features)))
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

    here_asked = spans.runs_asked().select("run", "run_no")
    plans = here("activities").join(here_asked, "run")
    facts = own("attributes")
    in_force = facts.mutate(recorded_at=ibis.greatest(facts.recorded_at, facts.valid_from), told_at=facts.recorded_at)
    acts = by_learners(own("statements"))
    single = acts.filter(stamped(acts) & (acts.interactions > 0))
    written = here("statements")
    written = written.filter((written.verb == "replied") & written.parent.notnull()).join(here_asked, "run")
    statements = cuts.first_known(acts, moments).select(*_ACT_COLUMNS)
    return known.Sources(
        enrolled=enrolled,
        cursor=cursor,
        spine=spine,
        statements=keep("told", statements),
        stamped=cuts.first_known(single, moments).select(*_STAMPED_COLUMNS),
        replies=cuts.first_known(written, moments).select("run_no", "step", "parent", "learner"),
        activities=cuts.first_seen(plans, moments, None),
        results=cuts.first_seen(own("results"), moments, "submitted_on"),
        responses=cuts.first_seen(own("responses"), moments, None),
        attributes=cuts.first_seen(in_force, moments, None),
        texts=cuts.first_seen(own("texts"), moments, None),
        other_enrolments=cuts.first_seen(_elsewhere("enrolments", enrolled), moments, None),
        other_outcomes=cuts.first_seen(_elsewhere("outcomes", enrolled), moments, None),
        keep=keep,
    )


_ACT_COLUMNS: Final = (
    *("enrolment", "run_no", "step", "occurred_on", "interactions", "verb", "object", "object_type"),
)

_STAMPED_COLUMNS: Final = (
    *("enrolment", "run_no", "step", "occurred_on", "occurred_at", "hour", "id", "interactions", "verb", "object"),
    *("object_type", "duration_s", "position_s", "from_s"),
)


def _elsewhere(kind: str, enrolled: "ir.Table") -> "ir.Table":
    """The records of a kind that learners of these enrolments have in other runs, `other_run`."""
    rows = ibis.table(ibis.Schema.from_pyarrow(kind_of(kind).schema), name=f"everywhere_{kind}")
    if "valid_from" in rows.columns:
        rows = rows.mutate(recorded_at=ibis.greatest(rows.recorded_at, rows.valid_from))
    met = rows.rename(other_run="run").join(enrolled, "learner")
    return met.filter(met.other_run != met.run)


def by_learners(statements: "ir.Table") -> "ir.Table":
    """The statements of learners' own acts: none that staff or a program did in their place."""
    return statements.filter(statements.role.isnull())


def _filled(wide: "ir.Table", definitions: list[Feature], whole: Collection[str] = ()) -> "ir.Table":
    """The features as numbers, rounded before anything compares them, with their value where they are absent.

    Those in `whole` are whole numbers, of whatever type.
    """

    def filled(definition: Feature) -> Any:
        value = wide[definition.name].cast("float64")
        number = value if definition.name in whole else (value + OFF_TIES).round(6)
        return number if definition.absent is None else number.fill_null(float(definition.absent))

    return wide.mutate(**{definition.name: filled(definition) for definition in definitions})
