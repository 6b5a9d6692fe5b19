"""What an animation is like, each option once: the command line, keyword arguments and their bounds are made from it."""

from __future__ import annotations

from typing import get_args

import param

from explorer.compute.projections import allowed
from explorer.errors import BadParameter, UnknownChoice
from explorer.state.appearance import LabelChoice

__all__ = ["AnimationOptions"]

_SMALLEST, _LARGEST = 160, 3_840  # pixels


class AnimationOptions(param.Parameterized):
    """Size, time and look of an animation."""

    width = param.Integer(
        default=None,
        allow_None=True,
        bounds=(_SMALLEST, _LARGEST),
        doc="Width in pixels; without it that of the format, 1280, of a GIF 800, or as the height asks for it, 16 to 9.",
    )
    height = param.Integer(
        default=None, allow_None=True, bounds=(_SMALLEST, _LARGEST), doc="Height in pixels; without it 9 to 16 of the width."
    )
    seconds = param.Number(default=4.0, bounds=(0.1, 60.0), doc="How many seconds the way takes; at both ends the map stands for one more.")
    fps = param.Integer(default=None, allow_None=True, bounds=(1, 60), doc="Pictures a second; without it 30, of a GIF and in HTML 20.")
    loop = param.Boolean(default=True, doc="Travel there and back, so that it can be repeated without a jump.")
    dark = param.Boolean(default=False, doc="Draw on a dark ground, as the page in its dark theme.")
    labels: LabelChoice = param.Selector(  # type: ignore[assignment]
        default="automatic",
        objects=list(get_args(LabelChoice)),
        doc="What is named on the map, and travels with its rows. Automatic: clusters that were found, else 2 to 60 categories.",
    )
    title = param.String(default=None, allow_None=True, doc="The first line; without it the dataset's name.")

    @classmethod
    def of(cls, **values: object) -> AnimationOptions:
        """Take values as the command line and Python give them; defaults where left out.

        Raises
        ------
        UnknownChoice
            If there is no such option.
        BadParameter
            If a value is of the wrong type or outside its bounds.
        """
        made = cls()
        known = [name for name in made.param if name != "name"]
        for name, value in values.items():
            if name not in known:
                raise UnknownChoice("option of an animation", name, known)
            try:
                made.param.update(**{name: value})
            except ValueError:
                raise BadParameter(name, value, allowed(made, name)) from None
        return made
