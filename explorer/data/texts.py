"""Texts of a source, and the vectors that an encoder makes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from explorer import settings
from explorer.data.dataset import Dataset, open_dataset
from explorer.data.encodable import read_column
from explorer.data.vectors import is_text
from explorer.encoders.encoder import encoder_for
from explorer.encoders.encoding import encode_texts, n_long
from explorer.errors import BadParameter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from explorer.encoders.encoder import Encoder

__all__ = ["Report", "TextSource", "encoded", "with_encoder"]

Report = Callable[[str, float], object]


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

        found = read_column(source, column, table=table)
        self.source, self.name, self._table, values = found.source, found.name, table, found.values
        if pa.types.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        if not is_text(values.type):
            raise BadParameter("text", column, "name a column that holds text.")
        self.texts: list[str | None] = values.to_pylist()

    @property
    def n(self) -> int:
        """How many different texts there are."""
        return len({text for text in self.texts if text and text.strip()})

    def encode(self, encoder: Encoder, *, report: Report = lambda _stage, _fraction: None) -> NDArray[np.float32]:
        """Make the vectors, or take them from the store."""
        return encode_texts(self.texts, encoder, store=settings.store_folder(), report=report)

    def opened(self, encoder: Encoder, *, report: Report = lambda _stage, _fraction: None, **wishes: Any) -> Dataset:
        """Encode the texts and open the source with their vectors; ``wishes`` are those of :func:`explorer.open_dataset`."""
        store, vectors = settings.store_folder(), self.encode(encoder, report=report)
        opened = open_dataset(self.source, vectors=vectors, table=self._table, **{**wishes, "name": wishes.get("name") or self.name})
        return replace(opened, encoder=encoder, notes=(*opened.notes, *_long(n_long(self.texts, encoder, store=store), encoder)))


def _long(n: int, encoder: Encoder) -> list[str]:
    made = "their ends are left out" if encoder.long_texts == "cut" else "their vectors are the means of those of their parts"
    return [f"{n:,} different texts are longer than {encoder.title} takes: {made}."] if n else []


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
