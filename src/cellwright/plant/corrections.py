"""Effects of gauges: which of a station are corrected, found anew from the record, and put before the gate."""

from collections.abc import Awaitable, Callable, Iterator

from cellwright.database.pool import Connection
from cellwright.errors import CellwrightError
from cellwright.model.answers import Answer, Refusal
from cellwright.model.corrections import Correction, ReleaseCorrection
from cellwright.model.plant import Plant
from cellwright.model.routes import MassCheck
from cellwright.views.gauges import GaugeStudy, study_gauges
from cellwright.views.warming import WarmingStudy, study_warming


class CorrectionError(CellwrightError):
    """A station, or its gauges, about which nothing can be found."""


def corrections_of(plant: Plant, station: str) -> list[tuple[str, Correction]]:
    """Return what a station's operations correct, by operation. Raises CorrectionError when that is nothing."""
    known = plant.stations.get(station)
    if known is None:
        raise CorrectionError(f"no station has the code {station!r}; see equipment.toml")
    found = list(_corrections(plant, known.operations))
    if not found:
        text = f"no operation of {station} corrects anything by its gauges"
        raise CorrectionError(f"{text}; add [[corrections]] with `by` to characteristics.toml")
    return found


def _corrections(plant: Plant, operations: tuple[str, ...]) -> Iterator[tuple[str, Correction]]:
    for route in plant.routes.values():
        for operation in route.operations:
            if operation.code in operations:
                yield from ((operation.code, each) for each in operation.corrections if each.by)


def mass_checks_of(plant: Plant, station: str) -> list[tuple[str, MassCheck]]:
    """Return what a station's units must weigh, by operation. Raises CorrectionError when nothing says so."""
    known = plant.stations.get(station)
    if known is None:
        raise CorrectionError(f"no station has the code {station!r}; see equipment.toml")
    operations = (each for route in plant.routes.values() for each in route.operations if each.code in known.operations)
    found = [(each.code, each.mass_check) for each in operations if each.mass_check is not None]
    if not found:
        raise CorrectionError(
            f"no operation of {station} weighs its units; add [[mass_checks]] to characteristics.toml"
        )
    return found


async def study_station(connection: Connection, plant: Plant, station: str, *, pages_count: int) -> list[GaugeStudy]:
    """Estimate what a station's gauges add to each characteristic that is corrected by them, from its last pages."""
    return [
        await study_gauges(connection, station, operation, correction=correction, pages_count=pages_count)
        for operation, correction in corrections_of(plant, station)
    ]


async def study_warmth(connection: Connection, plant: Plant, station: str, *, pages_count: int) -> list[WarmingStudy]:
    """Estimate what warmth does to the open-circuit voltages that a station measures, from its last pages."""
    known = plant.stations.get(station)
    codes = known.operations if known else ()
    operations = (each for route in plant.routes.values() for each in route.operations if each.code in codes)
    rules = {each.code: each.self_discharge for each in operations if each.self_discharge is not None}
    return [
        await study_warming(connection, station, operation, rule=rule, pages_count=pages_count)
        for operation, rule in rules.items()
    ]


async def release_studies(
    studies: list[GaugeStudy],
    reason: str,
    *,
    second_person: str,
    submit: Callable[[ReleaseCorrection], Awaitable[Answer]],
) -> list[str]:
    """Put what was found in force; return the characteristics. Raises CorrectionError when the gate refuses one."""
    released = []
    for study in studies:
        if study.problem:
            continue
        answer = await submit(
            ReleaseCorrection(
                station=study.station,
                operation=study.operation,
                characteristic=study.characteristic,
                effects=study.effects,
                window=study.window,
                shares=study.shares,
                reason=reason,
                second_person=second_person,
            )
        )
        if isinstance(answer, Refusal):
            raise CorrectionError("; ".join(each.text for each in answer.reasons))
        released.append(study.characteristic)
    return released
