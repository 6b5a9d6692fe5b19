"""What is on the screen as a short text, for a page's address or a bookmark, and back; knows no browser.

The text is what differs from a page that was just opened: JSON, compressed, in letters that an address may have. An address has room for
:data:`ROOM` of them: what is too large for that is left out, and said by name.
"""

from __future__ import annotations

import base64
import binascii
import copy
import json
import math
import zlib
from collections.abc import Callable, Mapping
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast
from urllib.parse import urlencode

from explorer.crossfilter import first_columns
from explorer.errors import BadState
from explorer.session_state import compares_others, comparison_of, has_column, state_as_set, state_from_json

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset
    from explorer.session import Session
    from explorer.state.state import JSON

__all__ = ["ROOM", "Address", "address_of", "decoded", "differing", "encoded", "entry_name", "reopening", "restore"]

ROOM: Final = 3_500
"""Letters. A proxy takes 8,000 bytes of a header, and the address is in some of them more than once."""

_DIGITS: Final = 6  # of a view, counted from its width: a screen has fewer than 10,000 pixels
_MOST: Final = 4_000_000  # bytes of a text, opened
_PARTS: Final = ("choice", "appearance", "inspection", "histograms", "table")
_SHARED: Final = ("n_maps", "linked", "table")  # of the arrangement: what is folded, and what dragging does, is everybody's own


class Address(NamedTuple):
    """What follows the question mark, what of it is the state, and what had no room, as words."""

    query: str
    text: str
    left_out: list[str]


def entry_name(session: Session) -> str | None:
    """Say by which name of the catalog others can open what is open; none where it was opened otherwise."""
    title = None if session.dataset is None else session.dataset.name
    return next((entry.name for entry in session.catalog if entry.title == title), None)


def differing(session: Session) -> Callable[[], dict[str, Any]]:
    """Take down what is set, and give what makes of it the state as JSON, without what is as on a page that was just opened."""
    pack, usual, dataset = state_as_set(session), _usual(session), session.dataset
    first = session.runs[0].title if session.runs else None

    def make() -> dict[str, Any]:
        state = cast("dict[str, Any]", pack())
        if dataset is None:
            return {}
        made: dict[str, Any] = {part: _less(state[part], usual[part]) for part in (*_PARTS, "arrangement")}
        made["arrangement"] = {name: value for name, value in made["arrangement"].items() if name in _SHARED}
        made["maps"] = [] if state["maps"] == [first] else state["maps"]
        made["views"] = [view and _rounded(view) for view in state["views"]] if any(state["views"]) else []
        made["ways"] = state["ways"] if any(state["ways"]) else []
        made["cameras"] = state["cameras"] if any(state["cameras"]) else []
        if state["selection"]["made_by"] or state["selection"]["kept"]:
            made["selection"] = state["selection"]
        made["filters"] = state["filters"]
        made["compare"] = state["compare"]
        made = {part: value for part, value in made.items() if value}
        return {**made, "dataset": state["dataset"]} if made else {}

    return make


def address_of(state: Mapping[str, Any], entry: str | None) -> Address:
    """Write the address of a state that :func:`differing` made, of a dataset with this name in the catalog."""
    left: dict[str, Any] = copy.deepcopy(dict(state))
    text, left_out = encoded(left) if left else "", []
    for part, words in (("kept", "selections kept by name"), ("selection", "the selection"), ("filters", "the filters")):
        if len(text) > ROOM and _drop(left, part):
            left_out.append(words)
            text = encoded(left)
    if len(text) > ROOM:
        text, left_out = "", ["what is set"]
    parts = {"dataset": entry, "state": text}
    return Address(urlencode({name: value for name, value in parts.items() if value}), text, left_out)


def encoded(state: Mapping[str, Any]) -> str:
    """Write a state as a text of letters, digits, ``-`` and ``_``."""
    raw = json.dumps(state, separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(zlib.compress(raw, 9)).decode("ascii").rstrip("=")


def decoded(text: str) -> dict[str, JSON]:
    """Read what :func:`encoded` wrote.

    Raises
    ------
    BadState
        If it is no such text.
    """
    try:
        opened = zlib.decompressobj()
        raw = opened.decompress(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True), _MOST)
        found = json.loads(raw) if opened.eof else None
    except (ValueError, zlib.error, binascii.Error, RecursionError):
        found = None
    if not isinstance(found, dict):
        message = "the link is not complete, or was changed"
        raise BadState(message)
    return found


def restore(session: Session, text: str, *, problem: str = "") -> None:
    """Set what a text says; everything else becomes as on a page that was just opened.

    With which other vectors the rows are compared is not set here, as those are opened in a thread: see :func:`reopening`.

    Parameters
    ----------
    session : Session
        Where it is set.
    text : str
        What :func:`encoded` wrote.
    problem : str, optional
        A sentence on what of it could not be had.

    Raises
    ------
    BadState
        If it is no such text, or belongs to another dataset; nothing is changed then.
    """
    given, usual, dataset = cast("dict[str, Any]", decoded(text)), _usual(session), session.dataset
    if not all(isinstance(given.get(part, {}), dict) for part in (*_PARTS, "arrangement")):
        message = "the link is not complete, or was changed"
        raise BadState(message)
    whole: dict[str, Any] = {part: {**usual[part], **given.get(part, {})} for part in _PARTS}
    shared = {name: usual["arrangement"][name] for name in _SHARED}
    whole["arrangement"] = {**shared, **{name: value for name, value in given.get("arrangement", {}).items() if name in _SHARED}}
    if problem and not has_column(session, whole["appearance"].get("color_by")):  # it may have been one of what could not be had
        whole["appearance"]["color_by"] = usual["appearance"]["color_by"]
    n_maps = whole["arrangement"]["n_maps"]
    maps = given.get("maps") or [run.title for run in session.runs[:1]]
    state_from_json(
        session,
        {
            **whole,
            **({"dataset": given["dataset"]} if "dataset" in given else {}),
            "maps": maps,
            "views": given.get("views") or [None] * (n_maps if isinstance(n_maps, int) else 1),
            "ways": given.get("ways", []),
            "cameras": given.get("cameras", []),
            "selection": given.get("selection") or _nothing(0 if dataset is None else dataset.n_rows),
            "filters": given.get("filters", []),
        },
    )
    ways, known = given.get("ways", []), {run.title for run in session.runs}
    named = [[way["from"], way["to"]] if way else [title] for title, way in zip_longest(maps, ways[: len(maps)])]
    missing = dict.fromkeys(title for titles in named for title in titles if title is not None and title not in known)
    told = [problem or compares_others(session, given)]
    if missing and not problem:  # else they may be of those vectors
        told.append(f"{' and '.join(map(str, missing))} has not been computed on this machine: choose its settings and press Run.")
    if any(told):
        session.error = " ".join(filter(None, told))


def reopening(session: Session, text: str) -> Callable[[], Dataset] | None:
    """Give what opens the rows again with the other vectors that a text compares them with, or without any: for a thread.

    Returns
    -------
    callable or None
        None where nothing has to be opened; see :func:`explorer.session_state.comparison_of`.

    Raises
    ------
    BadState
        If it is no such text.
    """
    return comparison_of(session, {"compare": None, **decoded(text)})


def _usual(session: Session) -> dict[str, Any]:
    """Say what is set on a page that was just opened."""
    usual: dict[str, Any] = {part: type(getattr(session, part))().as_json() for part in (*_PARTS, "arrangement")}
    dataset = session.dataset
    usual["choice"]["vectors"] = "" if dataset is None or dataset.other is None else dataset.vectors_name
    usual["appearance"]["color_by"] = None if dataset is None else dataset.color
    usual["histograms"]["columns"] = [] if dataset is None else first_columns(dataset)
    return usual


def _less(values: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is as usual, at any depth."""
    made = {}
    for name, value in values.items():
        before = usual.get(name)
        left = _less(value, before) if isinstance(value, dict) and isinstance(before, dict) else value
        if value != before and left != {}:
            made[name] = left
    return made


def _rounded(view: list[float]) -> list[float]:
    """Leave out digits that are far less than a pixel: they would make the address longer."""
    span = max(view[1] - view[0], view[3] - view[2])
    digits = _DIGITS - math.floor(math.log10(span)) if span > 0 else _DIGITS
    return [round(end, digits) for end in view]


def _drop(state: dict[str, Any], part: str) -> bool:
    if part == "kept":
        return bool(state.get("selection", {}).pop("kept", None)) and _keep_shape(state)
    return state.pop(part, None) is not None


def _keep_shape(state: dict[str, Any]) -> bool:
    state["selection"]["kept"] = {}
    return True


def _nothing(n_rows: int) -> dict[str, Any]:
    empty = base64.b64encode(zlib.compress(bytes((n_rows + 7) // 8))).decode("ascii")
    return {"made_by": "", "mask": empty, "kept": {}}
