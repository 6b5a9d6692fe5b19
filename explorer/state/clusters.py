"""What a person calls clusters; never which rows are in them."""

from __future__ import annotations

from typing import Any

import param

from explorer.state.state import State

__all__ = ["ClusterNaming", "naming_words"]

_LONGEST = 80  # characters


class ClusterNaming(State):
    """Names that take the place of those that were found."""

    renamed = param.Dict(default={}, doc='Names by cluster, by layer, both as text: {"0": {"3": "birds"}}.')

    def rename(self, layer: int, cluster: int, name: str) -> None:
        """Give a cluster a name; with an empty one it is called again what was found."""
        names, name = dict(self.renamed.get(str(layer), {})), " ".join(name.split())[:_LONGEST]
        names.pop(str(cluster), None)
        names = {**names, **({str(cluster): name} if name else {})}
        others = {key: given for key, given in self.renamed.items() if key != str(layer)}
        self.renamed = {**others, str(layer): names} if names else others

    def given(self, layer: int, cluster: int) -> str:
        """Give the name that somebody gave; "" where nobody did."""
        names = self.renamed.get(str(layer))
        return str(names.get(str(cluster), "")) if isinstance(names, dict) else ""


def naming_words(_: str, before: Any, after: Any) -> str:
    """Say what a change of the names is called."""
    given = [
        name
        for layer, names in after.items()
        for cluster, name in names.items()
        if not isinstance(before.get(layer), dict) or before[layer].get(cluster) != name
    ]
    return f"name a cluster {given[0]}" if len(given) == 1 else "names of clusters"
