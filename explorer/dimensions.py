"""From a map of two dimensions to the same in three, and back: which layout that is, and what would compute it; computes none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from explorer.compute.projection import PLANE
from explorer.compute.projections import PCA, PROJECTIONS, Projection
from explorer.runs import dimensions_of
from explorer.scene import Run

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["Counterpart", "counterpart"]

_SPACE: Final = 3
_COMPONENTS: Final = "n_components"


class Counterpart(NamedTuple):
    """What a map becomes that changes its dimensions: a layout that is there, or one to compute; ``sentence`` says what happens."""

    run: Run | None
    projection: Projection | None
    sentence: str


def counterpart(run: Run, runs: Sequence[Run], dataset: Dataset) -> Counterpart:
    """Find what a flat layout is in three dimensions, and one of more dimensions in two.

    The same method with the same settings comes first, then the same method, then what can be computed; of coordinates of which nobody
    knows how they were made, any layout of that many dimensions, else PCA.

    Parameters
    ----------
    run : Run
        What is on the map.
    runs : sequence of Run
        What can be shown at once.
    dataset : Dataset
        Whose rows these are.
    """
    flat = dimensions_of(dataset, run) == PLANE
    words = "3-D" if flat else "2-D"
    fitting = [each for each in runs if each.of == run.of and (dimensions_of(dataset, each) > PLANE) == flat]
    fitting.sort(key=lambda each: dimensions_of(dataset, each))
    alike = [each for each in fitting if each.method == run.method and run.method in PROJECTIONS]
    same = [each for each in alike if _rest(each) == _rest(run)]
    made = _projection(run, _SPACE if flat else PLANE)
    if same or (alike and made is None):
        found = (same or alike)[0]
        return Counterpart(found, None, f"Show this map in {words}: {found.title}")
    if made is not None and dataset.vectors is not None:
        return Counterpart(None, made, f"Compute {made.title} in {words} and show it")
    if fitting:
        return Counterpart(fitting[0], None, f"Show a map in {words}: {fitting[0].title}")
    if dataset.vectors is not None:
        other = PCA(n_components=_SPACE) if flat else PCA()
        why = f"{PROJECTIONS[run.method].title} is flat" if run.method in PROJECTIONS else "Nobody knows how this map was made"
        return Counterpart(None, other, f"{why}: compute PCA in {words} and show that")
    return Counterpart(None, None, f"These coordinates came alone: without vectors there is no map of them in {words}")


def _rest(run: Run) -> dict[str, object]:
    return {name: value for name, value in run.settings.items() if name != _COMPONENTS}


def _projection(run: Run, dims: int) -> Projection | None:
    """Make the projection of a layout with another number of dimensions; none where it has no such parameter."""
    kind = PROJECTIONS.get(run.method or "")
    if kind is None or _COMPONENTS not in kind.param:
        return None
    made = kind()
    known = {name: value for name, value in run.settings.items() if name in made.param and name != "name"}
    if run.method == PCA.method and dims > PLANE:
        known = {}  # of many components there are the first ones only
    try:
        made.param.update(**{**known, _COMPONENTS: dims})
    except ValueError:
        return None  # settings of another version
    return made
