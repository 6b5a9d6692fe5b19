"""Panel and HoloViews, one module a panel; no computing, no file."""
