"""Picking what a job order names: by code, out of a queue."""

from collections.abc import Callable, Sequence
from typing import Final

from numpy.random import Generator

from cellwright.sim.clock import Buffer, Clock
from cellwright.sim.units import Unit

OWED_S: Final = 10.0
"""Host time for which plant time stands still while work waits at a station and no order comes: the MES may be starting."""
STOCK_S: Final = 0.5
"""The same where the MES may have no order in mind: cells in stock wait for others that fit."""
_LOOK_S: Final = 10.0
_LOOKS_MAX: Final = 60
"""What an order names may still be on its way, for ten minutes of plant time."""


async def until_there(clock: Clock, is_there: Callable[[], bool], is_wanted: Callable[[], bool]) -> bool:
    """Wait for what a job order names; False = it did not come for a while, or the MES took the order back."""
    for _ in range(_LOOKS_MAX):
        if is_there():
            return is_wanted()
        if not is_wanted():
            return False
        await clock.sleep(_LOOK_S)
    return is_there() and is_wanted()


def take(queue: Buffer[Unit], codes: Sequence[str]) -> list[Unit]:
    """Take the units of these codes, which are there, out of a queue, in this order."""
    by_code = {unit.code: unit for unit in queue.items}
    units = [by_code[code] for code in codes]
    for unit in units:
        queue.items.remove(unit)
    queue.changed.fire()
    return units


def holds_all(queue: Buffer[Unit], codes: Sequence[str]) -> bool:
    """Tell whether the units of these codes are in a queue."""
    return {unit.code for unit in queue.items} >= set(codes)


def grip_beside(queue: Buffer[Unit], units: list[Unit], random: Generator, ratio: float) -> list[Unit]:
    """Perhaps (with the chance `ratio`) take another unit that lies there instead of the first."""
    if not queue.items or random.random() >= ratio:
        return units
    wrong = queue.items.popleft()
    queue.put_now(units[0])
    return [wrong, *units[1:]]
