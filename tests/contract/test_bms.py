"""A BMS is made ready over real ISO-TP frames on a virtual bus, and read back."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise

import can
import pytest
from msgspec import structs

from cellwright.links.uds.broadcast import Broadcast
from cellwright.links.uds.failures import FailureCode, UdsError
from cellwright.links.uds.link import Bms
from cellwright.links.uds.outcome import Job
from cellwright.links.uds.results import results_of
from cellwright.links.uds.session import BusSettings
from cellwright.sim.bms import BmsState
from cellwright.sim.bms_flash import FlashMemory, FlashState
from cellwright.sim.bms_server import DBC
from cellwright.testing.bms import CONFIGURATION, CONTRACT, PACK_CODE, PART, BmsBench, bms_bench, image, job

EMPTY_HASH = "0" * 64


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Iterator[BmsBench]:
    with bms_bench(request.node.name) as bench:
        yield bench


async def test_a_new_bms_is_flashed_configured_named_and_read_back(bench: BmsBench) -> None:
    wanted = image(size=3000)
    async with bench.client() as bms:
        outcome = await bms.commission(job(wanted))
    assert outcome.failure is None
    assert outcome.ok
    assert outcome.before is not None
    assert (outcome.before.software_id, outcome.before.software_hash) == ("", EMPTY_HASH)
    assert outcome.after is not None
    assert (outcome.after.part_number, outcome.after.software_id) == (PART, "BMS-1.4.2")
    assert outcome.block_count == -(-3000 // 256)
    assert outcome.repeated_count == 0
    found = {each.name: each for each in outcome.checks}
    assert set(found) == {"software_id", "software_hash", "flash_state", "pack_code", *CONFIGURATION}
    assert all(each.equal and each.expected == each.found for each in outcome.checks)
    assert {name: float(found[name].found) for name in CONFIGURATION} == CONFIGURATION
    assert found["pack_code"].found == PACK_CODE
    assert found["cell_max_v"].unit == "V"
    assert [each.name for each in outcome.steps] == ["job", "identify", "flash", "configure", "read back"]
    assert all(each.ok for each in outcome.steps)
    assert outcome.duration_ms >= sum(each.duration_ms for each in outcome.steps) * 0.99
    results = results_of(outcome)
    assert {name: results[name] for name in CONFIGURATION} == CONFIGURATION
    assert set(results) == {*CONFIGURATION, "duration_s"}
    # The truth, as the memory of the virtual BMS has it.
    assert bench.bms.state.flash.software == wanted.data
    assert bench.bms.state.values[CONTRACT.pack_code.did] == PACK_CODE.encode()
    assert bench.bms.state.values[0xFD22] == (3650).to_bytes(2)
    assert bench.bms.state.values[0xFD25] == (-200).to_bytes(2, signed=True)


async def test_software_that_is_there_is_not_flashed_again_unless_wanted(bench: BmsBench) -> None:
    async with bench.client() as bms:
        assert (await bms.commission(job())).block_count > 0
        assert (await bms.commission(job())).block_count == 0
        again = await bms.commission(Job(part_number=PART, image=image(), flashes_again=True))
    assert again.ok
    assert again.block_count > 0
    assert [each.name for each in again.checks] == ["software_id", "software_hash", "flash_state"]


async def test_another_software_replaces_the_first(bench: BmsBench) -> None:
    async with bench.client() as bms:
        await bms.commission(job())
        outcome = await bms.commission(job(image("BMS-1.5.0", 900)))
    assert outcome.ok
    assert outcome.before is not None
    assert outcome.before.software_id == "BMS-1.4.2"
    assert bench.bms.state.flash.software == image("BMS-1.5.0", 900).data


async def test_blocks_are_no_longer_than_a_classical_message(request: pytest.FixtureRequest) -> None:
    state = BmsState(flash=FlashMemory(message_length=60_000))
    with bms_bench(request.node.name, state=state) as bench:
        async with bench.client() as bms:
            outcome = await bms.commission(job(image(size=4093 + 7)))
    assert outcome.ok
    assert outcome.block_count == 2


async def test_long_ids_other_identifiers_and_memory_are_a_contract(request: pytest.FixtureRequest) -> None:
    other = structs.replace(
        CONTRACT,
        request_id=0x18DA10F1,
        response_id=0x18DAF110,
        extended_ids=True,
        security_level=5,
        software_hash=structs.replace(CONTRACT.software_hash, did=0xFD41),
        memory=structs.replace(CONTRACT.memory, address=0x0802_0000, size=0x4000),
        configuration=CONTRACT.configuration[2:4],
    )
    wanted = Job(part_number=PART, image=image(), configuration={"cell_max_v": 3.65, "cell_min_v": 2.5})
    with bms_bench(request.node.name, contract=other) as bench, bench.overheard() as frames:
        async with bench.client(contract=other) as bms:
            outcome = await bms.commission(wanted)
    assert outcome.ok
    diagnostic = [each for each in frames if each.arbitration_id in {0x18DA10F1, 0x18DAF110}]
    assert diagnostic
    assert all(each.is_extended_id for each in diagnostic)
    assert CONTRACT.request_id not in {each.arbitration_id for each in frames}


def frames_of(frames: list[can.Message], arbitration_id: int) -> list[bytes]:
    return [bytes(each.data) for each in frames if each.arbitration_id == arbitration_id]


async def test_frames_on_the_bus_are_those_of_the_standards(bench: BmsBench) -> None:
    with bench.overheard() as frames:
        async with bench.client() as bms:
            await bms.commission(job(image(size=300)))
        sent, answered = frames_of(frames, CONTRACT.request_id), frames_of(frames, CONTRACT.response_id)
    # ISO 14229 in single frames of ISO 15765-2: extended session, then the part number.
    assert sent[:2] == [bytes.fromhex("0210035555555555"), bytes.fromhex("0322f18755555555")]
    # Session with P2 = 50 ms and P2* = 5000 ms; the part number begins a long message of 19 bytes.
    assert answered[0] == bytes.fromhex("065003003201f4aa")
    assert answered[1] == bytes.fromhex("101362f187424d53")
    # Programming session, seed; erase is pending (0x78) before it is done; download of 300 bytes.
    for request in ("0210025555555555", "0227015555555555"):
        assert bytes.fromhex(request) in sent
    assert bytes.fromhex("037f3178aaaaaaaa") in answered
    download = sent.index(bytes.fromhex("100b340044080080"))
    assert sent[download + 1] == bytes.fromhex("21000000012c5555")
    # Two blocks: 256 bytes of software in a message of 258, then the 44 that are left in one of 46.
    heads = [each[:4] for each in sent if each[0] >> 4 == 1 and each[2] == 0x36]
    assert heads == [bytes.fromhex("11023601"), bytes.fromhex("102e3602")]
    # Consecutive frames count from 1 and wrap after 15.
    counts = [each[0] & 15 for each in sent if each[0] >> 4 == 2][-60:]
    assert all(count in {1, (before + 1) % 16} for before, count in pairwise(counts))


async def test_what_it_sends_by_itself_is_read_by_its_dbc(bench: BmsBench) -> None:
    bench.bms.state.cell_v[:] = [3.2 + 0.001 * index for index in range(15)]
    bench.bms.state.temperature_c[:] = [23.0, -7.0, 41.0]
    async with bench.client() as bms:
        heard = await bms.listen(DBC.read_text(), wait_ms=5000)
    assert heard.cell_v == (*(pytest.approx(3.2 + 0.001 * index) for index in range(15)), None)
    assert heard.temperature_c == (23.0, -7.0, 41.0, None)
    assert heard.signals["CellCount"] == 15
    assert heard.unknown_ids == ()


async def test_a_bms_that_sends_nothing_is_unknown_not_zero(bench: BmsBench) -> None:
    bench.bms.is_dead = True
    async with bench.client() as bms:
        heard = await bms.listen(DBC.read_text(), wait_ms=60)
        with pytest.raises(UdsError) as caught:
            await bms.listen("BO_ nonsense", wait_ms=60)
    assert heard == Broadcast(cell_v=(None,) * 16, temperature_c=(None,) * 4, signals={}, frame_count=0, unknown_ids=())
    assert caught.value.failure.code is FailureCode.BAD_VALUE


async def test_a_bus_that_is_not_there_is_a_clear_failure() -> None:
    client = Bms(BusSettings(interface="no_such", channel="can7"), CONTRACT, lambda _, seed: seed)
    with pytest.raises(UdsError, match="no_such can7 cannot be opened") as caught:
        await client.__aenter__()
    assert caught.value.failure.code is FailureCode.BUS


async def test_a_cancelled_caller_leaves_a_bms_that_can_be_flashed_again(bench: BmsBench) -> None:
    async with bench.client() as bms:
        flashing = asyncio.create_task(bms.commission(job(image(size=60_000))))
        while not bench.bms.state.flash.block_count:
            await asyncio.sleep(0.001)
        flashing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await flashing
        assert bench.bms.state.flash.state is FlashState.INCOMPLETE
        assert (await bms.identify()).flash_state == "2"
        assert (await bms.commission(job())).ok


async def test_a_flash_that_is_stopped_says_so_and_in_which_state_it_left_the_bms(bench: BmsBench) -> None:
    async with bench.client() as bms:
        flashing = asyncio.create_task(bms.commission(job(image(size=60_000))))
        while not bench.bms.state.flash.block_count:
            await asyncio.sleep(0.001)
        bms.stop()
        outcome = await flashing
        assert outcome.failure is not None
        assert outcome.failure.code is FailureCode.STOPPED
        assert outcome.after is not None
        assert outcome.after.flash_state == "2"
        assert (await bms.commission(job())).ok
