"""How good a model's reasons are over a cohort: agreement of two opinions, steadiness, and whether they last a week.

For evaluations and model cards; one learner's figures come with the explanation itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import InputError
from headway.explanation.lime import agreement, by_family, surrogate
from headway.explanation.reasons import LEAST_SHARE, Families, families
from headway.explanation.shapley import explainer
from headway.explanation.stability import SEED, steadiness
from headway.features.definition import Feature
from headway.models.model import Fitted, Floats, Json, Matrix

TOP: Final = 5
SAMPLE: Final = 40

FEW_WALKS: Final = 8
"""Walks to each jittered row where Shapley values are sampled."""


@dataclass(frozen=True, slots=True)
class Quality:
    """How good reasons are, means over learners.

    Attributes:
        learners: how many were looked at.
        overlap: share of the strongest five quantities that LIME has among its five.
        same_sign: share of them that point the same way there.
        rank_correlation: Spearman's, over all quantities.
        lime_fit: weighted R² of the surrogate.
        withheld: share of the reasons with enough weight that are not steady.
        last_a_week: share of a week earlier's strongest five that now point the same way and are among the strongest
            ten; None without a week before.
        turned_in_a_week: share of them that now point the other way with enough weight to be told.
    """

    learners: int
    overlap: float
    same_sign: float
    rank_correlation: float
    lime_fit: float
    withheld: float
    last_a_week: float | None
    turned_in_a_week: float | None

    def as_json(self) -> dict[str, Json]:
        """The same as JSON-ready data."""
        return {name: getattr(self, name) for name in self.__slots__}


def quality(
    fitted: Fitted,
    cohort: Matrix,
    definitions: Mapping[str, Feature],
    before: tuple[Matrix, Sequence[int]] | None = None,
    *,
    sample: int = SAMPLE,
    seed: int = SEED,
) -> Quality:
    """How good a model's reasons are for a sample of a cohort.

    Args:
        fitted: the model, not calibrated.
        cohort: everyone enrolled, with their history where the model reads one.
        definitions: each feature's definition, by name.
        before: the cohort a week earlier, and for each of its rows that of the same learner in `cohort`, -1 for none.
        sample: how many learners are looked at.
        seed: draws them, and whatever is drawn for them.

    Raises:
        InputError: nobody is in the cohort, or `before` names rows that are not there.
    """
    if not len(cohort):
        raise InputError("Nobody is in the cohort. Choose a later date.")
    columns = np.argsort(cohort.names)
    found = families([definitions[cohort.names[column]] for column in columns])
    drawn = np.sort(np.random.default_rng([seed, 10]).permutation(len(cohort))[:sample])
    rows = cohort.rows(drawn)
    explains = explainer(fitted, cohort, seed)
    net, shares = found.net(explains.contributions(rows)[:, columns])
    jitters = explains if explains.method == "exact" else explainer(fitted, cohort, seed, walks=FEW_WALKS)
    parts = [rows.rows(np.array([at])) for at in range(len(rows))]
    # One at a time: rows with a history are jittered so.
    steady = [steadiness(jitters, part, cohort, found, columns, seed)[0] for part in parts]
    withheld, enough = np.stack([each.withheld for each in steady]), shares >= LEAST_SHARE
    near = [surrogate(fitted, part, cohort, seed) for part in parts]
    agreed = [agreement(own, by_family(each, found), TOP) for own, each in zip(net, near, strict=True)]
    told = [each.rank_correlation for each in agreed if each.rank_correlation is not None]
    lasts = None if before is None else _week(fitted, before, drawn, (net, shares), found, columns, seed)
    return Quality(
        learners=len(rows),
        overlap=float(np.mean([each.overlap for each in agreed])),
        same_sign=float(np.mean([each.same_sign for each in agreed])),
        rank_correlation=float(np.mean(told)) if told else 0.0,
        lime_fit=float(np.mean([each.fit for each in near])),
        withheld=float((withheld & enough).sum() / max(1, enough.sum())),
        last_a_week=None if lasts is None else lasts[0],
        turned_in_a_week=None if lasts is None else lasts[1],
    )


def _week(
    fitted: Fitted,
    before: tuple[Matrix, Sequence[int]],
    drawn: NDArray[np.int64],
    now: tuple[Floats, Floats],
    found: Families,
    columns: NDArray[np.int64],
    seed: int,
) -> tuple[float, float] | None:
    """Which share of a week earlier's strongest reasons lasted, and which turned round; None where nobody was there."""
    earlier, rows_now = before
    place = {row: at for at, row in enumerate(drawn.tolist())}
    both = [(at, place[row]) for at, row in enumerate(rows_now) if row in place]
    if not both:
        return None
    then, here = (np.array(side, dtype=np.int64) for side in zip(*both, strict=True))
    net, shares = found.net(explainer(fitted, earlier, seed).contributions(earlier.rows(then))[:, columns])
    strongest = _rank(shares) < TOP
    later, weight = now[0][here], now[1][here]
    same = (later > 0) == (net > 0)
    lasted = strongest & same & (_rank(weight) < 2 * TOP)
    turned = strongest & ~same & (weight >= LEAST_SHARE)
    return float(lasted.sum() / strongest.sum()), float(turned.sum() / strongest.sum())


def _rank(shares: Floats) -> NDArray[np.int64]:
    return np.asarray(np.argsort(np.argsort(-shares, axis=1, kind="stable"), axis=1), dtype=np.int64)
