"""What a projection's parameters name and vectors do not hold: found in the dataset, kept for the compute process under its content.

A layout's settings hold the digest of its inputs beside the parameters, under :data:`INPUTS`: a category column of the same name with other
values is another layout.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from explorer.compute.projection import RowGroup
from explorer.errors import BadParameter, UnknownChoice
from explorer.jobs.artifacts import LANDMARKS, STOPPED_AT
from explorer.jobs.task_steps import VectorsGone

if TYPE_CHECKING:
    from explorer.compute.projection import Inputs, Projection
    from explorer.data.dataset import Dataset
    from explorer.store.store import Artifact, Store

__all__ = ["INPUTS", "NOTHING", "Groups", "Named", "keep_inputs", "kept_inputs", "named_by", "no_groups", "parameters_of", "settings_of"]

INPUTS: Final = "inputs"  # the kind in the store, and the name among a layout's settings
_VERSION: Final = 1

Groups: TypeAlias = Callable[[str], NDArray[np.bool_] | None]
"""Gives the mask of all rows (n_rows,) that a name stands for; None where it stands for none."""


def no_groups(name: str) -> None:
    """Know no group."""


class Named(NamedTuple):
    """What the parameters of a projection name, by parameter, and the digest of it; "" where they name nothing."""

    inputs: Inputs
    digest: str


NOTHING: Final = Named({}, "")

_columns: WeakKeyDictionary[Dataset, dict[str, tuple[NDArray[np.int32], list[str]]]] = WeakKeyDictionary()


def named_by(dataset: Dataset, projection: Projection, groups: Groups = no_groups) -> Named:
    """Find what a projection's parameters name; nothing for most. Reads whole columns: for a thread.

    Parameters
    ----------
    dataset : Dataset
    projection : Projection
    groups : callable, optional
        Gives the mask of all rows (n_rows,) that a name stands for, or None.

    Returns
    -------
    Named
        In drawable rows: of a category column each row's code, (n,) int32; of a group its row numbers, (m,) int32.

    Raises
    ------
    UnknownChoice, BadParameter
        If a parameter names what there is not: no such column, or not of categories; a group without a row.
    """
    found: dict[str, NDArray[Any]] = {}
    for name in projection.input_names:
        find = _group if isinstance(projection.param[name], RowGroup) else _categories
        found[name] = find(dataset, name, getattr(projection, name), groups)
    return Named(found, _digest_of(found) if found else "")


def settings_of(projection: Projection, named: Named) -> dict[str, Any]:
    """Return the settings of the layout that a projection makes with what its parameters name."""
    return {**projection.settings(), INPUTS: named.digest} if named.digest else projection.settings()


def keep_inputs(store: Store, fingerprint: str, named: Named) -> None:
    """Keep what parameters name for the compute process, unless it is there or is nothing.

    Raises
    ------
    StoreUnwritable
    """
    key = _key(store, fingerprint, named.digest)
    if named.digest and store.get(INPUTS, key) is None:
        store.put(INPUTS, key, dict(named.inputs), {"fingerprint": fingerprint})


def kept_inputs(store: Store, fingerprint: str, settings: Mapping[str, Any]) -> Inputs:
    """Return the inputs of a layout with these settings.

    Raises
    ------
    VectorsGone
        If they are not in the store any more.
    """
    if INPUTS not in settings:
        return {}
    kept: Artifact | None = store.get(INPUTS, _key(store, fingerprint, settings[INPUTS]))
    if kept is None:
        raise VectorsGone(fingerprint)
    return kept.arrays


def parameters_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return a layout's settings without what they say beside its parameters."""
    return {name: value for name, value in settings.items() if name not in (INPUTS, LANDMARKS, STOPPED_AT)}


def _key(store: Store, fingerprint: str, digest: str) -> str:
    return store.key(INPUTS, fingerprint, {"digest": digest}, _VERSION)


def _digest_of(inputs: Inputs) -> str:
    """Name inputs by their content: 16 hexadecimal digits."""
    made = blake2b(digest_size=8)
    for name, values in sorted(inputs.items()):
        made.update(f"{name} {values.dtype.str} {values.shape}".encode())
        made.update(np.ascontiguousarray(values).tobytes())
    return made.hexdigest()


def _codes(dataset: Dataset, column: str) -> tuple[NDArray[np.int32], list[str]]:
    """Give each row its category's place among the names; read once, for a column never changes."""
    kept = _columns.setdefault(dataset, {})
    if column not in kept:
        kept[column] = dataset.codes(column)
    return kept[column]


def _group(dataset: Dataset, parameter: str, name: str, groups: Groups) -> NDArray[np.int32]:
    """Find the drawable rows that a name stands for: of the asker's groups first, else ``column: value``."""
    mask = groups(name)
    if mask is None:
        column, separator, value = name.partition(": ")
        codes, values = _codes(dataset, column) if separator and dataset.roles.get(column) == "category" else (None, [])
        if codes is None or value not in values:
            raise BadParameter(parameter, name, "there is no such group: name a kept selection, or a category as column: value.")
        mask = codes == values.index(value)
    rows = np.flatnonzero(mask[dataset.drawable]).astype(np.int32)
    if not len(rows):
        raise BadParameter(parameter, name, "it has no row that is on the map.")
    return rows


def _categories(dataset: Dataset, parameter: str, column: str, groups: Groups) -> NDArray[np.int32]:
    known = [name for name, role in dataset.roles.items() if role == "category"]
    if not known:
        raise BadParameter(parameter, column, f"{dataset.name} has no column of categories.")
    if column not in known:
        raise UnknownChoice(parameter, column, known)
    return np.ascontiguousarray(_codes(dataset, column)[0][dataset.drawable])
