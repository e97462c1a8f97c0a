"""The clock times of Moodle's log report: read in the format that the whole column shows, never in a guessed one.

Promises that a column whose format cannot be told, because day and month may be swapped or the year is not there, stops
the reading with the option that settles it. The zone is the caller's. A single text that does not fit is left null.
"""

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa

from headway.domain.errors import InputError, SourceError
from headway.sources.moodle_words import (
    AFTER_NOON,
    BEFORE_NOON,
    FILLERS,
    MONTH_FIRST,
    MONTHS,
    WEEKDAYS,
    YEAR_FIRST,
    plain,
)
from headway.sources.staging import Staging

DAY_FIRST: Final = "day first"
_MONTH_FIRST: Final = "month first"
_YEAR_FIRST: Final = "year first"
_BACK: Final = 2 * 3600  # an hour is lived twice when the clocks go back
_HALF_YEAR: Final = 183 * 86_400
_LEAP_DAY: Final = (date(2000, 2, 29) - date(1970, 1, 1)).days
_LEAP: Final = 2000  # stands for a year not yet known, so that 29 February has a place

_SHAPE: Final = "replace(replace(translate(said, '0123456789', '9999999999'), '9999', 'Y'), '99', '9')"
_CLOCK: Final = re.compile(r"9\s*[:h]\s*9(?:\s*[:m]\s*9)?")
_DOTTED_CLOCK: Final = re.compile(r"(?<=[ ,])9\.9(?:\.9)?(?=\D*$)")


@dataclass(frozen=True, slots=True)
class Years:
    """What is known about the years of a column that does not show them.

    Attributes:
        first: the year of the earliest event.
        starts: the first day of the run.
        from_name: whether `first` is only the year in the run's name.
    """

    first: int | None = None
    starts: date | None = None
    from_name: bool = False


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which number of a text is what, by place from 1; `month` is given where a word names it."""

    date: tuple[int, ...]
    order: str | None  # of the numbers in `date`: d, m and y; None where it may be day or month first
    clock: tuple[int, ...]
    month: int | None
    half: str | None

    def place(self, letter: str) -> int | None:
        order = self.order or ""
        return self.date[order.index(letter)] if letter in order else None


def read_clock(staging: Staging, table: str, locale: str | None, years: Years, *, foreign: bool = False) -> None:
    """Make the table `clock(file_no, line, local)`: the local time of each row's text `said`, null where it has none.

    Args:
        staging: where `table` is.
        table: has `file_no`, `line` and `time`.
        locale: such as en_GB, where the user named it.
        years: what is known about years that are not shown.
        foreign: whether the column names are of a language we do not know.

    Raises:
        SourceError: the format or the year cannot be told; the message names the option.
    """
    staging.run(
        f"CREATE TABLE said AS SELECT *, {_SHAPE} AS shape FROM (SELECT file_no, line, "
        f"lower(trim(single_spaced(time))) AS said FROM {table} WHERE time IS NOT NULL)"
    )
    files = staging.run("SELECT DISTINCT file_no, shape FROM said ORDER BY ALL")
    if not files:
        staging.run("CREATE TABLE clock (file_no INTEGER, line BIGINT, local TIMESTAMP)")
        return
    wanted = _order_of(locale)
    plans: list[tuple[int, str, _Plan]] = []
    for number in dict.fromkeys(file for file, _ in files):
        own = {shape: plan for file, shape in files if file == number and (plan := _plan(shape)) is not None}
        if not own:
            example = staging.run("SELECT said FROM said WHERE file_no = $n LIMIT 1", n=number)[0][0]
            raise SourceError(
                f"No time in the log report can be read; one is {example[:40]!r}. Download the report in English, "
                "German, French, Spanish, Portuguese, Italian or Dutch."
            )
        if any(plan.order is None for plan in own.values()):
            order = wanted or _told_order(staging, number, own, foreign=foreign)
            own = {shape: _ordered(plan, order) for shape, plan in own.items()}
        plans += [(number, shape, plan) for shape, plan in own.items()]
    _compute(staging, plans)
    _add_years(staging, years)
    staging.run("DROP TABLE said")


def _order_of(locale: str | None) -> str | None:
    if locale is None:
        return None
    match = re.fullmatch(r"([a-z]{2,3})(?:[_-]([A-Za-z]{2}))?(?:\.[\w-]+)?", locale)
    if match is None or (match[1] == "en" and match[2] is None):
        raise InputError(
            f"{locale!r} does not say how dates are written. Write a locale such as en_GB, en_US or de_DE."
        )
    if match[1] in YEAR_FIRST:
        return _YEAR_FIRST
    return _MONTH_FIRST if f"{match[1]}_{(match[2] or '').upper()}" in MONTH_FIRST else DAY_FIRST


def _plan(shape: str) -> _Plan | None:
    """How to read texts of this shape, in which 9 is a short number and Y one of four digits."""
    clock = list(_CLOCK.finditer(shape)) or list(_DOTTED_CLOCK.finditer(shape))
    if len(clock) != 1 or re.search("[9Y][9Y]", shape):  # the latter: a number of three or of five and more digits
        return None
    begin, end = clock[0].span()
    numbers = [(found.start(), found[0]) for found in re.finditer(r"[9Y]", shape)]
    places = {start: number for number, (start, _) in enumerate(numbers, start=1)}
    in_clock = tuple(places[start] for start, _ in numbers if begin <= start < end)
    in_date = [(start, kind) for start, kind in numbers if not begin <= start < end]
    words = [plain(word) for word in re.findall(r"[^\W\d_]+", shape[:begin] + " " + shape[end:]) if word != "Y"]
    half = "pm" if "pm" in "".join(words[-2:]) and _half(words) else "am" if _half(words) else None
    month, known = _month(words)
    order = _order("".join(kind for _, kind in in_date), shape[:begin] + shape[end:], month is not None)
    if not known or order == "":
        return None
    return _Plan(tuple(places[start] for start, _ in in_date), order, in_clock, month, half)


def _half(words: list[str]) -> bool:
    return "".join(words[-2:]).endswith(("am", "pm")) and words[-1] in (*BEFORE_NOON, *AFTER_NOON, "m")


def _month(words: list[str]) -> tuple[int | None, bool]:
    """The month among the words, and whether every word is one that may stand there."""
    months = [word for word in words if word in MONTHS]
    if len(months) > 1:  # "mar. 12 juin": a weekday that is also a month
        months = [word for word in months if word not in WEEKDAYS] or months[-1:]
    others = [word for word in words if word not in months]
    fitting = WEEKDAYS | FILLERS | BEFORE_NOON | AFTER_NOON
    return (MONTHS[months[0]] if len(months) == 1 else None), len(months) <= 1 and all(w in fitting for w in others)


def _order(kinds: str, text: str, named: bool) -> str | None:
    """The order of the date's numbers; empty where they are no date, None where day and month may be swapped."""
    if named:
        return {"9": "d", "99": "dy", "9Y": "dy", "Y9": "yd"}.get(kinds, "")
    if kinds == "Y99":
        return "ymd"
    if kinds not in ("999", "99Y", "99"):
        return ""
    # Dots between the numbers are written in countries that put the day first.
    return "dmy"[: len(kinds)] if re.search(r"9\.\s*9", text) else None


def _ordered(plan: _Plan, order: str) -> _Plan:
    if plan.order is not None:
        return plan
    letters = {DAY_FIRST: "dmy", _MONTH_FIRST: "mdy", _YEAR_FIRST: "ymd"}[order]
    if len(plan.date) == 2:
        letters = letters.replace("y", "")
    return replace(plan, order=letters)


def _told_order(staging: Staging, file_no: int, plans: dict[str, _Plan], *, foreign: bool) -> str:
    """Whether day or month comes first, if the values or their order in the file say so beyond doubt."""
    shapes = [shape for shape, plan in plans.items() if plan.order is None]
    numbers = "TRY_CAST(regexp_extract_all(said, '[0-9]+') AS INTEGER[])"
    first, second = (plans[shapes[0]].date[place] for place in (0, 1))
    day, month, same = staging.run(
        f"SELECT count(*) FILTER (n[{first}] > 12 AND n[{second}] <= 12), "
        f"count(*) FILTER (n[{second}] > 12 AND n[{first}] <= 12), bool_and(n[{first}] = n[{second}]) FROM "
        f"(SELECT {numbers} AS n FROM said WHERE file_no = $f AND list_contains($shapes, shape))",
        f=file_no,
        shapes=shapes,
    )[0]
    short = foreign and any("Y" not in shape and len(plans[shape].date) == 3 for shape in shapes)
    if not short:  # three short numbers under names of an unknown language may even have the year first
        if day and not month:
            return DAY_FIRST
        if month and not day:
            return _MONTH_FIRST
        if same:
            return DAY_FIRST
        if not day and not month and (sorted_as := _sorted_order(staging, file_no, plans)):
            return sorted_as
    (example,) = staging.run(
        "SELECT said FROM said WHERE file_no = $f AND list_contains($s, shape) LIMIT 1", f=file_no, s=shapes
    )[0]
    raise SourceError(
        f"The times of the log report, such as {example!r}, may have the day or the month first, and nothing in "
        "the file tells which. Name the locale of the download: locale=en_GB (18/09) or locale=en_US (9/18)."
    )


def _sorted_order(staging: Staging, file_no: int, plans: dict[str, _Plan]) -> str | None:
    """The one reading under which the file is sorted by time, as Moodle writes it."""
    sorted_in: list[str] = []
    for order in (DAY_FIRST, _MONTH_FIRST):
        own = [(file_no, shape, _ordered(plan, order)) for shape, plan in plans.items()]
        _compute(staging, own)
        seconds = _seconds(staging, file_no, "local IS NOT NULL")["second"].to_numpy()
        staging.run("DROP TABLE clock")
        if len(np.unique(seconds // 86_400)) >= 3 and any(
            _steps_back(way).sum() == 0 for way in (seconds, seconds[::-1])
        ):
            sorted_in.append(order)
    return sorted_in[0] if len(sorted_in) == 1 else None


def _steps_back(seconds: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    return np.diff(seconds) < -_BACK


def _compute(staging: Staging, plans: list[tuple[int, str, _Plan]]) -> None:
    """Make `clock` with local times; those without a year stand in the year _LEAP, and `yearless` says so."""
    columns: dict[str, list[Any]] = {
        name: [] for name in ("file_no", "shape", "d", "m", "y", "h", "i", "s", "month", "half")
    }
    for file_no, shape, plan in plans:
        clock = (*plan.clock, None)[:3]
        values = (file_no, shape, plan.place("d"), plan.place("m"), plan.place("y"), *clock, plan.month, plan.half)
        for name, value in zip(columns, values, strict=True):
            columns[name].append(value)
    types = {name: pa.string() if name in ("shape", "half") else pa.int32() for name in columns}
    made = pa.table({name: pa.array(values, types[name]) for name, values in columns.items()})
    staging.connection.register("plans", made)
    hour = "CASE half WHEN 'pm' THEN n[h] % 12 + 12 WHEN 'am' THEN n[h] % 12 ELSE n[h] END"
    short = "WHEN n[y] < 70 THEN n[y] + 2000 WHEN n[y] < 100 THEN n[y] + 1900"
    year = f"CASE WHEN y IS NULL THEN {_LEAP} {short} ELSE n[y] END"
    staging.run(
        f"CREATE TABLE clock AS SELECT file_no, line, y IS NULL AS yearless, TRY(make_timestamp({year}, "
        f"coalesce(month, n[m]), n[d], {hour}, n[i], coalesce(n[s], 0))) AS local FROM (SELECT t.file_no, t.line, p.* "
        "EXCLUDE (file_no, shape), TRY_CAST(regexp_extract_all(t.said, '[0-9]+') AS INTEGER[]) AS n FROM said t "
        "JOIN plans p ON p.file_no = t.file_no AND p.shape = t.shape)"
    )
    staging.connection.unregister("plans")


def _seconds(staging: Staging, file_no: int, where: str) -> pa.Table:
    """Line and local second of the file's times that meet the condition, in the file's order."""
    sql = f"SELECT line, epoch(local)::BIGINT AS second FROM clock WHERE file_no = {file_no} AND {where} ORDER BY line"
    found: pa.Table = staging.connection.sql(sql).to_arrow_table()
    return found


def _add_years(staging: Staging, years: Years) -> None:
    for (file_no,) in staging.run("SELECT DISTINCT file_no FROM clock WHERE yearless AND local IS NOT NULL ORDER BY 1"):
        found = _seconds(staging, file_no, "yearless AND local IS NOT NULL")
        seconds = found["second"].to_numpy()
        told = _years(seconds, years)
        if ((seconds // 86_400 == _LEAP_DAY) & (told % 4 != 0)).any():
            raise SourceError(
                "The log report has a 29 February in a year without one. Correct the option year or starts."
            )
        made = pa.table({"line": found["line"], "year": pa.array(told, pa.int32())})
        staging.connection.register("made_years", made)
        staging.run(
            "UPDATE clock SET local = TRY(make_timestamp(made_years.year, month(local), day(local), hour(local), "
            "minute(local), second(local))) FROM made_years WHERE clock.line = made_years.line AND clock.file_no = $f "
            "AND yearless",
            f=file_no,
        )
        staging.connection.unregister("made_years")


def _years(seconds: "np.ndarray[Any, Any]", years: Years) -> "np.ndarray[Any, Any]":
    """The year of each time, in the file's order, from times that all stand in the year _LEAP.

    A file sorted by time, either way, goes over into the next year where it jumps back by more than half a year.
    """
    if years.first is None and years.starts is None:
        raise SourceError(
            "The times of the log report have no year. Give the year of the first event, such as year=2018, or the "
            "first day of the run, such as starts=2018-01-22."
        )
    turns = _sorted_turns(seconds)
    if turns is not None and years.starts is not None:
        earliest = int(seconds[int(np.argmin(turns * 10**9 + seconds))])
        return turns + _nearest(earliest, years.starts)
    if turns is not None and years.first is not None:
        if years.from_name and turns.max() > 0:
            raise SourceError(
                "The log report has no years and goes over a new year, so the year in the run's name may be that of "
                "its start or of its end. Give the year of the first event, such as year=2018."
            )
        return turns + years.first
    if years.starts is not None:
        start = _as_leap(years.starts - timedelta(days=92))
        return np.where(seconds < start, 1, 0) + (years.starts - timedelta(days=92)).year
    if _gap_within_the_year(seconds):
        raise SourceError(
            "The log report has no years, is not sorted by time, and may go over a new year. Give the first day of the "
            "run, such as starts=2018-01-22."
        )
    return np.full(len(seconds), years.first)


def _sorted_turns(seconds: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any] | None":
    """The turns of a file that is sorted one way or the other; None where it is neither, or both tell differently."""
    forward, backward = _turns(seconds), _turns(seconds[::-1])
    if forward is None or backward is None:
        return forward if backward is None else backward[::-1]
    return forward if (forward == backward[::-1]).all() else None


def _turns(seconds: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any] | None":
    """How many new years lie before each time, none or one, or None where the times do not go forward.

    Files that are sorted by person jump back as well, so a new year is believed only if no season comes twice.
    """
    steps = np.diff(seconds)
    over = steps < -_HALF_YEAR
    if ((steps < -_BACK) & ~over).any() or over.sum() > 1:
        return None
    turns = np.concatenate([[0], np.cumsum(over)])
    if over.any() and seconds[turns == 1].max() >= seconds[turns == 0].min():
        return None
    return turns


def _as_leap(day: date) -> int:
    return (
        int((day.replace(year=_LEAP) - date(1970, 1, 1)).total_seconds())
        if (day.month, day.day) != (2, 29)
        else _as_leap(day + timedelta(days=1))
    )


def _nearest(second: int, starts: date) -> int:
    """The year that puts a time standing in _LEAP nearest to the start of the run."""
    offset = second - _as_leap(starts)
    return starts.year + (1 if offset < -_HALF_YEAR else -1 if offset > _HALF_YEAR else 0)


def _gap_within_the_year(seconds: "np.ndarray[Any, Any]") -> bool:
    """Whether the longest time without events lies inside the year, so that the course seems to go over a new year."""
    days = np.unique(seconds // 86_400)
    inside = np.diff(days).max(initial=0)
    around = days[0] + 366 - days[-1]
    return bool(inside > around)
