"""`cellwright up`: database, gate and links in one process, until told to stop."""

import asyncio
import logging
import os
import signal
from pathlib import Path
from random import SystemRandom

import click

from cellwright.cli.common import (
    clock_option,
    coroutine,
    data_option,
    database_option,
    default_data,
    open_clock,
    open_migrated,
    plant_option,
    wall_us,
)
from cellwright.links.opcua.session import quiet_library
from cellwright.plant.config import find_plant, load_plant
from cellwright.plant.machines import make_link_identity, open_link_security, read_machines
from cellwright.plant.runtime import Outside, Runtime


@click.command()
@plant_option
@data_option
@database_option
@clock_option
@click.option(
    "--machines",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="File that names the machines' OPC UA servers; see docs/how-to/connect-machines.md.",
)
@coroutine
async def up(
    plant_name: str, data: Path | None, database_url: str | None, clock: Path | None, machines: Path | None
) -> None:
    """Run a plant on this machine until Ctrl-C or SIGTERM."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    quiet_library()
    plant = load_plant(find_plant(plant_name))
    folder = data or default_data()
    make_link_identity(folder / "pki", wall_us)
    outside = None
    if machines is not None:
        security = open_link_security(folder / "pki", wall_us)
        outside = Outside(read_machines(machines, plant), security)
    stop = _stop_event()
    async with await open_migrated(folder, database_url) as database:
        click.echo(f"database ready (PostgreSQL {database.version // 10000}); plant {plant.code}: {plant.name}")
        runtime = Runtime(database.url, plant, open_clock(clock), outside=outside, random=SystemRandom())
        async with runtime:
            named = ", ".join(outside.endpoints) if outside else "none; name them with --machines"
            click.echo(f"the gate answers (pid {os.getpid()}); work centres connected: {named}")
            await stop.wait()
            click.echo("stopping ...")
    click.echo("stopped")


def _stop_event() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop
