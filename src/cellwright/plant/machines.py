"""Where the machines are: the file that names each work centre's server, and the keys shown to it."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from cellwright.errors import ConfigurationError
from cellwright.links.opcua.security import (
    LinkSecurity,
    TrustList,
    WallClock,
    load_credentials,
    load_identity,
    make_identity,
    save_identity,
)
from cellwright.links.opcua.session import Endpoint
from cellwright.model.plant import Plant

APPLICATION_URI = "urn:cellwright:mes"


class Machine(Struct, frozen=True, forbid_unknown_fields=True):
    """The server of a work centre: address, and the application URI that its pinned certificate must carry."""

    url: str
    application_uri: str


def read_machines(path: Path, plant: Plant) -> dict[str, Endpoint]:
    """Read a machines file: JSON, work centre to machine. Raises ConfigurationError naming every mistake."""
    try:
        machines = msgspec.json.decode(path.read_bytes(), type=dict[str, Machine])
    except OSError as error:
        raise ConfigurationError([f"{path}: cannot be read ({error.strerror}); name the machines file"]) from error
    except msgspec.DecodeError as error:
        expected = 'expected {"work centre": {"url": "opc.tcp://...", "application_uri": "urn:..."}}'
        raise ConfigurationError([f"{path}: {error}; {expected}"]) from error
    unknown = sorted(set(machines) - set(plant.work_centers))
    if unknown:
        known = ", ".join(sorted(plant.work_centers))
        raise ConfigurationError(
            [f"{path}: work centre {name!r} is not in the plant; known: {known}" for name in unknown]
        )
    return {code: Endpoint(machine.url, machine.application_uri) for code, machine in machines.items()}


def write_machines(path: Path, machines: Mapping[str, Machine]) -> None:
    """Write a machines file."""
    draft = path.with_name(path.name + ".new")
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(machines)))
    draft.replace(path)


def open_link_security(folder: Path, wall_us: WallClock) -> LinkSecurity:
    """Read what the links show and trust: `mes/`, `user.json` and `trusted/` of a folder; make `mes/` when missing."""
    make_link_identity(folder, wall_us)
    user = folder / "user.json"
    if not user.exists():
        raise ConfigurationError(
            [f"{user}: missing; write the machines' user name and password there, readable by you"]
        )
    return LinkSecurity(load_identity(folder / "mes"), load_credentials(user), TrustList(folder, wall_us))


def make_link_identity(folder: Path, wall_us: WallClock) -> bytes:
    """Return the links' certificate (DER) for machines to trust; make it at the first start."""
    own = folder / "mes"
    if not (own / "certificate.der").exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        save_identity(make_identity(APPLICATION_URI, hosts=["127.0.0.1", "localhost"], now_us=wall_us()), own)
    return load_identity(own).certificate
