"""New rows placed in the real compute process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from explorer.compute.neighbors import nearest_rows
from explorer.compute.projections import PCA, Layout
from explorer.errors import BadParameter, UnknownChoice, VectorsNeeded
from explorer.jobs.runner import Runner
from explorer.store.store import Store
from tests.jobs.test_runner import WAIT_S, dataset


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    made = Runner(Store(tmp_path_factory.mktemp("store"), limit_mb=100))
    yield made
    made.close()


def test_new_rows_have_neighbors_among_all_rows_and_a_place_on_each_layout(jobs: Runner):
    data = dataset(left_out=(5, 70))
    assert data.vectors is not None
    pca = jobs.submit_layout(data, PCA()).result(WAIT_S)
    other = Layout(np.array(data.vectors[:, :2]), "given", {})
    new = data.vectors[[80, 3]]
    found = jobs.submit_placement(data, [pca, other], new).result(WAIT_S)
    for i in range(2):
        expected, apart = nearest_rows(data.vectors, new[i], k=15, drawable=data.drawable)
        np.testing.assert_array_equal(found.rows[i], expected)
        np.testing.assert_allclose(found.distances[i], apart, atol=1e-6)
    assert found.rows[:, 0].tolist() == [80, 3]
    assert [each.how for each in found.placed] == ["linear", "neighbors"]
    np.testing.assert_allclose(found.placed[0].coordinates, pca.coordinates[[80, 3]], atol=1e-4)
    assert found.familiarity.confidence.shape == (2,)
    assert jobs.submit_placement(data, [pca, other], new).state == "done", "the same question is not computed again"


def test_what_cannot_be_placed_says_why(jobs: Runner):
    data = dataset()
    assert data.vectors is not None
    with pytest.raises(BadParameter, match="8 numbers"):
        jobs.submit_placement(data, [], np.ones((1, 7), np.float32)).result(WAIT_S)
    with pytest.raises(UnknownChoice):
        jobs.submit_placement(data, [], data.vectors[:1], metric="manhatten").result(WAIT_S)
    with pytest.raises(VectorsNeeded):
        jobs.submit_placement(replace(data, vectors=None), [], data.vectors[:1]).result(WAIT_S)
