"""The memory through which layouts travel while they are computed: written and read at the same time, it never gives half a layout."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import explorer
from explorer.compute.progress import Snapshot
from explorer.jobs.live import LiveLayout, LiveMemory

ROOT = Path(explorer.__file__).resolve().parents[1]


def memory() -> LiveMemory:
    made = LiveMemory.make()
    assert made is not None
    return made


def alike(number: int, rows: int = 100) -> Snapshot:
    """A layout in which everything is the same number, so that a mixture of two shows."""
    return Snapshot(np.full((rows, 2), number, np.float32), number, 10 * number, float(number))


def whole(layout: LiveLayout) -> bool:
    number = layout.number
    told = (layout.iteration, layout.iterations, layout.loss, layout.stage)
    return bool((layout.coordinates == number).all()) and told == (number, 10 * number, float(number), f"stage {number}")


def test_a_layout_in_space_keeps_its_columns() -> None:
    made = memory()
    for number, columns in ((1, 3), (2, 3)):
        made.write(7, number, "UMAP", Snapshot(np.arange(30 * columns, dtype=np.float32).reshape(-1, columns) + number, number, 9))
    live = made.read(7)
    assert live is not None
    np.testing.assert_array_equal(live.coordinates, np.arange(90, dtype=np.float32).reshape(-1, 3) + 2)
    made.clear()
    made.write(8, 1, "UMAP", alike(1))
    live = made.read(8)
    assert live is not None
    assert live.coordinates.shape == (100, 2)


def test_what_is_written_is_read_by_who_has_the_same_memory() -> None:
    writer = memory()
    reader = LiveMemory(os.dup(writer.descriptor))
    assert reader.read(7) is None
    coordinates = np.array([[1, 2], [np.nan, np.nan], [-3, 0.5]], np.float64)
    writer.write(7, 1, "t-SNE", Snapshot(coordinates, 0, 750))
    first = reader.read(7)
    assert first is not None
    np.testing.assert_array_equal(first.coordinates, coordinates.astype(np.float32))
    assert first.coordinates.dtype == np.float32
    assert (first.number, first.stage, first.iteration, first.iterations, first.loss) == (1, "t-SNE", 0, 750, None)
    writer.write(7, 2, "t-SNE", Snapshot(coordinates + 1, 3, 750, 4.25))
    second = reader.read(7)
    assert second is not None
    assert (second.number, second.iteration, second.loss) == (2, 3, 4.25)
    np.testing.assert_array_equal(first.coordinates, coordinates.astype(np.float32))  # the reader's own


def test_another_runs_layouts_are_never_read() -> None:
    both = memory()
    both.write(7, 1, "UMAP", alike(1))
    assert both.read(8) is None
    both.clear()
    assert both.read(7) is None
    assert os.fstat(both.descriptor).st_size == 0
    both.write(8, 1, "UMAP", alike(1, rows=3))
    assert both.read(7) is None
    read = both.read(8)
    assert read is not None
    assert read.coordinates.shape == (3, 2)


@pytest.mark.parametrize("damage", [b"\0", b"\xff"])
@pytest.mark.parametrize("at", [0, 8, 40, 79, 83])
def test_a_head_that_is_half_written_is_void(damage: bytes, at: int) -> None:
    both = memory()
    both.write(7, 2, "UMAP", alike(2))  # in the first place
    before = os.pread(both.descriptor, 1, at)
    os.pwrite(both.descriptor, damage, at)
    assert (both.read(7) is None) == (before != damage)


def test_a_layout_that_was_cut_off_is_none() -> None:
    both = memory()
    both.write(7, 1, "UMAP", alike(1))
    os.ftruncate(both.descriptor, os.fstat(both.descriptor).st_size - 1)
    assert both.read(7) is None


@given(st.lists(st.integers(0, 7), max_size=40), st.integers(0, 12))
@settings(deadline=None)
def test_a_reader_never_gets_half_a_layout_wherever_the_writer_is(steps: list[int], already: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        both, to_write = memory(), []
        put, get, get_into = os.pwrite, os.pread, os.preadv
        patch.setattr(os, "pwrite", lambda descriptor, data, at: to_write.append((bytes(data), at)) or len(data))
        for number in range(1, 20):
            both.write(7, number, f"stage {number}", alike(number))
        writes, each, pace = iter(to_write), len(to_write) // 19, iter(steps)

        def write(count: int) -> None:
            for _, (data, at) in zip(range(count), writes, strict=False):
                put(both.descriptor, data, at)

        patch.setattr(os, "pread", lambda *args: write(next(pace, 0)) or get(*args))
        patch.setattr(os, "preadv", lambda *args: write(next(pace, 0)) or get_into(*args))
        write(already)
        newest = 0
        for _ in range(5):
            read = both.read(7)
            assert (read is not None) or already < each
            if read is not None:
                assert whole(read)
                assert read.number >= max(newest, already // each)
                newest = read.number


_WRITER = """
import sys, time
import numpy as np
from explorer.compute.progress import Snapshot
from explorer.jobs.live import LiveMemory
both, rows = LiveMemory(int(sys.argv[1])), int(sys.argv[2])
layout = np.empty((rows, 2), np.float32)
end, number = time.monotonic() + 1.5, 0
while time.monotonic() < end:
    number += 1
    layout[:] = number
    both.write(7, number, f"stage {number}", Snapshot(layout, number, 10 * number, float(number)))
print(number)
"""


@pytest.mark.parametrize("rows", [50, 300_000])
def test_threads_read_whole_layouts_while_another_process_writes_as_fast_as_it_can(rows: int) -> None:
    both = memory()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(both.descriptor), str(rows)],
        pass_fds=(both.descriptor,),
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    numbers: list[list[int]] = [[], []]
    torn: list[LiveLayout] = []

    def read(seen: list[int]) -> None:
        while writer.poll() is None:
            layout = both.read(7)
            if layout is not None:
                seen.append(layout.number)
                if not whole(layout):
                    torn.append(layout)

    threads = [threading.Thread(target=read, args=(seen,)) for seen in numbers]
    for thread in threads:
        thread.start()
    out, _ = writer.communicate(timeout=30)
    for thread in threads:
        thread.join()
    assert not torn
    assert all(seen and seen == sorted(seen) and seen[-1] <= int(out) for seen in numbers)
    assert all(len(set(seen)) > 3 for seen in numbers)


def test_the_memory_goes_with_the_last_who_holds_it() -> None:
    both = memory()
    descriptor, read = both.descriptor, both.read
    del both
    gc.collect()
    assert os.fstat(descriptor).st_size == 0  # a job that may still read holds it
    del read
    gc.collect()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_a_layout_is_copied_in_milliseconds() -> None:
    both, layout = memory(), alike(1, rows=117_659)
    both.write(7, 1, "stage 1", layout)
    times = []
    for _ in range(20):
        began = time.perf_counter()
        assert both.read(7) is not None
        times.append(time.perf_counter() - began)
    assert min(times) < 0.005
