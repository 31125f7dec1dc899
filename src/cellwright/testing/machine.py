"""A machine for tests: a hardened server with stations of the contract, driven step by step by the test."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import msgspec

from cellwright.links.opcua.contract import (
    ANSWER_NODES,
    ANSWER_SEQUENCE_PATH,
    EPOCH_PATH,
    RECIPE_SET_NODES,
    REQUEST_NODES,
    SEQUENCE_PATH,
    Kind,
)
from cellwright.links.opcua.jobs import ReturnStatus, StationJob
from cellwright.links.opcua.security import (
    Credentials,
    Identity,
    LinkSecurity,
    TrustList,
    WallClock,
    make_identity,
)
from cellwright.links.opcua.server import HardenedServer, hardened_server
from cellwright.links.opcua.serverside import StationServer, build_station
from cellwright.links.opcua.serverside_jobs import JobBoard, JobMemory
from cellwright.links.opcua.session import Endpoint
from cellwright.links.opcua.station import AnswerOut
from cellwright.links.opcua.values import Value

MACHINE_URI = "urn:cellwright:test:machine"
MES_URI = "urn:cellwright:test:mes"
USER = "mes"
PASSWORD = "only for tests"  # noqa: S105

_NOT_RUNNING = "the server is not running; start it first"
_PATHS = {spec.field: spec.path for spec in REQUEST_NODES if spec.path != SEQUENCE_PATH}
_EMPTY: dict[str, Value] = {spec.path: () for spec in REQUEST_NODES if spec.is_array}


class Keys(msgspec.Struct, frozen=True):
    """Certificates of a machine and of the MES that trust each other, and the endpoint's secrets."""

    machine: Identity
    machine_trust: TrustList
    mes: LinkSecurity


def make_keys(folder: Path, wall_us: WallClock) -> Keys:
    """Make both identities and let each trust the other."""
    hosts = ("localhost", "127.0.0.1")
    machine = make_identity(MACHINE_URI, hosts=hosts, now_us=wall_us())
    mes = make_identity(MES_URI, hosts=hosts, now_us=wall_us())
    machine_trust, mes_trust = TrustList(folder / "machine", wall_us), TrustList(folder / "mes", wall_us)
    machine_trust.add(mes.certificate)
    mes_trust.add(machine.certificate)
    return Keys(machine, machine_trust, LinkSecurity(mes, Credentials(USER, PASSWORD), mes_trust))


class CountingMemory(JobMemory):
    """A short list of job orders that counts what reaches the machine, whatever it answers."""

    def __init__(self, capacity_count: int = 3) -> None:
        """Begin empty, with nothing counted."""
        super().__init__(capacity_count)
        self.stored: list[str] = []
        """Ids of the job orders that were sent, in order, repeats too."""

    def store_and_start(self, job: StationJob) -> ReturnStatus:
        """Count, then do as any machine."""
        self.stored.append(job.job)
        return super().store_and_start(job)


class Machine:
    """One station's controller: keeps its epoch and sequence, writes requests, waits for answers."""

    def __init__(self, code: str, epoch: int = 1) -> None:
        """Begin an epoch with no request yet."""
        self.code = code
        self.epoch = epoch
        self.sequence = 0
        self.takes_recipes = True
        self._fields: dict[str, Value] = {}
        self._station: StationServer | None = None
        self._answered = asyncio.Event()
        self._copying: asyncio.Task[None] | None = None
        self.memory = JobMemory()
        """Job orders that the controller remembers, whatever becomes of the server."""

    @property
    def station(self) -> StationServer:
        """The nodes of the running server."""
        if self._station is None:
            raise RuntimeError(_NOT_RUNNING)
        return self._station

    async def attach(self, station: StationServer) -> None:
        """Appear on a fresh server as the controller remembers itself: epoch and open request."""
        self._station = station
        for spec in RECIPE_SET_NODES:
            station.listen(spec.path, self._on_recipe)
        station.listen(ANSWER_SEQUENCE_PATH, self._on_answer)
        await station.write({EPOCH_PATH: self.epoch, **self._fields, SEQUENCE_PATH: self.sequence})
        if station.takes_jobs:
            await JobBoard(station, self.memory).open()

    def _on_recipe(self, path: str, value: Value) -> None:
        if self.takes_recipes and path.endswith("Revision"):
            self._copying = asyncio.create_task(self.take_recipe())
        del value

    def _on_answer(self, path: str, value: Value) -> None:
        del path, value
        self._answered.set()

    async def take_recipe(self) -> None:
        """Copy Recipe/Set to Recipe/Active, as a controller does that accepts it."""
        values = self.station.read_many([spec.path for spec in RECIPE_SET_NODES])
        await self.station.write({path.replace("/Set/", "/Active/"): value for path, value in values.items()})

    async def begin(self, kind: Kind, **fields: Value) -> int:
        """Write a new request, its sequence last; return the sequence."""
        self._fields = {**_EMPTY, "Request/Kind": kind.value, **{_PATHS[name]: each for name, each in fields.items()}}
        self.sequence += 1
        await self.station.write({**self._fields, SEQUENCE_PATH: self.sequence})
        return self.sequence

    async def request(self, kind: Kind, *, timeout_s: float = 5.0, **fields: Value) -> AnswerOut:
        """Write a new request and return its answer. Raises TimeoutError."""
        await self.begin(kind, **fields)
        return await self.answer(timeout_s=timeout_s)

    async def answer(self, *, timeout_s: float = 5.0) -> AnswerOut:
        """Wait until the present request is answered and return the answer. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while self.station.read(ANSWER_SEQUENCE_PATH) != self.sequence:
                self._answered.clear()
                await self._answered.wait()
        values = {spec.field: self.station.read(spec.path) for spec in ANSWER_NODES}
        del values["sequence"]
        return msgspec.convert({name: value for name, value in values.items() if value is not None}, AnswerOut)

    async def ask_again(self) -> None:
        """Have the present request answered again: forget the answer that is there."""
        await self.station.write({ANSWER_SEQUENCE_PATH: 0})

    async def lose_memory(self, epoch: int) -> None:
        """Restart with a new epoch, in the order the contract demands."""
        self.epoch, self.sequence, self._fields = epoch, 0, {}
        await self.station.write({SEQUENCE_PATH: 0, ANSWER_SEQUENCE_PATH: 0, EPOCH_PATH: epoch})


class MachineServer:
    """A server with machines that can be stopped, killed and started again on the same port."""

    def __init__(self, keys: Keys, codes: Sequence[str], *, takes_jobs: bool = False) -> None:
        """Prepare machines by station code; with `takes_jobs` they work on job orders."""
        self._takes_jobs = takes_jobs
        self.machines: Mapping[str, Machine] = {code: Machine(code) for code in codes}
        self._keys = keys
        self._server: HardenedServer | None = None
        self._port = 0

    @property
    def server(self) -> HardenedServer:
        """The running server."""
        if self._server is None:
            raise RuntimeError(_NOT_RUNNING)
        return self._server

    @property
    def endpoint(self) -> Endpoint:
        """Where clients find the server; stays the same over restarts."""
        return Endpoint(f"opc.tcp://127.0.0.1:{self._port}", MACHINE_URI)

    async def start(self) -> None:
        """Listen; machines come back with what they remember, answers are gone."""
        server = await hardened_server(
            f"opc.tcp://127.0.0.1:{self._port}",
            identity=self._keys.machine,
            trust=self._keys.machine_trust,
            passwords={USER: PASSWORD},
        )
        for machine in self.machines.values():
            await machine.attach(await build_station(server, machine.code, takes_jobs=self._takes_jobs))
        await server.start()
        self._server, self._port = server, server.port

    async def kill(self) -> None:
        """Vanish without a word: connections are reset."""
        for transport in list(self.server.iserver.asyncio_transports):
            transport.abort()
        await self.stop()

    async def stop(self) -> None:
        """Stop listening and close connections."""
        server, self._server = self._server, None
        if server is not None:
            await server.stop()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Stop."""
        await self.stop()
