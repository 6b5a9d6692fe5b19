"""A query as text into comparisons of names and values; what is not one of these is refused. Knows no data.

Python's own parser reads it, and nothing is evaluated: of its tree only what is named here goes on. Before that, text in quotes and names
in backticks are set apart, and ``&`` and ``|`` become ``and`` and ``or``, as in pandas.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from explorer.errors import BadQuery

__all__ = ["All", "Any", "Comparison", "Condition", "Flag", "Name", "Not", "Operator", "Value", "Values", "parse"]

Operator = Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in", "is", "is not"]

_LONGEST = 2_000  # characters
_DEEPEST = 60  # conditions in conditions
_ALLOWED = 'a query compares columns, as in `category == "noun.animal" and n_synonyms > 2`.'
_OPERATORS: Final[dict[type[ast.cmpop], Operator]] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "is",
    ast.IsNot: "is not",
}
_REFUSED: Final[tuple[tuple[tuple[type[ast.AST], ...], str], ...]] = (
    ((ast.Call,), "Nothing can be called here"),
    ((ast.Attribute,), "A dot reaches into an object, which is not possible here; a column with a dot in its name goes into `backticks`"),
    ((ast.Subscript, ast.Slice), "Nothing can be picked out with [ ] here"),
    ((ast.BinOp,), "There is no arithmetic here"),
    ((ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Await, ast.NamedExpr), "There are no programs here"),
    ((ast.IfExp,), "There is no if here"),
)
_SET_APART = re.compile(r"""(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|`(?P<name>[^`]*)`|(?P<and>&{1,2})|(?P<or>\|{1,2})""", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'"}


@dataclass(frozen=True)
class Name:
    """A column; ``place`` counts the characters before it."""

    name: str
    place: int


@dataclass(frozen=True)
class Value:
    """Text, a number, yes or no, or None."""

    value: str | float | bool | None
    place: int


@dataclass(frozen=True)
class Values:
    """A list of values."""

    values: tuple[Value, ...]
    place: int


@dataclass(frozen=True)
class Comparison:
    """Two sides; at least one of them is a column."""

    left: Name | Value | Values
    operator: Operator
    right: Name | Value | Values
    place: int


@dataclass(frozen=True)
class Flag:
    """A column of yes and no, by itself."""

    column: Name


@dataclass(frozen=True)
class Not:
    """The opposite."""

    condition: Condition


@dataclass(frozen=True)
class All:
    """Every one of these."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Any:
    """At least one of these."""

    conditions: tuple[Condition, ...]


Condition: TypeAlias = Comparison | Flag | Not | All | Any


def parse(expression: str) -> Condition:
    """Read a query.

    Raises
    ------
    BadQuery
        If it cannot be read, or has something in it that is not a comparison; the sentence says where.
    """
    if not expression.strip():
        raise BadQuery(f"The query is empty: {_ALLOWED}", None)
    if len(expression) > _LONGEST:
        raise BadQuery(f"A query has at most {_LONGEST:,} characters; this one has {len(expression):,}.", None)
    return _Reader(expression).condition()


class _Reader:
    """One query, rewritten so that Python's parser reads it, and where each of its characters came from."""

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.names: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        pieces: list[str] = []
        self._origin: list[int] = []
        own = "own"
        while own in expression:
            own += "_"
        at = 0
        for found in _SET_APART.finditer(expression):
            self._add(pieces, expression[at : found.start()], at)
            self._complain_early(expression[at : found.start()], at)
            token = f" {own}{len(self.names) + len(self.texts)} "
            if found["text"] is not None:
                self.texts[token.strip()] = _unescaped(found["text"][1:-1])
            elif found["name"] is not None:
                self.names[token.strip()] = found["name"]
            else:
                token = " and " if found["and"] else " or "
            self._add(pieces, token, found.start(), moves=False)
            at = found.end()
        rest = expression[at:]
        self._complain_early(rest, at)
        self._add(pieces, rest, at)
        self.source = "".join(pieces)

    def _add(self, pieces: list[str], text: str, at: int, *, moves: bool = True) -> None:
        # A line break would end the query, and Python counts places from the beginning of a line, in bytes.
        pieces.append(re.sub(r"\s", " ", text))
        self._origin += range(at, at + len(text)) if moves else [at] * len(text)

    def _complain_early(self, between: str, at: int) -> None:
        """Refuse what Python's parser would pass over, or say less well."""
        for mark, what in (('"', "text"), ("'", "text"), ("`", "name")):
            if mark in between:
                raise BadQuery(f"The {what} that begins here has no end: a {mark} is missing.", at + between.index(mark))
        for mark in ("#", "\\"):
            if mark in between:
                raise BadQuery(f"There is no {mark} outside of quotes and backticks: {_ALLOWED}", at + between.index(mark))

    def place(self, line: str, column: int) -> int:
        """Say where in the query something is; the column counts bytes."""
        characters = len(line.encode()[:column].decode("utf-8", "ignore"))
        return self._origin[characters] if characters < len(self._origin) else len(self.expression)

    def condition(self) -> Condition:
        lead = len(self.source) - len(self.source.lstrip())
        source = self.source[lead:].rstrip()
        self._origin = self._origin[lead:]
        try:
            tree = ast.parse(source, "query", "eval")
        except SyntaxError as error:
            raise self._unreadable(error, source) from None
        except (ValueError, MemoryError, RecursionError):
            raise BadQuery("The query cannot be read: it is too deep, or has characters that are no text.", None) from None
        return self._condition(tree.body, source, 0)

    def _unreadable(self, error: SyntaxError, source: str) -> BadQuery:
        """Say where Python's parser gave up; of its reasons only those that are about queries too."""
        column = (error.offset or 0) - 1  # of a SyntaxError, in characters; none where the query broke off
        known = 0 <= column < len(source)
        if known and error.msg.endswith("was never closed"):
            return BadQuery("This parenthesis has no end.", self._origin[column])
        place = self._origin[column] if known and not _breaks_off(source) else len(self.expression)
        if place < len(self.expression) and self.expression[place] == "@":
            return BadQuery(f"There are no variables (@) here: {_ALLOWED}", place)
        single = re.search(r"(?<![=!<>:])=(?!=)", source)
        if single:
            return BadQuery("Write == to compare.", self._origin[single.start()])
        if place >= len(self.expression):
            return BadQuery("The query breaks off here: something is missing.", place)
        return BadQuery(f"The query cannot be read here (“{self.expression[place : place + 20]}”): {_ALLOWED}", place)

    def _condition(self, node: ast.expr, source: str, depth: int) -> Condition:
        place = self.place(source, node.col_offset)
        if depth > _DEEPEST:
            raise BadQuery(f"The query is too deep: at most {_DEEPEST} conditions in conditions.", place)
        match node:
            case ast.BoolOp():
                parts = tuple(self._condition(part, source, depth + 1) for part in node.values)
                return All(parts) if isinstance(node.op, ast.And) else Any(parts)
            case ast.UnaryOp(op=ast.Not() | ast.Invert()):
                return Not(self._condition(node.operand, source, depth + 1))
            case ast.Name() if node.id not in self.texts:
                return Flag(self._name(node, place))
            case ast.Compare():
                return self._comparison(node, source)
        if isinstance(node, (ast.Constant, ast.Name, ast.UnaryOp, ast.List, ast.Tuple)):
            raise BadQuery(f"This is a value and no condition: {_ALLOWED}", place)
        raise self._refused(node, place)

    def _comparison(self, node: ast.Compare, source: str) -> Condition:
        nodes = [node.left, *node.comparators]
        sides = [self._side(side, source) for side in nodes]
        made = []
        for operator, left, right in zip(node.ops, sides[:-1], sides[1:], strict=True):
            if not isinstance(left, Name) and not isinstance(right, Name):
                raise BadQuery("One of the two sides has to be a column.", left.place)
            made.append(Comparison(left, _OPERATORS[type(operator)], right, left.place))
        return made[0] if len(made) == 1 else All(tuple(made))

    def _side(self, node: ast.expr, source: str) -> Name | Value | Values:
        place = self.place(source, node.col_offset)
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            values = tuple(
                self._side(part, source) if isinstance(part, (ast.Constant, ast.Name, ast.UnaryOp)) else None for part in node.elts
            )
            if all(isinstance(value, Value) for value in values):
                return Values(tuple(value for value in values if isinstance(value, Value)), place)
            raise BadQuery("A list holds texts and numbers only; text goes in quotes.", place)
        if isinstance(node, ast.Name):
            return Value(self.texts[node.id], place) if node.id in self.texts else self._name(node, place)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            operand = node.operand
            if isinstance(operand, ast.Constant) and isinstance(operand.value, (int, float)) and not isinstance(operand.value, bool):
                return Value(-operand.value if isinstance(node.op, ast.USub) else operand.value, place)
        if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, (bool, int, float))):
            return Value(node.value, place)
        if isinstance(node, (ast.Compare, ast.BoolOp, ast.UnaryOp)):
            raise BadQuery(
                "A condition cannot be compared: put parentheses around what not (~) is about, and join conditions by and.", place
            )
        raise self._refused(node, place)

    def _name(self, node: ast.Name, place: int) -> Name:
        if node.id in self.names:
            return Name(self.names[node.id], place)
        end = re.compile(r"\w*").match(self.expression, place)  # as typed: Python's parser changes letters that look alike
        return Name(end.group() if end and end.group() else node.id, place)

    def _refused(self, node: ast.expr, place: int) -> BadQuery:
        why = next((why for kinds, why in _REFUSED if isinstance(node, kinds)), "This cannot be part of a query")
        return BadQuery(f"{why}: {_ALLOWED}", place)


def _breaks_off(source: str) -> bool:
    return re.search(r"([=<>(\[,]|\b(and|or|not|in|is))$", source) is not None


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), text, flags=re.DOTALL)
