"""The usual way to write a gate, as a measure for ours: one transaction per command, one row at a time."""

from collections.abc import Iterable
from typing import Any

import msgspec

from cellwright.database.pool import Pool
from cellwright.model.answers import Admit, Answer, Receipt
from cellwright.model.commands import CheckIn, CheckOut, Command
from cellwright.model.ids import split_code
from cellwright.model.plant import Plant


class NaiveGate:
    """Each command in a transaction of its own, each unit locked, read and updated by itself: the usual way.

    It tests only status and step of the units, much less than the gate does, and answers just as durably.
    """

    def __init__(self, plant: Plant, pool: Pool, *, epoch: int, now_us: int) -> None:
        """Begin on a pool, under an epoch of its own, at a constant time (UTC us)."""
        self._epoch = epoch
        self._now_us = now_us
        self._plant = plant
        self._pool = pool
        self._seqs: dict[str, int] = {}
        self.unit_ids: dict[str, int] = {}
        self.trays: dict[str, list[int]] = {}

    async def __call__(self, source: str, command: Command) -> Answer:
        """Answer a check-in or check-out of units, after its commit."""
        seq = self._seqs.get(source, 0) + 1
        self._seqs[source] = seq
        async with self._pool.acquire() as connection, connection.transaction():
            if isinstance(command, CheckIn):
                answer = await self._check_in(connection, command)
            elif isinstance(command, CheckOut):
                answer = await self._check_out(connection, command)
            else:
                raise NotImplementedError(f"{type(command).__name__} is not what is measured here")
            await self._remember(connection, (source, seq), command, answer)
        return answer

    def _page(self, command: CheckIn | CheckOut) -> list[int]:
        return self.trays[command.carrier] if command.carrier else [self.unit_ids[code] for code in command.units]

    async def _check_in(self, connection: Any, command: CheckIn) -> Answer:
        operation = self._plant.stations[command.station].operations[0]
        wanted = [each.code for each in self._plant.routes["cell"].operations].index(operation)
        page = self._page(command)
        for unit in page:
            row = await connection.fetchrow("SELECT step, status FROM unit WHERE id = $1 FOR UPDATE", unit)
            _expect(row["status"] == "waiting" and row["step"] == wanted)
            await connection.execute(
                "UPDATE unit SET status = 'running', station = $2 WHERE id = $1", unit, command.station
            )
        await self._count(connection, command.station, len(page))
        return Admit(operation=operation, units=command.units)

    async def _check_out(self, connection: Any, command: CheckOut) -> Answer:
        page = self._page(command)
        for unit in page:
            row = await connection.fetchrow("SELECT status, station FROM unit WHERE id = $1 FOR UPDATE", unit)
            _expect(row["status"] == "running" and row["station"] == command.station)
            await connection.execute(
                """
                UPDATE unit SET status = 'waiting', station = '', step = step + 1,
                    completed_us[step + 1] = $2, attempts[step + 1] = 1
                WHERE id = $1
                """,
                unit,
                self._now_us,
            )
        await self._count(connection, command.station, -len(page))
        return Receipt(routing=("next",) * len(page))

    async def _count(self, connection: Any, station: str, change: int) -> None:
        await connection.execute(
            """
            INSERT INTO counter AS c (name, value) VALUES ($1, greatest($2, 0))
            ON CONFLICT (name) DO UPDATE SET value = c.value + $2
            """,
            f"running/{station}",
            change,
        )

    async def _remember(self, connection: Any, key: tuple[str, int], command: Command, answer: Answer) -> None:
        source, seq = key
        await connection.execute(
            "INSERT INTO inbox VALUES ($1, $5, $2, ''::bytea, $3, $4)",
            source,
            seq,
            msgspec.json.encode(answer).decode(),
            self._now_us,
            self._epoch,
        )
        await connection.execute(
            """
            INSERT INTO fact (source, epoch, seq, part, kind, version, time_us, recorded_us, actor, body)
            VALUES ($1, $6, $2, 0, $3, 1, $4, $4, $1, $5)
            """,
            source,
            seq,
            type(command).__name__,
            self._now_us,
            msgspec.json.encode(command).decode(),
            self._epoch,
        )


def _expect(fits: object) -> None:
    if not fits:
        raise AssertionError("the unit is not where it should be")


async def unit_ids(connection: Any, codes: Iterable[str]) -> dict[str, int]:
    """Return the ids of units by their codes."""
    blocks = await connection.fetch("SELECT prefix, serial_from, id_from FROM unit_block")
    first = {block["prefix"]: block["id_from"] - block["serial_from"] for block in blocks}
    parts = {code: split_code(code) for code in codes}
    return {code: first[part[0]] + part[1] for code, part in parts.items() if part is not None}
