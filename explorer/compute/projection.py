"""What every projection is: typed parameters, the graph it asks for, and a fit; knows no method in particular.

A parameter is written once, here in a ``param`` class: it is the control panel, the command line, the cache key and the documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, Final, TypeAlias, TypedDict

import numpy as np
import param
from numpy.typing import NDArray

from explorer.compute.neighbors import NeighborGraph
from explorer.compute.progress import LayoutReport, ShouldStop, Snapshot, ignore, never
from explorer.errors import BadParameter

__all__ = ["GRAPH_K", "NO_INPUTS", "PLANE", "SPACE", "CategoryColumn", "GraphRequest", "Inputs", "Layout", "Projection", "RowGroup", "said"]

Inputs: TypeAlias = Mapping[str, NDArray[Any]]
"""What parameters name and the vectors do not hold, by the parameter's name: such as each row's category."""

GRAPH_K = 30  # neighbors in the one graph that all projections share
LEAST_ROWS = 2
PLANE: Final = 2  # dimensions of a map that lies flat
SPACE: Final = 3  # the most dimensions of a map by neighbors
NO_INPUTS: Inputs = MappingProxyType({})


class RowGroup(param.String):  # type: ignore[type-arg, unused-ignore]
    """A parameter that names some rows: a selection that is kept, or ``column: value`` of a category column; "" names none."""


class CategoryColumn(param.String):  # type: ignore[type-arg, unused-ignore]  # generic for type checkers only
    """A parameter that names a category column of the dataset; "" names none."""


class GraphRequest(TypedDict):
    """The neighbor graph a projection needs: the arguments of ``neighbor_graph``."""

    k: int
    metric: str


@dataclass(frozen=True, eq=False)
class Layout:
    """Where a projection put the rows.

    Attributes
    ----------
    coordinates : ndarray of shape (n, n_components), float32
        Finite. Two columns, of a layout in more dimensions as many.
    method : str
        "pca", "umap" or "tsne".
    params : Mapping
        All parameters of the projection, as :meth:`Projection.settings` gave them.
    stats : Mapping of str to float
        What the method can say of its result, e.g. ``explained_variance_1`` or ``kl_divergence``.
    """

    coordinates: NDArray[np.float32]
    method: str
    params: Mapping[str, object]
    stats: Mapping[str, float] = field(default_factory=dict)

    @property
    def remark(self) -> str:
        """A sentence of what a person is to know of how it was made: from landmarks, and at which loss; "" for most."""
        if "landmarks" not in self.stats:
            return ""
        made = f"Laid out from {self.stats['landmarks']:,.0f} landmarks, as all rows at once would not fit into memory"
        if "sample_kept" not in self.stats:
            return f"{made}."
        kept, at_once = self.stats["sample_kept"], self.stats["sample_kept_at_once"]
        of = f"Of their nearest neighbors, {self.stats['sample_rows']:,.0f} sampled rows"
        return f"{made}. {of} keep {kept:.1%} when laid out so, {at_once:.1%} at once."


class Projection(param.Parameterized):
    """A way to lay out rows in two dimensions, or in more. Adding one is adding a class and naming it in ``projections.PROJECTIONS``."""

    method: ClassVar[str]
    title: ClassVar[str]
    by_itself: ClassVar[bool] = True  # whether its usual parameters make a map
    turnable: ClassVar[bool] = True  # whether a map says the same when it is turned, as is done to let maps lie alike
    version: ClassVar[int]  # raised whenever the same parameters give another layout
    added: ClassVar[frozenset[str]] = frozenset()  # parameters that older files do not name: there they have their defaults
    unsaid: ClassVar[Mapping[str, object]] = MappingProxyType({"n_components": PLANE})
    """Parameters that settings do not name while they have this value: what was kept before there was a third dimension keeps its key."""
    has_chance: ClassVar[bool] = False  # whether another run of the same gives another layout; it has a parameter ``seed`` then

    def graph_request(self, n: int) -> GraphRequest | None:
        """Say which neighbor graph this projection needs for n rows; None where it needs none."""
        raise NotImplementedError

    @property
    def parameter_names(self) -> list[str]:
        """Every parameter."""
        return [name for name in self.param if name != "name"]

    @property
    def dimensions(self) -> int:
        """How many columns its coordinates have."""
        return int(getattr(self, "n_components", PLANE))

    def settings(self) -> dict[str, object]:
        """Every parameter with its value, plain JSON types: what makes two layouts of the same vectors the same.

        ``n_components`` is there where it is not 2: see :attr:`unsaid`.
        """
        return said(type(self), {name: getattr(self, name) for name in self.parameter_names})

    @property
    def input_names(self) -> list[str]:
        """The parameters that name something which :meth:`fit` needs among its ``inputs``."""
        return [
            name
            for name, parameter in self.param.objects("existing").items()
            if isinstance(parameter, CategoryColumn | RowGroup) and getattr(self, name)
        ]

    def check_inputs(self, inputs: Inputs) -> None:
        """Refuse a fit without what the parameters name.

        Raises
        ------
        BadParameter
        """
        for name in self.input_names:
            if name not in inputs:
                raise BadParameter(name, getattr(self, name), f'a fit needs what that is: inputs={{"{name}": …}}.')

    def differing(self, settings: Mapping[str, object]) -> list[str]:
        """Say in a few words each what of some settings differs from the defaults: "3-D", "n_neighbors 50"."""
        usual = type(self)().settings()
        flat = "n_components" not in settings or "n_components" not in self.parameter_names
        several = [] if flat else [f"{settings['n_components']}-D"]
        return several + [f"{name} {value}" for name, value in settings.items() if name in usual and usual[name] != value]

    def builds_on(self) -> Projection | None:
        """Say whose layout of the same vectors this one starts from, which is to be computed first; None where it starts by itself."""
        return None

    def check(self, n: int, d: int) -> None:
        """Refuse what cannot be computed before anything starts.

        Parameters
        ----------
        n, d : int
            Rows to draw and dimensions of their vectors.

        Raises
        ------
        ParameterError
            With the sentence that says why.
        """
        if n < LEAST_ROWS:
            raise BadParameter("rows", n, f"a map needs at least {LEAST_ROWS}.")
        if d < 1:
            raise BadParameter("dimensions", d, "vectors need at least one.")

    def start(
        self, vectors: NDArray[np.float32], *, base: NDArray[np.float32] | None = None, should_stop: ShouldStop = never
    ) -> Snapshot | None:
        """Place the rows as the optimizer finds them, which takes no neighbor graph; None where there is no optimizer.

        Parameters
        ----------
        vectors : ndarray of shape (n, d), float32
            Finite. Not changed.
        base : ndarray of shape (n, n_components), float32, optional
            The layout of the projection that :meth:`builds_on` names, where it names one.
        should_stop : callable, optional
            Asked a few times a second.

        Raises
        ------
        Stopped
            If ``should_stop()`` said so.
        """
        return None

    def another_start(self, start: Snapshot) -> Snapshot:
        """Place the rows for a run that is to differ from others by chance: as they were where the seed alone makes a difference.

        Parameters
        ----------
        start : Snapshot
            What :meth:`start` returned. Not changed.
        """
        return start

    def fit(
        self,
        vectors: NDArray[np.float32],
        graph: NeighborGraph | None,
        *,
        inputs: Inputs = NO_INPUTS,
        start: Snapshot | None = None,
        report: LayoutReport = ignore,
        should_stop: ShouldStop = never,
    ) -> Layout:
        """Compute the layout.

        Parameters
        ----------
        vectors : ndarray of shape (n, d), float32
            Finite. Not changed.
        graph : NeighborGraph or None
            What :meth:`graph_request` asked for; a larger k will do.
        inputs : Mapping of str to ndarray, optional
            What parameters name; see :attr:`input_names`.
        start : Snapshot, optional
            What :meth:`start` returned for these vectors, so that it is not computed again. Not changed.
        report : callable(stage, fraction, layout), optional
            Called from this thread, at most about twenty times a second, and so seldom that it takes no more than 2 % of the time.
        should_stop : callable, optional
            Asked at least once an epoch.

        Raises
        ------
        ParameterError
            See :meth:`check`.
        Stopped
            If ``should_stop()`` said so.
        """
        raise NotImplementedError


def said(kind: type[Projection], parameters: Mapping[str, object]) -> dict[str, object]:
    """Leave out of parameters those that are not said: see :attr:`Projection.unsaid`."""
    silent = kind.unsaid
    return {name: value for name, value in parameters.items() if not (name in silent and silent[name] == value)}
