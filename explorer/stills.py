"""The picture that a page shows until its map can ask for one: drawn once for everybody who opens the same map, never on the event loop."""

from __future__ import annotations

import base64
import logging
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from weakref import WeakKeyDictionary

from explorer.picture import draw_still
from explorer.render.color import Color
from explorer.scene import Scene

__all__ = ["still"]

logger = logging.getLogger(__name__)

_drawn: WeakKeyDictionary[Color, str] = WeakKeyDictionary()  # a layout's colors: they are shared by its scenes
_lock = Lock()
_drawer = ThreadPoolExecutor(1, thread_name_prefix="explorer-still")


def still(scene: Scene) -> str:
    """Return the picture of the whole map as a data URI; empty, and drawn for the next page, where nobody opened this map before."""
    with _lock:
        found = _drawn.get(scene.color)
    if found is None:
        _drawer.submit(_draw, scene)
    return found or ""


def _draw(scene: Scene) -> None:
    with _lock:
        if scene.color in _drawn:
            return
    try:
        made = "data:image/webp;base64," + base64.b64encode(draw_still(scene)).decode()
    except Exception:  # a border: the page shows its map all the same, a moment later
        logger.exception("a page's first picture could not be drawn")
        return
    with _lock:
        _drawn[scene.color] = made
