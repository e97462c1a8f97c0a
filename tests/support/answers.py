"""Made-up answers: learners who know a skill or learn it, guess and slip, with everything planted."""

from collections.abc import Sequence

import numpy as np

from headway.models.mastery.responses import Responses

Planted = tuple[float, float, float, float, float]
"""Prior, learn, forget, guess, slip."""


def planted(skills: dict[str, Planted], learners: int, answers: int, seed: int) -> Responses:
    """So many answers of each learner on each skill, skill after skill, drawn from the planted parameters."""
    random = np.random.default_rng(seed)
    who: list[str] = []
    what: list[str] = []
    right: list[bool] = []
    names = [f"learner {number}" for number in range(learners)]
    for skill, (prior, learn, forget, guess, slip) in skills.items():
        known = random.random(learners) < prior
        for _ in range(answers):
            drawn = np.where(known, random.random(learners) >= slip, random.random(learners) < guess)
            who += names
            what += [skill] * learners
            right += drawn.tolist()
            lots = random.random(learners)
            known = np.where(known, lots >= forget, lots < learn)
    return Responses.of(who, what, [[skill] for skill in what], right)


def mixed(seed: int, learners: int = 14, most: int = 18, items: int = 6, skills: int = 3) -> Responses:
    """Answers of learners of different diligence on items of one or two skills, in a random order."""
    random = np.random.default_rng(seed)
    needed = [[f"s{item % skills}", *([f"s{(item + 1) % skills}"] if item % 3 == 0 else [])] for item in range(items)]
    who, what, right = [], [], []
    for learner in range(learners):
        able = random.normal()
        for item in random.integers(0, items, random.integers(1, most)).tolist():
            who.append(f"l{learner}")
            what.append(item)
            right.append(bool(random.random() < 1 / (1 + np.exp(-able + 0.3 * item - 0.6))))
    return Responses.of(who, [f"i{item}" for item in what], [needed[item] for item in what], right)


def changed(responses: Responses, rows: Sequence[int]) -> Responses:
    """The same answers, right where they were wrong in these rows and the other way round."""
    correct = responses.correct.copy()
    correct[list(rows)] = 1 - correct[list(rows)]
    return Responses(
        responses.learners,
        responses.items,
        responses.skills,
        responses.learner,
        responses.item,
        correct,
        responses.entry,
        responses.skill,
    )
