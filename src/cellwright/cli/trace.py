"""`cellwright trace`: what is it made of, and where did it go?"""

import sys
from pathlib import Path

import click

from cellwright.cli.common import ask, coroutine, data_option, database_option, json_option, show
from cellwright.cli.main import EXIT_FAILED
from cellwright.database.pool import Connection
from cellwright.rules.positions import Stretch
from cellwright.views.trace import CodeKind, Trace, TraceError, TraceNode, find_code, trace_backward, trace_forward

_NODES_SHOWN = 20
_STRETCHES_SHOWN = 3


@click.command()
@click.argument("code")
@click.option("--forward/--backward", default=None, help="Into what it went, or of what it is made. [default: by kind]")
@click.option("--start", type=int, default=None, help="Of a lot: only from this position on, in its measure.")
@click.option("--end", type=int, default=None, help="Of a lot: only up to this position, in its measure.")
@click.option("--lane", type=int, default=0, help="Of a lot: only this lane, with --forward. [default: all]")
@data_option
@database_option
@json_option
@coroutine
async def trace(
    code: str,
    *,
    forward: bool | None,
    start: int | None,
    end: int | None,
    lane: int,
    data: Path | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Trace CODE: a unit backward to its lots, a lot forward to its cells, modules and packs.

    Every stretch of a lot comes with its tolerance, every unit and lot with its basis: exact, interval or lot.
    """

    async def question(connection: Connection) -> list[Trace]:
        found = await find_code(connection, code)
        if found.kind is not CodeKind.LOT and (start, end, lane) != (None, None, 0):
            raise TraceError(f"{code} is a {found.kind}; --start, --end and --lane choose a stretch of a lot")
        subjects = found.units if found.kind is CodeKind.CARRIER else (found.number,)
        ahead = found.kind is CodeKind.LOT if forward is None else forward
        if ahead:
            return [await trace_forward(connection, each, start=start, end=end, lane=lane) for each in subjects]
        return [await trace_backward(connection, each, start=start, end=end) for each in subjects]

    try:
        traces = await ask(data, database_url, question)
    except TraceError as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_FAILED)
    content = traces[0] if len(traces) == 1 else traces
    show(content, as_json=as_json, lines=lambda: [line for each in traces for line in _lines(each)])


def _lines(answer: Trace) -> list[str]:
    """Return counts first, then the first nodes of each level."""
    counts = ", ".join(f"{number} {level}" for level, number in answer.levels.items())
    lines = [f"{answer.subject} {answer.direction}: {counts}"]
    for level, number in answer.levels.items():
        nodes = [node for node in answer.nodes if node.level == level]
        lines.append(f"{level} ({number})")
        for node in nodes[:_NODES_SHOWN]:
            where = _stretches(node)
            lines.append(
                f"  {node.code}  {node.kind}  {node.status}  basis {node.basis}" + (f"  {where}" if where else "")
            )
        if number > _NODES_SHOWN:
            lines.append(f"  ... {number - _NODES_SHOWN} more; all with --json")
    return lines


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
