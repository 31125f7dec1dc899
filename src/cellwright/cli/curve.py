"""`cellwright curve`: what a cycler measured of a unit, and what analysis makes of it."""

import sys
from collections.abc import Mapping
from pathlib import Path

import click
import numpy as np
from msgspec import Struct

from cellwright.cli.common import (
    coroutine,
    data_option,
    database_option,
    default_data,
    json_option,
    open_existing,
    show,
    wall_us,
)
from cellwright.cli.main import EXIT_FAILED
from cellwright.database.pool import connect
from cellwright.model.samples import Curve, Floats
from cellwright.plant.curve_results import FAULT, WHOLE_TEST, fault_of
from cellwright.plant.telemetry import FOLDER
from cellwright.telemetry.features import StepFeatures, find_features
from cellwright.telemetry.settings import read_settings
from cellwright.telemetry.store import open_store
from cellwright.views.finding import find_unit

_SHOWN = (
    ("charge_ah", "Ah charged", 3),
    ("discharge_ah", "Ah discharged", 3),
    ("efficiency_ratio", "efficiency", 4),
    ("mid_charge_v", "V mid-charge", 4),
    ("mid_discharge_v", "V mid-discharge", 4),
    ("warming_c", "K warmer", 1),
)


class StepReport(Struct, frozen=True):
    """Features of one step."""

    step: int
    values: dict[str, float | None]


class CurveColumns(Struct, frozen=True):
    """The samples, by column; null = not measured."""

    times_us: list[int]
    steps: list[int]
    currents_a: list[float | None]
    voltages_v: list[float | None]
    temperatures_c: list[float | None]


class CurveReport(Struct, frozen=True, kw_only=True):
    """The curve of one test and its features."""

    unit: str
    operation: str
    attempt: int
    channel: str
    program: str
    version: str
    fault: str
    method: str
    whole: dict[str, float | None]
    steps: list[StepReport]
    points: CurveColumns


@click.command()
@click.argument("unit")
@click.argument("operation")
@click.option("--attempt", type=click.IntRange(1, 32767), default=None, help="Which test. [default: the newest]")
@data_option
@database_option
@json_option
@coroutine
async def curve(
    unit: str, operation: str, *, attempt: int | None, data: Path | None, database_url: str | None, as_json: bool
) -> None:
    """Show the curve of UNIT (its printed code) in OPERATION: results of each step; --json has every sample besides.

    Exit code 1 when there is no such curve.
    """
    report = await _read((unit, operation, attempt), data, database_url)
    if report is None:
        which = f"test {attempt}" if attempt else "curve"
        click.echo(
            f"no {which} of {unit} in {operation} is stored; look whether its file waits or was rejected in the folder of "
            "the cyclers",
            err=True,
        )
        sys.exit(EXIT_FAILED)
    show(report, as_json=as_json, lines=lambda: _lines(report))


async def _read(asked: tuple[str, str, int | None], data: Path | None, database_url: str | None) -> CurveReport | None:
    code, operation, attempt = asked
    folder = data or default_data()
    async with await open_existing(data, database_url) as database:
        connection = await connect(database.url)
        try:
            number = await find_unit(connection, code)
            features = await find_features(connection, [number], operation) if number else []
        finally:
            await connection.close()
        settings = read_settings(folder)
        async with open_store(database.url, folder / FOLDER, wall_us, settings=settings) as store:
            found = await store.curve(number, operation, attempt=attempt) if number else None
    return None if found is None else _report(code, found, features)


def _report(code: str, found: Curve, features: list[StepFeatures]) -> CurveReport:
    head, points = found.head, found.points
    mine = [each for each in features if each.attempt == head.attempt]
    whole = next((each for each in mine if each.step == WHOLE_TEST), None)
    values = whole.values if whole else {}
    return CurveReport(
        unit=code,
        operation=head.operation,
        attempt=head.attempt,
        channel=head.channel,
        program=head.program,
        version=head.version,
        fault=fault_of(values),
        method=whole.method if whole else "",
        whole={name: value for name, value in values.items() if not name.startswith(FAULT)},
        steps=[StepReport(each.step, each.values) for each in mine if each.step != WHOLE_TEST],
        points=CurveColumns(
            times_us=points.times_us.tolist(),
            steps=points.steps.tolist(),
            currents_a=_known(points.currents_a),
            voltages_v=_known(points.voltages_v),
            temperatures_c=_known(points.temperatures_c),
        ),
    )


def _known(values: Floats) -> list[float | None]:
    return [float(each) if np.isfinite(each) else None for each in values]


def _lines(report: CurveReport) -> list[str]:
    """Return a report for people."""
    times_us = report.points.times_us
    hours = (times_us[-1] - times_us[0]) / 3.6e9
    return [
        f"{report.unit} in {report.operation}, test {report.attempt}: {len(times_us)} samples over {hours:.1f} h, "
        f"channel {report.channel or '?'}, program {report.program or '?'} {report.version}".rstrip(),
        f"  contact: {report.fault} is suspected; look at the contact and test again"
        if report.fault
        else "  contact: no sign of a fault",
        f"  whole test: {_told(report.whole)}",
        *(f"  step {each.step}: {_told(each.values)}" for each in report.steps),
    ]


def _told(values: Mapping[str, float | None]) -> str:
    known = ((values.get(name), text, digits) for name, text, digits in _SHOWN)
    return ", ".join(f"{value:.{digits}f} {text}" for value, text, digits in known if value) or "nothing is known"
