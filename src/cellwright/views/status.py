"""What the plant is doing now: a snapshot for people, made of the tables that follow the journal."""

from msgspec import Struct

from cellwright.database.pool import Connection

_US_PER_S = 1_000_000


class StationStatus(Struct, frozen=True):
    """A station: what is in process now, its last operation and fact, outcomes and refusals since the journal began."""

    station: str
    running_count: int = 0
    operation: str = ""
    ok_count: int = 0
    ng_count: int = 0
    refused_count: int = 0
    last_refusal: str = ""
    """Code of the last refusal, "" = none."""
    last_fact_us: int = 0
    """When the server recorded the last fact of it (UTC us); 0 = never."""


class LoadedLot(Struct, frozen=True):
    """What stands at a material position; remaining and reserved in the lot's measure."""

    station: str
    position: str
    lot: str
    material: str
    measure: str
    remaining: int
    reserved: int


class Status(Struct, frozen=True):
    """A snapshot; ages are in plant time."""

    facts: int
    last_fact_us: int
    """When the server recorded the last fact (UTC us); 0 = never."""
    last_fact_age_s: float | None
    units: dict[str, dict[str, int]]
    """Count by kind and status."""
    stations: tuple[StationStatus, ...]
    loaded: tuple[LoadedLot, ...]
    refusals: dict[str, int]
    """Refused commands by code; a command counts once for each code."""
    holds_count: int
    packs_finished_count: int


async def read_status(connection: Connection, now_us: int) -> Status:
    """Return a snapshot at a plant time (UTC us), as far as the views for people were folded."""
    facts = await connection.fetchrow("SELECT facts_count, last_fact_us FROM journal_tally")
    units = await _count_units(connection)
    return Status(
        facts=facts["facts_count"] if facts else 0,
        last_fact_us=facts["last_fact_us"] if facts else 0,
        last_fact_age_s=(now_us - facts["last_fact_us"]) / _US_PER_S if facts else None,
        units=units,
        stations=await _read_stations(connection),
        loaded=await read_loaded(connection),
        refusals=await _count_refusals(connection),
        holds_count=await connection.fetchval("SELECT count(*) FROM hold WHERE released_us = 0"),
        packs_finished_count=units.get("pack", {}).get("finished", 0),
    )


async def _count_units(connection: Connection) -> dict[str, dict[str, int]]:
    records = await connection.fetch(
        "SELECT kind, status, units_count FROM unit_tally WHERE units_count > 0 ORDER BY kind, status"
    )
    units: dict[str, dict[str, int]] = {}
    for kind, status, count in records:
        units.setdefault(kind, {})[status] = count
    return units


async def _read_stations(connection: Connection) -> tuple[StationStatus, ...]:
    records = await connection.fetch(
        """
        SELECT station, (SELECT coalesce(sum(greatest(json_array_length(p.page->'units'), 1)), 0)
                         FROM json_array_elements(running) AS p (page))::bigint,
               operation, ok_count, ng_count, refused_count, refused_code, last_fact_us
        FROM station_state
        ORDER BY station
        """
    )
    return tuple(StationStatus(*record) for record in records)


async def _count_refusals(connection: Connection) -> dict[str, int]:
    records = await connection.fetch("SELECT code, refused_count FROM refusal_tally ORDER BY code")
    return {record["code"]: record["refused_count"] for record in records}


async def read_loaded(connection: Connection, station: str | None = None) -> tuple[LoadedLot, ...]:
    """Return what stands at the material positions of a station (None = of all)."""
    records = await connection.fetch(
        """
        SELECT p.station, p.position, l.code, l.material, l.measure, p.remaining, p.reserved
        FROM loading AS p
        JOIN lot AS l ON l.id = p.lot
        WHERE $1::text IS NULL OR p.station = $1
        ORDER BY p.station, p.position
        """,
        station,
    )
    return tuple(LoadedLot(*record) for record in records)
