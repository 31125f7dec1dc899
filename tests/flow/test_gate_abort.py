"""Operations given up before a real gate: the tables are what the journal says, and the counts tell of it."""

from cellwright.database.pool import connect
from cellwright.model.commands import AbortOperation, UnloadCarrier
from cellwright.plant.check import check
from cellwright.testing.replay import RecordingDriver, through_gate
from cellwright.views.people import catch_up
from cellwright.views.status import read_status
from cellwright.views.yields import read_yields


def tell() -> RecordingDriver:
    driver = RecordingDriver()
    driver.supply()
    driver.person("LEAD", "line_lead")
    cells = driver.graded(4)
    driver.must(UnloadCarrier(station="TRAY-01", carrier="TRAY-1"))
    driver.tray(cells, "MAG-1")
    module = driver.check_in("MOD-01", carrier="MAG-1").units
    wound = driver.wind(2)
    driver.check_in("ASM-01", units=wound)
    lots = driver.check_in("COAT-01", count=2).lots
    for command in (
        AbortOperation(station="MOD-01", units=module, reason="gripper lost air"),
        AbortOperation(station="ASM-01", units=wound[:1], reason="robot stopped"),
        AbortOperation(station="COAT-01", lots=lots, reason="pump died"),
    ):
        driver.must(command, actor="LEAD")
    driver.work("ASM-02", wound[:1])
    driver.check_in("MOD-01", carrier="MAG-1")
    return driver


async def test_the_gate_gives_up_operations_and_the_tables_follow(database_url: str) -> None:
    driver = tell()
    await through_gate(database_url, driver)
    connection = await connect(database_url)
    try:
        await catch_up(connection)
        report = await check(connection, driver.plant)
        assert report.equal, [each for table in report.tables.values() for each in table.examples]
        stations = {each.station: each for each in (await read_status(connection, driver.now_us)).stations}
        assert [stations[code].running_count for code in ("MOD-01", "ASM-01", "COAT-01")] == [1, 1, 0]
        assert [stations[code].ng_count for code in ("MOD-01", "ASM-01", "COAT-01")] == [1, 1, 2]
        yields = {each.operation: each for each in await read_yields(connection)}
        assert (yields["assemble"].first_count, yields["assemble"].first_good_count) == (5, 4)
        assert (yields["assemble"].done_count, yields["assemble"].good_count) == (6, 5)
    finally:
        await connection.close()
