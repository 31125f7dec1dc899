"""A plant run at random: the views for people count what the tables of the gate say, by pages of any size."""

import random
from collections.abc import Callable, Sequence

import pytest

from cellwright.database.pool import Connection, connect
from cellwright.model.commands import (
    AbortOperation,
    CloseOrder,
    Command,
    Disassemble,
    Disposition,
    DispositionAction,
    HoldSubject,
    PlaceHold,
    ReleaseOrder,
    ReplaceMember,
    ReturnUnits,
    ShipUnits,
    UnloadCarrier,
)
from cellwright.plant.check import check
from cellwright.rules.state import AssemblyRow, UnitRow, UnitStatus
from cellwright.testing.flow import results
from cellwright.testing.replay import RecordingDriver, through_gate
from cellwright.views.history import unit_history
from cellwright.views.overview import read_overview
from cellwright.views.people import follow_all
from cellwright.views.stations import Wanted, read_refusals, read_stations

STEPS = 200


class Chance:
    """Does what may or may not make sense, the sensible more often."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.driver = RecordingDriver()
        self.driver.supply(cells=80)
        self.driver.person("P-1", "line_lead", "quality")
        self.driver.graded(8)
        self.driver.graded(8, "TRAY-2")
        self._orders = 0

    def run(self) -> None:
        does: Sequence[Callable[[], None]] = (
            self._wind,
            *(self._work,) * 6,
            *(self._module,) * 2,
            self._disposition,
            self._order,
            self._hold,
            self._abort,
            *(self._repair,) * 4,
            self._take_apart,
            self._travel,
        )
        for _ in range(STEPS):
            self.driver.wait(self.random.choice((0, 1, 30, 600)))
            self.random.choice(does)()

    def _codes(self, *statuses: UnitStatus, count: int = 4) -> tuple[str, ...]:
        rows = [row for row in self.driver.state.rows(UnitRow) if row.status in statuses and row.kind == "cell"]
        chosen = self.random.sample(rows, min(len(rows), self.random.randint(1, count)))
        return tuple(self.driver.state.code_of(row.id) for row in chosen)

    def _try(self, command: Command) -> None:
        self.driver.submit(command)

    def _wind(self) -> None:
        self._try(self.driver.ask("WIND-01", count=self.random.randint(1, 4)))
        self._report("WIND-01")

    def _work(self) -> None:
        station = self.random.choice(("ASM-01", "ASM-02", "SEAL-01", "FORM-01", "GRADE-01"))
        operation = self.driver.plant.stations[station].operations[0]
        rows = [row for row in self.driver.state.rows(UnitRow) if row.status is UnitStatus.WAITING]
        here = [row for row in rows if (now := self.driver.state.operation_of(row)) and now.code == operation]
        chosen = here if self.random.random() < 0.9 else rows
        units = tuple(self.driver.state.code_of(row.id) for row in chosen[: self.random.randint(1, 8)])
        self._try(self.driver.ask(station, units=units))
        if self.random.random() < 0.9:
            self._report(station)

    def _report(self, station: str) -> None:
        """Report some of what runs at a station, mostly good."""
        running = [row for row in self.driver.state.rows(UnitRow) if row.station == station]
        units = tuple(self.driver.state.code_of(row.id) for row in running if row.status is UnitStatus.RUNNING)
        if not units:
            return
        units = units[: self.random.randint(1, len(units))]
        verdicts = tuple(self.random.random() < 0.8 for _ in units)
        measured = {"SEAL-01": {"leak_pamin": [1.0] * len(units)}, "GRADE-01": {"capacity_ah": [6.2] * len(units)}}
        self.driver.check_out(
            station,
            units=units,
            verdicts=verdicts,
            defects=tuple("" if good else self.random.choice(("bent", "torn", "")) for good in verdicts),
            consumed=self.driver.takes(station, len(units)),
            results=results(**measured.get(station, {})),
        )

    def _module(self) -> None:
        finished = [
            row for row in self.driver.state.rows(UnitRow) if row.status is UnitStatus.FINISHED and row.grade == "A"
        ]
        units = tuple(self.driver.state.code_of(row.id) for row in finished if row.kind == "cell")[:4]
        for carrier in {row.carrier for row in finished} - {""}:
            self._try(UnloadCarrier(station="TRAY-01", carrier=carrier))
        self._try(self.driver.ask("MOD-01", units=units))
        if self.random.random() < 0.8:
            self._report("MOD-01")

    def _disposition(self) -> None:
        units = self._codes(UnitStatus.WAITING, UnitStatus.FINISHED, UnitStatus.REMOVED)
        action = self.random.choice(tuple(DispositionAction))
        operation = self.random.choice(("assemble", "seal", "form", "grade"))
        for unit in units:
            self._try(Disposition(units=(unit,), action=action, operation=operation, reason="chance"))

    def _order(self) -> None:
        if self._orders and self.random.random() < 0.4:
            self._try(CloseOrder(order=f"WO-{self.random.randint(1, self._orders)}", reason="chance"))
            return
        self._orders += 1
        product = self.random.choice(("cell", "cell", "module"))
        self._try(ReleaseOrder(order=f"WO-{self._orders}", product=product, quantity=self.random.randint(1, 6)))

    def _abort(self) -> None:
        running = [row for row in self.driver.state.rows(UnitRow) if row.status is UnitStatus.RUNNING]
        if running:
            one = self.random.choice(running)
            units = tuple(self.driver.state.code_of(row.id) for row in running if row.station == one.station)
            units = units[: self.random.randint(1, len(units))]
            self.driver.submit(AbortOperation(station=one.station, units=units, reason="chance"), actor="P-1")

    def _repair(self) -> None:
        """Replace some members of a module, mostly by cells that fit."""
        modules = [row for row in self.driver.state.rows(AssemblyRow) if any(row.members)]
        spares = self._codes(UnitStatus.FINISHED, UnitStatus.REMOVED, count=2)
        if modules and spares:
            module = self.random.choice(modules)
            members = tuple(map(self.driver.state.code_of, self.random.sample(module.members, len(spares))))
            code, goal = self.driver.state.code_of(module.id), self.random.choice(("", "test"))
            command = ReplaceMember(parent=code, members=members, replacements=spares, operation=goal, reason="chance")
            self.driver.submit(command, actor="P-1")

    def _take_apart(self) -> None:
        modules = [row for row in self.driver.state.rows(AssemblyRow) if any(row.members)]
        if modules and self.random.random() < 0.2:
            code = self.driver.state.code_of(self.random.choice(modules).id)
            self.driver.submit(Disassemble(units=(code,), reason="chance"), actor="P-1")

    def _travel(self) -> None:
        for carrier in {row.carrier for row in self.driver.state.rows(UnitRow)} - {""}:
            self._try(UnloadCarrier(station="TRAY-01", carrier=carrier))
        self._try(ShipUnits(units=self._codes(UnitStatus.FINISHED, count=2), partner="OEM-1"))
        self._try(ReturnUnits(units=self._codes(UnitStatus.SHIPPED, count=1), reason="chance"))

    def _hold(self) -> None:
        self._try(PlaceHold(subject=HoldSubject.UNIT, codes=self._codes(UnitStatus.WAITING, count=2), reason="chance"))


@pytest.mark.parametrize("seed", range(6))
async def test_views_for_people_agree_with_the_gates_tables(database_url: str, seed: int) -> None:
    chance = Chance(seed)
    chance.run()
    await through_gate(database_url, chance.driver)
    connection = await connect(database_url)
    while await follow_all(connection, chance.random.randint(1, 40)):
        pass
    report = await check(connection, chance.driver.plant)
    assert report.equal, report
    await units_agree(connection)
    await orders_agree(connection)
    await histories_agree(connection, chance)
    await stations_agree(connection, chance)
    await connection.close()


async def units_agree(connection: Connection) -> None:
    assert await connection.fetch(
        "SELECT product, operation, waiting_count FROM buffer WHERE waiting_count <> 0 ORDER BY 1, 2"
    ) == await connection.fetch(
        """
        SELECT u.product, coalesce(r.operations->u.step->>'code', ''), count(*)
        FROM unit AS u JOIN route AS r ON r.id = u.route
        WHERE u.status IN ('waiting', 'finished') GROUP BY 1, 2 ORDER BY 1, 2
        """
    )
    assert await connection.fetch(
        "SELECT kind, status, units_count FROM unit_tally WHERE units_count <> 0 ORDER BY 1, 2"
    ) == await connection.fetch("SELECT kind, status, count(*) FROM unit GROUP BY 1, 2 ORDER BY 1, 2")


async def orders_agree(connection: Connection) -> None:
    assert await connection.fetch(
        """
        SELECT work_order, product, started_count, good_count, scrapped_count FROM order_tally ORDER BY 1, 2
        """
    ) == await connection.fetch(
        """
        SELECT s.work_order, s.product, count(*), count(*) FILTER (WHERE u.status IN ('finished', 'reserved', 'assembled', 'removed', 'shipped')),
               count(*) FILTER (WHERE u.status = 'scrapped')
        FROM unit AS u JOIN unit_span AS s ON u.id >= s.id_from AND u.id < s.id_to
        GROUP BY 1, 2 ORDER BY 1, 2
        """
    )
    assert not await connection.fetch(
        """
        SELECT FROM order_tally AS t JOIN work_order AS w ON w.code = t.work_order
        WHERE t.started_count - t.scrapped_count > w.quantity
        """
    )


async def histories_agree(connection: Connection, chance: Chance) -> None:
    """Every unit's attempts are those of its row."""
    for row in chance.driver.state.rows(UnitRow):
        events = (await unit_history(connection, row.id, limit=500)).events
        attempts = [each for each in events if each.kind == "OperationCompleted"]
        aborted = [each for each in events if each.kind == "OperationAborted" and not each.parent]
        assert len(attempts) + len(aborted) == sum(row.attempts)
        begun = [each for each in events if each.kind == "OperationStarted" and not each.parent]
        assert len(begun) - len(attempts) - len(aborted) == (row.status is UnitStatus.RUNNING)


async def stations_agree(connection: Connection, chance: Chance) -> None:
    running: dict[str, int] = {}
    for row in chance.driver.state.rows(UnitRow):
        if row.status is UnitStatus.RUNNING:
            running[row.station] = running.get(row.station, 0) + 1
    stations = {each.station: each for each in await read_stations(connection)}
    assert {code: each.running_count for code, each in stations.items() if each.running_count} == running
    seen = await read_overview(connection, chance.driver.now_us)
    refusals = (await read_refusals(connection, Wanted(), limit=1000)).refusals
    assert sum(seen.refusals.values()) == sum(len(each.codes) for each in refusals)
    lost = {each.operation: each.first_count - each.first_good_count for each in seen.first_pass}
    assert {each.operation: each.lost_count for each in seen.losses} == {code: n for code, n in lost.items() if n}
