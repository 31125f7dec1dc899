"""What a machine server offers, looked at once per session: the contract's version, and the right to answer."""

from collections.abc import Sequence

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds

from cellwright.links.opcua.contract import CONTRACT_VERSION, NODES, VERSION_PATH, Writer, node_key
from cellwright.links.opcua.session import Session

_WRITTEN_PATHS = tuple(spec.path for spec in NODES if spec.writer is Writer.MES and not spec.is_optional)
_MAY_WRITE = 1 << ua.AccessLevel.CurrentWrite.value


async def station_faults(session: Session, stations: Sequence[str]) -> list[str]:
    """Return for each station what keeps it from being served, "" = nothing.

    A station whose answer nodes cannot all be written would show half an answer as a whole one.
    """
    versions = await session.read([session.node_id(node_key(each, VERSION_PATH)) for each in stations])
    keys = [node_key(station, path) for station in stations for path in _WRITTEN_PATHS]
    levels = await session.read([session.node_id(key) for key in keys], AttributeIds.UserAccessLevel)
    closed = {key for key, level in zip(keys, levels, strict=True) if not _may_write(level)}
    return [
        _version_fault(station, _content(version)) or _access_fault(station, closed)
        for station, version in zip(stations, versions, strict=True)
    ]


def _content(data: ua.DataValue) -> object:
    return None if data.Value is None else data.Value.Value


def _may_write(level: ua.DataValue) -> bool:
    content = _content(level)
    return isinstance(content, int) and bool(content & _MAY_WRITE)


def _version_fault(station: str, version: object) -> str:
    if version == CONTRACT_VERSION:
        return ""
    found = "no such node" if version is None else str(version)
    return f"{station}/{VERSION_PATH}: expected {CONTRACT_VERSION}, found {found}; see the station contract"


def _access_fault(station: str, closed: set[str]) -> str:
    mine = [key for key in (node_key(station, path) for path in _WRITTEN_PATHS) if key in closed]
    return f"the link's user may not write {', '.join(mine)}; grant it at the machine" if mine else ""
