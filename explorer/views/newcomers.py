"""New rows on the page: a field to type or paste into, a file, and what is known of each; clicks go to its nearest rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import panel as pn
import param

from explorer import settings
from explorer.encoders.image_bytes import ENDINGS as IMAGES
from explorer.newcomers import MOST
from explorer.session import Session
from explorer.views.card import title_of
from explorer.views.controls import READABLE, file_name
from explorer.views.toolkit import Toolkit
from explorer.views.visiting import visit

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.data.dataset import Dataset
    from explorer.jobs.placement_task import Placement
    from explorer.newcomers import Newcomer

__all__ = ["NewcomersView"]

_LISTED = 20  # new rows with all that is known of them; the others are counted
_NEAREST = 5
_TITLE = 60  # characters


class NewcomersComponent(pn.custom.JSComponent):
    """The new rows in the browser; see ``newcomers.js``."""

    content = param.Dict(default={}, doc="encoder, dims, fixed, working, problem, n and items: title, word, confidence, near.")

    _esm = Path(__file__).with_name("newcomers.js")
    _stylesheets: ClassVar = [Path(__file__).with_name("panels.css"), Path(__file__).with_name("newcomers.css")]  # type: ignore[list-item]  # as Panel allows

    def __init__(self, *, on_message: Callable[[object], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, data: object) -> None:
        self._on_message(data)


class NewcomersView(pn.viewable.Viewer):
    """A session's new rows.

    Parameters
    ----------
    session : Session
        Whose.
    toolkit : Toolkit
        Makes the button that uploads a file.
    on_fly : callable, optional
        Called with the row that somebody goes to, which becomes the clicked one.
    on_point : callable, optional
        Called with the row under the pointer, or None.
    on_show : callable, optional
        Called with the new row that somebody wants to see, by its place in the list.
    """

    def __init__(
        self,
        session: Session,
        toolkit: Toolkit,
        *,
        on_fly: Callable[[int], None] | None = None,
        on_point: Callable[[int | None], None] | None = None,
        on_show: Callable[[int], None] | None = None,
        **params: Any,
    ) -> None:
        super().__init__(**params)
        self._session, self._on_fly, self._on_point, self._on_show = session, on_fly, on_point, on_show
        self.component = NewcomersComponent(
            on_message=lambda message: session.soon(self._take, message), sizing_mode="stretch_width", margin=(0, 10)
        )
        about = f"Vectors as long as those of the data, or texts or images for its encoder; at most {MOST:,} rows. The file is not kept."
        most = settings.upload_limit_mb() * 1_000_000
        self.upload = toolkit.file("Place rows of a file", accept=",".join((READABLE, *IMAGES)), most_bytes=most, description=about)
        self.upload.visible = not settings.read_only()
        self.upload.param.watch(self._on_upload, ["value"])
        self._view = pn.Column(self.component, self.upload, sizing_mode="stretch_width")
        session.param.watch(self._update, ["dataset"])
        session.newcomers.param.watch(self._update, ["items", "found", "places", "working", "problem"])
        self._update()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._view

    def _on_upload(self, event: param.parameterized.Event) -> None:
        if event.new is None:  # cleared
            return
        name, data = file_name(self.upload.filename), event.new
        self._session.soon(self.upload.clear)
        self._session.soon(self._session.drop_upload, name, data)

    def _take(self, message: object) -> None:
        if not isinstance(message, dict):
            return
        kind, at, row, dataset = message.get("type"), message.get("at"), message.get("row"), self._session.dataset
        if kind == "drop" and isinstance(text := message.get("text"), str):
            self._session.newcomers.drop(text)
        elif kind == "remove" and type(at) is int:
            self._session.newcomers.remove(at)
        elif kind == "show" and type(at) is int and self._on_show is not None:
            self._on_show(at)
        elif kind == "clear":
            self._session.newcomers.clear()
        elif kind == "point" and self._on_point is not None and (row is None or type(row) is int):
            self._on_point(row)
        elif kind == "look" and type(row) is int and dataset is not None and 0 <= row < dataset.n_rows:
            visit(self._session, row, self._on_fly)

    def _update(self, *_: object) -> None:
        newcomers, dataset = self._session.newcomers, self._session.dataset
        encoder = None if dataset is None else dataset.encoder
        self.component.content = {
            "encoder": "" if encoder is None else encoder.title,
            "dims": None if dataset is None else dataset.n_dims,
            "fixed": settings.read_only(),
            "working": newcomers.working,
            "problem": newcomers.problem,
            "n": len(newcomers.items),
            "items": [] if dataset is None else _told(dataset, newcomers.items, newcomers.found),
        }


def _told(dataset: Dataset, items: list[Newcomer], found: Placement | None) -> list[dict[str, Any]]:
    known = found if found is not None and len(found.rows) == len(items) else None
    told: list[dict[str, Any]] = []
    for at, item in enumerate(items[:_LISTED]):
        each: dict[str, Any] = {"title": item.title}
        if known is not None:
            near = zip(known.rows[at].tolist()[:_NEAREST], known.distances[at].tolist(), strict=False)
            each |= {
                "word": known.familiarity.words[at],
                "confidence": float(known.familiarity.confidence[at]),
                "near": [{"row": row, "title": title_of(dataset, row)[:_TITLE], "distance": round(apart, 3)} for row, apart in near],
            }
        told.append(each)
    return told
