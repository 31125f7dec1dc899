"""A tiny plant in memory: one of everything the rules know, with small numbers that are easy to reckon with.

Cells are wound from a web and a separator, assembled, sealed, formed and graded in trays of 8; four cells of grade A
make a module, which is tested. The web is coated here: up to two lots at a time from foil, with primer if there is.
"""

from msgspec import json, structs

from cellwright.model.equipment import Station, Tool, WorkCenter
from cellwright.model.ids import UnitKind
from cellwright.model.materials import CarrierType, Material, MaterialUse, Product
from cellwright.model.plant import Plant, RouteDraft
from cellwright.model.quantities import Characteristic, Measure
from cellwright.model.routes import (
    Grade,
    Members,
    NotGood,
    NotGoodAction,
    Operation,
    OperationKind,
    QueueTime,
    Recipe,
)

HOUR_S = 3600
WEB_MM = 900
SEPARATOR_MM = 1000

_MATERIALS = (
    Material(code="foil", name="Foil", measure=Measure.MM, purchased=True),
    Material(code="primer", name="Primer", measure=Measure.MG, purchased=True),
    Material(code="web", name="Coated web", measure=Measure.MM, shelf_life_s=48 * HOUR_S),
    Material(code="separator", name="Separator", measure=Measure.MM, purchased=True),
    Material(code="can", name="Can", measure=Measure.COUNT, purchased=True),
    Material(code="kit", name="Module kit", measure=Measure.COUNT, purchased=True),
)
_COAT = Operation(
    code="coat",
    name="Coat foil",
    kind=OperationKind.LOT,
    materials=(
        MaterialUse(position="foil", material="foil", quantity=1000, tolerance=20, counter_tolerance=50),
        MaterialUse(position="primer", material="primer", quantity=100, optional=True),
    ),
    characteristics=(Characteristic(code="areal_weight_gsm", unit="g/m2", lower=180.0, upper=220.0, required=False),),
    output_material="web",
    output_count_max=2,
)
_WIND = Operation(
    code="wind",
    name="Wind a cell",
    kind=OperationKind.COMMISSION,
    materials=(
        MaterialUse(
            position="cathode",
            material="web",
            quantity=WEB_MM,
            tolerance=20,
            counter_tolerance=50,
            exposure_max_s=24 * HOUR_S,
        ),
        MaterialUse(
            position="separator", material="separator", quantity=SEPARATOR_MM, tolerance=20, counter_tolerance=50
        ),
    ),
)
_ASSEMBLE = Operation(
    code="assemble",
    name="Insert into the can",
    kind=OperationKind.UNIT,
    materials=(MaterialUse(position="can", material="can", quantity=1),),
    queue_times=(QueueTime(after="wind", max_s=2 * HOUR_S),),
    not_good=NotGood(action=NotGoodAction.SCRAP, limit=2),
)
_SEAL = Operation(
    code="seal",
    name="Seal",
    kind=OperationKind.UNIT,
    characteristics=(Characteristic(code="leak_pamin", unit="Pa/min", upper=5.0),),
    not_good=NotGood(action=NotGoodAction.REWORK, operation="assemble", limit=1),
)
_FORM = Operation(
    code="form",
    name="Form",
    kind=OperationKind.UNIT,
    queue_times=(QueueTime(after="seal", min_s=600, max_s=24 * HOUR_S),),
    not_good=NotGood(action=NotGoodAction.REWORK, operation="form", limit=1),
)
_GRADE = Operation(
    code="grade",
    name="Grade",
    kind=OperationKind.UNIT,
    characteristics=(
        Characteristic(code="capacity_ah", unit="Ah", lower=5.5, upper=7.0),
        Characteristic(code="dcir_ohm", unit="ohm", upper=0.02, required=False),
    ),
    not_good=NotGood(action=NotGoodAction.HOLD),
    grades=(
        Grade(code="A", limits=(Characteristic(code="capacity_ah", unit="Ah", lower=6.0),)),
        Grade(code="B", limits=(Characteristic(code="capacity_ah", unit="Ah", lower=5.8),)),
    ),
    calibrated=True,
)
_JOIN = Operation(
    code="join",
    name="Join four cells",
    kind=OperationKind.COMMISSION,
    members=Members(product="cell", count=4, grade="A"),
    materials=(MaterialUse(position="kit", material="kit", quantity=1),),
    not_good=NotGood(action=NotGoodAction.HOLD),
)
_TEST = Operation(
    code="test",
    name="Test the module",
    kind=OperationKind.UNIT,
    characteristics=(Characteristic(code="voltage_v", unit="V", lower=12.0, target=13.2, upper=14.6),),
    not_good=NotGood(action=NotGoodAction.REWORK, operation="test", limit=1),
    qualification="hv_work",
)
_STATIONS = (
    Station(code="RCV-01", name="Receiving", work_center="store"),
    Station(code="TRAY-01", name="Trays", work_center="store"),
    Station(code="COAT-01", name="Coater", work_center="line", operations=("coat",)),
    Station(
        code="WIND-01",
        name="Winder",
        work_center="line",
        operations=("wind",),
        tools=(Tool(code="cutter", life_count=40),),
        capacity_count=20,
    ),
    Station(code="ASM-01", name="Assembly", work_center="line", operations=("assemble",), capacity_count=8),
    Station(code="ASM-02", name="Assembly", work_center="line", operations=("assemble",), capacity_count=8),
    Station(code="SEAL-01", name="Sealing", work_center="line", operations=("seal",), capacity_count=8),
    Station(code="CELL-01", name="Hand cell", work_center="line", operations=("assemble", "seal")),
    Station(
        code="FORM-01", name="Formation", work_center="line", operations=("form",), carrier="tray", capacity_count=16
    ),
    Station(
        code="GRADE-01", name="Grading", work_center="line", operations=("grade",), carrier="tray", capacity_count=16
    ),
    Station(code="MOD-01", name="Joining", work_center="line", operations=("join",), carrier="magazine"),
    Station(code="TEST-01", name="Module test", work_center="line", operations=("test",)),
)
_ROUTES = (
    RouteDraft(code="cell", product="cell", operations=(_WIND, _ASSEMBLE, _SEAL, _FORM, _GRADE)),
    RouteDraft(code="module", product="module", operations=(_JOIN, _TEST)),
)
_PRODUCTS = (
    Product(code="cell", name="Cell", kind=UnitKind.CELL, design_part="TESTCELL000001", route="cell"),
    Product(code="module", name="Module", kind=UnitKind.MODULE, design_part="TESTMODU000001", route="module"),
)
_CARRIERS = (
    CarrierType(code="tray", prefix="TRAY-", slot_count=8),
    CarrierType(code="magazine", prefix="MAG-", slot_count=4),
)


def small_plant() -> Plant:
    """Return the tiny plant."""
    operations = [_COAT, *(each for route in _ROUTES for each in route.operations)]
    recipes = (
        Recipe(code=f"{each.code}_recipe", revision=1, operation=each.code, parameters={"speed_mps": 1.0})
        for each in operations
    )
    return Plant(
        code="TST1",
        name="Tiny plant",
        line=1,
        time_skew_max_s=60,
        work_centers={code: WorkCenter(code=code, name=code, area="cells") for code in ("store", "line")},
        stations={each.code: each for each in _STATIONS},
        materials={each.code: each for each in _MATERIALS},
        products={each.code: each for each in _PRODUCTS},
        carriers={each.code: each for each in _CARRIERS},
        lot_operations={_COAT.code: _COAT},
        routes={each.code: each for each in _ROUTES},
        recipes={each.operation: each for each in recipes},
    )


def with_operation(plant: Plant, operation: Operation) -> Plant:
    """Return the plant with an operation of its routes replaced by another of the same code."""
    routes = {
        route.code: structs.replace(
            route, operations=tuple(operation if each.code == operation.code else each for each in route.operations)
        )
        for route in plant.routes.values()
    }
    return structs.replace(plant, routes=routes)


def with_station(plant: Plant, station: Station) -> Plant:
    """Return the plant with a station added or replaced."""
    return structs.replace(plant, stations={**plant.stations, station.code: station})


def by_hand(plant: Plant) -> Plant:
    """Return the plant with no station that waits for job orders."""
    stations = {code: structs.replace(each, dispatched=False) for code, each in plant.stations.items()}
    return structs.replace(plant, stations=stations)


def route_texts(plant: Plant) -> tuple[str, ...]:
    """Return the plant's routes as a ReleasePlant command carries them."""
    return tuple(json.encode(route).decode() for route in plant.routes.values())
