"""Texts, and images, encoded on this machine by a sentence-transformers model."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from explorer.encoders.model_process import ModelProcess
from explorer.errors import EncodingFailed, ExtraMissing

if TYPE_CHECKING:
    from explorer.encoders.encoder import Encoded, LongTexts

__all__ = ["SentenceEncoder"]

_processes: dict[str, ModelProcess] = {}  # a model is in memory once, whoever asks, and until nobody has for a while
_lock = Lock()


class SentenceEncoder:
    """A model in a folder, or one of the Hugging Face hub; see :class:`explorer.encoders.encoder.ImageEncoder`.

    Weights are read from safetensors files alone: others are pickles, which can run anything.
    """

    batch = 256
    at_once = 1  # it uses all cores

    def __init__(self, model: str, *, long_texts: LongTexts = "cut") -> None:
        if find_spec("sentence_transformers") is None:
            raise ExtraMissing("Encoding on this machine", "text")
        self.title = f"sentence-transformers:{model}"
        self.long_texts = long_texts
        folder = Path(model).expanduser()
        name = str(folder.absolute()) if folder.is_dir() else model
        self.key = f"sentence-transformers:{name}{_weights(folder)}"
        with _lock:
            self._process = _processes.setdefault(self.key, ModelProcess(name, self.title))

    def cost(self, texts: Sequence[str]) -> str:
        """Nothing but time."""
        return ""

    def prepare(self) -> None:
        """Load the model."""
        with suppress(EncodingFailed):
            self._process.encode([])

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Make one vector of each text."""
        return self._process.encode(texts, average=self.long_texts == "average")

    def encode_images(self, images: Sequence[bytes]) -> Encoded:
        """Make one vector of each image that can be read; a model of texts alone says so."""
        return self._process.encode_images(images)


def _weights(folder: Path) -> str:
    """Tell by its weights whether a folder holds another model than it did."""
    files = sorted(folder.rglob("*.safetensors")) if folder.is_dir() else []
    return "".join(f" {file.name} {stat.st_size} {stat.st_mtime_ns}" for file in files for stat in [file.stat()])
