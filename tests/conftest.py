"""What every test shares: a store of its own, so that no test reads or fills a person's cache."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from queue import Empty, SimpleQueue

import pytest
from filelock import FileLock

ROOT = Path(__file__).resolve().parent.parent


def pytest_configure(config: pytest.Config) -> None:
    """Set what every process of the tests inherits, each compute process and server too.

    Each kernel is compiled once, not once a store. And threads that wait do not spin: with other work on the machine, spinning makes
    each parallel region ten times slower. OpenMP reads that when it is loaded.
    """
    assert config.cache is not None
    os.environ.setdefault("NUMBA_CACHE_DIR", str(config.cache.mkdir("numba")))
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Share the files out among two processes with ``-n auto``; files that are named run in one, where a debugger and ``-s`` are at home.

    Each has a server, a compute process and a Chromium of its own, so it wants two cores.
    """
    named = [Path(arg.partition("::")[0]) for arg in config.args]
    return 0 if all(path.is_file() for path in named) else 2


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run the browser tests last: Playwright keeps an event loop running in the main thread until the end.

    Of several processes, files of many tests come first of each kind, so that none is left with one of them when the others are done.
    """
    sizes = Counter(item.path for item in items) if hasattr(config, "workerinput") else Counter[Path]()
    items.sort(key=lambda item: ("browser" in item.path.parts[-2:], -sizes[item.path], item.path if sizes else Path()))


@pytest.hookimpl(wrapper=True, tryfirst=True)  # around pytest-timeout's: nobody's time runs while they wait
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool, bool]:
    """Run a test marked ``alone``, whose claim is a time, while the other processes run none: they wait before their next one.

    Each process holds a lock of its own while it runs a test, and who wants to be alone takes those of all. They come by in a lobby:
    without it, a lock that is let go and taken again within a moment would never be seen free.
    """
    workerinput = getattr(item.config, "workerinput", None)
    if workerinput is None:
        return (yield)
    folder = Path(item.config.getoption("basetemp")).parent  # of this run, and shared by its processes
    lobby = FileLock(folder / "lobby.lock")
    names = [f"gw{i}" for i in range(workerinput["workercount"])] if item.get_closest_marker("alone") else [workerinput["workerid"]]
    with ExitStack() as held:
        with lobby:
            for name in names:
                held.enter_context(FileLock(folder / f"{name}.lock"))
        return (yield)


@pytest.fixture(scope="session", autouse=True)
def _own_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("EXPLORER_STORE", str(tmp_path_factory.mktemp("store")))
        environment.delenv("EXPLORER_DATA", raising=False)
        yield


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout: tests that read pyproject.toml, docs or notebooks start here."""
    return ROOT


@pytest.fixture
def benchmarks(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make the benchmarks' modules importable, as they are for each other."""
    monkeypatch.syspath_prepend(root / "benchmarks")
    yield
    for name in ("people", "served"):
        sys.modules.pop(name, None)


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``python …`` in a fresh process and an empty folder, as somebody who has installed the package would."""

    def run(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, *words], cwd=tmp_path, env=os.environ, text=True, capture_output=True, timeout=110, check=False
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    return run


class Loop:
    """The thread that owns a session's params: what others schedule waits until the test lets it run."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Callable[[], object]] = SimpleQueue()

    def __call__(self, function: Callable[[], object]) -> None:
        """Take a function, from any thread."""
        self._queue.put(function)

    @property
    def waiting(self) -> int:
        """How many functions wait."""
        return self._queue.qsize()

    def run(self) -> None:
        """Run what waits, here and now."""
        while self.waiting:
            self._queue.get()()

    def arrival(self, seconds: float = 60.0) -> None:
        """Wait until something waits, and let it wait."""
        end = time.monotonic() + seconds
        while not self.waiting:
            assert time.monotonic() < end, "nothing came in time"
            time.sleep(0.005)

    def until(self, condition: Callable[[], object], seconds: float = 60.0) -> None:
        """Run what waits and what comes until something is true."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not happen in time"
            try:
                function = self._queue.get(timeout=0.01)
            except Empty:
                continue
            function()
        self.run()


@pytest.fixture
def loop() -> Loop:
    """A ``schedule`` for a session."""
    return Loop()
