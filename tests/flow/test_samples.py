"""Samples over real OPC UA: a machine is told that one is due, is stopped by a bad one, and goes on after a good one."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cellwright.database.pool import connect
from cellwright.links.opcua.contract import NAMESPACE_URI, Kind, node_key
from cellwright.links.opcua.link import OpcUaLink
from cellwright.links.opcua.station import AnswerOut
from cellwright.links.opcua.values import Value, node_id
from cellwright.links.opcua.worker import Backoff, Surroundings
from cellwright.plant.check import check
from cellwright.plant.clock import host_clock
from cellwright.plant.stations import StationDesk
from cellwright.testing.gates import make_gate
from cellwright.testing.machine import Machine, MachineServer, make_keys
from cellwright.testing.replay import RecordingDriver, through_gate
from cellwright.testing.stories_samples import sampled_plant
from cellwright.views.samples import read_samples, read_stands

PLANT = sampled_plant()
GOOD: dict[str, Value] = {
    "result_names": ("pull_n",),
    "result_values": (80.0, 91.5),
    "defects": ("nugget_torn", "nugget_torn"),
}
BAD: dict[str, Value] = {**GOOD, "result_values": (80.0, float("nan"))}


class Winder:
    """A machine that winds and destroys samples."""

    def __init__(self, machine: Machine, driver: RecordingDriver) -> None:
        self._machine = machine
        self._driver = driver

    async def ask(self, kind: Kind, **fields: Value) -> AnswerOut:
        await self._machine.begin(kind, time_us=self._driver.now_us, **fields)
        return await self._machine.answer()

    async def begin(self, count: int) -> AnswerOut:
        return await self.ask(Kind.CHECK_IN, count=count)

    async def end(self, units: tuple[str, ...]) -> AnswerOut:
        taken = self._driver.takes("WIND-01", len(units))
        return await self.ask(
            Kind.CHECK_OUT,
            units=units,
            consumed_positions=taken.positions,
            consumed_outputs=taken.outputs,
            consumed_starts=taken.starts,
            consumed_ends=taken.ends,
        )


@asynccontextmanager
async def winder(url: str, folder: Path, *, is_old: bool = False) -> AsyncIterator["Winder"]:
    """A winder with material behind a link and a gate; an old one knows nothing of samples."""
    driver = RecordingDriver(PLANT)
    driver.supply()
    await through_gate(url, driver)
    keys = make_keys(folder, host_clock)
    async with make_gate(url, PLANT, lambda: driver.now_us) as gate, MachineServer(keys, ["WIND-01"]) as machines:
        if is_old:
            index = await machines.server.get_namespace_index(NAMESPACE_URI)
            key = node_id(node_key("WIND-01", "Answer/SamplesDue"), index)
            await machines.server.delete_nodes([machines.server.get_node(key)])
        desk = StationDesk(gate, PLANT)
        surroundings = Surroundings(
            handler=desk.handle,
            released=desk.released,
            clock_s=time.monotonic,
            jitter_ratio=lambda: 0.5,
            retry=Backoff(first_s=0.02, max_s=0.1),
        )
        link = OpcUaLink(machines.endpoint, ["WIND-01"], security=keys.mes, surroundings=surroundings)
        task = asyncio.create_task(link.run())
        try:
            yield Winder(machines.machines["WIND-01"], driver)
        finally:
            task.cancel()
            await asyncio.wait([task])


async def test_a_machine_is_told_stopped_and_let_go_on(database_url: str, tmp_path: Path) -> None:
    async with winder(database_url, tmp_path) as machine:
        begun = await machine.begin(2)
        assert (begun.accepted, begun.samples_due) == (True, ("wind",))
        assert (await machine.begin(1)).codes == ("sample_overdue",)
        ended = await machine.end(begun.units)
        assert (ended.accepted, ended.samples_due) == (True, ("wind",))
        failed = await machine.ask(Kind.SAMPLE, units=begun.units[:1], **BAD)
        assert (failed.accepted, failed.routing) == (True, ("failed", *begun.units))
        stopped = await machine.begin(1)
        assert stopped.codes == ("sample_failed",)
        assert "Pull a tab" in stopped.texts[0]
        assert (await machine.ask(Kind.SAMPLE, **{**GOOD, "result_names": ("peel_n",)})).codes == ("sample_invalid",)
        good = await machine.ask(Kind.SAMPLE, **GOOD)
        assert (good.accepted, good.routing, good.samples_due) == (True, ("good",), ())
        assert (await machine.begin(1)).samples_due == ()
    connection = await connect(database_url)
    good_one, bad_one = await read_samples(connection, "WIND-01", limit=9)
    assert (good_one.is_good, good_one.values, good_one.units, good_one.hold) == (True, (80.0, 91.5), (), 0)
    assert (bad_one.is_good, bad_one.values, bad_one.units, bad_one.hold) == (False, (80.0, None), begun.units, 1)
    assert (bad_one.of, bad_one.lower, bad_one.upper) == (begun.units[:1], 60.0, 200.0)
    stand = (await read_stands(connection, "WIND-01"))["wind"]
    assert (stand.units, stand.is_failed, stand.good_us > 0) == ((), False, True)
    held = await connection.fetchval("SELECT count(*) FROM unit WHERE holds > 0")
    report = await check(connection, PLANT)
    await connection.close()
    assert held == 2
    assert report.equal, report


async def test_a_machine_of_before_is_answered_too(database_url: str, tmp_path: Path) -> None:
    async with winder(database_url, tmp_path, is_old=True) as machine:
        begun = await machine.begin(2)
        assert begun.accepted
        assert (await machine.end(begun.units)).accepted
        assert (await machine.begin(1)).codes == ("sample_overdue",)
