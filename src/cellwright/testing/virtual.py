"""The virtual plant before a real gate on a real database, in one process and without sockets between them."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Iterable

import msgspec
from msgspec import Struct

from cellwright.links.opcua.contract import ANSWER_NODES, EPOCH_PATH, REQUEST_NODES, SEQUENCE_PATH
from cellwright.links.opcua.station import Request
from cellwright.links.opcua.values import Value
from cellwright.model.answers import Refusal
from cellwright.model.commands import AddPerson, Command, QualifyPerson, RecordCalibration, Submission
from cellwright.model.plant import Plant
from cellwright.plant.gate import Gate
from cellwright.plant.runtime import open_gate, release_plant
from cellwright.plant.stations import StationDesk
from cellwright.sim.catalogue import Settings
from cellwright.sim.line import VirtualPlant, work_centers
from cellwright.sim.standin import MemoryNodes
from cellwright.sim.world import World
from cellwright.testing.flow import RefusedError
from cellwright.testing.plants import by_hand

_PERSON = "VIRTUAL-0001"
_YEAR_US = 365 * 86_400 * 1_000_000


class Answerer:
    """Puts what stands in the nodes of every station before a gate, and writes its answers back."""

    def __init__(self, desk: StationDesk, nodes: Iterable[MemoryNodes]) -> None:
        """Listen to every station from now on."""
        self._desk = desk
        self._tasks: set[asyncio.Task[None]] = set()
        for each in nodes:
            self._attach(each)

    def _attach(self, nodes: MemoryNodes) -> None:
        def on_request(_path: str, value: Value) -> None:
            if isinstance(value, int) and value > 0:
                task = asyncio.get_running_loop().create_task(self._answer(nodes, value))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

        nodes.listen(SEQUENCE_PATH, on_request)

    async def _answer(self, nodes: MemoryNodes, sequence: int) -> None:
        fields = {spec.field: nodes.read(spec.path) for spec in REQUEST_NODES}
        key = {"station": nodes.code, "epoch": nodes.read(EPOCH_PATH)}
        request = msgspec.convert({**fields, **key}, Request)
        # Like a machine that took over what was set: it runs the released recipe.
        recipe = self._desk.released(nodes.code, request.operation)
        answer = await self._desk.handle(nodes.code, request, "" if recipe is None else recipe.digest)
        await nodes.write({spec.path: getattr(answer, spec.field, sequence) for spec in ANSWER_NODES})


class VirtualRun(Struct, frozen=True):
    """A plant that has shipped its packs: what truly happened, and the database with what was recorded."""

    world: World
    url: str


@contextlib.asynccontextmanager
async def answered_by_gate(url: str, plant: Plant, settings: Settings) -> AsyncIterator[VirtualRun]:
    """Run the virtual plant to its end before a gate on a fresh database, then lend what came of it.

    Nobody orders jobs: the stations take what waits.
    """
    plant = by_hand(plant)
    stations = {code: MemoryNodes(code) for codes in work_centers(()).values() for code in codes}
    now = [settings.start_us]
    persons = dict.fromkeys(_attended(plant), _PERSON)
    virtual = VirtualPlant(
        stations, msgspec.structs.replace(settings, persons=persons), lambda time_us: now.__setitem__(0, time_us)
    )
    async with open_gate(url, plant, lambda: now[0]) as gate:
        await _furnish(gate, plant, now[0])
        Answerer(StationDesk(gate, plant), stations.values())
        await virtual.run()
        yield VirtualRun(virtual.world, url)


def _attended(plant: Plant) -> list[str]:
    """Return the stations whose work needs somebody qualified."""
    wanted = {each.code for route in plant.routes.values() for each in route.operations if each.qualification}
    return [station.code for station in plant.stations.values() if wanted.intersection(station.operations)]


async def _furnish(gate: Gate, plant: Plant, now_us: int) -> None:
    """Release the plant's files; make a person known with all qualifications, and every calibration valid."""
    await release_plant(gate, plant, now_us, epoch=1)
    operations = [each for route in plant.routes.values() for each in route.operations]
    names = sorted({each.qualification for each in operations if each.qualification})
    until_us = now_us + _YEAR_US
    commands: list[Command] = [AddPerson(person=_PERSON, roles=("operator",))]
    commands += [QualifyPerson(person=_PERSON, qualification=name, valid_until_us=until_us) for name in names]
    commands += [RecordCalibration(station=code, valid_until_us=until_us) for code in plant.stations]
    epoch = random.Random(1).getrandbits(62)  # noqa: S311 repeatable, opens nothing
    for number, command in enumerate(commands, start=1):
        submission = Submission(
            source="virtual", epoch=epoch, seq=number, time_us=now_us, actor="virtual", command=command
        )
        answer = await gate.submit(submission)
        if isinstance(answer, Refusal):
            raise RefusedError("; ".join(each.text for each in answer.reasons))
