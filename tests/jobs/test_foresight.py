"""Forecasts of a runner, and what it refuses before anything starts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from explorer.compute.neighbors import neighbor_graph
from explorer.compute.projections import PCA, TSNE, UMAP
from explorer.data.dataset import Dataset, open_dataset
from explorer.errors import BadParameter, NotEnoughMemory, VectorsNeeded
from explorer.jobs.artifacts import keep_graph, keep_layout
from explorer.jobs.pace import machine_pace, pace_of, paces
from explorer.jobs.runner import Runner
from explorer.store.store import Store

WAIT_S = 60.0


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Runner]:
    made = Runner(Store(tmp_path / "store", limit_mb=1000))
    yield made
    made.close()


def dataset(n: int = 60, d: int = 5) -> Dataset:
    return open_dataset(np.random.default_rng(0).normal(size=(n, d)).astype(np.float32), name="noise")


def wide() -> Dataset:
    """So many rows that no thread would want to compute them: refused, they are not."""
    return dataset(200_000, 4)


def test_what_does_not_fit_is_refused_before_anything_starts(jobs: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_MEMORY", "400")
    job = jobs.submit_layout(wide(), TSNE(perplexity=30))
    assert job.state == "failed"
    assert isinstance(job.error, NotEnoughMemory)
    assert jobs.worker_pid is None
    assert str(job.error).startswith("t-SNE of noise needs about 1.")
    assert "EXPLORER_MEMORY allows 400 MB. What would fit: PCA or at most " in str(job.error)
    with pytest.raises(MemoryError):
        job.result()


def test_a_graph_alone_is_refused_too(jobs: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_MEMORY", "400")
    job = jobs.submit_graph(wide(), k=90)
    assert isinstance(job.error, NotEnoughMemory)
    assert str(job.error).startswith("Neighbor graph of noise needs about ")


def test_what_is_there_is_never_refused(jobs: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    data = dataset()
    jobs.submit_layout(data, PCA()).result(WAIT_S)
    monkeypatch.setenv("EXPLORER_MEMORY", "1")
    assert jobs.submit_layout(data, PCA()).state == "done"
    refused = jobs.submit_layout(data, PCA(x=2, y=1))
    assert str(refused.error).endswith("Nothing smaller would fit: end other programs, or use a larger machine.")


def test_a_graph_that_is_there_does_not_count(jobs: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    data = dataset()
    without = jobs.forecast_layout(data, UMAP())
    assert data.vectors is not None
    keep_graph(jobs.store, data.fingerprint, neighbor_graph(data.vectors, k=30))
    with_graph = jobs.forecast_layout(data, UMAP())
    assert without is not None
    assert with_graph is not None
    assert ("graph" in without.times, "graph" in with_graph.times) == (True, False)


def test_there_is_no_forecast_of_what_is_there(jobs: Runner) -> None:
    data = dataset()
    assert jobs.forecast_layout(data, PCA()) is not None
    jobs.submit_layout(data, PCA()).result(WAIT_S)
    assert jobs.forecast_layout(data, PCA()) is None


def test_a_forecast_says_what_running_would(jobs: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadParameter, match="min_dist"):
        jobs.forecast_layout(dataset(), UMAP(min_dist=1.0, spread=0.5))
    monkeypatch.setenv("EXPLORER_MEMORY", "100")
    with pytest.raises(NotEnoughMemory, match="UMAP of noise needs about"):
        jobs.forecast_layout(wide(), UMAP())
    with pytest.raises(NotEnoughMemory, match="Neighbor graph of noise needs about"):
        jobs.forecast_graph(wide())


def test_the_machine_is_measured_once_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    first = machine_pace(store)
    assert 0.05 < first < 50
    monkeypatch.setattr("explorer.jobs.pace._measured", lambda: 1 / 0)
    assert machine_pace(store) == first
    assert machine_pace(Store(tmp_path)) == first


def test_real_runs_correct_the_time_and_the_newest_count(jobs: Runner) -> None:
    data = dataset()
    layout = jobs.submit_layout(data, PCA()).result(WAIT_S)
    assert paces(jobs.store) == {}  # it took too little time to tell
    for seed, pace in enumerate([90.0, 3.0, 3.0, 3.0, 4.0, 5.0]):
        about: dict[str, Any] = {"settings": {"seed": seed}, "version": 1, "seconds": 1.0}
        keep_layout(jobs.store, data.fingerprint, layout, told=pace_of(10 * pace, 10.0), **about)
    assert paces(jobs.store) == {"pca": 3.0}
    made = jobs.forecast_layout(data, PCA(x=2, y=1))
    assert made is not None
    assert made.times["pca"] > 0


def test_what_takes_no_time_tells_no_pace() -> None:
    assert pace_of(3.0, 0.1) == {}
    assert pace_of(30.0, 20.0) == {"pace": 1.5, "pace_version": 4}


def test_coordinates_without_vectors_have_no_forecast(jobs: Runner) -> None:
    bare = open_dataset(pa.table({"x": [0.0, 1.0, 2.0], "y": [0.0, 1.0, 0.5]}), name="bare")
    with pytest.raises(VectorsNeeded, match="UMAP of bare needs vectors"):
        jobs.forecast_layout(bare, UMAP())


def test_a_layout_that_starts_from_another_takes_the_time_of_both(jobs: Runner) -> None:
    noise, chosen = dataset(3000, 10), TSNE(init="tsne", exaggeration=4)
    base = chosen.builds_on()
    assert base is not None
    alone, whole = jobs.forecast_layout(noise, base), jobs.forecast_layout(noise, chosen)
    assert alone is not None
    assert whole is not None
    assert whole.times["tsne"] > alone.times["tsne"]
    assert whole.times["graph"] == alone.times["graph"]
    below = base.builds_on()
    while below is not None:
        base, below = below, below.builds_on()
    first = jobs.forecast_layout(noise, base)
    assert first is not None
    assert whole.times["tsne"] == pytest.approx(5 * first.times["tsne"])  # from 1 over 1.5, 2 and 3 to 4
