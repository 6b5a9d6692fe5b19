"""Python that shows what the page shows: lines to copy into a notebook. Runs nothing."""

from __future__ import annotations

import pprint
from typing import TYPE_CHECKING, Any

from explorer.address import entry_name
from explorer.compute.projections import PROJECTIONS
from explorer.jobs.artifacts import LANDMARKS, STOPPED_AT
from explorer.jobs.inputs import INPUTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from explorer.scene import Run
    from explorer.session import Session

__all__ = ["python_of"]

_WIDTH = 120
_NOT_OPTIONS = frozenset({INPUTS, LANDMARKS, STOPPED_AT})


def python_of(session: Session) -> Callable[[Mapping[str, Any]], str]:
    """Take down what is on the maps, and give what makes the lines of it and of the state that :func:`explorer.address.differing` made.

    They open the dataset by its name in the catalog, or by the name of its file; compute each layout on the maps where the store has it
    not, and set what differs from a page that was just opened.
    """
    entry, dataset, color = entry_name(session), session.dataset, session.appearance.color_by
    runs = [run for plane in session.planes for run in plane.layouts]

    def write(state: Mapping[str, Any]) -> str:
        if dataset is None:
            return ""
        given = color is not None and color in dataset.table.column_names
        lines = ["import explorer", ""]
        if entry is None:
            lines.append("# The file that the page shows: give its path, or whatever explorer.open_dataset takes.")
        lines.append(f"data = explorer.open_dataset({entry or dataset.name!r}{_compared(state.get('compare'))})")
        for run in dict.fromkeys(_computing(run) for run in runs):
            lines += [run] if run else []
        lines.append(f"view = explorer.Explorer(data, color={color!r})" if given else "view = explorer.Explorer(data)")
        looks = {name: value for name, value in state.get("appearance", {}).items() if not (given and name == "color_by")}
        left = {**state, "appearance": looks} if looks else {part: value for part, value in state.items() if part != "appearance"}
        if set(left) - {"dataset"}:
            lines.append(f"view.state = {_literal(left)}")
        return "\n".join([*lines, "view", ""])

    return write


def _computing(run: Run) -> str:
    """Compute a layout where the store has it not; one that came with the data is there."""
    if run.given is not None or run.method not in PROJECTIONS or not _NOT_OPTIONS.isdisjoint(run.settings):
        return ""
    usual = PROJECTIONS[run.method]().settings()
    options = "".join(f", {name}={value!r}" for name, value in run.settings.items() if usual.get(name) != value)
    return f"explorer.project(data{'.other' if run.of else ''}, {run.method!r}{options})"


def _compared(told: Mapping[str, str] | None) -> str:
    """Name the other vectors of the same rows: a column of the same source, else what the catalog has, or what somebody has to complete."""
    if not told:
        return ""
    source = repr(told["column"]) if told["column"] else f"explorer.open_dataset({told['entry'] or told['title']!r})"
    return f", compare={source}"


def _literal(state: Mapping[str, Any]) -> str:
    return pprint.pformat(dict(state), width=_WIDTH, sort_dicts=False).replace("\n", "\n" + " " * len("view.state = "))
