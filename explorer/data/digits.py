"""scikit-learn's handwritten digits with their pictures; made when they are opened, nothing is shipped for them."""

from __future__ import annotations

import io
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from explorer.data.dataset import Dataset, open_dataset

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["digits"]

_FILE = "datasets/data/digits.csv.gz"  # of scikit-learn, read without importing that: it takes a second and more
_MOST_INK = 16
_WHITE = 255
_ZOOM = 4


def digits() -> Dataset:
    """Make the dataset: 1,797 rows of 64 gray values, the digit, how much ink it took, and a PNG picture of 32 x 32 pixels."""
    package = find_spec("sklearn")
    assert package is not None
    assert package.submodule_search_locations
    numbers = np.loadtxt(Path(package.submodule_search_locations[0], _FILE), delimiter=",")
    pixels, found = numbers[:, :-1], numbers[:, -1].astype(int)
    table = pa.table(
        {
            "digit": pa.array([str(digit) for digit in found]).dictionary_encode(),
            "ink": pa.array(pixels.mean(axis=1) / _MOST_INK, pa.float32()),
            "image": pa.array(_pngs(pixels.reshape(-1, 8, 8)), pa.large_binary()),
        }
    )
    return open_dataset(table, vectors=pixels, label="digit", color="digit", name="Handwritten digits")


def _pngs(images: NDArray[np.float64]) -> list[bytes]:
    from PIL import Image

    made = []
    for gray in np.repeat(np.repeat(_WHITE - images * _WHITE / _MOST_INK, _ZOOM, axis=1), _ZOOM, axis=2).astype(np.uint8):
        stream = io.BytesIO()
        Image.fromarray(gray).save(stream, "PNG")
        made.append(stream.getvalue())
    return made
