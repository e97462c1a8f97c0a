"""Many texts at a glance: satisfaction by week and by activity, topics, and what wants an answer.

Promises that no group of fewer than five texts has a figure, that quotes are masked, and that a text with signs of
distress is counted here and shown nowhere: only who is in scope reads it, one by one.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from headway.domain.masking import masked
from headway.models.text.distress import READ
from headway.models.text.distress_model import Judge
from headway.models.text.score import TextScore, score_text
from headway.models.text.topics import LONGEST_QUOTE, Topic, topics

SMALLEST: Final = 5
"""Texts of a week or an activity without which nothing is said of it."""

URGENT: Final = 0.6
MOST_URGENT: Final = 20
MOST_ACTIVITIES: Final = 12
COMPLAINS: Final = -0.05


@dataclass(frozen=True, slots=True)
class Written:
    """One text with what is known of it.

    Attributes:
        body: what was written.
        week: week of the course, from 1; None where no date is known.
        activity: what it is about, where that is known.
        by: who wrote it, a pseudonym or a row.
        at: when, as text.
    """

    body: str
    week: int | None = None
    activity: str | None = None
    by: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """Texts of a week or activity; figures are None where there are fewer than five."""

    name: str
    texts: int
    sentiment: float | None
    complaining: float | None


@dataclass(frozen=True, slots=True)
class Urgent:
    """A text that wants an answer, masked and shortened."""

    by: str
    at: str
    urgency: float
    quote: str


@dataclass(frozen=True, slots=True)
class Concern:
    """A text that a human should read today; `categories` and `spans` say what was found."""

    by: str
    at: str
    distress: float
    categories: tuple[str, ...]
    spans: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Overview:
    """What texts say together."""

    texts: int
    scored: int
    weeks: tuple[Satisfaction, ...]
    activities: tuple[Satisfaction, ...]
    topics: tuple[Topic, ...]
    urgent: tuple[Urgent, ...]
    to_read_today: int
    languages: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        """Plain data, without who is in which topic."""
        told = asdict(self)
        told["topics"] = [{k: v for k, v in asdict(one).items() if k != "members"} for one in self.topics]
        return told


def overview(
    texts: Sequence[Written], *, most_topics: int | None = None, judge: Judge | None = None
) -> tuple[Overview, list[Concern]]:
    """The texts at a glance, and those that a human should read today, strongest first.

    Args:
        texts: what was written.
        most_topics: how many topics at most.
        judge: what an encoder says of distress, see `distress_model.encoded_judge`.
    """
    likeness = judge([one.body or " " for one in texts]) if judge is not None else [0.0] * len(texts)
    scores = [score_text(one.body, float(like)) for one, like in zip(texts, likeness, strict=True)]
    both = [(one, score) for one, score in zip(texts, scores, strict=True) if score.sentiment is not None]
    concerns = [_concern(one, score) for one, score in both if (score.distress or 0) >= READ]
    languages: dict[str, int] = {}
    for _, score in both:
        languages[score.language or ""] = languages.get(score.language or "", 0) + 1
    quotable = [(score.distress or 0) < READ for _, score in both]
    found = Overview(
        texts=len(texts),
        scored=len(both),
        weeks=tuple(_by(both, lambda one: None if one.week is None else f"{one.week}", int)),
        activities=tuple(sorted(_by(both, lambda one: one.activity, str), key=_least_satisfied)[:MOST_ACTIVITIES]),
        topics=tuple(topics([one.body for one, _ in both], most=most_topics, quotable=quotable)),
        urgent=tuple(_urgent(both)),
        to_read_today=len(concerns),
        languages=dict(sorted(languages.items(), key=lambda each: (-each[1], each[0]))),
    )
    return found, sorted(concerns, key=lambda one: (-one.distress, one.by, one.at))


def _by(
    both: Sequence[tuple[Written, TextScore]], name: Callable[[Written], str | None], order: Callable[[str], Any]
) -> list[Satisfaction]:
    groups: dict[str, list[float]] = {}
    for one, score in both:
        group = name(one)
        if group is not None and score.sentiment is not None:
            groups.setdefault(group, []).append(score.sentiment)
    return [_satisfaction(group, groups[group]) for group in sorted(groups, key=order)]


def _satisfaction(name: str, values: Sequence[float]) -> Satisfaction:
    if len(values) < SMALLEST:
        return Satisfaction(name, len(values), None, None)
    complaining = sum(value < COMPLAINS for value in values) / len(values)
    return Satisfaction(name, len(values), round(sum(values) / len(values), 4), round(complaining, 4))


def _least_satisfied(one: Satisfaction) -> tuple[bool, float, str]:
    return (one.sentiment is None, one.sentiment or 0.0, one.name)


def _urgent(both: Sequence[tuple[Written, TextScore]]) -> list[Urgent]:
    asking = [
        Urgent(one.by, one.at, score.urgency, _shortened(one.body))
        for one, score in both
        if score.urgency is not None and score.urgency >= URGENT and (score.distress or 0) < READ
    ]
    return sorted(asking, key=lambda one: (-one.urgency, one.by, one.at))[:MOST_URGENT]


def _concern(one: Written, score: TextScore) -> Concern:
    signs = score.signs
    categories = signs.categories if signs else ()
    spans = tuple(masked(sign.span) for sign in signs.signals[:3]) if signs else ()
    return Concern(one.by, one.at, score.distress or 0.0, categories, spans, masked(one.body))


def _shortened(body: str) -> str:
    shown = " ".join(masked(body).split())
    return shown if len(shown) <= LONGEST_QUOTE else shown[: LONGEST_QUOTE - 1].rstrip() + "…"
