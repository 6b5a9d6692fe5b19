"""An artifact on its way between the stores of two machines of a Dask cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.store.store import Artifact, Store

__all__ = ["Parcel"]


@dataclass(frozen=True, eq=False)
class Parcel:
    """An artifact with its arrays, in the form in which Dask sends it: arrays travel as they are, without being copied.

    Parameters
    ----------
    kind, key : str
        Of the artifact.
    arrays : mapping of ndarray
        By name.
    meta : mapping
        What is known about it.
    """

    kind: str
    key: str
    arrays: Mapping[str, NDArray[Any]]
    meta: Mapping[str, Any]

    def __sizeof__(self) -> int:
        """Say how many bytes travel, by which Dask decides what to compute where."""
        return object.__sizeof__(self) + sum(array.nbytes for array in self.arrays.values())

    @classmethod
    def of(cls, artifact: Artifact) -> Parcel:
        """Pack an artifact."""
        return cls(artifact.kind, artifact.key, dict(artifact.arrays), dict(artifact.meta))

    def unpack(self, store: Store) -> None:
        """Put it into a store, unless it is there.

        Raises
        ------
        StoreUnwritable
        """
        if store.get(self.kind, self.key) is None:
            store.put(self.kind, self.key, self.arrays, self.meta)
