"""`cellwright seal`: pack the units of past days, so that years of cells stay small and quick to trace."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from cellwright.cli.common import (
    ask,
    clock_option,
    coroutine,
    data_option,
    database_option,
    json_option,
    open_clock,
    show,
)
from cellwright.cli.times import moment
from cellwright.database.pool import Connection
from cellwright.plant import sealing
from cellwright.plant.sealing import SealReport


@click.command()
@click.option(
    "--before",
    type=click.DateTime(["%Y-%m-%d"]),
    default=None,
    help="Only what was settled before this day (UTC). [default: yesterday]",
)
@data_option
@database_option
@clock_option
@json_option
@coroutine
async def seal(
    *, before: datetime | None, data: Path | None, database_url: str | None, clock: Path | None, as_json: bool
) -> None:
    """Pack cells and modules inside finished units, and scrapped units, 1,024 ids a row; the plant may run meanwhile.

    Every question is answered as before. A packed unit that somebody works on again becomes a row again by itself.
    """
    now_us = open_clock(clock)()
    before_us = _day_us(before or datetime.fromtimestamp(now_us // 1_000_000, UTC) - timedelta(days=1))
    if before_us > now_us:
        raise click.BadParameter("this day has not begun yet; give a past one", param_hint="--before")

    async def question(connection: Connection) -> SealReport:
        return await sealing.seal(connection, before_us=before_us, told=_progress)

    report = await ask(data, database_url, question)
    show(report, as_json=as_json, lines=lambda: _lines(report))


def _day_us(day: datetime) -> int:
    midnight = day.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC)
    return int(midnight.timestamp()) * 1_000_000


def _progress(done: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{done} units packed", nl=False, err=True)


def _lines(report: SealReport) -> list[str]:
    return [f"packed {report.units} units in {report.assemblies} assemblies, settled before {moment(report.before_us)}"]
