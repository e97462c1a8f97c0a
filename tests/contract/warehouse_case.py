"""A small made-up warehouse: the tables in SQL, and the mapping that reads them."""

from pathlib import Path
from typing import Final

import duckdb

from headway.sources.source import Request

TABLES: Final = """
CREATE TABLE runs (course TEXT, term TEXT, first_day DATE, last_day DATE, published TIMESTAMPTZ);
INSERT INTO runs VALUES ('BIO101', '2024A', '2024-09-02', '2024-12-20', '2024-06-01 10:00:00+00');
CREATE TABLE enrolments (course TEXT, term TEXT, number INTEGER, enrolled_at TIMESTAMP);
INSERT INTO enrolments VALUES ('BIO101', '2024A', 1001, '2024-08-15 09:00:00'), ('BIO101', '2024A', 1002, NULL);
CREATE TABLE clicks (who INTEGER, happened TIMESTAMPTZ, page TEXT, marked NUMERIC(5, 2));
INSERT INTO clicks VALUES (1001, '2024-10-27 00:30:00+00', 'intro', 62.5),
    (1002, '2024-09-03 08:00:00.25+00', NULL, NULL),
    (1002, '2024-09-03 08:00:00.25+00', 'a, quoted "page"', 100);
"""

MAPPING: Final = """
source_name = "college"
zone = "Europe/London"

[query]
runs = "SELECT * FROM runs"
enrolments = "SELECT * FROM enrolments ORDER BY number"
clicks = "SELECT * FROM clicks ORDER BY happened, page"

[[table]]
file = "runs"
kind = "course_runs"
run = "{source_name}/{course}/{term}"
occurred_at = "published"
[table.columns]
starts_on = "first_day"
ends_on = "last_day"

[[table]]
file = "enrolments"
kind = "enrolments"
run = "{source_name}/{course}/{term}"
learner = "number"
learner_is_pseudonym = false
occurred_at = "enrolled_at"
[table.columns]
status = { constant = "enrolled" }

[[table]]
file = "clicks"
kind = "statements"
run = "{source_name}/BIO101/2024A"
learner = "who"
learner_is_pseudonym = false
occurred_at = "happened"
[table.columns]
verb = { constant = "viewed" }
object = "page"
score = { column = "marked", out_of = 100 }
"""


def request_of(folder: Path, url: str, key: bytes) -> Request:
    """A request for the mapping, written to `folder`, against the database at `url`."""
    mapping = folder / "warehouse.toml"
    mapping.write_text(MAPPING, encoding="utf-8")
    return Request([], {"map": str(mapping), "url": url}, key)


def in_duckdb(folder: Path, key: bytes) -> Request:
    """The warehouse as a DuckDB file."""
    path = folder / "warehouse.duckdb"
    if not path.exists():
        with duckdb.connect(str(path)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(TABLES)
    return request_of(folder, f"duckdb://{path}", key)
