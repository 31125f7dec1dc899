"""`cellwright submit`: commands as JSON lines, each answered in the same order."""

import asyncio
import sys
from pathlib import Path
from typing import BinaryIO

import click
import msgspec

from cellwright.cli.common import (
    clock_option,
    coroutine,
    data_option,
    database_option,
    json_option,
    open_clock,
    open_existing,
    plant_option,
    refusal_lines,
)
from cellwright.cli.main import EXIT_FAILED
from cellwright.errors import UnansweredError
from cellwright.model.answers import Answer, Refusal
from cellwright.plant.config import find_plant, load_plant
from cellwright.plant.gate import Gate
from cellwright.plant.runtime import open_gate

_WINDOW = 256


@click.command()
@click.argument("file", type=click.File("rb"), default="-")
@plant_option
@data_option
@database_option
@clock_option
@json_option
@coroutine
async def submit(
    file: BinaryIO,
    plant_name: str,
    data: Path | None,
    database_url: str | None,
    clock: Path | None,
    *,
    as_json: bool,
) -> None:
    """Submit FILE (or standard input): one JSON submission a line, answered in the same order.

    A refusal has one line for each reason, with --json one line for all. The same (source, epoch, seq) may be sent
    again and gets the same answer. Exit code 1 when any was refused.
    """
    plant = load_plant(find_plant(plant_name))
    now = open_clock(clock)
    async with await open_existing(data, database_url) as database, open_gate(database.url, plant, now) as gate:
        refused = await _submit_lines(gate, file, as_json=as_json)
    sys.exit(EXIT_FAILED if refused else 0)


async def _submit_lines(gate: Gate, file: BinaryIO, *, as_json: bool) -> int:
    """Keep a window of submissions under way: enough to batch, bounded in memory."""
    refused = 0
    window: list[asyncio.Future[Answer]] = []
    for line in file:
        if line.strip():
            window.append(asyncio.ensure_future(gate.submit_payload(line.strip(), "submit")))
        if len(window) >= _WINDOW:
            refused += await _print_next(window, as_json=as_json)
    while window:
        refused += await _print_next(window, as_json=as_json)
    return refused


async def _print_next(window: list[asyncio.Future[Answer]], *, as_json: bool) -> int:
    """Print the next answer; a submission that got none is named, and the others go on."""
    try:
        return _print(await window.pop(0), as_json=as_json)
    except UnansweredError as error:
        click.echo(
            msgspec.json.encode({"type": "Unanswered", "text": str(error)}) if as_json else f"unanswered: {error}"
        )
        return 1


def _print(answer: Answer, *, as_json: bool) -> int:
    is_refusal = isinstance(answer, Refusal)
    if as_json or not isinstance(answer, Refusal):
        click.echo(msgspec.json.encode(answer))
    else:
        click.echo("\n".join(refusal_lines(answer)))
    return int(is_refusal)
