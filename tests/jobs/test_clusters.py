"""Clusters through the real compute process: found once, kept, read again, canceled; rows that are not drawn are in none."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from explorer.data.dataset import Dataset, open_dataset
from explorer.errors import BadParameter
from explorer.jobs.runner import Runner
from explorer.store.store import Store


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    made = Runner(Store(tmp_path_factory.mktemp("store") / "store"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def groups() -> Dataset:
    rng = np.random.default_rng(0)
    vectors = (np.repeat(rng.normal(size=(8, 6)) * 20, 30, axis=0) + rng.normal(size=(240, 6))).astype(np.float32)
    vectors[7] = np.nan
    return open_dataset(vectors, name="groups")


def test_clusters_are_found_once_and_read_again(jobs: Runner, groups: Dataset) -> None:
    assert jobs.stored_clusters(groups) is None
    stages: list[str] = []
    job = jobs.submit_clusters(groups)
    job.watch(lambda changed: stages.append(changed.stage))
    found = job.result()
    assert found.layers[0].shape == (240,)
    assert found.layers[0][7] == -1
    assert len(found.parents[0]) == 8
    assert "clusters" in stages
    again = jobs.stored_clusters(groups)
    assert again is not None
    np.testing.assert_array_equal(again.layers[0], found.layers[0])
    assert jobs.submit_clusters(groups).ended  # nothing is computed twice


def test_other_parameters_are_other_clusters(jobs: Runner, groups: Dataset) -> None:
    assert jobs.stored_clusters(groups, coarsest=3) is None
    job = jobs.submit_clusters(groups, coarsest=1)
    with pytest.raises(BadParameter, match="give 2 or more"):
        job.result()


def test_a_canceled_search_leaves_nothing(jobs: Runner, tmp_path: Path) -> None:
    data = open_dataset(np.random.default_rng(1).normal(size=(4_000, 16)).astype(np.float32), name="more")
    job = jobs.submit_clusters(data)
    job.cancel()
    assert job.state == "canceled"
    assert jobs.stored_clusters(data) is None
