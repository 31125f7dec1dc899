"""Job orders at stations: the columns of a machine's list, and calling its methods through a link's own session.

A job order may set a machine in motion, so it is never sent blindly: before each sending the list is read back, and what
the station has already is not sent again. A call whose answer was lost is repeated in the same way.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from enum import KEEP, IntFlag, StrEnum
from itertools import accumulate
from typing import Protocol

from asyncua import ua
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.uaerrors import UaError
from msgspec import Struct

from cellwright.links.contract import LinkError, StationContractError
from cellwright.links.opcua.contract import (
    BY_PATH,
    CANCEL_PATH,
    CLEAR_PATH,
    JOB_COLUMN_NODES,
    JOB_CONTROL_PATH,
    JOB_REVISION_PATH,
    METHODS,
    STORE_AND_START_PATH,
    node_key,
)
from cellwright.links.opcua.session import Session
from cellwright.links.opcua.values import Problem, Value, from_data_value
from cellwright.model.job_commands import Job, job_digest

_READ_ATTEMPTS = 20
_READ_PAUSE_S = 0.02
_MISSING = frozenset(
    {StatusCodes.BadNodeIdUnknown, StatusCodes.BadNodeIdInvalid, StatusCodes.BadMethodInvalid}
)  # fmt: skip


class StationJob(Struct, frozen=True):
    """A job order as a station gets it: one operation on units, or joining members in the order of slots."""

    job: str
    operation: str
    units: tuple[str, ...]
    members: tuple[str, ...]
    serves: str = ""


class HeldState(StrEnum):
    """State of a job order on a machine, by its name in OPC 10031-4."""

    NOT_ALLOWED_TO_START = "NotAllowedToStart"
    ALLOWED_TO_START = "AllowedToStart"
    RUNNING = "Running"
    INTERRUPTED = "Interrupted"
    ENDED = "Ended"
    ABORTED = "Aborted"


class HeldJob(Struct, frozen=True):
    """A job order as a station gives it back, and its state there."""

    job: StationJob
    state: HeldState

    def digest(self, station: str) -> str:
        """Return what proves to the gate that the station has the job as it was ordered."""
        job = self.job
        return job_digest(
            Job(job=job.job, station=station, operation=job.operation, units=job.units, members=job.members)
        )


class ReturnStatus(IntFlag, boundary=KEEP):
    """What a method returns: the bits of OPC 10031-4, B.2; those from 33 on are this contract's."""

    NO_ERROR = 1 << 0
    UNKNOWN_JOB_ORDER_ID = 1 << 1
    INVALID_JOB_ORDER_STATUS = 1 << 3
    UNABLE_TO_ACCEPT = 1 << 4
    INVALID_REQUEST = 1 << 32
    OTHER_CONTENT = 1 << 33
    LIST_FULL = 1 << 34

    @property
    def is_done(self) -> bool:
        """Whether it was done, now or before."""
        return bool(self & ReturnStatus.NO_ERROR)

    @property
    def text(self) -> str:
        """What the bits say, for people."""
        said = [meaning for bit, meaning in STATUS_MEANINGS.items() if self & bit]
        return " ".join(said) or f"the station returned {int(self):#x}, which the contract does not know"


STATUS_MEANINGS = {
    ReturnStatus.NO_ERROR: "It was done, or had been done before.",
    ReturnStatus.UNKNOWN_JOB_ORDER_ID: "No job order has this id on the machine.",
    ReturnStatus.INVALID_JOB_ORDER_STATUS: "The state of the job order does not allow it.",
    ReturnStatus.UNABLE_TO_ACCEPT: "The job order is not taken.",
    ReturnStatus.INVALID_REQUEST: "The job order names neither units nor members, or both.",
    ReturnStatus.OTHER_CONTENT: "The machine has a job order of this id with another content; it stays as it is.",
    ReturnStatus.LIST_FULL: "The list is full; clear what is Ended or Aborted, then send again.",
}
"""Each bit in a sentence."""


# --- columns ------------------------------------------------------------------------------------

READ_SPECS = (BY_PATH[JOB_REVISION_PATH], *JOB_COLUMN_NODES, BY_PATH[JOB_REVISION_PATH])
"""A read-back in one call: the revision before and after, so that a list in the middle of a change is noticed."""


def columns_of(held: Sequence[HeldJob]) -> dict[str, Value]:
    """Return a list of job orders as the columns below `Jobs`, by path."""
    jobs = [each.job for each in held]
    return {
        "Jobs/Ids": tuple(job.job for job in jobs),
        "Jobs/States": tuple(each.state.value for each in held),
        "Jobs/Operations": tuple(job.operation for job in jobs),
        "Jobs/Units": tuple(code for job in jobs for code in job.units),
        "Jobs/UnitCounts": tuple(len(job.units) for job in jobs),
        "Jobs/Members": tuple(code for job in jobs for code in job.members),
        "Jobs/MemberCounts": tuple(len(job.members) for job in jobs),
        "Jobs/Serves": tuple(job.serves for job in jobs),
    }


def held_of(columns: Mapping[str, Value]) -> tuple[HeldJob, ...]:
    """Return the job orders that columns say. Raises StationContractError naming each column that does not fit."""
    lists = {path: _items(columns.get(path)) for path in (spec.path for spec in JOB_COLUMN_NODES)}
    faults = _column_faults(lists)
    if faults:
        raise StationContractError("; ".join(faults))
    units = _cut(lists["Jobs/Units"], lists["Jobs/UnitCounts"])
    members = _cut(lists["Jobs/Members"], lists["Jobs/MemberCounts"])
    rows = zip(
        lists["Jobs/Ids"],
        lists["Jobs/Operations"],
        units,
        members,
        lists["Jobs/Serves"],
        lists["Jobs/States"],
        strict=True,
    )
    return tuple(
        HeldJob(StationJob(str(job), str(operation), codes, joined, str(serves)), HeldState(str(state)))
        for job, operation, codes, joined, serves, state in rows
    )


_Items = tuple[bool | int | float | str | None, ...]


def _items(value: Value) -> _Items:
    return value if isinstance(value, tuple) else ()


def _cut(codes: _Items, counts: _Items) -> list[tuple[str, ...]]:
    sizes = [int(count or 0) for count in counts]
    ends = accumulate(sizes)
    return [tuple(str(code) for code in codes[end - size : end]) for size, end in zip(sizes, ends, strict=True)]


def _column_faults(lists: Mapping[str, _Items]) -> list[str]:
    ids = lists["Jobs/Ids"]
    faults = [
        f"{path} has {len(lists[path])} entries, expected {len(ids)}, one per job"
        for path in ("Jobs/States", "Jobs/Operations", "Jobs/UnitCounts", "Jobs/MemberCounts", "Jobs/Serves")
        if len(lists[path]) != len(ids)
    ]
    if len(set(ids)) < len(ids):
        faults.append("Jobs/Ids names a job twice, expected each once")
    strange = [state for state in lists["Jobs/States"] if state not in set(HeldState)]
    if strange:
        faults.append(f"Jobs/States holds {strange[0]!r}, expected one of {', '.join(HeldState)}")
    faults.extend(
        f"{path} holds an empty code or one with control characters, which no code is"
        for path in ("Jobs/Ids", "Jobs/Units", "Jobs/Members")
        if not all(is_code(str(code)) for code in lists[path])
    )
    faults.extend(_count_faults(lists, "Jobs/UnitCounts", "Jobs/Units"))
    faults.extend(_count_faults(lists, "Jobs/MemberCounts", "Jobs/Members"))
    return faults


def is_code(text: str) -> bool:
    """Tell whether a text is a code: other texts could make another job of the same digest."""
    return bool(text) and not any(char < " " or char == "\x7f" for char in text)


def _count_faults(lists: Mapping[str, _Items], counts_path: str, codes_path: str) -> list[str]:
    counts = [int(count or 0) for count in lists[counts_path]]
    if any(count < 0 for count in counts):
        return [f"{counts_path} holds a negative number, expected how many of {codes_path} belong to each job"]
    if sum(counts) != len(lists[codes_path]):
        return [f"{codes_path} has {len(lists[codes_path])} entries, {counts_path} adds up to {sum(counts)}"]
    return []


# --- client -------------------------------------------------------------------------------------


class JobDoor(Protocol):
    """The way to one station's job orders; every method raises LinkError when it leads nowhere."""

    turn: asyncio.Lock
    """Whoever changes the station's list holds it: read-back and sending are one step."""

    async def read(self) -> list[Value | Problem]:
        """Return the values of `READ_SPECS`."""
        ...

    async def call(self, path: str, arguments: Sequence[Value]) -> ReturnStatus:
        """Call a method once and return its status."""
        ...


class JobControl:
    """Sends job orders to stations and reads them back; `door` finds a station's or raises LinkError with the cause."""

    def __init__(self, door: Callable[[str], JobDoor]) -> None:
        """Keep how stations are found; nothing is opened here."""
        self._door = door

    async def store_and_start(self, station: str, job: StationJob) -> ReturnStatus:
        """Give a station a job order, unless it has it: then nothing is sent, and the same content is a success.

        Raises LinkError when the station is not reached or its answer is lost; it may have the job then, so call this
        again: it reads back first.
        """
        door = self._door(station)
        async with door.turn:
            held = {each.job.job: each.job for each in await _read(station, door)}
            known = held.get(job.job)
            if known == job:
                return ReturnStatus.NO_ERROR
            if known is not None:
                return ReturnStatus.UNABLE_TO_ACCEPT | ReturnStatus.OTHER_CONTENT
            arguments = (job.job, job.operation, job.units, job.members, job.serves)
            return await door.call(STORE_AND_START_PATH, arguments)

    async def cancel(self, station: str, job_id: str) -> ReturnStatus:
        """Take a job order that has not begun off a station's list; an unknown id says that it is not there (any more)."""
        return await self._take_off(station, CANCEL_PATH, job_id)

    async def clear(self, station: str, job_id: str) -> ReturnStatus:
        """Take a job order that is over off a station's list; an unknown id says that it is not there (any more)."""
        return await self._take_off(station, CLEAR_PATH, job_id)

    async def held(self, station: str) -> tuple[HeldJob, ...]:
        """Read back all job orders that a station holds, as its machine remembers them. Raises LinkError."""
        return await _read(station, self._door(station))

    async def _take_off(self, station: str, path: str, job_id: str) -> ReturnStatus:
        door = self._door(station)
        async with door.turn:
            return await door.call(path, (job_id,))


async def _read(station: str, door: JobDoor) -> tuple[HeldJob, ...]:
    last = ""
    for _ in range(_READ_ATTEMPTS):
        revision, *columns, revision_after = await door.read()
        last = _passing_text(station, [revision, *columns])
        if not last and revision == revision_after != 0:
            return _listed(station, revision, columns)
        await asyncio.sleep(_READ_PAUSE_S)
    raise LinkError(last or f"{station}: {JOB_REVISION_PATH} does not come to rest; the machine must write it last")


def _passing_text(station: str, values: Sequence[Value | Problem]) -> str:
    """Return what is not ready to be read, "" = all is. Raises StationContractError for what will never be."""
    problems = [each for each in values if isinstance(each, Problem)]
    text = "; ".join(f"{station}/{each.path}: {each.text}" for each in problems)
    if any(not each.is_passing for each in problems):
        raise StationContractError(f"{text}; see the station contract")
    return text


def _listed(station: str, revision: Value | Problem, columns: Sequence[Value | Problem]) -> tuple[HeldJob, ...]:
    if not isinstance(revision, int):
        raise StationContractError(_no_control(station))
    values = {spec.path: value for spec, value in zip(JOB_COLUMN_NODES, columns, strict=True)}
    try:
        return held_of({path: value for path, value in values.items() if not isinstance(value, Problem)})
    except StationContractError as error:
        raise StationContractError(f"{station}: {error}; see the station contract") from error


def _no_control(station: str) -> str:
    return (
        f"{station} offers no {JOB_CONTROL_PATH}: a station that works on job orders needs its methods and the "
        "variables below Jobs; see the station contract"
    )


class SessionDoor:
    """The way through a session of a link."""

    def __init__(self, session: Session, station: str) -> None:
        """Bind to a station's nodes in this session."""
        self.turn = asyncio.Lock()
        self._session = session
        self._station = station

    async def read(self) -> list[Value | Problem]:
        """Return the values of `READ_SPECS`, read in one call. Raises LinkError."""
        ids = [self._session.node_id(node_key(self._station, spec.path)) for spec in READ_SPECS]
        try:
            values = await self._session.read(ids)
        except (OSError, TimeoutError, UaError) as error:
            cause = str(error) or type(error).__name__
            raise LinkError(f"{self._station}: its job orders could not be read ({cause}); try again") from error
        if len(values) != len(READ_SPECS):
            raise StationContractError(
                f"{self._station}: a Read of {len(READ_SPECS)} nodes returned {len(values)} values"
            )
        return [from_data_value(spec, value) for spec, value in zip(READ_SPECS, values, strict=True)]

    async def call(self, path: str, arguments: Sequence[Value]) -> ReturnStatus:
        """Call a method once and return its status. Raises LinkError."""
        object_id, method_id = (
            self._session.node_id(node_key(self._station, each)) for each in (JOB_CONTROL_PATH, path)
        )
        try:
            result = await self._session.call(object_id, method_id, _variants(path, arguments))
        except (OSError, TimeoutError, UaError) as error:
            cause = str(error) or type(error).__name__
            text = f"{self._station}: {path} was not answered ({cause}); read back before it is sent again"
            raise LinkError(text) from error
        return _status(self._station, path, result)


_INPUTS = {method.path: method.inputs for method in METHODS}


def _variants(path: str, arguments: Sequence[Value]) -> list[ua.Variant]:
    pairs = zip(_INPUTS[path], arguments, strict=True)
    return [
        ua.Variant(
            list(value) if isinstance(value, tuple) else value, ua.VariantType[spec.type], is_array=spec.is_array
        )
        for spec, value in pairs
    ]


def _status(station: str, path: str, result: ua.CallMethodResult) -> ReturnStatus:
    code = result.StatusCode
    if code.value in _MISSING:
        raise StationContractError(_no_control(station))
    if code.is_bad():
        raise LinkError(
            f"{station}: {path} was refused ({code.name}); see the limits and rights in the station contract"
        )
    output = result.OutputArguments[0] if result.OutputArguments else ua.Variant()
    if output.VariantType != ua.VariantType.UInt64 or not isinstance(output.Value, int):
        raise StationContractError(f"{station}: {path} returned no ReturnStatus (UInt64); see the station contract")
    return ReturnStatus(output.Value)
