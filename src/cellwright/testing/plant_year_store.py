"""A synthetic plant-year into the product's tables: copied without indexes, which are built afterwards."""

import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from cellwright.database.pool import Connection
from cellwright.model.ids import UnitBlock, UnitKind, compose_code, date_code
from cellwright.testing.binary_copy import Arrays, Column, Digits, Numbers, RaggedArrays, Texts, constant, copy_rows
from cellwright.testing.plant_year import PACK_MODULES, Ids, PlantYear, Rows, module_ids, pack_ids
from cellwright.testing.plant_year_packed import packed_tables, store_profiles
from cellwright.testing.plant_year_runs import KINDS, LINES, START_US, TAKT_US

Slots: TypeAlias = NDArray[np.int16]

SUPPLIER: Final = "SUPPLIER"
DESIGNS: Final = {
    UnitKind.CELL: "001CB01CW32700",
    UnitKind.MODULE: "001MB02CW5S20P",
    UnitKind.PACK: "001PB03CW50S20",
}
"""Characters 1 to 14 of the codes."""

_DAY_US: Final = 86_400_000_000
_LOT_DIGITS: Final = 9
_LINE_SERIALS: Final = 1_000_000
_MODULES_AT_ONCE: Final = 50_000
_PATIENCE: Final = "SET statement_timeout = 0; SET maintenance_work_mem = '512MB'; SET work_mem = '256MB'"
_USUAL: Final = "RESET statement_timeout; RESET maintenance_work_mem; RESET work_mem"
# A key that other tables refer to stays.
_CONSTRAINTS: Final = """
    SELECT c.conname AS name, pg_get_constraintdef(c.oid) AS definition
    FROM pg_constraint AS c
    WHERE c.conrelid = $1::text::regclass AND c.contype IN ('p', 'u', 'f')
      AND NOT EXISTS (SELECT FROM pg_constraint AS r WHERE r.confrelid = c.conrelid AND r.conindid = c.conindid
                      AND r.contype = 'f' AND r.oid <> c.oid)
    ORDER BY c.contype DESC, c.conname
"""
_INDEXES: Final = """
    SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
    FROM pg_index AS i
    WHERE i.indrelid = $1::text::regclass
      AND NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conindid = i.indexrelid AND c.conrelid = i.indrelid)
    ORDER BY 1
"""


class StoredTable(Struct):
    """What a table took: rows, seconds of copying, and seconds of building its indexes and checking its keys."""

    rows_count: int = 0
    copy_s: float = 0.0
    index_s: float = 0.0


class StoredYear(Struct):
    """What was stored, by table, and how long all of it took, vacuum and statistics included."""

    tables: dict[str, StoredTable] = {}
    total_s: float = 0.0


async def store_plant_year(connection: Connection, year: PlantYear, *, is_packed: bool = False) -> StoredYear:
    """Fill the empty tables of genealogy, except `unit`, or with all units packed; must not run inside a transaction."""
    stored, began_s = StoredYear(tables={}), time.perf_counter()
    await connection.execute(_PATIENCE)
    try:
        if is_packed:
            await store_profiles(connection)
        for table, columns in (*_tables(year), *(packed_tables(year) if is_packed else _member_tables(year))):
            await store_table(connection, table, columns, stored)
        for table in stored.tables:
            await connection.execute(f"VACUUM (ANALYZE) {table}")
    finally:
        await connection.execute(_USUAL)
    stored.total_s = time.perf_counter() - began_s
    return stored


async def store_units(connection: Connection, year: PlantYear, *, cells: Ids | None = None) -> int:
    """Give rows in `unit` to cells, by number (None = all), and to all modules and packs; returns how many."""
    await connection.execute(
        "INSERT INTO route (id, code, revision, product, operations)"
        " SELECT n, code, 1, code, '[]' FROM unnest($1::text[]) WITH ORDINALITY AS k (code, n) ON CONFLICT DO NOTHING",
        list(UnitKind),
    )
    chosen = np.arange(year.cells_count) if cells is None else cells
    modules, packs = np.arange(year.modules_count), np.arange(year.packs_count)
    module, pack = year.module_of[chosen], year.pack_of
    slot = np.full(year.cells_count, -1, np.int16)
    rows, slots = np.nonzero(year.cells_of >= 0)
    slot[year.cells_of[rows, slots]] = slots
    groups = (
        (UnitKind.CELL, year.cell_ids(chosen), np.where(module < 0, 0, module_ids(module)), slot[chosen]),
        (UnitKind.MODULE, module_ids(modules), np.where(pack < 0, 0, pack_ids(pack)), year.slot_of.astype(np.int16)),
        (UnitKind.PACK, pack_ids(packs), np.zeros(len(packs), np.int64), np.full(len(packs), -1, np.int16)),
    )
    counts = [await copy_rows(connection, "unit", _units(*group)) for group in groups]
    await connection.execute("ANALYZE unit")
    return sum(counts)


def lot_code(number: int) -> str:
    """Return the code under which a lot is stored."""
    return f"LOT-{number:0{_LOT_DIGITS}d}"


def unit_blocks(year: PlantYear) -> list[UnitBlock]:
    """Return the blocks of codes: one for each line and day of winding, and each day of assembly."""
    blocks: list[UnitBlock] = []
    days = (START_US + np.arange(year.line_cells_count) * TAKT_US) // _DAY_US
    for line in range(LINES):
        first = int(year.cell_ids(np.array([line * year.line_cells_count]))[0])
        blocks += _blocks(UnitKind.CELL, first, days, serial_from=line * _LINE_SERIALS + 1)
    assembled = (
        (UnitKind.MODULE, module_ids, year.module_built_us(np.arange(year.modules_count))),
        (UnitKind.PACK, pack_ids, year.pack_built_us(np.arange(year.packs_count))),
    )
    for kind, ids, built_us in assembled:
        blocks += _blocks(kind, int(ids(np.array([0]))[0]), built_us // _DAY_US, serial_from=1)
    return blocks


def unit_codes(year: PlantYear, ids: Sequence[int]) -> list[str]:
    """Return the printed codes of units."""
    blocks = sorted(unit_blocks(year), key=lambda block: block.id_from)
    places = np.searchsorted([block.id_from for block in blocks], ids, side="right") - 1
    pairs = ((blocks[place], number) for place, number in zip(places.tolist(), ids, strict=True))
    return [compose_code(block.prefix, block.serial_from + number - block.id_from) for block, number in pairs]


# --- tables ----------------------------------------------------------------------------------


def _tables(year: PlantYear) -> Iterator[tuple[str, Iterable[dict[str, Column]]]]:
    """Yield the tables, those that others refer to first, each with its rows in portions."""
    yield "lot", [_lots(year)]
    yield "lot_part", [_plain(year.parts)]
    yield "load_run", [_runs(year.runs)]
    yield "unit_block", [_block_columns(unit_blocks(year))]


def _member_tables(year: PlantYear) -> Iterator[tuple[str, Iterable[dict[str, Column]]]]:
    yield "unit_member", _members(year)
    yield "assembly", (*_module_members(year), _pack_members(year))


def _plain(rows: Rows) -> dict[str, Column]:
    return {name: Numbers(rows[name]) for name in rows.dtype.names or ()}


def _lots(year: PlantYear) -> dict[str, Column]:
    lots, blocks = year.lots, list(year.blocks.values())
    count, quantities = len(lots), lots["quantity"]
    used = np.zeros(count, np.int64)
    np.maximum.at(used, year.runs["lot"] - 1, year.runs["pos_b"])
    np.maximum.at(used, year.parts["parent"] - 1, year.parts["parent_end"])
    is_made = np.zeros(count, np.int8)
    is_made[year.parts["child"] - 1] = 1
    none = Numbers(np.broadcast_to(np.int64(0), count))
    empty = constant("", count)
    return {
        "id": Numbers(lots["number"]),
        "code": Digits("LOT-", lots["number"], digits=_LOT_DIGITS),
        "material": Texts([block.material for block in blocks], lots["block"]),
        "measure": Texts([block.measure for block in blocks], lots["block"]),
        "quantity": Numbers(quantities),
        "remaining": Numbers(quantities - used),
        "loaded": none,
        "status": constant("released", count),
        "station": empty,
        "supplier": Texts([SUPPLIER, ""], is_made),
        "certificate_sha256": empty,
        "expires_us": none,
        "made_us": Numbers(np.broadcast_to(np.int64(START_US), count)),
        "holds": Numbers(np.broadcast_to(np.int16(0), count)),
        "cursor": Numbers(used),
    }


def _runs(runs: Rows) -> dict[str, Column]:
    pitches = (runs["pos_b"] - runs["pos_a"]) / (runs["b"] - runs["a"] + 1)
    stations = [f"{kind.station}-{line:02d}" for kind in KINDS for line in range(1, LINES + 1)]
    plain = ("layer", "a", "b", "lot", "pos_a", "pos_b", "tolerance", "from_us", "to_us")
    return {
        "kind": Texts([kind.code for kind in KINDS], runs["kind"]),
        **{name: Numbers(runs[name]) for name in plain},
        "slope_low": Numbers(pitches),
        "slope_high": Numbers(pitches),
        "station": Texts(stations, runs["kind"] * LINES + runs["line"] - 1),
    }


def _block_columns(blocks: Sequence[UnitBlock]) -> dict[str, Column]:
    prefixes = [block.prefix for block in blocks]
    numbers = {name: [getattr(block, name) for block in blocks] for name in ("serial_from", "id_from", "count")}
    columns: dict[str, Column] = {"prefix": Texts(prefixes, np.arange(len(blocks)))}
    return columns | {name: Numbers(np.array(each, np.int64)) for name, each in numbers.items()}


def _blocks(kind: UnitKind, first: int, days: Ids, *, serial_from: int) -> Iterator[UnitBlock]:
    """Yield a block for each day, of which units with ids from `first` on were born on these."""
    found, starts, counts = np.unique(days, return_index=True, return_counts=True)
    for day, start, count in zip(found.tolist(), starts.tolist(), counts.tolist(), strict=True):
        yield UnitBlock(first + start, count, DESIGNS[kind] + date_code(day * _DAY_US), serial_from)


def _members(year: PlantYear) -> Iterator[dict[str, Column]]:
    """Yield memberships: of cells, some modules at a time, then of modules, then all of what was ever moved."""
    slots = np.arange(year.cells_of.shape[1], dtype=np.int16)
    moved = np.unique(year.moves["unit"])
    for start in range(0, year.modules_count, _MODULES_AT_ONCE):
        cells = year.cells_of[start : start + _MODULES_AT_ONCE]
        modules = np.repeat(np.arange(start, start + len(cells)), len(slots))
        units, places = year.cell_ids(cells.ravel()), np.tile(slots, len(cells))
        if len(moved):
            is_steady = (cells.ravel() >= 0) & ~np.isin(units, moved)
            units, modules, places = units[is_steady], modules[is_steady], places[is_steady]
        yield _membership(units, module_ids(modules), places, year.module_built_us(modules))
    modules = np.flatnonzero((year.pack_of >= 0) & ~np.isin(module_ids(np.arange(year.modules_count)), moved))
    packs = year.pack_of[modules]
    places = year.slot_of[modules].astype(np.int16)
    yield _membership(module_ids(modules), pack_ids(packs), places, year.pack_built_us(packs))
    yield _plain(year.moves)


def _membership(units: Ids, parents: Ids, slots: Slots, from_us: Ids) -> dict[str, Column]:
    return {
        "unit": Numbers(units),
        "from_us": Numbers(from_us),
        "parent": Numbers(parents),
        "slot": Numbers(slots),
        "to_us": Numbers(np.broadcast_to(np.int64(0), len(units))),
    }


def _module_members(year: PlantYear) -> Iterator[dict[str, Column]]:
    for start in range(0, year.modules_count, _MODULES_AT_ONCE):
        cells = year.cells_of[start : start + _MODULES_AT_ONCE]
        members = np.where(cells < 0, 0, year.cell_ids(cells))
        yield {"id": Numbers(module_ids(np.arange(start, start + len(cells)))), "members": Arrays(members)}


def _pack_members(year: PlantYear) -> dict[str, Column]:
    modules = np.flatnonzero(year.pack_of >= 0)
    members = np.zeros((year.packs_count, PACK_MODULES), np.int64)
    members[year.pack_of[modules], year.slot_of[modules]] = module_ids(modules)
    return {"id": Numbers(pack_ids(np.arange(year.packs_count))), "members": Arrays(members)}


def _units(kind: UnitKind, ids: Ids, parents: Ids, slots: Slots) -> dict[str, Column]:
    count = len(ids)
    # A cell without a module is scrap, or stock at the end of the year that nobody will ask about.
    alone = "scrapped" if kind is UnitKind.CELL else "finished"
    none, empty = Numbers(np.broadcast_to(np.int16(0), count)), constant("", count)
    offsets = np.zeros(count + 1, np.int64)
    return {
        "id": Numbers(ids),
        "parent": Numbers(parents),
        "route": Numbers(np.broadcast_to(np.int32(list(UnitKind).index(kind) + 1), count)),
        "holds": none,
        "slot": Numbers(slots),
        "kind": constant(kind, count),
        "product": constant(kind, count),
        "carrier": empty,
        "grade": empty,
        "step": none,
        "status": Texts([alone, "assembled"], (parents > 0).astype(np.int8)),
        "station": empty,
        "completed_us": RaggedArrays(np.empty(0, np.int64), offsets),
        "attempts": RaggedArrays(np.empty(0, np.int16), offsets),
    }


# --- copying ---------------------------------------------------------------------------------


async def store_table(
    connection: Connection, table: str, portions: Iterable[Mapping[str, Column]], stored: StoredYear
) -> None:
    """Fill an empty table with portions of rows, and note what it took."""
    measured = stored.tables[table] = StoredTable()
    async with _bare(connection, table, measured):
        began_s = time.perf_counter()
        for columns in portions:
            measured.rows_count += await copy_rows(connection, table, columns)
        measured.copy_s = time.perf_counter() - began_s


@asynccontextmanager
async def _bare(connection: Connection, table: str, measured: StoredTable) -> AsyncIterator[None]:
    """Fill a table in one transaction while it has no indexes and no keys; they are built at the end."""
    async with connection.transaction():
        constraints, indexes = await connection.fetch(_CONSTRAINTS, table), await connection.fetch(_INDEXES, table)
        for each in reversed(constraints):
            await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {each['name']}")
        for each in indexes:
            await connection.execute(f"DROP INDEX {each['name']}")
        yield
        began_s = time.perf_counter()
        for each in constraints:
            await connection.execute(f"ALTER TABLE {table} ADD CONSTRAINT {each['name']} {each['definition']}")
        for each in indexes:
            await connection.execute(each["definition"])
        measured.index_s = time.perf_counter() - began_s
