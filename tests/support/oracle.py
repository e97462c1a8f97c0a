"""The same answers by the longest way round: plain Python over plain records, one learner and one moment at a time.

Written from the feature and label descriptions, not from the engine: no joins, no folding, no windows.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Final

import pyarrow as pa

from headway.domain.time import AsOf
from headway.features.moments import Moment

Row = dict[str, Any]

ASSESSED: Final = ("assignment", "test", "exam", "quiz_assessment")
MARKING_DAYS: Final = 14
PASS_MARK: Final = 0.4
COMPLETE: Final = 0.9
HARD: Final = ("stuck", "unclear", "don't understand")
"""Those phrases of difficulty that stand in the texts of random worlds."""

WHOLE_RUN: Final = ("does_not_finish", "final_score", "dfw")


@dataclass(frozen=True)
class Seen:
    """What was known of a run at a moment."""

    run: str
    as_of: AsOf
    zone: str
    today: date
    starts_on: date
    ends_on: date
    records: dict[str, list[Row]]

    def of(self, kind: str, learner: str | None = None, **equal: Any) -> list[Row]:
        return [
            row
            for row in self.records.get(kind, [])
            if (learner is None or row["learner"] == learner) and all(row[k] == v for k, v in equal.items())
        ]

    def enrolled(self) -> list[str]:
        learners = {row["learner"] for row in self.of("enrolments")}
        return sorted(learner for learner in learners if self.status(learner) == "enrolled")

    def status(self, learner: str) -> str | None:
        in_force = [row for row in self.of("enrolments", learner) if row["valid_from"] <= self.as_of.instant]
        latest = max(in_force, key=lambda row: (row["valid_from"], row["recorded_at"], row["status"]), default=None)
        return None if latest is None else str(latest["status"])

    def actions(self, learner: str) -> list[Row]:
        return [
            row
            for row in self.of("statements", learner)
            if row["role"] is None and row["interactions"] > 0 and row["occurred_on"] <= self.today
        ]

    def active_days(self, learner: str) -> list[date]:
        return sorted({row["occurred_on"] for row in self.actions(learner)})

    def clicks(self, learner: str, days: int) -> int:
        return sum(row["interactions"] for row in self.actions(learner) if self.age(row["occurred_on"]) < days)

    def age(self, on: date) -> int:
        return (self.today - on).days

    def assessments(self) -> list[Row]:
        return plan_of(self.of("activities"))

    def marked(self, learner: str, activity: str) -> list[Row]:
        own = self.of("results", learner, activity=activity, transferred=False)
        return [row for row in own if row["submitted_on"] is None or row["submitted_on"] <= self.today]

    def handed_in_on(self, learner: str, activity: str) -> date | None:
        said = self.of("statements", learner, verb="submitted", object=activity)
        days = [row["occurred_on"] for row in said if row["occurred_on"] <= self.today]
        return min(
            days or [row["submitted_on"] for row in self.marked(learner, activity) if row["submitted_on"]], default=None
        )

    def score(self, learner: str, activity: str) -> float | None:
        return max((row["score"] for row in self.marked(learner, activity) if row["score"] is not None), default=None)

    def type_of(self, activity: str | None) -> str | None:
        told = sorted(self.of("activities", activity=activity), key=lambda row: (row["recorded_at"], row["id"]))
        return None if not told else str(told[0]["type"])


def plan_of(activities: Iterable[Row]) -> list[Row]:
    """The assessments as last announced, by due date."""
    latest: dict[str, Row] = {}
    for row in sorted(activities, key=lambda row: (row["recorded_at"], row["id"])):
        if row["type"] in ASSESSED and row["due_on"] is not None:
            latest[row["activity"]] = row
    return sorted(latest.values(), key=lambda row: (row["due_on"], row["activity"]))


Plain = dict[str, dict[str, list[Row]]]
"""Records by run and kind."""


def plain(tables: dict[str, pa.Table]) -> Plain:
    """The records as plain Python."""
    found: Plain = defaultdict(lambda: defaultdict(list))
    for kind, table in tables.items():
        for row in table.to_pylist():
            found[row["run"]][kind].append(row)
    return found


def seen(records: Plain, moment: Moment) -> Seen:
    """What was known of a run at a moment."""
    now = moment.as_of.instant
    known = {kind: [row for row in rows if row["recorded_at"] <= now] for kind, rows in records[moment.run].items()}
    about = max(known["course_runs"], key=lambda row: (row["recorded_at"], row["id"]))
    zone, starts_on, ends_on = about["zone"], about["starts_on"], about["ends_on"]
    return Seen(moment.run, moment.as_of, zone, moment.as_of.day(zone), starts_on, ends_on, known)


def features(known: Seen) -> dict[str, dict[str, float]]:
    """Some twenty features of everyone enrolled, by learner and feature."""
    values = {learner: _own(known, learner) for learner in known.enrolled()}
    for of in ("interactions_14d", "earned_share"):
        standing = {learner: -1.0 if math.isnan(own[of]) else own[of] for learner, own in values.items()}
        for learner, own in values.items():
            behind = sum(other < standing[learner] for other in standing.values())
            own[f"{of}_percentile"] = behind / (len(values) - 1) if len(values) > 1 else 0.0
    for own in values.values():
        own["engagement_score"] = _engagement(own)
    return values


def _own(known: Seen, learner: str) -> dict[str, float]:
    own = _activity(known, learner) | _assessments(known, learner) | _practice(known, learner)
    return own | _words(known, learner) | _facts(known, learner)


def _activity(known: Seen, learner: str) -> dict[str, float]:
    days, actions = known.active_days(learner), known.actions(learner)
    ages = [known.age(day) for day in days]
    streaks = _streaks(days)
    pauses = [(later - earlier).days - 1 for earlier, later in pairwise(days) if later >= known.starts_on]
    total = sum(row["interactions"] for row in actions)
    used = {row["object"] for row in actions if row["object"] is not None}
    recent = [row for row in actions if known.age(row["occurred_on"]) < 14]
    month = [row for row in actions if known.age(row["occurred_on"]) < 28]
    weekend = sum(row["interactions"] for row in month if row["occurred_on"].weekday() >= 5)
    week, fortnight = known.clicks(learner, 7), known.clicks(learner, 14)
    return {
        "active_days_14d": sum(age < 14 for age in ages),
        "active_weeks": len({(day - known.starts_on).days // 7 for day in days if day >= known.starts_on}),
        "interactions_7d": week,
        "interactions_14d": fortnight,
        "days_since_last_activity": min(ages, default=math.nan),
        "longest_streak_days": max(map(len, streaks), default=0),
        "current_streak_days": max((len(s) for s in streaks if known.age(s[-1]) <= 1), default=0),
        "longest_gap_days": max(pauses, default=math.nan),
        "objects_total": len(used),
        "new_objects_14d": len(used - {row["object"] for row in actions if known.age(row["occurred_on"]) >= 14}),
        "types_14d": len({row["object_type"] or known.type_of(row["object"]) for row in recent} - {None}),
        "activity_change_7d": math.log((week + 1) / (fortnight - week + 1)),
        "recent_share_14d": fortnight / total if total else math.nan,
        "weekend_share_28d": weekend / known.clicks(learner, 28) if month else math.nan,
    }


def _streaks(days: list[date]) -> list[list[date]]:
    found: list[list[date]] = []
    for day in days:
        if found and found[-1][-1] + timedelta(days=1) == day:
            found[-1].append(day)
        else:
            found.append([day])
    return found


def _assessments(known: Seen, learner: str) -> dict[str, float]:
    due = missed = earned = weights = 0.0
    early: list[int] = []
    ahead: list[int] = []
    last = math.nan
    for one in known.assessments():
        on, score = known.handed_in_on(learner, one["activity"]), known.score(learner, one["activity"])
        weight = (one["weight"] or 0.0) + 0.01
        if on is not None:
            early.append((one["due_on"] - on).days)
        if score is not None:
            last = score
        if one["due_on"] <= known.today:
            due += 1
            missed += on is None
            if score is not None or on is None:
                earned, weights = earned + weight * (score or 0.0), weights + weight
        elif on is None:
            ahead.append((one["due_on"] - known.today).days)
    return {
        "assessments_due": due,
        "assessments_missed": missed,
        "submitted_share": (due - missed) / due if due else math.nan,
        "earned_share": earned / weights if weights else math.nan,
        "mean_days_early": sum(early) / len(early) if early else math.nan,
        "last_score": last,
        "days_to_next_due": min(ahead, default=math.nan),
    }


def _practice(known: Seen, learner: str) -> dict[str, float]:
    of_item: dict[str, set[str]] = defaultdict(set)
    for told in known.of("activities"):
        of_item[told["activity"]] |= {skill for skill in told["skills"] or () if skill is not None}
    answers: dict[str, list[bool]] = defaultdict(list)
    for answer in known.of("responses", learner):
        named = set(answer["skills"]) if answer["skills"] else of_item[answer["item"]]
        for skill in named - {None}:
            if answer["correct"] is not None:
                answers[skill].append(answer["correct"])
    mastery = [(sum(each) + 1) / (len(each) + 2) for each in answers.values()]
    return {
        "skills_practised": len(answers),
        "skills_mastered": sum(sum(each) >= 0.8 * (len(each) + 2) - 1 for each in answers.values() if len(each) >= 3),
        "skills_open": sum(sum(each) < len(each) / 2 for each in answers.values() if len(each) >= 3),
        "mastery_lowest": min(mastery, default=math.nan),
        "mastery_mean": sum(mastery) / len(mastery) if mastery else math.nan,
    }


def _words(known: Seen, learner: str) -> dict[str, float]:
    written = [row for row in known.of("texts", learner) if row["type"] != "message"]
    recent = [row for row in written if (known.today - row["occurred_at"].date()).days < 28]

    def hard(row: Row) -> bool:
        return any(f" {phrase} " in f" {_letters(row['body'])} " for phrase in HARD)

    return {
        "questions_28d": sum("?" in row["body"] for row in recent),
        "difficulty_texts_28d": sum(map(hard, recent)),
        "difficulty_share": sum(map(hard, written)) / len(written) if written else math.nan,
        "words_a_text_28d": sum(len(row["body"].split()) for row in recent) / len(recent) if recent else math.nan,
    }


def _letters(body: str) -> str:
    plain = body.lower().replace("\u2019", "'")
    return " ".join("".join(sign if sign.isalpha() or sign == "'" else " " for sign in plain).split())


def _facts(known: Seen, learner: str) -> dict[str, float]:
    told = known.of("attributes", learner, name="previous_attempts", sensitive=False)
    in_force = [row for row in told if row["valid_from"] <= known.as_of.instant]
    latest = max(in_force, key=lambda row: (row["valid_from"], row["recorded_at"], row["id"]), default=None)
    number = latest is not None and str(latest["value"]).isdigit()
    enrolled = [
        row["valid_from_on"]
        for row in known.of("enrolments", learner, status="enrolled")
        if row["valid_from"] <= known.as_of.instant
    ]
    days = (known.ends_on - known.starts_on).days + 1
    return {
        "previous_attempts": float(latest["value"]) if latest is not None and number else math.nan,
        "registered_lead_days": (known.starts_on - min(enrolled)).days,
        "remaining_share": (known.ends_on - known.today).days / days,
    }


def _engagement(own: dict[str, float]) -> float:
    last = 14.0 if math.isnan(own["days_since_last_activity"]) else own["days_since_last_activity"]
    handed_in = 1.0 if math.isnan(own["submitted_share"]) else own["submitted_share"]
    return (
        30 * min(own["active_days_14d"] / 7, 1)
        + 20 * (1 - min(last / 14, 1))
        + 20 * own["interactions_14d_percentile"]
        + 10 * min(own["types_14d"] / 4, 1)
        + 20 * handed_in
    )


@dataclass(frozen=True)
class Window:
    """The records of a run that were known at a training cut-off, and a label's window in them."""

    known: Seen
    cut_off: Seen
    gap_days: int

    @property
    def opens_on(self) -> date:
        return self.known.today + timedelta(days=self.gap_days)

    @property
    def opens(self) -> AsOf:
        return self.known.as_of if self.gap_days == 0 else AsOf.at(self.opens_on.isoformat(), self.known.zone)

    def closes(self, days: int) -> AsOf:
        return AsOf.at((self.opens_on + timedelta(days=days)).isoformat(), self.known.zone)

    def over(self, days: int) -> bool:
        return self.closes(days) <= self.cut_off.as_of


def labels(name: str, window: Window) -> dict[str, float]:
    """The label of each learner for whom it trains."""
    cohort = window.known.enrolled()
    if name in UNTIL_THE_END:
        if not _run_over(window):
            return {}
    elif name in WHOLE_RUN:
        told = sum(bool(window.cut_off.of("outcomes", learner)) for learner in cohort)
        if told < COMPLETE * len(cohort):
            return {}
    values = {learner: LABELS[name](window, learner) for learner in cohort}
    return {learner: value for learner, value in values.items() if value is not None}


def _withdraws(window: Window, learner: str) -> float | None:
    changes = window.cut_off.of("enrolments", learner)
    before = [row for row in changes if row["valid_from"] < window.opens.instant]
    left = [row["valid_from"] for row in before if row["status"] == "withdrawn"]
    back = [row["valid_from"] for row in before if row["status"] == "enrolled"]
    gone = bool(left) and (not back or max(left) >= max(back))
    if gone or not window.over(14):
        return None
    ahead = [row for row in changes if row["status"] == "withdrawn" and row["valid_from"] >= window.opens.instant]
    return float(any(row["valid_from"] < window.closes(14).instant for row in ahead))


def _outcome(window: Window, learner: str) -> Row | None:
    told = window.cut_off.of("outcomes", learner)
    last = max(told, key=lambda row: (row["recorded_at"], row["id"]), default=None)
    return None if last is None or last["occurred_at"] < window.opens.instant else last


def _does_not_finish(window: Window, learner: str) -> float | None:
    told = _outcome(window, learner)
    return None if told is None else float(told["label"] in ("fail", "withdrawn"))


def _final_score(window: Window, learner: str) -> float | None:
    told = _outcome(window, learner)
    return None if told is None else told["final_score"]


def _handed_in(window: Window, learner: str, activity: str) -> list[Row]:
    said = window.cut_off.of("statements", learner, verb="submitted", object=activity)
    marked = window.cut_off.of("results", learner, activity=activity, transferred=False)
    return [{"at": row["occurred_at"], "on": row["occurred_on"]} for row in said] + [
        {"at": row["occurred_at"], "on": row["submitted_on"]} for row in marked if row["submitted_on"]
    ]


def _misses_next(window: Window, learner: str) -> float | None:
    plan = [one for one in plan_of(window.cut_off.of("activities")) if one["type"] != "exam"]
    ahead = [one for one in plan if one["due_on"] > window.opens_on]
    if not ahead:
        return None
    handed_in = _handed_in(window, learner, ahead[0]["activity"])
    if any(row["at"] < window.opens.instant for row in handed_in):
        return None
    told = bool(window.cut_off.of("statements", verb="submitted"))
    known_at = ahead[0]["due_at"] + timedelta(days=0 if told else MARKING_DAYS)
    if known_at > window.cut_off.as_of.instant:
        return None
    return float(not any(row["on"] <= ahead[0]["due_on"] for row in handed_in))


def _passes(window: Window, learner: str) -> float | None:
    plan = [one for one in plan_of(window.cut_off.of("activities")) if one["type"] != "exam"]
    due = [one for one in plan if (one["due_on"] - window.known.today).days == 7]
    if not due:
        return None
    one = max(due, key=lambda one: -1.0 if one["weight"] is None else one["weight"])
    marked = window.cut_off.of("results", learner, activity=one["activity"], transferred=False)
    if any(row["occurred_at"] < window.opens.instant for row in marked):
        return None
    known_at = max([one["due_at"] + timedelta(days=MARKING_DAYS), *(row["recorded_at"] for row in marked)])
    if known_at > window.cut_off.as_of.instant:
        return None
    return float(max((row["score"] or 0.0 for row in marked), default=0.0) >= PASS_MARK)


def _acts(window: Window, learner: str, types: tuple[str, ...] = ()) -> list[Row]:
    own = [row for row in window.cut_off.of("statements", learner) if row["role"] is None]
    if not types:
        return [row for row in own if row["interactions"] > 0]
    return [
        row
        for row in own
        if (row["interactions"] > 0 or row["verb"] == "submitted")
        and (row["object_type"] or window.cut_off.type_of(row["object"])) in types
    ]


def _heard(window: Window, days: int) -> bool:
    """Whether anyone could have been heard until the window closes."""
    everyone = [
        row["occurred_on"] for row in window.cut_off.of("statements") if row["role"] is None and row["interactions"] > 0
    ]
    last: date = max([window.known.ends_on, *everyone])
    return window.opens_on + timedelta(days=days) <= last


def _gone(window: Window, learner: str) -> bool:
    before = [row for row in window.cut_off.of("enrolments", learner) if row["valid_from"] < window.opens.instant]
    left = [row["valid_from"] for row in before if row["status"] == "withdrawn"]
    back = [row["valid_from"] for row in before if row["status"] == "enrolled"]
    return bool(left) and (not back or max(left) >= max(back))


def _leaves(window: Window, learner: str) -> Row | None:
    """The first withdrawal from the opening of the window on."""
    changes = window.cut_off.of("enrolments", learner, status="withdrawn")
    ahead = [row for row in changes if row["valid_from"] >= window.opens.instant]
    return min(ahead, key=lambda row: row["valid_from"], default=None)


def _silent(window: Window, learner: str, days: int) -> float | None:
    if not window.over(days) or not _heard(window, days):
        return None
    until = window.opens_on + timedelta(days=days)
    return float(not any(window.opens_on < row["occurred_on"] <= until for row in _acts(window, learner)))


def _silent_or_gone(window: Window, learner: str, days: int) -> float | None:
    if _gone(window, learner) or not window.over(days):
        return None
    left = _leaves(window, learner)
    if left is not None and left["valid_from"] < window.closes(days).instant:
        return 1.0
    return _silent(window, learner, days)


def _less(window: Window, learner: str, types: tuple[str, ...]) -> float | None:
    if not window.over(7) or not _heard(window, 7):
        return None
    enrolled = [
        row["valid_from_on"]
        for row in window.known.of("enrolments", learner, status="enrolled")
        if row["valid_from"] <= window.known.as_of.instant
    ]
    begins_on = max(window.known.starts_on, min(enrolled))
    weeks = max(((window.opens_on - begins_on).days + 1) // 7, 0)
    after = before = 0
    for row in _acts(window, learner, types):
        offset = (row["occurred_on"] - window.opens_on).days
        counts = max(row["interactions"], int(row["verb"] == "submitted"))
        after += counts if 0 < offset <= 7 else 0
        before += counts if -7 * weeks < offset <= 0 else 0
    return float(after * weeks < 0.5 * before) if before else None


def _passes_next(window: Window, learner: str) -> float | None:
    plan = [one for one in plan_of(window.cut_off.of("activities")) if one["type"] != "exam"]
    for one in plan:
        marked = window.cut_off.of("results", learner, activity=one["activity"], transferred=False)
        given = [row["at"] for row in _handed_in(window, learner, one["activity"])]
        done = [row["occurred_at"] for row in marked] + given
        if one["due_on"] <= window.opens_on or any(at < window.opens.instant for at in done):
            continue
        known_at = max([one["due_at"] + timedelta(days=MARKING_DAYS), *(row["recorded_at"] for row in marked)])
        if known_at > window.cut_off.as_of.instant:
            return None
        return float(max((row["score"] or 0.0 for row in marked), default=0.0) >= PASS_MARK)
    return None


def _days_to_activity(window: Window, learner: str) -> float | None:
    if not window.over(28) or not _heard(window, 28):
        return None
    ahead = [(row["occurred_on"] - window.opens_on).days for row in _acts(window, learner)]
    return float(min([28, *(days for days in ahead if days > 0)]))


def _days_to_withdrawal(window: Window, learner: str) -> float | None:
    left = _leaves(window, learner)
    if _gone(window, learner) or left is None:
        return None
    return float((left["valid_from_on"] - window.opens_on).days)


def _run_over(window: Window) -> bool:
    """Whether the run has ended by the cut-off, counted in days of 24 hours from the opening of the window."""
    days = max((window.known.ends_on - window.opens_on).days, 0)
    return window.opens.instant + timedelta(days=days) <= window.cut_off.as_of.instant


def _followed(window: Window, learner: str) -> tuple[float, float] | None:
    left = _leaves(window, learner)
    days_left = (window.known.ends_on - window.opens_on).days
    if _gone(window, learner) or days_left <= 0:
        return None
    days = days_left + 1 if left is None else (left["valid_from_on"] - window.opens_on).days
    return (float(days), 1.0) if days <= days_left else (float(days_left), 0.0)


def _followed_silent(window: Window, learner: str) -> tuple[float, float] | None:
    days_left = (window.known.ends_on - window.opens_on).days
    if days_left <= 0:
        return None
    acts = [(row["occurred_on"] - window.opens_on).days for row in _acts(window, learner)]
    last = max([0, *(days for days in acts if 0 < days <= days_left)])
    horizon = max(days_left - 14 + 1, 0)
    told = max(
        window.cut_off.of("outcomes", learner), key=lambda row: (row["recorded_at"], row["id"]), default={"label": ""}
    )
    seen = last < horizon and told["label"] not in ("pass", "distinction")
    return (float(last), 1.0) if seen else (float(horizon), 0.0)


Follow = Callable[[Window, str], tuple[float, float] | None]


def _part(follow: Follow, which: int) -> Callable[[Window, str], float | None]:
    def value(window: Window, learner: str) -> float | None:
        found = follow(window, learner)
        return None if found is None else found[which]

    return value


QUIZZES: Final = ("quiz", "question", "interactive", "test", "quiz_assessment")

LABELS: Final[dict[str, Callable[[Window, str], float | None]]] = {
    "withdraws_within_14d": _withdraws,
    "does_not_finish": _does_not_finish,
    "final_score": _final_score,
    "inactive_next_week": lambda window, learner: _silent(window, learner, 7),
    "misses_next_assessment": _misses_next,
    "passes_assessment_due_in_7d": _passes,
    "dfw": _does_not_finish,
    "passes_next_assessment": _passes_next,
    "less_video_next_week": lambda window, learner: _less(window, learner, ("video",)),
    "less_quiz_next_week": lambda window, learner: _less(window, learner, QUIZZES),
    "less_assignment_next_week": lambda window, learner: _less(window, learner, ("assignment",)),
    "inactive_next_10d": lambda window, learner: _silent(window, learner, 10),
    "inactive_or_withdrawn_next_7d": lambda window, learner: _silent_or_gone(window, learner, 7),
    "inactive_or_withdrawn_next_14d": lambda window, learner: _silent_or_gone(window, learner, 14),
    "days_to_next_activity": _days_to_activity,
    "days_to_withdrawal": _days_to_withdrawal,
    "days_followed_to_withdrawal": _part(_followed, 0),
    "withdrawal_seen": _part(_followed, 1),
    "days_followed_to_silence_14d": _part(_followed_silent, 0),
    "silence_14d_seen": _part(_followed_silent, 1),
}

UNTIL_THE_END: Final = (
    "days_to_withdrawal",
    "days_followed_to_withdrawal",
    "withdrawal_seen",
    "days_followed_to_silence_14d",
    "silence_14d_seen",
)
"""Labels of a whole run that are resolved when it ends."""
