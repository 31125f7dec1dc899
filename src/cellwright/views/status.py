"""What the plant is doing now: a snapshot for people, refreshed by reading only what the journal has more."""

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.journal.facts import Recorded, read_page
from cellwright.model.facts import LotTransformed, OperationAborted, OperationCompleted, OperationStarted, Refused

_RUNNING = "running/"
_US_PER_S = 1_000_000


class StationStatus(Struct):
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


class StatusReader:
    """Makes snapshots; what it read of the journal it remembers, so the next one is quick."""

    def __init__(self) -> None:
        """Begin before the first fact."""
        self._position = 0
        self._facts = 0
        self._last_us = 0
        self._stations: dict[str, StationStatus] = {}
        self._refusals: Counter[str] = Counter()

    async def read(self, connection: Connection, now_us: int) -> Status:
        """Return a snapshot at a plant time (UTC us)."""
        while page := await read_page(connection, self._position):
            self._fold(page)
        await self._count_running(connection)
        units = await _count_units(connection)
        return Status(
            facts=self._facts,
            last_fact_us=self._last_us,
            last_fact_age_s=(now_us - self._last_us) / _US_PER_S if self._facts else None,
            units=units,
            stations=tuple(self._stations[code] for code in sorted(self._stations)),
            loaded=await _read_loaded(connection),
            refusals=dict(sorted(self._refusals.items())),
            holds_count=await connection.fetchval("SELECT count(*) FROM hold WHERE released_us = 0"),
            packs_finished_count=units.get("pack", {}).get("finished", 0),
        )

    def _fold(self, page: list[Recorded]) -> None:
        self._position = page[-1].position
        self._facts += len(page)
        self._last_us = max(self._last_us, *(each.envelope.recorded_us for each in page))
        for each in page:
            fact = each.envelope.fact
            match fact:
                case OperationStarted():
                    self._station(fact.station).operation = fact.operation
                case OperationCompleted() | LotTransformed():
                    self._complete(fact.station, fact.operation, fact.verdicts)
                case OperationAborted():
                    self._complete(fact.station, fact.operation, [False] * len(fact.units or fact.lots))
                case Refused():
                    self._refuse(fact)
                case _:
                    continue
            if fact.station:
                self._station(fact.station).last_fact_us = each.envelope.recorded_us

    def _station(self, code: str) -> StationStatus:
        return self._stations.setdefault(code, StationStatus(code))

    def _complete(self, code: str, operation: str, verdicts: Iterable[bool]) -> None:
        station, good = self._station(code), list(verdicts)
        station.operation = operation
        station.ok_count += sum(good)
        station.ng_count += len(good) - sum(good)

    def _refuse(self, fact: Refused) -> None:
        codes = list(dict.fromkeys(str(reason.code) for reason in fact.reasons))
        self._refusals.update(codes)
        if fact.station:
            station = self._station(fact.station)
            station.refused_count += 1
            station.last_refusal = codes[0] if codes else ""

    async def _count_running(self, connection: Connection) -> None:
        records = await connection.fetch("SELECT name, value FROM counter WHERE starts_with(name, $1)", _RUNNING)
        for record in records:
            self._station(record["name"].removeprefix(_RUNNING)).running_count = record["value"]


async def read_status(connection: Connection, now_us: int) -> Status:
    """Return one snapshot at a plant time (UTC us); reads the whole journal."""
    return await StatusReader().read(connection, now_us)


async def _count_units(connection: Connection) -> dict[str, dict[str, int]]:
    records = await connection.fetch(
        "SELECT kind, status, count(*) FROM unit GROUP BY kind, status ORDER BY kind, status"
    )
    units: dict[str, dict[str, int]] = {}
    for kind, status, count in records:
        units.setdefault(kind, {})[status] = count
    return units


async def _read_loaded(connection: Connection) -> tuple[LoadedLot, ...]:
    records = await connection.fetch(
        """
        SELECT p.station, p.position, l.code, l.material, l.measure, p.remaining, p.reserved
        FROM loading AS p
        JOIN lot AS l ON l.id = p.lot
        ORDER BY p.station, p.position
        """
    )
    return tuple(LoadedLot(*record) for record in records)
