"""Segments that people make by rules: sentences about what learners did, joined by all or any. Pure.

A rule asks only for what is in `KINDS`: what learners did, where they stand on the lists, which tutor group they have.
Nothing about who they are can be asked for; a rule that tries is refused, and so is one that is kept and was changed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, cast, get_args

import numpy as np

from headway.advising.wording import LISTS
from headway.domain.errors import InputError, NotPermitted, UnknownName
from headway.explanation.guard import PROTECTED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

ConditionKind = Literal[
    "not_opened",
    "not_visited",
    "stopped_after",
    "last_visit",
    "never",
    "every_week",
    "score_below",
    "not_handed_in",
    "list",
    "group",
    "behaves",
]
Match = Literal["all", "any"]

KINDS: Final[dict[ConditionKind, tuple[str, ...]]] = {
    "not_opened": ("week",),
    "not_visited": ("week",),
    "stopped_after": ("week",),
    "last_visit": ("days",),
    "never": (),
    "every_week": (),
    "score_below": ("assessment", "percent"),
    "not_handed_in": ("assessment",),
    "list": ("list",),
    "group": ("group",),
    "behaves": ("type",),
}
"""What a rule may ask for, and what each condition needs."""

NAME_CHARACTERS: Final = 120
_NUMBERS: Final[Mapping[str, tuple[int, int]]] = {"week": (1, 104), "days": (0, 365), "percent": (1, 100)}
_LONGEST: Final = 255


@dataclass(frozen=True, slots=True)
class Condition:
    """One sentence of a rule: its kind and what it needs, numbers as numbers."""

    kind: ConditionKind
    values: Mapping[str, int | str] = field(default_factory=dict)

    def as_json(self) -> dict[str, int | str]:
        """The condition as JSON data."""
        return {"kind": self.kind, **self.values}


@dataclass(frozen=True, slots=True)
class Rule:
    """Sentences, and whether all must hold or any."""

    match: Match
    conditions: tuple[Condition, ...]

    def as_json(self) -> dict[str, Any]:
        """The rule as JSON data."""
        return {"match": self.match, "conditions": [each.as_json() for each in self.conditions]}


@dataclass(frozen=True, slots=True)
class Columns:
    """What rules ask about, one row for each learner.

    Attributes:
        absent_days: days since the last visit; NaN where there was none.
        visited: shape (learners, weeks): whether there was a visit.
        opened: shape (learners, weeks): whether any of the week's own materials was opened.
        assessments: ids, in the order of the columns below.
        handed_in: shape (learners, assessments).
        score: shape (learners, assessments), 0 to 1; NaN where there is none.
        list: the list of each, as its place in `LISTS`; -1 for none.
        group: the tutor group.
        type: gives the reason type of each; called only where a rule asks for it.
    """

    absent_days: "NDArray[np.float64]"
    visited: "Mask"
    opened: "Mask"
    assessments: Sequence[str]
    handed_in: "Mask"
    score: "NDArray[np.float64]"
    list: "NDArray[np.int8]"
    group: "NDArray[np.object_]"
    type: "Callable[[], NDArray[np.object_]]"

    def __len__(self) -> int:
        return len(self.absent_days)


def rule_of(data: Mapping[str, Any]) -> Rule:
    """The rule that JSON data says.

    Raises:
        NotPermitted: it asks for what learners are.
        UnknownName: it asks for what nobody knows.
        InputError: it has no sentence, or a number that cannot be.
    """
    told = data.get("conditions")
    if not isinstance(told, list) or not told:
        raise InputError("A segment needs at least one sentence. Tick one.")
    match = data.get("match", "all")
    if match not in get_args(Match):
        raise UnknownName.of("way to join sentences", str(match), get_args(Match))
    return Rule(cast("Match", match), tuple(_condition(each) for each in told))


def rule_from(match: str, used: Sequence[str], value: Callable[[str], str]) -> Rule:
    """The rule that a form says: kinds that are ticked, each value under `kind-name`.

    Raises:
        NotPermitted: it asks for what learners are.
        UnknownName: it asks for what nobody knows.
        InputError: nothing is ticked, or a number that cannot be.
    """
    told = []
    for kind in dict.fromkeys(used):
        needed = KINDS.get(cast("ConditionKind", kind), ())
        told.append({"kind": kind} | {name: value(f"{kind}-{name}") for name in needed})
    return rule_of({"match": match or "all", "conditions": told})


def members(rule: Rule, columns: Columns) -> "Mask":
    """Who is in the segment, shape (learners,)."""
    found = [_holds(each, columns) for each in rule.conditions]
    joined = np.logical_and.reduce(found) if rule.match == "all" else np.logical_or.reduce(found)
    return np.asarray(joined, dtype=np.bool_)


def name_of(text: str) -> str:
    """A name for a segment, checked.

    Raises:
        InputError: it is empty or long.
    """
    name = " ".join(text.split())
    if not 0 < len(name) <= NAME_CHARACTERS or not name.isprintable():
        raise InputError(f"A segment needs a name of at most {NAME_CHARACTERS} characters.")
    return name


def _condition(told: Any) -> Condition:
    if not isinstance(told, Mapping):
        raise InputError("A sentence of a rule cannot be read.")
    kind = str(told.get("kind", ""))
    if kind not in KINDS:
        _refuse_sensitive(kind, *(str(each) for each in told.values()))
        raise UnknownName.of("sentence", kind, KINDS)
    return Condition(kind, {name: _value(name, told.get(name, "")) for name in KINDS[kind]})


def _refuse_sensitive(*texts: str) -> None:
    """Raises NotPermitted where a text names what somebody is."""
    words = {word for text in texts for word in text.lower().replace("-", "_").replace("_", " ").split()}
    named = {text.lower().replace(" ", "_") for text in texts}
    if found := sorted((words | named) & PROTECTED):
        raise NotPermitted(
            f"“{found[0]}” is about who somebody is and cannot be used as a rule without approval. "
            "Use what learners did. Differences between groups of people are on the model's page, under fairness."
        )


def _value(name: str, given: Any) -> int | str:
    if name in _NUMBERS:
        low, high = _NUMBERS[name]
        try:
            number = int(given)
        except (TypeError, ValueError) as wrong:
            raise InputError(f"The number of the {name} is missing. Write {low} to {high}.") from wrong
        if not low <= number <= high:
            raise InputError(f"{number} cannot be the {name}. Write {low} to {high}.")
        return number
    text = str(given)
    if not text or len(text) > _LONGEST or not text.isprintable():
        raise InputError(f"Choose one for the {name}.")
    if name == "list" and text not in LISTS:
        raise UnknownName.of("list", text, LISTS)
    return text


def _holds(condition: Condition, columns: Columns) -> "Mask":
    values = condition.values
    checks: dict[ConditionKind, Callable[[], Any]] = {
        "not_opened": lambda: _not_in_week(columns.opened, values),
        "not_visited": lambda: _not_in_week(columns.visited, values),
        "stopped_after": lambda: _stopped(columns.visited, int(values["week"])),
        "last_visit": lambda: ~(columns.absent_days <= int(values["days"])),
        "never": lambda: np.isnan(columns.absent_days),
        "every_week": lambda: columns.visited.all(axis=1) & (columns.visited.shape[1] > 0),
        "score_below": lambda: _of_work(columns.score * 100 < int(values["percent"]), columns, values),
        "not_handed_in": lambda: _of_work(~columns.handed_in, columns, values),
        "list": lambda: columns.list == LISTS.index(cast("Any", values["list"])),
        "group": lambda: columns.group == values["group"],
        "behaves": lambda: columns.type() == values["type"],
    }
    return np.asarray(checks[condition.kind](), dtype=np.bool_)


def _not_in_week(done: "Mask", values: Mapping[str, int | str]) -> "Mask":
    """Who did not do it in the week; nobody while the week has not begun."""
    week = int(values["week"])
    return ~done[:, week - 1] if week <= done.shape[1] else np.zeros(len(done), dtype=np.bool_)


def _stopped(visited: "Mask", week: int) -> "Mask":
    """Who came in the week and never since; nobody where no week followed yet."""
    if week >= visited.shape[1]:
        return np.zeros(len(visited), dtype=np.bool_)
    return np.asarray(visited[:, week - 1] & ~visited[:, week:].any(axis=1), dtype=np.bool_)


def _of_work(each: "Mask", columns: Columns, values: Mapping[str, int | str]) -> "Mask":
    """The column of one assessment; nobody where it is not in the plan."""
    if values["assessment"] not in columns.assessments:
        return np.zeros(len(columns), dtype=np.bool_)
    return np.asarray(each[:, list(columns.assessments).index(str(values["assessment"]))], dtype=np.bool_)
