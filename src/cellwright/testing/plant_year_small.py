"""A small plant with all that makes tracing hard: cut-outs, heels, stretched and turned webs, rework, repairs."""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.random import Generator

from cellwright.testing.plant_year import MOVE, PACK_MODULES, PlantYear, Rows, make_plant_year, module_ids, pack_ids
from cellwright.testing.plant_year_lots import LOT, PART, LotBlock, number_parts
from cellwright.testing.plant_year_runs import KINDS, RUN

SPARE_MM: Final = 10_000
"""Left on a reel that nothing was cut out of."""

STRETCH_PERMILLE: Final = 1002
"""A slit web is that much longer than the roll's own counter says."""

_GRID_MM: Final = 500
_CUT_GRIDS_MAX: Final = 16
_DAY_US: Final = 86_400_000_000
_REWORKED_ONE_IN: Final = 400
_SPARE_MODULES: Final = PACK_MODULES
_DONATED_CELLS: Final = 30


def small_plant(cells_count: int = 100_000, *, seed: int) -> PlantYear:
    """Return a plant of 100,000 cells or so; its last modules are spares."""
    random = np.random.default_rng([seed, cells_count])
    year = make_plant_year(cells_count, seed=seed, spare_mm=SPARE_MM)
    for electrode in ("cathode", "anode"):
        year = _cut_out(year, electrode, random)
        year = _keep_heels(year, electrode, random)
    for position in ("can", "cap"):
        year = _rework(year, position, random)
    return _replace_cells(_replace_modules(year, random), random)


def without_tolerances(year: PlantYear) -> PlantYear:
    """Return the same plant with counters that never err, so that a trace has one right answer."""
    runs, parts = year.runs.copy(), year.parts.copy()
    runs["tolerance"] = parts["tolerance"] = 0
    return replace(year, runs=runs, parts=parts)


# --- webs ------------------------------------------------------------------------------------


def _cut_out(year: PlantYear, electrode: str, random: Generator) -> PlantYear:
    """Cut a piece out of every third reel or so, stretch all, and wind some the other way round."""
    reels = year.blocks[f"{electrode}_reel"]
    is_reel = _is_of(year.parts["child"], reels)
    pieces = [piece for part in year.parts[is_reel] for piece in _pieces(part, random)]
    cut = np.array(pieces, PART)
    lots = year.lots.copy()
    ends = np.zeros(len(lots), np.int64)
    np.maximum.at(ends, cut["child"] - 1, cut["child_end"])
    of_reels = _is_of(lots["number"], reels)
    lots["quantity"][of_reels] = ends[of_reels]
    return replace(year, lots=lots, parts=number_parts(np.concatenate([year.parts[~is_reel], cut])))


def _pieces(part: np.void, random: Generator) -> list[np.void]:
    """Return what is left of a reel's stretch of the roll, in the order of the roll."""
    start, end = int(part["parent_start"]), int(part["parent_end"])
    is_turned = bool(random.integers(5))
    kept = [(start, end)]
    if not random.integers(3):
        size = _GRID_MM * int(random.integers(1, _CUT_GRIDS_MAX + 1))
        at = start + _GRID_MM * int(random.integers(0, (end - start - size) // _GRID_MM + 1))
        kept = [(low, high) for low, high in ((start, at), (at + size, end)) if low < high]
    pieces, wound = [], 0
    for low, high in reversed(kept) if is_turned else kept:
        piece = part.copy()
        size = (high - low) * STRETCH_PERMILLE // 1000
        piece["parent_start"], piece["parent_end"] = low, high
        piece["child_start"], piece["child_end"] = wound, wound + size
        piece["reversed"] = is_turned
        pieces.append(piece)
        wound += size
    return pieces


# --- batches ---------------------------------------------------------------------------------


def _keep_heels(year: PlantYear, electrode: str, random: Generator) -> PlantYear:
    """Leave the rest of a batch in the vessel, twice in three times, where it goes into the next one."""
    block = year.blocks[f"{electrode}_slurry"]
    lots, parts = year.lots.copy(), year.parts.copy()
    quantities = lots["quantity"][_is_of(lots["number"], block)]
    heirs = np.arange(1, block.count)
    heirs = heirs[heirs % 3 > 0]
    heels = np.zeros(len(heirs), PART)
    heels["parent"], heels["child"] = block.first + heirs - 1, block.first + heirs
    heels["parent_start"] = quantities[heirs - 1]
    heels["parent_end"] = heels["parent_start"] + random.integers(1_000_000, 20_000_000, len(heirs))
    lots["quantity"][heels["parent"] - 1] = heels["parent_end"]
    parts = number_parts(np.concatenate([parts, heels]))
    is_mixed = _is_of(parts["child"], block)
    parts["child_end"][is_mixed] = lots["quantity"][parts["child"][is_mixed] - 1]
    return replace(year, lots=lots, parts=parts)


# --- rework ----------------------------------------------------------------------------------


def _rework(year: PlantYear, position: str, random: Generator) -> PlantYear:
    """Let some cells take a second can or cap from a lot of its own, and some of these a third."""
    number = [kind.code for kind in KINDS].index(position)
    firsts = np.sort(random.choice(year.cells_count // 8, year.cells_count // _REWORKED_ONE_IN, replace=False)) * 8
    counts = random.integers(1, 6, len(firsts))
    again = random.random(len(firsts)) < 0.1
    starts = np.concatenate([firsts, firsts[again]])
    runs = np.zeros(len(starts), RUN)
    runs["kind"] = number
    runs["layer"] = np.repeat([1, 2], [len(firsts), int(again.sum())])
    sizes = np.concatenate([counts, np.ones(int(again.sum()), np.int64)])
    # Eight neighbours may lie on two lines only where the lines' length is no multiple of eight.
    sizes = np.minimum(sizes, year.line_cells_count - starts % year.line_cells_count)
    runs["a"] = year.cell_ids(starts)
    runs["b"] = runs["a"] + sizes - 1
    runs["line"] = starts // year.line_cells_count + 1
    runs["pos_b"] = np.cumsum(sizes)
    runs["pos_a"] = runs["pos_b"] - sizes
    runs["lot"] = len(year.lots) + 1
    runs["from_us"] = runs["to_us"] = year.runs["to_us"].max() + 60_000_000 * np.arange(1, len(runs) + 1)
    block = LotBlock(f"{position}_rework", position, year.blocks[position].measure, len(year.lots) + 1, 1)
    lot = np.array([(block.first, len(year.blocks), int(sizes.sum()))], LOT)
    ordered = np.concatenate([year.runs, runs])
    return replace(
        year,
        blocks={**year.blocks, block.name: block},
        lots=np.concatenate([year.lots, lot]),
        runs=ordered[np.lexsort((ordered["a"], ordered["layer"], ordered["kind"]))],
    )


# --- repairs ---------------------------------------------------------------------------------


def _replace_modules(year: PlantYear, random: Generator) -> PlantYear:
    """Replace a module of every second pack; the last pack is never built, all of its modules but one are spares.

    A module that came out is refurbished and goes into a later pack, so that many have several memberships.
    """
    packs_count = year.packs_count - 1
    pack_of, slot_of = year.pack_of.copy(), year.slot_of.copy()
    spares = list(range(year.modules_count - _SPARE_MODULES, year.modules_count - 1))
    pack_of[-_SPARE_MODULES:] = slot_of[-_SPARE_MODULES:] = -1
    built_us = year.pack_built_us(np.arange(packs_count))
    spells: dict[int, list[tuple[int, int, int, int]]] = {}
    now_us = int(built_us.max()) + 30 * _DAY_US
    for pack in np.sort(random.permutation(packs_count)[: packs_count // 2]).tolist():
        now_us += _DAY_US
        slot, fresh = int(random.integers(PACK_MODULES)), spares.pop(0)
        worn = int(np.flatnonzero((pack_of == pack) & (slot_of == slot))[0])
        spells.setdefault(worn, [(pack, slot, int(built_us[pack]), 0)])
        spells[worn][-1] = (*spells[worn][-1][:3], now_us)
        spells.setdefault(fresh, []).append((pack, slot, now_us, 0))
        pack_of[[worn, fresh]] = -1, pack
        slot_of[[worn, fresh]] = -1, slot
        spares.append(worn)
    rows = [(module, *spell) for module, each in spells.items() for spell in each]
    moved = np.array(rows, np.int64).reshape(-1, 5)
    moves = _moves(module_ids(moved[:, 0]), pack_ids(moved[:, 1]), moved[:, 2:])
    return replace(
        year,
        pack_of=pack_of,
        slot_of=slot_of,
        vehicle_of=year.vehicle_of[:-1],
        moves=np.concatenate([year.moves, moves]),
    )


def _replace_cells(year: PlantYear, random: Generator) -> PlantYear:
    """Replace cells of modules by cells of the last module, which was taken apart for it."""
    donor = year.modules_count - 1
    module_of, cells_of = year.module_of.copy(), year.cells_of.copy()
    built_us = year.module_built_us(np.arange(year.modules_count))
    first_us = int(built_us.max()) + _DAY_US
    modules = random.choice(donor - _SPARE_MODULES, _DONATED_CELLS, replace=False)
    rows: list[tuple[int, int, int, int, int]] = []
    for index, module in enumerate(modules.tolist()):
        slot, now_us = int(random.integers(cells_of.shape[1])), first_us + index * 60_000_000
        worn, fresh = int(cells_of[module, slot]), int(cells_of[donor, index])
        rows += [
            (worn, module, slot, int(built_us[module]), now_us),
            (fresh, donor, index, int(built_us[donor]), now_us),
            (fresh, module, slot, now_us, 0),
        ]
        module_of[[worn, fresh]] = -1, module
        cells_of[module, slot], cells_of[donor, index] = fresh, -1
    moved = np.array(rows, np.int64)
    moves = _moves(year.cell_ids(moved[:, 0]), module_ids(moved[:, 1]), moved[:, 2:])
    return replace(year, module_of=module_of, cells_of=cells_of, moves=np.concatenate([year.moves, moves]))


def _moves(units: np.ndarray, parents: np.ndarray, spells: np.ndarray) -> Rows:
    """Return memberships from columns slot, from_us, to_us."""
    moves = np.zeros(len(units), MOVE)
    moves["unit"], moves["parent"] = units, parents
    moves["slot"], moves["from_us"], moves["to_us"] = spells.T
    return moves


def _is_of(numbers: np.ndarray, block: LotBlock) -> np.ndarray:
    return (numbers >= block.first) & (numbers < block.first + block.count)
