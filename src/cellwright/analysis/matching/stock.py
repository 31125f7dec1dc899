"""What is matched: a stock of measured cells, and the form of the pack they go into."""

import re
from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from cellwright.analysis.matching.grid import Ints
from cellwright.analysis.matching.windows import Floats
from cellwright.errors import ConfigurationError

_FORM: Final = re.compile(r"([1-9]\d{0,4})[sS]([1-9]\d{0,4})[pP]")
CELLS_MAX: Final = 20_000
"""Cells of one pack at most; a battery of more is made of several."""


class PackForm(Struct, frozen=True):
    """So many parallel groups in series, each of so many cells."""

    series_count: int
    parallel_count: int

    @property
    def cells_count(self) -> int:
        """Cells of a pack."""
        return self.series_count * self.parallel_count

    def __str__(self) -> str:
        return f"{self.series_count}S{self.parallel_count}P"


def read_form(text: str) -> PackForm:
    """Return the form of a pack written as 16S20P; raises ConfigurationError."""
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise ConfigurationError(
            [
                f"pack {text!r}: no form of a pack; write groups in series and cells in parallel, such as 16S20P or 100S1P"
            ]
        )
    form = PackForm(int(found[1]), int(found[2]))
    if form.cells_count > CELLS_MAX:
        raise ConfigurationError(
            [f"pack {text!r}: {form.cells_count:,} cells, at most {CELLS_MAX:,} are matched; match its modules instead"]
        )
    return form


class Stock(Struct, frozen=True, eq=False):
    """Measured cells, one an entry of each array; temperature is corrected before."""

    cells: NDArray[Any]
    """Their codes: integers or texts, each once."""
    capacity_ah: Floats
    ocv_v: Floats
    dcir_ohm: Floats
    k_mv_per_d: Floats
    """Self-discharge: what the open-circuit voltage loses."""
    batch: NDArray[Any]
    age_d: Floats
    held: NDArray[np.bool_]
    """What must not be used: on hold, in quarantine."""

    @property
    def count(self) -> int:
        """How many cells there are."""
        return len(self.cells)

    def sorted(self) -> "Stock":
        """Return the stock in the order of its codes, so that the same cells are always matched alike; raises ValueError."""
        if self.count > 1 and not bool(np.all(self.cells[1:] > self.cells[:-1])):
            return self._in_order(np.argsort(self.cells, kind="stable"))
        return self

    def _in_order(self, order: Ints) -> "Stock":
        stock = Stock(*(getattr(self, name)[order] for name in self.__struct_fields__))
        if not bool(np.all(stock.cells[1:] > stock.cells[:-1])):
            raise ValueError("a code of a cell stands in the stock twice")
        return stock
