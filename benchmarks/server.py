"""A server that many people lean on: real WebSocket clients on loopback against a real ``explorer serve``.

    python benchmarks/server.py [--only PART,PART] [--people 20] [--seconds 300] [--rounds 50] [--rows 1000000] [--quick] [--json]

zoom      so many people zoom the map, each once a second: a picture in motion, and the one at rest when nothing moves
tsne      the same while a t-SNE of 100,000 rows runs; its ratio to zoom, which runs before it
idle      fifty more pages that nobody touches: memory of each, beyond what they share
churn     200 pages opened, looked at and closed, four at a time: memory, and sessions that are left
stampede  as many people as above ask for the same projection at once, 50 rounds, with NUMBA_THREADING_LAYER=workqueue
restart   the server ends and starts again on the same store: artifacts, and seconds until a page has its picture

No browser takes part, so what is measured is the server's and the socket's. All of it takes about 20 minutes; ``--quick`` two.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from clusters import clusters_file
from figures import Figure, compared, options, told
from people import Person
from served import Served, artifacts, lag_between

PARTS = ("zoom", "tsne", "idle", "churn", "stampede", "restart")
TICKS_IN = 10  # a person's ticks into the map, and as many out again
FACTOR = 0.8
REST_S = 0.15  # after which a browser asks for the picture at rest
IDLE, CHURN, AT_A_TIME, ROUNDS = 50, 200, 4, 50
SETTLE_S = 3.0
GONE_S = 90.0  # a server closes what nobody looks at any more within half a minute
TSNE_ROWS, TSNE_DIMS = 100_000, 64
SAMPLE = "digits"
BUSY = ("layout running", "layout queued")


@dataclass
class Plan:
    """What is measured, and for how long."""

    people: int
    seconds: float
    idle: int = IDLE
    churn: int = CHURN
    rounds: int = ROUNDS


@dataclass
class Zoomed:
    """What people saw: seconds from each tick to its picture, and from coming to rest to the one at rest; what went wrong."""

    moving: list[float] = field(default_factory=list)
    rest: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    lag_p99: float = 0.0


def main() -> int:
    """Measure and print."""
    parser = options(__doc__ or "")
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=300.0, help="of zooming")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of the stampede")
    parser.add_argument("--idle", type=int, default=IDLE, help="idle pages")
    parser.add_argument("--churn", type=int, default=CHURN, help="pages that are opened and closed")
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts, with commas between them: {', '.join(PARTS)}")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where the data is made, and found again by the next run")
    given = parser.parse_args()
    only = [part for part in given.only.split(",") if part]
    unknown = [part for part in only if part not in PARTS]
    if unknown:
        parser.error(f"there is no part {unknown[0]}; the parts are {', '.join(PARTS)}")
    plan = Plan(given.people, given.seconds, given.idle, given.churn, given.rounds)
    rows = given.rows
    if given.quick:
        plan, rows = Plan(given.people, 10.0, 10, 20, 3), min(rows, 200_000)
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        figures = asyncio.run(measured(Path(scratch), folder, rows, given.categories, plan, only))
    for figure in figures:
        figure.rows = rows
    print(told(figures, heading=heading(rows, plan), as_json=given.json))
    return 0


def heading(rows: int, plan: Plan) -> str:
    """Say what ran where."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("panel", "bokeh", "tornado", "numba", "numpy"))
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {versions}"
    return f"{rows:,} rows, {plan.people} people for {plan.seconds:g} s, {plan.rounds} rounds; {machine}"


async def measured(scratch: Path, data: Path, rows: int, categories: int, plan: Plan, only: list[str]) -> list[Figure]:
    """Measure the parts that are wanted, those of the map on one server, one after another."""
    figures: list[Figure] = []
    if set(only) - {"stampede"}:
        file = clusters_file(data, rows, categories)
        noise = noise_file(data, min(rows, TSNE_ROWS))
        server = Served(scratch, EXPLORER_DATA=str(data))
        server.start()
        try:
            figures += await on_the_map(server, plan, only, file.stem, noise.stem)
        finally:
            server.end()
    if "stampede" in only:
        own = scratch / "stampede"
        own.mkdir()
        server = Served(own, NUMBA_THREADING_LAYER="workqueue")
        server.start()
        try:
            figures += await stampede(server, plan)
        finally:
            server.end()
    return [compared(figure) for figure in figures]


async def on_the_map(server: Served, plan: Plan, only: list[str], dataset: str, noise: str) -> list[Figure]:
    """Measure what concerns people who look at a large map."""
    page, figures = f"{server.address}?dataset={dataset}", []
    async with Person(page) as first:  # stays: whoever comes later shares what is open
        await first.see()
        await asyncio.sleep(SETTLE_S)
        alone: Zoomed | None = None
        if {"zoom", "tsne"} & set(only):
            alone = await zoomed(server, page, plan)
            figures += told_of(alone, "")
        if "tsne" in only and alone is not None:
            figures += await beside_tsne(server, page, f"{server.address}?dataset={noise}", plan, alone)
        if "idle" in only:
            figures.append(await idle(server, page, plan))
        if "churn" in only:
            figures += await churned(server, page, plan)
    if "restart" in only:
        figures += await restarted(server, dataset)
    return figures


def told_of(seen: Zoomed, name: str) -> list[Figure]:
    """Tell what people saw."""
    return [
        Figure(f"tick -> picture{name}, p50", 1e3 * percentile(seen.moving, 50), "ms"),
        Figure(f"tick -> picture{name}, p95", 1e3 * percentile(seen.moving, 95), "ms", 800.0 if not name else None),
        Figure(f"at rest -> picture{name}, p95", 1e3 * percentile(seen.rest, 95), "ms"),
        Figure(f"errors while people zoom{name}", len(seen.problems), "", 0.0),
        Figure(f"event loop lag{name}, p99", 1e3 * seen.lag_p99, "ms", 50.0),
    ]


# -- zoom, and beside a computation


async def zoomed(server: Served, page: str, plan: Plan) -> Zoomed:
    """Let people zoom, each once a second."""
    seen = Zoomed()
    async with AsyncExitStack() as stack:
        people = [await stack.enter_async_context(Person(page)) for _ in range(plan.people)]
        for person in people:
            await person.see()
        await asyncio.sleep(SETTLE_S)
        before, errors = server.figures(), len(server.errors())
        end = time.perf_counter() + plan.seconds
        await asyncio.gather(*[zooming(person, random.Random(at), end, seen) for at, person in enumerate(people)])
        seen.lag_p99 = lag_between(before, await asyncio.to_thread(server.figures), 0.99)
        seen.problems += server.errors()[errors:]
        for person in people:
            seen.problems += person.problems
    for problem in seen.problems:
        print(f"a problem: {problem}", file=sys.stderr)
    return seen


async def zooming(person: Person, chance: random.Random, end: float, seen: Zoomed) -> None:
    """Turn a wheel once a second: into the map at some place, and out again."""
    next_tick = time.perf_counter() + chance.random()
    tick = 0
    while next_tick < end:
        await asyncio.sleep(max(0.0, next_tick - time.perf_counter()))
        if tick % (2 * TICKS_IN) == 0:
            x0, x1, y0, y1 = person.home
            center = chance.gauss((x0 + x1) / 2, (x1 - x0) / 6), chance.gauss((y0 + y1) / 2, (y1 - y0) / 6)
        tick += 1
        depth = TICKS_IN - abs(TICKS_IN - tick % (2 * TICKS_IN))
        view = around(center, person.home, FACTOR**depth)
        next_tick += 1.0
        try:
            seen.moving.append(await person.look(view, moving=True))
            await asyncio.sleep(REST_S)
            if time.perf_counter() < next_tick:
                seen.rest.append(await person.look(view, moving=False))
        except Exception as error:  # noqa: BLE001  # everything that goes wrong counts
            seen.problems.append(f"{type(error).__name__}: {error}")
        next_tick = max(next_tick, time.perf_counter() - 1.0)  # who waited for seconds does not make up for it


def around(center: tuple[float, float], home: list[float], scale: float) -> list[float]:
    """Show a part of the whole map: as much at either side of a place."""
    (x, y), (x0, x1, y0, y1) = center, home
    return [x - scale * (x1 - x0) / 2, x + scale * (x1 - x0) / 2, y - scale * (y1 - y0) / 2, y + scale * (y1 - y0) / 2]


async def beside_tsne(server: Served, page: str, other: str, plan: Plan, alone: Zoomed) -> list[Figure]:
    """Let people zoom while somebody else computes: one t-SNE after another."""
    async with Person(other) as busy:
        await until(lambda: not running(server), "nothing is computed")
        await busy.choose("Projection", "t-SNE")
        computing = asyncio.create_task(computed_on_and_on(server, busy))
        try:
            await until(lambda: running(server), "the t-SNE runs")
            seen = await zoomed(server, page, plan)
        finally:
            computing.cancel()
            await asyncio.gather(computing, return_exceptions=True)
    ratio = percentile(seen.moving, 95) / percentile(alone.moving, 95)
    return [*told_of(seen, " beside a t-SNE"), Figure("tick -> picture, p95: times the one without a t-SNE", ratio, "x", 1.5)]


async def computed_on_and_on(server: Served, busy: Person) -> None:
    """Run the chosen projection, with another seed each time."""
    for seed in range(1, 1000):
        await busy.choose("seed", seed)
        await busy.press("Run")
        await until(lambda: running(server), "it runs")
        await until(lambda: not running(server), "it has ended", seconds=3600, every_s=2.0)


# -- memory


async def idle(server: Served, page: str, plan: Plan) -> Figure:
    """Open pages that nobody touches."""
    before = server.memory()
    async with AsyncExitStack() as stack:
        for _ in range(plan.idle):
            await (await stack.enter_async_context(Person(page))).see()
        await asyncio.sleep(SETTLE_S)
        each = (server.memory() - before) / plan.idle
    return Figure(f"memory of each of {plan.idle} idle pages, beyond what they share", each / 1e6, "MB", 25.0)


async def churned(server: Served, page: str, plan: Plan) -> list[Figure]:
    """Open pages and close them again."""
    await opened_and_closed(server, page, 2 * AT_A_TIME)  # what only the first ones take
    before = server.memory()
    await opened_and_closed(server, page, plan.churn)
    growth = 100 * (server.memory() - before) / before
    return [
        Figure(f"memory after {plan.churn} pages were opened and closed, growth", growth, "%", 5.0),
        Figure("  sessions that are left", open_sessions(server) - 1, "", 0.0),
    ]


async def opened_and_closed(server: Served, page: str, n: int) -> None:
    """Open so many pages, a few at a time, look at each and close it; returns when the server has let go of them."""

    async def visit() -> None:
        async with Person(page) as person:
            await person.see()

    for _ in range(n // AT_A_TIME):
        await asyncio.gather(*[visit() for _ in range(AT_A_TIME)])
    end = time.perf_counter() + GONE_S
    while open_sessions(server) > 1 and time.perf_counter() < end:  # the one who stays
        await asyncio.sleep(1)
    await asyncio.sleep(SETTLE_S)


def open_sessions(server: Served) -> float:
    """Count the sessions that live."""
    return server.figures()["explorer_sessions"]


# -- many who want the same, and a new beginning


async def stampede(server: Served, plan: Plan) -> list[Figure]:
    """Have all people ask for one projection at the same moment, with another seed in each round."""
    async with AsyncExitStack() as stack:
        people = [await stack.enter_async_context(Person(f"{server.address}?dataset={SAMPLE}")) for _ in range(plan.people)]
        for person in people:
            await person.see()
        await until(lambda: server.figures().get("explorer_jobs_ended_total layout done", 0) >= 1, "the PCA of their first map is counted")
        await until(lambda: not running(server), "nothing is computed")
        before, took = server.figures(), []
        for seed in range(1, plan.rounds + 1):
            await asyncio.gather(*[person.choose("seed", seed) for person in people])
            start, done = time.perf_counter(), server.figures()["explorer_jobs_ended_total layout done"]
            await asyncio.gather(*[person.press("Run") for person in people])
            await until(lambda done=done: server.figures()["explorer_jobs_ended_total layout done"] > done, "it is computed")
            await until(lambda: not running(server), "nobody asks for it again")
            took.append(time.perf_counter() - start)
        after = server.figures()
        problems = [problem for person in people for problem in person.problems] + server.errors()
    layouts = after["explorer_jobs_ended_total layout done"] - before["explorer_jobs_ended_total layout done"]
    aborts = after["explorer_workers_died_total"] - before["explorer_workers_died_total"]
    for problem in problems:
        print(f"a problem: {problem}", file=sys.stderr)
    return [
        Figure(f"{plan.people} ask at once, {plan.rounds} rounds: compute processes that ended", aborts, "", 0.0),
        Figure("  layouts computed, of each that was asked for", layouts / plan.rounds, "x", 1.0),
        Figure("  errors", len(problems), "", 0.0),
        Figure("  all of them have it, p50", percentile(took, 50), "s"),
    ]


async def restarted(server: Served, dataset: str) -> list[Figure]:
    """End the server and start it again."""
    before = artifacts(server.store)
    server.end()
    server.start()
    start = time.perf_counter()
    async with Person(f"{server.address}?dataset={dataset}") as person:
        await person.see()
        first = person.page_s if person.has_still else time.perf_counter() - start
    lost = before - artifacts(server.store)
    return [
        Figure("restart: artifacts that are gone", len(lost), "", 0.0),
        Figure("  first picture of the first page", first, "s", 2.0),
        Figure("  started again: until the server answers", server.started_s, "s"),
    ]


def running(server: Served) -> bool:
    """Whether a layout is computed, or waits to be."""
    figures = server.figures()
    return any(figures[f"explorer_jobs {state}"] > 0 for state in BUSY)


async def until(true: Callable[[], bool], what: str, *, seconds: float = 300.0, every_s: float = 0.2) -> None:
    """Wait until something is true.

    Raises
    ------
    TimeoutError
        If it never is.
    """
    end = time.perf_counter() + seconds
    while not await asyncio.to_thread(true):
        if time.perf_counter() > end:
            message = f"waited {seconds:g} s in vain until {what}"
            raise TimeoutError(message)
        await asyncio.sleep(every_s)


def percentile(values: list[float], share: float) -> float:
    """Give a percentile; not a number where nothing was measured."""
    return float(np.percentile(values, share)) if values else float("nan")


def noise_file(folder: Path, rows: int) -> Path:
    """Write vectors to compute something of, unless they are there from before."""
    path = folder / f"noise-{rows}-{TSNE_DIMS}.npy"
    if not path.exists():
        chance = np.random.default_rng(0)
        centers = chance.normal(size=(100, TSNE_DIMS)) * 2
        np.save(path, (centers[chance.integers(0, len(centers), rows)] + chance.normal(size=(rows, TSNE_DIMS))).astype(np.float32))
    return path


if __name__ == "__main__":
    sys.exit(main())
