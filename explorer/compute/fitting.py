"""What would fit into so much memory where a computation does not: a smaller parameter, another method, fewer rows; computes none."""

from __future__ import annotations

from collections.abc import Callable
from math import floor, log10

from explorer.compute.forecast import forecast_graph, forecast_within
from explorer.compute.projection import PLANE, GraphRequest, Projection
from explorer.compute.projections import PCA

__all__ = ["graph_fits", "layout_fits"]

_SIZES = {"umap": "n_neighbors", "tsne": "perplexity"}  # the parameter that decides how many edges there are


def layout_fits(
    n: int, d: int, chosen: Projection, memory: int, *, needs_graph: Callable[[GraphRequest], bool], left_out: bool = False
) -> list[str]:
    """List what each alone would make a layout fit, what changes least first.

    Parameters
    ----------
    n, d : int
        Rows that are drawn, and dimensions.
    chosen : Projection
        What does not fit; not changed.
    memory : int
        Bytes that there are.
    needs_graph : callable
        Whether a neighbor graph has to be computed.
    left_out : bool
        Whether there are rows that are not drawn.
    """

    def fits(changed: Projection, rows: int = n) -> bool:
        request = changed.graph_request(rows)
        with_graph = request is not None and (rows < n or needs_graph(request))  # other rows are other data: nothing is stored of them
        return forecast_within(memory, rows, d, changed, with_graph=with_graph, left_out=left_out).memory <= memory

    found = []
    name = _SIZES.get(chosen.method)
    if name is not None:
        least, now = chosen.param[name].bounds[0], getattr(chosen, name)
        most = _most(lambda value: fits(_with(chosen, name, value)), int(least), int(now))
        if most is not None and most < now:
            found.append(f"{name}={most}")
    if chosen.dimensions > PLANE and fits(_with(chosen, "n_components", PLANE)):
        found.append(f"n_components={PLANE}")
    if chosen.method != PCA.method and fits(PCA()):
        found.append(PCA.title)
    return found + _rows(lambda rows: fits(chosen, rows), n)


def graph_fits(n: int, d: int, k: int, memory: int) -> list[str]:
    """List what each alone would make a neighbor graph fit; see :func:`layout_fits`."""
    most = _most(lambda fewer: forecast_graph(n, d, fewer).memory <= memory, 1, k)
    fewer = [] if most is None or most >= k else [f"k={most}"]
    return fewer + _rows(lambda rows: forecast_graph(rows, d, k).memory <= memory, n)


def _with(chosen: Projection, name: str, value: float) -> Projection:
    return type(chosen)(**{**chosen.settings(), name: value})


def _rows(fits: Callable[[int], bool], n: int) -> list[str]:
    """Say how many rows would fit, in two digits rounded down."""
    most = _most(fits, 2, n)
    if most is None or most >= n:
        return []
    digit = 10 ** max(0, floor(log10(most)) - 1)
    return [f"at most {most // digit * digit:,} rows"]


def _most(fits: Callable[[int], bool], low: int, high: int) -> int | None:
    """Find the largest number from low to high that fits, where all below one that fits do; None where none does."""
    if low > high or not fits(low):
        return None
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low
