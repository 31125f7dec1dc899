"""The units of a realtime report by edition: GB/T 32960.3-2016 (7.2, annex B) and GB/T 32960.3-2025 (7.2).

The same number means other things in the two editions, so every table is kept by edition.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from msgspec import Struct

from cellwright.links.gb32960.fields import Field, Listed, Number, Opaque


class Edition(IntEnum):
    """An edition of the standard; both live on one port, told apart by the first two bytes."""

    E2016 = 2016
    E2025 = 2025


class UnitTable(Struct, frozen=True):
    """A unit of a realtime report: its name and its fields after the number of the unit."""

    name: str
    fields: tuple[Field, ...]


SIGNATURE: Final = 0xFF
"""Number that begins a signature (2025)."""
USER_UNITS: Final = range(0x80, 0xFF)
"""Units that a maker defines: two bytes of length, then that many."""

_ON_OFF = {1: "on", 2: "off"}
_VEHICLE_STATES = {1: "on", 2: "off", 3: "other"}
_CHARGE_STATES = {1: "parked_charging", 2: "driving_charging", 3: "not_charging", 4: "full"}
_RUNNING_MODES = {1: "electric", 2: "hybrid", 3: "fuel"}
_MOTOR_STATES = {1: "consuming", 2: "generating", 3: "off", 4: "ready"}
_ENGINE_STATES = {1: "on", 2: "off"}
_DATUMS = {1: "WGS-84", 2: "GCJ-02", 3: "other"}
_ALGORITHMS = {1: "SM2", 2: "RSA", 3: "ECC"}


def _count(name: str, size: int = 1) -> Number:
    return Number(name, size)


def _celsius(name: str, size: int = 1) -> Number:
    return Number(name, size, "C", offset=-40)


def _volt(name: str) -> Number:
    return Number(name, 2, "V", 10)


def _cell_mv(name: str = "") -> Number:
    return Number(name, 2, "mV")


def _ampere(name: str, zero_a: int) -> Number:
    return Number(name, 2, "A", 10, -zero_a)


def _vehicle(zero_a: int) -> tuple[Field, ...]:
    return (
        Number("vehicle_state", 1, codes=_VEHICLE_STATES),
        Number("charge_state", 1, codes=_CHARGE_STATES),
        Number("running_mode", 1, codes=_RUNNING_MODES),
        Number("speed_km_per_h", 2, "km/h", 10),
        Number("odometer_km", 4, "km", 10),
        _volt("voltage_v"),
        _ampere("current_a", zero_a),
        Number("soc_percent", 1, "%"),
        Number("dcdc_state", 1, codes=_ON_OFF),
        Number("gear_bits", 1, has_states=False),
    )


_VEHICLE_2016 = UnitTable(
    "vehicle",
    (
        *_vehicle(1000),
        Number("insulation_kohm", 2, "kohm", has_states=False),
        Number("accelerator_percent", 1, "%"),
        Number("brake_percent", 1, "%", codes={101: "pressed"}),
    ),
)
_VEHICLE_2025 = UnitTable("vehicle", (*_vehicle(3000), Number("insulation_kohm", 2, "kohm")))


def _motors(item: tuple[Field, ...]) -> UnitTable:
    return UnitTable("motors", (_count("motors_count"), Listed("motors", "motors_count", item)))


_MOTORS_2016 = _motors(
    (
        Number("motor_no", 1),
        Number("state", 1, codes=_MOTOR_STATES),
        _celsius("controller_c"),
        Number("speed_rpm", 2, "rpm", offset=-20000),
        Number("torque_nm", 2, "N m", 10, -2000),
        _celsius("motor_c"),
        _volt("controller_v"),
        _ampere("controller_a", 1000),
    )
)
_MOTORS_2025 = _motors(
    (
        Number("motor_no", 1),
        Number("state", 1, codes=_MOTOR_STATES),
        _celsius("controller_c"),
        Number("speed_rpm", 2, "rpm", offset=-32000),
        Number("torque_nm", 4, "N m", 10, -20000),
        _celsius("motor_c"),
    )
)
_FUEL_CELL_2016 = UnitTable(
    "fuel_cell",
    (
        _volt("voltage_v"),
        Number("current_a", 2, "A", 10),
        Number("consumption_kg_per_100km", 2, "kg/100 km", 100),
        _count("temperatures_count", 2),
        Listed("temperatures_c", "temperatures_count", (_celsius(""),)),
        Number("hydrogen_highest_c", 2, "C", 10, -40),
        Number("hydrogen_highest_c_probe_no", 1),
        Number("hydrogen_highest_mg_per_kg", 2, "mg/kg"),
        Number("hydrogen_highest_mg_per_kg_sensor_no", 1),
        Number("hydrogen_highest_mpa", 2, "MPa", 10),
        Number("hydrogen_highest_mpa_sensor_no", 1),
        Number("high_voltage_dcdc_state", 1, codes=_ON_OFF),
    ),
)
_FUEL_CELL_2025 = UnitTable(
    "fuel_cell_engine",
    (
        _celsius("hydrogen_highest_c", 2),
        Number("hydrogen_highest_c_probe_no", 1),
        Number("hydrogen_highest_percent", 2, "vol%", 10000),
        Number("hydrogen_highest_percent_sensor_no", 1),
        Number("hydrogen_highest_mpa", 2, "MPa", 10),
        Number("hydrogen_highest_mpa_sensor_no", 1),
        Number("high_voltage_dcdc_state", 1, codes=_ON_OFF),
        Number("hydrogen_left_percent", 1, "%"),
        _celsius("dcdc_controller_c"),
    ),
)
_ENGINE_2016 = UnitTable(
    "engine",
    (
        Number("state", 1, codes=_ENGINE_STATES),
        Number("speed_rpm", 2, "rpm"),
        Number("fuel_l_per_100km", 2, "L/100 km", 100),
    ),
)
_ENGINE_2025 = UnitTable("engine", (Number("speed_rpm", 2, "rpm"),))


def _degrees() -> tuple[Field, ...]:
    return Number("longitude_deg", 4, "deg", 1_000_000), Number("latitude_deg", 4, "deg", 1_000_000)


_POSITION_2016 = UnitTable("position", (Number("position_bits", 1, has_states=False), *_degrees()))
_POSITION_2025 = UnitTable(
    "position", (Number("position_bits", 1, has_states=False), Number("datum", 1, codes=_DATUMS), *_degrees())
)


def _extreme(name: str, place: str, value: Number, size: int) -> tuple[Field, ...]:
    return Number(f"{name}_subsystem_no", 1), Number(f"{name}_{place}_no", size), value


def _extremes(name: str, size: int) -> UnitTable:
    return UnitTable(
        name,
        (
            *_extreme("highest_mv", "cell", _cell_mv("highest_mv"), size),
            *_extreme("lowest_mv", "cell", _cell_mv("lowest_mv"), size),
            *_extreme("highest_c", "probe", _celsius("highest_c"), size),
            *_extreme("lowest_c", "probe", _celsius("lowest_c"), size),
        ),
    )


def _faults(of: str) -> tuple[Field, ...]:
    return _count(f"{of}_faults_count"), Listed(
        f"{of}_faults", f"{of}_faults_count", (Number("", 4, has_states=False),)
    )


_ALARMS: tuple[Field, ...] = (
    Number("level", 1),
    Number("alarm_bits", 4, has_states=False),
    *_faults("battery"),
    *_faults("motor"),
    *_faults("engine"),
    *_faults("other"),
)
_ALARMS_2016 = UnitTable("alarms", _ALARMS)
_ALARMS_2025 = UnitTable(
    "alarms",
    (
        *_ALARMS,
        _count("levels_count"),
        Listed("levels", "levels_count", (Number("alarm_bit", 1), Number("level", 1))),
    ),
)
_VOLTAGES_2016 = UnitTable(
    "voltages",
    (
        _count("subsystems_count"),
        Listed(
            "subsystems",
            "subsystems_count",
            (
                Number("subsystem_no", 1),
                _volt("voltage_v"),
                _ampere("current_a", 1000),
                Number("cells_total", 2),
                Number("first_cell_no", 2),
                _count("cells_count"),
                Listed("cells_mv", "cells_count", (_cell_mv(),)),
            ),
        ),
    ),
)
_VOLTAGES_2025 = UnitTable(
    "voltages",
    (
        _count("subsystems_count"),
        Listed(
            "subsystems",
            "subsystems_count",
            (
                Number("subsystem_no", 1),
                _volt("voltage_v"),
                _ampere("current_a", 3000),
                _count("cells_count", 2),
                Listed("cells_mv", "cells_count", (_cell_mv(),)),
            ),
        ),
    ),
)
_TEMPERATURES = UnitTable(
    "temperatures",
    (
        _count("subsystems_count"),
        Listed(
            "subsystems",
            "subsystems_count",
            (
                Number("subsystem_no", 1),
                _count("probes_count", 2),
                Listed("probes_c", "probes_count", (_celsius(""),)),
            ),
        ),
    ),
)
_STACKS = UnitTable(
    "fuel_cell_stacks",
    (
        _count("stacks_count"),
        Listed(
            "stacks",
            "stacks_count",
            (
                Number("stack_no", 1),
                _volt("voltage_v"),
                Number("current_a", 2, "A", 10),
                Number("hydrogen_inlet_kpa", 2, "kPa", 10, -100),
                Number("air_inlet_kpa", 2, "kPa", 10, -100),
                _celsius("air_inlet_c"),
                _count("coolant_count", 2),
                Listed("coolant_c", "coolant_count", (_celsius(""),)),
            ),
        ),
    ),
)
_SUPERCAPACITOR = UnitTable(
    "supercapacitor",
    (
        Number("system_no", 1),
        _volt("voltage_v"),
        _ampere("current_a", 3000),
        _count("cells_count", 2),
        Listed("cells_mv", "cells_count", (_cell_mv(),)),
        _count("probes_count", 2),
        Listed("probes_c", "probes_count", (_celsius(""),)),
    ),
)
_SIGNATURE = UnitTable(
    "signature",
    (
        Number("algorithm", 1, codes=_ALGORITHMS),
        _count("r_size", 2),
        Opaque("r", "r_size"),
        _count("s_size", 2),
        Opaque("s", "s_size"),
    ),
)
_USER = UnitTable("user", (_count("content_size", 2), Opaque("content", "content_size")))

UNITS: Final[Mapping[Edition, Mapping[int, UnitTable]]] = {
    Edition.E2016: {
        0x01: _VEHICLE_2016,
        0x02: _MOTORS_2016,
        0x03: _FUEL_CELL_2016,
        0x04: _ENGINE_2016,
        0x05: _POSITION_2016,
        0x06: _extremes("extremes", 1),
        0x07: _ALARMS_2016,
        0x08: _VOLTAGES_2016,
        0x09: _TEMPERATURES,
        **dict.fromkeys([*USER_UNITS], _USER),
    },
    Edition.E2025: {
        0x01: _VEHICLE_2025,
        0x02: _MOTORS_2025,
        0x03: _FUEL_CELL_2025,
        0x04: _ENGINE_2025,
        0x05: _POSITION_2025,
        0x06: _ALARMS_2025,
        0x07: _VOLTAGES_2025,
        0x08: _TEMPERATURES,
        0x30: _STACKS,
        0x31: _SUPERCAPACITOR,
        0x32: _extremes("supercapacitor_extremes", 2),
        **dict.fromkeys([*USER_UNITS], _USER),
        SIGNATURE: _SIGNATURE,
    },
}
NUMBERS: Final = {
    edition: {table.name: number for number, table in units.items() if number not in USER_UNITS}
    for edition, units in UNITS.items()
}
"""Numbers of units by their names."""

ALARM_NAMES: Final = (
    "temperature_difference",
    "battery_over_temperature",
    "pack_over_voltage",
    "pack_under_voltage",
    "soc_low",
    "cell_over_voltage",
    "cell_under_voltage",
    "soc_high",
    "soc_jump",
    "storage_mismatch",
    "cell_consistency_poor",
    "insulation",
    "dcdc_temperature",
    "brake_system",
    "dcdc_state",
    "motor_controller_temperature",
    "high_voltage_interlock",
    "motor_temperature",
    "over_charge",
    "motor_over_speed",
    "motor_over_current",
    "supercapacitor_over_temperature",
    "supercapacitor_over_voltage",
    "thermal_event",
    "hydrogen_leak",
    "hydrogen_pressure",
    "hydrogen_temperature",
    "stack_over_temperature",
)
"""Alarms by the number of their bit; those from 19 on since 2025."""
