"""Computing in a Dask cluster of real processes, whose workers have stores of their own, as on other machines."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from distributed import LocalCluster

from explorer.compute.neighbors import neighbor_graph
from explorer.compute.projections import PCA, TSNE, UMAP
from explorer.data.dataset import Dataset, open_dataset
from explorer.data.streaming import VECTORS
from explorer.errors import BadParameter, JobCanceled, SchedulerUnreachable
from explorer.jobs import cluster_graph
from explorer.jobs.artifacts import GRAPH
from explorer.jobs.cluster_graph import ClusterGraph
from explorer.jobs.job import Job
from explorer.jobs.runner import Runner
from explorer.store.store import Store
from tests.compute.test_cell_search import clusters
from tests.jobs.test_hub import LONG, WAIT_S, dataset, until


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """Two workers with a store that is not the server's."""
    theirs = {"EXPLORER_STORE": str(tmp_path_factory.mktemp("theirs")), "EXPLORER_SCHEDULER": ""}
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, env=theirs) as made:
        yield made


@pytest.fixture
def server(cluster: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
    """A runner that has the cluster compute, with a store of its own."""
    monkeypatch.setenv("EXPLORER_SCHEDULER", cluster.scheduler_address)
    made = Runner(Store(tmp_path / "ours", limit_mb=1000), workers=2)
    yield made
    made.close()


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Compute here, for comparison."""

    def compute(*args: Any) -> Any:
        with monkeypatch.context() as here:
            here.delenv("EXPLORER_SCHEDULER", raising=False)
            runner = Runner(Store(tmp_path / "alone", limit_mb=1000), workers=1)
            found = runner.submit_layout(*args).result(WAIT_S)
            runner.close()
            return found

    return compute


def seen_live(job: Job[Any]) -> None:
    until(lambda: job.live_number >= 1 or job.ended)
    assert not job.ended, job.error


def test_results_equal_those_of_this_machine_and_are_kept_here(server: Runner, alone: Callable[..., Any]) -> None:
    data = dataset()
    job = server.submit_layout(data, TSNE(n_iter=600), owner="somebody")
    until(lambda: job.live_number >= 2)
    live = job.live()
    assert live is not None
    assert live.coordinates.shape == (600, 2)
    np.testing.assert_array_equal(job.result(WAIT_S).coordinates, alone(data, TSNE(n_iter=600)).coordinates)
    kept = {entry.kind for entry in server.store.of(data.fingerprint)}
    assert {VECTORS, GRAPH, "layout"} <= kept, "the graph that was made on the way came back, too"
    assert server.submit_layout(data, TSNE(n_iter=600)).state == "done"
    np.testing.assert_array_equal(server.submit_layout(data, UMAP()).result(WAIT_S).coordinates, alone(data, UMAP()).coordinates)


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have graphs of few rows searched by all workers together."""
    monkeypatch.setattr(cluster_graph, "SHARED_FROM", 100)


def many(seed: int = 0) -> Dataset:
    """Rows enough for a search by cells."""
    return open_dataset(clusters(26_000, 8, seed), name="many")


def kinds(store: Store, fingerprint: str) -> set[str]:
    return {entry.kind for entry in store.of(fingerprint)}


def test_all_workers_search_a_graph_together_and_find_what_one_finds(
    shared: None, server: Runner, cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, searched = many(), []
    build = ClusterGraph.build
    monkeypatch.setattr(ClusterGraph, "build", lambda self: searched.append(1) or build(self))
    job = server.submit_graph(data, k=15)
    graph = job.result(WAIT_S)
    assert searched, "the workers searched together"
    assert data.vectors is not None
    whole = neighbor_graph(data.vectors, k=30)
    assert graph.recall == pytest.approx(whole.recall, abs=1e-6)
    np.testing.assert_array_equal(graph.indices, whole.indices[:, :15])
    np.testing.assert_array_equal(graph.distances, whole.distances[:, :15])
    layout = server.submit_layout(data, UMAP(n_epochs=5))
    assert layout.result(WAIT_S).coordinates.shape == (26_000, 2)
    assert len(searched) == 1, "the graph is there"
    with cluster.get_client() as client:
        left = client.run(lambda: [entry.kind for entry in Store().entries("part")])
    assert [kind for each in left.values() for kind in each] == [], "what the parts made is gone"
    assert not list(server.store.entries("part"))


def test_a_layout_goes_on_from_the_graph_of_all_and_its_progress_only_grows(shared: None, server: Runner) -> None:
    job, seen = server.submit_layout(many(1), UMAP(n_epochs=20)), [0.0]
    while not job.ended:
        seen.append(job.fraction)
        time.sleep(0.02)
    assert job.result(WAIT_S).coordinates.shape == (26_000, 2)
    assert seen == sorted(seen)
    assert any(0 < each < 0.4 for each in seen), "the graph was told of"


def test_a_search_of_all_can_be_canceled_and_leaves_nothing(shared: None, server: Runner, cluster: LocalCluster) -> None:
    job = server.submit_graph(many(2), k=15)
    until(lambda: job.fraction > 0.05 or job.ended)
    job.cancel()
    with pytest.raises(JobCanceled):
        job.result(WAIT_S)
    assert server.submit_layout(dataset(), PCA()).result(WAIT_S).method == "pca", "the workers are free"
    with cluster.get_client() as client:
        until(lambda: not any(client.run(lambda: [entry.kind for entry in Store().entries("part")]).values()))


def test_a_worker_that_is_lost_in_a_search_of_all_is_made_up_for(shared: None, server: Runner, cluster: LocalCluster) -> None:
    data = many(3)
    job = server.submit_graph(data, k=15)
    until(lambda: job.fraction > 0.12 or job.ended)
    assert not job.ended
    psutil.Process(next(iter(cluster.workers.values())).pid).kill()
    graph = job.result(WAIT_S)
    assert data.vectors is not None
    np.testing.assert_array_equal(graph.indices, neighbor_graph(data.vectors, k=30).indices[:, :15])
    until(lambda: len(cluster.scheduler_info["workers"]) == 2)


def test_a_wrong_metric_is_told_by_all(shared: None, server: Runner) -> None:
    vectors = clusters(26_000, 3, 5)
    vectors[7] = 1.5
    with pytest.raises(BadParameter, match="correlation"):
        server.submit_graph(open_dataset(vectors, name="constant"), k=15, metric="correlation").result(WAIT_S)


def test_two_compute_at_once_and_a_wrong_parameter_is_told(server: Runner) -> None:
    long = server.submit_layout(dataset(), LONG, owner="one")
    seen_live(long)
    assert server.submit_layout(dataset(), PCA(), owner="other").result(WAIT_S).method == "pca"
    assert not long.ended
    long.cancel()


def test_cancel_frees_the_worker_and_what_was_stopped_is_kept(server: Runner) -> None:
    data = dataset()
    for turn in range(3):  # more than there are workers
        job = server.submit_layout(data, TSNE(n_iter=10_000, seed=turn), owner=str(turn))
        seen_live(job)
        job.cancel()
        with pytest.raises(JobCanceled):
            job.result(WAIT_S)
    job = server.submit_layout(data, LONG)
    seen_live(job)
    job.stop()
    assert job.result(WAIT_S).coordinates.shape == (600, 2)


def test_a_worker_that_is_killed_is_replaced_and_its_task_computed_again(server: Runner, cluster: LocalCluster) -> None:
    job = server.submit_layout(dataset(), TSNE(n_iter=1000))
    seen_live(job)
    computing = [
        process
        for process in psutil.Process(os.getpid()).children(recursive=True)
        if "explorer.jobs.worker" in " ".join(process.cmdline()) and process.parent() is not None
    ]
    busiest = max(computing, key=lambda process: process.cpu_percent(0.2))
    worker = busiest.parent()
    assert worker is not None
    worker.kill()
    assert job.result(WAIT_S).method == "tsne"
    until(lambda: len(cluster.scheduler_info["workers"]) == 2)
    until(lambda: not psutil.pid_exists(busiest.pid))


def test_a_cluster_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_SCHEDULER", "tcp://127.0.0.1:9")
    runner = Runner(Store(tmp_path, limit_mb=1000), workers=1)
    with pytest.raises(SchedulerUnreachable, match=r"tcp://127\.0\.0\.1:9"):
        runner.submit_layout(dataset(), PCA()).result(WAIT_S)
    runner.close()
    monkeypatch.setenv("EXPLORER_SCHEDULER", "cluster:8786")
    with pytest.raises(BadParameter, match="EXPLORER_SCHEDULER"):
        runner.submit_layout(dataset(), PCA()).result(WAIT_S)


def test_the_command_starts_one_that_others_use_and_leaves_nothing(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    explorer = [sys.executable, "-m", "explorer"]
    theirs = {**os.environ, "EXPLORER_STORE": str(tmp_path / "theirs")}
    with subprocess.Popen(
        [*explorer, "cluster", "--workers", "1", "--port", port], stdout=subprocess.PIPE, text=True, env=theirs
    ) as cluster:
        assert cluster.stdout is not None
        address = cluster.stdout.readline().split()[-1]
        ours = {**os.environ, "EXPLORER_STORE": str(tmp_path / "ours"), "EXPLORER_SCHEDULER": address}
        done = subprocess.run(
            [*explorer, "project", "digits", "-o", str(tmp_path / "map.csv")],
            env=ours,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert "UMAP" in done.stdout, done.stderr
        assert (tmp_path / "theirs" / "graph").is_dir(), "it was computed there"
        taken = subprocess.run([*explorer, "cluster", "--port", port], capture_output=True, text=True, timeout=60, check=False)
        assert taken.returncode == 2
        assert "--port" in taken.stderr
        processes = psutil.Process(cluster.pid).children(recursive=True)
        cluster.terminate()
        assert cluster.wait(30) == 0
    until(lambda: not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes))
