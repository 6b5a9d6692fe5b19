"""Which projection is chosen and with which parameters; never runs one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

import param

from explorer.compute.projections import PROJECTIONS, Projection
from explorer.state.state import JSON, State

__all__ = ["ProjectionChoice", "choice_words", "setting_words"]


class ProjectionChoice(State):
    """The method in the panel; each method keeps the parameters it was given."""

    method: str = param.Selector(  # type: ignore[assignment]
        default="umap", objects=list(PROJECTIONS), doc="How the vectors are laid out."
    )

    vectors: str = param.String(  # type: ignore[assignment]
        default="", doc="Which vectors are laid out, where the same rows have others as well: their name."
    )

    def __init__(self, **params: object) -> None:
        self.projections: dict[str, Projection] = {method: kind() for method, kind in PROJECTIONS.items()}
        super().__init__(**params)

    @property
    def current(self) -> Projection:
        """The projection of the chosen method, with its parameters."""
        return self.projections[self.method]

    def as_json(self) -> dict[str, JSON]:
        """Give the method and the parameters of every method."""
        return {
            "method": self.method,
            "vectors": self.vectors,
            "params": {
                method: cast("JSON", {name: getattr(made, name) for name in made.parameter_names})
                for method, made in self.projections.items()
            },
        }

    def load_json(self, values: Mapping[str, JSON]) -> None:
        """Take what :meth:`as_json` gave, all in one step; methods and parameters that are not known are left out.

        What was written before there was a third dimension is of flat maps.

        Raises
        ------
        ValueError
            If a value does not fit its parameter; nothing is changed then.
        """
        params = values.get("params")
        known = {
            self.projections[method]: _only(
                {**cast("dict[str, JSON]", self.projections[method].unsaid), **settings}, self.projections[method].parameter_names
            )
            for method, settings in (params.items() if isinstance(params, dict) else ())
            if method in self.projections and isinstance(settings, dict)
        }
        for made, settings in known.items():
            type(made)().param.update(**settings)
        super().load_json(_only(values, ["method", "vectors"]))
        for made, settings in known.items():
            made.param.update(**settings)


def choice_words(name: str, before: Any, after: Any) -> str:
    """Say what a change of a param of :class:`ProjectionChoice` is called, as in "choose t-SNE"."""
    del before
    return f"choose {PROJECTIONS[after].title}" if name == "method" else f"lay out {after or 'the usual vectors'}"


def setting_words(name: str, before: Any, after: Any) -> str:
    """Say what a change of a projection's parameter is called, as in "perplexity 50"."""
    del before
    return f"no {name}" if after is None or after == "" else f"{name} {after}"


def _only(values: Mapping[str, JSON], names: Iterable[str]) -> dict[str, JSON]:
    return {name: values[name] for name in names if name in values}
