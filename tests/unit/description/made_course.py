"""A made-up course over the hand-made history: learners with a plan of active days, and what follows from it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from headway.description.ground import Ground, ground
from headway.description.names import names_of
from tests.support.memory import Memory
from tests.support.tiny import RUN, History, at, end_of

WEEKS = 8
LAST_DAY = 55


@contextmanager
def course(history: History, day: int | None = None) -> Iterator[tuple[Ground, dict[str, str]]]:
    """The ground of the history's run as of the end of a day (None: of all that is known), and its names."""
    with Memory(history.tables()) as records:
        place = ground(records, RUN, None if day is None else end_of(day))
        yield place, names_of(place.activities)


def everyone(history: History, learners: int, days: Callable[[int], Iterable[int]], prefix: str = "a") -> list[str]:
    """Enrols learners who are active on the days that `days` gives for their number; their ids."""
    names = [f"{prefix}{number:03}" for number in range(learners)]
    for number, learner in enumerate(names):
        history.enrol(learner)
        for day in days(number):
            history.act(learner, day, 2, object="page/1", object_type="page")
    return names


def steady(number: int) -> list[int]:
    """Two days in each week, not the same for everyone."""
    return [7 * week + (number + offset) % 7 for week in range(WEEKS) for offset in (0, 3)]


def watch(history: History, learner: str, video: str, day: int, *steps: tuple[str, float, float, float | None]) -> None:
    """Acts on a recording: verb, seconds after noon, position, and where a seek came from."""
    for verb, after_s, position, origin in steps:
        moment = at(day, 12) + timedelta(seconds=after_s)
        history.add(
            "statements",
            moment,
            learner=learner,
            verb=verb,
            object=video,
            object_type="video",
            occurred_on=moment.date(),
            hour=12,
            interactions=1,
            position_s=position,
            from_s=origin,
        )
