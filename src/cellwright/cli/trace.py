"""`cellwright trace`: what is it made of, and where did it go?"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from msgspec import Struct, structs

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
from cellwright.rules.positions import Direction, Stretch
from cellwright.views.corrected import Corrected
from cellwright.views.people import catch_up
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
from cellwright.views.trace_work import WorkedAt, worked_at

_NODES_SHOWN = 20
_STRETCHES_SHOWN = 3
_NAMED_MAX = 3


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

    async def traced(connection: Connection) -> list[Trace]:
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

    async def question(connection: Connection) -> list[_Answer]:
        return [await _with_work(connection, each) for each in await traced(connection)]

    try:
        answers = await ask(data, database_url, question)
    except TraceError as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_FAILED)
    contents = [_shown(each) for each in answers]
    content = contents[0] if len(contents) == 1 else contents
    show(content, as_json=as_json, lines=lambda: [line for each in answers for line in _answer_lines(each)])


class _Answer(Struct, frozen=True):
    """A trace, and where what it reached was worked on; of things left out nothing is said."""

    trace: Trace
    work: tuple[WorkedAt, ...]
    left_out_count: int


async def _with_work(connection: Connection, answer: Trace) -> _Answer:
    if answer.direction is Direction.FORWARD:
        return _Answer(answer, (), 0)
    await catch_up(connection)
    return _Answer(answer, *await worked_at(connection, answer))


def _shown(answer: _Answer) -> dict[str, Any]:
    """Return a trace for programs."""
    return structs.asdict(answer.trace) | {"work": answer.work, "work_left_out_count": answer.left_out_count}


def _answer_lines(answer: _Answer) -> list[str]:
    lines = _lines(answer.trace)
    if answer.work:
        lines.append("worked at")
        lines += [f"  {_work_line(each)}" for each in answer.work]
    if answer.left_out_count:
        lines.append(f"  where {answer.left_out_count} more units and lots were worked on is told by a trace of each")
    return lines


def _work_line(work: WorkedAt) -> str:
    """Return one line: how many of what were worked on, where, when, and with what."""
    recipe = f"recipe {work.recipe} {work.recipe_revision}" if work.recipe else ""
    tools = ", ".join(
        f"{each.code} fitted {moment(each.fitted_us)}" if each.fitted_us else each.code for each in work.tools
    )
    carriers = _some("carrier", work.carriers)
    channels = _some("channel", [str(each) for each in work.channels])
    parts = [
        f"{work.count} {work.level}",
        f"{work.operation} at {work.station}",
        recipe,
        f"tool {tools}" if tools else "",
    ]
    parts += [carriers, channels, f"by {', '.join(work.roles)}" if work.roles else "", moment(work.to_us)]
    return "  ".join([*filter(None, parts), f"basis {work.basis}"])


def _some(name: str, codes: Sequence[str]) -> str:
    if len(codes) > _NAMED_MAX:
        return f"{len(codes)} {name}s"
    return f"{name} {', '.join(codes)}" if codes else ""


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
