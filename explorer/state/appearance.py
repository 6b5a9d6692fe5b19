"""How the map looks: color, density, size, and which categories are hidden; never the data itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

import param

from explorer.state.state import JSON, State

__all__ = ["NOTHING_HIDDEN", "Appearance", "Category", "ColorScale", "Hidden", "LabelChoice"]

Category: TypeAlias = str | None
"""A category's name; None stands for the rows without a value."""

ColorScale: TypeAlias = Literal["linear", "log", "rank"]

LabelChoice: TypeAlias = Literal["automatic", "categories", "clusters", "none"]

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
    depth_cue = param.Boolean(default=True, doc="Whether rows that are far away pale, on a map of three dimensions or more.")
    images = param.Boolean(default=True, doc="Whether rows are shown by their images where so few are in view that there is room.")

    def hidden_in(self, column: str | None) -> Hidden:
        """Say what is hidden of a column; of no column, nothing."""
        return Hidden.from_json(self.hidden.get(column, [])) if column is not None else NOTHING_HIDDEN

    def hide_in(self, column: str, hidden: Hidden) -> None:
        """Set what is hidden of a column; what is hidden of others stays, and is in force when they color the map."""
        others = {name: value for name, value in self.hidden.items() if name != column}
        self.hidden = others if hidden == NOTHING_HIDDEN else {**others, column: hidden.as_json()}
