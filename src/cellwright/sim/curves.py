"""What a cycler sees of a cell: the open-circuit voltage of LFP against graphite, resistance, heat, noise, bad contacts.

Potentials are published fits: LFP of Afshar et al. 2017 (arXiv:1709.03970), graphite of Safari and Delacourt, J.
Electrochem. Soc. 158 (2011) A562. The rest is this simulator's own and plain: one resistance, one time constant of heat.
"""

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.random import Generator

from cellwright.sim.lots import FloatArray

S_PER_H: Final = 3600.0
_GRID_S: Final = 2.0
_LOG_S: Final = 60.0
_LOG_V: Final = 0.005
_POLARISATION_OHM: Final = 0.03
_RELAXING_S: Final = 300.0
_HEATING_S: Final = 900.0
_KELVIN_PER_WATT: Final = 9.0
_TAIL_S: Final = 20.0


class Program(Struct, frozen=True):
    """What a cycler does: 1 charge for a while, 2 charge to a voltage, 3 hold it, 4 rest, 5 discharge, 6 rest."""

    code: str
    version: str
    pre_a: float
    pre_h: float
    charge_a: float
    discharge_a: float
    charge_end_v: float
    discharge_end_v: float
    ambient_c: float
    rest_s: float = 900.0


PROGRAMS: Final = {
    "formation": Program("FORM", "1", 0.3, 0.5, 1.2, 1.2, 3.65, 2.0, 35.0),
    "grading": Program("GRADE", "1", 3.0, 0.1, 3.0, 3.0, 3.65, 2.5, 25.0),
}
"""As the released recipes of the plant say."""


class Specimen(Struct, frozen=True):
    """The cell and its run: true charge that it holds (Ah), resistance, what went in and came out (Ah), by what contact."""

    capacity_ah: float
    resistance_ohm: float
    charge_ah: float
    discharge_ah: float
    offset_v: float
    """Bias of the channel's voltage."""

    @property
    def is_cut_short(self) -> bool:
        """Whether a bad contact ended the run before the cell was empty."""
        return self.discharge_ah < 0.9 * self.capacity_ah


class CurveRows(Struct, frozen=True):
    """The samples of one test, by column."""

    steps: FloatArray
    times_s: FloatArray
    currents_a: FloatArray
    voltages_v: FloatArray
    temperatures_c: FloatArray


class _Part(Struct):
    """A step on a fine grid: its number, times from its begin, current (charging is positive), voltage."""

    step: int
    times_s: FloatArray
    currents_a: FloatArray
    voltages_v: FloatArray


def open_voltage(charge_ratio: FloatArray) -> FloatArray:
    """Return the open-circuit voltage (V) of a cell at each state of charge, 0 to 1."""
    lfp, graphite = 0.97 - 0.967 * charge_ratio, 0.8 * charge_ratio
    cathode_v = 3.4077 - 0.020269 * lfp + 0.5 * np.exp(-150.0 * lfp) - 0.9 * np.exp(-30.0 * (1.0 - lfp))
    anode_v = (
        0.6379
        + 0.5416 * np.exp(-305.5309 * graphite)
        + 0.044 * np.tanh(-(graphite - 0.1958) / 0.1088)
        - 0.1978 * np.tanh((graphite - 1.0571) / 0.0854)
        - 0.6875 * np.tanh((graphite + 0.0117) / 0.0529)
        - 0.0175 * np.tanh((graphite - 0.5692) / 0.0875)
    )
    return np.asarray(cathode_v - anode_v, dtype=np.float64)


_RATIOS: Final = np.linspace(0.0, 1.0, 20_001)
_OPEN_V: Final = open_voltage(_RATIOS)


def record_curve(program: Program, cell: Specimen, random: Generator) -> CurveRows:
    """Return what the cycler logs: a sample each minute, or whenever the voltage has moved 5 mV."""
    parts = _charge(program, cell)
    full = parts[-1]
    top_ratio = _ratio_charged(cell)
    parts.append(_rest(4, program, last_v=float(full.voltages_v[-1]), ratio=top_ratio))
    discharged, bottom_ratio = _discharge(program, cell, top_ratio, random)
    parts += [discharged, _rest(6, program, last_v=float(discharged.voltages_v[-1]), ratio=bottom_ratio)]
    return _logged(parts, program, cell, random=random)


def _ratio_charged(cell: Specimen) -> float:
    return min(1.0, cell.discharge_ah / cell.capacity_ah) if cell.is_cut_short else 1.0


def _drop_ohm(cell: Specimen) -> float:
    return cell.resistance_ohm + _POLARISATION_OHM


def _held(seconds: float) -> FloatArray:
    return np.asarray(np.append(np.arange(_GRID_S, seconds - _GRID_S / 2, _GRID_S), seconds), dtype=np.float64)


def _charge(program: Program, cell: Specimen) -> list[_Part]:
    """Pre-charge, charge at constant current, and at constant voltage unless a contact ends it before."""
    ohm, top_ratio = _drop_ohm(cell), _ratio_charged(cell)
    taper_ratio = float(np.interp(program.charge_end_v - program.charge_a * ohm, _OPEN_V, _RATIOS))
    stop_ratio = min(taper_ratio, top_ratio)
    at_stop_ah = cell.charge_ah * stop_ratio / top_ratio
    pre_ah = program.pre_a * program.pre_h
    parts, begun_ah = [], 0.0
    stages = ((1, program.pre_a, pre_ah), (2, program.charge_a, at_stop_ah - pre_ah))
    for step, current_a, moved_ah in stages:
        times_s = _held(moved_ah / current_a * S_PER_H)
        ratio = (begun_ah + current_a * times_s / S_PER_H) / cell.charge_ah * top_ratio
        parts.append(
            _Part(step, times_s, np.full(len(times_s), current_a), np.interp(ratio, _RATIOS, _OPEN_V) + current_a * ohm)
        )
        begun_ah += moved_ah
    if cell.is_cut_short:
        _fail(parts[-1], program.charge_end_v)
        return parts
    left_ah = cell.charge_ah - at_stop_ah
    fall_s = max(left_ah, 1e-4) / program.charge_a * S_PER_H
    times_s = _held(5.0 * fall_s)
    currents_a = program.charge_a * np.exp(-times_s / fall_s)
    return [*parts, _Part(3, times_s, currents_a, np.full(len(times_s), program.charge_end_v))]


def _rest(step: int, program: Program, *, last_v: float, ratio: float) -> _Part:
    times_s = _held(program.rest_s)
    open_v = float(np.interp(ratio, _RATIOS, _OPEN_V))
    # A voltage at a bad contact is none of the cell's: it falls off at once.
    lag_v = float(np.clip(last_v - open_v, -0.2, 0.2))
    return _Part(step, times_s, np.zeros(len(times_s)), open_v + lag_v * np.exp(-times_s / _RELAXING_S))


def _discharge(program: Program, cell: Specimen, top_ratio: float, random: Generator) -> tuple[_Part, float]:
    """Discharge to the cut-off, or until a bad contact seems to be it; returns the state of charge at the end too."""
    ohm, current_a = _drop_ohm(cell), program.discharge_a
    empty_ratio = float(np.interp(program.discharge_end_v + current_a * ohm, _OPEN_V, _RATIOS))
    times_s = _held(cell.discharge_ah / current_a * S_PER_H)
    moved = current_a * times_s / S_PER_H / cell.discharge_ah
    if not cell.is_cut_short:
        ratio = top_ratio - (top_ratio - empty_ratio) * moved
        return _Part(
            5, times_s, np.full(len(times_s), -current_a), np.interp(ratio, _RATIOS, _OPEN_V) - current_a * ohm
        ), empty_ratio
    # What flowed is what the contact let through; the cell still holds the rest.
    left_ratio = max(top_ratio - cell.discharge_ah / cell.capacity_ah, 0.3 * top_ratio)
    ratio = top_ratio - (top_ratio - left_ratio) * moved
    part = _Part(5, times_s, np.full(len(times_s), -current_a), np.interp(ratio, _RATIOS, _OPEN_V) - current_a * ohm)
    _flicker(part, current_a, random)
    _fail(part, program.discharge_end_v)
    return part, left_ratio


def _flicker(part: _Part, current_a: float, random: Generator) -> None:
    """Let a contact open now and then in the last third, for minutes."""
    seconds = float(part.times_s[-1])
    for begin in random.uniform(0.65, 0.95, size=4):
        hit = (part.times_s >= begin * seconds) & (part.times_s < begin * seconds + random.uniform(120.0, 400.0))
        part.voltages_v[hit] -= current_a * random.uniform(0.08, 0.25)


def _fail(part: _Part, end_v: float) -> None:
    """Let the contact open for good: the voltage runs to the limit within seconds."""
    into = np.clip((part.times_s - part.times_s[-1] + _TAIL_S) / _TAIL_S, 0.0, 1.0)
    part.voltages_v += into * (end_v - part.voltages_v)


def _logged(parts: list[_Part], program: Program, cell: Specimen, *, random: Generator) -> CurveRows:
    begun_s, warm_k = 0.0, 0.0
    columns: list[tuple[FloatArray, ...]] = []
    for part in parts:
        heat_k = part.currents_a**2 * _drop_ohm(cell) * _KELVIN_PER_WATT
        warm = heat_k + (warm_k - heat_k) * np.exp(-part.times_s / _HEATING_S)
        bins = np.floor(part.times_s / _LOG_S) * 10_000 + np.floor(part.voltages_v / _LOG_V)
        kept = np.flatnonzero(np.diff(bins, prepend=-1.0, append=-1.0)[:-1] != 0)
        kept = np.union1d(kept, [len(bins) - 1])
        columns.append(
            (
                np.full(len(kept), float(part.step)),
                begun_s + part.times_s[kept],
                part.currents_a[kept],
                part.voltages_v[kept],
                warm[kept],
            )
        )
        begun_s, warm_k = begun_s + float(part.times_s[-1]), float(warm[-1])
    steps, times_s, currents_a, voltages_v, warm = (np.concatenate(each) for each in zip(*columns, strict=True))
    count = len(times_s)
    return CurveRows(
        steps=steps,
        times_s=times_s,
        currents_a=currents_a + np.where(currents_a != 0, random.normal(0.0, 0.0003, count), 0.0),
        voltages_v=voltages_v + cell.offset_v + random.normal(0.0, 0.0002, count),
        temperatures_c=program.ambient_c + warm + random.normal(0.0, 0.05, count),
    )
