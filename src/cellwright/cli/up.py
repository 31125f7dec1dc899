"""`cellwright up`: database, gate and links in one process, until told to stop."""

import asyncio
import contextlib
import logging
import os
import signal
from pathlib import Path
from random import SystemRandom

import click
import msgspec

from cellwright.cli.common import (
    clock_option,
    coroutine,
    data_option,
    database_option,
    default_data,
    json_option,
    local_author,
    open_clock,
    open_migrated,
    plant_option,
    wall_us,
)
from cellwright.errors import ConfigurationError
from cellwright.links.opcua.security import write_secret
from cellwright.links.opcua.session import quiet_library
from cellwright.plant.config import find_plant, load_plant
from cellwright.plant.cyclers import FOLDER, Intake, open_cyclers
from cellwright.plant.machines import make_link_identity, open_link_security, read_machines
from cellwright.plant.runtime import Outside, Runtime
from cellwright.plant.telemetry import open_telemetry
from cellwright.web.access.links import link_path
from cellwright.web.opening import Behind, Face, open_web
from cellwright.web.server import read_listen

_PEM = click.Path(path_type=Path, dir_okay=False, exists=True)


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
@click.option(
    "--cyclers",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Folder that cyclers put their files into; see docs/how-to/connect-cyclers.md. [default: `cyclers` of the data]",
)
@click.option(
    "--listen",
    default="127.0.0.1:8640",
    show_default=True,
    help="HOST:PORT of the pages; beyond this machine only with --certificate and --key; `none` serves no pages.",
)
@click.option("--certificate", type=_PEM, default=None, help="Certificate of the pages' server (PEM).")
@click.option("--key", type=_PEM, default=None, help="Its private key (PEM).")
@click.option("--no-line", is_flag=True, help="Do not supervise the line here; `cellwright run line` does.")
@json_option
@coroutine
async def up(
    plant_name: str,
    *,
    data: Path | None,
    database_url: str | None,
    clock: Path | None,
    machines: Path | None,
    cyclers: Path | None,
    listen: str,
    certificate: Path | None,
    key: Path | None,
    no_line: bool,
    as_json: bool,
) -> None:
    """Run a plant on this machine until Ctrl-C or SIGTERM; --json prints one object per event."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    quiet_library()
    door = None if listen == "none" else read_listen(listen, certificate, key)
    plant = load_plant(find_plant(plant_name))
    folder = data or default_data()
    make_link_identity(folder / "pki", wall_us)
    outside = None
    if machines is not None:
        security = open_link_security(folder / "pki", wall_us)
        outside = Outside(read_machines(machines, plant), security, supervises=not no_line)
    stop = stop_event()
    async with await open_migrated(folder, database_url) as database:
        if database.server is not None and not database.server.owned:
            text = f"{folder}: another process runs this plant; stop it first, or choose another folder with --data"
            raise ConfigurationError([text])
        ready = f"database ready (PostgreSQL {database.version // 10000})"
        _say("database", ready, version=database.version, as_json=as_json)
        now = open_clock(clock)
        runtime = Runtime(database.url, plant, now, outside=outside, random=SystemRandom())
        async with open_telemetry(database.url, folder, now) as store, runtime, contextlib.AsyncExitStack() as opened:
            intake = Intake(cyclers or folder / FOLDER, plant, store, wall_us, runtime.gate)
            await opened.enter_async_context(open_cyclers(database.url, intake))
            centres = list(outside.endpoints) if outside else []
            named = ", ".join(centres) or "none; name them with --machines"
            text = f"plant {plant.code} ({plant.name}): the gate answers (pid {os.getpid()}); work centres: {named}"
            _say("answering", text, plant=plant.code, pid=os.getpid(), work_centres=centres, as_json=as_json)
            if door is not None:
                behind = Behind(
                    database_url=database.url,
                    gate=runtime.gate,
                    plant=plant,
                    clock=now,
                    wall_us=wall_us,
                    machines=runtime.machine_signs,
                    telemetry=store,
                    is_simulated=clock is not None,
                    trail=folder / "audit",
                )
                face = await opened.enter_async_context(open_web(behind, door))
                _say("serving", f"pages: {face.address}", address=face.address, as_json=as_json)
                await _offer_set_up(face, folder / "set-up.link", as_json=as_json)
            await stop.wait()
            _say("stopping", "stopping ...", as_json=as_json)
    _say("stopped", "stopped", as_json=as_json)


async def _offer_set_up(face: Face, file: Path, *, as_json: bool) -> None:
    """While the plant has no admin: print a one-time link, and write it where only this account reads it."""
    token = await face.access.make_set_up_link(local_author())
    if token is None:
        file.unlink(missing_ok=True)
        return
    link = face.address + link_path(token)
    write_secret(file, link.encode())
    _say("set_up", f"first admin, within 30 minutes: {link}", link=link, as_json=as_json)


def _say(event: str, text: str, *, as_json: bool, **content: object) -> None:
    """Tell what happened: a sentence, or one JSON object a line."""
    click.echo(msgspec.json.encode({"event": event, **content}) if as_json else text)


def stop_event() -> asyncio.Event:
    """Return what is set when the process is asked to end."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop
