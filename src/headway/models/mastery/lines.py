"""Logistic regression on sparse columns, each with a penalty of its own: what PFA and logistic tracing are fitted with.

Minimises the mean log loss plus half the penalties times squared weights by L-BFGS (Liu and Nocedal 1989, doi
10.1007/BF01589116). The same input gives the same weights; nothing is drawn at random.
"""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from headway.models.model import Floats

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MOST_STEPS: Final = 300
TOLERANCE: Final = 1e-7
"""Stop when a step lowers the loss by less than this share."""


def fitted_line(shared: Floats, own: "csr_matrix", right: Floats, penalty: Floats) -> tuple[Floats, float]:
    """The weight of each column, and the intercept, which has no penalty.

    Args:
        shared: shape (rows, some): columns that are rarely 0.
        own: shape (rows, others): columns that mostly are.
        right: shape (rows,), 0 or 1.
        penalty: shape (all columns,), the shared ones first, as a sum over all rows: of a prior with variance v, 1/v.
    """
    from scipy.optimize import minimize

    n, first = len(right), shared.shape[1]
    turned: Any = own.T.tocsr()

    def loss(line: Floats) -> tuple[float, Floats]:
        weights = line[:-1]
        odds = shared @ weights[:first] + own @ weights[first:] + line[-1]
        value = float(np.mean(np.logaddexp(0, odds) - right * odds) + 0.5 * (penalty * weights**2).sum() / n)
        off = (1 / (1 + np.exp(-np.clip(odds, -500, 500))) - right) / n
        slope = np.concatenate([off @ shared, turned @ off]) + penalty * weights / n
        return value, np.append(slope, off.sum())

    share = float(np.clip(right.mean(), 1e-6, 1 - 1e-6))
    begun = np.append(np.zeros(len(penalty)), np.log(share / (1 - share)))
    options = {"maxiter": MOST_STEPS, "ftol": TOLERANCE, "gtol": 1e-7}
    found = minimize(loss, begun, jac=True, method="L-BFGS-B", options=options).x
    return np.asarray(found[:-1], dtype=np.float64), float(found[-1])


def one_hot(rows: Any, codes: Any, values: Any, shape: tuple[int, int]) -> "csr_matrix":
    """A sparse matrix with `values` at (rows, codes); codes beyond the last column stand for what is not known."""
    from scipy.sparse import csr_matrix

    inside = np.asarray(codes) < shape[1]
    told = np.broadcast_to(values, np.shape(codes))[inside]
    return csr_matrix((told, (np.asarray(rows)[inside], np.asarray(codes)[inside])), shape)
