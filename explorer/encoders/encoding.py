"""The encoding of many texts: each text once, in batches, several at a time, kept as they come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING

import numpy as np

from explorer.encoders.kept import Kept, hashed
from explorer.errors import EncodingFailed

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from explorer.encoders.encoder import Encoded, Encoder

__all__ = ["encode_question", "encode_texts", "n_long", "unknown_texts"]

_STAGE = "encoding texts"
_BATCH_CHARACTERS = 200_000  # at most as many tokens; OpenAI takes 300,000


def unknown_texts(texts: Sequence[str | None], encoder: Encoder, *, store: Path) -> list[str]:
    """Return the texts that would have to be encoded, each once."""
    by_hash = _by_hash(texts)
    kept = _kept(encoder, store)
    known = kept.vectors(by_hash) if kept else {}
    return [text for number, text in by_hash.items() if number not in known]


def n_long(texts: Sequence[str | None], encoder: Encoder, *, store: Path) -> int:
    """Count the different texts that are longer than the encoder takes, of those that it has encoded; 0 where that is not kept."""
    kept = _kept(encoder, store)
    return kept.n_long(_by_hash(texts)) if kept else 0


def encode_texts(
    texts: Sequence[str | None],
    encoder: Encoder,
    *,
    store: Path,
    report: Callable[[str, float], object] = lambda _stage, _fraction: None,
) -> NDArray[np.float32]:
    """Make a vector of each text.

    Equal texts are encoded once, and what this encoder has made before is taken from the store: a run that is interrupted goes on where it
    stopped.

    Parameters
    ----------
    texts : sequence of str or None
    encoder : Encoder
    store : Path
        The store's folder.
    report : callable
        Called with a stage and the fraction that is done.

    Returns
    -------
    ndarray of shape (n, d), float32
        NaN where a text is missing or blank.

    Raises
    ------
    EncodingFailed
        If the encoder fails or returns what cannot be vectors of these texts; what it made before is kept.
    """
    by_hash = _by_hash(texts)
    if not by_hash:
        raise EncodingFailed(encoder.title, "there is no text to encode: every one is missing or blank")
    kept = _kept(encoder, store)
    with kept.alone() if kept else nullcontext():
        vectors = _encoded(by_hash, encoder, kept, report)
    found = np.full((len(texts), len(next(iter(vectors.values())))), np.nan, np.float32)
    for row, text in enumerate(texts):
        if text is not None and text.strip():
            found[row] = vectors[hashed(text)]
    return found


def encode_question(text: str, encoder: Encoder, *, store: Path) -> NDArray[np.float32]:
    """Make the vector (d,) of one text that somebody looks for, or take it from the store; waits for nobody who encodes many.

    Raises
    ------
    EncodingFailed
        If the encoder fails.
    """
    kept = _kept(encoder, store)
    number = hashed(text)
    known = kept.vectors([number]) if kept else {}
    if number not in known:
        made = encoder.encode([text])
        known[number] = _checked(made.vectors, 1, {}, encoder)[0]
        if kept:
            kept.keep(known, [number] if made.long else ())
    return known[number]


def _encoded(
    by_hash: dict[bytes, str], encoder: Encoder, kept: Kept | None, report: Callable[[str, float], object]
) -> dict[bytes, NDArray[np.float32]]:
    vectors = kept.vectors(by_hash) if kept else {}
    batches = _batches({number: text for number, text in by_hash.items() if number not in vectors}, encoder.batch)

    def take(done: Future[Encoded], batch: list[bytes]) -> None:
        found = done.result()
        made = dict(zip(batch, _checked(found.vectors, len(batch), vectors, encoder), strict=True))
        if kept:
            kept.keep(made, [batch[at] for at in found.long])
        vectors.update(made)

    with ThreadPoolExecutor(encoder.at_once, thread_name_prefix="explorer-encode") as pool:
        waiting: dict[Future[Encoded], list[bytes]] = {}
        try:
            while batches or waiting:
                while batches and len(waiting) < encoder.at_once:
                    batch = batches.pop()  # the longest first: then the time that is left is no less than it seems
                    waiting[pool.submit(encoder.encode, [by_hash[number] for number in batch])] = batch
                for done in wait(waiting, return_when=FIRST_COMPLETED).done:
                    take(done, waiting.pop(done))
                report(_STAGE, len(vectors) / len(by_hash))
        except BaseException as error:  # an interrupt as well
            for done, batch in waiting.items():  # what is on its way is paid for
                with suppress(EncodingFailed):
                    take(done, batch)
            if isinstance(error, EncodingFailed) and kept:
                raise EncodingFailed(encoder.title, error.reason, len(vectors), len(by_hash)) from None
            raise
    return vectors


def _kept(encoder: Encoder, store: Path) -> Kept | None:
    return Kept(store, encoder.key, averaged=encoder.long_texts == "average") if encoder.key else None


def _by_hash(texts: Sequence[str | None]) -> dict[bytes, str]:
    return {hashed(text): text for text in texts if text is not None and text.strip()}


def _batches(texts: dict[bytes, str], most: int) -> list[list[bytes]]:
    """Put texts of about the same length together, the shortest first; long ones are fewer: servers limit what one request may hold."""
    batches: list[list[bytes]] = []
    room = 0
    for number in sorted(texts, key=lambda number: len(texts[number])):
        length = len(texts[number])
        if not batches or length > room or len(batches[-1]) == most:
            batches.append([])
            room = _BATCH_CHARACTERS
        batches[-1].append(number)
        room -= length
    return batches


def _checked(found: NDArray[np.float32], n: int, known: dict[bytes, NDArray[np.float32]], encoder: Encoder) -> NDArray[np.float32]:
    if found.ndim != 2 or len(found) != n or not found.shape[1]:  # noqa: PLR2004  # rows and numbers
        raise EncodingFailed(encoder.title, f"it made an array of shape {found.shape} of {n:,} texts; one vector each is needed")
    size = len(next(iter(known.values()), found[0]))
    if found.shape[1] != size:
        raise EncodingFailed(encoder.title, f"it made vectors of {found.shape[1]:,} numbers, and before of {size:,}. Is it another model?")
    if not np.isfinite(found).all():
        raise EncodingFailed(encoder.title, "it made vectors with numbers that are not finite")
    return found
