"""A machine's side of the station contract: ask, wait for the answer, accept recipes, sometimes restart."""

import asyncio
from collections import Counter as Tally
from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol

import msgspec
from msgspec import Struct
from numpy.random import Generator

from cellwright.links.opcua.contract import (
    ANSWER_NODES,
    ANSWER_SEQUENCE_PATH,
    EPOCH_PATH,
    RECIPE_ACTIVE_NODES,
    RECIPE_SET_NODES,
    REQUEST_NODES,
    SEQUENCE_PATH,
    STATE_PATH,
    Kind,
    State,
)
from cellwright.links.opcua.jobs import StationJob
from cellwright.links.opcua.serverside import Listener
from cellwright.links.opcua.values import Value
from cellwright.sim.clock import Clock, Lock, Pending
from cellwright.sim.machine_jobs import MachineJobs, StationJobNodes

_RECIPE_DELAY_S = 0.002
_RESTART_S = 0.05
_RECIPE_REVISION = "Recipe/Set/Revision"


class Ask(Struct, frozen=True, kw_only=True):
    """A request; fields are the nodes below `Request`, empty = not used by this kind."""

    kind: Kind
    units: tuple[str, ...] = ()
    lots: tuple[str, ...] = ()
    carrier: str = ""
    slots: tuple[int, ...] = ()
    count: int = 0
    operation: str = ""
    position: str = ""
    material: str = ""
    quantity: tuple[int, ...] = ()
    expires_us: int = 0
    certificate: str = ""
    supplier: str = ""
    verdicts: tuple[int, ...] = ()
    defects: tuple[str, ...] = ()
    result_names: tuple[str, ...] = ()
    result_values: tuple[float, ...] = ()
    consumed_positions: tuple[str, ...] = ()
    consumed_outputs: tuple[int, ...] = ()
    consumed_starts: tuple[int, ...] = ()
    consumed_ends: tuple[int, ...] = ()
    consumed_output_starts: tuple[int, ...] = ()
    consumed_output_ends: tuple[int, ...] = ()
    consumed_lanes: tuple[int, ...] = ()
    consumed_reversed: tuple[bool, ...] = ()
    profiles_characteristics: tuple[str, ...] = ()
    profiles_outputs: tuple[int, ...] = ()
    profiles_lanes: tuple[int, ...] = ()
    profiles_starts: tuple[int, ...] = ()
    profiles_steps: tuple[int, ...] = ()
    profiles_counts: tuple[int, ...] = ()
    profiles_values: tuple[float, ...] = ()
    marks_defects: tuple[str, ...] = ()
    marks_outputs: tuple[int, ...] = ()
    marks_starts: tuple[int, ...] = ()
    marks_ends: tuple[int, ...] = ()
    marks_lanes: tuple[int, ...] = ()


class Reply(Struct, frozen=True, kw_only=True):
    """An answer; fields are the nodes below `Answer`."""

    accepted: bool
    codes: tuple[str, ...]
    texts: tuple[str, ...]
    units: tuple[str, ...]
    lots: tuple[str, ...]
    operation: str
    routing: tuple[str, ...]
    samples_due: tuple[str, ...] = ()


class StationNodes(StationJobNodes, Protocol):
    """The nodes of a station as its own machine sees them; `StationServer` is one."""

    def read(self, path: str) -> Value:
        """Return the present value of a node."""

    def listen(self, path: str, listener: Listener) -> None:
        """Call `listener(path, value)` whenever a node is written."""


class Machine:
    """One station's controller: sequence, epoch, request and answer nodes, recipe, state."""

    def __init__(
        self, nodes: StationNodes, clock: Clock, random: Generator, *, restart_ratio: float = 0.0, person: str = ""
    ) -> None:
        """Control the station behind `nodes`; `restart_ratio` of the requests meet a restart of the machine."""
        self.code = nodes.code
        self.refusals: Tally[str] = Tally()
        self.asked_count = 0
        self.repeated_count = 0
        self.state = State.NOT_EXECUTING
        self._nodes = nodes
        self._clock = clock
        self._random = random
        self._restart_ratio = restart_ratio
        self._person = person
        self._sequence = 0
        self._pending: Pending | None = None
        self._turn = Lock(clock, self.code)
        self._written: dict[str, Value] = {}
        self._copying: asyncio.Task[None] | None = None
        self.jobs = MachineJobs(nodes, clock)

    async def start(self) -> None:
        """Write the epoch and listen for answers and recipes."""
        epoch = int(self._random.integers(1, 2**62))
        await self._nodes.write({EPOCH_PATH: epoch, STATE_PATH: State.NOT_EXECUTING.value})
        self._nodes.listen(ANSWER_SEQUENCE_PATH, self._on_answer)
        self._nodes.listen(_RECIPE_REVISION, self._on_recipe)
        await self.jobs.open()

    async def stop(self) -> None:
        """End what the machine still does by itself."""
        if self._copying is not None:
            self._copying.cancel()
            with suppress(asyncio.CancelledError):
                await self._copying

    async def show(self, state: State) -> None:
        """Publish the machine state, if it changed."""
        if state is not self.state:
            self.state = state
            await self._nodes.write({STATE_PATH: state.value})

    async def ask(self, ask: Ask) -> Reply:
        """Make a new request and return its answer; requests of one machine take turns."""
        async with self._turn:
            await self._clock.permit()
            self._sequence += 1
            self.asked_count += 1
            values = self._request_values(ask)
            self._pending = self._clock.expect(self.code)
            await self._write_request(values)
            if self._random.random() < self._restart_ratio:
                await self._restart(values)
            await self._pending.wait()
            self._pending = None
            reply = self._read_reply()
            if ask.kind is Kind.CHECK_IN and reply.accepted:
                await self.jobs.admitted(ask.units or reply.units)
        self.refusals.update(reply.codes)
        return reply

    async def next_job(self, *, hold_s: float = 0.0) -> StationJob:
        """Return the next job order of the MES, Running once it is checked in; see `MachineJobs.next_job`."""
        return await self.jobs.next_job(hold_s=hold_s)

    async def job_ended(self, job_id: str, *, is_aborted: bool = False) -> None:
        """Show that a job order is over."""
        await self.jobs.job_ended(job_id, is_aborted=is_aborted)

    def _request_values(self, ask: Ask) -> dict[str, Value]:
        own: dict[str, Value] = {
            "time_us": self._clock.now_us,
            "person": self._person,
            "sequence": self._sequence,
            "kind": ask.kind.value,
        }
        return {spec.path: own[spec.field] if spec.field in own else getattr(ask, spec.field) for spec in REQUEST_NODES}

    async def _write_request(self, values: Mapping[str, Value]) -> None:
        changed = {
            path: value for path, value in values.items() if path == SEQUENCE_PATH or self._written.get(path) != value
        }
        self._written.update(changed)
        await self._nodes.write(changed)

    async def _restart(self, values: Mapping[str, Value]) -> None:
        """Go down and come back with the same request: the nodes are empty for a while, epoch and counter survive."""
        assert self._pending is not None  # noqa: S101 - a restart happens within a request
        pending, self._pending = self._pending, None
        self.repeated_count += 1
        await asyncio.sleep(self._random.uniform(0.0, _RESTART_S))
        await self._nodes.write({STATE_PATH: State.NOT_AVAILABLE.value, SEQUENCE_PATH: 0, ANSWER_SEQUENCE_PATH: 0})
        await self.jobs.close()
        await asyncio.sleep(_RESTART_S)
        await self.jobs.open()
        pending.resolved.clear()
        self._pending = pending
        await self._nodes.write({STATE_PATH: self.state.value, **values})
        self._on_answer(ANSWER_SEQUENCE_PATH, self._nodes.read(ANSWER_SEQUENCE_PATH))

    def _read_reply(self) -> Reply:
        fields = {spec.field: self._nodes.read(spec.path) for spec in ANSWER_NODES if spec.field != "sequence"}
        return msgspec.convert(fields, Reply)

    def _on_answer(self, _path: str, value: Value) -> None:
        if self._pending is not None and value == self._sequence:
            self._pending.resolve()

    def _on_recipe(self, _path: str, _value: Value) -> None:
        if self._copying is None or self._copying.done():
            self._copying = asyncio.get_running_loop().create_task(self._accept_recipe())

    async def _accept_recipe(self) -> None:
        await asyncio.sleep(_RECIPE_DELAY_S)
        pairs = zip(RECIPE_SET_NODES, RECIPE_ACTIVE_NODES, strict=True)
        await self._nodes.write({active.path: self._nodes.read(wish.path) for wish, active in pairs})
