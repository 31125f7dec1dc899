"""A deeper plant than the tiny one, and the story of one pack in it: powder, slurry, roll, reels, cells, modules.

The story has what makes tracing hard: a heel, a roll of two batches, a cut-out, reversed webs, lanes and rework.
"""

import contextlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from msgspec import structs

from cellwright.model.commands import Consumed, LoadCarrier, Marks, Profile, RecordCalibration, UnloadCarrier
from cellwright.model.equipment import Station
from cellwright.model.ids import UnitKind
from cellwright.model.materials import Material, MaterialUse, Product
from cellwright.model.plant import Plant, RouteDraft
from cellwright.model.quantities import Measure
from cellwright.model.routes import Members, Operation, OperationKind, Recipe
from cellwright.testing.flow import results
from cellwright.testing.plants import small_plant
from cellwright.testing.replay import RecordingDriver, through_gate
from cellwright.testing.web import WebPlant, running_web

CELLS = 100
REEL_MM = 100_000
CUT = (40_000, 43_000)
"""A seen flaw of lane 2 on the roll (mm), which was cut out."""

STREAK = (70_000, 75_000)
"""A streak in lane 1 of the roll (mm)."""
PROFILES = tuple(
    Profile(
        characteristic="areal_weight_gsm",
        lane=lane,
        start=500,
        step=1000,
        values=tuple(None if metre % 37 == 5 else 200.0 + lane + metre / 64 for metre in range(99)),
    )
    for lane in (1, 2)
)
"""What the gauge of the roll says: it begins half a metre late and misses some readings."""
MARKS = Marks(
    defects=("missing_coat", "streak"),
    outputs=(0, 0),
    starts=(CUT[0] + 100, STREAK[0]),
    ends=(CUT[1] - 100, STREAK[1]),
    lanes=(2, 1),
)


def _lot_operation(code: str, output: str, uses: Iterable[MaterialUse], count: int = 1) -> Operation:
    return Operation(
        code=code,
        name=code,
        kind=OperationKind.LOT,
        materials=tuple(uses),
        output_material=output,
        output_count_max=count,
    )


def _use(position: str, material: str, *, optional: bool = False, is_length: bool = False) -> MaterialUse:
    use = MaterialUse(position=position, material=material, quantity=1, optional=optional)
    return structs.replace(use, tolerance=20, counter_tolerance=50) if is_length else use


def deep_plant() -> Plant:
    """The tiny plant with slurry and rolls before the winder, and packs of two modules behind the test."""
    plant = small_plant()
    lots = (
        _lot_operation("mix", "slurry", [_use("powder", "powder"), _use("heel", "slurry", optional=True)]),
        _lot_operation(
            "spread",
            "roll",
            [
                _use("slurry", "slurry"),
                _use("slurry_next", "slurry", optional=True),
                _use("foil", "foil", is_length=True),
            ],
        ),
        _lot_operation("slit", "web", [_use("roll", "roll", is_length=True)], count=2),
    )
    stack = Operation(
        code="stack",
        name="Stack two modules",
        kind=OperationKind.COMMISSION,
        members=Members(product="module", count=2),
        materials=(_use("bms", "bms"),),
    )
    stations = [
        Station(code=f"{each.code.upper()}-01", name=each.code, work_center="line", operations=(each.code,))
        for each in (*lots, stack)
    ]
    wide = [
        structs.replace(plant.stations[code], capacity_count=CELLS, tools=())
        for code in ("WIND-01", "ASM-01", "SEAL-01")
    ]
    materials = (
        Material(code="powder", name="Powder", measure=Measure.MG, purchased=True),
        Material(code="slurry", name="Slurry", measure=Measure.MG),
        Material(code="roll", name="Roll", measure=Measure.MM),
        Material(code="bms", name="BMS", measure=Measure.COUNT, purchased=True),
    )
    recipes = (Recipe(code=each.code, revision=1, operation=each.code, parameters={}) for each in (*lots, stack))
    pack = Product(code="pack", name="Pack", kind=UnitKind.PACK, design_part="TESTPACK000001", route="pack")
    return structs.replace(
        plant,
        stations=plant.stations | {each.code: each for each in (*stations, *wide)},
        materials=plant.materials | {each.code: each for each in materials},
        lot_operations={each.code: each for each in lots},
        products=plant.products | {"pack": pack},
        routes=plant.routes | {"pack": RouteDraft(code="pack", product="pack", operations=(stack,))},
        recipes=plant.recipes | {each.operation: each for each in recipes},
    )


Row: TypeAlias = tuple[str, int, int, int, int, int, int, bool]
"""position, output, parent start and end, child start and end, lane, reversed"""


@dataclass
class Story:
    """What was made, by code; the facts say the rest."""

    driver: RecordingDriver
    batches: list[str] = field(default_factory=list)
    roll: str = ""
    reels: tuple[str, ...] = ()
    cells: list[str] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    pack: str = ""
    reworked: str = ""

    def make(self, station: str, sizes: list[int], rows: list[Row], **fields: Any) -> tuple[str, ...]:
        """Make lots of these sizes from rows of consumption; returns their codes. Fields go to the check-out."""
        lots = self.driver.check_in(station, count=len(sizes)).lots
        columns = [tuple(column) for column in zip(*rows, strict=True)]
        names = ("positions", "outputs", "starts", "ends", "output_starts", "output_ends", "lanes", "reversed")
        consumed = Consumed(**dict(zip(names, columns, strict=True)))
        self.driver.check_out(station, lots=lots, quantities=tuple(sizes), consumed=consumed, **fields)
        return lots

    def id_of(self, code: str) -> int:
        """Return the id of a lot or unit."""
        lot = self.driver.state.lot_by_code(code)
        return self.driver.unit(code).id if lot is None else lot.id


def _make_reels(story: Story) -> None:
    """Two batches, the second with the heel of the first; one roll from both; two reels, one with a cut-out."""
    driver = story.driver
    for code in ("POWDER-1", "POWDER-2"):
        driver.receive(code, "powder", 500_000)
    driver.receive("FOIL-1", "foil", 150_000)
    driver.load("SPREAD-01", "foil", "FOIL-1", 150_000)
    driver.load("MIX-01", "powder", "POWDER-1", 500_000)
    story.batches += story.make("MIX-01", [400_000], [("powder", 0, 0, 400_000, 0, 400_000, 0, False)])
    driver.unload("MIX-01", "powder")
    driver.load("SPREAD-01", "slurry", story.batches[0], 350_000)
    driver.load("MIX-01", "heel", story.batches[0], 50_000)
    driver.load("MIX-01", "powder", "POWDER-2", 500_000)
    rows: list[Row] = [
        ("powder", 0, 0, 300_000, 0, 350_000, 0, False),
        ("heel", 0, 350_000, 400_000, 0, 350_000, 0, False),
    ]
    story.batches += story.make("MIX-01", [350_000], rows)
    driver.load("SPREAD-01", "slurry_next", story.batches[1], 350_000)
    rows = [
        ("slurry", 0, 0, 350_000, REEL_MM // 2, REEL_MM, 0, True),
        ("slurry_next", 0, 0, 350_000, 0, REEL_MM // 2, 0, True),
        ("foil", 0, 2_000, 102_000, 0, REEL_MM, 0, True),
    ]
    story.roll = story.make("SPREAD-01", [REEL_MM], rows, profiles=PROFILES, marks=MARKS)[0]
    driver.load("SLIT-01", "roll", story.roll, REEL_MM)
    rest = REEL_MM - CUT[1]
    rows = [
        ("roll", 0, 0, REEL_MM, 0, REEL_MM, 1, True),
        ("roll", 1, 0, CUT[0], rest, rest + CUT[0], 2, True),
        ("roll", 1, CUT[1], REEL_MM, 0, rest, 2, True),
    ]
    story.reels = story.make("SLIT-01", [REEL_MM, rest + CUT[0]], rows)


def _wind(story: Story, reel: str, count: int) -> list[str]:
    """Wind cells from a reel, with the gaps and the jitter of real counters."""
    driver = story.driver
    driver.load("WIND-01", "cathode", reel, REEL_MM - (CUT[1] - CUT[0]))
    units = driver.check_in("WIND-01", count=count).units
    plain = driver.takes("WIND-01", count)
    starts, ends, at = list(plain.starts), list(plain.ends), 0
    for index in range(count):
        starts[index], ends[index] = at, at + 900 + index * 7 % 5
        at = ends[index] + index * 37 % 23
    driver.check_out("WIND-01", units=units, consumed=structs.replace(plain, starts=tuple(starts), ends=tuple(ends)))
    driver.unload("WIND-01", "cathode")
    return list(units)


def _make_cells(story: Story) -> None:
    """Cells of both reels; one is sealed badly once, goes back to assembly and takes a second can."""
    driver = story.driver
    driver.receive("SEP-1", "separator", 500_000)
    driver.load("WIND-01", "separator", "SEP-1", 500_000)
    driver.receive("CAN-1", "can", 1000)
    driver.load("ASM-01", "can", "CAN-1", 1000)
    story.cells = _wind(story, story.reels[1], CELLS) + _wind(story, story.reels[0], CELLS // 10)
    sealed = story.cells[:CELLS]
    driver.work("ASM-01", sealed)
    story.reworked = sealed[3]
    verdicts = tuple(code != story.reworked for code in sealed)
    driver.work("SEAL-01", sealed, verdicts=verdicts, results=results(leak_pamin=[1.0] * CELLS))
    driver.work("ASM-01", [story.reworked])
    driver.work("SEAL-01", [story.reworked], results=results(leak_pamin=[1.0]))
    driver.wait(900)


def make_module(story: Story, cells: list[str], number: int) -> str:
    """Form, grade and join four sealed cells, and test the module; returns its code."""
    driver, tray, magazine = story.driver, f"TRAY-{number}", f"MAG-{number}"
    driver.tray(cells, tray)
    for station, columns in (("FORM-01", {}), ("GRADE-01", {"results": results(capacity_ah=[6.2] * 4)})):
        driver.check_in(station, carrier=tray)
        driver.check_out(station, carrier=tray, **columns)
        driver.wait(60)
    driver.must(UnloadCarrier(station="TRAY-01", carrier=tray))
    driver.must(LoadCarrier(station="TRAY-01", carrier=magazine, units=tuple(cells), slots=(0, 1, 2, 3)))
    units = driver.check_in("MOD-01", carrier=magazine).units
    driver.check_out("MOD-01", units=units, consumed=driver.takes("MOD-01", 1))
    driver.work("TEST-01", units, person="P-1", results=results(voltage_v=[13.2]))
    return units[0]


def make_pack(story: Story, modules: list[str]) -> str:
    """Stack two tested modules; returns the code of the pack."""
    driver = story.driver
    units = driver.check_in("STACK-01", units=tuple(modules)).units
    driver.check_out("STACK-01", units=units, consumed=driver.takes("STACK-01", 1))
    return units[0]


def tell_story() -> Story:
    """Return the whole story, told to a driver in memory."""
    story = Story(RecordingDriver(deep_plant()))
    driver = story.driver
    driver.person("P-1", qualification="hv_work")
    until_us = driver.now_us + 86_400_000_000
    driver.must(RecordCalibration(station="GRADE-01", valid_until_us=until_us))
    _make_reels(story)
    _make_cells(story)
    for lot, material, station, position in (("KIT-1", "kit", "MOD-01", "kit"), ("BMS-1", "bms", "STACK-01", "bms")):
        driver.receive(lot, material, 10)
        driver.load(station, position, lot, 10)
    # The first cells of the reel, and those about its splice.
    story.modules = [make_module(story, story.cells[0:4], 1), make_module(story, story.cells[60:64], 2)]
    story.pack = make_pack(story, story.modules)
    return story


CELL_COST, MODULE_COST = 18, 90
"""Of the deep plant's pages; what a pack costs its files do not say."""


@contextlib.asynccontextmanager
async def deep_web(database_url: str) -> AsyncIterator[tuple[WebPlant, Story]]:
    """Serve the pages of the story, at the plant's time of its end, with costs of cells and modules."""
    story = tell_story()
    await through_gate(database_url, story.driver)
    plant = story.driver.plant
    costs = {"cell": CELL_COST, "module": MODULE_COST}
    priced = {code: structs.replace(plant.products[code], stock_cost=cost) for code, cost in costs.items()}
    files = structs.replace(plant, currency="CNY", products=plant.products | priced)
    async with running_web(database_url, files) as web:
        web.times.plant_us = story.driver.now_us + 1_000_000
        yield web, story
