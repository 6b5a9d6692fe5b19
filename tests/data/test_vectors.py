from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from explorer.data.columns import TableColumns
from explorer.data.matrices import fingerprint, usable_rows
from explorer.data.rows import as_matrix, read_matrix
from explorer.data.vectors import find_vectors

THREE = [[1.0, 2, 3], [4, 5, 6]]


def found(columns: dict[str, object], *, has_layouts: bool = False) -> tuple[str, ...]:
    return find_vectors(TableColumns(pa.table(columns)), has_layouts=has_layouts)


def numbers(*names: str) -> dict[str, object]:
    return {name: [1.0, 2.0] for name in names}


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"a": THREE, "embedding": THREE}, ("embedding",)),
        ({"wide": [[1.0] * 9] * 2, "title_vector": THREE}, ("title_vector",)),
        ({"short": THREE, "wide": [[1.0] * 9] * 2}, ("wide",)),
        ({"first": THREE, "second": THREE}, ("first",)),
        ({"neighbors": [[1, 2, 3], [4, 5, 6]], "v": THREE}, ("v",)),
        ({"knn": [[1, 2, 3], [4, 5, 6]]}, ()),
        ({"tags": [[1, 2], [3]]}, ()),
        ({"tags": [["a", "b", "c"]] * 2}, ()),
        ({"embedding": ["[1, 2, 3]", "[4, 5, 6]"]}, ("embedding",)),
        ({"note": ["[citation needed]", "[1, 2, 3]"]}, ()),
        ({"note": ["[1] see below", "[2] see above"]}, ()),
        ({"emb": [[1.0, 2], [3, 4]]}, ("emb",)),
        ({"where": [[1.0, 2], [3, 4]]}, ()),
        (numbers("embedding_1", "embedding_2", "embedding_3"), ("embedding_1", "embedding_2", "embedding_3")),
        (numbers("dim2", "dim0", "dim1"), ("dim0", "dim1", "dim2")),
        (numbers("e0", "e1", "e2", "e9"), ("e0", "e1", "e2")),
        (numbers("0", "1", "2"), ("0", "1", "2")),
        (numbers("emb.001", "emb.002", "emb.003"), ("emb.001", "emb.002", "emb.003")),
        (numbers("PC1", "PC2", "PC3"), ("PC1", "PC2", "PC3")),
        (numbers("umap_1", "umap_2", "umap_3"), ()),
        (numbers("x_1", "x_2"), ()),
        (numbers("year2019", "year2020", "year2021"), ()),
        (numbers("gene1", "gene2", "gene3"), ("gene1", "gene2", "gene3")),
        ({**numbers("score1", "score2", "score3"), "embedding": THREE}, ("embedding",)),
        (numbers(*(f"score{i}" for i in range(9)), "e0", "e1", "e2"), ("e0", "e1", "e2")),
    ],
)
def test_vectors_are_found_by_type_then_name_then_width(columns: dict[str, object], expected: tuple[str, ...]) -> None:
    assert found(columns) == expected


def test_a_few_numbered_columns_of_an_unknown_name_are_metadata_where_a_map_exists() -> None:
    assert found(numbers("gene1", "gene2", "gene3"), has_layouts=True) == ()
    assert len(found(numbers(*(f"gene{i}" for i in range(8))), has_layouts=True)) == 8


def test_a_text_among_numbered_columns_beside_a_map_is_metadata() -> None:
    columns = {**numbers("col1", "col2"), "col3": ["a", "b"]}
    assert found(columns, has_layouts=True) == ()
    assert found(columns) == ("col1", "col2", "col3")


prefixes = st.sampled_from(["embedding_", "emb", "dim", "v", "feature_", "e", "PC", ""])


@given(prefix=prefixes, start=st.sampled_from([0, 1]), n=st.integers(3, 30), data=st.data())
def test_numbered_columns_are_found_in_any_order_among_any_others(prefix: str, start: int, n: int, data: st.DataObject) -> None:
    names = [f"{prefix}{i}" for i in range(start, start + n)]
    others = data.draw(st.lists(st.text("abcxyz", min_size=1, max_size=6), unique=True, max_size=5))
    shuffled = data.draw(st.permutations(names + others))
    assert found({name: [1.0, 2.0] for name in shuffled}) == tuple(names)


@given(names=st.lists(st.text(min_size=0, max_size=8), unique=True, max_size=20))
def test_no_name_makes_the_search_fail(names: list[str]) -> None:
    chosen = found({name: [1.0, 2.0] for name in names} or {"a": [1]})
    assert set(chosen) <= set(names)
    assert len(chosen) == 0 or len(chosen) >= 3


finite = st.floats(-1e6, 1e6, width=32)
matrices = arrays(np.float32, array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=9), elements=finite)


@given(matrices, st.sampled_from([pa.list_(pa.float32()), pa.large_list(pa.float64()), pa.list_view(pa.float32())]), st.integers(1, 4))
def test_lists_of_any_type_and_chunks_read_back_as_they_were(matrix: np.ndarray, kind: pa.DataType, chunk: int) -> None:
    column = pa.chunked_array([pa.array(matrix[i : i + chunk].tolist(), kind) for i in range(0, len(matrix), chunk)])
    read = read_matrix(TableColumns(pa.table({"v": column})), ["v"], "The table")
    np.testing.assert_array_equal(read, matrix)


@given(matrices)
def test_lists_written_as_text_read_back_as_they_were(matrix: np.ndarray) -> None:
    for texts in ([str(row) for row in matrix.tolist()], [" ".join(map(repr, row)) for row in matrix.tolist()]):
        read = read_matrix(TableColumns(pa.table({"v": texts})), ["v"], "The table")
        np.testing.assert_array_equal(read, matrix)


@given(matrices)
def test_number_columns_read_back_as_they_were(matrix: np.ndarray) -> None:
    table = pa.table({str(j): matrix[:, j] for j in range(matrix.shape[1])})
    np.testing.assert_array_equal(read_matrix(TableColumns(table), table.column_names, "The table"), matrix)


@given(arrays(np.float32, (6, 3), elements=st.floats(width=32) | st.just(0.0)))
def test_usable_rows_are_finite_and_not_all_zero(matrix: np.ndarray) -> None:
    expected = [bool(np.isfinite(row).all() and row.any()) for row in matrix]
    assert usable_rows(matrix).tolist() == expected


def test_matrices_over_many_blocks_equal_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = np.random.default_rng(0).normal(size=(50, 4))
    matrix[7] = 0
    whole = as_matrix(matrix, "The array", "v")
    print_whole, usable = fingerprint([whole]), usable_rows(whole)
    monkeypatch.setattr("explorer.data.matrices._BLOCK_BYTES", 48)
    np.testing.assert_array_equal(as_matrix(matrix, "The array", "v"), whole)
    assert fingerprint([whole]) == print_whole
    np.testing.assert_array_equal(usable_rows(whole), usable)
    assert not usable[7]


def test_decimals_bools_and_missing_numbers_are_numbers() -> None:
    table = pa.table(
        {
            "e0": pa.array([1, None], pa.decimal128(5, 2)),
            "e1": [True, False],
            "e2": pa.array([1, 2], pa.uint64()),
            "e3": pa.array([None, None], pa.null()),
            "e4": pa.array(["1.5", "2"]).dictionary_encode(),
        }
    )
    expected = [[1, 1, 1, np.nan, 1.5], [np.nan, 0, 2, np.nan, 2]]
    np.testing.assert_array_equal(read_matrix(TableColumns(table), table.column_names, "The table"), expected)
