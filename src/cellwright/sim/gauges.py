"""What a coater's own instruments say of a roll: a weight gauge by metre and lane, and a camera. Never the truth itself."""

import math
from collections.abc import Sequence

import numpy as np
from msgspec import structs
from numpy.random import Generator

from cellwright.links.opcua.contract import Kind
from cellwright.sim.lots import READING_ERROR_MM, Flaw, FloatArray
from cellwright.sim.machine import Ask
from cellwright.sim.randoms import bounded

CHARACTERISTIC = "areal_weight_gsm"
STEP_MM = 1000
GAUGE_ERROR_RATIO = 0.0015
"""Standard deviation of one reading of the gauge, of the weight."""
_GAUGE_DIGITS = 2
NOTHING_SEEN = Ask(kind=Kind.CHECK_OUT)


def gauged(areal_gsm: FloatArray, flaws: Sequence[Flaw], size_mm: float, booked: int, *, random: Generator) -> Ask:
    """Return what gauge and camera report of a roll: true weight map (g/m2), flaws and length (mm), as they see them.

    Positions are those of the machine's output counter, `booked` mm at the roll's end.
    """
    rows, lanes = math.ceil(booked / STEP_MM), areal_gsm.shape[1]
    true = areal_gsm[np.minimum(np.arange(rows), len(areal_gsm) - 1)]
    readings = np.round(true * (1.0 + random.normal(0.0, GAUGE_ERROR_RATIO, true.shape)), _GAUGE_DIGITS)
    profiles = structs.replace(
        NOTHING_SEEN,
        profiles_characteristics=(CHARACTERISTIC,) * lanes,
        profiles_outputs=(0,) * lanes,
        profiles_lanes=tuple(range(1, lanes + 1)),
        profiles_starts=(0,) * lanes,
        profiles_steps=(STEP_MM,) * lanes,
        profiles_counts=(rows,) * lanes,
        profiles_values=tuple(readings.T.ravel().tolist()),
    )
    return _marked(profiles, [flaw for flaw in flaws if flaw.is_cut], booked / size_mm, booked, random=random)


def _marked(ask: Ask, seen: Sequence[Flaw], scale: float, booked: int, *, random: Generator) -> Ask:
    """Add marks for flaws that the camera saw, each end where the encoder had it."""
    ends = [tuple(_encoded(at * scale, booked, random) for at in (flaw.start, flaw.end)) for flaw in seen]
    return structs.replace(
        ask,
        marks_defects=tuple(flaw.cause for flaw in seen),
        marks_outputs=(0,) * len(seen),
        marks_starts=tuple(min(low, booked - 1) for low, _ in ends),
        marks_ends=tuple(min(max(high, low + 1), booked) for low, high in ends),
        marks_lanes=tuple(flaw.lane + 1 for flaw in seen),
    )


def _encoded(at_mm: float, booked: int, random: Generator) -> int:
    return min(max(round(at_mm + bounded(random, READING_ERROR_MM / 3, READING_ERROR_MM)), 0), booked)
