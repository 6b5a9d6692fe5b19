"""What an encoder is, and which one a name or a function stands for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, get_args

import numpy as np

from explorer.errors import BadParameter, EncodingFailed, ExplorerError, UnknownChoice

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Encoded", "Encoder", "LongTexts", "encoder_for", "late_encoder"]

LongTexts = Literal["cut", "average"]
"""What becomes of a text that is longer than a model takes: its end is left out, or its vector is the mean of those of its parts."""


class Encoded(NamedTuple):
    """What an encoder has made.

    Attributes
    ----------
    vectors : ndarray of shape (n, d), float32
        One for each text.
    long : tuple of int
        Positions of the texts that are longer than it takes.
    """

    vectors: NDArray[np.float32]
    long: tuple[int, ...] = ()


class Encoder(Protocol):
    """Makes vectors of texts."""

    @property
    def title(self) -> str:
        """What people see."""

    @property
    def key(self) -> str | None:
        """The same key, the same vectors: what is encoded is kept under it. None where that cannot be known; then nothing is kept."""

    @property
    def long_texts(self) -> LongTexts:
        """What it makes of texts that are too long."""

    @property
    def batch(self) -> int:
        """How many texts it takes at a time."""

    @property
    def at_once(self) -> int:
        """How many batches it takes at the same time."""

    def cost(self, texts: Sequence[str]) -> str:
        """Say what somebody is asked before these texts are encoded, as "about 61,000 tokens"; empty where it costs nothing but time."""

    def prepare(self) -> None:
        """Load now what the first text would wait for; costs nothing but time, and leaves errors to that text."""

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Make one vector of each text; may be called from several threads.

        Raises
        ------
        EncodingFailed
            If it cannot.
        """


class _Function:
    long_texts: LongTexts
    title, key, long_texts, batch, at_once = "a function", None, "cut", 1000, 1

    def __init__(self, function: Callable[[list[str]], ArrayLike]) -> None:
        self._function = function
        self.title = getattr(function, "__name__", self.title)

    def cost(self, texts: Sequence[str]) -> str:
        return ""

    def prepare(self) -> None:
        pass

    def encode(self, texts: Sequence[str]) -> Encoded:
        try:
            return Encoded(np.asarray(self._function(list(texts)), np.float32))
        except Exception as error:
            raise EncodingFailed(self.title, f"{type(error).__name__}: {error}") from error


class _Late:
    batch, at_once = 1, 1
    long_texts: LongTexts = "cut"

    def __init__(self, name: str) -> None:
        self.title = name
        self._found: Encoder | None = None

    @property
    def key(self) -> str | None:
        return self._encoder.key

    def cost(self, texts: Sequence[str]) -> str:
        return self._encoder.cost(texts)

    def prepare(self) -> None:
        with suppress(ExplorerError):
            self._encoder.prepare()

    def encode(self, texts: Sequence[str]) -> Encoded:
        return self._encoder.encode(texts)

    @property
    def _encoder(self) -> Encoder:
        self._found = self._found or encoder_for(self.title)
        return self._found


def late_encoder(name: str) -> Encoder:
    """Make an encoder that is looked for when it is first needed: until then nothing is wrong where it is not there."""
    return _Late(name)


def encoder_for(wanted: str | Callable[[list[str]], ArrayLike] | Encoder, *, long_texts: LongTexts = "cut") -> Encoder:
    """Find or make an encoder.

    Parameters
    ----------
    wanted : str, callable or Encoder
        ``"openai:MODEL"`` for OpenAI or any server that speaks as it does (``OPENAI_BASE_URL``), ``"sentence-transformers:MODEL"`` for a
        model in a folder or on the Hugging Face hub, or a function that makes an array of shape (n, d) of a list of n texts.
    long_texts : {"cut", "average"}
        What becomes of a text that is longer than the model takes: its end is left out, or its vector is the mean of those of its parts,
        weighted by their lengths. A function decides for itself.

    Raises
    ------
    BadParameter, UnknownChoice
        If the name, or what is to become of long texts, is none of these.
    ExtraMissing
        If the library that it needs is not installed.
    EncodingFailed
        If the model is not there, or no key.
    """
    if long_texts not in get_args(LongTexts):
        raise UnknownChoice("long_texts", long_texts, get_args(LongTexts))
    if not isinstance(wanted, str):
        return _Function(wanted) if callable(wanted) else wanted
    kind, _, model = wanted.partition(":")
    if kind == "openai" and model:
        from explorer.encoders.openai_encoder import OpenAIEncoder

        return OpenAIEncoder(model, long_texts=long_texts)
    if kind == "sentence-transformers" and model:
        from explorer.encoders.sentence_encoder import SentenceEncoder

        return SentenceEncoder(model, long_texts=long_texts)
    raise BadParameter("encoder", wanted, "give openai:MODEL, sentence-transformers:MODEL or, in Python, a function.")
