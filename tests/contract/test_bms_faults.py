"""Whatever is wrong with a BMS or a job is a clear result, and the BMS can be made ready afterwards."""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import structs

from cellwright.links.uds.failures import RESPONSES, FailureCode, in_words
from cellwright.links.uds.outcome import Job, Outcome
from cellwright.sim.bms import BmsFault, BmsState
from cellwright.sim.bms_flash import FlashState
from cellwright.testing.bms import CONTRACT, PART, SECRET, BmsBench, bms_bench, image, job


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Iterator[BmsBench]:
    with bms_bench(request.node.name) as bench:
        yield bench


async def failed(bench: BmsBench, wanted: Job, **client: Any) -> Outcome:
    async with bench.client(**client) as bms:
        outcome = await bms.commission(wanted)
    assert not outcome.ok
    return outcome


async def assert_can_be_made_ready(bench: BmsBench) -> None:
    bench.bms.faults.clear()
    bench.bms.power_cycle()
    async with bench.client() as bms:
        assert (await bms.commission(job())).ok


@pytest.mark.parametrize(
    ("fault", "code", "step", "words"),
    [
        (
            BmsFault.WRONG_SOFTWARE,
            FailureCode.WRONG_SOFTWARE,
            "read back",
            "software_id is OLD-0.9, expected BMS-1.4.2",
        ),
        (BmsFault.REFUSES_SECURITY, FailureCode.REFUSED, "security access", "the key is wrong"),
        (BmsFault.BAD_FLASH, FailureCode.NOT_VERIFIED, "verify", "did not succeed (result 01)"),
        (BmsFault.WRONG_READ_BACK, FailureCode.NOT_EQUAL, "read back", "cell_count is 17, expected 16"),
    ],
)
async def test_a_fault_of_the_bms_is_named(
    bench: BmsBench, fault: BmsFault, code: FailureCode, step: str, words: str
) -> None:
    bench.bms.faults.add(fault)
    outcome = await failed(bench, job())
    assert outcome.failure is not None
    assert (outcome.failure.code, outcome.failure.step) == (code, step)
    assert words in outcome.failure.text
    assert outcome.after is not None
    await assert_can_be_made_ready(bench)


async def test_a_wrong_read_back_shows_both_values(bench: BmsBench) -> None:
    bench.bms.faults.add(BmsFault.WRONG_READ_BACK)
    outcome = await failed(bench, job())
    wrong = [each for each in outcome.checks if not each.equal]
    assert [(each.name, each.expected, each.found) for each in wrong] == [("cell_count", "16", "17")]
    assert len(outcome.checks) == 12


@pytest.mark.parametrize("fault", [BmsFault.DROPS_FRAME, BmsFault.LOSES_ANSWER])
async def test_a_lost_frame_is_sent_again_and_written_once(bench: BmsBench, fault: BmsFault) -> None:
    bench.bms.faults.add(fault)
    wanted = image(size=700)
    async with bench.client() as bms:
        outcome = await bms.commission(job(wanted))
    assert outcome.ok
    assert outcome.repeated_count >= 1
    assert fault not in bench.bms.faults
    assert bench.bms.state.flash.software == wanted.data
    assert bench.bms.state.flash.block_count == outcome.block_count == 3


async def test_a_bms_that_dies_in_the_middle_is_incomplete_and_can_be_flashed_again(bench: BmsBench) -> None:
    bench.bms.faults.add(BmsFault.DIES_IN_FLASH)
    patient = structs.replace(CONTRACT, timing=structs.replace(CONTRACT.timing, answer_ms=100, frame_ms=100, retries=1))
    outcome = await failed(bench, job(), contract=patient)
    assert outcome.failure is not None
    assert (outcome.failure.code, outcome.failure.step) == (FailureCode.NO_ANSWER, "transfer")
    assert outcome.after is None
    assert outcome.block_count == 0
    assert not {each.name: each.ok for each in outcome.steps}["flash"]
    bench.bms.power_cycle()
    assert bench.bms.state.flash.state is FlashState.INCOMPLETE
    async with bench.client() as bms:
        assert (await bms.identify()).flash_state == "2"
    await assert_can_be_made_ready(bench)


async def test_a_silent_bms_is_told_from_one_that_refuses(bench: BmsBench) -> None:
    bench.bms.faults.add(BmsFault.SILENT)
    hasty = structs.replace(CONTRACT, timing=structs.replace(CONTRACT.timing, answer_ms=50, retries=1))
    outcome = await failed(bench, job(), contract=hasty)
    assert outcome.failure is not None
    assert (outcome.failure.code, outcome.failure.response) == (FailureCode.NO_ANSWER, 0)
    assert outcome.before is None
    assert outcome.repeated_count == 1


async def test_a_wrong_secret_is_refused_in_words_and_locks_after_three(bench: BmsBench) -> None:
    wrong = SECRET[::-1]
    responses = []
    for _ in range(4):
        outcome = await failed(bench, job(), secret=wrong)
        assert outcome.failure is not None
        responses.append(outcome.failure.response)
        assert RESPONSES[outcome.failure.response] in outcome.failure.text
    assert responses == [0x35, 0x35, 0x36, 0x37]
    assert bench.bms.state.flash.state is FlashState.EMPTY
    await assert_can_be_made_ready(bench)


async def test_another_part_is_left_alone(request: pytest.FixtureRequest) -> None:
    state = BmsState(part_number="BMS-24S-C")
    with bms_bench(request.node.name, state=state) as bench:
        outcome = await failed(bench, job())
    assert outcome.failure is not None
    assert outcome.failure.code is FailureCode.WRONG_PART
    assert f"part 'BMS-24S-C', the pack needs '{PART}'" in outcome.failure.text
    assert state.flash.state is FlashState.EMPTY
    assert not state.values


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"image": structs.replace(image(), sha256="0" * 64)}, FailureCode.WRONG_HASH, "its release says 0000"),
        ({"image": structs.replace(image(), data=image().data[:-1])}, FailureCode.WRONG_HASH, "get the released file"),
        ({"image": image(size=CONTRACT.memory.size + 1)}, FailureCode.IMAGE_SIZE, "491521 bytes"),
        ({"configuration": {"cell_max_v": 3.6505}}, FailureCode.BAD_VALUE, "between two steps of 0.001 V"),
        ({"configuration": {"cell_max_v": 70.0}}, FailureCode.BAD_VALUE, "0 to 65.535 V"),
        ({"configuration": {"cell_max_v": float("nan")}}, FailureCode.BAD_VALUE, "0 to 65.535 V"),
        ({"configuration": {"cells": 16}}, FailureCode.BAD_VALUE, "the contract has no cells; it has cell_count"),
        ({"pack_code": "001PB03CW16S20GBU0000042"}, FailureCode.BAD_VALUE, "character 17 is 'U'"),
        ({"pack_code": "001CB03CW16S20GBT0000042"}, FailureCode.BAD_VALUE, "not a pack's"),
        ({"pack_code": "001PB03GBT0000042RP"}, FailureCode.BAD_VALUE, "not a pack's"),
    ],
)
async def test_a_wrong_job_is_found_before_the_bms_is_asked(
    bench: BmsBench, changes: dict[str, Any], code: FailureCode, words: str
) -> None:
    with bench.overheard() as frames:
        outcome = await failed(bench, structs.replace(job(), **changes))
    assert outcome.failure is not None
    assert outcome.failure.code is code
    assert words in outcome.failure.text
    assert CONTRACT.request_id not in {each.arbitration_id for each in frames}


async def test_a_bms_without_software_takes_no_configuration(bench: BmsBench) -> None:
    outcome = await failed(bench, structs.replace(job(), image=None))
    assert outcome.failure is not None
    assert (outcome.failure.code, outcome.failure.response) == (FailureCode.REFUSED, 0x22)
    assert "conditions are not correct" in outcome.failure.text


def test_every_negative_response_has_words() -> None:
    assert all(text and not text.endswith(".") for text in RESPONSES.values())
    assert in_words(0x33).startswith("security access is needed")
    assert "maker" in in_words(0xF7)
    assert "not known" in in_words(0x05)
