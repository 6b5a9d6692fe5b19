"""What is known of how good a layout is, as figures for people and as columns of the dataset; what a thread does for ``assessment``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.compute.preservation import PATIENT_K, PRESERVED_K
from explorer.compute.projection import GRAPH_K
from explorer.compute.space import METRICS
from explorer.measured import Column, add_measured, measured
from explorer.runs import load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from explorer.compute.quality import Quality
    from explorer.data.dataset import Dataset
    from explorer.jobs.runner import Runner
    from explorer.scene import Run

__all__ = [
    "NEIGHBORHOODS",
    "PAIR_BINS",
    "Appraisal",
    "GraphFacts",
    "Stored",
    "add_disagreement",
    "add_neighborhoods",
    "appraise",
    "disagreement_key",
    "disagreement_name",
    "graph_for",
    "metric_for",
    "names_of",
    "neighborhood_key",
    "quality_key",
    "stored_appraisal",
]

PAIR_BINS: Final = 32  # a side of Shepard's diagram
_METRIC: Final = "metric"  # among a layout's parameters

_MEANINGS: Final[dict[str, str]] = {
    "false": f"0: no neighbor on this map is false. 1: all {PATIENT_K} nearest on it are none in the data.",
    "missing": f"0: no true neighbor is missing on this map. 1: all {PATIENT_K} nearest are elsewhere on it.",
}

NEIGHBORHOODS: Final[dict[str, tuple[str, str]]] = {
    "distance": ("distance to last neighbor", "Far: an outlier, alone in the data."),
    "in_degree": ("in-degree", "How many rows have it among their neighbors. Many: a hub. 0: nobody's neighbor."),
    "dimension": ("local dimension", "How many directions the data around a row has."),
    "duplicates": ("near-duplicates", "Number of its group of nearly equal rows, the largest first; none: like no other."),
    "component": ("component", "Number of its piece of the neighbor graph, the largest first."),
}
"""What the neighbor graph says of each row: name of the column, and what it means."""


@dataclass(frozen=True, eq=False)
class Appraisal:
    """How good a layout is.

    Attributes
    ----------
    metric : str
        Of the true neighbors.
    kept : mapping of int to float
        By k: which share of all true neighbors is kept, from 0 to 1.
    chance : mapping of int to float
        The same of rows thrown at random.
    false, missing : float
        Mean shares; see :class:`explorer.compute.preservation.Preservation`.
    whole, control : mapping of str to float
        Trustworthiness, continuity, triplets and correlation, of the layout and of the same with its rows exchanged; empty where there
        are too few rows.
    pairs : ndarray of shape (32, 32), int64
        Shepard's diagram: pairs of rows by their distance in the data (first axis) and on the map, both from 0 to the largest.
    remark : str
        A sentence on how the layout was made; "" for most.
    """

    metric: str
    kept: Mapping[int, float]
    chance: Mapping[int, float]
    false: float
    missing: float
    whole: Mapping[str, float]
    control: Mapping[str, float]
    pairs: NDArray[np.int64]
    remark: str = ""

    @property
    def k(self) -> int:
        """Neighbors that the one figure beside a layout's name is of: 15, or as many as there are."""
        return PATIENT_K if PATIENT_K in self.kept else max(self.kept)


class GraphFacts(NamedTuple):
    """What is known of a neighbor graph: ``recall`` is the measured share of true neighbors it has found, NaN where nobody measured."""

    metric: str
    k: int
    recall: float


class Stored(NamedTuple):
    """What a look at the store has found: the neighbor graph to measure by, if it is there, and what has been measured."""

    graph: GraphFacts | None
    appraisal: Appraisal | None


def graph_for(dataset: Dataset, run: Run, jobs: Runner) -> GraphFacts | None:
    """Find the neighbor graph by which a layout is measured, in the layout's own metric if it has one; None where it is not there."""
    own = dataset.with_vectors(run.of)
    k = min(GRAPH_K, own.n_drawable - 1)
    for metric in _metrics(run):
        graph = jobs.stored_graph(own, metric, k)
        if graph is not None:
            return GraphFacts(metric, graph.k, graph.recall)
    return None


def metric_for(dataset: Dataset, run: Run, jobs: Runner) -> str:
    """Say in which metric true neighbors are looked for: the layout's own, else one whose graph is there."""
    graph = graph_for(dataset, run, jobs)
    return _metrics(run)[0] if graph is None else graph.metric


def stored_appraisal(dataset: Dataset, run: Run, jobs: Runner) -> Stored:
    """Find what has been measured of a layout, and add its columns to the dataset; for a thread."""
    graph, layout = graph_for(dataset, run, jobs), load(dataset, run, jobs)
    if layout is None:
        return Stored(graph, None)
    metric = _metrics(run)[0] if graph is None else graph.metric
    quality = jobs.stored_quality(dataset.with_vectors(run.of), layout, metric)
    return Stored(graph, None if quality is None else appraise(dataset, run, metric, quality, layout.remark))


def appraise(dataset: Dataset, run: Run, metric: str, quality: Quality, remark: str = "") -> Appraisal:
    """Sum up what was measured of a layout, and add its columns to the dataset; for a thread."""
    rows = quality.preservation
    values = {**{f"kept {k}": shares for k, shares in rows.kept.items()}, "false": rows.false, "missing": rows.missing}
    names = {what: name for what, name in names_of(run).items() if what in values}
    columns = {quality_key(run, metric, what): Column(name, values[what], _meaning(what)) for what, name in names.items()}
    add_measured(dataset, columns)
    others = max(1, dataset.with_vectors(run.of).n_drawable - 1)
    agreed, control = quality.agreement, quality.control
    return Appraisal(
        metric,
        {k: _mean(shares) for k, shares in rows.kept.items()},
        {k: min(1.0, k / others) for k in rows.kept},
        _mean(rows.false),
        _mean(rows.missing),
        {} if agreed is None else _figures(agreed),
        {} if control is None else _figures(control),
        np.zeros((PAIR_BINS, PAIR_BINS), np.int64) if agreed is None else _pairs(agreed.distances),
        remark,
    )


def add_neighborhoods(dataset: Dataset, metric: str, values: Mapping[str, NDArray[np.float32]]) -> None:
    """Add what the neighbor graph says of each row as columns, where that differs between rows; for a thread."""
    columns = {
        neighborhood_key(metric, what): Column(name, values[what], meaning)
        for what, (name, meaning) in NEIGHBORHOODS.items()
        if what in values and _varies(values[what])
    }
    add_measured(dataset, columns)


def add_disagreement(dataset: Dataset, column: str, jobs: Runner) -> bool:
    """Add which share of each row's neighbors is of another category; False where no neighbor graph is there. For a thread."""
    from explorer.compute.graph_columns import label_disagreement

    if measured(dataset, disagreement_key(column)) is None:
        k = min(GRAPH_K, dataset.n_drawable - 1)
        graph = next((found for metric in METRICS if (found := jobs.stored_graph(dataset, metric, k)) is not None), None)
        if graph is None:
            return False
        codes, _ = dataset.codes(column)
        meaning = f"0: all neighbors have the same {column}. 1: none has."
        add_measured(dataset, {disagreement_key(column): Column(disagreement_name(column), label_disagreement(graph, codes), meaning)})
    return True


def names_of(run: Run) -> dict[str, str]:
    """Name the columns of a layout, by what they hold."""
    kept = {f"kept {k}": f"kept of {k}: {run.title}" for k in PRESERVED_K}
    return {**kept, "false": f"false: {run.title}", "missing": f"missing: {run.title}"}


def quality_key(run: Run, metric: str, what: str) -> tuple[str, ...]:
    """Say which measured column of a layout this is."""
    return "quality", run.title, metric, what


def neighborhood_key(metric: str, what: str) -> tuple[str, ...]:
    """Say which measured column of a neighbor graph this is."""
    return "neighborhood", metric, what


def disagreement_key(column: str) -> tuple[str, ...]:
    """Say which measured column this is: of neighbors in other categories."""
    return "disagreement", column


def disagreement_name(column: str) -> str:
    """Name it."""
    return f"other {column} near"


def _metrics(run: Run) -> list[str]:
    own = run.settings.get(_METRIC)
    return [str(own)] if own in METRICS else list(METRICS)


def _meaning(what: str) -> str:
    return _MEANINGS.get(what) or f"0: this map keeps none of the {what.removeprefix('kept ')} true neighbors nearby. 1: it keeps all."


def _mean(shares: NDArray[np.float32]) -> float:
    there = np.isfinite(shares)
    return float(shares.mean(where=there, dtype=np.float64)) if there.any() else 0.0


def _varies(values: NDArray[np.float32]) -> bool:
    there = values[np.isfinite(values)]
    return bool(len(there) and (len(there) < len(values) or there.min() < there.max()))


def _figures(agreed: object) -> dict[str, float]:
    return {name: float(getattr(agreed, name)) for name in ("trustworthiness", "continuity", "triplets", "correlation")}


def _pairs(distances: NDArray[np.float32]) -> NDArray[np.int64]:
    """Count pairs (m, 2) by how far apart they are in the data and on the map."""
    ends = np.maximum(distances.max(axis=0), np.finfo(np.float32).tiny)
    counted, _, _ = np.histogram2d(distances[:, 0], distances[:, 1], bins=PAIR_BINS, range=[(0, float(end)) for end in ends])
    return counted.astype(np.int64)
