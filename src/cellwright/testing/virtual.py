"""The virtual plant before a real gate on a real database, in one process, without or with sockets between them."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from cellwright.cli.common import wall_us
from cellwright.database.pool import connect
from cellwright.links.opcua.contract import ANSWER_NODES, EPOCH_PATH, REQUEST_NODES, SEQUENCE_PATH
from cellwright.links.opcua.jobs import JobControl
from cellwright.links.opcua.security import LinkSecurity, TrustList, load_identity
from cellwright.links.opcua.session import Endpoint
from cellwright.links.opcua.station import Request
from cellwright.links.opcua.values import Value
from cellwright.model.answers import Refusal
from cellwright.model.commands import (
    AddPerson,
    Command,
    Disposition,
    DispositionAction,
    QualifyPerson,
    RecordCalibration,
    ReleaseHold,
    ReleaseOrder,
    ReplaceMember,
    Submission,
)
from cellwright.model.plant import Plant
from cellwright.plant.clock import Clock
from cellwright.plant.gate import Gate
from cellwright.plant.line.supervisor import Around, Line
from cellwright.plant.machines import make_link_identity
from cellwright.plant.runtime import Outside, Runtime, open_gate, release_plant
from cellwright.plant.stations import StationDesk
from cellwright.sim.catalogue import MODULES_PER_PACK, Settings
from cellwright.sim.line import VirtualPlant, work_centers
from cellwright.sim.repairs import Replacement
from cellwright.sim.servers import APPLICATION_URI, Servers, open_keys
from cellwright.sim.standin import MemoryNodes
from cellwright.sim.world import World
from cellwright.testing.flow import RefusedError
from cellwright.testing.plants import by_hand
from cellwright.views.holds import read_holds

_PERSON = "VIRTUAL-0001"
_MENDER = "VIRTUAL-MENDER"
RELEASERS = ("VIRTUAL-QA1", "VIRTUAL-QA2")
"""Who lifts holds together."""
_YEAR_US = 365 * 86_400 * 1_000_000


Before = Callable[[Request], Awaitable[None]]
"""Called with each request before it is answered."""


class Answerer:
    """Puts what stands in the nodes of every station before a gate, and writes its answers back."""

    def __init__(self, desk: StationDesk, nodes: Iterable[MemoryNodes], before: Before | None = None) -> None:
        """Listen to every station from now on; plant time stands still while `before` does something first."""
        self._desk = desk
        self._before = before
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
        if self._before is not None:
            await self._before(request)
        # Like a machine that took over what was set: it runs the released recipe.
        recipe = self._desk.released(nodes.code, request.operation)
        answer = await self._desk.handle(nodes.code, request, "" if recipe is None else recipe.digest)
        await nodes.write({spec.path: getattr(answer, spec.field, sequence) for spec in ANSWER_NODES})


class RepairDesk:
    """Books repairs of packs before a gate, as the people would: replaces, lifts the hold by two, scraps what left."""

    def __init__(self, gate: Gate, url: str, clock: Clock) -> None:
        """Sit at a gate."""
        self._gate = gate
        self._url = url
        self._clock = clock
        self._count = 0

    async def book(self, done: Replacement) -> None:
        """Book a replacement. Raises RefusedError."""
        replace = ReplaceMember(
            parent=done.pack,
            members=(done.module,),
            replacements=(done.spare,),
            operation=done.operation,
            reason="insulation of the module is low",
        )
        await self._must(replace, _MENDER)
        for hold in await self._holds(done.pack):
            release = ReleaseHold(hold=hold, reason="module replaced", second_person=RELEASERS[1])
            await self._must(release, RELEASERS[0])
        scrap = Disposition(units=(done.module,), action=DispositionAction.SCRAP, reason="pinched wire")
        await self._must(scrap, RELEASERS[0])

    async def _holds(self, pack: str) -> list[int]:
        connection = await connect(self._url)
        try:
            return [each.id for each in (await read_holds(connection)).holds if pack in each.codes]
        finally:
            await connection.close()

    async def _must(self, command: Command, actor: str) -> None:
        self._count += 1
        await _submit(
            self._gate,
            Submission(
                source="repair-desk", epoch=1, seq=self._count, time_us=self._clock(), actor=actor, command=command
            ),
        )


async def _submit(gate: Gate, submission: Submission) -> None:
    answer = await gate.submit(submission)
    if isinstance(answer, Refusal):
        raise RefusedError("; ".join(each.text for each in answer.reasons))


class VirtualRun(Struct, frozen=True):
    """A plant that has shipped its packs: what truly happened, the database with what was recorded, and its gate."""

    world: World
    url: str
    gate: Gate


@contextlib.asynccontextmanager
async def answered_by_gate(
    url: str, plant: Plant, settings: Settings, *, before: Callable[[Gate], Before] | None = None
) -> AsyncIterator[VirtualRun]:
    """Run the virtual plant to its end before a gate on a fresh database, then lend what came of it.

    Nobody orders jobs: the stations take what waits.
    """
    plant = by_hand(plant)
    stations = {code: MemoryNodes(code) for codes in work_centers(()).values() for code in codes}
    now = [settings.start_us]
    virtual = VirtualPlant(stations, _staffed(plant, settings), lambda time_us: now.__setitem__(0, time_us))
    async with open_gate(url, plant, lambda: now[0]) as gate:
        await release_plant(gate, plant, now[0], epoch=1)
        await _furnish(gate, plant, now[0])
        Answerer(StationDesk(gate, plant), stations.values(), None if before is None else before(gate))
        await virtual.run(book=RepairDesk(gate, url, lambda: now[0]).book)
        yield VirtualRun(virtual.world, url, gate)


@contextlib.asynccontextmanager
async def supervised(url: str, plant: Plant, settings: Settings, *, late_s: float = 0.0) -> AsyncIterator[VirtualRun]:
    """Do the same with the plant's line supervised: its stations work on job orders, for orders of what is to ship.

    With `late_s` (host time) the supervisor begins when the plant has been at work for a while.
    """
    stations = {code: MemoryNodes(code) for codes in work_centers(()).values() for code in codes}
    dispatched = frozenset(code for code, each in plant.stations.items() if each.dispatched)
    settings, now = msgspec.structs.replace(settings, dispatched=dispatched), [settings.start_us]
    virtual = VirtualPlant(stations, _staffed(plant, settings), lambda time_us: now.__setitem__(0, time_us))
    async with open_gate(url, plant, lambda: now[0]) as gate:
        await release_plant(gate, plant, now[0], epoch=1)
        await _furnish(gate, plant, now[0])
        await _order(gate, now[0], settings)
        around = Around(
            connect=lambda: connect(url),
            gate=gate,
            plant=plant,
            clock=lambda: now[0],
            stations=JobControl(lambda code: stations[code].job_door),
            epoch=1,
        )
        line = Line(around)
        Answerer(StationDesk(gate, plant, line.nudge), stations.values())
        making = asyncio.create_task(virtual.run(book=RepairDesk(gate, url, lambda: now[0]).book))
        await asyncio.sleep(late_s)
        async with line:
            await making
            yield VirtualRun(virtual.world, url, gate)


async def _order(gate: Gate, now_us: int, settings: Settings) -> None:
    """Order the packs, and as many modules as they hold and are spare."""
    modules = settings.packs * MODULES_PER_PACK + settings.spare_modules
    for number, (product, count) in enumerate((("module_4s20p", modules), ("pack_16s20p", settings.packs)), start=1):
        order = ReleaseOrder(order=f"WO-{number}", product=product, quantity=count)
        said = Submission(source="planner", epoch=1, seq=number, time_us=now_us, actor="planner", command=order)
        await _submit(gate, said)


@contextlib.asynccontextmanager
async def answered_over_sockets(url: str, plant: Plant, settings: Settings, folder: Path) -> AsyncIterator[VirtualRun]:
    """Do the same with OPC UA between machines and gate; keys are kept in an empty folder."""
    plant = by_hand(plant)
    keys, now = open_keys(folder / "machines", wall_us), [settings.start_us]
    make_link_identity(folder / "pki", wall_us)
    identity = load_identity(folder / "pki" / "mes")
    keys.trust.add(identity.certificate)
    trust = TrustList(folder / "pki", wall_us)
    trust.add(keys.identity.certificate)
    async with Servers(keys) as servers:
        endpoints = {code: Endpoint(url, APPLICATION_URI) for code, url in servers.urls.items()}
        outside = Outside(endpoints, LinkSecurity(identity, keys.credentials, trust))
        virtual = VirtualPlant(servers.stations, _staffed(plant, settings), lambda time_us: now.__setitem__(0, time_us))
        async with Runtime(url, plant, lambda: now[0], outside=outside, random=random.Random(1)) as runtime:  # noqa: S311
            await _furnish(runtime.gate, plant, now[0])
            await virtual.run(book=RepairDesk(runtime.gate, url, lambda: now[0]).book)
            yield VirtualRun(virtual.world, url, runtime.gate)


def _staffed(plant: Plant, settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, persons=dict.fromkeys(_attended(plant), _PERSON))


def _attended(plant: Plant) -> list[str]:
    """Return the stations whose work needs somebody qualified."""
    wanted = {each.code for route in plant.routes.values() for each in route.operations if each.qualification}
    return [station.code for station in plant.stations.values() if wanted.intersection(station.operations)]


async def _furnish(gate: Gate, plant: Plant, now_us: int) -> None:
    """Make people known, one of them with all qualifications, and every calibration valid."""
    operations = [each for route in plant.routes.values() for each in route.operations]
    names = sorted({each.qualification for each in operations if each.qualification})
    until_us = now_us + _YEAR_US
    commands: list[Command] = [
        AddPerson(person=_PERSON, roles=("operator",)),
        AddPerson(person=_MENDER, roles=("maintenance",)),
        *(AddPerson(person=each, roles=("quality",)) for each in RELEASERS),
    ]
    commands += [QualifyPerson(person=_PERSON, qualification=name, valid_until_us=until_us) for name in names]
    commands += [RecordCalibration(station=code, valid_until_us=until_us) for code in plant.stations]
    epoch = random.Random(1).getrandbits(62)  # noqa: S311 repeatable, opens nothing
    for number, command in enumerate(commands, start=1):
        submission = Submission(
            source="virtual", epoch=epoch, seq=number, time_us=now_us, actor="virtual", command=command
        )
        await _submit(gate, submission)
