"""How a map was made, as a paragraph for a paper: rows, graph, parameters, seed, versions, quality with its controls, references."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final

from explorer.compute.projection import PLANE
from explorer.compute.projections import PROJECTIONS, projection
from explorer.jobs.artifacts import LANDMARKS, STOPPED_AT
from explorer.jobs.inputs import INPUTS
from explorer.records.version import own_version
from explorer.runs import dimensions_of, load

if TYPE_CHECKING:
    from explorer.appraisal import Appraisal
    from explorer.data.dataset import Dataset
    from explorer.jobs.runner import Runner
    from explorer.scene import Run
    from explorer.steadiness import Steady

__all__ = ["paragraph", "paragraphs"]

_REFERENCES: Final = {
    "umap": "UMAP: McInnes, Healy & Melville (2018), arXiv:1802.03426.",
    "tsne": (
        "t-SNE: van der Maaten & Hinton (2008), J. Mach. Learn. Res. 9, 2579-2605; interpolated gradient: Linderman et al. (2019), "
        "Nat. Methods 16, 243-245; defaults after openTSNE: Poličar, Stražar & Zupan (2024), J. Stat. Softw. 109(3)."
    ),
    "pca": "PCA: Pearson (1901), Philos. Mag. 2, 559-572; Jolliffe (2002), Principal Component Analysis, Springer.",
    "graph": "Nearest-neighbor descent: Dong, Moses & Li (2011), WWW '11, 577-586, as in PyNNDescent.",
    "whole": "Trustworthiness and continuity: Venna & Kaski (2001), ICANN 2001, 485-491.",
}
_TOLD: Final = {
    "n_neighbors": "n_neighbors = {}",
    "min_dist": "min_dist = {}",
    "spread": "spread = {}",
    "n_epochs": "{} epochs",
    "dens_lambda": "dens_lambda = {}",
    "target": "target column {!r}",
    "target_weight": "target_weight = {}",
    "perplexity": "perplexity {}",
    "exaggeration": "exaggeration {}",
    "n_iter": "{} iterations",
    "init": "{} initialization",
    "learning_rate": "learning rate {}",
    "x": "component {} from left to right",
    "y": "component {} from bottom to top",
}
_SILENT: Final = {"dens_lambda": 0, "target": "", "target_weight": 0.5, "spread": 1.0}  # said only where they are something else
_FLAT: Final = ("x", "y")  # which two components a flat map shows
_WHOLE: Final = {
    "trustworthiness": "trustworthiness",
    "continuity": "continuity",
    "triplets": "order of three rows",
    "correlation": "correlation of distances",
}
_FEW: Final = 0.005


def paragraphs(dataset: Dataset, runs: Sequence[Run], jobs: Runner, *, known: Mapping[str, Appraisal], steady: Mapping[str, Steady]) -> str:
    """Describe several layouts of a dataset, each in a paragraph; for a thread."""
    distinct = {run.title: run for run in runs}
    return "\n\n".join(paragraph(dataset, run, jobs, known.get(title), steady.get(title)) for title, run in distinct.items())


def paragraph(dataset: Dataset, run: Run, jobs: Runner, appraisal: Appraisal | None = None, steady: Steady | None = None) -> str:
    """Describe how a layout was made, in sentences that a paper can take; for a thread.

    Parameters
    ----------
    dataset : Dataset
        Its data.
    run : Run
        Which layout.
    jobs : Runner
        Knows the layouts and the neighbor graphs.
    appraisal : Appraisal, optional
        How good it is, where that was measured.
    steady : Steady, optional
        How much of it is chance, where that was measured.

    Returns
    -------
    str
        One paragraph; nothing in it was guessed: what is not known of a layout that came with the data is not said.
    """
    settings = dict(run.settings)
    sentences = [_rows(dataset), *_made(dataset, run, settings), *_graph(dataset, run, jobs)]
    layout = load(dataset, run, jobs)
    if layout is not None and layout.remark:
        sentences.append(layout.remark)
    quality = [] if appraisal is None else _quality(appraisal)
    sentences += [*quality, *([] if steady is None else _steady(steady)), _versions(run)]
    asked = _request(dataset, run)
    approximate = asked is not None and run.given is None and not _exact(dataset, asked, jobs)
    cited = [run.method, "graph" if approximate else None, "whole" if appraisal is not None and appraisal.whole else None]
    references = [_REFERENCES[name] for name in cited if name in _REFERENCES]
    return " ".join([*sentences, *(["References:"] if references else []), *references])


def _rows(dataset: Dataset) -> str:
    left_out = dataset.n_rows - dataset.n_drawable
    dims = f" with vectors of {dataset.n_dims:,} dimensions" if dataset.vectors is not None else ""
    apart = f"; {left_out:,} of them have no usable vector and were left out" if left_out else ""
    return f"The dataset “{dataset.name}” has {dataset.n_rows:,} rows{dims}{apart}."


def _made(dataset: Dataset, run: Run, settings: dict[str, Any]) -> list[str]:
    dimensions = dimensions_of(dataset, run)
    if run.method not in PROJECTIONS:
        spatial = "" if dimensions == PLANE else f" in {_number(dimensions)} dimensions"
        return [f"The layout “{run.title}”{spatial} came with the data; how it was made is not recorded."]
    kind = PROJECTIONS[run.method]
    told = [
        _TOLD[name].format(_plain(value))
        for name, value in settings.items()
        if name in _TOLD and value is not None and _SILENT.get(name, _TOLD) != value and (dimensions == PLANE or name not in _FLAT)
    ]
    seed = [f"seed {settings['seed']}"] if settings.get("seed") is not None else []
    origin = "came with the data and was computed" if run.given is not None else "was computed"
    parameters = f" ({', '.join([*told, *seed])})" if told or seed else ""
    on = f"on all {dataset.n_drawable:,} rows, without sampling"
    made = [f"The layout in {_number(dimensions)} dimensions {origin} by {kind.title}{parameters} {on}."]
    if run.method == "tsne" and dimensions != PLANE:
        made.append("Its kernel is Student's with two degrees of freedom.")
    if settings.get(LANDMARKS):
        made = [made[0].replace(", without sampling", "")]
    if STOPPED_AT in settings:
        made.append(f"It was stopped by hand at iteration {settings[STOPPED_AT]:,}.")
    if INPUTS in settings:
        made.append("Its axes or target are columns or rows of the data as they were then.")
    return made


def _request(dataset: Dataset, run: Run) -> Any:
    """Say which neighbor graph a layout was made of; none where that is not known."""
    if run.method not in PROJECTIONS:
        return None
    known = {name: value for name, value in run.settings.items() if name in PROJECTIONS[run.method].param}
    return projection(run.method, **known).graph_request(dataset.n_drawable)


def _exact(dataset: Dataset, asked: Any, jobs: Runner) -> bool:
    graph = jobs.stored_graph(dataset, asked["metric"], asked["k"])
    return graph is None or graph.recall >= 1


def _graph(dataset: Dataset, run: Run, jobs: Runner) -> list[str]:
    asked = _request(dataset, run)
    if asked is None:
        return []
    if run.given is not None:
        return [f"Its nearest neighbors are by {asked['metric']} distance."]
    graph = jobs.stored_graph(dataset, asked["metric"], asked["k"])
    if graph is None:
        return [f"It rests on the nearest neighbors of each row by {asked['metric']} distance."]
    recall = (
        "found by exact search"
        if graph.recall >= 1
        else "which came with the data, so that its recall is not known"
        if math.isnan(graph.recall)
        else f"found by approximate search with a measured recall of {graph.recall:.3f}"
    )
    own = run.settings.get("n_neighbors") if run.method == "umap" else None  # UMAP counts the row itself, and takes no more than it needs
    used = f", of which it uses the nearest {own - 1} (n_neighbors counts the row itself)" if own and own - 1 < graph.k else ""
    return [f"It rests on a graph of the {graph.k} nearest neighbors of each row by {graph.metric} distance, {recall}{used}."]


def _quality(appraisal: Appraisal) -> list[str]:
    k = appraisal.k
    sentences = [
        f"Of each row's {k} nearest neighbors in the original space ({appraisal.metric}), it keeps {_share(appraisal.kept[k])} "
        f"among its {k} nearest on average, against {_share(appraisal.chance[k])} for rows placed at random."
    ]
    figures = [
        f"{words} {appraisal.whole[name]:.3f} (control: {appraisal.control[name]:.3f})"
        for name, words in _WHOLE.items()
        if name in appraisal.whole and name in appraisal.control
    ]
    if figures:
        sentences.append(f"Further figures, with those of the same map with its rows exchanged as controls: {', '.join(figures)}.")
    return sentences


def _steady(steady: Steady) -> list[str]:
    return [
        f"Over {steady.runs} further runs with other seeds the median row wanders {_share(steady.wobble)} of the map's width "
        f"(control: {_share(steady.control)}), "
        f"and {_share(steady.kept)} of the neighbors on the map are in every run (chance: {_share(steady.chance)})."
    ]


def _versions(run: Run) -> str:
    names = ["numpy", "numba", *(["pynndescent"] if run.method in ("umap", "tsne") else [])]
    of_libraries = ", ".join(f"{name} {found}" for name in names if (found := _version(name)))
    if run.given is not None:
        return f"Drawn with Explorer {own_version()}."
    return f"Software: Explorer {own_version()} ({of_libraries})."


@cache
def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _number(dimensions: int) -> str:
    return {2: "two", 3: "three"}.get(dimensions, str(dimensions))


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value


def _share(share: float) -> str:
    return f"{share:.1%}" if share >= _FEW else f"{share:.2%}"
