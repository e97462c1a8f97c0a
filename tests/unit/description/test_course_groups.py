"""No number about fewer than five learners is told, nor can one be worked out from the numbers beside it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headway.description.groups import SMALLEST, Part, Spread, part, spread, tally, told


def test_parts_are_told_from_five_on() -> None:
    assert part(7, 20) == Part(7, 20, 0.35)
    assert part(0, 20) == Part(0, 20, 0.0)
    assert part(20, 20) == Part(20, 20, 1.0)
    assert part(4, 20) == Part(None, 20, None, "few")
    assert part(17, 20) == Part(None, 20, None, "all but few")
    assert part(2, 4) == Part(None, None, None, "small group")
    assert part(0, 0) == Part(0, 0, None)


@given(st.integers(0, 60), st.integers(0, 60))
def test_no_part_gives_away_a_handful(count: int, rest: int) -> None:
    shown = part(count, count + rest)
    if shown.count is not None and shown.of:
        assert not 0 < shown.count < SMALLEST
        assert not 0 < shown.of - shown.count < SMALLEST
    else:
        assert shown.share is None


@given(st.lists(st.integers(0, 30), max_size=12))
def test_hidden_counts_cannot_be_worked_out_from_the_sum(counts: list[int]) -> None:
    shown = tally(counts)
    assert all(one is None or one == count for one, count in zip(shown, counts, strict=True))
    assert not [one for one in shown if one is not None and 0 < one < SMALLEST]
    hidden = [count for one, count in zip(shown, counts, strict=True) if one is None]
    if hidden and any(one for one in shown if one):
        assert len(hidden) >= 2
        assert sum(hidden) >= SMALLEST


def test_the_next_smallest_is_hidden_with_a_single_one() -> None:
    assert tally([2, 9, 6, 0]) == (None, 9, None, 0)
    assert tally([1, 1, 9]) == (None, None, None)
    assert tally([5, 9, 0]) == (5, 9, 0)


def test_quartiles_need_twenty_learners() -> None:
    assert spread(np.arange(4.0)) == Spread(None)
    assert spread(np.arange(19.0)) == Spread(19)
    assert spread(np.arange(1.0, 22.0)) == Spread(21, 6.0, 11.0, 16.0)
    assert spread(np.empty(0)) == Spread(0)


def test_a_number_is_told_where_enough_learners_stand_behind_it() -> None:
    assert told(12.0, 5) == 12.0
    assert told(12.0, 4) is None
    assert told(0.0, 0) == 0.0
