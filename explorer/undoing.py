"""Which of a session's choices can be undone, and what their steps are called.

Selections and filters record their own steps, where the maps stand is :mod:`explorer.standing`'s. How the page is arranged, and what
dragging does, is no step: the same button takes it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from explorer.newcomers import Newcomers, newcomer_words
from explorer.state.appearance import Appearance, look_words
from explorer.state.clusters import naming_words
from explorer.state.histograms import Histograms, histogram_words
from explorer.state.history import Followed, History
from explorer.state.inspection import Inspection, row_words
from explorer.state.projection import ProjectionChoice, choice_words, setting_words
from explorer.state.table import TableChoice, table_words

if TYPE_CHECKING:
    from explorer.clustering import Clustering

__all__ = ["undo_choices"]


class Chosen(Protocol):
    """The session in which somebody chooses."""

    history: History
    appearance: Appearance
    inspection: Inspection
    table: TableChoice
    histograms: Histograms
    choice: ProjectionChoice
    clustering: Clustering
    newcomers: Newcomers


def undo_choices(session: Chosen) -> None:
    """Make each change of what is chosen a step of the session's history."""
    history = session.history
    Followed(history, session.appearance, [*session.appearance.as_json()], look_words, dragged=["point_size"])
    Followed(history, session.inspection, ["row"], row_words, passing=True)
    Followed(history, session.inspection, ["k", "metric", "liked", "disliked"], row_words, dragged=["k"])
    Followed(history, session.table, [*session.table.as_json()], table_words)
    Followed(history, session.histograms, [*session.histograms.as_json()], histogram_words)
    Followed(history, session.clustering.naming, ["renamed"], naming_words)
    Followed(history, session.newcomers, ["items"], newcomer_words)
    Followed(history, session.choice, ["method", "vectors"], choice_words)
    for projection in session.choice.projections.values():
        names = projection.parameter_names
        Followed(history, projection, names, setting_words, dragged=names)
