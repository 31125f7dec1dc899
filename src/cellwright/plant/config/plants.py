"""A plant from its folder of TOML files: read, checked in one go, and linked."""

import hashlib
from pathlib import Path

import msgspec
from msgspec import Struct, structs

import cellwright
from cellwright.errors import ConfigurationError
from cellwright.model.corrections import Correction
from cellwright.model.equipment import Station, Tool, WorkCenter
from cellwright.model.matching import Matching
from cellwright.model.materials import CarrierType, Material, MaterialUse, Product
from cellwright.model.plant import Plant, RouteDraft
from cellwright.model.quantities import Characteristic
from cellwright.model.routes import (
    Grade,
    MassCheck,
    MassPart,
    Members,
    NotGood,
    Operation,
    OperationKind,
    QueueTime,
    Recipe,
)
from cellwright.model.sampling import SamplePlan
from cellwright.model.self_discharge import CurvePoint, SelfDischarge
from cellwright.plant.config.checks import check_tables
from cellwright.plant.config.entries import (
    FILES,
    CarrierEntry,
    CharacteristicEntry,
    CorrectionEntry,
    GradeEntry,
    GradeLimitEntry,
    MassCheckEntry,
    MatchingEntry,
    MaterialEntry,
    OperationEntry,
    ProductEntry,
    RecipeEntry,
    RouteEntry,
    SampleEntry,
    SelfDischargeEntry,
    SiteEntry,
    StationEntry,
    WorkCenterEntry,
)
from cellwright.plant.config.problems import Problems
from cellwright.plant.config.read import read_tables
from cellwright.plant.config.tables import Tables
from cellwright.plant.config.words import choices

_json = msgspec.json.Encoder(order="sorted")


class Reading(Struct, frozen=True):
    """What a plant's folder says: the plant (None when there are mistakes), every mistake, every warning."""

    plant: Plant | None
    problems: tuple[str, ...]
    warnings: tuple[str, ...]


def read_plant(folder: Path) -> Reading:
    """Read and check a plant's folder; never raises for what the files say."""
    problems = Problems()
    tables = read_tables(folder, problems)
    check_tables(tables, problems)
    plant = None if problems.mistakes else _build(tables)
    return Reading(plant, tuple(problems.mistakes), tuple(problems.warnings))


def load_plant(folder: Path) -> Plant:
    """Return the plant of a folder; raises ConfigurationError with every mistake of its files."""
    reading = read_plant(folder)
    if reading.plant is None:
        raise ConfigurationError(reading.problems)
    return reading.plant


def plant_digest(plant: Plant) -> str:
    """Return the SHA-256 hex of a plant's content, independent of the order of its tables."""
    return hashlib.sha256(_json.encode(plant)).hexdigest()


def route_bodies(plant: Plant) -> tuple[str, ...]:
    """Return the routes as JSON texts, in the order of the files, for the command that releases them."""
    return tuple(_json.encode(route).decode() for route in plant.routes.values())


def find_plant(name_or_path: str | Path) -> Path:
    """Return the folder of a plant: a path, or the name of a plant that comes with the product.

    Raises ConfigurationError that names the plants there are.
    """
    path, shelf = Path(name_or_path), _plants_folder()
    if path.is_dir():
        return path
    if path.name == str(name_or_path) and (shelf / path.name).is_dir():
        return shelf / path.name
    shipped = sorted(each.name for each in shelf.iterdir() if each.is_dir()) if shelf.is_dir() else []
    message = f"no plant {str(name_or_path)!r}: name a folder with {', '.join(FILES)}, or a plant that comes along: "
    raise ConfigurationError([message + choices(path.name, shipped)])


def _plants_folder() -> Path:
    package = Path(cellwright.__file__).parent
    installed = package / "plants"
    return installed if installed.is_dir() else package.parents[1] / "plants"


# --- linking ------------------------------------------------------------------------------------


def _build(tables: Tables) -> Plant:
    site = next(entry for _, entry in tables.entries(SiteEntry))
    operations = _operations(tables)
    routes = {
        entry.code: RouteDraft(
            code=entry.code,
            product=entry.product,
            operations=tuple(operations[code] for code in entry.operations),
        )
        for _, entry in tables.entries(RouteEntry)
    }
    lot_operations = {code: each for code, each in operations.items() if each.kind is OperationKind.LOT}
    return Plant(
        code=site.code,
        name=site.name,
        line=site.line,
        time_skew_max_s=site.time_skew_max_s,
        currency=site.currency,
        work_centers={entry.code: WorkCenter(**structs.asdict(entry)) for _, entry in tables.entries(WorkCenterEntry)},
        stations={entry.code: _station(entry) for _, entry in tables.entries(StationEntry)},
        materials={entry.code: Material(**structs.asdict(entry)) for _, entry in tables.entries(MaterialEntry)},
        products=_products(tables),
        carriers={entry.code: CarrierType(**structs.asdict(entry)) for _, entry in tables.entries(CarrierEntry)},
        lot_operations=lot_operations,
        routes=routes,
        recipes=_recipes(tables),
        matching={entry.operation: Matching(**structs.asdict(entry)) for _, entry in tables.entries(MatchingEntry)},
        samples={entry.operation: _sample_plan(entry) for _, entry in tables.entries(SampleEntry)},
    )


def _station(entry: StationEntry) -> Station:
    tools = tuple(Tool(code=tool.code, life_count=tool.life_count) for tool in entry.tools)
    return Station(**{**structs.asdict(entry), "tools": tools})


def _products(tables: Tables) -> dict[str, Product]:
    routes = {entry.product: entry.code for _, entry in tables.entries(RouteEntry)}
    entries = (entry for _, entry in tables.entries(ProductEntry))
    return {entry.code: Product(**structs.asdict(entry), route=routes[entry.code]) for entry in entries}


def _recipes(tables: Tables) -> dict[str, Recipe]:
    entries = sorted((entry for _, entry in tables.entries(RecipeEntry)), key=lambda each: each.revision)
    return {entry.operation: Recipe(**structs.asdict(entry)) for entry in entries}


def _operations(tables: Tables) -> dict[str, Operation]:
    characteristics: dict[str, list[Characteristic]] = {}
    for _, entry in tables.entries(CharacteristicEntry):
        characteristics.setdefault(entry.operation, []).append(_characteristic(entry))
    grades: dict[str, list[Grade]] = {}
    for _, grade in tables.entries(GradeEntry):
        units = {each.code: each.unit for each in characteristics.get(grade.operation, ())}
        limits = tuple(_grade_limit(each, units[each.characteristic]) for each in grade.limits)
        grades.setdefault(grade.operation, []).append(Grade(code=grade.code, limits=limits))
    corrections: dict[str, list[Correction]] = {}
    for _, each in tables.entries(CorrectionEntry):
        corrections.setdefault(each.operation, []).append(_correction(each))
    masses = {each.operation: _mass_check(each) for _, each in tables.entries(MassCheckEntry)}
    leaks = {each.operation: _self_discharge(each) for _, each in tables.entries(SelfDischargeEntry)}
    return {
        entry.code: structs.replace(
            _operation(entry, tuple(characteristics.get(entry.code, ())), tuple(grades.get(entry.code, ()))),
            corrections=tuple(corrections.get(entry.code, ())),
            mass_check=masses.get(entry.code),
            self_discharge=leaks.get(entry.code),
        )
        for _, entry in tables.entries(OperationEntry)
    }


def _sample_plan(entry: SampleEntry) -> SamplePlan:
    limits = Characteristic(
        code=entry.characteristic, unit=entry.unit, lower=entry.lower, upper=entry.upper, source=entry.source
    )
    values = structs.asdict(entry)
    for key in ("unit", "lower", "upper", "source"):
        del values[key]
    return SamplePlan(**{**values, "characteristic": limits})


def _mass_check(entry: MassCheckEntry) -> MassCheck:
    return MassCheck(
        characteristic=entry.characteristic,
        parts=tuple(MassPart(**structs.asdict(each)) for each in entry.parts),
        rest_g=entry.rest_g,
        tolerance_g=entry.tolerance_g,
    )


def _correction(entry: CorrectionEntry) -> Correction:
    values = structs.asdict(entry)
    del values["operation"]
    return Correction(**values)


def _self_discharge(entry: SelfDischargeEntry) -> SelfDischarge:
    values = structs.asdict(entry)
    del values["operation"]
    curve = tuple(CurvePoint(each.soc_ratio, each.ocv_v) for each in entry.curve)
    return SelfDischarge(**{**values, "curve": curve})


def _characteristic(entry: CharacteristicEntry) -> Characteristic:
    values = structs.asdict(entry)
    del values["operation"]
    return Characteristic(**values)


def _grade_limit(entry: GradeLimitEntry, unit: str) -> Characteristic:
    return Characteristic(
        code=entry.characteristic, unit=unit, lower=entry.lower, upper=entry.upper, required=entry.required
    )


def _operation(
    entry: OperationEntry, characteristics: tuple[Characteristic, ...], grades: tuple[Grade, ...]
) -> Operation:
    return Operation(
        code=entry.code,
        name=entry.name,
        kind=entry.kind,
        materials=tuple(MaterialUse(**structs.asdict(each)) for each in entry.materials),
        characteristics=characteristics,
        queue_times=tuple(QueueTime(**structs.asdict(each)) for each in entry.queue_times),
        not_good=NotGood(**structs.asdict(entry.not_good)),
        grades=grades,
        output_material=entry.output_material,
        output_count_max=entry.output_count_max,
        members=None if entry.members is None else Members(**structs.asdict(entry.members)),
        qualification=entry.qualification,
        calibrated=entry.calibrated,
        slot=entry.slot,
    )
