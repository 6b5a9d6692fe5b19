"""The encoding of many texts or images: each once, in batches, several at a time, kept as they come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from explorer.encoders.encoder import image_encoder
from explorer.encoders.image_bytes import image_bytes
from explorer.encoders.kept import Kept, hashed, hashed_image
from explorer.errors import EncodingFailed

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from explorer.encoders.encoder import Encoded, Encoder
    from explorer.encoders.image_bytes import Picture

__all__ = ["encode_images", "encode_question", "encode_texts", "n_long", "unknown_texts"]

Report = Callable[[str, float], object]

_What = TypeVar("_What", str, "Picture")
_BATCH_CHARACTERS = 200_000  # at most as many tokens; OpenAI takes 300,000
_BATCH_IMAGES, _BATCH_BYTES = 32, 64_000_000


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
    report: Report = lambda _stage, _fraction: None,
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
        known = kept.vectors(by_hash) if kept else {}
        batches = _batches({number: len(text) for number, text in by_hash.items() if number not in known}, encoder.batch, _BATCH_CHARACTERS)
        vectors = _encoded("texts", by_hash, batches, known, encoder.encode, encoder, kept, report)
    return _rows([hashed(text) if text is not None and text.strip() else None for text in texts], vectors)


def encode_images(
    images: Sequence[Picture | None],
    encoder: Encoder,
    *,
    store: Path,
    report: Report = lambda _stage, _fraction: None,
) -> NDArray[np.float32]:
    """Make a vector of each image; what is equal, was made before or is interrupted is as with :func:`encode_texts`.

    Parameters
    ----------
    images : sequence of bytes, Path or None
        Files, or what is in them: each is read to be hashed, and again to be encoded, and only a few are in memory at a time.
    encoder : Encoder
    store : Path
        The store's folder.
    report : callable
        Called with a stage and the fraction that is done.

    Returns
    -------
    ndarray of shape (n, d), float32
        NaN where an image is missing or cannot be read.

    Raises
    ------
    EncodingFailed
        If the encoder takes no images, or fails; or no image can be read.
    """
    encode = image_encoder(encoder).encode_images
    hashes: list[bytes | None] = []
    by_hash: dict[bytes, Picture] = {}
    sizes: dict[bytes, int] = {}
    for image in images:
        data = None if image is None else image_bytes(image)
        number = hashed_image(data) if data else None
        hashes.append(number)
        if number is not None and image is not None and data is not None:
            by_hash[number], sizes[number] = image, len(data)
        report("reading images", len(hashes) / len(images))
    kept = _kept(encoder, store)
    with kept.alone() if kept else nullcontext():
        known = kept.vectors(by_hash) if kept else {}
        batches = _batches({number: size for number, size in sizes.items() if number not in known}, _BATCH_IMAGES, _BATCH_BYTES)
        vectors = _encoded(
            "images", by_hash, batches, known, lambda some: encode([image_bytes(image) for image in some]), encoder, kept, report
        )
    if not vectors:
        which = "the image is not there, or cannot" if len(images) == 1 else f"none of the {len(images):,} images is there and can"
        raise EncodingFailed(encoder.title, f"{which} be read")
    return _rows(hashes, vectors)


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
        known[number] = _checked(made.vectors, 1, {}, encoder, "texts")[0]
        if kept:
            kept.keep(known, [number] if made.long else ())
    return known[number]


def _encoded(
    what: str,
    by_hash: dict[bytes, _What],
    batches: list[list[bytes]],
    vectors: dict[bytes, NDArray[np.float32]],
    encode: Callable[[list[_What]], Encoded],
    encoder: Encoder,
    kept: Kept | None,
    report: Report,
) -> dict[bytes, NDArray[np.float32]]:
    """Encode the batches, the last one first, and add their vectors to those that are known."""
    n_broken = 0

    def take(done: Future[Encoded], batch: list[bytes]) -> None:
        nonlocal n_broken
        found = done.result()
        broken = set(found.broken)
        whole = [number for at, number in enumerate(batch) if at not in broken]
        if whole:
            made = dict(zip(whole, _checked(found.vectors, len(whole), vectors, encoder, what), strict=True))
            if kept:
                kept.keep(made, [batch[at] for at in found.long])
            vectors.update(made)
        n_broken += len(broken)

    with ThreadPoolExecutor(encoder.at_once, thread_name_prefix="explorer-encode") as pool:
        waiting: dict[Future[Encoded], list[bytes]] = {}
        try:
            while batches or waiting:
                while batches and len(waiting) < encoder.at_once:
                    batch = batches.pop()  # the longest first: then the time that is left is no less than it seems
                    waiting[pool.submit(encode, [by_hash[number] for number in batch])] = batch
                for done in wait(waiting, return_when=FIRST_COMPLETED).done:
                    take(done, waiting.pop(done))
                report(f"encoding {what}", (len(vectors) + n_broken) / len(by_hash))
        except BaseException as error:  # an interrupt as well
            for done, batch in waiting.items():  # what is on its way is paid for
                with suppress(EncodingFailed):
                    take(done, batch)
            if isinstance(error, EncodingFailed) and kept:
                raise EncodingFailed(encoder.title, error.reason, len(vectors), len(by_hash), what) from None
            raise
    return vectors


def _rows(hashes: Sequence[bytes | None], vectors: dict[bytes, NDArray[np.float32]]) -> NDArray[np.float32]:
    """Give each row the vector of its hash, NaN where it has none."""
    found = np.full((len(hashes), len(next(iter(vectors.values())))), np.nan, np.float32)
    for row, number in enumerate(hashes):
        if number is not None and number in vectors:
            found[row] = vectors[number]
    return found


def _kept(encoder: Encoder, store: Path) -> Kept | None:
    return Kept(store, encoder.key, averaged=encoder.long_texts == "average") if encoder.key else None


def _by_hash(texts: Sequence[str | None]) -> dict[bytes, str]:
    return {hashed(text): text for text in texts if text is not None and text.strip()}


def _batches(sizes: dict[bytes, int], most: int, room: int) -> list[list[bytes]]:
    """Put what is of about the same size together, the smallest first; large ones are fewer: servers limit what one request may hold."""
    batches: list[list[bytes]] = []
    left = 0
    for number in sorted(sizes, key=sizes.__getitem__):
        if not batches or sizes[number] > left or len(batches[-1]) == most:
            batches.append([])
            left = room
        batches[-1].append(number)
        left -= sizes[number]
    return batches


def _checked(
    found: NDArray[np.float32], n: int, known: dict[bytes, NDArray[np.float32]], encoder: Encoder, what: str
) -> NDArray[np.float32]:
    if found.ndim != 2 or len(found) != n or not found.shape[1]:  # noqa: PLR2004  # rows and numbers
        raise EncodingFailed(encoder.title, f"it made an array of shape {found.shape} of {n:,} {what}; one vector each is needed")
    size = len(next(iter(known.values()), found[0]))
    if found.shape[1] != size:
        raise EncodingFailed(encoder.title, f"it made vectors of {found.shape[1]:,} numbers, and before of {size:,}. Is it another model?")
    if not np.isfinite(found).all():
        raise EncodingFailed(encoder.title, "it made vectors with numbers that are not finite")
    return found
