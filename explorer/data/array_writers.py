"""A table into arrays, one a column: NumPy's .npz and Zarr's groups. Lists become arrays of two dimensions, pictures are left out."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from explorer.data.matrices import as_floats, storage
from explorer.data.vectors import is_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["write_npz", "write_zarr"]

_MOST_TEXT = 4_000_000_000  # bytes of one column: NumPy gives each text the room of the longest


def write_npz(table: pa.Table, file: Path) -> None:
    """Write an archive of arrays; a text that is missing is empty, as NumPy knows no other.

    Raises
    ------
    OSError
        If texts of a column are so long that it would take gigabytes.
    """
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in _arrays(table):
            if array.dtype.kind == "T":
                array = _fixed(name, array)  # noqa: PLW2901 - an .npz has no texts of unequal length
            with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.ascontiguousarray(array), allow_pickle=False)


def write_zarr(table: pa.Table, folder: Path) -> None:
    """Write a group of arrays, of format 2, which has texts.

    Raises
    ------
    OSError
        If the name of a column cannot be that of a file.
    """
    import zarr

    try:
        group = zarr.open_group(folder, mode="w", zarr_format=2)
        for name, array in _arrays(table):
            group.create_array(name.replace("/", "_"), data=array)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, ValueError):
            message = f"a column has a name that no file can have ({error})"
            raise OSError(message) from error
        raise


def _arrays(table: pa.Table) -> Iterator[tuple[str, NDArray[Any]]]:
    for name, column in zip(table.column_names, table.columns, strict=True):
        array = _array(column)
        if array is not None:
            yield name, array


def _array(column: pa.ChunkedArray) -> NDArray[Any] | None:
    kind = column.type
    if pa.types.is_fixed_size_list(kind):
        return _matrix(storage(column))
    if is_number(kind) or pa.types.is_boolean(kind):
        return as_floats(column) if column.null_count or is_number(kind) else np.asarray(column.to_numpy()).astype(np.bool_)
    if pa.types.is_temporal(kind):
        return np.asarray(column.cast(pa.timestamp("us")).to_numpy()).astype("datetime64[us]")
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return None
    return np.array(pc.fill_null(column.cast(pa.large_string()), "").to_pylist(), np.dtypes.StringDType())


def _matrix(lists: pa.Array) -> NDArray[Any]:
    """Make an array of lists of one length; a row without one is NaN, or -1 in whole numbers."""
    width = lists.type.list_size
    values = as_floats(pc.list_flatten(lists))
    if not lists.null_count:
        return values.reshape(-1, width)
    whole = values.dtype.kind in "iu"
    made = np.full((len(lists), width), -1 if whole else np.nan, np.int64 if whole else values.dtype)
    made[np.asarray(lists.is_valid())] = values.reshape(-1, width)
    return made


def _fixed(name: str, texts: NDArray[Any]) -> NDArray[np.str_]:
    longest = max(map(len, texts.tolist()), default=0)
    if 4 * longest * len(texts) > _MOST_TEXT:
        message = f"column {name} has texts of up to {longest:,} letters, for which NumPy would take gigabytes; write .parquet or .zarr"
        raise OSError(message)
    return texts.astype(f"U{max(1, longest)}")
