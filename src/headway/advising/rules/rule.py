"""What an alert rule is: a small function that sees a cohort as of now and says whom it concerns, and why.

A rule sees only what `Evidence` shows: feature values as of some times, predictions, scored texts. It reads no records,
clock or database, and it does not decide whether a task is opened; `opening.admit` does, the same way for all rules.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from headway.advising.tasks import DUE_IN
from headway.domain.errors import ConfigError
from headway.domain.extensions import Extensions
from headway.domain.time import AsOf
from headway.live_settings import EngagementSettings, ListSlug

if TYPE_CHECKING:
    from numpy.typing import NDArray

Needs = Literal["features", "predictions", "texts"]

COOL_DOWN: Final = timedelta(days=7)

RECORDS: Final = "records"
"""What evidence calls the ids of the texts that a task asks to read: a text is asked about once."""


@dataclass(frozen=True, slots=True, order=True)
class Read:
    """A feature, as of some days before the as-of time."""

    feature: str
    days_ago: int = 0


@dataclass(frozen=True, slots=True)
class Said:
    """What the newest prediction says of a learner.

    Attributes:
        risk: the calibrated risk, 0 to 1.
        order: the place in the list, from 1.
        score_run: where it is kept.
        main_reason: the strongest reason, as a sentence.
    """

    risk: float
    order: int
    score_run: str
    main_reason: str | None


@dataclass(frozen=True, slots=True)
class ScoredText:
    """How a learner's text reads to a model: from 0 to 1, how much it sounds like distress.

    Attributes:
        learner: who wrote it.
        record: the record's id, hexadecimal.
        score: from 0 to 1.
        above: whether the model asks that a person reads it at once.
    """

    learner: str
    record: str
    score: float
    above: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """A cohort as rules see it.

    Attributes:
        run: the course run.
        as_of: the as-of time.
        learners: everyone enrolled then, by id.
        columns: the values of what was read, in the order of `learners`; NaN where absent.
        predictions: by learner; empty where the run was not scored.
        capacity: contacts that advisers can make in a week.
        texts: texts known by then that a model has scored.
        engagement: the thresholds of the engagement score.
    """

    run: str
    as_of: AsOf
    learners: Sequence[str]
    columns: "Mapping[Read, NDArray[np.float64]]"
    predictions: Mapping[str, Said] = field(default_factory=dict)
    capacity: int = 0
    texts: Sequence[ScoredText] = ()
    engagement: EngagementSettings = field(default_factory=EngagementSettings)

    def value(self, feature: str, days_ago: int = 0) -> "NDArray[np.float64]":
        """A feature's values, one for each learner; NaN where absent, also for who was not enrolled then.

        Raises:
            ConfigError: the rule did not say that it reads it.
        """
        try:
            return self.columns[Read(feature, days_ago)]
        except KeyError:
            raise ConfigError(
                f"A rule asks for {feature} of {days_ago} days ago without naming it in `reads`. Name it there."
            ) from None

    def hits(self, which: "NDArray[np.bool_]", order_by: "NDArray[np.float64]", *reads: Read) -> "list[Hit]":
        """The learners that a mask names, with the values that were read.

        Args:
            which: one truth for each learner.
            order_by: whoever has more comes first where there is no capacity for all.
            reads: what is kept with the task as evidence.
        """
        return [
            Hit(
                str(self.learners[place]),
                {_told(read): _plain(float(self.columns[read][place])) for read in reads},
                float(np.nan_to_num(order_by[place])),
            )
            for place in np.flatnonzero(which).tolist()
        ]


@dataclass(frozen=True, slots=True)
class Hit:
    """A learner whom a rule concerns.

    Attributes:
        learner: the pseudonym.
        values: what was seen, by name; the placeholders of the rule's sentence.
        strength: whoever has more comes first.
    """

    learner: str
    values: Mapping[str, float | int | str | None]
    strength: float = 0.0

    @property
    def records(self) -> frozenset[str]:
        """The ids of the texts that it asks somebody to read."""
        return frozenset(str(self.values.get(RECORDS) or "").split())


Decide = Callable[[Evidence], Sequence[Hit]]


@dataclass(frozen=True, slots=True)
class Rule:
    """An alert rule.

    Attributes:
        name: what it is called.
        summary: what it looks for, in one line.
        list: where its tasks go.
        text: the sentence on a task; `{name}` stands for a value that was seen.
        decide: says whom it concerns.
        reads: the features that `decide` may ask for.
        needs: what must be there.
        cool_down: rest after a task or a contact.
        due_in: when an open task expires.
        rests_on_silence: whether it is frozen while the run's feed is silent.
        urgent: whether capacity and the rest after other contacts do not hold it back.
        per_day: tasks opened in a run and day, at most.
        per_week: in seven days.
        runs: runs, ids or globs; all where there are none.
        enabled: whether it is evaluated.
    """

    name: str
    summary: str
    list: ListSlug
    text: str
    decide: Decide = field(compare=False, repr=False)
    reads: tuple[Read, ...] = ()
    needs: frozenset[Needs] = frozenset({"features"})
    cool_down: timedelta = COOL_DOWN
    due_in: timedelta = DUE_IN
    rests_on_silence: bool = True
    urgent: bool = False
    per_day: int | None = None
    per_week: int | None = None
    runs: tuple[str, ...] = ()
    enabled: bool = True

    def sentence(self, hit: Hit) -> str:
        """What the task says of a learner; placeholders that nothing is known for read "–"."""
        told = {name: _number(value) for name, value in hit.values.items()}
        return self.text.format_map(_Known(told))


RULES: Extensions[Rule] = Extensions("rules", "headway.advising.rules.library")


def rule(
    *,
    reads: Sequence[str | tuple[str, int]] = (),
    text: str,
    list: ListSlug = "check_in",  # noqa: A002 - the word that settings use
    needs: Sequence[Needs] = ("features",),
    cool_down_days: int = 7,
    rests_on_silence: bool = True,
    urgent: bool = False,
    enabled: bool = True,
) -> Callable[[Decide], Rule]:
    """A decorator that registers an alert rule; the arguments are those of `Rule`.

    Args:
        reads: feature names, or pairs of a name and how many days ago.
        text: the sentence on a task.
        list: where its tasks go.
        needs: what must be there.
        cool_down_days: rest after a task or a contact.
        rests_on_silence: whether it is frozen while the run's feed is silent.
        urgent: whether capacity does not hold it back.
        enabled: whether it is evaluated unless settings say otherwise.

    Raises:
        ConfigError: the function has no docstring.
    """

    def register(decide: Decide) -> Rule:
        name = getattr(decide, "__name__", "rule")
        if not decide.__doc__:
            raise ConfigError(f"Rule {name!r} has no docstring. Say in one line what it looks for.")
        made = Rule(
            name=name,
            summary=decide.__doc__.strip().splitlines()[0],
            list=list,
            text=text,
            decide=decide,
            reads=tuple(Read(each) if isinstance(each, str) else Read(*each) for each in reads),
            needs=frozenset(needs),
            cool_down=timedelta(days=cool_down_days),
            rests_on_silence=rests_on_silence,
            urgent=urgent,
            enabled=enabled,
        )
        return RULES.add(name, made)

    return register


class _Known(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "–"


def _told(read: Read) -> str:
    return f"{read.feature}_{read.days_ago}d_ago" if read.days_ago else read.feature


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else value


def _number(value: float | str | None) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
