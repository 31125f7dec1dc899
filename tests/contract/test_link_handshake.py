"""The handshake of the station contract, between the link and a machine on a real, secured socket."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import msgspec
import pytest
from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.status_codes import StatusCodes

from cellwright.links.opcua.contract import NODES, Kind, NodeSpec, ValueType
from cellwright.links.opcua.link import LinkSettings, LinkStatus, OpcUaLink
from cellwright.links.opcua.station import AnswerOut, RecipeValues, Request
from cellwright.links.opcua.step import Policy
from cellwright.links.opcua.values import Value
from cellwright.links.opcua.worker import Backoff, Surroundings
from cellwright.plant.clock import host_clock
from cellwright.testing.machine import Keys, Machine, MachineServer, make_keys

RECIPE = RecipeValues(code="WIND", revision=2, names=("tension_n", "speed_mm_per_s"), values=(4.5, 800.0))
NO = AnswerOut(accepted=False, codes=("unit_held", "lot_expired"), texts=("Held.", "Expired."))


class Desk:
    """Stands for the gate: answers from a table of the given answers, keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Request, str]] = []
        self.answers: dict[tuple[str, int, int], AnswerOut] = {}
        self.failures = 0
        self.recipe: RecipeValues | None = None
        self.gates: dict[str, asyncio.Event] = {}
        self.decide: Callable[[Request], AnswerOut] = lambda request: AnswerOut(accepted=True, units=request.units)

    async def handle(self, station: str, request: Request, recipe_digest: str) -> AnswerOut:
        assert station == request.station
        if self.failures > 0:
            self.failures -= 1
            raise ConnectionError("the gate is down")
        self.asked.append((request, recipe_digest))
        if station in self.gates:
            await self.gates[station].wait()
        key = (station, request.epoch, request.sequence)
        return self.answers.setdefault(key, self.decide(request))

    def released(self, station: str, operation: str) -> RecipeValues | None:
        del station, operation
        return self.recipe


SETTINGS = LinkSettings(timeout_s=2.0, poll_s=0.05, reconnect=Backoff(first_s=0.05, max_s=0.2))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return make_keys(tmp_path_factory.mktemp("keys"), host_clock)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def machines(keys: Keys) -> AsyncIterator[MachineServer]:
    async with MachineServer(keys, ["S-1", "S-2"]) as server:
        yield server


@asynccontextmanager
async def running(link: OpcUaLink) -> AsyncIterator[OpcUaLink]:
    task = asyncio.create_task(link.run())
    try:
        yield link
    finally:
        task.cancel()
        await asyncio.wait([task])


def make_link(machines: MachineServer, keys: Keys, desk: Desk, stations: Sequence[str] = ("S-1", "S-2")) -> OpcUaLink:
    async def handle(station: str, request: Request, recipe_digest: str) -> AnswerOut:
        return await desk.handle(station, request, recipe_digest)

    surroundings = Surroundings(
        handler=handle,
        released=desk.released,
        clock_s=time.monotonic,
        jitter_ratio=lambda: 0.5,
        policy=Policy(readback_s=0.1, download_count_max=2),
        retry=Backoff(first_s=0.02, max_s=0.1),
    )
    return OpcUaLink(machines.endpoint, stations, security=keys.mes, surroundings=surroundings, settings=SETTINGS)


@pytest.fixture
async def link(machines: MachineServer, keys: Keys, desk: Desk) -> AsyncIterator[OpcUaLink]:
    async with running(make_link(machines, keys, desk)) as link:
        yield link


@pytest.fixture
def machine(machines: MachineServer, link: OpcUaLink) -> Machine:
    assert link.name == machines.endpoint.url
    return machines.machines["S-1"]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5.0):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_request_is_answered(machine: Machine, desk: Desk) -> None:
    answer = await machine.request(Kind.CHECK_IN, units=("A" * 24, "B" * 24), person="P-7")
    assert answer == AnswerOut(accepted=True, units=("A" * 24, "B" * 24))
    request, digest = desk.asked[0]
    assert (request.station, request.epoch, request.sequence, request.kind) == ("S-1", 1, 1, "check_in")
    assert (request.person, digest) == ("P-7", "")


async def test_a_refusal_carries_every_code_and_text(machine: Machine, desk: Desk) -> None:
    desk.decide = lambda _: NO
    assert await machine.request(Kind.CHECK_IN, units=("A" * 24,)) == NO


EXAMPLES: dict[ValueType, Value] = {
    ValueType.BOOLEAN: True,
    ValueType.INT32: 3,
    ValueType.UINT32: 4,
    ValueType.INT64: 5,
    ValueType.DOUBLE: 0.25,
    ValueType.STRING: "x",
}


def example(spec: NodeSpec) -> Value:
    if spec.path == "Request/ResultValues":
        return (0.25, float("nan"))
    return (EXAMPLES[spec.type],) if spec.is_array else EXAMPLES[spec.type]  # type: ignore[return-value]


async def test_every_field_of_a_request_arrives(machine: Machine, desk: Desk) -> None:
    mine = [spec for spec in NODES if spec.path.startswith("Request/") and spec.field not in {"kind", "sequence"}]
    await machine.begin(Kind.CHECK_OUT, **{spec.field: example(spec) for spec in mine})
    assert (await machine.answer()).accepted
    arrived = msgspec.structs.asdict(desk.asked[0][0])
    for spec in mine:
        expected = (0.25, None) if spec.path == "Request/ResultValues" else example(spec)
        assert arrived[spec.field] == expected, spec.path


async def test_every_field_of_an_answer_arrives(machine: Machine, desk: Desk) -> None:
    full = AnswerOut(
        accepted=True,
        codes=("c",),
        texts=("t",),
        units=("u1", "u2"),
        lots=("l",),
        operation="winding",
        routing=("done", "hold"),
    )
    desk.decide = lambda _: full
    assert await machine.request(Kind.CHECK_OUT) == full


async def test_stations_are_served_side_by_side(machines: MachineServer, link: OpcUaLink) -> None:
    async def drive(machine: Machine) -> list[tuple[str, ...]]:
        return [(await machine.request(Kind.CHECK_IN, units=(f"{machine.code}{n}",))).units for n in range(20)]

    made = await asyncio.gather(*(drive(machine) for machine in machines.machines.values()))
    assert made == [[(f"{code}{n}",) for n in range(20)] for code in machines.machines]
    await until(lambda: link.status().counters.answered == 40)


async def test_a_repeat_gets_the_same_answer(machine: Machine, desk: Desk) -> None:
    desk.decide = lambda _: AnswerOut(accepted=True, units=(f"N{len(desk.answers)}",))
    first = await machine.request(Kind.CHECK_IN, count=1)
    await machine.ask_again()
    assert await machine.answer() == first
    assert [request.sequence for request, _ in desk.asked] == [1, 1]
    assert (await machine.request(Kind.CHECK_IN, count=1)) != first


async def test_rewriting_the_same_sequence_changes_nothing(machine: Machine, desk: Desk) -> None:
    first = await machine.request(Kind.CHECK_IN)
    await machine.station.write({"Request/Sequence": machine.sequence})
    await asyncio.sleep(3 * SETTINGS.poll_s)
    assert await machine.answer() == first
    assert len(desk.asked) == 1


async def test_a_new_epoch_starts_counting_anew(machine: Machine, desk: Desk) -> None:
    await machine.request(Kind.CHECK_IN)
    await machine.lose_memory(epoch=77)
    assert (await machine.request(Kind.CHECK_IN)).accepted
    assert [(request.epoch, request.sequence) for request, _ in desk.asked] == [(1, 1), (77, 1)]


async def test_a_stale_answer_of_another_epoch_does_not_count(machine: Machine, desk: Desk) -> None:
    await machine.request(Kind.CHECK_IN)
    # A machine that forgets to wipe Answer/Sequence: its first request has the number of the old answer.
    await machine.station.write({"Epoch": 78, "Request/Sequence": 1})
    await until(lambda: len(desk.asked) == 2)
    assert desk.asked[1][0].epoch == 78


async def test_the_recipe_is_downloaded_read_back_and_proved_by_its_digest(machine: Machine, desk: Desk) -> None:
    desk.recipe = RECIPE
    assert (await machine.request(Kind.CHECK_IN)).accepted
    assert machine.station.read("Recipe/Set/Names") == RECIPE.names
    assert machine.station.read("Recipe/Active/Values") == RECIPE.values
    assert [digest for _, digest in desk.asked] == [RECIPE.digest]


async def test_a_recipe_that_is_active_is_not_downloaded_again(machine: Machine, desk: Desk, link: OpcUaLink) -> None:
    desk.recipe = RECIPE
    for _ in range(3):
        await machine.request(Kind.CHECK_IN)
    assert link.status().counters.downloads == 1


async def test_a_machine_that_ignores_the_recipe_is_asked_about_with_what_it_runs(
    machine: Machine, desk: Desk, link: OpcUaLink
) -> None:
    desk.recipe = RECIPE
    machine.takes_recipes = False
    desk.decide = lambda _: NO
    assert await machine.request(Kind.CHECK_IN) == NO
    assert link.status().counters.downloads == 2
    assert [digest for _, digest in desk.asked] == [""]


async def test_only_check_in_waits_for_a_recipe(machine: Machine, desk: Desk, link: OpcUaLink) -> None:
    desk.recipe = RECIPE
    machine.takes_recipes = False
    assert (await machine.request(Kind.CHECK_OUT)).accepted
    assert link.status().counters.downloads == 0


async def test_a_gate_that_is_down_is_asked_until_it_answers(machine: Machine, desk: Desk, link: OpcUaLink) -> None:
    desk.failures = 3
    assert (await machine.request(Kind.CHECK_IN)).accepted
    assert link.status().counters.errors == 3
    assert link.status().counters.connects == 1
    await until(lambda: link.status().stations[0].fault == "")


async def test_a_slow_decision_blocks_no_other_station(machines: MachineServer, link: OpcUaLink, desk: Desk) -> None:
    desk.gates["S-1"] = asyncio.Event()
    first, second = machines.machines["S-1"], machines.machines["S-2"]
    await first.begin(Kind.CHECK_IN)
    assert (await second.request(Kind.CHECK_IN)).accepted
    await until(lambda: link.status().counters.answered == 1)
    desk.gates["S-1"].set()
    assert (await first.answer()).accepted


async def test_a_machine_that_restarts_while_the_gate_decides_gets_no_foreign_answer(
    machine: Machine, desk: Desk
) -> None:
    desk.gates["S-1"] = asyncio.Event()
    await machine.begin(Kind.CHECK_IN, units=("old",))
    await until(lambda: len(desk.asked) == 1)
    await machine.lose_memory(epoch=5)
    await machine.begin(Kind.CHECK_IN, units=("new",))
    desk.gates["S-1"].set()
    assert (await machine.answer()).units == ("new",)


BAD = ua.DataValue(StatusCode=ua.StatusCode(ua.UInt32(StatusCodes.BadNotConnected)))


async def test_a_field_with_bad_status_holds_the_request_until_it_is_good(
    machine: Machine, desk: Desk, link: OpcUaLink
) -> None:
    await until(lambda: link.status().is_connected)
    await machine.station.write_raw("Request/Units", BAD)
    await machine.station.write({"Request/Kind": "check_in", "Request/Sequence": 1})
    await until(lambda: bool(link.status().stations[0].problems))
    assert link.status().stations[0].problems[0].path == "Request/Units"
    assert desk.asked == []
    await machine.station.write({"Request/Units": ("good",)})
    machine.sequence = 1
    assert (await machine.answer()).units == ("good",)


async def test_a_field_of_the_wrong_type_reaches_the_desk_as_a_problem_never_as_a_number(
    machine: Machine, desk: Desk, link: OpcUaLink
) -> None:
    desk.decide = lambda request: NO if request.problems else AnswerOut(accepted=True)
    node = machine.station._ids["Request/Quantity"]
    wrong = ua.DataValue(ua.Variant([1.5], ua.VariantType.Double))
    machine.station._server.iserver.aspace[node].attributes[AttributeIds.Value].value = wrong
    await machine.station.write({"Request/Sequence": 1})
    machine.sequence = 1
    assert await machine.answer() == NO
    request = desk.asked[0][0]
    assert [each.text for each in request.problems] == ["type is Double[], expected Int64[]"]
    assert request.quantity == ()
    assert link.status().counters.malformed == 1


async def test_an_answer_carries_no_time_stamp_of_ours(machine: Machine, keys: Keys) -> None:
    await machine.request(Kind.CHECK_IN)
    del keys
    node = machine.station._ids["Answer/Accepted"]
    value = machine.station._server.iserver.read_attribute_value(node)
    assert value.SourceTimestamp is None


async def test_state_and_sequences_are_seen(machine: Machine, link: OpcUaLink) -> None:
    await until(lambda: link.status().is_connected)
    await machine.station.write({"State": "Executing"})
    await until(lambda: link.status().stations[0].state == "Executing")
    status: LinkStatus = link.status()
    assert (status.stations[0].epoch, status.stations[0].sequence, status.stations[0].is_fresh) == (1, 0, True)


async def test_a_station_of_another_version_is_left_alone_and_named(
    machines: MachineServer, keys: Keys, desk: Desk
) -> None:
    await machines.machines["S-1"].station.write({"ContractVersion": 2})
    link = make_link(machines, keys, desk, ["S-1", "S-2", "S-9"])
    async with running(link):
        assert (await machines.machines["S-2"].request(Kind.CHECK_IN)).accepted
        faults = [station.fault for station in link.status().stations]
    assert faults[0] == "S-1/ContractVersion: expected 1, found 2; see the station contract"
    assert faults[1] == ""
    assert "S-9/ContractVersion: expected 1, found no such node" in faults[2]


async def test_a_station_that_forbids_answers_is_left_alone_and_named(
    machines: MachineServer, keys: Keys, desk: Desk
) -> None:
    await forbid(machines.machines["S-1"], "Answer/Units")
    link = make_link(machines, keys, desk)
    async with running(link):
        assert (await machines.machines["S-2"].request(Kind.CHECK_IN)).accepted
        faults = [station.fault for station in link.status().stations]
    assert faults == ["the link's user may not write S-1/Answer/Units; grant it at the machine", ""]


async def test_a_station_that_withdraws_the_right_to_answer_is_named(machine: Machine, link: OpcUaLink) -> None:
    await until(lambda: link.status().is_connected)
    await forbid(machine, "Answer/Sequence")
    await machine.begin(Kind.CHECK_IN)
    await until(lambda: "Answer/Sequence: BadUserAccessDenied" in link.status().stations[0].fault)
    await forbid(machine, "Answer/Sequence", is_forbidden=False)
    assert (await machine.answer()).accepted
    await until(lambda: link.status().stations[0].fault == "")


async def forbid(machine: Machine, path: str, *, is_forbidden: bool = True) -> None:
    station = machine.station
    await station._server.get_node(station._ids[path]).set_writable(not is_forbidden)
