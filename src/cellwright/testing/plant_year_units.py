"""Scrap, sorting and assembly of the synthetic plant: the one place where the order of cells is lost."""

from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

DAY_CELLS: Final = 1_400_000
"""Good cells of one day's stock, within which sorting shuffles."""

MODULE_CELLS: Final = 100
PACK_MODULES: Final = 10
SCRAP_ONE_IN: Final = 100


def sort_into_modules(cells_count: int, random: Generator) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the module of each cell (-1 = none) and the cells of each module, in the order of slots.

    One cell in a hundred is scrap; the rest that fills no pack stays without a module.
    """
    is_good = random.integers(0, SCRAP_ONE_IN, cells_count, dtype=np.uint8) > 0
    order = np.flatnonzero(is_good).astype(np.int32)
    for start in range(0, len(order), DAY_CELLS):
        random.shuffle(order[start : start + DAY_CELLS])
    modules_count = len(order) // (MODULE_CELLS * PACK_MODULES) * PACK_MODULES
    cells_of = order[: modules_count * MODULE_CELLS].reshape(modules_count, MODULE_CELLS)
    module_of = np.full(cells_count, -1, np.int32)
    module_of[cells_of] = np.arange(modules_count, dtype=np.int32)[:, None]
    return module_of, cells_of
