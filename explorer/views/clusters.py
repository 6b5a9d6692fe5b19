"""The clusters as a tree to browse: a click selects, a double click renames, a button colors the maps by a layer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import panel as pn
import param

from explorer import settings
from explorer.cluster_words import layer_titles
from explorer.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.compute.clusters import ClusterTree

__all__ = ["ClustersView"]

_NO_VECTORS: Final = "This dataset has coordinates only: clusters are found among vectors."
_READ_ONLY: Final = "This server is read-only: it shows clusters that were found, and looks for none."
_MODES: Final = ("replace", "add", "subtract", "intersect")


class ClustersComponent(pn.custom.JSComponent):
    """The panel in the browser; see ``clusters.js``."""

    content = param.Dict(default={}, doc="why, failed; layers: title, colored, names, sizes, parents. Plain numbers and text all of it.")
    progress = param.Dict(default={}, doc="running, stage, fraction.")

    _esm = Path(__file__).with_name("clusters.js")
    _stylesheets: ClassVar = [Path(__file__).with_name("panels.css"), Path(__file__).with_name("clusters.css")]  # type: ignore[list-item]  # as Panel allows

    def __init__(self, *, on_message: Callable[[object], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, data: object) -> None:
        self._on_message(data)


class ClustersView(pn.viewable.Viewer):
    """A session's clusters.

    Parameters
    ----------
    session : Session
        Whose.
    """

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(**params)
        self._session = session
        self.component = ClustersComponent(
            on_message=lambda message: session.soon(self._take, message), sizing_mode="stretch_width", margin=(0, 10)
        )
        session.param.watch(self._update, ["dataset", "columns"])
        session.appearance.param.watch(self._update, ["color_by"])
        session.clustering.param.watch(self._update, ["tree", "names", "failed"])
        session.clustering.param.watch(self._update_progress, ["running", "stage", "fraction"])
        self._update()
        session.clustering.begin()

    def __panel__(self) -> pn.viewable.Viewable:
        return self.component

    def _take(self, message: object) -> None:
        if not isinstance(message, dict):
            return
        clustering = self._session.clustering
        kind, layer, cluster = message.get("type"), message.get("layer"), message.get("cluster")
        if kind == "find" and not settings.read_only():
            clustering.find()
        elif kind == "stop":
            clustering.stop()
        elif kind == "color" and type(layer) is int:
            clustering.toggle_color(layer)
        elif type(layer) is int and type(cluster) is int:
            name, mode = message.get("name"), message.get("mode", "replace")
            if kind == "rename" and isinstance(name, str):
                clustering.rename(layer, cluster, name)
            elif kind == "select" and mode in _MODES:
                clustering.select(layer, cluster, mode=mode)

    def _update(self, *_: object) -> None:
        clustering, color = self._session.clustering, self._session.appearance.color_by
        tree: ClusterTree | None = clustering.tree
        titles = layer_titles(0 if tree is None else len(tree.layers))
        why = "" if clustering.possible else _NO_VECTORS if self._session.dataset is not None else " "
        self.component.content = {
            "why": why or (_READ_ONLY if settings.read_only() and tree is None else ""),
            "failed": clustering.failed,
            "found": tree is not None,
            "layers": []
            if tree is None
            else [
                {
                    "title": title,
                    "colored": clustering.column(at) is not None and clustering.column(at) == color,
                    "names": list(clustering.names[at]),
                    "sizes": tree.sizes(at).tolist(),
                    "parents": tree.parents[at].tolist(),
                }
                for at, title in enumerate(titles)
            ],
        }

    def _update_progress(self, *_: object) -> None:
        clustering = self._session.clustering
        self.component.progress = {
            "running": clustering.running,
            "stage": clustering.stage,
            "fraction": round(clustering.fraction, 2),
        }
