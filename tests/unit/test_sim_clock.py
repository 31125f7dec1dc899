import ast
import asyncio
import mmap
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from cellwright.sim.clock import Buffer, Clock, Lock, Pending, PlantStoppedError, Signal, TimeFile

START_US = 1_000_000_000
SECOND_US = 1_000_000


def forever() -> bool:
    return False


async def run(clock: Clock) -> None:
    with pytest.raises(PlantStoppedError, match="stands still"):
        await clock.run(forever)
    await clock.close()


async def test_time_jumps_to_the_next_wake_in_order() -> None:
    clock, seen = Clock(START_US), []

    async def sleeper(name: str, seconds: float) -> None:
        for _ in range(2):
            await clock.sleep(seconds)
            seen.append((name, (clock.now_us - START_US) / SECOND_US))

    clock.spawn(sleeper("slow", 3600.0), "slow")
    clock.spawn(sleeper("quick", 2000.0), "quick")
    await run(clock)
    assert seen == [("quick", 2000.0), ("slow", 3600.0), ("quick", 4000.0), ("slow", 7200.0)]


async def test_wakes_at_the_same_moment_keep_their_order() -> None:
    clock, seen = Clock(START_US), []

    async def sleeper(name: str) -> None:
        await clock.sleep(1.0)
        seen.append(name)

    for name in ("a", "b", "c"):
        clock.spawn(sleeper(name), name)
    await run(clock)
    assert seen == ["a", "b", "c"]


async def test_time_stands_still_while_a_coroutine_runs() -> None:
    clock, seen = Clock(START_US), []

    async def worker() -> None:
        await asyncio.sleep(0.02)  # host time, as when nodes are written
        seen.append(clock.now_us)

    async def other() -> None:
        await clock.sleep(5.0)

    clock.spawn(worker(), "worker")
    clock.spawn(other(), "other")
    await run(clock)
    assert seen == [START_US]


@pytest.mark.parametrize("latency_s", [0.0, 0.03])
async def test_an_answer_arrives_after_the_slack_whatever_the_host_needs(latency_s: float) -> None:
    clock, seen = Clock(START_US, slack_s=2.0), []

    async def resolve(pending: Pending) -> None:
        await asyncio.sleep(latency_s)
        pending.resolve()

    async def asker() -> None:
        pending = clock.expect("station")
        answering = asyncio.create_task(resolve(pending))
        await pending.wait()
        await answering
        seen.append(("answer", clock.now_us - START_US))

    async def other() -> None:
        for _ in range(3):
            await clock.sleep(0.9)
            seen.append(("work", clock.now_us - START_US))

    clock.spawn(asker(), "asker")
    clock.spawn(other(), "other")
    await run(clock)
    # Two pieces of work fit before the answer is due; the third may not overtake it.
    assert seen == [("work", 900_000), ("work", 1_800_000), ("answer", 2_000_000), ("work", 2_700_000)]


async def test_a_silent_mes_stops_the_plant_with_the_station_named() -> None:
    clock = Clock(START_US, patience_s=0.02)

    async def asker() -> None:
        await clock.expect("FILL-01").wait()

    clock.spawn(asker(), "asker")
    with pytest.raises(PlantStoppedError, match=r"FILL-01: no answer from the MES for 0\.02 s"):
        await clock.run(forever)
    await clock.close()


async def test_a_stalled_plant_says_who_waits() -> None:
    clock = Clock(START_US)
    empty: Buffer[int] = Buffer(clock, "reels")

    async def winder() -> None:
        await empty.get()

    clock.spawn(winder(), "WIND-01")
    with pytest.raises(PlantStoppedError, match="waiting: WIND-01"):
        await clock.run(forever)
    await clock.close()


async def test_a_failure_in_a_coroutine_ends_the_run() -> None:
    clock = Clock(START_US)

    async def broken() -> None:
        await clock.sleep(1.0)
        raise ValueError("knife broke")

    clock.spawn(broken(), "SLIT-C1")
    with pytest.raises(ValueError, match="knife broke"):
        await clock.run(forever)
    await clock.close()


async def test_the_end_waits_for_owed_answers_and_lets_nobody_ask_anew() -> None:
    clock, seen = Clock(START_US), []

    async def asker() -> None:
        while True:
            await clock.permit()
            pending = clock.expect("station")
            pending.resolve()
            await pending.wait()
            seen.append(clock.now_us - START_US)

    clock.spawn(asker(), "asker")
    await clock.run(lambda: len(seen) == 2)
    await clock.close()
    assert seen == [2_000_000, 4_000_000, 6_000_000]


async def test_a_buffer_is_first_in_first_out_and_blocks_when_full() -> None:
    clock, seen = Clock(START_US), []
    buffer: Buffer[int] = Buffer(clock, "rolls", capacity_count=2)

    async def producer() -> None:
        for number in range(4):
            await buffer.put(number)
            seen.append(f"put {number}")

    async def consumer() -> None:
        for _ in range(4):
            await clock.sleep(1.0)
            seen.append(f"got {await buffer.get()}")

    clock.spawn(producer(), "producer")
    clock.spawn(consumer(), "consumer")
    await run(clock)
    assert [text for text in seen if text.startswith("got")] == ["got 0", "got 1", "got 2", "got 3"]
    assert seen.index("put 2") > seen.index("got 0")


async def test_taking_several_waits_for_all_of_them() -> None:
    clock, seen = Clock(START_US), []
    buffer: Buffer[int] = Buffer(clock, "pool")

    async def consumer() -> None:
        seen.append((await buffer.take(3), clock.now_us - START_US))

    async def producer() -> None:
        for number in range(4):
            await clock.sleep(1.0)
            buffer.put_now(number)

    clock.spawn(consumer(), "consumer")
    clock.spawn(producer(), "producer")
    await run(clock)
    assert seen == [([0, 1, 2], 3_000_000)]
    assert list(buffer.items) == [3]


async def test_a_lock_serves_waiters_in_order() -> None:
    clock, seen = Clock(START_US), []
    lock = Lock(clock, "machine")

    async def worker(name: str) -> None:
        async with lock:
            await clock.sleep(1.0)
            seen.append((name, clock.now_us - START_US))

    for name in ("a", "b"):
        clock.spawn(worker(name), name)
    await run(clock)
    assert seen == [("a", 1_000_000), ("b", 2_000_000)]


async def test_a_signal_wakes_everybody() -> None:
    clock, seen = Clock(START_US), []
    signal = Signal(clock, "demand")

    async def waiter(name: str) -> None:
        await signal.wait()
        seen.append(name)

    async def caller() -> None:
        await clock.sleep(1.0)
        assert signal.waiting_count == 2
        signal.fire()

    for name in ("a", "b"):
        clock.spawn(waiter(name), name)
    clock.spawn(caller(), "caller")
    await run(clock)
    assert seen == ["a", "b"]


async def test_every_new_time_is_published() -> None:
    published: list[int] = []
    clock = Clock(START_US, publish=published.append)

    async def sleeper() -> None:
        await clock.sleep(1.0)
        await clock.sleep(0.0)
        await clock.sleep(1.0)

    clock.spawn(sleeper(), "sleeper")
    await run(clock)
    assert published == [START_US, START_US + 1_000_000, START_US + 2_000_000]


def test_the_time_file_is_an_int64_little_endian(tmp_path: Path) -> None:
    path = tmp_path / "plant.clock"
    file = TimeFile(path)
    file.publish(1_772_409_600_000_001)
    with path.open("rb") as reader, mmap.mmap(reader.fileno(), 0, access=mmap.ACCESS_READ) as view:
        assert struct.unpack_from("<q", view, 0) == (1_772_409_600_000_001,)
        assert len(view) == 8
    file.close()


READER = """
import mmap, sys
with open(sys.argv[1], "rb") as file, mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ) as view:
    print("ready", flush=True)
    seen = {view[:8] for _ in range(1_000_000)}
    print(sorted(each.hex() for each in seen))
"""


def test_a_reader_never_sees_half_a_time(tmp_path: Path) -> None:
    path = tmp_path / "plant.clock"
    file = TimeFile(path)
    early, late = 0x0101010101010101, 0x7F7F7F7F7F7F7F7F
    file.publish(early)
    reader = subprocess.Popen([sys.executable, "-c", READER, str(path)], stdout=subprocess.PIPE, text=True)
    assert reader.stdout is not None
    assert reader.stdout.readline() == "ready\n"
    while reader.poll() is None:
        for _ in range(1000):
            file.publish(late)
            file.publish(early)
    seen = reader.stdout.read()
    reader.stdout.close()
    assert set(ast.literal_eval(seen)) <= {"01" * 8, "7f" * 8}
    file.close()
