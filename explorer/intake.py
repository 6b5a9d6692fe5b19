"""What one visitor may open by name, and the files that they upload: kept for whoever has logged in, else read and forgotten."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from explorer import settings
from explorer.data.access import access
from explorer.data.catalog import Catalog, catalog
from explorer.data.comparison import with_other
from explorer.data.uploads import Uploads, open_file, passing
from explorer.errors import ReadOnly, UnknownDataset, Unreadable, UploadTooLarge
from explorer.records import audit
from explorer.records.recent import note_opened
from explorer.shelf import open_shared

if TYPE_CHECKING:
    from explorer.data.catalog import Entry
    from explorer.data.dataset import Dataset
    from explorer.records.visitor import Visitor

__all__ = ["Intake"]


class Intake:
    """Opens for one visitor; safe to use from several threads.

    Parameters
    ----------
    visitor : Visitor
        Who it is.
    """

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self._uploads = None if visitor.login is None else Uploads(visitor.login)

    @property
    def keeps(self) -> bool:
        """Whether what is uploaded is kept: somebody has logged in."""
        return self._uploads is not None

    def catalog(self) -> Catalog:
        """List what the visitor may open by name, their own uploads among it; takes milliseconds."""
        known = catalog().seen_by(self._visitor.login, access())
        return known if self._uploads is None else known.with_uploads(self._uploads.listed())

    def compared(self, dataset: Dataset, name: str) -> Dataset:
        """Return a dataset that knows the vectors of one of the catalog as other vectors of its rows.

        Raises
        ------
        UnknownDataset
            If the visitor may open none of this name.
        NotTheSameRows, VectorsNeeded, DataError
            If it cannot be compared, or opened.
        """
        known = self.catalog()
        entry = known.find(name)
        if entry is None:
            raise UnknownDataset(name, known.names)
        alone = replace(dataset, other=None, compared=None)
        return with_other(alone, alone, open_shared(entry))

    def note_opened(self, entry: Entry, known: Catalog) -> None:
        """Note that a dataset of the catalog was opened, unless the visitor has uploaded it; see :mod:`explorer.records.recent`."""
        if entry.name not in {upload.name for upload in known.uploads}:
            note_opened(entry.name)

    def open_upload(self, name: str, data: bytes, vectors: str | None) -> Dataset:
        """Open a file that a browser has sent; where somebody has logged in, it is among their uploads from now on.

        Raises
        ------
        ReadOnly
            If this server takes none.
        DataError
            If it is too large, cannot be kept, or cannot be explored; then it is not kept.
        """
        _check(name, data)
        opened = self._pass(name, data, vectors) if self._uploads is None else self._keep(self._uploads, name, data, vectors)
        audit.record("upload", dataset=name, rows=opened.n_rows, who=self._visitor, bytes=len(data))
        return opened

    def read_upload(self, name: str, data: bytes) -> Dataset:
        """Read a file that a browser has sent, and keep nothing of it, whoever has logged in; raises what :meth:`open_upload` raises."""
        _check(name, data)
        opened = self._pass(name, data, None)
        audit.record("upload", dataset=name, rows=opened.n_rows, who=self._visitor, bytes=len(data))
        return opened

    def read_image(self, name: str, data: bytes) -> bytes:
        """Take an image that a browser has sent, and keep nothing of it; raises what :meth:`open_upload` raises."""
        _check(name, data)
        audit.record("upload", dataset=name, rows=1, who=self._visitor, bytes=len(data))
        return data

    def remove_upload(self, name: str) -> None:
        """Delete one of the visitor's uploads, by its name in the catalog; nothing happens where it is none of them.

        Raises
        ------
        Unwritable
            If it cannot be deleted.
        """
        removed = None if self._uploads is None else self._uploads.remove(name)
        if removed is not None:
            audit.record("delete", dataset=removed.title, who=self._visitor)

    def _pass(self, name: str, data: bytes, vectors: str | None) -> Dataset:
        with passing(name, data) as path:
            return open_file(path, name, vectors)  # all of it is in memory, or its vectors in the store, then

    def _keep(self, uploads: Uploads, name: str, data: bytes, vectors: str | None) -> Dataset:
        kept = uploads.keep(name, data, vectors)
        try:
            entry = self.catalog().find(kept.name)
            if entry is None:  # somebody has deleted it already
                raise UnknownDataset(name, self.catalog().names)
            return open_shared(entry)
        except BaseException:
            uploads.remove(kept.id)  # what cannot be opened would only take room
            raise


def _check(name: str, data: bytes) -> None:
    limit = settings.upload_limit_mb() * 1_000_000
    if settings.read_only():
        raise ReadOnly(name)
    if not data:
        raise Unreadable("The uploaded file", "it is empty.")
    if len(data) > limit:  # a browser with our page would not have sent it
        raise UploadTooLarge(name, len(data), limit)
