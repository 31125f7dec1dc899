"""What is in stock of a product: finished units, piece by piece, so that whoever reads a large stock stops nobody else."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from cellwright.database.pool import Connection

IN_STOCK: Final = """
    SELECT id_from, id_to FROM unit_waiting WHERE product = $1 AND operation = '' ORDER BY id_from
"""
FINISHED: Final = """
    SELECT id, grade, holds, (SELECT max(at_us) FROM unnest(completed_us) AS at_us) AS finished_us
    FROM unit WHERE id = ANY ($1::bigint[]) AND status = 'finished' ORDER BY id
"""


class Finished(Struct, frozen=True):
    """A finished unit that is member of nothing: its grade, how many holds are on it, and when it was finished (UTC us)."""

    unit: int
    grade: str
    holds: int
    finished_us: int


async def read_in_stock(connection: Connection, product: str) -> list[int]:
    """Return the units of a product that finished and are in nothing, in their order, as of the views for people."""
    records = await connection.fetch(IN_STOCK, product)
    return [unit for each in records for unit in range(each["id_from"], each["id_to"])]


async def read_finished(connection: Connection, units: Sequence[int]) -> list[Finished]:
    """Return those of some units that are finished now, in their order."""
    records = await connection.fetch(FINISHED, list(units))
    return [Finished(each["id"], each["grade"], each["holds"], each["finished_us"] or 0) for each in records]
