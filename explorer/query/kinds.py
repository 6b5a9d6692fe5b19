"""What a column holds as far as a query is concerned, and a query's values in its terms."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Kind", "constant", "kind_of"]

_PARTIAL = re.compile(r"^(\d{4})(?:-(\d{1,2}))?$")


@dataclass(frozen=True)
class Kind:
    """What a column holds.

    Attributes
    ----------
    name : {"text", "number", "flag", "moment", "picture"}
    type : pyarrow.DataType
        In which its values are compared.
    """

    name: Literal["text", "number", "flag", "moment", "picture"]
    type: pa.DataType

    @property
    def plural(self) -> str:
        """How a sentence calls its values."""
        return {"text": "text", "number": "numbers", "flag": "True and False", "moment": "times", "picture": "pictures"}[self.name]

    @property
    def described(self) -> str:
        """The same, where two times may differ in their zones."""
        return f"{self.plural} {'with' if self.type.tz else 'without'} a time zone" if self.name == "moment" else self.plural

    @property
    def ordered(self) -> bool:
        """Whether one value can be less than another."""
        return self.name in ("text", "number", "moment")

    def compares_with(self, other: Kind) -> bool:
        """Tell whether two columns of this kind compare: times do where both have a time zone, or neither."""
        return self.name != "picture" and (self.name != "moment" or (self.type.tz is None) == (other.type.tz is None))

    def common(self, other: Kind) -> pa.DataType:
        """Give the type in which two columns of this kind compare."""
        if self.type == other.type or self.name == "moment":
            return self.type
        if self.name == "text":
            return pa.large_string()
        whole = pa.types.is_signed_integer(self.type) and pa.types.is_signed_integer(other.type)
        return pa.int64() if whole else pa.float64()


def kind_of(column: pa.DataType) -> Kind:
    """Say what a column of this type holds."""
    plain = column.value_type if pa.types.is_dictionary(column) else column
    if pa.types.is_boolean(plain):
        return Kind("flag", plain)
    if pa.types.is_integer(plain) or pa.types.is_floating(plain):
        return Kind("number", plain)
    if pa.types.is_timestamp(plain):
        return Kind("moment", pa.timestamp("us", plain.tz))
    if pa.types.is_date(plain):
        return Kind("moment", pa.timestamp("us"))
    if pa.types.is_string(plain) or pa.types.is_large_string(plain):
        return Kind("text", plain)
    return Kind("picture", plain)


def constant(kind: Kind, value: Any) -> pa.Scalar | str | None:
    """Write a query's value in a column's terms.

    Returns
    -------
    Scalar, str or None
        The end of a sentence where it does not compare; None where it is a number that the column's type cannot hold.
    """
    if value is None:
        return ": a missing value is found by == None."
    match kind.name:
        case "text":
            found = pa.scalar(value, kind.type) if isinstance(value, str) else f', so what it is compared with goes in quotes: "{value}".'
        case "flag":
            found = pa.scalar(bool(value), kind.type) if value in (0, 1) else ": compare it with True or False."
        case "number":
            is_number = not isinstance(value, (bool, str))
            found = _number(kind.type, value) if is_number else ", so what it is compared with is a number without quotes."
        case "moment":
            hint = ': compare it with a time in quotes, such as "2024-12-31 18:00".'
            found = _moment(kind.type, value) if isinstance(value, str) else hint
        case _:
            found = ", which do not compare; == None finds those that are missing."
    return found


def _number(kind: pa.DataType, value: float) -> pa.Scalar | None:
    if pa.types.is_floating(kind):
        try:
            return pa.scalar(float(value), kind)
        except OverflowError:
            return pa.scalar(math.copysign(math.inf, value), kind)
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        if not value.is_integer():
            return pa.scalar(value, pa.float64())
        value = int(value)
    try:
        return pa.scalar(value, kind)
    except (OverflowError, pa.ArrowInvalid):
        return None


def _moment(kind: pa.DataType, text: str) -> pa.Scalar | str:
    partial = _PARTIAL.match(text.strip())
    try:
        # Without a time zone: which one is meant, the column says.
        moment = datetime(int(partial[1]), int(partial[2] or 1), 1) if partial else datetime.fromisoformat(text.strip())
    except ValueError:
        return f', and "{text[:40]}" is none: write it as "2024-12-31" or "2024-12-31 18:00".'
    if moment.tzinfo is not None:
        if kind.tz is None:
            return " without a time zone: leave it out here too."
        return pa.scalar(moment, pa.timestamp("us", "UTC")).cast(kind)
    plain = pa.scalar(moment, pa.timestamp("us"))
    if kind.tz is None:
        return plain
    try:
        return pc.assume_timezone(plain, kind.tz, ambiguous="earliest", nonexistent="earliest")
    except pa.ArrowInvalid as error:
        return f": {error}."
