"""The picture that a page shows until its map can ask for one: drawn once for everybody who opens the same map, never on the event loop."""

from __future__ import annotations

import base64
import logging
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

from explorer.picture import draw_still
from explorer.render.color import Color
from explorer.scene import Scene

__all__ = ["Still", "prepare_still", "still"]

logger = logging.getLogger(__name__)

_WIDE: Final = (900, 700)  # pixels at most
_NARROW: Final = (420, 700)  # the other one, made smaller, would have too small points


class Still(NamedTuple):
    """Pictures of a whole map as data URIs: for a wide page, and for one without room for a sidebar."""

    wide: str
    narrow: str


_drawn: WeakKeyDictionary[Color, Still] = WeakKeyDictionary()  # a layout's colors: they are shared by its scenes
_lock = Lock()
_drawer = ThreadPoolExecutor(1, thread_name_prefix="explorer-still")


def still(scene: Scene) -> Still | None:
    """Return the pictures of the whole map; None, and drawn for the next page, where nobody opened this map before."""
    with _lock:
        found = _drawn.get(scene.color)
    if found is None:
        _drawer.submit(_draw, scene)
    return found


def prepare_still(scene: Scene) -> None:
    """Draw the pictures of the whole map; returns when the next page would have them."""
    _drawer.submit(_draw, scene).result()


def _draw(scene: Scene) -> None:
    with _lock:
        if scene.color in _drawn:
            return
    try:
        made = Still(*(_data_uri(draw_still(scene, *size)) for size in (_WIDE, _NARROW)))
    except Exception:  # a border: the page shows its map all the same, a moment later
        logger.exception("a page's first picture could not be drawn")
        return
    with _lock:
        _drawn[scene.color] = made


def _data_uri(webp: bytes) -> str:
    return "data:image/webp;base64," + base64.b64encode(webp).decode()
