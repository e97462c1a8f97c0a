"""What becomes of bad input: a clear error and the lake as it was, or a quarantined row with its reason."""

import gzip
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.contract import source_cases
from tests.support.command import Script, inside

Fault = Callable[[Path], object]


def said(table: str, old: str, new: str) -> Fault:
    """A fault: in a table, the first `old` is `new`."""

    def spoil(folder: Path) -> None:
        file = folder / f"{table}.csv"
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")

    return spoil


def added(table: str, row: str) -> Fault:
    """A fault: a row too many."""

    def spoil(folder: Path) -> None:
        with (folder / f"{table}.csv").open("a", encoding="utf-8") as file:
            file.write(row + "\n")

    return spoil


def holds(table: str, content: Callable[[str], bytes]) -> Fault:
    """A fault: the whole file is another."""

    def spoil(folder: Path) -> None:
        file = folder / f"{table}.csv"
        file.write_bytes(content(file.read_text(encoding="utf-8")))

    return spoil


def cut_short(folder: Path) -> None:
    """A gzip file that ends in the middle."""
    plain = folder / "studentVle.csv"
    packed = gzip.compress(plain.read_bytes())
    plain.unlink()
    (folder / "studentVle.csv.gz").write_bytes(packed[: len(packed) * 2 // 3])


REFUSED: Mapping[str, tuple[Fault, str]] = {
    "truncated gzip": (cut_short, "studentVle.csv.gz is damaged or cut short"),
    "wrong header": (said("studentVle", "sum_click", "clicks"), "missing: sum_click; unexpected: clicks"),
    "empty file": (holds("studentVle", lambda _: b""), "studentVle.csv is empty"),
    "another encoding": (holds("studentInfo", lambda text: text.encode("utf-16")), "Is it a delimited text?"),
    "a table is not there": (lambda folder: (folder / "courses.csv").unlink(), "courses.csv is not in"),
}

INFO = "XYZ,2013J,1001,M,Scotland,HE Qualification,20-30%,35-55,0,60,N,"
QUARANTINED: Mapping[str, tuple[Fault, str, str]] = {
    "a date that is no number": (said("studentVle", "13,8,14", "13,soon,14"), "bad_date", "soon"),
    "a withdrawal that is no number": (said("studentRegistration", "-10,40", "-10,x"), "bad_date", "x"),
    "an unknown module": (added("studentVle", "QQQ,2013J,1001,11,5,1"), "unknown_run", "QQQ"),
    "a row that says otherwise": (added("studentInfo", f"{INFO}Fail"), "conflicting_row", "Fail"),
    "a wrong byte": (
        holds("studentInfo", lambda text: text.encode().replace(b"Wales", b"W\xe9s")),
        "bad_encoding",
        "W",
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny sound folder of OULAD's form."""
    (tmp_path / "data").mkdir()
    source_cases.oulad(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Script:
    """Asks at a new home."""
    return Script(capsys, tmp_path / "home")


@pytest.mark.parametrize(("fault", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_as_a_whole_is_refused_and_leaves_the_lake_as_it_was(
    script: Script, folder: Path, fault: Fault, message: str
) -> None:
    good = {file: file.read_bytes() for file in folder.iterdir()}
    fault(folder)
    done = inside(script.capsys, "--home", script.home, "import", "oulad", folder, "--json")
    assert (done.returncode, done.stdout) == (3, "")
    assert message in done.stderr
    found = script("lake", "verify")
    assert found["ok"]
    assert set(found["rows"].values()) <= {0}

    for file in folder.iterdir():
        file.unlink()
    for file, content in good.items():
        file.write_bytes(content)
    mended = script("import", "oulad", folder)
    assert mended["unchanged"] == 0
    assert mended["accepted"] > 0


@pytest.mark.parametrize(("fault", "reason", "word"), QUARANTINED.values(), ids=QUARANTINED)
def test_a_bad_row_goes_to_quarantine_with_its_reason_and_the_others_land(
    script: Script, folder: Path, fault: Fault, reason: str, word: str
) -> None:
    sound = script.at(folder.parent / "sound")("import", "oulad", folder)
    fault(folder)
    told = script("import", "oulad", folder)
    assert told["read"] == told["accepted"] + told["quarantined"] + told["unchanged"]
    assert told["quarantined"] - sound["quarantined"] == told["reasons"][reason] >= 1
    assert told["accepted"] >= sound["accepted"] - 20, "a learner's row has up to nine facts"

    rejects = script("source", "rejects", "--source", "oulad", "--limit", 100)
    assert {"source": "oulad", "reason": reason} in [
        {name: row[name] for name in ("source", "reason")} for row in rejects["counts"]
    ]
    rows = [row for row in rejects["rows"] if row["reason"] == reason]
    assert all(row["file"].endswith(".csv") and row["line"] >= 2 and row["detail"] for row in rows)
    assert any(word in row["raw"] for row in rows)
    assert sum(row["rows"] for row in rejects["counts"]) == told["quarantined"]
    assert script("lake", "verify")["ok"]
    again = script("import", "oulad", folder)
    assert (again["accepted"], again["quarantined"]) == (0, told["quarantined"])


@pytest.mark.parametrize("table", ["studentInfo", "studentAssessment", "studentRegistration", "courses"])
def test_the_same_row_twice_is_known_before(script: Script, folder: Path, table: str) -> None:
    sound = script.at(folder.parent / "sound")("import", "oulad", folder)
    first = (folder / f"{table}.csv").read_text(encoding="utf-8").splitlines()[1]
    added(table, first)(folder)
    told = script("import", "oulad", folder)
    assert (told["accepted"], told["quarantined"]) == (sound["accepted"], sound["quarantined"])
    assert told["unchanged"] >= 1


def test_an_import_of_which_nothing_can_be_kept_fails(script: Script, folder: Path) -> None:
    holds("courses", lambda text: text.splitlines()[0].encode() + b"\n")(folder)
    done = inside(script.capsys, "--home", script.home, "import", "oulad", folder)
    assert done.returncode == 3
    assert "headway source rejects" in done.stderr
