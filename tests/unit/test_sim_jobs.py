"""Job orders of virtual machines: plant time stands still for them while work waits, and runs on when none comes."""

import asyncio
from collections.abc import Coroutine

import numpy as np
import pytest

from cellwright.links.contract import LinkError
from cellwright.links.opcua.contract import Kind
from cellwright.links.opcua.jobs import HeldState, JobControl, ReturnStatus, StationJob
from cellwright.sim.clock import Clock, PlantStoppedError
from cellwright.sim.machine import Ask, Machine
from cellwright.sim.standin import MemoryNodes, StandIn

START_US = 1_000_000_000
SECOND_US = 1_000_000
FIRST = StationJob("J1", "eol", ("U1",), ())
SECOND = StationJob("J2", "eol", ("U2",), ())


class Shop:
    """Machines in memory, a clock, and the way of the MES to their job orders."""

    def __init__(self, *codes: str, patience_s: float = 5.0, restart_ratio: float = 0.0) -> None:
        self.clock = Clock(START_US, patience_s=patience_s)
        self.nodes = {code: MemoryNodes(code) for code in codes}
        self.machines = {
            code: Machine(nodes, self.clock, np.random.default_rng(1), restart_ratio=restart_ratio)
            for code, nodes in self.nodes.items()
        }
        self.jobs = JobControl(lambda station: self.nodes[station].job_door)
        self.seen: list[tuple[str, float]] = []
        self._is_over = False
        self._sending: set[asyncio.Task[None]] = set()

    def note(self, what: str) -> None:
        self.seen.append((what, (self.clock.now_us - START_US) / SECOND_US))

    def later(self, host_s: float, work: Coroutine[object, object, object]) -> None:
        """Do something as the MES would: at host time, outside the plant."""

        async def do() -> None:
            await asyncio.sleep(host_s)
            await work

        self._sending.add(asyncio.create_task(do()))

    async def tick(self, seconds: float, count: int) -> None:
        """Somebody else in the plant, who has something to do every few seconds."""
        for _ in range(count):
            await self.clock.sleep(seconds)

    async def work(self, code: str, count: int, hold_s: float) -> None:
        machine = self.machines[code]
        for _ in range(count):
            job = await machine.next_job(hold_s=hold_s)
            self.note(job.job)
            await self.clock.sleep(10.0)
            await machine.job_ended(job.job)
        self._is_over = True

    async def run(self) -> None:
        for machine in self.machines.values():
            await machine.start()
        try:
            await self.clock.run(lambda: self._is_over)
        finally:
            await self.clock.close()
            await asyncio.gather(*self._sending)


@pytest.mark.parametrize("host_s", [0.0, 0.05])
async def test_plant_time_stands_still_for_a_job_whatever_the_host_needs(host_s: float) -> None:
    shop = Shop("S-1")
    shop.clock.spawn(shop.work("S-1", 2, hold_s=2.0), "S-1")
    shop.clock.spawn(shop.tick(0.5, 100), "other")
    shop.later(host_s, shop.jobs.store_and_start("S-1", FIRST))
    shop.later(host_s + 0.02, shop.jobs.store_and_start("S-1", SECOND))
    await shop.run()
    assert shop.seen == [("J1", 0.0), ("J2", 10.0)]
    assert [each.state for each in await shop.jobs.held("S-1")] == [HeldState.ENDED, HeldState.ENDED]


async def test_without_a_job_plant_time_runs_on_after_the_grace() -> None:
    shop = Shop("S-1")
    shop.clock.spawn(shop.work("S-1", 1, hold_s=0.05), "S-1")
    loop = asyncio.get_running_loop()
    began_s = loop.time()

    async def other() -> None:
        await shop.clock.sleep(1.0)
        assert loop.time() - began_s >= 0.05
        shop.note("other")
        await shop.jobs.store_and_start("S-1", FIRST)

    shop.clock.spawn(other(), "other")
    await shop.run()
    assert shop.seen == [("other", 1.0), ("J1", 1.0)]


async def test_stations_that_wait_together_wait_one_grace() -> None:
    codes = [f"S-{number}" for number in range(8)]
    shop = Shop(*codes)
    for code in codes:
        shop.clock.spawn(shop.work(code, 1, hold_s=0.1), code)
    loop = asyncio.get_running_loop()
    began_s, waited_s = loop.time(), []

    async def other() -> None:
        await shop.clock.sleep(1.0)
        waited_s.append(loop.time() - began_s)
        await shop.jobs.store_and_start("S-0", FIRST)

    shop.clock.spawn(other(), "other")
    await shop.run()
    assert 0.1 <= waited_s[0] < 0.4


async def test_nothing_waits_in_front_of_the_station_then_time_is_not_held() -> None:
    shop = Shop("S-1")
    shop.clock.spawn(shop.work("S-1", 1, hold_s=0.0), "S-1")

    async def other() -> None:
        await shop.clock.sleep(3600.0)
        await shop.jobs.store_and_start("S-1", FIRST)

    shop.clock.spawn(other(), "other")
    await shop.run()
    assert shop.seen == [("J1", 3600.0)]


async def test_a_plant_that_only_waits_for_the_mes_waits_in_host_time() -> None:
    shop = Shop("S-1")
    shop.clock.spawn(shop.work("S-1", 1, hold_s=0.01), "S-1")
    shop.later(0.1, shop.jobs.store_and_start("S-1", FIRST))
    await shop.run()
    assert shop.seen == [("J1", 0.0)]


async def test_a_plant_to_which_nothing_is_sent_stops_and_says_who_waits() -> None:
    shop = Shop("S-1", patience_s=0.05)
    shop.clock.spawn(shop.work("S-1", 1, hold_s=0.01), "program of S-1")
    with pytest.raises(PlantStoppedError, match=r"nothing came from the MES for 0\.05 s .*waiting: program of S-1"):
        await shop.run()


async def test_a_job_that_comes_while_an_answer_is_awaited_begins_before_its_time() -> None:
    shop = Shop("S-1")
    shop.clock.spawn(shop.work("S-1", 1, hold_s=0.0), "S-1")
    pending = shop.clock.expect("S-2")

    async def asker() -> None:
        await pending.wait()
        shop.note("answer")

    async def answer() -> None:
        await shop.jobs.store_and_start("S-1", FIRST)
        await asyncio.sleep(0.05)
        pending.resolve()

    shop.clock.spawn(asker(), "S-2")
    shop.later(0.05, answer())
    await shop.run()
    assert shop.seen == [("J1", 0.0), ("answer", 2.0)]


async def test_what_comes_from_outside_during_a_step_lives_before_it() -> None:
    shop = Shop("S-1")
    done: list[float] = []

    async def quick() -> None:
        await shop.machines["S-1"].next_job()
        await shop.clock.sleep(0.5)
        done.append((shop.clock.now_us - START_US) / SECOND_US)
        shop._is_over = True

    pending = shop.clock.expect("S-2")
    shop.clock.spawn(quick(), "S-1")
    shop.clock.spawn(pending.wait(), "S-2")

    async def send() -> None:
        await shop.jobs.store_and_start("S-1", FIRST)
        await asyncio.sleep(0.02)
        pending.resolve()

    shop.later(0.02, send())
    await shop.run()
    assert done == [0.5]


async def test_jobs_are_taken_up_in_the_order_of_arrival_and_cancelled_ones_not_at_all() -> None:
    shop = Shop("S-1")
    shop.clock.spawn(shop.work("S-1", 2, hold_s=1.0), "S-1")
    await shop.machines["S-1"].start()
    for job in (FIRST, SECOND, StationJob("J3", "eol", ("U3",), ())):
        await shop.jobs.store_and_start("S-1", job)
    assert await shop.jobs.cancel("S-1", "J2") == ReturnStatus.NO_ERROR
    assert await shop.jobs.cancel("S-1", "J2") == ReturnStatus.UNKNOWN_JOB_ORDER_ID
    await shop.run()
    assert [what for what, _ in shop.seen] == ["J1", "J3"]


async def test_a_job_runs_once_it_is_checked_in_and_may_be_cancelled_before() -> None:
    shop = Shop("S-1")
    refused: list[str] = ["job_unproved"]
    stand_in = StandIn({"S-1": "eol"}, refuse=lambda _station, _ask: refused)
    stand_in.attach(shop.nodes["S-1"])
    machine = shop.machines["S-1"]

    async def state() -> list[HeldState]:
        return [each.state for each in await shop.jobs.held("S-1")]

    async def program() -> None:
        job = await machine.next_job()
        ask = Ask(kind=Kind.CHECK_IN, units=job.units)
        assert not (await machine.ask(ask)).accepted
        assert await state() == [HeldState.ALLOWED_TO_START]
        assert await shop.jobs.cancel("S-1", job.job) == ReturnStatus.NO_ERROR
        assert not machine.jobs.holds(job)
        await machine.job_ended(job.job)
        amended = StationJob(job.job, job.operation, ("U9",), ())
        assert await shop.jobs.store_and_start("S-1", amended) == ReturnStatus.NO_ERROR
        assert not machine.jobs.holds(job)
        assert await machine.next_job() == amended
        refused.clear()
        assert (await machine.ask(Ask(kind=Kind.CHECK_IN, units=amended.units))).accepted
        assert await state() == [HeldState.RUNNING]
        assert await shop.jobs.cancel("S-1", job.job) == ReturnStatus.INVALID_JOB_ORDER_STATUS
        await machine.job_ended(job.job, is_aborted=True)
        assert await state() == [HeldState.ABORTED]
        shop.note("done")
        shop._is_over = True

    shop.clock.spawn(program(), "S-1")
    await machine.start()
    await stand_in.jobs.store_and_start("S-1", FIRST)
    await shop.run()
    assert [what for what, _ in shop.seen] == ["done"]


async def test_only_what_was_taken_up_begins_with_a_check_in() -> None:
    shop = Shop("S-1")
    stand_in = StandIn({"S-1": "eol"})
    stand_in.attach(shop.nodes["S-1"])
    machine = shop.machines["S-1"]

    async def program() -> None:
        job = await machine.next_job()
        await machine.ask(Ask(kind=Kind.CHECK_IN, units=job.units))
        shop._is_over = True

    shop.clock.spawn(program(), "S-1")
    await machine.start()
    later = StationJob("J3", "eol", FIRST.units, ())
    for job in (FIRST, SECOND, later):
        await stand_in.jobs.store_and_start("S-1", job)
    await shop.run()
    states = [each.state for each in await shop.jobs.held("S-1")]
    assert states == [HeldState.RUNNING, HeldState.ALLOWED_TO_START, HeldState.ALLOWED_TO_START]


async def test_a_restart_hides_the_list_for_a_while_and_loses_nothing_of_it() -> None:
    shop = Shop("S-1", restart_ratio=1.0)
    stand_in = StandIn({"S-1": "eol"})
    stand_in.attach(shop.nodes["S-1"])
    machine = shop.machines["S-1"]
    await machine.start()
    await shop.jobs.store_and_start("S-1", FIRST)
    hidden: list[str] = []

    async def look() -> None:
        while not shop._is_over:
            if shop.nodes["S-1"].read("Jobs/Revision") == 0:
                hidden.append("list")
                with pytest.raises(LinkError, match="the machine is not ready; try again"):
                    await shop.nodes["S-1"].job_door.call("JobOrderControl/Cancel", ("J1",))
            await asyncio.sleep(0.005)

    async def ask() -> None:
        job = await machine.next_job()
        await machine.ask(Ask(kind=Kind.CHECK_IN, units=job.units))
        shop._is_over = True

    shop.later(0.0, look())
    shop.clock.spawn(ask(), "S-1")
    await shop.run()
    assert machine.repeated_count == 1
    assert hidden
    (held,) = await shop.jobs.held("S-1")
    assert (held.job, held.state) == (FIRST, HeldState.RUNNING)


async def test_a_station_that_is_not_attached_is_named() -> None:
    with pytest.raises(LinkError, match="S-7 is not attached to the stand-in"):
        await StandIn({}).jobs.held("S-7")
