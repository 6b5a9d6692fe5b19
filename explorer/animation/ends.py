"""The two ends of an animation: layouts found by their names, or computed, laid over each other and colored; draws nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from explorer.aligning import Frames
from explorer.cluster_words import names_of
from explorer.compute.projections import PROJECTIONS, Layout, projection
from explorer.errors import BadParameter, UnknownChoice, VectorsNeeded
from explorer.headless import finished
from explorer.jobs.inputs import parameters_of
from explorer.jobs.runner import Runner, runner
from explorer.labels import Clusters
from explorer.runs import load, run_of, runs_of
from explorer.scene import Placed, Run, Scene, stage
from explorer.shelf import colored, shown
from explorer.state.appearance import Appearance

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["check_categories", "known_clusters", "staged_ends", "staged_layout"]

_USUAL: Final = {method: kind for method, kind in PROJECTIONS.items() if kind.by_itself}


def staged_ends(dataset: Dataset, start: str, goal: str, *, color: str | None = None, progress: bool | None = None) -> tuple[Scene, Scene]:
    """Stage the map of two layouts, the second turned to lie like the first.

    Parameters
    ----------
    dataset : Dataset
        What is shown.
    start, goal : str
        What the layouts are called; see :func:`explorer.animate`.
    color : str, optional
        The column that colors the map; by default the one that colors it first.
    progress : bool, optional
        Whether to draw a progress bar while a layout is computed; by default when stderr is a terminal.

    Raises
    ------
    UnknownChoice
        If there is no such layout, or both are the same.
    VectorsNeeded
        If a layout had to be computed of coordinates alone.
    UnknownColumn
        If the dataset has no such column.
    JobError
        If a layout cannot be computed.
    """
    jobs = runner()
    one, other = _found(dataset, start, jobs), _found(dataset, goal, jobs)
    if one == other:
        others = [title for title in _known(dataset, jobs) if _found(dataset, title, jobs) != one]
        if not others:
            raise VectorsNeeded(f"A layout other than {one.title}", dataset.name)
        raise UnknownChoice(f"layout to travel to from {one.title}", goal, others)
    colors = colored(dataset, color or dataset.color, cmap="", palette="")
    frames = Frames()

    def staged(run: Run, reference: Placed | None) -> Scene:
        layout = _layout(dataset, run, jobs, progress=progress)
        frame = frames.place(run, layout, reference, jobs.store).frame
        on_map = shown(dataset, run, layout, jobs.store, frame=frame)
        return stage(dataset, on_map, colors, density=Appearance().density, point_size=None, mask=None)

    first = staged(one, None)
    return first, staged(other, first.shown)


def staged_layout(dataset: Dataset, name: str, *, color: str | None = None, progress: bool | None = None) -> Scene:
    """Prepare one layout, computed where it has to be; what it is called, and what is raised, is as of :func:`staged_ends`."""
    jobs = runner()
    run = _found(dataset, name, jobs)
    on_map = shown(dataset, run, _layout(dataset, run, jobs, progress=progress), jobs.store)
    colors = colored(dataset, color or dataset.color, cmap="", palette="")
    return stage(dataset, on_map, colors, density=Appearance().density, point_size=None, mask=None)


def _known(dataset: Dataset, jobs: Runner) -> list[str]:
    """List by what names layouts can be asked for."""
    methods = [] if dataset.vectors is None else list(_USUAL)
    return [*methods, *(run.title for run in runs_of(dataset, jobs) if _method_called(run.title) not in methods)]


def known_clusters(dataset: Dataset, *, asked: bool, progress: bool | None) -> Clusters | None:
    """Give the clusters of a dataset, where somebody has found some; where they are asked for, find them."""
    if dataset.vectors is None and not asked:
        return None
    tree = finished(runner().submit_clusters(dataset), progress=progress) if asked else runner().stored_clusters(dataset)
    return None if tree is None else Clusters(tree, names_of(dataset, tree))


def check_categories(scene: Scene, name: str, choice: str) -> None:
    """Refuse to name, or to go around, categories that are not on the map."""
    if choice == "categories" and scene.coloring.kind != "category":
        what = "one color" if scene.coloring.column is None else f"{scene.coloring.column}, which has numbers"
        raise BadParameter(name, choice, f"the map is colored by {what}: name a column of categories as color.")


def _found(dataset: Dataset, name: str, jobs: Runner) -> Run:
    """Find a layout by a title of the page, else by what the data calls it, else by its method, among those that came with the data."""
    runs, method = runs_of(dataset, jobs), _method_called(name)
    given = [(run, dataset.with_vectors(run.of).layouts[run.given].name) for run in runs if run.given is not None]
    titled = [run for run in runs if run.title == name]
    named = [run for run, own_name in given if own_name == name]
    made = [run for run, _ in given if method is not None and run.method == method]
    for run in (*titled, *named, *made):
        return run
    if method is None:
        raise UnknownChoice("layout", name, _known(dataset, jobs))
    if dataset.vectors is None:
        raise VectorsNeeded(PROJECTIONS[method].title, dataset.name)
    return run_of(method, projection(method).settings())


def _method_called(name: str) -> str | None:
    """Find the method of this name or title: "tsne", "t-SNE"."""
    return next((method for method, kind in _USUAL.items() if name.casefold() in (method, kind.title.casefold())), None)


def _layout(dataset: Dataset, run: Run, jobs: Runner, *, progress: bool | None) -> Layout:
    """Load a layout, or have it computed."""
    layout = load(dataset, run, jobs)
    if layout is not None:
        return layout
    return finished(
        jobs.submit_layout(dataset.with_vectors(run.of), projection(str(run.method), **parameters_of(run.settings))), progress=progress
    )
