"""What people call vectors, coordinates, labels and neighbors; looks at names only, never at values."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Series", "coordinate_columns", "is_id_name", "is_neighbors_name", "is_vector_name", "layout_name", "numbered_series"]

_VECTOR = re.compile(r"embed|vector|encoding|latent|(^|[\W_])(emb|embs|vec|vecs|feature|features)($|[\W_\d])", re.IGNORECASE)
_VECTOR_PREFIXES = {
    *("", "e", "emb", "embs", "embed", "embedding", "embeddings", "v", "vec", "vecs", "vector", "vectors", "d", "dim", "dims", "dimension"),
    *(
        "f",
        "feat",
        "feature",
        "features",
        "x",
        "z",
        "h",
        "latent",
        "component",
        "comp",
        "c",
        "pc",
        "pca",
        "svd",
        "lsa",
        "lda",
        "factor",
        "col",
    ),
}
_LAYOUTS = {
    "umap": "umap",
    "tsne": "tsne",
    "opentsne": "tsne",
    "pca": "pca",
    "pc": "pca",
    "pacmap": "pacmap",
    "trimap": "trimap",
    "phate": "phate",
    "mde": "mde",
    "mds": "mds",
    "isomap": "isomap",
    "projection": "projection",
    "proj": "projection",
    "coord": "coordinates",
    "coords": "coordinates",
    "coordinate": "coordinates",
    "coordinates": "coordinates",
    "position": "position",
    "pos": "position",
    "map": "map",
    "layout": "layout",
    "plot": "plot",
    "xy": "x, y",
}
_NEIGHBORS = re.compile(r"neighbou?rs?|(^|_)k?nn($|_)|^distances$", re.IGNORECASE)
_ID = re.compile(r"(^|[\W_])(id|ids|uuid|guid|key|index|rowid)$|^unnamed: ?0$", re.IGNORECASE)
_NUMBERED = re.compile(r"(.*?)0*(\d+)$", re.DOTALL)
_ENDS_WITH_AXIS = re.compile(r"(.*?)[\s_\-.:]*(0|1|2|3|4|x|y|z)", re.DOTALL)
_BEGINS_WITH_AXIS = re.compile(r"(x|y|z)[\s_\-.:]+(.+)", re.DOTALL)
_AXES = (("x", "y", "z"), ("0", "1", "2"), ("1", "2", "3"))
_NEXT = {"2": "3", "3": "4"}  # with this one they are more than three
_LONGEST_NUMBER = 7
_PAIR = 2
_LEAST_SERIES = 3


class Series(NamedTuple):
    """Columns of one name with a number behind it, from 0 or 1 on without a gap, in the numbers' order."""

    prefix: str
    columns: tuple[str, ...]

    @property
    def known(self) -> bool:
        """Whether vectors are often called like this, so that three columns are enough to tell."""
        return self.prefix in _VECTOR_PREFIXES or is_vector_name(self.prefix)


def is_vector_name(name: str) -> bool:
    """Tell whether vectors are called like this: "embedding", "title_vector", "emb"."""
    return _VECTOR.search(name) is not None


def is_neighbors_name(name: str) -> bool:
    """Tell whether lists of neighbors are called like this, so that they are never taken for vectors."""
    return _NEIGHBORS.search(name) is not None


def is_id_name(name: str) -> bool:
    """Tell whether keys are called like this: "id", "user_id", "uuid"."""
    return _ID.search(name) is not None


def layout_name(prefix: str) -> str | None:
    """Return what a layout is called whose columns or array are named like this ("X_umap", "t-SNE", "UMAP_2d"), or None."""
    plain = re.sub(r"[\W_]", "", prefix.lower())
    for candidate in (each for plain_or_x in (plain, plain.removeprefix("x")) for each in (plain_or_x, re.sub("[23]d$", "", plain_or_x))):
        if candidate in _LAYOUTS:
            return _LAYOUTS[candidate]
    return None


def numbered_series(names: Iterable[str]) -> list[Series]:
    """Find names that differ by a number at the end alone, three or more; names of layouts but PCA's are left out."""
    numbered: dict[str, dict[int, str]] = defaultdict(dict)
    for name in names:
        match = _NUMBERED.fullmatch(name)
        if match and len(match[2]) <= _LONGEST_NUMBER:
            numbered[match[1]].setdefault(int(match[2]), name)
    found = []
    for prefix, columns in numbered.items():
        plain = re.sub(r"[\s_\-.:]+$", "", prefix.lower())
        if layout_name(plain) not in (None, "pca"):
            continue
        start = 0 if 0 in columns else 1
        contiguous: list[str] = []
        while start + len(contiguous) in columns:
            contiguous.append(columns[start + len(contiguous)])
        if len(contiguous) >= _LEAST_SERIES:
            found.append(Series(plain, tuple(contiguous)))
    return found


def coordinate_columns(names: Iterable[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Find two or three names that hold coordinates: x and y, umap_1 and umap_2, PC1 and PC2, and x, y and z, umap_1, umap_2 and umap_3.

    Returns
    -------
    list of (name, (column, column, …))
        A layout's name, and the columns of its coordinates. Of four principal components or more the first two: those are vectors, too.
    """
    axes: dict[str, dict[str, str]] = defaultdict(dict)
    for name in names:
        lower = name.lower()
        if ends := _ENDS_WITH_AXIS.fullmatch(lower):
            axes[ends[1]].setdefault(ends[2], name)
        if begins := _BEGINS_WITH_AXIS.fullmatch(lower):
            axes[begins[2]].setdefault(begins[1], name)
    found = []
    for prefix, columns in axes.items():
        for first, second, third in _AXES:
            if first in columns and second in columns and (title := _title(prefix, first, columns)):
                spatial = third in columns and not (title == "pca" and _NEXT.get(third) in columns)
                own = (first, second, third) if spatial else (first, second)
                found.append((f"{title}, z" if spatial and title == "x, y" else title, tuple(columns[axis] for axis in own)))
                break
    return found


def _title(prefix: str, axis: str, columns: dict[str, str]) -> str | None:
    known = layout_name(prefix)
    if known:
        return known
    if axis == "x":
        return "x, y" if not prefix else (prefix if is_vector_name(prefix) else None)
    alone = sum(axis in columns for axis in "01234") == _PAIR  # three or more are vectors
    return prefix if prefix and prefix in _VECTOR_PREFIXES and alone else None
