"""Whatever the knobs, the simulated records are whole, in time, and the same each time."""

from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headway.domain.records import KINDS, kind_of, record_id
from headway.sources.simulated import Simulated, planted_truth
from headway.sources.source import Request

KNOBS = st.fixed_dictionaries(
    {
        "learners": st.integers(1, 60).map(str),
        "courses": st.integers(1, 2).map(str),
        "runs": st.integers(1, 3).map(str),
        "weeks": st.integers(2, 14).map(str),
        "base_rate": st.sampled_from(["0.02", "0.35", "0.95"]),
        "signal": st.sampled_from(["0", "0.5", "1", "4"]),
        "late_share": st.sampled_from(["0", "0.3", "1"]),
        "bias": st.sampled_from(["-4", "0", "2"]),
        "seed": st.integers(0, 2**40).map(str),
        "start": st.dates(min_value=date(1980, 1, 1), max_value=date(2079, 1, 1)).map(str),
        "zone": st.sampled_from(["Europe/London", "UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    }
)


def read(options: dict[str, str]) -> dict[str, pa.Table]:
    found: dict[str, list[pa.Table]] = {}
    for delivery in Simulated().read(Request([], options)):
        found.setdefault(delivery.kind, []).append(delivery.records.read_all())
    return {kind: pa.concat_tables(tables) for kind, tables in found.items()}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(KNOBS)
def test_records_are_whole_and_in_time(options: dict[str, str]) -> None:
    records = read(options)
    zone = ZoneInfo(options["zone"])
    for kind, table in records.items():
        assert table.schema == kind_of(kind).schema
        assert all(table[column].null_count == 0 for column in KINDS[kind].required)
        assert pc.count_distinct(table["id"]).as_py() == table.num_rows
        if table.num_rows:
            assert pc.all(pc.greater_equal(table["recorded_at"], table["occurred_at"])).as_py()
    enrolments = int(options["learners"]) * int(options["courses"]) * int(options["runs"])
    assert records["outcomes"].num_rows == enrolments
    statements = records["statements"]
    for row in statements.slice(0, 50).to_pylist():
        local = row["occurred_at"].astimezone(zone)
        assert (local.date(), local.hour) == (row["occurred_on"], row["hour"])
    in_enrolment(records)


def in_enrolment(records: dict[str, pa.Table]) -> None:
    """Statements lie between enrolment and withdrawal, and within the days of their run."""
    keys = ["run", "learner"]
    changes = records["enrolments"]
    joined = records["statements"].select([*keys, "occurred_at", "occurred_on"])
    enrolled = changes.filter(pc.equal(changes["status"], "enrolled")).select([*keys, "valid_from"])
    withdrawn = changes.filter(pc.equal(changes["status"], "withdrawn")).select([*keys, "valid_from"])
    joined = joined.join(enrolled.rename_columns([*keys, "from"]), keys).join(
        withdrawn.rename_columns([*keys, "until"]), keys
    )
    joined = joined.join(records["course_runs"].select(["run", "ends_on"]), ["run"])
    if joined.num_rows:
        assert pc.all(pc.greater(joined["occurred_at"], joined["from"])).as_py()
        assert pc.all(pc.less_equal(joined["occurred_on"], joined["ends_on"])).as_py()
        before_leaving = pc.fill_null(pc.less(joined["occurred_at"], joined["until"]), fill_value=True)
        assert pc.all(before_leaving).as_py()


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(KNOBS)
def test_the_same_knobs_give_the_same_records_with_the_domains_ids(options: dict[str, str]) -> None:
    once = read(options)
    assert read(options) == once
    for row in once["results"].slice(0, 5).to_pylist():
        native = f"{row['run']}/{row['learner']}/{row['activity']}/{row['attempt']}"
        assert row["id"] == record_id("simulated", "results", native)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(KNOBS)
def test_planted_chances_are_chances_and_key_the_outcomes(options: dict[str, str]) -> None:
    truth, outcomes = planted_truth(options), read(options)["outcomes"]
    chance = np.array(truth["finish_probability"].to_pylist())
    assert ((chance >= 0) & (chance <= 1)).all()
    assert (
        truth.select(["run", "learner", "label"]).to_pylist()
        == outcomes.select(["run", "learner", "label"]).to_pylist()
    )
    assert all(len(hazard) == int(options["weeks"]) for hazard in truth["hazard"].to_pylist())
