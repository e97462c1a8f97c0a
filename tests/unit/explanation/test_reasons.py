"""Which reasons are shown, in which order, and what they hold."""

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from headway.domain.errors import InputError, NotPermitted
from headway.explanation.reasons import LEAST_SHARE, Reason, family, not_said_before, reasons
from headway.features.definition import Domain, Feature
from headway.models.model import Floats, Matrix


def define(_: Any) -> Any:
    """Stands in for an expression."""


def feature(name: str, domain: Domain = "visits", *, changeable: bool = True) -> Feature:
    return Feature(
        name=name,
        summary="Some number.",
        reads=("days",),
        stage="known",
        window=None,
        unit="days",
        bounds=(0, None),
        absent=0,
        changeable=changeable,
        domain=domain,
        sentence=name + " {value} (course middle: {median})",
        define=define,
    )


def explain(
    contributions: list[list[float]], features: list[Feature], top: int = 5, per_domain: int = 2
) -> list[tuple[Reason, ...]]:
    rows = np.array(contributions)
    matrix = Matrix(tuple(each.name for each in features), np.full(rows.shape, 3.0))
    medians = {each.name: 5.0 for each in features}
    return reasons(matrix, rows, {each.name: each for each in features}, medians, top=top, per_domain=per_domain)


DOMAINS: tuple[Domain, ...] = ("visits", "materials", "hand-ins", "results", "forum", "timing")
SIX = [feature(f"f{i}", domain) for i, domain in enumerate(DOMAINS)]


def test_a_reason_holds_all_that_is_shown() -> None:
    [[reason]] = explain([[2.0]], [feature("visits_total")])
    assert reason == Reason("visits_total", 3.0, 5.0, "for", 1.0, "Visits_total 3 (course middle: 5)", "visits")
    assert Reason.from_row(json.loads(json.dumps(reason.as_row()))) == reason


def test_strongest_first_with_sign_and_share() -> None:
    [told] = explain([[1.0, -3.0, 0.5, 0.0, 0.0, 0.5]], SIX)
    assert [reason.feature for reason in told] == ["f1", "f0", "f2", "f5"]
    assert [reason.direction for reason in told] == ["against", "for", "for", "for"]
    assert [reason.share for reason in told] == [0.6, 0.2, 0.1, 0.1]


def test_noise_is_left_out() -> None:
    [told] = explain([[1.0, 0.9 * LEAST_SHARE, 1.1 * LEAST_SHARE, 0, 0, 0]], SIX)
    assert [reason.feature for reason in told] == ["f0", "f2"]


def test_no_contribution_gives_no_reason() -> None:
    assert explain([[0.0] * 6], SIX) == [()]


def test_a_domain_speaks_at_most_twice() -> None:
    same = [feature(name) for name in ("a", "b", "c", "d")]
    [told] = explain([[5, 4, 3, 2, 1.0]], [*same, feature("e", "results")])
    assert [reason.feature for reason in told] == ["a", "b", "e"]


def test_both_directions_are_shown_where_both_occur() -> None:
    [told] = explain([[6, 5, 4, 3, 2, -1.0]], SIX, top=3)
    assert [(reason.feature, reason.direction) for reason in told] == [("f0", "for"), ("f1", "for"), ("f5", "against")]


def test_the_other_direction_takes_a_place_in_its_own_crowded_domain() -> None:
    same = [feature(name) for name in ("a", "b", "c")]
    [told] = explain([[5, 4, -3, 2.0]], [*same, feature("e", "results")])
    assert [reason.feature for reason in told] == ["a", "c", "e"]


def test_with_one_place_the_strongest_takes_it() -> None:
    [told] = explain([[6, -5, 0, 0, 0, 0.0]], SIX, top=1)
    assert [reason.feature for reason in told] == ["f0"]


def test_windows_of_one_quantity_speak_with_one_voice() -> None:
    """Collinear windows with opposite signs must not contradict each other in front of an adviser."""
    windows = [feature(f"active_days_{days}d") for days in (7, 14, 28)]
    [told] = explain([[3.0, -2.5, 0.1, 0.4]], [*windows, feature("posts", "forum")])
    assert [(reason.feature, reason.direction, reason.share) for reason in told] == [
        ("active_days_7d", "for", 0.6),
        ("posts", "for", 0.4),
    ]


@pytest.mark.parametrize(
    ("name", "quantity"),
    [
        ("active_days_14d", "active_days"),
        ("interactions_2d", "interactions"),
        ("interactions_total_percentile", "interactions"),
        ("days_since_last_activity", "days_since_last_activity"),
        ("posts_7_days", "posts_7_days"),
    ],
)
def test_families(name: str, quantity: str) -> None:
    assert family(name) == quantity


def test_of_equal_reasons_what_can_be_changed_comes_first() -> None:
    fixed, free = feature("fixed", "timing", changeable=False), feature("free", "results")
    [told] = explain([[1.0, 1.0]], [fixed, free])
    assert [reason.feature for reason in told] == ["free", "fixed"]


def test_reasons_do_not_depend_on_the_rows_beside() -> None:
    rows = np.random.default_rng(1).normal(size=(300, 6)).tolist()
    together = explain(rows, SIX)
    assert [explain([row], SIX)[0] for row in rows[:40]] == together[:40]


def test_reasons_do_not_depend_on_the_order_of_columns() -> None:
    row = [0.7, -0.2, 0.4, 0.31, -0.9, 0.05]
    assert explain([row], SIX) == explain([row[::-1]], SIX[::-1])


def test_an_unknown_value_is_none_and_said_so() -> None:
    known = feature("mean_score", "results")
    matrix = Matrix(("mean_score",), np.array([[math.nan]]))
    [[reason]] = reasons(matrix, np.array([[1.0]]), {"mean_score": known}, {})
    assert (reason.value, reason.cohort_median, reason.text) == (None, None, "No marked work yet")


@pytest.mark.parametrize(
    "medians", [{"a": 2.0, "b": 4.0}, np.array([2.0, 4.0]), np.array([[2.0, 4.0], [2.0, 4.0]])], ids=str
)
def test_medians_come_by_name_by_column_or_by_row(medians: dict[str, float] | Floats) -> None:
    both = {"a": feature("a"), "b": feature("b", "results")}
    told = reasons(Matrix(("a", "b"), np.ones((2, 2))), np.array([[1.0, -1], [1, -1]]), both, medians)
    assert [{reason.feature: reason.cohort_median for reason in row} for row in told] == [{"a": 2.0, "b": 4.0}] * 2


def test_no_rows_no_reasons() -> None:
    assert reasons(Matrix(("a",), np.empty((0, 1))), np.empty((0, 1)), {"a": feature("a")}, {}) == []


def test_what_does_not_fit_is_refused() -> None:
    matrix, known = Matrix(("a",), np.ones((2, 1))), {"a": feature("a")}
    with pytest.raises(InputError, match="shape"):
        reasons(matrix, np.ones((1, 1)), known, {})
    with pytest.raises(InputError, match="finite"):
        reasons(matrix, np.array([[1.0], [math.nan]]), known, {})
    with pytest.raises(InputError, match="No definition for a"):
        reasons(matrix, np.ones((2, 1)), {}, {})
    with pytest.raises(InputError, match="Medians"):
        reasons(matrix, np.ones((2, 1)), known, np.ones(3))
    with pytest.raises(NotPermitted):
        reasons(matrix, np.ones((2, 1)), {"a": replace(known["a"], reads=("gender",))}, {})


def test_a_sentence_is_said_once() -> None:
    def said(text: str) -> Reason:
        return Reason("a", math.nan, math.nan, "for", 0.1, text, "results")

    assert not_said_before([said("No marked work yet"), said("No posts"), said("No marked work yet")]) == [0, 1]
