"""Texts of a source, and the vectors that an encoder makes of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from explorer import settings
from explorer.data.dataset import Dataset, open_dataset
from explorer.data.vectors import is_text
from explorer.encoders.encoder import encoder_for
from explorer.encoders.encoding import encode_texts, n_long
from explorer.errors import BadParameter, UnknownColumn

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import ArrayLike

    from explorer.encoders.encoder import Encoder

__all__ = ["Report", "TextSource", "encoded", "text_columns", "with_encoder"]

Report = Callable[[str, float], object]

_SAMPLED = 500  # rows by which it is found which column has the longest texts


class TextSource:
    """A source with the texts of one of its columns, read once.

    Parameters
    ----------
    source : object
        Whatever :func:`explorer.open_dataset` opens.
    column : str
        The column of texts.
    table : str, optional
        The table, in a database.

    Attributes
    ----------
    source : object
        To be opened with the vectors of these texts.
    texts : list of str or None
        One for each row.
    name : str or None
        The title where the source, as it is opened, does not know it.

    Raises
    ------
    DataError
        If the source cannot be read, has no such column, or no text in it.
    """

    def __init__(self, source: object, column: str, *, table: str | None = None) -> None:
        import pyarrow as pa

        from explorer.data.columns import Asked
        from explorer.data.files import read_file
        from explorer.data.frames import read_object
        from explorer.data.sources import from_catalog

        path = os.fspath(source) if isinstance(source, os.PathLike) else source
        named = from_catalog(path) if isinstance(path, str) else path
        self.name: str | None = None
        self.source: object = source
        self._table = table
        if isinstance(named, Dataset):  # its vectors are chosen already: what is beside them is opened anew
            self.source, self.name = named.table, named.name
            columns, title = read_object(named.table).columns, named.name
        else:
            contents = read_file(path, Asked(table=table)) if isinstance(path, str) else read_object(source)
            columns, title = contents.columns, contents.source
        if column not in columns.schema.names:
            raise UnknownColumn(title, column, columns.schema.names)
        found = columns.read([column]).column(0)
        if pa.types.is_dictionary(found.type):
            found = found.cast(found.type.value_type)
        if not is_text(found.type):
            raise BadParameter("text", column, "name a column that holds text.")
        self.texts: list[str | None] = found.to_pylist()

    def opened(self, encoder: Encoder, *, report: Report = lambda _stage, _fraction: None, **wishes: Any) -> Dataset:
        """Encode the texts and open the source with their vectors; ``wishes`` are those of :func:`explorer.open_dataset`."""
        store = settings.store_folder()
        vectors = encode_texts(self.texts, encoder, store=store, report=report)
        opened = open_dataset(self.source, vectors=vectors, table=self._table, **{**wishes, "name": wishes.get("name") or self.name})
        return replace(opened, encoder=encoder, notes=(*opened.notes, *_long(n_long(self.texts, encoder, store=store), encoder)))


def _long(n: int, encoder: Encoder) -> list[str]:
    made = "their ends are left out" if encoder.long_texts == "cut" else "their vectors are the means of those of their parts"
    return [f"{n:,} different texts are longer than {encoder.title} takes: {made}."] if n else []


def text_columns(table: pa.Table) -> list[str]:
    """List the columns of text, the one with the longest texts first, by its first 500 rows."""

    def length(name: str) -> float:
        texts = [text for text in table.column(name).slice(0, _SAMPLED).to_pylist() if text]
        return -sum(map(len, texts)) / max(1, len(texts))

    return sorted((name for name in table.column_names if is_text(table.schema.field(name).type)), key=length)


def encoded(
    source: object, text: str, encoder: str | Callable[[list[str]], ArrayLike] | Encoder, *, table: str | None = None, **wishes: Any
) -> Dataset:
    """Open a source with vectors of its texts; see :func:`explorer.open_dataset`."""
    return TextSource(source, text, table=table).opened(encoder_for(encoder), text=text, **wishes)


def with_encoder(dataset: Dataset, encoder: str | Callable[[list[str]], ArrayLike] | Encoder) -> Dataset:
    """Say what made the vectors of a dataset.

    Raises
    ------
    BadParameter
        If it has none.
    """
    if dataset.vectors is None:
        raise BadParameter("encoder", encoder, f"{dataset.name} has no vectors: name the column whose texts it is to encode.")
    return replace(dataset, encoder=encoder_for(encoder))
