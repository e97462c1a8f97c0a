"""What the file formats share: the names of a run's activities, and the number by which a platform knows a learner."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from headway.sources.simulation.plan import SOURCE, Ints, Run, assessments_of, resources_of

ORGANISATION: Final = "Example"


@dataclass(frozen=True, slots=True)
class Thing:
    """An activity of a run.

    Attributes:
        name: its id.
        type: page, video, quiz, forum, assignment, test or exam.
        title: for people.
        place: where in the course it stands, such as `w01`.
    """

    name: str
    type: str
    title: str
    place: str


@lru_cache(maxsize=8)
def things_of(run: Run) -> tuple[Thing, ...]:
    """The activities of a run, by their number."""
    material = [
        Thing(name, kind, title, f"w{(opens + 3) // 7 + 1:02}") for name, kind, title, opens in resources_of(run)
    ]
    return (*material, *(Thing(one.activity, one.type, one.title, "work") for one in assessments_of(run)))


def numbers_of(learners: Iterable[str]) -> Ints:
    """The numbers, below 2**32, by which a platform knows these learners: the digits of their pseudonyms."""
    digits = "".join(str(learner).removeprefix(f"{SOURCE}/") for learner in learners)
    return np.frombuffer(bytes.fromhex(digits), ">u4").astype(np.int64)
