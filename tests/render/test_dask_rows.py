"""The picture of a Dask DataFrame is that of the same rows in memory, pixel for pixel, and its rows stay where they are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from distributed import Client, LocalCluster

from explorer.errors import BadParameter, EmptyDataset, PictureOvertaken, UnknownColumn, Unreadable
from explorer.render import dask_rows, dask_survey
from explorer.render.color import ByCategory, ByNumber, Color, Density
from explorer.render.dask_survey import Survey, columns_of, survey
from explorer.render.frame import FrameRequest, render
from explorer.render.layout_index import LayoutIndex
from explorer.render.normalization import Normalization
from explorer.render.palette import Palette, colormap, limits
from explorer.render.view import View

N, WIDTH, HEIGHT = 40_000, 120, 90
SIZES = (0, 9_000, 1, 21_000, 0, 9_999)


@pytest.fixture(autouse=True)
def _in_this_thread() -> Iterator[None]:
    with dask.config.set(scheduler="synchronous"):
        yield


def rows(n: int = N, *, categories: int = 7) -> pd.DataFrame:
    """Make clusters; some rows have no place, no category, no number."""
    random = np.random.default_rng(3)
    of = random.integers(0, categories, n)
    x, y = (random.standard_normal((2, n)) + random.uniform(-6, 6, (2, categories))[:, of]).astype(np.float32)
    kind = np.array([f"kind {i:03d}" for i in range(categories)], object)[of]
    kind[::17] = None
    number = np.round(random.standard_normal(n) * 64).astype(np.float32) / 64  # their sums are exact in any order
    number[::13], number[5::4001] = np.nan, np.inf
    x[::11], y[3::501] = np.nan, np.inf
    return pd.DataFrame({"x": x, "y": y, "kind": kind, "number": number})


@pytest.fixture(scope="module")
def whole() -> pd.DataFrame:
    return rows()


def parts(folder: Path, whole: pd.DataFrame, sizes: tuple[int, ...] = SIZES) -> Any:
    """Write Parquet parts, and read them as a person would."""
    folder.mkdir()
    for i, (start, end) in enumerate(pairwise(np.cumsum([0, *sizes]))):
        whole.iloc[start:end].to_parquet(folder / f"part.{i}.parquet")
    return dd.read_parquet(folder)


class Both(NamedTuple):
    """The same rows twice: elsewhere and in memory."""

    found: Survey
    index: LayoutIndex
    elsewhere: Color
    here: Color
    normalization: Normalization

    def pictures(self, view: View, **how: Any) -> tuple[Any, Any]:
        """Draw them from where they are, and from memory."""
        return tuple(
            render(FrameRequest(index=index, view=view, width=WIDTH, height=HEIGHT, color=color, normalization=self.normalization, **how))
            for index, color in ((self.found.rows, self.elsewhere), (self.index, self.here))
        )


def both(frame: Any, whole: pd.DataFrame, color: str | None) -> Both:
    found = survey(frame, columns_of(frame, "x", "y", color))
    index = LayoutIndex.build(whole[["x", "y"]].to_numpy(np.float32))
    elsewhere: Color
    here: Color
    if color == "kind":
        codes, names = pd.factorize(whole["kind"], sort=True)
        palette = Palette.of(names.tolist(), np.bincount(codes[codes >= 0]))
        assert found.names == tuple(names)
        elsewhere, here = ByCategory(np.zeros(0, np.uint8), palette.lut), ByCategory.of(index, palette.slots(codes), palette.lut)
    elif color == "number":
        ends, lut = limits(whole["number"].to_numpy()), colormap("bgy")
        elsewhere = ByNumber(np.zeros(0, np.float32), ends.low, ends.high, lut)
        here = ByNumber.of(index, whole["number"].to_numpy(), low=ends.low, high=ends.high, lut=lut)
    else:
        elsewhere = here = Density(colormap("bgy"))
    return Both(found, index, elsewhere, here, Normalization.of(index))


def zoomed(view: View, times: float) -> View:
    (x, y), (w, h) = view.center, view.span
    x, y = x + w / 9, y - h / 7
    return View(x - w / times / 2, x + w / times / 2, y - h / times / 2, y + h / times / 2)


@pytest.mark.parametrize("rows_each", [5_000, 2_000_000])
@pytest.mark.parametrize("color", [None, "kind", "number"])
def test_it_draws_what_the_rows_in_memory_draw(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, whole: pd.DataFrame, color: str | None, rows_each: int
):
    monkeypatch.setattr(dask_rows, "_ROWS_EACH", rows_each)
    pair = both(parts(tmp_path / "parts", whole), whole, color)
    assert (pair.found.rows.home, pair.found.rows.extent) == (pair.index.home, pair.index.extent)
    np.testing.assert_array_equal(Normalization.from_counts(pair.found.rows.grid.counts.ravel()).table, pair.normalization.table)
    home = pair.index.home.fitted(WIDTH, HEIGHT)
    dark = {"background": "#121212", "pixel_ratio": 2.0}
    discs = 0
    for times, how in ((1, {}), (1, {"point_px": 5.0}), (2, dark), (2, {"point_px": 1.0}), (7, dark), (7, {}), (40, dark), (5000, {})):
        ours, theirs = pair.pictures(home if times == 1 else zoomed(home, times), row_ids=True, **how)
        np.testing.assert_array_equal(ours.rgba, theirs.rgba, err_msg=f"{times} {how}")
        assert (ours.n_visible, ours.view, ours.point_px) == (theirs.n_visible, theirs.view, theirs.point_px)
        np.testing.assert_array_equal(ours.row_ids >= 0, theirs.row_ids >= 0)
        discs += ours.point_px > 1
    assert 3 <= discs <= 5, "both ways of drawing"
    assert not pair.pictures(View(90, 91, 90, 91))[0].rgba.any()


def test_each_pixel_knows_a_row_that_lies_there(tmp_path: Path, whole: pd.DataFrame):
    pair = both(parts(tmp_path / "parts", whole), whole, None)
    view = pair.index.home.fitted(WIDTH, HEIGHT)
    ids = pair.pictures(view, row_ids=True)[0].row_ids
    lines, columns = np.nonzero(ids >= 0)
    there = whole.iloc[ids[lines, columns]]
    np.testing.assert_array_equal(((there["x"] - view.x0) / view.span[0] * WIDTH).astype(int), columns)
    np.testing.assert_array_equal(HEIGHT - 1 - ((there["y"] - view.y0) / view.span[1] * HEIGHT).astype(int), lines)


def test_more_categories_than_colors_share_one_gray(tmp_path: Path):
    whole = rows(60_000, categories=400)
    pair = both(parts(tmp_path / "parts", whole, (30_000, 30_000)), whole, "kind")
    assert len(pair.found.names) == 400
    for view in (pair.index.home, zoomed(pair.index.home, 30)):
        ours, theirs = pair.pictures(view)
        np.testing.assert_array_equal(ours.rgba, theirs.rgba)


@pytest.mark.parametrize("as_kind", ["category", "string", "bool"])
def test_categories_of_every_kind_are_counted(as_kind: str):
    whole = pd.DataFrame({"x": np.arange(6.0), "y": np.arange(6.0), "kind": [True, False, True, True, False, True]})
    if as_kind != "bool":
        whole["kind"] = whole["kind"].astype(str).astype(as_kind)
    frame = dd.from_pandas(whole, npartitions=2)
    found = survey(frame, columns_of(frame, "x", "y", "kind"))
    assert (found.names, found.counts.tolist()) == (("False", "True"), [2, 4, 0])


def test_rows_far_out_are_left_out_of_the_first_view_only(tmp_path: Path, whole: pd.DataFrame):
    far = whole.copy()
    far.loc[[100, 20_000], "x"] = [1e6, -1e7]
    pair = both(parts(tmp_path / "parts", far), far, None)
    assert pair.found.rows.home == pair.index.home != pair.index.extent == pair.found.rows.extent
    for view in (pair.index.home, pair.index.extent):
        ours, theirs = pair.pictures(view)
        np.testing.assert_array_equal(ours.rgba, theirs.rgba)


def test_a_sample_is_every_so_manieth_row_and_makes_the_same_first_view(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, whole: pd.DataFrame
):
    for module in ("dask_survey", "layout_index"):
        monkeypatch.setattr(f"explorer.render.{module}.SAMPLE", 1_000)
    pair = both(parts(tmp_path / "parts", whole), whole, "kind")
    drawable = np.flatnonzero(np.isfinite(whole[["x", "y"]]).all(axis=1))
    np.testing.assert_array_equal(pair.found.sample["row"], drawable[:: len(drawable) // 1_000])
    assert pair.found.rows.home == pair.index.home
    some = pair.found.rows.indexed(pair.found.sample, pair.elsewhere)
    assert isinstance(some.color, ByCategory)
    np.testing.assert_array_equal(
        some.color.lut[some.color.slots], pair.here.lut[pair.here.slots[np.isin(pair.index.rows, some.index.rows)]]
    )


def test_only_partitions_of_the_view_are_read_and_no_row_is_collected(tmp_path: Path):
    x = np.repeat(np.arange(8.0), 20_000) + np.tile(np.linspace(0, 0.5, 20_000), 8)
    whole = pd.DataFrame({"x": x, "y": np.random.default_rng(0).random(len(x))})
    parts(tmp_path / "parts", whole, (20_000,) * 8)
    read: list[int] = []

    def part(i: int) -> pd.DataFrame:
        read.append(i)
        return pd.read_parquet(tmp_path / "parts" / f"part.{i}.parquet")

    frame = dd.from_map(part, range(8), meta=whole.iloc[:0])
    found = survey(frame, columns_of(frame, "x", "y", None))
    collected = []
    calculated = dd.DataFrame.compute

    def compute(self: Any, **how: Any) -> Any:
        collected.append(calculated(self, **how))
        return collected[-1]

    request = FrameRequest(
        index=found.rows, view=View(2.1, 4.2, 0, 1), width=60, height=40, color=Density(colormap("bgy")),
        normalization=Normalization.from_counts(found.rows.grid.counts.ravel()),
    )  # fmt: skip
    read.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dd.DataFrame, "compute", compute)
        assert render(request).n_visible == np.count_nonzero((x >= 2.1) & (x <= 4.2))
    assert sorted(read) == [2, 3, 4]
    assert not collected


def test_a_picture_that_is_not_wanted_any_more_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, whole: pd.DataFrame):
    monkeypatch.setattr(dask_rows, "_FIRST", 1)
    pair = both(parts(tmp_path / "parts", whole), whole, None)
    asked: list[bool] = []

    def wanted() -> bool:
        asked.append(True)
        return len(asked) < 2

    with pytest.raises(PictureOvertaken):
        pair.pictures(pair.index.home, wanted=wanted)
    assert len(asked) == 2


def test_what_cannot_be_drawn_is_a_sentence(whole: pd.DataFrame):
    frame = dd.from_pandas(whole, npartitions=2)
    with pytest.raises(UnknownColumn, match=r"has no column kin\. Did you mean kind\?"):
        columns_of(frame, "x", "y", "kin")
    with pytest.raises(BadParameter, match=r"y=kind is not allowed: this column holds .*; give one of numbers"):
        columns_of(frame, "x", "kind", None)
    empty = dd.from_pandas(whole.assign(x=np.nan), npartitions=2)
    with pytest.raises(EmptyDataset, match="as far as it has coordinates, has no row"):
        survey(empty, columns_of(empty, "x", "y", None))


def test_too_many_categories_are_a_sentence(monkeypatch: pytest.MonkeyPatch, whole: pd.DataFrame):
    monkeypatch.setattr(dask_survey, "_CATEGORIES_MOST", 5)
    frame = dd.from_pandas(whole, npartitions=2)
    with pytest.raises(BadParameter, match="color=kind is not allowed: this column has more than 5 different values"):
        survey(frame, columns_of(frame, "x", "y", "kind"))


@pytest.mark.parametrize("error", [ValueError("part 3 is damaged"), KeyError("part 3 is damaged")])
def test_a_partition_that_cannot_be_computed_is_a_sentence(whole: pd.DataFrame, error: Exception):
    def broken(part: pd.DataFrame) -> pd.DataFrame:
        if len(part):
            raise error
        return part

    frame = dd.from_pandas(whole, npartitions=3).map_partitions(broken, meta=whole.iloc[:0])
    with pytest.raises(Unreadable, match=r"The Dask DataFrame cannot be read: .*part 3 is damaged"):
        survey(frame, columns_of(frame, "x", "y", None))


def test_bounds_hold_what_is_in_view(tmp_path: Path, whole: pd.DataFrame):
    pair = both(parts(tmp_path / "parts", whole), whole, None)
    for times in (0.5, 1, 2, 3.7, 20, 900, 1e6):
        view = zoomed(pair.index.home, times)
        x, y = whole["x"].to_numpy(np.float64), whole["y"].to_numpy(np.float64)
        n = np.count_nonzero((x >= view.x0) & (x <= view.x1) & (y >= view.y0) & (y <= view.y1))
        low, high = pair.found.rows.grid.bounds(view)
        assert low <= n <= high
    assert pair.found.rows.grid.bounds(zoomed(pair.index.home, 0.5))[0] == len(pair.index)


def test_a_cluster_draws_the_same_and_a_lost_worker_is_a_sentence(tmp_path: Path, whole: pd.DataFrame):
    def end_the_worker(part: pd.DataFrame) -> pd.DataFrame:
        os._exit(1)

    frame = parts(tmp_path / "parts", whole)
    here = {"scheduler": None, "distributed.scheduler.allowed-failures": 0}
    with (
        dask.config.set(here),
        LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster),
    ):
        pair = both(frame, whole, "kind")
        for times in (0.9, 50):
            ours, theirs = pair.pictures(zoomed(pair.index.home, times))
            np.testing.assert_array_equal(ours.rgba, theirs.rgba)
        lost = frame.map_partitions(end_the_worker, meta=frame._meta)
        with pytest.raises(Unreadable, match=r"KilledWorker: Attempted to run task .* but all those workers died"):
            survey(lost, columns_of(lost, "x", "y", None))
