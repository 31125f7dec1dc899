"""The map of a web: metre by lane what was measured, the flaws seen, and the units wound from it; a brushed stretch's reach."""

from collections.abc import Iterable, Iterator
from typing import Any

from litestar.exceptions import ClientException
from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.model.ids import UnitKind
from cellwright.model.plant import Plant
from cellwright.model.quantities import Characteristic, Measure
from cellwright.rules.positions import Basis, Direction
from cellwright.views.finding import find_lot
from cellwright.views.lots import LotCard, read_lot
from cellwright.views.reached import Asked, Reached, reach
from cellwright.views.reached_steps import read_level
from cellwright.views.roll_map import BINS_MAX, RollLane, RollMark, RollRun, read_roll_map
from cellwright.views.subjects import TraceError
from cellwright.web.access.permissions import Permission
from cellwright.web.page import Page
from cellwright.web.pages.reading import reading
from cellwright.web.problems import NotFoundError
from cellwright.web.question import Question
from cellwright.web.tables import Table, facts_of, table_of

_SHOWN_MAX = 200


class MapLimit(Struct, frozen=True, kw_only=True):
    """A characteristic of an operation that was measured along the web: unit and limits, None = unlimited."""

    operation: str
    characteristic: str
    unit: str
    lower: float | None
    target: float | None
    upper: float | None


class ReachCount(Struct, frozen=True, kw_only=True):
    """How many units of a kind are made of the brushed stretch, and how many of them are listed."""

    kind: UnitKind
    units_count: int
    shown_count: int


class ReachUnit(Struct, frozen=True, kw_only=True):
    """A unit that is made of the brushed stretch, or lies within the tolerance of it."""

    kind: UnitKind
    code: str
    product: str
    status: str
    basis: Basis


class RollReach(Struct, frozen=True, kw_only=True):
    """What was made of [start, end) of a lane (0 = the whole width) of the web."""

    start: int
    end: int
    lane: int
    counts: tuple[ReachCount, ...]
    units: tuple[ReachUnit, ...]


class RollMapData(Struct, frozen=True, kw_only=True):
    """All that a roll map shows of [start, end) of a web."""

    lot: LotCard
    material_name: str
    start: int
    end: int
    limits: tuple[MapLimit, ...]
    lanes: tuple[RollLane, ...]
    marks: tuple[RollMark, ...]
    marks_count: int
    runs: tuple[RollRun, ...]
    runs_count: int
    is_partial: bool
    """Whether only the nearest of many other webs were looked at: ask for a shorter section."""
    reach: RollReach | None
    """Of the stretch between `brush_start` and `brush_end`, None = nothing was brushed."""


class MapValue(Struct, frozen=True, kw_only=True):
    """A bin of a lane, as files hold it."""

    characteristic: str
    source: str
    source_lane: int
    lane: int
    start: int
    end: int
    value: float | None
    lower: float | None
    upper: float | None
    measured_count: int


async def _load(question: Question) -> RollMapData:
    async with reading(question.services) as connection:
        number = await find_lot(connection, question.code)
        if number is None:
            raise NotFoundError(f"no lot has the code {question.code!r}; look for a part of it, or scan it again")
        lot = await read_lot(connection, number)
        if lot.measure is not Measure.MM:
            raise NotFoundError(
                f"lot {lot.code} is counted in {lot.measure} and has no places along it; only webs, counted in mm, "
                f"have a map: see /lots/{lot.code}"
            )
        return await _read(connection, question, lot)


async def _read(connection: Connection, question: Question, lot: LotCard) -> RollMapData:
    plant = question.services.plant
    section = _section(question, lot, ("start", "end")) or (0, lot.quantity)
    bins = question.whole("bins")
    found = await read_roll_map(connection, lot.id, section, bins=BINS_MAX if bins is None else bins)
    material = plant.materials.get(lot.material)
    return RollMapData(
        lot=lot,
        material_name=material.name if material else lot.material,
        start=section[0],
        end=section[1],
        limits=tuple(_limits(plant, found.lanes)),
        lanes=found.lanes,
        marks=found.marks,
        marks_count=found.marks_count,
        runs=found.runs,
        runs_count=found.runs_count,
        is_partial=found.is_partial,
        reach=await _reach(connection, question, lot),
    )


def _section(question: Question, lot: LotCard, names: tuple[str, str]) -> tuple[int, int] | None:
    """Return a stretch of the lot that the address names, None when it names none; raises ClientException (400)."""
    given = [question.query.get(name, "") for name in names]
    if not any(given):
        return None
    low, high = (
        question.whole(name) if text else default
        for name, text, default in zip(names, given, (0, lot.quantity), strict=True)
    )
    if low is None or high is None or not 0 <= low < high <= lot.quantity:
        text = f"[{given[0] or 0}, {given[1] or lot.quantity}) is no stretch of lot {lot.code}; give whole numbers "
        raise ClientException(f"{text}{names[0]} and {names[1]} with 0 <= {names[0]} < {names[1]} <= {lot.quantity} mm")
    return low, high


def _limits(plant: Plant, lanes: Iterable[RollLane]) -> Iterator[MapLimit]:
    """Yield the unit and limits of every characteristic on a map, as the plant's files have them now."""
    for operation, code in dict.fromkeys((lane.operation, lane.characteristic) for lane in lanes):
        rule = plant.lot_operations.get(operation)
        known = {each.code: each for each in rule.characteristics} if rule else {}
        limit = known.get(code, Characteristic(code=code, unit=""))
        yield MapLimit(
            operation=operation,
            characteristic=code,
            unit=limit.unit,
            lower=limit.lower,
            target=limit.target,
            upper=limit.upper,
        )


async def _reach(connection: Connection, question: Question, lot: LotCard) -> RollReach | None:
    """Count what was made of the brushed stretch, however long it is, and list the first of each kind."""
    brushed = _section(question, lot, ("brush_start", "brush_end"))
    if brushed is None:
        return None
    start, end = brushed
    lane = question.whole("lane") or 0
    asked = Asked(subject=lot.id, direction=Direction.FORWARD, start=start, end=end, lane=lane)
    try:
        reached = await reach(connection, asked)
    except TraceError as error:
        raise ClientException(str(error)) from None
    found = {kind: await _first(connection, reached, kind) for kind in UnitKind}
    counts = tuple(
        ReachCount(
            kind=kind,
            units_count=len(reached.units[kind].ids) if kind in reached.units else 0,
            shown_count=len(units),
        )
        for kind, units in found.items()
    )
    units = tuple(each for units in found.values() for each in units)
    return RollReach(start=start, end=end, lane=lane, counts=counts, units=units)


async def _first(connection: Connection, reached: Reached, kind: UnitKind) -> list[ReachUnit]:
    nodes = await read_level(connection, reached, kind, limit=_SHOWN_MAX)
    return [
        ReachUnit(kind=kind, code=node.code, product=node.product, status=node.status, basis=node.basis)
        for node in (nodes.nodes if nodes else ())
    ]


def _values(lanes: Iterable[RollLane]) -> Iterator[MapValue]:
    for lane in lanes:
        bins = lane.bins
        for index, (start, end, value) in enumerate(zip(bins.starts, bins.ends, bins.values, strict=True)):
            yield MapValue(
                characteristic=lane.characteristic,
                source=lane.source,
                source_lane=lane.source_lane,
                lane=lane.lane,
                start=start,
                end=end,
                value=value,
                lower=bins.lower[index] if bins.lower else value,
                upper=bins.upper[index] if bins.upper else value,
                measured_count=bins.counts[index],
            )


def _tables(data: RollMapData) -> list[Table]:
    """Values first: what holds one table holds these."""
    lists: dict[str, tuple[type[Any], Iterable[Any]]] = {
        "values": (MapValue, _values(data.lanes)),
        "marks": (RollMark, data.marks),
        "runs": (RollRun, data.runs),
        "limits": (MapLimit, data.limits),
        "reach": (ReachUnit, data.reach.units if data.reach else ()),
    }
    return [*(table_of(name, kind, rows) for name, (kind, rows) in lists.items()), facts_of("lot", data.lot)]


ROLL_MAP = Page(
    name="roll_map",
    path="/roll-maps/",
    permission=Permission.PLANT_READ,
    load=_load,
    query=("start", "end", "bins", "brush_start", "brush_end", "lane"),
    tables=_tables,
)
