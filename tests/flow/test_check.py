import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial

import asyncpg
import msgspec
import pytest

from cellwright.database.pool import connect
from cellwright.model.answers import Admit, Receipt, Refusal
from cellwright.model.commands import (
    AddPerson,
    Command,
    HoldSubject,
    PlaceHold,
    ReceiveLot,
    Submission,
)
from cellwright.model.facts import OperationCompleted
from cellwright.plant.check import CheckReport, check, effect_digest, rebuild
from cellwright.plant.gate import Gate
from cellwright.testing.database import Databases
from cellwright.testing.replay import RecordingDriver, long_story, through_gate
from cellwright.views.inline import INLINE
from cellwright.views.people import catch_up
from cellwright.views.recorded import (
    RecordedDisposition,
    RecordedInterval,
    RecordedMember,
    RecordedPart,
    RecordedWork,
    read_record,
)
from cellwright.views.status import read_status
from cellwright.views.yields import Tally, read_yields


@pytest.fixture(scope="module")
def driver() -> RecordingDriver:
    return long_story()


@pytest.fixture(scope="module")
def databases() -> Iterator[Databases]:
    started = asyncio.run(Databases.start())
    yield started
    asyncio.run(started.stop())


@pytest.fixture(scope="module")
def url(databases: Databases, driver: RecordingDriver) -> Iterator[str]:
    """A database that tests leave as they found it."""
    with databases.prepared(partial(through_gate, driver=driver)) as address:
        yield address


@pytest.fixture
async def connection(url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await connect(url)
    yield opened
    await opened.close()


@pytest.fixture
async def own_url(databases: Databases, driver: RecordingDriver) -> AsyncIterator[str]:
    async with databases.fresh() as address:
        await through_gate(address, driver)
        yield address


@pytest.fixture
async def own(own_url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await connect(own_url)
    yield opened
    await opened.close()


def open_gate(url: str, driver: RecordingDriver) -> Gate:
    return Gate(lambda: connect(url), driver.plant, lambda: driver.now_us, monotonic_s=time.monotonic)


def found(report: CheckReport) -> dict[str, int]:
    return {name: table.different for name, table in report.tables.items() if table.different}


# --- check and rebuild ------------------------------------------------------------------------------


LEFT = {"installation", "shipment", "given_code", "job", "call", "correction", "sample", "sample_stand"}
"""What left the plant, was ordered, corrected or sampled: told and checked by test_whereabouts, test_jobs, test_grading, test_samples."""


async def test_the_journal_and_every_table_are_equal(connection: asyncpg.Connection, driver: RecordingDriver) -> None:
    seen: list[tuple[int, int]] = []
    report = await check(connection, driver.plant, progress=lambda done, total: seen.append((done, total)))
    assert report.equal, report
    assert report.facts == len(driver.envelopes)
    assert seen[-1] == (report.facts, report.facts)
    for stored in INLINE:
        if stored.table in LEFT:
            continue
        count = await connection.fetchval(f"SELECT count(*) FROM {stored.table}")  # noqa: S608
        assert report.tables[stored.table].rows == count > 0, f"the story makes no row of {stored.table}"


TAMPERED = {
    "unit": ("UPDATE unit SET grade = 'Z' WHERE id = (SELECT min(id) FROM unit)", "grade is 'Z', by the journal 'A'"),
    "lot": ("UPDATE lot SET remaining = remaining - 7 WHERE code = 'CAN-1'", "remaining is 693, by the journal 700"),
    "load_run": ("DELETE FROM load_run WHERE kind = 'kit'", "the table does not have it"),
    "person": ("INSERT INTO person VALUES ('MALLORY', '{admin}', false)", "the journal does not make it"),
    "carrier": ("UPDATE carrier SET slots = array_reverse_of_one(slots)", "slots is"),
    "counter": ("UPDATE counter SET value = value + 1 WHERE name = 'lot'", "counter lot: value is"),
    "route": ("UPDATE route SET operations = '[]' WHERE code = 'module'", "operations is ()"),
    "hold": ("UPDATE hold SET reason = 'none' WHERE id = 1", "reason is 'none', by the journal 'look'"),
}


@pytest.mark.parametrize("table", TAMPERED)
async def test_a_tampered_row_is_named_and_rebuilding_mends_it(
    connection: asyncpg.Connection, driver: RecordingDriver, table: str
) -> None:
    statement, sentence = TAMPERED[table]
    await connection.execute(statement.replace("array_reverse_of_one(slots)", "slots || 5::bigint"))
    report = await check(connection, driver.plant)
    assert not report.equal
    assert set(found(report)) == {table}
    assert sentence in " ".join(report.tables[table].examples)
    before = await connection.fetchval("SELECT count(*) FROM fact")
    mended = await rebuild(connection, driver.plant)
    assert mended.equal, mended
    assert (await check(connection, driver.plant)).equal
    assert await connection.fetchval("SELECT count(*) FROM fact") == before == mended.facts


async def test_examples_are_few(own: asyncpg.Connection, driver: RecordingDriver) -> None:
    await own.execute("UPDATE unit SET holds = holds + 1")
    table = (await check(own, driver.plant)).tables["unit"]
    assert table.different == table.rows == 11
    assert len(table.examples) == 5


async def test_a_hole_in_the_journal_is_a_problem_and_nothing_is_written(
    own: asyncpg.Connection, driver: RecordingDriver
) -> None:
    await own.execute("ALTER TABLE fact DISABLE TRIGGER fact_is_append_only")
    await own.execute("DELETE FROM fact WHERE kind = 'LotReceived' AND body->>'code' = 'FOIL-1'")
    report = await check(own, driver.plant)
    assert not report.equal
    assert "cannot be folded: LotRow 1 is not in the state" in report.problem
    units = await own.fetchval("SELECT count(*) FROM unit")
    assert (await rebuild(own, driver.plant)).problem == report.problem
    assert await own.fetchval("SELECT count(*) FROM unit") == units


async def test_a_running_gate_notices_a_rebuild_and_goes_on(
    own_url: str, own: asyncpg.Connection, driver: RecordingDriver
) -> None:
    def submission(seq: int, lot: str) -> Submission:
        command = ReceiveLot(lot=lot, material="foil", quantity=5)
        return Submission(source="late", epoch=1, seq=seq, time_us=driver.now_us, actor="x", command=command)

    gate = Gate(lambda: connect(own_url), driver.plant, lambda: driver.now_us, monotonic_s=time.monotonic)
    async with gate:
        assert isinstance(await gate.submit(submission(1, "LATE-1")), Receipt)
        await own.execute("UPDATE counter SET value = 500 WHERE name = 'lot'")
        answers = [asyncio.create_task(gate.submit(submission(seq, f"LATE-{seq}"))) for seq in range(2, 12)]
        assert (await rebuild(own, driver.plant)).equal
        answers.append(asyncio.create_task(gate.submit(submission(12, "LATE-12"))))
        assert all(isinstance(answer, Receipt) for answer in await asyncio.gather(*answers))
    assert (await check(own, driver.plant)).equal


# --- digests ----------------------------------------------------------------------------------------


def shuffled(driver: RecordingDriver) -> RecordingDriver:
    """The same plant, where two independent senders came in the other order, an hour later."""
    other = RecordingDriver(driver.plant)
    other.submissions = [(now_us + 30_000_000, submission, answer) for now_us, submission, answer in driver.submissions]
    return other


async def test_equal_work_has_equal_digests_whenever_it_is_recorded(
    connection: asyncpg.Connection, databases: Databases, driver: RecordingDriver
) -> None:
    mine = await effect_digest(connection)
    assert mine == await effect_digest(connection)
    async with databases.fresh() as address:
        await through_gate(address, shuffled(driver))
        opened = await connect(address)
        try:
            assert await effect_digest(opened) == mine
            await opened.execute("UPDATE tool SET used_count = used_count + 1")
            spoilt = await effect_digest(opened)
        finally:
            await opened.close()
    assert spoilt.facts == mine.facts
    assert spoilt.views != mine.views


async def test_the_order_of_independent_senders_does_not_count(databases: Databases, driver: RecordingDriver) -> None:
    def told_by(source: str, lots: list[str]) -> list[Submission]:
        commands: list[Command] = [
            *(ReceiveLot(lot=lot, material="can", quantity=9, certificate_sha256="c") for lot in lots),
            PlaceHold(subject=HoldSubject.LOT, codes=(lots[0],), reason=source),
            AddPerson(person=source, roles=("operator",)),
        ]
        return [
            Submission(source=source, epoch=7, seq=seq, time_us=driver.now_us, actor=source, command=command)
            for seq, command in enumerate(commands, start=1)
        ]

    stories = [told_by("north", ["N-1", "N-2"]), told_by("south", ["S-1"])]
    digests = []
    for order in (stories, stories[::-1]):
        async with databases.fresh() as address:
            async with open_gate(address, driver) as gate:
                for submission in (each for story in order for each in story):
                    assert isinstance(await gate.submit(submission), Receipt)
                await gate.submit_payload(b"{", "north")
            opened = await connect(address)
            digests.append(await effect_digest(opened))
            await opened.close()
    assert digests[0] == digests[1]


# --- yields, status, record -------------------------------------------------------------------------


async def test_yields_count_first_passes_and_all(connection: asyncpg.Connection) -> None:
    await catch_up(connection)
    tallies = {each.operation: each for each in await read_yields(connection)}
    assert tallies["seal"] == Tally("seal", 10, 9, 10, 9)
    assert tallies["seal"].first_pass_ratio == 0.9
    assert tallies["assemble"] == Tally("assemble", 10, 10, 10, 10)
    assert tallies["coat"] == Tally("coat", 1, 1, 1, 1)
    assert tallies["join"].first_count == 1
    assert Tally("never").first_pass_ratio is None
    again = {each.operation: each for each in await read_yields(connection)}
    assert again == tallies


async def test_the_status_tells_what_is_going_on(connection: asyncpg.Connection, driver: RecordingDriver) -> None:
    await catch_up(connection)
    status = await read_status(connection, driver.now_us + 5_000_000)
    assert status.facts == len(driver.envelopes)
    assert status.last_fact_us == driver.now_us
    assert status.last_fact_age_s == 5.0
    assert status.units == {
        "cell": {"assembled": 4, "running": 1, "scrapped": 1, "waiting": 4},
        "module": {"finished": 1},
    }
    stations = {each.station: each for each in status.stations}
    assert (stations["ASM-02"].running_count, stations["ASM-02"].operation) == (1, "assemble")
    sealing = stations["SEAL-01"]
    assert (sealing.ok_count, sealing.ng_count, sealing.refused_count) == (9, 1, 1)
    assert sealing.last_refusal == "unit_early"
    assert status.refusals == {"station_unknown": 1, "unit_early": 1}
    assert status.holds_count == 1
    assert status.packs_finished_count == 0
    loaded = {(each.station, each.position): each for each in status.loaded}
    assert loaded["ASM-01", "can"].lot == "CAN-1"
    assert loaded["ASM-01", "can"].remaining == 90
    assert loaded["WIND-01", "cathode"].measure == "mm"
    msgspec.json.encode(status)


async def test_a_plant_without_facts_has_a_status(databases: Databases) -> None:
    async with databases.fresh() as address:
        connection = await connect(address)
        await catch_up(connection)
        status = await read_status(connection, 5)
        await connection.close()
    assert (status.facts, status.last_fact_age_s, status.units, status.stations) == (0, None, {}, ())


async def test_the_record_says_by_codes_what_the_facts_say(
    connection: asyncpg.Connection, driver: RecordingDriver
) -> None:
    record = await read_record(connection)
    modules = {each.parent for each in record.members}
    (module,) = modules
    cells = [each.unit for each in record.members]
    assert record.members == [RecordedMember(cell, module, slot) for slot, cell in enumerate(cells)]
    web = next(each.lot for each in record.intervals if each.kind == "cathode")
    assert RecordedInterval(cells[1], "cathode", web, 900, 1800, 70) in record.intervals
    assert RecordedInterval(module, "kit", "KIT-1", 0, 1, 0) in record.intervals
    assert record.parts == [RecordedPart("FOIL-1", web, 0, 21_000, 0, 21_000, 1, reversed=False, tolerance=80)]
    works = {each.unit: each for each in record.works}
    assert works[cells[0]] == RecordedWork(cells[0], ("wind", "assemble", "seal", "form", "grade"))
    assert works[module] == RecordedWork(module, ("join", "test"))
    more = [each.unit for each in record.dispositions if each.unit not in (*cells, module)]
    assert [each.disposition for each in record.dispositions if each.unit in more] == [
        "line",
        "line",
        "scrap",
        "line",
        "line",
        "line",
    ]
    assert RecordedDisposition(cells[0], "member") in record.dispositions
    assert RecordedDisposition(module, "done") in record.dispositions
    facts = [envelope.fact for envelope in driver.envelopes]
    taken = [part.units for fact in facts if isinstance(fact, OperationCompleted) for part in fact.parts]
    assert len(record.intervals) == sum(map(len, taken))


async def test_the_replayed_answers_are_of_every_kind(driver: RecordingDriver) -> None:
    kinds = {type(answer) for _, _, answer in driver.submissions}
    assert kinds == {Admit, Receipt, Refusal}


async def test_a_wrong_tally_is_named_and_rebuilt(own: asyncpg.Connection, driver: RecordingDriver) -> None:
    await catch_up(own)
    right = await read_yields(own)
    assert (await check(own, driver.plant)).equal
    await own.execute("UPDATE yield_tally SET good_count = 0")
    report = await check(own, driver.plant)
    assert not report.equal
    assert report.tables["yield_tally"].different == sum(each.good_count > 0 for each in right)
    assert (await rebuild(own, driver.plant)).equal
    assert await read_yields(own) == []
    await catch_up(own)
    assert await read_yields(own) == right
