"""Cells into packs: windows that float, a proved bound beside every plan. Pure: arrays in, a plan out."""

from cellwright.analysis.matching.planning import Leftover, Pack, Plan, match_cells
from cellwright.analysis.matching.policy import Policy, read_policy
from cellwright.analysis.matching.stock import PackForm, Stock, read_form

__all__ = ["Leftover", "Pack", "PackForm", "Plan", "Policy", "Stock", "match_cells", "read_form", "read_policy"]
