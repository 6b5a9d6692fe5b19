"""What a person calls clusters; never which rows are in them."""

from __future__ import annotations

import param

from explorer.state.state import State

__all__ = ["ClusterNaming"]

_LONGEST = 80  # characters


class ClusterNaming(State):
    """Names that take the place of those that were found."""

    renamed = param.Dict(default={}, doc='Names by cluster, by layer, both as text: {"0": {"3": "birds"}}.')

    def rename(self, layer: int, cluster: int, name: str) -> None:
        """Give a cluster a name; with an empty one it is called again what was found."""
        names, name = dict(self.renamed.get(str(layer), {})), " ".join(name.split())[:_LONGEST]
        names.pop(str(cluster), None)
        self.renamed = {**self.renamed, str(layer): {**names, **({str(cluster): name} if name else {})}}

    def given(self, layer: int, cluster: int) -> str:
        """Give the name that somebody gave; "" where nobody did."""
        names = self.renamed.get(str(layer))
        return str(names.get(str(cluster), "")) if isinstance(names, dict) else ""
