"""Sealing: units in which nothing moves any more are packed, a few assemblies a transaction, while the plant runs."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeAlias

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.views import sealed
from cellwright.views.sealed import Sealing

Told: TypeAlias = Callable[[int], None]
"""Told how many units were sealed so far."""

_ASSEMBLIES: Final = 20
_UNITS: Final = 2000
_Find: TypeAlias = Callable[[Connection, int], Awaitable[tuple[Sealing, int]]]


class SealReport(Struct, frozen=True):
    """What one run sealed, and what is sealed in all."""

    units: int
    assemblies: int
    before_us: int


def quiet(done: int) -> None:
    """Tell nobody."""
    del done


async def seal(connection: Connection, *, before_us: int, told: Told = quiet) -> SealReport:
    """Pack all that was settled before a time of the plant (UTC us).

    Each transaction moves the gate's head, so that a running gate reads its state again: it never decides on rows that
    are gone. Stopped half-way, it goes on the next time.
    """
    units = assemblies = 0
    finders: tuple[_Find, ...] = (
        partial(sealed.find_settled, before_us=before_us, count=_ASSEMBLIES),
        partial(sealed.find_scrapped, before_us=before_us, count=_UNITS),
    )
    for find in finders:
        after, is_first = 0, True
        while after or is_first:
            is_first = False
            async with connection.transaction():
                # Whoever commits facts moves the head; holding its row keeps every gate out until the end.
                await connection.execute("UPDATE gate_head SET version = version + 1")
                found, after = await find(connection, after)
                await sealed.pack(connection, found)
            units += len(found.units)
            assemblies += len(found.assemblies)
            told(units)
    return SealReport(units=units, assemblies=assemblies, before_us=before_us)
