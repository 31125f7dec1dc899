"""Job orders from the MES to a machine, over a real, secured socket: sent once, read back, never sent blindly."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random

import pytest
from asyncua import ua
from asyncua.ua.status_codes import StatusCodes

from cellwright.links.contract import LinkError, StationContractError
from cellwright.links.opcua.contract import JOB_CODE_COUNT_MAX, NAMESPACE_URI
from cellwright.links.opcua.jobs import HeldJob, HeldState, ReturnStatus, StationJob
from cellwright.links.opcua.link import LinkSettings, OpcUaLink
from cellwright.links.opcua.serverside_jobs import JobBoard, JobMemory
from cellwright.links.opcua.station import AnswerOut, Request
from cellwright.links.opcua.worker import Backoff, Surroundings
from cellwright.model.job_commands import Job, job_digest
from cellwright.plant.clock import host_clock
from cellwright.plant.config import find_plant, load_plant
from cellwright.plant.runtime import Runtime
from cellwright.testing.machine import CountingMemory, Keys, Machine, MachineServer, make_keys

SETTINGS = LinkSettings(timeout_s=2.0, poll_s=0.05, reconnect=Backoff(first_s=0.05, max_s=0.2))
STACK = StationJob("PB-1/stack", "pack_assembly", (), ("M1", "M2", "M3", "M4"))
BRING = StationJob("PB-1/bring", "", ("M1", "M2", "M3", "M4"), (), serves="PB-1/stack")
OTHER = StationJob("PB-1/stack", "pack_assembly", (), ("M1", "M2", "M3", "M5"))
REFUSED_CONTENT = ReturnStatus.UNABLE_TO_ACCEPT | ReturnStatus.OTHER_CONTENT


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return make_keys(tmp_path_factory.mktemp("keys"), host_clock)


@pytest.fixture
def memory() -> CountingMemory:
    return CountingMemory()


@pytest.fixture
async def machines(keys: Keys, memory: CountingMemory) -> AsyncIterator[MachineServer]:
    server = MachineServer(keys, ["S-1", "S-2"], takes_jobs=True)
    server.machines["S-1"].memory = memory
    async with server:
        yield server


@pytest.fixture
def machine(machines: MachineServer) -> Machine:
    return machines.machines["S-1"]


async def yes(station: str, request: Request, recipe_digest: str) -> AnswerOut:
    del station, request, recipe_digest
    return AnswerOut(accepted=True)


@asynccontextmanager
async def running(machines: MachineServer, keys: Keys, stations: Sequence[str] = ("S-1",)) -> AsyncIterator[OpcUaLink]:
    surroundings = Surroundings(
        handler=yes, released=lambda _station, _operation: None, clock_s=time.monotonic, jitter_ratio=lambda: 0.5
    )
    link = OpcUaLink(machines.endpoint, stations, security=keys.mes, surroundings=surroundings, settings=SETTINGS)
    task = asyncio.create_task(link.run())
    try:
        await connected(link)
        yield link
    finally:
        task.cancel()
        await asyncio.wait([task])


async def connected(link: OpcUaLink) -> None:
    async with asyncio.timeout(5.0):
        while not link.status().is_connected:
            await asyncio.sleep(0.01)


@pytest.fixture
async def link(machines: MachineServer, keys: Keys) -> AsyncIterator[OpcUaLink]:
    async with running(machines, keys) as link:
        yield link


async def test_a_job_order_arrives_whole_and_is_given_back_from_the_machines_memory(
    link: OpcUaLink, memory: CountingMemory
) -> None:
    assert await link.jobs.held("S-1") == ()
    for job in (STACK, BRING):
        assert await link.jobs.store_and_start("S-1", job) == ReturnStatus.NO_ERROR
    expected = tuple(HeldJob(job, HeldState.ALLOWED_TO_START) for job in (STACK, BRING))
    assert memory.held() == expected
    assert await link.jobs.held("S-1") == expected


async def test_what_is_given_back_has_the_digest_that_the_gate_expects(link: OpcUaLink) -> None:
    await link.jobs.store_and_start("S-1", STACK)
    (held,) = await link.jobs.held("S-1")
    ordered = Job(job="PB-1/stack", station="S-1", operation="pack_assembly", members=STACK.members)
    assert held.digest("S-1") == job_digest(ordered)


async def test_the_same_again_is_a_success_and_is_not_sent(link: OpcUaLink, memory: CountingMemory) -> None:
    for _ in range(3):
        assert (await link.jobs.store_and_start("S-1", STACK)).is_done
    assert memory.stored == ["PB-1/stack"]
    assert len(memory.held()) == 1


async def test_the_machine_too_takes_the_same_again_and_nothing_else_under_the_id(
    machine: Machine, link: OpcUaLink
) -> None:
    door = link.job_door("S-1")
    assert (await link.jobs.store_and_start("S-1", STACK)).is_done
    machine.memory.move(STACK.job, HeldState.RUNNING)
    arguments = (STACK.job, STACK.operation, STACK.units, STACK.members, STACK.serves)
    assert await door.call("JobOrderControl/StoreAndStart", arguments) == ReturnStatus.NO_ERROR
    assert machine.memory.held() == (HeldJob(STACK, HeldState.RUNNING),)
    others = (OTHER.job, OTHER.operation, OTHER.units, OTHER.members, OTHER.serves)
    assert await door.call("JobOrderControl/StoreAndStart", others) == REFUSED_CONTENT
    assert machine.memory.held() == (HeldJob(STACK, HeldState.RUNNING),)


async def test_another_content_under_a_known_id_is_refused_before_it_is_sent(
    link: OpcUaLink, memory: CountingMemory
) -> None:
    await link.jobs.store_and_start("S-1", STACK)
    status = await link.jobs.store_and_start("S-1", OTHER)
    assert status == REFUSED_CONTENT
    assert "another content" in status.text
    assert memory.stored == ["PB-1/stack"]


async def test_a_full_list_says_so_and_takes_more_once_something_is_cleared(
    link: OpcUaLink, memory: CountingMemory
) -> None:
    jobs = [StationJob(f"J{number}", "eol", (f"U{number}",), ()) for number in range(4)]
    for job in jobs[:3]:
        assert (await link.jobs.store_and_start("S-1", job)).is_done
    full = await link.jobs.store_and_start("S-1", jobs[3])
    assert full == ReturnStatus.UNABLE_TO_ACCEPT | ReturnStatus.LIST_FULL
    assert await link.jobs.clear("S-1", "J0") == ReturnStatus.INVALID_JOB_ORDER_STATUS
    memory.move("J0", HeldState.ENDED)
    assert await link.jobs.clear("S-1", "J0") == ReturnStatus.NO_ERROR
    assert (await link.jobs.store_and_start("S-1", jobs[3])).is_done
    assert [each.job.job for each in await link.jobs.held("S-1")] == ["J1", "J2", "J3"]


async def test_only_what_has_not_begun_is_cancelled(link: OpcUaLink, memory: CountingMemory) -> None:
    for job in (STACK, BRING):
        await link.jobs.store_and_start("S-1", job)
    memory.move(STACK.job, HeldState.RUNNING)
    assert await link.jobs.cancel("S-1", STACK.job) == ReturnStatus.INVALID_JOB_ORDER_STATUS
    assert await link.jobs.cancel("S-1", BRING.job) == ReturnStatus.NO_ERROR
    assert await link.jobs.cancel("S-1", BRING.job) == ReturnStatus.UNKNOWN_JOB_ORDER_ID
    assert [each.job for each in memory.held()] == [STACK]


async def test_a_job_order_names_either_units_or_members(link: OpcUaLink, memory: CountingMemory) -> None:
    for units, members in (((), ()), (("U1",), ("M1",))):
        job = StationJob("J", "eol", units, members)
        assert await link.jobs.store_and_start("S-1", job) == ReturnStatus.INVALID_REQUEST
    assert memory.held() == ()


# --- answers that are lost ----------------------------------------------------------------------


class StuckBoard(JobBoard):
    """Takes a job order to heart, and dies before it answers."""

    def __init__(self, station: Machine, memory: JobMemory) -> None:
        super().__init__(station.station, memory)
        self.taken = asyncio.Event()

    async def store_and_start(self, job: StationJob) -> ReturnStatus:
        self.memory.store_and_start(job)
        self.taken.set()
        await asyncio.sleep(60.0)
        raise AssertionError


async def test_a_restart_before_the_answer_has_the_job_read_back_and_not_sent_twice(
    machines: MachineServer, machine: Machine, link: OpcUaLink, memory: CountingMemory
) -> None:
    stuck = StuckBoard(machine, memory)
    machine.station.receive_jobs(stuck)
    sending = asyncio.create_task(link.jobs.store_and_start("S-1", STACK))
    await stuck.taken.wait()
    await machines.kill()
    with pytest.raises(LinkError, match=r"S-1: JobOrderControl/StoreAndStart was not answered .* read back before"):
        await sending
    await machines.start()
    await reconnected(link)
    assert await link.jobs.store_and_start("S-1", STACK) == ReturnStatus.NO_ERROR
    assert memory.stored == ["PB-1/stack"]
    assert await link.jobs.held("S-1") == (HeldJob(STACK, HeldState.ALLOWED_TO_START),)


async def test_a_restart_before_the_job_arrived_has_it_sent_again(
    machines: MachineServer, link: OpcUaLink, memory: CountingMemory
) -> None:
    await machines.kill()
    with pytest.raises(LinkError, match=r"S-1"):
        await link.jobs.store_and_start("S-1", STACK)
    await machines.start()
    await reconnected(link)
    assert (await link.jobs.store_and_start("S-1", STACK)).is_done
    assert memory.stored == ["PB-1/stack"]


async def test_an_answer_that_does_not_come_is_an_error_within_the_timeout(
    machine: Machine, link: OpcUaLink, memory: CountingMemory
) -> None:
    stuck = StuckBoard(machine, memory)
    machine.station.receive_jobs(stuck)
    began_s = time.monotonic()
    with pytest.raises(LinkError, match=r"was not answered \(TimeoutError\)"):
        await link.jobs.store_and_start("S-1", STACK)
    assert time.monotonic() - began_s < 2 * SETTINGS.timeout_s


async def test_a_link_that_is_stopped_ends_what_is_under_way_with_an_error(
    machines: MachineServer, machine: Machine, keys: Keys, memory: CountingMemory
) -> None:
    stuck = StuckBoard(machine, memory)
    machine.station.receive_jobs(stuck)
    async with running(machines, keys) as link:
        sending = asyncio.create_task(link.jobs.store_and_start("S-1", STACK))
        await stuck.taken.wait()
    with pytest.raises(LinkError, match="read back before it is sent again"):
        await sending


async def test_two_that_send_the_same_at_once_send_it_once(link: OpcUaLink, memory: CountingMemory) -> None:
    statuses = await asyncio.gather(*(link.jobs.store_and_start("S-1", STACK) for _ in range(5)))
    assert statuses == [ReturnStatus.NO_ERROR] * 5
    assert memory.stored == ["PB-1/stack"]


async def reconnected(link: OpcUaLink) -> None:
    """Wait for a session that was opened after the restart."""
    async with asyncio.timeout(10.0):
        while link.status().counters.connects < 2 or not link.status().is_connected:
            await asyncio.sleep(0.01)


async def test_a_list_in_the_middle_of_a_change_is_read_again(machine: Machine, link: OpcUaLink) -> None:
    await link.jobs.store_and_start("S-1", STACK)
    await machine.station.write({"Jobs/Revision": 0, "Jobs/Ids": (), "Jobs/States": ()})
    reading = asyncio.create_task(link.jobs.held("S-1"))
    await asyncio.sleep(0.1)
    assert not reading.done()
    await machine.station.write({"Jobs/Ids": ("PB-1/stack",), "Jobs/States": ("Running",), "Jobs/Revision": 9})
    assert await reading == (HeldJob(STACK, HeldState.RUNNING),)


async def test_a_list_that_never_comes_to_rest_is_an_error(machine: Machine, link: OpcUaLink) -> None:
    await machine.station.write({"Jobs/Revision": 0})
    with pytest.raises(LinkError, match=r"S-1: Jobs/Revision does not come to rest"):
        await link.jobs.held("S-1")


async def test_columns_that_do_not_fit_are_named(machine: Machine, link: OpcUaLink) -> None:
    await machine.station.write({"Jobs/Ids": ("A", "B"), "Jobs/States": ("Running", "Dancing"), "Jobs/Units": ("U",)})
    with pytest.raises(StationContractError) as caught:
        await link.jobs.held("S-1")
    text = str(caught.value)
    assert "Jobs/Operations has 0 entries, expected 2" in text
    assert "'Dancing'" in text
    assert "Jobs/Units has 1 entries, Jobs/UnitCounts adds up to 0" in text


async def test_a_column_of_doubtful_status_is_waited_for_and_named(machine: Machine, link: OpcUaLink) -> None:
    bad = ua.DataValue(StatusCode=ua.StatusCode(ua.UInt32(StatusCodes.BadNotConnected)))
    await machine.station.write_raw("Jobs/Units", bad)
    with pytest.raises(LinkError, match=r"S-1/Jobs/Units: status is BadNotConnected"):
        await link.jobs.held("S-1")


UINT64 = ua.VariantType.UInt64


@pytest.mark.parametrize(
    "outputs",
    [
        [],
        [ua.Variant()],
        [ua.Variant("1", ua.VariantType.String)],
        [ua.Variant(1, ua.VariantType.UInt32)],
        [ua.Variant([1, 2], UINT64, is_array=True)],
        [ua.Variant([], UINT64, is_array=True)],
    ],
    ids=["none", "null", "string", "UInt32", "array", "empty"],
)
async def test_a_machine_that_returns_no_status_is_named(
    machine: Machine, link: OpcUaLink, outputs: list[ua.Variant]
) -> None:
    async def call(_parent: ua.NodeId, *_: ua.Variant) -> ua.CallMethodResult:
        return ua.CallMethodResult(OutputArguments=outputs)

    server = machine.station._server
    index = ua.Int16(await server.get_namespace_index(NAMESPACE_URI))
    server.iserver.aspace[ua.NodeId(ua.String("S-1/JobOrderControl/StoreAndStart"), index)].call = call
    with pytest.raises(StationContractError, match=r"S-1: .*StoreAndStart returned no ReturnStatus \(UInt64\)"):
        await link.jobs.store_and_start("S-1", STACK)


async def test_a_status_that_the_contract_does_not_know_is_kept(machine: Machine, link: OpcUaLink) -> None:
    async def call(_parent: ua.NodeId, *_: ua.Variant) -> ua.CallMethodResult:
        return ua.CallMethodResult(OutputArguments=[ua.Variant(1 << 50, UINT64)])

    server = machine.station._server
    index = ua.Int16(await server.get_namespace_index(NAMESPACE_URI))
    server.iserver.aspace[ua.NodeId(ua.String("S-1/JobOrderControl/StoreAndStart"), index)].call = call
    status = await link.jobs.store_and_start("S-1", STACK)
    assert not status.is_done
    assert status == 1 << 50
    assert status.text == "the station returned 0x4000000000000, which the contract does not know"


async def test_a_column_with_more_dimensions_is_named(machine: Machine, link: OpcUaLink) -> None:
    grid = ua.DataValue(ua.Variant([[1, 2], [3, 4]], ua.VariantType.Int32, is_array=True))
    node = machine.station._ids["Jobs/UnitCounts"]
    machine.station._server.iserver.aspace[node].attributes[ua.AttributeIds.Value].value = grid
    with pytest.raises(StationContractError, match=r"S-1/Jobs/UnitCounts: type is Int32\[\]\[\], expected Int32\[\]"):
        await link.jobs.held("S-1")


# --- stations that are not there ----------------------------------------------------------------


async def test_a_station_without_job_orders_is_served_as_ever_and_named_when_it_is_asked(keys: Keys) -> None:
    async with MachineServer(keys, ["S-1"]) as machines, running(machines, keys) as link:
        assert link.status().stations[0].fault == ""
        with pytest.raises(StationContractError, match=r"S-1 offers no JobOrderControl: .* see the station contract"):
            await link.jobs.held("S-1")
        for method in (link.jobs.cancel, link.jobs.clear):
            with pytest.raises(StationContractError, match="S-1 offers no JobOrderControl"):
                await method("S-1", "J")


async def test_a_station_that_is_not_reachable_is_named_with_its_cause(machines: MachineServer, keys: Keys) -> None:
    async with running(machines, keys) as link:
        with pytest.raises(LinkError, match=r"S-9 is not reachable: .* has no such station"):
            await link.jobs.held("S-9")
        await machines.kill()
        async with asyncio.timeout(10.0):
            while link.status().is_connected or not link.status().last_loss:
                await asyncio.sleep(0.01)
        with pytest.raises(LinkError, match=r"S-1 is not reachable: .*is tried again by itself"):
            await link.jobs.store_and_start("S-1", STACK)


async def test_a_machine_that_is_not_ready_refuses_and_remembers(machine: Machine, link: OpcUaLink) -> None:
    machine.station.receive_jobs(None)
    with pytest.raises(LinkError, match=r"S-1: JobOrderControl/Cancel was refused \(BadInvalidState\)"):
        await link.jobs.cancel("S-1", "J")


async def test_a_running_plant_finds_the_link_of_a_station(machines: MachineServer, keys: Keys) -> None:
    plant = load_plant(find_plant("lfp32700"))
    runtime = Runtime("postgresql://unused", plant, host_clock, outside=None, random=Random(1))
    with pytest.raises(LinkError, match=r"S-1 is not reachable: no machine is named .* --machines"):
        await runtime.jobs.held("S-1")
    async with running(machines, keys, ["S-1"]) as first, running(machines, keys, ["S-2"]) as second:
        runtime.links = [first, second]
        assert (await runtime.jobs.store_and_start("S-2", STACK)).is_done
        assert await first.jobs.held("S-1") == ()
        assert await second.jobs.held("S-2") == await runtime.jobs.held("S-2") != ()


async def test_the_longest_list_fits_into_a_message(keys: Keys) -> None:
    machines = MachineServer(keys, ["S-1"], takes_jobs=True)
    async with machines, running(machines, keys) as link:
        codes = tuple(f"{number:0128d}" for number in range(JOB_CODE_COUNT_MAX))
        statuses = [
            await link.jobs.store_and_start("S-1", StationJob(f"J{number}", "eol", codes, ())) for number in range(9)
        ]
        full = ReturnStatus.UNABLE_TO_ACCEPT | ReturnStatus.LIST_FULL
        assert statuses == [ReturnStatus.NO_ERROR] * 7 + [full] * 2
        assert len(await link.jobs.held("S-1")) == 7
