"""A parsed query with the columns of a dataset: what it compares is made comparable, or refused, before any row is looked at.

Truth has three values, as in Arrow and SQL: a comparison with a missing value is neither true nor false, nor is its opposite.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from explorer.errors import BadQuery, UnknownColumn
from explorer.query import grammar
from explorer.query.grammar import Comparison, Condition, Flag, Name, Not, Value, Values
from explorer.query.kinds import Kind, constant, kind_of

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["Bound", "bind"]

_Evaluate = Callable[[pa.RecordBatch], pa.Array]

_COMPARE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "==": pc.equal,
    "!=": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}
_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_NUMBER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Bound:
    """A condition ready to be evaluated.

    Attributes
    ----------
    columns : list of str
        What it reads.
    evaluate : callable
        Takes a record batch of these columns; returns a bool array, null where it is neither true nor false.
    """

    columns: list[str]
    evaluate: Callable[[pa.RecordBatch], pa.Array]


def bind(condition: Condition, dataset: Dataset) -> Bound:
    """Bind a condition to a dataset.

    Raises
    ------
    UnknownColumn
        If a name is not a column's.
    BadQuery
        If what it compares does not compare.
    """
    binder = _Binder(dataset)
    evaluate = binder.condition(condition)
    return Bound(list(binder.used), evaluate)


class _Binder:
    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self.used: dict[str, None] = {}

    def condition(self, node: Condition) -> _Evaluate:
        if isinstance(node, (grammar.All, grammar.Any)):
            join = pc.and_kleene if isinstance(node, grammar.All) else pc.or_kleene
            parts = [self.condition(part) for part in node.conditions]
            return lambda batch: reduce(join, (part(batch) for part in parts))
        if isinstance(node, Not):
            inner = self.condition(node.condition)
            return lambda batch: pc.invert(inner(batch))
        if isinstance(node, Flag):
            kind, read = self._column(node.column)
            if kind.name != "flag":
                raise BadQuery(f"Column {node.column.name} holds {kind.plural}: compare it with something.", node.column.place)
            return read
        return self._comparison(node)

    def _comparison(self, node: Comparison) -> _Evaluate:
        left, how, right = node.left, node.operator, node.right
        if not isinstance(left, Name):  # 2 < x
            if how in ("in", "not in", "is", "is not") or isinstance(left, Values):
                raise BadQuery("The column comes first here: write `column in […]`. To find text in a column, use the search.", node.place)
            left, how, right = right, _MIRRORED.get(how, how), left  # type: ignore[assignment]
        assert isinstance(left, Name)  # the grammar sees to it
        if isinstance(right, Value) and right.value is None and how in ("==", "!=", "is", "is not"):
            return self._missing(left, opposite=how in ("!=", "is not"))
        if how in ("is", "is not"):
            raise BadQuery(f"Only None comes after {how}; write {'==' if how == 'is' else '!='} to compare.", node.place)
        if isinstance(right, Name):
            return self._two_columns(left, how, right)
        if isinstance(right, Values):
            if how not in ("==", "!=", "in", "not in"):
                raise BadQuery(f"A list cannot come after {how}: write in or not in.", right.place)
            return self._one_of(left, right, opposite=how in ("!=", "not in"))
        if how in ("in", "not in"):
            raise BadQuery(f"A list comes after {how}: {left.name} {how} [{_written(right.value)}].", right.place)
        return self._with_value(left, how, right)

    def _missing(self, column: Name, *, opposite: bool) -> _Evaluate:
        _, read = self._column(column)
        return (lambda batch: pc.is_valid(read(batch))) if opposite else lambda batch: pc.is_null(read(batch))

    def _with_value(self, column: Name, how: str, value: Value) -> _Evaluate:
        kind, read = self._column(column)
        if not kind.ordered and how not in ("==", "!="):
            raise BadQuery(f"Column {column.name} holds {kind.plural}: only == and != compare them.", column.place)
        found = constant(kind, value.value)
        if isinstance(found, str):
            raise BadQuery(f"Column {column.name} holds {kind.plural}{found}", value.place)
        compare = _COMPARE[how]
        if found is None:  # a whole number that the column's type cannot hold is larger or smaller than each of its values
            answer = _NUMBER[how](0, value.value)
            return lambda batch: _known(read(batch), answer=answer)
        return self._by_value(column, lambda values: compare(values, found), read)

    def _one_of(self, column: Name, values: Values, *, opposite: bool) -> _Evaluate:
        kind, read = self._column(column)
        constants = []
        for value in values.values:
            if value.value is None:
                continue
            found = constant(kind, value.value)
            if isinstance(found, str):
                raise BadQuery(f"Column {column.name} holds {kind.plural}{found}", value.place)
            if found is not None and not (pa.types.is_integer(kind.type) and pa.types.is_floating(found.type)):  # no whole number is 2.5
                constants.append(found.as_py() if kind.name != "moment" else found)
        wanted = pa.array(constants, kind.type)
        finds_missing = any(value.value is None for value in values.values)

        def look(given: pa.Array) -> pa.Array:
            return pc.if_else(pc.is_null(given), pa.scalar(None, pa.bool_()), pc.is_in(given, value_set=wanted))

        known = self._by_value(column, look, read)

        def evaluate(batch: pa.RecordBatch) -> pa.Array:
            found = known(batch)
            if finds_missing:
                found = pc.fill_null(found, True)  # noqa: FBT003 - Arrow's order
            return pc.invert(found) if opposite else found

        return evaluate

    def _two_columns(self, left: Name, how: str, right: Name) -> _Evaluate:
        if how in ("in", "not in"):
            raise BadQuery(f"A list comes after {how}, not a column.", right.place)
        (kind, read), (other, read_other) = self._column(left), self._column(right, value=True)
        if kind.name != other.name or not kind.compares_with(other):
            what = f"Column {left.name} holds {kind.described}, column {right.name} holds {other.described}"
            raise BadQuery(f"{what}: they do not compare.", left.place)
        if not kind.ordered and how not in ("==", "!="):
            raise BadQuery(f"Column {left.name} holds {kind.plural}: only == and != compare them.", left.place)
        common, compare = kind.common(other), _COMPARE[how]
        return lambda batch: compare(read(batch).cast(common, safe=False), read_other(batch).cast(common, safe=False))

    def _by_value(self, column: Name, look: Callable[[pa.Array], pa.Array], read: _Evaluate) -> _Evaluate:
        """Look at the distinct values of a column of categories once, and then only at which of them a row has."""
        chunks = self._dataset.table.column(column.name)
        if not pa.types.is_dictionary(chunks.type):
            return lambda batch: look(read(batch))
        tables: dict[int, tuple[pa.Array, pa.Array]] = {}

        def evaluate(batch: pa.RecordBatch) -> pa.Array:
            chunk = batch.column(column.name)
            values = chunk.dictionary
            key = values.buffers()[-1].address if values.buffers()[-1] is not None else 0
            known = tables.get(key)
            if known is None or len(known[0]) != len(values):
                known = tables[key] = (values, look(values))  # the values are kept: no others can come to lie at their address
            return known[1].take(chunk.indices)

        return evaluate

    def _column(self, name: Name, *, value: bool = False) -> tuple[Kind, _Evaluate]:
        columns = self._dataset.table.column_names
        if name.name not in columns:
            capital = name.name.capitalize()
            hint = f"Write {capital} with a capital." if capital in ("True", "False", "None") else ""
            hint = hint or (f'Text goes in quotes: "{name.name}".' if value else "")
            raise UnknownColumn(self._dataset.name, name.name or "without a name", columns, hint)
        self.used[name.name] = None
        kind = kind_of(self._dataset.table.schema.field(name.name).type)
        column = name.name
        if pa.types.is_floating(kind.type):
            return kind, lambda batch: _without_nan(batch.column(column))
        if self._dataset.table.schema.field(column).type != kind.type:
            return kind, lambda batch: batch.column(column).cast(kind.type)
        return kind, lambda batch: batch.column(column)


def _without_nan(values: pa.Array) -> pa.Array:
    return pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)


def _known(values: pa.Array, *, answer: bool) -> pa.Array:
    return pc.if_else(pc.is_null(values), pa.scalar(None, pa.bool_()), pa.scalar(answer))


def _written(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
