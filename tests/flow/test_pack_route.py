"""What goes wrong on the PACK line is stopped where it must be, mended, tested again, and only then shipped."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec import Struct, structs

from cellwright.database.pool import Connection, connect
from cellwright.model.answers import Receipt
from cellwright.model.commands import Command, Disposition, DispositionAction, ReleaseHold, Submission
from cellwright.plant.check import check
from cellwright.plant.config import find_plant, load_plant
from cellwright.sim.catalogue import NO_DEFECTS, ROUTES, Settings
from cellwright.sim.score import score
from cellwright.sim.truth import observe
from cellwright.sim.units import Place, Unit
from cellwright.testing.virtual import RELEASERS, VirtualRun, answered_by_gate, answered_over_sockets
from cellwright.views.finding import find_unit
from cellwright.views.history import Event, unit_history
from cellwright.views.holds import Hold, read_holds
from cellwright.views.people import catch_up
from cellwright.views.recorded import read_record
from cellwright.views.samples import read_samples

pytestmark = pytest.mark.timeout(120)

PLANT = load_plant(find_plant("lfp32700"))
PACK = ROUTES["pack"]


class Told(Struct, frozen=True):
    """A finished run, and a connection to its record."""

    run: VirtualRun
    connection: Connection

    def units(self, kind: str, place: Place) -> list[Unit]:
        return [each for each in self.run.world.units.values() if (each.kind, each.place) == (kind, place)]

    @property
    def pack(self) -> Unit:
        (pack,) = self.units("pack", Place.SHIPPED)
        return pack

    async def events(self, code: str) -> list[Event]:
        """The history of a unit, the oldest event first."""
        number = await find_unit(self.connection, code)
        assert number is not None
        return list(reversed((await unit_history(self.connection, number)).events))

    async def done(self, code: str) -> list[Event]:
        return [each for each in await self.events(code) if each.kind == "OperationCompleted"]

    async def path(self, code: str) -> list[str]:
        """The stations that worked on a unit, in order; a failed one has a !."""
        return [each.station + ("" if each.is_good else "!") for each in await self.done(code)]

    async def holds(self) -> tuple[Hold, ...]:
        return (await read_holds(self.connection, lifted=True)).holds

    async def expect_true_record(self) -> None:
        """What is recorded is what happened, the tables are the journal's, and no pack was shipped with a defect."""
        truth = observe(self.run.world)
        found = score(truth, await read_record(self.connection))
        assert found.details == {}
        assert found.compared_intervals > 2500
        report = await check(self.connection, PLANT)
        assert report.equal, report
        assert (truth.summary.defective_shipped, truth.summary.defective_packs_shipped) == (0, 0)
        assert self.pack.members == self.pack.planned


@contextlib.asynccontextmanager
async def told(url: str, spare_modules: int = 0, **defects: float) -> AsyncIterator[Told]:
    settings = Settings(
        page=20, spare_modules=spare_modules, defects=structs.replace(NO_DEFECTS, **defects), parked_limit=0
    )
    async with answered_by_gate(url, PLANT, settings) as run, reading(run) as told:
        yield told


@contextlib.asynccontextmanager
async def reading(run: VirtualRun) -> AsyncIterator[Told]:
    connection = await connect(run.url)
    try:
        await catch_up(connection)
        yield Told(run, connection)
    finally:
        await connection.close()


LINE = ["PACK-01", "BOLT-01", "BMS-01", "LEAK-01", "INS-01", "HIPOT-01", "BOND-01", "CYC-01", "SOC-01", "LABEL-01"]
LAST = ["PEOL-01", "SHIP-01"]


async def test_a_pack_without_a_defect_goes_through_every_station_once(database_url: str) -> None:
    async with told(database_url) as good:
        assert await good.path(good.pack.code) == [*LINE, *LAST]
        done = {each.operation: each.results for each in await good.done(good.pack.code)}
        assert list(done) == list(PACK)
        assert (done["bms_flash"]["software_version_count"], done["bms_flash"]["pack_code_fit_count"]) == (10_402, 1)
        assert [done["busbar_bolting"][f"torque_{bolt:02d}_nm"] is not None for bolt in range(1, 9)] == [True] * 8
        turns = [done["busbar_bolting"][f"turn_{bolt:02d}_count"] for bolt in range(1, 9)]
        assert turns == [1, 5, 3, 7, 2, 6, 4, 8]
        assert await good.holds() == ()
        (pulled,) = await read_samples(good.connection, "MWELD-01", limit=9)
        assert (pulled.is_good, pulled.modes, pulled.hold) == (True, ("nugget_torn",), 0)
        assert len(pulled.units) == 1
        assert set(pulled.of) <= set(good.pack.members)
        await good.expect_true_record()


async def test_bolts_in_each_others_turn_are_stopped_whatever_their_torque(database_url: str) -> None:
    async with told(database_url, bolt_unordered=1.0) as mixed:
        assert await mixed.path(mixed.pack.code) == ["PACK-01", "BOLT-01!", *LINE[1:], *LAST]
        first, second = [each for each in await mixed.done(mixed.pack.code) if each.operation == "busbar_bolting"]
        assert first.defect.startswith("turn_") or first.defect == "sequence_count_low"
        assert first.next_operation == "busbar_bolting"
        assert first.results["sequence_count"] == 6
        assert (
            sum(first.results[name] != second.results[name] for name in first.results if name.startswith("turn_")) == 2
        )
        assert first.taken != second.taken
        await mixed.expect_true_record()


async def test_a_loose_bolt_is_stopped_at_bolting_and_tightened_with_new_bolts(database_url: str) -> None:
    async with told(database_url, bolt_loose=1.0) as loose:
        assert await loose.path(loose.pack.code) == ["PACK-01", "BOLT-01!", *LINE[1:], *LAST]
        first, second = [each for each in await loose.done(loose.pack.code) if each.operation == "busbar_bolting"]
        assert first.defect.startswith(("torque_", "angle_"))
        assert first.next_operation == "busbar_bolting"
        assert [(each.position, each.end - each.start) for each in second.taken] == [("bolts", 1)]
        assert first.taken != second.taken
        await loose.expect_true_record()


async def test_wrong_software_of_the_bms_is_stopped_at_flashing_and_flashed_again(database_url: str) -> None:
    async with told(database_url, bms_software=1.0) as wrong:
        assert await wrong.path(wrong.pack.code) == ["PACK-01", "BOLT-01", "BMS-01!", *LINE[1:], *LAST]
        first, second = [each for each in await wrong.done(wrong.pack.code) if each.operation == "bms_flash"]
        assert first.defect == "software_version_count_low"
        assert (first.results["software_version_count"], first.results["module_fit_count"]) == (900, 4)
        assert second.results["software_version_count"] == 10_402
        await wrong.expect_true_record()


async def test_swapped_modules_are_stopped_by_what_the_bms_reads_and_stacked_as_recorded(database_url: str) -> None:
    async with told(database_url, modules_swapped=1.0) as swapped:
        assert await swapped.path(swapped.pack.code) == ["PACK-01", "BOLT-01", "BMS-01!", *LINE[1:], *LAST]
        first, second = [each for each in await swapped.done(swapped.pack.code) if each.operation == "bms_flash"]
        assert (first.defect, first.results["module_fit_count"]) == ("module_fit_count_low", 2)
        assert first.results["software_version_count"] == 10_402
        assert second.results["module_fit_count"] == 4
        await swapped.expect_true_record()


async def test_low_insulation_is_held_and_shipped_only_with_another_module(database_url: str) -> None:
    async with told(database_url, spare_modules=1, insulation_low=1.0) as low:
        pack, (hurt,) = low.pack, low.units("module", Place.SCRAP)
        assert hurt.causes == ["insulation_low"]
        assert await low.path(pack.code) == [*LINE[:4], "INS-01!", *LINE[1:], *LAST]
        kinds = [each.kind for each in await low.events(pack.code)]
        held, lifted = kinds.index("Held"), kinds.index("Released")
        assert kinds[held:lifted].count("Assembled") == 1
        assert "OperationStarted" not in kinds[held:lifted]
        (hold,) = await low.holds()
        assert hold.reason.startswith("insulation_test: insulation_positive_mohm")
        assert {hold.released_by, hold.second_person} == set(RELEASERS)
        assert hurt.code not in pack.members
        left = [each for each in await low.events(hurt.code) if each.kind == "Disassembled"]
        assert [(each.parent, each.reason) for each in left] == [(pack.code, "insulation of the module is low")]
        await low.expect_true_record()


async def test_cells_in_each_others_slots_are_held_by_the_re_sorter(database_url: str) -> None:
    async with told(database_url, wrong_cell=1.0) as mixed:
        cells = mixed.units("cell", Place.HOLD)
        assert cells
        assert all(each.causes == ["wrong_cell"] for each in cells)
        for cell in cells:
            last = (await mixed.done(cell.code))[-1]
            assert (last.station, last.is_good, last.results["code_fit_count"]) == ("RSORT-01", False, 0)
        shifts = [abs((await mixed.done(cell.code))[-1].results["mass_shift_g"] or 0.0) for cell in cells]
        assert max(shifts) > 0.1
        inside = {code for module in mixed.units("module", Place.MEMBER) for code in module.members}
        assert inside.isdisjoint(each.code for each in cells)
        await mixed.expect_true_record()
        await expect_another_measurement(mixed, [each.code for each in cells])


async def expect_another_measurement(mixed: Told, cells: list[str]) -> None:
    """Once a person has put them right, two people let them go, and they are measured again."""
    for number, hold in enumerate(await mixed.holds(), 1):
        lift = ReleaseHold(hold=hold.id, reason="put in their own slots", second_person=RELEASERS[1])
        assert isinstance(await submit(mixed, lift, number), Receipt)
    again = Disposition(
        units=tuple(cells), action=DispositionAction.REWORK, operation="resort", reason="codes read by hand"
    )
    answer = await submit(mixed, again, 100)
    assert isinstance(answer, Receipt)
    assert set(answer.routing) == {"resort"}


async def submit(mixed: Told, command: Command, number: int) -> object:
    return await mixed.run.gate.submit(
        Submission(
            source="desk",
            epoch=7,
            seq=number,
            time_us=mixed.run.world.clock.now_us,
            actor=RELEASERS[0],
            command=command,
        )
    )


async def test_over_sockets_one_pack_with_every_defect_ships_after_every_repair(
    database_url: str, tmp_path: Path
) -> None:
    names = ("wrong_cell", "modules_swapped", "insulation_low", "bolt_loose", "bms_software", "machine_restart")
    rates = dict.fromkeys(names, 1.0) | {"machine_restart": 0.02}
    settings = Settings(page=20, spare_modules=1, defects=structs.replace(NO_DEFECTS, **rates), parked_limit=0)
    async with answered_over_sockets(database_url, PLANT, settings, tmp_path) as run, reading(run) as told:
        assert await told.path(told.pack.code) == [
            "PACK-01", "BOLT-01!", "BOLT-01", "BMS-01!", "BOLT-01", "BMS-01", "LEAK-01", "INS-01!", *LINE[1:], *LAST,
        ]  # fmt: skip
        assert told.units("cell", Place.HOLD)
        await told.expect_true_record()
