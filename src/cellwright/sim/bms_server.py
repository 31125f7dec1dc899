"""The virtual BMS on a CAN bus: real ISO-TP frames in and out, and what it sends by itself, on a thread of its own."""

import time
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Self

import can
import cantools
import isotp
from cantools.database.can import Database

from cellwright.links.uds.session import BusSettings
from cellwright.sim.bms import SESSION_PROGRAMMING, BmsFault, VirtualBms

DBC = Path(__file__).with_name("bms.dbc")
_WAIT_S = 0.01
_BOOT_S = 0.03
_BROADCAST_S = 0.05
_FRAME_TIMEOUT_MS = 1000


class BmsServer:
    """A virtual BMS that listens; a context manager."""

    def __init__(self, bms: VirtualBms, bus: BusSettings) -> None:
        """Open nothing yet."""
        self.bms = bms
        self._settings = bus
        self._stopped = Event()
        self._silent_until_s = 0.0
        self._broadcast_at_s = 0.0

    def __enter__(self) -> Self:
        """Join the bus and listen."""
        loaded = cantools.database.load_file(DBC)
        if not isinstance(loaded, Database):
            raise TypeError(f"{DBC} holds no CAN database")
        self._database = loaded
        self._bus = can.Bus(
            interface=self._settings.interface, channel=self._settings.channel, **self._settings.options
        )
        self._layer = isotp.TransportLayerLogic(
            rxfn=self._receive,
            txfn=self._send,
            address=_address(self.bms),
            params={"stmin": 0, "blocksize": 8, "tx_padding": 0xAA, "rx_consecutive_frame_timeout": _FRAME_TIMEOUT_MS},
        )
        self._thread = Thread(target=self._run, name="virtual-bms", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bus."""
        self._stopped.set()
        self._thread.join()
        self._bus.shutdown()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._layer.process(_WAIT_S)
            while (request := self._layer.recv()) is not None:
                self._answer(bytes(request))
            self._broadcast()

    def _answer(self, request: bytes) -> None:
        for message in self.bms.answer(request):
            if message[0] == 0x76 and BmsFault.LOSES_ANSWER in self.bms.faults:
                self.bms.faults.discard(BmsFault.LOSES_ANSWER)
                continue
            self._layer.send(message)
            self._layer.process()
            if message[0] == 0x51:
                self._silent_until_s = time.monotonic() + _BOOT_S

    def _receive(self, timeout_s: float) -> isotp.CanMessage | None:
        """Return the next frame that it sees; None at once while a whole message waits to be answered."""
        if self._layer.available():
            return None
        frame = self._bus.recv(timeout_s)
        if frame is None or self._misses(frame):
            return None
        return isotp.CanMessage(
            arbitration_id=frame.arbitration_id, data=bytes(frame.data), extended_id=frame.is_extended_id
        )

    def _misses(self, frame: can.Message) -> bool:
        faults = self.bms.faults
        if BmsFault.SILENT in faults or self.bms.is_dead or time.monotonic() < self._silent_until_s:
            return True
        is_consecutive = bool(frame.data) and frame.data[0] >> 4 == 2
        if is_consecutive and frame.arbitration_id == self.bms.contract.request_id and BmsFault.DROPS_FRAME in faults:
            faults.discard(BmsFault.DROPS_FRAME)
            return True
        return False

    def _send(self, message: isotp.CanMessage) -> None:
        self._bus.send(
            can.Message(arbitration_id=message.arbitration_id, data=message.data, is_extended_id=message.is_extended_id)
        )

    def _broadcast(self) -> None:
        now_s = time.monotonic()
        is_quiet = self.bms.is_dead or self.bms.session == SESSION_PROGRAMMING or BmsFault.SILENT in self.bms.faults
        if is_quiet or now_s < max(self._broadcast_at_s, self._silent_until_s):
            return
        self._broadcast_at_s = now_s + _BROADCAST_S
        values = _signals(self.bms)
        for message in self._database.messages:
            data = message.encode({each.name: values[each.name] for each in message.signals}, strict=False)
            self._bus.send(can.Message(arbitration_id=message.frame_id, data=data, is_extended_id=False))


def _signals(bms: VirtualBms) -> dict[str, float]:
    """Return what it measures, by the names of its DBC file; what it has no cell for is the value for nothing."""
    cells = [*bms.state.cell_v, *[65.535] * 16][:16]
    temperatures = [*bms.state.temperature_c, *[215.0] * 4][:4]
    modules = [*bms.state.module_numbers, *[0xFFFF_FFFF] * 4][:4]
    return {
        **{f"CellVoltage{index:02d}": value for index, value in enumerate(cells, 1)},
        **{f"Temperature{index}": value for index, value in enumerate(temperatures, 1)},
        "PackVoltage": sum(bms.state.cell_v),
        "PackCurrent": 0.0,
        "StateOfCharge": 30.0,
        "CellCount": len(bms.state.cell_v),
        **{f"ModuleNumber{index}": value for index, value in enumerate(modules, 1)},
    }


def _address(bms: VirtualBms) -> isotp.Address:
    contract = bms.contract
    mode = isotp.AddressingMode.Normal_29bits if contract.extended_ids else isotp.AddressingMode.Normal_11bits
    return isotp.Address(mode, txid=contract.response_id, rxid=contract.request_id)
