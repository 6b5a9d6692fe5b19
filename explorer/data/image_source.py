"""Images of a source, and the vectors that an encoder makes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer import settings
from explorer.data.dataset import Dataset, open_dataset
from explorer.data.encodable import read_column
from explorer.data.image_folders import PICTURES, is_image_folder
from explorer.data.images import pictures
from explorer.encoders.encoder import encoder_for
from explorer.encoders.encoding import encode_images

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from explorer.data.texts import Report
    from explorer.encoders.encoder import Encoder
    from explorer.encoders.image_bytes import Picture

__all__ = ["ImageSource", "encoded_images", "image_to_encode"]


class ImageSource:
    """A source with the images of one of its columns.

    Parameters
    ----------
    source : object
        Whatever :func:`explorer.open_dataset` opens.
    column : str
        The column of images; that of a folder of images stands for its files.
    table : str, optional
        The table, in a database.
    folder : Path, optional
        Where files that the column names are; of a file it is its own folder.

    Attributes
    ----------
    images : list of bytes, Path or None
        One for each row, see :func:`explorer.data.images.pictures`.

    Raises
    ------
    DataError
        If the source cannot be read, has no such column, or no images in it.
    """

    def __init__(self, source: object, column: str, *, table: str | None = None, folder: Path | None = None) -> None:
        found = read_column(source, column, table=table)
        self._source, self._name, self._table = found.source, found.name, table
        self.images: list[Picture | None] = list(found.files) or pictures(found.values, column, found.folder or folder)

    @property
    def n(self) -> int:
        """How many rows have an image."""
        return sum(image is not None for image in self.images)

    def encode(self, encoder: Encoder, *, report: Report = lambda _stage, _fraction: None) -> NDArray[np.float32]:
        """Make the vectors, or take them from the store."""
        return encode_images(self.images, encoder, store=settings.store_folder(), report=report)

    def opened(self, encoder: Encoder, *, report: Report = lambda _stage, _fraction: None, **wishes: Any) -> Dataset:
        """Encode the images and open the source with their vectors; ``wishes`` are those of :func:`explorer.open_dataset`."""
        vectors = self.encode(encoder, report=report)
        opened = open_dataset(self._source, vectors=vectors, table=self._table, **{**wishes, "name": wishes.get("name") or self._name})
        lost = self.n - int(np.count_nonzero(np.isfinite(vectors[:, 0])))
        said = ("1 image cannot be read.",) if lost == 1 else (f"{lost:,} images cannot be read.",) if lost else ()
        return replace(opened, encoder=encoder, notes=(*opened.notes, *said))


def image_to_encode(source: object, *, image: str | None, text: str | None, vectors: object) -> str | None:
    """Say which column of images an encoder is to encode: the one that is named, or that of a folder of images; None for another use."""
    if image is not None or text is not None or vectors is not None:
        return image
    return PICTURES if isinstance(source, str | Path) and is_image_folder(Path(source).expanduser()) else None


def encoded_images(
    source: object, image: str, encoder: str | Callable[[list[Any]], ArrayLike] | Encoder, *, table: str | None = None, **wishes: Any
) -> Dataset:
    """Open a source with vectors of its images; see :func:`explorer.open_dataset`."""
    return ImageSource(source, image, table=table, folder=Path.cwd()).opened(encoder_for(encoder), **wishes)
