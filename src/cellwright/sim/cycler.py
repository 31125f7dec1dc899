"""The cyclers' own files: after each tray a cabinet writes the curves of its cells, as a machine of that kind would."""

from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cellwright.links.cyclers.files import COLUMNS
from cellwright.sim.cells import Measured
from cellwright.sim.curves import PROGRAMS, CurveRows, Specimen, record_curve
from cellwright.sim.randoms import generator
from cellwright.sim.units import Unit

_FULL_SHARE = 0.892
"""Of the first charge this comes back; later ones lose almost nothing."""
_LATER_SHARE = 0.995
_BIAS_V = 0.0003


class Cabinet:
    """Writes files into a folder; without one it writes nothing."""

    def __init__(self, station: str, operation: str, *, seed: int, folder: str) -> None:
        """Stand at a station that does an operation."""
        self._station = station
        self._operation = operation
        self._seed = seed
        self._folder = Path(folder) if folder and operation in PROGRAMS else None
        self._tests: Tally[str] = Tally()
        self._written = 0

    def write(
        self, cells: Mapping[int, Unit], page: Sequence[Unit], measured: Sequence[Measured], start_us: int
    ) -> None:
        """Write the tests of a tray: cells by slot, those tested, what was measured of each, when it began."""
        if self._folder is None or not page:
            return
        slots = {cell.code: slot for slot, cell in cells.items()}
        random = generator(self._seed, f"cycler {self._station}", self._written)
        tables = []
        for cell, values in zip(page, measured, strict=True):
            slot = slots[cell.code]
            bias_v = float(generator(self._seed, f"channel of {self._station}", slot).normal(0.0, _BIAS_V))
            rows = record_curve(PROGRAMS[self._operation], self._specimen(cell, values, bias_v), random)
            tables.append(self._table(cell, f"{self._station}-{slot:03d}", start_us, rows=rows))
        self._written += 1
        name = f"{self._station}-{start_us}-{self._written:05d}.parquet"
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._folder / (name + ".part")
        pq.write_table(pa.concat_tables(tables), draft, compression="zstd")
        draft.rename(self._folder / name)

    def _specimen(self, cell: Unit, values: Measured, bias_v: float) -> Specimen:
        discharge_ah = values["discharge_ah"] if "discharge_ah" in values else values["capacity_ah"]
        is_first = self._operation == "formation"
        charge_ah = values.get("charge_ah", discharge_ah / (_FULL_SHARE if is_first else _LATER_SHARE))
        ohm = cell.traits["dcir_ohm"] * cell.traits.get("weld_ratio", 1.0)
        return Specimen(cell.traits["capacity_ah"], ohm, charge_ah, discharge_ah, bias_v)

    def _table(self, cell: Unit, channel: str, start_us: int, *, rows: CurveRows) -> Any:
        program = PROGRAMS[self._operation]
        self._tests[cell.code] += 1
        count = len(rows.steps)
        head = (cell.code, self._operation, self._tests[cell.code], channel, program.code, program.version, start_us)
        measured = (rows.steps.astype(np.int64), rows.times_s, rows.currents_a, rows.voltages_v, rows.temperatures_c)
        columns = [pa.repeat(pa.scalar(value, COLUMNS.field(place).type), count) for place, value in enumerate(head)]
        return pa.table([*columns, *map(pa.array, measured)], schema=COLUMNS)
