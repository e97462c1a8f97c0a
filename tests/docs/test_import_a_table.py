"""The example of docs/how-to/import-a-table.md does what the page says."""

import re
from pathlib import Path

from headway.domain.records import KINDS
from headway.sources.csv_tables import CsvTables
from headway.sources.source import Request
from headway.sources.table_mapping import Table, TableMapping, Value
from tests.contract.source_cases import KEY, drain

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "import-a-table.md").read_text(encoding="utf-8")


def test_the_example_gives_the_records_and_rejects_that_the_page_names(tmp_path: Path) -> None:
    names = re.findall(r"`(\w+\.csv)`[^`]*:\n\n```csv", PAGE)
    tables = re.findall(r"```csv\n(.*?)```", PAGE, re.DOTALL)
    assert names == ["runs.csv", "enrolments.csv", "marks.csv"]
    for name, text in zip(names, tables, strict=True):
        (tmp_path / name).write_text(text, encoding="utf-8")
    (mapping,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "college.toml").write_text(mapping, encoding="utf-8")
    read = drain(CsvTables(), Request([tmp_path], {"map": str(tmp_path / "college.toml")}, KEY))

    said = re.search(r"This reads (\d+) course run, (\d+) enrolments and (\d+) results", PAGE)
    assert said is not None
    rejects = [row["kind"] for row in read.rejects.to_pylist()]
    kinds = ("course_runs", "enrolments", "results")
    assert [len(read.rows(kind)) + rejects.count(kind) for kind in kinds] == [int(number) for number in said.groups()]
    assert read.reasons() == [("enrolments.csv", 4, "unknown_value"), ("marks.csv", 3, "bad_number")]
    (mark,) = read.rows("results")
    assert (mark["run"], mark["score"], mark["submitted_at"].hour) == ("college/BIO101/2024A", 0.71, 20)


def test_every_key_of_a_mapping_is_on_the_page() -> None:
    for part in (TableMapping, Table, Value):
        missing = [key for key in part.model_fields if f"`{key}" not in PAGE and f"{key}]" not in PAGE]
        assert not missing, f"{part.__name__}: {missing}"
    assert "`course_runs`" in PAGE
    assert set(re.findall(r'kind = "(\w+)"', PAGE)) <= set(KINDS)
