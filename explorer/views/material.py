"""The page's look: Material widgets and the page itself; the one module that names the package they come from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import panel as pn
import param

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

try:  # part of Panel from 1.10 on
    from panel import ui  # type: ignore[attr-defined, unused-ignore]
except ImportError:
    import panel_material_ui as ui

__all__ = ["MaterialToolkit", "Notice", "material_notice", "material_page"]

_WIDE: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": (5, 10)}
_COMPACT: dict[str, Any] = {"size": "small", **_WIDE}
_NARROW = 900  # CSS pixels; a narrower window has no room for both sides beside the map
_THEME: dict[str, Any] = {
    "breakpoints": {"values": {"xs": 0, "sm": _NARROW, "md": 1000, "lg": 1200, "xl": 1536}},  # below "sm" the page makes its sides drawers
    "components": {"MuiToggleButton": {"styleOverrides": {"root": {"textTransform": "none"}}}},  # "t-SNE", not "T-SNE"
}
_TEMPLATE = Path(__file__).with_name("page.html")  # the package's page, with a picture of the map until there is one
_ICONS = {
    "run": "play_arrow",
    "stop": "stop",
    "cancel": "close",
    "home": "center_focus_strong",
    "extent": "zoom_out_map",
    "picture": "image",
    "table": "table_chart",
}


class MaterialToolkit:
    """Material widgets; see :class:`explorer.views.toolkit.Toolkit`."""

    def select(self, label: str, options: Mapping[str, Any], value: Any, *, description: str = "") -> Any:
        return ui.Select(label=label, options=dict(options), value=value, description=description, **_COMPACT)

    def toggle(self, label: str, options: Mapping[str, Any], value: Any) -> Any:
        return ui.RadioButtonGroup(label=label, options=dict(options), value=value, **_COMPACT)

    def slider(self, parameter: param.Parameter[Any], label: str, *, value: float, start: float, end: float) -> Any:
        low, high = parameter.bounds
        whole = isinstance(parameter, param.Integer)
        slider = ui.EditableIntSlider if whole else ui.EditableFloatSlider
        step = parameter.step or (1 if whole else 0.01)
        fixed = {"start": start, "end": end, "fixed_start": low, "fixed_end": high, "step": step}
        return slider(label=label, description=parameter.doc, value=value, **fixed, **_COMPACT)

    def switch(self, label: str, *, value: bool, description: str = "") -> Any:
        return ui.Switch(label=label, value=value, description=description, **_COMPACT)

    def number(self, parameter: param.Parameter[Any], label: str, *, value: float) -> Any:
        low, high = parameter.bounds
        return ui.IntInput(label=label, description=parameter.doc, value=value, start=low, end=high, **_COMPACT)

    def text(self, label: str, *, placeholder: str, description: str = "") -> Any:
        return ui.TextInput(label=label, placeholder=placeholder, description=description, **_COMPACT)

    def complain(self, field: Any, sentence: str) -> None:
        field.param.update(error_state=bool(sentence), helper_text=sentence)

    def button(self, label: str, *, icon: str, danger: bool = False, quiet: bool = False, on_click: Callable[[Any], None]) -> Any:
        look = {"color": "error" if danger else "primary", "variant": "outlined" if danger or quiet else "contained"}
        return ui.Button(label=label, icon=_ICONS[icon], on_click=on_click, **look, **_WIDE)

    def icon_button(self, icon: str, *, description: str, on_click: Callable[[Any], None]) -> Any:
        return ui.IconButton(icon=_ICONS[icon], description=description, size="small", on_click=on_click)

    def progress(self) -> Any:
        return ui.LinearProgress(value=0, max=100, **_WIDE)

    def file(self, label: str, *, accept: str, most_bytes: int, description: str) -> Any:
        made = ui.FileInput(label=label, accept=accept, max_file_size=most_bytes, variant="outlined", description=description, **_COMPACT)
        take = made._update_file

        def take_empty_too(filename: Any, mime_type: Any, value: Any) -> None:
            # Of an empty file, panel-material-ui 0.16 sends neither name nor value.
            take(filename, mime_type, b"" if value is None else value)

        made._update_file = take_empty_too
        return made

    def heading(self, text: str) -> Any:
        return ui.Typography(text, variant="overline", margin=(6, 10, -4, 10), sizing_mode="stretch_width")


class NarrowWindow(pn.custom.JSComponent):
    """Tells whether the browser's window is narrow; shows nothing."""

    below = param.Integer(default=_NARROW, doc="CSS pixels; a window of less is narrow.")
    narrow = param.Boolean(default=False, doc="Whether the window is narrow.")

    _esm = Path(__file__).with_name("narrow.js")


class FieldNames(pn.custom.JSComponent):
    """Gives names, for screen readers, to the fields and buttons that Material's widgets leave without; shows nothing."""

    _esm = Path(__file__).with_name("field_names.js")


def material_page(*, controls: list[Any], main: list[Any], findings: list[Any]) -> ui.Page:
    """Lay out a page: controls at the left, findings at the right; in a narrow window both are drawers, closed at first."""
    window = NarrowWindow(width=0, height=0, margin=0)
    made = ui.Page(
        title="Explorer",
        template=_TEMPLATE.read_text(encoding="utf-8"),
        header=[window, FieldNames(width=0, height=0, margin=0)],
        sidebar=controls,
        sidebar_width=310,
        main=main,
        contextbar=findings,
        contextbar_open=True,
        contextbar_variant="auto",
        contextbar_width=300,
        busy_indicator=None,
        theme_toggle=True,
        theme_config=_THEME,
        sizing_mode="stretch_width",
    )
    _unwatch_busy(made)

    def follow(*_: object) -> None:
        made.param.update(sidebar_open=not window.narrow, contextbar_open=not window.narrow)

    def begin() -> None:  # not before the browser has its copy of the page: what changes until then is lost (Bokeh 3.9)
        follow()
        window.param.watch(follow, ["narrow"])

    pn.state.onload(begin)
    return made


class Reload(pn.custom.JSComponent):
    """Has the browser load the page again; shows nothing."""

    count = param.Integer(default=0, doc="Counts how often it was to.")

    _esm = Path(__file__).with_name("reload.js")


class Notice(NamedTuple):
    """A page that has nothing but a sentence."""

    page: ui.Page
    words: ui.Typography
    reload: Reload


def material_notice() -> Notice:
    """Lay out a page for a sentence, Explorer's own, which is not there yet."""
    words = ui.Typography("", variant="body1", sizing_mode="stretch_width", styles={"max-width": "60ch"}, margin=(32, 24))
    reload = Reload(width=0, height=0, margin=0)
    made = ui.Page(
        title="Explorer",
        template=_TEMPLATE.read_text(encoding="utf-8"),
        header=[reload],
        main=[words],
        busy_indicator=None,
        theme_toggle=True,
        theme_config=_THEME,
        sizing_mode="stretch_width",
    )
    _unwatch_busy(made)
    return Notice(made, words, reload)


def _unwatch_busy(made: ui.Page) -> None:
    """Take away the page's watcher on Panel's process-wide ``state.busy``.

    panel-material-ui 0.16 sets it in ``Page.__init__`` and never takes it away: every session would stay alive, and each event of one
    person would change the page of everybody.
    """
    private = made._param__private  # param offers no public way to end a reference
    for _, watcher in private.ref_watchers:
        (watcher.inst if watcher.inst is not None else watcher.cls).param.unwatch(watcher)
    private.ref_watchers = []
