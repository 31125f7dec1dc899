"""The module welder, and its controller's own files: voltage and current of every weld, as it was made."""

from collections import Counter as Tally
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cellwright.links.cyclers.files import COLUMNS
from cellwright.sim.catalogue import GROUPS_PER_MODULE
from cellwright.sim.cell_line import Spans, UnitStation
from cellwright.sim.cells import Measured
from cellwright.sim.packs import PARALLEL
from cellwright.sim.randoms import generator
from cellwright.sim.units import Unit
from cellwright.sim.world import World

_WELDS = PARALLEL * GROUPS_PER_MODULE
_POINTS = 61
"""One a millisecond: 50 ms of power, and the rise and fall around them."""
_MS_PER_S = 1000.0
_PITCH_S = 1.5
"""From weld to weld."""
_CURRENT_A = 1000.0
_ROOM_C = 25.0
_RISE_MS = 4.0
_NOISE_RATIO = 0.004
_SPLASH_MS = (20, 26)
_SPLASH_RATIO = 0.35

Floats = NDArray[np.float64]


class Controller:
    """Writes a file for each module; without a folder it writes nothing."""

    def __init__(self, station: str, *, seed: int, folder: str) -> None:
        """Stand at a welder."""
        self._station = station
        self._seed = seed
        self._folder = Path(folder) if folder else None
        self._tries: Tally[str] = Tally()

    def write(self, module: Unit, measured: Measured, start_us: int, *, splashed: int = 0) -> Path | None:
        """Write the welds of a module; weld `splashed` (0 = none) lost metal half way and got its energy all the same."""
        if self._folder is None:
            return None
        self._tries[module.code] += 1
        attempt = self._tries[module.code]
        random = generator(self._seed, f"welds {self._station} {attempt}", module.number)
        energies_j = [measured[f"energy_{weld:02d}_j"] for weld in range(1, _WELDS + 1)]
        curves = [weld_curve(each, random, is_splashed=weld == splashed) for weld, each in enumerate(energies_j, 1)]
        currents_a, voltages_v = (np.concatenate([each[index] for each in curves]) for index in (0, 1))
        steps = np.repeat(np.arange(1, _WELDS + 1), _POINTS)
        times_s = (steps - 1) * _PITCH_S + np.tile(np.arange(_POINTS) / _MS_PER_S, _WELDS)
        head = (module.code, "module_welding", attempt, self._station, "MWELD", "2", start_us)
        count = len(steps)
        columns = [pa.repeat(pa.scalar(value, COLUMNS.field(place).type), count) for place, value in enumerate(head)]
        rows = (steps.astype(np.int64), times_s, currents_a, voltages_v, np.full(count, _ROOM_C))
        name = f"{self._station}-{start_us}-{module.code}-{attempt}.parquet"
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._folder / (name + ".part")
        pq.write_table(pa.table([*columns, *map(pa.array, rows)], schema=COLUMNS), draft, compression="zstd")
        return draft.rename(self._folder / name)


def weld_curve(energy_j: float, random: np.random.Generator, *, is_splashed: bool = False) -> tuple[Floats, Floats]:
    """Return current (A) and voltage (V) of a weld, one a millisecond, that together bring its energy."""
    at_ms = np.arange(_POINTS, dtype=np.float64)
    rise = np.clip(np.minimum(at_ms, _POINTS - 1 - at_ms) / _RISE_MS, 0.0, 1.0)
    drop = 1.15 - 0.3 * at_ms / (_POINTS - 1)  # The contact's resistance falls while the sheets sink together.
    power_w = rise * drop * (1.0 + random.normal(0.0, _NOISE_RATIO, _POINTS))
    if is_splashed:
        power_w[slice(*_SPLASH_MS)] *= _SPLASH_RATIO
    power_w *= energy_j / (np.trapezoid(power_w) / _MS_PER_S)
    current_a = _CURRENT_A * rise
    voltage_v = np.divide(power_w, current_a, out=np.zeros(_POINTS), where=current_a > 0)
    return current_a, voltage_v


class Welder(UnitStation):
    """Welds modules, and has its controller write down every weld."""

    def __init__(self, world: World) -> None:
        """Stand at MWELD-01."""
        super().__init__(world, "MWELD-01", "module_welding", [])
        self._controller = Controller("MWELD-01", seed=world.settings.seed, folder=world.settings.cyclers)

    async def perform(self, units: list[Unit]) -> tuple[list[Measured], Spans]:
        """Weld, and write the curves of each module."""
        measured, spans = await super().perform(units)
        for module, values in zip(units, measured, strict=True):
            self._controller.write(module, values, self.clock.now_us, splashed=self._splashed(module))
        return measured, spans

    def _splashed(self, module: Unit) -> int:
        """Return which weld splashed, 0 = none."""
        rate = self.world.defects.weld_splash
        random = generator(self.world.settings.seed, "weld splash", module.number)
        is_splashed = bool(rate) and not module.tries(self.operation) and random.random() < rate
        return int(random.integers(1, _WELDS + 1)) if is_splashed else 0
