"""Cells of notebooks in which Panel shows itself as a widget of ipywidgets, as in VS Code: nothing is lost, nothing fetched from outside.

jupyter_bokeh (4.1), which makes the widget, and Panel (1.9, 1.10) leave gaps that a map falls into:

- what a component says to its side in the browser goes to a document that nobody shows: the widget hears of that document, too;
- of bytes the browser takes the whole message that they came in: they go as text;
- what a component says while the kernel is busy takes the place of what it said before: nothing is combined;
- what changes before the browser has drawn the cell is lost: it is kept back;
- the browser says again what it was just told, and may take back what has changed since: see ``echoes`` in ``picture_layer.js``;
- JupyterLab has messages from a browser handled in threads of their own (subshells): they are handled on the kernel's main thread;
- style sheets are fetched from a CDN: they come with the widget.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import panel as pn
from bokeh.core.serialization import Serializer
from bokeh.document import Document
from bokeh.models.ui import UIElement
from bokeh.protocol.messages.patch_doc import patch_doc
from panel.io import notebook

if TYPE_CHECKING:
    from bokeh.document.events import DocumentPatchedEvent

__all__ = ["is_widget", "keep_back", "tell"]

_KEPT_MOST = 1_000  # changes; a browser that could not draw a cell never asks for them

_kept: WeakKeyDictionary[Document, deque[tuple[Any, DocumentPatchedEvent]]] = WeakKeyDictionary()  # by Panel's document
_make_widget = notebook.ipywidget


def is_widget(document: Document | None = None) -> bool:
    """Whether a document, or what is made now, is shown as a widget: where it is neither served nor Panel's own cell."""
    served = pn.state.curdoc is not None if document is None else document.session_context is not None
    return not served and pn.config.comms in ("vscode", "ipywidgets")


def keep_back(document: Document) -> None:
    """Keep from a browser what it is told of a widget until :func:`tell`."""
    _kept.setdefault(document, deque(maxlen=_KEPT_MOST))


def tell(document: Document) -> None:
    """Say that a browser has drawn a widget: it is told all that was kept back."""
    for widget, event in _kept.pop(document, ()):
        _send(widget, event)


def _widget(obj: Any, doc: Document | None = None, **options: Any) -> Any:
    """Make a widget of something of Panel's; see :func:`panel.io.notebook.ipywidget`."""
    from jupyter_bokeh.widgets import BokehModel

    if BokehModel._document_patched is not _on_change:
        BokehModel._document_patched, BokehModel._explorer_take, BokehModel._sync_model = _on_change, BokehModel._sync_model, _on_message
    made_of = doc or Document()
    widget = _make_widget(obj, made_of, **options)  # has a document of its own
    widget.combine_events = False
    if pn.config.inline:
        for model in widget._model.select({"type": UIElement}):
            notebook.patch_inline_stylesheets(model)
        widget.update_from_model(widget._model)
    made_of.on_change_dispatch_to(widget)
    try:
        widget._explorer_loop = asyncio.get_running_loop()
    except RuntimeError:  # it is made where nothing runs
        widget._explorer_loop = None
    widget._explorer_made_of = made_of
    return widget


def _on_message(widget: Any, model: Any, content: dict[str, Any], buffers: list[Any]) -> None:
    """Take what the browser says, on the kernel's main thread."""
    loop, take = widget._explorer_loop, partial(widget._explorer_take, model, content, buffers)
    if threading.current_thread() is threading.main_thread() or loop is None:
        take()
    elif not loop.is_closed():  # a kernel that has ended has nobody to tell
        loop.call_soon_threadsafe(take)


def _on_change(widget: Any, event: DocumentPatchedEvent) -> None:
    if event.setter is widget:
        return
    documents = event.document, getattr(widget, "_explorer_made_of", None)  # its own, where it is shown a second time
    kept = next((_kept[document] for document in documents if document is not None and document in _kept), None)
    if kept is None:
        _send(widget, event)
    else:
        kept.append((widget, event))


def _send(widget: Any, event: DocumentPatchedEvent) -> None:
    """Tell a browser of a change, as jupyter_bokeh does, with bytes as text."""
    models = widget._document.models
    encoder = Serializer(references=models.synced_references, deferred=False)
    message = patch_doc(patch_doc.create_header(), {}, {"events": encoder.encode([event])})
    models.flush_synced(lambda model: not encoder.has_ref(model))
    for part in (message.header_json, message.metadata_json, message.content_json):
        widget.send({"msg": "patch", "payload": part})


pn.viewable.ipywidget = _widget  # type: ignore[attr-defined]  # from where Panel calls it
