"""Samples at rest: what was measured again and again, in segments of columns that a manifest lists."""
