"""A home whose lake holds a hand-made history, for tests of what happens while a course runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from headway.flow import App, open_app
from tests.support.tiny import History, at


@dataclass
class Ticking:
    """A clock that is set."""

    at: datetime

    def now(self) -> datetime:
        """What it was set to."""
        return self.at


def course(days: int = 20, learners: int = 12) -> History:
    """A run in which everyone comes every day in the morning and the evening, up to a day and without it."""
    history = History().plan("w1", 5).plan("w2", 12)
    for number in range(learners):
        learner = f"tiny/{number}"
        history.enrol(learner).hand_in(learner, "w1", 4).hand_in(learner, "w2", 11)
        for day in range(days):
            for hour in (9, 13, 17, 21):
                come(history, learner, day, hour)
    return history


def come(history: History, learner: str, day: int, hour: float) -> None:
    """A visit at an hour, known at once."""
    history.act(learner, day, 3, object="page", object_type="page")
    history.records["statements"][-1] |= {"occurred_at": at(day, hour), "recorded_at": at(day, hour)}


def arrive(app: App, history: History, after: History | None = None) -> None:
    """Brings a history into the home's lake; only what it has more than another, where one is named."""
    for kind, table in history.tables().items():
        known = 0 if after is None else len(after.records[kind])
        if table.num_rows > known:
            app.lake.append(kind, table.slice(known).to_reader())


@contextmanager
def tiny_home(folder: Path, history: History | None, now: datetime, **settings: Any) -> Iterator[tuple[App, Ticking]]:
    """The home with the history in it besides what is there already, and its clock; nothing is scored by itself."""
    clock = Ticking(now)
    quiet: dict[str, Any] = {"worker": {"score": False}} | settings
    with open_app(folder, clock=clock, **quiet) as app:
        if history is not None:
            arrive(app, history)
        yield app, clock
