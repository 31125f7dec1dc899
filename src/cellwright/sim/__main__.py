"""The virtual plant as a process of its own: `python -m cellwright.sim --help`."""

import argparse
import asyncio
import gc
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import uvloop
from msgspec import structs

from cellwright.sim.asked import rates_of
from cellwright.sim.catalogue import NO_DEFECTS, Defects, Settings
from cellwright.sim.clock import PlantStoppedError, TimeFile
from cellwright.sim.line import OPERATIONS, ExtraStation, VirtualPlant, work_centers
from cellwright.sim.servers import WORK_CENTERS, Servers, open_keys
from cellwright.sim.standin import MemoryNodes, StandIn
from cellwright.sim.truth import observe, write_truth

EXIT_SHIPPED = 0
EXIT_STOPPED = 3
_LINES_PER_TRUTH = 10


def wall_us() -> int:
    """Return the real time (UTC us): certificates live in real time, not in plant time."""
    return time.clock_gettime_ns(time.CLOCK_REALTIME) // 1000


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options of the command line."""
    standard = Settings()
    parser = argparse.ArgumentParser(prog="python -m cellwright.sim", description="A virtual LFP 32700 plant.")
    add = parser.add_argument
    add("--seed", type=int, default=standard.seed, help="every chance follows from it")
    add("--packs", type=int, default=standard.packs, help="packs to ship")
    add("--page", type=int, default=standard.page, help="cells per winding request")
    add("--start-us", type=int, default=standard.start_us, help="plant time at the start, UTC us")
    add("--slack-s", type=float, default=standard.slack_s, help="plant time that an answer takes, s")
    add("--patience-s", type=float, default=standard.patience_s, help="host time to wait for an answer, s")
    add("--pace", type=float, default=standard.pace_ratio, help="plant seconds per host second at most, 0 = no limit")
    add("--endpoints-file", type=Path, help="where to write {work centre: url} as JSON")
    add("--clock", type=Path, help="memory-mapped file that gets the plant time")
    add("--truth", type=Path, required=True, help="folder for the ground truth")
    add("--cyclers", default=standard.cyclers, help="folder that the cyclers write their curves to; none = no curves")
    add("--pki", type=Path, help="folder of the machines' keys; trusted/*.der are the clients")
    add("--alone", action="store_true", help="run without an MES: a stand-in says yes to everything")
    add("--progress-s", type=float, default=1.0, help="host time between two progress lines, s")
    add("--defect", action="append", default=[], metavar="NAME[=RATE]", help="change the rate of a defect, 0 = off")
    add("--no-defects", action="store_true", help="switch every defect off")
    add("--person", action="append", default=[], metavar="STATION=BADGE", help="the person at a station")
    add("--dispatched", action="append", default=[], metavar="STATION", help="a station that works on job orders only")
    add(
        "--station",
        action="append",
        default=[],
        metavar="CODE=OPERATION@WORK_CENTRE",
        help="one more station; those of the plant anyway are passed over",
    )
    options = parser.parse_args(arguments)
    if not options.alone and None in (options.endpoints_file, options.clock, options.pki):
        parser.error("--endpoints-file, --clock and --pki are needed, unless --alone")
    try:
        rates_of(options.defect)
    except ValueError as error:
        parser.error(str(error))
    return options


def settings_of(options: argparse.Namespace) -> Settings:
    """Return the run that the options ask for; raises ValueError for what is no defect or no rate."""
    defects = structs.replace(NO_DEFECTS if options.no_defects else Defects(), **rates_of(options.defect))
    return Settings(
        seed=options.seed,
        packs=options.packs,
        page=options.page,
        start_us=options.start_us,
        slack_s=options.slack_s,
        patience_s=options.patience_s,
        pace_ratio=options.pace,
        defects=defects,
        cyclers=options.cyclers,
        persons={code: badge for code, _, badge in (each.partition("=") for each in options.person)},
        dispatched=frozenset(options.dispatched),
    )


def extra_stations(options: argparse.Namespace) -> list[ExtraStation]:
    """Return the stations named by --station that the virtual plant does not have anyway."""
    known = {code for codes in WORK_CENTERS.values() for code in codes}
    extra = []
    for text in options.station:
        code, _, rest = text.partition("=")
        operation, _, work_center = rest.partition("@")
        if code not in known:
            extra.append(ExtraStation(code, operation, work_center))
    return extra


def _say(**content: object) -> None:
    sys.stdout.write(msgspec.json.encode(content).decode() + "\n")
    sys.stdout.flush()


async def _report(plant: VirtualPlant, options: argparse.Namespace) -> None:
    lines = 0
    while True:
        await asyncio.sleep(options.progress_s)
        _say(event="progress", **msgspec.to_builtins(plant.progress()))
        lines += 1
        if lines % _LINES_PER_TRUTH == 0:
            write_truth(observe(plant.world), options.truth)


async def _run_until_stopped(plant: VirtualPlant, extra: Sequence[ExtraStation]) -> str:
    """Run the plant; returns why it stopped early, empty when the packs were shipped."""
    work = asyncio.get_running_loop().create_task(plant.run(extra), name="virtual plant")
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    try:
        await work
    except PlantStoppedError as error:
        return str(error)
    except asyncio.CancelledError:
        return "stopped by a signal"
    return ""


async def run(options: argparse.Namespace) -> int:
    """Run the plant to its end and return the exit code."""
    if options.alone:
        stand_in = StandIn(OPERATIONS)
        nodes = {code: MemoryNodes(code) for codes in WORK_CENTERS.values() for code in codes}
        for each in nodes.values():
            stand_in.attach(each)
        return await _run_plant(VirtualPlant(nodes, settings_of(options), lambda _: None), (), options)
    keys, extra = open_keys(options.pki, wall_us), extra_stations(options)
    time_file = TimeFile(options.clock)
    async with Servers(keys, work_centers(extra)) as servers:
        plant = VirtualPlant(servers.stations, settings_of(options), time_file.publish)
        _announce(servers.urls, options.endpoints_file)
        gc.freeze()  # a million objects of address space that stay: nothing for the collector to visit again
        code = await _run_plant(plant, extra, options)
    time_file.close()
    return code


def _announce(urls: dict[str, str], path: Path) -> None:
    draft = path.with_name(path.name + ".new")
    draft.write_bytes(msgspec.json.encode(urls))
    draft.replace(path)
    _say(event="listening", endpoints=urls)


async def _run_plant(plant: VirtualPlant, extra: Sequence[ExtraStation], options: argparse.Namespace) -> int:
    reporting = asyncio.get_running_loop().create_task(_report(plant, options))
    try:
        reason = await _run_until_stopped(plant, extra)
    finally:
        reporting.cancel()
        with suppress(asyncio.CancelledError):
            await reporting
    write_truth(observe(plant.world, reason), options.truth)
    event = "stopped" if reason else "shipped"
    _say(event=event, reason=reason, **msgspec.to_builtins(plant.progress()))
    return EXIT_STOPPED if reason else EXIT_SHIPPED


def main() -> int:
    """Run as a process."""
    return uvloop.run(run(parse(sys.argv[1:])))


if __name__ == "__main__":
    sys.exit(main())
