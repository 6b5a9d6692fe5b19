"""From what a person set to what is on the map: loads the layout, decides the colors, prepares the scene; for a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.jobs.runner import Runner
from explorer.runs import Opened, load, runs_of
from explorer.scene import Run, Scene, Shown, stage, staged_already
from explorer.shelf import colored, colored_already, shown_already
from explorer.state.appearance import Appearance, Hidden

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["Look", "Staged", "open_already", "prepare_scene"]


class Look(NamedTuple):
    """What is set about a map's look, at a moment."""

    color_by: str | None
    colormap: str
    palette: str
    hidden: Hidden
    density: Literal["log", "equalized", "linear"]
    point_size: float | None

    @classmethod
    def of(cls, appearance: Appearance) -> Look:
        """Read the state, which may change later."""
        column = appearance.color_by
        hidden = appearance.hidden_in(column)
        return cls(column, appearance.colormap, appearance.palette, hidden, appearance.density, appearance.point_size)


class Staged(NamedTuple):
    """A scene that is ready; ``scene`` is none where its layout is gone, ``runs`` where they cannot have changed."""

    scene: Scene | None
    runs: list[Run] | None


def open_already(dataset: Dataset, look: Look, jobs: Runner) -> Opened | None:
    """Find what can be shown of a dataset at once, if somebody has all of it open: then showing it takes milliseconds.

    Parameters
    ----------
    dataset : Dataset
        What somebody has open.
    look : Look
        What is set by whoever asks; the column is the dataset's own.
    jobs : Runner
        Knows which layouts there are.
    """
    runs = runs_of(dataset, jobs)
    first = shown_already(dataset, runs[0]) if runs else None
    colors = colored_already(dataset, dataset.color, cmap=look.colormap, palette=look.palette)
    if first is None or colors is None or not staged_already(first, colors, look.density):
        return None
    return Opened(dataset, runs, first)


def prepare_scene(
    dataset: Dataset,
    run: Run | Shown,
    look: Look,
    mask: NDArray[np.bool_] | None,
    passing: NDArray[np.bool_] | None,
    before: Scene | None,
    jobs: Runner,
) -> Staged:
    """Prepare what is asked for, using what an earlier scene has; ``mask`` has the selected rows, ``passing`` those that filters leave.

    Raises
    ------
    ExplorerError
        If it cannot be drawn.
    """
    known = before if before is not None and before.dataset is dataset else None
    runs = None
    if isinstance(run, Shown):
        on_map: Shown | None = run
    elif known is not None and known.shown.run == run:
        on_map = known.shown
    else:
        on_map, runs = load(dataset, run, jobs), runs_of(dataset, jobs)
    if on_map is None:
        return Staged(None, runs)
    before_colors = None if known is None else known.coloring
    colors = colored(dataset, look.color_by, cmap=look.colormap, palette=look.palette, before=before_colors)
    scene = stage(
        dataset,
        on_map,
        colors,
        density=look.density,
        point_size=look.point_size,
        mask=mask,
        passing=passing,
        hidden=look.hidden,
        before=known,
    )
    return Staged(scene, runs)
