"""The real compute process, real files; t-SNE and PCA where any projection will do, for they compile nothing."""

from __future__ import annotations

import json
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
from numpy.typing import NDArray

import explorer
from explorer.compute.neighbors import NeighborGraph, neighbor_graph
from explorer.compute.projections import PCA, TSNE, UMAP, Layout
from explorer.data.dataset import Dataset, GivenGraph, GivenLayout
from explorer.errors import (
    BadParameter,
    JobCanceled,
    JobFailed,
    NotEnoughRows,
    ReadOnly,
    StoreUnwritable,
    UnknownChoice,
    VectorsNeeded,
    WorkerDied,
)
from explorer.jobs.artifacts import keep_vectors
from explorer.jobs.job import Job
from explorer.jobs.runner import Runner, runner
from explorer.runs import run_of
from explorer.store.store import Store

ROOT = Path(explorer.__file__).resolve().parents[1]
WAIT_S = 60.0
LONG = {"n_iter": 10_000}  # a t-SNE that runs for a minute when nobody stops it

seeds = count(1)


def dataset(n: int = 120, d: int = 8, *, left_out: tuple[int, ...] = (), seed: int | None = None) -> Dataset:
    """A dataset that no other test has, so that nothing of it is in the store."""
    vectors = np.random.default_rng(next(seeds) if seed is None else seed).normal(size=(n, d)).astype(np.float32)
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


def with_kinds(data: Dataset, kinds: list[str | None]) -> Dataset:
    return replace(data, table=data.table.append_column("kind", pa.array(kinds)), roles={**data.roles, "kind": "category"})


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


def gone(pid: int) -> bool:
    """Whether a process has ended; it may be reaped at any moment."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def running(shared: Runner, data: Dataset | None = None, owner: str | None = None) -> Job[Layout]:
    """A long job that has begun."""
    job = shared.submit_layout(dataset(600) if data is None else data, TSNE(**LONG), owner=owner)
    until(lambda: job.stage == "t-SNE" and job.fraction > 0.15)
    return job


def test_a_layout_counts_all_rows_and_equals_the_one_made_here(shared: Runner) -> None:
    data = dataset(left_out=(0, 7, 119))
    layout = shared.submit_layout(data, PCA()).result(WAIT_S)
    assert layout.coordinates.shape == (120, 2)
    assert layout.coordinates.dtype == np.float32
    np.testing.assert_array_equal(np.isfinite(layout.coordinates).all(axis=1), data.drawable)
    assert data.vectors is not None
    here = PCA().fit(data.vectors[data.drawable])
    np.testing.assert_allclose(layout.coordinates[data.drawable], here.coordinates, atol=1e-5)
    assert (layout.method, layout.params, layout.stats) == ("pca", {"x": 1, "y": 2}, pytest.approx(here.stats))


def test_a_category_column_makes_a_layout_of_its_own_as_often_as_its_values_change(shared: Runner) -> None:
    kinds = [("a", "b", None)[i % 3] for i in range(120)]
    data = with_kinds(dataset(left_out=(5,)), kinds)
    told = UMAP(n_epochs=20, target="kind")
    layout = shared.submit_layout(data, told).result(WAIT_S)
    assert data.vectors is not None
    rows = data.vectors[data.drawable]
    codes = np.array([{"a": 0, "b": 1, None: -1}[kind] for kind in kinds], np.int32)[data.drawable]
    here = told.fit(rows, neighbor_graph(rows, k=30), inputs={"target": codes})
    np.testing.assert_array_equal(layout.coordinates[data.drawable], here.coordinates)
    plain = shared.submit_layout(data, UMAP(n_epochs=20)).result(WAIT_S)
    assert not np.array_equal(plain.coordinates[data.drawable], here.coordinates)
    assert shared.submit_layout(data, told).state == "done"
    other = replace(data, table=data.table.set_column(1, "kind", pa.array(["a"] * 60 + ["b"] * 60)))
    assert shared.stored_layout(other, told) is None
    again = shared.submit_layout(other, told).result(WAIT_S)
    assert again.params["inputs"] != layout.params["inputs"]
    titles = [run_of(*kept).title for kept in shared.kept(data)]
    assert sorted(titles)[:1] == ["UMAP, n_epochs 20"]
    assert {title.split(", #")[0] for title in sorted(titles)[1:]} == {"UMAP, n_epochs 20, target kind"}
    assert len(set(titles)) == 3
    found = shared.kept_layout(data, "umap", layout.params)
    assert found is not None
    np.testing.assert_array_equal(found.coordinates, layout.coordinates)


def test_a_layout_that_starts_from_another_has_it_computed_and_kept_first(shared: Runner) -> None:
    data = dataset(left_out=(3,))
    slid = TSNE(exaggeration=2.0, init="tsne", n_iter=30)
    stages: list[str] = []
    job = shared.submit_layout(data, slid)
    job.watch(lambda changed: stages.append(changed.stage))
    made = job.result(WAIT_S)
    exaggerations = [settings["exaggeration"] for _, settings in shared.kept(data)]
    assert exaggerations == [2.0, 1.5, 1.0]
    assert data.vectors is not None
    rows = data.vectors[data.drawable]
    here = slid.fit(rows, neighbor_graph(rows, k=30))
    np.testing.assert_array_equal(made.coordinates[data.drawable], here.coordinates)
    with pytest.raises(BadParameter, match="it starts from another map: measure that one"):
        shared.submit_stability(data, made).result(WAIT_S)


def test_a_target_that_is_no_category_is_said_in_a_sentence(tmp_path: Path) -> None:
    offline = Runner(Store(tmp_path))
    data = dataset(n=12)
    with pytest.raises(BadParameter, match="target=row is not allowed: noise has no column of categories"):
        offline.submit_layout(data, UMAP(target="row")).result()
    data = with_kinds(data, ["a"] * 12)
    with pytest.raises(UnknownChoice, match=r"kin is not a target\. Did you mean kind"):
        offline.submit_layout(data, UMAP(target="kin")).result()


def test_a_graph_names_rows_of_the_dataset(shared: Runner) -> None:
    data = dataset(left_out=(0, 7, 119))
    graph = shared.submit_graph(data, metric="euclidean", k=5).result(WAIT_S)
    assert data.vectors is not None
    rows = np.flatnonzero(data.drawable)
    exact = neighbor_graph(data.vectors[rows], k=5, metric="euclidean")
    np.testing.assert_array_equal(graph.indices[rows], rows[exact.indices])
    np.testing.assert_allclose(graph.distances[rows], exact.distances, rtol=1e-5)
    assert (graph.indices[[0, 7, 119]] == -1).all()
    assert np.isposinf(graph.distances[[0, 7, 119]]).all()
    assert (graph.metric, graph.recall) == ("euclidean", 1.0)


def test_projections_share_one_graph_of_thirty_neighbors(shared: Runner) -> None:
    data = dataset(left_out=(3,))
    shared.submit_layout(data, TSNE(n_iter=0)).result(WAIT_S)
    graph = shared.stored_graph(data, "cosine", 30)
    assert graph is not None
    job = shared.submit_graph(data, k=12)
    assert job.state == "done"
    np.testing.assert_array_equal(job.result().indices, graph.indices[:, :12])
    shared.submit_layout(data, TSNE(n_iter=1)).result(WAIT_S)
    assert len([entry for entry in shared.store.entries("graph") if entry.meta["fingerprint"] == data.fingerprint]) == 1


def test_few_rows_get_the_graph_they_can_have(shared: Runner) -> None:
    data = dataset(n=5)
    assert shared.submit_layout(data, TSNE(n_iter=0)).result(WAIT_S).coordinates.shape == (5, 2)
    graph = shared.stored_graph(data, "cosine", 4)
    assert graph is not None
    assert graph.k == 4


def test_what_is_stored_is_done_at_once_in_another_runner_without_a_process(shared: Runner) -> None:
    data = dataset()
    layout = shared.submit_layout(data, TSNE(n_iter=2)).result(WAIT_S)
    other = Runner(shared.store)
    job = other.submit_layout(data, TSNE(n_iter=2))
    assert job.state == "done"
    np.testing.assert_array_equal(job.result().coordinates, layout.coordinates)
    assert other.stored_layout(data, TSNE(n_iter=3)) is None
    assert other.worker_pid is None
    assert other.kept(data) == [("tsne", TSNE(n_iter=2).settings())]


def test_layouts_and_graphs_that_came_with_the_data_count_as_stored(tmp_path: Path) -> None:
    plain = dataset()
    assert plain.vectors is not None
    exact = neighbor_graph(plain.vectors, k=10)
    coordinates = np.zeros((120, 2), np.float32)
    data = replace(
        plain,
        layouts=(GivenLayout("umap", coordinates, "umap", UMAP(seed=3).settings()), GivenLayout("x, y", coordinates, None, {})),
        graph=GivenGraph(exact.indices, exact.distances, "cosine"),
    )
    offline = Runner(Store(tmp_path))
    assert offline.submit_layout(data, UMAP(seed=3)).result().coordinates is coordinates
    assert offline.stored_layout(data, UMAP(seed=4)) is None
    assert offline.kept(data) == [("umap", UMAP(seed=3).settings())]
    graph = offline.submit_graph(data, k=7).result()
    np.testing.assert_array_equal(graph.indices, exact.indices[:, :7])
    assert offline.stored_graph(data, "cosine", 11) is None
    assert offline.stored_graph(data, "euclidean", 5) is None
    assert offline.worker_pid is None


def test_the_graph_that_came_with_the_data_is_what_a_projection_uses(shared: Runner) -> None:
    plain = dataset()
    assert plain.vectors is not None
    exact = neighbor_graph(plain.vectors, k=40)
    data = replace(plain, graph=GivenGraph(exact.indices, exact.distances, "cosine"))
    shared.submit_layout(data, TSNE(n_iter=0)).result(WAIT_S)
    assert [entry.meta["k"] for entry in shared.store.entries("graph") if entry.meta["fingerprint"] == data.fingerprint] == [40]


@pytest.mark.parametrize("wrong", ["gap", "row that is not there", "row that is not drawn", "not sorted"])
def test_a_broken_graph_that_came_with_the_data_is_not_used(shared: Runner, wrong: str, caplog: pytest.LogCaptureFixture) -> None:
    plain = dataset(left_out=(9,))
    indices = np.tile(np.arange(1, 31, dtype=np.int32), (120, 1)) % 120
    indices[indices == 9] = 50
    distances = np.tile(np.linspace(0.1, 1, 30, dtype=np.float32), (120, 1))
    if wrong == "not sorted":
        distances[4, 0] = 2.0
    else:
        indices[4, 3] = {"gap": -1, "row that is not there": 120, "row that is not drawn": 9}[wrong]
    data = replace(plain, graph=GivenGraph(indices, distances, "cosine"))
    shared.submit_layout(data, TSNE(n_iter=0)).result(WAIT_S)
    assert "The neighbor graph that came with noise is not used" in caplog.text
    assert len([entry for entry in shared.store.entries("graph") if entry.meta["fingerprint"] == data.fingerprint]) == 1


def test_a_job_says_how_far_it_is_until_its_last_state(shared: Runner) -> None:
    seen: list[tuple[str, str, float]] = []
    job = shared.submit_layout(dataset(), TSNE())
    ended = threading.Event()

    def note(now: Job[Layout]) -> None:
        seen.append((now.state, now.stage, now.fraction))
        if now.ended:
            ended.set()

    job.watch(note)
    job.result(WAIT_S)
    assert ended.wait(WAIT_S)
    assert seen[-1] == ("done", "t-SNE", 1.0)
    assert {"neighbor graph", "t-SNE"} <= {stage for _, stage, _ in seen}
    assert [fraction for *_, fraction in seen] == sorted(fraction for *_, fraction in seen)


def test_what_the_data_does_not_allow_is_said_in_a_sentence_without_a_process(tmp_path: Path) -> None:
    offline = Runner(Store(tmp_path))
    data = dataset(n=12)
    with pytest.raises(NotEnoughRows, match=r"k=30 needs more than 30 rows; this dataset has 12 to draw\. Lower k below 12\."):
        offline.submit_graph(data).result()
    with pytest.raises(UnknownChoice, match=r"cosin is not a metric\. Did you mean cosine\?"):
        offline.submit_graph(data, metric="cosin", k=3).result()
    with pytest.raises(BadParameter, match="k=0 is not allowed: give 1 or more"):
        offline.submit_graph(data, k=0).result()
    job = offline.submit_layout(data, UMAP(min_dist=1.0, spread=0.5))
    assert job.state == "failed"
    assert str(job.error) == "min_dist=1.0 is not allowed: it may be at most spread, which is 0.5."
    with pytest.raises(VectorsNeeded, match="PCA of noise needs vectors, and noise came with coordinates only"):
        offline.submit_layout(replace(data, vectors=None), PCA()).result()
    assert offline.worker_pid is None


def test_an_error_in_the_process_fails_the_job_and_not_the_process(shared: Runner) -> None:
    data = dataset()
    assert data.vectors is not None
    lying = replace(data, drawable=np.ones(120, np.bool_), vectors=data.vectors[:, :0])  # passes no check of ours, breaks in PCA
    job = shared.submit_layout(replace(lying, vectors=np.full((120, 3), np.nan, np.float32), fingerprint="0" * 32), TSNE())
    with pytest.raises(JobFailed, match="t-SNE of noise failed: "):
        job.result(WAIT_S)
    pid = shared.worker_pid
    shared.submit_layout(dataset(), PCA()).result(WAIT_S)
    assert shared.worker_pid == pid


def test_a_full_or_unwritable_store_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    made = Runner(Store(tmp_path / "file"))
    with pytest.raises(StoreUnwritable, match=r"Results cannot be kept in .*file: "):
        made.submit_layout(dataset(), PCA()).result(WAIT_S)
    made.close()


@pytest.mark.alone
def test_cancel_shows_at_once_and_stops_the_computation_within_a_second(shared: Runner) -> None:
    job = running(shared)
    pid = shared.worker_pid
    job.cancel()
    assert job.state == "canceled"
    with pytest.raises(JobCanceled, match=r"t-SNE of noise was canceled\."):
        job.result(0)
    started = time.monotonic()
    shared.submit_layout(dataset(), PCA()).result(WAIT_S)
    assert time.monotonic() - started < 1.0
    assert shared.worker_pid == pid  # it stopped by itself


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="nothing to stop a process with")
def test_cancel_ends_a_computation_that_does_not_listen(shared: Runner) -> None:
    job = running(shared)
    pid = shared.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    heard = threading.Event()
    job.watch(lambda now: heard.set() if now.state == "canceled" else None)
    job.cancel()
    assert heard.wait(1)
    until(lambda: gone(pid), 1.5)
    assert shared.submit_layout(dataset(), PCA()).result(WAIT_S) is not None
    assert shared.worker_pid != pid


def test_a_queued_job_is_canceled_without_ever_running(shared: Runner) -> None:
    first, second = running(shared), shared.submit_layout(dataset(), PCA())
    second.cancel()
    first.cancel()
    data = dataset()
    shared.submit_layout(data, PCA()).result(WAIT_S)
    assert (second.state, second.stage) == ("canceled", "")


def test_a_killed_process_fails_its_job_and_the_queue_goes_on(shared: Runner) -> None:
    job, queued = running(shared), shared.submit_layout(dataset(), PCA())
    pid = shared.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(WorkerDied, match=r"The compute process ended \(exit code -9\) while it worked on t-SNE of noise"):
        job.result(WAIT_S)
    assert queued.result(WAIT_S).method == "pca"
    assert shared.worker_pid != pid


def test_a_process_killed_while_idle_is_noticed_by_nobody(shared: Runner) -> None:
    shared.submit_layout(dataset(), PCA()).result(WAIT_S)
    pid = shared.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: gone(pid))
    shared.submit_layout(dataset(), PCA()).result(WAIT_S)


def test_the_same_job_asked_ten_times_runs_once(shared: Runner) -> None:
    blocker, data = running(shared), dataset()
    jobs: list[Job[Layout]] = []
    threads = [threading.Thread(target=lambda: jobs.append(shared.submit_layout(data, TSNE(n_iter=1)))) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(job) for job in jobs}) == 10
    blocker.cancel()
    layouts = [job.result(WAIT_S) for job in jobs]
    assert len({id(layout) for layout in layouts}) == 10
    kept = [entry for entry in shared.store.entries("layout") if entry.meta["fingerprint"] == data.fingerprint]
    assert len(kept) == 1
    assert len({tuple(layout.coordinates.ravel()) for layout in layouts}) == 1


def test_cancel_by_one_asker_leaves_the_others(shared: Runner) -> None:
    data = dataset(600)
    first = running(shared, data)
    second = shared.submit_layout(data, TSNE(**LONG))
    until(lambda: second.state == "running")
    at = second.fraction
    first.cancel()
    assert first.state == "canceled"
    until(lambda: second.fraction > at)
    assert second.state == "running"
    second.cancel()


def test_what_is_canceled_can_be_asked_for_again_at_once(shared: Runner) -> None:
    data = dataset(600)
    running(shared, data).cancel()
    again = shared.submit_layout(data, TSNE(**LONG))
    until(lambda: again.stage == "t-SNE")
    again.cancel()


def test_askers_take_turns(tmp_path: Path) -> None:
    single = Runner(Store(tmp_path, limit_mb=1000), workers=1)
    blocker = running(single)
    ended: list[str] = []
    many = [single.submit_layout(dataset(), PCA(), owner="busy") for _ in range(5)]
    one = single.submit_layout(dataset(), PCA(), owner="other")
    for job, name in [*((job, "busy") for job in many), (one, "other")]:
        job.watch(lambda now, name=name: ended.append(name) if now.ended else None)
    time.sleep(0.2)  # all of them are in the queue
    blocker.cancel()
    for job in [*many, one]:
        job.result(WAIT_S)
    until(lambda: len(ended) == 6)
    assert "other" in ended[:2]
    single.close()


def test_nobody_waits_for_the_long_computation_of_another(shared: Runner) -> None:
    long = running(shared, owner="one")
    own = shared.submit_layout(dataset(), PCA(), owner="one")
    assert shared.submit_layout(dataset(), PCA(), owner="other").result(WAIT_S).method == "pca"
    assert long.state == "running"
    assert own.state == "queued"  # a second place is for somebody else
    long.cancel()
    assert own.result(WAIT_S).method == "pca"


def test_two_long_computations_go_on_side_by_side(shared: Runner) -> None:
    jobs = [running(shared, owner="one"), running(shared, owner="other")]
    before = [job.fraction for job in jobs]
    until(lambda: all(job.fraction > at for job, at in zip(jobs, before, strict=True)))
    pids = {lane.worker.pid for lane in shared._dispatcher._lanes}
    assert len(pids) == 2
    for job in jobs:
        job.cancel()


def test_who_joins_a_running_computation_has_it_when_the_first_has_left(shared: Runner) -> None:
    data = dataset(600)
    first = running(shared, data, "one")
    second = shared.submit_layout(data, TSNE(**LONG), owner="other")
    until(lambda: second.state == "running")
    first.cancel()
    assert shared.submit_layout(dataset(), PCA(), owner="one").result(WAIT_S).method == "pca"
    waiting = shared.submit_layout(dataset(), PCA(), owner="other")
    time.sleep(0.2)
    assert (second.state, waiting.state) == ("running", "queued")
    second.cancel()
    assert waiting.result(WAIT_S).method == "pca"


def test_a_killed_process_takes_only_its_own_computation_with_it(shared: Runner) -> None:
    lost, kept = running(shared, owner="one"), running(shared, owner="other")
    pid = shared.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: lost.ended or kept.ended)
    failed, other = (lost, kept) if lost.ended else (kept, lost)
    with pytest.raises(WorkerDied):
        failed.result(0)
    at = other.fraction
    until(lambda: other.fraction > at)
    other.cancel()


def test_each_is_told_of_a_failure_by_the_name_that_it_gave(shared: Runner) -> None:
    data = replace(dataset(600), name="mine")
    jobs = [shared.submit_layout(each, TSNE(**LONG), owner=each.name) for each in (data, replace(data, name="theirs"))]
    until(lambda: all(job.live_number for job in jobs))
    assert shared.worker_pid is not None
    os.kill(shared.worker_pid, signal.SIGKILL)
    for job, own, other in zip(jobs, ("mine", "theirs"), ("theirs", "mine"), strict=True):
        with pytest.raises(WorkerDied, match=f"t-SNE of {own}") as caught:
            job.result(WAIT_S)
        assert other not in str(caught.value)


def test_the_store_may_be_deleted_while_jobs_wait(shared: Runner) -> None:
    blocker, waiting = running(shared), shared.submit_layout(dataset(), PCA())
    until(lambda: len(list(shared.store.entries("vectors"))) > 0)
    time.sleep(0.2)
    shutil.rmtree(shared.store.folder / "vectors")
    blocker.cancel()
    assert waiting.result(WAIT_S).method == "pca"


@pytest.mark.alone
def test_asking_takes_milliseconds_even_for_big_vectors(shared: Runner) -> None:
    data = dataset(200_000, 16)
    started = time.monotonic()
    job = shared.submit_layout(data, PCA())
    assert time.monotonic() - started < 0.05
    job.result(WAIT_S)


def test_a_closed_runner_cancels_what_runs_and_leaves_no_process(tmp_path: Path) -> None:
    made = Runner(Store(tmp_path))
    job = running(made)
    pid = made.worker_pid
    assert pid is not None
    made.close()
    made.close()
    assert job.state == "canceled"
    assert not psutil.pid_exists(pid)
    assert made.submit_layout(dataset(), PCA()).state == "canceled"


def test_the_shared_runner_is_one_until_it_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_STORE", str(tmp_path))
    monkeypatch.setattr("explorer.jobs.runner._shared", None)  # a test before may have one, with another store
    first = runner()
    assert runner() is first
    assert first.store.folder == tmp_path
    first.close()
    assert runner() is not first
    runner().close()


def test_a_process_that_was_begun_takes_the_first_job(tmp_path: Path) -> None:
    made = Runner(Store(tmp_path), workers=1)
    made.begin()
    until(lambda: made.worker_pid is not None)
    pid = made.worker_pid
    made.submit_layout(dataset(), PCA()).result(WAIT_S)
    assert made.worker_pid == pid
    assert psutil.Process(pid).children() == [], "nothing is compiled ahead"
    made.close()


@pytest.mark.alone
def test_warming_up_lets_a_job_through(tmp_path: Path) -> None:
    made = Runner(Store(tmp_path))
    made.warm()
    until(lambda: made.worker_pid is not None)
    started = time.monotonic()
    made.submit_layout(dataset(), PCA()).result(WAIT_S)
    assert time.monotonic() - started < 5
    made.close()


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="Linux alone has this policy")
def test_what_compiles_takes_only_the_time_that_nobody_wants_and_ends_with_the_runner(tmp_path: Path) -> None:
    made = Runner(Store(tmp_path))
    made.warm()
    until(lambda: made.worker_pid is not None)
    worker = psutil.Process(made.worker_pid)
    until(lambda: any(os.sched_getscheduler(child.pid) == os.SCHED_IDLE for child in worker.children()))
    children = [child.pid for child in worker.children()]
    assert os.sched_getscheduler(worker.pid) != os.SCHED_IDLE
    made.close()
    until(lambda: all(gone(pid) for pid in children), 5)


def script(tmp_path: Path, text: str, **environment: str) -> subprocess.Popen[str]:
    """Run a script as a user would, against a store of its own."""
    file = tmp_path / "script.py"
    file.write_text(_PREAMBLE + text)
    settings = {**os.environ, "PYTHONPATH": str(ROOT), "EXPLORER_STORE": str(tmp_path / "store"), **environment}
    return subprocess.Popen(
        [sys.executable, str(file)], cwd=tmp_path, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


_PREAMBLE = """
import json, sys, threading, time
import numpy as np
from explorer.data.dataset import open_dataset
from explorer.compute.projections import PCA, TSNE, UMAP
from explorer.jobs.runner import runner
data = open_dataset(np.random.default_rng(0).normal(size=(300, 8)).astype("f4"))
"""


def test_a_script_without_a_main_guard_works_once(tmp_path: Path) -> None:
    (tmp_path / "numpy_shadow.py").write_text("")
    process = script(tmp_path, "print(json.dumps(runner().submit_layout(data, PCA()).result(60).coordinates.shape))")
    out, said = process.communicate(timeout=60)
    assert json.loads(out) == [300, 2], said
    assert process.returncode == 0


def test_the_process_starts_from_a_folder_full_of_traps(tmp_path: Path) -> None:
    for name in ("json", "numpy", "explorer", "queue"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported a file of the current folder')")
    made = Runner(Store(tmp_path / "store"))
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        assert made.submit_layout(dataset(), PCA()).result(WAIT_S).method == "pca"
    finally:
        os.chdir(before)
        made.close()


_TWENTY = """
names = ["umap", "tsne", "pca", "graph"]
failed = []
def ask(i):
    try:
        if names[i % 4] == "graph":
            runner().submit_graph(data, k=5 + i, metric=["cosine", "euclidean"][i % 2], owner=str(i)).result(90)
        else:
            kind = {"umap": UMAP(n_epochs=5 + i), "tsne": TSNE(n_iter=i), "pca": PCA()}[names[i % 4]] if i % 4 != 3 else None
            runner().submit_layout(data, kind, owner=str(i)).result(90)
    except Exception as error:
        failed.append(repr(error))
threads = [threading.Thread(target=ask, args=(i,)) for i in range(20)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
heavy = [name for name in ("umap", "pynndescent", "numba", "openTSNE", "sklearn") if name in sys.modules]
print(json.dumps({"failed": failed, "heavy": heavy, "kept": len(runner().kept(data))}))
"""


def test_twenty_at_once_never_abort_with_workqueue_and_load_nothing_heavy_here(tmp_path: Path) -> None:
    process = script(tmp_path, _TWENTY, NUMBA_THREADING_LAYER="workqueue")
    out, said = process.communicate(timeout=110)
    assert process.returncode == 0, said
    assert json.loads(out) == {"failed": [], "heavy": [], "kept": 11}, said


_ORPHAN = """
job = runner().submit_layout(data, TSNE(n_iter=10_000))
while job.stage != "t-SNE":
    time.sleep(0.01)
print(runner().worker_pid, flush=True)
time.sleep(60)
"""


def test_a_killed_parent_leaves_no_process_behind(tmp_path: Path) -> None:
    process = script(tmp_path, _ORPHAN)
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline()
    assert line, process.stderr.read()
    pid = int(line)
    assert psutil.pid_exists(pid)
    process.kill()
    process.communicate(timeout=10)
    until(lambda: gone(pid), 5)


def test_ctrl_c_in_the_terminal_does_not_kill_the_process_under_the_parent(shared: Runner) -> None:
    job = running(shared)
    pid = shared.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGINT)
    at = job.fraction
    until(lambda: job.fraction > at)
    job.cancel()


def test_a_value_is_read_only_and_mapped(shared: Runner) -> None:
    graph: NeighborGraph = shared.submit_graph(dataset(), k=30).result(WAIT_S)
    with pytest.raises(ValueError, match="read-only"):
        graph.indices[0, 0] = 1


def test_a_setting_that_cannot_be_used_fails_the_job_with_its_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_THREADS", "many")
    own = Runner(Store(tmp_path, limit_mb=100))
    own.begin()
    try:
        with pytest.raises(BadParameter, match="EXPLORER_THREADS=many is not allowed"):
            own.submit_layout(dataset(), PCA()).result(timeout=WAIT_S)
        monkeypatch.delenv("EXPLORER_THREADS")
        assert own.submit_layout(dataset(), PCA()).result(timeout=WAIT_S).method == "pca"
    finally:
        own.close()


def test_what_was_canceled_while_it_waited_is_not_prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go, prepared = threading.Event(), threading.Event(), []

    def slow(store: Store, data: Dataset, vectors: NDArray[np.float32]) -> None:
        begun.set()
        assert go.wait(WAIT_S)
        prepared.append(data.fingerprint)
        keep_vectors(store, data, vectors)

    monkeypatch.setattr("explorer.jobs.runner.keep_vectors", slow)
    made = Runner(Store(tmp_path, limit_mb=1000), workers=1)
    first, second, third = dataset(), dataset(), dataset()
    try:
        jobs = [made.submit_layout(data, PCA()) for data in (first, second, third)]
        assert begun.wait(WAIT_S)
        jobs[1].cancel()
        until(lambda: len(made._dispatcher._active) == 2)
        go.set()
        assert jobs[2].result(WAIT_S).coordinates.shape == (120, 2)
        assert prepared == [first.fingerprint, third.fingerprint]
    finally:
        made.close()


def test_a_read_only_runner_reads_what_is_there_and_computes_nothing_but_pca(shared: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    data = dataset()
    there = shared.submit_layout(data, TSNE(n_iter=250, perplexity=5)).result(WAIT_S)
    monkeypatch.setenv("EXPLORER_READ_ONLY", "true")
    assert shared.submit_layout(data, TSNE(n_iter=250, perplexity=5)).state == "done"
    refused = [
        shared.submit_layout(data, TSNE(n_iter=251)),
        shared.submit_graph(data, metric="euclidean"),
        shared.submit_quality(data, there),
        shared.submit_stability(data, there),
        shared.submit_graph_columns(data),
    ]
    assert [type(job.error) for job in refused] == [ReadOnly] * len(refused)
    assert "t-SNE of noise was refused: this server is read-only (EXPLORER_READ_ONLY)." in str(refused[0].error)
    assert shared.submit_layout(data, PCA()).result(WAIT_S).method == "pca"
