"""How the map looks: color, density, size, and which categories are hidden; never the data itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

import param

from explorer.state.state import JSON, State

__all__ = ["NOTHING_HIDDEN", "Appearance", "Category", "ColorScale", "ContourChoice", "Hidden", "LabelChoice", "look_words"]

Category: TypeAlias = str | None
"""A category's name; None stands for the rows without a value."""

ColorScale: TypeAlias = Literal["linear", "log", "rank"]

LabelChoice: TypeAlias = Literal["automatic", "categories", "clusters", "none"]

ContourChoice: TypeAlias = Literal["none", "categories", "clusters"]

_ALL_BUT = "all_but"


@dataclass(frozen=True)
class Hidden:
    """Which categories of one column are hidden: those named, or all but those named.

    The second form keeps short what one of a hundred thousand categories shown alone would make long.

    Attributes
    ----------
    names : frozenset of (str or None)
        None stands for the rows without a value.
    all_but : bool
        Whether those that are named are the ones shown.
    """

    names: frozenset[Category] = frozenset()
    all_but: bool = False

    def __contains__(self, name: object) -> bool:
        return (name in self.names) != self.all_but

    def hide(self, names: Iterable[Category]) -> Hidden:
        """Hide these too."""
        return Hidden(self.names.difference(names) if self.all_but else self.names.union(names), self.all_but)

    def show(self, names: Iterable[Category]) -> Hidden:
        """Show these too."""
        return Hidden(self.names.union(names) if self.all_but else self.names.difference(names), self.all_but)

    @classmethod
    def but(cls, names: Iterable[Category]) -> Hidden:
        """Hide all but these."""
        return cls(frozenset(names), all_but=True)

    @classmethod
    def from_json(cls, value: JSON) -> Hidden:
        """Read what :meth:`as_json` wrote.

        Raises
        ------
        ValueError
            If it is neither a list of names and nulls nor ``{"all_but": [...]}`` with such a list.
        """
        all_but = isinstance(value, dict) and list(value) == [_ALL_BUT]
        names = value[_ALL_BUT] if all_but and isinstance(value, dict) else value
        if not isinstance(names, list) or not all(name is None or isinstance(name, str) for name in names):
            message = f"hidden categories are a list of names, or all_but with such a list, not {value!r:.100}"
            raise ValueError(message)
        return cls(frozenset(name for name in names if name is None or isinstance(name, str)), all_but)

    def as_json(self) -> JSON:
        """Write the names in order, ready for ``json.dumps``."""
        names: list[JSON] = [*sorted(name for name in self.names if name is not None), *([None] if None in self.names else [])]
        return {_ALL_BUT: names} if self.all_but else names


NOTHING_HIDDEN: Final = Hidden()


class _HiddenByColumn(param.Dict):  # type: ignore[type-arg, unused-ignore]  # generic for type checkers only
    """A dict of :meth:`Hidden.as_json` by column."""

    def _validate(self, val: object) -> None:
        super()._validate(val)
        for column, hidden in val.items() if isinstance(val, dict) else ():
            if not isinstance(column, str):
                message = f"hidden categories belong to a column's name, not to {column!r:.100}"
                raise ValueError(message)
            Hidden.from_json(hidden)


class Appearance(State):
    """What colors the map, how density turns into opacity, and which categories are not drawn."""

    color_by = param.String(default=None, allow_None=True, doc="Column that colors the map; none shows density alone.")
    colormap = param.String(default="", doc="Colors of a number column; empty for the default.")
    color_scale: ColorScale = param.Selector(  # type: ignore[assignment]
        default="linear",
        objects=list(get_args(ColorScale)),
        doc="How the values of a number column are spread over the colors: as they are, by their logarithm, or by their rank.",
    )
    palette = param.String(default="", doc="Colors of a category column; empty for the default.")
    hidden = _HiddenByColumn(
        default={}, doc="Categories that are not drawn, by column: names, null for rows without a value, or all_but with the ones shown."
    )
    density: Literal["log", "equalized", "linear"] = param.Selector(  # type: ignore[assignment]
        default="log", objects=["log", "equalized", "linear"], doc="How the number of rows in a pixel becomes opacity."
    )
    point_size = param.Number(
        default=None,
        allow_None=True,
        bounds=(1, 20),
        step=0.5,
        doc="Diameter of a row in pixels; automatic when not set: larger where rows are few.",
    )
    labels: LabelChoice = param.Selector(  # type: ignore[assignment]
        default="automatic",
        objects=list(get_args(LabelChoice)),
        doc="What is named on the map. Automatic: the clusters, where somebody has found some, else the categories of a column of 2 to 60.",
    )
    contours: ContourChoice = param.Selector(  # type: ignore[assignment]
        default="none",
        objects=list(get_args(ContourChoice)),
        doc="What has lines around it on the map: the categories that color it, or the clusters, where somebody has found some; "
        "thick around half of the rows, thin around nine of ten, where they lie closest.",
    )
    depth_cue = param.Boolean(default=True, doc="Whether rows that are far away pale, on a map of three dimensions or more.")
    images = param.Boolean(default=True, doc="Whether rows are shown by their images where so few are in view that there is room.")

    def hidden_in(self, column: str | None) -> Hidden:
        """Say what is hidden of a column; of no column, nothing."""
        return Hidden.from_json(self.hidden.get(column, [])) if column is not None else NOTHING_HIDDEN

    def hide_in(self, column: str, hidden: Hidden) -> None:
        """Set what is hidden of a column; what is hidden of others stays, and is in force when they color the map."""
        others = {name: value for name, value in self.hidden.items() if name != column}
        self.hidden = others if hidden == NOTHING_HIDDEN else {**others, column: hidden.as_json()}


_NO_VALUE = "no value"


def look_words(name: str, before: Any, after: Any) -> str:
    """Say what a change of a param of :class:`Appearance` is called, as in "color by topic"."""
    said: dict[str, Callable[[], str]] = {
        "color_by": lambda: "one color" if after is None else f"color by {after}",
        "palette": lambda: f"colors {after or 'as usual'}",
        "colormap": lambda: f"colors {after or 'as usual'}",
        "color_scale": lambda: f"{after} color scale",
        "hidden": lambda: _hiding_words(before, after),
        "point_size": lambda: "automatic point size" if after is None else f"point size {after:g}",
        "images": lambda: "images on the map" if after else "no images on the map",
        "contours": lambda: "no contours" if after == "none" else f"contours of {after}",
        "depth_cue": lambda: "far rows pale" if after else "far rows as near ones",
        "labels": lambda: "no labels on the map" if after == "none" else f"labels on the map: {after}",
    }
    return said[name]() if name in said else f"{name} {after}"


def _hiding_words(before: dict[str, JSON], after: dict[str, JSON]) -> str:
    """Say which category was hidden or shown; of several, of which column."""
    column = next((name for name in {**before, **after} if before.get(name) != after.get(name)), "")
    old, new = Hidden.from_json(before.get(column, [])), Hidden.from_json(after.get(column, []))
    if new == NOTHING_HIDDEN:
        shown = old.names if not old.all_but else frozenset[Category]()
        return f"show {_called(*shown)}" if len(shown) == 1 else f"show all of {column}"
    if new.all_but and not old.all_but:
        return f"show {_called(*new.names)} alone" if len(new.names) == 1 else f"show some of {column} alone"
    changed = new.names ^ old.names
    if new.all_but != old.all_but or len(changed) != 1:
        return f"hide some of {column}"
    return f"{'hide' if next(iter(changed)) in new else 'show'} {_called(*changed)}"


def _called(name: Category) -> str:
    return _NO_VALUE if name is None else name
