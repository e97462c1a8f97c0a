"""The words in which a chance is told."""

import re

import pytest

from headway.advising import wording
from headway.advising.wording import LABEL_WORDS, LISTS, SHAPES, frequency, label_words, tenths
from headway.domain.errors import InputError


@pytest.mark.parametrize(
    ("risk", "low", "high", "told"),
    [
        (0.63, 0.52, 0.78, "5–8 in 10"),
        (0.6, 0.45, 0.75, "5–8 in 10"),
        (0.5, 0.5, 0.5, "about 5 in 10"),
        (0.05, 0.0, 0.2, "0–2 in 10"),
        (0.02, 0.0, 0.04, "fewer than 1 in 10"),
        (0.98, 0.96, 1.0, "more than 9 in 10"),
        (0.9, 0.8, 1.0, "8–10 in 10"),
    ],
)
def test_chance_in_whole_tenths_with_its_range(risk: float, low: float, high: float, told: str) -> None:
    assert tenths(risk, low, high) == told


def test_no_chance_is_ever_told_with_decimals_or_as_certain() -> None:
    grid = [number / 40 for number in range(41)]
    for low in grid:
        for risk in grid:
            for high in grid:
                if low <= risk <= high:
                    told = tenths(risk, low, high)
                    assert re.fullmatch(r"(\d–\d0? in 10|(about|fewer than|more than) \d in 10)", told), told
                    assert not re.search(r"about (0|10)\b", frequency(risk, low, high, "does_not_finish"))


def test_frequency_speaks_of_past_learners() -> None:
    assert frequency(0.63, 0.52, 0.78, "does_not_finish") == (
        "Of 10 past learners like this, about 6 did not finish. Likely 5–8."
    )
    assert frequency(0.02, 0, 0.04, "withdraws_within_14d") == (
        "Of 10 past learners like this, fewer than 1 left the course within 14 days. "
        "The range is narrower than one in ten."
    )


@pytest.mark.parametrize(("risk", "low", "high"), [(0.5, 0.6, 0.7), (0.5, 0.1, 0.4), (1.1, 0, 1.2), (-0.1, -0.2, 0)])
def test_a_chance_outside_its_range_is_refused(risk: float, low: float, high: float) -> None:
    with pytest.raises(InputError, match="low ≤ risk ≤ high"):
        tenths(risk, low, high)


def test_a_foreign_label_is_told_by_its_name() -> None:
    assert "“joins group”" in label_words("joins_group").chance


def test_the_wording_bank_is_kept() -> None:
    assert LISTS == ("Reach out", "Check in", "Keep an eye", "On track")
    assert set(SHAPES) == set(LISTS)
    assert len(set(SHAPES.values())) == 4
    assert LABEL_WORDS["does_not_finish"].chance == "chance of not finishing"
    assert LABEL_WORDS["does_not_finish"].happened == "did not finish"
    assert wording.DOES_NOT_KNOW.endswith("Ask before you assume.")
