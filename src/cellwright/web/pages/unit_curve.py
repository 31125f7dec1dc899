"""The curve of one test of a unit, at the address of the unit: `/curve.json`, `/curve.csv`."""

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
from litestar import MediaType, Response
from litestar.exceptions import ClientException
from msgspec import Struct

from cellwright.analysis.curves.overlay import POINTS_MIN, drawn_places, moved_charge
from cellwright.database.pool import Connection
from cellwright.errors import TelemetryError
from cellwright.model.plant import Plant
from cellwright.model.samples import Curve, Floats
from cellwright.plant.curve_batches import curves_of, reason_for
from cellwright.plant.curve_results import WHOLE_TEST, fault_of
from cellwright.plant.weld_results import is_welded
from cellwright.telemetry.batches import list_tests, whole_features
from cellwright.views.finding import find_unit
from cellwright.web.pages.formation import batch_code
from cellwright.web.pages.reading import reading
from cellwright.web.problems import NotFoundError
from cellwright.web.question import Asked, Question
from cellwright.web.tables import MEDIA_TYPES, table_of, to_csv


class UnitTest(Struct, frozen=True):
    """A test of a unit whose curve was stored: operation, which test in it, from 1, and the batch that it was made in."""

    operation: str
    attempt: int
    batch: str = ""
    """Its code, "" = not known."""


class UnitCurve(Struct, frozen=True, kw_only=True):
    """A curve by column, oldest sample first; None = not measured. Times in UTC us, by the cycler."""

    unit: str
    operation: str
    attempt: int
    channel: str
    program: str
    version: str
    fault: str
    """Of the contact; "" = none was found, or nobody could look."""
    fault_reason: str
    tests: tuple[UnitTest, ...]
    """All tests of the unit, in the order of its route."""
    samples_count: int
    """Of the curve; fewer are here where `points` asks for fewer."""
    times_us: tuple[int, ...]
    steps: tuple[int, ...]
    voltages_v: tuple[float | None, ...]
    currents_a: tuple[float | None, ...]
    temperatures_c: tuple[float | None, ...]
    charges_ah: tuple[float, ...]
    """Charge moved since the current last turned."""


class SampleRow(Struct, frozen=True, kw_only=True):
    """A sample, for files."""

    time_us: int
    step: int
    voltage_v: float | None
    current_a: float | None
    temperature_c: float | None
    charge_ah: float


async def read_tests(connection: Connection, plant: Plant, number: int) -> tuple[UnitTest, ...]:
    """Return the tests of a unit of which there are curves, in the order of the plant's routes; welds have their page."""
    order = {
        operation.code: place for route in plant.routes.values() for place, operation in enumerate(route.operations)
    }
    found = [
        UnitTest(operation, attempt, "" if batch is None else batch_code(batch, operation))
        for operation, attempt, batch in await list_tests(connection, number)
        if not is_welded(plant, operation)
    ]
    return tuple(sorted(found, key=lambda each: (order.get(each.operation, len(order)), each.operation, each.attempt)))


async def show_curve(request: Asked, question: Question) -> Response[Any]:
    """Return a curve of a unit, of its last test unless `operation` and `attempt` name another; 404 where there is none."""
    del request
    if question.suffix not in ("json", "csv"):
        raise NotFoundError(f"a curve is no {question.suffix[:20]!r}; take curve.json or curve.csv")
    found = await _read(question)
    if question.suffix == "json":
        return Response(found, media_type=MediaType.JSON)
    content = await asyncio.to_thread(_csv, found, for_people=question.query.get("bom") != "0")
    headers = {
        "content-disposition": f'attachment; filename="curve-{_plain(found.unit)}-{_plain(found.operation)}.csv"'
    }
    return Response(content, media_type=MEDIA_TYPES["csv"], headers=headers)


async def _read(question: Question) -> UnitCurve:
    store, points = question.services.telemetry, _whole(question, "points")
    if points is not None and points < POINTS_MIN:
        raise ClientException(f"points={points}: give {POINTS_MIN} or more, or leave it out for all samples")
    async with reading(question.services) as connection:
        number = await find_unit(connection, question.code)
        if number is None:
            raise NotFoundError(f"no unit has the code {question.code!r}; look for a part of it, or scan it again")
        tests = await read_tests(connection, question.services.plant, number)
        operation = question.query.get("operation", "") or (tests[-1].operation if tests else "")
        features = await whole_features(connection, [number], operation, step=WHOLE_TEST)
    if store is None:
        raise NotFoundError("this server does not hold the curves; ask where the plant itself runs")
    try:
        curve = await store.curve(number, operation, attempt=_whole(question, "attempt"))
    except TelemetryError as error:
        raise NotFoundError(f"the curve cannot be read: {error}") from error
    if curve is None:
        raise NotFoundError(_nothing(question, tests))
    values = features[number, curve.head.attempt].values if (number, curve.head.attempt) in features else {}
    reasons = (fault_of(values), reason_for(values))
    return await asyncio.to_thread(_shown, question.code, curve, tests, reasons=reasons, points=points)


def _nothing(question: Question, tests: Sequence[UnitTest]) -> str:
    known = ", ".join(f"{each.operation} {each.attempt}" for each in tests) or "none"
    asked = " ".join(question.query.get(name, "") for name in ("operation", "attempt")).strip()
    return f"no curve of {question.code} in {asked[:80] or 'any operation'} is stored; tests with curves: {known}"


def _whole(question: Question, name: str) -> int | None:
    """What cannot be read must not be passed over: the answer would be of another test."""
    text, value = question.query.get(name, ""), question.whole(name)
    if text and (value is None or not 0 < value < 32_768):
        raise ClientException(f"{name}={text[:40]}: give a whole number from 1 to 32767, or leave it out")
    return value


def _shown(
    code: str, curve: Curve, tests: tuple[UnitTest, ...], *, reasons: tuple[str, str], points: int | None
) -> UnitCurve:
    page, head = curves_of([curve]), curve.head
    moved_ah = moved_charge(page)
    kept = np.arange(len(page.time_us)) if points is None else drawn_places(page, moved_ah, points_max=points)[0]
    steps = np.asarray(curve.points.steps)[_measured(curve)]
    return UnitCurve(
        unit=code,
        operation=head.operation,
        attempt=head.attempt,
        channel=head.channel,
        program=head.program,
        version=head.version,
        fault=reasons[0],
        fault_reason=reasons[1],
        tests=tests,
        samples_count=len(page.time_us),
        times_us=tuple(page.time_us[kept].tolist()),
        steps=tuple(steps[kept].tolist()),
        voltages_v=_known(page.voltage_v[kept]),
        currents_a=_known(page.current_a[kept]),
        temperatures_c=_known(page.temperature_c[kept]),
        charges_ah=tuple(np.round(moved_ah[kept], 6).tolist()),
    )


def _measured(curve: Curve) -> Any:
    return np.isfinite(curve.points.currents_a) & np.isfinite(curve.points.voltages_v)


def _known(values: Floats) -> tuple[float | None, ...]:
    return tuple(round(float(each), 6) if np.isfinite(each) else None for each in values)


def _csv(found: UnitCurve, *, for_people: bool) -> bytes:
    columns = (
        found.times_us,
        found.steps,
        found.voltages_v,
        found.currents_a,
        found.temperatures_c,
        found.charges_ah,
    )
    rows = [
        SampleRow(time_us=at, step=step, voltage_v=volt, current_a=ampere, temperature_c=heat, charge_ah=charge)
        for at, step, volt, ampere, heat, charge in zip(*columns, strict=True)
    ]
    return to_csv(table_of("samples", SampleRow, rows), for_people=for_people)


def _plain(text: str) -> str:
    return "".join(each if each.isascii() and (each.isalnum() or each in "-_") else "_" for each in text)[:40]
