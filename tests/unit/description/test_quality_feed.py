"""Dead feeds are found where they were planted, and nowhere else: on simulated courses, and on hand-made counts."""

from datetime import date, timedelta
from functools import lru_cache
from random import Random

import pyarrow.compute as pc
import pytest

from headway.description.quality_feed import Feed, Gap, judged, pooled
from tests.support.simulation import simulated

FIRST = date(2025, 3, 3)
WEEK = (40, 38, 36, 35, 30, 12, 15)


@lru_cache(maxsize=8)
def simulated_days(learners: int, seed: int, start: str) -> list[tuple[date, date, dict[date, int]]]:
    """First day, last day and active learners by day, of each run of a simulated world."""
    tables = simulated(learners=str(learners), runs="3", weeks="12", seed=str(seed), start=start)
    found = []
    for run in tables["course_runs"].to_pylist():
        own = tables["statements"].filter(pc.equal(tables["statements"]["run"], run["run"]))
        days = own.group_by("occurred_on").aggregate([("learner", "count_distinct")])
        counts = dict(zip(days["occurred_on"].to_pylist(), days["learner_count_distinct"].to_pylist(), strict=True))
        found.append((run["starts_on"], run["ends_on"], counts))
    return found


WORLDS = [
    (learners, seed, start) for learners in (40, 200) for seed in (1, 2) for start in ("2025-02-03", "2025-09-29")
]


@pytest.mark.parametrize(("learners", "seed", "start"), WORLDS)
def test_no_alarm_where_every_feed_works(learners: int, seed: int, start: str) -> None:
    """The autumn runs have Christmas in them, all runs a reading week."""
    for first, last, counts in simulated_days(learners, seed, start):
        assert judged(counts, first, last)[1] == ()


@pytest.mark.parametrize(
    ("learners", "seed", "start", "length"),
    # Of 40 learners none may be there on a single day by chance, so that no honest rule can tell.
    [(*world, length) for world in WORLDS for length in (1, 3, 6, 14, 35) if length >= 3 or world[0] > 100],
)
def test_a_dead_feed_is_found_to_the_day(learners: int, seed: int, start: str, length: int) -> None:
    for number, (first, last, counts) in enumerate(simulated_days(learners, seed, start)):
        planted = first + timedelta(days=Random(f"{seed}{number}").randint(5, (last - first).days - length - 5))
        dead = {planted + timedelta(days=day) for day in range(length)}
        _, gaps = judged({day: seen for day, seen in counts.items() if day not in dead}, first, last)
        assert [(gap.first_on, gap.days, gap.where) for gap in gaps] == [(planted, length, "within")]


def counts(weeks: int = 12, **silent: int) -> dict[date, int]:
    """Learners by day of a steady course; `silent` names its silent days, `d20_29` the ones from 20 to 29."""
    seen = {FIRST + timedelta(days=day): WEEK[day % 7] for day in range(7 * weeks)}
    for name, left in silent.items():
        low, high = (int(part) for part in name[1:].split("_"))
        seen |= {FIRST + timedelta(days=day): left for day in range(low, high + 1)}
    return seen


def gaps_of(seen: dict[date, int], handed_in_on: dict[date, int] | None = None, days: int = 84) -> tuple[Gap, ...]:
    return judged(seen, FIRST, FIRST + timedelta(days=days - 1), handed_in_on)[1]


def test_a_feed_that_breaks_and_resumes_at_its_full_level_is_sure() -> None:
    (gap,) = gaps_of(counts(d30_33=0))
    assert (gap.first_on, gap.last_on, gap.days) == (FIRST + timedelta(days=30), FIRST + timedelta(days=33), 4)
    assert gap.sharp
    assert gap.sure
    assert gap.expected == pytest.approx((36 + 35 + 30 + 12) / 4, rel=0.2)
    assert gap.chance < 1e-6


def test_a_holiday_tapers_so_that_nobody_can_be_sure() -> None:
    (gap,) = gaps_of(counts(d26_29=8, d30_41=0, d42_45=9))
    assert gap.first_on == FIRST + timedelta(days=30)
    assert not gap.sharp
    assert not gap.sure


def test_hand_ins_from_elsewhere_tell_a_dead_feed_from_a_holiday() -> None:
    seen = counts(d26_29=8, d30_41=0, d42_45=9)
    (gap,) = gaps_of(seen, {FIRST + timedelta(days=35): 3})
    assert gap.sure
    (gap,) = gaps_of(seen, {FIRST + timedelta(days=35): 2})
    assert not gap.sure


def test_late_uploads_of_a_few_do_not_hide_a_gap() -> None:
    seen = {day: 20 * number for day, number in counts().items()}
    seen |= {FIRST + timedelta(days=day): day % 3 for day in range(30, 36)}
    (gap,) = gaps_of(seen)
    assert gap.days == 6


def test_two_gaps_are_two() -> None:
    assert [gap.days for gap in gaps_of(counts(d15_18=0, d50_55=0))] == [4, 6]


def test_silence_at_the_ends_is_told_apart() -> None:
    early, late = gaps_of(counts(d0_9=0, d70_83=0))
    assert (early.where, early.sure) == ("start", False)
    assert (late.where, late.sure) == ("end", False)
    assert early.sharp
    assert late.sharp


def test_a_small_course_may_be_quiet() -> None:
    seen = {FIRST + timedelta(days=day): 1 if day % 3 else 0 for day in range(84)}
    assert gaps_of(seen | {FIRST + timedelta(days=day): 0 for day in range(30, 36)}) == ()


def test_nothing_to_judge() -> None:
    assert judged({}, FIRST, FIRST - timedelta(days=1)) == (Feed(FIRST, (), ()), ())
    assert gaps_of({}) == ()
    assert gaps_of(counts(weeks=1), days=3) == ()


def test_several_small_runs_together_show_what_one_cannot() -> None:
    tiny = {day: max(0, number // 10) for day, number in counts().items()}
    dead = tiny | {FIRST + timedelta(days=day): 0 for day in (30, 31)}
    feeds = [judged(dead, FIRST, FIRST + timedelta(days=83)) for _ in range(12)]
    assert all(gaps == () for _, gaps in feeds)
    (together,) = pooled([feed for feed, _ in feeds])
    assert together[FIRST] == 12 * 4
    (gap,) = judged(together, min(together), max(together))[1]
    assert (gap.first_on, gap.days) == (FIRST + timedelta(days=30), 2)


def test_runs_are_pooled_only_while_two_are_in_progress() -> None:
    def feed(first: int, days: int) -> Feed:
        return Feed(FIRST + timedelta(days=first), (1,) * days, (1.0,) * days)

    pieces = pooled([feed(0, 10), feed(5, 10), feed(40, 4), feed(41, 2)])
    assert [(min(piece), len(piece)) for piece in pieces] == [
        (FIRST + timedelta(days=5), 5),
        (FIRST + timedelta(days=41), 2),
    ]
    assert pooled([feed(0, 10)]) == []
