"""The virtual plant's OPC UA servers: one per work centre, on loopback, and the keys they use."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from msgspec import Struct

from cellwright.links.opcua.security import (
    Credentials,
    Identity,
    TrustList,
    WallClock,
    load_credentials,
    load_identity,
    make_identity,
    save_credentials,
    save_identity,
)
from cellwright.links.opcua.server import HardenedServer, hardened_server
from cellwright.links.opcua.serverside import StationServer, build_station

APPLICATION_URI = "urn:cellwright:virtual-plant"
USER = "mes"
WORK_CENTERS: dict[str, tuple[str, ...]] = {
    "receiving": ("RCV-01",),
    "mixing": ("MIX-C1", "MIX-A1"),
    "coating": ("COAT-C1", "COAT-A1"),
    "electrode": ("CAL-C1", "CAL-A1", "SLIT-C1", "SLIT-A1"),
    "winding": ("WIND-01",),
    "cell_assembly": ("ASM-01", "FILL-01", "SEAL-01"),
    "formation": ("TRAY-01", "FORM-01", "AGE-01", "GRADE-01", "SORT-01"),
    "module": ("RSORT-01", "MAG-01", "MOD-01", "MWELD-01", "GLUE-01", "MEOL-01"),
    "pack": (
        "PACK-01",
        "BOLT-01",
        "BMS-01",
        "LEAK-01",
        "INS-01",
        "HIPOT-01",
        "BOND-01",
        "CYC-01",
        "SOC-01",
        "LABEL-01",
        "PEOL-01",
        "SHIP-01",
    ),
}


class Keys(Struct, frozen=True):
    """What the machines' servers show, whom they trust, and which user they let in."""

    identity: Identity
    trust: TrustList
    credentials: Credentials


def open_keys(folder: Path, wall_us: WallClock) -> Keys:
    """Read the machines' keys from a folder and make what is missing.

    `machine/` holds certificate and key, `trusted/` the certificates of clients (put there by whoever starts the
    plant), `user.json` the user name and password that clients must show.
    """
    machine, user = folder / "machine", folder / "user.json"
    if not (machine / "certificate.der").exists():
        made = make_identity(APPLICATION_URI, hosts=["127.0.0.1", "localhost"], now_us=wall_us())
        save_identity(made, machine)
    if not user.exists():
        save_credentials(Credentials(USER, secrets.token_urlsafe(24)), user)
    (folder / "trusted").mkdir(mode=0o700, parents=True, exist_ok=True)
    return Keys(load_identity(machine), TrustList(folder, wall_us), load_credentials(user))


class Servers:
    """All servers of the plant; `async with` starts and stops them."""

    def __init__(self, keys: Keys, work_centers: Mapping[str, Sequence[str]] = WORK_CENTERS) -> None:
        """Serve the stations of each work centre."""
        self._keys = keys
        self._work_centers = work_centers
        self._servers: list[HardenedServer] = []
        self.urls: dict[str, str] = {}
        self.stations: dict[str, StationServer] = {}

    async def __aenter__(self) -> Self:
        """Listen on free ports."""
        for work_center, codes in self._work_centers.items():
            server = await self._listen()
            self.urls[work_center] = f"opc.tcp://127.0.0.1:{server.port}"
            for code in codes:
                self.stations[code] = await build_station(server, code, takes_jobs=True)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every server, all at once: each takes up to a second."""
        await asyncio.gather(*(server.stop() for server in self._servers))

    async def _listen(self) -> HardenedServer:
        passwords = {self._keys.credentials.user: self._keys.credentials.password}
        server = await hardened_server(
            "opc.tcp://127.0.0.1:0", identity=self._keys.identity, trust=self._keys.trust, passwords=passwords
        )
        await server.start()
        self._servers.append(server)
        return server
