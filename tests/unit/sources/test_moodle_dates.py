"""How the log report's clock times are read: in the format of the whole column, or not at all."""

from datetime import date, datetime
from pathlib import Path

import pytest

from headway.domain.errors import InputError, SourceError
from headway.sources.moodle_dates import Years, read_clock
from headway.sources.moodle_rows import MACROS
from headway.sources.staging import Staging


def read(
    times: list[str], locale: str | None = None, years: Years | None = None, *, foreign: bool = False
) -> list[datetime | None]:
    """The local times of a file with these texts, in its order."""
    staging = Staging("moodle", 256)
    for macro in MACROS:
        staging.run(macro)
    staging.run("CREATE TABLE rows (file_no INTEGER, line BIGINT, time VARCHAR)")
    for line, time in enumerate(times, start=2):
        staging.run("INSERT INTO rows VALUES (0, $line, $time)", line=line, time=time)
    read_clock(staging, "rows", locale, years or Years(), foreign=foreign)
    found = dict(staging.run("SELECT line, local FROM clock"))
    return [found.get(line) for line in range(2, len(times) + 2)]


def clock(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """A local time, whose zone is the caller's business."""
    return datetime(year, month, day, hour, minute)  # noqa: DTZ001  # local on purpose


SEPTEMBER_18 = clock(2017, 9, 18, 9, 10)


@pytest.mark.parametrize(
    "text",
    [
        "18/09/17, 09:10",
        "18/09/2017, 09:10",
        "9/18/17, 9:10",
        "18.09.17, 09:10",
        "18.9.2017, 9.10",
        "2017-09-18 09:10:00",
        "18-09-17, 09:10",
        "18 Sep 2017, 09:10",
        "18 September 2017, 9:10 AM",
        "18 September 2017, 9:10\u202fa.m.",
        "Monday, 18 September 2017, 9:10 AM",
        "Sep 18, 2017, 9:10 AM",
        "18. September 2017, 09:10",
        "Montag, 18. September 2017, 09:10",
        "18 sept. 2017, 09:10",
        "lundi 18 septembre 2017, 09:10",
        "18 de septiembre de 2017, 09:10",
        "lunes, 18 de septiembre de 2017, 09:10",
        "18 set. 2017, 09:10",
        "segunda-feira, 18 de setembro de 2017 às 09:10",
        "18 settembre 2017, 09:10",
        "lunedì, 18 settembre 2017, 09:10",
        "18 sep. 2017, 09:10",
        "maandag 18 september 2017, 09:10",
        "18/09/17 9h10",
    ],
)
def test_one_unambiguous_time_is_read_in_every_form(text: str) -> None:
    assert read([text]) == [SEPTEMBER_18]


@pytest.mark.parametrize(
    ("text", "month"),
    [("5 Mär 2018, 10:00", 3), ("5 févr. 2018, 10:00", 2), ("5 août 2018, 10:00", 8), ("5 ene. 2018, 10:00", 1),
     ("5 dez. 2018, 10:00", 12), ("5 gen 2018, 10:00", 1), ("5 mrt. 2018, 10:00", 3), ("5 mei 2018, 10:00", 5),
     ("mar. 5 juin 2018, 10:00", 6), ("5 mar 2018, 10:00", 3)],
)  # fmt: skip
def test_months_are_known_in_every_language(text: str, month: int) -> None:
    assert read([text]) == [clock(2018, month, 5, 10)]


@pytest.mark.parametrize(
    ("text", "hour"), [("12:05 AM", 0), ("12:05 PM", 12), ("1:05 PM", 13), ("11:05 pm", 23), ("1:05 p.m.", 13)]
)
def test_midnight_and_noon_are_told_apart(text: str, hour: int) -> None:
    assert read([f"3 May 2018, {text}"]) == [clock(2018, 5, 3, hour, 5)]


def test_one_day_above_twelve_decides_for_the_whole_column() -> None:
    assert [t.month for t in read(["03/04/18, 10:00", "13/04/18, 10:00"]) if t] == [4, 4]
    assert [t.day for t in read(["03/04/18, 10:00", "03/14/18, 10:00"]) if t] == [4, 14]


def test_the_order_of_the_file_decides_where_no_value_does() -> None:
    # Read with the month first, this would go back and forth.
    days_first = ["05/03/18, 10:00", "04/03/18, 10:00", "12/02/18, 10:00", "01/02/18, 10:00", "09/01/18, 10:00"]
    assert [t.month for t in read(days_first) if t] == [3, 3, 2, 2, 1]
    months_first = ["3/5/18, 10:00", "3/4/18, 10:00", "2/12/18, 10:00", "2/1/18, 10:00", "1/9/18, 10:00"]
    assert [t.month for t in read(months_first) if t] == [3, 3, 2, 2, 1]


@pytest.mark.parametrize(
    "times",
    [
        ["03/04/18, 10:00"],
        ["01/02/18, 10:00", "02/02/18, 10:00", "03/02/18, 10:00"],  # sorted either way
        ["13/04/18, 10:00", "04/14/18, 10:00"],  # one of each
    ],
)
def test_an_ambiguous_column_is_never_guessed(times: list[str]) -> None:
    with pytest.raises(SourceError, match="locale=en_GB"):
        read(times)
    assert read(times, "en_GB")[0] != read(times, "en_US")[0] or times[0] == "13/04/18, 10:00"


def test_short_dates_under_unknown_headers_may_begin_with_the_year() -> None:
    with pytest.raises(SourceError, match="locale"):
        read(["17/09/18, 09:10"], foreign=True)
    assert read(["17/09/18, 09:10"], "ja_JP", foreign=True) == [clock(2017, 9, 18, 9, 10)]


@pytest.mark.parametrize("locale", ["en", "english", "", "en_GB_x"])
def test_a_locale_that_says_nothing_is_refused(locale: str) -> None:
    with pytest.raises(InputError, match="en_US"):
        read(["03/04/18, 10:00"], locale)


def test_a_text_that_does_not_fit_is_null_and_the_others_are_read() -> None:
    times = [
        "18/09/17, 09:10",
        "31/02/17, 09:10",
        "soon",
        "18/09/17, 25:10",
        "123/09/17, 09:10",
        "18/09/17, 09:123",
        "",
    ]
    assert read(times) == [SEPTEMBER_18, None, None, None, None, None, None]


def test_a_column_without_one_readable_time_stops_the_reading() -> None:
    with pytest.raises(SourceError, match="No time in the log report can be read"):
        read(["yesterday", "today"])


def test_without_a_year_the_reading_asks_for_it() -> None:
    with pytest.raises(SourceError, match="year=2018"):
        read(["18 Sep, 09:10"])


def test_a_file_sorted_either_way_goes_over_into_the_next_year() -> None:
    forward = ["30 Sep, 09:10", "31 Dec, 23:59", "1 Jan, 00:01", "3 Mar, 10:00"]
    assert [t.year for t in read(forward, years=Years(2017)) if t] == [2017, 2017, 2018, 2018]
    assert [t.year for t in read(forward[::-1], years=Years(2017)) if t] == [2018, 2018, 2017, 2017]
    assert [t.year for t in read(forward, years=Years(starts=date(2017, 9, 25))) if t] == [2017, 2017, 2018, 2018]


def test_the_year_of_a_start_in_january_holds_for_a_december_before_it() -> None:
    times = ["28 Dec, 09:10", "15 Jan, 09:10", "16 Jan, 09:10"]
    assert [t.year for t in read(times, years=Years(starts=date(2018, 1, 8))) if t] == [2017, 2018, 2018]


def test_a_file_that_is_not_sorted_and_may_go_over_new_year_asks_for_the_start() -> None:
    times = ["3 Mar, 10:00", "30 Sep, 09:10", "1 Jan, 00:01", "30 Nov, 10:00", "3 Feb, 10:00"]
    with pytest.raises(SourceError, match="starts="):
        read(times, years=Years(2017))
    assert [t.year for t in read(times, years=Years(starts=date(2017, 9, 25))) if t] == [2018, 2017, 2018, 2017, 2018]


def test_a_file_that_is_not_sorted_and_lies_within_a_year_needs_only_the_year() -> None:
    times = ["3 Mar, 10:00", "30 May, 09:10", "1 Feb, 00:01", "5 Apr, 10:00"]
    assert {t.year for t in read(times, years=Years(2018)) if t} == {2018}


def test_the_year_in_a_runs_name_does_not_settle_a_new_year() -> None:
    with pytest.raises(SourceError, match="new year"):
        read(["30 Dec, 09:10", "3 Jan, 09:10", "4 Jan, 09:10"], years=Years(2018, from_name=True))


def test_two_times_may_be_in_either_order() -> None:
    with pytest.raises(SourceError, match="starts="):
        read(["3 Jan, 09:10", "28 Dec, 09:10"], years=Years(2017))


def test_a_29_february_belies_a_year() -> None:
    with pytest.raises(SourceError, match="29 February"):
        read(["29 Feb, 09:10"], years=Years(2018))
    assert read(["29 Feb, 09:10"], years=Years(2016)) == [clock(2016, 2, 29, 9, 10)]


def test_the_hour_that_is_lived_twice_does_not_make_a_file_unsorted(tmp_path: Path) -> None:
    times = ["29 Oct, 01:50", "29 Oct, 02:55", "29 Oct, 02:05", "30 Dec, 10:00", "2 Jan, 10:00"]
    assert [t.year for t in read(times, years=Years(2017)) if t] == [2017, 2017, 2017, 2017, 2018]
