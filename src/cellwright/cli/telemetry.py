"""`cellwright telemetry`: files of samples that cannot be saved."""

from pathlib import Path

import click

from cellwright.cli.common import ask, coroutine, data_option, database_option, default_data
from cellwright.database.pool import Connection
from cellwright.plant.telemetry import FOLDER
from cellwright.telemetry.checking import TelemetryVerdict, give_up


@click.group()
def telemetry() -> None:
    """Samples and curves: what was measured again and again."""


@telemetry.command(name="give-up")
@click.argument("path")
@data_option
@database_option
@click.confirmation_option(prompt="Give up what is in this file for good?")
@coroutine
async def give_up_file(path: str, data: Path | None, database_url: str | None) -> None:
    """Go on without a file of samples that is gone or damaged; PATH as `cellwright check` tells it. Says what is lost.

    A file that is whole is never given up. What is left of a damaged one is kept beside it, with `.damaged` at its end.
    """
    root = (data or default_data()) / FOLDER

    async def question(connection: Connection) -> str:
        return await give_up(connection, root, path)

    click.echo(f"given up: {await ask(data, database_url, question)}")


def telemetry_lines(verdict: TelemetryVerdict) -> list[str]:
    """Return a verdict for people."""
    told = "whole" if verdict.whole else "NOT whole"
    mib = verdict.bytes / (1 << 20)
    lines = [
        f"samples are {told}: {verdict.rows} rows in {verdict.segments} files ({mib:.1f} MiB), {verdict.fresh_rows} wait to be sealed"
    ]
    for each in verdict.damaged:
        lines += [f"  {each.path}: {each.problem}", f"    lost: {each.lost}", f"    do: {each.advice}"]
    return lines + [f"  {each}" for each in verdict.problems]
