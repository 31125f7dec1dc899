"""A virtual BMS on a virtual bus with its client: what the tests of the link share."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

import can
from msgspec import Struct

from cellwright.links.uds.contract import BmsContract, Timing
from cellwright.links.uds.flash import FlashImage
from cellwright.links.uds.keys import cmac_key
from cellwright.links.uds.link import Bms
from cellwright.links.uds.outcome import Job
from cellwright.links.uds.session import BusSettings
from cellwright.sim.bms import BmsState, VirtualBms, software_image
from cellwright.sim.bms_server import BmsServer

SECRET = bytes(range(16))
PART = "BMS-16S-A"
PACK_CODE = "001PB03CW16S20GBT0000042"
CONTRACT = BmsContract(timing=Timing(answer_ms=400, frame_ms=300, settle_ms=5, boot_ms=5000))
CONFIGURATION = {
    "cell_count": 16,
    "temperature_count": 4,
    "cell_max_v": 3.65,
    "cell_min_v": 2.5,
    "cell_max_c": 60,
    "cell_min_c": -20,
    "charge_max_a": 100,
    "capacity_ah": 120,
}


class BmsBench(Struct):
    """A BMS that listens, and the bus that it is on."""

    bms: VirtualBms
    bus: BusSettings

    def client(self, *, contract: BmsContract = CONTRACT, secret: bytes = SECRET) -> Bms:
        """Return a client of it."""
        return Bms(self.bus, contract, cmac_key(secret))

    @contextmanager
    def overheard(self) -> Iterator[list[can.Message]]:
        """Collect every frame on the bus."""
        bus = can.Bus(interface=self.bus.interface, channel=self.bus.channel)
        frames: list[can.Message] = []
        notifier = can.Notifier(bus, [frames.append], timeout=0.01)
        try:
            yield frames
        finally:
            notifier.stop()
            bus.shutdown()


@contextmanager
def bms_bench(channel: str, *, state: BmsState | None = None, contract: BmsContract = CONTRACT) -> Iterator[BmsBench]:
    """Run a virtual BMS on a virtual bus of its own."""
    bus = BusSettings(interface="virtual", channel=channel)
    bms = VirtualBms(contract, cmac_key(SECRET), state=state)
    with BmsServer(bms, bus):
        yield BmsBench(bms, bus)


def image(software_id: str = "BMS-1.4.2", size: int = 1500) -> FlashImage:
    """Return released software."""
    data = software_image(software_id, size)
    return FlashImage(data=data, sha256=sha256(data).hexdigest(), software_id=software_id)


def job(software: FlashImage | None = None, *, pack_code: str = PACK_CODE) -> Job:
    """Return what the PACK line wants of a BMS."""
    return Job(part_number=PART, image=software or image(), configuration=dict(CONFIGURATION), pack_code=pack_code)
