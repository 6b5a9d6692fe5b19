from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest

import explorer
from explorer.animation.ends import staged_ends
from explorer.animation.film import Film
from explorer.animation.options import AnimationOptions
from explorer.data.dataset import Dataset
from explorer.errors import BadParameter
from explorer.labels import category_labels, wanted_labels
from explorer.picture_labels import Stamp, label_spots
from explorer.scene import Scene


@pytest.fixture(scope="module")
def ends(dataset: Dataset) -> tuple[Scene, Scene]:
    return staged_ends(dataset, "umap", "tsne")


@pytest.fixture(scope="module")
def film(ends: tuple[Scene, Scene]) -> Film:
    labels = wanted_labels(ends[0], "automatic"), wanted_labels(ends[1], "automatic")
    return Film(*ends, title="", width=960, height=540, dark=False, labels=labels)


def middle(stamp: Stamp) -> tuple[float, float]:
    high, wide, _ = stamp.rgba.shape
    return stamp.left + wide / 2, stamp.top + high / 2


def test_at_both_ends_are_the_names_of_the_map_there(film: Film, ends: tuple[Scene, Scene]):
    width, height = (side / film.sheet.scale for side in film.sheet.map[2:])
    for t, scene in zip((0.0, 1.0), ends, strict=True):
        view = scene.shown.index.home.fitted(width, height)
        expected = {}
        for spot in label_spots(category_labels(scene), view, width=width, height=height, ground="#ffffff"):
            expected.setdefault(spot.label.text, (spot.x * film.sheet.scale, spot.y * film.sheet.scale))
        written = {stamp.text: middle(stamp) for stamp in film._names.stamps(t)}
        assert sorted(written) == sorted(expected) == ["kind 0", "kind 1", "kind 2"]
        for name, place in written.items():
            assert place == pytest.approx(expected[name], abs=2)


def test_a_name_goes_with_its_rows(film: Film, dataset: Dataset):
    """The rows of a kind lie together at both ends, so its name is never far from them."""
    kinds = np.arange(dataset.n_rows) % 3
    _, _, width, height = film.sheet.map
    for t in np.linspace(0, 1, 9).tolist():
        places, view = film._journey.standing(t).places(np.arange(dataset.n_rows)), film._look(t)
        for stamp in film._names.stamps(t):
            mine = places[kinds == int(stamp.text[-1])]
            x, y = (mine[:, 0] - view.x0) / view.span[0] * width, (view.y1 - mine[:, 1]) / view.span[1] * height
            assert np.hypot(x - middle(stamp)[0], y - middle(stamp)[1]).min() < 0.1 * width


def test_no_name_lies_over_another_but_where_one_fades(film: Film):
    for t in np.linspace(0, 1, 41).tolist():
        whole = [stamp for stamp in film._names.stamps(t) if stamp.rgba[..., 3].max() > 250]
        for one, other in combinations(whole, 2):
            apart = [abs(a - b) for a, b in zip(middle(one), middle(other), strict=True)]
            high, wide = ((a + b) / 2 for a, b in zip(one.rgba.shape[:2], other.rgba.shape[:2], strict=True))
            assert apart[0] > 0.75 * wide or apart[1] > 0.5 * high or min(t, 1 - t) < 0.1


def test_names_move_smoothly_and_are_on_the_picture(film: Film, ends: tuple[Scene, Scene]):
    plain = Film(*ends, title="", width=960, height=540, dark=False)
    assert (film.map(0.5) != plain.map(0.5)).any()
    assert not plain._names.stamps(0.5)
    places = [{stamp.text: middle(stamp) for stamp in film._names.stamps(t)} for t in np.linspace(0, 1, 121).tolist()]
    steps = [np.hypot(*np.subtract(now[name], before[name])) for before, now in pairwise(places) for name in now if name in before]
    assert max(steps) < 30


def test_names_are_an_option(dataset: Dataset, film: Film, tmp_path, monkeypatch: pytest.MonkeyPatch):
    assert AnimationOptions().labels == "automatic"
    made: list[Film] = []
    monkeypatch.setattr("explorer.animation.file._write", lambda file, film, *_: (made.append(film), file.write_bytes(b"x")))
    for how in ({}, {"labels": "none"}):
        explorer.animate(dataset, tmp_path / "out.gif", progress=False, **how)
    assert [len(each._names.stamps(0.0)) for each in made] == [3, 0]
    with pytest.raises(BadParameter, match="colored by size, which has numbers"):
        explorer.animate(dataset, tmp_path / "out.gif", color="size", labels="categories", progress=False)
    with pytest.raises(BadParameter, match="labels"):
        explorer.animate(dataset, tmp_path / "out.gif", labels="all", progress=False)
