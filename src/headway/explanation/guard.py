"""What a reason may never say: a protected attribute of a person, or that one thing brought about another.

The guard looks at a feature's definition, not only at its name: a harmless name can be built on a protected fact.
Nobody may show a reason that has not passed `refuse_protected`.
"""

import ast
import functools
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable
from typing import Any, Final

from headway.domain.errors import NotPermitted
from headway.features.definition import Feature

PROTECTED: Final = frozenset(
    {
        "age",
        "age_band",
        "birth",
        "birthday",
        "carer",
        "caste",
        "citizenship",
        "deprivation",
        "disability",
        "disabled",
        "ethnic",
        "ethnicity",
        "first_generation",
        "gender",
        "highest_education",
        "imd",
        "imd_band",
        "income",
        "marital",
        "marital_status",
        "maternity",
        "nationality",
        "parental",
        "parental_education",
        "postcode",
        "pregnancy",
        "pregnant",
        "race",
        "racial",
        "region",
        "religion",
        "religious",
        "sex",
        "sexual_orientation",
        "sexuality",
        "socioeconomic",
        "veteran",
        "zipcode",
    }
)
"""Words for attributes that are never given as a reason (ux.md R7); the list errs on the side of refusing."""

CAUSAL: Final = (
    "because",
    "brings about",
    "cause",
    "caused",
    "causes",
    "causing",
    "drives",
    "due to",
    "enables",
    "lead to",
    "leading to",
    "leads to",
    "led to",
    "makes",
    "owing to",
    "prevents",
    "reduces the",
    "result in",
    "results in",
    "thanks to",
    "therefore",
)
"""Words that would turn an observation into a claim of cause and effect."""

_RECORD_AGE = re.compile(r"(?:^|_)age_(?:days|hours)$")
"""The end of a column name that means how old a record is, not a person."""
_CAUSAL = re.compile(r"\b(" + "|".join(re.escape(word) for word in CAUSAL) + r")\b", re.IGNORECASE)


def causal_words(text: str) -> tuple[str, ...]:
    """The words in `text` that claim cause and effect, in order.

    >>> causal_words("Fewer visits lead to fewer hand-ins")
    ('lead to',)
    """
    return tuple(match.group(0).lower() for match in _CAUSAL.finditer(text))


def protected_words(feature: Feature) -> tuple[str, ...]:
    """The protected attributes that a feature's name, inputs, sentence or code mentions, sorted.

    Code is searched for names, attributes and strings; a function whose source cannot be read is judged by the rest.
    """
    # Two features may differ in their code only, which takes no part in their equality.
    return _protected_words(feature, feature.define)


@functools.cache
def _protected_words(feature: Feature, define: Callable[[Any], object]) -> tuple[str, ...]:
    found = _mentions(feature.name) | _mentions(feature.sentence)
    for read in feature.reads:
        found |= _mentions(read)
    for word in _words_in_code(define):
        found |= _mentions(word)
    return tuple(sorted(found))


def refuse_protected(definitions: Iterable[Feature]) -> None:
    """Nothing, if no definition touches a protected attribute.

    Raises:
        NotPermitted: one does; the message names the feature and the word.
    """
    for feature in definitions:
        if words := protected_words(feature):
            raise NotPermitted(
                f"The feature {feature.name!r} mentions {', '.join(words)}, which may not be a reason about a person. "
                "Take it out of the view, or keep the attribute for the fairness report only."
            )


def _mentions(text: str) -> set[str]:
    """Protected words in a name or a sentence: as whole words, or as whole parts of a snake_case name."""
    found = set()
    for word in re.findall(r"[a-z0-9_]+", text.lower()):
        padded = f"_{_RECORD_AGE.sub('', word)}_"
        found |= {protected for protected in PROTECTED if f"_{protected}_" in padded}
    return found


def _words_in_code(define: Callable[[Any], object]) -> set[str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(define)))
    except (OSError, SyntaxError, TypeError):
        return set()
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.body and isinstance(node.body[0], ast.Expr)
    }
    words = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    words |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    words |= {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    }
    return words
