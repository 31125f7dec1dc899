"""Which unit waits longest before an operation and may be worked on: what somebody at a station is to bring next."""

from collections.abc import Sequence

from cellwright.database.pool import Connection
from cellwright.views.following import unit_codes

_RUNS = 50
_OF_RUN = 20

NEXT_UNIT = f"""
    SELECT u.id
    FROM unnest($1::text[], $2::text[]) AS k (product, operation)
    CROSS JOIN LATERAL (SELECT id_from, id_to, since_us FROM unit_waiting AS w
                        WHERE w.product = k.product AND w.operation = k.operation
                        ORDER BY since_us LIMIT {_RUNS}) AS w
    CROSS JOIN LATERAL (SELECT id FROM unit
                        WHERE unit.id >= w.id_from AND unit.id < least(w.id_to, w.id_from + {_OF_RUN})
                          AND unit.holds = 0
                        ORDER BY unit.id LIMIT 1) AS u
    ORDER BY w.since_us, u.id LIMIT 1
"""  # noqa: S608 - the numbers are ours
"""Runs of units that came together are looked at from their first; a long one that is held whole says nothing."""


async def read_next_unit(connection: Connection, waited: Sequence[tuple[str, str]]) -> str:
    """Return the code of the unit that waits longest for one of (product, operation) and is not held, "" = none."""
    products, operations = [product for product, _ in waited], [operation for _, operation in waited]
    number = await connection.fetchval(NEXT_UNIT, products, operations)
    return "" if number is None else (await unit_codes(connection, [number])).get(number, "")
