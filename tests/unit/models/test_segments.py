"""Segments come out again, are numbered from the largest, and their number is what the rows hold."""

import numpy as np
import pytest

from headway.domain.errors import InputError, NotEnoughData
from headway.models.model import Floats, Matrix
from headway.models.segments import METHODS, Method, Space, adjusted_rand, segmented, stability


def blobs(sizes: tuple[int, ...] = (120, 80, 40), seed: int = 1) -> tuple[Floats, np.ndarray]:
    """Points around as many middles as sizes, and where each belongs."""
    random = np.random.default_rng(seed)
    truth = np.repeat(np.arange(len(sizes)), sizes)
    middles = np.array([[0, 0], [6, 0], [0, 6], [6, 6]])[: len(sizes)]
    return middles[truth] + random.normal(size=(len(truth), 2)), truth


@pytest.mark.parametrize("method", METHODS)
def test_planted_segments_are_found_with_their_number(method: Method) -> None:
    points, truth = blobs()
    found = segmented(points, method, seed=1)
    assert len(found.centres) == 3
    assert adjusted_rand(found.labels, truth) > 0.95
    assert np.bincount(found.labels).tolist() == sorted(np.bincount(found.labels).tolist(), reverse=True)
    assert found.stability > 0.95
    assert (found.again > 0.9).all()
    assert np.array_equal(found.nearest(points), found.labels) or method != "kmeans"
    assert np.array_equal(segmented(points, method, seed=1).labels, found.labels)


def test_where_there_is_nothing_more_segments_are_less_stable() -> None:
    points = np.random.default_rng(1).normal(size=(300, 4))
    assert stability(points, "kmeans", 6, seed=1)[0] < 0.7 < stability(blobs()[0], "kmeans", 3, seed=1)[0]


def test_a_number_asked_for_is_made() -> None:
    found = segmented(blobs()[0], "kmeans", seed=1, number=5)
    assert len(found.centres) == 5
    assert set(found.tried) == {5}
    with pytest.raises(InputError, match="Choose 2 to"):
        segmented(blobs()[0], "kmeans", seed=1, number=1)
    with pytest.raises(NotEnoughData):
        segmented(np.zeros((50, 2)), "kmeans", seed=1)


def test_adjusted_rand_is_that_of_scikit_learn() -> None:
    from sklearn.metrics import adjusted_rand_score

    random = np.random.default_rng(1)
    one, other = random.integers(0, 4, 200), random.integers(0, 6, 200)
    mixed = np.where(random.random(200) < 0.6, one, other)
    for first, second in ((one, other), (one, mixed), (one, one)):
        assert adjusted_rand(first, second) == pytest.approx(adjusted_rand_score(first, second))
    assert adjusted_rand(np.array(["a", "a", "b"]), np.array([1, 1, 7])) == 1


def test_points_are_standardised_behaviour_and_nothing_else() -> None:
    random = np.random.default_rng(1)
    names = ("active_weeks", "interactions_28d", "gender", "mean_score")
    values = np.column_stack([random.integers(0, 8, 100), random.lognormal(3, 2, 100), np.ones(100), np.full(100, 0.5)])
    values[:10, 3] = np.nan
    space = Space.of(Matrix(names, values))
    points = space.points(Matrix(names, values))
    assert "gender" not in space.names
    assert np.isfinite(points).all()
    assert np.abs(points).max() <= 3
    with pytest.raises(NotEnoughData):
        Space.of(Matrix(("gender",), np.ones((5, 1))))
