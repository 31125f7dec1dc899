import asyncio
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import msgspec
import pytest

from cellwright.database.pool import connect
from cellwright.model.answers import Answer, Refusal
from cellwright.model.commands import (
    AssignCode,
    Command,
    Disassemble,
    Disposition,
    DispositionAction,
    HoldSubject,
    LoadCarrier,
    PlaceHold,
    ReceiveLot,
    RecordCalibration,
    ReleaseHold,
    ReplaceMember,
    ReturnUnits,
    ShipUnits,
    Submission,
    UnloadCarrier,
)
from cellwright.plant.check import check
from cellwright.plant.gate import FULL_COUNT, Gate
from cellwright.testing.database import Databases
from cellwright.testing.flow import START_US, Driver, results
from cellwright.testing.gates import make_gate
from cellwright.testing.plants import small_plant, with_operation
from cellwright.views.inline import INLINE

WINDOW = 40
COPIES = 3
PATIENCE_US = 60_000_000
FACTS = "SELECT source, epoch, seq, part, kind, version, time_us, recorded_us, actor, body::text FROM fact"


class Story(Driver):
    """Keeps what each station sends under its own name and numbers, with the answer it got.

    Messages of different senders may overtake each other by less than WINDOW places. The gate puts them in order where
    the order can be known: by each sender's sequence, and by what a unit, lot or carrier must have been through.
    The story keeps a window between things whose order only the senders know: taking cells out of a tray and the
    operation before, a hold and the work before. Numbers that everybody draws from one counter (lots, holds) are drawn
    in an order that follows from the above, since later messages name them.
    """

    def __init__(self) -> None:
        self.sent: list[Submission] = []
        self.answers: list[Answer] = []
        self._seqs: dict[str, int] = {}
        # Time stands still here: windows between operations are tested elsewhere.
        plant = small_plant()
        for operation in [each for route in plant.routes.values() for each in route.operations]:
            plant = with_operation(plant, msgspec.structs.replace(operation, queue_times=()))
        super().__init__(plant)

    def submit(self, command: Command, *, actor: str = "tester", time_us: int | None = None) -> Answer:
        assert time_us is None
        time_us = START_US + 1000 * len(self.sent)
        source = self._source(command)
        self._seqs[source] = self._seqs.get(source, 0) + 1
        self.sent.append(
            Submission(source=source, epoch=7, seq=self._seqs[source], time_us=time_us, actor=actor, command=command)
        )
        self.answers.append(super().submit(command, actor=actor, time_us=time_us))
        return self.answers[-1]

    @staticmethod
    def _source(command: Command) -> str:
        if isinstance(command, ReceiveLot):
            return "RCV-01"
        return str(getattr(command, "station", "office"))

    def pause(self) -> None:
        """Let a window pass with messages that concern nothing else."""
        for number in range(WINDOW):
            self.must(ReceiveLot(lot=f"SPARE-{len(self.sent)}-{number}", material="kit", quantity=1))

    def move(self, units: Sequence[str], carrier: str) -> None:
        slots = tuple(range(len(units)))
        self.must(LoadCarrier(station="TRAY-01", carrier=carrier, units=tuple(units), slots=slots))


def tell() -> Story:
    """Make 32 cells and four modules at eight stations, with bad cells, refusals, holds and scrap on the way."""
    story = Story()
    for position, station in (("can", "ASM-01"), ("can", "ASM-02"), ("kit", "MOD-01")):
        story.receive(f"{position}-{station}", position, 100)
    story.receive("SEP-1", "separator", 100_000)
    story.receive("FOIL-1", "foil", 100_000)
    for position, station in (("can", "ASM-01"), ("can", "ASM-02"), ("kit", "MOD-01")):
        story.load(station, position, f"{position}-{station}", 100)
    story.load("COAT-01", "foil", "FOIL-1", 100_000)
    story.load("WIND-01", "separator", "SEP-1", 100_000)
    story.load("WIND-01", "cathode", story.coat(40_000)[0], 40_000)
    story.person("P-1", "quality", qualification="hv_work")
    story.person("P-2", "quality")
    story.must(RecordCalibration(station="GRADE-01", valid_until_us=START_US + 86_400_000_000))
    cells = story.wind(16) + story.wind(16)
    story.submit(story.ask("WIND-99", count=1))
    for index, cell in enumerate(cells):
        story.work(f"ASM-0{1 + index % 2}", [cell])
        story.work("SEAL-01", [cell], results=results(leak_pamin=[9.0 if index == 5 else 1.0]))
    story.work("ASM-01", [cells[5]])
    story.work("SEAL-01", [cells[5]], results=results(leak_pamin=[1.0]))
    trays = [f"TRAY-{number}" for number in range(4)]
    for number, tray in enumerate(trays):
        story.move(cells[8 * number : 8 * number + 8], tray)
        story.check_in("FORM-01", carrier=tray)
        story.check_out("FORM-01", carrier=tray)
    for number, tray in enumerate(trays):
        story.check_in("GRADE-01", carrier=tray)
        ampere_hours = [5.0 if number == 3 and index == 7 else 6.2 for index in range(8)]
        story.check_out("GRADE-01", carrier=tray, results=results(capacity_ah=ampere_hours))
    story.pause()
    story.must(PlaceHold(subject=HoldSubject.UNIT, codes=cells[20:22], reason="look"), actor="P-1")
    story.must(ReleaseHold(hold=2, reason="fine", second_person="P-2"), actor="P-1")
    story.must(PlaceHold(subject=HoldSubject.LOT, codes=("SEP-1",), reason="odour"), actor="P-1")
    story.must(Disposition(units=(cells[30],), action=DispositionAction.SCRAP, reason="dropped"), actor="P-1")
    for tray in trays:
        story.must(UnloadCarrier(station="TRAY-01", carrier=tray))
    modules: list[str] = []
    for number in range(4):
        story.move(cells[4 * number : 4 * number + 4], f"MAG-{number}")
        module = story.check_in("MOD-01", carrier=f"MAG-{number}").units
        story.check_out("MOD-01", units=module, consumed=story.takes("MOD-01", 1))
        voltage_v = 9.0 if number == 2 else 13.2
        story.work("TEST-01", module, person="P-1", results=results(voltage_v=[voltage_v]))
        modules += module
    story.pause()
    mend = ReplaceMember(
        parent=modules[0], members=cells[1:3], replacements=cells[16:18], operation="test", reason="low"
    )
    story.must(mend, actor="P-1")
    story.must(Disposition(units=cells[1:2], action=DispositionAction.REUSE, reason="level"), actor="P-1")
    back = ReplaceMember(parent=modules[2], members=cells[8:9], replacements=cells[1:2], reason="low")
    story.must(back, actor="P-1")
    story.must(Disassemble(units=(modules[3],), reason="crushed"), actor="P-1")
    story.must(ShipUnits(units=(modules[1],), partner="OEM-1"), actor="P-1")
    story.must(AssignCode(units=(modules[1],), codes=("TESMB0100G110000001",), reason="second use"), actor="P-1")
    story.must(ReturnUnits(units=("TESMB0100G110000001",), reason="second use"), actor="P-1")
    story.submit(story.ask("ASM-01", units=("not a code",)))
    return story


def shuffled(sent: Sequence[Submission], random: Random) -> list[Submission]:
    """Return every message three times; any may arrive before another that was sent less than WINDOW before it.

    The release of the plant's files stays first: a gate hears no machine before it.
    """
    places = [(place + random.uniform(0, WINDOW), each) for place, each in enumerate(sent[1:]) for _ in range(COPIES)]
    return [sent[0]] * COPIES + [each for _, each in sorted(places, key=lambda placed: placed[0])]


def open_gate(url: str, story: Story, full_count: int = FULL_COUNT) -> Gate:
    return make_gate(url, story.plant, lambda: START_US, full_count=full_count)


async def contents(url: str, story: Story) -> dict[str, list[Any]]:
    """Return everything that the database says, but for the order of recording; the record must agree with itself."""
    connection = await connect(url)
    try:
        report = await check(connection, story.plant)
        assert report.equal, report
        said = {"fact": sorted(tuple(row) for row in await connection.fetch(FACTS))}
        for stored in INLINE:
            rows = await stored.load_page(connection)
            said[stored.table] = sorted(msgspec.structs.astuple(row) for row in rows)
        return said
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def story() -> Story:
    return tell()


@pytest.fixture(scope="module")
def databases() -> Iterator[Databases]:
    started = asyncio.run(Databases.start())
    yield started
    asyncio.run(started.stop())


@pytest.fixture(scope="module")
def expected(databases: Databases, story: Story) -> dict[str, list[Any]]:
    """What the database says when every message comes once and in order."""

    async def deliver() -> dict[str, list[Any]]:
        async with databases.fresh() as url:
            async with open_gate(url, story) as gate:
                for submission, answer in zip(story.sent, story.answers, strict=True):
                    assert await gate.submit(submission) == answer
            return await contents(url, story)

    return asyncio.run(deliver())


def test_the_story_is_rich(story: Story, expected: dict[str, list[Any]]) -> None:
    assert len(story.sent) > 200
    assert len({each.source for each in story.sent}) >= 10
    assert sum(isinstance(each, Refusal) for each in story.answers) == 2
    kinds = {row[4] for row in expected["fact"]}
    assert kinds >= {"Disassembled", "UnitsShipped", "UnitsReturned", "CodesAssigned"}
    assert kinds >= {"Assembled", "Held", "Released", "Dispositioned", "LotTransformed", "CarrierUnloaded", "Refused"}


@pytest.mark.parametrize(("seed", "full_count"), [(0, 1), (1, 20), (2, FULL_COUNT)])
async def test_messages_three_times_and_shuffled_have_the_effect_of_one_each_in_order(
    databases: Databases, story: Story, expected: dict[str, list[Any]], seed: int, full_count: int
) -> None:
    arriving = shuffled(story.sent, Random(seed))
    async with databases.fresh() as url:
        async with open_gate(url, story, full_count) as gate:
            patient = [msgspec.structs.replace(each, patience_us=PATIENCE_US) for each in arriving]
            answers = await asyncio.gather(*map(gate.submit, patient))
            assert gate.counts.decided == len(story.sent)
            assert gate.counts.repeated == len(arriving) - len(story.sent)
        right = {(each.source, each.seq): answer for each, answer in zip(story.sent, story.answers, strict=True)}
        assert answers == [right[each.source, each.seq] for each in arriving]
        said = await contents(url, story)
        for table, rows in expected.items():
            assert said[table] == rows, table


async def test_messages_that_trickle_in_wait_for_the_ones_before_them(
    databases: Databases, story: Story, expected: dict[str, list[Any]]
) -> None:
    random = Random(11)
    async with databases.fresh() as url:
        async with open_gate(url, story) as gate, asyncio.TaskGroup() as tasks:
            for submission in shuffled(story.sent, random):
                patient = msgspec.structs.replace(submission, patience_us=PATIENCE_US)
                tasks.create_task(gate.submit(patient))
                if random.random() < 0.05:
                    await asyncio.sleep(0.001)
        assert await contents(url, story) == expected
