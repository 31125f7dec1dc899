"""Measures and limits: how much of a thing there is, and when a measured value is good."""

import math
from enum import StrEnum

from msgspec import Struct


class Measure(StrEnum):
    """Base unit in which a lot is counted; intervals on a lot use the same unit."""

    MM = "mm"
    MG = "mg"
    COUNT = "count"


class Characteristic(Struct, frozen=True, kw_only=True):
    """A measured property of a page; limits are in the unit named by `unit`, None = unlimited."""

    code: str
    unit: str
    lower: float | None = None
    target: float | None = None
    upper: float | None = None
    required: bool = True
    source: str = ""
    """Where the limits come from, for people: a clause of a standard, a drawing; "" = not said."""

    def is_good(self, value: float | None) -> bool:
        """Tell whether a value (in `unit`; None or NaN = not measured) lies within the limits; infinite never does."""
        if value is None or math.isnan(value):
            return not self.required
        if math.isinf(value):
            return False
        above = self.lower is None or value >= self.lower
        below = self.upper is None or value <= self.upper
        return above and below
