"""Make the folder talks with the datasets library: pip install datasets, then run this here."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from datasets import ClassLabel, Dataset, DatasetDict, Features, Image, Sequence, Value


def picture(gray: int) -> dict[str, object]:
    """Make a picture as the library keeps it."""
    file = io.BytesIO()
    Pillow.new("L", (8, 8), gray).save(file, "PNG")
    return {"bytes": file.getvalue(), "path": None}


numbers = np.random.default_rng(0)
rows = {
    "title": [f"Talk {i}" for i in range(12)],
    "topic": [i % 3 for i in range(12)],
    "embedding": numbers.standard_normal((12, 4)).astype(np.float32).tolist(),
    "slide": [picture(20 * i) for i in range(12)],
}
features = Features(
    {
        "title": Value("string"),
        "topic": ClassLabel(names=["art", "math", "music"]),
        "embedding": Sequence(Value("float32"), length=4),
        "slide": Image(),
    }
)
talks = Dataset.from_dict(rows, features=features)
here = Path(__file__).parent
DatasetDict({"train": talks.select(range(9)), "test": talks.select(range(9, 12))}).save_to_disk(
    here / "talks", num_shards={"train": 2, "test": 1}
)
