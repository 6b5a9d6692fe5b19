"""The selected rows: how many, and what is special about them against all others; reads the session and sets one component."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, get_args

import panel as pn
import param

from explorer.compute.exact_search import ANGULAR
from explorer.selection_summary import MOST_MEASURED, Common, Difference, SelectionSummary
from explorer.session import Schedule, Session
from explorer.state.selection import Mode
from explorer.views.card import text, title_of

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["SelectionInspector", "selection_content"]

_MODES: Mapping[str, Mode] = {mode: mode for mode in get_args(Mode)}
_NAME_MOST = 200  # characters of a category
_REACH = 3.0  # standard deviations at the ends of the scale
_HINT = "Select rows: what is special about them appears here."


class SelectionInspectorComponent(pn.custom.JSComponent):
    """What is said about a selection in the browser; see ``selection_inspector.js``."""

    content = param.Dict(default={}, doc="What selection_content gives, and version, stale or hint: plain text all of it.")

    _esm = Path(__file__).with_name("selection_inspector.js")
    _stylesheets: ClassVar = [Path(__file__).with_name("panels.css"), Path(__file__).with_name("selection_inspector.css")]  # type: ignore[list-item]  # as Panel allows

    def __init__(self, *, on_message: Callable[[object], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, data: object) -> None:
        self._on_message(data)


class SelectionInspector(pn.viewable.Viewer):
    """What is special about the selected rows.

    Parameters
    ----------
    session : Session
        Whose selection it is.
    later : callable
        Runs a function on the thread that owns the widgets.
    on_point : callable
        Called with the row number of the row under the pointer, or None.
    """

    def __init__(self, session: Session, *, later: Schedule, on_point: Callable[[int | None], None], **params: Any) -> None:
        super().__init__(**params)
        self._session = session
        self._later = later
        self._on_point = on_point
        self._version = 0  # of the summary that is shown: what was clicked before the browser had it means nothing
        self._shown: tuple[SelectionSummary | None, Dataset | None] = (None, None)
        self._content: dict[str, Any] = {}
        self.component = SelectionInspectorComponent(on_message=self._receive, sizing_mode="stretch_width", margin=(0, 10))
        session.param.watch(self._update, ["dataset"])
        session.selection.param.watch(self._update, ["version"])
        session.inquiry.param.watch(self._update, ["summary", "described"])
        self._update()

    def __panel__(self) -> pn.viewable.Viewable:
        return self.component

    def _update(self, *_: object) -> None:
        session, summary = self._session, self._session.inquiry.summary
        dataset, n = session.dataset, session.selection.count
        if dataset is None or not n:
            self._shown, self._content = (None, None), {}
            self._version += 1
            content: dict[str, Any] = {"hint": _HINT, "version": self._version}
        else:
            if summary is not self._shown[0] or dataset is not self._shown[1]:
                self._shown = summary, dataset
                self._version += 1
                self._content = {} if summary is None else selection_content(dataset, summary)
            stale = session.inquiry.described != session.selection.version
            content = {**self._content, "stale": stale, "version": self._version}
        if content != self.component.content:
            self.component.content = content

    def _receive(self, message: object) -> None:
        self._later(lambda: self._on_message(message))

    def _on_message(self, message: object) -> None:
        if not isinstance(message, Mapping):
            return
        kind, row = message.get("type"), message.get("row")
        if kind == "point":
            if row is None or (type(row) is int and row >= 0):
                self._on_point(row)
            return
        summary, dataset = self._shown
        if summary is None or dataset is not self._session.dataset or message.get("of") != self._version:
            return
        if kind == "look" and type(row) is int and row in summary.medoids:
            self._session.inspection.row = row
        elif kind == "color" and message.get("column") in _columns(summary):
            self._session.appearance.color_by = message["column"]
        elif kind == "filter":
            self._choose(summary, message, "filter", "replace")
        elif kind == "select" and str(message.get("mode")) in _MODES:
            self._choose(summary, message, "select", _MODES[str(message["mode"])])

    def _choose(self, summary: SelectionSummary, message: Mapping[str, object], change: Any, mode: Mode) -> None:
        inquiry = self._session.inquiry
        what = message.get("what")
        at = message.get("code") if what == "category" else message.get("at")
        if type(at) is not int or at < 0:
            return
        if what == "category" and at < len(summary.categories):
            inquiry.choose_category(summary.categories[at].column, summary.categories[at].category, change, mode)
        elif what == "word" and at < len(summary.words) and summary.text is not None:
            inquiry.choose_word(summary.text, summary.words[at].word, change, mode)


def selection_content(dataset: Dataset, summary: SelectionSummary) -> dict[str, Any]:
    """Say what is special about rows, as plain JSON.

    Returns
    -------
    dict
        ``note``; ``columns``, each with its ``categories``, of which ``code`` is the place in the summary; ``numbers``, with percents of a
        scale from -3 to 3 standard deviations; ``words``; ``medoids``; ``closeness`` and ``foot``, sentences.
    """
    columns: dict[str, list[dict[str, Any]]] = {}
    for code, common in enumerate(summary.categories):
        columns.setdefault(common.column, []).append(_category(code, common))
    compared = bool(not summary.note)
    nothing = compared and not (summary.categories or summary.differences or summary.words)
    return {
        "note": summary.note or ("Nothing sets these rows apart from the others beyond chance." if nothing else ""),
        "columns": [{"column": column, "categories": lines} for column, lines in columns.items()],
        "numbers": [_number(dataset, differs) for differs in summary.differences],
        "text": summary.text or "",
        "words": [
            {
                "word": word.word,
                "at": at,
                "told": f"In {_percent(word.share)} of the selected texts and {_percent(word.share_of_rest)} of the others.",
            }
            for at, word in enumerate(summary.words)
        ],
        "medoids": [{"row": row, "label": title_of(dataset, row)} for row in summary.medoids.tolist()] if summary.n > 1 else [],
        "closeness": _closeness(summary),
        "foot": _foot(summary),
    }


def _columns(summary: SelectionSummary) -> list[str]:
    return [common.column for common in summary.categories] + [differs.column for differs in summary.differences]


def _category(code: int, common: Common) -> dict[str, Any]:
    name = "no value" if common.category is None else common.category or "(empty)"
    return {
        "name": name if len(name) <= _NAME_MOST else f"{name[:_NAME_MOST]}…",
        "none": not common.category,
        "code": code,
        "n": common.n,
        "share": common.share,
        "rest": common.share_of_rest,
        "told": f"Odds ratio at least {math.exp(min(common.low, 50)):,.3g}.",
    }


def _number(dataset: Dataset, differs: Difference) -> dict[str, Any]:
    time = dataset.roles[differs.column] == "time"
    mean, rest = (_date(value) if time else text(float(f"{value:.4g}")) for value in (differs.mean, differs.mean_of_rest))
    effect = "∞" if math.isinf(differs.effect) else f"{abs(differs.effect):.2f}"
    sign = "+" if differs.effect > 0 else "-"
    return {
        "column": differs.column,
        "told": f"{mean} · rest {rest}",
        "says": f"Mean {mean}, of the others {rest}: {sign}{effect} standard deviations ({differs.low:+.2f} to {differs.high:+.2f}).",
        "at": _on_scale(differs.effect),
        "low": _on_scale(differs.low),
        "high": _on_scale(differs.high),
    }


def _closeness(summary: SelectionSummary) -> str:
    if math.isnan(summary.mean_distance):
        return ""
    how = "Mean cosine distance" if summary.metric in ANGULAR else "Root mean square distance"
    return f"{how} of two of them {summary.mean_distance:.4g}; of any two rows {summary.mean_distance_of_all:.4g}."


def _foot(summary: SelectionSummary) -> str:
    sampled = summary.n > MOST_MEASURED and (summary.n_measured or summary.n_texts)
    return f"Distances{' and words' if summary.text else ''} are of a sample of {MOST_MEASURED:,} of them." if sampled else ""


def _on_scale(effect: float) -> float:
    return round(50 + 50 * max(-1.0, min(1.0, effect / _REACH)), 2)


def _percent(share: float) -> str:
    percent = 100 * share
    if 0 < percent < 0.1:  # noqa: PLR2004 - what would round to nothing
        return "less than 0.1%"
    if 99.9 < percent < 100:  # noqa: PLR2004
        return "more than 99.9%"
    return f"{percent:.1f}%" if percent < 10 else f"{percent:.0f}%"  # noqa: PLR2004


def _date(seconds: float) -> str:
    import numpy as np

    return str(np.datetime64(int(seconds), "s")).replace("T", " ")[:16]
