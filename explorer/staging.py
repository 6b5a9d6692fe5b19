"""From what a person set to what is on the map: loads the layout, decides the colors, prepares the scene; for a thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.aligning import Frames
from explorer.compute.projection import PLANE
from explorer.jobs.runner import Runner
from explorer.journey import Journey, OnTheWay
from explorer.render.normalization import Normalization
from explorer.render.scale import ScaleName
from explorer.runs import Opened, load, runs_of
from explorer.scene import Placed, Run, Scene, Shown, stage, staged_already
from explorer.shelf import colored, colored_already, shown, shown_already
from explorer.state.appearance import Appearance, Hidden
from explorer.turning import Turned

if TYPE_CHECKING:
    from explorer.compute.projections import Layout
    from explorer.data.dataset import Dataset

__all__ = ["Look", "Staged", "Way", "depart", "open_already", "prepare_scene"]


class Look(NamedTuple):
    """What is set about a map's look, at a moment."""

    color_by: str | None
    colormap: str
    palette: str
    hidden: Hidden
    density: Literal["log", "equalized", "linear"]
    point_size: float | None
    color_scale: ScaleName = "linear"
    called: Mapping[str, str] = MappingProxyType({})
    depth_cue: bool = True

    @classmethod
    def of(cls, appearance: Appearance, called: Mapping[str, str] = MappingProxyType({})) -> Look:
        """Read the state, which may change later; ``called`` is what a person calls the categories of the column."""
        column = appearance.color_by
        hidden = appearance.hidden_in(column)
        return cls(
            column,
            appearance.colormap,
            appearance.palette,
            hidden,
            appearance.density,
            appearance.point_size,
            appearance.color_scale,
            called,
            appearance.depth_cue,
        )


class Staged(NamedTuple):
    """A scene that is ready; ``scene`` is none where its layout is gone, ``runs`` where they cannot have changed."""

    scene: Scene | None
    runs: list[Run] | None


class Way(NamedTuple):
    """A layout that is ready to be shown, and the way from it to another."""

    staged: Staged
    journey: Journey


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
    colors = colored_already(dataset, dataset.color, cmap=look.colormap, palette=look.palette, scale=look.color_scale)
    if first is None or colors is None or not staged_already(first, colors, look.density):
        return None
    return Opened(dataset, runs, first)


def prepare_scene(
    dataset: Dataset,
    run: Run | Shown | Callable[[], Shown],
    look: Look,
    mask: NDArray[np.bool_] | None,
    passing: NDArray[np.bool_] | None,
    before: Scene | None,
    jobs: Runner,
    frames: Frames,
    reference: Placed | None,
) -> Staged:
    """Prepare what is asked for, using what an earlier scene has.

    ``run`` may be a function that makes what is shown. ``mask`` has the selected rows, ``passing`` those that filters leave; a layout that
    ``frames`` does not know will lie like ``reference``.

    Raises
    ------
    ExplorerError
        If it cannot be drawn.
    """
    known = before if before is not None and before.dataset is dataset else None
    runs = None
    if callable(run):
        run = run()
    if isinstance(run, Shown):
        on_map: Shown | None = run
        if not isinstance(run, OnTheWay):
            frames.keep(run)
    elif known is not None and known.shown.run == run:
        on_map = known.shown
    else:
        layout, runs = load(dataset, run, jobs), runs_of(dataset, jobs)
        on_map = None if layout is None else _shown(dataset, run, layout, reference, jobs, frames)
    if on_map is None:
        return Staged(None, runs)
    before_colors = None if known is None else known.coloring
    common = None if before_colors is None or before_colors.given else before_colors  # what somebody calls categories is theirs alone
    colors = colored(dataset, look.color_by, cmap=look.colormap, palette=look.palette, scale=look.color_scale, before=common)
    colors = colors.called(look.called, before_colors)
    scene = stage(
        dataset,
        on_map,
        colors,
        density=look.density,
        point_size=look.point_size,
        mask=mask,
        passing=passing,
        hidden=look.hidden,
        depth_cue=look.depth_cue,
        before=known,
    )
    return Staged(scene, runs)


def depart(
    dataset: Dataset, start: Shown, normalization: Normalization, stands_for: int, run: Run, jobs: Runner, frames: Frames
) -> Journey | None:
    """Find the way from what is on a map to another layout; None where that is gone, or of other rows.

    ``normalization`` and ``stands_for`` are those of the scene that is on the map.
    """
    layout = load(dataset, run, jobs)
    if layout is None or len(layout.coordinates) != start.index.n_rows:
        return None
    flat = layout.coordinates.shape[1] == PLANE
    goal = frames.place(run, layout, start, jobs.store) if flat else _shown(dataset, run, layout, start, jobs, frames)
    return Journey(start, goal, normalization, stands_for=stands_for)


def _shown(dataset: Dataset, run: Run, layout: Layout, reference: Placed | None, jobs: Runner, frames: Frames) -> Shown:
    """Index a layout as it is turned in this session; one of more than two dimensions, as it was seen last."""
    if layout.coordinates.shape[1] == PLANE:
        return shown(dataset, run, layout, jobs.store, frame=frames.place(run, layout, reference, jobs.store).frame)
    made = shown(dataset, run, layout, jobs.store)
    assert isinstance(made, Turned)
    return made.facing(frames.camera(made, reference))
