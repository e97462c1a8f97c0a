"""What a view's hash depends on, and what it does not."""

import types
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from headway.domain.errors import Conflict, UnknownName
from headway.features.definition import FEATURES, Feature, code_of
from headway.features.relations import RELATIONS, assessments
from headway.features.views import RECORDS_ONLY, STANDARD, FeatureView, needed, view_of, view_with

LIMIT = 7


def within(days: int) -> Callable[[Any], Any]:
    def define(d: Any) -> Any:
        """Days with activity."""
        return (d.age_days < days).sum()

    return define


def limited(d: Any) -> Any:
    return (d.age_days < LIMIT).sum()


def helped(d: Any) -> Any:
    return _helper(d).sum()


def _helper(d: Any) -> Any:
    return d.age_days < 7


def made(define: Callable[[Any], Any], absent: float | None = 0, sentence: str = "{value} days") -> Feature:
    return Feature(
        name="made_up",
        summary="Days.",
        reads=("days",),
        stage="known",
        window=7,
        unit="days",
        bounds=(0, None),
        absent=absent,
        changeable=True,
        domain="visits",
        sentence=sentence,
        define=define,
    )


def in_module(source: str) -> Callable[[Any], Any]:
    """A function of that source, as another version of the same module would hold it."""
    import linecache

    name = f"<version {hash(source)}>"
    module = types.ModuleType("headway_versions")
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), module.__dict__)
    define: Callable[[Any], Any] = module.__dict__["define"]
    return define


def test_the_same_definition_has_the_same_hash() -> None:
    assert made(within(7)).source_hash == made(within(7)).source_hash


def test_a_closure_constant_a_global_constant_a_helper_and_the_absent_value_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert made(within(7)).source_hash != made(within(8)).source_hash
    assert made(within(7), absent=0).source_hash != made(within(7), absent=None).source_hash
    before = made(limited).source_hash
    monkeypatch.setitem(globals(), "LIMIT", 8)
    assert made(limited).source_hash != before
    before = made(helped).source_hash

    def _helper(d: Any) -> Any:
        return d.age_days < 8

    monkeypatch.setitem(globals(), "_helper", _helper)
    assert made(helped).source_hash != before


def test_code_counts_and_talk_about_it_does_not() -> None:
    one = in_module('def define(d):\n    """Days."""\n    return d.age_days.min()\n')
    talk = in_module('def define(d):\n    """Whole days."""\n    # the latest one\n    return d.age_days.min()\n')
    other = in_module('def define(d):\n    """Days."""\n    return d.age_days.max()\n')
    assert code_of(one) == code_of(talk)
    assert made(one).source_hash == made(talk).source_hash != made(other).source_hash
    assert made(one, sentence="{value} of them").source_hash == made(one).source_hash


def test_a_hash_names_nothing_of_this_process() -> None:
    for feature in FEATURES:
        assert " at 0x" not in code_of(feature.define), feature.name
    assert not any(" at 0x" in code_of(relation) for relation in RELATIONS.values())


def test_the_order_of_registration_is_nothing_and_the_order_of_columns_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = view_of(STANDARD)
    monkeypatch.setattr(FEATURES, "_found", dict(reversed(FEATURES._found.items())))
    assert view_of(STANDARD) == before
    assert view_with("a", ("active_weeks", "mean_score")).hash != view_with("a", ("mean_score", "active_weeks")).hash


def test_a_view_depends_on_what_its_features_are_made_of(monkeypatch: pytest.MonkeyPatch) -> None:
    engagement, recency = ("engagement_score",), ("days_since_first_activity",)
    before, apart = view_with("v", engagement).hash, view_with("v", recency).hash
    part = FEATURES.get("types_14d")
    monkeypatch.setitem(FEATURES._found, "types_14d", replace(part, absent=1))
    assert view_with("v", engagement).hash != before
    assert view_with("v", recency).hash == apart


def test_a_view_depends_on_the_relations_that_it_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    days, hand_ins = view_with("v", ("active_weeks",)).hash, view_with("v", ("mean_score",)).hash
    monkeypatch.setitem(RELATIONS, "days", RELATIONS["objects"])
    assert view_with("v", ("active_weeks",)).hash != days
    assert view_with("v", ("mean_score",)).hash == hand_ins
    monkeypatch.setattr(assessments, "ASSESSMENT_TYPES", ("assignment",))
    assert view_with("v", ("mean_score",)).hash != hand_ins


def test_the_standard_view_has_every_feature_and_the_other_needs_no_log() -> None:
    assert view_of(STANDARD).features == tuple(FEATURES.names())
    records_only = view_of(RECORDS_ONLY)
    assert {"earned_share", "previous_attempts", "earned_share_percentile"} <= set(records_only.features)
    relations = {d.reads[0] for d in needed(records_only.features) if d.stage == "known"}
    assert relations == {"hand_ins", "others", "facts"}


def test_each_feature_comes_after_those_it_reads() -> None:
    names = [definition.name for definition in needed(("engagement_score",))]
    assert names[-1] == "engagement_score"
    assert names.index("interactions_14d") < names.index("interactions_14d_percentile")
    assert len(names) == len(set(names))


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="standard"):
        view_of("standart")
    with pytest.raises(UnknownName, match="active_weeks"):
        view_with("v", ("active_week",))


def test_a_model_of_other_definitions_is_refused_with_both_hashes() -> None:
    view = FeatureView("v", ("active_weeks",), "0123456789abcdef")
    view.check("0123456789abcdef")
    with pytest.raises(Conflict, match=r"fedcba9876543210.*0123456789abcdef.*Train a new model"):
        view.check("fedcba9876543210")
