"""The protocol `evaluation-sentiment`: whether a comment on a course complains, says neither or praises.

Five folds with the same share of each class, twice; comments name no author and are of one run, so that no group can be
left out. Beside headway's model stand the largest class, the lexicon that ships and VADER's own rules where installed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Final

import numpy as np

from headway.domain.errors import NotEnoughData
from headway.domain.extensions import needs
from headway.evaluation.assess import Measure, figures
from headway.evaluation.protocols import PROTOCOLS, ProtocolResult, Row, sentences
from headway.evaluation.texts import REPEATS, Coded, by_class, class_scores, held_out, readers
from headway.evaluation.trials import Progress
from headway.features.engine import Records
from headway.models.model import Floats, Json, Model
from headway.models.text.encoder import MiniLM, has_packaged
from headway.models.text.sentiment import sentiment
from headway.models.text.words import words_of

CLASSES: Final = ("-1", "0", "1")
NEUTRAL: Final = 0.05
"""A lexicon's score nearer to 0 than this says neither."""

NOTES: Final = f"""
Comments coded -1 (complains), 0 or 1 (praises). {REPEATS} times 5 folds with the same share of each class; the figures
of learned models are means over repeats.
The lexicon learns nothing; its weights were chosen by reason, with its figure on these comments in sight, so that it is
a little better than on comments nobody looked at. A score nearer to 0 than {NEUTRAL} says neither.
AUROC is that of complaining against the rest. Intervals draw comments again, as the data name no authors.
"""

UNLEARNED: Final = ("largest-class", "vader", "lexicon+vader-words", "lexicon")

Score = Callable[[str], float]


@dataclass(frozen=True)
class EvaluationSentiment:
    """Complains, says neither or praises."""

    name: str = "evaluation-sentiment"
    summary: str = (
        "Sentiment of comments on a course, repeated stratified folds; accuracy, macro-F1, AUROC of complaints."
    )
    reference: dict[str, Json] = field(default_factory=dict)

    def run(self, records: Records, models: Sequence[Model], measure: Measure, progress: Progress) -> ProtocolResult:
        """The figures of each way to read; `models` are of learners, not of texts, and are not used."""
        del models
        texts = Coded.of(records).of_runs(lambda codes: {-1.0, 1.0} <= set(codes) <= {-1.0, 0.0, 1.0})
        words = [f"{code:.0f}" for code in texts.codes]
        if len(texts) < MOST_FEW:
            raise NotEnoughData("There are no comments coded -1, 0 and 1. Import course_evaluations.")
        parts = [self._largest(texts, words, measure)]
        for name, score in _lexica().items():
            progress(f"{self.name}: {name}")
            scores = np.array([score(body) for body in texts.bodies])
            said = [CLASSES[int(value > NEUTRAL) - int(value < -NEUTRAL) + 1] for value in scores]
            parts.append(self._told(name, texts, words, [said], [(1 - scores) / 2], measure))
        encoder = MiniLM() if has_packaged() else None
        classes = tuple(sorted(set(words)))
        for name, read in readers(texts.bodies, words, encoder, None).items():
            progress(f"{self.name}: {name}")
            told, risks = [], []
            for repeat in range(REPEATS):
                splits = list(by_class(words, measure.seed + repeat))
                chances = held_out(read, splits, len(classes), len(texts))
                told.append([classes[place] for place in chances.argmax(axis=1)])
                risks.append(chances[:, classes.index(CLASSES[0])])
            parts.append(self._told(name, texts, words, told, risks, measure))
        return ProtocolResult.joined([*parts, ProtocolResult([], [], sentences(NOTES))])

    def _largest(self, texts: Coded, words: list[str], measure: Measure) -> ProtocolResult:
        largest = max(CLASSES, key=words.count)
        return self._told("largest-class", texts, words, [[largest] * len(words)], [np.full(len(words), 0.5)], measure)

    def _told(
        self, name: str, texts: Coded, words: list[str], told: list[list[str]], risks: list[Floats], measure: Measure
    ) -> ProtocolResult:
        labels = np.asarray(texts.codes < 0, dtype=np.float64)
        about: Row = {"protocol": self.name, "paradigm": "post-hoc", "model": name, "train": [], "day": 0}
        about["test"] = str(texts.runs[0])
        capacity = max(1, len(texts) // 10)
        row = about | figures(texts.rows(labels), risks[0], replace(measure, capacity=capacity))
        learned = 0 if name in UNLEARNED else len(texts) * 4 // 5
        row |= {"rows_learned": learned, "note": None}
        found = [class_scores(words, said, CLASSES) for said in told]
        summary = [
            self._line(name, metric, [one[metric] for one in found], len(texts)) for metric in ("accuracy", "macro_f1")
        ]
        auroc = row["auroc"]
        held = auroc if isinstance(auroc, dict) else {}
        line = self._line(name, "auroc", [], len(texts))
        summary.append(line | {key: held.get(key) for key in ("value", "low", "high")})
        return ProtocolResult([row], summary, [])

    def _line(self, name: str, metric: str, values: Sequence[float], n: int) -> Row:
        several = len(values) > 1
        line: Row = {"protocol": self.name, "model": name, "day": 0, "metric": metric}
        line["figure"] = f"mean of {len(values)} repeats" if several else "all texts"
        line |= {"value": float(np.mean(values)) if values else None, "low": None, "high": None}
        return line | {"sd": float(np.std(values, ddof=1)) if several else None, "n": n, "reference": None}


MOST_FEW: Final = 30
"""Fewer comments than this tell nothing."""


def _lexica() -> dict[str, Score]:
    """What needs no learning: VADER's own rules where they are installed, and headway's lexicon."""
    found: dict[str, Score] = {}
    if find_spec("vaderSentiment") is not None:
        analyzer = needs("text", "vaderSentiment.vaderSentiment").SentimentIntensityAnalyzer()
        found["vader"] = lambda body: float(analyzer.polarity_scores(body)["compound"])
        found["lexicon+vader-words"] = lambda body: sentiment(words_of(body))
    found["lexicon"] = lambda body: sentiment(words_of(body), vader=False)
    return found


PROTOCOLS.add(EvaluationSentiment.name, EvaluationSentiment())
