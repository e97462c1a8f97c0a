"""Of numbers that say the same, the plainest speaks; a place at the end of the cohort is put in words."""

import numpy as np
import pytest

from headway.explanation.reasons import families, plainness, reasons
from headway.explanation.sentences import sentence
from headway.features.definition import FEATURES
from headway.models.model import Matrix
from tests.support.explaining import definitions, feature

PLACE = FEATURES.get("mean_score_percentile")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.0, "Mean score: among the lowest of those enrolled"),
        (0.04, "Mean score: among the lowest of those enrolled"),
        (0.34, "Mean score: ahead of 34% of those enrolled"),
        (0.97, "Mean score: higher than nearly everyone’s"),
        (1.0, "Mean score: higher than everyone else’s"),
    ],
)
def test_nobody_is_ahead_of_none(value: float, told: str) -> None:
    assert sentence(PLACE, value, 0.5) == told


def spoken(added: list[float], values: list[float]) -> str:
    each = [feature("score", "results"), feature("score_percentile", "results", cohort=True)]
    names = tuple(one.name for one in each)
    [[reason]] = reasons(Matrix(names, np.array([values])), np.array([added]), definitions(each), {})
    return reason.feature


def test_a_number_speaks_before_its_place() -> None:
    assert spoken([0.0, 1.0], [0.3, 0.1]) == "score"
    assert spoken([0.3, 1.0], [0.3, 0.1]) == "score"


def test_unless_it_says_otherwise_or_is_not_known() -> None:
    assert spoken([-0.5, 1.0], [0.3, 0.1]) == "score_percentile"
    assert spoken([0.0, 1.0], [float("nan"), 0.1]) == "score_percentile"


def test_in_a_crowded_domain_plain_quantities_come_first() -> None:
    names = ("clicks_slope_28d", "visits_entropy", "clicks_7d", "visits_7d")
    each = [feature(name) for name in names]
    told = reasons(Matrix(names, np.ones((1, 4))), np.array([[1.0, 0.9, 0.8, 0.7]]), definitions(each), {})
    assert [reason.feature for reason in told[0]] == ["clicks_7d", "visits_7d"]
    much = reasons(Matrix(names, np.ones((1, 4))), np.array([[2.0, 0.9, 0.8, 0.7]]), definitions(each), {})
    assert [reason.feature for reason in much[0]] == ["clicks_slope_28d", "clicks_7d"]


def test_every_place_in_the_catalogue_has_its_number_beside_it() -> None:
    places = [each for each in FEATURES if each.stage == "cohort"]
    assert places
    assert all(plainness(each) == 2 for each in places)
    assert all(each.name.removesuffix("_percentile") in FEATURES.names() for each in places)


def test_families_keep_their_domains_apart() -> None:
    found = families([feature("a_7d", "visits"), feature("a_14d", "forum"), feature("a_28d", "visits")])
    assert found.members == ((0, 2), (1,))
