"""Sealed units at rest: packed 1,024 ids a row, and put back as rows when somebody works on them again."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, TypeAlias

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from cellwright.database.pool import Connection
from cellwright.errors import CellwrightError
from cellwright.rules.state import AssemblyRow, MemberRow, UnitRow, UnitStatus
from cellwright.views import genealogy, wip
from cellwright.views.stored import decode_rows

Ids: TypeAlias = NDArray[np.int64]
Numbers: TypeAlias = NDArray[np.int32]

TABLES: Final = ("sealed_assembly", "sealed_member", "sealed_block", "sealed_profile", "unsealed_unit")
BLOCK_BITS: Final = 10
BLOCK_SIZE: Final = 1 << BLOCK_BITS
NEAR_BITS: Final = 12
FAR_BITS: Final = 28
"""Ids are kept as a place in a list of bases and how far above that base they are: 15 bits, or 31."""

BASES_MAX: Final = 8

_LAST_ID: Final = 2**62
NOT_SEALED: Final = 255
_NONE: Final = -1
_SETTLED: Final = frozenset({UnitStatus.FINISHED, UnitStatus.ASSEMBLED})

_ARRAY_HEAD_BYTES: Final = 20
_SENT: Final = {
    bits: np.dtype([("size", ">i4"), ("number", kind)]) for bits, kind in ((NEAR_BITS, ">i2"), (FAR_BITS, ">i4"))
}
"""An element of `array_send` of a smallint[] or integer[] without NULLs."""

BLOCKS: Final = """
    SELECT b.block, b.profiles, b.places
    FROM unnest($1::bigint[]) AS k (block)
    CROSS JOIN LATERAL (SELECT block, profiles, places FROM sealed_block
                        WHERE sealed_block.block = k.block OFFSET 0) AS b
"""
PARENTS: Final = """
    SELECT m.block, m.bases, array_send(m.near) AS near, array_send(m.far) AS far
    FROM unnest($1::bigint[]) AS k (block)
    CROSS JOIN LATERAL (SELECT block, bases, near, far FROM sealed_member
                        WHERE sealed_member.block = k.block OFFSET 0) AS m
"""
ASSEMBLIES: Final = """
    SELECT a.id, a.from_us, a.bases, array_send(a.members) AS members
    FROM unnest($1::bigint[]) AS k (id)
    CROSS JOIN LATERAL (SELECT id, from_us, bases, members FROM sealed_assembly
                        WHERE sealed_assembly.id = k.id OFFSET 0) AS a
"""


class Assembly(Struct, frozen=True):
    """A unit with its members by slot, each in since `from_us` (UTC us)."""

    id: int
    from_us: int
    members: tuple[tuple[int, int], ...]
    """Slot and unit."""


class Sealing(Struct, frozen=True):
    """What is to be packed: units with what they share, and the assemblies that hold them."""

    units: Sequence[UnitRow]
    assemblies: Sequence[Assembly]


def to_numbers(ids: Ids, bits: int = FAR_BITS) -> tuple[list[int], Numbers] | None:
    """Return ids as bases and numbers of so many bits above them, 0 as -1 = none; None when it takes too many bases."""
    inside = ids > 0
    bases, places = np.unique((ids[inside] >> bits) << bits, return_inverse=True)
    if len(bases) > BASES_MAX:
        return None
    numbers = np.full(ids.shape, _NONE, np.int32)
    numbers[inside] = (places << bits) + (ids[inside] - bases[places])
    return bases.tolist(), numbers


def to_ids(bases: Sequence[int], sent: bytes, bits: int = FAR_BITS) -> Ids:
    """Return the ids that an array of numbers, as it was sent, stands for; 0 = none."""
    numbers = np.frombuffer(sent, _SENT[bits], offset=_ARRAY_HEAD_BYTES)["number"].astype(np.int64)
    known = np.array([*bases, 0], np.int64)
    return np.where(numbers >= 0, known[numbers >> bits] + (numbers & ((1 << bits) - 1)), 0)


def _parents(record: Any) -> Ids:
    """Return the parents of a block."""
    is_near = record["near"] is not None
    bits = NEAR_BITS if is_near else FAR_BITS
    return to_ids(record["bases"], record["near"] if is_near else record["far"], bits)


# --- reading ----------------------------------------------------------------------------------------


async def parents_of(connection: Connection, numbers: Ids) -> Ids:
    """Return the sealed parent of each unit, 0 = none is sealed; `numbers` ascend."""
    found = np.zeros(len(numbers), np.int64)
    blocks = numbers >> BLOCK_BITS
    for record in await connection.fetch(PARENTS, np.unique(blocks).tolist()):
        low, high = np.searchsorted(blocks, [record["block"], record["block"] + 1])
        found[low:high] = _parents(record)[numbers[low:high] & (BLOCK_SIZE - 1)]
    return found


async def members_of(connection: Connection, numbers: Ids) -> Ids:
    """Return the sealed members of units, in any order."""
    records = await connection.fetch(ASSEMBLIES, numbers.tolist())
    parts = [to_ids(record["bases"], record["members"]) for record in records]
    members = np.concatenate([np.empty(0, np.int64), *parts])
    return members[members > 0]


async def profiles_of(connection: Connection, numbers: Ids) -> tuple[dict[int, tuple[str, str]], Ids]:
    """Return product and status by number of profile, and the number of each unit's, 0 = not sealed; `numbers` ascend."""
    records = await connection.fetch("SELECT number, product, status FROM sealed_profile")
    shared = {record["number"]: (record["product"], record["status"]) for record in records}
    found, blocks = np.zeros(len(numbers), np.int64), numbers >> BLOCK_BITS
    for record in await connection.fetch(BLOCKS, np.unique(blocks).tolist()):
        low, high = np.searchsorted(blocks, [record["block"], record["block"] + 1])
        places = np.frombuffer(record["places"], np.uint8)[numbers[low:high] & (BLOCK_SIZE - 1)]
        profiles = np.zeros(NOT_SEALED + 1, np.int64)
        profiles[: len(record["profiles"])] = record["profiles"]
        found[low:high] = profiles[places]
    return shared, found


async def find_sealed(connection: Connection, numbers: Iterable[int]) -> list[int]:
    """Return which of these units are sealed."""
    wanted = np.unique(np.fromiter(numbers, np.int64))
    sealed = []
    for record in await connection.fetch(BLOCKS, np.unique(wanted >> BLOCK_BITS).tolist()):
        places = np.frombuffer(record["places"], np.uint8)
        inside = wanted[wanted >> BLOCK_BITS == record["block"]]
        sealed += inside[places[inside & (BLOCK_SIZE - 1)] != NOT_SEALED].tolist()
    return sealed


async def holds_any(connection: Connection, numbers: Iterable[int]) -> bool:
    """Tell whether any of these units, or its assembly, is sealed."""
    wanted = sorted(numbers)
    return bool(await find_sealed(connection, wanted) or await connection.fetch(ASSEMBLIES, wanted))


# --- packing ----------------------------------------------------------------------------------------


async def find_settled(connection: Connection, after: int, *, before_us: int, count: int) -> tuple[Sealing, int]:
    """Return up to `count` assemblies beyond the id `after` in which nothing moves any more since `before_us` (UTC us).

    Also the id to go on after; 0 = there are no more.
    """
    assemblies = await genealogy.ASSEMBLIES.load_page(connection, "WHERE id > $1 ORDER BY id LIMIT $2", after, count)
    parents = [each.id for each in assemblies]
    moved = await genealogy.MEMBERS.load_page(connection, "WHERE parent = ANY ($1::bigint[]) AND to_us = 0", parents)
    wanted = sorted({*parents, *(each.unit for each in moved)})
    units = {each.id: each for each in await wip.UNITS.load_page(connection, "WHERE id = ANY ($1::bigint[])", wanted)}
    by_parent: dict[int, list[MemberRow]] = {}
    for each in moved:
        by_parent.setdefault(each.parent, []).append(each)
    found = [(each, by_parent.get(each.id, [])) for each in assemblies]
    settled = [_assembly(each, members) for each, members in found if _is_settled(each, members, units, before_us)]
    members = [units[unit] for each in settled for _, unit in each.members]
    return Sealing(members, settled), parents[-1] if len(parents) == count else 0


async def find_scrapped(connection: Connection, after: int, *, before_us: int, count: int) -> tuple[Sealing, int]:
    """Return up to `count` scrapped units beyond the id `after` that were last worked on before `before_us` (UTC us).

    Also the id to go on after; 0 = there are no more.
    """
    rows = await wip.UNITS.load_page(
        connection, "WHERE id > $1 AND status = 'scrapped' ORDER BY id LIMIT $2", after, count
    )
    settled = [row for row in rows if _is_free(row) and max(row.completed_us, default=0) < before_us]
    return Sealing(settled, ()), rows[-1].id if len(rows) == count else 0


def _is_free(row: UnitRow) -> bool:
    return not row.holds and not row.carrier and not row.station


def _is_settled(
    assembly: AssemblyRow, members: Sequence[MemberRow], units: Mapping[int, UnitRow], before_us: int
) -> bool:
    """Whether a unit is made, and all its members came in at once, are free, and it was before a time."""
    parent, rows = units.get(assembly.id), [units.get(each.unit) for each in members]
    return (
        parent is not None
        and parent.status in _SETTLED
        and bool(members)
        and len({each.from_us for each in members}) == 1
        and members[0].from_us < before_us
        and len({each.unit >> FAR_BITS for each in members}) <= BASES_MAX
        and tuple(number for number in assembly.members if number)
        == tuple(each.unit for each in sorted(members, key=attrgetter("slot")))
        and all(row is not None and row.status is UnitStatus.ASSEMBLED and _is_free(row) for row in rows)
    )


def _assembly(row: AssemblyRow, members: Sequence[MemberRow]) -> Assembly:
    return Assembly(row.id, members[0].from_us, tuple(sorted((each.slot, each.unit) for each in members)))


async def pack(connection: Connection, sealing: Sealing) -> None:
    """Move units and assemblies from their rows into blocks, in the caller's transaction."""
    if not sealing.units:
        return
    await _pack_profiles(connection, sealing.units)
    await _pack_parents(connection, sealing.assemblies)
    await _pack_assemblies(connection, sealing.assemblies)
    numbers, parents = [row.id for row in sealing.units], [each.id for each in sealing.assemblies]
    await connection.execute("DELETE FROM unit WHERE id = ANY ($1::bigint[])", numbers)
    await connection.execute("DELETE FROM unit_member WHERE to_us = 0 AND parent = ANY ($1::bigint[])", parents)
    await connection.execute("DELETE FROM assembly WHERE id = ANY ($1::bigint[])", parents)


async def _pack_profiles(connection: Connection, rows: Sequence[UnitRow]) -> None:
    numbers = await _profile_numbers(connection, rows)
    wanted = sorted({row.id >> BLOCK_BITS for row in rows})
    kept = {record["block"]: record for record in await connection.fetch(BLOCKS, wanted)}
    records = []
    for block, inside in groupby(sorted(rows, key=attrgetter("id")), key=lambda row: row.id >> BLOCK_BITS):
        record = kept.get(block)
        profiles = [] if record is None else list(record["profiles"])
        places = (
            np.full(BLOCK_SIZE, NOT_SEALED, np.uint8)
            if record is None
            else np.frombuffer(record["places"], np.uint8).copy()
        )
        for row in inside:
            number = numbers[_profile(row)]
            if number not in profiles:
                profiles.append(number)
            places[row.id & (BLOCK_SIZE - 1)] = profiles.index(number)
        records.append((block, profiles, places.tobytes()))
    await connection.executemany(
        "INSERT INTO sealed_block VALUES ($1, $2, $3)"
        " ON CONFLICT (block) DO UPDATE SET profiles = excluded.profiles, places = excluded.places",
        records,
    )


def _profile(row: UnitRow) -> tuple[str, str, int, int, str, str]:
    return (row.kind, row.product, row.route, row.step, row.status, row.grade)


async def _profile_numbers(
    connection: Connection, rows: Iterable[UnitRow]
) -> dict[tuple[str, str, int, int, str, str], int]:
    await connection.executemany(
        """
        INSERT INTO sealed_profile
        SELECT coalesce(max(number), 0) + 1, $1, $2, $3, $4, $5, $6 FROM sealed_profile
        ON CONFLICT (kind, product, route, step, status, grade) DO NOTHING
        """,
        sorted({_profile(row) for row in rows}),
    )
    records = await connection.fetch("SELECT kind, product, route, step, status, grade, number FROM sealed_profile")
    return {tuple(record)[:6]: record["number"] for record in records}


async def _pack_parents(connection: Connection, assemblies: Sequence[Assembly]) -> None:
    pairs = np.array(sorted((unit, each.id) for each in assemblies for _, unit in each.members), np.int64).reshape(
        -1, 2
    )
    await _write_parents(connection, pairs[:, 0], pairs[:, 1])


async def _write_parents(connection: Connection, units: Ids, parents: Ids) -> None:
    """Set the parents of units, which ascend; 0 = none."""
    blocks = units >> BLOCK_BITS
    kept = {record["block"]: _parents(record) for record in await connection.fetch(PARENTS, np.unique(blocks).tolist())}
    records = []
    for block in np.unique(blocks).tolist():
        whole = kept.get(block, np.zeros(BLOCK_SIZE, np.int64))
        whole[units[blocks == block] & (BLOCK_SIZE - 1)] = parents[blocks == block]
        records.append((block, *_near_or_far(whole)))
    await connection.executemany(
        "INSERT INTO sealed_member VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (block) DO UPDATE SET bases = excluded.bases, near = excluded.near, far = excluded.far",
        records,
    )


def _near_or_far(parents: Ids) -> tuple[list[int], list[int] | None, list[int] | None]:
    near = to_numbers(parents, NEAR_BITS)
    if near is not None:
        return near[0], near[1].tolist(), None
    far = to_numbers(parents)
    if far is None:
        raise CellwrightError(
            f"units of one block are in more than {BASES_MAX} lines' assemblies; they cannot be packed"
        )
    return far[0], None, far[1].tolist()


async def _pack_assemblies(connection: Connection, assemblies: Sequence[Assembly]) -> None:
    records = []
    for each in assemblies:
        slots, units = np.array(each.members, np.int64).reshape(-1, 2).T
        members = np.zeros(int(slots.max()) + 1, np.int64)
        members[slots] = units
        based = to_numbers(members)
        assert based is not None  # noqa: S101 - an assembly with more bases is not settled
        records.append((each.id, each.from_us, based[0], based[1].tolist()))
    await connection.executemany("INSERT INTO sealed_assembly VALUES ($1, $2, $3, $4)", records)


# --- putting back -----------------------------------------------------------------------------------


async def unpack(connection: Connection, numbers: Iterable[int]) -> int:
    """Put sealed units and assemblies back as rows, with all that is in the same assembly; return how many units.

    What they did before they were sealed stands in the journal: times and attempts come back as 0.
    """
    wanted, count = set(numbers), 0
    while wanted:
        sealed = await find_sealed(connection, wanted)
        rows = await _unsealed_rows(connection, sealed)
        parents = {row.parent for row in rows if row.parent}
        assemblies = await _load_assemblies(connection, sorted(parents | wanted))
        members = {unit for each in assemblies for _, unit in each.members}
        alone = [row.id for row in rows if not row.parent]
        units = sorted({*alone, *await find_sealed(connection, members)})
        count += await _put_back(connection, units, assemblies)
        # Whoever holds these members is itself a member, or a row already.
        wanted = {each.id for each in assemblies} - wanted
    return count


async def _put_back(connection: Connection, numbers: Sequence[int], assemblies: Sequence[Assembly]) -> int:
    if not numbers and not assemblies:
        return 0
    members = _members(assemblies)
    rows = _slotted(await _unsealed_rows(connection, numbers), members)
    await wip.UNITS.save_page(connection, rows)
    await genealogy.MEMBERS.save_page(connection, members)
    await genealogy.ASSEMBLIES.save_page(connection, [_assembly_row(each) for each in assemblies])
    await connection.execute(
        "DELETE FROM sealed_assembly WHERE id = ANY ($1::bigint[])", [each.id for each in assemblies]
    )
    units = np.array(sorted(numbers), np.int64)
    await _write_parents(connection, units, np.zeros(len(units), np.int64))
    await _forget_places(connection, units)
    await connection.execute(
        "INSERT INTO unsealed_unit SELECT unnest($1::bigint[]) ON CONFLICT DO NOTHING", units.tolist()
    )
    return len(rows)


async def _forget_places(connection: Connection, units: Ids) -> None:
    records = await connection.fetch(BLOCKS, np.unique(units >> BLOCK_BITS).tolist())
    written = []
    for record in records:
        places = np.frombuffer(record["places"], np.uint8).copy()
        places[units[units >> BLOCK_BITS == record["block"]] & (BLOCK_SIZE - 1)] = NOT_SEALED
        written.append((record["block"], places.tobytes()))
    await connection.executemany("UPDATE sealed_block SET places = $2 WHERE block = $1", written)


async def _unsealed_rows(connection: Connection, numbers: Sequence[int]) -> list[UnitRow]:
    records = await connection.fetch(
        """
        SELECT u.id, u.kind, u.product, u.route, u.step, u.status, u.station,
               array_fill(0::bigint, ARRAY[json_array_length(r.operations)]) AS completed_us,
               array_fill(0::smallint, ARRAY[json_array_length(r.operations)]) AS attempts,
               u.grade, u.holds, u.carrier, u.slot, u.parent
        FROM unnest($1::bigint[]) AS k (id)
        CROSS JOIN LATERAL (SELECT id, kind, product, route, step, status, '' AS station, grade, 0::smallint AS holds,
                                   '' AS carrier, (-1)::smallint AS slot, parent
                            FROM sealed_unit(k.id) OFFSET 0) AS u
        JOIN route AS r ON r.id = u.route
        """,
        list(numbers),
    )
    return decode_rows(UnitRow, [tuple(record) for record in records])


async def _load_assemblies(connection: Connection, numbers: Sequence[int]) -> list[Assembly]:
    found = []
    for record in await connection.fetch(ASSEMBLIES, list(numbers)):
        members = to_ids(record["bases"], record["members"])
        slots = np.flatnonzero(members)
        pairs = zip(slots.tolist(), members[slots].tolist(), strict=True)
        found.append(Assembly(record["id"], record["from_us"], tuple(pairs)))
    return found


async def load_all(connection: Connection) -> tuple[list[UnitRow], list[MemberRow], list[AssemblyRow]]:
    """Return every sealed unit, membership and assembly as rows, for a comparison with the journal."""
    rows: list[UnitRow] = []
    blocks: list[Any] = await connection.fetch("SELECT block, places FROM sealed_block ORDER BY block")
    for record in blocks:
        places = np.frombuffer(record["places"], np.uint8)
        inside = np.flatnonzero(places != NOT_SEALED).astype(np.int64) + (record["block"] << BLOCK_BITS)
        rows += await _unsealed_rows(connection, inside.tolist())
    records = await connection.fetch("SELECT id FROM sealed_assembly ORDER BY id")
    assemblies = await _load_assemblies(connection, [record["id"] for record in records])
    members = _members(assemblies)
    return _slotted(rows, members), members, [_assembly_row(each) for each in assemblies]


async def once_sealed(connection: Connection) -> list[int]:
    """Return the units of which the tables may not know every time: sealed ones, and those that were."""
    statement = "SELECT id FROM unsealed_unit WHERE id NOT IN (SELECT id FROM sealed_units(0, $1))"
    records = await connection.fetch(f"{statement} UNION ALL SELECT id FROM sealed_units(0, $1)", _LAST_ID)  # noqa: S608 - ours
    return [record["id"] for record in records]


def _members(assemblies: Iterable[Assembly]) -> list[MemberRow]:
    return [
        MemberRow(unit=unit, from_us=each.from_us, parent=each.id, slot=slot)
        for each in assemblies
        for slot, unit in each.members
    ]


def _assembly_row(assembly: Assembly) -> AssemblyRow:
    return AssemblyRow(assembly.id, tuple(unit for _, unit in assembly.members))


def _slotted(rows: Iterable[UnitRow], members: Iterable[MemberRow]) -> list[UnitRow]:
    """Return units with the slot that each has in its assembly."""
    slots = {each.unit: each.slot for each in members}
    return [structs.replace(row, slot=slots.get(row.id, row.slot)) for row in rows]
