"""Units for people: one of them in full, and lists of them, the newest first.

`unit` has no index but over its ids, so that every change stays within its page. Lists therefore look at the newest
units of the ids in question, at most `WINDOW_COUNT`, and say how many they looked at.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.model.ids import CODE_LENGTH, SERIAL_LENGTH, SERIAL_LIMIT, UnitBlock, UnitKind, first_id
from cellwright.rules.state import UnitStatus
from cellwright.views.following import unit_codes
from cellwright.views.stored import decode_rows

WINDOW_COUNT = 100_000
_RANGES_MAX = 1000
_SEQUENCE_LIMIT = 1 << 40
_PREFIX_LENGTH = CODE_LENGTH - SERIAL_LENGTH
_LAST_LINE = 1 << 14
Ranges: TypeAlias = "list[tuple[int, int]]"
"""Unit ids from the first to the second, both included; highest first."""

HELD = "held"
"""Stands for a status in lists: units with an open hold, whatever their status."""


class UnitCard(Struct, frozen=True, kw_only=True):
    """A unit as it stands now; "" and None = does not apply. Times in UTC us."""

    code: str
    kind: UnitKind
    product: str
    status: UnitStatus
    step: int
    """Index of the operation that it waits for or is in; the route's length when it is through."""
    station: str
    carrier: str
    slot: int | None
    parent: str
    grade: str
    holds_count: int
    worked_us: int | None
    """End of the last operation."""
    id: int
    route: int
    completed_us: tuple[int, ...]
    attempts: tuple[int, ...]


class UnitMember(Struct, frozen=True, kw_only=True):
    """A unit in a slot of another one, from `from_us` on (UTC us)."""

    slot: int
    code: str
    kind: UnitKind
    product: str
    status: UnitStatus
    grade: str
    holds_count: int
    from_us: int


class Membership(Struct, frozen=True, kw_only=True):
    """A unit of which this one is or was a member; `to_us` None = it still is. Times in UTC us."""

    parent: str
    kind: str
    product: str
    slot: int
    members_count: int
    """Members that the parent has now."""
    from_us: int
    to_us: int | None


class UnitFilter(Struct, frozen=True, kw_only=True):
    """Which units a list shows; empty = all. `steps` are the (route id, step) pairs of an operation."""

    kind: UnitKind | None = None
    status: str = ""
    steps: tuple[tuple[int, int], ...] | None = None
    text: str = ""


class UnitPage(Struct, frozen=True, kw_only=True):
    """Part of a list: `total_count` matched among the newest `searched_count` of `all_count` units asked for."""

    units: tuple[UnitCard, ...]
    total_count: int
    searched_count: int
    all_count: int


_CARD = """
    u.id, u.kind, u.product, u.route, u.step, u.status, u.station, u.completed_us, u.attempts, u.grade, u.holds,
    u.carrier, u.slot, u.parent
"""
_OF_IDS = f"""
    SELECT {_CARD} FROM unnest($1::bigint[]) AS k (id)
    CROSS JOIN LATERAL (SELECT * FROM unit_kept(k.id) OFFSET 0) AS u
"""  # noqa: S608 - names are ours
_BLOCKS = """
    SELECT id_from, count, prefix, serial_from FROM unit_block WHERE id_from BETWEEN $1 AND $2 ORDER BY id_from DESC
"""
_IN_RANGES = """
    SELECT u.id, count(*) OVER () AS total_count
    FROM unnest($1::bigint[], $2::bigint[]) AS r (low, high)
    CROSS JOIN LATERAL (SELECT id, route, step, status, holds FROM unit
                        WHERE unit.id BETWEEN r.low AND r.high
                        UNION ALL
                        SELECT id, route, step, status, 0 FROM sealed_units(r.low, r.high) OFFSET 0) AS u
    WHERE ($3 = '' OR u.status = $3 OR ($3 = 'held' AND u.holds > 0))
      AND ($4::int[] IS NULL OR (u.route, u.step) IN (SELECT * FROM unnest($4::int[], $5::smallint[])))
    ORDER BY u.id DESC
    LIMIT $6 OFFSET $7
"""
_MEMBERS = """
    SELECT m.slot, m.unit, m.from_us, u.kind, u.product, u.status, u.grade, u.holds
    FROM (SELECT slot, unit, from_us FROM members_kept($1) OFFSET 0) AS m
    CROSS JOIN LATERAL (SELECT kind, product, status, grade, holds FROM unit_kept(m.unit) OFFSET 0) AS u
    ORDER BY m.slot
"""
_PARENTS = """
    SELECT m.parent, m.slot, m.from_us, m.to_us, u.kind, u.product,
           (SELECT count(*) FROM members_kept(m.parent)) AS members_count
    FROM (SELECT parent, slot, from_us, to_us FROM memberships_kept($1) OFFSET 0) AS m
    CROSS JOIN LATERAL (SELECT kind, product FROM unit_kept(m.parent) OFFSET 0) AS u
    ORDER BY m.from_us DESC
"""


async def read_unit(connection: Connection, number: int) -> UnitCard:
    """Return a unit by its id, which has to be given out."""
    return (await read_units(connection, [number]))[0]


async def read_units(connection: Connection, numbers: Sequence[int]) -> tuple[UnitCard, ...]:
    """Return units by their ids, in that order; those not given out are left out."""
    records = await connection.fetch(_OF_IDS, list(numbers))
    parents = {record["parent"] for record in records if record["parent"]}
    codes = await unit_codes(connection, {*numbers, *parents})
    cards = {record["id"]: _card(record, codes) for record in records}
    return tuple(cards[number] for number in numbers if number in cards)


def _card(record: Any, codes: Mapping[int, str]) -> UnitCard:
    times = tuple(record["completed_us"])
    return UnitCard(
        code=codes.get(record["id"], ""),
        kind=UnitKind(record["kind"]),
        product=record["product"],
        status=UnitStatus(record["status"]),
        step=record["step"],
        station=record["station"],
        carrier=record["carrier"],
        slot=record["slot"] if record["carrier"] else None,
        parent=codes.get(record["parent"], ""),
        grade=record["grade"],
        holds_count=record["holds"],
        worked_us=max(times, default=0) or None,
        id=record["id"],
        route=record["route"],
        completed_us=times,
        attempts=tuple(record["attempts"]),
    )


async def read_members(connection: Connection, number: int) -> tuple[UnitMember, ...]:
    """Return what is in the slots of a unit now."""
    records = await connection.fetch(_MEMBERS, number)
    codes = await unit_codes(connection, [record["unit"] for record in records])
    return tuple(
        UnitMember(
            slot=record["slot"],
            code=codes[record["unit"]],
            kind=UnitKind(record["kind"]),
            product=record["product"],
            status=UnitStatus(record["status"]),
            grade=record["grade"],
            holds_count=record["holds"],
            from_us=record["from_us"],
        )
        for record in records
    )


async def read_memberships(connection: Connection, number: int) -> tuple[Membership, ...]:
    """Return the units of which a unit is or was a member, the newest first."""
    records = await connection.fetch(_PARENTS, number)
    codes = await unit_codes(connection, [record["parent"] for record in records])
    return tuple(
        Membership(
            parent=codes[record["parent"]],
            kind=record["kind"],
            product=record["product"],
            slot=record["slot"],
            members_count=record["members_count"],
            from_us=record["from_us"],
            to_us=record["to_us"] or None,
        )
        for record in records
    )


# --- lists ------------------------------------------------------------------------------------------


async def list_units(connection: Connection, wanted: UnitFilter, *, limit: int, offset: int = 0) -> UnitPage:
    """Return the units that a filter chooses: packs, modules, cells, each the newest first."""
    blocks = decode_rows(UnitBlock, await connection.fetch(_BLOCKS, *_ids_of(wanted.kind)))
    ranges = _joined(_ranges_of(blocks, wanted.text.strip().upper()))[:_RANGES_MAX]
    all_count = sum(high - low + 1 for low, high in ranges)
    window = _newest(ranges, WINDOW_COUNT)
    is_plain = not wanted.status and wanted.steps is None
    if is_plain:  # Every id in a range is a unit, so nothing has to be looked at to count them.
        numbers, total_count, searched_count = _cut(ranges, limit, offset), all_count, all_count
    else:
        numbers, total_count = await _search(connection, wanted, window, limit=limit, offset=offset)
        searched_count = sum(high - low + 1 for low, high in window)
    return UnitPage(
        units=await read_units(connection, numbers),
        total_count=total_count,
        searched_count=searched_count,
        all_count=all_count,
    )


async def _search(
    connection: Connection, wanted: UnitFilter, window: Ranges, *, limit: int, offset: int
) -> tuple[list[int], int]:
    steps = wanted.steps
    records = await connection.fetch(
        _IN_RANGES,
        [low for low, _ in window],
        [high for _, high in window],
        wanted.status,
        None if steps is None else [route for route, _ in steps],
        None if steps is None else [step for _, step in steps],
        limit,
        offset,
    )
    return [record["id"] for record in records], records[0]["total_count"] if records else 0


def _ids_of(kind: UnitKind | None) -> tuple[int, int]:
    """Return the lowest and highest id of a kind, or of all kinds."""
    kinds = list(UnitKind) if kind is None else [kind]
    return first_id(kinds[0], 0), first_id(kinds[-1], _LAST_LINE - 1) + _SEQUENCE_LIMIT - 1


def _ranges_of(blocks: Iterable[UnitBlock], text: str) -> Ranges:
    """Return the ids whose printed code begins with a text, or whose serial number it is; newest blocks first."""
    found = (_within(block, text) for block in blocks)
    return [each for each in found if each is not None]


def _within(block: UnitBlock, text: str) -> tuple[int, int] | None:
    if block.prefix.startswith(text):
        return block.id_from, block.id_from + block.count - 1
    serials = _serials(block.prefix, text)
    if serials is None:
        return None
    low = max(serials[0], block.serial_from)
    high = min(serials[1], block.serial_from + block.count - 1)
    shift = block.id_from - block.serial_from
    return (low + shift, high + shift) if low <= high else None


def _serials(prefix: str, text: str) -> tuple[int, int] | None:
    """Return the lowest and highest serial number that a text allows behind a prefix, None when it allows none."""
    begun = text.removeprefix(prefix) if text.startswith(prefix) else ""
    digits = begun or text
    if not (digits.isascii() and digits.isdigit() and len(digits) <= SERIAL_LENGTH):
        return None
    if not begun:
        return int(digits), int(digits)
    size = SERIAL_LIMIT // 10 ** len(digits)
    return int(digits) * size, (int(digits) + 1) * size - 1


def _joined(ranges: Ranges) -> Ranges:
    """Return ranges that touch as one; they come highest first and do not overlap."""
    joined: Ranges = []
    for low, high in ranges:
        if joined and high + 1 == joined[-1][0]:
            joined[-1] = (low, joined[-1][1])
        else:
            joined.append((low, high))
    return joined


def _newest(ranges: Ranges, count: int) -> Ranges:
    """Return the highest ids of ranges, at most so many."""
    kept: Ranges = []
    for low, high in ranges:
        if count <= 0:
            break
        kept.append((max(low, high - count + 1), high))
        count -= high - low + 1
    return kept


def _cut(ranges: Ranges, limit: int, offset: int) -> list[int]:
    """Return the ids from an offset on, highest first."""
    numbers: list[int] = []
    for low, high in ranges:
        size = high - low + 1
        if offset < size:
            first = high - offset
            numbers.extend(range(first, max(low, first - limit + len(numbers) + 1) - 1, -1))
        offset = max(0, offset - size)
        if len(numbers) >= limit:
            break
    return numbers
