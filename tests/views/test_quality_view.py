"""The panel that compares layouts, and the figure beside their names in the bar: measured in the real compute process."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from explorer import assessment
from explorer.compute.neighbors import neighbor_graph
from explorer.compute.projections import UMAP, Layout
from explorer.data.dataset import Dataset, GivenGraph, open_dataset
from explorer.jobs.artifacts import LANDMARKS, LANDMARKS_VERSION, keep_layout
from explorer.jobs.runner import Runner
from explorer.session import Session
from explorer.views.layout_bar import LayoutBar
from explorer.views.quality import QualityView
from explorer.views.status import status_text
from tests.views.conftest import table

N = 100


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assessment, "_REST_S", 0.02)


@pytest.fixture
def view(session: Session) -> QualityView:
    return QualityView(session)


@pytest.fixture
def show(session: Session, loop: Any) -> Callable[..., Dataset]:
    def show_(*, seed: int, graph: bool = True) -> Dataset:
        dataset = open_dataset(table(N, seed=seed), label="word", color="kind")
        found = neighbor_graph(np.array(dataset.vectors), k=30)
        dataset = dataclasses.replace(dataset, graph=GivenGraph(found.indices, found.distances, "cosine") if graph else None)
        session.open(dataset)
        loop.until(lambda: session.scene is not None and session.scene.dataset is dataset)
        return dataset

    return show_


def send(view: QualityView, loop: Any, kind: str, **more: object) -> None:
    view.component._handle_msg({"type": kind, **more})
    loop.run()


def layout(view: QualityView) -> dict[str, Any]:
    return view.component.content["layouts"][0]


def test_a_measured_layout_is_told_with_what_chance_gives(view: QualityView, session: Session, loop: Any, show: Callable[..., Dataset]):
    assert view.component.content == {"hint": "Open a dataset first."}
    dataset = show(seed=50)
    bar = LayoutBar(session, session.planes[0])
    loop.until(lambda: layout(view)["state"] == "known" and view.component.content["neighborhoods"])
    told = layout(view)
    assert (told["title"], told["on_map"], told["failed"], told["metric"], told["colors"]) == ("x, y", True, "", "cosine", [])
    assert [k for k, _, _ in told["kept"]] == [5, 15, 30]
    k, share, chance = told["kept"][1]
    assert share == pytest.approx(dataset.numbers("kept of 15: x, y").mean(), abs=1e-6)
    assert chance == pytest.approx(15 / (N - 1))
    assert told["whole"].keys() == told["control"].keys() == {"trustworthiness", "continuity", "triplets", "correlation"}
    assert view.component.content["graph"] == "By the 30 nearest neighbors, cosine distance."
    assert np.array(view.component.content["pairs"]["counts"]).sum() == N * 100
    assert bar.component.content["kept"] == {"x, y": [k, share, chance]}


def test_a_layout_from_landmarks_says_what_that_cost(
    view: QualityView, session: Session, jobs: Runner, loop: Any, show: Callable[..., Dataset]
):
    fingerprint, settings = show(seed=57).fingerprint, {**UMAP().settings(), LANDMARKS: LANDMARKS_VERSION}
    stats = {"landmarks": 17.0, "sample_rows": 90.0, "sample_kept": 0.25, "sample_kept_at_once": 0.268}
    made = Layout(np.random.default_rng(0).normal(size=(N, 2)).astype(np.float32), "umap", settings, stats)
    keep_layout(jobs.store, fingerprint, made, settings=settings, version=UMAP.version, seconds=1.0)
    show(seed=57)
    title = "UMAP, from landmarks"
    loop.until(lambda: any(each["title"] == title and each["state"] == "known" for each in view.component.content["layouts"]))
    told = {each["title"]: each.get("remark") for each in view.component.content["layouts"]}
    sentence = "Of their nearest neighbors, 90 sampled rows keep 25.0% when laid out so, 26.8% at once."
    assert told[title] == f"Laid out from 17 landmarks, as all rows at once would not fit into memory. {sentence}"
    assert title in status_text(session)
    assert sentence.rstrip(".") in status_text(session)


def test_lines_and_chips_color_the_maps_and_as_before_when_pressed_again(
    view: QualityView, session: Session, loop: Any, show: Callable[..., Dataset]
):
    show(seed=51)
    loop.until(lambda: layout(view)["state"] == "known" and len(view.component.content["neighborhoods"]) > 1)
    send(view, loop, "color", title="x, y", what="missing")
    assert (session.appearance.color_by, layout(view)["colors"]) == ("missing: x, y", ["missing"])
    send(view, loop, "color", title="x, y", what="missing")
    assert session.appearance.color_by == "kind"
    send(view, loop, "color", what="in_degree")
    assert session.appearance.color_by == "in-degree"
    assert [chip["name"] for chip in view.component.content["neighborhoods"] if chip["on"]] == ["Hubs"]
    other = view.component.content["neighborhoods"][-1]
    assert (other["column"], other["name"]) == ("kind", "Other kind"), "of the categories that colored the maps before"
    send(view, loop, "disagreement", column="kind")
    loop.until(lambda: session.appearance.color_by == "other kind near")
    assert view.component.content["neighborhoods"][-1]["on"]


def test_without_a_graph_it_is_measured_when_asked_for_and_stopped(
    view: QualityView, session: Session, loop: Any, show: Callable[..., Dataset]
):
    show(seed=52, graph=False)
    assert layout(view)["state"] == "unknown"
    assert view.component.content["graph"] == "There is no neighbor graph yet; measuring computes it."
    said: list[str] = []
    view.component.param.watch(lambda event: said.append(event.new["title"]), ["progress"])
    send(view, loop, "measure", title="x, y")
    assert layout(view)["state"] == "waiting"
    send(view, loop, "stop")
    assert layout(view)["state"] == "unknown"
    send(view, loop, "measure", title="x, y")
    loop.until(lambda: layout(view)["state"] == "known")
    assert said[0] == "x, y"
    assert "all" not in view.component.content["graph"]


def test_a_layout_is_run_again_when_asked_for_and_colors_the_maps(
    view: QualityView, session: Session, jobs: Runner, loop: Any, show: Callable[..., Dataset]
):
    dataset = show(seed=54)
    assert layout(view)["steady"] == {"state": "fixed", "why": "Nobody knows how it was made."}
    jobs.submit_layout(dataset, UMAP(n_epochs=10)).result(60)
    session.open(dataset)

    def umap() -> dict[str, Any]:
        listed = view.component.content["layouts"]
        return next((layout for layout in listed if layout["title"] == "UMAP, n_epochs 10"), {"steady": {}})

    loop.until(lambda: umap()["steady"] == {"state": "unknown", "why": ""})
    said: list[dict[str, Any]] = []
    view.component.param.watch(lambda event: said.append(event.new), ["runs"])
    send(view, loop, "run_again", title="UMAP, n_epochs 10")
    send(view, loop, "stop_runs")
    assert umap()["steady"]["state"] == "unknown"
    send(view, loop, "run_again", title="UMAP, n_epochs 10")
    assert umap()["steady"]["state"] == "waiting"
    loop.until(lambda: umap()["steady"]["state"] == "known")
    assert ("UMAP, n_epochs 10", "run 4 of 4") in [(told["title"], told["stage"]) for told in said]
    told = umap()["steady"]
    assert (told["runs"], told["chance"]) == (4, pytest.approx(15 / (N - 1)))
    assert told["wobble"] < told["control"]
    json.dumps(view.component.content)
    loop.until(lambda: "UMAP, n_epochs 10: wobble" in session.columns)
    for what in ("wobble", "kept over runs"):
        send(view, loop, "color", title="UMAP, n_epochs 10", what=what)
        assert (session.appearance.color_by, umap()["colors"]) == (f"UMAP, n_epochs 10: {what}", [what])
        send(view, loop, "color", title="UMAP, n_epochs 10", what=what)
        assert session.appearance.color_by == "kind"


@pytest.mark.parametrize(
    "message",
    [
        "measure",
        None,
        {"type": "color", "title": "x, y", "what": "mars"},
        {"type": "color", "what": 3},
        {"type": "measure", "title": "mars"},
        {"type": "run_again", "title": "mars"},
        {"type": "run_again", "title": "x, y"},
        {"type": "color", "title": "x, y", "what": "wobble"},
        {"type": "color", "what": "wobble"},
        {"type": "disagreement", "column": "word"},
        {"type": "color", "title": ["x, y"], "what": "false"},
    ],
)
def test_messages_that_make_no_sense_change_nothing(
    view: QualityView, session: Session, loop: Any, show: Callable[..., Dataset], message: Any
):
    show(seed=53)
    loop.until(lambda: layout(view)["state"] == "known")
    view.component._handle_msg(message)
    loop.run()
    assert (session.appearance.color_by, session.error) == ("kind", "")


def test_coordinates_without_vectors_are_not_measured(view: QualityView, session: Session, loop: Any):
    bare = open_dataset(pd.DataFrame({"x": np.arange(9.0), "y": np.arange(9.0)}))
    session.open(bare)
    loop.until(lambda: session.scene is not None and session.scene.dataset is bare)
    assert "without vectors" in view.component.content["hint"]
