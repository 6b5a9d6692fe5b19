"""Make cells.h5ad with the anndata library: pip install anndata, then run this here."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import scipy.sparse
from sklearn.neighbors import kneighbors_graph

N_CELLS, N_GENES, K = 30, 8, 5

numbers = np.random.default_rng(0)
counts = scipy.sparse.csr_matrix(numbers.poisson(0.7, (N_CELLS, N_GENES)).astype(np.float32))
pca = numbers.standard_normal((N_CELLS, 4)).astype(np.float32)
kinds = np.array(["B cell", "T cell", "NK cell"])[numbers.integers(0, 3, N_CELLS)]
obs = pd.DataFrame(
    {
        "kind": pd.Categorical(kinds).set_categories(["T cell", "B cell", "NK cell", "none"]),
        "maybe": pd.Categorical([None if i % 4 == 0 else "yes" for i in range(N_CELLS)]),
        "donor": pd.array([None if i == 2 else i % 3 for i in range(N_CELLS)], dtype="Int64"),
        "alive": pd.array([None if i == 3 else i % 2 == 0 for i in range(N_CELLS)], dtype="boolean"),
        "n_counts": np.asarray(counts.sum(axis=1)).ravel(),
        "remark": [f"cell nüm {i}" for i in range(N_CELLS)],
        "good": np.arange(N_CELLS) % 5 > 0,
    },
    index=[f"barcode-{i}" for i in range(N_CELLS)],
)
cells = anndata.AnnData(counts, obs=obs, var=pd.DataFrame(index=[f"gene {i}" for i in range(N_GENES)]))
cells.layers["counts"] = cells.X.tocsc()
cells.obsm["X_pca"] = pca
cells.obsm["X_scvi"] = numbers.standard_normal((N_CELLS, 6)).astype(np.float32)
cells.obsm["X_umap"] = numbers.standard_normal((N_CELLS, 2)).astype(np.float32)
cells.obsm["X_tsne"] = numbers.standard_normal((N_CELLS, 2))
cells.obsm["spatial"] = numbers.integers(0, 900, (N_CELLS, 2))
cells.obsm["scores"] = pd.DataFrame({"a": np.arange(N_CELLS), "b": 1.0}, index=obs.index)
cells.obsp["distances"] = kneighbors_graph(pca, K, mode="distance")
cells.obsp["connectivities"] = (cells.obsp["distances"] > 0).astype(np.float32)
cells.uns["neighbors"] = {
    "connectivities_key": "connectivities",
    "distances_key": "distances",
    "params": {"metric": "euclidean", "n_neighbors": K + 1, "method": "umap"},
}
cells.uns["title"] = "Cells"
cells.write_h5ad(Path(__file__).with_name("cells.h5ad"))
