"""What a server counts while it serves, for Prometheus; no label holds anything that came from outside. A count takes a microsecond."""

from __future__ import annotations

from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

__all__ = [
    "LOOP_LAG_SECONDS",
    "PICTURES",
    "REGISTRY",
    "SESSIONS",
    "SESSIONS_CLOSED",
    "SESSIONS_OPENED",
    "PictureKind",
    "note_picture",
    "note_sent",
]

PictureKind = Literal["moving", "rest", "travel", "live"]

REGISTRY = CollectorRegistry()
"""Explorer's own, so that what other parts of the process count does not get in."""

SESSIONS = Gauge("explorer_sessions", "Open sessions.", registry=REGISTRY)
SESSIONS_OPENED = Counter("explorer_sessions_opened", "Sessions that were opened since the server started.", registry=REGISTRY)
SESSIONS_CLOSED = Counter("explorer_sessions_closed", "Sessions that have ended since the server started.", registry=REGISTRY)
PICTURES = Counter("explorer_pictures_sent", "Pictures of maps that were sent; one that is sent in pieces counts once.", registry=REGISTRY)
_PICTURE_BYTES = Counter("explorer_picture_sent_bytes", "Bytes of these pictures.", registry=REGISTRY)
_PICTURE_SECONDS = Histogram(
    "explorer_picture_seconds",
    "From a browser's request for a picture to its sending.",
    ["kind"],
    buckets=(0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0, 5.0),
    registry=REGISTRY,
)
LOOP_LAG_SECONDS = Histogram(
    "explorer_event_loop_lag_seconds",
    "By how much the event loop came too late, ten times a second.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0),
    registry=REGISTRY,
)
_SECONDS_OF = {kind: _PICTURE_SECONDS.labels(kind) for kind in ("moving", "rest", "travel", "live")}


def note_picture(kind: PictureKind, seconds: float, n: int = 1) -> None:
    """Note that a browser gets what it asked for: ``n`` pictures, after so many seconds."""
    _SECONDS_OF[kind].observe(seconds)
    PICTURES.inc(n)


def note_sent(n_bytes: int) -> None:
    """Note bytes of pictures that are sent."""
    _PICTURE_BYTES.inc(n_bytes)
