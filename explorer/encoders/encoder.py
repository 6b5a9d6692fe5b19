"""What an encoder of texts, or of images as well, is, and which one a name or a function stands for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, get_args, runtime_checkable

import numpy as np

from explorer.errors import BadParameter, EncodingFailed, ExplorerError, UnknownChoice

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Encoded", "Encoder", "ImageEncoder", "LongTexts", "encoder_for", "image_encoder", "late_encoder"]

LongTexts = Literal["cut", "average"]
"""What becomes of a text that is longer than a model takes: its end is left out, or its vector is the mean of those of its parts."""


TEXTS_ALONE = "it makes vectors of texts, not of images. Take a model of both, such as sentence-transformers:clip-ViT-B-32"


class Encoded(NamedTuple):
    """What an encoder has made.

    Attributes
    ----------
    vectors : ndarray of shape (n, d), float32
        One for each text or image, but for those in ``broken``.
    long : tuple of int
        Positions of the texts that are longer than it takes.
    broken : tuple of int
        Positions of the images that cannot be read.
    """

    vectors: NDArray[np.float32]
    long: tuple[int, ...] = ()
    broken: tuple[int, ...] = ()


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


@runtime_checkable
class ImageEncoder(Encoder, Protocol):
    """Makes vectors of images as well, beside those of texts that say what is on them."""

    def encode_images(self, images: Sequence[bytes]) -> Encoded:
        """Make one vector of each image that can be read: a file's bytes, PNG, JPEG, WebP, GIF or BMP.

        Raises
        ------
        EncodingFailed
            If it cannot.
        """


class _Function:
    long_texts: LongTexts
    title, key, long_texts, batch, at_once = "a function", None, "cut", 1000, 1

    def __init__(self, function: Callable[[list[Any]], ArrayLike]) -> None:
        self._function = function
        self.title = getattr(function, "__name__", self.title)

    def cost(self, texts: Sequence[str]) -> str:
        return ""

    def prepare(self) -> None:
        pass

    def encode(self, texts: Sequence[str]) -> Encoded:
        return Encoded(self._made(texts))

    def encode_images(self, images: Sequence[bytes]) -> Encoded:
        made = self._made(images)
        broken = np.isnan(made).all(axis=1) if made.ndim == 2 else np.zeros(len(made), np.bool_)  # noqa: PLR2004  # rows and numbers
        return Encoded(made[~broken], broken=tuple(np.flatnonzero(broken).tolist()))

    def _made(self, what: Sequence[str] | Sequence[bytes]) -> NDArray[np.float32]:
        try:
            return np.atleast_1d(np.asarray(self._function(list(what)), np.float32))
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


def image_encoder(encoder: Encoder) -> ImageEncoder:
    """Return an encoder that may take images; a model is asked when it is loaded.

    Raises
    ------
    EncodingFailed
        If it is one of texts alone.
    """
    if not isinstance(encoder, ImageEncoder):
        raise EncodingFailed(encoder.title, TEXTS_ALONE)
    return encoder


def encoder_for(wanted: str | Callable[[list[Any]], ArrayLike] | Encoder, *, long_texts: LongTexts = "cut") -> Encoder:
    """Find or make an encoder.

    Parameters
    ----------
    wanted : str, callable or Encoder
        ``"openai:MODEL"`` for OpenAI or any server that speaks as it does (``OPENAI_BASE_URL``), ``"sentence-transformers:MODEL"`` for a
        model in a folder or on the Hugging Face hub, or a function that makes an array of shape (n, d) of a list of n texts, or
        of the bytes of n images where it is to encode images: a row of NaN says that it cannot read one.
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
