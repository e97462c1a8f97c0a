"""What a model rests on as a whole."""

from typing import Any

import numpy as np
import pytest

from headway.domain.errors import InputError
from headway.explanation.overview import overview
from headway.features.definition import Domain, Feature


def define(_: Any) -> Any:
    """Stands in for an expression."""


def feature(name: str, domain: Domain) -> Feature:
    return Feature(name, "S.", ("days",), "known", None, "days", (0, None), 0, True, domain, "{value}", define)


DEFINITIONS = {"a": feature("a", "visits"), "b": feature("b", "visits"), "c": feature("c", "results")}


def test_sizes_are_mean_absolute_contributions() -> None:
    told = overview(("a", "b", "c"), np.array([[1.0, -1.0, 0.5], [-3.0, 3.0, 0.5]]), DEFINITIONS)
    assert [(weight.name, weight.size) for weight in told.features] == [("a", 2.0), ("b", 2.0), ("c", 0.5)]
    assert sum(weight.share for weight in told.features) == pytest.approx(1)


def test_features_that_cancel_do_not_make_a_domain_weighty() -> None:
    told = overview(("a", "b", "c"), np.array([[1.0, -1.0, 0.5], [-3.0, 3.0, 0.5]]), DEFINITIONS)
    assert [(weight.name, weight.size, weight.share) for weight in told.domains] == [
        ("results", 0.5, 1.0),
        ("visits", 0.0, 0.0),
    ]
    assert told.facts()["domains"] == [
        {"name": "results", "size": 0.5, "share": 1.0},
        {"name": "visits", "size": 0.0, "share": 0.0},
    ]


def test_a_model_that_says_nothing_has_no_weights() -> None:
    assert {weight.share for weight in overview(("a",), np.zeros((3, 1)), DEFINITIONS).features} == {0.0}


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="shape"):
        overview(("a", "b"), np.ones((2, 1)), DEFINITIONS)
    with pytest.raises(InputError, match="shape"):
        overview(("a",), np.ones((0, 1)), DEFINITIONS)
    with pytest.raises(InputError, match="No definition for z"):
        overview(("z",), np.ones((2, 1)), DEFINITIONS)
