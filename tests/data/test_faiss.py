"""Indexes that FAISS has written, of kinds that give their vectors back and of such as do not."""

from __future__ import annotations

import sys
from pathlib import Path

import faiss
import numpy as np
import pytest

from explorer.data.dataset import open_dataset
from explorer.errors import BadVectors, EmptyDataset, ExtraMissing, TooLarge, Unreadable

VECTORS = np.random.default_rng(0).standard_normal((60, 8)).astype(np.float32)
IDS = np.arange(60) * 7


def written(folder: Path, kind: str = "Flat", *, ids: np.ndarray | None = None, metric: int = faiss.METRIC_L2) -> Path:
    index = faiss.index_factory(8, kind, metric)
    index.train(VECTORS)
    if ids is None:
        index.add(VECTORS)
    else:
        index.add_with_ids(VECTORS, ids)
    faiss.write_index(index, str(folder / "words.faiss"))
    return folder / "words.faiss"


@pytest.mark.parametrize("stream_mb", ["0", "256"])
@pytest.mark.parametrize("kind", ["Flat", "HNSW8", "IVF1,Flat"])
@pytest.mark.parametrize("metric", [faiss.METRIC_L2, faiss.METRIC_INNER_PRODUCT])
def test_vectors_are_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, metric: int, stream_mb: str):
    monkeypatch.setenv("EXPLORER_STREAM_MB", stream_mb)
    words = open_dataset(written(tmp_path, kind, metric=metric))
    assert (words.name, words.table.num_columns) == ("words", 0)
    np.testing.assert_array_equal(words.vectors, VECTORS)


@pytest.mark.parametrize("kind", ["IDMap,Flat", "IDMap2,Flat", "IDMap,HNSW8"])
def test_ids_are_a_column(tmp_path: Path, kind: str):
    words = open_dataset(written(tmp_path, kind, ids=IDS))
    np.testing.assert_array_equal(words.vectors, VECTORS)
    assert (words.table["id"].to_pylist(), words.roles["id"]) == (IDS.tolist(), "id")


def test_a_compressed_index_gives_vectors_nearly_back(tmp_path: Path):
    np.testing.assert_allclose(open_dataset(written(tmp_path, "SQ8")).vectors, VECTORS, atol=0.05)


def test_what_gives_no_vectors_back_is_told(tmp_path: Path):
    with pytest.raises(Unreadable, match="its inverted lists have numbers of their own"):
        open_dataset(written(tmp_path, "IVF1,Flat", ids=IDS))


def test_what_is_damaged_or_something_else_is_told(tmp_path: Path):
    path = written(tmp_path)
    whole = path.read_bytes()
    for n in (30, 400, len(whole) - 1):
        path.write_bytes(whole[:n])
        with pytest.raises(Unreadable, match=r"words\.faiss cannot be read: "):
            open_dataset(path)
    (tmp_path / "a.index").write_bytes(b"\x89PNG")
    with pytest.raises(Unreadable, match="it is not an index of FAISS but a PNG picture"):
        open_dataset(tmp_path / "a.index")


def test_an_empty_index_is_told(tmp_path: Path):
    faiss.write_index(faiss.IndexFlatL2(8), str(tmp_path / "none.index"))
    with pytest.raises(EmptyDataset):
        open_dataset(tmp_path / "none.index")
    narrow = faiss.IndexFlatL2(1)
    narrow.add(VECTORS[:, :1].copy())
    faiss.write_index(narrow, str(tmp_path / "narrow.index"))
    with pytest.raises(BadVectors, match="fewer than two numbers"):
        open_dataset(tmp_path / "narrow.index")


def test_limits_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EXPLORER_MAX_ROWS", "59")
    with pytest.raises(TooLarge):
        open_dataset(written(tmp_path))


def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = written(tmp_path)
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(ExtraMissing, match=r"Reading an index of FAISS needs .*\[faiss\]"):
        open_dataset(path)
