"""Evening out classes: only ever on the rows of a fit, and what each way does there."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from headway.domain.errors import InputError, NotEnoughData, UnknownName
from headway.evaluation.decisions import Costs
from headway.evaluation.imbalance import HOWS, How, moved_threshold, resampled
from headway.evaluation.ranges import Comparable
from headway.evaluation.risk_model import fit
from headway.evaluation.rows import learner_folds
from headway.models.model import Fitted, Floats, History, Json, Matrix
from tests.unit.evaluation.test_risk_model import LOGISTIC, rows_of


@dataclass
class Watcher:
    """A model that remembers what it was fitted on and says the share of positives in it."""

    name: str = "watcher"
    summary: str = "Remembers"
    trivial: bool = False
    seen: list[tuple[Matrix, Floats, Floats]] = field(default_factory=list)

    def fit(self, features: Matrix, labels: Floats, weights: Floats, seed: int) -> Fitted:
        self.seen.append((features, labels, weights))
        return Share(float((weights * labels).sum() / weights.sum()))

    def restore(self, state: Mapping[str, bytes]) -> Fitted:
        return Share(0.5)


@dataclass
class Share:
    share: float

    def risk(self, features: Matrix) -> Floats:
        return np.full(len(features), self.share)

    def contributions(self, features: Matrix) -> Floats:
        return np.zeros(features.values.shape)

    def facts(self) -> dict[str, Json]:
        return {}

    def state(self) -> dict[str, bytes]:
        return {}


RANDOM = np.random.default_rng(1)
VALUES = np.where(RANDOM.random((200, 3)) < 0.2, np.nan, RANDOM.normal(size=(200, 3)) * [1, 100, 0.01])
LABELS = (np.arange(200) < 20).astype(float)
ONES = np.ones(200)
FEATURES = Matrix(("a", "b", "c"), VALUES)


def learned(how: How, weights: Floats = ONES, features: Matrix = FEATURES) -> tuple[Matrix, Floats, Floats]:
    watcher = Watcher()
    resampled(watcher, how).fit(features, LABELS, weights, 3)
    return watcher.seen[0]


@pytest.mark.parametrize(("how", "share"), [("none", 0.1), ("threshold", 0.1), ("weights", 0.5)])
def test_rows_stay_and_weights_decide(how: How, share: float) -> None:
    features, labels, weights = learned(how)
    assert features is FEATURES
    assert (weights * labels).sum() / weights.sum() == pytest.approx(share)


def test_undersampling_keeps_every_positive_and_as_many_others() -> None:
    features, labels, _ = learned("undersample")
    assert (len(features), labels.sum()) == (40, 20)
    assert np.array_equal(features.values[:20], VALUES[:20], equal_nan=True)


def test_smote_adds_rows_between_positives_and_touches_no_other() -> None:
    features, labels, _ = learned("smote")
    assert (len(features), labels.sum()) == (360, 180)
    assert np.allclose(features.values[:200], VALUES, equal_nan=True)
    new = features.values[200:]
    with np.errstate(invalid="ignore"):
        assert np.nanmin(new[:, 1]) >= np.nanmin(VALUES[:20, 1]) - 1e-6
        assert np.nanmax(new[:, 1]) <= np.nanmax(VALUES[:20, 1]) + 1e-6
    assert 0.05 < np.isnan(new).mean() < 0.4


def test_smote_leaves_no_groups_to_hold_out_by() -> None:
    groups = np.arange(200, dtype=np.int64)
    features, _, _ = learned("smote", features=Matrix(FEATURES.names, VALUES, groups=groups, eras=groups))
    assert features.groups is None
    assert features.eras is None
    kept, _, _ = learned("undersample", features=Matrix(FEATURES.names, VALUES, groups=groups))
    assert kept.groups is not None
    assert kept.groups[:20].tolist() == list(range(20))


def test_weights_between_classes_are_the_method_s_and_within_a_class_the_caller_s() -> None:
    given = np.where(LABELS == 1, 9.0, np.where(np.arange(200) % 2, 1.0, 3.0))
    _, labels, weights = learned("none", given)
    assert (weights * labels).sum() / weights.sum() == pytest.approx(0.1)
    assert weights[20] / weights[21] == pytest.approx(3.0)


def test_the_same_seed_makes_up_the_same_rows() -> None:
    for how in HOWS:
        assert np.array_equal(learned(how)[0].values, learned(how)[0].values, equal_nan=True)


def test_what_cannot_be_evened_out_is_refused() -> None:
    with pytest.raises(UnknownName):
        resampled(LOGISTIC, "more")  # type: ignore[arg-type]  # a name that is none
    with pytest.raises(NotEnoughData, match="same label"):
        resampled(LOGISTIC, "smote").fit(FEATURES, np.zeros(200), ONES, 1)
    one = np.r_[1.0, np.zeros(199)]
    with pytest.raises(NotEnoughData, match="two rows"):
        resampled(LOGISTIC, "smote").fit(FEATURES, one, ONES, 1)
    history = History(("a",), 7, np.zeros((1, 1), dtype=np.float32), np.zeros((200, 1), dtype=np.int32))
    with pytest.raises(InputError, match="histories"):
        resampled(LOGISTIC, "smote").fit(Matrix(FEATURES.names, VALUES, history), LABELS, ONES, 1)


def test_a_fold_s_made_up_rows_come_from_that_fold_alone() -> None:
    """The planted fault would be resampling before the split: a held-out learner's values in a training row."""
    rows = rows_of({"s/c/1": [7, 14], "s/c/2": [7, 14]}, share=0.15)
    # Each learner has values of its own that no mixture of others can give.
    own = np.array([1000.0 * (int(who.rsplit("-", 1)[1]) + 100 * int(who[4])) for who in rows.learners])
    marked = Matrix(("mark",), own[:, None])
    watcher = Watcher()
    fit(resampled(watcher, "smote"), replace(rows, features=marked), course="s/c", day=14, seed=7)
    fold = learner_folds(rows.learners, rows.labels, 4, 7)
    for k in range(4):
        held = own[(fold == k) & (rows.labels == 1)]
        taught = own[fold != k]
        fits = [
            seen for seen, _, _ in watcher.seen if np.isin(taught, seen.values).all() and len(seen) < 2.1 * len(own)
        ]
        without = [seen for seen in fits if not np.isin(held, seen.values).any()]
        assert without, "no fit left this fold's learners out"
        for seen in without:
            made_up = seen.values[len(taught) :, 0]
            least, most = taught[rows.labels[fold != k] == 1].min(), taught[rows.labels[fold != k] == 1].max()
            assert ((made_up >= least - 1e-6) & (made_up <= most + 1e-6)).all()


def test_balancing_shifts_risks_and_calibration_brings_them_back() -> None:
    rows = rows_of({"s/c/1": [7, 14], "s/c/2": [7, 14]}, learners=300, share=0.12)
    trained = fit(resampled(LOGISTIC, "smote"), rows, course="s/c", day=14, seed=1)
    raw = trained.fitted.risk(rows.features).mean()
    told = trained.predict(rows.features).risks.mean()
    assert raw > 0.25
    assert told == pytest.approx(rows.labels.mean(), abs=0.06)


def test_the_moved_threshold_is_the_cheapest_on_the_past() -> None:
    past = Comparable.fit(np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.0, 0, 1, 1]))
    assert moved_threshold(past, Costs(5, 1)) == pytest.approx(0.3)
    assert moved_threshold(past, Costs(1, 5)) > 1
    assert moved_threshold(Comparable.fit(np.zeros(0), np.zeros(0)), Costs(5, 1)) == pytest.approx(0.2)
