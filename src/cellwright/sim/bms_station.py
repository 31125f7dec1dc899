"""The station that makes the BMS of a pack ready: over real frames on a virtual CAN bus, as `links.uds` does it."""

import math
import re
from collections.abc import Mapping
from hashlib import sha256
from zlib import crc32

from cellwright.links.uds.broadcast import Broadcast
from cellwright.links.uds.contract import BmsContract, Timing
from cellwright.links.uds.flash import FlashImage
from cellwright.links.uds.keys import cmac_key
from cellwright.links.uds.link import Bms
from cellwright.links.uds.outcome import Job, Outcome
from cellwright.links.uds.session import BusSettings
from cellwright.sim.bms import BmsFault, BmsState, VirtualBms, software_image
from cellwright.sim.bms_server import DBC, BmsServer
from cellwright.sim.catalogue import MODULES_PER_PACK
from cellwright.sim.cell_line import Spans, UnitStation
from cellwright.sim.cells import Measured
from cellwright.sim.pack_tests import groups_of
from cellwright.sim.units import Unit
from cellwright.sim.world import World

SOFTWARE = "BMS-1.4.2"
SOFTWARE_SIZE = 1500
_HASH_DIGITS = 12
"""Hexadecimal digits of the hash that fit into a result without loss: six bytes."""
CONFIGURATION: Mapping[str, float] = {
    "cell_count": 16,
    "temperature_count": 4,
    "cell_max_v": 3.65,
    "cell_min_v": 2.5,
    "cell_max_c": 60,
    "cell_min_c": -20,
    "charge_max_a": 100,
    "capacity_ah": 120,
}
"""What recipe BMS of the plant's files says too."""
_SECRET = bytes(range(16))
_CONTRACT = BmsContract(timing=Timing(settle_ms=5))
_LISTEN_MS = 2000


def module_number(code: str) -> int:
    """Return the number that a module's board tells along the chain: a digest of its code."""
    return crc32(code.encode())


def version_of(software_id: str) -> float:
    """Return a release as a number, 1.4.2 as 10402; NaN where the name holds none."""
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", software_id)
    if found is None:
        return math.nan
    major, minor, patch = (int(each or 0) for each in found.groups())
    return float(major * 10_000 + minor * 100 + patch)


class Flasher(UnitStation):
    """Flashes, configures and binds the BMS of each pack, and listens to what it says of its modules."""

    def __init__(self, world: World) -> None:
        """Stand at BMS-01."""
        super().__init__(world, "BMS-01", "bms_flash")
        self._boards: dict[str, VirtualBms] = {}
        data = software_image(SOFTWARE, SOFTWARE_SIZE)
        self._image = FlashImage(data=data, sha256=sha256(data).hexdigest(), software_id=SOFTWARE)

    async def perform(self, units: list[Unit]) -> tuple[list[Measured], Spans]:
        """Make ready one BMS after another. Plant time stands still meanwhile."""
        return [await self._flash(pack) for pack in units], [[] for _ in units]

    async def _flash(self, pack: Unit) -> Measured:
        board = self._plug_in(pack)
        bus = BusSettings(interface="virtual", channel=f"{id(self.world)}/{pack.code}")
        job = Job(
            part_number=BmsState().part_number, image=self._image, configuration=CONFIGURATION, pack_code=pack.code
        )
        with BmsServer(board, bus):
            async with Bms(bus, _CONTRACT, cmac_key(_SECRET)) as bms:
                outcome = await bms.commission(job)
                heard = await bms.listen(DBC.read_text(), wait_ms=_LISTEN_MS)
        return {**_read_back(outcome), **_heard(heard, pack)}

    def _plug_in(self, pack: Unit) -> VirtualBms:
        """Return the board of a pack with its wires on the modules that are there; one that came back is set right."""
        bench = self.bench(pack)
        board = self._boards.setdefault(pack.code, VirtualBms(_CONTRACT, cmac_key(_SECRET), seed=pack.number))
        board.state.cell_v = groups_of(bench.members, "v")
        board.state.module_numbers = [module_number(module.code) for module in bench.members]
        board.faults.discard(BmsFault.WRONG_SOFTWARE)
        pack.clear("bms_software")
        if not bench.tries and self.random.random() < bench.defects.bms_software:
            board.faults.add(BmsFault.WRONG_SOFTWARE)
            pack.blame("bms_software")
        return board


def _read_back(outcome: Outcome) -> Measured:
    """Return what was read after the last reset as numbers; what was not read is unknown."""
    equal = {each.name: each.equal for each in outcome.checks}
    digest = "" if outcome.after is None else outcome.after.software_hash
    return {
        "software_version_count": version_of("" if outcome.after is None else outcome.after.software_id),
        "software_hash_count": float(int(digest[:_HASH_DIGITS], 16)) if digest else math.nan,
        "configuration_fit_count": float(sum(equal[name] for name in CONFIGURATION)) if equal else math.nan,
        "pack_code_fit_count": float(equal["pack_code"]) if equal else math.nan,
    }


def _heard(heard: Broadcast, pack: Unit) -> Measured:
    """Return how many modules tell the number of their recorded slot, and what was heard of cells and sensors."""
    told = [heard.signals.get(f"ModuleNumber{slot}") for slot in range(1, MODULES_PER_PACK + 1)]
    wanted = [module_number(code) for code in pack.planned]
    return {
        "module_fit_count": float(sum(one == other for one, other in zip(told, wanted, strict=True))),
        "cell_voltage_count": float(sum(each is not None for each in heard.cell_v)),
        "temperature_count": float(sum(each is not None for each in heard.temperature_c)),
    }
