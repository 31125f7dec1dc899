"""Load runs of the synthetic plant: which cells took which stretch of which lot, at seven positions of four lines."""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.random import Generator
from numpy.typing import NDArray

LINES: Final = 4
START_US: Final = 1_767_225_600_000_000
"""Begin of the year: 2026-01-01 UTC."""

TAKT_US: Final = 250_000
"""Time of a line between two cells: 16 cells/s in all, 5 x 10^8 a year."""

JITTER: Final = 32
"""Places by which filling may change the order of cells."""

_HOUR_US: Final = 3_600_000_000
_AROUND: Final = 2 * JITTER

RUN: Final = np.dtype(
    [
        ("kind", np.int16),
        ("layer", np.int16),
        ("line", np.int16),
        ("a", np.int64),
        ("b", np.int64),
        ("lot", np.int64),
        ("pos_a", np.int64),
        ("pos_b", np.int64),
        ("tolerance", np.int64),
        ("from_us", np.int64),
        ("to_us", np.int64),
    ]
)


class Kind(Struct, frozen=True):
    """A material position: its station, lots of so many cells, and what each cell takes (in the lot's measure)."""

    code: str
    station: str
    lots: str
    """Name of the block of lots that feed it."""
    size: int
    offset: int
    """Cells by which the first lot of a line was used before."""
    pitch: int
    tolerance: int
    delay_us: int
    """From winding to here."""
    is_jittered: bool = False


KINDS: Final = (
    Kind("cathode", "WIND", "cathode_reel", 500, 0, 1500, 20, 0),
    Kind("anode", "WIND", "anode_reel", 520, 170, 1600, 20, 0),
    Kind("separator_a", "WIND", "separator_a", 1000, 0, 1700, 20, 0),
    Kind("separator_b", "WIND", "separator_b", 1000, 300, 1700, 20, 0),
    Kind("can", "ASM", "can", 50_000, 0, 1, 0, _HOUR_US),
    Kind("cap", "SEAL", "cap", 40_000, 7000, 1, 0, 3 * _HOUR_US),
    Kind("electrolyte", "FILL", "drum", 5700, 0, 36_000, (JITTER + 1) * 36_000, 2 * _HOUR_US, is_jittered=True),
)


def lots_count(kind: Kind, cells_count: int) -> int:
    """Return how many lots of a kind a line of so many cells needs."""
    return -(-(cells_count + kind.offset) // kind.size)


def line_runs(
    cells_count: int, first_cells: NDArray[np.int64], first_lots: Mapping[str, int], random: Generator
) -> NDArray[np.void]:
    """Return the runs of all lines by kind and first cell; `first_cells` are the ids of each line's first cell."""
    return np.concatenate(list(_runs(cells_count, first_cells, first_lots, random)))


def _runs(
    cells_count: int, first_cells: NDArray[np.int64], first_lots: Mapping[str, int], random: Generator
) -> Iterator[NDArray[np.void]]:
    for number, kind in enumerate(KINDS):
        for line, first_cell in enumerate(first_cells):
            starts, lots = _jittered(kind, cells_count, random) if kind.is_jittered else _exact(kind, cells_count)
            runs = _placed(kind, starts, lots, cells_count)
            runs["kind"] = number
            runs["line"] = line + 1
            runs["a"] += first_cell
            runs["b"] += first_cell
            runs["lot"] += first_lots[kind.lots] + line * lots_count(kind, cells_count)
            yield runs


def _exact(kind: Kind, cells_count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first cell and the lot of each run, both counted within the line."""
    lots = np.arange(lots_count(kind, cells_count), dtype=np.int64)
    return np.maximum(lots * kind.size - kind.offset, 0), lots


def _jittered(kind: Kind, cells_count: int, random: Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return first cell and lot of each run when every cell's place moves by 0..32 and the lots follow the new order.

    Only cells within 32 places of a change of lots can get another one than in order, so only these are drawn.
    """
    changes = np.arange(1, lots_count(kind, cells_count), dtype=np.int64) * kind.size
    near = changes[:, None] + np.arange(-_AROUND, _AROUND)
    places = near + random.uniform(0, JITTER, near.shape)
    places[near >= cells_count] = np.inf
    is_next = places.argsort(axis=1).argsort(axis=1) >= _AROUND
    is_start = (is_next[:, 1:] != is_next[:, :-1]) & (near[:, 1:] < cells_count)
    lots = np.arange(len(changes))[:, None] + is_next[:, 1:]
    return np.insert(near[:, 1:][is_start], 0, 0), np.insert(lots[is_start], 0, 0)


def _placed(kind: Kind, starts: NDArray[np.int64], lots: NDArray[np.int64], cells_count: int) -> NDArray[np.void]:
    """Return runs with their places on their lots: cells take one after another, in order of their numbers."""
    runs = np.zeros(len(starts), RUN)
    runs["a"] = starts
    runs["b"] = np.append(starts[1:], cells_count) - 1
    runs["lot"] = lots
    counts = runs["b"] - starts + 1
    order = np.argsort(lots, kind="stable")
    ends = np.cumsum(counts[order]) + kind.offset
    ends -= lots[order] * kind.size
    runs["pos_b"][order] = ends * kind.pitch
    runs["pos_a"] = runs["pos_b"] - counts * kind.pitch
    runs["tolerance"] = kind.tolerance
    runs["from_us"] = START_US + kind.delay_us + runs["a"] * TAKT_US
    runs["to_us"] = START_US + kind.delay_us + runs["b"] * TAKT_US
    return runs
