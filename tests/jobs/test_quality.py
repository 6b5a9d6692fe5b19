"""The quality of layouts, measured in the real compute process, kept and found again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from explorer.compute.neighbors import neighbor_graph
from explorer.compute.projections import PCA, Layout
from explorer.compute.quality import quality
from explorer.errors import BadParameter, UnknownChoice, VectorsNeeded
from explorer.jobs.runner import Runner
from explorer.store.store import Store
from tests.jobs.test_runner import WAIT_S, dataset


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    made = Runner(Store(tmp_path_factory.mktemp("store"), limit_mb=100))
    yield made
    made.close()


def test_a_layout_is_measured_once_and_found_again_wherever_it_came_from(jobs: Runner):
    data = dataset(left_out=(5, 70))
    layout = jobs.submit_layout(data, PCA()).result(WAIT_S)
    job = jobs.submit_quality(data, layout, title="PCA", metric="euclidean")
    assert job.what == "Quality of PCA of noise"
    found = job.result(WAIT_S)
    there = data.drawable
    direct = quality(data.vectors[there], neighbor_graph(data.vectors[there], k=30, metric="euclidean"), layout.coordinates[there])
    for k, kept in found.preservation.kept.items():
        np.testing.assert_array_equal(kept[there], direct.preservation.kept[k])
        assert np.flatnonzero(np.isnan(kept)).tolist() == [5, 70]
    np.testing.assert_array_equal(found.preservation.false[there], direct.preservation.false)
    np.testing.assert_array_equal(found.preservation.missing[there], direct.preservation.missing)
    assert found.agreement.trustworthiness == pytest.approx(direct.agreement.trustworthiness, abs=1e-12)
    assert found.control.continuity == pytest.approx(direct.control.continuity, abs=1e-12)
    np.testing.assert_array_equal(found.agreement.distances, direct.agreement.distances)
    assert jobs.stored_graph(data, "euclidean", 30) is not None, "the graph that it needed is kept"

    same = Layout(np.array(layout.coordinates), "given", {})
    again = jobs.submit_quality(data, same, metric="euclidean")
    assert again.state == "done"
    np.testing.assert_array_equal(again.result().preservation.kept[15], found.preservation.kept[15])
    other = jobs.submit_quality(data, layout, metric="cosine").result(WAIT_S)
    assert not np.array_equal(other.preservation.kept[15], found.preservation.kept[15], equal_nan=True)


def test_two_rows_are_measured_as_far_as_there_is_something_to_measure(jobs: Runner):
    data = dataset(2)
    found = jobs.submit_quality(data, Layout(np.eye(2, dtype=np.float32), "given", {})).result(WAIT_S)
    assert found.agreement is found.control is None
    assert found.preservation.kept[1].tolist() == [1, 1]


def test_what_cannot_be_measured_says_why(jobs: Runner):
    data = dataset()
    layout = Layout(np.zeros((data.n_rows, 2), np.float32), "given", {})
    with pytest.raises(BadParameter, match="119 rows"):
        jobs.submit_quality(data, replace(layout, coordinates=layout.coordinates[1:])).result(WAIT_S)
    with pytest.raises(UnknownChoice):
        jobs.submit_quality(data, layout, metric="manhatten").result(WAIT_S)
    with pytest.raises(VectorsNeeded):
        jobs.submit_quality(replace(data, vectors=None), layout).result(WAIT_S)
