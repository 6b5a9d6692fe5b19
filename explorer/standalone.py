"""Maps by themselves, in a notebook or a page of one's own: what ``explorer.Map`` and ``explorer.transition`` are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from explorer.compute.projections import Layout
from explorer.data.layout_table import layout_dataset, pair_of_columns
from explorer.errors import BadParameter, ExtraMissing, FileMissing, UnknownChoice, UnknownColumn
from explorer.frame_scene import Look
from explorer.pages import scheduler
from explorer.render.dask_survey import columns_of
from explorer.render.normalization import NormalizationName
from explorer.session import Session
from explorer.state.appearance import ContourChoice, LabelChoice
from explorer.views.composed import Composed
from explorer.views.frame_view import FrameView
from explorer.views.row_view import RowView

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["Map", "transition"]


class Map(Composed):
    """A map of rows whose places are known, and nothing around it but its tools and its legend.

    Rows in memory can be selected and read back: ``selection``, ``selected``, ``clicked``. A Dask DataFrame, or Parquet files, are larger
    than memory: every row is added up by Datashader where the frame is computed, never collected. Such a map is there at once and says what
    it is doing: the frame is gone over three times before the first picture of all rows.

    Compose it with anything of Panel, ``pn.Row(explorer.Map(layout), table)`` or ``explorer.Map(layout) + table``, and lay elements of
    HoloViews over it: ``explorer.Map(layout) * hv.Labels(places)``.

    Parameters
    ----------
    source : array_like of shape (n, 2) or (n, 3), Layout, data frame, Arrow table, dask.dataframe.DataFrame, or path
        The rows; a path of a Parquet file or of a folder of them is read by Dask. Rows whose place is missing or not finite are left out
        and counted.
    x, y : str
        Of a table, its columns of coordinates.
    color : str or sequence of n values, optional
        A column of numbers, whose mean is shown, or of categories (text, bool, categorical); or one value for each row in memory. By
        default color says how many rows there are.
    label : str or sequence of n values, optional
        The column that names a row, or the names.
    data : Dataset, data frame or Arrow table of n rows, optional
        What is known of the rows of an array or a Layout: its columns color and name them, and are shown under the pointer.
    cmap, palette : str
        Color map of numbers, and of how many rows there are; palette of categories. Empty for the default.
    density : {"log", "equalized", "linear"}
        How the number of rows in a pixel becomes opacity.
    point_size : float, optional
        Diameter of a row in pixels; automatic by default.
    labels : {"automatic", "categories", "clusters", "none"}
        What is named on the map, of rows in memory; "none" leaves room for names of your own over it.
    contours : {"none", "categories", "clusters"}
        What has lines around it, of rows in memory.
    height : int
        In pixels.

    Raises
    ------
    UnknownColumn, BadParameter, UnknownChoice, UnknownSource, FileMissing
        If a column is not there or cannot be drawn, or there is no such look. What is found out later is said on the map.

    Examples
    --------
    >>> layout = explorer.project(vectors, "umap")
    >>> view = explorer.Map(layout, color=labels)
    >>> view            # shows the map
    >>> view.selection  # the numbers of the rows that were selected with box or lasso
    >>> import dask.dataframe as dd
    >>> explorer.Map(dd.read_parquet("parts/"), x="umap_1", y="umap_2", color="topic", label="title")
    """

    def __new__(
        cls,
        source: Any,
        x: str = "x",
        y: str = "y",
        color: Any = None,
        *,
        label: Any = None,
        data: object = None,
        cmap: str = "",
        palette: str = "",
        density: NormalizationName = "log",
        point_size: float | None = None,
        labels: LabelChoice = "automatic",
        contours: ContourChoice = "none",
        height: int = 500,
        **params: Any,
    ) -> Map:
        """Make what fits the source."""
        return object.__new__((FrameMap if _is_lazy(source) else RowMap) if cls is Map else cls)


class FrameMap(FrameView, Map):
    """Of rows that are larger than memory."""

    def __init__(
        self,
        source: Any,
        x: str = "x",
        y: str = "y",
        color: Any = None,
        *,
        label: Any = None,
        data: object = None,
        cmap: str = "",
        palette: str = "",
        density: NormalizationName = "log",
        point_size: float | None = None,
        labels: LabelChoice = "automatic",
        contours: ContourChoice = "none",
        height: int = 500,
        **params: Any,
    ) -> None:
        for name, value in (("color", color), ("label", label)):
            if value is not None and not isinstance(value, str):
                raise BadParameter(name, f"a {type(value).__name__}", "name a column of the Dask DataFrame.")
        if data is not None:
            raise BadParameter("data", f"a {type(data).__name__}", "a Dask DataFrame has its columns itself.")
        if labels not in ("automatic", "none") or contours != "none":
            raise BadParameter("labels, contours", f"{labels}, {contours}", "a map of a Dask DataFrame has neither.")
        frame = _frame(source)
        columns = columns_of(frame, x, y, color)
        if label is not None and label not in frame.columns:
            raise UnknownColumn("The Dask DataFrame", label, list(map(str, frame.columns)))
        look = Look(cmap, palette, density, point_size).checked()
        super().__init__(frame, columns, look, label=label, later=scheduler(), height=height, **params)


class RowMap(RowView, Map):
    """Of rows in memory."""

    def __init__(
        self,
        source: Any,
        x: str = "x",
        y: str = "y",
        color: Any = None,
        *,
        label: Any = None,
        data: object = None,
        cmap: str = "",
        palette: str = "",
        density: NormalizationName = "log",
        point_size: float | None = None,
        labels: LabelChoice = "automatic",
        contours: ContourChoice = "none",
        height: int = 500,
        **params: Any,
    ) -> None:
        look = Look(cmap, palette, density, point_size).checked()
        layout = source
        if not isinstance(source, Layout) and _is_table(source):
            if data is not None:
                raise BadParameter("data", f"a {type(data).__name__}", "the table has its columns itself; give data with an array.")
            layout, data = pair_of_columns(source, x, y)
        in_space = getattr(layout, "shape", ())[1:] == (3,)
        name = "Map" if isinstance(layout, Layout) else f"{x}, {y}, z" if in_space else f"{x}, {y}"
        dataset = layout_dataset([("" if isinstance(layout, Layout) else name, layout)], data=data, color=color, label=label, name="Map")
        later = scheduler()
        super().__init__(_opened(dataset, look, later, labels, contours), later=later, height=height, **params)


def transition(
    a: Any,
    b: Any,
    *,
    color: Any = None,
    label: Any = None,
    data: object = None,
    names: tuple[str, str] | None = None,
    cmap: str = "",
    palette: str = "",
    density: NormalizationName = "log",
    point_size: float | None = None,
    labels: LabelChoice = "automatic",
    contours: ContourChoice = "none",
    height: int = 500,
) -> RowView:
    """Show the way between two layouts of the same rows: a map that plays it, and stands anywhere on it.

    The second layout is turned, mirrored and scaled as a whole so that it lies like the first one (Procrustes): what moves is what differs.

    Parameters
    ----------
    a, b : array_like of shape (n, 2) or (n, 3), or Layout
        Where the rows come from, and where they go. Row i of one is row i of the other.
    color, label, data, cmap, palette, density, point_size, labels, contours, height
        As of :class:`Map`.
    names : (str, str), optional
        What the two are called; by default what a Layout says of itself.

    Returns
    -------
    RowView
        Of Panel, with the ``selection`` and the ``clicked`` row of :class:`Map`; it is composed as that is.

    Raises
    ------
    UnknownColumn, BadParameter, UnknownChoice
        If a layout is none, they are not of the same rows, a column is not there, or there is no such look.

    Examples
    --------
    >>> explorer.transition(explorer.project(words, "pca"), explorer.project(words, "umap"), data=words, color="category")
    """
    look = Look(cmap, palette, density, point_size).checked()
    first, second = names or _names(a, b)
    dataset = layout_dataset([(first, a), (second, b)], data=data, color=color, label=label, name="Transition")
    later = scheduler()
    session = _opened(dataset, look, later, labels, contours)
    start, goal = sorted((run for run in session.runs if run.given is not None), key=lambda run: run.given or 0)
    session.planes[0].stage_now(start, dataset)
    session.planes[0].journey_between(start, goal, dataset)
    return RowView(session, later=later, height=height)


def _names(a: Any, b: Any) -> tuple[str, str]:
    """Say what layouts are called that nobody named; "" for what they say themselves."""
    return ("" if isinstance(a, Layout) else "a"), ("" if isinstance(b, Layout) else "b")


def _opened(dataset: Dataset, look: Look, later: Any, labels: LabelChoice, contours: ContourChoice) -> Session:
    """Open rows in a session of their own, looked at in this way."""
    choices: tuple[tuple[str, str, tuple[str, ...]], ...] = (
        ("choice of labels", labels, get_args(LabelChoice)),
        ("choice of contours", contours, get_args(ContourChoice)),
    )
    for what, value, possible in choices:
        if value not in possible:
            raise UnknownChoice(what, value, list(possible))
    session = Session(schedule=later)
    session.appearance.param.update(colormap=look.cmap, palette=look.palette, density=look.density, point_size=look.point_size)
    session.appearance.param.update(labels=labels, contours=contours)
    session.open_now(dataset)
    return session


def _is_lazy(source: Any) -> bool:
    kind = type(source)
    return isinstance(source, (str, os.PathLike)) or (
        kind.__module__.split(".")[0] in ("dask", "dask_expr") and kind.__name__ == "DataFrame"
    )


def _is_table(source: Any) -> bool:
    """Whether something has columns: pandas, Polars, Arrow."""
    return any(hasattr(source, name) for name in ("columns", "column_names", "__arrow_c_stream__"))


def _frame(source: Any) -> Any:
    """Take a Dask DataFrame, or read one lazily."""
    if not isinstance(source, (str, os.PathLike)):
        return source
    try:
        import dask.dataframe as dd
    except ImportError:
        raise ExtraMissing("A map of Parquet files that are larger than memory", "dask") from None
    path = Path(source)
    if not path.exists():
        raise FileMissing(str(path))
    from explorer.render.dask_rows import computing

    with computing():
        return dd.read_parquet(path)
