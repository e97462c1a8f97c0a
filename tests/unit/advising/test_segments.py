"""Segments in words: names from what tells them apart, moves within a week, plays, and no claims of cause."""

import numpy as np
import pytest

from headway.advising.plays import BY_FEATURE, BY_TYPE, WORDS
from headway.advising.segments import NOT_ENROLLED, Grouped, moves, told
from headway.explanation.guard import causal_words
from headway.features.definition import FEATURES
from headway.models.model import Matrix
from headway.models.reason_types import REASON_TYPES
from headway.models.segments import BEHAVIOUR


@pytest.fixture
def grouped() -> Grouped:
    random = np.random.default_rng(1)
    values = random.normal(5, 0.1, (10, len(BEHAVIOUR)))
    values[6:, BEHAVIOUR.index("mean_score")] = 1
    values[6:, BEHAVIOUR.index("submitted_share")] = 0.1
    labels = np.array([0] * 6 + [1] * 4)
    return Grouped(
        tuple("abcdefghij"),
        Matrix(BEHAVIOUR, values),
        labels,
        ("", ""),
        np.array([0.9, 0.7]),
        tuple("bcdefghijk"),
        np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 0]),
    )


KNOWN = {name: FEATURES.get(name) for name in BEHAVIOUR}


def test_names_come_from_what_tells_a_segment_apart(grouped: Grouped) -> None:
    one, other = told(grouped, KNOWN, {})
    assert set(other.name.lower().split(", ")) == {"low marks", "work missing"}
    assert other.learners == ("g", "h", "i", "j")
    assert other.stability == 0.7
    assert other.before == 5
    assert other.share == 0.4
    assert {each.feature for each in other.telling[:2]} == {"mean_score", "submitted_share"}
    assert other.telling[0].apart < 0
    assert len(other.plays) >= 2
    assert one.number == 1


def test_a_name_that_people_gave_stays_with_the_proposal(grouped: Grouped) -> None:
    proposed = told(grouped, KNOWN, {})[1].proposed
    named = told(grouped, KNOWN, {proposed: "Weekend workers"})
    assert [each.name for each in named][1] == "Weekend workers"
    assert named[1].proposed == proposed


def test_moves_hold_everyone_once(grouped: Grouped) -> None:
    segments = told(grouped, KNOWN, {})
    found = moves(grouped, segments)
    assert sum(size for _, _, size in found) == 11
    names = [each.name for each in segments]
    assert (NOT_ENROLLED, names[0], 1) in found
    assert (names[0], NOT_ENROLLED, 1) in found
    assert (names[1], names[0], 1) in found


def test_a_type_that_nobody_is_in_now_is_told_empty(grouped: Grouped) -> None:
    kinds = ("Skill gap", "On course", "Never started")
    again = np.full(3, np.nan)
    found = Grouped(grouped.learners, grouped.features, grouped.labels, kinds, again, ("a",), np.array([2]))
    last = told(found, KNOWN, {})[2]
    assert (last.learners, last.before, last.telling) == ((), 1, ())
    assert last.plays == BY_TYPE["never started"]


def test_plays_are_there_for_all_and_claim_no_cause() -> None:
    assert set(BY_TYPE) == set(REASON_TYPES)
    assert set(BY_FEATURE) == set(WORDS) == set(BEHAVIOUR)
    for text in [
        *(play for each in BY_TYPE.values() for play in each),
        *(p for two in BY_FEATURE.values() for p in two),
    ]:
        assert not causal_words(text)
        assert not {"fail", "failing", "lazy", "weak", "risk"} & set(text.lower().replace(",", "").split())
