"""As-of times: made in one place, always UTC, and a date means its end in the course's zone."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.domain.errors import InputError
from headway.domain.time import AsOf, FixedClock, SystemClock, midnight

ZONES = ("UTC", "Europe/London", "America/New_York", "Asia/Kolkata", "Pacific/Auckland")
DAYS = st.dates(date(2000, 1, 1), date(2040, 12, 31))


@given(DAYS, st.sampled_from(ZONES))
def test_a_date_means_the_end_of_that_day_in_the_zone(day: date, zone: str) -> None:
    as_of = AsOf.at(day.isoformat(), zone)

    assert as_of.instant == midnight(day + timedelta(days=1), zone)
    assert as_of.day(zone) == day


@given(DAYS, st.sampled_from(ZONES))
def test_text_and_back(day: date, zone: str) -> None:
    as_of = AsOf.at(day.isoformat(), zone)

    assert AsOf.at(str(as_of)) == as_of


def test_an_instant_with_an_offset_is_that_instant() -> None:
    assert AsOf.at("2014-10-14T09:00:00+01:00", "America/New_York").instant == datetime(2014, 10, 14, 8, tzinfo=UTC)


def test_an_instant_without_an_offset_is_read_in_the_zone() -> None:
    assert str(AsOf.at("2014-07-01T09:00", "Europe/London")) == "2014-07-01T08:00:00Z"


def test_within_a_day_the_day_is_that_day() -> None:
    assert AsOf.at("2014-10-14T09:00:00+00:00").day("UTC") == date(2014, 10, 14)


@pytest.mark.parametrize("text", ["", "yesterday", "2014-13-01", "2014-02-30", "14/10/2014", "9999-12-31"])
def test_what_is_no_date_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match="2014-10-14"):
        AsOf.at(text)


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(InputError, match="IANA"):
        AsOf.at("2014-10-14", "Mars/Olympus")


@pytest.mark.parametrize("instant", [datetime(2014, 1, 1), datetime(2014, 1, 1, tzinfo=timezone(timedelta(hours=1)))])  # noqa: DTZ001 - refused below
def test_only_utc_instants_become_as_of_times(instant: datetime) -> None:
    with pytest.raises(InputError, match="UTC"):
        AsOf(instant)


def test_now_is_the_clocks_now() -> None:
    instant = datetime(2026, 11, 21, 8, tzinfo=UTC)

    assert AsOf.now(FixedClock(instant)).instant == instant
    assert AsOf.now(SystemClock()).instant.utcoffset() == timedelta(0)


def test_as_of_times_have_an_order() -> None:
    assert AsOf.at("2014-10-14") < AsOf.at("2014-10-15")
