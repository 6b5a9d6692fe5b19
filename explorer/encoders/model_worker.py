"""The process of a sentence-transformers model: texts or images come in, vectors go out, each behind a line that says how many.

Started as ``python -m explorer.encoders.model_worker MODEL``. ``{"texts": […], "average": false}`` is answered by
``{"shape": [n, d], "long": […], "broken": []}`` and n x d float32 numbers, or by ``{"failed": reason}``; no texts have the model loaded.
``{"images": [sizes]}`` has the images' bytes behind it. It ends when nobody has asked for ten minutes, and with its parent.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from explorer.encoders.encoder import TEXTS_ALONE
from explorer.encoders.opened_images import opened
from explorer.helper_process import begin_helping, next_question

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

__all__ = ["encoded", "encoded_images", "main", "serve"]

logger = logging.getLogger(__name__)

_IDLE_S = 600.0
_TINY = 1e-12


def main() -> None:
    """Serve the parent."""
    serve(sys.argv[1], sys.stdin.buffer, begin_helping())


def serve(name: str, requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until there are no more.

    Parameters
    ----------
    name : str
        The model's folder, or its name.
    requests, answers : binary file
    """
    model: SentenceTransformer | None = None
    while line := next_question(requests, idle_s=_IDLE_S):
        asked = json.loads(line)
        images = [requests.read(size) for size in asked.get("images", ())]
        try:
            model = model or _load(name)
            answers.write(_answer(model, asked, images))
        except Exception as error:  # a border: who asked is told
            logger.exception("nothing could be encoded")
            answers.write(json.dumps({"failed": _said(error, loaded=model is not None)}).encode() + b"\n")
        answers.flush()


def encoded(model: SentenceTransformer, texts: list[str], *, average: bool) -> tuple[NDArray[np.float32], list[int]]:
    """Make one vector of each text, and say which are longer than the model takes.

    Returns
    -------
    vectors : ndarray of shape (n, d), float32
    long : list of int
        Their positions.
    """
    parts = [_parts(model, text) for text in texts]
    mark = _marked if "image" in _kinds(model) else list[Any]
    long = [at for at, each in enumerate(parts) if len(each) > 1]
    if not average:
        return np.ascontiguousarray(model.encode(mark(texts), show_progress_bar=False), np.float32), long
    every = [part for each in parts for part in each]
    vectors = np.asarray(model.encode(mark(every), show_progress_bar=False), np.float32)
    means, begin = [], 0
    for each in parts:
        some = vectors[begin : begin + len(each)]
        begin += len(each)
        mean = np.average(some, axis=0, weights=[max(1, len(part)) for part in each])
        means.append(mean * np.linalg.norm(some, axis=1).mean() / max(float(np.linalg.norm(mean)), _TINY))
    return np.ascontiguousarray(means, np.float32), long


def encoded_images(model: SentenceTransformer, images: list[bytes]) -> tuple[NDArray[np.float32], list[int]]:
    """Make one vector of each image that can be read, and say which cannot be.

    Returns
    -------
    vectors : ndarray of shape (n, d), float32
    broken : list of int
        Positions of the others.
    """
    found = [opened(image) for image in images]
    broken = [at for at, each in enumerate(found) if each is None]
    whole: list[Any] = [each.image for each in found if each is not None]
    if not whole:
        return np.empty((0, 0), np.float32), broken
    return np.ascontiguousarray(model.encode(whole, show_progress_bar=False), np.float32), broken


def _answer(model: SentenceTransformer, asked: dict[str, Any], images: list[bytes]) -> bytes:
    vectors, long, broken = np.empty((0, 0), np.float32), list[int](), list[int]()
    if images:
        if "image" not in _kinds(model):
            return json.dumps({"failed": TEXTS_ALONE}).encode() + b"\n"
        vectors, broken = encoded_images(model, images)
    elif asked.get("texts"):
        vectors, long = encoded(model, asked["texts"], average=asked["average"])
    return json.dumps({"shape": vectors.shape, "long": long, "broken": broken}).encode() + b"\n" + vectors.tobytes()


def _kinds(model: SentenceTransformer) -> list[Any]:
    """Name what a model takes; early versions of the library do not say it, and know CLIP alone."""
    return getattr(model, "modalities", ["image"] if type(model[0]).__name__ == "CLIPModel" else ["text"])


def _marked(texts: list[str]) -> list[Any]:
    """Mark texts as such: a model of images would fetch a text that is an address, and open one that is a file's name."""
    return [{"text": text} for text in texts]


def _parts(model: SentenceTransformer, text: str) -> list[str]:
    """Cut a text into parts that the model takes whole; the text itself where it is short, or where the model cannot say."""
    tokenizer, most = model.tokenizer, model.max_seq_length
    if most is None or len(text) <= most or not getattr(tokenizer, "is_fast", False):  # a token has a character or more
        return [text]
    most -= tokenizer.num_special_tokens_to_add()
    places = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)["offset_mapping"]
    if len(places) <= most:
        return [text]
    begins = [places[at][0] for at in range(0, len(places), most)]
    return [text[begin:end] for begin, end in zip(begins, [*begins[1:], len(text)], strict=True)]


def _load(name: str) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(name, model_kwargs={"use_safetensors": True})


def _said(error: Exception, *, loaded: bool) -> str:
    if loaded:
        return f"{type(error).__name__}: {error}"
    if isinstance(error, OSError | ValueError):
        return f"there is no such model here, and cannot be fetched ({type(error).__name__}). Give a model's folder, or its name"
    return f"the model cannot be loaded ({type(error).__name__}: {error})"


if __name__ == "__main__":
    main()
