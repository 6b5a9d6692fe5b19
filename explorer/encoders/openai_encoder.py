"""Texts encoded by OpenAI, or by any server that speaks as it does (vLLM, Ollama, LiteLLM, llama.cpp).

The client is OpenAI's own: it takes the key from ``OPENAI_API_KEY`` and another server's address from ``OPENAI_BASE_URL``, and repeats what
is refused for now (429, 5xx, a lost connection) later and later. Neither key nor texts are logged or kept here.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from explorer.encoders.encoder import Encoded
from explorer.errors import EncodingFailed, ExtraMissing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.encoders.encoder import LongTexts

__all__ = ["OpenAIEncoder"]

logger = logging.getLogger(__name__)

_OPENAI = "api.openai.com"
_RETRIES = 6
_TIMEOUT_S = 120.0
_BYTES_A_TOKEN = 4  # of English; other scripts take more bytes for a letter, and more tokens
_DOLLARS = {"text-embedding-3-small": 0.02, "text-embedding-3-large": 0.13, "text-embedding-ada-002": 0.10}  # a million tokens, in 2025
_SAID = 200  # characters of what a server answers
_LONGEST = 200_000  # characters: no model takes more
_SHORT = 500  # characters: for a text like this, a request is not refused for its length
_WORD = 100  # characters in which a space is looked for, to cut there
_TINY = 1e-12
_REFUSED = (400, 413, 422)
_OF_LENGTH = re.compile(r"token|context|length|too (long|large)|maximum", re.IGNORECASE)


class OpenAIEncoder:
    """An embedding model of a server; see :class:`explorer.encoders.encoder.Encoder`."""

    batch = 128
    at_once = 4

    def __init__(self, model: str, *, long_texts: LongTexts = "cut") -> None:
        try:
            import openai
        except ImportError:
            raise ExtraMissing("Encoding by OpenAI", "openai") from None
        self.title = f"openai:{model}"
        self.long_texts = long_texts
        self._model = model
        try:
            self._client = openai.OpenAI(max_retries=_RETRIES, timeout=_TIMEOUT_S)
        except openai.OpenAIError:  # there is no key
            self._client = openai.OpenAI(max_retries=_RETRIES, timeout=_TIMEOUT_S, api_key="none")
            if self._client.base_url.host == _OPENAI:
                raise EncodingFailed(self.title, "there is no key. Put it into the environment as OPENAI_API_KEY") from None
        address = self._client.base_url
        self._server = f"{address.host}:{address.port}" if address.port else address.host
        self.key = f"openai:{model} at {self._server}{address.path}"

    def cost(self, texts: Sequence[str]) -> str:
        """How many tokens, counted or about, and dollars where the price is known."""
        counted = self._n_tokens(texts)
        tokens = sum(len(text.encode("utf-8", "replace")) for text in texts) / _BYTES_A_TOKEN if counted is None else counted
        said = f"about {int(float(f'{tokens:.2g}')):,} tokens" if counted is None else f"{counted:,} tokens"
        price = _DOLLARS.get(self._model) if self._server == _OPENAI else None
        return said + ("" if price is None else f", about ${max(0.01, tokens * price / 1e6):,.2f}")

    def prepare(self) -> None:
        """Nothing: it is the server that has the model."""

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Make one vector of each text."""
        vectors: list[NDArray[np.float32]] = []
        long = []
        for at, (vector, whole) in enumerate(self._encoded(list(texts))):
            vectors.append(vector)
            if not whole:
                long.append(at)
        if len({vector.shape for vector in vectors}) > 1:
            raise EncodingFailed(self.title, f"{self._server} makes vectors of different lengths")
        return Encoded(np.array(vectors, np.float32), tuple(long))

    def _encoded(self, texts: list[str]) -> list[tuple[NDArray[np.float32], bool]]:
        """Encode texts, each with whether it was taken whole: a server says how much it takes by refusing more."""
        if len(texts) == 1 and len(texts[0]) > _LONGEST:
            return [self._halved(texts[0])]
        try:
            return [(vector, True) for vector in self._asked(texts)]
        except _TooLong:
            if len(texts) > 1:
                middle = len(texts) // 2
                return self._encoded(texts[:middle]) + self._encoded(texts[middle:])
            if len(texts[0]) < _SHORT:
                raise
            return [self._halved(texts[0])]

    def _halved(self, text: str) -> tuple[NDArray[np.float32], bool]:
        middle = text.find(" ", len(text) // 2, len(text) // 2 + _WORD)
        middle = len(text) // 2 if middle < 0 else middle
        first = self._encoded([text[:middle]])[0][0]
        if self.long_texts == "cut":
            return first, False
        second = self._encoded([text[middle:]])[0][0]
        mean = np.average([first, second], axis=0, weights=[middle, len(text) - middle])
        lengths = float(np.linalg.norm(first) + np.linalg.norm(second)) / 2
        return (mean * lengths / max(float(np.linalg.norm(mean)), _TINY)).astype(np.float32), False

    def _asked(self, texts: list[str]) -> NDArray[np.float32]:
        import openai

        try:
            answer = self._client.embeddings.create(model=self._model, input=texts, encoding_format="float")
            return np.array([entry.embedding for entry in sorted(answer.data, key=lambda entry: entry.index)], np.float32)
        except openai.AuthenticationError:  # whose words may hold a part of the key
            raise EncodingFailed(self.title, f"{self._server} does not accept the key. Check OPENAI_API_KEY") from None
        except openai.APIConnectionError as error:
            slow = "in time" if isinstance(error, openai.APITimeoutError) else "at all"
            raise EncodingFailed(self.title, f"{self._server} does not answer {slow}. Check the network and OPENAI_BASE_URL") from None
        except openai.APIStatusError as error:
            kind = _TooLong if error.status_code in _REFUSED and _OF_LENGTH.search(error.message) else EncodingFailed
            raise kind(self.title, f"{self._server} says {error.status_code}: {_first_words(error.message)}") from None
        except (openai.OpenAIError, AttributeError, TypeError, ValueError):
            reason = f"what {self._server} answers is no list of vectors. Is it an address of an embedding server? Check OPENAI_BASE_URL"
            raise EncodingFailed(self.title, reason) from None

    def _n_tokens(self, texts: Sequence[str]) -> int | None:
        """Count tokens as OpenAI does; None where that is not known: of other servers, and where its list of tokens cannot be had."""
        if self._server != _OPENAI:
            return None
        try:
            import tiktoken

            encoding = tiktoken.encoding_for_model(self._model)  # fetched from OpenAI once, and kept by tiktoken
        except (ImportError, KeyError, OSError) as error:
            logger.info("Tokens are estimated: %s", error)
            return None
        return sum(map(len, encoding.encode_ordinary_batch(list(texts), num_threads=1)))


class _TooLong(EncodingFailed):
    """A server refuses a request for its length."""


def _first_words(said: str) -> str:
    said = " ".join(said.split())
    return said if len(said) <= _SAID else said[: _SAID - 1] + "…"
