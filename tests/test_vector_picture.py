"""A map as SVG: well-formed, its words as text, its picture without loss."""

from __future__ import annotations

import base64
import io
import re
import xml.etree.ElementTree as ET
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from explorer.animation.ends import staged_layout
from explorer.data.dataset import open_dataset
from explorer.errors import BadParameter, UnknownFormat
from explorer.labels import category_labels
from explorer.outlines import category_outlines
from explorer.picture_file import Window, write_picture
from explorer.scene import Scene
from explorer.vector_picture import save_svg, write_svg

SVG = "{http://www.w3.org/2000/svg}"
NAMES = ["a & <b>", "two\x08", "three"]


def scene_of(color: str) -> Scene:
    numbers = np.random.default_rng(0)
    frame = pd.DataFrame(numbers.normal(size=(50, 2)).astype(np.float32), columns=["x", "y"])
    frame["kind"], frame["score"] = [NAMES[i % 3] for i in range(50)], np.arange(50) / 7
    dataset = open_dataset(frame, name="Rows <i>")
    return staged_layout(dataset, dataset.layouts[0].name, color=color)


def drawn(scene: Scene, **options: Any) -> ET.Element:
    file = io.BytesIO()
    write_svg(file, scene, Window(scene.home.fitted(600, 400), 600, 400), **options)
    return ET.fromstring(file.getvalue())


def texts(made: ET.Element) -> list[str]:
    return [text.text or "" for text in made.iter(f"{SVG}text")]


def test_title_and_legend_are_text():
    said = texts(drawn(scene_of("kind")))
    assert said[0] == "Rows <i>"
    assert "colored by kind · 50 of 50 rows" in said[1]
    assert {"kind", "a & <b>", "three", "17"} <= set(said)


def test_a_number_has_a_color_bar():
    made = drawn(scene_of("score"))
    assert len(list(made.iter(f"{SVG}stop"))) == 256
    assert any(text.startswith("≥ ") for text in texts(made))


def test_the_picture_is_that_of_the_picture_file():
    scene, file = scene_of("kind"), io.BytesIO()
    window = Window(scene.home.fitted(600, 400), 600, 400)
    write_picture(file, scene, window, width=1_500, background="white", title="", legend=False)
    (image,) = drawn(scene, width=1_500, background="white").iter(f"{SVG}image")
    data = base64.b64decode(image.attrib["href"].partition(",")[2])
    found = Image.open(io.BytesIO(data))
    assert found.size == (1_500, 1_000)
    np.testing.assert_array_equal(np.asarray(found), np.asarray(Image.open(file)))


def test_without_words_it_is_the_map_alone():
    made = drawn(scene_of("kind"), title="", legend=False, background="transparent")
    assert texts(made) == []
    assert made.attrib["viewBox"] == "0 0 600 400"
    assert not list(made.iter(f"{SVG}rect"))


def test_a_file_appears_complete_or_not_at_all(tmp_path: Path):
    scene = scene_of("kind")
    window = Window(scene.home)
    save_svg(tmp_path / "map.svg", scene, window)
    with pytest.raises(BadParameter):
        save_svg(tmp_path / "no.svg", scene, window, width=9_000)
    with pytest.raises(UnknownFormat):
        save_svg(tmp_path / "map.png", scene, window)
    assert [path.name for path in tmp_path.iterdir()] == ["map.svg"]


def test_contours_are_paths_over_the_picture_and_names_are_text_over_them():
    scene = scene_of("kind")
    plain, made = drawn(scene), drawn(scene, contours=partial(category_outlines, scene), labels=partial(category_labels, scene))
    assert not list(plain.iter(f"{SVG}path"))
    pictures = [next(each.iter(f"{SVG}image")).attrib["href"] for each in (plain, made)]
    assert pictures[0] == pictures[1], "neither is in the picture"
    paths = list(made.iter(f"{SVG}path"))
    assert len(paths) == 2 * 2 * 3, "halo and line of two shares of three categories"
    assert all(re.fullmatch(r"[MQZ\d. -]+", path.attrib["d"]) for path in paths)
    assert {path.attrib["fill"] for path in paths} == {"none"}
    named = [text for text in made.iter(f"{SVG}text") if text.text == "a & <b>" and "fill" in text.attrib and "stroke" not in text.attrib]
    assert named
    order = [each.tag for each in made.iter() if each.tag in (f"{SVG}image", f"{SVG}path")]
    assert order[0] == f"{SVG}image"
