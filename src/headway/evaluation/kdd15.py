"""The protocol `kdd15`: who does nothing in the ten days after a 30-day log, in courses and of people not learned from.

The label is the data set's own truth. Besides the rows at the end of the log, models learn from the same courses ten
and seventeen days earlier, where the log itself tells who was silent for ten days; of a course that is scored, too:
that was known in time. Nothing here decides what was known when: `Bench` does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import numpy as np

from headway.domain.errors import NotEnoughData
from headway.domain.time import AsOf
from headway.evaluation import calibration as calibrations
from headway.evaluation.assess import Measure
from headway.evaluation.histories import history_wanted
from headway.evaluation.paradigms import Bench
from headway.evaluation.protocols import (
    PROTOCOLS,
    Heading,
    ProtocolResult,
    Said,
    averaged,
    measured,
    published,
    sentences,
    summed,
)
from headway.evaluation.risk_model import fitted_on
from headway.evaluation.rows import Rows, joined, learner_folds, refuse_shared_learners
from headway.evaluation.trials import Progress, told
from headway.features.as_of import moments_on_days
from headway.features.engine import Records
from headway.features.labels import label
from headway.features.moments import Moment
from headway.features.views import view_of
from headway.models.model import Floats, Json, Matrix, Model

SOURCE: Final = "kddcup2015"
TRUTH: Final = "truth_inactive_next_10d"
SEEN: Final = "inactive_next_10d"
PERSON: Final = "same_person"
END_DAY: Final = 29
EARLIER_DAYS: Final = (19, 12)
EARLIER_WEIGHT: Final = 0.5
"""Rows of earlier days count half: they are the same learners again."""

FOLDS: Final = 5
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)

COHORT: Final = (
    "active_days_7d",
    "active_days_28d",
    "active_days_total",
    "days_since_first_activity",
    "days_since_last_activity",
    "interactions_7d",
    "interactions_per_active_day_28d",
    "interactions_total",
)
"""Features whose mean over the cohort is set beside each row: what kind of course it is, as far as its log tells."""

Split = Literal["courses left out", "learners left out", "past courses"]

NOTES: Final = f"""
A row is an enrolment at the end of the 30th day of its course; the label is the truth file's. Nobody is dropped.
Besides these rows, models learn from days {EARLIER_DAYS[0]} and {EARLIER_DAYS[1]} of the same courses, where the log
itself shows who did nothing in the ten days after; such rows count half.
Beside its own features a row has the means of {len(COHORT)} features over its cohort on the same day.
"Learners left out": {FOLDS} folds over all courses, all rows of a person in one fold, as the competition's split was by
enrolment; the reference is a single boosted model on the full logs. Its winner had 0.9074 with more than 60 models;
deep networks had 0.860 to 0.872.
"Courses left out": each course is scored by a model that learned from all others, later ones too. Blended, it
also learns from the earlier days of the course itself.
"Past courses", the honest reading: only from courses whose truth was known on that day. A course without any is
scored by what its own earlier days taught.
Each group's calibration was learned from the held-out risks of all other groups.
Where only daily totals are known, a person in two courses is two learners; where the enrolment files are there, both
are kept on one side of a split.
"""


@dataclass(frozen=True)
class SilentAfterLog:
    """No activity in the ten days after the log."""

    name: str = "kdd15"
    summary: str = "No activity in the 10 days after a 30-day log (KDD Cup 2015); courses left out, learners left out."
    reference: dict[str, Json] = field(default_factory=lambda: {"auroc": {str(END_DAY): 0.881}})

    def run(self, records: Records, models: Sequence[Model], measure: Measure, progress: Progress) -> ProtocolResult:
        """The figures over all courses together, for each course, and their mean; see `Protocol.run`."""
        runs = runs_with_truth(records)
        progress(f"{self.name}: features of {len(runs)} courses")
        known = Known.of(records, runs, history_wanted(models))
        parts = [ProtocolResult([], [], [f"{len(runs)} courses, {len(known.end)} enrolments: {told(runs)}."])]
        for split, paradigm in TRIALS:
            groups = list(known.groups(split, measure.seed, own=paradigm == "blended"))
            for model in models if groups else []:
                progress(f"{self.name}, {split}, {paradigm}: {model.name}, {len(groups)} fits")
                parts.append(self._trial(split, paradigm, model, groups, measure))
        return ProtocolResult.joined([*parts, ProtocolResult([], [], sentences(NOTES))])

    def _trial(
        self, split: Split, paradigm: str, model: Model, groups: "Sequence[Group]", measure: Measure
    ) -> ProtocolResult:
        reading = "honest" if split == "past courses" else "as published"
        heading = Heading(f"{self.name}/{reading}/{split}")
        rows = measured(heading, model, END_DAY, said_of(model, groups, measure.seed), measure, paradigm)
        reference = published(self.reference, "auroc", END_DAY) if split == "learners left out" else None
        metrics = ("auroc", "auprc", "brier", "ece", "base_rate")
        summary = [summed(rows[0], metric, reference if metric == "auroc" else None) for metric in metrics]
        each = rows[1:] or rows
        summary.append(averaged(each, "auroc", None, len(each)))
        return ProtocolResult(rows, [{**row, "paradigm": paradigm} for row in summary], [])


TRIALS: Final[tuple[tuple[Split, str], ...]] = (
    ("learners left out", "post-hoc"),
    ("courses left out", "transfer"),
    ("courses left out", "blended"),
    ("past courses", "blended"),
)


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that are scored by one fit, and what it learns from."""

    test: Rows
    learn: Rows


@dataclass(frozen=True, slots=True)
class Known:
    """All rows of some courses, learners told apart by person where that is known.

    Attributes:
        bench: features and labels.
        end: at the end of the log, with the truth.
        earlier: on earlier days, with what the log shows.
        persons: the person of an enrolment, where they are more than one.
        moments: the end of each course's log.
    """

    bench: Bench
    end: Rows
    earlier: Rows
    persons: dict[str, str]
    moments: dict[str, Moment]

    @classmethod
    def of(cls, records: Records, runs: Sequence[str], history: bool = False) -> "Known":
        """The rows of these courses, computed."""
        bench = Bench(records, view_of(), history=history)
        ends = moments_on_days(records, runs, [END_DAY])
        earlier = moments_on_days(records, runs, EARLIER_DAYS)
        bench.prepare([*ends, *earlier])
        persons = _persons(records)
        early = _rows(bench, earlier, SEEN, persons)
        early = replace(early, weights=np.full(len(early), EARLIER_WEIGHT))
        return cls(bench, _rows(bench, ends, TRUTH, persons), early, persons, {end.run: end for end in ends})

    def groups(self, split: Split, seed: int, *, own: bool) -> Iterator[Group]:
        """What is scored together, and what may be learned from; `own`: also earlier days of the course scored."""
        if split == "learners left out":
            fold = learner_folds(self.end.learners, self.end.labels, FOLDS, seed)
            for k in range(FOLDS):
                test = self.end.where(fold == k)
                yield _group(test, self.end, self.earlier, None)
            return
        for run in sorted(self.moments):
            test = self.end.where(np.asarray(self.end.runs == run, dtype=np.bool_))
            shown = self.earlier.where(np.asarray(self.earlier.runs == run, dtype=np.bool_)) if own else None
            past, early = self._past(run) if split == "past courses" else (self.end, self.earlier)
            if shown is not None or past is not None:
                yield _group(test, past, early, shown)

    def _past(self, run: str) -> tuple[Rows | None, Rows | None]:
        """The rows of other courses that were known when the course's log ended."""
        now = self.moments[run].as_of
        ends = [end for end in self.moments.values() if end.run != run and end.as_of <= now]
        earlier = moments_on_days(self.bench.records, [r for r in self.moments if r != run], EARLIER_DAYS)
        try:
            early = _rows(self.bench, [m for m in earlier if m.as_of <= now], SEEN, self.persons, now)
        except NotEnoughData:
            return None, None
        early = replace(early, weights=np.full(len(early), EARLIER_WEIGHT))
        try:
            return _rows(self.bench, ends, TRUTH, self.persons, now), early
        except NotEnoughData:
            return None, early


def runs_with_truth(records: Records) -> list[str]:
    """The courses of which the truth is known.

    Raises:
        NotEnoughData: there is none.
    """
    told_of = records.table("attributes")
    found = records.collect(told_of.filter(told_of["name"] == TRUTH).select("run").distinct())["run"].to_pylist()
    if not found:
        raise NotEnoughData(
            f"No course run of {SOURCE!r} with its truth is known. Import the data set: headway import {SOURCE} FOLDER."
        )
    return sorted(found)


def said_of(model: Model, groups: Sequence[Group], seed: int) -> Said:
    """What one fit a group says of all tested rows; each group is calibrated by held-out risks of the others."""
    raw = [fitted_on(model, group.learn, seed).risk(group.test.features) for group in groups]
    learned_from = tuple(sorted({run for group in groups for run in group.learn.runs}))
    most = max(len(group.learn) for group in groups)
    risks = np.concatenate(raw if model.trivial else [_calibrated(k, raw, groups) for k in range(len(groups))])
    return Said(joined([group.test for group in groups]), risks, learned_from, most)


def _calibrated(k: int, raw: Sequence[Floats], groups: Sequence[Group]) -> Floats:
    others = [i for i in range(len(groups)) if i != k]
    if not others:
        return raw[k]
    risks = np.concatenate([raw[i] for i in others])
    labels = np.concatenate([groups[i].test.labels for i in others])
    return calibrations.fit("platt", risks, labels).apply(raw[k])


def _group(test: Rows, past: Rows | None, early: Rows | None, shown: Rows | None) -> Group:
    """A group whose learners are in no row of another course that it learns from."""
    others = [part.without(test.learners) for part in (past, early) if part is not None]
    for part in others:
        refuse_shared_learners(part, test)
    return Group(test, joined([*others, *([] if shown is None else [shown])]))


def _rows(
    bench: Bench, moments: Sequence[Moment], target: str, persons: dict[str, str], known_by: AsOf | None = None
) -> Rows:
    """The labelled rows of some moments, with their cohorts' means, learners told apart by person."""
    rows = bench.rows(moments, label(target), known_by)
    about = {
        (moment.run, (moment.as_of.instant - EPOCH) // MICROSECOND): _means(bench.cohort(moment)) for moment in moments
    }
    means = np.stack([about[key] for key in zip(rows.runs, rows.instants.tolist(), strict=True)])
    names = (*rows.features.names, *(f"cohort_mean_{name}" for name in COHORT))
    features = replace(rows.features, names=names, values=np.hstack([rows.features.values, means]))
    people = np.array([persons.get(learner, learner) for learner in rows.learners], dtype=object)
    return replace(rows, features=features, learners=people)


def _means(cohort: Matrix) -> Floats:
    values = np.column_stack([cohort.column(name) for name in COHORT])
    there = ~np.isnan(values)
    sums = np.where(there, values, 0.0).sum(axis=0)
    return np.asarray(sums / np.maximum(there.sum(axis=0), 1), dtype=np.float64)


def _persons(records: Records) -> dict[str, str]:
    """Who is behind an enrolment, where one person has several."""
    told_of = records.table("attributes")
    said = records.collect(told_of.filter(told_of["name"] == PERSON).select("learner", "value").distinct())
    return dict(zip(said["learner"].to_pylist(), said["value"].to_pylist(), strict=True))


SILENT_AFTER_LOG: Final = SilentAfterLog()

PROTOCOLS.add(SILENT_AFTER_LOG.name, SILENT_AFTER_LOG)
