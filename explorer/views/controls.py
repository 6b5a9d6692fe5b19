"""The control panel: which data, which colors, which projection with which parameters; sets state and calls the session."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import panel as pn
import param

from explorer import settings
from explorer.coloring import colorable
from explorer.compute.projections import PROJECTIONS, Projection
from explorer.render.palette import COLORMAPS
from explorer.scene import Run
from explorer.session import Session
from explorer.views.material import ui
from explorer.views.status import Message

__all__ = ["ColorControls", "DataControls", "ProjectionControls"]

_COMPACT: dict[str, Any] = {"size": "small", "sizing_mode": "stretch_width", "margin": (5, 10)}
_NO_COLOR = "— one color —"
_OPENED = "— opened here —"


class DataControls(pn.viewable.Viewer):
    """Choose a dataset of the catalog, or open a file of one's own."""

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(**params)
        self._session = session
        self._uploads = tempfile.TemporaryDirectory(prefix="explorer-upload-")
        self.choice = ui.Select(label="Dataset", options={_OPENED: ""}, value="", **_COMPACT)
        self.upload = ui.FileInput(
            label="Open a file",
            accept=".parquet,.feather,.arrow,.ipc,.csv,.tsv,.jsonl,.ndjson,.json,.npy,.npz",
            max_file_size=settings.upload_limit_mb() * 1_000_000,
            variant="outlined",
            description="Parquet, Feather, Arrow, CSV, TSV, JSON lines, .npy or .npz; vectors and coordinates are found by themselves.",
            **_COMPACT,
        )
        self.vectors = ui.TextInput(
            label="Vector columns",
            placeholder="found by themselves",
            description="Only where Explorer does not find them: a column of lists, or the beginning of number columns, such as embedding_*.",
            **_COMPACT,
        )
        self.problems = Message(kind="error", visible=False, sizing_mode="stretch_width")
        self._view = pn.Column(self.choice, pn.Row(self.vectors, self.upload, sizing_mode="stretch_width"), self.problems, sizing_mode="stretch_width")
        self._following = False  # the widget follows the session: what it says then is not a person's choice
        self.choice.param.watch(self._on_choice, ["value"])
        self.upload.param.watch(self._on_upload, ["value"])
        session.param.watch(self._follow, ["catalog", "dataset", "opening"])
        self._follow()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._view

    def close(self) -> None:
        """Forget the uploaded files."""
        self._uploads.cleanup()

    def _on_choice(self, event: param.parameterized.Event) -> None:
        if event.new and not self._following:
            self._session.open_entry(event.new)

    def _on_upload(self, event: param.parameterized.Event) -> None:
        if not event.new:
            return
        name = Path(self.upload.filename or "upload").name
        path = Path(self._uploads.name) / name
        path.write_bytes(event.new)
        self.upload.clear()
        self._session.open(path, name=name, vectors=self.vectors.value.strip() or None)

    def _follow(self, *_: object) -> None:
        known, dataset = self._session.catalog, self._session.dataset
        options: dict[str, str | None] = {entry.title: entry.name for entry in known}
        title = self._session.opening or (dataset.name if dataset is not None else _OPENED)
        if title not in options:
            options = {title: "", **options}
        self._following = True
        try:
            self.choice.param.update(options=options, value=options[title])
        finally:
            self._following = False
        self.problems.param.update(text=" ".join(known.problems), visible=bool(known.problems))


class ColorControls(pn.viewable.Viewer):
    """What colors the map, and how density becomes opacity."""

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(**params)
        self._session = session
        appearance = session.appearance
        self.column = ui.Select(label="Color by", options={_NO_COLOR: ""}, value="", **_COMPACT)
        self.colormap = ui.Select(
            label="Color map", options={name: name for name in COLORMAPS}, value=next(iter(COLORMAPS)), visible=False, **_COMPACT
        )
        self.density = ui.Select.from_param(appearance.param.density, label="Density", **_COMPACT)
        self._view = pn.Column(self.column, self.colormap, self.density, sizing_mode="stretch_width")
        self._following = False  # the widget follows the state: what it says then is not a person's choice
        self.column.param.watch(self._on_choice, ["value"])
        self.colormap.param.watch(lambda event: appearance.param.update(colormap=event.new), ["value"])
        session.param.watch(self._on_dataset, ["dataset"])
        appearance.param.watch(self._on_color, ["color_by"])
        self._on_dataset()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._view

    def _on_choice(self, event: param.parameterized.Event) -> None:
        if not self._following:
            self._session.appearance.color_by = event.new or None

    def _on_dataset(self, *_: object) -> None:
        dataset = self._session.dataset
        names = [] if dataset is None else colorable(dataset)
        self._following = True
        try:
            self.column.param.update(options={_NO_COLOR: "", **{name: name for name in names}}, value=self._session.appearance.color_by or "")
        finally:
            self._following = False
        self._on_color()

    def _on_color(self, *_: object) -> None:
        dataset, column = self._session.dataset, self._session.appearance.color_by or ""
        if column in self.column.options.values():
            self.column.value = column
        self.colormap.visible = bool(dataset is not None and dataset.roles.get(column) in ("number", "time"))


class ProjectionControls(pn.viewable.Viewer):
    """Which layout is shown; which projection is computed next, with which parameters; Run, progress, Cancel."""

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(**params)
        self._session = session
        choice = session.choice
        self.shown = ui.Select(label="Layout on the map", options={}, **_COMPACT)
        self.method = ui.RadioButtonGroup(
            label="Projection", options={kind.title: method for method, kind in PROJECTIONS.items()}, value=choice.method, **_COMPACT
        )
        self._parameters = {
            method: pn.Column(*parameter_widgets(made), sizing_mode="stretch_width", visible=method == choice.method)
            for method, made in choice.projections.items()
        }
        self.run = ui.Button(label="Run", color="primary", variant="contained", icon="play_arrow", sizing_mode="stretch_width")
        self.cancel = ui.Button(label="Cancel", color="error", variant="outlined", icon="stop", sizing_mode="stretch_width", visible=False)
        self.bar = ui.LinearProgress(value=0, max=100, sizing_mode="stretch_width", visible=False)
        self.progress = Message(sizing_mode="stretch_width", margin=(0, 10), visible=False)
        self._view = pn.Column(
            self.shown, self.method, self.run, self.cancel, self.bar, self.progress, *self._parameters.values(), sizing_mode="stretch_width"
        )
        self._following = False
        self.method.param.watch(lambda event: choice.param.update(method=event.new), ["value"])
        choice.param.watch(self._on_method, ["method"])
        self.run.on_click(lambda _: session.run())
        self.cancel.on_click(lambda _: session.cancel())
        self.shown.param.watch(self._on_shown, ["value"])
        session.param.watch(self._on_runs, ["runs", "scene", "dataset"])
        session.param.watch(self._on_progress, ["running", "stage", "fraction", "seconds_left"])
        session.param.watch(self._on_dataset, ["dataset"])
        self._on_runs()
        self._on_dataset()
        self._on_progress()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._view

    def _on_method(self, *_: object) -> None:
        self.method.value = self._session.choice.method
        for method, column in self._parameters.items():
            column.visible = method == self._session.choice.method

    def _on_shown(self, event: param.parameterized.Event) -> None:
        run = next((run for run in self._session.runs if _key(run) == event.new), None)
        if run is not None and not self._following:
            self._session.show(run)

    def _on_runs(self, *_: object) -> None:
        scene, dataset = self._session.scene, self._session.dataset
        options = {run.title: _key(run) for run in self._session.runs}
        on_map = _key(scene.shown.run) if scene is not None and scene.dataset is dataset else None
        self._following = True
        try:
            self.shown.param.update(options=options, value=on_map if on_map in options.values() else None, visible=bool(options))
        finally:
            self._following = False

    def _on_dataset(self, *_: object) -> None:
        dataset = self._session.dataset
        self.run.disabled = dataset is None or dataset.vectors is None

    def _on_progress(self, *_: object) -> None:
        session = self._session
        busy = bool(session.running)
        self.run.visible = not busy
        for part in (self.cancel, self.bar, self.progress):
            part.visible = busy
        self.bar.value = round(100 * session.fraction)
        self.progress.text = progress_text(session) if busy else ""


def progress_text(session: Session) -> str:
    """Say how far the computation is: stage, percent, time left."""
    parts = [session.running, session.stage if session.stage not in ("", session.running) else "", f"{session.fraction:.0%}"]
    if session.seconds_left is not None:
        left = max(1, round(session.seconds_left))
        parts.append(f"{left} s left" if left < 90 else f"{left / 60:.0f} min left")
    return " · ".join(part for part in parts if part)


def parameter_widgets(made: Projection) -> list[pn.viewable.Viewable]:
    """Make a widget for each parameter of a projection; label, bounds and help come from the parameter."""
    return [_widget(made, name) for name in made.param if name != "name"]


def _widget(made: Projection, name: str) -> pn.viewable.Viewable:
    parameter = made.param[name]
    common: dict[str, Any] = {"label": name, "description": parameter.doc, **_COMPACT}
    if isinstance(parameter, param.Selector):
        return ui.Select.from_param(parameter, **common)
    if isinstance(parameter, param.Boolean):
        return ui.Switch.from_param(parameter, **common)
    if parameter.allow_None:
        return _number_or_automatic(made, name, common)
    if name == "seed":
        return ui.IntInput.from_param(parameter, **common)
    low, high = parameter.get_soft_bounds()
    fixed_low, fixed_high = parameter.bounds
    slider = ui.EditableIntSlider if isinstance(parameter, param.Integer) else ui.EditableFloatSlider
    step = parameter.step or (1 if isinstance(parameter, param.Integer) else 0.01)
    return slider.from_param(parameter, start=low, end=high, fixed_start=fixed_low, fixed_end=fixed_high, step=step, **common)


def _number_or_automatic(made: Projection, name: str, common: dict[str, Any]) -> pn.viewable.Viewable:
    """Make a field that may be left empty, which number fields of panel-material-ui show as 0."""
    field = ui.TextInput(placeholder="automatic", **common)
    whole = isinstance(made.param[name], param.Integer)

    def take(event: param.parameterized.Event) -> None:
        text = event.new.strip().replace(",", "")
        try:
            setattr(made, name, None if not text else int(text) if whole else float(text))
            field.param.update(error_state=False, helper_text="")
        except ValueError:
            low, high = made.param[name].bounds
            field.param.update(error_state=True, helper_text=f"A number from {low:,} to {high:,}, or empty.")

    def follow(*_: object) -> None:
        value = getattr(made, name)
        field.value = "" if value is None else f"{value:g}" if not whole else str(value)

    field.param.watch(take, ["value"])
    made.param.watch(follow, [name])
    follow()
    return field


def _key(run: Run) -> str:
    return f"{run.given}|{run.title}"
