"""On the shared KDD Cup data: every row is accounted for, and both forms agree."""

import csv
import gzip
from collections import Counter
from pathlib import Path

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


def test_every_row_is_a_record_or_refused_with_its_reason(report: IngestReport, real_data: Path) -> None:
    accepted = {kind: counts.accepted for kind, counts in report.kinds.items() if counts.accepted}
    repeated = 499  # rows of object.csv that say what another row has said
    assert accepted["activities"] + report.total.unchanged + REFUSED["unknown_run"] == 27_249
    assert report.total.unchanged <= repeated
    assert accepted | {"activities": ACCEPTED["activities"]} == ACCEPTED
    assert dict(report.reasons) == REFUSED
    cells = Counter[str]()
    for file in sorted((real_data / "kddcup2015" / "daily").iterdir()):
        for row in opened(file):
            cells["rows"] += 1
            cells["above 0"] += sum(row[f"event_{event}"] != "0" for event in EVENTS)
    lines = len(opened(real_data / "kddcup2015" / "log_native_sample.csv.gz"))
    assert cells == {"rows": 850_800, "above 0": 243_040}
    assert accepted["statements"] == cells["above 0"] + lines - REFUSED["also_daily"] - REFUSED["unknown_enrolment"]


def test_the_log_counts_what_the_daily_totals_count(real_data: Path) -> None:
    folder = real_data / "kddcup2015"
    counted = Counter(
        (row["enrollment_id"], row["time"][:10], row["event"].replace("nagivate", "navigate"))
        for row in opened(folder / "log_native_sample.csv.gz")
    )
    learners = {enrolment for enrolment, *_ in counted} - {max((e for e, *_ in counted), key=int)}  # the cut-off one
    compared = 0
    for file in sorted((folder / "daily").iterdir()):
        for row in opened(file):
            if row["enrollment_id"] in learners:
                for event in EVENTS:
                    compared += 1
                    assert counted[row["enrollment_id"], row["time"], event] == int(row[f"event_{event}"])
    assert compared > 3000
