from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from PIL import Image

import explorer
from explorer.animation import file as animation_file
from explorer.animation.file import animate, check_animation
from explorer.animation.film import Film
from explorer.data.dataset import Dataset
from explorer.errors import BadParameter, UnknownChoice, UnknownColumn, UnknownFormat, Unwritable, VectorsNeeded

if TYPE_CHECKING:
    import pandas as pd

MakeFilm = Callable[..., Film]
SMALL = {"width": 320, "height": 180, "seconds": 0.5, "fps": 8}


def pictures_of(path: Path) -> list[np.ndarray]:
    if path.suffix == ".html":
        found = re.findall(r'<img src="data:image/webp;base64,([^"]+)" alt="" decoding', path.read_text("utf-8"))
        return [np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")) for data in found]
    if path.suffix == ".gif":
        with Image.open(path) as file:
            return [np.asarray(file.convert("RGB")) for place in range(file.n_frames) if file.seek(place) is None]
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@pytest.mark.parametrize(
    ("name", "n", "turn"), [("film.mp4", 24, 12), ("film.webm", 24, 12), ("film.gif", 8, 4), ("film.HTML", 5, 4), ("film.html", 5, 4)]
)
def test_a_file_goes_from_one_layout_to_the_other(dataset: Dataset, film: MakeFilm, tmp_path: Path, name: str, n: int, turn: int):
    path = tmp_path / name
    made = animate(dataset, path, "umap", "tsne", **SMALL)
    assert made == ("umap → tsne", 120, 320, 180, 3.0)
    found = pictures_of(path.rename(path.with_suffix(path.suffix.lower())))
    assert len(found) == n
    expected = film(named=True)
    for place, t in ((0, 0.0), (turn, 1.0)):
        picture = expected.map(t) if ".html" in name.lower() else expected.picture(t)
        assert found[place].shape == picture.shape
        assert np.abs(found[place].astype(int) - picture).mean() < 2
    assert len(list(tmp_path.iterdir())) == 1, "nothing else is left"


def test_without_loop_it_ends_at_the_second_layout(dataset: Dataset, tmp_path: Path):
    made = animate(dataset, tmp_path / "film.gif", "umap", "tsne", **SMALL, loop=False)
    assert made.seconds == 2.5
    assert len(pictures_of(tmp_path / "film.gif")) == 5


def test_a_layout_is_computed_where_there_is_none(dataset: Dataset, tmp_path: Path):
    made = explorer.animate(dataset, tmp_path / "film.gif", "tsne", "pca", color="size", progress=False, dark=True, title="", **SMALL)
    assert made.title == "tsne → PCA"
    assert pictures_of(tmp_path / "film.gif")[0][0, 0].tolist() == [18, 18, 18]
    assert animate(dataset, tmp_path / "film.gif", "PCA", "tsne", **SMALL).title == "PCA → tsne", "also by its title"


@pytest.mark.parametrize(
    ("ending", "options", "size"),
    [
        ("mp4", {}, (1280, 720, 30)),
        ("webm", {"width": 640}, (640, 360, 30)),
        ("gif", {}, (800, 450, 20)),
        ("html", {"height": 360, "fps": 5}, (640, 360, 5)),
        ("mp4", {"width": 1001 + 1, "height": 1000}, (1002, 1000, 30)),
    ],
)
def test_what_is_not_said_follows_from_what_is(tmp_path: Path, ending: str, options: dict[str, int], size: tuple[int, int, int]):
    plan = animation_file._planned(tmp_path / f"film.{ending}", options)
    assert (plan.width, plan.height, plan.fps) == size


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"width": 159}, r"width=159 is not allowed: give a whole number from 160 to 3840, or nothing for automatic\."),
        ({"width": 3.5}, r"width=3.5 is not allowed"),
        ({"seconds": 0}, r"seconds=0 is not allowed: give a number from 0.1 to 60\."),
        ({"fps": 61}, r"fps=61 is not allowed"),
        ({"loop": "yes"}, r"loop=yes is not allowed: give True or False\."),
        ({"title": 3}, r"title=3 is not allowed: give text\."),
        ({"widht": 300}, r"widht is not a option|widht is not a.*Did you mean width"),
    ],
)
def test_options_that_do_not_fit_are_one_sentence(tmp_path: Path, options: dict[str, object], sentence: str):
    with pytest.raises((BadParameter, UnknownChoice), match=sentence):
        check_animation(tmp_path / "film.mp4", **options)


def test_a_gif_has_no_more_pictures_than_browsers_show(tmp_path: Path):
    check_animation(tmp_path / "film.gif", fps=50)
    with pytest.raises(BadParameter, match=r"fps=60 is not allowed: a \.gif file has at most 50"):
        check_animation(tmp_path / "film.gif", fps=60)


def test_a_file_that_cannot_be_written_is_told_before_anything_is_read(tmp_path: Path):
    with pytest.raises(UnknownFormat, match=r"film\.avi .* \.mp4, \.webm, \.gif, \.html"):
        animate("gone.parquet", tmp_path / "film.avi")
    with pytest.raises(Unwritable, match="there is no folder"):
        animate("gone.parquet", tmp_path / "nowhere" / "film.mp4")
    (tmp_path / "folder.gif").mkdir()
    with pytest.raises(Unwritable, match="it is a folder"):
        animate("gone.parquet", tmp_path / "folder.gif")


def test_a_layout_that_is_not_there_is_one_sentence(dataset: Dataset, table: pd.DataFrame, tmp_path: Path):
    path = tmp_path / "film.gif"
    with pytest.raises(UnknownChoice, match=r"umpa is not a layout\. Did you mean umap\? The choices are pca, umap, tsne\."):
        animate(dataset, path, "umpa", "tsne")
    with pytest.raises(UnknownChoice, match=r"umap is not a layout to travel to from umap.*The choices are pca, tsne\."):
        animate(dataset, path, "umap", "umap")
    alone = explorer.open_dataset(table[["umap_1", "umap_2", "kind"]])
    with pytest.raises(VectorsNeeded, match="t-SNE needs vectors"):
        animate(alone, path)
    with pytest.raises(VectorsNeeded, match="A layout other than umap needs vectors"):
        animate(alone, path, "umap", "umap")
    with pytest.raises(UnknownChoice, match=r"The choices are umap\."):
        animate(alone, path, "nothing", "umap")
    with pytest.raises(UnknownColumn, match=r"has no column knid\. Did you mean kind"):
        animate(dataset, path, color="knid")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_nothing_behind(table: pd.DataFrame, tmp_path: Path):
    table.drop(columns="embedding").to_parquet(tmp_path / "few.parquet")
    code = """
import os, resource
import explorer
explorer.animate("few.parquet", "film.gif", width=160, seconds=0.1, fps=8)  # compiles, which is kept in files as well
os.remove("film.gif")
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, resource.RLIM_INFINITY))  # no file may be larger
for ending in ("mp4", "webm", "gif", "html"):
    try:
        explorer.animate("few.parquet", f"film.{ending}", width=320, seconds=0.5, fps=8)
    except explorer.DataError as error:
        print(error)
"""
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"film.{ending} cannot be written: File too large." for ending in ("mp4", "webm", "gif", "html")]
    assert [path.name for path in tmp_path.iterdir()] == ["few.parquet"]
