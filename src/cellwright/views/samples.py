"""Sample plans as rows: how stations stand, and the samples that were taken."""

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.rules.sample_rows import SampleRow, SampleStandRow
from cellwright.views.following import unit_codes
from cellwright.views.stored import Stored

STANDS = Stored(
    SampleStandRow,
    "sample_stand",
    ("station", "operation", "units", "times_us", "good_us", "tools", "tool_counts", "is_failed"),
    """
    INSERT INTO sample_stand (station, operation, units, times_us, good_us, tools, tool_counts, is_failed)
    SELECT station, operation, units::bigint[], times_us::bigint[], good_us, tools::text[], tool_counts::bigint[],
           is_failed
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::boolean[])
         AS n (station, operation, units, times_us, good_us, tools, tool_counts, is_failed)
    ON CONFLICT (station, operation) DO UPDATE
    SET units = excluded.units, times_us = excluded.times_us, good_us = excluded.good_us, tools = excluded.tools,
        tool_counts = excluded.tool_counts, is_failed = excluded.is_failed
    """,
)

SAMPLES = Stored(
    SampleRow,
    "sample",
    (
        "id",
        "station",
        "operation",
        "characteristic",
        '"values"',
        "modes",
        "is_good",
        "units",
        '"of"',
        "hold",
        "lower",
        "upper",
        "recorded_us",
        "recorded_by",
        "person",
        "reason",
    ),
    """
    INSERT INTO sample (id, station, operation, characteristic, "values", modes, is_good, units, "of", hold, lower, upper,
                        recorded_us, recorded_by, person, reason)
    SELECT id, station, operation, characteristic, measured::float8[], modes::text[], is_good, units::bigint[],
           of_units::bigint[], hold, lower, upper, recorded_us, recorded_by, person, reason
    FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[], $8::text[],
                $9::text[], $10::bigint[], $11::float8[], $12::float8[], $13::bigint[], $14::text[], $15::text[],
                $16::text[])
         AS n (id, station, operation, characteristic, measured, modes, is_good, units, of_units, hold, lower, upper,
               recorded_us, recorded_by, person, reason)
    ON CONFLICT (id) DO NOTHING
    """,
)


class Sample(Struct, frozen=True, kw_only=True):
    """A sample as people read it: what it gave, by which limits, and the units that it speaks for."""

    sample: int
    station: str
    operation: str
    characteristic: str
    values: tuple[float | None, ...]
    modes: tuple[str, ...]
    is_good: bool
    units: tuple[str, ...]
    """Codes of the units made since the sample before."""
    of: tuple[str, ...]
    """Codes of the units that its pieces were made with or taken from."""
    hold: int
    """Hold that the units came under, 0 = none."""
    lower: float | None
    upper: float | None
    recorded_us: int
    recorded_by: str
    reason: str


async def read_samples(connection: Connection, station: str, *, limit: int) -> tuple[Sample, ...]:
    """Return the samples of a station, the newest first."""
    rows = await SAMPLES.load_page(connection, "WHERE station = $1 ORDER BY id DESC LIMIT $2", station, limit)
    return await _told(connection, rows)


async def samples_of(connection: Connection, unit: int) -> tuple[Sample, ...]:
    """Return the samples that speak for a unit, the newest first."""
    where = "WHERE units @> ARRAY[$1::bigint] ORDER BY id DESC"
    return await _told(connection, await SAMPLES.load_page(connection, where, unit))


async def read_stands(connection: Connection, station: str) -> dict[str, SampleStandRow]:
    """Return how a station stands by operation; an operation that is not there has no unit and no sample yet."""
    return {row.operation: row for row in await STANDS.load_page(connection, "WHERE station = $1", station)}


async def _told(connection: Connection, rows: list[SampleRow]) -> tuple[Sample, ...]:
    codes = await unit_codes(connection, {each for row in rows for each in (*row.units, *row.of)})
    return tuple(
        Sample(
            sample=row.id,
            station=row.station,
            operation=row.operation,
            characteristic=row.characteristic,
            values=row.values,
            modes=row.modes,
            is_good=row.is_good,
            units=tuple(dict.fromkeys(codes.get(each, "") for each in row.units)),
            of=tuple(codes.get(each, "") for each in row.of),
            hold=row.hold,
            lower=row.lower,
            upper=row.upper,
            recorded_us=row.recorded_us,
            recorded_by=row.recorded_by,
            reason=row.reason,
        )
        for row in rows
    )
