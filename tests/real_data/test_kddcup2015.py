"""On the shared KDD Cup data: every row is accounted for, and both forms agree."""

import csv
import gzip
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pytest

from headway import flow
from headway.flow import open_app
from headway.lake.landing import IngestReport

ACCEPTED = {"course_runs": 21, "activities": 14059, "enrolments": 28553, "statements": 281786, "attributes": 28360}
REFUSED = {"unknown_run": 13190, "also_daily": 11230, "unknown_enrolment": 22}
EVENTS = ("access", "discussion", "navigate", "page_close", "problem", "video", "wiki")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new home for the data set."""
    return tmp_path_factory.mktemp("kdd") / "home"


@pytest.fixture(scope="module")
def report(home: Path, real_data: Path) -> IngestReport:
    """The import of the whole folder."""
    with open_app(home) as app:
        return flow.ingest(app, "kddcup2015", [real_data / "kddcup2015"])


def opened(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def daily(real_data: Path) -> pa.Table:
    """All rows of the daily totals, each cell as it is written."""
    names = ["enrollment_id", "time", *(f"event_{event}" for event in EVENTS)]
    as_written = pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), include_columns=names)
    files = sorted((real_data / "kddcup2015" / "daily").iterdir())
    return pa.concat_tables([pacsv.read_csv(file, convert_options=as_written) for file in files])


def test_every_row_is_a_record_or_refused_with_its_reason(
    report: IngestReport, daily: pa.Table, real_data: Path
) -> None:
    accepted = {kind: counts.accepted for kind, counts in report.kinds.items() if counts.accepted}
    repeated = 499  # rows of object.csv that say what another row has said
    assert accepted["activities"] + report.total.unchanged + REFUSED["unknown_run"] == 27_249
    assert report.total.unchanged <= repeated
    assert accepted | {"activities": ACCEPTED["activities"]} == ACCEPTED
    assert dict(report.reasons) == REFUSED
    cells = sum(pc.sum(pc.not_equal(daily[f"event_{event}"], "0")).as_py() for event in EVENTS)
    lines = len(opened(real_data / "kddcup2015" / "log_native_sample.csv.gz"))
    assert (len(daily), cells) == (850_800, 243_040)
    assert accepted["statements"] == cells + lines - REFUSED["also_daily"] - REFUSED["unknown_enrolment"]


def test_the_log_counts_what_the_daily_totals_count(daily: pa.Table, real_data: Path) -> None:
    folder = real_data / "kddcup2015"
    counted = Counter(
        (row["enrollment_id"], row["time"][:10], row["event"].replace("nagivate", "navigate"))
        for row in opened(folder / "log_native_sample.csv.gz")
    )
    learners = {enrolment for enrolment, *_ in counted} - {max((e for e, *_ in counted), key=int)}  # the cut-off one
    compared = 0
    known = pc.is_in(daily["enrollment_id"], pa.array(sorted(learners)))
    for row in daily.filter(known).to_pylist():
        for event in EVENTS:
            compared += 1
            assert counted[row["enrollment_id"], row["time"], event] == int(row[f"event_{event}"])
    assert compared > 3000
