"""How further runs of a layout, and what they say of its stability, are kept in the store and found again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from explorer.compute.stability import Stability

if TYPE_CHECKING:
    from explorer.store.store import Artifact, Store

__all__ = ["RERUN", "STABILITY", "keep_rerun", "keep_stability", "kept_rerun", "stability_key", "to_stability"]

STABILITY: Final = "stability"
RERUN: Final = "rerun"
_STABILITY_VERSION: Final = 1  # raise it when stability() gives another result for the same runs
_RERUN_VERSION: Final = 1  # raise it when the start of another run changes


def stability_key(store: Store, fingerprint: str, content: str, method: str, settings: Mapping[str, Any], version: int, runs: int) -> str:
    """Return where the stability of a layout is kept."""
    described = {"layout": content, "method": method, "settings": settings, "version": version, "runs": runs, "rerun": _RERUN_VERSION}
    return store.key(STABILITY, fingerprint, described, _STABILITY_VERSION)


def keep_stability(store: Store, fingerprint: str, key: str, found: Stability) -> Artifact:
    """Keep the stability of a layout; arrays count all rows.

    Raises
    ------
    StoreUnwritable
    """
    meta = {"fingerprint": fingerprint, "runs": found.runs, "typical": found.typical, "control": found.control}
    return store.put(STABILITY, key, {"wobble": found.wobble, "kept": found.kept}, meta)


def to_stability(artifact: Artifact) -> Stability:
    """Read a kept stability; its arrays are memory-mapped."""
    arrays, meta = artifact.arrays, artifact.meta
    return Stability(meta["runs"], arrays["wobble"], arrays["kept"], meta["typical"], meta["control"])


def keep_rerun(
    store: Store, fingerprint: str, method: str, settings: Mapping[str, Any], version: int, coordinates: NDArray[np.float32]
) -> None:
    """Keep where another run put the drawable rows, under its settings.

    Raises
    ------
    StoreUnwritable
    """
    key = _rerun_key(store, fingerprint, method, settings, version)
    store.put(RERUN, key, {"coordinates": coordinates}, {"fingerprint": fingerprint, "method": method})


def kept_rerun(store: Store, fingerprint: str, method: str, settings: Mapping[str, Any], version: int) -> NDArray[np.float32] | None:
    """Return where another run put the drawable rows; None where there is none yet."""
    kept = store.get(RERUN, _rerun_key(store, fingerprint, method, settings, version))
    return None if kept is None else kept.arrays["coordinates"]


def _rerun_key(store: Store, fingerprint: str, method: str, settings: Mapping[str, Any], version: int) -> str:
    return store.key(RERUN, fingerprint, {"method": method, "settings": settings, "version": version}, _RERUN_VERSION)
