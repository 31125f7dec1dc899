"""The machine's side of job orders: its memory, its columns, and its methods (for simulators and test doubles)."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Protocol

from asyncua import ua
from asyncua.common.node import Node
from asyncua.ua.status_codes import StatusCodes
from msgspec import structs

from cellwright.links.opcua.contract import (
    CANCEL_PATH,
    CLEAR_PATH,
    JOB_CODE_COUNT_MAX,
    JOB_CODE_LENGTH_MAX,
    JOB_CONTROL_PATH,
    JOB_COUNT_MAX,
    JOB_REVISION_PATH,
    METHODS,
    RETURN_STATUS,
    ArgumentSpec,
    MethodSpec,
    ValueType,
    node_key,
)
from cellwright.links.opcua.jobs import HeldJob, HeldState, ReturnStatus, StationJob, columns_of, is_code
from cellwright.links.opcua.values import Value, dimension_count, node_id

_LIST_BYTES_MAX = 512 * 1024
_DATA_TYPES = {ValueType.STRING: ua.ObjectIds.String, ValueType.UINT64: ua.ObjectIds.UInt64}
_MAY_MISS = frozenset({"Operation", "Serves"})
_BEFORE_START = (HeldState.NOT_ALLOWED_TO_START, HeldState.ALLOWED_TO_START)
_OVER = (HeldState.ENDED, HeldState.ABORTED)


class JobReceiver(Protocol):
    """What a machine does with calls of its methods."""

    async def store_and_start(self, job: StationJob) -> ReturnStatus:
        """Put a job order on the list."""
        ...

    async def cancel(self, job_id: str) -> ReturnStatus:
        """Take a job order that has not begun off the list."""
        ...

    async def clear(self, job_id: str) -> ReturnStatus:
        """Take a job order that is over off the list."""
        ...


class JobNodes(Protocol):
    """The nodes of a station with job orders, as its own machine sees them."""

    async def write(self, values: Mapping[str, Value]) -> None:
        """Write nodes in the order given."""
        ...

    def receive_jobs(self, receiver: JobReceiver | None) -> None:
        """Give calls of the methods to a receiver, None = the machine is not ready."""
        ...


class JobMemory:
    """A machine's own list of job orders and the rules of its methods; it outlives what the network shows of it."""

    def __init__(self, capacity_count: int = JOB_COUNT_MAX) -> None:
        """Begin empty; `capacity_count` job orders are held at most."""
        self._held: dict[str, HeldJob] = {}
        self._capacity_count = capacity_count

    def held(self) -> tuple[HeldJob, ...]:
        """Return the list in the order of arrival."""
        return tuple(self._held.values())

    def store_and_start(self, job: StationJob) -> ReturnStatus:
        """Put a job order on the list; the same again changes nothing."""
        known = self._held.get(job.job)
        if known is not None:
            is_same = known.job == job
            return ReturnStatus.NO_ERROR if is_same else ReturnStatus.UNABLE_TO_ACCEPT | ReturnStatus.OTHER_CONTENT
        if bool(job.units) == bool(job.members):
            return ReturnStatus.INVALID_REQUEST
        total_bytes = sum(_size_bytes(each.job) for each in self._held.values()) + _size_bytes(job)
        if len(self._held) >= self._capacity_count or total_bytes > _LIST_BYTES_MAX:
            return ReturnStatus.UNABLE_TO_ACCEPT | ReturnStatus.LIST_FULL
        self._held[job.job] = HeldJob(job, HeldState.ALLOWED_TO_START)
        return ReturnStatus.NO_ERROR

    def cancel(self, job_id: str) -> ReturnStatus:
        """Take a job order that has not begun off the list."""
        return self._remove(job_id, _BEFORE_START)

    def clear(self, job_id: str) -> ReturnStatus:
        """Take a job order that is over off the list."""
        return self._remove(job_id, _OVER)

    def _remove(self, job_id: str, states: Sequence[HeldState]) -> ReturnStatus:
        known = self._held.get(job_id)
        if known is None:
            return ReturnStatus.UNKNOWN_JOB_ORDER_ID
        if known.state not in states:
            return ReturnStatus.INVALID_JOB_ORDER_STATUS
        del self._held[job_id]
        return ReturnStatus.NO_ERROR

    def next_job(self, taken: Collection[str] = ()) -> StationJob | None:
        """Return the first job order that may begin and is not among those taken up already."""
        allowed = (each.job for each in self._held.values() if each.state is HeldState.ALLOWED_TO_START)
        return next((job for job in allowed if job.job not in taken), None)

    def move(self, job_id: str, state: HeldState) -> None:
        """Put a job order into a state. Raises KeyError for an unknown one."""
        self._held[job_id] = structs.replace(self._held[job_id], state=state)


def _size_bytes(job: StationJob) -> int:
    """Bytes of a job order on the wire: each string has four more."""
    strings = (job.job, job.operation, job.serves, *job.units, *job.members)
    return sum(len(each.encode()) + 4 for each in strings)


class JobBoard:
    """Shows a machine's memory in its nodes and answers its methods from it; `on_change` hears of every change."""

    def __init__(self, nodes: JobNodes, memory: JobMemory, on_change: Callable[[], None] = lambda: None) -> None:
        """Bind memory and nodes; nothing is shown before `open`."""
        self.memory = memory
        self._nodes = nodes
        self._on_change = on_change
        self._revision = 0
        self._turn = asyncio.Lock()

    async def open(self) -> None:
        """Show what the memory holds, then take calls."""
        await self.publish()
        self._nodes.receive_jobs(self)

    async def close(self) -> None:
        """Take no calls and show nothing, as while a controller starts anew; the memory stays."""
        self._nodes.receive_jobs(None)
        async with self._turn:
            await self._nodes.write({JOB_REVISION_PATH: 0, **columns_of(())})

    async def publish(self) -> None:
        """Write the columns, with the revision at 0 meanwhile and 1 more afterwards."""
        async with self._turn:
            self._revision += 1
            columns = columns_of(self.memory.held())
            await self._nodes.write({JOB_REVISION_PATH: 0, **columns})
            await self._nodes.write({JOB_REVISION_PATH: self._revision})

    async def store_and_start(self, job: StationJob) -> ReturnStatus:
        """Put a job order on the list; it is shown before this returns."""
        return await self._shown(self.memory.store_and_start(job))

    async def cancel(self, job_id: str) -> ReturnStatus:
        """Take a job order that has not begun off the list."""
        return await self._shown(self.memory.cancel(job_id))

    async def clear(self, job_id: str) -> ReturnStatus:
        """Take a job order that is over off the list."""
        return await self._shown(self.memory.clear(job_id))

    async def _shown(self, status: ReturnStatus) -> ReturnStatus:
        if status.is_done:
            await self.publish()
            self._on_change()
        return status


async def answer_call(receiver: JobReceiver, path: str, arguments: Sequence[Value]) -> ReturnStatus:
    """Have a receiver do what a method with these (checked) arguments asks for."""
    job_id = str(arguments[0])
    if path == CANCEL_PATH:
        return await receiver.cancel(job_id)
    if path == CLEAR_PATH:
        return await receiver.clear(job_id)
    _, operation, units, members, serves = arguments
    return await receiver.store_and_start(
        StationJob(job_id, str(operation), _codes(units), _codes(members), str(serves))
    )


def _codes(value: Value) -> tuple[str, ...]:
    return tuple(str(code) for code in value) if isinstance(value, tuple) else ()


# --- methods in a server ------------------------------------------------------------------------

_Receiver = Callable[[], JobReceiver | None]


async def add_job_control(station: Node, code: str, receiver: _Receiver) -> None:
    """Add the object JobOrderControl and its methods to a station; `receiver` returns who takes the calls now."""
    index = int(station.nodeid.NamespaceIndex)
    name = ua.QualifiedName(JOB_CONTROL_PATH, index)
    control = await station.add_object(node_id(node_key(code, JOB_CONTROL_PATH), index), name)
    for method in METHODS:
        await control.add_method(
            node_id(node_key(code, method.path), index),
            ua.QualifiedName(method.name, index),
            _handler(method, control.nodeid, receiver),
            [_argument(spec) for spec in method.inputs],
            [_argument(RETURN_STATUS)],
        )


def _argument(spec: ArgumentSpec) -> ua.Argument:
    rank = ua.ValueRank.OneDimension if spec.is_array else ua.ValueRank.Scalar
    return ua.Argument(
        Name=ua.String(spec.name),
        DataType=ua.NodeId(ua.Int32(_DATA_TYPES[spec.type])),
        ValueRank=ua.Int32(rank.value),
        ArrayDimensions=[ua.UInt32(0)] if spec.is_array else [],
        Description=ua.LocalizedText(spec.meaning),
    )


def _handler(
    method: MethodSpec, object_id: ua.NodeId, receiver: _Receiver
) -> Callable[..., Awaitable[ua.CallMethodResult]]:
    async def call(parent: ua.NodeId, *arguments: ua.Variant) -> ua.CallMethodResult:
        machine = receiver()
        if parent != object_id:
            return _refused(StatusCodes.BadMethodInvalid)
        if machine is None:
            return _refused(StatusCodes.BadInvalidState)
        if len(arguments) != len(method.inputs):
            is_short = len(arguments) < len(method.inputs)
            return _refused(StatusCodes.BadArgumentsMissing if is_short else StatusCodes.BadTooManyArguments)
        pairs = list(zip(method.inputs, arguments, strict=True))
        faults = [_argument_fault(spec, given) for spec, given in pairs]
        if any(faults):
            result = _refused(StatusCodes.BadInvalidArgument)
            result.InputArgumentResults = [_code(fault) for fault in faults]
            return result
        return _returned(await answer_call(machine, method.path, [_plain(spec, given) for spec, given in pairs]))

    return call


def _code(value: int) -> ua.StatusCode:
    return ua.StatusCode(ua.UInt32(value))


def _refused(value: int) -> ua.CallMethodResult:
    return ua.CallMethodResult(StatusCode=_code(value))


def _returned(status: ReturnStatus) -> ua.CallMethodResult:
    """Return a status as the standard wants it: Uncertain when it was not done, because Bad would lose the status."""
    value = StatusCodes.Good if status.is_done else StatusCodes.Uncertain
    output = ua.Variant(ua.UInt64(int(status)), ua.VariantType.UInt64)
    return ua.CallMethodResult(StatusCode=_code(value), OutputArguments=[output])


def _argument_fault(spec: ArgumentSpec, given: ua.Variant) -> int:
    """Return the status code of an argument that cannot be taken, 0 = it can."""
    is_absent = given.VariantType == ua.VariantType.Null
    is_text = given.VariantType == ua.VariantType.String and dimension_count(given) == int(spec.is_array)
    if not is_absent and not is_text:
        return StatusCodes.BadTypeMismatch
    plain = _plain(spec, given)
    codes = _codes(plain) if spec.is_array else (str(plain),)
    may_miss = spec.name in _MAY_MISS
    is_within = len(codes) <= JOB_CODE_COUNT_MAX and all(len(each) <= JOB_CODE_LENGTH_MAX for each in codes)
    is_named = all(is_code(each) or (may_miss and not each) for each in codes)
    return 0 if is_within and is_named else StatusCodes.BadOutOfRange


def _plain(spec: ArgumentSpec, given: ua.Variant) -> Value:
    if spec.is_array:
        return tuple(each or "" for each in given.Value or ())
    return given.Value or ""
