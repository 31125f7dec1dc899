"""Picking what a job order names: by code, out of a queue."""

from collections.abc import Sequence
from typing import Final

from numpy.random import Generator

from cellwright.sim.clock import Buffer
from cellwright.sim.units import Unit

OWED_S: Final = 10.0
"""Host time for which plant time stands still while work waits at a station and no order comes: the MES may be starting."""
STOCK_S: Final = 0.5
"""The same where the MES may have no order in mind: cells in stock wait for others that fit."""


async def pick(queue: Buffer[Unit], codes: Sequence[str]) -> list[Unit]:
    """Take the units of these codes out of a queue, in this order, once all are there."""
    await queue.changed.until(lambda: {unit.code for unit in queue.items} >= set(codes))
    by_code = {unit.code: unit for unit in queue.items}
    units = [by_code[code] for code in codes]
    for unit in units:
        queue.items.remove(unit)
    queue.changed.fire()
    return units


def grip_beside(queue: Buffer[Unit], units: list[Unit], random: Generator, ratio: float) -> list[Unit]:
    """Perhaps (with the chance `ratio`) take another unit that lies there instead of the first."""
    if not queue.items or random.random() >= ratio:
        return units
    wrong = queue.items.popleft()
    queue.put_now(units[0])
    return [wrong, *units[1:]]
