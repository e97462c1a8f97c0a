"""The SQL of Ibis expressions, each compiled once.

Compiling takes Ibis 5 to 40 ms an expression, a second for those of a feature view. What a view is made of names nobody
and is asked for by one command after the other, so its SQL may be kept in the user's cache folder. It is found by its
content: what the expression says, node by node, and the versions of what compiles it.
"""

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from hashlib import blake2b
from importlib import metadata
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import ibis
from ibis.common.graph import Node
from ibis.expr.datatypes import DataType
from ibis.expr.operations import AggUDF, ScalarUDF
from ibis.expr.operations.relations import Namespace

if TYPE_CHECKING:
    import ibis.expr.types as ir

_PLAIN: Final = (str, int, float, bytes, date, time, timedelta, Decimal, UUID, Enum, DataType, Namespace, type(None))
"""What tells by its `repr` all that it is."""

MOST_FILES: Final = 64
"""Views whose SQL is kept; the oldest go first."""

_COMPILING: Final = Lock()
"""Whoever needs what another is compiling waits for it: to compile it twice would take both as long."""

_read: Final[dict[str, str]] = {}
"""SQL that was read from the cache folder and not yet asked for, by content."""


def sql_of(expr: "ir.Table") -> str:
    """The expression in DuckDB's SQL."""
    with _COMPILING:
        return _compiled(expr.op())


def prepare(exprs: "Sequence[ir.Table]") -> None:
    """Makes the SQL of these expressions ready, from the cache folder where it is there; else it is left there.

    They may hold nothing that is personal: nobody erases anything from that folder.
    """
    with _COMPILING:
        _prepare(tuple(dict.fromkeys(expr.op() for expr in exprs)))


@lru_cache(maxsize=32)
def _prepare(nodes: tuple[Node, ...]) -> None:
    folder = cache_folder()
    if folder is None:
        return
    contents = {node: content for node in nodes if (content := _content(node)) is not None}
    name = blake2b("".join(sorted(contents.values())).encode(), digest_size=16).hexdigest()
    path = folder / f"{name}.json"
    known = {content: text for content, text in _texts(path).items() if content in contents.values()}
    _read.update(known)
    made = {content: _compiled(node) for node, content in contents.items()}
    _read.clear()
    if made.keys() - known.keys():
        _leave(path, made)


def cache_folder() -> Path | None:
    """Where compiled SQL is kept: in `XDG_CACHE_HOME`, or `~/.cache`; None for a user without a home."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "headway" / "sql"
    except RuntimeError:
        return None


def _texts(path: Path) -> dict[str, str]:
    """What a cache file holds; a file that is not as it should be holds nothing."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    told = isinstance(found, dict) and all(isinstance(text, str) for text in found.values())
    return found if told else {}


def _leave(path: Path, texts: Mapping[str, str]) -> None:
    """Leaves a cache file for others; where that is not possible, they compile again."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
            json.dump(texts, file)
        Path(file.name).replace(path)
        by_age = sorted(path.parent.glob("*.json"), key=lambda found: found.stat().st_mtime_ns)
        for old in by_age[:-MOST_FILES]:
            old.unlink()


@lru_cache(maxsize=512)
def _compiled(node: Node) -> str:
    text = _read.get(_content(node) or "") if _read else None
    return text if text is not None else str(ibis.to_sql(node.to_expr(), dialect="duckdb"))


def _content(node: Node) -> str | None:
    """What tells an expression from every other, in any process; None where that cannot be told."""
    numbers: dict[Node, int] = {}
    lines = [_versions()]

    def number(one: Node) -> int:
        if one not in numbers:
            if not type(one).__module__.startswith("ibis.") or isinstance(one, ScalarUDF | AggUDF):
                raise TypeError(one)  # somebody's own function is more than its name
            line = f"{type(one).__qualname__}({', '.join(map(told, one.__args__))})"
            numbers[one] = len(lines)
            lines.append(line)
        return numbers[one]

    def told(value: Any) -> str:
        if isinstance(value, Node):
            return f"#{number(value)}"
        if isinstance(value, tuple):
            return f"({', '.join(map(told, value))})"
        if isinstance(value, frozenset):
            return f"{{{', '.join(sorted(map(told, value)))}}}"
        if isinstance(value, Mapping):
            return f"{{{', '.join(f'{name!r}: {told(one)}' for name, one in value.items())}}}"
        if not isinstance(value, _PLAIN):
            raise TypeError(value)
        return f"{type(value).__qualname__} {value!r}"

    try:
        number(node)
    except TypeError:
        return None
    return blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()


@lru_cache(maxsize=1)
def _versions() -> str:
    return " ".join(f"{name} {metadata.version(name)}" for name in ("headway", "ibis-framework", "sqlglot"))
