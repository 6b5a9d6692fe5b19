"""Which layouts of a dataset can be shown at once, what they are called, and loading one; computes none."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from explorer.compute.projection import PLANE
from explorer.compute.projections import PROJECTIONS, Layout, completed
from explorer.jobs.artifacts import LANDMARKS, STOPPED_AT
from explorer.jobs.inputs import INPUTS
from explorer.jobs.runner import Runner
from explorer.scene import Run, Shown
from explorer.shelf import shown
from explorer.store.store import canonical

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["Opened", "dimensions_of", "load", "prepare", "run_of", "runs_of"]

_DIGITS = 4  # of the digest of what parameters name: columns of one name may have had other values
_FIRST = ("umap", "tsne", None, "pca")  # which layout is shown first


class Opened(NamedTuple):
    """A dataset with what can be shown of it at once; ``first`` is none where that is nothing."""

    dataset: Dataset
    runs: list[Run]
    first: Shown | None


def prepare(dataset: Dataset, jobs: Runner) -> Opened:
    """Find what can be shown of a dataset at once, and load the first of it."""
    runs = runs_of(dataset, jobs)
    loaded = ((run, load(dataset, run, jobs)) for run in runs)
    first = next((shown(dataset, run, layout, jobs.store) for run, layout in loaded if layout is not None), None)
    return Opened(dataset, runs, first)


def runs_of(dataset: Dataset, jobs: Runner) -> list[Run]:
    """List what can be shown at once: UMAP before t-SNE before PCA, of each flat maps first, then what came with the data.

    Layouts of other vectors of the same rows follow those of the same method of its own.
    """
    runs: list[Run] = []
    for own, of in ((dataset, ""), *([] if dataset.other is None else [(dataset.other, dataset.other.vectors_name)])):
        runs += _runs_with(own, of, [run.title for run in runs], jobs)

    def place(run: Run) -> tuple[int, bool]:
        return _FIRST.index(run.method) if run.method in _FIRST else len(_FIRST), dimensions_of(dataset, run) > PLANE

    return sorted(runs, key=place)


def run_of(method: str, settings: Mapping[str, Any], of: str = "") -> Run:
    """Name a layout that is, or will be, in the store; ``of`` is the name of other vectors, where it is one of those."""
    return Run(_of(_title(method, settings), of), method, dict(settings), None, of)


def dimensions_of(dataset: Dataset, run: Run) -> int:
    """Say how many columns the coordinates of a layout have; reads none."""
    if run.given is None:
        return int(run.settings.get("n_components", PLANE))
    own = dataset.with_vectors(run.of)
    return PLANE if run.of and own is dataset else int(own.layouts[run.given].coordinates.shape[1])


def load(dataset: Dataset, run: Run, jobs: Runner) -> Layout | None:
    """Load a layout; None where it is no longer in the store."""
    own = dataset.with_vectors(run.of)
    if run.of and own is dataset:
        return None  # of vectors that are not compared any more
    if run.given is not None:
        given = own.layouts[run.given]
        return Layout(given.coordinates, given.method or "given", dict(given.params))
    return jobs.kept_layout(own, str(run.method), run.settings)


def _runs_with(dataset: Dataset, of: str, taken: list[str], jobs: Runner) -> list[Run]:
    runs: list[Run] = []
    for position, given in enumerate(dataset.layouts):
        settings = completed(given.method, given.params)
        title = _given_title(given.name) if settings is None else _title(str(given.method), settings)
        known_settings = dict(given.params) if settings is None else settings
        free = _free(_of(title, of), [*taken, *(run.title for run in runs)])
        runs.append(Run(free, given.method, known_settings, position, of))
    known = [(run.method, canonical(run.settings)) for run in runs]
    kept = jobs.kept(dataset)
    return runs + [run_of(method, settings, of) for method, settings in kept if (method, canonical(settings)) not in known]


def _of(title: str, of: str) -> str:
    return f"{title} · {of}" if of else title


def _title(method: str, settings: Mapping[str, Any]) -> str:
    """Name a run by its method and by the parameters that differ from the defaults: "UMAP", "UMAP, n_neighbors 50"."""
    made = PROJECTIONS[method]()
    beside = [f"#{settings[INPUTS][:_DIGITS]}"] if INPUTS in settings else []
    beside += ["from landmarks"] if LANDMARKS in settings else []
    beside += [f"stopped at {settings[STOPPED_AT]}"] if STOPPED_AT in settings else []
    return ", ".join([made.title, *made.differing(settings), *beside])


def _given_title(name: str) -> str:
    """Name coordinates of which nobody knows how they were made; never like a layout that is or will be in the store."""
    return f"{name} (given)" if name.split(",", 1)[0] in {kind.title for kind in PROJECTIONS.values()} else name


def _free(title: str, taken: Collection[str]) -> str:
    return next(candidate for candidate in (title, *(f"{title} ({n})" for n in range(2, len(taken) + 3))) if candidate not in taken)
