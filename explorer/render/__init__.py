"""Arrays to pixels: the layout index, frames, palettes; no widget, no process, no file."""
