"""Vectors of texts: what makes them, and what keeps them so that no text is encoded twice."""
