"""What can be computed, described by plain JSON, and how it is done from the store into the store: runs inside the compute process.

Computing sees drawable rows only; what is kept counts all rows of the dataset.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from explorer.jobs.graph_task import GraphTask
from explorer.jobs.layout_task import LayoutTask
from explorer.jobs.measuring_tasks import GraphColumnsTask, QualityTask
from explorer.jobs.stability_task import StabilityTask

__all__ = ["Task", "task_from_json"]

Task = GraphTask | LayoutTask | QualityTask | GraphColumnsTask | StabilityTask


def task_from_json(described: Mapping[str, Any]) -> Task:
    """Read what ``to_json`` wrote."""
    kinds: dict[str, type[Task]] = {task.kind: task for task in (GraphTask, LayoutTask, QualityTask, GraphColumnsTask, StabilityTask)}
    fields = dict(described)
    return kinds[fields.pop("kind")](**fields)
