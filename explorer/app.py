"""Explorer as a person meets it: builds session and views; what a notebook shows and what a server serves."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from explorer.compute.projections import Layout, projection
from explorer.data.catalog import catalog
from explorer.errors import BadState, EncoderUnknown, ExplorerError
from explorer.jobs.runner import runner
from explorer.labels import wanted_labels
from explorer.map_page.page import MapPage, save_map_page
from explorer.neighborhood import find_neighbors
from explorer.outlines import wanted_outlines
from explorer.pages import scheduler
from explorer.picture_file import Background, save_picture
from explorer.query import meaning
from explorer.query import search as text_search
from explorer.query.conditions import matching
from explorer.query.formula import encoded
from explorer.selection_summary import summarize
from explorer.session import Session
from explorer.session_state import open_comparison, state_from_json, state_to_json
from explorer.vector_picture import save_svg
from explorer.view_rows import view_table
from explorer.views.chosen import Chosen
from explorer.views.export import current_window
from explorer.views.page import Panels
from explorer.views.plain import PlainToolkit

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    import panel as pn
    from numpy.typing import ArrayLike

    from explorer.data.dataset import Dataset
    from explorer.scene import Scene
    from explorer.state.appearance import ContourChoice, LabelChoice

__all__ = ["Explorer"]


class Explorer(Chosen):
    """Look at embeddings: the map, its controls, and what was clicked.

    Parameters
    ----------
    source : path, frame, array, Dataset or catalog name, optional
        What to open, see :func:`explorer.open_dataset`. Opened before this returns, so that the next line can use it.
    vectors, label, color, text : optional
        Columns, see :func:`explorer.open_dataset`.
    compare : optional
        Other vectors of the same rows, see :func:`explorer.open_dataset`.
    height : int
        Height in a notebook, in pixels.

    Raises
    ------
    ExplorerError
        If the source cannot be opened; the sentence says why.

    Examples
    --------
    >>> view = explorer.Explorer(frame, vectors="embedding", color="label")
    >>> view          # shows the map
    >>> view.clicked  # the row that was clicked last
    >>> view.selection = [1, 2, 3]
    >>> view.param.watch(print, ["selection", "clicked"])
    """

    def __init__(
        self,
        source: object = None,
        *,
        vectors: object = None,
        label: str | None = None,
        color: str | None = None,
        text: str | None = None,
        compare: object = None,
        height: int = 640,
        **params: Any,
    ) -> None:
        later = scheduler()
        session = Session(schedule=later)
        super().__init__(session, **params)
        self._panels = Panels(session, PlainToolkit(), later=later)
        self._height = height
        session.catalog = catalog()
        if source is not None:
            given = {"vectors": vectors, "label": label, "color": color, "text": text, "compare": compare}
            session.open_now(source, **{name: value for name, value in given.items() if value is not None})

    def __panel__(self) -> pn.viewable.Viewable:
        return self._panels.block(height=self._height)

    @property
    def dataset(self) -> Dataset | None:
        """The open dataset."""
        return self._session.dataset

    @property
    def layout(self) -> Layout | None:
        """The layout on the map: ``coordinates`` (n_rows, c) float32, NaN for rows that were left out."""
        scene = self._session.scene
        return None if scene is None else scene.shown.layout

    @property
    def neighbors(self) -> pd.DataFrame:
        """The clicked row's true nearest rows: their ``row`` and ``distance``, then their metadata; empty when nothing was clicked.

        Columns of the metadata that bear one of the two names are left out; ``dataset.frame(rows)`` has them.
        """
        dataset, inspection = self._session.dataset, self._session.inspection
        found = None
        if dataset is not None and inspection.row is not None:
            found = find_neighbors(dataset, inspection.row, k=inspection.k, metric=inspection.metric, jobs=runner())
        if dataset is None or found is None:
            import pandas as pd

            return pd.DataFrame({"row": np.empty(0, np.int32), "distance": np.empty(0, np.float32)})
        frame = dataset.frame(found.rows).reset_index(drop=True).drop(columns=["row", "distance"], errors="ignore")
        frame.insert(0, "row", found.rows)
        frame.insert(1, "distance", found.distances)
        return frame

    def describe_selection(self) -> pd.DataFrame:
        """Say what is special about the selected rows against all others.

        Returns
        -------
        pandas.DataFrame
            Categories that are more common among them, numbers whose mean differs, and words of their texts, as
            :meth:`explorer.selection_summary.SelectionSummary.frame` gives them; empty where fewer than two rows, or all, are selected.

        Raises
        ------
        ExplorerError
            If no dataset is open.
        """
        dataset, session = self._session.dataset, self._session
        if dataset is None:
            session.error = "Open a dataset first."
            raise ExplorerError(session.error)
        return summarize(dataset, session.selection.mask, metric=session.inspection.metric).frame()

    @property
    def state(self) -> dict[str, Any]:
        """Everything that was set, as JSON: colors, filters, the selection, which layouts are on the maps; no data. May be set.

        What is missing or not known stays as it is; what does not fit, or belongs to another dataset, is refused with ``BadState``.
        """
        return state_to_json(self._session)

    @state.setter
    def state(self, values: Mapping[str, Any]) -> None:
        session, dataset, before = self._session, self._session.dataset, self.state
        note = open_comparison(session, values)
        try:
            state_from_json(session, values)
        except BadState:
            if session.dataset is not dataset:
                session.open_now(dataset)
                state_from_json(session, before)
            raise
        session.error = note or session.error

    def keep_selection(self, name: str) -> None:
        """Keep what is selected now under a name; what had this name is replaced. Exports have a column for each that is kept.

        Parameters
        ----------
        name : str
            1 to 80 characters.

        Raises
        ------
        BadParameter
            If the name is empty or too long, nothing is selected, or 50 selections are kept already; nothing is changed then.
        """
        self._session.selection.keep(name)

    @property
    def selections(self) -> dict[str, NDArray[np.int64]]:
        """The selections that are kept: row numbers by name, ascending, in the order in which they were kept; a copy.

        ``view.selection = view.selections["dogs"]`` selects one again.
        """
        return {name: np.flatnonzero(packed.unpack()) for name, packed in self._session.selection.packed().items()}

    def search(self, text: str, *, column: str | None = None, mode: text_search.Mode = "contains", case: bool = False) -> NDArray[np.int64]:
        """Find the rows whose text has something in it; filters and hidden categories are not looked at.

        Parameters
        ----------
        text : str
            What is looked for.
        column : str, optional
            Where; in every column of text by default.
        mode : {"contains", "word", "regex"}
            A piece of text, whole words, or a regular expression (RE2).
        case : bool
            Whether upper and lower case differ.

        Returns
        -------
        ndarray of int64
            Row numbers, ascending; ``view.selection = view.search("dog")`` selects them.

        Raises
        ------
        BadPattern, BadParameter, UnknownChoice, UnknownColumn
            If that cannot be looked for, or not there.
        ExplorerError
            If no dataset is open.
        """
        found = text_search.search(self._open_dataset, text_search.Pattern.of(text, mode, case=case), column=column)
        return np.flatnonzero(np.zeros(0, bool) if found is None else found)

    def semantic_search(self, text: str, *, k: int = 50) -> pd.DataFrame:
        """Find the rows that are nearest in meaning to a text; filters and hidden categories are not looked at.

        Parameters
        ----------
        text : str
            What is looked for. The dataset's encoder makes a vector of it, once.
        k : int
            How many rows, 1 to 1,000.

        Returns
        -------
        pandas.DataFrame
            Indexed by row number, the nearest first: ``similarity``, the cosine similarity of the vectors from -1 to 1, and the metadata.

        Raises
        ------
        EncoderUnknown, VectorsNeeded
            If the dataset was opened without an encoder, or has no vectors.
        EncodingFailed, ExtraMissing, BadVectors
            If the encoder fails, or makes vectors of another length.
        ExplorerError
            If no dataset is open, or there is nothing to look for.
        """
        dataset = self._open_dataset
        ranking = meaning.rank(dataset, text, k=k)
        rows = ranking.nearest(None)
        frame = dataset.frame(rows)
        free = next(name for n in count(1) if (name := "similarity" if n == 1 else f"similarity ({n})") not in frame.columns)
        frame.insert(0, free, ranking.scores[rows])
        return frame

    def place(self, new: ArrayLike | str | Sequence[str]) -> pd.DataFrame:
        """Find where new vectors or texts are among the rows, and on the layout that is shown.

        Parameters
        ----------
        new : array_like of shape (m, d) or (d,), str, or sequence of str
            Vectors, or texts for the dataset's encoder.

        Returns
        -------
        pandas.DataFrame
            A row for each: ``rows`` and ``distances``, lists of its 15 nearest rows; ``confidence`` and ``familiar`` ("inside", "at the
            edge" or "outside" of what the data knows); and, where there is a map, ``x`` and ``y`` on its layout, ``placed_by`` and
            ``kept``, the share of its nearest rows that are nearest there, too.

        Raises
        ------
        EncoderUnknown, EncodingFailed
            If a text cannot be encoded.
        ExplorerError
            If no dataset is open, it has no vectors, or these do not fit.
        """
        import pandas as pd

        dataset, layout = self._open_dataset, self.layout
        texts = [new] if isinstance(new, str) else list(new) if isinstance(new, Sequence) and new and isinstance(new[0], str) else None
        if texts is not None:
            if dataset.encoder is None:
                raise EncoderUnknown(dataset.name, texts[0])
            new = np.stack([encoded(dataset, text) for text in texts])
        vectors, owner = np.asarray(new, np.float32), f"{id(self._session)} places"
        job = runner().submit_placement(
            dataset, [] if layout is None else [layout], vectors, metric=self._session.inspection.metric, owner=owner
        )
        found = job.result()
        told: dict[str, Any] = {
            "rows": found.rows.tolist(),
            "distances": found.distances.tolist(),
            "confidence": found.familiarity.confidence,
            "familiar": found.familiarity.words,
        }
        for placed in found.placed:
            axes = dict(zip("xyz", placed.coordinates.T, strict=False))  # of a layout of more dimensions the first three
            told |= {**axes, "placed_by": placed.how, "kept": placed.kept}
        return pd.DataFrame(told)

    def query(self, expression: str) -> NDArray[np.int64]:
        """Find the rows that meet a condition, written as for :meth:`pandas.DataFrame.query`; nothing in it is ever called.

        Parameters
        ----------
        expression : str
            For example ``category == "animal" and n_synonyms > 2``; see :func:`explorer.query.conditions.matching`.

        Returns
        -------
        ndarray of int64
            Row numbers, ascending. A missing value meets no condition but ``is None``.

        Raises
        ------
        BadQuery, UnknownColumn
            If it is no condition, or names a column that is not there.
        ExplorerError
            If no dataset is open.
        """
        found = matching(self._open_dataset, expression)
        return np.flatnonzero(np.zeros(0, bool) if found is None else found)

    @property
    def _open_dataset(self) -> Dataset:
        if self._session.dataset is None:
            raise ExplorerError("Open a dataset first.")
        dataset: Dataset = self._session.dataset
        return dataset

    @property
    def methods(self) -> str:
        """How the layouts on the maps were made, as a paragraph each, for a paper; empty where no dataset is open."""
        self._session.catch_up()
        return self._session.describe_maps()()

    @property
    def rows_in_view(self) -> pd.DataFrame:
        """The rows that the map shows now: ``row``, ``x``, ``y``, where rows are selected ``selected``, then their metadata.

        Before the metadata comes a column of bools for each selection that is kept, "selection: name". Rows of hidden categories are left
        out. Where no browser shows the map, it is the first view. ``ExplorerError`` without a map.
        """
        scene = self._scene
        view, kept = current_window(self._panels.map, scene).view, self._session.kept_of(scene.dataset)
        frame: pd.DataFrame = view_table(scene, view, kept=kept).to_pandas()
        return frame

    def save_picture(
        self,
        path: str | os.PathLike[str],
        *,
        width: int | None = None,
        title: str | None = None,
        legend: bool = True,
        labels: LabelChoice | None = None,
        contours: ContourChoice | None = None,
        background: Background = "page",
    ) -> None:
        """Write what the map shows now as a PNG or SVG file; where no browser shows it, the first view.

        Parameters
        ----------
        path : str or PathLike
            Ends with .png, or with .svg: then title and legend are text, for print. The file appears complete or not at all.
        width : int, optional
            Pixels, from 1 to 8,000; twice the width on screen by default. The map keeps its proportions; title and legend are added to the
            height.
        title : str, optional
            The first line; the dataset's name by default. Empty for no title.
        legend : bool
            Whether the colors are explained below the map.
        labels : {"automatic", "categories", "clusters", "none"}, optional
            What is named on the map; as on screen by default.
        contours : {"none", "categories", "clusters"}, optional
            What has lines around it; as on screen by default.
        background : {"page", "white", "transparent"}
            What is behind the rows; "page" is the color on screen, white where no browser shows the map.

        Raises
        ------
        BadParameter, UnknownChoice
            If there can be no such picture.
        UnknownFormat, Unwritable
            If there can be no such file.
        ExplorerError
            If there is no map yet.
        """
        scene = self._scene
        window = current_window(self._panels.map, scene)
        named = wanted_labels(scene, labels or self._session.appearance.labels, self._session.clustering.clusters)
        outlined = wanted_outlines(scene, contours or self._session.appearance.contours, self._session.clustering.clusters)
        save = save_svg if str(path).lower().endswith(".svg") else save_picture
        save(path, scene, window, width=width, title=title, legend=legend, labels=named, contours=outlined, background=background)

    def save_page(
        self, path: str | os.PathLike[str], *, title: str | None = None, rows: bool = True, labels: LabelChoice | None = None
    ) -> MapPage:
        """Write the whole map as a web page that needs no server and no network: zoom, names, legend, search, and a card for each row.

        Parameters
        ----------
        path : str or PathLike
            Ends with .html. The file appears complete or not at all.
        title : str, optional
            The first line; the dataset's name by default.
        rows : bool
            Whether the rows are in the file, where they are 200,000 at the most: whoever has the file can read them.
        labels : {"automatic", "categories", "clusters", "none"}, optional
            What is named on the map; as on screen by default.

        Returns
        -------
        MapPage
            ``n_rows`` on the map, ``n_known`` of them with their columns, ``n_tiles`` and ``n_bytes``.

        Raises
        ------
        UnknownFormat, Unwritable
            If there can be no such file.
        ExplorerError
            If there is no map yet.
        """
        scene = self._scene
        clusters = self._session.clustering.clusters
        named = wanted_labels(scene, labels or self._session.appearance.labels, clusters)
        outlined = wanted_outlines(scene, self._session.appearance.contours, clusters)
        return save_map_page(path, scene, title=title, notes=self.methods.split("\n\n"), rows=rows, labels=named, contours=outlined)

    @property
    def _scene(self) -> Scene:
        self._session.catch_up()
        if self._session.scene is None:
            self._session.error = "There is no map yet: open a dataset and run a projection."
            raise ExplorerError(self._session.error)
        return self._session.scene

    def run(self, method: str = "umap", *, of: str = "", **params: Any) -> Layout:
        """Compute a projection of every row, show it and return it; waits until it is done.

        Parameters
        ----------
        method : {"umap", "tsne", "pca", "axes"}
            Which projection.
        of : str
            The name of the other vectors of the same rows (``dataset.other.vectors_name``), where it is to be made of those.
        **params
            Its parameters, e.g. ``n_neighbors=30``; see :class:`explorer.UMAP`, :class:`explorer.TSNE`, :class:`explorer.PCA`.

        Raises
        ------
        ExplorerError
            If it cannot be computed; the sentence says why.
        """
        if self._session.dataset is None:
            self._session.error = "Open a dataset first."
            raise ExplorerError(self._session.error)
        return self._session.run_now(projection(method, **params), of=of)
