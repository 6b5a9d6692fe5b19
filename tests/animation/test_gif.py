from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.animation.film import Film
from explorer.animation.gif import Palette, write_gif

MakeFilm = Callable[..., Film]


def frames(path: Path) -> list[tuple[np.ndarray, int]]:
    """Each picture as a browser shows it, and its milliseconds."""
    found = []
    with Image.open(path) as file:
        for place in range(file.n_frames):
            file.seek(place)
            file.load()
            found.append((np.asarray(file.convert("RGB")), int(file.info["duration"])))
        assert file.info["loop"] == 0
    return found


@pytest.mark.parametrize("dark", [False, True])
def test_a_gif_shows_the_pictures_it_was_made_of(film: MakeFilm, tmp_path: Path, *, dark: bool):
    made, path = film(dark=dark), tmp_path / "film.part"
    pictures = [made.picture(t) for t in np.linspace(0, 1, 5)]
    palette = Palette(pictures, made.ground)
    write_gif(path, zip(pictures, (20, 1, 1, 1, 20), strict=True), palette=palette, width=320, height=180, fps=20)
    found = frames(path)
    assert [ms for _, ms in found] == [1000, 50, 50, 50, 1000]
    for (frame, _), picture in zip(found, pictures, strict=True):
        assert np.array_equal(frame, palette.colors[palette.places(picture)]), "what did not change is what it was"
        assert np.abs(frame.astype(int) - picture).mean() < 1.5


def test_the_ground_is_kept_exactly():
    ground = np.full((4, 4, 3), 18, np.uint8)
    palette = Palette([ground, np.arange(48, dtype=np.uint8).reshape(4, 4, 3)], "#121212")
    assert (palette.colors[palette.places(ground)] == 18).all()


def test_times_do_not_drift(tmp_path: Path):
    pictures = [np.full((2, 2, 3), level, np.uint8) for level in range(0, 240, 8)]
    palette = Palette(pictures, "#ffffff")
    write_gif(tmp_path / "x", ((picture, 1) for picture in pictures), palette=palette, width=2, height=2, fps=30)
    assert sum(ms for _, ms in frames(tmp_path / "x")) == 1000


def test_pictures_without_a_change_are_pictures_too(tmp_path: Path):
    picture = np.full((5, 5, 3), 255, np.uint8)
    write_gif(tmp_path / "x", [(picture, 1)] * 3, palette=Palette([picture], "#ffffff"), width=5, height=5, fps=10)
    assert all((frame == 255).all() for frame, _ in frames(tmp_path / "x"))
