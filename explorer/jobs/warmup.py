"""What the compute process does while it has nothing to do: load and compile what a first projection or neighbor graph would wait for.

Compiling takes a minute of a core, once a store. It is done by a process of its own, ``python -m explorer.jobs.warmup``, which gets only
the time that nobody else wants; the compute process then loads what was compiled within seconds.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial

import numpy as np

from explorer.compute.cell_search import search_cells
from explorer.compute.descent import descend
from explorer.compute.exact_search import Points
from explorer.compute.neighbors import neighbor_graph
from explorer.compute.placement import place
from explorer.compute.progress import ShouldStop, ignore, never
from explorer.compute.projection import Layout
from explorer.compute.projections import projection
from explorer.compute.quality import quality

__all__ = ["main", "warm_up_steps"]

_ROWS = 400


def warm_up_steps() -> list[Callable[[ShouldStop], object]]:
    """Return small pieces of work, most useful first; each is what the first job of its kind would have to do anyway."""
    vectors = np.random.default_rng(0).normal(size=(_ROWS, 16)).astype(np.float32)

    def project(should_stop: ShouldStop, method: str, **settings: object) -> object:
        chosen = projection(method, **settings)
        request = chosen.graph_request(_ROWS)
        graph = None if request is None else neighbor_graph(vectors, **request)
        return chosen.fit(vectors, graph, should_stop=should_stop)

    return [
        partial(project, method="umap", n_epochs=20),
        partial(project, method="tsne", n_iter=0),
        lambda should_stop: quality(vectors, neighbor_graph(vectors), vectors[:, :2], anchors=10, should_stop=should_stop),
        lambda should_stop: search_cells(
            Points.of(vectors, "cosine"), np.arange(_ROWS), 30, 0, stage="", report=ignore, should_stop=should_stop
        ),
        lambda should_stop: place(vectors, Layout(vectors[:, :2], "tsne", {}), vectors[:1], should_stop=should_stop),
        lambda should_stop: descend(vectors, 30, 0, stage="", report=ignore, should_stop=should_stop),
    ]


def main() -> None:
    """Fill numba's cache with the least claim on the machine, and end; ends early with its parent."""
    from explorer.lifetime import leave_with_parent

    leave_with_parent()
    if sys.platform == "linux":
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    elif hasattr(os, "nice"):
        os.nice(19)
    for step in warm_up_steps():
        step(never)


if __name__ == "__main__":
    main()
