"""Data larger than memory: what is streamed into the store is what would have been read into memory, and is read once."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer.data import columnar
from explorer.data.dataset import Dataset, open_dataset
from explorer.errors import StoreUnwritable, TooLarge, Unreadable
from explorer.jobs.runner import Runner
from explorer.store import arrays
from explorer.store.store import Store

N, D = 300, 16


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Stream everything, into a store of the test's own."""
    monkeypatch.setenv("EXPLORER_STREAM_MB", "0")
    monkeypatch.setenv("EXPLORER_STORE", str(tmp_path / "store"))
    return Store()


def table(n: int = N, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((n, D), np.float32)
    kinds = pa.array([f"kind {i % 3}" for i in range(n)]).dictionary_encode()
    lists = pa.FixedSizeListArray.from_arrays(vectors.ravel(), D)
    umap = rng.standard_normal((2, n), np.float32)
    return pa.table({"word": [f"w{i}" for i in range(n)], "kind": kinds, "embedding": lists, "umap_x": umap[0], "umap_y": umap[1]})


def parts(folder: Path, whole: pa.Table, cuts: tuple[int, ...] = (100, 250)) -> Path:
    folder.mkdir(exist_ok=True)
    edges = [0, *cuts, whole.num_rows]
    for i, (start, end) in enumerate(pairwise(edges)):
        pq.write_table(whole.slice(start, end - start), folder / f"part.{i}.parquet")
    return folder


def in_memory(source: object, **options: object) -> Dataset:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("EXPLORER_STREAM_MB", "1000")
        return open_dataset(source, **options)  # type: ignore[arg-type]


def assert_same(one: Dataset, other: Dataset) -> None:
    assert one.fingerprint == other.fingerprint
    assert one.vectors is not None
    assert other.vectors is not None
    np.testing.assert_array_equal(one.vectors, other.vectors)
    np.testing.assert_array_equal(one.drawable, other.drawable)
    assert one.table.schema.names == other.table.schema.names
    assert one.table.to_pylist() == other.table.to_pylist()
    assert (one.roles, one.label, one.color, one.notes) == (other.roles, other.label, other.color, other.notes)
    assert [layout.name for layout in one.layouts] == [layout.name for layout in other.layouts]
    for first, second in zip(one.layouts, other.layouts, strict=True):
        np.testing.assert_array_equal(first.coordinates, second.coordinates)


def is_mapped(dataset: Dataset) -> bool:
    array = dataset.vectors
    while isinstance(array, np.ndarray) and not isinstance(array, np.memmap) and array.base is not None:
        array = array.base  # type: ignore[assignment]
    return isinstance(array, np.memmap) or type(array).__name__ == "mmap"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_streamed_folder_is_the_same_as_one_file_in_memory(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    n, d = data.draw(st.integers(4, 40), "n"), data.draw(st.integers(3, 6), "d")
    numbers = st.one_of(st.floats(-8, 8, width=32), st.sampled_from([0.0, float("nan"), float("inf")]))
    rows = data.draw(st.lists(st.one_of(st.none(), st.lists(numbers, min_size=d, max_size=d)), min_size=n, max_size=n), "rows")
    rows[0], rows[-1] = [1.0] * d, [2.0] * d
    kind = data.draw(st.sampled_from([pa.list_(pa.float32()), pa.large_list(pa.float64()), pa.list_(pa.float32(), d)]), "type")
    texts = data.draw(st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", "a longer one"])), min_size=n, max_size=n), "texts")
    whole = pa.table({"embedding": pa.array(rows, kind), "text": texts, "n": np.arange(n)})
    cuts = tuple(sorted(data.draw(st.lists(st.integers(0, n), max_size=3), "cuts")))
    place = tmp_path_factory.mktemp("same")
    pq.write_table(whole, place / "one.parquet")
    streamed = open_dataset(parts(place / "one", whole, cuts))
    assert is_mapped(streamed)
    assert_same(in_memory(place / "one.parquet"), streamed)
    assert_same(open_dataset(place / "one"), streamed)  # out of the store


def write_feather(whole: pa.Table, file: Path) -> None:
    pyarrow.feather.write_feather(whole, file)


@pytest.mark.parametrize(("ending", "write"), [(".parquet", pq.write_table), (".arrow", write_feather)])
def test_one_large_file_streams_as_well(tmp_path: Path, ending: str, write: Callable[[pa.Table, Path], None]) -> None:
    file = tmp_path / f"words{ending}"
    write(table(), file)
    streamed = open_dataset(file)
    assert is_mapped(streamed)
    assert not is_mapped(in_memory(file))
    assert_same(in_memory(file), streamed)


def test_number_columns_stream_as_well(tmp_path: Path) -> None:
    whole = pa.table({"word": ["a", "b", "c"], **{f"e_{i}": [1.0, i, 2.0] for i in range(9)}})
    assert_same(in_memory(parts(tmp_path / "whole", whole, ())), open_dataset(parts(tmp_path / "whole", whole, (1,))))


def test_a_numpy_array_in_a_file_streams_as_well(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.random.default_rng(0).standard_normal((50, 4)))
    streamed = open_dataset(tmp_path / "a.npy")
    assert is_mapped(streamed)
    assert_same(in_memory(tmp_path / "a.npy"), streamed)


def test_vectors_given_beside_a_file_are_never_taken_for_those_of_the_file(tmp_path: Path) -> None:
    pq.write_table(table(), tmp_path / "words.parquet")
    other = np.random.default_rng(1).standard_normal((N, 5))
    np.testing.assert_array_equal(open_dataset(tmp_path / "words.parquet", vectors=other).vectors, other.astype(np.float32))
    own = open_dataset(tmp_path / "words.parquet")
    assert own.n_dims == D
    assert open_dataset(tmp_path / "words.parquet", vectors=other * 2).fingerprint != own.fingerprint


def test_an_unchanged_source_is_not_read_again_and_a_changed_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = parts(tmp_path / "words", table())
    first = open_dataset(folder)
    read: list[str] = []
    batches, whole = columnar.ParquetColumns.batches, columnar.ParquetColumns.read
    monkeypatch.setattr(columnar.ParquetColumns, "batches", lambda *asked: (read.append("batches"), batches(*asked))[1])
    monkeypatch.setattr(columnar.ParquetColumns, "read", lambda *asked: (read.append(str(asked[1])), whole(*asked))[1])
    assert_same(first, open_dataset(folder))
    looked = ["batches"]  # for the width of a vector: the first rows of the first part
    assert [what for what in read if "umap" not in what] == looked
    found = (folder / "part.1.parquet").stat()
    pq.write_table(table(150, seed=5), folder / "part.1.parquet")
    os.utime(folder / "part.1.parquet", ns=(found.st_atime_ns, found.st_mtime_ns + 1))
    assert open_dataset(folder).fingerprint != first.fingerprint


def test_what_is_streamed_is_what_is_computed_from(tmp_path: Path, store: Store) -> None:
    dataset = open_dataset(parts(tmp_path / "words", table()))
    kept = {path.relative_to(store.folder): path.stat().st_ino for path in store.folder.glob("vectors/*/*/vectors.npy")}
    assert len(kept) == 1
    runner = Runner(store, workers=1)
    try:
        graph = runner.submit_graph(dataset, k=5).result(60)
        assert graph.indices.shape == (N, 5)
        again = {path.relative_to(store.folder): path.stat().st_ino for path in store.folder.glob("vectors/*/*/vectors.npy")}
        assert again == kept
    finally:
        runner.close()


@pytest.mark.parametrize("gaps", [False, True], ids=["all rows", "rows without vectors"])
def test_an_open_dataset_outlives_the_store_and_is_computed_from_all_the_same(tmp_path: Path, store: Store, *, gaps: bool) -> None:
    whole = table()
    if gaps:
        lists = [None if i in (0, 7) else values for i, values in enumerate(whole.column("embedding").to_pylist())]
        whole = whole.set_column(2, "embedding", pa.array(lists, pa.list_(pa.float32(), D)))
    dataset = open_dataset(parts(tmp_path / "words", whole))
    expected = in_memory(tmp_path / "words")
    small = Store(limit_mb=0)
    small.put("layout", "0" * 32, {"coordinates": np.zeros((2, 2), np.float32)}, {})  # everything else is evicted
    assert not list(store.folder.glob("*vectors/*/*/vectors.npy"))
    assert_same(dataset, expected)
    runner = Runner(store, workers=1)
    try:
        assert runner.submit_graph(dataset, k=5).result(60).indices.shape == (N, 5)
    finally:
        runner.close()
    assert_same(open_dataset(tmp_path / "words"), expected)


def test_who_opens_it_meanwhile_waits_instead_of_reading_it_as_well(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = parts(tmp_path / "words", table())
    caplog.set_level(logging.INFO, "explorer.data.streaming")
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(open_dataset, [folder] * 4))
    assert len({dataset.fingerprint for dataset in opened}) == 1
    assert len([record for record in caplog.records if "streamed" in record.message]) == 1


def test_rows_are_taken_out_of_one_chunk_whatever_the_number_of_parts(tmp_path: Path) -> None:
    dataset = open_dataset(parts(tmp_path / "words", table(), tuple(range(10, N, 10))))
    assert {column.num_chunks for column in dataset.table.columns} == {1}


def test_a_damaged_part_in_the_middle_leaves_nothing_half_written(tmp_path: Path, store: Store) -> None:
    folder = parts(tmp_path / "words", table())
    damaged = folder / "part.1.parquet"
    content = bytearray(damaged.read_bytes())
    middle = len(content) // 3
    content[4:middle] = bytes(middle - 4)
    damaged.write_bytes(bytes(content))
    with pytest.raises(Unreadable, match=r"words/part\.1\.parquet cannot be read"):
        open_dataset(folder)
    assert [path for path in store.folder.rglob("*") if path.is_file() and path.suffix != ".lock"] == []
    assert list((store.folder / "tmp").iterdir()) == []


_DIE = """
import os, sys
import explorer
from explorer.data.columnar import ParquetColumns

batches = ParquetColumns.batches

def die_in_the_last_part(columns, *asked):
    if columns.file.name == "part.2.parquet":
        os._exit(9)
    return batches(columns, *asked)

ParquetColumns.batches = die_in_the_last_part
explorer.open_dataset(sys.argv[1])
"""


def test_a_process_that_is_killed_meanwhile_leaves_nothing_that_is_taken_for_whole(
    tmp_path: Path, store: Store, python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    folder = parts(tmp_path / "words", table())
    assert python("-c", _DIE, str(folder), check=False).returncode == 9
    assert {kind.name for kind in store.folder.iterdir()} == {"tmp", "locks"}
    assert_same(open_dataset(folder), in_memory(folder))


def test_a_full_disk_is_told_in_a_sentence(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    folder = parts(tmp_path / "words", table())
    monkeypatch.setattr(arrays.np.lib.format, "write_array_header_2_0", full)
    with pytest.raises(StoreUnwritable, match="No space left on device"):
        open_dataset(folder)
    assert list((store.folder / "tmp").iterdir()) == []


def test_a_store_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("EXPLORER_STORE", str(tmp_path / "file" / "store"))
    with pytest.raises(StoreUnwritable, match="Results cannot be kept in"):
        open_dataset(parts(tmp_path / "words", table()))


def test_vectors_that_the_store_would_not_hold_are_refused_before_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_STORE_MB", "10")
    np.lib.format.open_memmap(tmp_path / "large.npy", mode="w+", dtype=np.float32, shape=(30_000, 100))
    with pytest.raises(StoreUnwritable, match=r"the vectors of .*large\.npy take 12 MB, more than the 10 MB of EXPLORER_STORE_MB"):
        open_dataset(tmp_path / "large.npy")


def test_the_limits_of_rows_and_columns_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    folder = parts(tmp_path / "words", table())
    monkeypatch.setenv("EXPLORER_MAX_ROWS", "299")
    with pytest.raises(TooLarge, match="300 rows"):
        open_dataset(folder)
    assert not store.folder.exists()


def test_nothing_of_an_upload_is_noted_by_its_file(store: Store) -> None:
    upload = store.folder / "uploads" / "somebody"
    upload.mkdir(parents=True)
    pq.write_table(table(), upload / "data.parquet")
    open_dataset(upload / "data.parquet")
    assert {kind.name for kind in store.folder.iterdir()} == {"uploads", "vectors", "tmp"}


_OPEN = """
import sys, threading, time
import explorer

def anon_mb():
    return int(open("/proc/self/status").read().split("RssAnon:")[1].split()[0]) / 1000

explorer.open_dataset(sys.argv[1])  # what is imported counts not
peak, before, done = 0.0, anon_mb(), threading.Event()

def watch():
    global peak
    while not done.wait(0.002):
        peak = max(peak, anon_mb())

watching = threading.Thread(target=watch)
watching.start()
dataset = explorer.open_dataset(sys.argv[2])
done.set()
watching.join()
print(dataset.vectors.nbytes / 1e6, peak - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says how much memory is private")
def test_opening_takes_a_small_part_of_the_vectors_memory(tmp_path: Path, python: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    parts(tmp_path / "small", table())
    large = tmp_path / "large"
    large.mkdir()
    block = np.random.default_rng(0).standard_normal((25_000, 256), np.float32)
    lists = pa.FixedSizeListArray.from_arrays(block.ravel(), 256)
    pq.write_table(pa.table({"n": np.arange(25_000), "embedding": lists}), large / "part-0000.parquet", use_dictionary=False)
    for i in range(1, 12):
        os.link(large / "part-0000.parquet", large / f"part-{i:04}.parquet")
    done = python("-c", _OPEN, str(tmp_path / "small"), str(large))
    vectors_mb, peak_mb = map(float, done.stdout.split())
    assert vectors_mb > 300
    assert peak_mb < vectors_mb / 3
