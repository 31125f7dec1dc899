"""What the database says of a line: read once, then kept up by what the journal has new. All of it can be read again."""

from collections.abc import Collection, Iterable

from cellwright.database.pool import Connection
from cellwright.model.routes import Route
from cellwright.plant.line.interest import ALL, Interest, Part
from cellwright.plant.line.members import Members
from cellwright.rules.job_rows import OVER, CallRow, JobRow
from cellwright.rules.line_sight import BEFORE_START
from cellwright.rules.line_view import Denied, Waiting, Want
from cellwright.rules.state import UnitRow, UnitStatus
from cellwright.views import jobs, wip
from cellwright.views.line import (
    News,
    read_codes,
    read_followed,
    read_loaded,
    read_news,
    read_running,
    read_version,
    read_waiting,
    read_wants,
)
from cellwright.views.people import catch_up

_WAITING_MAX = 200
"""Units that wait for one operation and are looked at, the longest waiting first."""
_GONE = frozenset(
    {UnitStatus.ASSEMBLED, UnitStatus.SCRAPPED, UnitStatus.SHIPPED, UnitStatus.INSTALLED, UnitStatus.REMOVED}
)


class Seen:
    """Jobs, units, orders, loaded lots and calls of a line, as of a place in the journal."""

    def __init__(self, interest: Interest, members: Members) -> None:
        """Know nothing yet; `members` is told what may become one."""
        self.interest = interest
        self.members = members
        self.jobs: dict[str, JobRow] = {}
        self.over: dict[str, JobRow] = {}
        """Jobs that are over, by the code under which a station may still hold them."""
        self.units: dict[int, UnitRow] = {}
        self.codes: dict[int, str] = {}
        self.wants: tuple[Want, ...] = ()
        self.loaded: dict[tuple[str, str], int] = {}
        self.calls: tuple[CallRow, ...] = ()
        self.denied: dict[str, Denied] = {}
        self._position = 0
        self._version = -1
        self._routes: dict[int, Route] = {}
        self._queue: dict[int, Waiting] = {}
        self._ended: list[JobRow] = []

    async def start(self, connection: Connection, now_us: int) -> None:
        """Read everything, whatever was known before."""
        self.units.clear()
        self._queue.clear()
        self.members.clear()
        await catch_up(connection)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            self._version = -1  # what the views have not followed yet is heard next
            self._position = await read_followed(connection)
            ids = await read_waiting(connection, self.interest.products)
            await self._read_units(connection, ids)
            self.members.guess(await read_running(connection))
            await self._read(connection, ALL, now_us)

    async def refresh(self, connection: Connection, now_us: int) -> bool | None:
        """Read what changed; tell whether it concerns the line, None = nothing changed at all."""
        version = await read_version(connection)
        if version == self._version:
            return None
        self._version = version
        parts, touched = await self._hear(connection)
        if not parts:
            return False
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await self._read_units(connection, touched)
            await self._read(connection, parts, now_us)
        return True

    async def _hear(self, connection: Connection) -> tuple[set[Part], set[int]]:
        """Go through what is new; returns what has to be read again, and the units that it touched."""
        parts: set[Part] = set()
        touched: set[int] = set()
        while news := await read_news(connection, self._position):
            self._position = news[-1].position
            for each in news:
                self.members.hear(each)
                found = self.interest.parts_of(each)
                parts |= found
                touched.update(self._touched(each) if Part.UNITS in found else ())
                self._note_refusal(each)
        return parts, touched

    def _touched(self, news: News) -> Collection[int]:
        """Return the units that a fact changed; the end of a hold names only the hold."""
        if news.kind == "Released":
            return [row.id for row in self.units.values() if row.holds]
        return news.told.touched

    def _note_refusal(self, news: News) -> None:
        told = news.told
        if news.kind == "Refused" and told.command == "CheckIn" and told.station in self.interest.stations:
            text = "; ".join(each.text for each in told.reasons)
            self.denied[told.station] = Denied(news.recorded_us, tuple(each.code for each in told.reasons), text)

    async def _read(self, connection: Connection, parts: Collection[Part], now_us: int) -> None:
        if Part.JOBS in parts:
            await self._read_jobs(connection)
        if Part.WANTS in parts:
            self.wants = tuple(await read_wants(connection))
        if Part.LOADED in parts:
            self.loaded = await read_loaded(connection, self.interest.stations, now_us)
        if Part.CALLS in parts:
            self.calls = tuple(await jobs.CALLS.load_page(connection, "WHERE cleared_us = 0 ORDER BY raised_us"))

    async def _read_jobs(self, connection: Connection) -> None:
        before = self.jobs
        rows = await jobs.JOBS.load_page(connection, "WHERE ended_us = 0 ORDER BY dispatched_us, code")
        self.jobs = {row.job: row for row in rows}
        ended = before.keys() - self.jobs.keys()
        await self._read_over(connection, ended)
        self._ended.extend(self.over[code] for code in ended if code in self.over)
        named = {unit for row in rows for unit in (*row.units, *row.members)}
        await self._read_units(connection, named - self.units.keys())

    def take_ended(self) -> list[JobRow]:
        """Return the jobs that ended since this was asked last."""
        ended, self._ended = self._ended, []
        return ended

    async def keep_over(self, connection: Connection, held: Collection[str]) -> None:
        """Keep of the jobs that are over those that a station still holds, and read what is not known of them."""
        self.over = {code: row for code, row in self.over.items() if code in held}
        await self._read_over(connection, held)

    async def _read_over(self, connection: Connection, codes: Iterable[str]) -> None:
        wanted = sorted(set(codes) - self.jobs.keys() - self.over.keys())
        if wanted:
            found = await jobs.JOBS.load_page(connection, "WHERE code = ANY ($1::text[])", wanted)
            self.over.update({row.job: row for row in found if row.state in OVER})

    # --- units ----------------------------------------------------------------------------------

    async def _read_units(self, connection: Connection, ids: Iterable[int]) -> None:
        wanted = sorted(set(ids))
        if not wanted:
            return
        rows = await wip.UNITS.load_page(connection, "WHERE id = ANY ($1::bigint[])", wanted)
        await self._read_routes(connection, {row.route for row in rows})
        kept = [row for row in rows if row.product in self.interest.products]
        await self._read_codes(connection, kept)
        for row in kept:
            self.members.put(row)
            self._wait(row)
            if self._is_needed(row):
                self.units[row.id] = row
            else:
                self.units.pop(row.id, None)
                self.codes.pop(row.id, None)

    def _is_needed(self, row: UnitRow) -> bool:
        """Tell whether a line has something to do with a unit: it is here, and not finished for good."""
        is_done = row.status is UnitStatus.FINISHED and not self.members.takes(row.product)
        return row.status not in _GONE and not is_done

    async def _read_codes(self, connection: Connection, rows: Iterable[UnitRow]) -> None:
        unknown = [row.id for row in rows if row.id not in self.codes]
        if unknown:
            self.codes.update(await read_codes(connection, unknown))

    async def _read_routes(self, connection: Connection, ids: set[int]) -> None:
        if not ids <= self._routes.keys():
            self._routes = {row.id: row for row in await wip.ROUTES.load_page(connection)}

    def operation_of(self, row: UnitRow) -> str:
        """Return the operation that a unit is at or waits for, "" = it is finished."""
        operations = self._routes[row.route].operations
        return operations[row.step].code if row.step < len(operations) else ""

    def waiting(self) -> tuple[Waiting, ...]:
        """Return what waits for the line's operations, the longest waiting first."""
        counts: dict[str, int] = {}
        found = []
        for each in sorted(self._queue.values(), key=lambda each: (each.since_us, each.unit)):
            counts[each.operation] = counts.get(each.operation, 0) + 1
            if counts[each.operation] <= _WAITING_MAX:
                found.append(each)
        return tuple(found)

    def _wait(self, row: UnitRow) -> None:
        """Put a unit into the queue of what waits, or take it out."""
        operation = self.operation_of(row) if row.status is UnitStatus.WAITING else ""
        if operation in self.interest.operations:
            since_us = max(row.completed_us, default=0)
            self._queue[row.id] = Waiting(row.id, self.codes[row.id], operation, since_us, row.holds)
        else:
            self._queue.pop(row.id, None)

    def unfit(self) -> dict[int, str]:
        """Return the units of jobs that have not begun and cannot be worked on any more, with the reason."""
        pairs = (
            (unit, self._why_unfit(job, unit))
            for job in self.jobs.values()
            if job.state in BEFORE_START
            for unit in (*job.units, *job.members)
        )
        return {unit: why for unit, why in pairs if why}

    def _why_unfit(self, job: JobRow, unit: int) -> str:
        """Return why a unit cannot be worked on, "" = it can."""
        row, code = self.units.get(unit), self.codes.get(unit, str(unit))
        if row is None:
            return f"unit {code} is here no more"
        if row.holds:
            return f"unit {code} is on hold"
        is_idle = row.status in (UnitStatus.WAITING, UnitStatus.FINISHED)
        wanted = "" if job.members else job.operation
        is_there = self.operation_of(row) == wanted or not job.operation
        return "" if is_idle and is_there else f"unit {code} is {row.status}, not waiting for this job"

    def brought(self) -> frozenset[str]:
        """Return the jobs whose members lie in one carrier in the order of their slots."""
        return frozenset(job.job for job in self.jobs.values() if job.members and self._is_brought(job))

    def _is_brought(self, job: JobRow) -> bool:
        rows = [self.units.get(unit) for unit in job.members]
        places = [(row.carrier, row.slot) for row in rows if row is not None]
        carrier = places[0][0] if places else ""
        return bool(carrier) and places == [(carrier, slot) for slot in range(len(job.members))]
