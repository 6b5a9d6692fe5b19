"""scikit-learn's handwritten digits with their pictures; made when they are opened, nothing is shipped for them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from explorer.data.dataset import Dataset, open_dataset

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["digits"]

_MOST_INK = 16
_WHITE = 255
_ZOOM = 4


def digits() -> Dataset:
    """Make the dataset: 1,797 rows of 64 gray values, the digit, how much ink it took, and a PNG picture of 32 x 32 pixels."""
    from sklearn.datasets import load_digits

    found = load_digits()
    pixels: NDArray[np.float64] = found.data
    table = pa.table(
        {
            "digit": pa.array([str(digit) for digit in found.target]).dictionary_encode(),
            "ink": pa.array(pixels.mean(axis=1) / _MOST_INK, pa.float32()),
            "image": pa.array([_png(image) for image in found.images], pa.large_binary()),
        }
    )
    return open_dataset(table, vectors=pixels, label="digit", color="digit", name="Handwritten digits")


def _png(image: NDArray[Any]) -> bytes:
    from PIL import Image

    gray = (_WHITE - image * _WHITE / _MOST_INK).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(np.kron(gray, np.ones((_ZOOM, _ZOOM), np.uint8))).save(stream, "PNG", optimize=True)
    return stream.getvalue()
