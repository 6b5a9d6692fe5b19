"""Texts encoded on this machine by a sentence-transformers model."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import EncodingFailed, ExtraMissing

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

__all__ = ["SentenceEncoder"]


class SentenceEncoder:
    """A model in a folder, or one of the Hugging Face hub; see :class:`explorer.encoders.encoder.Encoder`.

    Weights are read from safetensors files alone: others are pickles, which can run anything.
    """

    batch = 256
    at_once = 1  # it uses all cores

    def __init__(self, model: str) -> None:
        if find_spec("sentence_transformers") is None:
            raise ExtraMissing("Encoding on this machine", "text")
        self.title = f"sentence-transformers:{model}"
        folder = Path(model).expanduser()
        self._name = str(folder.absolute()) if folder.is_dir() else model
        self.key = f"sentence-transformers:{self._name}{_weights(folder)}"
        self._model: SentenceTransformer | None = None  # loading takes seconds; where all is known already, it is not needed
        self._one_at_a_time = Lock()

    def cost(self, texts: Sequence[str]) -> str:
        """Nothing but time."""
        return ""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Make one vector of each text."""
        with self._one_at_a_time:
            if self._model is None:
                self._model = self._loaded()
            return np.asarray(self._model.encode(list(texts), show_progress_bar=False), np.float32)

    def _loaded(self) -> SentenceTransformer:
        from sentence_transformers import SentenceTransformer

        try:
            return SentenceTransformer(self._name, model_kwargs={"use_safetensors": True})
        except (OSError, ValueError) as error:
            reason = f"there is no such model here, and cannot be fetched ({type(error).__name__}). Give a model's folder, or its name"
            raise EncodingFailed(self.title, reason) from None


def _weights(folder: Path) -> str:
    """Tell by its weights whether a folder holds another model than it did."""
    files = sorted(folder.rglob("*.safetensors")) if folder.is_dir() else []
    return "".join(f" {file.name} {stat.st_size} {stat.st_mtime_ns}" for file in files for stat in [file.stat()])
