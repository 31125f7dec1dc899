"""Equipment by ISA-95 roles: site, area, work centre, work unit (station)."""

from msgspec import Struct


class Tool(Struct, frozen=True, kw_only=True):
    """A wearing tool of a station; `life_count` uses, then it must be replaced."""

    code: str
    life_count: int


class WorkCenter(Struct, frozen=True, kw_only=True):
    """A line, process cell or storage zone: the stations that one equipment server speaks for."""

    code: str
    name: str
    area: str


class Station(Struct, frozen=True, kw_only=True):
    """A work unit that asks and reports; its operations name what may be done there."""

    code: str
    name: str
    work_center: str
    operations: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    capacity_count: int = 1
    """Units (or lots) that may be in process at once."""
    carrier: str = ""
    """Carrier type that the station works on as a page, "" = single units."""
    dispatched: bool = False
    """Works only on job orders."""
