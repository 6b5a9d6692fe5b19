"""What two neighbor graphs share, against sets in plain Python and NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from explorer.compute.neighbors import neighbor_graph
from explorer.compute.shared_neighbors import shared_neighbors
from explorer.errors import BadParameter


def lists(n: int, k: int, seed: int) -> NDArray[np.int32]:
    """Give each of n rows k different others, some rows none."""
    random = np.random.default_rng(seed)
    made = np.stack([random.permutation(np.delete(np.arange(n), row))[:k] for row in range(n)]).astype(np.int32)
    made[random.random(n) < 0.1] = -1
    return made


@settings(deadline=None)  # the first call compiles
@given(n=st.integers(8, 40), k=st.integers(1, 7), further=st.integers(0, 3), seed=st.integers(0, 2**16))
def test_shares_are_those_of_sets(n: int, k: int, further: int, seed: int):
    one, other = lists(n, k, seed), lists(n, min(n - 1, k + further), seed + 1)
    sizes = sorted({1, (k + 1) // 2, k})
    found = shared_neighbors(one, other, sizes=sizes)
    for i, size in enumerate(sizes):
        for row in range(n):
            if one[row, 0] < 0 or other[row, 0] < 0:
                assert np.isnan(found.share[i, row])
                assert np.isnan(found.jaccard[i, row])
                continue
            mine, theirs = set(one[row, :size].tolist()), set(other[row, :size].tolist())
            assert found.share[i, row] == np.float32(len(mine & theirs) / size)
            assert found.jaccard[i, row] == np.float32(len(mine & theirs) / len(mine | theirs))


@settings(deadline=None)  # the first call compiles
@given(seed=st.integers(0, 2**16))
def test_neither_graph_comes_first_and_order_within_a_neighborhood_does_not_count(seed: int):
    one, other = lists(30, 6, seed), lists(30, 6, seed + 1)
    there, back = (shared_neighbors(*pair, sizes=[3, 6]) for pair in ((one, other), (other, one)))
    np.testing.assert_array_equal(there.share, back.share)
    np.testing.assert_array_equal(there.share[1], shared_neighbors(one[:, ::-1], other, sizes=[6]).share[0])


def test_a_graph_shares_everything_with_itself_and_noise_takes_it_away_bit_by_bit():
    vectors = np.random.default_rng(0).normal(size=(400, 12)).astype(np.float32)
    noise = np.random.default_rng(1).normal(size=vectors.shape).astype(np.float32)
    graphs = [neighbor_graph(vectors + amount * noise, k=15).indices for amount in (0, 0.1, 0.5, 100)]
    means = [float(shared_neighbors(graphs[0], graph, sizes=[15]).share.mean()) for graph in graphs]
    assert means[0] == 1
    assert means == sorted(means, reverse=True)
    assert means[1] > 0.6
    assert means[3] == pytest.approx(15 / 399, abs=0.02), "what random rows share"


@pytest.mark.parametrize(("shapes", "sizes"), [(((5, 3), (6, 3)), [3]), (((5, 3), (5, 2)), [3]), (((5, 3), (5, 3)), [0])])
def test_what_cannot_be_compared_is_refused(shapes: tuple[tuple[int, int], tuple[int, int]], sizes: list[int]):
    one, other = (np.zeros(shape, np.int32) for shape in shapes)
    with pytest.raises(BadParameter):
        shared_neighbors(one, other, sizes=sizes)
