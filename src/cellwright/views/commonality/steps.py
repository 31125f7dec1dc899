"""What was done to units one by one: stations, carriers and their slots, tools, roles, shifts, and slots of members.

These facts are kept by page and not by interval, so they are read for a bounded number of units.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.model.ids import UnitKind, first_id
from cellwright.views.commonality.factors import Factor, FactorKind, LevelBook, moment_code, shift_code

# Units are looked for 200 at a time: each look into the index also reads all that was added to it last.
STEPS = """
    SELECT p.position, p.kind, p.station, p.operation, p.time_us, f.body
    FROM (SELECT DISTINCT h.position, h.kind, h.station, h.operation, h.time_us
          FROM (SELECT array_agg(id) AS ids FROM unnest($1::bigint[]) WITH ORDINALITY AS n (id, at)
                GROUP BY at / 200) AS k
          CROSS JOIN LATERAL (SELECT position, kind, station, operation, time_us FROM history
                              WHERE units && k.ids AND kind IN ('OperationCompleted', 'CarrierLoaded')
                              OFFSET 0) AS h) AS p
    CROSS JOIN LATERAL (SELECT body FROM fact WHERE fact.position = p.position OFFSET 0) AS f
    ORDER BY p.position
"""
FITTINGS = """
    SELECT position, recorded_us, body FROM fact WHERE kind = 'ToolReplaced' ORDER BY position
"""
ROLES = "SELECT person, roles FROM person"
MEMBER_SLOTS = """
    SELECT k.id, m.parent, m.slot
    FROM unnest($1::bigint[]) AS k (id)
    CROSS JOIN LATERAL (SELECT parent, slot FROM memberships_kept(k.id) ORDER BY from_us DESC LIMIT 1) AS m
"""


class _Step(Struct, frozen=True):
    """What is asked of a fact: a completed operation, or a loaded carrier (with slots)."""

    units: tuple[int, ...]
    carrier: str = ""
    slots: tuple[int, ...] = ()
    tools: tuple[str, ...] = ()
    person: str = ""


class _Fitting(Struct, frozen=True):
    station: str
    tool: str


_STEP, _FITTING = msgspec.json.Decoder(_Step), msgspec.json.Decoder(_Fitting)


class _Known(Struct):
    """What steps refer to: when tools were fitted (position, code), people's roles, where units stand in carriers."""

    wanted: frozenset[int]
    fittings: dict[tuple[str, str], list[tuple[int, str]]]
    roles: dict[str, str]
    slots: dict[tuple[int, str], int]


async def add_steps(connection: Connection, book: LevelBook, units: Sequence[int]) -> None:
    """Note what was done to units, and the slots of the modules or packs that they are in or were in last."""
    known = _Known(frozenset(units), await _fittings(connection), await _roles(connection), {})
    records = await connection.fetch(STEPS, list(units))
    # The plant's work goes on in this thread meanwhile.
    book.add_units(await asyncio.to_thread(_levels_of, book, records, known))
    members = await connection.fetch(MEMBER_SLOTS, list(units))
    book.add_units(
        [
            (book.number(Factor(FactorKind.MEMBER_SLOT, kind_of(each["parent"])), str(each["slot"])), each["id"])
            for each in members
        ]
    )


def _levels_of(book: LevelBook, records: Sequence[Any], known: _Known) -> list[tuple[int, int]]:
    """Return pairs of level and unit."""
    # Thousands of pages had the same few machines: each level is looked up in the book once.
    numbers: dict[tuple[FactorKind, str, str], int] = {}

    def number(kind: FactorKind, of: str, code: str) -> int:
        key = (kind, of, code)
        if key not in numbers:
            numbers[key] = book.number(Factor(kind, of), code)
        return numbers[key]

    pairs: list[tuple[int, int]] = []
    for record in records:
        step = _STEP.decode(record["body"])
        if record["kind"] == "CarrierLoaded":
            placed = zip(step.units, step.slots, strict=True)
            known.slots.update(((unit, step.carrier), slot) for unit, slot in placed if unit in known.wanted)
            continue
        levels = [number(*level) for level in _page_levels(record, step, known)]
        for unit in known.wanted.intersection(step.units):
            pairs += [(level, unit) for level in levels]
            pairs += [(number(*level), unit) for level in _slot_levels(record, step.carrier, unit, known)]
    return pairs


def kind_of(unit: int) -> UnitKind:
    """Return what a unit is, by its id."""
    return max(UnitKind, key=lambda kind: first_id(kind, 0) if first_id(kind, 0) <= unit else -1)


def _page_levels(record: Any, step: _Step, known: _Known) -> Iterator[tuple[FactorKind, str, str]]:
    """Yield what all units of a completed page had: kind of factor, what it is of, and the level's code."""
    station, operation = record["station"], record["operation"]
    yield FactorKind.STATION, operation, station
    yield FactorKind.SHIFT, operation, shift_code(record["time_us"])
    if step.carrier:
        yield FactorKind.CARRIER, operation, step.carrier
    if step.person:
        yield FactorKind.ROLE, operation, known.roles.get(step.person, "")
    for tool in step.tools:
        fitted = known.fittings.get((station, tool), [])
        at = bisect_right(fitted, record["position"], key=lambda each: each[0])
        yield FactorKind.TOOL, f"{station} {tool}", fitted[at - 1][1] if at else ""


def _slot_levels(record: Any, carrier: str, unit: int, known: _Known) -> Iterator[tuple[FactorKind, str, str]]:
    """Yield where in its carrier a unit was."""
    slot = known.slots.get((unit, carrier))
    if slot is not None:
        yield FactorKind.SLOT, record["operation"], str(slot)
        yield FactorKind.CHANNEL, record["operation"], f"{record['station']} {slot}"


async def _fittings(connection: Connection) -> dict[tuple[str, str], list[tuple[int, str]]]:
    fittings: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for record in await connection.fetch(FITTINGS):
        fitting = _FITTING.decode(record["body"])
        code = moment_code(record["recorded_us"])
        fittings.setdefault((fitting.station, fitting.tool), []).append((record["position"], code))
    return fittings


async def _roles(connection: Connection) -> dict[str, str]:
    return {record["person"]: ", ".join(sorted(record["roles"])) for record in await connection.fetch(ROLES)}
