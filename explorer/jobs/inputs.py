"""What a projection's parameters name and vectors do not hold: found in the dataset, kept for the compute process under its content.

A layout's settings hold the digest of its inputs beside the parameters, under :data:`INPUTS`: a category column of the same name with other
values is another layout.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from explorer.compute.projection import RowGroup
from explorer.errors import BadParameter, UnknownChoice
from explorer.jobs.artifacts import STOPPED_AT
from explorer.jobs.task_steps import VectorsGone

if TYPE_CHECKING:
    from explorer.compute.projection import Inputs, Projection
    from explorer.data.dataset import Dataset
    from explorer.jobs.store import Artifact, Store

__all__ = ["INPUTS", "Groups", "digest_of", "inputs_of", "keep_inputs", "kept_inputs", "no_groups", "parameters_of"]

INPUTS: Final = "inputs"  # the kind in the store, and the name among a layout's settings
_VERSION: Final = 1

Groups: TypeAlias = Callable[[str], NDArray[np.bool_] | None]
"""Gives the mask of all rows (n_rows,) that a name stands for; None where it stands for none."""


def no_groups(name: str) -> None:
    """Know no group."""


_codes: WeakKeyDictionary[Dataset, dict[tuple[str, int], NDArray[np.int32]]] = WeakKeyDictionary()


def inputs_of(dataset: Dataset, projection: Projection, groups: Groups = no_groups) -> dict[str, NDArray[Any]]:
    """Find what a projection's parameters name; nothing for most.

    Parameters
    ----------
    dataset : Dataset
    projection : Projection
    groups : callable, optional
        Gives the mask of all rows (n_rows,) that a name stands for, or None.

    Returns
    -------
    dict of str to ndarray
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
    return found


def digest_of(inputs: Inputs) -> str:
    """Name inputs by their content: 16 hexadecimal digits."""
    made = blake2b(digest_size=8)
    for name, values in sorted(inputs.items()):
        made.update(f"{name} {values.dtype.str} {values.shape}".encode())
        made.update(np.ascontiguousarray(values).tobytes())
    return made.hexdigest()


def keep_inputs(store: Store, fingerprint: str, inputs: Inputs) -> None:
    """Keep inputs for the compute process, unless they are there.

    Raises
    ------
    StoreUnwritable
    """
    key = _key(store, fingerprint, digest_of(inputs))
    if inputs and store.get(INPUTS, key) is None:
        store.put(INPUTS, key, dict(inputs), {"fingerprint": fingerprint})


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
    return {name: value for name, value in settings.items() if name not in (INPUTS, STOPPED_AT)}


def _key(store: Store, fingerprint: str, digest: str) -> str:
    return store.key(INPUTS, fingerprint, {"digest": digest}, _VERSION)


def _group(dataset: Dataset, parameter: str, name: str, groups: Groups) -> NDArray[np.int32]:
    """Find the drawable rows that a name stands for: of the asker's groups first, else ``column: value``."""
    mask = groups(name)
    if mask is None:
        column, separator, value = name.partition(": ")
        codes, values = dataset.codes(column) if separator and dataset.roles.get(column) == "category" else (None, [])
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
    kept = _codes.setdefault(dataset, {})
    which = column, id(dataset.table)  # a table is replaced when a column is added
    if which not in kept:
        kept[which] = np.ascontiguousarray(dataset.codes(column)[0][dataset.drawable])
    return kept[which]
