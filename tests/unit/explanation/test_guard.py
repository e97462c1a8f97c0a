"""No protected attribute and no claim of cause ever becomes a reason."""

from dataclasses import replace
from typing import Any

import pytest

from headway.domain.errors import NotPermitted
from headway.explanation.guard import causal_words, protected_words, refuse_protected
from headway.features.definition import FEATURES, Feature


def harmless(_: Any) -> Any:
    """Says age, gender and region, but in its docstring only."""
    return _.page_views + _.age_days + _.first_age_days


def built_on_gender(_: Any) -> Any:
    """Looks harmless from outside."""
    return _.filter(_.name == "gender").value.max()


def built_on_region(_: Any) -> Any:
    """Looks harmless from outside."""
    return _.region.max()


PLAIN = Feature(
    "page_views_7d", "Views.", ("days",), "known", 7, "views", (0, None), 0, True, "visits", "{value} views", harmless
)


def test_features_about_behaviour_pass() -> None:
    assert protected_words(PLAIN) == ()
    refuse_protected([PLAIN])


@pytest.mark.parametrize(
    ("feature", "word"),
    [
        (replace(PLAIN, name="learner_age_band"), "age_band"),
        (replace(PLAIN, reads=("imd_band",)), "imd"),
        (replace(PLAIN, sentence="{value} views by people of this gender"), "gender"),
        (replace(PLAIN, define=built_on_gender), "gender"),
        (replace(PLAIN, define=built_on_region), "region"),
    ],
)
def test_a_protected_attribute_is_found_wherever_it_hides(feature: Feature, word: str) -> None:
    assert word in protected_words(feature)
    with pytest.raises(NotPermitted, match=rf"{feature.name}.*{word}"):
        refuse_protected([PLAIN, feature])


def test_no_registered_feature_touches_a_protected_attribute() -> None:
    features = [FEATURES.get(name) for name in FEATURES.names()]
    assert features
    refuse_protected(features)


@pytest.mark.parametrize("text", ["Few visits because of work", "This CAUSES trouble", "late due to illness"])
def test_claims_of_cause_are_found(text: str) -> None:
    assert causal_words(text)


def test_a_due_date_is_no_cause() -> None:
    assert causal_words("Assignment 2 (due 6 Nov) not handed in") == ()
