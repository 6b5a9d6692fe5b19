"""A real compute hub, a process of its own, and two runners that ask it, as two servers do."""

from __future__ import annotations

import gc
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from hashlib import blake2b
from itertools import count
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pytest

from explorer.compute.projections import PCA, TSNE, Layout
from explorer.data.dataset import Dataset
from explorer.errors import JobCanceled, JobFailed, JobTooLong, WorkerDied
from explorer.jobs import hub_dispatcher
from explorer.jobs.hub_dispatcher import HubDispatcher
from explorer.jobs.job import Job
from explorer.jobs.layout_task import LayoutTask
from explorer.jobs.outbox import Outbox
from explorer.jobs.runner import Runner
from explorer.jobs.wire import Wire
from explorer.store.store import Store

WAIT_S = 60.0
LONG = TSNE(n_iter=10_000)  # runs for a minute when nobody stops it

seeds = count(1)


def dataset(n: int = 600, d: int = 8) -> Dataset:
    """A dataset that no other test has, so that nothing of it is in the store."""
    vectors = np.random.default_rng([7, next(seeds)]).normal(size=(n, d)).astype(np.float32)
    return Dataset(
        name="noise",
        vectors=vectors,
        table=pa.table({"row": range(n)}),
        roles={"row": "number"},
        label=None,
        color=None,
        layouts=(),
        graph=None,
        drawable=np.ones(n, bool),
        fingerprint=blake2b(vectors.tobytes(), digest_size=16).hexdigest(),
    )


def words_of(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:  # it has ended at this very moment
        return []


class HubProcess:
    """The hub, which can be killed and started again."""

    def __init__(self, path: Path, store: Path, workers: int) -> None:
        self.path = path
        self._words = [sys.executable, "-P", "-m", "explorer.jobs.hub", str(path), str(store), "1000", str(workers)]
        self.start()

    def start(self) -> None:
        """Start it, again where it was killed."""
        self.process = subprocess.Popen(self._words, stdin=subprocess.PIPE)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def workers(self) -> list[psutil.Process]:
        """Its compute processes."""
        return [child for child in psutil.Process(self.pid).children() if "explorer.jobs.worker" in words_of(child)]

    def kill(self) -> list[psutil.Process]:
        """Kill it, and return its compute processes."""
        left = self.workers()
        self.process.kill()
        self.end()
        return left

    def end(self) -> int:
        """End it as the supervisor does, and return its exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(20)


@pytest.fixture
def start_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., HubProcess]]:
    """Start the hub that runners then ask: ``start_hub(workers=2)``."""
    store, started = tmp_path / "store", []
    monkeypatch.setenv("EXPLORER_STORE", str(store))
    monkeypatch.setenv("EXPLORER_HUB", str(tmp_path / "hub"))

    def start(workers: int = 2) -> HubProcess:
        started.append(HubProcess(tmp_path / "hub", store, workers))
        return started[-1]

    yield start
    for hub in started:
        hub.end()


@pytest.fixture
def servers(start_hub: Callable[..., HubProcess]) -> Iterator[tuple[Runner, Runner]]:
    """Two that ask it."""
    made = Runner(), Runner()
    yield made
    for each in made:
        each.close()


@pytest.fixture
def hub(start_hub: Callable[..., HubProcess]) -> HubProcess:
    return start_hub()


def until(condition: Callable[[], object], seconds: float = WAIT_S) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def running(server: Runner, data: Dataset, owner: str = "somebody") -> Job[Layout]:
    """A long job of which layouts are seen."""
    job = server.submit_layout(data, LONG, owner=owner)
    until(lambda: job.live_number >= 3)
    return job


def memories() -> set[int]:
    """Identify the live memories that this process holds, those of other tests' runners, too."""
    gc.collect()
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            if "explorer-live" in str(descriptor.readlink()):
                found.add(descriptor.stat().st_ino)
        except OSError:  # closed meanwhile
            continue
    return found


def test_what_two_servers_ask_for_is_computed_once_and_seen_live_in_both(hub: HubProcess, servers: tuple[Runner, Runner]) -> None:
    before, data = memories(), dataset()
    jobs = [server.submit_layout(data, TSNE(n_iter=1500), owner="somebody") for server in servers]
    until(lambda: all(job.live_number >= 3 for job in jobs))
    first, second = (job.live() for job in jobs)
    assert first is not None
    assert second is not None
    assert first.coordinates.shape == second.coordinates.shape == (600, 2)
    until(lambda: len({job.stage for job in jobs}) == 1)
    assert len(hub.workers()) == 1, "a second one is started for a second computation only"
    one, other = (job.result(WAIT_S) for job in jobs)
    np.testing.assert_array_equal(one.coordinates, other.coordinates)
    assert servers[0].worker_pid == servers[1].worker_pid == hub.workers()[0].pid
    until(lambda: memories() <= before)


def test_results_equal_those_of_a_server_by_itself(hub: HubProcess, servers: tuple[Runner, Runner], tmp_path: Path) -> None:
    data = dataset()
    alone = Runner(Store(tmp_path / "own", limit_mb=1000))
    asked = servers[0].submit_layout(data, TSNE(n_iter=300)).result(WAIT_S)
    np.testing.assert_array_equal(asked.coordinates, alone.submit_layout(data, TSNE(n_iter=300)).result(WAIT_S).coordinates)
    assert servers[1].submit_layout(data, TSNE(n_iter=300)).state == "done"
    alone.close()


def test_owners_of_two_servers_are_not_taken_for_one(hub: HubProcess, servers: tuple[Runner, Runner]) -> None:
    long = running(servers[0], dataset(), "140001")  # where an object lies in memory, which may be the same in two processes
    assert servers[1].submit_layout(dataset(), PCA(), owner="140001").result(WAIT_S).method == "pca"
    assert not long.ended
    long.cancel()


def test_owners_take_turns_across_servers(start_hub: Callable[..., HubProcess], servers: tuple[Runner, Runner]) -> None:
    start_hub(workers=1)
    data = dataset()
    servers[0].submit_layout(data, PCA()).result(WAIT_S)  # its vectors are there: nobody has to bring them
    long = running(servers[0], dataset())
    ended: list[str] = []
    many = [servers[0].submit_layout(data, PCA(x=1, y=y), owner="busy") for y in range(3, 9)]
    one = servers[1].submit_layout(data, PCA(x=2, y=3), owner="other")
    asked = servers[0]._dispatcher
    assert isinstance(asked, HubDispatcher)
    until(lambda: len(asked._active) == len([long, *many, one]))  # the hub knows of all of them,
    time.sleep(1)  # and has their vectors
    for name, job in [*(("busy", job) for job in many), ("other", one)]:
        job.watch(lambda changed, name=name: ended.append(name) if changed.ended else None)
    long.cancel()
    for job in [*many, one]:
        job.result(WAIT_S)
    until(lambda: len(ended) == len([*many, one]))
    assert "other" in ended[:3], ended


def test_what_another_server_computes_already_is_not_refused_for_want_of_memory(
    hub: HubProcess, servers: tuple[Runner, Runner], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = dataset()
    servers[1].submit_layout(dataset(), PCA()).result(WAIT_S)
    first = running(servers[0], data)
    monkeypatch.setenv("EXPLORER_MEMORY", "30")
    second = servers[1].submit_layout(data, LONG)
    until(lambda: second.live_number)
    assert servers[1].submit_layout(dataset(), LONG).state == "failed"
    first.cancel()
    second.cancel()


def test_a_server_that_is_gone_leaves_its_computation_to_the_other(hub: HubProcess, servers: tuple[Runner, Runner]) -> None:
    data = dataset()
    first, second = running(servers[0], data), running(servers[1], data)
    pid = hub.workers()[0].pid
    servers[0].close()
    with pytest.raises(JobCanceled):
        first.result(WAIT_S)
    at = second.live_number
    until(lambda: second.live_number > at + 2)
    second.stop()
    assert "stopped_at" in second.result(WAIT_S).params
    assert servers[1].submit_layout(dataset(), PCA()).result(WAIT_S).method == "pca"
    assert hub.workers()[0].pid == pid


def test_what_a_server_alone_has_asked_for_ends_with_it(start_hub: Callable[..., HubProcess], servers: tuple[Runner, Runner]) -> None:
    start_hub(workers=1)
    running(servers[0], dataset())
    servers[0].close()
    assert servers[1].submit_layout(dataset(), PCA()).result(WAIT_S).method == "pca"


def test_vectors_are_brought_by_another_when_who_should_is_gone(hub: HubProcess, servers: tuple[Runner, Runner]) -> None:
    data, settings = dataset(), PCA().settings()
    task = LayoutTask(data.fingerprint, data.name, data.n_drawable, "pca", settings, PCA.version)
    servers[0].submit_layout(dataset(), PCA()).result(WAIT_S)  # the hub is there
    lazy = Wire.to(str(hub.path))
    lazy.send({"join": 1, "task": task.to_json(), "owner": None})
    heard = lazy.messages()
    while "prepare" not in next(heard)[0]:
        continue
    job = servers[0].submit_layout(data, PCA())
    time.sleep(0.3)
    assert job.state == "queued"
    lazy.close()
    assert job.result(WAIT_S).method == "pca"


def test_the_store_may_be_deleted_while_jobs_wait(start_hub: Callable[..., HubProcess], servers: tuple[Runner, Runner]) -> None:
    start_hub(workers=1)
    long = running(servers[0], dataset())
    waiting = servers[1].submit_layout(dataset(), PCA())
    until(lambda: any((servers[1].store.folder / "vectors").rglob("meta.json")))
    time.sleep(0.3)
    shutil.rmtree(servers[1].store.folder / "vectors")
    long.cancel()
    assert waiting.result(WAIT_S).method == "pca"


def test_a_compute_process_that_dies_fails_its_job_in_every_server_and_no_other(hub: HubProcess, servers: tuple[Runner, Runner]) -> None:
    data = dataset()
    first, second = running(servers[0], data), running(servers[1], data)
    other = servers[1].submit_layout(dataset(), TSNE(n_iter=600), owner="other")
    until(lambda: other.live_number)
    worker = next(child for child in hub.workers() if child.pid == servers[0].worker_pid)
    worker.kill()
    for job in (first, second):
        with pytest.raises(WorkerDied, match="ended \\(exit code -9\\) while it worked on t-SNE of noise"):
            job.result(WAIT_S)
    assert other.result(WAIT_S).method == "tsne"


def test_what_runs_is_asked_of_the_next_hub_once_and_then_fails_in_a_sentence(hub: HubProcess, servers: tuple[Runner, Runner]) -> None:
    job = running(servers[0], dataset())
    at = job.live_number
    left = hub.kill()
    until(lambda: not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in left))
    hub.start()
    until(lambda: job.live_number > at)
    live = job.live()
    assert live is not None
    assert live.number >= job.live_number > at
    queued = servers[0].submit_layout(dataset(), PCA(), owner="somebody")  # waits for its turn
    hub.kill()
    hub.start()
    with pytest.raises(JobFailed, match="the compute hub ended twice while it worked on it"):
        job.result(WAIT_S)
    assert queued.result(WAIT_S).method == "pca"


def test_a_hub_that_does_not_come_is_told_in_a_sentence(
    start_hub: Callable[..., HubProcess], servers: tuple[Runner, Runner], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_dispatcher, "_PATIENCE_S", 0.5)
    with pytest.raises(JobFailed, match="the compute hub does not answer"):
        servers[0].submit_layout(dataset(), PCA()).result(WAIT_S)
    monkeypatch.setattr(hub_dispatcher, "_PATIENCE_S", WAIT_S)
    job = servers[0].submit_layout(dataset(), PCA())
    start_hub()
    assert job.result(WAIT_S).method == "pca"


def test_a_job_that_is_canceled_stops_and_can_be_asked_for_again(hub: HubProcess, servers: tuple[Runner, Runner]) -> None:
    data = dataset()
    job = running(servers[0], data)
    job.cancel()
    assert job.state == "canceled"
    again = running(servers[0], data)
    again.cancel()


def test_the_hub_ends_with_its_standard_input_and_with_it_the_compute_processes(hub: HubProcess, servers: tuple[Runner, Runner]) -> None:
    running(servers[0], dataset())
    left = hub.workers()
    assert hub.end() == 0
    until(lambda: not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in left))


def test_who_does_not_listen_is_told_only_the_newest() -> None:
    ours, wire = (Wire(end) for end in socket.socketpair())
    outbox = Outbox(ours)
    said = "x" * 10_000
    for number in range(3_000):
        outbox.put("progress", {"number": number, "said": said})
    outbox.put("end", {"end": True})
    heard = []
    for message, _ in wire.messages():
        if "end" in message:
            break
        heard.append(message["number"])
    assert heard == sorted(heard)
    assert heard[-1] == 2_999
    assert len(heard) < 300
    outbox.close()
    ours.close()
    wire.close()


def test_an_open_file_travels_beside_its_line(tmp_path: Path) -> None:
    ours, theirs = (Wire(end) for end in socket.socketpair())
    (tmp_path / "file").write_text("read by the other")
    ours.send({"first": 1})
    with (tmp_path / "file").open() as file:
        ours.send({"second": 2}, file.fileno())
    ours.send({"third": 3})
    came = theirs.messages()
    assert next(came) == ({"first": 1}, None)
    message, descriptor = next(came)
    assert message == {"second": 2}
    assert descriptor is not None
    assert os.read(descriptor, 100) == b"read by the other"
    os.close(descriptor)
    assert next(came) == ({"third": 3}, None)
    ours.close()
    assert list(came) == []
    theirs.close()


def test_what_takes_too_long_ends_for_all_servers_and_each_keeps_what_was_seen(
    start_hub: Callable[..., HubProcess], servers: tuple[Runner, Runner], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPLORER_JOB_MINUTES", "0.1")  # as the supervisor hands it on
    hub = start_hub(workers=1)
    servers[0].submit_layout(dataset(), PCA()).result(WAIT_S)  # the compute process is there
    data = dataset()
    for server, job in [(server, server.submit_layout(data, LONG, owner="somebody")) for server in servers]:
        with pytest.raises(JobTooLong, match="It was kept as it was after iteration") as caught:
            job.result(WAIT_S)
        assert server.kept_layout(data, "tsne", {**LONG.settings(), "stopped_at": caught.value.iteration}) is not None
    assert servers[1].submit_layout(dataset(), PCA()).result(WAIT_S).method == "pca"
    assert len(hub.workers()) == 1


def test_every_server_is_told_what_any_of_them_has_computed(start_hub: Callable[..., HubProcess], servers: tuple[Runner, Runner]) -> None:
    hub, (one, other) = start_hub(workers=1), servers
    data = dataset()
    job = one.submit_layout(data, LONG, owner="a")
    until(one.computing)  # also before the hub has said so
    assert other.computing() == ()
    other.warm()  # which reaches the hub
    until(lambda: [each.state for each in other.computing()] == ["running"])
    waiting = other.submit_layout(dataset(), PCA(), owner="b")
    for server in servers:
        until(lambda server=server: [(each.sort, each.place) for each in server.computing()] == [("t-SNE", 0), ("PCA", 1)])
        until(lambda server=server: server.computing()[0].fraction > 0)
    assert other.computing()[0].fingerprint == data.fingerprint
    assert one.asked_by(["a"]).keys() == {("layout", other.computing()[0].key)}
    assert other.asked_by(["a"]) == {}
    hub.kill()
    until(lambda: [(each.sort, each.place) for each in other.computing()] == [("PCA", 1)])  # what this server knows by itself
    hub.start()
    until(lambda: ("t-SNE", "running") in [(each.sort, each.state) for each in other.computing()])  # whichever server came first
    job.cancel()
    waiting.cancel()
    until(lambda: one.computing() == other.computing() == ())
