"""How much of a layout is chance, measured in the real compute process, kept and found again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from explorer.compute.neighbors import neighbor_graph
from explorer.compute.projections import PCA, TSNE, UMAP, Layout
from explorer.compute.stability import Stability, stability
from explorer.errors import BadParameter, VectorsNeeded
from explorer.jobs.runner import Runner
from explorer.store.store import Store
from tests.jobs.test_runner import WAIT_S, dataset, until

QUICK = {"n_epochs": 20}


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    made = Runner(Store(tmp_path_factory.mktemp("store"), limit_mb=100))
    yield made
    made.close()


def test_a_layout_is_compared_with_the_runs_of_the_next_seeds_once(jobs: Runner):
    data = dataset(left_out=(5, 70))
    layout = jobs.submit_layout(data, UMAP(seed=3, **QUICK)).result(WAIT_S)
    stages: list[str] = []
    job = jobs.submit_stability(data, layout, runs=2, title="UMAP")
    job.watch(lambda changed: stages.append(changed.stage))
    assert job.what == "Stability of UMAP of noise"
    found = job.result(WAIT_S)
    assert [stage for stage in dict.fromkeys(stages) if stage.startswith("run ")] == ["run 1 of 2", "run 2 of 2"]

    there = data.drawable
    vectors = data.vectors[there]
    graph = neighbor_graph(vectors, k=30)
    others = [UMAP(seed=seed, **QUICK).fit(vectors, graph).coordinates for seed in (4, 5)]
    direct = stability(np.array(layout.coordinates[there]), others)
    np.testing.assert_array_equal(found.wobble[there], direct.wobble)
    np.testing.assert_array_equal(found.kept[there], direct.kept)
    assert np.flatnonzero(np.isnan(found.wobble)).tolist() == [5, 70]
    assert (found.runs, found.typical, found.control) == (2, pytest.approx(direct.typical), pytest.approx(direct.control))
    assert 0 < found.typical < found.control
    assert not found.wobble.flags.owndata, "memory-mapped"

    assert jobs.kept(data) == [("umap", UMAP(seed=3, **QUICK).settings())], "nobody's list of layouts grows"
    again = jobs.submit_stability(data, Layout(np.array(layout.coordinates), layout.method, layout.params), runs=2)
    assert again.state == "done"
    np.testing.assert_array_equal(again.result().wobble, found.wobble)
    assert jobs.stored_stability(data, layout) is None, "that would be of four runs"


def test_a_layout_that_somebody_has_computed_with_such_a_seed_is_not_computed_again(jobs: Runner):
    data = dataset()
    first, _ = (jobs.submit_layout(data, UMAP(seed=seed, **QUICK)).result(WAIT_S) for seed in (0, 1))
    jobs.submit_stability(data, first, runs=2).result(WAIT_S)
    assert _reruns(jobs, data.fingerprint) == 1


def test_tsne_whose_seed_changes_next_to_nothing_is_run_from_other_starts(jobs: Runner):
    data = dataset()
    layout, _ = (jobs.submit_layout(data, TSNE(n_iter=20, seed=seed)).result(WAIT_S) for seed in (0, 1))
    found = jobs.submit_stability(data, layout, runs=2).result(WAIT_S)
    assert found.typical > 0
    assert _reruns(jobs, data.fingerprint) == 2, "the map of seed 1 is not another run"
    again = jobs.submit_stability(data, layout, runs=1).result(WAIT_S)
    assert (again.runs, _reruns(jobs, data.fingerprint)) == (1, 2)


def test_what_was_canceled_goes_on_with_the_run_it_was_in(jobs: Runner):
    data = dataset(200)
    layout = jobs.submit_layout(data, TSNE(n_iter=600)).result(WAIT_S)
    job = jobs.submit_stability(data, layout, runs=2)
    until(lambda: job.stage == "run 2 of 2")
    pid = jobs.worker_pid
    job.cancel()
    assert job.state == "canceled"
    assert _reruns(jobs, data.fingerprint) == 1
    found: Stability = jobs.submit_stability(data, layout, runs=2).result(WAIT_S)
    assert found.runs == 2
    assert jobs.worker_pid == pid, "it stopped by itself"


def _reruns(jobs: Runner, fingerprint: str) -> int:
    return len([entry for entry in jobs.store.entries("rerun") if entry.meta["fingerprint"] == fingerprint])


def test_what_cannot_be_run_again_says_why(jobs: Runner):
    data = dataset()
    layout = jobs.submit_layout(data, PCA()).result(WAIT_S)
    with pytest.raises(BadParameter, match=r"PCA has no chance in it: every run is the same\."):
        jobs.submit_stability(data, layout).result(WAIT_S)
    with pytest.raises(BadParameter, match="nobody knows how it was made"):
        jobs.submit_stability(data, replace(layout, method="given", params={})).result(WAIT_S)
    settings = UMAP(**QUICK).settings()
    with pytest.raises(BadParameter, match="run it to its end first"):
        jobs.submit_stability(data, replace(layout, method="umap", params={**settings, "stopped_at": 7})).result(WAIT_S)
    umap = replace(layout, method="umap", params=settings)
    with pytest.raises(BadParameter, match="119 rows"):
        jobs.submit_stability(data, replace(umap, coordinates=layout.coordinates[1:])).result(WAIT_S)
    with pytest.raises(BadParameter, match="runs=0"):
        jobs.submit_stability(data, umap, runs=0).result(WAIT_S)
    with pytest.raises(VectorsNeeded, match="Stability of UMAP"):
        jobs.submit_stability(replace(data, vectors=None), umap, title="UMAP").result(WAIT_S)
