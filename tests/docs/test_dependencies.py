"""Each dependency has one line in decision 0007, which names who may import it; the code keeps to it."""

import ast
import re
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| `([\w-]+)` \| (.*?) \| (.*?) \|", re.MULTILINE)


def lines() -> dict[str, tuple[str, set[str]]]:
    """By dependency: the module it is imported as, and the parts of headway that may import it."""
    page = (ROOT / "docs/decisions/0007-dependencies.md").read_text(encoding="utf-8")
    found = {}
    for name, module, owners in ROW.findall(page):
        found[name] = (module.strip("`—"), set(re.findall(r"`([\w.]+)`", owners)) or {owners.strip()})
    return found


def declared() -> set[str]:
    """The names in pyproject.toml: what headway needs, and what its extras add for users."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [
        *project["dependencies"],
        *(d for name, extra in project["optional-dependencies"].items() if name != "dev" for d in extra),
    ]
    return {re.split(r"[\[<>=;! ]", requirement)[0] for requirement in asked}


@cache
def imports() -> dict[str, set[str]]:
    """By imported top-level module: the packages (or top modules) of headway that import it."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "src/headway").rglob("*.py"):
        importer = path.relative_to(ROOT / "src/headway").parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                found.setdefault(name.partition(".")[0], set()).add(importer)
    return found


def test_every_dependency_has_a_line() -> None:
    assert set(lines()) == declared()


@pytest.mark.parametrize("name", sorted(declared()))
def test_only_its_owners_import_it(name: str) -> None:
    module, owners = lines()[name]
    if module and owners != {"any"}:
        assert imports().get(module, set()) <= owners


def test_everything_imported_is_declared() -> None:
    foreign = set(imports()) - set(sys.stdlib_module_names) - {"headway"}
    assert foreign <= {module for module, _ in lines().values()}


def test_every_dependency_is_pinned() -> None:
    pins = set(re.findall(r"^([\w-]+)==", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE))
    assert {name.lower() for name in declared()} <= pins
