"""``explorer.Map`` of rows in memory and ``explorer.transition``, as Python meets them, and what they are put together with."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd
import panel as pn
import polars as pl
import pytest

import explorer
from explorer.errors import BadParameter, UnknownChoice, UnknownColumn

N = 600
QUARTER = np.array([[0.0, 1.0], [-1.0, 0.0]])


def places() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((N, 2))


def kinds() -> np.ndarray:
    return np.where(places()[:, 0] > 0, "right", "left")


def wait(true: Callable[[], Any]) -> None:
    until = time.monotonic() + 60
    while not true():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.005)


@pytest.fixture(scope="module")
def view() -> explorer.Map:
    return explorer.Map(places(), color=kinds(), label=[f"<b>{i}" for i in range(N)])


def test_an_array_is_a_map_whose_selection_is_row_numbers(view: explorer.Map):
    assert isinstance(view, explorer.Map)
    said: list[Any] = []
    view.param.watch(lambda event: said.append(event.new.tolist()), "selection")
    view.selection = [5, 2]
    assert view.selection.tolist() == [2, 5]
    assert said == [[2, 5]]
    assert view.selected["label"].tolist() == ["<b>2", "<b>5"]
    view.selection = kinds() == "left"
    assert len(view.selection) == (kinds() == "left").sum()
    view.clicked = 7
    assert view.clicked == 7


def test_the_lasso_of_a_browser_is_read_back(view: explorer.Map):
    x0, x1, y0, y1 = -0.5, 0.5, -0.5, 0.5
    layer = view.maps.first.layer
    outline = {"x": [x0, x1, x1, x0], "y": [y0, y0, y1, y1]}
    layer._handle_msg({"type": "select", "client": "one", "mode": "replace", "shape": "lasso", **outline})
    inside = np.flatnonzero((np.abs(places()) < 0.5).all(axis=1))
    wait(lambda: view.selection.tolist() == inside.tolist())


def test_places_in_space_are_a_map_that_turns_and_a_lasso_selects_what_is_seen_in_it():
    space = np.random.default_rng(0).normal(size=(N, 3)).astype(np.float32)
    view = explorer.Map(space, color=kinds())
    plane, layer = view._session.planes[0], view.maps.first.layer
    assert layer.turn["dims"] == 3
    camera = plane.camera.dragged(1.0, 0.4)
    plane.turn(camera)
    wait(lambda: plane.scene.shown.camera == camera)
    outline = {"x": [-0.5, 0.5, 0.5, -0.5], "y": [-0.5, -0.5, 0.5, 0.5]}
    layer._handle_msg({"type": "select", "client": "one", "mode": "replace", "shape": "lasso", **outline})
    inside = np.flatnonzero((np.abs(plane.scene.shown.places(np.arange(N))) < 0.5).all(axis=1))
    wait(lambda: view.selection.tolist() == inside.tolist())
    assert len(inside)


@pytest.mark.parametrize("table", [pd.DataFrame, pl.DataFrame], ids=["pandas", "Polars"])
def test_a_table_brings_its_own_columns(table: Callable[..., Any]):
    x, y = places().T
    x[3] = np.nan
    view = explorer.Map(table({"east": x, "north": y, "kind": kinds(), "size": range(N)}), x="east", y="north", color="size", cmap="fire")
    dataset = view._session.dataset
    assert (dataset.n_rows, dataset.n_drawable, dataset.vectors) == (N, N - 1, None)
    assert dataset.table.column_names == ["kind", "size"]
    assert view._session.scene.coloring.kind == "number"


def test_a_layout_with_a_dataset_is_named_and_colored_by_it():
    vectors = np.random.default_rng(1).standard_normal((N, 5)).astype(np.float32)
    words = explorer.open_dataset(pd.DataFrame({"word": [f"w{i}" for i in range(N)], "kind": kinds()}), vectors=vectors, label="word")
    layout = explorer.Layout(places().astype(np.float32), "pca", {})
    view = explorer.Map(layout, data=words, color="kind")
    assert view._session.dataset.label == "word"
    assert view._session.scene.coloring.column == "kind"


def test_names_and_contours_are_chosen():
    usual = explorer.Map(places(), color=kinds()).maps.first.layer
    chosen = explorer.Map(places(), color=kinds(), labels="none", contours="categories").maps.first.layer
    wait(lambda: usual.labels and chosen.contours)
    assert {name for name, *_ in chosen.contours["outlines"]} <= set(kinds())
    assert not chosen.labels
    assert not usual.contours


def test_elements_of_holoviews_are_laid_over_a_map_and_share_its_selection(view: explorer.Map):
    over = hv.Points([(0, 0)]) * view * hv.Labels([(0, 0, "here")])
    assert isinstance(over, explorer.Map)
    layer = over.maps.first.layer
    assert layer.overlaid
    assert not view.maps.first.layer.overlaid
    figure = layer.figure.object
    assert {type(each.glyph).__name__ for each in figure.renderers} == {"Scatter", "Text"}
    assert {type(tool).__name__ for tool in figure.toolbar.tools} == {"PanTool", "WheelZoomTool"}
    view.selection = [1]
    assert over.selection.tolist() == [1]
    with pytest.raises(BadParameter, match=r"\+ puts anything beside it"):
        view * pn.pane.Str("text")


def test_anything_is_put_beside_a_map(view: explorer.Map):
    for row in (view + hv.Points([(0, 0)]), hv.Points([(0, 0)]) + view, view + pn.pane.Str("text"), pn.Row(view, "text")):
        assert isinstance(row, pn.Row)
        assert len(row) == 2


def test_as_an_element_it_is_drawn_anew_at_each_zoom(view: explorer.Map):
    element = view.element(width=200, height=100)
    composed = element * hv.Points([(0, 0)]) + hv.Curve([1, 2])
    assert isinstance(composed, hv.Layout)
    whole = element[()]
    assert whole.dimension_values(0, expanded=False).size == 200
    near = element.callback(x_range=(0.0, 1.0), y_range=(0.0, 0.5))
    assert near.bounds.lbrt() == pytest.approx((0.0, 0.0, 1.0, 0.5))
    near_rgb, whole_rgb = (np.stack([each.dimension_values(name) for name in "RGBA"]) for each in (near, whole))
    assert near_rgb.shape == whole_rgb.shape
    assert not np.array_equal(near_rgb, whole_rgb)


def test_a_transition_moves_what_differs_and_no_more():
    a = places()
    b = a @ QUARTER * 3 + 10  # the same, turned, scaled and moved
    b[0] = b[1]
    view = explorer.transition(a, b, color=kinds(), names=("before", "after"))
    plane = view._session.planes[0]
    wait(lambda: plane.journey is not None)
    assert plane.journey.title == "before → after"
    ways = plane.journey.goal.places(np.arange(N)) - plane.scene.shown.places(np.arange(N))
    far = np.hypot(*ways.T)
    assert far[0] == far.max() > 0.05
    assert np.median(far) < 0.05 * far[0]
    view.selection = [0]
    assert view.selection.tolist() == [0]


def test_a_transition_is_called_what_its_layouts_say():
    layouts = [explorer.Layout(places().astype(np.float32), method, {}) for method in ("umap", "tsne")]
    view = explorer.transition(*reversed(layouts), data=pd.DataFrame({"kind": kinds()}))
    plane = view._session.planes[0]
    wait(lambda: plane.journey is not None)
    assert plane.journey.title == "tsne → umap"


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda: explorer.Map(np.zeros((5, 4))), BadParameter, r"an array of numbers of shape \(n, 2\)"),
        (lambda: explorer.Map(np.full((5, 2), np.nan)), BadParameter, "at least 2"),
        (lambda: explorer.Map(places(), color="kind"), UnknownColumn, "has no column kind"),
        (lambda: explorer.Map(places(), color=[1, 2]), BadParameter, "one for each of the 600 rows"),
        (lambda: explorer.Map(places(), data=pd.DataFrame({"a": [1]})), BadParameter, "as many rows, in the same order"),
        (lambda: explorer.Map(pd.DataFrame({"x": ["a"], "y": ["b"]})), BadParameter, "columns of numbers"),
        (lambda: explorer.Map(places(), cmap="jet"), UnknownChoice, "is not a color map"),
        (lambda: explorer.Map(places(), labels="all"), UnknownChoice, "is not a choice of labels"),
        (lambda: explorer.transition(places(), places(), contours="rows"), UnknownChoice, "is not a choice of contours"),
        (lambda: explorer.transition(places(), places()[1:]), BadParameter, "layouts of the same rows"),
        (lambda: explorer.Map(np.zeros((5, 3))) * hv.Points([(0, 0)]), BadParameter, "the map turns"),
    ],
)
def test_what_is_no_map_is_refused_with_a_sentence(make: Callable[[], object], error: type[Exception], sentence: str):
    with pytest.raises(error, match=sentence):
        make()
