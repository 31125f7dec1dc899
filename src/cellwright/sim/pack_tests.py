"""The tests at the end of the PACK line: each measures what follows from the modules and joints of the pack."""

from collections.abc import Callable, Sequence

from cellwright.sim.catalogue import GROUPS_PER_MODULE
from cellwright.sim.cells import Bench, Measured
from cellwright.sim.randoms import bounded
from cellwright.sim.units import Unit

_HIPOT_KV = 1.1
_LOAD_A = 60.0
_PULSE_A = 100.0
_MEAN_V = 3.2
_MODULE_J_PER_K = 80 * 143.0
"""80 cells of 143 g, about 1 J/gK."""
_BOLT_SHARE = 0.25
"""Part of the heat of the bolts that goes into the hottest module."""
_SOC_RATIO = 0.40


def weakest_mohm(modules: Sequence[Unit]) -> float:
    """Return the insulation (megaohm) of modules in one housing: their leaks are in parallel."""
    return 1.0 / sum(1.0 / module.traits["insulation_mohm"] for module in modules)


def groups_of(modules: Sequence[Unit], unit: str) -> list[float]:
    """Return a trait of each series group, from the first slot on: `v`, `ah` or `ohm`."""
    numbers = range(1, GROUPS_PER_MODULE + 1)
    return [module.traits[f"group_{number}_{unit}"] for module in modules for number in numbers]


def _spread(values: Sequence[float]) -> float:
    return max(values) - min(values)


def measure_leak(pack: Unit, bench: Bench) -> Measured:
    """Return the fall of pressure (Pa/min) of the closed housing."""
    return {"leak_pamin": pack.traits["leak_pamin"] * (1.0 + bounded(bench.random, 0.03, 0.1))}


def measure_insulation(_pack: Unit, bench: Bench) -> Measured:
    """Return the insulation (megaohm) of both poles."""
    mohm = weakest_mohm(bench.members)
    return {
        f"insulation_{pole}_mohm": mohm * (1.0 + bounded(bench.random, 0.02, 0.05)) for pole in ("positive", "negative")
    }


def measure_hipot(_pack: Unit, bench: Bench) -> Measured:
    """Return the leakage (mA) under test voltage."""
    return {"hipot_ma": _HIPOT_KV / weakest_mohm(bench.members) * (1.0 + bounded(bench.random, 0.02, 0.05))}


def measure_equalisation(pack: Unit, bench: Bench) -> Measured:
    """Return the worst resistance (ohm) between the housing and what can be touched."""
    return {"bond_ohm": pack.traits["bond_ohm"] * (1.0 + bounded(bench.random, 0.01, 0.03))}


def measure_capacity(pack: Unit, bench: Bench) -> Measured:
    """Charge, rest, discharge: the weakest group ends it; resistance (ohm) by a pulse, and how far groups differ."""
    modules, random = bench.members, bench.random
    volts, ohms = groups_of(modules, "v"), groups_of(modules, "ohm")
    capacity_ah = min(groups_of(modules, "ah")) * (1.0 + bounded(random, 0.001, 0.003))
    dcir_ohm = sum(ohms) + pack.traits["bolts_ohm"]
    under_load = [volt - _PULSE_A * ohm for volt, ohm in zip(volts, ohms, strict=True)]
    mean_v = len(volts) * _MEAN_V - _LOAD_A * dcir_ohm
    pack.traits["capacity_ah"] = capacity_ah
    return {
        "capacity_ah": capacity_ah,
        "energy_kwh": capacity_ah * mean_v / 1000.0,
        "dcir_ohm": dcir_ohm * (1.0 + bounded(random, 0.002, 0.006)),
        "delta_v": _spread(volts) + abs(bounded(random, 0.0005, 0.0015)),
        "load_delta_v": _spread(under_load) + abs(bounded(random, 0.001, 0.003)),
        "spread_k": _heating_spread(pack, modules, hours=capacity_ah / _LOAD_A) + abs(bounded(random, 0.3, 0.8)),
    }


def _heating_spread(pack: Unit, modules: Sequence[Unit], *, hours: float) -> float:
    """Return how much warmer (K) the warmest module gets than the coldest, by its own resistance and bad bolts."""
    per_ohm = _LOAD_A**2 * hours * 3600.0 / _MODULE_J_PER_K
    rises_k = [per_ohm * sum(groups_of([module], "ohm")) for module in modules]
    return _spread(rises_k) + per_ohm * _BOLT_SHARE * pack.traits["bolts_ohm"]


def set_soc(pack: Unit, bench: Bench) -> Measured:
    """Discharge to the state of charge for transport, by counting charge against the capacity that was measured."""
    error_ratio = pack.traits["capacity_ah"] / min(groups_of(bench.members, "ah"))
    return {"soc_ratio": _SOC_RATIO * error_ratio * (1.0 + bounded(bench.random, 0.002, 0.006))}


def read_label(pack: Unit, bench: Bench) -> Measured:
    """Print and stick the label that the pack should have, and read it."""
    return {"code_fit_count": float(pack.code == bench.code)}


def measure_pack(_pack: Unit, bench: Bench) -> Measured:
    """Return the finished pack's voltage (V), insulation (megaohm) and spread of its groups (V)."""
    volts, random = groups_of(bench.members, "v"), bench.random
    return {
        "voltage_v": sum(volts) + bounded(random, 0.005, 0.015),
        "insulation_mohm": weakest_mohm(bench.members) * (1.0 - abs(bounded(random, 0.02, 0.05))),
        "delta_v": _spread(volts) + abs(bounded(random, 0.001, 0.003)),
    }


PACK_TESTS: dict[str, Callable[[Unit, Bench], Measured]] = {
    "leak_test": measure_leak,
    "insulation_test": measure_insulation,
    "hipot_test": measure_hipot,
    "equalisation": measure_equalisation,
    "capacity_test": measure_capacity,
    "soc_set": set_soc,
    "labelling": read_label,
    "pack_eol": measure_pack,
}
"""What an operation finds out about a closed pack."""
