"""What is computed, as it is told: by a runner of its own, and to the servers that share a compute hub."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count

import numpy as np
import pytest

from explorer.compute.projections import PCA, TSNE
from explorer.data.dataset import Dataset, open_dataset
from explorer.jobs.board import Board, Computing
from explorer.jobs.runner import Runner
from explorer.store.store import Store

WAIT_S = 60.0
LONG = {"n_iter": 10_000}  # a t-SNE that runs for a minute when nobody stops it
ONE = Computing("layout", "0" * 32, "UMAP", "noise", "f", "running")
seeds = count(900)


def dataset(name: str = "noise") -> Dataset:
    """Rows that nobody has seen."""
    return open_dataset(np.random.default_rng(next(seeds)).normal(size=(600, 8)).astype(np.float32), name=name)


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


class Listener:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[Computing, ...]] = []
        self.at: list[float] = []

    def hear(self, listed: tuple[Computing, ...]) -> None:
        """Keep it."""
        self.told.append(listed)
        self.at.append(time.monotonic())


@pytest.fixture
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """One process."""
    made = Runner(Store(tmp_path_factory.mktemp("store"), limit_mb=1000), workers=1)
    yield made
    made.close()


def looking() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "explorer-board"]


# -- the board


def test_it_tells_while_something_is_computed_and_for_the_last_time_that_nothing_is() -> None:
    listed: list[Computing] = []
    board, listener = Board(lambda: tuple(listed)), Listener()
    board.tell(listener.hear)
    until(lambda: listener.told == [()])
    until(lambda: not looking())
    listed.append(ONE)
    board.stir()
    until(lambda: len(listener.told) >= 4)
    assert listener.told[1:4] == [(ONE,)] * 3
    assert min(np.diff(listener.at[1:])) > 0.4, "twice a second at most"
    listed.clear()
    until(lambda: listener.told[-1] == ())
    until(lambda: not looking())


def test_nobody_is_told_who_has_left_and_nothing_looks_for_them() -> None:
    board, going, stays = Board(lambda: (ONE,)), [Listener()], Listener()
    board.tell(going[0].hear)
    board.tell(stays.hear)
    until(lambda: going[0].told and stays.told)
    board.forget(stays.hear)
    going.clear()
    gc.collect()
    until(lambda: not looking())
    n = len(stays.told)
    board.stir()
    assert not looking()
    assert len(stays.told) == n


def test_who_cannot_be_told_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def hear(self, listed: tuple[Computing, ...]) -> None:
            raise ValueError(listed)

    board, broken, listener = Board(lambda: ()), Broken(), Listener()
    board.tell(broken.hear)
    board.tell(listener.hear)
    until(lambda: listener.told)
    assert "somebody could not be told what is computed" in caplog.text


# -- what a runner computes


def test_what_runs_comes_first_then_the_queue_with_places_whoever_asks(jobs: Runner) -> None:
    assert jobs.computing() == ()
    listener = Listener()
    jobs.board.tell(listener.hear)
    data = dataset("first")
    running = jobs.submit_layout(data, TSNE(**LONG), owner="a")
    joined = jobs.submit_layout(data, TSNE(**LONG), owner="b")
    until(lambda: running.fraction > 0.02 and joined.state == "running")
    second, third = (jobs.submit_layout(dataset("second"), PCA(x=1, y=y), owner="c") for y in (2, 3))
    fourth = jobs.submit_graph(dataset("third"), owner="d")
    until(lambda: len(listener.told) and len(listener.told[-1]) == 4)
    until(lambda: [each.dataset for each in jobs.computing()] == ["first", "second", "third", "second"])  # c has its turn, then d
    told = jobs.computing()
    assert [(each.sort, each.state, each.place, each.n_owners) for each in told] == [
        ("t-SNE", "running", 0, 2),
        ("PCA", "queued", 1, 1),
        ("Neighbor graph", "queued", 2, 1),
        ("PCA", "queued", 3, 1),
    ]
    assert told[0].fraction > 0
    assert told[0].fingerprint == data.fingerprint
    until(lambda: jobs.computing()[0].seconds_left)
    assert jobs.asked_by(["c"]).keys() == {(told[1].kind, told[1].key), (told[3].kind, told[3].key)}
    assert [job is joined for job in jobs.asked_by(["b", "nobody"]).values()] == [True]
    running.cancel()
    until(lambda: [each.n_owners for each in jobs.computing()] == [1, 1, 1, 1])
    for job in (joined, second, third, fourth):
        job.cancel()
    until(lambda: jobs.computing() == ())
    until(lambda: listener.told[-1] == ())


def test_what_ends_is_on_no_list(jobs: Runner) -> None:
    assert jobs.submit_layout(dataset(), PCA()).result(WAIT_S).method == "pca"
    until(lambda: jobs.computing() == ())
    assert jobs.asked_by([""]) == {}
