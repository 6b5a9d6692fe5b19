"""The nodes of a LlamaIndex vector index as a dataset: their vectors, texts and metadata; from its folder, or from the index itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from explorer.data.columns import Contents, TableColumns
from explorer.data.key_columns import with_keys
from explorer.data.sources import Wishes, open_contents
from explorer.encoders.encoder import Encoded, encoder_for
from explorer.errors import BadParameter, EncodingFailed, ExplorerError, ExtraMissing, NoVectors, UnknownChoice, UnknownSource, Unreadable

if TYPE_CHECKING:
    from llama_index.core import StorageContext

    from explorer.data.dataset import Dataset
    from explorer.encoders.encoder import Encoder

__all__ = ["NODE", "IndexEncoder", "Mode", "Retrievers", "from_llama_index", "read_llama_index", "retriever_for"]

Mode = Literal["default", "mmr"]

NODE = "node"
"""The column of a node's id."""

_TEXT = "text"
_DOCUMENT = "document"
_WHAT = "give a VectorStoreIndex, or the folder that its storage_context.persist() has written."


def read_llama_index(folder: Path, source: str) -> Contents:
    """Read the folder of an index.

    Raises
    ------
    ExtraMissing
        If LlamaIndex is not installed.
    Unreadable
        If it is damaged, or of a version that the installed one does not read.
    NoVectors
        If its vectors are elsewhere.
    """
    with _reading(source):
        from llama_index.core import StorageContext

        return _contents(StorageContext.from_defaults(persist_dir=str(folder)), source, folder.name)


def from_llama_index(index: object, **options: Any) -> Dataset:
    """Open the nodes of a LlamaIndex vector index.

    Parameters
    ----------
    index : VectorStoreIndex, str or PathLike
        An index with the simple vector store, or the folder that ``index.storage_context.persist()`` has written.
    **options
        ``encoder``: of a folder, what made its vectors; an index has its own embedding model. And ``label``, ``color``, ``name``, as
        :func:`explorer.open_dataset` has them.

    Returns
    -------
    Dataset
        A row for each node, in the order of the document store: its text, its id (``node``), the document it is from, and a column
        for each key of its metadata.

    Raises
    ------
    ExtraMissing, Unreadable, NoVectors
        If LlamaIndex is not installed, the folder cannot be read, or the vectors are in a store of another kind.
    UnknownSource
        If it is neither an index nor a path.
    """
    encoder = options.pop("encoder", None)
    if isinstance(index, str | os.PathLike):
        path = os.fspath(index)
        contents = read_llama_index(Path(path).expanduser(), path)
        retrievers = None if encoder is None else Retrievers(partial(_index_in, path, encoder))
    elif hasattr(index, "storage_context"):
        contents = _contents(index.storage_context, f"The {type(index).__name__}", type(index).__name__)
        encoder = encoder or IndexEncoder(index)
        retrievers = Retrievers(lambda: index)
    else:
        raise UnknownSource(type(index).__name__, _WHAT)
    dataset = open_contents(contents, Wishes(**{"text": _TEXT, **options}))
    return dataset if encoder is None else replace(dataset, encoder=encoder_for(encoder), retrievers=retrievers)


def retriever_for(
    folder: str | os.PathLike[str], encoder: str | Encoder, *, top_k: int = 2, mode: Mode = "default", mmr_threshold: float = 0.5
) -> Any:
    """Make a LlamaIndex retriever of an index that was written to a folder.

    Parameters
    ----------
    folder : str or PathLike
        What ``index.storage_context.persist()`` has written.
    encoder : str or Encoder
        What made its vectors; see :func:`explorer.encoder_for`.
    top_k : int
        How many nodes it gives for a query.
    mode : {"default", "mmr"}
        The nearest nodes, or such that are unlike each other as well (maximal marginal relevance, Carbonell and Goldstein 1998).
    mmr_threshold : float
        Of ``mmr``, from 0 to 1: 1 looks at the query alone, 0 at how unlike nodes are.

    Returns
    -------
    llama_index.core.retrievers.VectorIndexRetriever

    Raises
    ------
    ExtraMissing, Unreadable
        If LlamaIndex is not installed, or the folder cannot be read.
    BadParameter, UnknownChoice
        If a setting is not allowed.
    """
    return Retrievers(partial(_index_in, folder, encoder))(top_k=top_k, mode=mode, mmr_threshold=mmr_threshold)


class Retrievers:
    """Makes retrievers of one index with different settings; may be called from several threads.

    Parameters
    ----------
    index : callable
        Gives the index; called once, when the first one is made.
    """

    def __init__(self, index: Callable[[], Any]) -> None:
        self._load = index
        self._index: Any = None
        self._lock = Lock()

    def __call__(self, *, top_k: int, mode: Mode = "default", mmr_threshold: float = 0.5) -> Any:
        """Make a retriever; see :func:`retriever_for`."""
        if top_k < 1:
            raise BadParameter("top_k", top_k, "give 1 or more.")
        if mode not in get_args(Mode):
            raise UnknownChoice("mode", mode, get_args(Mode))
        if not 0 <= mmr_threshold <= 1:
            raise BadParameter("mmr_threshold", mmr_threshold, "give a number from 0 to 1.")
        with self._lock:
            self._index = self._index or self._load()
        further = {"vector_store_kwargs": {"mmr_threshold": mmr_threshold}} if mode == "mmr" else {}
        return self._index.as_retriever(similarity_top_k=top_k, vector_store_query_mode=mode, **further)


def _index_in(folder: str | os.PathLike[str], encoder: str | Encoder) -> Any:
    """Load the index of a folder, with an encoder as its embedding model."""
    source = os.fspath(folder)
    with _reading(source):
        from llama_index.core import StorageContext, load_index_from_storage
        from llama_index.core.embeddings import BaseEmbedding

        made = encoder_for(encoder)

        class Encoding(BaseEmbedding):  # type: ignore[misc, unused-ignore]  # a class of the library that only it can name
            def _get_text_embedding(self, text: str) -> list[float]:
                return [float(number) for number in made.encode([text]).vectors[0]]

            def _get_query_embedding(self, query: str) -> list[float]:
                return self._get_text_embedding(query)

            async def _aget_query_embedding(self, query: str) -> list[float]:
                return self._get_text_embedding(query)

        storage = StorageContext.from_defaults(persist_dir=str(Path(source).expanduser()))
        return load_index_from_storage(storage, embed_model=Encoding())


class IndexEncoder:
    """The embedding model of an index, for what somebody looks for; see :class:`explorer.encoders.encoder.Encoder`.

    Parameters
    ----------
    index : VectorStoreIndex
    """

    key, long_texts, batch, at_once = None, "cut", 100, 1  # nobody knows whether two models of one name are the same

    def __init__(self, index: Any) -> None:
        self._model = index._embed_model
        self.title = str(getattr(self._model, "model_name", "") or type(self._model).__name__)

    def cost(self, texts: Sequence[str]) -> str:
        """Not known."""
        return ""

    def prepare(self) -> None:
        """Nothing: the index has its model."""

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Make a vector of each text, as of a query."""
        try:
            return Encoded(np.array([self._model.get_query_embedding(text) for text in texts], np.float32))
        except Exception as error:
            raise EncodingFailed(self.title, f"{type(error).__name__}: {error}") from error


@contextmanager
def _reading(source: str) -> Iterator[None]:
    """Turn whatever LlamaIndex makes of a folder that it does not understand into a sentence."""
    try:
        yield
    except ExplorerError:
        raise
    except ImportError:
        raise ExtraMissing("Reading an index of LlamaIndex", "llamaindex") from None
    except Exception as error:
        reason = f"the installed LlamaIndex does not read it ({type(error).__name__}: {str(error)[:200]}). Was another version used?"
        raise Unreadable(source, reason) from error


def _contents(storage: StorageContext, source: str, title: str) -> Contents:
    found: Mapping[str, Sequence[float]] = {}
    for store in storage.vector_stores.values():
        data = getattr(store, "data", None)
        found = max(found, getattr(data, "embedding_dict", {}), key=len)
    nodes = [node for name, node in storage.docstore.docs.items() if name in found]
    if not nodes:
        raise NoVectors(source, [type(store).__name__ for store in storage.vector_stores.values()])
    lengths = [len(found[node.node_id]) for node in nodes]
    odd = next((at for at, length in enumerate(lengths) if length != lengths[0]), None)
    if odd is not None:
        raise Unreadable(source, f"the vector of node {nodes[odd].node_id} has {lengths[odd]} numbers, that of the first has {lengths[0]}.")
    columns: dict[str, list[Any]] = {
        _TEXT: [getattr(node, "text", "") or "" for node in nodes],
        NODE: [node.node_id for node in nodes],
        _DOCUMENT: [node.ref_doc_id for node in nodes],
    }
    if all(document is None for document in columns[_DOCUMENT]):
        del columns[_DOCUMENT]
    table = with_keys(columns, [node.metadata for node in nodes])
    vectors = np.array([found[node.node_id] for node in nodes], np.float32)
    return Contents(source, title, TableColumns(table), vectors=vectors, vectors_name="its vectors")
