from hypothesis import given
from hypothesis import strategies as st

from headway.description.coarser import LEAST, coarser, coarser_part, tally, wording
from headway.description.groups import Part, Spread, part


@given(st.lists(st.one_of(st.none(), st.integers(0, 60)), min_size=1, max_size=12))
def test_counts_beside_each_other_give_no_small_group_away(counts: list[int | None]) -> None:
    told = tally(counts)
    assert all(count is None or count == 0 or count >= LEAST for count in told)
    assert all(count is None or count == before for count, before in zip(told, counts, strict=True))
    hidden = [before for count, before in zip(told, counts, strict=True) if count is None]
    if hidden and any(told):
        assert len(hidden) >= 2
        assert sum(before or 1 for before in hidden) >= LEAST


@given(st.integers(0, 200), st.integers(0, 200))
def test_a_part_of_fewer_than_ten_is_hidden_and_others_stay_as_they_are(count: int, more: int) -> None:
    found, before = coarser_part(count, count + more), part(count, count + more)
    assert coarser(before) == found
    if found.count is None:
        assert found.share is None
        assert found.hidden is not None
    else:
        assert found == before
        assert found.count == 0 or found.count >= LEAST


def test_what_lies_deep_is_hidden_too() -> None:
    assert coarser((Part(7, 40, 0.175), (Spread(8),))) == (Part(None, 40, None, "few"), (Spread(None),))
    assert wording("Fewer than 5 of 40. All but fewer than 5.") == "Fewer than 10 of 40. All but fewer than 10."


def test_counts_that_can_be_worked_out_hide_no_other_and_are_hidden_beside_none() -> None:
    assert tally([25, 25, 6, 286, 0], 2) == (25, 25, None, None, 0)
    assert tally([25, 25, 16, 276, 0], 2) == (25, 25, 16, 276, 0)
    assert tally([5, 5, 16, 276, 0], 2) == (None, None, 16, 276, 0)
