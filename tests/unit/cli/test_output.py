"""How the command line speaks."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from headway.cli.modelling import write_table
from headway.cli.options import names
from headway.cli.output import print_json, print_table, progress, report_error, would
from headway.domain.errors import InputError, LakeError, LeakageError


def test_a_document_has_instants_in_iso_form_and_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"at": datetime(2014, 10, 14, 8, tzinfo=UTC), "where": Path("/a/b"), "who": "Ünal"})
    assert json.loads(capsys.readouterr().out) == {"at": "2014-10-14T08:00:00Z", "where": "/a/b", "who": "Ünal"}
    with pytest.raises(ValueError, match="JSON compliant"):
        print_json({"auroc": float("nan")})


def test_a_table_aligns_numbers_to_the_right_and_shows_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("model", "n", "AUROC"), [("logistic", 141, 0.7763), ("rule", 7, None)])
    assert capsys.readouterr().out.splitlines() == [
        "model       n  AUROC",
        "logistic  141  0.776",
        "rule        7      –",
    ]


def test_progress_in_a_pipe_is_one_line_a_stage_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as say:
        say("reading")
        say("fitting")
    assert capsys.readouterr() == ("", "reading\nfitting\n")


@pytest.mark.parametrize("as_json", [False, True])
def test_a_dry_run_is_told_on_stderr_and_in_a_document_where_asked(
    capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    would("join small files", as_json=as_json)
    said = capsys.readouterr()
    assert said.err == "Would join small files. Nothing written.\n"
    assert (json.loads(said.out) if as_json else said.out) == (
        {"dry_run": True, "would": "join small files"} if as_json else ""
    )


def test_an_error_is_told_with_its_code_and_the_doctor_only_where_it_is_our_fault(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert report_error(LeakageError("Too late.")) == 4
    assert capsys.readouterr() == ("", "headway: Too late.\n")
    assert report_error(LakeError("No lake.")) == 1
    assert "headway doctor" in capsys.readouterr().err


def test_names_are_separated_by_commas() -> None:
    assert names(" oulad/AAA/2013J, oulad/BBB/*,,") == ["oulad/AAA/2013J", "oulad/BBB/*"]
    assert names(None) == names("") == []


def test_a_table_is_written_as_its_ending_says(tmp_path: Path) -> None:
    table = pa.table({"learner": ["a", "b"], "clicks": [3, None]})
    for ending in ("parquet", "csv", "json"):
        write_table(table, tmp_path / "new" / f"t.{ending}")
    assert pyarrow.parquet.read_table(tmp_path / "new" / "t.parquet").equals(table)
    assert (tmp_path / "new" / "t.csv").read_text(encoding="utf-8").splitlines() == [
        '"learner","clicks"',
        '"a",3',
        '"b",',
    ]
    assert json.loads((tmp_path / "new" / "t.json").read_text(encoding="utf-8")) == table.to_pylist()
    with pytest.raises(InputError, match=r"\.parquet, \.csv or \.json"):
        write_table(table, tmp_path / "t.xlsx")
    assert not (tmp_path / "t.xlsx").exists()


def test_a_table_shows_instants_as_documents_do(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("as_of",), [(datetime(2014, 10, 14, 8, tzinfo=UTC),)])
    assert capsys.readouterr().out.splitlines()[1] == "2014-10-14T08:00:00Z"
