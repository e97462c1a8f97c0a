"""The protocol `in-situ-penalty`: what it costs to train as a running course can, week by week, against hindsight.

After Whitehill et al. (2017, doi:10.1145/3051457.3053974): the mean AUROC of a way to train over the first weeks,
divided by that of post-hoc training on the same runs and weeks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from headway.domain.errors import NotEnoughData
from headway.domain.runs import RunId
from headway.evaluation.assess import Measure, table
from headway.evaluation.histories import history_wanted
from headway.evaluation.paradigms import SPREAD_DAYS, Bench, Paradigm, Question
from headway.evaluation.protocols import PROTOCOLS, ProtocolResult, Row, sentences, value_of
from headway.evaluation.trials import Progress, prepare, told
from headway.features.as_of import moments_on_days, runs_with_activity
from headway.features.engine import Records
from headway.features.labels import Label, label
from headway.features.views import view_of
from headway.models.model import Json, Model

WEEKS: Final = tuple(range(1, 9))
TRIED: Final[tuple[Paradigm, ...]] = ("post-hoc", "in-situ", "transfer", "blended")
PENALTY: Final = "auroc_of_post_hoc"
"""The metric: mean AUROC over that of post-hoc training, on the run-weeks that both could answer."""

OUTCOME: Final = "does_not_finish"
TRUTHS: Final = {"kddcup2015": "truth_inactive_next_10d"}
"""What is foreseen in sources that know no outcome."""

MOST_WEEKS: Final = {"kddcup2015": 4}
"""Courses of 30 days have four weeks."""

FEWEST: Final = 10
"""Runs with fewer learners of either label say too little in folds."""

NOTES: Final = """
Week w is scored at the end of course day 7 w - 1, on who is still enrolled. Foreseen is who does not finish; in KDD
Cup 2015 who does nothing in the ten days after the log.
Post-hoc: other learners of the same finished run, in five folds, with the true label. In-situ: the same run's earlier
weeks, with the proxy "does nothing in the next 7 days", which takes a week to be seen, so there is none in week 1.
Transfer: other runs of the source whose labels were known on that day. Blended: both, with weights learned on those
past runs; one alone where the other cannot be.
Each ratio is over the run-weeks that the paradigm and post-hoc could both answer; how many stands beside it.
The reference is 87.33 over 90.20, in-situ over post-hoc, on 40 MOOCs.
A small run teaches little in hindsight too: there, transfer from larger ones can be better than post-hoc.
"""


@dataclass(frozen=True)
class InSituPenalty:
    """Mean AUROC of each way to train over weeks, against post-hoc."""

    weeks: tuple[int, ...] = WEEKS
    name: str = "in-situ-penalty"
    summary: str = "Mean AUROC over weeks 1 to 8 of in-situ, transfer and blended training, over post-hoc."
    reference: dict[str, Json] = field(default_factory=lambda: {PENALTY: {"in-situ": 0.8733 / 0.9020}})

    def run(self, records: Records, models: Sequence[Model], measure: Measure, progress: Progress) -> ProtocolResult:
        """The figures of each run, week and paradigm, and the ratios of their means; see `Protocol.run`."""
        parts = []
        able = [model for model in models if not model.trivial]
        for source, runs in _by_source(records).items():
            target = label(TRUTHS.get(source, OUTCOME))
            days = [7 * week - 1 for week in self.weeks if week <= MOST_WEEKS.get(source, max(self.weeks))]
            bench = Bench(records, view_of(), history=history_wanted(able))
            # Past runs are looked at around each day, running ones every week before it: all of these, at once.
            most = days[-1] + max(SPREAD_DAYS)
            prepare(bench, moments_on_days(records, runs, range(days[0] % 7, most + 1, 7)), progress)
            usable = [run for run in runs if _can_test(bench, target, run, days)]
            if not usable:
                parts.append(ProtocolResult([], [], [f"No run of {source} has outcomes of both kinds."]))
                continue
            asked = [
                Question(target, tuple(other for other in usable if other != run), run, day, measure.seed)
                for run in usable
                for day in days
            ]
            rows = table(bench, asked, TRIED, able, measure, f"{self.name}/honest/{source}", progress)
            summary = [line for model in able for line in self._ratios(rows, model.name)]
            parts.append(
                ProtocolResult(rows, summary, [f"{source}: {target.name}, {len(days)} weeks, {told(usable)}."])
            )
        if not any(part.rows for part in parts):
            raise NotEnoughData("No course run with activity and outcomes is known. Import one: headway import SOURCE.")
        return ProtocolResult.joined([*parts, ProtocolResult([], [], sentences(NOTES))])

    def _ratios(self, rows: Sequence[Row], model: str) -> list[Row]:
        found = {
            paradigm: {
                (row["test"], row["day"]): value
                for row in rows
                if row["model"] == model
                and row["paradigm"] == paradigm
                and (value := value_of(row, "auroc")) is not None
            }
            for paradigm in TRIED
        }
        published = self.reference[PENALTY]
        lines: list[Row] = []
        for paradigm in TRIED:
            cells = sorted(set(found[paradigm]) & set(found["post-hoc"]), key=str)
            ours = float(np.mean([found[paradigm][cell] for cell in cells])) if cells else None
            best = float(np.mean([found["post-hoc"][cell] for cell in cells])) if cells else None
            about: Row = {"protocol": rows[0]["protocol"], "model": model, "paradigm": paradigm}
            about |= {"figure": f"{len(cells)} of {len(found['post-hoc'])} run-weeks"}
            reference = published.get(paradigm) if isinstance(published, dict) else None
            lines.append({**about, "metric": "auroc", "value": ours, "post_hoc": best, "reference": None})
            ratio = None if ours is None or best is None else ours / best
            lines.append({**about, "metric": PENALTY, "value": ratio, "post_hoc": best, "reference": reference})
        return lines


def _by_source(records: Records) -> dict[str, list[str]]:
    """The runs of which activity is known."""
    found: dict[str, list[str]] = {}
    for run in sorted(runs_with_activity(records)):
        found.setdefault(RunId.parse(run).source, []).append(run)
    return found


def _can_test(bench: Bench, target: Label, run: str, days: Sequence[int]) -> bool:
    try:
        labels = bench.rows(moments_on_days(bench.records, [run], days[-1:]), target, None).labels
    except NotEnoughData:
        return False
    return bool(min(labels.sum(), len(labels) - labels.sum()) >= FEWEST)


IN_SITU_PENALTY: Final = InSituPenalty()

PROTOCOLS.add(IN_SITU_PENALTY.name, IN_SITU_PENALTY)
