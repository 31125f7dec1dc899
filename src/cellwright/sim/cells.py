"""Cell physics: what winding, assembly, formation, ageing and grading truly do to a cell, and what they measure."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct
from numpy.random import Generator

from cellwright.sim.ageing import SLOPE_V, Soak, rest
from cellwright.sim.catalogue import CATHODE, ELECTROLYTE_MG, Defects
from cellwright.sim.lots import FloatArray, Span
from cellwright.sim.process import MG_PER_G, MM_PER_M
from cellwright.sim.randoms import bounded
from cellwright.sim.units import Unit

NOMINAL_CAPACITY_AH = 6.10
NOMINAL_DCIR_OHM = 0.0122
NOMINAL_ACIR_OHM = 0.0062
NOZZLES = 8
_WORN_NOZZLE = 6
_WORN_CHANNEL = 37
_UNDERFILL_G = 35.3
_GOOD_CAPACITY_AH = 5.85
_BURR_FREE_UM = 5.0
_US_PER_H = 3_600_000_000

Measured = dict[str, float]


class Bench(Struct):
    """What a station knows when it works on a unit: its own chance, the defects that are on, and the slot."""

    random: Generator
    defects: Defects
    slot: int = 0
    hours: float = 0.0
    """Time (h) since the step before."""
    now_us: int = 0
    code: str = ""
    """What the unit is thought to be."""
    readings: Measured = {}
    """What was measured of that code before."""
    members: Sequence[Unit] = ()
    """What the unit is made of, in slot order."""
    tries: int = 0
    """How often the operation was done on the unit before."""
    soak: Soak | None = None
    """What the ageing room does to the unit; None = it is as it should be."""


def mean_over(areal_gsm: FloatArray | None, start_mm: float, end_mm: float) -> float:
    """Return the mean coating mass (g/m2) of a stretch of a one-lane web."""
    if areal_gsm is None:
        return math.nan
    return float(areal_gsm[int(start_mm // MM_PER_M) : int(end_mm // MM_PER_M) + 1].mean())


def wind(cell: Unit, spans: Sequence[Span], bench: Bench, nature: Generator) -> Measured:
    """Roll four webs into a cell: draw its true properties, return overhang (mm) and insulation (megaohm)."""
    webs = {span.position: span for span in spans}
    cathode, anode = webs["cathode"], webs["anode"]
    weight_ratio = mean_over(cathode.lot.areal_gsm, cathode.start, cathode.end) / CATHODE.areal_weight_gsm
    spread = math.exp(bounded(nature, 0.0025, 0.01))
    lot_ratio = cathode.lot.traits.get("capacity", 1.0)
    length_ratio = cathode.length / CATHODE.cell_mm
    cell.traits.update(
        capacity_ah=NOMINAL_CAPACITY_AH * weight_ratio * length_ratio * lot_ratio * spread,
        dcir_ohm=NOMINAL_DCIR_OHM * math.exp(bounded(nature, 0.010, 0.04)),
        k_mv_per_h=float(np.exp(nature.normal(math.log(0.012), 0.25))),
        weight_ratio=weight_ratio,
        electrolyte_g=0.0,
        ocv_v=3.290 + bounded(nature, 0.0015, 0.005),
    )
    _soft_shorts(cell, [cathode, anode], bench.defects, nature)
    _web_flaws(cell, cathode)
    cell.traits["dry_g"] = 107.0 + 44.0 * (weight_ratio - 1.0) + bounded(nature, 0.3, 1.0)
    cell.traits["leak_ma"] = cell.traits["k_mv_per_h"] * cell.traits["capacity_ah"] / SLOPE_V
    cell.traits["acir_ohm"] = NOMINAL_ACIR_OHM * math.exp(bounded(nature, 0.010, 0.04))
    return _winding_results(cell, weight_ratio, bench)


def _web_flaws(cell: Unit, cathode: Span) -> None:
    for flaw in cathode.lot.flaws:
        if flaw.start < cathode.end and flaw.end > cathode.start and cell.traits["capacity_ah"] < _GOOD_CAPACITY_AH:
            cell.blame(flaw.cause)


def _soft_shorts(cell: Unit, webs: Sequence[Span], defects: Defects, nature: Generator) -> None:
    """Poisson soft shorts: the rate grows with particles, burr and moisture of both electrodes."""
    rate = 0.0
    for web in webs:
        traits = web.lot.traits
        burr_um = max(0.0, traits.get("burr_um", _BURR_FREE_UM) - _BURR_FREE_UM)
        rate += defects.particle_short / 2 * traits.get("particles", 1.0)
        rate += defects.knife_burr * 0.0005 * burr_um**2
        rate += max(0.0, traits.get("moisture", 1.0) - 1.0) * 0.002
    shorts = int(nature.poisson(rate))
    if shorts:
        cell.traits["k_mv_per_h"] += shorts * float(np.exp(nature.normal(math.log(0.15), 0.8)))
        cell.blame("soft_short")


def _winding_results(cell: Unit, weight_ratio: float, bench: Bench) -> Measured:
    random, defects = bench.random, bench.defects
    overhang_mm = 0.90 + 6.0 * (weight_ratio - 1.0) + bounded(random, 0.05, 0.2)
    insulation_mohm = float(np.exp(random.normal(math.log(2000.0), 0.4)))
    if random.random() < defects.winding_misaligned:
        overhang_mm += 0.9
        cell.blame("misaligned")
    if random.random() < defects.winding_short:
        insulation_mohm = float(random.uniform(0.1, 20.0))
        cell.blame("hard_short")
    return {"overhang_mm": overhang_mm, "insulation_mohm": insulation_mohm}


def assemble(cell: Unit, bench: Bench) -> Measured:
    """Weld the tab to the can; a cold weld is weak or only resistive. Returns pull force (N)."""
    random = bench.random
    cell.clear("cold_weld")
    cell.traits["weld_ratio"] = 1.0
    pull_n = 30.0 + bounded(random, 1.2, 4.0)
    if random.random() < bench.defects.cold_weld:
        cell.blame("cold_weld")
        cell.traits["weld_ratio"] = float(random.uniform(1.14, 1.30))
        is_weak = random.random() < 0.5
        pull_n = float(random.uniform(15.0, 22.0)) if is_weak else pull_n
    return {"weld_pull_n": pull_n}


def shot_mg(cell: Unit, bench: Bench, number: int) -> float:
    """Return the electrolyte (mg) that the nozzle of the `number`-th shot truly gives; a second filling tops up."""
    missing_mg = ELECTROLYTE_MG - cell.traits["electrolyte_g"] * MG_PER_G
    given_mg = missing_mg + bounded(bench.random, 80.0, 250.0)
    is_worn = number % NOZZLES == _WORN_NOZZLE and cell.traits["electrolyte_g"] == 0.0
    if is_worn and bench.random.random() < bench.defects.nozzle_underfill:
        given_mg -= float(bench.random.uniform(500.0, 1500.0))
    return max(given_mg, 100.0)


def fill(cell: Unit, given_mg: float, bench: Bench) -> Measured:
    """Take up electrolyte (mg); returns the filled mass (g) by the scale."""
    cell.traits["electrolyte_g"] += given_mg / MG_PER_G
    cell.clear("underfill")
    if cell.traits["electrolyte_g"] < _UNDERFILL_G:
        cell.blame("underfill")
    return {"electrolyte_g": cell.traits["electrolyte_g"] + bounded(bench.random, 0.02, 0.06)}


def seal(cell: Unit, bench: Bench) -> Measured:
    """Crimp the cap; returns the leak (Pa/min)."""
    leak_pamin = float(np.exp(bench.random.normal(math.log(0.8), 0.3)))
    cell.clear("leak")
    if bench.random.random() < bench.defects.seal_leak:
        leak_pamin = float(bench.random.uniform(8.0, 40.0))
        cell.blame("leak")
    return {"leak_pamin": leak_pamin}


def form(cell: Unit, bench: Bench) -> Measured:
    """First charge and discharge (Ah) through the channel of the slot; a bad contact only looks like a bad cell."""
    efficiency_ratio = 0.892 + bounded(bench.random, 0.004, 0.012)
    discharge_ah = cell.traits["capacity_ah"] * (1.0 + bounded(bench.random, 0.001, 0.003))
    worn = 0.5 if bench.slot == _WORN_CHANNEL and bench.defects.formation_contact else bench.defects.formation_contact
    if bench.random.random() < worn:
        discharge_ah *= float(bench.random.uniform(0.3, 0.8))
    return {
        "charge_ah": discharge_ah / efficiency_ratio,
        "discharge_ah": discharge_ah,
        "efficiency_ratio": efficiency_ratio,
    }


def age(cell: Unit, bench: Bench) -> Measured:
    """Rest at low charge as the room has it; returns both open-circuit voltages (V), their fall K (mV/h), resistance (ohm)."""
    return rest(cell.traits, bench.soak or Soak.of(bench.hours), bench.random)


def grade(cell: Unit, bench: Bench) -> Measured:
    """Measure capacity (Ah), resistance (ohm) with the weld's part, and open-circuit voltage (V)."""
    random, traits = bench.random, cell.traits
    ocv_v = 3.288 + bounded(random, 0.0012, 0.004)
    traits["ocv_v"] = ocv_v
    return {
        "capacity_ah": traits["capacity_ah"] * (1.0 + bounded(random, 0.0012, 0.004)),
        "dcir_ohm": traits["dcir_ohm"] * traits.get("weld_ratio", 1.0) * (1.0 + bounded(random, 0.003, 0.01)),
        "ocv_v": ocv_v,
    }


def weigh(cell: Unit, bench: Bench) -> Measured:
    """Return the mass (g) of the finished cell."""
    return {"mass_g": cell.traits["dry_g"] + cell.traits["electrolyte_g"] + bounded(bench.random, 0.015, 0.04)}


def measure_again(cell: Unit, bench: Bench) -> Measured:
    """Measure before insertion, and how far that is from what was recorded of the code that the cell should have."""
    random, traits, before = bench.random, cell.traits, bench.readings
    graded_us = next((work.time_us for work in reversed(cell.works) if work.operation == "grading"), bench.now_us)
    traits["ocv_v"] -= traits["k_mv_per_h"] * (bench.now_us - graded_us) / _US_PER_H / 1000.0
    ocv_v = traits["ocv_v"] + bounded(random, 0.00003, 0.0001)
    dcir_ohm = traits["dcir_ohm"] * traits.get("weld_ratio", 1.0) * (1.0 + bounded(random, 0.003, 0.01))
    mass_g = weigh(cell, bench)["mass_g"]
    return {
        "ocv_v": ocv_v,
        "dcir_ohm": dcir_ohm,
        "mass_g": mass_g,
        "mass_shift_g": mass_g - before.get("mass_g", math.nan),
        "ocv_shift_mv": (ocv_v - before.get("ocv_v", math.nan)) * 1000.0,
        "dcir_shift_ratio": dcir_ohm / before.get("dcir_ohm", math.nan) - 1.0,
        "code_fit_count": float(cell.code == bench.code),
    }


CELL_WORK: dict[str, Callable[[Unit, Bench], Measured]] = {
    "assembly": assemble,
    "sealing": seal,
    "formation": form,
    "ageing": age,
    "grading": grade,
    "sorting": weigh,
    "resort": measure_again,
}
"""What an operation does to a cell, where nothing but the cell and the bench matters."""
