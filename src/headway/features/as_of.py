"""The point-in-time engine: who was enrolled, and what was known of them, at each as-of time.

The one place where records are cut: `_known` for what a feature may see, `_until` for what a label may see.
Everything else receives relations that are already cut. Values are rounded to 1e-6 before they are compared or told,
so that the order in which an engine adds numbers never shows.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headway.domain.errors import InputError, LeakageError, UnknownName
from headway.domain.records import INSTANT
from headway.domain.time import AsOf
from headway.features import known, linear, spans
from headway.features.engine import Records
from headway.features.here import Here
from headway.features.labels import Label
from headway.features.moments import Moment, RunFacts, end_of
from headway.features.relations import FASTER, RELATIONS
from headway.features.script import KEYS, Cuts, Script, by_learners, identity, script_for
from headway.features.views import FeatureView, needed

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from numpy.typing import NDArray

Reading = Literal["honest", "as published"]
Tell = Callable[[Records, "ir.Table"], pa.Table]
"""What is made of features; see `cohorts`."""

GROUP_STATEMENTS: Final = 750_000
"""Course runs are computed in groups of about this many statements, so that memory does not grow with their number."""

GROUP_ROWS: Final = 75_000
"""And of about this many rows of features."""

MOST_ROWS: Final = 500_000
"""A single run of more rows is computed some moments at a time, though its statements are then read several times."""

LONG_AGO: Final = datetime(1, 1, 1, tzinfo=UTC)

COMPLETE: Final = 0.9
"""Share of a cohort whose outcome must be known before any of it trains: bad outcomes become known first."""


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """Feature values of everyone enrolled at some moments.

    Attributes:
        view: the features, in column order.
        table: `run`, `learner`, `as_of`, `course_day` and one float64 column per feature, sorted by run, as-of time
            and learner.
    """

    view: FeatureView
    table: pa.Table

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def values(self) -> "NDArray[np.float64]":
        """The values, shape (rows, features); NaN where absent."""
        columns = [self.table[name].to_numpy(zero_copy_only=False) for name in self.view.features]
        return np.column_stack(columns).astype(np.float64) if columns else np.empty((len(self), 0))

    def moments(self) -> list[Moment]:
        """The moments that the rows belong to, sorted."""
        pairs = self.table.select(["run", "as_of"]).group_by(["run", "as_of"]).aggregate([])
        instants = zip(pairs["run"].to_pylist(), pairs["as_of"].to_pylist(), strict=True)
        return sorted(Moment(run, AsOf(at.astimezone(UTC))) for run, at in instants)

    def rows(self, which: "NDArray[np.bool_]") -> "FeatureTable":
        """The rows that a mask names."""
        return FeatureTable(self.view, self.table.filter(pa.array(which)))

    def keys(self, name: str) -> "NDArray[np.object_]":
        """One key column as an array of objects."""
        return np.asarray(self.table[name].to_pylist(), dtype=object)


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Rows whose label was known at the training cut-off.

    Attributes:
        features: one row per (enrolment, as-of time).
        label: what was observed.
        values: the label's values, shape (rows,).
        groups: the learner of each row; kept apart so that it can never be a feature.
        censored: how many rows were left out, by reason.
    """

    features: FeatureTable
    label: Label
    values: "NDArray[np.float64]"
    groups: "NDArray[np.object_]"
    censored: dict[str, int]


def moments_on_days(
    records: Records, runs: Sequence[str], days: Sequence[int], known_by: AsOf | None = None
) -> list[Moment]:
    """The moments at the end of each course day in `days` (day 0 is the first) of each run.

    Args:
        records: where the runs are described.
        runs: which runs.
        days: which course days; negative before the start.
        known_by: see `run_facts`.

    Raises:
        UnknownName: a run is not known.
    """
    moments = []
    course_runs = _CourseRuns.of(records)
    for run in runs:
        about = course_runs.about(run, known_by)
        moments += [Moment(run, about.end_of(day)) for day in days]
    return moments


def run_facts(records: Records, run: str, known_by: AsOf | None = None) -> RunFacts:
    """When and where a run takes place, as it was last announced by `known_by` (None: by now).

    Raises:
        UnknownName: the run is not known.
    """
    return _CourseRuns.of(records).about(run, known_by)


def runs_facts(records: Records, runs: Iterable[str]) -> dict[str, RunFacts]:
    """The same as `run_facts` for several runs, as they were last announced."""
    course_runs = _CourseRuns.of(records)
    return {run: course_runs.about(run, None) for run in runs}


def known_at(tables: Mapping[str, pa.Table], as_of: AsOf) -> dict[str, pa.Table]:
    """The records, by kind, without everything that was recorded after the as-of time: the world as it was then."""
    cut = pa.scalar(as_of.instant, INSTANT)
    return {kind: table.filter(pc.less_equal(table["recorded_at"], cut)) for kind, table in tables.items()}


def runs_with_activity(records: Records, known_by: AsOf | None = None) -> set[str]:
    """The runs of which any activity was known by then (None: by now): a silent feed is not a silent learner."""
    statements = by_learners(_until(records, "statements", known_by))
    active = statements.filter(statements.interactions > 0).select("run").distinct()
    return set(records.collect(active)["run"].to_pylist())


def compute(
    view: FeatureView, records: Records, moments: Sequence[Moment], reading: Reading = "honest"
) -> FeatureTable:
    """The view's features for everyone enrolled at the moments, from what was known then and nothing else.

    Cohort features compare a learner with all enrolled at the same moment, so a table always holds whole cohorts.

    Args:
        view: which features.
        records: what they are computed from.
        moments: runs at as-of times.
        reading: "honest" keeps to the risk set; "as published" also keeps who has already left, only to set a published
            figure that does so beside an honest one.

    Raises:
        UnknownName: a run or a feature is not known.
    """
    return FeatureTable(view, pa.concat_tables(found.table for found in computed(view, records, moments, reading)))


def computed(
    view: FeatureView, records: Records, moments: Sequence[Moment], reading: Reading = "honest"
) -> Iterator[FeatureTable]:
    """The same as `compute` piece by piece: some course runs at a time, whole cohorts, in order of runs.

    So memory does not grow with the number of runs. No more pieces are made ahead than can be made at the same time;
    until the last one is there, nobody else may use `records`.
    """
    works = [_Values(view, tuple(group), reading) for group in _groups(records, moments)]
    return (FeatureTable(view, found) for found in records.spread(works))


def cohorts(view: FeatureView, records: Records, moments: Sequence[Moment], tell: Tell) -> Iterator[pa.Table]:
    """What `tell` makes of the features of some course runs at a time, in order of runs; see `computed`.

    The features stay where they were computed until `tell` asks for them.

    Args:
        view: which features.
        records: what they are computed from.
        moments: runs at as-of times.
        tell: is given the records that were read and `KEYS` with the view's features, whole cohorts in any order.
            Several may be asked at the same time, in other processes too: it is a value that can be sent there.
    """
    return records.spread([_Values(view, tuple(group), tell=tell) for group in _groups(records, moments)])


@dataclass(frozen=True)
class _Values:
    """The features of everyone enrolled at some moments, or what is told of them; see `engine.Divisible`."""

    view: FeatureView
    moments: tuple[Moment, ...]
    reading: Reading = "honest"
    tell: Tell | None = None

    @property
    def runs(self) -> list[str]:
        """See `engine.Work.runs`."""
        return sorted({moment.run for moment in self.moments})

    def __call__(self, records: Records) -> pa.Table:
        """See `engine.Work.__call__`."""
        for kind in self._kinds():
            records.define(f"here_{kind}", records.of_runs(kind, self.runs))
        self._wide(records)
        return self._told(records)

    def of_share(self, records: Records, first: str, end: str | None) -> pa.Table:
        """What only depends on a learner's own records."""

        def within(learner: "ir.Value") -> "ir.Value":
            return learner >= first if end is None else (learner >= first) & (learner < end)

        for kind in self._kinds():
            theirs = _of_learners(kind, records.of_runs(kind, self.runs), within)
            records.define(f"here_{kind}", records.keep(f"theirs_{kind}", theirs))
        wide = records.collect(self._wide(records))
        records.forget(["at_risk", "wide", *(f"theirs_{kind}" for kind in self._kinds())])
        return wide

    def of_shares(self, records: Records, parts: pa.Table) -> pa.Table:
        """What compares learners with each other besides."""
        ordered = parts.sort_by([(name, "ascending") for name in ("run", "as_of", "learner")])
        records.put("wide", _numbered(ordered))
        return self._told(records)

    def _kinds(self) -> set[str]:
        return {"enrolments", *_script(self.view).here}

    def _wide(self, records: Records) -> "ir.Table":
        script, here = _script(self.view), Here(records)
        for kind in script.everywhere:
            records.define(f"everywhere_{kind}", records.everywhere(kind))
        _spine(here, self.moments, self.reading)
        return script.run(here)

    def _told(self, records: Records) -> pa.Table:
        script = _script(self.view)
        made = _columns(self.view, script, records) if self.tell is None else self.tell(records, script.whole)
        # Before the next group begins: memory would hold both.
        records.forget(["at_risk", "wide"])
        return made


def _of_learners(kind: str, rows: "ir.Table", which: "Callable[[ir.Value], ir.Value]") -> "ir.Table":
    """What features of some learners are made of, of all records of a kind. Whoever answers them may be anybody."""
    if "learner" not in rows.columns:
        return rows
    theirs = which(rows.learner)
    return rows.filter(theirs | (rows.verb == "replied") if kind == "statements" else theirs)


def _numbered(wide: pa.Table) -> pa.Table:
    """The same rows, numbered in their order."""
    return wide.set_column(wide.column_names.index("row"), "row", pa.array(range(len(wide)), pa.int64()))


class LiveCohort:
    """Everyone enrolled in a run at an as-of time, with feature values that follow the records as they come.

    What only depends on a learner's own records is computed anew for those learners alone; what compares them with each
    other is computed for all, from what is kept of the others. The values are those of `compute`.
    """

    def __init__(self, view: FeatureView, records: Records, moment: Moment) -> None:
        """The cohort as the records are now."""
        self.view, self.moment = view, moment
        self._records, self._script = records, _script(view)
        self._wide: pa.Table | None = None
        self.refresh(None)

    def follow(self, arrived: "Mapping[str, ir.Table]") -> None:
        """Follows records that have arrived, by kind."""
        self.refresh(self._touched(arrived))

    def _touched(self, arrived: "Mapping[str, ir.Table]") -> set[str] | None:
        """The learners whose features may have changed; None for all of them."""
        learners: set[str] = set()
        for kind, rows in arrived.items():
            if "learner" not in rows.columns:
                if self._records.collect(rows.limit(1)).num_rows:
                    return None
                continue
            found = [rows.select("learner")]
            if kind == "statements":
                # Who is answered has not done anything, and yet something is known of them that was not.
                answered = rows.filter(rows.verb == "replied").select(object="parent")
                found.append(self._records.table(kind).semi_join(answered, "object").select("learner"))
            for one in found:
                learners |= set(self._records.collect(one.distinct())["learner"].to_pylist())
        return learners

    def refresh(self, learners: Collection[str] | None) -> None:
        """Computes anew what is known of these learners; None for all of them."""
        if learners is not None and not learners:
            return
        found = self._computed(learners)
        if learners is not None and self._wide is not None:
            others = self._wide.filter(pc.invert(pc.is_in(self._wide["learner"], pa.array(learners, pa.string()))))
            found = pa.concat_tables([others, found])
        self._wide = _numbered(found.sort_by("learner"))
        self._records.put("wide", self._wide)
        self._table = _columns(self.view, self._script, self._records)
        self._place = {learner: row for row, learner in enumerate(self._table["learner"].to_pylist())}

    def _computed(self, learners: Collection[str] | None) -> pa.Table:
        """The features of a learner's own records."""
        for kind in known.EARLIER_KINDS:
            rows = self._records.table(kind)
            rows = rows.filter(rows.run == self.moment.run)
            if learners is not None:
                rows = _of_learners(kind, rows, lambda name: name.isin(list(learners)))
            self._records.define(f"here_{kind}", rows)
        for kind in known.ELSEWHERE_KINDS:
            self._records.define(f"everywhere_{kind}", self._records.everywhere(kind))
        here = Here(self._records)
        _spine(here, [self.moment], "honest")
        return here.collect(self._script.run(here))

    def __len__(self) -> int:
        return len(self._place)

    def everyone(self) -> FeatureTable:
        """The values of all; the table stays as it is while the cohort follows records."""
        return FeatureTable(self.view, self._table)

    def row(self, learner: str) -> int | None:
        """The learner's row among all; None for who is not enrolled."""
        return self._place.get(learner)

    def of(self, learner: str) -> FeatureTable | None:
        """The learner's values, one row; None for who is not enrolled."""
        row = self._place.get(learner)
        return None if row is None else FeatureTable(self.view, self._table.slice(row, 1))


def _script(view: FeatureView) -> Script:
    definitions = tuple(map(identity, needed(view.features)))
    cuts = Cuts(_first_known, _first_seen)
    return script_for(view.features, definitions, tuple((RELATIONS | FASTER).items()), cuts, linear.reduced)


def _columns(view: FeatureView, script: Script, here: Records) -> pa.Table:
    """The keys and the features, from the script's results."""
    together, *more = [_by_row(here.collect(result)) for result in script.results]
    for part in more:
        for name in part.column_names[1:]:
            together = together.append_column(name, part[name])
    return together.select([*KEYS, *view.features])


def _by_row(table: pa.Table) -> pa.Table:
    row = table["row"].to_numpy()
    if (row[1:] > row[:-1]).all():
        return table
    place = np.full(int(row.max() - row.min()) + 1, -1)
    place[row - row.min()] = np.arange(len(row))
    return table.take(place[place >= 0])


def training_set(
    view: FeatureView,
    label: Label,
    records: Records,
    moments: Sequence[Moment],
    known_by: AsOf | None,
    action_gap_days: int = 0,
) -> TrainingSet:
    """Features at the moments beside the label; see `compute` and `labelled`."""
    return labelled(compute(view, records, moments), label, records, known_by, action_gap_days)


def labelled(
    features: FeatureTable,
    label: Label,
    records: Records,
    known_by: AsOf | None,
    action_gap_days: int = 0,
    reading: Reading = "honest",
) -> TrainingSet:
    """The rows of `features` beside the label as it was known at `known_by` (None: all that is known by now).

    The label's window begins after the as-of time and the action gap. Rows whose label was not resolved by `known_by`
    are censored, never zero; where a label is an outcome of the whole run, a cohort trains only once at least
    `COMPLETE` of it is resolved, since withdrawals become known before passes.

    Args:
        features: whole cohorts, as `compute` returned them with the same `reading`.
        label: what to observe.
        records: what the features were computed from.
        known_by: the training cut-off.
        action_gap_days: days after the as-of day in which help could not yet act.
        reading: see `compute`.

    Raises:
        InputError: `features` does not hold whole cohorts.
        LeakageError: the label rests on something that happened before its window.
    """
    moments = features.moments()
    groups = _groups(records, moments) if records.apart else [moments]
    works = [_Observed(label, tuple(group), known_by, action_gap_days, reading) for group in groups]
    answer = pa.concat_tables(records.spread(works))
    same = [answer[key].equals(features.table[key]) for key in ("run", "learner", "as_of")]
    if not all(same):
        raise InputError("Label whole cohorts: pass the feature table as `compute` returned it, for the same reading.")
    if reading == "honest":
        _refuse_overlap(label, answer)
    return _assemble(features, label, answer, known_by)


@dataclass(frozen=True)
class _Observed:
    """What a label says of everyone enrolled at some moments, in the order of features; see `engine.Work`.

    Not divisible: a silence is one only where somebody else was heard.
    """

    label: Label
    moments: tuple[Moment, ...]
    known_by: AsOf | None
    gap_days: int
    reading: Reading

    @property
    def runs(self) -> list[str]:
        """See `engine.Work.runs`."""
        return sorted({moment.run for moment in self.moments})

    def __call__(self, records: Records) -> pa.Table:
        """`run`, `learner`, `as_of`, when the window opens, and what `Label.define` gives."""
        spine = _spine(records, self.moments, self.reading, self.gap_days, self.label.horizon_days)
        tables = {kind: _until(records, kind, self.known_by) for kind in known.LATER_KINDS}
        tables["statements"] = by_learners(tables["statements"])
        later = known.Later(spine=spine, everyone=self.reading == "as published", **tables)
        columns = ("run", "learner", "as_of", "opens_at", "value", "evidence_at", "resolved_at")
        told = spine.left_join(self.label.define(later), "row").select("row", *columns)
        return records.collect(told.order_by("row"))


def _refuse_overlap(label: Label, answer: pa.Table) -> None:
    early = pc.sum(pc.less(answer["evidence_at"], answer["opens_at"])).as_py() or 0
    if early:
        raise LeakageError(
            f"Label {label.name!r} rests on evidence from before its window for {early} rows. "
            "Let its window start after the as-of time and the action gap."
        )


def _assemble(features: FeatureTable, label: Label, answer: pa.Table, known_by: AsOf | None) -> TrainingSet:
    values = answer["value"].cast(pa.float64()).to_numpy(zero_copy_only=False)
    has_value = ~np.isnan(values)
    resolved = _resolved(answer, known_by)
    usable = has_value & resolved
    censored = {}
    if label.whole_run:
        complete = _complete_cohorts(answer, resolved)
        usable &= complete
        censored["cohort not yet resolved"] = int((~complete).sum())
        censored["outcome not known"] = int((complete & ~resolved).sum())
        censored["nothing left to foresee"] = int((complete & resolved & ~has_value).sum())
    else:
        censored["no such event ahead"] = int((~has_value).sum())
        censored["not yet resolved"] = int((has_value & ~resolved).sum())
    kept = features.rows(usable)
    return TrainingSet(kept, label, values[usable], kept.keys("learner"), {why: n for why, n in censored.items() if n})


def _resolved(answer: pa.Table, known_by: AsOf | None) -> "NDArray[np.bool_]":
    """Which rows have an answer that was known by the cut-off, be it that there is nothing to foresee for them."""
    known_then = pc.is_valid(answer["resolved_at"])
    if known_by is not None:
        cut = pa.scalar(known_by.instant, INSTANT)
        known_then = pc.and_kleene(known_then, pc.less_equal(answer["resolved_at"], cut))
    return np.asarray(known_then.to_numpy(zero_copy_only=False), dtype=np.bool_)


def _complete_cohorts(answer: pa.Table, resolved: "NDArray[np.bool_]") -> "NDArray[np.bool_]":
    """Which rows belong to a (run, as-of time) of which at least `COMPLETE` is resolved."""
    keys = answer.select(["run", "as_of"]).append_column("resolved", pa.array(resolved.astype(np.float64)))
    shares = keys.group_by(["run", "as_of"]).aggregate([("resolved", "mean")])
    share_of = {
        (run, at): share
        for run, at, share in zip(
            shares["run"].to_pylist(), shares["as_of"].to_pylist(), shares["resolved_mean"].to_pylist(), strict=True
        )
    }
    pairs = zip(answer["run"].to_pylist(), answer["as_of"].to_pylist(), strict=True)
    return np.fromiter((share_of[pair] >= COMPLETE for pair in pairs), dtype=bool, count=answer.num_rows)


def _known(rows: "ir.Table", moments: "ir.Table") -> "ir.Table":
    """Each record beside every moment of its run by which it was known, with that moment's columns."""
    return rows.join(moments, [rows.run == moments.run, rows.recorded_at <= moments.as_of])


def _first_known(rows: "ir.Table", moments: "ir.Table") -> "ir.Table":
    """Each record with the first `step` of its run at which it was known; `step` numbers a run's moments in time.

    Folding a record into its first moment keeps the cost at the number of records: whatever is known at one moment is
    known at all later ones. A day that has only begun at the very instant of the moment belongs to the next one.
    """
    return _first_seen(rows, moments, "occurred_on")


def _first_seen(rows: "ir.Table", moments: "ir.Table", on: str | None) -> "ir.Table":
    """Each record with the first `step` that came after it was recorded and has seen its day (`on`, where it has one).

    Records come with the `run_no` of the run asked for and its first as-of day, `first_on`.

    Nearly every record is known by the first moment that has seen its day, which the calendar finds by equality; only
    the others look through the moments.
    """
    day = rows.first_on if on is None else ibis.coalesce(ibis.greatest(rows[on], rows.first_on), rows.first_on)
    dated = rows.mutate(seen_on=day)
    calendar = spans.calendar().select(day_run="run_no", day="day", day_step="step", day_as_of="as_of")
    met = dated.join(calendar, [dated.run_no == calendar.day_run, dated.seen_on == calendar.day])
    met = met.mutate(late_run=ibis.ifelse(met.recorded_at > met.day_as_of, met.run_no, None))
    later = moments.select(
        late_step="step",
        later_run="run_no",
        later_as_of="as_of",
        later_after=moments.previous_as_of.fill_null(LONG_AGO),
    )
    in_between = [met.recorded_at <= later.later_as_of, met.recorded_at > later.later_after]
    met = met.left_join(later, [met.late_run == later.later_run, *in_between])
    found = met.mutate(step=ibis.ifelse(met.late_run.isnull(), met.day_step, met.late_step))
    return found.filter(found.step.notnull())


def _until(records: Records, kind: str, known_by: AsOf | None) -> "ir.Table":
    rows = records.table(kind)
    return rows if known_by is None else rows.filter(rows.recorded_at <= ibis.literal(known_by.instant))


@dataclass(frozen=True, slots=True)
class _CourseRuns:
    """What was recorded of each run, oldest first: where dates were moved, they depend on when one asks."""

    versions: dict[str, list[tuple[datetime, RunFacts]]]

    @classmethod
    def of(cls, records: Records) -> "_CourseRuns":
        runs = records.table("course_runs").order_by("recorded_at", "id")
        versions: dict[str, list[tuple[datetime, RunFacts]]] = {}
        columns = ("recorded_at", "run", "starts_on", "ends_on", "zone", "inferred")
        stated = set()
        for row in records.collect(runs.select(*columns)).to_pylist():
            recorded_at, inferred = row.pop("recorded_at"), row.pop("inferred")
            told = versions.setdefault(row["run"], [])
            if inferred and row["run"] in stated:
                continue
            if inferred and told:
                # Dates read off the first and last event of one delivery after the other: together they are the run.
                row |= {"starts_on": min(told[-1][1].starts_on, row["starts_on"])}
                row |= {"ends_on": max(told[-1][1].ends_on, row["ends_on"])}
            if not inferred:
                stated.add(row["run"])
            told.append((recorded_at, RunFacts(**row)))
        return cls(versions)

    def about(self, run: str, as_of: AsOf | None) -> RunFacts:
        """The run as last announced by the as-of time; before its first announcement, as first announced."""
        if not self.versions:  # whoever asks of a run looked it up in the lake, so it is the time that is too early
            raise UnknownName(f"Nothing was known of {run} at that time. Name a later date.")
        if run not in self.versions:
            raise UnknownName.of("run", run, self.versions)
        told = [facts for recorded_at, facts in self.versions[run] if as_of is None or recorded_at <= as_of.instant]
        return told[-1] if told else self.versions[run][0][1]


def _moments_table(records: Records, moments: Sequence[Moment], gap_days: int, horizon_days: int | None) -> "ir.Table":
    if not moments:
        raise InputError("No moments to compute: name at least one run and one as-of time.")
    course_runs = _CourseRuns.of(records)
    rows: list[dict[str, Any]] = []
    numbers = {run: number for number, run in enumerate(sorted({moment.run for moment in moments}))}
    for moment in sorted(set(moments)):
        about = course_runs.about(moment.run, moment.as_of)
        zone = about.zone
        as_of_on = moment.as_of.day(zone)
        opens_on = as_of_on + timedelta(days=gap_days)
        closes_on = None if horizon_days is None else opens_on + timedelta(days=horizon_days)
        before = rows[-1] if rows and rows[-1]["run"] == moment.run else None
        rows.append(
            {
                "run": moment.run,
                "run_no": numbers[moment.run],
                "as_of": moment.as_of.instant,
                "as_of_on": as_of_on,
                "previous_as_of": None if before is None else before["as_of"],
                "previous_as_of_on": None if before is None else before["as_of_on"],
                "step": 0 if before is None else before["step"] + 1,
                "starts_on": about.starts_on,
                "ends_on": about.ends_on,
                "opens_on": opens_on,
                "opens_at": moment.as_of.instant if gap_days == 0 else end_of(opens_on, zone).instant,
                "closes_on": closes_on,
                "closes_at": None if closes_on is None else end_of(closes_on, zone).instant,
            }
        )
    for name, table in spans.clock_of(rows).items():
        records.put(name, table)
    return records.put("moments", pa.Table.from_pylist(rows, schema=known.MOMENTS))


def _spine(
    records: Records, moments: Sequence[Moment], reading: Reading, gap_days: int = 0, horizon_days: int | None = None
) -> "ir.Table":
    """One row per (enrolment, moment) of everyone enrolled at it: the only definition of the risk set."""
    when = _moments_table(records, moments, gap_days, horizon_days)
    at_risk, spine = _risk_set(records.table("enrolments").op(), when.op(), reading, _known, known.spine_of)
    records.prepare([at_risk, spine])
    records.keep("at_risk", at_risk)
    # Few read more than a few of its columns.
    return records.define("spine", spine)


@lru_cache(maxsize=16)
def _risk_set(enrolments: Any, moments: Any, reading: Reading, cut: Any, spine_of: Any) -> "tuple[ir.Table, ir.Table]":
    """The risk set and the spine made of it, of the nodes of two tables; Ibis takes a while for it."""
    when = moments.to_expr()
    changes = cut(known.in_turn(enrolments.to_expr()), when)
    changes = changes.filter(changes.valid_from <= changes.as_of)
    at_risk = known.risk_set(changes, keep_departed=reading == "as published")
    return at_risk, spine_of(ibis.table(at_risk.schema(), name="at_risk"), when)


def _groups(records: Records, moments: Sequence[Moment]) -> Iterator[list[Moment]]:
    """The moments of some runs at a time, or, where there are too many learners, some moments of one run."""
    of_run: dict[str, list[Moment]] = {}
    for moment in sorted(set(moments)):
        of_run.setdefault(moment.run, []).append(moment)
    if sum(map(len, of_run.values())) < 2:
        yield sorted(set(moments))
        return
    statements, learners = _per_run(records, "statements"), _per_run(records, "enrolments")
    group: list[Moment] = []
    acts = rows = 0
    for run, own in of_run.items():
        new_acts, new_rows = statements.get(run, 0), learners.get(run, 0) * len(own)
        if group and (acts + new_acts > GROUP_STATEMENTS or rows + new_rows > GROUP_ROWS):
            yield group
            group, acts, rows = [], 0, 0
        group, acts, rows = [*group, *own], acts + new_acts, rows + new_rows
        if rows > MOST_ROWS:
            most = max(1, MOST_ROWS * len(own) // new_rows)
            yield from (list(group[first : first + most]) for first in range(0, len(group), most))
            group, acts, rows = [], 0, 0
    if group:
        yield group


def _per_run(records: Records, kind: str) -> dict[str, int]:
    """How many learners are enrolled in each run at some time, or how many records of a kind it has."""
    table = records.table(kind)
    counted = table.learner.nunique() if kind == "enrolments" else table.count()
    found = records.collect(table.group_by("run").agg(n=counted))
    return dict(zip(found["run"].to_pylist(), found["n"].to_pylist(), strict=True))
