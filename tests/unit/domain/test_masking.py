"""What names a person does not survive masking."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.domain.masking import PLACEHOLDERS, masked

AROUND = st.text(alphabet="abc \n.,!?", max_size=20)
DIGITS = "0123456789"
GAPS = st.sampled_from(["", " ", "-", ".", "/", " (", ") ", "  "])


@pytest.mark.parametrize(
    ("written", "left"),
    [
        (
            "Hi Anna, write to me: jo@uni.edu or 040 123 4567. Thanks, John",
            "Hi [NAME], write to me: [MAIL] or [NUMBER]. Thanks, [NAME]",
        ),
        ("hello anna, can you help?", "hello [NAME], can you help?"),
        ("My name is Zbigniew Kowalski and I agree", "My name is [NAME] and I agree"),
        ("Best regards,\nAnneke de Vries", "Best regards,\n[NAME]"),
        ("Great point, Peter!", "Great point, [NAME]!"),
        ("I live at 12 Baker Street in town", "I live at [ADDRESS] in town"),
        ("see www.made.example/abc, or https://made.example/?u=1.", "see [LINK], or [LINK]."),
        ("ask @tom_1 about it", "ask [HANDLE] about it"),
        ("jo (at) made (dot) edu", "[MAIL]"),
    ],
)
def test_what_names_a_person_is_taken_away(written: str, left: str) -> None:
    assert masked(written) == left


@pytest.mark.parametrize(
    "text",
    [
        "Hi everyone, I am stuck in week 3 of the course",
        "Thanks for the help",
        "Thank you very much!",
        "In 2024 the quiz had 14 questions",
        "I'm stuck. Is the deadline at 23:59?",
    ],
)
def test_what_names_nobody_stays(text: str) -> None:
    assert masked(text) == text


@settings(max_examples=200, deadline=None)
@given(AROUND, st.emails(), AROUND)
def test_no_mail_address_survives(before: str, mail: str, after: str) -> None:
    assert mail not in masked(f"{before} {mail} {after}")


@settings(max_examples=200, deadline=None)
@given(AROUND, st.lists(st.tuples(st.text(DIGITS, min_size=1, max_size=4), GAPS), min_size=3, max_size=6), AROUND)
def test_no_phone_number_survives(before: str, parts: list[tuple[str, str]], after: str) -> None:
    number = "".join(digits + gap for digits, gap in parts)
    if sum(map(str.isdigit, number)) < 7:
        return
    left = masked(f"{before} {number} {after}")
    assert len(re.findall(r"\d", left)) < 7


@settings(max_examples=200, deadline=None)
@given(AROUND, st.text(DIGITS, min_size=5, max_size=20), st.sampled_from(["", "s", "AB", "id-"]), AROUND)
def test_no_number_of_five_digits_survives(before: str, digits: str, prefix: str, after: str) -> None:
    assert not re.search(r"\d{5}", masked(f"{before}{prefix}{digits} {after}"))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["Xochitl", "Bjarke", "Nkechi", "Oyelaran"]), AROUND)
def test_names_of_a_roster_survive_nowhere(name: str, around: str) -> None:
    for spelt in (name, name.lower(), name.upper()):
        assert spelt not in masked(f"{around} {spelt} {around}", [f"{name} Example"]).split()


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_any_text_can_be_masked_twice(text: str) -> None:
    once = masked(text)
    assert all(masked(each) == each for each in PLACEHOLDERS)
    assert isinstance(masked(once), str)
