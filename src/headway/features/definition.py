"""How a feature is defined: one small function with a decorator, returning an Ibis expression.

A feature function receives `Known`: relations that hold only what was known at each row's as-of time. It returns an
aggregate over one of them, or an expression over features named in `reads`. It never sees an uncut record, so it
cannot look ahead.
"""

import ast
import hashlib
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Literal

from headway.domain.errors import ConfigError
from headway.domain.extensions import Extensions

if TYPE_CHECKING:
    import ibis.expr.types as ir

Domain = Literal["visits", "materials", "hand-ins", "results", "forum", "timing"]

RELATIONS = (
    *("days", "objects", "types", "hours", "sessions", "videos", "posts", "answers"),
    *("skills", "hand_ins", "planned", "others", "facts", "texts"),
)
"""What a feature may read besides other features; see `headway.features.relations` for their columns."""


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature's definition.

    Attributes:
        name: quantity, scope, window: `active_days_14d`.
        summary: what it is, in one line (the function's docstring).
        reads: one relation of `RELATIONS`, or the names of the features it is made of.
        stage: "known" for an aggregate over a relation, "row" for an expression over other features of the same row,
            "cohort" for one that compares a row with all learners enrolled at the same time in the same run, who
            share the number in column `cohort`.
        window: how far back it looks, in days; None for since the start.
        unit: what its number counts.
        bounds: least and greatest possible value; None where there is none.
        absent: the value where nothing is known; None stays absent (NaN).
        changeable: whether a learner can change it from now on.
        domain: the heading under which a teacher would look for it.
        sentence: how it is put to an adviser; `{value}` is the learner's number, `{median}` the course middle.
        define: the function.
    """

    name: str
    summary: str
    reads: tuple[str, ...]
    stage: Literal["known", "row", "cohort"]
    window: int | None
    unit: str
    bounds: tuple[float | None, float | None]
    absent: float | None
    changeable: bool
    domain: Domain
    sentence: str
    define: Callable[[Any], "ir.Value"] = field(compare=False, repr=False)

    @property
    def source_hash(self) -> str:
        """A hash of all that decides its value: its code and the names in it, what it reads, its value when absent."""
        text = "\x1f".join([self.name, *self.reads, self.stage, repr(self.absent), code_of(self.define)])
        return hashlib.sha256(text.encode()).hexdigest()


def code_of(function: Callable[..., Any]) -> str:
    """A function's code with the values and the code of the names that it uses.

    Comments, docstrings and decorators are left out. Functions of other packages stand for themselves by name.
    """
    return "\x1f".join(_code_of(function, set()))


def _code_of(function: Callable[..., Any], seen: set[str]) -> list[str]:
    seen.add(f"{function.__module__}.{function.__qualname__}")
    told = [_bare(function)]
    used = inspect.getclosurevars(function)
    for name, value in sorted({**used.globals, **used.nonlocals}.items()):
        if (
            isinstance(value, FunctionType)
            and value.__module__.partition(".")[0] == function.__module__.partition(".")[0]
        ):
            told += [] if f"{value.__module__}.{value.__qualname__}" in seen else [name, *_code_of(value, seen)]
        elif isinstance(value, ModuleType | FunctionType | BuiltinFunctionType | type):
            told.append(f"{name} is {value.__name__}")
        else:
            told.append(f"{name} = {value!r}")
    return told


@lru_cache(maxsize=4_096)  # what it uses may be another value at another time; its own text may not
def _bare(function: Callable[..., Any]) -> str:
    """The function's text without comments, docstrings and decorators."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.decorator_list = []
            if ast.get_docstring(node) is not None:
                node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


FEATURES: Extensions[Feature] = Extensions("features", "headway.features.library")


def feature(
    *,
    reads: str | tuple[str, ...],
    unit: str,
    sentence: str,
    domain: Domain,
    window: int | None = None,
    bounds: tuple[float | None, float | None] = (0, None),
    absent: float | None = None,
    changeable: bool = True,
    cohort: bool = False,
    name: str | None = None,
) -> Callable[[Callable[[Any], "ir.Value"]], Feature]:
    """A decorator that registers a feature; the arguments are those of `Feature`.

    Raises:
        ConfigError: the function has no docstring, or `reads` mixes relations and features.
    """
    wanted = (reads,) if isinstance(reads, str) else reads
    from_relation = [read in RELATIONS for read in wanted]

    def register(define: Callable[[Any], "ir.Value"]) -> Feature:
        called = name or define.__name__
        if not define.__doc__:
            raise ConfigError(f"Feature {called!r} has no docstring. Say in one line what it is.")
        if any(from_relation) and len(wanted) > 1:
            raise ConfigError(f"Feature {called!r} reads {wanted}. Read one relation, or features only.")
        return FEATURES.add(
            called,
            Feature(
                name=called,
                summary=define.__doc__.strip().splitlines()[0],
                reads=wanted,
                stage="known" if any(from_relation) else "cohort" if cohort else "row",
                window=window,
                unit=unit,
                bounds=bounds,
                absent=absent,
                changeable=changeable,
                domain=domain,
                sentence=sentence,
                define=define,
            ),
        )

    return register
