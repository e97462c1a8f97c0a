from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headway.domain.errors import ConfigError, HeadwayError, InputError, SourceError
from headway.governance.pseudonyms import pseudonym
from headway.sources.source import SOURCES, Request
from tests.contract.source_cases import KEY, drain
from tests.contract.warehouse_case import MAPPING, in_duckdb

WAREHOUSE = SOURCES.get("warehouse")


@pytest.fixture
def request_(tmp_path: Path) -> Request:
    return in_duckdb(tmp_path, KEY)


def test_answers_become_records_like_any_table(request_: Request) -> None:
    read = drain(WAREHOUSE, request_)
    assert read.counts() == {"course_runs": 1, "enrolments": 1, "statements": 3}
    click = next(row for row in read.rows("statements") if row["object"] == "intro")
    assert click["occurred_at"] == datetime(2024, 10, 27, 0, 30, tzinfo=UTC)
    assert (click["score"], click["hour"], click["learner"]) == (0.625, 1, f"college/{pseudonym('1001', KEY)}")
    assert {row["object"] for row in read.rows("statements")} == {"intro", None, 'a, quoted "page"'}
    assert read.reasons() == [("enrolments", 3, "missing_value")]


def test_a_url_may_come_from_the_environment(request_: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMS_DATABASE", request_.options["url"])
    options = {"map": request_.options["map"], "url_env": "LMS_DATABASE"}
    assert drain(WAREHOUSE, replace(request_, options=options)).counts() == drain(WAREHOUSE, request_).counts()


WRONG: list[tuple[dict[str, str], type[HeadwayError], str]] = [
    ({"url": "postgresql://reader:secret@host/lms"}, InputError, "url_env"),
    ({"url": "duckdb:///no/such/folder/lms.duckdb"}, SourceError, "cannot be reached"),
    ({"url": "nosuchdatabase://host/lms"}, SourceError, "nosuchdatabase"),
    ({"url_env": "HEADWAY_NO_SUCH_VARIABLE"}, InputError, "one of the options"),
    ({"map": "nowhere.toml"}, ConfigError, "nowhere"),
    ({"colour": "red"}, InputError, "colour"),
]


@pytest.mark.parametrize(("options", "error", "told"), WRONG)
def test_what_cannot_work_is_refused(
    request_: Request, options: dict[str, str], error: type[HeadwayError], told: str
) -> None:
    with pytest.raises(error, match=told) as refused:
        drain(WAREHOUSE, replace(request_, options={**request_.options, **options}))
    assert "secret" not in str(refused.value)


def test_neither_files_nor_a_database_without_a_name_are_read(request_: Request, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no files"):
        drain(WAREHOUSE, replace(request_, paths=[tmp_path]))
    with pytest.raises(InputError, match="one of the options"):
        drain(WAREHOUSE, replace(request_, options={"map": request_.options["map"]}))
    options = {"map": request_.options["map"], "url_env": "HEADWAY_NO_SUCH_VARIABLE"}
    with pytest.raises(InputError, match="empty"):
        drain(WAREHOUSE, replace(request_, options=options))
    with pytest.raises(InputError, match="map"):
        drain(WAREHOUSE, replace(request_, options={"url": request_.options["url"]}))


QUERIES: list[tuple[str, str, type[HeadwayError], str]] = [
    ("SELECT * FROM runs", "SELECT * FROM nothing", SourceError, "'runs' failed"),
    ("SELECT * FROM runs", "SELECT *, [1, 2] AS pair FROM runs", SourceError, "'pair'"),
    ("SELECT * FROM runs", "SELECT course, term FROM runs", SourceError, "first_day"),
    ('file = "clicks"', 'file = "click"', HeadwayError, "'clicks'"),
    ("[query]", "[other]", ConfigError, "other"),
]


@pytest.mark.parametrize(("written", "instead", "error", "told"), QUERIES)
def test_queries_and_mappings_that_do_not_fit_are_named(
    request_: Request, written: str, instead: str, error: type[HeadwayError], told: str
) -> None:
    Path(request_.options["map"]).write_text(MAPPING.replace(written, instead), encoding="utf-8")
    with pytest.raises(error, match=told):
        drain(WAREHOUSE, request_)


def test_a_mapping_with_queries_is_not_for_the_csv_source(request_: Request) -> None:
    with pytest.raises(InputError, match="warehouse"):
        drain(SOURCES.get("csv"), Request([], {"map": request_.options["map"]}, KEY))
