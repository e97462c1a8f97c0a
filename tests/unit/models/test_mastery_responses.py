"""Answers as numbers: sums over the past, and rows that repeat a response."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.domain.errors import InputError
from headway.models.mastery.folding import by_item, by_pairs
from headway.models.mastery.responses import Past, Responses


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=30), st.integers(1, 5))
def test_sums_over_the_past_are_those_of_a_loop(rows: list[tuple[int, int]], window: int) -> None:
    key = np.array([key for key, _ in rows], dtype=np.int64)
    values = np.array([value for _, value in rows], dtype=np.float64)
    earlier = [[value for k, value in rows[:place] if k == own] for place, (own, _) in enumerate(rows)]
    past = Past.of(key)
    assert past.count().tolist() == [len(each) for each in earlier]
    assert past.total(values).tolist() == [sum(each) for each in earlier]
    assert past.total(values, window).tolist() == [sum(each[-window:]) for each in earlier]
    assert past.total(values, 0).tolist() == [0.0] * len(rows)
    assert past.previous(values, absent=-1).tolist() == [each[-1] if each else -1 for each in earlier]


def test_learners_may_come_mixed_and_keep_their_order() -> None:
    found = Responses.of(["b", "a", "b"], ["i", "j", "k"], [["s"], ["t", "s", "t"], ["s"]], [True, False, False])
    assert [found.learners[code] for code in found.learner] == ["b", "b", "a"]
    assert [found.items[code] for code in found.item] == ["i", "k", "j"]
    assert found.correct.tolist() == [1, 0, 0]
    assert found.entry.tolist() == [0, 1, 2, 2]
    assert [found.skills[code] for code in found.skill] == ["s", "s", "t", "s"]
    only = found.of_learners(np.array([False, True]))
    assert (only.learners, only.entry.tolist(), only.correct.tolist()) == (("a",), [0, 0], [0])


def test_answers_of_two_files_stand_one_after_the_other() -> None:
    one = Responses.of(["a"], ["i"], [["s"]], [True])
    other = Responses.of(["b", "b"], ["j", "i"], [["t"], ["s", "t"]], [False, True])
    both = one.joined(other)
    assert both.learners == ("a", "b")
    assert [both.items[code] for code in both.item] == ["i", "j", "i"]
    assert [both.skills[code] for code in both.skill] == ["s", "t", "s", "t"]
    assert both.entry.tolist() == [0, 1, 2, 2]


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(InputError, match="right or wrong each"):
        Responses.of(["a"], ["i", "j"], [["s"]], [True])


@pytest.mark.parametrize("second", [True, False])
def test_the_same_item_under_another_skill_is_the_same_response_whatever_it_says(second: bool) -> None:
    found = by_item(
        ["a", "b", "a", "a"], ["i", "i", "i", "i"], [["s"], ["s"], ["t"], ["s"]], [True, True, second, False]
    )
    assert found.repeated == 1
    assert found.responses.correct.tolist() == [1, 0, 1], (
        "i once under s and t, i again under s, then the other learner"
    )
    assert found.responses.entry.tolist() == [0, 0, 1, 2]


def two_skills(learners: int, *, repeats: bool, seed: int = 0) -> Responses:
    """Answers on s, each followed by one on t that repeats it or is drawn anew, and then one on u."""
    random = np.random.default_rng(seed)
    who, skills, right = [], [], []
    for learner in range(learners):
        for _ in range(6):
            first = bool(random.random() < 0.6)
            answers = {
                "s": first,
                "t": first if repeats else bool(random.random() < 0.6),
                "u": bool(random.random() < 0.6),
            }
            for skill, answer in answers.items():
                who.append(f"l{learner}")
                skills.append(skill)
                right.append(answer)
    return Responses.of(who, skills, [[skill] for skill in skills], right)


def test_skills_that_always_agree_are_one_response() -> None:
    rows = two_skills(40, repeats=True)
    found = by_pairs(rows, np.arange(40) < 30)
    assert found.pairs == (("s", "t"),)
    assert found.repeated == 40 * 6
    assert set(found.responses.items) == {"s+t", "u"}
    assert found.first.tolist() == [row for row in range(len(rows)) if rows.items[rows.item[row]] != "t"]
    assert found.responses.correct.tolist() == rows.correct[found.first].tolist()


def test_skills_that_do_not_are_left_as_they_are() -> None:
    rows = two_skills(40, repeats=False)
    found = by_pairs(rows, np.ones(40, dtype=np.bool_))
    assert found.repeated == 0
    assert found.responses.correct.tolist() == rows.correct.tolist()


def test_answers_of_who_is_tested_do_not_decide_what_is_one_response() -> None:
    rows = two_skills(40, repeats=True)
    flipped = rows.correct.copy()
    tested = rows.learner >= 30
    flipped[tested] = 1 - flipped[tested]
    other = Responses(rows.learners, rows.items, rows.skills, rows.learner, rows.item, flipped, rows.entry, rows.skill)
    learned = np.arange(40) < 30
    assert by_pairs(other, learned).first.tolist() == by_pairs(rows, learned).first.tolist()
