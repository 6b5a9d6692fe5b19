"""Zarr arrays and groups of both formats, read chunk by chunk."""

from __future__ import annotations

import json
import pickle
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import zarr

from explorer.data.dataset import open_dataset
from explorer.errors import BadVectors, EmptyDataset, ExtraMissing, NoVectors, StoreUnwritable, TooLarge, Unreadable

VECTORS = np.random.default_rng(0).standard_normal((50, 4)).astype(np.float32)
FORMATS = pytest.mark.parametrize("zarr_format", [2, 3])


def array(folder: Path, values: np.ndarray = VECTORS, *, zarr_format: int = 3, chunks: tuple[int, ...] = (7, 4), **options: object) -> Path:
    zarr.create_array(folder, data=values, chunks=chunks, zarr_format=zarr_format, **options)
    return folder


def group(folder: Path, *, zarr_format: int = 3, **arrays: np.ndarray) -> Path:
    opened = zarr.open_group(folder, mode="w", zarr_format=zarr_format)
    for name, values in arrays.items():
        opened.create_array(name, data=values)
    return folder


@FORMATS
def test_an_array_is_the_vectors(tmp_path: Path, zarr_format: int) -> None:
    np.save(tmp_path / "a.npy", VECTORS)
    dataset = open_dataset(array(tmp_path / "words.zarr", zarr_format=zarr_format))
    assert (dataset.name, dataset.n_rows, dataset.n_dims) == ("words", 50, 4)
    np.testing.assert_array_equal(dataset.vectors, VECTORS)
    assert dataset.fingerprint == open_dataset(tmp_path / "a.npy").fingerprint


@FORMATS
def test_a_group_has_metadata_and_layouts_beside_the_vectors(tmp_path: Path, zarr_format: int) -> None:
    folder = group(
        tmp_path / "words.zarr",
        zarr_format=zarr_format,
        embedding=VECTORS,
        wide=np.zeros((50, 30), np.float32),
        n=np.arange(50),
        other=np.arange(3),
        umap=VECTORS[:, :2],
        cube=np.zeros((50, 2, 2)),
    )
    zarr.open_group(folder, mode="a").create_group("more")
    dataset = open_dataset(folder)
    np.testing.assert_array_equal(dataset.vectors, VECTORS)
    assert dataset.table.to_pydict() == {"n": list(range(50))}
    np.testing.assert_array_equal(dataset.layouts[0].coordinates, VECTORS[:, :2])


def test_text_in_a_group_is_metadata(tmp_path: Path) -> None:
    words = np.array([f"word {i} äöü" for i in range(50)], np.dtypes.StringDType())
    assert open_dataset(group(tmp_path / "g.zarr", zarr_format=2, embedding=VECTORS, word=words)).label == "word"


def test_an_array_of_a_group_can_be_opened_by_its_own_folder(tmp_path: Path) -> None:
    folder = group(tmp_path / "g.zarr", a=VECTORS, b=VECTORS * 2)
    np.testing.assert_array_equal(open_dataset(folder / "b").vectors, VECTORS * 2)


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int8, ">f4"])
@pytest.mark.parametrize("chunks", [(50, 4), (7, 3), (1, 4)])
def test_numbers_of_any_kind_in_chunks_of_any_shape_stream_into_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: str, chunks: tuple[int, int]
) -> None:
    monkeypatch.setenv("EXPLORER_STREAM_MB", "0")
    values = (VECTORS * 10).astype(dtype)
    values[3] = 0
    dataset = open_dataset(array(tmp_path / "a.zarr", values, zarr_format=2, chunks=chunks))
    np.testing.assert_array_equal(dataset.vectors, values.astype(np.float32))
    assert np.flatnonzero(~dataset.drawable).tolist() == [3]


def test_shards_are_read_as_well(tmp_path: Path) -> None:
    np.testing.assert_array_equal(open_dataset(array(tmp_path / "a.zarr", chunks=(5, 4), shards=(25, 4))).vectors, VECTORS)


def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = array(tmp_path / "a.zarr")
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(ExtraMissing, match=r"Reading Zarr needs .*\[zarr\]"):
        open_dataset(folder)


class Harm:
    """Would leave a file behind if it were unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("place", ["filters", "compressor"])
def test_nothing_is_unpickled(tmp_path: Path, place: str) -> None:
    folder = array(tmp_path / "a.zarr", zarr_format=2)
    said = json.loads((folder / ".zarray").read_text())
    said[place] = [{"id": "pickle", "protocol": 5}] if place == "filters" else {"id": "pickle", "protocol": 5}
    said["compressor"] = said["compressor"] if place == "compressor" else None
    (folder / ".zarray").write_text(json.dumps(said))
    for chunk in folder.glob("[0-9]*"):
        chunk.write_bytes(pickle.dumps(Harm(tmp_path / "harm")))
    with pytest.raises(Unreadable):
        open_dataset(folder)
    assert not (tmp_path / "harm").exists()


def test_a_codec_that_is_not_known_to_be_harmless_is_not_used(tmp_path: Path) -> None:
    folder = array(tmp_path / "a.zarr", zarr_format=2)
    said = json.loads((folder / ".zarray").read_text())
    (folder / ".zarray").write_text(json.dumps({**said, "compressor": {"id": "base64"}}))
    with pytest.raises(Unreadable, match="with the codec base64, which is not read here"):
        open_dataset(folder)


def test_a_link_in_it_is_refused(tmp_path: Path) -> None:
    folder = array(tmp_path / "a.zarr", zarr_format=2)
    (tmp_path / "secret").write_bytes(b"secret")
    (folder / "0.0").unlink()
    (folder / "0.0").symlink_to(tmp_path / "secret")
    with pytest.raises(Unreadable, match=r"0\.0 in it is a link"):
        open_dataset(folder)


@FORMATS
def test_a_damaged_chunk_is_told(tmp_path: Path, zarr_format: int) -> None:
    folder = array(tmp_path / "a.zarr", zarr_format=zarr_format)
    (folder / ("0.0" if zarr_format == 2 else "c/0/0")).write_bytes(b"no chunk")
    with pytest.raises(Unreadable, match=r"a\.zarr cannot be read: "):
        open_dataset(folder)


@pytest.mark.parametrize("said", ["{", "[]", '{"zarr_format": 3, "node_type": "array", "shape": "x"}'])
def test_metadata_that_make_no_sense_are_told(tmp_path: Path, said: str) -> None:
    folder = tmp_path / "a.zarr"
    folder.mkdir()
    (folder / "zarr.json").write_text(said)
    with pytest.raises(Unreadable, match=r"a\.zarr cannot be read: "):
        open_dataset(folder)


def test_what_is_no_matrix_of_numbers_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unreadable, match=r"an array of shape \(50, 2, 2\)"):
        open_dataset(array(tmp_path / "cube.zarr", VECTORS.reshape(50, 2, 2), chunks=(7, 2, 2)))
    with pytest.raises(EmptyDataset):
        open_dataset(array(tmp_path / "empty.zarr", VECTORS[:0], chunks=(1, 4)))
    with pytest.raises(BadVectors, match="are not numbers"):
        open_dataset(array(tmp_path / "complex.zarr", VECTORS.astype(complex)))
    with pytest.raises(NoVectors, match=r"its columns are n \(5,\)"):
        open_dataset(group(tmp_path / "g.zarr", n=np.arange(5)))
    monkeypatch.setenv("EXPLORER_MAX_COLUMNS", "3")
    with pytest.raises(TooLarge):
        open_dataset(array(tmp_path / "wide.zarr"))


def test_what_was_never_written_is_not_believed(tmp_path: Path) -> None:
    zarr.create_array(tmp_path / "huge.zarr", shape=(10**12, 4), dtype="f4", chunks=(1000, 4))
    with pytest.raises(StoreUnwritable, match="take 16,000 GB"):
        open_dataset(tmp_path / "huge.zarr")


def test_a_changed_chunk_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_STREAM_MB", "0")
    folder = array(tmp_path / "a.zarr")
    before = open_dataset(folder).fingerprint
    assert open_dataset(folder).fingerprint == before
    zarr.open_array(folder, mode="r+")[0, 0] = 77.0
    assert open_dataset(folder).fingerprint != before
    shutil.rmtree(folder)
