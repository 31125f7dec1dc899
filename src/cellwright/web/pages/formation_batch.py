"""A batch of tests: the curves of its cells over each other, those that stand out, and the health of its channels."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from cellwright.analysis.curves.batch import JUDGED, limit_for, sentence_of, sigma_of
from cellwright.analysis.curves.channels import ChannelHealth
from cellwright.analysis.curves.outliers import Outlier
from cellwright.analysis.curves.overlay import drawn_places, moved_charge
from cellwright.analysis.curves.robust import middle
from cellwright.database.pool import Connection
from cellwright.errors import TelemetryError
from cellwright.model.samples import Curve
from cellwright.plant.curve_batches import ChannelState, Values, channel_states, curves_of, reason_for
from cellwright.plant.curve_results import WHOLE_TEST
from cellwright.telemetry.batches import CurveBatch, earlier_batches, find_batch, whole_features
from cellwright.telemetry.contract import BatchTests
from cellwright.views.known import units_of
from cellwright.views.tested_at import AskedTest, Place, places_of_tests
from cellwright.web.access.permissions import Permission
from cellwright.web.page import Page
from cellwright.web.pages.reading import reading
from cellwright.web.problems import NotFoundError
from cellwright.web.question import Question
from cellwright.web.tables import Table, table_of

_POINTS_ALL = 16_384
"""Points of all curves of a page together: some 250 KB."""
_POINTS_MIN, _POINTS_MAX = 48, 400
"""Of each curve."""
_HISTORY = 50
"""Batches that the health of a channel is told by."""
_MILLI = 1000.0
_SIGNS = ("jumps_count", "greatest_jump_v", "step_ohm", "onset_off_sigma", "end_v", "discharge_ratio")


class CurveLine(Struct, frozen=True, kw_only=True):
    """A curve as it is drawn, by column: seconds from the begin of the test, mV, and mAh since the current turned."""

    times_s: tuple[int, ...]
    voltages_mv: tuple[int, ...]
    charges_mah: tuple[int, ...]


class CellReason(Struct, frozen=True, kw_only=True):
    """By what a cell is unlike its batch: the feature, or a shape ("discharge_curve"), how far, and of what."""

    feature: str
    off_sigma: float
    value: float | None
    median: float | None
    """Of the batch; None for a shape, as value and sigma."""
    sigma: float | None
    """Robust sigma of the batch, in the unit of the feature."""
    place_ratio: float | None
    """Of a shape: the share of its charge at which it lies furthest off."""
    reason: str
    """The same as a sentence."""


class CellTest(Struct, frozen=True, kw_only=True):
    """A cell of a batch; None = not known."""

    code: str
    attempt: int
    channel: str
    fault: str
    """Of the contact: "" = none was found, "unknown" = no discharge to judge, "not_judged" = nobody could look."""
    fault_reason: str
    """What was found and what to do, as a sentence; "" = nothing was found, or not known."""
    signs: dict[str, float | None]
    """What the contact was judged by."""
    features: dict[str, float | None]
    outliers: tuple[CellReason, ...]
    """By what it is unlike the batch, the worst first."""
    line: CurveLine | None
    """None = its curve is not to be had."""
    samples_count: int
    """Of its curve, of which `line` has some."""


class FamilyValue(Struct, frozen=True, kw_only=True):
    """What the batch has of a feature: its median, and of how many cells it is known."""

    feature: str
    median: float | None
    known_count: int


class ChannelRow(Struct, frozen=True, kw_only=True):
    """The health of a channel over the last batches; bounds hold in 95 of 100 cases, None = too little is known.

    `discharge_off_ratio` is the median of the cells' discharge over that of their batch, less 1; `onset_trend_ratio` how
    the resistance at the onset changes in ten batches.
    """

    channel: str
    stands_out: tuple[str, ...]
    tests_count: int
    discharge_count: int
    discharge_off_ratio: float | None
    discharge_lower_ratio: float | None
    discharge_upper_ratio: float | None
    judged_count: int
    faults_count: int
    faults_ratio: float | None
    faults_lower_ratio: float | None
    faults_upper_ratio: float | None
    onset_count: int
    onset_trend_ratio: float | None
    onset_lower_ratio: float | None
    onset_upper_ratio: float | None


class FormationBatchData(Struct, frozen=True, kw_only=True):
    """All that the page of a batch shows."""

    batch: str
    operation: str
    operation_name: str
    station: str
    carrier: str
    start_us: int
    end_us: int
    age_us: int
    method: str
    """Name and version of the analysis that judged it."""
    limit_sigma: float
    """From so many robust sigma on a cell is an outlier."""
    cells: tuple[CellTest, ...]
    family: tuple[FamilyValue, ...]
    faults_count: int
    outliers_count: int
    unknown_count: int
    points_count: int
    """Drawn of each curve at most."""
    curves_problem: str
    """Why curves cannot be shown, "" = they are."""
    channels: tuple[ChannelRow, ...]
    channel_batches_count: int
    """Batches that the channels were judged by."""


class _Found(Struct, frozen=True):
    """What the database says of a batch."""

    batch: CurveBatch
    codes: Mapping[int, str]
    features: Mapping[tuple[int, int], Values]
    place: Place
    earlier: Sequence[CurveBatch]


async def _load(question: Question) -> FormationBatchData:
    async with reading(question.services) as connection:
        found = await _find(connection, question.code)
    curves, problem = await _curves(question, found.batch)
    return await asyncio.to_thread(_shown, question, found, curves, problem)


async def _find(connection: Connection, code: str) -> _Found:
    number, _, operation = code.partition("-")
    is_number = number.isascii() and number.isdigit() and len(number) < 19
    batch = await find_batch(connection, int(number), operation) if is_number else None
    if batch is None:
        raise NotFoundError(
            f"no batch of tests has the code {code!r}; a code is number-operation, as 12-formation: take one of the list "
            "at /formation"
        )
    units = await units_of(connection, batch.units)
    features = await whole_features(connection, batch.units, batch.operation, step=WHOLE_TEST)
    (place,) = await places_of_tests(
        connection, [AskedTest(batch.units[0], batch.operation, batch.start_us, batch.end_us)]
    )
    return _Found(
        batch,
        {number: each.code for number, each in units.items()},
        {key: each.values for key, each in features.items()},
        place,
        await earlier_batches(connection, batch, limit=_HISTORY),
    )


async def _curves(question: Question, batch: CurveBatch) -> tuple[list[Curve], str]:
    """Return the stored curves of a batch, or why there are none."""
    store = question.services.telemetry
    if store is None:
        return [], "this server does not hold the curves; open the page where the plant itself runs"
    tests = BatchTests(
        batch=batch.batch,
        operation=batch.operation,
        units=batch.units,
        from_us=batch.start_us,
        to_us=batch.end_us + 1,
    )
    try:
        return await store.curves(tests), ""
    except TelemetryError as error:
        return [], str(error)


def _shown(question: Question, found: _Found, curves: Sequence[Curve], problem: str) -> FormationBatchData:
    batch, plant = found.batch, question.services.plant
    points_count = max(_POINTS_MIN, min(_POINTS_MAX, _POINTS_ALL // len(batch.units)))
    lines = _lines(curves, points_count)
    names = {each.code: each.name for route in plant.routes.values() for each in route.operations}
    cells = tuple(_cells(found, lines))
    return FormationBatchData(
        batch=question.code,
        operation=batch.operation,
        operation_name=names.get(batch.operation, ""),
        station=found.place.station,
        carrier=found.place.carrier,
        start_us=batch.start_us,
        end_us=batch.end_us,
        age_us=max(0, question.services.clock() - batch.end_us),
        method=batch.method,
        limit_sigma=limit_for(len(batch.units)),
        cells=cells,
        family=tuple(_family(cells)),
        faults_count=batch.faults_count,
        outliers_count=len({each.cell for each in batch.outliers}),
        unknown_count=batch.unknown_count,
        points_count=points_count,
        curves_problem=problem,
        channels=tuple(_channel(each) for each in channel_states(found.earlier, batch.channels)),
        channel_batches_count=len(found.earlier),
    )


def _lines(curves: Sequence[Curve], points_count: int) -> dict[tuple[int, int], tuple[CurveLine, int]]:
    """Return what is drawn of curves, and how many samples each has, by unit and attempt."""
    page = curves_of(curves)
    moved_ah = moved_charge(page)
    kept, starts = drawn_places(page, moved_ah, points_max=points_count)
    begins_us = {at: int(each.points.times_us[0]) for at, each in enumerate(curves)}
    voltages_mv, charges_mah = (np.rint(each[kept] * _MILLI).astype(np.int64) for each in (page.voltage_v, moved_ah))
    found = {}
    for at, curve in enumerate(curves):
        part = slice(int(starts[at]), int(starts[at + 1]))
        times_s = (page.time_us[kept[part]] - begins_us[at]) // 1_000_000
        line = CurveLine(
            times_s=tuple(times_s.tolist()),
            voltages_mv=tuple(voltages_mv[part].tolist()),
            charges_mah=tuple(charges_mah[part].tolist()),
        )
        found[curve.head.unit, curve.head.attempt] = (line, len(curve.points.times_us))
    return found


def _cells(found: _Found, lines: Mapping[tuple[int, int], tuple[CurveLine, int]]) -> Iterator[CellTest]:
    batch = found.batch
    reasons: dict[int, list[CellReason]] = {}
    for outlier in batch.outliers:
        reasons.setdefault(outlier.cell, []).append(_reason(outlier))
    for at, key in enumerate(zip(batch.units, batch.attempts, strict=True)):
        values = found.features.get(key, {})
        line, count = lines.get(key, (None, 0))
        yield CellTest(
            code=found.codes.get(key[0], str(key[0])),
            attempt=key[1],
            channel=batch.channels[at],
            fault=batch.faults[at],
            fault_reason=reason_for(values),
            signs={name: _short(values.get(name)) for name in _SIGNS},
            features={name: _short(values.get(name)) for name in JUDGED},
            outliers=tuple(reasons.get(at, ())),
            line=line,
            samples_count=count,
        )


def _short(value: float | None) -> float | None:
    """Return as many digits as anybody can have measured: the rest would be half of the page."""
    return None if value is None else float(f"{value:.7g}")


def _reason(outlier: Outlier) -> CellReason:
    return CellReason(
        feature=outlier.feature,
        off_sigma=outlier.off_sigma,
        value=outlier.value,
        median=outlier.family_value,
        sigma=sigma_of(outlier),
        place_ratio=outlier.place,
        reason=sentence_of(outlier),
    )


def _family(cells: Sequence[CellTest]) -> Iterator[FamilyValue]:
    for name in JUDGED:
        known = np.array([value for cell in cells if (value := cell.features[name]) is not None])
        yield FamilyValue(feature=name, median=float(middle(known)) if len(known) else None, known_count=len(known))


def _channel(state: ChannelState) -> ChannelRow:
    health: ChannelHealth = state.health
    return ChannelRow(
        channel=state.channel,
        stands_out=tuple(map(str, health.signs)),
        tests_count=health.tests_count,
        discharge_count=health.discharge_count,
        discharge_off_ratio=_short(health.discharge_off.value),
        discharge_lower_ratio=_short(health.discharge_off.lower),
        discharge_upper_ratio=_short(health.discharge_off.upper),
        judged_count=health.judged_count,
        faults_count=health.faults_count,
        faults_ratio=_short(health.faults_ratio.value),
        faults_lower_ratio=_short(health.faults_ratio.lower),
        faults_upper_ratio=_short(health.faults_ratio.upper),
        onset_count=health.onset_count,
        onset_trend_ratio=_short(health.onset_trend.value),
        onset_lower_ratio=_short(health.onset_trend.lower),
        onset_upper_ratio=_short(health.onset_trend.upper),
    )


# --- files --------------------------------------------------------------------------------------------


class CellRow(Struct, frozen=True, kw_only=True):
    """A cell of a batch, for files."""

    code: str
    attempt: int
    channel: str
    fault: str
    fault_reason: str
    outlier_reasons: str
    charge_ah: float | None
    discharge_ah: float | None
    efficiency_ratio: float | None
    mid_charge_v: float | None
    mid_discharge_v: float | None
    cc_ratio: float | None
    warming_c: float | None
    onset_ohm: float | None


class OutlierRow(CellReason, frozen=True, kw_only=True):
    """A reason why a cell is unlike its batch, for files."""

    code: str
    channel: str


class PointRow(Struct, frozen=True, kw_only=True):
    """A point that is drawn, for files."""

    code: str
    attempt: int
    time_s: int
    voltage_v: float
    charge_ah: float


def _tables(data: FormationBatchData) -> list[Table]:
    cells = [
        CellRow(
            code=each.code,
            attempt=each.attempt,
            channel=each.channel,
            fault=each.fault,
            fault_reason=each.fault_reason,
            outlier_reasons="; ".join(reason.reason for reason in each.outliers),
            **each.features,
        )
        for each in data.cells
    ]
    outliers = [
        OutlierRow(code=each.code, channel=each.channel, **_fields(reason))
        for each in data.cells
        for reason in each.outliers
    ]
    return [
        table_of("cells", CellRow, cells),
        table_of("outliers", OutlierRow, outliers),
        table_of("channels", ChannelRow, data.channels),
        table_of("points", PointRow, _points(data.cells)),
    ]


def _fields(reason: CellReason) -> dict[str, Any]:
    return {name: getattr(reason, name) for name in CellReason.__struct_fields__}


def _points(cells: Sequence[CellTest]) -> Iterator[PointRow]:
    for cell in cells:
        line = cell.line
        if line is None:
            continue
        for time_s, voltage_mv, charge_mah in zip(line.times_s, line.voltages_mv, line.charges_mah, strict=True):
            yield PointRow(
                code=cell.code,
                attempt=cell.attempt,
                time_s=time_s,
                voltage_v=voltage_mv / _MILLI,
                charge_ah=charge_mah / _MILLI,
            )


FORMATION_BATCH = Page(
    name="formation_batch", path="/formation/", permission=Permission.PLANT_READ, load=_load, tables=_tables
)
