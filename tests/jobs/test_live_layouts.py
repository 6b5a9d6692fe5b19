"""Layouts that are shown while the real compute process makes them, and stopped so that they are kept."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import blake2b
from itertools import count
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pytest

import explorer
from explorer.compute.projections import PCA, TSNE, UMAP, Layout, Projection
from explorer.data.dataset import Dataset
from explorer.errors import JobTooLong, StoreUnwritable, WorkerDied
from explorer.jobs.artifacts import GRAPH, graph_key
from explorer.jobs.job import Job
from explorer.jobs.live import LiveLayout
from explorer.jobs.runner import Runner
from explorer.store.store import Store

ROOT = Path(explorer.__file__).resolve().parents[1]
WAIT_S = 60.0
LONG = TSNE(n_iter=10_000)  # runs for a minute when nobody stops it

seeds = count(1)


def dataset(n: int = 600, d: int = 8, *, left_out: tuple[int, ...] = ()) -> Dataset:
    """A dataset that no other test has, so that nothing of it is in the store."""
    vectors = np.random.default_rng([8, next(seeds)]).normal(size=(n, d)).astype(np.float32)
    vectors[list(left_out)] = np.nan
    return Dataset(
        name="noise",
        vectors=vectors,
        table=pa.table({"row": range(n)}),
        roles={"row": "number"},
        label=None,
        color=None,
        layouts=(),
        graph=None,
        drawable=np.isfinite(vectors).all(axis=1),
        fingerprint=blake2b(vectors.tobytes(), digest_size=16).hexdigest(),
    )


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    made = Runner(Store(tmp_path_factory.mktemp("store"), limit_mb=1000))
    yield made
    made.close()


def until(condition: Callable[[], object], seconds: float = WAIT_S) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def shown(job: Job[Layout], number: int = 5) -> Job[Layout]:
    """Wait for so many live layouts."""
    until(lambda: job.live_number >= number)
    return job


def live(job: Job[Layout]) -> LiveLayout:
    layout = job.live()
    assert layout is not None
    return layout


def stopped(job: Job[Layout]) -> Layout:
    job.stop()
    return job.result(WAIT_S)


def memories(pid: int | str = "self") -> int:
    """How many pieces of live memory a process holds open."""
    gc.collect()
    found = 0
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found += "explorer-live" in str(descriptor.readlink())
        except OSError:  # closed meanwhile
            continue
    return found


@pytest.mark.parametrize("projection", [TSNE(), UMAP(n_epochs=3000)], ids=lambda projection: projection.method)
def test_layouts_of_all_rows_are_shown_while_they_are_computed(shared: Runner, projection: Projection) -> None:
    data = dataset(left_out=(0, 7, 599))
    seen: list[LiveLayout] = []
    told: list[int] = []
    job = shared.submit_layout(data, projection)
    job.watch(lambda now: told.append(now.live_number))
    while not job.ended:
        layout = job.live()
        if layout is not None and (not seen or layout.number > seen[-1].number):
            seen.append(layout)
        time.sleep(0.005)
    final = job.result(0)
    assert len(seen) >= 3
    assert sorted(set(told)) == list(range(max(told) + 1))  # each was told
    for each in seen:
        assert each.coordinates.shape == (600, 2)
        assert each.coordinates.dtype == np.float32
        np.testing.assert_array_equal(np.isfinite(each.coordinates).all(axis=1), data.drawable)
        assert each.iterations == 3000 if projection.method == "umap" else each.iterations <= 750  # fewer once groups are sorted
        assert each.stage in ("starting", projection.title)
    assert [each.iteration for each in seen] == sorted(each.iteration for each in seen)
    assert job.live() is None
    assert projection.method == "tsne" or all(each.loss is None for each in seen)
    distances = [float(np.nanmean(np.abs(each.coordinates - final.coordinates))) for each in (seen[0], seen[-1])]
    assert distances[1] < distances[0]


@pytest.mark.parametrize("projection", [LONG, UMAP()], ids=lambda projection: projection.method)
def test_the_first_is_the_initialization_while_the_graph_is_not_there(shared: Runner, projection: Projection) -> None:
    data = dataset(left_out=(3,))
    with shared.store.lock(GRAPH, graph_key(shared.store, data.fingerprint, "cosine", 30)):
        job = shown(shared.submit_layout(data, projection), 1)
        until(lambda: job.stage == "waiting for another process")
        first = live(job)
        assert (first.number, first.stage, first.iteration, first.loss) == (1, "starting", 0, None)
        assert data.vectors is not None
        start = projection.start(data.vectors[data.drawable])
        assert start is not None
        assert first.iterations == start.iterations
        np.testing.assert_allclose(first.coordinates[data.drawable], start.coordinates, atol=1e-6 * np.abs(start.coordinates).max())
        layout = stopped(job)
    assert layout.params == {**projection.settings(), "stopped_at": 0}
    np.testing.assert_array_equal(layout.coordinates, first.coordinates)


def test_a_layout_that_is_watched_is_the_same_as_one_that_is_not(shared: Runner) -> None:
    data = dataset()
    twin = replace(data, fingerprint="0" * 32)  # or its layout would be read from the store
    job = shared.submit_layout(data, TSNE(n_iter=30))
    while not job.ended:
        job.live()
        time.sleep(0.002)
    unwatched = shared.submit_layout(twin, TSNE(n_iter=30)).result(WAIT_S)
    np.testing.assert_array_equal(job.result(0).coordinates, unwatched.coordinates)


def test_who_joins_sees_what_there_is_at_once(shared: Runner) -> None:
    data = dataset()
    first = shown(shared.submit_layout(data, LONG))
    second = shared.submit_layout(data, LONG)
    until(lambda: second.state == "running")
    assert second.live_number >= 5
    np.testing.assert_array_equal(np.isfinite(live(second).coordinates), np.ones((600, 2), np.bool_))
    first.cancel()
    assert first.live() is None
    at = second.live_number
    until(lambda: second.live_number > at)
    second.cancel()


def test_nothing_is_shown_of_what_has_no_steps(shared: Runner) -> None:
    data = dataset()
    for job in (shared.submit_layout(data, PCA()), shared.submit_graph(data)):
        numbers: list[int] = []
        job.watch(lambda now, numbers=numbers: numbers.append(now.live_number))
        job.result(WAIT_S)
        assert set(numbers) <= {0}


@pytest.mark.alone
def test_stop_keeps_the_layout_as_it_was_under_settings_that_say_so(shared: Runner) -> None:
    data = dataset(left_out=(9,))
    job = shown(shared.submit_layout(data, LONG))
    before = live(job)
    began = time.monotonic()
    job.stop()
    assert time.monotonic() - began < 0.05
    layout = job.result(WAIT_S)
    assert (job.state, job.error) == ("done", None)
    at = layout.params["stopped_at"]
    assert isinstance(at, int)
    assert before.iteration <= at < before.iterations
    assert layout.params == {**LONG.settings(), "stopped_at": at}
    assert layout.method == "tsne"
    np.testing.assert_array_equal(np.isfinite(layout.coordinates).all(axis=1), data.drawable)
    assert shared.kept(data) == [("tsne", dict(layout.params))]
    other = Runner(shared.store)
    again = other.kept_layout(data, *other.kept(data)[0])
    assert again is not None
    np.testing.assert_array_equal(again.coordinates, layout.coordinates)
    assert again.params == layout.params


def test_what_was_stopped_is_not_taken_for_what_was_finished(shared: Runner) -> None:
    data = dataset()
    stopped(shown(shared.submit_layout(data, LONG)))
    assert shared.stored_layout(data, LONG) is None
    job = shared.submit_layout(data, LONG)
    assert job.state == "queued"
    earlier = shared.kept(data)
    later = stopped(shown(job, 12))
    assert shared.kept(data) == [("tsne", dict(later.params)), *earlier]


@pytest.mark.alone
def test_stop_ends_the_computation(shared: Runner) -> None:
    stopped(shown(shared.submit_layout(dataset(), LONG)))
    pid = shared.worker_pid
    began = time.monotonic()
    shared.submit_layout(dataset(), PCA()).result(WAIT_S)
    assert time.monotonic() - began < 1.0
    assert shared.worker_pid == pid


def test_stop_by_one_asker_leaves_the_others(shared: Runner) -> None:
    data = dataset()
    first = shown(shared.submit_layout(data, LONG))
    second = shared.submit_layout(data, LONG)
    until(lambda: second.state == "running")
    assert "stopped_at" in stopped(first).params
    at = second.live_number
    until(lambda: second.live_number > at)
    assert second.state == "running"
    second.cancel()


def test_stop_where_there_is_nothing_to_keep_cancels(shared: Runner) -> None:
    blocker, waiting = shown(shared.submit_layout(dataset(), LONG)), shared.submit_layout(dataset(), LONG)
    waiting.stop()
    until(lambda: waiting.ended)
    assert waiting.state == "canceled"
    blocker.cancel()
    data = dataset()
    with shared.store.lock(GRAPH, graph_key(shared.store, data.fingerprint, "cosine", 30)):
        graph = shared.submit_graph(data)
        until(lambda: graph.stage == "waiting for another process")
        graph.stop()
        until(lambda: graph.ended)
    assert graph.state == "canceled"


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="nothing to stop a process with")
def test_stop_keeps_what_was_shown_by_a_process_that_does_not_listen(shared: Runner) -> None:
    job = shown(shared.submit_layout(dataset(), LONG))
    pid = shared.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    assert stopped(job).coordinates.shape == (600, 2)
    assert shared.submit_layout(dataset(), PCA()).result(WAIT_S).method == "pca"
    assert shared.worker_pid != pid


def test_stop_at_the_very_end_ends_in_one_way_or_the_other(shared: Runner) -> None:
    ends: list[str] = []
    for turn in range(6):
        job = shared.submit_layout(dataset(120), TSNE(n_iter=0))
        until(lambda job=job, at=0.8 + 0.03 * turn: job.fraction > at or job.ended)
        job.stop()
        layout = job.result(WAIT_S)
        ends.append("stopped" if "stopped_at" in layout.params else "finished")
        assert layout.coordinates.shape == (120, 2)
    assert set(ends) <= {"stopped", "finished"}


def test_a_layout_that_cannot_be_kept_fails_in_a_sentence(tmp_path: Path) -> None:
    made = Runner(Store(tmp_path / "store"))
    try:
        job = shown(made.submit_layout(dataset(), LONG))
        shutil.rmtree(tmp_path / "store", ignore_errors=True)
        until(lambda: not (tmp_path / "store").exists())
        (tmp_path / "store").write_text("in the way")
        job.stop()
        with pytest.raises(StoreUnwritable, match="Results cannot be kept"):
            job.result(WAIT_S)
    finally:
        made.close()


def test_a_process_that_dies_fails_its_job_as_ever(shared: Runner) -> None:
    job = shown(shared.submit_layout(dataset(), LONG))
    pid = shared.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(WorkerDied):
        job.result(WAIT_S)
    assert job.live() is None
    assert len(shared.submit_layout(dataset(), TSNE(n_iter=0)).result(WAIT_S).coordinates) == 600


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="Linux alone lists open files so")
def test_no_memory_is_left_behind_by_any_end(tmp_path: Path) -> None:
    before = memories()
    made = Runner(Store(tmp_path, limit_mb=1000), workers=1)

    def worker() -> psutil.Process:
        assert made.worker_pid is not None
        return psutil.Process(made.worker_pid)

    def size() -> int:
        lane = made._dispatcher._lanes[0]
        return os.fstat(lane.worker.live.descriptor).st_size

    job = shown(made.submit_layout(dataset(), LONG))
    assert size() > 2 * 600 * 8
    assert (memories() - before, memories(worker().pid)) == (1, 1)
    job.cancel()
    until(lambda: size() == 0)
    made.submit_layout(dataset(), TSNE(n_iter=0)).result(WAIT_S)
    until(lambda: size() == 0)
    job = shown(made.submit_layout(dataset(), LONG))
    worker().kill()
    until(lambda: job.ended)
    made.submit_layout(dataset(), PCA()).result(WAIT_S)
    until(lambda: memories() - before == 1)  # the new process's
    job = shown(made.submit_layout(dataset(), LONG))
    made.close()
    assert job.state == "canceled"
    until(lambda: memories() == before)
    assert list((tmp_path / "tmp").iterdir()) == []


_ORPHAN = """
import time
import numpy as np
from explorer.compute.projections import TSNE
from explorer.data.dataset import open_dataset
from explorer.jobs.runner import runner
data = open_dataset(np.random.default_rng(0).normal(size=(600, 8)).astype("f4"))
job = runner().submit_layout(data, TSNE(n_iter=10_000))
while job.live_number < 3:
    time.sleep(0.01)
print(runner().worker_pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(not Path("/dev/shm").exists(), reason="Linux alone has named memory here")
def test_a_killed_server_leaves_neither_process_nor_memory_behind(tmp_path: Path) -> None:
    named = set(Path("/dev/shm").iterdir())
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "EXPLORER_STORE": str(tmp_path / "store")}
    server = subprocess.Popen([sys.executable, "-c", _ORPHAN], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    worker = psutil.Process(int(server.stdout.readline()))
    assert (memories(server.pid), memories(worker.pid)) == (1, 1)  # which goes when both have ended: it has no name
    server.kill()
    server.communicate(timeout=10)
    until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE, 5)
    assert {path for path in Path("/dev/shm").iterdir() if "explorer" in path.name} <= named
    assert list((tmp_path / "store" / "tmp").iterdir()) == []


def test_many_read_while_it_is_computed(shared: Runner) -> None:
    data = dataset(3000)
    job = shown(shared.submit_layout(data, LONG))
    failed: list[str] = []

    def read() -> None:
        last = 0
        while not job.ended:
            layout = job.live()
            if layout is None:
                continue
            if layout.number < last or not np.isfinite(layout.coordinates).all():
                failed.append(f"{last}, {layout.number}")
            last = layout.number

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: job.live_number > 20)
    job.cancel()
    for thread in threads:
        thread.join()
    assert not failed


def test_what_takes_too_long_ends_with_a_sentence_and_what_was_seen_of_it_is_kept(shared: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    shared.submit_layout(dataset(), PCA()).result(WAIT_S)  # the process is there
    monkeypatch.setenv("EXPLORER_JOB_MINUTES", "0.05")
    data = dataset()
    first, second = (shared.submit_layout(data, LONG) for _ in range(2))
    pid, died = shared.worker_pid, shared.n_died
    for job in (first, second):
        with pytest.raises(JobTooLong) as caught:
            job.result(WAIT_S)
        ended = caught.value.iteration
        assert ended is not None
        said = "t-SNE of noise was ended after 0.05 minutes, which is how long a computation may take here (EXPLORER_JOB_MINUTES)."
        assert str(caught.value) == f"{said} It was kept as it was after iteration {ended:,}."
        assert job.state == "failed"
        kept = shared.kept_layout(data, "tsne", {**LONG.settings(), "stopped_at": ended})
        assert kept is not None
        assert kept.coordinates.shape == (600, 2)
    assert shared.stored_layout(data, LONG) is None
    monkeypatch.delenv("EXPLORER_JOB_MINUTES")
    assert shared.submit_layout(dataset(), PCA()).result(WAIT_S).method == "pca"
    assert shared.worker_pid != pid
    assert shared.n_died == died


def test_what_takes_too_long_before_anything_was_seen_of_it_says_so(shared: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_JOB_MINUTES", "0.000001")
    data = dataset()
    with pytest.raises(JobTooLong, match="Nothing of it could be kept: try fewer rows"):
        shared.submit_graph(data).result(WAIT_S)
    monkeypatch.setenv("EXPLORER_JOB_MINUTES", "10")
    assert shared.submit_graph(data).result(WAIT_S).indices.shape == (600, 30)
