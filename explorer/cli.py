"""The command line: ``explorer FILE``, ``explorer project``, …; a thin face on the library that imports inside each command."""

from __future__ import annotations

import argparse
import logging
import math
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn, get_args

from explorer import settings
from explorer.errors import BadParameter, ExplorerError, FileMissing, Unreadable

if TYPE_CHECKING:
    from explorer.compute.forecast import Forecast
    from explorer.data.dataset import Dataset

__all__ = ["COMMANDS", "Command", "main", "parser"]

_WRONG = 2  # exit code: what was asked for cannot be done; one sentence on stderr says why
_INTERRUPTED = 130  # exit code after Ctrl-C, as shells have it

_ABOUT = """\
Look at embeddings: UMAP, t-SNE and PCA of all rows, linked, with true neighbors.

  explorer                  open the sample: WordNet, 10,000 senses
  explorer FILE             open a file: Parquet, Feather, CSV, TSV, JSON lines, .npy, .npz
  explorer FOLDER           open a folder: Parquet parts of one dataset, a Zarr array, or images
  explorer NAME             open a dataset of the catalog

  explorer serve FILE       the same for other people: no browser is opened
  explorer project FILE     compute projections and write them to a file
  explorer neighbors FILE   compute every row's nearest rows and write them to a file
  explorer clusters FILE    find clusters in layers, name them, and write them to a file
  explorer animate FILE     let every row travel from one projection to another, as a video, a GIF or a page
  explorer export FILE      write a map as a web page that needs no server, or as a picture for print
  explorer llamaindex DIR   look at the nodes of a LlamaIndex index, and at what queries retrieve
  explorer datasets         list the catalog
  explorer cluster          start a Dask cluster on this machine, to try computing in one

Each command has its own help, as in: explorer project --help
"""
_SERVING = """\
examples:
  explorer vectors.parquet --label title --color topic
  explorer vectors.parquet --vectors "embedding_*" --port 8080
  explorer embeddings/ --label title
  explorer vectors.parquet --vectors model_a --compare model_b
  explorer serve vectors.parquet --address 0.0.0.0 --port 80 --allow-websocket-origin maps.example.org

A file that is called like a command is opened by a path: explorer ./serve
"""
_PROJECT = """\
examples:
  explorer project vectors.parquet -o map.parquet
  explorer project vectors.npy --method umap --method tsne --umap-n-neighbors 30 --tsne-perplexity 50 -o map.csv
"""
_NEIGHBORS = """\
examples:
  explorer neighbors vectors.parquet -k 10 -o neighbors.parquet
  explorer neighbors vectors.parquet -k 10 --metric euclidean -o neighbors.csv
"""
_CLUSTERS = """\
examples:
  explorer clusters vectors.parquet -o clusters.parquet
  explorer clusters vectors.parquet --text abstract --coarsest 20 -o clusters.csv
"""
_CLUSTER = """\
example, in two terminals:
  explorer cluster --workers 2
  explorer serve --scheduler tcp://127.0.0.1:8786

A cluster of several machines is started with Dask's own commands: see docs/cluster.md.
"""
_LLAMA = """\
example:
  explorer llamaindex storage/ --encoder sentence-transformers:all-MiniLM-L6-v2 --queries questions.txt --top-k 5
"""
_ANIMATE = """\
examples:
  explorer animate vectors.parquet --from umap --to tsne -o out.mp4
  explorer animate vectors.parquet --from pca --to umap --color topic --seconds 6 --dark -o out.html
"""
_EXPORT = """\
examples:
  explorer export vectors.parquet --layout umap --color topic -o map.html
  explorer export vectors.parquet --layout tsne --width 4000 --contours categories -o map.svg
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, as every other mistake is told, instead of a page of usage."""

    def error(self, message: str) -> NoReturn:
        sys.exit(_told(f"{message}; see {self.prog} --help.", _WRONG))


class Command(NamedTuple):
    """One command: what it is for, its options, and what it does with them."""

    about: str
    examples: str
    add_options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], None]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        What follows the program's name; ``sys.argv`` by default.

    Returns
    -------
    int
        The exit code: 0, 2 with a sentence on stderr, or 130 after Ctrl-C.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    name = words.pop(0) if words and words[0] in COMMANDS else ""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        settings.check()
        COMMANDS[name].run(parser(name).parse_args(words, argparse.Namespace(words=words)))
    except ExplorerError as error:
        return _told(str(error), _WRONG)
    except KeyboardInterrupt:
        return _told("interrupted.", _INTERRUPTED)
    except BrokenPipeError:  # somebody closed our output, as `explorer datasets | head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def parser(name: str) -> argparse.ArgumentParser:
    """Make the parser of a command, a key of :data:`COMMANDS`; "" is the program without a command."""
    command = COMMANDS[name]
    made = _Parser(
        f"explorer {name}".strip(),
        description=command.about,
        epilog=command.examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_options(made)
    return made


def _add_open(parser: argparse.ArgumentParser) -> None:
    from explorer import __version__

    parser.add_argument("--version", action="version", version=f"explorer {__version__}")
    _add_serving(parser, show=True)
    _add_compare(parser)
    parser.set_defaults(quiet=True)  # a page for oneself


def _add_serve(parser: argparse.ArgumentParser) -> None:
    group = _add_serving(parser, show=False)
    _add_compare(parser)
    parser.set_defaults(quiet=False)
    text = "servers to run on as many ports from --port on, with one that computes for all; for a proxy in front (default: %(default)s)"
    group.add_argument("--processes", type=int, default=1, metavar="N", help=text)
    group.add_argument("--supervisor", type=int, help=argparse.SUPPRESS)  # who started this server as one of several


def _add_serving(parser: argparse.ArgumentParser, *, show: bool) -> argparse._ArgumentGroup:
    parser.add_argument("files", nargs="*", metavar="FILE | FOLDER | NAME", help="what to open; several are served side by side")
    _add_columns(parser, "vectors", "label", "color", "text", "image")
    group = parser.add_argument_group("server options")
    group.add_argument(
        "--show", action=argparse.BooleanOptionalAction, default=show, help=f"open a browser (default: {'yes' if show else 'no'})"
    )
    group.add_argument("--port", type=int, metavar="N", help="port to listen on (default: the first free one from 5006 on)")
    group.add_argument("--address", default="localhost", help="address to listen on (default: %(default)s, this machine only)")
    group.add_argument(
        "--allow-websocket-origin",
        action="append",
        default=[],
        metavar="HOST",
        help="host name, with :port where it is not 80, that people type; repeat it for several",
    )
    group.add_argument("--prefix", default="", metavar="PATH", help="path in front of the page's address, behind a proxy")
    group.add_argument("--use-xheaders", action="store_true", help="take people's addresses from the proxy in front, which names them")
    group.add_argument("--scheduler", metavar="ADDRESS", help="a Dask cluster that computes in this machine's place, as EXPLORER_SCHEDULER")
    return group


def _serve_several(options: argparse.Namespace) -> None:
    _name_scheduler(options)
    if options.processes == 1:
        _serve(options)
        return
    if options.processes < 1:
        raise BadParameter("--processes", options.processes, "give 1 or more.")

    from explorer.supervisor import supervise

    for file in options.files:
        if _encodes(file, options):  # asked here, where somebody can answer; each server then finds the vectors in the store
            _opened(file, options)
    supervise(options.words, processes=options.processes, address=options.address, port=options.port, say=lambda what: _remark([what]))


def _name_scheduler(options: argparse.Namespace) -> None:
    if options.scheduler:
        settings.set_scheduler(options.scheduler)


def _serve(options: argparse.Namespace) -> None:
    _name_scheduler(options)
    # What cannot be opened is told here, before a server starts.
    _serve_datasets([_opened(file, options) for file in options.files], options)


def _serve_datasets(datasets: list[Dataset], options: argparse.Namespace) -> None:
    from explorer.server import serve

    serve(
        datasets,
        port=options.port,
        address=options.address,
        origins=options.allow_websocket_origin,
        prefix=options.prefix,
        xheaders=options.use_xheaders,
        show=options.show,
        quiet=options.quiet,
        supervisor=getattr(options, "supervisor", None),
    )


def _add_llama_index(parser: argparse.ArgumentParser) -> None:
    group = _add_serving(parser, show=True)
    parser.set_defaults(quiet=True)
    group = parser.add_argument_group("retrieval")
    group.add_argument("--queries", type=Path, metavar="FILE", help="a query a line: the map shows how often each node is retrieved")
    group.add_argument("--top-k", type=int, default=2, metavar="N", help="nodes that each query retrieves (default: %(default)s)")
    group.add_argument("--mode", choices=["default", "mmr"], default="default", help="how they are chosen (default: %(default)s)")
    group.add_argument("--mmr-threshold", type=float, default=0.5, metavar="X", help="of mmr, from 0 to 1 (default: %(default)s)")


def _llama_index(options: argparse.Namespace) -> None:
    from explorer.data.llama_index import from_llama_index, retriever_for
    from explorer.retrieval import add_coverage, coverage
    from explorer.terminal import report_bar

    queries = None if options.queries is None else _lines(options.queries)
    if queries is not None and options.encoder is None:
        raise BadParameter("--encoder", None, "name what made the vectors of the index: queries are encoded by it.")
    datasets = []
    for folder in options.files:
        dataset = from_llama_index(folder, encoder=options.encoder, label=options.label, color=options.color)
        if queries is not None:
            retriever = retriever_for(folder, options.encoder, top_k=options.top_k, mode=options.mode, mmr_threshold=options.mmr_threshold)
            with report_bar() as report:
                counts = coverage(dataset, retriever, queries, report=lambda fraction: report("retrieving", fraction))
            dataset = replace(dataset, color=add_coverage(dataset, counts))
            _say(f"{dataset.name}: {int((counts == 0).sum()):,} of {dataset.n_rows:,} nodes are retrieved by no query")
        datasets.append(dataset)
    _serve_datasets(datasets, options)


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise FileMissing(str(file)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(str(file), f"it is no text ({error}).") from None


def _add_project(parser: argparse.ArgumentParser) -> None:
    from explorer.compute.projections import PROJECTIONS
    from explorer.options import add_projection_options

    _add_source(parser)
    _add_columns(parser, "vectors", "text", "image")
    parser.add_argument(
        "--method", action="append", choices=list(PROJECTIONS), help="projection to compute; repeat it for several (default: umap)"
    )
    add_projection_options(parser)


def _project(options: argparse.Namespace) -> None:
    from explorer.data.export import check_results, write_layouts
    from explorer.headless import finished
    from explorer.jobs.runner import runner
    from explorer.options import projections_from

    projections = projections_from(options, list(dict.fromkeys(options.method or ["umap"])))
    check_results(options.output)
    runner().begin()  # while the file is read
    dataset = _opened(options.file, options)
    check_results(options.output, dataset)
    foreseen = [(projection.title, runner().forecast_layout(dataset, projection)) for projection in projections]
    _foretell(foreseen)
    layouts = [finished(runner().submit_layout(dataset, projection)) for projection in projections]
    write_layouts(options.output, dataset, layouts)
    _say(f"wrote {options.output}: {dataset.n_rows:,} rows, {', '.join(projection.title for projection in projections)}")
    _remark([*dataset.notes, *(layout.remark for layout in layouts if layout.remark)])


def _add_neighbors(parser: argparse.ArgumentParser) -> None:
    from explorer.compute.space import METRICS

    _add_source(parser)
    _add_columns(parser, "vectors", "label", "text", "image")
    parser.add_argument("-k", type=int, default=30, metavar="N", help="neighbors of a row, itself not counted (default: %(default)s)")
    parser.add_argument("--metric", choices=list(METRICS), default="cosine", help="how distance is measured (default: %(default)s)")


def _neighbors(options: argparse.Namespace) -> None:
    from explorer.data.export import check_results, write_neighbors
    from explorer.headless import neighbor_graph
    from explorer.jobs.runner import runner

    check_results(options.output, layouts=False)
    runner().begin()  # while the file is read
    dataset = _opened(options.file, options)
    check_results(options.output, dataset, layouts=False)
    _foretell([("Neighbor graph", runner().forecast_graph(dataset, metric=options.metric, k=options.k))])
    graph = neighbor_graph(dataset, k=options.k, metric=options.metric)
    write_neighbors(options.output, dataset, graph)
    recall = "" if math.isnan(graph.recall) else f", recall {graph.recall:.3f}"  # not known of a graph that came with the data
    neighbors = "1 neighbor" if options.k == 1 else f"{options.k} neighbors"
    _say(f"wrote {options.output}: {dataset.n_rows:,} rows, {neighbors} each, {options.metric}{recall}")
    _remark(dataset.notes)


def _add_clusters(parser: argparse.ArgumentParser) -> None:
    from explorer.compute.clusters import COARSEST
    from explorer.compute.space import METRICS

    _add_source(parser, endings=".parquet, .feather, .jsonl, .npz, .zarr, .csv or .tsv")
    _add_columns(parser, "vectors", "text", "image")
    text = "about how many clusters the first layer is to have (default: %(default)s)"
    parser.add_argument("--coarsest", type=int, default=COARSEST, metavar="N", help=text)
    parser.add_argument("--metric", choices=list(METRICS), default="cosine", help="how distance is measured (default: %(default)s)")


def _clusters(options: argparse.Namespace) -> None:
    from explorer.cluster_words import cluster_columns
    from explorer.data.export import check_target, write_results
    from explorer.headless import find_clusters
    from explorer.jobs.runner import runner

    check_target(options.output)
    runner().begin()  # while the file is read
    dataset = _opened(options.file, options)
    found = find_clusters(dataset, metric=options.metric, coarsest=options.coarsest)
    for column in cluster_columns(found.tree, found.names):
        dataset.add_column(*column[:2], meaning=column.meaning)
    write_results(options.output, dataset)
    layers = " / ".join(f"{len(names):,}" for names in found.names)
    _say(f"wrote {options.output}: {dataset.n_rows:,} rows, {layers or 'no'} clusters")
    _remark(dataset.notes)


def _add_animate(parser: argparse.ArgumentParser) -> None:
    from explorer.animation.options import AnimationOptions
    from explorer.options import add_options

    _add_source(parser, endings=".mp4, .webm, .gif or .html")
    for flag, role, usual in (("--from", "start", "umap"), ("--to", "goal", "tsne")):
        text = f"pca, umap, tsne, or the title of a layout that came with the data (default: {usual})"
        parser.add_argument(flag, dest=role, metavar="LAYOUT", default=usual, help=text)
    _add_columns(parser, "vectors", "color", "text", "image")
    add_options(parser, AnimationOptions, title="picture and time")


def _animate(options: argparse.Namespace) -> None:
    from explorer.animation.file import animate, check_animation
    from explorer.animation.options import AnimationOptions
    from explorer.options import values_from

    chosen = values_from(options, AnimationOptions)
    check_animation(options.output, **chosen)
    dataset = _opened(options.file, options)
    made = animate(dataset, options.output, options.start, options.goal, **chosen)
    _say(f"wrote {options.output}: {made.title}, {made.n_rows:,} rows, {made.width} x {made.height}, {made.seconds:g} s")
    _remark(dataset.notes)


def _add_export(parser: argparse.ArgumentParser) -> None:
    from explorer.state.appearance import ContourChoice, LabelChoice

    _add_source(parser, endings=".html, .svg or .png")
    text = "umap, tsne, pca, or the title of a layout that came with the data (default: %(default)s)"
    parser.add_argument("--layout", metavar="LAYOUT", default="umap", help=text)
    _add_columns(parser, "vectors", "label", "color", "text", "image")
    group = parser.add_argument_group("picture")
    group.add_argument("--title", metavar="TEXT", help="the first line (default: the dataset's name)")
    group.add_argument("--width", type=int, metavar="N", help="pixels of a picture, 1 to 8,000")
    text = "what is named on the map; automatic: clusters that were found, else 2 to 60 categories (default: %(default)s)"
    group.add_argument("--labels", choices=get_args(LabelChoice), default="automatic", help=text)
    text = "what has lines around it: around half and nine of ten of its rows (default: %(default)s)"
    group.add_argument("--contours", choices=get_args(ContourChoice), default="none", help=text)


def _export(options: argparse.Namespace) -> None:
    from explorer.map_file import check_map_file, export_map

    check_map_file(options.output, options.width)
    dataset = _opened(options.file, options)
    chosen = {name: getattr(options, name) for name in ("color", "title", "width", "labels", "contours")}
    made = export_map(dataset, options.output, options.layout, **chosen)
    _say(f"wrote {options.output}: {made.title}, {made.n_rows:,} rows, {made.n_bytes / 1e6:,.1f} MB")
    _remark(dataset.notes)


def _add_nothing(parser: argparse.ArgumentParser) -> None:
    """Take no options."""


def _datasets(_: argparse.Namespace) -> None:
    from explorer.data.catalog import catalog

    found = catalog()
    rows = [("name", "title", "file"), *((entry.name, entry.title, str(entry.path or "")) for entry in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for name, title, file in rows:
        _say(f"{name:<{widths[0]}}  {title:<{widths[1]}}  {file}".rstrip())
    _remark(found.problems)


def _add_cluster(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="processes that compute, one task each (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8786, metavar="N", help="port of the scheduler (default: %(default)s)")


def _cluster(options: argparse.Namespace) -> None:
    from explorer.jobs.local_cluster import run_cluster

    run_cluster(workers=options.workers, port=options.port, say=_say)


def _add_source(
    parser: argparse.ArgumentParser, *, endings: str = ".parquet, .feather, .jsonl, .npz, .zarr, .csv or .tsv; .h5ad for a copy of one"
) -> None:
    parser.add_argument(
        "file",
        metavar="FILE | FOLDER | NAME",
        help="what to read: a file, a folder of Parquet parts, a Zarr array, or a name of the catalog",
    )
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help=f"what to write: {endings}")


def _add_columns(parser: argparse.ArgumentParser, *roles: str) -> None:
    helps = {
        "vectors": 'column of the vectors, or a beginning: "embedding_*"; repeat it for several (default: found by themselves)',
        "label": "column that names a row (default: chosen by itself)",
        "color": "column that colors the map first (default: chosen by itself)",
        "text": "column with a row's long text; the one that --encoder encodes",
        "image": "column of images that --encoder encodes in its place; of a folder of images it is found by itself",
    }
    group = parser.add_argument_group("columns")
    for role in roles:
        group.add_argument(f"--{role}", metavar="COLUMN", help=helps[role], action="append" if role == "vectors" else "store")
    group.add_argument("--table", metavar="NAME", help="table of a database, or a collection (default: the only one that has vectors)")
    text = "make the vectors of the texts or images: openai:MODEL, or sentence-transformers:MODEL, a name or a folder"
    group.add_argument("--encoder", metavar="MODEL", help=text)
    group.add_argument(
        "--long-texts",
        choices=["cut", "average"],
        default="cut",
        help="what becomes of texts that are longer than the model takes: cut off, or the mean of their parts (default: %(default)s)",
    )
    group.add_argument("--yes", action="store_true", help="encode without asking where it costs something")


def _add_compare(parser: argparse.ArgumentParser) -> None:
    text = "other vectors of the same rows: a column or array of the same file, or a file of its own"
    parser.add_argument("--compare", metavar="COLUMN | FILE", help=text)


def _opened(file: str, options: argparse.Namespace) -> Dataset:
    from explorer.data.comparison import with_other

    own, compare = _opened_alone(file, options), getattr(options, "compare", None)
    return own if compare is None else with_other(own, file, compare, table=options.table)


def _opened_alone(file: str, options: argparse.Namespace) -> Dataset:
    from explorer.data.dataset import open_dataset

    named = {role: getattr(options, role, None) for role in ("label", "color", "text")}
    vectors = options.vectors
    if _encodes(file, options):
        return _encoded(file, options, named)
    chosen = vectors[0] if vectors and len(vectors) == 1 else vectors
    image = getattr(options, "image", None)
    return open_dataset(file, vectors=chosen, table=options.table, encoder=options.encoder, image=image, **named)


def _encodes(file: str, options: argparse.Namespace) -> bool:
    """Whether vectors are to be made of texts or images; else an encoder is what made those that are there."""
    if options.encoder is None or options.vectors:
        return False
    return getattr(options, "text", None) is not None or _images(file, options) is not None


def _images(file: str, options: argparse.Namespace) -> str | None:
    """Name the column of images that is to be encoded, if one is."""
    from explorer.data.image_source import image_to_encode

    return image_to_encode(file, image=getattr(options, "image", None), text=getattr(options, "text", None), vectors=options.vectors)


def _encoded(file: str, options: argparse.Namespace, named: dict[str, str | None]) -> Dataset:
    from explorer.data.image_source import ImageSource
    from explorer.data.texts import TextSource
    from explorer.encoders.encoder import encoder_for, image_encoder
    from explorer.encoders.encoding import unknown_texts
    from explorer.terminal import confirmed, report_bar

    encoder, image = encoder_for(options.encoder, long_texts=options.long_texts), _images(file, options)
    if image is not None:
        image_encoder(encoder)  # before anything is read
        with report_bar() as report:
            return ImageSource(file, image, table=options.table).opened(encoder, report=report, **named)
    source = TextSource(file, str(named["text"]), table=options.table)
    new = unknown_texts(source.texts, encoder, store=settings.store_folder())
    cost = encoder.cost(new) if new else ""
    if cost and not options.yes and not confirmed(f"{encoder.title} would encode {len(new):,} texts: {cost}."):
        raise BadParameter("--encoder", options.encoder, "nothing was encoded; answer y, or add --yes.")
    with report_bar() as report:
        return source.opened(encoder, report=report, **named)


def _say(line: str) -> None:
    print(line)


def _remark(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        print(f"explorer: {sentence}", file=sys.stderr)


def _foretell(foreseen: Iterable[tuple[str, Forecast | None]]) -> None:
    """Say in one line what will be computed and what it takes; nothing where all of it is there."""
    takes = [f"{what} takes {forecast}" for what, forecast in foreseen if forecast is not None]
    if takes:
        _remark([f"{', '.join(takes)}."])


def _told(sentence: str, code: int) -> int:
    _remark([sentence])
    return code


COMMANDS = {
    "": Command(_ABOUT, _SERVING, _add_open, _serve),
    "serve": Command("Serve datasets to other people.", _SERVING, _add_serve, _serve_several),
    "project": Command(
        "Lay out every row in two or more dimensions and write the coordinates to a file.", _PROJECT, _add_project, _project
    ),
    "neighbors": Command("Find every row's nearest rows and write them to a file.", _NEIGHBORS, _add_neighbors, _neighbors),
    "clusters": Command("Find clusters in layers, name them, and write them to a file.", _CLUSTERS, _add_clusters, _clusters),
    "animate": Command("Let every row travel from one layout to another, as a video, a GIF or a page.", _ANIMATE, _add_animate, _animate),
    "export": Command("Write a map as a web page that needs no server, or as a picture for print.", _EXPORT, _add_export, _export),
    "llamaindex": Command("Look at the nodes of a LlamaIndex index, and at what queries retrieve.", _LLAMA, _add_llama_index, _llama_index),
    "datasets": Command("List the datasets that can be opened by name.", "", _add_nothing, _datasets),
    "cluster": Command("Start a Dask cluster on this machine, to try computing in one.", _CLUSTER, _add_cluster, _cluster),
}
