"""The 25 plain features in Polars, as fast as we know how to write them; the only module that knows Polars.

One course run after the other (as one lazy query for all, or one a run, it took half again as long and three times the
memory). Acts are read lazily, names becoming whole numbers by a join with the few that a run has. Then everything is a
group-by: acts to weeks, weeks to the at most four weeks' ends that see them, and sums along the weeks with
`cum_sum().over(...)`. It knows that as-of times are a week apart (a day d belongs to the week's end d // 7), which is
what makes it fast. What was recorded later than that counts from the first week's end after it was (`known`).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from headway.benchmarks.plain import KINDS_OF_MATERIAL, PLAIN, RunFiles, run_files
from headway.domain.extensions import needs

if TYPE_CHECKING:
    Frame = Any
    Lazy = Any
    Expr = Any

WEEK: Final = 7
PLACES: Final = 2**15
BELOW: Final = 100
"""Whole numbers from -100 to 32667 are packed: learners, objects and weeks of one run."""


def build(home: str, out: str) -> dict[str, int]:
    """How many rows the file `out` has: the 25 features of everyone enrolled at each week's end of every run."""
    pl = needs("bench", "polars")
    table = pl.concat([_of_run(files) for files in run_files(home)])
    table.write_parquet(out, compression="zstd")
    return {"rows": table.height, "features": len(PLAIN)}


@dataclass(frozen=True, slots=True)
class _Clock:
    """The ends of a run's weeks.

    Attributes:
        starts_on: its first day.
        n: how many weeks' ends there are.
    """

    starts_on: Any
    n: int

    def weeks(self) -> "Lazy":
        """One row per week's end: `week`, `as_of`, `course_day`."""
        pl = needs("bench", "polars")
        week = pl.col("week")
        return pl.LazyFrame({"week": range(self.n)}, schema={"week": pl.Int32}).with_columns(
            as_of=self._start() + pl.duration(days=(week + 1) * WEEK), course_day=week.cast(pl.Int64) * WEEK + WEEK - 1
        )

    def day(self, on: "Expr") -> "Expr":
        """The course day of a date."""
        pl = needs("bench", "polars")
        return (on - pl.lit(self.starts_on)).dt.total_days().cast(pl.Int32)

    def known(self, recorded_at: "Expr") -> "Expr":
        """The first week's end at or after an instant; midnight still belongs to the day that it ends."""
        pl = needs("bench", "polars")
        since = (recorded_at - self._start()).dt.total_microseconds() - 1
        return (since // (WEEK * 86_400_000_000)).cast(pl.Int32).clip(0)

    def _start(self) -> "Expr":
        pl = needs("bench", "polars")
        return pl.lit(self.starts_on).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _of_run(files: RunFiles) -> "Frame":
    pl = needs("bench", "polars")
    starts_on, ends_on = _scan(files.course_runs).select("starts_on", "ends_on").collect().row(0)
    clock = _Clock(starts_on, ((ends_on - starts_on).days + 1) // WEEK)
    learners, there = _enrolled(files, clock)
    acts, types = _acts(files, clock, learners)
    wide = learners.join(clock.weeks().collect(), how="cross").join(there, on=["code", "week"], how="left")
    parts = [*_of_clicks(acts, starts_on.weekday()), *_of_days(acts), *_of_objects(acts), *_of_types(acts, types)]
    for part in parts:
        wide = wide.join(part, on=["code", "week"], how="left")
    counts = {name for part in parts for name in part.columns} - {"code", "week", "first", "last"}
    wide = wide.with_columns(pl.col(sorted(counts)).fill_null(0)).sort("code", "week")
    wide = wide.with_columns(
        pl.col(sorted(name for name in counts if name.startswith("all_"))).cum_sum().over("code"),
        pl.col("first").cum_min().forward_fill().over("code"),
        pl.col("last").cum_max().forward_fill().over("code"),
    )
    keys = (pl.lit(files.run).alias("run"), "learner", "as_of", "course_day")
    return wide.filter(pl.col("enrolled")).select(*keys, *_features())


def _scan(paths: list[str]) -> "Lazy":
    return needs("bench", "polars").scan_parquet(paths, hive_partitioning=False)


def _enrolled(files: RunFiles, clock: _Clock) -> "tuple[Frame, Frame]":
    """The learners who are ever enrolled at a week's end, numbered; and the weeks at whose end each is enrolled."""
    pl = needs("bench", "polars")
    changes = _scan(files.enrolments).select("learner", "status", "valid_from", "recorded_at")
    met = changes.join(clock.weeks(), how="cross")
    met = met.filter(pl.col("recorded_at") <= pl.col("as_of"), pl.col("valid_from") <= pl.col("as_of"))
    last = met.sort("valid_from", "recorded_at").group_by("learner", "week").agg(pl.col("status").last())
    enrolled = last.filter(pl.col("status") == "enrolled").select("learner", "week").collect()
    learners = enrolled.select(pl.col("learner").unique()).with_row_index("code")
    return learners, enrolled.join(learners, on="learner").select("code", "week", enrolled=True)


def _acts(files: RunFiles, clock: _Clock, learners: "Frame") -> "tuple[Frame, list[str]]":
    """What these learners did (`code`, `day`, `week`, `known`, `clicks`, `item`, `type`, `type_known`); the types."""
    pl = needs("bench", "polars")
    told = _scan(files.activities).select("activity", "type", announced=clock.known(pl.col("recorded_at"))).collect()
    types = sorted(told["type"].unique())
    items = told.unique("activity").with_row_index("item")
    items = items.with_columns(type=pl.col("type").replace_strict(types, range(len(types)), return_dtype=pl.Int32))
    acts = _scan(files.statements).filter(pl.col("interactions") > 0, pl.col("role").is_null())
    acts = acts.select(
        "learner",
        "object",
        day=clock.day(pl.col("occurred_on")),
        known=clock.known(pl.col("recorded_at")),
        clicks=pl.col("interactions"),
    )
    acts = acts.join(learners.lazy(), on="learner")
    acts = acts.join(items.lazy(), left_on="object", right_on="activity", how="left")
    acts = acts.with_columns(week=pl.col("day") // WEEK)
    acts = acts.with_columns(known=pl.max_horizontal("week", "known"))
    columns = ("code", "day", "week", "known", "clicks", "item", "type")
    return acts.select(*columns, type_known=pl.max_horizontal("known", "announced")).collect(), types


def _seen(rows: "Frame", weeks: int, known: str = "known") -> "list[Frame]":
    """Rows once for each week's end that sees them: the end of their own `week`, of the next one, and so on."""
    pl = needs("bench", "polars")
    there = (rows.with_columns(week=pl.col("week") + later) for later in range(weeks))
    return [rows.filter(pl.col(known) <= pl.col("week")) for rows in there]


def _within(rows: "Frame", name: str, column: str, windows: tuple[int, ...]) -> "Frame":
    """By `code` and `week`, the sum of a column within windows of so many days."""
    pl = needs("bench", "polars")
    seen = [
        part.select(
            "code", "week", *(pl.col(column).alias(f"{name}_{days}") for days in windows if later * WEEK < days)
        )
        for later, part in enumerate(_seen(rows, max(windows) // WEEK))
    ]
    return pl.concat(seen, how="diagonal").group_by("code", "week").agg(pl.exclude("code", "week").sum())


def _of_clicks(acts: "Frame", weekday: int) -> "list[Frame]":
    """Sums of clicks; `weekday` is that of the first course day."""
    pl = needs("bench", "polars")
    day, clicks = pl.col("day"), pl.col("clicks")
    parts = {
        "weekend": clicks * ((day + weekday) % WEEK >= 5),
        "last": clicks * (day % WEEK >= WEEK - 2),
        "total": clicks * (day >= 0),
    }
    sums = pl.col("clicks", *parts).sum()
    weekly = acts.with_columns(**parts).group_by("code", "week", "known").agg(sums)
    return [
        _within(weekly, "clicks", "clicks", (7, 14, 28)),
        _within(weekly, "weekend", "weekend", (28,)),
        weekly.filter(pl.col("known") == pl.col("week")).group_by("code", "week").agg(clicks_2=pl.col("last").sum()),
        weekly.group_by("code", week="known").agg(all_clicks=clicks.sum(), all_total=pl.col("total").sum()),
    ]


def _of_days(acts: "Frame") -> "list[Frame]":
    """Counts of days and weeks, and the first and last day."""
    pl = needs("bench", "polars")
    day = pl.col("day")
    days = acts.group_by("code", "day", "week").agg(pl.col("known").min())
    weekly = days.group_by("code", "week", "known").agg(days=pl.len(), begun=(day >= 0).sum())
    since = weekly.filter(pl.col("week") >= 0).group_by("code", "week").agg(pl.col("known").min())
    return [
        _within(weekly, "days", "days", (7, 14, 28)),
        weekly.group_by("code", week="known").agg(all_days=pl.col("begun").sum()),
        since.group_by("code", week="known").agg(all_weeks=pl.len()),
        days.group_by("code", week="known").agg(first=day.min(), last=day.max()),
    ]


def _unique(rows: "Frame", *columns: str) -> "Frame":
    """The different combinations of small whole numbers: packed into one, they are found in half the time."""
    pl = needs("bench", "polars")
    key = pl.lit(0, pl.Int64)
    for column in columns:
        key = key * PLACES + (pl.col(column).cast(pl.Int64) + BELOW)
    found = rows.select(key=key)["key"].unique()
    unpacked = []
    for column in reversed(columns):
        unpacked.append((found % PLACES - BELOW).cast(rows.schema[column]).alias(column))
        found = found // PLACES
    return pl.DataFrame(unpacked[::-1])


def _of_objects(acts: "Frame") -> "list[Frame]":
    """Counts of different objects: all, recent ones, new ones."""
    pl = needs("bench", "polars")
    known = pl.col("known")
    used = _unique(acts.filter(pl.col("item").is_not_null()), "code", "item", "week", "known")
    stale = pl.max_horizontal("known", pl.col("week") + 2)
    since = used.group_by("code", "item").agg(known.min(), stale=stale.min())
    came = since.group_by("code", week="known").agg(n=pl.len().cast(pl.Int64))
    went = since.group_by("code", week="stale").agg(n=-pl.len().cast(pl.Int64))
    return [
        came.rename({"n": "all_objects"}),
        pl.concat([came, went]).group_by("code", "week").agg(all_new=pl.col("n").sum()),
        pl.concat(_seen(used, 2)).group_by("code", "week").agg(objects_14=pl.col("item").n_unique()),
    ]


def _of_types(acts: "Frame", types: list[str]) -> "list[Frame]":
    """Counts of different types, and clicks by kind of material."""
    pl = needs("bench", "polars")
    typed = acts.filter(pl.col("type").is_not_null())
    weekly = typed.group_by("code", "type", "week", "type_known").agg(pl.col("clicks").sum())
    kinds = {
        name: pl.col("clicks") * pl.col("type").is_in([types.index(one) for one in mine if one in types])
        for name, mine in KINDS_OF_MATERIAL.items()
    }
    of_kind = weekly.with_columns(**kinds).group_by("code", "week", known="type_known").agg(pl.col(*kinds).sum())
    month = pl.concat(_seen(of_kind, 4)).group_by("code", "week").agg(pl.col(*kinds).sum())
    recent = pl.concat(_seen(weekly, 2, "type_known")).group_by("code", "week")
    return [recent.agg(types_14=pl.col("type").n_unique()), month]


def _features() -> "list[Expr]":
    """The 25 features from the counts of each row."""
    pl = needs("bench", "polars")
    c = pl.col
    today = c("course_day")

    def change(recent: "Expr", longer: "Expr") -> "Expr":
        return ((recent + 1) / (longer - recent + 1)).log()

    made = {
        **{f"interactions_{n}d": c(f"clicks_{n}") for n in (2, 7, 14, 28)},
        "interactions_total": c("all_total"),
        **{f"active_days_{n}d": c(f"days_{n}") for n in (7, 14, 28)},
        "active_days_total": c("all_days"),
        "active_weeks": c("all_weeks"),
        "days_since_last_activity": today - c("last"),
        "days_since_first_activity": today - c("first"),
        "interactions_per_active_day_28d": pl.when(c("days_28") > 0).then(c("clicks_28") / c("days_28")).otherwise(0),
        "weekend_share_28d": pl.when(c("clicks_28") > 0).then(c("weekend_28") / c("clicks_28")),
        "activity_change_7d": change(c("clicks_7"), c("clicks_14")),
        "activity_change_14d": change(c("clicks_14"), c("clicks_28")),
        "recent_share_14d": pl.when(c("all_clicks") > 0).then(c("clicks_14") / c("all_clicks")),
        "objects_total": c("all_objects"),
        "objects_14d": c("objects_14"),
        "new_objects_14d": c("all_new"),
        "types_14d": c("types_14"),
        **{f"{name}_interactions_28d": c(name) for name in KINDS_OF_MATERIAL},
    }
    return [value.cast(pl.Float64).alias(name) for name, value in made.items()]
