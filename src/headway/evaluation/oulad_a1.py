"""The protocol `oulad-a1`: who does not hand in the first assessment, foreseen in the days before it is due.

After Hlosta, Zdrahal and Zendulka (2017, doi:10.1145/3027385.3027449), who learn inside the running course from those
who have handed in already. Nothing here decides what was known when: `Bench` does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import ibis

from headway.domain.errors import NotEnoughData
from headway.domain.runs import RunId
from headway.domain.time import AsOf
from headway.evaluation.assess import Measure
from headway.evaluation.paradigms import Bench
from headway.evaluation.protocols import (
    PROTOCOLS,
    ProtocolResult,
    Row,
    Said,
    averaged,
    measured,
    not_measured,
    published,
    sentences,
    value_of,
)
from headway.evaluation.risk_model import fit
from headway.evaluation.rows import Rows, refuse_shared_learners
from headway.evaluation.trials import SOURCE, Data, Progress, Trial, data_of, prepare, told
from headway.features import known
from headway.features.as_of import run_facts
from headway.features.engine import Records
from headway.features.labels import Label, label
from headway.features.moments import Moment
from headway.models.model import Json, Model

if TYPE_CHECKING:
    import ibis.expr.types as ir

DAYS_BEFORE: Final = (0, 1, 2, 3, 5, 7, 9, 11)
COURSES: Final = ("BBB", "DDD", "EEE", "FFF")
PERIOD: Final = "2014J"
MISSED: Final = "misses_next_assessment"
LOOKS_BACK: Final = 5
"""In-situ training looks at so many days in a row."""

PARADIGMS: Final = ("in-situ", "transfer")

PUBLISHED: Final = (0.779, 0.618, 0.544, 0.523, 0.492, 0.496, 0.574, 0.565)
"""Best published area under the precision-recall curve, by day before the due date."""

NOTES: Final = f"""
A row is a learner enrolled in the run who has not yet handed in the first assessment. Foreseen is whether it is not
handed in by its due date. Day -n is what was known at the end of the day before the n-th day before the due date, so
day 0 is the eve of the due date.
In-situ, as published: learned inside the run from {LOOKS_BACK} days whose outcome had been seen, where the outcome is
whether the assessment was handed in within as many days as are left now, or as have been seen if those are fewer.
Transfer: learned from earlier runs of the course on the same day before their due date.
The published means are over BBB, DDD, EEE and FFF of 2014J with all clicks; an independent re-run got 0.642 on day 0.
"""


@dataclass(frozen=True)
class FirstAssessment:
    """Not handing in the first assessment."""

    days_before: tuple[int, ...] = DAYS_BEFORE
    name: str = "oulad-a1"
    summary: str = "Does not hand in the first assessment, 0 to 11 days before it is due; learned inside the run."
    reference: dict[str, Json] = field(
        default_factory=lambda: {
            "auprc": {str(-n): value for n, value in zip(DAYS_BEFORE, PUBLISHED, strict=True)},
        }
    )

    def run(self, records: Records, models: Sequence[Model], measure: Measure, progress: Progress) -> ProtocolResult:
        """The figures of each run on each day, and their means; see `Protocol.run`."""
        parts = []
        due = _first_due(records)
        for data in data_of(records):
            dated = tuple(run for run in data.runs if run in due)
            wanted = _tested(data, dated)
            parts.append(ProtocolResult([], [], [f"Data “{data.name}”: scored {told(wanted)}."]))
            trial = Trial(self.name, "honest", data)
            asked = _Asked(trial.bench(records), data, {run: due[run] for run in dated})
            asked.prepare(wanted, self.days_before, progress)
            for days_before in self.days_before:
                for paradigm in PARADIGMS:
                    for model in trial.able(models):
                        progress(f"{trial.label}, {days_before} days before, {paradigm}: {model.name}")
                        parts.append(self._day(trial, asked, wanted, days_before, paradigm, model, measure))
        return ProtocolResult.joined([*parts, ProtocolResult([], [], sentences(NOTES))])

    def _day(
        self,
        trial: Trial,
        asked: "_Asked",
        runs: Sequence[str],
        days_before: int,
        paradigm: str,
        model: Model,
        measure: Measure,
    ) -> ProtocolResult:
        rows: list[Row] = []
        for run in runs:
            try:
                test = asked.test(run, days_before)
            except NotEnoughData:
                continue
            try:
                learn = asked.learn(run, days_before, paradigm, test)
                course = run.rsplit("/", 1)[0]
                fitted = fit(model, learn, course=course, day=int(test.days[0]), seed=measure.seed, run=run)
            except NotEnoughData as why:
                rows.append({**not_measured(trial, model, -days_before, test, str(why)), "paradigm": paradigm})
                continue
            said = Said(test, fitted.predict(test.features).risks, tuple(sorted(set(learn.runs))), len(learn))
            rows += measured(trial, model, -days_before, said, measure, paradigm)
        if not rows:
            return ProtocolResult([], [], [])
        with_clicks = trial.data.has_clicks
        reference = None if with_clicks else published(self.reference, "auprc", -days_before)
        # Each mean is over the same runs: a base rate of others would say nothing of the area beside it.
        answered = [row for row in rows if value_of(row, METRICS[0]) is not None] or rows[:1]
        summary = [
            averaged(answered, metric, reference if metric == "auprc" else None, len(rows)) for metric in METRICS
        ]
        return ProtocolResult(rows, [{**line, "paradigm": paradigm} for line in summary], [])


METRICS: Final = ("auprc", "auroc", "base_rate")


@dataclass(frozen=True, slots=True)
class _Asked:
    """Some runs with the due date of their first assessment."""

    bench: Bench
    data: Data
    due: dict[str, date]

    def prepare(self, runs: Sequence[str], days_before: Sequence[int], progress: Progress) -> None:
        """Computes the features of all that will be asked, some runs at a time."""
        courses = {RunId.parse(run).course for run in runs}
        alike = [run for run in self.due if RunId.parse(run).course in courses]
        days = [(run, self._day(run, n)) for run in alike for n in days_before]
        inside = [(run, at) for run in runs for n in days_before for at in self._looked(run, n)[0]]
        prepare(self.bench, {self._moment(run, day) for run, day in {*days, *inside}}, progress)

    def test(self, run: str, days_before: int) -> Rows:
        """The rows to be scored, with what became of them."""
        return self.bench.rows([self._moment(run, self._day(run, days_before))], label(MISSED), None)

    def learn(self, run: str, days_before: int, paradigm: str, test: Rows) -> Rows:
        """The rows a running course could have learned from on that day."""
        day = self._day(run, days_before)
        now = self._moment(run, day).as_of
        if paradigm == "transfer":
            course = RunId.parse(run).course
            others = [other for other in self.due if other != run and RunId.parse(other).course == course]
            past = [self._moment(other, self._day(other, days_before)) for other in others]
            past = [moment for moment in past if moment.as_of <= now]
            if not past:
                raise NotEnoughData("No earlier run of the course is here.")
            learn = self.bench.rows(past, label(MISSED), now).without(test.learners)
            refuse_shared_learners(learn, test)
            return learn
        looked, window = self._looked(run, days_before)
        if not looked:
            raise NotEnoughData("The run has not begun on that day.")
        return self.bench.rows([self._moment(run, at) for at in looked], hands_in_late(window), now)

    def _looked(self, run: str, days_before: int) -> tuple[list[date], int]:
        """The days inside the run that are learned from, and how many days after each were seen."""
        starts_on = run_facts(self.bench.records, run).starts_on
        seen = (self._day(run, days_before) - starts_on).days
        window = min(days_before + 1, seen)
        if window < 1:
            return [], 0
        last = seen - window
        return [starts_on + timedelta(days=at) for at in range(last, max(-1, last - LOOKS_BACK), -1)], window

    def _day(self, run: str, days_before: int) -> date:
        return self.due[run] - timedelta(days=days_before + 1)

    def _moment(self, run: str, day: date) -> Moment:
        return Moment(run, AsOf.at(day.isoformat(), run_facts(self.bench.records, run).zone))


def hands_in_late(days: int) -> Label:
    """A label: the run's first assessment is not handed in within so many days; no row for who has handed it in."""

    def define(later: known.Later) -> "ir.Table":
        spine = later.spine
        plan = known.assessments(later.activities)
        plan = plan.filter(plan.type != "exam")
        first = ibis.window(group_by="run", order_by=["due_on", "activity"])
        ranked = plan.mutate(rank=ibis.row_number().over(first))
        only = ranked.filter(ranked["rank"] == 0).select("run", "activity")
        given = later.statements.filter(later.statements.verb == "submitted")
        given = given.group_by("run", "learner", activity=given.object).agg(
            given_on=given.occurred_on.min(), given_at=given.occurred_at.min()
        )
        asked = spine.join(only, "run", rname="plan_{name}")
        met = asked.left_join(given, ["run", "learner", "activity"], rname="given_{name}")
        still_open = met.filter(met.given_at.isnull() | (met.given_at >= met.opens_at))
        in_time = (still_open.given_on <= still_open.closes_on).fill_null(False)
        return still_open.select(
            "row",
            value=(~in_time).cast("float64"),
            evidence_at=ibis.ifelse(in_time, still_open.given_at, None),
            resolved_at=still_open.closes_at,
        )

    return Label(
        name=f"first_assessment_not_handed_in_within_{days}d",
        summary=f"Does not hand in the first assessment within {days} days.",
        binary=True,
        horizon_days=days,
        whole_run=False,
        stands_for=MISSED,
        fails_when="Most hand in shortly before the due date, whatever they did before.",
        define=define,
    )


def _tested(data: Data, runs: Sequence[str]) -> tuple[str, ...]:
    """The published runs where they are here; with clicks, all that have them, since few do."""
    if data.has_clicks:
        return tuple(runs)
    wanted = {f"{SOURCE}/{course}/{PERIOD}" for course in COURSES}
    return tuple(run for run in runs if run in wanted)


def _first_due(records: Records) -> dict[str, date]:
    plan = known.assessments(records.table("activities"))
    dated = plan.filter(plan.type != "exam").group_by("run").agg(due_on=plan.due_on.min())
    found = records.collect(dated)
    return dict(zip(found["run"].to_pylist(), found["due_on"].to_pylist(), strict=True))


FIRST_ASSESSMENT: Final = FirstAssessment()

PROTOCOLS.add(FIRST_ASSESSMENT.name, FIRST_ASSESSMENT)
