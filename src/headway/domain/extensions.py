"""The extension registry: how built-in and foreign sources, features, models and rules are found.

A built-in is any module in the package that owns the extension point; a foreign one is named by an entry point of
the group `headway.<point>`. A module that cannot be imported stops start-up with its name: a missing method must
never look like a method that was not asked for.
"""

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Any, Final, Generic, TypeVar

from headway.domain.errors import ConfigError, UnknownName

T = TypeVar("T")


LIBRARIES: Final = {"models": ("hmmlearn", "imblearn", "interpret", "optuna"), "deep": ("torch",)}
"""What the extras bring that models are made with."""


def has(extra: str | None) -> bool:
    """Whether the libraries of an extra are installed; True where none is needed."""
    return extra is None or all(importlib.util.find_spec(library) for library in LIBRARIES[extra])


def needs(extra: str, module: str) -> Any:
    """The module `module`, which comes with headway's optional extra `extra`.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as missing:
        if missing.name != module.partition(".")[0]:
            raise
        raise ConfigError(
            f"This needs {missing.name}, which comes with an extra: pip install 'headway[{extra}]'"
        ) from missing


class Extensions(Generic[T]):
    """Everything registered for one extension point, by name.

    Attributes:
        point: the extension point, in the plural (`sources`); its entry-point group is `headway.<point>`.
        package: the package whose modules are the built-ins, imported at first use.
    """

    def __init__(self, point: str, package: str) -> None:
        self.point = point
        self.package = package
        self._found: dict[str, T] = {}
        self._loaded = False

    def add(self, name: str, extension: T) -> T:
        """`extension`, after registering it.

        Raises:
            ConfigError: the name is taken by another extension.
        """
        if name in self._found and self._found[name] is not extension:
            raise ConfigError(f"Two {self.point} are called {name!r}. Rename one of them.")
        self._found[name] = extension
        return extension

    def get(self, name: str) -> T:
        """The extension called `name`.

        Raises:
            UnknownName: there is none; the message names the nearest ones.
        """
        self._load()
        if name not in self._found:
            raise UnknownName.of(self.point.removesuffix("s"), name, self._found)
        return self._found[name]

    def names(self) -> list[str]:
        """All registered names, sorted."""
        self._load()
        return sorted(self._found)

    def __iter__(self) -> Iterator[T]:
        self._load()
        return iter([self._found[name] for name in sorted(self._found)])

    def _load(self) -> None:
        if self._loaded:
            return
        home = importlib.import_module(self.package)
        for module in pkgutil.iter_modules(home.__path__):
            self._import(f"{self.package}.{module.name}")
        for entry in entry_points(group=f"headway.{self.point}"):
            self._import(entry.value.partition(":")[0])
        self._loaded = True

    def _import(self, module: str) -> None:
        try:
            importlib.import_module(module)
        except ImportError as wrong:
            raise ConfigError(
                f"The {self.point} module {module} cannot be imported: {wrong}. Install or remove it."
            ) from wrong
