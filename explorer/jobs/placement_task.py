"""New rows to place on layouts, as a task: how they come into the store, and what is found of them. Runs inside the compute process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.compute.placement import NEIGHBORS, Familiarity, Placed, familiarity, nearest, own_reach, place
from explorer.compute.progress import LayoutReport, ShouldStop
from explorer.compute.projection import Layout
from explorer.jobs.quality_artifacts import kept_coordinates
from explorer.jobs.task_steps import StoreTask, VectorsGone, kept_vectors, part

if TYPE_CHECKING:
    from explorer.store.store import Artifact, Store

__all__ = ["PLACEMENT", "Placement", "PlacementTask", "content_of_new", "keep_new", "to_placement"]

PLACEMENT: Final = "placement"
_NEW: Final = "new_rows"
_VERSION: Final = 1  # raise it when the same rows get other places


class Placement(NamedTuple):
    """What was found of new rows.

    Attributes
    ----------
    rows, distances : ndarray of shape (m, k), int32 and float32
        Their nearest rows, of all rows of the dataset, nearest first.
    familiarity : Familiarity
    placed : list of Placed
        One for each layout.
    """

    rows: NDArray[np.int32]
    distances: NDArray[np.float32]
    familiarity: Familiarity
    placed: list[Placed]


@dataclass(frozen=True)
class PlacementTask(StoreTask):
    """New rows to place.

    Parameters
    ----------
    fingerprint, dataset : str
        Of the dataset: its content hash and its name for people.
    n : int
        Its drawable rows.
    new : str
        What the new vectors are: see :func:`content_of_new`; they are in the store.
    metric : str
        One of :data:`explorer.compute.space.METRICS`.
    layouts : sequence of mapping
        Of each its ``content`` (it is in the store), ``method`` and ``params``.
    """

    kind: ClassVar[str] = PLACEMENT
    fingerprint: str
    dataset: str
    n: int
    new: str
    metric: str
    layouts: Sequence[Mapping[str, Any]]

    @property
    def sort(self) -> str:
        """What kind of thing it is, for people who may not know of what."""
        return "New rows"

    def describe(self) -> str:
        """Say it to people."""
        return f"New rows among {self.dataset}"

    def key(self, store: Store) -> str:
        """Return where the result is kept."""
        described = {"new": self.new, "metric": self.metric, "layouts": [dict(each) for each in self.layouts]}
        return store.key(PLACEMENT, self.fingerprint, described, _VERSION)

    def make(self, store: Store, report: LayoutReport, should_stop: ShouldStop) -> Artifact:
        """Find the nearest rows, then the places on one layout after the other."""
        vectors, drawable = kept_vectors(store, self.fingerprint)
        kept = store.get(_NEW, store.key(_NEW, self.new, {}))
        if kept is None:
            raise VectorsGone(self.new)
        new = kept.arrays["vectors"]
        rows, distances = nearest(vectors, new, k=NEIGHBORS, metric=self.metric, should_stop=should_stop)
        reach = own_reach(vectors, k=NEIGHBORS, metric=self.metric, should_stop=should_stop)
        known = familiarity(vectors, new, distances, reach, metric=self.metric)
        every = np.flatnonzero(drawable).astype(np.int32)
        arrays: dict[str, Any] = {"rows": every[rows], "distances": distances, "confidence": known.confidence}
        how = []
        for at, described in enumerate(self.layouts):
            coordinates = kept_coordinates(store, described["content"])
            if coordinates is None:
                raise VectorsGone(described["content"])
            layout = Layout(coordinates[drawable], described["method"], described["params"])
            told = part(report, at / len(self.layouts), (at + 1) / len(self.layouts))
            placed = place(vectors, layout, new, metric=self.metric, report=told, should_stop=should_stop)
            arrays |= {f"coordinates_{at}": placed.coordinates, f"kept_{at}": placed.kept}
            how.append(placed.how)
        return store.put(PLACEMENT, self.key(store), arrays, {"fingerprint": self.fingerprint, "how": how})


def content_of_new(new: NDArray[np.float32]) -> str:
    """Return a digest of new vectors (m, d)."""
    return blake2b(str(new.shape).encode() + np.ascontiguousarray(new).tobytes(), digest_size=16).hexdigest()


def keep_new(store: Store, new: NDArray[np.float32], content: str) -> None:
    """Keep new vectors for the compute process.

    Raises
    ------
    StoreUnwritable
    """
    key = store.key(_NEW, content, {})
    if store.get(_NEW, key) is None:
        store.put(_NEW, key, {"vectors": new}, {})


def to_placement(artifact: Artifact) -> Placement:
    """Read what was found."""
    arrays = artifact.arrays
    placed = [Placed(arrays[f"coordinates_{at}"], how, arrays[f"kept_{at}"]) for at, how in enumerate(artifact.meta["how"])]
    return Placement(arrays["rows"], arrays["distances"], Familiarity(arrays["confidence"]), placed)
