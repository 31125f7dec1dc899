"""The story of one pack of the embedded plant, from powder to shipping, and of a tray of cells on its way."""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from cellwright.model.commands import Consumed, RecordCalibration, ReleaseOrder, Result, UnloadCarrier
from cellwright.model.ids import UnitKind
from cellwright.model.materials import MaterialUse
from cellwright.model.plant import Plant, RouteDraft
from cellwright.model.quantities import Characteristic, Measure
from cellwright.model.routes import Operation
from cellwright.rules.materials import uses_at
from cellwright.testing.flow import START_US, results
from cellwright.testing.plants import by_hand
from cellwright.testing.replay import RecordingDriver

_WEB_MM: Final = 400_000
_BATCH_MG: Final = 1_000_000_000
_PIECES: Final = 1000
_TRAY: Final = 80
"""Cells of a module."""
_MODULES: Final = 4
_STEP_S: Final = 1200
_SOAK_S: Final = 6 * 3600
_YEAR_S: Final = 365 * 86_400
_US_PER_S: Final = 1_000_000
_PERSON: Final = "B-0001"
_WEBS: Final = ("mix", "coat", "calender", "slit")


class PackTold(Struct, frozen=True, kw_only=True):
    """The codes of what the story made; the tray has cells in it that have yet to be graded."""

    cell: str
    module: str
    pack: str
    reel: str
    order: str
    tray: str


def tell_pack(plant: Plant, end_us: int) -> tuple[RecordingDriver, PackTold]:
    """Tell the story in the embedded plant; it ends about a day before `end_us` (UTC us)."""
    teller = _Teller(by_hand(plant))
    driver = teller.driver
    driver.wait((end_us - START_US) / _US_PER_S - 2 * 86_400)
    driver.person(_PERSON)
    operations = [each for route in plant.routes.values() for each in route.operations]
    for qualification in sorted({each.qualification for each in operations}):
        driver.person(_PERSON, qualification=qualification)
    for station in plant.stations:
        driver.must(RecordCalibration(station=station, valid_until_us=driver.now_us + _YEAR_S * _US_PER_S))
    for number, (product, count) in enumerate((("cell_32700", 1000), ("module_4s20p", 10), ("pack_16s20p", 3)), 1):
        driver.must(ReleaseOrder(order=f"WO-{number}", product=product, quantity=count))
    reels = [teller.make_web(side) for side in ("cathode", "anode")]
    trays = [teller.make_tray(f"TRAY-{number:04d}") for number in range(1, _MODULES + 2)]
    driver.wait(_SOAK_S)
    for number in range(1, _MODULES + 2):
        teller.work_tray("formation", f"TRAY-{number:04d}")
    modules = [teller.make_module(number, cells) for number, cells in enumerate(trays[:_MODULES], 1)]
    pack = teller.make_pack(modules)
    told = PackTold(
        cell=trays[0][0], module=modules[0], pack=pack, reel=reels[0], order="WO-1", tray=f"TRAY-{_MODULES + 1:04d}"
    )
    return driver, told


class _Teller:
    """Works through the operations of a plant's files with what each of them takes and measures."""

    def __init__(self, plant: Plant) -> None:
        self.driver = RecordingDriver(plant)
        self._plant = plant
        self._stations = {each: station.code for station in plant.stations.values() for each in station.operations}
        self._routes: dict[UnitKind, RouteDraft] = {
            product.kind: plant.routes[product.route] for product in plant.products.values()
        }
        self._lots: dict[str, str] = {}

    # --- webs -------------------------------------------------------------------------------

    def make_web(self, side: str) -> str:
        """Mix, coat, calender and slit; returns the code of the first reel."""
        for step in _WEBS:
            self._make_lots(self._plant.lot_operations[f"{step}_{side}"])
        return self._lots[f"{side}_reel"]

    def _make_lots(self, operation: Operation) -> None:
        """Make as many lots as one run may, each of the whole length of what it is made of."""
        station, count = self._stations[operation.code], operation.output_count_max
        uses = [each for each in operation.materials if not each.optional]
        for use in uses:
            self._load(station, use)
        size = self._size(operation.output_material)
        rows = [(use.position, output, self._size(use.material)) for output in range(count) for use in uses]
        lots = self.driver.check_in(station, count=count).lots
        consumed = Consumed(
            positions=tuple(row[0] for row in rows),
            outputs=tuple(row[1] for row in rows),
            starts=(0,) * len(rows),
            ends=tuple(row[2] for row in rows),
            output_starts=(0,) * len(rows),
            output_ends=(size,) * len(rows),
            lanes=tuple(row[1] + 1 if count > 1 else 0 for row in rows),
        )
        self.driver.check_out(
            station, lots=lots, quantities=(size,) * count, consumed=consumed, results=_nominal(operation, count)
        )
        self._lots[operation.output_material] = lots[0]
        self.driver.wait(_STEP_S)

    def _size(self, material: str) -> int:
        return {Measure.MM: _WEB_MM, Measure.MG: _BATCH_MG, Measure.COUNT: _PIECES}[
            self._plant.materials[material].measure
        ]

    def _load(self, station: str, use: MaterialUse) -> None:
        """Load a lot: the one made here, or a new one of a supplier."""
        lot, size = self._lots.get(use.material), self._size(use.material)
        if self._plant.materials[use.material].purchased:
            lot = f"{use.material.upper()}-{station}-{use.position}"
            self.driver.receive(lot, use.material, 2 * size)
            size *= 2
        assert lot is not None  # noqa: S101 - webs are made before they are wound
        self.driver.load(station, use.position, lot, size)

    # --- units ------------------------------------------------------------------------------

    def make_tray(self, carrier: str) -> tuple[str, ...]:
        """Wind cells, close them, and put them into a tray; returns their codes."""
        wind, assemble, fill, seal, *_ = self._routes[UnitKind.CELL].operations
        cells = self._join(wind, count=_TRAY)
        for operation in (assemble, fill, seal):
            self._work(operation, cells)
        self.driver.tray(cells, carrier)
        return cells

    def make_module(self, number: int, cells: tuple[str, ...]) -> str:
        """Age, grade and sort the cells of a tray, join and test them; returns the module's code."""
        tray, magazine = f"TRAY-{number:04d}", f"MAG-{number:04d}"
        for code in ("ageing", "grading", "sorting", "resort"):
            self.work_tray(code, tray)
        self.driver.must(UnloadCarrier(station="TRAY-01", carrier=tray))
        self.driver.tray(cells, magazine)
        join, *rest = self._routes[UnitKind.MODULE].operations
        units = self._join(join, carrier=magazine)
        for operation in rest:
            self._work(operation, units)
        return units[0]

    def make_pack(self, modules: Iterable[str]) -> str:
        """Join modules, test and ship the pack; returns its code."""
        join, *rest = self._routes[UnitKind.PACK].operations
        units = self._join(join, units=tuple(modules))
        for operation in rest:
            self._work(operation, units)
        return units[0]

    def work_tray(self, code: str, carrier: str) -> None:
        """Do an operation on the cells of a tray."""
        operation = next(each for each in self._routes[UnitKind.CELL].operations if each.code == code)
        station = self._stations[code]
        self.driver.check_in(station, carrier=carrier)
        self.driver.wait(_STEP_S)
        self.driver.check_out(station, carrier=carrier, results=_nominal(operation, _TRAY))

    def _join(self, operation: Operation, **asked: object) -> tuple[str, ...]:
        station = self._supplied(operation)
        units = self.driver.check_in(station, **asked).units
        self.driver.wait(_STEP_S)
        self.driver.check_out(
            station,
            units=units,
            consumed=self.driver.takes(station, len(units)),
            results=_nominal(operation, len(units)),
        )
        return units

    def _work(self, operation: Operation, units: tuple[str, ...]) -> None:
        person = _PERSON if operation.qualification else ""
        station = self._supplied(operation)
        self.driver.work(station, units, results=_nominal(operation, len(units)), person=person)
        self.driver.wait(_STEP_S)

    def _supplied(self, operation: Operation) -> str:
        """Return the station of an operation, with something at each of its positions."""
        station = self._stations[operation.code]
        for use in uses_at(self._plant, self._plant.stations[station]).values():
            if not self.driver.loading(station, use.position).lot:
                self._load(station, use)
        return station


def _nominal(operation: Operation, count: int) -> tuple[Result, ...]:
    """Return a good value of everything that an operation must measure, for each unit or lot."""
    return results(**{each.code: [_good(each)] * count for each in operation.characteristics if each.required})


def _good(characteristic: Characteristic) -> float:
    """Return the target, or the middle between the limits (in the characteristic's unit)."""
    if characteristic.target is not None:
        return characteristic.target
    return ((characteristic.lower or 0.0) + (characteristic.upper or 0.0)) / 2
