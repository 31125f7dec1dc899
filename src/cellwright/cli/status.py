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
    """Show what the plant is doing: units, stations, material at positions, yields, refusals."""
    now = open_clock(clock)

    async def question(connection: Connection) -> tuple[Status, list[Tally]]:
        await catch_up(connection)
        return await read_status(connection, now()), await read_yields(connection)

    seen, yields = await ask(data, database_url, question)
    content = {"status": seen, "first_pass_yield": {each.operation: each for each in yields}}
    show(content, as_json=as_json, lines=lambda: status_lines(seen, yields))


def status_lines(seen: Status, yields: list[Tally]) -> list[str]:
    """Return a status for people."""
    age = "none yet" if seen.last_fact_age_s is None else f"{seen.last_fact_age_s:.0f} s of plant time old"
    return [
        f"{seen.facts} facts, the last one {age}; {seen.packs_finished_count} packs finished",
        *(f"{kind}s: {_counts(by_status)}" for kind, by_status in seen.units.items()),
        "first-pass yield:",
        *(f"  {each.operation}: {yield_text(each)}" for each in yields),
        "stations:",
        *(f"  {_station_line(each)}" for each in seen.stations),
        "material at positions:",
        *(
            f"  {each.station} {each.position}: {each.remaining} {each.measure} of {each.lot} ({each.material})"
            for each in seen.loaded
        ),
        f"refusals: {_counts(seen.refusals) or 'none'}; open holds: {seen.holds_count}",
    ]


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items())


def _station_line(station: StationStatus) -> str:
    counts = f"{station.ok_count} good, {station.ng_count} not good, {station.running_count} in process"
    refused = f", {station.refused_count} refused, last {station.last_refusal}" if station.refused_count else ""
    return f"{station.station} {station.operation}: {counts}{refused}"


def yield_text(each: Tally) -> str:
    """Return a first-pass yield with its n."""
    if not each.first_count:
        return "unknown (n = 0)"
    return f"{each.first_good_count / each.first_count:.1%} (n = {each.first_count})"
