"""Self-discharge: how an operation works it out from two open-circuit voltages, and why it may be unknown."""

from enum import StrEnum

from msgspec import Struct


class CurvePoint(Struct, frozen=True):
    """A point of an open-circuit curve: the voltage (V) at a state of charge (0..1)."""

    soc_ratio: float
    ocv_v: float


class SelfDischarge(Struct, frozen=True, kw_only=True):
    """How an operation works out self-discharge: of which characteristics, by which curve, compared with which times."""

    characteristic: str
    """K as the station reports it: a difference of two voltages over time, whatever the temperature."""
    corrected: str
    """Under which characteristic K at one temperature is recorded."""
    leak: str
    """Under which characteristic the current that the cell loses inside is recorded, mA."""
    ocv1: str
    ocv1_temperature: str
    ocv2: str
    ocv2_temperature: str
    rest: str
    """Characteristic that tells the time without current before the first voltage, h."""
    between: str
    """Characteristic that tells the time between both voltages, h."""
    nominal_rest_h: float
    nominal_between_h: float
    rest_tolerance_ratio: float = 0.05
    """By which share either time may differ from its nominal one."""
    curve: tuple[CurvePoint, ...]
    """Open-circuit curve at `reference_c`; it rises from point to point."""
    curve_source: str = ""
    entropy_mv_per_c: float | None = None
    """dU/dT of the cells at that state of charge; None = unknown."""
    entropy_source: str = ""
    entropy_error_mv_per_c: float = 0.0
    """Standard error of it."""
    temperature_error_c: float = 0.1
    """Standard error of how much warmer one voltage was measured than the other."""
    temperature_tolerance_c: float = 0.2
    """Where dU/dT is unknown: by how much both temperatures may differ."""
    reference_c: float = 25.0
    voltmeter_mv: float = 0.05
    """Repeatability, one standard deviation, of one voltage."""
    leak_of_interest_ma: float = 0.1
    """What must be seen for K to say anything."""
    capacity_ah: float
    capacity: str = ""
    """Characteristic that tells the capacity of each unit, Ah; "" = all have `capacity_ah`."""
    capacity_source: str = ""
    graded: bool = True
    """Whether grades that ask for the reported K get the corrected one; unknown stays unknown."""


class Doubt(StrEnum):
    """Why the self-discharge of a unit is unknown; "" = it is known."""

    NONE = ""
    NOT_MEASURED = "not_measured"
    TEMPERATURE_UNKNOWN = "temperature_unknown"
    TIME_INVALID = "time_invalid"
    OFF_CURVE = "off_curve"
    FLAT = "flat"
    ENTROPY_UNKNOWN = "entropy_unknown"
    REST_UNEQUAL = "rest_unequal"
