"""A session as JSON and back: what a person set, the selection, the filters, and which layouts are on the maps; no data."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from explorer.errors import BadState
from explorer.session import Session
from explorer.state.history import PackedMask
from explorer.state.state import JSON

__all__ = ["state_from_json", "state_to_json"]

_VERSION = 1
_PARTS = ("choice", "appearance", "export", "inspection", "arrangement", "histograms", "table")


def state_to_json(session: Session) -> dict[str, JSON]:
    """Give everything that a person set, ready for ``json.dumps``.

    Returns
    -------
    dict
        A part for each state object; ``dataset`` (name, rows, fingerprint); ``maps``, the titles of the layouts; ``selection`` and
        ``filters`` with their masks in packed and compressed form.
    """
    dataset, selection = session.dataset, session.selection
    made: dict[str, Any] = {part: getattr(session, part).as_json() for part in _PARTS}
    made["clusters"] = session.clustering.naming.as_json()
    made["version"] = _VERSION
    made["dataset"] = None if dataset is None else {"name": dataset.name, "rows": dataset.n_rows, "fingerprint": dataset.fingerprint}
    made["maps"] = [None if plane.run is None else plane.run.title for plane in session.planes]
    made["selection"] = {
        "made_by": selection.made_by,
        "mask": _packed(PackedMask.of(selection.mask)),
        "kept": {name: _packed(mask) for name, mask in selection.packed().items()},
    }
    made["filters"] = [
        {"key": key, "label": entry.label, "mask": _packed(PackedMask.of(entry.mask))} for key, entry in session.filters.entries.items()
    ]
    return cast("dict[str, JSON]", made)


def state_from_json(session: Session, values: Mapping[str, JSON]) -> None:
    """Set everything that :func:`state_to_json` gave; what is missing or not known stays as it is.

    Raises
    ------
    BadState
        If a part does not fit, or rows are of another dataset than the open one; nothing is changed then.
    """
    before = state_to_json(session)
    try:
        _load(session, values)
    except (ValueError, TypeError, KeyError, AttributeError, zlib.error, binascii.Error) as error:
        _load(session, before)
        raise BadState(str(error)) from error


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
    measuring = (session.movement, session.assessment, session.steadiness, session.clustering)
    measures = next((one for one in measuring if one.can_recall(color)), None)
    for part in _PARTS:
        if part in values:
            later = ("color_by",) if part == "appearance" and measures is not None else ()
            getattr(session, part).load_json({name: value for name, value in values[part].items() if name not in later})
    for column in {*session.histograms.columns, *session.table.columns, *(column for column, _ in session.table.sort)}:
        for one in measuring:
            one.recall(column)
    if "clusters" in values:
        session.clustering.naming.load_json(values["clusters"])
    if measures is not None:
        measures.recall(color, color=True)
    if selection is not None and mask is not None:
        session.selection.load(mask, str(selection["made_by"]), kept)
    if filters is not None:
        session.filters.clear()
        for key, label, which in passing:
            session.filters.put(key, label, which)
    for plane, title in zip(session.planes, values.get("maps", ()), strict=False):
        run = next((run for run in session.runs if run.title == title), None)
        if run is not None and run != plane.run and dataset is not None:
            plane.stage(run, dataset)


def _packed(mask: PackedMask) -> str:
    return base64.b64encode(zlib.compress(mask.bits.tobytes(), 1)).decode("ascii")


def _mask(packed: str, n_rows: int) -> NDArray[np.bool_]:
    """Unpack a mask; never more bytes than the dataset's rows need."""
    n_bytes = (n_rows + 7) // 8
    opened = zlib.decompressobj()
    raw = opened.decompress(base64.b64decode(packed, validate=True), n_bytes + 1)
    if len(raw) != n_bytes:
        message = f"a mask is not one of {n_rows:,} rows"
        raise ValueError(message)
    return PackedMask(np.frombuffer(raw, np.uint8), n_rows).unpack()
