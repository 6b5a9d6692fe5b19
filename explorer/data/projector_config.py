"""What the TensorFlow Projector is told of a folder: as JSON for its page, as protobuf text for TensorBoard. Opens none of its files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from explorer.data.breakage import reading
from explorer.errors import Unreadable

__all__ = ["NAMES", "Embedding", "as_json", "as_text", "read_config"]

NAMES = ("projector_config.json", "projector_config.pbtxt")

_TOKEN = re.compile(r"""\s+|\#[^\n]*|([\w.+-]+)|("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|([{}<>:;,\[\]])""")
_DEEPEST = 20


class Embedding(NamedTuple):
    """One matrix of a folder.

    Attributes
    ----------
    name : str
    tensor : str
        The file of its numbers; empty where they are in a checkpoint.
    shape : tuple of int
        Rows and columns; empty where it does not say.
    metadata : str
        The file with a line for each row, or empty.
    sprite : str
        The picture of all rows' pictures, or empty.
    sprite_dim : tuple of int
        Width and height of one picture.
    """

    name: str
    tensor: str
    shape: tuple[int, ...] = ()
    metadata: str = ""
    sprite: str = ""
    sprite_dim: tuple[int, ...] = ()


def read_config(file: Path, source: str) -> list[Embedding]:
    """Read a configuration of either form.

    Raises
    ------
    Unreadable
        If it cannot be understood, or names nothing.
    """
    with reading(source):
        text = file.read_text("utf-8")
        try:
            told = json.loads(text) if file.suffix == ".json" else _parse(text)
            found = [_embedding(each) for each in _named(told)["embeddings"]]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise Unreadable(source, f"it is no configuration of the Projector ({error or type(error).__name__}).") from error
    if not found:
        raise Unreadable(source, "it names no embeddings.")
    return found


def as_json(embeddings: Sequence[Embedding]) -> str:
    """Write it for the Projector's own page."""
    told = []
    for each in embeddings:
        one: dict[str, Any] = {"tensorName": each.name, "tensorShape": list(each.shape), "tensorPath": each.tensor}
        one["metadataPath"] = each.metadata
        if each.sprite:
            one["sprite"] = {"imagePath": each.sprite, "singleImageDim": list(each.sprite_dim)}
        told.append(one)
    return json.dumps({"embeddings": told}, indent=2)


def as_text(embeddings: Sequence[Embedding]) -> str:
    """Write it for TensorBoard."""
    lines = []
    for each in embeddings:
        lines += ["embeddings {", f"  tensor_name: {json.dumps(each.name)}", f"  tensor_path: {json.dumps(each.tensor)}"]
        lines += [f"  tensor_shape: {length}" for length in each.shape]
        lines.append(f"  metadata_path: {json.dumps(each.metadata)}")
        if each.sprite:
            lines += ["  sprite {", f"    image_path: {json.dumps(each.sprite)}"]
            lines += [*(f"    single_image_dim: {length}" for length in each.sprite_dim), "  }"]
        lines.append("}")
    return "\n".join([*lines, ""])


def _embedding(told: Any) -> Embedding:
    told = _named(told)
    sprite = _named(told.get("sprite") or {})
    return Embedding(
        name=str(told.get("tensor_name") or told.get("tensor_path") or ""),
        tensor=str(told.get("tensor_path") or ""),
        shape=_lengths(told.get("tensor_shape")),
        metadata=str(told.get("metadata_path") or ""),
        sprite=str(sprite.get("image_path") or ""),
        sprite_dim=_lengths(sprite.get("single_image_dim")),
    )


def _named(told: dict[str, Any]) -> dict[str, Any]:
    """Call what JSON calls tensorName, or calls tensor_name as well, as protobuf does."""
    return {re.sub("[A-Z]", lambda match: f"_{match[0].lower()}", name): value for name, value in told.items()}


def _lengths(told: Any) -> tuple[int, ...]:
    return tuple(int(length) for length in (told if isinstance(told, list) else [] if told is None else [told]))


def _parse(text: str) -> dict[str, Any]:
    """Read protobuf text: fields, and fields in braces. What may come several times is a list."""
    tokens = _tokens(text)
    return _message(tokens, "", 0)


def _tokens(text: str) -> Iterator[str]:
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            message = f"line {text.count(chr(10), 0, place) + 1} makes no sense"
            raise ValueError(message)
        place = match.end()
        if match.lastindex:
            yield match[match.lastindex]


def _message(tokens: Iterator[str], end: str, depth: int) -> dict[str, Any]:
    if depth > _DEEPEST:
        message = "it is nested too deeply"
        raise ValueError(message)
    fields: dict[str, Any] = {"embeddings": []} if not depth else {}
    for name in tokens:
        if name == end:
            return fields
        if name in ",;":
            continue
        value: Any = next(tokens, "")
        if value == ":":
            value = next(tokens, "")
        values = [_message(tokens, "}" if value == "{" else ">", depth + 1)] if value in ("{", "<") else list(_values(value, tokens))
        if name in ("embeddings", "tensor_shape", "single_image_dim"):
            fields.setdefault(name, []).extend(values)
        else:
            fields[name] = values[-1] if values else None
    if end:
        message = "a brace is not closed"
        raise ValueError(message)
    return fields


def _values(first: str, tokens: Iterator[str]) -> Iterator[str]:
    """Give one value, or those in brackets."""
    if first == "[":
        for token in tokens:
            if token == "]":
                return
            if token != ",":
                yield _value(token)
    else:
        yield _value(first)


def _value(token: str) -> str:
    if not token or token in "{}<>:;,[]":
        message = "a field has no value"
        raise ValueError(message)
    if token[0] == '"':
        return str(json.loads(token))
    return token[1:-1] if token[0] == "'" else token
