"""What may not be loaded, opened or said where: pickles, files in the computing middle, talk outside `cli`."""

import ast
from collections.abc import Iterator
from typing import Final

from scripts.lint.module import Finding, Module

PICKLE_OWNER: Final = "registry/artefact.py"
PURE_PLACES: Final = ("features/", "models/", "description/", "evaluation/", "explanation/")

_PICKLES: Final = frozenset({"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"})
_FILE_CALLS: Final = frozenset({"open", "io.open"})
_TALK: Final = frozenset({"print", "sys.stdout.write", "sys.stderr.write", "sys.stdout.buffer.write"})


def pickles(module: Module) -> Iterator[Finding]:
    """Every import of a library that runs code on loading, and every `allow_pickle`, outside `registry/artefact.py`."""
    if not module.packaged or module.within(PICKLE_OWNER):
        return
    message = "may run code when it loads: keep state as data (docs/decisions/0005-artefacts-are-data.md)"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            if not (isinstance(node.value, ast.Constant) and node.value.value is False):
                yield module.finding(node.value, "pickle", f"allow_pickle {message}")
            continue
        else:
            continue
        for name in names:
            if name.partition(".")[0] in _PICKLES:
                yield module.finding(node, "pickle", f"{name} {message}")


def files(module: Module) -> Iterator[Finding]:
    """Every `open` in the computing middle; the libraries that could open things are seen by the import contracts."""
    if not module.within(*PURE_PLACES):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and module.full_name(node.func) in _FILE_CALLS:
            yield module.finding(
                node,
                "pure-middle",
                "features, models, description, evaluation and explanation open no file: take the data",
            )


def talk(module: Module) -> Iterator[Finding]:
    """Every `print` or write to a standard stream outside `cli/`."""
    if not module.packaged or module.within("cli/"):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and (name := module.full_name(node.func)) in _TALK:
            yield module.finding(
                node, "talk", f"{name} outside cli/: return the text, or report progress to the caller"
            )
