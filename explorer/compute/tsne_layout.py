"""t-SNE of a given neighbor graph: openTSNE's affinities and gradients, in a loop that can be watched and stopped at every step."""

from __future__ import annotations

from math import ceil, log
from time import monotonic
from typing import Any, ClassVar

import numpy as np
import param
from numpy.typing import NDArray

from explorer import settings
from explorer.compute.neighbors import METRICS, NeighborGraph
from explorer.compute.principal_components import principal_components
from explorer.compute.progress import Cadence, LayoutReport, ShouldStop, Snapshot, Stopped, ignore, never
from explorer.compute.projection import GRAPH_K, GraphRequest, Layout, Projection
from explorer.errors import BadParameter

__all__ = ["TSNE"]

FEWEST_ROWS = 4
EARLY_EXAGGERATION = 12.0
EARLY_ITERATIONS = 250
INTERPOLATED_FROM = 10_000  # rows from which the FFT gradient is faster than Barnes-Hut
MOMENTUM = 0.8
MIN_GAIN = 0.01
MAX_STEP = 5.0
START_STD = 1e-4
START_NOISE = 1e-8  # keeps identical rows from starting at one point
LOSS_EVERY_S = 0.5
LOSS_SHARE = 0.01  # of the time, that evaluating the loss may take


class TSNE(Projection):
    """t-SNE: keeps each row's nearest rows near. The best picture of small neighborhoods; sizes and distances of groups mean nothing."""

    method: ClassVar[str] = "tsne"
    title: ClassVar[str] = "t-SNE"
    version: ClassVar[int] = 1

    metric = param.Selector(  # type: ignore[var-annotated]
        default="cosine",
        objects=list(METRICS),
        doc="How far two rows are apart. Cosine compares directions and suits text and image embeddings; Euclidean compares positions.",
    )
    perplexity = param.Number(
        default=10.0,
        bounds=(2.0, 100.0),
        softbounds=(5.0, 50.0),
        step=1.0,
        doc=(
            "Roughly how many neighbors each row listens to. Up to 10, the neighbor graph that UMAP uses serves as it is, which is much "
            "faster and keeps neighbors better than the customary 30; more needs a larger graph (three times as many neighbors)."
        ),
    )
    exaggeration = param.Number(
        default=1.0,
        bounds=(1.0, 32.0),
        softbounds=(1.0, 12.0),
        step=0.5,
        doc="Pulls neighbors together harder. 1 is plain t-SNE; about 4 gives compact groups like UMAP's.",
    )
    n_iter = param.Integer(
        default=500,
        bounds=(0, 10_000),
        softbounds=(250, 2000),
        step=50,
        doc="Steps after the first 250, which only sort the groups. More let large maps unfold further.",
    )
    learning_rate = param.Number(
        default=None,
        allow_None=True,
        bounds=(1.0, 1e7),
        softbounds=(10.0, 10_000.0),
        doc="The length of a step. Left empty: the number of rows divided by the exaggeration, which suits nearly all data.",
    )
    seed = param.Integer(
        default=0,
        bounds=(0, 2**31 - 1),
        softbounds=(0, 100),
        doc="Decides how identical rows are moved apart at the start; all else is determined by the data.",
    )

    def graph_request(self, n: int) -> GraphRequest:
        """Three times the perplexity, and at least the 30 neighbors that all projections share; fewer where there are fewer rows."""
        return {"k": min(max(GRAPH_K, ceil(3 * self.perplexity)), max(1, n - 1)), "metric": self.metric}

    def check(self, n: int, d: int) -> None:
        """Refuse fewer than four rows, which leave t-SNE nothing to decide; see :meth:`Projection.check`."""
        super().check(n, d)
        if n < FEWEST_ROWS:
            raise BadParameter("rows", n, f"t-SNE needs at least {FEWEST_ROWS}; PCA and UMAP show fewer.")

    def start(self, vectors: NDArray[np.float32], *, should_stop: ShouldStop = never) -> Snapshot:
        """Place the rows on the plane of PCA, very near each other; see :meth:`Projection.start`."""
        return Snapshot(_start(vectors, self.seed, should_stop), 0, EARLY_ITERATIONS + self.n_iter)

    def fit(
        self,
        vectors: NDArray[np.float32],
        graph: NeighborGraph | None,
        *,
        start: Snapshot | None = None,
        report: LayoutReport = ignore,
        should_stop: ShouldStop = never,
    ) -> Layout:
        """Compute the layout; see :meth:`Projection.fit`.

        Where there are too few rows for the perplexity, a third of the rows is used; ``stats`` holds the ``perplexity`` that was used and
        the ``kl_divergence`` reached.
        """
        self.check(*vectors.shape)
        report("t-SNE", 0.0)
        k = min(ceil(3 * self.perplexity), len(vectors) - 1)
        if graph is None or graph.k < k:
            raise BadParameter("perplexity", self.perplexity, f"it needs a neighbor graph with {k} neighbors a row.")
        perplexity = min(self.perplexity, max(1.0, k / 3))
        affinities = _affinities(graph, k, perplexity)
        if should_stop():
            raise Stopped
        begun = self.start(vectors, should_stop=should_stop) if start is None else start
        layout = begun.coordinates.astype(np.float64)
        descent = _Descent(layout, affinities, self.learning_rate, begun.iterations, report, should_stop)
        descent.run(EARLY_ITERATIONS, EARLY_EXAGGERATION)
        descent.run(self.n_iter, self.exaggeration)
        kl = descent.divergence()
        coordinates = layout.astype(np.float32)
        report("t-SNE", 1.0, Snapshot(coordinates, begun.iterations, begun.iterations, kl))
        return Layout(coordinates, self.method, self.settings(), {"perplexity": float(perplexity), "kl_divergence": kl})


def _affinities(graph: NeighborGraph, k: int, perplexity: float) -> Any:
    """Compute the symmetric matrix P of openTSNE, CSR float64, summing to 1."""
    from openTSNE.affinity import joint_probabilities_nn

    return joint_probabilities_nn(
        np.array(graph.indices[:, :k]), np.array(graph.distances[:, :k], dtype=np.float64), [perplexity], n_jobs=settings.compute_threads()
    )


def _start(vectors: NDArray[np.float32], seed: int, should_stop: ShouldStop) -> NDArray[np.float64]:
    plane = principal_components(vectors, should_stop=should_stop).coordinates.astype(np.float64)
    width = plane[:, 0].std()
    noise = np.random.default_rng(seed).normal(scale=START_NOISE, size=plane.shape)
    return np.ascontiguousarray(plane * (START_STD / width if width > 0 else 0.0) + noise)


class _Descent:
    """Gradient descent with momentum and gains, as openTSNE does it, changing the layout (n, 2) in place."""

    def __init__(
        self,
        layout: NDArray[np.float64],
        affinities: Any,
        rate: float | None,
        iterations: int,
        report: LayoutReport,
        should_stop: ShouldStop,
    ) -> None:
        self._layout, self._affinities, self._rate = layout, affinities, rate
        self._iterations, self._done = iterations, 0
        self._report, self._should_stop = report, should_stop
        self._reports, self._losses = Cadence(), Cadence(LOSS_EVERY_S, LOSS_SHARE)
        self._loss: float | None = None
        self._usual_s = 0.0  # what the last gradient took without its loss; 0 before the first
        self._update, self._gains = np.zeros_like(layout), np.ones_like(layout)
        self._threads = settings.compute_threads()

    def run(self, iterations: int, exaggeration: float) -> None:
        """Descend with the affinities multiplied by ``exaggeration``."""
        rate = self._rate or len(self._layout) / exaggeration
        pull = self._affinities * exaggeration
        for _ in range(iterations):
            if self._should_stop():
                raise Stopped
            due = self._reports.due()
            slope = self._slope(pull, exaggeration, wanted=due)
            if due:
                with self._reports.timed():
                    reached = Snapshot(self._layout, self._done, self._iterations, self._loss)
                    self._report("t-SNE", 0.05 + 0.95 * self._done / self._iterations, reached)
            self._step(slope, rate)
            self._done += 1

    def divergence(self) -> float:
        """Return the Kullback-Leibler divergence of the layout from the affinities."""
        return float(self._gradient(self._affinities, evaluate=True)[0])

    def _slope(self, pull: Any, exaggeration: float, *, wanted: bool) -> NDArray[np.float64]:
        """Return the gradient and, where somebody wants to see it and the time for it has been saved up, note the loss."""
        evaluate = wanted and self._usual_s > 0 and self._losses.due()
        began = monotonic()
        error, slope = self._gradient(pull, evaluate=evaluate)
        took = monotonic() - began
        if evaluate:
            self._loss = float(error) / exaggeration - log(exaggeration)
            self._losses.spent(max(0.0, took - self._usual_s))
        else:
            self._usual_s = took
        return slope

    def _gradient(self, affinities: Any, *, evaluate: bool) -> tuple[float, NDArray[np.float64]]:
        from openTSNE.tsne import kl_divergence_bh, kl_divergence_fft

        gradient = kl_divergence_fft if len(self._layout) >= INTERPOLATED_FROM else kl_divergence_bh
        error, slope = gradient(
            self._layout,
            affinities,
            dof=1,
            bh_params={"theta": 0.5},
            fft_params={"n_interpolation_points": 3, "min_num_intervals": 50, "ints_in_interval": 1},
            should_eval_error=evaluate,
            n_jobs=self._threads,
        )
        return error, slope

    def _step(self, slope: NDArray[np.float64], rate: float) -> None:
        self._gains = np.where(np.sign(self._update) != np.sign(slope), self._gains + 0.2, self._gains * 0.8 + MIN_GAIN)
        self._update = MOMENTUM * self._update - rate * self._gains * slope
        length = np.hypot(self._update[:, 0], self._update[:, 1])
        self._update *= np.minimum(1.0, MAX_STEP / np.maximum(length, MAX_STEP))[:, None]
        self._layout += self._update
        self._layout -= self._layout.mean(axis=0)
