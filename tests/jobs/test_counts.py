"""How many computations wait, run and have ended, as the server's metrics tell."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from itertools import count

import numpy as np
import pytest

from explorer.compute.projections import PCA, TSNE
from explorer.data.dataset import Dataset, open_dataset
from explorer.errors import WorkerDied
from explorer.jobs.runner import Runner
from explorer.store.store import Store

WAIT_S = 60.0
LONG = {"n_iter": 10_000}  # a t-SNE that runs for a minute when nobody stops it
seeds = count(1)


@pytest.fixture
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """One process."""
    made = Runner(Store(tmp_path_factory.mktemp("store"), limit_mb=1000), workers=1)
    yield made
    made.close()


def dataset() -> Dataset:
    """Rows that nobody has seen."""
    return open_dataset(np.random.default_rng(next(seeds)).normal(size=(600, 8)).astype(np.float32), name="noise")


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def test_nothing_is_counted_where_nothing_was_asked(jobs: Runner) -> None:
    assert jobs.counts() == {}
    assert jobs.n_died == 0


def test_what_waits_and_runs_is_counted_once_whoever_asks_and_then_by_its_end(jobs: Runner) -> None:
    data = dataset()
    running = jobs.submit_layout(data, TSNE(**LONG), owner="a")
    again = jobs.submit_layout(data, TSNE(**LONG), owner="b")
    until(lambda: running.live_number and again.state == "running")
    waiting = jobs.submit_layout(dataset(), PCA(), owner="c")
    left = jobs.submit_graph(dataset(), owner="d")
    until(lambda: jobs.counts() == {("layout", "running"): 1, ("layout", "queued"): 1, ("graph", "queued"): 1})
    left.cancel()
    until(lambda: jobs.counts().get(("graph", "canceled")) == 1)
    again.cancel()
    running.stop()  # who asked has what there was
    waiting.result(WAIT_S)
    until(lambda: jobs.counts() == {("layout", "done"): 2, ("graph", "canceled"): 1})
    unwanted = jobs.submit_layout(data, TSNE(**LONG, seed=5))
    until(lambda: unwanted.state == "running")
    unwanted.cancel()
    until(lambda: jobs.counts().get(("layout", "canceled")) == 1)


def test_what_is_stored_already_is_not_computed_and_not_counted(jobs: Runner) -> None:
    data = dataset()
    for _ in range(2):
        jobs.submit_layout(data, PCA()).result(WAIT_S)
    assert jobs.counts() == {("layout", "done"): 1}


def test_who_asked_just_before_it_was_done_has_it_and_nothing_more_is_counted(jobs: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    data, real, asked = dataset(), jobs.find_layout, count()
    jobs.submit_layout(data, PCA()).result(WAIT_S)
    monkeypatch.setattr(jobs, "find_layout", lambda *what: real(*what) if next(asked) else None)  # as before it was done
    late = jobs.submit_layout(data, PCA())
    assert not late.ended
    assert late.result(WAIT_S).method == "pca"
    assert jobs.counts() == {("layout", "done"): 1}


def test_a_process_that_dies_is_counted_and_its_computation_has_failed(jobs: Runner) -> None:
    job = jobs.submit_layout(dataset(), TSNE(**LONG))
    until(lambda: job.live_number)
    assert jobs.worker_pid is not None
    os.kill(jobs.worker_pid, signal.SIGKILL)
    with pytest.raises(WorkerDied):
        job.result(WAIT_S)
    until(lambda: jobs.counts() == {("layout", "failed"): 1})
    assert jobs.n_died == 1
