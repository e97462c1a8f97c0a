"""Scores of many texts, row by row, with what was counted."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from headway.models.text.distress import READ
from headway.models.text.distress_model import encoded_judge
from headway.models.text.encoder import encoder_called
from headway.models.text.linear import FittedTexts
from headway.models.text.score import EMPTY, TextScore, score_text

SCORES: Final = ("sentiment", "urgency", "distress", "language", "note")


def score_texts(
    texts: Sequence[str], models: Mapping[str, FittedTexts] | None = None, encoder: str = ""
) -> dict[str, Any]:
    """`rows`, one a text and numbered from 1, and `counts`.

    Args:
        texts: what was written; an empty one has no numbers and the note `empty`.
        models: models of one's own by name, each of which adds the chance of its last class, or the likeliest class and
            its chance where there are more than two.
        encoder: the name of an encoder that is asked about distress too; it finds more paraphrases, and takes some
            milliseconds a text.

    Raises:
        ConfigError: a model reads an encoder's vectors and the encoder is not installed.
    """
    likeness = _likeness(texts, encoder)
    scores = [score_text(text, like) for text, like in zip(texts, likeness, strict=True)]
    rows = [_row(number, score) for number, score in enumerate(scores, start=1)]
    told = [place for place, score in enumerate(scores) if score.sentiment is not None]
    for name, model in (models or {}).items():
        _add(rows, name, model, [texts[place] for place in told], told)
    return {"rows": rows, "counts": _counts(scores)}


def beside(columns: Mapping[str, Sequence[Any]], found: Mapping[str, Any]) -> dict[str, Sequence[Any]]:
    """Columns of a table with those of its scores; a score whose name is taken is called `headway_NAME`."""
    rows = found["rows"]
    added = [name for name in (rows[0] if rows else dict.fromkeys(SCORES)) if name != "row"]
    scores = {(name if name not in columns else f"headway_{name}"): [row[name] for row in rows] for name in added}
    return {**columns, **scores}


def _likeness(texts: Sequence[str], encoder: str) -> Sequence[float]:
    if not encoder:
        return [0.0] * len(texts)
    return [float(each) for each in encoded_judge(encoder_called(encoder).encode)([text or " " for text in texts])]


def _row(number: int, score: TextScore) -> dict[str, Any]:
    numbers = {"sentiment": score.sentiment, "urgency": score.urgency, "distress": score.distress}
    return {"row": number, **numbers, "language": score.language, "note": score.note or None}


def _add(rows: list[dict[str, Any]], name: str, model: FittedTexts, texts: list[str], places: Sequence[int]) -> None:
    encode = encoder_called(model.encoder).encode if model.encoder else None
    chances = model.chances(texts, encode) if texts else np.zeros((0, len(model.classes)))
    two = len(model.classes) == 2
    for row in rows:
        row |= {name: None} if two else {name: None, f"{name}_chance": None}
    for place, told in zip(places, chances, strict=True):
        best = int(told.argmax())
        if two:
            rows[place][name] = round(float(told[1]), 4)
        else:
            rows[place] |= {name: model.classes[best], f"{name}_chance": round(float(told[best]), 4)}


def _counts(scores: Sequence[TextScore]) -> dict[str, Any]:
    scored = [score for score in scores if score.sentiment is not None]
    languages: dict[str, int] = {}
    for score in scored:
        languages[score.language or ""] = languages.get(score.language or "", 0) + 1
    return {
        "rows": len(scores),
        "scored": len(scored),
        "empty": sum(score.note == EMPTY for score in scores),
        "without_words": sum(score.sentiment is None and score.note != EMPTY for score in scores),
        "to_read_today": sum((score.distress or 0) >= READ for score in scored),
        "languages": dict(sorted(languages.items(), key=lambda each: (-each[1], each[0]))),
    }
