"""docs/reference/xapi.md names every requirement that has a test, and every requirement it names has one."""

import re
from pathlib import Path
from types import ModuleType

import pytest

from tests.service import test_xapi_communication
from tests.unit.intake.xapi import (
    test_data_2_2,
    test_data_2_4_actor,
    test_data_2_4_object,
    test_data_2_4_rest,
    test_data_4,
    test_ieee_9274,
)

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests" / "unit" / "intake" / "xapi"
PAGE = (ROOT / "docs" / "reference" / "xapi.md").read_text(encoding="utf-8")
LINES = re.findall(r"^\| ((?:Data|IEEE) [^|]+?) \| [^|]+ \| ([^|]+) \|$", PAGE, re.MULTILINE)
LISTED = dict(LINES)
SPOKEN = re.findall(r"^\| ((?:Communication|IEEE) [^|]+?) \| [^|]+ \|$", PAGE, re.MULTILINE)
TABLES = (test_data_2_2, test_data_2_4_actor, test_data_2_4_object, test_data_2_4_rest, test_data_4, test_ieee_9274)


def rows(module: ModuleType) -> set[str]:
    """The requirements of a module's tables."""
    return {
        row.requirement
        for name, table in vars(module).items()
        if name.isupper() and isinstance(table, list)
        for row in table
        if hasattr(row, "requirement")
    }


def kept_by() -> dict[str, set[str]]:
    """The files that test each requirement: by a row of a table, or by the name of a test."""
    found: dict[str, set[str]] = {}
    for module in TABLES:
        for requirement in rows(module):
            found.setdefault(requirement, set()).add(f"{module.__name__.rpartition('.')[2]}.py")
    for file in TESTS.glob("test_*.py"):
        for number in re.findall(r"Data[- ]([0-9][\w.]*\w)", file.read_text(encoding="utf-8")):
            found.setdefault(f"Data {number}", set()).add(file.name)
    for number in re.findall(r'\("(2\.3\.[\w.]+)"', (TESTS / "test_data_2_3.py").read_text(encoding="utf-8")):
        found.setdefault(f"Data {number}", set()).add("test_data_2_3.py")
    return found


def test_each_requirement_is_listed_once() -> None:
    assert len(LINES) == len(LISTED) > 130


@pytest.mark.parametrize("requirement", sorted(LISTED))
def test_a_listed_requirement_has_its_tests(requirement: str) -> None:
    files = re.findall(r"`(test_\w+\.py)`", LISTED[requirement])
    assert files or requirement == "Data 2.4.4.3.s8.b2"
    assert set(files) <= kept_by()[requirement]


def test_requests_and_answers_are_listed_as_they_are_tested() -> None:
    every_answer = ["Communication 2.1.3.s2.b5", "Communication 3.3.s3.b1"]
    assert sorted(SPOKEN) == sorted({row.requirement for row in test_xapi_communication.ROWS}.union(every_answer))


@pytest.mark.parametrize("module", TABLES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_each_table_row_that_refuses_is_of_a_listed_requirement(module: ModuleType) -> None:
    refusing = {
        row.requirement
        for name, table in vars(module).items()
        if name.isupper() and isinstance(table, list)
        for row in table
        if hasattr(row, "requirement") and not row.sound
    }
    assert refusing <= LISTED.keys()
