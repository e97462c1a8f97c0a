"""The daily engagement score: parts that add up, and flags that tell of a change once."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.advising.engagement import FEATURES, PARTS, flag_of, scored
from headway.features.as_of import compute
from headway.features.views import view_with
from headway.live_settings import EngagementSettings
from tests.support.memory import Memory
from tests.support.tiny import History, moment, on

SETTINGS = EngagementSettings()
DAY = date(2026, 3, 9)


def before(*scores: float, flags: dict[int, str] | None = None) -> list[tuple[date, float, str | None]]:
    """Scores of the days before, the last of them yesterday's."""
    size = len(scores)
    return [
        (DAY - timedelta(days=size - place), score, (flags or {}).get(size - place))
        for place, score in enumerate(scores)
    ]


@pytest.mark.parametrize(
    ("score", "week", "flag"),
    [
        (39.9, before(40), "below"),
        (40, before(50), None),
        (30, before(39), None),
        (30, before(50, 39), None),
        (50, before(75, 75, 75, 75, 75, 75, 75), "fell"),
        (50.1, before(75, 75, 75, 75, 75, 75, 75), None),
        (50, before(75, 75, 75), None),
        (50, before(80, 80, 80, 80, 80, 80, 60, flags={1: "fell"}), None),
        (30, before(80, 80, 80, 80, 80, 80, 60, flags={1: "fell"}), "below"),
        (10, [], None),
    ],
)
def test_flags(score: float, week: list[tuple[date, float, str | None]], flag: str | None) -> None:
    assert flag_of(score, DAY, week, SETTINGS) == flag


@given(st.lists(st.floats(0, 100), min_size=1, max_size=30))
def test_a_fall_is_told_once_a_week_and_a_drop_only_when_it_happens(scores: list[float]) -> None:
    kept: list[tuple[date, float, str | None]] = []
    for place, score in enumerate(scores):
        day_on = DAY + timedelta(days=place)
        flag = flag_of(score, day_on, kept, SETTINGS)
        if flag == "below":
            assert kept[-1][1] >= SETTINGS.below > score
        if flag == "fell":
            assert not any(told == "fell" and day_on - on_ <= timedelta(days=7) for on_, _, told in kept)
        kept.append((day_on, score, flag))


def history() -> History:
    made = History().plan("w1", 5).plan("w2", 12)
    for number in range(4):
        made.enrol(f"tiny/{number}")
    for day in range(15):
        made.act("tiny/0", day, 5, object="a", object_type="page").act(
            "tiny/0", day, 1, object="b", object_type="video"
        )
    made.act("tiny/1", 3, 2, object="a", object_type="page").hand_in("tiny/0", "w1", 4).hand_in("tiny/1", "w1", 5)
    return made


def test_parts_add_up_to_the_score_of_the_feature() -> None:
    with Memory(history().tables()) as records:
        table = compute(view_with("engagement", FEATURES), records, [moment(14)])
    found = {one.learner: one for one in scored(table, on(14), {}, SETTINGS)}
    assert sorted(found) == [f"tiny/{number}" for number in range(4)]
    for one in found.values():
        assert sum(one.parts.values()) == pytest.approx(one.score, abs=1e-3)
        assert set(one.parts) == set(PARTS)
    assert found["tiny/0"].score > found["tiny/1"].score >= found["tiny/2"].score == found["tiny/3"].score
    assert found["tiny/0"].parts["regularity"] == 30


def test_nothing_is_flagged_while_the_feed_is_silent() -> None:
    with Memory(history().tables()) as records:
        table = compute(view_with("engagement", FEATURES), records, [moment(14)])
    week = {f"tiny/{number}": [(on(13), 90.0, None)] for number in range(4)}
    assert any(one.flag == "below" for one in scored(table, on(14), week, SETTINGS))
    assert not any(one.flag for one in scored(table, on(14), week, SETTINGS, feed_is_silent=True))
