"""Files of safetensors: a header of JSON, then the numbers of each tensor as they are. Read block by block, and held against the size."""

from __future__ import annotations

import json
import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from explorer.data.breakage import reading, what_it_is
from explorer.data.columns import UNASKED, Asked, Contents, LazyMatrix
from explorer.data.named_arrays import named_arrays
from explorer.data.stamps import stamp_of
from explorer.errors import Unreadable

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["read_safetensors"]

_LENGTH_BYTES = 8
_LONGEST_HEADER = 100_000_000  # what the format's own library allows
_METADATA = "__metadata__"
_BFLOAT = "BF16"
_OTHERS = {"F16": "<f2", "F32": "<f4", "F64": "<f8", _BFLOAT: "<u2", "BOOL": "?"}
_TYPES = {**_OTHERS, **{f"{sign}{8 * width}": f"<{sign.lower()}{width}" for sign in "IU" for width in (1, 2, 4, 8)}}


class _Tensor(NamedTuple):
    shape: tuple[int, ...]
    kind: str
    start: int
    end: int


def read_safetensors(file: Path, source: str, asked: Asked = UNASKED) -> Contents:
    """Open a file of tensors; see :func:`explorer.data.named_arrays.named_arrays`.

    Of the types that NumPy lacks it reads bfloat16; tensors of others are left alone.

    Raises
    ------
    Unreadable
        If its header makes no sense or claims more than the file holds.
    NoVectors, UnknownColumn
        If no tensor has two dimensions, or there is none such as was asked for.
    """
    tensors = {name: _lazy(tensor, file, source) for name, tensor in _tensors(file, source).items()}
    return named_arrays(tensors, source, file.stem, wanted=asked.vectors, stamp=stamp_of([file]))


def _tensors(file: Path, source: str) -> dict[str, _Tensor]:
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(_LENGTH_BYTES), "little")
        if length > min(size - _LENGTH_BYTES, _LONGEST_HEADER):
            raise Unreadable(source, f"it is not a whole safetensors file but {what_it_is(file)}.")
        header = stream.read(length)
    try:
        noted = {name: told for name, told in json.loads(header).items() if name != _METADATA}
        tensors = {name: _tensor(told, _LENGTH_BYTES + length) for name, told in noted.items() if told["dtype"] in _TYPES}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Unreadable(source, "it is not a safetensors file, or its header is damaged.") from None
    for name, tensor in tensors.items():
        if tensor.end - tensor.start != math.prod(tensor.shape) * np.dtype(_TYPES[tensor.kind]).itemsize or tensor.end > size:
            reason = f"tensor {name} claims the shape {tensor.shape}, and the file does not hold that: it is truncated or broken."
            raise Unreadable(source, reason)
    return tensors


def _tensor(told: dict[str, Any], base: int) -> _Tensor:
    start, end = told["data_offsets"]
    shape = tuple(told["shape"])
    if not all(type(number) is int and number >= 0 for number in (*shape, start, end)):
        message = "shapes and offsets are whole numbers"
        raise ValueError(message)
    return _Tensor(shape, told["dtype"], base + start, base + end)


def _lazy(tensor: _Tensor, file: Path, source: str) -> LazyMatrix:
    dtype = np.dtype(np.float32 if tensor.kind == _BFLOAT else _TYPES[tensor.kind])
    return LazyMatrix(tensor.shape, dtype, partial(_read, tensor, file, source))


def _read(tensor: _Tensor, file: Path, source: str, rows: slice) -> NDArray[Any]:
    dtype = np.dtype(_TYPES[tensor.kind])
    first, last, _ = rows.indices(tensor.shape[0])
    width = math.prod(tensor.shape[1:])
    with reading(source):
        values = np.fromfile(file, dtype, (last - first) * width, offset=tensor.start + first * width * dtype.itemsize)
        block = values.reshape(last - first, *tensor.shape[1:])  # a file that has become shorter meanwhile fits no more
    # The upper half of a float32 is what bfloat16 is.
    return (block.astype(np.uint32) << 16).view(np.float32) if tensor.kind == _BFLOAT else block
