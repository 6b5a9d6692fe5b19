"""Effect sizes against the plainest formulas, and against what chance does."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from explorer.compute.contrast import log_odds_ratios, mean_difference, weighted_log_odds, z_of


def test_z_of_one_and_of_many():
    assert z_of() == pytest.approx(1.959964, abs=1e-6)
    assert z_of(1_000) == pytest.approx(4.055627, abs=1e-5)


@given(data=st.data(), n_inside=st.integers(1, 50), n_outside=st.integers(1, 5_000))
@settings(deadline=None, max_examples=100)
def test_log_odds_ratios_are_those_of_the_table_with_half_a_row_in_each_cell(data, n_inside, n_outside):
    a = data.draw(arrays(np.int64, 5, elements=st.integers(0, n_inside)))
    b = data.draw(arrays(np.int64, 5, elements=st.integers(0, n_outside)))
    found = log_odds_ratios(a, b, n_inside, n_outside)
    for i in range(5):
        table = np.array([[a[i], n_inside - a[i]], [b[i], n_outside - b[i]]]) + 0.5
        assert found.effect[i] == pytest.approx(np.log(table[0, 0] * table[1, 1] / (table[0, 1] * table[1, 0])), abs=1e-9)
    assert (found.low < found.effect).all()
    assert (found.effect < found.high).all()
    other = log_odds_ratios(b, a, n_outside, n_inside)
    np.testing.assert_allclose([other.effect, other.low], [-found.effect, -found.high], atol=1e-7)


def test_large_counts_have_the_interval_of_the_standard_error():
    found = log_odds_ratios(np.array([4_000]), np.array([9_000]), 10_000, 30_000)
    error = np.sqrt(1 / 4_000 + 1 / 6_000 + 1 / 9_000 + 1 / 21_000)
    assert (found.effect - found.low)[0] == pytest.approx(z_of() * error, rel=0.01)
    assert (found.high - found.effect)[0] == pytest.approx(z_of() * error, rel=0.01)


def test_a_random_selection_is_rarely_told_to_be_special():
    rng = np.random.default_rng(0)
    codes, special = rng.integers(0, 1_000, 20_000), 0
    for _ in range(50):
        mask = rng.random(20_000) < 0.01
        inside, all_ = np.bincount(codes[mask], minlength=1_000), np.bincount(codes, minlength=1_000)
        found = log_odds_ratios(inside, all_ - inside, int(mask.sum()), int((~mask).sum()), n_asked=1_000)
        special += bool((found.low > 0).any())
    assert special <= 5


values = st.one_of(st.floats(-1e6, 1e6, width=32), st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 1.0]))


@given(data=st.data(), n=st.integers(0, 60))
@settings(deadline=None, max_examples=150)
def test_mean_differences_are_hedges_g(data, n):
    numbers = data.draw(arrays(np.float32, n, elements=values))
    mask = data.draw(arrays(np.bool_, n))
    found = mean_difference(numbers, mask, z=1.96)
    frame = pd.Series(numbers.astype(np.float64)).replace([np.inf, -np.inf], np.nan)
    one, other = frame[mask].dropna(), frame[~mask].dropna()
    if min(len(one), len(other)) < 2:
        assert found is None
        return
    m = len(one) + len(other) - 2
    spread = np.sqrt(((len(one) - 1) * one.var() + (len(other) - 1) * other.var()) / m)
    if spread < 1e-6 * max(1e-6, abs(frame).max()):
        return
    assert found is not None
    g = (one.mean() - other.mean()) / spread * (1 - 3 / (4 * m - 1))
    assert found.effect == pytest.approx(g, rel=1e-6, abs=1e-9)
    assert (found.n_inside, found.n_outside) == (len(one), len(other))
    assert found.inside == pytest.approx(one.mean(), rel=1e-9, abs=1e-9)
    assert found.low < found.effect < found.high


def test_pieces_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    numbers, mask = rng.normal(size=1_000).astype(np.float32), rng.random(1_000) < 0.3
    whole = mean_difference(numbers, mask, z=1.96)
    monkeypatch.setattr("explorer.compute.contrast._PIECE", 7)
    assert mean_difference(numbers, mask, z=1.96) == pytest.approx(whole)


def test_constant_columns():
    mask = np.array([True, True, False, False])
    assert mean_difference(np.full(4, 0.1, np.float32), mask, z=2) is None
    apart = mean_difference(np.array([1, 1, 2, 2], np.float32), mask, z=2)
    assert apart is not None
    assert apart.effect == apart.low == -np.inf


def test_weighted_log_odds_prefer_words_that_are_frequent_and_uneven():
    inside, outside = np.array([50, 100, 1, 0]), np.array([1, 1_000, 0, 300])
    effect, z = weighted_log_odds(inside, outside)
    assert z.argmax() == 0  # fifty times here and once there
    assert abs(z[2]) < 1.96  # once, by chance
    assert effect[3] < 0
    prior = 500 * (inside + outside) / (inside + outside).sum()
    one = np.log((50 + prior[0]) / (151 + 500 - 50 - prior[0]))
    other = np.log((1 + prior[0]) / (1_301 + 500 - 1 - prior[0]))
    assert effect[0] == pytest.approx(one - other)
    assert z[0] == pytest.approx((one - other) / np.sqrt(1 / (50 + prior[0]) + 1 / (1 + prior[0])))
