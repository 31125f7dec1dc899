"""Released effects of gauges: every version of every station and characteristic."""

from collections.abc import Sequence
from typing import Any

import msgspec

from cellwright.database.pool import Connection
from cellwright.database.writes import Write, array_literal
from cellwright.model.corrections import GaugeEffect
from cellwright.rules.correction_rows import CorrectionRow
from cellwright.views.stored import Stored

_effects = msgspec.json.Decoder(tuple[GaugeEffect, ...])


class StoredCorrections(Stored[CorrectionRow], frozen=True):
    """Effects are kept as JSON, as many as there are gauges."""

    def saving(self, rows: Sequence[CorrectionRow]) -> Write:
        """Return the write that inserts a page of releases; a release never changes."""
        columns: tuple[Sequence[int | str], ...] = (
            [row.id for row in rows],
            [row.station for row in rows],
            [row.operation for row in rows],
            [row.characteristic for row in rows],
            [row.version for row in rows],
            [msgspec.json.encode(row.effects).decode() for row in rows],
            [row.released_us for row in rows],
            [row.released_by for row in rows],
        )
        return Write(self.save, tuple(array_literal(column) for column in columns))

    async def load_page(self, connection: Connection, where: str = "", *arguments: Any) -> list[CorrectionRow]:
        """Load the releases that a condition chooses."""
        columns = ", ".join(self.columns)
        records = await connection.fetch(f"SELECT {columns} FROM correction {where}", *arguments)  # noqa: S608 names are ours
        return [CorrectionRow(**{**record, "effects": _effects.decode(record["effects"])}) for record in records]


CORRECTIONS = StoredCorrections(
    CorrectionRow,
    "correction",
    ("id", "station", "operation", "characteristic", "version", "effects", "released_us", "released_by"),
    """
    INSERT INTO correction (id, station, operation, characteristic, version, effects, released_us, released_by)
    SELECT id, station, operation, characteristic, version, effects::json, released_us, released_by
    FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::bigint[], $8::text[])
         AS n (id, station, operation, characteristic, version, effects, released_us, released_by)
    ON CONFLICT (id) DO NOTHING
    """,
)


async def read_release(
    connection: Connection, station: str, operation: str, version: tuple[str, int]
) -> CorrectionRow | None:
    """Return a version (characteristic and number) of the effects of a station's gauges, None = there is no such one."""
    where = "WHERE station = $1 AND operation = $2 AND characteristic = $3 AND version = $4"
    rows = await CORRECTIONS.load_page(connection, where, station, operation, *version)
    return rows[0] if rows else None
