"""The textbook way to show many points, as HoloViews' documentation has it; what zoom.py compares with.

``panel serve textbook_app.py --args FILE`` with a Parquet file of x, y and category.
"""

from __future__ import annotations

import sys
from functools import partial

import colorcet
import datashader as ds
import holoviews as hv
import pandas as pd
import panel as pn
from holoviews.operation.datashader import datashade

WIDTH, HEIGHT = 900, 700


def read(path: str) -> pd.DataFrame:
    """Read the file once for all sessions."""
    return pd.read_parquet(path).astype({"category": "category"})


hv.extension("bokeh")
frame = pn.state.as_cached("points", partial(read, sys.argv[1]))
points = hv.Points(frame, ["x", "y"], "category")
shaded = datashade(points, aggregator=ds.by("category"), color_key=colorcet.glasbey[: frame["category"].nunique()])
pn.panel(shaded.opts(width=WIDTH, height=HEIGHT, active_tools=["wheel_zoom"])).servable(title="Textbook")
