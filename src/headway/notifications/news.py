"""What there is to tell, before it becomes a mail or a message: tasks by pseudonym, and notes. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

OPENED: Final = "tasks.opened"
DIGEST: Final = "digest"
MOST_ITEMS: Final = 50


@dataclass(frozen=True, slots=True)
class Item:
    """A task as others are told of it.

    Attributes:
        task: its id.
        run: the course run.
        learner: the pseudonym.
        list: where it stands, by its name.
        reason: one sentence.
        opened_at: when it was opened.
        link: where to see it; empty where there are no pages.
        follow_up_on: the day on which somebody meant to look again.
    """

    task: str
    run: str
    learner: str
    list: str
    reason: str
    opened_at: datetime
    link: str = ""
    follow_up_on: date | None = None

    def as_json(self) -> dict[str, Any]:
        """The item as JSON data; without what is not known."""
        told = {
            "task": self.task,
            "run": self.run,
            "learner": self.learner,
            "list": self.list,
            "reason": self.reason,
            "opened_at": self.opened_at.isoformat(),
            "link": self.link,
            "follow_up_on": self.follow_up_on.isoformat() if self.follow_up_on else "",
        }
        return {name: value for name, value in told.items() if value}


@dataclass(frozen=True, slots=True)
class News:
    """Something to tell.

    Attributes:
        kind: `OPENED` or `DIGEST`.
        at: when it was put together.
        items: the tasks, in order.
        follow_ups: tasks with a follow-up that is due soon.
        answers: sentences about challenges that whoever reads this raised and that were answered.
        notes: sentences about the data, such as that a feed is silent.
        words: sentences that go under every message.
    """

    kind: str
    at: datetime
    items: Sequence[Item] = ()
    follow_ups: Sequence[Item] = ()
    notes: Sequence[str] = ()
    words: Sequence[str] = field(default_factory=tuple)
    answers: Sequence[str] = ()

    @property
    def headline(self) -> str:
        """How many there are, in a few words."""
        number = len(self.items)
        told = "1 learner may need contact" if number == 1 else f"{number} learners may need contact"
        if number:
            return told
        return "Follow-ups" if self.follow_ups else "Answers" if self.answers else "Notes on the data"

    def by_list(self) -> Mapping[str, list[Item]]:
        """The items under the names of their lists, in the order in which these come first."""
        found: dict[str, list[Item]] = {}
        for item in self.items:
            found.setdefault(item.list, []).append(item)
        return found

    def as_json(self) -> dict[str, Any]:
        """The news as JSON data, the payload of a webhook."""
        return {
            "type": self.kind,
            "timestamp": self.at.isoformat(),
            "data": {
                "tasks": [item.as_json() for item in self.items],
                "follow_ups": [item.as_json() for item in self.follow_ups],
                "notes": list(self.notes),
                "please_note": list(self.words),
            },
        }
