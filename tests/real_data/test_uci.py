"""On the shared UCI data sets: every row and figure arrives."""

from collections import Counter
from pathlib import Path

import pytest

from headway import flow
from headway.domain.time import AsOf
from headway.flow import open_app

SETS = {
    "uci697": (
        {
            "course_runs": 1,
            "activities": 2,
            "enrolments": 4424,
            "results": 8848,
            "outcomes": 3630,
            "attributes": 150416,
        },
        {"pass": 2209, "withdrawn": 1421},
    ),
    "uci320": (
        {"course_runs": 2, "activities": 6, "enrolments": 1044, "results": 3132, "outcomes": 1044, "attributes": 31320},
        {"pass": 814, "fail": 230},
    ),
}


@pytest.mark.parametrize("name", SETS)
def test_every_row_of_the_data_set_is_kept(name: str, tmp_path: Path, real_data: Path) -> None:
    kept, labels = SETS[name]
    with open_app(tmp_path / "home") as app:
        report = flow.ingest(app, name, [real_data / name])
        again = flow.ingest(app, name, [real_data / name])
        with app.lake.open(AsOf.at("2030-01-01"), None) as records:
            outcomes = records.collect(records.table("outcomes"))["label"].to_pylist()
    assert {kind: counts.accepted for kind, counts in report.kinds.items()} == kept
    assert report.total.quarantined == 0
    assert again.total.accepted == 0
    assert Counter(outcomes) == labels
