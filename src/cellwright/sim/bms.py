"""A battery management system that does not exist: flash memory, identifiers and services, with faults to switch on.

It takes and gives the bytes of UDS messages (ISO 14229-1) and shares no code with the client but the contract's numbers.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from hashlib import sha256
from random import Random

from msgspec import Struct, field

from cellwright.links.uds.contract import BmsContract
from cellwright.links.uds.keys import KeyOf
from cellwright.sim.bms_flash import FlashMemory, FlashState

SESSION_DEFAULT, SESSION_PROGRAMMING, SESSION_EXTENDED = 1, 2, 3
ID_LENGTH = 16
_KEYS_MAX = 3
_SEED_LENGTH = 16
_P2_MS, _P2_STAR_10MS = 50, 500


class BmsFault(StrEnum):
    """What can be wrong with it; switched on and off at any time."""

    SILENT = "silent"
    WRONG_SOFTWARE = "wrong_software"
    REFUSES_SECURITY = "refuses_security"
    DROPS_FRAME = "drops_frame"
    """It misses one frame of a long message, once."""
    LOSES_ANSWER = "loses_answer"
    """Its answer to a block is lost, once."""
    DIES_IN_FLASH = "dies_in_flash"
    """After the second block it is dead until its supply is switched off and on."""
    BAD_FLASH = "bad_flash"
    WRONG_READ_BACK = "wrong_read_back"


class BmsState(Struct):
    """What is kept without supply, and what it measures."""

    part_number: str = "BMS-16S-A"
    flash: FlashMemory = field(default_factory=FlashMemory)
    values: dict[int, bytes] = {}
    cell_v: list[float] = field(default_factory=lambda: [3.301] * 16)
    temperature_c: list[float] = field(default_factory=lambda: [25.0] * 4)
    module_numbers: list[int] = []
    """What the modules along its chain say about themselves, from the first slot on."""


class RefusedError(Exception):
    """A request gets a negative response."""

    def __init__(self, response: int) -> None:
        """Keep the code."""
        super().__init__(hex(response))
        self.response = response


def _unknown(request: bytes) -> bytes:
    del request
    raise RefusedError(0x11)


def software_image(software_id: str, size: int, *, seed: int = 1) -> bytes:
    """Return software that says `software_id` when it runs: the name stands at its beginning."""
    name = software_id.encode("ascii") + b"\x00"
    return (name + Random(seed).randbytes(size))[:size]


class VirtualBms:
    """The diagnostic server of a BMS."""

    def __init__(self, contract: BmsContract, key_of: KeyOf, *, state: BmsState | None = None, seed: int = 1) -> None:
        """Start with its supply on."""
        self.contract = contract
        self.state = state or BmsState()
        self.faults: set[BmsFault] = set()
        self._key_of = key_of
        self._random = Random(seed)
        self._services: dict[int, Callable[[bytes], bytes]] = {
            0x10: self._change_session,
            0x11: self._reset,
            0x22: self._read,
            0x27: self._security,
            0x2E: self._write,
            0x31: self._routine,
            0x34: self._request_download,
            0x36: self._transfer,
            0x37: self._transfer_exit,
            0x3E: lambda request: request[1:2],
        }
        self.power_cycle()

    def power_cycle(self) -> None:
        """Switch its supply off and on: what is in RAM is gone."""
        self.is_dead = False
        self._wrong_keys = 0
        self._restart()

    def _restart(self) -> None:
        self.session = SESSION_DEFAULT
        self._seed = b""
        self._is_unlocked = False
        self.state.flash.end_download()

    def answer(self, request: bytes) -> Iterator[bytes]:
        """Yield the messages that answer a request; none when it is dead."""
        service = request[0]
        if service == 0x31 and self.session == SESSION_PROGRAMMING:
            yield bytes((0x7F, service, 0x78))
        try:
            content = self._services.get(service, _unknown)(request)
        except RefusedError as refused:
            yield bytes((0x7F, service, refused.response))
        except IndexError:
            yield bytes((0x7F, service, 0x13))
        else:
            if not self.is_dead:
                yield bytes((service + 0x40,)) + content

    def _change_session(self, request: bytes) -> bytes:
        number = request[1]
        if number not in {SESSION_DEFAULT, SESSION_PROGRAMMING, SESSION_EXTENDED}:
            raise RefusedError(0x12)
        self._restart()
        self.session = number
        return bytes((number,)) + _P2_MS.to_bytes(2) + _P2_STAR_10MS.to_bytes(2)

    def _reset(self, request: bytes) -> bytes:
        if request[1] not in {1, 3}:
            raise RefusedError(0x12)
        self._restart()
        return request[1:2]

    def _security(self, request: bytes) -> bytes:
        level = request[1]
        if self.session == SESSION_DEFAULT:
            raise RefusedError(0x7F)
        if level not in {self.contract.security_level, self.contract.security_level + 1}:
            raise RefusedError(0x12)
        if self._wrong_keys >= _KEYS_MAX:
            raise RefusedError(0x37)
        if level % 2:
            self._seed = bytes(_SEED_LENGTH) if self._is_unlocked else self._random.randbytes(_SEED_LENGTH)
            return request[1:2] + self._seed
        return self._check_key(request)

    def _check_key(self, request: bytes) -> bytes:
        if not self._seed:
            raise RefusedError(0x24)
        right = self._key_of(request[1] - 1, self._seed)
        self._seed = b""
        if BmsFault.REFUSES_SECURITY in self.faults or request[2:] != right:
            self._wrong_keys += 1
            raise RefusedError(0x36 if self._wrong_keys >= _KEYS_MAX else 0x35)
        self._is_unlocked, self._wrong_keys = True, 0
        return request[1:2]

    def _read(self, request: bytes) -> bytes:
        if len(request) != 3:
            raise RefusedError(0x13)
        return request[1:3] + self._value_of(int.from_bytes(request[1:3]))

    def _value_of(self, did: int) -> bytes:
        contract, flash = self.contract, self.state.flash
        software = flash.software if flash.state is FlashState.COMPLETE else b""
        name = (
            "OLD-0.9" if BmsFault.WRONG_SOFTWARE in self.faults else software[:ID_LENGTH].partition(b"\x00")[0].decode()
        )
        known = {
            contract.part_number.did: self.state.part_number.encode().ljust(contract.part_number.length, b"\x00"),
            contract.software_id.did: name.encode().ljust(contract.software_id.length, b"\x00"),
            contract.software_hash.did: sha256(software).digest() if software else bytes(32),
            contract.flash_state.did: bytes((flash.state,)),
        }
        sizes = self._writable()
        if did in sizes:
            raw = self.state.values.get(did, bytes(sizes[did]))
            return bytes((*raw[:-1], raw[-1] ^ 1)) if self._lies_about(did) else raw
        if did not in known:
            raise RefusedError(0x31)
        return known[did]

    def _lies_about(self, did: int) -> bool:
        return BmsFault.WRONG_READ_BACK in self.faults and did == self.contract.configuration[0].did

    def _writable(self) -> dict[int, int]:
        sizes = {"u8": 1, "u16": 2, "i16": 2, "u32": 4}
        parameters = (*self.contract.configuration, self.contract.pack_code)
        return {each.did: sizes.get(each.kind, each.length) for each in parameters}

    def _write(self, request: bytes) -> bytes:
        did, raw, sizes = int.from_bytes(request[1:3]), request[3:], self._writable()
        self._expect(SESSION_EXTENDED)
        if did not in sizes:
            raise RefusedError(0x31)
        if len(raw) != sizes[did]:
            raise RefusedError(0x13)
        if self.state.flash.state is not FlashState.COMPLETE:
            raise RefusedError(0x22)
        self.state.values[did] = raw
        return request[1:3]

    def _routine(self, request: bytes) -> bytes:
        number, data, memory = int.from_bytes(request[2:4]), request[4:], self.contract.memory
        self._expect(SESSION_PROGRAMMING)
        if request[1] != 1:
            raise RefusedError(0x12)
        if number == memory.erase_routine:
            self._expect_place(data)
            self.state.flash.erase()
            return request[1:4] + b"\x00"
        if number == memory.verify_routine:
            return request[1:4] + (b"\x00" if self.state.flash.verify(data) else b"\x01")
        raise RefusedError(0x31)

    def _request_download(self, request: bytes) -> bytes:
        self._expect(SESSION_PROGRAMMING)
        size = self._expect_place(request[2:])
        if not self.state.flash.begin_download(size):
            raise RefusedError(0x70)
        return b"\x20" + self.state.flash.message_length.to_bytes(2)

    def _transfer(self, request: bytes) -> bytes:
        self._expect(SESSION_PROGRAMMING)
        data = request[2:]
        if BmsFault.BAD_FLASH in self.faults:
            data = bytes((data[0] ^ 0x10, *data[1:]))
        response = self.state.flash.write(request[1], data)
        if response:
            raise RefusedError(response)
        if BmsFault.DIES_IN_FLASH in self.faults and self.state.flash.block_count >= 2:
            self.is_dead = True
        return request[1:2]

    def _transfer_exit(self, request: bytes) -> bytes:
        self._expect(SESSION_PROGRAMMING)
        if len(request) > 1 or not self.state.flash.is_all_there():
            raise RefusedError(0x24)
        return b""

    def _expect(self, session: int) -> None:
        if self.session != session:
            raise RefusedError(0x7F)
        if not self._is_unlocked:
            raise RefusedError(0x33)

    def _expect_place(self, data: bytes) -> int:
        """Return the size of a place in memory: format 0x44, four bytes of address, four of size."""
        memory = self.contract.memory
        address, size = int.from_bytes(data[1:5]), int.from_bytes(data[5:9])
        if len(data) != 9 or data[0] != 0x44:
            raise RefusedError(0x13)
        if address != memory.address or not 0 < size <= memory.size:
            raise RefusedError(0x31)
        return size
