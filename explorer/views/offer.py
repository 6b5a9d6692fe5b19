"""The offer to encode the texts or images of a source that has no vectors: which column, by what, what it costs, how far it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import panel as pn

from explorer.session import Session
from explorer.views.status import Message, time_left
from explorer.views.toolkit import Toolkit, tie

__all__ = ["OfferView"]


class OfferView(pn.viewable.Viewer):
    """What a session offers, see :class:`explorer.offer.TextOffer`; nothing where it offers nothing.

    Parameters
    ----------
    session : Session
        Whose offer.
    toolkit : Toolkit
        Makes the widgets.
    """

    def __init__(self, session: Session, toolkit: Toolkit, **params: Any) -> None:
        super().__init__(**params)
        self._offer, soon = session.offer, session.soon
        offer = self._offer
        self.title = Message(sizing_mode="stretch_width", margin=(0, 10, 10, 10))
        about = "Each becomes a vector; equal ones once."
        self.column = tie(toolkit.select("Texts", {"": ""}, "", description=about), offer, "column", soon=soon)
        about = "What makes the vectors. What it has made before is in the store and costs nothing."
        self.encoder = tie(toolkit.select("Encoder", {"": ""}, "", description=about), offer, "encoder", soon=soon)
        about = "Longer than the model takes: either their ends are left out, or their vectors are the means of those of their parts."
        self.long_texts = toolkit.select(
            "Long texts", {"cut": "cut", "average of their parts": "average"}, offer.long_texts, description=about
        )
        tie(self.long_texts, offer, "long_texts", soon=soon)
        self.told = Message(sizing_mode="stretch_width", margin=(0, 10, 8, 10))
        self.begin = toolkit.button("Encode", icon="run", on_click=lambda _: soon(offer.begin))
        self.bar = toolkit.progress()
        self.cancel = toolkit.button("Cancel", icon="cancel", danger=True, on_click=lambda _: soon(offer.cancel))
        self.dismiss = toolkit.button("Not now", icon="cancel", quiet=True, on_click=lambda _: soon(offer.dismiss))
        self._view = pn.Column(
            self.title,
            self.column,
            self.encoder,
            self.long_texts,
            self.told,
            self.bar,
            self.begin,
            self.cancel,
            self.dismiss,
            sizing_mode="stretch_width",
        )
        offer.param.watch(self._offered, ["title", "columns", "encoders"])
        offer.param.watch(self._follow, ["title", "images", "told", "ready", "encoding", "fraction", "seconds_left"])
        self._offered()
        self._follow()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._view

    def _offered(self, *_: object) -> None:
        offer = self._offer
        self.column.param.update(options={name: name for name in offer.columns} or {"": ""}, value=offer.column)
        self.encoder.param.update(options={_short(name): name for name in offer.encoders} or {"": ""}, value=offer.encoder)

    def _follow(self, *_: object) -> None:
        offer = self._offer
        self._view.visible = bool(offer.title)
        what = "images" if offer.images else "texts"
        self.title.text = f"{offer.title} has {what} and no vectors: a map needs vectors of them." if offer.title else ""
        self.column.label, self.long_texts.visible = what.capitalize(), not offer.images
        told = offer.told
        if offer.encoding:
            left = "" if offer.seconds_left is None else f" · {time_left(offer.seconds_left)}"
            told = f"Encoding · {offer.fraction:.0%}{left}"
        self.told.param.update(text=told, visible=bool(told))
        self.begin.param.update(visible=not offer.encoding, disabled=not offer.ready)
        self.dismiss.visible = not offer.encoding
        self.cancel.visible = self.bar.visible = offer.encoding
        self.bar.value = round(100 * offer.fraction)
        self.column.disabled = self.encoder.disabled = self.long_texts.disabled = offer.encoding


def _short(encoder: str) -> str:
    """Name an encoder by its model first: a narrow list cuts what comes behind."""
    kind, _, model = encoder.partition(":")
    return f"{'/'.join(Path(model).parts[-2:])} · {kind}"
