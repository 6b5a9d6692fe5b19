"""Reads a copy of a folder of Chroma by its own library, in a process of its own: see ``reader_worker``.

Nothing that is named in the folder is run or fetched, such as the model that has made its vectors.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import chromadb
import numpy as np
import pyarrow as pa
from chromadb.config import Settings

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

    from explorer.data.reader_worker import Answer

__all__ = ["ChromaReader"]

_PAGE = 5_000
# Chroma has an older part in Python, which unpickles; this one never does.
_RUST = "chromadb.api.rust.RustBindingsAPI"
_KEYS = {"id": "ids", "document": "documents", "uri": "uris"}


class ChromaReader:
    """Its collections: ``collections`` says how many records each has, ``width`` of one how long its vectors are, ``records`` are all."""

    def __init__(self, folder: Path) -> None:
        options: dict[str, Any] = {"_env_file": None, "anonymized_telemetry": False, "chroma_api_impl": _RUST, "migrations": "apply"}
        self._client = chromadb.PersistentClient(str(folder), Settings(**options))

    def answer(self, what: str, how: dict[str, Any]) -> Answer:
        """Answer a question."""
        if what == "collections":
            found = (self._collection(each.name) for each in self._client.list_collections())
            return {"records": {each.name: each.count() for each in found}}
        collection = self._collection(how["name"])
        d = int(np.shape(_page(collection, 0, 1)["embeddings"])[1])
        return {"width": d} if what == "width" else _records(collection, how["n"], d)

    def _collection(self, name: str) -> Collection:
        return self._client.get_collection(name, embedding_function=None)


def _records(collection: Collection, n: int, d: int) -> pa.RecordBatchReader:
    texts = [pa.field(name, pa.large_string()) for name in (*_KEYS, "metadata")]
    schema = pa.schema([pa.field("vector", pa.list_(pa.float32(), d)), *texts])
    return pa.RecordBatchReader.from_batches(schema, _batches(collection, n, schema))


def _batches(collection: Collection, n: int, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    d = schema.field("vector").type.list_size
    for start in range(0, n, _PAGE):
        page = _page(collection, start, min(_PAGE, n - start))
        vectors = pa.FixedSizeListArray.from_arrays(np.asarray(page["embeddings"], np.float32).ravel(), d)
        metadata = [json.dumps(record or {}, sort_keys=True) for record in page["metadatas"]]  # its keys come in any order
        yield pa.record_batch([vectors, *(page[key] for key in _KEYS.values()), metadata], schema=schema)


def _page(collection: Collection, start: int, n: int) -> Mapping[str, Any]:
    return collection.get(limit=n, offset=start, include=["embeddings", "documents", "metadatas", "uris"])
