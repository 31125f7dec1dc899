"""Samples of a station: what its plans ask for now, and what the last samples gave."""

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.model.equipment import Station
from cellwright.model.plant import Plant
from cellwright.model.quantities import Characteristic
from cellwright.rules.sampling import Cause, standing
from cellwright.views.samples import Sample, read_samples, read_stands

_SAMPLES = 10


class SampleNow(Struct, frozen=True, kw_only=True):
    """A sample plan at a station: whether a sample is due, why, and how many units may be begun before it."""

    operation: str
    name: str
    characteristic: Characteristic
    coupon_count: int
    modes: tuple[str, ...]
    every_count: int
    every_s: int | None
    cause: Cause | None
    """Why a sample is due; None = it is not."""
    since_count: int
    left_count: int
    good_us: int | None
    """When the last good sample was recorded; None = there was none."""


class StationSamples(Struct, frozen=True):
    """The plans of a station, and its newest samples, at most 10."""

    plans: tuple[SampleNow, ...] = ()
    taken: tuple[Sample, ...] = ()


async def read_station_samples(
    connection: Connection, plant: Plant, station: Station, *, now_us: int, running_count: int
) -> StationSamples:
    """Return the samples of a station at a plant time (UTC us); `running_count` units are in process there."""
    plans = [plant.samples[code] for code in station.operations if code in plant.samples]
    if not plans:
        return StationSamples()
    stands = await read_stands(connection, station.code)
    now = []
    for plan in plans:
        row = stands.get(plan.operation)
        found = standing(plan, row, now_us, running_count=running_count)
        now.append(
            SampleNow(
                operation=plan.operation,
                name=plan.name,
                characteristic=plan.characteristic,
                coupon_count=plan.coupon_count,
                modes=plan.modes,
                every_count=plan.every_count,
                every_s=plan.every_s,
                cause=found.cause,
                since_count=found.since_count,
                left_count=found.left_count,
                good_us=None if row is None or not row.good_us else row.good_us,
            )
        )
    return StationSamples(tuple(now), await read_samples(connection, station.code, limit=_SAMPLES))
