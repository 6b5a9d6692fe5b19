"""The quality of a layout: what it keeps of each row's neighborhood, how well it agrees as a whole, and what chance would give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from explorer.compute.agreement import ANCHORS, Agreement, agreement
from explorer.compute.direct_search import DIRECT
from explorer.compute.neighbors import NeighborGraph
from explorer.compute.preservation import Preservation, preservation
from explorer.compute.progress import Report, ShouldStop, ignore, never
from explorer.compute.sampled_agreement import SAMPLED_FROM, sampled_agreement

__all__ = ["AGREEMENT_K", "Quality", "quality"]

AGREEMENT_K: Final = 15  # neighbors that trustworthiness and continuity look at, where there are rows enough
STAGE: Final = "quality"


@dataclass(frozen=True, eq=False)
class Quality:
    """The quality of one layout.

    Attributes
    ----------
    preservation : Preservation
        Of every row.
    agreement, control : Agreement or None
        Of the whole, and of the same layout with its rows exchanged at random: what a figure is without any likeness. None where there are
        too few rows.
    """

    preservation: Preservation
    agreement: Agreement | None
    control: Agreement | None


def quality(
    vectors: NDArray[np.float32],
    graph: NeighborGraph,
    layout: NDArray[np.float32],
    *,
    anchors: int = ANCHORS,
    threads: int = 1,
    report: Report = ignore,
    should_stop: ShouldStop = never,
) -> Quality:
    """Measure how well a layout shows its rows.

    Parameters
    ----------
    vectors : ndarray of shape (n, d), float32
        Finite; no all-zero row where the graph's metric is cosine.
    graph : NeighborGraph
        Of the same rows; 30 neighbors or more, where there are so many rows.
    layout : ndarray of shape (n, c), float32
        Not finite where a row is left out.
    anchors : int
        Rows that are compared with all others, where there are fewer than 20,000; see :func:`explorer.compute.agreement.agreement`. From
        there on, 6,000 are compared with a sample: :func:`explorer.compute.sampled_agreement.sampled_agreement`.
    threads : int
        That look for neighbors in the layout.
    report, should_stop : callable, optional
        Told and asked as it proceeds.

    Returns
    -------
    Quality

    Raises
    ------
    BadParameter
        If they do not have the same number of rows.
    Stopped
        If ``should_stop()`` said so.
    """
    report(STAGE, 0.0)
    kept = preservation(graph.indices, layout, threads=threads, should_stop=should_stop)
    report(STAGE, 0.5)
    there = np.flatnonzero(np.isfinite(layout).all(axis=1))
    k = min(AGREEMENT_K, (len(there) - 1) // 2)
    if k < 1:
        return Quality(kept, None, None)
    whole = len(there) == len(layout)
    rows, places = (vectors, layout) if whole else (vectors[there], layout[there])
    shuffled = places[np.random.default_rng(0).permutation(len(places))]

    def told(stage: str, fraction: float) -> None:
        report(stage, 0.5 + 0.5 * fraction)

    layouts = [places, shuffled]
    if whole and len(rows) >= SAMPLED_FROM and anchors < len(rows) and graph.metric not in DIRECT:
        found, control = sampled_agreement(
            rows, graph.indices, layouts, k=k, metric=graph.metric, threads=threads, report=told, should_stop=should_stop
        )
    else:
        found, control = agreement(rows, layouts, k=k, metric=graph.metric, anchors=anchors, report=told, should_stop=should_stop)
    return Quality(kept, found, control)
