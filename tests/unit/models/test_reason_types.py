"""Each rule finds whom it describes, and compares with the cohort."""

import numpy as np
import pytest

from headway.domain.errors import InputError
from headway.models.model import Matrix
from headway.models.reason_types import MEANT, NEEDED, REASON_TYPES, reason_types


def cohort(*own: tuple[float, ...], materials: bool = True) -> Matrix:
    """Ninety middling learners in week eight, and others: days in all, in 28, clicks, mean score, share handed in."""
    random = np.random.default_rng(1)
    days = random.integers(18, 26, 90).astype(float)
    marks = random.uniform(0.6, 0.75, 90)
    usual = np.column_stack([days, days / 2, random.integers(80, 120, 90), marks, random.uniform(0.8, 1, 90)])
    rows = np.vstack([usual, np.array(own).reshape(-1, 5)])
    lately = rows[:, 2] * rows[:, 1] / np.maximum(rows[:, 0], 1)
    columns = {
        "active_days_total": rows[:, 0],
        "active_days_28d": rows[:, 1],
        "active_days_14d": rows[:, 1] / 2,
        "interactions_total": rows[:, 2],
        "interactions_28d": lately,
        "interactions_14d": lately / 2,
        "objects_total": rows[:, 2] / 2 if materials else np.zeros(len(rows)),
        "submitted_share": rows[:, 4],
        "mean_score": rows[:, 3],
        "days_since_first_activity": np.where(rows[:, 0] > 0, 56.0, np.nan),
    }
    return Matrix(tuple(NEEDED), np.column_stack([columns[name] for name in NEEDED]))


@pytest.mark.parametrize(
    ("own", "kind"),
    [
        ((20, 10, 100, 0.7, 0.9), "on course"),
        ((0, 0, 0, np.nan, 0), "never started"),
        ((14, 1, 60, 0.65, 0.9), "loss of motivation"),
        ((5, 2.5, 15, 0.65, 0.9), "lack of time"),
        ((14, 7, 65, 0.65, 0.5), "lack of time"),
        ((14, 7, 65, 0.65, 0.9), "on course"),
        ((14, 7, 65, 0.65, np.nan), "on course"),
        ((20, 10, 100, 0.3, 0.9), "skill gap"),
        ((26, 13, 300, 0.3, 0.9), "busy but low results"),
        ((20, 10, 100, np.nan, 0.9), "on course"),
    ],
)
def test_each_rule_finds_whom_it_describes(own: tuple[float, ...], kind: str) -> None:
    assert reason_types(cohort(own))[-1] == kind


def test_days_stand_for_materials_where_none_are_recorded() -> None:
    assert reason_types(cohort((14, 1, 60, 0.65, 0.9), materials=False))[-1] == "loss of motivation"


def test_who_opened_the_usual_materials_has_not_lost_motivation() -> None:
    assert reason_types(cohort((19, 1, 115, 0.65, 0.9)))[-1] == "on course"


def test_most_of_a_middling_cohort_is_on_course() -> None:
    assert (reason_types(cohort()) == "on course").mean() > 0.9


def test_edges() -> None:
    nobody = cohort().rows(np.zeros(90, dtype=np.bool_))
    assert len(reason_types(nobody)) == 0
    unseen = Matrix(tuple(NEEDED), np.column_stack([np.zeros((5, 7)), np.full((5, 3), np.nan)]))
    assert set(reason_types(unseen)) == {"never started"}
    with pytest.raises(InputError, match="mean_score"):
        reason_types(Matrix(NEEDED[:-1], np.ones((3, len(NEEDED) - 1))))
    assert set(MEANT) == set(REASON_TYPES)
