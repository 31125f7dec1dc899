import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import msgspec
import pytest

from cellwright.database.pool import connect
from cellwright.errors import UnansweredError
from cellwright.model.answers import Admit, Answer, Receipt, Refusal
from cellwright.model.commands import CheckIn, ReceiveLot, ReleaseLot, Submission
from cellwright.plant import writer
from cellwright.plant.check import check
from cellwright.plant.gate import FULL_COUNT, Gate
from cellwright.testing.database import Databases
from cellwright.testing.gates import Sender, make_gate
from cellwright.testing.replay import RecordingDriver, through_gate

MINUTE_US = 60_000_000


class Floor:
    """A database where six wound cells wait for assembly, a clock, and senders."""

    def __init__(self, url: str, driver: RecordingDriver, cells: tuple[str, ...], full_count: int) -> None:
        self.url = url
        self.full_count = full_count
        self.plant = driver.plant
        self.cells = cells
        self.now_us = driver.now_us
        self.read_only = False

    def gate(self) -> Gate:
        gate = make_gate(self.url, self.plant, lambda: self.now_us, full_count=self.full_count)
        gate._writer._connect = self._connect
        return gate

    async def _connect(self) -> Any:
        connection = await connect(self.url, name="gate")
        if self.read_only:
            await connection.execute("SET default_transaction_read_only = on")
        return connection

    def sender(self, source: str = "ASM-01", epoch: int = 2) -> Sender:
        return Sender(source, self.plant, epoch=epoch, time_us=self.now_us)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        opened = await connect(self.url)
        yield opened
        await opened.close()

    async def facts(self, source: str) -> list[Any]:
        async with self.connection() as connection:
            return await connection.fetch(
                "SELECT epoch, seq, kind, recorded_us, actor, body FROM fact WHERE source = $1 ORDER BY position",
                source,
            )

    async def commands(self) -> int:
        """Return how many commands were decided so far."""
        async with self.connection() as connection:
            return int(await connection.fetchval("SELECT count(*) FROM inbox"))

    async def is_sound(self) -> bool:
        async with self.connection() as connection:
            return (await check(connection, self.plant)).equal


@pytest.fixture(scope="module")
def databases() -> Iterator[Databases]:
    started = asyncio.run(Databases.start())
    yield started
    asyncio.run(started.stop())


@pytest.fixture(params=(1, FULL_COUNT), ids=lambda count: f"full_at_{count}")
async def floor(databases: Databases, request: pytest.FixtureRequest) -> AsyncIterator[Floor]:
    driver = RecordingDriver()
    driver.supply()
    cells = driver.wind(6)
    async with databases.fresh() as url:
        await through_gate(url, driver)
        yield Floor(url, driver, cells, request.param)


def codes(answer: Answer) -> set[str]:
    assert isinstance(answer, Refusal), answer
    return set(answer.codes)


def lot(number: int) -> ReceiveLot:
    return ReceiveLot(lot=f"NEW-{number}", material="kit", quantity=10)


async def until(what: Any) -> None:
    async with asyncio.timeout(20):
        while not what():
            await asyncio.sleep(0.01)


# --- repeats and conflicts --------------------------------------------------------------


async def test_a_repeat_gets_the_stored_answer_also_from_another_gate(floor: Floor) -> None:
    asked = floor.sender().ask(floor.cells[0])
    async with floor.gate() as gate:
        first = await gate.submit(asked)
        assert isinstance(first, Admit)
        assert await gate.submit(msgspec.structs.replace(asked, patience_us=5)) == first
    before = await floor.commands()
    async with floor.gate() as gate:
        assert await gate.submit(asked) == first
        assert gate.counts.repeated == 1
        assert gate.counts.decided == 0
    assert await floor.commands() == before
    assert len(await floor.facts("ASM-01")) == 1


async def test_a_refusal_is_stored_like_any_answer(floor: Floor) -> None:
    asked = floor.sender("SEAL-01").ask(floor.cells[0])
    async with floor.gate() as gate:
        first = await gate.submit(asked)
        assert codes(first) == {"unit_early"}
    async with floor.gate() as gate:
        assert await gate.submit(asked) == first


async def test_another_payload_under_the_same_key_is_a_conflict_and_the_first_is_kept(floor: Floor) -> None:
    first = floor.sender().ask(floor.cells[0])
    second = floor.sender().ask(floor.cells[1])
    async with floor.gate() as gate:
        answers = await asyncio.gather(gate.submit(first), gate.submit(second), gate.submit(first))
        assert isinstance(answers[0], Admit)
        assert codes(answers[1]) == {"sequence_conflict"}
        assert answers[2] == answers[0]
        assert gate.counts.conflicts == 1
    async with floor.gate() as gate:
        assert codes(await gate.submit(second)) == {"sequence_conflict"}
        assert await gate.submit(first) == answers[0]
    noted = await floor.facts("gate")
    assert [each["kind"] for each in noted] == ["Refused", "Refused"]
    assert await floor.is_sound()


# --- messages that are none -------------------------------------------------------------


def payload(**changes: Any) -> bytes:
    said = {
        "source": "RCV-01",
        "epoch": 9,
        "seq": 1,
        "time_us": 1_767_225_600_000_000,
        "actor": "x",
        "command": {"type": "ReceiveLot", "lot": "N-1", "material": "kit", "quantity": 10},
    }
    return json.dumps(said | changes).encode()


BROKEN = {
    "nothing": (b"", "payload_malformed"),
    "half": (payload()[:-9], "payload_malformed"),
    "truncated UTF-8": (payload(actor="Zoe").replace(b"Zoe", b"Zo\xc3"), "payload_malformed"),
    "unknown field": (payload(priority=1), "payload_malformed"),
    "unknown field of the command": (payload(command={"type": "ReplaceTool", "who": "x"}), "payload_malformed"),
    "unknown command": (payload(command={"type": "Explode"}), "payload_malformed"),
    "a number too large": (payload(seq=2**63), "payload_malformed"),
    "a number that is text": (payload(seq="1"), "payload_malformed"),
    "a list": (b"[1, 2]", "payload_malformed"),
    "very deep": (b'{"command": ' + b"[" * 100_000, "payload_malformed"),
    "NUL in a text": (payload(actor="a\0b"), "payload_malformed"),
    "NUL in the source": (payload(source="a\0b"), "payload_malformed"),
    "half a surrogate pair": (payload(actor="a\ud800b"), "payload_malformed"),
    "10 MB": (payload(actor="x" * 10_000_000), "payload_too_large"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_what_cannot_be_read_is_refused_and_journaled_and_changes_nothing(floor: Floor, name: str) -> None:
    broken, code = BROKEN[name]
    before = await floor.commands()
    async with floor.gate() as gate:
        answer = await gate.submit_payload(broken, "10.0.0.7")
        assert codes(answer) == {code}
        assert isinstance(await gate.submit_payload(payload(), "10.0.0.7"), Receipt)
    (noted,) = await floor.facts("gate")
    body = json.loads(noted["body"])
    assert body["station"] in {"10.0.0.7", "RCV-01", "a\N{REPLACEMENT CHARACTER}b"}
    assert body["reasons"][0]["evidence"].keys() == {"payload_bytes", "payload_sha256"}
    assert len(body.get("excerpt", "")) <= 200
    assert await floor.commands() == before + 1
    assert await floor.is_sound()


async def test_text_that_only_looks_like_a_nul_is_kept(floor: Floor) -> None:
    async with floor.gate() as gate:
        assert isinstance(await gate.submit_payload(payload(actor="a\\u0000b"), "x"), Receipt)
    (fact,) = await floor.facts("RCV-01")
    assert fact["actor"] == "a\\u0000b"


AWKWARD = [
    "",
    "NULL",
    "{}",
    '"',
    "\\",
    'a","b',
    "{a,b}",
    "a\nb\tc",
    "\x1f\x7f",
    "电池 ✓ \N{GRINNING FACE}",
    "'; DROP TABLE lot; --",
]


@pytest.mark.parametrize("text", AWKWARD)
async def test_awkward_text_arrives_as_it_was_sent(floor: Floor, text: str) -> None:
    command = msgspec.structs.replace(lot(1), supplier=text)
    said = msgspec.structs.replace(floor.sender("RCV-01").message(command), actor=text)
    async with floor.gate() as gate:
        assert isinstance(await gate.submit(said), Receipt)
    (fact,) = await floor.facts("RCV-01")
    assert fact["actor"] == text
    async with floor.connection() as connection:
        assert await connection.fetchval("SELECT supplier FROM lot WHERE code = 'NEW-1'") == text
    assert await floor.is_sound()


# --- waiting for one's turn -------------------------------------------------------------


async def test_a_patient_message_waits_for_the_one_before_it(floor: Floor) -> None:
    receiver = floor.sender("RCV-01")
    first, second = (receiver.message(lot(number), patience_us=MINUTE_US) for number in (1, 2))
    async with floor.gate() as gate:
        later = asyncio.create_task(gate.submit(second))
        await until(lambda: gate._parked)
        assert isinstance(await gate.submit(first), Receipt)
        assert isinstance(await later, Receipt)
    assert [fact["seq"] for fact in await floor.facts("RCV-01")] == [1, 2]


async def test_a_patient_message_waits_for_what_another_sender_has_yet_to_say(floor: Floor) -> None:
    cell = floor.cells[0]
    async with floor.gate() as gate:
        sealing = asyncio.create_task(gate.submit(floor.sender("SEAL-01").ask(cell, patience_us=MINUTE_US)))
        await until(lambda: gate._parked)
        assembler = floor.sender()
        assert isinstance(await gate.submit(assembler.ask(cell)), Admit)
        assert not sealing.done()
        done = await gate.submit(assembler.message(finished(cell)))
        assert isinstance(done, Receipt), done
        assert isinstance(await sealing, Admit)


def finished(cell: str) -> Any:
    from cellwright.model.commands import CheckOut, Consumed  # noqa: PLC0415

    taken = Consumed(positions=("can",), outputs=(0,), starts=(0,), ends=(1,))
    return CheckOut(station="ASM-01", units=(cell,), consumed=taken)


async def test_patience_ends(floor: Floor) -> None:
    async with floor.gate() as gate:
        started_s = time.monotonic()
        answer = await gate.submit(floor.sender("SEAL-01").ask(floor.cells[0], patience_us=300_000))
        assert codes(answer) == {"unit_early"}
        assert 0.25 < time.monotonic() - started_s < 5
        skipped = floor.sender("RCV-01")
        skipped.message(lot(1))
        assert isinstance(await gate.submit(skipped.message(lot(2), patience_us=100_000)), Receipt)


async def test_without_patience_the_answer_is_immediate(floor: Floor) -> None:
    async with floor.gate() as gate:
        assert codes(await gate.submit(floor.sender("SEAL-01").ask(floor.cells[0]))) == {"unit_early"}


async def test_a_caller_that_goes_away_has_withdrawn_its_message(floor: Floor) -> None:
    receiver = floor.sender("RCV-01")
    first, second = (receiver.message(lot(number), patience_us=MINUTE_US) for number in (1, 2))
    before = await floor.commands()
    async with floor.gate() as gate:
        gone = asyncio.create_task(gate.submit(second))
        await until(lambda: gate._parked)
        gone.cancel()
        await asyncio.wait([gone])
        assert isinstance(await gate.submit(first), Receipt)
        await until(lambda: not gate._parked)
        assert not gate._unanswered
    assert await floor.commands() == before + 1


async def test_a_caller_that_goes_away_while_it_is_decided_harms_nobody(floor: Floor) -> None:
    receiver = floor.sender("RCV-01")
    messages = [receiver.message(lot(number)) for number in range(20)]
    async with floor.gate() as gate:
        tasks = [asyncio.create_task(gate.submit(each)) for each in messages]
        await until(lambda: not gate._arrived)
        tasks[3].cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(isinstance(each, Receipt) for each in answers) >= 19
        assert isinstance(await gate.submit(messages[3]), Receipt)
    assert await floor.is_sound()


# --- starting and stopping --------------------------------------------------------------


async def test_stop_answers_what_has_arrived(floor: Floor) -> None:
    receiver = floor.sender("RCV-01")
    gate = floor.gate()
    await gate.start()
    tasks = [asyncio.create_task(gate.submit(receiver.message(lot(number)))) for number in range(50)]
    await asyncio.sleep(0)
    await gate.stop()
    assert all(isinstance(each, Receipt) for each in await asyncio.gather(*tasks))


async def test_stop_leaves_unanswered_what_waits_for_its_turn(floor: Floor) -> None:
    receiver = floor.sender("RCV-01")
    first, second = (receiver.message(lot(number), patience_us=60 * MINUTE_US) for number in (1, 2))
    async with floor.gate() as gate:
        waiting = asyncio.create_task(gate.submit(second))
        await until(lambda: gate._parked)
    with pytest.raises(UnansweredError, match="stopped; send the same again"):
        await waiting
    async with floor.gate() as gate:
        answers = await asyncio.gather(gate.submit(second), gate.submit(first))
        assert all(isinstance(each, Receipt) for each in answers)


async def test_a_gate_that_does_not_run_says_so(floor: Floor) -> None:
    gate = floor.gate()
    message = floor.sender("RCV-01").message(lot(1))
    with pytest.raises(UnansweredError, match="does not run"):
        await gate.submit(message)
    async with gate:
        assert isinstance(await gate.submit(message), Receipt)
    with pytest.raises(UnansweredError, match="does not run"):
        await gate.submit(message)
    await gate.stop()


# --- one bad message, many good ones ----------------------------------------------------


async def test_a_message_that_the_rules_cannot_digest_fails_alone(
    floor: Floor, caplog: pytest.LogCaptureFixture
) -> None:
    async with floor.connection() as connection:
        damaged = await connection.fetchval(
            "UPDATE unit SET attempts = '{}' WHERE id = (SELECT max(id) FROM unit) RETURNING id"
        )
    assert damaged
    receiver = floor.sender("RCV-01")
    good = [receiver.message(lot(number)) for number in range(10)]
    poison = floor.sender().ask(floor.cells[-1])
    async with floor.gate() as gate:
        answers = await asyncio.gather(*map(gate.submit, [*good[:5], poison, *good[5:]]), return_exceptions=True)
        assert isinstance(answers.pop(5), UnansweredError)
        assert all(isinstance(each, Receipt) for each in answers), answers
        assert isinstance(await gate.submit(floor.sender("ASM-02").ask(floor.cells[0])), Admit)
    assert "could not be decided" in caplog.text
    assert not await floor.facts("ASM-01")


async def test_a_message_that_the_database_refuses_fails_alone(floor: Floor, caplog: pytest.LogCaptureFixture) -> None:
    async with floor.connection() as connection:
        await connection.execute("ALTER TABLE lot ADD CONSTRAINT lot_never_7 CHECK (code <> 'NEW-7')")
    receivers = [floor.sender("RCV-01", epoch=epoch) for epoch in range(2, 22)]
    async with floor.gate() as gate:
        sent = [gate.submit(receiver.message(lot(number))) for number, receiver in enumerate(receivers)]
        answers = await asyncio.gather(*sent, return_exceptions=True)
    assert isinstance(answers.pop(7), UnansweredError)
    assert all(isinstance(each, Receipt) for each in answers), answers
    assert "lot_never_7" in caplog.text
    assert await floor.is_sound()


async def test_what_was_decided_on_a_message_that_fails_is_decided_again(floor: Floor) -> None:
    async with floor.connection() as connection:
        await connection.execute("ALTER TABLE lot ADD CONSTRAINT lot_never_7 CHECK (code <> 'NEW-7')")
    release = ReleaseLot(lot="NEW-7", certificate_sha256="c" * 64)
    async with floor.gate() as gate:
        sent = (floor.sender("RCV-01").message(lot(7)), floor.sender("QA-01").message(release))
        failed, refused = await asyncio.gather(*map(gate.submit, sent), return_exceptions=True)
    assert isinstance(failed, UnansweredError)
    assert isinstance(refused, Refusal)
    assert refused.codes == {"lot_unknown"}
    assert await floor.is_sound()


async def test_what_cannot_be_read_is_journaled_without_a_retry_however_much_comes(floor: Floor) -> None:
    async with floor.gate() as gate:
        answers = await asyncio.gather(*(gate.submit_payload(b"{", f"LINK-{number}") for number in range(10)))
        assert gate.counts.retries == 0
    assert all(codes(each) == {"payload_malformed"} for each in answers)
    assert len(await floor.facts("gate")) == len(answers)


async def test_a_database_that_cannot_be_written_is_waited_for(floor: Floor, caplog: pytest.LogCaptureFixture) -> None:
    gate = floor.gate()
    async with gate:
        floor.read_only = True
        held = gate._writer._connection
        assert held is not None
        await held.execute("SET default_transaction_read_only = on")
        waiting = asyncio.create_task(gate.submit(floor.sender("RCV-01").message(lot(1))))
        await until(lambda: gate.counts.retries >= 2)
        assert not waiting.done()
        floor.read_only = False
        assert isinstance(await waiting, Receipt)
    assert "database lost" in caplog.text


# --- clocks and memory ------------------------------------------------------------------


async def test_a_small_step_back_of_the_clock_is_waited_out_and_a_large_one_followed(
    floor: Floor, caplog: pytest.LogCaptureFixture
) -> None:
    receiver, start_us = floor.sender("RCV-01"), floor.now_us
    async with floor.gate() as gate:
        for number, now_us in enumerate((start_us, start_us - 2_000_000, start_us + 5, start_us - 3600 * 1_000_000)):
            floor.now_us = now_us
            await gate.submit(receiver.message(lot(number)))
    recorded = [fact["recorded_us"] - start_us for fact in await floor.facts("RCV-01")]
    assert recorded == [0, 0, 5, -3600 * 1_000_000]
    assert "clock went back" in caplog.text


async def test_a_state_grown_too_large_is_read_afresh(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_STATE_LIMIT", 5)
    receiver, assembler = floor.sender("RCV-01"), floor.sender()
    async with floor.gate() as gate:
        for number in range(12):
            assert isinstance(await gate.submit(receiver.message(lot(number))), Receipt)
        assert isinstance(await gate.submit(assembler.ask(*floor.cells)), Admit)
    assert await floor.is_sound()


async def test_memory_of_the_gate_does_not_grow_with_messages(floor: Floor) -> None:
    async with floor.gate() as gate:
        messages = [floor.sender("RCV-01").message(lot(1))] * 200
        assert len(set(map(msgspec.json.encode, await asyncio.gather(*map(gate.submit, messages))))) == 1
        assert not gate._unanswered
        assert not gate._arrived
        assert not gate._parked


def test_patience_has_a_limit() -> None:
    said = json.loads(payload())
    with pytest.raises(msgspec.ValidationError, match="patience_us"):
        msgspec.convert(said | {"patience_us": 3_600_000_001}, Submission)


async def test_an_unknown_station_is_refused_and_journaled(floor: Floor) -> None:
    message = floor.sender("NOWHERE").message(CheckIn(station="NOWHERE"))
    async with floor.gate() as gate:
        assert "station_unknown" in codes(await gate.submit(message))
    (fact,) = await floor.facts("NOWHERE")
    assert fact["kind"] == "Refused"
