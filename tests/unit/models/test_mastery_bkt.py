"""Bayesian knowledge tracing: planted parameters come back, EM never steps down, and sums agree with brute force."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.domain.errors import InputError, NotEnoughData
from headway.models.mastery.bkt import Bkt, Parameters, em_step, fit_chances
from headway.models.mastery.chains import Chances, Sequences
from headway.models.mastery.responses import Responses
from headway.models.mastery.tracer import TRACERS
from headway.models.model import Floats
from tests.support.answers import Planted, planted

SKILLS: dict[str, Planted] = {"easy": (0.5, 0.2, 0.0, 0.25, 0.05), "hard": (0.1, 0.08, 0.0, 0.15, 0.12)}
NAMES = ("prior", "learn", "forget", "guess", "slip")


def brute_force(right: tuple[bool, ...], told: Planted) -> tuple[float, list[float]]:
    """The chance of the answers, and of each being right given those before, over all paths of known and not known."""
    prior, learn, forget, guess, slip = told

    def chance(answers: tuple[bool, ...]) -> float:
        total = 0.0
        for path in product((True, False), repeat=len(answers)):
            weight = 1.0
            for step, known in enumerate(path):
                if step == 0:
                    weight *= prior if known else 1 - prior
                elif path[step - 1]:
                    weight *= 1 - forget if known else forget
                else:
                    weight *= learn if known else 1 - learn
                said = 1 - slip if known else guess
                weight *= said if answers[step] else 1 - said
            total += weight
        return total

    before = [1.0, *(chance(right[:step]) for step in range(1, len(right)))]
    return chance(right), [chance((*right[:step], True)) / before[step] for step in range(len(right))]


def one_skill(told: Planted) -> Chances:
    return Chances(*(np.array([value]) for value in told))


def sequences_of(lines: list[tuple[bool, ...]], *, joined: bool = False) -> Sequences:
    key = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
    right = np.array([answer for line in lines for answer in line], dtype=np.float64)
    return Sequences.of(key, np.zeros(len(key), dtype=np.int64), right, 1, joined=joined)


shares = st.floats(0.02, 0.98)
lines_of_answers = st.lists(st.lists(st.booleans(), min_size=1, max_size=7).map(tuple), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(lines_of_answers, st.tuples(shares, shares, shares, shares, shares))
def test_likelihood_and_predictions_are_those_of_all_paths(lines: list[tuple[bool, ...]], told: Planted) -> None:
    sequences, chances = sequences_of(lines), one_skill(told)
    by_hand = [brute_force(line, told) for line in lines]
    expected = sum(np.log(chance) for chance, _ in by_hand)
    assert sequences.expected(chances).loglik[0] == pytest.approx(expected, abs=1e-9)
    assert sequences_of(lines, joined=True).expected(chances).loglik[0] == pytest.approx(expected, abs=1e-9)
    said, _ = sequences.filtered(chances)
    assert said[sequences.place] == pytest.approx([each for _, each_said in by_hand for each in each_said], abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(lines_of_answers, st.tuples(shares, shares, shares, shares, shares), st.booleans())
def test_a_step_of_em_never_lowers_the_likelihood(lines: list[tuple[bool, ...]], told: Planted, forgets: bool) -> None:
    prior, learn, forget, guess, slip = told
    chances = one_skill((prior, learn, forget if forgets else 0.0, guess / 2, slip / 2))
    sequences, parameters = sequences_of(lines, joined=True), Parameters(forgets=forgets)
    likely = []
    for _ in range(12):
        loglik, chances = em_step(sequences, chances, parameters)
        likely.append(float(loglik[0]))
    assert all(later >= earlier - 1e-9 for earlier, later in pairwise(likely))


def test_sequences_that_are_alike_count_as_often_as_they_come() -> None:
    lines = [(True, False), (True, False), (False,), (True,) * 70, (True,) * 70]
    chances = one_skill((0.3, 0.2, 0.1, 0.2, 0.1))
    apart, together = sequences_of(lines), sequences_of(lines, joined=True)
    assert sorted(together.times.tolist()) == [1, 1, 1, 2]
    for one, other in zip(vars_of(apart.expected(chances)), vars_of(together.expected(chances)), strict=True):
        assert one == pytest.approx(other)


def vars_of(sums: object) -> list[Floats]:
    return [getattr(sums, name) for name in sums.__slots__]  # type: ignore[attr-defined]  # slots of a dataclass


@pytest.mark.parametrize("forgets", [False, True])
def test_planted_parameters_come_back(forgets: bool) -> None:
    skills = {name: (p, t, 0.06 if forgets else 0.0, g, s) for name, (p, t, _, g, s) in SKILLS.items()}
    answers = planted(skills, learners=4000, answers=14, seed=5)
    fitted = Bkt(parameters=Parameters(forgets=forgets)).fit(answers, seed=0)
    for name, told in skills.items():
        found = fitted.chances.stacked()[:, fitted.skills.index(name)]
        assert np.abs(found - told).max() < 0.04, (name, dict(zip(NAMES, found, strict=True)))
    assert (fitted.chances.forget > 0).all() == forgets


def test_the_optimum_is_one_plain_em_stands_still_at() -> None:
    answers = planted(SKILLS, learners=300, answers=8, seed=2)
    parameters = Parameters()
    right = answers.correct[answers.entry]
    sequences = Sequences.of(answers.learner_skill(), answers.skill, right, 2, joined=True)
    chances, loglik, _ = fit_chances(sequences, parameters)
    again, after = em_step(sequences, chances, parameters)
    assert again == pytest.approx(loglik, abs=1e-6)
    for _ in range(300):
        plain, after = em_step(sequences, after, parameters)
    assert (plain - loglik < 1e-4).all(), "a hundred more steps gain nothing"


def test_guess_and_slip_stay_within_bounds() -> None:
    answers = planted({"s": (0.9, 0.0, 0.0, 0.9, 0.1)}, learners=300, answers=6, seed=1)
    fitted = Bkt(parameters=Parameters(most_guess=0.3, most_slip=0.2)).fit(answers, seed=0)
    assert fitted.chances.guess[0] <= 0.3
    assert fitted.chances.slip[0] <= 0.2


def test_mastery_grows_with_right_answers_and_falls_with_wrong_ones() -> None:
    fitted = Bkt().fit(planted(SKILLS, learners=500, answers=8, seed=3), seed=0)
    rows = ["easy"] * 6
    told = fitted.mastery(
        Responses.of(["a"] * 6, rows, [[skill] for skill in rows], [False, True, True, True, True, False])
    )
    assert told[0] < told[1] < told[2] < told[3] < told[4]
    assert told[5] < told[4]
    assert told[4] > 0.95


def test_an_answer_that_needs_two_skills_is_as_likely_as_on_the_least_known() -> None:
    fitted = Bkt().fit(planted(SKILLS, learners=500, answers=8, seed=3), seed=0)
    both = fitted.predict(Responses.of(["a"], ["i"], [["easy", "hard"]], [True]))
    alone = [fitted.predict(Responses.of(["a"], ["i"], [[skill]], [True]))[0] for skill in SKILLS]
    assert both[0] == pytest.approx(min(alone))


def test_a_skill_that_was_never_seen_has_the_mean_parameters() -> None:
    fitted = Bkt().fit(planted(SKILLS, learners=200, answers=6, seed=3), seed=0)
    said = fitted.predict(Responses.of(["a"], ["i"], [["unheard of"]], [True]))[0]
    known = [fitted.predict(Responses.of(["a"], ["i"], [[skill]], [True]))[0] for skill in SKILLS]
    assert min(known) < said < max(known)


def test_what_tells_nothing_is_refused() -> None:
    alike = Responses.of(["a", "b"], ["i", "i"], [["s"], ["s"]], [True, True])
    with pytest.raises(NotEnoughData, match="2 answers, all of them right"):
        Bkt().fit(alike, seed=0)
    with pytest.raises(NotEnoughData, match="no answers"):
        Bkt().fit(Responses.of([], [], [], []), seed=0)
    with pytest.raises(InputError, match="skill"):
        Responses.of(["a"], ["i"], [[]], [True])


def test_both_kinds_are_registered() -> None:
    assert {"bkt", "bkt-forgets"} <= set(TRACERS.names())
