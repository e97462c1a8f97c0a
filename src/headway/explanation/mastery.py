"""What a learner has mastered, skill by skill, in numbers and plain words.

Pure: it is given answers that were known, and a fitted mastery model. It never says that somebody cannot do something:
a skill is mastered, or not yet, with what that rests on.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

import numpy as np

from headway.features.relations.practice import LEAST_ANSWERS, MASTERED_FROM, mastery_of
from headway.models.mastery.responses import Responses
from headway.models.mastery.tracer import KNOWN, MASTERED, Fitted
from headway.models.model import Json

BACK_DAYS: Final = 14
"""The trend compares with so many days before."""

STEADY: Final = 0.05
"""A smaller change is none."""

Trend = Literal["new", "rising", "steady", "falling"]


@dataclass(frozen=True, slots=True)
class Step:
    """An answer on a skill: when, whether it was right, and the mastery after it."""

    at: datetime
    right: bool
    mastery: float


@dataclass(frozen=True, slots=True)
class SkillState:
    """Where a learner stands with a skill.

    Attributes:
        skill: its name.
        mastery: the chance after the last answer; see `LearnerMastery.mastery_is`.
        mastered: whether that is at least `MASTERED`.
        right: right answers seen.
        answers: answers seen.
        before: the mastery `BACK_DAYS` days before; None where there was no answer yet.
        trend: how it changed since.
        sentence: the same in words.
        steps: every answer, in order.
    """

    skill: str
    mastery: float
    mastered: bool
    right: int
    answers: int
    before: float | None
    trend: Trend
    sentence: str
    steps: tuple[Step, ...]

    def as_json(self) -> dict[str, Json]:
        """For `--json`; the steps are left out."""
        told = asdict(self)
        return {name: value for name, value in told.items() if name != "steps"}


@dataclass(frozen=True, slots=True)
class LearnerMastery:
    """Where a learner stands as of a time.

    Attributes:
        learner: who.
        run: in which course run.
        as_of: as it was known then.
        model: the mastery model's name.
        mastery_is: what its mastery is the chance of.
        learned_from: a sentence: from which answers the model learned.
        no_skill: answers that belong to no skill, which count nowhere here.
        skills: the least mastered first.
    """

    learner: str
    run: str
    as_of: datetime
    model: str
    mastery_is: str
    learned_from: str
    no_skill: int
    skills: tuple[SkillState, ...]

    @property
    def mastered(self) -> int:
        """How many skills are mastered."""
        return sum(state.mastered for state in self.skills)

    @property
    def mean(self) -> float:
        """The mean mastery of the skills that were practised."""
        return float(np.mean([state.mastery for state in self.skills]))

    @property
    def change(self) -> float | None:
        """The mean change over `BACK_DAYS` days of skills that had an answer by then; None where none had."""
        found = [state.mastery - state.before for state in self.skills if state.before is not None]
        return float(np.mean(found)) if found else None

    def as_json(self) -> dict[str, Json]:
        """For `--json`."""
        about: dict[str, Json] = {"learner": self.learner, "run": self.run, "as_of": f"{self.as_of:%Y-%m-%dT%H:%M:%SZ}"}
        about |= {"model": self.model, "mastery_is": self.mastery_is, "learned_from": self.learned_from}
        about |= {"skills_practised": len(self.skills), "skills_mastered": self.mastered}
        about |= {"lowest_mastery": self.skills[0].mastery, "mean_mastery": self.mean}
        about |= {f"mastery_change_{BACK_DAYS}d": self.change, "answers_without_skill": self.no_skill}
        return about | {"skills": [state.as_json() for state in self.skills]}


def states(
    fitted: Fitted, mastery_is: str, responses: Responses, instants: Sequence[datetime], as_of: datetime
) -> tuple[SkillState, ...]:
    """The state of each skill that one learner practised, the least mastered first.

    Args:
        fitted: the model.
        mastery_is: see `Tracer.mastery_is`; it decides the words.
        responses: the learner's answers that were known.
        instants: when each was given.
        as_of: what "before" counts back from.
    """
    mastery = fitted.mastery(responses)
    by_skill: dict[str, list[Step]] = {}
    for entry, skill, value in zip(responses.entry.tolist(), responses.skill.tolist(), mastery.tolist(), strict=True):
        step = Step(instants[entry], bool(responses.correct[entry]), round(value, 6))
        by_skill.setdefault(responses.skills[skill], []).append(step)
    earlier = as_of - timedelta(days=BACK_DAYS)
    found = [_state(skill, steps, mastery_is, earlier) for skill, steps in by_skill.items()]
    return tuple(sorted(found, key=lambda state: (state.mastery, state.skill)))


def _state(skill: str, steps: list[Step], mastery_is: str, earlier: datetime) -> SkillState:
    now = steps[-1].mastery
    old = [step.mastery for step in steps if step.at < earlier]
    before = old[-1] if old else None
    right = sum(step.right for step in steps)
    mastered = now >= MASTERED
    words = sentence(skill, now, right, len(steps), mastery_is)
    return SkillState(skill, now, mastered, right, len(steps), before, trend(before, now), words, tuple(steps))


def trend(before: float | None, now: float) -> Trend:
    """How a mastery changed."""
    if before is None:
        return "new"
    return "steady" if abs(now - before) < STEADY else "rising" if now > before else "falling"


def sentence(skill: str, mastery: float, right: int, answers: int, mastery_is: str) -> str:
    """A skill's state in words.

    >>> sentence("fractions", 0.41, 3, 8, KNOWN)
    'has not yet mastered fractions: 3 of 8 right'
    """
    if mastery_is != KNOWN:
        chance = f"{mastery * 100:.0f}%"
        return f"next answer on {skill} is right with a chance of {chance}: {right} of {answers} right so far"
    return _in_words(skill, mastery >= MASTERED, right, answers)


def by_counts(responses: Responses) -> tuple[str, ...]:
    """What one learner's answers say of each skill, in words, the least mastered first.

    Mastery is the one that features have (see `headway.features.relations.practice`), so that the words say of which
    skills a reason speaks. Skills with fewer than `LEAST_ANSWERS` answers are left out.

    Args:
        responses: the learner's answers that were known.
    """
    answers = np.bincount(responses.skill, minlength=len(responses.skills)).tolist()
    correct = responses.correct[responses.entry].astype(np.float64)
    right = np.bincount(responses.skill, weights=correct, minlength=len(responses.skills)).astype(np.int64).tolist()
    found = [
        (mastery_of(right_of, many), skill, right_of, many)
        for skill, right_of, many in zip(responses.skills, right, answers, strict=True)
        if many >= LEAST_ANSWERS
    ]
    return tuple(
        _in_words(skill, mastery >= MASTERED_FROM, right_of, many) for mastery, skill, right_of, many in sorted(found)
    )


def _in_words(skill: str, mastered: bool, right: int, answers: int) -> str:
    yet = "has mastered" if mastered else "has not yet mastered"
    return f"{yet} {skill}: {right} of {answers} right"
