"""The OneRoster source: bundles and deltas, what each row becomes, and when it was known."""

import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.domain.errors import InputError, SourceError
from headway.governance.pseudonyms import pseudonym
from headway.sources.oneroster import OneRoster
from headway.sources.source import Request
from tests.contract.source_cases import Read, drain
from tests.contract.tabular_cases import KEY, ONEROSTER
from tests.support.rows import any_row, csv_text, put, refused

RUN = "oneroster/C-BIO/K1"
ADA, BEN = (f"oneroster/{pseudonym(user, KEY)}" for user in ("U-ada", "U-ben"))
ENROLLMENTS = ONEROSTER["enrollments.csv"].splitlines()[0]
RESULTS = ONEROSTER["results.csv"].splitlines()[0]
NAMES = ("Ada", "Lovelace", "Smith", "Ben", "U-ada", "U-ben", "U-cy", "ada77", "example.org", "Well done")


def bundle(folder: Path, **files: str | None) -> Path:
    tables = {**ONEROSTER, **{f"{name}.csv": text for name, text in files.items()}}
    return put(folder, {name: text for name, text in tables.items() if text is not None})


def read(*paths: Path, **options: str) -> Read:
    return drain(OneRoster(), Request(paths, options, KEY))


def delta(folder: Path, table: str, text: str) -> Path:
    manifest = f"propertyName,value\nmanifest.version,1.0\noneroster.version,1.2\nfile.{table},delta\n"
    return put(folder, {"manifest.csv": manifest, f"{table}.csv": text})


def test_a_class_is_a_run_over_all_its_terms(tmp_path: Path) -> None:
    (run,) = read(bundle(tmp_path / "b"), zone="America/New_York").rows("course_runs")
    assert (run["run"], run["course"], run["title"], run["zone"]) == (RUN, "C-BIO", "Biology", "America/New_York")
    assert (run["starts_on"], run["ends_on"]) == (date(2024, 9, 2), date(2025, 4, 4)), "the end of a term is exclusive"
    assert run["recorded_at"] == datetime(2024, 9, 2, 4, tzinfo=UTC)


def test_the_school_is_the_institution(tmp_path: Path) -> None:
    orgs = "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\nS1,,,High School,school,,\n"
    manifest = ONEROSTER["manifest.csv"].replace("file.orgs,absent", "file.orgs,bulk")
    (run,) = read(bundle(tmp_path / "b", orgs=orgs, manifest=manifest)).rows("course_runs")
    assert run["institution"] == "High School"


def test_only_learners_are_enrolled_from_the_first_day_they_are_known(tmp_path: Path) -> None:
    rows = read(bundle(tmp_path / "b")).rows("enrolments")
    assert [(r["learner"], r["status"], r["valid_from_on"], r["recorded_at"]) for r in rows] == [
        (ADA, "enrolled", date(2024, 9, 2), datetime(2024, 9, 2, tzinfo=UTC)),
        (BEN, "enrolled", date(2024, 9, 9), datetime(2024, 9, 20, 10, tzinfo=UTC)),
        (BEN, "withdrawn", date(2024, 11, 1), datetime(2024, 11, 1, tzinfo=UTC)),
    ]


def test_rows_that_point_nowhere_or_to_no_learner_are_refused(tmp_path: Path) -> None:
    found = read(bundle(tmp_path / "b"))
    assert found.reasons() == [
        ("classes.csv", 3, "unknown_course"),
        ("enrollments.csv", 4, "not_a_learner"),
        ("enrollments.csv", 5, "unknown_user"),
        ("enrollments.csv", 6, "unknown_class"),
        ("results.csv", 3, "not_submitted"),
        ("results.csv", 5, "unknown_line_item"),
    ]


def test_nobody_is_named_anywhere(tmp_path: Path) -> None:
    spoilt = {name: text + "x,y\n" for name, text in ONEROSTER.items() if name in ("users.csv", "results.csv")}
    users = spoilt["users.csv"] + "U-ada,active,yesterday,true,S1,student,ada77,,Ada,Lovelace" + "," * 8 + "\n"
    found = read(bundle(tmp_path / "b", users=users, results=spoilt["results.csv"]))
    everything = str([table.to_pylist() for table in found.records.values()]) + str(found.rejects.to_pylist())
    assert found.rejects.num_rows == 9
    assert not [name for name in NAMES if name in everything]


def test_line_items_are_assessments_and_scores_are_shares_of_their_scale(tmp_path: Path) -> None:
    found = read(bundle(tmp_path / "b"))
    items = {row["activity"]: row for row in found.rows("activities")}
    assert {name: (row["type"], row["due_on"], row["opens_on"]) for name, row in items.items()} == {
        "L1": ("assignment", date(2024, 9, 30), date(2024, 9, 10)),
        "L2": ("exam", date(2025, 4, 1), None),
    }
    assert items["L1"]["due_at"] == datetime(2024, 10, 1, tzinfo=UTC)
    marks = {row["activity"]: row for row in found.rows("results")}
    assert {name: row["score"] for name, row in marks.items()} == {"L1": 0.75, "L2": 1.0}
    assert marks["L1"]["released_at"] == datetime(2024, 10, 8, tzinfo=UTC)
    assert marks["L2"]["released_at"] == datetime(2025, 4, 4, tzinfo=UTC), "no sooner than it was scored"


def test_a_category_says_what_a_line_item_is(tmp_path: Path) -> None:
    categories = "sourcedId,status,dateLastModified,title\nQ,,,Quizzes\n"
    manifest = ONEROSTER["manifest.csv"].replace("file.categories,absent", "file.categories,bulk")
    items = ONEROSTER["lineItems.csv"].replace("K1,,T1", "K1,Q,T1")
    found = read(bundle(tmp_path / "b", categories=categories, manifest=manifest, lineItems=items))
    assert {row["activity"]: row["type"] for row in found.rows("activities")} == {"L1": "test", "L2": "exam"}


def test_a_delta_beside_the_last_bundle_adds_and_ends_enrolments(tmp_path: Path) -> None:
    rows = (
        f"{ENROLLMENTS}\nE-ada-K1,tobedeleted,2024-12-01T09:30:00Z,K1,S1,U-ada,student,,,\n"
        "E-tea2,active,2024-12-01T09:30:00Z,K1,S1,U-tea,student,,2024-12-02,\n"
        "E-odd,,,K1,S1,U-ben,student,,,\n"
    )
    whole, later = bundle(tmp_path / "b"), delta(tmp_path / "d", "enrollments", rows)
    found = read(whole, later)
    told = {(row["learner"], row["status"]): row["recorded_at"] for row in found.rows("enrolments")}
    assert told[ADA, "withdrawn"] == datetime(2024, 12, 1, 9, 30, tzinfo=UTC)
    assert len(told) == 5
    assert [reason for reason in found.reasons() if reason[0].startswith("d/")] == [
        ("d/enrollments.csv", 4, "missing_value")
    ]
    before = {row["id"] for row in read(whole).rows("enrolments")}
    assert before < {row["id"] for row in found.rows("enrolments")}


def test_a_delta_alone_says_that_it_needs_the_classes(tmp_path: Path) -> None:
    rows = f"{ENROLLMENTS}\nE-1,active,2024-12-01T09:30:00Z,K1,S1,U-ada,student,,,\n"
    found = read(delta(tmp_path / "d", "enrollments", rows))
    assert found.reasons() == [("enrollments.csv", 2, "unknown_class")]
    assert "beside the last whole bundle" in found.rejects.to_pylist()[0]["detail"]


def test_a_later_bundle_corrects_what_classes_refer_to(tmp_path: Path) -> None:
    terms = "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear\n"
    later = delta(
        tmp_path / "d", "academicSessions", terms + "T2,active,2024-12-01,Spring,term,2025-01-06,2025-05-10,,2025\n"
    )
    (run,) = read(bundle(tmp_path / "b"), later).rows("course_runs")
    assert run["ends_on"] == date(2025, 5, 9)


def test_demographics_are_not_opened_unless_asked_for(tmp_path: Path) -> None:
    facts = "sourcedId,status,dateLastModified,birthDate,sex,white\nU-ada,,,1999-12-31,female,true\nU-zed,,,,male,\n"
    manifest = ONEROSTER["manifest.csv"].replace("file.demographics,absent", "file.demographics,bulk")
    folder = bundle(tmp_path / "b", demographics=facts, manifest=manifest)
    assert not read(folder).rows("attributes")
    assert not [reason for reason in read(folder).reasons() if reason[0] == "demographics.csv"]
    found = read(folder, demographics="yes")
    assert {row["name"]: row["value"] for row in found.rows("attributes")} == {
        "sex": "female",
        "birth_year": "1999",
        "white": "true",
    }
    assert all(row["sensitive"] and row["learner"] == ADA for row in found.rows("attributes"))
    assert ("demographics.csv", 3, "no_course") in found.reasons()
    with pytest.raises(InputError, match="demographics"):
        read(folder, demographics="maybe")


def test_the_manifest_must_agree_with_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="absent, but it is there"):
        read(bundle(tmp_path / "a", categories="sourcedId,status,dateLastModified,title\n"))
    with pytest.raises(SourceError, match=r"results\.csv is bulk, but it is not there"):
        read(bundle(tmp_path / "b", results=None))
    with pytest.raises(SourceError, match="2\\.0"):
        read(bundle(tmp_path / "c", manifest=ONEROSTER["manifest.csv"].replace("version,1.1", "version,2.0")))
    with pytest.raises(SourceError, match="no tables"):
        read(put(tmp_path / "d", {"manifest.csv": ONEROSTER["manifest.csv"]}))
    assert len(read(bundle(tmp_path / "e", manifest=None)).rows("course_runs")) == 1


def packed(place: Path, names: dict[str, str]) -> Path:
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in names.items():
            archive.writestr(name, text)
    return place


def test_a_zip_is_read_as_its_folder(tmp_path: Path) -> None:
    place = packed(tmp_path / "b.zip", {**ONEROSTER, "__MACOSX/._classes.csv": "\0", "notes.txt": "x"})
    plain, zipped = read(bundle(tmp_path / "b")), read(place)
    for kind, table in plain.records.items():
        assert table.sort_by("id").equals(zipped.records[kind].sort_by("id")), kind
    assert ("b.zip/classes.csv", 3, "unknown_course") in zipped.reasons()


def test_a_zip_that_reaches_outside_of_itself_is_refused(tmp_path: Path) -> None:
    place = packed(tmp_path / "b.zip", {**ONEROSTER, "../users.csv": ONEROSTER["users.csv"]})
    with pytest.raises(SourceError, match="outside of itself"):
        read(place)
    assert not (tmp_path.parent / "users.csv").exists()


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    place = packed(tmp_path / "b.zip", ONEROSTER)
    content = bytearray(place.read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = 0
        while (start := content.find(mark, start)) >= 0:
            content[start + flags] |= 1
            start += 4
    place.write_bytes(content)
    with pytest.raises(SourceError, match="encrypted"):
        read(place)


def test_a_zip_that_would_fill_the_disk_is_refused(tmp_path: Path) -> None:
    bomb = f"{RESULTS}\n" + "0" * (100 << 20)
    with pytest.raises(SourceError, match="would unpack to"):
        read(packed(tmp_path / "b.zip", {**ONEROSTER, "results.csv": bomb}))


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    place = packed(tmp_path / "b.zip", ONEROSTER)
    place.write_bytes(place.read_bytes()[:-40])
    with pytest.raises(SourceError, match="damaged"):
        read(place)


RESULT_ROWS = any_row(
    ("R1", "R2", "R3"), ("", "active", "tobedeleted"), ("", "2024-10-09T12:00:00Z"), ("L1", "L2"), ("U-ada", "U-ben"),
    ("fully graded", "submitted"), ("15", ""), ("2024-10-07",), ("",),
)  # fmt: skip
ENROLLMENT_ROWS = any_row(
    ("E1", "E2", "E3"), ("", "active"), ("",), ("K1",), ("S1",), ("U-ada", "U-ben"), ("student", "teacher"), ("",),
    ("", "2024-09-09"), ("",),
)  # fmt: skip


@settings(max_examples=12, deadline=None)
@given(results=st.lists(RESULT_ROWS, max_size=6), enrolments=st.lists(ENROLLMENT_ROWS, max_size=6))
def test_no_row_is_lost(
    results: list[list[str]], enrolments: list[list[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = bundle(
        tmp_path_factory.mktemp("fuzz") / "b",
        results=csv_text(RESULTS, results),
        enrollments=csv_text(ENROLLMENTS, enrolments),
    )
    found = read(folder)
    assert len(found.rows("results")) + refused(found, "results.csv") == len(results)
    told = [row for row in found.rows("enrolments") if row["status"] == "enrolled"]
    assert len(told) + refused(found, "enrollments.csv") == len(enrolments)
