"""Files that the safetensors library has written, and such as it would never write."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch

from explorer.data.dataset import open_dataset
from explorer.errors import NoVectors, UnknownColumn, Unreadable

VECTORS = np.random.default_rng(0).standard_normal((50, 4)).astype(np.float32)


def written(folder: Path, **tensors: np.ndarray) -> Path:
    save_file(
        {name: np.ascontiguousarray(values) for name, values in tensors.items()},
        folder / "words.safetensors",
        metadata={"made by": "a test"},
    )
    return folder / "words.safetensors"


def raw(folder: Path, header: object, data: bytes = b"") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    (folder / "raw.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)
    return folder / "raw.safetensors"


def test_a_matrix_is_the_vectors_and_what_has_as_many_values_is_metadata(tmp_path: Path) -> None:
    path = written(
        tmp_path, embedding=VECTORS, wide=np.zeros((50, 30), np.float32), n=np.arange(50), other=np.arange(3), umap=VECTORS[:, :2]
    )
    dataset = open_dataset(path)
    assert (dataset.name, dataset.n_rows, dataset.n_dims) == ("words", 50, 4)
    np.testing.assert_array_equal(dataset.vectors, VECTORS)
    assert dataset.table.to_pydict() == {"n": list(range(50))}
    np.testing.assert_array_equal(dataset.layouts[0].coordinates, VECTORS[:, :2])


def test_another_tensor_can_be_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path, embedding=VECTORS, wide=np.ones((20, 30), np.float32), n=np.arange(20))
    dataset = open_dataset(path, vectors="wide")
    assert (dataset.n_rows, dataset.n_dims, dataset.table.column_names) == (20, 30, ["n"])
    with pytest.raises(UnknownColumn, match=r"has no column embeding\. Did you mean embedding\?"):
        open_dataset(path, vectors="embeding")


@pytest.mark.parametrize("kind", ["float64", "float32", "float16", "bfloat16", "int8", "uint8", "int64", "bool"])
@pytest.mark.parametrize("stream_mb", ["0", "256"])
def test_numbers_of_any_kind_are_read_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, stream_mb: str) -> None:
    monkeypatch.setenv("EXPLORER_STREAM_MB", stream_mb)
    values = (torch.from_numpy(VECTORS) * 10).abs().to(getattr(torch, kind))
    save_torch({"before": torch.arange(7), "vectors": values}, tmp_path / "v.safetensors")
    np.testing.assert_array_equal(open_dataset(tmp_path / "v.safetensors").vectors, values.float().numpy())


def test_a_type_that_numpy_lacks_is_left_alone(tmp_path: Path) -> None:
    small = torch.from_numpy(VECTORS).to(torch.float8_e4m3fn)
    save_torch({"small": small, "vectors": torch.from_numpy(VECTORS)}, tmp_path / "v.safetensors")
    assert open_dataset(tmp_path / "v.safetensors").n_dims == 4
    save_torch({"small": small}, tmp_path / "v.safetensors")
    with pytest.raises(NoVectors):
        open_dataset(tmp_path / "v.safetensors")


@pytest.mark.parametrize(
    "header",
    [
        b"{",
        b"[]",
        [1],
        {"v": 1},
        {"v": {"dtype": "F32", "shape": [2, 3]}},
        {"v": {"dtype": ["F32"], "shape": [2, 3], "data_offsets": [0, 24]}},
        {"v": {"dtype": "F32", "shape": [2, -3], "data_offsets": [0, 24]}},
        {"v": {"dtype": "F32", "shape": [2, 3.0], "data_offsets": [0, 24]}},
        {"v": {"dtype": "F32", "shape": "23", "data_offsets": [0, 24]}},
    ],
)
def test_a_header_that_makes_no_sense_is_told(tmp_path: Path, header: object) -> None:
    with pytest.raises(Unreadable, match="its header is damaged"):
        open_dataset(raw(tmp_path, header, bytes(24)))


@pytest.mark.parametrize(
    ("shape", "offsets"), [([2, 3], [0, 28]), ([2, 4], [0, 32]), ([10**9, 10**9], [0, 4 * 10**18]), ([2, 3], [100, 124]), ([2, 3], [24, 0])]
)
def test_what_a_header_claims_is_held_against_the_file(tmp_path: Path, shape: list[int], offsets: list[int]) -> None:
    path = raw(tmp_path, {"v": {"dtype": "F32", "shape": shape, "data_offsets": offsets}}, bytes(24))
    with pytest.raises(Unreadable, match=r"tensor v claims the shape .*truncated or broken"):
        open_dataset(path)


def test_what_is_something_else_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"\x89PNG" + bytes(40))
    with pytest.raises(Unreadable, match="it is not a whole safetensors file but a PNG picture"):
        open_dataset(tmp_path / "a.safetensors")
    (tmp_path / "b.safetensors").write_bytes(written(tmp_path, vectors=VECTORS).read_bytes()[:-4])
    with pytest.raises(Unreadable, match="tensor vectors claims"):
        open_dataset(tmp_path / "b.safetensors")
