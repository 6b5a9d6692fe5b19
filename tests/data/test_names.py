from __future__ import annotations

import pytest

from explorer.data.names import coordinate_columns, is_id_name, is_neighbors_name, is_vector_name, layout_name


@pytest.mark.parametrize(
    ("first", "second", "title"),
    [
        ("x", "y", "x, y"),
        ("X", "Y", "x, y"),
        ("umap_1", "umap_2", "umap"),
        ("umap_x", "umap_y", "umap"),
        ("umap_0", "umap_1", "umap"),
        ("UMAP1", "UMAP2", "umap"),
        ("UMAP 1", "UMAP 2", "umap"),
        ("X_umap_1", "X_umap_2", "umap"),
        ("x_umap", "y_umap", "umap"),
        ("tsne_1", "tsne_2", "tsne"),
        ("t-SNE 1", "t-SNE 2", "tsne"),
        ("tSNE-1", "tSNE-2", "tsne"),
        ("pca_1", "pca_2", "pca"),
        ("PC1", "PC2", "pca"),
        ("projection_x", "projection_y", "projection"),
        ("embedding_x", "embedding_y", "embedding"),
        ("x_1", "x_2", "x"),
        ("dim0", "dim1", "dim"),
    ],
)
def test_two_names_are_a_pair_of_coordinates(first: str, second: str, title: str) -> None:
    assert coordinate_columns(["word", second, first]) == [(title, (first, second))]


@pytest.mark.parametrize(
    "names", [["x"], ["size_x", "size_y"], ["score_1", "score_2"], ["dim0", "dim1", "dim2"], ["e1", "e2", "e3"], ["year", "ratio_1"], []]
)
def test_other_names_are_none(names: list[str]) -> None:
    assert coordinate_columns(names) == []


@pytest.mark.parametrize(
    ("names", "title"),
    [
        (("x", "y", "z"), "x, y, z"),
        (("umap_1", "umap_2", "umap_3"), "umap"),
        (("umap_0", "umap_1", "umap_2"), "umap"),
        (("x_tsne", "y_tsne", "z_tsne"), "tsne"),
        (("PC1", "PC2", "PC3"), "pca"),
        (("embedding_x", "embedding_y", "embedding_z"), "embedding"),
    ],
)
def test_three_names_are_one_layout_in_space(names: tuple[str, ...], title: str) -> None:
    assert coordinate_columns(["word", *reversed(names)]) == [(title, names)]


def test_many_principal_components_are_vectors_and_give_the_first_two() -> None:
    assert coordinate_columns([f"PC{at}" for at in range(1, 11)]) == [("pca", ("PC1", "PC2"))]
    assert coordinate_columns([f"pca_{at}" for at in range(4)]) == [("pca", ("pca_0", "pca_1"))]


def test_names_tell_what_they_are_for() -> None:
    assert all(map(is_vector_name, ["embedding", "Embeddings", "title_vector", "emb", "text-emb", "vec_1", "features"]))
    assert not any(map(is_vector_name, ["word", "member", "remember", "vecchio", "price"]))
    assert all(map(is_neighbors_name, ["neighbors", "neighbours", "knn", "knn_ids", "distances"]))
    assert all(map(is_id_name, ["id", "ID", "user_id", "uuid", "key"]))
    assert not any(map(is_id_name, ["paid", "idea", "liquid"]))
    assert [layout_name(name) for name in ("X_umap", "UMAP_2d", "umap3D", "t_sne", "word", "x")] == [
        "umap",
        "umap",
        "umap",
        "tsne",
        None,
        None,
    ]
