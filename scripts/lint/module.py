"""What a rule reads (`Module`) and what it returns (`Finding`). Rules do no I/O of their own."""

import ast
import io
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One place where a house rule is broken; printed as `file:line: message [rule]`."""

    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message} [{self.rule}]"


@dataclass(frozen=True, slots=True)
class Module:
    """One Python file, parsed.

    Attributes:
        path: from the project root, with forward slashes: `src/headway/lake/tables.py`.
        text: the source.
        tree: its syntax tree.
        comments: the comment on each line that has one, `#` included.
        imported: what each name at hand stands for in full: `{"dt": "datetime", "now": "datetime.datetime"}`.
    """

    path: str
    text: str
    tree: ast.Module
    comments: dict[int, str] = field(default_factory=dict)
    imported: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, path: str, text: str) -> "Module":
        """The module of that path and source."""
        tree = ast.parse(text)
        return cls(PurePosixPath(path).as_posix(), text, tree, _comments(text), _imported(tree))

    def within(self, *places: str) -> bool:
        """Whether the module is in `places`: files (`domain/time.py`) or folders (`lake/`) of the package headway."""
        inner = self.path.removeprefix("src/headway/")
        return inner != self.path and any(
            inner == place or (place.endswith("/") and inner.startswith(place)) for place in places
        )

    @property
    def packaged(self) -> bool:
        """Whether the module belongs to the package headway (and not to tests, scripts or benchmarks)."""
        return self.path.startswith("src/headway/")

    def full_name(self, node: ast.expr) -> str:
        """The dotted name that `node` refers to, imports resolved; empty where it is no plain dotted name."""
        if isinstance(node, ast.Name):
            return self.imported.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            head = self.full_name(node.value)
            return f"{head}.{node.attr}" if head else ""
        return ""

    def finding(self, node: ast.AST | int, rule: str, message: str) -> Finding:
        """A finding at a node or a line number."""
        line = node if isinstance(node, int) else getattr(node, "lineno", 1)
        return Finding(self.path, line, rule, message)


Rule = Callable[[Module], Iterator[Finding]]


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every string of the tree but docstrings, with its line; `{}` stands where an f-string puts in a value."""
    skipped: set[int] = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            skipped.add(id(body[0].value))
        if isinstance(node, ast.JoinedStr):
            pieces = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
            skipped.update(id(part) for part in node.values)
            yield node.lineno, "".join(str(piece) for piece in pieces)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.lineno, node.value


def _comments(text: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}


def _imported(tree: ast.Module) -> dict[str, str]:
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    return names
