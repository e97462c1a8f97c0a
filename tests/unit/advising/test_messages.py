from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.advising.messages import (
    FROM,
    KINDS,
    NOTICED,
    UNDO_FOR,
    UNTIL,
    Concrete,
    Facts,
    Letter,
    Message,
    Work,
    checked,
    concrete,
    filled,
    is_address,
    leaves_at,
    offer_at,
    script,
    suggestions,
    unfit_words,
    written,
)
from headway.domain.errors import InputError
from headway.domain.time import zone_of
from headway.explanation.guard import causal_words
from headway.explanation.reasons import Direction, Reason
from headway.features.definition import FEATURES

ZONES = ("Europe/London", "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Auckland", "UTC")
INSTANTS = st.integers(0, 3 * 365 * 86_400).map(lambda s: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=s))
PLACES = {"work": "Assignment 2", "day": "Fri 11 Sept", "week": "5"}


def reason(feature: str, direction: Direction = "for") -> Reason:
    return Reason(feature, 1.0, 2.0, direction, 0.3, "A sentence", FEATURES.get(feature).domain)


def spoken(*features: str, facts: Facts, direction: Direction = "for") -> Concrete:
    known = {name: FEATURES.get(name) for name in features}
    return concrete([reason(name, direction) for name in features], known, facts, date.isoformat)


@given(INSTANTS, st.sampled_from(ZONES))
def test_a_message_never_leaves_at_night_nor_before_it_could_be_taken_back(now: datetime, zone: str) -> None:
    leaves = leaves_at(now, zone)
    there = leaves.astimezone(zone_of(zone)).time()
    assert FROM <= there < UNTIL
    assert now + UNDO_FOR <= leaves <= now + timedelta(hours=14)


@given(INSTANTS)
def test_the_time_that_is_offered_is_on_a_weekday_ahead(now: datetime) -> None:
    offered = offer_at(now, "Asia/Kolkata")
    assert offered.weekday() < 5
    assert timedelta(hours=14) < offered - now < timedelta(days=6)


def test_the_strongest_reason_that_can_be_changed_decides() -> None:
    facts = Facts(date(2025, 9, 1), (Work("Assignment 2", date(2025, 9, 5)),), open_weeks=(5,))
    assert spoken("assessments_missed", "active_days_14d", facts=facts).places["work"] == "Assignment 2"
    assert spoken("plan_opened_share", facts=facts).places == {"week": "5"}
    assert spoken("active_days_14d", facts=facts) == Concrete("visits", {"day": "2025-09-01"}, "active_days_14d")
    # What nobody can change, and what points to finishing, is not spoken of.
    assert spoken("days_to_next_due", facts=facts).kind == "hand-ins"
    assert spoken("active_days_14d", facts=facts, direction="against").kind == "hand-ins"


def test_without_facts_it_asks_how_it_goes() -> None:
    assert spoken(facts=Facts(date(2025, 9, 1))).kind == "general"
    assert spoken("assessments_missed", facts=Facts()).kind == "not started"


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_we_write_labels_or_claims_a_cause(kind: str) -> None:
    thing = Concrete(next(each for each in KINDS if each == kind), PLACES)
    told = {"course": "DS101", "sender": "Ann", "offer": "Thu 11 Sept at 14:00"}
    letter = written(Letter(), thing, name="Ada", **told)
    said = (letter.subject, letter.body, *script(thing, **told), *suggestions(thing))
    for text in said:
        assert unfit_words(text) == ()
        assert causal_words(text) == ()
        assert "{" not in text
    assert "What would help?" in letter.body
    assert "Thu 11 Sept at 14:00" in letter.body
    assert checked(letter) == letter


def test_a_place_is_filled_or_told() -> None:
    assert filled(NOTICED["hand-ins"], PLACES) == "I noticed that Assignment 2, due on Fri 11 Sept, is not in yet."
    with pytest.raises(InputError, match="nickname"):
        filled("Dear {nickname}", PLACES)


@given(st.text(max_size=40))
def test_what_fills_a_place_is_not_read_as_a_place_again(name: str) -> None:
    assert filled("{work}", {"work": name}) == name


@pytest.mark.parametrize("text", ["You are at risk", "HIGH-RISK", "our algorithm says", "you were flagged"])
def test_labels_are_found(text: str) -> None:
    assert unfit_words(text)
    with pytest.raises(InputError):
        checked(Message("Hello", text))


@given(st.text(alphabet="ab@., \r\n;<", max_size=12))
def test_an_address_is_one_line_and_one_address(text: str) -> None:
    if is_address(text):
        assert text.count("@") == 1
        assert not set(text) & set("\r\n ,;<")
