"""What was known at a time is decided in two places only: the lake's reads and the as-of engine."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from scripts.lint.module import Finding, Module, texts

RULE: Final = "as-of-cut"
OWNERS: Final = ("lake/", "features/as_of.py", "benchmarks/with_pandas.py")

_ORDERINGS: Final = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_ORDERING_CALLS: Final = frozenset({"between", "less", "less_equal", "greater", "greater_equal"})
_COLUMN: Final = r'(?:[\w{}]+\.)?"?\brecorded_at\b"?'
_SQL_CUT: Final = re.compile(rf"{_COLUMN}\s*(?:<=?|>=?|NOT\s+BETWEEN\b|BETWEEN\b)|[<>]=?\s*{_COLUMN}", re.IGNORECASE)


def as_of_cut(module: Module) -> Iterator[Finding]:
    """Every place outside the owners where `recorded_at` is ordered against something, in Python, Ibis or SQL text."""
    if not module.packaged or module.within(*OWNERS):
        return
    message = (
        "recorded_at is compared here: ask the lake or features/as_of.py for records already cut at the as-of time"
    )
    for node in ast.walk(module.tree):
        if _is_cut(node):
            yield module.finding(node, RULE, message)
    for line, text in texts(module.tree):
        if _SQL_CUT.search(text):
            yield module.finding(line, RULE, message)


def _is_cut(node: ast.AST) -> bool:
    if isinstance(node, ast.Compare):
        return any(isinstance(op, _ORDERINGS) for op in node.ops) and any(
            map(_mentions, [node.left, *node.comparators])
        )
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _ORDERING_CALLS:
        return any(map(_mentions, [node.func.value, *node.args]))
    return False


def _mentions(node: ast.expr) -> bool:
    """Whether the expression is `recorded_at` itself: name, attribute or subscript, perhaps inside a method call."""
    match node:
        case ast.Name(id="recorded_at") | ast.Attribute(attr="recorded_at"):
            return True
        case ast.Subscript(slice=ast.Constant(value="recorded_at")):
            return True
        case ast.Call(func=ast.Attribute(value=inner, attr=called), args=arguments):
            column = called in {"column", "field"} and any(
                isinstance(a, ast.Constant) and a.value == "recorded_at" for a in arguments
            )
            return column or _mentions(inner)
    return False
