"""The public face: quick to import, complete, documented; and the wheel that carries it."""

from __future__ import annotations

import importlib.util
import inspect
import json
import pickle
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import explorer
from explorer import errors

HEAVY = {
    *("panel", "bokeh", "holoviews", "datashader", "numba", "numpy", "pandas", "pyarrow", "param"),
    *("sklearn", "scipy", "umap", "pynndescent", "openTSNE"),
}
SAMPLE_ARGUMENTS = {
    "BadAccess": ("access.yaml", "others must be everyone or nobody, not 3."),
    "BadCatalog": ("catalog.yaml", "line 3 is no mapping."),
    "BadParameter": ("min_dist", 7.0, "give 0 to 1."),
    "BadPattern": ("[a", "missing ]: [a", 0),
    "BadQuery": ("a query has no calls.", 4),
    "BadState": ("a mask is not one of 40 rows",),
    "BadVectors": ("file.parquet", "embedding", 3, "it has 5 numbers, the others have 8."),
    "ComparisonGone": ("tuesday", "It is in no catalog."),
    "DuplicateColumns": ("file.csv", "word"),
    "EmptyDataset": ("file.csv", 1),
    "EncoderUnknown": ("map.csv", "a dog"),
    "EncodingFailed": ("openai:small", "the server does not answer", 10, 40),
    "ExtraMissing": ("A .mp4 file", "video"),
    "FileMissing": ("file.csv",),
    "JobCanceled": ("UMAP",),
    "JobFailed": ("UMAP", "out of memory"),
    "JobTooLong": ("UMAP", 30.0, 120),
    "NoVectors": ("file.csv", ["a", "b"]),
    "OnlyImages": ("file.parquet", ["a"], ["a"]),
    "OnlyTexts": ("file.csv", ["a", "b"], ["b"]),
    "NotEnoughMemory": ("t-SNE of WordNet", 34_000_000_000, 12_000_000_000, "this machine", ["perplexity=20", "PCA"]),
    "NotEnoughRows": ("n_neighbors", 30, 12),
    "NotStarted": ("The server on port 5006", "ended with exit code 2 after 3 s"),
    "PictureOvertaken": (),
    "QuotaReached": ("file.npy", 300_000_000, 900_000_000, 1_000_000_000),
    "ReadOnly": ("UMAP",),
    "UnknownChoice": ("metric", "cosin", ["cosine", "euclidean"]),
    "SearchTooSlow": (5.0,),
    "StoreUnwritable": ("/cache", "No space left on device"),
    "TooLarge": ("file.csv", "rows", 2_000_000, 1_000_000, "EXPLORER_MAX_ROWS"),
    "TooManyPages": (5,),
    "UnknownColumn": ("file.csv", "wrod", ["word", "category"]),
    "UnknownDataset": ("wordnet", ["wordnet-10k", "digits"]),
    "UnknownFormat": ("file.xyz", [".csv", ".npy"]),
    "UnknownRow": (12, 10),
    "UnknownSource": ("dict", "give a data frame."),
    "UnknownTable": ("file.sqlite", "wrods", ["words", "pictures"]),
    "Unreadable": ("file.npy", "it is empty."),
    "Unwritable": ("out.csv", "its folder is missing."),
    "UploadTooLarge": ("file.npy", 3_000_000_000, 2_000_000_000),
    "NotTheSameRows": ("words", "other.npy", "it has 3 rows instead of 4."),
    "VectorsNeeded": ("UMAP", "map.csv"),
    "SchedulerUnreachable": ("tcp://cluster:8786", "it does not answer"),
    "WorkerDied": ("UMAP", -9),
}
PARENTS = {"ExplorerError", "DataError", "ParameterError", "JobError"}
EVERY_ERROR = [getattr(errors, name) for name in errors.__all__ if name not in PARENTS]


@pytest.mark.alone
def test_import_explorer_takes_less_than_a_third_of_a_second(python):
    timed = "import time; start = time.perf_counter(); import explorer; print(time.perf_counter() - start)"
    assert min(float(python("-c", timed).stdout) for _ in range(3)) < 0.3


def test_import_explorer_loads_no_heavy_library(python):
    loaded = python("-c", "import sys, explorer; print(*{name.partition('.')[0] for name in sys.modules})").stdout.split()
    assert "explorer" in loaded
    assert not HEAVY & set(loaded)


def test_the_server_process_never_imports_what_computes_layouts(python):
    shown = python("-c", "import sys, explorer.app; print(*sys.modules)").stdout.split()
    assert "explorer.jobs.runner" in shown
    assert not {"umap", "pynndescent", "openTSNE"} & set(shown)


@pytest.mark.parametrize("name", explorer.__all__)
def test_every_public_name_is_there_and_documented(name):
    value = getattr(explorer, name)
    assert name in dir(explorer)
    assert isinstance(value, str) or inspect.getdoc(value)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'umap'"):
        _ = explorer.umap


def test_the_package_may_run_again_under_another_name():
    """As ``panel serve explorer`` runs it."""
    spec = importlib.util.spec_from_file_location("bokeh_app_0123", Path(explorer.__file__))
    twin = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(twin)
    assert twin.ExplorerError is explorer.ExplorerError
    assert twin.__version__ == explorer.__version__


def test_no_module_is_named_like_a_library():
    """``panel serve explorer`` puts the package's own folder first on sys.path."""
    names = {path.stem for path in Path(explorer.__file__).parent.iterdir() if path.suffix == ".py" or path.is_dir()}
    foreign = sys.stdlib_module_names | {
        name for name, owners in packages_distributions().items() if owners != ["panel-embedding-explorer"]
    }
    assert "errors" in names
    assert names & foreign <= {"__main__", "__pycache__", "datasets"}  # datasets/ holds no Python file: it shadows nothing


@pytest.mark.parametrize("kind", EVERY_ERROR)
def test_an_error_survives_pickle_and_json(kind):
    error = kind(*SAMPLE_ARGUMENTS[kind.__name__])
    sentence = str(error)
    assert str(pickle.loads(pickle.dumps(error))) == sentence
    assert str(kind(*json.loads(json.dumps(error.args)))) == sentence
    assert all(str(argument) in sentence for argument in error.args if isinstance(argument, str) and argument)


@pytest.mark.parametrize("kind", EVERY_ERROR)
def test_an_error_is_listed_in_the_tree_and_has_a_parent_to_catch(kind):
    assert issubclass(kind, errors.ExplorerError)
    assert f"{kind.__name__} " in errors.__doc__
