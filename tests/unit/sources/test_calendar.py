from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from headway.domain.errors import InputError, SourceError, UnknownName
from headway.sources.calendar import (
    CALENDAR_OPTIONS,
    course_runs,
    event_staging,
    find_files,
    implied_enrolments,
    make_calendar,
)
from headway.sources.source import Delivery, Request


class Made:
    name = "made"
    summary = "made up"

    @property
    def options(self) -> dict[str, str]:
        return {"run": "the run", **CALENDAR_OPTIONS}

    def read(self, request: Request) -> Iterator[Delivery]:
        raise NotImplementedError


EVENTS = """(SELECT * FROM (VALUES
    ('made/A/1', 'made/x', TIMESTAMPTZ '2026-03-01 23:30:00Z'),
    ('made/A/1', 'made/x', TIMESTAMPTZ '2026-03-09 10:00:00Z'),
    ('made/A/1', 'made/y', TIMESTAMPTZ '2026-03-05 10:00:00Z'),
    ('made/B/1', 'made/y', TIMESTAMPTZ '2026-04-01 10:00:00Z')) AS events(run, learner, "at"))"""


def runs(request: Request, titles: str | None = None) -> list[dict[str, object]]:
    staging = event_staging(Made(), request)
    make_calendar(staging, EVENTS, request, titles=titles)
    found: list[dict[str, object]] = course_runs(staging).records.read_all().to_pylist()
    return found


def test_without_dates_they_are_those_of_the_first_and_last_event_in_the_zone() -> None:
    first, second = runs(Request([], {"zone": "Europe/Berlin"}))
    assert (first["run"], first["course"], first["zone"]) == ("made/A/1", "A", "Europe/Berlin")
    assert (first["starts_on"], first["ends_on"], first["inferred"]) == (date(2026, 3, 2), date(2026, 3, 9), True)
    assert first["recorded_at"] == datetime(2026, 3, 9, 10, tzinfo=UTC)
    assert second["starts_on"] == second["ends_on"] == date(2026, 4, 1)


def test_dates_by_option_and_by_calendar_are_not_inferred(tmp_path: Path) -> None:
    calendar = tmp_path / "calendar.csv"
    calendar.write_text(
        "run,starts_on,ends_on,zone,title\nmade/A/1,2026-02-23,2026-06-30,Asia/Tokyo,Algebra\n", encoding="utf-8"
    )
    options = {"starts": "2026-03-30", "ends": "2026-07-01", "calendar": str(calendar)}
    first, second = runs(Request([], options))
    assert (first["starts_on"], first["zone"], first["title"]) == (date(2026, 2, 23), "Asia/Tokyo", "Algebra")
    assert (second["starts_on"], second["ends_on"], second["zone"]) == (date(2026, 3, 30), date(2026, 7, 1), "UTC")
    assert first["inferred"] is None
    assert second["inferred"] is None


def test_the_same_declared_dates_make_the_same_record_whatever_was_delivered() -> None:
    options = {"starts": "2026-03-30", "ends": "2026-07-01"}
    (_, whole), staging = runs(Request([], options)), event_staging(Made(), Request([], options))
    make_calendar(staging, "(SELECT 'made/B/1' AS run, TIMESTAMPTZ '2026-05-05 00:00:00Z' AS at)", Request([], options))
    assert course_runs(staging).records.read_all().to_pylist() == [whole]


def test_dates_of_the_source_itself_count_where_the_user_says_nothing() -> None:
    titles = (
        "(SELECT 'made/C/1' AS run, 'Chemistry' AS title, DATE '2026-01-01' AS starts_on, "
        "DATE '2026-02-01' AS ends_on, TIMESTAMPTZ '2025-12-01 00:00:00Z' AS known_at)"
    )
    *_, third = runs(Request([]), titles)
    assert (third["run"], third["title"], third["starts_on"]) == ("made/C/1", "Chemistry", date(2026, 1, 1))
    assert third["recorded_at"] == datetime(2025, 12, 1, tzinfo=UTC)


def test_learners_are_enrolled_from_their_first_event_unless_the_source_tells() -> None:
    staging = event_staging(Made(), Request([]))
    make_calendar(staging, EVENTS, Request([]))
    told = "(SELECT 'made/A/1' AS run, 'made/x' AS learner)"
    rows = implied_enrolments(staging, EVENTS, told).records.read_all().to_pylist()
    assert {(row["run"], row["learner"], row["status"], row["valid_from_on"]) for row in rows} == {
        ("made/A/1", "made/y", "enrolled", date(2026, 3, 5)),
        ("made/B/1", "made/y", "enrolled", date(2026, 4, 1)),
    }


WRONG = [
    ({"zone": "Mars/Base"}, "zone"),
    ({"starts": "soon"}, "starts"),
    ({"run": "no run"}, "source/course/run"),
    ({"calendar": "nowhere.csv"}, "calendar"),
]


@pytest.mark.parametrize(("options", "told"), WRONG)
def test_options_that_cannot_be_used_are_refused(options: dict[str, str], told: str) -> None:
    with pytest.raises(InputError, match=told):
        runs(Request([], options))


def test_unknown_options_are_refused() -> None:
    with pytest.raises(UnknownName, match="colour"):
        event_staging(Made(), Request([], {"colour": "red"}))


@pytest.mark.parametrize(
    "text",
    [
        "run,starts_on,ends_on\nmade/A/1,2026-05-01,2026-04-01\n",
        "run,colour\nmade/A/1,red\n",
        "run,starts_on\nnot a run,2026-05-01\n",
        "run,starts_on\nmade/A/1,May\n",
    ],
)
def test_a_calendar_that_contradicts_itself_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "calendar.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError):
        runs(Request([], {"calendar": str(path)}))


def test_files_are_found_by_name_or_in_folders(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("b.log", "deep/a.log", "notes.txt"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    found = find_files(Request([tmp_path, tmp_path / "notes.txt"]), ["*.log"], "made")
    assert [name for _, name in found] == ["b.log", "deep/a.log", "notes.txt"]
    with pytest.raises(SourceError, match="No file for made"):
        find_files(Request([tmp_path]), ["*.json"], "made")
    with pytest.raises(SourceError, match="does not exist"):
        find_files(Request([tmp_path / "gone"]), ["*.log"], "made")
