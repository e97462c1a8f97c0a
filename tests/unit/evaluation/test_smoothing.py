"""Smoothing without looking ahead, changes of lists, and lead times."""

from collections.abc import Collection

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.domain.errors import InputError
from headway.evaluation.smoothing import DAY_US, Week, lead_days, listed, smoothed, steadiness
from headway.models.model import Floats

CHANCES = st.floats(0.01, 0.99)


@given(st.lists(st.lists(CHANCES, min_size=3, max_size=3), min_size=2, max_size=5), st.data())
def test_what_comes_later_changes_nothing_before(rows: list[list[float]], data: st.DataObject) -> None:
    days = list(range(7, 7 * len(rows) + 1, 7))
    risks = np.array(rows)
    cut = data.draw(st.integers(1, len(rows) - 1))
    other = risks.copy()
    other[cut:] = data.draw(CHANCES)
    assert np.array_equal(smoothed(days, risks)[:cut], smoothed(days, other)[:cut])


def test_half_a_life_later_old_and_new_weigh_the_same_on_the_log_odds() -> None:
    found = smoothed([0, 7], np.array([[0.2], [0.8]]), half_life_days=7)
    assert found[:, 0] == pytest.approx([0.2, 0.5])
    assert smoothed([0, 7], np.array([[0.2], [0.8]]), half_life_days=0)[1, 0] == pytest.approx(0.8)


def test_a_week_without_a_risk_leaves_the_state_alone() -> None:
    with_gap = smoothed([0, 7, 14], np.array([[0.2], [np.nan], [0.8]]))
    assert np.isnan(with_gap[1, 0])
    assert with_gap[2, 0] == pytest.approx(smoothed([0, 14], np.array([[0.2], [0.8]]))[1, 0])


def test_days_must_rise() -> None:
    with pytest.raises(InputError, match="rising"):
        smoothed([7, 7], np.array([[0.2], [0.8]]))


def week(day: int, risks: dict[str, float], true: Collection[str] = ()) -> Week:
    names = np.array(sorted(risks), dtype=object)
    labels: Floats = np.array([float(name in true) for name in names])
    return Week(day, day * DAY_US, names, labels, np.array([risks[name] for name in names]))


def test_equals_are_listed_by_name() -> None:
    assert listed(np.array(["b", "a", "c"], dtype=object), np.array([0.5, 0.5, 0.9]), 2) == {"c", "a"}


def test_new_names_are_those_who_were_there_before() -> None:
    first = week(7, {"a": 0.9, "b": 0.8, "c": 0.1})
    then = week(14, {"a": 0.9, "c": 0.8, "new": 0.85, "d": 0.0}, {"a"})
    assert steadiness([first], 2) == [None]
    told = steadiness([first, then], 3)[1]
    assert told is not None
    # a and c were listed among three; the newcomer was not enrolled then.
    assert (told["since"], told["new"]) == (7, 0.0)
    short = steadiness([week(7, {"a": 0.9, "b": 0.8, "c": 0.1}), week(14, {"a": 0.1, "b": 0.8, "c": 0.9})], 1)[1]
    assert short is not None
    assert short["new"] == 1.0


def test_noise_changes_a_smoothed_list_less() -> None:
    random = np.random.default_rng(5)
    truth = random.normal(size=200)
    names = [f"l{n:03}" for n in range(200)]
    weeks = []
    for day in range(7, 63, 7):
        noisy = 1 / (1 + np.exp(-(truth + random.normal(size=200))))
        weeks.append(week(day, dict(zip(names, noisy, strict=True)), set(names[:50])))
    told = [found for found in steadiness(weeks, 25) if found]
    assert np.mean([float(str(t["new_smoothed"])) for t in told]) < 0.8 * np.mean([float(str(t["new"])) for t in told])


def test_lead_counts_from_the_first_time_on_the_list_to_the_event() -> None:
    weeks = [week(7, {"a": 0.9, "b": 0.1}, {"a", "b"}), week(14, {"a": 0.8, "b": 0.9}, {"a", "b"})]
    events = {"a": 30 * DAY_US, "b": 34 * DAY_US}
    first, second = lead_days(weeks, 1, events)
    assert (first["value"], first["n"]) == (23, 1)
    assert (second["value"], second["n"]) == (20, 1)
    both = lead_days(weeks, 2, events)[1]
    assert (both["value"], both["n"]) == (25, 2)
    assert lead_days(weeks, 1, {})[0] == {"value": None, "low": None, "high": None, "n": 0}
