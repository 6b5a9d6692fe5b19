"""A map of a table of coordinates that is larger than memory, by itself: what ``explorer.Map`` is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from explorer.errors import ExtraMissing, FileMissing, UnknownColumn, UnknownSource
from explorer.frame_scene import Look
from explorer.pages import scheduler
from explorer.render.dask_survey import columns_of
from explorer.render.normalization import NormalizationName
from explorer.views.frame_view import FrameView

__all__ = ["Map"]

_WHAT = "explorer.Map takes a Dask DataFrame, or the path of Parquet files; explorer.Explorer takes tables in memory."


class Map(FrameView):
    """A map of a Dask DataFrame with coordinates: every row, added up by Datashader where the frame is computed, never collected.

    It is there at once and says what it is doing: the frame is gone over three times before the first picture of all rows. Zoom and move it
    with wheel and mouse; point at a row to see what it is. Compose it with anything of Panel: ``pn.Row(explorer.Map(frame), table)``.

    Parameters
    ----------
    source : dask.dataframe.DataFrame, or path
        The rows; a path of a Parquet file or of a folder of them is read by Dask. Only the columns that are drawn are read.
    x, y : str
        Columns of coordinates. Rows where one is missing or not finite are left out and counted.
    color : str, optional
        A column of numbers, whose mean is shown, or of categories (text, bool, categorical); by default color says how many rows
        there are.
    label : str, optional
        The column that names a row.
    cmap, palette : str
        Color map of numbers, and of how many rows there are; palette of categories. Empty for the default.
    density : {"log", "equalized", "linear"}
        How the number of rows in a pixel becomes opacity.
    point_size : float, optional
        Diameter of a row in pixels; automatic by default.
    height : int
        In pixels.

    Raises
    ------
    UnknownColumn, BadParameter, UnknownChoice
        If a column is not there or cannot be drawn, or there is no such look. What is found out later is said on the map.

    Examples
    --------
    >>> import dask.dataframe as dd
    >>> view = explorer.Map(dd.read_parquet("parts/"), x="umap_1", y="umap_2", color="topic", label="title")
    >>> view          # shows the map
    >>> view.clicked  # the number of the row that was clicked last
    """

    def __init__(
        self,
        source: Any,
        x: str = "x",
        y: str = "y",
        color: str | None = None,
        *,
        label: str | None = None,
        cmap: str = "",
        palette: str = "",
        density: NormalizationName = "log",
        point_size: float | None = None,
        height: int = 500,
        **params: Any,
    ) -> None:
        frame = _frame(source)
        columns = columns_of(frame, x, y, color)
        if label is not None and label not in frame.columns:
            raise UnknownColumn("The Dask DataFrame", label, list(map(str, frame.columns)))
        look = Look(cmap, palette, density, point_size).checked()
        super().__init__(frame, columns, look, label=label, later=scheduler(), height=height, **params)


def _frame(source: Any) -> Any:
    """Take a Dask DataFrame, or read one lazily."""
    kind = type(source)
    if kind.__module__.split(".")[0] in ("dask", "dask_expr") and kind.__name__ == "DataFrame":
        return source
    if not isinstance(source, (str, os.PathLike)):
        raise UnknownSource(kind.__name__, _WHAT)
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
