"""A stand-in for the MES that says yes to everything: to try the virtual plant alone, and to test the score.

It answers inside the servers, without a network, keeps what it is told, and sends units along the standard routes.
Unlike the product it refuses nothing and remembers nothing after the run.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec import Struct, field

from cellwright.links.contract import LinkError
from cellwright.links.opcua.contract import ANSWER_NODES, NODES, REQUEST_NODES, SEQUENCE_PATH, Kind, ValueType
from cellwright.links.opcua.jobs import READ_SPECS, JobControl, JobDoor, ReturnStatus
from cellwright.links.opcua.serverside import Listener
from cellwright.links.opcua.serverside_jobs import JobReceiver, answer_call
from cellwright.links.opcua.values import Problem, Value
from cellwright.sim.catalogue import ROUTES
from cellwright.sim.lots import LENGTH_TOLERANCE_MM
from cellwright.sim.machine import Ask, Reply, StationNodes
from cellwright.views.recorded import (
    Record,
    RecordedDisposition,
    RecordedInterval,
    RecordedMember,
    RecordedPart,
    RecordedWork,
)

_REWORK = {
    **{each: each for each in ("assembly", "filling", "formation", "busbar_bolting")},
    "bms_flash": "busbar_bolting",
}
"""Not good here -> once more there; everything else is scrap."""
_REWORK_MAX = 2
_WEBS = ("cathode", "anode", "separator_a", "separator_b", "roll")
_TOLERANCES = {"foil": 150, "electrolyte": 8100, "adhesive": 2100, "carbon": 5100, "binder": 5100, "solvent": 60_100}
_TOLERANCES |= dict.fromkeys(_WEBS, LENGTH_TOLERANCE_MM) | dict.fromkeys(
    ("active", "slurry", "slurry_next", "heel"), 40_100
)
"""How far a counter may be from the truth, by position; pieces are counted without error."""
_YES = Reply(accepted=True, codes=(), texts=(), units=(), lots=(), operation="", routing=())
_BORN_AT = {route[0]: kind for kind, route in ROUTES.items()}


Refuser = Callable[[str, Ask], Sequence[str]]
"""Returns the refusal codes for a station's request, none = yes."""


_NOTHING: dict[ValueType, Value] = {
    ValueType.BOOLEAN: False,
    ValueType.DOUBLE: 0.0,
    ValueType.STRING: "",
}


class MemoryNodes:
    """A station's nodes without a server: for a plant that nobody else looks at."""

    takes_jobs = True

    def __init__(self, code: str) -> None:
        """Begin with every node empty."""
        self.code = code
        self.job_door: JobDoor = _MemoryDoor(self)
        """The way to the station's job orders, for a `JobControl`."""
        self._receiver: JobReceiver | None = None
        self._values: dict[str, Value] = {
            spec.path: () if spec.is_array else _NOTHING.get(spec.type, 0) for spec in NODES
        }
        self._listeners: dict[str, list[Listener]] = {}

    async def write(self, values: Mapping[str, Value]) -> None:
        """Write nodes in the order given."""
        for path, value in values.items():
            self._values[path] = value
            for listener in self._listeners.get(path, ()):
                listener(path, value)

    def read(self, path: str) -> Value:
        """Return the present value of a node."""
        return self._values[path]

    def listen(self, path: str, listener: Listener) -> None:
        """Call `listener(path, value)` whenever a node is written."""
        self._listeners.setdefault(path, []).append(listener)

    def receive_jobs(self, receiver: JobReceiver | None) -> None:
        """Give calls of JobOrderControl to a receiver, None = the machine is not ready."""
        self._receiver = receiver

    async def call(self, path: str, arguments: Sequence[Value]) -> ReturnStatus:
        """Call a method of the machine. Raises LinkError while it starts anew."""
        if self._receiver is None:
            raise LinkError(f"{self.code}: {path} was refused, the machine is not ready; try again")
        return await answer_call(self._receiver, path, arguments)


class _MemoryDoor:
    """The way to a station's job orders without a server in between."""

    def __init__(self, nodes: MemoryNodes) -> None:
        self.turn = asyncio.Lock()
        self._nodes = nodes

    async def read(self) -> list[Value | Problem]:
        return [self._nodes.read(spec.path) for spec in READ_SPECS]

    async def call(self, path: str, arguments: Sequence[Value]) -> ReturnStatus:
        return await self._nodes.call(path, arguments)


class _Known(Struct):
    """What the stand-in knows of a unit."""

    kind: str
    works: list[str] = field(default_factory=list)
    disposition: str = "line"


class StandIn:
    """Answers every station of the plant; `operations` says what each station does."""

    def __init__(
        self, operations: Mapping[str, str], *, latency_s: float = 0.0, refuse: Refuser = lambda _station, _ask: ()
    ) -> None:
        """Answer after `latency_s` of host time; `refuse` gives the codes of what is to be refused."""
        self._refuse = refuse
        self.routes = dict(ROUTES)
        """Operations of each kind of unit, in order."""
        self._operations = operations
        self._latency_s = latency_s
        self._units: dict[str, _Known] = {}
        self._carriers: dict[str, dict[int, str]] = {}
        self._loaded: dict[tuple[str, str], str] = {}
        self._joining: dict[str, tuple[str, ...]] = {}
        self._intervals: list[RecordedInterval] = []
        self._parts: list[RecordedPart] = []
        self._members: list[RecordedMember] = []
        self._lot_count = 0
        self._answers: dict[tuple[str, int], Reply] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._attached: dict[str, MemoryNodes] = {}
        self.jobs = JobControl(self._job_door)
        """Gives job orders to the attached stations, as the MES would."""

    def _job_door(self, station: str) -> JobDoor:
        if station not in self._attached:
            raise LinkError(f"{station} is not attached to the stand-in; attach its nodes first")
        return self._attached[station].job_door

    def attach(self, nodes: MemoryNodes) -> None:
        """Answer the requests of one station from now on, and reach its job orders."""
        self._attached[nodes.code] = nodes

        def on_request(_path: str, value: Value) -> None:
            if isinstance(value, int) and value > 0:
                task = asyncio.get_running_loop().create_task(self._answer(nodes, value))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

        nodes.listen(SEQUENCE_PATH, on_request)

    def record(self) -> Record:
        """Return what was booked."""
        return Record(
            intervals=list(self._intervals),
            parts=list(self._parts),
            members=list(self._members),
            works=[RecordedWork(code, tuple(known.works)) for code, known in self._units.items()],
            dispositions=[RecordedDisposition(code, known.disposition) for code, known in self._units.items()],
        )

    async def _answer(self, nodes: StationNodes, sequence: int) -> None:
        await asyncio.sleep(self._latency_s)
        values = {spec.field: nodes.read(spec.path) for spec in REQUEST_NODES}
        ask = msgspec.convert(values, Ask)
        key = (nodes.code, sequence)
        if key not in self._answers:
            self._answers[key] = self._decide(nodes.code, ask)
        reply = self._answers[key]
        answer = {spec.path: getattr(reply, spec.field, sequence) for spec in ANSWER_NODES}
        await nodes.write(answer)

    def _decide(self, station: str, ask: Ask) -> Reply:
        codes = tuple(self._refuse(station, ask))
        if codes:
            named = " and ".join(f"position {name} of {at}" for at, name in self._loaded if at == station)
            texts = tuple(f"{code}: {named or station}" for code in codes)
            return msgspec.structs.replace(_YES, accepted=False, codes=codes, texts=texts)
        match ask.kind:
            case Kind.LOAD:
                self._loaded[station, ask.position] = ask.lots[0]
            case Kind.CARRIER_LOAD:
                self._carriers[ask.carrier] = dict(zip(ask.slots, ask.units, strict=True))
            case Kind.CARRIER_UNLOAD:
                slots = self._carriers[ask.carrier]
                self._carriers[ask.carrier] = {slot: code for slot, code in slots.items() if code not in ask.units}
            case Kind.CHECK_IN:
                return self._admit(self._operations[station], ask)
            case Kind.CHECK_OUT:
                return self._receipt(station, self._operations[station], ask)
            case Kind.RECEIVE | Kind.UNLOAD | Kind.SAMPLE:
                pass
        return _YES

    def _admit(self, operation: str, ask: Ask) -> Reply:
        units = ask.units
        if not units and ask.carrier:
            slots = self._carriers[ask.carrier]
            units = tuple(slots[slot] for slot in sorted(slots))
        if operation in _BORN_AT:
            born = self._bear(_BORN_AT[operation], ask.count)
            self._joining[born[0]] = units
            return msgspec.structs.replace(_YES, units=born, operation=operation)
        if not units and ask.count:
            return msgspec.structs.replace(_YES, lots=self._new_lots(operation, ask.count), operation=operation)
        return msgspec.structs.replace(_YES, units=units, operation=operation)

    def _bear(self, kind: str, count: int) -> tuple[str, ...]:
        first = sum(1 for known in self._units.values() if known.kind == kind) + 1
        letter = kind[0].upper()
        codes = tuple(f"999{letter}B010000000G32{number:07d}" for number in range(first, first + count))
        self._units.update({code: _Known(kind) for code in codes})
        return codes

    def _new_lots(self, operation: str, count: int) -> tuple[str, ...]:
        self._lot_count += count
        first = self._lot_count - count + 1
        return tuple(f"{operation.upper()}-{number:06d}" for number in range(first, first + count))

    def _receipt(self, station: str, operation: str, ask: Ask) -> Reply:
        if ask.lots:
            self._book_parts(station, ask)
            return msgspec.structs.replace(_YES, routing=("done",) * len(ask.lots))
        self._book_intervals(station, ask)
        for unit in ask.units:
            self._book_members(unit)
        verdicts = ask.verdicts or (1,) * len(ask.units)
        routing = tuple(
            self._route(code, operation, is_good=bool(verdict))
            for code, verdict in zip(ask.units, verdicts, strict=True)
        )
        return msgspec.structs.replace(_YES, routing=routing)

    def _route(self, code: str, operation: str, *, is_good: bool) -> str:
        known = self._units[code]
        known.works.append(operation)
        if not is_good:
            target = _REWORK.get(operation, "scrap")
            target = target if known.works.count(operation) <= _REWORK_MAX else "scrap"
            known.disposition = "scrap" if target == "scrap" else "line"
            return target
        route = self.routes[known.kind]
        step = route.index(operation) + 1
        if step < len(route):
            return route[step]
        known.disposition = "done"
        return {"cell": "module_assembly", "module": "pack_assembly", "pack": "done"}[known.kind]

    def _book_members(self, parent: str) -> None:
        for slot, code in enumerate(self._joining.pop(parent, ())):
            self._members.append(RecordedMember(code, parent, slot))
            self._units[code].disposition = "member"

    def _book_intervals(self, station: str, ask: Ask) -> None:
        columns = zip(ask.consumed_positions, ask.consumed_outputs, ask.consumed_starts, ask.consumed_ends, strict=True)
        for position, output, start, end in columns:
            lot = self._loaded[station, position]
            self._intervals.append(
                RecordedInterval(ask.units[output], position, lot, start, end, _TOLERANCES.get(position, 0))
            )

    def _book_parts(self, station: str, ask: Ask) -> None:
        for row, position in enumerate(ask.consumed_positions):
            self._parts.append(
                RecordedPart(
                    parent=self._loaded[station, position],
                    child=ask.lots[ask.consumed_outputs[row]],
                    parent_start=ask.consumed_starts[row],
                    parent_end=ask.consumed_ends[row],
                    child_start=ask.consumed_output_starts[row],
                    child_end=ask.consumed_output_ends[row],
                    lane=ask.consumed_lanes[row],
                    reversed=ask.consumed_reversed[row],
                    tolerance=_TOLERANCES.get(position, 0),
                )
            )
