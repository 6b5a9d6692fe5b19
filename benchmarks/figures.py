"""The benchmarks' common language: one figure a line, a table for people, JSON for programs."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

__all__ = ["Figure", "compared", "goal_of", "median", "options", "told"]


@dataclass
class Figure:
    """One line of the benchmarks' common language."""

    figure: str
    value: float
    unit: str
    goal: float | None = None
    peer: float | None = None
    peer_name: str | None = None
    ratio: float | None = None
    met: bool | None = None
    rows: int = 0


def options(about: str) -> argparse.ArgumentParser:
    """Make the parser of a benchmark, with what every benchmark takes."""
    made = argparse.ArgumentParser(description=about.splitlines()[0])
    made.add_argument("--rows", type=int, default=1_000_000)
    made.add_argument("--categories", type=int, default=30)
    made.add_argument("--quick", action="store_true", help="fewer rows and repeats: ends within 50 seconds")
    made.add_argument("--json", action="store_true", help="print one JSON list")
    return made


def goal_of(goals: Mapping[int, float], rows: int) -> float | None:
    """Return the goal for so many rows, from goals by the most rows that each is for."""
    return next((goal for most, goal in goals.items() if rows <= most), None)


def compared(figure: Figure, *, at_least: bool = False) -> Figure:
    """Fill in ratio and met; a goal is the most that a value may be, or the least."""
    figure.ratio = figure.value / figure.peer if figure.peer else None
    if figure.goal is not None:
        figure.met = figure.value >= figure.goal if at_least else figure.value <= figure.goal
    return figure


def told(figures: list[Figure], *, heading: str, as_json: bool) -> str:
    """Write figures for people or, as JSON, for programs."""
    if as_json:
        return json.dumps([asdict(figure) for figure in figures])
    lines = [heading, f"{'':58}{'value':>13}{'goal':>9}{'met':>6}{'peer':>12}{'ratio':>9}"]
    for each in figures:
        goal = "" if each.goal is None else f"{each.goal:g}"
        peer = "" if each.peer is None else f"{each.peer:.0f} {each.unit}" if each.unit not in ("x", "") else f"{each.peer:.3f}"
        ratio = "" if each.ratio is None else f"{each.ratio:.3f}"
        met = "" if each.met is None else ("yes" if each.met else "no")
        value = f"{each.value:.3f}" if each.unit in ("x", "") else f"{each.value:.1f}"
        lines.append(f"{each.figure:58}{value:>9} {each.unit:<3}{goal:>9}{met:>6}{peer:>12}{ratio:>9}")
    return "\n".join(lines)


def median(run: Callable[[], object], repeats: int) -> float:
    """Time a function, in milliseconds, after one run that does not count."""
    times = []
    for turn in range(repeats + 1):
        start = time.perf_counter()
        run()
        if turn:
            times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)
