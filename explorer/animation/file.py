"""The way between two layouts into a file: what is asked for is checked and completed, and the writer chosen by the file's ending."""

from __future__ import annotations

import math
import os
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import numpy as np

from explorer.animation.ends import check_categories, known_clusters, staged_ends
from explorer.animation.film import Film, Shot, ahead, shots
from explorer.animation.gif import Palette, write_gif
from explorer.animation.options import AnimationOptions
from explorer.animation.strip import encode_map, write_strip
from explorer.animation.video import CODECS, check_video, write_video
from explorer.compute.progress import Report
from explorer.data.dataset import open_dataset
from explorer.data.export import check_target, unfinished
from explorer.errors import BadParameter
from explorer.labels import wanted_labels
from explorer.terminal import report_bar

__all__ = ["Animated", "animate", "check_animation"]


class _Usual(NamedTuple):
    """What a kind of file is like where nothing else is said."""

    width: int
    fps: int
    fps_most: int


_USUAL: Final = {
    ".mp4": _Usual(1280, 30, 60),
    ".webm": _Usual(1280, 30, 60),
    ".gif": _Usual(800, 20, 50),  # its times are hundredths of a second, and browsers do not show a picture for one of them
    ".html": _Usual(1280, 20, 60),
}
_SHAPE = 16 / 9
_PALETTE_FROM = 9  # pictures that a GIF's colors are taken from

_Made = TypeVar("_Made")


class Animated(NamedTuple):
    """What was written: from where to where, how many rows, how large in pixels, how long."""

    title: str
    n_rows: int
    width: int
    height: int
    seconds: float


class _Plan(NamedTuple):
    """An animation as it will be, whatever the layouts are."""

    ending: str
    width: int
    height: int
    fps: int
    chosen: AnimationOptions


def check_animation(path: str | os.PathLike[str], **options: object) -> None:
    """Refuse an animation that cannot be written, before anything is opened or computed for it; see :func:`animate`."""
    _planned(path, options)


def animate(
    source: object,
    path: str | os.PathLike[str],
    start: str = "umap",
    goal: str = "tsne",
    *,
    color: str | None = None,
    progress: bool | None = None,
    **options: object,
) -> Animated:
    """Write a file in which every row travels from one layout to another and back.

    Parameters
    ----------
    source : Dataset, path, name in the catalog, data frame or ndarray of shape (n, d)
        Whatever :func:`explorer.open_dataset` opens.
    path : str or PathLike
        Ends with .mp4, .webm (both need the extra ``video``), .gif or .html. The file appears complete or not at all.
    start, goal : str
        Two layouts: "pca", "umap" or "tsne", which is computed with its usual parameters where it neither came with the data nor was
        computed before; or the title of any layout that the page offers.
    color : str, optional
        The column that colors the map; by default the one that colors it first.
    progress : bool, optional
        Whether to draw progress bars on stderr; by default when that is a terminal.
    **options
        ``width`` and ``height`` in pixels, ``seconds``, ``fps``, ``loop``, ``dark``, ``title``; and ``labels``, what is named on the map:
        "automatic", "categories", "clusters" or "none".

    Returns
    -------
    Animated
        What was written.

    Raises
    ------
    DataError
        If the source cannot be opened, has no such column, or the file cannot be written.
    ParameterError
        If there is no such layout, or an option does not fit.
    ExtraMissing
        If the file is a video and PyAV is not installed.
    JobError
        If a layout cannot be computed.
    """
    plan = _planned(path, options)
    dataset = open_dataset(source)
    ends = staged_ends(dataset, start, goal, color=color, progress=progress)
    check_categories(ends[0], "labels", plan.chosen.labels)
    title = dataset.name if plan.chosen.title is None else plan.chosen.title
    choice = plan.chosen.labels
    clusters = known_clusters(dataset, asked=choice == "clusters", progress=progress)
    labels = wanted_labels(ends[0], choice, clusters), wanted_labels(ends[1], choice, clusters)
    film = Film(*ends, title=title, width=plan.width, height=plan.height, dark=plan.chosen.dark, labels=labels)
    series = shots(seconds=plan.chosen.seconds, fps=plan.fps, loop=plan.chosen.loop)
    with unfinished(path) as file, report_bar(shown=progress) as report:
        _write(file, film, series, plan, report)
    return Animated(" → ".join(film.names), film.n_rows, plan.width, plan.height, sum(shot.n for shot in series) / plan.fps)


def _planned(path: str | os.PathLike[str], options: dict[str, object]) -> _Plan:
    chosen = AnimationOptions.of(**options)
    check_target(path, endings=tuple(_USUAL))
    ending = Path(path).suffix.lower()
    usual = _USUAL[ending]
    fps = usual.fps if chosen.fps is None else chosen.fps
    if fps > usual.fps_most:
        raise BadParameter("fps", fps, f"a {ending} file has at most {usual.fps_most} pictures a second.")
    width, height = chosen.width, chosen.height
    if width is None:
        width = usual.width if height is None else _even(height * _SHAPE)
    if height is None:
        height = _even(width / _SHAPE)
    if ending in CODECS:
        check_video(ending, width, height)
    return _Plan(ending, width, height, fps, chosen)


def _even(side: float) -> int:
    return max(2 * math.floor(side / 2 + 0.5), 2)


def _write(file: Path, film: Film, series: Sequence[Shot], plan: _Plan, report: Report) -> None:
    if plan.ending == ".html":
        way = series[: [shot.t for shot in series].index(1.0) + 1]  # the page itself goes back
        with closing(_reported(ahead(lambda shot: encode_map(film.map(shot.t)), way), len(way), report)) as maps:
            write_strip(file, maps, film, seconds=plan.chosen.seconds, loop=plan.chosen.loop)
        return
    with closing(_reported(ahead(lambda shot: (film.picture(shot.t), shot.n), series), len(series), report)) as pictures:
        if plan.ending == ".gif":
            palette = Palette([film.picture(t) for t in np.linspace(0, 1, _PALETTE_FROM)], film.ground)
            write_gif(file, pictures, palette=palette, width=plan.width, height=plan.height, fps=plan.fps)
        else:
            title = ": ".join([*([film.title] if film.title else []), " → ".join(film.names)])
            write_video(file, pictures, ending=plan.ending, width=plan.width, height=plan.height, fps=plan.fps, title=title)


def _reported(made: Generator[_Made], n: int, report: Report) -> Generator[_Made]:
    with closing(made):
        for done, one in enumerate(made):
            report("animation", done / n)
            yield one
