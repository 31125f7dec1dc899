"""Batches of tests: which cells were tested together in an operation, and what an analysis made of them together."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from cellwright.analysis.curves.outliers import Outlier
from cellwright.database.pool import Connection
from cellwright.telemetry.features import StepFeatures

NOT_JUDGED: Final = "not_judged"
"""Instead of a fault: nobody could look for one."""
_UNKNOWN: Final = frozenset({NOT_JUDGED, "unknown"})


class CurveBatch(Struct, frozen=True, kw_only=True):
    """The tests of one operation in one batch of curves, by column; None = unknown. Times in UTC us, begin and end included."""

    batch: int
    operation: str
    start_us: int
    end_us: int
    units: tuple[int, ...]
    attempts: tuple[int, ...]
    channels: tuple[str, ...]
    faults: tuple[str, ...]
    """What is wrong with each contact: "" = nothing, "unknown" = no discharge to judge, "not_judged" = nobody could look."""
    discharge_ratios: tuple[float | None, ...]
    """Discharge as a share of the batch's median."""
    onset_ohms: tuple[float | None, ...]
    outliers: tuple[Outlier, ...]
    """Cells (places in the columns) unlike the batch, the furthest first."""
    unknown_count: int
    """Cells that could not be compared, or whose contact could not be judged."""
    method: str

    @property
    def faults_count(self) -> int:
        """How many tests have a contact fault."""
        return sum(each != "" and each not in _UNKNOWN for each in self.faults)


class BatchLine(Struct, frozen=True, kw_only=True):
    """A batch in a list; `unit` is one of its cells."""

    batch: int
    operation: str
    start_us: int
    end_us: int
    unit: int
    first_channel: str
    last_channel: str
    attempt: int
    """The highest of its tests."""
    cells_count: int
    faults_count: int
    outliers_count: int
    unknown_count: int


async def save_batches(connection: Connection, batches: Sequence[CurveBatch]) -> None:
    """Write batches; one that was written before is replaced, so an analysis may run again."""
    await connection.executemany(
        """
        INSERT INTO curve_batch (batch, operation, start_us, end_us, units, attempts, channels, faults, discharge_ratios,
                                 onset_ohms, faults_count, outliers_count, unknown_count, outliers, method)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
        ON CONFLICT (batch, operation) DO UPDATE
        SET faults = excluded.faults, discharge_ratios = excluded.discharge_ratios, onset_ohms = excluded.onset_ohms,
            faults_count = excluded.faults_count, outliers_count = excluded.outliers_count,
            unknown_count = excluded.unknown_count, outliers = excluded.outliers, method = excluded.method
        """,
        [
            (
                each.batch,
                each.operation,
                each.start_us,
                each.end_us,
                list(each.units),
                list(each.attempts),
                list(each.channels),
                list(each.faults),
                list(each.discharge_ratios),
                list(each.onset_ohms),
                each.faults_count,
                len({outlier.cell for outlier in each.outliers}),
                each.unknown_count,
                msgspec.json.encode(each.outliers).decode(),
                each.method,
            )
            for each in batches
        ],
    )


_COLUMNS: Final = """
    SELECT batch, operation, start_us, end_us, units[1] AS unit, channels[1] AS first_channel,
           channels[cardinality(channels)] AS last_channel, (SELECT max(a) FROM unnest(attempts) AS a) AS attempt,
           cardinality(units) AS cells_count, faults_count, outliers_count, unknown_count
"""
NEWEST: Final = f"{_COLUMNS} FROM curve_batch ORDER BY start_us DESC, batch DESC LIMIT $1 OFFSET $2"
NEWEST_OF: Final = (
    f"{_COLUMNS} FROM curve_batch WHERE operation = $3::text ORDER BY start_us DESC, batch DESC LIMIT $1 OFFSET $2"
)
# From one to the next in the index: there are few operations and many batches.
OPERATIONS: Final = """
    WITH RECURSIVE found AS (
        (SELECT operation FROM curve_batch ORDER BY operation LIMIT 1)
        UNION ALL
        SELECT (SELECT operation FROM curve_batch WHERE operation > found.operation ORDER BY operation LIMIT 1)
        FROM found WHERE found.operation IS NOT NULL
    )
    SELECT operation FROM found WHERE operation IS NOT NULL
"""
EARLIER: Final = """
    SELECT * FROM curve_batch
    WHERE operation = $1 AND (start_us, batch) <= ($2, $3) AND channels && $4::text[]
    ORDER BY start_us DESC, batch DESC LIMIT $5
"""
FEATURES: Final = """
    SELECT unit, operation, attempt, step, method, names, "values" FROM step_feature
    WHERE unit = ANY($1::bigint[]) AND operation = $2 AND step = $3
"""
# A test that an older version analysed is in no batch.
TESTS_OF: Final = """
    SELECT s.operation, s.attempt, b.batch
    FROM (SELECT DISTINCT operation, attempt FROM step_feature WHERE unit = $1::bigint) AS s
    LEFT JOIN LATERAL (
        SELECT max(c.batch) AS batch
        FROM (SELECT batch, operation, units, attempts FROM curve_batch
              WHERE curve_batch.units && ARRAY[$1::bigint] OFFSET 0) AS c
        CROSS JOIN LATERAL unnest(c.units, c.attempts) AS t (unit, attempt)
        WHERE c.operation = s.operation AND t.unit = $1::bigint AND t.attempt = s.attempt
    ) AS b ON true
    ORDER BY s.operation, s.attempt
"""


async def list_batches(
    connection: Connection, operation: str, *, limit: int, offset: int = 0
) -> tuple[list[BatchLine], int]:
    """Return batches, the newest first, of one operation or ("") of all, and how many there are."""
    if operation:
        records = await connection.fetch(NEWEST_OF, limit, offset, operation)
        count = await connection.fetchval("SELECT count(*) FROM curve_batch WHERE operation = $1", operation)
    else:
        records = await connection.fetch(NEWEST, limit, offset)
        count = await connection.fetchval("SELECT count(*) FROM curve_batch")
    return [BatchLine(**dict(record)) for record in records], int(count)


async def batch_operations(connection: Connection) -> list[str]:
    """Return the operations of which there are batches, by name."""
    return [record["operation"] for record in await connection.fetch(OPERATIONS)]


async def find_batch(connection: Connection, batch: int, operation: str) -> CurveBatch | None:
    """Return a batch, None when there is none."""
    record = await connection.fetchrow(
        "SELECT * FROM curve_batch WHERE batch = $1 AND operation = $2", batch, operation
    )
    return None if record is None else _batch(record)


async def earlier_batches(connection: Connection, last: CurveBatch, *, limit: int) -> list[CurveBatch]:
    """Return the batches of an operation that used any channel of one, up to and with that one, the newest first."""
    channels = sorted({*last.channels} - {""})
    records = await connection.fetch(EARLIER, last.operation, last.start_us, last.batch, channels, limit)
    return [_batch(record) for record in records]


async def whole_features(
    connection: Connection, units: Sequence[int], operation: str, *, step: int
) -> dict[tuple[int, int], StepFeatures]:
    """Return the features of one step of every test of units in an operation, by unit and attempt."""
    records = await connection.fetch(FEATURES, list(units), operation, step)
    return {
        (record["unit"], record["attempt"]): StepFeatures(
            unit=record["unit"],
            operation=record["operation"],
            attempt=record["attempt"],
            step=record["step"],
            method=record["method"],
            values=dict(zip(record["names"], record["values"], strict=True)),
        )
        for record in records
    }


async def list_tests(connection: Connection, unit: int) -> list[tuple[str, int, int | None]]:
    """Return operation, attempt and (None = not known) batch of every test of a unit that was analysed, by operation."""
    records = await connection.fetch(TESTS_OF, unit)
    return [(record["operation"], record["attempt"], record["batch"]) for record in records]


def _batch(record: Any) -> CurveBatch:
    values: dict[str, Any] = {name: record[name] for name in CurveBatch.__struct_fields__ if name != "outliers"}
    columns: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in values.items()}
    return CurveBatch(**columns, outliers=msgspec.json.decode(record["outliers"], type=tuple[Outlier, ...]))
