"""The figures of a layout together: of every row, of the whole, and of chance."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.compute.neighbors import neighbor_graph
from explorer.compute.progress import Stopped
from explorer.compute.quality import quality


def rows(n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Rows in six dimensions, and a plane on which most of them are seen."""
    random = np.random.default_rng(0)
    plane = random.uniform(size=(n, 2))
    vectors = np.column_stack([plane, random.normal(scale=0.02, size=(n, 4))])
    return vectors.astype(np.float32), plane.astype(np.float32)


def test_a_good_layout_is_far_better_than_chance():
    vectors, plane = rows()
    said: list[float] = []
    found = quality(
        vectors, neighbor_graph(vectors, k=30, metric="euclidean"), plane, threads=2, report=lambda _, fraction: said.append(fraction)
    )
    assert np.nanmean(found.preservation.kept[15]) > 0.6
    assert found.agreement.trustworthiness > 0.97
    assert found.control.trustworthiness == pytest.approx(0.5, abs=0.05)
    assert found.agreement.triplets > 0.9
    assert found.control.triplets == pytest.approx(0.5, abs=0.03)
    assert said == sorted(said)
    assert said[-1] == 1.0


def test_rows_that_are_left_out_are_not_compared():
    vectors, plane = rows()
    plane[[3, 50]] = np.nan
    found = quality(vectors, neighbor_graph(vectors, k=30, metric="euclidean"), plane)
    assert np.flatnonzero(np.isnan(found.preservation.kept[15])).tolist() == [3, 50]
    assert np.isfinite(found.agreement.distances).all()
    assert found.agreement.trustworthiness > 0.97


def test_two_rows_have_no_figures_of_the_whole():
    vectors, plane = rows(2)
    found = quality(vectors, neighbor_graph(vectors, k=1, metric="euclidean"), plane)
    assert found.agreement is found.control is None
    assert found.preservation.kept[1].tolist() == [1, 1]


def test_it_can_be_stopped():
    vectors, plane = rows()
    with pytest.raises(Stopped):
        quality(vectors, neighbor_graph(vectors, k=30, metric="euclidean"), plane, should_stop=lambda: True)
