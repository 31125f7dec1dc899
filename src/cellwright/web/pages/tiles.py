"""A station in one glance: what it does, since when, how fast, how well, and what it was refused last."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from cellwright.model.answers import RefusalCode
from cellwright.model.equipment import Station
from cellwright.model.plant import Plant
from cellwright.plant.stations import MachineSign
from cellwright.views.buffers import Buffer
from cellwright.views.stations import Refusal, StationView


class TileState(StrEnum):
    """State of a station as people are shown it."""

    RUNNING = "running"
    IDLE = "idle"
    """Something waits for it, and it does not work."""
    STARVED = "starved"
    """Nothing waits for it, or it was refused for want of material."""
    SETUP = "setup"
    """It was refused until somebody does something: recipe, tool, calibration, person."""
    OFFLINE = "offline"
    """Its machine is not heard."""


_WANTS = frozenset(
    {
        RefusalCode.MATERIAL_MISSING,
        RefusalCode.LOT_UNRELEASED,
        RefusalCode.LOT_EXPIRED,
        RefusalCode.LOT_EXHAUSTED,
        RefusalCode.LOT_HELD,
        RefusalCode.UNIT_EARLY,
        RefusalCode.CARRIER_EMPTY,
        RefusalCode.MEMBER_COUNT_WRONG,
        RefusalCode.QUEUE_TIME_SHORT,
    }
)
"""Refusals that pass when what is missing arrives."""


class TileRefusal(Struct, frozen=True):
    """The last refusal: first code and sentence, when the server recorded it (UTC us), and whether nothing came since."""

    code: str
    text: str
    time_us: int
    reasons_count: int
    is_last: bool


class Tile(Struct, frozen=True, kw_only=True):
    """A station as a line shows it; times in UTC us, None = unknown."""

    station: str
    name: str
    work_center: str
    operations: tuple[str, ...]
    state: TileState
    since_us: int | None
    operation: str
    unit: str
    """Code of the first unit, lot or carrier in process, "" = none."""
    unit_kind: str
    """`unit`, `lot`, `carrier` or ""."""
    running_count: int
    capacity_count: int
    waiting_count: int | None
    """Units that wait for its operations; None = it makes lots."""
    last_cycle_s: float | None
    median_cycle_s: float | None
    cycles_count: int
    ok_count: int
    ng_count: int
    refused_count: int
    refusal: TileRefusal | None
    last_fact_us: int
    """When the server recorded its last fact; 0 = never."""


def tiles_of(
    plant: Plant, views: Iterable[StationView], buffers: Sequence[Buffer], signs: Mapping[str, MachineSign]
) -> tuple[Tile, ...]:
    """Return every station of a plant, in the order of its files."""
    known = {each.station: each for each in views}
    waiting: dict[str, int] = {}
    for buffer in buffers:
        waiting[buffer.operation] = waiting.get(buffer.operation, 0) + buffer.waiting_count
    return tuple(
        tile_of(station, known.get(code), _waiting(plant, station, waiting), signs.get(code))
        for code, station in plant.stations.items()
    )


def _waiting(plant: Plant, station: Station, waiting: Mapping[str, int]) -> int | None:
    """Return how many units wait for a station's operations; None where it makes lots or gives birth to units."""
    firsts = {draft.operations[0].code for draft in plant.routes.values() if draft.operations}
    taking = [each for each in station.operations if each not in plant.lot_operations and each not in firsts]
    return sum(waiting.get(each, 0) for each in taking) if taking else None


def tile_of(station: Station, view: StationView | None, waiting_count: int | None, sign: MachineSign | None) -> Tile:
    """Return one station; `view` None = it never worked or asked, `sign` None = no machine is named."""
    refusal = None if view is None else _refusal(view.last_refusal, view.last_fact_us)
    state = _state(view, refusal, waiting_count, sign)
    code, kind = _in_process(view)
    return Tile(
        station=station.code,
        name=station.name,
        work_center=station.work_center,
        operations=station.operations,
        state=state,
        since_us=_since(view, state),
        operation=view.operation if view else "",
        unit=code,
        unit_kind=kind,
        running_count=view.running_count if view else 0,
        capacity_count=station.capacity_count,
        waiting_count=waiting_count,
        last_cycle_s=view.last_cycle_s if view else None,
        median_cycle_s=view.median_cycle_s if view else None,
        cycles_count=view.cycles_count if view else 0,
        ok_count=view.ok_count if view else 0,
        ng_count=view.ng_count if view else 0,
        refused_count=view.refused_count if view else 0,
        refusal=refusal,
        last_fact_us=view.last_fact_us if view else 0,
    )


def _refusal(refusal: Refusal | None, last_fact_us: int) -> TileRefusal | None:
    if refusal is None or not refusal.reasons:
        return None
    first = refusal.reasons[0]
    is_last = refusal.time_us >= last_fact_us
    return TileRefusal(str(first.code), first.text, refusal.time_us, len(refusal.reasons), is_last)


def _state(
    view: StationView | None, refusal: TileRefusal | None, waiting_count: int | None, sign: MachineSign | None
) -> TileState:
    if sign is not None and not sign.is_heard:
        return TileState.OFFLINE
    if view is not None and view.running_count:
        return TileState.RUNNING
    if refusal is not None and refusal.is_last:
        return TileState.STARVED if refusal.code in _WANTS else TileState.SETUP
    return TileState.STARVED if waiting_count == 0 else TileState.IDLE


def _since(view: StationView | None, state: TileState) -> int | None:
    """Return since when a station is in its state; the machine's silence has no recorded beginning."""
    if view is None or state is TileState.OFFLINE:
        return None
    if state is TileState.RUNNING:
        return min(page.since_us for page in view.running)
    return view.last_fact_us


def _in_process(view: StationView | None) -> tuple[str, str]:
    if view is None or not view.running:
        return "", ""
    page = view.running[0]
    if page.carrier:
        return page.carrier, "carrier"
    if page.unit:
        return page.unit, "unit"
    return (page.lots[0], "lot") if page.lots else ("", "")
