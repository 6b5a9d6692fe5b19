"""Texts encoded by OpenAI, or by any server that speaks as it does (vLLM, Ollama, LiteLLM, llama.cpp).

The client is OpenAI's own: it takes the key from ``OPENAI_API_KEY`` and another server's address from ``OPENAI_BASE_URL``, and repeats what
is refused for now (429, 5xx, a lost connection) later and later. Neither key nor texts are logged or kept here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import EncodingFailed, ExtraMissing

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["OpenAIEncoder"]

_OPENAI = "api.openai.com"
_RETRIES = 6
_TIMEOUT_S = 120.0
_BYTES_A_TOKEN = 4  # of English; other scripts take more bytes for a letter, and more tokens
_DOLLARS = {"text-embedding-3-small": 0.02, "text-embedding-3-large": 0.13, "text-embedding-ada-002": 0.10}  # a million tokens, in 2025
_SAID = 200  # characters of what a server answers


class OpenAIEncoder:
    """An embedding model of a server; see :class:`explorer.encoders.encoder.Encoder`."""

    batch = 128
    at_once = 4

    def __init__(self, model: str) -> None:
        try:
            import openai
        except ImportError:
            raise ExtraMissing("Encoding by OpenAI", "openai") from None
        self.title = f"openai:{model}"
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
        """About how many tokens, and dollars where the price is known."""
        tokens = sum(len(text.encode("utf-8", "replace")) for text in texts) / _BYTES_A_TOKEN
        rounded = int(float(f"{tokens:.2g}"))
        price = _DOLLARS.get(self._model) if self._server == _OPENAI else None
        return f"about {rounded:,} tokens" + ("" if price is None else f", about ${max(0.01, tokens * price / 1e6):,.2f}")

    def prepare(self) -> None:
        """Nothing: it is the server that has the model."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Make one vector of each text."""
        import openai

        try:
            answer = self._client.embeddings.create(model=self._model, input=list(texts), encoding_format="float")
            return np.array([entry.embedding for entry in sorted(answer.data, key=lambda entry: entry.index)], np.float32)
        except openai.AuthenticationError:  # whose words may hold a part of the key
            raise EncodingFailed(self.title, f"{self._server} does not accept the key. Check OPENAI_API_KEY") from None
        except openai.APIConnectionError as error:
            slow = "in time" if isinstance(error, openai.APITimeoutError) else "at all"
            raise EncodingFailed(self.title, f"{self._server} does not answer {slow}. Check the network and OPENAI_BASE_URL") from None
        except openai.APIStatusError as error:
            raise EncodingFailed(self.title, f"{self._server} says {error.status_code}: {_first_words(error.message)}") from None
        except (openai.OpenAIError, AttributeError, TypeError, ValueError):
            reason = f"what {self._server} answers is no list of vectors. Is it an address of an embedding server? Check OPENAI_BASE_URL"
            raise EncodingFailed(self.title, reason) from None


def _first_words(said: str) -> str:
    said = " ".join(said.split())
    return said if len(said) <= _SAID else said[: _SAID - 1] + "…"
