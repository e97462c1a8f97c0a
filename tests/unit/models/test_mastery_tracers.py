"""What every mastery model promises: no look ahead or aside, the same state each time, and a state that returns."""

import functools
from dataclasses import replace

import numpy as np
import pytest

from headway.domain.errors import InputError, NotEnoughData, UnknownName
from headway.models.mastery.blend import Blend
from headway.models.mastery.dkt import Dkt, Parameters
from headway.models.mastery.logistic import FittedLogistic
from headway.models.mastery.responses import Responses
from headway.models.mastery.tracer import TRACERS, Fitted, Tracer
from tests.support.answers import changed, mixed

SMALL = Dkt(parameters=Parameters(width=8, memory=8, hidden=8, passes=2, answers=60, longest=9))
QUICK: dict[str, Tracer] = {"dkt": SMALL, "blend": Blend(dkt=SMALL)}
NEAR = 2e-6
"""Told log-odds are rounded to six decimals; numbers may fall on either side."""


def tracer_of(name: str) -> Tracer:
    return QUICK.get(name) or TRACERS.get(name)


@functools.cache
def fitted(name: str) -> Fitted:
    return tracer_of(name).fit(mixed(seed=1), seed=4)


@pytest.fixture(params=TRACERS.names())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("seed", range(6))
def test_an_answer_changes_nothing_that_was_said_up_to_it(name: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    asked = mixed(seed=100 + seed)
    before = fitted(name).predict(asked)
    row = int(random.integers(len(asked)))
    later = [r for r in range(row, len(asked)) if asked.learner[r] == asked.learner[row]]
    flipped = changed(asked, [r for r in later if random.random() < 0.6 or r == row])
    after = fitted(name).predict(flipped)
    untouched = [r for r in range(len(asked)) if r not in later[1:]]
    assert after[untouched] == pytest.approx(before[untouched], abs=NEAR)


def test_earlier_answers_do_change_what_is_said_later(name: str) -> None:
    asked = Responses.of(["a"] * 8, ["i1"] * 8, [["s1"]] * 8, [True] * 8)
    told = [fitted(name).predict(each)[-1] for each in (asked, changed(asked, range(7)))]
    assert told[0] > told[1] + 0.001


def test_permuting_the_future_changes_nothing(name: str) -> None:
    asked = mixed(seed=11, learners=1, most=18)
    n, cut = len(asked), len(asked) // 2
    order = [*range(cut), *(cut + np.random.default_rng(0).permutation(n - cut))]
    skills = [[asked.skills[s] for s in asked.skill[asked.entry == row]] for row in order]
    items = [asked.items[asked.item[row]] for row in order]
    moved = Responses.of(["l0"] * n, items, skills, [bool(asked.correct[row]) for row in order])
    assert fitted(name).predict(moved)[:cut] == pytest.approx(fitted(name).predict(asked)[:cut], abs=NEAR)


def test_mastery_after_an_answer_knows_no_later_one(name: str) -> None:
    asked = mixed(seed=21, learners=4)
    before = fitted(name).mastery(asked)
    assert before.shape == asked.skill.shape
    assert ((before > 0) & (before < 1)).all()
    last = [r for r in range(len(asked)) if r == len(asked) - 1 or asked.learner[r] != asked.learner[r + 1]]
    after = fitted(name).mastery(changed(asked, last))
    earlier = ~np.isin(asked.entry, last)
    assert after[earlier] == pytest.approx(before[earlier], abs=NEAR)
    assert (np.abs(after - before)[~earlier] > 1e-6).any()


def test_a_learner_is_told_the_same_whoever_else_is_asked_about(name: str) -> None:
    asked = mixed(seed=31)
    together = fitted(name).predict(asked)
    for place in (0, 5, len(asked.learners) - 1):
        alone = asked.of_learners(np.arange(len(asked.learners)) == place)
        assert fitted(name).predict(alone) == pytest.approx(together[asked.learner == place], abs=NEAR)


def test_the_same_answers_and_seed_give_the_same_state_and_a_state_comes_back(name: str) -> None:
    tracer, asked = tracer_of(name), mixed(seed=41)
    state = fitted(name).state()
    assert tracer.fit(mixed(seed=1), seed=4).state() == state
    back = tracer.restore(state)
    assert back.state() == state
    assert np.array_equal(back.predict(asked), fitted(name).predict(asked))
    assert np.array_equal(back.mastery(asked), fitted(name).mastery(asked))
    assert back.facts() == fitted(name).facts()


def test_items_and_skills_never_seen_are_answered(name: str) -> None:
    asked = Responses.of(["a", "a", "b"], ["new", "i1", "newer"], [["s9"], ["s1", "s8"], ["s7"]], [True, False, True])
    told = fitted(name).predict(asked)
    assert ((told > 0) & (told < 1)).all()
    assert fitted(name).mastery(asked).shape == (4,)


def test_answers_all_alike_are_refused(name: str) -> None:
    with pytest.raises(NotEnoughData, match="all of them wrong"):
        tracer_of(name).fit(Responses.of(["a", "b"], ["i", "j"], [["s"], ["s"]], [False, False]), seed=0)


def test_a_damaged_state_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        tracer_of(name).restore({})


def test_models_say_what_they_are(name: str) -> None:
    tracer = TRACERS.get(name)
    assert tracer.name == name
    assert tracer.summary.endswith(".")
    assert tracer.mastery_is.startswith("the chance that")


def test_an_unknown_model_is_named_with_near_ones() -> None:
    with pytest.raises(UnknownName, match="bkt"):
        TRACERS.get("bktt")


def test_weights_for_other_columns_are_refused_with_what_to_do() -> None:
    model = fitted("logistic")
    assert isinstance(model, FittedLogistic)
    with pytest.raises(InputError, match="Fit it again"):
        replace(model, weights=model.weights[:-3]).predict(mixed(seed=2))
