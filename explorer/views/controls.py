"""The control panel: which data, which projection with which parameters; sets state and calls the session."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import panel as pn
import param

from explorer import settings
from explorer.compute.projection import CategoryColumn, RowGroup
from explorer.compute.projections import PROJECTIONS, Projection
from explorer.data.files import FROM_ANYBODY
from explorer.data.metadata import left_out
from explorer.session import Session
from explorer.views.job_panel import how_far
from explorer.views.offer import OfferView
from explorer.views.status import Message, time_left
from explorer.views.toolkit import Toolkit, tie, tie_optional
from explorer.views.uploads import UploadList

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.data.dataset import Dataset

__all__ = ["READABLE", "DataControls", "ProjectionControls", "file_name"]

_NAME_MOST = 60  # characters of an uploaded file's name: a file system counts bytes, of which a character may need four
_READ_ONLY = "This server is read-only: it shows the layouts that are there, and computes no others."
_NO_VECTORS = "This dataset has coordinates only: a projection needs vectors."
READABLE = ",".join(FROM_ANYBODY)
_NO_DATASET = "— none chosen —"
_UNLISTED = "\0"  # begins the value of what is open and in no catalog: one of its own each, or the list would go on showing the one before
_MOST_CATEGORIES = 100  # that are offered as ends of an axis
_NOTHING = "— none —"
_ENTRY = "\0entry:"  # begins the value of a dataset of the catalog; what comes without it is a column


class DataControls(pn.viewable.Viewer):
    """Choose a dataset of the catalog, or open a file of one's own."""

    def __init__(self, session: Session, toolkit: Toolkit, **params: Any) -> None:
        super().__init__(**params)
        self._session = session
        self.choice = toolkit.select("Dataset", {_NO_DATASET: ""}, "")
        self.upload = toolkit.file(
            "Open a file",
            accept=READABLE,
            most_bytes=settings.upload_limit_mb() * 1_000_000,
            description="Parquet, Feather, Arrow, CSV, TSV, JSON lines, NumPy, safetensors, SQLite; vectors are found by themselves.",
        )
        self.vectors = toolkit.text(
            "Vectors of that file",
            placeholder="found by themselves",
            description="Only where they are not found: a column of lists, or the beginning of number columns, such as embedding_*.",
        )
        text = "Other vectors of the same rows: another column of this file, or another dataset of the list."
        self.compare = toolkit.select("Compare with", {_NOTHING: _NOTHING}, _NOTHING, description=text)
        self.compare.visible = False
        self.problems = Message(kind="error", visible=False, sizing_mode="stretch_width")
        self.notes = Message(visible=False, sizing_mode="stretch_width", margin=(0, 10))
        self.uploads = UploadList(session)
        self.offer = OfferView(session, toolkit)
        self.own = pn.Column(self.upload, self.vectors, sizing_mode="stretch_width")
        self.own.visible = not settings.read_only()
        kept = [self.uploads] if session.intake.keeps else []
        self._view = pn.Column(
            self.choice, self.compare, self.own, self.offer, *kept, self.notes, self.problems, sizing_mode="stretch_width"
        )
        self._following = False  # the widget follows the session: what it says then is not a person's choice
        self.choice.param.watch(self._on_choice, ["value"])
        self.compare.param.watch(self._on_compare, ["value"])
        self.upload.param.watch(self._on_upload, ["value"])
        session.param.watch(self._follow, ["catalog", "dataset", "opening"])
        self._follow()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._view

    def _on_choice(self, event: param.parameterized.Event) -> None:
        if event.new and not event.new.startswith(_UNLISTED) and not self._following:
            self._session.soon(self._session.open_entry, event.new)

    def _on_compare(self, event: param.parameterized.Event) -> None:
        if not self._following:
            column, entry, name = event.new.partition(_ENTRY)
            compare = self._session.compare_entry if entry else self._session.compare
            self._session.soon(compare, name if entry else "" if column == _NOTHING else column)

    def _on_upload(self, event: param.parameterized.Event) -> None:
        if event.new is None:  # cleared
            return
        name, data, vectors = file_name(self.upload.filename), event.new, (self.vectors.value or "").strip() or None
        self._session.soon(self.upload.clear)
        self._session.soon(partial(self._session.open_upload, name, data, vectors=vectors))

    def _follow(self, *_: object) -> None:
        known, dataset = self._session.catalog, self._session.dataset
        if self._session.opening:
            return  # shown when it is there: of two changes that follow each other quickly, Panel's React widgets may keep the first one
        options: dict[str, str | None] = {entry.title: entry.name for entry in known}
        title = dataset.name if dataset is not None else _NO_DATASET
        if title not in options:
            options = {title: "" if dataset is None else _UNLISTED + title, **options}
        self._following = True
        try:
            self.choice.param.update(options=options, value=options[title])
            self._follow_rivals()
        finally:
            self._following = False
        self.problems.param.update(text=" ".join(known.problems), visible=bool(known.problems))
        notes = "" if dataset is None else " ".join(note for note in dataset.notes if not _is_offered(note, dataset))
        self.notes.param.update(text=notes, visible=bool(notes))

    def _follow_rivals(self) -> None:
        """Offer the other columns of vectors, where the data has some, and the other datasets of the catalog."""
        dataset = self._session.dataset
        rivals = [] if dataset is None else list(dataset.rivals)
        options = {name: name for name in (_NOTHING, *rivals)}
        if dataset is not None and dataset.vectors is not None:
            entries = {entry.title: _ENTRY + entry.name for entry in self._session.catalog if entry.title != dataset.name}
            options = {**options, **{title: value for title, value in entries.items() if title not in options}}
        other = _NOTHING if dataset is None or dataset.compared is None else dataset.compared.title
        self.compare.visible = len(options) > 1
        options.setdefault(other, other)
        self.compare.param.update(options=options, value=options[other])


def _is_offered(note: str, dataset: Dataset) -> bool:
    """Say whether a note is of a column that the page offers for comparing: it is not left out there."""
    return any(note.startswith(left_out(name)) for name in dataset.rivals)


class ProjectionControls(pn.viewable.Viewer):
    """Which projection is computed next, with which parameters and what that takes; Run, progress, Stop and Cancel."""

    def __init__(self, session: Session, toolkit: Toolkit, **params: Any) -> None:
        super().__init__(**params)
        self._session = session
        choice = session.choice
        self.method = toolkit.toggle("Projection", {kind.title: method for method, kind in PROJECTIONS.items()}, choice.method)
        self._toolkit = toolkit
        self._read_only = settings.read_only()
        self.method.visible = not self._read_only
        self.vectors = toolkit.select("Vectors", {"": ""}, "", description="Which of the two sets of vectors is laid out")
        tie(self.vectors, choice, "vectors", soon=session.soon)
        self._parameters = {method: pn.Column(sizing_mode="stretch_width") for method in choice.projections}
        self._on_method()
        self.run = toolkit.button("Run", icon="run", on_click=lambda _: session.soon(session.run))
        self.keep = toolkit.button("Stop, keep it as it is now", icon="stop", on_click=lambda _: session.soon(session.stop))
        self.cancel = toolkit.button("Cancel", icon="cancel", danger=True, on_click=lambda _: session.soon(session.cancel))
        self.bar = toolkit.progress()
        self.progress = Message(sizing_mode="stretch_width", margin=(0, 10, 8, 10), visible=False)
        self._view = pn.Column(
            self.vectors,
            self.method,
            self.run,
            self.bar,
            self.progress,
            self.keep,
            self.cancel,
            *self._parameters.values(),
            sizing_mode="stretch_width",
        )
        tie(self.method, choice, "method", soon=session.soon)
        choice.param.watch(self._on_method, ["method"])
        session.param.watch(self._on_progress, ["running", "stage", "detail", "fraction", "seconds_left"])
        session.outlook.param.watch(self._on_progress, ["text"])
        session.jobs.param.watch(self._on_progress, ["listed"])
        session.param.watch(self._on_dataset, ["dataset"])
        if not self._read_only:
            session.outlook.begin()
        self._on_dataset()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._view

    def _on_method(self, *_: object) -> None:
        choice, session = self._session.choice, self._session
        for method, column in self._parameters.items():
            column.visible = method == choice.method and not self._read_only
            if column.visible and not len(column):  # those that nobody looks at are not made: they would double a page's time to open
                column.extend(parameter_widgets(choice.projections[method], self._toolkit, session))

    def _on_dataset(self, *_: object) -> None:
        dataset = self._session.dataset
        self.run.disabled = dataset is None or dataset.vectors is None
        other = None if dataset is None else dataset.other
        self.vectors.visible = other is not None and not self._read_only
        if dataset is not None and other is not None:
            options = {each.vectors_name: each.vectors_name for each in (dataset, other)}
            self.vectors.param.update(options=options, value=self._session.choice.vectors)
        self._on_progress()

    def _on_progress(self, *_: object) -> None:
        session = self._session
        busy = bool(session.running)
        self.run.visible = not busy and not self._read_only
        for part in (self.cancel, self.bar):
            part.visible = busy
        self.keep.visible = bool(session.detail)
        self.bar.value = round(100 * session.fraction)
        dataset = session.dataset
        idle = _NO_VECTORS if dataset is not None and dataset.vectors is None else session.outlook.text
        text = progress_text(session) if busy else _READ_ONLY if self._read_only else idle
        self.progress.param.update(text=text, visible=bool(text))


def progress_text(session: Session) -> str:
    """Say how far the computation is: stage, percent, time left; or its place in the queue."""
    title = f"{session.running} of "
    waiting = next((each for each in session.jobs.listed if each.own and each.place and each.title.startswith(title)), None)
    if waiting is not None:
        return f"{session.running} · waiting: {how_far(waiting)}"
    stage = session.stage if session.stage not in ("", session.running) else ""
    parts = [session.running, stage, session.detail, f"{session.fraction:.0%}"]
    if session.seconds_left is not None:
        parts.append(time_left(session.seconds_left))
    return " · ".join(part for part in parts if part)


def parameter_widgets(made: Projection, toolkit: Toolkit, session: Session) -> list[pn.viewable.Viewable]:
    """Make a widget for each parameter of a projection; label, bounds and help come from the parameter."""
    return [_widget(made, name, toolkit, session) for name in made.param if name != "name"]


def _widget(made: Projection, name: str, toolkit: Toolkit, session: Session) -> pn.viewable.Viewable:
    parameter, value, soon = made.param[name], getattr(made, name), session.soon
    if isinstance(parameter, CategoryColumn):
        return _Offered(made, name, toolkit, session, partial(_category_columns, session)).select
    if isinstance(parameter, RowGroup):
        widget = _Offered(made, name, toolkit, session, partial(_row_groups, session, keeping=lambda: getattr(made, name)))
        session.param.watch(widget.follow, ["scene"])
        session.groups.watch(widget.follow)
        return widget.select
    if parameter.allow_None:
        return tie_optional(name, made, name, toolkit, soon=soon)
    if isinstance(parameter, param.Selector):
        widget = toolkit.select(name, {choice: choice for choice in parameter.objects}, value, description=parameter.doc or "")
    elif name == "seed":
        widget = toolkit.number(parameter, name, value=value)
    else:
        low, high = parameter.get_soft_bounds()
        widget = toolkit.slider(parameter, name, value=value, start=low, end=high)
    return tie(widget, made, name, soon=soon)


class _Offered(pn.viewable.Viewer):
    """A widget for a parameter whose choices change with the dataset and with what a person does.

    Parameters
    ----------
    made : Projection
        Whose parameter.
    name : str
        Which.
    offered : callable
        Gives the choices, from what people read to what the parameter takes.
    """

    def __init__(
        self, made: Projection, name: str, toolkit: Toolkit, session: Session, offered: Callable[[], dict[str, str]], **params: Any
    ) -> None:
        super().__init__(**params)
        self._made, self._name, self._offered = made, name, offered
        select = toolkit.select(name, offered(), "", description=made.param[name].doc or "")
        self.select = tie(select, made, name, soon=session.soon)
        session.param.watch(self.follow, ["dataset"])
        self.follow()

    def __panel__(self) -> pn.viewable.Viewable:
        return self.select

    def follow(self, *_: object) -> None:
        """Offer what there is now; a choice that there is no more becomes none."""
        options = self._offered()
        if getattr(self._made, self._name) not in options.values():
            self._made.param.update(**{self._name: ""})
        if options != self.select.options:
            self.select.param.update(options=options, value=getattr(self._made, self._name))


def _category_columns(session: Session) -> dict[str, str]:
    dataset = session.dataset
    columns = [] if dataset is None else [column for column, role in dataset.roles.items() if role == "category"]
    return {_NOTHING: "", **{column: column for column in columns}}


def _row_groups(session: Session, keeping: Callable[[], str]) -> dict[str, str]:
    """Offer the groups of the session, and the categories that color the map; what is chosen stays on offer as long as it may be there."""
    dataset, scene = session.dataset, session.scene
    names = session.groups.names
    if scene is not None and scene.dataset is dataset and scene.coloring.kind == "category":
        made = scene.coloring
        names += [f"{made.column}: {made.names[code]}" for code in made.most_common[:_MOST_CATEGORIES]]
    chosen = keeping()
    of = chosen.partition(": ")[0]
    if chosen and chosen not in names and dataset is not None and dataset.roles.get(of) == "category":
        names.append(chosen)
    return {_NOTHING: "", **{name: name for name in names}}


def file_name(given: str | None) -> str:
    """Make a name that a browser gave a file's name and no more."""
    name = Path((given or "").replace("\0", "").replace("\\", "/")).name[-_NAME_MOST:]
    return "upload" if name in ("", "..") else name
