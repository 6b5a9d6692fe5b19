"""A layout that does not fit in memory all at once: the real compute process makes it from landmarks, and whoever asked is told."""

from __future__ import annotations

import dataclasses
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from explorer.compute.forecast import forecast_layout
from explorer.compute.projections import UMAP
from explorer.data.dataset import Dataset, GivenGraph, open_dataset
from explorer.errors import NotEnoughMemory
from explorer.jobs.artifacts import keep_given_graph
from explorer.jobs.job import Job
from explorer.jobs.runner import Runner
from explorer.jobs.stability_task import why_no_chance
from explorer.runs import run_of
from explorer.store.store import Store

WAIT_S = 100.0
N, D, K = 24_000, 8, 60
WIDE = UMAP(metric="euclidean", n_neighbors=K, n_epochs=10)  # so many edges that rows need not be many


@pytest.fixture(scope="module")
def data() -> Dataset:
    random = np.random.default_rng(0)
    vectors = (random.normal(scale=3, size=(30, D))[random.integers(30, size=N)] + random.normal(size=(N, D))).astype(np.float32)
    far, near = cKDTree(vectors).query(vectors, k=K + 1)
    graph = GivenGraph(near[:, 1:].astype(np.int32), far[:, 1:].astype(np.float32), "euclidean")
    return dataclasses.replace(open_dataset(vectors, name="clusters"), graph=graph)


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Runner]:
    made = Runner(Store(tmp_path / "store", limit_mb=1000), workers=1)
    yield made
    made.close()


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> int:
    """Leave room for a layout from landmarks, and not for all rows at once: so many megabytes."""
    few, all_ = (forecast_layout(N, D, WIDE, with_graph=False, landmarks=landmarks).memory for landmarks in (True, False))
    assert few < 0.9 * all_
    megabytes = (few + all_) // 2_000_000
    monkeypatch.setenv("EXPLORER_MEMORY", str(megabytes))
    return int(megabytes)


def running(job: Job[object]) -> None:
    """Wait until some of the layout is there."""
    seen = job.live_number
    while not job.ended and job.live_number <= seen + 1:
        time.sleep(0.01)


def test_what_does_not_fit_is_made_from_landmarks_and_says_so(data: Dataset, jobs: Runner, little: int) -> None:
    forecast = jobs.forecast_layout(data, WIDE)
    assert forecast is not None
    assert "of memory, from landmarks, as all rows at once need " in str(forecast)
    assert forecast.memory <= little * 1_000_000 < forecast.at_once
    layout = jobs.submit_layout(data, WIDE).result(WAIT_S)
    assert np.isfinite(layout.coordinates).all()
    assert layout.remark.startswith(
        f"Laid out from {layout.stats['landmarks']:,.0f} landmarks, as all rows at once would not fit into memory."
    )
    assert "3,000 sampled rows keep" in layout.remark
    assert run_of(layout.method, layout.params).title.endswith(", from landmarks")
    # it is there now, and found again, by this runner and by the list of what can be shown
    assert jobs.forecast_layout(data, WIDE) is None
    assert jobs.submit_layout(data, WIDE).state == "done"
    assert ("umap", dict(layout.params)) in jobs.kept(data)
    assert "from landmarks" in why_no_chance("umap", layout.params)


def test_where_there_is_room_it_is_another_layout(data: Dataset, jobs: Runner, little: int, monkeypatch: pytest.MonkeyPatch) -> None:
    few = jobs.submit_layout(data, WIDE).result(WAIT_S)
    monkeypatch.delenv("EXPLORER_MEMORY")
    whole = jobs.submit_layout(data, WIDE).result(WAIT_S)
    assert whole.remark == ""
    assert "landmarks" not in whole.params
    monkeypatch.setenv("EXPLORER_MEMORY", str(little))
    assert jobs.submit_layout(data, WIDE).result(WAIT_S).params == whole.params != few.params  # that of all rows at once is the better one


def test_what_does_not_fit_from_landmarks_either_is_refused(data: Dataset, jobs: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_MEMORY", "100")
    for chosen in (WIDE, UMAP(metric="euclidean", n_neighbors=K, dens_lambda=2.0)):
        job = jobs.submit_layout(data, chosen)
        assert isinstance(job.error, NotEnoughMemory)
        assert str(job.error).startswith("UMAP of clusters needs about ")
    assert jobs.worker_pid is None


def test_a_setting_that_is_no_size_fails_the_job(data: Dataset, jobs: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_MEMORY", "much")
    job = jobs.submit_layout(data, WIDE)
    assert job.state == "failed"
    assert "EXPLORER_MEMORY" in str(job.error)


@pytest.mark.usefixtures("little")
def test_density_is_kept_at_once_or_not_at_all(data: Dataset, jobs: Runner) -> None:
    chosen = UMAP(metric="euclidean", n_neighbors=K, dens_lambda=2.0)
    assert isinstance(jobs.submit_layout(data, chosen).error, NotEnoughMemory)


@pytest.mark.usefixtures("little")
def test_it_is_watched_canceled_and_stopped(data: Dataset, jobs: Runner) -> None:
    long = UMAP(**{**WIDE.settings(), "n_epochs": 2_000})
    canceled = jobs.submit_layout(data, long)
    running(canceled)
    assert 0 < canceled.fraction < 1
    live = canceled.live()
    assert live is not None
    assert (live.coordinates.shape, np.isfinite(live.coordinates).all()) == ((N, 2), True)
    canceled.cancel()
    assert canceled.state == "canceled"
    stopped = jobs.submit_layout(data, long)
    running(stopped)
    stopped.stop()
    layout = stopped.result(WAIT_S)
    assert {"landmarks", "stopped_at"} <= layout.params.keys()
    assert ", from landmarks, stopped at " in run_of(layout.method, layout.params).title


@pytest.mark.usefixtures("little")
def test_the_command_line_says_it(data: Dataset, tmp_path: Path, python: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    assert data.vectors is not None
    keep_given_graph(Store(), data, "euclidean", K - 1)  # to make it takes more memory than is left
    np.savez(tmp_path / "clusters.npz", vectors=data.vectors)
    options = ["--umap-metric", "euclidean", "--umap-n-neighbors", str(K), "--umap-n-epochs", "10"]
    done = python("-m", "explorer", "project", str(tmp_path / "clusters.npz"), *options, "-o", str(tmp_path / "map.csv"), check=False)
    assert "from landmarks, as all rows at once need" in done.stderr, done.stderr
    assert "Laid out from " in done.stderr
    assert len((tmp_path / "map.csv").read_text().splitlines()) == N + 1
