"""Explorer as a notebook, a script and a server meet it; a real compute process, real threads."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import panel as pn
import pytest
from PIL import Image

import explorer
from explorer.app import Explorer
from explorer.errors import BadParameter, BadState, EncoderUnknown, ExplorerError, NoVectors, UnknownChoice, UnknownColumn, UnknownRow
from explorer.jobs.runner import runner
from explorer.pages import keep_order

seeds = count(1)


def frame(n: int = 40, **columns: Any) -> pd.DataFrame:
    """Rows that no other test has, so that nothing of them is in the store."""
    vectors = np.random.default_rng(next(seeds)).normal(size=(n, 6)).astype(np.float32)
    return pd.DataFrame(
        {"embedding": list(vectors), "word": [f"word {i}" for i in range(n)], "kind": [("a", "b")[i % 2] for i in range(n)], **columns}
    )


@pytest.fixture
def view() -> Explorer:
    return Explorer(frame(), vectors="embedding", label="word", color="kind")


def test_what_was_given_is_there_for_the_next_line(view: Explorer):
    assert (view.dataset.n_rows, view.dataset.n_dims, view.dataset.label, view.dataset.color) == (40, 6, "word", "kind")
    assert view.clicked is None
    assert view.selection.size == 0
    assert len(view.neighbors) == 0


def test_coordinates_that_came_with_the_data_are_on_the_map_at_once():
    numbers = np.random.default_rng(0)
    view = Explorer(frame(x=numbers.normal(size=40), y=numbers.normal(size=40)))
    assert view.layout.coordinates.shape == (40, 2)
    assert np.allclose(view.layout.coordinates[:, 0], view.dataset.layouts[0].coordinates[:, 0])


def test_run_returns_the_layout_that_is_on_the_map(view: Explorer):
    layout = view.run("pca")
    assert layout.coordinates.shape == (40, 2)
    assert layout.method == "pca"
    assert view.layout is layout
    other = view.run("tsne", n_iter=10)
    assert other.params["n_iter"] == 10
    assert view.layout is other
    assert view.run("pca").coordinates is not None
    assert view.layout.method == "pca"


@pytest.mark.parametrize(
    ("method", "params", "error", "said"),
    [
        ("umpa", {}, UnknownChoice, "Did you mean umap"),
        ("umap", {"n_neighbours": 5}, UnknownChoice, "Did you mean n_neighbors"),
        ("umap", {"n_neighbors": 1}, BadParameter, "n_neighbors=1"),
        ("umap", {"min_dist": 1.0, "spread": 0.5}, BadParameter, r"min_dist=1\.0"),
    ],
)
def test_a_run_that_cannot_be_is_refused_and_leaves_the_map(
    view: Explorer, method: str, params: dict[str, Any], error: type[ExplorerError], said: str
):
    layout = view.run("pca")
    with pytest.raises(error, match=said):
        view.run(method, **params)
    assert view.layout is layout


def test_a_click_from_python_finds_true_neighbors(view: Explorer):
    view.clicked = np.int64(3)
    assert view.clicked == 3
    assert type(view.clicked) is int
    vectors = view.dataset.vectors.astype(np.float64)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    far = 1 - unit @ unit[3]
    far[3] = np.inf
    nearest = np.argsort(far)[:10]
    found = view.neighbors
    assert list(found.columns) == ["row", "distance", "word", "kind"]
    assert found["row"].tolist() == nearest.tolist()
    np.testing.assert_allclose(found["distance"], far[nearest], atol=1e-5)
    assert found["word"].tolist() == [f"word {i}" for i in nearest]
    view.clicked = None
    assert len(view.neighbors) == 0


def test_row_numbers_and_distances_are_true_whatever_the_columns_are_called():
    view = Explorer(frame(row=np.zeros(40), distance=["far"] * 40))
    view.clicked = 5
    found = view.neighbors
    assert list(found.columns) == ["row", "distance", "word", "kind"]
    assert 5 not in found["row"].tolist()
    assert found["distance"].is_monotonic_increasing


@pytest.mark.parametrize("row", [40, -1, 10**9])
def test_a_click_on_no_row_is_refused(view: Explorer, row: int):
    view.clicked = 3
    with pytest.raises(UnknownRow, match=f"no row {row}: the rows of this dataset are numbered 0 to 39"):
        view.clicked = row
    assert view.clicked == 3
    with pytest.raises(TypeError, match="float"):
        view.clicked = 2.5


def test_without_a_dataset_nothing_is_selected():
    assert Explorer().selected.empty


def test_a_selection_goes_in_and_out(view: Explorer):
    assert view.selected.empty
    view.selection = [5, 1, 5]
    assert view.selection.tolist() == [1, 5]
    pd.testing.assert_frame_equal(view.selected, view.dataset.frame([1, 5]))
    view.selection = view.dataset.frame()["kind"].to_numpy() == "a"
    assert view.selection.tolist() == list(range(0, 40, 2))
    with pytest.raises(UnknownRow, match="no row 40"):
        view.selection = [40]
    assert view.selection.size == 20
    view.selection = []
    assert view.selection.size == 0


def test_selections_are_kept_by_name(view: Explorer):
    assert view.selections == {}
    with pytest.raises(BadParameter, match="nothing is selected"):
        view.keep_selection("none")
    view.selection = [5, 1]
    view.keep_selection(" two ")
    view.selection = np.arange(40) > 36
    view.keep_selection("last")
    kept = view.selections
    assert list(kept) == ["two", "last"]
    assert (kept["two"].tolist(), kept["last"].tolist()) == ([1, 5], [37, 38, 39])
    assert kept["two"].dtype == np.int64
    kept["two"][:] = 0
    view.selection = view.selections["two"]
    assert view.selection.tolist() == [1, 5]
    with pytest.raises(BadParameter, match="1 to 80 characters"):
        view.keep_selection("x" * 81)
    assert list(view.selections) == ["two", "last"]


def test_search_and_query_return_row_numbers(view: Explorer):
    assert view.search("WORD 1").tolist() == [1, *range(10, 20)]
    assert view.search("word 1", mode="word", column="word").dtype == np.int64
    assert view.query('kind == "b" and word in ["word 1", "word 2"]').tolist() == [1]
    with pytest.raises(UnknownColumn, match=r"Did you mean kind\?"):
        view.query("kin == 'b'")
    with pytest.raises(ExplorerError, match="Open a dataset first"):
        Explorer().query("kind == 'b'")


def test_semantic_search_returns_the_nearest_rows_with_their_metadata(view: Explorer):
    with pytest.raises(EncoderUnknown, match="--encoder"):
        view.semantic_search("word")
    frame = pd.DataFrame({"similarity": ["a", "b", "ab", ""]})
    counted = explorer.open_dataset(frame, text="similarity", encoder=lambda texts: [[t.count("a"), t.count("b")] for t in texts])
    found = Explorer(counted).semantic_search("b", k=2)
    assert found.index.tolist() == [1, 2]
    assert found["similarity (2)"].tolist() == pytest.approx([1, 0.5**0.5])
    assert found["similarity"].tolist() == ["b", "ab"]


def test_watchers_hear_of_the_selection_and_of_clicks(view: Explorer):
    heard: list[tuple[str, Any]] = []
    watcher = view.param.watch(lambda *events: heard.extend((event.name, event.new) for event in events), ["selection", "clicked"])
    view.selection = [3, 1]
    view.clicked = 2
    assert [name for name, _ in heard] == ["selection", "clicked"]
    assert heard[0][1].tolist() == [1, 3]
    assert heard[1][1] == 2
    assert pn.bind(lambda rows: rows.tolist(), view.param.selection)() == [1, 3]
    view.param.unwatch(watcher)
    view.selection = np.arange(40) > 36
    assert len(heard) == 2
    assert view.selection.tolist() == [37, 38, 39]


def test_state_goes_through_json_and_back(view: Explorer):
    session = view._session
    view.selection = [1, 2, 3]
    session.selection.keep("three")
    session.filters.put("query", "n > 3", np.arange(40) > 3)
    session.appearance.density = "linear"
    session.arrangement.table = True
    written = json.dumps(view.state)
    session.history.clear()
    view.selection = []
    session.selection.forget("three")
    session.filters.clear()
    session.appearance.density = "log"
    view.state = json.loads(written)
    assert view.selection.tolist() == [1, 2, 3]
    assert session.selection.names == ["three"]
    assert session.filters.entries["query"].label == "n > 3"
    assert session.filters.entries["query"].count == 36
    assert session.appearance.density == "linear"
    assert {**json.loads(json.dumps(view.state)), "maps": None} == {**json.loads(written), "maps": None}


@pytest.mark.parametrize(
    "broken",
    [
        {"appearance": {"density": "dense"}},
        {"appearance": "log"},
        {"selection": {"mask": "AAAA", "made_by": "", "kept": {}}},
        {"filters": [{"key": "a"}]},
        {"dataset": {"name": "other", "rows": 3, "fingerprint": "x"}},
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(view: Explorer, broken: dict[str, Any]):
    view.selection = [1, 2]
    view._session.appearance.density = "equalized"
    before = view.state
    with pytest.raises(BadState, match="Nothing was changed"):
        view.state = {"choice": {"method": "tsne"}, **broken}
    assert {**view.state, "maps": None} == {**before, "maps": None}  # the first map may have computed itself meanwhile


def test_an_explorer_of_nothing_says_what_to_do():
    view = Explorer()
    assert (view.dataset, view.layout, view.clicked, len(view.neighbors)) == (None, None, None, 0)
    with pytest.raises(ExplorerError, match="Open a dataset first"):
        view.run()
    with pytest.raises(UnknownRow, match="There is no row 0: no dataset is open"):
        view.clicked = 0
    with pytest.raises(UnknownRow, match="no dataset is open"):
        view.selection = [0]


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ("/nowhere/at/all.parquet", {}),
        ("no-such-dataset", {}),
        pytest.param(object(), {}, id="an object"),
        (np.zeros(5), {}),
        (np.zeros((5, 3)), {}),
        (np.ones((1, 3)), {}),
        ([[1.0, 2.0], [3.0]], {}),
        ({"a": 1}, {}),
        (pd.DataFrame(), {}),
    ],
    ids=str,
)
def test_what_cannot_be_opened_is_an_explorer_error(source: object, options: dict[str, Any]):
    with pytest.raises(ExplorerError, match=r"\w+ \w+"):
        Explorer(source, **options)


def test_options_that_do_not_fit_are_explorer_errors():
    for options, error in (({"color": "kinds"}, UnknownColumn), ({"vectors": "embeding"}, UnknownColumn), ({"label": "w"}, UnknownColumn)):
        with pytest.raises(error, match="has no column"):
            Explorer(frame(), **options)
    with pytest.raises(NoVectors, match="no column of vectors"):
        Explorer(frame().drop(columns="embedding"))


@pytest.mark.parametrize("color", ["word", "picture", "when"])
def test_any_column_may_color(color: str):
    numbers = np.random.default_rng(0)
    data = frame(
        picture=[b"\x89PNG\r\n\x1a\n" + bytes([i]) for i in range(40)],
        when=pd.date_range("2020", periods=40),
        x=numbers.normal(size=40),
        y=numbers.normal(size=40),
    )
    view = Explorer(data, color=color)
    assert view.layout is not None
    assert view._session.error == ""


def test_it_can_be_shown(view: Explorer):
    root = view.__panel__().get_root()
    assert root is not None


def test_inside_a_running_loop_the_next_line_has_the_layout_and_a_click_is_answered_in_a_while():
    async def cell() -> None:
        view = Explorer(frame(), vectors="embedding")
        layout = view.run("pca")
        assert view.layout is layout
        view.clicked = 4
        async with asyncio.timeout(60):
            while view._session.neighbors is None:
                await asyncio.sleep(0.01)
        assert view._session.neighbors.rows.tolist() == view.neighbors["row"].tolist()
        assert view.layout is layout

    asyncio.run(cell())


def test_a_dataset_of_the_process_is_computed_once_for_all_its_explorers():
    data = explorer.open_dataset(frame(), vectors="embedding")
    first, second = Explorer(data), Explorer(data)
    layout = first.run("tsne", n_iter=20)
    pid = runner().worker_pid
    assert second.run("tsne", n_iter=20) is layout
    assert runner().worker_pid == pid


# -- export


@pytest.fixture
def on_map() -> Explorer:
    numbers = np.random.default_rng(0)
    return Explorer(frame(x=numbers.normal(size=40), y=numbers.normal(size=40)), color="kind")


def opened(path: Path) -> Image.Image:
    return Image.open(io.BytesIO(path.read_bytes()))


def test_the_picture_is_a_file_of_the_first_view_where_no_browser_shows_the_map(on_map: Explorer, tmp_path: Path):
    on_map.save_picture(tmp_path / "map.png", title="", legend=False)
    assert opened(tmp_path / "map.png").size == (1800, 1400)
    on_map.save_picture(tmp_path / "small.png", width=300, title="Mine", background="transparent")
    small = opened(tmp_path / "small.png")
    assert small.width == 300
    assert small.height > 233
    assert small.mode == "RGBA"
    assert small.info["Title"] == "Mine"
    with pytest.raises(BadParameter, match="width=8001"):
        on_map.save_picture(tmp_path / "large.png", width=8001)


def test_rows_in_view_are_every_row_until_a_browser_looks_elsewhere(on_map: Explorer):
    rows = on_map.rows_in_view
    assert list(rows)[:3] == ["row", "x", "y"]
    assert rows["row"].tolist() == list(range(40))
    assert rows["word"].tolist() == on_map.dataset.frame()["word"].tolist()
    on_map.selection = [3, 5]
    assert on_map.rows_in_view.query("selected")["row"].tolist() == [3, 5]
    on_map.keep_selection("two")
    assert list(on_map.rows_in_view)[:5] == ["row", "x", "y", "selected", "selection: two"]
    assert on_map.rows_in_view.query("`selection: two`")["row"].tolist() == [3, 5]
    look = {"type": "draw", "client": "a", "id": 1, "x0": 0, "x1": 9, "y0": -9, "y1": 9, "width": 90, "height": 180}
    on_map._panels.map.layer._handle_msg({**look, "ratio": 1, "moving": False, "background": "#ffffff"})
    assert on_map.rows_in_view["row"].tolist() == np.flatnonzero(on_map.layout.coordinates[:, 0] >= 0).tolist()


def test_without_a_map_there_is_no_export(tmp_path: Path):
    view = Explorer()
    with pytest.raises(ExplorerError, match="There is no map yet"):
        view.save_picture(tmp_path / "map.png")
    with pytest.raises(ExplorerError, match="There is no map yet"):
        _ = view.rows_in_view
    assert not list(tmp_path.iterdir())


SCRIPT = """
import numpy as np, pandas as pd, explorer
from explorer import Explorer

if __name__ == "__main__":
    vectors = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    view = Explorer(pd.DataFrame({"embedding": list(vectors), "word": [str(i) for i in range(30)]}))
    layout = view.run("pca")
    assert view.layout is layout
    view.clicked = 3
    print(len(view.neighbors), view.dataset.n_rows)
"""


def test_a_plain_script_runs_to_its_end(python: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path):
    (tmp_path / "script.py").write_text(SCRIPT)
    assert python("script.py").stdout == "10 30\n"


def test_a_pool_in_which_events_overtake_each_other_is_closed(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    with ThreadPoolExecutor(4) as pool:
        monkeypatch.setattr(pn.state, "_thread_pool", pool)  # as --num-threads sets it
        keep_order()
        assert pn.state._thread_pool is None
        with pytest.raises(RuntimeError):
            pool.submit(print)
    assert "--num-threads" in caplog.text
    caplog.clear()
    keep_order()
    assert not caplog.text


SERVE = """
import sys
from pathlib import Path
import panel as pn
from panel.io.application import build_single_handler_application
from panel.tests.util import serve_and_request

folder = Path(sys.argv[1])
app = build_single_handler_application(str(folder))
answer = serve_and_request({"/explorer": app}, suffix="/explorer")
assert answer.status_code == 200, answer.status_code
assert "<title>Explorer</title>" in answer.text
print(sorted(name for name in sys.modules if name.startswith("bokeh_app_") and "." in name))
print(sorted({name for name in sys.modules if name.partition(".")[0] in ("umap", "pynndescent", "openTSNE")}))
print(sorted(name for name in ("app", "session", "errors", "state", "views", "scene") if name in sys.modules))
import explorer.app
print(Path(explorer.app.__file__).parent == folder, len([name for name in sys.modules if name.endswith("explorer.app")]))
pn.state.kill_all_servers()
"""


def test_served_by_panel_the_package_is_imported_once_under_its_own_name(
    python: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
):
    (tmp_path / "serve.py").write_text(SERVE)
    folder = Path(explorer.__file__).resolve().parent
    assert python("serve.py", str(folder)).stdout.splitlines()[-4:] == ["[]", "[]", "[]", "True 1"]
