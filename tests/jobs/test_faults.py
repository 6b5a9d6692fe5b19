"""What goes wrong around a computation, with real files and processes: damaged artifacts, a full disk, a killed process, a clock set back.

Each layer's own are with it: ``test_store`` (garbage, pickles, foreign files), ``test_runner`` and ``test_hub`` (killed, canceled,
orphaned), ``tests/test_supervisor`` (killed servers), ``tests/test_people`` (a browser that does not listen).
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.compute.projections import PCA, TSNE, Layout
from explorer.data.dataset import Dataset, open_dataset
from explorer.errors import StoreUnwritable, WorkerDied
from explorer.jobs.job import Job
from explorer.jobs.runner import Runner
from explorer.store.store import Store

WAIT_S = 60.0
SMALL_DISK = 3_000_000  # bytes
LARGE = 140_000  # rows, of which a layout has more pages than are looked at each time
seeds = count(1)


def dataset(n: int = 600, d: int = 8) -> Dataset:
    """Rows that nobody has seen."""
    return open_dataset(np.random.default_rng([13, next(seeds)]).normal(size=(n, d)).astype(np.float32), name="noise")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Runner]]:
    """Start runners on one store, each as a server of its own: ``start()``."""
    made: list[Runner] = []

    def begin(folder: Path = tmp_path / "store") -> Runner:
        made.append(Runner(Store(folder, limit_mb=1000), workers=1))
        return made[-1]

    yield begin
    for each in made:
        each.close()


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


# -- damaged artifacts


def flip(file: Path) -> None:
    """Change one bit in the middle."""
    with file.open("r+b") as opened:
        opened.seek(file.stat().st_size // 2 + 1234)
        byte = opened.read(1)[0]
        opened.seek(-1, os.SEEK_CUR)
        opened.write(bytes([byte ^ 0x10]))


def truncate(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


@pytest.mark.parametrize("damage", [flip, truncate])
@pytest.mark.parametrize("kind", ["layout", "graph", "vectors"])
def test_what_is_damaged_is_computed_again_and_never_used(start: Callable[..., Runner], kind: str, damage: Callable[[Path], None]) -> None:
    first, data = start(), dataset(3000)
    expected = first.submit_layout(data, TSNE(n_iter=30)).result(WAIT_S).coordinates.copy()
    arrays = [file for file in (first.store.folder / kind).rglob("*.npy") if file.stat().st_size > 10_000]
    assert arrays
    for file in arrays:
        damage(file)
    second = start()
    if kind != "layout":
        for meta in (second.store.folder / "layout").rglob("meta.json"):
            meta.unlink()
    job = second.submit_layout(data, TSNE(n_iter=30))
    assert np.array_equal(job.result(WAIT_S).coordinates, expected)
    assert second.counts()["layout", "done"] == 1, "it was computed"


def test_one_bit_in_a_large_array_is_noticed_by_who_has_not_read_it_yet(tmp_path: Path) -> None:
    kept, key = Store(tmp_path, limit_mb=1000), "a" * 32
    artifact = kept.put("layout", key, {"coordinates": np.ones((LARGE, 2), np.float32)}, {})
    assert not artifact.arrays["coordinates"].flags.writeable
    flip(tmp_path / "layout" / "aa" / key / "coordinates.npy")
    assert Store(tmp_path, limit_mb=1000).get("layout", key) is None
    assert not (tmp_path / "layout" / "aa" / key).exists()


def test_an_artifact_of_before_there_was_a_checksum_of_the_whole_is_read(tmp_path: Path) -> None:
    kept, key = Store(tmp_path, limit_mb=1000), "a" * 32
    kept.put("layout", key, {"coordinates": np.ones((LARGE, 2), np.float32)}, {})
    meta = tmp_path / "layout" / "aa" / key / "meta.json"
    meta.write_text(meta.read_text().replace('"whole"', '"unknown"'))
    assert Store(tmp_path, limit_mb=1000).get("layout", key) is not None


# -- a full disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of its own of a few MB; where this user may mount none, no file may be larger than what is left of it."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", str(folder)], capture_output=True, check=False
    )  # fmt: skip
    if mounted.returncode == 0:
        yield folder
        subprocess.run(["umount", "-l", str(folder)], check=True)
        return
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL_DISK, limits[1]))
    yield folder
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_full_disk_is_said_in_a_sentence_and_what_was_kept_before_is_still_there(start: Callable[..., Runner], small_disk: Path) -> None:
    made = start(small_disk / "store")
    before = dataset()
    kept = made.submit_layout(before, PCA()).result(WAIT_S).coordinates.copy()
    with pytest.raises(StoreUnwritable, match=r"Results cannot be kept in .*store: (No space left on device|File too large)"):
        made.submit_layout(dataset(20_000, 64), PCA()).result(WAIT_S)
    assert list((made.store.folder / "tmp").iterdir()) == [], "the half that was written is gone"
    found = made.find_layout(before, "pca", PCA().settings(), PCA.version)
    assert found is not None
    assert np.array_equal(found.coordinates, kept)
    assert made.submit_layout(dataset(), PCA()).result(WAIT_S).method == "pca", "it goes on"


# -- a compute process that is killed


def stages(jobs: Runner, data: Dataset) -> list[str]:
    """Find the stages of a t-SNE, in their order."""
    told: list[str] = []
    job = jobs.submit_layout(data, TSNE(n_iter=2))
    job.watch(lambda now: told.append(now.stage) if now.state == "running" and now.stage not in told else None)
    job.result(WAIT_S)
    return told


def test_a_process_killed_in_the_middle_of_any_stage_fails_its_job_only_and_leaves_nothing_half_done(start: Callable[..., Runner]) -> None:
    jobs = start()
    found = stages(jobs, dataset(3000))
    assert {"starting", "t-SNE"} < set(found), found
    for stage in found:
        data = dataset(3000)
        job: Job[Layout] = jobs.submit_layout(data, TSNE(n_iter=10_000), owner="one")
        queued = jobs.submit_layout(dataset(), PCA(), owner="other")
        killed: list[int] = []

        def kill(now: Job[Any], stage: str = stage, killed: list[int] = killed) -> None:
            pid = jobs.worker_pid
            if now.stage == stage and pid is not None and not killed:
                killed.append(pid)
                os.kill(pid, signal.SIGKILL)

        job.watch(kill)
        until(lambda job=job: job.ended or job.live_number > 50)
        if stage == "starting" and not job.ended:  # it had not begun: that was not its fault, and it runs in the next process
            job.cancel()
        else:
            with pytest.raises(WorkerDied, match=r"ended \(exit code -9\) while it worked on t-SNE of noise"):
                job.result(WAIT_S)
        assert killed
        assert queued.result(WAIT_S).method == "pca"
        assert jobs.submit_layout(data, TSNE(n_iter=2), owner="one").result(WAIT_S).coordinates.shape == (3000, 2)


_WRITES = """
import sys, time
import numpy as np
from explorer.store.arrays import Blocks
from explorer.store.store import Store
def blocks():
    yield np.ones((1000, 2), np.float32)
    print("half", flush=True)
    time.sleep(100)
Store(sys.argv[1], limit_mb=100).put("layout", "a" * 32, {"coordinates": Blocks((2000, 2), np.dtype(np.float32), blocks)}, {})
"""


def test_a_process_killed_while_it_writes_leaves_nothing_that_is_ever_read(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", _WRITES, str(tmp_path)], stdout=subprocess.PIPE) as writing:
        assert writing.stdout is not None
        assert writing.stdout.readline() == b"half\n"
        writing.kill()
    kept = Store(tmp_path, limit_mb=100)
    assert list((tmp_path / "tmp").iterdir())
    assert not kept.has("layout", "a" * 32)
    assert kept.get("layout", "a" * 32) is None
    assert list(kept.entries("layout")) == []
    assert kept.put("layout", "a" * 32, {"coordinates": np.ones((3, 2), np.float32)}, {}).arrays["coordinates"].shape == (3, 2)


# -- a clock that is set


def test_after_the_clock_was_set_back_what_is_used_stays_and_what_is_not_goes(tmp_path: Path) -> None:
    store, now = Store(tmp_path, limit_mb=1), time.time()
    keys = [digit * 32 for digit in "123"]
    for key in keys:
        store.put("layout", key, {"a": np.zeros(75_000, np.float32)}, {})  # 0.3 MB each
    ahead = [now + 10 * 365 * 86_400, now - 5000, now - 4000]  # when the first was used, the clock was ten years ahead
    for key, at in zip(keys, ahead, strict=True):
        os.utime(tmp_path / "layout" / key[:2] / key / "meta.json", (at, at))
    store.put("graph", "4" * 32, {"a": np.zeros(75_000, np.float32)}, {})
    assert [store.has("layout", key) for key in keys] == [True, False, True]
    meta = tmp_path / "layout" / "11" / keys[0] / "meta.json"
    assert meta.stat().st_mtime < now + 100, "from now on it ages as everything does"
    os.utime(meta, (now - 9000, now - 9000))
    store.put("graph", "5" * 32, {"a": np.zeros(75_000, np.float32)}, {})
    assert not store.has("layout", keys[0])


def test_durations_do_not_come_from_the_clock_that_can_be_set(root: Path) -> None:
    """Only what is shown or compared with times of files may ask what time it is."""
    allowed = {
        "explorer/data/uploads.py": 3,  # when a file was uploaded; what has expired
        "explorer/store/store.py": 2,  # when an artifact was made; how old files are
        "explorer/records/audit.py": 1,  # when something was done
    }
    words = ("time.time()", "datetime.now(", "datetime.today(", "utcnow(", "time.time_ns(")
    found = {}
    for path in sorted((root / "explorer").rglob("*.py")):
        n = sum(path.read_text("utf-8").count(word) for word in words)
        if n:
            found[str(path.relative_to(root))] = n
        assert "from time import time\n" not in path.read_text("utf-8"), path
    assert found == allowed


# -- a server process that another thread of ours would hold up


def test_asking_and_listing_go_on_while_the_process_is_stopped(start: Callable[..., Runner]) -> None:
    jobs = start()
    job = jobs.submit_layout(dataset(), TSNE(n_iter=10_000))
    until(lambda: job.live_number)
    pid = jobs.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    answered = threading.Event()

    def ask() -> None:
        jobs.submit_layout(dataset(), PCA(), owner="other")
        until(lambda: [each.place for each in jobs.computing()] == [0, 1])
        answered.set()

    threading.Thread(target=ask, daemon=True).start()
    assert answered.wait(WAIT_S)
    os.kill(pid, signal.SIGCONT)
    job.cancel()
