"""The 25 plain features in pandas, as fast as we know how to write them; the only module that knows pandas.

One course run after the other (faster than all at once, and a twentieth of the memory): Arrow reads only the columns
that are needed, learners and objects as categories, so that every key is a whole number. A statement counts from the
first week's end that is both after it was recorded and after its day (`searchsorted`), and in a window of n days until
the first week's end that lies n days after it. What is counted is dealt into a grid of learners by weeks, +1 where it
comes and -1 where it goes, and summed along the weeks. No loop over rows, learners or weeks, and no join of learners'
days with weeks. Different objects and types are the unique pairs of learner, thing and week.
"""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from headway.benchmarks.plain import KINDS_OF_MATERIAL, PLAIN, RunFiles, run_files
from headway.domain.extensions import needs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Frame = Any
    Numbers = NDArray[np.float64]
    Whole = NDArray[np.int64]

WEEK: Final = 7
STATEMENTS: Final = ["learner", "object", "occurred_on", "recorded_at", "interactions", "role"]


def build(home: str, out: str) -> dict[str, int]:
    """How many rows the file `out` has: the 25 features of everyone enrolled at each week's end of every run."""
    pd = needs("bench", "pandas")
    table = pd.concat([_of_run(files) for files in run_files(home)], ignore_index=True)
    table.to_parquet(out, compression="zstd", index=False)
    return {"rows": len(table), "features": len(PLAIN)}


def _of_run(files: RunFiles) -> "Frame":
    about = _read(files.course_runs, ["starts_on", "ends_on"]).iloc[0]
    weeks = _Weeks(about.starts_on, about.ends_on)
    spine, learners = _enrolled(files, weeks)
    acts = _acts(files, weeks, learners)
    grids = _of_days(acts, weeks, len(learners)) | _of_things(acts, weeks, len(learners))
    cell = spine.pop("code").to_numpy() * weeks.n + spine.pop("step").to_numpy()
    spine.insert(0, "run", files.run)
    return spine.assign(**_features({name: grid.ravel()[cell] for name, grid in grids.items()}, spine.course_day))


def _read(paths: list[str], columns: list[str], categories: tuple[str, ...] = ()) -> "Frame":
    import pyarrow.parquet as pq

    table = pq.read_table(paths, columns=columns, partitioning=None, read_dictionary=list(categories))
    return table.to_pandas(date_as_object=False)


class _Weeks:
    """The ends of a run's weeks."""

    def __init__(self, starts_on: Any, ends_on: Any) -> None:
        pd = needs("bench", "pandas")
        last = (ends_on - starts_on).days
        self.course_day = np.arange(WEEK - 1, last + 1, WEEK)
        self.starts_on = starts_on
        self.on = pd.DatetimeIndex(starts_on + pd.to_timedelta(self.course_day, unit="D"))
        self.at = (self.on + pd.Timedelta(days=1)).tz_localize("UTC")
        self.n = len(self.course_day)

    def reached(self, day: "Whole") -> "Whole":
        """The first week's end on or after each course day; `n` where there is none."""
        return np.searchsorted(self.course_day, day)

    def day(self, on: "Frame") -> "Whole":
        """Course days of dates."""
        days: Whole = (on - self.starts_on).dt.days.to_numpy()
        return days


def _enrolled(files: RunFiles, weeks: _Weeks) -> "tuple[Frame, Frame]":
    """Who is enrolled at each week's end by the latest change of status known then, and the learners in their order."""
    pd = needs("bench", "pandas")
    changes = _read(files.enrolments, ["learner", "status", "valid_from", "recorded_at"])
    ends = pd.DataFrame({"step": np.arange(weeks.n), "as_of": weeks.at, "course_day": weeks.course_day})
    met = changes.sort_values(["valid_from", "recorded_at"]).merge(ends, how="cross")
    met = met[(met.recorded_at <= met.as_of) & (met.valid_from <= met.as_of)]
    last = met.drop_duplicates(["learner", "step"], keep="last")
    spine = last[last.status == "enrolled"][["learner", "step", "as_of", "course_day"]].reset_index(drop=True)
    learners = pd.Index(spine.learner.unique())
    return spine.assign(code=learners.get_indexer(spine.learner)), learners


def _acts(files: RunFiles, weeks: _Weeks, learners: "Frame") -> "Frame":
    """What these learners did, with whole numbers for learner, object and type, and the week's end it counts from."""
    pd = needs("bench", "pandas")
    acts = _read(files.statements, STATEMENTS, ("learner", "object"))
    acts = acts[(acts.interactions > 0) & acts.role.isna()]
    code = learners.get_indexer(acts.learner.cat.categories)[acts.learner.cat.codes]
    day = weeks.day(acts.occurred_on)
    step = np.maximum(weeks.reached(day), weeks.at.searchsorted(acts.recorded_at))
    told = _read(files.activities, ["activity", "type", "recorded_at"])
    told = told.drop_duplicates("activity").set_index("activity").reindex(acts.object.cat.categories)
    item = acts.object.cat.codes.to_numpy()
    type_code, types = pd.factorize(told.type)
    announced = np.where(told.type.isna(), weeks.n, weeks.at.searchsorted(told.recorded_at.fillna(weeks.at[0])))
    acts = pd.DataFrame(
        {
            "code": code,
            "day": day,
            "step": step,
            "interactions": acts.interactions.to_numpy(),
            "item": item,
            "type": np.where(item >= 0, type_code[item], -1),
            "type_step": np.maximum(step, np.where(item >= 0, announced[item], weeks.n)),
        }
    )
    acts.attrs["types"] = list(types)
    return acts[(acts.code >= 0) & (acts.step < weeks.n)]


class _Grid:
    """Counts on a grid of learners by weeks."""

    def __init__(self, weeks: _Weeks, learners: int) -> None:
        self.weeks, self.size, self.shape = weeks, learners * weeks.n, (learners, weeks.n)

    def running(self, code: "Whole", step: "Whole", until: "Whole | None" = None, n: "Any" = None) -> "Numbers":
        """At each week's end, the sum of `n` over what has come and, by `until`, not yet gone."""
        come = np.ones(len(step), bool) if until is None else step < until
        total = self._dealt(code, step, come, n)
        if until is not None:
            total -= self._dealt(code, until, come & (until < self.weeks.n), n)
        return total.cumsum(axis=1)

    def _dealt(self, code: "Whole", step: "Whole", which: "Any", n: "Any") -> "Numbers":
        cell = code[which] * self.weeks.n + step[which]
        return np.bincount(cell, None if n is None else n[which], self.size).reshape(self.shape).astype(np.float64)

    def different(self, code: "Whole", thing: "Whole", step: "Whole", until: "Whole") -> "Numbers":
        """At each week's end, how many things are there at least once."""
        pd = needs("bench", "pandas")
        weeks = self.weeks.n
        until = np.minimum(until, weeks)
        key = pd.unique(((code * (thing.max(initial=0) + 1) + thing) * weeks + step) * (weeks + 1) + until)
        step, until, pair = key // (weeks + 1) % weeks, key % (weeks + 1), key // (weeks + 1) // weeks
        spans = np.maximum(0, until - step)
        offset = np.arange(spans.sum()) - np.repeat(spans.cumsum() - spans, spans)
        met = pd.unique(np.repeat(pair * weeks + step, spans) + offset)
        who = met // weeks // (thing.max(initial=0) + 1)
        counts: Numbers = np.bincount(who * weeks + met % weeks, minlength=self.size).reshape(self.shape).astype(float)
        return counts


def _of_days(acts: "Frame", weeks: _Weeks, learners: int) -> "dict[str, Numbers]":
    """What is made of each learner's days."""
    grid = _Grid(weeks, learners)
    pieces = acts.groupby(["code", "day", "step"], sort=False)["interactions"].sum().reset_index()
    code, day, step = (pieces[name].to_numpy() for name in ("code", "day", "step"))
    clicks = pieces.interactions.to_numpy()
    days = pieces.groupby(["code", "day"], sort=False)["step"].min().reset_index()
    who, on, since = (days[name].to_numpy() for name in ("code", "day", "step"))
    found = {f"clicks_{n}": grid.running(code, step, weeks.reached(day + n), clicks) for n in (2, 7, 14, 28)}
    found |= {f"days_{n}": grid.running(who, since, weeks.reached(on + n)) for n in (7, 14, 28)}
    found["clicks"] = grid.running(code, step, None, clicks)
    begun, weekend = day >= 0, (weeks.starts_on.weekday() + day) % 7 >= 5
    found["clicks_total"] = grid.running(code[begun], step[begun], None, clicks[begun])
    found["days_total"] = grid.running(who[on >= 0], since[on >= 0])
    found["weekend"] = grid.running(code[weekend], step[weekend], weeks.reached(day[weekend] + 28), clicks[weekend])
    of_week = days[on >= 0].assign(week=on[on >= 0] // 7).groupby(["code", "week"], sort=False)["step"].min()
    found["weeks"] = grid.running(of_week.index.get_level_values("code").to_numpy(), of_week.to_numpy())
    ends = days.groupby(["code", "step"], sort=False)["day"].agg(["min", "max"]).reset_index()
    first, last = np.full(grid.shape, np.inf), np.full(grid.shape, -np.inf)
    first[ends["code"], ends["step"]], last[ends["code"], ends["step"]] = ends["min"], ends["max"]
    found["first"], found["last"] = np.minimum.accumulate(first, axis=1), np.maximum.accumulate(last, axis=1)
    return found


def _of_things(acts: "Frame", weeks: _Weeks, learners: int) -> "dict[str, Numbers]":
    """What is made of the objects and types that each learner used."""
    pd = needs("bench", "pandas")
    grid = _Grid(weeks, learners)
    used = acts[acts["item"] >= 0]
    code, item, step = (used[name].to_numpy().astype(np.int64) for name in ("code", "item", "step"))
    until = weeks.reached(used.day.to_numpy() + 14)
    pairs = pd.DataFrame({"pair": code * (item.max(initial=0) + 1) + item, "step": step})
    pairs["stale"] = np.maximum(step, until)
    since = pairs.groupby("pair", sort=False).min()
    who = since.index.to_numpy() // (item.max(initial=0) + 1)
    found = {
        "objects": grid.running(who, since.step.to_numpy()),
        "objects_new": grid.running(who, since.step.to_numpy(), since.stale.to_numpy()),
        "objects_14": grid.different(code, item, step, until),
    }
    typed = used[(used.type >= 0) & (used.type_step < weeks.n)]
    code, kind, step, day = (typed[name].to_numpy().astype(np.int64) for name in ("code", "type", "type_step", "day"))
    found["types_14"] = grid.different(code, kind, step, weeks.reached(day + 14))
    until, clicks = weeks.reached(day + 28), typed.interactions.to_numpy()
    for name, types in KINDS_OF_MATERIAL.items():
        mine = np.isin(acts.attrs["types"], types)[kind]
        found[name] = grid.running(code[mine], step[mine], until[mine], clicks[mine])
    return found


def _features(at: "dict[str, Numbers]", course_day: "Frame") -> "dict[str, Numbers]":
    """The 25 features from the counts at each row."""
    today, none = course_day.to_numpy().astype(np.float64), np.isinf(at["last"])
    with np.errstate(divide="ignore", invalid="ignore"):
        per_day, weekend, recent = (
            at["clicks_28"] / at["days_28"],
            at["weekend"] / at["clicks_28"],
            at["clicks_14"] / at["clicks"],
        )
    return {
        **{f"interactions_{n}d": at[f"clicks_{n}"] for n in (2, 7, 14, 28)},
        "interactions_total": at["clicks_total"],
        **{f"active_days_{n}d": at[f"days_{n}"] for n in (7, 14, 28)},
        "active_days_total": at["days_total"],
        "active_weeks": at["weeks"],
        "days_since_last_activity": np.where(none, np.nan, today - at["last"]),
        "days_since_first_activity": np.where(none, np.nan, today - at["first"]),
        "interactions_per_active_day_28d": np.nan_to_num(per_day),
        "weekend_share_28d": weekend,
        "activity_change_7d": np.log((at["clicks_7"] + 1) / (at["clicks_14"] - at["clicks_7"] + 1)),
        "activity_change_14d": np.log((at["clicks_14"] + 1) / (at["clicks_28"] - at["clicks_14"] + 1)),
        "recent_share_14d": recent,
        "objects_total": at["objects"],
        "objects_14d": at["objects_14"],
        "new_objects_14d": at["objects_new"],
        "types_14d": at["types_14"],
        **{f"{name}_interactions_28d": at[name] for name in KINDS_OF_MATERIAL},
    }
