"""A session as JSON and back: what a person set, the selection, the filters, and which layouts are on the maps; no data."""

from __future__ import annotations

import base64
import binascii
import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from explorer.data.comparison import with_rival
from explorer.errors import BadState, ComparisonGone, ExplorerError, UnknownDataset
from explorer.journey import OnTheWay
from explorer.plane import Plane
from explorer.render.view import View
from explorer.session import Session
from explorer.state.history import PackedMask
from explorer.state.state import JSON
from explorer.turning import Turned

if TYPE_CHECKING:
    from explorer.assessment import Assessment
    from explorer.clustering import Clustering
    from explorer.comparing import Comparing
    from explorer.data.dataset import Dataset
    from explorer.intake import Intake
    from explorer.movement import Movement
    from explorer.steadiness import Steadiness

__all__ = ["compares_others", "comparison_of", "has_column", "open_comparison", "state_as_set", "state_from_json", "state_to_json"]

_VERSION = 1
_PARTS = ("choice", "appearance", "export", "inspection", "arrangement", "histograms", "table")


def state_to_json(session: Session) -> dict[str, JSON]:
    """Give everything that a person set, ready for ``json.dumps``.

    Returns
    -------
    dict
        A part for each state object; ``dataset`` (name, rows, fingerprint); ``compare``, the other vectors that those are compared
        with (``column`` of the same source or ``entry`` of the catalog, ``title``, ``fingerprint``), or None; ``maps``, the titles of the
        layouts; ``selection`` and ``filters`` with their masks in packed and compressed form; for each map in ``views`` the part of it
        that is on screen, None for all of it, in ``ways`` the two layouts between which it is, with how far, 0 to 1, and in ``cameras``
        how a layout of more than two dimensions is seen, see :meth:`explorer.render.camera.Camera.numbers`.
    """
    return state_as_set(session)()


def state_as_set(session: Session) -> Callable[[], dict[str, JSON]]:
    """Take down everything as it is set now, and give what makes the JSON of it: for a thread, where rows are many."""
    dataset, selection = session.dataset, session.selection
    made: dict[str, Any] = {part: getattr(session, part).as_json() for part in _PARTS}
    made["clusters"] = session.clustering.naming.as_json()
    made["version"] = _VERSION
    made["dataset"] = None if dataset is None else {"name": dataset.name, "rows": dataset.n_rows, "fingerprint": dataset.fingerprint}
    made["compare"] = _compare(session)
    made["maps"] = [None if plane.run is None else plane.run.title for plane in session.planes]
    made["views"] = [None if plane.viewport.view is None else list(plane.viewport.view) for plane in session.planes]
    made["ways"] = [_way(plane) for plane in session.planes]
    made["cameras"] = [_camera(plane) for plane in session.planes]
    mask, made_by, kept, entries = selection.mask, selection.made_by, selection.packed(), dict(session.filters.entries)

    def pack() -> dict[str, JSON]:
        made["selection"] = {
            "made_by": made_by,
            "mask": _packed(PackedMask.of(mask)),
            "kept": {name: _packed(packed) for name, packed in kept.items()},
        }
        made["filters"] = [{"key": key, "label": each.label, "mask": _packed(PackedMask.of(each.mask))} for key, each in entries.items()]
        return cast("dict[str, JSON]", made)

    return pack


def state_from_json(session: Session, values: Mapping[str, JSON]) -> None:
    """Set everything that :func:`state_to_json` gave; what is missing or not known stays as it is.

    Raises
    ------
    BadState
        If a part does not fit, or rows are of another dataset than the open one; nothing is changed then.
    """
    before = state_to_json(session)
    try:
        with session.history.together("set what was kept"):
            session.standing.note("set what was kept")
            _load(session, values)
    except (ValueError, TypeError, KeyError, AttributeError, zlib.error, binascii.Error) as error:
        with session.history.unrecorded():
            _load(session, before)
        raise BadState(str(error)) from error


class _Wanted(NamedTuple):
    """With which other vectors the rows were compared."""

    column: str
    entry: str
    title: str
    fingerprint: str


def comparison_of(session: Session, values: Mapping[str, JSON]) -> Callable[[], Dataset] | None:
    """Give what opens the comparison that a state was kept with, or without it: for a thread.

    What is compared may only be a column of the open source, or what the visitor may open by name: never a path.

    Returns
    -------
    callable or None
        None where that is what is open, where the state says nothing of it, or is of other rows than those that are open. Raises
        ``ComparisonGone`` where it cannot be had.

    Raises
    ------
    BadState
        If it is none.
    """
    dataset, of = session.dataset, values.get("dataset")
    mine = dataset is not None and (not isinstance(of, dict) or of.get("fingerprint") == dataset.fingerprint)
    if dataset is None or not mine or "compare" not in values:
        return None
    wanted = _wanted(values)
    if wanted is None:  # what was named when the server was started stays: on the page it could not be had again
        chosen = dataset.compared is not None and dataset.compared.column in dataset.rivals
        return partial(with_rival, dataset, "") if chosen else None
    if dataset.other is not None and dataset.other.fingerprint == wanted.fingerprint:
        return None
    return partial(_opened_with, session.intake, replace(dataset, other=None, compared=None), wanted)


def compares_others(session: Session, values: Mapping[str, JSON]) -> str:
    """Say, as a sentence, that vectors are compared that were others when a state was kept; "" where they are the same, or none are."""
    wanted, other = _wanted(values), None if session.dataset is None else session.dataset.other
    if wanted is None or other is None or other.fingerprint == wanted.fingerprint:
        return ""
    return f"{wanted.title} has other vectors by now than when this view was kept."


def open_comparison(session: Session, values: Mapping[str, JSON]) -> str:
    """Open here and now the comparison that a state was kept with; where it is gone, the sentence that says so.

    Raises
    ------
    BadState
        If it is none.
    """
    read = comparison_of(session, values)
    if read is None:
        return ""
    try:
        session.open_now(read())
    except ComparisonGone as error:
        return str(error)
    return compares_others(session, values)


def _compare(session: Session) -> dict[str, JSON] | None:
    """Say with what the open rows are compared, so that others find it."""
    dataset = session.dataset
    if dataset is None or dataset.other is None or dataset.compared is None:
        return None
    column, title, file = dataset.compared
    found = (each.name for each in session.catalog if (each.title == title if file is None else each.path == file))
    entry = "" if column else next(found, "")
    return {"column": column, "entry": entry, "title": title, "fingerprint": dataset.other.fingerprint}


def _wanted(values: Mapping[str, JSON]) -> _Wanted | None:
    told = values.get("compare")
    if told is None:
        return None
    if not isinstance(told, dict) or not all(isinstance(told.get(name), str) for name in _Wanted._fields):
        message = f"{told!r:.100} is not with what the rows were compared"
        raise BadState(message)
    return _Wanted(*(str(told[name]) for name in _Wanted._fields))


def _opened_with(intake: Intake, alone: Dataset, wanted: _Wanted) -> Dataset:
    if wanted.column and wanted.column not in alone.rivals:
        raise ComparisonGone(wanted.title, f"{alone.name} has no column {wanted.column} of vectors any more.")
    try:
        return with_rival(alone, wanted.column) if wanted.column else intake.compared(alone, wanted.entry)
    except UnknownDataset:
        raise ComparisonGone(wanted.title, "That is not in the catalog here.") from None
    except ExplorerError as error:
        raise ComparisonGone(wanted.title, str(error)) from error


def _load(session: Session, values: Mapping[str, Any]) -> None:
    dataset = session.dataset
    n_rows = 0 if dataset is None else dataset.n_rows
    of = values.get("dataset")
    if of is not None and (dataset is None or of["fingerprint"] != dataset.fingerprint or of["rows"] != n_rows):
        message = f"it belongs to {of['name']!r} of {of['rows']:,} rows, and that is not what is open"
        raise ValueError(message)
    selection, filters = values.get("selection"), values.get("filters")
    mask = None if selection is None else _mask(selection["mask"], n_rows)
    kept = {} if selection is None else {str(name): _mask(packed, n_rows) for name, packed in selection["kept"].items()}
    passing = [(str(entry["key"]), str(entry["label"]), _mask(entry["mask"], n_rows)) for entry in filters or ()]
    color = values.get("appearance", {}).get("color_by")
    measuring = _measuring(session)
    measures = next((one for one in measuring if one.can_recall(color)), None)
    _load_parts(session, values, later=() if measures is None else ("color_by",))
    for column in {*session.histograms.columns, *session.table.columns, *(column for column, _ in session.table.sort)}:
        for one in measuring:
            one.recall(column)
    if "clusters" in values:
        session.clustering.naming.load_json(values["clusters"])
    if measures is not None and dataset is not None:
        session.colors.recall(str(color))
        measures.recall(color, color=True)
        session.appearance.color_by = color if color in dataset.roles else session.appearance.color_by  # it may be found by now
    if selection is not None and mask is not None:
        session.selection.load(mask, str(selection["made_by"]), kept)
    if filters is not None:
        session.filters.clear()
        for key, label, which in passing:
            session.filters.put(key, label, which)
    views, ways, cameras = (list(values.get(name, ())) for name in ("views", "ways", "cameras"))
    looks = [None if view is None else View(*map(_finite, view)) for view in views]
    for at, (plane, title) in enumerate(zip(session.planes, values.get("maps", ()), strict=False)):
        _show(session, plane, title, ways[at] if at < len(ways) else None, cameras[at] if at < len(cameras) else None)
        if at < len(looks):
            look = looks[at]
            plane.viewport.view = None if look is None else tuple(look)
            plane.looking = () if look is None else look


def has_column(session: Session, name: object) -> bool:
    """Say whether the open dataset has a column, or it can be measured again."""
    dataset = session.dataset
    return dataset is not None and (name in dataset.roles or any(one.can_recall(name) for one in _measuring(session)))


def _measuring(session: Session) -> tuple[Movement, Assessment, Steadiness, Clustering, Comparing]:
    return session.movement, session.assessment, session.steadiness, session.clustering, session.comparing


def _load_parts(session: Session, values: Mapping[str, Any], *, later: Sequence[str]) -> None:
    """Set what the state objects have, but for what of the appearance is set ``later``."""
    for part in _PARTS:
        if part in values:
            left = later if part == "appearance" else ()
            getattr(session, part).load_json({name: value for name, value in values[part].items() if name not in left})
    if session.dataset is None or session.dataset.other is None:
        session.choice.vectors = ""  # it may be of a comparison that is gone


def _way(plane: Plane) -> dict[str, JSON] | None:
    """Say where a map is between two layouts; None where it is at one."""
    journey = plane.journey
    if journey is None or not 0 < plane.at < 1 or isinstance(journey.start, OnTheWay):
        return None
    return {"from": journey.start.run.title, "to": journey.goal.run.title, "at": round(plane.at, 4)}


def _camera(plane: Plane) -> list[float] | None:
    """Say how a layout of more than two dimensions is seen; on the way to another one, how that is from which the rows come."""
    start = None if _way(plane) is None else plane.journey.start
    camera = start.camera if isinstance(start, Turned) else plane.camera
    return None if camera is None else list(camera.numbers())


def _show(session: Session, plane: Plane, title: object, way: Mapping[str, Any] | None, camera: Sequence[float] | None) -> None:
    dataset, known = session.dataset, {run.title: run for run in session.runs}
    if dataset is None:
        return
    seen = str(title) if way is None else str(way["from"])
    if camera is not None and seen in known:
        session.face(plane, known[seen], camera)
    if way is not None and way["from"] in known and way["to"] in known:
        plane.journey_between(known[way["from"]], known[way["to"]], dataset, at=min(max(_finite(way["at"]), 0.0), 1.0))
        return
    run = known.get(str(title))
    if run is not None and (run != plane.run or plane.journey is not None):
        plane.stage(run, dataset)


def _finite(value: object) -> float:
    number = float(value)  # type: ignore[arg-type]  # what is none raises
    if not math.isfinite(number):
        message = f"{number} is no place on a map"
        raise ValueError(message)
    return number


def _packed(mask: PackedMask) -> str:
    return base64.b64encode(zlib.compress(mask.bits.tobytes(), 6)).decode("ascii")


def _mask(packed: str, n_rows: int) -> NDArray[np.bool_]:
    """Unpack a mask; never more bytes than the dataset's rows need."""
    n_bytes = (n_rows + 7) // 8
    opened = zlib.decompressobj()
    raw = opened.decompress(base64.b64decode(packed, validate=True), n_bytes + 1)
    if len(raw) != n_bytes:
        message = f"a mask is not one of {n_rows:,} rows"
        raise ValueError(message)
    return PackedMask(np.frombuffer(raw, np.uint8), n_rows).unpack()
