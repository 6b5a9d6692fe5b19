"""The numbers behind a picture: which rows a view shows, and a table of them; draws nothing."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from explorer.data.export import KeptRows, coordinates_table
from explorer.render.accumulate import gather_visible
from explorer.render.layout_index import frozen
from explorer.render.view import View
from explorer.scene import Scene

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["rows_in_view", "view_table"]


def rows_in_view(scene: Scene, view: View) -> NDArray[np.int32]:
    """List the rows that a view shows, ascending; rows of hidden categories are none of them. Costs about as much as drawing them."""
    index = scene.shown.index
    shown, shown_bits = (np.ones(1, bool), 0) if scene.shown_rows is None else (scene.shown_rows.flags, -1)
    found = gather_visible(index.x, index.y, index.boxes, tuple(map(float, view.sane())), 1, frozen(shown), shown_bits, len(index))
    rows: NDArray[np.int32] = np.sort(index.rows[found])
    return rows


def view_table(scene: Scene, view: View, *, kept: Mapping[str, KeptRows] = MappingProxyType({})) -> pa.Table:
    """Make a table of the rows that a view shows.

    Parameters
    ----------
    scene : Scene
        The map.
    view : View
        What is seen of it.
    kept : mapping of str to KeptRows, optional
        Selections of the scene's dataset by name.

    Returns
    -------
    pyarrow.Table
        "row" (the row number), "x" and "y" as the layout was computed, where rows are selected "selected", "selection: name" for each that
        is kept, then the metadata. A column of the metadata with one of these names gets a number behind its name.
    """
    rows = rows_in_view(scene, view)
    return coordinates_table(scene.dataset, scene.shown.written, rows, selected=scene.selection_mask, kept=kept)
