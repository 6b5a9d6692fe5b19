"""The textbook way to link two maps and a table, as HoloViews' documentation has it; what linked.py compares with.

``panel serve linked_textbook.py --args FILE WIDTH HEIGHT`` with the Parquet file of linked.py and the size of a map in pixels.
"""

from __future__ import annotations

import sys
from functools import partial

import holoviews as hv
import pandas as pd
import panel as pn
from holoviews.operation.datashader import rasterize

COLUMNS = ["umap_1", "umap_2", "tsne_1", "tsne_2", "category", "number", "count"]


def read(path: str) -> pd.DataFrame:
    """Read the file once for all sessions."""
    return pd.read_parquet(path, columns=COLUMNS)


hv.extension("bokeh")
pn.extension("tabulator")
path, width, height = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
frame = pn.state.as_cached("rows", partial(read, path))
link = hv.link_selections.instance()
maps = [rasterize(hv.Points(frame, [f"{name}_1", f"{name}_2"])) for name in ("umap", "tsne")]
size = {"frame_width": width, "frame_height": height, "tools": ["lasso_select"], "active_tools": ["lasso_select"]}
linked = link(maps[0].opts(**size) + maps[1].opts(**size))
table = pn.widgets.Tabulator(link.selection_param(frame), pagination="remote", page_size=10, height=260, width=2 * width)
pn.Column(linked, table).servable(title="Textbook")
