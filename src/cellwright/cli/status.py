"""`cellwright status`: what the plant is doing."""

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
    show,
)
from cellwright.cli.times import moment, since
from cellwright.database.pool import Connection
from cellwright.views.people import catch_up
from cellwright.views.status import StationStatus, Status, read_status
from cellwright.views.yields import Tally, read_yields


@click.command()
@data_option
@database_option
@clock_option
@json_option
@coroutine
async def status(data: Path | None, database_url: str | None, clock: Path | None, *, as_json: bool) -> None:
    """Show what the plant is doing: units, stations, material at positions, yields, refusals; times are plant time."""
    now = open_clock(clock)

    async def question(connection: Connection) -> tuple[int, Status, list[Tally]]:
        await catch_up(connection)
        now_us = now()
        return now_us, await read_status(connection, now_us), await read_yields(connection)

    now_us, seen, yields = await ask(data, database_url, question)
    content = {"status": seen, "first_pass_yield": {each.operation: each for each in yields}}
    show(content, as_json=as_json, lines=lambda: status_lines(seen, yields, now_us))


def status_lines(seen: Status, yields: list[Tally], now_us: int) -> list[str]:
    """Return a status at a plant time (UTC us) for people."""
    last = f", the last one {since(seen.last_fact_us, now_us)}" if seen.facts else ""
    return [
        f"plant time: {moment(now_us)}",
        f"journal: {seen.facts} facts{last}",
        *(f"{kind}s: {sum(by_status.values())} ({_counts(by_status)})" for kind, by_status in seen.units.items()),
        "first-pass yield, good at the first attempt of n tried:",
        *(f"  {each.operation}: {yield_text(each)}" for each in yields),
        "stations, units or lots since the journal began:",
        *(f"  {_station_line(each, now_us)}" for each in seen.stations),
        "material at positions:",
        *(
            f"  {each.station} {each.position}: {each.remaining} {each.measure} of {each.lot} ({each.material})"
            for each in seen.loaded
        ),
        f"refused commands: {_counts(seen.refusals) or 'none'}",
        f"open holds: {seen.holds_count}",
    ]


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items())


def _station_line(station: StationStatus, now_us: int) -> str:
    counts = f"{station.ok_count} good, {station.ng_count} not good, {station.running_count} in process"
    refused = f"; refused {station.refused_count}, last {station.last_refusal}" if station.refused_count else ""
    return f"{station.station} {station.operation}: {counts}; last fact {since(station.last_fact_us, now_us)}{refused}"


def yield_text(each: Tally) -> str:
    """Return a first-pass yield with its n."""
    if not each.first_count:
        return "unknown (n = 0)"
    return f"{each.first_good_count / each.first_count:.1%} (n = {each.first_count})"
