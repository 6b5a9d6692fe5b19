"""The tools over the maps: hand, box, lasso, what a selection does to the one before, undo, how many maps; and the keys for all of it."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import panel as pn
import param

from explorer.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Toolbar"]

_SET = frozenset({"tool", "mode", "n_maps", "linked", "table", "table_height", "closed"})


class ToolbarComponent(pn.custom.JSComponent):
    """The toolbar in the browser; see ``toolbar.js``."""

    state = param.Dict(default={}, doc="The arrangement, and selected, can_undo, can_redo, and what these do: undoes, redoes.")
    group = param.String(default="", doc="What the maps of this session have in common.")
    keys_everywhere = param.Boolean(default=True, doc="Whether keys count wherever the focus is: a notebook has keys of its own.")

    alone = param.Boolean(default=False, doc="Whether there is one map and nothing around it: what opens more is left out.")

    _esm = Path(__file__).with_name("toolbar.js")
    _stylesheets: ClassVar = [Path(__file__).with_name("toolbar.css")]  # type: ignore[list-item]  # as Panel allows

    def __init__(self, *, on_message: Callable[[object], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, data: object) -> None:
        self._on_message(data)


class Toolbar(pn.viewable.Viewer):
    """Tools and keys of a session's maps.

    Parameters
    ----------
    session : Session
        Whose maps.
    actions : mapping of str to callable
        What there is to do beyond the session's own: called on the thread that owns the params.
    keys_everywhere : bool
        Whether keys count wherever on the page the focus is.
    alone : bool
        Whether there is one map and nothing around it.
    """

    def __init__(
        self,
        session: Session,
        actions: Mapping[str, Callable[[], object]],
        *,
        keys_everywhere: bool,
        alone: bool = False,
        **params: Any,
    ) -> None:
        super().__init__(**params)
        self._session = session
        self._actions: dict[str, Callable[[], object]] = {
            "undo": session.history.undo,
            "redo": session.history.redo,
            "clear": session.selection.clear,
            "let_go": partial(setattr, session.inspection, "row", None),
            "invert": session.invert_selection,
            "next": session.show_next,
            **actions,
        }
        self.component = ToolbarComponent(
            on_message=self._on_message, group=str(id(session)), keys_everywhere=keys_everywhere, alone=alone, margin=0
        )
        session.arrangement.param.watch(self._update, list(_SET))
        session.history.param.watch(self._update, ["can_undo", "can_redo", "undoes", "redoes"])
        session.selection.param.watch(self._update, ["count"])
        self._update()

    def __panel__(self) -> pn.viewable.Viewable:
        return self.component

    def begin(self, *, linked: bool = False) -> None:
        """Have the browser set what it remembers of the last page, unless a link says how the maps are arranged; and remember this one."""
        self.component._send_msg({"type": "begin", "linked": linked})

    def _on_message(self, message: object) -> None:
        if isinstance(message, dict):
            self._session.soon(self._take, message)

    def _take(self, message: dict[str, Any]) -> None:
        kind, name = message.get("type"), message.get("name")
        values = message.get("values")
        if kind in ("set", "remembered") and isinstance(values, dict) and _SET.issuperset(values):
            as_before = self._session.history.unrecorded() if kind == "remembered" else nullcontext()  # nobody has done that on this page
            try:
                with as_before:
                    self._session.arrangement.param.update(**values)
            except ValueError:
                self._update()  # nobody can choose that: the browser is told what is
        elif kind == "do" and name in self._actions:
            self._actions[name]()

    def _update(self, *_: object) -> None:
        session, maps = self._session, self._session.arrangement
        self.component.state = {
            **{name: getattr(maps, name) for name in sorted(_SET)},
            "selected": session.selection.count,
            "can_undo": session.history.can_undo,
            "can_redo": session.history.can_redo,
            "undoes": session.history.undoes,
            "redoes": session.history.redoes,
        }
