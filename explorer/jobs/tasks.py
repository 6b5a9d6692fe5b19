"""What can be computed, described by plain JSON, and how it is done from the store into the store: runs inside the compute process.

Computing sees drawable rows only; what is kept counts all rows of the dataset.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from explorer.jobs.clusters_task import ClustersTask
from explorer.jobs.graph_parts import HomesTask, MergeTask, PlanTask, ShardTask, VisitsTask
from explorer.jobs.graph_task import GraphTask
from explorer.jobs.layout_task import LayoutTask
from explorer.jobs.measuring_tasks import GraphColumnsTask, QualityTask
from explorer.jobs.placement_task import PlacementTask
from explorer.jobs.stability_task import StabilityTask

__all__ = ["Part", "Task", "task_from_json", "task_or_part_from_json"]

Task = GraphTask | LayoutTask | QualityTask | GraphColumnsTask | StabilityTask | PlacementTask | ClustersTask
Part = PlanTask | VisitsTask | HomesTask | ShardTask | MergeTask

_TASKS: Mapping[str, type[Task]] = {task.kind: task for task in get_args(Task)}
_PARTS: Mapping[str, type[Part]] = {part.kind: part for part in get_args(Part)}


def task_from_json(described: Mapping[str, Any]) -> Task:
    """Read what ``to_json`` of something that people ask for wrote."""
    fields = dict(described)
    return _TASKS[fields.pop("kind")](**fields)


def task_or_part_from_json(described: Mapping[str, Any]) -> Task | Part:
    """Read what ``to_json`` wrote."""
    fields = dict(described)
    kind = fields.pop("kind")
    return _PARTS[kind](**fields) if kind in _PARTS else _TASKS[kind](**fields)
