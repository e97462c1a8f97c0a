"""The teaching plan: courses, their half-yearly runs, activities by week, assessments with due days, holidays.

A plan holds no chance but one number per run (`shift`, how hard this run turned out), and nothing about learners.
Days are counted from the run's first day (day 0, a Monday); weeks from 0.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headway.sources.simulation.knobs import Knobs, monday_on_or_after

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SOURCE: Final = "simulated"
LEAD_DAYS: Final = 7  # days before the start on which the course site is already open
PER_WEEK: Final = (
    "page",
    "page",
    "page",
    "video",
    "quiz",
    "forum",
)  # one week's activities, in the order of their numbers
ANNOUNCED_DAYS: Final = 70  # the plan is public this long before the start
BREAK_FACTOR: Final = 0.35  # what is left of a usual day's activity in a holiday


@dataclass(frozen=True, slots=True)
class Course:
    """A course: what it is like, whoever teaches it.

    Attributes:
        code: the middle part of run ids.
        title: for people.
        difficulty: log-odds by which its learners find it harder than others.
        pace: mean statements of a typical learner in a week.
        due_weekday: the weekday on which assignments are due, 0 = Monday.
        mix: shares of pages, videos, quizzes and forum in learners' statements.
    """

    code: str
    title: str
    difficulty: float
    pace: float
    due_weekday: int
    mix: tuple[float, float, float, float]


CATALOGUE: Final = (
    Course("DS101", "Introduction to data science", 0.0, 14.0, 4, (0.44, 0.24, 0.20, 0.12)),
    Course("HI205", "A history of technology", -0.25, 9.0, 6, (0.52, 0.13, 0.08, 0.27)),
    Course("MA110", "Calculus I", 0.4, 18.0, 0, (0.30, 0.26, 0.38, 0.06)),
    Course("BI130", "Cells and life", 0.1, 13.0, 3, (0.42, 0.32, 0.16, 0.10)),
    Course("EN120", "Academic writing", -0.35, 8.0, 6, (0.55, 0.08, 0.07, 0.30)),
    Course("EC210", "Economics for everyone", 0.2, 11.0, 2, (0.46, 0.22, 0.22, 0.10)),
)


@dataclass(frozen=True, slots=True)
class Assessment:
    """Marked work of a run.

    Attributes:
        activity: its id.
        type: assignment, test or exam.
        title: for people.
        due_day: the day on which it is due.
        weight: share of the final mark in percent.
    """

    activity: str
    type: str
    title: str
    due_day: int
    weight: float

    @property
    def week(self) -> int:
        """The week in which it is due."""
        return self.due_day // 7


@dataclass(frozen=True, slots=True)
class Run:
    """A course run's plan.

    Attributes:
        number: its place among all runs of the world; part of every seed.
        course: what is taught.
        name: the last part of its id, for example 2025S1.
        first: whether the course has no earlier run in this world.
        starts_on: a Monday.
        weeks: its length.
        shift: log-odds by which this run is harder than the course's others.
        zone: IANA name.
        place: its place among the runs of its course, from 1.
        drift: log-odds by which the drift makes not finishing likelier; behaviour does not show it.
        pace: factor of the mean number of statements.
    """

    number: int
    course: Course
    name: str
    first: bool
    starts_on: date
    weeks: int
    shift: float
    zone: str
    place: int = 1
    drift: float = 0.0
    pace: float = 1.0

    @property
    def id(self) -> str:
        """The run's id, `simulated/course/run`."""
        return f"{SOURCE}/{self.course.code}/{self.name}"

    @property
    def days(self) -> int:
        """Its length in days."""
        return 7 * self.weeks

    @property
    def ends_on(self) -> date:
        """Its last day."""
        return self.starts_on + timedelta(days=self.days - 1)

    @property
    def hardness(self) -> float:
        """Log-odds by which not finishing is likelier than in a middling run."""
        return self.course.difficulty + self.shift

    @property
    def pressure(self) -> float:
        """As `hardness`, with what the drift adds."""
        return self.hardness + self.drift


def runs_of(knobs: Knobs) -> list[Run]:
    """All runs of the world, course by course, each course's in order of time; the last one is the running one."""
    made = []
    for course_number in range(knobs.courses):
        course = course_of(course_number)
        for place in range(knobs.runs):
            number = course_number * knobs.runs + place
            seeded = np.random.default_rng(np.random.SeedSequence(knobs.seed, spawn_key=(number,)))
            nominal = _months_later(knobs.start, 6 * place)
            name = f"{nominal.year}S{1 if nominal.month <= 6 else 2}"
            starts_on = monday_on_or_after(nominal)
            shift = float(seeded.normal(0.0, 0.06))
            drifted = place + 1 >= knobs.drifts_from
            made.append(
                Run(
                    number=number,
                    course=course,
                    name=name,
                    first=place == 0,
                    starts_on=starts_on,
                    weeks=knobs.weeks,
                    shift=shift,
                    zone=knobs.zone,
                    place=place + 1,
                    drift=knobs.drift if drifted else 0.0,
                    pace=knobs.pace * (knobs.drift_pace if drifted else 1.0),
                )
            )
    return made


def course_of(number: int) -> Course:
    """The course with this number: the catalogue, and then again with the next course codes."""
    lap, place = divmod(number, len(CATALOGUE))
    like = CATALOGUE[place]
    if lap == 0:
        return like
    code = f"{like.code[:2]}{int(like.code[2:]) + lap}"
    return Course(code, f"{like.title}, part {lap + 1}", like.difficulty, like.pace, like.due_weekday, like.mix)


def _months_later(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    # A day that every month has, so that a start on the 31st has a half-year later too.
    return date(day.year + years, month + 1, min(day.day, 28))


def assessments_of(run: Run) -> list[Assessment]:
    """The run's marked work by due day: an assignment every third week, small tests between, an exam at the end."""
    assignment_weeks = list(range(2, run.weeks - 1, 3)) or [0]
    test_weeks = [week for week in range(1, run.weeks - 1, 4) if week not in assignment_weeks]
    last_day = run.days - 4  # the Thursday of the last week
    exam_share, test_share = 40.0, 5.0 * len(test_weeks) if len(test_weeks) <= 4 else 20.0
    each_assignment = (100.0 - exam_share - test_share) / len(assignment_weeks)
    made = [
        Assessment(
            _named(run, f"assignment-{place + 1}"),
            "assignment",
            f"Assignment {place + 1}",
            7 * week + run.course.due_weekday,
            each_assignment,
        )
        for place, week in enumerate(assignment_weeks)
    ]
    made += [
        Assessment(
            _named(run, f"test-{place + 1}"), "test", f"Test {place + 1}", 7 * week + 6, test_share / len(test_weeks)
        )
        for place, week in enumerate(test_weeks)
    ]
    made.sort(key=lambda one: (one.due_day, one.activity))
    return [*made, Assessment(_named(run, "exam"), "exam", "Exam", last_day, exam_share)]


def _named(run: Run, thing: str) -> str:
    return f"{run.course.code}-{run.name}-{thing}"


def resources_of(run: Run) -> list[tuple[str, str, str, int]]:
    """The week plan: (id, type, title, day on which it opens) of each resource, `PER_WEEK` for every week."""
    made = []
    for week in range(run.weeks):
        for place, kind in enumerate(PER_WEEK):
            part = f" {place + 1}" if kind == "page" else ""
            name = _named(run, f"w{week + 1:02}-{kind}{part.strip() and '-' + part.strip()}")
            made.append((name, kind, f"Week {week + 1}: {kind}{part}", 7 * week - 3))
    return made


def day_factors(run: Run) -> Floats:
    """How much of a usual day's activity each day sees, for days -LEAD_DAYS to the last: 1, less in a holiday.

    A reading week in the middle of runs of six weeks and more; the days from 24 December to 1 January.
    """
    factors = np.ones(LEAD_DAYS + run.days)
    factors[:LEAD_DAYS] = 0.3
    if run.weeks >= 6:
        middle = LEAD_DAYS + 7 * (run.weeks // 2)
        factors[middle : middle + 7] = BREAK_FACTOR
    days = [run.starts_on + timedelta(days=day) for day in range(-LEAD_DAYS, run.days)]
    festive = np.array([(day.month, day.day) >= (12, 24) or (day.month, day.day) == (1, 1) for day in days])
    return np.where(festive, np.minimum(factors, BREAK_FACTOR), factors)
