"""Small random course histories with all that makes knowledge awkward: late records, changed minds, moved dates.

Hypothesis draws how a world is; a seeded generator fills it, so that one example holds many histories and is still
cheap. All runs of a world are looked at at the same instant, which lies somewhere within most of them.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any, Final

import pyarrow as pa
from hypothesis import Phase, settings
from hypothesis import strategies as st

from headway.domain.records import KINDS, record_id
from headway.domain.time import AsOf, midnight, zone_of
from headway.features.moments import Moment

ZONES: Final = ("America/New_York", "Europe/London", "UTC", "Australia/Lord_Howe", "Asia/Kathmandu")

ANCHORS: Final = (
    AsOf.at("2025-03-09", "America/New_York"),  # clocks went forward on this day
    AsOf.at("2025-03-30", "Europe/London"),
    AsOf.at("2025-03-30T01:00:00+00:00"),  # the very instant at which they did
    AsOf.at("2025-10-26", "Europe/London"),  # clocks went back
    AsOf.at("2025-11-02", "America/New_York"),
    AsOf.at("2025-06-18T10:30:00+00:00"),
)

MATERIALS: Final = ("page", "video", "forum", "quiz", "homepage", "wiki")
ASSESSMENTS: Final = ("assignment", "test", "exam")

SKILLS: Final[tuple[list[str | None] | None, ...]] = (
    None,
    [],
    ["adding"],
    ["adding"],
    ["dividing"],
    ["adding", "dividing"],
    ["adding", None, "adding"],
)
"""What an answer may name: nothing, a skill, several, one twice, and one that has no name."""

BODIES: Final = (
    "",
    "  \n ",
    "Thank you.",
    "Is the\n\treading for week 3 the right one?",
    "I'm stuck on the second exercise and I don\u2019t understand the hint",
    "UNCLEAR! What does it ask?",
    "An obstruck word and a confuser: neither counts",
    "Ich bin verloren \u2013 wer hilft?",
)
"""What somebody may write: nothing, a question, difficulty, words that only look like it, another language."""


@dataclass(frozen=True)
class Habits:
    """How often things go awry in a world; each is a share."""

    late: float
    leaves: float
    returns: float
    moved: float
    unmarked: float
    no_outcome: float


@dataclass(frozen=True)
class World:
    """Random records of some runs, and the instant at which they are looked at."""

    as_of: AsOf
    seed: int
    tables: dict[str, pa.Table] = field(repr=False)
    moments: list[Moment] = field(repr=False)

    def rows(self, kind: str) -> list[dict[str, Any]]:
        """The records of a kind as plain Python."""
        found: list[dict[str, Any]] = self.tables[kind].to_pylist()
        return found


# Hypothesis begins with the first of each, so the first world has a bit of everything.
SHARES: Final = st.sampled_from([0.3, 0.1, 0.7, 0.0])

HABITS: Final = st.builds(
    Habits,
    late=st.sampled_from([0.6, 0.2, 0.0]),
    leaves=SHARES,
    returns=SHARES,
    moved=SHARES,
    unmarked=SHARES,
    no_outcome=st.sampled_from([0.1, 0.0, 0.5]),
)


PROMISE: Final = settings(phases=[Phase.explicit, Phase.reuse, Phase.generate])
"""For properties of worlds: their seed does not shrink, so trying to is a waste of minutes."""


def worlds() -> st.SearchStrategy[World]:
    """Worlds of 20 to 30 runs, one history each."""
    return st.builds(
        world,
        as_of=st.sampled_from(ANCHORS),
        habits=HABITS,
        runs=st.integers(20, 30),
        seed=st.integers(0, 2**32),
    )


def world(as_of: AsOf, habits: Habits, runs: int, seed: int) -> World:
    """The world of these habits and this seed."""
    random = Random(seed)
    records: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    moments: list[Moment] = []
    for number in range(runs):
        history = _History(random, as_of, habits, f"random/c{number % 3}/r{number}", records)
        moments += history.fill()
    tables = {kind: pa.Table.from_pylist(records[kind], schema=KINDS[kind].schema) for kind in KINDS}
    return World(as_of, seed, tables, sorted(set(moments)))


class _History:
    """One run, written into `records`."""

    def __init__(
        self, random: Random, as_of: AsOf, habits: Habits, run: str, records: dict[str, list[dict[str, Any]]]
    ) -> None:
        self.random, self.as_of, self.habits, self.run, self.records = random, as_of, habits, run, records
        self.zone = random.choice(ZONES)
        self.starts_on = as_of.day(self.zone) - timedelta(days=random.choice([-2, 0, 0, 1, 7, 10, 21, 28, 40, 60]))
        self.days = random.randint(14, 56)
        self.plan: list[tuple[str, str, date | None]] = []

    def fill(self) -> list[Moment]:
        """The moments at which the run may be looked at, none after the world's; the records go to `records`."""
        self._course_run()
        self._activities()
        for number in range(self.random.randint(1, 5)):
            # Some learners take several runs.
            self._learner(f"l{self.random.randint(0, 4)}" if number == 0 else f"{self.run}-l{number}")
        days = [0, 7, self.random.randint(-5, 50), self.random.randint(0, 30)]
        ends = [AsOf.at((self.starts_on + timedelta(days=day)).isoformat(), self.zone) for day in days]
        return [Moment(self.run, at) for at in [self.as_of, *ends] if at <= self.as_of]

    def add(self, kind: str, occurred_at: datetime, lag: timedelta | None = None, **columns: Any) -> None:
        number = len(self.records[kind])
        common = {
            "id": record_id("random", kind, str(number)),
            "source": "random",
            "run": self.run,
            "occurred_at": occurred_at,
            "recorded_at": occurred_at + (self._lag() if lag is None else lag),
        }
        self.records[kind].append(common | columns)

    def _lag(self) -> timedelta:
        """How late a record comes: mostly at once, sometimes weeks later."""
        if self.random.random() < self.habits.late:
            return timedelta(minutes=self.random.randint(1, 60 * 24 * 25))
        return timedelta(seconds=self.random.choice([0, 0, 1, 3600]))

    def _at(self, day: int) -> datetime:
        """Some instant of a local day, often its very first."""
        hour = self.random.choice([0, 0, 1, 2, 9, 15, 23])
        minute = 0 if self.random.random() < 0.3 else self.random.randint(0, 59)
        on = self.starts_on + timedelta(days=day)
        if hour == 0 and minute == 0:
            return midnight(on, self.zone)
        at = datetime.combine(on, time(hour, minute), tzinfo=zone_of(self.zone))
        return AsOf.at(at.isoformat()).instant

    def _on(self, at: datetime) -> date:
        return at.astimezone(zone_of(self.zone)).date()

    def _course_run(self) -> None:
        told: dict[str, Any] = {"course": self.run.rsplit("/", 1)[0], "starts_on": self.starts_on, "zone": self.zone}
        ends_on = self.starts_on + timedelta(days=self.days - 1)
        self.add("course_runs", self._at(-90), timedelta(0), ends_on=ends_on, **told)
        if self.random.random() < self.habits.moved:
            self.add("course_runs", self._at(20), ends_on=ends_on + timedelta(days=7), **told)

    def _activities(self) -> None:
        for number in range(self.random.randint(1, 5)):
            activity = f"a{number}"
            self.add("activities", self._at(self.random.randint(-30, 20)), activity=activity, **self._about_material())
            if self.random.random() < 0.2:
                self.add("activities", self._at(25), activity=activity, **self._about_material())
            self.plan.append((activity, "material", None))
        for number in range(self.random.randint(0, 4)):
            activity, due = f"w{number}", self.random.choice([7, 14, self.random.randint(0, self.days)])
            kind, weight = self.random.choice(ASSESSMENTS), self.random.choice([None, 0.0, 10.0, 25.0])
            due_on = self.starts_on + timedelta(days=due)
            announced = self.random.choice([-20, due - 8, due - 3, due + 2])
            self._assessment(announced, activity, kind, due_on, weight)
            if self.random.random() < self.habits.moved:
                self._assessment(announced + 4, activity, kind, due_on + timedelta(days=9), weight)
            self.plan.append((activity, kind, due_on))
        # Items of whose skills a course tells, one of them again, one late.
        for item, day, days_late, skills in (("x", -20, 0, 2), ("x", 9, 12, 4), ("y", 1, 3, 5)):
            told_at = midnight(self.starts_on + timedelta(days=day), self.zone)
            columns: dict[str, Any] = {"activity": item, "type": "item", "skills": SKILLS[skills]}
            self.add("activities", told_at, timedelta(days=days_late), **columns)

    def _assessment(self, announced: int, activity: str, kind: str, due_on: date, weight: float | None) -> None:
        due_at = midnight(due_on + timedelta(days=1), self.zone)
        told: dict[str, Any] = {
            "activity": activity,
            "type": kind,
            "weight": weight,
            "due_on": due_on,
            "due_at": due_at,
            "opens_on": self.random.choice([None, due_on - timedelta(days=self.random.choice([0, 7]))]),
        }
        self.add("activities", self._at(announced), **told)

    def _about_material(self) -> dict[str, Any]:
        planned = self.starts_on + timedelta(days=self.random.randint(0, self.days))
        return {
            "type": self.random.choice(MATERIALS),
            "opens_on": self.random.choice([None, planned]),
            "duration_s": self.random.choice([None, 60.0, 600.0]),
        }

    def _learner(self, learner: str) -> None:
        self._enrolments(learner)
        self._attributes(learner)
        for _ in range(self.random.choice([0, 1, 4, 15, 40])):
            self._statement(learner)
        for _ in range(self.random.choice([0, 0, 3])):
            self._sitting(learner)
        for number in range(self.random.choice([0, 0, 2])):
            self._post(learner, f"{learner}-p{number}")
        for _ in range(self.random.choice([0, 0, 5])):
            self._response(learner)
        self._texts(learner)
        for activity, kind, due_on in self.plan:
            if due_on is not None and self.random.random() < 0.7:
                self._hand_in(learner, activity, kind, (due_on - self.starts_on).days)
        self._outcome(learner)

    def _enrolments(self, learner: str) -> None:
        day = self.random.randint(-30, 6)
        status = "enrolled"
        chance = self.habits.leaves
        while True:
            at = self._at(day)
            ahead = timedelta(days=self.random.choice([0, 0, 0, 5]))  # a change may be announced before it is in force
            self.add(
                "enrolments",
                at,
                learner=learner,
                status=status,
                valid_from=at + ahead,
                valid_from_on=self._on(at + ahead),
            )
            if self.random.random() >= chance:
                return
            status, chance = (
                ("withdrawn", self.habits.returns) if status == "enrolled" else ("enrolled", self.habits.leaves)
            )
            day += self.random.choice([0, 3, 15, 40])

    def _attributes(self, learner: str) -> None:
        for name in ("previous_attempts", "studied_credits", "age_band"):
            for day in self.random.sample([-30, -30, 0, 12], k=self.random.randint(0, 2)):
                self.add(
                    "attributes",
                    self._at(-30),
                    self._lag() + timedelta(days=max(day, 0)),
                    learner=learner,
                    name=name,
                    value=self.random.choice(["0", "1", "60", "n/a"]),
                    valid_from=midnight(self.starts_on + timedelta(days=day), self.zone),
                    sensitive=name == "age_band",
                )

    def _statement(self, learner: str) -> None:
        day = self.random.randint(-25, self.days + 3)
        at = self._at(day)
        lag = None
        if self.random.random() < 0.3:  # a day's total, known when the day is over
            at = midnight(self.starts_on + timedelta(days=day), self.zone)
            lag = midnight(self.starts_on + timedelta(days=day + 1), self.zone) - at
        self.add(
            "statements",
            at,
            lag,
            learner=learner,
            verb="viewed",
            object=self.random.choice([*(activity for activity, *_ in self.plan), "elsewhere", None]),
            object_type=self.random.choice([None, None, "video", "forum"]),
            role=self.random.choice([None] * 9 + ["instructor", "automated"]),
            occurred_on=self._on(at),
            interactions=self.random.choice([0, 1, 1, 2, 7]),
            hour=None if lag is not None else at.astimezone(zone_of(self.zone)).hour,
        )

    def _acted(self, learner: str, at: datetime, **told: Any) -> None:
        local = at.astimezone(zone_of(self.zone))
        self.add("statements", at, learner=learner, occurred_on=local.date(), hour=local.hour, interactions=1, **told)

    def _sitting(self, learner: str) -> None:
        """Some minutes with recordings and pages, often up to and past midnight, parts of it known later."""
        at = self._at(self.random.randint(-3, self.days))
        place = 0.0
        for _ in range(self.random.randint(1, 12)):
            at += timedelta(seconds=self.random.choice([0, 1, 20, 300, 1500, 1801, 4000]))
            there, place = place, place + self.random.choice([-30.0, 0.0, 10.0, 90.0])
            told: dict[str, Any] = {"verb": "viewed", "object": "a0", "duration_s": self.random.choice([None, 40.0])}
            if self.random.random() < 0.7:
                told |= {
                    "verb": self.random.choice(["played", "paused", "seeked", "completed"]),
                    "object_type": "video",
                }
                told |= {"position_s": self.random.choice([None, place]), "object": self.random.choice(["a0", "a1"])}
                told |= {"from_s": there if told["verb"] == "seeked" else None}
            self._acted(learner, at, **told)

    def _post(self, learner: str, post: str) -> None:
        at, answered = self._at(self.random.randint(-3, self.days)), self.random.choice(["none", "other-p0", None])
        verb = "replied" if answered else "posted"
        self._acted(learner, at, verb=verb, object=post, parent=answered or "forum", object_type="thread")
        for number in range(self.random.choice([0, 1, 2])):
            told: dict[str, Any] = {"verb": "replied", "object": f"{post}-r{number}", "parent": post}
            told |= {"role": self.random.choice([None, "instructor"]), "object_type": "message"}
            self._acted(self.random.choice([learner, "someone"]), at + timedelta(hours=20 * number), **told)

    def _response(self, learner: str) -> None:
        told: dict[str, Any] = {
            "correct": self.random.choice([None, True, False]),
            "hints": self.random.choice([None, 2]),
        }
        told |= {"item": self.random.choice("xyz"), "attempt": self.random.choice([None, 1, 2])}
        told["skills"] = Random(len(self.records["responses"])).choice(SKILLS)
        self.add("responses", self._at(self.random.randint(-3, self.days)), learner=learner, **told)

    def _texts(self, learner: str) -> None:
        dice = Random(f"{self.run} {learner} writes")  # own dice, so that nothing else is thrown another way
        for _ in range(dice.choice([0, 0, 4])):
            told = {"type": dice.choice(["forum", "survey", "message"]), "activity": None, "language": "en"}
            at, lag = self._at(dice.randint(-3, self.days)), timedelta(hours=dice.choice([0, 1, 400]))
            self.add("texts", at, lag, learner=learner, body=dice.choice(BODIES), rating=None, **told)

    def _hand_in(self, learner: str, activity: str, kind: str, due: int) -> None:
        at = self._at(due + self.random.choice([-9, -2, -1, 0, 0, 1, 6]))
        if self.random.random() < 0.8:
            told: dict[str, Any] = {
                "learner": learner,
                "verb": "submitted",
                "object": activity,
                "occurred_on": self._on(at),
            }
            self.add("statements", at, interactions=0, **told)
        if self.random.random() < 1 - self.habits.unmarked:
            for attempt in range(self.random.choice([1, 1, 2])):
                self.add(
                    "results",
                    at,
                    timedelta(days=self.random.choice([0, 7, 20])),
                    learner=learner,
                    activity=activity,
                    attempt=attempt,
                    score=self.random.choice([None, 0.0, 0.35, 0.4, 1 / 3, 0.9, 1.0]),
                    submitted_at=at,
                    submitted_on=self._on(at),
                    transferred=self.random.random() < 0.1,
                )

    def _outcome(self, learner: str) -> None:
        if self.random.random() < self.habits.no_outcome:
            return
        for again in range(self.random.choice([1, 1, 2])):
            told = self.random.choice(["pass", "distinction", "fail", "withdrawn"])
            day = self.random.randint(3, self.days) if told == "withdrawn" else self.days
            score = None if told == "withdrawn" else self.random.random()
            lag = None if again == 0 else timedelta(days=20)
            self.add("outcomes", self._at(day), lag, learner=learner, label=told, final_score=score)
