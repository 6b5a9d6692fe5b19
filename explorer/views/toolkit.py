"""What the panels need of a widget set: one for a page (Material), one for a notebook cell (plain Panel widgets)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import param

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Toolkit", "tie", "tie_optional"]


class Toolkit(Protocol):
    """Makes widgets of one look.

    The two sets share no type, so they are Any here. Each has ``value``, ``visible``, ``disabled`` and, where it offers some, ``options``.
    """

    def select(self, label: str, options: Mapping[str, Any], value: Any, *, description: str = "") -> Any:
        """Make a list to choose one of."""

    def toggle(self, label: str, options: Mapping[str, Any], value: Any) -> Any:
        """Make a row of buttons of which one is pressed."""

    def slider(self, parameter: param.Parameter[Any], label: str, *, value: float, start: float, end: float) -> Any:
        """Make a slider with a field for exact values; the field takes what the parameter's bounds allow."""

    def switch(self, label: str, *, value: bool, description: str = "") -> Any:
        """Make a switch for yes or no."""

    def number(self, parameter: param.Parameter[Any], label: str, *, value: float) -> Any:
        """Make a field for a whole number within the parameter's bounds."""

    def text(self, label: str, *, placeholder: str, description: str = "") -> Any:
        """Make a line of text."""

    def complain(self, field: Any, sentence: str) -> None:
        """Say what is wrong with what was typed into a text field; nothing when empty."""

    def button(self, label: str, *, icon: str, danger: bool = False, quiet: bool = False, on_click: Callable[[Any], None]) -> Any:
        """Make a button; a quiet one stands back behind others."""

    def icon_button(self, icon: str, *, description: str, on_click: Callable[[Any], None]) -> Any:
        """Make a small button that is only a picture."""

    def progress(self) -> Any:
        """Make a bar from 0 to 100."""

    def file(self, label: str, *, accept: str, most_bytes: int, description: str) -> Any:
        """Make a button that uploads a file: ``value`` is its bytes, ``filename`` its name."""

    def heading(self, text: str) -> Any:
        """Make the title of a group; ``text`` is Explorer's own."""


def tie(widget: Any, owner: param.Parameterized, name: str, *, soon: Callable[..., None]) -> Any:
    """Tie a widget to a param in both directions; what a person does goes through ``soon``, see :meth:`explorer.session.Session.soon`.

    ``from_param`` would set the param on whatever thread the widget's event came from. What counts is the widget's value at the time
    when it is taken: values in between, each of which the widget would have to follow back, could chase each other for ever.
    """

    def take() -> None:
        try:
            setattr(owner, name, widget.value)
        except ValueError:  # a field that was emptied; nothing that a widget offers
            widget.value = getattr(owner, name)

    widget.param.watch(lambda _: soon(take), ["value"])
    owner.param.watch(lambda event: widget.param.update(value=event.new), [name])
    return widget


def tie_optional(label: str, owner: param.Parameterized, name: str, toolkit: Toolkit, *, soon: Callable[..., None]) -> Any:
    """Make a field for a number that may be left empty, which number fields show as 0, and tie it to a param in both directions."""
    field = toolkit.text(label, placeholder="automatic", description=owner.param[name].doc or "")
    whole = isinstance(owner.param[name], param.Integer)

    def take() -> None:
        text = (field.value or "").strip().replace(",", "")  # as it is by now, see tie
        try:
            setattr(owner, name, None if not text else int(text) if whole else float(text))
            toolkit.complain(field, "")
        except ValueError:
            low, high = owner.param[name].bounds
            toolkit.complain(field, f"a number from {low:,.0f} to {high:,.0f}, or empty")

    def follow(*_: object) -> None:
        value = getattr(owner, name)
        field.value = "" if value is None else str(value).removesuffix(".0")

    field.param.watch(lambda _: soon(take), ["value"])
    owner.param.watch(follow, [name])
    follow()
    return field
