"""A synthetic plant-year as `cellwright seal` would leave it: cells and modules packed, packs as rows."""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from cellwright.database.pool import Connection
from cellwright.model.ids import UnitKind
from cellwright.testing.binary_copy import Arrays, Blobs, Column, Numbers, RaggedArrays, constant
from cellwright.testing.plant_year import Ids, PlantYear, module_ids, pack_ids
from cellwright.views.sealed import BASES_MAX, BLOCK_BITS, BLOCK_SIZE, NEAR_BITS, NOT_SEALED, to_numbers

_BLOCKS_AT_ONCE: Final = 5_000
_MODULES_AT_ONCE: Final = 50_000
_NONE: Final = -1
_PROFILES: Final = ((1, UnitKind.CELL, "assembled"), (2, UnitKind.CELL, "scrapped"), (3, UnitKind.MODULE, "assembled"))


async def store_profiles(connection: Connection) -> None:
    """Keep what packed units have in common; cells without a module count as scrap."""
    await connection.execute(
        "INSERT INTO route (id, code, revision, product, operations)"
        " SELECT n, code, 1, code, '[]' FROM unnest($1::text[]) WITH ORDINALITY AS k (code, n) ON CONFLICT DO NOTHING",
        list(UnitKind),
    )
    await connection.executemany(
        "INSERT INTO sealed_profile VALUES ($1, $2, $2, $3, 0, $4, '')",
        [(number, str(kind), list(UnitKind).index(kind) + 1, status) for number, kind, status in _PROFILES],
    )


def packed_tables(year: PlantYear) -> Iterator[tuple[str, Iterable[dict[str, Column]]]]:
    """Yield the packed tables, each with its rows in portions; raises ValueError for a plant with repairs."""
    if len(year.moves):
        raise ValueError("a plant in which units were moved keeps rows; pack one without repairs")
    yield "sealed_block", _profiles_by_block(year)
    yield "sealed_member", _parents_by_block(year)
    yield "sealed_assembly", _assemblies(year)
    waiting = module_ids(np.flatnonzero(year.pack_of < 0))
    packs = pack_ids(np.arange(year.packs_count))
    yield "unit", [_rows(UnitKind.MODULE, waiting), _rows(UnitKind.PACK, packs)]


def _spans(year: PlantYear) -> Iterator[tuple[Ids, Ids, int]]:
    """Yield units with consecutive ids: their ids, the ids of their parents (0 = none), and the profile without one."""
    size = year.line_cells_count
    for first in range(0, year.cells_count, size):
        cells = np.arange(first, first + size)
        module = year.module_of[first : first + size]
        yield year.cell_ids(cells), np.where(module < 0, 0, module_ids(module)), 2
    modules = np.arange(year.modules_count)
    yield module_ids(modules), np.where(year.pack_of < 0, 0, pack_ids(year.pack_of)), 0


def _by_block(year: PlantYear) -> Iterator[tuple[Ids, Ids, Ids, int]]:
    """Yield blocks, each place's parent in them (0 = none, -1 = no unit), and profiles; some blocks at a time."""
    for ids, parents, alone in _spans(year):
        before = int(ids[0]) & (BLOCK_SIZE - 1)
        after = -(before + len(ids)) % BLOCK_SIZE
        padded = np.concatenate((np.full(before, _NONE), parents, np.full(after, _NONE))).reshape(-1, BLOCK_SIZE)
        blocks = (int(ids[0]) >> BLOCK_BITS) + np.arange(len(padded), dtype=np.int64)
        for start in range(0, len(blocks), _BLOCKS_AT_ONCE):
            part = slice(start, start + _BLOCKS_AT_ONCE)
            yield blocks[part], padded[part], ids, alone


def _profiles_by_block(year: PlantYear) -> Iterator[dict[str, Column]]:
    for blocks, parents, _, alone in _by_block(year):
        inside = 3 if alone == 0 else 1
        # A module without a pack is a row: it waits for one.
        places = np.where(parents > 0, 0, NOT_SEALED if alone == 0 else 1)
        places[parents == _NONE] = NOT_SEALED
        profiles = np.tile(np.array([inside, 2], np.int16), (len(blocks), 1))
        yield {"block": Numbers(blocks), "profiles": Arrays(profiles), "places": Blobs(places.astype(np.uint8))}


def _parents_by_block(year: PlantYear) -> Iterator[dict[str, Column]]:
    for blocks, parents, _, _ in _by_block(year):
        kept = (parents > 0).any(axis=1)
        yield from _near(blocks[kept], np.maximum(parents[kept], 0))


def _near(blocks: Ids, parents: Ids) -> Iterator[dict[str, Column]]:
    """Yield blocks with bases of their own, those with as many bases together."""
    found = [to_numbers(each, NEAR_BITS) for each in parents]
    sizes = [BASES_MAX + 1 if each is None else len(each[0]) for each in found]
    for size in sorted(set(sizes)):
        chosen = [place for place, each in enumerate(sizes) if each == size]
        known = [each for place in chosen if (each := found[place]) is not None]
        if len(known) < len(chosen):
            yield {"block": Numbers(blocks[chosen]), **_based("far", parents[chosen])}
            continue
        yield {
            "block": Numbers(blocks[chosen]),
            "bases": Arrays(np.array([bases for bases, _ in known], np.int64)),
            "near": Arrays(np.array([numbers for _, numbers in known], np.int16)),
        }


def _based(name: str, ids: Ids) -> dict[str, Column]:
    """Return bases and numbers of rows of ids; all rows of a portion share their bases."""
    based = to_numbers(ids)
    assert based is not None  # noqa: S101 - four lines, or one hall
    return {"bases": Arrays(np.tile(np.array(based[0], np.int64), (len(ids), 1))), name: Arrays(based[1])}


def _assemblies(year: PlantYear) -> Iterator[dict[str, Column]]:
    for start in range(0, year.modules_count, _MODULES_AT_ONCE):
        cells = year.cells_of[start : start + _MODULES_AT_ONCE]
        modules = np.arange(start, start + len(cells))
        yield from _members(module_ids(modules), year.cell_ids(cells), year.module_built_us(modules))
    packs = np.arange(year.packs_count)
    members = np.zeros((len(packs), int(year.slot_of.max()) + 1), np.int64)
    inside = np.flatnonzero(year.pack_of >= 0)
    members[year.pack_of[inside], year.slot_of[inside]] = module_ids(inside)
    yield from _members(pack_ids(packs), members, year.pack_built_us(packs))


def _members(parents: Ids, members: Ids, from_us: Ids) -> Iterator[dict[str, Column]]:
    yield {"id": Numbers(parents), "from_us": Numbers(from_us), **_based("members", members)}


def _rows(kind: UnitKind, ids: Ids) -> dict[str, Column]:
    """Return units that are member of nothing as rows."""
    count = len(ids)
    none, empty = Numbers(np.zeros(count, np.int16)), constant("", count)
    offsets = np.zeros(count + 1, np.int64)
    return {
        "id": Numbers(ids),
        "parent": Numbers(np.zeros(count, np.int64)),
        "route": Numbers(np.full(count, list(UnitKind).index(kind) + 1, np.int32)),
        "holds": none,
        "slot": Numbers(np.full(count, -1, np.int16)),
        "kind": constant(kind, count),
        "product": constant(kind, count),
        "carrier": empty,
        "grade": empty,
        "step": none,
        "status": constant("finished", count),
        "station": empty,
        "completed_us": RaggedArrays(np.empty(0, np.int64), offsets),
        "attempts": RaggedArrays(np.empty(0, np.int16), offsets),
    }
