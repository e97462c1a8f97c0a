"""What the decorator makes of a function, and what it refuses."""

from typing import Any

import pytest

from headway.domain.errors import ConfigError, UnknownName
from headway.domain.extensions import Extensions
from headway.features import definition
from headway.features.definition import FEATURES, Feature, feature


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> Extensions[Feature]:
    """A registry of its own, so that nothing made up stays."""
    own: Extensions[Feature] = Extensions("features", "headway.features.library")
    monkeypatch.setattr(definition, "FEATURES", own)
    return own


def test_a_function_becomes_a_feature(registry: Extensions[Feature]) -> None:
    @feature(reads="days", unit="days", window=3, domain="visits", sentence="{value} days", absent=0)
    def active_days_3d(d: Any) -> Any:
        """Days with activity.

        More about it.
        """
        return (d.age_days < 3).sum()

    assert active_days_3d.name == "active_days_3d"
    assert active_days_3d.summary == "Days with activity."
    assert (active_days_3d.stage, active_days_3d.reads, active_days_3d.bounds) == ("known", ("days",), (0, None))
    assert registry._found == {"active_days_3d": active_days_3d}


@pytest.mark.parametrize(("cohort", "stage"), [(False, "row"), (True, "cohort")])
def test_what_reads_features_is_of_a_later_stage(cohort: bool, stage: str) -> None:
    @feature(reads=("a", "b"), unit="days", domain="visits", sentence="{value}", cohort=cohort, name="called_else")
    def ratio(f: Any) -> Any:
        """A ratio."""
        return f.a / f.b

    assert (ratio.name, ratio.stage) == ("called_else", stage)


def test_a_function_without_a_docstring_is_refused() -> None:
    def silent(d: Any) -> Any:
        return d.age_days.min()

    with pytest.raises(ConfigError, match="'silent' has no docstring"):
        feature(reads="days", unit="days", domain="visits", sentence="{value}")(silent)


@pytest.mark.parametrize("reads", [("days", "objects"), ("days", "active_weeks")])
def test_several_relations_or_a_mixture_are_refused(reads: tuple[str, ...]) -> None:
    def mixed(d: Any) -> Any:
        """A mixture."""

    with pytest.raises(ConfigError, match="Read one relation, or features only"):
        feature(reads=reads, unit="days", domain="visits", sentence="{value}")(mixed)


def test_a_taken_name_is_refused() -> None:
    def twice(d: Any) -> Any:
        """Twice."""

    made = feature(reads="days", unit="days", domain="visits", sentence="{value}")
    made(twice)
    with pytest.raises(ConfigError, match="Two features are called 'twice'"):
        feature(reads="types", unit="days", domain="visits", sentence="{value}")(twice)


def test_an_unknown_feature_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="active_days_14d"):
        FEATURES.get("active_days_15d")
