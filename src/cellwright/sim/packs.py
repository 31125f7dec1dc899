"""Module and pack physics: 4S20P modules, four of them a 16S20P pack."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from cellwright.sim.cells import Bench, Measured
from cellwright.sim.randoms import bounded
from cellwright.sim.units import Unit

SERIES_PER_MODULE = 4
PARALLEL = 20


def join_cells(module: Unit, cells: Sequence[Unit], bench: Bench) -> Measured:
    """Put cells into a holder in slot order: parallel groups of 20, four in series."""
    ocv_v = np.array([cell.traits["ocv_v"] for cell in cells]).reshape(SERIES_PER_MODULE, PARALLEL)
    conductance = np.array([1.0 / cell.traits["dcir_ohm"] for cell in cells]).reshape(SERIES_PER_MODULE, PARALLEL)
    module.traits.update(
        voltage_v=float(ocv_v.mean(axis=1).sum()),
        dcir_ohm=float((1.0 / conductance.sum(axis=1)).sum()),
        joint_mohm=0.22 + bounded(bench.random, 0.015, 0.05),
    )
    return {}


def weld_module(module: Unit, bench: Bench) -> Measured:
    """Return the joint resistance (milliohm)."""
    return {"joint_mohm": module.traits["joint_mohm"] + bounded(bench.random, 0.003, 0.01)}


def _insulation_mohm(bench: Bench) -> float:
    return float(np.exp(bench.random.normal(math.log(2000.0), 0.3)))


def measure_module(module: Unit, bench: Bench) -> Measured:
    """Return the module's voltage (V), resistance (ohm) and insulation (megaohm)."""
    return {
        "voltage_v": module.traits["voltage_v"] + bounded(bench.random, 0.002, 0.006),
        "dcir_ohm": module.traits["dcir_ohm"] + module.traits["joint_mohm"] / 1000.0,
        "insulation_mohm": _insulation_mohm(bench),
    }


def join_modules(pack: Unit, modules: Sequence[Unit], _bench: Bench) -> Measured:
    """Connect modules in series."""
    voltages_v = [module.traits["voltage_v"] for module in modules]
    pack.traits.update(voltage_v=sum(voltages_v), delta_v=(max(voltages_v) - min(voltages_v)) / SERIES_PER_MODULE)
    return {}


def measure_pack(pack: Unit, bench: Bench) -> Measured:
    """Return the pack's voltage (V), insulation (megaohm), leak (Pa/min) and spread of its cells (V)."""
    return {
        "voltage_v": pack.traits["voltage_v"] + bounded(bench.random, 0.005, 0.015),
        "insulation_mohm": _insulation_mohm(bench),
        "leak_pamin": float(np.exp(bench.random.normal(math.log(0.6), 0.3))),
        "delta_v": pack.traits["delta_v"] + abs(bounded(bench.random, 0.001, 0.003)),
    }


def ship(_pack: Unit, _bench: Bench) -> Measured:
    """Nothing is measured at the door."""
    return {}


UNIT_WORK: dict[str, Callable[[Unit, Bench], Measured]] = {
    "module_welding": weld_module,
    "module_eol": measure_module,
    "pack_eol": measure_pack,
    "shipping": ship,
}
"""What an operation does to a module or pack."""
