"""Does something know too much? Features ranked by what they tell alone, shuffled labels, a leak planted on purpose.

Promises checks over arrays that know nothing of how features are made. A feature that tells nearly all by itself, or
tells as much on an early day as after the end, is not proven to leak; it is what a person should look at first
(Kaufman, Rosset and Perlich 2012, doi:10.1145/2382577.2382579). `leakage` proves the as-of rule itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headway.evaluation.intervals import known
from headway.evaluation.metrics import auroc
from headway.evaluation.rows import Rows
from headway.models.model import Floats, Json, Matrix

TELLS_ALL: Final = 0.95
"""A feature with this AUROC alone knows the label or is it; no behaviour of a learner tells so much before the end."""

TELLS_MUCH: Final = 0.85
EARLY_SHARE: Final = 0.9
"""A strong feature that has this share of its final power (above chance) on an early day is worth a look."""

PLANTED: Final = "planted_leak"
FLIPPED: Final = 0.02
"""Share of labels that the planted feature gets wrong: a leak is rarely perfect."""


@dataclass(frozen=True, slots=True)
class Power:
    """What one feature tells alone.

    Attributes:
        name: the feature.
        power: AUROC of its values for the label, absent ones below all others, the better of both directions.
        after: the same for its values after the end of the run; NaN where not asked.
        absent: AUROC of whether it is absent, in the better direction.
        why: why it is suspicious, or None.
    """

    name: str
    power: float
    after: float
    absent: float
    why: str | None

    def as_json(self) -> dict[str, Json]:
        """The feature as JSON."""
        numbers: dict[str, Json] = {name: known(getattr(self, name)) for name in ("power", "after", "absent")}
        return {"feature": self.name} | numbers | {"why": self.why}


def power(labels: Floats, values: Floats) -> float:
    """The AUROC of one feature alone, in the better direction; absent values stand below all others."""
    there = ~np.isnan(values)
    if not there.any():
        return 0.5
    finite = np.where(np.isfinite(values), values, np.where(values > 0, np.finfo(float).max, np.finfo(float).min))
    _, rank = np.unique(finite[there], return_inverse=True)
    told = np.zeros(len(values))
    told[there] = rank + 1.0
    found = auroc(labels, told)
    return max(found, 1 - found)


def powers(then: Rows, after: Rows | None = None) -> list[Power]:
    """All features by what they tell alone, the strongest first.

    Args:
        then: rows of one day, both labels among them.
        after: the same learners after the end of the run, for the jump from as-of to after; may lack some.
    """
    later = None if after is None or not 0 < after.labels.sum() < len(after) else after
    found = []
    for name in then.features.names:
        values = then.features.column(name)
        now = power(then.labels, values)
        end = float("nan") if later is None else power(later.labels, later.features.column(name))
        missing = power(then.labels, np.isnan(values).astype(np.float64))
        found.append(Power(name, now, end, missing, _why(now, end, missing)))
    return sorted(found, key=lambda each: (-each.power, each.name))


def _why(now: float, end: float, missing: float) -> str | None:
    if now >= TELLS_ALL:
        return f"tells nearly all by itself (AUROC {now:.2f})"
    if missing >= TELLS_MUCH:
        return f"whether it is absent tells {missing:.2f}: when is it filled in, and for whom?"
    if now >= TELLS_MUCH and now - 0.5 >= EARLY_SHARE * (end - 0.5):
        return f"tells {now:.2f} now and hardly more after the end ({end:.2f})"
    return None


def with_planted(rows: Rows, seed: int) -> Rows:
    """The rows with one feature more that peeks: the label itself, wrong for a few."""
    random = np.random.default_rng(seed)
    wrong = random.random(len(rows)) < FLIPPED
    peek = np.where(wrong, 1 - rows.labels, rows.labels)
    return replace(
        rows, features=Matrix((*rows.features.names, PLANTED), np.column_stack([rows.features.values, peek]))
    )


def planted_is_seen(rows: Rows, seed: int) -> bool:
    """Whether the ranking puts a planted leak first and calls it suspicious."""
    first = powers(with_planted(rows, seed))[0]
    return first.name == PLANTED and first.why is not None


def dealt_anew(rows: Sequence[Rows], seed: int) -> list[Floats]:
    """Labels for all parts, dealt out anew among the learners of each run; a learner keeps one over days and parts.

    Whoever then foresees them better than chance has seen the learner before, or the label itself.
    """
    random = np.random.default_rng(seed)
    runs = np.concatenate([part.runs.astype(str) for part in rows])
    learners = np.concatenate([part.learners.astype(str) for part in rows])
    labels = np.concatenate([part.labels for part in rows])
    fresh = np.zeros(len(labels))
    given: dict[str, float] = {}
    for run in np.unique(runs):
        of_run = np.flatnonzero(runs == run)
        who, first = np.unique(learners[of_run], return_index=True)
        dealt = random.permutation(labels[of_run[first]])
        for learner, label in zip(who, dealt, strict=True):
            given.setdefault(str(learner), float(label))
        fresh[of_run] = [given[str(learner)] for learner in learners[of_run]]
    ends = np.cumsum([len(part) for part in rows])
    return [np.asarray(part, dtype=np.float64) for part in np.split(fresh, ends[:-1])]


@dataclass(frozen=True, slots=True)
class Shuffled:
    """What a model reaches when labels are dealt out anew.

    Attributes:
        real: AUROC with the labels as they are.
        drawn: AUROC for each dealing out.
        honest: whether chance (0.5) is what the dealings give, within their spread.
    """

    real: float
    drawn: tuple[float, ...]
    honest: bool

    def as_json(self) -> dict[str, Json]:
        """The check as JSON."""
        spread = [known(float(np.min(self.drawn))), known(float(np.max(self.drawn)))]
        mean = known(float(np.mean(self.drawn)))
        return {"real": known(self.real), "mean": mean, "low": spread[0], "high": spread[1], "honest": self.honest}


def shuffled(
    learn: Rows, test: Rows, tell: Callable[[Rows, Floats, Rows], Floats], *, draws: int, seed: int
) -> Shuffled:
    """What `tell` reaches on the test with real labels and with labels dealt out anew: the latter must be chance.

    Chance: the mean over dealings is within three standard errors of 0.5, those of AUROC under no relation (Mann and
    Whitney 1947): sqrt((p + n + 1) / (12 p n)).

    Args:
        learn: training rows.
        test: the rows to be told.
        tell: risks of the second rows from a fit on the first with these labels.
        draws: how often labels are dealt out.
        seed: decides the dealings.
    """
    real = auroc(test.labels, tell(learn, learn.labels, test))
    drawn = []
    for draw in range(draws):
        taught, asked = dealt_anew([learn, test], seed + draw)
        drawn.append(auroc(asked, tell(learn, taught, test)))
    positives = float(test.labels.sum())
    negatives = len(test) - positives
    error = float(np.sqrt((len(test) + 1) / (12 * positives * negatives)))
    found = np.array([value for value in drawn if np.isfinite(value)])
    honest = bool(len(found) and abs(float(found.mean()) - 0.5) <= 3 * error / np.sqrt(len(found)))
    return Shuffled(real, tuple(float(value) for value in found), honest)


def differing_cells(one: Floats, other: Floats) -> NDArray[np.int64]:
    """How many values of each column differ between two tables of the same rows; absent equals absent."""
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    return np.asarray((~same).sum(axis=0), dtype=np.int64)
