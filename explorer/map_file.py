"""A map without a page, as a file: a web page, a picture for print, or a PNG; chosen by the file's ending."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NamedTuple, get_args

from explorer.animation.ends import check_categories, known_clusters, staged_layout
from explorer.data.dataset import open_dataset
from explorer.data.export import check_target
from explorer.errors import BadParameter, UnknownChoice
from explorer.jobs.runner import runner
from explorer.labels import wanted_labels
from explorer.map_page.page import save_map_page
from explorer.methods import paragraph
from explorer.outlines import wanted_outlines
from explorer.picture_file import WIDEST, Window, save_picture
from explorer.state.appearance import ContourChoice, LabelChoice
from explorer.terminal import report_bar
from explorer.vector_picture import save_svg

__all__ = ["MapFile", "check_map_file", "export_map"]

_ENDINGS: Final = (".html", ".svg", ".png")


class MapFile(NamedTuple):
    """What was written: which layout, how many rows it shows, and bytes."""

    title: str
    n_rows: int
    n_bytes: int


def check_map_file(path: str | os.PathLike[str], width: int | None = None) -> None:
    """Refuse a file that cannot be written, before anything is opened or computed for it; see :func:`export_map`."""
    check_target(path, endings=_ENDINGS)
    if width is None:
        return
    if Path(path).suffix.lower() == ".html":
        raise BadParameter("width", width, "a web page is as wide as the window that shows it; leave it out.")
    if not 1 <= width <= WIDEST:
        raise BadParameter("width", width, f"give a whole number of pixels from 1 to {WIDEST:,}.")


def export_map(
    source: object,
    path: str | os.PathLike[str],
    layout: str = "umap",
    *,
    color: str | None = None,
    title: str | None = None,
    width: int | None = None,
    labels: LabelChoice = "automatic",
    contours: ContourChoice = "none",
    progress: bool | None = None,
) -> MapFile:
    """Write a map as a file that needs no server.

    Parameters
    ----------
    source : Dataset, path, name in the catalog, data frame or ndarray of shape (n, d)
        Whatever :func:`explorer.open_dataset` opens.
    path : str or PathLike
        Ends with .html (a page with zoom, names, legend, search and, up to 200,000 rows, what is known of each; it fetches nothing), .svg
        (for print: a picture with title and legend as text) or .png. The file appears complete or not at all.
    layout : str
        "umap", "tsne" or "pca", which is computed with its usual parameters where it neither came with the data nor was computed before; or
        the title of any layout that the page offers.
    color : str, optional
        The column that colors the map; by default the one that colors it first.
    title : str, optional
        The first line; the dataset's name by default.
    width : int, optional
        Pixels of a picture, 1 to 8,000.
    labels : {"automatic", "categories", "clusters", "none"}
        What is named on the map. Automatic: the clusters, where somebody has found some, else the categories that color it, where there are
        2 to 60. With "clusters" they are found first, where nobody has.
    contours : {"none", "categories", "clusters"}
        What has lines around it, around half and nine of ten of its rows where they lie closest.
    progress : bool, optional
        Whether to draw a progress bar on stderr; by default when that is a terminal.

    Returns
    -------
    MapFile
        What was written.

    Raises
    ------
    DataError
        If the source cannot be opened, has no such column, or the file cannot be written.
    ParameterError
        If there is no such layout, the width does not fit, or categories are asked for where none color the map.
    JobError
        If the layout, or the clusters, cannot be computed.
    """
    check_map_file(path, width)
    for name, choice, choices in (("labels", labels, LabelChoice), ("contours", contours, ContourChoice)):
        if choice not in get_args(choices):
            raise UnknownChoice(name, choice, list(get_args(choices)))
    dataset = open_dataset(source)
    scene = staged_layout(dataset, layout, color=color, progress=progress)
    clusters = known_clusters(dataset, asked="clusters" in (labels, contours), progress=progress)
    for name, choice in (("labels", labels), ("contours", contours)):
        check_categories(scene, name, choice)
    over = {"labels": wanted_labels(scene, labels, clusters), "contours": wanted_outlines(scene, contours, clusters)}
    ending, window = Path(path).suffix.lower(), Window(scene.home)
    window = window._replace(view=window.view.fitted(window.width, window.height))
    with report_bar(shown=progress) as report:
        if ending == ".html":
            save_map_page(path, scene, title=title, notes=[paragraph(dataset, scene.shown.run, runner())], **over, report=report)
        else:
            (save_svg if ending == ".svg" else save_picture)(path, scene, window, width=width, title=title, **over, report=report)
    return MapFile(scene.title, scene.n_shown, Path(path).stat().st_size)
