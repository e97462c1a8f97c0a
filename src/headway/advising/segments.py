"""Segments as people meet them: named from what tells them apart, with their size, what moved in a week, and plays.

Names are proposals that an institution may replace; the replacement goes with the proposal, so that it stays with a
segment of the same character when numbers change. No segment is a rank, and none is shown to learners.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np

from headway.advising.plays import BY_FEATURE, BY_TYPE, WORDS
from headway.explanation.sentences import sentence
from headway.features.definition import Feature
from headway.models.model import Floats, Matrix
from headway.models.reason_types import MEANT, REASON_TYPES, ReasonType
from headway.models.segments import Labels, Space

TOLD: Final = 4
LEAST_APART: Final = 0.3
"""A feature tells of a segment if its mean is at least so many standard deviations from the cohort's."""

NOT_ENROLLED: Final = "not enrolled"
OTHER: Final = "other reasons"
UNREMARKABLE: Final = "About the middle in all"


@dataclass(frozen=True, slots=True)
class Telling:
    """One number that a segment stands out in.

    Attributes:
        feature: its name.
        value: the segment's middle; None where it is known of nobody.
        cohort: the cohort's middle.
        apart: how far the means are apart, in the cohort's standard deviations.
        text: the sentence.
    """

    feature: str
    value: float | None
    cohort: float | None
    apart: float
    text: str

    def as_row(self) -> dict[str, Any]:
        """The number as JSON-ready data."""
        return {
            "feature": self.feature,
            "value": self.value,
            "cohort_median": self.cohort,
            "apart": round(self.apart, 3),
            "text": self.text,
        }


@dataclass(frozen=True, slots=True)
class Segment:
    """Learners who are alike.

    Attributes:
        number: from 1, the largest first.
        name: as people call it.
        proposed: the name from what tells it apart.
        about: what it means, where it goes by a rule.
        learners: their pseudonyms, sorted.
        share: of the cohort.
        telling: what it stands out in, the most first.
        stability: how surely it comes out again, 0 to 1; None for a rule, which always does.
        before: how many were in it a week before.
        plays: what to try.
    """

    number: int
    name: str
    proposed: str
    about: str
    learners: tuple[str, ...]
    share: float
    telling: tuple[Telling, ...]
    stability: float | None
    before: int
    plays: tuple[str, ...]

    def as_row(self) -> dict[str, Any]:
        """The segment as JSON-ready data."""
        return {
            "number": self.number,
            "name": self.name,
            "proposed_name": self.proposed,
            "about": self.about,
            "size": len(self.learners),
            "share": round(self.share, 4),
            "telling": [each.as_row() for each in self.telling],
            "stability": self.stability,
            "size_before": self.before,
            "plays": list(self.plays),
            "learners": list(self.learners),
        }


@dataclass(frozen=True, slots=True)
class Segments:
    """The segments of a cohort.

    Attributes:
        run: the course run.
        as_of: the as-of time, as text.
        before: a week earlier, as text.
        method: how they were made.
        stability: mean adjusted Rand index over draws; None for rules.
        tried: stability by number of segments, where the number was chosen.
        segments: the largest first.
        moves: from, to, how many: between the segments of a week before and now, most first.
        note: what else to know.
    """

    run: str
    as_of: str
    before: str
    method: str
    stability: float | None
    tried: Mapping[int, float]
    segments: tuple[Segment, ...]
    moves: tuple[tuple[str, str, int], ...]
    note: str

    def as_json(self) -> dict[str, Any]:
        """The segments as JSON-ready data."""
        return {
            "run": self.run,
            "as_of": self.as_of,
            "method": self.method,
            "learners": sum(len(each.learners) for each in self.segments),
            "stability": self.stability,
            "tried": [{"segments": number, "stability": found} for number, found in self.tried.items()],
            "segments": [each.as_row() for each in self.segments],
            "flow": {
                "since": self.before,
                "moves": [{"from": one, "to": other, "learners": size} for one, other, size in self.moves],
            },
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class Grouped:
    """A cohort in groups, before it is told.

    Attributes:
        learners: pseudonyms.
        features: their features.
        labels: shape (learners,): each one's group, numbered without gaps, the largest first.
        types: of each group, the type it goes by, where it goes by one (see `type_name`).
        again: of each group, how surely it comes out again; NaN for rules.
        learners_before: who was enrolled a week before.
        labels_before: their groups then.
    """

    learners: tuple[str, ...]
    features: Matrix
    labels: Labels
    types: tuple[str, ...]
    again: Floats
    learners_before: tuple[str, ...]
    labels_before: Labels


def told(found: Grouped, definitions: Mapping[str, Feature], names: Mapping[str, str]) -> tuple[Segment, ...]:
    """The segments of a cohort, named and with plays.

    Args:
        found: the groups.
        definitions: each feature's definition, by name.
        names: names people gave, by proposed name.
    """
    space = Space.of(found.features)
    points = space.points(found.features)
    segments: list[Segment] = []
    taken: set[str] = set()
    for group, kind in enumerate(found.types):
        own = found.labels == group
        telling = _telling(space, points, found.features, own, definitions)
        proposed = _unique(kind or proposed_name(telling), taken, telling)
        taken.add(proposed)
        again = float(found.again[group])
        segments.append(
            Segment(
                number=group + 1,
                name=names.get(proposed, proposed),
                proposed=proposed,
                about=MEANT.get(cast("ReasonType", kind.lower()), ""),
                learners=tuple(sorted(found.learners[at] for at in np.flatnonzero(own).tolist())),
                share=float(own.mean()),
                telling=telling,
                stability=None if np.isnan(again) else again,
                before=int((found.labels_before == group).sum()),
                plays=plays(kind, telling),
            )
        )
    return tuple(segments)


def moves(found: Grouped, segments: Sequence[Segment]) -> tuple[tuple[str, str, int], ...]:
    """How many went from which segment to which within the week, most first; those who came and left included."""
    now = dict(zip(found.learners, found.labels.tolist(), strict=True))
    then = dict(zip(found.learners_before, found.labels_before.tolist(), strict=True))
    names = [each.name for each in segments]
    counts: dict[tuple[str, str], int] = {}
    for learner in sorted({*now, *then}):
        pair = tuple(names[side[learner]] if learner in side else NOT_ENROLLED for side in (then, now))
        counts[pair[0], pair[1]] = counts.get((pair[0], pair[1]), 0) + 1
    return tuple(sorted(((one, other, size) for (one, other), size in counts.items()), key=lambda m: (-m[2], m[:2])))


def proposed_name(telling: Sequence[Telling], parts: int = 2) -> str:
    """A name from what a segment stands out in: `Low marks, work missing`."""
    words = [WORDS[each.feature][each.apart > 0] for each in telling if each.feature in WORDS][:parts]
    text = ", ".join(words) or UNREMARKABLE
    return text[:1].upper() + text[1:]


def type_name(kind: str) -> str:
    """The name of a type or of a heading that a model leans on, as a segment has it."""
    return kind[:1].upper() + kind[1:]


def plays(kind: str, telling: Sequence[Telling]) -> tuple[str, ...]:
    """What to try with a segment."""
    if kind.lower() in REASON_TYPES:
        return BY_TYPE[cast("ReasonType", kind.lower())]
    found = [BY_FEATURE[each.feature][each.apart > 0] for each in telling if each.feature in BY_FEATURE]
    return tuple(found[:3]) or BY_TYPE["on course"]


def _unique(name: str, taken: set[str], telling: Sequence[Telling]) -> str:
    for parts in (3, 4):
        if name not in taken:
            return name
        name = proposed_name(telling, parts)
    number = 2
    while name in taken:
        name = f"{name.rstrip('0123456789').rstrip()} {number}"
        number += 1
    return name


def _telling(
    space: Space, points: Floats, features: Matrix, own: Any, definitions: Mapping[str, Feature]
) -> tuple[Telling, ...]:
    if not own.any():
        return ()
    apart = points[own].mean(axis=0) - points.mean(axis=0)
    found: list[Telling] = []
    for at in np.argsort(-np.abs(apart), kind="stable")[:TOLD].tolist():
        if abs(apart[at]) < LEAST_APART:
            break
        name = space.names[at]
        value, cohort = _middle(features.column(name)[own]), _middle(features.column(name))
        text = sentence(definitions[name], value, cohort)
        found.append(Telling(name, value, cohort, float(apart[at]), text))
    return tuple(found)


def _middle(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else None
