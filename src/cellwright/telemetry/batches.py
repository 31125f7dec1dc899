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


_LINES: Final = """
    SELECT batch, operation, start_us, end_us, units[1] AS unit, channels[1] AS first_channel,
           channels[cardinality(channels)] AS last_channel, (SELECT max(a) FROM unnest(attempts) AS a) AS attempt,
           cardinality(units) AS cells_count, faults_count, outliers_count, unknown_count
    FROM curve_batch WHERE $1::text = '' OR operation = $1::text
    ORDER BY start_us DESC, batch DESC LIMIT $2 OFFSET $3
"""


async def list_batches(
    connection: Connection, operation: str, *, limit: int, offset: int = 0
) -> tuple[list[BatchLine], int]:
    """Return batches, the newest first, of one operation or ("") of all, and how many there are."""
    records = await connection.fetch(_LINES, operation, limit, offset)
    count = await connection.fetchval(
        "SELECT count(*) FROM curve_batch WHERE $1::text = '' OR operation = $1::text", operation
    )
    return [BatchLine(**dict(record)) for record in records], int(count)


async def batch_operations(connection: Connection) -> list[str]:
    """Return the operations of which there are batches, by name."""
    records = await connection.fetch("SELECT DISTINCT operation FROM curve_batch ORDER BY operation")
    return [record["operation"] for record in records]


async def find_batch(connection: Connection, batch: int, operation: str) -> CurveBatch | None:
    """Return a batch, None when there is none."""
    record = await connection.fetchrow(
        "SELECT * FROM curve_batch WHERE batch = $1 AND operation = $2", batch, operation
    )
    return None if record is None else _batch(record)


async def earlier_batches(connection: Connection, last: CurveBatch, *, limit: int) -> list[CurveBatch]:
    """Return the batches of an operation that used any channel of one, up to and with that one, the newest first."""
    records = await connection.fetch(
        """
        SELECT * FROM curve_batch
        WHERE operation = $1 AND (start_us, batch) <= ($2, $3) AND channels && $4::text[]
        ORDER BY start_us DESC, batch DESC LIMIT $5
        """,
        last.operation,
        last.start_us,
        last.batch,
        sorted({*last.channels} - {""}),
        limit,
    )
    return [_batch(record) for record in records]


async def whole_features(
    connection: Connection, units: Sequence[int], operation: str, *, step: int
) -> dict[tuple[int, int], StepFeatures]:
    """Return the features of one step of every test of units in an operation, by unit and attempt."""
    records = await connection.fetch(
        """
        SELECT unit, operation, attempt, step, method, names, "values" FROM step_feature
        WHERE unit = ANY($1::bigint[]) AND operation = $2 AND step = $3
        """,
        list(units),
        operation,
        step,
    )
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


async def list_tests(connection: Connection, unit: int) -> list[tuple[str, int]]:
    """Return operation and attempt of every test of a unit that was analysed, in the order of their names."""
    records = await connection.fetch(
        "SELECT DISTINCT operation, attempt FROM step_feature WHERE unit = $1 ORDER BY operation, attempt", unit
    )
    return [(record["operation"], record["attempt"]) for record in records]


def _batch(record: Any) -> CurveBatch:
    values: dict[str, Any] = {name: record[name] for name in CurveBatch.__struct_fields__ if name != "outliers"}
    columns: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in values.items()}
    return CurveBatch(**columns, outliers=msgspec.json.decode(record["outliers"], type=tuple[Outlier, ...]))
