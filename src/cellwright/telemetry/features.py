"""What analyses made of the steps of curves: rows for screens and judgements, so that nobody reads curves for them."""

from collections.abc import Sequence

from msgspec import Struct

from cellwright.database.pool import Connection


class StepFeatures(Struct, frozen=True):
    """Numbers about one step of a curve; names end in their unit, None = not known. `method` = name and version."""

    unit: int
    operation: str
    attempt: int
    step: int
    method: str
    values: dict[str, float | None]


async def save_features(connection: Connection, page: Sequence[StepFeatures]) -> None:
    """Write the features of steps; those of a step that had some are replaced, so an analysis may run again."""
    await connection.executemany(
        """
        INSERT INTO step_feature (unit, operation, attempt, step, method, names, "values")
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (unit, operation, attempt, step) DO UPDATE
        SET method = excluded.method, names = excluded.names, "values" = excluded."values"
        """,
        [
            (
                each.unit,
                each.operation,
                each.attempt,
                each.step,
                each.method,
                list(each.values),
                list(each.values.values()),
            )
            for each in page
        ],
    )


async def find_features(connection: Connection, units: Sequence[int], operation: str) -> list[StepFeatures]:
    """Return the features of every step and attempt of an operation of units, by unit, attempt and step."""
    records = await connection.fetch(
        """
        SELECT unit, operation, attempt, step, method, names, "values" FROM step_feature
        WHERE unit = ANY($1::bigint[]) AND operation = $2 ORDER BY unit, attempt, step
        """,
        list(units),
        operation,
    )
    return [
        StepFeatures(
            unit=record["unit"],
            operation=record["operation"],
            attempt=record["attempt"],
            step=record["step"],
            method=record["method"],
            values=dict(zip(record["names"], record["values"], strict=True)),
        )
        for record in records
    ]
