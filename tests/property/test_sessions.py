"""Sessions hold every timed statement once, keep to the gap, and do not change with what comes on later days."""

from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.domain.records import KINDS, record_id
from headway.domain.time import midnight, zone_of
from headway.features.cleaning import RULES, Cleaning, cleaned, flagged
from headway.features.sessions import LAST_S, STATED_CAP_S, sessions, time_on_task
from tests.support.memory import Memory

ZONE = "Europe/London"
FIRST = date(2025, 3, 29)  # the clocks go forward on the second day

DURATIONS = st.sampled_from([None, None, None, 0.0, 30.0, 4000.0, 90_000.0, -1.0, float("nan")])


@st.composite
def statements(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Statements of two learners on three days, many of them close together or at the same instant."""
    made: list[dict[str, Any]] = []
    for number in range(draw(st.integers(0, 40))):
        step_s = draw(st.sampled_from([0, 0.4, 1, 60, 1799, 1800, 1801, 7200, 40_000]))
        previous = made[-1]["occurred_at"] if made else midnight(FIRST, ZONE)
        at = min(previous + timedelta(seconds=step_s), midnight(FIRST + timedelta(days=3), ZONE))
        local = at.astimezone(zone_of(ZONE))
        total = draw(st.booleans()) and draw(st.booleans())
        made.append(
            {
                "id": record_id("random", "statements", str(number)),
                "source": "random",
                "run": "random/c/1",
                "occurred_at": at,
                "recorded_at": at,
                "learner": draw(st.sampled_from(["a", "a", "b"])),
                "verb": draw(st.sampled_from(["viewed", "played"])),
                "object": draw(st.sampled_from(["p", "q", None])),
                "role": draw(st.sampled_from([None, None, None, "instructor", "automated"])),
                "occurred_on": local.date(),
                "hour": None if total else local.hour,
                "interactions": 7 if total else 1,
                "duration_s": draw(DURATIONS),
            }
        )
    return made


def table(rows: list[dict[str, Any]]) -> dict[str, pa.Table]:
    return {"statements": pa.Table.from_pylist(rows, schema=KINDS["statements"].schema)}


def timed(rows: list[dict[str, Any]], gap: int, cap: int) -> dict[bytes, tuple[int | None, float | None]]:
    with Memory(table(rows)) as records:
        found = records.collect(time_on_task(records.table("statements"), gap, cap)).to_pylist()
    assert len(found) == len(rows)
    return {row["id"]: (row["session"], row["seconds"]) for row in found}


def oracle(rows: list[dict[str, Any]], gap: int, cap: int) -> dict[bytes, tuple[int | None, float | None]]:
    """The same rules in plain Python, statement by statement."""
    told: dict[bytes, tuple[int | None, float | None]] = {row["id"]: (None, None) for row in rows}
    acts = sorted((row for row in rows if row["hour"] is not None), key=lambda row: row["learner"])
    for _, of_learner in groupby(acts, key=lambda row: row["learner"]):
        ordered = sorted(of_learner, key=lambda row: (row["occurred_at"], row["id"]))
        session = 0
        for place, row in enumerate(ordered):
            before = ordered[place - 1] if place else None
            after = ordered[place + 1] if place + 1 < len(ordered) else None
            session += before is None or not together(before, row, gap)
            stated = row["duration_s"]
            if stated is not None and stated >= 0:
                seconds = min(stated, STATED_CAP_S)
            elif after is None or not together(row, after, gap):
                seconds = min(LAST_S, cap * 60.0)
            else:
                seconds = min((after["occurred_at"] - row["occurred_at"]).total_seconds(), cap * 60.0)
            told[row["id"]] = (session, seconds)
    return told


def together(before: dict[str, Any], after: dict[str, Any], gap: int) -> bool:
    near: datetime = after["occurred_at"] - timedelta(minutes=gap)
    return bool(near <= before["occurred_at"] and before["occurred_on"] == after["occurred_on"])


@given(statements(), st.sampled_from([1, 30]), st.sampled_from([10, 30]))
@settings(max_examples=25, deadline=None)
def test_the_engine_agrees_with_plain_python(rows: list[dict[str, Any]], gap: int, cap: int) -> None:
    assert timed(rows, gap, cap) == oracle(rows, gap, cap)


@given(statements())
@settings(max_examples=15, deadline=None)
def test_every_timed_statement_is_in_one_session_and_time_is_not_made_up(rows: list[dict[str, Any]]) -> None:
    with Memory(table(rows)) as records:
        found = records.collect(sessions(records.table("statements"))).to_pylist()
    assert sum(each["statements"] for each in found) == sum(row["hour"] is not None for row in rows)
    longest = max(
        (min(row["duration_s"] or 0, STATED_CAP_S) for row in rows if (row["duration_s"] or 0) > 0), default=0
    )
    for each in found:
        passed = (each["ends_at"] - each["begins_at"]).total_seconds()
        assert 0 <= each["seconds"] <= passed + max(longest, LAST_S) + 1e-6


@given(statements(), st.integers(0, 2))
@settings(max_examples=15, deadline=None)
def test_later_days_and_the_order_of_rows_change_nothing(rows: list[dict[str, Any]], days: int) -> None:
    until = [row for row in rows if row["occurred_on"] <= FIRST + timedelta(days=days)]
    whole = timed(rows, 30, 30)
    assert timed(until[::-1], 30, 30) == {row["id"]: whole[row["id"]] for row in until}


TIGHT = Cleaning(minute_statements=3, hot_minutes=1, hour_statements=9, regular_statements=4, waking_hours=3)


@given(statements())
@settings(max_examples=15, deadline=None)
def test_cleaned_is_what_no_safe_rule_flags(rows: list[dict[str, Any]]) -> None:
    safe = [rule.code for rule in RULES if rule.as_of_safe]
    with Memory(table(rows)) as records:
        flags = records.collect(flagged(records, TIGHT)).to_pylist()
        left = records.collect(cleaned(records.table("statements"), TIGHT))["id"].to_pylist()
    out = {flag["id"] for flag in flags if flag["reason"] in safe}
    assert sorted(left) == sorted(row["id"] for row in rows if row["id"] not in out)
    assert len({(flag["id"], flag["reason"]) for flag in flags}) == len(flags)


@given(statements(), st.integers(0, 2), st.sampled_from(["a", "b"]))
@settings(max_examples=15, deadline=None)
def test_a_day_of_a_learner_is_cleaned_by_itself(rows: list[dict[str, Any]], days: int, learner: str) -> None:
    alone = [row for row in rows if row["learner"] == learner and row["occurred_on"] == FIRST + timedelta(days=days)]
    ids = {row["id"] for row in alone}
    found = []
    for some in (rows, alone):
        with Memory(table(some)) as records:
            kept = records.collect(cleaned(records.table("statements"), TIGHT))["id"].to_pylist()
        found.append(ids & set(kept))
    assert found[0] == found[1]
