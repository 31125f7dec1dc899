"""Matching for people: the stock as the line's supervisor sees it, plans worked out beside the plant, and their groups."""
