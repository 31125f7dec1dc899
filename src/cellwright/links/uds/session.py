"""One conversation with a BMS: a bus, ISO-TP and UDS under it, and every failure as a `UdsError`. Blocks; see `link`."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import can
import isotp
import udsoncan
from msgspec import Struct
from udsoncan.client import Client
from udsoncan.connections import PythonIsoTpConnection
from udsoncan.typing import ClientConfig

from cellwright.links.uds.contract import BmsContract, Parameter
from cellwright.links.uds.failures import Failure, FailureCode, UdsError, in_words
from cellwright.links.uds.keys import KeyOf

T = TypeVar("T")

DEFAULT_SESSION = 1
PROGRAMMING_SESSION = 2
EXTENDED_SESSION = 3
HARD_RESET = 1
_LOST = {FailureCode.NO_ANSWER, FailureCode.WRONG_ANSWER}
"""An answer that came too late is taken for that of the next request: then both are asked again."""
_POLL_S = 0.05
_BOOT_ANSWER_S = 0.2


class BusSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A CAN bus as python-can names it: `socketcan` and `can0`, `pcan` and `PCAN_USBBUS1`, `virtual` and any name."""

    interface: str
    channel: str
    bitrate: int = 500_000
    options: Mapping[str, Any] = {}
    """More that this interface wants."""


class _Raw(udsoncan.DidCodec):
    """Bytes as they are: what they mean is the contract's affair."""

    def encode(self, *values: Any) -> bytes:
        return cast(bytes, values[0])

    def decode(self, string_bin: bytes) -> bytes:
        return bytes(string_bin)

    def __len__(self) -> int:
        raise udsoncan.DidCodec.ReadAllRemainingData


class Session:
    """A conversation with one BMS; a context manager. Every method raises UdsError."""

    def __init__(self, bus: BusSettings, contract: BmsContract, key_of: KeyOf) -> None:
        """Open nothing yet."""
        self.contract = contract
        self._settings = bus
        self._key_of = key_of
        self.is_stopped: Callable[[], bool] = lambda: False
        self.repeated_count = 0
        """Messages that were sent again because no answer came."""

    def __enter__(self) -> Self:
        """Open the bus and listen."""
        _silence_libraries()
        with ExitStack() as opening:
            self.bus = _open_bus(self._settings)
            opening.callback(self.bus.shutdown)
            self.notifier = can.Notifier(self.bus, [], timeout=_POLL_S)
            opening.callback(self.notifier.stop)
            address, parameters = _address_of(self.contract), _parameters_of(self.contract)
            layer = isotp.NotifierBasedCanStack(self.bus, self.notifier, address=address, params=parameters)
            self._client = Client(PythonIsoTpConnection(layer), config=self._client_config())
            self._client.open()
            opening.callback(self._client.close)
            self._closing = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all, whatever happened."""
        self._closing.close()

    def change(self, number: int, *, step: str) -> None:
        """Change the diagnostic session."""
        self._ask(lambda: self._client.change_session(number), step=step)

    def unlock(self, *, step: str) -> None:
        """Get security access by seed and key."""
        self._ask(lambda: self._client.unlock_security_access(self.contract.security_level), step=step)

    def read(self, parameter: Parameter, *, step: str) -> bytes:
        """Read the bytes of an identifier."""
        answer = self._ask(lambda: self._client.read_data_by_identifier(parameter.did), step=step, what=parameter.name)
        return cast(bytes, answer.service_data.values[parameter.did])

    def write(self, parameter: Parameter, raw: bytes, *, step: str) -> None:
        """Write the bytes of an identifier."""
        self._ask(lambda: self._client.write_data_by_identifier(parameter.did, raw), step=step, what=parameter.name)

    def routine(self, number: int, data: bytes, *, step: str) -> bytes:
        """Start a routine and return the bytes of its result."""
        answer = self._ask(lambda: self._client.start_routine(number, data), step=step, what=f"routine {number:#06x}")
        return bytes(answer.service_data.routine_status_record)

    def request_download(self, size: int, *, step: str) -> int:
        """Announce software; returns the largest message that the BMS takes."""
        location = udsoncan.MemoryLocation(self.contract.memory.address, size, 32, 32)
        answer = self._ask(lambda: self._client.request_download(location), step=step)
        return cast(int, answer.service_data.max_length)

    def transfer(self, counter: int, block: bytes, *, step: str) -> None:
        """Send a block of software."""
        self._ask(lambda: self._client.transfer_data(counter, block), step=step, what=f"block {counter}")

    def transfer_exit(self, *, step: str) -> None:
        """Say that all software was sent; once, because a BMS that took it refuses a second."""
        self._ask(self._client.request_transfer_exit, step=step, repeats=False)

    def reset(self, *, step: str) -> None:
        """Reset the BMS and wait until it answers again."""
        self._ask(lambda: self._client.ecu_reset(HARD_RESET), step=step)
        time.sleep(self.contract.timing.settle_ms / 1000)
        patience_s = self._client.config["p2_timeout"]
        self._client.set_config("p2_timeout", min(patience_s, _BOOT_ANSWER_S))
        try:
            self._wait_for_boot(step)
        finally:
            self._client.set_config("p2_timeout", patience_s)

    def _wait_for_boot(self, step: str) -> None:
        deadline_s = time.monotonic() + self.contract.timing.boot_ms / 1000
        while True:
            try:
                self._ask(lambda: self._client.change_session(DEFAULT_SESSION), step=step, repeats=False)
            except UdsError as error:
                if error.failure.code not in _LOST or time.monotonic() > deadline_s:
                    raise
            else:
                return

    def _ask(self, call: Callable[[], T | None], *, step: str, what: str = "", repeats: bool = True) -> T:
        """Ask, and again when no answer came or another's: all that is repeated here means the same the second time."""
        for left in reversed(range(1 + self.contract.timing.retries * repeats)):
            self._expect_to_go_on(step)
            try:
                with _failures(step, what):
                    return cast(T, call())
            except UdsError as error:
                if error.failure.code not in _LOST or not left:
                    raise
                self.repeated_count += 1
        raise AssertionError("the last attempt returns or raises")

    def _expect_to_go_on(self, step: str) -> None:
        if self.is_stopped():
            text = f"{step}: stopped from outside; what was begun is incomplete, do the job again"
            raise UdsError(Failure(code=FailureCode.STOPPED, step=step, text=text))

    def _key(self, level: int, seed: bytes) -> bytes:
        """Return the key; the library finds the names of these parameters."""
        return self._key_of(level, seed)

    def _client_config(self) -> ClientConfig:
        timing = self.contract.timing
        return cast(
            ClientConfig,
            udsoncan.configs.default_client_config
            | {
                "security_algo": self._key,
                "data_identifiers": {"default": _Raw},
                "request_timeout": (timing.answer_ms + timing.erase_ms) / 1000,
                "p2_timeout": timing.answer_ms / 1000,
                "p2_star_timeout": timing.pending_ms / 1000,
                "use_server_timing": False,
            },
        )


@contextmanager
def _failures(step: str, what: str = "") -> Iterator[None]:
    """Turn what the libraries raise into a failure of a step."""
    place = f"{step}: {what}".rstrip(": ")
    try:
        yield
    except (udsoncan.exceptions.TimeoutException, isotp.BlockingSendFailure) as error:
        text = f"{place}: the BMS did not answer in time; look at its supply, the wiring and the bit rate"
        raise UdsError(Failure(code=FailureCode.NO_ANSWER, step=step, text=text)) from error
    except udsoncan.exceptions.NegativeResponseException as error:
        response = error.response.code or 0
        text = f"{place}: the BMS refused ({response:#04x}): {in_words(response)}"
        raise UdsError(Failure(code=FailureCode.REFUSED, step=step, text=text, response=response)) from error
    except (
        udsoncan.exceptions.InvalidResponseException,
        udsoncan.exceptions.UnexpectedResponseException,
        udsoncan.exceptions.ConfigError,
    ) as error:
        text = f"{place}: the BMS answered with something else than UDS has for this: {error}"
        raise UdsError(Failure(code=FailureCode.WRONG_ANSWER, step=step, text=text)) from error
    except (can.CanError, isotp.IsoTpError, OSError) as error:
        text = f"{place}: the CAN bus failed: {error}; look at the adapter and the termination"
        raise UdsError(Failure(code=FailureCode.BUS, step=step, text=text)) from error


def _silence_libraries() -> None:
    """What they would log is told as a failure."""
    for name in ("UdsClient", "Connection", "isotp"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _open_bus(settings: BusSettings) -> can.BusABC:
    try:
        return can.Bus(
            interface=settings.interface, channel=settings.channel, bitrate=settings.bitrate, **settings.options
        )
    except (can.CanError, OSError, ImportError, ValueError, NotImplementedError) as error:
        text = f"bus {settings.interface} {settings.channel} cannot be opened: {error}; see python-can's interfaces"
        raise UdsError(Failure(code=FailureCode.BUS, step="open", text=text)) from error


def _address_of(contract: BmsContract) -> isotp.Address:
    mode = isotp.AddressingMode.Normal_29bits if contract.extended_ids else isotp.AddressingMode.Normal_11bits
    return isotp.Address(mode, txid=contract.request_id, rxid=contract.response_id)


def _parameters_of(contract: BmsContract) -> dict[str, Any]:
    return {
        "stmin": 0,
        "blocksize": 0,
        "tx_padding": 0x55,
        "rx_flowcontrol_timeout": contract.timing.frame_ms,
        "rx_consecutive_frame_timeout": contract.timing.frame_ms,
        "blocking_send": True,
    }
