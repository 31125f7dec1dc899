"""A plant with many lots of everything, and the story of 600 cells in it: whatever made some of them bad can be told.

Six rolls of three batches are slit into two reels each; cans come from six drums through two machines, separator from
three rolls; cells are formed and graded in trays of eight.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from msgspec import structs

from cellwright.model.commands import RecordCalibration, ReplaceTool, UnloadCarrier
from cellwright.testing.deep_plant import Row, Story, deep_plant
from cellwright.testing.flow import results
from cellwright.testing.replay import RecordingDriver

ROLLS = 6
REEL_CELLS = 50
CELLS = ROLLS * 2 * REEL_CELLS
_REEL_MM = 50_000
_CAN_COUNT = 100
_TRAY = 8


@dataclass
class ManyLots:
    """The story, and what its cells really had: cells by kind of cause, then by its code."""

    story: Story
    cells: list[str] = field(default_factory=list)
    causes: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    @property
    def driver(self) -> RecordingDriver:
        """What told the story."""
        return self.story.driver

    def note(self, kind: str, code: str, cells: Iterable[str]) -> None:
        """Keep that cells had something."""
        self.causes.setdefault(kind, {}).setdefault(code, []).extend(cells)

    def bad(self, seed: int, cause: Iterable[str] = (), *, ratio: float = 0.3, base_ratio: float = 0.03) -> list[str]:
        """Draw bad cells: those of a cause with a share of `ratio`, all others with `base_ratio`."""
        blamed = set(cause)
        drawn = np.random.default_rng(seed).random(len(self.cells))
        return [
            cell
            for cell, chance in zip(self.cells, drawn.tolist(), strict=True)
            if chance < (ratio if cell in blamed else base_ratio)
        ]


def _plant_driver() -> RecordingDriver:
    plant = deep_plant()
    wide = structs.replace(plant.stations["ASM-02"], capacity_count=100)
    second = structs.replace(plant.stations["FORM-01"], code="FORM-02")
    return RecordingDriver(structs.replace(plant, stations=plant.stations | {"ASM-02": wide, "FORM-02": second}))


def tell_many_lots() -> ManyLots:
    """Return the story, told to a driver in memory."""
    told = ManyLots(Story(_plant_driver()))
    driver = told.driver
    driver.must(RecordCalibration(station="GRADE-01", valid_until_us=driver.now_us + 7 * 86_400_000_000))
    driver.receive("FOIL-1", "foil", ROLLS * _REEL_MM)
    driver.load("SPREAD-01", "foil", "FOIL-1", ROLLS * _REEL_MM)
    for number in range(3):
        driver.receive(f"SEP-{number + 1}", "separator", CELLS * 1000 // 3)
    for number in range(CELLS // _CAN_COUNT):
        driver.receive(f"CAN-{number + 1}", "can", _CAN_COUNT)
    for number in range(ROLLS):
        _make_roll(told, number)
    return told


def _make_roll(told: ManyLots, number: int) -> None:
    """Make a roll, every second one of a new batch, and all cells of its two reels."""
    driver, story = told.driver, told.story
    if number % 2 == 0:
        powder = f"POWDER-{number // 2 + 1}"
        driver.receive(powder, "powder", 100_000)
        driver.load("MIX-01", "powder", powder, 100_000)
        story.batches += story.make("MIX-01", [100_000], [("powder", 0, 0, 100_000, 0, 100_000, 0, False)])
        driver.unload("MIX-01", "powder")
    batch, start = story.batches[-1], number % 2 * 50_000
    driver.load("SPREAD-01", "slurry", batch, 50_000)
    at = number * _REEL_MM
    rows: list[Row] = [
        ("slurry", 0, start, start + 50_000, 0, _REEL_MM, 0, False),
        ("foil", 0, at, at + _REEL_MM, 0, _REEL_MM, 0, False),
    ]
    roll = story.make("SPREAD-01", [_REEL_MM], rows)[0]
    driver.unload("SPREAD-01", "slurry")
    driver.load("SLIT-01", "roll", roll, _REEL_MM)
    lanes: list[Row] = [("roll", lane - 1, 0, _REEL_MM, 0, _REEL_MM, lane, True) for lane in (1, 2)]
    reels = story.make("SLIT-01", [_REEL_MM] * 2, lanes)
    driver.unload("SLIT-01", "roll")
    for lane, reel in enumerate(reels, start=1):
        cells = _make_cells(told, reel)
        for kind, code in (("roll", roll), ("web", reel), ("slurry", batch), ("lane", str(lane))):
            told.note(kind, code, cells)


def _make_cells(told: ManyLots, reel: str) -> list[str]:
    driver = told.driver
    separator = _refill(told, "WIND-01", "separator", "SEP", REEL_CELLS * 1000)
    driver.load("WIND-01", "cathode", reel, _REEL_MM)
    cells = list(driver.wind(REEL_CELLS))
    driver.unload("WIND-01", "cathode")
    told.note("separator", separator, cells)
    for half, station in enumerate(("ASM-01", "ASM-02")):
        among = cells[half::2]
        told.note("can", _refill(told, station, "can", "CAN", len(among)), among)
        driver.work(station, among)
        driver.unload(station, "can")
        told.note("assemble", station, among)
    driver.work("SEAL-01", cells, results=results(leak_pamin=[1.0] * len(cells)))
    driver.wait(900)
    for index, first in enumerate(range(0, len(cells), _TRAY)):
        _form(told, cells[first : first + _TRAY], index)
    told.cells += cells
    return cells


def _refill(told: ManyLots, station: str, position: str, name: str, count: int) -> str:
    """Load so much of the first lot of a name that has it; returns its code."""
    driver = told.driver
    if driver.loading(station, position).lot:
        driver.unload(station, position)
    lots = (driver.state.lot_by_code(f"{name}-{number + 1}") for number in range(CELLS))
    code = next(lot.code for lot in lots if lot is not None and lot.remaining >= count)
    driver.load(station, position, code, count)
    return code


def _form(told: ManyLots, cells: list[str], index: int) -> None:
    """Form and grade a tray of cells, on the two cabinets in turn."""
    driver, tray, station = told.driver, f"TRAY-{index + 1}", f"FORM-0{index % 2 + 1}"
    driver.tray(cells, tray)
    driver.check_in(station, carrier=tray)
    driver.check_out(station, carrier=tray)
    driver.check_in("GRADE-01", carrier=tray)
    driver.check_out("GRADE-01", carrier=tray, results=results(capacity_ah=[6.2] * len(cells)))
    driver.must(UnloadCarrier(station="TRAY-01", carrier=tray))
    for slot, cell in enumerate(cells):
        told.note("slot", str(slot), [cell])
        told.note("channel", f"{station} {slot}", [cell])
    told.note("carrier", tray, cells)
    told.note("form", station, cells)


# --- modules ------------------------------------------------------------------------------------------

MODULE_PAGES = 24
_PAGE = 8
_CANS = ((10, "CAN-1"), (13, "CAN-2"), (MODULE_PAGES, "CAN-3"))
"""Up to which page cells have cans of a lot."""


@dataclass
class ManyModules:
    """48 modules of four cells; by what they really had: the cans of their cells, their kit, their tester's role."""

    driver: RecordingDriver = field(default_factory=RecordingDriver)
    modules: list[str] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    causes: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def note(self, kind: str, code: str, units: Iterable[str]) -> None:
        """Keep that units had something."""
        self.causes.setdefault(kind, {}).setdefault(code, []).extend(units)


def tell_many_modules() -> ManyModules:
    """Return the story of modules, told to a driver in memory."""
    told = ManyModules()
    driver = told.driver
    driver.must(RecordCalibration(station="GRADE-01", valid_until_us=driver.now_us + 7 * 86_400_000_000))
    for person, role in (("P-1", "operator"), ("P-2", "quality")):
        driver.person(person, role, qualification="hv_work")
    length_mm = (MODULE_PAGES * _PAGE + 1) * 1000
    for lot, material, quantity in (("FOIL-1", "foil", length_mm), ("SEP-1", "separator", length_mm)):
        driver.receive(lot, material, quantity)
    driver.load("COAT-01", "foil", "FOIL-1", length_mm)
    driver.load("WIND-01", "cathode", driver.coat(length_mm)[0], length_mm)
    driver.load("WIND-01", "separator", "SEP-1", length_mm)
    for lot in ("CAN-1", "CAN-2", "CAN-3"):
        driver.receive(lot, "can", MODULE_PAGES * _PAGE)
    for lot in ("KIT-1", "KIT-2"):
        driver.receive(lot, "kit", MODULE_PAGES)
    for page in range(MODULE_PAGES):
        _make_modules(told, page)
    return told


def _make_modules(told: ManyModules, page: int) -> None:
    """Make eight cells and two modules of them; the winder gets a new cutter every four pages."""
    driver = told.driver
    if page % 4 == 0:
        driver.must(ReplaceTool(station="WIND-01", tool="cutter"))
    cells = list(driver.wind(_PAGE))
    told.note("cutter", str(page // 4), cells)
    can = next(code for last, code in _CANS if page < last)
    driver.load("ASM-01", "can", can, _PAGE)
    driver.work("ASM-01", cells)
    driver.unload("ASM-01", "can")
    driver.work("SEAL-01", cells, results=results(leak_pamin=[1.0] * _PAGE))
    driver.tray(cells, "TRAY-1")
    driver.wait(900)
    for station, columns in (("FORM-01", {}), ("GRADE-01", {"results": results(capacity_ah=[6.2] * _PAGE)})):
        driver.check_in(station, carrier="TRAY-1")
        driver.check_out(station, carrier="TRAY-1", **columns)
    driver.must(UnloadCarrier(station="TRAY-01", carrier="TRAY-1"))
    kit = f"KIT-{page * 2 // MODULE_PAGES + 1}"
    driver.load("MOD-01", "kit", kit, 2)
    for half in (cells[:4], cells[4:]):
        driver.tray(half, "MAG-1")
        units = driver.check_in("MOD-01", carrier="MAG-1").units
        driver.check_out("MOD-01", units=units, consumed=driver.takes("MOD-01", 1))
        driver.work("TEST-01", units, person=f"P-{page % 2 + 1}", results=results(voltage_v=[13.2]))
        for kind, code in (("can", can), ("kit", kit), ("role", ("operator", "quality")[page % 2])):
            told.note(kind, code, units)
        for slot, cell in enumerate(half):
            told.note("member_slot", str(slot), [cell])
        told.modules += units
    driver.unload("MOD-01", "kit")
    told.cells += cells
