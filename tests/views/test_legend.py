from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from explorer.coloring import Coloring
from explorer.data.dataset import Dataset
from explorer.session import Session
from explorer.views import legend as module
from explorer.views.legend import Legend, legend_content

if TYPE_CHECKING:
    import pytest


def test_a_legend_is_written_when_the_colors_change_and_not_for_every_scene(
    session: Session, opened: Callable[..., Dataset], loop: Any, monkeypatch: pytest.MonkeyPatch
):
    written: list[str | None] = []

    def content(coloring: Coloring) -> dict[str, Any]:
        written.append(coloring.column)
        return legend_content(coloring)

    monkeypatch.setattr(module, "legend_content", content)
    legend = Legend(session)
    opened()
    scene = session.scene
    session.selection.apply([1, 2])
    loop.until(lambda: session.scene is not scene)
    assert written == ["kind"]
    session.appearance.color_by = "score"
    loop.until(lambda: session.scene.coloring.column == "score")
    assert written == ["kind", "score"]
    assert legend.component.content["title"] == "score"
