"""Which of those whom rules concern get a task now: suppression, rest and capacity, the same for every rule. Pure.

Reasons not to open are counted, never silent: who was held back by capacity is looked at again the next time.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from headway.advising.rules.rule import Hit, Rule
from headway.advising.tasks import Task, task_id
from headway.domain.time import AsOf
from headway.live_settings import ListSlug

Held = Literal["has_a_task", "resting", "asked_not_to", "capacity"]

DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is already so in a run.

    Attributes:
        tasks: of each learner and rule, when the newest task last changed, and the list of the live one, if any.
        contacts: when each learner was last contacted.
        not_to_contact: learners who asked not to be contacted on the basis of this.
        opened: rule, list and opening instant of the tasks of the last seven days.
    """

    tasks: Mapping[tuple[str, str], tuple[datetime, ListSlug | None]] = field(default_factory=dict)
    contacts: Mapping[str, datetime] = field(default_factory=dict)
    not_to_contact: Collection[str] = frozenset()
    opened: Sequence[tuple[str, ListSlug, datetime]] = ()


@dataclass(frozen=True, slots=True)
class Opened:
    """What came of one rule.

    Attributes:
        rule: its name.
        tasks: those to open, in order.
        concerned: how many learners it concerns.
        held: how many of them got no task, by reason.
    """

    rule: str
    tasks: tuple[Task, ...]
    concerned: int
    held: Mapping[Held, int]

    def counts(self) -> dict[str, int]:
        """The numbers as JSON-ready data."""
        return {"concerned": self.concerned, "opened": len(self.tasks), **dict(sorted(self.held.items()))}


def admit(
    found: Iterable[tuple[Rule, Sequence[Hit]]], standing: Standing, run: str, as_of: AsOf, now: datetime, capacity: int
) -> list[Opened]:
    """The tasks to open, by rule: urgent rules first, then "reach out" before "check in", then by name.

    Who is on a list already gets no second task for the same or a lesser one: "reach out" comes after "check in", not
    the other way round. Urgent rules alone open another beside it.

    Args:
        found: rules with those whom they concern.
        standing: what is already so.
        run: the course run.
        as_of: the as-of time of what the rules saw.
        now: the instant of opening.
        capacity: tasks on the list "reach out" that may be opened in a run and seven days; urgent ones do not count.
    """
    ranked = sorted(found, key=lambda pair: (not pair[0].urgent, _RANK[pair[0].list], pair[0].name))
    urgent = {rule.name for rule, _ in ranked if rule.urgent}
    live: dict[str, int] = {}
    for (learner, name), (_, stands_on) in standing.tasks.items():
        if stands_on is not None and name not in urgent:
            live[learner] = min(live.get(learner, _LAST), _RANK[stands_on])
    book = _Book(standing.opened, urgent, now, capacity)
    return [_of(rule, hits, standing, live, book, run, as_of, now) for rule, hits in ranked]


_RANK: Final[dict[ListSlug, int]] = {"reach_out": 0, "check_in": 1, "keep_an_eye": 2}
_LAST: Final = len(_RANK)


class _Book:
    """What may still be opened."""

    def __init__(
        self, opened: Sequence[tuple[str, ListSlug, datetime]], urgent: Collection[str], now: datetime, capacity: int
    ) -> None:
        self.week = Counter(rule for rule, _, at in opened if at > now - WEEK)
        self.day = Counter(rule for rule, _, at in opened if at > now - DAY)
        of_list = [1 for rule, name, at in opened if name == "reach_out" and at > now - WEEK and rule not in urgent]
        self.left = capacity - len(of_list)

    def take(self, rule: Rule) -> bool:
        """Whether a task of the rule may be opened; it then counts."""
        if rule.per_day is not None and self.day[rule.name] >= rule.per_day:
            return False
        if rule.per_week is not None and self.week[rule.name] >= rule.per_week:
            return False
        counted = rule.list == "reach_out" and not rule.urgent
        if counted and self.left <= 0:
            return False
        self.left -= counted
        self.day[rule.name] += 1
        self.week[rule.name] += 1
        return True


def _of(
    rule: Rule,
    hits: Sequence[Hit],
    standing: Standing,
    live: dict[str, int],
    book: _Book,
    run: str,
    as_of: AsOf,
    now: datetime,
) -> Opened:
    held: Counter[Held] = Counter()
    tasks = []
    for hit in sorted(hits, key=lambda one: (-one.strength, one.learner)):
        why = _held(rule, hit.learner, standing, live, now)
        if why is None and not book.take(rule):
            why = "capacity"
        if why is not None:
            held[why] += 1
            continue
        if not rule.urgent:
            live[hit.learner] = _RANK[rule.list]
        tasks.append(_task(rule, hit, run, as_of, now))
    return Opened(rule.name, tuple(tasks), len(hits), dict(held))


def _held(rule: Rule, learner: str, standing: Standing, live: Mapping[str, int], now: datetime) -> Held | None:
    changed, stands_on = standing.tasks.get((learner, rule.name), (None, None))
    if stands_on is not None or (not rule.urgent and live.get(learner, _LAST) <= _RANK[rule.list]):
        return "has_a_task"
    # An urgent text is read by a person all the same: it is they who decide whether to write.
    if learner in standing.not_to_contact and not rule.urgent:
        return "asked_not_to"
    contact = None if rule.urgent else standing.contacts.get(learner)
    if any(at is not None and at + rule.cool_down > now for at in (changed, contact)):
        return "resting"
    return None


def _task(rule: Rule, hit: Hit, run: str, as_of: AsOf, now: datetime) -> Task:
    return Task(
        id=task_id(run, hit.learner, rule.name, now),
        run=run,
        learner=hit.learner,
        rule=rule.name,
        list=rule.list,
        reason=rule.sentence(hit),
        as_of=as_of.instant,
        opened_at=now,
        due_at=now + rule.due_in,
        changed_at=now,
        evidence=dict(hit.values),
    )
