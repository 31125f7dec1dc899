"""Where cells are charged and measured: chambers that are not as warm as they say, and channels that are not alike.

Every effect is drawn from generators of its own, so that switching it on changes nothing else in the plant.
"""

import math
from collections.abc import Mapping
from typing import Final

from cellwright.sim.cells import Measured
from cellwright.sim.randoms import bounded
from cellwright.sim.world import World

SET_C: Final = 25.0
TRUE_B_K: Final = 2150.0
"""ln R = ln R0 + B (1/T - 1/T0)."""
TRUE_B_RATIO: Final = 0.0044
"""Share of capacity that one degree more gives."""
_ZERO_C: Final = -273.15
_CHAMBER_C: Final = 1.5
_DRIFT_C: Final = 0.3
_SENSOR_C: Final = 0.3
_PLACE_C: Final = 0.2
_NEEDLE_RATIO: Final = 0.015
_SHUNT_RATIO: Final = 0.0025
_SENSITIVE: Final = {"capacity_ah": "shunt", "discharge_ah": "shunt", "charge_ah": "shunt", "dcir_ohm": "needle"}


class Chambers:
    """The chambers of one station, with one set of channels that is switched from chamber to chamber by slot."""

    def __init__(self, world: World, station: str) -> None:
        """Stand at a station; biases are those that the plant's defects switch on."""
        self._world = world
        self._station = station
        self._runs = 0

    def run(self, chamber: int) -> "Run":
        """Return one run of a tray in a chamber, as warm as it is this time."""
        self._runs += 1
        strength = self._world.defects.chamber_bias
        own = self._world.random(f"{self._station} chamber", chamber)
        air_c = bounded(own, _CHAMBER_C, 2.5 * _CHAMBER_C) * strength
        sensor_c = bounded(own, _SENSOR_C, 2.5 * _SENSOR_C) * strength
        now = self._world.random(f"{self._station} run", self._runs)
        true_c = SET_C + air_c + bounded(now, _DRIFT_C, 2.5 * _DRIFT_C) * strength
        return Run(self._world, self._station, chamber=chamber, true_c=true_c, told_c=true_c + sensor_c)


class Run:
    """One run: `true_c` is how warm the air is, `told_c` what the cabinet says of it."""

    def __init__(self, world: World, station: str, *, chamber: int, true_c: float, told_c: float) -> None:
        """Take a chamber and its temperatures."""
        self._world = world
        self._station = station
        self._chamber = chamber
        self._true_c = true_c
        self._told_c = told_c

    def seen(self, slot: int, values: Mapping[str, float]) -> Measured:
        """Return what a channel shows of true values, and what the machine says of chamber, channel and temperature."""
        defects = self._world.defects
        own = self._world.random(f"{self._station} channel", slot)
        warm_c = self._true_c + bounded(own, _PLACE_C, 2.5 * _PLACE_C) * defects.chamber_bias
        gains = {
            "needle": bounded(own, _NEEDLE_RATIO, 2.5 * _NEEDLE_RATIO) * defects.channel_bias,
            "shunt": bounded(own, _SHUNT_RATIO, 2.5 * _SHUNT_RATIO) * defects.channel_bias,
        }
        heats = {
            "needle": TRUE_B_K * (1 / (warm_c - _ZERO_C) - 1 / (SET_C - _ZERO_C)),
            "shunt": TRUE_B_RATIO * (warm_c - SET_C),
        }
        shown = {
            name: value * math.exp(heats[kind] + gains[kind]) if (kind := _SENSITIVE.get(name)) else value
            for name, value in values.items()
        }
        return {**shown, "chamber_no": self._chamber, "channel_no": slot, "chamber_c": round(self._told_c, 2)}
