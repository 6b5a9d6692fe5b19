"""What a computation of a dataset will take on this machine, and the refusal of one that does not fit; computes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from explorer.compute.fitting import graph_fits, layout_fits
from explorer.compute.forecast import Forecast, forecast_clusters, forecast_graph, forecast_within
from explorer.compute.projection import GraphRequest, Projection
from explorer.errors import NotEnoughMemory, VectorsNeeded
from explorer.jobs.memory import room
from explorer.jobs.pace import machine_pace, paces

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset
    from explorer.jobs.graph_task import GraphTask
    from explorer.store.store import Store

__all__ = ["Missing", "foresee_graph", "foresee_layout", "needs_landmarks", "refuse_clusters", "refuse_graph", "refuse_layout"]

Missing = Callable[[GraphRequest], bool]
"""Whether a neighbor graph of the dataset has to be computed; reads the store."""


def foresee_layout(store: Store, dataset: Dataset, projection: Projection, missing: Missing) -> Forecast:
    """Say what a layout that is not there will take.

    Raises
    ------
    ParameterError, VectorsNeeded
        Where it would be refused.
    StoreUnwritable
        If how fast this machine is cannot be kept.
    """
    what = f"{projection.title} of {dataset.name}"
    if dataset.vectors is None:
        raise VectorsNeeded(what, dataset.name)
    projection.check(dataset.n_drawable, dataset.n_dims)
    refuse_layout(dataset, projection, missing, what)
    return _layout(dataset, projection, missing).paced(paces(store), machine_pace(store))


def foresee_graph(store: Store, dataset: Dataset, task: GraphTask) -> Forecast:
    """Say what a neighbor graph that is not there will take; see :func:`foresee_layout`."""
    if dataset.vectors is None:
        raise VectorsNeeded(task.describe(), dataset.name)
    task.check()
    refuse_graph(dataset, task, lambda _: True)
    return forecast_graph(dataset.n_drawable, dataset.n_dims, task.kept_k, task.metric).paced(paces(store), machine_pace(store))


def refuse_layout(dataset: Dataset, projection: Projection, missing: Missing, what: str) -> None:
    """Refuse a layout that needs more memory than there is.

    Raises
    ------
    NotEnoughMemory
        With what would fit.
    """
    there = room()
    if there is None or _at_once(dataset, projection, lambda _: True).memory <= there.free:
        return  # most times, without a look into the store
    needed = _layout(dataset, projection, missing).memory
    if needed > there.free:
        n, d, left_out = dataset.n_drawable, dataset.n_dims, _left_out(dataset)
        raise NotEnoughMemory(what, needed, *there, layout_fits(n, d, projection, there.free, needs_graph=missing, left_out=left_out))


def needs_landmarks(dataset: Dataset, projection: Projection, missing: Missing) -> bool:
    """Whether a layout fits only where it is made from landmarks."""
    there = room()
    if there is None or _at_once(dataset, projection, lambda _: True).memory <= there.free:
        return False  # most times, without a look into the store
    return _layout(dataset, projection, missing).at_once > 0


def refuse_graph(dataset: Dataset, task: GraphTask, missing: Missing) -> None:
    """Refuse a neighbor graph, alone or as a part of another task, that needs more memory than there is; see :func:`refuse_layout`."""
    n, d, there = dataset.n_drawable, dataset.n_dims, room()
    needed = forecast_graph(n, d, task.kept_k, task.metric).memory
    if there is not None and needed > there.free and missing({"metric": task.metric, "k": task.k}):
        raise NotEnoughMemory(task.describe(), needed, *there, graph_fits(n, d, task.kept_k, there.free))


def refuse_clusters(dataset: Dataset, what: str) -> None:
    """Refuse clusters that need more memory than there is, their graph not counted; see :func:`refuse_layout`."""
    there, needed = room(), forecast_clusters(dataset.n_drawable).memory
    if there is not None and needed > there.free:
        raise NotEnoughMemory(what, needed, *there, [])


def _layout(dataset: Dataset, projection: Projection, missing: Missing) -> Forecast:
    """Forecast it as it will be made in the memory that there is."""
    there = room()
    return _within(None if there is None else there.free, dataset, projection, missing)


def _at_once(dataset: Dataset, projection: Projection, missing: Missing) -> Forecast:
    return _within(None, dataset, projection, missing)


def _within(memory: int | None, dataset: Dataset, projection: Projection, missing: Missing) -> Forecast:
    request = projection.graph_request(dataset.n_drawable)
    with_graph = request is not None and missing(request)
    return forecast_within(memory, dataset.n_drawable, dataset.n_dims, projection, with_graph=with_graph, left_out=_left_out(dataset))


def _left_out(dataset: Dataset) -> bool:
    return dataset.n_drawable < dataset.n_rows
