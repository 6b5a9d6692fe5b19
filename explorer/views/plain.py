"""A notebook cell's look: Panel's own widgets, which need no bundle of their own in the notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import panel as pn
import param

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["INK", "PlainToolkit"]

# By the name that Panel knows, JupyterLab says its color of text only where ipywidgets is there; without it Panel writes black on black.
INK = ":host { --design-background-text-color: var(--vscode-editor-foreground, var(--jp-widgets-label-color, var(--jp-ui-font-color1))); }"

_WIDE: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": (4, 10)}
_SIGNS = {
    "run": "▶",
    "stop": "■",
    "cancel": "✕",
    "home": "Home",
    "extent": "All",
    "picture": "↓",
    "table": "↓",
}  # an icon font would come from outside


class PlainToolkit:
    """Panel's own widgets; see :class:`explorer.views.toolkit.Toolkit`."""

    def select(self, label: str, options: Mapping[str, Any], value: Any, *, description: str = "") -> Any:
        return pn.widgets.Select(label=label, options=dict(options), value=value, description=description, **_WIDE)

    def toggle(self, label: str, options: Mapping[str, Any], value: Any) -> Any:
        look = {"color": "primary", "variant": "outline"}  # so that in dark, too, what is chosen differs from the rest
        return pn.widgets.RadioButtonGroup(label=label, options=dict(options), value=value, **look, **_WIDE)

    def slider(self, parameter: param.Parameter[Any], label: str, *, value: float, start: float, end: float) -> Any:
        low, high = parameter.bounds
        whole = isinstance(parameter, param.Integer)
        slider = pn.widgets.EditableIntSlider if whole else pn.widgets.EditableFloatSlider
        step = parameter.step or (1 if whole else 0.01)
        fixed = {"start": start, "end": end, "fixed_start": low, "fixed_end": high, "step": step}
        return slider(label=label, value=value, **fixed, **_WIDE)

    def switch(self, label: str, *, value: bool, description: str = "") -> Any:
        return pn.widgets.Checkbox(label=label, value=value, **_WIDE)

    def number(self, parameter: param.Parameter[Any], label: str, *, value: float) -> Any:
        low, high = parameter.bounds
        return pn.widgets.IntInput(label=label, description=parameter.doc, value=value, start=low, end=high, **_WIDE)

    def text(self, label: str, *, placeholder: str, description: str = "") -> Any:
        return pn.widgets.TextInput(label=label, placeholder=placeholder, description=description, **_WIDE)

    def complain(self, field: Any, sentence: str) -> None:
        name = field.label.split(": ")[0]
        field.label = f"{name}: {sentence}" if sentence else name

    def button(self, label: str, *, icon: str, danger: bool = False, quiet: bool = False, on_click: Callable[[Any], None]) -> Any:
        color = "danger" if danger else "default" if quiet else "primary"
        return pn.widgets.Button(label=f"{_SIGNS[icon]} {label}", color=color, on_click=on_click, **_WIDE)

    def icon_button(self, icon: str, *, description: str, on_click: Callable[[Any], None]) -> Any:
        return pn.widgets.Button(label=_SIGNS[icon], description=description, on_click=on_click, width=64, margin=(2, 10))

    def progress(self) -> Any:
        return pn.indicators.Progress(value=0, max=100, **_WIDE)

    def file(self, label: str, *, accept: str, most_bytes: int, description: str) -> Any:
        return pn.widgets.FileInput(accept=accept, **_WIDE)

    def heading(self, text: str) -> Any:
        return pn.pane.HTML(f"<b>{text}</b>", margin=(6, 10, 0, 10), sizing_mode="stretch_width")
