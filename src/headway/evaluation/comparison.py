"""Whether one model is better than another: paired differences on the same learners, and ranks over many runs.

Promises that no two models are compared on different rows. Ranks say which model is better on average over blocks (a
run on a day); blocks of one run share learners, so a test over them is a guide, never a proof, and says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import InputError
from headway.evaluation.intervals import known, paired_draws
from headway.models.model import Floats, Json

FEWEST_MODELS: Final = 3
FEWEST_BLOCKS: Final = 5
"""Ranks of fewer models or blocks say nothing (Demšar 2006, section 3.2)."""

LESS_IS_BETTER: Final = frozenset({"brier", "ece", "log_loss", "mae", "mse", "rmse"})


def difference(
    labels: Floats, risks: Floats, others: Floats, groups: NDArray[Any], *, metric: str, seed: int, n: int
) -> dict[str, Json]:
    """`value` of the metric of `risks` less that of `others`, its 95% interval `low` to `high`, and `p`.

    The interval and the two-sided p-value (of no difference) come from the same draws of learners (Efron and
    Tibshirani 1993, chapters 13 and 15); p is no less than 2 / (n + 1). AUROC has a second opinion, `p_delong`, where
    no learner has two rows.

    Args:
        labels: shape (rows,), 0 or 1.
        risks: shape (rows,).
        others: shape (rows,), the other model's.
        groups: shape (rows,), the learner of each row.
        metric: a name of `weighted.KERNELS`.
        seed: decides the draws.
        n: how many draws; 0 gives the value alone.

    Raises:
        UnknownName: no such metric.
        InputError: shapes differ.
    """
    interval, drawn = paired_draws(metric, labels, risks, others, groups, seed=seed, n=n)
    defined = drawn[np.isfinite(drawn)]
    tail = min(float((defined <= 0).sum()), float((defined >= 0).sum())) if len(defined) else float("nan")
    p = min(1.0, 2 * (tail + 1) / (len(defined) + 1)) if len(defined) else float("nan")
    told: dict[str, Json] = {"metric": metric, **interval.as_json(), "p": known(p)}
    if metric == "auroc":
        alone = len(np.unique(groups.astype(str))) == len(groups)
        told["p_delong"] = known(delong(labels, risks, others)) if alone else None
    return told


def delong(labels: Floats, risks: Floats, others: Floats) -> float:
    """The two-sided p-value of equal AUROC (DeLong, DeLong and Clarke-Pearson 1988, doi:10.2307/2531595).

    By midranks, after Sun and Xu (2014, doi:10.1109/LSP.2014.2337313). NaN with fewer than two rows of either label;
    1 where both models put the rows in the same order.
    """
    from scipy.stats import norm, rankdata

    positive = labels == 1
    m, n = int(positive.sum()), int((~positive).sum())
    if min(m, n) < 2:
        return float("nan")
    of_positives, of_negatives, areas = [], [], []
    for found in (risks, others):
        together = rankdata(found)
        own = (together[positive] - rankdata(found[positive])) / n
        of_positives.append(own)
        of_negatives.append(1 - (together[~positive] - rankdata(found[~positive])) / m)
        areas.append(float(own.mean()))
    spread = np.cov(np.array(of_positives)) / m + np.cov(np.array(of_negatives)) / n
    variance = float(spread[0, 0] + spread[1, 1] - 2 * spread[0, 1])
    if variance <= 1e-15:
        return 1.0
    return float(2 * norm.sf(abs(areas[0] - areas[1]) / np.sqrt(variance)))


@dataclass(frozen=True, slots=True)
class Ranks:
    """Models ranked within blocks (Friedman 1937), and which differ (Nemenyi 1963; Demšar 2006, JMLR 7).

    Attributes:
        metric: what they were ranked by.
        models: names, best first.
        ranks: mean rank of each, 1 is best, a tie shares its ranks.
        blocks: how many blocks.
        runs: how many different runs these are of.
        statistic: Friedman's chi-squared.
        p: of no difference between any models.
        critical_difference: mean ranks that differ by less cannot be told apart at 5%.
    """

    metric: str
    models: tuple[str, ...]
    ranks: tuple[float, ...]
    blocks: int
    runs: int
    statistic: float
    p: float
    critical_difference: float

    def sentence(self) -> str:
        """What the ranks say, in one or two sentences."""
        order = ", ".join(f"{name} {rank:.1f}" for name, rank in zip(self.models, self.ranks, strict=True))
        close = [
            name
            for name, rank in zip(self.models[1:], self.ranks[1:], strict=True)
            if rank - self.ranks[0] < self.critical_difference
        ]
        told = f"not told apart from {self.models[0]}: {', '.join(close)}" if close else f"{self.models[0]} is ahead"
        caution = (
            "" if self.runs == self.blocks else f" Blocks of one run share learners ({self.runs} runs): p is too small."
        )
        return (
            f"Mean ranks by {self.metric} over {self.blocks} blocks: {order}. Friedman p {self.p:.3g}; "
            f"critical difference {self.critical_difference:.2f} (Nemenyi, 5%): {told}.{caution}"
        )


def ranked(scores: Floats, models: Sequence[str], metric: str, runs: int) -> Ranks:
    """The models by mean rank.

    Args:
        scores: shape (blocks, models), no NaN.
        models: their names.
        metric: what the scores are; it says whether more is better.
        runs: how many different runs the blocks are of.

    Raises:
        InputError: fewer than `FEWEST_MODELS` models or `FEWEST_BLOCKS` blocks.
    """
    from scipy.stats import friedmanchisquare, rankdata, studentized_range

    blocks, k = scores.shape
    if k < FEWEST_MODELS or blocks < FEWEST_BLOCKS or len(models) != k:
        raise InputError(
            f"{k} models on {blocks} blocks cannot be ranked. Evaluate at least {FEWEST_MODELS} models on at least "
            f"{FEWEST_BLOCKS} runs or days."
        )
    signed = scores if metric in LESS_IS_BETTER else -scores
    within = np.apply_along_axis(rankdata, 1, signed)
    mean = within.mean(axis=0)
    if (within == within[:, :1]).all():
        statistic, p = 0.0, 1.0
    else:
        statistic, p = (float(part) for part in friedmanchisquare(*signed.T))
    gap = float(studentized_range.ppf(0.95, k, np.inf)) / np.sqrt(2) * np.sqrt(k * (k + 1) / (6 * blocks))
    order = np.argsort(mean, kind="stable")
    names = tuple(models[index] for index in order)
    return Ranks(metric, names, tuple(float(mean[i]) for i in order), blocks, runs, statistic, p, float(gap))


def ranks_of(rows: Sequence[Mapping[str, Any]], metric: str = "auroc") -> list[tuple[str, str, Ranks]]:
    """The ranks of an evaluation's rows for each protocol and paradigm with enough models and blocks.

    A block in which a model has no figure is left out; a model that has none in half of them is not ranked.
    """
    groups: dict[tuple[str, str], dict[tuple[str, int], dict[str, float]]] = {}
    for row in rows:
        found = row.get(metric)
        value = found.get("value") if isinstance(found, Mapping) else None
        if value is not None:
            blocks = groups.setdefault((str(row["protocol"]), str(row["paradigm"])), {})
            blocks.setdefault((str(row["test"]), int(row["day"])), {})[str(row["model"])] = float(value)
    told = []
    for (protocol, paradigm), blocks in groups.items():
        models = sorted({model for block in blocks.values() for model in block})
        models = [model for model in models if 2 * sum(model in block for block in blocks.values()) > len(blocks)]
        whole = {key: block for key, block in blocks.items() if all(model in block for model in models)}
        if len(models) >= FEWEST_MODELS and len(whole) >= FEWEST_BLOCKS:
            scores = np.array([[block[model] for model in models] for block in whole.values()])
            told.append((protocol, paradigm, ranked(scores, models, metric, len({run for run, _ in whole}))))
    return told
