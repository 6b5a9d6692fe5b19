"""The textbook way to select on two maps of many points, as HoloViews' documentation has it; what linked.py compares with.

``panel serve linked_textbook.py --args FILE WIDTH HEIGHT`` with a Parquet file of :func:`linked_rows.paired_file` and the size of a map.
A lasso needs spatialpandas (``pip install spatialpandas``); HoloViews' other way, shapely, tests one point after the other in Python.
Without spatialpandas a box selects, which is quicker.
"""

from __future__ import annotations

import sys
from functools import partial
from importlib.util import find_spec

import holoviews as hv
import pandas as pd
import panel as pn
from holoviews.operation.datashader import rasterize
from holoviews.selection import link_selections
from linked_rows import PAIRS

hv.extension("bokeh")
path, width, height = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
frame = pn.state.as_cached("rows", partial(pd.read_parquet, path, columns=[name for pair in PAIRS for name in pair]))
rows = hv.Dataset(frame)
maps = [rasterize(hv.Points(rows, list(pair))) for pair in PAIRS]
tools = ["lasso_select" if find_spec("spatialpandas") else "box_select"]
look = hv.opts.Image(width=width, height=height, cnorm="eq_hist", tools=tools, active_tools=tools)
pn.panel(link_selections(maps[0] + maps[1]).opts(look)).servable(title="Textbook")
