"""The base of all state: param classes whose values turn into JSON and back; holds no data and draws nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import param

__all__ = ["JSON", "State"]

JSON: TypeAlias = bool | int | float | str | list["JSON"] | dict[str, "JSON"] | None


class State(param.Parameterized):
    """What a person set; every param of a subclass takes part in the JSON."""

    def as_json(self) -> dict[str, JSON]:
        """Give the values by name, ready for ``json.dumps``."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in self.param.values().items() if name != "name"}

    def load_json(self, values: Mapping[str, JSON]) -> None:
        """Take values made by :meth:`as_json`, all in one step; names that are not known are left out.

        Raises
        ------
        ValueError
            If a value does not fit its param; nothing is changed then.
        """
        known = {name: self._as_param_value(name, value) for name, value in values.items() if name in self.param and name != "name"}
        trial = type(self)()
        trial.param.update(**known)
        self.param.update(**known)

    def _as_param_value(self, name: str, value: JSON) -> object:
        wants_tuple = isinstance(self.param[name], param.Tuple)
        return tuple(value) if wants_tuple and isinstance(value, list) else value
