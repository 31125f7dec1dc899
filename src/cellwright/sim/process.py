"""Electrode physics: slurry with heel, coated webs with a weight map, calendered, slit with cut-outs."""

import math

import numpy as np
from numpy.random import Generator

from cellwright.sim.catalogue import COATED_WIDTH_M, HEEL_RATIO, LANES, Defects, Side
from cellwright.sim.lots import Flaw, FloatArray, Lot, Part
from cellwright.sim.randoms import bounded

MG_PER_G = 1000.0
MM_PER_M = 1000.0
STRETCH_RATIO = 0.010
"""Calendering makes a web about 1 % longer."""
_BASE_PARTICLES = 1.0
_KNIFE_LIFE_M = 1500.0
_AR_COEFFICIENT = 0.9


def slurry_mass_mg(side: Side, length_m: float) -> float:
    """Return the slurry (mg) that a coated length (m) takes at nominal weight."""
    return length_m * COATED_WIDTH_M * side.areal_weight_gsm / side.solids_ratio * MG_PER_G


def batch_mass_mg(side: Side, length_m: float) -> float:
    """Return the mass (mg) of a batch that coats this length (m) and leaves a heel in the mixer."""
    return slurry_mass_mg(side, length_m) / (1.0 - HEEL_RATIO)


def doses_mg(side: Side, fresh_mass_mg: float) -> dict[str, float]:
    """Return the mass (mg) to weigh in at each position for fresh slurry."""
    dry_mg = fresh_mass_mg * side.solids_ratio
    doses = {powder.position: dry_mg * powder.dry_ratio for powder in side.powders}
    return {**doses, "solvent": fresh_mass_mg - dry_mg}


def blend(masses_mg: list[float], values: list[float]) -> float:
    """Return the mean of a property by mass."""
    return float(np.average(values, weights=masses_mg))


def slurry_traits(
    side: Side, random: Generator, *, parents: list[Lot], masses_mg: list[float], solids_ratio: float
) -> dict[str, float]:
    """Return a batch's viscosity, solids, particles and moisture from what went in."""
    particles = blend(masses_mg, [lot.traits.get("particles", _BASE_PARTICLES) for lot in parents])
    moisture = blend(masses_mg, [lot.traits.get("moisture", 1.0) for lot in parents])
    return {
        "viscosity_mpas": side.viscosity_mpas * (1.0 + bounded(random, 0.03, 0.10)),
        "solids_ratio": solids_ratio + bounded(random, 0.002, 0.006),
        "particles": particles,
        "moisture": moisture,
        "capacity": blend(masses_mg, [lot.traits.get("capacity", 1.0) for lot in parents]),
    }


def areal_map(side: Side, random: Generator, length_m: float, defects: Defects) -> FloatArray:
    """Return coating mass per area (g/m2) by metre and lane: offset, slow drift, AR(1) noise, lane profile."""
    rows = math.ceil(length_m)
    drift = np.cumsum(random.normal(0.0, 0.0002, rows))
    noise = np.empty((rows, LANES))
    shocks = random.normal(0.0, 0.003 * math.sqrt(1.0 - _AR_COEFFICIENT**2), (rows, LANES))
    level = random.normal(0.0, 0.003, LANES)
    for row in range(rows):
        level = _AR_COEFFICIENT * level + shocks[row]
        noise[row] = level
    profile = np.array([-0.001, 0.001, defects.lane_bead_ratio, -0.002])
    offset = bounded(random, 0.002, 0.005)
    ratio = 1.0 + offset + (drift - drift.mean())[:, None] + noise + profile
    return np.asarray(side.areal_weight_gsm * ratio, dtype=np.float64)


def coating_flaws(random: Generator, length_mm: float, defects: Defects) -> list[Flaw]:
    """Return streaks (not seen by the coater) and missing-coat spots (seen, to be cut out), in mm."""
    flaws = []
    for _ in range(int(random.poisson(defects.coating_streak_per_roll))):
        start, length = random.uniform(0.0, 0.9) * length_mm, random.uniform(4.0, 10.0) * MM_PER_M
        lane = int(random.integers(LANES))
        flaws.append(Flaw(start, min(start + length, length_mm), lane, "coating_streak"))
    expected = defects.coating_gap_per_100_m * length_mm / MM_PER_M / 100.0
    for _ in range(int(random.poisson(expected))):
        start, length = random.uniform(0.05, 0.95) * length_mm, random.uniform(100.0, 500.0)
        flaws.append(Flaw(start, start + length, int(random.integers(LANES)), "missing_coat", is_cut=True))
    return flaws


def apply_flaws(areal_gsm: FloatArray, flaws: list[Flaw]) -> None:
    """Lower the weight map (by metre and lane) where streaks and missing coat lie."""
    for flaw in flaws:
        first, last = int(flaw.start // MM_PER_M), math.ceil(flaw.end / MM_PER_M)
        share = 0.94 if flaw.cause == "coating_streak" else 0.6
        areal_gsm[first:last, flaw.lane] *= share


def carry_over(parent: Lot, parts: list[Part], size_mm: float, lane: int = -1) -> tuple[FloatArray, list[Flaw]]:
    """Return the weight map and the flaws of a web made from parts of another; lane -1 = all lanes."""
    if parent.areal_gsm is None:
        raise ValueError(f"{parent.code} is no web")
    centres = (np.arange(math.ceil(size_mm / MM_PER_M)) + 0.5) * MM_PER_M
    source = np.zeros(len(centres))
    for part in parts:
        inside = (centres >= part.c0) & (centres < part.c1)
        share = (centres[inside] - part.c0) / (part.c1 - part.c0)
        from_start = 1.0 - share if part.reversed else share
        source[inside] = part.p0 + from_start * (part.p1 - part.p0)
    rows = np.clip((source // MM_PER_M).astype(int), 0, len(parent.areal_gsm) - 1)
    areal = parent.areal_gsm[rows] if lane < 0 else parent.areal_gsm[rows, lane : lane + 1]
    flaws = [flaw for each in parent.flaws for flaw in _carried_flaw(each, parts, lane)]
    return areal, flaws


def _carried_flaw(flaw: Flaw, parts: list[Part], lane: int) -> list[Flaw]:
    if lane not in (-1, flaw.lane) and flaw.lane >= 0:
        return []
    carried = []
    for part in parts:
        low, high = max(flaw.start, part.p0), min(flaw.end, part.p1)
        if low >= high:
            continue
        scale = (part.c1 - part.c0) / (part.p1 - part.p0)
        ends = sorted(
            (part.p1 - value if part.reversed else value - part.p0) * scale + part.c0 for value in (low, high)
        )
        carried.append(Flaw(ends[0], ends[1], flaw.lane if lane < 0 else 0, flaw.cause, flaw.is_cut))
    return carried


def calendered_parts(parent: str, start_mm: float, end_mm: float, stretch: float) -> tuple[list[Part], float]:
    """Return the position map of calendering (rewound, so reversed) and the new length (mm)."""
    size_mm = (end_mm - start_mm) * stretch
    return [Part(parent, "roll", start_mm, end_mm, 0.0, size_mm, reversed=True)], size_mm


def slit_pieces(lot: Lot, lane: int, start_mm: float, end_mm: float) -> list[tuple[float, float]]:
    """Return the stretches (mm) of a lane that stay when seen flaws are cut out with a margin."""
    margin_mm = 200.0
    cuts = sorted((flaw.start - margin_mm, flaw.end + margin_mm) for flaw in lot.flaws if _is_cut(flaw, lane))
    pieces, at = [], start_mm
    for low, high in cuts:
        if low > at:
            pieces.append((at, min(low, end_mm)))
        at = max(at, high)
    if at < end_mm:
        pieces.append((at, end_mm))
    return pieces


def _is_cut(flaw: Flaw, lane: int) -> bool:
    return flaw.is_cut and flaw.lane in (-1, lane)


def slit_parts(parent: str, pieces: list[tuple[float, float]], lane: int) -> tuple[list[Part], float]:
    """Return the position map of one reel (rewound: last metre outside) and its length (mm)."""
    size_mm = sum(end - start for start, end in pieces)
    parts, wound = [], 0.0
    for start, end in pieces:
        wound += end - start
        parts.append(
            Part(parent, "roll", start, end, size_mm - wound, size_mm - wound + end - start, lane + 1, reversed=True)
        )
    return parts, size_mm


def knife_burr_um(random: Generator, metres_since_change: float, defects: Defects) -> float:
    """Return the burr (um) of knives after metres of cutting: grows to about 9 um at the end of their life."""
    worn = min(1.0, metres_since_change / _KNIFE_LIFE_M)
    return max(1.0, 4.0 + 5.0 * defects.knife_burr * worn + bounded(random, 0.4, 1.0))


def is_knife_due(metres_since_change: float) -> bool:
    """Tell whether the operator changes the knives."""
    return metres_since_change >= _KNIFE_LIFE_M
