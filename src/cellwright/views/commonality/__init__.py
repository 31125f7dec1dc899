"""Commonality: what bad units share more often than chance would have it."""
