"""Which rows a table lists, against plain pandas; orders are made once for all sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from explorer import row_order
from explorer.data.dataset import Dataset, open_dataset
from explorer.errors import UnknownColumn
from explorer.row_order import Sort, is_quick, list_rows

N = 30
SORT: Sort = (("kind", False), ("score", True))


@pytest.fixture
def dataset() -> Dataset:
    numbers = np.random.default_rng(0)
    columns: dict[str, Any] = {"x": numbers.normal(size=N), "y": numbers.normal(size=N)}
    columns |= {"kind": list("bca" * 10), "score": [None if i % 7 == 0 else float(i % 5) for i in range(N)]}
    columns["picture"] = pa.array([b"\x89PNG\r\n\x1a\n" + bytes([i]) for i in range(N)], pa.large_binary())
    return open_dataset(pa.table(columns))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many rows were sorted, each time."""
    counted: list[int] = []

    def counting(keys: Any, n: int) -> Any:
        counted.append(n)
        return real(keys, n)

    real = row_order.sorted_rows
    monkeypatch.setattr(row_order, "sorted_rows", counting)
    return counted


def expected(dataset: Dataset, mask: Any) -> list[int]:
    frame = dataset.frame(np.flatnonzero(mask)).astype({"kind": str})
    frame = frame.sort_values("score", kind="stable", ascending=False).sort_values("kind", kind="stable")
    return frame.index.tolist()


@pytest.mark.parametrize("few", [0, 200_000], ids=["from the whole order", "by themselves"])
def test_some_rows_are_listed_in_order(dataset: Dataset, few: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(row_order, "FEW", few if few == 0 else N - 1)
    mask = np.arange(N) % 2 == 0
    assert list_rows(dataset, SORT, mask).tolist() == expected(dataset, mask)
    assert list_rows(dataset, SORT, None).tolist() == expected(dataset, np.ones(N, bool))


def test_without_an_order_rows_are_as_in_the_data(dataset: Dataset):
    assert list_rows(dataset, (), None) is None
    assert list_rows(dataset, (), np.arange(N) > 25).tolist() == [26, 27, 28, 29]


def test_no_row_is_an_empty_list(dataset: Dataset):
    nothing = np.zeros(N, bool)
    assert list_rows(dataset, (), nothing).tolist() == list_rows(dataset, SORT, nothing).tolist() == []


def test_an_order_is_made_once(dataset: Dataset, made: list[int], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(row_order, "FEW", 3)
    assert not is_quick(dataset, SORT, None)
    list_rows(dataset, SORT, None)
    assert is_quick(dataset, SORT, None)
    list_rows(dataset, SORT, np.arange(N) < 20)
    list_rows(dataset, SORT, np.arange(N) < 2)
    assert made == [N]


def test_a_few_orders_are_kept_and_those_used_last_stay(dataset: Dataset, made: list[int]):
    sorts: list[Sort] = [(("score", down), ("kind", other)) for down in (True, False) for other in (True, False)]
    for sort in [(("score", False),), (("score", True),), *sorts, (("kind", True),)]:
        list_rows(dataset, sort, None)
    list_rows(dataset, (("kind", True),), None)
    assert len(made) == 7
    list_rows(dataset, (("score", False),), None)
    assert len(made) == 8


def test_few_rows_of_many_are_sorted_by_themselves(dataset: Dataset, made: list[int], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(row_order, "FEW", 3)
    mask = np.arange(N) < 3
    assert is_quick(dataset, SORT, mask)
    list_rows(dataset, SORT, mask)
    assert made == [3]


@pytest.mark.parametrize("column", ["nothing", "picture"])
def test_what_has_no_order_is_refused(dataset: Dataset, column: str):
    with pytest.raises(UnknownColumn, match="kind"):
        list_rows(dataset, ((column, False),), None)


def test_what_fails_is_tried_again(dataset: Dataset, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> Callable[..., Any]:
        message = "no memory"
        raise MemoryError(message)

    with monkeypatch.context() as broken:
        broken.setattr(row_order, "sorted_rows", fail)
        with pytest.raises(MemoryError):
            list_rows(dataset, SORT, None)
    assert list_rows(dataset, SORT, None).tolist() == expected(dataset, np.ones(N, bool))
