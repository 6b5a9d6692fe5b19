"""Which projection is chosen and with which parameters; never runs one."""

from __future__ import annotations

from collections.abc import Mapping

import param

from explorer.compute.projections import PROJECTIONS, Projection
from explorer.state.state import JSON, State

__all__ = ["ProjectionChoice"]


class ProjectionChoice(State):
    """The method in the panel; each method keeps the parameters it was given."""

    method = param.Selector(default="umap", objects=list(PROJECTIONS), doc="How the vectors are laid out in two dimensions.")

    def __init__(self, **params: object) -> None:
        self.projections: dict[str, Projection] = {method: kind() for method, kind in PROJECTIONS.items()}
        super().__init__(**params)

    @property
    def current(self) -> Projection:
        """The projection of the chosen method, with its parameters."""
        return self.projections[self.method]

    def as_json(self) -> dict[str, JSON]:
        """Give the method and the parameters of every method."""
        return {"method": self.method, "params": {method: made.settings() for method, made in self.projections.items()}}

    def load_json(self, values: Mapping[str, JSON]) -> None:
        """Take what :meth:`as_json` gave; methods and parameters that are not known are left out."""
        params = values.get("params")
        for method, settings in params.items() if isinstance(params, dict) else ():
            if method in self.projections and isinstance(settings, dict):
                made = self.projections[method]
                made.param.update(**{name: value for name, value in settings.items() if name in made.param and name != "name"})
        if "method" in values:
            self.method = values["method"]
