"""The welds of a module: what each took, how its curve lies among the others, and the samples that speak for them."""

from typing import Final

from msgspec import Struct

from cellwright.analysis.welds import shares
from cellwright.database.pool import Connection
from cellwright.model.ids import UnitKind
from cellwright.model.plant import Plant
from cellwright.plant.weld_results import SHAPE, WHOLE, is_welded
from cellwright.telemetry.features import StepFeatures, find_features
from cellwright.views.finding import find_unit
from cellwright.views.samples import Sample, samples_of
from cellwright.views.units import read_unit
from cellwright.web.access.permissions import Permission
from cellwright.web.page import Page
from cellwright.web.pages.reading import reading
from cellwright.web.problems import NotFoundError
from cellwright.web.question import Question
from cellwright.web.tables import Table, table_of

_NUMBERS: Final = ("energy_j", "peak_a", "peak_w", "duration_ms", "resistance_uohm", "shape_off_sigma")


class Weld(Struct, frozen=True, kw_only=True):
    """A weld of an attempt; None = not known. `shape_off_sigma`: how far its curve lies from those of its module."""

    operation: str
    attempt: int
    weld: int
    energy_j: float | None = None
    peak_a: float | None = None
    peak_w: float | None = None
    duration_ms: float | None = None
    resistance_uohm: float | None = None
    shape_off_sigma: float | None = None
    is_outlier: bool = False


class Welds(Struct, frozen=True, kw_only=True):
    """All that the page shows: the newest attempt of each operation whose welds are kept."""

    code: str
    kind: UnitKind
    welds: tuple[Weld, ...]
    grid: tuple[float, ...]
    """Shares of a weld's time at which shapes have points."""
    shapes: tuple[tuple[float | None, ...], ...]
    """Of each weld, power over its mean; None = not known."""
    samples: tuple[Sample, ...]


async def _load(question: Question) -> Welds:
    async with reading(question.services) as connection:
        number = await find_unit(connection, question.code)
        if number is None:
            raise NotFoundError(f"no unit has the code {question.code!r}; look for a part of it, or scan it again")
        unit = await read_unit(connection, number)
        kept = await _newest(connection, question.services.plant, number)
        return Welds(
            code=unit.code,
            kind=unit.kind,
            welds=tuple(_weld(each) for each in kept),
            grid=tuple(shares().tolist()),
            shapes=tuple(_shape(each) for each in kept),
            samples=await samples_of(connection, number),
        )


async def _newest(connection: Connection, plant: Plant, unit: int) -> list[StepFeatures]:
    """Return the welds of the newest attempt of each operation that welds."""
    found: list[StepFeatures] = []
    for operation in plant.recipes:
        if is_welded(plant, operation):
            rows = await find_features(connection, [unit], operation)
            newest = max((each.attempt for each in rows), default=0)
            found += [each for each in rows if each.attempt == newest and each.step != WHOLE]
    return found


def _weld(row: StepFeatures) -> Weld:
    numbers = {name: row.values.get(name) for name in _NUMBERS}
    is_outlier = bool(row.values.get("is_outlier_count"))
    return Weld(operation=row.operation, attempt=row.attempt, weld=row.step, is_outlier=is_outlier, **numbers)


def _shape(row: StepFeatures) -> tuple[float | None, ...]:
    return tuple(value for name, value in row.values.items() if name.startswith(SHAPE) and name.endswith("_ratio"))


def _tables(data: Welds) -> list[Table]:
    return [table_of("welds", Weld, data.welds), table_of("samples", Sample, data.samples)]


WELDS = Page(name="welds", path="/welds/", permission=Permission.PLANT_READ, load=_load, tables=_tables)
