"""Commands of people: which command takes which permission, and how each reaches the gate exactly once."""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, get_args
from weakref import WeakValueDictionary

from msgspec import Meta, Struct

from cellwright.database.pool import Connection, Pool, borrow
from cellwright.errors import ConfigurationError
from cellwright.journal.audit import Author
from cellwright.journal.facts import find_time
from cellwright.journal.inbox import load_marks
from cellwright.model.answers import Admit, Receipt, Refusal
from cellwright.model.commands import (
    AbortOperation,
    AddPerson,
    AssignCode,
    CheckIn,
    CheckOut,
    CloseOrder,
    Command,
    DisablePerson,
    Disassemble,
    Disposition,
    ImportLots,
    InstallPack,
    LoadCarrier,
    LoadMaterial,
    PlaceHold,
    PlaceRecall,
    QualifyPerson,
    ReceiveLot,
    RecordCalibration,
    ReleaseHold,
    ReleaseLot,
    ReleaseOrder,
    ReleasePlant,
    RemovePack,
    ReplaceMember,
    ReplaceTool,
    ReturnUnits,
    ShipUnits,
    Submission,
    UnloadCarrier,
    UnloadMaterial,
)
from cellwright.model.correction_commands import CorrectParts, CorrectRuns
from cellwright.model.corrections import ReleaseCorrection
from cellwright.model.job_commands import AbortJob, AmendJob, ClearCall, DispatchJobs, ProveJob, RaiseCall
from cellwright.model.sample_commands import RecordSample
from cellwright.plant.clock import Clock
from cellwright.plant.gate import Gate
from cellwright.web.access.people import SOURCE
from cellwright.web.access.permissions import Permission
from cellwright.web.problems import RefusedError

PersonCommand = (
    AbortOperation
    | ReceiveLot
    | LoadMaterial
    | UnloadMaterial
    | PlaceHold
    | PlaceRecall
    | ReleaseHold
    | Disposition
    | ReplaceMember
    | Disassemble
    | ShipUnits
    | ReturnUnits
    | InstallPack
    | RemovePack
    | AssignCode
    | ReleaseLot
    | ReplaceTool
    | RecordCalibration
    | RecordSample
    | ReleaseCorrection
    | QualifyPerson
    | ReleaseOrder
    | CloseOrder
    | ImportLots
    | AbortJob
    | ClearCall
    | CorrectRuns
    | CorrectParts
)
"""What a person may ask for by name. Stations ask for the rest; people are added by the API of access."""

PERMISSIONS: Final[Mapping[type[Any], Permission | None]] = {
    CheckIn: None,
    CheckOut: None,
    AbortOperation: Permission.OPERATION_ABORT,
    ReceiveLot: Permission.LOT_RECEIVE,
    LoadMaterial: Permission.MATERIAL_LOAD,
    UnloadMaterial: Permission.MATERIAL_LOAD,
    LoadCarrier: None,
    UnloadCarrier: None,
    PlaceHold: Permission.HOLD_PLACE,
    PlaceRecall: Permission.HOLD_PLACE,
    ReleaseHold: Permission.HOLD_RELEASE,
    Disposition: Permission.UNIT_DISPOSITION,
    ReplaceMember: Permission.UNIT_REPAIR,
    Disassemble: Permission.UNIT_REPAIR,
    ShipUnits: Permission.UNIT_SHIP,
    ReturnUnits: Permission.UNIT_SHIP,
    InstallPack: Permission.UNIT_SHIP,
    RemovePack: Permission.UNIT_SHIP,
    AssignCode: Permission.UNIT_REPAIR,
    ReleaseLot: Permission.LOT_RELEASE,
    ReplaceTool: Permission.EQUIPMENT_MAINTAIN,
    RecordCalibration: Permission.EQUIPMENT_MAINTAIN,
    RecordSample: Permission.SAMPLE_RECORD,
    ReleaseCorrection: Permission.CORRECTION_RELEASE,
    AddPerson: None,
    DisablePerson: None,
    QualifyPerson: Permission.PEOPLE_MANAGE,
    ReleasePlant: None,
    ReleaseOrder: Permission.ORDER_MANAGE,
    CloseOrder: Permission.ORDER_MANAGE,
    ImportLots: Permission.LOT_RECEIVE,
    DispatchJobs: None,
    ProveJob: None,
    AmendJob: None,
    AbortJob: Permission.OPERATION_ABORT,
    RaiseCall: None,
    ClearCall: Permission.OPERATION_ABORT,
    CorrectRuns: Permission.RECORD_CORRECT,
    CorrectParts: Permission.RECORD_CORRECT,
}
"""The permission that each command of the gate takes; None = no person gives it by this way."""

Key = Annotated[str, Meta(min_length=8, max_length=128, pattern=r"^[\x21-\x7e]+$")]
"""A name for one wish, made up by whoever asks (a UUID, say): the same again is the same wish."""

_SEQ = 1
_EPOCH_BYTES = 8


class Signatures(Struct, frozen=True, forbid_unknown_fields=True):
    """The passwords of the two people who sign: the one who asks, and the command's second person."""

    password: Annotated[str, Meta(min_length=1, max_length=1000)]
    second_password: Annotated[str, Meta(min_length=1, max_length=1000)]


class Wish(Struct, frozen=True, forbid_unknown_fields=True):
    """A command of a person, under a key that makes a repetition harmless; `signatures` where two people must sign."""

    key: Key
    command: PersonCommand
    signatures: Signatures | None = None


class Desk:
    """Hands people's commands to the gate; the same wish again gets the same answer, also from another server."""

    def __init__(self, pool: Pool, gate: Gate, *, clock: Clock) -> None:
        """Use these parts; `clock` is the plant's time."""
        self._pool = pool
        self._gate = gate
        self._clock = clock
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def submit(self, author: Author, wish: Wish) -> Receipt:
        """Return what was recorded; raises RefusedError with every reason of the gate."""
        return await self._give_once(author, wish.key, wish.command)

    async def order(self, author: Author, key: str, command: DispatchJobs) -> Receipt:
        """Order jobs of stations for a person, once for a key; raises RefusedError with every reason of the gate.

        What is ordered, and the evidence for it, is put together by the server: nobody sends it by name.
        """
        return await self._give_once(author, key, command)

    async def _give_once(self, author: Author, key: str, command: PersonCommand | DispatchJobs) -> Receipt:
        epoch = epoch_of(author.actor, key)
        turn = self._turns.setdefault(epoch, asyncio.Lock())
        async with turn:
            time_us = await self._time_us(epoch)
            return await self._give(author, command, (epoch, _SEQ), time_us=time_us)

    async def go_on(self, connection: Connection, author: Author, epoch: int, *, command: PersonCommand) -> Receipt:
        """Give the next of the commands that one wish takes, after those that were answered before.

        The caller sees to it that there is one at a time. Raises RefusedError with every reason of the gate.
        """
        sender = (SOURCE, epoch)
        seq = (await load_marks(connection, [sender]))[sender] + 1
        return await self._give(author, command, (epoch, seq), time_us=self._clock())

    async def _give(
        self, author: Author, command: PersonCommand | DispatchJobs, place: tuple[int, int], *, time_us: int
    ) -> Receipt:
        """Put a command before the gate, at (epoch, seq) of its sender."""
        epoch, seq = place
        submission = Submission(
            source=SOURCE, epoch=epoch, seq=seq, time_us=time_us, actor=author.actor, command=command
        )
        answer = await self._gate.submit(submission, author)
        if isinstance(answer, Refusal):
            raise RefusedError(answer)
        assert not isinstance(answer, Admit)  # noqa: S101 - only a check-in is admitted, and no person asks for one here
        return answer

    async def _time_us(self, epoch: int) -> int:
        """Return when a wish was first made: a repetition must say the same."""
        async with borrow(self._pool) as connection:
            first_us = await find_time(connection, (SOURCE, epoch, _SEQ))
        return self._clock() if first_us is None else first_us


def epoch_of(person: str, key: str) -> int:
    """Return the epoch of a person's wish: its key as a number, apart from the keys of others."""
    return int.from_bytes(hashlib.sha256(f"{person}\0{key}".encode()).digest()[:_EPOCH_BYTES]) >> 1


def require_permissions(
    commands: Iterable[type[Any]] = get_args(Command), permissions: Mapping[type[Any], Permission | None] = PERMISSIONS
) -> None:
    """Raise ConfigurationError for every command of which nobody said who may give it, or two places say otherwise."""
    problems = []
    offered = set(get_args(PersonCommand))
    for command in commands:
        name = command.__name__
        if command not in permissions:
            problems.append(f"command {name}: say in web/commands.py which permission it takes")
        elif (permissions[command] is not None) is not (command in offered):
            problems.append(f"command {name}: has a permission if and only if it is a PersonCommand")
    if problems:
        raise ConfigurationError(problems)
