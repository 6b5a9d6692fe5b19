"""Vectors of texts and images: what makes them, and what keeps them so that none is encoded twice."""
