"""The one place that knows which package the Material widgets come from."""

from __future__ import annotations

try:  # part of Panel from 1.10 on
    from panel import ui
except ImportError:
    import panel_material_ui as ui

__all__ = ["ui"]
