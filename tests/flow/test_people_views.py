"""Views for people: what they say of a plant, however its journal was cut into pages and by whom it was followed."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

import asyncpg
import msgspec
import pytest

from cellwright.database.pool import Connection, connect
from cellwright.journal.outbox import next_facts
from cellwright.model.commands import Disposition, DispositionAction, ReceiveLot, ReleaseHold
from cellwright.plant.check import check, rebuild
from cellwright.testing.database import Databases
from cellwright.testing.flow import START_US, results
from cellwright.testing.gates import Sender, make_gate
from cellwright.testing.plants import small_plant
from cellwright.testing.replay import RecordingDriver, long_story, through_gate
from cellwright.views.buffers import Buffer, count_waiting, read_buffers
from cellwright.views.history import Event, lot_history, unit_history
from cellwright.views.overview import HOUR_US, DefectCount, Loss, Output, OutputHour, read_overview
from cellwright.views.people import PEOPLE, TABLES, catch_up, follow_all
from cellwright.views.stations import LastUnit, StationView, Wanted, read_refusals, read_stations
from cellwright.views.subjects import find_code


@pytest.fixture(scope="module")
def driver() -> RecordingDriver:
    """The long story; then a finished cell is sent back and graded again, and another one is scrapped."""
    driver = long_story()
    driver.must(ReleaseHold(hold=2, reason="aired", second_person="P-2"), actor="P-1")
    cells = driver.graded(3, "TRAY-2")
    send_back(driver, cells[0])
    driver.must(Disposition(units=cells[1:2], action=DispositionAction.SCRAP, reason="dented"))
    return driver


def send_back(driver: RecordingDriver, cell: str) -> None:
    back = Disposition(units=(cell,), action=DispositionAction.REWORK, operation="grade", reason="doubtful")
    driver.must(back)
    driver.wait(120)
    driver.work("GRADE-01", [cell], results=results(capacity_ah=[5.9]))


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
async def connection(url: str) -> AsyncIterator[Connection]:
    opened = await connect(url)
    await catch_up(opened)
    yield opened
    await opened.close()


@pytest.fixture
async def own(databases: Databases, driver: RecordingDriver) -> AsyncIterator[Connection]:
    async with databases.fresh() as address:
        await through_gate(address, driver)
        opened = await connect(address)
        yield opened
        await opened.close()


async def rows_of(connection: Connection) -> dict[str, list[str]]:
    """Every row of every view as text."""
    found = {}
    for table in TABLES:
        records = await connection.fetch(f"SELECT to_jsonb(t)::text FROM {table} AS t ORDER BY 1")  # noqa: S608
        found[table] = [record[0] for record in records]
    return found


def cells_of(driver: RecordingDriver, operation: str) -> list[str]:
    """Codes of the units that an operation reported, in order."""
    facts = [envelope.fact for envelope in driver.envelopes]
    found: list[Any] = [fact for fact in facts if getattr(fact, "verdicts", ()) and fact.operation == operation]  # type: ignore[union-attr]
    return [driver.state.code_of(unit) for fact in found for unit in fact.units]


# --- following --------------------------------------------------------------------------------------


async def test_pages_of_any_size_give_the_same_rows(own: Connection, driver: RecordingDriver) -> None:
    sizes, folded = [1, 2, 3, 5, 7, 11], 0
    while count := await follow_all(own, sizes[folded % len(sizes)]):
        folded += count
    assert folded == len(driver.envelopes)
    by_pages = await rows_of(own)
    assert all(by_pages.values()), "the story puts a row into every view"
    report = await check(own, driver.plant)
    assert report.equal, report
    assert {name: report.tables[name].rows for name in TABLES} == {name: len(by_pages[name]) for name in TABLES}
    assert (await rebuild(own, driver.plant)).equal
    assert not any((await rows_of(own)).values())
    await catch_up(own)
    assert await rows_of(own) == by_pages


async def test_check_looks_as_far_as_the_views_have_come(own: Connection, driver: RecordingDriver) -> None:
    while await own.fetchval("SELECT coalesce(max(facts_count), 0) FROM journal_tally") < 40:
        await follow_all(own, 9)
        assert (await check(own, driver.plant)).equal
    assert await follow_all(own, 9) == 9


TAMPERED = {
    "history": "UPDATE history SET units = units || 5::bigint WHERE position = (SELECT max(position) FROM history)",
    "station_state": "UPDATE station_state SET ok_count = ok_count + 1 WHERE station = 'SEAL-01'",
    "buffer": "UPDATE buffer SET waiting_count = 7 WHERE operation = 'seal'",
    "unit_waiting": "DELETE FROM unit_waiting WHERE id_from = (SELECT min(id_from) FROM unit_waiting)",
    "unit_tally": "UPDATE unit_tally SET units_count = units_count + 1 WHERE kind = 'cell' AND status = 'scrapped'",
    "refusal": "UPDATE refusal SET station = 'X' WHERE position = (SELECT max(position) FROM refusal)",
    "refusal_code": "DELETE FROM refusal_code WHERE code = 'unit_early'",
    "refusal_tally": "UPDATE refusal_tally SET refused_count = 9 WHERE code = 'unit_early'",
    "output_hour": "UPDATE output_hour SET started_count = 9 WHERE kind = 'module'",
    "yield_tally": "UPDATE yield_tally SET good_count = 0 WHERE operation = 'seal'",
    "loss_tally": "INSERT INTO loss_tally VALUES ('seal', 'invented', 1)",
    "order_want": "UPDATE order_want SET started_count = 0 WHERE work_order = 'WO-1'",
    "order_tally": "UPDATE order_tally SET good_count = 77 WHERE work_order = 'WO-1'",
    "unit_span": "UPDATE unit_span SET product = 'pack' WHERE id_from = (SELECT min(id_from) FROM unit_span)",
    "lot_profile": 'UPDATE lot_profile SET "values"[3] = NULL',
    "lot_mark": "UPDATE lot_mark SET lane = 4",
    "journal_tally": "UPDATE journal_tally SET facts_count = 0",
}


async def test_a_tampered_view_is_named(own: Connection, driver: RecordingDriver) -> None:
    await catch_up(own)
    assert set(TAMPERED) == set(TABLES)
    for statement in TAMPERED.values():
        await own.execute(statement)
    report = await check(own, driver.plant)
    wrong = {name: table.different for name, table in report.tables.items() if table.different}
    assert wrong == dict.fromkeys(TABLES, 1)
    assert "the journal makes" in " ".join(report.tables["history"].examples)
    assert (await rebuild(own, driver.plant)).equal
    await catch_up(own)
    assert (await check(own, driver.plant)).equal


async def test_check_leaves_no_table_behind(own: Connection, driver: RecordingDriver) -> None:
    await catch_up(own)
    path = await own.fetchval("SHOW search_path")
    for _ in range(2):
        assert (await check(own, driver.plant)).equal
    assert await own.fetchval("SELECT count(*) FROM pg_class WHERE relpersistence = 't'") == 0
    assert await own.fetchval("SHOW search_path") == path
    assert len((await unit_history(own, await own.fetchval("SELECT min(id) FROM unit"))).events) > 5


async def receive(url: str, number: int, count: int) -> None:
    """Receive lots through a gate of its own; every second one is refused."""
    plant = small_plant()
    sender = Sender(f"RCV-{number}", plant, epoch=1, time_us=START_US)
    async with make_gate(url, plant, lambda: START_US) as gate:
        for lot in range(count):
            material = "foil" if lot % 2 else "unobtainium"
            await gate.submit(sender.message(ReceiveLot(lot=f"L-{number}-{lot}", material=material, quantity=1)))


async def test_every_fact_is_folded_once_whoever_follows(database_url: str) -> None:
    plant, count = small_plant(), 20
    writing = asyncio.gather(*(receive(database_url, number, count) for number in range(2)))

    async def follow() -> int:
        connection, folded = await connect(database_url), 0
        while not writing.done():
            folded += await follow_all(connection, 3)
        while some := await follow_all(connection, 3):
            folded += some
        await connection.close()
        return folded

    folded = await asyncio.gather(*(follow() for _ in range(3)))
    connection = await connect(database_url)
    # A follower may end while another still holds the last page.
    await catch_up(connection)
    facts = await connection.fetchval("SELECT count(*) FROM fact")
    assert facts == 2 * count >= sum(folded)
    assert await connection.fetchval("SELECT facts_count FROM journal_tally") == facts
    assert await connection.fetchval("SELECT refused_count FROM refusal_tally") == count
    assert (await check(connection, plant)).equal
    await connection.close()


async def test_rebuilding_and_following_at_once_leave_every_fact_folded_once(
    databases: Databases, driver: RecordingDriver
) -> None:
    async with databases.fresh() as address:
        await through_gate(address, driver)
        connections = [await connect(address) for _ in range(3)]
        rebuilding = asyncio.create_task(rebuild_often(connections[0], driver, times=5))

        async def follow(connection: Connection) -> None:
            while not rebuilding.done():
                await follow_all(connection, 4)
                await asyncio.sleep(0)

        await asyncio.gather(rebuilding, *(follow(each) for each in connections[1:]))
        await catch_up(connections[0])
        report = await check(connections[0], driver.plant)
        assert report.equal, report
        assert report.tables["history"].rows > 50
        for each in connections:
            await each.close()


async def rebuild_often(connection: Connection, driver: RecordingDriver, *, times: int) -> None:
    for _ in range(times):
        assert (await rebuild(connection, driver.plant)).equal


async def test_a_follower_that_fails_has_done_nothing(own: Connection, driver: RecordingDriver) -> None:
    await own.execute("ALTER TABLE output_hour ADD CONSTRAINT broken CHECK (started_count < 0)")
    with pytest.raises(asyncpg.CheckViolationError):
        await catch_up(own)
    assert not any((await rows_of(own))["output_hour"])
    await own.execute("ALTER TABLE output_hour DROP CONSTRAINT broken")
    await catch_up(own)
    assert (await check(own, driver.plant)).equal


# --- history ----------------------------------------------------------------------------------------


async def number_of(connection: Connection, code: str) -> int:
    return (await find_code(connection, code)).number


def brief(events: tuple[Event, ...]) -> list[str]:
    return [f"{each.kind} {each.operation}".strip() for each in reversed(events)]


async def test_a_units_history_is_told_from_its_own_columns(connection: Connection, driver: RecordingDriver) -> None:
    code = cells_of(driver, "wind")[1]
    events = (await unit_history(connection, await number_of(connection, code))).events
    assert brief(events) == [
        "UnitsCommissioned wind",
        "OperationStarted wind",
        "OperationCompleted wind",
        "OperationStarted assemble",
        "OperationCompleted assemble",
        "OperationStarted seal",
        "OperationCompleted seal",
        "CarrierLoaded",
        "OperationStarted form",
        "OperationCompleted form",
        "OperationStarted grade",
        "OperationCompleted grade",
        "CarrierUnloaded",
        "CarrierLoaded",
        "OperationStarted join",
        "Assembled",
    ]
    told = {f"{each.kind} {each.operation}".strip(): each for each in events}
    wound, graded = told["OperationCompleted wind"], told["OperationCompleted grade"]
    assert (wound.is_good, wound.attempt, wound.next_step, wound.next_operation) == (True, 1, 1, "assemble")
    taken = {each.position: each for each in wound.taken}
    assert (taken["cathode"].start, taken["cathode"].end) == (900, 1800)
    assert taken["separator"].lot == "SEP-1"
    assert (graded.grade, graded.results, graded.carrier) == ("A", {"capacity_ah": 6.2}, "TRAY-1")
    assert (graded.next_step, graded.next_operation, graded.units_count) == (5, "", 4)
    assert (told["OperationStarted wind"].recipe, told["OperationStarted wind"].recipe_revision) == ("wind_recipe", 1)
    module = told["Assembled"].parent
    assert (told["Assembled"].slot, told["OperationStarted join"].parent) == (1, module)
    of_module = (await unit_history(connection, await number_of(connection, module))).events
    assert next(each for each in of_module if each.kind == "Assembled").members[1] == code
    assert next(each for each in of_module if each.operation == "test" and each.is_good).person == "P-1"
    msgspec.json.encode(events)


async def test_a_history_holds_losses_holds_dispositions_and_refusals(
    connection: Connection, driver: RecordingDriver
) -> None:
    late = cells_of(driver, "seal")[4:7]
    refused, not_good, scrapped = [
        (await unit_history(connection, await number_of(connection, code))).events for code in late
    ]
    kinds = {each.kind: each for each in refused}
    assert kinds["Refused"].command == "CheckIn"
    assert [reason.code for reason in kinds["Refused"].reasons] == ["unit_early"]
    assert (kinds["Held"].hold, kinds["Held"].reason, kinds["Released"].second_person) == (1, "look", "P-2")
    sealed = next(each for each in not_good if each.operation == "seal" and each.kind == "OperationCompleted")
    assert (sealed.is_good, sealed.next_operation) == (False, "seal")
    back = next(each for each in not_good if each.kind == "Dispositioned")
    assert (back.action, back.next_operation) == ("rework", "assemble")
    away = next(each for each in scrapped if each.kind == "Dispositioned")
    assert (away.action, away.reason, away.actor, away.next_step) == ("scrap", "dropped", "P-1", None)


async def test_a_history_is_paged_without_loss(connection: Connection, driver: RecordingDriver) -> None:
    unit = await number_of(connection, cells_of(driver, "wind")[0])
    whole = await unit_history(connection, unit)
    assert whole.next_before is None
    found: list[Event] = []
    before: int | None = None
    while True:
        page = await unit_history(connection, unit, before, limit=3)
        found += page.events
        before = page.next_before
        if before is None:
            break
        assert len(page.events) == 3
    assert tuple(found) == whole.events


async def test_a_lots_history_tells_what_became_of_it(connection: Connection) -> None:
    can = (await lot_history(connection, await number_of(connection, "CAN-1"))).events
    assert (can[-1].kind, can[-1].quantity, can[-1].supplier) == ("LotReceived", 1000, "SUP")
    assert {each.kind for each in can} == {"LotReceived", "MaterialLoaded", "OperationCompleted", "RunsCorrected"}
    moved = next(each for each in can if each.kind == "RunsCorrected")
    assert (moved.at_position, moved.units_count, moved.reason) == ("can", 2, "two cans of the other box")
    separator = (await lot_history(connection, await number_of(connection, "SEP-1"))).events
    wound = next(each for each in reversed(separator) if each.kind == "OperationCompleted")
    assert (wound.at_position, wound.units_count, wound.quantity) == ("separator", 4, 4 * 1000)
    assert next(each for each in separator if each.kind == "Held").reason == "odour"
    foil = (await lot_history(connection, await number_of(connection, "FOIL-1"))).events
    coated = next(each for each in foil if each.kind == "LotTransformed")
    assert [(part.parent, part.parent_start, part.parent_end) for part in coated.parts] == [("FOIL-1", 0, 21_000)]
    web = (await lot_history(connection, await number_of(connection, coated.parts[0].child))).events
    made = next(each for each in web if each.kind == "LotTransformed")
    assert (made.is_good, made.quantity) == (True, 21_000)


async def test_what_nobody_knows_has_no_history(connection: Connection) -> None:
    assert await unit_history(connection, 1) == await lot_history(connection, 999)


# --- stations ---------------------------------------------------------------------------------------


async def station(connection: Connection, code: str) -> StationView:
    return (await read_stations(connection, [code]))[0]


async def test_a_station_tells_what_it_does_and_did(connection: Connection, driver: RecordingDriver) -> None:
    assembling = await station(connection, "ASM-02")
    assert (assembling.running_count, assembling.operation) == (1, "assemble")
    assert assembling.running[0].unit == cells_of(driver, "seal")[5]
    assert (assembling.last_cycle_s, assembling.cycles_count) == (None, 0)
    forming = await station(connection, "FORM-01")
    assert (forming.last_cycle_s, forming.median_cycle_s, forming.cycles_count) == (3600.0, 3600.0, 2)
    sealing = await station(connection, "SEAL-01")
    assert (sealing.ok_count, sealing.ng_count, sealing.refused_count) == (12, 1, 1)
    assert sealing.last_refusal is not None
    assert [reason.code for reason in sealing.last_refusal.reasons] == ["unit_early"]
    assert "waits for assemble" in sealing.last_refusal.reasons[0].text
    sealed = cells_of(driver, "seal")
    assert [each.code for each in sealing.last_units] == sealed[::-1]
    assert [each.is_good for each in sealing.last_units].count(False) == 1
    coating = await station(connection, "COAT-01")
    assert coating.last_units[0] == LastUnit("WEB-000002", True, "", START_US)
    everyone = await read_stations(connection)
    assert [each.station for each in everyone] == sorted({each.station for each in everyone})
    msgspec.json.encode(everyone)


async def test_only_the_last_cycles_and_units_are_kept(own: Connection, driver: RecordingDriver) -> None:
    await catch_up(own)
    grading = await station(own, "GRADE-01")
    assert grading.cycles_count == 3
    assert len(grading.last_units) == 8
    winding = await station(own, "WIND-01")
    assert [each.code for each in winding.last_units] == cells_of(driver, "wind")[::-1][:20]


async def test_refusals_are_paged_and_chosen(connection: Connection) -> None:
    every = await read_refusals(connection, Wanted())
    assert [each.codes for each in every.refusals] == [("station_unknown",), ("unit_early",)]
    first = await read_refusals(connection, Wanted(), limit=1)
    assert first.next_before == every.refusals[0].position
    second = await read_refusals(connection, Wanted(), before=first.next_before, limit=1)
    assert (second.refusals, second.next_before) == (every.refusals[1:], None)
    assert (await read_refusals(connection, Wanted(station="SEAL-01"))).refusals == every.refusals[1:]
    assert (await read_refusals(connection, Wanted(code="station_unknown"))).refusals == every.refusals[:1]
    assert (await read_refusals(connection, Wanted(station="SEAL-01", code="station_unknown"))).refusals == ()
    time_us = every.refusals[0].time_us
    assert len((await read_refusals(connection, Wanted(from_us=time_us, to_us=time_us + 1))).refusals) == 2
    assert (await read_refusals(connection, Wanted(to_us=time_us))).refusals == ()


# --- buffers ----------------------------------------------------------------------------------------


async def test_buffers_and_tallies_agree_with_the_units(connection: Connection, driver: RecordingDriver) -> None:
    counted = await connection.fetch(
        """
        SELECT u.product, coalesce(r.operations->u.step->>'code', '') AS operation, count(*)
        FROM unit AS u JOIN route AS r ON r.id = u.route
        WHERE u.status IN ('waiting', 'finished') GROUP BY 1, 2 ORDER BY 1, 2
        """
    )
    buffers = await read_buffers(connection, driver.now_us)
    waiting = [(each.product, each.operation, each.waiting_count) for each in buffers if each.waiting_count]
    assert waiting == [tuple(record) for record in counted]
    kept = await connection.fetch(
        "SELECT kind, status, units_count FROM unit_tally WHERE units_count <> 0 ORDER BY 1, 2"
    )
    assert kept == await connection.fetch("SELECT kind, status, count(*) FROM unit GROUP BY 1, 2 ORDER BY 1, 2")
    assert (await count_waiting(connection))["form"] == sum(
        each.waiting_count for each in buffers if each.operation == "form"
    )


async def test_the_oldest_in_a_buffer_has_an_age(connection: Connection, driver: RecordingDriver) -> None:
    buffers = {(each.product, each.operation): each for each in await read_buffers(connection, driver.now_us)}
    finished = buffers["module", ""]
    assert finished.waiting_count == 1
    assert finished.oldest_since_us is not None
    assert finished.oldest_age_s == (driver.now_us - finished.oldest_since_us) / 1_000_000 > 0
    assert buffers["cell", "wind"] == Buffer("cell", "wind", 0, None, None)


# --- overview ---------------------------------------------------------------------------------------


async def test_the_overview_counts_what_was_made_and_lost(connection: Connection, driver: RecordingDriver) -> None:
    seen = await read_overview(connection, driver.now_us)
    assert seen.facts_count == len(driver.envelopes)
    assert seen.outputs == (
        Output("cell", started_count=13, finished_count=6, scrapped_count=2, in_process_count=5),
        Output("module", started_count=1, finished_count=1, scrapped_count=0, in_process_count=0),
        Output("pack", started_count=0, finished_count=0, scrapped_count=0, in_process_count=0),
    )
    assert len(seen.hours) == 24 * 3
    assert seen.hours[-1].hour_us <= driver.now_us < seen.hours[-1].hour_us + HOUR_US
    first = [each for each in seen.hours if each.hour_us == START_US]
    assert first[0] == OutputHour(START_US, "cell", started_count=4, finished_count=0, scrapped_count=0)
    finished = sum(each.finished_count for each in seen.hours if each.kind == "cell")
    assert finished == 4 + 3 + 1, "four for the module, three graded later, one of them twice"
    passed = {each.operation: each for each in seen.first_pass}
    assert (passed["seal"].first_count, passed["seal"].first_good_count) == (13, 12)
    assert passed["seal"].low_ratio is not None
    assert passed["seal"].high_ratio is not None
    assert passed["seal"].low_ratio < 12 / 13 < passed["seal"].high_ratio < 1
    rolled = {each.product: each for each in seen.rolled}
    assert rolled["cell"].rolled_ratio == pytest.approx(12 / 13)
    assert (rolled["cell"].operations_count, rolled["cell"].first_count_min) == (5, 7)
    assert seen.losses == (Loss("seal", 1, 1.0, (DefectCount("", 1, 1.0),)),)
    assert seen.refusals == {"station_unknown": 1, "unit_early": 1}
    msgspec.json.encode(seen)


async def test_a_day_later_the_hours_are_empty(connection: Connection, driver: RecordingDriver) -> None:
    seen = await read_overview(connection, driver.now_us + 25 * HOUR_US)
    assert {(each.started_count, each.finished_count, each.scrapped_count) for each in seen.hours} == {(0, 0, 0)}


async def test_a_plant_without_facts_has_an_overview(database_url: str) -> None:
    connection = await connect(database_url)
    assert await follow_all(connection) == 0
    seen = await read_overview(connection, START_US)
    assert (seen.facts_count, seen.last_fact_us, seen.first_pass, seen.losses, seen.rolled) == (0, 0, (), (), ())
    assert await read_stations(connection) == []
    assert await read_buffers(connection, START_US) == []
    assert await next_facts(connection, "nobody", 1) == []
    await connection.close()


def test_no_table_belongs_to_two_views() -> None:
    assert len(set(TABLES)) == len(TABLES) > len(PEOPLE)
