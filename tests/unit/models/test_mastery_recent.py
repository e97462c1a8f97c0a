"""What just happened to a learner is told as counted by hand, and never from the answer that is asked about."""

import numpy as np

from headway.models.mastery import recent
from headway.models.mastery.responses import Responses

# One learner: s s t s, then another one: s.
ANSWERS = Responses.of(
    ["a", "a", "a", "a", "b"], ["i"] * 5, [["s"], ["s"], ["t"], ["s"], ["s"]], [True, False, False, True, True]
)


def test_the_learners_last_answers_whatever_the_skill() -> None:
    told = recent.of_learner(ANSWERS, own=False)
    assert told.last[:, :3].tolist() == [[-1, -1, -1], [1, -1, -1], [0, 1, -1], [0, 0, 1], [-1, -1, -1]]
    assert told.wrong.tolist() == [0, 0, 1, 2, 0]
    assert told.right.tolist() == [0, 1, 0, 0, 0]


def test_answers_on_the_skill_with_breaks_and_blocks() -> None:
    told = recent.of_skill(ANSWERS, own=False)
    assert told.last[:, :2].tolist() == [[-1, -1], [1, -1], [-1, -1], [0, 1], [-1, -1]]
    assert told.seen.tolist() == [0, 1, 0, 2, 0]
    assert told.gap.tolist() == [0, 1, 0, 2, 0]
    assert told.block.tolist() == [0, 1, 0, 0, 0]
    assert told.block_right.tolist() == [0, 1, 0, 0, 0]
    assert told.practice().tolist() == [0, 1, 0, 0, 0]


def test_after_the_answer_it_counts() -> None:
    told = recent.of_skill(ANSWERS, own=True)
    assert told.last[:, :2].tolist() == [[1, -1], [0, 1], [0, -1], [1, 0], [1, -1]]
    assert told.wrong.tolist() == [0, 1, 1, 0, 0]
    assert told.right.tolist() == [1, 0, 0, 1, 1]
    assert told.seen.tolist() == [1, 2, 1, 3, 1]
    assert told.gap.tolist() == [1, 1, 1, 1, 1]
    assert told.block.tolist() == [1, 2, 1, 1, 1]
    assert told.block_right.tolist() == [1, 1, 0, 1, 1]


def test_the_same_skills_are_the_same_in_any_order_and_others_are_others() -> None:
    answers = Responses.of(["a"] * 4, ["i"] * 4, [["s", "t"], ["t", "s"], ["s"], ["s", "t"]], [True, False, True, True])
    assert recent.of_same_skills(answers).last[:, :2].tolist() == [[-1, -1], [1, -1], [-1, -1], [0, 1]]


def test_every_kind_has_its_place() -> None:
    random = np.random.default_rng(1)
    skills = [[f"s{int(random.integers(3))}"] for _ in range(400)]
    told = recent.of_skill(
        Responses.of(["a"] * 400, ["i"] * 400, skills, (random.random(400) < 0.9).tolist()), own=False
    )
    for kind, many in told.kinds():
        assert 0 <= kind.min() <= kind.max() < many
    assert told.practice().max() < recent.PRACTICE
