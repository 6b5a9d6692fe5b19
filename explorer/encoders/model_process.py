"""A sentence-transformers model in a process of its own, as the process that asks it holds it: PyTorch is large, and slow to load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

import numpy as np

from explorer.encoders.encoder import Encoded
from explorer.errors import EncodingFailed
from explorer.helper_process import HelperEnded, HelperProcess

__all__ = ["ModelProcess"]


class ModelProcess:
    """Encodes texts and images, one request after another; the process is started when it is first needed, and again when it has ended.

    Parameters
    ----------
    model : str
        A folder, or a name on the Hugging Face hub.
    title : str
        What people call the encoder.
    """

    def __init__(self, model: str, title: str) -> None:
        self._title = title
        self._lock = Lock()
        self._helper = HelperProcess(["-m", "explorer.encoders.model_worker", model])

    def encode(self, texts: Sequence[str], *, average: bool = False) -> Encoded:
        """Make one vector of each text; may be called from several threads.

        Parameters
        ----------
        texts : sequence of str
        average : bool
            Whether the vector of a text that is too long is the mean of its parts' vectors, weighted by their lengths; else its end is
            left out.

        Raises
        ------
        EncodingFailed
            If the model cannot be loaded, or its process ends.
        """
        return self._made({"texts": list(texts), "average": average})

    def encode_images(self, images: Sequence[bytes]) -> Encoded:
        """Make one vector of each image that can be read; raises what :meth:`encode` raises, and if the model takes no images."""
        return self._made({"images": [len(image) for image in images]}, b"".join(images))

    def _made(self, question: Mapping[str, Any], data: bytes = b"") -> Encoded:
        with self._lock:
            try:
                answer = self._helper.ask(question, data)
                if "failed" in answer:
                    raise EncodingFailed(self._title, str(answer["failed"]))
                n, d = answer["shape"]
                numbers = self._helper.read(4 * n * d)
            except HelperEnded as error:
                reason = f"its process ended {error}. A model may need more memory than there is"
                raise EncodingFailed(self._title, reason) from None
        return Encoded(np.frombuffer(numbers, np.float32).reshape(n, d), tuple(answer["long"]), tuple(answer["broken"]))
