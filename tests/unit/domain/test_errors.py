"""The error tree: every error has an exit code and a status of its own family."""

import pytest

from headway.domain import errors
from headway.domain.errors import HeadwayError, InputError, UnknownName

ALL = [
    found
    for found in vars(errors).values()
    if isinstance(found, type) and issubclass(found, HeadwayError) and found is not HeadwayError
]


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
def test_codes_are_in_the_documented_range(error: type[HeadwayError]) -> None:
    assert error.exit_code in {1, 2, 3, 4}
    assert 400 <= error.http_status < 600


def test_an_unknown_name_is_an_input_error_that_names_what_is_known() -> None:
    error = UnknownName.of("model", "boost", ["boosting", "logistic"])

    assert isinstance(error, InputError)
    assert "'boosting'" in str(error)


def test_with_nothing_known_it_says_so() -> None:
    assert "Known: none." in str(UnknownName.of("run", "x", []))


def test_of_thousands_of_names_a_message_shows_twenty() -> None:
    told = str(UnknownName.of("run", "x", [f"oulad/{number:04}/1" for number in range(3000)]))
    assert "oulad/0019/1 and 2,980 more." in told
    assert "oulad/0020/1" not in told
