"""Folders that Chroma has written, and one that Qdrant's local mode has."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import chromadb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from chromadb.config import Settings
from chromadb.utils.embedding_functions import register_embedding_function
from qdrant_client import QdrantClient
from qdrant_client.models import Distance, PointStruct, VectorParams

from explorer.data import chroma_reader
from explorer.data.catalog import catalog
from explorer.data.dataset import open_dataset
from explorer.data.folders import state_of
from explorer.errors import EmptyDataset, ExtraMissing, TooLarge, UnknownTable, Unreadable

N = 60
VECTORS = np.random.default_rng(0).standard_normal((N, 8)).astype(np.float32)
IDS = [f"id-{i}" for i in range(N)]
TEXTS = [f"A text of several words, number {i}." for i in range(N)]


@contextmanager
def client(folder: Path) -> Iterator[Any]:
    with closing(chromadb.PersistentClient(str(folder), Settings(anonymized_telemetry=False))) as opened:
        yield opened


def written(folder: Path, *names: str) -> Path:
    with client(folder / "notes") as opened:
        for name in names or ("words",):
            made = opened.create_collection(name, embedding_function=None)
            metadatas = [{"n": i, "kind": "ab"[i % 2], "id": -i} for i in range(N)]
            made.add(ids=IDS, embeddings=VECTORS, documents=TEXTS, metadatas=metadatas)
    return folder / "notes"


def files(folder: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_the_only_collection_is_read_and_the_folder_stays_as_it_is(tmp_path: Path):
    path = written(tmp_path)
    before = files(path)
    words = open_dataset(path)
    assert files(path) == before
    assert (words.name, words.roles["document"], words.roles["kind"]) == ("notes", "label", "category")
    assert words.table.column_names == ["id", "document", "id (metadata)", "kind", "n"]
    assert words.table["id"].to_pylist() == IDS
    assert words.row(59) == {"id": "id-59", "document": TEXTS[59], "id (metadata)": -59, "kind": "b", "n": 59}
    np.testing.assert_array_equal(words.vectors, VECTORS)


def test_records_come_in_pages_in_a_process_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(chroma_reader, "_PAGE", 25)
    copy = shutil.copytree(written(tmp_path), tmp_path / "copy")
    reader = chroma_reader.ChromaReader(copy)
    assert reader.answer("collections", {}) == {"records": {"words": N}}
    assert reader.answer("width", {"name": "words"}) == {"width": 8}
    pages = [*reader.answer("records", {"name": "words", "n": N})]
    assert [len(page) for page in pages] == [25, 25, 10]
    found = pa.Table.from_batches(pages)
    np.testing.assert_array_equal(found["vector"].combine_chunks().flatten().to_numpy().reshape(N, 8), VECTORS)
    assert found["id"].to_pylist() == IDS


def test_records_may_lack_what_others_have(tmp_path: Path):
    with client(tmp_path / "notes") as opened:
        made = opened.create_collection("words", embedding_function=None)
        made.add(ids=IDS, embeddings=VECTORS)
        made.add(ids=["one", "two"], embeddings=VECTORS[:2], documents=["text", "more"], metadatas=[{"k": 1}, {"k": "x"}])
        made.delete(ids=IDS[:1])
    words = open_dataset(tmp_path / "notes")
    np.testing.assert_array_equal(words.vectors, np.concatenate([VECTORS[1:], VECTORS[:2]]))
    assert words.table["k"].to_pylist() == [*[None] * 59, "1", "x"]
    assert words.table["document"].to_pylist() == [*[None] * 59, "text", "more"]


def test_of_several_collections_one_is_named(tmp_path: Path):
    path = written(tmp_path, "words", "others")
    with pytest.raises(UnknownTable, match=r"notes holds the tables others, words\. Name one of them: table="):
        open_dataset(path)
    assert open_dataset(path, table="others").name == "others"
    with pytest.raises(UnknownTable, match=r"no table word\. Did you mean words"):
        open_dataset(path, table="word")
    with client(path) as opened:
        opened.delete_collection("others")
        opened.create_collection("empty")
    assert open_dataset(path).name == "words"
    with pytest.raises(EmptyDataset):
        open_dataset(path, table="empty")


def test_a_folder_without_a_collection_is_told(tmp_path: Path):
    with client(tmp_path / "none"):
        pass
    with pytest.raises(UnknownTable, match="holds no table"):
        open_dataset(tmp_path / "none")


def test_a_model_that_a_collection_names_is_not_made(tmp_path: Path):
    @register_embedding_function
    class Model(chromadb.EmbeddingFunction):
        made = 0

        def __init__(self) -> None:
            Model.made += 1

        def __call__(self, input: list[str]) -> list[np.ndarray]:
            return [VECTORS[0] for _ in input]

        @staticmethod
        def name() -> str:
            return "test-model"

        @staticmethod
        def build_from_config(config: dict[str, Any]) -> Model:
            return Model()

        def get_config(self) -> dict[str, Any]:
            return {}

    with client(tmp_path / "notes") as opened:
        opened.create_collection("words", embedding_function=Model()).add(ids=IDS, documents=TEXTS)
    before = Model.made
    assert open_dataset(tmp_path / "notes").n_rows == N
    assert Model.made == before


def test_what_changes_is_seen_and_the_catalog_lists_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = written(tmp_path)
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    assert "notes" in catalog().names
    assert not any("chroma" in name for name in catalog().names)
    before = state_of(path)
    with client(path) as opened:
        opened.get_collection("words", embedding_function=None).add(ids=["new"], embeddings=VECTORS[:1])
    assert state_of(path) != before
    assert open_dataset(path).n_rows == N + 1


def test_what_is_damaged_or_leads_elsewhere_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = written(tmp_path)
    whole = (path / "chroma.sqlite3").read_bytes()
    for data in (b"", b"x" * 5_000, whole[: len(whole) // 2]):
        (path / "chroma.sqlite3").write_bytes(data)
        with pytest.raises((Unreadable, UnknownTable)):
            open_dataset(path)
    (path / "chroma.sqlite3").rename(tmp_path / "elsewhere")
    (path / "chroma.sqlite3").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unreadable, match=r"chroma\.sqlite3 in it is a link"):
        open_dataset(path)


def test_where_there_is_no_room_for_a_copy_that_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = written(tmp_path)
    with (path / "chroma.sqlite3").open("r+b") as stream:
        stream.truncate(shutil.disk_usage(tmp_path).total * 2)
    with pytest.raises(Unreadable, match=r"it is read from a copy, which needs .* and .* are free"):
        open_dataset(path)


def test_limits_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EXPLORER_MAX_ROWS", "59")
    with pytest.raises(TooLarge):
        open_dataset(written(tmp_path))


def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = written(tmp_path)
    monkeypatch.setitem(sys.modules, "chromadb", None)
    with pytest.raises(ExtraMissing, match=r"Reading Chroma needs .*\[chroma\]"):
        open_dataset(path)


def test_what_qdrant_has_pickled_is_refused_and_what_is_said_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "qdrant"
    with closing(QdrantClient(path=str(path))) as opened:
        opened.create_collection("words", vectors_config=VectorParams(size=8, distance=Distance.EUCLID))
        opened.upsert("words", [PointStruct(id=i, vector=VECTORS[i].tolist(), payload={"n": i}) for i in range(N)])
    with closing(sqlite3.connect(path / "collection" / "words" / "storage.sqlite")) as stored:
        assert stored.execute("SELECT point FROM points").fetchone()[0].startswith(b"\x80")  # a pickle
    for folder in (path, path / "collection" / "words"):
        with pytest.raises(Unreadable, match="Qdrant's local mode, which keeps each point as a Python pickle") as told:
            open_dataset(folder)
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    assert [name for name in catalog().names if "qdrant" in name or "storage" in name] == ["qdrant"]

    monkeypatch.chdir(tmp_path)
    snippet = str(told.value).partition("where you trust it: ")[2].replace("NAME", "words")
    with closing(QdrantClient(path=str(path))) as opened:
        exec(snippet, {"client": opened, "pandas": pd})
    np.testing.assert_allclose(open_dataset(tmp_path / "points.parquet").vectors, VECTORS, rtol=1e-6)
