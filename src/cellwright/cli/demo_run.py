"""Running the demo: database, virtual plant, real plant, and what came of it."""

import asyncio
import contextlib
import secrets
import shutil
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec import Struct

from cellwright.cli.access import open_ground
from cellwright.cli.common import local_author, open_migrated, wall_us
from cellwright.cli.demo_report import Report, Run, make_report
from cellwright.cli.processes import Child
from cellwright.database.opening import Database
from cellwright.database.pool import connect
from cellwright.errors import CellwrightError, ConfigurationError, LinkError
from cellwright.links.cyclers.folder import waiting_files
from cellwright.links.opcua.security import application_uri_of
from cellwright.model.answers import Refusal
from cellwright.model.commands import AddPerson, Command, QualifyPerson, RecordCalibration, ReleaseOrder, Submission
from cellwright.model.ids import UnitKind
from cellwright.model.plant import Plant
from cellwright.plant.clock import MappedClock
from cellwright.plant.config import find_plant, load_plant
from cellwright.plant.cyclers import FOLDER as CYCLERS
from cellwright.plant.machines import Machine, make_link_identity, write_machines
from cellwright.plant.runtime import open_gate, release_plant
from cellwright.rules.people import ROLES
from cellwright.web.access.links import Links, link_path

_READY_S = 60.0
_LOOKS = 600
_YEAR_US = 365 * 86_400 * 1_000_000
_WEEK_US = 7 * 86_400 * 1_000_000
_PERSON = "DEMO-0001"
_VIEWER = "DEMO-VIEWER"
"""Whoever watches the demo in a browser: may do everything that somebody of the plant may."""
_VIEWER_ROLES = tuple(role for role in ROLES if role != "partner")


class DemoOptions(Struct, frozen=True, kw_only=True):
    """What to run and where."""

    packs: int
    seed: int
    plant: str
    folder: Path
    database_url: str | None
    listen: str
    """Where the pages are served, `none` = nowhere."""
    pace_ratio: float
    """Plant time per host time at most, 0 = as fast as it goes."""
    defects: tuple[str, ...] = ()
    """Defects of the virtual plant, as NAME or NAME=RATE."""


class Progress(Struct):
    """How far the virtual plant says it is; plant time in UTC us."""

    event: str = ""
    time_us: int = 0
    cells_wound: int = 0
    cells_good: int = 0
    packs_shipped: int = 0
    reason: str = ""


class _Said(Struct, frozen=True):
    """What `cellwright up --json` says on a line."""

    event: str
    address: str = ""


class Watcher(Protocol):
    """Whoever shows the demo to a person."""

    def invite(self, link: str) -> None:
        """Tell the address that opens the pages."""

    def step(self, text: str) -> None:
        """Tell what is being done now."""

    def progress(self, progress: Progress, restarts: int) -> None:
        """Show how far the plant is."""

    async def follow(self, database_url: str, plant: Plant) -> None:
        """Show the plant's state until cancelled."""


async def run_demo(options: DemoOptions, screen: Watcher, stay: Callable[[Report], Awaitable[None]]) -> Report:
    """Run the demo to its end and return the report; raises ConfigurationError where a plant is already.

    `stay` gets the report while the pages are still served; the demo ends when it returns.
    """
    started_s = time.monotonic()
    plant = load_plant(find_plant(options.plant))
    if any((options.folder / name).exists() for name in ("database", "database.location", "endpoints.json")):
        raise ConfigurationError([f"{options.folder} holds a plant already; give the demo an empty folder"])
    rates = await _rates_of(options.defects)
    screen.step("starting the database (PostgreSQL)")
    async with await open_migrated(options.folder, options.database_url) as database:
        await _refuse_a_real_plant(database)
        screen.step("starting the machines of a virtual battery plant")
        async with _virtual_plant(options, plant, rates) as machines:
            await _introduce(options.folder, machines)
            await _seed_records(database, plant, MappedClock(options.folder / "plant.clock"), packs=options.packs)
            screen.step("starting Cellwright, which tells every machine what it may do")
            way_in = await _make_way_in(database)
            async with _real_plant(options, database) as gate, _shown(screen, database.url, plant):
                await _invite(gate, screen, options, way_in)
                last = await _watch(machines, gate, screen, options.folder)
                await _until_curves_are_taken(options.folder / CYCLERS)
                screen.step("comparing what Cellwright recorded with what really happened")
                wall_s = round(time.monotonic() - started_s, 1)
                run = Run(
                    seed=options.seed,
                    wall_s=wall_s,
                    gate_restarts=gate.restarts,
                    stopped=last.reason,
                    defects=tuple(rates),
                )
                report = await make_report(database.url, plant, options.folder, run)
                await stay(report)
                return report


async def _rates_of(defects: Sequence[str]) -> dict[str, float]:
    """Let the virtual plant say which defects are meant; raises ConfigurationError for what it does not know."""
    if not defects:
        return {}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cellwright.sim.asked",
        *defects,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    if process.returncode:
        raise ConfigurationError([f"--defect: {errors.decode('utf-8', 'replace').strip()}"])
    return msgspec.json.decode(output, type=dict[str, float])


async def _refuse_a_real_plant(database: Database) -> None:
    connection = await connect(database.url)
    try:
        if await connection.fetchval("SELECT EXISTS (SELECT FROM fact)"):
            raise ConfigurationError(["the database holds a plant's facts already; give the demo an empty one"])
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def _shown(screen: Watcher, database_url: str, plant: Plant) -> AsyncIterator[None]:
    """Let the screen follow the plant."""
    following = asyncio.create_task(screen.follow(database_url, plant), name="live view")
    try:
        yield
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


def _virtual_plant(options: DemoOptions, plant: Plant, rates: Mapping[str, float]) -> Child:
    folder = options.folder
    trusted = folder / "machines" / "trusted"
    trusted.mkdir(parents=True, exist_ok=True)
    (trusted / "mes.der").write_bytes(make_link_identity(folder / "pki", wall_us))
    persons = [
        f"--person={station.code}={_PERSON}"
        for station in plant.stations.values()
        if _needs_person(plant, station.code)
    ]
    arguments = [
        "cellwright.sim",
        f"--seed={options.seed}",
        f"--packs={options.packs}",
        f"--pace={options.pace_ratio}",
        f"--endpoints-file={folder / 'endpoints.json'}",
        f"--clock={folder / 'plant.clock'}",
        f"--truth={folder / 'truth'}",
        f"--pki={folder / 'machines'}",
        f"--cyclers={folder / CYCLERS}",
        *persons,
        *(f"--defect={name}={rate}" for name, rate in rates.items()),
        *(f"--dispatched={station.code}" for station in plant.stations.values() if station.dispatched),
        *_stations(plant),
    ]
    return Child(arguments, log=folder / "machines.log")


def _stations(plant: Plant) -> list[str]:
    """Name every station, so that the virtual plant acts out those that someone added to the files."""
    stations = [each for each in plant.stations.values() if each.operations]
    return [f"--station={each.code}={each.operations[0]}@{each.work_center}" for each in stations]


def _needs_person(plant: Plant, station: str) -> bool:
    wanted = {each.code for route in plant.routes.values() for each in route.operations if each.qualification}
    return bool(wanted.intersection(plant.stations[station].operations))


async def _introduce(folder: Path, machines: Child) -> None:
    """Wait until the machines listen, pin their certificate, and note where they are."""
    endpoints = folder / "endpoints.json"
    deadline_s = time.monotonic() + _READY_S
    while not endpoints.exists():
        if not machines.pid or time.monotonic() > deadline_s:
            raise LinkError(f"the virtual plant did not come up; its last words:\n{machines.last_words()}")
        await asyncio.sleep(0.05)
    certificate = (folder / "machines" / "machine" / "certificate.der").read_bytes()
    trusted = folder / "pki" / "trusted"
    trusted.mkdir(parents=True, exist_ok=True)
    (trusted / "machines.der").write_bytes(certificate)
    shutil.copy2(folder / "machines" / "user.json", folder / "pki" / "user.json")
    urls = msgspec.json.decode(endpoints.read_bytes(), type=dict[str, str])
    uri = application_uri_of(certificate)
    write_machines(folder / "machines.json", {code: Machine(url, uri) for code, url in urls.items()})


async def _seed_records(database: Database, plant: Plant, clock: MappedClock, *, packs: int) -> None:
    """What exists in a plant before its first shift: orders, people, their qualifications, valid calibrations."""
    until_us = clock() + _YEAR_US
    operations = [each for route in plant.routes.values() for each in route.operations]
    commands: list[Command] = [
        AddPerson(person=_PERSON, roles=("operator",)),
        AddPerson(person=_VIEWER, roles=_VIEWER_ROLES),
        *_orders(plant, packs, clock()),
    ]
    commands.extend(
        QualifyPerson(person=_PERSON, qualification=name, valid_until_us=until_us)
        for name in sorted({each.qualification for each in operations if each.qualification})
    )
    calibrated = {each.code for each in operations if each.calibrated}
    commands.extend(
        RecordCalibration(station=station.code, valid_until_us=until_us)
        for station in plant.stations.values()
        if calibrated.intersection(station.operations)
    )
    epoch = secrets.randbits(62)
    async with open_gate(database.url, plant, clock) as gate:
        await release_plant(gate, plant, clock(), epoch)
        for number, command in enumerate(commands, start=1):
            answer = await gate.submit(
                Submission(source="demo", epoch=epoch, seq=number, time_us=clock(), actor="demo", command=command)
            )
            if isinstance(answer, Refusal):
                raise CellwrightError("; ".join(each.text for each in answer.reasons))


def _orders(plant: Plant, packs: int, now_us: int) -> list[Command]:
    """Return an order for the packs, and one for what they are made of at each level, all due in a week."""
    wanted = {code: packs for code, each in plant.products.items() if each.kind is UnitKind.PACK}
    orders: dict[str, int] = {}
    while wanted:
        orders.update({code: orders.get(code, 0) + count for code, count in wanted.items()})
        wanted = _members_of(plant, wanted)
    return [
        ReleaseOrder(order=f"DEMO-{code}", product=code, quantity=count, due_us=now_us + _WEEK_US)
        for code, count in orders.items()
    ]


def _members_of(plant: Plant, wanted: dict[str, int]) -> dict[str, int]:
    """Return how many units of other products so many of these products are joined from."""
    found: dict[str, int] = {}
    for product, count in wanted.items():
        joins = (each.members for each in plant.routes[plant.products[product].route].operations if each.members)
        for members in joins:
            found[members.product] = found.get(members.product, 0) + count * members.count
    return found


async def _make_way_in(database: Database) -> str:
    """Return the path that signs the viewer in, once: nobody has to set up a plant that is gone in an hour."""
    async with open_ground(database.url) as ground:
        return link_path(await Links(ground).make_sign_in(_VIEWER, local_author()))


async def _invite(gate: Child, screen: Watcher, options: DemoOptions, way_in: str) -> None:
    """Tell where the pages are, as soon as they are there."""
    if options.listen == "none":
        return
    async for line in gate.lines():
        said = msgspec.json.decode(line, type=_Said)
        if said.event == "serving":
            screen.invite(said.address + way_in)
            return


def _real_plant(options: DemoOptions, database: Database) -> Child:
    folder = options.folder
    arguments = [
        "cellwright",
        "up",
        f"--plant={options.plant}",
        f"--data={folder}",
        f"--clock={folder / 'plant.clock'}",
        f"--machines={folder / 'machines.json'}",
        f"--listen={options.listen}",
        "--json",
    ]
    return Child(arguments, log=folder / "plant.log", environment={"DATABASE_URL": database.url})


async def _watch(machines: Child, gate: Child, screen: Watcher, folder: Path) -> Progress:
    """Follow the virtual plant to its end; give up when the real one cannot stay alive."""
    reviving = gate.keep_alive()
    reading = asyncio.create_task(_read(machines, gate, screen, folder), name="progress")
    try:
        await asyncio.wait({reading, reviving}, return_when=asyncio.FIRST_COMPLETED)
        if not reading.done():
            raise LinkError(f"the plant's process ends again and again; its last words:\n{gate.last_words()}")
        return await reading
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _until_curves_are_taken(folder: Path) -> None:
    """Wait, a while at most, for the last files of the cyclers: the virtual plant ends days of its time in seconds."""
    for _ in range(_LOOKS):
        if not waiting_files(folder):
            return
        await asyncio.sleep(_READY_S / _LOOKS)


async def _read(machines: Child, gate: Child, screen: Watcher, folder: Path) -> Progress:
    last = Progress()
    async for line in machines.lines():
        last = msgspec.json.decode(line, type=Progress)
        (folder / "plant.pid").write_text(str(gate.pid))
        screen.progress(last, gate.restarts)
    code = await machines.wait()
    if last.event not in ("shipped", "stopped"):
        raise LinkError(f"the virtual plant ended with {code}; its last words:\n{machines.last_words()}")
    return last
