"""`cellwright trace`: what is it made of, and where did it go?"""

import sys
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
    printable,
    show,
)
from cellwright.cli.main import EXIT_FAILED
from cellwright.cli.times import moment
from cellwright.database.pool import Connection
from cellwright.rules.positions import Stretch
from cellwright.views.corrections import Corrected
from cellwright.views.subjects import (
    BUILT,
    AsOf,
    CodeKind,
    FoundCode,
    Moment,
    TraceError,
    find_code,
    newest_us,
    read_moment,
)
from cellwright.views.trace import Trace, TraceNode, trace_backward, trace_forward, trace_vehicle

_NODES_SHOWN = 20
_STRETCHES_SHOWN = 3


@click.command()
@click.argument("code")
@click.option("--forward/--backward", default=None, help="Into what it went, or of what it is made. [default: by kind]")
@click.option("--start", type=int, default=None, help="Of a lot: only from this position on, in its measure.")
@click.option("--end", type=int, default=None, help="Of a lot: only up to this position, in its measure.")
@click.option("--lane", type=int, default=0, help="Of a lot: only this lane, with --forward. [default: all]")
@click.option(
    "--as-of",
    "as_of",
    default="",
    metavar="TIME",
    help="Members as of this time (UTC, or with its zone). [default: now]",
)
@click.option("--as-built", is_flag=True, help="Members as it was first complete; with --forward, as first built in.")
@data_option
@database_option
@clock_option
@json_option
@coroutine
async def trace(
    code: str,
    *,
    forward: bool | None,
    start: int | None,
    end: int | None,
    lane: int,
    as_of: str,
    as_built: bool,
    data: Path | None,
    database_url: str | None,
    clock: Path | None,
    as_json: bool,
) -> None:
    """Trace CODE: a unit or vehicle backward to its lots, a lot forward to its cells, modules, packs and vehicles.

    Every stretch of a lot comes with its tolerance, every unit and lot with its basis: exact, interval or lot. Members
    that were replaced are told as they are now (as maintained), as built, or as of a time.
    """
    now = open_clock(clock)

    async def question(connection: Connection) -> list[Trace]:
        found = await find_code(connection, code)
        if found.kind is not CodeKind.LOT and (start, end, lane) != (None, None, 0):
            raise TraceError(f"{code} is a {found.kind}; --start, --end and --lane choose a stretch of a lot")
        at = await _moment(connection, now(), as_of=as_of, as_built=as_built)
        if found.kind is CodeKind.VEHICLE:
            return [await _trace_vehicle(connection, found, at, forward=forward)]
        subjects = found.units if found.kind is CodeKind.CARRIER else (found.number,)
        ahead = found.kind is CodeKind.LOT if forward is None else forward
        if not ahead:
            return [await trace_backward(connection, each, start=start, end=end, moment=at) for each in subjects]
        return [await trace_forward(connection, each, start=start, end=end, lane=lane, moment=at) for each in subjects]

    try:
        traces = await ask(data, database_url, question)
    except TraceError as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_FAILED)
    content = traces[0] if len(traces) == 1 else traces
    show(content, as_json=as_json, lines=lambda: [line for each in traces for line in _lines(each)])


async def _moment(connection: Connection, now_us: int, *, as_of: str, as_built: bool) -> Moment:
    if as_built and as_of:
        raise TraceError("--as-of and --as-built ask for two moments; give one of them")
    return BUILT if as_built else read_moment(as_of, max(now_us, await newest_us(connection)))


async def _trace_vehicle(connection: Connection, found: FoundCode, at: Moment, *, forward: bool | None) -> Trace:
    if forward:
        raise TraceError(f"{found.code} is a vehicle, of which nothing is made; trace it --backward")
    return await trace_vehicle(connection, found.code, moment=at)


def _lines(answer: Trace) -> list[str]:
    """Return counts first, then the first nodes of each level."""
    counts = ", ".join(f"{number} {level}" for level, number in answer.levels.items())
    lines = [f"{answer.subject} {answer.direction}{_as_of(answer)}: {counts}"]
    for level, number in answer.levels.items():
        nodes = [node for node in answer.nodes if node.level == level]
        lines.append(f"{level} ({number})")
        for node in nodes[:_NODES_SHOWN]:
            where = _stretches(node)
            lines.append(
                "  ".join(
                    ["", node.code, *filter(None, (node.kind, node.status)), f"basis {node.basis}", where]
                ).rstrip()
            )
        if number > _NODES_SHOWN:
            lines.append(f"  ... {number - _NODES_SHOWN} more; all with --json")
    return [*lines, *map(_corrected, answer.corrections)]


def _corrected(correction: Corrected) -> str:
    who = f"{correction.corrected_by} and {correction.second_person}"
    return f"corrected {moment(correction.corrected_us)} by {who}: {printable(correction.reason)}"


def _as_of(answer: Trace) -> str:
    if answer.as_of is AsOf.MAINTAINED:
        return ""
    at = f" {moment(answer.as_of_us)}" if answer.as_of_us else ""
    return f", as built{at}" if answer.as_of is AsOf.BUILT else f", as of{at}"


def _stretches(node: TraceNode) -> str:
    """Return the first stretches of a lot, and how many more there are."""
    if node.measure and not node.quantity:
        return "quantity unknown"
    shown = [_stretch(each, node.measure) for each in node.stretches[:_STRETCHES_SHOWN]]
    more = len(node.stretches) - len(shown)
    return "; ".join([*shown, f"... {more} more"] if more else shown)


def _stretch(stretch: Stretch, measure: str) -> str:
    lane = f" lane {stretch.lane}" if stretch.lane else ""
    return f"[{stretch.start}, {stretch.end}) {measure} +- {stretch.tolerance}{lane}"
