"""The protocol `forum-urgency`: which posts want an answer soon, in runs that nothing was learned from.

A post is urgent where its coders gave at least 4.5 of 7. Each run in turn is left out. Nothing is published with this
split; beside headway's models stand a bag of words and the rules that ship, which learn nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from headway.domain.errors import NotEnoughData
from headway.evaluation.assess import Measure, figures
from headway.evaluation.intervals import bootstrap
from headway.evaluation.protocols import PROTOCOLS, ProtocolResult, Row, averaged, sentences, summed
from headway.evaluation.texts import Coded, asks_soon, held_out, leave_out, readers
from headway.evaluation.trials import Progress
from headway.features.engine import Records
from headway.models.model import Floats, Json, Model
from headway.models.text.encoder import MiniLM, has_packaged

URGENT: Final = 4.5
HIGHEST: Final = 7
READ_SHARE: Final = 0.1
"""The share of posts that somebody has the time to read."""

NOTES: Final = f"""
Urgent: coded at least {URGENT} of {HIGHEST}. Each run is left out in turn; figures are over all runs together, each
post scored by a model that did not see its run, and as a mean of runs.
The rules learn nothing; their weights were chosen by reason, with their figure on these posts in sight, so that it is
a little better than on posts nobody looked at.
Recall at 10%: of the urgent posts, the share among the tenth with the highest scores.
Intervals draw posts again, as the data name no authors. No figure is published with this split.
"""


@dataclass(frozen=True)
class ForumUrgency:
    """Urgent or not, of a forum post."""

    name: str = "forum-urgency"
    summary: str = "Urgent forum posts (4.5 of 7 and more), each run left out in turn; AUROC, AUPRC, recall at 10%."
    reference: dict[str, Json] = field(default_factory=dict)

    def run(self, records: Records, models: Sequence[Model], measure: Measure, progress: Progress) -> ProtocolResult:
        """The figures of each way to read; `models` are of learners, not of texts, and are not used."""
        del models
        posts = Coded.of(records).of_runs(lambda codes: bool(codes.min() >= 1 and codes.max() > 1))
        labels = np.asarray(posts.codes >= URGENT, dtype=np.float64)
        if not 0 < labels.sum() < len(posts) or len(set(posts.runs)) < 2:
            raise NotEnoughData("There are no posts coded from 1 to 7 in at least two runs. Import forum_urgency.")
        words = ["urgent" if label else "calm" for label in labels]
        encoder = MiniLM() if has_packaged() else None
        splits = list(leave_out(posts.runs))
        parts = []
        for name, read in readers(posts.bodies, words, encoder, asks_soon).items():
            progress(f"{self.name}: {name}")
            risks = held_out(read, splits, 2, len(posts))[:, -1]
            parts.append(_measured(self.name, name, posts, labels, risks, measure))
        return ProtocolResult.joined([*parts, ProtocolResult([], [], sentences(NOTES))])


def _measured(
    protocol: str, name: str, posts: Coded, labels: Floats, risks: Floats, measure: Measure
) -> ProtocolResult:
    runs = sorted(set(posts.runs))
    rows = [_row(protocol, name, runs, posts, labels, risks, measure)]
    for run in runs:
        which = np.asarray(posts.runs == run, dtype=np.bool_)
        places = np.flatnonzero(which)
        of_run = Coded(
            tuple(posts.bodies[i] for i in places), posts.codes[which], posts.runs[which], posts.authors[which]
        )
        rows.append(_row(protocol, name, [run], of_run, labels[which], risks[which], replace(measure, bootstrap=1)))
    together = rows[0]
    summary = [summed(together, metric, None) for metric in ("auroc", "auprc", "recall_at_10")]
    summary.append(averaged(rows[1:], "auroc", None, len(runs)))
    return ProtocolResult(rows, summary, [])


def _row(
    protocol: str, name: str, tested: list[str], posts: Coded, labels: Floats, risks: Floats, measure: Measure
) -> Row:
    about: Row = {"protocol": protocol, "paradigm": "transfer", "model": name, "train": [], "day": 0}
    about["test"] = list(tested) if len(tested) > 1 else tested[0]
    capacity = max(1, math.ceil(READ_SHARE * len(posts)))
    test = posts.rows(labels)
    row = about | figures(test, risks, replace(measure, capacity=capacity))
    recall = bootstrap(
        ("recall_at_capacity",),
        labels,
        risks,
        test.learners,
        seed=measure.seed,
        n=measure.bootstrap,
        capacity=capacity,
    )["recall_at_capacity"]
    row["recall_at_10"] = dict(recall.as_json())
    return row | {"rows_learned": 0 if name == "rules" else len(posts), "note": None}


PROTOCOLS.add(ForumUrgency.name, ForumUrgency())
