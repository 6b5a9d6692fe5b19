"""What a notebook's kernel and browsers say to each other: on one thread, whole, in order, and nothing before a cell is drawn.

Panel (1.9, 1.10) leaves four gaps. Each loses changes, has the browser take the rest of one message for another, or leaves a cell empty:

- its browser side leaves out what comes before the cell is drawn, were it in the middle of a message: the kernel keeps such messages back;
- what is to be sent before a browser has connected is tried again later, and then comes after what was said meanwhile: messages are
  numbered, and sent in that order;
- JupyterLab has messages from a browser handled in threads of their own (subshells), and Panel answers there, while the kernel's main
  thread is sending or has changed something that it is about to send: they are handled on the main thread.
- it brings its scripts once for each kernel; a browser page that was loaded anew has none, while the kernel lives on: they are brought with
  the first cell that is shown to another page.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import deque
from functools import partial
from itertools import count
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import panel as pn
from panel.io import notebook
from pyviz_comms import JupyterCommJS

if TYPE_CHECKING:
    from collections.abc import Callable

    from bokeh.document import Document
    from pyviz_comms import Comm

__all__ = ["drawn", "has_scripts", "keep_back"]

_LATE_S = 0.2  # after which what Panel tries again (every 0.1 s) has come
_KEPT_MOST = 1000  # messages; a browser that could not draw a cell never asks for them

_numbers = count(1)
_sending = threading.RLock()
_kept: dict[str, deque[tuple[int, Comm, Any]]] = {}  # by the connection's name: messages for a cell that is not drawn yet
_comms: WeakKeyDictionary[Document, Comm] = WeakKeyDictionary()
_loops: list[asyncio.AbstractEventLoop] = []  # the kernel's, the last one
_supplied: set[str] = set()  # connections of browser pages that have Panel's scripts


def has_scripts() -> None:
    """Note that the page that asked for the cell that runs was just given Panel's scripts. Does nothing where there is none."""
    page = _asking_page()
    if page is not None:
        _supplied.add(page)


def keep_back(document: Document, comm: Comm) -> None:
    """Keep from a browser what it is told of a document, until it says that it has drawn it. Call it on the kernel's main thread.

    Does nothing the second time: what is added to a document that is drawn has to get there.
    """
    if document in _comms:
        return
    try:
        _loops[:] = [asyncio.get_running_loop()]
    except RuntimeError:  # a cell that is made where nothing runs, and shown by nobody
        _loops.clear()
    with _sending:
        _comms[document] = comm
        _kept[comm.id] = deque(maxlen=_KEPT_MOST)
    page = _asking_page()
    if page is not None and page not in _supplied:
        _supplied.add(page)
        notebook.load_notebook(inline=pn.config.inline)


def drawn(document: Document) -> None:
    """Say that a browser has drawn a document: it is told all that was kept back. Does nothing for a document that is served."""
    comm = _comms.get(document)
    if comm is None:
        return
    if _loops:
        _loops[-1].call_later(_LATE_S, _tell, comm.id)
    else:
        _tell(comm.id)


def _asking_page() -> str | None:
    """Name the connection over which the cell that runs was asked for: a page that is loaded anew has another one."""
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython is not None else None
    if not hasattr(shell, "kernel") or pn.config.comms != "default":  # elsewhere Panel brings its scripts with each cell
        return None
    name = shell.get_parent().get("header", {}).get("session")
    return str(name) if name else None


def _tell(name: str) -> None:
    with _sending:
        for _, comm, message in sorted(_kept.pop(name, ()), key=itemgetter(0)):
            _send(comm, message)


def _numbered(diff: Callable[..., Any]) -> Callable[..., Any]:
    def diff_with_number(*args: Any, **options: Any) -> Any:
        message = diff(*args, **options)
        if message is not None:
            message.number = next(_numbers)
        return message

    return diff_with_number


def _send_in_time(comm: Comm, msg: Any) -> None:
    with _sending:
        kept = _kept.get(comm.id)
        if kept is None:
            _send(comm, msg)
        else:
            kept.append((getattr(msg, "number", None) or next(_numbers), comm, msg))


def _on_main_thread(handle: Callable[[JupyterCommJS, Any], None]) -> Callable[[JupyterCommJS, Any], None]:
    def handle_on_main_thread(self: JupyterCommJS, msg: Any) -> None:
        if threading.current_thread() is threading.main_thread() or not _loops:
            handle(self, msg)
        elif not _loops[-1].is_closed():  # a kernel that has ended has nobody to tell
            _loops[-1].call_soon_threadsafe(partial(handle, self, msg))

    return handle_on_main_thread


_send = notebook.send
notebook.send = _send_in_time
notebook.diff = _numbered(notebook.diff)  # type: ignore[attr-defined]  # Panel's own
JupyterCommJS._handle_msg = _on_main_thread(JupyterCommJS._handle_msg)
