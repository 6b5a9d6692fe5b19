"""What the chosen projection would take if somebody ran it now, or why it would be refused; runs none, and knows no widget."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import param

from explorer.compute.projections import projection
from explorer.jobs.inputs import named_by
from explorer.threaded import Threaded

if TYPE_CHECKING:
    from explorer.compute.forecast import Forecast
    from explorer.data.dataset import Dataset
    from explorer.jobs.inputs import Groups
    from explorer.jobs.runner import Runner
    from explorer.state.projection import ProjectionChoice

__all__ = ["Asker", "Outlook"]


class Asker(Threaded, Protocol):
    """The session that would run it."""

    dataset: Any
    runs: Any
    running: Any
    choice: ProjectionChoice
    param: Any
    groups: Any


class Outlook(param.Parameterized):
    """Follows what is chosen; only the thread that owns the session's params calls this.

    Parameters
    ----------
    asker : Asker
        The session.
    jobs : Runner
        Makes the forecasts.
    """

    text = param.String(default="", doc="A line that says it; empty where nothing has to be computed, and before it is known.")

    def __init__(self, asker: Asker, *, jobs: Runner) -> None:
        super().__init__()
        self._asker, self._jobs = asker, jobs
        self._begun = False
        self._looked = 0  # counts what was asked: a late answer to an old question is dropped
        asker.param.watch(self._look, ["dataset", "runs", "running"])
        asker.choice.param.watch(self._look, ["method", "vectors"])
        for chosen in asker.choice.projections.values():
            chosen.param.watch(self._look, chosen.parameter_names)

    def begin(self) -> None:
        """Follow from now on: a page shows it."""
        if not self._begun:
            self._begun = True
            self._look()

    def _look(self, *_: object) -> None:
        if not self._begun or self._asker.running:
            return  # what runs now has memory that will be free again
        self._looked += 1
        dataset, chosen = self._asker.dataset, self._asker.choice.current
        if dataset is None or dataset.vectors is None:
            self.text = ""
            return
        make = partial(
            _forecast, self._jobs, dataset.with_vectors(self._asker.choice.vectors), chosen.method, chosen.settings(), self._asker.groups
        )
        self._asker.in_thread("make a forecast", self._looked, lambda: self._looked, make, self._take, self._refused)

    def _take(self, forecast: Forecast | None, number: int) -> None:
        if number == self._looked:
            self.text = "" if forecast is None else f"Takes {forecast}."

    def _refused(self, sentence: str, number: int) -> None:
        if number == self._looked:
            self.text = sentence


def _forecast(jobs: Runner, dataset: Dataset, method: str, settings: dict[str, Any], groups: Groups) -> Forecast | None:
    chosen = projection(method, **settings)
    return jobs.forecast_layout(dataset, chosen, named_by(dataset, chosen, groups))
