"""What ``panel serve explorer`` runs once, before the first page: gets everything ready so that the first person does not wait."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bokeh.application.application import ServerContext

_parent = str(Path(__file__).resolve().parent.parent)
if _parent not in sys.path:
    sys.path.insert(0, _parent)  # as main.py: this folder is what is served, installed or not

from explorer.records import log  # noqa: E402  (the path is set above)

log.set_up()  # now, so that the first lines of the server's log have their form as well


def on_server_loaded(server_context: ServerContext) -> None:
    """Add metrics, liveness, headers and the log to the server, compile the drawing kernels and start the compute process."""
    from explorer.operations.instrument import instrument, tornado_of
    from explorer.pages import warm

    tornado, address = tornado_of(server_context)
    instrument(tornado, pages=[address])
    warm()
