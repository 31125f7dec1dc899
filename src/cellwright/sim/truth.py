"""Ground truth: what every unit and lot was really made of, written where the product never reads."""

from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct, field

from cellwright.sim.lots import Flaw, Lot, Part
from cellwright.sim.units import Place, Unit
from cellwright.sim.world import Quarantined, Refused, World

T = TypeVar("T")


class LotTruth(Struct, frozen=True):
    """A lot: true size in its measure (mm, mg or count), the parts it was made of, and the flaws on it."""

    code: str
    material: str
    measure: str
    size: float
    used: float
    traits: dict[str, float]
    parts: list[Part]
    flaws: list[Flaw] = field(default_factory=list)


class Summary(Struct, frozen=True):
    """A run at one moment."""

    seed: int
    packs: int
    time_us: int
    is_finished: bool
    reason: str
    counts: dict[str, int]
    defective_shipped: int
    """Cells with a true defect inside shipped packs."""
    defective_packs_shipped: int = 0
    """Shipped packs with a true defect of their own or of a module."""


class Truth(Struct, frozen=True):
    """Everything that was written."""

    summary: Summary
    units: dict[str, Unit]
    lots: dict[str, LotTruth]
    refused: list[Refused]
    quarantined: list[Quarantined]


def observe(world: World, reason: str = "") -> Truth:
    """Return the truth of a plant at this moment."""
    return Truth(
        summary=Summary(
            seed=world.seed,
            packs=world.settings.packs,
            time_us=world.clock.now_us,
            is_finished=world.is_finished(),
            reason=reason,
            counts=dict(world.counts),
            defective_shipped=_defective_shipped(world),
            defective_packs_shipped=_defective_packs_shipped(world),
        ),
        units=world.units,
        lots={code: _lot_truth(lot) for code, lot in world.lots.items()},
        refused=world.refused,
        quarantined=world.quarantined,
    )


def _lot_truth(lot: Lot) -> LotTruth:
    return LotTruth(lot.code, lot.material, lot.measure, lot.size, lot.used, lot.traits, lot.parts, lot.flaws)


def _shipped(world: World) -> list[Unit]:
    return [unit for unit in world.units.values() if unit.kind == "pack" and unit.place is Place.SHIPPED]


def _defective_shipped(world: World) -> int:
    modules = [world.units[code] for pack in _shipped(world) for code in pack.members]
    return sum(world.units[code].is_defective for module in modules for code in module.members)


def _defective_packs_shipped(world: World) -> int:
    return sum(
        pack.is_defective or any(world.units[code].is_defective for code in pack.members) for pack in _shipped(world)
    )


def write_truth(truth: Truth, folder: Path) -> None:
    """Write summary.json and units, lots, refused, quarantined as JSON lines; each file is replaced as a whole."""
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / "summary.json", msgspec.json.encode(truth.summary))
    encoder = msgspec.json.Encoder()
    _replace(folder / "units.jsonl", encoder.encode_lines(truth.units.values()))
    _replace(folder / "lots.jsonl", encoder.encode_lines(truth.lots.values()))
    _replace(folder / "refused.jsonl", encoder.encode_lines(truth.refused))
    _replace(folder / "quarantined.jsonl", encoder.encode_lines(truth.quarantined))


def read_truth(folder: Path) -> Truth:
    """Read what `write_truth` wrote."""
    units = _lines(folder / "units.jsonl", Unit)
    lots = _lines(folder / "lots.jsonl", LotTruth)
    return Truth(
        summary=msgspec.json.decode((folder / "summary.json").read_bytes(), type=Summary),
        units={unit.code: unit for unit in units},
        lots={lot.code: lot for lot in lots},
        refused=_lines(folder / "refused.jsonl", Refused),
        quarantined=_lines(folder / "quarantined.jsonl", Quarantined),
    )


def _lines(path: Path, kind: type[T]) -> list[T]:
    return msgspec.json.Decoder(kind).decode_lines(path.read_bytes())


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(path.name + ".new")
    draft.write_bytes(content)
    draft.replace(path)
