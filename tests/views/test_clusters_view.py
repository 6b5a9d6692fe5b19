"""The clusters panel: what it tells the browser, and what clicks do; a browser's word is checked."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from explorer.compute.clusters import ClusterTree
from explorer.data.dataset import Dataset
from explorer.session import Session
from explorer.views.clusters import ClustersView


def view_of(session: Session, n_rows: int) -> ClustersView:
    view = ClustersView(session)
    clustering = session.clustering
    coarse = (np.arange(n_rows) >= n_rows // 2).astype(np.int32)
    tree = ClusterTree((coarse, coarse), (np.array([-1, -1], np.int32), np.array([0, 1], np.int32)))
    clustering._found = (("birds", "fish"), ("gulls", "<b>cod</b>"))
    clustering.param.update(tree=tree, names=list(clustering._found))
    return view


def test_the_tree_is_told_and_a_click_selects(session: Session, opened: Callable[..., Dataset]) -> None:
    opened()
    n = session.dataset.n_rows
    view = view_of(session, n)
    layers = view.component.content["layers"]
    assert [layer["title"] for layer in layers] == ["clusters (coarse)", "clusters (fine)"]
    assert layers[1]["names"] == ["gulls", "<b>cod</b>"]
    assert layers[1]["parents"] == [0, 1]
    assert sum(layers[0]["sizes"]) == n
    view._take({"type": "select", "layer": 0, "cluster": 1})
    assert session.selection.made_by == "cluster fish"
    view._take({"type": "select", "layer": 0, "cluster": 0, "mode": "add"})
    assert session.selection.count == n
    view._take({"type": "rename", "layer": 1, "cluster": 0, "name": "sea gulls"})
    assert view.component.content["layers"][1]["names"][0] == "sea gulls"


def test_what_a_browser_makes_up_changes_nothing(session: Session, opened: Callable[..., Dataset]) -> None:
    opened()
    view = view_of(session, session.dataset.n_rows)
    for message in (
        None,
        {"type": "select", "layer": 7, "cluster": 0},
        {"type": "select", "layer": 0, "cluster": -1},
        {"type": "select", "layer": True, "cluster": 0},
        {"type": "select", "layer": 0, "cluster": 0, "mode": "else"},
        {"type": "rename", "layer": 0, "cluster": 0, "name": 7},
        {"type": "color", "layer": 5},
    ):
        view._take(message)
    assert session.selection.count == 0
    assert session.clustering.names[0] == ("birds", "fish")
