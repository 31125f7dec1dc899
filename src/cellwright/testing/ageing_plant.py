"""The tiny plant whose grading station measures self-discharge too, and reports of cells with a known leak."""

from collections.abc import Sequence
from typing import Final

from msgspec import structs

from cellwright.model.commands import Result
from cellwright.model.plant import Plant
from cellwright.model.quantities import Characteristic
from cellwright.model.routes import Grade, Operation
from cellwright.model.self_discharge import CurvePoint, SelfDischarge
from cellwright.testing.flow import results
from cellwright.testing.plants import small_plant

SLOPE_V: Final = 0.4
"""dU/dz between 10 and 30 % of charge; between 30 and 60 % the curve is flat."""
CAPACITY_AH: Final = 6.0
ENTROPY_MV_PER_C: Final = -0.25
RULE: Final = SelfDischarge(
    characteristic="k_mv_per_h",
    corrected="k_fair_mv_per_h",
    leak="leak_ma",
    ocv1="ocv1_v",
    ocv1_temperature="ocv1_c",
    ocv2="ocv2_v",
    ocv2_temperature="ocv2_c",
    rest="rest_h",
    between="between_h",
    nominal_rest_h=36.0,
    nominal_between_h=132.0,
    curve=(CurvePoint(0.1, 3.17), CurvePoint(0.3, 3.25), CurvePoint(0.6, 3.2505), CurvePoint(1.0, 3.4)),
    curve_source="made for tests",
    entropy_mv_per_c=ENTROPY_MV_PER_C,
    entropy_error_mv_per_c=0.05,
    entropy_source="made for tests",
    capacity_ah=CAPACITY_AH,
    capacity_source="made for tests",
)
K_MAX_MV_PER_H: Final = 0.02
_UNITS: Final = {"_c": "C", "_v": "V", "_h": "h", "_ma": "mA"}


def ageing_plant(rule: SelfDischarge = RULE) -> Plant:
    """Return the tiny plant that works self-discharge out while it grades; grade A asks for K below 0.02 mV/h."""
    plant = small_plant()
    routes = {
        code: structs.replace(draft, operations=tuple(_ageing(each, rule) for each in draft.operations))
        for code, draft in plant.routes.items()
    }
    return structs.replace(plant, routes=routes)


def _ageing(operation: Operation, rule: SelfDischarge) -> Operation:
    if operation.code != "grade":
        return operation
    names = (
        *(rule.ocv1, rule.ocv1_temperature, rule.ocv2, rule.ocv2_temperature, rule.rest, rule.between),
        *(rule.characteristic, rule.corrected, rule.leak),
    )
    added = tuple(Characteristic(code=name, unit=_unit_of(name), required=False) for name in names)
    limit = Characteristic(code=rule.characteristic, unit="mV/h", upper=K_MAX_MV_PER_H)
    first, *others = operation.grades
    grades = (Grade(code=first.code, limits=(*first.limits, limit)), *others)
    characteristics = (*operation.characteristics, *added)
    return structs.replace(operation, characteristics=characteristics, self_discharge=rule, grades=grades)


def _unit_of(name: str) -> str:
    return "mV/h" if name.endswith("_mv_per_h") else _UNITS[f"_{name.rsplit('_', 1)[-1]}"]


def aged(leaks_ma: Sequence[float], **changed: Sequence[float | None]) -> tuple[Result, ...]:
    """Return what a station reports of cells with these leaks at 20 % of charge, 2 C warmer the second time."""
    count = len(leaks_ma)
    first_c, second_c, between_h = 24.0, 26.0, RULE.nominal_between_h
    lost_v = [leak * between_h / 1000 / CAPACITY_AH * SLOPE_V for leak in leaks_ma]
    heat_v = ENTROPY_MV_PER_C / 1000
    one_v = 3.21 + heat_v * (first_c - 25)
    two_v = [3.21 - lost + heat_v * (second_c - 25) for lost in lost_v]
    columns: dict[str, Sequence[float | None]] = {
        "capacity_ah": [6.2] * count,
        "ocv1_v": [one_v] * count,
        "ocv1_c": [first_c] * count,
        "ocv2_v": two_v,
        "ocv2_c": [second_c] * count,
        "rest_h": [RULE.nominal_rest_h] * count,
        "between_h": [between_h] * count,
        "k_mv_per_h": [(one_v - each) * 1000 / between_h for each in two_v],
    }
    return results(**{**columns, **changed})
