"""How what was measured of layouts and graphs is kept in the store and found again: layouts by what they are, wherever they came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from explorer.compute.agreement import Agreement
from explorer.compute.preservation import Preservation
from explorer.compute.quality import Quality

if TYPE_CHECKING:
    from explorer.store.store import Artifact, Store

__all__ = [
    "COORDINATES",
    "GRAPH_COLUMNS",
    "QUALITY",
    "content_of",
    "graph_columns_key",
    "keep_coordinates",
    "keep_graph_columns",
    "keep_quality",
    "kept_coordinates",
    "quality_key",
    "to_quality",
]

COORDINATES: Final = "coordinates"
QUALITY: Final = "quality"
GRAPH_COLUMNS: Final = "neighborhoods"
_COORDINATES_VERSION: Final = 1
_QUALITY_VERSION: Final = 2  # raise it when quality() gives another result for the same layout
_GRAPH_COLUMNS_VERSION: Final = 1  # the same of graph_columns()
_FIGURES: Final = ("trustworthiness", "continuity", "triplets", "correlation")


def content_of(coordinates: NDArray[np.float32]) -> str:
    """Say what a layout (n, d) is, as 32 hexadecimal digits: the same numbers, the same digits. 80 MB take a tenth of a second."""
    plain = np.ascontiguousarray(coordinates, np.float32)
    return blake2b(plain.data, digest_size=16, person=str(plain.shape).encode()[:16]).hexdigest()


def keep_coordinates(store: Store, coordinates: NDArray[np.float32], content: str) -> None:
    """Keep a layout for the compute process, unless it is there.

    Raises
    ------
    StoreUnwritable
    """
    key = store.key(COORDINATES, content, {}, _COORDINATES_VERSION)
    with store.lock(COORDINATES, key):
        if store.get(COORDINATES, key) is None:
            store.put(COORDINATES, key, {"coordinates": np.ascontiguousarray(coordinates, np.float32)}, {})


def kept_coordinates(store: Store, content: str) -> NDArray[np.float32] | None:
    """Return a layout that was kept; None where it is gone."""
    kept = store.get(COORDINATES, store.key(COORDINATES, content, {}, _COORDINATES_VERSION))
    return None if kept is None else kept.arrays["coordinates"]


def quality_key(store: Store, fingerprint: str, content: str, metric: str) -> str:
    """Return where the quality of a layout is kept, measured by the neighbors in a metric."""
    return store.key(QUALITY, fingerprint, {"layout": content, "metric": metric}, _QUALITY_VERSION)


def keep_quality(store: Store, fingerprint: str, content: str, metric: str, found: Quality) -> Artifact:
    """Keep the quality of a layout; arrays count all rows.

    Raises
    ------
    StoreUnwritable
    """
    kept = found.preservation
    arrays: dict[str, Any] = {f"kept_{k}": values for k, values in kept.kept.items()}
    arrays |= {"false": kept.false, "missing": kept.missing}
    meta: dict[str, Any] = {"fingerprint": fingerprint, "metric": metric, "kept": list(kept.kept)}
    for name, agreed in (("agreement", found.agreement), ("control", found.control)):
        if agreed is not None:
            meta[name] = {figure: value for figure, value in asdict(agreed).items() if figure in _FIGURES}
            arrays[f"{name}_distances"] = agreed.distances
    return store.put(QUALITY, quality_key(store, fingerprint, content, metric), arrays, meta)


def to_quality(artifact: Artifact) -> Quality:
    """Read a kept quality; its arrays are memory-mapped."""
    arrays, meta = artifact.arrays, artifact.meta
    kept = Preservation({k: arrays[f"kept_{k}"] for k in meta["kept"]}, arrays["false"], arrays["missing"])
    agreed = [Agreement(**meta[name], distances=arrays[f"{name}_distances"]) if name in meta else None for name in ("agreement", "control")]
    return Quality(kept, *agreed)


def graph_columns_key(store: Store, fingerprint: str, metric: str) -> str:
    """Return where what the neighbor graph in a metric says of each row is kept."""
    return store.key(GRAPH_COLUMNS, fingerprint, {"metric": metric}, _GRAPH_COLUMNS_VERSION)


def keep_graph_columns(store: Store, fingerprint: str, metric: str, columns: Mapping[str, NDArray[np.float32]]) -> Artifact:
    """Keep what a neighbor graph says of each row, by name; arrays count all rows.

    Raises
    ------
    StoreUnwritable
    """
    meta = {"fingerprint": fingerprint, "metric": metric}
    return store.put(GRAPH_COLUMNS, graph_columns_key(store, fingerprint, metric), dict(columns), meta)
