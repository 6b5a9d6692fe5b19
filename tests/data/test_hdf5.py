"""HDF5 files: arrays and groups of them, whole and damaged, and such as point elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from explorer.data.dataset import open_dataset
from explorer.errors import ExtraMissing, NoVectors, StoreUnwritable, TooLarge, UnknownColumn, Unreadable

VECTORS = np.random.default_rng(0).standard_normal((50, 4)).astype(np.float32)
WORDS = [f"word {i} äöü" for i in range(50)]


def written(folder: Path, **arrays: object) -> Path:
    with h5py.File(folder / "words.h5", "w") as file:
        for name, values in arrays.items():
            file[name.replace("__", "/")] = values
    return folder / "words.h5"


def test_a_matrix_is_the_vectors_and_what_has_as_many_values_is_metadata(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        embedding=VECTORS,
        wide=np.zeros((50, 30)),
        word=WORDS,
        code=np.array([b"a", b"b"] * 25),
        good=np.arange(50) % 2 == 0,
        other=np.arange(3),
        umap=VECTORS[:, :2],
        cube=np.zeros((50, 2, 2)),
        single=7,
        pair=np.zeros(50, [("a", "f4"), ("b", "i4")]),
    )
    dataset = open_dataset(path)
    assert (dataset.name, dataset.label) == ("words", "word")
    np.testing.assert_array_equal(dataset.vectors, VECTORS)
    np.testing.assert_array_equal(dataset.layouts[0].coordinates, VECTORS[:, :2])
    assert sorted(dataset.table.column_names) == ["code", "good", "word"]
    assert dataset.row(1) == {"word": "word 1 äöü", "code": "b", "good": False}


def test_arrays_in_groups_have_their_groups_in_their_names(tmp_path: Path) -> None:
    path = written(tmp_path, train__vectors=VECTORS, train__word=WORDS, test__vectors=VECTORS[:9] * 2, test__n=np.arange(9))
    assert open_dataset(path).table.column_names == ["train/word"]
    test = open_dataset(path, vectors="test/vectors")
    np.testing.assert_array_equal(test.vectors, VECTORS[:9] * 2)
    assert test.table.column_names == ["test/n"]
    with pytest.raises(UnknownColumn, match="Its columns are test/vectors, train/vectors"):
        open_dataset(path, vectors="vectors")


def test_lists_of_neighbors_are_no_vectors(tmp_path: Path) -> None:
    """As the files of ann-benchmarks have them."""
    path = written(tmp_path, train=VECTORS, test=VECTORS[:9], neighbors=np.zeros((9, 20), np.int32), distances=np.ones((9, 20), np.float32))
    np.testing.assert_array_equal(open_dataset(path).vectors, VECTORS)


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int8, ">f4"])
@pytest.mark.parametrize("chunks", [None, (50, 4), (7, 3), (1, 4)])
def test_numbers_of_any_kind_in_chunks_of_any_shape_stream_into_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: str, chunks: tuple[int, int] | None
) -> None:
    monkeypatch.setenv("EXPLORER_STREAM_MB", "0")
    values = (VECTORS * 10).astype(dtype)
    values[3] = 0
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file.create_dataset("a", data=values, chunks=chunks, compression="gzip" if chunks else None)
    dataset = open_dataset(tmp_path / "a.hdf5")
    np.testing.assert_array_equal(dataset.vectors, values.astype(np.float32))
    assert np.flatnonzero(~dataset.drawable).tolist() == [3]


def test_what_others_put_in_front_of_a_file_is_skipped(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w", userblock_size=1024) as file:
        file["a"] = VECTORS
    np.testing.assert_array_equal(open_dataset(tmp_path / "a.h5").vectors, VECTORS)


def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, a=VECTORS)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ExtraMissing, match=r"Reading HDF5 needs .*\[hdf5\]"):
        open_dataset(path)


def elsewhere(folder: Path) -> Path:
    with h5py.File(folder / "secret.h5", "w") as file:
        file["secret"] = VECTORS
    return folder / "secret.h5"


@pytest.mark.parametrize("link", [h5py.ExternalLink("secret.h5", "/secret"), h5py.SoftLink("/nowhere"), h5py.SoftLink("/loop")])
def test_links_are_not_followed(tmp_path: Path, link: object) -> None:
    elsewhere(tmp_path)
    path = written(tmp_path, loop=link)
    with pytest.raises(NoVectors, match="its columns are none"):
        open_dataset(path)
    assert open_dataset(written(tmp_path, loop=link, mine=VECTORS[:, :3])).n_dims == 3


def test_an_array_of_another_file_is_refused(tmp_path: Path) -> None:
    layout = h5py.VirtualLayout((50, 4), np.float32)
    layout[:] = h5py.VirtualSource(elsewhere(tmp_path), "secret", (50, 4))
    with h5py.File(tmp_path / "virtual.h5", "w") as file:
        file.create_virtual_dataset("v", layout)
    with pytest.raises(Unreadable, match="its array /v is kept in other files"):
        open_dataset(tmp_path / "virtual.h5")


def test_an_array_in_the_bytes_of_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_bytes(b"secret" * 200)
    with h5py.File(tmp_path / "external.h5", "w") as file:
        file.create_dataset("v", (50, 4), np.float32, external=[(tmp_path / "secret.txt", 0, 800)])
    with pytest.raises(Unreadable, match="its array /v is kept in other files"):
        open_dataset(tmp_path / "external.h5")


def test_what_was_never_written_is_not_believed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "huge.h5", "w") as file:
        file.create_dataset("vectors", (10**12, 4), np.float32, chunks=(1000, 4))
    with pytest.raises(StoreUnwritable, match="take 16,000 GB"):
        open_dataset(tmp_path / "huge.h5")
    with h5py.File(tmp_path / "huge.h5", "a") as file:
        file.create_dataset("n", (10**12,), np.float32, chunks=(1000,))
    with pytest.raises(Unreadable, match="GB are free"):
        open_dataset(tmp_path / "huge.h5")


def test_limits_hold_before_anything_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, a=VECTORS)
    monkeypatch.setenv("EXPLORER_MAX_ROWS", "49")
    with pytest.raises(TooLarge, match="50 rows"):
        open_dataset(path)


def test_a_damaged_or_truncated_file_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, a=VECTORS)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Unreadable, match="truncated"):
        open_dataset(path)
    path.write_bytes(b"not HDF5")
    with pytest.raises(Unreadable, match="it is not an HDF5 file but text"):
        open_dataset(path)
