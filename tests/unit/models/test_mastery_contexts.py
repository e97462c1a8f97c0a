"""Places in the course of questions: what they tell, and that they tell it of other learners only."""

import numpy as np
import pytest

from headway.models.mastery import contexts
from headway.models.mastery.contexts import FEWEST, ITEMS_BACK, SMOOTHING, Contexts
from headway.models.mastery.responses import Responses
from headway.models.mastery.tracer import TRACERS

FOLDS = 5


def sets(learners: int, seed: int) -> Responses:
    """Two problem sets, a-x-y-z-s and b-x-y-z-s: what is asked as s is easy in the one and hard in the other."""
    random = np.random.default_rng(seed)
    who, what, right = [], [], []
    for learner in range(learners):
        for first in random.permutation(["a", "b"] * 2).tolist():
            for item in (first, "x", "y", "z", "s"):
                chance = 0.5 if item != "s" else 0.9 if first == "a" else 0.1
                who.append(f"l{learner}")
                what.append(item)
                right.append(bool(random.random() < chance))
    return Responses.of(who, what, [[item] for item in what], right)


def learned(responses: Responses) -> tuple[Contexts, np.ndarray]:
    mean = float(responses.correct.mean())
    even, fold = np.full(len(responses), mean), np.arange(len(responses.learners)) % FOLDS
    return Contexts.learn(responses, even, even, mean, fold)


@pytest.mark.parametrize("name", ["logistic", "boosted"])
def test_an_item_is_told_apart_by_what_was_asked_four_before_it(name: str) -> None:
    fitted, asked = TRACERS.get(name).fit(sets(80, seed=1), seed=2), sets(40, seed=3)
    told = fitted.predict(asked)
    what = np.array(asked.items)[asked.item]
    last, easy = what == "s", np.append([False] * 4, what[:-4] == "a")
    assert told[last & easy].mean() > 0.75
    assert told[last & ~easy].mean() < 0.25


def test_shares_are_mixed_with_those_of_the_place_told_by_one_item_fewer() -> None:
    answers = sets(30, seed=4)
    known, _ = learned(answers)
    mean = float(answers.correct.mean())
    items, after = contexts.before(answers, answers.item, np.arange(len(answers.skills)))
    columns = known.columns(items, after, np.full(len(answers), mean), mean)
    what = np.array(answers.items)[answers.item]
    x = what == "x"
    from_a = x & (np.append([""], what[:-1]) == "a")
    after_s = from_a & (np.append(["", ""], what[:-2]) == "s")
    after_s &= np.append([-1, -1], answers.learner[:-2]) == answers.learner
    share = (answers.correct[from_a].sum() + SMOOTHING * mean) / (from_a.sum() + SMOOTHING)
    longer = (answers.correct[after_s].sum() + SMOOTHING * share) / (after_s.sum() + SMOOTHING)
    assert 0 < after_s.sum() < from_a.sum() < x.sum()
    assert columns[from_a, 0] == pytest.approx(share)
    assert columns[from_a, 1] == pytest.approx(np.log1p(from_a.sum()))
    assert columns[after_s, 2] == pytest.approx(longer)


def test_learners_own_answers_tell_nothing_of_their_places_in_learning() -> None:
    others = sets(10, seed=5)
    alone = Responses.of(["me"] * 40, ["s", "a"] * 20, [["s"], ["a"]] * 20, [True] * 40)
    both = others.joined(alone)
    known, told = learned(both)
    mine = both.learner == len(both.learners) - 1
    # Nobody else ever goes from a to s and back again: others tell no more than what s or a is after anything.
    assert (told[mine, 3][3:] == 0).all()
    assert told[mine, 2][3:] == pytest.approx(told[mine, 0][3:])
    at_hand = known.columns(
        *contexts.before(both, both.item, np.arange(len(both.skills))), np.full(len(both), 0.5), 0.5
    )
    assert (at_hand[mine, 3][3:] > 0).all()


def test_rare_places_and_unknown_items_fall_back() -> None:
    answers = sets(20, seed=6)
    known, _ = learned(answers)
    assert all((counts >= FEWEST).all() for counts in known.counts)
    items, after = contexts.before(answers, np.full(len(answers), 99), np.arange(96, 96 + len(answers.skills)))
    columns = known.columns(items, after, np.full(len(answers), 0.4), 0.3)
    assert (columns[:, : 2 * ITEMS_BACK : 2] == 0.4).all()
    assert (columns[:, 2 * ITEMS_BACK :: 2] == 0.3).all()
    assert (columns[:, 1::2] == 0).all()


def test_after_an_answer_its_skill_is_asked_as_if_it_came_next() -> None:
    again = Responses.of(["z"] * 4, ["a", "x", "s", "s"], [["a"], ["x"], ["s"], ["s"]], [True, False, True, False])
    skill = np.array([{"a": 0, "x": 1, "s": 2}[name] for name in again.skills])
    after = contexts.after(again, skill)
    _, before = contexts.before(again, skill[again.item], skill)
    assert [int(key[2]) for key in after] == [int(key[3]) for key in before]
    assert [int(key[1]) for key in after] != [int(key[2]) for key in before]
