"""A running plant in one process: the gate, a link for each work centre's machines, the supervisor of its line."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from random import Random
from typing import Self

from msgspec import Struct

from cellwright.database.pool import Connection, connect
from cellwright.errors import ConfigurationError, DatabaseUnavailableError
from cellwright.links.contract import LinkError
from cellwright.links.opcua.jobs import JobControl, JobDoor
from cellwright.links.opcua.link import LinkSettings, LinkStatus, OpcUaLink
from cellwright.links.opcua.security import LinkSecurity
from cellwright.links.opcua.session import Endpoint
from cellwright.links.opcua.worker import Surroundings
from cellwright.model.answers import Refusal
from cellwright.model.commands import ReleasePlant, Submission
from cellwright.model.plant import Plant
from cellwright.plant.clock import Clock
from cellwright.plant.config import route_bodies
from cellwright.plant.gate import Gate
from cellwright.plant.line.supervisor import Around, Line
from cellwright.plant.stations import MachineSign, StationDesk

_PATIENCE_S = 10.0
_LOOK_AGAIN_S = 0.2
_STAND_BY_S = 0.5
_LOCK_KEY = 0x6C696E65
"""Held by the connection of whoever supervises the line."""
_LOG = logging.getLogger(__name__)


class Outside(Struct, frozen=True):
    """The machines' servers by work centre, what is shown to them, and what of the plant this process does."""

    endpoints: Mapping[str, Endpoint]
    security: LinkSecurity
    answers: bool = True
    """Whether machines are answered here; False = another process does."""
    supervises: bool = True
    """Whether the line is supervised here, if there is one."""


def open_gate(url: str, plant: Plant, clock: Clock) -> Gate:
    """Return a gate on a database; it opens nothing before it is started."""
    return Gate(lambda: _connect_patiently(url, "gate"), plant, clock, monotonic_s=time.monotonic)


async def _connect_patiently(url: str, name: str) -> Connection:
    """Connect; a server that is just being started again is waited for, for a while."""
    deadline_s = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return await connect(url, name=name)
        except DatabaseUnavailableError:
            if time.monotonic() > deadline_s:
                raise
        await asyncio.sleep(_LOOK_AGAIN_S)


async def connect_alone(url: str) -> Connection:
    """Connect as the one supervisor of a database; who comes second stands by until the first one's connection ends."""
    connection = await _connect_patiently(url, "line")
    try:
        is_told = False
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK_KEY):
            if not is_told:
                _LOG.warning("the line: another process supervises it; standing by")
            is_told = True
            await asyncio.sleep(_STAND_BY_S)
    except BaseException:
        connection.terminate()
        raise
    return connection


async def release_plant(gate: Gate, plant: Plant, now_us: int, epoch: int) -> None:
    """Tell the gate the plant's files; routes that changed become new revisions."""
    command = ReleasePlant(plant=plant.code, routes=route_bodies(plant))
    submission = Submission(
        source="plant-files", epoch=epoch, seq=1, time_us=now_us, actor="plant-files", command=command
    )
    answer = await gate.submit(submission)
    if isinstance(answer, Refusal):
        raise ConfigurationError([each.text for each in answer.reasons])


class Runtime:
    """Runs the gate and the links until stopped."""

    def __init__(self, url: str, plant: Plant, clock: Clock, *, outside: Outside | None, random: Random) -> None:
        """Prepare; `outside` None means no machines are connected."""
        self._url = url
        self._plant = plant
        self._clock = clock
        self._outside = outside
        self._random = random
        self._tasks: list[asyncio.Task[None]] = []
        self.gate = open_gate(url, plant, clock)
        self.links: list[OpcUaLink] = []
        self.jobs = JobControl(self._job_door)
        """Job orders of every connected station."""
        self.line: Line | None = None
        """The supervisor of the stations that work on job orders; None = there are none, or no machines."""

    async def __aenter__(self) -> Self:
        """Start the gate, release the plant's files unless another process answers, then let the machines ask."""
        await self.gate.start()
        if self._outside is None or self._outside.answers:
            await release_plant(self.gate, self._plant, self._clock(), self._random.getrandbits(62))
        if self._outside is not None:
            if self._outside.supervises and any(station.dispatched for station in self._plant.stations.values()):
                self.line = self._make_line()
            answered = self.line.nudge if self.line is not None else (lambda _: None)
            self.links = self._make_links(StationDesk(self.gate, self._plant, answered), self._outside)
            self._tasks = [asyncio.create_task(link.run(), name=link.name) for link in self.links]
            if self.line is not None:
                self._tasks.append(asyncio.create_task(self.line.run(), name="line"))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let go of the machines, answer what waits, close."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.gate.stop()

    def _make_links(self, desk: StationDesk, outside: Outside) -> list[OpcUaLink]:
        surroundings = Surroundings(
            handler=desk.handle,
            released=desk.released,
            clock_s=time.monotonic,
            jitter_ratio=self._random.random,
        )
        stations: dict[str, list[str]] = {}
        for station in self._plant.stations.values():
            stations.setdefault(station.work_center, []).append(station.code)
        return [
            OpcUaLink(
                endpoint,
                stations.get(code, []),
                security=outside.security,
                surroundings=surroundings,
                settings=LinkSettings(answers=outside.answers),
            )
            for code, endpoint in outside.endpoints.items()
        ]

    def _make_line(self) -> Line:
        around = Around(
            connect=lambda: connect_alone(self._url),
            gate=self.gate,
            plant=self._plant,
            clock=self._clock,
            stations=self.jobs,
            epoch=self._random.getrandbits(62),
        )
        return Line(around)

    def _job_door(self, station: str) -> JobDoor:
        for link in self.links:
            if link.serves(station):
                return link.job_door(station)
        raise LinkError(f"{station} is not reachable: no machine is named for its work centre; name it with --machines")

    def machine_signs(self) -> dict[str, MachineSign]:
        """Return what each connected station's machine says of itself, by station; no entry = no machine is named."""
        stations = [station for link in self.links for station in link.status().stations]
        return {each.station: MachineSign(each.is_fresh, each.state, each.fault) for each in stations}

    def link_status(self) -> list[LinkStatus]:
        """Return the health of every link."""
        return [link.status() for link in self.links]
