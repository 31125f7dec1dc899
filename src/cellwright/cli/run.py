"""`cellwright run`: parts of a plant in processes of their own, beside `cellwright up`."""

import logging
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
    open_existing,
    plant_option,
    wall_us,
)
from cellwright.cli.up import stop_event
from cellwright.errors import ConfigurationError
from cellwright.links.opcua.session import Endpoint, quiet_library
from cellwright.model.plant import Plant
from cellwright.plant.config import find_plant, load_plant
from cellwright.plant.machines import open_link_security, read_machines
from cellwright.plant.runtime import Outside, Runtime


@click.group()
def run() -> None:
    """Parts of a plant, each in a process of its own."""


@run.command()
@plant_option
@data_option
@database_option
@clock_option
@click.option(
    "--machines",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="File that names the machines' OPC UA servers, the one that `cellwright up` has.",
)
@coroutine
async def line(
    plant_name: str, *, data: Path | None, database_url: str | None, clock: Path | None, machines: Path
) -> None:
    """Supervise the line of a plant that runs, until Ctrl-C or SIGTERM: order jobs of its stations, and nothing else.

    The machines' requests are answered by `cellwright up --no-line`. Whoever comes second, `up` or this, stands by and
    takes over when the first one ends, however it ends. Exit code 3 when nothing of the plant works on job orders.
    """
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    quiet_library()
    plant = load_plant(find_plant(plant_name))
    folder = data or default_data()
    endpoints = _of_the_line(plant, read_machines(machines, plant))
    outside = Outside(endpoints, open_link_security(folder / "pki", wall_us), answers=False)
    stop = stop_event()
    async with await open_existing(data, database_url) as database:
        runtime = Runtime(database.url, plant, open_clock(clock), outside=outside, random=SystemRandom())
        async with runtime:
            click.echo(f"plant {plant.code}: supervising the line; work centres: {', '.join(endpoints)}")
            await stop.wait()
    click.echo("stopped")


def _of_the_line(plant: Plant, endpoints: dict[str, Endpoint]) -> dict[str, Endpoint]:
    """Return the servers of work centres with stations of the line; raises ConfigurationError when there is none."""
    centers = {each.work_center for each in plant.stations.values() if each.dispatched}
    if not centers:
        raise ConfigurationError(
            [f"no station of plant {plant.code} works on job orders; set `dispatched = true` in equipment.toml"]
        )
    found = {code: each for code, each in endpoints.items() if code in centers}
    if not found:
        text = f"the machines file names no server of {', '.join(sorted(centers))}, where the line is; add them"
        raise ConfigurationError([text])
    return found
