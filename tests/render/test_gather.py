from __future__ import annotations

import numpy as np
import pytest

from explorer.render.gather import gather, gather_flags
from explorer.render.layout_index import frozen
from explorer.render.palette import counts


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("gather", "palette"):
        monkeypatch.setattr(f"explorer.render.{module}.PIECE", 7)


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint16])
@pytest.mark.parametrize("n", [0, 1, 7, 50])
def test_gathering_is_indexing(kind: type[np.integer], n: int):
    places = np.random.default_rng(0).integers(-1 if kind is not np.uint16 else 0, 5, n).astype(kind)
    for entries in (np.arange(6, dtype=np.uint8), np.array([True, False, True, True, False, True]), np.linspace(0, 1, 6, dtype=np.float32)):
        found = gather(entries, places)
        assert found.dtype == entries.dtype
        assert np.array_equal(found, entries[places])


@pytest.mark.parametrize("n", [1, 8, 9, 1_000])
def test_gathering_flags_is_indexing(n: int):
    rng = np.random.default_rng(n)
    flags, places = rng.random(n) < 0.5, frozen(rng.integers(0, n, 3 * n).astype(np.int32))
    found = gather_flags(flags, places)
    assert found.dtype == bool
    assert np.array_equal(found, flags[places])
    assert len(gather_flags(flags, frozen(np.empty(0, np.int32)))) == 0


def test_counts_do_not_depend_on_the_pieces():
    codes = np.random.default_rng(0).integers(-1, 5, 50).astype(np.int32)
    assert np.array_equal(counts(codes, 6), [*np.bincount(codes[codes >= 0], minlength=6), (codes < 0).sum()])
