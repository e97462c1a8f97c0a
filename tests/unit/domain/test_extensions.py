"""The extension registry: names are unique, near names are offered, and nothing goes missing silently."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from headway.domain import extensions
from headway.domain.errors import ConfigError, UnknownName
from headway.domain.extensions import Extensions


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty package that can be imported, and is forgotten again."""
    name = "a_package_of_extensions"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    for known in [module for module in sys.modules if module.startswith(name)]:
        monkeypatch.delitem(sys.modules, known)
    return name


def test_what_was_added_is_found_by_name(package: str) -> None:
    found: Extensions[int] = Extensions("numbers", package)
    found.add("one", 1)
    found.add("two", 2)

    assert found.get("two") == 2
    assert found.names() == ["one", "two"]
    assert list(found) == [1, 2]


def test_an_unknown_name_is_answered_with_near_ones(package: str) -> None:
    found: Extensions[int] = Extensions("numbers", package)
    found.add("logistic", 1)

    with pytest.raises(UnknownName, match=r"Unknown number 'logstic'. Did you mean 'logistic'\?"):
        found.get("logstic")


def test_a_name_far_from_all_is_answered_with_all(package: str) -> None:
    found: Extensions[int] = Extensions("numbers", package)
    found.add("logistic", 1)

    with pytest.raises(UnknownName, match="Known: logistic"):
        found.get("zzz")


def test_two_extensions_cannot_share_a_name(package: str) -> None:
    found: Extensions[str] = Extensions("words", package)
    found.add("same", "first")

    with pytest.raises(ConfigError, match="same"):
        found.add("same", "second")
    assert found.add("same", "first") == "first"


def test_modules_of_the_package_are_imported_at_first_use(package: str, tmp_path: Path) -> None:
    found: Extensions[int] = Extensions("numbers", package)
    (tmp_path / package / "three.py").write_text(
        f"import {package}\n{package}.registry.add('three', 3)\n", encoding="utf-8"
    )
    module = __import__(package)
    vars(module)["registry"] = found

    assert found.get("three") == 3


def test_a_module_that_fails_to_import_stops_with_its_name(package: str, tmp_path: Path) -> None:
    (tmp_path / package / "broken.py").write_text("import a_module_that_is_not_there\n", encoding="utf-8")

    with pytest.raises(ConfigError, match=rf"{package}\.broken.*a_module_that_is_not_there"):
        Extensions("numbers", package).names()


def test_a_strangers_entry_point_is_imported(package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_strangers_module.py").write_text("LOADED = True\n", encoding="utf-8")
    entry = EntryPoint("theirs", "a_strangers_module:thing", "headway.numbers")
    monkeypatch.setattr(extensions, "entry_points", lambda group: [entry] if group == "headway.numbers" else [])
    monkeypatch.delitem(sys.modules, "a_strangers_module", raising=False)

    Extensions("numbers", package).names()

    assert sys.modules["a_strangers_module"].LOADED


def test_a_broken_entry_point_stops_with_its_name(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("theirs", "not_there_at_all:thing", "headway.numbers")
    monkeypatch.setattr(extensions, "entry_points", lambda group: [entry])

    with pytest.raises(ConfigError, match="not_there_at_all"):
        Extensions("numbers", package).names()


def test_an_extra_that_is_there_is_imported() -> None:
    assert extensions.needs("models", "json.decoder") is sys.modules["json.decoder"]


def test_an_extra_that_is_missing_says_how_to_get_it() -> None:
    with pytest.raises(ConfigError, match=r"pip install 'headway\[models\]'"):
        extensions.needs("models", "a_library_nobody_has.part")


def test_a_missing_module_of_a_library_that_is_there_is_no_missing_extra() -> None:
    with pytest.raises(ModuleNotFoundError):
        extensions.needs("models", "json.nothing_here")
