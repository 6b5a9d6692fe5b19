"""A map as one page: what is in the file, and what never is."""

from __future__ import annotations

import base64
import io
import json
import re
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import explorer
from explorer.animation.ends import staged_layout
from explorer.compute.progress import Stopped
from explorer.data.dataset import Dataset, open_dataset
from explorer.errors import BadParameter, UnknownChoice, UnknownFormat, VectorsNeeded
from explorer.labels import wanted_labels
from explorer.map_page import rows as page_rows
from explorer.map_page.page import about_bytes, save_map_page, write_map_page
from explorer.map_page.tiles import TILE, levels_for, square_of, tiles
from explorer.outlines import category_outlines
from explorer.scene import Scene
from explorer.state.appearance import Hidden

EVIL = "</script><script>alert(1)</script>"
ON_MAP = EVIL[:31] + "…"


def data(n: int = 60, **columns: Any) -> Dataset:
    numbers = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "x": numbers.normal(size=n).astype(np.float32),
            "y": numbers.normal(size=n).astype(np.float32),
            "word": [f"word {i}" for i in range(n)],
            "kind": [("a", "b", EVIL)[i % 3] for i in range(n)],
            "score": np.linspace(0, 1, n),
            **columns,
        }
    )
    return open_dataset(frame, name=f"Rows {EVIL}", label="word", color="kind")


@pytest.fixture(scope="module")
def scene() -> Scene:
    dataset = data()
    return staged_layout(dataset, dataset.layouts[0].name)


def page_of(scene: Scene, **options: Any) -> str:
    file = io.StringIO()
    write_map_page(file, scene, **options)
    return file.getvalue()


def block(page: str, name: str) -> str:
    found = re.search(rf'<script type="[^"]+" id="{name}">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return found[1]


def unpacked(page: str) -> dict[str, Any]:
    """Read the columns as the page's script does."""
    known = json.loads(block(page, "data"))["known"]
    body, at, parts = zlib.decompress(base64.b64decode(block(page, "rows"))), 0, []
    for part in known["parts"]:
        piece, at = body[at : at + part["size"]], at + part["size"]
        kinds = {"u8": "u1", "u16": "<u2", "u32": "<u4", "f32": "<f4"}
        parts.append(json.loads(piece) if part["kind"] == "json" else np.frombuffer(piece, kinds[part["kind"]]))
    assert at == len(body)
    columns = {
        field["name"]: [field["names"][code] for code in parts[field["at"]]] if "names" in field else list(parts[field["at"]])
        for field in known["fields"]
    }
    return {"x": parts[0], "y": parts[1], "ids": parts[2], "colors": [known["lut"][slot] for slot in parts[3]], **columns}


def test_the_rows_of_the_file_are_those_of_the_data(scene: Scene):
    found = unpacked(page_of(scene))
    assert found["ids"].tolist() == list(range(60))
    assert found["word"] == [f"word {i}" for i in range(60)]
    assert found["kind"] == [("a", "b", EVIL)[i % 3] for i in range(60)]
    np.testing.assert_allclose(found["score"], np.linspace(0, 1, 60), atol=1e-6)
    assert found["colors"] == [scene.coloring.color_of(row) for row in range(60)]
    square, places = square_of(scene), scene.shown.places(np.arange(60))
    np.testing.assert_allclose(square.x0 + found["x"] / 65_535 * square.span[0], places[:, 0], atol=square.span[0] / 60_000)
    np.testing.assert_allclose(square.y1 - found["y"] / 65_535 * square.span[0], places[:, 1], atol=square.span[0] / 60_000)


def test_no_text_of_the_data_is_markup(scene: Scene):
    page = page_of(scene, title=EVIL, notes=[EVIL])
    assert EVIL not in page
    assert "alert(1)" in block(page, "data")
    assert "default-src 'none'" in page
    assert not re.search(r"https?://(?!www\.w3\.org)", page)


def test_each_row_is_on_a_tile_of_each_level(scene: Scene):
    deepest = levels_for(60)
    pictures = {
        (tile.level, tile.column, tile.line): np.asarray(Image.open(io.BytesIO(tile.data)).convert("RGBA"))
        for tile in tiles(scene, deepest)
    }
    square, places = square_of(scene), scene.shown.places(np.arange(60)).astype(float)
    for level in range(deepest + 1):
        side = TILE * 2**level
        across = ((places[:, 0] - square.x0) / square.span[0] * side).astype(int)
        down = ((square.y1 - places[:, 1]) / square.span[0] * side).astype(int)
        for px, py in zip(across.tolist(), down.tolist(), strict=True):
            picture = pictures[level, px // TILE, py // TILE]
            assert picture[max(py % TILE - 2, 0) : py % TILE + 3, max(px % TILE - 2, 0) : px % TILE + 3, 3].max() > 60


def test_tiles_without_rows_are_not_in_the_file():
    dataset = data(4, x=np.array([0, 0, 1, 1], np.float32), y=np.array([0, 1, 0, 1], np.float32))
    scene = staged_layout(dataset, dataset.layouts[0].name)
    deepest = [tile for tile in tiles(scene, 2) if tile.level == 2]
    assert len(deepest) < 16


def test_filtered_rows_are_not_in_the_file():
    view = explorer.Explorer(data())
    view._session.filters.put("query", "few", np.arange(60) < 10)
    file = io.StringIO()
    write_map_page(file, view._scene)
    assert unpacked(file.getvalue())["ids"].tolist() == list(range(10))


def test_a_map_of_many_rows_is_a_picture(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(page_rows, "ROWS_MOST", 59)
    page = page_of(scene)
    assert json.loads(block(page, "data"))["known"] is None
    assert block(page, "rows") == ""


def test_numbers_have_a_color_bar():
    dataset = data()
    page = page_of(staged_layout(dataset, dataset.layouts[0].name, color="score"))
    legend = json.loads(block(page, "data"))["legend"]
    assert (len(legend["colors"]), [word[0] for word in legend["words"]]) == (12, ["≤", "≥"])


def named(page: str) -> set[str]:
    return set(json.loads(block(page, "data"))["labels"].get("names", "").split("\n")) - {""}


def test_what_is_named_on_the_map_is_named_on_the_page_and_what_is_hidden_is_not():
    view = explorer.Explorer(data())
    scene = view._scene
    page = page_of(scene, labels=wanted_labels(scene, "categories"))
    assert named(page) == {"a", "b", ON_MAP}
    assert EVIL not in page
    left, top, side = json.loads(block(page, "data"))["square"]
    numbers = np.frombuffer(base64.b64decode(json.loads(block(page, "data"))["labels"]["numbers"]), "<f4").reshape(7, -1)
    for x, y in numbers[:2].T:
        assert left < x < left + side
        assert top - side < y < top
    assert named(page_of(scene)) == set()
    view._session.appearance.hide_in("kind", Hidden(frozenset({"a"})))
    hidden = view._scene
    assert named(page_of(hidden, labels=wanted_labels(hidden, "categories"))) == {"b", ON_MAP}


def test_a_page_that_is_saved_has_the_names_that_a_person_wants(tmp_path: Path):
    view, path = explorer.Explorer(data()), tmp_path / "map.html"
    for labels, names in ((None, {"a", "b", ON_MAP}), ("none", set()), ("categories", {"a", "b", ON_MAP})):
        view.save_page(path, labels=labels)
        assert named(path.read_text("utf-8")) == names
    view._session.appearance.labels = "none"
    view.save_page(path)
    assert named(path.read_text("utf-8")) == set()
    explorer.export_map(data(), path, view.dataset.layouts[0].name, progress=False)
    assert named(path.read_text("utf-8")) == {"a", "b", ON_MAP}


def test_stopping_leaves_no_file(scene: Scene, tmp_path: Path):
    with pytest.raises(Stopped):
        save_map_page(tmp_path / "map.html", scene, should_stop=lambda: True)
    assert not list(tmp_path.iterdir())


def test_the_size_said_before_is_about_that_of_the_file(tmp_path: Path):
    dataset = data(3_000)
    made = save_map_page(tmp_path / "map.html", staged_layout(dataset, dataset.layouts[0].name))
    assert made.n_known == made.n_rows == 3_000
    assert made.n_bytes == (tmp_path / "map.html").stat().st_size
    assert 0.5 < about_bytes(3_000) / made.n_bytes < 2


def test_a_map_is_written_by_one_line(tmp_path: Path):
    dataset = data()
    for name in ("map.html", "map.svg", "map.png"):
        made = explorer.export_map(dataset, tmp_path / name, dataset.layouts[0].name, progress=False)
        assert made.n_rows == 60
        assert made.n_bytes == (tmp_path / name).stat().st_size > 1_000
    with pytest.raises(UnknownFormat):
        explorer.export_map(dataset, tmp_path / "map.pdf")
    with pytest.raises(BadParameter, match="as wide as the window"):
        explorer.export_map(dataset, tmp_path / "map.html", width=100)


def test_a_map_that_is_written_by_one_line_has_the_names_and_contours_of_the_page(tmp_path: Path):
    dataset = data()

    def written(name: str, **options: Any) -> str | bytes:
        explorer.export_map(dataset, tmp_path / name, dataset.layouts[0].name, progress=False, title="", **options)
        return (tmp_path / name).read_bytes() if name.endswith(".png") else (tmp_path / name).read_text("utf-8")

    plain, usual = str(written("map.svg", labels="none")), str(written("map.svg"))
    assert (plain.count(">a</text>"), usual.count(">a</text>") > 1) == (1, True), "named on the map, and not in the legend alone"
    assert str(written("map.svg", contours="categories")).count("<path") > usual.count("<path")
    pictures = [written("map.png", **how) for how in ({"labels": "none"}, {}, {"contours": "categories"})]
    assert len(set(pictures)) == 3
    told = json.loads(block(str(written("map.html", labels="none", contours="categories")), "data"))
    assert not told["labels"]
    assert told["contours"]
    with pytest.raises(BadParameter, match="colored by score, which has numbers"):
        explorer.export_map(dataset, tmp_path / "map.svg", dataset.layouts[0].name, color="score", contours="categories", progress=False)
    with pytest.raises(VectorsNeeded):
        explorer.export_map(dataset, tmp_path / "map.svg", dataset.layouts[0].name, labels="clusters", progress=False)
    with pytest.raises(UnknownChoice, match="labels"):
        explorer.export_map(dataset, tmp_path / "map.svg", labels="all")


def test_contours_are_in_the_file_where_the_map_has_them(scene: Scene):
    assert json.loads(block(page_of(scene), "data"))["contours"] == []
    told = json.loads(block(page_of(scene, contours=partial(category_outlines, scene)), "data"))["contours"]
    assert {each["slot"] for each in told} == {entry[3] for entry in json.loads(block(page_of(scene), "data"))["legend"]["entries"]}
    square = square_of(scene)
    for each, outline in zip(told, category_outlines(scene), strict=True):
        assert all(re.fullmatch("#[0-9a-f]{6}", color) for color in each["colors"])
        for line, points in zip(each["lines"], outline.lines, strict=True):
            x, y = np.array(line).reshape(-1, 2).T / 65_535 * square.span[0]
            np.testing.assert_allclose(np.stack([square.x0 + x, square.y1 - y], axis=1), points, atol=2e-4)
