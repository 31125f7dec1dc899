"""`cellwright check` and `cellwright rebuild`: do the tables say what the journal says?"""

import sys
from pathlib import Path

import click
from msgspec import structs

from cellwright.cli.audit import audit_lines
from cellwright.cli.common import (
    ask,
    coroutine,
    data_option,
    database_option,
    default_data,
    json_option,
    plant_option,
    show,
)
from cellwright.cli.main import EXIT_FAILED
from cellwright.cli.telemetry import telemetry_lines
from cellwright.database.pool import Connection
from cellwright.journal.audit import verify_audit
from cellwright.journal.checkpoints import Checkpoints
from cellwright.plant import check as checking
from cellwright.plant.check import CheckReport
from cellwright.plant.config import find_plant, load_plant
from cellwright.plant.telemetry import FOLDER
from cellwright.telemetry.checking import verify_telemetry


@click.command()
@plant_option
@data_option
@database_option
@json_option
@coroutine
async def check(plant_name: str, data: Path | None, database_url: str | None, *, as_json: bool) -> None:
    """Fold the whole journal and compare every row with the tables; walk the audit trail; look at every file of samples.

    Exit code 1 when tables and journal differ, or when the trail or the samples are not whole.
    """
    plant = load_plant(find_plant(plant_name))
    folder = data or default_data()
    checkpoints = Checkpoints(folder / "audit")

    async def question(connection: Connection) -> CheckReport:
        report = await checking.check(connection, plant, progress=_progress)
        audit = await verify_audit(connection, checkpoints.read())
        return structs.replace(report, audit=audit, telemetry=await verify_telemetry(connection, folder / FOLDER))

    _show(await ask(data, database_url, question), as_json=as_json)


@click.command()
@plant_option
@data_option
@database_option
@json_option
@click.confirmation_option(prompt="Write all tables of the views anew from the journal?")
@coroutine
async def rebuild(plant_name: str, data: Path | None, database_url: str | None, *, as_json: bool) -> None:
    """Write the tables of the views anew from the journal, in one transaction. Gates wait meanwhile."""
    plant = load_plant(find_plant(plant_name))

    async def question(connection: Connection) -> CheckReport:
        return await checking.rebuild(connection, plant, progress=_progress)

    _show(await ask(data, database_url, question), as_json=as_json)


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{done} of {total} facts", nl=done >= total, err=True)


def _show(report: CheckReport, *, as_json: bool) -> None:
    show(report, as_json=as_json, lines=lambda: _lines(report))
    is_whole = all(each is None or each.whole for each in (report.audit, report.telemetry))
    sys.exit(0 if report.equal and is_whole else EXIT_FAILED)


def _lines(report: CheckReport) -> list[str]:
    verdict = "equal" if report.equal else "NOT equal"
    lines = [f"{report.facts} facts folded; tables and journal are {verdict}"]
    for name, table in report.tables.items():
        lines.append(f"  {name}: {table.rows} rows" + (f", {table.different} differ" if table.different else ""))
        lines.extend(f"    {example}" for example in table.examples)
    if report.problem:
        lines.append(report.problem)
    lines += [] if report.audit is None else audit_lines(report.audit)
    return lines + ([] if report.telemetry is None else telemetry_lines(report.telemetry))
