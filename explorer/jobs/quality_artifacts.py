"""How the quality of a layout is kept in the store and found again: by what the layout is, wherever it came from."""

from __future__ import annotations

from dataclasses import asdict
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from explorer.compute.agreement import Agreement
from explorer.compute.preservation import Preservation
from explorer.compute.quality import Quality

if TYPE_CHECKING:
    from explorer.jobs.store import Artifact, Store

__all__ = ["COORDINATES", "QUALITY", "content_of", "keep_coordinates", "keep_quality", "kept_coordinates", "quality_key", "to_quality"]

COORDINATES: Final = "coordinates"
QUALITY: Final = "quality"
_COORDINATES_VERSION: Final = 1
_QUALITY_VERSION: Final = 1  # raise it when quality() gives another result for the same layout
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
