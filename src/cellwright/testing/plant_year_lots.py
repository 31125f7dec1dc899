"""Lots of the synthetic plant, from powder and salt to reels and drums, and the stretches by which they became others."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from cellwright.model.quantities import Measure
from cellwright.testing.plant_year_runs import KINDS, LINES, Kind, lots_count

LANES: Final = 4
LENGTHS: Final = 3
"""Reels of one lane that a roll is cut into, one after another."""

REELS_OF_ROLL: Final = LANES * LENGTHS
ROLLS_OF_FOIL: Final = 10
DRUMS_OF_BATCH: Final = 20
BATCHES_OF_SALT: Final = 4
WEB_TOLERANCE_MM: Final = 50

PART: Final = np.dtype(
    [
        ("child", np.int64),
        ("number", np.int16),
        ("parent", np.int64),
        ("parent_start", np.int64),
        ("parent_end", np.int64),
        ("child_start", np.int64),
        ("child_end", np.int64),
        ("lane", np.int16),
        ("reversed", np.bool_),
        ("tolerance", np.int64),
    ]
)
LOT: Final = np.dtype([("number", np.int64), ("block", np.int16), ("quantity", np.int64)])

Longs: TypeAlias = NDArray[np.int64]


class LotBlock(Struct, frozen=True):
    """Lots of one type, numbered from `first` on without a gap."""

    name: str
    material: str
    measure: Measure
    first: int
    count: int


class Ingredient(Struct, frozen=True):
    """What a slurry is mixed of: so many parts per thousand, one lot for so many batches."""

    name: str
    material: str
    permille: int
    batches: int


class Electrode(Struct, frozen=True):
    """Names, and what a roll takes of its slurry (mg)."""

    name: str
    foil: str
    roll_mg: int
    ingredients: tuple[Ingredient, ...]


ELECTRODES: Final = (
    Electrode(
        "cathode",
        "aluminium_foil",
        240_000_000,
        (
            Ingredient("powder", "lfp_powder", 500, 8),
            Ingredient("carbon", "conductive_carbon", 20, 40),
            Ingredient("binder", "pvdf_binder", 30, 60),
            Ingredient("solvent", "nmp_solvent", 450, 20),
        ),
    ),
    Electrode(
        "anode",
        "copper_foil",
        150_000_000,
        (
            Ingredient("powder", "graphite_powder", 500, 8),
            Ingredient("carbon", "conductive_carbon", 10, 40),
            Ingredient("binder", "cmc_sbr_binder", 40, 60),
            Ingredient("solvent", "deionised_water", 450, 20),
        ),
    ),
)
_SALT_PERMILLE: Final = 125


@dataclass(slots=True)
class _Books:
    """Lots and parts as they are found, children before their parents."""

    blocks: dict[str, LotBlock] = field(default_factory=dict)
    quantities: list[Longs] = field(default_factory=list)
    parts: list[NDArray[np.void]] = field(default_factory=list)

    def open(self, name: str, material: str, measure: Measure, quantities: Longs) -> LotBlock:
        """Number the lots of a type."""
        first = 1 + sum(len(each) for each in self.quantities)
        self.blocks[name] = LotBlock(name, material, measure, first, len(quantities))
        self.quantities.append(quantities)
        return self.blocks[name]

    def quantities_of(self, name: str) -> Longs:
        """Return the quantities of a type's lots."""
        return self.quantities[list(self.blocks).index(name)]


def upstream(cells_count: int, *, spare_mm: int = 0) -> tuple[dict[str, LotBlock], NDArray[np.void], NDArray[np.void]]:
    """Return all lots that lines of so many cells each need, by type and in order, and how they were made.

    Reels are longer by `spare_mm` than what is wound from them.
    """
    books = _Books()
    for kind in KINDS:
        count, quantity = LINES * lots_count(kind, cells_count), kind.size * kind.pitch
        quantity += spare_mm if kind.lots.endswith("_reel") else 0
        books.open(kind.lots, _material(kind), _measure(kind), np.full(count, quantity, np.int64))
    for electrode in ELECTRODES:
        _slit(books, electrode)
    for electrode in ELECTRODES:
        _coat(books, electrode)
        _mix(books, electrode)
    _fill(books)
    lots = np.zeros(sum(map(len, books.quantities)), LOT)
    lots["number"] = np.arange(1, len(lots) + 1)
    lots["block"] = np.repeat(np.arange(len(books.quantities)), [len(each) for each in books.quantities])
    lots["quantity"] = np.concatenate(books.quantities)
    return books.blocks, lots, np.concatenate(books.parts)


def number_parts(parts: NDArray[np.void]) -> NDArray[np.void]:
    """Return parts by child, numbered from 1 within each, in the order in which they are given."""
    parts = parts[np.argsort(parts["child"], kind="stable")]
    is_first = np.diff(parts["child"], prepend=-1) != 0
    starts = np.flatnonzero(is_first)
    parts["number"] = np.arange(len(parts)) - np.repeat(starts, np.diff(np.append(starts, len(parts)))) + 1
    return parts


def _measure(kind: Kind) -> Measure:
    if kind.is_jittered:
        return Measure.MG
    return Measure.MM if kind.station == "WIND" else Measure.COUNT


def _material(kind: Kind) -> str:
    if kind.is_jittered:
        return "electrolyte"
    return "separator" if kind.code.startswith("separator") else kind.lots


def _slit(books: _Books, electrode: Electrode) -> None:
    """Cut each roll into four lanes of three reels; a reel unwinds from its outer end, where the knife stopped."""
    reels = books.blocks[f"{electrode.name}_reel"]
    reel_mm = int(books.quantities_of(reels.name)[0])
    rolls_count = -(-reels.count // REELS_OF_ROLL)
    rolls = books.open(
        f"{electrode.name}_roll",
        f"{electrode.name}_coated",
        Measure.MM,
        np.full(rolls_count, LENGTHS * reel_mm, np.int64),
    )
    roll, place = np.divmod(np.arange(reels.count), REELS_OF_ROLL)
    length, lane = np.divmod(place, LANES)
    parts = np.zeros(reels.count, PART)
    parts["child"] = reels.first + np.arange(reels.count)
    parts["child_end"] = reel_mm
    parts["parent"] = rolls.first + roll
    parts["parent_start"] = length * reel_mm
    parts["parent_end"] = (length + 1) * reel_mm
    parts["lane"] = lane + 1
    parts["reversed"] = True
    parts["tolerance"] = WEB_TOLERANCE_MM
    books.parts.append(parts)


def _coat(books: _Books, electrode: Electrode) -> None:
    """Coat foil with slurry: a batch for 1.5 rolls, so that every second roll ends one batch and begins the next.

    A roll is measured as it unwinds: what was coated first lies at its end.
    """
    rolls = books.blocks[f"{electrode.name}_roll"]
    roll = np.arange(rolls.count)
    roll_mm = books.quantities_of(rolls.name)
    is_shared = roll % 2 == 1
    begun = roll[is_shared]
    borders_mm = np.where(is_shared, roll_mm // 3, 0)
    first, rest = _parts(rolls, roll), _parts(rolls, begun)
    first["child_start"], first["child_end"] = borders_mm, roll_mm
    rest["child_end"] = borders_mm[is_shared]
    parts = np.concatenate([first, rest])
    batches = np.concatenate([2 * roll // 3, 2 * begun // 3 + 1])
    amounts_mg = (
        electrode.roll_mg * (parts["child_end"] - parts["child_start"]) // np.concatenate([roll_mm, roll_mm[is_shared]])
    )
    slurries = _draw(parts, batches, amounts_mg)
    block = books.open(f"{electrode.name}_slurry", f"{electrode.name}_slurry", Measure.MG, slurries)
    foil = _parts(rolls, roll)
    foil["child_end"] = roll_mm
    foils = _draw(foil, roll // ROLLS_OF_FOIL, roll_mm)
    parts["parent"] += block.first
    foil["parent"] += books.open(f"{electrode.name}_foil", electrode.foil, Measure.MM, foils).first
    foil["tolerance"] = WEB_TOLERANCE_MM
    parts["reversed"] = foil["reversed"] = True
    books.parts += [parts, foil]


def _mix(books: _Books, electrode: Electrode) -> None:
    """Mix each batch of slurry of four lots."""
    slurries = books.blocks[f"{electrode.name}_slurry"]
    batch = np.arange(slurries.count)
    quantities = books.quantities_of(slurries.name)
    for each in electrode.ingredients:
        parts = _parts(slurries, batch)
        parts["child_end"] = quantities
        drawn = _draw(parts, batch // each.batches, quantities * each.permille // 1000)
        parts["parent"] += books.open(f"{electrode.name}_{each.name}", each.material, Measure.MG, drawn).first
        books.parts.append(parts)


def _fill(books: _Books) -> None:
    """Fill drums from batches of electrolyte, and those from lots of salt."""
    for child, parent, ratio, permille in _electrolyte():
        block = books.blocks[child]
        quantities = books.quantities_of(child)
        number = np.arange(block.count)
        parts = _parts(block, number)
        parts["child_end"] = quantities
        drawn = _draw(parts, number // ratio, quantities * permille // 1000)
        parts["parent"] += books.open(parent, parent, Measure.MG, drawn).first
        books.parts.append(parts)


def _electrolyte() -> Iterator[tuple[str, str, int, int]]:
    yield "drum", "electrolyte_batch", DRUMS_OF_BATCH, 1000
    yield "electrolyte_batch", "lithium_salt", BATCHES_OF_SALT, _SALT_PERMILLE


def _parts(block: LotBlock, numbers: Longs) -> NDArray[np.void]:
    parts = np.zeros(len(numbers), PART)
    parts["child"] = block.first + numbers
    return parts


def _draw(parts: NDArray[np.void], parents: Longs, amounts: Longs) -> Longs:
    """Let parts take amounts of parents (counted from 0) one after another by child; returns what each gave."""
    order = np.lexsort((parts["child"], parents))
    taken = np.cumsum(amounts[order])
    totals = np.bincount(parents, weights=amounts).astype(np.int64)
    before = np.cumsum(totals) - totals
    parts["parent"] = parents
    parts["parent_end"][order] = taken - before[parents[order]]
    parts["parent_start"] = parts["parent_end"] - amounts
    return totals
