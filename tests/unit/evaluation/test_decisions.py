"""Thresholds from costs, and what a list of a given length finds."""

import numpy as np
import pytest

from headway.domain.errors import InputError
from headway.evaluation.decisions import Costs, at_cost, contacts_for, curve

LABELS = np.array([1.0, 0, 1, 0, 0])
RISKS = np.array([0.9, 0.6, 0.3, 0.2, 0.1])


def test_the_threshold_is_what_a_contact_costs_over_what_a_miss_costs() -> None:
    assert Costs(miss=4, contact=1).threshold == 0.25
    assert Costs(miss=1, contact=2).threshold > 1


@pytest.mark.parametrize(("miss", "contact"), [(0, 1), (-1, 1), (1, -1)])
def test_costs_that_give_no_threshold_are_refused(miss: float, contact: float) -> None:
    with pytest.raises(InputError, match="threshold"):
        Costs(miss, contact)


def test_at_cost_by_hand() -> None:
    found = at_cost(LABELS, RISKS, Costs(miss=4, contact=1))
    assert (found["flagged"], found["precision"], found["recall"], found["missed"]) == (3, 2 / 3, 1.0, 0)
    assert found["f1"] == pytest.approx(0.8)
    assert found["cost"] == 3 / 5
    assert (found["cost_of_nobody"], found["cost_of_everybody"], found["least_cost"]) == (8 / 5, 1, 3 / 5)


def test_dearer_misses_never_raise_the_number_missed() -> None:
    random = np.random.default_rng(3)
    risks = random.random(300)
    labels = (random.random(300) < risks).astype(float)
    missed = [at_cost(labels, risks, Costs(miss, 1.0))["missed"] for miss in (1.0, 2.0, 5.0, 20.0)]
    assert missed == sorted(missed, key=lambda n: -int(str(n)))
    assert missed[0] != missed[-1]


def test_the_threshold_of_costs_is_near_the_best_where_risks_are_calibrated() -> None:
    random = np.random.default_rng(4)
    risks = random.random(5000)
    labels = (random.random(5000) < risks).astype(float)
    found = at_cost(labels, risks, Costs(5.0, 1.0))
    assert isinstance(found["cost"], float)
    assert isinstance(found["least_cost"], float)
    assert found["least_cost"] <= found["cost"] < 1.02 * found["least_cost"]


def test_how_many_contacts_find_a_share() -> None:
    assert contacts_for(LABELS, RISKS, 0.5) == 1
    assert contacts_for(LABELS, RISKS, 0.8) == 3
    assert contacts_for(np.zeros(5), RISKS, 0.8) is None


def test_the_curve_s_lists_belong_together() -> None:
    found = curve(LABELS, RISKS, points=6)
    assert found["contacted"] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert found["found"] == pytest.approx([0, 0.5, 0.5, 1, 1, 1])
    assert isinstance(found["lift"], list)
    assert found["lift"][0] is None
    assert found["lift"][1] == pytest.approx(2.5)
