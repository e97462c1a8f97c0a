"""How features are computed: the tables that lead from the spine and cut records to one row of values per spine row.

A script is made of expressions only and always uses the same table names, so that it is built and compiled once and
then run for each group of course runs. It receives the functions that cut records; it compares no times itself.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, reduce
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import ibis
from ibis.expr.operations import UnboundTable

from headway.domain.records import kind_of
from headway.features import known, spans
from headway.features.definition import Feature
from headway.features.engine import Records, Transform
from headway.features.folding import Folding
from headway.features.relations import ONE_PER_ROW
from headway.features.sessions import stamped
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


@dataclass
class Script:
    """The tables that lead from spine and records to features.

    Attributes:
        steps: how to make each table, in order.
        reads: the tables of other steps that each step reads, or whoever reads it does.
        asked: all that steps ask for.
        results: tables made of table `wide` alone, with one line per `row`, which together hold all columns.
        here: the record kinds of the runs at hand that are read.
        everywhere: those that are read of all runs.
        features: the columns of features, in order.
    """

    features: tuple[str, ...]
    steps: "dict[str, Callable[[Records], Any]]" = field(default_factory=dict)
    reads: "dict[str, set[str]]" = field(default_factory=dict)
    asked: "list[ir.Table]" = field(default_factory=list)
    results: "list[ir.Table]" = field(default_factory=list)
    here: set[str] = field(default_factory=set)
    everywhere: set[str] = field(default_factory=set)
    _defined: set[str] = field(default_factory=set)

    @cached_property
    def whole(self) -> "ir.Table":
        """`KEYS` and all features as one table; put together once, since Ibis takes a while for it."""
        joined = reduce(lambda one, more: one.join(more, "row"), self.results)
        return joined.select(*KEYS, *self.features)

    def run(self, records: Records) -> "ir.Table":
        """The last table that the steps make, `wide`; what no later step reads is let go of on the way."""
        records.prepare([*self.asked, *self.results])
        *before, last = self.steps
        for name in before:
            self.steps[name](records)
            records.forget(self._last_read[name])
        wide: ir.Table = self.steps[last](records)
        records.forget(before)
        return wide

    @cached_property
    def _last_read(self) -> dict[str, set[str]]:
        """The tables that nobody reads after each step."""
        names, done = list(self.steps), {}
        for place, name in enumerate(names):
            done[name] = self.reads[name].difference(*(self.reads[later] for later in names[place + 1 :]))
        return done

    def _step(self, name: str, step: "Callable[[Records], Any]", *exprs: "ir.Table") -> None:
        """A further step; a name that is there already is that step."""
        if name not in self.steps:
            self.steps[name] = step
            self.asked += exprs
            read = {table.name for expr in exprs for table in expr.op().find(UnboundTable)} & self.steps.keys()
            self.reads[name] = read.union(*(self.reads[one] for one in read & self._defined))

    def keep(self, name: str, expr: "ir.Table") -> "ir.Table":
        """The unbound table that will hold the expression's rows; a name that is there already is that table."""
        self._step(name, lambda records: records.keep(name, expr), expr)
        return ibis.table(expr.schema(), name=name)

    def hold(self, name: str, expr: "ir.Table") -> "ir.Table":
        """The same, held for functions; see `Records.hold`."""
        self._step(name, lambda records: records.hold(name, expr), expr)
        return ibis.table(expr.schema(), name=name)

    def transform(
        self, name: str, function: Transform, rows: "ir.Table", cursor: "ir.Table", schema: ibis.Schema
    ) -> "ir.Table":
        """The unbound table that will hold what the function makes of both; a name that is there already is it."""
        self._step(name, lambda records: records.transform(name, function, rows, cursor, schema), rows, cursor)
        return ibis.table(schema, name=name)

    def where_any(self, name: str, rows: "ir.Table", of: "ir.Table | None") -> "ir.Table":
        """The unbound table of these rows, or of none where `of` is given and empty: then nothing is computed."""
        if of is None:
            return rows
        schema, first = rows.schema(), of.limit(1)

        def choose(records: Records) -> None:
            found = records.collect(first).num_rows
            records.define(name, rows if found else records.put(f"no_{name}", schema.to_pyarrow().empty_table()))

        self._step(name, choose, rows, first)
        self._defined.add(name)
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
    script = Script(features)
    spine = ibis.table(known.SPINE_IBIS, name="spine")
    sources = _Sources(script, spine, cuts)
    found = needed(features)
    assert definitions == tuple(map(identity, found))
    wide = spine
    known_ones = [definition.name for definition in found if definition.stage == "known"]
    aggregated, single = [], []
    whole: set[str] = set()
    for relation, make in relations:
        of_relation = [d for d in found if d.stage == "known" and d.reads[0] == relation]
        if of_relation and relation in ONE_PER_ROW:
            rows = script.keep(f"known_{relation}", make(sources))
            single.append(rows.select("row", **{d.name: d.define(rows) for d in of_relation}))
        elif of_relation:
            known_spans = make(sources)
            shown = known_spans.shown(relation)
            whole |= {d.name for d in of_relation if d.define(shown).type().is_integer()}
            aggregated.append((relation, known_spans, of_relation))
    if aggregated:
        wide = reduced(script, sources.cursor, aggregated)
    for one_per_row in single:
        wide = wide.join(one_per_row, "row")
    wide = _filled(wide, [d for d in found if d.stage == "known"], whole)
    derived = [definition for definition in found if definition.stage != "known"]
    if all(definition.stage == "row" for definition in derived):
        # Every row for itself: nothing has to be asked for by itself.
        wide = wide.select("row", *KEYS, *known_ones)
        for definition in derived:
            wide = _filled(wide.mutate(**{definition.name: definition.define(wide)}), [definition])
        script.results.append(script.hold("wide", wide).select("row", *KEYS, *features))
    else:
        cohort = wide.run_no.cast("int64") * MOST_STEPS + wide.step
        wide = script.hold("wide", wide.select("row", *KEYS, *known_ones, cohort=cohort))
        script.results.append(wide.select("row", *KEYS, *(name for name in features if name in known_ones)))
        inputs = {name for d in derived for name in d.reads} - {d.name for d in derived}
        # Windows over a cohort carry every column along, so they are given only what is read.
        narrow = wide.select("row", "course_day", "cohort", *sorted(inputs))
        for definition in derived:
            narrow = _filled(narrow.mutate(**{definition.name: definition.define(narrow)}), [definition])
        script.results.append(narrow.select("row", *(d.name for d in derived if d.name in features)))
    return script


@dataclass(frozen=True)
class _Sources:
    """See `known.Sources`. Each is made when a relation first asks for it, and costs nothing where none does."""

    script: Script
    spine: "ir.Table"
    cuts: Cuts

    @cached_property
    def enrolled(self) -> "ir.Table":
        spine = self.spine
        numbered = spine.group_by("run", "run_no", "learner").agg(enrolment=spine.row.min().cast("int32"))
        first = spans.runs_asked().select("run_no", "first_on")
        return self.keep("enrolled", numbered.join(first, "run_no"))

    @cached_property
    def cursor(self) -> "ir.Table":
        numbered = self.spine.join(self.enrolled.drop("run_no"), ["run", "learner"])
        numbered = numbered.mutate(today=known.days_between(numbered.as_of_on, ibis.date("1970-01-01")))
        return self.hold("cursor", numbered.select("row", *KEYS, "enrolment", "run_no", "step", "as_of_on", "today"))

    @cached_property
    def statements(self) -> "ir.Table":
        return self.cuts.first_known(self._acts, self._moments).select(*_ACT_COLUMNS)

    @cached_property
    def stamped(self) -> "ir.Table":
        single = self._acts.filter(stamped(self._acts) & (self._acts.interactions > 0))
        return self.cuts.first_known(single, self._moments).select(*_STAMPED_COLUMNS)

    @cached_property
    def replies(self) -> "ir.Table":
        written = self._here("statements")
        written = written.filter((written.verb == "replied") & written.parent.notnull()).join(self._asked, "run")
        return self.cuts.first_known(written, self._moments).select("run_no", "step", "parent", "learner")

    @cached_property
    def activities(self) -> "ir.Table":
        plans = self._here("activities").join(self._asked, "run")
        return self.cuts.first_seen(plans, self._moments, None)

    @cached_property
    def objects(self) -> "ir.Table":
        done = by_learners(self._here("statements"))
        named = done.filter((done.interactions > 0) & done.object.notnull()).select("run", "object").distinct()
        return named.join(self._asked, "run").select("run_no", "object")

    @cached_property
    def types(self) -> "ir.Table":
        done, plans = self._here("statements"), self._here("activities")
        named = done.select(type="object_type").distinct().union(plans.select("type").distinct(), distinct=True)
        return named.filter(named.type.notnull())

    @cached_property
    def results(self) -> "ir.Table":
        return self.cuts.first_seen(self._own("results"), self._moments, "submitted_on")

    @cached_property
    def responses(self) -> "ir.Table":
        return self.cuts.first_seen(self._own("responses"), self._moments, None)

    @cached_property
    def attributes(self) -> "ir.Table":
        facts = self._own("attributes")
        recorded_at = ibis.greatest(facts.recorded_at, facts.valid_from)
        in_force = facts.mutate(recorded_at=recorded_at, told_at=facts.recorded_at)
        return self.cuts.first_seen(in_force, self._moments, None)

    @cached_property
    def texts(self) -> "ir.Table":
        return self.cuts.first_seen(self._own("texts"), self._moments, None)

    @cached_property
    def other_enrolments(self) -> "ir.Table":
        return self.cuts.first_seen(self._elsewhere("enrolments"), self._moments, None)

    @cached_property
    def other_outcomes(self) -> "ir.Table":
        return self.cuts.first_seen(self._elsewhere("outcomes"), self._moments, None)

    def keep(self, name: str, expr: "ir.Table") -> "ir.Table":
        """See `Script.keep`."""
        return self.script.keep(name, expr)

    def hold(self, name: str, expr: "ir.Table") -> "ir.Table":
        """See `Script.hold`."""
        return self.script.hold(name, expr)

    def fold(self, name: str, rows: "ir.Table", fold: Folding) -> "ir.Table":
        """The unbound table that will hold what the fold makes of the rows; a name that is there already is it."""
        schema = dict.fromkeys(("enrolment", "run_no", "from_step", "until_step"), ibis.dtype("int32"))
        schema |= {column: rows.schema()[of] for column, of in fold.likes.items()}
        given = rows.select("enrolment", "run_no", *fold.reads)
        own = self.enrolled.select("enrolment", "run_no")
        return self.script.transform(name, fold, given, own, ibis.schema(schema))

    @property
    def _moments(self) -> "ir.Table":
        return ibis.table(known.MOMENTS_IBIS, name="moments")

    @property
    def _asked(self) -> "ir.Table":
        return spans.runs_asked().select("run", "run_no", "first_on")

    @cached_property
    def _acts(self) -> "ir.Table":
        # What nothing reads is dropped first: to carry it along through each further step takes time to compile.
        rows = by_learners(self._here("statements")).select("run", "learner", "recorded_at", *_STATED_COLUMNS)
        return rows.join(self.enrolled, ["run", "learner"])

    def _here(self, kind: str) -> "ir.Table":
        self.script.here.add(kind)
        return ibis.table(ibis.Schema.from_pyarrow(kind_of(kind).schema), name=f"here_{kind}")

    def _own(self, kind: str) -> "ir.Table":
        return self._here(kind).join(self.enrolled, ["run", "learner"])

    def _elsewhere(self, kind: str) -> "ir.Table":
        """The records of a kind that learners of these enrolments have in other runs, `other_run`."""
        self.script.everywhere.add(kind)
        rows = ibis.table(ibis.Schema.from_pyarrow(kind_of(kind).schema), name=f"everywhere_{kind}")
        if "valid_from" in rows.columns:
            rows = rows.mutate(recorded_at=ibis.greatest(rows.recorded_at, rows.valid_from))
        met = rows.rename(other_run="run").join(self.enrolled, "learner")
        return met.filter(met.other_run != met.run)


_ACT_COLUMNS: Final = (
    *("enrolment", "run_no", "step", "occurred_on", "interactions", "verb", "object", "object_type"),
)

_STAMPED_COLUMNS: Final = (
    *("enrolment", "run_no", "step", "occurred_on", "occurred_at", "hour", "id", "interactions", "verb", "object"),
    *("object_type", "duration_s", "position_s", "from_s"),
)


_STATED_COLUMNS: Final = tuple(
    name for name in dict.fromkeys((*_ACT_COLUMNS, *_STAMPED_COLUMNS)) if name not in ("enrolment", "run_no", "step")
)


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
