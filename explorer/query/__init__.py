"""Rows found by what their columns say: by text, and by conditions. Masks of all rows; no page, no state."""
