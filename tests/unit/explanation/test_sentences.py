"""How a feature's value is put into words."""

import math
from typing import Any, Literal

import pytest

from headway.explanation.guard import causal_words
from headway.explanation.sentences import absence, number, sentence
from headway.features.definition import FEATURES, Domain, Feature


def made(
    text: str,
    unit: str = "days",
    bounds: tuple[float | None, float | None] = (0, None),
    domain: Domain = "visits",
    summary: str = "A number of things; with a remark.",
    name: str = "made_up",
) -> Feature:
    def define(_: Any) -> Any:
        """Stands in for an expression."""

    stage: Literal["known"] = "known"
    return Feature(name, summary, ("days",), stage, 14, unit, bounds, 0, True, domain, text, define)


@pytest.mark.parametrize(
    ("unit", "bounds", "value", "told"),
    [
        ("days", (0, None), 3.0, "3"),
        ("days", (0, None), 3.26, "3.3"),
        ("days", (0, None), 12.6, "13"),
        ("interactions", (0, None), 12345.0, "12,345"),
        ("days", (None, None), -2.0, "−2"),
        ("days", (None, None), -0.0, "0"),
        ("share", (0, 1), 0.364, "36%"),
        ("share", (-1, 1), -0.5, "−50%"),
        ("share", (-1, 1), -0.001, "0%"),
        ("share", (None, None), 0.4, "40%"),
        ("share of the cohort", (0, 1), 0.2, "20%"),
        ("points", (0, 100), 40.0, "40"),
        ("days", (0, 1), 1.0, "1"),
        ("yes/no", (0, 1), 1.0, "yes"),
        ("log ratio", (None, None), math.log(0.4), "−60%"),
        ("log ratio", (None, None), math.log(2), "+100%"),
        ("log ratio", (None, None), 0.0, "0%"),
    ],
)
def test_numbers_are_written_as_people_write_them(
    unit: str, bounds: tuple[float | None, float | None], value: float, told: str
) -> None:
    assert number(made("{value}", unit, bounds), value) == told


@pytest.mark.parametrize(
    ("text", "value", "median", "told"),
    [
        ("Active on {value} of the last 14 days (course middle: {median})", 1, 6, "Active on 1 of the last 14 days"),
        ("Last visit {value} days ago (course middle: {median})", 1, 1, "Last visit 1 day ago (course middle: 1)"),
        ("Opened {value} different items so far", 1, 2, "Opened 1 different item so far"),
        ("{value} assessments were due so far", 1, 2, "1 assessment was due so far"),
        ("{value} clicks in the last 14 days", 0, 23, "No clicks in the last 14 days"),
        ("{value} due assessments not handed in", 0, 0, "0 due assessments not handed in"),
        ("Longest run: {value}", 0, 0, "Longest run: 0"),
        ("Work worth {value}% of the mark (course middle: {median}%)", 5, 0, "Work worth 5% of the mark"),
        ("Ratio {value:.2f}", 0.256, 1, "Ratio 0.26"),
    ],
)
def test_one_is_singular_and_nothing_is_no(text: str, value: float, median: float, told: str) -> None:
    assert sentence(made(text), value, median).startswith(told)


@pytest.mark.parametrize("unknown", [None, math.nan])
def test_without_a_course_middle_the_aside_is_left_out(unknown: float | None) -> None:
    assert sentence(made("Scored {value} (course middle: {median})", "share", (0, 1)), 0.36, unknown) == "Scored 36%"
    assert sentence(made("Visits: {value}, course middle {median}"), 4, unknown) == "Visits: 4"
    assert sentence(made("{value} against {median} in the middle"), 4, unknown) == "4 against not known in the middle"


@pytest.mark.parametrize(
    ("value", "median", "told"),
    [
        (3, 5, "Registered 3 days before the start (course middle: 5)"),
        (-3, 5, "Registered 3 days after the start (course middle: 5 before)"),
        (-1, -2, "Registered 1 day after the start (course middle: 2 after)"),
        (4, -2, "Registered 4 days before the start (course middle: 2 after)"),
        (-4, None, "Registered 4 days after the start"),
    ],
)
def test_a_negative_lead_is_told_as_after(value: float, median: float | None, told: str) -> None:
    lead = made("Registered {value} days before the start (course middle: {median})", bounds=(None, None))
    assert sentence(lead, value, median) == told


@pytest.mark.parametrize(
    ("feature", "told"),
    [
        (made("Mean score {value}", "share", (0, 1), "results"), "No marked work yet"),
        (FEATURES.get("mastery_mean"), "No answers to items yet"),
        (made("Handed in {value} of what was due", "share", (0, 1), "hand-ins"), "No hand-in due yet"),
        (made("Last hand-in {value} days ago", "days", (0, None), "hand-ins"), "No hand-in yet"),
        (made("Longest pause: {value} days", "days", (0, None), "timing"), "Longest pause: not known yet"),
        (made("Last visit {value} days ago"), "No visit yet"),
        (made("Opened {value} items", "items", (0, None), "materials"), "Not known yet: a number of things"),
    ],
)
def test_what_is_absent_is_said_to_be_absent(feature: Feature, told: str) -> None:
    assert absence(feature) == told
    assert sentence(feature, None, 3.0) == sentence(feature, math.nan, None) == told


def test_every_registered_feature_can_be_told() -> None:
    for name in FEATURES.names():
        feature = FEATURES.get(name)
        low, high = feature.bounds
        for value in (low, high, 0.0, 1.0, 0.37, None):
            told = sentence(feature, value, 1.0 if high is None else high / 2)
            assert "{" not in told, name
            assert "nan" not in told.lower().split(), name
            assert told == told.strip(), name
            assert not causal_words(told), name
