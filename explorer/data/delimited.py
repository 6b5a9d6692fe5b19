"""CSV and TSV, with or without a header, and the two TSVs of the TensorFlow Projector."""

from __future__ import annotations

import codecs
import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from explorer.data.breakage import looks_binary, what_it_is
from explorer.data.columns import Contents, TableColumns
from explorer.data.limits import check_size
from explorer.errors import Unreadable

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["PAIRS", "read_delimited", "read_numbers", "read_projector_metadata"]

PAIRS = (("vectors", "metadata"), ("tensors", "metadata"), ("vecs", "meta"))  # the names' endings in a TensorFlow Projector pair

_BLOCK_BYTES = 1 << 24  # no line may be longer than a block
_DECODED_BYTES = 1 << 20
_FIRST_LINE_BYTES = 1 << 22
_LEAST_NUMBERED = 3  # so many names 0, 1, 2, … are a header that pandas wrote, not a row
_MISSING = ["", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "-nan", "-NaN", "NULL", "null", "None", "<NA>"]


def read_delimited(file: Path, source: str) -> Contents:
    """Read a CSV or TSV file; a file of nothing but numbers has no header.

    Files named as for the TensorFlow Projector ("vectors.tsv" with "metadata.tsv" beside it) are read as a pair, whichever of the two is
    given.

    Raises
    ------
    Unreadable
        If a row has too many or too few cells, with its number; if the file is no text; if the pair's lengths differ.
    """
    pair = _pair(file)
    if pair is not None:
        return _read_pair(*pair, source)
    return Contents(source, file.stem, TableColumns(_read(file, source)))


def _read(file: Path, source: str) -> pa.Table:
    first, encoding = _first_line(file, source)
    delimiter = "\t" if file.suffix.lower() == ".tsv" else max(",;\t|", key=first.count) if first else ","
    cells = next(csv.reader([first], delimiter=delimiter), [])
    check_size(source, columns=len(cells))
    table = _parse(file, source, delimiter=delimiter, encoding=encoding, header=not _are_data(cells))
    for i, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            column = table.column(i)
            table = table.set_column(i, field, pc.if_else(pc.equal(column, ""), pa.scalar(None, field.type), column))
    return table


def _parse(file: Path, source: str, *, delimiter: str, encoding: str, header: bool) -> pa.Table:
    if encoding == "utf-8":  # pyarrow stumbles over other bytes in a row that has too many cells
        encoding = next(known for known in ("utf-8", "cp1252", "latin-1") if _decodes(file, known))
    return _parse_as(file, source, delimiter=delimiter, encoding=encoding, header=header)


def _decodes(file: Path, encoding: str) -> bool:
    decode = codecs.getincrementaldecoder(encoding)().decode
    try:
        with file.open("rb") as stream:
            while block := stream.read(_DECODED_BYTES):
                decode(block)
            decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _parse_as(
    file: Path, source: str, *, delimiter: str, encoding: str, header: bool, quotes: bool = True, threads: bool = True
) -> pa.Table:
    from pyarrow import csv as arrow_csv

    wrong: list[Any] = []

    def refuse(row: Any) -> str:
        wrong.append(row)
        return "error"

    parse: dict[str, Any] = {"delimiter": delimiter, "newlines_in_values": quotes, "invalid_row_handler": refuse}
    if not quotes:
        parse.update(quote_char=False, double_quote=False, ignore_empty_lines=False)
    try:
        table: pa.Table = arrow_csv.read_csv(
            file,
            read_options=arrow_csv.ReadOptions(
                block_size=_BLOCK_BYTES, encoding=encoding, autogenerate_column_names=not header, use_threads=threads
            ),
            parse_options=arrow_csv.ParseOptions(**parse),
            convert_options=arrow_csv.ConvertOptions(null_values=_MISSING),
        )
    except pa.ArrowInvalid:
        if wrong and threads:  # only a single thread knows the row's number
            return _parse_as(file, source, delimiter=delimiter, encoding=encoding, header=header, quotes=quotes, threads=False)
        if wrong:
            line = wrong[0].number
            where = "a row" if line is None else f"line {line}"
            raise Unreadable(
                source, f"{where} has {wrong[0].actual_columns} cells where {wrong[0].expected_columns} are expected."
            ) from None
        raise
    return table


def _first_line(file: Path, source: str) -> tuple[str, str]:
    """Return the first line that is not blank, and the encoding as far as the first bytes say it."""
    with file.open("rb") as stream:
        start = stream.read(_FIRST_LINE_BYTES)
    if looks_binary(start[:4_096]):
        raise Unreadable(source, f"it is not a text file but {what_it_is(file)}.")
    encoding = "utf-16" if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
    text = start.decode("utf-8-sig" if encoding == "utf-8" else encoding, errors="replace")
    return next((line for line in text.splitlines() if line.strip()), ""), encoding


def _are_data(cells: Sequence[str]) -> bool:
    """Tell whether the cells of a first line are numbers, so that they are a row and no header."""
    numbered = len(cells) >= _LEAST_NUMBERED and list(cells) == [str(i) for i in range(len(cells))]
    return bool(cells) and not numbered and all(map(_is_number, cells))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _pair(file: Path) -> tuple[Path, Path] | None:
    if file.suffix.lower() != ".tsv":
        return None
    for vectors, metadata in PAIRS:
        for ending in (vectors, metadata):
            if file.stem.lower().endswith(ending):
                beginning = file.stem[: len(file.stem) - len(ending)]
                both = (file.with_name(f"{beginning}{vectors}{file.suffix}"), file.with_name(f"{beginning}{metadata}{file.suffix}"))
                if both[0].is_file() and both[1].is_file():
                    return both
    return None


def _read_pair(vectors: Path, metadata: Path, source: str) -> Contents:
    numbers = read_numbers(vectors, source)
    table = read_projector_metadata(metadata, numbers.num_rows, source)
    names = [f"vector_{i}" for i in range(numbers.num_columns)]
    if table.num_rows != numbers.num_rows:
        reason = f"it has {numbers.num_rows:,} rows, but {metadata.name} beside it describes {table.num_rows:,}."
        raise Unreadable(source, reason)
    title = vectors.parent.name if vectors.stem.lower() in {name for name, _ in PAIRS} else vectors.stem
    both = pa.Table.from_arrays([*table.columns, *numbers.columns], names=[*table.column_names, *names])
    return Contents(source, title, TableColumns(both))


def read_numbers(file: Path, source: str) -> pa.Table:
    """Read numbers between tabs, a column each.

    Raises
    ------
    Unreadable
        If a row has too many or too few of them, with its number.
    """
    first, encoding = _first_line(file, source)
    check_size(source, columns=1 + first.count("\t"))
    return _parse(file, source, delimiter="\t", encoding=encoding, header=not _are_data(first.split("\t")))


def read_projector_metadata(metadata: Path, n_rows: int, source: str) -> pa.Table:
    """Read the Projector's metadata: by its rule a single column has no header; the number of rows decides."""
    first, encoding = _first_line(metadata, source)
    single = "\t" not in first
    table = _parse_as(metadata, source, delimiter="\t", encoding=encoding, header=False, quotes=False)
    if table.num_rows == n_rows:
        return table.rename_columns(["label"] if single else [f"column_{i + 1}" for i in range(table.num_columns)])
    if table.num_rows == n_rows + 1:
        return _parse_as(metadata, source, delimiter="\t", encoding=encoding, header=True, quotes=False)
    return table.slice(1) if not single else table
