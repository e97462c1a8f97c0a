"""Size limits and remarks: modules that stay readable, broad excepts and silenced linters that say why."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from scripts.lint.module import Finding, Module

FUNCTION_LINES: Final = 80
MODULE_LINES: Final = 700
BROAD_EXCEPTS: Final = 3
REASON_CHARACTERS: Final = 10

_SILENCER: Final = re.compile(
    r"#\s*(?P<what>type:\s*ignore|noqa)(?P<codes>\[[\w\-, ]+\]|:\s*[A-Z]+[0-9]+(?:[,\s]+[A-Z]+[0-9]+)*)?", re.IGNORECASE
)


def lengths(module: Module) -> Iterator[Finding]:
    """The module where it is longer than 700 lines, and every function longer than 80."""
    lines = len(module.text.splitlines())
    if lines > MODULE_LINES:
        yield module.finding(1, "module-length", f"{lines} lines, the stop is {MODULE_LINES}: split it by concern")
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield module.finding(
                    node, "function-length", f"{node.name} has {length} lines, the stop is {FUNCTION_LINES}"
                )


def broad_excepts(module: Module) -> Iterator[Finding]:
    """Every broad `except` of the package: each counts towards the limit of three, whether or not it gives its reason.

    The findings of rule `broad-except` are counted by the runner; `broad-except-reason` stands on its own.
    """
    if not module.packaged:
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler) and _is_broad(module, node.type):
            yield module.finding(
                node, "broad-except", f"broad except; the whole package may have {BROAD_EXCEPTS}, at process edges"
            )
            if len(_reason(module.comments.get(node.lineno, ""))) < REASON_CHARACTERS:
                yield module.finding(node, "broad-except-reason", "a broad except says on its line why it is one")


def silencers(module: Module) -> Iterator[Finding]:
    """Every `type: ignore` or `noqa` without its code, or without a reason on the same line."""
    for line, comment in module.comments.items():
        found = _SILENCER.search(comment)
        if not found:
            continue
        if not found["codes"]:
            yield module.finding(line, "silencer", f"{found['what']} without a code: name the one rule it silences")
        if len(_reason(comment)) < REASON_CHARACTERS:
            yield module.finding(line, "silencer", f"{found['what']} without a reason: say why on the same line")


def _is_broad(module: Module, caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    several = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(module.full_name(one).rpartition(".")[2] in {"Exception", "BaseException"} for one in several)


def _reason(comment: str) -> str:
    """What a comment says besides silencing a linter."""
    return _SILENCER.sub("", comment).strip("#-–: \t")
