"""Metadata into types that can be shown: what is nested becomes text, what cannot be shown is left out, with a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from explorer.data.matrices import list_lengths, storage
from explorer.data.vectors import is_list

if TYPE_CHECKING:
    from explorer.data.columns import Columns

__all__ = ["Shown", "is_picture", "left_out", "long_lists", "showable"]

_MOST_NESTED_ROWS = 200_000  # text is made of nested values one by one, in Python
_VECTOR_LENGTH = 16
_HEAD_ROWS = 100
_UUID_BYTES = 16
_LONG = "it holds long lists of numbers; name it with vectors=… to explore it"
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM")


class Shown(NamedTuple):
    """Metadata that can be shown, and a sentence for each column that was left out."""

    table: pa.Table
    notes: tuple[str, ...]


def showable(table: pa.Table) -> Shown:
    """Turn every column into bool, number, time, text, category (dictionary of text) or picture bytes, or leave it out.

    Parameters
    ----------
    table : pyarrow.Table
        Metadata of any types; its schema metadata is dropped.

    Returns
    -------
    Shown
        A table of as many rows.
    """
    notes = []
    shown: dict[str, pa.ChunkedArray] = {}
    names = table.column_names
    for name, column in zip(names, table.columns, strict=True):
        try:
            value = _showable(column)
        except (pa.ArrowException, ValueError, OverflowError) as error:
            value = f"its values cannot be read ({str(error).splitlines()[0]})"
        if isinstance(value, str):
            notes.append(f"{left_out(name)}: {value}.")
        else:
            shown[name if _says_something(name) else _free_name({*names, *shown})] = value
    return Shown(pa.table(shown) if shown else table.select([]), tuple(notes))


def left_out(name: str) -> str:
    """Begin the sentence that says that a column is not shown."""
    return f"Column {name} is left out"


def long_lists(columns: Columns, names: Sequence[str]) -> dict[str, str]:
    """Find columns that :func:`showable` would leave out as vectors, by their first rows: there is no need to read them.

    Returns
    -------
    dict of str to str
        A sentence for each.
    """
    lists = [name for name in names if is_list(columns.schema.field(name).type)]
    heads = {name: columns.head([name], _HEAD_ROWS).column(0) for name in lists}
    return {name: f"{left_out(name)}: {_LONG}." for name, head in heads.items() if _longest(head) >= _VECTOR_LENGTH}


def is_picture(data: bytes) -> bool:
    """Tell whether these bytes begin like a picture that a browser shows."""
    return data.startswith(_PICTURES)


def _showable(column: pa.ChunkedArray) -> pa.ChunkedArray | str:
    """Return the column as it can be shown, or why it cannot."""
    column.validate(full=True)  # text that is no UTF-8 would fail much later, when it is shown
    column = _plain(column)
    show = next((show for test, show in _SHOWN_AS if test(column.type)), _as_it_prints)
    return show(column)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if isinstance(kind, pa.UuidType):
        texts = [None if value is None else str(value) for value in column.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string())])
    if isinstance(kind, pa.BaseExtensionType):
        column = pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type)
    elif pa.types.is_run_end_encoded(kind):
        column = pa.chunked_array([pc.run_end_decode(chunk) for chunk in column.chunks], kind.value_type)
    if pa.types.is_string_view(column.type):
        return column.cast(pa.large_string())
    if pa.types.is_binary_view(column.type):
        return column.cast(pa.large_binary())
    return column


def _category(column: pa.ChunkedArray) -> pa.ChunkedArray | str:
    value = column.type.value_type
    if pa.types.is_string_view(value):  # Arrow cannot take from views
        value = pa.large_string()
        chunks = [pa.DictionaryArray.from_arrays(chunk.indices, chunk.dictionary.cast(value)) for chunk in column.chunks]
        column = pa.chunked_array(chunks, pa.dictionary(column.type.index_type, value))
    if pa.types.is_string(value) or pa.types.is_large_string(value):
        return pc.dictionary_encode(column.cast(value))  # one dictionary, without values that no row has
    return _showable(column.cast(value))


def _bytes(column: pa.ChunkedArray) -> pa.ChunkedArray | str:
    if not pa.types.is_large_binary(column.type):
        column = column.cast(pa.large_binary())
    first = next((value for value in _some(column)), b"")
    if is_picture(first):
        return column
    try:
        return column.cast(pa.large_string())
    except pa.ArrowInvalid:
        return "it holds bytes that are neither pictures nor text"


def _nested(column: pa.ChunkedArray) -> pa.ChunkedArray | str:
    kind = column.type
    if pa.types.is_struct(kind) and {field.name for field in kind} >= {"bytes", "path"}:  # how Hugging Face keeps pictures
        pictures = pa.chunked_array([chunk.field("bytes") for chunk in column.chunks], kind.field("bytes").type)
        if (pa.types.is_binary(pictures.type) or pa.types.is_large_binary(pictures.type)) and pictures.null_count < len(pictures):
            return _bytes(pictures)
        return _showable(pc.struct_field(column, "path"))
    if is_list(kind) and _longest(column) >= _VECTOR_LENGTH:
        return _LONG
    value = getattr(kind, "value_type", None)
    if (pa.types.is_list(kind) or pa.types.is_large_list(kind)) and (pa.types.is_string(value) or pa.types.is_large_string(value)):
        return pc.binary_join(column, pa.scalar(", ", value))
    if len(column) > _MOST_NESTED_ROWS:
        return f"nested values are shown for at most {_MOST_NESTED_ROWS:,} rows"
    return pa.chunked_array([pa.array(map(_as_text, chunk.to_pylist()), pa.large_string()) for chunk in column.chunks], pa.large_string())


def _longest(lists: pa.ChunkedArray) -> int:
    return int(list_lengths(storage(lists.slice(0, _HEAD_ROWS))).max(initial=0))


def _as_text(value: object) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, default=_leaf)


def _leaf(value: Any) -> str:
    return f"{len(value):,} bytes" if isinstance(value, bytes) else str(value)


def _some(column: pa.ChunkedArray, n: int = 100) -> list[Any]:
    return [value for value in column.slice(0, n).to_pylist() if value is not None]


def _says_something(name: str) -> bool:
    return bool(name) and not (name.startswith("__index_level_") and name.endswith("__"))


def _free_name(taken: set[str]) -> str:
    """Name a column that pandas left without a name that people understand."""
    return next(name for name in ("index", *(f"index_{i}" for i in range(2, len(taken) + 3))) if name not in taken)


def _unchanged(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column


def _as_it_prints(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string())


def _moment(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.timestamp("us", column.type.tz), safe=False)  # nanoseconds do not fit Python's datetime


_Test = Callable[[pa.DataType], bool]
_Show = Callable[[pa.ChunkedArray], Any]
_SHOWN_AS: tuple[tuple[_Test, _Show], ...] = (
    (pa.types.is_null, lambda _: "it is empty"),
    (pa.types.is_float16, lambda column: column.cast(pa.float32())),
    (pa.types.is_decimal, lambda column: column.cast(pa.float64())),
    (pa.types.is_timestamp, _moment),
    (pa.types.is_dictionary, _category),
    (pa.types.is_binary, _bytes),
    (pa.types.is_large_binary, _bytes),
    (pa.types.is_fixed_size_binary, _bytes),
    (pa.types.is_nested, _nested),
    *(
        (test, _unchanged)
        for test in (
            pa.types.is_boolean,
            pa.types.is_integer,
            pa.types.is_floating,
            pa.types.is_date,
            pa.types.is_string,
            pa.types.is_large_string,
        )
    ),
)
