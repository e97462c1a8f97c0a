"""Labels: what a model learns to foresee, defined over what happened after the as-of time.

A label is found by its name with `label`: one of `LABELS`, a name of a family such as `inactive_next_10d`, or one that
the workspace defines in `headway.toml` over the same primitives (`headway.features.label_primitives`, where the
contract of a definition stands). The engine refuses evidence from before the window and censors what is not resolved.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from headway.domain.errors import ConfigError, UnknownName
from headway.features import label_primitives as made_of
from headway.features.label_primitives import MARKING_DAYS, PASS_MARK, Define

__all__ = [
    "DECREASES",
    "DFW_LABELS",
    "FAMILIES",
    "LABELS",
    "MARKING_DAYS",
    "PASS_MARK",
    "Definition",
    "Label",
    "configured_label",
    "followed",
    "label",
    "labels",
    "passes_assessment",
]


@dataclass(frozen=True, slots=True)
class Label:
    """A label's definition.

    Attributes:
        name: what users type.
        summary: what it says, in one line.
        binary: whether its values are 0 and 1, or numbers to be forecast.
        horizon_days: length of its window after the as-of time and action gap; None where the event itself ends it.
        whole_run: whether it is an outcome that becomes known for a whole run at once.
        stands_for: the outcome that a proxy stands for; None for an outcome.
        fails_when: for a proxy, when it is known to mislead.
        define: the function.
    """

    name: str
    summary: str
    binary: bool
    horizon_days: int | None
    whole_run: bool
    stands_for: str | None
    fails_when: str | None
    define: Define = field(compare=False)


class Definition(Protocol):
    """A label as a workspace defines it; `headway.settings.LabelSettings` checks that its parts fit its kind."""

    @property
    def kind(self) -> str:
        """The primitive."""
        ...

    @property
    def summary(self) -> str | None:
        """What it says, in one line."""
        ...

    @property
    def days(self) -> int | None:
        """Length of the window, or days to the due date."""
        ...

    @property
    def verbs(self) -> tuple[str, ...]:
        """Which verbs count; empty for all."""
        ...

    @property
    def types(self) -> tuple[str, ...]:
        """Which types of activity count; empty for all."""
        ...

    @property
    def or_withdraws(self) -> bool:
        """Whether leaving the run counts as inactivity."""
        ...

    @property
    def share(self) -> float | None:
        """How much less is a decrease."""
        ...

    @property
    def mark(self) -> float | None:
        """A mark from 0 to 1."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """Words of final results."""
        ...

    @property
    def event(self) -> str | None:
        """What is waited for."""
        ...

    @property
    def attribute(self) -> str | None:
        """An attribute's name."""
        ...

    @property
    def values(self) -> tuple[str, ...]:
        """Which of its values are true."""
        ...

    @property
    def stands_for(self) -> str | None:
        """The outcome that a proxy stands for."""
        ...

    @property
    def fails_when(self) -> str | None:
        """When the proxy is known to mislead."""
        ...


def label(name: str, configured: Mapping[str, Definition] | None = None) -> Label:
    """The label called `name`.

    Args:
        name: a name in `LABELS`, of a family of `FAMILIES`, or in `configured`.
        configured: what the workspace defines.

    Raises:
        UnknownName: there is none.
        ConfigError: the workspace gives a name that headway has itself.
    """
    own = configured or {}
    if name in own:
        return configured_label(name, own[name])
    found = LABELS.get(name) or _of_family(name)
    if found is None:
        patterns = [family.pattern for family in FAMILIES]
        raise UnknownName.of("label", name, [*LABELS, *own, *patterns])
    return found


def labels(configured: Mapping[str, Definition] | None = None) -> list[Label]:
    """All labels with a name of their own, headway's first, in the order in which they are defined.

    Raises:
        ConfigError: see `label`.
    """
    return [*LABELS.values(), *(configured_label(name, made) for name, made in (configured or {}).items())]


def configured_label(name: str, made: Definition) -> Label:
    """The label that a workspace defines.

    Raises:
        ConfigError: headway has a label of that name, or the definition lacks what its kind needs.
    """
    if name in LABELS or _of_family(name) is not None:
        raise ConfigError(f"headway has a label {name!r} itself. Give the one in [labels.{name}] another name.")
    if made.kind not in KINDS:
        raise ConfigError(f"labels.{name}: unknown kind {made.kind!r}. Known: {', '.join(KINDS)}.")
    return KINDS[made.kind](name, made)


def passes_assessment(due_in_days: int) -> Label:
    """A label on the assessment due `due_in_days` after the as-of day: 1 if its score reached `PASS_MARK`, else 0."""
    return _of(
        f"passes_assessment_due_in_{due_in_days}d",
        f"Reaches 40% in the assessment due {due_in_days} days after the as-of day.",
        made_of.passes(due_in_days),
        days=due_in_days,
    )


def followed(event: made_of.Event, silent_days: int = 14) -> tuple[Label, Label]:
    """The labels of survival: days until the event or the end of the run, and whether it was the event.

    Args:
        event: "withdrawal" or "silence"; see `label_primitives.followed`.
        silent_days: see there.
    """
    days, seen = made_of.followed(event, silent_days)
    said = "leaves" if event == "withdrawal" else f"stays silent for {silent_days} days or more"
    name = f"{event}_{silent_days}d" if event == "silence" else event
    return (
        _of(f"days_followed_to_{name}", f"Days until the learner {said} or the run ends.", days, number=True, run=True),
        _of(f"{name}_seen", f"Whether the learner {said} before the run ends.", seen, run=True),
    )


def _of(
    name: str,
    summary: str,
    define: Define,
    *,
    days: int | None = None,
    number: bool = False,
    run: bool = False,
    stands_for: str | None = None,
    fails_when: str | None = None,
) -> Label:
    return Label(name, summary, not number, days, run, stands_for, fails_when, define)


OUTCOME: Final = "does_not_finish"
SILENCE_FAILS: Final = "Holidays and exam weeks, work done offline, learners who study in rare long sittings."
DECREASE_FAILS: Final = "Weeks with less to do, holidays and exam weeks, learners who worked ahead."
MISS_FAILS: Final = "Extensions agreed with a tutor, assessments that do not count, substitution rules."

DECREASES: Final = {
    "video": ("video",),
    "quiz": ("quiz", "question", "interactive", "test", "quiz_assessment"),
    "assignment": ("assignment",),
}
"""Types of activity behind each indicator of engagement: videos; exercises and quizzes; assignments."""

DECREASE_SHARE: Final = 0.5

DFW_LABELS: Final = ("fail", "withdrawn", "d+", "d", "d-", "e", "f", "w", "wf", "wn", "wp", "wu", "fn")
"""Final results that are a D, an F or a withdrawal: our own words, and letters where a source keeps them.

A source that knows only pass or fail has no D. One that knows a percentage counts its own passes as passes: what is a D
is the institution's to say, with `mark` in a label of kind `outcome`.
"""

D_BELOW: Final = {"lap": 0.4}
"""Sources that keep grade points of four as the final score, and what is a D or less there: D+ is 1.3, C- is 1.7."""

RETURN_DAYS: Final = 28


def _withdraws(days: int, name: str = "") -> Label:
    summary = f"Leaves the run in the {days} days after the as-of day."
    return _of(name or f"withdraws_within_{days}d", summary, made_of.withdraws(), days=days)


def _inactive(days: int, name: str = "") -> Label:
    return _of(
        name or f"inactive_next_{days}d",
        f"Does nothing in the course in the {days} days after the as-of day.",
        made_of.inactive(),
        days=days,
        stands_for=OUTCOME,
        fails_when=SILENCE_FAILS,
    )


def _inactive_or_withdrawn(days: int) -> Label:
    return _of(
        f"inactive_or_withdrawn_next_{days}d",
        f"Does nothing in the course in the {days} days after the as-of day, or leaves it.",
        made_of.inactive(or_withdraws=True),
        days=days,
        stands_for=OUTCOME,
        fails_when=SILENCE_FAILS,
    )


def _less(what: str) -> Label:
    return _of(
        f"less_{what}_next_week",
        f"Next week has less than half of the learner's own weekly {what} activity so far.",
        made_of.decrease(7, DECREASE_SHARE, types=DECREASES[what]),
        days=7,
        stands_for=OUTCOME,
        fails_when=DECREASE_FAILS,
    )


def _days_to_activity(days: int, name: str = "") -> Label:
    return _of(
        name or f"days_to_next_activity_{days}d",
        f"Days to the next day with activity; {days} for who stays away so long or longer.",
        made_of.days_to("activity", days),
        days=days,
        number=True,
    )


@dataclass(frozen=True, slots=True)
class Family:
    """Labels that differ in a number of days.

    Attributes:
        pattern: the name, with `{k}` for the number.
        make: the label for a number.
    """

    pattern: str
    make: Callable[[int], Label] = field(compare=False)

    def of(self, name: str) -> Label | None:
        """The label of that name; None where the name is another's."""
        before, _, after = self.pattern.partition("{k}")
        found = re.fullmatch(f"{re.escape(before)}([1-9][0-9]{{0,3}}){re.escape(after)}", name)
        return self.make(int(found[1])) if found else None


FAMILIES: Final = (
    Family("withdraws_within_{k}d", _withdraws),
    Family("inactive_next_{k}d", _inactive),
    Family("inactive_or_withdrawn_next_{k}d", _inactive_or_withdrawn),
    Family("passes_assessment_due_in_{k}d", passes_assessment),
    Family("days_to_next_activity_{k}d", _days_to_activity),
)


def _of_family(name: str) -> Label | None:
    return next((found for family in FAMILIES if (found := family.of(name)) is not None), None)


def _table(made: Iterable[Label]) -> dict[str, Label]:
    return {one.name: one for one in made}


LABELS: Final[dict[str, Label]] = _table(
    (
        _withdraws(14),
        _of(
            OUTCOME,
            "Ends the run with a fail or a withdrawal.",
            made_of.outcome(made_of.NOT_FINISHED),
            run=True,
        ),
        _inactive(7, "inactive_next_week"),
        _of(
            "misses_next_assessment",
            "Has not handed in the next assessment by its due date.",
            made_of.misses_next(),
            stands_for=OUTCOME,
            fails_when=MISS_FAILS,
        ),
        _of("final_score", "The final score, from 0 to 1.", made_of.final_score(), number=True, run=True),
        _of("dfw", "Ends the run with a D, an F or a withdrawal.", made_of.outcome(DFW_LABELS, D_BELOW), run=True),
        _of(
            "passes_next_assessment",
            "Reaches 40% in the next assessment that is not handed in yet.",
            made_of.passes(None),
        ),
        *(_less(what) for what in DECREASES),
        _inactive(10),
        _inactive_or_withdrawn(7),
        _inactive_or_withdrawn(14),
        _days_to_activity(RETURN_DAYS, "days_to_next_activity"),
        _of(
            "days_to_withdrawal",
            "Days until the learner leaves the run, of those who leave before it ends.",
            made_of.days_to("withdrawal", None),
            number=True,
            run=True,
        ),
        _of(
            "truth_inactive_next_10d",
            "KDD Cup 2015's own label: no activity in the ten days after the log ends.",
            made_of.attribute("truth_inactive_next_10d", ("1",), 10),
            run=True,
        ),
    )
)


def _window(made: Definition, name: str) -> int:
    if made.days is None:
        raise ConfigError(f"labels.{name} is of kind {made.kind} and needs days.")
    return made.days


def _made_inactive(name: str, made: Definition) -> Label:
    define = made_of.inactive(made.verbs, made.types, or_withdraws=made.or_withdraws)
    summary = f"Nothing of the kind in the {made.days} days after the as-of day."
    return _configured(name, made, summary, define, days=_window(made, name))


def _made_withdraws(name: str, made: Definition) -> Label:
    summary = f"Leaves the run in the {made.days} days after the as-of day."
    return _configured(name, made, summary, made_of.withdraws(), days=_window(made, name))


def _made_outcome(name: str, made: Definition) -> Label:
    below = "" if made.mark is None else f", or a final score below {made.mark:.0%}"
    summary = f"Ends the run with {' or '.join(made.labels) or 'no such result'}{below}."
    return _configured(name, made, summary, made_of.outcome(made.labels, made.mark), run=True)


def _made_score_below(name: str, made: Definition) -> Label:
    mark = PASS_MARK if made.mark is None else made.mark
    return _configured(name, made, f"Has a final score below {mark:.0%}.", made_of.score_below(mark), run=True)


def _made_final_score(name: str, made: Definition) -> Label:
    return _configured(name, made, "The final score, from 0 to 1.", made_of.final_score(), number=True, run=True)


def _made_decrease(name: str, made: Definition) -> Label:
    days, share = made.days or 7, DECREASE_SHARE if made.share is None else made.share
    summary = f"The next {days} days have less than {share:.0%} of the learner's own mean before."
    return _configured(name, made, summary, made_of.decrease(days, share, made.verbs, made.types), days=days)


def _made_passes(name: str, made: Definition) -> Label:
    mark = PASS_MARK if made.mark is None else made.mark
    which = "next assessment" if made.days is None else f"assessment due in {made.days} days"
    summary = f"Reaches {mark:.0%} in the {which}."
    return _configured(name, made, summary, made_of.passes(made.days, mark), days=made.days)


def _made_misses(name: str, made: Definition) -> Label:
    return _configured(name, made, "Has not handed in the next assessment by its due date.", made_of.misses_next())


def _made_days_to(name: str, made: Definition) -> Label:
    event: made_of.Event = "withdrawal" if made.event == "withdrawal" else "activity"
    summary = f"Days to the next {event}{'' if made.days is None else f', at most {made.days}'}."
    define = made_of.days_to(event, made.days, made.verbs, made.types)
    return _configured(name, made, summary, define, days=made.days, number=True, run=made.days is None)


def _made_attribute(name: str, made: Definition) -> Label:
    summary = f"The attribute {made.attribute} is {' or '.join(made.values)}."
    define = made_of.attribute(str(made.attribute), made.values, made.days or 0)
    return _configured(name, made, summary, define, run=True)


def _configured(
    name: str,
    made: Definition,
    summary: str,
    define: Define,
    *,
    days: int | None = None,
    number: bool = False,
    run: bool = False,
) -> Label:
    return _of(
        name,
        made.summary or summary,
        define,
        days=days,
        number=number,
        run=run,
        stands_for=made.stands_for,
        fails_when=made.fails_when,
    )


KINDS: Final[dict[str, Callable[[str, Definition], Label]]] = {
    "inactive": _made_inactive,
    "withdraws": _made_withdraws,
    "outcome": _made_outcome,
    "score_below": _made_score_below,
    "final_score": _made_final_score,
    "decrease": _made_decrease,
    "passes_assessment": _made_passes,
    "misses_next": _made_misses,
    "days_to": _made_days_to,
    "attribute": _made_attribute,
}
"""The primitives that a workspace may build on; `headway.settings` says which parts each takes."""
