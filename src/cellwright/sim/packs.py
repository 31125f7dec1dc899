"""Module and pack physics: 4S20P modules, four of them a 16S20P pack. What a pack is follows from what is in it."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from cellwright.sim.catalogue import BOLT_TURNS, BOLTS, GROUPS_PER_MODULE, Limit
from cellwright.sim.cells import Bench, Measured
from cellwright.sim.pack_tests import PACK_TESTS
from cellwright.sim.randoms import bounded
from cellwright.sim.units import Unit

PARALLEL = 20
_WELD_J = 100.0
_JOINT_MOHM = 0.22
_NUGGET_N = 50.0
_TORQUE_NM = 9.0
_ANGLE_DEG = 60.0
_BOLT_OHM = 0.00004
_HIPOT_KV = 1.1
_PINCHED_MOHM = Limit(0.5, 10.0)
_STRIPPED_NM = Limit(4.0, 7.5)
_SEIZED_DEG = Limit(15.0, 35.0)


def _within(limit: Limit, bench: Bench) -> float:
    return float(bench.random.uniform(limit.lower, limit.upper))


# --- the module ------------------------------------------------------------------------------


def join_cells(module: Unit, cells: Sequence[Unit], bench: Bench) -> Measured:
    """Put cells into a holder in slot order: parallel groups of 20, four in series.

    Returns what the camera sees: cells whose pole is up, cells with the code that was reported, and how far (mm) the
    worst of them is off its place.
    """
    shape = (GROUPS_PER_MODULE, PARALLEL)
    ocv_v = np.array([cell.traits["ocv_v"] for cell in cells]).reshape(shape).mean(axis=1)
    capacity_ah = np.array([cell.traits["capacity_ah"] for cell in cells]).reshape(shape).sum(axis=1)
    for group in range(GROUPS_PER_MODULE):
        module.traits[f"group_{group + 1}_v"] = float(ocv_v[group])
        module.traits[f"group_{group + 1}_ah"] = float(capacity_ah[group])
    module.traits["insulation_mohm"] = float(np.exp(bench.random.normal(math.log(2000.0), 0.3)))
    offsets_mm = [abs(bounded(bench.random, 0.04, 0.18)) for _ in cells]
    return {
        "polarity_count": float(sum(cell.traits["ocv_v"] > 0.0 for cell in cells)),
        "code_fit_count": float(sum(code == cell.code for code, cell in zip(module.planned, cells, strict=True))),
        "position_mm": max(offsets_mm),
    }


def weld_module(module: Unit, bench: Bench) -> Measured:
    """Weld a joint to each cell, and a coupon beside them: more energy, less resistance.

    Returns the worst joint (milliohm), the range of energies (J), and the energy of each joint by slot.
    """
    cells = bench.members
    ratios = [1.0 + bounded(bench.random, 0.008, 0.03) for _ in cells]
    joints_mohm = [_JOINT_MOHM * (1.0 - 2.0 * (ratio - 1.0)) + bounded(bench.random, 0.005, 0.02) for ratio in ratios]
    conductance = [
        1.0 / (cell.traits["dcir_ohm"] * cell.traits.get("weld_ratio", 1.0) + joint_mohm / 1000.0)
        for cell, joint_mohm in zip(cells, joints_mohm, strict=True)
    ]
    groups = np.array(conductance).reshape(GROUPS_PER_MODULE, PARALLEL).sum(axis=1)
    for group in range(GROUPS_PER_MODULE):
        module.traits[f"group_{group + 1}_ohm"] = float(1.0 / groups[group])
    energies_j = [_WELD_J * ratio for ratio in ratios]
    module.traits["pull_n"] = 400.0 * _JOINT_MOHM * _JOINT_MOHM / max(joints_mohm) + bounded(bench.random, 2.0, 6.0)
    return {
        "joint_mohm": max(joints_mohm),
        "energy_low_j": min(energies_j),
        "energy_high_j": max(energies_j),
        **{f"energy_{slot:02d}_j": energy_j for slot, energy_j in enumerate(energies_j, 1)},
    }


def pull_coupon(module: Unit) -> tuple[float, str]:
    """Tear a weld coupon apart: the force (N) that a module's last weld bore, and where it gave way."""
    pull_n = module.traits["pull_n"]
    return pull_n, "nugget_torn" if pull_n >= _NUGGET_N else "interface_parted"


def measure_module(module: Unit, bench: Bench) -> Measured:
    """Return the module's voltage and the spread of its groups (V), resistance (ohm), insulation (megaohm) and leakage."""
    traits, random = module.traits, bench.random
    groups_v = [traits[f"group_{group}_v"] for group in range(1, GROUPS_PER_MODULE + 1)]
    groups_ohm = [traits[f"group_{group}_ohm"] for group in range(1, GROUPS_PER_MODULE + 1)]
    return {
        "voltage_v": sum(groups_v) + bounded(random, 0.002, 0.006),
        "delta_v": max(groups_v) - min(groups_v) + abs(bounded(random, 0.0003, 0.001)),
        "dcir_ohm": sum(groups_ohm) * (1.0 + bounded(random, 0.002, 0.006)),
        "insulation_mohm": traits["insulation_mohm"] * (1.0 + bounded(random, 0.02, 0.05)),
        "hipot_ma": _HIPOT_KV / traits["insulation_mohm"],
        "ntc_spread_k": abs(bounded(random, 0.3, 1.0)),
    }


# --- the pack --------------------------------------------------------------------------------


def order_modules(pack: Unit, modules: Sequence[Unit], bench: Bench) -> list[Unit]:
    """Return modules as they are truly stacked: as reported, unless two lie in each other's slot."""
    placed = list(modules)
    if bench.random.random() < bench.defects.modules_swapped:
        at = int(bench.random.integers(len(placed) - 1))
        placed[at], placed[at + 1] = placed[at + 1], placed[at]
        pack.blame("modules_swapped")
    return placed


def join_modules(pack: Unit, modules: Sequence[Unit], bench: Bench) -> Measured:
    """Press modules together; a pinched wire hurts the insulation of one. Returns the codes that fit, read before."""
    if bench.random.random() < bench.defects.insulation_low:
        hurt = modules[int(bench.random.integers(len(modules)))]
        hurt.traits["insulation_mohm"] = _within(_PINCHED_MOHM, bench)
        hurt.blame("insulation_low")
    pack.traits["leak_pamin"] = float(np.exp(bench.random.normal(math.log(0.6), 0.3)))
    pack.traits["bond_ohm"] = float(np.exp(bench.random.normal(math.log(0.012), 0.3)))
    known = {module.code for module in modules}
    return {
        "module_fit_count": float(sum(code in known for code in pack.planned)),
        "stack_force_n": 1500.0 + bounded(bench.random, 20.0, 60.0),
    }


def bolt(pack: Unit, bench: Bench) -> Measured:
    """Bolt the busbars, bolt by bolt; returns torque (Nm), angle (degrees) and turn of each.

    Who opens a pack again puts every module where it belongs, and takes new bolts.
    """
    if bench.tries and not pack.is_as_planned:
        _stack_again(pack, bench.members)
    is_loose = not bench.tries and bench.random.random() < bench.defects.bolt_loose
    loose = int(bench.random.integers(1, BOLTS + 1)) if is_loose else 0
    pack.clear("bolt_loose")
    if loose:
        pack.blame("bolt_loose")
    turns = _turns(pack, bench)
    in_turn_count = sum(turn == wanted for turn, wanted in zip(turns, BOLT_TURNS, strict=True))
    measured: Measured = {"sequence_count": float(in_turn_count)}
    pack.traits["bolts_ohm"] = 0.0
    for number in range(1, BOLTS + 1):
        torque_nm, angle_deg = _tighten(bench, is_tight=number != loose)
        measured[f"torque_{number:02d}_nm"] = torque_nm
        measured[f"angle_{number:02d}_deg"] = angle_deg
        measured[f"turn_{number:02d}_count"] = float(turns[number - 1])
        pack.traits["bolts_ohm"] += _BOLT_OHM / min(torque_nm / _TORQUE_NM, angle_deg / _ANGLE_DEG)
    return measured


def _turns(pack: Unit, bench: Bench) -> list[int]:
    """Return when each bolt has its turn: as it should, unless two are taken in each other's."""
    turns = list(BOLT_TURNS)
    pack.clear("bolt_unordered")
    rate = 0.0 if bench.tries else bench.defects.bolt_unordered
    if rate and bench.random.random() < rate:
        at = int(bench.random.integers(BOLTS - 1))
        turns[at], turns[at + 1] = turns[at + 1], turns[at]
        pack.blame("bolt_unordered")
    return turns


def _tighten(bench: Bench, *, is_tight: bool) -> tuple[float, float]:
    """Return torque (Nm) and angle (degrees): a stripped thread never gets its torque, a seized one gets it too early."""
    torque_nm = _TORQUE_NM * (1.0 + bounded(bench.random, 0.008, 0.025))
    angle_deg = _ANGLE_DEG + bounded(bench.random, 2.0, 6.0)
    if is_tight:
        return torque_nm, angle_deg
    if bench.random.random() < 0.5:
        return _within(_STRIPPED_NM, bench), angle_deg
    return torque_nm, _within(_SEIZED_DEG, bench)


def _stack_again(pack: Unit, members: Sequence[Unit]) -> None:
    slots = {code: slot for slot, code in enumerate(pack.planned)}
    for member in members:
        member.slot = slots[member.code]
    pack.members = list(pack.planned)
    pack.clear("modules_swapped")


def ship(_pack: Unit, _bench: Bench) -> Measured:
    """Nothing is measured at the door."""
    return {}


UNIT_WORK: dict[str, Callable[[Unit, Bench], Measured]] = {
    "module_welding": weld_module,
    "module_eol": measure_module,
    "busbar_bolting": bolt,
    **PACK_TESTS,
    "shipping": ship,
}
"""What an operation does to a module or pack."""
SAMPLES: dict[str, tuple[str, Callable[[Unit], tuple[float, str]]]] = {"module_welding": ("pull_n", pull_coupon)}
"""What is measured of a sample of an operation, and how it is destroyed."""
UNIT_WORK_S = {
    "module_gluing": 1500.0,
    "busbar_bolting": 120.0,
    "bms_flash": 90.0,
    "leak_test": 240.0,
    "insulation_test": 90.0,
    "hipot_test": 90.0,
    "capacity_test": 4 * 3600.0,
    "soc_set": 3600.0,
    "labelling": 20.0,
}
"""How long (s) it takes, where that is not a minute."""
