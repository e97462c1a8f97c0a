"""On the shared extracts of Apereo LAP: every row arrives or is refused with its reason."""

from pathlib import Path

from headway import flow
from headway.flow import open_app

KEPT = {
    "course_runs": 1,
    "activities": 22,
    "enrolments": 29,
    "attributes": 327,
    "statements": 5891,
    "results": 575,
    "outcomes": 29,
}


def test_every_row_is_a_record_or_refused(tmp_path: Path, real_data: Path) -> None:
    with open_app(tmp_path / "home") as app:
        report = flow.ingest(app, "lap", [real_data / "apereo_lap"])
    assert {kind: counts.accepted for kind, counts in report.kinds.items()} == KEPT
    assert dict(report.reasons) == {"not_graded": 27}
    rows = {
        name: len((real_data / "apereo_lap" / f"{name}.csv").read_text().splitlines()) - 1
        for name in ("activity", "grade")
    }
    assert rows == {"activity": KEPT["statements"], "grade": KEPT["results"] + 27}
