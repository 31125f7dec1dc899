"""Where tests were made: the station and the carrier of the operation that was under way when a unit was tested."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from cellwright.database.pool import Connection

# Each unit is looked for by itself, and its carrier read only from the facts of that one operation.
STARTED: Final = """
    SELECT k.number, h.time_us, h.kind, h.station, f.body ->> 'carrier' AS carrier
    FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS k (unit, operation, number)
    CROSS JOIN LATERAL (SELECT position, kind, station, time_us FROM history
                        WHERE units && ARRAY[k.unit] AND history.operation = k.operation
                          AND kind IN ('OperationStarted', 'OperationCompleted', 'OperationAborted')
                        OFFSET 0) AS h
    CROSS JOIN LATERAL (SELECT body FROM fact WHERE fact.position = h.position OFFSET 0) AS f
    ORDER BY k.number, h.position
"""


class AskedTest(Struct, frozen=True):
    """A unit was tested in an operation from `start_us` to `end_us` (UTC us, by the cycler)."""

    unit: int
    operation: str
    start_us: int
    end_us: int


class Place(Struct, frozen=True):
    """Where a test was made; "" = not known."""

    station: str = ""
    carrier: str = ""


async def places_of_tests(connection: Connection, tests: Sequence[AskedTest]) -> list[Place]:
    """Return where each test was made: where the operation began last before its end, and was not over before it."""
    records = await connection.fetch(STARTED, [each.unit for each in tests], [each.operation for each in tests])
    found = [Place()] * len(tests)
    for record in records:
        at = record["number"] - 1
        if record["kind"] == "OperationStarted" and record["time_us"] <= tests[at].end_us:
            found[at] = Place(record["station"], record["carrier"] or "")
        elif record["kind"] != "OperationStarted" and record["time_us"] < tests[at].start_us:
            found[at] = Place()
    return found
