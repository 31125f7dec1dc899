"""A synthetic year of a plant as arrays: four lines, 10^5 to 10^8 cells, the worst case for tracing.

Cells are numbered 0..N-1, line after line, modules, packs and vehicles from 0; runs and parts hold the product's ids.
Upstream of sorting the order of cells is nearly kept; sorting shuffles each day's stock uniformly.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cellwright.model.ids import UnitKind, first_id
from cellwright.testing.plant_year_lots import LotBlock, number_parts, upstream
from cellwright.testing.plant_year_runs import LINES, START_US, TAKT_US, line_runs
from cellwright.testing.plant_year_units import DAY_CELLS, MODULE_CELLS, PACK_MODULES, sort_into_modules

Ids: TypeAlias = NDArray[np.int64]
Numbers: TypeAlias = NDArray[np.int32]
Rows: TypeAlias = NDArray[np.void]
"""A structured array; the fields are those of the product's table."""

ASSEMBLY_LINE: Final = 1
"""Line in the ids of modules and packs: all four cell lines feed one hall."""

MODULE_TAKT_US: Final = MODULE_CELLS * TAKT_US // LINES
MOVE: Final = np.dtype(
    [("unit", np.int64), ("parent", np.int64), ("slot", np.int16), ("from_us", np.int64), ("to_us", np.int64)]
)
"""A unit was in a slot of its parent from `from_us` to `to_us` (UTC us, 0 = still)."""

__all__ = ["DAY_CELLS", "LINES", "MODULE_CELLS", "MOVE", "PACK_MODULES", "PlantYear", "make_plant_year"]


@dataclass(frozen=True, slots=True, eq=False)
class PlantYear:
    """What was made, of what: all of it as arrays."""

    cells_count: int
    blocks: Mapping[str, LotBlock]
    """Lots by type, in order of their numbers."""
    lots: Rows
    """number, block (index into `blocks`), quantity (in the block's measure)"""
    parts: Rows
    """The rows of `lot_part`, by child and number."""
    runs: Rows
    """The rows of `load_run` by kind, layer and first cell; `kind` is an index into `KINDS`, `line` is the cells'."""
    module_of: Numbers
    """Module of each cell, -1 = scrap or rest of the last day."""
    cells_of: Numbers
    """Cells of each module, in the order of slots: modules x 100; -1 = an empty slot."""
    pack_of: Numbers
    """Pack of each module, -1 = none."""
    slot_of: Numbers
    """Slot of each module in its pack."""
    vehicle_of: Numbers
    """Vehicle of each pack."""
    moves: Rows
    """Every membership, past and present, of the units that were ever moved (`MOVE`); the other arrays say what is now."""

    @property
    def line_cells_count(self) -> int:
        """Cells of each line."""
        return self.cells_count // LINES

    @property
    def modules_count(self) -> int:
        """Modules that were built."""
        return len(self.pack_of)

    @property
    def packs_count(self) -> int:
        """Packs that were built, each into one vehicle."""
        return len(self.vehicle_of)

    def cell_ids(self, cells: Numbers | Ids) -> Ids:
        """Return the product's ids of cells by number."""
        line, index = np.divmod(cells.astype(np.int64), self.line_cells_count)
        return _FIRST_CELLS[line] + index

    def cell_numbers(self, ids: Ids) -> Ids:
        """Return the numbers of cells by the product's ids."""
        line = np.searchsorted(_FIRST_CELLS, ids, side="right") - 1
        return line * self.line_cells_count + (ids - _FIRST_CELLS[line])

    def module_built_us(self, modules: Numbers | Ids) -> Ids:
        """Return when modules were built (UTC us): in order, after the last cell."""
        end_us = START_US + self.line_cells_count * TAKT_US
        return end_us + (modules.astype(np.int64) + 1) * MODULE_TAKT_US

    def pack_built_us(self, packs: Numbers | Ids) -> Ids:
        """Return when packs were built (UTC us): with their last module."""
        return self.module_built_us((packs.astype(np.int64) + 1) * PACK_MODULES - 1)


_FIRST_CELLS: Final = np.array([first_id(UnitKind.CELL, line) + 1 for line in range(1, LINES + 1)], np.int64)


def module_ids(modules: Numbers | Ids) -> Ids:
    """Return the product's ids of modules by number."""
    return modules.astype(np.int64) + (first_id(UnitKind.MODULE, ASSEMBLY_LINE) + 1)


def pack_ids(packs: Numbers | Ids) -> Ids:
    """Return the product's ids of packs by number."""
    return packs.astype(np.int64) + (first_id(UnitKind.PACK, ASSEMBLY_LINE) + 1)


def vehicle_ids(vehicles: Numbers | Ids) -> Ids:
    """Return ids of vehicles by number, above those of all units; the product has none."""
    return vehicles.astype(np.int64) + (2 * first_id(UnitKind.PACK, 0) - first_id(UnitKind.MODULE, 0) + 1)


def make_plant_year(cells_count: int, *, seed: int, spare_mm: int = 0) -> PlantYear:
    """Return the plant of a seed; raises ValueError unless the lines can share the cells evenly.

    Reels are longer by `spare_mm` than what is wound from them.
    """
    if cells_count < LINES or cells_count % LINES:
        raise ValueError(f"{cells_count} cells cannot be shared by {LINES} lines; give a positive multiple of {LINES}")
    random = np.random.default_rng(seed)
    blocks, lots, parts = upstream(cells_count // LINES, spare_mm=spare_mm)
    firsts = {name: block.first for name, block in blocks.items()}
    runs = line_runs(cells_count // LINES, _FIRST_CELLS, firsts, random)
    module_of, cells_of = sort_into_modules(cells_count, random)
    modules = np.arange(len(cells_of), dtype=np.int32)
    return PlantYear(
        cells_count=cells_count,
        blocks=blocks,
        lots=lots,
        parts=number_parts(parts),
        runs=runs,
        module_of=module_of,
        cells_of=cells_of,
        pack_of=modules // PACK_MODULES,
        slot_of=modules % PACK_MODULES,
        vehicle_of=np.arange(len(cells_of) // PACK_MODULES, dtype=np.int32),
        moves=np.empty(0, MOVE),
    )
