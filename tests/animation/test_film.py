from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from explorer.animation.ends import staged_ends
from explorer.animation.film import DARK, LIGHT, Film, Shot, ahead, shots
from explorer.data.dataset import Dataset, open_dataset
from explorer.picture_file import Window, usual_point
from explorer.render.frame import render
from explorer.scene import Scene

MakeFilm = Callable[..., Film]


def still(scene: Scene, film: Film, ground: str) -> np.ndarray:
    """Draw a layout that does not travel, as large as the film's map."""
    _, _, width, height = film.sheet.map
    scale, view = film.sheet.scale, scene.shown.index.home.fitted(width, height)
    point = usual_point(scene, Window(view, width / scale, height / scale)) * scale
    how = {"point_px": point, "always_discs": True, "pixel_ratio": scale, "background": ground}
    return render(scene.request(view, width, height, **how)).rgba[..., :3]


@pytest.mark.parametrize(("dark", "ground"), [(False, LIGHT), (True, DARK)])
def test_the_ends_are_the_two_layouts(film: MakeFilm, dataset: Dataset, *, dark: bool, ground: str):
    made = film(dark=dark)
    for t, scene in zip((0.0, 1.0), staged_ends(dataset, "umap", "tsne"), strict=True):
        expected = still(scene, made, ground).astype(int)
        assert np.abs(made.map(t) - expected).max() <= 3, "only float32 makes a difference"
        assert (expected != expected[0, 0]).any(axis=-1).mean() > 0.01


def test_all_rows_move_and_none_leaves_the_picture(film: MakeFilm):
    made = film()
    pictures = [made.map(t) for t in np.linspace(0, 1, 6)]
    inked = [int((picture != 255).any(axis=-1).sum()) for picture in pictures]
    assert min(inked) > 0.3 * max(inked)
    for one, other in pairwise(pictures):
        assert (one != other).any()
    edges = [np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]]) for picture in pictures]
    assert all((edge == 255).all() for edge in edges)


def test_the_words_say_where_the_map_is(film: MakeFilm):
    made = film()
    first, middle, last = (made.picture(t) for t in (0.0, 0.5, 1.0))
    assert first.shape == (180, 320, 3)
    head = slice(0, made.sheet.map.top)
    assert (first[head] != last[head]).any()
    assert (first[head] != middle[head]).any()
    outside = np.ones(first.shape[:2], bool)
    outside[head] = False
    outside[made.sheet.map.inside] = False
    assert (first[outside] == last[outside]).all(), "the legend stands still"


def test_names_and_notes_say_what_is_shown(film: MakeFilm):
    assert film().names == ("umap", "tsne")
    assert film().notes == ["colored by kind", "120 rows"]
    assert film(color=None).notes == ["120 rows"]


def test_rows_that_one_layout_lacks_do_not_travel(table: pd.DataFrame):
    holes = table.drop(columns="embedding")
    holes.loc[:9, ["tsne_1", "tsne_2"]] = np.nan
    made = Film(*staged_ends(open_dataset(holes), "umap", "tsne"), title="", width=320, height=180, dark=False)
    assert made.n_rows == 110
    assert made.notes[-1] == "110 of 120 rows"


@pytest.mark.parametrize("odd", ["no row in common", "one spot", "infinite"])
def test_odd_layouts_are_drawn_all_the_same(table: pd.DataFrame, odd: str):
    changed = table.drop(columns="embedding")
    if odd == "no row in common":
        changed.loc[:59, ["tsne_1", "tsne_2"]] = np.nan
        changed.loc[60:, ["umap_1", "umap_2"]] = np.nan
    elif odd == "one spot":
        changed[["tsne_1", "tsne_2"]] = 3.0
    else:
        changed.loc[7, "tsne_1"] = np.inf
    made = Film(*staged_ends(open_dataset(changed), "umap", "tsne"), title="", width=320, height=180, dark=False)
    assert made.n_rows == {"no row in common": 0, "one spot": 120, "infinite": 119}[odd]
    for t in (0.0, 0.5, 1.0):
        assert (made.map(t) != 255).any() == (odd != "no row in common")


def test_many_rows_are_single_pixels_that_move_smoothly():
    numbers = np.random.default_rng(0)
    one, other = numbers.normal(size=(2, 60_000, 2))
    many = open_dataset(pd.DataFrame({"umap_1": one[:, 0], "umap_2": one[:, 1], "tsne_1": other[:, 0], "tsne_2": other[:, 1]}))
    made = Film(*staged_ends(many, "umap", "tsne"), title="", width=320, height=180, dark=False)
    assert made.map(0.5).shape == (made.sheet.map.height, made.sheet.map.width, 3)
    step = np.abs(made.map(0.5).astype(int) - made.map(0.501)).mean()
    assert 0 < step < 4


@pytest.mark.parametrize(("loop", "expected"), [(True, [(0, 5), (0.5, 1), (1, 5), (0.5, 1)]), (False, [(0, 4), (0.5, 1), (1, 5)])])
def test_shots_stand_at_both_ends_and_travel_between(*, loop: bool, expected: list[tuple[float, int]]):
    made = shots(seconds=0.5, fps=4, loop=loop)
    assert made == [Shot(*shot) for shot in expected]


@pytest.mark.parametrize(
    ("seconds", "fps", "loop", "n"), [(4, 30, True, 300), (4, 30, False, 180), (0.1, 1, True, 4), (60, 60, False, 3720)]
)
def test_an_animation_takes_as_long_as_said(*, seconds: float, fps: int, loop: bool, n: int):
    assert sum(shot.n for shot in shots(seconds=seconds, fps=fps, loop=loop)) == n


def test_ahead_keeps_the_order_and_makes_a_few_only():
    made: list[int] = []
    series = ahead(lambda i: made.append(i) or i * i, range(100))
    assert [next(series) for _ in range(3)] == [0, 1, 4]
    assert len(made) < 12
    series.close()
    assert len(made) < 12
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("explorer-film")]
    assert list(ahead(lambda i: i, range(5))) == list(range(5))


def test_ahead_passes_on_what_goes_wrong():
    with pytest.raises(ZeroDivisionError):
        list(ahead(lambda i: 1 // i, [1, 0, 1]))
