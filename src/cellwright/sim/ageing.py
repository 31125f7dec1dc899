"""Ageing at low charge: how cells truly rest and leak, in a room that is not as warm at one place as at another.

After formation cells hold about a fifth of their charge, where the open-circuit curve is steep enough to see a leak. The
curve is the one that the cyclers see (`curves.open_voltage`, published fits). That the voltage relaxes by a simple
exponential, and how warmth moves it, are this simulator's own numbers.
"""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.random import Generator

from cellwright.sim.curves import open_voltage
from cellwright.sim.randoms import bounded
from cellwright.sim.world import World

SET_C: Final = 25.0
REST_SHARE_RATIO: Final = 36.0 / 168.0
"""Part of the time in the room that passes before the first voltage."""
CHARGED_RATIO: Final = 0.20
SLOPE_V: Final = 0.405
"""dU/dz there: a leak of 0.18 mA is seen as 0.012 mV/h on 6.1 Ah."""
TRUE_ENTROPY_MV_PER_C: Final = -0.27
TRUE_ACIR_B_K: Final = 1060.0
_ZERO_C: Final = -273.15
_CHARGED_RATIO: Final = 0.004
_RELAXING_MV: Final = 4.0
_RELAXING_H: Final = 9.0
_EMPTY_RATIO: Final = 0.002
_RACK_C: Final = 0.8
_DRIFT_C: Final = 1.5
_PLACE_C: Final = 0.3
_SENSOR_C: Final = 0.1
_NEEDLE_RATIO: Final = 0.015


class Soak(Struct, frozen=True):
    """What a cell truly goes through in the room: hours before the first voltage and between both, and how warm it is."""

    rest_h: float
    between_h: float
    first_c: float = SET_C
    second_c: float = SET_C

    @classmethod
    def of(cls, hours: float) -> "Soak":
        """Return an undisturbed stay of so many hours."""
        return cls(hours * REST_SHARE_RATIO, hours * (1.0 - REST_SHARE_RATIO))


def rest(traits: dict[str, float], soak: Soak, random: Generator) -> dict[str, float]:
    """Let a cell rest and leak; returns both voltages (V), their fall K (mV/h) and the resistance at 1 kHz (ohm), all as seen.

    Its true fall by the leak alone, in mV/h at 25 C, becomes the trait `k_aged_mv_per_h`.
    """
    charged = CHARGED_RATIO + bounded(random, _CHARGED_RATIO, 3 * _CHARGED_RATIO)
    left = charged - traits["leak_ma"] / 1000.0 * soak.between_h / traits["capacity_ah"]
    relaxing_mv = _RELAXING_MV * (1.0 + bounded(random, 0.1, 0.3))
    one_v, two_v = _open_v(charged), _open_v(left)
    traits["k_aged_mv_per_h"] = (one_v - two_v) * 1000.0 / soak.between_h
    ends = ((one_v, soak.first_c, soak.rest_h), (two_v, soak.second_c, soak.rest_h + soak.between_h))
    ocv1_v, ocv2_v = (
        round(open_v + _stray_v(warm_c, hours, relaxing_mv) + bounded(random, 0.00003, 0.0001), 5)
        for open_v, warm_c, hours in ends
    )
    heat = TRUE_ACIR_B_K * (1 / (soak.second_c - _ZERO_C) - 1 / (SET_C - _ZERO_C))
    acir_ohm = traits["acir_ohm"] * traits.get("weld_ratio", 1.0) * math.exp(heat)
    return {
        "ocv1_v": ocv1_v,
        "ocv2_v": ocv2_v,
        "k_mv_per_h": (ocv1_v - ocv2_v) * 1000.0 / soak.between_h,
        "acir_ohm": acir_ohm * (1.0 + bounded(random, 0.002, 0.006)),
    }


def _open_v(charge_ratio: float) -> float:
    return float(open_voltage(np.array([max(charge_ratio, _EMPTY_RATIO)]))[0])


def _stray_v(warm_c: float, hours: float, relaxing_mv: float) -> float:
    """Return what of a voltage is not the charge: warmth, and the charging that it still relaxes from."""
    return ((warm_c - SET_C) * TRUE_ENTROPY_MV_PER_C + relaxing_mv * math.exp(-hours / _RELAXING_H)) / 1000.0


class Room:
    """The racks of one ageing room, and the crane that brings trays to the tester: sometimes early, sometimes late."""

    def __init__(self, world: World, station: str) -> None:
        """Stand at a station; how warm and how punctual it is, the plant's defects say."""
        self._world = world
        self._station = station
        self._stays = 0

    def stay(self, rack: int, hours: float) -> "Stay":
        """Return the stay of a tray in a rack."""
        self._stays += 1
        strength = self._world.defects.ageing_heat
        rack_c = bounded(self._world.random(f"{self._station} rack", rack), _RACK_C, 2.5 * _RACK_C)
        now = self._world.random(f"{self._station} stay", self._stays)
        first_c, second_c = (
            SET_C + (rack_c + bounded(now, _DRIFT_C, 2.5 * _DRIFT_C)) * strength for _ in ("OCV1", "OCV2")
        )
        usual = Soak.of(hours)
        rest_h = usual.rest_h
        if now.random() < self._world.defects.late_crane:
            rest_h *= float(now.uniform(0.3, 0.6) if now.random() < 0.5 else now.uniform(1.5, 2.0))
        soak = Soak(rest_h, hours - rest_h, first_c, second_c)
        return Stay(self._world, self._station, soak=soak, number=self._stays)


class Stay:
    """One stay of a tray: `soak` is what the air of its rack truly does."""

    def __init__(self, world: World, station: str, *, soak: Soak, number: int) -> None:
        """Take what truly happens there."""
        self._world = world
        self._station = station
        self._soak = soak
        self._number = number

    def soak(self, slot: int) -> Soak:
        """Return what the cell in a slot goes through: the middle of a tray is warmer than its rim."""
        own = self._world.random(f"{self._station} place", slot)
        place_c = bounded(own, _PLACE_C, 2.5 * _PLACE_C) * self._world.defects.ageing_heat
        whole = self._soak
        return Soak(whole.rest_h, whole.between_h, whole.first_c + place_c, whole.second_c + place_c)

    def seen(self, slot: int, values: Mapping[str, float]) -> dict[str, float]:
        """Return what the tester's needle shows of true values, and what the room says of place, time and warmth."""
        defects, whole = self._world.defects, self._soak
        own = self._world.random(f"{self._station} needle", slot)
        gain = math.exp(bounded(own, _NEEDLE_RATIO, 2.5 * _NEEDLE_RATIO) * defects.channel_bias)
        sensor = self._world.random(f"{self._station} sensor", self._number)
        first_c, second_c = (
            round(warm_c + bounded(sensor, _SENSOR_C, 2.5 * _SENSOR_C) * defects.ageing_heat, 2)
            for warm_c in (whole.first_c, whole.second_c)
        )
        shown = {name: value * gain if name == "acir_ohm" else value for name, value in values.items()}
        told = {"ocv1_c": first_c, "ocv2_c": second_c, "rest_h": whole.rest_h, "between_h": whole.between_h}
        return {**shown, **told, "needle_no": slot}
